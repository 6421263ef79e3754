//! A run's proposals, read back from its findings.jsonl.
//!
//! The ledger names the digest of every run's findings; what is read back is what was written then.
//! Does not: read a packet, or trust a file that the ledger does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Deserialize;

use crate::boundary::{Object, RecordRef};
use crate::check::ALL;
use crate::finding::{FindingId, Hold, Proposal};
use crate::gate::Case;
use crate::ledger::{Run, digest};
use crate::packet::Slice;

use super::manifest;
use super::tally::{Scope, Stand};

/// Why a run's proposals could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The folder of the run is gone.
    #[error(
        "the packet of {day} is not below runs/\n  hint: put runs/{run} back: what was decided on it can only be read there"
    )]
    Gone {
        /// The day of the run.
        day: NaiveDate,
        /// Its id.
        run: String,
    },
    /// A file of the run is not the one the ledger names.
    #[error(
        "{path} is not the file that the ledger names: it was changed after its run\n  hint: put the file back from a copy of the packet; `crm-review verify` says which files hold"
    )]
    Altered {
        /// The file.
        path: String,
    },
    /// The disk said no.
    #[error("{path}: {what}")]
    Disk {
        /// The file.
        path: String,
        /// What the system said.
        what: io::Error,
    },
}

/// The proposals of one run.
#[derive(Debug)]
pub(super) struct Paper {
    /// The digest of its lines.
    digest: String,
    told: BTreeMap<FindingId, Vec<Told>>,
    /// The proposals of each of its slices, by the digest of their lines.
    slices: BTreeMap<String, BTreeSet<FindingId>>,
}

/// A part of a packet that can be decided on by itself.
#[derive(Debug)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// A slice, which proposes no more than this.
    Slice(BTreeSet<FindingId>),
}

impl Part {
    /// True where it proposes that.
    pub(super) fn holds(&self, id: &FindingId) -> bool {
        match self {
            Self::Whole => true,
            Self::Slice(ids) => ids.contains(id),
        }
    }
}

/// A proposal as its run wrote it down.
#[derive(Debug)]
pub(super) struct Told {
    /// The code of its check.
    pub(super) rule: String,
    /// The record it is about.
    pub(super) record: RecordRef,
    /// The digest of its facts.
    pub(super) facts: String,
    /// As far as the gate has to know it.
    pub(super) case: Case,
    /// How it stood when its run began.
    pub(super) stand: Stand,
    /// Whether the metric counts corrections of its kind.
    pub(super) scope: Scope,
    /// The records under review that it would correct.
    pub(super) counts: Vec<RecordRef>,
    /// The proposal in one sentence.
    pub(super) words: String,
    /// What would be changed.
    pub(super) change: Change,
}

/// What a proposal would change, as far as it can be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// One field of the record.
    Field(FieldChange),
    /// Records folded into one.
    Merge { keep: String, fold: Vec<String> },
    /// Something that a person does by hand: why no sheet can.
    ByHand(&'static str),
}

/// A field with what stands there and what would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldChange {
    /// The field.
    pub(super) field: String,
    /// The column of the export.
    pub(super) column: String,
    /// What stands there; empty where nothing does.
    pub(super) before: String,
    /// What would stand there.
    pub(super) after: After,
}

/// What would stand in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    Value(String),
    Assignee { id: String, name: String },
}

/// The keys of a line of findings.jsonl that are read back.
#[derive(Deserialize)]
struct Line {
    id: String,
    rule: String,
    object: String,
    record: String,
    /// What the record has in common with others.
    #[serde(default)]
    groups: BTreeMap<String, String>,
    missing: Vec<String>,
    held: String,
    held_because: Option<String>,
    proposal: ProposalLine,
    evidence_digest: String,
    queue: String,
    last_decision: Option<LastLine>,
    counts: Vec<Record>,
}

#[derive(Deserialize)]
struct LastLine {
    packet_of: String,
}

#[derive(Deserialize)]
struct Record {
    object: String,
    record: String,
}

#[derive(Deserialize)]
struct ProposalLine {
    kind: String,
    words: String,
    field: Option<String>,
    column: Option<String>,
    before: Option<String>,
    before_shown: Option<String>,
    value: Option<String>,
    assignee: Option<Someone>,
    keep: Option<String>,
    #[serde(default)]
    fold: Vec<String>,
}

#[derive(Deserialize)]
struct Someone {
    id: String,
    name: String,
}

impl ProposalLine {
    fn change(self) -> Change {
        if let Some(keep) = self.keep {
            return Change::Merge { keep, fold: self.fold };
        }
        let (Some(field), Some(column)) = (self.field, self.column) else {
            return Change::ByHand("it is done in the CRM, not by an import");
        };
        if column.is_empty() {
            return Change::ByHand("the export has no column for the field");
        }
        let after = match (self.value, self.assignee) {
            (Some(value), _) => After::Value(value),
            (None, Some(Someone { id, name })) => After::Assignee { id, name },
            (None, None) => return Change::ByHand("somebody has to find out the value"),
        };
        match (self.before_shown.as_deref(), self.before) {
            (Some("blank"), _) => {
                Change::Field(FieldChange { field, column, before: String::new(), after })
            }
            (Some("value"), Some(before)) => {
                Change::Field(FieldChange { field, column, before, after })
            }
            (_, _) => Change::ByHand("the value that stands there may not be shown"),
        }
    }
}

impl Paper {
    /// The proposals of a run, whose folder is below `runs`.
    pub(super) fn of(runs: &Path, run: &Run) -> Result<Self, PaperError> {
        let (path, bytes) = findings(runs, run)?;
        let altered = || PaperError::Altered { path: path.display().to_string() };
        let mut told: BTreeMap<FindingId, Vec<Told>> = BTreeMap::new();
        let mut slices: BTreeMap<Slice, (Vec<u8>, BTreeSet<FindingId>)> = BTreeMap::new();
        for text in bytes.split_inclusive(|byte| *byte == b'\n').filter(|text| **text != *b"\n") {
            let mut line: Line = serde_json::from_slice(text).map_err(|_| altered())?;
            let groups = mem::take(&mut line.groups);
            let (id, one) = line.told(run.as_of).ok_or_else(altered)?;
            for by in Slice::BY {
                let slice = Slice { by, name: groups.get(by.word()).cloned() };
                let (lines, ids) = slices.entry(slice).or_default();
                lines.extend_from_slice(text);
                ids.insert(id.clone());
            }
            told.entry(id).or_default().push(one);
        }
        let slices = slices.into_values().map(|(lines, ids)| (digest(&lines), ids)).collect();
        Ok(Self { digest: run.proposals.clone(), told, slices })
    }

    /// The part that a packet with this digest shows: the whole, or a slice by owner or team.
    pub(super) fn part(&self, digest: &str) -> Option<Part> {
        if digest == self.digest {
            return Some(Part::Whole);
        }
        self.slices.get(digest).cloned().map(Part::Slice)
    }

    /// The proposals of that id: one, unless a check says two things of the same records and field.
    pub(super) fn find(&self, id: &FindingId) -> &[Told] {
        self.told.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every proposal with its id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&FindingId, &Told)> {
        self.told.iter().filter_map(|(id, told)| Some((id, told.first()?)))
    }
}

const FINDINGS: &str = "findings.jsonl";

/// A run's findings as the ledger names them: the file and its text.
pub(super) fn findings(runs: &Path, run: &Run) -> Result<(PathBuf, Vec<u8>), PaperError> {
    let path = home(runs, run)?.join(FINDINGS);
    let name = || path.display().to_string();
    let bytes = fs::read(&path).map_err(|what| PaperError::Disk { path: name(), what })?;
    if digest(&bytes) == run.proposals {
        Ok((path, bytes))
    } else {
        Err(PaperError::Altered { path: name() })
    }
}

/// Where the folder of a run can be: under its day, or under its id where another run has the day.
pub(super) fn homes(runs: &Path, run: &Run) -> [PathBuf; 2] {
    [run.as_of.to_string(), run.id.clone()].map(|name| runs.join(name))
}

/// The folder of a run: its day, or its id where another run has the day.
pub(super) fn home(runs: &Path, run: &Run) -> Result<PathBuf, PaperError> {
    homes(runs, run)
        .into_iter()
        .find(|home| manifest::run_of(home).is_some_and(|id| id == run.id))
        .ok_or_else(|| PaperError::Gone { day: run.as_of, run: run.id.clone() })
}

impl Line {
    fn told(self, day: NaiveDate) -> Option<(FindingId, Told)> {
        let kind = Proposal::KINDS.into_iter().find(|kind| *kind == self.proposal.kind)?;
        let check = ALL.iter().find(|check| check.code == self.rule);
        let today = self.last_decision.is_some_and(|last| last.packet_of == day.to_string());
        let record = |one: Record| {
            Some(RecordRef { object: Object::parse(&one.object)?, id: one.record.into() })
        };
        let told = Told {
            rule: self.rule,
            record: RecordRef { object: Object::parse(&self.object)?, id: self.record.into() },
            facts: self.evidence_digest,
            case: Case {
                kind,
                question: Proposal::is_question_kind(kind),
                hold: Hold::parse(&self.held, self.held_because)?,
                missing: self.missing,
                day,
            },
            stand: Stand::of(&self.queue, today)?,
            scope: check.map_or(Scope::Outside, |check| Scope::of(check.family)),
            counts: self.counts.into_iter().map(record).collect::<Option<_>>()?,
            words: self.proposal.words.clone(),
            change: self.proposal.change(),
        };
        Some((FindingId::parse(&self.id)?, told))
    }
}
