//! What the templates show, as plain words and numbers: the only place that decides how a review reads.
//!
//! Does not: hold markup. Texts are bounded here and escaped when they are rendered.

mod card;
mod changed;
mod chart;
mod form;
mod line;
mod page;
mod queue;
mod rate;
mod roll;
mod since;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::boundary::{Cell, Shown};
use crate::check::{By, CheckDef, Family, Outcome};
use crate::finding::{Finding, FindingId, Hold, Severity};

use super::escape::{counted, grouped};
use super::{Action, PacketError, Review, Slice, Standing, State, findings_digest};

pub(crate) use line::{Fact, Line, Proposed, Quote, Ref};
pub(super) use page::Page;
pub(super) use since::lines as since_lines;

/// A finding with what surrounds it.
pub(super) struct Found<'a> {
    /// The check that found it.
    pub(super) check: &'static CheckDef,
    /// What it found.
    pub(super) finding: &'a Finding,
    /// Its name.
    pub(super) id: FindingId,
    /// How it stands against the earlier weeks.
    pub(super) standing: Standing<'a>,
    /// What its record has in common with others.
    pub(super) groups: Option<&'a BTreeMap<By, String>>,
    /// Whether it can simply be approved, in a packet of so many new owners.
    pub(super) hold: Hold,
    /// Whether reviewers rejected its check's proposals more often than the budget allows.
    pub(super) is_demoted: bool,
}

/// What may be said of a proposal beside rejecting it and passing it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approval {
    /// That it is approved.
    Free,
    /// The same, by itself and with its evidence confirmed.
    Held,
    /// Nothing: it asks, and somebody looks into it.
    Ask,
    /// Nothing: its evidence is incomplete, or it is not the reviewer's to approve.
    Never,
    /// Nothing at all: it was approved, and waits to be applied.
    Waits,
}

impl Approval {
    /// The word that templates and the script know it by.
    fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::Ask => "ask",
            Self::Never => "never",
            Self::Waits => "waits",
        }
    }
}

impl Found<'_> {
    /// What may be said of it.
    pub(super) fn approval(&self) -> Approval {
        if self.standing.action == Action::Apply {
            return Approval::Waits;
        }
        match self.hold {
            Hold::EscalateOnly(_) => Approval::Never,
            _ if self.finding.proposal.kind().is_question() => Approval::Ask,
            _ if !self.finding.is_sufficient() => Approval::Never,
            Hold::Held(_) => Approval::Held,
            Hold::Free => Approval::Free,
        }
    }

    /// True where it was approved before and nothing more is asked: somebody has yet to apply it.
    pub(super) fn is_waiting(&self) -> bool {
        self.approval() == Approval::Waits
    }

    /// True where it is held only because so many owners would change in the packet.
    fn is_held_by_number(&self) -> bool {
        self.hold != self.finding.hold()
    }

    /// True where it was rejected before and is not asked again yet.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.standing.action, Action::Quiet { .. })
    }
}

/// How many proposals there are to decide, and beside them how many were approved and wait.
pub(super) fn to_decide<'f>(found: impl IntoIterator<Item = &'f Found<'f>>) -> String {
    let (waiting, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.is_waiting());
    let open = counted(open.len(), "proposal");
    match waiting.len() {
        0 => open,
        more => format!("{open}, {} approved and waiting to be applied", grouped(more)),
    }
}

/// What a packet proposes: the whole of it or a part. Made once, as the texts of a packet and its parts all tell of it.
pub struct Proposals<'a> {
    /// Those that are asked now, and those that are quiet; each in the packet's order.
    pub(super) asked: Vec<Found<'a>>,
    pub(super) quiet: Vec<Found<'a>>,
    digest: String,
}

impl<'a> Proposals<'a> {
    /// All that a review proposes.
    pub fn of(review: &Review<'a>) -> Result<Self, PacketError> {
        Self::made(in_order(review))
    }

    /// The parts of it, those of nobody last.
    pub fn parts(review: &Review<'a>, by: By) -> Result<Vec<(Slice, Self)>, PacketError> {
        let mut parts: BTreeMap<Option<&String>, Vec<Found<'a>>> = BTreeMap::new();
        for found in in_order(review) {
            parts.entry(found.groups.and_then(|groups| groups.get(&by))).or_default().push(found);
        }
        let nobody = parts.remove(&None).map(|found| (None, found));
        let parts = parts.into_iter().chain(nobody);
        parts
            .map(|(name, found)| Ok((Slice { by, name: name.cloned() }, Self::made(found)?)))
            .collect()
    }

    fn made(found: Vec<Found<'a>>) -> Result<Self, PacketError> {
        let digest = findings_digest(&found)?;
        let (asked, quiet) = found.into_iter().partition(|found| !found.is_quiet());
        Ok(Self { asked, quiet, digest })
    }

    /// The digest of its lines in `findings.jsonl`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// True for a finding that it holds.
    fn holds(&self, id: &FindingId) -> bool {
        self.asked.iter().chain(&self.quiet).any(|found| found.id == *id)
    }
}

/// The findings of a review in the packet's order: family, severity, code, record.
pub(super) fn in_order<'a>(review: &Review<'a>) -> Vec<Found<'a>> {
    let mut all: Vec<Found<'a>> = Vec::new();
    for report in review.reports {
        let Outcome::Ran(judgement) = &report.outcome else { continue };
        let is_demoted = review.demoted.iter().any(|code| code == report.check.code);
        all.extend(judgement.findings.iter().map(|finding| {
            let id = finding.id(report.check.code);
            let standing = review.standings.get(&id).cloned();
            let standing = standing.unwrap_or_else(|| Standing::undecided(State::New));
            let groups = review.groups.of.get(&finding.record);
            let hold = finding.hold();
            Found { check: report.check, finding, id, standing, groups, hold, is_demoted }
        }));
    }
    hold_many_owners(&mut all, review.answers.mass_owner_changes);
    // Stable: findings about one record stay in the order their check gave them.
    all.sort_by(|a, b| {
        (a.check.family, b.check.severity, a.check.code, &a.finding.record).cmp(&(
            b.check.family,
            a.check.severity,
            b.check.code,
            &b.finding.record,
        ))
    });
    all
}

/// Holds the new owners of a packet that has so many of them. What is quiet is not asked and holds none that
/// is; where with it there are so many, it is held as well, for it can be approved after all.
fn hold_many_owners(all: &mut [Found<'_>], mass: usize) {
    let moves = |one: &Found<'_>| {
        one.finding.proposal.kind().is_owner_change()
            && matches!(one.approval(), Approval::Free | Approval::Held)
    };
    let count = |of: &dyn Fn(&Found<'_>) -> bool| {
        let owners: BTreeSet<&FindingId> =
            all.iter().filter(|one| moves(one) && of(one)).map(|one| &one.id).collect();
        owners.len()
    };
    let (asked, every) = (count(&|one| !one.is_quiet()), count(&|_| true));
    for one in all.iter_mut().filter(|one| one.hold == Hold::Free && moves(one)) {
        let owners = if one.is_quiet() { every } else { asked };
        if owners >= mass {
            let owners = counted(owners, "new owner");
            one.hold = Hold::Held(format!("one of {owners} in this packet"));
        }
    }
}

/// Why proposals of a family are held that alone would not be; nothing where none is.
fn held_by_number(here: &[&Found<'_>], review: &Review<'_>) -> Option<String> {
    let held = here.iter().filter(|one| one.is_held_by_number()).count();
    (held > 0).then(|| {
        format!(
            "{} of these {} held for their number: where {} or more in one packet change an owner, each is approved by itself, with its evidence confirmed.",
            grouped(held),
            if held == 1 { "is" } else { "are" },
            grouped(review.answers.mass_owner_changes),
        )
    })
}

/// What to read first: of what is still to decide and of the rules that are not often wrong the gravest, of
/// these the ones whose evidence is complete, and of these one of each rule before the second of any.
pub(super) fn gravest<'f, 'a>(found: &'f [Found<'a>], most: usize) -> Vec<&'f Found<'a>> {
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut ranked: Vec<_> = found
        .iter()
        .filter(|found| !found.is_waiting())
        .map(|found| {
            let incomplete = !found.finding.is_sufficient();
            let times = seen.entry((found.check.code, incomplete)).or_default();
            *times += 1;
            ((found.is_demoted, Reverse(found.check.severity), incomplete, *times), found)
        })
        .collect();
    // Stable: within one round the packet's order holds.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(most).map(|(_, found)| found).collect()
}

/// How a severity is written in front of its diamond.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
    }
}

/// What a family looks for, in one sentence.
fn meaning(family: Family) -> &'static str {
    match family {
        Family::Batch => "What is wrong with the input before any record is judged.",
        Family::Duplicates => {
            "Records that probably describe one person or company. A merge is permanent in most CRMs, so \
             each one is confirmed by itself."
        }
        Family::Owners => "Records that nobody active is working.",
        Family::Lifecycle => {
            "Records whose stage contradicts the facts beside it. Stages feed reports and automation, so \
             each correction is confirmed by itself."
        }
        Family::Routing => "Records that went past the routing rules in force.",
        Family::Required => {
            "Values that the next step needs and that are blank, or filled with nothing."
        }
        Family::LeadSource => {
            "Records whose source is missing, unknown, or contradicts the first touch."
        }
        Family::SystemOfRecord => {
            "Values that differ from the system that is right by agreement. Overwriting is confirmed one \
             value at a time."
        }
    }
}

/// What a quoted value is: shown, masked, never, blank or withheld.
fn exposure(shown: &Shown) -> &'static str {
    match shown {
        Shown::Blank => "blank",
        Shown::Value(_) => "value",
        Shown::Masked(_) => "masked",
        Shown::Never => "never",
        Shown::Withheld => "withheld",
    }
}

/// What may be shown of a value, where anything may.
fn text(shown: &Shown) -> Option<&str> {
    match shown {
        Shown::Value(text) | Shown::Masked(text) => Some(text),
        Shown::Blank | Shown::Never | Shown::Withheld => None,
    }
}

/// `OwnerId · leads.csv:12`.
fn place(cell: &Cell) -> String {
    let at = format!("{}:{}", cell.file(), cell.line());
    if cell.column().is_empty() {
        format!("no column · {at}")
    } else if cell.column() == cell.field() {
        at
    } else {
        format!("{} · {at}", cell.column())
    }
}
