//! Decision tables that people keep in a spreadsheet: the first row whose cells fit a record decides.
//!
//! A cell is blank (any value), `a|b` (one of these), `10*|11*` (begins with one of these) or, for
//! number fields, `lo-hi`, `lo-` and `-hi`. Columns are field names beside one column with the answer.
//! Does not: know what the answer means.

use crate::boundary::{Boundary, Field, Kind, Object};
use crate::check::condition::{Condition, Test, fold};
use crate::check::rulebook::Table;
use crate::policy::Section;

use super::index::Index;
use super::values::{Columns, Values};

/// A compiled table.
#[derive(Debug, Clone)]
pub(super) struct DecisionTable {
    /// The file, with `rules/` in front.
    pub(super) file: String,
    columns: Vec<(usize, Field)>,
    rows: Vec<TableRow>,
    index: Option<Index>,
}

/// One row: its tests and its answer.
#[derive(Debug, Clone)]
pub(super) struct TableRow {
    /// 1-based line of the file.
    pub(super) line: usize,
    /// The answer.
    pub(super) says: String,
    /// The answer, folded.
    pub(super) folded: String,
    /// The tests of the cells that are not blank, with their slots.
    pub(super) tests: Vec<(usize, Condition)>,
}

impl TableRow {
    /// The tests in words.
    pub(super) fn words(&self) -> String {
        if self.tests.is_empty() {
            return "any record".to_owned();
        }
        self.tests.iter().map(|(_, it)| it.words()).collect::<Vec<_>>().join(" and ")
    }

    fn fits(&self, values: &Values) -> bool {
        self.tests.iter().all(|(slot, condition)| condition.test.passes(values.at(*slot)))
    }

    /// The fields with a gap that alone keep the row from fitting; `None` when it fits or when a value
    /// stands against it.
    fn kept_by(&self, values: &Values, gap: Gap) -> Option<Vec<Field>> {
        kept_by(self.tests.iter().map(|(slot, condition)| (*slot, condition)), values, gap)
    }
}

/// What conditions come to while some of the values they compare are blank.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// They hold, and compare no blank value.
    Takes,
    /// One fails on a value that is there.
    Passes,
    /// Those on values that are there hold; the rest compare these blank fields.
    Depends(Vec<Field>),
}

impl Verdict {
    /// The verdict of conditions that all have to hold.
    pub(super) fn of<'c>(
        conditions: impl Iterator<Item = (usize, &'c Condition)>,
        values: &Values,
    ) -> Self {
        let mut open = Vec::new();
        for (slot, condition) in conditions {
            let value = values.at(slot);
            if value.blank {
                open.push(condition.field.clone());
            } else if !condition.test.passes(value) {
                return Self::Passes;
            }
        }
        if open.is_empty() { Self::Takes } else { Self::Depends(open) }
    }
}

/// What a condition may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// A blank value, which somebody can fill in.
    Blank,
    /// A value that is blank or was withheld: either may be anything.
    Unknown,
}

impl Gap {
    fn is_at(self, slot: usize, condition: &Condition, values: &Values) -> bool {
        match self {
            Self::Blank => values.at(slot).blank,
            // What was withheld is not blank.
            Self::Unknown if matches!(condition.test, Test::Blank(_)) => values.at(slot).blank,
            Self::Unknown => values.is_unknown(slot),
        }
    }
}

/// The fields with a gap that alone keep some conditions from holding.
pub(super) fn kept_by<'c>(
    conditions: impl Iterator<Item = (usize, &'c Condition)>,
    values: &Values,
    gap: Gap,
) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    for (slot, condition) in conditions {
        if condition.test.passes(values.at(slot)) {
            continue;
        }
        if !gap.is_at(slot, condition, values) {
            return None;
        }
        fields.push(condition.field.clone());
    }
    (!fields.is_empty()).then_some(fields)
}

impl DecisionTable {
    /// Compiles a table for one object; `answer` is the column that is no field.
    pub(super) fn parse(
        table: &Table,
        answer: &str,
        object: Object,
        section: &Section<'_>,
        boundary: &Boundary,
        columns: &mut Columns,
    ) -> Option<Self> {
        let Some(answer_at) = table.column(answer) else {
            section.problem_in(
                &table.file,
                1,
                format!("there is no column `{answer}`"),
                "it says what a row decides",
            );
            return None;
        };
        let mut fields = Vec::new();
        for (at, name) in table.header.iter().enumerate().filter(|(at, _)| *at != answer_at) {
            match boundary.field(object, &name.to_lowercase()) {
                Ok(field) => fields.push((at, columns.slot(&field), field)),
                Err(missing) => section.problem_in(
                    &table.file,
                    1,
                    missing.to_string(),
                    format!("a column is a field of {} or `{answer}`", object.plural()),
                ),
            }
        }
        let mut rows = Vec::with_capacity(table.rows.len());
        for (line, cells) in &table.rows {
            let says = cells.get(answer_at).cloned().unwrap_or_default();
            if says.is_empty() {
                section.problem_in(
                    &table.file,
                    *line,
                    format!("`{answer}` is blank"),
                    "take the row out or say what it decides",
                );
            }
            let mut tests = Vec::new();
            for (at, slot, field) in &fields {
                let cell = cells.get(*at).map_or("", String::as_str);
                match cell_test(cell, field) {
                    Ok(None) => {}
                    Ok(Some(test)) => {
                        tests.push((*slot, Condition::new(field.clone(), test)));
                    }
                    Err(hint) => section.problem_in(
                        &table.file,
                        *line,
                        format!("`{cell}` is no test of `{field}`"),
                        hint,
                    ),
                }
            }
            rows.push(TableRow { line: *line, folded: fold(&says), says, tests });
        }
        let index = Index::of(rows.iter().map(|row| row.tests.as_slice()));
        let columns = fields.into_iter().map(|(_, slot, field)| (slot, field)).collect();
        Some(Self { file: table.file.clone(), columns, rows, index })
    }

    /// Its rows, in file order.
    pub(super) fn rows(&self) -> &[TableRow] {
        &self.rows
    }

    /// The fields it compares.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.columns.iter().map(|(_, field)| field)
    }

    /// The position of the first row that fits.
    pub(super) fn first(&self, values: &Values) -> Option<usize> {
        match &self.index {
            Some(index) => self.first_by(index, values),
            None => self.first_of_all(values),
        }
    }

    /// As `first`, row after row.
    pub(super) fn first_of_all(&self, values: &Values) -> Option<usize> {
        self.rows.iter().position(|row| row.fits(values))
    }

    /// Whether a row takes the record whatever its blank values are, or which of them decide. No
    /// test of a table passes on a blank value, so the first row that fits compares none.
    pub(super) fn verdict(&self, values: &Values) -> Verdict {
        let first = self.first(values);
        let blank = self.columns.iter().filter(|(slot, _)| values.at(*slot).blank).count();
        let mut open: Vec<Field> = Vec::new();
        for (_, fields) in self.kept_by_blanks(values, first) {
            for field in fields {
                if !open.contains(&field) {
                    open.push(field);
                }
            }
            if open.len() == blank {
                break;
            }
        }
        match first {
            _ if !open.is_empty() => Verdict::Depends(open),
            Some(_) => Verdict::Takes,
            None => Verdict::Passes,
        }
    }

    fn first_by(&self, index: &Index, values: &Values) -> Option<usize> {
        let mut best: Option<usize> = None;
        for rows in index.may_fit(values) {
            let better = rows
                .iter()
                .take_while(|at| best.is_none_or(|best| **at < best))
                .find(|at| self.rows.get(**at).is_some_and(|row| row.fits(values)));
            best = better.copied().or(best);
        }
        best
    }

    /// The rows before a position that only blank fields keep from fitting, with those fields.
    pub(super) fn kept_by_blanks<'t>(
        &'t self,
        values: &'t Values,
        before: Option<usize>,
    ) -> impl Iterator<Item = (&'t TableRow, Vec<Field>)> {
        let kept = self.kept_by(values, before, Gap::Blank);
        kept.filter_map(|(at, fields)| Some((self.rows.get(at)?, fields)))
    }

    /// The positions of the rows before a position that only fields with a gap keep from fitting, with
    /// those fields.
    pub(super) fn kept_by<'t>(
        &'t self,
        values: &'t Values,
        before: Option<usize>,
        gap: Gap,
    ) -> impl Iterator<Item = (usize, Vec<Field>)> {
        let any = self.columns.iter().any(|(slot, _)| values.is_unknown(*slot));
        let end = if any { before.unwrap_or(self.rows.len()) } else { 0 };
        let filled = |index: &&Index| any && !index.asks_for_an_unknown(values);
        let may_fit = match self.index.as_ref().filter(filled) {
            Some(index) => index.all_that_may_fit(values),
            None => (0..end).collect(),
        };
        may_fit.into_iter().take_while(move |at| *at < end).filter_map(move |at| {
            self.rows.get(at)?.kept_by(values, gap).map(|fields| (at, fields))
        })
    }
}

/// What a cell asks of a field; `None` for a blank cell, a hint when it cannot be read.
fn cell_test(cell: &str, field: &Field) -> Result<Option<Test>, &'static str> {
    let cell = cell.trim();
    if cell.is_empty() || cell == "*" {
        return Ok(None);
    }
    if field.kind() == Kind::Number {
        return band(cell).map(Some).ok_or("a number, `lo-hi`, `lo-` or `-hi`");
    }
    let parts = cell.split('|').map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(str::to_owned).collect();
    let starts: Vec<String> =
        parts.iter().filter_map(|part| part.strip_suffix('*')).map(str::to_owned).collect();
    if starts.is_empty() && !parts.is_empty() {
        Ok(Some(Test::In(parts)))
    } else if starts.len() == parts.len() && starts.iter().all(|start| !start.is_empty()) {
        Ok(Some(Test::StartsWith(starts)))
    } else {
        Err("a cell holds either values, `a|b`, or beginnings, `10*|11*`")
    }
}

fn band(cell: &str) -> Option<Test> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|it| it.is_finite());
    if let Some(one) = number(cell).filter(|it| *it >= 0.0) {
        return Some(Test::Between(one, one));
    }
    let (low, high) = cell.split_once('-')?;
    let low = if low.trim().is_empty() { f64::NEG_INFINITY } else { number(low)? };
    let high = if high.trim().is_empty() { f64::INFINITY } else { number(high)? };
    (low <= high && (low.is_finite() || high.is_finite())).then_some(Test::Between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_band(cell: &str, expected: Option<(f64, f64)>) {
        let band = band(cell).map(|test| match test {
            Test::Between(low, high) => (low, high),
            Test::In(_) | Test::NotIn(_) | Test::StartsWith(_) | Test::Blank(_) => {
                panic!("{cell} is no band")
            }
        });
        assert_eq!(band, expected, "{cell}");
    }

    #[test]
    fn bands_are_read_with_open_ends() {
        check_band("200", Some((200.0, 200.0)));
        check_band("1-199", Some((1.0, 199.0)));
        check_band("1000 - ", Some((1000.0, f64::INFINITY)));
        check_band("-199", Some((f64::NEG_INFINITY, 199.0)));
        check_band("199-1", None);
        check_band("-", None);
        check_band("many", None);
    }
}
