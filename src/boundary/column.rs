//! Columns of admitted values, from a chunk of an input to what polars holds of a table.
//!
//! ```text
//! Column, of a chunk ── take ──> Growing, of an input ── hold ──> Held
//! ```
//!
//! Texts go to where they stay as soon as their chunk is settled, while it lies in the processor's
//! cache: memory that is touched for the first time is what admission spends most on.
//! A value that is not there is a blank text, or a mark of its own among times, numbers and flags.
//! Does not: know a field, a file or an exposure.

use polars::prelude::{
    BooleanChunked, ChunkedArray, Float64Chunked, Int64Chunked, NewChunkedArray as _, PlSmallStr,
    PolarsDataType, StringChunked, StringChunkedBuilder,
};

use super::Kind;

/// The values of one field in a chunk, one for each row.
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

impl Default for Millis {
    fn default() -> Self {
        Self::NONE
    }
}

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

impl Default for Number {
    fn default() -> Self {
        Self::NONE
    }
}

impl Number {
    pub(super) const NONE: Self = Self(f64::NAN);

    pub(super) fn new(number: f64) -> Self {
        Self(number)
    }

    pub(super) fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

/// The values of one field of an input, while its chunks come in.
pub(super) enum Growing {
    Text(StringChunkedBuilder),
    /// Milliseconds since 1970 UTC.
    Time(Vec<Millis>),
    Number(Vec<Number>),
    Flag(Vec<Option<bool>>),
}

impl Growing {
    /// An empty column for values such as these.
    pub(super) fn like(column: &Column) -> Self {
        match column {
            Column::Text(_) => Self::Text(StringChunkedBuilder::new(PlSmallStr::EMPTY, 0)),
            Column::Time(_) => Self::Time(Vec::new()),
            Column::Number(_) => Self::Number(Vec::new()),
            Column::Flag(_) => Self::Flag(Vec::new()),
        }
    }

    /// Moves the values of a column of the same kind behind those that are here.
    pub(super) fn take(&mut self, column: &mut Column) {
        match (self, column) {
            (Self::Text(values), Column::Text(texts)) => {
                for text in texts.iter() {
                    values.append_option(Some(text).filter(|text| !text.is_empty()));
                }
                texts.clear();
            }
            (Self::Time(values), Column::Time(times)) => values.append(times),
            (Self::Number(values), Column::Number(numbers)) => values.append(numbers),
            (Self::Flag(values), Column::Flag(flags)) => values.append(flags),
            (Self::Text(_) | Self::Time(_) | Self::Number(_) | Self::Flag(_), _) => {
                debug_assert!(false, "columns of two kinds");
            }
        }
    }

    /// The values, when no more of them come.
    pub(super) fn hold(self) -> Held {
        let name = PlSmallStr::EMPTY;
        match self {
            Self::Text(values) => Held::Text(values.finish()),
            Self::Time(times) => {
                let values = times.into_iter().map(Millis::get);
                Held::Millis(Int64Chunked::from_iter_options(name, values))
            }
            Self::Number(numbers) => {
                let values = numbers.into_iter().map(Number::get);
                Held::Number(Float64Chunked::from_iter_options(name, values))
            }
            Self::Flag(flags) => {
                Held::Flag(BooleanChunked::from_iter_options(name, flags.into_iter()))
            }
        }
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

impl Held {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(texts) => texts.len(),
            Self::Millis(times) => times.len(),
            Self::Number(numbers) => numbers.len(),
            Self::Flag(flags) => flags.len(),
        }
    }

    /// So many values of the same kind that are not there.
    pub(super) fn none(&self, count: usize) -> Self {
        fn none<T: Clone, C: FromIterator<Option<T>>>(count: usize) -> C {
            std::iter::repeat_n(None::<T>, count).collect()
        }
        match self {
            Self::Text(_) => Self::Text(none::<&str, _>(count)),
            Self::Millis(_) => Self::Millis(none::<i64, _>(count)),
            Self::Number(_) => Self::Number(none::<f64, _>(count)),
            Self::Flag(_) => Self::Flag(none::<bool, _>(count)),
        }
    }

    /// This column with the values of another of its kind behind its own.
    pub(super) fn then(self, next: Self) -> Self {
        fn then<T: PolarsDataType>(
            first: &ChunkedArray<T>,
            next: &ChunkedArray<T>,
        ) -> ChunkedArray<T> {
            // For an empty piece the other one would be copied later.
            if first.is_empty() {
                return next.clone();
            }
            let pieces = first.downcast_iter().chain(next.downcast_iter()).cloned();
            ChunkedArray::from_chunk_iter(PlSmallStr::EMPTY, pieces)
        }
        match (self, next) {
            (Self::Text(first), Self::Text(next)) => Self::Text(then(&first, &next)),
            (Self::Millis(first), Self::Millis(next)) => Self::Millis(then(&first, &next)),
            (Self::Number(first), Self::Number(next)) => Self::Number(then(&first, &next)),
            (Self::Flag(first), Self::Flag(next)) => Self::Flag(then(&first, &next)),
            (first, _) => {
                debug_assert!(false, "columns of two kinds");
                first
            }
        }
    }

    /// This column as long as `len`, with values at its end that are not there.
    pub(super) fn padded(self, len: usize) -> Self {
        match len.checked_sub(self.len()) {
            None | Some(0) => self,
            Some(missing) => {
                let none = self.none(missing);
                self.then(none)
            }
        }
    }

    /// The values in one piece, in which each is found at once.
    pub(super) fn in_one_piece(self) -> Self {
        match self {
            Self::Text(texts) => Self::Text(texts.rechunk().into_owned()),
            Self::Millis(times) => Self::Millis(times.rechunk().into_owned()),
            Self::Number(numbers) => Self::Number(numbers.rechunk().into_owned()),
            Self::Flag(flags) => Self::Flag(flags.rechunk().into_owned()),
        }
    }

    /// The values of the rows that are marked.
    pub(super) fn kept(&self, keep: &[bool]) -> Self {
        fn kept<T, C: FromIterator<Option<T>>>(
            values: impl Iterator<Item = Option<T>>,
            keep: &[bool],
        ) -> C {
            values.zip(keep).filter_map(|(value, keep)| keep.then_some(value)).collect()
        }
        match self {
            Self::Text(texts) => Self::Text(kept(texts.iter(), keep)),
            Self::Millis(times) => Self::Millis(kept(times.iter(), keep)),
            Self::Number(numbers) => Self::Number(kept(numbers.iter(), keep)),
            Self::Flag(flags) => Self::Flag(kept(flags.iter(), keep)),
        }
    }
}

impl Column {
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

    /// Appends a value that is not there.
    pub(super) fn push_none(&mut self) {
        match self {
            Self::Text(texts) => texts.push(""),
            Self::Time(times) => push(times, Millis::NONE),
            Self::Number(numbers) => push(numbers, Number::NONE),
            Self::Flag(flags) => push(flags, None),
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
            Self::Text(texts) => wipe(&mut std::mem::take(texts).text.into_bytes()),
            Self::Time(times) => wipe(times),
            Self::Number(numbers) => wipe(numbers),
            Self::Flag(flags) => wipe(flags),
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
}

/// Overwrites values, in a way the compiler may not leave out.
pub(super) fn wipe<T: Copy + Default>(values: &mut [T]) {
    values.fill(T::default());
    std::hint::black_box(values);
}

/// As `Vec::push`, which would leave the values as they are where it moves from to have more room: they
/// may be of a chunk that was misread.
#[inline]
pub(super) fn push<T: Copy + Default>(values: &mut Vec<T>, value: T) {
    if values.len() == values.capacity() {
        let mut grown = Vec::with_capacity(values.len() * 2 + 1);
        grown.extend_from_slice(values);
        wipe(values);
        *values = grown;
    }
    values.push(value);
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
        self.make_room(text.len());
        self.text.push_str(text);
        self.push_end(start, self.text.len());
    }

    /// Makes room for so many bytes more, and leaves none where they were.
    fn make_room(&mut self, room: usize) {
        let needed = self.text.len() + room;
        if needed > self.text.capacity() {
            let mut grown = String::with_capacity(needed.max(2 * self.text.capacity()));
            grown.push_str(&self.text);
            wipe(&mut std::mem::replace(&mut self.text, grown).into_bytes());
        }
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
        next.clear();
    }

    fn clear(&mut self) {
        self.text.clear();
        self.blocks.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let text = &self.text;
        self.blocks.iter().zip(self.ends.chunks(BLOCK)).flat_map(move |(block, ends)| {
            let mut start = *block;
            ends.iter().map(move |end| {
                let end = block + *end as usize;
                text.get(std::mem::replace(&mut start, end)..end).unwrap_or_default()
            })
        })
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
            let len = parts[3] - parts[0];
            for at in 0..len {
                assert_eq!(whole.get(at), "é".repeat((at + parts[0]) % 7));
            }
            assert_eq!(whole.get(len), "");
            assert!(whole.iter().eq((0..len).map(|at| whole.get(at))));
        }
    }

    /// A column of each kind with a value, none and a value, with one more behind them.
    fn columns() -> [Held; 4] {
        [Kind::Text, Kind::Date, Kind::Number, Kind::Flag].map(|kind| {
            let mut growing = Growing::like(&Column::of(kind, 0));
            for there in [true, false, true] {
                let mut column = Column::of(kind, 0);
                match &mut column {
                    _ if !there => column.push_none(),
                    Column::Text(texts) => texts.push("longer than a view holds"),
                    Column::Time(times) => times.push(Millis::new(0)),
                    Column::Number(numbers) => numbers.push(Number::new(0.0)),
                    Column::Flag(flags) => flags.push(Some(false)),
                }
                growing.take(&mut column);
            }
            growing.hold()
        })
    }

    fn are_there(column: &Held) -> Vec<bool> {
        (0..column.len())
            .map(|at| match column {
                Held::Text(texts) => texts.get(at) == Some("longer than a view holds"),
                Held::Millis(times) => times.get(at) == Some(0),
                Held::Number(numbers) => numbers.get(at) == Some(0.0),
                Held::Flag(flags) => flags.get(at) == Some(false),
            })
            .collect()
    }

    #[test]
    fn values_stay_in_their_rows_and_those_not_kept_are_gone_from_every_column() {
        for column in columns() {
            assert_eq!(are_there(&column), [true, false, true]);
            assert_eq!(are_there(&column.kept(&[false, true, true])), [false, true]);
            assert_eq!(are_there(&column.kept(&[true, false, false])), [true]);
            let padded = column.none(2).then(column).padded(6);
            let there = [false, false, true, false, true, false];
            assert_eq!(are_there(&padded), there);
            assert_eq!(are_there(&padded.in_one_piece()), there);
        }
    }
}
