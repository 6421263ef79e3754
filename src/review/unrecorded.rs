//! Packets below `runs` that the ledger does not know, and what they tell of it.
//!
//! A run is published and then recorded. One that was cut off between the two leaves a packet that follows on
//! a line which the ledger has. A packet that follows on a line which it never had tells that the ledger is
//! gone, was cut or is an older copy.
//! Does not: remove a packet.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::folder::{self, FolderError};
use crate::ledger::{Chain, Run};

use super::manifest::{self, Kept};
use super::{ReviewError, packets_of};

/// Every run below `runs`, by its id. What begins with a dot is no packet: it is half written or put aside.
pub(super) fn kept(runs: &Path) -> Result<BTreeMap<String, (PathBuf, Kept)>, FolderError> {
    let homes = match folder::list(runs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(folder::disk(runs))?,
    };
    let is_packet =
        |home: &PathBuf| home.file_name().is_some_and(|it| !it.to_string_lossy().starts_with('.'));
    let manifests = homes.into_iter().filter(is_packet).filter_map(|home| {
        let manifest = manifest::kept(&home)?;
        Some((manifest.run.clone(), (home, manifest)))
    });
    Ok(manifests.collect())
}

/// Those of them that the ledger does not know, by their id.
fn unrecorded(
    runs: &Path,
    ledger: &Chain,
) -> Result<BTreeMap<String, (PathBuf, Kept)>, FolderError> {
    let known: BTreeSet<&str> = ledger.runs().map(|run| run.id.as_str()).collect();
    let mut kept = kept(runs)?;
    kept.retain(|id, _| !known.contains(id.as_str()));
    Ok(kept)
}

/// A packet's folder, as people are told of it.
pub(super) fn name(home: &Path) -> String {
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    format!("runs/{name}")
}

/// Fails where a packet follows on a line that the ledger never had: what was decided would be asked again, and
/// a second chain would begin.
pub(super) fn check_ledger(runs: &Path, ledger: &Chain) -> Result<(), ReviewError> {
    let strange = |(home, kept): (PathBuf, Kept)| {
        let is_strange = !ledger.had(&kept.ledger.head);
        is_strange
            .then(|| ReviewError::LedgerLost { packet: name(&home), line: kept.ledger.length })
    };
    kept(runs)?.into_values().find_map(strange).map_or(Ok(()), Err)
}

/// True for the packet of a run that was cut off before it was recorded.
pub(super) fn was_cut_off(home: &Path, ledger: &Chain) -> bool {
    let is_unknown = |kept: &Kept| ledger.runs().all(|run| run.id != kept.run);
    manifest::kept(home).is_some_and(|kept| is_unknown(&kept) && ledger.had(&kept.ledger.head))
}

/// Puts aside the packets of a run's day that were cut off before they were recorded: it takes their place. Says
/// of each where it is now.
pub(super) fn put_aside(
    runs: &Path,
    ledger: &Chain,
    run: &Run,
) -> Result<Vec<String>, FolderError> {
    let mut notes = Vec::new();
    for (home, kept) in unrecorded(runs, ledger)?.into_values() {
        let is_its_day = kept.day() == Some(run.as_of) && kept.run != run.id;
        if is_its_day && ledger.had(&kept.ledger.head) {
            let aside = folder::put_aside(&home, "unrecorded")?;
            notes.push(format!(
                "{} was made by a run that was cut off before it was recorded; it counts for nothing and was moved to {}",
                name(&home),
                name(&aside)
            ));
        }
    }
    Ok(notes)
}

/// Why the ledger does not know a packet, and what to do.
pub(super) fn words(kept: &Kept, ledger: &Chain) -> String {
    let words = format!(
        "the ledger does not know this run, which followed its line {}",
        kept.ledger.length
    );
    if !ledger.had(&kept.ledger.head) {
        return format!(
            "{words}, and it never had that line: it was cut or is an older copy (put it back from a copy)"
        );
    }
    let later = kept.day().map(|day| ledger.later(day)).unwrap_or_default();
    let remedy = if later.is_empty() {
        "run it again".to_owned()
    } else {
        let packets = packets_of(&later);
        format!("move it out of runs/: to run it again would take back {packets}")
    };
    format!("{words}: the ledger was cut, or the run was cut off ({remedy})")
}

/// That packets below `runs` are not the ledger's, where some are.
pub(super) fn unknown(runs: &Path, ledger: &Chain) -> Option<String> {
    const NAMED: usize = 3;
    let unknown = unrecorded(runs, ledger).ok()?;
    let is_late = |kept: &Kept| kept.day().is_some_and(|day| !ledger.later(day).is_empty());
    let cut_off = if unknown.values().any(|(_, kept)| is_late(kept)) {
        "move a packet whose run was cut off out of runs/ (to run its day again takes back the packets of all \
         later days)"
    } else {
        "run a day that was cut off again"
    };
    let mut names: Vec<String> = unknown.values().map(|(home, _)| name(home)).collect();
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let (last, first) = names.split_last()?;
    let packets = match (first, more) {
        ([], 0) => last.clone(),
        (first, 0) => format!("{} and {last}", first.join(", ")),
        (_, more) => format!("{} and {more} more", names.join(", ")),
    };
    Some(format!(
        "ledger.jsonl does not know {packets}: it is gone, cut or an older copy, or a run was cut off. Put the \
         ledger back from a copy, as what was decided stands nowhere else, or {cut_off}; `crm-review verify` \
         says what holds"
    ))
}
