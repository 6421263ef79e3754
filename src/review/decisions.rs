//! Decisions files: what a packet exports, or a person writes in a spreadsheet.
//!
//! Both shapes, JSON and CSV, are read into one [`Filed`], in which every decision knows its line.
//! Does not: ask whether a decision may be made; quote what it could not read.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, Utc};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use crate::check::Separator;
use crate::digest;
use crate::finding::FindingId;
use crate::folder;
use crate::gate::{Attention, Reason, Saying, VerdictKind, Via};
use crate::ledger::GENESIS;
use crate::packet::{DECISIONS as SCHEMA, visible};
use crate::policy::{Lines, Log, Problems, Said};
use crate::source::csv::{Disguise, disguise};

/// Larger files are not what a packet exports.
const MOST_BYTES: u64 = 64 << 20;
/// Longest note, in characters.
const NOTE: usize = 500;
/// Longest name or ticket, in characters.
const NAME: usize = 200;

/// A decisions file, read.
#[derive(Debug)]
pub(super) struct Filed {
    /// Its name, as problems give it.
    pub(super) name: String,
    /// Its bytes, which a signature is over.
    pub(super) bytes: Vec<u8>,
    /// Their digest.
    pub(super) digest: String,
    /// The run whose packet it decides on.
    pub(super) run: String,
    /// The digest that the packet prints of its proposals.
    pub(super) packet_digest: String,
    /// The head of the ledger that the packet prints.
    pub(super) ledger_head: String,
    /// Who decides.
    pub(super) approver: String,
    /// Who approves beside them.
    pub(super) second: Option<String>,
    /// The decisions, each with its line.
    pub(super) items: Vec<Said<Item>>,
    /// What it says of the proposals that it does not decide.
    pub(super) rest: Rest,
}

impl Filed {
    /// The digest that the packet prints of its proposals, as it stands in the ledger.
    pub(super) fn part(&self) -> &str {
        self.packet_digest.strip_prefix("sha256:").unwrap_or_default()
    }
}

/// What a file says of the proposals that stay undecided, where it says so.
#[derive(Debug)]
pub(super) struct Rest {
    /// How many there are.
    pub(super) count: Option<usize>,
    /// Their ids.
    pub(super) ids: Option<BTreeSet<String>>,
}

/// What helps where the numbers or lists of a file do not fit.
pub(super) const COUNT_ANEW: &str =
    "export it anew, or leave `counts` and `undecided` out where it is written by hand";

/// One decision, as it is said.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) finding: FindingId,
    pub(super) facts: String,
    pub(super) says: Saying,
    pub(super) attention: Attention,
    pub(super) note: Option<String>,
    pub(super) at: DateTime<Utc>,
}

/// What a reviewer decided on a packet.
///
/// In CSV, one decision a line: the columns are these keys and those of a decision, and `run`,
/// `packet_digest`, `ledger_head`, `approver` and `second_approver` are the same on every line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A decisions file of crm-review")]
struct Wire {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    schema: String,
    /// The run whose packet is decided on.
    run: String,
    /// The digest that the packet prints of its proposals: `sha256:` and `findings_sha256` of its
    /// manifest.json; a part of a packet prints that of its own lines of findings.jsonl.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    packet_digest: String,
    /// The head of the ledger that the packet prints: it tells whether the ledger was cut or rewritten.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    ledger_head: String,
    /// Who decides, as rules/approvals.toml names them.
    approver: String,
    /// Who approves beside them what is held, where the profile asks for a second person; elsewhere nobody may
    /// be named.
    #[serde(default)]
    second_approver: Option<String>,
    /// How many decisions of each kind it holds: by them a file that lost a part is known.
    #[serde(default)]
    counts: Option<Counts>,
    /// What was decided. A proposal that is not here stays undecided, and nothing changes.
    #[schemars(length(min = 1))]
    decisions: Vec<WireItem>,
    /// The proposals that stay undecided: all that the packet asks about and that are not decided here.
    #[serde(default)]
    undecided: Option<Vec<String>>,
}

/// How many decisions of each kind a file holds.
#[derive(Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Counts {
    /// Approvals.
    approve: usize,
    /// Rejections.
    reject: usize,
    /// Escalations.
    escalate: usize,
    /// Proposals that stay undecided.
    undecided: usize,
}

/// One decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WireItem {
    /// The proposal's id.
    #[schemars(regex(pattern = "^F-[0-9A-HJKMNP-TV-Z]{10}$"))]
    finding: String,
    /// The digest of its evidence, as findings.jsonl gives it.
    #[schemars(regex(pattern = "^[0-9a-f]{24}$"))]
    evidence_digest: String,
    /// What is decided.
    #[schemars(extend("enum" = VerdictKind::ALL.map(VerdictKind::word)))]
    decision: String,
    /// Whether the evidence of this one was looked at: what is held is approved no other way. It is recorded.
    #[serde(default)]
    confirmed: Option<bool>,
    /// Whether it was decided by itself or together with others; `single` if it does not say. It is recorded.
    #[serde(default)]
    #[schemars(extend("enum" = ways()))]
    via: Option<String>,
    /// Why it is rejected. `other` needs a note.
    #[serde(default)]
    #[schemars(extend("enum" = reason_codes()))]
    reason_code: Option<String>,
    /// To whom it is escalated, as rules/approvals.toml lists them. `other` needs a note.
    #[serde(default)]
    escalate_to: Option<String>,
    /// The last day for an answer; past it nothing changes. The rules' term if it does not say.
    #[serde(default)]
    #[schemars(extend("format" = "date"))]
    escalate_until: Option<String>,
    /// The change-control ticket of an approval, where the profile asks for one.
    #[serde(default)]
    ticket: Option<String>,
    /// A note, at most 500 characters.
    #[serde(default)]
    note: Option<String>,
    /// When it was decided, in UTC: `2026-11-23T10:42:00Z`.
    #[schemars(extend("format" = "date-time"))]
    decided_at: String,
}

impl Wire {
    /// True where two rows decide on the same packet as the same people.
    fn is_beside(&self, other: &Self) -> bool {
        self.run == other.run
            && self.packet_digest == other.packet_digest
            && self.ledger_head == other.ledger_head
            && self.approver == other.approver
            && self.second_approver == other.second_approver
    }
}

fn reason_codes() -> Vec<Option<&'static str>> {
    Reason::ALL.into_iter().map(|reason| Some(reason.word())).chain([None]).collect()
}

fn ways() -> Vec<Option<&'static str>> {
    Via::ALL.into_iter().map(|via| Some(via.word())).chain([None]).collect()
}

/// The JSON Schema of a decisions file.
pub(super) fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12();
    settings.into_generator().into_root_schema_for::<Wire>()
}

/// The head of a ledger as a spreadsheet leaves it: of nothing but zeros it makes the number 0.
fn head(cell: String) -> String {
    let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte == b'0');
    if is_number { GENESIS.to_owned() } else { cell }
}

/// Reads a decisions file. Every problem is told with its line.
pub(super) fn read(path: &Path) -> Result<Filed, Problems> {
    let name = path.display().to_string();
    let log = Log::default();
    let bytes = bytes_of(path, &name)?;
    // A workbook may have the name of a CSV file.
    if let Some(disguise) = disguise(&bytes).filter(|it| *it != Disguise::Json) {
        let remedy = match disguise {
            Disguise::Zip | Disguise::Ole => "in the spreadsheet, save it as `CSV UTF-8`",
            Disguise::Html => "hand in the file that `Export` in the packet writes, not the page",
            Disguise::Empty
            | Disguise::NotAFile
            | Disguise::Json
            | Disguise::Gzip
            | Disguise::Pdf => NAME_A_FILE,
        };
        return Err(Problems::one_with_hint(&name, 0, format!("it {disguise}"), remedy));
    }
    let is_json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let is_json = is_json.trim_ascii_start().starts_with(b"{");
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line =
            bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        let remedy = if is_json {
            "export it anew, or save it as UTF-8"
        } else {
            "save it as UTF-8: in Excel, as `CSV UTF-8`"
        };
        Problems::one_with_hint(&name, line, "it is not UTF-8 text", remedy)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader { name: &name, log: &log };
    let wire = if is_json { reader.json(text) } else { reader.csv(text) };
    let whole = wire.map(|(wire, lines)| reader.filed(wire, &lines, &bytes));
    // Without a file there is at least one problem in the log.
    log.finish(whole)?.ok_or_else(Problems::default)
}

/// What helps where a path leads to no decisions file.
const NAME_A_FILE: &str = "name a decisions file, JSON or CSV";

fn bytes_of(path: &Path, name: &str) -> Result<Vec<u8>, Problems> {
    let mut bytes = Vec::new();
    let file = folder::check_regular(path).and_then(|()| File::open(path));
    let read = file.and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    let size = read.map_err(|error| {
        let remedy = if error.kind() == io::ErrorKind::NotFound {
            NAME_A_FILE
        } else if error.kind() == io::ErrorKind::IsADirectory {
            "hand in a decisions file, JSON or CSV: what lies in a folder of that name is not read"
        } else {
            folder::shortage(&error).unwrap_or("see that the user who runs crm-review can read it")
        };
        Problems::one_with_hint(name, 0, error.to_string(), remedy)
    })?;
    if size as u64 > MOST_BYTES {
        let what = "it is larger than any packet's decisions";
        return Err(Problems::one_with_hint(name, 0, what, NAME_A_FILE));
    }
    Ok(bytes)
}

/// The signature of the approver beside a decisions file, and that of the second one.
pub(super) const SIGNATURES: [&str; 2] = ["minisig", "second.minisig"];

/// The text of a signature that lies beside a decisions file, under its name and this ending.
pub(super) fn signature(file: &Path, ending: &str) -> Option<String> {
    const LONGEST: u64 = 4096;
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    let mut text = String::new();
    folder::check_regular(Path::new(&name))
        .and_then(|()| File::open(&name))
        .ok()?
        .take(LONGEST)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

struct Reader<'a> {
    name: &'a str,
    log: &'a Log,
}

impl Reader<'_> {
    fn problem(&self, line: usize, what: impl Into<String>, remedy: impl Into<String>) {
        self.log.note(self.name, line, what, Some(remedy.into()));
    }

    fn no_decision(&self) {
        self.problem(0, "it holds no decision", "a file without a decision is not needed");
    }

    fn json(&self, text: &str) -> Option<(Wire, Vec<usize>)> {
        match serde_json::from_str(text) {
            Ok(wire) => Some((wire, lines_of_decisions(text))),
            // What the parser says quotes the file.
            Err(error) => {
                let what = match error.classify() {
                    serde_json::error::Category::Syntax => "it is not valid JSON",
                    serde_json::error::Category::Eof => "it ends too early",
                    serde_json::error::Category::Data | serde_json::error::Category::Io => {
                        "a key is missing, unknown, or not of its type"
                    }
                };
                self.problem(
                    error.line(),
                    format!("{what} (column {})", error.column()),
                    "export the file anew, or hold it against `crm-review schema decisions`",
                );
                None
            }
        }
    }

    fn csv(&self, text: &str) -> Option<(Wire, Vec<usize>)> {
        let Separator { delimiter, is_declared } = Separator::of(text);
        // The line in which a spreadsheet declares it is no row.
        let begins =
            if is_declared { text.find('\n').map_or(text.len(), |end| end + 1) } else { 0 };
        let rows = text.as_bytes().get(begins..).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(rows);
        let header: Vec<String> = reader
            .headers()
            .map(|header| header.iter().map(|name| name.trim().to_owned()).collect())
            .unwrap_or_default();
        let places = Lines::of(text);
        self.check_header(&header, places.at(begins))?;
        let line_of = |position: Option<&csv::Position>| {
            places.of_record(begins as u64 + position.map_or(0, csv::Position::byte))
        };
        let mut whole: Option<Wire> = None;
        let mut lines = Vec::new();
        for row in reader.records() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    self.problem(
                        line_of(error.position()),
                        "the row has more or fewer cells than the header",
                        "export the file anew",
                    );
                    return None;
                }
            };
            let line = line_of(row.position());
            // Spreadsheets write the separators of rows in which nothing stands.
            if row.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let next = self.row(&header, &row, line);
            match &mut whole {
                None => whole = Some(next),
                Some(wire) if wire.is_beside(&next) => wire.decisions.extend(next.decisions),
                Some(_) => {
                    self.problem(
                        line,
                        "the row names another packet or approver than the first row",
                        "a file holds what one person decided on one packet: split it",
                    );
                    continue;
                }
            }
            // Of the decisions that are kept, and of no others.
            lines.push(line);
        }
        if whole.is_none() {
            self.no_decision();
        }
        whole.map(|wire| (wire, lines))
    }

    fn check_header(&self, header: &[String], line: usize) -> Option<()> {
        let absent: Vec<_> = CSV_REQUIRED
            .iter()
            .filter(|name| !header.iter().any(|column| column == *name))
            .copied()
            .collect();
        let is_ours = |name: &&String| CSV_COLUMNS.contains(&name.as_str());
        let other = header.iter().enumerate().find(|(_, name)| !is_ours(name));
        let what = if !header.iter().any(|name| is_ours(&name)) {
            // It may hold anything, and is not quoted.
            "the row names no column of a decisions file, where the header should be".to_owned()
        } else if let Some((at, name)) = other {
            let named = !name.is_empty();
            let named = if named { format!(", `{}`,", visible(name)) } else { String::new() };
            format!("column {}{named} is not one of a decisions file", at + 1)
        } else if header.iter().collect::<BTreeSet<_>>().len() < header.len() {
            "a column stands there twice".to_owned()
        } else if absent.is_empty() {
            return Some(());
        } else {
            format!("there is no column {}", absent.join(", "))
        };
        let remedy = format!(
            "its columns are {}; of a spreadsheet, save the sheet with these names in its first row as \
             `CSV UTF-8`",
            CSV_COLUMNS.join(", ")
        );
        self.problem(line, what, remedy);
        None
    }

    /// A row as a file of one decision.
    fn row(&self, header: &[String], row: &csv::StringRecord, line: usize) -> Wire {
        let cell = |name: &str| {
            let at = header.iter().position(|column| column == name)?;
            let cell = unguarded(row.get(at)?.trim()).trim();
            Some(cell).filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        // Spreadsheets and people begin words with a capital.
        let word = |name: &str| cell(name).map(|word| word.to_lowercase());
        let said = |name: &str| cell(name).unwrap_or_default();
        let confirmed = match word("confirmed").as_deref() {
            None => None,
            Some(word) if TRUE.contains(&word) => Some(true),
            Some(word) if FALSE.contains(&word) => Some(false),
            Some(_) => {
                let what = "`confirmed` is neither true nor false";
                self.problem(line, what, "write true, or nothing");
                None
            }
        };
        Wire {
            schema: SCHEMA.to_owned(),
            run: said("run"),
            packet_digest: said("packet_digest"),
            ledger_head: head(said("ledger_head")),
            approver: said("approver"),
            second_approver: cell("second_approver"),
            counts: None,
            undecided: None,
            decisions: vec![WireItem {
                finding: said("finding"),
                evidence_digest: said("evidence_digest"),
                decision: word("decision").unwrap_or_default(),
                confirmed,
                via: word("via"),
                reason_code: word("reason_code"),
                escalate_to: cell("escalate_to"),
                escalate_until: cell("escalate_until"),
                ticket: cell("ticket"),
                note: cell("note"),
                decided_at: said("decided_at"),
            }],
        }
    }

    fn filed(&self, wire: Wire, lines: &[usize], bytes: &[u8]) -> Filed {
        if wire.schema != SCHEMA {
            self.problem(
                0,
                "it is of another version of the format",
                format!("this program reads `{SCHEMA}`"),
            );
        }
        for (what, name) in
            [("approver", Some(&wire.approver)), ("second approver", wire.second_approver.as_ref())]
        {
            if name.is_some_and(|name| name.chars().count() > NAME) {
                self.problem(0, format!("the {what}'s name is too long"), "write the name alone");
            }
        }
        self.check_counts(&wire);
        if wire.decisions.is_empty() {
            self.no_decision();
        }
        let rest = Rest {
            count: wire.counts.as_ref().map(|counts| counts.undecided),
            ids: wire.undecided.map(BTreeSet::from_iter),
        };
        let items = wire
            .decisions
            .into_iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let line = lines.get(at).copied().unwrap_or_default();
                self.item(item, line).map(|value| Said { value, line })
            })
            .collect();
        Filed {
            name: self.name.to_owned(),
            bytes: bytes.to_owned(),
            digest: digest::sha256(bytes),
            run: wire.run,
            packet_digest: wire.packet_digest,
            ledger_head: wire.ledger_head,
            approver: wire.approver,
            second: wire.second_approver,
            items,
            rest,
        }
    }

    /// A file that counts its decisions holds as many, and none of them on what it calls undecided.
    fn check_counts(&self, wire: &Wire) {
        let of = |kind: VerdictKind| {
            wire.decisions.iter().filter(|item| item.decision == kind.word()).count()
        };
        let undecided = wire.undecided.as_deref().unwrap_or_default();
        let is_whole = wire.counts.as_ref().is_none_or(|counts| {
            let [approve, reject, escalate] = VerdictKind::ALL.map(of);
            let rest = wire.undecided.as_ref().map_or(counts.undecided, Vec::len);
            *counts == Counts { approve, reject, escalate, undecided: rest }
        });
        let decided: BTreeSet<&str> = wire.decisions.iter().map(|item| &*item.finding).collect();
        let what = if !is_whole {
            "its `counts` are not those of its decisions"
        } else if undecided.iter().any(|id| decided.contains(&**id)) {
            "it decides on a proposal that it calls undecided"
        } else {
            return;
        };
        self.problem(0, what, COUNT_ANEW);
    }

    fn item(&self, item: WireItem, line: usize) -> Option<Item> {
        let finding = FindingId::parse(&item.finding);
        if finding.is_none() {
            self.problem(line, "`finding` is not the id of a proposal", "an id reads F-7Q2M9K4D1V");
        }
        let says = self.saying(&item, line);
        let via = item.via.as_deref().map_or(Some(Via::Single), Via::parse);
        if via.is_none() {
            self.problem(line, "`via` is neither single nor bulk", "write one of them");
        }
        if item.note.as_ref().is_some_and(|note| note.chars().count() > NOTE) {
            self.problem(line, format!("the note is longer than {NOTE} characters"), "shorten it");
        }
        let at = item.decided_at.parse::<DateTime<Utc>>().ok();
        if at.is_none() {
            self.problem(
                line,
                "`decided_at` is not a time",
                "write it in UTC, like 2026-11-23T10:42:00Z",
            );
        }
        Some(Item {
            finding: finding?,
            facts: item.evidence_digest,
            says: says?,
            attention: Attention { via: via?, confirmed: item.confirmed == Some(true) },
            note: item.note,
            at: at?.trunc_subsecs(0),
        })
    }

    fn saying(&self, item: &WireItem, line: usize) -> Option<Saying> {
        let WireItem { reason_code, escalate_to, escalate_until, ticket, .. } = item;
        let Some(kind) = VerdictKind::parse(&item.decision) else {
            self.problem(line, "`decision` is not one of the three", "approve, reject or escalate");
            return None;
        };
        let stray = |what: &str| {
            self.problem(
                line,
                format!("it is to {} and names {what}", item.decision),
                "say one thing: a ticket belongs to an approval, a reason to a rejection, a person and a day to an escalation",
            );
        };
        for (given, what, of) in [
            (ticket.is_some(), "a ticket", VerdictKind::Approve),
            (reason_code.is_some(), "a reason", VerdictKind::Reject),
            (
                escalate_to.is_some() || escalate_until.is_some(),
                "an escalation",
                VerdictKind::Escalate,
            ),
        ] {
            if given && kind != of {
                stray(what);
            }
        }
        match kind {
            VerdictKind::Approve => {
                if ticket.as_ref().is_some_and(|ticket| ticket.chars().count() > NAME) {
                    self.problem(line, "the ticket's id is too long", "write the id alone");
                }
                Some(Saying::Approve { ticket: ticket.clone() })
            }
            VerdictKind::Reject => {
                let reason = reason_code.as_deref().and_then(Reason::parse);
                if reason.is_none() {
                    self.problem(
                        line,
                        "it is rejected without a reason of the list",
                        format!("one of {}", Reason::ALL.map(Reason::word).join(", ")),
                    );
                }
                reason.map(Saying::Reject)
            }
            VerdictKind::Escalate => {
                let until = match escalate_until.as_deref().map(day) {
                    None => None,
                    Some(Some(day)) => Some(day),
                    Some(None) => {
                        self.problem(
                            line,
                            "`escalate_until` is not a day like 2026-12-07",
                            "a spreadsheet writes days in its own way: hand in the JSON that the packet exports, or format the column as text, write the day into it again and save",
                        );
                        return None;
                    }
                };
                let Some(to) = escalate_to.clone() else {
                    self.problem(line, "it is escalated to nobody", "name whom in `escalate_to`");
                    return None;
                };
                Some(Saying::Escalate { to, until })
            }
        }
    }
}

/// What spreadsheets make of `true`, by the language in which they are shown.
const TRUE: [&str; 7] = ["true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar"];

/// And of `false`.
const FALSE: [&str; 5] = ["false", "falsch", "faux", "falso", "onwaar"];

const CSV_COLUMNS: [&str; 16] = [
    "run",
    "packet_digest",
    "ledger_head",
    "finding",
    "evidence_digest",
    "decision",
    "confirmed",
    "via",
    "reason_code",
    "escalate_to",
    "escalate_until",
    "ticket",
    "note",
    "decided_at",
    "approver",
    "second_approver",
];

const CSV_REQUIRED: [&str; 8] = [
    "run",
    "packet_digest",
    "ledger_head",
    "finding",
    "evidence_digest",
    "decision",
    "decided_at",
    "approver",
];

/// A day as a decisions file writes it.
fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok().filter(|day: &NaiveDate| (1900..=2300).contains(&day.year()))
}

/// A cell without the apostrophe that keeps a spreadsheet from taking it for a formula.
fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .filter(|rest| rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']))
        .unwrap_or(cell)
}

/// The line on which each decision of a valid file begins.
fn lines_of_decisions(json: &str) -> Vec<usize> {
    let (mut line, mut depth, mut in_text, mut escaped) = (1, 0_usize, false, false);
    let (mut text, mut key) = (String::new(), String::new());
    let mut lines = Vec::new();
    for letter in json.chars() {
        if letter == '\n' {
            line += 1;
        }
        if in_text {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                letter => text.push(letter),
            }
            continue;
        }
        match letter {
            '"' => {
                in_text = true;
                text.clear();
            }
            ':' if depth == 1 => key.clone_from(&text),
            '{' | '[' => {
                if letter == '{' && depth == 2 && key == "decisions" {
                    lines.push(line);
                }
                depth += 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_knows_its_line_whatever_stands_in_texts() {
        let json = "{\"run\": \"{[\\\"\",\n \"decisions\": [\n  {\"note\": \"}]\\\\\"},\n\n  {\"note\": \"\"}\n ],\n \"x\": [{}]}";
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok());
        assert_eq!(lines_of_decisions(json), [3, 5]);
    }

    #[test]
    fn only_the_guard_of_a_formula_is_taken_off() {
        for (cell, expect) in
            [("'=1+1", "=1+1"), ("'-1", "-1"), ("'tis", "'tis"), ("''=", "'="), ("", "")]
        {
            assert_eq!(unguarded(cell), expect);
        }
    }
}
