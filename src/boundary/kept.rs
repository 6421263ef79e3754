//! Admitted rows as lines of text, so that a pull that was cut off can go on where it stopped.
//!
//! A line holds what was admitted and nothing else: a value that looked like a secret is only marked,
//! of a row that was set aside there is none, and of one that stays outside the review there are its ids.
//! Does not: read or write files.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Outside;
use super::column::{Column, Millis, Number};
use super::figure::Figure;
use super::intake::{Intake, Undecided};
use super::kind::Moment;
use super::outside::Stub;

/// A row as it is kept. The keys are short: there are as many of them as there are records.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    /// Its line in the input.
    l: u32,
    /// Its values as text, in the order of the columns.
    #[serde(borrow)]
    v: Vec<Option<Cow<'a, str>>>,
    /// The places of values that were withheld.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    w: Vec<usize>,
    /// What waits for its whole column: places, and texts that wait again when they are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    u: Vec<(usize, Cow<'a, str>)>,
}

/// What is kept of a row that stays outside the review.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptOutside<'a> {
    /// Its line in the input.
    l: u32,
    /// Why.
    o: Cow<'a, str>,
    /// Its ids, each with the place of its column.
    i: Vec<(usize, Cow<'a, str>)>,
    /// When it was last changed.
    m: Option<i64>,
}

/// What is said of a value that an earlier part of the same pull withheld.
const WITHHELD: &str = "a secret";

impl Intake {
    /// The rows as lines.
    pub fn keep(&self) -> Vec<String> {
        let mut withheld = self.withheld.iter().peekable();
        let mut undecided = self.undecided.iter().peekable();
        let kept = |(row, line): (usize, &u32)| {
            let mut kept = Kept { l: *line, v: Vec::new(), w: Vec::new(), u: Vec::new() };
            kept.v.extend(self.columns.iter().map(|column| column.written(row)));
            while let Some((_, slot, _)) = withheld.next_if(|(at, ..)| *at == row) {
                kept.w.push(*slot);
            }
            while let Some((_, slot, value)) = undecided.next_if(|(at, ..)| *at == row) {
                kept.u.push((*slot, value.written().into()));
            }
            (*line, written(&kept))
        };
        let outside = |stub: &Stub| {
            let i = stub.ids.iter().map(|(at, id)| (*at, Cow::Borrowed(&**id))).collect();
            let kept = KeptOutside { l: stub.line, o: stub.why.word().into(), i, m: stub.modified };
            (stub.line, written(&kept))
        };
        let rows = self.lines.iter().enumerate().map(kept);
        let mut lines: Vec<_> = rows.chain(self.outside.iter().map(outside)).collect();
        lines.sort_by_key(|(line, _)| *line);
        lines.into_iter().map(|(_, text)| text).collect()
    }

    /// Puts the rows in the order of marks, of which each row has one of its own: rows that come in any
    /// order make the same table each time. Lines count in that order from then on.
    pub fn put_in_order(&mut self, marks: &[u64]) {
        if marks.len() != self.lines.len() {
            return;
        }
        let mut order: Vec<usize> = (0..marks.len()).collect();
        order.sort_by_key(|row| marks.get(*row));
        for column in &mut self.columns {
            column.reorder(&order);
        }
        let mut place = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            if let Some(place) = place.get_mut(*from) {
                *place = to;
            }
        }
        let at = |row: usize| place.get(row).copied().unwrap_or(row);
        for (row, ..) in &mut self.withheld {
            *row = at(*row);
        }
        for (row, ..) in &mut self.undecided {
            *row = at(*row);
        }
        self.withheld.sort_by_key(|(row, slot, _)| (*row, *slot));
        self.undecided.sort_by_key(|(row, slot, _)| (*row, *slot));
        for (line, number) in self.lines.iter_mut().zip(1..) {
            *line = number;
        }
        self.outside.sort_by(|a, b| (a.why, &a.ids).cmp(&(b.why, &b.ids)));
        for stub in &mut self.outside {
            stub.line = u32::MAX;
        }
    }

    /// Takes a row back that was kept. Gives whether it is one of these columns.
    pub fn take_back(&mut self, line: &str) -> bool {
        let Ok(kept) = serde_json::from_str::<Kept<'_>>(line) else {
            return self.take_back_outside(line);
        };
        if kept.v.len() != self.columns.len() {
            return false;
        }
        let is_one =
            |(column, value): (&Column, &Option<Cow<'_, str>>)| column.reads(value.as_deref());
        if !self.columns.iter().zip(&kept.v).all(is_one) {
            return false;
        }
        let row = self.lines.len();
        let undecided: Option<Vec<_>> = kept
            .u
            .iter()
            .map(|(slot, text)| {
                let value = Undecided::read(self.columns.get(*slot)?, text)?;
                Some((row, *slot, value))
            })
            .collect();
        let Some(undecided) = undecided else { return false };
        for (column, value) in self.columns.iter_mut().zip(&kept.v) {
            column.push_written(value.as_deref());
        }
        self.undecided.extend(undecided);
        self.withheld.extend(kept.w.iter().map(|slot| (row, *slot, WITHHELD)));
        self.lines.push(kept.l);
        true
    }

    fn take_back_outside(&mut self, line: &str) -> bool {
        let Ok(kept) = serde_json::from_str::<KeptOutside<'_>>(line) else { return false };
        let Some(why) = Outside::named(&kept.o) else { return false };
        if kept.i.iter().any(|(at, _)| *at >= self.columns.len()) {
            return false;
        }
        let ids = kept.i.into_iter().map(|(at, id)| (at, id.into())).collect();
        self.outside.push(Stub { line: kept.l, why, ids, modified: kept.m });
        true
    }
}

/// A line of a kept table. One that could not be written would be blank, and be read as damaged.
fn written(kept: &impl Serialize) -> String {
    serde_json::to_string(kept).unwrap_or_default()
}

impl Undecided {
    /// The value as text that waits for its column again when it is read.
    fn written(self) -> String {
        match self {
            Self::Date(date) => date.written(),
            Self::Number(open) => open.written(),
        }
    }

    /// What such a text is in this column.
    fn read(column: &Column, text: &str) -> Option<Self> {
        match column {
            Column::Time(_) => match Moment::parse(text)? {
                Moment::Unordered(date) => Some(Self::Date(date)),
                Moment::Instant(_) | Moment::Local(_) | Moment::Day(_) => None,
            },
            Column::Number(_) => match Figure::parse(text)? {
                Figure::Open(open) => Some(Self::Number(open)),
                Figure::Plain(_) | Figure::Proof(..) => None,
            },
            Column::Text(_) | Column::Flag(_) => None,
        }
    }
}

impl Column {
    /// A value as text that gives the same value back.
    fn written(&self, row: usize) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Text(texts) => Cow::Borrowed(Some(texts.get(row)).filter(|t| !t.is_empty())?),
            Self::Time(times) => Cow::Owned(times.get(row)?.get()?.to_string()),
            Self::Number(numbers) => Cow::Owned(numbers.get(row)?.get()?.to_string()),
            Self::Flag(flags) => Cow::Borrowed(if (*flags.get(row)?)? { "true" } else { "false" }),
        })
    }

    /// Whether a text is a value of this column.
    fn reads(&self, value: Option<&str>) -> bool {
        value.is_none_or(|value| match self {
            Self::Text(_) => true,
            Self::Time(_) => value.parse::<i64>().is_ok(),
            Self::Number(_) => value.parse::<f64>().is_ok(),
            Self::Flag(_) => value.parse::<bool>().is_ok(),
        })
    }

    fn push_written(&mut self, value: Option<&str>) {
        let Some(value) = value else {
            self.push_none();
            return;
        };
        match self {
            Self::Text(texts) => texts.push(value),
            Self::Time(times) => times.push(value.parse().map_or(Millis::NONE, Millis::new)),
            Self::Number(numbers) => numbers.push(value.parse().map_or(Number::NONE, Number::new)),
            Self::Flag(flags) => flags.push(value.parse().ok()),
        }
    }
}
