//! OWN-03: a record waits in a queue for longer than that queue allows.
//!
//! Hours are elapsed hours: a queue has no business hours of its own.
//! Does not: speak of records that stand there against the routing rules; routing says where they belong.

use chrono::{DateTime, Utc};

use crate::boundary::{Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::history::{Change, History, Latest};
use super::super::people::{self, Found, Person, Standing};
use super::super::{About, AsOf, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::succession::{self, Succession};
use super::{Owned, Scope, holders, policy, settings};

/// OWN-03.
pub(in super::super) const PARKED_IN_QUEUE: CheckDef = CheckDef {
    code: "OWN-03",
    name: "parked-in-queue",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The owner is a queue, the record is not closed, and it has been there for more elapsed \
              hours than the queue's limit: since the owner was assigned or since the owner's last \
              change in the field history, the later of the two, else since the record was created.",
    consequence: "A person who asked for something waits while everybody thinks that somebody else \
                  has it.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    limit_hours: Said<f64>,
    /// Queues with a limit of their own.
    limits: Vec<(String, Said<f64>)>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Result<Self, Off> {
        let section = root.section(PARKED_IN_QUEUE.name);
        let section = section.as_ref();
        let mut limits = Vec::new();
        if let Some(own) = section.and_then(|section| section.section("limits")) {
            for (queue, _) in own.entries() {
                if let Some(limit) = own.number(queue) {
                    limits.push((queue.value.clone(), limit));
                }
            }
        }
        let rules = Self {
            objects: settings::objects(section, &Object::REVIEWED),
            limit_hours: settings::number(section, "limit_hours", 72.0),
            limits,
        };
        settings::switched_on(section, &PARKED_IN_QUEUE)?;
        Ok(rules)
    }

    fn limit(&self, queue: &Person<'_>) -> &Said<f64> {
        let limit = self.limits.iter().find(|(said, _)| queue.is_called(said));
        limit.map_or(&self.limit_hours, |(_, limit)| limit)
    }
}

/// Since when a record is where it is.
#[derive(Debug, Clone)]
struct Since {
    assigned: Vec<Field>,
    created: Vec<Field>,
    history: Option<History>,
}

/// How that is known.
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    Assigned(DateTime<Utc>),
    Changed(Change<'a>),
    Created(DateTime<Utc>),
}

impl Known<'_> {
    fn at(self) -> DateTime<Utc> {
        match self {
            Self::Assigned(at) | Self::Created(at) => at,
            Self::Changed(change) => change.at,
        }
    }
}

impl Since {
    fn ask(scope: &Scope, grant: &mut Grant<'_>) -> Self {
        let mut each = |name: &str| -> Vec<Field> {
            scope.owned.iter().filter_map(|owned| grant.optional(owned.object, name)).collect()
        };
        let (assigned, created) = (each("assigned"), each("created"));
        Self { assigned, created, history: History::ask(grant).ok() }
    }

    /// A date that lies ahead is none to count from.
    fn time(as_of: AsOf, fields: &[Field], row: Row<'_>) -> Option<DateTime<Utc>> {
        let field = fields.iter().find(|field| field.object() == row.object())?;
        row.time(field).filter(|at| !as_of.is_ahead(*at))
    }

    fn known<'a>(&self, as_of: AsOf, row: Row<'a>, changes: &Latest<'a>) -> Option<Known<'a>> {
        let assigned = Self::time(as_of, &self.assigned, row).map(Known::Assigned);
        let moved = changes.get(&row.position()).copied().map(Known::Changed);
        // Where only the first routing writes the assignment, the owner may have changed since.
        let last = [moved, assigned].into_iter().flatten().max_by_key(|known| known.at());
        last.or_else(|| Self::time(as_of, &self.created, row).map(Known::Created))
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.parked.clone()?;
    grant.field(Object::Queue, "id")?;
    let scope = Scope::ask(&rules.objects, grant, policies)?;
    succession::ask(&scope, grant, policies);
    let since = Since::ask(&scope, grant);
    people::ask(grant)?;
    Ok(Box::new(move |world| judge(&rules, &scope, &since, world)))
}

fn judge(rules: &Rules, scope: &Scope, since: &Since, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    if world.batch(Object::Queue).is_none() {
        judgement.skip(Object::Queue, "there is no input");
        return judgement;
    }
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let queues = holders(batch, &owned.owner, |value, _| match world.people().find(value) {
            Found::One(person) if person.standing == Standing::Queue => {
                Some((person, rules.limit(person)))
            }
            Found::One(_) | Found::Several | Found::Nobody => None,
        });
        let changes = since
            .history
            .as_ref()
            .filter(|_| !queues.is_empty())
            .map(|history| history.latest(world, &[&owned.owner], &mut judgement))
            .unwrap_or_default();
        let mut undated = Vec::new();
        for row in batch.reviewed() {
            judgement.examined += 1;
            let queue = row.text(&owned.owner).and_then(|value| queues.get(value));
            let Some((queue, limit)) = queue else { continue };
            if owned.is_open(world, row) == Some(false) || owned.is_nobodys(row) {
                continue;
            }
            let Some(known) = since.known(world.as_of, row, &changes) else {
                undated.push(row);
                continue;
            };
            let hours = world.as_of.hours_since(known.at());
            if hours <= limit.value || world.routed().has_fault(world, row) {
                continue;
            }
            let stay = Stay { owned, since, queue, limit, known, hours };
            judgement.findings.push(stay.finding(world, row));
        }
        if !undated.is_empty() {
            let why = format!("{} in a queue have no date to count from", undated.len());
            judgement.skip_records(owned.object, undated, &why);
        }
    }
    judgement
}

/// A record's stay in a queue.
struct Stay<'c, 'a> {
    owned: &'c Owned,
    since: &'c Since,
    queue: &'c Person<'a>,
    limit: &'c Said<f64>,
    known: Known<'a>,
    hours: f64,
}

impl<'a> Stay<'_, 'a> {
    fn finding(&self, world: &World<'a>, row: Row<'a>) -> Finding {
        let object = self.owned.object;
        let name = self.queue.shown.as_str();
        let (hours, limit) = (self.hours.floor(), self.limit.value);
        let headline = match self.known {
            Known::Assigned(_) | Known::Changed(_) => {
                format!("The {object} has waited in {name} for {hours} hours; {limit} are allowed")
            }
            Known::Created(_) => format!(
                "The {object} is in {name}, {hours} hours after it was created; {limit} are allowed"
            ),
        };
        let succession = Succession::of(world, row, Some(self.queue));
        let proposal = succession.proposal(row, &self.owned.owner, || Proposal::ReviewRecord {
            question: format!("Who takes this {object} out of {name}?"),
        });
        let owner = Evidence::Cell(row.cell(&self.owned.owner));
        let finding = Finding::about(row.record(), headline, owner, proposal);
        let mut finding = finding.of_field(&self.owned.owner);
        for cell in self.since_cells(row) {
            finding = finding.because(cell);
        }
        if let Some(work) = self.owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        finding = finding
            .because(Evidence::Figure {
                of: "time in the queue, elapsed and not business hours".to_owned(),
                is: format!("{hours} hours"),
            })
            .because(policy(self.limit.line, format!("records may wait {limit} hours in {name}")));
        finding = self.owned.with_work(world, row, finding);
        finding = self.owned.with_life(world, row, None, finding);
        let doubts = self.doubts(world, row, name);
        succession.explain(finding.unless_any(doubts))
    }

    fn since_cells(&self, row: Row<'a>) -> Vec<Evidence> {
        let own = |fields: &[Field]| {
            let field = fields.iter().find(|field| field.object() == row.object());
            field.map(|field| Evidence::Cell(row.cell(field))).into_iter().collect()
        };
        match (self.known, &self.since.history) {
            (Known::Assigned(_), _) => own(&self.since.assigned),
            (Known::Created(_), _) => own(&self.since.created),
            (Known::Changed(change), Some(history)) => {
                vec![history.evidence(&change)]
            }
            (Known::Changed(_), None) => Vec::new(),
        }
    }

    fn doubts(&self, world: &World<'a>, row: Row<'a>, name: &str) -> Vec<String> {
        let object = self.owned.object;
        let mut doubts = Vec::new();
        if matches!(self.known, Known::Created(_)) {
            doubts.push(format!(
                "only the {object}'s creation is known, not when it came into the queue: it may \
                 have had an owner until lately"
            ));
        }
        doubts.extend(self.owned.signs_of_life(world, row, None));
        if self.owned.is_open(world, row).is_none() {
            doubts.push(format!("nothing in the {object} says whether it is open work"));
        }
        let over = self.hours - self.limit.value;
        if over <= 72.0 {
            doubts.push(format!(
                "it is over the limit by {over:.0} elapsed hours, which a weekend or a holiday can \
                 explain"
            ));
        }
        if self.limit.line == 0 {
            doubts.push(format!(
                "{name} has no limit of its own in the rules: if it is meant for nurturing or \
                 holding, it needs one"
            ));
        } else if doubts.is_empty() {
            doubts.push(format!("{name} may hold this {object} on purpose"));
        }
        doubts
    }
}
