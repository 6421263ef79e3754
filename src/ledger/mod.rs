//! The ledger: what was run and decided, one line each, each line bound to the one before it.
//!
//! Reading is verifying: there is no ledger whose chain does not hold, no edit and no remove.
//! What stands after the last line end was never acknowledged. Whoever only reads leaves it there; who
//! means to append moves it aside, and says so.
//! Does not: hold a value of a record, or know HTML.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::Deref;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use crate::boundary::RecordRef;
use crate::digest;
use crate::finding::{FindingId, ProposalKind};
use crate::folder::{self, FolderError};
use crate::gate::Decision;

/// Why the ledger was not opened or not appended to.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A line does not follow from the one before it.
    #[error(
        "{file}:{line}: the chain is broken: {what}; nothing was appended\n  hint: compare with the head printed in the last packet, and restore the file from a backup"
    )]
    Broken {
        /// The file.
        file: String,
        /// The first line that does not hold, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A line is of a form that this program does not know yet.
    #[error(
        "{file}:{line}: it was written by a newer version of this program; nothing was appended\n  hint: use the newer version: the ledger is whole as far as this one can read it"
    )]
    Newer {
        /// The file.
        file: String,
        /// The first such line, from 1.
        line: usize,
    },
    /// The folder said no.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The disk said no.
    #[error("{file}: {what}; nothing was recorded{}", folder::shortage(what).map_or_else(String::new, |remedy| format!("\n  hint: {remedy}")))]
    Disk {
        /// The file.
        file: String,
        /// What the system said.
        what: io::Error,
    },
}

/// The head of an empty chain.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One recorded fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A packet was made.
    Run(Run),
    /// A decisions file was recorded, whole.
    Decisions(Decisions),
}

/// A run that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name: the day and the first digits of its inputs' digest.
    pub id: String,
    /// The day it judges.
    pub as_of: NaiveDate,
    /// The event that it answers, in words; none for the weekly run.
    pub event: Option<String>,
    /// The digest of everything that went in: data, rules, config and program.
    pub inputs: String,
    /// The digest of the rules and the batch definition: when it changes, trends break.
    pub definition: String,
    /// The digest of packet.html.
    pub packet: String,
    /// The digest of findings.jsonl: what decisions are made on, and what the packet prints.
    pub proposals: String,
    /// The digest of the page of each part that can be decided on by itself, by that of its proposals.
    pub parts: BTreeMap<String, String>,
    /// The digest of history.jsonl: what the run and those before it saw.
    pub history: String,
    /// The digest of every file that it wrote, by its name; runs of old named none.
    pub files: BTreeMap<String, String>,
    /// Records under review, with those that were corrected by an earlier packet of the day.
    pub reviewed: u64,
    /// Findings.
    pub findings: u64,
    /// Distinct records with a finding.
    pub flagged: u64,
    /// Whether everything could be read.
    pub complete: bool,
    /// What of its proposals is decided as it begins.
    pub tally: Tally,
}

impl Run {
    /// True where this is an earlier run, made again. One of old does not say what its other files were.
    pub fn is_again(&self, earlier: &Self) -> bool {
        let without_files = || Self { files: BTreeMap::new(), ..self.clone() };
        self == earlier || (earlier.files.is_empty() && without_files() == *earlier)
    }
}

/// What of a packet's proposals is decided, in numbers: what the metric is made of. What was decided on an
/// earlier packet of its day, and is not proposed any more, counts with them.
///
/// Only corrections of routing, owner, lifecycle, duplicates and required fields are counted, but for
/// `outside`; and none that was decided in an earlier week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Distinct records under review that a proposal would correct.
    pub flagged: u64,
    /// Proposals approved.
    pub approved: u64,
    /// Proposals rejected.
    pub rejected: u64,
    /// Of those, the ones that somebody looked into and closed: nothing was wrong with them.
    pub looked_into: u64,
    /// Of the rejected, the ones that somebody had mended in the CRM: they were right.
    pub already_fixed: u64,
    /// Proposals escalated and not answered.
    pub escalated: u64,
    /// Proposals without a decision.
    pub undecided: u64,
    /// Distinct records of which a correction is approved.
    pub corrected: u64,
    /// Distinct other records of which a correction is undecided or escalated.
    pub open: u64,
    /// Approved corrections of other kinds.
    pub outside: u64,
}

impl Tally {
    /// How many proposals there are.
    pub fn proposals(&self) -> u64 {
        self.approved + self.rejected + self.escalated + self.undecided
    }
}

/// A decisions file that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// The run whose packet was decided on.
    pub run: String,
    /// The digest of the file.
    pub file: String,
    /// When it was recorded. The decisions' own times are claims of the file.
    pub at: DateTime<Utc>,
    /// The digest of rules/approvals.toml, which let it pass: it says who might decide what. Lines of old name
    /// none.
    pub approvals: Option<String>,
    /// The public keys of those who signed it.
    pub signed: Vec<String>,
    /// What it decides that was not recorded before.
    pub decided: Vec<Decided>,
    /// What of the packet's proposals is decided after it.
    pub tally: Tally,
}

/// A decision on a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The finding.
    pub finding: FindingId,
    /// The digest of the facts that were decided on.
    pub facts: String,
    /// The code of its check.
    pub rule: String,
    /// The proposal's kind.
    pub kind: ProposalKind,
    /// The record it is about.
    pub record: RecordRef,
    /// The decision.
    pub decision: Decision,
    /// It took the place of one that was made on an earlier packet and still stood.
    pub overrules: bool,
}

/// What the ledger says, verified. It belongs to whoever reads it: nothing on the disk is touched.
#[derive(Debug)]
pub struct Chain {
    entries: Vec<Entry>,
    heads: Vec<String>,
    torn: usize,
}

/// The ledger, to append to: one process at a time.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    name: String,
    chain: Chain,
}

/// The runs among some entries, oldest first.
pub fn runs(entries: &[Entry]) -> impl Iterator<Item = &Run> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Run(run) => Some(run),
        Entry::Decisions(_) => None,
    })
}

/// The runs that stand, by their day. Of a day the one that was recorded last does; one that was followed by a
/// run of an earlier day was made for a wrong day.
pub fn standing(entries: &[Entry]) -> BTreeMap<NaiveDate, &Run> {
    let mut standing = BTreeMap::new();
    for run in runs(entries) {
        drop(standing.split_off(&run.as_of));
        standing.insert(run.as_of, run);
    }
    standing
}

/// The ids of the runs that a run of an earlier day took back: what was decided on their packets counts for
/// nothing, unless they are recorded again. One that another of its day followed is not taken back.
pub fn taken_back(entries: &[Entry]) -> BTreeSet<&str> {
    let mut days: BTreeMap<NaiveDate, BTreeSet<&str>> = BTreeMap::new();
    let mut taken_back = BTreeSet::new();
    for run in runs(entries) {
        let mut later = days.split_off(&run.as_of);
        let mut same_day = later.remove(&run.as_of).unwrap_or_default();
        taken_back.extend(later.into_values().flatten());
        taken_back.remove(run.id.as_str());
        same_day.insert(&run.id);
        days.insert(run.as_of, same_day);
    }
    taken_back
}

impl Ledger {
    /// Opens and verifies the ledger, making an empty one if there is none.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let name = path.display().to_string();
        let disk = |what| LedgerError::Disk { file: name.clone(), what };
        let mut file = folder::open_append(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(disk)?;
        let (chain, tail) = Chain::parse(&text, &name)?;
        if !tail.is_empty() {
            let whole = text.len() - tail.len();
            keep_aside(path, chain.heads.len(), tail)?;
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(disk)?;
        }
        Ok(Self { file, name, chain })
    }

    /// Appends an entry; when this returns, it is on the disk, and where it fails nothing of it is there.
    pub fn append(&mut self, entry: Entry) -> Result<(), LedgerError> {
        let disk = |what| LedgerError::Disk { file: self.name.clone(), what };
        let line = wire::line(self.heads.len(), self.head(), &entry);
        let line = line.map_err(|error| disk(error.into()))?;
        let head = digest::sha256(line.as_bytes());
        let mut bytes = line.into_bytes();
        bytes.push(b'\n');
        let before = self.file.metadata().map_err(disk)?.len();
        if let Err(what) = self.file.write_all(&bytes).and_then(|()| self.file.sync_all()) {
            // Where not even this can be done, the next run finds a torn line and moves it aside.
            let _ = self.file.set_len(before).and_then(|()| self.file.sync_all());
            return Err(disk(what));
        }
        self.chain.heads.push(head);
        self.chain.entries.push(entry);
        Ok(())
    }
}

impl Deref for Ledger {
    type Target = Chain;
    fn deref(&self) -> &Chain {
        &self.chain
    }
}

impl Chain {
    /// Reads and verifies the ledger; an empty one if there is none.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let name = path.display().to_string();
        folder::check_regular(path).map_err(folder::disk(path))?;
        let text = match std::fs::read(path) {
            Err(missing) if missing.kind() == ErrorKind::NotFound => Vec::new(),
            text => text.map_err(folder::disk(path))?,
        };
        Ok(Self::parse(&text, &name)?.0)
    }

    /// The lines that are whole, and what stands after them.
    fn parse<'t>(text: &'t [u8], name: &str) -> Result<(Self, &'t [u8]), LedgerError> {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (lines, tail) = text.split_at(whole);
        let (entries, heads) = verify(lines, name)?;
        Ok((Self { entries, heads, torn: tail.len() }, tail))
    }

    /// The digest of the last line: whoever holds it can tell whether the ledger was cut or rewritten.
    pub fn head(&self) -> &str {
        self.heads.last().map_or(GENESIS, String::as_str)
    }

    /// True where the chain has that head, or had it when it was shorter.
    pub fn had(&self, head: &str) -> bool {
        head == GENESIS || self.heads.iter().any(|known| known == head)
    }

    /// The length and head of the chain before the run of that id was recorded, or as it stands.
    pub fn before(&self, run: &str) -> (usize, &str) {
        let is_it = |entry: &Entry| matches!(entry, Entry::Run(recorded) if recorded.id == run);
        let at = self.entries.iter().position(is_it).unwrap_or(self.entries.len());
        let head = at.checked_sub(1).and_then(|last| self.heads.get(last));
        (at, head.map_or(GENESIS, String::as_str))
    }

    /// The recorded facts, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The runs, oldest first.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        runs(&self.entries)
    }

    /// The run that was recorded last, whatever its day: a run for a wrong day is mended by another run.
    pub fn latest(&self) -> Option<&Run> {
        self.runs().last()
    }

    /// The days after one that have a packet that stands: a run of that day takes them back.
    pub fn later(&self, day: NaiveDate) -> Vec<NaiveDate> {
        standing(&self.entries).into_keys().filter(|other| *other > day).collect()
    }

    /// The run that took the place of another: of those of its day or a later one that were recorded after
    /// it, the last. A run of an earlier day takes no place.
    pub fn follower(&self, run: &Run) -> Option<&Run> {
        self.runs().fold(None, |follower, other| {
            if other.id == run.id {
                None
            } else if other.as_of >= run.as_of {
                Some(other)
            } else {
                follower
            }
        })
    }

    /// The decisions files on packets that no run of an earlier day took back, oldest first.
    pub fn counted(&self) -> impl Iterator<Item = &Decisions> {
        let taken_back = taken_back(&self.entries);
        self.decisions().filter(move |it| !taken_back.contains(it.run.as_str()))
    }

    /// The decisions files, oldest first.
    pub fn decisions(&self) -> impl Iterator<Item = &Decisions> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Run(_) => None,
            Entry::Decisions(decisions) => Some(decisions),
        })
    }

    /// Bytes of a torn last line. A [`Ledger`] has moved them aside.
    pub fn torn(&self) -> usize {
        self.torn
    }
}

/// Writes a torn tail beside the ledger, under a name of its own unless it was kept there before.
fn keep_aside(path: &Path, lines: usize, tail: &[u8]) -> Result<(), FolderError> {
    let mut mark = format!("recovered-{lines}");
    for again in 2.. {
        let aside = path.with_extension(&mark);
        match std::fs::read(&aside) {
            Ok(kept) if kept == tail => break,
            Ok(_) => mark = format!("recovered-{lines}-{again}"),
            Err(_) => return folder::write_new(&aside, tail),
        }
    }
    Ok(())
}

fn verify(lines: &[u8], file: &str) -> Result<(Vec<Entry>, Vec<String>), LedgerError> {
    let mut entries = Vec::new();
    let mut heads: Vec<String> = Vec::new();
    let Some(body) = lines.strip_suffix(b"\n") else { return Ok((entries, heads)) };
    for (seq, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let broken = |what| LedgerError::Broken { file: file.to_owned(), line: seq + 1, what };
        let (number, prev, entry) = wire::parse(line).map_err(|fault| match fault {
            wire::Fault::Newer => LedgerError::Newer { file: file.to_owned(), line: seq + 1 },
            wire::Fault::Broken(what) => broken(what),
        })?;
        if number != seq {
            return Err(broken("its number does not follow"));
        }
        if prev != heads.last().map_or(GENESIS, String::as_str) {
            return Err(broken(
                "it does not name the line before it, which was changed, or lines between them were taken out or put in",
            ));
        }
        if !wire::line(seq, &prev, &entry).is_ok_and(|again| again.as_bytes() == line) {
            return Err(broken("it is not written as this program writes it"));
        }
        heads.push(digest::sha256(line));
        entries.push(entry);
    }
    Ok((entries, heads))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n: u64) -> Entry {
        Entry::Run(Run {
            id: format!("2026-11-{n:02}-abcd"),
            as_of: NaiveDate::from_ymd_opt(2026, 11, u32::try_from(n).unwrap()).unwrap(),
            event: (n == 2).then(|| "New territories".to_owned()),
            inputs: "a".repeat(64),
            definition: "b".repeat(64),
            packet: "c".repeat(64),
            proposals: "d".repeat(64),
            parts: BTreeMap::from([("f".repeat(64), n.to_string().repeat(64))]),
            history: "e".repeat(64),
            files: BTreeMap::from([("packet.html".to_owned(), "c".repeat(64))]),
            reviewed: 100 + n,
            findings: n,
            flagged: n,
            complete: true,
            tally: Tally { flagged: n, undecided: n, open: n, ..Tally::default() },
        })
    }

    fn written(folder: &Path) -> Vec<u8> {
        let mut ledger = Ledger::open(&folder.join("ledger.jsonl")).unwrap();
        for n in 1..=4 {
            ledger.append(run(n)).unwrap();
        }
        std::fs::read(folder.join("ledger.jsonl")).unwrap()
    }

    #[track_caller]
    fn check_broken(bytes: &[u8], expected_line: usize) {
        match verify(bytes, "ledger.jsonl") {
            Err(LedgerError::Broken { line, .. }) => assert_eq!(line, expected_line),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_edited_dropped_swapped_or_inserted_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = String::from_utf8(written(folder.path())).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let joined = |lines: &[&str]| format!("{}\n", lines.join("\n")).into_bytes();
        let edited = lines[1].replace("\"reviewed\":102", "\"reviewed\":103");
        check_broken(&joined(&[lines[0], &edited, lines[2], lines[3]]), 3);
        check_broken(&joined(&[lines[0], lines[2], lines[3]]), 2);
        check_broken(&joined(&[lines[0], lines[2], lines[1], lines[3]]), 2);
        check_broken(&joined(&[lines[0], lines[1], lines[1], lines[2], lines[3]]), 3);
        check_broken(&joined(&[lines[0], "", lines[1]]), 2);
        check_broken(&joined(&[lines[0], &lines[1].replace(':', ": ")]), 2);
        assert_eq!(verify(text.as_bytes(), "ledger.jsonl").unwrap().0.len(), 4);
    }

    #[test]
    fn a_line_of_a_newer_version_is_told_from_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = String::from_utf8(written(folder.path())).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let as_of = |v: &str| format!("{}\n{}\n", lines[0], lines[1].replace("\"v\":1", v));
        for later in ["\"v\":2", "\"v\":300,\"mark\":\"x\""] {
            match verify(as_of(later).as_bytes(), "ledger.jsonl") {
                Err(error @ LedgerError::Newer { line: 2, .. }) => {
                    assert!(!error.to_string().contains("backup"), "{error}");
                }
                other => panic!("{later}: {other:?}"),
            }
        }
        check_broken(as_of("\"v\":0").as_bytes(), 2);
    }

    #[test]
    fn every_torn_line_is_kept_even_when_appending_tears_twice_at_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        written(folder.path());
        for tail in ["{\"v\"", "{\"v\":1", "{\"v\""] {
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(tail.as_bytes()).unwrap();
            assert_eq!(Ledger::open(&path).unwrap().torn(), tail.len());
        }
        let kept = ["recovered-4", "recovered-4-2"]
            .map(|mark| std::fs::read_to_string(path.with_extension(mark)).unwrap());
        assert_eq!(kept, ["{\"v\"", "{\"v\":1"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_torn_last_line_is_moved_aside_and_the_rest_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let bytes = written(folder.path());
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"v\":1,\"seq\":4,\"pr")
            .unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!((ledger.entries().len(), ledger.torn()), (4, 18));
        ledger.append(run(5)).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(&bytes));
        assert_eq!(Ledger::open(&path).unwrap().entries().len(), 5);
        assert_eq!(
            std::fs::read(path.with_extension("recovered-4")).unwrap(),
            b"{\"v\":1,\"seq\":4,\"pr"
        );
    }
}
