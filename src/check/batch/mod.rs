//! The batch family: what is wrong with the input before any record is judged.
//!
//! Does not: judge what a record means, or quote a value that was withheld.

mod implausible_input;
mod unresolved_reference;
mod withheld_value;

use chrono::NaiveDate;

use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::{CheckDef, Family, Off, Policies, settings};

pub(super) use implausible_input::IMPLAUSIBLE_INPUT;
pub(super) use unresolved_reference::UNRESOLVED_REFERENCE;
pub(super) use withheld_value::WITHHELD_VALUE;

/// `[input]`: when the input as a whole is not what it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRules {
    /// The share of its records that a table may lose from one packet to the next.
    max_loss: f64,
    /// Fewer lost records than this never look like a cut.
    least_lost: u32,
    /// Tables may be smaller than in the packets before this day.
    pub accept_smaller: Option<NaiveDate>,
    /// Where the newest change is older than so many days, the exports are hardly this week's.
    pub stale_after_days: u32,
}

impl InputRules {
    fn parse(section: Option<&Section<'_>>) -> Self {
        let max_loss = settings::number(section, "max_loss", 0.5);
        expect_share(section, "max_loss", &max_loss, "0.5 is half of a table's records");
        Self {
            max_loss: max_loss.value,
            least_lost: settings::count(section, "least_lost", 20).value,
            accept_smaller: section
                .and_then(|section| section.date("accept_smaller"))
                .map(|said| said.value),
            stale_after_days: settings::count(section, "stale_after_days", 30).value,
        }
    }

    /// True when a table that had `before` records and has `left` looks cut.
    pub fn looks_cut(&self, before: u64, left: u64) -> bool {
        let lost = before.saturating_sub(left);
        #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
        let share = lost as f64 / before.max(1) as f64;
        lost > 0 && (left == 0 || (share > self.max_loss && lost >= self.least_lost.into()))
    }
}

/// Notes a problem where a setting is no share.
fn expect_share(section: Option<&Section<'_>>, key: &str, said: &Said<f64>, such_as: &str) {
    if let Some(section) = section.filter(|_| !(0.0..=1.0).contains(&said.value)) {
        section.problem_with_hint(said.line, format!("`{key}` is not a share"), such_as);
    }
}

/// What the rules say. A check that is off says why.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    max_set_aside: f64,
    input: InputRules,
    implausible: Result<implausible_input::Rules, Off>,
    withheld: Result<(), Off>,
    unresolved: Result<(), Off>,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let implausible = root.section(IMPLAUSIBLE_INPUT.name);
        let max_set_aside = settings::number(implausible.as_ref(), "max_set_aside", 0.01);
        let such_as = "0.01 is one row in a hundred";
        expect_share(implausible.as_ref(), "max_set_aside", &max_set_aside, such_as);
        Self {
            max_set_aside: max_set_aside.value,
            input: InputRules::parse(root.section("input").as_ref()),
            implausible: implausible_input::Rules::parse(implausible.as_ref()),
            withheld: switched_on(root, &WITHHELD_VALUE),
            unresolved: switched_on(root, &UNRESOLVED_REFERENCE),
        }
    }
}

impl Policies {
    /// The share of an input's rows that may be set aside before the packet counts as incomplete.
    pub fn max_set_aside(&self) -> f64 {
        self.batch.max_set_aside
    }

    /// When the input as a whole is not what it should be.
    pub fn input(&self) -> &InputRules {
        &self.batch.input
    }
}

fn switched_on(root: &Section<'_>, check: &CheckDef) -> Result<(), Off> {
    settings::switched_on(root.section(check.name).as_ref(), check)
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    settings::quoted(Family::Batch, line, says)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Rulebook;
    use super::*;
    use crate::policy::Log;

    #[test]
    fn the_rules_as_shipped_are_understood() {
        let log = Log::default();
        let files = BTreeMap::from([("batch.toml".to_owned(), Family::Batch.shipped().to_owned())]);
        let rulebook = Rulebook::parse(&files, &log);
        let policy = Policy::parse(&rulebook.root(Family::Batch, &log));
        let policy = log.finish(policy).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(policy.unresolved.is_ok() && policy.withheld.is_ok() && policy.implausible.is_ok());
        assert!((policy.max_set_aside - 0.01).abs() < f64::EPSILON);
        assert_eq!(policy.input, InputRules::parse(None), "the defaults are what is shipped");
    }

    #[test]
    fn a_table_looks_cut_when_it_lost_too_large_a_share_of_many_or_has_none_left() {
        let rules = InputRules::parse(None);
        for (before, left, cut) in [
            (201, 60, true),
            (201, 101, false),
            (201, 100, true),
            (40, 20, false),
            (39, 19, true),
            (30, 11, false),
            (187, 0, true),
            (1, 0, true),
            (0, 0, false),
            (60, 201, false),
        ] {
            assert_eq!(rules.looks_cut(before, left), cut, "{before} → {left}");
        }
    }
}
