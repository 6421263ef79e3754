//! The rules folder as text: TOML documents and the tables people keep in a spreadsheet.
//!
//! Does not: touch the disk; the files are handed in.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Document, Lines, Log, Section};

use super::{ALL, Family};

/// How the names of learned models end.
pub const MODEL: &str = ".model.toml";

/// Every rules file by its name below `rules/`.
#[derive(Debug)]
pub struct Rulebook {
    documents: BTreeMap<String, Document>,
    tables: BTreeMap<String, Table>,
    models: BTreeMap<String, String>,
    empty: Document,
}

impl Rulebook {
    /// Parses the files of a rules folder: `name.toml` as documents, `name.csv` as tables; `name.model.toml`
    /// is what the linkage once learned.
    pub fn parse(files: &BTreeMap<String, String>, log: &Log) -> Self {
        let mut documents = BTreeMap::new();
        let mut tables = BTreeMap::new();
        let mut models = BTreeMap::new();
        for (name, text) in files {
            let path = format!("rules/{name}");
            if name.ends_with(MODEL) {
                models.insert(name.clone(), text.clone());
            } else if name.ends_with(".toml") {
                documents.insert(name.clone(), Document::parse(&path, text, log));
            } else if name.ends_with(".csv") {
                tables.insert(name.clone(), Table::parse(&path, text, log));
            }
        }
        Self { documents, tables, models, empty: Document::parse("", "", log) }
    }

    /// Switches checks off, as if their sections said so: what gives way to one that is off does not any more.
    pub fn switch_off(&mut self, checks: &BTreeSet<String>) {
        for check in ALL.iter().filter(|check| checks.contains(check.code)) {
            let file = check.family.file();
            let document = self.documents.entry(file.to_owned());
            let document = document
                .or_insert_with(|| Document::parse(&format!("rules/{file}"), "", &Log::default()));
            document.switch_off(check.name);
        }
    }

    /// A document by name.
    pub fn document(&self, name: &str) -> Option<&Document> {
        self.documents.get(name)
    }

    /// The family's document as a section; empty where there is no such file.
    pub fn root<'a>(&'a self, family: Family, log: &'a Log) -> Section<'a> {
        self.documents.get(family.file()).unwrap_or(&self.empty).root(log)
    }

    /// A learned model named by a rule, as text; a problem at that rule's line where there is no such file.
    pub fn model(&self, name: &str, section: &Section<'_>, line: usize) -> Option<&str> {
        let model = self.models.get(name);
        if model.is_none() {
            section.problem_with_hint(
                line,
                format!("there is no model `{name}`"),
                format!("copy one that a run wrote to rules/{name}; its name ends in {MODEL}"),
            );
        }
        model.map(String::as_str)
    }

    /// A table by name.
    pub fn find_table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// A table named by a rule; a problem at that rule's line where there is no such file.
    pub fn table(&self, name: &str, section: &Section<'_>, line: usize) -> Option<&Table> {
        let table = self.find_table(name);
        if table.is_none() {
            section.problem_with_hint(
                line,
                format!("there is no table `{name}`"),
                format!("put it at rules/{name}"),
            );
        }
        table
    }
}

/// A CSV table that belongs to the rules.
#[derive(Debug, Clone)]
pub struct Table {
    /// The file, with `rules/` in front.
    pub file: String,
    /// Column names, trimmed.
    pub header: Vec<String>,
    /// Rows with their lines; cells are trimmed.
    pub rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    fn parse(file: &str, text: &str, log: &Log) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let lines = Lines::of(text);
        let separator = Separator::of(text);
        let mut reader = reader(text, separator.delimiter);
        let mut table = Self { file: file.to_owned(), header: Vec::new(), rows: Vec::new() };
        for record in reader.records() {
            let Ok(record) = record else {
                log.note(file, 0, "not a CSV table", None);
                return table;
            };
            let line = lines.of_record(record.position().map_or(0, csv::Position::byte));
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            let is_declaration = separator.is_declared && line == 1;
            if is_declaration || cells.iter().all(String::is_empty) {
                continue;
            }
            if table.header.is_empty() {
                table.header = cells;
            } else if cells.len() == table.header.len() {
                table.rows.push((line, cells));
            } else {
                let (wide, found) = (table.header.len(), cells.len());
                log.note(file, line, format!("{found} cells where the header has {wide}"), None);
            }
        }
        if table.header.is_empty() {
            log.note(file, 0, "this table is empty", Some("give it a header line".to_owned()));
        }
        table
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.eq_ignore_ascii_case(name))
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// What stands between the cells of a table that a person wrote.
#[derive(Debug, Clone, Copy)]
pub struct Separator {
    /// The letter.
    pub delimiter: u8,
    /// True where a first line `sep=;` says so.
    pub is_declared: bool,
}

impl Separator {
    /// What a spreadsheet wrote between the cells, which is not a comma in every country: what the first line
    /// declares, or else what makes the most cells of the header.
    pub fn of(text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default().trim_matches(['"', '\r', ' ']);
        if let Some((word, delimiter)) = first.split_once('=')
            && word.eq_ignore_ascii_case("sep")
            && let &[delimiter] = delimiter.as_bytes()
        {
            return Self { delimiter, is_declared: true };
        }
        let cells = |delimiter: &u8| {
            let header = reader(text, *delimiter).into_records().next();
            header.and_then(Result::ok).map_or(0, |header| header.len())
        };
        // The last of equals is taken: a comma, unless something else speaks.
        let delimiter = b"\t;,".iter().copied().max_by_key(cells).unwrap_or(b',');
        Self { delimiter, is_declared: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_what_its_spreadsheet_wrote_between_the_cells() {
        for text in [
            "country,owner\nDE,\"Ann; Bo\"\n",
            "country;owner\r\nDE;\"Ann; Bo\"\r\n",
            "sep=;\r\ncountry;owner\r\nDE;\"Ann; Bo\"\r\n",
            "country\towner\nDE\tAnn; Bo\n",
        ] {
            let log = Log::default();
            let table = Table::parse("rules/t.csv", text, &log);
            assert_eq!(table.header, ["country", "owner"], "{text:?}");
            let rows: Vec<&[String]> = table.rows.iter().map(|(_, row)| row.as_slice()).collect();
            assert_eq!(rows, [["DE", "Ann; Bo"]], "{text:?}");
        }
        let table = Table::parse("rules/t.csv", "name\nAnn; Bo\n", &Log::default());
        assert_eq!(table.header, ["name"]);
        assert_eq!(table.rows, [(2, vec!["Ann; Bo".to_owned()])]);
    }

    #[test]
    fn a_row_has_the_line_on_which_it_stands_whatever_ends_a_line() {
        for text in [
            "\u{feff}country,owner\nDE,Ann\n\n\nFR,\"Bo\nBo\"\nIT,Cy",
            "country,owner\r\nDE,Ann\r\n\r\n\r\nFR,\"Bo\r\nBo\"\r\nIT,Cy\r\n",
        ] {
            let log = Log::default();
            let table = Table::parse("rules/t.csv", text, &log);
            let lines: Vec<usize> = table.rows.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 5, 7], "{text:?}");
        }
    }
}
