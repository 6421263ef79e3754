//! The text that is mailed: counts, codes and record ids. No value and no name of a person leaves here.
//!
//! Does not: exceed 78 columns but for a long id and the line that says where the packet is, colour anything,
//! or quote a headline.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::Datelike as _;

use crate::boundary::{Object, Outside};
use crate::check::{Family, Outcome};
use crate::finding::{Hold, Severity};
use crate::metrics::Course;

use super::escape::{counted, grouped, visible};
use super::view::{Approval, Found, Proposals, gravest, since_lines};
use super::{Completeness, Review, demoted, off, redefined};

const WIDTH: usize = 78;
/// Proposals named in the summary.
const NAMED: usize = 10;

/// The summary in plain text, at most 78 columns wide but for a long id and the packet's path.
pub fn summary(review: &Review<'_>, proposals: &Proposals<'_>) -> String {
    let found = proposals.asked.as_slice();
    let week = review.as_of.day.iso_week();
    let mut out = String::new();
    paragraph(
        &mut out,
        "",
        &format!(
            "CRM review, week {} of {}, as of {} ({})",
            week.week(),
            week.year(),
            review.as_of.day,
            review.as_of.zone
        ),
    );
    paragraph(&mut out, "", &format!("{}. Nothing has been applied.", review.extent(found)));
    if let Some(words) = left_out(review) {
        paragraph(&mut out, "", &words);
    }
    if let Some(words) = set_aside(review) {
        paragraph(&mut out, "", &words);
    }
    if let Some(newest) = review.newest() {
        paragraph(&mut out, "", &format!("The newest change in the records is of {newest}."));
    }
    if let Some(week) = review.weeks.last() {
        let left_out =
            review.left_out.words().map_or_else(String::new, |words| format!(" {words}"));
        let rate = format!("Routing exception rate: {}.{left_out}", week.rate_words());
        paragraph(&mut out, "", &rate);
        paragraph(&mut out, "", &Course::words(Course::of(review.weeks)));
    }
    if !review.wide.is_empty() {
        let rights: Vec<_> = review.wide.iter().map(|right| visible(right)).collect();
        let words =
            format!("The login that read the CRM may do more than read: {}.", rights.join("; "));
        paragraph(&mut out, "", &words);
    }
    for (n, note) in review.notes.iter().enumerate() {
        if n == 0 {
            out.push_str("\nTo know before reading:\n");
        }
        paragraph(&mut out, "- ", &note.mailed);
    }
    if let Completeness::Incomplete(what) = &review.complete {
        out.push_str("\nINCOMPLETE. What is missing:\n");
        for what in what {
            paragraph(&mut out, "- ", what);
        }
    }
    if let Some(since) = review.redefined_since {
        out.push('\n');
        paragraph(&mut out, "", &redefined(since));
        if let Some(change) = review.rule_change {
            let files: Vec<_> = change.edits.iter().map(|(file, _)| file.as_str()).collect();
            paragraph(
                &mut out,
                "",
                &format!("The changed files: {}. {}", files.join(", "), change.words()),
            );
        }
    }
    for (n, line) in since_lines(review, proposals).iter().enumerate() {
        if n == 0 {
            out.push('\n');
        }
        paragraph(&mut out, if n == 0 { "" } else { "- " }, line);
    }
    if let Some(words) = demoted(review) {
        out.push('\n');
        paragraph(&mut out, "", &words);
    }
    families(&mut out, found);
    first(&mut out, found);
    checks(&mut out, review);
    if review.ledger_len == 0 {
        out.push_str("\nThis run is the ledger's first entry.\n");
    } else {
        let len = usize::try_from(review.ledger_len).unwrap_or(usize::MAX);
        let _ = writeln!(out, "\nLedger before this run: {}, head", counted(len, "line"));
        let _ = writeln!(out, "  {}", visible(review.ledger_head));
    }
    out.push_str("\nThe packet:\n");
    // A path is of use only in one piece, so it alone may be wider. A part is called by whose it is, and
    // that may be a person.
    let file = if review.slice.is_some() { "" } else { review.file };
    let _ = writeln!(out, "  {}/{}", visible(review.folder), visible(file));
    out
}

/// How many rows of which inputs were set aside.
fn set_aside(review: &Review<'_>) -> Option<String> {
    let each = review.inputs.iter().filter_map(|input| {
        let aside = input.rows_set_aside;
        (aside > 0).then(|| {
            format!(
                "{} of {} in {}",
                grouped(aside),
                grouped(input.rows_read),
                visible(&input.file)
            )
        })
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty())
        .then(|| format!("Rows set aside, which the packet names: {}.", each.join(", ")))
}

/// How many records are left out of the review, by table and reason.
fn left_out(review: &Review<'_>) -> Option<String> {
    let mut counts: BTreeMap<(Object, Outside), usize> = BTreeMap::new();
    for admission in review.admissions {
        for (why, count) in &admission.outside {
            *counts.entry((admission.object, *why)).or_default() += count;
        }
    }
    let each = counts.iter().map(|((object, why), count)| {
        let noun =
            if *count == 1 { object.key().replace('_', " ") } else { object.plural().to_owned() };
        format!("{} {} {noun}", grouped(*count), why.word())
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| format!("Left out of the review: {}.", each.join(", ")))
}

fn families(out: &mut String, found: &[Found<'_>]) {
    if found.iter().all(Found::is_waiting) {
        return;
    }
    let heads = ["all", "high", "medium", "low", "held", "escalate"];
    let _ = write!(out, "\n{:<18}", "");
    for head in heads {
        let _ = write!(out, "{head:>9}");
    }
    out.push('\n');
    for family in Family::ALL {
        let of_family = |found: &&Found<'_>| found.check.family == family && !found.is_waiting();
        let here: Vec<_> = found.iter().filter(of_family).collect();
        if here.is_empty() {
            continue;
        }
        let of = |severity| here.iter().filter(|f| f.check.severity == severity).count();
        let held = here.iter().filter(|f| f.approval() == Approval::Held).count();
        let escalate = here.iter().filter(|f| matches!(f.hold, Hold::EscalateOnly(_))).count();
        let _ = write!(out, "{:<18}", family.title());
        for number in [
            here.len(),
            of(Severity::High),
            of(Severity::Medium),
            of(Severity::Low),
            held,
            escalate,
        ] {
            let _ = write!(out, "{:>9}", grouped(number));
        }
        out.push('\n');
    }
}

/// The gravest proposals. An id is of use only in one piece: cut, two of them may read alike.
fn first(out: &mut String, found: &[Found<'_>]) {
    let open = found.iter().filter(|found| !found.is_waiting()).count();
    if open == 0 {
        return;
    }
    out.push_str("\nRead these first:\n");
    for Found { check, finding, id, .. } in gravest(found, NAMED) {
        let _ = writeln!(
            out,
            "  {:<6}  {:<7} {id}  {} {}",
            check.severity.word(),
            check.code,
            finding.record.object,
            visible(&finding.record.id),
        );
    }
    if open > NAMED {
        let _ = writeln!(out, "  and {} more in the packet", grouped(open - NAMED));
    }
}

/// The checks that looked in part, and those that did not look, by what they lack.
fn checks(out: &mut String, review: &Review<'_>) {
    let in_part = |outcome: &Outcome| match outcome {
        Outcome::Ran(judgement) => !judgement.not_looked.is_empty(),
        Outcome::NotApplicable(_) | Outcome::Broken => false,
    };
    let partly = review.reports.iter().filter(|report| in_part(&report.outcome));
    let partly: Vec<&str> = partly.map(|report| report.check.code).collect();
    if !partly.is_empty() {
        out.push('\n');
        let looked = counted(partly.len(), "check");
        let words =
            format!("{looked} looked in part, the packet says where not: {}", partly.join(", "));
        paragraph(out, "", &words);
    }
    let broken = review.reports.iter().filter(|it| matches!(it.outcome, Outcome::Broken));
    let broken: Vec<&str> = broken.map(|report| report.check.code).collect();
    if !broken.is_empty() {
        out.push('\n');
        paragraph(out, "", &format!("Broken: {}", broken.join(", ")));
    }
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for report in review.reports {
        let Outcome::NotApplicable(why) = &report.outcome else { continue };
        let (cause, _) = off(review, why);
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, codes)) => codes.push(report.check.code),
            None => causes.push((cause, vec![report.check.code])),
        }
    }
    for (n, (cause, codes)) in causes.iter().enumerate() {
        if n == 0 {
            out.push_str("\nDid not look (the packet says how to switch each on):\n");
        }
        paragraph(out, "- ", &format!("{cause}: {}", codes.join(", ")));
    }
}

/// Writes words, broken at spaces; a longer word is cut.
fn paragraph(out: &mut String, bullet: &str, text: &str) {
    let text = visible(text);
    let mut line = bullet.to_owned();
    let indent = " ".repeat(bullet.len());
    let mut has_word = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word: String = word.chars().take(WIDTH - bullet.len()).collect();
        if has_word && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line.clone_from(&indent);
            has_word = false;
        }
        if has_word {
            line.push(' ');
        }
        line += &word;
        has_word = true;
    }
    let _ = writeln!(out, "{line}");
}
