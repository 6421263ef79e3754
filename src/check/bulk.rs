//! Records that changed alike in one minute, as plans, loads and scripts change them.
//!
//! Does not: say who or what changed them, or whether that was meant.

use std::hash::Hash;

use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};

use super::history::Change;

/// So many records that change alike in one minute are changed by a plan.
const BY_A_PLAN: usize = 10;

/// How many records changed alike, minute by minute. What is alike is told by the caller, the table with it.
///
/// Records count, not changes: some CRMs write two lines of one change, and one record may change often.
#[derive(Debug)]
pub(super) struct Bulk<K> {
    seen: HashSet<(K, i64, usize)>,
    records: HashMap<(K, i64), usize>,
}

impl<K> Default for Bulk<K> {
    fn default() -> Self {
        Self { seen: HashSet::new(), records: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Bulk<K> {
    pub(super) fn add(&mut self, alike: K, change: &Change<'_>) {
        self.count(alike, minute(change.at), change.record.position());
    }

    fn count(&mut self, alike: K, minute: i64, record: usize) {
        if self.seen.insert((alike, minute, record)) {
            *self.records.entry((alike, minute)).or_default() += 1;
        }
    }

    /// How many records changed alike in the minute of a change, where they are so many that it was by a plan.
    pub(super) fn planned(&self, alike: K, change: &Change<'_>) -> Option<usize> {
        self.by_a_plan(alike, minute(change.at))
    }

    fn by_a_plan(&self, alike: K, minute: i64) -> Option<usize> {
        self.records.get(&(alike, minute)).copied().filter(|records| *records >= BY_A_PLAN)
    }
}

/// The minute of a time, counted through.
pub(super) fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_changes_many_records_and_not_one_record_often() {
        let mut bulk = Bulk::default();
        for _ in 0..20 {
            bulk.count("often", 7, 0);
        }
        for record in 0..9 {
            bulk.count("few", 7, record);
            bulk.count("many", 7, record);
        }
        bulk.count("few", 8, 9);
        bulk.count("many", 7, 9);
        assert_eq!(bulk.by_a_plan("often", 7), None);
        assert_eq!(bulk.by_a_plan("few", 7), None);
        assert_eq!(bulk.by_a_plan("many", 7), Some(10));
    }
}
