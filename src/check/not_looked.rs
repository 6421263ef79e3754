//! What a check could not look at: the words for people, and the findings that stay open for it.
//!
//! A finding that is not found again was resolved only where somebody looked. So a check says of what
//! it left out which records that concerns, and memory asks here.
//! Does not: know what earlier runs found.

use std::collections::BTreeSet;

use crate::boundary::{Field, Object, RecordRef, Row};
use crate::finding::FindingId;

use super::{Judgement, Pulled};

/// Something a check could not look at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLooked {
    words: String,
    of: Of,
}

/// What was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    /// Nothing: how it looked has to be known, and every record was judged.
    Nothing,
    /// Tables.
    Tables(Vec<Object>),
    /// A field, of every record.
    Field(Field),
    /// Records, by their tables and positions, in order.
    Records(Vec<(Object, usize)>),
    /// What these findings are about, as where a group is too small.
    Findings(BTreeSet<FindingId>),
}

impl NotLooked {
    /// Words on how a check looked that leave nothing unjudged.
    pub fn nothing(words: impl Into<String>) -> Self {
        Self { words: words.into(), of: Of::Nothing }
    }

    /// What and why, in words.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// True when it says what the want of this field's column hides.
    pub fn tells_of(&self, field: &Field) -> bool {
        match &self.of {
            Of::Tables(tables) => tables.contains(&field.object()),
            Of::Field(hidden) => hidden == field,
            Of::Nothing | Of::Records(_) | Of::Findings(_) => false,
        }
    }

    /// True when a finding of the check about these records, or about a field of a group of which they are
    /// examples, may stand although it was not made again.
    pub fn hides(
        &self,
        rule: &str,
        finding: &FindingId,
        record: &RecordRef,
        related: &[RecordRef],
        group: Option<&str>,
        pulled: &Pulled,
    ) -> bool {
        match &self.of {
            Of::Nothing => false,
            Of::Findings(findings) => findings.contains(finding),
            Of::Tables(tables) => tables.contains(&record.object),
            // An id tells no field, but that it is of this one; of none it may be about any.
            Of::Field(field) => {
                let is_of = |name| FindingId::of(rule, record, related, name) == *finding;
                let is_about = match group {
                    Some(of) => of.is_empty() || of == field.name(),
                    None => is_of(Some(field.name())) || is_of(None),
                };
                record.object == field.object() && is_about
            }
            Of::Records(positions) => {
                let is_among = |record: &RecordRef| {
                    let row = pulled.get(record.object).and_then(|batch| batch.find(&record.id));
                    row.is_some_and(|row| positions.binary_search(&place(row)).is_ok())
                };
                let beside = related.iter().filter(|other| other.object == record.object);
                std::iter::once(record).chain(beside).all(is_among)
            }
        }
    }
}

fn place(row: Row<'_>) -> (Object, usize) {
    (row.object(), row.position())
}

impl Judgement {
    /// Notes that a table could not be looked at.
    pub fn skip(&mut self, object: Object, why: &str) {
        self.skip_tables(object, [object], why);
    }

    /// Notes that for the want of one table these could not be looked at.
    pub fn skip_tables(&mut self, of: Object, tables: impl IntoIterator<Item = Object>, why: &str) {
        let tables = Of::Tables(tables.into_iter().collect());
        self.not_looked.push(NotLooked { words: about(of, why), of: tables });
    }

    /// Notes that a field could not be looked at.
    pub fn skip_field(&mut self, field: &Field, why: &str) {
        let words = about(field.object(), why);
        self.not_looked.push(NotLooked { words, of: Of::Field(field.clone()) });
    }

    /// Notes that these records could not be looked at. A finding about several records of one table
    /// stays open where all of them are among these.
    pub fn skip_records<'a>(
        &mut self,
        of: Object,
        rows: impl IntoIterator<Item = Row<'a>>,
        why: &str,
    ) {
        self.leave_out(rows, about(of, why));
    }

    /// The same, in words that name no table.
    pub fn leave_out<'a>(&mut self, rows: impl IntoIterator<Item = Row<'a>>, words: String) {
        let mut positions: Vec<_> = rows.into_iter().map(place).collect();
        positions.sort_unstable();
        positions.dedup();
        self.not_looked.push(NotLooked { words, of: Of::Records(positions) });
    }

    /// Notes that what these findings would be about could not be judged.
    pub fn skip_findings(&mut self, ids: impl IntoIterator<Item = FindingId>, words: String) {
        let of = Of::Findings(ids.into_iter().collect());
        self.not_looked.push(NotLooked { words, of });
    }

    /// Notes something about how a table was looked at, all of whose records were judged.
    pub fn remark(&mut self, object: Object, what: &str) {
        self.not_looked.push(NotLooked::nothing(about(object, what)));
    }

    /// What it could not look at, in one line of words.
    pub fn partly(&self) -> String {
        let words: Vec<&str> = self.not_looked.iter().map(NotLooked::words).collect();
        words.join("; ")
    }
}

fn about(object: Object, why: &str) -> String {
    format!("{}: {why}", object.plural())
}
