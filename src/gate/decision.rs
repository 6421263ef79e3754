//! What a named person says of a proposal.
//!
//! Does not: know whether the person may say it; that is the gate's to tell.

use chrono::{DateTime, NaiveDate, Utc};

/// Why a proposal is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The record is right as it stands.
    CorrectAsIs,
    /// It is an exception that somebody agreed to.
    AgreedException,
    /// The fault is there; the proposed value is wrong.
    WrongValue,
    /// The evidence does not carry the proposal.
    WeakEvidence,
    /// Somebody corrected it meanwhile.
    AlreadyFixed,
    /// The rule is wrong.
    RuleWrong,
    /// Another reason, which the note gives.
    Other,
    /// Somebody looked into it and nothing is to be changed: for what cannot be approved, such as a
    /// question. It says nothing of the rule.
    LookedInto,
}

impl Reason {
    /// Every reason, in the order of the packet's list.
    pub const ALL: [Self; 8] = [
        Self::CorrectAsIs,
        Self::AgreedException,
        Self::WrongValue,
        Self::WeakEvidence,
        Self::AlreadyFixed,
        Self::RuleWrong,
        Self::Other,
        Self::LookedInto,
    ];

    /// The word used in decisions files and in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::CorrectAsIs => "correct_as_is",
            Self::AgreedException => "agreed_exception",
            Self::WrongValue => "wrong_value",
            Self::WeakEvidence => "weak_evidence",
            Self::AlreadyFixed => "already_fixed",
            Self::RuleWrong => "rule_wrong",
            Self::Other => "other",
            Self::LookedInto => "looked_into",
        }
    }

    /// The reason of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The reason in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::CorrectAsIs => "correct as it is",
            Self::AgreedException => "an agreed exception",
            Self::WrongValue => "the proposed value is wrong",
            Self::WeakEvidence => "the evidence is weak",
            Self::AlreadyFixed => "already fixed",
            Self::RuleWrong => "the rule is wrong",
            Self::Other => "for another reason",
            Self::LookedInto => "looked into, no change",
        }
    }
}

/// One of the three things that can be said of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Make the change, through the normal change path.
    Approve {
        /// The change-control ticket, where the profile asks for one.
        ticket: Option<String>,
    },
    /// Leave it as it is.
    Reject(Reason),
    /// Somebody else has to say. Past the day without an answer, nothing changes.
    Escalate {
        /// To whom.
        to: String,
        /// The last day for an answer.
        until: NaiveDate,
    },
}

impl Verdict {
    /// Why it is rejected, where it is.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Reject(reason) => Some(*reason),
            Self::Approve { .. } | Self::Escalate { .. } => None,
        }
    }

    /// Which of the three it is.
    pub fn kind(&self) -> VerdictKind {
        match self {
            Self::Approve { .. } => VerdictKind::Approve,
            Self::Reject(_) => VerdictKind::Reject,
            Self::Escalate { .. } => VerdictKind::Escalate,
        }
    }
}

/// Which of the three things is said, without what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictKind {
    /// Make the change.
    Approve,
    /// Leave it as it is.
    Reject,
    /// Somebody else has to say.
    Escalate,
}

impl VerdictKind {
    /// All three, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Reject, Self::Escalate];

    /// The one that a word of a decisions file means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The word used in decisions files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Escalate => "escalate",
        }
    }
}

/// How much a person looked at what they decided, as they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    /// By itself or with others.
    pub via: Via,
    /// Whether they confirmed that they looked at the evidence of this one.
    pub confirmed: bool,
}

/// With what a proposal was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By itself.
    Single,
    /// Together with others.
    Bulk,
}

impl Via {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Single, Self::Bulk];

    /// The one that a word of a decisions file means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|via| via.word() == word)
    }

    /// The word used in decisions files and in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Bulk => "bulk",
        }
    }
}

/// A person who may decide: named by the gate, or by a line of the verified ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approver(String);

impl Approver {
    pub(super) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The person's name, as rules/approvals.toml writes it.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A decision. There is none without a person who may make it: [`super::Gate::decide`] mints it.
///
/// ```compile_fail
/// use crm_review::gate::{Approver, Case, Claim, Decision, Gate, Refusal};
/// fn forged() -> Approver {
///     Approver("Mallory".to_owned())
/// }
/// ```
///
/// ```
/// use crm_review::gate::{Approver, Case, Claim, Decision, Gate, Refusal};
/// fn decided(gate: &Gate, case: &Case, claim: &Claim) -> Result<Decision, Refusal> {
///     gate.decide(case, claim)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    verdict: Verdict,
    by: Approver,
    second: Option<Approver>,
    attention: Option<Attention>,
    note: Option<String>,
    at: DateTime<Utc>,
}

impl Decision {
    pub(super) fn new(
        verdict: Verdict,
        by: Approver,
        second: Option<Approver>,
        attention: Attention,
        note: Option<String>,
        at: DateTime<Utc>,
    ) -> Self {
        Self { verdict, by, second, attention: Some(attention), note, at }
    }

    /// A decision as a line of the verified ledger holds it.
    pub(crate) fn recorded(
        verdict: Verdict,
        by: String,
        second: Option<String>,
        attention: Option<Attention>,
        note: Option<String>,
        at: DateTime<Utc>,
    ) -> Self {
        Self { verdict, by: Approver(by), second: second.map(Approver), attention, note, at }
    }

    /// What was decided.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Who decided.
    pub fn by(&self) -> &Approver {
        &self.by
    }

    /// Who approved beside them, where the profile asks for a second person.
    pub fn second(&self) -> Option<&Approver> {
        self.second.as_ref()
    }

    /// How much they looked at it, as they say; decisions of old do not tell.
    pub fn attention(&self) -> Option<Attention> {
        self.attention
    }

    /// What they noted.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// When, as the decisions file claims.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}
