//! What the change of a record reaches beyond it: a forecast, or an account on the list of named ones.
//!
//! Every check's findings are marked here, by the records that they would change.
//! Does not: mark a question, which changes nothing; a check that asks one says itself what it touches.

use std::collections::{BTreeMap, BTreeSet};

use crate::boundary::{Batch, Boundary, Field, Object, RecordRef};
use crate::finding::{Evidence, Finding, Reach};

use super::forecast::Forecast;
use super::{Family, Policies, World, deals, settings};

/// Tells what records reach.
#[derive(Debug)]
pub(super) struct Reaching {
    forecast: Option<Forecast>,
    /// The named accounts by their places in their table, each with the line that names it.
    named: BTreeMap<usize, Evidence>,
}

/// The fields that it reads.
pub(super) fn reads(policies: &Policies, boundary: &Boundary) -> BTreeSet<Field> {
    let mut grant = boundary.grant();
    if Forecast::ask(&mut grant, policies).is_some() {
        deals::ask(&mut grant, &policies.ladders);
    }
    if policies.routing.names_accounts() {
        for name in ["name", "domain", "website"] {
            grant.optional(Object::Account, name);
        }
    }
    grant.into_reads()
}

impl Reaching {
    /// What the records of a world reach.
    pub(super) fn of(world: &World<'_>) -> Self {
        let World { policies, as_of, .. } = world;
        let named = |accounts: &Batch| {
            policies.routing.named_accounts(accounts, &policies.boundary, as_of.day)
        };
        Self {
            forecast: Forecast::ask(&mut policies.boundary.grant(), policies),
            named: world.batch(Object::Account).map(named).unwrap_or_default(),
        }
    }

    /// What the change of a record reaches, each with the rule that says so.
    fn reached(&self, world: &World<'_>, record: &RecordRef) -> Vec<(Reach, Evidence)> {
        let batch = world.batch(record.object);
        let Some(row) = batch.and_then(|batch| batch.find(&record.id)) else { return Vec::new() };
        let forecast = self.forecast.as_ref().filter(|forecast| forecast.holds(world, row));
        let forecast = forecast.map(|forecast| {
            let categories = &forecast.rules.categories;
            let says = format!(
                "open deals that close this fiscal quarter are in a forecast as {}",
                categories.join(", ")
            );
            (Reach::Forecast, settings::quoted(Family::Owners, categories.line, says))
        });
        let is_account = record.object == Object::Account;
        let named = self.named.get(&row.position()).filter(|_| is_account);
        let named = named.map(|line| (Reach::NamedAccount, line.clone()));
        forecast.into_iter().chain(named).collect()
    }
}

impl World<'_> {
    /// A finding with what its change would reach.
    pub(super) fn marked(&self, finding: Finding) -> Finding {
        let changed = finding.changed().into_iter();
        let reached: Vec<_> =
            changed.flat_map(|record| self.reaching().reached(self, record)).collect();
        reached.into_iter().fold(finding, |finding, (reach, rule)| {
            if finding.reach.contains(&reach) {
                finding
            } else {
                finding.because(rule).reaching(reach)
            }
        })
    }
}
