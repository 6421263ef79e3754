//! SRC-03: the source of the first touch was replaced by a later one.
//!
//! Does not: judge a source by itself; what the family's other checks would find fault with is not restored.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Object, Row, Shown};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field};
use crate::policy::{Said, Section};

use super::super::bulk::Bulk;
use super::super::history::{Actor, Change, History};
use super::super::not_looked::NotLooked;
use super::super::people::are_named;
use super::super::settings::{self, days};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, PEOPLE, Sourced, is_same, policy, touch};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-03",
    name: "overwritten-source",
    family: Family::LeadSource,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that the source which a lead or contact had at first was \
              replaced within the last `within_days`, and it has another one or none since. A source \
              that says nothing, is not governed or contradicts the campaigns is no first one; what a \
              merge or the `correctors` changed does not count, nor what changed within \
              `settle_hours` of the creation. SRC-01, SRC-02, SRC-05 and SRC-06 say nothing of such a \
              record.",
    consequence: "Whatever touched the person last gets the credit for what brought them, and next \
                  year's budget.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// The tables whose source is that of the first touch.
    objects: Said<Vec<Object>>,
    within_days: Said<u32>,
    settle_hours: Said<u32>,
    correctors: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let line = section.and_then(|section| section.node("objects")).map_or(0, |node| node.line);
        Self {
            off: settings::is_off(section),
            objects: Said { value: settings::objects_among(section, &[], &PEOPLE), line },
            within_days: settings::count(section, "within_days", 90),
            settle_hours: settings::count(section, "settle_hours", 24),
            correctors: settings::texts(section, "correctors", &[]),
        }
    }
}

/// The fields it reads.
struct Asked {
    history: History,
    tables: Vec<Sourced>,
}

impl Asked {
    fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Off> {
        let rules = &policies.lead_source.overwritten;
        if rules.off {
            return Err(CHECK.off_in_rules());
        }
        if rules.objects.is_empty() {
            let write = "name the tables whose source is that of the first touch in `objects` of \
                         [overwritten-source]";
            return Err(Off::NoPolicy { file: FILE, write });
        }
        let history = History::ask_with_values(grant)?;
        let mut tables = Vec::new();
        for object in rules.objects.iter().copied() {
            let source = grant.field(object, "lead_source")?;
            tables.push(Sourced { object, source, created: grant.field(object, "created")? });
            // By these a source that was replaced is found to be wrong itself.
            for name in ["first_seen", "first_meeting"] {
                grant.optional(object, name);
            }
        }
        drop(touch::ask(grant));
        Ok(Self { history, tables })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Asked::ask(grant, policies)?;
    Ok(Box::new(move |world| {
        let overwritten = world.overwritten();
        let mut judgement = Judgement {
            examined: overwritten.examined,
            not_looked: overwritten.not_looked.clone(),
            ..Judgement::looking_back(
                world,
                world.policies.lead_source.overwritten.within_days.value,
            )
        };
        if let Some(asked) = &overwritten.asked {
            let found = overwritten.cases.iter().map(|case| case.finding(world, asked));
            judgement.findings.extend(found);
        }
        judgement
    }))
}

/// The records under review whose first source was replaced.
#[derive(Default)]
pub(in crate::check) struct Overwritten<'a> {
    asked: Option<Asked>,
    cases: Vec<Case<'a>>,
    /// Which records they are about, by their positions.
    about: BTreeSet<(Object, usize)>,
    examined: usize,
    not_looked: Vec<NotLooked>,
}

impl<'a> Overwritten<'a> {
    pub(in crate::check) fn of(world: &World<'a>) -> Self {
        let policies = world.policies;
        let Ok(asked) = Asked::ask(&mut policies.boundary.grant(), policies) else {
            return Self::default();
        };
        let mut judgement = Judgement::default();
        let cases = if world.batch(Object::FieldHistory).is_none() {
            judgement.skip(Object::FieldHistory, "there is no input");
            Vec::new()
        } else {
            judge(world, &asked, &mut judgement)
        };
        let Judgement { examined, not_looked, .. } = judgement;
        let about = cases.iter().map(|case| (case.row.object(), case.row.position())).collect();
        Self { asked: Some(asked), cases, about, examined, not_looked }
    }

    /// True when the check has a finding about the record.
    pub(in crate::check) fn speaks_of(&self, row: Row<'_>) -> bool {
        self.about.contains(&(row.object(), row.position()))
    }
}

/// A value as one side of a change tells it.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    change: Change<'a>,
    /// 0 for what stood there before, 1 for what stands there since.
    side: usize,
    value: &'a str,
}

/// A record whose first source was replaced.
struct Case<'a> {
    row: Row<'a>,
    sourced: Sourced,
    first: Told<'a>,
    /// The change that replaced it.
    change: Change<'a>,
    /// What changed while the source was still being entered.
    entered: Vec<Change<'a>>,
    /// The record's last change of its source led to the value it has.
    is_whole: bool,
    /// What is lacking where the order of its changes is not known.
    unordered: Option<&'static str>,
    /// How many records of the table changed in the same way in the minute of the change, where that was by
    /// a plan.
    planned: Option<usize>,
}

/// A change as its table and values.
type Way<'a> = (usize, Option<&'a str>, Option<&'a str>);

fn judge<'a>(world: &World<'a>, asked: &Asked, judgement: &mut Judgement) -> Vec<Case<'a>> {
    let history = &asked.history;
    let fields: Vec<&Field> = asked.tables.iter().map(|table| &table.source).collect();
    history.note_silent(world, &fields, judgement);
    let objects = asked.tables.iter().map(|table| table.object);
    world.policies.lead_source.note_unheard(world, objects, judgement);
    let mut series: HashMap<(usize, usize), Vec<Change<'a>>> = HashMap::new();
    let mut bulk: Bulk<Way<'a>> = Bulk::default();
    let way =
        |table: usize, change: &Change<'a>| (table, history.before(change), history.after(change));
    history.each(world, &fields, judgement, |table, change| {
        bulk.add(way(table, &change), &change);
        if change.record.is_under_review() {
            series.entry((table, change.record.position())).or_default().push(change);
        }
    });
    let bulk = bulk.counted();
    let within = world.policies.lead_source.overwritten.within_days.value;
    let is_young = |change: &Change<'_>| world.as_of.is_within(within, change.at);
    let (mut cases, mut untold) = (Vec::new(), Vec::new());
    for (table, sourced) in asked.tables.iter().enumerate() {
        let Some(batch) = world.batch(sourced.object) else {
            judgement.skip(sourced.object, "there is no input");
            continue;
        };
        if !batch.has(&sourced.source) {
            judgement.skip(sourced.object, "the input has no `lead_source`");
            continue;
        }
        let in_merges = history.merges(world, sourced.object);
        for row in batch.reviewed() {
            judgement.examined += 1;
            let Some(mut changes) = series.remove(&(table, row.position())) else { continue };
            changes.sort_by_key(History::order);
            let merged = in_merges.get(&row.position()).map_or(&[][..], Vec::as_slice);
            let record = Record { world, history, sourced, row, merged };
            let present = row.text(&sourced.source);
            let unordered = History::unordered(&changes);
            let replaced = record.replaced(&changes).filter(|it| {
                let is_back = present.is_some_and(|present| is_same(present, it.first.value));
                is_young(&it.change) && !row.is_withheld(&sourced.source) && !is_back
            });
            let Some(Replaced { first, change, entered }) = replaced else {
                let of_these_days = changes.iter().filter(|change| is_young(change));
                untold.extend(History::unordered(of_these_days).map(|_| row));
                continue;
            };
            let last = changes.last().and_then(|change| history.after(change));
            let is_whole = match (present, last) {
                (Some(present), Some(last)) => is_same(present, last),
                (None, None) => true,
                (None, Some(_)) | (Some(_), None) => false,
            };
            let planned = bulk.planned(way(table, &change), &change);
            let sourced = sourced.clone();
            let case = Case { row, sourced, first, change, entered, is_whole, unordered, planned };
            cases.push(case);
        }
    }
    History::note_unordered(untold, judgement);
    cases
}

/// How a record came to lose its first source.
struct Replaced<'a> {
    /// The first source that can be restored.
    first: Told<'a>,
    /// The last change that replaced it.
    change: Change<'a>,
    /// What changed while the source was still being entered.
    entered: Vec<Change<'a>>,
}

/// What is known of a record before its changes are read.
struct Record<'w, 'a> {
    world: &'w World<'a>,
    history: &'w History,
    sourced: &'w Sourced,
    row: Row<'a>,
    /// When it was merged with others.
    merged: &'w [DateTime<Utc>],
}

impl<'a> Record<'_, 'a> {
    fn rules(&self) -> &Rules {
        &self.world.policies.lead_source.overwritten
    }

    /// Nothing where the record has again what it was entered with: somebody mended it.
    fn replaced(&self, changes: &[Change<'a>]) -> Option<Replaced<'a>> {
        let settle = Duration::hours(self.rules().settle_hours.value.into());
        let settled = self.row.time(&self.sourced.created).map(|created| created + settle);
        let is_settled = |change: &Change<'a>| settled.is_none_or(|settled| change.at > settled);
        let (entered, later) = changes.split_at(changes.partition_point(|it| !is_settled(it)));
        let mut oldest = entered.iter().fold(None, |oldest: Option<Told<'a>>, change| {
            let after = || self.told(*change, 1, self.history.after(change));
            let before = || self.told(*change, 0, self.history.before(change));
            if self.is_on_purpose(change) { after() } else { oldest.or_else(before).or_else(after) }
        });
        let (mut first, mut replaced) = (None, None);
        for change in later {
            let before = self.told(*change, 0, self.history.before(change));
            let after = self.told(*change, 1, self.history.after(change));
            if self.is_on_purpose(change) {
                (oldest, first, replaced) = (None, after, None);
                continue;
            }
            first = first.or(before);
            let Some(Told { value, .. }) = first else {
                first = after;
                continue;
            };
            let was = self.history.before(change).is_some_and(|before| is_same(before, value));
            let is = self.history.after(change).is_some_and(|after| is_same(after, value));
            if was && !is {
                replaced = Some(*change);
            }
        }
        let present = self.row.text(&self.sourced.source);
        if oldest.zip(present).is_some_and(|(oldest, present)| is_same(oldest.value, present)) {
            return None;
        }
        Some(Replaced { first: first?, change: replaced?, entered: entered.to_vec() })
    }

    /// A value that can be restored: none of the family's checks would find fault with it.
    fn told(&self, change: Change<'a>, side: usize, value: Option<&'a str>) -> Option<Told<'a>> {
        let value = value.map(str::trim)?;
        let rules = &self.world.policies.lead_source;
        let stands = rules.stands(self.world, self.row, self.sourced, value);
        stands.then_some(Told { change, side, value })
    }

    /// True for a merge, which takes over the older record's source, and for those who correct sources.
    fn is_on_purpose(&self, change: &Change<'a>) -> bool {
        let in_a_merge = |at: &DateTime<Utc>| (*at - change.at).abs() <= Duration::minutes(1);
        self.merged.iter().any(in_a_merge) || self.is_by_corrector(change)
    }

    fn is_by_corrector(&self, change: &Change<'a>) -> bool {
        let person = match self.history.actor(self.world, change) {
            Actor::Person(person) => Some(person),
            Actor::Service | Actor::Stranger | Actor::Unsaid => None,
        };
        let by = self.history.by(change);
        by.is_some_and(|by| are_named(&*self.rules().correctors, by, person))
    }
}

impl<'a> Case<'a> {
    fn finding(&self, world: &World<'a>, asked: &Asked) -> Finding {
        let Self { row, sourced, first, change, .. } = self;
        let rules = &world.policies.lead_source;
        let overwritten = &rules.overwritten;
        let object = sourced.object;
        let present = row.cell(&sourced.source);
        let [before, after] = asked.history.values(&first.change);
        let was = if first.side == 0 { before } else { after };
        let is = if row.is_blank(&sourced.source) {
            "is blank".to_owned()
        } else {
            format!("it is {}", present.shown())
        };
        let headline = format!("Lead source was {was} at first, and now {is}");
        let to = if let Shown::Value(_) = was { Some(first.value.to_owned()) } else { None };
        let proposal = Proposal::CorrectSource { before: present.clone(), to };
        let mut finding = Finding::about(row.record(), headline, Evidence::Cell(present), proposal)
            .because(Evidence::Cell(row.cell(&sourced.created)));
        for change in &self.entered {
            finding = finding.because(asked.history.evidence(change));
        }
        finding = finding.because(asked.history.evidence(&first.change));
        if !first.change.is(change) {
            finding = finding.because(asked.history.evidence(change));
        }
        let settle = overwritten.settle_hours.value;
        let within = i64::from(overwritten.within_days.value);
        finding = finding
            .because(policy(
                overwritten.objects.line,
                format!("{} keep the source of their first touch", object.plural()),
            ))
            .because(policy(
                overwritten.within_days.line,
                format!("what was replaced within {} is told", days(within)),
            ))
            .because(policy(
                overwritten.settle_hours.line,
                format!("a source is entered until {settle} h after the {object} was created"),
            ));
        if let Some(taxonomy) = &rules.taxonomy {
            let says = format!("the governed sources are {}", taxonomy.value.join(", "));
            finding = finding.because(policy(taxonomy.line, says));
        }
        if row.time(&sourced.created).is_none() {
            finding = finding.lacking(blank_field(&sourced.created));
        }
        finding = self.unordered.into_iter().fold(finding, Finding::lacking);
        let by = asked.history.actor(world, change);
        finding = if overwritten.correctors.is_empty() {
            finding
        } else {
            match by {
                Actor::Person(_) | Actor::Service => finding,
                Actor::Stranger => finding.lacking("who made the change is in no input"),
                Actor::Unsaid => finding.lacking("who made the change is not said"),
            }
        };
        finding.unless_any(self.doubts(by))
    }

    fn doubts(&self, by: Actor<'_, '_>) -> Vec<String> {
        let object = self.sourced.object;
        let mut doubts = Vec::new();
        if let Some(planned) = self.planned {
            doubts.push(format!(
                "{planned} {} changed in the same way in the same minute: sources may have been regrouped \
                 as planned",
                object.plural()
            ));
        }
        if !self.is_whole {
            doubts.push(format!(
                "the history does not say how the {object} came to the source it has now"
            ));
        }
        doubts.push(match by {
            Actor::Person(_) => format!(
                "a person changed it: they may have known better what brought this {object}"
            ),
            Actor::Service => format!(
                "a service user changed it: it may have passed on what somebody corrected elsewhere, \
                 or an older record of the same {object}"
            ),
            Actor::Stranger | Actor::Unsaid => format!(
                "who changed it is not known: somebody may have corrected what brought this {object}"
            ),
        });
        doubts
    }
}
