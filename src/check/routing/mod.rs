//! The routing family: the rules are evaluated again, and records that went past them are named.
//!
//! A record has at most one fault of the chain (named account, account owner, catch-all, territory,
//! segment, rule, no rule; the first that holds), and beside it possibly a missed service level.
//! Does not: edit a rule, or judge the rules by themselves.

mod accounts;
mod calendar;
mod coverage;
mod do_not_route;
mod evidence;
mod faults;
mod given_away;
mod hands;
mod index;
mod roster;
mod routed;
mod rules;
mod service_level;
mod stuck_before;
mod table;
#[cfg(test)]
mod tests;
mod uneven_turns;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::boundary::{Batch, Boundary, Field, Grant, Missing, Object, Outside, Row};
use crate::check::ladder::Flags;
use crate::check::lint::{Line, List, Rest};
use crate::check::rulebook::Rulebook;
use crate::check::{AsOf, CheckDef, Judge, Judgement, Off, Policies, people, settings};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use accounts::{Follow, Named};
use coverage::{Coverage, Segments, Territories};
use index::Index;
use routed::Fault;
use rules::{Rule, Target};
use service_level::ServiceLevel;
use values::{Columns, Day, Values};

pub(super) use do_not_route::{DO_NOT_ROUTE, is_marked};
pub(super) use faults::{
    FELL_TO_CATCH_ALL, FOLLOW_ACCOUNT_OWNER, NAMED_ACCOUNTS, SEGMENT, TERRITORY, UNROUTABLE,
    WRONG_OWNER,
};
pub(super) use given_away::GIVEN_AWAY;
pub(super) use routed::{Advice, Need, Routed, Taken};
pub(super) use service_level::SERVICE_LEVEL;
pub(super) use stuck_before::STUCK_BEFORE_ROUTING;
pub(super) use uneven_turns::UNEVEN_TURNS;

/// The rules file.
pub(super) const RULES_FILE: &str = "rules/routing.toml";

/// The checks, in code order.
const CHECKS: &[&CheckDef] = &[
    &WRONG_OWNER,
    &TERRITORY,
    &SEGMENT,
    &FOLLOW_ACCOUNT_OWNER,
    &FELL_TO_CATCH_ALL,
    &UNROUTABLE,
    &SERVICE_LEVEL,
    &NAMED_ACCOUNTS,
];

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    plans: Vec<Plan>,
    /// Younger records are not judged.
    grace_hours: f64,
    /// Older records may have been handed over since.
    handover_days: i64,
    /// Where records go that no rule takes.
    catch_all: Option<Said<String>>,
    /// Whether a person may own what the rules send to a queue.
    taking: Taking,
    /// Whether records may lie in queues that the rules give to people.
    waiting: Waiting,
    coverage: Option<Coverage>,
    follow: Option<Follow>,
    named: Option<Named>,
    do_not_route: do_not_route::Rules,
    given_away: given_away::Rules,
    uneven_turns: uneven_turns::Rules,
    stuck_before: stuck_before::Rules,
    /// The checks that `off = true` switches off.
    off: BTreeSet<&'static str>,
    /// Why no record can be judged against the rules, if a needed field is not allowed.
    missing: Option<Missing>,
}

/// Whether a person may own what the rules send to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taking {
    /// They took it from there: that is what queues are for.
    FromQueues,
    /// Then they did not get it by the rules.
    Never,
}

/// Whether records may lie in queues that the rules give to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// Until a person takes them, or they have been there for too long.
    InQueues,
    /// The rules decide at once.
    Nowhere,
}

/// What the rules say of one object.
#[derive(Debug, Clone)]
struct Plan {
    object: Object,
    owner: Option<Field>,
    created: Option<Field>,
    assigned: Option<Field>,
    last_activity: Option<Field>,
    account: Option<Field>,
    /// Of several accounts the one that comes first.
    primary_account: Option<Field>,
    /// Somebody routed the record by hand on purpose.
    by_hand: Option<Field>,
    do_not_route: Option<Field>,
    columns: Columns,
    rules: Vec<Rule>,
    /// Where there are many of them.
    index: Option<Index>,
    /// Some of them were not always in force, or will not be.
    has_dated_rules: bool,
    territories: Option<Territories>,
    segments: Option<Segments>,
    service_level: Option<ServiceLevel>,
}

impl Policy {
    /// How many hours the router may take: younger records are not judged.
    pub(crate) fn grace_hours(&self) -> f64 {
        self.grace_hours
    }

    pub(super) fn parse(root: &Section<'_>, rulebook: &Rulebook, boundary: &Boundary) -> Self {
        let objects = objects(root, boundary);
        let by_hand = root.text("override");
        let mut plans: Vec<Plan> = objects
            .iter()
            .map(|object| {
                Plan::parse(root, *object, &objects, rulebook, boundary, by_hand.as_deref())
            })
            .collect();
        if objects.is_empty() {
            // Nothing is routed, and still every key is known.
            Plan::parse(root, Object::Lead, &Object::REVIEWED, rulebook, boundary, None);
        }
        let named = Named::parse(root, rulebook);
        if named.is_some() && !objects.contains(&Object::Account) {
            plans.push(Plan::bare(Object::Account, boundary));
        }
        let coverage = Coverage::parse(root, rulebook);
        for section in ["territory", "segment"].iter().filter_map(|name| root.section(name)) {
            section.knows_all();
            if coverage.is_none() && !root.has("coverage") {
                section.problem_with_hint(
                    section.line(),
                    "nothing says who covers what",
                    "add [coverage] with table = \"coverage.csv\"",
                );
            }
        }
        let uneven_turns = uneven_turns::Rules::parse(root, boundary, &plans);
        let grace = root.number("grace_hours").map_or(24.0, |said| said.value);
        let taking = root.flag("people_take_from_queues").is_none_or(|said| said.value);
        let waiting = root.flag("records_wait_in_queues").is_some_and(|said| said.value);
        Self {
            plans,
            grace_hours: grace,
            handover_days: root.count("handover_days").map_or(90, |said| said.value.into()),
            catch_all: root
                .text("catch_all")
                .filter(|said| !said.trim().is_empty())
                .map(|said| Said { value: said.trim().to_owned(), line: said.line }),
            taking: if taking { Taking::FromQueues } else { Taking::Never },
            waiting: if waiting { Waiting::InQueues } else { Waiting::Nowhere },
            coverage,
            follow: Follow::parse(root),
            named,
            do_not_route: do_not_route::Rules::parse(root),
            given_away: given_away::Rules::parse(root, boundary),
            uneven_turns,
            stuck_before: stuck_before::Rules::parse(root, boundary),
            off: switched_off(root),
            missing: boundary.field(Object::User, "id").err(),
        }
    }

    /// The fields that active rules look at for an object, in the order of the rules.
    pub(super) fn fields(&self, object: Object) -> Vec<Field> {
        let mut used: Vec<Field> = Vec::new();
        for field in self.plan(object).iter().flat_map(|plan| &plan.rules).flat_map(Rule::fields) {
            if !used.contains(field) {
                used.push(field.clone());
            }
        }
        used
    }

    /// The routing rules as ordered lists, one for each kind of record that is routed.
    pub(super) fn rules(&self) -> impl Iterator<Item = List> {
        let routed = self.plans.iter().filter(|plan| !plan.rules.is_empty());
        routed.map(|plan| List {
            decides: format!("who gets a {}", plan.object.key()),
            object: plan.object,
            rest: if self.catch_all.is_some() || self.off.contains(UNROUTABLE.name) {
                Rest::Kept
            } else {
                Rest::Lost
            },
            heads: self.heads(plan.object),
            lines: plan.rules.iter().enumerate().flat_map(|(at, rule)| rule.lines(at)).collect(),
        })
    }

    /// The other lists in which the first line that fits decides.
    pub(super) fn lists(&self) -> Vec<List> {
        let mut lists = Vec::new();
        for plan in &self.plans {
            let (object, one) = (plan.object, plan.object.key());
            let mut add = |decides: String, rest: Rest, lines: Vec<Line>| {
                if !lines.is_empty() {
                    lists.push(List { decides, object, rest, heads: Vec::new(), lines });
                }
            };
            let map = plan.territories.as_ref().map(Territories::lines);
            add(format!("the territory of a {one}"), Rest::Kept, map.unwrap_or_default());
            let bands = plan.segments.as_ref().map(Segments::lines);
            add(format!("the segment of a {one}"), Rest::Kept, bands.unwrap_or_default());
            let targets = plan.service_level.as_ref().map(ServiceLevel::lines);
            add(format!("how soon a {one} is called"), Rest::Kept, targets.unwrap_or_default());
        }
        lists
    }

    /// Each rule of an object by its position: its own line, without those of its table.
    pub(super) fn heads(&self, object: Object) -> Vec<Line> {
        let rules = self.plan(object).into_iter().flat_map(|plan| &plan.rules).enumerate();
        rules.map(|(at, rule)| rule.head(at)).collect()
    }

    /// The kinds of records that the rules route.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object> {
        self.plans.iter().filter(|plan| !plan.rules.is_empty()).map(|plan| plan.object)
    }

    /// Where records go that no rule takes, as written, and the line: the declared catch-all, else the
    /// owner or the pool of a last rule that takes any record on the day of the review.
    pub(super) fn rest(&self, object: Object, today: NaiveDate) -> Option<(Vec<&str>, usize)> {
        if let Some(said) = &self.catch_all {
            return Some((vec![&said.value], said.line));
        }
        // An old one may be kept below the new one: of those in force the first takes what is left.
        let ends = self.plan(object)?.rules.iter().rev().take_while(|rule| rule.takes_all());
        let last = ends.filter(|rule| rule.is_in_force_on(today)).last()?;
        let names: Vec<&Said<String>> = match &last.target {
            Target::Owner(owner) => vec![owner],
            Target::Pool(pool) => pool.iter().collect(),
            Target::AccountOwner | Target::Table(_) => Vec::new(),
        };
        let line = names.first()?.line;
        Some((names.into_iter().map(|said| said.value.as_str()).collect(), line))
    }

    /// Everybody to whom the rules and their tables give records, with file and line.
    pub(super) fn names(&self) -> Vec<(&str, &str, usize)> {
        let rules = self.plans.iter().flat_map(|plan| &plan.rules);
        let mut names: Vec<_> = rules.flat_map(Rule::names).collect();
        if let Some(said) = &self.catch_all {
            names.push((&said.value, RULES_FILE, said.line));
        }
        if let Some(named) = &self.named {
            let rows = named.rows.iter();
            names.extend(rows.map(|row| (row.owner.as_str(), named.file.as_str(), row.line)));
        }
        names
    }

    /// True where the rules list named accounts.
    pub(super) fn names_accounts(&self) -> bool {
        self.named.is_some()
    }

    /// The accounts on the list of named ones, by their places in their table, each with the line that names it.
    pub(super) fn named_accounts(
        &self,
        accounts: &Batch,
        boundary: &Boundary,
        today: NaiveDate,
    ) -> BTreeMap<usize, Evidence> {
        let Some(named) = &self.named else { return BTreeMap::new() };
        let placed = named.place(accounts, boundary, today).into_iter();
        placed.filter_map(|(place, (at, how))| Some((place, named.quoted(at, how)?))).collect()
    }

    /// Whom the coverage table names.
    pub(super) fn covering(&self) -> impl Iterator<Item = &str> {
        let rows = self.coverage.iter().flat_map(|coverage| &coverage.rows);
        rows.map(|row| row.owner.as_str())
    }

    /// Where the rules say that a record goes to its account's owner.
    pub(super) fn follows(&self) -> Option<(&str, usize)> {
        self.follow.as_ref().map(|follow| (follow.file.as_str(), follow.line))
    }

    fn plan(&self, object: Object) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.object == object)
    }

    /// True when the fault's check has rules, is not switched off, and its fields are allowed.
    fn is_on(&self, fault: Fault) -> bool {
        self.missing.is_none()
            && !self.off.contains(fault.check().name)
            && self.has_rules_for(fault)
    }

    /// The faults that are looked for, in the order of the chain.
    fn on(&self) -> Vec<Fault> {
        Fault::CHAIN.into_iter().filter(|fault| self.is_on(*fault)).collect()
    }

    fn has_rules_for(&self, fault: Fault) -> bool {
        let any = |test: fn(&Plan) -> bool| self.plans.iter().any(test);
        match fault {
            Fault::NamedAccount => self.named.is_some(),
            Fault::AccountOwner => self.follow.is_some(),
            Fault::Territory => self.coverage.is_some() && any(|plan| plan.territories.is_some()),
            Fault::Segment => self.coverage.is_some() && any(|plan| plan.segments.is_some()),
            Fault::CatchAll | Fault::WrongOwner | Fault::Unroutable => {
                any(|plan| !plan.rules.is_empty())
            }
        }
    }

    /// Asks for every field by which records are routed.
    fn ask(&self, grant: &mut Grant<'_>, policies: &Policies) -> Result<(), Off> {
        people::ask(grant)?;
        Flags::ask(grant);
        let mut owned = false;
        for plan in &self.plans {
            let object = plan.object;
            policies.ladders.ask(object, grant);
            plan.columns.ask(grant);
            owned |= plan.owner.is_some();
            let fields = [&plan.owner, &plan.created, &plan.assigned, &plan.last_activity];
            let more = [&plan.account, &plan.primary_account, &plan.by_hand, &plan.do_not_route];
            for field in fields.into_iter().chain(more).flatten() {
                grant.reads(field);
            }
            if let Some(segments) = &plan.segments {
                grant.reads(&segments.field);
                grant.optional(Object::Account, segments.field.name());
                segments.second.iter().for_each(|field| grant.reads(field));
                segments.carve_outs.ask(grant);
            }
            if let Some(territories) = &plan.territories {
                territories.carve_outs.ask(grant);
                // What the account says in the same fields is counter-evidence.
                for field in territories.map.fields() {
                    grant.optional(Object::Account, field.name());
                }
            }
            // By these a record is matched to its account.
            for name in ["id", "email", "website", "company"] {
                grant.optional(object, name);
            }
        }
        for name in ["id", "owner", "name", "domain", "website", "type", "assigned"] {
            grant.optional(Object::Account, name);
        }
        let first = self.plans.first().map_or(Object::Lead, |plan| plan.object);
        if !owned {
            grant.field(first, "owner")?;
        }
        Ok(())
    }
}

impl Plan {
    /// True for records that are routed by hand, or not at all.
    fn is_kept_from_rules(&self, row: Row<'_>) -> bool {
        let is_set = |field: &Field| row.flag(field) == Some(true);
        [&self.by_hand, &self.do_not_route].into_iter().flatten().any(is_set)
    }

    /// True for a record that names an account which is excluded from the review.
    fn hides_account(&self, world: &super::World<'_>, row: Row<'_>) -> bool {
        let named = [&self.account, &self.primary_account].into_iter().flatten();
        let mut ids = named.filter_map(|field| row.text(field));
        let accounts = world.batch(Object::Account).filter(|accounts| accounts.excludes());
        accounts.is_some_and(|it| ids.any(|id| it.outside(id) == Some(Outside::Excluded)))
    }

    /// When a record came to its owner: assigned, else created.
    fn routed_on(&self, row: Row<'_>, as_of: AsOf) -> Option<NaiveDate> {
        let created = || day_of(row, self.created.as_ref(), as_of);
        self.assigned_on(row, as_of).or_else(created)
    }

    /// When the record was assigned to its owner.
    fn assigned_on(&self, row: Row<'_>, as_of: AsOf) -> Option<NaiveDate> {
        day_of(row, self.assigned.as_ref(), as_of)
    }

    /// The rules that may take a record, in their order: where there are many, those that the index
    /// finds.
    fn may_take(&self, values: &Values) -> impl Iterator<Item = (usize, &Rule)> {
        let found = self.index.as_ref().map(|index| index.all_that_may_fit(values));
        let all = if found.is_some() { 0 } else { self.rules.len() };
        let at = (0..all).chain(found.into_iter().flatten());
        at.filter_map(|at| Some((at, self.rules.get(at)?)))
    }

    /// The rules that may take a record once its blank fields are filled, in their order.
    fn may_take_once_filled(&self, values: &Values) -> impl Iterator<Item = (usize, &Rule)> {
        let is_found = |index: &Index| !index.asks_for_an_unknown(values);
        let found = self.index.as_ref().is_some_and(is_found).then(|| self.may_take(values));
        let all = if found.is_some() { &[] } else { self.rules.as_slice() };
        found.into_iter().flatten().chain(all.iter().enumerate())
    }

    /// The day whose rules a record is judged by: that of its routing, where the record says it.
    fn day_of_rules(&self, row: Row<'_>, as_of: AsOf) -> Day {
        let day = if self.has_dated_rules { self.routed_on(row, as_of) } else { None };
        day.map_or(Day::Review(as_of.day), Day::Routed)
    }

    fn bare(object: Object, boundary: &Boundary) -> Self {
        let field = |name: &str| boundary.allowed(object, name);
        Self {
            object,
            owner: field("owner"),
            created: field("created"),
            assigned: field("assigned"),
            last_activity: field("last_activity"),
            account: field("account"),
            primary_account: field("primary_account"),
            by_hand: field("override"),
            do_not_route: field("do_not_route"),
            columns: Columns::default(),
            rules: Vec::new(),
            index: None,
            has_dated_rules: false,
            territories: None,
            segments: None,
            service_level: None,
        }
    }

    fn parse(
        root: &Section<'_>,
        object: Object,
        routed: &[Object],
        rulebook: &Rulebook,
        boundary: &Boundary,
        by_hand: Option<&&str>,
    ) -> Self {
        let mut plan = Self::bare(object, boundary);
        if let Some(name) = by_hand {
            match boundary.field(object, name) {
                Ok(field) => plan.by_hand = Some(field),
                Err(missing) => {
                    let line = root.node("override").map_or(0, |node| node.line);
                    root.problem(line, missing.to_string());
                }
            }
        }
        let columns = &mut plan.columns;
        plan.rules = rules::parse(root, object, routed, rulebook, boundary, columns);
        plan.index = Index::of(plan.rules.iter().map(Rule::clauses));
        plan.has_dated_rules = plan.rules.iter().any(Rule::is_dated);
        plan.territories = Territories::parse(root, object, rulebook, boundary, columns);
        plan.segments = Segments::parse(root, object, boundary);
        plan.service_level = ServiceLevel::parse(root, object, boundary);
        plan
    }
}

/// The day that a date names. One that lies ahead of the review says nothing of what was.
fn day_of(row: Row<'_>, field: Option<&Field>, as_of: AsOf) -> Option<NaiveDate> {
    let field = field.filter(|it| row.time(it).is_some_and(|at| !as_of.is_ahead(at)))?;
    row.named_day(field, as_of.zone)
}

/// The objects that are routed: those named, else leads, else contacts where there are no leads.
fn objects(root: &Section<'_>, boundary: &Boundary) -> Vec<Object> {
    let has_leads = boundary.objects().any(|object| object == Object::Lead);
    let default = if has_leads { Object::Lead } else { Object::Contact };
    settings::objects(Some(root), &[default])
}

/// The checks whose section says `off = true`.
fn switched_off(root: &Section<'_>) -> BTreeSet<&'static str> {
    let switched = |check: &&&CheckDef| {
        let section = root.section(check.name);
        section.is_some_and(|section| {
            let off = settings::is_off(Some(&section));
            // Sections with rules are read, key by key, where the rules are.
            let with_rules = [Fault::WrongOwner, Fault::Unroutable, Fault::CatchAll];
            if !with_rules.iter().any(|fault| fault.check().code == check.code) {
                section.knows_all();
            }
            off
        })
    };
    CHECKS.iter().filter(switched).map(|check| check.name).collect()
}

/// What records of some tables are called.
fn noun(objects: &BTreeSet<Object>) -> &'static str {
    let mut objects = objects.iter();
    match (objects.next(), objects.next()) {
        (Some(object), None) => object.plural(),
        (_, _) => "records",
    }
}

/// Loads a check of the chain; `write` says what switches it on.
fn load_fault(
    fault: Fault,
    write: &'static str,
    grant: &mut Grant<'_>,
    policies: &Policies,
) -> Result<Judge, Off> {
    let policy = &policies.routing;
    let check = fault.check();
    if policy.off.contains(check.name) {
        return Err(check.off_in_rules());
    }
    if !policy.has_rules_for(fault) {
        return Err(Off::NoPolicy { file: check.family.file(), write });
    }
    policy.ask(grant, policies)?;
    Ok(Box::new(move |world| {
        let routed = world.routed();
        let mut judgement = Judgement { examined: routed.examined(fault), ..Judgement::default() };
        for (object, why) in routed.skipped() {
            judgement.skip(*object, why);
        }
        for plan in &world.policies.routing.plans {
            if !routed.skipped().iter().any(|(object, _)| *object == plan.object) {
                judgement.look_through(plan.object);
            }
        }
        for (object, rows) in routed.unsure(world, fault) {
            let belong = if rows.len() == 1 { "belongs" } else { "belong" };
            let why = format!(
                "{} {belong} to several accounts, which do not agree on whose it should be",
                rows.len()
            );
            judgement.skip_records(object, rows, &why);
        }
        for (object, rows) in routed.hidden(world) {
            let why = format!("the accounts of {} are left out of the review", rows.len());
            judgement.skip_records(object, rows, &why);
        }
        judgement.findings = routed
            .faulty(world, fault)
            .filter_map(|row| faults::finding(world, routed, fault, row))
            .collect();
        judgement
    }))
}
