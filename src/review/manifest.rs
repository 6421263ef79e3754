//! `manifest.json`: what went into a run and what came out, and how to repeat it.
//!
//! Does not: hold a value of a record.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::boundary::{Field, Object};
use crate::check::{By, Groups, NotLooked, Outcome};
use crate::config::Config;
use crate::digest;
use crate::ledger::Run;
use crate::packet::{Completeness, Review};
use crate::source::{Files, Origin, csv};

use super::cut::Loss;
use super::judged::Judged;
use super::paper::PaperError;

/// One digest over everything that decides a run's outcome.
pub(super) fn inputs_digest(judged: &Judged, rules: &[RulesFile], event: Option<&str>) -> String {
    let mut parts = vec![super::PROGRAM.to_owned(), judged.as_of.day.to_string()];
    parts.extend(rules.iter().map(|rules| format!("{} {}", rules.file, rules.sha256)));
    parts.extend(event.map(|event| format!("event {event}")));
    parts
        .extend(judged.inputs.iter().map(|input| format!("{} {}", input.file, input.tally.sha256)));
    digest::sha256(parts.join("\n").as_bytes())
}

/// One digest over what decides how records are judged: when it changes, trends break.
pub(super) fn definition_digest(rules: &[RulesFile]) -> String {
    let parts: Vec<_> =
        rules.iter().map(|rules| format!("{} {}", rules.file, rules.judging())).collect();
    digest::sha256(parts.join("\n").as_bytes())
}

/// What the file is called.
pub(super) const NAME: &str = "manifest.json";

/// The version of the format.
const SCHEMA: &str = "crm-review/manifest/1";

/// A digest in hex.
const SHA256: &str = "^[0-9a-f]{64}$";

/// What went into a run, what came out, and how to repeat it. It holds no value of a record.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "crm-review's manifest.json")]
struct Manifest<'a> {
    /// The version of this format; it counts up when a key changes its meaning or goes away.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The run's id: its day and the beginning of the digest of its inputs.
    run: &'a str,
    /// Whose CRM.
    organisation: &'a str,
    /// The program and its version.
    program: &'a str,
    /// The day of the review.
    #[schemars(extend("format" = "date"))]
    as_of: String,
    /// The review's time zone, by its IANA name.
    time_zone: &'a str,
    /// The event that it answers, in words, where it is not the scheduled run.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    /// The command that makes the same packet from the same inputs and rules.
    repeat_with: &'a str,
    /// Whether the packet is complete.
    complete: bool,
    /// What keeps the packet from being complete.
    missing: &'a [String],
    /// Which records were under review, in words.
    batch: &'a str,
    /// Who decides.
    approver: &'a str,
    /// Who decides when the approver is away.
    backup: Option<&'a str>,
    /// One digest over everything that decides the run's outcome.
    #[schemars(regex(pattern = SHA256))]
    inputs_sha256: &'a str,
    /// One digest over what decides how records are judged: when it changes, trends break.
    #[schemars(regex(pattern = SHA256))]
    definition_sha256: &'a str,
    /// Of packet.html.
    #[schemars(regex(pattern = SHA256))]
    packet_sha256: &'a str,
    /// Of findings.jsonl.
    #[schemars(regex(pattern = SHA256))]
    findings_sha256: &'a str,
    /// Of history.jsonl: what this run and those before it saw.
    #[schemars(regex(pattern = SHA256))]
    history_sha256: &'a str,
    /// The ledger as it stood before the run.
    ledger: LedgerBefore<'a>,
    /// How many records were admitted and reviewed, by table.
    records: BTreeMap<&'static str, Records>,
    /// How many records under review each group has, of groups of at least five.
    groups: Vec<GroupLine<'a>>,
    /// The inputs.
    inputs: Vec<InputFile<'a>>,
    /// The files that say how to judge.
    rules: &'a [RulesFile],
    /// Every check and how it ended.
    checks: Vec<CheckLine<'a>>,
}

/// The ledger before a run.
#[derive(Serialize, JsonSchema)]
struct LedgerBefore<'a> {
    /// How many entries it had.
    length: u64,
    /// The hash of the last of them.
    head: &'a str,
}

/// How many records of a table there were.
#[derive(Serialize, JsonSchema)]
struct Records {
    /// Admitted by the boundary.
    admitted: usize,
    /// Of these, under review; the others served as reference.
    under_review: usize,
    /// The last run that had the table whole, where it looks cut now.
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<WholeTable>,
}

/// A table as a run had it whole.
#[derive(Serialize, JsonSchema)]
struct WholeTable {
    /// The day of that run.
    #[schemars(extend("format" = "date"))]
    as_of: String,
    /// How many records it admitted.
    admitted: u64,
}

/// Records under review that have something in common.
#[derive(Serialize, JsonSchema)]
struct GroupLine<'a> {
    /// The table.
    #[schemars(extend("enum" = Object::REVIEWED.map(Object::key)))]
    object: &'static str,
    /// By what they are grouped.
    #[schemars(extend("enum" = By::ALL.map(By::word)))]
    by: &'static str,
    /// What they have in common.
    value: &'a str,
    /// How many there are.
    under_review: u64,
}

/// One input.
#[derive(Serialize, JsonSchema)]
struct InputFile<'a> {
    /// Its name below the folder of the exports.
    file: &'a str,
    /// The table it holds.
    #[schemars(extend("enum" = Object::ALL.map(Object::key)))]
    object: &'static str,
    /// Its digest.
    #[schemars(regex(pattern = SHA256))]
    sha256: &'a str,
    /// Its size.
    bytes: u64,
    /// The encoding it was read in.
    encoding: &'a str,
    /// Whether that was told from its bytes alone.
    encoding_guessed: bool,
    /// What stands between the cells of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    /// How a table of a CRM was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<AskedOf<'a>>,
    /// Rows met.
    rows_read: u64,
    /// Rows that became records.
    rows_admitted: usize,
    /// Rows that are no records of the review, by the reason: the CRM marks them as deleted, or they are to
    /// be excluded from it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rows_left_out: BTreeMap<&'static str, usize>,
    /// Rows that could not be read without guessing.
    rows_set_aside: u64,
    /// Lines without anything in them.
    blank_lines: u64,
    /// Lines of a footer.
    footer_lines: u64,
    /// The columns that were read, by field.
    columns_admitted: BTreeMap<&'a str, &'a str>,
    /// Columns whose name is blocked.
    columns_blocked: &'a [String],
    /// Columns that the boundary does not list.
    columns_unlisted: &'a [String],
    /// Columns that are listed and that no check reads.
    columns_unread: &'a [String],
    /// Fields that are read and that the input has no column for.
    fields_absent: Vec<&'a str>,
    /// Of these, those that it had a column for in an earlier run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields_lost: BTreeMap<&'a str, LostField<'a>>,
    /// Values that looked like secrets and were not copied.
    values_withheld: usize,
    /// How dates were read, by column.
    date_orders: BTreeMap<&'a str, String>,
    /// How numbers such as 1.200 were read, by column: which mark stands before decimals.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    decimal_marks: BTreeMap<&'a str, String>,
}

/// A field that an input has no column for any more.
#[derive(Serialize, JsonSchema)]
struct LostField<'a> {
    /// The day of the last run that had it.
    #[schemars(extend("format" = "date"))]
    as_of: String,
    /// The column that held it.
    column: &'a str,
}

/// How a table of a CRM was asked for.
#[derive(Serialize, JsonSchema)]
struct AskedOf<'a> {
    /// How, in words.
    way: &'a str,
    /// Records made before this instant were asked for.
    #[schemars(extend("format" = "date-time"))]
    before: String,
    /// How many the CRM says there are, where it can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<u64>,
}

/// A file that says how to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct RulesFile {
    /// Its name in the review folder.
    pub(super) file: String,
    /// Its digest.
    #[schemars(regex(pattern = SHA256))]
    pub(super) sha256: String,
    /// The digest of what of it decides how records are judged, where that is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = SHA256))]
    pub(super) judging_sha256: Option<String>,
}

impl RulesFile {
    /// The digest of what of it decides how records are judged.
    pub(super) fn judging(&self) -> &str {
        self.judging_sha256.as_ref().unwrap_or(&self.sha256)
    }
}

/// A check and how it ended.
#[derive(Serialize, JsonSchema)]
struct CheckLine<'a> {
    /// Its code.
    rule: &'static str,
    /// Whether it looked.
    #[schemars(extend("enum" = ["ran", "not applicable", "broken"]))]
    state: &'static str,
    /// The fields it asked for.
    reads: Vec<String>,
    /// How many records it looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    examined: Option<usize>,
    /// How many findings it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<usize>,
    /// Why it did not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What it could not look at, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_looked: Vec<&'a str>,
    /// What it had to do for it, such as the pairs of records that it compared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    measures: BTreeMap<&'a str, u64>,
}

/// The JSON Schema of a manifest.
pub(super) fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Manifest<'_>>()
}

/// What of a manifest is read back.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    /// The run's id.
    pub(super) run: String,
    /// The program that made it.
    pub(super) program: String,
    /// What kept its packet from being complete.
    #[serde(default)]
    pub(super) missing: Vec<String>,
    /// The ledger before the run.
    pub(super) ledger: KeptLedger,
    /// What went in.
    pub(super) inputs: Vec<KeptInput>,
    /// What said how to judge.
    pub(super) rules: Vec<RulesFile>,
    /// How many records there were, by table.
    #[serde(default)]
    pub(super) records: BTreeMap<String, KeptRecords>,
    /// How many were in each group.
    #[serde(default)]
    pub(super) groups: Vec<KeptGroup>,
    /// What each check asked for.
    #[serde(default)]
    pub(super) checks: Vec<KeptCheck>,
}

/// A check as a manifest names it.
#[derive(Debug, Deserialize)]
pub(super) struct KeptCheck {
    /// Its code.
    pub(super) rule: String,
    /// The fields it asked for.
    pub(super) reads: Vec<String>,
}

/// How many records of a table a manifest names.
#[derive(Debug, Deserialize)]
pub(super) struct KeptRecords {
    pub(super) admitted: u64,
    pub(super) under_review: u64,
    pub(super) whole: Option<KeptWhole>,
}

/// A table as a run had it whole, as a later manifest names it.
#[derive(Debug, Deserialize)]
pub(super) struct KeptWhole {
    pub(super) as_of: String,
    pub(super) admitted: u64,
}

/// A group of records as a manifest names it.
#[derive(Debug, Deserialize)]
pub(super) struct KeptGroup {
    pub(super) object: String,
    pub(super) by: String,
    pub(super) value: String,
    pub(super) under_review: u64,
}

/// The ledger before a run, as its manifest names it.
#[derive(Debug, Deserialize)]
pub(super) struct KeptLedger {
    /// How many entries it had.
    pub(super) length: u64,
    /// The hash of the last of them.
    pub(super) head: String,
}

/// The digests of the exports that a command looked at: runs read the same files, and each is read once for
/// all of them.
#[derive(Debug, Default)]
pub(super) struct Digests(BTreeMap<PathBuf, Option<String>>);

impl Digests {
    /// True where a file is what a run read. One of another size is not opened.
    fn are_of(&mut self, file: &Path, input: &KeptInput) -> bool {
        let is_as_long = |bytes: u64| fs::metadata(file).is_ok_and(|there| there.len() == bytes);
        input.bytes.is_none_or(is_as_long) && self.of(file) == Some(&input.sha256)
    }

    fn of(&mut self, file: &Path) -> Option<&String> {
        let digest = || csv::digest(file).ok().map(|(_, sha256)| sha256);
        self.0.entry(file.to_owned()).or_insert_with(digest).as_ref()
    }
}

/// An input as a manifest names it.
#[derive(Debug, Deserialize)]
pub(super) struct KeptInput {
    /// Its name below the folder of the exports.
    pub(super) file: String,
    /// The table it held.
    pub(super) object: String,
    /// Its digest.
    sha256: String,
    /// Its size, where the manifest says it.
    bytes: Option<u64>,
    /// The columns that were read, by field.
    #[serde(default)]
    columns_admitted: BTreeMap<String, String>,
    /// The fields it had no column for any more.
    #[serde(default)]
    fields_lost: BTreeMap<String, KeptField>,
}

/// A field that an input had no column for any more.
#[derive(Debug, Deserialize)]
struct KeptField {
    as_of: String,
    column: String,
}

impl KeptInput {
    /// The day of the last run that had a column for a field, and its name; `run` is the day of this one.
    pub(super) fn had(&self, field: &str, run: NaiveDate) -> Option<(NaiveDate, &str)> {
        if let Some(column) = self.columns_admitted.get(field) {
            return Some((run, column));
        }
        let lost = self.fields_lost.get(field)?;
        Some((lost.as_of.parse().ok()?, &lost.column))
    }
}

impl Kept {
    /// The day that the run judged, with which its id begins.
    pub(super) fn day(&self) -> Option<NaiveDate> {
        self.run.get(.."2026-11-22".len())?.parse().ok()
    }

    /// Where the run's inputs still are, byte for byte: in the folder of the exports, or in a folder right
    /// below it, such as `exports/2026-03-02`.
    ///
    /// # Errors
    /// Says of an input that is in neither what became of it.
    pub(super) fn exports(&self, folder: &Path, known: &mut Digests) -> Result<PathBuf, String> {
        let mut is_here =
            |home: &Path, input: &KeptInput| known.are_of(&home.join(&input.file), input);
        let Some(gone) = self.inputs.iter().find(|input| !is_here(folder, input)) else {
            return Ok(folder.to_owned());
        };
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut below: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
        below.sort();
        let kept = |home: &PathBuf| self.inputs.iter().all(|input| is_here(home, input));
        below.into_iter().find(kept).ok_or_else(|| {
            let became = match fs::metadata(folder.join(&gone.file)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => "is not there any more",
                Ok(_) | Err(_) => "has changed since",
            };
            format!("{} {became}", gone.file)
        })
    }

    /// The files that the run read, where a name with `*` now may stand for a later one.
    pub(super) fn files(&self, named: &Files) -> Files {
        let inputs = |object: Object| {
            let of = self.inputs.iter().filter(move |input| input.object == object.key());
            of.map(|input| PathBuf::from(&input.file)).collect::<Vec<_>>()
        };
        let each = named.0.iter().map(|(object, names)| {
            let table = Files(BTreeMap::from([(*object, names.clone())]));
            table.among(&inputs(*object)).0
        });
        Files(each.flatten().collect())
    }
}

impl Kept {
    /// The records that were under review and their groups; of no record is it said which it is in.
    pub(super) fn groups(&self) -> Groups {
        let table = |(name, records): (&String, &KeptRecords)| {
            Some((Object::parse(name)?, records.under_review))
        };
        let group = |it: &KeptGroup| {
            let key = (Object::parse(&it.object)?, By::parse(&it.by)?, it.value.clone());
            Some((key, it.under_review))
        };
        Groups {
            tables: self.records.iter().filter_map(table).collect(),
            sizes: self.groups.iter().filter_map(group).collect(),
            of: BTreeMap::new(),
        }
    }
}

/// The manifest that lies in a folder, where one does.
pub(super) fn read(folder: &Path) -> Result<Option<Kept>, PaperError> {
    let path = folder.join(NAME);
    let name = || path.display().to_string();
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|_| PaperError::Altered { path: name() }),
        Err(error) if is_absent(&error) => Ok(None),
        Err(what) => Err(PaperError::Disk { path: name(), what }),
    }
}

/// The same where it can be read.
pub(super) fn kept(folder: &Path) -> Option<Kept> {
    read(folder).ok().flatten()
}

/// True where a folder is, or may be, that of another run than this: a manifest that cannot be read
/// names some run.
pub(super) fn is_of_another(folder: &Path, run: &str) -> bool {
    match fs::symlink_metadata(folder.join(NAME)) {
        Err(error) => !is_absent(&error),
        Ok(_) => kept(folder).is_none_or(|there| there.run != run),
    }
}

/// True where a file is not there; one that may not be read may be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The manifest as text, pretty enough to read.
pub(super) fn text(
    config: &Config,
    judged: &Judged,
    rules: &[RulesFile],
    run: &Run,
    review: &Review<'_>,
    loss: &Loss,
) -> serde_json::Result<String> {
    let manifest = Manifest {
        schema: SCHEMA,
        run: &run.id,
        organisation: &config.organisation,
        program: review.program,
        as_of: run.as_of.to_string(),
        time_zone: config.zone.name(),
        event: review.event,
        repeat_with: review.command,
        complete: run.complete,
        missing: match &review.complete {
            Completeness::Complete => &[],
            Completeness::Incomplete(what) => what,
        },
        batch: review.batch,
        approver: config.gate.approver(),
        backup: config.gate.backup(),
        inputs_sha256: &run.inputs,
        definition_sha256: &run.definition,
        packet_sha256: &run.packet,
        findings_sha256: &run.proposals,
        history_sha256: &run.history,
        ledger: LedgerBefore { length: review.ledger_len, head: review.ledger_head },
        records: judged
            .counts
            .iter()
            .map(|count| {
                let cut = loss.tables.iter().find(|cut| cut.object == count.object);
                let records = Records {
                    admitted: count.admitted,
                    under_review: count.reviewed,
                    whole: cut.map(|cut| WholeTable {
                        as_of: cut.whole_on.to_string(),
                        admitted: cut.whole,
                    }),
                };
                (count.object.key(), records)
            })
            .collect(),
        groups: judged
            .groups
            .sizes
            .iter()
            .map(|((object, by, value), count)| GroupLine {
                object: object.key(),
                by: by.word(),
                value,
                under_review: *count,
            })
            .collect(),
        inputs: input_files(judged, loss),
        rules,
        checks: check_lines(judged),
    };
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}

fn input_files<'j>(judged: &'j Judged, loss: &'j Loss) -> Vec<InputFile<'j>> {
    judged
        .inputs
        .iter()
        .zip(&judged.admissions)
        .map(|(input, admission)| InputFile {
            file: &input.file,
            object: input.object.key(),
            sha256: &input.tally.sha256,
            bytes: input.tally.bytes,
            encoding: &input.tally.encoding.name,
            encoding_guessed: input.tally.encoding.guessed,
            delimiter: match &input.origin {
                Origin::Export { dialect, .. } => Some(char::from(dialect.delimiter).to_string()),
                Origin::Crm(_) => None,
            },
            asked: match &input.origin {
                Origin::Export { .. } => None,
                Origin::Crm(asked) => Some(AskedOf {
                    way: &asked.way,
                    before: asked.before.to_rfc3339(),
                    counted: asked.counted,
                }),
            },
            rows_read: input.tally.rows_read,
            rows_admitted: admission.rows,
            rows_left_out: admission.outside.iter().map(|(why, n)| (why.word(), *n)).collect(),
            rows_set_aside: input.set_aside(admission),
            blank_lines: input.tally.blank,
            footer_lines: input.tally.footer,
            columns_admitted: admission
                .columns
                .iter()
                .map(|(field, column)| (field.name(), column.as_str()))
                .collect(),
            columns_blocked: &admission.blocked,
            columns_unlisted: &admission.unlisted,
            columns_unread: &admission.unread,
            fields_absent: admission.absent.iter().map(Field::name).collect(),
            fields_lost: loss
                .columns
                .iter()
                .filter(|lost| lost.file == input.file && lost.field.object() == input.object)
                .map(|lost| {
                    let (as_of, column) = (lost.had_on.to_string(), lost.column.as_str());
                    (lost.field.name(), LostField { as_of, column })
                })
                .collect(),
            values_withheld: admission.withheld.len(),
            date_orders: admission.orders_told().collect(),
            decimal_marks: admission.marks_told().collect(),
        })
        .collect()
}

fn check_lines(judged: &Judged) -> Vec<CheckLine<'_>> {
    judged
        .reports
        .iter()
        .map(|report| {
            let line = CheckLine {
                rule: report.check.code,
                state: "ran",
                reads: report.reads.iter().map(ToString::to_string).collect(),
                examined: None,
                findings: None,
                why: None,
                not_looked: Vec::new(),
                measures: BTreeMap::new(),
            };
            match &report.outcome {
                Outcome::Ran(judgement) => CheckLine {
                    examined: Some(judgement.examined),
                    findings: Some(judgement.findings.len()),
                    not_looked: judgement.not_looked.iter().map(NotLooked::words).collect(),
                    measures: judgement
                        .measures
                        .iter()
                        .map(|measure| (measure.of.as_str(), measure.is))
                        .collect(),
                    ..line
                },
                Outcome::NotApplicable(why) => {
                    CheckLine { state: "not applicable", why: Some(why.to_string()), ..line }
                }
                Outcome::Broken => CheckLine { state: "broken", ..line },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_finds_its_exports_and_hashes_only_what_may_be_them_once() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&path);
            crate::folder::write_new(&path, text.as_bytes()).unwrap();
        };
        for (name, text) in [
            ("lead.csv", "Id\n00Q1\n00Q2\n"),
            ("2026-03-02/lead.csv", "Id\n00Q2\n"),
            ("2026-03-09/lead.csv", "Id\n00Q1\n"),
            ("2026-03-16/lead.csv", "Id\n00Q1\n00Q3\n"),
        ] {
            put(name, text);
        }
        let sha256 = digest::sha256(b"Id\n00Q1\n");
        let manifest = |bytes: &str| -> Kept {
            serde_json::from_str(&format!(
                r#"{{"run": "R", "program": "P", "ledger": {{"length": 0, "head": ""}}, "rules": [],
                "inputs": [{{"file": "lead.csv", "object": "lead", "sha256": "{sha256}"{bytes}}}]}}"#
            ))
            .unwrap()
        };
        let (kept, old) = (manifest(r#", "bytes": 8"#), manifest(""));
        let mut known = Digests::default();
        for _ in 0..2 {
            let exports = kept.exports(folder.path(), &mut known).unwrap();
            assert_eq!(exports, folder.path().join("2026-03-09"));
            assert_eq!(known.0.len(), 2, "{known:?}");
        }
        // One that does not say the size has every file before its own hashed.
        assert_eq!(
            old.exports(folder.path(), &mut known),
            kept.exports(folder.path(), &mut Digests::default())
        );
        assert_eq!(known.0.len(), 3);
        put("2026-03-09/lead.csv", "Id\n00Q4\n");
        assert_eq!(
            kept.exports(folder.path(), &mut Digests::default()),
            Err("lead.csv has changed since".to_owned())
        );
    }
}
