//! Exports that look cut: tables that lost most of their records since the packet before, or all of them.
//!
//! A file that ends early, but at the end of a row, looks whole; only an earlier run shows it. Where a
//! table looks cut, its manifest goes on naming the last run that had it whole, so that no cut export
//! is measured by another. Does not: count what is under review, for a batch may shrink as it likes.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::Object;
use crate::check::InputRules;
use crate::ledger::{self, Entry, Run};
use crate::packet::Count;
use crate::source::Input;

use super::manifest::{self, Kept};
use super::paper;

/// A table that looks cut.
#[derive(Debug)]
pub(super) struct Cut {
    /// The table.
    pub(super) object: Object,
    /// How many records it has now.
    left: usize,
    /// The day of the last run that had it whole.
    pub(super) whole_on: NaiveDate,
    /// How many records it had then.
    pub(super) whole: u64,
}

impl Cut {
    /// That it looks cut, and how to say that it is right, in a sentence without a full stop.
    pub(super) fn words(&self, inputs: &[Input], day: NaiveDate) -> String {
        let files = inputs.iter().filter(|input| input.object == self.object);
        let files: Vec<_> = files.map(|input| input.file.as_str()).collect();
        let left = match self.left {
            0 => format!("no {}", self.object.plural()),
            some => self.object.counted(some),
        };
        format!(
            "{}: {left}, and the packet of {} had {}: the export looks cut, and nothing that is judged by it counts as resolved (if it is right, write `accept_smaller = {day}` under [input] in rules/batch.toml)",
            files.join(", "),
            self.whole_on.format("%-d %B %Y"),
            self.whole,
        )
    }
}

/// The tables that look cut on a day, by the last run before it whose manifest is kept.
pub(super) fn of(
    runs: &Path,
    entries: &[Entry],
    day: NaiveDate,
    counts: &[Count],
    rules: &InputRules,
) -> Vec<Cut> {
    let since = rules.accept_smaller.unwrap_or(NaiveDate::MIN);
    let Some((last, kept)) = before(runs, entries, day).filter(|(last, _)| last.as_of >= since)
    else {
        return Vec::new();
    };
    let cut = |count: &Count| {
        let had = kept.records.get(count.object.key())?;
        let whole = had.whole.as_ref().and_then(|it| Some((it.as_of.parse().ok()?, it.admitted)));
        let (whole_on, whole) =
            whole.filter(|(on, _)| *on >= since).unwrap_or((last.as_of, had.admitted));
        let cut = Cut { object: count.object, left: count.admitted, whole_on, whole };
        rules.looks_cut(whole, count.admitted as u64).then_some(cut)
    };
    counts.iter().filter_map(cut).collect()
}

/// Which tables they are.
pub(super) fn tables(cut: &[Cut]) -> BTreeSet<Object> {
    cut.iter().map(|cut| cut.object).collect()
}

/// The last run before a day whose manifest is kept.
fn before<'l>(runs: &Path, entries: &'l [Entry], day: NaiveDate) -> Option<(&'l Run, Kept)> {
    let mut earlier: Vec<&Run> = ledger::runs(entries).filter(|run| run.as_of < day).collect();
    earlier.sort_by_key(|run| run.as_of);
    earlier.into_iter().rev().find_map(|run| {
        let home = paper::home(runs, run).ok()?;
        Some((run, manifest::kept(&home)?))
    })
}
