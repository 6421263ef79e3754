//! Who can own records: users and queues, found by id or by name.
//!
//! Exports write owners as ids (Salesforce) or as names (HubSpot); both are looked up here.
//! Does not: judge an owner.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{
    Boundary, Cell, Exposure, Field, Grant, Missing, Object, RecordRef, Row, Shown, id_key,
};
use crate::finding::{Assignee, record};

use super::condition::fold;
use super::settings::days;
use super::{AsOf, World};

/// What HubSpot writes behind the name of an owner who was deactivated.
const DEACTIVATED: &str = "(deactivated user)";

/// Whether someone can work records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// An active user.
    Active,
    /// A user who left or was switched off.
    Inactive,
    /// A user of whom nothing says whether they are active.
    Unsaid,
    /// A queue.
    Queue,
}

/// Someone or something that can own records.
#[derive(Debug, Clone)]
pub(super) struct Person<'a> {
    pub(super) id: String,
    /// The name for comparisons; what may be printed is `shown`.
    pub(super) name: String,
    /// As a sentence calls them: `bare`, with the id where several have the name.
    pub(super) shown: String,
    /// The name as its own row may show it; the id where it may not be shown at all.
    pub(super) bare: String,
    pub(super) standing: Standing,
    pub(super) role: Option<&'a str>,
    pub(super) team: Option<&'a str>,
    pub(super) deactivated: Option<DateTime<Utc>>,
    pub(super) last_login: Option<DateTime<Utc>>,
    /// The user's or queue's row; `None` when only a record's owner column names them.
    pub(super) row: Option<Row<'a>>,
}

impl Person<'_> {
    /// What a finding about them is known by, and no record to show: whom only an owner column names has none, and
    /// the name may not be shown.
    pub(super) fn known_by(&self) -> RecordRef {
        self.row.map_or_else(|| record(Object::User, &self.id), Row::record)
    }

    /// Of somebody inactive, since when they are gone.
    pub(super) fn gone(&self, as_of: AsOf) -> String {
        match self.deactivated.map(|at| as_of.days_since(at)) {
            Some(ago @ 0..) => format!("was deactivated {} ago", days(ago)),
            Some(_) | None => "is inactive".to_owned(),
        }
    }

    /// What is lacking to give them records: a user of whom nothing says whether they are active may have left.
    pub(super) fn unsaid(&self) -> Option<String> {
        let is_unsaid = self.standing == Standing::Unsaid;
        is_unsaid.then(|| format!("nothing says whether {} is active", self.shown))
    }

    /// As a proposal names them.
    pub(super) fn assignee(&self) -> Assignee {
        Assignee { id: self.id.clone(), name: self.bare.clone() }
    }
}

/// What a record's owner column leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'p, 'a> {
    /// Exactly this one.
    One(&'p Person<'a>),
    /// Several people have that name.
    Several,
    /// Nobody in the tables.
    Nobody,
}

/// Everybody who can own records.
#[derive(Debug, Default)]
pub(super) struct People<'a> {
    all: Vec<Person<'a>>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

/// The fields by which people are known.
#[derive(Debug, Clone, Default)]
struct Fields {
    name: Option<Field>,
    active: Option<Field>,
    role: Option<Field>,
    team: Option<Field>,
    deactivated: Option<Field>,
    last_login: Option<Field>,
}

/// Asks for the fields by which owners are known; a user needs an id and a state.
pub(super) fn ask(grant: &mut Grant<'_>) -> Result<(), Missing> {
    grant.field(Object::User, "id")?;
    for name in ["name", "active", "role", "team", "deactivated", "last_login"] {
        grant.optional(Object::User, name);
    }
    for name in ["id", "name"] {
        grant.optional(Object::Queue, name);
    }
    Ok(())
}

/// The objects of which a queue may own a record, as far as the tables tell.
pub(super) fn in_queues(world: &World<'_>) -> BTreeSet<Object> {
    let people = world.people();
    let is_queue = |owner: &str| matches!(people.find(owner), Found::One(person) if person.standing == Standing::Queue);
    if !people.all().any(|person| person.standing == Standing::Queue) {
        return BTreeSet::new();
    }
    let lies_in_one = |object: &Object| {
        let owner = world.policies.boundary.allowed(*object, "owner");
        let owners = world.batch(*object).zip(owner).map(|(batch, owner)| batch.count_by(&owner));
        owners.is_some_and(|owners| owners.into_iter().any(|(owner, _)| is_queue(owner)))
    };
    let others = Object::REVIEWED.into_iter().filter(lies_in_one);
    others.chain([Object::Lead]).collect()
}

/// A user's or queue's name as it may be shown; the id where there is none or it never may.
fn shown_name(row: Row<'_>, name: Option<&Field>) -> String {
    let cell = name.map(|name| row.cell(name));
    match cell.as_ref().map(Cell::shown) {
        Some(Shown::Value(name) | Shown::Masked(name)) => name.trim().to_owned(),
        Some(Shown::Blank | Shown::Never | Shown::Withheld) | None => row.id().to_owned(),
    }
}

/// The user fields a boundary allows.
fn fields(boundary: &Boundary, object: Object) -> Fields {
    let field = |name: &str| boundary.allowed(object, name);
    Fields {
        name: field("name"),
        active: field("active"),
        role: field("role"),
        team: field("team"),
        deactivated: field("deactivated"),
        last_login: field("last_login"),
    }
}

impl<'a> People<'a> {
    pub(super) fn of(world: &World<'a>) -> Self {
        let mut people = Self::default();
        for object in [Object::User, Object::Queue] {
            let Some(batch) = world.batch(object) else { continue };
            let fields = fields(&world.policies.boundary, object);
            for row in batch.rows() {
                let text = |field: &Option<Field>| field.as_ref().and_then(|field| row.text(field));
                let time = |field: &Option<Field>| field.as_ref().and_then(|field| row.time(field));
                let active = fields.active.as_ref().and_then(|field| row.flag(field));
                let standing = match (object, active) {
                    (Object::Queue, _) => Standing::Queue,
                    (_, Some(true)) => Standing::Active,
                    (_, Some(false)) => Standing::Inactive,
                    (_, None) if time(&fields.deactivated).is_some() => Standing::Inactive,
                    (_, None) => Standing::Unsaid,
                };
                let shown = shown_name(row, fields.name.as_ref());
                people.add(Person {
                    id: row.id().to_owned(),
                    bare: shown.clone(),
                    shown,
                    name: text(&fields.name).unwrap_or(row.id()).trim().to_owned(),
                    standing,
                    role: text(&fields.role),
                    team: text(&fields.team),
                    deactivated: time(&fields.deactivated),
                    last_login: time(&fields.last_login),
                    row: Some(row),
                });
            }
        }
        people.add_deactivated_names(world);
        people.tell_apart();
        people
    }

    /// Calls those who share a name by their ids too.
    fn tell_apart(&mut self) {
        for person in &mut self.all {
            let namesakes = self.by_name.get(&fold(&person.name)).map_or(0, Vec::len);
            if namesakes > 1 && person.bare != person.id {
                person.shown = format!("{} ({})", person.bare, person.id);
            }
        }
    }

    fn add(&mut self, person: Person<'a>) {
        let at = self.all.len();
        self.by_id.entry(id_key(&person.id).to_owned()).or_insert(at);
        self.by_name.entry(fold(&person.name)).or_default().push(at);
        self.all.push(person);
    }

    /// Owners that only exist as `Name (Deactivated User)` in a record.
    fn add_deactivated_names(&mut self, world: &World<'a>) {
        for object in Object::REVIEWED {
            let (Some(batch), Ok(owner)) =
                (world.batch(object), world.policies.boundary.field(object, "owner"))
            else {
                continue;
            };
            for (value, _) in batch.count_by(&owner) {
                let Some(name) = without_mark(value) else { continue };
                if matches!(self.find(value), Found::Nobody) {
                    let shown = if owner.exposure() == Exposure::Shown {
                        name
                    } else {
                        "a deactivated user"
                    };
                    self.add(Person {
                        id: value.to_owned(),
                        name: name.to_owned(),
                        shown: shown.to_owned(),
                        bare: shown.to_owned(),
                        standing: Standing::Inactive,
                        role: None,
                        team: None,
                        deactivated: None,
                        last_login: None,
                        row: None,
                    });
                }
            }
        }
    }

    /// The owner that a record's owner column, or a rule, names by id or by name.
    pub(super) fn find(&self, owner: &str) -> Found<'_, 'a> {
        let owner = owner.trim();
        if let Some(person) = self.by_id.get(id_key(owner)).and_then(|at| self.all.get(*at)) {
            return Found::One(person);
        }
        let name = fold(without_mark(owner).unwrap_or(owner));
        match self.by_name.get(&name).map(Vec::as_slice) {
            Some([at]) => self.all.get(*at).map_or(Found::Nobody, Found::One),
            Some(_) => Found::Several,
            None => Found::Nobody,
        }
    }

    /// Everybody of the name that a record's owner column, or a rule, gives.
    pub(super) fn named(&self, owner: &str) -> impl Iterator<Item = &Person<'a>> {
        let name = fold(without_mark(owner.trim()).unwrap_or(owner));
        let places = self.by_name.get(&name).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|at| self.all.get(*at))
    }

    /// Everybody, users first, in the order of their tables.
    pub(super) fn all(&self) -> impl Iterator<Item = &Person<'a>> {
        self.all.iter()
    }

    /// True when there is neither a user nor a queue.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Person<'_> {
    /// True where the rules name this person by id or by name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        is_same_name(name, &self.id, &self.name)
    }
}

/// True where a name in the rules names somebody by id or by name: by what a record says, or by who that is.
pub(super) fn is_named(name: &str, said: &str, person: Option<&Person<'_>>) -> bool {
    is_same_name(name, said, said) || person.is_some_and(|person| person.is_called(name))
}

/// The same for any of several names.
pub(super) fn are_named<'n>(
    names: impl IntoIterator<Item = &'n String>,
    said: &str,
    person: Option<&Person<'_>>,
) -> bool {
    names.into_iter().any(|name| is_named(name, said, person))
}

fn is_same_name(name: &str, id: &str, called: &str) -> bool {
    id_key(name.trim()) == id_key(id.trim()) || fold(name) == fold(called)
}

/// True when the owner column itself says that the owner was deactivated.
pub(super) fn is_marked(owner: &str) -> bool {
    without_mark(owner.trim()).is_some()
}

/// The name before HubSpot's mark of a deactivated owner.
pub fn without_mark(owner: &str) -> Option<&str> {
    let start = owner.len().checked_sub(DEACTIVATED.len())?;
    let (name, mark) = owner.split_at_checked(start)?;
    mark.eq_ignore_ascii_case(DEACTIVATED).then(|| name.trim())
}
