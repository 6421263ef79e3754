//! What became of what earlier packets proposed: the section "Since last week", for the page and the mail.
//!
//! Does not: show a value.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::gate::Verdict;
use crate::packet::escape::{counted, grouped, value, words};
use crate::packet::{How, Queue, Review, Unanswered};

use super::Found;

/// Quiet or resolved findings that are listed one by one.
const LISTED: usize = 200;

/// The section.
#[derive(Debug, Serialize)]
pub(super) struct Since {
    /// The day of the packet before.
    day: Option<String>,
    unanswered: Vec<Row>,
    resolved: Group,
    waiting: Group,
    quiet: Group,
    unseen: Option<String>,
}

/// A number of findings in words, and the first of them.
#[derive(Debug, Serialize)]
struct Group {
    says: String,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    rule: String,
    record: String,
    says: String,
    /// Whether the packet has a card of it.
    here: bool,
}

impl Since {
    /// The section of a review, of which these are the findings that are asked and that are quiet.
    pub(super) fn of(review: &Review<'_>, asked: &[Found<'_>], quiet: &[Found<'_>]) -> Self {
        let since = review.since;
        let waiting = asked.iter().filter(|found| found.standing.queue == Queue::Apply);
        Self {
            day: since.day.map(|day| day.format("%-d %B %Y").to_string()),
            unanswered: since.unanswered.iter().map(unanswered).collect(),
            resolved: Group::of(
                &resolved_words(review),
                since.resolved.iter().map(|resolved| Row {
                    id: resolved.id.to_string(),
                    rule: value(&resolved.rule),
                    record: value(&resolved.record.to_string()),
                    says: resolved.how.phrase().to_owned(),
                    here: false,
                }),
            ),
            waiting: Group::of(
                "approved before, and the CRM does not show it yet",
                waiting.map(|found| row(found, true)),
            ),
            quiet: Group::of(
                "quiet: rejected before, on the same facts",
                quiet.iter().map(|found| row(found, false)),
            ),
            unseen: (since.unseen > 0).then(|| {
                format!(
                    "{} of earlier packets could not be looked at this time: the records were not in the batch, or the check did not look",
                    counted(since.unseen, "proposal")
                )
            }),
        }
    }
}

fn unanswered(one: &Unanswered) -> Row {
    let until = one.until.format("%-d %B %Y");
    Row {
        id: one.id.to_string(),
        rule: value(&one.rule),
        record: value(&one.record.to_string()),
        says: if one.overdue {
            format!("escalated to {}, overdue since {until}: no change", words(&one.to))
        } else {
            format!("escalated to {}, to be answered by {until}", words(&one.to))
        },
        here: one.here,
    }
}

fn row(found: &Found<'_>, here: bool) -> Row {
    let says = found.standing.last.map_or_else(String::new, |(decision, on)| {
        let on = on.format("%-d %B %Y");
        let says = match (decision.verdict(), found.standing.queue) {
            (Verdict::Reject(reason), Queue::Quiet { until }) => {
                format!("{}, asked again from {}", reason.phrase(), until.format("%-d %B %Y"))
            }
            (verdict, _) => verdict.word().to_owned(),
        };
        format!("{says}; packet of {on}")
    });
    Row {
        id: found.id.to_string(),
        rule: found.check.code.to_owned(),
        record: value(&found.finding.record.to_string()),
        says,
        here,
    }
}

impl Group {
    fn of(what: &str, rows: impl Iterator<Item = Row>) -> Self {
        let mut rows: Vec<Row> = rows.collect();
        let count = rows.len();
        rows.truncate(LISTED);
        Self {
            says: format!("{} {what}", grouped(count)),
            more: (count > rows.len()).then(|| grouped(count - rows.len())),
            rows,
        }
    }
}

/// `resolved: 2 after its change was approved, 1 without a decision`.
fn resolved_words(review: &Review<'_>) -> String {
    let mut by: BTreeMap<How, usize> = BTreeMap::new();
    for resolved in &review.since.resolved {
        *by.entry(resolved.how).or_default() += 1;
    }
    let parts: Vec<_> =
        by.iter().map(|(how, count)| format!("{} {}", grouped(*count), how.phrase())).collect();
    if parts.is_empty() { "resolved".to_owned() } else { format!("resolved: {}", parts.join(", ")) }
}

/// The same in lines for the mail; nothing where there was no packet before.
pub(in crate::packet) fn lines(
    review: &Review<'_>,
    asked: &[Found<'_>],
    quiet: &[Found<'_>],
) -> Vec<String> {
    let since = Since::of(review, asked, quiet);
    let Some(day) = &since.day else { return Vec::new() };
    let mut lines = Vec::new();
    for row in &since.unanswered {
        lines.push(format!("{} {} {}: {}", row.id, row.rule, row.record, row.says));
    }
    for group in [&since.resolved, &since.waiting, &since.quiet] {
        if !group.rows.is_empty() {
            lines.push(group.says.clone());
        }
    }
    lines.extend(since.unseen);
    if !lines.is_empty() {
        lines.insert(0, format!("Since the packet of {day}:"));
    }
    lines
}
