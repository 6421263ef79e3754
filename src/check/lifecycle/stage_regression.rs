//! LIF-05: a stage fell, and the rules do not call that move normal.
//!
//! Some CRMs clear a stage before they set it back: then it fell from what stood before the blank.
//! Does not: judge records that have to go up again because a deal is won; that fault comes first.
//! Nor moves to or from stages that are not on the ladder; they may have been renamed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};

use crate::boundary::{Field, Grant, Object, Row, is_bare_day};
use crate::check::bulk::Bulk;
use crate::check::history::{Actor, Change, History};
use crate::check::ladder::{Ladder, lists, same};
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

/// Asks for what tells that a stage fell.
pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Result<History, Off> {
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
    Ok(history)
}

/// The records under review of which this check, or LIF-02 in its place, finds that they fell.
pub(super) fn fallen(world: &World<'_>, history: &History) -> HashSet<(Object, usize)> {
    let falls = Falls::of(world, history, &mut Judgement::default());
    let each = falls.last.iter();
    each.flat_map(|(object, last)| last.keys().map(|position| (*object, *position))).collect()
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let history = ask(grant, policies)?;
    let stage_fault = won_deal_not_customer::Asked::ask(grant, policies).ok();
    Ok(Box::new(move |world| judge(world, &history, stage_fault.as_ref())))
}

fn judge(
    world: &World<'_>,
    history: &History,
    stage_fault: Option<&won_deal_not_customer::Asked>,
) -> Judgement {
    let mut judgement =
        Judgement::looking_back(world, world.policies.lifecycle.stage_regression.within_days.value);
    if world.batch(Object::FieldHistory).is_none() {
        judgement.skip(Object::FieldHistory, "there is no input for them");
        return judgement;
    }
    let falls = Falls::of(world, history, &mut judgement);
    let together = falls.together.counted();
    judgement.examined = falls.moves;
    for (object, last) in &falls.last {
        let Some(ladder) = world.policies.ladders.of(*object) else { continue };
        for fall in last.values() {
            let is_customer =
                |asked| won_deal_not_customer::finds(world, asked, fall.step.change.record);
            if stage_fault.is_some_and(is_customer) {
                continue;
            }
            let finding = finding(world, history, ladder, fall);
            judgement.findings.push(
                match together.together(*object, &fall.step.change).saturating_sub(1) {
                    0 => finding,
                    n => finding.unless(format!(
                        "{} within the same minute: it may have been a planned clean-up",
                        counted(n, "other stage fell", "other stages fell")
                    )),
                },
            );
        }
    }
    judgement
}

/// A move from one stage to another.
#[derive(Clone, Copy)]
struct Move<'a> {
    /// The change by which the record left the stage: the move itself, or the one that cleared it before.
    left: Change<'a>,
    change: Change<'a>,
    from: &'a str,
    to: &'a str,
}

/// A move down the ladder.
#[derive(Clone, Copy)]
struct Fall<'a> {
    step: Move<'a>,
    /// Of two falls that a record made, which came last.
    order: Order<'a>,
}

/// When a stage fell; of falls in one instant the one that ended lowest is the last, since each began where
/// the one before it ended. Their words tell apart what is left, and never their place in the input.
type Order<'a> = (DateTime<Utc>, Reverse<Option<usize>>, Reverse<Option<usize>>, [&'a str; 2]);

impl<'a> Fall<'a> {
    fn of(ladder: &Ladder, step: Move<'a>) -> Self {
        let [from, to] = [step.from, step.to].map(|stage| Reverse(height(ladder, stage)));
        Self { step, order: (step.change.at, to, from, [step.from, step.to]) }
    }
}

/// Which stages were cleared when, by the field's place and the record's position.
type Cleared<'a> = HashMap<(usize, usize), Vec<(DateTime<Utc>, &'a str, Change<'a>)>>;

/// The last move down of every record that made one.
struct Falls<'a> {
    last: BTreeMap<Object, BTreeMap<usize, Fall<'a>>>,
    /// Those of which the history gives a time of day, by table.
    together: Bulk<Object>,
    moves: usize,
    /// The records of moves to or from stages that are not on the ladder.
    unknown: Vec<Row<'a>>,
}

impl<'a> Falls<'a> {
    fn of(world: &World<'a>, history: &History, judgement: &mut Judgement) -> Self {
        let mut falls = Self {
            last: BTreeMap::new(),
            together: Bulk::default(),
            moves: 0,
            unknown: Vec::new(),
        };
        let staged: Vec<_> = Object::REVIEWED
            .into_iter()
            .filter(|object| world.policies.ladders.of(*object).is_some())
            .filter_map(|object| Some((object, staged(world, object, judgement)?.1)))
            .collect();
        let fields: Vec<&Field> = staged.iter().map(|(_, ladder)| &ladder.field).collect();
        let within = world.policies.lifecycle.stage_regression.within_days.value;
        let (mut set, mut cleared) = (Vec::new(), Cleared::new());
        history.look_for(world, &fields, judgement);
        history.each(world, &fields, judgement, |at, change| {
            if !world.as_of.is_within(within, change.at) || !change.record.is_under_review() {
                return;
            }
            falls.moves += 1;
            let Some((object, ladder)) = staged.get(at) else { return };
            match (history.before(&change), history.after(&change)) {
                (Some(from), Some(to)) => {
                    falls.see(world, *object, ladder, Move { left: change, change, from, to });
                }
                (None, Some(to)) => set.push((at, change, to)),
                (Some(from), None) => {
                    let place = (at, change.record.position());
                    cleared.entry(place).or_default().push((change.at, from, change));
                }
                (None, None) => {}
            }
        });
        for (at, change, to) in set {
            let left = cleared.get(&(at, change.record.position())).and_then(|cleared| {
                let before = cleared.iter().filter(|(when, ..)| *when <= change.at);
                before.max_by_key(|(when, from, _)| (*when, *from))
            });
            if let (Some((_, from, left)), Some((object, ladder))) = (left, staged.get(at)) {
                falls.see(world, *object, ladder, Move { left: *left, change, from, to });
            }
        }
        if !falls.unknown.is_empty() {
            let changes = counted(falls.unknown.len(), "stage change names", "stage changes name");
            let words = format!(
                "{changes} stages that are not on the ladder: renamed stages are not judged"
            );
            judgement.leave_out(std::mem::take(&mut falls.unknown), words);
        }
        falls
    }

    /// Keeps a move where it is a fall.
    fn see(&mut self, world: &World<'_>, object: Object, ladder: &Ladder, step: Move<'a>) {
        if !ladder.knows(step.from) || !ladder.knows(step.to) {
            self.unknown.push(step.change.record);
        } else if stands(ladder, &step) {
            if !is_bare_day(step.change.at, world.as_of.zone) {
                self.together.add(object, &step.change);
            }
            self.keep_last(object, &Fall::of(ladder, step));
        }
    }

    fn keep_last(&mut self, object: Object, fall: &Fall<'a>) {
        let last = self.last.entry(object).or_default();
        let key = fall.step.change.record.position();
        if last.get(&key).is_none_or(|known| known.order < fall.order) {
            last.insert(key, *fall);
        }
    }
}

/// Where a stage stands; a won deal stands above every open one.
fn height(ladder: &Ladder, stage: &str) -> Option<usize> {
    let won = || lists(&ladder.won, stage).then_some(ladder.order.len());
    ladder.rank(stage).or_else(won)
}

/// True when a move went down without being allowed, and the record still stands below its start.
fn stands(ladder: &Ladder, step: &Move<'_>) -> bool {
    let heights = (height(ladder, step.from), height(ladder, step.to));
    let (Some(from), Some(to)) = heights else { return false };
    let mut moves_back = ladder.allowed_back.iter();
    let allowed = moves_back.any(|(high, low)| same(high, step.from) && same(low, step.to));
    let now = step.change.record.text(&ladder.field).and_then(|stage| height(ladder, stage));
    to < from && !allowed && now.is_some_and(|now| now < from)
}

fn finding<'a>(world: &World<'a>, history: &History, ladder: &Ladder, fall: &Fall<'a>) -> Finding {
    let rule = &world.policies.lifecycle.stage_regression;
    let Move { left, change, .. } = &fall.step;
    let record = change.record;
    let ago = world.as_of.days_since(change.at);
    let ([old, _], [_, new]) = (history.values(left), history.values(change));
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
    if !change.is(left) {
        finding = finding.because(history.evidence(left));
    }
    finding = finding
        .because(on_ladder(ladder, format!("order = {}", ladder.order.join(", "))))
        .because(policy(
            rule.within_days.line,
            format!("falls within {} are judged", days(rule.within_days.value)),
        ));
    let by_person = |finding: Finding| {
        finding
            .because(actor_is("a person"))
            .unless("a person made the change: it may be a correction")
    };
    let by_program = |finding: Finding| {
        finding
            .because(actor_is("an integration or automation"))
            .unless("a program made the change: a planned clean-up looks the same")
    };
    let finding = match (history.actor(world, change), history.by(change)) {
        (Actor::Person(person), _) if names_a_program(&person.name) => by_program(finding),
        (Actor::Person(_), _) => by_person(finding),
        (Actor::Service, _) => by_program(finding),
        (Actor::Stranger, Some(by)) if names_a_program(by) => by_program(finding),
        // How HubSpot calls somebody at its pages.
        (Actor::Stranger, Some(by)) if same(by, "CRM_UI") => by_person(finding),
        (Actor::Stranger | Actor::Unsaid, _) => {
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

/// Words in the names of integration users and in HubSpot's change sources.
const PROGRAMS: [&str; 16] = [
    "integration",
    "integrations",
    "automation",
    "workflow",
    "workflows",
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

/// True for a name that holds one of them: whole words, since people are called Batchelor and Botha.
fn names_a_program(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.any(|word| PROGRAMS.contains(&word.as_str()))
}
