//! Ordered lists as rules write them: the first line whose conditions hold decides.
//!
//! Families say what lists they have; a rule that looks a target up in a table is one line for each of
//! the table's rows. Does not: judge a list.

use chrono::NaiveDate;

use crate::boundary::Object;
use crate::check::condition::Condition;

/// An ordered list about one kind of record.
#[derive(Debug, Clone)]
pub(in crate::check) struct List {
    /// What its lines decide, in a sentence: `who owns a lead`.
    pub(in crate::check) decides: String,
    /// The records it is about.
    pub(in crate::check) object: Object,
    /// What happens to records that no line takes.
    pub(in crate::check) rest: Rest,
    /// The rules that have more than one line, each by itself, by their positions.
    pub(in crate::check) heads: Vec<Line>,
    /// The lines, in the order in which they are tried.
    pub(in crate::check) lines: Vec<Line>,
}

/// What happens to records that no line of a list takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Rest {
    /// Nobody decides about them: that is a gap.
    Lost,
    /// They have their place.
    Kept,
}

/// One line of a list.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "a line of a list stands on a line of a file")]
pub(in crate::check) struct Line {
    /// The position of the rule it belongs to.
    pub(in crate::check) rule: usize,
    /// How a sentence names it.
    pub(in crate::check) name: String,
    /// The file, with `rules/` in front.
    pub(in crate::check) file: String,
    /// 1-based line.
    pub(in crate::check) line: usize,
    /// What has to hold.
    pub(in crate::check) conditions: Vec<Condition>,
    /// In force since this day.
    pub(in crate::check) since: Option<NaiveDate>,
    /// In force until this day.
    pub(in crate::check) until: Option<NaiveDate>,
    /// What it decides, in words; two lines that decide the same have the same words.
    pub(in crate::check) outcome: String,
    /// Whether it takes every record of which its conditions hold.
    pub(in crate::check) takes: Takes,
}

/// Whether a line takes every record of which its conditions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Takes {
    /// It does.
    All,
    /// Only where the record's account has an active owner.
    OfKnownAccounts,
}

impl Line {
    /// True when it takes whatever comes, for good.
    pub(in crate::check) fn takes_any(&self) -> bool {
        self.conditions.is_empty()
            && self.since.is_none()
            && self.until.is_none()
            && self.takes == Takes::All
    }
}
