//! What repeats: rules whose proposals are often rejected, and faults that come back week after week.
//!
//! The first comes from the ledger, the second from the last packet's findings. Either says what to
//! change so that the records need not be corrected one by one.
//! Does not: change a rule, or judge a person.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::folder::{self, Held};
use crate::gate::Reason;
use crate::ledger::{Ledger, Run};
use crate::metrics::{self, Percent, Precision};
use crate::packet::visible;

use super::paper;
use super::{Folder, ReviewError};

/// So many findings or weeks make a pattern.
const PATTERN: usize = 3;

/// Longest value that is shown.
const SHOWN: usize = 60;

/// Says what repeats.
pub fn patterns(path: &Path, now: DateTime<Utc>) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let held: Held = folder::hold(&folder.path, &super::holder(now))?;
    let ledger = Ledger::open(&folder.path.join("ledger.jsonl"))?;
    let mut words = rules(&metrics::precision(ledger.entries()), config.gate.precision_budget());
    let latest = ledger.runs().reduce(|a, b| if b.as_of >= a.as_of { b } else { a });
    if let Some(run) = latest {
        words += &repeated(&folder.path.join("runs"), run)?;
    }
    drop(held);
    Ok(words)
}

/// How often each rule was right, and which of them should be changed.
fn rules(precision: &[Precision], budget: f64) -> String {
    if precision.is_empty() {
        return "Nothing was decided in the last 26 weeks, so nothing is known of the rules.\n"
            .to_owned();
    }
    let mut words = format!(
        "How often each rule was right, by the decisions of 26 weeks\n\n{:<8} {:>7} {:>6} {:>6}  {:<28} {}\n",
        "rule", "decided", "right", "wrong", "right in (95 %)", "most often rejected as"
    );
    for rule in precision {
        let (right, wrong) = (rule.right, rule.wrong());
        let Some(rate) = rule.rate() else { continue };
        let share =
            format!("{} ({} to {})", Percent(rate.share), Percent(rate.from), Percent(rate.to));
        let most = rule
            .rejected
            .iter()
            .max_by_key(|(reason, count)| (**count, std::cmp::Reverse(**reason)));
        let most = most
            .map_or_else(String::new, |(reason, count)| format!("{} ({count})", reason.phrase()));
        words += &format!(
            "{:<8} {:>7} {right:>6} {wrong:>6}  {share:<28} {most}\n",
            rule.rule,
            right + wrong
        );
        if rule.is_below(budget) {
            words += &format!(
                "         below the budget of {}, and read last: change the rule, or switch it off\n",
                Percent(budget)
            );
        }
        let asks = rule.rejected.iter().filter(|(_, count)| **count >= PATTERN as u64);
        for (reason, count) in asks {
            words += &format!(
                "         rejected {count} times as: {}; {}\n",
                reason.phrase(),
                remedy(*reason)
            );
        }
    }
    words += "\nRight are approvals and what somebody fixed meanwhile; wrong are all other rejections.\n";
    words
}

/// What a reason that repeats asks for.
fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::CorrectAsIs => "the rule takes for a fault what is none",
        Reason::AgreedException => "write the exception into the rule",
        Reason::WrongValue => "the fault is right and the proposed value is not",
        Reason::WeakEvidence => "let the rule ask for more",
        Reason::AlreadyFixed => "review sooner after the export",
        Reason::RuleWrong => "the rule contradicts how you work",
        Reason::Other => "read the notes in the ledger",
    }
}

/// What of a line of findings.jsonl tells a pattern.
#[derive(Deserialize)]
struct Line {
    rule: String,
    record: String,
    weeks: usize,
    queue: String,
    evidence: Vec<Fact>,
}

#[derive(Deserialize)]
struct Fact {
    field: Option<String>,
    value: Option<String>,
}

/// The fields by whose values faults are grouped: where a record came from, and whose it is.
const GROUPED_BY: [&str; 5] = ["lead_source", "owner", "team", "created_by", "country"];

/// What comes back, and what the findings of a rule have in common.
fn repeated(runs: &Path, run: &Run) -> Result<String, ReviewError> {
    let (_, bytes) = paper::findings(runs, run)?;
    let mut by_rule: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // The digest was as the ledger names it, so each line is one of ours.
        if let Ok(line) = serde_json::from_slice::<Line>(line)
            && line.queue != "quiet"
        {
            by_rule.entry(line.rule.clone()).or_default().push(line);
        }
    }
    let mut words = String::new();
    for (rule, lines) in &by_rule {
        let long = lines.iter().filter(|line| line.weeks >= PATTERN).count();
        if long > 0 {
            let records: BTreeSet<&str> = lines.iter().map(|line| line.record.as_str()).collect();
            words += &format!(
                "{rule}: {long} of {} findings on {} records are there for {PATTERN} weeks or more: find out what makes them\n",
                lines.len(),
                records.len(),
            );
        }
        for ((field, value), count) in common(lines) {
            let value: String = visible(value).chars().take(SHOWN).collect();
            words += &format!("{rule}: {count} of {} have {field} = {value}\n", lines.len());
        }
    }
    if words.is_empty() {
        words += "nothing\n";
    }
    Ok(format!("\nWhat repeats in the packet of {}\n\n{words}", run.as_of))
}

/// Values that several of a rule's findings share, most frequent first.
fn common(lines: &[Line]) -> Vec<((&str, &str), usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in lines {
        let quoted: BTreeSet<(&str, &str)> = line
            .evidence
            .iter()
            .filter_map(|fact| Some((fact.field.as_deref()?, fact.value.as_deref()?)))
            .filter(|(field, _)| GROUPED_BY.contains(field))
            .collect();
        for pair in quoted {
            *counts.entry(pair).or_default() += 1;
        }
    }
    let mut common: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= PATTERN).collect();
    common.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    common
}
