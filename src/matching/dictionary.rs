//! Distinct values as small numbers: a value is kept once, and records hold its code.
//!
//! Does not: fold.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::similar::Glance;

/// A value's number in its dictionary; [`BLANK`] stands for no value.
pub(super) type Code = u32;

/// No value.
pub(super) const BLANK: Code = 0;

/// Distinct values, and how many records hold each.
#[derive(Debug, Clone)]
pub(super) struct Dictionary {
    codes: HashTable<Code>,
    text: String,
    /// Where each value ends in `text`.
    ends: Vec<usize>,
    counts: Vec<u32>,
    glances: Vec<Glance>,
    hasher: DefaultHashBuilder,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self {
            codes: HashTable::new(),
            text: String::new(),
            ends: vec![0],
            counts: vec![0],
            glances: vec![Glance::default()],
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
            && let Some(count) = self.counts.get_mut(code as usize)
        {
            *count += records;
        }
    }

    /// The code of a value; it is new when it was not there.
    pub(super) fn intern(&mut self, value: &str) -> Code {
        if value.is_empty() {
            return BLANK;
        }
        let hash = self.hasher.hash_one(value);
        let Self { codes, text, ends, counts, glances, hasher } = self;
        let of = |code: Code| slice(text, ends, code);
        if let Some(code) = codes.find(hash, |code| of(*code) == value) {
            return *code;
        }
        let code = Code::try_from(ends.len()).unwrap_or(Code::MAX);
        codes.insert_unique(hash, code, |code| hasher.hash_one(slice(text, ends, *code)));
        text.push_str(value);
        ends.push(text.len());
        counts.push(0);
        glances.push(Glance::of(value));
        code
    }

    /// The code of a value, if it is there.
    pub(super) fn find(&self, value: &str) -> Option<Code> {
        let of = |code: Code| slice(&self.text, &self.ends, code);
        self.codes.find(self.hasher.hash_one(value), |code| of(*code) == value).copied()
    }

    /// The value of a code; empty for [`BLANK`].
    pub(super) fn text(&self, code: Code) -> &str {
        slice(&self.text, &self.ends, code)
    }

    /// A glance at a value.
    pub(super) fn glance(&self, code: Code) -> Glance {
        self.glances.get(code as usize).copied().unwrap_or_default()
    }

    /// How many records hold a value.
    pub(super) fn frequency(&self, code: Code) -> u32 {
        self.counts.get(code as usize).copied().unwrap_or_default()
    }

    /// How many distinct values there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Every code.
    pub(super) fn codes(&self) -> std::ops::Range<Code> {
        1..Code::try_from(self.ends.len()).unwrap_or(Code::MAX)
    }
}

fn slice<'t>(text: &'t str, ends: &[usize], code: Code) -> &'t str {
    let at = code as usize;
    let from = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    ends.get(at).and_then(|to| text.get(from..*to)).unwrap_or_default()
}
