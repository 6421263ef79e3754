//! Required fields: values that are missing, are none, or cannot be what the field holds.
//!
//! Does not: look after owners (the owners family does) or sources with better evidence (lead source does).

mod invalid;
mod missing;
mod placeholder;
mod routing_field;
mod stage;

use crate::boundary::{Boundary, Field, Object, Row};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::World;
use super::ladder::Ladders;

pub(super) use invalid::CHECK as INVALID;
pub(super) use missing::CHECK as MISSING_FOR_STAGE;
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
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        Self {
            missing: missing::Rules::parse(root, ladders, boundary),
            placeholder: placeholder::Rules::parse(root, boundary),
            invalid: invalid::Rules::parse(root, ladders, boundary),
            routing_field: routing_field::Rules::parse(root),
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
    let Some(known) = Object::parse(&object).filter(|known| Object::REVIEWED.contains(known))
    else {
        section.problem_with_hint(
            object.line,
            format!("`{}` is not a table under review", *object),
            "one of lead, contact, account, deal",
        );
        return None;
    };
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

/// A field's name in a sentence: `close date`.
fn label(field: &Field) -> String {
    field.name().replace('_', " ")
}

/// The field's name at the beginning of a sentence: `Close date`.
fn title(field: &Field) -> String {
    let label = label(field);
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A line of this family's rules as evidence; line 0 is a built-in default.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    let says = says.into();
    let says = if line == 0 { format!("{says} (default)") } else { says };
    Evidence::Policy { file: format!("rules/{FILE}"), line, says }
}
