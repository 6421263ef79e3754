//! What was decided on the packets before one of its day and is not proposed in it any more, because it was
//! applied since.
//!
//! Of a day the last packet stands, and what was really decided that day counts in it.
//! Does not: look at another day.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::RecordRef;
use crate::finding::FindingId;
use crate::ledger::Entry;

use super::history;
use super::paper::{Paper, PaperError};
use super::tally::{Scope, Stand};

/// Proposals of the packets before one of its day, as they were decided there.
#[derive(Debug, Default)]
pub(super) struct Settled {
    proposals: BTreeMap<FindingId, (Stand, Scope, Vec<RecordRef>)>,
    /// The most records that one of those packets reviewed.
    pub(super) reviewed: u64,
}

impl Settled {
    /// What the entries `before` a run of a day say was decided on that day, but for what its own packet
    /// proposes.
    ///
    /// # Errors
    /// Says which of those packets cannot be read.
    pub(super) fn of(
        runs: &Path,
        before: &[Entry],
        day: NaiveDate,
        is_proposed: impl Fn(&FindingId) -> bool,
    ) -> Result<Self, PaperError> {
        let decided = history::decisions(before, day);
        let mut settled = Self::default();
        for (run, mut decided) in history::decided_on(&decided, day) {
            decided.retain(|id, _| !is_proposed(id));
            if decided.is_empty() {
                continue;
            }
            settled.reviewed = settled.reviewed.max(run.reviewed);
            for (id, told) in Paper::of(runs, run)?.iter() {
                if let Some(decided) = decided.get(id) {
                    let stand = Stand::after(decided.decision.verdict());
                    settled.proposals.insert(id.clone(), (stand, told.scope, told.counts.clone()));
                }
            }
        }
        Ok(settled)
    }

    /// Each with how it stands, whether it is one of the metric's kinds, and the records that it would correct.
    pub(super) fn proposals(
        &self,
    ) -> impl Iterator<Item = (&FindingId, (Stand, Scope, &[RecordRef]))> {
        let each = self.proposals.iter();
        each.map(|(id, (stand, scope, records))| (id, (*stand, *scope, records.as_slice())))
    }

    /// The records that the metric counts of them.
    pub(super) fn records(&self) -> BTreeSet<&RecordRef> {
        let counted = self.proposals.values().filter(|(_, scope, _)| *scope == Scope::Routing);
        counted.flat_map(|(.., records)| records).collect()
    }
}
