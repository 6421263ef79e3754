//! Finds the lines of a long list that may fit a record, without trying each of them.
//!
//! Does not: know whether a line fits; its other tests have to be asked.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::check::condition::{Condition, Test};

use super::values::Values;

/// From this size on a list is indexed.
const FROM: usize = 32;

/// The lines of a list by the value or the beginning that one slot asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    slot: usize,
    exact: HashMap<String, Vec<usize>>,
    beginnings: HashMap<String, Vec<usize>>,
    /// The lengths, in bytes, that beginnings have.
    lengths: BTreeSet<usize>,
    /// Lines that ask for no value in that slot.
    rest: Vec<usize>,
}

impl Index {
    /// An index on the slot that tells the lines of a long list apart best, if any compares texts.
    pub(super) fn of<'l>(
        lines: impl ExactSizeIterator<Item = &'l [(usize, Condition)]>,
    ) -> Option<Self> {
        if lines.len() < FROM {
            return None;
        }
        let lines: Vec<_> = lines.collect();
        let slots: BTreeSet<usize> =
            lines.iter().copied().flatten().map(|(slot, _)| *slot).collect();
        slots
            .into_iter()
            .map(|slot| Self::on(slot, lines.iter().copied()))
            .map(|index| (index.exact.len() + index.beginnings.len(), index))
            .filter(|(keys, _)| *keys > 0)
            .max_by_key(|(keys, index)| (*keys, std::cmp::Reverse(index.slot)))
            .map(|(_, index)| index)
    }

    /// The lines that ask for a record's value or for none, list by list, each in its order.
    pub(super) fn may_fit<'i>(&'i self, values: &'i Values) -> impl Iterator<Item = &'i [usize]> {
        let text = values.at(self.slot).text;
        let exact = text.and_then(|text| self.exact.get(text));
        let beginnings = text.into_iter().flat_map(|text| {
            let starts = self.lengths.iter().filter_map(|length| text.get(..*length));
            starts.filter_map(|start| self.beginnings.get(start))
        });
        exact.into_iter().chain(beginnings).chain([&self.rest]).map(Vec::as_slice)
    }

    /// The same lines as one list in its order, each once: a line may list a value, or a beginning of
    /// it, twice.
    pub(super) fn all_that_may_fit(&self, values: &Values) -> Vec<usize> {
        let mut lines: Vec<usize> = self.may_fit(values).flatten().copied().collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// True when the record's value in the slot that is indexed may be anything.
    pub(super) fn asks_for_an_unknown(&self, values: &Values) -> bool {
        values.is_unknown(self.slot)
    }

    fn on<'l>(slot: usize, lines: impl Iterator<Item = &'l [(usize, Condition)]>) -> Self {
        let mut index = Self { slot, ..Self::default() };
        for (at, line) in lines.enumerate() {
            match line.iter().find(|(tested, _)| *tested == slot).map(|(_, it)| &it.test) {
                Some(Test::In(values)) => {
                    for value in values {
                        index.exact.entry(value.clone()).or_default().push(at);
                    }
                }
                Some(Test::StartsWith(starts)) => {
                    for start in starts {
                        index.lengths.insert(start.len());
                        index.beginnings.entry(start.clone()).or_default().push(at);
                    }
                }
                Some(Test::NotIn(_) | Test::Between(..) | Test::Blank(_)) | None => {
                    index.rest.push(at);
                }
            }
        }
        index
    }
}
