//! RTE-09: a pool's leads are not given out by turns as the rules say.
//!
//! One finding about each pool. What each member got is held against what weights and attendance make of the
//! days on which the records came; a claim of an account, an earlier rule or a person's choice is no turn.
//! Does not: say that equal turns are equal work.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate, Utc, Weekday};
use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Object, RecordRef, Row};
use crate::check::condition::{Conditions, fold};
use crate::check::history::{Change, History};
use crate::check::interval::percent;
use crate::check::ladder::lists;
use crate::check::leave::{Calendar, Leave};
use crate::check::people::{Person, Standing};
use crate::check::settings::{self, days};
use crate::check::turns::Turns;
use crate::check::{About, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World};
use crate::finding::{Evidence, Finding, FindingId, Proposal, Severity};
use crate::policy::{Said, Section, Value};

use super::evidence::rule_evidence;
use super::hands::{Hands, Party, Unclear, party};
use super::roster::Holder;
use super::rules::{Rule, Target};
use super::values::Values;
use super::{Plan, noun};

/// RTE-09.
pub(in crate::check) const UNEVEN_TURNS: CheckDef = CheckDef {
    code: "RTE-09",
    name: "uneven-turns",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "Of the records that a declared pool was given by turns, a member got more or fewer than weights \
        and attendance explain: outside the exact range that chance leaves each member (95 % for all \
        members together) and off the expected number by more than the share `off_by`. One finding about each \
        pool, from `least` records on; what an account, an earlier rule or a person gave does not count.",
    consequence: "Some are given more than they can call and others wait for work, and what looks like \
        somebody's performance is the router's doing.",
    load,
};

/// `[uneven-turns]`.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    pools: Vec<Pool>,
    look_back_days: Said<u32>,
    least: Said<u32>,
    off_by: Said<f64>,
    /// The week of whoever does not work from Monday to Friday.
    weeks: Vec<(Said<String>, BTreeSet<usize>)>,
    /// Since when somebody takes turns.
    since: Vec<(Said<String>, NaiveDate)>,
    except: Conditions,
}

/// A pool that gives turns.
#[derive(Debug, Clone)]
struct Pool {
    /// The names of the rules that give to it.
    rules: Vec<Said<String>>,
    /// Its members, as the rules write them.
    members: Vec<Said<String>>,
    /// Turns for each one of somebody without a weight.
    weights: Vec<(Said<String>, f64)>,
    /// Whom the router passes over at a cap.
    capped: Said<Vec<String>>,
    line: usize,
}

/// The days of the week, from Monday.
const WEEK: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary, plans: &[Plan]) -> Self {
        let section = root.section(UNEVEN_TURNS.name);
        let section = section.as_ref();
        let mut pools: Vec<Pool> = Vec::new();
        for part in section.map(|section| section.sections("pool")).unwrap_or_default() {
            let Some(pool) = Pool::parse(&part, plans) else { continue };
            let is_same = |other: &&Pool| other.names() == pool.names();
            if let Some(other) = pools.iter().find(is_same) {
                part.problem_with_hint(
                    pool.line,
                    format!("the pool on line {} is of the same people", other.line),
                    "name the rules of both in one: turns are counted once",
                );
            }
            pools.push(pool);
        }
        let off_by = settings::number(section, "off_by", 0.1);
        if let Some(section) = section.filter(|_| !(0.0..1.0).contains(&off_by.value)) {
            section.problem_with_hint(
                off_by.line,
                "`uneven-turns.off_by` is no share",
                "a number from 0 to below 1, such as 0.1",
            );
        }
        let by_name = |key: &str| section.and_then(|section| section.section(key));
        let is_member = |part: &Section<'_>, name: &Said<String>| {
            let is = pools.iter().flat_map(|pool| &pool.members).any(|it| fold(it) == fold(name));
            if !is {
                not_in_the_pool(part, name);
            }
            is
        };
        let (mut weeks, mut since) = (Vec::new(), Vec::new());
        if let Some(part) = by_name("work_days") {
            for (name, _) in part.entries() {
                let week = week(&part, name);
                weeks.extend(
                    week.filter(|_| is_member(&part, name)).map(|week| (name.clone(), week)),
                );
            }
        }
        if let Some(part) = by_name("since") {
            for (name, node) in part.entries() {
                match node.value {
                    Value::Date(day) if is_member(&part, name) => since.push((name.clone(), day)),
                    Value::Date(_) => {}
                    Value::Text(_)
                    | Value::Whole(_)
                    | Value::Number(_)
                    | Value::Flag(_)
                    | Value::List(_)
                    | Value::Table(_) => part.problem_with_hint(
                        node.line,
                        format!("`uneven-turns.since.{}` is no day", name.value),
                        "like 2026-11-23, without quotes",
                    ),
                }
            }
        }
        Self {
            off: settings::is_off(section),
            pools,
            look_back_days: settings::count(section, "look_back_days", 90),
            least: settings::count(section, "least", 20),
            off_by,
            weeks,
            since,
            except: Conditions::parse(section, "except", boundary),
        }
    }
}

fn not_in_the_pool(part: &Section<'_>, name: &Said<String>) {
    part.problem_with_hint(
        name.line,
        format!("`{}` is in no pool that takes turns", name.value),
        "write the name as the rule does",
    );
}

/// The days on which somebody works.
fn week(part: &Section<'_>, name: &Said<String>) -> Option<BTreeSet<usize>> {
    let mut week = BTreeSet::new();
    for said in part.texts(name) {
        let day = said.value.trim().parse::<Weekday>().ok();
        if day.is_none() {
            part.problem_with_hint(
                said.line,
                format!("`{}` is no day of the week", said.value),
                format!("some of {}", WEEK.join(", ")),
            );
        }
        week.insert(weekday(day?));
    }
    (!week.is_empty()).then_some(week)
}

fn weekday(day: Weekday) -> usize {
    usize::try_from(day.num_days_from_monday()).unwrap_or_default()
}

impl Pool {
    fn parse(part: &Section<'_>, plans: &[Plan]) -> Option<Self> {
        let all: Vec<&Rule> = plans.iter().flat_map(|plan| &plan.rules).collect();
        let mut members: Option<&Vec<Said<String>>> = None;
        let said = part.texts("rules");
        // Read before the rules are looked up, so that a fault of either is told.
        let weights = part.section("weights");
        let weights: Vec<_> = weights.iter().flat_map(Section::entries).collect();
        let capped = settings::texts(Some(part), "capped", &[]);
        if !part.has("rules") {
            part.missing("rules");
        }
        for name in &said {
            let named = all.iter().find(|rule| fold(&rule.name) == fold(name.value));
            let fault = match named.map(|rule| &rule.target) {
                None => Some("is no rule of this file"),
                Some(Target::Pool(pool)) if members.is_none_or(|it| texts(it) == texts(pool)) => {
                    members = Some(pool);
                    None
                }
                Some(Target::Pool(_)) => Some("gives to other people than the rule before"),
                Some(_) => Some("does not give to a pool"),
            };
            if let Some(fault) = fault {
                part.problem_with_hint(
                    name.line,
                    format!("`{}` {fault}", name.value),
                    "name rules with `to = { pool = [...] }`, all of the same people",
                );
                return None;
            }
        }
        let members = members.cloned()?;
        let is_member = |name: &str| members.iter().any(|member| fold(member) == fold(name));
        let mut weighed = Vec::new();
        for (name, node) in weights {
            let weight = node.number().filter(|weight| weight.is_finite() && *weight > 0.0);
            if weight.is_none() {
                part.problem_with_hint(
                    node.line,
                    format!("the weight of `{}` is no number above 0", name.value),
                    "who takes no turns does not belong into the pool",
                );
            }
            if !is_member(name) {
                not_in_the_pool(part, name);
            }
            weighed.extend(weight.map(|weight| (name.clone(), weight)));
        }
        for name in capped.value.iter().filter(|name| !is_member(name)) {
            not_in_the_pool(part, &Said { value: name.clone(), line: capped.line });
        }
        let rules = said.iter().map(|it| Said { value: it.value.to_owned(), line: it.line });
        Some(Self { rules: rules.collect(), members, weights: weighed, capped, line: part.line() })
    }

    /// Its people, in no order.
    fn names(&self) -> BTreeSet<String> {
        texts(&self.members)
    }

    fn has(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|name| fold(name) == fold(&rule.name))
    }

    fn weight(&self, member: &str) -> f64 {
        let said = self.weights.iter().find(|(name, _)| fold(name) == fold(member));
        said.map_or(1.0, |(_, weight)| *weight)
    }
}

fn texts(names: &[Said<String>]) -> BTreeSet<String> {
    names.iter().map(|name| fold(name)).collect()
}

/// The fields of one table that is routed.
struct Table {
    object: Object,
    owner: Field,
    created: Field,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.routing;
    let rules = policy.uneven_turns.clone();
    if rules.off {
        return Err(UNEVEN_TURNS.off_in_rules());
    }
    if rules.pools.is_empty() {
        let write = "name the rules that give by turns in [[uneven-turns.pool]]";
        return Err(Off::NoPolicy { file: Family::Routing.file(), write });
    }
    policy.ask(grant, policies)?;
    let history = History::ask_with_values(grant).ok();
    let routed: Vec<Object> = policy.objects().collect();
    rules.except.ask(&routed, grant);
    let mut tables = Vec::new();
    for object in routed {
        let owner = grant.field(object, "owner")?;
        tables.push(Table { object, owner, created: grant.field(object, "created")? });
    }
    Ok(Box::new(move |world| {
        let look = Look { world, rules: &rules, history: history.as_ref() };
        look.judge(&tables)
    }))
}

/// What a pool was given.
struct Given<'e, 'a> {
    pool: &'e Pool,
    /// Those between whom turns are compared, and how many each got.
    members: Vec<(Member<'e, 'a>, u32)>,
    capped: Vec<Holder>,
    /// On each day, how many.
    per_day: BTreeMap<NaiveDate, u32>,
    rules: BTreeMap<(&'e str, usize), &'e Rule>,
    objects: BTreeSet<Object>,
    /// How many were given to somebody else by a person.
    others: u32,
    /// Of how many nothing says to whom they came first.
    unknown: u32,
}

/// Somebody who takes turns.
struct Member<'e, 'a> {
    holder: Holder,
    person: &'e Person<'a>,
    weight: f64,
    /// The days of the week on which they work.
    week: BTreeSet<usize>,
    since: Option<NaiveDate>,
    /// Their last day.
    until: Option<NaiveDate>,
    leaves: Vec<&'e Leave>,
}

impl Member<'_, '_> {
    fn takes_turns_on(&self, day: NaiveDate) -> bool {
        self.since.is_none_or(|since| since <= day)
            && self.until.is_none_or(|until| day <= until)
            && !self.leaves.iter().any(|leave| leave.holds(day))
    }

    fn works_on(&self, day: NaiveDate) -> bool {
        self.week.contains(&weekday(day.weekday())) && self.takes_turns_on(day)
    }
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    /// `None` where none is read.
    history: Option<&'l History>,
}

impl<'l, 'a> Look<'l, 'a> {
    fn judge(self, tables: &[Table]) -> Judgement {
        let mut judgement = Judgement::default();
        let mut changes: HashMap<(usize, usize), Vec<Change<'a>>> = HashMap::new();
        if let Some(history) = self.history {
            let owners: Vec<&Field> = tables.iter().map(|table| &table.owner).collect();
            history.each(self.world, &owners, &mut judgement, |table, change| {
                changes.entry((table, change.record.position())).or_default().push(change);
            });
        }
        // A history that never saw an owner change does not keep owners.
        let begins = self.history.and_then(|history| history.begins(self.world));
        let begins = begins.filter(|_| !changes.is_empty());
        let from = self.world.as_of.days_ago(self.rules.look_back_days.value);
        let from = begins.map_or(from, |begins| begins.max(from));
        let pools = self.rules.pools.iter().filter_map(|pool| self.given(pool, &mut judgement));
        let mut pools: Vec<Given<'l, 'a>> = pools.collect();
        for (at, table) in tables.iter().enumerate() {
            let plan = self.world.policies.routing.plan(table.object);
            let Some((plan, batch)) = plan.zip(self.world.batch(table.object)) else { continue };
            let mut values = Values::default();
            for row in batch.rows() {
                let created = row.time(&table.created);
                let is_of_the_time =
                    created.is_some_and(|at| from <= at && at < self.world.as_of.end());
                if !is_of_the_time || plan.is_kept_from_rules(row) || self.rules.except.hold(row) {
                    continue;
                }
                let matched = self.world.routed().matched(self.world, plan, row, &mut values);
                let Some(rule) = matched.map(|matched| matched.rule) else { continue };
                let Some(given) = pools.iter_mut().find(|given| given.pool.has(rule)) else {
                    continue;
                };
                let mut of_row = changes.remove(&(at, row.position())).unwrap_or_default();
                of_row.sort_by_key(History::order);
                judgement.examined += 1;
                match self.first(table, row, &of_row, begins.is_some()) {
                    Ok(first) => self.count(given, plan, rule, row, first),
                    Err(Unclear::Aside) => {}
                    Err(Unclear::Unknown) => given.unknown += 1,
                }
            }
        }
        let day = |at: DateTime<Utc>| at.with_timezone(&self.world.as_of.zone).date_naive();
        let least = self.rules.least.value.max(1);
        let (enough, few): (Vec<_>, Vec<_>) =
            pools.iter().partition(|given| given.counted() >= least);
        for given in enough {
            judgement.findings.extend(self.finding(given, day(from), begins.is_some()));
        }
        if !few.is_empty() {
            let words =
                format!("pools that gave fewer than {least} turns are not judged: {}", few.len());
            let ids = few.iter().filter_map(|given| {
                let known_by = given.known_by();
                let (first, others) = known_by.split_first()?;
                Some(FindingId::of(UNEVEN_TURNS.code, first, others, None))
            });
            judgement.skip_findings(ids, words);
        }
        judgement
    }

    /// A pool before anything was given; `None` where it is not known who its members are.
    fn given(self, pool: &'l Pool, judgement: &mut Judgement) -> Option<Given<'l, 'a>> {
        let roster = &self.world.routed().roster;
        let mut note = |why: String| {
            let file = Family::Routing.file();
            let words = format!("rules/{file}:{}: turns cannot be counted: {why}", pool.line);
            judgement.not_looked.push(NotLooked::nothing(words));
        };
        let (mut members, mut capped) = (Vec::new(), Vec::new());
        for name in &pool.members {
            let holder = roster.who(name);
            let Some(person) = roster.person(holder).filter(|it| it.standing != Standing::Queue)
            else {
                note(format!("`{}` is not one person in the inputs", name.value));
                return None;
            };
            if lists(&pool.capped.value, name) {
                capped.push(holder);
            } else {
                members.push((self.member(pool, name, holder, person), 0));
            }
        }
        if members.len() < 2 {
            note("fewer than two members are not capped".to_owned());
            return None;
        }
        Some(Given {
            pool,
            members,
            capped,
            per_day: BTreeMap::new(),
            rules: BTreeMap::new(),
            objects: BTreeSet::new(),
            others: 0,
            unknown: 0,
        })
    }

    fn member(
        self,
        pool: &Pool,
        name: &str,
        holder: Holder,
        person: &'l Person<'a>,
    ) -> Member<'l, 'a> {
        let zone = self.world.as_of.zone;
        let week = self.rules.weeks.iter().find(|(of, _)| fold(of) == fold(name));
        let left = person.deactivated.filter(|_| person.standing == Standing::Inactive);
        let calendar = self.calendar();
        Member {
            holder,
            person,
            weight: pool.weight(name),
            week: week.map_or_else(|| (0..5).collect(), |(_, week)| week.clone()),
            since: self
                .rules
                .since
                .iter()
                .find(|(of, _)| fold(of) == fold(name))
                .map(|(_, day)| *day),
            until: left.map(|at| at.with_timezone(&zone).date_naive()),
            leaves: calendar.map_or_else(Vec::new, |it| it.of(self.world, person)),
        }
    }

    fn calendar(self) -> Option<&'l Calendar> {
        self.world.policies.owners.calendar()
    }

    /// Who got a record first, and when: by the history, or the present owner where there is none.
    fn first(
        self,
        table: &Table,
        row: Row<'a>,
        changes: &[Change<'a>],
        is_told: bool,
    ) -> Result<(&'l Person<'a>, DateTime<Utc>), Unclear> {
        if let Some(history) = self.history.filter(|_| is_told) {
            let hands = Hands { world: self.world, history };
            let first = hands.first(row, (&table.owner, &table.created), changes)?;
            return Ok((first.person, first.since));
        }
        let owner = row.text(&table.owner).ok_or(Unclear::Aside)?;
        match party(self.world, owner) {
            Party::Person(person) => Ok((person, row.time(&table.created).ok_or(Unclear::Aside)?)),
            Party::Nobody => Err(Unclear::Aside),
            Party::Unknown => Err(Unclear::Unknown),
        }
    }

    fn count(
        self,
        given: &mut Given<'l, 'a>,
        plan: &Plan,
        rule: &'l Rule,
        row: Row<'a>,
        (person, at): (&'l Person<'a>, DateTime<Utc>),
    ) {
        let routed = self.world.routed();
        let holder = routed.roster.who_has_id(&person.id);
        if given.capped.contains(&holder) || routed.is_claimed(self.world, plan, row, person) {
            return;
        }
        let Some((_, count)) = given.members.iter_mut().find(|(it, _)| it.holder == holder) else {
            given.others += 1;
            return;
        };
        *count += 1;
        let day = at.with_timezone(&self.world.as_of.zone).date_naive();
        *given.per_day.entry(day).or_default() += 1;
        given.rules.insert((&rule.file, rule.line), rule);
        given.objects.insert(row.object());
    }
}

/// What a member got beside what was to be expected.
struct Turn<'g, 'e, 'a> {
    member: &'g Member<'e, 'a>,
    got: u32,
    expected: f64,
    /// What chance leaves.
    from: u32,
    to: u32,
}

impl Turn<'_, '_, '_> {
    fn is_off(&self, by: f64) -> bool {
        let off = f64::from(self.got) - self.expected;
        (self.got < self.from || self.got > self.to) && off.abs() > by * self.expected
    }
}

/// What lies beyond either end of a 95 % interval.
const BEYOND: f64 = 0.025;

impl<'e, 'a> Given<'e, 'a> {
    fn counted(&self) -> u32 {
        self.members.iter().map(|(_, count)| count).sum()
    }

    /// What the pool is known by.
    fn known_by(&self) -> Vec<RecordRef> {
        self.members.iter().map(|(member, _)| member.person.known_by()).collect()
    }

    fn records(&self) -> Vec<RecordRef> {
        let people = self.members.iter().filter_map(|(member, _)| member.person.row);
        people.map(Row::record).collect()
    }

    /// What each member's share of a day's records is: by weight, of those who work on it. Where nobody does,
    /// as on a Sunday, by the days that each works in the whole time.
    fn shares(&self, day: NaiveDate, whole: &[f64]) -> Vec<f64> {
        let here =
            self.members.iter().map(|(it, _)| if it.works_on(day) { it.weight } else { 0.0 });
        let here: Vec<f64> = here.collect();
        let shares = if here.iter().sum::<f64>() > 0.0 { here } else { whole.to_vec() };
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| if sum > 0.0 { share / sum } else { 0.0 }).collect()
    }

    /// What each member was to expect of the days on which the records came.
    fn turns<'g>(&'g self, from: NaiveDate, to: NaiveDate) -> Vec<Turn<'g, 'e, 'a>> {
        let whole = self.members.iter().map(|(member, _)| {
            let works =
                from.iter_days().take_while(|day| *day <= to).filter(|day| member.works_on(*day));
            member.weight * f64::from(u32::try_from(works.count()).unwrap_or(u32::MAX))
        });
        let whole: Vec<f64> = whole.collect();
        // Days with the same people are one kind of turns.
        let mut kinds: BTreeMap<Vec<bool>, (Vec<f64>, u32)> = BTreeMap::new();
        for (day, count) in &self.per_day {
            let there = self.members.iter().map(|(member, _)| member.works_on(*day)).collect();
            kinds.entry(there).or_insert_with(|| (self.shares(*day, &whole), 0)).1 += count;
        }
        let beyond = BEYOND / f64::from(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        let turn = |(at, (member, got)): (usize, &'g (Member<'e, 'a>, u32))| {
            let share = |shares: &[f64]| shares.get(at).copied().unwrap_or_default();
            let each = kinds.values().map(|(shares, count)| (share(shares), *count));
            let expected = each.clone().map(|(share, count)| share * f64::from(count)).sum();
            let turns = each.fold(Turns::none(), |sum, (share, count)| sum.and(count, share));
            let (from, to) = turns.range(beyond);
            Turn { member, got: *got, expected, from, to }
        };
        self.members.iter().enumerate().map(turn).collect()
    }

    /// The rules that gave them, in words.
    fn rules(&self) -> String {
        let names: Vec<String> =
            self.rules.values().map(|rule| format!("`{}`", rule.name)).collect();
        names.join(" and ")
    }
}

/// No more rows of the calendar than a person reads.
const QUOTED: usize = 5;

impl Look<'_, '_> {
    fn finding(self, given: &Given<'_, '_>, from: NaiveDate, is_told: bool) -> Option<Finding> {
        let Rules { look_back_days, least, off_by, .. } = self.rules;
        let last = self.world.as_of.day;
        let turns = given.turns(from, last);
        let off: Vec<&Turn<'_, '_, '_>> =
            turns.iter().filter(|it| it.is_off(off_by.value)).collect();
        let by_how_much = |turn: &&&Turn<'_, '_, '_>| (f64::from(turn.got) - turn.expected).abs();
        // Of equals the first.
        let worst = off.iter().rev().max_by(|a, b| by_how_much(a).total_cmp(&by_how_much(b)))?;
        let (noun, rules, all) = (noun(&given.objects), given.rules(), given.counted());
        let headline = format!(
            "Of the {all} {noun} that {rules} gave by turns, {} got {}; {} to {} were to be expected",
            worst.member.person.shown, worst.got, worst.from, worst.to
        );
        let question = format!(
            "Why do the turns of {rules} not come out: does the router pass somebody over, or are weights, \
             caps or absences others than the rules say?"
        );
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        let records = given.records();
        let (first, others) = records.split_first()?;
        let fact = figure(format!("{noun} given by turns from {from} to {last}"), all.to_string());
        let proposal = Proposal::ReviewRule { question };
        let mut finding =
            Finding::about(first.clone(), headline, fact, proposal).of_group(given.known_by());
        for other in others {
            finding = finding.with(other.clone());
        }
        for turn in &off {
            finding = finding.stating(format!("{} {}", turn.member.person.id, turn.side()));
        }
        for turn in &turns {
            finding =
                finding.because(figure(turn.member.person.shown.clone(), turn.words(from, last)));
        }
        if given.others > 0 {
            let is = given.others.to_string();
            finding =
                finding.because(figure("came first to nobody who takes turns".to_owned(), is));
        }
        finding = given.rules.values().fold(finding, |it, rule| it.because(rule_evidence(rule)));
        let policy = |line: usize, says: String| settings::quoted(Family::Routing, line, says);
        finding = finding
            .because(policy(
                look_back_days.line,
                format!("of the last {}", days(look_back_days.value)),
            ))
            .because(policy(least.line, format!("turns are told from {} records on", least.value)))
            .because(policy(
                off_by.line,
                format!("{} off what is expected is no matter", percent(off_by.value)),
            ));
        for (name, weight) in &given.pool.weights {
            finding = finding
                .because(policy(name.line, format!("{} has the weight {weight}", name.value)));
        }
        if !given.capped.is_empty() {
            let says =
                format!("left out, as a cap stops their turns: {}", given.pool.capped.join(", "));
            finding = finding.because(policy(given.pool.capped.line, says));
        }
        let leaves = turns.iter().flat_map(|turn| &turn.member.leaves);
        let leaves = leaves.filter(|leave| leave.from <= last && from <= leave.to);
        for leave in leaves.take(QUOTED) {
            finding = finding.because(Evidence::Policy {
                file: leave.file.clone(),
                line: leave.line,
                says: format!("{} is away from {} to {}", leave.owner, leave.from, leave.to),
            });
        }
        finding = self.lacking(given, is_told, finding);
        Some(finding.unless_any(self.doubts(given, noun, from)))
    }

    /// Notes what has to be known to be sure of turns.
    fn lacking(self, given: &Given<'_, '_>, is_told: bool, mut finding: Finding) -> Finding {
        if !is_told {
            finding = finding.lacking(
                "no field history says to whom the records came first: their present owners were counted",
            );
        }
        if given.unknown > 0 {
            finding = finding
                .lacking(format!("of {} nothing says to whom they came first", given.unknown));
        }
        if self.calendar().is_none() {
            finding = finding.lacking(
                "no calendar of leave says who was there: [owner-on-leave] of rules/owners.toml names it",
            );
        }
        for (member, _) in &given.members {
            if member.person.standing == Standing::Inactive && member.until.is_none() {
                finding =
                    finding.lacking(format!("no date says when {} left", member.person.shown));
            }
        }
        finding
    }

    fn doubts(self, given: &Given<'_, '_>, noun: &str, from: NaiveDate) -> Vec<String> {
        let mut doubts = vec![format!(
            "equal turns are not equal work: who got fewer {noun} may have had the harder ones"
        )];
        let first = self.calendar().and_then(|it| it.leaves.iter().map(|leave| leave.from).min());
        if let Some(first) = first.filter(|first| *first > from) {
            doubts.push(format!(
                "the calendar of leave begins on {first}: earlier absences may not stand in it"
            ));
        }
        if given.capped.is_empty() {
            doubts.push(
                "the router may pass over whoever has reached a cap: `capped` says who".to_owned(),
            );
        }
        doubts.push(format!(
            "{noun} that somebody entered by hand, and such as were merged or changed since, are counted where \
             they stand or not at all"
        ));
        doubts
    }
}

impl Turn<'_, '_, '_> {
    /// On which side of what was expected it lies.
    fn side(&self) -> &'static str {
        if f64::from(self.got) > self.expected { "above" } else { "below" }
    }

    fn words(&self, from: NaiveDate, to: NaiveDate) -> String {
        let works =
            from.iter_days().take_while(|day| *day <= to).filter(|day| self.member.works_on(*day));
        format!(
            "{}, expected {:.1}, by chance {} to {}; {} of work",
            self.got,
            self.expected,
            self.from,
            self.to,
            days(i64::try_from(works.count()).unwrap_or(i64::MAX))
        )
    }
}
