//! What happened to many records together, as plans, loads, imports and scripts do it: within one minute,
//! wherever the minute of the clock begins.
//!
//! Does not: say who or what did it, or whether that was meant.

use std::collections::VecDeque;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use super::history::Change;

/// So many records that change alike in one minute are changed by a plan.
const BY_A_PLAN: usize = 10;

/// In milliseconds. What happened a whole minute apart did not happen in one: many histories tell minutes alone,
/// and each of theirs stays by itself.
const MINUTE: i64 = 60_000;

/// Changes, as far as they are alike. What is alike is told by the caller, the table with it.
#[derive(Debug)]
pub(super) struct Bulk<K> {
    moments: HashMap<K, Vec<Moment>>,
}

/// When something happened to which record of its table, in milliseconds and by position.
type Moment = (i64, usize);

impl<K> Default for Bulk<K> {
    fn default() -> Self {
        Self { moments: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Bulk<K> {
    pub(super) fn add(&mut self, alike: K, change: &Change<'_>) {
        self.note(alike, (change.at.timestamp_millis(), change.record.position()));
    }

    fn note(&mut self, alike: K, moment: Moment) {
        self.moments.entry(alike).or_default().push(moment);
    }

    /// Counts them, once all are there.
    pub(super) fn counted(self) -> Counted<K> {
        let alike = self.moments.into_iter();
        Counted { crowds: alike.map(|(alike, moments)| (alike, Crowds::of(moments))).collect() }
    }
}

/// How many records changed alike.
#[derive(Debug)]
pub(super) struct Counted<K> {
    crowds: HashMap<K, Crowds>,
}

impl<K: Copy + Eq + Hash> Counted<K> {
    /// How many records changed alike in one minute around a change, where they are so many that it was by a plan.
    pub(super) fn planned(&self, alike: K, change: &Change<'_>) -> Option<usize> {
        Some(self.together(alike, change)).filter(|records| *records >= BY_A_PLAN)
    }

    /// How many records changed alike in one minute around a change, its own among them.
    pub(super) fn together(&self, alike: K, change: &Change<'_>) -> usize {
        self.crowds.get(&alike).map_or(0, |crowds| crowds.around(change.at))
    }
}

/// For each instant, in its order, the most records of one minute that it lies in.
#[derive(Debug, Default)]
pub(super) struct Crowds(Vec<(i64, usize)>);

impl Crowds {
    pub(super) fn of(mut moments: Vec<Moment>) -> Self {
        moments.sort_unstable();
        let records = together(&moments);
        let mut crowds: Vec<_> = moments.iter().map(|(at, _)| *at).zip(records).collect();
        crowds.dedup_by_key(|(at, _)| *at);
        Self(crowds)
    }

    pub(super) fn around(&self, at: DateTime<Utc>) -> usize {
        let at = at.timestamp_millis();
        let found = self.0.binary_search_by_key(&at, |(instant, _)| *instant);
        found.ok().and_then(|place| self.0.get(place)).map_or(0, |(_, records)| *records)
    }
}

/// The changes that come in bursts, each of which has at least so many records in one minute that it lies in. A
/// burst lasts as long as the next such change follows within a minute. Both in the order of time, and changes of
/// one instant in that of their records' ids.
pub(super) fn bursts(mut changes: Vec<Change<'_>>, records: usize) -> Vec<Vec<Change<'_>>> {
    let at = |change: &Change<'_>| change.at.timestamp_millis();
    changes.sort_by_key(|change| (change.at, change.record.id()));
    let moments: Vec<Moment> =
        changes.iter().map(|change| (at(change), change.record.position())).collect();
    let crowded = changes.into_iter().zip(together(&moments));
    let crowded: Vec<_> = crowded.filter(|(_, held)| *held >= records).map(|(it, _)| it).collect();
    crowded.chunk_by(|one, next| at(next) - at(one) < MINUTE).map(<[_]>::to_vec).collect()
}

/// For each of some moments in the order of time, the most records of one minute that it lies in. One record that
/// changes often counts once: some CRMs write two lines of one change.
fn together(moments: &[Moment]) -> Vec<usize> {
    // Of the minute that ends with each moment, the place of the first within it, and how many records it has.
    let mut minutes = Vec::with_capacity(moments.len());
    let mut leaving = moments.iter().enumerate().peekable();
    let mut held: HashMap<usize, usize> = HashMap::new();
    for (at, record) in moments {
        *held.entry(*record).or_default() += 1;
        while let Some((_, (_, gone))) = leaving.next_if(|(_, (left, _))| at - left >= MINUTE) {
            if let Some(times) = held.get_mut(gone) {
                *times -= 1;
                if *times == 0 {
                    held.remove(gone);
                }
            }
        }
        let first = leaving.peek().map_or(0, |(place, _)| *place);
        minutes.push((first, held.len()));
    }
    // From the last one back: those of the minutes in reach that no nearer one outdoes.
    let mut most = Vec::with_capacity(moments.len());
    let mut open: VecDeque<(usize, usize)> = VecDeque::new();
    for (place, minute) in minutes.into_iter().enumerate().rev() {
        while open.pop_back_if(|(_, records)| *records <= minute.1).is_some() {}
        open.push_back(minute);
        while open.pop_front_if(|(first, _)| *first > place).is_some() {}
        most.push(open.front().map_or(0, |(_, records)| *records));
    }
    most.reverse();
    most
}

/// The minute of a time, counted through.
pub(super) fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis().div_euclid(MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, by looking at the minute that begins with each moment.
    fn looked_through(moments: &[Moment]) -> Vec<usize> {
        let mut most = vec![0; moments.len()];
        for (from, _) in moments {
            let is_within = |at: i64| (*from..from + MINUTE).contains(&at);
            let within = moments.iter().filter(|(at, _)| is_within(*at));
            let records: std::collections::BTreeSet<_> = within.map(|(_, record)| record).collect();
            for (slot, (at, _)) in most.iter_mut().zip(moments) {
                if is_within(*at) {
                    *slot = records.len().max(*slot);
                }
            }
        }
        most
    }

    /// Numbers without an order, the same each time.
    fn dice(seed: u64) -> impl FnMut(i64) -> i64 {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(state >> 33).unwrap() % below
        }
    }

    #[test]
    fn what_came_together_is_what_looking_at_every_minute_finds() {
        for seed in 1..300 {
            let mut draw = dice(seed);
            let (many, span, records) = (draw(60), 1 + draw(6) * 40_000, 1 + draw(40));
            let mut moments: Vec<Moment> = (0..many)
                .map(|_| (draw(span) - 90_000, usize::try_from(draw(records)).unwrap()))
                .collect();
            moments.sort_unstable();
            assert_eq!(together(&moments), looked_through(&moments), "{moments:?}");
            // Wherever the clock's minute falls.
            let later: Vec<Moment> = moments.iter().map(|(at, it)| (at + 31_007, *it)).collect();
            assert_eq!(together(&later), together(&moments));
        }
    }

    #[test]
    fn a_plan_changes_many_records_and_not_one_record_often() {
        let mut bulk = Bulk::default();
        let second = 1_000;
        for n in 0..20 {
            bulk.note("often", (n * second, 0));
        }
        for n in 0..9 {
            let record = usize::try_from(n).unwrap();
            bulk.note("few", (n * second, record));
            bulk.note("many", (n * second, record));
        }
        bulk.note("few", (8 * second + MINUTE, 9));
        // In the next minute of the clock, and less than a minute after the first.
        bulk.note("many", (MINUTE - 1, 9));
        let counted = bulk.counted();
        let around = |alike, at| {
            let at = DateTime::from_timestamp_millis(at).unwrap();
            counted.crowds.get(alike).map(|crowds| crowds.around(at))
        };
        assert_eq!(around("often", 7 * second), Some(1));
        assert_eq!(around("few", 8 * second), Some(9));
        assert_eq!(around("few", 8 * second + MINUTE), Some(1));
        assert_eq!(around("many", 0), Some(10));
        assert_eq!(around("many", MINUTE - 1), Some(10));
    }
}
