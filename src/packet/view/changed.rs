//! What is different in the rules since the packet before, for the page.
//!
//! Does not: find out what it does.

use serde::Serialize;

use crate::packet::escape::{grouped, value, words};
use crate::packet::{Effect, RuleChange};

/// What is different in the rules, and what that does.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    files: Vec<ChangedFile>,
    says: String,
    rules: Vec<ChangedRule>,
}

/// A file with the first of its differences.
#[derive(Debug, Serialize)]
struct ChangedFile {
    name: String,
    edits: Vec<String>,
    more: usize,
}

/// What a check finds otherwise than under the rules before.
#[derive(Debug, Serialize)]
struct ChangedRule {
    rule: &'static str,
    gained: String,
    otherwise: String,
    lost: String,
    decided: String,
    records: Vec<String>,
    more: usize,
}

/// Differences of a file, and records of a rule, that are listed.
const LISTED: usize = 20;

impl Changed {
    pub(super) fn of(change: &RuleChange) -> Self {
        let files = change.edits.iter().map(|(name, edits)| ChangedFile {
            name: value(name),
            edits: edits.iter().take(LISTED).map(|edit| words(edit)).collect(),
            more: edits.len().saturating_sub(LISTED),
        });
        let rules = match &change.effect {
            Effect::Judged { rules, .. } => rules.as_slice(),
            Effect::Unknown(_) => &[],
        };
        let rules = rules.iter().map(|effect| ChangedRule {
            rule: effect.rule,
            gained: grouped(effect.gained),
            otherwise: grouped(effect.otherwise),
            lost: grouped(effect.lost.len()),
            decided: match (effect.approved, effect.rejected) {
                (0, 0) => "none".to_owned(),
                (approved, rejected) => format!("{approved} approved, {rejected} rejected"),
            },
            records: effect
                .lost
                .iter()
                .take(LISTED)
                .map(|(it, _)| value(&it.to_string()))
                .collect(),
            more: effect.lost.len().saturating_sub(LISTED),
        });
        Self { files: files.collect(), says: words(&change.words()), rules: rules.collect() }
    }
}
