//! Whether what was approved happened: the records as they are now, held against the approved change.
//!
//! Does not: show a value, or take a record that was not read for one that is gone.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Days, NaiveDate};

use crate::boundary::{Boundary, Object, RecordRef, id_key};
use crate::check::Pulled;
use crate::finding::FindingId;
use crate::gate::Verdict;
use crate::ledger::{Decided, Run};

use super::paper::{After, Change, FieldChange, Paper, Told};

/// How long after its packet an approved change is looked for.
const WATCHED: Days = Days::new(84);

/// How a record stands against an approved change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// As approved.
    AsApproved,
    /// As it was.
    AsBefore,
    /// Neither.
    Otherwise,
    /// The record is not there.
    Gone,
    /// Only the finding itself can tell: a person does it by hand.
    AskTheFinding,
    /// The field, or the record, was not read this time.
    Unread,
}

/// What became of the approvals that still count, by finding; and why some packets cannot be read.
pub(super) fn sights<'l>(
    runs: &Path,
    decisions: &BTreeMap<&'l FindingId, (&'l Decided, &'l Run)>,
    day: NaiveDate,
    pulled: &Pulled,
    boundary: &Boundary,
) -> (BTreeMap<&'l FindingId, Sight>, Vec<String>) {
    let mut by_run: BTreeMap<&str, (&Run, Vec<&FindingId>)> = BTreeMap::new();
    for (id, (decided, run)) in decisions {
        let watched = run.as_of < day
            && run.as_of.checked_add_days(WATCHED).is_none_or(|until| day <= until)
            && matches!(decided.decision.verdict(), Verdict::Approve { .. });
        if watched {
            by_run.entry(&run.id).or_insert_with(|| (run, Vec::new())).1.push(id);
        }
    }
    let (mut sights, mut gaps) = (BTreeMap::new(), Vec::new());
    for (run, ids) in by_run.into_values() {
        match Paper::of(runs, run) {
            Ok(paper) => {
                for id in ids {
                    let Some(told) = paper.find(id).first() else { continue };
                    sights.insert(id, sight(told, pulled, boundary));
                }
            }
            Err(error) => gaps.push(format!(
                "whether what was approved in the packet of {} happened cannot be told: {}",
                run.as_of,
                error.in_a_sentence()
            )),
        }
    }
    (sights, gaps)
}

fn sight(told: &Told, pulled: &Pulled, boundary: &Boundary) -> Sight {
    match &told.change {
        Change::Field(change) => field(&told.record, change, pulled, boundary),
        Change::Merge { keep, fold } => merge(told.record.object, keep, fold, pulled),
        Change::ByHand(_) => Sight::AskTheFinding,
    }
}

fn field(record: &RecordRef, change: &FieldChange, pulled: &Pulled, boundary: &Boundary) -> Sight {
    let (Some(batch), Some(field)) =
        (pulled.get(record.object), boundary.allowed(record.object, &change.field))
    else {
        return Sight::Unread;
    };
    let Some(row) = batch.find(&record.id) else {
        return if batch.may_lack(&record.id) { Sight::Unread } else { Sight::Gone };
    };
    if !batch.has(&field) || row.is_withheld(&field) {
        return Sight::Unread;
    }
    let now = row.written(&field).unwrap_or_default();
    let as_approved = match &change.after {
        After::Value(value) => id_key(&now) == id_key(value),
        After::Assignee { id, name } => id_key(&now) == id_key(id) || now == *name,
    };
    if as_approved {
        Sight::AsApproved
    } else if id_key(&now) == id_key(&change.before) {
        Sight::AsBefore
    } else {
        Sight::Otherwise
    }
}

fn merge(object: Object, keep: &str, fold: &[String], pulled: &Pulled) -> Sight {
    let Some(batch) = pulled.get(object) else { return Sight::Unread };
    if batch.may_lack(keep) || fold.iter().any(|id| batch.may_lack(id)) {
        return Sight::Unread;
    }
    let left = fold.iter().filter(|id| batch.find(id).is_some()).count();
    match (batch.find(keep).is_some(), left) {
        (true, 0) => Sight::AsApproved,
        (true, left) if left == fold.len() => Sight::AsBefore,
        (false, 0) => Sight::Gone,
        (_, _) => Sight::Otherwise,
    }
}
