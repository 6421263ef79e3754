//! Values that the rules take for one, whatever their case and the spaces around them.
//!
//! Does not: take two words for one that differ in a letter; such a slip is for the checks to tell.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::boundary::{Batch, Field};
use crate::check::fold;

/// How many records hold each spelling of each value.
#[derive(Debug, Default)]
pub(super) struct Spellings(BTreeMap<String, BTreeMap<String, usize>>);

impl Spellings {
    pub(super) fn of(batch: &Batch, field: &Field) -> Self {
        let mut spellings = Self::default();
        for (value, n) in batch.count_by(field) {
            spellings.add(value, n);
        }
        spellings
    }

    pub(super) fn add(&mut self, value: &str, n: usize) {
        let spellings = self.0.entry(fold(value)).or_default();
        *spellings.entry(value.trim().to_owned()).or_default() += n;
    }

    /// A value as most records have it.
    pub(super) fn usual<'s>(&'s self, value: &'s str) -> &'s str {
        self.0.get(&fold(value)).and_then(most).unwrap_or(value.trim())
    }

    /// Each value as most records have it, with how many hold it in any spelling; most frequent first.
    pub(super) fn values(&self) -> Vec<(String, usize)> {
        let all = self.0.values();
        let mut values: Vec<_> = all
            .filter_map(|spellings| {
                Some((most(spellings)?.to_owned(), spellings.values().sum::<usize>()))
            })
            .collect();
        values.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
        values
    }
}

/// The spelling that most records have; of several the first.
fn most(spellings: &BTreeMap<String, usize>) -> Option<&str> {
    let most = spellings.iter().max_by_key(|(spelling, n)| (**n, Reverse(*spelling)));
    most.map(|(spelling, _)| spelling.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_most_records_have_it() {
        let mut spellings = Spellings::default();
        for (value, n) in [("open", 4), ("Open ", 3), ("Open", 2), ("WON", 1), ("won", 1)] {
            spellings.add(value, n);
        }
        assert_eq!(spellings.values(), [("Open".to_owned(), 9), ("WON".to_owned(), 2)]);
        assert_eq!(spellings.usual(" oPEN"), "Open");
        assert_eq!(spellings.usual(" lost "), "lost");
    }
}
