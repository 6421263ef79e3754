//! A run's proposals, read back from its findings.jsonl.
//!
//! The ledger names the digest of every run's findings; what is read back is what was written then.
//! Does not: read a packet, or trust a file that the ledger does not name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::mem;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::boundary::RecordRef;
use crate::check::ALL;
use crate::digest;
use crate::finding::{FindingId, Hold, ProposalKind};
use crate::folder;
use crate::gate::{Case, Reason};
use crate::ledger::Run;
use crate::packet::{ActionKind, Line, Proposed, Ref, Slice};

use super::tally::{Scope, Stand};
use super::{in_a_sentence, manifest};

/// Why a run's proposals could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The folder of the run is gone.
    #[error(
        "the packet of {day} is not below runs/\n  hint: put runs/{folder} back: what was decided on it can only be read there"
    )]
    Gone {
        /// The day of the run.
        day: NaiveDate,
        /// The name under which its folder is found.
        folder: String,
    },
    /// A file of the run is not the one the ledger names.
    #[error(
        "{path} is not the file that the ledger names: it was changed after its run\n  hint: put the file back from a copy, or run that day again on the same exports and rules (on others the run takes back the packets of all later days); `crm-review verify` says which files hold"
    )]
    Altered {
        /// The file.
        path: String,
    },
    /// The disk said no.
    #[error(
        "{path}: {what}\n  hint: {}", folder::shortage(what).unwrap_or("the packets of earlier runs have to be there, and readable for whoever runs the review")
    )]
    Disk {
        /// The file.
        path: String,
        /// What the system said.
        what: io::Error,
    },
}

impl PaperError {
    /// What is wrong and its remedy, as the end of a sentence.
    pub(super) fn in_a_sentence(&self) -> String {
        in_a_sentence(self)
    }
}

/// The proposals of one run.
#[derive(Debug)]
pub(super) struct Paper {
    /// The digest of its lines.
    digest: String,
    told: BTreeMap<FindingId, Vec<Told>>,
    /// Its slices, by the digest of their lines.
    slices: BTreeMap<String, Sliced>,
}

/// The slices that hold the same proposals: a team may be one owner's.
#[derive(Debug, Default)]
struct Sliced {
    of: Vec<Slice>,
    ids: BTreeSet<FindingId>,
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
    /// What its packet asks.
    pub(super) asks: ActionKind,
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

impl Told {
    /// As the metric counts it: how it stands, whether it is of its kinds, and the records.
    pub(super) fn counted(&self) -> (Stand, Scope, &[RecordRef]) {
        (self.stand, self.scope, &self.counts)
    }
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

/// A line of which the evidence is not read.
pub(super) type Bare = Line<'static, IgnoredAny>;

impl Change {
    fn of(proposed: Proposed<'_>) -> Self {
        if let Some(keep) = proposed.keep {
            let fold = proposed.fold.into_iter().map(Cow::into_owned).collect();
            return Self::Merge { keep: keep.into_owned(), fold };
        }
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let (Some(field), Some(column)) = (owned(proposed.field), owned(proposed.column)) else {
            return Self::ByHand("it is done in the CRM, not by an import");
        };
        if column.is_empty() {
            return Self::ByHand("the export has no column for the field");
        }
        let after = match (proposed.value, proposed.assignee) {
            (Some(value), _) => After::Value(value.into_owned()),
            (None, Some(to)) => {
                After::Assignee { id: to.id.into_owned(), name: to.name.into_owned() }
            }
            (None, None) => return Self::ByHand("somebody has to find out the value"),
        };
        match (proposed.before_shown.as_deref(), owned(proposed.before)) {
            (Some("blank"), _) => {
                Self::Field(FieldChange { field, column, before: String::new(), after })
            }
            (Some("value"), Some(before)) => {
                Self::Field(FieldChange { field, column, before, after })
            }
            (_, _) => Self::ByHand("the value that stands there may not be shown"),
        }
    }
}

impl Paper {
    /// The proposals of a run, whose folder is below `runs`.
    pub(super) fn of(runs: &Path, run: &Run) -> Result<Self, PaperError> {
        let findings = Findings::of(runs, run)?;
        let mut all: BTreeMap<FindingId, Vec<Told>> = BTreeMap::new();
        let mut slices: BTreeMap<Slice, (Vec<u8>, BTreeSet<FindingId>)> = BTreeMap::new();
        for line in findings.texts() {
            let (text, mut line) = line?;
            let groups = mem::take(&mut line.groups);
            let (id, one) = told(line, run.as_of).ok_or_else(|| findings.altered())?;
            for by in Slice::BY {
                let name = groups.get(by.word()).map(|name| name.clone().into_owned());
                let slice = Slice { by, name };
                let (lines, ids) = slices.entry(slice).or_default();
                lines.extend_from_slice(text);
                ids.insert(id.clone());
            }
            all.entry(id).or_default().push(one);
        }
        let mut by_digest: BTreeMap<String, Sliced> = BTreeMap::new();
        for (slice, (lines, ids)) in slices {
            let same = by_digest.entry(digest::sha256(&lines)).or_default();
            same.of.push(slice);
            same.ids = ids;
        }
        Ok(Self { digest: run.proposals.clone(), told: all, slices: by_digest })
    }

    /// The part that a packet with this digest shows: the whole, or a slice by owner or team.
    pub(super) fn part(&self, digest: &str) -> Option<Part> {
        if digest == self.digest {
            return Some(Part::Whole);
        }
        self.slices.get(digest).map(|sliced| Part::Slice(sliced.ids.clone()))
    }

    /// Fails where the page of the part with this digest is not the one that its run wrote, as with the
    /// packet's own page. Runs of old named no pages of parts.
    pub(super) fn check_part_read(
        &self,
        runs: &Path,
        run: &Run,
        digest: &str,
    ) -> Result<(), PaperError> {
        let (Some(sliced), Some(page)) = (self.slices.get(digest), run.parts.get(digest)) else {
            return Ok(());
        };
        let home = home(runs, run)?;
        let disk = |what| PaperError::Disk { path: home.display().to_string(), what };
        let mut altered = None;
        for path in folder::list(&home).map_err(disk)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !sliced.of.iter().any(|slice| slice.is_page(&name)) {
                continue;
            }
            if digest::sha256(&fs::read(&path).map_err(disk)?) == *page {
                return Ok(());
            }
            altered = Some(path.display().to_string());
        }
        altered.map_or(Ok(()), |path| Err(PaperError::Altered { path }))
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

/// A run's findings as the ledger names them.
pub(super) struct Findings {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Findings {
    pub(super) fn of(runs: &Path, run: &Run) -> Result<Self, PaperError> {
        let path = home(runs, run)?.join(FINDINGS);
        let name = || path.display().to_string();
        let bytes = fs::read(&path).map_err(|what| PaperError::Disk { path: name(), what })?;
        if digest::sha256(&bytes) == run.proposals {
            Ok(Self { path, bytes })
        } else {
            Err(PaperError::Altered { path: name() })
        }
    }

    /// Fails where a run's findings cannot be read, without reading more of them than their beginning.
    pub(super) fn check_may_be_read(runs: &Path, run: &Run) -> Result<(), PaperError> {
        let path = home(runs, run)?.join(FINDINGS);
        let read = File::open(&path).and_then(|mut file| file.read(&mut [0]));
        match read {
            Ok(_) => Ok(()),
            Err(what) => Err(PaperError::Disk { path: path.display().to_string(), what }),
        }
    }

    /// Each line with its text and end.
    fn texts(&self) -> impl Iterator<Item = Result<(&[u8], Bare), PaperError>> {
        let texts = self.bytes.split_inclusive(|byte| *byte == b'\n');
        texts.filter(|text| **text != *b"\n").map(|text| Ok((text, self.line(text)?)))
    }

    fn line<L: DeserializeOwned>(&self, text: &[u8]) -> Result<L, PaperError> {
        serde_json::from_slice(text).map_err(|_| self.altered())
    }

    fn altered(&self) -> PaperError {
        PaperError::Altered { path: self.path.display().to_string() }
    }

    /// Every line, without its evidence.
    pub(super) fn bare(&self) -> Result<Vec<Bare>, PaperError> {
        self.texts().map(|line| Ok(line?.1)).collect()
    }

    /// The lines of a finding: one, unless a check says two things of the same records and field.
    pub(super) fn finding(&self, id: &FindingId) -> Result<Vec<Line<'static>>, PaperError> {
        let is_of = |line: &Result<(&[u8], Bare), PaperError>| {
            line.as_ref().map_or(true, |(_, line)| line.id == id.as_str())
        };
        self.texts().filter(is_of).map(|line| self.line(line?.0)).collect()
    }
}

/// The folder of a run: its day, or its id where another run has the day.
pub(super) fn home(runs: &Path, run: &Run) -> Result<PathBuf, PaperError> {
    let mut unread = None;
    for home in [run.as_of.to_string(), run.id.clone()].map(|name| runs.join(name)) {
        match manifest::read(&home) {
            Ok(Some(kept)) if kept.run == run.id => return Ok(home),
            // Without its manifest nobody can tell whose packet it is: it is not gone.
            Ok(None) if home.is_dir() => {
                let path = home.join(manifest::NAME).display().to_string();
                unread = Some(PaperError::Disk { path, what: io::ErrorKind::NotFound.into() });
            }
            Ok(_) => {}
            Err(error) => unread = Some(error),
        }
    }
    Err(unread.unwrap_or_else(|| {
        let day = run.as_of.to_string();
        let is_free = fs::symlink_metadata(runs.join(&day)).is_err();
        PaperError::Gone { day: run.as_of, folder: if is_free { day } else { run.id.clone() } }
    }))
}

/// Fails where the page that a person read is not the one that its run wrote: what it said of a proposal may
/// be something else. One that was taken away says nothing.
pub(super) fn check_read(runs: &Path, run: &Run) -> Result<(), PaperError> {
    let path = home(runs, run)?.join("packet.html");
    let name = || path.display().to_string();
    match fs::read(&path) {
        Ok(bytes) if digest::sha256(&bytes) == run.packet => Ok(()),
        Ok(_) => Err(PaperError::Altered { path: name() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(what) => Err(PaperError::Disk { path: name(), what }),
    }
}

/// What a line tells of a proposal, if it is one of ours.
fn told(line: Bare, day: NaiveDate) -> Option<(FindingId, Told)> {
    let kind = ProposalKind::parse(&line.proposal.kind)?;
    let check = ALL.iter().find(|check| check.code == line.rule);
    let decided = match &line.last_decision {
        None => None,
        Some(last) => {
            let reason = last.reason_code.as_deref().and_then(Reason::parse);
            Some((last.packet_of.parse().ok()?, reason))
        }
    };
    let told = Told {
        record: line.to_record()?,
        rule: line.rule.into_owned(),
        facts: line.evidence_digest.into_owned(),
        case: Case {
            kind,
            hold: Hold::parse(&line.held, line.held_because.map(Cow::into_owned))?,
            missing: line.missing.into_iter().map(Cow::into_owned).collect(),
            day,
        },
        asks: line.queue,
        stand: Stand::of(line.queue, decided, day),
        scope: check.map_or(Scope::Outside, |check| Scope::of(check.family)),
        counts: line.counts.iter().map(Ref::to_record).collect::<Option<_>>()?,
        words: line.proposal.words.clone().into_owned(),
        change: Change::of(line.proposal),
    };
    Some((FindingId::parse(&line.id)?, told))
}
