//! The checks: what each is called, what it needs, and what it says of a batch.
//!
//! [`ALL`] is the one visible list; the catalogue, the packet's sections and the fields that are read
//! follow from it. A check asks for its fields when it loads; judging is pure.
//! Does not: know a CRM, a template, the clock, the disk or the ledger; no check knows another.

mod batch;
mod bulk;
mod condition;
mod deals;
mod duplicates;
mod example;
mod forecast;
mod groups;
mod history;
mod imports;
mod interval;
mod ladder;
mod lead_source;
mod leave;
mod lifecycle;
mod lint;
mod median;
mod names;
mod not_looked;
mod owners;
mod people;
mod reach;
mod required;
mod routing;
mod rulebook;
mod sequence;
mod settings;
mod system_of_record;
mod turns;
mod weeks;
mod world;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;

use crate::boundary::{Boundary, Field, Grant, Missing, Object};
use crate::finding::{Finding, Severity};
use crate::matching::parameters::Parameters;
use crate::policy::Log;
use crate::threads;

pub use batch::InputRules;
pub(crate) use condition::fold;
pub use condition::{Condition, Conditions, When};
pub use duplicates::shipped_lists;
pub use example::{EXAMPLES, Example, Examples, Tried, from_finding};
pub use groups::{By, Groups, LEAST};
pub(crate) use ladder::same as same_stage;
pub use lint::{
    Fault, LINTS, LintDef, Linted, Place, Unjudged, Witness, dead_names, lint, routing_rules,
};
pub(crate) use median::median;
pub use names::called;
pub use not_looked::NotLooked;
pub use people::without_mark;
pub use rulebook::{MODEL, Rulebook, Separator, Table};
pub use world::{AsOf, Pulled, World};

// Whoever shows an address reads its cell as the checks do.
pub use crate::matching::normalise::addresses;

/// The seven families, and the input itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The input.
    Batch,
    /// One person or company twice.
    Duplicates,
    /// Nobody active works the record.
    Owners,
    /// The stage contradicts the facts.
    Lifecycle,
    /// The record went past its rules.
    Routing,
    /// A value is missing or is none.
    Required,
    /// The source is doubtful.
    LeadSource,
    /// Another system knows better.
    SystemOfRecord,
}

impl Family {
    /// All of them, in the packet's order.
    pub const ALL: [Self; 8] = [
        Self::Batch,
        Self::Duplicates,
        Self::Owners,
        Self::Lifecycle,
        Self::Routing,
        Self::Required,
        Self::LeadSource,
        Self::SystemOfRecord,
    ];

    /// The family's name in outputs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Duplicates => "duplicates",
            Self::Owners => "owners",
            Self::Lifecycle => "lifecycle",
            Self::Routing => "routing",
            Self::Required => "required",
            Self::LeadSource => "lead-source",
            Self::SystemOfRecord => "system-of-record",
        }
    }

    /// The family's name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Batch => "The input",
            Self::Duplicates => "Duplicates",
            Self::Owners => "Owners",
            Self::Lifecycle => "Lifecycle",
            Self::Routing => "Routing",
            Self::Required => "Required fields",
            Self::LeadSource => "Lead source",
            Self::SystemOfRecord => "System of record",
        }
    }

    /// The rules file that holds the family's policy, below `rules/`.
    pub fn file(self) -> &'static str {
        match self {
            Self::Batch => "batch.toml",
            Self::Duplicates => "duplicates.toml",
            Self::Owners => "owners.toml",
            Self::Lifecycle => "lifecycle.toml",
            Self::Routing => "routing.toml",
            Self::Required => "required.toml",
            Self::LeadSource => "lead-source.toml",
            Self::SystemOfRecord => "system-of-record.toml",
        }
    }

    /// The file as shipped, with every setting and its default.
    pub fn shipped(self) -> &'static str {
        match self {
            Self::Batch => include_str!("../../rules/batch.toml"),
            Self::Duplicates => include_str!("../../rules/duplicates.toml"),
            Self::Owners => include_str!("../../rules/owners.toml"),
            Self::Lifecycle => include_str!("../../rules/lifecycle.toml"),
            Self::Routing => include_str!("../../rules/routing.toml"),
            Self::Required => include_str!("../../rules/required.toml"),
            Self::LeadSource => include_str!("../../rules/lead-source.toml"),
            Self::SystemOfRecord => include_str!("../../rules/system-of-record.toml"),
        }
    }
}

/// Whose fault a finding tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Its first record's. Those beside it are only what that one was held against.
    OneRecord,
    /// That of several equals: it is found as long as any of them is under review.
    Equals,
}

/// One check: its words and how it meets its rules.
#[derive(Debug)]
pub struct CheckDef {
    /// The public rule id, `OWN-01`.
    pub code: &'static str,
    /// The trouble, in kebab-case: also the name of its section in the family's rules file.
    pub name: &'static str,
    /// The family.
    pub family: Family,
    /// How much harm the fault does while it stands.
    pub severity: Severity,
    /// Whose fault it is.
    pub about: About,
    /// The exact condition in one or two sentences.
    pub summary: &'static str,
    /// What a customer or a report suffers from it.
    pub consequence: &'static str,
    /// Meets the boundary and the rules: asks for fields, and returns the judgement to run.
    pub load: fn(&mut Grant<'_>, &Policies) -> Result<Judge, Off>,
}

impl CheckDef {
    /// What the check answers when its section says `off = true`.
    fn off_in_rules(&self) -> Off {
        Off::InRules { file: self.family.file(), section: self.name }
    }

    /// True for the check's code in any case, and for its name.
    pub fn is_called(&self, word: &str) -> bool {
        self.code.eq_ignore_ascii_case(word) || self.name == word
    }
}

/// Judges a batch. Total: everything that can fail failed when the check was loaded.
pub type Judge = Box<dyn Fn(&World<'_>) -> Judgement + Send + Sync>;

/// What one check says.
#[derive(Debug, Default)]
pub struct Judgement {
    /// How many records it looked at.
    pub examined: usize,
    /// Tables that it looked through, where no record may have been one to look at.
    pub looked_through: BTreeSet<Object>,
    /// What it found.
    pub findings: Vec<Finding>,
    /// What it could not look at, and why: "not looked" and "nothing found" are different words.
    pub not_looked: Vec<NotLooked>,
    /// What it had to do for it.
    pub measures: Vec<Measure>,
    /// What it weighed likeness by.
    pub weighed: Vec<Weighed>,
    /// Where it tells only of what happened in the last days, the first of them: that it tells of something no
    /// more does not say that anybody mended it.
    pub looks_back: Option<NaiveDate>,
}

impl Judgement {
    /// Notes that a table was looked through: nothing to look at there is another thing than not having looked.
    fn look_through(&mut self, object: Object) {
        self.looked_through.insert(object);
    }

    /// One that tells only of what happened within the last so many days.
    fn looking_back(world: &World<'_>, days: u32) -> Self {
        Self { looks_back: Some(world.as_of.first_of(days)), ..Self::default() }
    }
}

/// By what the likeness of a table's records was weighed.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// The table.
    pub object: Object,
    /// Whether the rules name the parameters, or the records taught them.
    pub pinned: bool,
    /// The parameters.
    pub by: Parameters,
}

/// Something that a check counted while it looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// What was counted.
    pub of: String,
    /// How many there were.
    pub is: u64,
}

/// Why a check does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Off {
    /// A field it needs is not on the allowlist.
    NotAllowed(Missing),
    /// The rules do not switch it on: the file and what to write there.
    NoPolicy {
        /// The rules file.
        file: &'static str,
        /// What to write to switch it on.
        write: &'static str,
    },
    /// Its section of the rules says `off = true`.
    InRules {
        /// The rules file.
        file: &'static str,
        /// The section.
        section: &'static str,
    },
    /// `review.toml` names it among the checks that are off.
    SwitchedOff,
    /// Nothing that it looks at came in: of each table why, in words.
    NoInput(String),
}

impl Off {
    /// The one of several reasons to tell: a field that a table of the review lacks, where there is one. A table
    /// without any allowlist is no part of the review.
    fn foremost(reasons: Vec<Self>, grant: &Grant<'_>) -> Option<Self> {
        let is_of_review =
            |why: &Self| matches!(why, Self::NotAllowed(missing) if grant.lists(missing.object));
        let at = reasons.iter().position(is_of_review).unwrap_or(0);
        reasons.into_iter().nth(at)
    }
}

impl From<Missing> for Off {
    fn from(missing: Missing) -> Self {
        Self::NotAllowed(missing)
    }
}

impl std::fmt::Display for Off {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAllowed(missing) => missing.fmt(f),
            Self::NoPolicy { file, write } => {
                write!(f, "not switched on in rules/{file}; {write}")
            }
            Self::InRules { file, section } => {
                write!(f, "switched off in rules/{file}; take `off = true` out of [{section}]")
            }
            Self::SwitchedOff => f.write_str("switched off in review.toml, [checks]"),
            Self::NoInput(words) => f.write_str(words),
        }
    }
}

/// How a check ended.
#[derive(Debug)]
pub enum Outcome {
    /// It looked.
    Ran(Judgement),
    /// It was not asked to, or could not: why.
    NotApplicable(Off),
    /// It failed; the run went on without it.
    Broken,
}

/// One check's result.
#[derive(Debug)]
pub struct Report {
    /// The check.
    pub check: &'static CheckDef,
    /// The fields it was granted.
    pub reads: BTreeSet<Field>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Report {
    /// What the check said, if it looked.
    pub fn judgement(&self) -> Option<&Judgement> {
        match &self.outcome {
            Outcome::Ran(judgement) => Some(judgement),
            Outcome::NotApplicable(_) | Outcome::Broken => None,
        }
    }
}

/// By what the checks that looked weighed likeness.
pub fn weighed(reports: &[Report]) -> impl Iterator<Item = &Weighed> {
    reports.iter().filter_map(Report::judgement).flat_map(|judgement| &judgement.weighed)
}

/// True for the code of a check that finds owners who are inactive.
pub fn finds_inactive_owners(code: &str) -> bool {
    let checks = [&owners::INACTIVE_OWNER, &owners::INACTIVE_OWNER_OF_COMMITTED_DEAL];
    checks.iter().any(|check| check.code == code)
}

/// Every check, in the packet's order.
pub const ALL: &[&CheckDef] = &[
    &batch::IMPLAUSIBLE_INPUT,
    &batch::WITHHELD_VALUE,
    &batch::UNRESOLVED_REFERENCE,
    &duplicates::SAME_PERSON,
    &duplicates::SIMILAR_PERSON,
    &duplicates::ALIAS_ADDRESS,
    &duplicates::SAME_COMPANY,
    &duplicates::SIMILAR_COMPANY,
    &duplicates::LEAD_IS_CONTACT,
    &duplicates::BELONGS_TO_ACCOUNT,
    &duplicates::CONVERTED_TWIN,
    &duplicates::TWIN_DEALS,
    &duplicates::SHARED_IDENTIFIER,
    &duplicates::WEAK_BRIDGE,
    &duplicates::UNSAFE_CLUSTER,
    &owners::INACTIVE_OWNER,
    &owners::NO_OWNER,
    &owners::PARKED_IN_QUEUE,
    &owners::SERVICE_OWNER,
    &owners::ROLE_CHANGED,
    &owners::IDLE,
    &owners::ON_LEAVE,
    &owners::SPLIT_OWNERSHIP,
    &owners::OVERLOADED_OWNER,
    &owners::PASSED_AROUND,
    &owners::INACTIVE_OWNER_OF_COMMITTED_DEAL,
    &lifecycle::CUSTOMER_WITHOUT_WON_DEAL,
    &lifecycle::WON_DEAL_NOT_CUSTOMER,
    &lifecycle::OPEN_LEAD_AT_CUSTOMER,
    &lifecycle::OPPORTUNITY_WITHOUT_DEAL,
    &lifecycle::STAGE_REGRESSION,
    &lifecycle::SKIPPED_EVIDENCE,
    &lifecycle::CONTRADICTING_DATES,
    &lifecycle::STUCK,
    &lifecycle::CONTACT_AHEAD_OF_COMPANY,
    &lifecycle::DISQUALIFIED_BUT_ACTIVE,
    &lifecycle::LOST_DEAL_ALIVE,
    &lifecycle::PAST_CLOSE_DATE,
    &lifecycle::STAGE_SET_IN_BULK,
    &routing::WRONG_OWNER,
    &routing::TERRITORY,
    &routing::SEGMENT,
    &routing::FOLLOW_ACCOUNT_OWNER,
    &routing::FELL_TO_CATCH_ALL,
    &routing::UNROUTABLE,
    &routing::SERVICE_LEVEL,
    &routing::GIVEN_AWAY,
    &routing::UNEVEN_TURNS,
    &routing::NAMED_ACCOUNTS,
    &routing::DO_NOT_ROUTE,
    &routing::STUCK_BEFORE_ROUTING,
    &required::MISSING_FOR_STAGE,
    &required::PLACEHOLDER,
    &required::INVALID,
    &required::ROUTING_FIELD_BLANK,
    &required::NEXT_STEP,
    &required::FILL_RATE_DROP,
    &lead_source::WEAK_SOURCE,
    &lead_source::SOURCE_AGAINST_CAMPAIGN,
    &lead_source::OVERWRITTEN_SOURCE,
    &lead_source::CONVERTED_SOURCE,
    &lead_source::OUTSIDE_TAXONOMY,
    &lead_source::IMPOSSIBLE_ORDER,
    &lead_source::DIRECT_SURGE,
    &system_of_record::CONFLICTING_VALUE,
    &system_of_record::WRONG_WRITER,
    &system_of_record::FLAPPING,
    &system_of_record::OVERWRITTEN_VERIFIED,
    &system_of_record::ORPHAN_KEY,
    &system_of_record::TWO_WRITERS,
    &system_of_record::STALE_SYNC,
    &system_of_record::UNAPPROVED_ENRICHMENT,
];

/// The rules of every family, parsed.
#[derive(Debug)]
pub struct Policies {
    /// The allowlist the rules were read against.
    pub(crate) boundary: Boundary,
    pub(crate) ladders: ladder::Ladders,
    pub(crate) batch: batch::Policy,
    pub(crate) duplicates: duplicates::Policy,
    pub(crate) owners: owners::Policy,
    pub(crate) lifecycle: lifecycle::Policy,
    pub(crate) routing: routing::Policy,
    pub(crate) lint: lint::Settings,
    pub(crate) required: required::Policy,
    pub(crate) lead_source: lead_source::Policy,
    pub(crate) system_of_record: system_of_record::Policy,
}

impl Policies {
    /// True where a field holds the stage of an object, and the ladder has one value below another.
    pub fn is_step_back(&self, object: Object, field: &str, from: &str, to: &str) -> bool {
        let ladder = self.ladders.of(object).filter(|ladder| ladder.field.name() == field);
        let ranks = ladder.and_then(|ladder| Some((ladder.rank(from)?, ladder.rank(to)?)));
        ranks.is_some_and(|(from, to)| to < from)
    }

    /// Everybody whom the rules name, as they write it: some of them no table knows, or no table any more.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let given = self.routing.names().into_iter().map(|(name, ..)| name);
        given.chain(self.routing.covering()).chain(self.owners.names())
    }

    /// Reads every rules file against the boundary. Problems go to the log.
    pub fn parse(rulebook: &Rulebook, boundary: &Boundary, log: &Log) -> Self {
        // Two readers share lifecycle.toml: the ladders and the checks. Both see one section, so that
        // an unknown key is judged against everything either of them asked for.
        let lifecycle = rulebook.root(Family::Lifecycle, log);
        let ladders = ladder::Ladders::parse(&lifecycle, boundary);
        let routing = rulebook.root(Family::Routing, log);
        Self {
            boundary: boundary.clone(),
            batch: batch::Policy::parse(&rulebook.root(Family::Batch, log)),
            duplicates: duplicates::Policy::parse(
                &rulebook.root(Family::Duplicates, log),
                rulebook,
                boundary,
            ),
            owners: owners::Policy::parse(&rulebook.root(Family::Owners, log), rulebook, boundary),
            lifecycle: lifecycle::Policy::parse(&lifecycle, &ladders, boundary),
            lint: lint::Settings::parse(&routing),
            routing: routing::Policy::parse(&routing, rulebook, boundary),
            required: required::Policy::parse(
                &rulebook.root(Family::Required, log),
                &ladders,
                boundary,
            ),
            lead_source: lead_source::Policy::parse(&rulebook.root(Family::LeadSource, log)),
            system_of_record: system_of_record::Policy::parse(
                &rulebook.root(Family::SystemOfRecord, log),
                boundary,
            ),
            ladders,
        }
    }
}

/// A check that met its rules.
struct Loaded {
    check: &'static CheckDef,
    reads: BTreeSet<Field>,
    judge: Result<Judge, Off>,
}

/// Every check, loaded.
pub struct Bench {
    checks: Vec<Loaded>,
    /// What is read to tell what a change would reach, whichever check proposes it.
    beside: BTreeSet<Field>,
}

impl Bench {
    /// Loads every check but those whose code is in `off`. What they read together is what is pulled.
    pub fn load(policies: &Policies, boundary: &Boundary, off: &BTreeSet<String>) -> Self {
        let checks = ALL
            .iter()
            .map(|check| {
                let mut grant = boundary.grant();
                let judge = if off.contains(check.code) {
                    Err(Off::SwitchedOff)
                } else {
                    (check.load)(&mut grant, policies)
                };
                let reads = if judge.is_ok() { grant.into_reads() } else { BTreeSet::new() };
                Loaded { check, reads, judge }
            })
            .collect();
        Self { checks, beside: reach::reads(policies, boundary) }
    }

    /// The union of all grants, and what tells what a change would reach: exactly these fields are read.
    pub fn reads(&self) -> BTreeSet<Field> {
        let of_checks = self.checks.iter().flat_map(|loaded| &loaded.reads);
        of_checks.chain(&self.beside).cloned().collect()
    }

    /// The checks that read no more than these fields, and the codes of the others.
    pub fn within(self, fields: &BTreeSet<Field>) -> (Self, BTreeSet<&'static str>) {
        let Self { checks, beside } = self;
        let (checks, beyond): (Vec<_>, Vec<_>) =
            checks.into_iter().partition(|loaded| loaded.reads.is_subset(fields));
        (Self { checks, beside }, beyond.into_iter().map(|loaded| loaded.check.code).collect())
    }

    /// What one check reads, or why it does not run.
    pub fn of(&self, check: &CheckDef) -> Result<&BTreeSet<Field>, String> {
        let loaded = self.checks.iter().find(|loaded| loaded.check.code == check.code);
        loaded.map_or_else(
            || Err("it is not among the checks".to_owned()),
            |loaded| match &loaded.judge {
                Ok(_) => Ok(&loaded.reads),
                Err(off) => Err(off.to_string()),
            },
        )
    }

    /// Runs every check. A check that panics is broken, and the others go on.
    ///
    /// One thread takes checks from the front and the others from the back: neighbours look at the
    /// same views of the world, and would wait for each other while one of them computes it.
    pub fn run(self, world: &World<'_>) -> Vec<Report> {
        let waiting: VecDeque<(usize, Loaded)> = self.checks.into_iter().enumerate().collect();
        let workers = world.threads.get().min(waiting.len());
        let done = Mutex::new(Vec::with_capacity(waiting.len()));
        let waiting = Mutex::new(waiting);
        let next = |worker: usize| {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if worker == 0 { waiting.pop_front() } else { waiting.pop_back() }
        };
        threads::crew(workers, |worker| {
            while let Some((at, loaded)) = next(worker) {
                let report = loaded.run(world);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((at, report));
            }
        });
        let mut reports = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        reports.sort_by_key(|(at, _)| *at);
        reports.into_iter().map(|(_, report)| report).collect()
    }
}

impl Loaded {
    fn run(self, world: &World<'_>) -> Report {
        let Self { check, reads, judge } = self;
        let outcome = match judge {
            Err(off) => Outcome::NotApplicable(off),
            // What a panicking judge leaves behind is its own; the world's shared views are
            // only filled when they are complete.
            Ok(judge) => catch_unwind(AssertUnwindSafe(|| {
                let mut judgement = judge(world);
                judgement.findings.iter_mut().for_each(|finding| world.name(finding));
                let found = std::mem::take(&mut judgement.findings).into_iter();
                judgement.findings = found.map(|finding| world.marked(finding)).collect();
                judgement
            }))
            .map_or(Outcome::Broken, settle),
        };
        Report { check, reads, outcome }
    }
}

fn settle(mut judgement: Judgement) -> Outcome {
    let has_looked = judgement.examined > 0
        || !judgement.findings.is_empty()
        || !judgement.looked_through.is_empty();
    if !has_looked && !judgement.not_looked.is_empty() {
        return Outcome::NotApplicable(Off::NoInput(judgement.partly()));
    }
    judgement.findings.sort_by(|a, b| {
        (&a.record, &a.related, &a.headline).cmp(&(&b.record, &b.related, &b.headline))
    });
    Outcome::Ran(judgement)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroUsize;

    use super::*;
    use crate::policy::Document;

    #[test]
    fn a_check_that_panics_is_broken_and_the_others_go_on() {
        let log = Log::default();
        let document = Document::parse("rules/boundary.toml", "", &log);
        let boundary = Boundary::parse(&document, &log);
        let policies = Policies::parse(&Rulebook::parse(&BTreeMap::new(), &log), &boundary, &log);
        let loaded = |judge: Judge| Loaded {
            check: ALL.first().copied().unwrap(),
            reads: BTreeSet::new(),
            judge: Ok(judge),
        };
        let looked = || Judgement { examined: 1, ..Judgement::default() };
        for threads in 1..=3 {
            let checks = vec![
                loaded(Box::new(move |_| looked())),
                loaded(Box::new(|_| panic!("a fault of the check"))),
                loaded(Box::new(move |_| looked())),
            ];
            let pulled = Pulled::default();
            let as_of = AsOf::new(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), chrono_tz::UTC);
            let threads = NonZeroUsize::new(threads).unwrap();
            let world = World::new(&pulled, as_of, &policies, threads);
            let reports = Bench { checks, beside: BTreeSet::new() }.run(&world);
            let broken: Vec<bool> =
                reports.iter().map(|report| matches!(report.outcome, Outcome::Broken)).collect();
            assert_eq!(broken, [false, true, false]);
        }
    }
}
