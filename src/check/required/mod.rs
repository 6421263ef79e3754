//! Required fields: values that are missing, are none, or cannot be what the field holds.
//!
//! Does not: look after owners (the owners family does) or sources with better evidence (lead source does).

mod fill_rate;
mod invalid;
mod missing;
mod next_step;
mod placeholder;
mod routing_field;
mod stage;

use crate::boundary::{Boundary, Field, Object, Row};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::ladder::Ladders;
use super::settings::{label, quoted, reviewed, title};
use super::{Family, World};

pub(super) use fill_rate::CHECK as FILL_RATE_DROP;
pub(super) use invalid::CHECK as INVALID;
pub(super) use missing::CHECK as MISSING_FOR_STAGE;
pub(super) use next_step::CHECK as NEXT_STEP;
pub(super) use placeholder::CHECK as PLACEHOLDER;
pub(super) use routing_field::CHECK as ROUTING_FIELD_BLANK;

const FILE: &str = "required.toml";

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    missing: missing::Rules,
    placeholder: placeholder::Rules,
    invalid: invalid::Rules,
    routing_field: routing_field::Rules,
    next_step: next_step::Rules,
    fill_rate: fill_rate::Rules,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        Self {
            missing: missing::Rules::parse(root, ladders, boundary),
            placeholder: placeholder::Rules::parse(root, boundary),
            invalid: invalid::Rules::parse(root, ladders, boundary),
            routing_field: routing_field::Rules::parse(root),
            next_step: next_step::Rules::parse(root, ladders, boundary),
            fill_rate: fill_rate::Rules::parse(root),
        }
    }

    /// True when REQ-01 has a finding about this field of this record.
    pub(super) fn misses<'a>(&self, world: &World<'a>, row: Row<'a>, field: &Field) -> bool {
        self.missing.speaks_of(world, row, field)
    }

    /// True when the value is a placeholder and none of those the rules allow.
    pub(super) fn is_placeholder(&self, row: Row<'_>, field: &Field) -> bool {
        self.placeholder.speaks_of(row, field)
    }
}

/// The object that an entry is about, and its field; problems where either is not known.
fn object_and_field(section: &Section<'_>, boundary: &Boundary) -> Option<(Object, Said<Field>)> {
    let object = section.required_text("object");
    let name = section.required_text("field");
    let (object, name) = (object?, name?);
    let known = reviewed(section, &object)?;
    match boundary.field(known, &name) {
        Ok(field) => Some((known, Said { value: field, line: name.line })),
        Err(missing) => {
            section.problem_with_hint(
                name.line,
                missing.to_string(),
                "a rule can only use fields that are allowed and explained",
            );
            None
        }
    }
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    quoted(Family::Required, line, says)
}
