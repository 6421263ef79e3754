//! OWN-06: nothing meaningful has happened on an open record for long.
//!
//! A change of stage, amount, close date or owner is meaningful; that a record was modified is not,
//! because integrations modify records too.
//! Does not: speak of records whose owner is inactive, missing or a queue: those are OWN-01 to OWN-03.

use hashbrown::HashMap;

use chrono::{DateTime, Utc};

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::condition::{Conditions, When};
use super::super::history::{Change, History};
use super::super::lint::{Line, List, Rest, Takes};
use super::super::median;
use super::super::people::{Found, Standing};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::inactive_owner::Departed;
use super::{Owned, Scope, days, doubt, holders, policy, settings};

/// OWN-06.
pub(in super::super) const IDLE: CheckDef = CheckDef {
    code: "OWN-06",
    name: "idle",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open record has had no meaningful change (stage, amount, close date, owner) for more \
              than `change_days` and no activity for more than `activity_days`. The modification date \
              is not used.",
    consequence: "A customer was left alone, or a dead record makes the pipeline look full.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
    limits: Limits,
    segments: Vec<Segment>,
    hold: Conditions,
}

/// How long is idle.
#[derive(Debug, Clone)]
struct Limits {
    change_days: Said<u32>,
    activity_days: Said<u32>,
}

/// Records with limits of their own.
#[derive(Debug, Clone)]
struct Segment {
    object: Object,
    line: usize,
    when: When,
    limits: Limits,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Result<Self, Off> {
        let section = root.section(IDLE.name);
        let section = section.as_ref();
        let objects = settings::objects(section, &[Object::Lead, Object::Deal]);
        let limits = Limits {
            change_days: settings::count(section, "change_days", 60),
            activity_days: settings::count(section, "activity_days", 45),
        };
        let own = section.map(|section| section.sections("segment")).unwrap_or_default();
        let segments =
            own.iter().filter_map(|own| Segment::parse(own, &limits, boundary)).collect();
        let hold = Conditions::parse(section, "hold", boundary);
        settings::switched_on(section, &IDLE)?;
        Ok(Self { objects, limits, segments, hold })
    }

    /// The segment a record is in, first match first, and its limits.
    fn limits(&self, row: Row<'_>) -> (Option<usize>, &Limits) {
        let is_in = |segment: &Segment| segment.object == row.object() && segment.when.holds(row);
        let at = self.segments.iter().position(is_in);
        let own = at.and_then(|at| self.segments.get(at));
        (at, own.map_or(&self.limits, |segment| &segment.limits))
    }
}

impl Rules {
    /// The segments of each kind of record as ordered lists.
    pub(super) fn lists(&self) -> Vec<List> {
        let list = |object: Object| {
            let own = self.segments.iter().filter(|own| own.object == object).enumerate();
            let lines: Vec<Line> = own.map(|(at, own)| own.as_line(at)).collect();
            (!lines.is_empty()).then(|| List {
                decides: format!("when {} are idle", object.plural()),
                object,
                rest: Rest::Kept,
                heads: Vec::new(),
                lines,
            })
        };
        self.objects.iter().filter_map(|object| list(*object)).collect()
    }
}

impl Segment {
    fn as_line(&self, at: usize) -> Line {
        let limits = &self.limits;
        Line {
            rule: at,
            name: format!("the limits for {}", self.when.words()),
            file: format!("rules/{}", IDLE.family.file()),
            line: self.line,
            conditions: self.when.all.clone(),
            since: None,
            until: None,
            outcome: format!(
                "idle after {} days without a change and {} without activity",
                limits.change_days.value, limits.activity_days.value
            ),
            takes: Takes::All,
        }
    }

    fn parse(section: &Section<'_>, usual: &Limits, boundary: &Boundary) -> Option<Self> {
        let limits = Limits {
            change_days: section.count("change_days").unwrap_or(usual.change_days.clone()),
            activity_days: section.count("activity_days").unwrap_or(usual.activity_days.clone()),
        };
        let Some(name) = section.required_text("object") else {
            let _ = section.node("when");
            return None;
        };
        let Some(object) = settings::reviewed(section, &name) else {
            let _ = section.node("when");
            return None;
        };
        if !section.has("when") {
            section.missing("when");
        }
        let when = When::parse(section, "when", object, boundary);
        Some(Self { object, line: section.line(), when, limits })
    }
}

/// The dates the check reads of one object.
#[derive(Debug, Clone)]
struct Dates {
    stage_changed: Field,
    last_activity: Field,
    assigned: Option<Field>,
    created: Option<Field>,
    /// Fields whose change is meaningful, for the field history.
    meaningful: Vec<Field>,
}

impl Dates {
    fn ask(owned: &Owned, grant: &mut Grant<'_>) -> Result<Self, crate::boundary::Missing> {
        let object = owned.object;
        let stage_changed = grant.field(object, "stage_changed")?;
        let last_activity = grant.field(object, "last_activity")?;
        let mut meaningful = vec![owned.owner.clone()];
        meaningful.extend(owned.stage.clone());
        if object == Object::Deal {
            meaningful.extend(
                ["amount", "close_date"].iter().filter_map(|name| grant.optional(object, name)),
            );
        }
        Ok(Self {
            stage_changed,
            last_activity,
            assigned: grant.optional(object, "assigned"),
            created: grant.optional(object, "created"),
            meaningful,
        })
    }

    /// The latest meaningful change that the record itself knows of.
    fn change(&self, row: Row<'_>) -> Option<DateTime<Utc>> {
        let assigned = self.assigned.as_ref().and_then(|field| row.time(field));
        row.time(&self.stage_changed).max(assigned)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.idle.clone()?;
    let mut scope = Scope::ask(&rules.objects, grant, policies)?.where_work_is_known();
    let mut dates = Vec::new();
    let mut first = None;
    for owned in std::mem::take(&mut scope.owned) {
        match Dates::ask(&owned, grant) {
            Ok(of_object) => {
                dates.push(of_object);
                scope.owned.push(owned);
            }
            Err(missing) => {
                scope.skipped.push((owned.object, missing.to_string()));
                first.get_or_insert(missing);
            }
        }
    }
    if let Some(missing) = first
        && scope.owned.is_empty()
    {
        return Err(missing.into());
    }
    rules.hold.ask(&rules.objects, grant);
    for segment in rules.segments.iter().filter(|own| rules.objects.contains(&own.object)) {
        segment.when.ask(grant);
    }
    // Tells queues and owners who left from the rest; the check does without.
    let _ = super::super::people::ask(grant);
    let history = History::ask(grant).ok();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for (owned, batch) in scope.tables(world, &mut judgement) {
            let dates = dates.iter().find(|dates| dates.stage_changed.object() == owned.object);
            if let Some(dates) = dates {
                let look = Look { rules: &rules, owned, dates, history: history.as_ref(), world };
                look.judge(batch, &mut judgement);
            }
        }
        judgement
    }))
}

/// One table being looked at.
struct Look<'c, 'a> {
    rules: &'c Rules,
    owned: &'c Owned,
    dates: &'c Dates,
    history: Option<&'c History>,
    world: &'c World<'a>,
}

/// A record that looks idle by its own dates.
struct Quiet<'a> {
    row: Row<'a>,
    segment: Option<usize>,
    change: Option<i64>,
    activity: Option<i64>,
}

impl<'a> Look<'_, 'a> {
    fn judge(&self, batch: &'a Batch, judgement: &mut Judgement) {
        let Some(missing) = self.without_column(batch) else {
            return self.judge_dated(batch, judgement);
        };
        judgement.skip(self.owned.object, &format!("the input has no column for `{missing}`"));
    }

    fn without_column(&self, batch: &Batch) -> Option<&Field> {
        [&self.dates.stage_changed, &self.dates.last_activity]
            .into_iter()
            .find(|field| !batch.has(field))
    }

    fn judge_dated(&self, batch: &'a Batch, judgement: &mut Judgement) {
        judgement.look_through(self.owned.object);
        let (mut planned, mut undated) = (0_usize, Vec::new());
        let mut quiet = Vec::new();
        let mut ages: Vec<Vec<i64>> = vec![Vec::new(); self.rules.segments.len() + 1];
        let elsewhere = self.owned_elsewhere(batch);
        for row in batch.reviewed() {
            if self.owned.is_open(self.world, row) != Some(true) {
                continue;
            }
            judgement.examined += 1;
            let (segment, limits) = self.rules.limits(row);
            let as_of = &self.world.as_of;
            let change = self.dates.change(row).map(|at| as_of.days_since(at));
            let activity = row.time(&self.dates.last_activity).map(|at| as_of.days_since(at));
            if let (Some(age), Some(ages)) = (change, ages.get_mut(place(segment))) {
                ages.push(age);
            }
            planned += usize::from(activity.is_some_and(|age| age < 0));
            let created = self.dates.created.as_ref().and_then(|field| row.time(field));
            let young = created.is_some_and(|at| {
                !as_of.is_ahead(at) && !over(as_of.days_since(at), &limits.change_days)
            });
            let neither = change.is_none() && activity.is_none();
            undated.extend(neither.then_some(row));
            let moved = change.is_some_and(|age| !over(age, &limits.change_days));
            let active = activity.is_some_and(|age| !over(age, &limits.activity_days));
            if neither || young || moved || active || self.rules.hold.hold(row) {
                continue;
            }
            let owner = row.text(&self.owned.owner);
            if owner.is_none_or(|owner| elsewhere.contains_key(owner)) {
                continue;
            }
            quiet.push(Quiet { row, segment, change, activity });
        }
        self.note(planned, undated, judgement);
        let medians: Vec<_> = ages
            .into_iter()
            .map(|ages| Some((median(ages.iter().copied().map(real))?, ages.len())))
            .collect();
        let fields: Vec<&Field> = self.dates.meaningful.iter().collect();
        let changes = self.history.filter(|_| !quiet.is_empty());
        let changes = changes
            .map(|history| history.latest(self.world, &fields, judgement))
            .unwrap_or_default();
        for mut quiet in quiet {
            let (_, limits) = self.rules.limits(quiet.row);
            let latest = changes.get(&quiet.row.position()).copied();
            let age = latest.map(|change| self.world.as_of.days_since(change.at));
            quiet.change = [quiet.change, age].into_iter().flatten().min();
            if quiet.change.is_some_and(|age| !over(age, &limits.change_days)) {
                continue;
            }
            let median = medians.get(place(quiet.segment)).copied().flatten();
            judgement.findings.push(self.finding(&quiet, limits, median, latest));
        }
    }

    /// Owners whose records other checks speak of.
    fn owned_elsewhere(&self, batch: &'a Batch) -> HashMap<&'a str, ()> {
        let people = self.world.people();
        holders(batch, &self.owned.owner, |value, count| {
            let queue = matches!(
                people.find(value),
                Found::One(person) if person.standing == Standing::Queue
            );
            (queue || Departed::of(people, value, count).is_some()).then_some(())
        })
    }

    fn note(&self, planned: usize, undated: Vec<Row<'a>>, judgement: &mut Judgement) {
        let object = self.owned.object;
        if planned > 0 {
            judgement.remark(
                object,
                &format!("{planned} with a planned task (a last activity that lies ahead) count as active"),
            );
        }
        if !undated.is_empty() {
            let why = format!(
                "{} open with neither `{}` nor `{}` were not judged",
                undated.len(),
                self.dates.stage_changed,
                self.dates.last_activity
            );
            judgement.skip_records(object, undated, &why);
        }
    }

    fn finding(
        &self,
        quiet: &Quiet<'a>,
        limits: &Limits,
        median: Option<(f64, usize)>,
        latest: Option<Change<'a>>,
    ) -> Finding {
        let (owned, row, dates) = (self.owned, quiet.row, self.dates);
        let object = owned.object;
        let headline = match (quiet.change, quiet.activity) {
            (Some(change), Some(activity)) => format!(
                "The open {object} has had no meaningful change for {} and no activity for {}",
                days(change),
                days(activity)
            ),
            (Some(change), None) => format!(
                "The open {object} has had no meaningful change for {} and shows no activity at all",
                days(change)
            ),
            (None, activity) => format!(
                "The open {object} has had no activity for {} and shows no change of stage",
                days(activity.unwrap_or_default())
            ),
        };
        let proposal = Proposal::ReviewRecord {
            question: format!("Is this {object} alive, and if so what happens next and by whom?"),
        };
        let fact = Evidence::Cell(row.cell(&dates.stage_changed));
        let mut finding = Finding::about(row.record(), headline, fact, proposal)
            .because(Evidence::Cell(row.cell(&dates.last_activity)))
            .hinging_on(&dates.last_activity)
            .because(Evidence::Cell(row.cell(&owned.owner)));
        for field in [&dates.assigned, &dates.created].into_iter().flatten() {
            if !row.is_blank(field) {
                finding = finding.because(Evidence::Cell(row.cell(field)));
            }
        }
        if let (Some(change), Some(history)) = (latest, self.history) {
            finding = finding.because(history.evidence(&change));
        }
        if let Some(work) = owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        finding = owned.with_work(self.world, row, finding);
        finding = self.compared(quiet, limits, median, finding);
        for (known, field) in
            [(quiet.change, &dates.stage_changed), (quiet.activity, &dates.last_activity)]
        {
            if known.is_none() {
                let why = if row.is_withheld(field) { "was withheld" } else { "is blank" };
                finding = finding.lacking(format!("{field} {why}"));
            }
        }
        finding.unless_any(self.doubts(quiet, median))
    }

    /// The limits, and how long such records usually stand.
    fn compared(
        &self,
        quiet: &Quiet<'a>,
        limits: &Limits,
        median: Option<(f64, usize)>,
        finding: Finding,
    ) -> Finding {
        let segment = quiet.segment.and_then(|at| self.rules.segments.get(at));
        let whom = segment.map_or_else(
            || format!("open {}", self.owned.object.plural()),
            |own| format!("open {} where {}", self.owned.object.plural(), own.when.words()),
        );
        let finding = finding
            .because(policy(
                limits.change_days.line,
                format!("{whom}: idle after {} days without change", limits.change_days.value),
            ))
            .because(policy(
                limits.activity_days.line,
                format!("{whom}: idle after {} days without activity", limits.activity_days.value),
            ));
        match median {
            Some((median, count)) => finding.because(Evidence::Figure {
                of: format!("median days since the last change, {count} {whom}"),
                is: days(median),
            }),
            None => finding,
        }
    }

    fn doubts(&self, quiet: &Quiet<'a>, median: Option<(f64, usize)>) -> Vec<String> {
        const RECENT_DAYS: i64 = 30;
        let (row, object) = (quiet.row, self.owned.object);
        let mut doubts = Vec::new();
        let modified = self.owned.modified.as_ref().and_then(|field| row.told_time(field));
        if let Some(ago) = modified.map(|at| self.world.as_of.days_since(at))
            && (0..=RECENT_DAYS).contains(&ago)
        {
            doubts.push(format!(
                "the {object} was modified {} ago: an integration does that, and so does a person",
                days(ago)
            ));
        }
        if let (Some(change), Some((median, _))) = (quiet.change, median)
            && real(change) <= median
        {
            doubts.push(format!(
                "half of such {} stand for {} or longer: the limit may be too short for them",
                object.plural(),
                days(median)
            ));
        }
        if quiet.activity.is_none() {
            doubts.push(
                "no activity was ever logged here: calls and mails may be logged elsewhere"
                    .to_owned(),
            );
        }
        doubts.extend(doubt(&self.rules.hold, row));
        if doubts.is_empty() {
            doubts.push(format!(
                "work outside the CRM does not show here; a {object} that waits on purpose (legal, \
                 procurement, season) can be excepted with `hold`"
            ));
        }
        doubts
    }
}

fn over(age: i64, limit: &Said<u32>) -> bool {
    age > i64::from(limit.value)
}

#[expect(clippy::cast_precision_loss, reason = "days of this era are few")]
fn real(days: i64) -> f64 {
    days as f64
}

/// The records in no segment come first.
fn place(segment: Option<usize>) -> usize {
    segment.map_or(0, |at| at + 1)
}
