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
mod dropped;
mod event;
mod explain;
mod history;
mod judged;
mod lapsed;
mod manifest;
mod paper;
mod patterns;
mod procedure;
mod quarter;
mod rule_change;
mod rules;
mod same_day;
mod tally;
mod unrecorded;
mod verify;
mod what_if;
mod write_up;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use crate::boundary::Object;
use crate::check::{ALL, AsOf, EXAMPLES};
use crate::config::{self, Config, Crm};
use crate::digest;
use crate::finding::Severity;
use crate::folder::{self, Before, FolderError, Held};
use crate::gate::Gate;
use crate::ledger::{Chain, Entry, Ledger, LedgerError, Run};
use crate::metrics;
use crate::packet::{self, PacketError, RecordLink, counted};
use crate::policy::Problems;
use crate::source::live::{LiveError, Surroundings};
use crate::source::secret::Environment;
use crate::source::{self, Doubtful, Files, Input, SourceErrors};

pub use changes::changes;
use desk::{Desk, DeskError};
pub use desk::{Earlier, Recording, decide};
pub use doctor::{Examined, doctor};
pub use explain::{catalogue, explain};
use judged::judge;
use manifest::RulesFile;
pub use paper::PaperError;
pub use patterns::patterns;
pub use procedure::procedure;
pub use quarter::quarter;
pub use rules::{Checked, Reader, Tested, check, example, test};
pub use verify::{Verified, verify};
pub use what_if::what_if;
use write_up::{Started, write_up};

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
    /// The ledger is not the one that the packets know.
    #[error(
        "ledger.jsonl: the manifest of {packet} names a line {line} that it never had: it is gone, was cut or is an older copy; nothing was appended\n  hint: put it back from a copy, as what was decided stands nowhere else; where there is none, move the packets that it does not know out of runs/, and what follows begins anew"
    )]
    LedgerLost {
        /// The packet's folder.
        packet: String,
        /// The line that it names, counted as the packet does.
        line: u64,
    },
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
    /// The file of the event that the run answers, where it is not the scheduled one.
    pub event: Option<PathBuf>,
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
pub struct Notices {
    /// Decisions files of the folder `decisions` of which nothing was recorded, and why.
    pub refused: Vec<Problems>,
    /// All else, a sentence each.
    pub notes: Vec<String>,
}

impl Notices {
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

/// The rules file that says who may decide what.
const APPROVALS: &str = "approvals.toml";

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

    /// The digest of the file that says who may decide what.
    fn approvals(&self) -> Option<String> {
        self.rules.get(APPROVALS).map(|text| digest::sha256(text.as_bytes()))
    }

    /// Each file that says how to judge, `review.toml` first. Examples judge nothing.
    fn digests(&self) -> Vec<RulesFile> {
        let rules_file = |file: String, name: &str, text: &str| RulesFile {
            file,
            sha256: digest::sha256(text.as_bytes()),
            judging_sha256: Some(digest::sha256(config::judging(name, text).as_bytes())),
        };
        let rules = self.rules.iter().filter(|(name, _)| *name != EXAMPLES);
        let rules = rules.map(|(name, text)| rules_file(format!("rules/{name}"), name, text));
        let job = rules_file(packet::JOB.to_owned(), packet::JOB, &self.review);
        std::iter::once(job).chain(rules).collect()
    }
}

/// A file of a review folder; where there is none, the hint says what to do.
fn text(path: &Path, gone: &'static str) -> Result<String, ReviewError> {
    let bytes = folder::check_regular(path).and_then(|()| fs::read(path));
    let bytes = bytes.map_err(|error| unreadable(path, &error, gone))?;
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
            folder::shortage(error).unwrap_or(
                "a review folder holds review.toml and plain files below rules/ that you may read",
            )
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

/// What is wrong and its remedy, as the end of a sentence.
fn in_a_sentence(error: &impl std::fmt::Display) -> String {
    error.to_string().replace("\n  hint: ", "; ")
}

/// Who holds the folder, for others to read.
fn holder(now: DateTime<Utc>) -> String {
    format!("process {}, since {}\n", std::process::id(), now.format("%F %T UTC"))
}

/// The weekly job.
pub fn run(order: &Order) -> (Notices, Result<Done, ReviewError>) {
    let mut notices = Notices::default();
    let done = weekly(order, &mut notices);
    (notices, done)
}

fn weekly(order: &Order, notices: &mut Notices) -> Result<Done, ReviewError> {
    let folder = Folder::read(&order.folder)?;
    let (config, record_link) = folder.config()?;
    let event = order.event.as_deref().map(event::read).transpose()?;
    let as_of = order.as_of.unwrap_or_else(|| order.now.with_timezone(&config.zone).date_naive());
    let as_of = AsOf::new(as_of, config.zone);
    let held: Held = folder::hold(&folder.path, &holder(order.now))?;
    let mut ledger = notices.open(&folder.path)?;
    let runs = folder.path.join("runs");
    folder::make(&runs)?;
    folder::clear_drafts(&runs)?;
    unrecorded::check_ledger(&runs, &ledger)?;
    history::check_may_be_read(&runs, ledger.entries(), as_of.day)?;

    record_dropped(&folder, &config.gate, order.now, &mut ledger, notices)?;
    let exports = folder.path.join(&config.exports);
    let surroundings = Surroundings {
        folder: &folder.path,
        environment: &order.environment,
        now: order.now,
        tell: order.tell,
    };
    let judged = judge(&config, &exports, Some(surroundings), as_of, order.threads)?;
    let started = Started { event: event.as_deref(), ledger: &ledger };
    let made = write_up(&folder, &config, record_link, &judged, started, order.threads)?;
    let home = runs.join(&made.home);
    notices.notes.extend(unrecorded::put_aside(&runs, &ledger, &made.run)?);
    let before = folder::publish(&home, &made.files())?;
    // Cron mails stderr as it does the summary.
    notices.notes.extend(made.notes.iter().map(|note| note.mailed.clone()));
    notices.notes.extend(unread(&config.files.found(&exports), &judged.inputs));
    notices.notes.extend(copied(&config, &exports));
    notices.notes.extend(config.batch.absent_words(&judged.absent_ids));
    notices.notes.extend(record_run(made.run, before, &made.home, &mut ledger)?);
    notices.notes.extend(unrecorded::unknown(&runs, &ledger));
    drop(held);
    Ok(Done { folder: home, summary: made.summary, missing: made.missing, worst: made.worst })
}

/// Records a run whose folder stood so before; what to know of it, a sentence each.
fn record_run(
    run: Run,
    before: Before,
    home: &str,
    ledger: &mut Ledger,
) -> Result<Option<String>, LedgerError> {
    // To record it once more would take back what was recorded since: whoever mends a packet means the packet.
    if before == Before::Other && ledger.runs().any(|known| run.is_again(known)) {
        return Ok(Some(format!(
            "runs/{home} was missing or altered and was put back; the ledger holds this run, so nothing was \
             recorded, and what was recorded since stands as it did"
        )));
    }
    if ledger.latest().is_some_and(|latest| run.is_again(latest)) {
        return Ok(None);
    }
    let later = ledger.later(run.as_of);
    // A packet that another followed is the latest again when it is made again.
    let note = (!later.is_empty()).then(|| {
        format!(
            "this run, as of {}, takes back {}: until it is run again on its own exports and rules, a packet \
             that was taken back counts for nothing, nor does what was decided on it",
            run.as_of,
            packets_of(&later)
        )
    });
    ledger.append(Entry::Run(run))?;
    Ok(note)
}

/// `the packets of 2026-11-16 and 2026-11-23`.
fn packets_of(days: &[NaiveDate]) -> String {
    let days: Vec<String> = days.iter().map(NaiveDate::to_string).collect();
    match days.split_last() {
        Some((last, [])) => format!("the packet of {last}"),
        Some((last, first)) => format!("the packets of {} and {last}", first.join(", ")),
        None => "no packet".to_owned(),
    }
}

/// Records what lies in the folder `decisions`, file by file. The week's packet is made whatever is
/// wrong with them.
fn record_dropped(
    folder: &Folder,
    gate: &Gate,
    now: DateTime<Utc>,
    ledger: &mut Ledger,
    notices: &mut Notices,
) -> Result<(), ReviewError> {
    let files = match folder::list(&folder.path.join("decisions")) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let what = format!("it cannot be listed: {error}");
            let remedy = folder::shortage(&error)
                .unwrap_or("`decisions` is the folder in which decisions files are dropped");
            notices.refused.push(Problems::one_with_hint("decisions", 0, what, remedy));
            return Ok(());
        }
    };
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let ends = |end: &str| file.extension().is_some_and(|it| it.eq_ignore_ascii_case(end));
        if !ends("json") && !ends("csv") {
            if !ends(decisions::SIGNATURES[0]) && !name.starts_with('.') {
                notices.notes.push(format!(
                    "decisions/{name} was not read: a decisions file ends in .json or .csv; a spreadsheet \
                     is saved as `CSV UTF-8`"
                ));
            }
            continue;
        }
        let mut desk = Desk::open(folder, gate, now, Earlier::Stands);
        match desk.take(ledger, &file) {
            Ok(()) => drop(desk.record(ledger)?),
            Err(DeskError::Refused(problems)) => notices.refused.push(problems),
            Err(DeskError::Paper(error)) => {
                let file = file.display().to_string();
                notices.refused.push(Problems::one(file, 0, error.to_string()));
            }
        }
    }
    Ok(())
}

/// The files that are named and that no check reads, one sentence each.
fn unread(files: &Files, inputs: &[Input]) -> Vec<String> {
    let named = files.0.iter().flat_map(|(object, files)| {
        files.iter().map(move |file| (*object, file.display().to_string()))
    });
    named
        .filter(|(object, file)| !inputs.iter().any(|it| it.object == *object && it.file == *file))
        .map(|(object, file)| format!("{file} was not read: no check reads a field of `{object}`"))
        .collect()
}

/// The files beside those that are read that may be newer ones of them, one sentence each.
fn copied(config: &Config, exports: &Path) -> Vec<String> {
    let copies = source::copies(exports, &config.files).into_iter();
    let words = |(file, named): (String, String)| {
        format!(
            "{file} has the columns of {named} and is not read: [source.files] of review.toml names the files"
        )
    };
    let doubtful = source::doubtful(exports, &config.files).into_iter();
    let last = |Doubtful { pattern, fits, read }: Doubtful| {
        format!(
            "`{pattern}` fits {fits} files that differ in more than a date such as 2026-11-22: {read} is read, the last by name; if that is not the newest, name the file in [source.files] of review.toml"
        )
    };
    copies.map(words).chain(doubtful.map(last)).collect()
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

/// The routing exception rate over the weeks, as a table.
pub fn trend(path: &Path) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let weeks = metrics::weeks(ledger.entries());
    let mut table = metrics::table(&weeks);
    let told: BTreeSet<NaiveDate> = weeks.iter().map(|week| week.day).collect();
    let days: BTreeSet<NaiveDate> = ledger.runs().map(|run| run.as_of).collect();
    let wrong: Vec<_> = days.difference(&told).map(NaiveDate::to_string).collect();
    if !wrong.is_empty() {
        table += &format!(
            "Packets of days that a run of an earlier day took back are left out: {}.\n",
            wrong.join(", ")
        );
    }
    Ok(table)
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
