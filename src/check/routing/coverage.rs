//! Who covers what: the coverage table, the territory map and the segment bands.
//!
//! Does not: name the owner a record should have; see `routed`.

use std::collections::BTreeSet;

use crate::boundary::{Boundary, Field, Kind, Object, Row};
use crate::check::condition::{Condition, Test, When, fold};
use crate::check::lint::{Line, Takes};
use crate::check::rulebook::{Rulebook, Table};
use crate::policy::Section;

use super::table::{DecisionTable, TableRow};
use super::values::{Columns, Values};

/// The coverage table.
#[derive(Debug, Clone)]
pub(super) struct Coverage {
    /// The file, with `rules/` in front.
    pub(super) file: String,
    /// Its rows.
    pub(super) rows: Vec<Cover>,
}

/// What one owner covers.
#[derive(Debug, Clone)]
pub(super) struct Cover {
    /// 1-based line.
    pub(super) line: usize,
    /// A user or queue by id or name.
    pub(super) owner: String,
    /// Folded; none means that territories do not bind this owner.
    pub(super) territories: BTreeSet<String>,
    /// Folded; none means that segments do not bind this owner.
    pub(super) segments: BTreeSet<String>,
    /// The territories as written.
    pub(super) territories_said: String,
    /// The segments as written.
    pub(super) segments_said: String,
}

impl Coverage {
    /// Reads `[coverage]`.
    pub(super) fn parse(root: &Section<'_>, rulebook: &Rulebook) -> Option<Self> {
        let section = root.section("coverage")?;
        let name = section.required_text("table")?;
        let table = rulebook.table(&name, &section, name.line)?;
        let columns = ["owner", "territories", "segments"];
        refuse_other_columns(table, &columns, &section);
        let owner_at = column(table, "owner", &section)?;
        let rows = table
            .rows
            .iter()
            .map(|(line, cells)| {
                let cell =
                    |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", String::as_str);
                let list = |name: &str| -> BTreeSet<String> {
                    let parts = cell(table.column(name)).split('|').map(fold);
                    parts.filter(|part| !part.is_empty()).collect()
                };
                let said = |name: &str| cell(table.column(name)).replace('|', " and ");
                Cover {
                    territories_said: said("territories"),
                    segments_said: said("segments"),
                    line: *line,
                    owner: cell(Some(owner_at)).to_owned(),
                    territories: list("territories"),
                    segments: list("segments"),
                }
            })
            .filter(|cover| !cover.owner.is_empty())
            .collect();
        Some(Self { file: table.file.clone(), rows })
    }
}

/// A column the table cannot do without.
pub(super) fn column(table: &Table, name: &str, section: &Section<'_>) -> Option<usize> {
    let at = table.column(name);
    if at.is_none() {
        section.problem_in(
            &table.file,
            1,
            format!("there is no column `{name}`"),
            "name it in the first line",
        );
    }
    at
}

/// Columns that nothing reads are problems, like keys that nothing reads.
pub(super) fn refuse_other_columns(table: &Table, known: &[&str], section: &Section<'_>) {
    for name in &table.header {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            section.problem_in(
                &table.file,
                1,
                format!("unknown column `{name}`"),
                format!("known here: {}", known.join(", ")),
            );
        }
    }
}

/// Which territory a record of one object lies in.
#[derive(Debug, Clone)]
pub(super) struct Territories {
    /// The map; its answer is a territory.
    pub(super) map: DecisionTable,
    /// Records that lie outside the map on purpose.
    pub(super) carve_outs: When,
}

/// Where a record lies.
#[derive(Debug)]
pub(super) struct Placed<'t> {
    /// The first row that fits.
    pub(super) at: Option<&'t TableRow>,
    /// Rows that would come first if fields that are blank now were filled.
    pub(super) maybe: Vec<&'t TableRow>,
    /// Those fields.
    pub(super) blank: Vec<Field>,
}

impl Territories {
    /// Reads `[territory]` for one object.
    pub(super) fn parse(
        root: &Section<'_>,
        object: Object,
        rulebook: &Rulebook,
        boundary: &Boundary,
        columns: &mut Columns,
    ) -> Option<Self> {
        let section = root.section("territory")?;
        section.flag("off");
        let carve_outs = When::parse(&section, "carve_outs", object, boundary);
        let name = section.required_text("table")?;
        let table = rulebook.table(&name, &section, name.line)?;
        let map = DecisionTable::parse(table, "territory", object, &section, boundary, columns)?;
        Some(Self { map, carve_outs })
    }

    /// The rows of the map as lines of an ordered list.
    pub(super) fn lines(&self) -> Vec<Line> {
        let rows = self.map.rows().iter().enumerate();
        rows.map(|(at, row)| Line {
            rule: at,
            name: format!("territory `{}` for {}", row.says, row.words()),
            file: self.map.file.clone(),
            line: row.line,
            conditions: row.tests.iter().map(|(_, condition)| condition.clone()).collect(),
            since: None,
            until: None,
            outcome: row.says.clone(),
            takes: Takes::All,
        })
        .collect()
    }

    /// Where a record lies.
    pub(super) fn place<'t>(&'t self, values: &'t Values) -> Placed<'t> {
        let first = self.map.first(values);
        let at = first.and_then(|at| self.map.rows().get(at));
        let mut placed = Placed { at, maybe: Vec::new(), blank: Vec::new() };
        for (row, fields) in self.map.kept_by_blanks(values, first) {
            placed.maybe.push(row);
            for field in fields {
                if !placed.blank.contains(&field) {
                    placed.blank.push(field);
                }
            }
        }
        placed
    }
}

/// Which segment a record of one object is in.
#[derive(Debug, Clone)]
pub(super) struct Segments {
    /// The figure.
    pub(super) field: Field,
    /// The same figure from another source.
    pub(super) second: Option<Field>,
    /// The bands.
    pub(super) bands: Vec<Band>,
    /// Records whose segment is somebody's decision.
    pub(super) carve_outs: When,
    /// The rules file.
    pub(super) file: String,
}

/// One band of the figure, both ends included.
#[derive(Debug, Clone)]
pub(super) struct Band {
    /// The segment's name, as written.
    pub(super) name: String,
    /// The name, folded.
    pub(super) folded: String,
    /// 1-based line.
    pub(super) line: usize,
    from: f64,
    to: f64,
}

impl Band {
    /// The band in words: `Mid: 200 to 999`.
    pub(super) fn words(&self, field: &Field) -> String {
        let field = field.name();
        if self.to.is_infinite() {
            format!("{}: {field} from {}", self.name, self.from)
        } else {
            format!("{}: {field} {} to {}", self.name, self.from, self.to)
        }
    }
}

impl Segments {
    /// Reads `[segment]` for one object.
    pub(super) fn parse(root: &Section<'_>, object: Object, boundary: &Boundary) -> Option<Self> {
        let section = root.section("segment")?;
        section.flag("off");
        let carve_outs = When::parse(&section, "carve_outs", object, boundary);
        let number = |key: &str| {
            let name = section.text(key)?;
            match boundary.field(object, &name) {
                Ok(field) if field.kind() == Kind::Number => Some(field),
                Ok(field) => {
                    section.problem_with_hint(
                        name.line,
                        format!("`{field}` is not a number"),
                        "bands need `kind = \"number\"` in rules/boundary.toml",
                    );
                    None
                }
                Err(missing) => {
                    section.problem(name.line, missing.to_string());
                    None
                }
            }
        };
        let (field, second) = (number("field"), number("second"));
        let mut bands = Vec::new();
        for band in section.sections("bands") {
            let name = band.required_text("name");
            let end = |key: &str, open: f64| band.number(key).map_or(open, |said| said.value);
            let (from, to) = (end("from", 0.0), end("to", f64::INFINITY));
            if from > to {
                band.problem(band.line(), "`from` lies above `to`");
            }
            if let Some(name) = name {
                let (name, line) = (name.trim().to_owned(), band.line());
                bands.push(Band { folded: fold(&name), name, line, from, to });
            }
        }
        if bands.is_empty() {
            section.missing("bands");
        }
        if !section.has("field") {
            section.missing("field");
        }
        Some(Self { field: field?, second, bands, carve_outs, file: section.file().to_owned() })
    }

    /// The bands as lines of an ordered list.
    pub(super) fn lines(&self) -> Vec<Line> {
        let bands = self.bands.iter().enumerate();
        bands
            .map(|(at, band)| Line {
                rule: at,
                name: format!("segment `{}`", band.name),
                file: self.file.clone(),
                line: band.line,
                conditions: vec![Condition::new(
                    self.field.clone(),
                    Test::Between(band.from, band.to),
                )],
                since: None,
                until: None,
                outcome: band.name.clone(),
                takes: Takes::All,
            })
            .collect()
    }

    /// The band a figure of the record falls into.
    pub(super) fn band(&self, row: Row<'_>, field: &Field) -> Option<&Band> {
        let figure = row.number(field)?;
        self.bands.iter().find(|band| band.from <= figure && figure <= band.to)
    }
}
