//! OWN-09: somebody owns more open records than one person can work, or nobody leads them any more.
//!
//! One finding about each owner and table, and one about each manager who left. How many are too many only the
//! rules know; a median of the others is told beside it.
//! Does not: speak of owners who left, queues and service users, or say who takes the records.

use std::collections::BTreeMap;

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};
use chrono::{DateTime, NaiveDate, Utc};

use super::super::condition::Conditions;
use super::super::ladder::lists;
use super::super::median;
use super::super::people::{Found, Person, Standing};
use super::super::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use super::{Owned, Scope, UserFields, days, holders, policy, settings};

/// OWN-09.
pub(in super::super) const OVERLOADED_OWNER: CheckDef = CheckDef {
    code: "OWN-09",
    name: "overloaded-owner",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "Somebody active owns more open records of a table than the cap that the rules set for their \
              role; named accounts, what the rules except, and whoever is still in `ramp` do not count. Or the \
              manager of people who own open records of the tables in `managers_of` is inactive: one finding \
              about each such manager.",
    consequence: "What one person cannot work waits in a list that looks owned, and where nobody leads them \
                  nobody takes it away.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The first that fits decides; whom none fits may own any number.
    caps: Vec<Cap>,
    /// The tables whose owners need a manager who is there.
    managers_of: Said<Vec<Object>>,
    /// Who is new, and the last day of that.
    ramp: Vec<(Said<String>, NaiveDate)>,
    except: Conditions,
}

/// How many open records of a table one owner can work.
#[derive(Debug, Clone)]
struct Cap {
    objects: Vec<Object>,
    /// Whom it binds; anybody, where there are none.
    roles: Said<Vec<String>>,
    open: Said<u32>,
    line: usize,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Result<Self, Off> {
        let section = root.section(OVERLOADED_OWNER.name);
        let section = section.as_ref();
        let mut caps: Vec<Cap> = Vec::new();
        for part in section.map(|section| section.sections("cap")).unwrap_or_default() {
            let Some(cap) = Cap::parse(&part) else { continue };
            if let Some(earlier) = caps.iter().find(|earlier| earlier.takes_all_of(&cap)) {
                part.problem_with_hint(
                    cap.line,
                    format!("the cap on line {} decides all that this one could", earlier.line),
                    "the first that fits counts: put the narrower one first",
                );
            }
            caps.push(cap);
        }
        let rules = Self {
            caps,
            managers_of: managers_of(section),
            ramp: ramp(section),
            except: Conditions::parse(section, "except", boundary),
        };
        settings::switched_on(section, &OVERLOADED_OWNER)?;
        if rules.caps.is_empty() && rules.managers_of.is_empty() {
            let write = "set a cap in [[overloaded-owner.cap]], or name tables in `managers_of` of \
                         [overloaded-owner]";
            return Err(Off::NoPolicy { file: Family::Owners.file(), write });
        }
        Ok(rules)
    }

    /// Who is still in their ramp, as written.
    pub(super) fn names(&self) -> impl Iterator<Item = &Said<String>> {
        self.ramp.iter().map(|(name, _)| name)
    }

    fn objects(&self) -> Vec<Object> {
        let is_wanted = |object: &Object| {
            self.managers_of.contains(object)
                || self.caps.iter().any(|cap| cap.objects.contains(object))
        };
        Object::REVIEWED.into_iter().filter(is_wanted).collect()
    }

    fn is_in_ramp(&self, world: &World<'_>, person: &Person<'_>) -> bool {
        let mut named = self.ramp.iter().filter(|(name, _)| person.is_called(name));
        named.any(|(_, last)| world.as_of.day <= *last)
    }

    /// The caps that may be a person's, up to the one that surely is.
    fn caps_of(&self, object: Object, person: &Person<'_>) -> Vec<(&Cap, Fit)> {
        let mut caps = Vec::new();
        for cap in self.caps.iter().filter(|cap| cap.objects.contains(&object)) {
            let fit = cap.fit(person);
            if fit != Fit::No {
                caps.push((cap, fit));
            }
            if fit == Fit::Yes {
                break;
            }
        }
        caps
    }
}

/// The tables whose owners need a manager who is there.
fn managers_of(section: Option<&Section<'_>>) -> Said<Vec<Object>> {
    let line = section.and_then(|section| section.node("managers_of")).map_or(0, |node| node.line);
    let said = section.map(|section| (section, section.texts("managers_of")));
    let objects = said.into_iter().flat_map(|(section, said)| {
        said.into_iter().filter_map(move |name| settings::reviewed(section, &name))
    });
    Said { value: objects.collect(), line }
}

fn ramp(section: Option<&Section<'_>>) -> Vec<(Said<String>, NaiveDate)> {
    let Some(part) = section.and_then(|section| section.section("ramp")) else { return Vec::new() };
    let last = |name: &Said<String>| Some((name.clone(), part.date(name)?.value));
    part.entries().filter_map(|(name, _)| last(name)).collect()
}

/// Whether a cap is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// Their role is not known.
    Depends,
}

impl Cap {
    fn parse(part: &Section<'_>) -> Option<Self> {
        let objects = settings::objects(Some(part), &Object::REVIEWED);
        let roles = settings::texts(Some(part), "roles", &[]);
        let open = part.count("open");
        match &open {
            Some(open) if open.value == 0 => part.problem_with_hint(
                open.line,
                "`open` is at least 1",
                "more open records than this in one hand are too many",
            ),
            Some(_) => {}
            None if part.has("open") => {}
            None => part.missing("open"),
        }
        Some(Self { objects, roles, open: open?, line: part.line() })
    }

    /// True where everything that another cap is about is this one's already.
    fn takes_all_of(&self, other: &Self) -> bool {
        let wider = self.roles.is_empty()
            || !other.roles.is_empty() && other.roles.iter().all(|role| lists(&self.roles, role));
        wider && other.objects.iter().all(|object| self.objects.contains(object))
    }

    fn fit(&self, person: &Person<'_>) -> Fit {
        match person.role {
            _ if self.roles.is_empty() => Fit::Yes,
            Some(role) if lists(&self.roles, role) => Fit::Yes,
            Some(_) => Fit::No,
            None => Fit::Depends,
        }
    }

    fn words(&self, object: Object) -> String {
        let whose = if self.roles.is_empty() {
            "an owner".to_owned()
        } else {
            format!("an owner who is {}", self.roles.join(" or "))
        };
        format!("{whose} works {} open {} at most", self.open.value, object.plural())
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.overloaded.clone()?;
    let objects = rules.objects();
    let scope = Scope::ask(&objects, grant, policies)?.where_work_is_known();
    let users = UserFields::ask(grant)?;
    if rules.caps.is_empty() {
        grant.field(Object::User, "manager")?;
    }
    rules.except.ask(&objects, grant);
    if objects.contains(&Object::Account) {
        // By these an account is on the list of named ones.
        for name in ["name", "domain", "website"] {
            grant.optional(Object::Account, name);
        }
    }
    Ok(Box::new(move |world| Look { world, rules: &rules, users: &users }.judge(&scope)))
}

/// What one person has of one table.
struct Load<'w, 'a> {
    person: &'w Person<'a>,
    open: usize,
    /// Of these, what shows an activity of late.
    lively: usize,
    /// Of so many nothing says whether they are open.
    unsure: usize,
    /// What does not count, open or not.
    excepted: usize,
}

/// The open records of everybody, by table and by person; they are only walked through in order.
type Loads<'s, 'w, 'a> = BTreeMap<Object, (&'s Owned, BTreeMap<&'w str, Load<'w, 'a>>)>;

/// So many days ago is of late.
const LATE_DAYS: i64 = 30;

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    users: &'l UserFields,
}

impl<'l, 'a> Look<'l, 'a> {
    fn judge(self, scope: &Scope) -> Judgement {
        let mut judgement = Judgement::default();
        let mut loads = Loads::new();
        for (owned, batch) in scope.tables(self.world, &mut judgement) {
            judgement.examined += batch.len();
            loads.insert(owned.object, (owned, self.loads(owned, batch)));
        }
        if loads.len() < self.rules.objects().len() {
            // What is said of a person was counted in tables.
            judgement.skip(Object::User, "not every table in which they own records was counted");
        }
        for (owned, of_table) in loads.values() {
            let told = of_table.values().filter_map(|load| self.overload(owned, load, of_table));
            judgement.findings.extend(told);
        }
        self.judge_managers(&loads, &mut judgement);
        for (name, _) in &self.rules.ramp {
            if let Some(why) = match self.world.people().find(name) {
                Found::One(_) => None,
                Found::Several => Some("is the name of several people: their ids tell them apart"),
                Found::Nobody => Some("is in no input"),
            } {
                let words = format!("rules/owners.toml:{}: `{}` {why}", name.line, name.value);
                judgement.not_looked.push(NotLooked::nothing(words));
            }
        }
        judgement
    }

    /// What everybody who may work records has of a table.
    fn loads(self, owned: &Owned, batch: &'a Batch) -> BTreeMap<&'l str, Load<'l, 'a>> {
        let world = self.world;
        let people = holders(batch, &owned.owner, |value, _| self.worker(value));
        let mut loads: BTreeMap<&'l str, Load<'l, 'a>> = BTreeMap::new();
        for row in batch.rows() {
            let Some(person) = row.text(&owned.owner).and_then(|value| people.get(value)) else {
                continue;
            };
            let load = loads.entry(&person.id).or_insert(Load {
                person,
                open: 0,
                lively: 0,
                unsure: 0,
                excepted: 0,
            });
            let is_open = owned.is_open(world, row);
            if is_open == Some(false) || owned.is_nobodys(row) {
                continue;
            }
            if self.rules.except.hold(row) || world.routed().is_named_account(row) {
                load.excepted += 1;
            } else if is_open.is_none() || owned.unsure(world, row).is_some() {
                load.unsure += 1;
            } else {
                load.open += 1;
                load.lively += usize::from(self.is_lively(owned, row));
            }
        }
        loads
    }

    /// Somebody who may work records: no queue, no service user, and nobody who left.
    fn worker(self, value: &str) -> Option<&'l Person<'a>> {
        let Found::One(person) = self.world.people().find(value) else { return None };
        let works = match person.standing {
            Standing::Active | Standing::Unsaid => true,
            Standing::Inactive | Standing::Queue => false,
        };
        let is_service = self.world.policies.owners.is_service_user(value, person);
        (works && !is_service).then_some(person)
    }

    fn is_lively(self, owned: &Owned, row: Row<'_>) -> bool {
        let at = owned.last_activity.as_ref().and_then(|field| row.time(field));
        at.is_some_and(|at| (0..=LATE_DAYS).contains(&self.world.as_of.days_since(at)))
    }

    /// The finding about somebody who has more than their cap.
    fn overload(
        self,
        owned: &Owned,
        load: &Load<'l, 'a>,
        of_table: &BTreeMap<&'l str, Load<'l, 'a>>,
    ) -> Option<Finding> {
        let Load { person, open, unsure, .. } = *load;
        let row = person.row.filter(|_| !self.rules.is_in_ramp(self.world, person))?;
        let caps = self.rules.caps_of(owned.object, person);
        let most = open + unsure;
        let exceeds = |open: usize, cap: &Cap| open > cap.open.value as usize;
        let (cap, _) = *caps.iter().find(|(cap, _)| exceeds(most, cap))?;
        let mut missing = Vec::new();
        // Where each cap that may bind is exceeded by what is open for sure, it does not matter which one does.
        let is_bound = caps.iter().any(|(_, fit)| *fit == Fit::Yes);
        let may_be_another = caps.iter().any(|(_, fit)| *fit == Fit::Depends);
        let is_over = caps.iter().all(|(cap, _)| exceeds(open, cap));
        if !is_bound || may_be_another && !is_over {
            missing.push(format!("no role is known of {}", person.shown));
        }
        let by_unsure = |cap: &Cap| exceeds(most, cap) && !exceeds(open, cap);
        if caps.iter().any(|(cap, _)| by_unsure(cap)) {
            missing.push(match unsure {
                1 => format!("nothing says whether 1 {} is open", owned.object),
                _ => format!("nothing says whether {unsure} {} are open", owned.object.plural()),
            });
        }
        missing.extend(person.unsaid());
        let others = of_table.values().filter(|other| {
            let caps = self.rules.caps_of(owned.object, other.person);
            let is_same =
                caps.first().is_some_and(|(it, fit)| it.line == cap.line && *fit == Fit::Yes);
            is_same
                && other.person.id != person.id
                && other.open > 0
                && !self.rules.is_in_ramp(self.world, other.person)
        });
        let others: Vec<f64> = others.map(|other| real(other.open)).collect();
        let count = others.len();
        let others = median(others).map(|median| (median, count));
        let case = Overload { owned, cap, load, row, others };
        let finding = case.finding(self);
        Some(missing.into_iter().fold(finding, Finding::lacking))
    }
}

/// Somebody who has more open records of a table than their cap.
struct Overload<'c, 'l, 'a> {
    owned: &'c Owned,
    cap: &'c Cap,
    load: &'c Load<'l, 'a>,
    row: Row<'a>,
    /// What the others whom the cap binds have in the middle, and how many they are.
    others: Option<(f64, usize)>,
}

impl Overload<'_, '_, '_> {
    fn finding(&self, look: Look<'_, '_>) -> Finding {
        let Self { owned, cap, load, row, .. } = self;
        let Load { person, open, unsure, excepted, .. } = **load;
        let (object, plural) = (owned.object, owned.object.plural());
        let name = &person.shown;
        let many = if open > cap.open.value as usize {
            open.to_string()
        } else {
            format!("{open} to {}", open + unsure)
        };
        let headline =
            format!("{name} owns {many} open {plural}; one owner works {} at most", cap.open.value);
        let question = format!(
            "Which of these {plural} does somebody else take, and which are done and only have to be closed?"
        );
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        let fact = figure(format!("open {plural} of {name}"), open.to_string());
        let proposal = Proposal::ReviewRecord { question };
        let mut finding = Finding::about(row.record(), headline, fact, proposal)
            .of_event(&owned.owner, object.key())
            // One record more is no other fault; half the cap more is.
            .stating(format!("{} halves of the cap", open * 2 / cap.open.value.max(1) as usize));
        if let Some((median, others)) = self.others {
            let of = match others {
                1 => format!("open {plural} of the only other owner whom the cap binds"),
                _ => format!(
                    "open {plural} of the {others} other owners whom the cap binds (median)"
                ),
            };
            finding = finding.because(figure(of, median.to_string()));
        }
        if unsure > 0 {
            let of = format!("{plural} of which nothing says whether they are open");
            finding = finding.because(figure(of, unsure.to_string()));
        }
        if excepted > 0 {
            let of = format!("{plural} that do not count, as named accounts and by `except`");
            finding = finding.because(figure(of, excepted.to_string()));
        }
        if owned.last_activity.is_some() {
            let of = format!("of the open ones with an activity in the last {}", days(LATE_DAYS));
            finding = finding.because(figure(of, load.lively.to_string()));
        }
        finding = finding.because(policy(cap.open.line, cap.words(object)));
        for cell in UserFields::cells(person, &[&look.users.role, &look.users.manager]) {
            finding = finding.because(cell);
        }
        finding.unless_any(self.doubts(look))
    }

    fn doubts(&self, look: Look<'_, '_>) -> Vec<String> {
        /// Who has no more than so many times what the others have is one of many.
        const NEAR: f64 = 1.5;
        let Load { person, open, lively, .. } = *self.load;
        let plural = self.owned.object.plural();
        let mut doubts = Vec::new();
        let near = |median: f64| real(open) <= NEAR * median;
        if let Some((median, _)) = self.others.filter(|(median, _)| near(*median)) {
            doubts.push(format!(
                "others have about as many ({median} in the middle): the cap may be too low"
            ));
        }
        for absent in look.stood_in_for(person) {
            doubts.push(format!("{} stands in for {absent}, who is away", person.shown));
        }
        if self.owned.last_activity.is_some() && 2 * lively < open {
            doubts.push(format!(
                "only {lively} of them had an activity in the last {}: the others may be done and not closed",
                days(LATE_DAYS)
            ));
        }
        doubts.push(format!(
            "open {plural} are not equal work: some may wait on purpose; `except` and `ramp` can say so"
        ));
        doubts
    }
}

/// A manager who left, and those who still report to them.
struct Absent<'l, 'a> {
    manager: &'l Person<'a>,
    /// Who reports to them, with their row, and how many open records of each table they own.
    reports: BTreeMap<&'l str, (&'l Person<'a>, Row<'a>, BTreeMap<Object, usize>)>,
}

/// No more people than somebody reads.
const QUOTED: usize = 5;
/// A successor may take so long to be named.
const SUCCESSION_DAYS: i64 = 30;

impl<'l, 'a> Look<'l, 'a> {
    /// Whom somebody stands in for today.
    fn stood_in_for(self, person: &Person<'_>) -> Vec<&'l str> {
        let Some(calendar) = self.world.policies.owners.calendar() else { return Vec::new() };
        let is_meant = |backup: &String| matches!(self.world.people().find(backup), Found::One(it) if it.id == person.id);
        let now = calendar.leaves.iter().filter(|leave| leave.holds(self.world.as_of.day));
        let now = now.filter(|leave| leave.backup.as_ref().is_some_and(is_meant));
        let shown = |owner: &str| match self.world.people().find(owner) {
            Found::One(absent) => Some(absent.shown.as_str()),
            Found::Several | Found::Nobody => None,
        };
        now.filter_map(|leave| shown(&leave.owner)).collect()
    }

    fn judge_managers(self, loads: &Loads<'_, 'l, 'a>, judgement: &mut Judgement) {
        let tables = &self.rules.managers_of;
        if tables.is_empty() {
            return;
        }
        let manager = self.users.manager.as_ref();
        let users = self.world.batch(Object::User);
        let Some(field) = manager.filter(|field| users.is_some_and(|users| users.has(field)))
        else {
            let why = "no input has a column for managers, so none of them was looked for";
            judgement.not_looked.push(NotLooked::nothing(why));
            return;
        };
        let mut absent: BTreeMap<&'l str, Absent<'l, 'a>> = BTreeMap::new();
        let mut unknown: BTreeMap<usize, Row<'a>> = BTreeMap::new();
        for (object, (_, of_table)) in loads.iter().filter(|(object, _)| tables.contains(object)) {
            for Load { person, open, .. } in of_table.values().filter(|load| load.open > 0) {
                let Some((row, named)) = person.row.and_then(|row| Some((row, row.text(field)?)))
                else {
                    continue;
                };
                match self.world.people().find(named) {
                    Found::One(manager) if manager.standing == Standing::Inactive => {
                        let of = absent
                            .entry(&manager.id)
                            .or_insert_with(|| Absent { manager, reports: BTreeMap::new() });
                        let report = of.reports.entry(&person.id);
                        let (.., counts) =
                            report.or_insert_with(|| (*person, row, BTreeMap::new()));
                        counts.insert(*object, *open);
                    }
                    Found::One(_) => {}
                    Found::Several | Found::Nobody => drop(unknown.insert(row.position(), row)),
                }
            }
        }
        for absent in absent.values() {
            judgement.findings.extend(absent.finding(self, field));
        }
        if !unknown.is_empty() {
            let why = format!(
                "the managers of {} who own open records are in no input, or several have the name",
                unknown.len()
            );
            judgement.skip_records(Object::User, unknown.into_values(), &why);
        }
    }
}

impl Absent<'_, '_> {
    /// The finding; there is none without a report.
    fn finding(&self, look: Look<'_, '_>, field: &Field) -> Option<Finding> {
        let Self { manager, reports } = self;
        let tables = &look.rules.managers_of;
        let name = &manager.shown;
        let sum: usize = reports.values().flat_map(|(.., counts)| counts.values()).sum();
        let who = match reports.len() {
            1 => "somebody who owns".to_owned(),
            several => format!("{several} people who own"),
        };
        let records = if sum == 1 { "1 open record" } else { &format!("{sum} open records") };
        let report = if reports.len() == 1 { "reports" } else { "report" };
        let headline = format!("{name} is inactive, and {who} {records} still {report} to them");
        let question =
            format!("Who leads them now? Enter whoever follows {name} as their manager").to_owned();
        let mut cells = reports.values().map(|(_, row, _)| Evidence::Cell(row.cell(field)));
        // Of a manager without a record it is told by somebody who has one.
        let (_, report, _) = reports.values().next()?;
        let record = manager.row.unwrap_or(*report).record();
        let known_by = manager.row.is_none().then(|| manager.known_by());
        let proposal = Proposal::ReviewRecord { question };
        let mut finding = Finding::about(record, headline, cells.next()?, proposal).of_field(field);
        finding = known_by.into_iter().fold(finding, Finding::known_by);
        finding = cells.take(QUOTED - 1).fold(finding, Finding::because);
        for (person, _, counts) in reports.values().take(QUOTED) {
            let counts: Vec<String> = counts
                .iter()
                .map(|(object, count)| match count {
                    1 => format!("1 {object}"),
                    _ => format!("{count} {}", object.plural()),
                })
                .collect();
            let of = format!("open records of {}", person.shown);
            finding = finding.because(Evidence::Figure { of, is: counts.join(", ") });
        }
        let users = look.users;
        let own = [&users.active, &users.deactivated, &users.last_login, &users.role];
        for cell in UserFields::cells(manager, &own) {
            finding = finding.because(cell);
        }
        let plural: Vec<&str> = tables.iter().map(|object| object.plural()).collect();
        let says = format!("owners of open {} have a manager who is there", plural.join(" and "));
        finding = finding.because(policy(tables.line, says));
        let ago = |at: DateTime<Utc>| look.world.as_of.days_since(at);
        if let Some(ago) = manager.deactivated.map(ago).filter(|ago| *ago <= SUCCESSION_DAYS) {
            finding = finding.unless(format!(
                "{name} left only {} ago: a successor may not be named yet",
                days(ago)
            ));
        }
        Some(finding.unless(
            "the CRM may be what is out of date: somebody may lead them without being entered there",
        ))
    }
}

/// A count of records as a measure.
fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
