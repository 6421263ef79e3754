//! Exports that look cut: tables that lost most of their records since the packet before, or all of them,
//! and columns that checks read and that are not there any more.
//!
//! A file that ends early, but at the end of a row, looks whole, and so does one whose column was renamed;
//! only an earlier run shows it. The manifest goes on naming the last run that had the table or the column,
//! so that no cut export is measured by another. Does not: count what is under review, for a batch may
//! shrink as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::{Admission, Field, Object};
use crate::check::InputRules;
use crate::ledger::{self, Entry, Run};
use crate::source::{Input, Origin};

use super::judged::Judged;
use super::manifest::{self, Kept, KeptInput};
use super::paper;

/// What the input had in the packet before and has no more.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// The tables that look cut.
    pub(super) tables: Vec<Cut>,
    /// The columns that are gone.
    pub(super) columns: Vec<Lost>,
}

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

/// A column that some check reads and that an input has no more: it was renamed, or left out.
#[derive(Debug)]
pub(super) struct Lost {
    /// The input.
    pub(super) file: String,
    /// What the column held.
    pub(super) field: Field,
    /// What it was called.
    pub(super) column: String,
    /// The day of the last run that had it.
    pub(super) had_on: NaiveDate,
}

impl Loss {
    /// What was lost on a day since the last run before it whose manifest is kept.
    pub(super) fn of(runs: &Path, entries: &[Entry], judged: &Judged, rules: &InputRules) -> Self {
        let Some((last, kept)) = before(runs, entries, judged.as_of.day) else {
            return Self::default();
        };
        let columns = judged.admissions.iter().flat_map(|it| lost(last, &kept, it));
        Self { tables: cut(last, &kept, judged, rules), columns: columns.collect() }
    }

    /// Which tables look cut.
    pub(super) fn objects(&self) -> BTreeSet<Object> {
        self.tables.iter().map(|cut| cut.object).collect()
    }

    /// The fields whose column is gone.
    pub(super) fn fields(&self) -> BTreeSet<Field> {
        self.columns.iter().map(|lost| lost.field.clone()).collect()
    }

    /// What is missing for it, and how to say that it is right, each a sentence without a full stop.
    pub(super) fn words(&self, judged: &Judged) -> Vec<String> {
        let mut by_file: BTreeMap<(&str, NaiveDate), Vec<&Lost>> = BTreeMap::new();
        for lost in &self.columns {
            by_file.entry((&lost.file, lost.had_on)).or_default().push(lost);
        }
        let columns = by_file.iter().map(|((file, had_on), columns)| {
            let input = judged.inputs.iter().find(|input| input.file == *file);
            let remedy = match input.map(|input| &input.origin) {
                Some(Origin::Crm(_)) => {
                    "give the login the right to see it, or take the field out of rules/boundary.toml"
                }
                Some(Origin::Export { .. }) | None => {
                    "renamed: add the new name to `from` in rules/boundary.toml; gone for good: take the field out there"
                }
            };
            let columns: Vec<_> =
                columns.iter().map(|it| format!("`{}` (`{}`)", it.column, it.field)).collect();
            let (its, are, them) = match columns.len() {
                1 => ("column", "is", "it"),
                _ => ("columns", "are", "them"),
            };
            format!(
                "{file}: its {its} {} {are} gone, which the packet of {} had, and nothing that is judged by {them} counts as resolved ({remedy})",
                columns.join(" and "),
                had_on.format("%-d %B %Y"),
            )
        });
        let tables = self.tables.iter().map(|cut| cut.words(&judged.inputs, judged.as_of.day));
        tables.chain(columns).collect()
    }
}

/// The tables that look cut, held against the last run.
fn cut(last: &Run, kept: &Kept, judged: &Judged, rules: &InputRules) -> Vec<Cut> {
    let since = rules.accept_smaller.unwrap_or(NaiveDate::MIN);
    if last.as_of < since {
        return Vec::new();
    }
    let counts = judged.counts.iter();
    let cut = counts.filter_map(|count| {
        let had = kept.records.get(count.object.key())?;
        let whole = had.whole.as_ref().and_then(|it| Some((it.as_of.parse().ok()?, it.admitted)));
        let (whole_on, whole) =
            whole.filter(|(on, _)| *on >= since).unwrap_or((last.as_of, had.admitted));
        let cut = Cut { object: count.object, left: count.admitted, whole_on, whole };
        // What is left out since then came all the same.
        let admissions = judged.admissions.iter().filter(|it| it.object == count.object);
        let came = count.admitted + admissions.map(Admission::left_out).sum::<usize>();
        rules.looks_cut(whole, came as u64).then_some(cut)
    });
    cut.collect()
}

/// The columns that an input has no more: the input of its name had them, or where there was none, every
/// input of its table.
fn lost(last: &Run, kept: &Kept, admission: &Admission) -> Vec<Lost> {
    let of_table = || kept.inputs.iter().filter(|it| it.object == admission.object.key());
    let same: Vec<&KeptInput> = of_table().filter(|it| it.file == admission.file).collect();
    let earlier = if same.is_empty() { of_table().collect() } else { same };
    let gone = admission.absent.iter().filter_map(|field| {
        let had = earlier.iter().map(|input| input.had(field.name(), last.as_of));
        let (had_on, column) = had.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let (file, column) = (admission.file.clone(), column.to_owned());
        Some(Lost { file, field: field.clone(), column, had_on })
    });
    gone.collect()
}

/// The last run before a day whose manifest is kept.
fn before<'l>(runs: &Path, entries: &'l [Entry], day: NaiveDate) -> Option<(&'l Run, Kept)> {
    let standing = ledger::standing(entries);
    standing.range(..day).rev().find_map(|(_, &run)| {
        let home = paper::home(runs, run).ok()?;
        Some((run, manifest::kept(&home)?))
    })
}
