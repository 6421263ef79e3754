//! OWN-11: the owner of a deal that is forecast for this fiscal quarter is inactive.
//!
//! Does not: offer anything but an escalation; a forecast and somebody's pay hang on the owner.

use crate::boundary::{Grant, Object};
use crate::finding::{Evidence, Proposal, Reach, Severity};

use super::super::forecast::{Forecast, Quarter};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::inactive_owner::{Case, IN_NO_INPUT, Unknown, departed, unknown};
use super::succession::{self, Succession};
use super::{Scope, UserFields, policy};

/// OWN-11.
pub(in super::super) const INACTIVE_OWNER_OF_COMMITTED_DEAL: CheckDef = CheckDef {
    code: "OWN-11",
    name: "inactive-owner-of-committed-deal",
    family: Family::Owners,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "The owner of an open deal is inactive, its close date lies in the fiscal quarter of the \
              review and its forecast category is one that somebody reports on.",
    consequence: "A number promised for this quarter has nobody who brings it in.",
    load,
};

/// The deals that the check speaks of, where it is on and sees what it needs.
pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Option<Forecast> {
    policies.owners.committed.as_ref().ok()?;
    Forecast::ask(grant, policies)
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    policies.owners.committed.clone()?;
    let forecast = Forecast::require(grant, policies)?;
    let scope = Scope::ask(&[Object::Deal], grant, policies)?.where_work_is_known();
    succession::ask(&scope, grant, policies);
    let users = UserFields::ask(grant).ok();
    Ok(Box::new(move |world| judge(&scope, users.as_ref(), &forecast, world)))
}

fn judge(
    scope: &Scope,
    users: Option<&UserFields>,
    forecast: &Forecast,
    world: &World<'_>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let people = world.people();
    if people.is_empty() {
        judgement.skip(Object::User, "no input says who is active");
        return judgement;
    }
    let (mut unsaid, mut unnamed) = (Vec::new(), Vec::new());
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let departed = departed(people, batch, &owned.owner);
        let unknown = unknown(people, batch, &owned.owner);
        for row in batch.reviewed() {
            judgement.examined += 1;
            let Some(value) = row.text(&owned.owner) else { continue };
            let Some(quarter) = forecast.quarter_of(world, row) else { continue };
            if owned.is_open(world, row) == Some(false) {
                continue;
            }
            let Some(owner) = departed.get(value) else {
                match unknown.get(value) {
                    Some(Unknown::State) => unsaid.push(row),
                    Some(Unknown::Person) => unnamed.push(row),
                    None => {}
                }
                continue;
            };
            let case = Case { world, owned, users, row, owner, forecast: Some(forecast) };
            judgement.findings.push(finding(&case, forecast, quarter));
        }
    }
    let why = "no state is known of some owners, so their deals were not judged";
    for (rows, why) in [(unsaid, why), (unnamed, IN_NO_INPUT)] {
        if !rows.is_empty() {
            judgement.skip_records(Object::User, rows, why);
        }
    }
    judgement
}

fn finding(case: &Case<'_, '_>, forecast: &Forecast, quarter: Quarter) -> crate::finding::Finding {
    let row = case.row;
    let (closes, category) = (row.cell(&forecast.close_date), row.cell(&forecast.category));
    let headline = format!(
        "{} and the deal is in this quarter's forecast ({}, closes {})",
        case.left(),
        category.shown(),
        closes.shown()
    );
    let succession = Succession::of(case.world, row, case.owner.person);
    let proposal = succession.proposal(row, &case.owned.owner, || Proposal::ReviewRecord {
        question:
            "Decide with the sales manager who carries this deal, its forecast and its credit"
                .to_owned(),
    });
    let rules = &forecast.rules;
    let finding = case
        .described(headline, proposal)
        .because(Evidence::Cell(closes))
        .because(Evidence::Cell(category))
        .because(policy(
            rules.fiscal_year_starts.line,
            format!(
                "the fiscal year starts in month {}: this quarter is {} to {}",
                *rules.fiscal_year_starts,
                quarter.first(),
                quarter.last()
            ),
        ))
        .because(policy(
            rules.categories.line,
            format!("forecast categories that count: {}", rules.categories.join(", ")),
        ))
        .reaching(Reach::Forecast)
        .reaching(Reach::Compensation)
        .escalate_only("a new owner changes this quarter's forecast and somebody's compensation")
        .unless("a manager may already carry the number outside of the owner field");
    succession.explain(finding)
}
