//! What the CRM's field history tells: which field of which record changed when, from what to what, and by
//! whom.
//!
//! A change names its record by an id alone, and in some CRMs a lead and a deal may have the same one: what
//! could be a change of several records counts for none of them. History may name a field as the rules do or
//! as the CRM does. What it tells twice is one change, and changes of one moment stand in the order that their
//! values give.
//! Does not: judge a change, or tell one that lies after the review.

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{Batch, Cell, Exposure, Field, Grant, Missing, Object, Row, Shown, id_key};
use crate::finding::{Changed, Evidence};

use super::ladder::same;
use super::names::is_of_people;
use super::people::{Found, Person, Standing, are_named};
use super::sequence::Place;
use super::{Judgement, World};

/// The fields of the history table.
#[derive(Debug, Clone)]
pub(super) struct History {
    field: Field,
    changed: Field,
    old: Option<Field>,
    new: Option<Field>,
    by: Option<Field>,
}

/// One change of one record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) at: DateTime<Utc>,
    /// The record that changed.
    pub(super) record: Row<'a>,
    /// The history's own row.
    row: Row<'a>,
    /// Where it stands among the changes of this field of the record in the same moment.
    place: Place,
    /// The place of the field that changed, among those that were asked for.
    of: usize,
    /// How the values of the field that changed may be shown, wherever they stand.
    exposure: Exposure,
    /// How whoever made it may be shown.
    of_writer: Exposure,
}

impl Change<'_> {
    /// True for one and the same entry of the history.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.row.position() == other.row.position()
    }

    /// True where other changes of one moment may have come before or after it.
    fn is_unclear(&self) -> bool {
        matches!(self.place, Place::Unclear(_))
    }
}

/// Who or what made a change, as far as the inputs say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Actor<'p, 'a> {
    /// A user whom the rules do not name as a service user.
    Person(&'p Person<'a>),
    /// An integration or an administrator whom the rules name.
    Service,
    /// Somebody whom no input knows, or several have the name.
    Stranger,
    /// The history does not say.
    Unsaid,
}

/// The latest change of each record of one table, by the record's position.
pub(super) type Latest<'a> = HashMap<usize, Change<'a>>;

/// A table whose records have fields of some name.
struct Called<'a> {
    batch: &'a Batch,
    /// Which of the wanted fields that are.
    wanted: Vec<usize>,
    /// What the strictest of all of them allows.
    exposure: Exposure,
}

impl History {
    /// Asks for the history.
    pub(super) fn ask(grant: &mut Grant<'_>) -> Result<Self, Missing> {
        let history = Object::FieldHistory;
        grant.field(history, "record")?;
        let by = grant.optional(history, "by");
        if by.is_some() {
            // Who made a change is told by name where users are allowed.
            for name in ["id", "name", "active"] {
                grant.optional(Object::User, name);
            }
        }
        Ok(Self {
            field: grant.field(history, "field")?,
            changed: grant.field(history, "changed")?,
            old: grant.optional(history, "old"),
            new: grant.optional(history, "new"),
            by,
        })
    }

    /// Asks for a history that tells both values of a change.
    pub(super) fn ask_with_values(grant: &mut Grant<'_>) -> Result<Self, Missing> {
        let asked = Self::ask(grant)?;
        for name in ["old", "new"] {
            grant.field(Object::FieldHistory, name)?;
        }
        Ok(asked)
    }

    /// Tells every change of some fields up to the end of the review's day, each with the field's place among them.
    pub(super) fn each<'a>(
        &self,
        world: &World<'a>,
        of: &[&Field],
        judgement: &mut Judgement,
        mut tell: impl FnMut(usize, Change<'a>),
    ) {
        let Some(changes) = world.batch(Object::FieldHistory) else { return };
        let names = self.names(world, of, changes);
        let of_names = of_names(world);
        let sequence = world.sequence();
        let (mut unclear, mut unclear_records) = (0_usize, Vec::new());
        for row in changes.rows() {
            let Some(tables) = row.text(&self.field).and_then(|name| names.get(name)) else {
                continue;
            };
            let Some(at) = row.time(&self.changed).filter(|at| *at < world.as_of.end()) else {
                continue;
            };
            let mut found =
                tables.iter().filter_map(|table| Some((table.batch.find(row.id())?, table)));
            let Some((record, table)) = found.next().filter(|(_, table)| !table.wanted.is_empty())
            else {
                continue;
            };
            let others: Vec<Row<'_>> = found.map(|(other, _)| other).collect();
            if !others.is_empty() {
                unclear += 1;
                unclear_records.push(record);
                unclear_records.extend(others);
                continue;
            }
            let Some(place) = sequence.place(row) else { continue };
            let of_people = |text: Option<&str>| of_people(world, of_names, text);
            let values = [&self.old, &self.new].map(|field| row.text(field.as_ref()?));
            let of_writer = of_people(self.by.as_ref().and_then(|by| row.text(by)));
            for at_field in &table.wanted {
                let is_of_people = of.get(*at_field).is_some_and(|it| is_of_people(it.name()));
                let of_values = values.into_iter().filter(|_| is_of_people).map(of_people).max();
                let exposure = table.exposure.max(of_values.unwrap_or(Exposure::Shown));
                let of = *at_field;
                tell(of, Change { at, record, row, place, of, exposure, of_writer });
            }
        }
        if unclear > 0 {
            let of: Vec<_> = of.iter().map(ToString::to_string).collect();
            let of = of.join(", ");
            let why = format!(
                "{unclear} of {of} with an id that records of several tables have count for none"
            );
            judgement.skip_records(Object::FieldHistory, unclear_records, &why);
        }
    }

    /// For every name in the history that means one of the fields: the tables with a field of that name,
    /// those of the fields first.
    fn names<'a>(
        &self,
        world: &World<'a>,
        of: &[&Field],
        changes: &'a Batch,
    ) -> HashMap<&'a str, Vec<Called<'a>>> {
        let mut names = HashMap::new();
        for (name, _) in changes.count_by(&self.field) {
            if !of.iter().any(|field| is_called(field, name)) {
                continue;
            }
            let mut tables: Vec<Called<'a>> = Vec::new();
            for batch in world.pulled.iter() {
                let object = batch.object();
                let is_wanted = |field: &Field| field.object() == object && is_called(field, name);
                let wanted = of.iter().enumerate().filter(|(_, field)| is_wanted(field));
                let wanted: Vec<usize> = wanted.map(|(at, _)| at).collect();
                let known = world.policies.boundary.fields(object);
                let called = known.filter(|field| is_called(field, name));
                if let Some(exposure) = called.map(Field::exposure).max() {
                    tables.push(Called { batch, wanted, exposure });
                }
            }
            tables.sort_by_key(|table| table.wanted.is_empty());
            names.insert(name, tables);
        }
        names
    }

    /// Notes the tables whose changes can be looked through, and the fields of which the history holds none at all.
    pub(super) fn look_for(&self, world: &World<'_>, of: &[&Field], judgement: &mut Judgement) {
        self.note_silent(world, of, judgement);
        for field in of {
            if !judgement.not_looked.iter().any(|it| it.tells_of(field)) {
                judgement.look_through(field.object());
            }
        }
    }

    /// Notes the fields of which the history holds no change at all: it may not record them.
    pub(super) fn note_silent(&self, world: &World<'_>, of: &[&Field], judgement: &mut Judgement) {
        let Some(changes) = world.batch(Object::FieldHistory) else { return };
        let named = changes.count_by(&self.field);
        let is_silent = |field: &Field| {
            world.batch(field.object()).is_some_and(|batch| batch.has(field))
                && !named.iter().any(|(name, _)| is_called(field, name))
        };
        for field in of.iter().filter(|field| is_silent(field)) {
            let why = format!(
                "the field history holds no change of `{field}`, so none was judged: where it does change, have \
                 the CRM track it and put its history into the input"
            );
            judgement.skip_field(field, &why);
        }
    }

    /// When the history begins: what happened before is not told.
    pub(super) fn begins(&self, world: &World<'_>) -> Option<DateTime<Utc>> {
        let changes = world.batch(Object::FieldHistory)?;
        changes.rows().filter_map(|row| row.time(&self.changed)).min()
    }

    /// The latest change of any of some fields of one table, record by record. A line that tells one value twice
    /// is none.
    pub(super) fn latest<'a>(
        &self,
        world: &World<'a>,
        of: &[&Field],
        judgement: &mut Judgement,
    ) -> Latest<'a> {
        let mut latest = Latest::new();
        self.each(world, of, judgement, |_, change| {
            if self.before(&change).is_some() && self.stays(&change) {
                return;
            }
            let held = latest.entry(change.record.position()).or_insert(change);
            if Self::order(&change) > Self::order(held) {
                *held = change;
            }
        });
        latest
    }

    /// What stood there before.
    pub(super) fn before<'a>(&self, change: &Change<'a>) -> Option<&'a str> {
        change.row.text(self.old.as_ref()?)
    }

    /// What stands there since.
    pub(super) fn after<'a>(&self, change: &Change<'a>) -> Option<&'a str> {
        change.row.text(self.new.as_ref()?)
    }

    /// True where both values are one, however an id is written.
    pub(super) fn stays(&self, change: &Change<'_>) -> bool {
        let [before, after] = [self.before(change), self.after(change)];
        before.map(str::trim).map(id_key) == after.map(str::trim).map(id_key)
    }

    /// True for what a record was created with, which some CRMs write down as a change.
    pub(super) fn is_first(&self, change: &Change<'_>, created: Option<&Field>) -> bool {
        let made = created.and_then(|created| change.record.time(created));
        self.before(change).is_none()
            && made.is_some_and(|made| (change.at - made).num_seconds().abs() <= 60)
    }

    /// Who or what made the change, as the history says it.
    pub(super) fn by<'a>(&self, change: &Change<'a>) -> Option<&'a str> {
        change.row.text(self.by.as_ref()?)
    }

    /// Who or what made the change.
    pub(super) fn actor<'p, 'a>(&self, world: &'p World<'a>, change: &Change<'a>) -> Actor<'p, 'a> {
        let Some(by) = self.by(change) else { return Actor::Unsaid };
        let owners = &world.policies.owners;
        match world.people().find(by) {
            Found::One(person) if owners.is_service_user(by, person) => Actor::Service,
            Found::One(person) if person.standing != Standing::Queue => Actor::Person(person),
            // Some CRMs have writers that are no users.
            Found::One(_) | Found::Several | Found::Nobody => {
                let services = owners.service_users().iter().map(|said| &said.value);
                if are_named(services, by, None) { Actor::Service } else { Actor::Stranger }
            }
        }
    }

    /// Who or what made the change, as it may be shown.
    pub(super) fn writer(&self, world: &World<'_>, change: &Change<'_>) -> Option<String> {
        let by = self.by.as_ref()?;
        match world.people().find(change.row.text(by)?) {
            Found::One(person) => Some(person.shown.clone()),
            Found::Several | Found::Nobody => {
                Some(change.row.cell_within(by, change.of_writer).shown().to_string())
            }
        }
    }

    /// When the change was made, as it may be shown.
    pub(super) fn when(&self, change: &Change<'_>) -> Shown {
        change.row.cell(&self.changed).shown().clone()
    }

    /// When records of a table were merged with others, by the record's position. Salesforce writes that down
    /// as a change of a field that does not exist, such as `leadMerged`.
    pub(super) fn merges(
        &self,
        world: &World<'_>,
        object: Object,
    ) -> HashMap<usize, Vec<DateTime<Utc>>> {
        let mut merges: HashMap<usize, Vec<DateTime<Utc>>> = HashMap::new();
        let tables = world.batch(Object::FieldHistory).zip(world.batch(object));
        let Some((changes, batch)) = tables else { return merges };
        let event = format!("{}merged", object.key());
        let is_merge = |row: &Row<'_>| row.text(&self.field).is_some_and(|name| same(name, &event));
        for row in changes.rows().filter(is_merge) {
            if let Some((merged, at)) = batch.find(row.id()).zip(row.time(&self.changed)) {
                merges.entry(merged.position()).or_default().push(at);
            }
        }
        merges
    }

    /// What may be shown of both values.
    pub(super) fn values(&self, change: &Change<'_>) -> [Shown; 2] {
        self.cells(change).map(|cell| cell.map_or(Shown::Blank, |cell| cell.shown().clone()))
    }

    /// The change as evidence.
    pub(super) fn evidence(&self, change: &Change<'_>) -> Evidence {
        let [old, new] = self.cells(change);
        let by = self.by.as_ref().map(|by| change.row.cell_within(by, change.of_writer));
        Evidence::Changed(Box::new(Changed {
            field: change.row.cell(&self.field),
            old,
            new,
            at: change.row.cell(&self.changed),
            instant: change.at,
            by: by.filter(|by| *by.shown() != Shown::Blank),
        }))
    }

    /// Both values, shown no further than the history and the field that changed may be.
    fn cells(&self, change: &Change<'_>) -> [Option<Cell>; 2] {
        let cell = |field: &Field| change.row.cell_within(field, change.exposure);
        [&self.old, &self.new].map(|field| field.as_ref().map(cell))
    }

    /// The order of changes in time, which is never that of the history's rows.
    pub(super) fn order(change: &Change<'_>) -> (DateTime<Utc>, usize, usize) {
        (change.at, change.place.index(), change.of)
    }

    /// What is lacking where a finding rests on these changes, and others of the same moment may have come
    /// before or after one of them.
    pub(super) fn unordered<'c, 'a: 'c>(
        changes: impl IntoIterator<Item = &'c Change<'a>>,
    ) -> Option<&'static str> {
        let mut unclear = changes.into_iter().filter(|change| change.is_unclear());
        unclear.next().map(
            |_| "the field history does not say which of several changes of one moment came first",
        )
    }

    /// Notes the records of which nothing was found, and might be in another order of such changes.
    pub(super) fn note_unordered(records: Vec<Row<'_>>, judgement: &mut Judgement) {
        if !records.is_empty() {
            let n = records.len();
            let why =
                format!("of {n} records nothing says which of several of one moment came first");
            judgement.skip_records(Object::FieldHistory, records, &why);
        }
    }
}

/// How far the names of users and queues may be shown.
fn of_names(world: &World<'_>) -> Exposure {
    let tables = [Object::User, Object::Queue].into_iter();
    let names = tables.filter_map(|table| world.policies.boundary.allowed(table, "name"));
    names.map(|name| name.exposure()).max().unwrap_or(Exposure::Shown)
}

/// How far what tells of somebody may be shown, wherever it stands: an id that the tables know as any id, all
/// else as a name.
fn of_people(world: &World<'_>, of_names: Exposure, text: Option<&str>) -> Exposure {
    match text.map(str::trim).filter(|_| of_names > Exposure::Shown) {
        None => Exposure::Shown,
        Some(text) => match world.people().find(text) {
            Found::One(person) if id_key(&person.id) == id_key(text) => Exposure::Shown,
            Found::One(_) | Found::Several | Found::Nobody => of_names,
        },
    }
}

/// True when a history's field name means a field: its canonical name or a column it comes from.
pub(super) fn is_called(field: &Field, name: &str) -> bool {
    same(field.name(), name) || field.from().iter().any(|column| same(column, name))
}
