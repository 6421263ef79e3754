//! Records that were created together, as imports create them.
//!
//! Does not: see imports in inputs whose creation dates have no time of day.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use hashbrown::HashSet;

use crate::boundary::{Batch, Field, Row, is_bare_day};

use super::bulk::{Crowds, minute};

/// So many records created within one minute were not typed by people.
const TOGETHER: usize = 50;

/// How many records were created within one minute with some records of interest.
#[derive(Debug)]
pub(super) struct Imports {
    created: Option<Field>,
    crowds: Crowds,
    zone: Tz,
}

impl Imports {
    /// Counts over a whole table, near a few of its records only.
    pub(super) fn around<'a>(
        batch: &'a Batch,
        created: Option<&Field>,
        zone: Tz,
        rows: impl Iterator<Item = Row<'a>>,
    ) -> Self {
        let mut imports = Self { created: created.cloned(), crowds: Crowds::default(), zone };
        // Whatever came within a minute of one of them lies in its minute of the clock or beside that.
        let near: HashSet<i64> = rows
            .filter_map(|row| imports.at(row))
            .map(minute)
            .flat_map(|minute| [minute - 1, minute, minute + 1])
            .collect();
        if !near.is_empty() {
            let created = batch.rows().filter_map(|row| Some((imports.at(row)?, row.position())));
            let created = created.filter(|(at, _)| near.contains(&minute(*at)));
            imports.crowds =
                Crowds::of(created.map(|(at, record)| (at.timestamp_millis(), record)).collect());
        }
        imports
    }

    /// When a record was created, where that has a time of day.
    fn at(&self, row: Row<'_>) -> Option<DateTime<Utc>> {
        let at = row.time(self.created.as_ref()?)?;
        (!is_bare_day(at, self.zone)).then_some(at)
    }

    /// How many records came in together with this one, where that looks like an import.
    pub(super) fn size(&self, row: Row<'_>) -> Option<usize> {
        self.together(row).filter(|count| *count >= TOGETHER)
    }

    /// How many records were created in one minute with this one, itself among them; `None` where its
    /// creation has no time of day.
    pub(super) fn together(&self, row: Row<'_>) -> Option<usize> {
        Some(self.crowds.around(self.at(row)?))
    }
}
