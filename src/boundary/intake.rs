//! Admission: rows of an input become columns, cell by allowlisted cell.
//!
//! A [`ColumnMap`] matches a header against the allowlist; one [`Intake`] per chunk of the input takes rows,
//! and they are [`Gathered`] in the order of the input.
//! Each cell is checked against its field's kind before anything of its row is copied.
//! Does not: read files, or keep a byte of a column that was not granted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::TimeZone as _;
use chrono_tz::Tz;
use hashbrown::HashSet;

use super::column::{self, Column, Growing, Held, Millis, Number};
use super::figure::{Figure, Open};
use super::glance::Glance;
use super::kind::{Moment, Unordered, Value};
use super::outside::{RowFilter, Stub};
use super::{
    Batch, Boundary, DateOrder, DecimalMark, Field, Object, Outside, Unlisted, id_key, scanner,
};

/// Why an input as a whole was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The column that names records is not there.
    #[error("{file}: no column for `{object}.{key}`; expected {expected}")]
    NoKey {
        /// The input.
        file: String,
        /// Its table.
        object: Object,
        /// The canonical name of the missing column.
        key: &'static str,
        /// The header names that would do.
        expected: String,
    },
    /// The column that says who is to be left out is not there.
    #[error(
        "{file}: no column for `{field}`, so nobody can tell which rows are to be left out; export it \
         ({expected}), or take the field out of rules/boundary.toml"
    )]
    NoExclusion {
        /// The input.
        file: String,
        /// The field.
        field: String,
        /// The header names that would do.
        expected: String,
    },
    /// Two columns of the input would fill one field.
    #[error(
        "{file}: `{field}` could come from {columns}; keep one of them in `from` in rules/boundary.toml"
    )]
    TwoColumns {
        /// The input.
        file: String,
        /// The field.
        field: String,
        /// The columns that are both there.
        columns: String,
    },
    /// Nothing proves whether the day or the month comes first.
    #[error(
        "{file}: the dates in column `{column}` can be read day first or month first; \
         add `dates = \"day-first\"` or `dates = \"month-first\"` to `{field}` in rules/boundary.toml"
    )]
    DateOrderUnknown {
        /// The input.
        file: String,
        /// The column.
        column: String,
        /// The field.
        field: String,
    },
    /// Some dates only work day first, others only month first.
    #[error(
        "{file}: column `{column}` holds dates that only work day first and dates that only work month first"
    )]
    DateOrderMixed {
        /// The input.
        file: String,
        /// The column.
        column: String,
    },
    /// Nothing proves whether a point or a comma stands before the decimals.
    #[error(
        "{file}: numbers in column `{column}`, such as 1.200, can be read in two ways; \
         add `decimal = \"point\"` or `decimal = \"comma\"` to `{field}` in rules/boundary.toml"
    )]
    DecimalMarkUnknown {
        /// The input.
        file: String,
        /// The column.
        column: String,
        /// The field.
        field: String,
    },
    /// The numbers of a column show another decimal mark than the one that is declared.
    #[error(
        "{file}: numbers in column `{column}` do not have the decimal {declared} that `{field}` declares; \
         correct `decimal` in rules/boundary.toml or take it out"
    )]
    DecimalMarkContradicted {
        /// The input.
        file: String,
        /// The column.
        column: String,
        /// The field.
        field: String,
        /// The mark that is declared.
        declared: &'static str,
    },
    /// Columns are there that nobody listed, and the boundary says to refuse them.
    #[error(
        "{file}: {count} columns are not in rules/boundary.toml, and `unlisted = \"refuse\"`: {names}"
    )]
    Unlisted {
        /// The input.
        file: String,
        /// How many.
        count: usize,
        /// Their names.
        names: String,
    },
}

/// A cell whose shape is not its field's: the row is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The canonical name of the field.
    pub field: String,
    /// What is wrong, without the value.
    pub why: &'static str,
    /// Length of the cell in bytes.
    pub length: usize,
}

/// A value that was not copied because it looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withheld {
    /// The record's id.
    pub record: String,
    /// The canonical name of the field.
    pub field: String,
    /// What it looks like.
    pub looks_like: &'static str,
    /// The line it stands on.
    pub line: u64,
}

/// What was and was not let in from one input. Names and counts, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The input.
    pub file: String,
    /// The table it holds.
    pub object: Object,
    /// Admitted fields and the columns they came from.
    pub columns: Vec<(Field, String)>,
    /// Columns that match a blocked name.
    pub blocked: Vec<String>,
    /// Columns nobody listed.
    pub unlisted: Vec<String>,
    /// Listed columns that no enabled check reads, and which were therefore not read.
    pub unread: Vec<String>,
    /// Fields some check reads that have no column here.
    pub absent: Vec<Field>,
    /// Rows admitted.
    pub rows: usize,
    /// Rows that are no records of the review, by the reason.
    pub outside: BTreeMap<Outside, usize>,
    /// Rows set aside at the boundary after the reader had accepted them: line and reason.
    pub set_aside: Vec<(u64, String)>,
    /// How many of them are other versions of records that were taken from an earlier file, without a date
    /// that tells which is newer.
    pub unsettled: usize,
    /// Values withheld.
    pub withheld: Vec<Withheld>,
    /// For each column of unordered dates, what settled the order.
    pub date_orders: Vec<(String, DateOrder, &'static str)>,
    /// For each column of numbers that can be read in two ways, what settled the decimal mark.
    pub decimal_marks: Vec<(String, DecimalMark, &'static str)>,
}

impl Admission {
    /// That of an input of which nothing is known yet.
    fn of(file: &str, object: Object) -> Self {
        Self {
            file: file.to_owned(),
            object,
            columns: Vec::new(),
            blocked: Vec::new(),
            unlisted: Vec::new(),
            unread: Vec::new(),
            absent: Vec::new(),
            rows: 0,
            outside: BTreeMap::new(),
            set_aside: Vec::new(),
            unsettled: 0,
            withheld: Vec::new(),
            date_orders: Vec::new(),
            decimal_marks: Vec::new(),
        }
    }

    /// How many rows are no records of the review.
    pub fn left_out(&self) -> usize {
        self.outside.values().sum()
    }

    /// How the dates of each column were read, and what settled that, in words.
    pub fn orders_told(&self) -> impl Iterator<Item = (&str, String)> {
        let told = self.date_orders.iter();
        told.map(|(column, order, how)| (column.as_str(), format!("{}, {how}", order.word())))
    }

    /// Which mark stands before the decimals of each column, and what settled that, in words.
    pub fn marks_told(&self) -> impl Iterator<Item = (&str, String)> {
        let told = self.decimal_marks.iter();
        told.map(|(column, mark, how)| (column.as_str(), format!("{}, {how}", mark.word())))
    }
}

/// A column of an input that is read.
#[derive(Debug, Clone)]
struct Wanted {
    /// Its position in the header.
    at: usize,
    field: Field,
    name: String,
}

/// Which columns of one input fill which fields. Takes its rows in, chunk by chunk.
#[derive(Debug, Clone)]
pub struct ColumnMap {
    file: String,
    zone: Tz,
    columns: Vec<Wanted>,
    key_at: usize,
    /// The decimal mark, where it is known of whatever is written there.
    decimal: Option<DecimalMark>,
    filter: Option<Arc<RowFilter>>,
    admission: Admission,
}

impl Boundary {
    /// The column names by which a reader recognises an input of this table.
    pub fn names(&self, object: Object) -> Vec<&str> {
        self.fields(object).flat_map(|field| field.from().iter().map(String::as_str)).collect()
    }

    /// The columns of one input: its header is matched against the fields that are read.
    pub fn admit(
        &self,
        object: Object,
        file: &str,
        header: &[String],
        reads: &BTreeSet<Field>,
        zone: Tz,
    ) -> Result<ColumnMap, AdmitError> {
        let mut admission = Admission::of(file, object);
        let mut columns = Vec::new();
        let mut listed = BTreeSet::new();
        for field in self.fields(object) {
            let found: Vec<(usize, &str)> = field
                .from()
                .iter()
                .filter_map(|name| place_of(header, name).map(|at| (at, name.as_str())))
                .collect();
            listed.extend(found.iter().map(|(at, _)| *at));
            match found.as_slice() {
                [] if Outside::named(field.name()) == Some(Outside::Excluded) => {
                    return Err(AdmitError::NoExclusion {
                        file: file.to_owned(),
                        field: field.to_string(),
                        expected: field.expected(),
                    });
                }
                [] if reads.contains(field) => admission.absent.push(field.clone()),
                [] => {}
                [(at, name)]
                    if reads.contains(field)
                        || field.name() == object.row_key()
                        || Outside::named(field.name()).is_some() =>
                {
                    let (field, name) = (field.clone(), (*name).to_owned());
                    admission.columns.push((field.clone(), name.clone()));
                    columns.push(Wanted { at: *at, field, name });
                }
                [(_, name)] => admission.unread.push((*name).to_owned()),
                several => {
                    let names: Vec<_> =
                        several.iter().map(|(_, name)| format!("`{name}`")).collect();
                    return Err(AdmitError::TwoColumns {
                        file: file.to_owned(),
                        field: field.to_string(),
                        columns: names.join(" and "),
                    });
                }
            }
        }
        let rest = header.iter().enumerate().filter(|(at, _)| !listed.contains(at));
        (admission.blocked, admission.unlisted) =
            rest.map(|(_, name)| name.clone()).partition(|name| self.blocking(name).is_some());
        if self.unlisted() == Unlisted::Refuse && !admission.unlisted.is_empty() {
            return Err(AdmitError::Unlisted {
                file: file.to_owned(),
                count: admission.unlisted.len(),
                names: admission.unlisted.join(", "),
            });
        }
        let key = object.row_key();
        let Some(key_at) = columns.iter().position(|it| it.field.name() == key) else {
            let expected =
                self.field(object, key).map_or_else(|_| format!("`{key}`"), |it| it.expected());
            return Err(AdmitError::NoKey { file: file.to_owned(), object, key, expected });
        };
        let fields: Vec<Field> = columns.iter().map(|wanted| wanted.field.clone()).collect();
        let filter = RowFilter::of(object, &fields, key_at, self.exclusions()).map(Arc::new);
        Ok(ColumnMap {
            file: file.to_owned(),
            zone,
            columns,
            key_at,
            decimal: None,
            filter,
            admission,
        })
    }
}

/// The position of a column: the one of that name, or of `Create Date#2` the second `Create Date`.
pub fn place_of(header: &[String], name: &str) -> Option<usize> {
    header.iter().position(|column| column == name).or_else(|| {
        let (bare, nth) = ordinal(name)?;
        let mut same = header.iter().enumerate().filter(|(_, column)| *column == bare);
        same.nth(nth - 1).map(|(at, _)| at)
    })
}

/// `Create Date#2` is the second `Create Date`, unless a column is called so.
pub fn ordinal(name: &str) -> Option<(&str, usize)> {
    let (bare, nth) = name.rsplit_once('#')?;
    let nth = nth.parse().ok().filter(|&nth| nth > 0)?;
    Some((bare, nth))
}

impl ColumnMap {
    /// The same for an input that a program writes for programs: a point stands before decimals, and
    /// thousands are not grouped.
    #[must_use]
    pub fn of_a_program(mut self) -> Self {
        self.decimal = Some(DecimalMark::Point);
        self
    }

    /// The positions of the columns a reader has to hand in, in the order expected by [`Intake::row`].
    pub fn wanted(&self) -> Vec<usize> {
        self.columns.iter().map(|wanted| wanted.at).collect()
    }

    /// The names of those columns.
    pub fn wanted_names(&self) -> Vec<&str> {
        self.columns.iter().map(|wanted| wanted.name.as_str()).collect()
    }

    /// The fields that are read from them.
    pub fn wanted_fields(&self) -> impl Iterator<Item = &Field> {
        self.columns.iter().map(|wanted| &wanted.field)
    }

    /// Where a field stands among the wanted columns.
    pub fn position(&self, field: &str) -> usize {
        self.columns.iter().position(|wanted| wanted.field.name() == field).unwrap_or_default()
    }

    /// A place for one chunk's rows.
    pub fn intake(&self) -> Intake {
        Intake {
            fields: self.columns.iter().map(|wanted| wanted.field.clone()).collect(),
            key_at: self.key_at,
            columns: self
                .columns
                .iter()
                .map(|wanted| Column::of(wanted.field.kind(), ROOM))
                .collect(),
            undecided: Vec::new(),
            decimal: self.decimal,
            marks: vec![Marks::default(); self.columns.len()],
            lines: Vec::with_capacity(ROOM),
            withheld: Vec::new(),
            filter: self.filter.clone(),
            outside: Vec::new(),
            refused: Vec::new(),
            zone: self.zone,
            waiting: Vec::new(),
        }
    }

    /// Settles what only the whole input can tell.
    pub fn close(mut self, whole: Gathered) -> Result<Load, AdmitError> {
        let Gathered { mut columns, undecided, marks, mut lines, withheld, mut outside, refused } =
            whole;
        let mut aside = SetAside::of(refused);
        let keep = self.settle(&mut columns, undecided, &marks, &lines)?;
        let mut columns: Vec<Held> = columns.into_iter().map(Growing::hold).collect();
        for (row, slot, looks_like) in withheld {
            let record = match columns.get(self.key_at) {
                Some(Held::Text(ids)) => ids.get(row).unwrap_or_default().to_owned(),
                _ => "?".to_owned(),
            };
            let field = self.columns.get(slot).map_or("", |wanted| wanted.field.name()).to_owned();
            let line = lines.get(row).copied().unwrap_or_default().into();
            self.admission.withheld.push(Withheld { record, field, looks_like, line });
        }
        if keep.contains(&false) {
            if let Some(Held::Text(ids)) = columns.get(self.key_at) {
                let gone = keep.iter().enumerate().filter(|(_, keep)| !**keep);
                aside.ids.extend(gone.filter_map(|(row, _)| ids.get(row)).map(id_digest));
            }
            for column in &mut columns {
                *column = column.kept(&keep);
            }
            let mut marks = keep.into_iter();
            lines.retain(|_| marks.next().unwrap_or(true));
        }
        for stub in &mut outside {
            *self.admission.outside.entry(stub.why).or_default() += 1;
            for (place, _) in &mut stub.ids {
                *place = self.columns.get(*place).map_or(usize::MAX, |it| it.field.0.slot);
            }
        }
        self.admission.rows = lines.len();
        self.admission.set_aside.sort();
        let fields = self.columns.into_iter().map(|wanted| wanted.field);
        let columns = fields.zip(columns).collect();
        Ok(Load { columns, lines, outside, aside, zone: self.zone, admission: self.admission })
    }

    /// Reads the dates and numbers that wait for the whole input, and says which rows stay.
    fn settle(
        &mut self,
        columns: &mut [Growing],
        mut undecided: Vec<(usize, usize, Undecided)>,
        marks: &[Marks],
        lines: &[u32],
    ) -> Result<Vec<bool>, AdmitError> {
        let mut proofs = vec![Proof::default(); columns.len()];
        let mut written = vec![Marks::default(); columns.len()];
        for (_, slot, value) in &undecided {
            match value {
                Undecided::Date(date) => {
                    if let Some(proof) = proofs.get_mut(*slot) {
                        proof.add(*date);
                    }
                }
                Undecided::Number(figure) => {
                    if let Some(written) = written.get_mut(*slot) {
                        written.add(figure.mark);
                    }
                }
            }
        }
        let decimals = self.shared_decimals(&written, marks)?;
        let orders = self.shared_order(&proofs)?;
        let mut keep = vec![true; lines.len()];
        undecided.sort_by_key(|(row, slot, _)| (*slot, *row));
        for (row, slot, value) in undecided {
            let date = match value {
                Undecided::Date(date) => date,
                Undecided::Number(figure) => {
                    if let Some(decimal) = decimals.get(slot).copied().flatten()
                        && let Some(Growing::Number(numbers)) = columns.get_mut(slot)
                        && let Some(number) = numbers.get_mut(row)
                    {
                        *number = Number::new(figure.read(decimal));
                    }
                    continue;
                }
            };
            let order = orders.get(slot).copied().flatten().unwrap_or(DateOrder::DayFirst);
            if let Some(millis) = date.settled(order).and_then(|moment| moment.millis(self.zone)) {
                if let Some(Growing::Time(times)) = columns.get_mut(slot)
                    && let Some(time) = times.get_mut(row)
                {
                    *time = Millis::new(millis);
                }
            } else if keep.get_mut(row).is_some_and(|keep| std::mem::replace(keep, false)) {
                // A row is set aside once, however many of its days do not exist.
                let line = lines.get(row).copied().unwrap_or_default();
                let column = self.columns.get(slot).map_or("", |wanted| &wanted.name);
                let why = format!("`{column}` names a day that does not exist");
                self.admission.set_aside.push((line.into(), why));
            }
        }
        Ok(keep)
    }

    /// The order of day and month for each column: declared, proven by the column itself, or proven
    /// by another column of the same file, since one export is written in one locale.
    fn shared_order(&mut self, proofs: &[Proof]) -> Result<Vec<Option<DateOrder>>, AdmitError> {
        let by_file: BTreeSet<DateOrder> = proofs
            .iter()
            .filter_map(|proof| match (proof.day_first > 0, proof.month_first > 0) {
                (true, false) => Some(DateOrder::DayFirst),
                (false, true) => Some(DateOrder::MonthFirst),
                _ => None,
            })
            .collect();
        let mut orders = Vec::new();
        for (proof, Wanted { field, name: column, .. }) in proofs.iter().zip(&self.columns) {
            if proof.unordered == 0 {
                orders.push(None);
                continue;
            }
            let (order, how) = match (field.0.dates, proof.day_first > 0, proof.month_first > 0) {
                (Some(declared), ..) => (declared, "declared"),
                (None, true, true) => {
                    return Err(AdmitError::DateOrderMixed {
                        file: self.file.clone(),
                        column: column.clone(),
                    });
                }
                (None, true, false) => (DateOrder::DayFirst, "proven by the column"),
                (None, false, true) => (DateOrder::MonthFirst, "proven by the column"),
                // Day equals month in each of them: either order reads them right, and none is proven.
                (None, false, false) if proof.two_readings == 0 => {
                    orders.push(Some(DateOrder::DayFirst));
                    continue;
                }
                (None, false, false) => match by_file.iter().collect::<Vec<_>>().as_slice() {
                    [order] => (**order, "proven by another column of the file"),
                    _ => {
                        return Err(AdmitError::DateOrderUnknown {
                            file: self.file.clone(),
                            column: column.clone(),
                            field: field.to_string(),
                        });
                    }
                },
            };
            self.admission.date_orders.push((column.clone(), order, how));
            orders.push(Some(order));
        }
        Ok(orders)
    }

    /// The decimal mark of each column with numbers that can be read in two ways: declared, proven by the
    /// column itself, or by the other columns of the same file. Where nothing proves it, a comma before three
    /// digits everywhere separates thousands: nobody writes three decimals each time. A point might be a
    /// program's.
    fn shared_decimals(
        &mut self,
        written: &[Marks],
        marks: &[Marks],
    ) -> Result<Vec<Option<DecimalMark>>, AdmitError> {
        let of_file = marks.iter().fold(Marks::default(), |all, of_column| all.and(*of_column));
        let mut decimals = Vec::new();
        let written = written.iter().zip(marks).zip(&self.columns);
        for ((written, proven), Wanted { field, name: column, .. }) in written {
            if *written == Marks::default() {
                decimals.push(None);
                continue;
            }
            let (decimal, how) = match (field.0.decimal, proven.only(), of_file.only()) {
                (Some(declared), Some(shown), _) if shown != declared => {
                    return Err(AdmitError::DecimalMarkContradicted {
                        file: self.file.clone(),
                        column: column.clone(),
                        field: field.to_string(),
                        declared: declared.word(),
                    });
                }
                (Some(declared), ..) => (declared, "declared"),
                (None, Some(decimal), _) => (decimal, "proven by the column"),
                (None, None, Some(decimal)) => (decimal, "proven by another column of the file"),
                (None, None, None)
                    if *proven == Marks::default()
                        && written.only() == Some(DecimalMark::Comma) =>
                {
                    (DecimalMark::Point, "a comma stands before three digits each time")
                }
                (None, None, None) => {
                    return Err(AdmitError::DecimalMarkUnknown {
                        file: self.file.clone(),
                        column: column.clone(),
                        field: field.to_string(),
                    });
                }
            };
            self.admission.decimal_marks.push((column.clone(), decimal, how));
            decimals.push(Some(decimal));
        }
        Ok(decimals)
    }
}

/// One input's admitted rows, before the inputs of a table are joined into its batch.
pub struct Load {
    pub(super) columns: Vec<(Field, Held)>,
    /// The line of each row.
    pub(super) lines: Vec<u32>,
    /// What is kept of rows that stay outside, their ids by the slots of their fields.
    pub(super) outside: Vec<Stub>,
    pub(super) aside: SetAside,
    pub(super) zone: Tz,
    /// What was let in.
    pub admission: Admission,
}

/// Whose rows were set aside: such a record is neither here nor gone.
#[derive(Debug, Default)]
pub(super) struct SetAside {
    /// Digests of their ids, where the row had one. The id itself is not kept: in a row that shifted it may
    /// be a value of any column.
    ids: HashSet<u64>,
    /// How many of them were refused row by row, while the input was read.
    refused: u64,
    /// How many more rows were set aside, whose ids nobody knows.
    unnamed: u64,
}

impl SetAside {
    fn of(refused: Vec<u64>) -> Self {
        Self { refused: refused.len() as u64, ids: refused.into_iter().collect(), unnamed: 0 }
    }

    pub(super) fn and(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.unnamed += other.unnamed;
    }

    /// True where one of the rows may be that record's.
    pub(super) fn may_be(&self, id: &str) -> bool {
        self.unnamed > 0 || self.ids.contains(&id_digest(id))
    }
}

fn id_digest(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id_key(id.trim()).hash(&mut hasher);
    hasher.finish()
}

impl Load {
    /// Says how many rows the reader of the input counts as set aside, those included whose cells were refused
    /// here.
    pub fn reader_set_aside(&mut self, rows: u64) {
        self.aside.unnamed = rows.saturating_sub(self.aside.refused);
    }

    /// Joins the inputs of one table. Rows whose id was seen before are set aside.
    pub fn join(
        object: Object,
        loads: Vec<Self>,
        reads: &BTreeSet<Field>,
        threads: NonZeroUsize,
    ) -> (Batch, Vec<Admission>) {
        Batch::join(object, loads, reads, threads)
    }
}

/// The rows of an input, chunk behind chunk, in the columns that will hold them.
pub struct Gathered {
    columns: Vec<Growing>,
    undecided: Vec<(usize, usize, Undecided)>,
    marks: Vec<Marks>,
    lines: Vec<u32>,
    withheld: Vec<(usize, usize, &'static str)>,
    outside: Vec<Stub>,
    /// Digests of the ids of refused rows.
    refused: Vec<u64>,
}

impl fmt::Debug for Gathered {
    /// The number of rows alone: values stay inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gathered({} rows)", self.lines.len())
    }
}

impl Gathered {
    /// The rows of the first chunk, which is left ready for another.
    pub fn of(first: &mut Intake) -> Self {
        let mut whole = Self {
            columns: first.columns.iter().map(Growing::like).collect(),
            undecided: Vec::new(),
            marks: vec![Marks::default(); first.columns.len()],
            lines: Vec::new(),
            withheld: Vec::new(),
            outside: Vec::new(),
            refused: Vec::new(),
        };
        whole.take(first);
        whole
    }

    /// Moves the rows of the next chunk behind those that are here, and leaves it ready for another.
    pub fn take(&mut self, next: &mut Intake) {
        let offset = self.lines.len();
        for (column, next) in self.columns.iter_mut().zip(&mut next.columns) {
            column.take(next);
        }
        next.rows_behind(offset, &mut self.undecided, &mut self.withheld, &mut self.marks);
        column::append(&mut self.lines, &mut next.lines);
        self.outside.append(&mut next.outside);
        self.refused.append(&mut next.refused);
    }
}

impl From<Intake> for Gathered {
    fn from(mut intake: Intake) -> Self {
        Self::of(&mut intake)
    }
}

/// Columns begin with room for so many rows: about those of a chunk. Growing there step by step
/// would touch three times the memory.
const ROOM: usize = 4096;

/// What became of a row that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is a record of the review.
    In,
    /// It stays outside.
    Outside,
}

/// Takes the rows of one chunk.
pub struct Intake {
    fields: Arc<[Field]>,
    key_at: usize,
    pub(super) columns: Vec<Column>,
    /// What waits for its whole column, with its row and slot.
    pub(super) undecided: Vec<(usize, usize, Undecided)>,
    /// The decimal mark, where it is known of whatever is written there.
    decimal: Option<DecimalMark>,
    /// By column, the decimal marks that numbers show which wait for nothing.
    marks: Vec<Marks>,
    pub(super) lines: Vec<u32>,
    pub(super) withheld: Vec<(usize, usize, &'static str)>,
    filter: Option<Arc<RowFilter>>,
    /// What is kept of rows that stay outside, their ids by the places of their columns.
    pub(super) outside: Vec<Stub>,
    /// Digests of the ids of refused rows.
    refused: Vec<u64>,
    zone: Tz,
    /// Where the values of a row wait until its last cell has been read; empty between rows.
    waiting: Vec<Value<'static>>,
}

impl fmt::Debug for Intake {
    /// The number of rows alone: values stay inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intake({} rows)", self.lines.len())
    }
}

impl Intake {
    /// Admits one row, or says which cell does not have its field's shape. Of a refused row
    /// a digest of its id is kept and nothing else.
    ///
    /// A row that stays outside the review is not looked at any further.
    pub fn row(&mut self, line: u64, cells: &[&str]) -> Result<Taken, Misfit> {
        let filter = self.filter.as_deref();
        if let Some(stub) =
            filter.and_then(|filter| filter.stub(&self.fields, line, cells, self.zone))
        {
            self.outside.push(stub);
            return Ok(Taken::Outside);
        }
        let mut values = emptied(std::mem::take(&mut self.waiting));
        let result = self.read(cells, &mut values);
        if result.is_ok() {
            for (slot, value) in values.iter().enumerate() {
                self.push(slot, *value);
            }
            self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        } else {
            self.refuse(cells);
        }
        self.waiting = emptied(values);
        result.map(|()| Taken::In)
    }

    /// Remembers whose row was refused, where that can be read.
    #[cold]
    fn refuse(&mut self, cells: &[&str]) {
        let cell = self.fields.get(self.key_at).zip(cells.get(self.key_at));
        let id = cell.and_then(|(field, cell)| value(field, cell).and_then(names_a_record).ok());
        if let Some(Value::Text(id)) = id {
            self.refused.push(id_digest(id));
        }
    }

    /// Moves the rows of the next chunk behind those that are here, and leaves it ready for another.
    pub fn append(&mut self, next: &mut Self) {
        let offset = self.lines.len();
        for (column, next) in self.columns.iter_mut().zip(&mut next.columns) {
            column.append(next);
        }
        next.rows_behind(offset, &mut self.undecided, &mut self.withheld, &mut self.marks);
        column::append(&mut self.lines, &mut next.lines);
        self.outside.append(&mut next.outside);
        self.refused.append(&mut next.refused);
    }

    /// Moves what is known of single rows to where they come to stand, and what their columns show.
    fn rows_behind(
        &mut self,
        offset: usize,
        undecided: &mut Vec<(usize, usize, Undecided)>,
        withheld: &mut Vec<(usize, usize, &'static str)>,
        marks: &mut [Marks],
    ) {
        for (marks, more) in marks.iter_mut().zip(&mut self.marks) {
            *marks = marks.and(std::mem::take(more));
        }
        undecided
            .extend(self.undecided.drain(..).map(|(row, slot, value)| (offset + row, slot, value)));
        withheld
            .extend(self.withheld.drain(..).map(|(row, slot, what)| (offset + row, slot, what)));
    }

    /// Appends a value to its column. A day is its first instant in the review's zone.
    fn push(&mut self, slot: usize, value: Value<'_>) {
        let Some(column) = self.columns.get_mut(slot) else { return };
        match (column, value) {
            (Column::Text(texts), Value::Text(text)) => texts.push(text),
            (Column::Time(times), Value::Moment(moment)) => {
                column::push(times, moment.millis(self.zone).map_or(Millis::NONE, Millis::new));
                if let Moment::Unordered(date) = moment {
                    self.undecided.push((self.lines.len(), slot, Undecided::Date(date)));
                }
            }
            (Column::Number(numbers), Value::Number(figure)) => {
                let number = match (figure, self.decimal) {
                    (Figure::Plain(number), _) | (Figure::Proof(number, _), Some(_)) => number,
                    (Figure::Proof(number, mark), None) => {
                        if let Some(marks) = self.marks.get_mut(slot) {
                            marks.add(mark);
                        }
                        number
                    }
                    (Figure::Open(open), Some(decimal)) => open.read(decimal),
                    (Figure::Open(open), None) => {
                        self.undecided.push((self.lines.len(), slot, Undecided::Number(open)));
                        open.read(open.mark)
                    }
                };
                column::push(numbers, Number::new(number));
            }
            (Column::Flag(flags), Value::Flag(flag)) => column::push(flags, Some(flag)),
            (column, value) => {
                if let Value::Withheld(looks_like) = value {
                    self.withheld.push((self.lines.len(), slot, looks_like));
                }
                column.push_none();
            }
        }
    }

    /// Reads the cells of one row.
    fn read<'c>(&self, cells: &[&'c str], values: &mut Vec<Value<'c>>) -> Result<(), Misfit> {
        for (at, (field, cell)) in self.fields.iter().zip(cells).enumerate() {
            let value = value(field, cell);
            let value = if at == self.key_at { value.and_then(names_a_record) } else { value };
            values.push(value.map_err(|why| Misfit {
                field: field.name().to_owned(),
                why,
                length: cell.len(),
            })?);
        }
        Ok(())
    }
}

impl Drop for Intake {
    /// Rows that nobody closed were none: a chunk was cut within a cell, and what stands there may
    /// be of any column.
    fn drop(&mut self) {
        for column in &mut self.columns {
            column.wipe();
        }
        for stub in &mut self.outside {
            stub.wipe();
        }
    }
}

/// The values' allocation, to use again for values that borrow from elsewhere.
fn emptied<'a>(mut values: Vec<Value<'_>>) -> Vec<Value<'a>> {
    values.clear();
    values.into_iter().map(|_| Value::Blank).collect()
}

/// The value of the column that names records, if it can name one.
fn names_a_record(value: Value<'_>) -> Result<Value<'_>, &'static str> {
    match value {
        Value::Blank => Err("a record without an id"),
        // A withheld id would leave a record that no evidence can name.
        Value::Withheld(_) => Err("an id that looks like a secret"),
        Value::Text(_) | Value::Moment(_) | Value::Number(_) | Value::Flag(_) => Ok(value),
    }
}

/// Reads a cell as its field's kind, or says what is wrong with its shape.
#[inline]
pub(super) fn value<'c>(field: &Field, cell: &'c str) -> Result<Value<'c>, &'static str> {
    if let Some(flag) = field.flag(cell) {
        return Ok(Value::Flag(flag));
    }
    let glance = Glance::at(cell);
    let value = field.kind().read(cell, glance)?;
    let Value::Text(text) = value else { return Ok(value) };
    let known = field.values();
    if !known.is_empty() && !known.iter().any(|known| known.eq_ignore_ascii_case(text.trim())) {
        return Err("not one of the declared values");
    }
    Ok(scanner::find(text, field.kind(), glance).map_or(value, Value::Withheld))
}

impl Moment {
    /// Milliseconds since 1970 UTC, once the order of day and month is settled.
    pub(super) fn millis(self, zone: Tz) -> Option<i64> {
        Some(match self {
            Self::Instant(millis) => millis,
            Self::Local(local) => local_millis(local, zone),
            Self::Day(day) => local_millis(day.and_time(chrono::NaiveTime::MIN), zone),
            Self::Unordered(_) => return None,
        })
    }
}

/// The first moment of a day in a zone.
pub fn start_of_day(day: chrono::NaiveDate, zone: Tz) -> chrono::DateTime<chrono::Utc> {
    super::kind::instant(local_millis(day.and_time(chrono::NaiveTime::MIN), zone))
}

/// A local time as an instant: the earlier of two where clocks go back; where they go forward and
/// skip it, as the clocks that were not put forward would have shown it.
fn local_millis(local: chrono::NaiveDateTime, zone: Tz) -> i64 {
    use chrono::offset::LocalResult;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.timestamp_millis(),
        // Mostly an hour is skipped; where a country changed its side of the date line, a day.
        LocalResult::None => (1..=24)
            .filter_map(|hours| local.checked_add_signed(chrono::Duration::hours(hours)))
            .find_map(|later| zone.from_local_datetime(&later).earliest())
            .map_or_else(|| local.and_utc().timestamp_millis(), |at| at.timestamp_millis()),
    }
}

/// A value that its whole column decides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Undecided {
    /// It waits for the order of day and month.
    Date(Unordered),
    /// It waits for the decimal mark.
    Number(Open),
}

/// Which decimal marks numbers show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    point: bool,
    comma: bool,
}

impl Marks {
    fn add(&mut self, mark: DecimalMark) {
        match mark {
            DecimalMark::Point => self.point = true,
            DecimalMark::Comma => self.comma = true,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { point: self.point || other.point, comma: self.comma || other.comma }
    }

    /// The mark, where all show the same.
    fn only(self) -> Option<DecimalMark> {
        match (self.point, self.comma) {
            (true, false) => Some(DecimalMark::Point),
            (false, true) => Some(DecimalMark::Comma),
            (true, true) | (false, false) => None,
        }
    }
}

/// What a column of dates says about the order of day and month.
#[derive(Debug, Clone, Copy, Default)]
struct Proof {
    /// Dates of two numbers of which either may be the day.
    unordered: usize,
    /// Those of them that mean two different days.
    two_readings: usize,
    /// Those that only work day first.
    day_first: usize,
    /// Those that only work month first.
    month_first: usize,
}

impl Proof {
    fn add(&mut self, date: Unordered) {
        self.unordered += 1;
        self.two_readings += usize::from(date.first != date.second);
        self.day_first += usize::from(date.first > 12);
        self.month_first += usize::from(date.second > 12);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_local(zone: Tz, local: &str, expected: &str) {
        let millis = local_millis(local.parse().unwrap(), zone);
        assert_eq!(super::super::kind::instant(millis).to_rfc3339(), expected, "{local} in {zone}");
    }

    #[test]
    fn local_times_that_are_skipped_or_come_twice_are_instants() {
        let berlin = chrono_tz::Europe::Berlin;
        check_local(berlin, "2026-03-29T02:30:00", "2026-03-29T01:30:00+00:00");
        check_local(berlin, "2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00");
        check_local(chrono_tz::Asia::Beirut, "2026-03-29T00:00:00", "2026-03-28T22:00:00+00:00");
        // Samoa had no 30 December 2011.
        check_local(chrono_tz::Pacific::Apia, "2011-12-30T00:00:00", "2011-12-30T10:00:00+00:00");
    }
}
