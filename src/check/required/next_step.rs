//! REQ-05: an open deal of a late stage has no next step ahead of it.
//!
//! Does not: read what the step is (that is free text), or propose a day; only the deal's owner knows one.

use chrono::NaiveDate;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::condition::When;
use super::super::deals::{self, DealState};
use super::super::ladder::{Ladders, UNSAID};
use super::super::settings::{self, days};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::stage::{FromStage, Places};
use super::{FILE, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-05",
    name: "next-step",
    family: Family::Required,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open deal has reached the stage from which the rules require a next step, and the \
              day of its next step is blank or lies more than `grace_days` before the day of the \
              review.",
    consequence: "Nobody is committed to do anything next, and the deal stays in the forecast while \
                  it goes cold.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    needs: Option<Needs>,
}

/// Which deals need a next step, and where its day stands.
#[derive(Debug, Clone)]
struct Needs {
    day: Field,
    from: FromStage,
    /// The line of `from`.
    line: usize,
    grace_days: Said<u32>,
    except: When,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let off = settings::is_off(section.as_ref());
        let needs = section.and_then(|section| Needs::parse(&section, ladders, boundary));
        Self { off, needs }
    }
}

impl Needs {
    fn parse(section: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Option<Self> {
        let grace_days = settings::count(Some(section), "grace_days", 0);
        let except = When::parse(section, "except", Object::Deal, boundary);
        if !section.has("from") {
            return None;
        }
        let from = FromStage::parse(section, Object::Deal, ladders);
        let line = section.node("from").map_or(0, |node| node.line);
        match boundary.field(Object::Deal, "next_step_date") {
            Ok(day) => Some(Self { day, from, line, grace_days, except }),
            Err(missing) => {
                section.problem_with_hint(
                    line,
                    missing.to_string(),
                    "allow the column that holds the day of a deal's next step, or take `from` out",
                );
                None
            }
        }
    }
}

/// The fields it reads beside those of the rules.
struct Asked {
    last_activity: Option<Field>,
    owner: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.required.next_step;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    let Some(needs) = rules.needs.clone() else {
        let write = "name the first stage that needs a next step in `from` of [next-step]";
        return Err(Off::NoPolicy { file: FILE, write });
    };
    deals::ask(grant, &policies.ladders);
    for flag in ["closed", "won"] {
        grant.optional(Object::Deal, flag);
    }
    grant.reads(&needs.day);
    needs.except.ask(grant);
    let asked = Asked {
        last_activity: grant.optional(Object::Deal, "last_activity"),
        owner: grant.optional(Object::Deal, "owner"),
    };
    Ok(Box::new(move |world| judge(world, &needs, &asked)))
}

fn judge(world: &World<'_>, needs: &Needs, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(batch) = world.batch(Object::Deal) else {
        judgement.skip(Object::Deal, "there is no input");
        return judgement;
    };
    if !batch.has(&needs.day) {
        let why = format!("the input has no `{}`", needs.day.name());
        judgement.skip_field(&needs.day, &why);
        return judgement;
    }
    let mut places = Places::of(world, Object::Deal);
    let mut unsaid = Vec::new();
    for deal in batch.reviewed() {
        let state = world.deals().state(world, deal);
        let is_over = matches!(state, Some(DealState::Won | DealState::Lost));
        if is_over || deal.is_withheld(&needs.day) {
            continue;
        }
        match (state, needs.from.reached(places.place(deal))) {
            (_, Some(false)) => continue,
            (Some(_), Some(true)) => {}
            (None, Some(true)) | (_, None) => {
                unsaid.push(deal);
                continue;
            }
        }
        judgement.examined += 1;
        let excepted = !needs.except.all.is_empty() && needs.except.holds(deal);
        // Where the field itself is required, REQ-01 asks for it.
        if excepted || world.policies.required.misses(world, deal, &needs.day) {
            continue;
        }
        let day = deal.named_day(&needs.day, world.as_of.zone);
        let late = day.map(|day| (world.as_of.day - day).num_days());
        if late.is_none_or(|late| late > i64::from(needs.grace_days.value)) {
            judgement.findings.push(finding(world, needs, asked, &places, deal, day));
        }
    }
    if !unsaid.is_empty() {
        let why = format!(
            "{} deals are not held against `from`: {UNSAID} does not say how far they have come",
            unsaid.len()
        );
        judgement.skip_records(Object::Deal, unsaid, &why);
    }
    judgement
}

fn finding(
    world: &World<'_>,
    needs: &Needs,
    asked: &Asked,
    places: &Places<'_>,
    deal: Row<'_>,
    day: Option<NaiveDate>,
) -> Finding {
    let step = deal.cell(&needs.day);
    let stage = places.ladder().map(|ladder| deal.cell(&ladder.field));
    let at = stage.as_ref().map_or_else(String::new, |stage| format!(" at {}", stage.shown()));
    let headline = match day {
        Some(day) => format!(
            "The next step of the open deal{at} was due {} ago",
            days((world.as_of.day - day).num_days())
        ),
        None => format!("{} of the open deal{at} is blank", title(&needs.day)),
    };
    let proposal = Proposal::FillField { before: step.clone(), ask: "the deal's owner".to_owned() };
    let mut finding = Finding::about(deal.record(), headline, Evidence::Cell(step), proposal);
    finding = stage.into_iter().map(Evidence::Cell).fold(finding, Finding::because);
    for field in [&asked.last_activity, &asked.owner].into_iter().flatten() {
        finding = finding.because(Evidence::Cell(deal.cell(field)));
    }
    for field in needs.except.fields() {
        finding = finding.because(Evidence::Cell(deal.cell(field)));
    }
    finding = finding.because(policy(
        needs.line,
        format!("an open deal needs a next step {}", needs.from.words()),
    ));
    if day.is_some() {
        let grace = &needs.grace_days;
        let allowed = match grace.value {
            0 => "its day may not lie in the past".to_owned(),
            grace => format!("its day may lie {} in the past", days(grace)),
        };
        finding = finding.because(policy(grace.line, allowed));
    }
    let active = asked.last_activity.as_ref().and_then(|field| deal.time(field));
    match active.map(|at| world.as_of.days_since(at)) {
        Some(ago) if ago < 0 => finding
            .unless(format!("an activity is planned in {}: it may be the next step", days(-ago))),
        Some(ago @ 0..=7) => finding.unless(format!(
            "the last activity was {} ago: the step may be done, and the next one not written down",
            days(ago)
        )),
        Some(_) | None => finding
            .unless("the next step may be kept in a calendar or in notes, which are not read"),
    }
}
