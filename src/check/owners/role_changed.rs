//! OWN-05: the owner's role is not one that works this kind of record.
//!
//! Does not: speak of owners who are inactive (OWN-01) or service users (OWN-04), or of a user
//! without a role, or of what is marked not to be routed (RTE-11).

use std::collections::BTreeMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::condition::Conditions;
use super::super::history::{Change, History, Latest};
use super::super::ladder::lists;
use super::super::people::{self, Found, Person, Standing};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::succession::{self, Succession};
use super::{Owned, Scope, UserFields, days, doubt, holders, policy, settings};

/// OWN-05.
pub(in super::super) const ROLE_CHANGED: CheckDef = CheckDef {
    code: "OWN-05",
    name: "role-changed",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The owner is active, and their role is none of the roles that the rules list as working \
              records of this kind; the record is open work, not kept by the rules and not marked \
              `do_not_route`.",
    consequence: "The customer's contact has another job now and does not call back.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    selling: BTreeMap<Object, Said<Vec<String>>>,
    keep: Conditions,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Result<Self, Off> {
        let section = root.section(ROLE_CHANGED.name);
        let section = section.as_ref();
        let mut selling = BTreeMap::new();
        if let Some(roles) = section.and_then(|section| section.section("selling")) {
            for object in Object::REVIEWED {
                let listed = settings::texts(Some(&roles), object.key(), &[]);
                if !listed.is_empty() {
                    selling.insert(object, listed);
                }
            }
        }
        let rules = Self { selling, keep: Conditions::parse(section, "keep", boundary) };
        settings::switched_on(section, &ROLE_CHANGED)?;
        if rules.selling.is_empty() {
            let write = "list the roles that work each object in [role-changed.selling]";
            return Err(Off::NoPolicy { file: Family::Owners.file(), write });
        }
        Ok(rules)
    }
}

impl Rules {
    /// True for somebody active whose known role does not work such a record.
    pub(super) fn finds_fault(&self, row: Row<'_>, person: &Person<'_>) -> bool {
        let selling = self.selling.get(&row.object());
        let is_other = |role| selling.is_some_and(|selling| !lists(selling, role));
        person.standing == Standing::Active
            && person.role.is_some_and(is_other)
            && !self.keep.hold(row)
    }
}

/// What the check reads of users.
#[derive(Debug, Clone)]
struct Roles {
    role: Field,
    team: Option<Field>,
    history: Option<History>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.role.clone()?;
    let objects: Vec<Object> = rules.selling.keys().copied().collect();
    let role = grant.field(Object::User, "role")?;
    let scope = Scope::ask(&objects, grant, policies)?.where_work_is_known();
    succession::ask(&scope, grant, policies);
    rules.keep.ask(&objects, grant);
    people::ask(grant)?;
    let known = Roles {
        role,
        team: grant.optional(Object::User, "team"),
        history: History::ask(grant).ok(),
    };
    Ok(Box::new(move |world| judge(&rules, &scope, &known, world)))
}

fn judge(rules: &Rules, scope: &Scope, known: &Roles, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    if !world.batch(Object::User).is_some_and(|users| users.has(&known.role)) {
        judgement.skip(Object::User, "no input has a column for roles");
        return judgement;
    }
    let active = |person: &&Person<'_>| person.standing == Standing::Active;
    let without = world.people().all().filter(active).filter(|p| p.role.is_none()).count();
    let changes =
        known.history.as_ref().map(|history| history.latest(world, &[&known.role], &mut judgement));
    let changes = changes.unwrap_or_default();
    let mut unsaid = Vec::new();
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let Some(selling) = rules.selling.get(&owned.object) else { continue };
        let others = holders(batch, &owned.owner, |value, _| {
            let Found::One(person) = world.people().find(value) else { return None };
            if person.standing != Standing::Active {
                return None;
            }
            let service = world.policies.owners.service.as_ref();
            if service.is_ok_and(|rules| rules.users().names(value, Some(person)).is_some()) {
                return None;
            }
            person.role.is_none_or(|role| !lists(selling, role)).then_some(person)
        });
        for row in batch.reviewed() {
            judgement.examined += 1;
            let person = row.text(&owned.owner).and_then(|value| others.get(value));
            let Some(person) = person else { continue };
            if person.role.is_none() {
                unsaid.push(row);
                continue;
            }
            if owned.is_open(world, row) == Some(false) || rules.keep.hold(row) {
                continue;
            }
            // Where the routing rules name another owner, routing says so with its trace, as it does where somebody
            // has what is marked not to be routed.
            if owned.is_nobodys(row) || world.routed().has_fault(world, row) {
                continue;
            }
            let kept = Kept { rules, selling, owned, known, person, changes: &changes };
            judgement.findings.push(kept.finding(world, row));
        }
    }
    if without > 0 {
        judgement.skip_records(
            Object::User,
            unsaid,
            &format!("no role is known of {without}, so their records were not judged"),
        );
    }
    judgement
}

/// A record that somebody with another job still owns.
struct Kept<'c, 'a> {
    rules: &'c Rules,
    selling: &'c Said<Vec<String>>,
    owned: &'c Owned,
    known: &'c Roles,
    person: &'c Person<'a>,
    changes: &'c Latest<'a>,
}

impl<'a> Kept<'_, 'a> {
    fn finding(&self, world: &World<'a>, row: Row<'a>) -> Finding {
        let owned = self.owned;
        let object = owned.object;
        let name = self.person.shown.as_str();
        let role = self.person.row.map(|user| user.cell(&self.known.role));
        let shown = role.as_ref().map_or_else(String::new, |role| format!(" ({})", role.shown()));
        let headline = format!(
            "Owner {name}{shown} has a role that does not work {}, and the {object} is open",
            object.plural()
        );
        let succession = Succession::of(world, row, Some(self.person));
        let proposal = succession.proposal(row, &owned.owner, || Proposal::ReviewRecord {
            question: format!("Does {name} keep this {object}, or who takes over?"),
        });
        let fact = Evidence::Cell(row.cell(&owned.owner));
        let mut finding =
            Finding::about(row.record(), headline, fact, proposal).of_field(&owned.owner);
        if let Some(role) = role {
            finding = finding.because(Evidence::Cell(role));
        }
        for cell in UserFields::cells(self.person, &[&self.known.team]) {
            finding = finding.because(cell);
        }
        let user = self.person.row.filter(|row| row.object() == Object::User);
        let change = user.and_then(|user| self.changes.get(&user.position())).copied();
        if let (Some(change), Some(history)) = (change, &self.known.history) {
            finding = finding.because(history.evidence(&change));
        }
        if let Some(work) = owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        let says = format!("roles that work {}: {}", object.plural(), self.selling.join(", "));
        finding = finding.because(policy(self.selling.line, says));
        finding = owned.with_work(world, row, finding);
        finding = self.owned.with_life(world, row, None, finding);
        let doubts = self.doubts(world, row, change);
        succession.explain(finding.unless_any(doubts))
    }

    fn doubts(&self, world: &World<'a>, row: Row<'a>, change: Option<Change<'a>>) -> Vec<String> {
        const HANDOVER_DAYS: i64 = 30;
        let object = self.owned.object;
        let mut doubts = Vec::new();
        match change.map(|change| world.as_of.days_since(change.at)) {
            Some(ago) if ago <= HANDOVER_DAYS => doubts.push(format!(
                "the role changed only {} ago: a handover may be under way",
                days(ago)
            )),
            Some(_) => {}
            None => doubts.push(
                "nothing shows that the role ever was another one: the user may own such records \
                 on purpose, or hold two jobs"
                    .to_owned(),
            ),
        }
        if let (Some(user), Some(team)) = (self.person.row, &self.known.team)
            && !user.is_blank(team)
        {
            doubts.push(format!(
                "the owner's team is {}: if that is a selling team, the role may be what is out \
                 of date",
                user.cell(team).shown()
            ));
        }
        doubts.extend(self.owned.signs_of_life(world, row, None));
        doubts.extend(doubt(&self.rules.keep, row));
        if doubts.is_empty() {
            doubts.push(format!("a manager may keep this {object} on purpose; `keep` can say so"));
        }
        doubts
    }
}
