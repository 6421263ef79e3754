//! LIF-08: a record has stood in its stage far longer than this company's won deals took.
//!
//! Does not: use anybody else's figures; without enough won deals only hard limits count.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use hashbrown::HashMap;

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row};
use crate::check::condition::Conditions;
use crate::check::deals::{self, Closing, DealState};
use crate::check::history::{Change, History};
use crate::check::ladder::{Flags, Ladder, Ladders, same};
use crate::check::median;
use crate::check::settings::label;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, meant};

use super::{FILE, Settings, counted, days, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-08",
    name: "stuck",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open record has been in its stage for longer than the stage's limit in days, or a \
              deal for longer than `times_median` times the median of this company's own won deals \
              of the same segment, with at least `min_sample` of them.",
    consequence: "Dead work is counted as pipeline, and nobody asks why it does not move.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    objects: Vec<Object>,
    times_median: Said<f64>,
    min_sample: Said<u32>,
    /// The deal field by which medians are kept apart.
    segment: Option<Field>,
    limits: Vec<(String, Said<u32>)>,
    hold: Conditions,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let objects = settings.objects(&[Object::Deal], &Object::REVIEWED);
        Self {
            on: settings.on(),
            times_median: settings.number("times_median", 2.0),
            min_sample: settings.count("min_sample", 30),
            segment: segment(settings, boundary),
            limits: limits(settings, &objects, ladders),
            hold: settings.conditions("hold", boundary),
            objects,
        }
    }

    fn limit(&self, stage: &str) -> Option<&Said<u32>> {
        self.limits.iter().find(|(name, _)| same(name, stage)).map(|(_, limit)| limit)
    }
}

fn segment(settings: &Settings<'_>, boundary: &Boundary) -> Option<Field> {
    let written = settings.section.as_ref().and_then(|section| section.text("segment"));
    let Some(name) = written else { return boundary.allowed(Object::Deal, "type") };
    match boundary.field(Object::Deal, &name) {
        Ok(field) => Some(field),
        Err(missing) => {
            if let Some(section) = &settings.section {
                section.problem(name.line, missing.to_string());
            }
            None
        }
    }
}

/// Hard limits; each names a stage of a ladder.
fn limits(
    settings: &Settings<'_>,
    objects: &[Object],
    ladders: &Ladders,
) -> Vec<(String, Said<u32>)> {
    let table = settings.section.as_ref().and_then(|section| section.section("limit_days"));
    let Some(table) = table else { return Vec::new() };
    let ladders: Vec<_> = objects.iter().filter_map(|object| ladders.of(*object)).collect();
    let mut limits = Vec::new();
    for (stage, _) in table.entries() {
        if !ladders.iter().any(|ladder| ladder.knows(stage)) {
            let known = ladders.iter().flat_map(|ladder| &ladder.order).map(String::as_str);
            let hint = meant(stage, known, || "add it to the ladder's `order`".to_owned());
            let message = format!("`{}` is not a stage of a ladder", stage.value);
            table.problem_with_hint(stage.line, message, hint);
        }
        limits.extend(table.count(stage).map(|limit| (stage.value.clone(), limit)));
    }
    limits
}

/// The fields it reads.
struct Asked {
    flags: Flags,
    stage_changed: Vec<Field>,
    created: Vec<Field>,
    last_activity: Vec<Field>,
    closing: Closing,
    history: Option<History>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = &policies.lifecycle.stuck;
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    if rule.objects.iter().all(|object| policies.ladders.of(*object).is_none()) {
        let write = "add [deal] with `field`, `order`, `won` and `lost`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    deals::ask(grant, &policies.ladders);
    if let Some(segment) = &rule.segment {
        grant.reads(segment);
    }
    rule.hold.ask(&Object::REVIEWED, grant);
    let mut asked = Asked {
        flags: Flags::ask(grant),
        stage_changed: Vec::new(),
        created: Vec::new(),
        last_activity: Vec::new(),
        closing: Closing::ask(grant),
        history: History::ask(grant).ok(),
    };
    for object in &rule.objects {
        policies.ladders.ask(*object, grant);
        match grant.field(*object, "stage_changed") {
            Ok(field) => asked.stage_changed.push(field),
            Err(missing) if rule.objects.len() == 1 => return Err(missing.into()),
            Err(_) => {}
        }
        asked.created.extend(grant.optional(*object, "created"));
        asked.last_activity.extend(grant.optional(*object, "last_activity"));
    }
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let rule = &world.policies.lifecycle.stuck;
    let visits = Visits::of(world, asked, &mut judgement);
    let sample = Sample::of(world, asked, &visits);
    for object in &rule.objects {
        let Some((batch, ladder)) = staged(world, *object, &mut judgement) else { continue };
        let own = |fields: &[Field]| fields.iter().find(|field| field.object() == *object).cloned();
        let Some(stage_changed) = own(&asked.stage_changed) else {
            judgement.skip(*object, &format!("`{object}.stage_changed` is not allowed"));
            continue;
        };
        let case = Case {
            world,
            rule,
            sample: &sample,
            history: asked.history.as_ref(),
            visits: &visits,
            ladder,
            flags: &asked.flags,
            stage: &ladder.field,
            stage_changed: &stage_changed,
            created: own(&asked.created),
            last_activity: own(&asked.last_activity),
        };
        let mut unlimited = Vec::new();
        for row in batch.reviewed() {
            let Some(stage) = row.text(&ladder.field) else { continue };
            let open = world.policies.ladders.is_open(row, &asked.flags) == Some(true);
            if !open || rule.hold.hold(row) {
                continue;
            }
            let Some(limit) = case.limit(row, stage) else {
                unlimited.push(row);
                continue;
            };
            judgement.examined += 1;
            judgement.findings.extend(case.finding(row, &limit));
        }
        if unlimited.is_empty() {
            judgement.look_through(*object);
        }
        if *object == Object::Deal && sample.is_off() {
            let few = counted(sample.overall, "won deal is", "won deals are");
            let least = rule.min_sample.value;
            let why = format!("{few} too few for a median, {least} are needed");
            judgement.skip_records(*object, unlimited, &why);
        }
    }
    judgement
}

/// How long a record may stay, and what says so.
enum Limit<'w> {
    /// The rules.
    Set(&'w Said<u32>),
    /// This company's own won deals.
    Learnt(Median, Like),
}

/// One object's records and what they are judged by.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    rule: &'w Rule,
    sample: &'w Sample<'a>,
    history: Option<&'w History>,
    visits: &'w Visits<'a>,
    ladder: &'w Ladder,
    flags: &'w Flags,
    stage: &'w Field,
    stage_changed: &'w Field,
    created: Option<Field>,
    last_activity: Option<Field>,
}

impl<'a> Case<'_, 'a> {
    /// The stage's own limit wins over the median.
    fn limit(&self, row: Row<'a>, stage: &str) -> Option<Limit<'_>> {
        if let Some(limit) = self.rule.limit(stage) {
            return Some(Limit::Set(limit));
        }
        if row.object() != Object::Deal {
            return None;
        }
        let segment = self.rule.segment.as_ref().and_then(|field| row.text(field));
        let (median, like) = self.sample.median(segment.map(str::trim), self.ladder.rank(stage))?;
        Some(Limit::Learnt(median, like))
    }

    fn days(&self, limit: &Limit<'_>) -> f64 {
        match limit {
            Limit::Set(limit) => limit.value.into(),
            Limit::Learnt(median, _) => median.days * self.rule.times_median.value,
        }
    }

    /// The limit at the end of the headline.
    fn words(&self, limit: &Limit<'_>) -> String {
        match limit {
            Limit::Set(limit) => format!("its limit is {}", days(limit.value)),
            Limit::Learnt(median, like) => format!(
                "{} times the median of {} won deals {} is {:.0} days",
                self.rule.times_median.value,
                median.n,
                if like.stage { "in this stage" } else { "from creation to close" },
                self.days(limit)
            ),
        }
    }

    fn because(&self, row: Row<'a>, limit: &Limit<'_>, finding: Finding) -> Finding {
        let (median, like) = match limit {
            Limit::Set(limit) => {
                let says = format!("limit_days of {}: {}", said(row, self.stage), limit.value);
                return finding.because(policy(limit.line, says));
            }
            Limit::Learnt(median, like) => (median, like),
        };
        let span = if like.stage {
            "days in this stage, from the field history, of won deals"
        } else {
            "days from creation to close of won deals"
        };
        let kind = self.rule.segment.as_ref().filter(|_| like.segment);
        let kind = kind.map_or_else(String::new, |field| {
            format!(" with {} {}", label(field), said(row, field))
        });
        let times = self.rule.times_median.value;
        let least = self.rule.min_sample.value;
        finding
            .because(Evidence::Figure {
                of: format!("median {span}{kind}"),
                is: format!("{}, n = {}", days(median.days), median.n),
            })
            .because(policy(
                self.rule.times_median.line,
                format!("at most {times} times the median"),
            ))
            .because(policy(self.rule.min_sample.line, format!("a median needs {least} won deals")))
    }

    /// The change that led into the present stage, by a history that tells it.
    fn entered(&self, row: Row<'a>) -> Option<(&History, Change<'a>)> {
        let history = self.history?;
        let change = self.visits.latest.get(&(row.object(), row.position()))?;
        let is_present = same(history.after(change)?, row.text(self.stage)?);
        is_present.then_some((history, *change))
    }

    fn finding(&self, row: Row<'a>, limit: &Limit<'_>) -> Option<Finding> {
        let written = row.time(self.stage_changed);
        let entered = if written.is_none() { self.entered(row) } else { None };
        let changed = written.or_else(|| entered.map(|(_, change)| change.at));
        // Without the day the stage was entered, the day of creation is the longest it can have been.
        let since = changed.or_else(|| time(row, self.created.as_ref()))?;
        let stayed = self.world.as_of.days_since(since);
        #[expect(clippy::cast_precision_loss, reason = "days of this era are few")]
        let over = stayed as f64 > self.days(limit);
        if !over {
            return None;
        }
        let stage = row.cell(self.stage);
        let stay = if changed.is_some() {
            format!("has been {} for {}", said(row, self.stage), days(stayed))
        } else {
            format!("is {} and was created {} ago", said(row, self.stage), days(stayed))
        };
        let question = "Is it still alive? Then what is the next step, and when?".to_owned();
        let mut finding = Finding::about(
            row.record(),
            format!("{} {stay}; {}", self.world.titled(row), self.words(limit)),
            Evidence::Cell(stage),
            Proposal::ReviewRecord { question },
        )
        .because(Evidence::Cell(row.cell(self.stage_changed)));
        if let Some((history, change)) = entered {
            finding = finding.because(history.evidence(&change));
            finding = History::unordered([&change]).into_iter().fold(finding, Finding::lacking);
        }
        finding = self.because(row, limit, finding);
        let unsure = self.world.policies.ladders.unsure(row, self.flags);
        finding = unsure.into_iter().fold(finding, Finding::lacking);
        if changed.is_none() {
            finding = finding.lacking(crate::finding::blank_field(self.stage_changed));
        }
        Some(self.doubts(row, limit, finding))
    }

    fn doubts(&self, row: Row<'a>, limit: &Limit<'_>, mut finding: Finding) -> Finding {
        if let Some(field) = &self.last_activity
            && let Some(at) = row.time(field)
        {
            finding = finding.because(Evidence::Cell(row.cell(field)));
            let ago = self.world.as_of.days_since(at);
            if ago <= 14 {
                finding = finding.unless(if ago < 0 {
                    "an activity is planned: somebody is working it".to_owned()
                } else {
                    format!("the last activity was {} ago: somebody is working it", days(ago))
                });
            }
        }
        if row.object() == Object::Deal
            && let Some(field) = &self.rule.segment
            && let Some(segment) = row.text(field)
            && !self.sample.has(segment)
        {
            finding = finding.unless(format!(
                "won deals of the kind {} are too few for a median of their own: this kind may \
                 take longer than the others",
                said(row, field)
            ));
        }
        if self.rule.hold.is_empty() {
            finding = finding.unless("it may be on hold; no field is named that would say so");
        }
        match limit {
            Limit::Set(_) => finding.unless("one limit stands for every record in the stage"),
            Limit::Learnt(median, _) => finding.unless(format!(
                "the slowest tenth of those won deals took {} or more",
                days(median.slow)
            )),
        }
    }
}

/// A median and how many it stands on.
#[derive(Clone, Copy)]
struct Median {
    days: f64,
    n: usize,
    /// What the slowest tenth took, at least.
    slow: i64,
}

/// How long this company's won deals took: per stage where a history tells, and from creation to
/// close; per segment where there are enough.
struct Sample<'a> {
    medians: BTreeMap<(Option<&'a str>, Option<usize>), Median>,
    overall: usize,
}

impl<'a> Sample<'a> {
    fn of(world: &World<'a>, asked: &Asked, visits: &Visits<'a>) -> Self {
        let rule = &world.policies.lifecycle.stuck;
        let mut spans: BTreeMap<(Option<&'a str>, Option<usize>), Vec<i64>> = BTreeMap::new();
        let mut overall = 0;
        for deal in world.batch(Object::Deal).into_iter().flat_map(Batch::rows) {
            if world.deals().state(world, deal) != Some(DealState::Won) {
                continue;
            }
            let segment = rule.segment.as_ref().and_then(|field| deal.text(field)).map(str::trim);
            let created = asked.created.iter().find(|field| field.object() == Object::Deal);
            let created = time(deal, created);
            let life = created.zip(asked.closing.at(deal));
            let life = life.map(|(from, to)| (to - from).num_days()).filter(|days| *days >= 0);
            overall += usize::from(life.is_some());
            let stays = visits.stays(deal, created).into_iter();
            let stays = stays.map(|(rank, days)| (Some(rank), days));
            for (rank, days) in life.map(|days| (None, days)).into_iter().chain(stays) {
                spans.entry((None, rank)).or_default().push(days);
                if segment.is_some() {
                    spans.entry((segment, rank)).or_default().push(days);
                }
            }
        }
        let least = usize::try_from(rule.min_sample.value).unwrap_or(usize::MAX).max(1);
        let medians = spans
            .into_iter()
            .filter(|(_, spans)| spans.len() >= least)
            .filter_map(|(key, spans)| Some((key, Median::of(spans)?)))
            // Deals that are entered when they are won have no duration to learn from.
            .filter(|(_, median)| median.days >= 1.0)
            .collect();
        Self { medians, overall }
    }

    /// True when there are too few won deals for any median.
    fn is_off(&self) -> bool {
        self.medians.is_empty()
    }

    /// True when a segment has a median of its own.
    fn has(&self, segment: &str) -> bool {
        self.medians.keys().any(|(known, _)| *known == Some(segment.trim()))
    }

    /// The nearest median for a deal in a stage. Its own segment comes before its own stage: kinds of
    /// deals differ more than stages do.
    fn median(&self, segment: Option<&'a str>, rank: Option<usize>) -> Option<(Median, Like)> {
        let near = [(segment, rank), (segment, None), (None, rank), (None, None)];
        near.into_iter().find_map(|key| {
            let like = Like { segment: key.0.is_some(), stage: key.1.is_some() };
            Some((*self.medians.get(&key)?, like))
        })
    }
}

/// What the deals behind a median share with the deal that is judged.
#[derive(Clone, Copy)]
struct Like {
    segment: bool,
    stage: bool,
}

/// Through which stages each won deal went, and when the stage of each record without its date changed last, from
/// the field history.
#[derive(Default)]
struct Visits<'a> {
    by_deal: HashMap<usize, Vec<(Change<'a>, Step)>>,
    latest: HashMap<(Object, usize), Change<'a>>,
    /// What happened before is not told.
    begins: Option<DateTime<Utc>>,
}

/// The stages that a change led from and to, where they are on the ladder.
#[derive(Clone, Copy)]
struct Step {
    from: Option<usize>,
    to: Option<usize>,
}

impl<'a> Visits<'a> {
    fn of(world: &World<'a>, asked: &Asked, judgement: &mut Judgement) -> Self {
        let Some(history) = &asked.history else { return Self::default() };
        let ladders = &world.policies.ladders;
        let objects = &world.policies.lifecycle.stuck.objects;
        let is_wanted = |object: &Object| *object == Object::Deal || objects.contains(object);
        let wanted = Object::REVIEWED.into_iter().filter(is_wanted);
        let stages: Vec<&Field> =
            wanted.filter_map(|object| Some(&ladders.of(object)?.field)).collect();
        let is_undated = |record: Row<'_>| {
            let mut dates = asked.stage_changed.iter();
            let date = dates.find(|field| field.object() == record.object());
            date.is_some_and(|field| record.time(field).is_none())
        };
        let mut visits = Self { begins: history.begins(world), ..Self::default() };
        history.each(world, &stages, judgement, |_, change| {
            let record = change.record;
            // A line that tells one value twice is no change.
            let stays = history.before(&change).is_some() && history.stays(&change);
            if !stays && is_undated(record) {
                let held =
                    visits.latest.entry((record.object(), record.position())).or_insert(change);
                if History::order(&change) > History::order(held) {
                    *held = change;
                }
            }
            if let Some(ladder) =
                ladders.of(Object::Deal).filter(|_| record.object() == Object::Deal)
                && world.deals().state(world, record) == Some(DealState::Won)
            {
                let rank = |stage: Option<&str>| stage.and_then(|stage| ladder.rank(stage));
                let step =
                    Step { from: rank(history.before(&change)), to: rank(history.after(&change)) };
                visits.by_deal.entry(change.record.position()).or_default().push((change, step));
            }
        });
        for steps in visits.by_deal.values_mut() {
            steps.sort_by_key(|(change, _)| History::order(change));
        }
        visits
    }

    /// The stages a deal went through, with the days in each: together, where it was there twice.
    fn stays(&self, deal: Row<'a>, created: Option<DateTime<Utc>>) -> BTreeMap<usize, i64> {
        // A history that begins later may lack the stages a deal had first.
        let is_whole =
            |created: &DateTime<Utc>| self.begins.is_some_and(|begins| begins <= *created);
        let steps = self.by_deal.get(&deal.position()).map_or(&[][..], Vec::as_slice);
        let first = steps.first().and_then(|(_, step)| step.from);
        let mut entered = created.filter(is_whole).zip(first);
        let mut stays: BTreeMap<usize, Duration> = BTreeMap::new();
        for (change, Step { from, to }) in steps {
            if let Some((since, stage)) = entered
                && Some(stage) == *from
                && since <= change.at
            {
                *stays.entry(stage).or_default() += change.at - since;
            }
            entered = to.map(|stage| (change.at, stage));
        }
        stays.into_iter().map(|(stage, stay)| (stage, stay.num_days())).collect()
    }
}

impl Median {
    /// Of the days that deals took; nothing where there are none.
    fn of(mut spans: Vec<i64>) -> Option<Self> {
        spans.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "days of this era are few")]
        let days = median(spans.iter().map(|days| *days as f64))?;
        let n = spans.len();
        Some(Self { days, n, slow: *spans.get(n - n.div_ceil(10))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spans: &[i64], days: f64, slow: i64) {
        let median = Median::of(spans.to_vec()).unwrap();
        assert_eq!((median.days.to_bits(), median.slow), (days.to_bits(), slow), "{spans:?}");
    }

    #[test]
    fn the_median_is_the_middle_and_the_slow_ones_are_the_last_tenth() {
        check(&[5], 5.0, 5);
        check(&[9, 1, 5], 5.0, 9);
        check(&[4, 1, 2, 9], 3.0, 9);
        check(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], 10.5, 19);
    }
}
