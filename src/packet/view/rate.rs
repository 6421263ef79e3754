//! The metric on the page: this week's range, and the weeks before it in a table.
//!
//! Does not: compute a rate.

use serde::Serialize;

use crate::metrics::{Course, Week};
use crate::packet::Review;
use crate::packet::escape::grouped;

use super::chart::Trend;

/// Weeks that are shown.
const WEEKS: usize = 13;

/// The metric.
#[derive(Debug, Serialize)]
pub(super) struct Rate {
    /// This week's, in words.
    now: String,
    rows: Vec<Row>,
    outside: String,
    left_out: Option<String>,
    course: String,
    /// The weeks as a drawing, where there are several.
    trend: Option<Trend>,
}

/// A week and its six inputs.
#[derive(Debug, Serialize)]
struct Row {
    day: String,
    breaks: bool,
    inputs: Vec<String>,
    rate: String,
}

impl Rate {
    /// The metric of a review's weeks, of which the last is this one; nothing where there is none.
    pub(super) fn of(review: &Review<'_>) -> Option<Self> {
        let weeks = review.weeks;
        let last = weeks.last()?;
        let shown = weeks.get(weeks.len().saturating_sub(WEEKS)..).unwrap_or_default();
        Some(Self {
            now: last.rate_words(),
            rows: shown.iter().map(Row::of).collect(),
            outside: count(shown.iter().map(|week| week.tally.outside).sum()),
            left_out: review.left_out.words(),
            course: Course::words(Course::of(weeks)),
            trend: Trend::of(shown),
        })
    }
}

impl Row {
    fn of(week: &Week) -> Self {
        Self {
            day: week.day.to_string(),
            breaks: week.breaks,
            inputs: week.inputs().map(count).into(),
            rate: week.rate_words(),
        }
    }
}

fn count(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}
