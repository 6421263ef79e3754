//! OWN-04: an integration or an administrator owns a record.
//!
//! Does not: speak of service users who are inactive: that is OWN-01.

use hashbrown::HashSet;

use crate::boundary::{Boundary, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::condition::Conditions;
use super::super::people::{Found, People, Person, Standing, is_named};
use super::super::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use super::succession::{self, Succession};
use super::{Owned, Scope, UserFields, doubt, holders, policy, settings};

/// OWN-04.
pub(in super::super) const SERVICE_OWNER: CheckDef = CheckDef {
    code: "OWN-04",
    name: "service-owner",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The owner of a record that is not closed is on the list of service users (integrations, \
              administrators), and the record is not house-owned by the rules.",
    consequence: "No person sees the record in their list, and its work is credited to a machine.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    users: ServiceUsers,
    house_owned: Conditions,
}

/// The declared service users, by id or name.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceUsers(Vec<Said<String>>);

impl ServiceUsers {
    /// Each of them, as written.
    pub(super) fn each(&self) -> &[Said<String>] {
        &self.0
    }

    /// The line that names the owner, by what the owner column says or by who that is.
    pub(super) fn names(&self, value: &str, person: Option<&Person<'_>>) -> Option<&Said<String>> {
        self.0.iter().find(|said| is_named(said, value, person))
    }
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Result<Self, Off> {
        let section = root.section(SERVICE_OWNER.name);
        let section = section.as_ref();
        let users = section.map(|section| section.texts("users")).unwrap_or_default();
        let users: Vec<_> = users
            .into_iter()
            .map(|said| Said { value: said.value.trim().to_owned(), line: said.line })
            .filter(|said| !said.value.is_empty())
            .collect();
        let rules = Self {
            objects: settings::objects(section, &Object::REVIEWED),
            users: ServiceUsers(users),
            house_owned: Conditions::parse(section, "house_owned", boundary),
        };
        settings::switched_on(section, &SERVICE_OWNER)?;
        if rules.users.0.is_empty() {
            let write = "name the integration and admin users in `users` of [service-owner]";
            return Err(Off::NoPolicy { file: Family::Owners.file(), write });
        }
        Ok(rules)
    }

    /// True for records of which it is a fault that a service user owns them.
    pub(super) fn looks_at(&self, row: Row<'_>) -> bool {
        self.objects.contains(&row.object()) && !self.house_owned.hold(row)
    }

    /// The service users.
    pub(super) fn users(&self) -> &ServiceUsers {
        &self.users
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.service.clone()?;
    let scope = Scope::ask(&rules.objects, grant, policies)?;
    succession::ask(&scope, grant, policies);
    rules.house_owned.ask(&rules.objects, grant);
    let users = UserFields::ask(grant).ok();
    Ok(Box::new(move |world| judge(&rules, &scope, users.as_ref(), world)))
}

/// The person an owner column names, if it is exactly one.
fn one<'p, 'a>(people: &'p People<'a>, value: &str) -> Option<&'p Person<'a>> {
    match people.find(value) {
        Found::One(person) => Some(person),
        Found::Several | Found::Nobody => None,
    }
}

fn judge(rules: &Rules, scope: &Scope, users: Option<&UserFields>, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    let people = world.people();
    let mut seen = HashSet::new();
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let services = holders(batch, &owned.owner, |value, count| {
            let person = one(people, value);
            let said = rules.users.names(value, person)?;
            Some((person, said, count))
        });
        seen.extend(services.values().map(|(_, said, _)| said.value.as_str()));
        let total = batch.len();
        for row in batch.reviewed() {
            judgement.examined += 1;
            let service = row.text(&owned.owner).and_then(|value| services.get(value));
            let Some((person, said, count)) = service else { continue };
            let left = person.is_some_and(|person| person.standing == Standing::Inactive);
            if left || rules.house_owned.hold(row) || owned.is_open(world, row) == Some(false) {
                continue;
            }
            let share = format!("{count} of {total}");
            let held = Held { rules, owned, users, person: *person, said, share };
            // Where the routing rules name another owner, routing says so with its trace.
            if !world.routed().has_fault(world, row) {
                judgement.findings.push(held.finding(world, row));
            }
        }
    }
    for said in &rules.users.0 {
        if !seen.contains(said.value.as_str()) && matches!(people.find(said), Found::Nobody) {
            judgement.not_looked.push(NotLooked::nothing(format!(
                "rules/owners.toml:{}: `{}` is in no input and owns no record",
                said.line, said.value
            )));
        }
    }
    judgement
}

/// A record that a service user owns.
struct Held<'c, 'a> {
    rules: &'c Rules,
    owned: &'c Owned,
    users: Option<&'c UserFields>,
    person: Option<&'c Person<'a>>,
    said: &'c Said<String>,
    share: String,
}

impl<'a> Held<'_, 'a> {
    fn finding(self, world: &World<'a>, row: Row<'a>) -> Finding {
        let owned = self.owned;
        let object = owned.object;
        let holder = row.cell(&owned.owner);
        let name =
            self.person.map_or_else(|| holder.shown().to_string(), |person| person.shown.clone());
        let succession = Succession::of(world, row, self.person);
        let proposal = succession.proposal(row, &owned.owner, || Proposal::ReviewRecord {
            question: format!("Which person should own this {object} instead of {name}?"),
        });
        let headline =
            format!("{name} is a service user and owns the {object}, which is still open");
        let mut finding = Finding::about(row.record(), headline, Evidence::Cell(holder), proposal)
            .of_field(&owned.owner)
            .because(policy(self.said.line, format!("`{}` is a service user", self.said.value)))
            .because(Evidence::Figure {
                of: format!("{} that this user owns", object.plural()),
                is: self.share,
            });
        if let (Some(person), Some(users)) = (self.person, self.users) {
            for cell in UserFields::cells(person, &[&users.role]) {
                finding = finding.because(cell);
            }
        }
        if let Some(work) = owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        finding = owned.with_work(world, row, finding);
        finding = owned.with_life(world, row, None, finding);
        let mut doubts = owned.signs_of_life(world, row, None);
        doubts.extend(doubt(&self.rules.house_owned, row));
        if owned.is_open(world, row).is_none() {
            doubts.push(format!("nothing in the {object} says whether it is open work"));
        }
        if object == Object::Account || doubts.is_empty() {
            doubts.push(format!(
                "the {object} may be house-owned on purpose; `house_owned` in rules/owners.toml \
                 can say so"
            ));
        }
        succession.explain(finding.unless_any(doubts))
    }
}
