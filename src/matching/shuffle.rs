//! The records in an order that looks random and that only what they hold decides.
//!
//! What is drawn from a shuffle is drawn at random, and is the same whatever the order of the table: records
//! of which every value is the same stand in for each other. Does not: look into a value.

use super::blocking::mix;
use super::{Plan, Records};
use crate::threads;

/// A number that stands for what a record holds, value by value.
pub fn mark<'v>(values: impl Iterator<Item = &'v str>) -> u64 {
    const NOTHING: u64 = 0x9E37_79B9_7F4A_7C15;
    values.fold(NOTHING, |mark, value| {
        let words = value
            .as_bytes()
            .chunks(8)
            .map(|bytes| bytes.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)));
        mix(words.fold(mark, mix), value.len() as u64)
    })
}

/// Which of all that could be drawn is drawn. Another would do as well; what small tables come out as moves with it.
pub(super) const SEED: u64 = 42;

/// The order, and where each record stands in it.
#[derive(Debug)]
pub(super) struct Shuffle {
    records: Vec<u32>,
    places: Vec<u32>,
}

impl Shuffle {
    /// Shuffles records by the values of their columns.
    pub(super) fn of(records: &dyn Records, plan: Plan<'_>) -> Self {
        let len = records.len();
        let mut marked = vec![(0_u64, 0_u32); len as usize];
        threads::fill(plan.threads, &mut marked, |at| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let columns = 0..plan.columns.len();
            let values = columns.map(|column| records.value(at, column).unwrap_or_default());
            // Of two that hold the same, neither may be linked where the other may not.
            let role = u64::from(records.source(at)) << 1 | u64::from(records.is_left_out(at));
            (mix(mark(values), SEED << 8 | role), at)
        });
        marked.sort_unstable();
        let mut places = vec![0; len as usize];
        for (place, (_, record)) in (0..).zip(&marked) {
            if let Some(slot) = places.get_mut(*record as usize) {
                *slot = place;
            }
        }
        Self { records: marked.into_iter().map(|(_, record)| record).collect(), places }
    }

    /// The records in their order.
    pub(super) fn records(&self) -> impl Iterator<Item = u32> {
        self.records.iter().copied()
    }

    /// The record at a place.
    pub(super) fn record(&self, place: u32) -> u32 {
        self.records.get(place as usize).copied().unwrap_or_default()
    }

    /// Where a record stands.
    pub(super) fn place(&self, record: u32) -> u32 {
        self.places.get(record as usize).copied().unwrap_or_default()
    }
}
