//! The public shape of a finding in `findings.jsonl`. Values are exact: neither bounded nor made visible.

use serde::Serialize;

use crate::boundary::{Cell, RecordRef, Shown};
use crate::finding::{Evidence, Finding, Proposal};

use super::{Found, exposure, text};

/// One finding.
#[derive(Debug, Serialize)]
pub(in crate::packet) struct Line<'a> {
    id: &'a str,
    rule: &'static str,
    name: &'static str,
    family: &'static str,
    severity: &'static str,
    object: &'static str,
    record: &'a str,
    related: Vec<Ref<'a>>,
    headline: &'a str,
    evidence: Vec<Fact<'a>>,
    why_wrong: &'a [String],
    sufficient: bool,
    missing: Vec<&'a str>,
    held: &'static str,
    held_because: Option<String>,
    reach: Vec<&'static str>,
    state: &'static str,
    proposal: Proposed<'a>,
    evidence_digest: String,
}

#[derive(Debug, Serialize)]
struct Ref<'a> {
    object: &'static str,
    record: &'a str,
}

#[derive(Debug, Serialize)]
struct Quote<'a> {
    object: &'static str,
    record: &'a str,
    field: &'a str,
    column: &'a str,
    file: &'a str,
    line: u64,
    shown: &'static str,
    value: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Fact<'a> {
    Cell(Quote<'a>),
    Normalised { from: Quote<'a>, step: &'a str, shown: &'static str, value: Option<&'a str> },
    Compared { left: Quote<'a>, right: Quote<'a>, level: &'a str },
    Policy { file: &'a str, line: usize, says: &'a str },
    Figure { of: &'a str, is: &'a str },
    Trace { tried: Vec<Step<'a>> },
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    rule: &'a str,
    place: &'a str,
    matched: bool,
    because: &'a str,
}

#[derive(Debug, Serialize)]
struct Proposed<'a> {
    kind: &'static str,
    words: String,
    field: Option<&'a str>,
    before: Option<&'a str>,
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fold: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// The line of a finding.
    pub(in crate::packet) fn of(found: &'a Found<'_>) -> Self {
        let Found { check, finding, id, state } = found;
        let hold = finding.hold();
        Self {
            id: id.as_str(),
            rule: check.code,
            name: check.name,
            family: check.family.key(),
            severity: check.severity.word(),
            object: finding.record.object.key(),
            record: &finding.record.id,
            related: finding.related.iter().map(Ref::of).collect(),
            headline: &finding.headline,
            evidence: finding.evidence().iter().map(Fact::of).collect(),
            why_wrong: &finding.doubts,
            sufficient: finding.is_sufficient(),
            missing: finding.missing.iter().map(String::as_str).collect(),
            held: hold.word(),
            held_because: hold.why().map(str::to_owned),
            reach: finding.reach.iter().map(|reach| reach.word()).collect(),
            state: state.word(),
            proposal: Proposed::of(finding),
            evidence_digest: finding.evidence_digest(),
        }
    }
}

impl<'a> Ref<'a> {
    fn of(record: &'a RecordRef) -> Self {
        Self { object: record.object.key(), record: &record.id }
    }
}

impl<'a> Quote<'a> {
    fn of(cell: &'a Cell) -> Self {
        Self {
            object: cell.record().object.key(),
            record: &cell.record().id,
            field: cell.field(),
            column: cell.column(),
            file: cell.file(),
            line: cell.line(),
            shown: exposure(cell.shown()),
            value: text(cell.shown()),
        }
    }
}

impl<'a> Fact<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        match evidence {
            Evidence::Cell(cell) => Self::Cell(Quote::of(cell)),
            Evidence::Normalised { from, step, to } => Self::Normalised {
                from: Quote::of(from),
                step,
                shown: exposure(to),
                value: text(to),
            },
            Evidence::Compared { left, right, level } => {
                Self::Compared { left: Quote::of(left), right: Quote::of(right), level }
            }
            Evidence::Policy { file, line, says } => Self::Policy { file, line: *line, says },
            Evidence::Figure { of, is } => Self::Figure { of, is },
            Evidence::Trace(tried) => Self::Trace {
                tried: tried
                    .iter()
                    .map(|tried| Step {
                        rule: &tried.rule,
                        place: &tried.place,
                        matched: tried.matched,
                        because: &tried.because,
                    })
                    .collect(),
            },
        }
    }
}

impl<'a> Proposed<'a> {
    fn of(finding: &'a Finding) -> Self {
        let proposal = &finding.proposal;
        let (field, before, after) = match proposal.change() {
            Some((cell, after)) => (Some(cell.field()), text(cell.shown()), after),
            None => (None, None, None),
        };
        // A value that may not be shown does not become one by being proposed.
        let unshown = matches!(
            proposal,
            Proposal::SetField { to: Shown::Never | Shown::Withheld | Shown::Blank, .. }
        );
        let after = after.filter(|_| !unshown);
        let (keep, fold) = if let Proposal::MergeCandidate { keep, fold, .. } = proposal {
            (Some(&*keep.id), fold.iter().map(|record| &*record.id).collect())
        } else {
            (None, Vec::new())
        };
        Self { kind: proposal.kind(), words: proposal.words(), field, before, after, keep, fold }
    }
}
