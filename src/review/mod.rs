//! Runs a review: the one module that knows everybody.
//!
//! Config, then fields, then records, then judgement, then paper: nothing is read before every
//! problem of the rules is known, and nothing is shown before the ledger's chain is verified.
//! Does not: decide anything, or write anywhere but in the review folder.

mod applied;
mod changes;
mod copies;
mod cut;
mod decisions;
mod desk;
mod doctor;
mod explain;
mod history;
mod manifest;
mod paper;
mod patterns;
mod procedure;
mod rule_change;
mod rules;
mod tally;
mod verify;
mod what_if;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use crate::boundary::{Admission, Batch, Field, Object, RecordRef, Row, id_key};
use crate::check::{
    ALL, AsOf, Bench, CheckDef, EXAMPLES, Fault, Groups, MODEL, Outcome, Pulled, Report, World,
    dead_targets, weighed,
};
use crate::config::{self, BatchDefinition, Config, Crm};
use crate::finding::{Finding, Severity};
use crate::folder::{self, FolderError, Held};
use crate::gate::{Gate, Profile};
use crate::ledger::{self, Chain, Entry, Ledger, LedgerError, Run, Tally, digest};
use crate::metrics::{self, Week};
use crate::packet::{self, Completeness, Note, PacketError, Queue, RecordLink};
use crate::policy::Problems;
use crate::source::live::{LiveError, Surroundings};
use crate::source::secret::Environment;
use crate::source::{self, Input, Origin, SourceErrors};

pub use changes::changes;
use cut::Loss;
use desk::{Desk, DeskError};
pub use desk::{Earlier, Recording, decide};
pub use doctor::{Examined, doctor};
pub use explain::{catalogue, explain};
use history::{Now, Past, Present};
pub use paper::PaperError;
pub use patterns::patterns;
pub use procedure::procedure;
pub use rules::{Checked, Reader, Tested, check, example, test};
use tally::{Counted, Scope, Stand};
pub use verify::{Verified, verify};
pub use what_if::what_if;

/// Why a review did not come about. Each kind has its own exit code.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The config or the rules are wrong; nothing was read.
    #[error("{0}")]
    Rules(#[from] Problems),
    /// A file of the folder cannot be read.
    #[error("{path}: {what}\n  hint: {hint}")]
    Unreadable {
        /// Which.
        path: String,
        /// What the system said.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// Decisions do not stand; nothing was recorded of their files.
    #[error("{0}\nnothing was recorded")]
    Decisions(Problems),
    /// What an earlier run wrote is gone or altered.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// The source refused or stayed silent.
    #[error("{0}")]
    Source(#[from] SourceErrors),
    /// The CRM was not read.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The ledger's chain is broken.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The folder is held, or the disk said no.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The packet could not be made.
    #[error("the packet could not be made: a fault of this program, please report it")]
    Packet(#[from] PacketError),
}

/// What the caller says of a run.
#[derive(Debug, Clone)]
pub struct Order {
    /// The review folder.
    pub folder: PathBuf,
    /// The day to judge; the present day in the review's zone otherwise.
    pub as_of: Option<NaiveDate>,
    /// The present instant: it picks the day when none is given, and dates what is recorded.
    pub now: DateTime<Utc>,
    /// Cores to use.
    pub threads: NonZeroUsize,
    /// Where the secrets of a live source may come from.
    pub environment: Environment,
    /// Told how far a pull is.
    pub tell: fn(&str),
}

/// A run that made a packet.
#[derive(Debug)]
pub struct Done {
    /// The folder with the packet.
    pub folder: PathBuf,
    /// The plain-text summary.
    pub summary: String,
    /// What is missing; empty when the packet is complete.
    pub missing: Vec<String>,
    /// The worst finding's severity, if there is any.
    pub worst: Option<Severity>,
}

/// What a person should know besides what came of a command, whether or not anything did.
#[derive(Debug, Default)]
pub struct Aside {
    /// Decisions files of the folder `decisions` of which nothing was recorded, and why.
    pub refused: Vec<Problems>,
    /// All else, a sentence each.
    pub notes: Vec<String>,
}

impl Aside {
    /// Opens a folder's ledger to append to; a last line that was moved aside for it is noted.
    fn open(&mut self, folder: &Path) -> Result<Ledger, LedgerError> {
        let ledger = Ledger::open(&folder.join("ledger.jsonl"))?;
        if ledger.torn() > 0 {
            self.notes.push(format!(
                "the ledger ended in {} bytes that were never completed; they were moved aside",
                ledger.torn()
            ));
        }
        Ok(ledger)
    }
}

/// A review folder's own files, read.
struct Folder {
    path: PathBuf,
    review: String,
    rules: BTreeMap<String, String>,
}

impl Folder {
    fn read(path: &Path) -> Result<Self, ReviewError> {
        if path.is_file() {
            return Err(ReviewError::Unreadable {
                path: path.display().to_string(),
                what: "it is a file, and a review is a folder".to_owned(),
                hint: "name the folder that review.toml and rules/ lie in",
            });
        }
        let drafts = "`crm-review init DIR --from EXPORTS` drafts a review folder";
        let review = text(&path.join("review.toml"), drafts)?;
        Ok(Self { path: path.to_owned(), review, rules: rules(&path.join("rules"), drafts)? })
    }

    /// The same folder with the files of another folder of rules in the place of its own.
    fn with_rules(&self, other: &Path) -> Result<Self, ReviewError> {
        let hint =
            "name a folder with edited rules files, such as a copy of the review folder's rules";
        let edited = rules(other, hint)?;
        if edited.is_empty() {
            let (path, what) = (other.display().to_string(), "it holds no rules file".to_owned());
            return Err(ReviewError::Unreadable { path, what, hint });
        }
        let mut all = self.rules.clone();
        all.extend(edited);
        Ok(Self { path: self.path.clone(), review: self.review.clone(), rules: all })
    }

    /// The config, and where a record can be looked up.
    fn config(&self) -> Result<(Config, Option<RecordLink>), Problems> {
        let config = config::parse(&self.review, &self.rules)?;
        let link = record_link(&config)?;
        Ok((config, link))
    }

    /// The files by the names that problems have for them.
    fn texts(&self) -> BTreeMap<String, &str> {
        let rules = self.rules.iter();
        std::iter::once(("review.toml".to_owned(), self.review.as_str()))
            .chain(rules.map(|(name, text)| (format!("rules/{name}"), text.as_str())))
            .collect()
    }

    /// Name and digest of each file that says how to judge, `review.toml` first. Examples judge nothing.
    fn digests(&self) -> Vec<(String, String)> {
        let rules = self.rules.iter().filter(|(name, _)| *name != EXAMPLES);
        std::iter::once(("review.toml".to_owned(), digest(self.review.as_bytes())))
            .chain(rules.map(|(name, text)| (format!("rules/{name}"), digest(text.as_bytes()))))
            .collect()
    }
}

/// A file of a review folder; where there is none, the hint says what to do.
fn text(path: &Path, gone: &'static str) -> Result<String, ReviewError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error, gone))?;
    String::from_utf8(bytes).map_err(|_| ReviewError::Unreadable {
        path: path.display().to_string(),
        what: "it is not UTF-8 text".to_owned(),
        hint: "save it as UTF-8",
    })
}

/// Every rules file and table of a folder, by name; where there is none, the hint says what to do.
fn rules(folder: &Path, gone: &'static str) -> Result<BTreeMap<String, String>, ReviewError> {
    let mut rules = BTreeMap::new();
    for path in folder::list(folder).map_err(|error| unreadable(folder, &error, gone))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') && (name.ends_with(".toml") || name.ends_with(".csv")) {
            rules.insert(name, text(&path, gone)?);
        }
    }
    Ok(rules)
}

fn unreadable(path: &Path, error: &io::Error, gone: &'static str) -> ReviewError {
    ReviewError::Unreadable {
        path: path.display().to_string(),
        what: error.to_string(),
        hint: if error.kind() == io::ErrorKind::NotFound {
            gone
        } else {
            "a review folder holds review.toml and plain files below rules/ that you may read"
        },
    }
}

/// Parses a folder's config and rules, and says every problem there is.
pub fn check_folder(path: &Path) -> Result<Config, ReviewError> {
    let folder = Folder::read(path)?;
    Ok(folder.config()?.0)
}

/// Whether a run of a folder asks a CRM.
pub fn asks_a_crm(path: &Path) -> bool {
    fs::read_to_string(path.join("review.toml")).is_ok_and(|review| config::asks_a_crm(&review))
}

/// The program and its version, as its outputs name it.
const PROGRAM: &str = concat!("crm-review ", env!("CARGO_PKG_VERSION"));

/// `1 line`, `20 lines`.
fn counted(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}

/// Who holds the folder, for others to read.
fn holder(now: DateTime<Utc>) -> String {
    format!("process {}, since {}\n", std::process::id(), now.format("%F %T UTC"))
}

/// The weekly job.
pub fn run(order: &Order) -> (Aside, Result<Done, ReviewError>) {
    let mut aside = Aside::default();
    let done = weekly(order, &mut aside);
    (aside, done)
}

fn weekly(order: &Order, aside: &mut Aside) -> Result<Done, ReviewError> {
    let folder = Folder::read(&order.folder)?;
    let (config, record_link) = folder.config()?;
    let as_of = order.as_of.unwrap_or_else(|| order.now.with_timezone(&config.zone).date_naive());
    let as_of = AsOf::new(as_of, config.zone);
    let held: Held = folder::hold(&folder.path, &holder(order.now))?;
    let mut ledger = aside.open(&folder.path)?;
    let runs = folder.path.join("runs");
    folder::make(&runs)?;
    folder::clear_drafts(&runs)?;

    record_dropped(&folder.path, &config.gate, order.now, &mut ledger, aside)?;
    let exports = folder.path.join(&config.exports);
    let surroundings = Surroundings {
        folder: &folder.path,
        environment: &order.environment,
        now: order.now,
        tell: order.tell,
    };
    let judged = judge(&config, &exports, Some(surroundings), as_of, order.threads)?;
    let made = write_up(&folder, &config, record_link, &judged, &ledger, order.threads)?;
    let home = runs.join(&made.home);
    folder::publish(&home, &made.files())?;
    aside.notes.extend(made.notes.iter().map(|note| note.says.clone()));
    aside.notes.extend(unread(&config, &judged.inputs));
    aside.notes.extend(copied(&config, &exports));
    aside.notes.extend(config.batch.absent_words(&judged.absent_ids));
    // A packet that another followed is the latest again when it is made again.
    if ledger.latest() != Some(&made.run) {
        ledger.append(Entry::Run(made.run))?;
    }
    drop(held);
    Ok(Done { folder: home, summary: made.summary, missing: made.missing, worst: made.worst })
}

/// What the checks weighed likeness by, as files that the rules can name.
fn models(reports: &[Report]) -> Vec<(String, String)> {
    weighed(reports).map(|it| (format!("{}{MODEL}", it.object.key()), it.by.to_toml())).collect()
}

/// Records what lies in the folder `decisions`, file by file. The week's packet is made whatever is
/// wrong with them.
fn record_dropped(
    folder: &Path,
    gate: &Gate,
    now: DateTime<Utc>,
    ledger: &mut Ledger,
    aside: &mut Aside,
) -> Result<(), ReviewError> {
    let files = match folder::list(&folder.join("decisions")) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let what = format!("it cannot be listed: {error}");
            let remedy = "`decisions` is the folder in which decisions files are dropped";
            aside.refused.push(Problems::one_with_hint("decisions", 0, what, remedy));
            return Ok(());
        }
    };
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let ends = |end: &str| file.extension().is_some_and(|it| it.eq_ignore_ascii_case(end));
        if !ends("json") && !ends("csv") {
            if !ends(decisions::SIGNATURES[0]) && !name.starts_with('.') {
                aside.notes.push(format!(
                    "decisions/{name} was not read: a decisions file ends in .json or .csv"
                ));
            }
            continue;
        }
        let mut desk = Desk::open(folder, gate, now, Earlier::Stands);
        match desk.take(ledger, &file) {
            Ok(()) => drop(desk.record(ledger)?),
            Err(DeskError::Refused(problems)) => aside.refused.push(problems),
            Err(DeskError::Paper(error)) => {
                let file = file.display().to_string();
                aside.refused.push(Problems::one(file, 0, error.to_string()));
            }
        }
    }
    Ok(())
}

/// The name of a run's folder: its day, or its whole id where another run of that day stands already.
fn home_of(runs: &Path, day: NaiveDate, id: &str) -> String {
    let day = day.to_string();
    let another = manifest::is_of_another(&runs.join(&day), id);
    let apart = fs::symlink_metadata(runs.join(id)).is_ok();
    if another || apart { id.to_owned() } else { day }
}

/// What was read and what the checks say of it.
struct Judged {
    as_of: AsOf,
    pulled: Pulled,
    counts: Vec<packet::Count>,
    inputs: Vec<Input>,
    admissions: Vec<Admission>,
    reports: Vec<Report>,
    /// What the records under review have in common.
    groups: Groups,
    missing: Vec<String>,
    /// What a CRM would let this job do beyond reading, one sentence each.
    wide: Vec<String>,
    /// What a reader should know of the input and of the rules.
    notes: Vec<Note>,
    newest: NewestChanges,
    /// Ids of the batch's list that no table has.
    absent_ids: Vec<String>,
}

/// By table and input, the day of the newest change that the records tell.
type NewestChanges = BTreeMap<(Object, String), NaiveDate>;

/// The tables as they were read, and what became of each input.
struct Records {
    tables: Pulled,
    inputs: Vec<Input>,
    admissions: Vec<Admission>,
    /// Tables that a CRM does not have or does not show.
    absent: Vec<String>,
    /// What a CRM would let this job do beyond reading, one sentence each.
    wide: Vec<String>,
}

/// Reads what the checks ask for, of the exports and of the CRM if it may be asked, and says which records
/// are under review.
fn pull(
    config: &Config,
    exports: &Path,
    surroundings: Option<Surroundings<'_>>,
    as_of: AsOf,
    threads: NonZeroUsize,
) -> Result<(Bench, Records), ReviewError> {
    let (bench, reads) = fields(config, as_of);
    let (boundary, zone) = (&config.boundary, config.zone);
    let mut pull = source::pull(exports, &config.files, boundary, &reads, zone, threads)?;
    if let Some((live, surroundings)) = config.live.as_ref().zip(surroundings) {
        let files = &config.files;
        pull.extend(source::ask(live, surroundings, files, boundary, &reads, zone)?);
    }
    let mut tables = Pulled::default();
    for batch in pull.batches {
        tables.insert(batch);
    }
    for object in Object::REVIEWED {
        if let Some(batch) = tables.get_mut(object) {
            put_under_review(batch, &config.batch, config, as_of);
        }
    }
    // Changes of fields are not kept of every table, nor by every CRM: the checks say what they lack.
    let absent = pull.absent.into_iter().filter(|(object, _)| *object != Object::FieldHistory);
    let records = Records {
        tables,
        inputs: pull.inputs,
        admissions: pull.admissions,
        absent: absent.map(|(_, name)| name).collect(),
        wide: pull.wide,
    };
    Ok((bench, records))
}

fn judge(
    config: &Config,
    exports: &Path,
    surroundings: Option<Surroundings<'_>>,
    as_of: AsOf,
    threads: NonZeroUsize,
) -> Result<Judged, ReviewError> {
    let (bench, Records { tables: pulled, inputs, admissions, absent, wide }) =
        pull(config, exports, surroundings, as_of, threads)?;
    let counts = pulled
        .iter()
        .map(|batch| packet::Count {
            object: batch.object(),
            admitted: batch.len(),
            reviewed: if Object::REVIEWED.contains(&batch.object()) {
                batch.reviewed_len()
            } else {
                0
            },
        })
        .collect();
    let newest = newest_changes(config, &pulled, as_of);
    let (reports, groups, notes) = {
        let world = World::new(&pulled, as_of, &config.policies, threads);
        let reports = bench.run(&world);
        let groups = Groups::count(&world, &reports);
        let stale = stale(config, &newest, as_of).map(|says| Note { mailed: says.clone(), says });
        (reports, groups, stale.into_iter().chain(nobody(&world)).collect())
    };
    let mut missing = missing(config, &inputs, &admissions, &reports);
    missing.extend(
        absent.iter().map(|name| format!("{name} is not there, or this login may not see it")),
    );
    let absent_ids = absent_ids(&config.batch, &pulled);
    Ok(Judged {
        as_of,
        pulled,
        counts,
        inputs,
        admissions,
        reports,
        groups,
        missing,
        wide,
        notes,
        newest,
        absent_ids,
    })
}

/// The day of the newest change that each input under review tells. What lies ahead has not happened.
fn newest_changes(config: &Config, pulled: &Pulled, as_of: AsOf) -> NewestChanges {
    let end = as_of.end();
    let mut newest: BTreeMap<(Object, &str), DateTime<Utc>> = BTreeMap::new();
    for object in Object::REVIEWED {
        let fields = change_fields(config, object);
        for row in pulled.get(object).into_iter().flat_map(Batch::rows) {
            let changes = fields.iter().filter_map(|field| row.time(field));
            if let Some(last) = changes.filter(|at| *at < end).max() {
                let newest = newest.entry((object, row.file())).or_insert(last);
                *newest = last.max(*newest);
            }
        }
    }
    let day = |at: DateTime<Utc>| at.with_timezone(&as_of.zone).date_naive();
    newest.into_iter().map(|((object, file), at)| ((object, file.to_owned()), day(at))).collect()
}

/// That the records are older than a weekly review's should be, if they are.
fn stale(config: &Config, newest: &NewestChanges, as_of: AsOf) -> Option<String> {
    let (newest, after) = (newest.values().max()?, config.policies.input().stale_after_days);
    let days = (as_of.day - *newest).num_days();
    (days > i64::from(after)).then(|| {
        format!(
            "the newest change in the records is of {newest}, {days} days before the review: are these the latest exports? (`stale_after_days = {after}`, rules/batch.toml)"
        )
    })
}

/// Whom the rules name and who cannot be given records, a line each.
fn nobody(world: &World<'_>) -> Vec<Note> {
    const SHOWN: usize = 5;
    let faults = dead_targets(world);
    let note = |fault: &Fault| Note {
        says: format!("{}: {}: {} ({})", fault.place, fault.message, fault.hint, fault.lint.code),
        mailed: format!(
            "{} names nobody who can be given records ({}); `crm-review rules check` says more",
            fault.place, fault.lint.code
        ),
    };
    let mut notes: Vec<Note> = faults.iter().take(SHOWN).map(note).collect();
    if let more @ 1.. = faults.len().saturating_sub(SHOWN) {
        let says =
            format!("so do {more} more places of the rules; `crm-review rules check` lists them");
        notes.push(Note { mailed: says.clone(), says });
    }
    notes
}

/// The checks, and every field that they, the batch, the metric and the packet read.
fn fields(config: &Config, as_of: AsOf) -> (Bench, BTreeSet<Field>) {
    let bench = Bench::load(&config.policies, &config.boundary, &config.off);
    let mut reads = bench.reads();
    reads.extend(batch_fields(config));
    reads.extend(Counted::of(config, as_of).fields().cloned());
    // Dates what the packet quotes of a record.
    let tables: BTreeSet<Object> = reads.iter().map(Field::object).collect();
    reads.extend(tables.iter().filter_map(|it| config.boundary.allowed(*it, "modified")));
    (bench, reads)
}

/// The fields that the batch definition itself needs.
fn batch_fields(config: &Config) -> BTreeSet<Field> {
    let mut fields: BTreeSet<Field> = config.batch.when.fields().cloned().collect();
    if config.batch.changed_within_days.is_some() {
        fields
            .extend(Object::REVIEWED.into_iter().flat_map(|object| change_fields(config, object)));
    }
    fields
}

/// The fields that tell when a record changed, the better one first.
fn change_fields(config: &Config, object: Object) -> Vec<Field> {
    let names = ["modified", "created"].into_iter();
    names.filter_map(|name| config.boundary.allowed(object, name)).collect()
}

fn put_under_review(batch: &mut Batch, definition: &BatchDefinition, config: &Config, as_of: AsOf) {
    let object = batch.object();
    if !definition.is_about(object) {
        batch.put_under_review(|_| false);
        return;
    }
    let changed = change_fields(config, object);
    let since = definition.changed_within_days.map(|days| as_of.days_ago(days));
    let recent = |row: Row<'_>| {
        since.is_none_or(|since| {
            // A record that does not say when it changed is reviewed: silence is no reason to skip it.
            changed.iter().find_map(|field| row.time(field)).is_none_or(|at| at >= since)
        })
    };
    let when = definition.when.of(object);
    batch.put_under_review(|row| {
        recent(row)
            && when.is_none_or(|when| when.holds(row))
            && definition.ids.as_ref().is_none_or(|ids| ids.contains(id_key(row.id())))
    });
}

/// The ids of the batch's list that are in no table it is about.
fn absent_ids(definition: &BatchDefinition, pulled: &Pulled) -> Vec<String> {
    let is_absent = |id: &&String| {
        let mut tables = pulled.iter().filter(|batch| definition.is_about(batch.object()));
        tables.all(|batch| batch.find(id).is_none())
    };
    definition.ids.iter().flatten().filter(is_absent).cloned().collect()
}

/// The files that are named and that no check reads, one sentence each.
fn unread(config: &Config, inputs: &[Input]) -> Vec<String> {
    let named = config.files.0.iter().flat_map(|(object, files)| {
        files.iter().map(move |file| (*object, file.display().to_string()))
    });
    named
        .filter(|(object, file)| !inputs.iter().any(|it| it.object == *object && it.file == *file))
        .map(|(object, file)| format!("{file} was not read: no check reads a field of `{object}`"))
        .collect()
}

/// The files beside those that are read that look like newer ones of them, one sentence each.
fn copied(config: &Config, exports: &Path) -> Vec<String> {
    let copies = source::copies(exports, &config.files).into_iter();
    let words = |(file, named): (String, String)| {
        format!(
            "{file} has the columns of {named} and is not read: [source.files] of review.toml names the files"
        )
    };
    copies.map(words).collect()
}

/// The fields that checks read and for which no input of their table has a column, in a sentence; those that
/// an earlier run had are told otherwise.
fn columnless(admissions: &[Admission], lost: &BTreeSet<Field>) -> Option<String> {
    let absent: BTreeSet<&Field> = admissions.iter().flat_map(|it| &it.absent).collect();
    let is_there = |field: &Field| {
        let mut tables = admissions.iter().filter(|it| it.object == field.object());
        tables.any(|it| !it.absent.contains(field))
    };
    let nowhere: Vec<String> = absent
        .into_iter()
        .filter(|field| !lost.contains(*field) && !is_there(field))
        .map(|field| format!("`{field}` ({})", field.from().join(" or ")))
        .collect();
    (!nowhere.is_empty()).then(|| {
        format!(
            "no input has a column for {}, which the checks see as blank: list the columns' names in rules/boundary.toml, or take the fields out",
            nowhere.join(", ")
        )
    })
}

/// What keeps the packet from being complete, one sentence each.
fn missing(
    config: &Config,
    inputs: &[Input],
    admissions: &[Admission],
    reports: &[Report],
) -> Vec<String> {
    let mut missing = Vec::new();
    let limit = config.policies.max_set_aside();
    for (input, admission) in inputs.iter().zip(admissions) {
        let aside = input.set_aside(admission);
        #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
        let share = aside as f64 / (input.tally.rows_read.max(1)) as f64;
        if share > limit {
            missing.push(format!(
                "{aside} of {} rows of {} were set aside ({:.1} %; more than {:.1} % make a packet incomplete), {}",
                input.tally.rows_read,
                input.file,
                share * 100.0,
                limit * 100.0,
                input.first_set_aside(admission),
            ));
        }
        if input.tally.looks_truncated {
            missing
                .push(format!("{} ends in the middle of a row: the export looks cut", input.file));
        }
        if let Origin::Crm(asked) = &input.origin {
            missing.extend(asked.gaps.iter().cloned());
        }
        if let Some(line) = input.tally.second_table {
            missing.push(format!(
                "{} holds a second table from line {line}, which was not read",
                input.file
            ));
        }
    }
    for report in reports {
        if matches!(report.outcome, Outcome::Broken) {
            missing.push(format!(
                "the check {} failed inside the program and says nothing this week",
                report.check.code
            ));
        }
    }
    missing
}

/// The files of a run, as they will stand on the disk.
struct Made {
    run: Run,
    /// The folder's name below `runs`.
    home: String,
    /// The files by their names.
    files: Vec<(String, String)>,
    summary: String,
    /// What keeps the packet from being complete.
    missing: Vec<String>,
    /// What to know before reading.
    notes: Vec<Note>,
    /// Whether something of the packets before could not be read.
    is_blind: bool,
    /// The worst severity of what is asked.
    worst: Option<Severity>,
}

impl Made {
    /// The files as they are written.
    fn files(&self) -> Vec<(&str, &[u8])> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect()
    }
}

fn write_up(
    folder: &Folder,
    config: &Config,
    record_link: Option<RecordLink>,
    judged: &Judged,
    ledger: &Chain,
    threads: NonZeroUsize,
) -> Result<Made, PacketError> {
    let rules = folder.digests();
    let inputs_digest = manifest::inputs_digest(judged, &rules);
    let day = judged.as_of.day;
    let id = format!("{day}-{}", inputs_digest.get(..8).unwrap_or_default());
    let definition = manifest::definition_digest(&rules);
    let (ledger_len, ledger_head) = ledger.before(&id);
    let runs = folder.path.join("runs");
    let home = home_of(&runs, day, &id);
    let earlier = ledger.entries().get(..ledger_len).unwrap_or_default();
    let past = Past::read(&runs, earlier, day);
    let redefined = past.last.filter(|last| last.definition != definition);
    let rule_change =
        redefined.and_then(|_| rule_change::of(folder, config, judged, &past, threads));
    let counted = Counted::of(config, judged.as_of);
    let loss = Loss::of(&runs, earlier, judged, config.policies.input());
    let now = Now::of(config, judged, &loss, rule_change.as_ref(), &counted);
    let present = past.against(&runs, &now)?;
    let missing = lacking(judged, &loss, &present.gaps);
    let columnless = columnless(&judged.admissions, &loss.fields())
        .map(|says| Note { mailed: says.clone(), says });
    let notes: Vec<Note> = judged.notes.iter().cloned().chain(columnless).collect();
    let share = counted.share(&judged.pulled);
    let tally = tally_of(&judged.reports, &present, day);
    let weeks = weeks(earlier, day, |last| {
        Week::new(day, share.counted, tally, &definition, last).lacking(&missing)
    });
    let flagged = flagged(&judged.reports, &present);
    let review = packet::Review {
        organisation: &config.organisation,
        run: &id,
        trigger: "crm-review run",
        folder: &format!("runs/{home}"),
        file: "packet.html",
        slice: None,
        mask: None,
        as_of: judged.as_of,
        program: PROGRAM,
        command: &format!("crm-review run . --as-of {day}"),
        crm: config.crm.title(),
        complete: completeness(&missing),
        wide: &judged.wide,
        notes: &[notes.clone(), month_over(&config.gate, earlier, day)].concat(),
        redefined_since: redefined.map(|last| last.as_of),
        rule_change: rule_change.as_ref(),
        batch: &batch_words(config, judged),
        counts: judged.counts.clone(),
        beside: &beside(&flagged, &judged.pulled),
        inputs: paper_inputs(judged),
        admissions: &judged.admissions,
        boundary: &config.boundary,
        reports: &judged.reports,
        standings: &present.standings,
        since: &present.since,
        demoted: &demoted(earlier, &config.gate, day),
        groups: &judged.groups,
        patterns: &repeated(judged, &present),
        weeks: &weeks,
        left_out: packet::LeftOut { young: share.young, planted: share.planted },
        rules: rules.iter().map(paper_rules).collect(),
        approver: config.gate.approver(),
        backup: config.gate.backup(),
        answers: answers(&config.gate, day),
        ledger_len: ledger_len as u64,
        ledger_head,
        record_link,
    };
    let packet = packet::render(&review)?;
    let findings = packet::findings_lines(&review)?;
    let summary = packet::summary(&review);
    let copies = copies::copies(config, judged, &review)?;
    let run = Run {
        id: id.clone(),
        as_of: day,
        inputs: inputs_digest,
        definition,
        packet: digest(packet.as_bytes()),
        proposals: digest(findings.as_bytes()),
        history: digest(present.lines.as_bytes()),
        reviewed: share.counted,
        findings: findings.lines().count() as u64,
        flagged: flagged.len() as u64,
        complete: missing.is_empty(),
        tally,
    };
    let manifest = manifest::text(config, judged, &rules, &run, &review, &loss)?;
    let worst = asked(&judged.reports, &present).map(|(check, _)| check.severity).max();
    let is_blind = !present.gaps.is_empty();
    let named = [
        ("packet.html", packet),
        ("findings.jsonl", findings),
        ("history.jsonl", present.lines),
        (rule_change::KEPT, rule_change::kept_text(folder)?),
        ("manifest.json", manifest),
        ("summary.txt", summary.clone()),
    ];
    // What likeness was weighed by has the names that the rules can give it.
    let named = named.map(|(name, text)| (name.to_owned(), text)).into_iter();
    let files = named.chain(models(&judged.reports)).chain(copies).collect();
    Ok(Made { run, home, files, summary, missing, notes, is_blind, worst })
}

/// All that keeps a packet from being complete: what was read, what of it was lost, and what cannot be told
/// of the past.
fn lacking(judged: &Judged, loss: &Loss, gaps: &[String]) -> Vec<String> {
    [judged.missing.clone(), loss.words(judged), gaps.to_vec()].concat()
}

/// Of the founder profile: that another 30 days have passed since the first packet, said in the first packet
/// after them. Whoever tries the review alone decides then whether it is worth going on.
fn month_over(gate: &Gate, earlier: &[Entry], day: NaiveDate) -> Vec<Note> {
    let days = || ledger::runs(earlier).map(|run| run.as_of).filter(|as_of| *as_of < day);
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Vec::new() };
    let months = |day: NaiveDate| day.signed_duration_since(first).num_days() / 30;
    if gate.profile() != Profile::Founder || months(day) == months(last) {
        return Vec::new();
    }
    let says = format!(
        "{} days since the first packet: look at the one metric (`crm-review metrics`), and decide whether to go on, to widen the review or to stop",
        30 * months(day)
    );
    vec![Note { mailed: says.clone(), says }]
}

/// Rules that find more in one group of records than chance would put there.
fn repeated(judged: &Judged, present: &Present<'_>) -> Vec<packet::Pattern> {
    let faults = asked(&judged.reports, present);
    patterns::told(&judged.groups, faults.map(|(check, found)| (check.code, &found.record)))
}

/// The metric week by week: the weeks before a day, and its own after the last of them.
fn weeks(earlier: &[Entry], day: NaiveDate, own: impl FnOnce(Option<&Week>) -> Week) -> Vec<Week> {
    let mut weeks = metrics::weeks(earlier);
    weeks.retain(|week| week.day < day);
    weeks.push(own(weeks.last()));
    weeks
}

/// The rules that reviewers found wrong more often than the budget allows, as of a day.
fn demoted(earlier: &[Entry], gate: &Gate, day: NaiveDate) -> Vec<String> {
    let rules = metrics::precision(earlier, day).into_iter();
    rules.filter(|rule| rule.is_below(gate.precision_budget())).map(|rule| rule.rule).collect()
}

/// Which records are under review, in words.
fn batch_words(config: &Config, judged: &Judged) -> String {
    let absent = config.batch.absent_words(&judged.absent_ids);
    config.batch.words() + &absent.map_or_else(String::new, |absent| format!("; {absent}"))
}

fn paper_rules((file, sha256): &(String, String)) -> packet::RulesFile {
    packet::RulesFile { file: file.clone(), sha256: sha256.clone() }
}

fn completeness(missing: &[String]) -> Completeness {
    if missing.is_empty() {
        Completeness::Complete
    } else {
        Completeness::Incomplete(missing.to_vec())
    }
}

/// What may be answered to a proposal in the packet of a day.
fn answers(gate: &Gate, day: NaiveDate) -> packet::Answers<'_> {
    packet::Answers {
        deciders: gate.deciders(),
        escalate_to: gate.escalate_to().iter().map(String::as_str).collect(),
        answer_by: gate.answer_by(day),
        mass_owner_changes: gate.mass_owner_changes(),
        profile: gate.profile(),
    }
}

/// The link to each table's records, where the config names one.
fn record_link(config: &Config) -> Result<Option<RecordLink>, Problems> {
    let Some(said) = &config.record_link else { return Ok(None) };
    let address = said.strip_prefix("https://").unwrap_or_default();
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let paths = Object::REVIEWED
        .map(|object| (object, path.replace("{object}", object_in_links(config.crm, object))));
    RecordLink::new(host, paths.iter().map(|(object, path)| (*object, path.as_str())))
        .map(Some)
        .map_err(|error| Problems::one("review.toml", said.line, error.to_string()))
}

/// How a CRM's addresses call a table.
fn object_in_links(crm: Crm, object: Object) -> &'static str {
    match (crm, object) {
        // HubSpot's object type ids.
        (Crm::HubSpot, Object::Contact) => "0-1",
        (Crm::HubSpot, Object::Account) => "0-2",
        (Crm::HubSpot, Object::Deal) => "0-3",
        (Crm::Odoo, Object::Lead | Object::Deal) => "crm.lead",
        (Crm::Odoo, Object::Contact | Object::Account) => "res.partner",
        (Crm::Salesforce | Crm::HubSpot | Crm::Odoo | Crm::Other, object) => object.key(),
    }
}

/// The findings that are asked: all but the quiet ones.
fn asked<'r>(
    reports: &'r [Report],
    present: &'r Present<'_>,
) -> impl Iterator<Item = (&'static CheckDef, &'r Finding)> {
    history::found(reports).filter(|(check, finding)| {
        let standing = present.standings.get(&finding.id(check.code));
        !standing.is_some_and(|standing| matches!(standing.queue, Queue::Quiet { .. }))
    })
}

/// The records of which something is asked.
fn flagged<'r>(reports: &'r [Report], present: &'r Present<'_>) -> BTreeSet<&'r RecordRef> {
    asked(reports, present).map(|(_, finding)| &finding.record).collect()
}

/// Those of some records that are not under review: reference tables as a whole are not.
fn beside(records: &BTreeSet<&RecordRef>, pulled: &Pulled) -> BTreeSet<RecordRef> {
    let is_reviewed = |record: &RecordRef| {
        let row = pulled.get(record.object).and_then(|batch| batch.find(&record.id));
        Object::REVIEWED.contains(&record.object) && row.is_some_and(Row::is_under_review)
    };
    records.iter().filter(|record| !is_reviewed(record)).map(|it| (*it).clone()).collect()
}

/// What of a run's proposals is decided as it begins.
fn tally_of(reports: &[Report], present: &Present<'_>, day: NaiveDate) -> Tally {
    let mut seen = BTreeSet::new();
    let proposals: Vec<_> = history::found(reports)
        .filter_map(|(check, finding)| {
            let id = finding.id(check.code);
            let standing = present.standings.get(&id)?;
            let decided = standing.last.map(|last| last.on);
            let stand = Stand::of(standing.queue.asks(), decided, day);
            seen.insert(id).then_some((stand, Scope::of(check.family), standing.counts.as_slice()))
        })
        .collect();
    tally::tally(proposals.into_iter())
}

/// The routing exception rate over the weeks up to the latest run's, as a table.
pub fn trend(path: &Path) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let mut weeks = metrics::weeks(ledger.entries());
    let Some(latest) = ledger.latest() else { return Ok(metrics::table(&weeks)) };
    let later = weeks.split_off(weeks.partition_point(|week| week.day <= latest.as_of));
    let mut table = metrics::table(&weeks);
    if !later.is_empty() {
        let days: Vec<_> = later.iter().map(|week| week.day.to_string()).collect();
        table += &format!(
            "Packets of later days than the latest run, of {}, are left out: {}.\n",
            latest.as_of,
            days.join(", ")
        );
    }
    Ok(table)
}

fn paper_inputs(judged: &Judged) -> Vec<packet::Input> {
    let inputs = judged.inputs.iter().zip(&judged.admissions);
    let paper = |(input, admission): (&Input, &Admission)| {
        let tally = &input.tally;
        packet::Input {
            file: input.file.clone(),
            object: input.object,
            sha256: tally.sha256.clone(),
            bytes: tally.bytes,
            form: form(input),
            newest: judged.newest.get(&(input.object, input.file.clone())).copied(),
            rows_read: usize::try_from(tally.rows_read).unwrap_or(usize::MAX),
            rows_admitted: admission.rows,
            blank: usize::try_from(tally.blank).unwrap_or(usize::MAX),
            footer: usize::try_from(tally.footer).unwrap_or(usize::MAX),
            problems: input.problems(),
            more: usize::try_from(tally.problems_omitted).unwrap_or(usize::MAX),
        }
    };
    inputs.map(paper).collect()
}

/// How an input is written, or how it was asked for.
fn form(input: &Input) -> String {
    let dialect = match &input.origin {
        Origin::Export { dialect, .. } => dialect,
        Origin::Crm(asked) => return asked.words(),
    };
    let encoding = &input.tally.encoding;
    let mut form = encoding.name.to_uppercase();
    if encoding.bom {
        form += " with byte order mark";
    }
    if encoding.guessed {
        form += &format!(", guessed ({} cells decoded on that guess)", input.tally.decoded_cells);
    }
    let delimiter = match dialect.delimiter {
        b',' => "comma",
        b';' => "semicolon",
        b'\t' => "tab",
        b'|' => "bar",
        other => return format!("{form}, {}", char::from(other)),
    };
    format!("{form}, {delimiter}")
}

/// The shape of something that machines write or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A line of `findings.jsonl`.
    Findings,
    /// `manifest.json`.
    Manifest,
    /// A decisions file, which is read.
    Decisions,
}

/// The JSON Schema of a shape, as text.
pub fn schema(shape: Shape) -> String {
    let schema = match shape {
        Shape::Findings => packet::findings_schema(),
        Shape::Manifest => manifest::schema(),
        Shape::Decisions => decisions::schema(),
    };
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// The catalogue as the README's table.
pub fn checks_table() -> String {
    let mut table =
        String::from("| check | family | severity | what it finds |\n| --- | --- | --- | --- |\n");
    for check in ALL {
        table += &format!(
            "| `{}` {} | {} | {} | {} |\n",
            check.code,
            check.name,
            check.family.title(),
            check.severity.word(),
            check.summary,
        );
    }
    table
}
