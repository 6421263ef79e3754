//! RTE-07: the time from routing to the first meaningful touch, in business hours.
//!
//! Two clocks are kept apart: what the system took to give the record to somebody, and what that
//! somebody took to touch it. Only the second is measured against the service level.
//! Does not: belong to the chain; a record can be late and in wrong hands.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::boundary::{Boundary, Field, Grant, Object, Row, is_bare_day, named_day, start_of_day};
use crate::check::condition::When;
use crate::check::history::{History, Latest};
use crate::check::ladder::Flags;
use crate::check::lint::{Line, Takes};
use crate::check::settings::days;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Reach, Severity, unknown_field};
use crate::policy::{Section, Value};

use super::Plan;
use super::calendar::{Calendar, Hours};
use super::routed::{OpenMemo, any_holds};

/// RTE-07.
pub(in crate::check) const SERVICE_LEVEL: CheckDef = CheckDef {
    code: "RTE-07",
    name: "service-level",
    family: Family::Routing,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "More business hours than the service level allows lie between the assignment of an \
        open record and its first touch after that, or the review when nobody touched it.",
    consequence: "Somebody who asked for a call waits longer than was promised.",
    load,
};

/// How long calendars reach back; what was given to somebody before that is not judged.
const YEARS: i32 = 10;

/// `[service-level]` for one object.
#[derive(Debug, Clone)]
pub(super) struct ServiceLevel {
    hours: Hours,
    zone: Option<Tz>,
    targets: Vec<Target>,
    except: When,
    look_back_days: i64,
    file: String,
    hours_said: (usize, String),
    first_touch: Option<Field>,
}

#[derive(Debug, Clone)]
struct Target {
    line: usize,
    when: When,
    within_hours: f64,
}

impl ServiceLevel {
    /// Reads the section.
    pub(super) fn parse(root: &Section<'_>, object: Object, boundary: &Boundary) -> Option<Self> {
        let section = root.section("service-level")?;
        section.flag("off");
        let mut targets = Vec::new();
        for target in section.sections("target") {
            let when = When::parse(&target, "when", object, boundary);
            match target.number("within_hours") {
                Some(hours) if hours.value > 0.0 => {
                    let (line, within_hours) = (target.line(), hours.value);
                    targets.push(Target { line, when, within_hours });
                }
                Some(hours) => target.problem(hours.line, "a service level is above zero hours"),
                None => target.missing("within_hours"),
            }
        }
        if targets.is_empty() {
            section.problem_with_hint(
                section.line(),
                "there is no [[service-level.target]]",
                "say `within_hours`, and `when` it holds",
            );
        }
        let except = When::parse(&section, "except", object, boundary);
        let look_back = section.count("look_back_days").map_or(90, |said| said.value.into());
        let zone = section.text("zone").and_then(|said| {
            let zone = said.trim().parse().ok();
            if zone.is_none() {
                section.problem_with_hint(
                    said.line,
                    format!("`{}` is no time zone", said.value),
                    "an IANA name such as Europe/Berlin",
                );
            }
            zone
        });
        let holidays = holidays(&section);
        let said = section.required_text("hours")?;
        let Some(hours) = Hours::parse(&said, holidays) else {
            section.problem_with_hint(
                said.line,
                format!("`{}` are no business hours", said.value),
                "like \"Mon-Fri 09:00-18:00, Sat 10:00-14:00\", or \"always\"",
            );
            return None;
        };
        Some(Self {
            hours,
            zone,
            targets,
            except,
            look_back_days: look_back,
            file: section.file().to_owned(),
            hours_said: (said.line, said.value.to_owned()),
            first_touch: boundary.allowed(object, "first_touch"),
        })
    }

    /// The targets as lines of an ordered list.
    pub(super) fn lines(&self) -> Vec<Line> {
        let targets = self.targets.iter().enumerate();
        targets
            .map(|(at, target)| Line {
                rule: at,
                name: format!("the service level for {}", target.when.words()),
                file: self.file.clone(),
                line: target.line,
                conditions: target.when.all.clone(),
                since: None,
                until: None,
                outcome: format!("within {} hours", target.within_hours),
                takes: Takes::All,
            })
            .collect()
    }

    /// The shortest service level: who answers within it is never late.
    fn shortest(&self) -> f64 {
        self.targets.iter().map(|target| target.within_hours).fold(f64::INFINITY, f64::min)
    }

    fn target(&self, row: Row<'_>) -> Option<&Target> {
        self.targets.iter().find(|target| target.when.holds(row))
    }
}

fn holidays(section: &Section<'_>) -> BTreeSet<NaiveDate> {
    let mut days = BTreeSet::new();
    let Some(node) = section.node("holidays") else { return days };
    let Value::List(items) = &node.value else {
        section.problem(node.line, "`holidays` is a list of dates");
        return days;
    };
    for item in items {
        if let Value::Date(day) = &item.value {
            days.insert(*day);
        } else {
            section.problem(item.line, "a holiday is a date like 2026-12-25, without quotes");
        }
    }
    days
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.routing;
    if policy.off.contains(SERVICE_LEVEL.name) {
        return Err(SERVICE_LEVEL.off_in_rules());
    }
    let plans: Vec<Plan> =
        policy.plans.iter().filter(|plan| plan.service_level.is_some()).cloned().collect();
    let Some(first) = plans.first().map(|plan| plan.object) else {
        let write = "add [service-level] with `hours` and a [[service-level.target]]";
        return Err(Off::NoPolicy { file: "routing.toml", write });
    };
    let mut complete = false;
    for plan in &plans {
        let object = plan.object;
        let needed = ["owner", "created", "first_touch"].map(|name| grant.optional(object, name));
        complete |= needed.iter().all(Option::is_some);
        grant.optional(object, "assigned");
        for name in ["last_activity", "do_not_route"] {
            grant.optional(object, name);
        }
        policies.ladders.ask(object, grant);
        if let Some(level) = &plan.service_level {
            level.except.ask(grant);
            level.targets.iter().for_each(|target| target.when.ask(grant));
        }
    }
    if !complete {
        for name in ["owner", "created", "first_touch"] {
            grant.field(first, name)?;
        }
    }
    let history = History::ask(grant).ok();
    let flags = Flags::ask(grant);
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for plan in &plans {
            judge(world, plan, history.as_ref(), &flags, &mut judgement);
        }
        judgement
    }))
}

/// What every record of one object is measured with.
struct Clocks<'w, 'a> {
    world: &'w World<'a>,
    level: &'w ServiceLevel,
    created: &'w Field,
    touched: &'w Field,
    assigned: Option<&'w Field>,
    last_activity: Option<&'w Field>,
    calendar: Calendar<'w>,
    history: Option<&'w History>,
    /// When the present owner of a record got it, by the history.
    handed_over: Latest<'a>,
}

/// One record's clocks.
#[derive(Debug, Clone, Copy)]
struct Times {
    created: DateTime<Utc>,
    /// When the owner got it, if a date says so.
    assigned: Option<DateTime<Utc>>,
    /// From when the owner's clock runs: the assignment, else the creation.
    since: DateTime<Utc>,
    touched: Option<DateTime<Utc>>,
    /// Until when the owner's clock runs: the first touch after the assignment, else the review.
    until: DateTime<Utc>,
    end: End,
    human_hours: f64,
}

/// What stops the owner's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The first touch.
    Touch,
    /// The first touch on file came before the assignment; the last activity stops the clock.
    Activity,
    /// Nobody touched it.
    Review,
}

fn judge(
    world: &World<'_>,
    plan: &Plan,
    history: Option<&History>,
    flags: &Flags,
    judgement: &mut Judgement,
) {
    let Some(level) = &plan.service_level else { return };
    let (Some(owner), Some(created), Some(touched)) =
        (&plan.owner, &plan.created, &level.first_touch)
    else {
        judgement.skip(plan.object, "owner, created or first_touch is not in rules/boundary.toml");
        return;
    };
    let Some(batch) = world.batch(plan.object) else {
        judgement.skip(plan.object, "there was no input");
        return;
    };
    if !batch.has(touched) {
        judgement.skip(plan.object, "the input has no column for first_touch");
        return;
    }
    let day = world.as_of.day;
    let first = day.with_day(1).and_then(|day| day.with_year(day.year() - YEARS)).unwrap_or(day);
    let zone = level.zone.unwrap_or(world.as_of.zone);
    let start = start_of_day(first, zone);
    let last = world.as_of.end().with_timezone(&zone).date_naive();
    let clocks = Clocks {
        world,
        level,
        created,
        touched,
        assigned: plan.assigned.as_ref(),
        last_activity: plan.last_activity.as_ref(),
        // The review's day may end a day later, or two, where the zone is another.
        calendar: Calendar::of(&level.hours, zone, first, last),
        history,
        handed_over: history
            .map(|history| history.latest(world, &[owner], judgement))
            .unwrap_or_default(),
    };
    let shortest = level.shortest();
    let mut open = OpenMemo::default();
    let mut older = Vec::new();
    for row in batch.reviewed() {
        let nobodys = plan.do_not_route.as_ref().and_then(|field| row.flag(field)) == Some(true);
        if nobodys || row.text(owner).is_none() || !open.may_be_open(world, flags, row) {
            continue;
        }
        let Some(times) = clocks.times(row) else { continue };
        if times.since < start {
            older.push(row);
            continue;
        }
        judgement.examined += 1;
        // Nearly all records end here, before a condition is compared.
        if times.human_hours <= shortest || any_holds(&level.except, row) {
            continue;
        }
        if let Some(target) = level.target(row).filter(|it| times.human_hours > it.within_hours) {
            let finding = clocks.finding(row, owner, times, target);
            let unsure = world.policies.ladders.unsure(row, flags);
            judgement.findings.push(unsure.into_iter().fold(finding, Finding::lacking));
        }
    }
    if !older.is_empty() {
        let why = format!("{} came to their owner more than {YEARS} years ago", older.len());
        judgement.skip_records(plan.object, older, &why);
    }
}

impl Clocks<'_, '_> {
    /// The clocks of a record; `None` when it has no date, or was answered before the look-back.
    fn times(&self, row: Row<'_>) -> Option<Times> {
        let now = self.world.as_of.instant;
        // An export of the day itself may hold what was done on it.
        let is_known = |at: &DateTime<Utc>| *at < self.world.as_of.end();
        let created = self.time(row, self.created)?;
        // Where only the first routing writes the assignment, the owner may have changed since.
        let handed_over = self.handed_over.get(&row.position()).map(|change| change.at);
        let assigned = self.assigned.and_then(|field| self.time(row, field));
        let assigned = assigned.filter(|at| !self.world.as_of.is_ahead(*at)).max(handed_over);
        let since = assigned.unwrap_or(created);
        let touched = self.time(row, self.touched).filter(is_known);
        // A day without a time of day may be any instant of it.
        let follows =
            |at: DateTime<Utc>| at >= since || self.end_of_day(at).is_some_and(|end| end > since);
        let activity = || {
            let at = self.time(row, self.last_activity?)?;
            (follows(at) && is_known(&at)).then_some(at)
        };
        let (until, end) = match touched {
            Some(at) if follows(at) => (at, End::Touch),
            Some(_) => activity().map_or((now, End::Review), |at| (at, End::Activity)),
            None => (now, End::Review),
        };
        let answered = end != End::Review;
        if answered && self.world.as_of.days_since(until) > self.level.look_back_days {
            return None;
        }
        let human_hours =
            self.calendar.hours_between(self.end_of_day(since).unwrap_or(since), until);
        Some(Times { created, assigned, since, touched, until, end, human_hours })
    }

    /// When something happened; of a day without a time, its first instant.
    fn time(&self, row: Row<'_>, field: &Field) -> Option<DateTime<Utc>> {
        let at = row.time(field)?;
        Some(self.bare_day(at).map_or(at, |day| start_of_day(day, self.world.as_of.zone)))
    }

    /// The end of a day without a time.
    fn end_of_day(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.bare_day(at)?.succ_opt()?;
        Some(start_of_day(next, self.world.as_of.zone))
    }

    /// The day of a value that names one and no time of day. Some days do not begin at midnight.
    fn bare_day(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        let zone = self.world.as_of.zone;
        let day = named_day(at, zone);
        (is_bare_day(at, zone) || start_of_day(day, zone) == at).then_some(day)
    }

    fn finding(&self, row: Row<'_>, owner: &Field, times: Times, target: &Target) -> Finding {
        let object = row.object();
        let human = hours(times.human_hours);
        let within = hours(target.within_hours);
        let since = if times.assigned.is_some() { "the assignment" } else { "its creation" };
        let headline = match (times.end, times.touched) {
            (End::Touch, _) => format!(
                "This {object} was first touched {human} of business time after {since}; {within} \
                 are allowed"
            ),
            (End::Activity, _) => format!(
                "The first activity known after {since} of this {object} came {human} of business \
                 time later; {within} are allowed"
            ),
            (End::Review, Some(_)) => format!(
                "No touch of this {object} is on file in the {human} of business time since \
                 {since}; {within} are allowed"
            ),
            (End::Review, None) => format!(
                "Nobody has touched this {object} for {human} of business time since {since}; \
                 {within} are allowed"
            ),
        };
        let question = match times.end {
            End::Review => format!("Who calls now? The {object} has waited {human}"),
            End::Touch | End::Activity => "What held it up, and was the customer told?".to_owned(),
        };
        let mut finding = Finding::about(
            row.record(),
            headline,
            Evidence::Cell(row.cell(self.created)),
            Proposal::ReviewRecord { question },
        )
        .reaching(Reach::ServiceLevel)
        .because(Evidence::Cell(row.cell(self.touched)))
        .because(Evidence::Cell(row.cell(owner)));
        for field in self.assigned.into_iter().chain(self.last_activity) {
            finding = finding.because(Evidence::Cell(row.cell(field)));
        }
        let change = self.handed_over.get(&row.position());
        if let (Some(history), Some(change)) = (self.history, change)
            && times.assigned == Some(change.at)
        {
            finding = finding.because(history.evidence(change));
        }
        for condition in &target.when.all {
            finding = finding.because(Evidence::Cell(row.cell(&condition.field)));
        }
        let (line, said) = &self.level.hours_said;
        finding = finding
            .because(Evidence::Policy {
                file: self.level.file.clone(),
                line: target.line,
                says: format!("{}: within {within} of business time", target.when.words()),
            })
            .because(Evidence::Policy {
                file: self.level.file.clone(),
                line: *line,
                says: format!("business hours are {said}"),
            });
        if let Some(assigned) = times.assigned {
            let system = hours(self.calendar.hours_between(times.created, assigned));
            finding = finding.because(Evidence::Figure {
                of: "created to assigned (the system's clock)".to_owned(),
                is: format!("{system} of business time"),
            });
        }
        finding = finding.because(Evidence::Figure {
            of: format!("{since} to {} (the owner's clock)", end_words(times.end)),
            is: format!("{human} of business time"),
        });
        if times.assigned.is_none() {
            finding = finding.lacking(self.assigned.map_or_else(
                || format!("{object}.assigned is not in rules/boundary.toml"),
                |field| {
                    let ahead = || format!("{field} lies ahead of the review");
                    unknown_field(row, field).unwrap_or_else(ahead)
                },
            ));
        }
        self.doubts(finding, row, times)
    }

    fn doubts(&self, mut finding: Finding, row: Row<'_>, times: Times) -> Finding {
        let object = row.object();
        let zone = self.level.zone.unwrap_or(self.world.as_of.zone);
        if times.assigned.is_none() {
            finding = finding.unless(
                "Nothing says when the owner got it: the hours may be the system's, not the owner's",
            );
        }
        if self.end_of_day(times.since).is_some() {
            let what = if times.assigned.is_some() { "assignment" } else { "creation" };
            finding = finding.unless(format!(
                "The {what} is a day without a time: the clock starts at the end of that day"
            ));
        }
        if let Some(touched) = times.touched.filter(|_| times.end != End::Touch) {
            let local = || touched.with_timezone(&zone).date_naive();
            let day = self.bare_day(touched).unwrap_or_else(local);
            finding = finding.unless(format!(
                "The only touch on file, on {day}, came before the assignment: it may be an \
                 automatic reply or an earlier owner's, and a later one is not on file"
            ));
        }
        if times.touched.is_none() {
            let activity = self.last_activity.and_then(|field| self.time(row, field));
            finding = finding.unless(match activity {
                Some(at) if at > times.created && at < self.world.as_of.end() => format!(
                    "There was an activity {} ago that is not counted as the first touch",
                    days(self.world.as_of.days_since(at))
                ),
                _ => format!("A call or mail outside of the CRM leaves no touch on this {object}"),
            });
        }
        if times.end != End::Review {
            let local = times.until.with_timezone(&zone);
            finding = finding.unless(format!(
                "The clock stopped on {}; holidays and leave that the rules do not list count as \
                 working time",
                local.format("%F %H:%M")
            ));
        }
        finding
    }
}

fn end_words(end: End) -> &'static str {
    match end {
        End::Touch => "the first touch",
        End::Activity => "the last activity",
        End::Review => "the review",
    }
}

/// Hours and minutes: `4 h 1 min`.
fn hours(hours: f64) -> String {
    let minutes = (hours * 60.0).round();
    let (whole, rest) = ((minutes / 60.0).floor(), minutes % 60.0);
    if rest == 0.0 { format!("{whole:.0} h") } else { format!("{whole:.0} h {rest:.0} min") }
}
