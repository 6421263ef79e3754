//! OWN-10: a record goes from hand to hand.
//!
//! Only what the field history tells counts, and of it only what a person gave away: a lead that comes
//! out of a queue, or whose owner left, was not passed around.
//! Does not: say who should own it.

use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::bulk::Bulk;
use super::super::history::{Actor, Change, History};
use super::super::people::{self, Found, Standing};
use super::super::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use super::{Owned, Scope, days, policy, settings};

/// OWN-10.
pub(in super::super) const PASSED_AROUND: CheckDef = CheckDef {
    code: "OWN-10",
    name: "passed-around",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that people gave a record that is not closed away at least \
              `changes` times within the last `within_days` days. What a queue, a service user or \
              an owner who left gave away does not count.",
    consequence: "Nobody keeps the record long enough to answer, and the customer explains \
                  everything again each time.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    changes: Said<u32>,
    within_days: Said<u32>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Result<Self, Off> {
        let section = root.section(PASSED_AROUND.name);
        let section = section.as_ref();
        let rules = Self {
            objects: settings::objects(section, &Object::REVIEWED),
            changes: settings::count(section, "changes", 3),
            within_days: settings::count(section, "within_days", 14),
        };
        settings::switched_on(section, &PASSED_AROUND)?;
        Ok(rules)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.passed_around.clone()?;
    let scope = Scope::ask(&rules.objects, grant, policies)?.where_work_is_known();
    let history = History::ask_with_values(grant)?;
    people::ask(grant)?;
    Ok(Box::new(move |world| judge(&rules, &scope, &history, world)))
}

/// A table among those that are looked at, and a place in it.
type Place = (usize, usize);

fn judge(rules: &Rules, scope: &Scope, history: &History, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::looking_back(world, rules.within_days.value);
    if world.batch(Object::FieldHistory).is_none() {
        judgement.skip(Object::FieldHistory, "there is no input");
        return judgement;
    }
    let tables = scope.tables(world, &mut judgement);
    let owners: Vec<&Field> = tables.iter().map(|(owned, _)| &owned.owner).collect();
    let mut told: HashMap<Place, Vec<Change<'_>>> = HashMap::new();
    let mut bulk: Bulk<usize> = Bulk::default();
    history.each(world, &owners, &mut judgement, |table, change| {
        let record = change.record;
        if world.as_of.is_within(rules.within_days.value, change.at) {
            bulk.add(table, &change);
            if record.is_under_review() {
                told.entry((table, record.position())).or_default().push(change);
            }
        }
    });
    let bulk = bulk.counted();
    let mut strangers = 0;
    for (table, (owned, batch)) in tables.iter().enumerate() {
        for row in batch.reviewed() {
            judgement.examined += 1;
            let Some(mut changes) = told.remove(&(table, row.position())) else { continue };
            if owned.is_open(world, row) == Some(false) {
                continue;
            }
            changes.sort_by_key(History::order);
            let given: Vec<_> = changes
                .chunk_by(|one, next| one.at == next.at)
                .filter_map(|same| given_away(world, history, same, &mut strangers))
                .collect();
            if given.len() >= rules.changes.value.max(1) as usize {
                let planned = given.iter().filter_map(|change| bulk.planned(table, change)).max();
                let found = Passed { rules, owned, history, given, planned };
                judgement.findings.push(found.finding(world, row));
            }
        }
    }
    if strangers > 0 {
        judgement.not_looked.push(NotLooked::nothing(format!(
            "{strangers} changes of owners come from somebody in no input, and count for none"
        )));
    }
    judgement
}

/// One change, of which some CRMs write two lines, one with ids and one with names: the first that tells
/// of a person who gave the record away.
fn given_away<'a>(
    world: &World<'a>,
    history: &History,
    same: &[Change<'a>],
    strangers: &mut usize,
) -> Option<Change<'a>> {
    let mut is_strange = false;
    for change in same {
        let Some(before) = history.before(change).filter(|_| !history.stays(change)) else {
            continue;
        };
        let Found::One(person) = world.people().find(before) else {
            is_strange = true;
            continue;
        };
        let gives = match person.standing {
            Standing::Active | Standing::Unsaid => true,
            Standing::Inactive | Standing::Queue => false,
        };
        let is_service = world.policies.owners.is_service_user(before, person);
        // What an integration moves nobody gave away. A writer who is not known may be a person.
        let is_by_service = matches!(history.actor(world, change), Actor::Service);
        return (gives && !is_service && !is_by_service).then_some(*change);
    }
    *strangers += usize::from(is_strange);
    None
}

/// No more changes than a person reads.
const QUOTED: usize = 6;

/// A record that people gave away again and again.
struct Passed<'c, 'a> {
    rules: &'c Rules,
    owned: &'c Owned,
    history: &'c History,
    /// In the order of time.
    given: Vec<Change<'a>>,
    /// How many records' owners changed by a plan in the minute of one of these, at most.
    planned: Option<usize>,
}

impl<'a> Passed<'_, 'a> {
    fn finding(&self, world: &World<'a>, row: Row<'a>) -> Finding {
        let Rules { changes, within_days, .. } = self.rules;
        let object = self.owned.object;
        let times = self.given.len();
        let unknown = self.given.iter().filter(|change| !self.is_by_person(world, change)).count();
        let within = days(within_days.value);
        let are_enough = times - unknown >= changes.value as usize;
        let headline = if unknown == 0 {
            format!("People gave the {object} away {times} times in the last {within}")
        } else {
            format!("The {object} went from owner to owner {times} times in the last {within}")
        };
        let question = format!(
            "Why does nobody keep this {object}: do rules and people undo each other, and who \
             should have it for good?"
        );
        let owner = Evidence::Cell(row.cell(&self.owned.owner));
        let proposal = Proposal::ReviewRule { question };
        let mut finding = Finding::about(row.record(), headline, owner, proposal);
        for change in self.given.iter().skip(times.saturating_sub(QUOTED)) {
            finding = finding.because(self.history.evidence(change));
        }
        if let Some(work) = self.owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        finding = finding
            .because(policy(changes.line, format!("{} changes or more", changes.value)))
            .because(policy(within_days.line, format!("within {}", days(within_days.value))));
        if unknown > 0 {
            let words = format!("who made {unknown} of the {times} changes is not known");
            finding = if are_enough { finding.unless(words) } else { finding.lacking(words) };
        }
        self.owned.with_work(world, row, finding).unless_any(self.doubts(object))
    }

    fn is_by_person(&self, world: &World<'a>, change: &Change<'a>) -> bool {
        matches!(self.history.actor(world, change), Actor::Person(_))
    }

    fn doubts(&self, object: Object) -> Vec<String> {
        let mut doubts = Vec::new();
        if let Some(planned) = self.planned {
            doubts.push(format!(
                "the owners of {planned} {} changed in the same minute: territories may have been moved \
                 as planned",
                object.plural()
            ));
        }
        let mut by: Vec<_> =
            self.given.iter().map(|change| self.history.by(change).map(str::trim)).collect();
        by.dedup();
        match by.as_slice() {
            [Some(_)] => doubts.push(
                "one writer made every change: somebody may have corrected themselves".to_owned(),
            ),
            [None] => doubts.push("nothing says who made the changes".to_owned()),
            _ => doubts.push(format!(
                "each change may have been asked for: a handover, a return, an absence that the \
                 {object} does not tell"
            )),
        }
        doubts
    }
}
