//! LIF-12: a lost deal lives on: it was reopened, its stage changed after it was lost, or something is
//! planned on it.
//!
//! Does not: judge a deal that fell (LIF-05) or that is open past its close date (LIF-13): those come
//! first. A change from one lost stage to another is a correction of the reason, and no life.

use chrono::{DateTime, Duration, Utc};
use hashbrown::HashMap;

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row, is_bare_day};
use crate::check::condition::Conditions;
use crate::check::deals::{self, DealState};
use crate::check::history::{Change, History};
use crate::check::ladder::{Ladder, UNSAID, lists};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Said;

use super::misplaced::{self, Misplaced};
use super::{FILE, Settings, counted, days, past_close_date, policy, said, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-12",
    name: "lost-deal-alive",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that a deal left a lost stage within `within_days`, after more \
              than `correction_hours` in it; or a lost deal has a next step or an activity ahead, or, \
              without a history of stages, a stage that changed so much later than it was closed. Deals that \
              LIF-05 or LIF-13 finds are left to those.",
    consequence: "Win rates and cycle times count a loss that was none, and work is planned on a deal \
                  that no report shows.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    within_days: Said<u32>,
    correction_hours: Said<u32>,
    except: Conditions,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, boundary: &Boundary) -> Self {
        Self {
            on: settings.on(),
            within_days: settings.count("within_days", 30),
            correction_hours: settings.count("correction_hours", 24),
            except: settings.conditions("except", boundary),
        }
    }

    /// How long a deal may be lost by mistake.
    fn correction(&self) -> Duration {
        Duration::hours(self.correction_hours.value.into())
    }
}

/// The fields it reads.
struct Asked {
    /// The stage, or else the flag that says closed.
    stands: Field,
    close_date: Option<Field>,
    /// When the deal did close, where the close date is only the expected one.
    closed_date: Option<Field>,
    stage_changed: Option<Field>,
    next_step: Option<Field>,
    last_activity: Option<Field>,
    history: Option<History>,
    misplaced: misplaced::Asked,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = &policies.lifecycle.lost_deal_alive;
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    let ladder = policies.ladders.of(Object::Deal);
    let closed = grant.optional(Object::Deal, "closed");
    let Some(stands) = ladder.map(|ladder| ladder.field.clone()).or(closed) else {
        let write = "add [deal] with `field`, `order`, `won` and `lost`, or allow `deal.closed`";
        return Err(Off::NoPolicy { file: FILE, write });
    };
    deals::ask(grant, &policies.ladders);
    rule.except.ask(&[Object::Deal], grant);
    let mut field = |name: &str| grant.optional(Object::Deal, name);
    let [expected, actual, changed, next_step, last_activity] =
        ["close_date", "closed_date", "stage_changed", "next_step_date", "last_activity"]
            .map(&mut field);
    let history = ladder.and_then(|_| History::ask_with_values(grant).ok());
    let tells_change = actual.is_some() && changed.is_some();
    if next_step.is_none() && last_activity.is_none() && history.is_none() && !tells_change {
        grant.field(Object::Deal, "next_step_date")?;
    }
    let asked = Asked {
        stands,
        close_date: expected,
        closed_date: actual,
        stage_changed: changed,
        next_step,
        last_activity,
        history,
        misplaced: misplaced::Asked::ask(grant, policies),
    };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge<'a>(world: &World<'a>, asked: &Asked) -> Judgement {
    let mut judgement =
        Judgement::looking_back(world, world.policies.lifecycle.lost_deal_alive.within_days.value);
    let Some(batch) = world.batch(Object::Deal) else {
        judgement.skip(Object::Deal, "there is no input for them");
        return judgement;
    };
    let rule = &world.policies.lifecycle.lost_deal_alive;
    if asked.history.is_some() && world.batch(Object::FieldHistory).is_none() {
        let state = |deal: &Row<'a>| world.deals().state(world, *deal);
        let alive = batch.reviewed().filter(|deal| state(deal) != Some(DealState::Lost));
        let why = "there is no input: which deals were reopened is not known";
        judgement.skip_records(Object::FieldHistory, alive, why);
    }
    let mut left = Left::of(world, asked, batch, &mut judgement);
    let case = Case { world, asked, rule, has_history: left.is_known };
    let (mut found, mut unsaid) = (Vec::new(), Vec::new());
    for deal in batch.reviewed().filter(|deal| !rule.except.hold(*deal)) {
        let left = left.of_deal.remove(&deal.position());
        let state = world.deals().state(world, deal);
        if state.is_none() && case.may_live(deal, left.as_ref()) {
            unsaid.push(deal);
            continue;
        }
        judgement.examined += usize::from(state == Some(DealState::Lost) || left.is_some());
        found.extend(case.life(deal, state, left).map(|life| (deal, life)));
    }
    if !unsaid.is_empty() {
        let why =
            format!("{} with {UNSAID}, or one that does not tell lost from won", unsaid.len());
        judgement.skip_records(Object::Deal, unsaid, &why);
    }
    if !found.is_empty() {
        let misplaced = Misplaced::of(world, &asked.misplaced);
        found.retain(|(deal, _)| !misplaced.holds(*deal));
        judgement.findings.extend(found.iter().map(|(deal, life)| case.finding(*deal, life)));
    }
    judgement
}

/// The changes by which deals left a lost stage for the last time.
#[derive(Default)]
struct Left<'a> {
    /// True where there is a history of the stages of deals.
    is_known: bool,
    of_deal: HashMap<usize, Leaving<'a>>,
}

/// A change by which a deal left a lost stage.
#[derive(Clone, Copy)]
struct Leaving<'a> {
    change: Change<'a>,
    /// Since when it had been lost, where the history reaches so far.
    lost: Option<DateTime<Utc>>,
    /// What is lacking where the order of the changes is not known.
    unordered: Option<&'static str>,
}

impl<'a> Left<'a> {
    fn of(world: &World<'a>, asked: &Asked, deals: &'a Batch, judgement: &mut Judgement) -> Self {
        let ladder = world.policies.ladders.of(Object::Deal).filter(|it| deals.has(&it.field));
        let told = world.batch(Object::FieldHistory).and(asked.history.as_ref());
        let Some((ladder, history)) = ladder.zip(told) else { return Self::default() };
        let mut changes: HashMap<usize, Vec<Change<'a>>> = HashMap::new();
        let mut is_tracked = false;
        history.each(world, &[&ladder.field], judgement, |_, change| {
            is_tracked = true;
            if change.record.is_under_review() {
                changes.entry(change.record.position()).or_default().push(change);
            }
        });
        if !is_tracked {
            let state = |deal: &Row<'a>| world.deals().state(world, *deal);
            let alive = deals.reviewed().filter(|deal| state(deal) != Some(DealState::Lost));
            let why = format!(
                "none is of `{}`, so which deals were reopened is not known: where it does change, have the \
                 CRM track it and put its history into the input",
                ladder.field
            );
            judgement.skip_records(Object::FieldHistory, alive, &why);
        }
        let mut left = Self { is_known: is_tracked, ..Self::default() };
        let (mut unknown, mut untold) = (Vec::new(), Vec::new());
        for (deal, mut changes) in changes {
            changes.sort_by_key(History::order);
            match last_leaving(world, ladder, history, &changes) {
                Ok(Some(leaving)) => drop(left.of_deal.insert(deal, leaving)),
                Ok(None) => {
                    let of_these_days = changes.iter().filter(|it| is_of_these_days(world, it.at));
                    let record = changes.first().map(|change| change.record);
                    untold.extend(History::unordered(of_these_days).and(record));
                }
                Err(record) => unknown.push(record),
            }
        }
        History::note_unordered(untold, judgement);
        if !unknown.is_empty() {
            let deals =
                counted(unknown.len(), "deal that was lost went", "deals that were lost went");
            let words = format!("{deals} to stages that are not on the ladder: not judged");
            judgement.leave_out(unknown, words);
        }
        left
    }
}

fn is_of_these_days(world: &World<'_>, at: DateTime<Utc>) -> bool {
    let within = world.policies.lifecycle.lost_deal_alive.within_days.value;
    world.as_of.is_within(within, at)
}

/// The last change out of a lost stage that corrected no mistake; the record where that led to a stage that
/// nobody knows.
fn last_leaving<'a>(
    world: &World<'a>,
    ladder: &Ladder,
    history: &History,
    changes: &[Change<'a>],
) -> Result<Option<Leaving<'a>>, Row<'a>> {
    let is_lost = |stage: &str| lists(&ladder.lost, stage) || lists(&ladder.closed, stage);
    let correction = world.policies.lifecycle.lost_deal_alive.correction();
    let (mut since, mut leaving) = (None, Ok(None));
    // Some CRMs clear a stage before they set another: then it stays what it was.
    let mut stands = false;
    for change in changes {
        let was_lost = history.before(change).map_or(stands, is_lost);
        let Some(to) = history.after(change) else {
            stands = was_lost;
            continue;
        };
        stands = is_lost(to);
        match (was_lost, stands) {
            (false, true) => since = Some(change.at),
            (true, false) if since.is_some_and(|lost| change.at - lost <= correction) => {}
            (true, false) if ladder.knows(to) => {
                let unordered = History::unordered([change]);
                leaving = Ok(Some(Leaving { change: *change, lost: since, unordered }));
            }
            (true, false) => leaving = Err(change.record),
            (true, true) | (false, false) => {}
        }
    }
    leaving
}

/// What shows that a lost deal lives on.
enum Life<'w, 'a> {
    /// It left the lost stage, and is open or won.
    Left(Leaving<'a>, DealState),
    /// It is lost, and dates lie so many days ahead.
    Planned(Vec<(&'w Field, i64)>),
    /// It is lost, and its stage changed so many days ago, after it was closed.
    Changed(i64),
}

/// The deals and what they are judged by.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    has_history: bool,
}

impl<'w, 'a> Case<'w, 'a> {
    fn life(
        &self,
        deal: Row<'a>,
        state: Option<DealState>,
        left: Option<Leaving<'a>>,
    ) -> Option<Life<'w, 'a>> {
        let state = state?;
        if state == DealState::Lost {
            return self.planned(deal).or_else(|| self.changed(deal));
        }
        let left = left.filter(|left| is_of_these_days(self.world, left.change.at))?;
        let is_overdue = state == DealState::Open && past_close_date::finds(self.world, deal);
        (!is_overdue).then_some(Life::Left(left, state))
    }

    /// True where only how a deal stands keeps it from being one that was lost and lives on.
    fn may_live(&self, deal: Row<'a>, left: Option<&Leaving<'a>>) -> bool {
        left.is_some_and(|left| is_of_these_days(self.world, left.change.at))
            || self.planned(deal).is_some()
            || self.changed(deal).is_some()
    }

    fn planned(&self, deal: Row<'a>) -> Option<Life<'w, 'a>> {
        let as_of = &self.world.as_of;
        let fields = [&self.asked.next_step, &self.asked.last_activity].into_iter().flatten();
        let planned: Vec<_> = fields
            .filter_map(|field| {
                let day = deal.named_day(field, as_of.zone)?;
                Some((field, (day - as_of.day).num_days()))
            })
            .filter(|(_, ahead)| *ahead > 0)
            .collect();
        (!planned.is_empty()).then_some(Life::Planned(planned))
    }

    /// Without a history, a stage that changed after the deal was closed.
    fn changed(&self, deal: Row<'a>) -> Option<Life<'w, 'a>> {
        let as_of = &self.world.as_of;
        let closed = time(deal, self.asked.closed_date.as_ref())?;
        let changed = time(deal, self.asked.stage_changed.as_ref())?;
        // A bare day lasts until it ends.
        let lasts = Duration::days(i64::from(is_bare_day(closed, as_of.zone)));
        let is_told = !self.has_history
            && changed > closed + lasts + self.rule.correction()
            && changed < as_of.end()
            && is_of_these_days(self.world, changed);
        is_told.then(|| Life::Changed(as_of.days_since(changed)))
    }

    fn finding(&self, deal: Row<'a>, life: &Life<'w, 'a>) -> Finding {
        let question = match life {
            Life::Left(_, DealState::Won) => {
                "Was it never lost, or is this another sale under the old deal?"
            }
            Life::Left(..) => "Was it never lost, or is this a new chance, which is a new deal?",
            Life::Planned(_) => {
                "Is it lost? If so take out what is planned; if not, who reopens it?"
            }
            Life::Changed(_) => "What changed after it was lost: was it reopened in between?",
        };
        let mut finding = Finding::about(
            deal.record(),
            self.headline(deal, life),
            Evidence::Cell(deal.cell(&self.asked.stands)),
            Proposal::ReviewRecord { question: question.to_owned() },
        );
        if let (Life::Left(left, _), Some(history)) = (life, &self.asked.history) {
            finding = finding.because(history.evidence(&left.change));
            finding = left.unordered.into_iter().fold(finding, Finding::lacking);
        }
        if let Life::Planned(planned) = life {
            for (field, _) in planned {
                finding = finding.because(Evidence::Cell(deal.cell(field))).hinging_on(field);
            }
        }
        let asked = self.asked;
        let dates = [&asked.close_date, &asked.closed_date, &asked.stage_changed];
        let dates = dates.into_iter().flatten();
        for field in dates.filter(|field| !deal.is_blank(field)) {
            finding = finding.because(Evidence::Cell(deal.cell(field)));
        }
        self.doubts(life, self.laws(life, finding))
    }

    fn headline(&self, deal: Row<'a>, life: &Life<'w, 'a>) -> String {
        let name = self.world.titled(deal);
        let ladder = self.world.policies.ladders.of(Object::Deal);
        let stage = ladder.filter(|ladder| deal.text(&ladder.field).is_some());
        let stage = stage.map_or_else(|| "lost".to_owned(), |it| said(deal, &it.field));
        match life {
            Life::Left(left, now) => {
                let ago = days(self.world.as_of.days_since(left.change.at));
                let word = if *now == DealState::Won { "won" } else { "open" };
                format!("{name} was lost, left that stage {ago} ago and is {word} now: {stage}")
            }
            Life::Planned(planned) => {
                let words = planned.iter().map(|(field, ahead)| {
                    let is_step = self.asked.next_step.as_ref() == Some(*field);
                    let what = if is_step { "a next step" } else { "an activity" };
                    format!("{what} in {}", days(*ahead))
                });
                format!("{name} is {stage} and has {}", words.collect::<Vec<_>>().join(" and "))
            }
            Life::Changed(ago) => {
                let ago = days(*ago);
                format!("{name} is {stage}, and its stage changed {ago} ago, after it was closed")
            }
        }
    }

    fn laws(&self, life: &Life<'_, '_>, finding: Finding) -> Finding {
        let Rule { within_days, correction_hours, .. } = self.rule;
        if let Life::Planned(_) = life {
            return finding;
        }
        let within = format!("changes within {} are judged", days(within_days.value));
        let hours =
            format!("a change within {} h of the loss is a correction", correction_hours.value);
        finding
            .because(policy(within_days.line, within))
            .because(policy(correction_hours.line, hours))
    }

    fn doubts(&self, life: &Life<'_, '_>, finding: Finding) -> Finding {
        let finding = match life {
            Life::Left(Leaving { lost: None, .. }, _) => finding.unless(
                "the history does not tell since when it had been lost: it may have been closed by \
                 mistake just before",
            ),
            Life::Left(..) => finding.unless("it may have been closed by mistake"),
            Life::Planned(_) => {
                finding.unless("what is planned may be left over from before it was lost")
            }
            Life::Changed(_) => finding.unless(
                "only the reason may have been corrected, from one lost stage to another: no history \
                 tells",
            ),
        };
        if self.rule.except.is_empty() {
            finding
                .unless("somebody may be winning it back as planned: such deals belong to `except`")
        } else {
            finding
        }
    }
}
