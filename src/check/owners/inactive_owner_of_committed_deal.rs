//! OWN-11: the owner of a deal that is forecast for this fiscal quarter is inactive.
//!
//! Does not: offer anything but an escalation; a forecast and somebody's pay hang on the owner.

use chrono::{Datelike as _, Months, NaiveDate};

use crate::boundary::{Cell, Field, Grant, Object, Row};
use crate::finding::{Evidence, Proposal, Reach, Severity};
use crate::policy::{Said, Section};

use super::super::ladder::lists;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::inactive_owner::{Case, IN_NO_INPUT, Unknown, departed, unknown};
use super::succession::{self, Succession};
use super::{Scope, UserFields, policy, settings};

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

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    fiscal_year_starts: Said<u32>,
    forecast: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Result<Self, Off> {
        let section = root.section(INACTIVE_OWNER_OF_COMMITTED_DEAL.name);
        let section = section.as_ref();
        let mut fiscal_year_starts = settings::count(section, "fiscal_year_starts", 1);
        if !(1..=12).contains(&fiscal_year_starts.value) {
            if let Some(section) = section {
                section.problem_with_hint(
                    fiscal_year_starts.line,
                    format!(
                        "`fiscal_year_starts` is {}, which is no month",
                        fiscal_year_starts.value
                    ),
                    "1 for January to 12 for December",
                );
            }
            fiscal_year_starts.value = 1;
        }
        let forecast = settings::texts(section, "forecast", &["Commit", "Best Case", "Forecast"]);
        settings::switched_on(section, &INACTIVE_OWNER_OF_COMMITTED_DEAL)?;
        Ok(Self { fiscal_year_starts, forecast })
    }
}

/// Tells the deals that are forecast for this quarter.
#[derive(Debug, Clone)]
pub(super) struct Committed {
    close_date: Field,
    forecast: Field,
    rules: Rules,
}

impl Committed {
    /// `None` when OWN-11 is off or cannot see what it needs.
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Option<Self> {
        let rules = policies.owners.committed.clone().ok()?;
        if !grant.lists(Object::Deal) {
            return None;
        }
        Some(Self {
            close_date: grant.optional(Object::Deal, "close_date")?,
            forecast: grant.optional(Object::Deal, "forecast")?,
            rules,
        })
    }

    /// The forecast category of a deal that somebody reports on and that has no close date.
    pub(super) fn undated(&self, row: Row<'_>) -> Option<Cell> {
        let counts = lists(&self.rules.forecast, row.text(&self.forecast)?);
        (counts && row.time(&self.close_date).is_none()).then(|| row.cell(&self.forecast))
    }

    /// The quarter, when the record is a deal that is forecast for it.
    pub(super) fn holds(&self, world: &World<'_>, row: Row<'_>) -> Option<Quarter> {
        if row.object() != Object::Deal {
            return None;
        }
        let category = row.text(&self.forecast)?;
        let closes = row.named_day(&self.close_date, world.as_of.zone)?;
        let quarter = Quarter::of(world.as_of.day, *self.rules.fiscal_year_starts)?;
        (quarter.holds(closes) && lists(&self.rules.forecast, category)).then_some(quarter)
    }
}

/// Three months of a fiscal year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarter {
    first: NaiveDate,
    last: NaiveDate,
}

impl Quarter {
    /// The quarter a day lies in, when the fiscal year starts with that month (1 to 12).
    fn of(day: NaiveDate, year_starts: u32) -> Option<Self> {
        let into_year = (day.month() + 12 - year_starts) % 12;
        let first = day.with_day(1)?.checked_sub_months(Months::new(into_year % 3))?;
        let last = first.checked_add_months(Months::new(3))?.pred_opt()?;
        Some(Self { first, last })
    }

    fn holds(self, day: NaiveDate) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.committed.clone()?;
    let close_date = grant.field(Object::Deal, "close_date")?;
    let forecast = grant.field(Object::Deal, "forecast")?;
    let committed = Committed { close_date, forecast, rules };
    let scope = Scope::ask(&[Object::Deal], grant, policies)?.where_work_is_known();
    succession::ask(&scope, grant, policies);
    let users = UserFields::ask(grant).ok();
    Ok(Box::new(move |world| judge(&scope, users.as_ref(), &committed, world)))
}

fn judge(
    scope: &Scope,
    users: Option<&UserFields>,
    committed: &Committed,
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
            let Some(quarter) = committed.holds(world, row) else { continue };
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
            let case = Case { world, owned, users, row, owner, committed: Some(committed) };
            judgement.findings.push(finding(&case, committed, quarter));
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

fn finding(
    case: &Case<'_, '_>,
    committed: &Committed,
    quarter: Quarter,
) -> crate::finding::Finding {
    let row = case.row;
    let (closes, category) = (row.cell(&committed.close_date), row.cell(&committed.forecast));
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
    let rules = &committed.rules;
    let finding = case
        .described(headline, proposal)
        .because(Evidence::Cell(closes))
        .because(Evidence::Cell(category))
        .because(policy(
            rules.fiscal_year_starts.line,
            format!(
                "the fiscal year starts in month {}: this quarter is {} to {}",
                *rules.fiscal_year_starts, quarter.first, quarter.last
            ),
        ))
        .because(policy(
            rules.forecast.line,
            format!("forecast categories that count: {}", rules.forecast.join(", ")),
        ))
        .reaching(Reach::Forecast)
        .reaching(Reach::Compensation)
        .escalate_only("a new owner changes this quarter's forecast and somebody's compensation")
        .unless("a manager may already carry the number outside of the owner field");
    succession.explain(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(day: &str, year_starts: u32, expected: &str) {
        let quarter = Quarter::of(day.parse().unwrap(), year_starts).unwrap();
        assert_eq!(format!("{} {}", quarter.first, quarter.last), expected, "{day} {year_starts}");
    }

    #[test]
    fn quarters_follow_the_fiscal_year() {
        check("2026-03-01", 1, "2026-01-01 2026-03-31");
        check("2026-04-01", 1, "2026-04-01 2026-06-30");
        check("2026-03-31", 2, "2026-02-01 2026-04-30");
        check("2026-01-31", 2, "2025-11-01 2026-01-31");
        check("2026-01-15", 12, "2025-12-01 2026-02-28");
        check("2028-02-29", 12, "2027-12-01 2028-02-29");
        check("2026-03-01", 10, "2026-01-01 2026-03-31");
        check("2026-06-30", 7, "2026-04-01 2026-06-30");
    }
}
