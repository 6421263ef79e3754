//! OWN-02: a record has no owner.
//!
//! Does not: speak of closed work, or of records the rules leave without an owner on purpose.

use chrono::{DateTime, Utc};

use crate::boundary::{Field, Grant, Object, Row, id_key};
use crate::finding::{Evidence, Finding, Proposal, Severity, unknown_field};
use crate::policy::{Said, Section};

use super::super::condition::Conditions;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, people};
use super::succession::{self, Succession};
use super::{Owned, Scope, days, doubt, policy, settings};

/// OWN-02.
pub(in super::super) const NO_OWNER: CheckDef = CheckDef {
    code: "OWN-02",
    name: "no-owner",
    family: Family::Owners,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "The owner is blank on a record that is not closed and older than `after_hours`, and \
              that the rules do not leave without an owner on purpose.",
    consequence: "Nobody works the record, and no report by owner, team or region counts it.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    after_hours: Said<f64>,
    unowned_ok: Conditions,
}

impl Rules {
    pub(super) fn parse(
        root: &Section<'_>,
        boundary: &crate::boundary::Boundary,
    ) -> Result<Self, Off> {
        let section = root.section(NO_OWNER.name);
        let section = section.as_ref();
        let rules = Self {
            objects: settings::objects(section, &Object::REVIEWED),
            after_hours: settings::number(section, "after_hours", 24.0),
            unowned_ok: Conditions::parse(section, "unowned_ok", boundary),
        };
        settings::switched_on(section, &NO_OWNER)?;
        Ok(rules)
    }
}

/// What else is read of a record without an owner.
#[derive(Debug, Clone)]
struct Around {
    created: Vec<Field>,
    account: Vec<Field>,
    account_owner: Option<Field>,
    opted_out: Vec<Field>,
}

impl Around {
    fn ask(scope: &Scope, grant: &mut Grant<'_>) -> Self {
        let mut each = |name: &str| -> Vec<Field> {
            scope.owned.iter().filter_map(|owned| grant.optional(owned.object, name)).collect()
        };
        let (created, account, opted_out) = (each("created"), each("account"), each("opted_out"));
        let account_owner =
            if account.is_empty() { None } else { grant.optional(Object::Account, "owner") };
        Self { created, account, account_owner, opted_out }
    }
}

/// The one of some fields that belongs to a record's object.
fn of<'f>(fields: &'f [Field], row: Row<'_>) -> Option<&'f Field> {
    fields.iter().find(|field| field.object() == row.object())
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.unowned.clone()?;
    let scope = Scope::ask(&rules.objects, grant, policies)?;
    succession::ask(&scope, grant, policies);
    let around = Around::ask(&scope, grant);
    rules.unowned_ok.ask(&rules.objects, grant);
    // Names the people that routing rules give records to; the check does without.
    let _ = people::ask(grant);
    Ok(Box::new(move |world| judge(&rules, &scope, &around, world)))
}

fn judge(rules: &Rules, scope: &Scope, around: &Around, world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    for (owned, batch) in scope.tables(world, &mut judgement) {
        for row in batch.reviewed() {
            judgement.examined += 1;
            if row.text(&owned.owner).is_some() || row.is_withheld(&owned.owner) {
                continue;
            }
            // A creation that lies ahead says nothing of the record's age.
            let created = of(&around.created, row).and_then(|field| row.time(field));
            let created = created.filter(|at| !world.as_of.is_ahead(*at));
            let young = created
                .is_some_and(|created| world.as_of.hours_since(created) <= rules.after_hours.value);
            let excused = rules.unowned_ok.hold(row) || owned.is_nobodys(row);
            if young || excused || owned.is_open(world, row) == Some(false) {
                continue;
            }
            judgement.findings.push(finding(rules, around, owned, world, row, created));
        }
    }
    judgement
}

fn finding<'a>(
    rules: &Rules,
    around: &Around,
    owned: &Owned,
    world: &World<'a>,
    row: Row<'a>,
    created: Option<DateTime<Utc>>,
) -> Finding {
    let object = owned.object;
    let old = created.map(|created| match world.as_of.hours_since(created) {
        hours if hours < 72.0 => format!("{hours:.0} hours"),
        _ => days(world.as_of.days_since(created)),
    });
    let headline = match &old {
        Some(old) => format!("The {object} has no owner, {old} after it was created"),
        None => format!("The {object} has no owner"),
    };
    let succession = Succession::of(world, row, None);
    let proposal = succession.proposal(row, &owned.owner, || Proposal::FillField {
        before: row.cell(&owned.owner),
        ask: "whoever assigns the team's records".to_owned(),
    });
    let mut finding =
        Finding::about(row.record(), headline, Evidence::Cell(row.cell(&owned.owner)), proposal)
            .of_field(&owned.owner)
            .because(policy(
                rules.after_hours.line,
                format!("an owner is due {} hours after creation", rules.after_hours.value),
            ));
    match of(&around.created, row) {
        Some(field) => {
            finding = finding.because(Evidence::Cell(row.cell(field)));
            if created.is_none() {
                let ahead = || format!("{field} lies ahead of the review");
                finding = finding.lacking(unknown_field(row, field).unwrap_or_else(ahead));
            }
        }
        None => finding = finding.lacking(format!("{object}.created is not read")),
    }
    if let Some(work) = owned.work(row) {
        finding = finding.because(Evidence::Cell(work));
    }
    finding = accounts_owner(around, world, row, finding);
    if let Some(opted_out) = of(&around.opted_out, row)
        && row.flag(opted_out) == Some(true)
    {
        finding = finding
            .because(Evidence::Cell(row.cell(opted_out)))
            .unless(format!("the {object} opted out: it may be left without an owner on purpose"));
    }
    if owned.is_open(world, row).is_none() {
        finding = finding.unless(format!(
            "nothing in the {object} says whether it is open work: closed ones need no owner"
        ));
    }
    finding = owned.with_work(world, row, finding);
    finding = owned.with_life(world, row, None, finding);
    let doubts = owned.signs_of_life(world, row, None).into_iter();
    finding = doubts.chain(doubt(&rules.unowned_ok, row)).fold(finding, Finding::unless);
    if finding.doubts.is_empty() {
        finding = finding.unless(format!(
            "this {object} may be left without an owner on purpose; `unowned_ok` in \
             rules/owners.toml can say so"
        ));
    }
    succession.explain(finding)
}

/// The owner of the record's account may be working it.
fn accounts_owner<'a>(
    around: &Around,
    world: &World<'a>,
    row: Row<'a>,
    finding: Finding,
) -> Finding {
    let account = of(&around.account, row)
        .and_then(|field| row.text(field))
        .and_then(|id| world.batch(Object::Account)?.find(id_key(id)));
    match (account, &around.account_owner) {
        (Some(account), Some(owner)) if !account.is_blank(owner) => {
            let cell = account.cell(owner);
            let doubt = format!(
                "its account has an owner ({}), who may be working it",
                world.somebody(&cell)
            );
            finding.because(Evidence::Cell(cell)).unless(doubt)
        }
        _ => finding,
    }
}
