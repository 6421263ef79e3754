//! The public shape of a finding in `findings.jsonl`. Values are exact: neither bounded nor made visible.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::boundary::{Cell, Object, RecordRef, Shown};
use crate::check::Family;
use crate::finding::{Evidence, Finding, Likeness, Proposal, Target};
use crate::gate::{Decision, Verdict};

use super::{Found, exposure, text};

/// One finding: a proposal, the evidence for it, and what speaks against it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "A line of crm-review's findings.jsonl")]
pub(in crate::packet) struct Line<'a> {
    /// Names the finding from week to week: the same rule, records and field give the same id.
    #[schemars(regex(pattern = "^F-"))]
    id: &'a str,
    /// The check's code, as `crm-review checks` lists it.
    #[schemars(regex(pattern = "^[A-Z]{3}-[0-9]{2}$"))]
    rule: &'static str,
    /// The check's name, which is also its section in the rules.
    name: &'static str,
    /// The check's family.
    #[schemars(extend("enum" = Family::ALL.map(Family::key)))]
    family: &'static str,
    /// How much harm the fault does while it stands.
    #[schemars(extend("enum" = ["low", "medium", "high"]))]
    severity: &'static str,
    /// The table of the record.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    object: &'static str,
    /// The id of the record the finding is about.
    record: &'a str,
    /// Other records it concerns.
    related: Vec<Ref<'a>>,
    /// What the record has in common with others: lead source, owner, team, segment, region, company size.
    groups: BTreeMap<&'static str, &'a str>,
    /// What is wrong, in one sentence.
    headline: &'a str,
    /// What it is based on.
    #[schemars(length(min = 1))]
    evidence: Vec<Fact<'a>>,
    /// Reasons to doubt it, computed for this record.
    why_wrong: &'a [String],
    /// False when a value that the rule needs is missing: then it cannot be approved.
    sufficient: bool,
    /// The values that the rule needs and the record does not have.
    missing: Vec<&'a str>,
    /// Whether it can simply be approved, needs its evidence confirmed, or is not the reviewer's alone.
    #[schemars(extend("enum" = ["free", "held", "escalate-only"]))]
    held: &'static str,
    /// Why it cannot simply be approved.
    held_because: Option<String>,
    /// What the change may touch beyond the record.
    #[schemars(inner(regex(pattern = "^(forecast|compensation|service level|named account)$")))]
    reach: Vec<&'static str>,
    /// How it stands against earlier weeks: on changed facts, or here again after it was resolved.
    #[schemars(extend("enum" = ["new", "recurring", "changed", "reopened"]))]
    state: &'static str,
    /// In how many weeks it was seen, this one included.
    #[schemars(range(min = 1))]
    weeks: u32,
    /// What is asked: a decision, the answer to an escalation, or nothing, as it waits to be applied or was rejected on the same facts.
    #[schemars(extend("enum" = ["decide", "answer", "apply", "quiet"]))]
    queue: &'static str,
    /// What was decided on it last, in an earlier packet.
    last_decision: Option<Past<'a>>,
    /// The records under review that the routing exception rate counts if it is approved.
    counts: Vec<Ref<'a>>,
    /// What a person is asked to consider.
    proposal: Proposed<'a>,
    /// Changes when the evidence does.
    evidence_digest: String,
}

/// A decision in an earlier packet.
#[derive(Debug, Serialize, JsonSchema)]
struct Past<'a> {
    /// What was decided.
    #[schemars(extend("enum" = ["approve", "reject", "escalate"]))]
    decision: &'static str,
    /// Why it was rejected.
    reason_code: Option<&'static str>,
    /// To whom it was escalated.
    escalate_to: Option<&'a str>,
    /// The last day for an answer.
    escalate_until: Option<String>,
    /// Who decided.
    approver: &'a str,
    /// The day of the packet that was decided on.
    #[schemars(extend("format" = "date"))]
    packet_of: String,
}

impl<'a> Past<'a> {
    fn of((decision, on): (&'a Decision, NaiveDate)) -> Self {
        let past = Self {
            decision: decision.verdict().word(),
            reason_code: None,
            escalate_to: None,
            escalate_until: None,
            approver: decision.by().name(),
            packet_of: on.to_string(),
        };
        match decision.verdict() {
            Verdict::Approve { .. } => past,
            Verdict::Reject(reason) => Self { reason_code: Some(reason.word()), ..past },
            Verdict::Escalate { to, until } => {
                Self { escalate_to: Some(to), escalate_until: Some(until.to_string()), ..past }
            }
        }
    }
}

/// A record.
#[derive(Debug, Serialize, JsonSchema)]
struct Ref<'a> {
    /// Its table.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    object: &'static str,
    /// Its id.
    record: &'a str,
}

/// A value with the place where it stands.
#[derive(Debug, Serialize, JsonSchema)]
struct Quote<'a> {
    /// The table of its record.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    object: &'static str,
    /// The id of its record.
    record: &'a str,
    /// The field, as the rules name it.
    field: &'a str,
    /// The column it came from; empty where the input has none.
    column: &'a str,
    /// The input.
    file: &'a str,
    /// The line, from 1.
    line: u64,
    /// How the value is shown.
    #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld"]))]
    shown: &'static str,
    /// The value as far as it is shown.
    value: Option<&'a str>,
    /// What the one is called whose id the value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<&'a str>,
    /// The day on which its record was last changed, where the input says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date"))]
    modified: Option<String>,
}

/// A piece of evidence.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Fact<'a> {
    /// A value.
    Cell(Quote<'a>),
    /// A value, and what it was compared as.
    Normalised {
        /// The value as it stands.
        from: Quote<'a>,
        /// What was done to it.
        step: &'a str,
        /// How the outcome is shown.
        #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld"]))]
        shown: &'static str,
        /// The outcome as far as it is shown.
        value: Option<&'a str>,
    },
    /// Two values beside each other.
    Compared {
        /// One.
        left: Quote<'a>,
        /// The other.
        right: Quote<'a>,
        /// How far they agree, in words.
        level: &'a str,
    },
    /// A change, as the field history tells it.
    Changed(Box<Change<'a>>),
    /// What the rules say.
    Policy {
        /// The rules file.
        file: &'a str,
        /// Its line; 0 for a built-in default.
        line: usize,
        /// The rule in words.
        says: &'a str,
    },
    /// A count or another figure.
    Figure {
        /// What was counted.
        of: &'a str,
        /// The figure.
        is: &'a str,
    },
    /// The rules that were tried, in their order.
    Trace {
        /// Each of them.
        tried: Vec<Step<'a>>,
    },
    /// How likely two records are one.
    Likeness {
        /// The two records.
        pair: [Ref<'a>; 2],
        /// The odds before anything is compared, and what each comparison adds; they sum to the score.
        parts: Vec<Weighed<'a>>,
        /// The odds in bits: 0 is an even chance, and each bit more doubles the odds.
        score: f64,
        /// The chance that such odds stand for.
        #[schemars(range(min = 0.0, max = 1.0))]
        chance: f64,
    },
}

/// A change of a field.
#[derive(Debug, Serialize, JsonSchema)]
struct Change<'a> {
    /// Which field.
    field: Quote<'a>,
    /// When.
    at: Quote<'a>,
    /// What stood there before.
    old: Option<Quote<'a>>,
    /// What stood there then.
    new: Option<Quote<'a>>,
    /// By whom.
    by: Option<Quote<'a>>,
}

/// One comparison's part in a likeness.
#[derive(Debug, Serialize, JsonSchema)]
struct Weighed<'a> {
    /// What was compared.
    of: &'a str,
    /// How far it agrees, in words.
    says: &'a str,
    /// What that is worth, in hundredths of a bit at the finest.
    bits: f64,
}

/// A rule that was tried.
#[derive(Debug, Serialize, JsonSchema)]
struct Step<'a> {
    /// Its name.
    rule: &'a str,
    /// Its file and line.
    place: &'a str,
    /// Whether it took the record.
    matched: bool,
    /// Why, or why not.
    because: &'a str,
}

/// What a person is asked to consider. Nothing of it has been applied.
#[derive(Debug, Serialize, JsonSchema)]
struct Proposed<'a> {
    /// What kind of change it is; `review-…` asks a question and changes nothing.
    #[schemars(extend("enum" = Proposal::KINDS))]
    kind: &'static str,
    /// The proposal in one sentence.
    words: String,
    /// The field it would change, where it names one.
    field: Option<&'a str>,
    /// The column that the field came from.
    column: Option<&'a str>,
    /// How that field stands, as far as it is shown.
    before: Option<&'a str>,
    /// How far that is.
    #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld", null]))]
    before_shown: Option<&'static str>,
    /// What would stand there, where the evidence says.
    after: Option<String>,
    /// The same as the CRM takes it, where it is a value.
    value: Option<&'a str>,
    /// The same where it is somebody.
    assignee: Option<Someone<'a>>,
    /// Of a merge, the record to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<&'a str>,
    /// Of a merge, the records to fold into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fold: Vec<&'a str>,
}

/// Somebody who can own records.
#[derive(Debug, Serialize, JsonSchema)]
struct Someone<'a> {
    /// The id.
    id: &'a str,
    /// The name.
    name: &'a str,
}

impl<'a> Line<'a> {
    /// The line of a finding.
    pub(in crate::packet) fn of(found: &'a Found<'_>) -> Self {
        let Found { check, finding, id, standing, .. } = found;
        let hold = finding.hold();
        Self {
            id: id.as_str(),
            rule: check.code,
            name: check.name,
            family: check.family.key(),
            severity: check.severity.word(),
            object: finding.record.object.key(),
            record: &finding.record.id,
            related: finding.related.iter().map(Ref::of).collect(),
            groups: found
                .groups
                .into_iter()
                .flatten()
                .map(|(by, value)| (by.word(), value.as_str()))
                .collect(),
            headline: &finding.headline,
            evidence: finding.evidence().iter().map(Fact::of).collect(),
            why_wrong: &finding.doubts,
            sufficient: finding.is_sufficient(),
            missing: finding.missing.iter().map(String::as_str).collect(),
            held: hold.word(),
            held_because: hold.why().map(str::to_owned),
            reach: finding.reach.iter().map(|reach| reach.word()).collect(),
            state: standing.state.word(),
            weeks: standing.state.weeks(),
            queue: standing.queue.word(),
            last_decision: standing.last.map(Past::of),
            counts: standing.counts.iter().map(Ref::of).collect(),
            proposal: Proposed::of(finding),
            evidence_digest: finding.evidence_digest(),
        }
    }
}

impl<'a> Ref<'a> {
    fn of(record: &'a RecordRef) -> Self {
        Self { object: record.object.key(), record: &record.id }
    }
}

impl<'a> Quote<'a> {
    fn of(cell: &'a Cell) -> Self {
        Self {
            object: cell.record().object.key(),
            record: &cell.record().id,
            field: cell.field(),
            column: cell.column(),
            file: cell.file(),
            line: cell.line(),
            shown: exposure(cell.shown()),
            value: text(cell.shown()),
            called: cell.called(),
            modified: cell.modified().map(|day| day.to_string()),
        }
    }
}

impl<'a> Fact<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        match evidence {
            Evidence::Cell(cell) => Self::Cell(Quote::of(cell)),
            Evidence::Normalised { from, step, to } => Self::Normalised {
                from: Quote::of(from),
                step,
                shown: exposure(to),
                value: text(to),
            },
            Evidence::Compared { left, right, level } => {
                Self::Compared { left: Quote::of(left), right: Quote::of(right), level }
            }
            Evidence::Changed(change) => Self::Changed(Box::new(Change {
                field: Quote::of(&change.field),
                at: Quote::of(&change.at),
                old: change.old.as_ref().map(Quote::of),
                new: change.new.as_ref().map(Quote::of),
                by: change.by.as_ref().map(Quote::of),
            })),
            Evidence::Policy { file, line, says } => Self::Policy { file, line: *line, says },
            Evidence::Figure { of, is } => Self::Figure { of, is },
            Evidence::Likeness(Likeness { pair, parts, score }) => Self::Likeness {
                pair: pair.each_ref().map(Ref::of),
                parts: parts
                    .iter()
                    .map(|part| Weighed {
                        of: &part.of,
                        says: &part.says,
                        bits: part.worth.number(),
                    })
                    .collect(),
                score: score.number(),
                chance: score.chance(),
            },
            Evidence::Trace(tried) => Self::Trace {
                tried: tried
                    .iter()
                    .map(|tried| Step {
                        rule: &tried.rule,
                        place: &tried.place,
                        matched: tried.matched,
                        because: &tried.because,
                    })
                    .collect(),
            },
        }
    }
}

impl<'a> Proposed<'a> {
    fn of(finding: &'a Finding) -> Self {
        let proposal = &finding.proposal;
        let (cell, after) = proposal.change().unzip();
        let (value, assignee) = match proposal.target() {
            Some(Target::Value(value)) => (Some(value), None),
            Some(Target::Assignee(to)) => (None, Some(Someone { id: &to.id, name: &to.name })),
            None => (None, None),
        };
        // A value that may not be shown does not become one by being proposed.
        let unshown = matches!(
            proposal,
            Proposal::SetField { to: Shown::Never | Shown::Withheld | Shown::Blank, .. }
        );
        let after = after.flatten().filter(|_| !unshown);
        let (keep, fold) = if let Proposal::MergeCandidate { keep, fold, .. } = proposal {
            (Some(&*keep.id), fold.iter().map(|record| &*record.id).collect())
        } else {
            (None, Vec::new())
        };
        Self {
            kind: proposal.kind(),
            words: finding.asks(),
            field: cell.map(Cell::field),
            column: cell.map(Cell::column),
            before: cell.and_then(|cell| text(cell.shown())),
            before_shown: cell.map(|cell| exposure(cell.shown())),
            after,
            value,
            assignee,
            keep,
            fold,
        }
    }
}
