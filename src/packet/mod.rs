//! The packet: what a review says to the person who decides, in three shapes.
//!
//! [`render`] makes one HTML file that needs nothing beside it, [`summary()`] the text that is mailed, and
//! [`findings_lines`] the public JSON lines. All three are functions of a [`Review`] alone, of which
//! [`Proposals`] are made once for all its texts, so the same review gives the same bytes.
//! Does not: pull, judge, decide, read the clock or write a file.

mod escape;
mod link;
mod mask;
mod seal;
mod slice;
mod summary;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use chrono::NaiveDate;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tera::Tera;

use crate::boundary::{Admission, Boundary, Object, RecordRef};
use crate::check::{AsOf, By, Groups, Off, Report};
use crate::digest;
use crate::finding::FindingId;
use crate::gate::{Decision, Profile};
use crate::metrics::{Percent, Rate, Week};
use crate::threads;

pub(crate) use escape::counted;
pub use escape::visible;
pub use link::{LinkError, RecordLink};
pub use mask::{Learning, Mask};
pub use slice::Slice;
pub use summary::summary;
pub use view::Proposals;
pub(crate) use view::{Fact, Line, Proposed, Quote, Ref};

/// The version of the format of decisions files, which a packet writes.
pub const DECISIONS: &str = "crm-review/decisions/1";

/// Everything a packet is made of.
#[derive(Debug, Clone)]
pub struct Review<'a> {
    /// Whose CRM it is, as the masthead says it.
    pub organisation: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// The event that the run answers, in words; none for the weekly run.
    pub event: Option<&'a str>,
    /// Where the run's files are, as the summary names them: `runs/2026-11-23`.
    pub folder: &'a str,
    /// What its packet is called there.
    pub file: &'a str,
    /// The part of the proposals it is about; all of them if none is named.
    pub slice: Option<Slice>,
    /// What stands for names and addresses in a copy that is to be read by others.
    pub mask: Option<&'a Mask>,
    /// The day of the review.
    pub as_of: AsOf,
    /// The program and its version: `crm-review 0.1.0`.
    pub program: &'a str,
    /// The command that repeats the run.
    pub command: &'a str,
    /// The CRM's name: `Salesforce`.
    pub crm: &'a str,
    /// Whether something is missing.
    pub complete: Completeness,
    /// What the CRM would let this job do beyond reading, one sentence each.
    pub wide: &'a [String],
    /// What a reader should know of this week's input and rules.
    pub notes: &'a [Note],
    /// The day of the run before, if it was made under other rules, fields or another batch: figures
    /// of before and after it are not comparable.
    pub redefined_since: Option<NaiveDate>,
    /// How the rules differ from those of that run and what that does, where it is known.
    pub rule_change: Option<&'a RuleChange>,
    /// Which records are under review, in words.
    pub batch: &'a str,
    /// How many records came in, per table.
    pub counts: Vec<Count>,
    /// The records that something is proposed for although they are not under review.
    pub beside: &'a BTreeSet<RecordRef>,
    /// The files that were read.
    pub inputs: Vec<Input>,
    /// What was let in from each of them.
    pub admissions: &'a [Admission],
    /// The allowlist.
    pub boundary: &'a Boundary,
    /// What each check says.
    pub reports: &'a [Report],
    /// How findings stand against the earlier weeks; one that is not here is new.
    pub standings: &'a BTreeMap<FindingId, Standing<'a>>,
    /// What became of what earlier packets proposed.
    pub since: &'a Since,
    /// The codes of rules that reviewers found wrong more often than the budget allows: read last.
    pub demoted: &'a [String],
    /// What the records under review have in common.
    pub groups: &'a Groups,
    /// Faults that crowd into one group of records.
    pub patterns: &'a [Pattern],
    /// The metric, week by week; the last is this one.
    pub weeks: &'a [Week],
    /// The records under review that this week's rate leaves out.
    pub left_out: LeftOut,
    /// The rules in force.
    pub rules: Vec<RulesFile>,
    /// Who decides.
    pub approver: &'a str,
    /// Who decides when the approver is away.
    pub backup: Option<&'a str>,
    /// What may be answered to a proposal.
    pub answers: Answers<'a>,
    /// How many lines the ledger holds.
    pub ledger_len: u64,
    /// The digest of the ledger's last line.
    pub ledger_head: &'a str,
    /// Where a record can be opened, where that is known.
    pub record_link: Option<RecordLink>,
}

/// Something to know before reading, a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// For a reader of the packet.
    pub says: String,
    /// For the mail, without the name of a person or a value.
    pub mailed: String,
}

impl Note {
    /// One that names no person and no value, and is mailed as it stands.
    pub fn plain(says: String) -> Self {
        Self { mailed: says.clone(), says }
    }
}

/// A rule that finds more in one group of records than chance would put there.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The code of the rule.
    pub rule: String,
    /// The table.
    pub object: Object,
    /// By what the records are grouped.
    pub by: By,
    /// What those of the group have in common.
    pub value: String,
    /// On how many of them the rule found something.
    pub found: u64,
    /// How many they are.
    pub of: u64,
    /// On how many of the table's other records under review it found something.
    pub found_beside: u64,
    /// How many these are.
    pub beside: u64,
}

impl Pattern {
    /// How many times as often the rule finds something in the group; nothing where it finds nothing beside.
    pub fn lift(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        let beside = share(self.found_beside, self.beside);
        (beside > 0.0).then(|| share(self.found, self.of) / beside)
    }

    /// The pattern in words, without its rule.
    pub fn words(&self) -> String {
        let share = |part, whole| Rate::of(part, whole).map_or(0.0, |rate| rate.share);
        let Self { found, of, found_beside, beside, .. } = self;
        let here = format!(
            "{found} of the {of} {} of {} {}",
            self.object.plural(),
            self.by.title(),
            visible(&self.value).chars().take(60).collect::<String>(),
        );
        match self.lift() {
            None => format!("{here}, and none of the other {beside}"),
            Some(lift) => format!(
                "{here} ({}), and {found_beside} of the other {beside} ({}): {lift:.1} times as often",
                Percent(share(*found, *of)),
                Percent(share(*found_beside, *beside)),
            ),
        }
    }

    /// What to do about it beside correcting record by record.
    pub fn remedy(&self) -> &'static str {
        match self.by {
            By::Source => {
                "mend what creates the records of this source: the form, the import or the integration"
            }
            By::Owner => "one talk or one handover instead of many corrections",
            By::Team => "look at this team's process, or train",
            By::Segment | By::Region | By::Size => {
                "look at the rules and the process for this group"
            }
        }
    }
}

/// The file of the job.
pub const JOB: &str = "review.toml";

/// How the rules differ from those of the packet before.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleChange {
    /// The day of that packet.
    pub since: NaiveDate,
    /// Each file that differs, with what is different in it.
    pub edits: Vec<(String, Vec<String>)>,
    /// What that does to what is found in this week's records.
    pub effect: Effect,
}

/// What other rules do to what is found.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The records were judged under both.
    Judged {
        /// The rules that find something else, by code.
        rules: Vec<RuleEffect>,
        /// The codes of those that were not tried, for they read what is not read now.
        blind: Vec<&'static str>,
    },
    /// They could not be judged under the earlier rules: why.
    Unknown(String),
}

/// What one check finds otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleEffect {
    /// Its code.
    pub rule: &'static str,
    /// How many findings it has under the present rules alone.
    pub gained: usize,
    /// How many it has under both, with another proposal.
    pub otherwise: usize,
    /// Those it had under the earlier rules alone, by their records.
    pub lost: Vec<(RecordRef, FindingId)>,
    /// How many of these were approved when they were last decided.
    pub approved: usize,
    /// How many were rejected.
    pub rejected: usize,
}

impl RuleEffect {
    /// That a check finds nothing otherwise.
    pub fn none(rule: &'static str) -> Self {
        Self { rule, gained: 0, otherwise: 0, lost: Vec::new(), approved: 0, rejected: 0 }
    }
}

impl RuleChange {
    /// The findings that this week's records would have had under the earlier rules alone.
    pub fn lost(&self) -> impl Iterator<Item = &FindingId> {
        let rules = match &self.effect {
            Effect::Judged { rules, .. } => rules.as_slice(),
            Effect::Unknown(_) => &[],
        };
        rules.iter().flat_map(|effect| effect.lost.iter().map(|(_, id)| id))
    }

    /// What the change does, in a sentence.
    fn words(&self) -> String {
        let since = self.since.format("%-d %B %Y");
        let (rules, blind) = match &self.effect {
            Effect::Judged { rules, blind } => (rules, blind),
            Effect::Unknown(why) => {
                return format!(
                    "What the change does to this week's proposals is not known: {why}."
                );
            }
        };
        let sum = |of: fn(&RuleEffect) -> usize| rules.iter().map(of).sum::<usize>();
        let [gained, lost, otherwise] =
            [sum(|it| it.gained), sum(|it| it.lost.len()), sum(|it| it.otherwise)];
        let mut words = if rules.is_empty() {
            format!("On this week's records they find what those of {since} find.")
        } else {
            format!(
                "On this week's records they find {} more and {} fewer than those of {since}, and propose something else for {}.",
                escape::grouped(gained),
                escape::grouped(lost),
                escape::grouped(otherwise),
            )
        };
        if self.edits.iter().any(|(file, _)| file == JOB) {
            words += &format!(
                " What the change of {JOB} does is not known: nothing was judged under the earlier one."
            );
        }
        if !blind.is_empty() {
            words += &format!(
                " Not tried, for they would read what is not read now: {}.",
                blind.join(", ")
            );
        }
        words
    }
}

/// How many records under review the rate does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Created so short a time before the review that the router may still be at work.
    pub young: u64,
    /// Planted to test the review.
    pub planted: u64,
}

impl LeftOut {
    /// What is left out, in a sentence; nothing where nothing is.
    fn words(self) -> Option<String> {
        let count = |of: u64, one: &str| {
            let of = usize::try_from(of).unwrap_or(usize::MAX);
            (of > 0).then(|| counted(of, one))
        };
        let parts: Vec<String> = [
            count(self.young, "record").map(|it| it + " too young for the router to be done"),
            count(self.planted, "test record"),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!parts.is_empty()).then(|| format!("The rate leaves out {}.", parts.join(" and ")))
    }
}

impl Review<'_> {
    /// The day of the newest change that the records tell, where they tell one.
    fn newest(&self) -> Option<NaiveDate> {
        self.inputs.iter().filter_map(|input| input.newest).max()
    }

    /// What the boundary made of an input.
    fn admissions_of<'r>(&'r self, input: &'r Input) -> impl Iterator<Item = &'r Admission> {
        self.admissions.iter().filter(|it| it.file == input.file && it.object == input.object)
    }

    /// What could not be read or was set aside of an input, as far as it is listed: line and reason.
    fn problems<'r>(&'r self, input: &'r Input) -> impl Iterator<Item = &'r (u64, String)> {
        let at_the_boundary = self.admissions_of(input).flat_map(|it| &it.set_aside);
        input.problems.iter().chain(at_the_boundary)
    }

    /// How many proposals there are on how many records, and how many records only served as reference.
    fn extent(&self, found: &[view::Found<'_>]) -> String {
        let tables = self.counts.iter().filter(|count| Object::REVIEWED.contains(&count.object));
        let (reviewed, admitted) =
            tables.fold((0, 0), |(r, a), count| (r + count.reviewed, a + count.admitted));
        let (waiting, open): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.is_waiting());
        let flagged: BTreeSet<_> = open.iter().map(|found| &found.finding.record).collect();
        let beside = match flagged.iter().filter(|record| self.beside.contains(**record)).count() {
            0 => String::new(),
            1 => " and on 1 other".to_owned(),
            more => format!(" and on {} others", escape::grouped(more)),
        };
        let reference = match admitted - reviewed {
            0 => "none served as reference only".to_owned(),
            more => format!("{} more served as reference", escape::grouped(more)),
        };
        let part = if self.slice.is_some() { " in this part" } else { "" };
        let waiting = match waiting.len() {
            0 => String::new(),
            1 => "; 1 more is approved and waits to be applied".to_owned(),
            more => format!("; {} more are approved and wait to be applied", escape::grouped(more)),
        };
        let under_review = flagged.iter().filter(|record| !self.beside.contains(**record)).count();
        format!(
            "{}{part} on {} of {} under review{beside}; {reference}{waiting}",
            counted(open.len(), "proposal"),
            escape::grouped(under_review),
            counted(reviewed, "record"),
        )
    }
}

/// That some rules are read last, for a person; nothing where there is none.
fn demoted(review: &Review<'_>) -> Option<String> {
    (!review.demoted.is_empty()).then(|| {
        format!(
            "Often rejected in earlier packets, and therefore read last: {}. `crm-review patterns` says why.",
            review.demoted.join(", ")
        )
    })
}

/// Why a check did not look, in words that other checks may share, and what would switch this one on.
fn off(review: &Review<'_>, why: &Off) -> (String, Option<String>) {
    let absent = |file: &str| {
        let file = format!("rules/{file}");
        let mut edits = review.rule_change.iter().flat_map(|change| &change.edits);
        if review.rules.iter().any(|rules| rules.file == file) {
            format!("not switched on in {file}")
        } else if edits.any(|(edited, _)| *edited == file) {
            format!("{file} is gone since the packet before")
        } else {
            format!("there is no {file}")
        }
    };
    match why {
        Off::NotAllowed(missing) => {
            if review.counts.iter().any(|count| count.object == missing.object) {
                (missing.to_string(), None)
            } else {
                (format!("no {} were read", missing.object.plural()), Some(missing.to_string()))
            }
        }
        Off::NoPolicy { file, write } => (absent(file), Some((*write).to_owned())),
        Off::InRules { file, section } => {
            let remedy = format!("take `off = true` out of [{section}]");
            (format!("switched off in rules/{file}"), Some(remedy))
        }
        Off::SwitchedOff => (why.to_string(), None),
        Off::NoInput(words) => match words.split_once("; ") {
            Some((cause, remedy)) => (cause.to_owned(), Some(remedy.to_owned())),
            None => (words.clone(), None),
        },
    }
}

/// What may be answered to a proposal, and by whom, as the gate says it.
#[derive(Debug, Clone)]
pub struct Answers<'a> {
    /// Who may decide.
    pub deciders: Vec<&'a str>,
    /// To whom a proposal can be passed on.
    pub escalate_to: Vec<&'a str>,
    /// The last day for an answer, if none is named.
    pub answer_by: NaiveDate,
    /// From how many new owners in one packet on each is held.
    pub mass_owner_changes: usize,
    /// Whether an approval needs a ticket, and what is held a second approver.
    pub profile: Profile,
}

/// The break in the trend, for a person.
fn redefined(since: NaiveDate) -> String {
    format!(
        "The rules, the fields or the batch have changed since the packet of {}: its figures and these are not comparable.",
        since.format("%-d %B %Y"),
    )
}

/// Whether the packet holds everything it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing is missing.
    Complete,
    /// What is missing, one sentence each without a full stop.
    Incomplete(Vec<String>),
}

/// How many records of one table came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The table.
    pub object: Object,
    /// Records admitted.
    pub admitted: usize,
    /// Those of them that are under review; the others serve as reference.
    pub reviewed: usize,
}

/// One file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name, as evidence quotes it.
    pub file: String,
    /// The table it holds.
    pub object: Object,
    /// Digest of its bytes, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// How it is written, in words: `UTF-8, comma`; or how it was asked for.
    pub form: String,
    /// The day of the newest change that its records tell.
    pub newest: Option<NaiveDate>,
    /// Data rows found.
    pub rows_read: usize,
    /// Rows admitted.
    pub rows_admitted: usize,
    /// Rows set aside, by the reader and by the boundary.
    pub rows_set_aside: usize,
    /// Blank lines skipped.
    pub blank: usize,
    /// Lines of a report's footer skipped.
    pub footer: usize,
    /// What the reader could not read, line and reason: rows that it set aside, and a second header. Rows that
    /// the boundary set aside come from the admission.
    pub problems: Vec<(u64, String)>,
    /// Such problems beyond those that are listed.
    pub more: usize,
}

/// One file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesFile {
    /// Its name.
    pub file: String,
    /// Digest of its bytes, in hex.
    pub sha256: String,
}

/// How a finding stands against the earlier weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Seen for the first time.
    New,
    /// Seen before, on the same facts: in how many weeks, this one included.
    Recurring(u32),
    /// Seen before, and the facts have changed.
    Changed(u32),
    /// Seen before, then resolved, and now here again.
    Reopened(u32),
}

impl State {
    /// The word used in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Recurring(_) => "recurring",
            Self::Changed(_) => "changed",
            Self::Reopened(_) => "reopened",
        }
    }

    /// In how many weeks it was seen.
    pub fn weeks(self) -> u32 {
        match self {
            Self::New => 1,
            Self::Recurring(weeks) | Self::Changed(weeks) | Self::Reopened(weeks) => weeks,
        }
    }
}

/// What is asked of the reviewer, after what was decided before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A decision.
    Decide,
    /// An answer to an escalation, or its end: until then nothing changes.
    Answer {
        /// Whether the day for an answer is past.
        overdue: bool,
    },
    /// Nothing: it was approved, and the CRM does not show the change yet.
    Apply,
    /// Nothing: it was rejected on the same facts.
    Quiet {
        /// The day on which it is asked again.
        until: NaiveDate,
    },
}

impl Action {
    /// What is asked, without its days.
    pub fn kind(self) -> ActionKind {
        match self {
            Self::Decide => ActionKind::Decide,
            Self::Answer { .. } => ActionKind::Answer,
            Self::Apply => ActionKind::Apply,
            Self::Quiet { .. } => ActionKind::Quiet,
        }
    }
}

/// What is asked of the reviewer, as outputs say it in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// A decision.
    Decide,
    /// The answer to an escalation.
    Answer,
    /// Nothing: what was approved waits to be applied.
    Apply,
    /// Nothing: it was rejected on the same facts.
    Quiet,
}

impl ActionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Decide, Self::Answer, Self::Apply, Self::Quiet];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Answer => "answer",
            Self::Apply => "apply",
            Self::Quiet => "quiet",
        }
    }

    /// What a word says.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where a finding stands: seen before, decided before, and what is asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<'a> {
    /// How it stands against the earlier weeks.
    pub state: State,
    /// What is asked of the reviewer.
    pub action: Action,
    /// The last decision on it.
    pub last: Option<Last<'a>>,
    /// The records under review that the rate counts if it is approved.
    pub counts: Vec<RecordRef>,
}

impl Standing<'_> {
    /// Nobody decided on it yet.
    pub fn undecided(state: State) -> Self {
        Self { state, action: Action::Decide, last: None, counts: Vec::new() }
    }
}

/// The last decision on a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last<'a> {
    /// What was decided.
    pub decision: &'a Decision,
    /// The day of the packet it was made on.
    pub on: NaiveDate,
    /// What it was made on.
    pub of: Subject,
}

/// What a decision was made on, beside what is proposed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The same, as far as anybody had to ask.
    This,
    /// Something else for the same records: nobody decided on what is proposed now.
    Another,
}

/// What became of what earlier packets proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// The day of the packet before, if there was one.
    pub day: Option<NaiveDate>,
    /// Escalations that nobody answered.
    pub unanswered: Vec<Unanswered>,
    /// What was approved, and whether it happened.
    pub changes: Vec<Change>,
    /// Findings that are not found any more.
    pub resolved: Vec<Resolved>,
    /// Findings of which another one tells now: a cluster that grew, shrank, or became unsafe.
    pub elsewhere: usize,
    /// Findings whose records or checks were not looked at this time.
    pub unseen: usize,
}

/// An escalation without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The finding.
    pub id: FindingId,
    /// The code of its check.
    pub rule: String,
    /// The record it is about.
    pub record: RecordRef,
    /// Who was asked.
    pub to: String,
    /// The last day for an answer.
    pub until: NaiveDate,
    /// Whether it is past.
    pub overdue: bool,
    /// Whether the finding is in this packet.
    pub here: bool,
}

/// An approved change, as the data shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The finding.
    pub id: FindingId,
    /// The code of its check.
    pub rule: String,
    /// The record it is about.
    pub record: RecordRef,
    /// The day of the packet in which it was approved.
    pub approved: NaiveDate,
    /// Whether it happened.
    pub state: Happened,
    /// Whether this packet is the first to say so.
    pub is_news: bool,
}

/// Whether an approved change happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    /// The data shows it.
    Applied,
    /// The data is as it was.
    NotYet,
    /// The data is neither as it was nor as approved.
    Differently,
    /// It was applied, and the data is as it was before.
    Reverted,
    /// The record is not there any more: nobody can tell.
    Gone,
}

impl Happened {
    /// Every one, as a packet lists them.
    pub const ALL: [Self; 5] =
        [Self::Reverted, Self::Differently, Self::Gone, Self::NotYet, Self::Applied];

    /// The word used in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotYet => "not-yet",
            Self::Differently => "differently",
            Self::Reverted => "reverted",
            Self::Gone => "gone",
        }
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|happened| happened.word() == word)
    }

    /// What is said of several approved changes.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Applied => "approved and applied",
            Self::NotYet => "approved and not yet in the CRM",
            Self::Differently => "approved, and changed to something else",
            Self::Reverted => "approved, applied and changed back",
            Self::Gone => "approved, and the record is gone",
        }
    }
}

/// A finding that is not found any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The finding.
    pub id: FindingId,
    /// The code of its check.
    pub rule: String,
    /// The record it was about.
    pub record: RecordRef,
    /// How it was resolved.
    pub how: How,
}

/// How a finding was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Its change was approved before.
    AfterApproval,
    /// The fault is gone, and nothing was approved.
    Otherwise,
    /// The record is not there any more.
    Gone,
    /// It would be found by the rules before: what changed are the rules.
    ByRules,
    /// It would be found on an earlier day: what it tells of lies further back than its check looks.
    ByTime,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 5] =
        [Self::AfterApproval, Self::Otherwise, Self::Gone, Self::ByRules, Self::ByTime];

    /// The word used in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::AfterApproval => "after-approval",
            Self::Otherwise => "otherwise",
            Self::Gone => "gone",
            Self::ByRules => "by-rules",
            Self::ByTime => "by-time",
        }
    }

    /// The way of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.word() == word)
    }

    /// The way in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::AfterApproval => "after its change was approved",
            Self::Otherwise => "without an approval",
            Self::Gone => "its record is not there any more",
            Self::ByRules => "by the changed rules alone: the record is as it was",
            Self::ByTime => "by time alone: it lies further back than its check looks",
        }
    }
}

/// The packet could not be made: a fault of this program, not of the review.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// A template and the view it shows do not fit.
    #[error("the packet's template failed")]
    Template(#[from] tera::Error),
    /// A finding could not be written as JSON.
    #[error("a finding could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

const TEMPLATES: [(&str, &str); 5] = [
    ("packet.html", include_str!("../../templates/packet.html")),
    ("parts.html", include_str!("../../templates/parts.html")),
    ("block.html", include_str!("../../templates/block.html")),
    ("card.html", include_str!("../../templates/card.html")),
    ("line.html", include_str!("../../templates/line.html")),
];

/// The packet as one HTML file.
pub fn render(
    review: &Review<'_>,
    proposals: &Proposals<'_>,
    threads: NonZeroUsize,
) -> Result<String, PacketError> {
    let engine = engine()?;
    let (page, queue) = view::Page::of(review, proposals)?;
    let blocks: Vec<_> = queue.groups().iter().flatten().collect();
    let block = |at: usize| match blocks.get(at) {
        Some(block) => Ok(engine.render("block.html", &context(review, &block.view(review))?)?),
        None => Ok(String::new()),
    };
    let mut blocks = threads::each(threads, blocks.len(), block).into_iter();
    let cards = queue.groups().iter().map(|group| blocks.by_ref().take(group.len()).collect());
    let cards = cards.collect::<Result<Vec<String>, PacketError>>()?;
    let mut context = context(review, &page)?;
    // With many proposals either is large.
    drop(page);
    context.insert("cards", &cards);
    drop(cards);
    Ok(engine.render("packet.html", &context)?)
}

/// What a template shows; in a masked copy with tokens.
fn context(review: &Review<'_>, shown: &impl Serialize) -> Result<tera::Context, PacketError> {
    let Some(mask) = review.mask else { return Ok(tera::Context::from_serialize(shown)?) };
    let mut shown = serde_json::to_value(shown)?;
    mask.cover("page", &mut shown);
    Ok(tera::Context::from_serialize(&shown)?)
}

/// The templates, every one of which escapes every value.
fn engine() -> Result<Tera, tera::Error> {
    let mut tera = Tera::new();
    // Tera escapes only names with a suffix it knows; every name ends in nothing.
    tera.autoescape_on([""]);
    tera.set_escape_fn(escape::html);
    tera.register_filter("sentence", escape::sentence);
    tera.register_filter("plain", escape::plain);
    tera.add_raw_templates(TEMPLATES)?;
    Ok(tera)
}

/// `findings.jsonl`: one JSON object a line, in the packet's order.
pub fn findings_lines(review: &Review<'_>) -> Result<String, PacketError> {
    let mut lines = String::new();
    each_line(&view::in_order(review), |line| lines += line)?;
    Ok(lines)
}

/// The digest of what stands of these in `findings.jsonl`, for which it is not held as a whole.
fn findings_digest(found: &[view::Found<'_>]) -> Result<String, PacketError> {
    let mut digest = Sha256::new();
    each_line(found, |line| digest.update(line))?;
    Ok(digest::hex(&digest.finalize()))
}

/// Gives each line of `findings.jsonl`, with its end.
fn each_line(found: &[view::Found<'_>], mut take: impl FnMut(&str)) -> Result<(), PacketError> {
    for found in found {
        let mut line = serde_json::to_string(&Line::of(found))?;
        line.push('\n');
        take(&line);
    }
    Ok(())
}

/// The JSON Schema of a line of `findings.jsonl`.
pub fn findings_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Line<'_>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_escape_whatever_they_are_called() {
        let mut tera = engine().unwrap();
        for name in ["a", "a.html", "a.js", "a.html.tera", "a.txt"] {
            tera.add_raw_template(name, "{{ v }}").unwrap();
            let mut context = tera::Context::new();
            context.insert("v", "<b>&\"'\u{202e}");
            assert_eq!(
                tera.render(name, &context).unwrap(),
                "&lt;b&gt;&amp;&quot;&#39;⟦U+202E⟧",
                "{name}"
            );
        }
    }

    #[test]
    fn only_the_style_the_script_and_what_was_escaped_go_unescaped() {
        for (name, text) in TEMPLATES {
            let safe: Vec<_> =
                text.match_indices("safe").map(|(at, _)| &text[at - 9..at]).collect();
            let expect = match name {
                "packet.html" => vec![" style | ", "script | ", "[g.at] | "],
                _ => vec![],
            };
            assert_eq!(safe, expect, "{name}");
        }
    }
}
