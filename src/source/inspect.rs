//! What would be read of an export, told without running a review: `crm-review inspect`.
//!
//! Does not: show a value, or write one that is not in a column that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;

use chrono_tz::Tz;

use crate::boundary::{Admission, AdmitError, Boundary, Field, Load, Object, Withheld, letters};
use crate::folder::{self, Output};

use super::Admit;
use super::csv::{
    ContentFault, Encoding, EncodingFact, Expect, HeaderFault, Limits, Misfit, Problem, Refusal,
    Sheet, Sink, Tally, Trouble, Unreadable, digest,
};

/// Rows that the boundary sets aside and that are listed for a person.
const ASIDE_LISTED: usize = 20;

/// How to inspect.
#[derive(Debug, Clone)]
pub struct Options {
    /// The encoding, where it is known better than by the bytes.
    pub encoding: Option<Encoding>,
    /// How many threads read.
    pub threads: NonZeroUsize,
    /// Whether to name the columns that were not asked for.
    pub show_headers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { encoding: None, threads: NonZeroUsize::MIN, show_headers: false }
    }
}

/// The report on one file, in its public form `crm-review/inspect/1`.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    schema: &'static str,
    file: FileReport,
    status: Status,
    reason: Option<&'static str>,
    encoding: Option<EncodingReport>,
    dialect: Option<DialectReport>,
    header: Option<HeaderReport>,
    rows: RowsReport,
    problems: Vec<ProblemReport>,
    #[serde(skip_serializing_if = "is_zero")]
    problems_omitted: u64,
    looks_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<WithheldReport>,
    /// Rows that can be read and that the boundary sets aside, such as those whose id stands twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<AsideReport>,
    /// How many rows are no records of the review, by the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    left_out: BTreeMap<&'static str, usize>,
    /// What the reason says in words, and what to do about it.
    #[serde(skip)]
    words: Option<(String, String)>,
    #[serde(skip)]
    decoded_cells: u64,
    #[serde(skip)]
    second_table: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Every row can be read.
    Ok,
    /// Some rows are set aside.
    Partial,
    /// No row can be used.
    Refused,
}

#[derive(Debug, Clone, Serialize)]
struct FileReport {
    sha256: Option<String>,
    bytes: u64,
    name_printable: String,
}

#[derive(Debug, Clone, Serialize)]
struct EncodingReport {
    name: String,
    bom: bool,
    guessed: bool,
}

#[derive(Debug, Clone, Serialize)]
struct DialectReport {
    delimiter: String,
    quote: String,
    escape: &'static str,
    eol: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct HeaderReport {
    line: Option<u64>,
    columns: Option<usize>,
    allowed_found: Vec<String>,
    missing: Vec<String>,
    ignored_columns: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored_names: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct RowsReport {
    read: u64,
    quarantined: u64,
    blank: u64,
    footer: u64,
}

#[derive(Debug, Clone, Serialize)]
struct ProblemReport {
    line: u64,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
}

/// A row that can be read and is not admitted.
#[derive(Debug, Clone, Serialize)]
struct AsideReport {
    line: u64,
    why: String,
}

impl AsideReport {
    fn of((line, why): &(u64, String)) -> Self {
        Self { line: *line, why: why.clone() }
    }
}

/// What the boundary says of one column.
#[derive(Debug, Clone, Serialize)]
struct ColumnReport {
    name: String,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show: Option<&'static str>,
    why: String,
}

impl ColumnReport {
    fn of(name: &str, object: Object, boundary: &Boundary) -> Self {
        let listed =
            boundary.fields(object).find(|field| field.from().iter().any(|from| from == name));
        let (verdict, why) = match (listed, boundary.blocking(name)) {
            (Some(field), _) => ("allowed", field.why().to_owned()),
            (None, Some(pattern)) => ("blocked", format!("its name fits `{pattern}`")),
            (None, None) => ("unknown", "nobody listed it, so it is not read".to_owned()),
        };
        Self {
            name: name.to_owned(),
            verdict,
            field: listed.map(ToString::to_string),
            kind: listed.map(|field| field.kind().word()),
            show: listed.map(|field| field.exposure().word()),
            why,
        }
    }
}

/// A value that looked like a secret, told without the value.
#[derive(Debug, Clone, Serialize)]
struct WithheldReport {
    line: u64,
    field: String,
    looks_like: &'static str,
}

impl WithheldReport {
    fn of(withheld: &Withheld) -> Self {
        Self { line: withheld.line, field: withheld.field.clone(), looks_like: withheld.looks_like }
    }
}

/// Inspects the file at `path` for the columns `fields`, all of which it has to have.
///
/// With `rows_out`, the accepted rows of these columns are written there as CSV, in the order
/// asked for; a refused file writes nothing, and nothing that is there is replaced.
pub fn inspect_fields(
    path: &Path,
    fields: &[String],
    options: &Options,
    rows_out: Option<&Path>,
) -> Inspection {
    let mut report = Inspection::of(path);
    if rows_out.is_some_and(|out| folder::are_one_place(path, out)) {
        report.failed("is named as the output too, and an export is never written to".to_owned());
        return report.digested(path);
    }
    let names: Vec<_> = fields.iter().map(String::as_str).collect();
    let shapes: Vec<_> = names.iter().map(|name| shape_of_header(name)).collect();
    let expect = Expect { names: &names, required: &names, encoding: options.encoding };
    let outcome = Sheet::open(path, &expect, &Limits::default()).and_then(|sheet| {
        report.opened(&sheet, fields, options.show_headers);
        let wanted: Vec<_> = names.iter().filter_map(|name| sheet.column(name)).collect();
        let new_sink = || Rows {
            shapes: &shapes,
            out: rows_out.map(|_| csv::Writer::from_writer(Vec::new())),
        };
        let (sinks, tally) = sheet.read(&wanted, new_sink, options.threads)?;
        report.read(&tally, fields);
        Ok(sinks)
    });
    match (outcome, rows_out) {
        (Err(refusal), _) => report.refused(&refusal, fields),
        (Ok(sinks), Some(out)) => {
            if let Err(error) = write_rows(out, &names, sinks) {
                report.failed(format!("cannot be written to {}: {error}", printable(out)));
            }
        }
        (Ok(_), None) => {}
    }
    report.digested(path)
}

/// Inspects the file at `path` as a review would read it: the table it most likely holds, each
/// column allowed, blocked or unknown and why, and every cell checked against its field's kind.
pub fn inspect_allowed(path: &Path, boundary: &Boundary, options: &Options) -> Inspection {
    let mut report = Inspection::of(path);
    let mut fields = Vec::new();
    let outcome = open_as_listed(path, boundary, options).and_then(|(object, sheet)| {
        let reads: BTreeSet<Field> = boundary.fields(object).cloned().collect();
        let name = report.file.name_printable.clone();
        let map = match boundary.admit(object, &name, sheet.header(), &reads, Tz::UTC) {
            Ok(map) => map,
            Err(error) => {
                report.not_admitted(&error);
                return Ok(());
            }
        };
        fields = map.wanted_names().into_iter().map(str::to_owned).collect();
        report.opened(&sheet, &fields, options.show_headers);
        report.object = Some(object.key());
        report.columns =
            sheet.header().iter().map(|name| ColumnReport::of(name, object, boundary)).collect();
        let sink = || Admit::at(&map);
        let (sinks, tally) = sheet.read(&map.wanted(), sink, options.threads)?;
        report.read(&tally, &fields);
        match map.clone().close(Admit::gathered(sinks, &map)) {
            Ok(load) => {
                let (_, admissions) = Load::join(object, vec![load], &reads, options.threads);
                for admission in &admissions {
                    report.admitted(admission);
                }
            }
            Err(error) => report.not_admitted(&error),
        }
        Ok(())
    });
    if let Err(refusal) = outcome {
        report.refused(&refusal, &fields);
    }
    report.digested(path)
}

/// Opens an export as the table of whose columns it has most.
fn open_as_listed(
    path: &Path,
    boundary: &Boundary,
    options: &Options,
) -> Result<(Object, Sheet), Refusal> {
    let open = |names: &[&str]| {
        let expect = Expect { names, required: &[], encoding: options.encoding };
        Sheet::open(path, &expect, &Limits::default())
    };
    let plain = open(&[])?;
    let object = boundary
        .objects()
        .max_by_key(|object| {
            let names = boundary.names(*object);
            let listed = names.iter().filter(|name| plain.column(name).is_some()).count();
            (listed, std::cmp::Reverse(*object))
        })
        .unwrap_or(Object::Lead);
    Ok((object, open(&boundary.names(object))?))
}

impl Inspection {
    /// 0 if rows can be read, 2 if the file is refused, 3 if it could not be read at all.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            Status::Ok | Status::Partial => 0,
            Status::Refused if self.reason == Some("io") => 3,
            Status::Refused => 2,
        }
    }

    /// The report as text for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn of(path: &Path) -> Self {
        Self {
            schema: "crm-review/inspect/1",
            file: FileReport { sha256: None, bytes: 0, name_printable: printable(path) },
            status: Status::Ok,
            reason: None,
            encoding: None,
            dialect: None,
            header: None,
            rows: RowsReport::default(),
            problems: Vec::new(),
            problems_omitted: 0,
            looks_truncated: false,
            object: None,
            columns: Vec::new(),
            withheld: Vec::new(),
            set_aside: Vec::new(),
            left_out: BTreeMap::new(),
            words: None,
            decoded_cells: 0,
            second_table: None,
        }
    }

    /// The report with the file's digest, which a file that was refused early does not have yet.
    fn digested(mut self, path: &Path) -> Self {
        if self.file.sha256.is_none()
            && let Ok((bytes, sha256)) = digest(path)
        {
            self.file.bytes = bytes;
            self.file.sha256 = Some(sha256);
        }
        self
    }

    fn not_admitted(&mut self, error: &AdmitError) {
        self.status = Status::Refused;
        self.reason = Some("not_admitted");
        self.words =
            Some((format!("is not admitted: {error}"), "correct rules/boundary.toml".to_owned()));
    }

    fn admitted(&mut self, admission: &Admission) {
        self.withheld = admission.withheld.iter().map(WithheldReport::of).collect();
        self.set_aside = admission.set_aside.iter().map(AsideReport::of).collect();
        self.left_out = admission.outside.iter().map(|(why, n)| (why.word(), *n)).collect();
        if self.status == Status::Ok && !self.set_aside.is_empty() {
            self.status = Status::Partial;
        }
    }

    fn opened(&mut self, sheet: &Sheet, fields: &[String], show_headers: bool) {
        let facts = sheet.facts();
        self.file.bytes = facts.bytes;
        self.encoding = Some(EncodingReport::of(&facts.encoding));
        let spaced = if facts.dialect.padded { " " } else { "" };
        self.dialect = Some(DialectReport {
            delimiter: format!("{}{spaced}", char::from(facts.dialect.delimiter)),
            quote: char::from(facts.dialect.quote).to_string(),
            escape: facts.dialect.escape.name(),
            eol: None,
        });
        let mut read: Vec<_> = fields.iter().filter_map(|name| sheet.column(name)).collect();
        read.sort_unstable();
        read.dedup();
        let columns = sheet.header().len();
        let ignored = || {
            let names = sheet.header().iter().enumerate();
            names.filter(|(column, _)| !read.contains(column)).map(|(_, name)| name.clone())
        };
        self.header = Some(HeaderReport {
            line: Some(facts.header_line),
            columns: Some(columns),
            allowed_found: fields.to_vec(),
            missing: Vec::new(),
            ignored_columns: Some(columns - read.len()),
            ignored_names: show_headers.then(|| ignored().collect()),
        });
    }

    fn read(&mut self, tally: &Tally, fields: &[String]) {
        let Tally { rows_read, quarantined, blank, footer, .. } = *tally;
        self.rows = RowsReport { read: rows_read, quarantined, blank, footer };
        self.problems =
            tally.problems.iter().map(|problem| ProblemReport::of(problem, fields)).collect();
        self.problems_omitted = tally.problems_omitted;
        self.looks_truncated = tally.looks_truncated;
        self.decoded_cells = tally.decoded_cells;
        self.second_table = tally.second_table;
        if !tally.sha256.is_empty() {
            self.file.bytes = tally.bytes;
            self.file.sha256 = Some(tally.sha256.clone());
            self.encoding = Some(EncodingReport::of(&tally.encoding));
            if let Some(dialect) = &mut self.dialect {
                dialect.eol = Some(tally.eol.name());
            }
        }
        let whole = quarantined == 0 && tally.second_table.is_none() && !tally.looks_truncated;
        self.status = if whole { Status::Ok } else { Status::Partial };
    }

    fn refused(&mut self, refusal: &Refusal, fields: &[String]) {
        if let Refusal::Content { tally, .. } = refusal {
            self.read(tally, fields);
        }
        if let Refusal::Header(HeaderFault::Missing { names, .. }) = refusal {
            let found = fields.iter().filter(|name| !names.contains(name));
            self.header = Some(HeaderReport {
                line: None,
                columns: None,
                allowed_found: found.cloned().collect(),
                missing: names.clone(),
                ignored_columns: None,
                ignored_names: None,
            });
        }
        if let Refusal::Content { fault: ContentFault::SecondTable { line }, .. } = refusal {
            self.second_table = Some(*line);
        }
        self.status = Status::Refused;
        self.reason = Some(refusal.code());
        let words = match refusal {
            Refusal::Io(error) => format!("{refusal}: {error}"),
            Refusal::NotCsv(_)
            | Refusal::Encoding(_)
            | Refusal::Header(_)
            | Refusal::Content { .. }
            | Refusal::Limit { .. } => refusal.to_string(),
        };
        let mut hint = refusal.hint();
        if let Refusal::Encoding(fault) = refusal
            && *fault != Unreadable::Utf32
        {
            hint += "; `--encoding` reads it here as what you know it is";
        }
        self.words = Some((words, hint));
    }

    fn failed(&mut self, words: String) {
        self.status = Status::Refused;
        self.reason = Some("io");
        self.words = Some((words, "give a path that can be written".to_owned()));
    }

    fn write_text(&self, text: &mut String) -> std::fmt::Result {
        let RowsReport { read, quarantined, blank, footer } = self.rows;
        let name = &self.file.name_printable;
        match (&self.words, self.status) {
            (Some((words, hint)), _) => writeln!(text, "{name} {words}\nhint: {hint}")?,
            (None, Status::Ok) => writeln!(text, "{name} can be read")?,
            (None, _) => writeln!(text, "{name} can be read in part")?,
        }
        writeln!(text, "  bytes     {}", self.file.bytes)?;
        if let Some(sha256) = &self.file.sha256 {
            writeln!(text, "  sha256    {sha256}")?;
        }
        if let Some(EncodingReport { name, bom, guessed }) = &self.encoding {
            let bom = if *bom { ", by its byte order mark" } else { "" };
            writeln!(text, "  encoding  {name}{bom}")?;
            if *guessed {
                writeln!(
                    text,
                    "            a guess: {} cells were decoded so; export as UTF-8 to be sure",
                    self.decoded_cells
                )?;
            }
        }
        if let Some(DialectReport { delimiter, quote, escape, eol }) = &self.dialect {
            let delimiter = delimiter.escape_default();
            let eol = eol.map(|eol| format!(", lines end with {eol}")).unwrap_or_default();
            writeln!(text, "  dialect   `{delimiter}` between cells, `{quote}` ({escape}){eol}")?;
        }
        if let Some(header) = &self.header {
            header.write_text(text)?;
        }
        let aside = quarantined + self.set_aside.len() as u64;
        writeln!(
            text,
            "  rows      {read} read, {aside} set aside, {blank} blank, {footer} footer"
        )?;
        for (why, count) in &self.left_out {
            writeln!(text, "  left out  {count} {why}")?;
        }
        let width = self.columns.iter().map(|column| escaped(&column.name).chars().count()).max();
        let width = width.unwrap_or(0).min(40);
        if let Some(object) = self.object {
            writeln!(text, "  table     {object}, by its columns")?;
        }
        for column in &self.columns {
            let ColumnReport { name, verdict, field, kind, show, why } = column;
            let field = match (field, kind, show) {
                (Some(field), Some(kind), Some(show)) => format!("{field} ({kind}, {show}): "),
                _ => String::new(),
            };
            writeln!(text, "  {verdict:<8}  {:<width$}  {field}{why}", escaped(name))?;
        }
        for WithheldReport { line, field, looks_like } in &self.withheld {
            writeln!(text, "  withheld  line {line}, {field}: it looks like {looks_like}")?;
        }
        if let Some(line) = self.second_table {
            writeln!(text, "  note      a second table begins at line {line} and is not read")?;
        }
        if self.looks_truncated {
            writeln!(text, "  note      the file ends within a row: it looks cut off")?;
        }
        let lines = self.problems.last().map_or(0, |last| last.line.to_string().len());
        let codes = self.problems.iter().map(|problem| problem.code.len()).max().unwrap_or(0);
        for problem in &self.problems {
            let ProblemReport { line, code, .. } = problem;
            writeln!(text, "  line {line:>lines$}  {code:<codes$}  {}", problem.words())?;
        }
        if self.problems_omitted > 0 {
            writeln!(text, "  and {} more", self.problems_omitted)?;
        }
        for AsideReport { line, why } in self.set_aside.iter().take(ASIDE_LISTED) {
            writeln!(text, "  line {line:>lines$}  {why}")?;
        }
        if let more @ 1.. = self.set_aside.len().saturating_sub(ASIDE_LISTED) {
            writeln!(text, "  and {more} more")?;
        }
        Ok(())
    }
}

impl HeaderReport {
    fn write_text(&self, text: &mut String) -> std::fmt::Result {
        if let (Some(line), Some(columns), Some(ignored)) =
            (self.line, self.columns, self.ignored_columns)
        {
            writeln!(text, "  header    line {line}, {columns} columns, {ignored} ignored")?;
        }
        writeln!(text, "  read      {}", self.allowed_found.join(", "))?;
        if !self.missing.is_empty() {
            writeln!(text, "  missing   {}", self.missing.join(", "))?;
        }
        for name in self.ignored_names.iter().flatten() {
            writeln!(text, "  ignored   {}", escaped(name))?;
        }
        Ok(())
    }
}

impl EncodingReport {
    fn of(fact: &EncodingFact) -> Self {
        Self { name: fact.name.clone(), bom: fact.bom, guessed: fact.guessed }
    }
}

impl ProblemReport {
    fn of(problem: &Problem, fields: &[String]) -> Self {
        let Problem { line, trouble } = *problem;
        let (mut expected, mut got, mut length) = (None, None, None);
        match trouble {
            Trouble::Width { expected: cells, got: found } => {
                (expected, got) = (Some(cells), Some(found));
            }
            Trouble::TooLong { length: bytes, .. }
            | Trouble::Misfit(Misfit { length: bytes, .. }) => length = Some(bytes),
            Trouble::Quote
            | Trouble::Ambiguous
            | Trouble::Nul
            | Trouble::Encoding { .. }
            | Trouble::RecordTooLong
            | Trouble::SecondTable => {}
        }
        let field = trouble.column().and_then(|column| fields.get(column)).cloned();
        Self { line, code: trouble.code(), expected, got, field, length }
    }

    fn words(&self) -> String {
        match (self.expected, self.got, &self.field, self.length) {
            (Some(expected), Some(got), ..) => format!("{got} cells instead of {expected}"),
            (.., Some(field), Some(length)) => format!("`{field}`, {length} bytes"),
            (.., Some(field), None) => format!("`{field}`"),
            _ => match self.code {
                "quote" => "a quote out of place, or one that never closes",
                "ambiguous" => "lines that are rows, or a cell of several lines",
                "nul" => "a zero byte",
                "second_table" => "the header again: what follows is not read",
                _ => "",
            }
            .to_owned(),
        }
    }
}

/// Checks the shapes of values, and keeps the rows if they are to be written.
struct Rows<'s> {
    shapes: &'s [Shape],
    out: Option<csv::Writer<Vec<u8>>>,
}

impl Sink for Rows<'_> {
    fn row(&mut self, _line: u64, cells: &[&str]) -> Result<(), Misfit> {
        for (column, (shape, cell)) in self.shapes.iter().zip(cells).enumerate() {
            if !shape.admits(cell) {
                return Err(Misfit { column, length: cell.len(), code: "kind" });
            }
        }
        if let Some(out) = &mut self.out {
            // Into memory, and all rows have the same number of cells: it does not fail.
            let _ = out.write_record(cells);
        }
        Ok(())
    }
}

fn write_rows(path: &Path, names: &[&str], sinks: Vec<Rows<'_>>) -> io::Result<()> {
    let mut header = csv::Writer::from_writer(Vec::new());
    header.write_record(names)?;
    let mut file = Output::create(path)?;
    let headers = std::iter::once(Some(header));
    for out in headers.chain(sinks.into_iter().map(|sink| sink.out)).flatten() {
        file.write_all(&out.into_inner().map_err(|error| io::Error::other(error.to_string()))?)?;
    }
    file.finish()
}

/// What the values of a column look like, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One word of letters, digits and a few signs.
    Id,
    /// A few words on one line.
    Label,
    /// One address.
    Email,
    /// Begins with a digit.
    Date,
    /// Anything.
    Text,
}

/// The shape of the values under a name that CRMs use; any other name stands above text.
fn shape_of_header(name: &str) -> Shape {
    const LABELS: [&str; 20] = [
        "stage",
        "stagename",
        "dealstage",
        "lifecyclestage",
        "status",
        "leadstatus",
        "dealstatus",
        "source",
        "leadsource",
        "originalsource",
        "owner",
        "leadowner",
        "contactowner",
        "companyowner",
        "accountowner",
        "opportunityowner",
        "dealowner",
        "rating",
        "industry",
        "country",
    ];
    const DATES: [&str; 7] = [
        "created",
        "createdtime",
        "createdat",
        "modifiedtime",
        "lastmodified",
        "lastactivity",
        "lastlogin",
    ];
    let name = name.trim();
    let key: String = letters(name).collect();
    let is_id = key == "id"
        || key.starts_with("recordid")
        || [" ID", " Id", ".id", "_id"].iter().any(|end| name.ends_with(end))
        || name.strip_suffix("Id").is_some_and(|stem| stem.ends_with(|c: char| c.is_lowercase()));
    if is_id {
        Shape::Id
    } else if LABELS.contains(&key.as_str()) {
        Shape::Label
    } else if key == "email" || key == "emailaddress" {
        Shape::Email
    } else if key.ends_with("date") || DATES.contains(&key.as_str()) {
        Shape::Date
    } else {
        Shape::Text
    }
}

impl Shape {
    /// Whether `value` may stand in such a column; nothing always may.
    pub fn admits(self, value: &str) -> bool {
        const LONGEST_ID: usize = 40;
        const LONGEST_LABEL: usize = 80;
        const LONGEST_EMAIL: usize = 254;
        // So many words are a sentence.
        const SENTENCE: usize = 10;
        let value = value.trim();
        let one_line = || !value.contains(['\n', '\r']);
        let length = || value.chars().count();
        match self {
            Self::Text => true,
            Self::Id => {
                let is_sign = |c: char| matches!(c, '_' | '.' | ':' | '@' | '-');
                value.len() <= LONGEST_ID
                    && value.chars().all(|c| c.is_ascii_alphanumeric() || is_sign(c))
            }
            Self::Label => {
                one_line()
                    && length() <= LONGEST_LABEL
                    && value.split_whitespace().nth(SENTENCE - 1).is_none()
            }
            Self::Email => {
                length() <= LONGEST_EMAIL && !value.contains(|c: char| c.is_whitespace())
            }
            Self::Date => value.is_empty() || value.starts_with(|c: char| c.is_ascii_digit()),
        }
    }
}

/// The file's name with everything that a terminal or a reader could trip over escaped.
fn printable(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    escaped(&name.to_string_lossy())
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expect: bool) {
        assert_eq!(shape_of_header(name).admits(value), expect, "{name}: {value}");
    }

    #[test]
    fn well_known_names_tell_the_shape_of_their_values() {
        check("Id", "0035e00000AbCdEAAV", true);
        check("Record ID", "12345678901", true);
        check("OwnerId", "Ann Lee", false);
        check("Lead Owner", "Ann Lee", true);
        check("StageName", "Closed Won", true);
        check("Stage", "called twice and left a message, will try again on Monday", false);
        check("Lead Source", "Web\nEvent", false);
        check("Email", "ann@example.com", true);
        check("Email", "ann at example.com", false);
        check("CreatedDate", "2026-03-01T10:00:00Z", true);
        check("Close Date", "soon", false);
        check("Close Date", "", true);
        check("Madrid", "anything at all", true);
    }

    #[test]
    fn names_of_files_are_shown_without_controls() {
        assert_eq!(printable(Path::new("x/O'Neil\u{202e}\n.csv")), "O'Neil\\u{202e}\\n.csv");
    }
}
