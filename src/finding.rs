//! What a check may say: a finding with its evidence, the case against it, and a proposal.
//!
//! A finding cannot be made without evidence; a proposal is words and ids, and nothing in it can be sent.
//! Does not: decide anything, know a check, or render.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::boundary::{Cell, Field, Object, RecordRef, Row, Shown, in_full};
use crate::digest;

/// How much harm the fault does while it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Distorts reports or delays work.
    Medium,
    /// A customer is waiting, called twice, or a report is wrong now.
    High,
}

impl Severity {
    /// The word used in rules and outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// A value with its place.
    Cell(Cell),
    /// A value after normalisation; what may be shown of it follows its cell's exposure.
    Normalised {
        /// The value as it stands in the record.
        from: Cell,
        /// How it was changed, in words.
        step: &'static str,
        /// The result.
        to: Shown,
    },
    /// Two values side by side.
    Compared {
        /// One record's value.
        left: Cell,
        /// The other's.
        right: Cell,
        /// How far they agree, in words.
        level: String,
    },
    /// A change of a record's field, as its history tells it.
    Changed(Box<Changed>),
    /// A line of the rules, quoted.
    Policy {
        /// The rules file.
        file: String,
        /// Its line; 0 for a built-in default.
        line: usize,
        /// What it says.
        says: String,
    },
    /// A figure and what it counts.
    Figure {
        /// What was counted or measured.
        of: String,
        /// The figure, with its unit.
        is: String,
    },
    /// Rules tried one after the other.
    Trace(Vec<Tried>),
    /// How likely two records are one, comparison by comparison.
    Likeness(Likeness),
}

impl Evidence {
    /// The cells that it quotes.
    pub fn cells(&self) -> Vec<&Cell> {
        match self {
            Self::Cell(cell) | Self::Normalised { from: cell, .. } => vec![cell],
            Self::Compared { left, right, .. } => vec![left, right],
            Self::Changed(change) => change.cells().collect(),
            Self::Policy { .. } | Self::Figure { .. } | Self::Trace(_) | Self::Likeness(_) => {
                Vec::new()
            }
        }
    }

    fn cells_mut(&mut self) -> Vec<&mut Cell> {
        match self {
            Self::Cell(cell) | Self::Normalised { from: cell, .. } => vec![cell],
            Self::Compared { left, right, .. } => vec![left, right],
            Self::Changed(change) => change.cells_mut().collect(),
            Self::Policy { .. } | Self::Figure { .. } | Self::Trace(_) | Self::Likeness(_) => {
                Vec::new()
            }
        }
    }
}

/// A change of a record's field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which field.
    pub field: Cell,
    /// What stood there before.
    pub old: Option<Cell>,
    /// What stood there then.
    pub new: Option<Cell>,
    /// When.
    pub at: Cell,
    /// That instant, which is not shown.
    pub instant: DateTime<Utc>,
    /// By whom, where the history says so.
    pub by: Option<Cell>,
}

impl Changed {
    /// What is quoted of it.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        let Self { field, old, new, at, instant: _, by } = self;
        [Some(field), old.as_ref(), new.as_ref(), Some(at), by.as_ref()].into_iter().flatten()
    }

    fn cells_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        let Self { field, old, new, at, instant: _, by } = self;
        [Some(field), old.as_mut(), new.as_mut(), Some(at), by.as_mut()].into_iter().flatten()
    }
}

/// How likely two records are one: the odds before anything is compared, and what each comparison adds.
/// The weights are of the records' own, so that they move a little every week.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// The two records.
    pub pair: [RecordRef; 2],
    /// The odds first, then each comparison that both records say something for.
    pub parts: Vec<Part>,
    /// The sum of the parts.
    pub score: Bits,
}

/// One comparison's part in a likeness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What was compared.
    pub of: String,
    /// The records' own fields in which that stands.
    pub fields: Vec<Field>,
    /// How far it agrees, in words.
    pub says: String,
    /// What that is worth.
    pub worth: Bits,
}

/// Odds as a power of two, in hundredths: 0 is an even chance, and each bit more doubles the odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits(i32);

impl Bits {
    /// The nearest hundredth; what is beyond counting stands at the end of the scale.
    pub fn of(bits: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is wanted")]
        let hundredths = (bits * 100.0).round() as i32;
        Self(hundredths)
    }

    /// The bits as a number.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// The chance that odds of so many bits stand for.
    pub fn chance(self) -> f64 {
        1.0 / (1.0 + (-self.number()).exp2())
    }

    /// Worth less than none.
    pub fn is_against(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_against() { "−" } else { "+" };
        write!(f, "{sign}{:.2}", self.number().abs())
    }
}

impl Likeness {
    /// A likeness of parts in bits. Each part is rounded so that what is printed sums to what is printed.
    pub fn new(
        pair: [RecordRef; 2],
        parts: impl IntoIterator<Item = (String, Vec<Field>, String, f64)>,
    ) -> Self {
        let (mut exact, mut said) = (0.0, 0);
        let parts = parts
            .into_iter()
            .map(|(of, fields, says, bits)| {
                exact += bits;
                let Bits(sum) = Bits::of(exact);
                let worth = Bits(sum.saturating_sub(said));
                said = sum;
                Part { of, fields, says, worth }
            })
            .collect();
        Self { pair, parts, score: Bits(said) }
    }
}

/// A rule that was tried on a record, or several in a row that passed it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The rule's name, or those of the first and the last.
    pub rule: String,
    /// The rules file and line, or lines.
    pub place: String,
    /// How many rules it is.
    pub rules: usize,
    /// Whether it took the record.
    pub matched: bool,
    /// The clause that decided, in words, with the record's value.
    pub because: String,
}

/// What touching a record may reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// A forecast.
    Forecast,
    /// Somebody's compensation.
    Compensation,
    /// A service level promised to a customer.
    ServiceLevel,
    /// An account on a named list.
    NamedAccount,
}

impl Reach {
    /// The thing itself, in a sentence.
    fn phrase(self) -> &'static str {
        match self {
            Self::Forecast => "a forecast",
            Self::Compensation => "somebody's compensation",
            Self::ServiceLevel => "a service level",
            Self::NamedAccount => "a named account",
        }
    }

    /// The word used in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::Compensation => "compensation",
            Self::ServiceLevel => "service level",
            Self::NamedAccount => "named account",
        }
    }
}

/// Someone or something that can own records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignee {
    /// The id the CRM takes.
    pub id: String,
    /// The name a person knows.
    pub name: String,
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() || self.name == self.id {
            f.write_str(&self.id)
        } else {
            write!(f, "{} ({})", self.name, self.id)
        }
    }
}

/// What a person is asked to consider. No kind deletes, and none can be sent to a CRM.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// Merge records into the one to keep.
    MergeCandidate {
        /// The record to keep.
        keep: RecordRef,
        /// The others.
        fold: Vec<RecordRef>,
        /// Why this one, first difference first.
        because: String,
    },
    /// Link a person to an account.
    LinkToAccount {
        /// The account.
        account: RecordRef,
    },
    /// Convert a lead into something that exists.
    ConvertCandidate {
        /// The contact or account it belongs to.
        into: RecordRef,
    },
    /// Give the record to someone.
    SetOwner {
        /// The owner field as it stands.
        before: Cell,
        /// The new owner.
        to: Assignee,
    },
    /// Give the record back to a queue.
    ReturnToQueue {
        /// The owner field as it stands.
        before: Cell,
        /// The queue, where one is known.
        queue: Option<Assignee>,
    },
    /// Set a field to a value that the evidence shows.
    SetField {
        /// The field as it stands.
        before: Cell,
        /// The value.
        to: Shown,
    },
    /// Ask a person for the value.
    FillField {
        /// The field as it stands.
        before: Cell,
        /// Who can know.
        ask: String,
    },
    /// Correct the lifecycle stage.
    CorrectLifecycle {
        /// The stage as it stands.
        before: Cell,
        /// The stage the evidence supports, where it supports one.
        to: Option<String>,
    },
    /// Correct the lead source.
    CorrectSource {
        /// The source as it stands.
        before: Cell,
        /// The source the evidence supports, where it supports one.
        to: Option<String>,
    },
    /// Look at the record: the evidence does not say what is right.
    ReviewRecord {
        /// What to find out.
        question: String,
    },
    /// Look at the rule.
    ReviewRule {
        /// What to find out.
        question: String,
    },
    /// Look at the system or process that made the value.
    ReviewUpstream {
        /// What to find out.
        question: String,
    },
}

/// The kinds of proposal, as rules, findings and the ledger name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProposalKind {
    /// Merge records into one.
    MergeCandidate,
    /// Link a person to an account.
    LinkToAccount,
    /// Convert a lead.
    ConvertCandidate,
    /// Give the record to someone.
    SetOwner,
    /// Give the record back to a queue.
    ReturnToQueue,
    /// Set a field.
    SetField,
    /// Ask for a value.
    FillField,
    /// Correct the lifecycle stage.
    CorrectLifecycle,
    /// Correct the lead source.
    CorrectSource,
    /// Look at the record.
    ReviewRecord,
    /// Look at the rule.
    ReviewRule,
    /// Look at what made the value.
    ReviewUpstream,
}

impl ProposalKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::MergeCandidate,
        Self::LinkToAccount,
        Self::ConvertCandidate,
        Self::SetOwner,
        Self::ReturnToQueue,
        Self::SetField,
        Self::FillField,
        Self::CorrectLifecycle,
        Self::CorrectSource,
        Self::ReviewRecord,
        Self::ReviewRule,
        Self::ReviewUpstream,
    ];

    /// The word used in rules and outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::MergeCandidate => "merge-candidate",
            Self::LinkToAccount => "link-lead-to-account",
            Self::ConvertCandidate => "convert-candidate",
            Self::SetOwner => "set-owner",
            Self::ReturnToQueue => "return-to-queue",
            Self::SetField => "set-field",
            Self::FillField => "fill-field",
            Self::CorrectLifecycle => "correct-lifecycle",
            Self::CorrectSource => "correct-source",
            Self::ReviewRecord => "review-record",
            Self::ReviewRule => "review-rule",
            Self::ReviewUpstream => "review-upstream",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// True for the kinds that ask and change nothing: there is nothing to approve.
    pub fn is_question(self) -> bool {
        matches!(self, Self::ReviewRecord | Self::ReviewRule | Self::ReviewUpstream)
    }

    /// True for the kinds that give a record another owner.
    pub fn is_owner_change(self) -> bool {
        matches!(self, Self::SetOwner | Self::ReturnToQueue)
    }
}

/// What a change would put into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'p> {
    /// Someone, by id or by name, as the field names people.
    Assignee(&'p Assignee),
    /// A value.
    Value(&'p str),
}

/// Why a proposal cannot simply be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Nothing stands against approval.
    Free,
    /// Expensive to unwind: approved one by one, with the evidence confirmed.
    Held(String),
    /// Not for the reviewer alone to approve.
    EscalateOnly(String),
}

impl Hold {
    /// The word used in outputs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held(_) => "held",
            Self::EscalateOnly(_) => "escalate-only",
        }
    }

    /// The hold of that word, with its reason.
    pub fn parse(word: &str, why: Option<String>) -> Option<Self> {
        match (word, why) {
            ("free", None) => Some(Self::Free),
            ("held", Some(why)) => Some(Self::Held(why)),
            ("escalate-only", Some(why)) => Some(Self::EscalateOnly(why)),
            (_, _) => None,
        }
    }

    /// Why, where there is a reason.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Free => None,
            Self::Held(why) | Self::EscalateOnly(why) => Some(why),
        }
    }
}

impl Proposal {
    /// Its kind.
    pub fn kind(&self) -> ProposalKind {
        match self {
            Self::MergeCandidate { .. } => ProposalKind::MergeCandidate,
            Self::LinkToAccount { .. } => ProposalKind::LinkToAccount,
            Self::ConvertCandidate { .. } => ProposalKind::ConvertCandidate,
            Self::SetOwner { .. } => ProposalKind::SetOwner,
            Self::ReturnToQueue { .. } => ProposalKind::ReturnToQueue,
            Self::SetField { .. } => ProposalKind::SetField,
            Self::FillField { .. } => ProposalKind::FillField,
            Self::CorrectLifecycle { .. } => ProposalKind::CorrectLifecycle,
            Self::CorrectSource { .. } => ProposalKind::CorrectSource,
            Self::ReviewRecord { .. } => ProposalKind::ReviewRecord,
            Self::ReviewRule { .. } => ProposalKind::ReviewRule,
            Self::ReviewUpstream { .. } => ProposalKind::ReviewUpstream,
        }
    }

    /// The proposal in one sentence for a person.
    pub fn words(&self) -> String {
        match self {
            Self::MergeCandidate { keep, fold, .. } => {
                let others: Vec<_> = fold.iter().map(|record| record.id.as_ref()).collect();
                format!("Consider merging {} into {}", others.join(", "), keep.id)
            }
            Self::LinkToAccount { account } => format!("Link to account {}", account.id),
            Self::ConvertCandidate { into } => format!("Convert into {into}"),
            Self::SetOwner { to, .. } => format!("Give to {to}"),
            Self::ReturnToQueue { queue: Some(queue), .. } => format!("Return to queue {queue}"),
            Self::ReturnToQueue { queue: None, .. } => "Return to the team's queue".to_owned(),
            Self::SetField { before, to } => format!("Set {} to {to}", before.label()),
            Self::FillField { before, ask } => format!("Fill in {}; ask {ask}", before.label()),
            Self::CorrectLifecycle { to: Some(to), .. } => format!("Correct the stage to {to}"),
            Self::CorrectLifecycle { to: None, .. } => "Correct the stage".to_owned(),
            Self::CorrectSource { to: Some(to), .. } => format!("Correct the source to {to}"),
            Self::CorrectSource { to: None, .. } => "Correct the source".to_owned(),
            Self::ReviewRecord { question }
            | Self::ReviewRule { question }
            | Self::ReviewUpstream { question } => question.clone(),
        }
    }

    /// What would stand in the field it changes, as a CRM takes it; nothing where the evidence names no
    /// value, or one that may not be shown.
    pub fn target(&self) -> Option<Target<'_>> {
        match self {
            Self::SetOwner { to, .. } | Self::ReturnToQueue { queue: Some(to), .. } => {
                Some(Target::Assignee(to))
            }
            Self::SetField { to: Shown::Value(to), .. }
            | Self::CorrectLifecycle { to: Some(to), .. }
            | Self::CorrectSource { to: Some(to), .. } => Some(Target::Value(to)),
            Self::ReturnToQueue { queue: None, .. }
            | Self::SetField { .. }
            | Self::CorrectLifecycle { to: None, .. }
            | Self::CorrectSource { to: None, .. }
            | Self::FillField { .. }
            | Self::MergeCandidate { .. }
            | Self::LinkToAccount { .. }
            | Self::ConvertCandidate { .. }
            | Self::ReviewRecord { .. }
            | Self::ReviewRule { .. }
            | Self::ReviewUpstream { .. } => None,
        }
    }

    /// The field it would change, how it stands, and what would stand there, where it names one.
    pub fn change(&self) -> Option<(&Cell, Option<String>)> {
        match self {
            Self::SetOwner { before, to } => Some((before, Some(to.to_string()))),
            Self::ReturnToQueue { before, queue } => {
                Some((before, queue.as_ref().map(ToString::to_string)))
            }
            Self::SetField { before, to } => Some((before, Some(to.to_string()))),
            Self::FillField { before, .. } => Some((before, None)),
            Self::CorrectLifecycle { before, to } | Self::CorrectSource { before, to } => {
                Some((before, to.clone()))
            }
            Self::MergeCandidate { .. }
            | Self::LinkToAccount { .. }
            | Self::ConvertCandidate { .. }
            | Self::ReviewRecord { .. }
            | Self::ReviewRule { .. }
            | Self::ReviewUpstream { .. } => None,
        }
    }

    fn hold(&self) -> Hold {
        let overwrites =
            || Hold::Held("it overwrites a value that somebody or something entered".to_owned());
        match self {
            Self::MergeCandidate { .. } => {
                Hold::Held("a merge cannot be undone in most CRMs".to_owned())
            }
            Self::ConvertCandidate { .. } => {
                Hold::Held("a conversion cannot be undone in most CRMs".to_owned())
            }
            Self::CorrectLifecycle { .. } => {
                Hold::Held("stages feed reports and automation".to_owned())
            }
            Self::SetField { .. } => overwrites(),
            Self::FillField { before, .. } | Self::CorrectSource { before, .. }
                if *before.shown() != Shown::Blank =>
            {
                overwrites()
            }
            Self::LinkToAccount { .. }
            | Self::SetOwner { .. }
            | Self::ReturnToQueue { .. }
            | Self::FillField { .. }
            | Self::CorrectSource { .. }
            | Self::ReviewRecord { .. }
            | Self::ReviewRule { .. }
            | Self::ReviewUpstream { .. } => Hold::Free,
        }
    }
}

/// Something a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The record it is about.
    pub record: RecordRef,
    /// Other records it concerns.
    pub related: Vec<RecordRef>,
    /// One plain sentence with the condition and its numbers.
    pub headline: String,
    /// At least one piece.
    evidence: Vec<Evidence>,
    /// Why this may be wrong.
    pub doubts: Vec<String>,
    /// What the rule needs and the record does not have: then it is not approvable.
    pub missing: BTreeSet<String>,
    /// What the change may reach beyond the record.
    pub reach: BTreeSet<Reach>,
    /// What a person is asked to consider.
    pub proposal: Proposal,
    /// Where its records hang together and are not one, the sets that they fall into.
    pub sets: Vec<Vec<RecordRef>>,
    escalate: Option<String>,
    /// The field, or the event in its history, that it is about, where the proposal does not say it or may
    /// be about another.
    of: Option<String>,
    /// What it is known by from week to week, where that is not the records that show it.
    known_by: Vec<RecordRef>,
    /// Its records are examples of a group, which is what it is about.
    is_of_group: bool,
    /// What it holds of the matter itself, where no cell says so.
    facts: Vec<String>,
    /// Of the fields that move by themselves, those that it is about.
    hinges: BTreeSet<String>,
}

/// Fields that move whenever somebody works a record, or an integration does. Quoted beside a fault they
/// are no part of it, or it would be asked again after every call that somebody makes.
const MOVING: [&str; 3] = ["last_activity", "modified", "last_login"];

impl Finding {
    /// The least a finding can be: a record, a sentence, a fact and a proposal.
    pub fn about(
        record: RecordRef,
        headline: impl Into<String>,
        fact: Evidence,
        proposal: Proposal,
    ) -> Self {
        Self {
            record,
            related: Vec::new(),
            headline: headline.into(),
            evidence: vec![fact],
            doubts: Vec::new(),
            missing: BTreeSet::new(),
            reach: BTreeSet::new(),
            proposal,
            sets: Vec::new(),
            escalate: None,
            of: None,
            known_by: Vec::new(),
            is_of_group: false,
            facts: Vec::new(),
            hinges: BTreeSet::new(),
        }
    }

    /// Adds evidence.
    #[must_use]
    pub fn because(mut self, fact: Evidence) -> Self {
        self.evidence.push(fact);
        self
    }

    /// Notes that it is about a field that else would move by itself: when it moves, the facts changed.
    #[must_use]
    pub fn hinging_on(mut self, field: &Field) -> Self {
        self.hinges.insert(field.name().to_owned());
        self
    }

    /// Notes which field it is about, whatever is proposed: a check may ask about several of one record, and a
    /// question may become a change, or a change a question, while the fault is the same.
    #[must_use]
    pub fn of_field(mut self, field: &Field) -> Self {
        self.of = Some(field.name().to_owned());
        self
    }

    /// Notes which event in a field's history a question is about: a check may ask about several of one
    /// record.
    #[must_use]
    pub fn of_event(mut self, field: &Field, event: &str) -> Self {
        self.of = Some(format!("{} {event}", field.name()));
        self
    }

    /// Notes what a question is about where the records only show it: it is the same question when others do.
    #[must_use]
    pub fn known_by(mut self, what: RecordRef) -> Self {
        self.known_by.push(what);
        self
    }

    /// Notes that it is about a group, such as all that one source brought: it is known by that, and its records
    /// are examples, which come and go. A check that says so tells of what groups it could not judge.
    #[must_use]
    pub fn of_group(mut self, what: impl IntoIterator<Item = RecordRef>) -> Self {
        self.known_by.extend(what);
        self.is_of_group = true;
        self
    }

    /// Where it is about a group, the field of it that it is about; a blank where it is about none.
    pub fn group(&self) -> Option<&str> {
        self.is_of_group.then(|| self.of.as_deref().unwrap_or_default())
    }

    /// States a fact that no cell says, as where figures are all there is: when it differs, the facts changed.
    /// It is as coarse as what a person would call another fault, and is not shown.
    #[must_use]
    pub fn stating(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    /// Adds a record it concerns.
    #[must_use]
    pub fn with(mut self, related: RecordRef) -> Self {
        if related != self.record && !self.related.contains(&related) {
            self.related.push(related);
        }
        self
    }

    /// Adds a reason why it may be wrong.
    #[must_use]
    pub fn unless(mut self, doubt: impl Into<String>) -> Self {
        self.doubts.push(doubt.into());
        self
    }

    /// Adds reasons why it may be wrong.
    #[must_use]
    pub fn unless_any(self, doubts: impl IntoIterator<Item = String>) -> Self {
        doubts.into_iter().fold(self, Self::unless)
    }

    /// Notes that a fact the rule needs is blank, withheld or not admitted.
    #[must_use]
    pub fn lacking(mut self, what: impl Into<String>) -> Self {
        self.missing.insert(what.into());
        self
    }

    /// Notes what the change may reach.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.reach.insert(reach);
        self
    }

    /// Notes that only an escalation is possible.
    #[must_use]
    pub fn escalate_only(mut self, why: impl Into<String>) -> Self {
        self.escalate = Some(why.into());
        self
    }

    /// The records that its proposal would change; none of a question.
    pub fn changed(&self) -> Vec<&RecordRef> {
        match &self.proposal {
            Proposal::MergeCandidate { keep, fold, .. } => fold.iter().chain([keep]).collect(),
            Proposal::LinkToAccount { .. } | Proposal::ConvertCandidate { .. } => {
                vec![&self.record]
            }
            Proposal::SetOwner { before, .. }
            | Proposal::ReturnToQueue { before, .. }
            | Proposal::SetField { before, .. }
            | Proposal::FillField { before, .. }
            | Proposal::CorrectLifecycle { before, .. }
            | Proposal::CorrectSource { before, .. } => vec![before.record()],
            Proposal::ReviewRecord { .. }
            | Proposal::ReviewRule { .. }
            | Proposal::ReviewUpstream { .. } => Vec::new(),
        }
    }

    /// Every cell that the evidence or the proposal quotes.
    pub fn cells_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        let quoted = self.evidence.iter_mut().flat_map(Evidence::cells_mut);
        let before = match &mut self.proposal {
            Proposal::SetOwner { before, .. }
            | Proposal::ReturnToQueue { before, .. }
            | Proposal::SetField { before, .. }
            | Proposal::FillField { before, .. }
            | Proposal::CorrectLifecycle { before, .. }
            | Proposal::CorrectSource { before, .. } => Some(before),
            Proposal::MergeCandidate { .. }
            | Proposal::LinkToAccount { .. }
            | Proposal::ConvertCandidate { .. }
            | Proposal::ReviewRecord { .. }
            | Proposal::ReviewRule { .. }
            | Proposal::ReviewUpstream { .. } => None,
        };
        quoted.chain(before)
    }

    /// The proposal in one sentence; what nobody may simply approve is put as a question.
    pub fn asks(&self) -> String {
        let words = self.proposal.words();
        match (&self.hold(), self.proposal.kind().is_question()) {
            (Hold::EscalateOnly(_), false) => {
                let mut letters = words.chars();
                let first = letters.next().into_iter().flat_map(char::to_lowercase);
                format!("Decide whether to {}", first.chain(letters).collect::<String>())
            }
            (Hold::EscalateOnly(_) | Hold::Held(_) | Hold::Free, _) => words,
        }
    }

    /// The evidence, in the order given.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// True when everything the rule needs is there.
    pub fn is_sufficient(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether it can be approved, and if not simply, why.
    pub fn hold(&self) -> Hold {
        if let Some(why) = &self.escalate {
            return Hold::EscalateOnly(why.clone());
        }
        if !self.reach.is_empty() {
            let words: Vec<_> = self.reach.iter().map(|reach| reach.phrase()).collect();
            return Hold::EscalateOnly(format!("it touches {}", words.join(" and ")));
        }
        self.proposal.hold()
    }

    /// Every cell that the evidence quotes, in its order.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.evidence.iter().flat_map(Evidence::cells)
    }

    /// The field that it is about, or the event in its history; else the one that its proposal would change.
    pub fn field(&self) -> Option<&str> {
        self.of.as_deref().or_else(|| self.proposal.change().map(|(cell, _)| cell.field()))
    }

    /// The finding's name for one rule: it hashes rule, records and the field that it is about, if any,
    /// never values, so that next week's finding about the same fault has the same name.
    pub fn id(&self, rule: &str) -> FindingId {
        let field = self.field();
        match self.known_by.split_first() {
            Some((first, others)) => FindingId::of(rule, first, others, field),
            None => FindingId::of(rule, &self.record, &self.related, field),
        }
    }

    /// When the earliest change was made that it quotes, where it rests on changes.
    pub fn first_change(&self) -> Option<DateTime<Utc>> {
        let quoted = self.evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Changed(change) => Some(change.instant),
            Evidence::Cell(_)
            | Evidence::Compared { .. }
            | Evidence::Normalised { .. }
            | Evidence::Policy { .. }
            | Evidence::Figure { .. }
            | Evidence::Trace(_)
            | Evidence::Likeness(_) => None,
        });
        quoted.min()
    }

    /// A digest of the quoted facts: when it differs from last week's, the facts changed.
    pub fn evidence_digest(&self) -> String {
        let moves =
            |cell: &Cell| MOVING.contains(&cell.field()) && !self.hinges.contains(cell.field());
        let mut hash = Sha256::new();
        let mut add = |words: &str| {
            hash.update((words.len() as u64).to_be_bytes());
            hash.update(words.as_bytes());
        };
        for what in &self.known_by {
            add(what.object.key());
            add(&in_full(&what.id));
        }
        self.facts.iter().for_each(|fact| add(fact));
        // Of what only shows in the records, their cells are examples.
        let shown = if self.known_by.is_empty() { self.evidence.as_slice() } else { &[] };
        for evidence in shown {
            let words = match evidence {
                Evidence::Cell(cell)
                | Evidence::Normalised { from: cell, .. }
                | Evidence::Compared { left: cell, .. }
                    if moves(cell) =>
                {
                    continue;
                }
                Evidence::Cell(cell) => cell.fact(),
                Evidence::Normalised { from, to, .. } => format!("{} → {to}", from.fact()),
                Evidence::Compared { left, right, level } => {
                    format!("{} | {} | {level}", left.fact(), right.fact())
                }
                Evidence::Changed(change) => {
                    let cells: Vec<_> = change.cells().map(Cell::fact).collect();
                    cells.join(" | ")
                }
                // Ages, counts and weights move every week by themselves; rules have their own version.
                Evidence::Policy { .. }
                | Evidence::Figure { .. }
                | Evidence::Trace(_)
                | Evidence::Likeness(_) => continue,
            };
            add(&words);
        }
        let mut digest = digest::hex(&hash.finalize());
        digest.truncate(24);
        digest
    }
}

/// Ten characters that name a finding: `F-7Q2M9K4D1V`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingId(String);

impl FindingId {
    /// The id of what a rule finds on these records, and on a field if it proposes a change of one.
    pub fn of(rule: &str, record: &RecordRef, related: &[RecordRef], field: Option<&str>) -> Self {
        let mut records: Vec<&RecordRef> = related.iter().chain([record]).collect();
        records.sort();
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        add(rule);
        for record in records {
            add(record.object.key());
            add(&in_full(&record.id));
        }
        add(field.unwrap_or_default());
        Self(crockford(&hash.finalize()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that a person typed, in any case and with spaces around it.
    pub fn typed(text: &str) -> Option<Self> {
        Self::parse(&text.trim().to_uppercase())
    }

    /// The id that a text spells.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("F-")?.as_bytes();
        (digits.len() == 10 && digits.iter().all(|digit| CROCKFORD.contains(digit)))
            .then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Crockford's base 32, which has no letters that look alike.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The first 50 bits in base 32.
fn crockford(digest: &[u8]) -> String {
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let digits = (0..10).map(|n| {
        let five = usize::try_from(bits >> (59 - 5 * n) & 31).unwrap_or_default();
        CROCKFORD.get(five).copied().map_or('0', char::from)
    });
    "F-".chars().chain(digits).collect()
}

/// Names a record without a batch at hand, as rules and tests do.
pub fn record(object: Object, id: &str) -> RecordRef {
    RecordRef { object, id: id.into() }
}

/// A field that a rule needs, in the words used for insufficient evidence.
pub fn blank_field(field: &Field) -> String {
    format!("{field} is blank")
}

/// What keeps from knowing a record's value of a field: it is blank, or was withheld.
pub fn unknown_field(row: Row<'_>, field: &Field) -> Option<String> {
    if row.is_withheld(field) {
        Some(format!("{field} was withheld"))
    } else {
        row.is_blank(field).then(|| blank_field(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_likeness_sum_to_its_score_as_they_are_printed() {
        let pair = [record(Object::Contact, "1"), record(Object::Contact, "2")];
        let exact = [-13.334_9, 7.004_9, 0.004_9, 0.004_9, -1.335, 12.345_6];
        let likeness = Likeness::new(
            pair,
            exact.iter().map(|bits| ("name".to_owned(), vec![], "the same".to_owned(), *bits)),
        );
        let printed: f64 = likeness.parts.iter().map(|part| part.worth.number()).sum();
        assert!((printed - likeness.score.number()).abs() < 1e-9);
        assert_eq!(likeness.score, Bits::of(exact.iter().sum()));
        for (part, exact) in likeness.parts.iter().zip(exact) {
            assert!((part.worth.number() - exact).abs() <= 0.01, "{part:?}");
        }
        assert_eq!(
            (Bits::of(-0.5).to_string(), Bits::of(3.0).to_string()),
            ("−0.50".into(), "+3.00".into())
        );
        assert!((Bits::of(0.0).chance() - 0.5).abs() < 1e-12);
    }
}
