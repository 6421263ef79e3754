//! What came in: one table's admitted records, column by column, and the cells evidence may quote.
//!
//! Checks read columns through [`Row`]; only flagged rows become [`Cell`]s.
//! Does not: hold a column nobody was granted, or let a value out past its field's exposure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::{fmt, mem};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::column::Held;
use super::index::Index;
use super::intake::{Load, SetAside};
use super::kind::{id_key, in_full, instant};
use super::outside::{Outsiders, Stub};
use super::{Admission, Exposure, Field, Kind, Object, Outside};

/// Names a record: its table and its id as the CRM writes it. Both spellings of an id name one record.
#[derive(Debug, Clone)]
pub struct RecordRef {
    /// The table.
    pub object: Object,
    /// The id.
    pub id: Box<str>,
}

impl RecordRef {
    fn key(&self) -> (Object, &str) {
        (self.object, id_key(&self.id))
    }
}

impl PartialEq for RecordRef {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for RecordRef {}

impl PartialOrd for RecordRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RecordRef {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for RecordRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.id)
    }
}

/// One table's admitted records.
pub struct Batch {
    object: Object,
    /// By the slots of their fields.
    columns: Vec<Option<Held>>,
    /// The slot of the field that names records.
    key: usize,
    lines: Vec<u32>,
    files: Vec<Share>,
    fields: BTreeSet<Field>,
    withheld: BTreeSet<(usize, usize)>,
    index: Index,
    outsiders: Outsiders,
    aside: SetAside,
    under_review: Vec<bool>,
    /// The field that dates what evidence quotes, where it may be shown.
    modified: Option<Field>,
    zone: Tz,
}

/// One input's share of a table.
struct Share {
    /// The position of its first row.
    start: usize,
    file: String,
    /// The column in which each field stands.
    columns: BTreeMap<String, String>,
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
    ) -> (Self, Vec<Admission>) {
        let mut admissions = Vec::new();
        let mut withheld_at = Vec::new();
        let zone = loads.first().map_or(Tz::UTC, |load| load.zone);
        let mut batch = Parts { key: usize::MAX, ..Parts::default() };
        let mut fields = BTreeSet::new();
        let mut outside = Vec::new();
        let mut aside = SetAside::default();
        for load in loads {
            let columns = load.admission.columns.iter();
            let share = Share {
                start: batch.lines.len(),
                file: load.admission.file.clone(),
                columns: columns.map(|(field, it)| (field.name().to_owned(), it.clone())).collect(),
            };
            fields.extend(load.admission.columns.iter().map(|(field, _)| field.clone()));
            for withheld in &load.admission.withheld {
                withheld_at.push((batch.files.len(), withheld.line, withheld.field.clone()));
            }
            batch.files.push(share);
            for (field, column) in load.columns {
                batch.append(object, &field, column);
            }
            batch.lines.extend(load.lines);
            outside.extend(load.outside);
            aside.and(load.aside);
            admissions.push(load.admission);
        }
        for place in &mut batch.columns {
            *place = place.take().map(|column| column.padded(batch.lines.len()).in_one_piece());
        }
        let mut outsiders = Outsiders::default();
        for stub in &outside {
            outsiders.add(stub, batch.key);
        }
        let mut index = Index::default();
        if matches!(object.row_key(), "id" | "key") {
            let modified = fields.iter().find(|field: &&Field| field.name() == "modified");
            let mut repeats;
            (index, repeats) = batch.index(threads);
            let versions = batch.versions(&outside, &index, &repeats, modified, &mut outsiders);
            if !versions.is_empty() {
                batch.leave_out(&versions, &mut admissions);
                (index, repeats) = batch.index(threads);
            }
            if !repeats.is_empty() {
                let repeats = batch.settled(&index, &repeats, modified);
                batch.drop_repeats(&repeats, &mut admissions);
                index = batch.index(threads).0;
            }
        }
        let Parts { columns, key, lines, files } = batch;
        let dates =
            |field: &&Field| field.name() == "modified" && field.exposure() == Exposure::Shown;
        let modified = fields.iter().find(dates).cloned();
        let mut batch = Self {
            object,
            columns,
            key,
            under_review: vec![true; lines.len()],
            lines,
            files,
            fields,
            withheld: BTreeSet::new(),
            index,
            outsiders,
            aside,
            modified,
            zone,
        };
        batch.mark_withheld(&withheld_at, reads);
        (batch, admissions)
    }

    fn id(&self, at: usize) -> &str {
        match self.columns.get(self.key).and_then(Option::as_ref) {
            Some(Held::Text(ids)) => ids.get(at).unwrap_or_default(),
            Some(Held::Millis(_) | Held::Number(_) | Held::Flag(_)) | None => "",
        }
    }

    fn mark_withheld(&mut self, withheld: &[(usize, u64, String)], reads: &BTreeSet<Field>) {
        for (file, line, name) in withheld {
            let read = reads.iter().find(|f| f.object() == self.object && f.name() == name);
            let Some(field) = read else { continue };
            let start = self.files.get(*file).map_or(0, |share| share.start);
            let end = self.files.get(file + 1).map_or(self.len(), |share| share.start);
            // A file's rows stand in the order of their lines, and a row that was set aside is gone.
            let here = self.lines.get(start..end).unwrap_or_default();
            if let Ok(at) = here.binary_search_by(|at| u64::from(*at).cmp(line)) {
                self.withheld.insert((start + at, field.0.slot));
            }
        }
    }

    fn file_at(&self, at: usize) -> usize {
        file_at(&self.files, at)
    }

    /// The table.
    pub fn object(&self) -> Object {
        self.object
    }

    /// How many records were admitted.
    pub fn len(&self) -> usize {
        self.lines.len()
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

    /// The columns in which a field stands, one for each input that has it.
    pub fn columns_of(&self, field: &Field) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|share| share.columns.get(field.name()).map(String::as_str))
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
        let at = self.index.find(id, |row| self.id(row))?;
        Some(Row { batch: self, at })
    }

    /// Why a record that came stays outside the review: it is none of these records.
    pub fn outside(&self, id: &str) -> Option<Outside> {
        self.outsiders.why(id)
    }

    /// True when the record is not here, and a row that was set aside may be its own: whether it is gone is
    /// not known.
    pub fn may_lack(&self, id: &str) -> bool {
        self.find(id).is_none()
            && self.outside(id).is_none()
            && super::ids(id).any(|id| self.aside.may_be(id))
    }

    /// True when some record that came is excluded from the review.
    pub fn excludes(&self) -> bool {
        self.outsiders.excludes
    }

    /// True when a record that is excluded from the review holds an id in a field.
    pub fn excluded_holds(&self, field: &Field, id: &str) -> bool {
        self.outsiders.excluded_holds(field, id)
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

/// The columns of a table while its files are put together.
#[derive(Default)]
struct Parts {
    columns: Vec<Option<Held>>,
    key: usize,
    lines: Vec<u32>,
    files: Vec<Share>,
}

impl Parts {
    /// Puts a column of the next file behind those of the files before it.
    fn append(&mut self, object: Object, field: &Field, column: Held) {
        let slot = field.0.slot;
        if field.name() == object.row_key() {
            self.key = slot;
        }
        if self.columns.len() <= slot {
            self.columns.resize_with(slot + 1, || None);
        }
        let Some(place) = self.columns.get_mut(slot) else { return };
        let before = self.lines.len();
        let whole = place.take().unwrap_or_else(|| column.none(0));
        *place = Some(whole.padded(before).then(column));
    }

    /// The rows by their id, and the rows whose id stands on an earlier row.
    fn index(&self, threads: NonZeroUsize) -> (Index, Vec<usize>) {
        match self.columns.get(self.key).and_then(Option::as_ref) {
            Some(Held::Text(ids)) => {
                Index::of(ids.len(), |row| ids.get(row).unwrap_or_default(), threads)
            }
            Some(Held::Millis(_) | Held::Number(_) | Held::Flag(_)) | None => Default::default(),
        }
    }

    fn file_at(&self, at: usize) -> usize {
        file_at(&self.files, at)
    }

    fn held(&self, slot: usize) -> Option<&Held> {
        self.columns.get(slot).and_then(Option::as_ref)
    }

    fn id(&self, at: usize) -> &str {
        match self.held(self.key) {
            Some(Held::Text(ids)) => ids.get(at).unwrap_or_default(),
            Some(Held::Millis(_) | Held::Number(_) | Held::Flag(_)) | None => "",
        }
    }

    /// When each row was last changed, where a column says so.
    fn changed(&self, modified: Option<&Field>) -> impl Fn(usize) -> Option<i64> {
        let dates = match modified.and_then(|field| self.held(field.0.slot)) {
            Some(Held::Millis(dates)) => Some(dates),
            Some(Held::Text(_) | Held::Number(_) | Held::Flag(_)) | None => None,
        };
        move |at| dates.and_then(|dates| dates.get(at))
    }

    /// The rows, in their order, of records of which another row says that they stay outside. Whoever is
    /// excluded is, whichever row says so; a record that was deleted is, unless its row is not known to be
    /// the older one.
    fn versions(
        &self,
        outside: &[Stub],
        index: &Index,
        repeats: &[usize],
        modified: Option<&Field>,
        outsiders: &mut Outsiders,
    ) -> Vec<(usize, Outside)> {
        let mut deleted: BTreeMap<&str, Option<i64>> = BTreeMap::new();
        let mut firsts = BTreeSet::new();
        for stub in outside {
            let Some(id) = stub.id(self.key) else { continue };
            firsts.extend(index.find(id, |row| self.id(row)));
            let last = deleted.entry(id_key(id)).or_default();
            *last = stub.modified.max(*last);
        }
        if firsts.is_empty() {
            return Vec::new();
        }
        let changed = self.changed(modified);
        let mut versions = Vec::new();
        let rows: BTreeSet<usize> = firsts.into_iter().chain(repeats.iter().copied()).collect();
        for at in rows {
            let id = self.id(at);
            let is_older = || {
                let gone = deleted.get(id_key(id)).copied().flatten();
                changed(at).zip(gone).is_some_and(|(row, gone)| row < gone)
            };
            match outsiders.why(id) {
                Some(Outside::Deleted) if !is_older() => outsiders.remove(id),
                Some(why) => versions.push((at, why)),
                None => {}
            }
        }
        versions
    }

    /// The rows to set aside, in their order, where ids stand on several: of two rows of a record the one
    /// that was changed later stays; where that is not known, the first.
    fn settled(&self, index: &Index, repeats: &[usize], modified: Option<&Field>) -> Vec<Repeat> {
        let changed = self.changed(modified);
        // By the first row of an id, the one that stays so far.
        let mut kept: BTreeMap<usize, usize> = BTreeMap::new();
        let mut set_aside = Vec::new();
        for &at in repeats {
            let Some(first) = index.find(self.id(at), |row| self.id(row)) else { continue };
            let kept = kept.entry(first).or_insert(first);
            let order = changed(at).zip(changed(*kept)).map(|(this, kept)| this.cmp(&kept));
            let why = match order {
                Some(Ordering::Greater | Ordering::Less) => Why::Older,
                Some(Ordering::Equal) | None if self.is_same(at, *kept) => Why::Same,
                Some(Ordering::Equal) | None if self.file_at(at) == self.file_at(*kept) => {
                    Why::Repeated
                }
                Some(Ordering::Equal) | None => Why::Unsettled,
            };
            let is_newer = order == Some(Ordering::Greater);
            let loser = if is_newer { mem::replace(kept, at) } else { at };
            set_aside.push(Repeat { at: loser, why });
        }
        set_aside.sort_by_key(|repeat| repeat.at);
        set_aside
    }

    /// True when two rows say the same in every column that is read.
    fn is_same(&self, a: usize, b: usize) -> bool {
        self.columns.iter().flatten().all(|column| match column {
            Held::Text(texts) => texts.get(a) == texts.get(b),
            Held::Millis(times) => times.get(a) == times.get(b),
            Held::Number(numbers) => numbers.get(a) == numbers.get(b),
            Held::Flag(flags) => flags.get(a) == flags.get(b),
        })
    }

    /// Sets aside rows whose id stands on another row, too.
    fn drop_repeats(&mut self, repeats: &[Repeat], admissions: &mut [Admission]) {
        let mut keep = vec![true; self.lines.len()];
        for Repeat { at, why } in repeats {
            let line = self.lines.get(*at).copied().unwrap_or_default().into();
            let file = self.file_at(*at);
            if let Some(admission) = admissions.get_mut(file) {
                admission.set_aside.push((line, why.words().to_owned()));
                admission.unsettled += usize::from(*why == Why::Unsettled);
                admission.rows = admission.rows.saturating_sub(1);
            }
            if let Some(keep) = keep.get_mut(*at) {
                *keep = false;
            }
        }
        for admission in admissions {
            admission.set_aside.sort();
        }
        self.keep(&keep);
    }

    /// Leaves rows out that are no records of the review.
    fn leave_out(&mut self, rows: &[(usize, Outside)], admissions: &mut [Admission]) {
        let mut keep = vec![true; self.lines.len()];
        for (at, why) in rows {
            let file = self.file_at(*at);
            if let Some(admission) = admissions.get_mut(file) {
                *admission.outside.entry(*why).or_default() += 1;
                admission.rows = admission.rows.saturating_sub(1);
            }
            if let Some(keep) = keep.get_mut(*at) {
                *keep = false;
            }
        }
        self.keep(&keep);
    }

    /// Keeps the rows that are marked.
    fn keep(&mut self, keep: &[bool]) {
        for share in &mut self.files {
            let before = keep.get(..share.start).unwrap_or_default();
            share.start -= before.iter().filter(|keep| !**keep).count();
        }
        for column in self.columns.iter_mut().flatten() {
            *column = column.kept(keep);
        }
        let mut marks = keep.iter();
        self.lines.retain(|_| marks.next().copied().unwrap_or(true));
    }
}

/// A row to set aside because its id stands on another one, too.
struct Repeat {
    at: usize,
    why: Why,
}

/// What tells the row that stays from the one that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It was changed before the other.
    Older,
    /// Nothing: they say the same.
    Same,
    /// That it comes later in the same file.
    Repeated,
    /// That its file comes later. They differ, and which is newer is not known.
    Unsettled,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Older => "the id stands on another row, which was changed later",
            Self::Same | Self::Repeated => "the id stands on an earlier row",
            Self::Unsettled => {
                "the id stands on a row of an earlier file, which says otherwise; which is newer is not known"
            }
        }
    }
}

/// The file of a row: the last that begins at or before it.
fn file_at(files: &[Share], at: usize) -> usize {
    files.partition_point(|share| share.start <= at).saturating_sub(1)
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
        self.batch.id(self.at)
    }

    /// The record's name for evidence.
    pub fn record(self) -> RecordRef {
        RecordRef { object: self.batch.object, id: self.id().into() }
    }

    /// The input the record came from.
    pub fn file(self) -> &'b str {
        self.batch.files.get(self.batch.file_at(self.at)).map_or("", |share| &share.file)
    }

    /// The line the record starts on in its input.
    pub fn line(self) -> u64 {
        self.batch.lines.get(self.at).copied().unwrap_or_default().into()
    }

    /// True when the record is part of the batch under review.
    pub fn is_under_review(self) -> bool {
        self.batch.under_review.get(self.at).copied().unwrap_or(false)
    }

    fn column(self, field: &Field) -> Option<&'b Held> {
        debug_assert_eq!(field.object(), self.batch.object, "a field of another table");
        self.batch.columns.get(field.0.slot)?.as_ref()
    }

    /// A text value; `None` when blank, withheld or not in the input.
    pub fn text(self, field: &Field) -> Option<&'b str> {
        match self.column(field)? {
            Held::Text(texts) => texts.get(self.at),
            Held::Millis(_) | Held::Number(_) | Held::Flag(_) => None,
        }
    }

    /// An instant; a day is its first instant in the review's zone.
    pub fn time(self, field: &Field) -> Option<DateTime<Utc>> {
        match self.column(field)? {
            Held::Millis(times) => times.get(self.at).map(instant),
            Held::Text(_) | Held::Number(_) | Held::Flag(_) => None,
        }
    }

    /// An instant that a sentence may tell: nothing where the field is not shown.
    pub fn told_time(self, field: &Field) -> Option<DateTime<Utc>> {
        self.time(field).filter(|_| field.exposure() == Exposure::Shown)
    }

    /// The calendar day in a zone.
    pub fn day(self, field: &Field, zone: Tz) -> Option<NaiveDate> {
        self.time(field).map(|at| at.with_timezone(&zone).date_naive())
    }

    /// The day that a date names, as [`named_day`] has it.
    pub fn named_day(self, field: &Field, zone: Tz) -> Option<NaiveDate> {
        self.time(field).map(|at| named_day(at, zone))
    }

    /// A number.
    pub fn number(self, field: &Field) -> Option<f64> {
        match self.column(field)? {
            Held::Number(numbers) => numbers.get(self.at),
            Held::Text(_) | Held::Millis(_) | Held::Flag(_) => None,
        }
    }

    /// Yes or no.
    pub fn flag(self, field: &Field) -> Option<bool> {
        match self.column(field)? {
            Held::Flag(flags) => flags.get(self.at),
            Held::Text(_) | Held::Millis(_) | Held::Number(_) => None,
        }
    }

    /// True when there is no value of any kind and none was withheld.
    pub fn is_blank(self, field: &Field) -> bool {
        !self.is_withheld(field)
            && match self.column(field) {
                None => true,
                Some(Held::Text(_)) => self.text(field).is_none(),
                Some(Held::Millis(_)) => self.time(field).is_none(),
                Some(Held::Number(_)) => self.number(field).is_none(),
                Some(Held::Flag(_)) => self.flag(field).is_none(),
            }
    }

    /// True when there was a value that looked like a secret and was not copied.
    pub fn is_withheld(self, field: &Field) -> bool {
        self.batch.withheld.contains(&(self.at, field.0.slot))
    }

    /// The value as one text, whatever its kind, without regard to exposure: for comparisons inside checks.
    pub fn written(self, field: &Field) -> Option<String> {
        match self.column(field)? {
            Held::Text(_) => self.text(field).map(str::to_owned),
            Held::Millis(_) => self.time(field).map(|at| written_time(at, self.batch.zone)),
            Held::Number(_) => self.number(field).map(written_number),
            Held::Flag(_) => {
                self.flag(field).map(|flag| if flag { "true" } else { "false" }.to_owned())
            }
        }
    }

    /// The value as evidence may quote it.
    pub fn cell(self, field: &Field) -> Cell {
        self.cell_as(field, field.exposure())
    }

    /// The value as evidence may quote it where it is another field's as well: as the stricter allows.
    pub fn cell_within(self, field: &Field, other: Exposure) -> Cell {
        self.cell_as(field, field.exposure().max(other))
    }

    fn cell_as(self, field: &Field, exposure: Exposure) -> Cell {
        let shown = if self.is_withheld(field) {
            Shown::Withheld
        } else {
            match (self.written(field), exposure) {
                (None, _) => Shown::Blank,
                (Some(value), Exposure::Shown) => Shown::Value(value),
                (Some(value), Exposure::Masked) => Shown::Masked(mask(&value)),
                (Some(_), Exposure::Never) => Shown::Never,
            }
        };
        let share = self.batch.files.get(self.batch.file_at(self.at));
        Cell {
            record: self.record(),
            field: field.name().to_owned(),
            column: share
                .and_then(|share| share.columns.get(field.name()))
                .cloned()
                .unwrap_or_default(),
            file: share.map(|share| share.file.clone()).unwrap_or_default(),
            line: self.line(),
            shown,
            names: field.kind() == Kind::Id,
            called: None,
            modified: self.batch.modified.as_ref().and_then(|it| self.day(it, self.batch.zone)),
        }
    }
}

/// The day an instant means. A bare day and midnight UTC, as HubSpot and others write a day, both mean the
/// day they name, whatever the zone.
pub fn named_day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    let local = at.with_timezone(&zone).date_naive();
    if at.time() == NaiveTime::MIN { local.max(at.date_naive()) } else { local }
}

/// True when a value names a day and no time of day.
pub fn is_bare_day(at: DateTime<Utc>, zone: Tz) -> bool {
    at.time() == NaiveTime::MIN || at.with_timezone(&zone).time() == NaiveTime::MIN
}

/// `2026-11-23` for a day, else `2026-11-23 09:30 CET`.
fn written_time(at: DateTime<Utc>, zone: Tz) -> String {
    if is_bare_day(at, zone) {
        named_day(at, zone).format("%F").to_string()
    } else {
        at.with_timezone(&zone).format("%F %H:%M %Z").to_string()
    }
}

/// A number as it is compared and quoted: without a fraction when there is none.
pub fn written_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

/// `a…@example.com` for addresses, the first and last character otherwise.
fn mask(value: &str) -> String {
    let value = value.trim();
    // Of several addresses in one cell, each.
    if value.matches('@').nth(1).is_some() && value.contains([',', ';']) {
        let parts = value.split([',', ';']).filter(|part| !part.trim().is_empty());
        let parts: Vec<_> = parts.map(mask).collect();
        return parts.join(", ");
    }
    if let Some(address) = masked_address(value) {
        return address;
    }
    let mut letters = value.chars();
    match (letters.next(), letters.next_back()) {
        (Some(first), Some(last)) if value.chars().count() > 4 => format!("{first}…{last}"),
        _ => "…".to_owned(),
    }
}

/// What a mask leaves of an address: its first character and its domain. `None` where the value is none, or
/// where more follows, which a mask would show.
pub fn masked_address(value: &str) -> Option<String> {
    let (local, domain) = value.trim().rsplit_once('@')?;
    let first = local.trim_start().chars().next().filter(|_| is_domain(domain))?;
    Some(format!("{first}…@{domain}"))
}

/// Whether a text is of the shape of a domain: letters, digits, dots and hyphens, and some letter among them.
pub fn is_domain(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    text.chars().all(plain) && text.contains(char::is_alphabetic)
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
    /// It holds ids.
    names: bool,
    /// What the one is called whose id the value is.
    called: Option<String>,
    modified: Option<NaiveDate>,
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

    /// The field in a sentence: `close date`.
    pub fn label(&self) -> String {
        self.field.replace('_', " ")
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

    /// What it says, whatever the spelling of an id.
    pub fn fact(&self) -> String {
        match &self.shown {
            Shown::Value(ids) if self.names => format!("{} = {}", self.field, in_full(ids)),
            Shown::Blank | Shown::Value(_) | Shown::Masked(_) | Shown::Never | Shown::Withheld => {
                self.to_string()
            }
        }
    }

    /// What may be shown of it.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// What the one is called whose id the value is, where that is known and may be shown.
    pub fn called(&self) -> Option<&str> {
        self.called.as_deref()
    }

    /// The day on which its record was last changed, where the input says so: from then on the value stands.
    pub fn modified(&self) -> Option<NaiveDate> {
        self.modified
    }

    /// Says what the one is called whose id the value is.
    pub fn call(&mut self, name: String) {
        self.called = Some(name);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_addresses_each_is_masked() {
        for (value, shown) in [
            ("ann@acme.com", "a…@acme.com"),
            ("ann@acme.com, bo@home.org;cy@work.net,", "a…@acme.com, b…@home.org, c…@work.net"),
            ("ann@acme@com", "a…@com"),
            ("Ng, Ann", "N…n"),
            ("ann@acme.com; 0171-5551234", "a…4"),
            ("ann@acme.com (mobile 0171 5551234)", "a…)"),
            ("ann@acme.com 0171", "a…1"),
            (" @acme.com", "@…m"),
            ("ann@0171-5551234", "a…4"),
            ("ann@münchen.example", "a…@münchen.example"),
        ] {
            assert_eq!(mask(value), shown);
        }
    }

    #[test]
    fn midnight_utc_is_the_day_it_names_on_both_sides_of_greenwich() {
        let written = |at: &str, zone| {
            let at: DateTime<Utc> = at.parse().unwrap();
            (written_time(at, zone), named_day(at, zone).to_string())
        };
        let day = ("2026-05-01".to_owned(), "2026-05-01".to_owned());
        for zone in [chrono_tz::America::New_York, chrono_tz::UTC, chrono_tz::Europe::Berlin] {
            assert_eq!(written("2026-05-01T00:00:00Z", zone), day, "{zone}");
        }
        assert_eq!(written("2026-05-01T04:00:00Z", chrono_tz::America::New_York), day);
        let time = written("2026-05-01T02:30:00Z", chrono_tz::America::New_York);
        assert_eq!((&*time.0, &*time.1), ("2026-04-30 22:30 EDT", "2026-04-30"));
    }
}
