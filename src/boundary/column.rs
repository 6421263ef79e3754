//! Columns of admitted values, each in as few allocations as it has parts.
//!
//! A value that is not there is a blank text, or a mark of its own among times, numbers and flags.
//! Does not: know a field, a file or an exposure.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use polars::prelude::{
    BooleanChunked, Float64Chunked, Int64Chunked, NewChunkedArray as _, PlSmallStr, StringChunked,
    StringChunkedBuilder,
};

use super::Kind;

/// The values of one field, one for each row.
pub(super) enum Column {
    Text(Texts),
    /// Milliseconds since 1970 UTC.
    Time(Vec<Millis>),
    Number(Vec<Number>),
    Flag(Vec<Option<bool>>),
}

/// Milliseconds since 1970 UTC, or none, in half the memory of an `Option`.
#[derive(Clone, Copy)]
pub(super) struct Millis(i64);

impl Millis {
    pub(super) const NONE: Self = Self(i64::MIN);

    pub(super) fn new(millis: i64) -> Self {
        Self(millis)
    }

    pub(super) fn get(self) -> Option<i64> {
        (self.0 != i64::MIN).then_some(self.0)
    }
}

/// A number, or none, in half the memory of an `Option`. What a field holds is never "not a number".
#[derive(Clone, Copy)]
pub(super) struct Number(f64);

impl Number {
    pub(super) const NONE: Self = Self(f64::NAN);

    pub(super) fn new(number: f64) -> Self {
        Self(number)
    }

    pub(super) fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

/// The values of one field when no more of them come: what a [`super::Batch`] holds.
pub(super) enum Held {
    Text(StringChunked),
    /// Milliseconds since 1970 UTC.
    Millis(Int64Chunked),
    Number(Float64Chunked),
    Flag(BooleanChunked),
}

/// Hands the columns over in one piece each, several at a time.
pub(super) fn hold(columns: Vec<Option<Column>>, threads: NonZeroUsize) -> Vec<Option<Held>> {
    let workers = threads.get().min(columns.len());
    let mut held: Vec<Option<Held>> = columns.iter().map(|_| None).collect();
    let waiting = Mutex::new(columns.into_iter().zip(&mut held));
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((column, place)) = next else { return };
            *place = column.map(Column::hold);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    drop(waiting);
    held
}

impl Column {
    fn hold(self) -> Held {
        let name = PlSmallStr::EMPTY;
        match self {
            Self::Text(texts) => {
                let mut column = StringChunkedBuilder::new(name, texts.len());
                for at in 0..texts.len() {
                    column.append_option(Some(texts.get(at)).filter(|text| !text.is_empty()));
                }
                Held::Text(column.finish())
            }
            Self::Time(times) => Held::Millis(Int64Chunked::from_iter_options(
                name,
                times.into_iter().map(Millis::get),
            )),
            Self::Number(numbers) => Held::Number(Float64Chunked::from_iter_options(
                name,
                numbers.into_iter().map(Number::get),
            )),
            Self::Flag(flags) => {
                Held::Flag(BooleanChunked::from_iter_options(name, flags.into_iter()))
            }
        }
    }

    /// An empty column for values of a kind, with room for some.
    pub(super) fn of(kind: Kind, room: usize) -> Self {
        match kind {
            Kind::Date => Self::Time(Vec::with_capacity(room)),
            Kind::Number => Self::Number(Vec::with_capacity(room)),
            Kind::Flag => Self::Flag(Vec::with_capacity(room)),
            Kind::Id
            | Kind::Picklist
            | Kind::Email
            | Kind::Phone
            | Kind::Web
            | Kind::Name
            | Kind::Text
            | Kind::Address => Self::Text(Texts::default()),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(texts) => texts.len(),
            Self::Time(times) => times.len(),
            Self::Number(numbers) => numbers.len(),
            Self::Flag(flags) => flags.len(),
        }
    }

    /// Appends a value that is not there.
    pub(super) fn push_none(&mut self) {
        match self {
            Self::Text(texts) => texts.push(""),
            Self::Time(times) => times.push(Millis::NONE),
            Self::Number(numbers) => numbers.push(Number::NONE),
            Self::Flag(flags) => flags.push(None),
        }
    }

    /// Makes it as long as `len` with values that are not there.
    pub(super) fn pad(&mut self, len: usize) {
        for _ in self.len()..len {
            self.push_none();
        }
    }

    /// Moves the values of `next`, a column of the same kind, behind those that are here.
    pub(super) fn append(&mut self, next: &mut Self) {
        match (self, next) {
            (Self::Text(texts), Self::Text(next)) => texts.append(next),
            (Self::Time(times), Self::Time(next)) => append(times, next),
            (Self::Number(numbers), Self::Number(next)) => append(numbers, next),
            (Self::Flag(flags), Self::Flag(next)) => append(flags, next),
            (Self::Text(_) | Self::Time(_) | Self::Number(_) | Self::Flag(_), _) => {
                debug_assert!(false, "columns of two kinds");
            }
        }
    }

    /// Overwrites the values.
    pub(super) fn wipe(&mut self) {
        match self {
            Self::Text(texts) => {
                let mut bytes = std::mem::take(texts).text.into_bytes();
                bytes.fill(0);
                std::hint::black_box(&mut bytes);
            }
            Self::Time(times) => {
                times.fill(Millis::NONE);
                std::hint::black_box(times);
            }
            Self::Number(numbers) => {
                numbers.fill(Number::NONE);
                std::hint::black_box(numbers);
            }
            Self::Flag(flags) => {
                flags.fill(None);
                std::hint::black_box(flags);
            }
        }
    }

    /// Puts the values in another order: each place says which value comes to it.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        fn reorder<T: Copy>(values: &mut Vec<T>, order: &[usize]) {
            *values = order.iter().filter_map(|from| values.get(*from).copied()).collect();
        }
        match self {
            Self::Text(texts) => {
                let mut ordered = Texts::default();
                for from in order {
                    ordered.push(texts.get(*from));
                }
                *texts = ordered;
            }
            Self::Time(times) => reorder(times, order),
            Self::Number(numbers) => reorder(numbers, order),
            Self::Flag(flags) => reorder(flags, order),
        }
    }

    /// Keeps the values of the rows that are marked.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        fn retain<T>(values: &mut Vec<T>, keep: &[bool]) {
            let mut marks = keep.iter();
            values.retain(|_| marks.next().copied().unwrap_or(true));
        }
        match self {
            Self::Text(texts) => {
                let mut kept = Texts::default();
                for (at, keep) in keep.iter().enumerate() {
                    if *keep {
                        kept.push(texts.get(at));
                    }
                }
                *texts = kept;
            }
            Self::Time(times) => retain(times, keep),
            Self::Number(numbers) => retain(numbers, keep),
            Self::Flag(flags) => retain(flags, keep),
        }
    }
}

/// Moves the values of `next` behind those that are here.
pub(super) fn append<T>(values: &mut Vec<T>, next: &mut Vec<T>) {
    if values.is_empty() {
        std::mem::swap(values, next);
    } else {
        values.append(next);
    }
}

/// Texts, one behind the other.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    /// Where the texts of each block begin.
    blocks: Vec<usize>,
    /// Where each text ends, from the beginning of its block: four bytes a text and not eight.
    ends: Vec<u32>,
}

/// So many texts make a block. None is longer than a page, so that their ends fit.
const BLOCK: usize = 4096;

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a row; blank where there is none.
    pub(super) fn get(&self, at: usize) -> &str {
        self.range(at).and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    fn range(&self, at: usize) -> Option<std::ops::Range<usize>> {
        let block = *self.blocks.get(at / BLOCK)?;
        let end = block + *self.ends.get(at)? as usize;
        if at.is_multiple_of(BLOCK) {
            return Some(block..end);
        }
        Some(block + *self.ends.get(at - 1)? as usize..end)
    }

    pub(super) fn push(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.push_end(start, self.text.len());
    }

    /// Moves the texts of `next` behind those that are here.
    fn append(&mut self, next: &mut Self) {
        if self.ends.is_empty() {
            std::mem::swap(self, next);
        } else {
            let mut start = self.text.len();
            self.text.push_str(&next.text);
            let offset = start;
            for (block, ends) in next.blocks.iter().zip(next.ends.chunks(BLOCK)) {
                for end in ends {
                    let end = offset + block + *end as usize;
                    self.push_end(start, end);
                    start = end;
                }
            }
        }
        next.text.clear();
        next.blocks.clear();
        next.ends.clear();
    }

    /// Notes where a text lies that was appended.
    fn push_end(&mut self, start: usize, end: usize) {
        if self.ends.len().is_multiple_of(BLOCK) {
            self.blocks.push(start);
        }
        let block = self.blocks.last().copied().unwrap_or_default();
        self.ends.push(u32::try_from(end - block).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(from: usize, to: usize) -> Texts {
        let mut texts = Texts::default();
        for at in from..to {
            texts.push(&"é".repeat(at % 7));
        }
        texts
    }

    #[test]
    fn texts_are_found_wherever_blocks_and_parts_meet() {
        for parts in [[0, 10_000, 10_000, 10_001], [3, 4_099, 4_100, 20_000], [0, 0, 5_000, 9_999]]
        {
            let mut whole = Texts::default();
            for part in parts.windows(2) {
                whole.append(&mut texts(part[0], part[1]));
            }
            assert_eq!(whole.len(), parts[3] - parts[0]);
            for at in 0..whole.len() {
                assert_eq!(whole.get(at), "é".repeat((at + parts[0]) % 7));
            }
            assert_eq!(whole.get(whole.len()), "");
        }
    }

    #[test]
    fn rows_that_are_not_kept_are_gone_from_every_column() {
        let mut columns =
            [Kind::Text, Kind::Date, Kind::Number, Kind::Flag].map(|k| Column::of(k, 0));
        for column in &mut columns {
            match column {
                Column::Text(texts) => texts.push("a"),
                Column::Time(times) => times.push(Millis::new(0)),
                Column::Number(numbers) => numbers.push(Number::new(0.0)),
                Column::Flag(flags) => flags.push(Some(false)),
            }
            column.pad(3);
            column.retain(&[false, true, false]);
            assert_eq!(column.len(), 1);
            let is_none = match column {
                Column::Text(texts) => texts.get(0).is_empty(),
                Column::Time(times) => times[0].get().is_none(),
                Column::Number(numbers) => numbers[0].get().is_none(),
                Column::Flag(flags) => flags[0].is_none(),
            };
            assert!(is_none);
        }
    }
}
