//! RTE-12: everything that starts the routing of a record is filled, and nobody was given it.
//!
//! The clock starts when the last of the trigger fields was filled: by the field history, or at the latest with
//! the record's last change. Nodes of the flow that wait on purpose have hours of their own.
//! Does not: say who takes the record, which OWN-02, OWN-03, OWN-04 and the routing rules do once they find it.

use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};

use crate::boundary::{Boundary, Field, Grant, Object, Row, is_bare_day};
use crate::check::condition::Conditions;
use crate::check::history::{Change, History};
use crate::check::ladder::Flags;
use crate::check::people::{self, Found, Person, are_named};
use crate::check::settings::{self, days, full_field};
use crate::check::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::Plan;

/// RTE-12.
pub(in crate::check) const STUCK_BEFORE_ROUTING: CheckDef = CheckDef {
    code: "RTE-12",
    name: "stuck-before-routing",
    family: Family::Routing,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "Every field in `trigger` has been filled on an open record for more than `after_hours` (or the hours \
        of the delay that fits), and it was not routed: it has no date of assignment and never had an owner \
        but those in `waits_with`. Of each table the first 50 records by id are findings. It asks why the router \
        did not start; who takes the record is asked by OWN-02, OWN-03, OWN-04 and the routing rules.",
    consequence: "Somebody who wants to buy waits in front of a flow that does not start, and no service \
        level counts the time.",
    load,
};

/// Of one table so many records are told; the others are counted.
const MOST: usize = 50;

/// `[stuck-before-routing]`.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// What starts the routing once all of a table's are filled.
    trigger: Vec<Field>,
    /// The line that lists them.
    trigger_line: usize,
    after_hours: Option<Said<f64>>,
    /// Who has a record until it is routed, by id or by name.
    waits_with: Said<Vec<String>>,
    /// The first that fits counts.
    delays: Vec<Delay>,
}

/// A node of the flow that waits on purpose.
#[derive(Debug, Clone)]
struct Delay {
    when: Conditions,
    hours: Said<f64>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(STUCK_BEFORE_ROUTING.name);
        let section = section.as_ref();
        let trigger = section.map_or_else(Vec::new, |section| {
            let said = section.texts("trigger");
            said.iter().filter_map(|said| full_field(section, said, boundary)).collect()
        });
        let delays = section.map(|section| section.sections("delay")).unwrap_or_default();
        let after_hours = section.and_then(|section| section.number("after_hours"));
        if let (Some(section), Some(hours)) = (section, &after_hours)
            && hours.value <= 0.0
        {
            section.problem(hours.line, "`after_hours` is above zero");
        }
        Self {
            off: settings::is_off(section),
            trigger,
            trigger_line: section
                .and_then(|section| section.node("trigger"))
                .map_or(0, |node| node.line),
            after_hours,
            waits_with: settings::texts(section, "waits_with", &[]),
            delays: delays.iter().filter_map(|part| Delay::parse(part, boundary)).collect(),
        }
    }

    /// How long a record may wait.
    fn hours<'r>(
        &'r self,
        after: &'r Said<f64>,
        row: Row<'_>,
    ) -> (&'r Said<f64>, Option<&'r Delay>) {
        let delay = self.delays.iter().find(|delay| delay.when.hold(row));
        (delay.map_or(after, |delay| &delay.hours), delay)
    }

    /// True for somebody who has records until they are routed.
    fn is_waiting(&self, said: &str, person: Option<&Person<'_>>) -> bool {
        are_named(&*self.waits_with, said, person)
    }
}

impl Delay {
    fn parse(part: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let when = Conditions::parse(Some(part), "when", boundary);
        let hours = part.number("hours");
        for key in ["when", "hours"].into_iter().filter(|key| !part.has(key)) {
            part.missing(key);
        }
        Some(Self { when, hours: hours? })
    }
}

/// The fields of one table.
struct Table {
    plan: Plan,
    owner: Field,
    created: Field,
    modified: Option<Field>,
    trigger: Vec<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.routing.stuck_before.clone();
    if rules.off {
        return Err(STUCK_BEFORE_ROUTING.off_in_rules());
    }
    let Some(after) = rules.after_hours.clone().filter(|_| !rules.trigger.is_empty()) else {
        let write = "say in `trigger` and `after_hours` of [stuck-before-routing] what starts the routing, and \
                     how soon";
        return Err(Off::NoPolicy { file: Family::Routing.file(), write });
    };
    people::ask(grant)?;
    let mut tables = Vec::new();
    for object in Object::REVIEWED {
        let trigger: Vec<Field> =
            rules.trigger.iter().filter(|field| field.object() == object).cloned().collect();
        if trigger.is_empty() {
            continue;
        }
        for field in &trigger {
            grant.reads(field);
        }
        let plan = policies.routing.plan(object).cloned();
        let plan = plan.unwrap_or_else(|| Plan::bare(object, &policies.boundary));
        let kept = [&plan.assigned, &plan.by_hand, &plan.do_not_route];
        kept.into_iter().flatten().for_each(|field| grant.reads(field));
        policies.ladders.ask(object, grant);
        let owner = grant.field(object, "owner")?;
        let created = grant.field(object, "created")?;
        let modified = grant.optional(object, "modified");
        for delay in &rules.delays {
            delay.when.ask(&[object], grant);
        }
        tables.push(Table { plan, owner, created, modified, trigger });
    }
    let history = History::ask_with_values(grant).ok();
    let flags = Flags::ask(grant);
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for table in &tables {
            let look =
                Look { world, rules: &rules, after: &after, table, history: history.as_ref() };
            look.judge(&flags, &mut judgement);
        }
        for name in &*rules.waits_with {
            if matches!(world.people().find(name), Found::Nobody) {
                let line = rules.waits_with.line;
                let words = format!("rules/routing.toml:{line}: `{name}` is in no input");
                judgement.not_looked.push(NotLooked::nothing(words));
            }
        }
        judgement
    }))
}

/// Since when everything that starts the routing is filled.
#[derive(Clone, Copy)]
enum Complete<'a> {
    /// With this change.
    By(Change<'a>),
    /// Since it was created.
    AtFirst(DateTime<Utc>),
    /// At the latest since the record was last changed.
    AtLatest(DateTime<Utc>),
    /// Some time since it was created, or since the last of its fields of which the history tells was filled.
    Unknown(DateTime<Utc>, Option<Change<'a>>),
}

impl Complete<'_> {
    fn at(self) -> DateTime<Utc> {
        match self {
            Self::By(change) => change.at,
            Self::AtFirst(at) | Self::AtLatest(at) | Self::Unknown(at, _) => at,
        }
    }
}

/// What the field history tells of a table.
#[derive(Default)]
struct Past<'a> {
    /// The change that filled a trigger field last, by the field's place and the record's position.
    filled: HashMap<(usize, usize), Change<'a>>,
    /// The trigger fields whose changes it keeps, by their place.
    kept: HashSet<usize>,
    /// When it begins.
    begins: Option<DateTime<Utc>>,
    /// The records that somebody had before.
    routed: HashSet<usize>,
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    after: &'l Said<f64>,
    table: &'l Table,
    history: Option<&'l History>,
}

/// A record that waits to be routed.
struct Stuck<'a> {
    row: Row<'a>,
    complete: Complete<'a>,
    hours: f64,
}

impl<'a> Look<'_, 'a> {
    fn judge(self, flags: &Flags, judgement: &mut Judgement) {
        let Self { world, table, .. } = self;
        let object = table.plan.object;
        let Some(batch) = world.batch(object) else {
            judgement.skip(object, "there is no input");
            return;
        };
        let needed = table.trigger.iter().chain([&table.owner]);
        if let Some(absent) = needed.into_iter().find(|field| !batch.has(field)) {
            judgement.skip(object, &format!("the input has no `{}`", absent.name()));
            return;
        }
        let past = self.past(judgement);
        let mut stuck = Vec::new();
        let mut undated = Vec::new();
        for row in batch.reviewed() {
            judgement.examined += 1;
            let is_filled = table.trigger.iter().all(|field| !row.is_blank(field));
            if !is_filled || !self.waits(row, &past) {
                continue;
            }
            if world.policies.ladders.is_open(row, flags) == Some(false) {
                continue;
            }
            let created = row.time(&table.created).filter(|at| !world.as_of.is_ahead(*at));
            let Some(created) = created else {
                undated.push(row);
                continue;
            };
            let complete = self.complete(row, created, &past);
            let hours = self.hours_since(complete.at());
            let (allowed, _) = self.rules.hours(self.after, row);
            if hours > allowed.value {
                stuck.push(Stuck { row, complete, hours });
            }
        }
        stuck.sort_by(|one, other| one.row.id().cmp(other.row.id()));
        let records = stuck.len();
        for stuck in stuck.iter().take(MOST) {
            let finding = self.finding(stuck, records);
            let unsure = world.policies.ladders.unsure(stuck.row, flags);
            judgement.findings.push(unsure.into_iter().fold(finding, Finding::lacking));
        }
        if records > MOST {
            let why = format!("{} more wait to be routed; {MOST} are told", records - MOST);
            let beyond = stuck.iter().skip(MOST).map(|stuck| stuck.row);
            judgement.skip_records(object, beyond, &why);
        }
        if !undated.is_empty() {
            let why = format!("{} without a date of creation that has passed", undated.len());
            judgement.skip_records(object, undated, &why);
        }
    }

    /// A day without a time may be any instant of it.
    fn hours_since(self, at: DateTime<Utc>) -> f64 {
        let as_of = self.world.as_of;
        as_of.hours_since(at) - if is_bare_day(at, as_of.zone) { 24.0 } else { 0.0 }
    }

    /// What the field history tells of the trigger fields and of owners.
    fn past(self, judgement: &mut Judgement) -> Past<'a> {
        let Self { world, table, .. } = self;
        let Some(history) = self.history else { return Past::default() };
        let mut past = Past { begins: history.begins(world), ..Past::default() };
        let fields: Vec<&Field> = table.trigger.iter().chain([&table.owner]).collect();
        history.each(world, &fields, judgement, |at, change| {
            let position = change.record.position();
            if at == table.trigger.len() {
                let sides = [history.before(&change), history.after(&change)];
                if sides.into_iter().flatten().any(|owner| self.has_routed(owner)) {
                    past.routed.insert(position);
                }
                return;
            }
            past.kept.insert(at);
            if history.before(&change).is_none() && history.after(&change).is_some() {
                let held = past.filled.entry((at, position)).or_insert(change);
                if History::order(&change) > History::order(held) {
                    *held = change;
                }
            }
        });
        past
    }

    /// True for whoever only has a record after it was routed.
    fn has_routed(self, owner: &str) -> bool {
        let owners = &self.world.policies.owners;
        match self.world.people().find(owner) {
            Found::One(person) => {
                let is_service = owners.is_service_user(owner, person);
                !is_service && !self.rules.is_waiting(owner, Some(person))
            }
            Found::Several | Found::Nobody => !self.rules.is_waiting(owner, None),
        }
    }

    /// True for a record that nobody was given yet, and that nobody keeps from being routed.
    fn waits(self, row: Row<'a>, past: &Past<'a>) -> bool {
        let Table { plan, owner, .. } = self.table;
        let waits = row.text(owner).is_none_or(|owner| match self.world.people().find(owner) {
            Found::One(person) => self.rules.is_waiting(owner, Some(person)),
            Found::Several | Found::Nobody => self.rules.is_waiting(owner, None),
        });
        let is_assigned = plan.assigned.as_ref().is_some_and(|field| !row.is_blank(field));
        waits
            && !row.is_withheld(owner)
            && !is_assigned
            && !plan.is_kept_from_rules(row)
            && !past.routed.contains(&row.position())
    }

    /// Since when all trigger fields are filled. A field that the history keeps and of which it has no change
    /// was filled at first.
    fn complete(self, row: Row<'a>, created: DateTime<Utc>, past: &Past<'a>) -> Complete<'a> {
        let Self { world, table, .. } = self;
        let is_whole = past.begins.is_some_and(|begins| begins <= created);
        let mut last = None;
        let mut is_told = true;
        for at in 0..table.trigger.len() {
            match past.filled.get(&(at, row.position())) {
                Some(change) if change.at > last.map_or(created, |last: Change<'_>| last.at) => {
                    last = Some(*change);
                }
                Some(_) => {}
                None => is_told &= is_whole && past.kept.contains(&at),
            }
        }
        if is_told {
            return last.map_or(Complete::AtFirst(created), Complete::By);
        }
        // What the history does tell was filled no sooner, whatever else was.
        let from = last.map_or(created, |last| last.at);
        let modified = table.modified.as_ref().and_then(|field| row.time(field));
        let (allowed, _) = self.rules.hours(self.after, row);
        let is_long = |at: &DateTime<Utc>| {
            (from..world.as_of.end()).contains(at) && self.hours_since(*at) > allowed.value
        };
        modified.filter(is_long).map_or(Complete::Unknown(from, last), Complete::AtLatest)
    }

    fn finding(self, stuck: &Stuck<'a>, records: usize) -> Finding {
        let Self { world, rules, after, table, history } = self;
        let Stuck { row, complete, hours } = *stuck;
        let object = table.plan.object;
        let (allowed, delay) = rules.hours(after, row);
        let owner = row.cell(&table.owner);
        let holder = if row.is_blank(&table.owner) {
            "nobody has it".to_owned()
        } else {
            format!("{} has it still", world.somebody(&owner))
        };
        let waited = match hours {
            hours if hours < 96.0 => format!("{} hours", hours.floor()),
            _ => days(world.as_of.days_since(complete.at())),
        };
        let since = match complete {
            Complete::By(_) | Complete::AtFirst(_) => format!("for {waited}"),
            Complete::AtLatest(_) => format!("for {waited} or longer"),
            Complete::Unknown(..) => format!("for some part of {waited}"),
        };
        let headline = format!(
            "All that starts the routing of this {object} has been filled {since}, and {holder}; {} hours \
             are allowed",
            allowed.value
        );
        let question = format!(
            "Why did the router not take this {object}: is its flow off, in error, or does it wait for more?"
        );
        let proposal = Proposal::ReviewUpstream { question };
        let mut finding = Finding::about(row.record(), headline, Evidence::Cell(owner), proposal);
        for field in table.trigger.iter().chain([&table.created]).chain(&table.plan.assigned) {
            finding = finding.because(Evidence::Cell(row.cell(field)));
        }
        if let (Complete::By(change) | Complete::Unknown(_, Some(change)), Some(history)) =
            (complete, history)
        {
            finding = finding.because(history.evidence(&change));
        }
        if let (Complete::AtLatest(_), Some(modified)) = (complete, &table.modified) {
            finding = finding.because(Evidence::Cell(row.cell(modified)));
        }
        let names: Vec<&str> = table.trigger.iter().map(Field::name).collect();
        let quoted = |line: usize, says: String| settings::quoted(Family::Routing, line, says);
        finding = finding
            .because(quoted(
                rules.trigger_line,
                format!("routing starts with {}", names.join(", ")),
            ))
            .because(quoted(
                allowed.line,
                match delay.and_then(|delay| delay.when.of(object)) {
                    Some(when) => format!("{}: within {} hours", when.words(), allowed.value),
                    None => format!("within {} hours", allowed.value),
                },
            ))
            .because(Evidence::Figure {
                of: format!("{} under review that wait so", object.plural()),
                is: records.to_string(),
            });
        if let Complete::Unknown(..) = complete {
            finding = finding.lacking(format!(
                "nothing says since when {} {} filled: no field history, and no last change before the hours \
                 that are allowed",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" }
            ));
        }
        finding.unless_any(self.doubts(row))
    }

    fn doubts(self, row: Row<'a>) -> Vec<String> {
        let Self { rules, after, table, .. } = self;
        let object = table.plan.object;
        let (allowed, _) = rules.hours(after, row);
        let longer = rules.delays.iter().filter(|delay| delay.hours.value > allowed.value);
        let mut blank = longer
            .filter_map(|delay| delay.when.of(object)?.fields().find(|field| row.is_blank(field)));
        let mut doubts = Vec::new();
        if let Some(field) = blank.next() {
            doubts.push(format!(
                "{field} is blank, and with a value the flow could wait longer on purpose"
            ));
        }
        if table.plan.assigned.is_none() {
            doubts.push(format!(
                "no field says when a {object} was assigned: it may have been routed to where it is"
            ));
        }
        doubts.push(
            "the hours count nights and weekends, and the router may wait for more than `trigger` names"
                .to_owned(),
        );
        doubts
    }
}
