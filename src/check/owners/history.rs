//! The latest change of some fields, from the CRM's field history.
//!
//! Does not: judge a change.

use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};

use crate::boundary::{Cell, Field, Grant, Object, Row, id_key};

use super::super::World;
use super::super::condition::fold;

/// The fields of the history table.
#[derive(Debug, Clone)]
pub(super) struct HistoryFields {
    record: Field,
    field: Field,
    changed: Field,
    old: Option<Field>,
    new: Option<Field>,
}

/// One change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) at: DateTime<Utc>,
    row: Row<'a>,
}

impl HistoryFields {
    /// Asks for the history where it is allowed.
    pub(super) fn ask(grant: &mut Grant<'_>) -> Option<Self> {
        if !grant.lists(Object::FieldHistory) {
            return None;
        }
        let mut field = |name: &str| grant.optional(Object::FieldHistory, name);
        Some(Self {
            record: field("record")?,
            field: field("field")?,
            changed: field("changed")?,
            old: field("old"),
            new: field("new"),
        })
    }

    /// Each record's latest change of one of some fields, of changes up to the review.
    /// History names a field as the rules do or as the CRM does.
    pub(super) fn latest<'a>(
        &self,
        world: &World<'a>,
        fields: &[&Field],
    ) -> HashMap<&'a str, Change<'a>> {
        let mut latest: HashMap<&'a str, Change<'a>> = HashMap::new();
        let Some(batch) = world.batch(Object::FieldHistory) else { return latest };
        let known: HashSet<String> = fields
            .iter()
            .flat_map(|field| field.from().iter().map(String::as_str).chain([field.name()]))
            .map(fold)
            .collect();
        let wanted: HashSet<&str> = batch
            .count_by(&self.field)
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| known.contains(&fold(name)))
            .collect();
        for row in batch.rows() {
            let is_wanted = row.text(&self.field).is_some_and(|name| wanted.contains(name));
            let (true, Some(record), Some(at)) =
                (is_wanted, row.text(&self.record), row.time(&self.changed))
            else {
                continue;
            };
            if at > world.as_of.instant {
                continue;
            }
            let change = Change { at, row };
            latest
                .entry(id_key(record.trim()))
                .and_modify(|held| {
                    if at > held.at {
                        *held = change;
                    }
                })
                .or_insert(change);
        }
        latest
    }

    /// The change as evidence: what, when, from what to what.
    pub(super) fn cells(&self, change: Change<'_>) -> Vec<Cell> {
        [Some(&self.field), self.old.as_ref(), self.new.as_ref(), Some(&self.changed)]
            .into_iter()
            .flatten()
            .map(|field| change.row.cell(field))
            .collect()
    }
}
