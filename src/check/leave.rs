//! Who is away when, by a calendar that the rules name.
//!
//! It holds days and nothing else: why somebody is away does not belong into a review.
//! Does not: say what follows from an absence.

use chrono::NaiveDate;

use crate::policy::Section;

use super::World;
use super::people::{Found, Person};
use super::rulebook::Table;

/// The calendar.
#[derive(Debug, Clone, Default)]
pub(super) struct Calendar {
    /// Its rows, as they stand.
    pub(super) leaves: Vec<Leave>,
}

/// A row of the calendar.
#[derive(Debug, Clone)]
pub(super) struct Leave {
    /// By id or by name.
    pub(super) owner: String,
    pub(super) from: NaiveDate,
    /// The last day.
    pub(super) to: NaiveDate,
    pub(super) backup: Option<String>,
    pub(super) file: String,
    pub(super) line: usize,
}

impl Leave {
    /// True on its days, the last one included.
    pub(super) fn holds(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

impl Calendar {
    /// Reads the rows; what else the table says is refused.
    pub(super) fn parse(table: &Table, section: &Section<'_>) -> Self {
        const COLUMNS: [&str; 4] = ["owner", "from", "to", "backup"];
        let file = table.file.as_str();
        for name in &table.header {
            if !COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                let message = format!("`{name}` does not belong into a calendar of leave");
                let hint = "take it out: owner, from, to and backup are all that is read";
                section.problem_in(file, 1, message, hint);
            }
        }
        let [owner, from, to, backup] = COLUMNS.map(|name| table.column(name));
        let (Some(owner), Some(from), Some(to)) = (owner, from, to) else {
            let hint = "name `owner`, `from` and `to` in the first line";
            section.problem_in(file, 1, "a column of the calendar is missing", hint);
            return Self::default();
        };
        let row = |(line, cells): &(usize, Vec<String>)| {
            let cell = |at: usize| cells.get(at).map_or("", String::as_str);
            let fault = |message: &str, hint: &str| section.problem_in(file, *line, message, hint);
            if cell(owner).is_empty() {
                fault("`owner` is blank", "take the row out or fill it");
                return None;
            }
            let (Ok(first), Ok(last)) = (cell(from).parse(), cell(to).parse()) else {
                fault(
                    "`from` and `to` are no days",
                    "like 2026-11-23; parts of a day are no leave",
                );
                return None;
            };
            if last < first {
                fault("the leave ends before it begins", "`to` is the last day of it");
                return None;
            }
            let backup = backup.map(cell).filter(|backup| !backup.is_empty());
            Some(Leave {
                owner: cell(owner).to_owned(),
                from: first,
                to: last,
                backup: backup.map(str::to_owned),
                file: file.to_owned(),
                line: *line,
            })
        };
        Self { leaves: table.rows.iter().filter_map(row).collect() }
    }

    /// Everybody whom it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.leaves.iter().flat_map(|it| [Some(it.owner.as_str()), it.backup.as_deref()]).flatten()
    }

    /// The rows about somebody.
    pub(super) fn of<'c>(&'c self, world: &World<'_>, person: &Person<'_>) -> Vec<&'c Leave> {
        let is_theirs = |leave: &&Leave| {
            let found = world.people().find(&leave.owner);
            matches!(found, Found::One(named) if named.id == person.id)
        };
        self.leaves.iter().filter(is_theirs).collect()
    }
}
