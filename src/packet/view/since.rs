//! What became of what earlier packets proposed: the section "Since last week", for the page and the mail.
//!
//! Does not: show a value.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::gate::{Verdict, called};
use crate::packet::escape::{counted, grouped, value, words};
use crate::packet::{Action, Change, Happened, How, Review, Unanswered};

use super::{Found, Proposals};

/// Quiet or resolved findings that are listed one by one.
const LISTED: usize = 200;

/// The section.
#[derive(Debug, Serialize)]
pub(super) struct Since {
    /// The day of the packet before.
    day: Option<String>,
    unanswered: Vec<Row>,
    /// How many of these and of the approved changes wait for somebody; nothing where none does.
    open: Option<String>,
    groups: Vec<Group>,
    /// What is neither resolved nor here, in words.
    rest: Vec<String>,
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
    /// The section of a review, or of a part of it.
    pub(super) fn of(review: &Review<'_>, proposals: &Proposals<'_>) -> Self {
        let since = review.since;
        // Whose work a record is that is not found any more, nobody says: a slice tells of its own alone.
        let is_part = review.slice.is_some();
        let is_own = |one: &&Unanswered| !is_part || proposals.holds(&one.id);
        let unanswered: Vec<Row> = since.unanswered.iter().filter(is_own).map(unanswered).collect();
        let waits = |change: &&Change| change.state == Happened::NotYet && !is_part;
        let open = unanswered.len() + since.changes.iter().filter(waits).count();
        let mut groups = if is_part { Vec::new() } else { settled(review) };
        groups.push(Group::of(
            "quiet: rejected before, on the same facts",
            proposals.quiet.iter().map(quiet_row),
        ));
        Self {
            day: since.day.map(|day| day.format("%-d %B %Y").to_string()),
            unanswered,
            open: (open > 0).then(|| grouped(open)),
            groups: groups.into_iter().filter(|group| !group.rows.is_empty()).collect(),
            rest: if is_part { Vec::new() } else { rest(since) },
        }
    }
}

/// What is not found any more and is not resolved.
fn rest(since: &crate::packet::Since) -> Vec<String> {
    let earlier = |n: usize| format!("{} of earlier packets", counted(n, "proposal"));
    let mut rest = Vec::new();
    if since.elsewhere > 0 {
        let are = if since.elsewhere == 1 { "is" } else { "are" };
        let proposals = earlier(since.elsewhere);
        rest.push(format!("{proposals} {are} told by another one now, on the same records"));
    }
    if since.unseen > 0 {
        rest.push(format!(
            "{} could not be looked at this time: the records were not in the batch, or the check did not look",
            earlier(since.unseen)
        ));
    }
    rest
}

/// What became of what was approved, and what is not found any more.
fn settled(review: &Review<'_>) -> Vec<Group> {
    let resolved = review.since.resolved.iter().map(|resolved| Row {
        id: resolved.id.to_string(),
        rule: value(&resolved.rule),
        record: value(&resolved.record.to_string()),
        says: resolved.how.phrase().to_owned(),
        here: false,
    });
    Happened::ALL
        .into_iter()
        .map(|it| changes(review, it))
        .chain([Group::of(&resolved_words(review), resolved)])
        .collect()
}

fn unanswered(one: &Unanswered) -> Row {
    let until = one.until.format("%-d %B %Y");
    let to = words(&called(&one.to));
    let answered = if one.here {
        ""
    } else {
        "; not proposed again this time, so a decisions file can only reject it or escalate it again"
    };
    Row {
        id: one.id.to_string(),
        rule: value(&one.rule),
        record: value(&one.record.to_string()),
        says: if one.overdue {
            format!("escalated to {to}, overdue since {until}: no change{answered}")
        } else {
            format!("escalated to {to}, to be answered by {until}{answered}")
        },
        here: one.here,
    }
}

/// The approved changes of which that is so; of the settled ones those that were not told before.
fn changes(review: &Review<'_>, happened: Happened) -> Group {
    let is_told = |change: &&Change| {
        change.state == happened && (change.is_news || happened == Happened::NotYet)
    };
    let told: Vec<&Change> = review.since.changes.iter().filter(is_told).collect();
    let action = |change: &Change| review.standings.get(&change.id).map(|standing| standing.action);
    let is_asked_again = |change: &Change| action(change) == Some(Action::Decide);
    let is_elsewhere = |change: &Change| {
        happened == Happened::NotYet
            && !matches!(action(change), Some(Action::Decide | Action::Apply))
    };
    let count = |of: &dyn Fn(&Change) -> bool, what: &str| {
        let count = told.iter().filter(|change| of(change)).count();
        let are = if count == 1 { "is" } else { "are" };
        (count > 0).then(|| format!("{} {are} {what}", grouped(count)))
    };
    // What is left waits in this packet, as its head counts it.
    let but = [count(&is_asked_again, "asked again"), count(&is_elsewhere, "not in this packet")];
    let but: Vec<String> = but.into_iter().flatten().collect();
    let but =
        if but.is_empty() { but.concat() } else { format!(", of which {}", but.join(" and ")) };
    Group::of(
        &format!("{}{but}", happened.phrase()),
        told.into_iter().map(|change| Row {
            id: change.id.to_string(),
            rule: value(&change.rule),
            record: value(&change.record.to_string()),
            says: format!(
                "packet of {}{}",
                change.approved.format("%-d %B %Y"),
                if is_asked_again(change) { "; asked again" } else { "" }
            ),
            here: matches!(action(change), Some(Action::Decide | Action::Apply)),
        }),
    )
}

fn quiet_row(found: &Found<'_>) -> Row {
    let says = match (
        found.standing.last.map(|last| (last.decision.verdict(), last.on)),
        found.standing.action,
    ) {
        (Some((Verdict::Reject(reason), on)), Action::Quiet { until }) => format!(
            "{}, packet of {}; asked again from {}",
            reason.phrase(),
            on.format("%-d %B %Y"),
            until.format("%-d %B %Y")
        ),
        (_, _) => String::new(),
    };
    Row {
        id: found.id.to_string(),
        rule: found.check.code.to_owned(),
        record: value(&found.finding.record.to_string()),
        says,
        here: false,
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
pub(in crate::packet) fn lines(review: &Review<'_>, proposals: &Proposals<'_>) -> Vec<String> {
    let since = Since::of(review, proposals);
    let Some(day) = &since.day else { return Vec::new() };
    let mut lines = Vec::new();
    for row in &since.unanswered {
        lines.push(format!("{} {} {}: {}", row.id, row.rule, row.record, row.says));
    }
    lines.extend(since.groups.into_iter().map(|group| group.says));
    lines.extend(since.rest);
    if !lines.is_empty() {
        lines.insert(0, format!("Since the packet of {day}:"));
    }
    lines
}
