//! What of a packet was decided, in the numbers that the ledger keeps for the metric.
//!
//! Does not: compute a rate.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::boundary::{Batch, Field, Object, RecordRef, Row};
use crate::check::{AsOf, Conditions, Family, Pulled};
use crate::config::Config;
use crate::finding::{Finding, Proposal};
use crate::gate::{Reason, Verdict};
use crate::ledger::Tally;
use crate::packet::ActionKind;

/// How a proposal of a packet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Nobody decided.
    Undecided,
    /// Approved on this packet or an earlier one of its day.
    Approved,
    /// Rejected on this packet or an earlier one of its day, and why.
    Rejected(Reason),
    /// Escalated and not answered.
    Escalated,
    /// Decided in an earlier week, where it was counted.
    Earlier,
}

impl Stand {
    /// How a proposal stands in the packet of a day, by what it asks and the last decision on it: the day
    /// of the packet it was made on, and why it was rejected if it was.
    pub(super) fn of(
        asks: ActionKind,
        last: Option<(NaiveDate, Option<Reason>)>,
        day: NaiveDate,
    ) -> Self {
        match (asks, last) {
            (ActionKind::Decide, _) => Self::Undecided,
            (ActionKind::Answer, _) => Self::Escalated,
            (ActionKind::Apply, Some((on, _))) if on == day => Self::Approved,
            (ActionKind::Quiet, Some((on, Some(reason)))) if on == day => Self::Rejected(reason),
            (ActionKind::Apply | ActionKind::Quiet, _) => Self::Earlier,
        }
    }

    /// How it stands after a decision.
    pub(super) fn after(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Approve { .. } => Self::Approved,
            Verdict::Reject(reason) => Self::Rejected(*reason),
            Verdict::Escalate { .. } => Self::Escalated,
        }
    }
}

/// Counts the proposals of a packet, each with how it stands, whether it is one of the metric's kinds,
/// and the records under review that it would correct.
pub(super) fn tally<'r>(proposals: impl Iterator<Item = (Stand, Scope, &'r [RecordRef])>) -> Tally {
    let mut tally = Tally::default();
    let (mut flagged, mut corrected, mut open) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (stand, scope, records) in proposals {
        if scope == Scope::Outside {
            tally.outside += u64::from(stand == Stand::Approved);
            continue;
        }
        match stand {
            Stand::Earlier => continue,
            Stand::Approved => {
                tally.approved += 1;
                corrected.extend(records);
            }
            Stand::Rejected(reason) => {
                tally.rejected += 1;
                tally.looked_into += u64::from(reason == Reason::LookedInto);
                tally.already_fixed += u64::from(reason == Reason::AlreadyFixed);
            }
            Stand::Escalated => {
                tally.escalated += 1;
                open.extend(records);
            }
            Stand::Undecided => {
                tally.undecided += 1;
                open.extend(records);
            }
        }
        flagged.extend(records);
    }
    tally.flagged = flagged.len() as u64;
    tally.corrected = corrected.len() as u64;
    tally.open = open.difference(&corrected).count() as u64;
    tally
}

/// Whether a correction is of the kinds that the metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Routing, owner, lifecycle, duplicates or required fields.
    Routing,
    /// Anything else.
    Outside,
}

impl Scope {
    /// The scope of a family's findings.
    pub(super) fn of(family: Family) -> Self {
        match family {
            Family::Duplicates
            | Family::Owners
            | Family::Lifecycle
            | Family::Routing
            | Family::Required => Self::Routing,
            Family::Batch | Family::LeadSource | Family::SystemOfRecord => Self::Outside,
        }
    }
}

/// Which records under review the metric counts: not those whose initial routing may not have ended, and
/// not those planted to test the review. They are judged and shown all the same.
pub(super) struct Counted<'c> {
    created: BTreeMap<Object, Field>,
    grace_hours: f64,
    planted: &'c Conditions,
    as_of: AsOf,
}

/// How many records under review the metric counts, and how many it leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) counted: u64,
    pub(super) young: u64,
    pub(super) planted: u64,
}

impl<'c> Counted<'c> {
    pub(super) fn of(config: &'c Config, as_of: AsOf) -> Self {
        let created = |object: Object| Some((object, config.boundary.allowed(object, "created")?));
        Self {
            created: Object::REVIEWED.into_iter().filter_map(created).collect(),
            grace_hours: config.policies.routing.grace_hours(),
            planted: &config.test_records,
            as_of,
        }
    }

    /// The fields that it reads.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.created.values().chain(self.planted.fields())
    }

    /// A record that does not say when it was created is counted: silence is no reason to leave it out.
    fn is_young(&self, row: Row<'_>) -> bool {
        let created = self.created.get(&row.object()).and_then(|field| row.time(field));
        created.is_some_and(|at| {
            !self.as_of.is_ahead(at) && self.as_of.hours_since(at) < self.grace_hours
        })
    }

    fn is_planted(&self, row: Row<'_>) -> bool {
        self.planted.hold(row)
    }

    /// Counts the records under review.
    pub(super) fn share(&self, pulled: &Pulled) -> Share {
        let tables = Object::REVIEWED.into_iter().filter_map(|object| pulled.get(object));
        let mut share = Share::default();
        for row in tables.flat_map(Batch::reviewed) {
            if self.is_planted(row) {
                share.planted += 1;
            } else if self.is_young(row) {
                share.young += 1;
            } else {
                share.counted += 1;
            }
        }
        share
    }

    /// True for a record under review that the metric counts.
    fn counts(&self, row: Row<'_>) -> bool {
        row.is_under_review() && !self.is_young(row) && !self.is_planted(row)
    }

    /// How many of some records it does not count now, each once: a duplicate that was folded since is gone.
    pub(super) fn beside(&self, records: &BTreeSet<&RecordRef>, pulled: &Pulled) -> u64 {
        let is_counted = |record: &RecordRef| {
            let row = pulled.get(record.object).and_then(|batch| batch.find(&record.id));
            row.is_some_and(|row| self.counts(row))
        };
        records.iter().filter(|record| !is_counted(record)).count() as u64
    }

    /// The records that a finding's change would correct: of a merge those that are folded.
    pub(super) fn corrected(&self, finding: &Finding, pulled: &Pulled) -> Vec<RecordRef> {
        let records = match &finding.proposal {
            Proposal::MergeCandidate { fold, .. } => fold.as_slice(),
            Proposal::LinkToAccount { .. }
            | Proposal::ConvertCandidate { .. }
            | Proposal::SetOwner { .. }
            | Proposal::ReturnToQueue { .. }
            | Proposal::SetField { .. }
            | Proposal::FillField { .. }
            | Proposal::CorrectLifecycle { .. }
            | Proposal::CorrectSource { .. }
            | Proposal::ReviewRecord { .. }
            | Proposal::ReviewRule { .. }
            | Proposal::ReviewUpstream { .. } => std::slice::from_ref(&finding.record),
        };
        let is_reviewed = |record: &&RecordRef| {
            Object::REVIEWED.contains(&record.object)
                && pulled
                    .get(record.object)
                    .and_then(|batch| batch.find(&record.id))
                    .is_some_and(|row| self.counts(row))
        };
        records.iter().filter(is_reviewed).cloned().collect()
    }
}
