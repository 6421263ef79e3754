//! RTE-08: what the rules gave to somebody, people give to somebody else.
//!
//! One finding about each owner or pool, with the share and its exact interval: what is wrong is a rule, and
//! the records are judged one by one elsewhere.
//! Does not: say who should have had them, or count what was passed on as planned.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Object, RecordRef, Row};
use crate::check::bulk::Bulk;
use crate::check::condition::Conditions;
use crate::check::history::{Actor, Change, History};
use crate::check::interval::{Share, percent};
use crate::check::ladder::lists;
use crate::check::people::{Found, Person, Standing};
use crate::check::settings::{self, days};
use crate::check::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use crate::finding::{Evidence, Finding, FindingId, Proposal, Severity};
use crate::policy::{Said, Section};

use super::evidence::rule_evidence;
use super::hands::{FirstHand, Hands, Party, Step, Unclear};
use super::roster::Holder;
use super::routed::{Goes, Routed};
use super::rules::Rule;
use super::values::Values;
use super::{Plan, noun};

/// RTE-08.
pub(in crate::check) const GIVEN_AWAY: CheckDef = CheckDef {
    code: "RTE-08",
    name: "given-away",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that people gave more than the share `over` of what the rules \
        gave to an owner or a pool to somebody else within `within_days`: the low end of the share's \
        exact 95 % interval is above it. One finding about each owner or pool, from `least` records \
        on; the records themselves are left to RTE-01 and OWN-10.",
    consequence: "People undo by hand what the rules do, every customer waits for two handovers, and \
        the figures by team follow neither.",
    load,
};

/// `[given-away]`.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// The share that is too much; without it nothing is.
    over: Option<Said<f64>>,
    within_days: Said<u32>,
    look_back_days: Said<u32>,
    least: Said<u32>,
    /// Roles that pass records on as planned.
    handover_roles: Said<Vec<String>>,
    except: Conditions,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(GIVEN_AWAY.name);
        let section = section.as_ref();
        let over = section.and_then(|section| section.number("over"));
        if let (Some(section), Some(over)) = (section, &over)
            && !(0.0..1.0).contains(&over.value)
        {
            section.problem_with_hint(
                over.line,
                "`given-away.over` is no share",
                "a number from 0 to below 1, such as 0.3",
            );
        }
        Self {
            off: settings::is_off(section),
            over,
            within_days: settings::count(section, "within_days", 7),
            look_back_days: settings::count(section, "look_back_days", 90),
            least: settings::count(section, "least", 20),
            handover_roles: settings::texts(section, "handover_roles", &[]),
            except: Conditions::parse(section, "except", boundary),
        }
    }
}

/// The fields of one table that is routed.
struct Table {
    object: Object,
    owner: Field,
    created: Field,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.routing;
    let rules = policy.given_away.clone();
    let file = Family::Routing.file();
    if rules.off {
        return Err(GIVEN_AWAY.off_in_rules());
    }
    let Some(over) = rules.over.clone() else {
        let write = "say in `over` of [given-away] which share is too much";
        return Err(Off::NoPolicy { file, write });
    };
    let routed: Vec<Object> = policy.objects().collect();
    if routed.is_empty() {
        let write = "write the rules as [[rule]] with `name`, `when` and `to`";
        return Err(Off::NoPolicy { file, write });
    }
    policy.ask(grant, policies)?;
    let history = History::ask_with_values(grant)?;
    grant.field(Object::FieldHistory, "by")?;
    rules.except.ask(&routed, grant);
    let mut tables = Vec::new();
    for object in routed {
        let owner = grant.field(object, "owner")?;
        tables.push(Table { object, owner, created: grant.field(object, "created")? });
    }
    Ok(Box::new(move |world| {
        let look = Look { world, rules: &rules, history: &history };
        look.judge(&over, &tables)
    }))
}

/// What the rules gave to one owner or pool.
#[derive(Default)]
struct Group<'e> {
    /// How many records, and how many of them were given away.
    routed: u32,
    given: Vec<Given>,
    objects: BTreeSet<Object>,
    /// The rules that gave them, by their places: how many, and how many of them were given away.
    rules: BTreeMap<(&'e str, usize), (&'e Rule, u32, u32)>,
}

/// A record that was given away.
struct Given {
    record: RecordRef,
    at: DateTime<Utc>,
    /// To whom, as far as the inputs know.
    to: Option<String>,
}

/// Who got a record first, and what became of it.
struct First<'p, 'a> {
    person: &'p Person<'a>,
    given: Option<Change<'a>>,
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    history: &'l History,
}

impl<'l, 'a> Look<'l, 'a> {
    fn judge(self, over: &Said<f64>, tables: &[Table]) -> Judgement {
        let mut judgement = Judgement::default();
        let Some(begins) = self.history.begins(self.world) else {
            judgement.skip(Object::FieldHistory, "there is no input");
            return judgement;
        };
        let owners: Vec<&Field> = tables.iter().map(|table| &table.owner).collect();
        let mut changes: HashMap<(usize, usize), Vec<Change<'a>>> = HashMap::new();
        let mut bulk: Bulk<usize> = Bulk::default();
        self.history.each(self.world, &owners, &mut judgement, |table, change| {
            bulk.add(table, &change);
            changes.entry((table, change.record.position())).or_default().push(change);
        });
        let bulk = bulk.counted();
        let routed = self.world.routed();
        let mut groups: BTreeMap<Vec<&str>, Group<'_>> = BTreeMap::new();
        let mut unknown = 0;
        for (at, table) in tables.iter().enumerate() {
            let plan = self.world.policies.routing.plan(table.object);
            let tables = plan.zip(self.world.batch(table.object));
            let Some((plan, batch)) = tables.filter(|(_, batch)| batch.reviewed_len() > 0) else {
                continue;
            };
            let mut values = Values::default();
            for row in batch.rows().filter(|row| self.is_judged(plan, table, *row, begins)) {
                let mut of_row = changes.remove(&(at, row.position())).unwrap_or_default();
                of_row.sort_by_key(History::order);
                let planned = |change: &Change<'_>| bulk.planned(at, change).is_some();
                let Some((rule, holders)) = given_to(routed, self.world, plan, row, &mut values)
                else {
                    continue;
                };
                let first = match self.first(table, row, &of_row, &holders, planned) {
                    Ok(first) => first,
                    Err(Unclear::Aside) => continue,
                    Err(Unclear::Unknown) => {
                        unknown += 1;
                        continue;
                    }
                };
                // Who got it otherwise was not given it by the rules.
                if !holders.contains(&routed.roster.who_has_id(&first.person.id)) {
                    continue;
                }
                judgement.examined += 1;
                let people = holders.iter().filter_map(|holder| routed.roster.person(*holder));
                let mut key: Vec<&str> = people.map(|person| person.id.as_str()).collect();
                key.sort_unstable();
                key.dedup();
                let group = groups.entry(key).or_default();
                group.add(self, rule, row, first.given);
            }
        }
        if unknown > 0 {
            judgement.not_looked.push(NotLooked::nothing(format!(
                "{unknown} records count for none: nothing says who gave them away, or to whom they came \
                 first"
            )));
        }
        let least = self.rules.least.value.max(1);
        let (enough, few): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(_, group)| group.routed >= least);
        if !few.is_empty() {
            let words = format!(
                "owners and pools that were given fewer than {least} records are not judged: {}",
                few.len()
            );
            let ids = few.iter().filter_map(|(people, _)| {
                let known_by = self.known_by(people);
                let (first, others) = known_by.split_first()?;
                Some(FindingId::of(GIVEN_AWAY.code, first, others, None))
            });
            judgement.skip_findings(ids, words);
        }
        for (people, group) in enough {
            let share = Share::of(group.given_away(), group.routed);
            if share.from > over.value {
                judgement.findings.extend(self.finding(over, &people, &group, share));
            }
        }
        judgement
    }

    /// True for records of the time that is looked at, whose whole history is there and which the rules route.
    fn is_judged(self, plan: &Plan, table: &Table, row: Row<'a>, begins: DateTime<Utc>) -> bool {
        let since = self.world.as_of.days_ago(self.rules.look_back_days.value).max(begins);
        row.time(&table.created).is_some_and(|created| created >= since)
            && !plan.is_kept_from_rules(row)
            && !self.rules.except.hold(row)
    }

    fn within(self) -> Duration {
        Duration::days(self.rules.within_days.value.into())
    }

    /// Who got a record first, and whether somebody soon gave it to another than those whom the rule names: within
    /// a pool it is nobody else's.
    fn first(
        self,
        table: &Table,
        row: Row<'a>,
        changes: &[Change<'a>],
        pool: &[Holder],
        planned: impl Fn(&Change<'_>) -> bool,
    ) -> Result<First<'l, 'a>, Unclear> {
        let hands = Hands { world: self.world, history: self.history };
        let FirstHand { person, since, rest } =
            hands.first(row, (&table.owner, &table.created), changes)?;
        let until = since + self.within();
        let passes_on = person.role.is_some_and(|role| lists(&self.rules.handover_roles, role));
        if until > self.world.as_of.end() || passes_on {
            return Err(Unclear::Aside);
        }
        let roster = &self.world.routed().roster;
        let is_within = |step: &Step<'_, '_>| matches!(step.to, Party::Person(it) if pool.contains(&roster.who_has_id(&it.id)));
        let mut given = rest.iter().filter(|step| !step.stays && step.change.at <= until);
        let given = given.find(|step| !is_within(step));
        let Some(step) = given else { return Ok(First { person, given: None }) };
        let left = person.standing == Standing::Inactive
            && person.deactivated.is_none_or(|at| at <= step.change.at);
        if left || planned(&step.change) {
            return Err(Unclear::Aside);
        }
        match self.history.actor(self.world, &step.change) {
            Actor::Person(_) => Ok(First { person, given: Some(step.change) }),
            Actor::Service => Ok(First { person, given: None }),
            Actor::Stranger | Actor::Unsaid => Err(Unclear::Unknown),
        }
    }
}

/// The rule that took a record when it was routed, and those to whom it gives such records.
fn given_to<'e, 'a>(
    routed: &'e Routed<'a>,
    world: &World<'a>,
    plan: &'e Plan,
    row: Row<'a>,
    values: &mut Values,
) -> Option<(&'e Rule, Vec<Holder>)> {
    let matched = routed.matched(world, plan, row, values)?;
    match matched.goes {
        Goes::One(holder) => Some((matched.rule, vec![holder])),
        Goes::Any(pool) => Some((matched.rule, pool.to_vec())),
        Goes::Unsure => None,
    }
}

/// No more records, rules and names than a person reads.
const QUOTED: usize = 5;

impl<'e> Group<'e> {
    fn add(&mut self, look: Look<'_, '_>, rule: &'e Rule, row: Row<'_>, given: Option<Change<'_>>) {
        self.routed += 1;
        self.objects.insert(row.object());
        let tally = self.rules.entry((&rule.file, rule.line)).or_insert((rule, 0, 0));
        tally.1 += 1;
        let Some(change) = given else { return };
        tally.2 += 1;
        let to = look.history.after(&change).and_then(|to| match look.world.people().find(to) {
            Found::One(person) => Some(person.shown.clone()),
            Found::Several | Found::Nobody => None,
        });
        self.given.push(Given { record: row.record(), at: change.at, to });
    }

    fn given_away(&self) -> u32 {
        self.rules.values().map(|(_, _, given)| given).sum()
    }

    /// Who got a quarter of them or more: whoever got one now and then makes no other fault of it.
    fn main_receivers(&self) -> String {
        let mut got: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for given in &self.given {
            *got.entry(given.to.as_deref()).or_default() += 1;
        }
        got.retain(|_, count| *count * 4 >= self.given.len());
        let names: Vec<&str> = got.into_keys().map(Option::unwrap_or_default).collect();
        names.join(", ")
    }

    /// To whom they went, most first.
    fn receivers(&self) -> String {
        let to = self.given.iter().map(|it| it.to.as_deref().unwrap_or("somebody in no input"));
        settings::most_first(to, QUOTED)
    }

    /// The last that were given away.
    fn last(&self) -> String {
        let mut given: Vec<&Given> = self.given.iter().collect();
        given.sort_by(|a, b| (b.at, &a.record).cmp(&(a.at, &b.record)));
        let told = given.iter().take(QUOTED).map(|given| given.record.to_string());
        told.collect::<Vec<_>>().join(", ")
    }
}

impl<'l, 'a> Look<'l, 'a> {
    fn people(self, ids: &[&str]) -> Vec<&'l Person<'a>> {
        let found = ids.iter().filter_map(|id| match self.world.people().find(id) {
            Found::One(person) => Some(person),
            Found::Several | Found::Nobody => None,
        });
        found.collect()
    }

    /// What an owner or a pool is known by.
    fn known_by(self, ids: &[&str]) -> Vec<RecordRef> {
        self.people(ids).into_iter().map(Person::known_by).collect()
    }

    fn finding(
        self,
        over: &Said<f64>,
        people: &[&str],
        group: &Group<'_>,
        share: Share,
    ) -> Option<Finding> {
        let Rules { within_days, look_back_days, least, handover_roles, except, .. } = self.rules;
        let known_by = self.known_by(people);
        let people = self.people(people);
        let rows = people.iter().filter_map(|person| person.row);
        let records: Vec<RecordRef> = rows.map(Row::record).collect();
        let names: Vec<&str> = people.iter().map(|person| person.shown.as_str()).collect();
        let whom = match names.as_slice() {
            [name] => (*name).to_owned(),
            names => format!("the pool of {}", names.join(", ")),
        };
        let (noun, routed, given) = (noun(&group.objects), group.routed, group.given_away());
        let soon = days(within_days.value);
        let headline = format!(
            "People gave {given} of the {routed} {noun} that the rules gave to {whom} to somebody else \
             within {soon}"
        );
        let question = format!(
            "Which rule gives {whom} {noun} that are for somebody else, or are they passed on as planned?"
        );
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        let fact = figure(
            format!(
                "{noun} of the last {} that the rules gave to {whom}",
                days(look_back_days.value)
            ),
            routed.to_string(),
        );
        let exact = format!(
            "{given}, which is {} (exact 95 % interval {} to {})",
            percent(f64::from(given) / f64::from(routed)),
            percent(share.from),
            percent(share.to)
        );
        let proposal = Proposal::ReviewRule { question };
        let tenths = u64::from(given) * 10 / u64::from(routed.max(1));
        let (first, others) = records.split_first()?;
        let mut finding = Finding::about(first.clone(), headline, fact, proposal)
            .of_group(known_by)
            .stating(format!("{tenths} tenths to {}", group.main_receivers()))
            .because(figure(format!("given to somebody else by people within {soon}"), exact))
            .because(figure("to whom".to_owned(), group.receivers()))
            .because(figure("the last of them".to_owned(), group.last()));
        for (rule, all, away) in group.rules.values().take(QUOTED) {
            finding = finding.because(rule_evidence(rule)).because(figure(
                format!("given away of what rule `{}` gave", rule.name),
                format!("{away} of {all}"),
            ));
        }
        let policy = |line: usize, says: String| settings::quoted(Family::Routing, line, says);
        finding = finding
            .because(policy(over.line, format!("more than {} is too much", percent(over.value))))
            .because(policy(within_days.line, format!("given away within {soon} of the routing")))
            .because(policy(
                least.line,
                format!("shares are told from {} records on", least.value),
            ));
        if !handover_roles.is_empty() {
            let says = format!("these roles pass on as planned: {}", handover_roles.join(", "));
            finding = finding.because(policy(handover_roles.line, says));
        }
        for other in others {
            finding = finding.with(other.clone());
        }
        if handover_roles.is_empty() && except.is_empty() {
            finding = finding.unless(
                "passing them on may be planned: `handover_roles` and `except` of [given-away] say where \
                 it is",
            );
        }
        Some(finding.unless(format!(
            "somebody who enters {noun} by hand owns them at first, and the rules may name just that \
             person: those were not routed"
        )))
    }
}
