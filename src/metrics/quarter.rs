//! Quarters of a calendar year.
//!
//! Does not: know a fiscal year.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{Datelike as _, Months, NaiveDate};

/// A quarter of a calendar year, written `2026-Q4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter {
    first: NaiveDate,
}

impl Quarter {
    /// The quarter that a day lies in.
    pub fn of(day: NaiveDate) -> Self {
        let first = NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1);
        Self { first: first.unwrap_or(day) }
    }

    /// The quarter before.
    #[must_use]
    pub fn before(self) -> Self {
        Self { first: self.first.checked_sub_months(Months::new(3)).unwrap_or(self.first) }
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last(self) -> NaiveDate {
        let next = self.first.checked_add_months(Months::new(3));
        next.and_then(|next| next.pred_opt()).unwrap_or(NaiveDate::MAX)
    }

    /// Its days.
    pub fn days(self) -> RangeInclusive<NaiveDate> {
        self.first..=self.last()
    }

    /// True for one of its days.
    pub fn holds(self, day: NaiveDate) -> bool {
        self.days().contains(&day)
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-Q{}", self.first.year(), self.first.month0() / 3 + 1)
    }
}

impl FromStr for Quarter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HINT: &str = "write a quarter like 2026-Q4, of a year between 1900 and 2300";
        let (year, number) = text.split_once("-Q").ok_or(HINT)?;
        let year = year.parse().ok().filter(|year| (1900..=2300).contains(year)).ok_or(HINT)?;
        let number = number.parse::<u32>().ok().filter(|it| (1..=4).contains(it)).ok_or(HINT)?;
        let first = NaiveDate::from_ymd_opt(year, number * 3 - 2, 1);
        // What is written otherwise than it would be printed is taken for a slip.
        let quarter = Self { first: first.ok_or(HINT)? };
        if quarter.to_string() == text { Ok(quarter) } else { Err(HINT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_has_its_days_and_is_written_in_one_way() {
        let quarter: Quarter = "2026-Q1".parse().unwrap();
        assert_eq!(
            (quarter.first().to_string(), quarter.last().to_string()),
            ("2026-01-01".to_owned(), "2026-03-31".to_owned())
        );
        assert_eq!(quarter.before().to_string(), "2025-Q4");
        for day in ["2026-01-01", "2026-03-31"] {
            assert_eq!(Quarter::of(day.parse().unwrap()), quarter);
        }
        assert!(!quarter.holds("2026-04-01".parse().unwrap()));
        for text in [
            "2026",
            "2026-Q0",
            "2026-Q5",
            "2026-Q01",
            "+2026-Q1",
            "2026-q1",
            "1-Q1",
            "99999999999-Q1",
        ] {
            assert!(text.parse::<Quarter>().is_err(), "{text}");
        }
    }
}
