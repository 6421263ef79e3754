//! The duplicates family: one person or company twice, and people who stand beside their company.
//!
//! Does not: merge, convert or link anything; it proposes, with the case against it.

mod converted_twin;
mod crowds;
mod lead;
mod links;
mod matches;
mod merge;
mod policy;
mod same;
mod shared_identifier;
mod twin_deals;

use crate::boundary::{Field, Grant, Object};
use crate::check::Off;

pub(super) use converted_twin::CONVERTED_TWIN;
pub(super) use lead::{BELONGS_TO_ACCOUNT, LEAD_IS_CONTACT};
pub(super) use matches::Matches;
pub(crate) use policy::Policy;
pub use policy::shipped_lists;
pub(super) use same::{
    ALIAS_ADDRESS, SAME_COMPANY, SAME_PERSON, SIMILAR_COMPANY, SIMILAR_PERSON, UNSAFE_CLUSTER,
    WEAK_BRIDGE,
};
pub(super) use shared_identifier::SHARED_IDENTIFIER;
pub(super) use twin_deals::TWIN_DEALS;

/// Asks for the fields by which people and companies are known; a check that uses [`Matches`] calls it.
pub(super) fn ask(grant: &mut Grant<'_>) {
    for object in [Object::Lead, Object::Contact] {
        for name in links::names(object) {
            grant.optional(object, name);
        }
    }
    for name in links::names(Object::Account) {
        grant.optional(Object::Account, name);
    }
}

/// Those of some fields that are allowed: one is enough.
fn any_of<'n>(
    grant: &mut Grant<'_>,
    wanted: impl IntoIterator<Item = (Object, &'n str)>,
) -> Result<Vec<Field>, Off> {
    let mut fields = Vec::new();
    let mut refused = Vec::new();
    for (object, name) in wanted {
        match grant.field(object, name) {
            Ok(field) => fields.push(field),
            Err(missing) => refused.push(missing.into()),
        }
    }
    match Off::foremost(refused, grant) {
        Some(why) if fields.is_empty() => Err(why),
        Some(_) | None => Ok(fields),
    }
}
