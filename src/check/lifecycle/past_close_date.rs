//! LIF-13: an open deal whose close date has passed.
//!
//! Does not: propose a date; only the deal's owner knows one.

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::deals::{self, DealState};
use crate::check::ladder::{UNSAID, lists};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Reach, Severity};
use crate::policy::Said;

use super::{FILE, Settings, days, policy, said};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-13",
    name: "past-close-date",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A deal is open and its close date lies more than `grace_days` before the day of the \
              review.",
    consequence: "The pipeline counts money in a quarter that is over, and the forecast is wrong by \
                  that much.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    grace_days: Said<u32>,
    forecast: Said<Vec<String>>,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>) -> Self {
        Self {
            on: settings.on(),
            grace_days: settings.count("grace_days", 0),
            forecast: settings.texts("forecast", &["Commit", "Best Case"]),
        }
    }
}

/// The fields it reads.
struct Asked {
    close_date: Field,
    stage: Option<Field>,
    closed: Option<Field>,
    forecast: Option<Field>,
    push_count: Option<Field>,
    last_activity: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if !policies.lifecycle.past_close_date.on {
        return Err(CHECK.off_in_rules());
    }
    let ladder = policies.ladders.of(Object::Deal);
    let closed = grant.optional(Object::Deal, "closed");
    if ladder.is_none() && closed.is_none() {
        let write = "add [deal] with `field`, `order`, `won` and `lost`, or allow `deal.closed`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    deals::ask(grant, &policies.ladders);
    let asked = Asked {
        close_date: grant.field(Object::Deal, "close_date")?,
        stage: ladder.map(|ladder| ladder.field.clone()),
        closed,
        forecast: grant.optional(Object::Deal, "forecast"),
        push_count: grant.optional(Object::Deal, "push_count"),
        last_activity: grant.optional(Object::Deal, "last_activity"),
    };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(batch) = world.batch(Object::Deal) else {
        judgement.skip(Object::Deal, "there is no input for them");
        return judgement;
    };
    if !batch.has(&asked.close_date) {
        judgement.skip(Object::Deal, "the input has no column for `deal.close_date`");
        return judgement;
    }
    let mut unsaid = Vec::new();
    for deal in batch.reviewed() {
        let past = overdue(world, &asked.close_date, deal);
        if world.deals().state(world, deal) == Some(DealState::Open) {
            judgement.examined += 1;
            judgement.findings.extend(past.map(|past| finding(world, asked, deal, past)));
        } else if past.is_some() && world.deals().may_be_open(world, deal) {
            unsaid.push(deal);
        }
    }
    if !unsaid.is_empty() {
        let why = format!("{} past their close date with {UNSAID}", unsaid.len());
        judgement.skip_records(Object::Deal, unsaid, &why);
    }
    judgement
}

/// How many days an open deal is past its close date, where that is more than it may be.
fn overdue(world: &World<'_>, close_date: &Field, deal: Row<'_>) -> Option<i64> {
    let close = deal.time(close_date)?;
    let past = world.as_of.days_since(close);
    let grace = i64::from(world.policies.lifecycle.past_close_date.grace_days.value);
    (past > grace).then_some(past)
}

/// True when the check finds something about an open deal.
pub(super) fn finds(world: &World<'_>, deal: Row<'_>) -> bool {
    let close_date = world.policies.boundary.allowed(Object::Deal, "close_date");
    world.policies.lifecycle.past_close_date.on
        && close_date.is_some_and(|field| overdue(world, &field, deal).is_some())
}

fn finding(world: &World<'_>, asked: &Asked, deal: Row<'_>, past: i64) -> Finding {
    let rule = &world.policies.lifecycle.past_close_date;
    let close = deal.cell(&asked.close_date);
    let headline = format!(
        "{} is open {} after its close date of {}",
        world.titled(deal),
        days(past),
        said(deal, &asked.close_date)
    );
    let question =
        "When will it close, and on what evidence? If it will not, close it as lost".to_owned();
    let mut finding = Finding::about(
        deal.record(),
        headline,
        Evidence::Cell(close),
        Proposal::ReviewRecord { question },
    );
    let says_open = [&asked.stage, &asked.closed, &asked.push_count, &asked.last_activity];
    for field in says_open.into_iter().flatten().filter(|field| !deal.is_blank(field)) {
        finding = finding.because(Evidence::Cell(deal.cell(field)));
    }
    finding = finding.because(policy(
        rule.grace_days.line,
        format!("an open deal may be {} past its close date", days(rule.grace_days.value)),
    ));
    finding = forecast(rule, asked, deal, finding);
    doubts(world, asked, deal, past, finding)
}

/// A deal that somebody reports on is not the reviewer's alone to change.
fn forecast(rule: &Rule, asked: &Asked, deal: Row<'_>, mut finding: Finding) -> Finding {
    let Some(field) = &asked.forecast else {
        return finding.unless("`deal.forecast` is not allowed: somebody may be forecasting it");
    };
    finding = finding.because(Evidence::Cell(deal.cell(field)));
    if deal.text(field).is_some_and(|category| lists(&rule.forecast.value, category)) {
        let categories = rule.forecast.value.join(", ");
        finding = finding
            .because(policy(rule.forecast.line, format!("forecast categories: {categories}")))
            .reaching(Reach::Forecast);
    }
    finding
}

fn doubts(
    world: &World<'_>,
    asked: &Asked,
    deal: Row<'_>,
    past: i64,
    mut finding: Finding,
) -> Finding {
    if past <= 2 {
        finding = finding.unless("it may have closed these days and not be written down yet");
    }
    let active = asked.last_activity.as_ref().and_then(|field| deal.time(field));
    match active.map(|at| world.as_of.days_since(at)) {
        Some(ago @ 0..=14) => finding.unless(format!(
            "the last activity was {} ago: it may be alive, and only the date is wrong",
            days(ago)
        )),
        Some(ago) if ago < 0 => {
            finding.unless("an activity is planned: it may be alive, and only the date is wrong")
        }
        Some(_) | None => finding.unless(
            "it may have been decided, with only the stage left behind: ask before closing it",
        ),
    }
}
