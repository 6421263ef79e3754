//! LIF-05: a stage fell, and the rules do not call that move normal.
//!
//! Does not: judge records that have to go up again because a deal is won; that fault comes first.
//! Nor moves to or from stages that are not on the ladder; they may have been renamed.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Object, Row, is_bare_day};
use crate::check::history::{Change, History};
use crate::check::ladder::{Ladder, lists, same};
use crate::check::people::Found;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Said;

use super::{FILE, Settings, counted, days, on_ladder, policy, staged, won_deal_not_customer};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-05",
    name: "stage-regression",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that the stage fell within `within_days`, the record still \
              stands below where it fell from, and `allowed_back` does not list the move.",
    consequence: "Funnel figures fall without a reason anybody can give, and automation treats the \
                  record as new.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    within_days: Said<u32>,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>) -> Self {
        Self { on: settings.on(), within_days: settings.count("within_days", 30) }
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if !policies.lifecycle.stage_regression.on {
        return Err(CHECK.off_in_rules());
    }
    if Object::REVIEWED.iter().all(|object| policies.ladders.of(*object).is_none()) {
        let write = "add a ladder such as [contact] with `field` and `order`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let history = History::ask_with_values(grant)?;
    for object in Object::REVIEWED {
        policies.ladders.ask(object, grant);
    }
    let stage_fault = won_deal_not_customer::Asked::ask(grant, policies).ok();
    Ok(Box::new(move |world| judge(world, &history, stage_fault.as_ref())))
}

fn judge(
    world: &World<'_>,
    history: &History,
    stage_fault: Option<&won_deal_not_customer::Asked>,
) -> Judgement {
    let mut judgement = Judgement::default();
    if world.batch(Object::FieldHistory).is_none() {
        judgement.skip(Object::FieldHistory, "there is no input for them");
        return judgement;
    }
    let falls = Falls::of(world, history, &mut judgement);
    judgement.examined = falls.moves;
    for (object, last) in &falls.last {
        let Some(ladder) = world.policies.ladders.of(*object) else { continue };
        for fall in last.values() {
            let is_customer =
                |asked| won_deal_not_customer::finds(world, asked, fall.change.record);
            if stage_fault.is_some_and(is_customer) {
                continue;
            }
            let finding = finding(world, history, ladder, fall);
            judgement.findings.push(match falls.together(fall) {
                0 => finding,
                n => finding.unless(format!(
                    "{} within the same minute: it may have been a planned clean-up",
                    counted(n, "other stage fell", "other stages fell")
                )),
            });
        }
    }
    judgement
}

/// A move down the ladder.
#[derive(Clone, Copy)]
struct Fall<'a> {
    change: Change<'a>,
    /// Where the history gives a time of day.
    minute: Option<i64>,
}

/// The last move down of every record that made one.
struct Falls<'a> {
    last: BTreeMap<Object, BTreeMap<usize, Fall<'a>>>,
    /// How many fell in each minute.
    per_minute: HashMap<i64, usize>,
    moves: usize,
}

impl<'a> Falls<'a> {
    fn of(world: &World<'a>, history: &History, judgement: &mut Judgement) -> Self {
        let mut falls = Self { last: BTreeMap::new(), per_minute: HashMap::new(), moves: 0 };
        let staged: Vec<_> = Object::REVIEWED
            .into_iter()
            .filter(|object| world.policies.ladders.of(*object).is_some())
            .filter_map(|object| Some((object, staged(world, object, judgement)?.1)))
            .collect();
        let fields: Vec<&Field> = staged.iter().map(|(_, ladder)| &ladder.field).collect();
        let within = i64::from(world.policies.lifecycle.stage_regression.within_days.value);
        let (mut unknown, mut unknown_rows) = (0, Vec::new());
        history.each(world, &fields, judgement, |at, change| {
            let Some((object, ladder)) = staged.get(at) else { return };
            if world.as_of.days_since(change.at) > within || !change.record.is_under_review() {
                return;
            }
            falls.moves += 1;
            let (Some(old), Some(new)) = (history.before(&change), history.after(&change)) else {
                return;
            };
            if !ladder.knows(old) || !ladder.knows(new) {
                unknown += 1;
                unknown_rows.push(change.record);
            } else if stands(ladder, change.record, old, new) {
                let minute = (!is_bare_day(change.at, world.as_of.zone))
                    .then(|| change.at.timestamp().div_euclid(60));
                falls.keep_last(*object, Fall { change, minute });
            }
        });
        if unknown > 0 {
            let changes = counted(unknown, "stage change names", "stage changes name");
            let words = format!(
                "{changes} stages that are not on the ladder: renamed stages are not judged"
            );
            judgement.leave_out(unknown_rows, words);
        }
        falls
    }

    fn keep_last(&mut self, object: Object, fall: Fall<'a>) {
        if let Some(minute) = fall.minute {
            *self.per_minute.entry(minute).or_default() += 1;
        }
        let last = self.last.entry(object).or_default();
        let key = fall.change.record.position();
        if last.get(&key).is_none_or(|known| known.change.at <= fall.change.at) {
            last.insert(key, fall);
        }
    }

    /// How many others fell within the same minute.
    fn together(&self, fall: &Fall<'a>) -> usize {
        let minute = fall.minute.and_then(|minute| self.per_minute.get(&minute));
        minute.map_or(0, |count| count.saturating_sub(1))
    }
}

/// Where a stage stands; a won deal stands above every open one.
fn height(ladder: &Ladder, stage: &str) -> Option<usize> {
    let won = || lists(&ladder.won, stage).then_some(ladder.order.len());
    ladder.rank(stage).or_else(won)
}

/// True when a move went down without being allowed, and the record still stands below its start.
fn stands(ladder: &Ladder, record: Row<'_>, old: &str, new: &str) -> bool {
    let (Some(from), Some(to)) = (height(ladder, old), height(ladder, new)) else { return false };
    let allowed =
        || ladder.allowed_back.iter().any(|(high, low)| same(high, old) && same(low, new));
    let now = record.text(&ladder.field).and_then(|stage| height(ladder, stage));
    to < from && !allowed() && now.is_some_and(|now| now < from)
}

fn finding(world: &World<'_>, history: &History, ladder: &Ladder, fall: &Fall<'_>) -> Finding {
    let rule = &world.policies.lifecycle.stage_regression;
    let (change, record) = (&fall.change, fall.change.record);
    let ago = world.as_of.days_since(change.at);
    let [old, new] = history.values(change);
    let step = format!("from {old} to {new}");
    let headline = format!("{} fell {step} {} ago", world.titled(record), days(ago));
    let question = format!("Why did it go back {step}?");
    let mut finding = Finding::about(
        record.record(),
        headline,
        history.evidence(change),
        Proposal::ReviewRecord { question },
    )
    .because(Evidence::Cell(record.cell(&ladder.field)));
    finding = finding
        .because(on_ladder(ladder, format!("order = {}", ladder.order.join(", "))))
        .because(policy(
            rule.within_days.line,
            format!("falls within {} are judged", days(rule.within_days.value.into())),
        ));
    let actor = history.by(change);
    let finding = match actor.map(|by| actor_kind(world, by)) {
        Some(Actor::Person) => finding
            .because(actor_is("a person"))
            .unless("a person made the change: it may be a correction"),
        Some(Actor::Program) => finding
            .because(actor_is("an integration or automation"))
            .unless("a program made the change: a planned clean-up looks the same"),
        Some(Actor::Unsaid) | None => {
            finding.unless("nothing says who made the change: it may be a correction")
        }
    };
    if ladder.allowed_back.is_empty() {
        finding.unless("the ladder allows no move back: recycling may not have been written down")
    } else {
        finding
    }
}

fn actor_is(kind: &str) -> Evidence {
    Evidence::Figure { of: "changed by".to_owned(), is: kind.to_owned() }
}

/// What kind of actor made a change.
enum Actor {
    Person,
    Program,
    Unsaid,
}

/// Words in the names of integration users and in HubSpot's change sources.
const PROGRAMS: [&str; 14] = [
    "integration",
    "automat",
    "workflow",
    "import",
    "api",
    "sync",
    "system",
    "migration",
    "merge",
    "batch",
    "bot",
    "zapier",
    "connector",
    "calculated",
];

fn actor_kind(world: &World<'_>, by: &str) -> Actor {
    let found = world.people().find(by);
    let name = if let Found::One(person) = &found { person.name.as_str() } else { by };
    let mut words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    if words.any(|word| PROGRAMS.iter().any(|program| word.starts_with(program))) {
        Actor::Program
    } else if matches!(found, Found::One(_) | Found::Several) || same(by, "CRM_UI") {
        Actor::Person
    } else {
        Actor::Unsaid
    }
}
