//! `init`: drafts a review folder from real exports that runs without editing.
//!
//! Headers say which file is which table and which column is which field; only those columns are
//! then read, for the figures that stand beside every inferred line. What cannot be inferred is off,
//! with a line that says how to switch it on.
//! Does not: ask anything, write where `review.toml` or `rules` is there already, copy an export, or read a
//! column it does not list.

mod beyond;
mod catalogue;
mod infer;
mod stages;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use self::catalogue::STANDINGS;
use crate::boundary::{
    Admission, AdmitError, Batch, Boundary, DateOrder, DecimalMark, Field, Kind, Object,
    is_always_blocked, is_spreadsheet_number,
};
use crate::check::{AsOf, Bench, CheckDef, Outcome, Pulled, World};
use crate::config::{self, Config, Crm};
use crate::folder::{self, FolderError};
use crate::gate;
use crate::policy::{Document, Log, Problems, quoted};
use crate::source::csv::{Expect, Limits, Misfit, Refusal, Sheet, Sink};
use crate::source::{self, Files, SourceError, SourceErrors};

/// Why no folder was drafted.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The exports cannot be listed.
    #[error("{path}: {what}\n  hint: `--from` names the folder with the CRM's CSV exports")]
    NoExports {
        /// Where.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// An export cannot be read.
    #[error("{0}")]
    Source(#[from] SourceErrors),
    /// The folder could not be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What was drafted does not hold together.
    #[error("the draft does not pass its own check; please report this\n{0}")]
    Faulty(Problems),
}

impl DraftError {
    /// The exit code: 2 for what the caller wrote, 3 where an export or the disk stands in the way, 5 for a
    /// folder that is held.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoExports { .. } | Self::Faulty(_) => 2,
            Self::Source(_) => 3,
            Self::Folder(error) => error.exit_code(),
        }
    }
}

/// A folder that was drafted.
#[derive(Debug)]
pub struct Drafted {
    /// What was found, for a person.
    pub summary: String,
}

/// One export, before its rows are read.
struct Export {
    file: String,
    header: Vec<String>,
}

/// One table's share of the draft.
struct DraftTable {
    files: Vec<Export>,
    fields: Vec<DraftField>,
}

/// One line of the allowlist.
struct DraftField {
    name: &'static str,
    from: Vec<String>,
    why: &'static str,
    kind: Kind,
    dates: Option<DateOrder>,
    decimal: Option<DecimalMark>,
    /// The words of a flag's column that mean yes, and those that mean no.
    flags: Vec<(&'static str, bool)>,
    /// Why the line is drafted but switched off.
    off: Option<String>,
    /// Whether it is only for a few cells that a person can put right.
    slips: bool,
    /// The figure behind the line.
    figure: String,
    /// Whether its cells are mail addresses.
    mails: bool,
}

/// Drafts a review folder at `dir` from the CSV exports in `from`. Where one is there already, nothing is
/// written, and what the draft would add is said.
pub fn init(dir: &Path, from: &Path, threads: NonZeroUsize) -> Result<Drafted, DraftError> {
    let (mut tables, unused) = tables(from)?;
    let mut owners_by_mail = false;
    for (object, table) in &mut tables {
        // The users come after the tables whose owners they are.
        if *object == Object::User && owners_by_mail {
            name_by_mail(table);
        }
        profile(*object, table, from, threads)?;
        owners_by_mail |= table.fields.iter().any(|field| field.name == "owner" && field.mails);
    }
    let (boundary_toml, mut batches) = admit(&mut tables, from, threads)?;
    let crm = crm(&tables);
    let source = source_folder(dir, from);
    let mut rules: BTreeMap<String, String> = infer::rules(&batches);
    rules.insert("boundary.toml".to_owned(), boundary_toml);
    rules.insert("approvals.toml".to_owned(), gate::SHIPPED.to_owned());
    let mut review = review_toml(dir, crm, source.as_deref(), &tables, &unused, &batches);
    // The draft has to pass the same door as everything else.
    let config = config::parse(&review, &rules).map_err(DraftError::Faulty)?;
    review += &switched_off(&trial(&config, &mut batches, threads));
    if ["review.toml", "rules"].iter().any(|name| dir.join(name).exists()) {
        let more = beyond::beyond(dir, &review, &rules);
        return Ok(Drafted { summary: compared(dir, &more) });
    }
    write(dir, &review, &rules)?;
    Ok(Drafted { summary: summary(dir, crm, &tables, &unused, &batches) })
}

/// Files that are left out, each with the reason.
type Unused = Vec<(String, String)>;

/// The exports, each with the table it most likely holds; the rest with the reason it is left out.
fn tables(from: &Path) -> Result<(BTreeMap<Object, DraftTable>, Unused), DraftError> {
    let no_exports =
        |what: String| DraftError::NoExports { path: from.display().to_string(), what };
    let mut names: Vec<String> = fs::read_dir(from)
        .map_err(|error| no_exports(error.to_string()))?
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            Path::new(name).extension().is_some_and(|end| {
                ["csv", "tsv", "txt"].iter().any(|known| end.eq_ignore_ascii_case(known))
            })
        })
        .collect();
    names.sort();
    let mut tables: BTreeMap<Object, DraftTable> = BTreeMap::new();
    let mut unused = Vec::new();
    let mut refused = Vec::new();
    for name in names {
        let sheet = match Sheet::open(&from.join(&name), &Expect::default(), &Limits::default()) {
            Ok(sheet) => sheet,
            Err(refusal) => {
                refused.push(SourceError::Refused { file: name, refusal });
                continue;
            }
        };
        let header = sheet.header().to_vec();
        let stem = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy();
        let Some(object) = catalogue::guess(&stem, &header) else {
            let why = if let Some(id) = catalogue::doubled_id(&header) {
                format!("several of its columns are named `{id}`: take all but one out")
            } else if let Some(object) = catalogue::likely(&stem, &header) {
                let plural = object.plural();
                format!(
                    "it looks like {plural}, and no column holds their ids: export it with the record id"
                )
            } else {
                "its columns are not those of a known table".to_owned()
            };
            unused.push((name, why));
            continue;
        };
        let table = tables
            .entry(object)
            .or_insert_with(|| DraftTable { files: Vec::new(), fields: Vec::new() });
        table.files.push(Export { file: name, header });
    }
    if tables.is_empty() {
        if !refused.is_empty() {
            return Err(SourceErrors(refused).into());
        }
        let why = unused.iter().map(|(file, why)| format!("\n  {file}: {why}"));
        return Err(no_exports(
            "there is no CSV export of leads, contacts, accounts or deals".to_owned()
                + &why.collect::<String>(),
        ));
    }
    unused.extend(refused.into_iter().map(|error| {
        let words = error.to_string();
        let file = match error {
            SourceError::Refused { file, .. }
            | SourceError::Absent { file, .. }
            | SourceError::Broken { file } => file,
            SourceError::NotAdmitted(_) => String::new(),
        };
        (file, words.lines().next().unwrap_or_default().to_owned())
    }));
    for (object, table) in &mut tables {
        table.fields = fields(*object, &table.files);
    }
    Ok((tables, unused))
}

/// The allowlist lines that the headers support.
fn fields(object: Object, files: &[Export]) -> Vec<DraftField> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut fields = Vec::new();
    for known @ (name, _, why) in catalogue::columns(object) {
        let mut from: Vec<String> = Vec::new();
        for export in files {
            let Some(column) = catalogue::find(object, known, &export.header) else { continue };
            if !is_always_blocked(column)
                && !taken.contains(column)
                && !from.iter().any(|c| c == column)
            {
                from.push(column.to_owned());
            }
        }
        if from.is_empty() {
            continue;
        }
        taken.extend(from.iter().cloned());
        fields.push(DraftField {
            name,
            from,
            why,
            kind: Kind::usual(name),
            dates: None,
            decimal: None,
            flags: Vec::new(),
            off: None,
            slips: false,
            figure: String::new(),
            mails: false,
        });
    }
    fields
}

/// How many cells of a column have which shape.
#[derive(Debug, Default, Clone, Copy)]
struct Shape {
    filled: usize,
    /// As the field's name says.
    usual: usize,
    /// Where the first stands that is not: the file's place and the line.
    odd: Option<(usize, u64)>,
    name: usize,
    text: usize,
    /// Ids that a spreadsheet turned into numbers.
    mangled: usize,
    mails: usize,
    /// Of two words or more.
    words: usize,
    /// Of each word for how a user stands.
    standings: [usize; STANDINGS.len()],
}

impl Shape {
    fn count(&mut self, cell: &str, kind: Kind, at: (usize, u64)) {
        self.filled += 1;
        if kind.fits(cell) {
            self.usual += 1;
        } else {
            self.odd = self.odd.or(Some(at));
        }
        self.name += usize::from(Kind::Name.fits(cell));
        self.text += usize::from(Kind::Text.fits(cell));
        self.mangled += usize::from(kind == Kind::Id && is_spreadsheet_number(cell.trim()));
        self.mails += usize::from(cell.contains('@'));
        self.words += usize::from(cell.split_whitespace().nth(1).is_some());
        if kind == Kind::Flag {
            let word = cell.trim().to_lowercase();
            for ((known, _), count) in STANDINGS.iter().zip(&mut self.standings) {
                *count += usize::from(*known == word);
            }
        }
    }
}

impl AddAssign for Shape {
    fn add_assign(&mut self, more: Self) {
        self.filled += more.filled;
        self.usual += more.usual;
        self.odd = self.odd.into_iter().chain(more.odd).min();
        self.name += more.name;
        self.text += more.text;
        self.mangled += more.mangled;
        self.mails += more.mails;
        self.words += more.words;
        for (count, more) in self.standings.iter_mut().zip(more.standings) {
            *count += more;
        }
    }
}

/// The shapes of some columns. Cells are looked at and not kept.
struct Shapes {
    file: usize,
    rows: usize,
    columns: Vec<(Kind, Shape)>,
}

impl Sink for Shapes {
    fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.rows += 1;
        for (cell, (kind, shape)) in cells.iter().zip(&mut self.columns) {
            if !cell.trim().is_empty() {
                shape.count(cell, *kind, (self.file, line));
            }
        }
        Ok(())
    }
}

/// A column that is blank in so many rows is not in use.
const SURELY_UNUSED: usize = 100;

/// Where records name their owner by a mail address, that is what names a user.
fn name_by_mail(users: &mut DraftTable) {
    let mails: BTreeSet<&str> =
        users.files.iter().filter_map(|export| catalogue::user_mail(&export.header)).collect();
    let mails: Vec<String> = mails.into_iter().map(str::to_owned).collect();
    let id = users.fields.iter_mut().find(|field| field.name == "id");
    if let Some(id) = id.filter(|_| !mails.is_empty()) {
        id.from = mails;
        id.why = "Names the person: records name their owner by mail.";
    }
}

/// Picks each column's kind by the shape of its cells, and notes its fill rate.
fn profile(
    object: Object,
    table: &mut DraftTable,
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(), DraftError> {
    let mut rows = 0;
    let mut shapes = vec![Shape::default(); table.fields.len()];
    for (file, export) in table.files.iter().enumerate() {
        let refused = |refusal: Refusal| {
            SourceErrors(vec![SourceError::Refused { file: export.file.clone(), refusal }])
        };
        let sheet = Sheet::open(&from.join(&export.file), &Expect::default(), &Limits::default())
            .map_err(refused)?;
        let (here, wanted): (Vec<usize>, Vec<usize>) = table
            .fields
            .iter()
            .enumerate()
            .filter_map(|(at, field)| {
                let column = field
                    .from
                    .iter()
                    .find_map(|column| export.header.iter().position(|header| header == column))?;
                Some((at, column))
            })
            .unzip();
        let kinds = here.iter().filter_map(|at| table.fields.get(*at)).map(|field| field.kind);
        let columns: Vec<_> = kinds.map(|kind| (kind, Shape::default())).collect();
        let sink = || Shapes { file, rows: 0, columns: columns.clone() };
        let (sinks, _) = sheet.read(&wanted, sink, threads).map_err(refused)?;
        for sink in sinks {
            rows += sink.rows;
            for (at, (_, shape)) in here.iter().zip(sink.columns) {
                if let Some(all) = shapes.get_mut(*at) {
                    *all += shape;
                }
            }
        }
    }
    let is_listed = |name: &str| table.fields.iter().any(|field| field.name == name);
    let (has_first, has_last) = (is_listed("first_name"), is_listed("last_name"));
    for (field, shape) in table.fields.iter_mut().zip(shapes) {
        let Shape { filled, usual, name, text, mangled, .. } = shape;
        field.figure = format!("filled in {} of {rows} {}", filled, object.plural());
        if filled == 0 && rows >= SURELY_UNUSED {
            field.off = Some("nobody fills it".to_owned());
            continue;
        }
        // One cell in two hundred may be a slip; more of them mean the column is something else.
        let mostly = |fits: usize| (filled - fits) * 200 <= filled;
        field.mails = filled > 0 && mostly(shape.mails);
        if field.name == catalogue::WHOLE_NAME {
            let _ = write!(field.figure, "; {} of them have two words or more", shape.words);
            if shape.words * 2 < filled {
                // `Vorname` and `Name`: beside a first name one word is the last.
                if has_first && !has_last {
                    field.name = "last_name";
                } else {
                    field.off = Some("fewer than half of its cells have two words".to_owned());
                    continue;
                }
            }
        }
        if mostly(usual) {
            if usual < filled {
                let _ = write!(
                    field.figure,
                    "; {usual} of them look like {}, the rows of the others are set aside",
                    article(field.kind)
                );
            }
            continue;
        }
        if field.name == "active" && usual == 0 {
            standing(field, &shape);
            continue;
        }
        let _ = write!(field.figure, "; {usual} of them look like {}", article(field.kind));
        // Ids that a spreadsheet destroyed are many records under one name: their rows are set aside.
        if mangled > 0 {
            let _ = write!(field.figure, ", {mangled} were turned into numbers by a spreadsheet");
            continue;
        }
        if field.kind == Kind::Id && mostly(name) {
            field.kind = Kind::Name;
        } else if mostly(text) && !matches!(field.kind, Kind::Date | Kind::Number | Kind::Flag) {
            field.kind = Kind::Text;
        } else {
            let file = shape.odd.and_then(|(file, line)| Some((table.files.get(file)?, line)));
            let slip = file.filter(|_| usual * 10 >= filled * 9).map(|(export, line)| {
                let odd = filled - usual;
                format!(
                    "{odd} of its {filled} cells {} not look like {}, the first is in {} on line {line}",
                    if odd == 1 { "does" } else { "do" },
                    article(field.kind),
                    in_comment(&export.file),
                )
            });
            field.slips = slip.is_some();
            field.off = slip
                .or_else(|| Some(format!("its cells do not look like {}", article(field.kind))));
        }
    }
    let whole = table.fields.iter().any(|it| it.name == catalogue::WHOLE_NAME && it.off.is_none());
    let first = table.fields.iter_mut().find(|field| field.name == "first_name");
    if let Some(first) = first.filter(|_| whole && !has_last) {
        first.off = Some("the whole name stands in a column of its own".to_owned());
    }
    Ok(())
}

/// Reads how users stand from words of which every one is known.
fn standing(field: &mut DraftField, shape: &Shape) {
    let mut known = 0;
    for ((word, active), count) in STANDINGS.iter().zip(shape.standings) {
        if count > 0 {
            known += count;
            field.flags.push((word, *active));
            let _ = write!(field.figure, ", {count} {word}");
        }
    }
    let unknown = shape.filled - known;
    if unknown > 0 {
        field.off = Some(format!(
            "{unknown} of its cells do not say whether somebody is active: add their words to yes or no"
        ));
    }
}

fn article(kind: Kind) -> String {
    match kind {
        Kind::Id | Kind::Email | Kind::Address => format!("an {}", kind.word()),
        Kind::Picklist => "a picklist value".to_owned(),
        Kind::Date
        | Kind::Number
        | Kind::Flag
        | Kind::Phone
        | Kind::Web
        | Kind::Name
        | Kind::Text => format!("a {}", kind.word()),
    }
}

/// Reads what the draft allows. Dates and numbers that can be read in two ways, where nothing proves which,
/// are switched off on the way.
fn admit(
    tables: &mut BTreeMap<Object, DraftTable>,
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(String, Batches), DraftError> {
    let files = Files(
        tables
            .iter()
            .map(|(object, table)| {
                (*object, table.files.iter().map(|export| PathBuf::from(&export.file)).collect())
            })
            .collect(),
    );
    loop {
        let toml = boundary_toml(tables);
        let log = Log::default();
        let boundary = Boundary::parse(&Document::parse("rules/boundary.toml", &toml, &log), &log);
        let boundary = log.finish(boundary).map_err(DraftError::Faulty)?;
        let reads: BTreeSet<Field> =
            Object::ALL.iter().flat_map(|object| boundary.fields(*object).cloned()).collect();
        match source::pull(from, &files, &boundary, &reads, Tz::UTC, threads) {
            Ok(pull) => {
                for (object, table) in tables.iter_mut() {
                    let admissions = || pull.admissions.iter().filter(|a| a.object == *object);
                    for field in &mut table.fields {
                        let is_from = |column: &String| field.from.contains(column);
                        let orders = admissions().flat_map(|a| &a.date_orders);
                        let marks = admissions().flat_map(|a| &a.decimal_marks);
                        // Where files differ, each goes on to prove its own.
                        field.dates = only(orders.filter(|it| is_from(&it.0)).map(|it| it.1));
                        field.decimal = only(marks.filter(|it| is_from(&it.0)).map(|it| it.1));
                    }
                }
                let toml = boundary_toml(tables);
                let aside = aside(&pull);
                let batches = pull.batches.into_iter().map(|batch| (batch.object(), batch));
                return Ok((toml, Batches { boundary, tables: batches.collect(), aside }));
            }
            Err(errors) => {
                if !switch_off_undecided(tables, &errors) {
                    return Err(errors.into());
                }
            }
        }
    }
}

/// What was set aside of each file, in words: how many rows, and where and why the first of them.
fn aside(pull: &source::Pull) -> Vec<String> {
    let of_file = |(input, admission): (&source::Input, &Admission)| {
        let (count, rows) = (input.set_aside(admission), input.tally.rows_read);
        let first = input.first_set_aside(admission);
        (count > 0)
            .then(|| format!("{}: {count} of {rows} rows are set aside, {first}", input.file))
    };
    pull.inputs.iter().zip(&pull.admissions).filter_map(of_file).collect()
}

/// What all of them are; nothing where they differ.
fn only<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|next| next == first).then_some(first)
}

/// Switches off the columns of dates and numbers that were refused. False when there is anything else wrong.
fn switch_off_undecided(tables: &mut BTreeMap<Object, DraftTable>, errors: &SourceErrors) -> bool {
    for error in &errors.0 {
        let (file, column, kind, why) = match error {
            SourceError::NotAdmitted(AdmitError::DateOrderUnknown { file, column, .. }) => (
                file,
                column,
                Kind::Date,
                "nothing proves whether day or month comes first: add dates = \"day-first\" or \"month-first\"",
            ),
            SourceError::NotAdmitted(AdmitError::DateOrderMixed { file, column }) => {
                let why = "some dates only work day first and some only month first";
                (file, column, Kind::Date, why)
            }
            SourceError::NotAdmitted(AdmitError::DecimalMarkUnknown { file, column, .. }) => (
                file,
                column,
                Kind::Number,
                "nothing proves what 1.200 means: add decimal = \"point\" or \"comma\"",
            ),
            SourceError::NotAdmitted(_)
            | SourceError::Refused { .. }
            | SourceError::Absent { .. }
            | SourceError::Broken { .. } => {
                return false;
            }
        };
        let mut found = false;
        let holds = |table: &&mut DraftTable| table.files.iter().any(|it| it.file == *file);
        for field in tables.values_mut().filter(holds).flat_map(|table| &mut table.fields) {
            if field.off.is_none() && field.kind == kind && field.from.contains(column) {
                field.off = Some(why.to_owned());
                found = true;
            }
        }
        if !found {
            return false;
        }
    }
    true
}

/// What was read for the figures.
struct Batches {
    boundary: Boundary,
    tables: BTreeMap<Object, Batch>,
    /// What was set aside of each file, in words.
    aside: Vec<String>,
}

impl Batches {
    fn get(&self, object: Object) -> Option<&Batch> {
        self.tables.get(&object)
    }

    fn field(&self, object: Object, name: &str) -> Option<Field> {
        self.boundary.allowed(object, name)
    }
}

/// A text as a comment may hold it: what would end the line is a space.
fn in_comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn quoted_list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

fn boundary_toml(tables: &BTreeMap<Object, DraftTable>) -> String {
    let mut toml = String::from(
        "# The allowlist: every field that may be read, and why. A column that is not listed here is never read.\n\
         # `show` says how values may appear: shown, masked, or never (compared only).\n\
         # Correct the reasons: a field nobody can explain should not be here.\n",
    );
    for (object, table) in tables {
        let files: Vec<_> = table.files.iter().map(|export| export.file.as_str()).collect();
        let _ = write!(toml, "\n# {}\n[{object}.fields]\n", in_comment(&files.join(", ")));
        for field in &table.fields {
            let from = match field.from.as_slice() {
                [one] => quoted(one),
                several => quoted_list(several.iter().map(String::as_str)),
            };
            let mut line =
                format!("{} = {{ from = {from}, why = {}", field.name, quoted(field.why));
            match field.name {
                "email" => line += ", show = \"masked\"",
                "phone" => line += ", show = \"never\"",
                _ => {}
            }
            if field.kind != Kind::usual(field.name) {
                let _ = write!(line, ", kind = \"{}\"", field.kind.word());
            }
            for (key, flag) in [("yes", true), ("no", false)] {
                let words = field.flags.iter().filter(|(_, means)| *means == flag);
                let words: Vec<&str> = words.map(|(word, _)| *word).collect();
                if !words.is_empty() {
                    let _ = write!(line, ", {key} = {}", quoted_list(words));
                }
            }
            if let Some(dates) = field.dates {
                let _ = write!(line, ", dates = \"{}\"", dates.word());
            }
            if let Some(decimal) = field.decimal {
                let _ = write!(line, ", decimal = \"{}\"", decimal.word());
            }
            match &field.off {
                None => {
                    let _ = writeln!(toml, "{line} }}  # {}", field.figure);
                }
                Some(why) => {
                    let _ = writeln!(toml, "# off, {why} ({}):\n# {line} }}", field.figure);
                }
            }
        }
        let listed: BTreeSet<&str> =
            table.fields.iter().flat_map(|field| field.from.iter().map(String::as_str)).collect();
        let left: BTreeSet<&str> = table
            .files
            .iter()
            .flat_map(|export| export.header.iter().map(String::as_str))
            .filter(|column| !listed.contains(column) && !column.is_empty())
            .collect();
        for export in &table.files {
            for column in catalogue::doubled(*object, &export.header) {
                let _ = writeln!(toml, "# {}", in_comment(&twice(column)));
            }
        }
        if !left.is_empty() {
            let names: Vec<_> = left.iter().map(|name| in_comment(name)).collect();
            let _ = writeln!(toml, "# {} columns are not read: {}", left.len(), names.join(", "));
        }
    }
    toml += "\n[blocked]\nnames = [\"*note*\", \"*description*\", \"*transcript*\", \"*password*\", \"*api_key*\", \"*strategy*\", \"*legal*\"]\n";
    toml
}

/// Salesforce and HubSpot are told by how they spell ids, Odoo by its technical names.
fn crm(tables: &BTreeMap<Object, DraftTable>) -> Crm {
    let exports = tables.values().flat_map(|table| &table.files);
    let columns: BTreeSet<&str> =
        exports.clone().flat_map(|export| export.header.iter().map(String::as_str)).collect();
    let any = |names: &[&str]| names.iter().any(|name| columns.contains(name));
    if any(&[
        "IsConverted",
        "StageName",
        "SystemModstamp",
        "System Modstamp",
        "Lead ID",
        "Opportunity ID",
    ]) {
        Crm::Salesforce
    } else if exports.clone().any(|export| catalogue::is_hubspot(&export.header)) {
        Crm::HubSpot
    } else if exports.clone().any(|export| catalogue::is_odoo(&export.header)) {
        Crm::Odoo
    } else {
        Crm::Other
    }
}

/// Where the exports lie, as `review.toml` names it; `None` for its own `exports` folder.
fn source_folder(dir: &Path, from: &Path) -> Option<String> {
    let exports = dir.join("exports");
    if let (Ok(own), Ok(from)) = (exports.canonicalize(), from.canonicalize())
        && own == from
    {
        return None;
    }
    let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
    Some(from.display().to_string())
}

fn review_toml(
    dir: &Path,
    crm: Crm,
    source: Option<&str>,
    tables: &BTreeMap<Object, DraftTable>,
    unused: &[(String, String)],
    batches: &Batches,
) -> String {
    let name = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let crm = match crm {
        Crm::Salesforce => "salesforce",
        Crm::HubSpot => "hubspot",
        Crm::Odoo => "odoo",
        Crm::Other => "other",
    };
    let mut toml = format!(
        "# The job. `crm-review run` reads this folder, judges the exports, and writes runs/DATE/packet.html.\n\n\
         organisation = {}\n\
         time_zone = \"UTC\"             # days and business hours are of this zone, such as Europe/Berlin\n\n\
         [source]\n\
         crm = \"{crm}\"\n\
         # record_link = \"https://YOUR-CRM/{{id}}\"   # links each record in the packet\n",
        quoted(if name.is_empty() { "Our company" } else { &name }),
    );
    if let Some(folder) = source {
        let _ = writeln!(
            toml,
            "folder = {}             # take this line out once exports are dropped into exports/",
            quoted(folder)
        );
    }
    toml += "\n[source.files]\n";
    for (object, table) in tables {
        let files: Vec<&str> = table.files.iter().map(|export| export.file.as_str()).collect();
        let files = match files.as_slice() {
            [one] => quoted(one),
            several => quoted_list(several.iter().copied()),
        };
        let rows = batches.get(*object).map_or(0, Batch::len);
        let _ = writeln!(toml, "{object} = {files}  # {}", object.counted(rows));
    }
    for (file, why) in unused {
        let _ = writeln!(toml, "# not used: {} ({})", in_comment(file), in_comment(why));
    }
    toml += "\n[batch]\n";
    let work = infer::Work::of(batches);
    if let Some(work) = &work {
        toml += &window(work);
    }
    toml += &when_leads(batches);
    toml += "\n# Records planted to test the review are judged and shown, and are not in the routing exception rate:\n# [metric.test_records]\n# lead = { company = \"Hygiene Test\" }\n";
    toml
}

/// The batch's window, where the exports say that most records have rested for long; otherwise how to have one.
fn window(work: &infer::Work) -> String {
    /// Fewer records than this can all be under review.
    const MANY: usize = 1_000;
    /// With fewer records than this under review a first packet shows little.
    const ENOUGH: usize = 200;
    const DAYS: [u32; 5] = [7, 30, 90, 180, 365];
    let changed = DAYS.map(|days| (days, work.changed_within(days)));
    let known = work.known();
    let figures = changed.map(|(days, n)| format!("{days} days {n}"));
    let mut toml = format!(
        "# The newest change in these exports is of {}: `run --as-of {}` judges them as of the day after.\n",
        work.newest,
        work.as_of()
    );
    if work.ahead > 0 {
        let _ = writeln!(toml, "# {}.", slips(work.ahead));
    }
    let _ = writeln!(
        toml,
        "# Of {known} records changed before that day, within {}.",
        figures.join(", ")
    );
    let rested = changed.into_iter().find(|(_, n)| *n >= ENOUGH).filter(|(_, n)| n * 3 < known);
    match rested.filter(|_| known >= MANY) {
        Some((days, n)) => {
            let _ = writeln!(
                toml,
                "# Most have rested for long: what changed is under review, the rest is there to compare with.\n\
                 # Without this line every record is under review.\n\
                 changed_within_days = {days}   # {n} records, {}",
                infer::percent(n, known)
            );
        }
        None => {
            toml += "# Every record is under review. For the weekly run, judge what changed and keep the rest as reference:\n# changed_within_days = 7\n";
        }
    }
    toml
}

/// That some dates are not believed.
fn slips(ahead: usize) -> String {
    let dates = if ahead == 1 {
        "date, apart from all others, is taken for a typing error"
    } else {
        "dates, apart from all others, are taken for typing errors"
    };
    format!("{ahead} later {dates}")
}

/// Odoo keeps leads and opportunities in one table: how many rows are leads and how many are not, where
/// there are both.
fn odoo_leads(batches: &Batches) -> Option<(usize, usize)> {
    let object = Object::Lead;
    let counts = batches.get(object)?.count_by(&batches.field(object, "type")?);
    let of = |value: &str| counts.iter().filter(|(it, _)| it.trim() == value).map(|(_, n)| n).sum();
    let (leads, deals): (usize, usize) = (of("lead"), of("opportunity"));
    (leads > 0 && deals > 0).then_some((leads, deals))
}

/// Of Odoo's one table the leads are under review.
fn when_leads(batches: &Batches) -> String {
    let Some((leads, deals)) = odoo_leads(batches) else { return String::new() };
    format!(
        "\n# {leads} rows are leads and {deals} are opportunities. A file is one table here: the opportunities are only\n\
         # compared with. To have them reviewed as deals, export them to a file of their own (filter: Type is Opportunity).\n\
         [batch.when]\nlead = {{ type = \"lead\" }}\n"
    )
}

/// A check that would flag so much that its rules cannot be right yet.
struct TooMuch {
    check: &'static CheckDef,
    flagged: usize,
    examined: usize,
}

/// Runs the drafted checks on what was read. A check that flags more than a third of what it looks
/// at says more about its rules than about the records.
fn trial(config: &Config, batches: &mut Batches, threads: NonZeroUsize) -> Vec<TooMuch> {
    let Some(day) = infer::Work::of(batches).map(|work| work.as_of()) else {
        return Vec::new();
    };
    let bench = Bench::load(&config.policies, &config.boundary, &config.off);
    let mut pulled = Pulled::default();
    for batch in std::mem::take(&mut batches.tables).into_values() {
        pulled.insert(batch);
    }
    let reports =
        bench.run(&World::new(&pulled, AsOf::new(day, config.zone), &config.policies, threads));
    batches.tables = pulled.into_batches();
    reports
        .into_iter()
        .filter_map(|report| match report.outcome {
            Outcome::Ran(judgement) => {
                let (flagged, examined) = (judgement.findings.len(), judgement.examined);
                let too_much = flagged > FEW && flagged * 3 > examined;
                too_much.then_some(TooMuch { check: report.check, flagged, examined })
            }
            Outcome::NotApplicable(_) | Outcome::Broken => None,
        })
        .collect()
}

/// So few findings can be read whatever share they are.
const FEW: usize = 20;

fn switched_off(too_much: &[TooMuch]) -> String {
    let mut toml = String::from("\n[checks]\n");
    if too_much.is_empty() {
        toml += "off = []                     # codes of checks that are not wanted, such as \"OWN-06\"\n";
        return toml;
    }
    toml += "# These would flag more than a third of what they look at: set their rules first, then take them out.\noff = [\n";
    for TooMuch { check, flagged, examined } in too_much {
        let _ = writeln!(
            toml,
            "  \"{}\",  # {flagged} of {examined} flagged; its rules: rules/{}, [{}]",
            check.code,
            check.family.file(),
            check.name
        );
    }
    toml += "]\n";
    toml
}

fn write(dir: &Path, review: &str, rules: &BTreeMap<String, String>) -> Result<(), DraftError> {
    if !dir.exists() {
        folder::make(dir)?;
    }
    folder::make(&dir.join("exports"))?;
    folder::make(&dir.join("decisions"))?;
    folder::make(&dir.join("rules"))?;
    let schemas = dir.join("rules/schema");
    folder::make(&schemas)?;
    for (file, schema) in config::schemas() {
        folder::write_new(&schemas.join(config::schema_name(&file)), schema.as_bytes())?;
    }
    for (name, text) in rules {
        let text =
            if name.ends_with(".toml") { with_schema("schema", name, text) } else { text.clone() };
        folder::write_new(&dir.join("rules").join(name), text.as_bytes())?;
    }
    let review = with_schema("rules/schema", "review.toml", review);
    folder::write_new(&dir.join("review.toml"), review.as_bytes())?;
    Ok(())
}

/// What there is to say of a folder that is there already.
fn compared(dir: &Path, more: &str) -> String {
    let dir = dir.display();
    if more.is_empty() {
        format!(
            "{dir} is there already, and the exports say nothing beyond it; nothing was written\n"
        )
    } else {
        format!(
            "{dir} is there already, and nothing was written. Beyond it, the exports say:\n{more}\n\
             Take over what is right; `crm-review rules check` says whether it holds together.\n"
        )
    }
}

/// The text of a file with the line by which editors find its schema.
fn with_schema(folder: &str, file: &str, text: &str) -> String {
    format!("#:schema {folder}/{}\n{text}", config::schema_name(file))
}

/// What there is to say of a known column that the export has more than once.
fn twice(column: &str) -> String {
    format!("`{column}` stands twice in the export, so neither is read: leave one of them out")
}

fn summary(
    dir: &Path,
    crm: Crm,
    tables: &BTreeMap<Object, DraftTable>,
    unused: &[(String, String)],
    batches: &Batches,
) -> String {
    let whose = match crm {
        Crm::Odoo => "an Odoo",
        Crm::Salesforce => "a Salesforce",
        Crm::HubSpot => "a HubSpot",
        Crm::Other => "a CRM",
    };
    let mut text = format!("Drafted {} from {whose} export\n\n", dir.display());
    for (object, table) in tables {
        let files: Vec<_> = table.files.iter().map(|export| export.file.as_str()).collect();
        let listed = table.fields.iter().filter(|field| field.off.is_none()).count();
        let columns: usize = table.files.iter().map(|export| export.header.len()).sum();
        let rows = batches.get(*object).map_or(0, Batch::len);
        let _ = writeln!(
            text,
            "  {:<20} {:<24} {listed} of {columns} columns allowed",
            files.join(", "),
            object.counted(rows)
        );
    }
    for (object, table) in tables {
        for export in &table.files {
            for column in catalogue::doubled(*object, &export.header) {
                let _ = writeln!(text, "  {}: {}", export.file, twice(column));
            }
        }
        for field in table.fields.iter().filter(|field| field.slips) {
            let (column, why) = (field.from.join("`, `"), field.off.as_deref().unwrap_or_default());
            let _ =
                writeln!(text, "  `{column}` is not read: {why}; put that right and draft again");
        }
    }
    for (file, why) in unused {
        let _ = writeln!(text, "  {file:<14} not used: {why}");
    }
    for aside in &batches.aside {
        let _ = writeln!(text, "  {aside}");
    }
    if let Some((leads, deals)) = odoo_leads(batches) {
        let _ = writeln!(
            text,
            "\nOf the rows read as leads {deals} are opportunities: only the other {leads} are under review.\n\
             To have the opportunities reviewed as deals, export them to a file of their own (filter: Type is Opportunity)."
        );
    }
    let _ = write!(
        text,
        "\nEvery inferred line in rules/ carries the figure behind it.\n\
         Next: name the approver in rules/approvals.toml, then\n\n  crm-review run {}",
        typed(dir)
    );
    let Some(work) = infer::Work::of(batches) else { return text + "\n" };
    let _ = writeln!(text, " --as-of {}", work.as_of());
    if work.ahead > 0 {
        let newest = work.newest;
        let _ = writeln!(
            text,
            "\nThe newest change in these exports is of {newest}; {}.",
            slips(work.ahead)
        );
    }
    text
}

/// A path as it is typed at a prompt.
fn typed(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+,:@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) && !path.starts_with('-') {
        path
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
