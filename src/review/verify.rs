//! Whether a review folder still is what its ledger says.
//!
//! The chain is verified by opening the ledger. Beyond it: each file of a run kept below runs/ is the one the
//! ledger names, each run names the head the chain had then (so that a cut or rewritten ledger shows), and
//! a run whose inputs and rules are still in place gives the same bytes again.
//! Does not: mend anything.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::check::AsOf;
use crate::digest;
use crate::folder::{self, Held};
use crate::ledger::{Chain, Entry, Run};
use crate::packet::Slice;

use super::changes;
use super::judged::judge;
use super::manifest::{self, Digests, Kept};
use super::paper::{self, PaperError};
use super::unrecorded::{self, name};
use super::write_up::{Started, write_up};
use super::{APPROVALS, Folder, ReviewError, counted, rule_change};

/// What was verified.
#[derive(Debug)]
pub struct Verified {
    /// What holds and what does not, a line each.
    pub words: String,
    /// How many things do not hold.
    pub faults: usize,
}

/// Verifies a review folder: the chain, the packets, and that runs can be repeated.
pub fn verify(
    path: &Path,
    now: DateTime<Utc>,
    threads: NonZeroUsize,
) -> Result<Verified, ReviewError> {
    let folder = Folder::read(path)?;
    let held: Held = folder::hold(&folder.path, &super::holder(now))?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let mut verified = Verified { words: String::new(), faults: 0 };
    let torn = match ledger.torn() {
        0 => String::new(),
        torn => format!(
            "; the {torn} bytes behind were never completed, and the next run moves them aside"
        ),
    };
    verified.holds(&format!(
        "ledger.jsonl: {}, the chain holds, head {}{torn}",
        counted(ledger.entries().len(), "line"),
        ledger.head()
    ));
    let mut kept = unrecorded::kept(&folder.path.join("runs"))?;
    // Of a run that was recorded anew, the last record is about the folder that is there.
    let runs: Vec<&Run> = ledger.runs().collect();
    let is_last =
        |(at, run): &(usize, &&Run)| runs.iter().skip(at + 1).all(|later| later.id != run.id);
    let approvals = approvals(&folder, &kept, &ledger);
    let mut known = Digests::default();
    for (_, run) in runs.iter().enumerate().filter(is_last) {
        match kept.remove(&run.id) {
            None => match paper::home(&folder.path.join("runs"), run) {
                Err(PaperError::Gone { .. }) => {
                    verified.holds(&format!("{}: its folder is not kept", run.id));
                }
                Err(why) => verified.fault(&format!("{}: {}", run.id, why.in_a_sentence())),
                Ok(_) => {}
            },
            Some((home, manifest)) => {
                let faults = faults(&home, &manifest, run, &ledger);
                for fault in &faults {
                    verified.fault(fault);
                }
                if faults.is_empty() {
                    let again =
                        again(&folder, &home, &manifest, run, &ledger, &mut known, threads)?;
                    verified.say(again, &home, run);
                }
            }
        }
    }
    for (home, manifest) in kept.values() {
        verified.fault(&format!("{}: {}", name(home), unrecorded::words(manifest, &ledger)));
    }
    for (sheets, head) in changes::heads(&folder.path.join("changes")) {
        if !ledger.had(&head) {
            verified.fault(&format!(
                "{}: it was written when the ledger's head was {head}, and the chain never had it",
                sheets.display()
            ));
        }
    }
    for words in approvals {
        verified.holds(&words);
    }
    drop(held);
    Ok(verified)
}

impl Verified {
    fn holds(&mut self, words: &str) {
        self.words += &format!("{words}\n");
    }

    fn fault(&mut self, words: &str) {
        self.faults += 1;
        self.words += &format!("FAULT {words}\n");
    }

    fn say(&mut self, again: Again, home: &Path, run: &Run) {
        let home = name(home);
        // What comes out the same was held against every file.
        let hold = if run.files.is_empty() && !matches!(again, Again::Same) {
            "packet.html, findings.jsonl, history.jsonl and the pages of parts hold; of its other files the \
             ledger names none, as the run is of an older program, so whether they were changed cannot be told"
        } else {
            "its files hold"
        };
        match again {
            Again::Same => self.holds(&format!("{home}: {hold}; run again, the same bytes")),
            Again::Cannot(why) => self.holds(&format!("{home}: {hold}; not run again: {why}")),
            Again::Different(file) => self.fault(&format!(
                "{home}: {hold}, but run again on the same inputs, {file} comes out differently"
            )),
        }
    }
}

/// By which text of rules/approvals.toml decisions were let pass, a line for each: whoever changes it changes
/// who might have decided.
fn approvals(
    folder: &Folder,
    kept: &BTreeMap<String, (PathBuf, Kept)>,
    ledger: &Chain,
) -> Vec<String> {
    let file = format!("rules/{APPROVALS}");
    let mut lines: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (at, entry) in ledger.entries().iter().enumerate() {
        if let Entry::Decisions(it) = entry
            && !it.decided.is_empty()
        {
            lines.entry(it.approvals.as_deref()).or_default().push(at + 1);
        }
    }
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by(|one, other| one.1.cmp(&other.1));
    let present = folder.approvals();
    let keeps = |text: &str| {
        let keeps = |it: &&(PathBuf, Kept)| {
            it.1.rules.iter().any(|rules| rules.file == file && rules.sha256 == text)
        };
        kept.values().find(keeps).map(|(home, _)| format!("{}/{}", name(home), rule_change::KEPT))
    };
    let words = lines.into_iter().map(|(text, lines)| {
        let lines = named_lines(&lines);
        match text {
            None => format!(
                "{file}: by which text of it the decisions of {lines} were let pass is not known, as they \
                 are of an older program"
            ),
            Some(text) if present.as_deref() == Some(text) => {
                format!("{file}: the decisions of {lines} were let pass by it as it stands")
            }
            Some(text) => {
                let keeps = keeps(text).unwrap_or_else(|| "no run".to_owned());
                format!(
                    "{file}: it has changed since the decisions of {lines}, which were let pass by the text \
                     with the digest {text}; {keeps} keeps it"
                )
            }
        }
    });
    words.collect()
}

/// `line 2 of the ledger`, `lines 2 and 4`, or the first and the last of more.
fn named_lines(lines: &[usize]) -> String {
    match lines {
        [one] => format!("line {one} of the ledger"),
        [one, other] => format!("lines {one} and {other} of the ledger"),
        [first, .., last] => format!("{} lines of the ledger, {first} to {last},", lines.len()),
        [] => String::new(),
    }
}

/// What of a kept run is not as the ledger says.
fn faults(home: &Path, manifest: &Kept, run: &Run, ledger: &Chain) -> Vec<String> {
    let mut faults = Vec::new();
    let named = [
        ("packet.html", &run.packet),
        ("findings.jsonl", &run.proposals),
        ("history.jsonl", &run.history),
    ];
    let others = run.files.iter().map(|(file, digest)| (file.as_str(), digest));
    for (file, expect) in named.into_iter().chain(others).collect::<BTreeMap<_, _>>() {
        let name = format!("{}/{file}", name(home));
        match fs::read(home.join(file)) {
            Ok(bytes) if digest::sha256(&bytes) == *expect => {}
            Ok(_) => faults.push(format!("{name}: it is not the file that the ledger names")),
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    faults.extend(
        strange_pages(home, run)
            .map(|page| format!("{}/{page}: it is no page that the ledger names", name(home))),
    );
    let (length, head) = ledger.before(&run.id);
    if manifest.ledger.head != head || manifest.ledger.length != length as u64 {
        faults.push(format!(
            "{}/manifest.json: it names {} as the ledger's line {}, and that line is another",
            name(home),
            manifest.ledger.head,
            manifest.ledger.length,
        ));
    }
    faults
}

/// The pages that stand among those of a run and that the ledger does not name: whoever opens one takes it for a
/// part of the packet. Runs of old named the pages of parts alone, or none.
fn strange_pages(home: &Path, run: &Run) -> impl Iterator<Item = String> {
    let is_strange = |page: &Path, name: &str| {
        if !run.files.is_empty() {
            return !run.files.contains_key(name);
        }
        let is_part = Slice::BY.iter().any(|by| name.starts_with(&format!("{}-", by.word())));
        let is_known =
            |bytes: Vec<u8>| run.parts.values().any(|known| *known == digest::sha256(&bytes));
        is_part && !run.parts.is_empty() && !fs::read(page).is_ok_and(is_known)
    };
    folder::list(home).unwrap_or_default().into_iter().filter_map(move |page| {
        let name = page.file_name()?.to_str()?.to_owned();
        let is_page = page.extension().is_some_and(|ending| ending == "html");
        (is_page && is_strange(&page, &name)).then_some(name)
    })
}

/// How a run comes out when it is made again.
enum Again {
    Same,
    Different(String),
    Cannot(String),
}

fn again(
    folder: &Folder,
    home: &Path,
    manifest: &Kept,
    run: &Run,
    ledger: &Chain,
    known: &mut Digests,
    threads: NonZeroUsize,
) -> Result<Again, ReviewError> {
    if manifest.program != super::PROGRAM {
        return Ok(Again::Cannot(format!("it was made by {}", manifest.program)));
    }
    let rules = folder.digests();
    if manifest.rules != rules || run.definition != manifest::definition_digest(&rules) {
        return Ok(Again::Cannot("the rules have changed since".to_owned()));
    }
    let (mut config, link) = folder.config()?;
    config.files = manifest.files(&config.files);
    let exports = match manifest.exports(&folder.path.join(&config.exports), known) {
        Ok(exports) => exports,
        Err(changed) => return Ok(Again::Cannot(changed)),
    };
    let judged = judge(&config, &exports, None, AsOf::new(run.as_of, config.zone), threads)?;
    let started = Started { event: run.event.as_deref(), ledger };
    let made = write_up(folder, &config, link, &judged, started, threads)?;
    let files = made.files();
    let is_other =
        |(file, bytes): &&(&str, &[u8])| !fs::read(home.join(file)).is_ok_and(|old| old == *bytes);
    let different = files.iter().find(is_other);
    Ok(match different {
        None => Again::Same,
        Some(_) if !made.gaps.is_empty() => {
            Again::Cannot("a packet that it looked back at is not kept".to_owned())
        }
        Some((file, _)) => Again::Different((*file).to_owned()),
    })
}
