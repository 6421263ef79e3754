//! Which deals belong to which account and contact, and how each stands.
//!
//! Does not: judge a deal.

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Object, Row, id_key, ids};

use super::World;
use super::ladder::{Flags, Ladders, Standing};

/// How a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DealState {
    /// Being worked on.
    Open,
    /// Closed and won.
    Won,
    /// Closed and lost.
    Lost,
}

/// The deals of every account and contact.
#[derive(Debug, Default)]
pub(super) struct Deals<'a> {
    by_account: HashMap<&'a str, Vec<Row<'a>>>,
    by_contact: HashMap<&'a str, Vec<Row<'a>>>,
    flags: Flags,
}

/// Asks for the fields by which deals are told apart and linked.
pub(super) fn ask(grant: &mut Grant<'_>, world_ladders: &Ladders) {
    world_ladders.ask(Object::Deal, grant);
    for name in ["id", "account", "contact", "close_date", "closed_date", "type", "created"] {
        grant.optional(Object::Deal, name);
    }
}

/// The fields that tell when a deal closed.
#[derive(Debug, Clone, Default)]
pub(super) struct Closing {
    closed_date: Option<Field>,
    close_date: Option<Field>,
}

impl Closing {
    /// Asks for them.
    pub(super) fn ask(grant: &mut Grant<'_>) -> Self {
        Self {
            closed_date: grant.optional(Object::Deal, "closed_date"),
            close_date: grant.optional(Object::Deal, "close_date"),
        }
    }

    /// The field that says it of a deal: the day of closing, else the close date.
    pub(super) fn field(&self, deal: Row<'_>) -> Option<&Field> {
        let closed = self.closed_date.as_ref().filter(|field| !deal.is_blank(field));
        closed.or(self.close_date.as_ref())
    }

    /// When a deal closed, if it did; `None` where only the day is known on which that was expected.
    pub(super) fn at(&self, deal: Row<'_>) -> Option<DateTime<Utc>> {
        let field = self.field(deal)?;
        let at = deal.time(field)?;
        (!is_expectation(deal.cell(field).column())).then_some(at)
    }

    /// What keeps from knowing when a deal closed, in words.
    pub(super) fn unknown(&self, deal: Row<'_>) -> String {
        match self.field(deal).filter(|field| !deal.is_blank(field)) {
            Some(_) => format!("deal {} tells only when it was expected to close", deal.id()),
            None => format!("close_date of deal {} is blank", deal.id()),
        }
    }
}

/// True for a column that says of its dates that they are expected: `Deal - Expected close date`,
/// `Est. Close Date`. A `Close Date` is both, the day that is expected of open deals and the day on which the
/// others closed.
pub(super) fn is_expectation(column: &str) -> bool {
    const WORDS: [&str; 14] = [
        "expected",
        "estimated",
        "est",
        "planned",
        "target",
        "deadline",
        "voraussichtliches",
        "voraussichtlicher",
        "erwartetes",
        "geplantes",
        "previsto",
        "prevista",
        "prévue",
        "estimée",
    ];
    let mut words = column.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.any(|word| WORDS.contains(&word.as_str()))
}

impl<'a> Deals<'a> {
    pub(super) fn of(world: &World<'a>) -> Self {
        let boundary = &world.policies.boundary;
        let field = |name: &str| boundary.allowed(Object::Deal, name);
        let mut deals = Self { flags: Flags::of(boundary), ..Self::default() };
        let Some(batch) = world.batch(Object::Deal) else { return deals };
        let (account, contact) = (field("account"), field("contact"));
        for row in batch.rows() {
            if let Some(id) = account.as_ref().and_then(|field| row.text(field)) {
                for id in ids(id) {
                    deals.by_account.entry(id_key(id)).or_default().push(row);
                }
            }
            if let Some(id) = contact.as_ref().and_then(|field| row.text(field)) {
                for id in ids(id) {
                    deals.by_contact.entry(id_key(id)).or_default().push(row);
                }
            }
        }
        // An export has its rows in another order next week: of several deals the same one is told.
        for deals in deals.by_account.values_mut().chain(deals.by_contact.values_mut()) {
            deals.sort_by_key(|deal| deal.id());
        }
        deals
    }

    /// The deals of an account, by their ids.
    pub(super) fn of_account(&self, id: &str) -> &[Row<'a>] {
        self.by_account.get(id_key(id)).map_or(&[], Vec::as_slice)
    }

    /// The deals of a contact, by their ids.
    pub(super) fn of_contact(&self, id: &str) -> &[Row<'a>] {
        self.by_contact.get(id_key(id)).map_or(&[], Vec::as_slice)
    }

    /// How a deal stands; `None` when nothing in it says, or what it says contradicts itself.
    pub(super) fn state(&self, world: &World<'a>, deal: Row<'a>) -> Option<DealState> {
        match world.policies.ladders.deal(deal, &self.flags) {
            Standing::Known(state) => Some(state),
            Standing::Over | Standing::Unsaid | Standing::Contradicted => None,
        }
    }

    /// True where nothing in a deal says whether it is open, or what it says contradicts itself.
    pub(super) fn may_be_open(&self, world: &World<'a>, deal: Row<'a>) -> bool {
        let standing = world.policies.ladders.deal(deal, &self.flags);
        matches!(standing, Standing::Unsaid | Standing::Contradicted)
    }
}
