//! The ledger's lines as they are written.
//!
//! Does not: quote a line that cannot be read; it may hold a person's note.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{Decided, Decisions, Entry, Run, Tally};
use crate::boundary::{Object, RecordRef};
use crate::finding::{FindingId, ProposalKind};
use crate::gate::{Attention, Decision, Reason, Verdict, Via};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u8,
    seq: usize,
    prev: String,
    entry: Wire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wire {
    Run(RunLine),
    Decisions(DecisionsLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLine {
    id: String,
    as_of: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    inputs: String,
    definition: String,
    packet: String,
    proposals: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<String, String>,
    history: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
    reviewed: u64,
    findings: u64,
    flagged: u64,
    complete: bool,
    tally: TallyLine,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TallyLine {
    flagged: u64,
    approved: u64,
    rejected: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    looked_into: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    already_fixed: u64,
    escalated: u64,
    undecided: u64,
    corrected: u64,
    open: u64,
    outside: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionsLine {
    run: String,
    file: String,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approvals: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signed: Vec<String>,
    decided: Vec<DecidedLine>,
    tally: TallyLine,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecidedLine {
    finding: String,
    facts: String,
    rule: String,
    kind: String,
    object: String,
    record: String,
    says: Says,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention: Option<AttentionLine>,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overrules: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttentionLine {
    via: String,
    confirmed: bool,
}

impl AttentionLine {
    fn of(attention: Attention) -> Self {
        Self { via: attention.via.word().to_owned(), confirmed: attention.confirmed }
    }

    fn read(self) -> Result<Attention, &'static str> {
        let via = Via::parse(&self.via).ok_or("its `via` is not on the list")?;
        Ok(Attention { via, confirmed: self.confirmed })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Says {
    Approve {
        #[serde(skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    Reject {
        reason: String,
    },
    Escalate {
        to: String,
        until: String,
    },
}

/// The line of an entry, without its end.
pub(super) fn line(seq: usize, prev: &str, entry: &Entry) -> serde_json::Result<String> {
    let entry = match entry {
        Entry::Run(run) => Wire::Run(RunLine {
            id: run.id.clone(),
            as_of: run.as_of.to_string(),
            event: run.event.clone(),
            inputs: run.inputs.clone(),
            definition: run.definition.clone(),
            packet: run.packet.clone(),
            proposals: run.proposals.clone(),
            parts: run.parts.clone(),
            history: run.history.clone(),
            files: run.files.clone(),
            reviewed: run.reviewed,
            findings: run.findings,
            flagged: run.flagged,
            complete: run.complete,
            tally: TallyLine::of(run.tally),
        }),
        Entry::Decisions(decisions) => Wire::Decisions(DecisionsLine {
            run: decisions.run.clone(),
            file: decisions.file.clone(),
            at: instant(decisions.at),
            approvals: decisions.approvals.clone(),
            signed: decisions.signed.clone(),
            decided: decisions.decided.iter().map(DecidedLine::of).collect(),
            tally: TallyLine::of(decisions.tally),
        }),
    };
    let line = Line { v: FORM, seq, prev: prev.to_owned(), entry };
    serde_json::to_string(&line)
}

/// Why a line cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is of a later form.
    Newer,
    /// It is of no form.
    Broken(&'static str),
}

impl From<&'static str> for Fault {
    fn from(what: &'static str) -> Self {
        Self::Broken(what)
    }
}

/// What every form of a line says.
#[derive(Deserialize)]
struct Form {
    v: u64,
}

/// The form of the lines that this program writes.
const FORM: u8 = 1;

/// The number of a line, the digest of the one before it, and what it records.
pub(super) fn parse(line: &[u8]) -> Result<(usize, String, Entry), Fault> {
    // A later form may hold what this one does not know.
    if serde_json::from_slice(line).is_ok_and(|form: Form| form.v > FORM.into()) {
        return Err(Fault::Newer);
    }
    // What the parser says could quote the line: only that it failed is passed on.
    let line: Line = serde_json::from_slice(line).map_err(|_| "it is not a ledger line")?;
    if line.v != FORM {
        return Err("it is not a ledger line".into());
    }
    let entry = match line.entry {
        Wire::Run(run) => Entry::Run(Run {
            id: run.id,
            as_of: day(&run.as_of)?,
            event: run.event,
            inputs: run.inputs,
            definition: run.definition,
            packet: run.packet,
            proposals: run.proposals,
            parts: run.parts,
            history: run.history,
            files: run.files,
            reviewed: run.reviewed,
            findings: run.findings,
            flagged: run.flagged,
            complete: run.complete,
            tally: run.tally.into(),
        }),
        Wire::Decisions(decisions) => Entry::Decisions(Decisions {
            run: decisions.run,
            file: decisions.file,
            at: time(&decisions.at)?,
            approvals: decisions.approvals,
            signed: decisions.signed,
            decided: decisions
                .decided
                .into_iter()
                .map(Decided::try_from)
                .collect::<Result<_, _>>()?,
            tally: decisions.tally.into(),
        }),
    };
    Ok((line.seq, line.prev, entry))
}

/// To the second: what a person's clock can claim.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn day(text: &str) -> Result<NaiveDate, &'static str> {
    text.parse().map_err(|_| "its day is not a day")
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    text.parse().map_err(|_| "its time is not a time")
}

impl TallyLine {
    fn of(tally: Tally) -> Self {
        let Tally {
            flagged,
            approved,
            rejected,
            looked_into,
            already_fixed,
            escalated,
            undecided,
            corrected,
            open,
            outside,
        } = tally;
        Self {
            flagged,
            approved,
            rejected,
            looked_into,
            already_fixed,
            escalated,
            undecided,
            corrected,
            open,
            outside,
        }
    }
}

impl From<TallyLine> for Tally {
    fn from(line: TallyLine) -> Self {
        let TallyLine {
            flagged,
            approved,
            rejected,
            looked_into,
            already_fixed,
            escalated,
            undecided,
            corrected,
            open,
            outside,
        } = line;
        Self {
            flagged,
            approved,
            rejected,
            looked_into,
            already_fixed,
            escalated,
            undecided,
            corrected,
            open,
            outside,
        }
    }
}

impl DecidedLine {
    fn of(decided: &Decided) -> Self {
        let decision = &decided.decision;
        Self {
            finding: decided.finding.to_string(),
            facts: decided.facts.clone(),
            rule: decided.rule.clone(),
            kind: decided.kind.word().to_owned(),
            object: decided.record.object.key().to_owned(),
            record: decided.record.id.to_string(),
            says: match decision.verdict() {
                Verdict::Approve { ticket } => Says::Approve { ticket: ticket.clone() },
                Verdict::Reject(reason) => Says::Reject { reason: reason.word().to_owned() },
                Verdict::Escalate { to, until } => {
                    Says::Escalate { to: to.clone(), until: until.to_string() }
                }
            },
            note: decision.note().map(str::to_owned),
            by: decision.by().name().to_owned(),
            second: decision.second().map(|second| second.name().to_owned()),
            attention: decision.attention().map(AttentionLine::of),
            at: instant(decision.at()),
            overrules: decided.overrules.then_some(true),
        }
    }
}

impl TryFrom<DecidedLine> for Decided {
    type Error = &'static str;

    fn try_from(line: DecidedLine) -> Result<Self, Self::Error> {
        let verdict = match line.says {
            Says::Approve { ticket } => Verdict::Approve { ticket },
            Says::Reject { reason } => {
                Verdict::Reject(Reason::parse(&reason).ok_or("its reason is not on the list")?)
            }
            Says::Escalate { to, until } => Verdict::Escalate { to, until: day(&until)? },
        };
        let (attention, at) =
            (line.attention.map(AttentionLine::read).transpose()?, time(&line.at)?);
        Ok(Self {
            finding: FindingId::parse(&line.finding).ok_or("its finding has no id")?,
            facts: line.facts,
            rule: line.rule,
            kind: ProposalKind::parse(&line.kind).ok_or("its kind is not on the list")?,
            record: RecordRef {
                object: Object::parse(&line.object).ok_or("its table is not one")?,
                id: line.record.into(),
            },
            decision: Decision::recorded(verdict, line.by, line.second, attention, line.note, at),
            overrules: line.overrules.unwrap_or_default(),
        })
    }
}
