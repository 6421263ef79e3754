//! Distinct values as small numbers: a value is kept once, and records hold its code.
//!
//! Does not: fold.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::similar::Glance;

/// A value's number in its dictionary; [`BLANK`] stands for no value.
pub(super) type Code = u32;

/// As many values as are fetched at a time.
pub(super) const FETCHED: usize = 64;

/// No value.
pub(super) const BLANK: Code = 0;

/// Distinct values, and how many records hold each.
#[derive(Debug, Clone)]
pub(super) struct Dictionary {
    /// Each value's code, beside a part of its hash: to grow, no text is looked up.
    codes: HashTable<(u32, Code)>,
    text: String,
    /// By code.
    values: Vec<Value>,
    hasher: DefaultHashBuilder,
}

/// What is known of one value, side by side.
#[derive(Debug, Clone, Copy, Default)]
struct Value {
    /// Where it ends in the text.
    end: usize,
    /// How many records hold it.
    count: u32,
    glance: Glance,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self {
            codes: HashTable::new(),
            text: String::new(),
            values: vec![Value::default()],
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl Dictionary {
    /// The code of a value, counting the record that holds it.
    pub(super) fn count(&mut self, value: &str) -> Code {
        let code = self.intern(value);
        self.add(code, 1);
        code
    }

    /// Counts more records with a code.
    pub(super) fn add(&mut self, code: Code, records: u32) {
        if code != BLANK
            && let Some(value) = self.values.get_mut(code as usize)
        {
            value.count += records;
        }
    }

    /// How many records hold the value of a record drawn at random that has one.
    #[expect(clippy::cast_possible_truncation, reason = "a weight needs no more")]
    pub(super) fn usual_frequency(&self) -> f32 {
        let held = || self.values.iter().map(|value| f64::from(value.count));
        (held().map(|held| held * held).sum::<f64>() / held().sum::<f64>().max(1.0)) as f32
    }

    /// The code of a value; it is new when it was not there.
    pub(super) fn intern(&mut self, value: &str) -> Code {
        if value.is_empty() {
            return BLANK;
        }
        let hash = self.hash(value);
        if let Some(code) = self.find_hashed(hash, value) {
            return code;
        }
        let code = Code::try_from(self.values.len()).unwrap_or(Code::MAX);
        self.codes.insert_unique(spread(hash), (hash, code), |(hash, _)| spread(*hash));
        self.text.push_str(value);
        self.values.push(Value { end: self.text.len(), count: 0, glance: Glance::of(value) });
        code
    }

    /// The code of a value, if it is there.
    pub(super) fn find(&self, value: &str) -> Option<Code> {
        self.find_hashed(self.hash(value), value)
    }

    fn find_hashed(&self, hash: u32, value: &str) -> Option<Code> {
        let is_value = |(other, code): &(u32, Code)| *other == hash && self.text(*code) == value;
        self.codes.find(spread(hash), is_value).map(|(_, code)| *code)
    }

    /// Brings what is known of values to hand: looked up together they are waited for once, and one by one
    /// each time.
    pub(super) fn fetch<'v>(&self, values: impl Iterator<Item = &'v str>) {
        let mut codes = [BLANK; FETCHED];
        for (slot, value) in codes.iter_mut().zip(values) {
            let hash = self.hash(value);
            let found = self.codes.find(spread(hash), |(other, _)| *other == hash);
            *slot = found.map_or(BLANK, |(_, code)| *code);
        }
        let starts = codes.map(|code| self.start(code));
        let bytes = starts.map(|start| start.and_then(|start| self.text.as_bytes().get(start)));
        std::hint::black_box(bytes.map(Option::<&u8>::copied));
    }

    fn hash(&self, value: &str) -> u32 {
        let [a, b, c, d, ..] = self.hasher.hash_one(value).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Lets go of what only finding values takes, once all are there.
    pub(super) fn settle(&mut self) {
        self.codes = HashTable::new();
        self.text.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// The value of a code; empty for [`BLANK`].
    pub(super) fn text(&self, code: Code) -> &str {
        let (from, value) = (self.start(code), self.values.get(code as usize));
        let range = from.zip(value).map(|(from, value)| from..value.end);
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    /// Where a value starts in the text.
    fn start(&self, code: Code) -> Option<usize> {
        self.values.get((code as usize).saturating_sub(1)).map(|before| before.end)
    }

    /// A glance at a value.
    pub(super) fn glance(&self, code: Code) -> Glance {
        self.values.get(code as usize).map(|value| value.glance).unwrap_or_default()
    }

    /// How many records hold a value.
    pub(super) fn frequency(&self, code: Code) -> u32 {
        self.values.get(code as usize).map(|value| value.count).unwrap_or_default()
    }

    /// How many distinct values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len() - 1
    }

    /// Every code.
    pub(super) fn codes(&self) -> std::ops::Range<Code> {
        1..Code::try_from(self.values.len()).unwrap_or(Code::MAX)
    }
}

/// A part of a hash as a whole one, for a table that looks at its first bits and its last.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Distinct pairs of values as numbers of their own.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    codes: HashTable<(Code, Code, Code)>,
    counts: Vec<u32>,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { codes: HashTable::new(), counts: vec![0] }
    }
}

impl Pairs {
    /// The code of a pair, counting the record that holds it; [`BLANK`] where one of them is.
    pub(super) fn count(&mut self, one: Code, other: Code) -> Code {
        if one == BLANK || other == BLANK {
            return BLANK;
        }
        let next = Code::try_from(self.counts.len()).unwrap_or(Code::MAX);
        let entry = self.codes.entry(
            Self::hash(one, other),
            |(a, b, _)| (*a, *b) == (one, other),
            |(a, b, _)| Self::hash(*a, *b),
        );
        let code = entry.or_insert((one, other, next)).get().2;
        if code == next {
            self.counts.push(0);
        }
        if let Some(count) = self.counts.get_mut(code as usize) {
            *count += 1;
        }
        code
    }

    /// Brings what is known of pairs to hand, as [`Dictionary::fetch`] does of values.
    pub(super) fn fetch(&self, pairs: impl Iterator<Item = (Code, Code)>) {
        let held = pairs.map(|(one, other)| {
            let is_pair = |(a, b, _): &(Code, Code, Code)| (*a, *b) == (one, other);
            self.codes
                .find(Self::hash(one, other), is_pair)
                .map_or(0, |(.., code)| self.held(*code))
        });
        std::hint::black_box(held.fold(0, u32::wrapping_add));
    }

    fn hash(one: Code, other: Code) -> u64 {
        let both = u64::from(one) << 32 | u64::from(other);
        let mixed = both.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 32).wrapping_mul(0xA24B_AED4_963E_E407)
    }

    /// How many records hold a pair.
    pub(super) fn held(&self, code: Code) -> u32 {
        self.counts.get(code as usize).copied().unwrap_or_default()
    }

    /// How many distinct pairs there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len() - 1
    }

    /// Lets go of what only finding pairs takes, once all are there.
    pub(super) fn settle(&mut self) {
        self.codes = HashTable::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_the_code_it_got_first() {
        let mut values = Dictionary::default();
        let value = |n: u32| format!("value {n}");
        for n in 0..10_000 {
            assert_eq!(values.count(&value(n % 5_000)), n % 5_000 + 1);
        }
        assert_eq!(values.intern(""), BLANK);
        assert_eq!(values.find(&value(4_711)), Some(4_712));
        assert_eq!(values.find("another"), None);
        values.settle();
        assert_eq!((values.text(4_712), values.frequency(4_712)), ("value 4711", 2));
        assert_eq!((values.text(BLANK), values.frequency(BLANK), values.len()), ("", 0, 5_000));
    }

    #[test]
    fn a_pair_is_known_by_both_of_its_parts_in_their_order() {
        let mut pairs = Pairs::default();
        let codes = [(1, 2), (2, 1), (1, 2), (1, 3)].map(|(one, other)| pairs.count(one, other));
        assert_eq!(codes, [1, 2, 1, 3]);
        assert_eq!([pairs.count(1, BLANK), pairs.count(BLANK, 1)], [BLANK; 2]);
        assert_eq!([pairs.held(1), pairs.held(2), pairs.held(BLANK)], [2, 1, 0]);
        assert_eq!(pairs.len(), 3);
    }
}
