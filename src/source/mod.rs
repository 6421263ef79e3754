//! Where records come from: the one place where the outside is read.
//!
//! Does not: see a rule, keep a column that was not granted, or write anything but what a pull goes on from and
//! the rows that `inspect` was asked for.

mod buffer;
pub mod csv;
pub mod http;
pub mod hubspot;
pub mod inspect;
mod json;
pub mod live;
pub mod odoo;
pub mod salesforce;
pub mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::boundary::{
    Admission, AdmitError, Batch, Boundary, ColumnMap, Field, Gathered, Intake, Load, NOT_AN_ID,
    Object,
};
use crate::threads;

use self::csv::{
    Expect, HeaderFault, Limits, Misfit, Problem, Refusal, Sheet, Sink, Tally, Trouble,
};
use self::live::{Absent, Asked, Live, LiveError, Surroundings};

/// Why an input was not read. What to do about it is part of the words.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file was refused as a whole.
    #[error("{}", refused(.file, .refusal, .columns))]
    Refused {
        /// The file as the config names it.
        file: String,
        /// Why.
        refusal: Refusal,
        /// The columns handed to the boundary, in order, and what is read from them.
        columns: Vec<(String, Field)>,
    },
    /// The file is not there.
    #[error("{file} cannot be read: No such file in {}\n  hint: {}", folder.display(), instead(file, folder))]
    Absent {
        /// The file as the config names it.
        file: String,
        /// The folder in which it should be.
        folder: PathBuf,
    },
    /// The boundary did not let the file in.
    #[error("{}", not_admitted(.0))]
    NotAdmitted(#[from] AdmitError),
    /// Reading was cut short by a fault of this program.
    #[error("{file}: reading it failed inside the program; no row of it was used")]
    Broken {
        /// The file.
        file: String,
    },
}

fn is_csv(name: &Path) -> bool {
    name.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"))
}

/// What a folder holds instead of a file that it should.
fn instead(file: &str, folder: &Path) -> String {
    const LISTED: usize = 10;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| is_csv(Path::new(name))).collect();
    names.sort();
    if let Some(pattern) = dated(file)
        && let Some(name) = names.iter().rev().find(|name| dated(name).as_ref() == Some(&pattern))
    {
        return format!(
            "there is {name}; write `{pattern}` in [source.files] of review.toml, and the last of such files by name is read each week"
        );
    }
    let more = if names.len() > LISTED { " and more" } else { "" };
    names.truncate(LISTED);
    if names.is_empty() {
        "put the exports there, under the names that [source.files] of review.toml gives them"
            .to_owned()
    } else {
        format!(
            "put it there, or write in [source.files] of review.toml what it is called now, or take its line out; what is there is {}{more}",
            names.join(", ")
        )
    }
}

/// Files of a folder that are not among those that are read, and that have the columns of one of them: each
/// with that one's name. A browser writes a second download beside the first, as `Lead (1).csv`. Files that
/// a name with `*` fits are earlier ones.
pub fn copies(folder: &Path, files: &Files) -> Vec<(String, String)> {
    let found = files.found(folder);
    let read: Vec<&PathBuf> = found.0.values().flatten().collect();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let beside = entries.map(|entry| PathBuf::from(entry.file_name()));
    let mut beside: Vec<PathBuf> =
        beside.filter(|file| is_csv(file) && !read.contains(&file) && !files.fit(file)).collect();
    if beside.is_empty() {
        return Vec::new();
    }
    beside.sort();
    let header = |file: &Path| {
        let sheet = Sheet::open(&folder.join(file), &Expect::default(), &Limits::default());
        sheet.ok().map(|sheet| sheet.header().to_vec())
    };
    let headers: Vec<_> = read.into_iter().filter_map(|file| Some((file, header(file)?))).collect();
    let copy = |file: PathBuf| {
        let own = header(&file)?;
        let (of, _) = headers.iter().find(|(_, known)| *known == own)?;
        Some((file.display().to_string(), of.display().to_string()))
    };
    beside.into_iter().filter_map(copy).collect()
}

/// A name with `*` that fits files which differ in more than a date that sorts: which is read is chance.
pub struct Doubtful {
    /// The name as the config has it.
    pub pattern: String,
    /// How many files it fits.
    pub fits: usize,
    /// The one that is read.
    pub read: String,
}

/// The names with `*` of which it is doubtful that the last file is the newest.
pub fn doubtful(folder: &Path, files: &Files) -> Vec<Doubtful> {
    let patterns = files.0.values().flatten().filter(|name| is_pattern(name));
    let doubt = |pattern: &PathBuf| {
        let mut fit: Vec<PathBuf> =
            beside(folder, pattern).into_iter().filter(|file| fits(pattern, file)).collect();
        fit.sort();
        let plain = |file: &PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            dated(&name).unwrap_or_else(|| name.into_owned())
        };
        let kinds: BTreeSet<String> = fit.iter().map(plain).collect();
        let read = fit.last().filter(|_| kinds.len() > 1)?;
        Some(Doubtful {
            pattern: pattern.display().to_string(),
            fits: fit.len(),
            read: read.display().to_string(),
        })
    };
    patterns.filter_map(doubt).collect()
}

/// The files in the folder of a name, as names are written.
fn beside(folder: &Path, name: &Path) -> Vec<PathBuf> {
    let home = name.parent().unwrap_or(Path::new(""));
    let entries = std::fs::read_dir(folder.join(home)).into_iter().flatten().flatten();
    entries.map(|entry| home.join(entry.file_name())).collect()
}

/// A refusal with what the system said, the first lines it is about, and the remedy.
fn refused(file: &str, refusal: &Refusal, columns: &[(String, Field)]) -> String {
    const LISTED: usize = 10;
    let mut words = format!("{file} {refusal}");
    if let Refusal::Io(error) = refusal {
        words += &format!(": {error}");
    }
    let mut lines: BTreeMap<(&str, Option<usize>), Vec<u64>> = BTreeMap::new();
    if let Refusal::Content { tally, .. } = refusal {
        for Problem { line, trouble } in &tally.problems {
            lines.entry((trouble.code(), trouble.column())).or_default().push(*line);
        }
    }
    let mut remedies = String::new();
    for ((why, column), lines) in lines {
        let more = if lines.len() > LISTED { " and more" } else { "" };
        let lines: Vec<_> = lines.iter().take(LISTED).map(u64::to_string).collect();
        words += &format!("\n  lines {}{more} (", lines.join(", "));
        if let Some((column, field)) = column.and_then(|at| columns.get(at)) {
            words += &format!("column `{column}`, read as `{field}`: ");
            if why == NOT_AN_ID {
                remedies += &format!("\n  hint: {}", where_ids_are(column, field));
            }
        }
        words += &format!("{why})");
    }
    words += &format!("\n  hint: {}{remedies}", refusal.hint());
    if let Refusal::Header(HeaderFault::Missing { .. }) = refusal {
        words += " (`from` in rules/boundary.toml)";
    }
    words
}

/// The remedy where a column that is read as ids holds something else: people may be entered by their names.
fn where_ids_are(column: &str, field: &Field) -> String {
    let (object, name) = (field.object(), field.name());
    let place = format!("`{name}` of [{object}.fields] in rules/boundary.toml");
    match name {
        "owner" | "manager" | "modified_by" => format!(
            "if `{column}` names people, add `kind = \"name\"` to {place}; else name the column with the ids \
             in its `from`"
        ),
        _ => format!("name the column with the ids in `from` of {place}"),
    }
}

/// What the boundary says, and the remedy where it does not.
fn not_admitted(error: &AdmitError) -> String {
    match error {
        AdmitError::NoKey { .. } => format!(
            "{error}\n  hint: if the column was renamed, add its new name to `from` in rules/boundary.toml"
        ),
        AdmitError::TwoColumns { .. }
        | AdmitError::NoExclusion { .. }
        | AdmitError::DateOrderUnknown { .. }
        | AdmitError::DateOrderMixed { .. }
        | AdmitError::DecimalMarkUnknown { .. }
        | AdmitError::DecimalMarkContradicted { .. }
        | AdmitError::Unlisted { .. } => error.to_string(),
    }
}

/// Every input that could not be read.
#[derive(Debug, thiserror::Error)]
pub struct SourceErrors(pub Vec<SourceError>);

impl std::fmt::Display for SourceErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// One input and what became of its lines. Never a value.
#[derive(Debug, Clone)]
pub struct Input {
    /// The file as the config names it.
    pub file: String,
    /// The table it holds.
    pub object: Object,
    /// The columns handed to the boundary, in order: a problem's column counts in these.
    pub columns: Vec<String>,
    /// Where the rows come from.
    pub origin: Origin,
    /// What became of every line. The lines of a CRM's table are its records as they came, from 1.
    pub tally: Tally,
}

/// Where the rows of an input come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    Export {
        /// How cells are told apart.
        dialect: csv::Dialect,
        /// The line of the header.
        header_line: u64,
    },
    /// A CRM that was asked.
    Crm(Asked),
}

impl Input {
    /// Whether a column that it has not may be there and hidden from whoever asked.
    pub fn may_hide(&self) -> bool {
        matches!(&self.origin, Origin::Crm(asked) if asked.may_hide)
    }

    /// How many rows were set aside.
    pub fn set_aside(&self, admission: &Admission) -> u64 {
        self.tally.quarantined + admission.set_aside.len() as u64
    }

    /// The first of them, in words.
    pub fn first_set_aside(&self, admission: &Admission) -> String {
        let reader = self.problems().into_iter();
        let first = reader.chain(admission.set_aside.iter().cloned()).min();
        first.map_or_else(String::new, |(line, why)| format!("the first on line {line}: {why}"))
    }

    /// Rows that were set aside and the reason for each, as far as they are kept.
    pub fn problems(&self) -> Vec<(u64, String)> {
        self.tally.problems.iter().map(|problem| (problem.line, self.words(problem))).collect()
    }

    fn words(&self, problem: &Problem) -> String {
        let column = |at: usize| self.columns.get(at).map_or("?", String::as_str);
        match problem.trouble {
            Trouble::Width { expected, got } => {
                format!("{got} cells where the header has {expected}")
            }
            Trouble::Quote => "a quote where none may stand, or one that never closes".to_owned(),
            Trouble::Ambiguous => {
                "a cell of several lines, or rows behind a stray quote: it cannot be told"
                    .to_owned()
            }
            Trouble::Nul => "a zero byte".to_owned(),
            Trouble::Encoding { column: at } => {
                format!("column `{}` is not text in the file's encoding", column(at))
            }
            Trouble::TooLong { column: at, length } => {
                format!("column `{}` holds {length} bytes", column(at))
            }
            Trouble::RecordTooLong => "a row longer than any row may be".to_owned(),
            Trouble::Misfit(misfit) => {
                let (name, why, length) = (column(misfit.column), misfit.code, misfit.length);
                format!("column `{name}`: {why} ({length} bytes)")
            }
            Trouble::SecondTable => "a second header: the rows behind it were not read".to_owned(),
        }
    }
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Pull {
    /// One batch per table.
    pub batches: Vec<Batch>,
    /// What was and was not let in, per input.
    pub admissions: Vec<Admission>,
    /// The inputs, in the same order.
    pub inputs: Vec<Input>,
    /// What a CRM would let this job do beyond reading what is listed.
    pub wide: Vec<String>,
    /// Tables of a CRM that are not there or may not be seen.
    pub absent: Vec<Absent>,
}

impl Pull {
    /// Puts another pull of other tables beside this one.
    pub fn extend(&mut self, other: Self) {
        self.batches.extend(other.batches);
        self.admissions.extend(other.admissions);
        self.inputs.extend(other.inputs);
        self.wide.extend(other.wide);
        self.absent.extend(other.absent);
    }
}

/// Asks a CRM for the tables that no file gives.
pub fn ask(
    live: &Live,
    surroundings: Surroundings<'_>,
    files: &Files,
    boundary: &Boundary,
    reads: &BTreeSet<Field>,
    zone: Tz,
) -> Result<Pull, LiveError> {
    let given = files.0.keys().copied().collect();
    live::pull(live, surroundings, boundary, reads, &given, zone)
}

/// Which files hold which table; names are relative to a folder. A name with `*` stands for one file: of
/// those that it fits, the last by name, which of names that end in a date with its year first is the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<Object, Vec<PathBuf>>);

impl Files {
    /// The files themselves, as they lie in a folder. A name that fits none stays as it is.
    #[must_use]
    pub fn found(&self, folder: &Path) -> Self {
        self.chosen(|name| beside(folder, name))
    }

    /// The files themselves, as they were called when they were read.
    #[must_use]
    pub fn among(&self, read: &[PathBuf]) -> Self {
        self.chosen(|_| read.to_vec())
    }

    /// True for a file that a name with `*` fits.
    pub fn fit(&self, file: &Path) -> bool {
        self.0.values().flatten().any(|name| is_pattern(name) && fits(name, file))
    }

    fn chosen(&self, among: impl Fn(&Path) -> Vec<PathBuf>) -> Self {
        let choose = |name: &PathBuf| {
            if !is_pattern(name) {
                return name.clone();
            }
            let last = among(name).into_iter().filter(|file| fits(name, file)).max();
            last.unwrap_or_else(|| name.clone())
        };
        let tables = self.0.iter();
        Self(tables.map(|(object, names)| (*object, names.iter().map(choose).collect())).collect())
    }
}

fn is_pattern(name: &Path) -> bool {
    name.to_string_lossy().contains('*')
}

/// Whether a file is one of those that a name with `*` stands for: `*` is any text within a file's name.
pub fn fits(pattern: &Path, file: &Path) -> bool {
    let [Some(pattern_name), Some(name)] = [pattern.file_name(), file.file_name()] else {
        return false;
    };
    let (pattern_name, name) = (pattern_name.to_string_lossy(), name.to_string_lossy());
    let Some((start, rest)) = pattern_name.split_once('*') else { return pattern == file };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inside = name.strip_prefix(start).and_then(|name| name.strip_suffix(end));
    let inside = inside.and_then(|inside| {
        let mut parts = middle.split('*');
        parts.try_fold(inside, |rest, part| rest.split_once(part).map(|(_, rest)| rest))
    });
    pattern.parent() == file.parent() && inside.is_some()
}

/// The name with `*` in the place of the date that a file's name ends in, where the date begins with the year:
/// names with others do not sort by it.
pub fn dated(file: &str) -> Option<String> {
    let (stem, end) = file.rsplit_once('.')?;
    let begins = |(at, _): &(usize, char)| {
        let (before, date) = stem.split_at(*at);
        let is_whole = !before.is_empty() && !before.ends_with(|c: char| c.is_ascii_digit());
        // Behind a day or a month the year is not first: `22.11.2026 08-15`.
        let number = before.trim_end_matches(BETWEEN_NUMBERS);
        let digits = number.len() - number.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        is_whole && !(1..=2).contains(&digits) && is_sortable(date)
    };
    let (at, _) = stem.char_indices().find(begins)?;
    Some(format!("{}*.{end}", stem.get(..at)?))
}

/// What stands between the numbers of a date in a file's name.
const BETWEEN_NUMBERS: [char; 5] = ['-', '_', '.', ' ', 'T'];

/// A day with its year first, with or without the time of day: texts that sort as the days do.
fn is_sortable(text: &str) -> bool {
    let parts = || text.split(BETWEEN_NUMBERS).filter(|part| !part.is_empty());
    // A number of one digit stands behind those of two.
    let is_padded =
        |part: &str| part.len().is_multiple_of(2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_year_first = text.starts_with("20") && parts().next().is_some_and(|it| it.len() >= 4);
    let is_day = |day| NaiveDate::parse_from_str(day, "%Y%m%d").is_ok();
    let is_time = |time: &str| {
        let forms = ["%H%M", "%H%M%S"];
        time.is_empty() || forms.iter().any(|form| NaiveTime::parse_from_str(time, form).is_ok())
    };
    let digits: String = parts().collect();
    let day_and_time = digits.split_at_checked("20261122".len());
    let is_date = day_and_time.is_some_and(|(day, time)| is_day(day) && is_time(time));
    is_year_first && parts().all(is_padded) && is_date
}

/// Reads every file through the boundary. All files that cannot be read are reported together.
pub fn pull(
    folder: &Path,
    files: &Files,
    boundary: &Boundary,
    reads: &BTreeSet<Field>,
    zone: Tz,
    threads: NonZeroUsize,
) -> Result<Pull, SourceErrors> {
    let broken = |file: String| SourceErrors(vec![SourceError::Broken { file }]);
    let jobs: Vec<Job> = files
        .0
        .iter()
        .filter(|(object, _)| reads.iter().any(|field| field.object() == **object))
        .flat_map(|(object, paths)| paths.iter().map(|path| (*object, path.clone())))
        .map(|(object, path)| Job {
            object,
            path: folder.join(&path),
            file: path.display().to_string(),
        })
        .collect();
    let files: Vec<String> = jobs.iter().map(|job| job.file.clone()).collect();
    let reading = jobs.iter().map(|job| || read_one(job, boundary, reads, zone, threads));
    let mut errors = Vec::new();
    let mut loads: BTreeMap<Object, Vec<(Input, Load)>> = BTreeMap::new();
    for (file, read) in files.into_iter().zip(side_by_side(threads, reading)) {
        match read.unwrap_or(Err(SourceError::Broken { file })) {
            Ok((input, load)) => loads.entry(input.object).or_default().push((input, load)),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(SourceErrors(errors));
    }
    let mut pull = Pull::default();
    let (tables, joining): (Vec<_>, Vec<_>) = loads
        .into_iter()
        .map(|(object, parts)| {
            let (inputs, loads): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            ((object, inputs), move || Load::join(object, loads, reads, threads))
        })
        .unzip();
    for ((object, inputs), joined) in tables.into_iter().zip(side_by_side(threads, joining)) {
        let (batch, admissions) = joined.ok_or_else(|| broken(object.plural().to_owned()))?;
        pull.batches.push(batch);
        pull.admissions.extend(admissions);
        pull.inputs.extend(inputs);
    }
    Ok(pull)
}

struct Job {
    object: Object,
    path: PathBuf,
    file: String,
}

/// Does pieces of work beside each other. Gives the results in the order asked, and none for a piece that
/// panicked.
fn side_by_side<T: Send, W: FnOnce() -> T + Send>(
    threads: NonZeroUsize,
    work: impl IntoIterator<Item = W>,
) -> Vec<Option<T>> {
    let pieces: Vec<_> = work.into_iter().map(|piece| Mutex::new(Some(piece))).collect();
    threads::each(threads, pieces.len(), |at| {
        let piece = pieces.get(at)?.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        catch_unwind(AssertUnwindSafe(piece)).ok()
    })
}

fn read_one(
    job: &Job,
    boundary: &Boundary,
    reads: &BTreeSet<Field>,
    zone: Tz,
    threads: NonZeroUsize,
) -> Result<(Input, Load), SourceError> {
    let refused = |refusal, columns| match &refusal {
        Refusal::Io(error) if error.kind() == std::io::ErrorKind::NotFound => SourceError::Absent {
            file: job.file.clone(),
            folder: job.path.parent().map(Path::to_owned).unwrap_or_default(),
        },
        Refusal::Io(_)
        | Refusal::NotCsv(_)
        | Refusal::Encoding(_)
        | Refusal::Header(_)
        | Refusal::Content { .. }
        | Refusal::Limit { .. } => {
            SourceError::Refused { file: job.file.clone(), refusal, columns }
        }
    };
    let names = boundary.names(job.object);
    let expect = Expect { names: &names, required: &[], encoding: None };
    let sheet = Sheet::open(&job.path, &expect, &Limits::default());
    let sheet = sheet.map_err(|refusal| refused(refusal, Vec::new()))?;
    let map = boundary.admit(job.object, &job.file, sheet.header(), reads, zone)?;
    let sink = || Admit::at(&map);
    let columns = || {
        let names = map.wanted_names().into_iter().map(str::to_owned);
        names.zip(map.wanted_fields().cloned()).collect()
    };
    let (sinks, tally) =
        sheet.read(&map.wanted(), sink, threads).map_err(|refusal| refused(refusal, columns()))?;
    let input = Input {
        file: job.file.clone(),
        object: job.object,
        columns: map.wanted_names().into_iter().map(str::to_owned).collect(),
        origin: Origin::Export {
            dialect: sheet.facts().dialect,
            header_line: sheet.facts().header_line,
        },
        tally,
    };
    let mut load = map.clone().close(Admit::gathered(sinks, &map))?;
    load.reader_set_aside(input.tally.quarantined);
    Ok((input, load))
}

/// Hands the reader's rows to the boundary.
struct Admit<'m> {
    /// The rows of one chunk.
    intake: Intake,
    /// The rows of the chunks before it, in the one sink that takes them in.
    whole: Option<Gathered>,
    map: &'m ColumnMap,
}

impl<'m> Admit<'m> {
    fn at(map: &'m ColumnMap) -> Self {
        Self { intake: map.intake(), whole: None, map }
    }

    /// All rows of the sinks that a reader gave back.
    fn gathered(sinks: Vec<Self>, map: &ColumnMap) -> Gathered {
        // One takes in the others.
        sinks.into_iter().next().map_or_else(
            || map.intake().into(),
            |sink| sink.whole.unwrap_or_else(|| sink.intake.into()),
        )
    }
}

impl Sink for Admit<'_> {
    fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.intake.row(line, cells).map(drop).map_err(|misfit| Misfit {
            column: self.map.position(&misfit.field),
            length: misfit.length,
            code: misfit.why,
        })
    }

    fn append(&mut self, next: &mut Self) -> bool {
        let whole = self.whole.get_or_insert_with(|| Gathered::of(&mut self.intake));
        whole.take(&mut next.intake);
        true
    }
}

/// The place of an element in a list, to which it is added when it is not there.
fn place<T: PartialEq>(list: &mut Vec<T>, element: T) -> usize {
    list.iter().position(|held| *held == element).unwrap_or_else(|| {
        list.push(element);
        list.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_star_is_the_last_file_that_it_fits() {
        for (file, pattern) in [
            ("all-contacts-2026-11-22.csv", Some("all-contacts-*.csv")),
            ("Lead_20261122.csv", Some("Lead_*.csv")),
            ("leads 2026.11.22 08-15.CSV", Some("leads *.CSV")),
            ("Leads-2026-11-22T08-15-30.csv", Some("Leads-*.csv")),
            ("deals-7203842-20261122_081530.csv", Some("deals-7203842-*.csv")),
            ("Käufer2026-11-22.csv", Some("Käufer*.csv")),
            ("Lead.csv", None),
            ("Lead 2.csv", None),
            ("2026-11-22.csv", None),
            // These do not sort as their days do.
            ("leads 22.11.2026 08-15.CSV", None),
            ("Leads 11-22-2026.csv", None),
            ("Leads 11-22-2026 0815.csv", None),
            ("Leads 221126.csv", None),
            ("Leads 2026-9-1.csv", None),
            ("Leads 2026-11-22 8-15.csv", None),
            // These are no days: an account, parts of one export, months of one history.
            ("deals-7203842-9.csv", None),
            ("deals-20267203.csv", None),
            ("contacts-2026-11-22-1.csv", None),
            ("FieldHistory-2026-11.csv", None),
            ("report1732233600000.csv", None),
        ] {
            assert_eq!(dated(file).as_deref(), pattern, "{file}");
        }
        let fit = |pattern: &str, file: &str| fits(Path::new(pattern), Path::new(file));
        assert!(
            fit("a-*.csv", "a-2026.csv")
                && fit("a*b*.csv", "a1b2.csv")
                && fit("x/*.csv", "x/a.csv")
        );
        assert!(
            !fit("a-*.csv", "b-2026.csv") && !fit("a*b*.csv", "a1.csv") && !fit("*.csv", "x/a.csv")
        );
        assert!(!fit("aa*aa.csv", "aaa.csv"));
        let files = Files(BTreeMap::from([(Object::Lead, vec!["a-*.csv".into(), "b.csv".into()])]));
        let read = ["a-2026-11-22.csv", "a-2026-11-15.csv", "b.csv"].map(PathBuf::from);
        let chosen = files.among(&read).0.into_values().flatten().collect::<Vec<_>>();
        assert_eq!(chosen, ["a-2026-11-22.csv", "b.csv"].map(PathBuf::from));
        assert_eq!(files.among(&[]), files);
    }
}
