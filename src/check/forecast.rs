//! Which deals are in a forecast: of a category that somebody reports on, and closing this fiscal quarter.
//!
//! Does not: depend on any check's being on; whatever finds a fault of such a deal has to know it.

use chrono::{Datelike as _, Months, NaiveDate};

use crate::boundary::{Cell, Field, Grant, Missing, Object, Row};
use crate::policy::{Said, Section};

use super::ladder::lists;
use super::{Policies, World, settings};

/// What of a deal makes it part of a forecast.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The month in which the fiscal year starts, 1 to 12.
    pub(super) fiscal_year_starts: Said<u32>,
    /// The forecast categories that somebody reports on.
    pub(super) categories: Said<Vec<String>>,
}

impl Rules {
    /// Reads them from their section.
    pub(super) fn parse(section: Option<&Section<'_>>) -> Self {
        let mut fiscal_year_starts = settings::count(section, "fiscal_year_starts", 1);
        if !(1..=12).contains(&fiscal_year_starts.value) {
            if let Some(section) = section {
                section.problem_with_hint(
                    fiscal_year_starts.line,
                    format!(
                        "`fiscal_year_starts` is {}, which is no month",
                        fiscal_year_starts.value
                    ),
                    "1 for January to 12 for December",
                );
            }
            fiscal_year_starts.value = 1;
        }
        let categories = settings::texts(section, "forecast", &["Commit", "Best Case", "Forecast"]);
        Self { fiscal_year_starts, categories }
    }
}

/// Tells the deals that are in a forecast.
#[derive(Debug, Clone)]
pub(super) struct Forecast {
    pub(super) close_date: Field,
    pub(super) category: Field,
    pub(super) rules: Rules,
}

impl Forecast {
    /// Tells them; the error names a field that it needs and may not read.
    pub(super) fn require(grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Missing> {
        Ok(Self {
            close_date: grant.field(Object::Deal, "close_date")?,
            category: grant.field(Object::Deal, "forecast")?,
            rules: policies.owners.forecast().clone(),
        })
    }

    /// Tells them where the fields for it are allowed; else nothing is read for it.
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Option<Self> {
        let is_allowed = |name: &str| policies.boundary.allowed(Object::Deal, name).is_some();
        if !["close_date", "forecast"].into_iter().all(is_allowed) {
            return None;
        }
        Self::require(grant, policies).ok()
    }

    /// The forecast category of a deal that somebody reports on and that has no close date.
    pub(super) fn undated(&self, row: Row<'_>) -> Option<Cell> {
        let counts = self.counts(row) && row.time(&self.close_date).is_none();
        counts.then(|| row.cell(&self.category))
    }

    /// The quarter, when the record is a deal that is forecast for it.
    pub(super) fn quarter_of(&self, world: &World<'_>, row: Row<'_>) -> Option<Quarter> {
        if !self.counts(row) {
            return None;
        }
        let closes = row.named_day(&self.close_date, world.as_of.zone)?;
        let quarter = Quarter::of(world.as_of.day, *self.rules.fiscal_year_starts)?;
        quarter.holds(closes).then_some(quarter)
    }

    /// True for an open deal that is forecast for this quarter, or for a day that nobody wrote down.
    pub(super) fn holds<'a>(&self, world: &World<'a>, row: Row<'a>) -> bool {
        let is_forecast = self.quarter_of(world, row).is_some() || self.undated(row).is_some();
        is_forecast && !world.is_over(row)
    }

    /// True for a deal of a category that somebody reports on.
    fn counts(&self, row: Row<'_>) -> bool {
        let is_listed = |category| lists(&self.rules.categories, category);
        row.object() == Object::Deal && row.text(&self.category).is_some_and(is_listed)
    }
}

/// Three months of a fiscal year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarter {
    first: NaiveDate,
    last: NaiveDate,
}

impl Quarter {
    /// The quarter a day lies in, when the fiscal year starts with that month (1 to 12).
    fn of(day: NaiveDate, year_starts: u32) -> Option<Self> {
        let into_year = (day.month() + 12 - year_starts) % 12;
        let first = day.with_day(1)?.checked_sub_months(Months::new(into_year % 3))?;
        let last = first.checked_add_months(Months::new(3))?.pred_opt()?;
        Some(Self { first, last })
    }

    fn holds(self, day: NaiveDate) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// Its first day.
    pub(super) fn first(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub(super) fn last(self) -> NaiveDate {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(day: &str, year_starts: u32, expected: &str) {
        let quarter = Quarter::of(day.parse().unwrap(), year_starts).unwrap();
        assert_eq!(format!("{} {}", quarter.first, quarter.last), expected, "{day} {year_starts}");
    }

    #[test]
    fn quarters_follow_the_fiscal_year() {
        check("2026-03-01", 1, "2026-01-01 2026-03-31");
        check("2026-04-01", 1, "2026-04-01 2026-06-30");
        check("2026-03-31", 2, "2026-02-01 2026-04-30");
        check("2026-01-31", 2, "2025-11-01 2026-01-31");
        check("2026-01-15", 12, "2025-12-01 2026-02-28");
        check("2028-02-29", 12, "2027-12-01 2028-02-29");
        check("2026-03-01", 10, "2026-01-01 2026-03-31");
        check("2026-06-30", 7, "2026-04-01 2026-06-30");
    }
}
