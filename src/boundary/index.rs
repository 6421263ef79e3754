//! The rows of a table by the key of their id.
//!
//! It lies in parts, so that several threads can build it and each part stays in a processor's
//! cache while it grows. Which part an id is in depends on its hash alone.
//! Does not: hold an id. Whoever asks brings what the rows are called.

use std::hash::BuildHasher as _;
use std::num::NonZeroUsize;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::id_key;
use crate::threads;

/// Finds a row by an id, in either of an id's spellings.
#[derive(Default)]
pub(super) struct Index {
    parts: Vec<HashTable<u32>>,
    hashing: DefaultHashBuilder,
}

const PARTS: usize = 16;

/// The part that a hash belongs to. A part's table looks at the first and the last bits.
fn part_of(hash: u64) -> usize {
    usize::from(hash.to_le_bytes()[4]) % PARTS
}

impl Index {
    /// The index of so many rows with these ids, and the rows whose id stands on an earlier row.
    pub(super) fn of<'i>(
        rows: usize,
        id: impl Fn(usize) -> &'i str + Sync,
        threads: NonZeroUsize,
    ) -> (Self, Vec<usize>) {
        let hashing = DefaultHashBuilder::default();
        let mut hashes = vec![0; rows];
        threads::fill(threads, &mut hashes, |row| hashing.hash_one(id_key(id(row))));
        let hash_of = |row: u32| hashes.get(row as usize).copied().unwrap_or_default();
        let built = threads::each(threads, PARTS, |part| {
            let mut table = HashTable::with_capacity(rows / PARTS);
            let mut repeats = Vec::new();
            let here = (0..=u32::MAX).zip(&hashes).filter(|(_, hash)| part_of(**hash) == part);
            for (row, &hash) in here {
                let same = |other: &u32| {
                    hash_of(*other) == hash
                        && id_key(id(*other as usize)) == id_key(id(row as usize))
                };
                match table.entry(hash, same, |other| hash_of(*other)) {
                    Entry::Occupied(_) => repeats.push(row as usize),
                    Entry::Vacant(place) => {
                        place.insert(row);
                    }
                }
            }
            (table, repeats)
        });
        let (parts, repeats): (_, Vec<_>) = built.into_iter().unzip();
        let mut repeats = repeats.concat();
        repeats.sort_unstable();
        (Self { parts, hashing }, repeats)
    }

    /// The row with that id.
    pub(super) fn find<'i>(&self, wanted: &str, id: impl Fn(usize) -> &'i str) -> Option<usize> {
        let key = id_key(wanted);
        let hash = self.hashing.hash_one(key);
        let same = |row: &u32| id_key(id(*row as usize)) == key;
        self.parts.get(part_of(hash))?.find(hash, same).map(|row| *row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_and_repeats_told_whatever_the_threads() {
        let ids: Vec<String> = (0..50_000).map(|row| format!("r{}", row % 49_000)).collect();
        let id = |row: usize| ids[row].as_str();
        for threads in [1, 3] {
            let (index, repeats) = Index::of(ids.len(), id, NonZeroUsize::new(threads).unwrap());
            assert_eq!(repeats, (49_000..50_000).collect::<Vec<_>>());
            assert!((0..49_000).all(|row| index.find(id(row), id) == Some(row)));
            assert_eq!(index.find("r49000", id), None);
        }
        assert_eq!(Index::default().find("r1", id), None);
    }
}
