//! SRC-06: the person was first touched after the record, or the first meeting, was there.
//!
//! Does not: judge imports, whose records are there before the person is seen.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use hashbrown::HashMap;

use crate::boundary::{Cell, Field, Grant, Object, Row, is_bare_day};
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::super::condition::fold;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::touch::{self, Touch};
use super::{FILE, People, Policy, Sourced, count, days_between, policy, relative};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-06",
    name: "impossible-order",
    family: Family::LeadSource,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "The first touch that the source stands for (when the person was first seen, or the \
              first answer to a campaign of just that source) lies after the record's creation or \
              first meeting by more than the tolerance.",
    consequence: "Credit goes to something that happened when the person was already known.",
    load,
};

/// A source's fields and the dates that bear on it.
struct Dated {
    sourced: Sourced,
    first_seen: Option<Field>,
    first_meeting: Option<Field>,
}

impl Dated {
    fn of(sourced: &Sourced, mut field: impl FnMut(&str) -> Option<Field>) -> Self {
        Self {
            first_seen: field("first_seen"),
            first_meeting: field("first_meeting"),
            sourced: sourced.clone(),
        }
    }
}

/// True when the check would have a finding about the record, were its source this one.
pub(super) fn speaks_against(
    world: &World<'_>,
    row: Row<'_>,
    sourced: &Sourced,
    source: &str,
) -> bool {
    let rules = &world.policies.lead_source;
    let boundary = &world.policies.boundary;
    let dated = Dated::of(sourced, |name| boundary.allowed(sourced.object, name));
    let first = first_touch(rules, world, row, &dated, source);
    !rules.is_off(&CHECK)
        && !rules.import_sources.contains(&fold(source))
        && first
            .zip(anchor(row, &dated))
            .is_some_and(|(first, (then, _))| is_late(rules, first.at(), then, world.as_of.zone))
}

/// True where a first touch lies behind what was there by more than the tolerance. Of a day without a time
/// nobody knows the hour.
fn is_late(rules: &Policy, first: DateTime<Utc>, then: DateTime<Utc>, zone: Tz) -> bool {
    match days_between(first, then, zone) {
        Some(days) => Duration::days(days) > rules.tolerance(),
        None => first > then + rules.tolerance(),
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.lead_source;
    if rules.is_off(&CHECK) {
        return Err(CHECK.off_in_rules());
    }
    let people = People::ask(grant)?;
    let campaigns = !rules.campaign_sources.is_empty() && touch::ask(grant).is_ok();
    let dated: Vec<_> = people
        .ready
        .iter()
        .map(|sourced| Dated::of(sourced, |name| grant.optional(sourced.object, name)))
        .filter(|dated| campaigns || dated.first_seen.is_some())
        .collect();
    if dated.is_empty() {
        let write = "allow `first_seen` in rules/boundary.toml, or fill in [campaign-sources]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    Ok(Box::new(move |world| {
        let mut judgement = people.judgement();
        for dated in &dated {
            judge(world, dated, &mut judgement);
        }
        judgement
    }))
}

/// The first touch that a source stands for.
enum First<'t, 'a> {
    /// The person was first seen.
    Seen(DateTime<Utc>, Cell),
    /// A campaign of just that source was answered.
    Answer(Touch<'t, 'a>),
}

impl First<'_, '_> {
    fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Seen(at, _) => *at,
            Self::Answer(touch) => touch.at,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Seen(..) => "the person was first seen".to_owned(),
            Self::Answer(touch) => format!("{} was first answered", touch.words()),
        }
    }
}

fn first_touch<'t, 'a>(
    rules: &Policy,
    world: &'t World<'a>,
    row: Row<'_>,
    dated: &Dated,
    source: &str,
) -> Option<First<'t, 'a>> {
    if let Some(field) = &dated.first_seen
        && let Some(at) = row.time(field)
    {
        return Some(First::Seen(at, row.cell(field)));
    }
    let touch = world.touches().first(row)?;
    let stands_for = touch.mapped(&rules.campaign_sources)?;
    (fold(stands_for) == fold(source)).then_some(First::Answer(touch))
}

/// What was there before the first touch, and when.
fn anchor<'d>(row: Row<'_>, dated: &'d Dated) -> Option<(DateTime<Utc>, &'d Field)> {
    let fields = [Some(&dated.sourced.created), dated.first_meeting.as_ref()];
    fields
        .into_iter()
        .flatten()
        .filter_map(|field| Some((row.time(field)?, field)))
        .min_by_key(|(at, _)| *at)
}

fn judge(world: &World<'_>, dated: &Dated, judgement: &mut Judgement) {
    let rules = &world.policies.lead_source;
    let Sourced { object, source, created } = &dated.sourced;
    let Some(batch) = world.batch(*object) else {
        judgement.skip(*object, "there is no input");
        return;
    };
    let zone = world.as_of.zone;
    let answers_are_unknown = !rules.campaign_sources.is_empty() && touch::are_unknown(world);
    let (mut found, mut untold) = (Vec::new(), Vec::new());
    for row in batch.reviewed() {
        let Some(value) = row.text(source) else { continue };
        let Some((then, anchor)) = anchor(row, dated) else { continue };
        if rules.is_weak(Some(value))
            || rules.import_sources.contains(&fold(value))
            || world.overwritten().speaks_of(row)
        {
            continue;
        }
        let Some(first) = first_touch(rules, world, row, dated, value) else {
            untold.extend(answers_are_unknown.then_some(row));
            continue;
        };
        judgement.examined += 1;
        if is_late(rules, first.at(), then, zone) {
            found.push((row, first, then, anchor));
        }
    }
    if batch.has(source) && untold.is_empty() {
        judgement.look_through(*object);
    }
    if !untold.is_empty() {
        let who = count(untold.len(), *object);
        let why = format!("there is no input: what was the first touch of {who} is not known");
        judgement.skip_records(Object::CampaignMember, untold, &why);
    }
    if found.is_empty() {
        return;
    }
    let mut together: HashMap<DateTime<Utc>, usize> =
        found.iter().filter_map(|(row, ..)| Some((timed(*row, created, zone)?, 0))).collect();
    for row in batch.rows() {
        if let Some(count) = row.time(created).and_then(|at| together.get_mut(&at)) {
            *count += 1;
        }
    }
    for (row, first, then, anchor) in found {
        let made = timed(row, created, zone).and_then(|at| together.get(&at).copied()).unwrap_or(1);
        judgement.findings.push(finding(rules, row, dated, &first, (then, anchor), made, zone));
    }
}

/// The instant of creation, unless only its day is known.
fn timed(row: Row<'_>, created: &Field, zone: Tz) -> Option<DateTime<Utc>> {
    row.time(created).filter(|at| !is_bare_day(*at, zone))
}

fn finding(
    rules: &Policy,
    row: Row<'_>,
    dated: &Dated,
    first: &First<'_, '_>,
    (then, anchor): (DateTime<Utc>, &Field),
    made: usize,
    zone: Tz,
) -> Finding {
    let Sourced { object, source, created } = &dated.sourced;
    let cell = row.cell(source);
    let event = if anchor == created {
        format!("the {object} was created")
    } else {
        "the first meeting".to_owned()
    };
    let headline = format!(
        "Lead source is {}, but {} {} {event}",
        cell.shown(),
        first.words(),
        relative(first.at(), then, "at the time", zone)
    );
    let question = format!("What brought this {object}, if it was there before the first touch?");
    let hours = rules.tolerance_hours.value;
    let mut finding = Finding::about(
        row.record(),
        headline,
        Evidence::Cell(cell),
        Proposal::ReviewRecord { question },
    )
    .because(Evidence::Cell(row.cell(anchor)))
    .because(policy(
        rules.tolerance_hours.line,
        format!("a first touch comes at most {hours} hours after the record"),
    ));
    finding = match first {
        First::Seen(_, cell) => finding.because(Evidence::Cell(cell.clone())),
        First::Answer(touch) => touch.quote(finding),
    };
    if made >= 10 {
        finding = finding.unless(format!(
            "{made} {} were created in the very same moment: an import, and then the order is no wonder",
            object.plural()
        ));
    }
    finding.unless(match first {
        First::Seen(..) => {
            "The first visit may have been recorded late: tracking came later, or another browser was used before"
        }
        First::Answer(_) => {
            "The campaign's members may have been entered after the event, on the day of the upload"
        }
    })
}
