//! `init`: drafts a review folder from real exports that runs without editing.
//!
//! Headers say which file is which table and which column is which field; only those columns are
//! then read, for the figures that stand beside every inferred line. What cannot be inferred is off,
//! with a line that says how to switch it on.
//! Where no column is called the id, those that are called a number are looked at, too: their cells say which it is.
//! Does not: ask anything, write where `review.toml` or `rules` is there already, copy an export, or read any
//! other column that it does not list.

mod beyond;
mod catalogue;
mod doubtful;
mod examples;
mod infer;
mod shape;
mod spellings;
mod stages;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;

use self::infer::Work;
use self::text::{
    boundary_toml, compared, in_comment, review_toml, summary, switched_off, with_schema,
};
use crate::boundary::{
    Admission, AdmitError, Batch, Boundary, DateOrder, DecimalMark, Field, Kind, Object,
    is_always_blocked,
};
use crate::check::{AsOf, Bench, CheckDef, Outcome, Pulled, World};
use crate::config::{self, Config, Crm};
use crate::folder::{self, FolderError};
use crate::gate;
use crate::policy::{Document, Log, Problems, quoted};
use crate::source::csv::{Expect, Limits, Sheet};
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
    /// How `[source.files]` names it: with `*` in the place of a date.
    named: String,
    header: Vec<String>,
    /// The column that names the records.
    id: String,
}

/// One table's share of the draft.
#[derive(Default)]
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

impl DraftField {
    /// A line of which no cell was looked at.
    fn new(name: &'static str, from: Vec<String>, why: &'static str) -> Self {
        Self {
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
        }
    }
}

/// Drafts a review folder at `dir` from the CSV exports in `from`. Where one is there already, nothing is
/// written, and what the draft would add is said. What lies behind `today` is a plan.
pub fn init(
    dir: &Path,
    from: &Path,
    today: NaiveDate,
    threads: NonZeroUsize,
) -> Result<Drafted, DraftError> {
    let (mut tables, mut unused) = tables(from, threads)?;
    let mut owners_by_mail = false;
    for (object, table) in &mut tables {
        // The users come after the tables whose owners they are.
        if *object == Object::User && owners_by_mail {
            name_by_mail(table);
        }
        shape::profile(*object, table, from, threads)?;
        if *object == Object::Deal {
            settle_stage(table);
            settle_stage_changed(table);
        }
        owners_by_mail |= table.fields.iter().any(|field| field.name == "owner" && field.mails);
    }
    let (boundary_toml, mut batches) = admit(&mut tables, &mut unused, from, threads)?;
    let crm = crm(&tables);
    let source = source_folder(dir, from);
    let mut rules: BTreeMap<String, String> = infer::rules(&batches);
    rules.insert("boundary.toml".to_owned(), boundary_toml);
    rules.insert("approvals.toml".to_owned(), gate::SHIPPED.to_owned());
    let work = Work::of(&batches, today);
    let work = work.as_ref();
    let mut review = review_toml(dir, crm, source.as_deref(), &tables, &unused, &batches, work);
    // The draft has to pass the same door as everything else.
    let config = doubtful::parse(&review, &mut rules, &mut batches.aside);
    let config = config.map_err(DraftError::Faulty)?;
    // Where nothing is dated but what is planned, that is overdue as of today.
    let day = work.map_or(today, Work::as_of);
    review += &switched_off(&trial(&config, &mut batches, day, threads));
    if stands(dir)? {
        let more = beyond::beyond(dir, &review, &rules, &batches);
        return Ok(Drafted { summary: compared(dir, &more) });
    }
    write(dir, &review, &rules)?;
    Ok(Drafted { summary: summary(dir, crm, &tables, &unused, &batches, work) })
}

/// Files that are left out, each with the reason.
type Unused = Vec<(String, String)>;

/// The exports, each with the table it most likely holds; the rest with the reason it is left out.
fn tables(
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(BTreeMap<Object, DraftTable>, Unused), DraftError> {
    let no_exports =
        |what: String| DraftError::NoExports { path: from.display().to_string(), what };
    let mut tables: BTreeMap<Object, DraftTable> = BTreeMap::new();
    let mut unused = Vec::new();
    let mut refused = Vec::new();
    let files = csv_files(from).map_err(|error| no_exports(error.to_string()))?;
    for file in files.clone() {
        let sheet = match Sheet::open(&from.join(&file), &Expect::default(), &Limits::default()) {
            Ok(sheet) => sheet,
            Err(refusal) => {
                refused.push(SourceError::Refused { file, refusal, columns: Vec::new() });
                continue;
            }
        };
        let header = sheet.header().to_vec();
        let stem = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy();
        let by_ids = shape::table_of(&sheet, &stem, threads);
        let object = by_ids.or_else(|| catalogue::likely(&stem, &header));
        let id = object.and_then(|object| shape::id_of(object, &sheet, threads));
        if let Some((object, id)) = object.zip(id) {
            let table = tables.entry(object).or_default();
            table.files.push(Export { named: file.clone(), file, header, id });
        } else {
            let why = no_table(object, &sheet, threads);
            unused.push((file, why));
        }
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
    unused.extend(refused.iter().filter_map(refusal));
    for (object, table) in &mut tables {
        unused.extend(leave_out_earlier(table, &files));
        table.fields = fields(*object, &table.files);
    }
    Ok((tables, unused))
}

/// Of a table's files that differ only in a date with its year first keeps the newest, under the name that next
/// week's has too. Names that stand for any other file of the folder as well are left as they are.
fn leave_out_earlier(table: &mut DraftTable, files: &[String]) -> Unused {
    let mut weeks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for export in &table.files {
        if let Some(pattern) = source::dated(&export.file) {
            weeks.entry(pattern).or_default().insert(export.file.clone());
        }
    }
    weeks.retain(|pattern, own| {
        let mut fit = files.iter().filter(|file| source::fits(Path::new(pattern), Path::new(file)));
        fit.all(|file| own.contains(file))
    });
    let mut earlier = Unused::new();
    for (pattern, mut own) in weeks {
        let Some(newest) = own.pop_last() else { continue };
        table.files.retain(|export| !own.contains(&export.file));
        for export in table.files.iter_mut().filter(|export| export.file == newest) {
            export.named.clone_from(&pattern);
        }
        let why = format!("{newest} is newer, and of `{pattern}` the last by name is read");
        if let Some(last) = own.pop_last() {
            let before = own.len();
            let more = if before == 0 { String::new() } else { format!(" and {before} before it") };
            earlier.push((last + &more, why));
        }
    }
    earlier
}

/// The file that is refused as a whole, if one is, and why in a line.
fn refusal(error: &SourceError) -> Option<(String, String)> {
    let SourceError::Refused { file, .. } = error else { return None };
    let words = error.to_string();
    let line = words.lines().next().unwrap_or_default();
    Some((file.clone(), format!("it {}", line.strip_prefix(file).unwrap_or(line).trim())))
}

/// The names of the files of a folder that end as CSV does, in order.
fn csv_files(folder: &Path) -> io::Result<Vec<String>> {
    let is_csv = |path: &Path| {
        path.is_file()
            && path.extension().is_some_and(|end| {
                ["csv", "tsv", "txt"].iter().any(|known| end.eq_ignore_ascii_case(known))
            })
    };
    let mut names: Vec<String> = fs::read_dir(folder)?
        .flatten()
        .filter(|entry| is_csv(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Why a file is not taken for the table that it looks like, or for any.
fn no_table(object: Option<Object>, sheet: &Sheet, threads: NonZeroUsize) -> String {
    if let Some(id) = catalogue::doubled_id(sheet.header()) {
        return format!("several of its columns are named `{id}`: take all but one out");
    }
    let Some(object) = object else {
        return "its columns are not those of a known table".to_owned();
    };
    let plural = object.plural();
    let unique = shape::unique(catalogue::numbers(sheet.header()), sheet, threads);
    let Some(first) = unique.first() else {
        return format!(
            "it looks like {plural}, and no column holds their ids: export it with the record id"
        );
    };
    let (name, from) = (unique.join("`, `"), quoted(first));
    format!(
        "it looks like {plural}, and no column is called their id. Another value in each row has `{name}`: \
         if that is the id, rename the column to `Id` and draft again; in a folder that is drafted, name the \
         file in review.toml as well and write in rules/boundary.toml under [{object}.fields] \
         id = {{ from = {from}, why = \"Names the record.\" }}"
    )
}

/// The allowlist lines that the headers support.
fn fields(object: Object, files: &[Export]) -> Vec<DraftField> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut fields = Vec::new();
    for (at, known @ (name, _, why)) in catalogue::columns(object).iter().enumerate() {
        let mut from: Vec<String> = Vec::new();
        for export in files {
            let found = || catalogue::find(object, known, &export.header);
            // What names the records was found by its cells.
            let found = if at == 0 { Some(export.id.as_str()) } else { found() };
            let Some(column) = found else { continue };
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
        fields.push(DraftField::new(name, from, why));
    }
    if object == Object::Deal {
        let outcome = outcomes(&fields, files);
        fields.extend(outcome);
    }
    fields
}

/// The column beside the stage that may say which deals are over, until its cells are seen.
fn outcomes(fields: &[DraftField], files: &[Export]) -> Option<DraftField> {
    let listed = |name: &str| fields.iter().find(|field| field.name == name);
    let has_flag = listed("closed").or(listed("won")).is_some();
    let stage = listed("stage").filter(|_| !has_flag)?;
    let columns: BTreeSet<&str> =
        files.iter().filter_map(|it| catalogue::outcome(&stage.from, &it.header)).collect();
    let from: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    (!from.is_empty()).then(|| DraftField::new("closed", from, "Tells open from closed."))
}

/// Of two columns for the stage of deals the one whose every word says open, won or lost is it: the other
/// stays what it was when the deal ended.
fn settle_stage(table: &mut DraftTable) {
    let Some(stage) = table.fields.iter().position(|field| field.name == "stage") else { return };
    let is_beside = |field: &DraftField, stage: &DraftField| {
        let mut found =
            table.files.iter().filter_map(|it| catalogue::outcome(&stage.from, &it.header));
        field.name == "closed" && found.any(|column| field.from.iter().any(|it| it == column))
    };
    let beside = table
        .fields
        .iter()
        .position(|field| table.fields.get(stage).is_some_and(|stage| is_beside(field, stage)));
    let Some(outcome) = beside.map(|at| table.fields.remove(at)) else { return };
    let stage = table.fields.iter_mut().find(|field| field.name == "stage");
    if let Some(stage) = stage.filter(|_| outcome.off.is_none() && !outcome.flags.is_empty()) {
        stage.from = outcome.from;
        stage.figure = outcome.figure;
        stage.kind = Kind::usual("stage");
        stage.off = None;
    }
}

/// Switches off the day on which the stage changed where that is of another column than the one that is read as
/// the stage: a deal is open for longer than it stands where it is.
fn settle_stage_changed(table: &mut DraftTable) {
    let Some(stage) = table.fields.iter().find(|field| field.name == "stage") else { return };
    let mut beside =
        table.files.iter().filter_map(|it| catalogue::stage_beside(&stage.from, &it.header));
    let Some(other) = beside.next() else { return };
    let read = stage.from.join("`, `");
    let why = format!("it says since when `{other}` stands, and the stage is read from `{read}`");
    let why = in_comment(&why);
    let changed = table.fields.iter_mut().find(|field| field.name == "stage_changed");
    if let Some(changed) = changed.filter(|field| field.off.is_none()) {
        changed.off = Some(why);
    }
}

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

/// Reads what the draft allows. Dates and numbers that can be read in two ways, where nothing proves which,
/// are switched off on the way.
fn admit(
    tables: &mut BTreeMap<Object, DraftTable>,
    unused: &mut Unused,
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(String, Batches), DraftError> {
    loop {
        let paths = |table: &DraftTable| {
            table.files.iter().map(|export| PathBuf::from(&export.file)).collect()
        };
        let files = Files(tables.iter().map(|(object, table)| (*object, paths(table))).collect());
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
                if switch_off_undecided(tables, &errors) {
                    continue;
                }
                let fewer = leave_out_refused(tables, unused, &errors);
                if fewer.is_empty() {
                    return Err(errors.into());
                }
                for (object, table) in tables.iter_mut().filter(|(it, _)| fewer.contains(it)) {
                    table.fields = fields(*object, &table.files);
                    shape::profile(*object, table, from, threads)?;
                }
            }
        }
    }
}

/// Leaves out the files that cannot be read where they only add to what is reviewed. The tables that have fewer
/// files now; none when there is anything else wrong.
fn leave_out_refused(
    tables: &mut BTreeMap<Object, DraftTable>,
    unused: &mut Unused,
    errors: &SourceErrors,
) -> BTreeSet<Object> {
    let mut fewer = BTreeSet::new();
    let Some(refused) = errors.0.iter().map(refusal).collect::<Option<Vec<_>>>() else {
        return fewer;
    };
    let adds = |object: Object| matches!(object, Object::CampaignMember | Object::FieldHistory);
    let holds = |table: &DraftTable, file: &str| table.files.iter().any(|it| it.file == file);
    let adding =
        |file: &str| tables.iter().any(|(object, table)| adds(*object) && holds(table, file));
    if !refused.iter().all(|(file, _)| adding(file)) {
        return fewer;
    }
    for (file, why) in refused {
        for (object, table) in tables.iter_mut().filter(|(object, _)| adds(**object)) {
            let Some(at) = table.files.iter().position(|it| it.file == file) else { continue };
            let export = table.files.remove(at);
            let why = match catalogue::two_people(*object, &export.header) {
                Some([one, other]) => format!(
                    "its people stand in two columns, `{one}` and `{other}`: export the one column of both \
                     (`LeadOrContactId`), or a file for each"
                ),
                None => why.clone(),
            };
            unused.push((file.clone(), why));
            fewer.insert(*object);
        }
    }
    tables.retain(|_, table| !table.files.is_empty());
    fewer
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

/// A check that would flag so much that its rules cannot be right yet.
struct TooMuch {
    check: &'static CheckDef,
    flagged: usize,
    examined: usize,
    /// What every one of its findings would need and has not.
    lacking: BTreeSet<String>,
}

/// Runs the drafted checks on what was read. A check that flags more than a third of what it looks
/// at says more about its rules than about the records.
fn trial(
    config: &Config,
    batches: &mut Batches,
    day: NaiveDate,
    threads: NonZeroUsize,
) -> Vec<TooMuch> {
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
                let lacking = judgement.findings.into_iter().map(|finding| finding.missing);
                let lacking = lacking.reduce(|one, other| &one & &other).unwrap_or_default();
                let too_much = flagged > FEW && flagged * 3 > examined;
                too_much.then_some(TooMuch { check: report.check, flagged, examined, lacking })
            }
            Outcome::NotApplicable(_) | Outcome::Broken => None,
        })
        .collect()
}

/// So few findings can be read whatever share they are.
const FEW: usize = 20;

/// Where the rules are put together.
const RULES: &str = ".rules.draft";
/// Where `review.toml` waits for the rules.
const REVIEW: &str = ".review.toml.draft";

/// True where a review folder is there already. What a draft that was cut off left behind is put right first:
/// its `review.toml` is whole once its rules have their name. An empty `rules` is none.
fn stands(dir: &Path) -> Result<bool, DraftError> {
    let (rules, review, waiting) = (dir.join("rules"), dir.join("review.toml"), dir.join(REVIEW));
    let has_rules = match folder::list(&rules) {
        Ok(files) => !files.is_empty(),
        // What cannot be listed stands there all the same.
        Err(_) => rules.exists(),
    };
    if has_rules && !review.exists() && waiting.is_file() {
        folder::settle(&waiting, &review)?;
    }
    Ok(has_rules || review.exists())
}

/// Writes a draft beside its place, and moves it there when it is whole.
fn write(dir: &Path, review: &str, rules: &BTreeMap<String, String>) -> Result<(), DraftError> {
    if !dir.exists() {
        folder::make(dir)?;
    }
    folder::make(&dir.join("exports"))?;
    folder::make(&dir.join("decisions"))?;
    let draft = dir.join(RULES);
    folder::fill(&draft, |draft| {
        let schemas = draft.join("schema");
        folder::make(&schemas)?;
        for (file, schema) in config::schemas() {
            folder::write_new(&schemas.join(config::schema_name(&file)), schema.as_bytes())?;
        }
        for (name, text) in rules {
            let text = if name.ends_with(".toml") {
                with_schema("schema", name, text)
            } else {
                text.clone()
            };
            folder::write_new(&draft.join(name), text.as_bytes())?;
        }
        let review = with_schema("rules/schema", "review.toml", review);
        folder::rewrite(&dir.join(REVIEW), review.as_bytes())
    })?;
    folder::settle(&draft, &dir.join("rules"))?;
    folder::settle(&dir.join(REVIEW), &dir.join("review.toml"))?;
    Ok(())
}
