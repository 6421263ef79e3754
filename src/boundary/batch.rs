//! What came in: one table's admitted records, column by column, and the cells evidence may quote.
//!
//! Checks read columns through [`Row`]; only flagged rows become [`Cell`]s.
//! Does not: hold a column nobody was granted, or let a value out past its field's exposure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::BuildHasher as _;
use std::num::NonZeroUsize;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use polars::prelude::*;

use super::intake::{LINE, Load};
use super::kind::instant;
use super::{Admission, AdmitError, Exposure, Field, Kind, Object, id_key, object_key};

/// Names a record: its table and its id as the CRM writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordRef {
    /// The table.
    pub object: Object,
    /// The id.
    pub id: Box<str>,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.id)
    }
}

enum Stored {
    Text(StringChunked),
    Millis(Int64Chunked),
    Number(Float64Chunked),
    Flag(BooleanChunked),
}

/// One table's admitted records.
pub struct Batch {
    object: Object,
    frame: DataFrame,
    columns: Vec<Option<Stored>>,
    key: StringChunked,
    lines: UInt32Chunked,
    files: Vec<(usize, String, BTreeMap<String, String>)>,
    fields: BTreeSet<Field>,
    withheld: BTreeSet<(usize, usize)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    under_review: Vec<bool>,
    zone: Tz,
}

impl fmt::Debug for Batch {
    /// The table and its size alone: values leave through cells.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} {})", self.len(), self.object.plural())
    }
}

impl Batch {
    pub(super) fn join(
        object: Object,
        loads: Vec<Load>,
        reads: &BTreeSet<Field>,
        threads: NonZeroUsize,
    ) -> Result<(Self, Vec<Admission>), AdmitError> {
        let wanted: Vec<&Field> = reads.iter().filter(|field| field.object() == object).collect();
        let key_name = object_key(object);
        let mut admissions = Vec::new();
        let mut files = Vec::new();
        let mut fields = BTreeSet::new();
        let mut whole: Option<DataFrame> = None;
        let mut height = 0;
        let mut withheld_at = Vec::new();
        let zone = loads.first().map_or(Tz::UTC, |load| load.zone);
        for load in loads {
            let sources: BTreeMap<String, String> = load
                .admission
                .columns
                .iter()
                .map(|(field, column)| (field.name().to_owned(), column.clone()))
                .collect();
            fields.extend(load.admission.columns.iter().map(|(field, _)| field.clone()));
            files.push((height, load.admission.file.clone(), sources));
            for withheld in &load.admission.withheld {
                withheld_at.push((files.len() - 1, withheld.line, withheld.field.clone()));
            }
            height += load.frame.height();
            let assembly = assembly(&load.admission.file);
            let frame = with_every_column(load.frame, &wanted, key_name).map_err(&assembly)?;
            match &mut whole {
                None => whole = Some(frame),
                Some(whole) => {
                    whole.vstack_mut(&frame).map_err(&assembly)?;
                }
            }
            admissions.push(load.admission);
        }
        let mut frame = whole.unwrap_or_else(DataFrame::empty);
        let first_file = admissions.first().map_or("", |admission| &admission.file);
        let key = in_one_piece(&mut frame, key_name).map_err(assembly(first_file))?;
        let hasher = DefaultHashBuilder::default();
        let (index, repeats) = if !matches!(key_name, "id" | "key") {
            frame.rechunk_mut();
            (HashTable::new(), Vec::new())
        } else if threads.get() == 1 {
            frame.rechunk_mut();
            index_by_id(&key, &hasher)
        } else {
            std::thread::scope(|scope| {
                let index = scope.spawn(|| index_by_id(&key, &hasher));
                frame.rechunk_mut();
                index.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        };
        let lines = frame.column(LINE).and_then(|c| c.u32().cloned()).unwrap_or_default();
        let mut batch = Self {
            object,
            columns: Vec::new(),
            key,
            lines,
            files,
            fields,
            withheld: BTreeSet::new(),
            index,
            hasher,
            under_review: vec![true; frame.height()],
            zone,
            frame,
        };
        if !repeats.is_empty() {
            batch.drop_repeats(&repeats, &mut admissions)?;
        }
        batch.hold_columns(&wanted);
        batch.mark_withheld(&withheld_at, &wanted);
        Ok((batch, admissions))
    }

    /// Sets aside the rows whose id stands on an earlier row.
    fn drop_repeats(
        &mut self,
        repeats: &[usize],
        admissions: &mut [Admission],
    ) -> Result<(), AdmitError> {
        let height = self.frame.height();
        let first_file = admissions.first().map_or("", |admission| &admission.file);
        let assembly = assembly(first_file);
        for at in repeats {
            let line = self.lines.get(*at).unwrap_or_default().into();
            let file = self.file_at(*at);
            if let Some(admission) = admissions.get_mut(file) {
                admission.set_aside.push((line, "the id stands on an earlier row".to_owned()));
                admission.rows = admission.rows.saturating_sub(1);
            }
        }
        for admission in admissions.iter_mut() {
            admission.set_aside.sort();
        }
        let mut keep = vec![true; height];
        for at in repeats {
            if let Some(keep) = keep.get_mut(*at) {
                *keep = false;
            }
        }
        for file in &mut self.files {
            file.0 -= repeats.iter().filter(|at| **at < file.0).count();
        }
        let mask: BooleanChunked = keep.into_iter().collect();
        let mut frame = self.frame.filter(&mask).map_err(&assembly)?;
        frame.rechunk_mut();
        self.key = in_one_piece(&mut frame, object_key(self.object)).map_err(assembly)?;
        self.index = index_by_id(&self.key, &self.hasher).0;
        self.lines = frame.column(LINE).and_then(|c| c.u32().cloned()).unwrap_or_default();
        self.under_review = vec![true; frame.height()];
        self.frame = frame;
        Ok(())
    }

    fn hold_columns(&mut self, wanted: &[&Field]) {
        for field in wanted {
            let slot = field.0.slot;
            if self.columns.len() <= slot {
                self.columns.resize_with(slot + 1, || None);
            }
            if !self.fields.contains(field) {
                continue;
            }
            let Ok(column) = self.frame.column(field.name()) else { continue };
            let stored = match field.kind() {
                Kind::Date => column.i64().ok().cloned().map(Stored::Millis),
                Kind::Number => column.f64().ok().cloned().map(Stored::Number),
                Kind::Flag => column.bool().ok().cloned().map(Stored::Flag),
                Kind::Id
                | Kind::Picklist
                | Kind::Email
                | Kind::Phone
                | Kind::Web
                | Kind::Name
                | Kind::Text
                | Kind::Address => column.str().ok().cloned().map(Stored::Text),
            };
            if let Some(held) = self.columns.get_mut(slot) {
                *held = stored;
            }
        }
    }

    fn mark_withheld(&mut self, withheld: &[(usize, u64, String)], wanted: &[&Field]) {
        for (file, line, name) in withheld {
            let Some(field) = wanted.iter().find(|field| field.name() == name) else { continue };
            let start = self.files.get(*file).map_or(0, |file| file.0);
            let end = self.files.get(file + 1).map_or(self.len(), |file| file.0);
            // A file's rows stand in the order of their lines, and a row that was set aside is gone.
            let lines = self.lines.cont_slice().unwrap_or_default();
            let here = lines.get(start..end).unwrap_or_default();
            if let Ok(at) = here.binary_search_by(|at| u64::from(*at).cmp(line)) {
                self.withheld.insert((start + at, field.0.slot));
            }
        }
    }

    fn file_at(&self, at: usize) -> usize {
        self.files.partition_point(|(start, ..)| *start <= at).saturating_sub(1)
    }

    /// The table.
    pub fn object(&self) -> Object {
        self.object
    }

    /// How many records were admitted.
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    /// True when no record was admitted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records are under review.
    pub fn reviewed_len(&self) -> usize {
        self.under_review.iter().filter(|reviewed| **reviewed).count()
    }

    /// Says which records are under review; the others serve as reference.
    pub fn put_under_review(&mut self, test: impl Fn(Row<'_>) -> bool) {
        self.under_review = self.rows().map(test).collect();
    }

    /// True when an input had a column for the field.
    pub fn has(&self, field: &Field) -> bool {
        self.fields.contains(field)
    }

    /// Every admitted record, in input order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|at| Row { batch: self, at })
    }

    /// The records under review, in input order.
    pub fn reviewed(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows().filter(|row| row.is_under_review())
    }

    /// The records of which a value was withheld, in input order.
    pub fn with_withheld(&self) -> impl Iterator<Item = Row<'_>> {
        let mut last = None;
        self.withheld.iter().filter_map(move |(at, _)| {
            (last.replace(*at) != Some(*at)).then_some(Row { batch: self, at: *at })
        })
    }

    /// The record at a position, as [`Row::position`] gave it.
    pub fn at(&self, position: usize) -> Option<Row<'_>> {
        (position < self.len()).then_some(Row { batch: self, at: position })
    }

    /// The record with that id, in either of an id's spellings; of several ids, the first that is here.
    pub fn find(&self, id: &str) -> Option<Row<'_>> {
        super::ids(id).find_map(|id| self.find_one(id))
    }

    fn find_one(&self, id: &str) -> Option<Row<'_>> {
        let key = id_key(id);
        let same = |other: &u32| self.key.get(*other as usize).is_some_and(|id| id_key(id) == key);
        let at = *self.index.find(self.hasher.hash_one(key), same)? as usize;
        Some(Row { batch: self, at })
    }

    /// How many records hold each value of a text field, most frequent first, then by value.
    pub fn count_by(&self, field: &Field) -> Vec<(&str, usize)> {
        let mut counts: hashbrown::HashMap<&str, usize> = hashbrown::HashMap::new();
        for row in self.rows() {
            if let Some(value) = row.text(field) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        counts
    }
}

fn assembly(file: &str) -> impl Fn(PolarsError) -> AdmitError + use<> {
    let file = file.to_owned();
    move |_| AdmitError::Assembly { file: file.clone() }
}

/// The frame with a column for every wanted field, blank where the input has none, in one order.
fn with_every_column(
    mut frame: DataFrame,
    wanted: &[&Field],
    key: &str,
) -> PolarsResult<DataFrame> {
    let height = frame.height();
    let mut names: Vec<PlSmallStr> = vec![LINE.into(), key.into()];
    for field in wanted {
        if field.name() != key {
            names.push(field.name().into());
        }
        if frame.column(field.name()).is_err() {
            let dtype = match field.kind() {
                Kind::Date => DataType::Int64,
                Kind::Number => DataType::Float64,
                Kind::Flag => DataType::Boolean,
                Kind::Id
                | Kind::Picklist
                | Kind::Email
                | Kind::Phone
                | Kind::Web
                | Kind::Name
                | Kind::Text
                | Kind::Address => DataType::String,
            };
            let blank = Column::full_null(field.name().into(), height, &dtype);
            frame.with_column(blank)?;
        }
    }
    frame.select(names)
}

/// The text column of that name, which becomes one piece in the frame too.
fn in_one_piece(frame: &mut DataFrame, name: &str) -> PolarsResult<StringChunked> {
    let Some(at) = frame.get_column_index(name) else { return Ok(StringChunked::default()) };
    let whole = frame.column(name)?.str()?.rechunk().into_owned();
    frame.replace_column(at, whole.clone().into_column())?;
    Ok(whole)
}

/// The rows by the key of their id, and the rows whose id stands on an earlier row.
fn index_by_id(ids: &StringChunked, hasher: &DefaultHashBuilder) -> (HashTable<u32>, Vec<usize>) {
    let mut index: HashTable<u32> = HashTable::with_capacity(ids.len());
    let mut repeats = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let Some(id) = id else { continue };
        let key = id_key(id);
        let hash = hasher.hash_one(key);
        let same = |other: &u32| ids.get(*other as usize).is_some_and(|id| id_key(id) == key);
        let rehash = |row: &u32| hasher.hash_one(ids.get(*row as usize).map_or("", id_key));
        match (index.entry(hash, same, rehash), u32::try_from(at)) {
            (Entry::Occupied(_), _) => repeats.push(at),
            (Entry::Vacant(place), Ok(row)) => {
                place.insert(row);
            }
            (Entry::Vacant(_), Err(_)) => {}
        }
    }
    (index, repeats)
}

/// One admitted record.
#[derive(Debug, Clone, Copy)]
pub struct Row<'b> {
    batch: &'b Batch,
    at: usize,
}

impl<'b> Row<'b> {
    /// Where the record stands in its batch.
    pub fn position(self) -> usize {
        self.at
    }

    /// The record's table.
    pub fn object(self) -> Object {
        self.batch.object
    }

    /// The record's id as the input writes it.
    pub fn id(self) -> &'b str {
        self.batch.key.get(self.at).unwrap_or_default()
    }

    /// The record's name for evidence.
    pub fn record(self) -> RecordRef {
        RecordRef { object: self.batch.object, id: self.id().into() }
    }

    /// The line the record starts on in its input.
    pub fn line(self) -> u64 {
        self.batch.lines.get(self.at).unwrap_or_default().into()
    }

    /// True when the record is part of the batch under review.
    pub fn is_under_review(self) -> bool {
        self.batch.under_review.get(self.at).copied().unwrap_or(false)
    }

    fn stored(self, field: &Field) -> Option<&'b Stored> {
        debug_assert_eq!(field.object(), self.batch.object, "a field of another table");
        self.batch.columns.get(field.0.slot)?.as_ref()
    }

    /// A text value; `None` when blank, withheld or not in the input.
    pub fn text(self, field: &Field) -> Option<&'b str> {
        match self.stored(field)? {
            Stored::Text(texts) => texts.get(self.at).filter(|text| !text.trim().is_empty()),
            Stored::Millis(_) | Stored::Number(_) | Stored::Flag(_) => None,
        }
    }

    /// An instant; a day is its first instant in the review's zone.
    pub fn time(self, field: &Field) -> Option<DateTime<Utc>> {
        match self.stored(field)? {
            Stored::Millis(millis) => millis.get(self.at).map(instant),
            Stored::Text(_) | Stored::Number(_) | Stored::Flag(_) => None,
        }
    }

    /// The calendar day in a zone.
    pub fn day(self, field: &Field, zone: Tz) -> Option<NaiveDate> {
        self.time(field).map(|at| at.with_timezone(&zone).date_naive())
    }

    /// A number.
    pub fn number(self, field: &Field) -> Option<f64> {
        match self.stored(field)? {
            Stored::Number(numbers) => numbers.get(self.at),
            Stored::Text(_) | Stored::Millis(_) | Stored::Flag(_) => None,
        }
    }

    /// Yes or no.
    pub fn flag(self, field: &Field) -> Option<bool> {
        match self.stored(field)? {
            Stored::Flag(flags) => flags.get(self.at),
            Stored::Text(_) | Stored::Millis(_) | Stored::Number(_) => None,
        }
    }

    /// True when there is no value of any kind and none was withheld.
    pub fn is_blank(self, field: &Field) -> bool {
        !self.is_withheld(field)
            && match self.stored(field) {
                None => true,
                Some(Stored::Text(texts)) => {
                    texts.get(self.at).is_none_or(|text| text.trim().is_empty())
                }
                Some(Stored::Millis(millis)) => millis.get(self.at).is_none(),
                Some(Stored::Number(numbers)) => numbers.get(self.at).is_none(),
                Some(Stored::Flag(flags)) => flags.get(self.at).is_none(),
            }
    }

    /// True when there was a value that looked like a secret and was not copied.
    pub fn is_withheld(self, field: &Field) -> bool {
        self.batch.withheld.contains(&(self.at, field.0.slot))
    }

    /// The value as one text, whatever its kind, without regard to exposure: for comparisons inside checks.
    pub fn written(self, field: &Field) -> Option<String> {
        match self.stored(field)? {
            Stored::Text(_) => self.text(field).map(str::to_owned),
            Stored::Millis(_) => self.time(field).map(|at| written_time(at, self.batch.zone)),
            Stored::Number(_) => self.number(field).map(written_number),
            Stored::Flag(_) => {
                self.flag(field).map(|flag| if flag { "true" } else { "false" }.to_owned())
            }
        }
    }

    /// The value as evidence may quote it.
    pub fn cell(self, field: &Field) -> Cell {
        let shown = if self.is_withheld(field) {
            Shown::Withheld
        } else {
            match (self.written(field), field.exposure()) {
                (None, _) => Shown::Blank,
                (Some(value), Exposure::Shown) => Shown::Value(value),
                (Some(value), Exposure::Masked) => Shown::Masked(mask(&value)),
                (Some(_), Exposure::Never) => Shown::Never,
            }
        };
        let file = self.batch.files.get(self.batch.file_at(self.at));
        Cell {
            record: self.record(),
            field: field.name().to_owned(),
            column: file
                .and_then(|(_, _, columns)| columns.get(field.name()))
                .cloned()
                .unwrap_or_default(),
            file: file.map(|(_, file, _)| file.clone()).unwrap_or_default(),
            line: self.line(),
            shown,
        }
    }
}

/// `2026-11-23` for the first instant of a day in the review's zone, else `2026-11-23 09:30 CET`.
fn written_time(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    if local.time() == chrono::NaiveTime::MIN {
        local.format("%F").to_string()
    } else {
        local.format("%F %H:%M %Z").to_string()
    }
}

/// Without a fraction when there is none.
fn written_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

/// `a…@example.com` for addresses, the first and last character otherwise.
fn mask(value: &str) -> String {
    let value = value.trim();
    if let Some((local, domain)) = value.rsplit_once('@') {
        return format!("{}…@{domain}", local.chars().next().unwrap_or('…'));
    }
    let mut letters = value.chars();
    match (letters.next(), letters.next_back()) {
        (Some(first), Some(last)) if value.chars().count() > 4 => format!("{first}…{last}"),
        _ => "…".to_owned(),
    }
}

/// A quotable value with its place. Minted only from a [`Row`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    record: RecordRef,
    field: String,
    column: String,
    file: String,
    line: u64,
    shown: Shown,
}

impl Cell {
    /// Whose value it is.
    pub fn record(&self) -> &RecordRef {
        &self.record
    }

    /// The canonical field name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The column it came from; empty when the input has none.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The input it came from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line in that input.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What may be shown of it.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.field, self.shown)
    }
}

/// What may be shown of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// There is none.
    Blank,
    /// The value.
    Value(String),
    /// A shortened form.
    Masked(String),
    /// It is compared and never rendered.
    Never,
    /// It looked like a secret and was not copied.
    Withheld,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("(blank)"),
            Self::Value(value) | Self::Masked(value) => f.write_str(value),
            Self::Never => f.write_str("(compared, never shown)"),
            Self::Withheld => f.write_str("(withheld)"),
        }
    }
}
