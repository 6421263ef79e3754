//! OWN-07: the owner of open work is on leave, by a calendar that the rules name.
//!
//! Does not: count absences that are nearly over, or speak of owners who left, queues and service users.

use chrono::{Datelike as _, NaiveDate, Weekday};

use crate::boundary::{Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::leave::{Calendar, Leave};
use super::super::people::{self, Found, Person, Standing};
use super::super::{
    About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, Rulebook, World,
};
use super::{Owned, Scope, days, holders, policy, settings, succession};

/// OWN-07.
pub(in super::super) const ON_LEAVE: CheckDef = CheckDef {
    code: "OWN-07",
    name: "owner-on-leave",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The owner of an open record is away for `min_days_left` days more, or longer, by the \
              calendar of leave that the rules name. Where the owner is none of those who should have \
              the record (OWN-05, routing), that is told instead.",
    consequence: "Nobody answers until the owner is back, while the service level runs on.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    min_days_left: Said<u32>,
    calendar: Calendar,
}

/// The calendar that the rules name, whoever reads it.
pub(super) fn calendar(section: Option<&Section<'_>>, rulebook: &Rulebook) -> Option<Calendar> {
    let section = section?;
    let name = section.text("calendar")?;
    let table = rulebook.table(&name, section, name.line)?;
    Some(Calendar::parse(table, section))
}

impl Rules {
    pub(super) fn parse(
        section: Option<&Section<'_>>,
        calendar: Option<&Calendar>,
    ) -> Result<Self, Off> {
        let rules = Self {
            objects: settings::objects(section, &[Object::Lead, Object::Deal]),
            min_days_left: settings::count(section, "min_days_left", 2),
            calendar: calendar.cloned().unwrap_or_default(),
        };
        settings::switched_on(section, &ON_LEAVE)?;
        if calendar.is_none() {
            let write = "name a table of who is away when in `calendar` of [owner-on-leave]";
            return Err(Off::NoPolicy { file: Family::Owners.file(), write });
        }
        Ok(rules)
    }

    /// The leaves that keep somebody from their work from a day on, and the last day of them; leaves that
    /// follow on each other, be it over a weekend, are one.
    fn away(&self, world: &World<'_>, person: &Person<'_>) -> Option<Absence<'_>> {
        let day = world.as_of.day;
        let own = self.calendar.of(world, person);
        // On a weekend whoever was away until it and is away after it is away.
        let rests = |leave: &&&Leave| {
            leave.to < day && next_workday(leave.to).is_some_and(|next| day < next)
        };
        let now = own.iter().find(|leave| leave.holds(day)).or_else(|| own.iter().find(rests));
        let now = *now?;
        let mut absence = Absence { leave: now, then: Vec::new(), last: now.to };
        while let Some(longer) = own.iter().find(|leave| {
            leave.to > absence.last
                && next_workday(absence.last).is_some_and(|next| leave.from <= next)
        }) {
            absence.last = longer.to;
            absence.then.push(longer);
        }
        let is_away = absence.last >= day;
        (is_away && days_left(absence.last, day) >= i64::from(self.min_days_left.value))
            .then_some(absence)
    }

    /// True for records of which it is a fault that somebody has them who is away.
    pub(super) fn finds_fault(&self, world: &World<'_>, row: Row<'_>, person: &Person<'_>) -> bool {
        self.objects.contains(&row.object()) && self.away(world, person).is_some()
    }
}

/// Days on which somebody is away without a day of work between them.
struct Absence<'w> {
    /// The row that holds on the day of the review.
    leave: &'w Leave,
    /// The rows that follow on it.
    then: Vec<&'w Leave>,
    last: NaiveDate,
}

/// The first day after one on which people are back at work: nobody takes leave for a weekend.
fn next_workday(day: NaiveDate) -> Option<NaiveDate> {
    day.iter_days().skip(1).find(|next| !matches!(next.weekday(), Weekday::Sat | Weekday::Sun))
}

/// The days from one to the last, both counted.
fn days_left(last: NaiveDate, day: NaiveDate) -> i64 {
    (last - day).num_days() + 1
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.on_leave.clone()?;
    let scope = Scope::ask(&rules.objects, grant, policies)?.where_work_is_known();
    succession::ask(&scope, grant, policies);
    people::ask(grant)?;
    Ok(Box::new(move |world| judge(&rules, &scope, world)))
}

/// Somebody who is away, and how long.
type Away<'w, 'a> = (&'w Person<'a>, Absence<'w>);

fn judge(rules: &Rules, scope: &Scope, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    let day = world.as_of.day;
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let away = holders(batch, &owned.owner, |value, _| {
            let Found::One(person) = world.people().find(value) else { return None };
            let works = match person.standing {
                Standing::Active | Standing::Unsaid => true,
                Standing::Inactive | Standing::Queue => false,
            };
            let is_service = world.policies.owners.is_service_user(value, person);
            let absence = rules.away(world, person).filter(|_| works && !is_service)?;
            Some((person, absence))
        });
        for row in batch.reviewed() {
            judgement.examined += 1;
            let held = row.text(&owned.owner).and_then(|value| away.get(value));
            let Some(away) = held else { continue };
            let role = world.policies.owners.role.as_ref().ok();
            if owned.is_open(world, row) == Some(false)
                || owned.is_nobodys(row)
                || role.is_some_and(|role| role.finds_fault(row, away.0))
                || world.routed().has_fault(world, row)
            {
                continue;
            }
            judgement.findings.push(finding(rules, owned, world, row, away));
        }
    }
    for leave in rules.calendar.leaves.iter().filter(|leave| leave.holds(day)) {
        let why = match world.people().find(&leave.owner) {
            Found::One(_) => continue,
            Found::Several => "is the name of several people: their ids tell them apart",
            Found::Nobody => "is in no input",
        };
        let Leave { file, line, owner, .. } = leave;
        judgement.not_looked.push(NotLooked::nothing(format!("{file}:{line}: `{owner}` {why}")));
    }
    judgement
}

fn finding<'a>(
    rules: &Rules,
    owned: &Owned,
    world: &World<'a>,
    row: Row<'a>,
    (person, Absence { leave, then, last }): &Away<'_, 'a>,
) -> Finding {
    let object = owned.object;
    let left = days_left(*last, world.as_of.day);
    let headline =
        format!("{} owns the {object} and is away until {last}, {} more", person.shown, days(left));
    let (proposal, against) = backup(rules, owned, world, row, person, leave);
    let holder = Evidence::Cell(row.cell(&owned.owner));
    let mut finding =
        Finding::about(row.record(), headline, holder, proposal).of_field(&owned.owner);
    for leave in [leave].into_iter().chain(then) {
        let backup = leave.backup.as_ref();
        let says = backup.map_or_else(|| "no backup".to_owned(), |name| format!("backup {name}"));
        finding = finding.because(Evidence::Policy {
            file: leave.file.clone(),
            line: leave.line,
            says: format!("away from {} to {}; {says}", leave.from, leave.to),
        });
    }
    finding = finding.because(policy(
        rules.min_days_left.line,
        format!("absences of {} more count", days(rules.min_days_left.value)),
    ));
    if let Some(work) = owned.work(row) {
        finding = finding.because(Evidence::Cell(work));
    }
    finding = owned.with_work(world, row, finding);
    finding = owned.with_life(world, row, None, finding);
    finding = finding.unless_any(owned.signs_of_life(world, row, None)).unless_any(against);
    if leave.from == world.as_of.day {
        finding = finding.unless(
            "the leave begins on the day of the review: where they are, it may not have begun",
        );
    }
    finding
        .unless(format!(
            "somebody may work the {object} for them already, without the CRM saying so"
        ))
        .escalate_only("the owner comes back: whoever takes it keeps it for so long only")
}

/// Whoever stands in for the owner, and what speaks against the one whom the calendar names.
fn backup<'a>(
    rules: &Rules,
    owned: &Owned,
    world: &World<'a>,
    row: Row<'a>,
    away: &Person<'a>,
    leave: &Leave,
) -> (Proposal, Option<String>) {
    let object = owned.object;
    let question = format!("Who works this {object} until {} is back?", away.shown);
    let ask = |why: Option<String>| (Proposal::ReviewRecord { question: question.clone() }, why);
    let Some(name) = &leave.backup else { return ask(None) };
    let person = match world.people().find(name) {
        Found::One(person) => person,
        Found::Several => {
            return ask(Some(format!("the backup `{name}` is a name of several people")));
        }
        Found::Nobody => return ask(Some(format!("the backup `{name}` is in no input"))),
    };
    let shown = &person.shown;
    if person.id == away.id {
        return ask(Some(format!("{shown} is named as their own backup")));
    }
    if person.standing == Standing::Inactive {
        return ask(Some(format!("the backup {shown} is inactive")));
    }
    if rules.away(world, person).is_some() {
        return ask(Some(format!("the backup {shown} is away too")));
    }
    if let Some(why) = person.unsaid() {
        return ask(Some(why));
    }
    if let Some(why) = world.routed().objection(world, row, person) {
        return ask(Some(format!("with the backup {shown} it would be a fault: {why}")));
    }
    let (before, to) = (row.cell(&owned.owner), person.assignee());
    let proposal = if person.standing == Standing::Queue {
        Proposal::ReturnToQueue { before, queue: Some(to) }
    } else {
        Proposal::SetOwner { before, to }
    };
    (proposal, None)
}
