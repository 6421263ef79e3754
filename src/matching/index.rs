//! Groups records that share a key, without keeping the keys.
//!
//! A key is hashed to 96 bits: among ten million records two different keys fall together once in
//! 10^15 runs. Does not: compare; records in one block only may be the same.

use std::hash::{DefaultHasher, Hasher as _};
use std::ops::Range;

/// Which records hold each key; sixteen bytes a record.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: Vec<(u64, u32, u32)>,
}

/// A key as the index holds it.
fn print(key: &str) -> (u64, u32) {
    let mut hasher = DefaultHasher::new();
    hasher.write(key.as_bytes());
    let high = hasher.finish();
    hasher.write_u8(0xA5);
    let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
    (high, u32::from_be_bytes([a, b, c, d]))
}

impl Index {
    /// An index of the keys that were given, each with the record that holds it.
    pub fn of<'k>(keys: impl Iterator<Item = (&'k str, u32)>) -> Self {
        let mut index = Self::default();
        for (key, at) in keys {
            index.add(key, at);
        }
        index.settle();
        index
    }

    /// Adds a record's key. The index answers after [`Index::settle`].
    pub fn add(&mut self, key: &str, at: u32) {
        let (high, low) = print(key);
        self.entries.push((high, low, at));
    }

    /// Puts the keys in order; a record that was added twice with one key stands there once.
    pub fn settle(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
    }

    /// How many keys were added.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when no key was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the records with a key stand in [`Index::records`].
    pub fn range(&self, key: &str) -> Range<usize> {
        let print = print(key);
        let start = self.entries.partition_point(|(high, low, _)| (*high, *low) < print);
        let behind = self.entries.get(start..).unwrap_or_default();
        let len = behind.partition_point(|(high, low, _)| (*high, *low) == print);
        start..start + len
    }

    /// The records with a key, ascending.
    pub fn find(&self, key: &str) -> impl Iterator<Item = u32> + '_ {
        let range = self.range(key);
        self.entries.get(range).unwrap_or_default().iter().map(|(.., at)| *at)
    }

    /// Every record, key by key.
    pub fn records(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|(.., at)| *at)
    }

    /// The records of every key that two or more share. The order of blocks means nothing.
    pub fn blocks(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        self.entries
            .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
            .filter(|run| run.len() > 1)
            .map(|run| run.iter().map(|(.., at)| *at).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_with_one_key_come_together_in_their_order() {
        let index = Index::of([("b", 3), ("a", 0), ("b", 1), ("c", 2), ("b", 1)].into_iter());
        assert_eq!(index.find("b").collect::<Vec<_>>(), [1, 3]);
        assert_eq!(index.find("x").count(), 0);
        assert_eq!(index.blocks().collect::<Vec<_>>(), [vec![1, 3]]);
        assert_eq!(index.len(), 4);
    }
}
