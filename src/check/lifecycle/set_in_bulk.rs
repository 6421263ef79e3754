//! LIF-14: somebody or something set the stage of many records in one minute.
//!
//! One finding about each burst of one writer and table: what is to be looked at is what did it. Whether a record
//! stands where it should is judged elsewhere.
//! Does not: say which stages are wrong, or judge what a record was created with.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Object, RecordRef, is_bare_day};
use crate::check::bulk::{self, minute};
use crate::check::history::{Actor, Change, History};
use crate::check::ladder::{Ladder, same};
use crate::check::people::Found;
use crate::check::settings::{most_first, reviewed, title};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, FindingId, Proposal, Severity, record};
use crate::policy::{Said, Section};

use super::{FILE, Settings, counted, days, policy, staged};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-14",
    name: "stage-set-in-bulk",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that one user or integration set the stage of at least `records` \
              records of one table within one minute of the last `within_days`, and no `[[planned-change]]` \
              says that it was planned. One finding about each writer, table and burst of such minutes, the \
              50 largest of each table.",
    consequence: "A funnel moves in one minute by what nobody sold, and conversion rates, alerts and \
                  handovers follow a script.",
    load,
};

/// Of one table so many bursts are told; the others are counted.
const MOST: usize = 50;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    /// So many records are not set one by one; without it nothing is looked at.
    records: Option<Said<u32>>,
    within_days: Said<u32>,
    planned: Vec<Planned>,
}

/// Days on which stages are set as planned.
#[derive(Debug, Clone)]
struct Planned {
    from: NaiveDate,
    until: NaiveDate,
    /// The table; all, where it says nothing.
    object: Option<Object>,
    why: String,
}

impl Rule {
    pub(super) fn parse(root: &Section<'_>, settings: &Settings<'_>) -> Self {
        let section = settings.section.as_ref();
        let records = section.and_then(|section| section.count("records"));
        if let (Some(section), Some(records)) = (section, &records)
            && records.value < 2
        {
            section.problem_with_hint(
                records.line,
                "`records` is at least 2",
                "so many records of one minute are not set one by one, such as 50",
            );
        }
        let planned = root.sections("planned-change");
        Self {
            on: settings.on(),
            records,
            within_days: settings.count("within_days", 30),
            planned: planned.iter().filter_map(Planned::parse).collect(),
        }
    }
}

impl Planned {
    fn parse(section: &Section<'_>) -> Option<Self> {
        let (from, until) = (section.date("from"), section.date("until"));
        let why = section.required_text("why");
        let object = section.text("object").and_then(|name| reviewed(section, &name));
        if !section.has("from") {
            section.problem_with_hint(
                section.line(),
                "`from` is missing in [[planned-change]]",
                "say on which day it begins, like 2026-11-23",
            );
        }
        let from = from?.value;
        if let Some(until) = until.as_ref().filter(|until| until.value < from) {
            section.problem_with_hint(
                until.line,
                "`until` lies before `from`",
                "say on which day it ends; absent: on the day it begins",
            );
        }
        Some(Self {
            from,
            until: until.map_or(from, |until| until.value),
            object,
            why: why?.trim().to_owned(),
        })
    }

    fn holds(&self, object: Object, day: NaiveDate) -> bool {
        (self.from..=self.until).contains(&day) && self.object.is_none_or(|it| it == object)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = policies.lifecycle.set_in_bulk.clone();
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    let Some(records) = rule.records.clone() else {
        let write = "say in `records` of [stage-set-in-bulk] how many of one minute are too many";
        return Err(Off::NoPolicy { file: FILE, write });
    };
    if Object::REVIEWED.iter().all(|object| policies.ladders.of(*object).is_none()) {
        let write = "add a ladder such as [contact] with `field` and `order`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let history = History::ask_with_values(grant)?;
    grant.field(Object::FieldHistory, "by")?;
    for object in Object::REVIEWED {
        if policies.ladders.of(object).is_some() {
            policies.ladders.ask(object, grant);
            grant.optional(object, "created");
        }
    }
    Ok(Box::new(move |world| judge(world, &rule, &records, &history)))
}

/// The stages that one writer set at once.
struct Burst<'b, 'a> {
    /// Who or what set them; nothing where the history does not say.
    by: Option<&'b str>,
    began: DateTime<Utc>,
    /// How many minutes it took, counting the one that it ended in.
    minutes: i64,
    /// One for each record, by its id.
    changes: Vec<Change<'a>>,
}

fn judge(world: &World<'_>, rule: &Rule, records: &Said<u32>, history: &History) -> Judgement {
    let mut judgement = Judgement::looking_back(world, rule.within_days.value);
    if world.batch(Object::FieldHistory).is_none() {
        judgement.skip(Object::FieldHistory, "there is no input for them");
        return judgement;
    }
    let mut staged_tables: Vec<(Object, &Ladder)> = Vec::new();
    for object in Object::REVIEWED {
        if world.policies.ladders.of(object).is_some() {
            let table = staged(world, object, &mut judgement);
            staged_tables.extend(table.map(|(_, ladder)| (object, ladder)));
        }
    }
    let fields: Vec<&Field> = staged_tables.iter().map(|(_, ladder)| &ladder.field).collect();
    let created: Vec<Option<Field>> = staged_tables
        .iter()
        .map(|(object, _)| world.policies.boundary.allowed(*object, "created"))
        .collect();
    let (mut looked, mut timeless) = (0_usize, 0_usize);
    let mut set: HashMap<(usize, Option<&str>), Vec<Change<'_>>> = HashMap::new();
    let within = rule.within_days.value;
    history.look_for(world, &fields, &mut judgement);
    history.each(world, &fields, &mut judgement, |table, change| {
        // A day more: where a burst began does not hang on how far is looked back.
        if !world.as_of.is_within(within.saturating_add(1), change.at)
            || history.after(&change).is_none_or(|after| {
                history.before(&change).is_some_and(|before| same(before, after))
            })
        {
            return;
        }
        let counts = usize::from(world.as_of.is_within(within, change.at));
        looked += counts;
        if is_bare_day(change.at, world.as_of.zone) {
            timeless += counts;
            return;
        }
        let made = created.get(table).and_then(Option::as_ref);
        if history.is_first(&change, made) {
            return;
        }
        let by = history.by(&change).map(|by| match world.people().find(by) {
            Found::One(person) => person.id.as_str(),
            Found::Several | Found::Nobody => by.trim(),
        });
        set.entry((table, by)).or_default().push(change);
    });
    judgement.examined = looked;
    if timeless > 0 {
        let what = format!("{timeless} have no time of day: what came together cannot be told");
        judgement.remark(Object::FieldHistory, &what);
    }
    let mut by_table: BTreeMap<usize, Vec<Burst<'_, '_>>> = BTreeMap::new();
    for ((table, by), changes) in set {
        let bursts = bulk::bursts(changes, records.value as usize).into_iter();
        let bursts = bursts.filter_map(|changes| Burst::of(by, changes));
        let young = bursts.filter(|burst| world.as_of.is_within(within, burst.began));
        by_table.entry(table).or_default().extend(young);
    }
    for (table, mut bursts) in by_table {
        let Some((object, ladder)) = staged_tables.get(table).copied() else { continue };
        bursts.sort_by_key(|burst| (burst.began, burst.by));
        bursts.retain(|burst| !burst.is_planned(world, rule, object, &mut judgement));
        bursts.sort_by_key(|burst| Reverse(burst.changes.len()));
        let look = Look { world, rule, records, history, ladder };
        let of_writer = |by: Option<&str>| bursts.iter().filter(|other| other.by == by).count();
        let id = |burst: &Burst<'_, '_>| {
            FindingId::of(CHECK.code, &burst.known_by(object), &[], Some(ladder.field.name()))
        };
        let mut unseen = Vec::new();
        for burst in bursts.iter().take(MOST) {
            match look.finding(burst, of_writer(burst.by)) {
                Some(finding) => judgement.findings.push(finding),
                None => unseen.push(id(burst)),
            }
        }
        if !unseen.is_empty() {
            let words = format!(
                "{}: {} times stages were set in bulk, of none that is under review",
                object.plural(),
                unseen.len()
            );
            judgement.skip_findings(unseen, words);
        }
        if let Some(more) = bursts.len().checked_sub(MOST).filter(|more| *more > 0) {
            let words = format!(
                "{}: {more} more times stages were set in bulk; {MOST} are told",
                object.plural()
            );
            let beyond = bursts.iter().skip(MOST);
            judgement.skip_findings(beyond.map(id), words);
        }
    }
    judgement
}

impl<'b, 'a> Burst<'b, 'a> {
    /// Changes in the order of time.
    fn of(by: Option<&'b str>, mut changes: Vec<Change<'a>>) -> Option<Self> {
        let (began, ended) = (changes.first()?.at, changes.last()?.at);
        changes.sort_by_key(|change| (change.record.id(), Reverse(History::order(change))));
        changes.dedup_by_key(|change| change.record.position());
        Some(Self { by, began, minutes: (ended - began).num_minutes() + 1, changes })
    }

    /// What tells it from the others of its table: two of one writer never begin in one minute. It stays the same
    /// while it goes on, and mostly where the record that was the first is gone.
    fn known_by(&self, object: Object) -> RecordRef {
        record(object, &format!("{} {}", minute(self.began), self.by.unwrap_or_default()))
    }

    /// How long it took.
    fn span(&self) -> String {
        if self.minutes == 1 {
            "one minute".to_owned()
        } else {
            format!("{} minutes", self.minutes)
        }
    }

    /// True where the rules say that it was planned, which is noted.
    fn is_planned(
        &self,
        world: &World<'_>,
        rule: &Rule,
        object: Object,
        judgement: &mut Judgement,
    ) -> bool {
        let day = self.began.with_timezone(&world.as_of.zone).date_naive();
        let Some(planned) = rule.planned.iter().find(|it| it.holds(object, day)) else {
            return false;
        };
        let what = format!(
            "the stages of {} were set in {} of {day}, as planned: {}",
            self.changes.len(),
            self.span(),
            planned.why
        );
        judgement.remark(object, &what);
        true
    }

    /// From which stage to which, as far as may be shown, most first.
    fn moves(&self, history: &History) -> String {
        let steps = self.changes.iter().map(|change| {
            let [from, to] = history.values(change);
            format!("{from} → {to}")
        });
        most_first(steps, QUOTED)
    }
}

/// No more records and moves than a person reads.
const QUOTED: usize = 5;

/// By what a burst is told.
#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rule: &'l Rule,
    records: &'l Said<u32>,
    history: &'l History,
    ladder: &'l Ladder,
}

impl<'a> Look<'_, 'a> {
    /// The first record under review is shown for all; there is none where no such record is under review.
    fn finding(self, burst: &Burst<'_, 'a>, of_writer: usize) -> Option<Finding> {
        let Self { world, rule, records, history, ladder } = self;
        let change = burst.changes.iter().find(|change| change.record.is_under_review())?;
        let row = change.record;
        let object = row.object();
        let count = burst.changes.len();
        let actor = history.actor(world, change);
        let writer = history.writer(world, change);
        let by = writer.as_ref().map_or_else(String::new, |writer| format!(" by {writer}"));
        let headline = format!(
            "{} of {} and {} was set{by} within {}, {}",
            title(&ladder.field),
            world.called(row),
            counted(count - 1, &format!("other {object}"), &format!("other {}", object.plural())),
            burst.span(),
            history.when(change)
        );
        let question = match &writer {
            Some(writer) => {
                format!("What had {writer} set {count} stages at once, and was it meant?")
            }
            None => format!("Who or what set {count} stages at once, and was it meant?"),
        };
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        let first: Vec<_> =
            burst.changes.iter().take(QUOTED).map(|it| it.record.record().to_string()).collect();
        let kind = match actor {
            Actor::Person(_) => "a user",
            Actor::Service => "a service user of the rules",
            Actor::Stranger => "somebody in no input",
            Actor::Unsaid => "nobody the history names",
        };
        let proposal = Proposal::ReviewUpstream { question };
        let mut finding =
            Finding::about(row.record(), headline, history.evidence(change), proposal)
                .of_field(&ladder.field)
                .of_group([burst.known_by(object)])
                .because(Evidence::Cell(row.cell(&ladder.field)))
                .because(figure(
                    format!("{} whose stage was set then by the same", object.plural()),
                    count.to_string(),
                ))
                .because(figure("from one stage to another".to_owned(), burst.moves(history)))
                .because(figure("the first of them".to_owned(), first.join(", ")))
                .because(figure("set by".to_owned(), kind.to_owned()))
                .because(figure(
                    format!("such bursts of the same in {}", days(rule.within_days.value)),
                    of_writer.to_string(),
                ))
                .because(policy(
                    records.line,
                    format!("{} of one minute are not set one by one", records.value),
                ))
                .because(policy(
                    rule.within_days.line,
                    format!("changes within {} are judged", days(rule.within_days.value)),
                ));
        finding = match actor {
            Actor::Stranger => finding.lacking("who set them is in no input"),
            Actor::Unsaid => finding.lacking("who set them is not said"),
            Actor::Person(_) | Actor::Service => finding,
        };
        if of_writer > 1 {
            finding = finding.unless(format!(
                "the same did so {of_writer} times: setting stages may be its work"
            ));
        }
        Some(finding.unless(
            "it may have been planned, as when stages are renamed or a list is cleaned: a \
             [[planned-change]] with its days and its reason says so",
        ))
    }
}
