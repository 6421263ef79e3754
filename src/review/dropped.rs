//! Fields that a check read when it found something, and that the allowlist has no more.
//!
//! That such a check is silent does not say that anybody mended anything: it knows less than it did. The
//! manifest of each run says what its checks read. Does not: ask about a field that is allowed and that changed
//! rules do not read any more; what they did is told by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::Boundary;
use crate::ledger::{self, Entry};

use super::history::Past;
use super::{manifest, paper};

/// The checks that read such a field on a day.
#[derive(Debug, Default)]
pub(super) struct Dropped(BTreeMap<NaiveDate, BTreeSet<String>>);

impl Dropped {
    /// Those of the packet before, and of the days on which something was found last that is not known to be
    /// resolved. Of a day whose manifest is not kept nothing is known.
    pub(super) fn of(runs: &Path, entries: &[Entry], boundary: &Boundary, past: &Past<'_>) -> Self {
        let found = past.open().map(|(_, _, last)| last);
        let days: BTreeSet<NaiveDate> = found.chain(past.last.map(|run| run.as_of)).collect();
        let standing = ledger::standing(entries);
        let allowed = boundary.objects().flat_map(|object| boundary.fields(object));
        let allowed: BTreeSet<String> = allowed.map(ToString::to_string).collect();
        let checks = |day: NaiveDate| {
            let home = paper::home(runs, standing.get(&day)?).ok()?;
            let checks = manifest::kept(&home)?.checks.into_iter();
            let blind = checks.filter(|it| it.reads.iter().any(|field| !allowed.contains(field)));
            Some((day, blind.map(|it| it.rule).collect()))
        };
        Self(days.into_iter().filter_map(checks).collect())
    }

    /// True where a check read such a field on a day.
    pub(super) fn blinds(&self, code: &str, day: NaiveDate) -> bool {
        self.0.get(&day).is_some_and(|checks| checks.contains(code))
    }
}
