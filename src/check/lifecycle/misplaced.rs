//! Which records stand in the wrong stage by LIF-01, LIF-02, LIF-04 or LIF-05: that fault comes first.
//!
//! Does not: find anything itself.

use hashbrown::HashSet;

use crate::boundary::{Grant, Object, Row};
use crate::check::history::History;
use crate::check::{Policies, World};

use super::customer_without_won_deal::{self as unproven, Claims};
use super::opportunity_without_deal::{self as without_deal, Opportunities};
use super::{stage_regression, won_deal_not_customer};

/// What those checks read, as far as they are on.
pub(super) struct Asked {
    unproven: Option<unproven::Asked>,
    won: Option<won_deal_not_customer::Asked>,
    without_deal: Option<without_deal::Asked>,
    history: Option<History>,
}

impl Asked {
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Self {
        Self {
            unproven: unproven::Asked::ask(grant, policies).ok(),
            won: won_deal_not_customer::Asked::ask(grant, policies).ok(),
            without_deal: without_deal::Asked::ask(grant, policies).ok(),
            history: stage_regression::ask(grant, policies).ok(),
        }
    }
}

/// The records that those checks find.
pub(super) struct Misplaced<'w, 'a> {
    world: &'w World<'a>,
    claims: Option<Claims<'w, 'a>>,
    won: Option<&'w won_deal_not_customer::Asked>,
    opportunities: Option<Opportunities<'w, 'a>>,
    fallen: HashSet<(Object, usize)>,
}

impl<'w, 'a> Misplaced<'w, 'a> {
    pub(super) fn of(world: &'w World<'a>, asked: &'w Asked) -> Self {
        let fallen = asked.history.as_ref().map(|it| stage_regression::fallen(world, it));
        Self {
            world,
            claims: asked.unproven.as_ref().map(|asked| Claims::of(world, asked)),
            won: asked.won.as_ref(),
            opportunities: asked.without_deal.as_ref().map(|it| Opportunities::of(world, it)),
            fallen: fallen.unwrap_or_default(),
        }
    }

    /// True when one of those checks finds something about the record.
    pub(super) fn holds(&self, row: Row<'a>) -> bool {
        self.fallen.contains(&(row.object(), row.position()))
            || self.claims.as_ref().is_some_and(|claims| claims.finds(row))
            || self.won.is_some_and(|won| won_deal_not_customer::finds(self.world, won, row))
            || self.opportunities.as_ref().is_some_and(|it| it.finds(row))
    }

    /// True when LIF-02 holds the record against its won deals, whether or not it finds something: then
    /// whether it ought to be a customer is said.
    pub(super) fn is_held_against_won_deals(&self, row: Row<'a>) -> bool {
        self.won.is_some() && won_deal_not_customer::looks_at_won_deals(self.world, row)
    }
}
