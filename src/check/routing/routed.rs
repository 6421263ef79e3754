//! Where the rules send each record, and the one fault of the chain a record has.
//!
//! Every record is evaluated once; only faulty ones are looked at again to be explained.
//! Does not: write a finding; see `faults`.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use hashbrown::HashMap;

use crate::boundary::{Field, Object, Row};
use crate::check::condition::{When, fold};
use crate::check::ladder::Flags;
use crate::check::people::Person;
use crate::check::{CheckDef, World};
use crate::finding::{Assignee, Proposal, Tried};
use crate::policy::Said;
use crate::threads;

use super::accounts::{By, Home, Voice};
use super::coverage::Cover;
use super::do_not_route::is_marked;
use super::roster::{Holder, Roster};
use super::rules::{Rule, Target};
use super::table::{Gap, Verdict};
use super::values::{Day, Values};
use super::{Plan, Policy, Taking, Waiting};
use super::{evidence, faults};

/// How many records a thread judges at a time.
const STRETCH: usize = 1 << 12;

/// The faults of the chain: the first that holds is the record's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Somebody else owns what a list gives to an owner by name.
    NamedAccount,
    /// The record's owner is not the account's.
    AccountOwner,
    /// It lies in the catch-all without need.
    CatchAll,
    /// The owner covers another territory.
    Territory,
    /// The owner covers another segment.
    Segment,
    /// The rules give it to somebody else.
    WrongOwner,
    /// No rule takes it.
    Unroutable,
}

impl Fault {
    pub(super) const CHAIN: [Self; 7] = [
        Self::NamedAccount,
        Self::AccountOwner,
        Self::CatchAll,
        Self::Territory,
        Self::Segment,
        Self::WrongOwner,
        Self::Unroutable,
    ];

    /// The check that reports it.
    pub(super) fn check(self) -> &'static CheckDef {
        match self {
            Self::NamedAccount => &faults::NAMED_ACCOUNTS,
            Self::AccountOwner => &faults::FOLLOW_ACCOUNT_OWNER,
            Self::CatchAll => &faults::FELL_TO_CATCH_ALL,
            Self::Territory => &faults::TERRITORY,
            Self::Segment => &faults::SEGMENT,
            Self::WrongOwner => &faults::WRONG_OWNER,
            Self::Unroutable => &faults::UNROUTABLE,
        }
    }
}

/// What one step of the chain says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It has nothing to say about this record.
    Past,
    /// The record is as it should be.
    Right,
    /// It is not.
    Wrong,
    /// Its accounts do not agree on it.
    Unsure,
}

/// Whom a rule gives records to, looked up.
#[derive(Debug)]
enum Destination {
    One(Holder),
    Pool(Vec<Holder>),
    AccountOwner,
    /// One holder per row of the table.
    Table(Vec<Holder>),
}

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes<'e> {
    /// To this owner.
    One(Holder),
    /// To any of these.
    Any(&'e [Holder]),
    /// To the owner of one of its accounts: who that is, they do not agree on.
    Unsure,
}

impl Goes<'_> {
    /// True when the owner is right, or not known to be wrong.
    pub(super) fn includes(self, owner: Holder) -> bool {
        match self {
            Goes::One(holder) => holder == owner,
            Goes::Any(pool) => pool.contains(&owner),
            Goes::Unsure => true,
        }
    }
}

/// The first rule that takes a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'e> {
    /// Its position.
    pub(super) at: usize,
    /// The rule.
    pub(super) rule: &'e Rule,
    /// The line of its table that decided, where it has one.
    pub(super) table_line: Option<usize>,
    /// Where the record goes.
    pub(super) goes: Goes<'e>,
}

/// What one owner covers by all rows of the coverage table that name them.
#[derive(Debug, Default)]
pub(super) struct Covered<'a> {
    /// The rows.
    pub(super) rows: Vec<&'a Cover>,
    territories: BTreeSet<&'a str>,
    segments: BTreeSet<&'a str>,
}

/// A blank field on which it depends whether a rule takes the record.
#[derive(Debug)]
pub(in crate::check) struct Need {
    /// The field.
    pub(in crate::check) field: Field,
    /// The rules whose other conditions hold, or compare blank fields too.
    pub(in crate::check) rules: Vec<String>,
    /// What the record does say in the fields that these rules compare.
    pub(in crate::check) known: Vec<Field>,
}

/// What the rules of today make of a record.
#[derive(Debug)]
pub(in crate::check) struct Advice {
    /// Who gets it; else what there is to ask.
    pub(in crate::check) to: Result<Assignee, Box<Proposal>>,
    /// The rules that were tried.
    pub(in crate::check) tried: Vec<Tried>,
    /// The fields, blank or withheld, with which it might go to somebody else.
    pub(in crate::check) unknown: Vec<Field>,
    /// No rule takes it: it goes where all others go.
    pub(in crate::check) is_rest: bool,
}

/// What the chain says of a stretch of the records of one object.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// One per record, in their order.
    faults: Vec<Option<Fault>>,
    /// How many records each step of the chain looked at.
    examined: [usize; Fault::CHAIN.len()],
    /// What a step could not tell, as a record's accounts do not agree, by the record's position.
    unsure: Vec<(Fault, usize)>,
    /// The positions of the records whose account is excluded from the review.
    hidden: Vec<usize>,
}

/// Where the rules send each record under review.
#[derive(Debug)]
pub(in crate::check) struct Routed<'a> {
    pub(super) policy: &'a Policy,
    pub(super) roster: Roster<'a>,
    destinations: BTreeMap<Object, Vec<Destination>>,
    /// Who holds what no rule takes.
    rests: BTreeMap<Object, Holder>,
    covers: HashMap<Holder, Covered<'a>>,
    /// The service users.
    services: Vec<Holder>,
    /// The row of the list, and how it was found, by the account's position.
    named: HashMap<usize, (usize, By)>,
    faults: BTreeMap<Object, Vec<Option<Fault>>>,
    examined: BTreeMap<Fault, usize>,
    /// The positions of the records that a step could tell nothing of.
    unsure: BTreeMap<(Fault, Object), Vec<usize>>,
    /// The positions of the records of which no step can tell anything: their account is excluded from the
    /// review, and it may be what decides.
    hidden: BTreeMap<Object, Vec<usize>>,
    skipped: Vec<(Object, &'static str)>,
}

/// One record that is judged.
pub(super) struct Case<'e, 'a> {
    pub(super) routed: &'e Routed<'a>,
    pub(super) world: &'e World<'a>,
    pub(super) plan: &'e Plan,
    pub(super) row: Row<'a>,
    pub(super) owner: Holder,
    pub(super) values: &'e Values,
    pub(super) matched: Option<Match<'e>>,
    home: OnceCell<Home<'a>>,
}

/// A record under review, and what the rules do with it.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Taken<'a> {
    /// The record.
    pub(in crate::check) row: Row<'a>,
    /// The position of the rule that takes it.
    pub(in crate::check) rule: Option<usize>,
}

impl Need {
    /// Notes that a rule waits for a field.
    fn note(needs: &mut Vec<Self>, field: &Field, rule: &Rule, row: Row<'_>) {
        let at = needs.iter().position(|need| need.field == *field).unwrap_or(needs.len());
        if at == needs.len() {
            needs.push(Self { field: field.clone(), rules: Vec::new(), known: Vec::new() });
        }
        let Some(need) = needs.get_mut(at).filter(|need| need.rules.last() != Some(&rule.name))
        else {
            return;
        };
        need.rules.push(rule.name.clone());
        for known in rule.fields().filter(|known| !row.is_blank(known)) {
            if !need.known.contains(known) {
                need.known.push(known.clone());
            }
        }
    }
}

impl<'a> Routed<'a> {
    pub(in crate::check) fn of(world: &World<'a>) -> Self {
        let policy = &world.policies.routing;
        let mut routed = Self {
            policy,
            roster: Roster::of(world, policy),
            destinations: BTreeMap::new(),
            rests: BTreeMap::new(),
            covers: HashMap::new(),
            services: Vec::new(),
            named: HashMap::new(),
            faults: BTreeMap::new(),
            examined: BTreeMap::new(),
            unsure: BTreeMap::new(),
            hidden: BTreeMap::new(),
            skipped: Vec::new(),
        };
        routed.look_up(world);
        let on = policy.on();
        for plan in &policy.plans {
            let why = if world.batch(plan.object).is_none() {
                "there was no input"
            } else if plan.owner.is_none() {
                "the owner is not in rules/boundary.toml"
            } else if world.people().is_empty() {
                "there was no input of users or queues to look owners up in"
            } else {
                routed.judge(world, plan, &on);
                continue;
            };
            routed.skipped.push((plan.object, why));
        }
        routed
    }

    /// Looks up whom rules and tables name.
    fn look_up(&mut self, world: &World<'a>) {
        let who = |name: &Said<String>| self.roster.who(name);
        for plan in &self.policy.plans {
            let destinations = plan.rules.iter().map(|rule| match &rule.target {
                Target::Owner(owner) => Destination::One(who(owner)),
                Target::Pool(pool) => Destination::Pool(pool.iter().map(who).collect()),
                Target::AccountOwner => Destination::AccountOwner,
                Target::Table(table) => {
                    let who = table.rows().iter().map(|row| self.roster.who(&row.says));
                    Destination::Table(who.collect())
                }
            });
            self.destinations.insert(plan.object, destinations.collect());
            if let Some((names, _)) = self.policy.rest(plan.object, world.as_of.day)
                && let [name] = names.as_slice()
            {
                self.rests.insert(plan.object, self.roster.who(name));
            }
        }
        self.services = world.policies.owners.service_users().iter().map(who).collect();
        for cover in self.policy.coverage.iter().flat_map(|coverage| &coverage.rows) {
            let covered = self.covers.entry(self.roster.who(&cover.owner)).or_default();
            covered.rows.push(cover);
            covered.territories.extend(cover.territories.iter().map(String::as_str));
            covered.segments.extend(cover.segments.iter().map(String::as_str));
        }
        if let (Some(named), Some(batch)) = (&self.policy.named, world.batch(Object::Account)) {
            self.named = named.place(batch, &world.policies.boundary, world.as_of.day);
        }
    }

    fn judge(&mut self, world: &World<'a>, plan: &'a Plan, on: &[Fault]) {
        let Some(batch) = world.batch(plan.object) else { return };
        let stretches = batch.len().div_ceil(STRETCH);
        let judged = threads::each(world.threads, stretches, |at| {
            let end = batch.len().min((at + 1) * STRETCH);
            let rows = (at * STRETCH..end).map(|at| batch.at(at).filter(|it| it.is_under_review()));
            self.judge_stretch(world, plan, on, rows)
        });
        let faults = self.faults.entry(plan.object).or_default();
        for stretch in judged {
            faults.extend(stretch.faults);
            for (fault, seen) in Fault::CHAIN.into_iter().zip(stretch.examined) {
                *self.examined.entry(fault).or_default() += seen;
            }
            if !stretch.hidden.is_empty() {
                self.hidden.entry(plan.object).or_default().extend(stretch.hidden);
            }
            for (fault, at) in stretch.unsure {
                self.unsure.entry((fault, plan.object)).or_default().push(at);
            }
        }
    }

    /// Judges rows; of what is none to judge the stretch has no fault.
    fn judge_stretch(
        &self,
        world: &World<'a>,
        plan: &Plan,
        on: &[Fault],
        rows: impl IntoIterator<Item = Option<Row<'a>>>,
    ) -> Stretch {
        let flags = Flags::of(&world.policies.boundary);
        let mut open = OpenMemo::default();
        let mut values = Values::default();
        let mut stretch = Stretch::default();
        // The list names an account whether somebody works it or not.
        let listed: Vec<Fault> =
            on.iter().copied().filter(|it| *it == Fault::NamedAccount).collect();
        for row in rows {
            let row = row.filter(|row| self.is_judged(world, plan, *row));
            let is_open = row.is_some_and(|row| open.may_be_open(world, &flags, row));
            let row = row.filter(|row| is_open || row.object() == Object::Account);
            let on = if is_open { on } else { &listed };
            let hidden = row.filter(|row| plan.hides_account(world, *row));
            stretch.hidden.extend(hidden.map(Row::position));
            let row = row.filter(|_| hidden.is_none());
            let case = row.and_then(|row| self.case(world, row, &mut values));
            let fault = case.and_then(|case| case.fault(on, &mut stretch));
            stretch.faults.push(fault);
        }
        stretch
    }

    /// False for records that are routed by hand, not at all, or too young for the router.
    fn is_judged(&self, world: &World<'a>, plan: &Plan, row: Row<'a>) -> bool {
        let created = plan.created.as_ref().and_then(|field| row.time(field));
        // A creation that lies ahead does not make a record young.
        let created = created.filter(|at| !world.as_of.is_ahead(*at));
        let young = created.is_some_and(|at| world.as_of.hours_since(at) < self.policy.grace_hours);
        !young && !plan.is_kept_from_rules(row)
    }

    /// A record with an owner who is not known to have left: what an inactive owner leaves behind
    /// is the owners family's.
    pub(super) fn case<'e>(
        &'e self,
        world: &'e World<'a>,
        row: Row<'a>,
        values: &'e mut Values,
    ) -> Option<Case<'e, 'a>> {
        let plan = self.policy.plan(row.object())?;
        let owner = self.roster.who(row.text(plan.owner.as_ref()?)?);
        if self.roster.is_inactive(owner) {
            return None;
        }
        let home = OnceCell::new();
        // What lies in the catch-all waits to be passed on, by the rules of today.
        let waits = self.catch_all(plan) == Some(owner);
        let today = Day::Review(world.as_of.day);
        let day = if waits { today } else { plan.day_of_rules(row, world.as_of) };
        values.read(&plan.columns, row, day);
        let matched = self.first_match(world, plan, row, values, &home);
        Some(Case { routed: self, world, plan, row, owner, values, matched, home })
    }

    /// The first rule that takes a record.
    fn first_match<'e>(
        &'e self,
        world: &World<'a>,
        plan: &'e Plan,
        row: Row<'a>,
        values: &Values,
        home: &OnceCell<Home<'a>>,
    ) -> Option<Match<'e>> {
        let destinations = self.destinations.get(&plan.object)?;
        for (at, rule) in plan.may_take(values) {
            let Some(destination) = destinations.get(at).filter(|_| rule.takes(values)) else {
                continue;
            };
            let mut table_line = None;
            let goes = match destination {
                Destination::One(holder) => Goes::One(*holder),
                Destination::Pool(pool) => Goes::Any(pool),
                Destination::AccountOwner => {
                    let home = home.get_or_init(|| Home::of(world, plan, row));
                    match home.say(|account| self.account_owner(world, account)) {
                        Voice::Silent => continue,
                        Voice::One(holder) => Goes::One(holder),
                        Voice::Differing => Goes::Unsure,
                    }
                }
                Destination::Table(holders) => {
                    let Target::Table(table) = &rule.target else { continue };
                    let Some(first) = table.first(values) else { continue };
                    let Some(holder) = holders.get(first) else { continue };
                    table_line = table.rows().get(first).map(|row| row.line);
                    Goes::One(*holder)
                }
            };
            return Some(Match { at, rule, table_line, goes });
        }
        None
    }

    /// The owner of an account, when it is a person who is not known to have left, and no service user:
    /// nobody follows a machine.
    pub(super) fn account_owner(&self, world: &World<'a>, account: Row<'a>) -> Option<Holder> {
        let field = world.policies.boundary.allowed(Object::Account, "owner")?;
        let holder = self.roster.who(account.text(&field)?);
        let is_person = self.roster.can_work(holder) && !self.roster.is_queue(holder);
        (is_person && !self.services.contains(&holder)).then_some(holder)
    }

    /// Whose an account is by the list of named accounts.
    fn listed_owner(&self, account: Row<'a>) -> Option<Holder> {
        let (at, _) = self.named(account)?;
        let row = self.policy.named.as_ref()?.rows.get(at)?;
        Some(self.roster.who(&row.owner))
    }

    /// Whom the people of an account follow.
    fn followed_owner(&self, world: &World<'a>, account: Row<'a>) -> Option<Holder> {
        let follow = self.policy.follow.as_ref()?;
        let kind = world.policies.boundary.allowed(Object::Account, "type");
        let kind = kind.as_ref().and_then(|field| account.text(field)).map(fold);
        let is_followed = !kind.is_some_and(|kind| follow.except_types.contains(&kind));
        self.account_owner(world, account).filter(|_| is_followed)
    }

    /// True where somebody's role works leads before the account's owner does.
    fn works_first(&self, person: &Person<'_>) -> bool {
        let roles = self.policy.follow.as_ref().map(|follow| &follow.first_touch_roles);
        person.role.is_some_and(|role| roles.is_some_and(|roles| roles.contains(&fold(role))))
    }

    /// True where an account, or the list of named ones, says whose a record is before any rule does.
    pub(super) fn is_claimed(
        &self,
        world: &World<'a>,
        plan: &Plan,
        row: Row<'a>,
        person: &Person<'_>,
    ) -> bool {
        let home = Home::of(world, plan, row);
        let follows = matches!(row.object(), Object::Lead | Object::Contact);
        let whose = |account| {
            let listed = self.listed_owner(account);
            listed.or_else(|| self.followed_owner(world, account).filter(|_| follows))
        };
        home.say(whose) != Voice::Silent && !self.works_first(person)
    }

    /// Who holds what no rule takes; nobody alone where that is a pool.
    pub(super) fn catch_all(&self, plan: &Plan) -> Option<Holder> {
        self.rests.get(&plan.object).copied()
    }

    /// What an owner covers, when the coverage table names them.
    pub(super) fn covers(&self, holder: Holder) -> Option<&Covered<'a>> {
        self.covers.get(&holder)
    }

    /// The row in force of the list of named accounts for an account, with how it was found.
    pub(super) fn named(&self, account: Row<'a>) -> Option<(usize, By)> {
        self.named.get(&account.position()).copied()
    }

    /// True for an account on the list of named accounts.
    pub(in crate::check) fn is_named_account(&self, row: Row<'a>) -> bool {
        row.object() == Object::Account && self.named(row).is_some()
    }

    /// Every open record that the rules judge, and the rule that takes it.
    pub(in crate::check) fn taken(&self, world: &World<'a>, object: Object) -> Vec<Taken<'a>> {
        let (Some(plan), Some(batch)) = (self.policy.plan(object), world.batch(object)) else {
            return Vec::new();
        };
        let flags = Flags::of(&world.policies.boundary);
        let (mut open, mut values) = (OpenMemo::default(), Values::default());
        let mut taken = Vec::new();
        for row in batch.rows() {
            let is_judged = self.is_judged(world, plan, row) && !plan.hides_account(world, row);
            if !is_judged || !open.may_be_open(world, &flags, row) {
                continue;
            }
            let matched = self.matched(world, plan, row, &mut values);
            taken.push(Taken { row, rule: matched.map(|matched| matched.at) });
        }
        taken
    }

    /// The first of the rules in force when a record was routed that takes it.
    pub(super) fn matched<'e>(
        &'e self,
        world: &World<'a>,
        plan: &'e Plan,
        row: Row<'a>,
        values: &mut Values,
    ) -> Option<Match<'e>> {
        values.read(&plan.columns, row, plan.day_of_rules(row, world.as_of));
        self.first_match(world, plan, row, values, &OnceCell::new())
    }

    /// The records that have a fault, in input order.
    pub(super) fn faulty(&self, world: &World<'a>, fault: Fault) -> impl Iterator<Item = Row<'a>> {
        self.faults.iter().flat_map(move |(object, faults)| {
            let batch = world.batch(*object);
            let at = faults.iter().enumerate().filter(move |(_, it)| **it == Some(fault));
            at.filter_map(move |(at, _)| batch?.at(at))
        })
    }

    /// How many records a step of the chain looked at.
    pub(super) fn examined(&self, fault: Fault) -> usize {
        self.examined.get(&fault).copied().unwrap_or_default()
    }

    /// The records of each object of which no step can tell anything, as their account is excluded.
    pub(super) fn hidden(&self, world: &World<'a>) -> impl Iterator<Item = (Object, Vec<Row<'a>>)> {
        self.hidden.iter().filter_map(|(object, positions)| {
            let batch = world.batch(*object)?;
            Some((*object, positions.iter().filter_map(|at| batch.at(*at)).collect()))
        })
    }

    /// The records of each object that a step could tell nothing of, as their accounts do not agree.
    pub(super) fn unsure(
        &self,
        world: &World<'a>,
        fault: Fault,
    ) -> impl Iterator<Item = (Object, Vec<Row<'a>>)> {
        self.unsure.iter().filter(move |((of, _), _)| *of == fault).filter_map(
            |((_, object), positions)| {
                let batch = world.batch(*object)?;
                Some((*object, positions.iter().filter_map(|at| batch.at(*at)).collect()))
            },
        )
    }

    /// The objects that could not be looked at, and why.
    pub(super) fn skipped(&self) -> &[(Object, &'static str)] {
        &self.skipped
    }

    /// What is wrong with how the record was routed.
    pub(super) fn fault(&self, row: Row<'a>) -> Option<Fault> {
        *self.faults.get(&row.object())?.get(row.position())?
    }

    /// True where a check of routing finds the record in the wrong hands, or would, were it under review. That no
    /// rule takes it says nothing of who has it.
    pub(in crate::check) fn has_fault(&self, world: &World<'a>, row: Row<'a>) -> bool {
        let fault =
            if row.is_under_review() { self.fault(row) } else { self.fault_of_other(world, row) };
        fault.is_some_and(|fault| fault != Fault::Unroutable)
    }

    /// What is wrong with how a record was routed that is not under review: looked at only when it is asked for.
    fn fault_of_other(&self, world: &World<'a>, row: Row<'a>) -> Option<Fault> {
        let object = row.object();
        let plan = self.policy.plan(object)?;
        if self.skipped.iter().any(|(skipped, _)| *skipped == object) {
            return None;
        }
        self.judge_stretch(world, plan, &self.policy.on(), [Some(row)]).faults.pop().flatten()
    }

    /// True where a check has the finding that the record lies in the catch-all.
    pub(in crate::check) fn is_in_catch_all(&self, row: Row<'a>) -> bool {
        self.fault(row) == Some(Fault::CatchAll)
    }

    /// True where a check has the finding that the record lies in the catch-all for want of the field, and
    /// asks for it.
    pub(in crate::check) fn asks_for(
        &self,
        world: &World<'a>,
        row: Row<'a>,
        field: &Field,
    ) -> bool {
        let mut values = Values::default();
        self.is_in_catch_all(row)
            && self.case(world, row, &mut values).is_some_and(|case| {
                let kept = case.kept_by_blanks().filter(|_| case.goes_elsewhere().is_none());
                kept.is_some_and(|(_, fields)| fields.first() == Some(field))
            })
    }

    /// The blank fields of the record that decide where the rules send it now, and the rule that takes
    /// it as it is. Rules behind one that takes it in any case decide nothing.
    pub(in crate::check) fn needs(
        &self,
        world: &World<'a>,
        row: Row<'a>,
    ) -> (Vec<Need>, Option<&str>) {
        let plan = self.policy.plan(row.object());
        let Some(plan) = plan.filter(|plan| !plan.hides_account(world, row)) else {
            return (Vec::new(), None);
        };
        let mut values = Values::default();
        values.read(&plan.columns, row, Day::Review(world.as_of.day));
        let home = OnceCell::new();
        let taken = self.first_match(world, plan, row, &values, &home);
        let has_no_owner = || {
            let home = home.get_or_init(|| Home::of(world, plan, row));
            home.say(|account| self.account_owner(world, account)) == Voice::Silent
        };
        let mut needs: Vec<Need> = Vec::new();
        for (_, rule) in plan.may_take_once_filled(&values) {
            let verdict = rule.verdict(&values);
            let follows = matches!(rule.target, Target::AccountOwner);
            if verdict == Verdict::Passes || follows && has_no_owner() {
                continue;
            }
            if let Verdict::Depends(fields) = verdict {
                for field in fields {
                    Need::note(&mut needs, &field, rule, row);
                }
            }
            if rule.takes_anyway(&values) {
                break;
            }
        }
        (needs, taken.map(|taken| taken.rule.name.as_str()))
    }

    /// Whom the rules give the record to now. `None` when they give it to its present owner, or say
    /// nothing of it, as of what is marked not to be routed.
    pub(in crate::check) fn advice(&self, world: &World<'a>, row: Row<'a>) -> Option<Advice> {
        let plan = self.policy.plan(row.object()).filter(|plan| !plan.rules.is_empty())?;
        if is_marked(world, row) || plan.hides_account(world, row) {
            return None;
        }
        let owner = plan.owner.as_ref().and_then(|field| row.text(field)).unwrap_or_default();
        let mut values = Values::default();
        let case = self.case_today(world, plan, row, self.roster.who(owner), &mut values);
        let (end, goes) = match case.matched {
            Some(matched) => (matched.at, matched.goes),
            None => (plan.rules.len(), Goes::One(self.catch_all(plan)?)),
        };
        // An owner who left is no answer: then the rule is at fault.
        let is_owned = !owner.is_empty() && !self.roster.is_inactive(case.owner);
        if is_owned && goes.includes(case.owner) {
            return None;
        }
        let to = match case.matched {
            Some(matched) => faults::whom(&case, matched.rule, goes),
            None => self.catch_all(plan).and_then(|rest| self.roster.assignee(rest)).map(Ok)?,
        };
        Some(Advice {
            to,
            tried: evidence::traced(&case),
            unknown: case.unknown(end, goes),
            is_rest: case.matched.is_none(),
        })
    }

    /// True where a record is marked not to be routed, and somebody may not have such records.
    pub(in crate::check) fn forbids(
        &self,
        world: &World<'a>,
        row: Row<'a>,
        to: &Person<'_>,
    ) -> bool {
        self.policy.do_not_route.forbids(world, row, to)
    }

    /// What the rules would find, were the record given to somebody today: what speaks against them, or
    /// whom the rules name instead.
    pub(in crate::check) fn objection(
        &self,
        world: &World<'a>,
        row: Row<'a>,
        to: &Person<'_>,
    ) -> Option<String> {
        if let Some(why) = world.policies.owners.objection(world, row, to) {
            return Some(why);
        }
        if self.forbids(world, row, to) {
            return Some(format!("the {} is marked not to be routed", row.object()));
        }
        let plan = self.policy.plan(row.object())?;
        if plan.is_kept_from_rules(row) || plan.hides_account(world, row) {
            return None;
        }
        let mut values = Values::default();
        let owner = self.roster.who_has_id(&to.id);
        let case = self.case_today(world, plan, row, owner, &mut values);
        // Which rule is lacking is no matter of the owner.
        let mut on = self.policy.on();
        on.retain(|fault| *fault != Fault::Unroutable);
        let fault = case.fault(&on, &mut Stretch::default())?;
        Some(evidence::objection(&case, fault))
    }

    /// A record by the rules of today, as if somebody owned it.
    fn case_today<'e>(
        &'e self,
        world: &'e World<'a>,
        plan: &'e Plan,
        row: Row<'a>,
        owner: Holder,
        values: &'e mut Values,
    ) -> Case<'e, 'a> {
        let home = OnceCell::new();
        values.read(&plan.columns, row, Day::Review(world.as_of.day));
        let matched = self.first_match(world, plan, row, values, &home);
        Case { routed: self, world, plan, row, owner, values, matched, home }
    }
}

/// Whether a record is open, worked out once for each stage and state that occurs.
#[derive(Debug, Default)]
pub(super) struct OpenMemo<'a>(HashMap<(Option<&'a str>, [Option<bool>; 3]), bool>);

impl<'a> OpenMemo<'a> {
    /// True unless something in the record says that it is closed.
    pub(super) fn may_be_open(&mut self, world: &World<'a>, flags: &Flags, row: Row<'a>) -> bool {
        let ladders = &world.policies.ladders;
        let stage = ladders.of(row.object()).and_then(|ladder| row.text(&ladder.field));
        let flag = |field: &Option<Field>| {
            field.as_ref().filter(|it| it.object() == row.object()).and_then(|it| row.flag(it))
        };
        let key = (stage, [flag(&flags.converted), flag(&flags.closed), flag(&flags.won)]);
        *self.0.entry(key).or_insert_with(|| ladders.is_open(row, flags) != Some(false))
    }
}

impl<'e, 'a> Case<'e, 'a> {
    /// The account the record belongs to.
    pub(super) fn home(&self) -> Home<'a> {
        *self.home.get_or_init(|| Home::of(self.world, self.plan, self.row))
    }

    pub(super) fn home_cell(&self) -> &OnceCell<Home<'a>> {
        &self.home
    }

    /// The rule that takes the record, where it gives it to somebody else than its owner.
    pub(super) fn goes_elsewhere(&self) -> Option<Match<'e>> {
        self.matched.filter(|matched| !matched.goes.includes(self.owner))
    }

    /// When the record came to its owner.
    pub(super) fn routed_on(&self) -> Option<NaiveDate> {
        self.plan.routed_on(self.row, self.world.as_of)
    }

    /// The first fault among those looked for; the stretch is told which steps looked at the record, and
    /// which could not tell.
    pub(super) fn fault(&self, on: &[Fault], stretch: &mut Stretch) -> Option<Fault> {
        for (fault, seen) in Fault::CHAIN.into_iter().zip(&mut stretch.examined) {
            match if on.contains(&fault) { self.look(fault) } else { Look::Past } {
                Look::Past => {}
                Look::Right => {
                    *seen += 1;
                    // Whose a list or an account says that it is, no rule gives to somebody else.
                    if matches!(fault, Fault::NamedAccount | Fault::AccountOwner) {
                        return None;
                    }
                }
                Look::Wrong => {
                    *seen += 1;
                    return Some(fault);
                }
                Look::Unsure => stretch.unsure.push((fault, self.row.position())),
            }
        }
        None
    }

    fn look(&self, fault: Fault) -> Look {
        match fault {
            Fault::NamedAccount => self.look_at_named(),
            Fault::AccountOwner => self.look_at_account_owner(),
            Fault::CatchAll => self.look_at_catch_all(),
            Fault::Territory => self.look_at_territory(),
            Fault::Segment => self.look_at_segment(),
            Fault::WrongOwner => self.look_at_rules(),
            Fault::Unroutable => self.look_at_rest(),
        }
    }

    fn look_at_named(&self) -> Look {
        self.look_at_whose(|account| self.routed.listed_owner(account))
    }

    /// Whether the record is with whom its accounts should be: with one of them, where they differ.
    fn look_at_whose(&self, whose: impl Fn(Row<'a>) -> Option<Holder>) -> Look {
        let home = self.home();
        if home.accounts().flatten().any(|account| whose(account) == Some(self.owner)) {
            return Look::Right;
        }
        match home.say(whose) {
            Voice::Silent => Look::Past,
            Voice::One(_) | Voice::Differing if self.works_first() => Look::Past,
            Voice::One(_) => Look::Wrong,
            Voice::Differing => Look::Unsure,
        }
    }

    /// True when the owner's role works leads before the account's owner does.
    fn works_first(&self) -> bool {
        let person = self.routed.roster.person(self.owner);
        self.row.object() != Object::Account
            && person.is_some_and(|person| self.routed.works_first(person))
    }

    fn look_at_account_owner(&self) -> Look {
        if !matches!(self.row.object(), Object::Lead | Object::Contact) {
            return Look::Past;
        }
        self.look_at_whose(|account| self.routed.followed_owner(self.world, account))
    }

    fn look_at_catch_all(&self) -> Look {
        if self.plan.rules.is_empty() || self.routed.catch_all(self.plan) != Some(self.owner) {
            return Look::Past;
        }
        if self.goes_elsewhere().is_some() || self.kept_by_blanks().is_some() {
            Look::Wrong
        } else if self.matched.is_some_and(|matched| matched.goes == Goes::Unsure) {
            Look::Unsure
        } else {
            Look::Right
        }
    }

    /// The first rule, up to the matching one, that nothing but blank fields keeps from giving the record to
    /// somebody else than the catch-all; with those fields.
    pub(super) fn kept_by_blanks(&self) -> Option<(&'e Rule, Vec<Field>)> {
        let end = self.matched.map_or(self.plan.rules.len(), |matched| matched.at);
        let rest = self.routed.catch_all(self.plan);
        self.would_give(end, Gap::Blank, |holder| Some(holder) != rest)
    }

    /// The first rule that takes the record by the rules of today, whenever it was routed.
    pub(super) fn matched_today(&self) -> Option<Match<'e>> {
        if matches!(self.values.day(), Day::Review(_)) {
            return self.matched;
        }
        let mut values = Values::default();
        values.read(&self.plan.columns, self.row, Day::Review(self.world.as_of.day));
        self.routed.first_match(self.world, self.plan, self.row, &values, &self.home)
    }

    /// The first rule, up to the matching one, that would send the record elsewhere, were its fields
    /// filled that are blank now, or known that were withheld; with those fields.
    pub(super) fn rival(&self) -> Option<(&'e Rule, Vec<Field>)> {
        let matched = self.matched?;
        self.rival_of(matched.at, matched.goes)
    }

    /// The same of wherever the record goes by the rule at a position, or behind all of them.
    fn rival_of(&self, end: usize, goes: Goes<'_>) -> Option<(&'e Rule, Vec<Field>)> {
        self.would_give(end, Gap::Unknown, |holder| !goes.includes(holder))
    }

    /// The fields, blank or withheld, with which the record might go to somebody else than it does by the rule
    /// at a position, or behind all of them.
    fn unknown(&self, end: usize, goes: Goes<'_>) -> Vec<Field> {
        let rival = self.rival_of(end, goes).map(|(_, fields)| fields).unwrap_or_default();
        let presumed = self.matched.iter().flat_map(|matched| matched.rule.presumes(self.values));
        rival.into_iter().chain(presumed.cloned()).collect()
    }

    /// Whom the rules of today name, whatever its unknown fields may turn out to be.
    pub(super) fn surely_named_today(&self) -> Option<Holder> {
        let mut values = Values::default();
        let case = self.routed.case_today(self.world, self.plan, self.row, self.owner, &mut values);
        let Match { at, goes, .. } = case.matched?;
        let Goes::One(holder) = goes else { return None };
        case.unknown(at, goes).is_empty().then_some(holder)
    }

    /// The first rule, up to a position, that would give the record to one of those who are asked for, were
    /// its fields with a gap filled; with those fields.
    fn would_give(
        &self,
        end: usize,
        gap: Gap,
        is_asked_for: impl Fn(Holder) -> bool,
    ) -> Option<(&'e Rule, Vec<Field>)> {
        let destinations = self.routed.destinations.get(&self.plan.object)?;
        let rules = self.plan.may_take_once_filled(self.values);
        rules.take_while(|(at, _)| *at <= end).find_map(|(at, rule)| {
            let mut waits = rule.waits_for(self.values, gap)?;
            let gives = match (destinations.get(at)?, &rule.target) {
                (Destination::Table(holders), Target::Table(table)) => {
                    let first = table.first(self.values);
                    let fits = first.filter(|_| !waits.is_empty()).map(|at| (at, Vec::new()));
                    let mut rows = table.kept_by(self.values, first, gap).chain(fits);
                    let is_one = |at: &usize| holders.get(*at).copied().is_some_and(&is_asked_for);
                    let (_, mut more) = rows.find(|(at, _)| is_one(at))?;
                    more.retain(|field| !waits.contains(field));
                    waits.append(&mut more);
                    return Some((rule, waits));
                }
                (Destination::One(holder), _) => is_asked_for(*holder),
                (Destination::Pool(pool), _) => pool.iter().copied().any(&is_asked_for),
                (Destination::AccountOwner | Destination::Table(_), _) => {
                    let owner = |account| self.routed.account_owner(self.world, account);
                    match self.home().say(owner) {
                        Voice::Silent => false,
                        Voice::One(holder) => is_asked_for(holder),
                        Voice::Differing => true,
                    }
                }
            };
            (gives && !waits.is_empty()).then_some((rule, waits))
        })
    }

    /// True when the rules name the owner and nobody else: what the rules decide, the tables of
    /// coverage do not question.
    fn is_named_by_rules(&self) -> bool {
        self.matched.is_some_and(|matched| {
            let is_named = match matched.goes {
                Goes::One(one) => one == self.owner,
                Goes::Any(_) => false,
                // Whom they name is not known: perhaps the owner.
                Goes::Unsure => true,
            };
            is_named && !matched.rule.takes_all()
        })
    }

    fn look_at_territory(&self) -> Look {
        let (Some(territories), Some(covered)) =
            (&self.plan.territories, self.routed.covers(self.owner))
        else {
            return Look::Past;
        };
        if covered.territories.is_empty() {
            return Look::Past;
        }
        let placed = territories.place(self.values);
        // What only a blank field may place lies nowhere as far as is known.
        let Some(at) = placed.at else { return Look::Past };
        let mut possible = [at].into_iter().chain(placed.maybe);
        if possible.any(|row| covered.territories.contains(row.folded.as_str()))
            || self.is_named_by_rules()
        {
            Look::Right
        } else if any_holds(&territories.carve_outs, self.row) {
            Look::Past
        } else {
            Look::Wrong
        }
    }

    fn look_at_segment(&self) -> Look {
        let (Some(segments), Some(covered)) = (&self.plan.segments, self.routed.covers(self.owner))
        else {
            return Look::Past;
        };
        let second = || segments.second.as_ref().and_then(|it| segments.band(self.row, it));
        let band = segments.band(self.row, &segments.field).or_else(second);
        let Some(band) = band.filter(|_| !covered.segments.is_empty()) else {
            return Look::Past;
        };
        if covered.segments.contains(band.folded.as_str()) || self.is_named_by_rules() {
            Look::Right
        } else if any_holds(&segments.carve_outs, self.row) {
            Look::Past
        } else {
            Look::Wrong
        }
    }

    fn look_at_rules(&self) -> Look {
        let Some(matched) = self.matched else { return Look::Past };
        if matches!(matched.goes, Goes::Unsure) {
            return self.look_at_whose(|account| self.routed.account_owner(self.world, account));
        }
        if matched.goes.includes(self.owner) {
            return Look::Right;
        }
        let roster = &self.routed.roster;
        // A person who holds what the rules send to a queue took it from there.
        let taken = self.routed.policy.taking == Taking::FromQueues
            && !roster.is_queue(self.owner)
            && matches!(matched.goes, Goes::One(target) if roster.is_queue(target));
        // What the rules give to people may wait in a queue until somebody takes it: how long is not theirs.
        let waits = self.routed.policy.waiting == Waiting::InQueues
            && roster.is_queue(self.owner)
            && !matches!(matched.goes, Goes::One(target) if roster.is_queue(target));
        if taken || waits { Look::Right } else { Look::Wrong }
    }

    fn look_at_rest(&self) -> Look {
        if self.plan.rules.is_empty() {
            Look::Past
        } else if self.matched.is_some() || self.routed.catch_all(self.plan).is_some() {
            Look::Right
        } else {
            Look::Wrong
        }
    }
}

/// True when one of the exceptions holds.
pub(super) fn any_holds(when: &When, row: Row<'_>) -> bool {
    when.all.iter().any(|condition| condition.holds(row))
}
