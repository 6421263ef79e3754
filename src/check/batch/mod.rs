//! The batch family: what is wrong with the input before any record is judged.
//!
//! Does not: judge what a record means, or quote a value that was withheld.

mod implausible_input;
mod unresolved_reference;
mod withheld_value;

use crate::boundary::Boundary;
use crate::finding::Evidence;
use crate::policy::Section;

use super::{CheckDef, Family, Off, Policies, settings};

pub(super) use implausible_input::IMPLAUSIBLE_INPUT;
pub(super) use unresolved_reference::UNRESOLVED_REFERENCE;
pub(super) use withheld_value::WITHHELD_VALUE;

/// What the rules say. A check that is off says why.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    max_set_aside: f64,
    implausible: Result<implausible_input::Rules, Off>,
    withheld: Result<(), Off>,
    unresolved: Result<(), Off>,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, _boundary: &Boundary) -> Self {
        let implausible = root.section(IMPLAUSIBLE_INPUT.name);
        let max_set_aside = settings::number(implausible.as_ref(), "max_set_aside", 0.01);
        if let Some(section) = &implausible
            && !(0.0..=1.0).contains(&max_set_aside.value)
        {
            section.problem_with_hint(
                max_set_aside.line,
                "`max_set_aside` is not a share",
                "0.01 is one row in a hundred",
            );
        }
        Self {
            max_set_aside: max_set_aside.value,
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
    use crate::policy::{Document, Log};

    #[test]
    fn the_rules_as_shipped_are_understood() {
        let log = Log::default();
        let boundary = Boundary::parse(&Document::parse("", "", &Log::default()), &Log::default());
        let files = BTreeMap::from([("batch.toml".to_owned(), Family::Batch.shipped().to_owned())]);
        let rulebook = Rulebook::parse(&files, &log);
        let policy = Policy::parse(&rulebook.root(Family::Batch, &log), &boundary);
        let policy = log.finish(policy).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(policy.unresolved.is_ok() && policy.withheld.is_ok() && policy.implausible.is_ok());
        assert!((policy.max_set_aside - 0.01).abs() < f64::EPSILON);
    }
}
