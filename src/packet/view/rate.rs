//! The metric on the page: this week's range, and the weeks before it in a table.
//!
//! Does not: compute a rate.

use serde::Serialize;

use crate::check::median;
use crate::metrics::{Course, Week, comparable};
use crate::packet::Review;
use crate::packet::escape::grouped;

use super::chart::Trend;

/// Weeks that are shown.
const WEEKS: usize = 13;

/// The metric.
#[derive(Debug, Serialize)]
pub(super) struct Rate {
    /// This week's, as one figure, and what that is of.
    figure: String,
    says: String,
    /// The same as a range, with its interval.
    exact: String,
    course: String,
    /// The weeks as a drawing, where there are several.
    trend: Option<Trend>,
    tracked: Tracked,
    rows: Vec<Row>,
    outside: String,
    left_out: Option<String>,
}

/// This week's inputs beside those of the weeks before it that can be compared.
#[derive(Debug, Serialize)]
struct Tracked {
    columns: Vec<String>,
    rows: Vec<(&'static str, Vec<String>)>,
}

/// A week and what its rate is made of.
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
        let before = before(weeks);
        Some(Self {
            figure: last.figure().unwrap_or_else(|| "no rate".to_owned()),
            says: says(last, before.last().copied()),
            exact: last.rate_words(),
            course: Course::words(Course::of(weeks)),
            trend: Trend::of(shown),
            tracked: Tracked::of(last, &before),
            rows: shown.iter().map(Row::of).collect(),
            outside: count(shown.iter().map(|week| week.tally.outside).sum()),
            left_out: review.left_out.words(),
        })
    }
}

/// The weeks before the last whose figures can stand beside its own.
fn before(weeks: &[Week]) -> Vec<&Week> {
    let before = comparable(weeks).split_last().map(|(_, before)| before).unwrap_or_default();
    before.iter().filter(|week| !week.withheld).collect()
}

fn proposals(number: u64) -> String {
    let noun = if number == 1 { "proposal" } else { "proposals" };
    format!("{} {noun}", count(number))
}

/// What the figure is of, and how it stood before.
fn says(week: &Week, before: Option<&Week>) -> String {
    if week.figure().is_none() {
        return format!("{}.", week.rate_words());
    }
    let open = week.tally.undecided + week.tally.escalated;
    let of = format!(
        "of {} records needed a correction of routing, owner, lifecycle, duplicates or required fields",
        count(week.reviewed)
    );
    let until = match (week.tally.open, week.tally.corrected) {
        (0, _) => String::new(),
        (_, 0) => format!(", if all that is open needed one ({})", proposals(open)),
        (_, _) => {
            format!(", from what is approved to that and all that is open ({})", proposals(open))
        }
    };
    let earlier = before.and_then(|week| {
        Some(format!(" In the packet of {}: {}.", week.day.format("%-d %B"), week.figure()?))
    });
    of + &until + "." + &earlier.unwrap_or_default()
}

impl Tracked {
    const LABELS: [&'static str; 7] = [
        "Records reviewed",
        "Records flagged",
        "Proposals approved",
        "Proposals rejected",
        "Proposals escalated",
        "Proposals undecided",
        "Records corrected",
    ];

    fn of(week: &Week, before: &[&Week]) -> Self {
        let day = |week: &Week| week.day.format("%-d %b").to_string();
        let mut columns = vec![day(week)];
        let mut rows: Vec<_> = Self::LABELS
            .into_iter()
            .zip(week.inputs())
            .map(|(label, number)| (label, vec![count(number)]))
            .collect();
        let mut add = |column: String, cells: [String; 7]| {
            columns.push(column);
            for ((_, row), cell) in rows.iter_mut().zip(cells) {
                row.push(cell);
            }
        };
        if let Some(last) = before.last() {
            add(day(last), last.inputs().map(count));
        }
        let recent = before.get(before.len().saturating_sub(Course::BEFORE)..).unwrap_or_default();
        if recent.len() > 1 {
            add(
                format!("median of {} before", recent.len()),
                std::array::from_fn(|at| {
                    middle(recent.iter().filter_map(|week| week.inputs().get(at).copied()))
                }),
            );
        }
        Self { columns, rows }
    }
}

/// The median of counts, in words.
fn middle(counts: impl Iterator<Item = u64>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
    let median = median(counts.map(|count| count as f64)).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what lies between two counts is one, or a half more"
    )]
    let whole = median.trunc() as u64;
    let half = if median.fract() > 0.0 { ".5" } else { "" };
    count(whole) + half
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

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::metrics::Tally;

    /// Packets of 200 records of which so many are corrected and open, under rules of that name.
    fn weeks(weeks: &[(u64, u64, &str)]) -> Vec<Week> {
        let mut made: Vec<Week> = Vec::new();
        for (at, &(corrected, open, rules)) in (1..).zip(weeks) {
            let day = NaiveDate::from_ymd_opt(2026, 3, at).unwrap();
            let tally = Tally { corrected, open, undecided: open, ..Tally::default() };
            made.push(Week::new(day, 200, tally, rules, made.last()));
        }
        made
    }

    #[test]
    fn the_figure_is_an_upper_bound_while_something_is_open() {
        let weeks = weeks(&[(0, 20, "a"), (10, 10, "a"), (15, 0, "a")]);
        let figures: Vec<_> = weeks.iter().filter_map(Week::figure).collect();
        assert_eq!(figures, ["at most 10.0 %", "5.0 % to 10.0 %", "7.5 %"]);
        assert!(
            says(&weeks[0], None).ends_with(", if all that is open needed one (20 proposals).")
        );
        assert!(
            says(&weeks[2], weeks.get(1))
                .ends_with("required fields. In the packet of 2 March: 5.0 % to 10.0 %.")
        );
        let lacking = weeks[0].clone().lacking(&["leads".to_owned()]);
        assert_eq!(says(&lacking, None), "withheld, because the packet is incomplete.");
    }

    #[test]
    fn a_week_stands_beside_those_before_it_that_can_be_compared() {
        let weeks =
            weeks(&[(90, 0, "a"), (1, 0, "b"), (4, 0, "b"), (3, 0, "b"), (8, 0, "b"), (9, 0, "b")]);
        let tracked = Tracked::of(&weeks[5], &before(&weeks));
        assert_eq!(tracked.columns, ["6 Mar", "5 Mar", "median of 4 before"]);
        assert_eq!(
            tracked.rows[6],
            ("Records corrected", vec!["9".to_owned(), "8".into(), "3.5".into()])
        );
        let one = Tracked::of(&weeks[1], &before(&weeks[..2]));
        assert_eq!(one.columns, ["2 Mar"], "before it the rules were others");
    }
}
