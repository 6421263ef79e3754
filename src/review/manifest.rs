//! `manifest.json`: what went into a run and what came out, and how to repeat it.
//!
//! Does not: hold a value of a record.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::boundary::Field;
use crate::check::Outcome;
use crate::config::Config;
use crate::ledger::{Run, digest};
use crate::packet::Review;

use super::Judged;

/// One digest over everything that decides a run's outcome.
pub(super) fn inputs_digest(program: &str, judged: &Judged, rules: &[(String, String)]) -> String {
    let mut parts = vec![program.to_owned(), judged.as_of.day.to_string()];
    parts.extend(rules.iter().map(|(file, sha256)| format!("{file} {sha256}")));
    parts
        .extend(judged.inputs.iter().map(|input| format!("{} {}", input.file, input.tally.sha256)));
    digest(parts.join("\n").as_bytes())
}

/// One digest over what decides how records are judged: when it changes, trends break.
pub(super) fn definition_digest(rules: &[(String, String)]) -> String {
    let parts: Vec<_> = rules.iter().map(|(file, sha256)| format!("{file} {sha256}")).collect();
    digest(parts.join("\n").as_bytes())
}

#[derive(Serialize)]
struct Manifest<'a> {
    schema: &'static str,
    run: &'a str,
    organisation: &'a str,
    program: &'a str,
    as_of: String,
    time_zone: &'a str,
    repeat_with: &'a str,
    complete: bool,
    missing: &'a [String],
    batch: &'a str,
    approver: &'a str,
    backup: Option<&'a str>,
    inputs_sha256: &'a str,
    definition_sha256: &'a str,
    packet_sha256: &'a str,
    findings_sha256: &'a str,
    ledger: LedgerBefore<'a>,
    records: BTreeMap<&'static str, Records>,
    inputs: Vec<InputFile<'a>>,
    rules: Vec<RulesFile<'a>>,
    checks: Vec<CheckLine<'a>>,
}

#[derive(Serialize)]
struct LedgerBefore<'a> {
    length: u64,
    head: &'a str,
}

#[derive(Serialize)]
struct Records {
    admitted: usize,
    under_review: usize,
}

#[derive(Serialize)]
struct InputFile<'a> {
    file: &'a str,
    object: &'static str,
    sha256: &'a str,
    bytes: u64,
    encoding: &'a str,
    encoding_guessed: bool,
    delimiter: String,
    rows_read: u64,
    rows_admitted: usize,
    rows_set_aside: u64,
    blank_lines: u64,
    footer_lines: u64,
    columns_admitted: BTreeMap<&'a str, &'a str>,
    columns_blocked: &'a [String],
    columns_unlisted: &'a [String],
    columns_unread: &'a [String],
    fields_absent: Vec<&'a str>,
    values_withheld: usize,
    date_orders: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct RulesFile<'a> {
    file: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct CheckLine<'a> {
    rule: &'static str,
    state: &'static str,
    reads: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examined: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    not_looked: &'a [String],
}

/// The id of the run whose manifest lies in a folder.
pub(super) fn run_of(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        run: String,
    }
    let text = std::fs::read(folder.join("manifest.json")).ok()?;
    serde_json::from_slice(&text).ok().map(|Named { run }| run)
}

/// The manifest as text, pretty enough to read.
pub(super) fn text(
    config: &Config,
    judged: &Judged,
    rules: &[(String, String)],
    run: &Run,
    findings_sha256: &str,
    review: &Review<'_>,
) -> String {
    let manifest = Manifest {
        schema: "crm-review/manifest/1",
        run: &run.id,
        organisation: &config.organisation,
        program: review.program,
        as_of: run.as_of.to_string(),
        time_zone: config.zone.name(),
        repeat_with: review.command,
        complete: run.complete,
        missing: &judged.missing,
        batch: review.batch,
        approver: &config.approver,
        backup: config.backup.as_deref(),
        inputs_sha256: &run.inputs,
        definition_sha256: &run.definition,
        packet_sha256: &run.packet,
        findings_sha256,
        ledger: LedgerBefore { length: review.ledger_len, head: review.ledger_head },
        records: judged
            .counts
            .iter()
            .map(|count| {
                let records = Records { admitted: count.admitted, under_review: count.reviewed };
                (count.object.key(), records)
            })
            .collect(),
        inputs: input_files(judged),
        rules: rules.iter().map(|(file, sha256)| RulesFile { file, sha256 }).collect(),
        checks: check_lines(judged),
    };
    serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n"
}

fn input_files(judged: &Judged) -> Vec<InputFile<'_>> {
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
            delimiter: char::from(input.dialect.delimiter).to_string(),
            rows_read: input.tally.rows_read,
            rows_admitted: admission.rows,
            rows_set_aside: input.tally.quarantined + admission.set_aside.len() as u64,
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
            values_withheld: admission.withheld.len(),
            date_orders: admission
                .date_orders
                .iter()
                .map(|(column, order, how)| (column.as_str(), format!("{}, {how}", order.word())))
                .collect(),
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
                not_looked: &[],
            };
            match &report.outcome {
                Outcome::Ran(judgement) => CheckLine {
                    examined: Some(judgement.examined),
                    findings: Some(judgement.findings.len()),
                    not_looked: &judgement.not_looked,
                    ..line
                },
                Outcome::NotApplicable(why) => {
                    CheckLine { state: "not applicable", why: Some(why), ..line }
                }
                Outcome::Broken => CheckLine { state: "broken", ..line },
            }
        })
        .collect()
}
