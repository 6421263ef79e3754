//! The public shape of a finding in `findings.jsonl`, in which it is written and read back.
//!
//! Values are exact: neither bounded nor made visible. Does not: say of a line that was read that it is one
//! of ours; the ledger's digest of the file does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::boundary::{Cell, Object, RecordRef, Shown, id_key};
use crate::check::Family;
use crate::finding::{Evidence, Finding, Likeness, Proposal, ProposalKind, Target};
use crate::gate::Verdict;
use crate::packet::{ActionKind, Last, Subject};

use super::{Found, exposure, text};

/// A text, borrowed where it is written and owned where it was read.
type Text<'a> = Cow<'a, str>;

/// One finding: a proposal, the evidence for it, and what speaks against it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "A line of crm-review's findings.jsonl")]
pub(crate) struct Line<'a, E = Vec<Fact<'a>>> {
    /// Names the finding from week to week: the same rule, records and field give the same id.
    #[schemars(regex(pattern = "^F-"))]
    pub(crate) id: Text<'a>,
    /// The check's code, as `crm-review checks` lists it.
    #[schemars(regex(pattern = "^[A-Z]{3}-[0-9]{2}$"))]
    pub(crate) rule: Text<'a>,
    /// The check's name, which is also its section in the rules.
    pub(crate) name: Text<'a>,
    /// The check's family.
    #[schemars(extend("enum" = Family::ALL.map(Family::key)))]
    pub(crate) family: Text<'a>,
    /// How much harm the fault does while it stands.
    #[schemars(extend("enum" = ["low", "medium", "high"]))]
    pub(crate) severity: Text<'a>,
    /// The table of the record.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    pub(crate) object: Text<'a>,
    /// The id of the record the finding is about.
    pub(crate) record: Text<'a>,
    /// Other records it concerns.
    pub(crate) related: Vec<Ref<'a>>,
    /// What the record has in common with others: lead source, owner, team, segment, region, company size.
    pub(crate) groups: BTreeMap<Text<'a>, Text<'a>>,
    /// What is wrong, in one sentence.
    pub(crate) headline: Text<'a>,
    /// What it is based on.
    #[schemars(length(min = 1))]
    pub(crate) evidence: E,
    /// Reasons to doubt it, computed for this record.
    pub(crate) why_wrong: Vec<Text<'a>>,
    /// False when a value that the rule needs is missing: then it cannot be approved.
    pub(crate) sufficient: bool,
    /// The values that the rule needs and the record does not have.
    pub(crate) missing: Vec<Text<'a>>,
    /// Whether it can simply be approved, needs its evidence confirmed, or is not the reviewer's alone.
    #[schemars(extend("enum" = ["free", "held", "escalate-only"]))]
    pub(crate) held: Text<'a>,
    /// Why it cannot simply be approved.
    pub(crate) held_because: Option<Text<'a>>,
    /// What the change may touch beyond the record.
    #[schemars(inner(regex(pattern = "^(forecast|compensation|service level|named account)$")))]
    pub(crate) reach: Vec<Text<'a>>,
    /// How it stands against earlier weeks: on changed facts, or here again after it was resolved.
    #[schemars(extend("enum" = ["new", "recurring", "changed", "reopened"]))]
    pub(crate) state: Text<'a>,
    /// In how many weeks it was seen, this one included.
    #[schemars(range(min = 1))]
    pub(crate) weeks: u32,
    /// What is asked: a decision, the answer to an escalation, or nothing, as it waits to be applied or was rejected on the same facts.
    #[serde(serialize_with = "word", deserialize_with = "asks")]
    #[schemars(with = "String", extend("enum" = ActionKind::ALL.map(ActionKind::word)))]
    pub(crate) queue: ActionKind,
    /// What was decided on it last, in an earlier packet.
    pub(crate) last_decision: Option<Past<'a>>,
    /// The records under review that the routing exception rate counts if it is approved.
    pub(crate) counts: Vec<Ref<'a>>,
    /// What a person is asked to consider.
    pub(crate) proposal: Proposed<'a>,
    /// Changes when the evidence does.
    pub(crate) evidence_digest: Text<'a>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn word<S: Serializer>(asks: &ActionKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(asks.word())
}

/// A word that this program does not know is no line of its own.
fn asks<'de, D: Deserializer<'de>>(from: D) -> Result<ActionKind, D::Error> {
    let word = Text::deserialize(from)?;
    ActionKind::parse(&word).ok_or_else(|| D::Error::custom("what is asked is not one of the four"))
}

/// A decision in an earlier packet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Past<'a> {
    /// What was decided.
    #[schemars(extend("enum" = ["approve", "reject", "escalate"]))]
    pub(crate) decision: Text<'a>,
    /// Why it was rejected.
    pub(crate) reason_code: Option<Text<'a>>,
    /// To whom it was escalated.
    pub(crate) escalate_to: Option<Text<'a>>,
    /// The last day for an answer.
    pub(crate) escalate_until: Option<Text<'a>>,
    /// Who decided.
    pub(crate) approver: Text<'a>,
    /// The day of the packet that was decided on.
    #[schemars(extend("format" = "date"))]
    pub(crate) packet_of: Text<'a>,
    /// True where something else is proposed now: then nobody decided on that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) on_another_proposal: bool,
}

impl<'a> Past<'a> {
    fn of(Last { decision, on, of }: Last<'a>) -> Self {
        let past = Self {
            decision: decision.verdict().kind().word().into(),
            reason_code: None,
            escalate_to: None,
            escalate_until: None,
            approver: decision.by().name().into(),
            packet_of: on.to_string().into(),
            on_another_proposal: of == Subject::Another,
        };
        match decision.verdict() {
            Verdict::Approve { .. } => past,
            Verdict::Reject(reason) => Self { reason_code: Some(reason.word().into()), ..past },
            Verdict::Escalate { to, until } => {
                let until = until.to_string().into();
                Self { escalate_to: Some(to.into()), escalate_until: Some(until), ..past }
            }
        }
    }
}

/// A record.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ref<'a> {
    /// Its table.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    pub(crate) object: Text<'a>,
    /// Its id.
    pub(crate) record: Text<'a>,
}

/// A value with the place where it stands.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Quote<'a> {
    /// The table of its record.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    pub(crate) object: Text<'a>,
    /// The id of its record.
    pub(crate) record: Text<'a>,
    /// The field, as the rules name it.
    pub(crate) field: Text<'a>,
    /// The column it came from; empty where the input has none.
    pub(crate) column: Text<'a>,
    /// The input.
    pub(crate) file: Text<'a>,
    /// The line, from 1.
    pub(crate) line: u64,
    /// How the value is shown.
    #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld"]))]
    pub(crate) shown: Text<'a>,
    /// The value as far as it is shown.
    pub(crate) value: Option<Text<'a>>,
    /// What the one is called whose id the value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) called: Option<Text<'a>>,
    /// The day on which its record was last changed, where the input says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date"))]
    pub(crate) modified: Option<Text<'a>>,
}

/// A piece of evidence.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Fact<'a> {
    /// A value.
    Cell(Quote<'a>),
    /// A value, and what it was compared as.
    Normalised {
        /// The value as it stands.
        from: Quote<'a>,
        /// What was done to it.
        step: Text<'a>,
        /// How the outcome is shown.
        #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld"]))]
        shown: Text<'a>,
        /// The outcome as far as it is shown.
        value: Option<Text<'a>>,
    },
    /// Two values beside each other.
    Compared {
        /// One.
        left: Quote<'a>,
        /// The other.
        right: Quote<'a>,
        /// How far they agree, in words.
        level: Text<'a>,
    },
    /// A change, as the field history tells it.
    Changed(Box<Change<'a>>),
    /// What the rules say.
    Policy {
        /// The rules file.
        file: Text<'a>,
        /// Its line; 0 for a built-in default.
        line: usize,
        /// The rule in words.
        says: Text<'a>,
    },
    /// A count or another figure.
    Figure {
        /// What was counted.
        of: Text<'a>,
        /// The figure.
        is: Text<'a>,
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
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change<'a> {
    /// Which field.
    pub(crate) field: Quote<'a>,
    /// When.
    pub(crate) at: Quote<'a>,
    /// What stood there before.
    pub(crate) old: Option<Quote<'a>>,
    /// What stood there then.
    pub(crate) new: Option<Quote<'a>>,
    /// By whom.
    pub(crate) by: Option<Quote<'a>>,
}

/// One comparison's part in a likeness.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Weighed<'a> {
    /// What was compared.
    pub(crate) of: Text<'a>,
    /// How far it agrees, in words.
    pub(crate) says: Text<'a>,
    /// What that is worth, in hundredths of a bit at the finest.
    pub(crate) bits: f64,
}

/// A rule that was tried, or several in a row that passed the record over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Step<'a> {
    /// Its name, or those of the first and the last.
    pub(crate) rule: Text<'a>,
    /// Its file and line, or lines.
    pub(crate) place: Text<'a>,
    /// Whether it took the record.
    pub(crate) matched: bool,
    /// Why, or why not.
    pub(crate) because: Text<'a>,
}

/// What a person is asked to consider. Nothing of it has been applied.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Proposed<'a> {
    /// What kind of change it is; `review-…` asks a question and changes nothing.
    #[schemars(extend("enum" = ProposalKind::ALL.map(ProposalKind::word)))]
    pub(crate) kind: Text<'a>,
    /// The proposal in one sentence.
    pub(crate) words: Text<'a>,
    /// The field it would change, where it names one.
    pub(crate) field: Option<Text<'a>>,
    /// The column that the field came from.
    pub(crate) column: Option<Text<'a>>,
    /// How that field stands, as far as it is shown.
    pub(crate) before: Option<Text<'a>>,
    /// How far that is.
    #[schemars(extend("enum" = ["blank", "value", "masked", "never", "withheld", null]))]
    pub(crate) before_shown: Option<Text<'a>>,
    /// What would stand there, where the evidence says.
    pub(crate) after: Option<Text<'a>>,
    /// The same as the CRM takes it, where it is a value.
    pub(crate) value: Option<Text<'a>>,
    /// The same where it is somebody.
    pub(crate) assignee: Option<Someone<'a>>,
    /// Of a merge, the record to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Text<'a>>,
    /// Of a merge, the records to fold into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fold: Vec<Text<'a>>,
}

/// Somebody who can own records.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Someone<'a> {
    /// The id.
    pub(crate) id: Text<'a>,
    /// The name.
    pub(crate) name: Text<'a>,
}

impl<'a> Line<'a> {
    /// The line of a finding.
    pub(in crate::packet) fn of(found: &'a Found<'_>) -> Self {
        let Found { check, finding, id, standing, hold, .. } = found;
        Self {
            id: id.as_str().into(),
            rule: check.code.into(),
            name: check.name.into(),
            family: check.family.key().into(),
            severity: check.severity.word().into(),
            object: finding.record.object.key().into(),
            record: (&*finding.record.id).into(),
            related: finding.related.iter().map(Ref::of).collect(),
            groups: found
                .groups
                .into_iter()
                .flatten()
                .map(|(by, value)| (by.word().into(), value.into()))
                .collect(),
            headline: (&*finding.headline).into(),
            evidence: finding.evidence().iter().map(Fact::of).collect(),
            why_wrong: finding.doubts.iter().map(Text::from).collect(),
            sufficient: finding.is_sufficient(),
            missing: finding.missing.iter().map(Text::from).collect(),
            held: hold.word().into(),
            held_because: hold.why().map(|why| why.to_owned().into()),
            reach: finding.reach.iter().map(|reach| reach.word().into()).collect(),
            state: standing.state.word().into(),
            weeks: standing.state.weeks(),
            queue: standing.action.kind(),
            last_decision: standing.last.map(Past::of),
            counts: standing.counts.iter().map(Ref::of).collect(),
            proposal: Proposed::of(finding),
            evidence_digest: finding.evidence_digest().into(),
        }
    }
}

impl<'a> Ref<'a> {
    fn of(record: &'a RecordRef) -> Self {
        Self { object: record.object.key().into(), record: (&*record.id).into() }
    }
}

impl Ref<'_> {
    /// The record, if its table is one of ours.
    pub(crate) fn to_record(&self) -> Option<RecordRef> {
        record_of(&self.object, &self.record)
    }
}

impl<E> Line<'_, E> {
    /// The record it is about, if its table is one of ours.
    pub(crate) fn to_record(&self) -> Option<RecordRef> {
        record_of(&self.object, &self.record)
    }
}

/// The record of a table and an id, if the table is one of ours.
fn record_of(object: &str, id: &str) -> Option<RecordRef> {
    Some(RecordRef { object: Object::parse(object)?, id: id.into() })
}

impl<'a> Quote<'a> {
    fn of(cell: &'a Cell) -> Self {
        Self {
            object: cell.record().object.key().into(),
            record: (&*cell.record().id).into(),
            field: cell.field().into(),
            column: cell.column().into(),
            file: cell.file().into(),
            line: cell.line(),
            shown: exposure(cell.shown()).into(),
            value: text(cell.shown()).map(Text::from),
            called: cell.called().map(Text::from),
            modified: cell.modified().map(|day| day.to_string().into()),
        }
    }
}

impl<'a> Fact<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        match evidence {
            Evidence::Cell(cell) => Self::Cell(Quote::of(cell)),
            Evidence::Normalised { from, step, to } => Self::Normalised {
                from: Quote::of(from),
                step: (*step).into(),
                shown: exposure(to).into(),
                value: text(to).map(Text::from),
            },
            Evidence::Compared { left, right, level } => Self::Compared {
                left: Quote::of(left),
                right: Quote::of(right),
                level: level.into(),
            },
            Evidence::Changed(change) => Self::Changed(Box::new(Change {
                field: Quote::of(&change.field),
                at: Quote::of(&change.at),
                old: change.old.as_ref().map(Quote::of),
                new: change.new.as_ref().map(Quote::of),
                by: change.by.as_ref().map(Quote::of),
            })),
            Evidence::Policy { file, line, says } => {
                Self::Policy { file: file.into(), line: *line, says: says.into() }
            }
            Evidence::Figure { of, is } => Self::Figure { of: of.into(), is: is.into() },
            Evidence::Likeness(Likeness { pair, parts, score }) => Self::Likeness {
                pair: pair.each_ref().map(Ref::of),
                parts: parts
                    .iter()
                    .map(|part| Weighed {
                        of: (&*part.of).into(),
                        says: (&*part.says).into(),
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
                        rule: (&*tried.rule).into(),
                        place: (&*tried.place).into(),
                        matched: tried.matched,
                        because: (&*tried.because).into(),
                    })
                    .collect(),
            },
        }
    }
}

/// True where two texts say the same, whatever the spelling of an id.
fn is_same(one: Option<&Text<'_>>, other: Option<&Text<'_>>) -> bool {
    one.map(|it| id_key(it)) == other.map(|it| id_key(it))
}

impl<'a> Proposed<'a> {
    pub(crate) fn of(finding: &'a Finding) -> Self {
        let proposal = &finding.proposal;
        let (cell, after) = proposal.change().unzip();
        let (value, assignee) = match proposal.target() {
            Some(Target::Value(value)) => (Some(value.into()), None),
            Some(Target::Assignee(to)) => {
                (None, Some(Someone { id: (&*to.id).into(), name: (&*to.name).into() }))
            }
            None => (None, None),
        };
        // A value that may not be shown does not become one by being proposed.
        let unshown = matches!(
            proposal,
            Proposal::SetField { to: Shown::Never | Shown::Withheld | Shown::Blank, .. }
        );
        let after = after.flatten().filter(|_| !unshown);
        let (keep, fold) = if let Proposal::MergeCandidate { keep, fold, .. } = proposal {
            (Some((&*keep.id).into()), fold.iter().map(|record| (&*record.id).into()).collect())
        } else {
            (None, Vec::new())
        };
        Self {
            kind: proposal.kind().word().into(),
            words: finding.asks().into(),
            field: cell.map(|cell| cell.field().into()),
            column: cell.map(|cell| cell.column().into()),
            before: cell.and_then(|cell| text(cell.shown())).map(Text::from),
            before_shown: cell.map(|cell| exposure(cell.shown()).into()),
            after: after.map(Text::from),
            value,
            assignee,
            keep,
            fold,
        }
    }

    /// True where both would do the same, by whatever rule and in whatever words: what was decided on the
    /// one was decided on the other. What questions ask may be worded by figures that move every week.
    pub(crate) fn does_as(&self, other: &Proposed<'_>) -> bool {
        let to = |proposed: &Proposed<'_>| match &proposed.assignee {
            // People are renamed, and stay who they are.
            Some(to) => Some(id_key(&to.id).to_owned()),
            None => proposed.after.as_deref().map(|after| id_key(after).to_owned()),
        };
        self.kind == other.kind
            && is_same(self.keep.as_ref(), other.keep.as_ref())
            && to(self) == to(other)
    }

    /// True where both would set one field from one value to another, and both values are known: whatever
    /// stands beside it, it is one change. Of a value that is not shown in full nobody can tell.
    pub(crate) fn sets_as(&self, other: &Proposed<'_>) -> bool {
        let is_named = self.assignee.is_some() || self.after.is_some();
        let is_shown = matches!(self.before_shown.as_deref(), Some("blank" | "value"));
        is_named
            && is_shown
            && self.field == other.field
            && is_same(self.before.as_ref(), other.before.as_ref())
            && self.before_shown == other.before_shown
            && self.does_as(other)
    }
}
