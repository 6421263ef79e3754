//! Records that were created together, as imports create them.
//!
//! Does not: see imports in inputs whose creation dates have no time of day.

use chrono_tz::Tz;
use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Row, is_bare_day};

use super::bulk::minute;

/// So many records created within one minute were not typed by people.
const TOGETHER: usize = 50;

/// How many records were created within the same minute as some records of interest.
#[derive(Debug)]
pub(super) struct Imports {
    created: Option<Field>,
    per_minute: HashMap<i64, usize>,
    zone: Tz,
}

impl Imports {
    /// Counts over a whole table, for the minutes of a few of its records only.
    pub(super) fn around<'a>(
        batch: &'a Batch,
        created: Option<&Field>,
        zone: Tz,
        rows: impl Iterator<Item = Row<'a>>,
    ) -> Self {
        let mut imports = Self { created: created.cloned(), per_minute: HashMap::new(), zone };
        for row in rows {
            if let Some(minute) = imports.minute(row) {
                imports.per_minute.insert(minute, 0);
            }
        }
        if !imports.per_minute.is_empty() {
            for row in batch.rows() {
                let minute = imports.minute(row);
                if let Some(count) = minute.and_then(|minute| imports.per_minute.get_mut(&minute)) {
                    *count += 1;
                }
            }
        }
        imports
    }

    fn minute(&self, row: Row<'_>) -> Option<i64> {
        let at = row.time(self.created.as_ref()?)?;
        (!is_bare_day(at, self.zone)).then(|| minute(at))
    }

    /// How many records came in together with this one, where that looks like an import.
    pub(super) fn size(&self, row: Row<'_>) -> Option<usize> {
        self.together(row).filter(|count| *count >= TOGETHER)
    }

    /// How many records were created in the minute of this one, itself among them; `None` where its
    /// creation has no time of day.
    pub(super) fn together(&self, row: Row<'_>) -> Option<usize> {
        self.per_minute.get(&self.minute(row)?).copied()
    }
}
