//! SOR-07: a sync has not been at a record for longer than it may take.
//!
//! Does not: say what stopped it, or judge records that the rules do not say are synced.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use hashbrown::HashSet;

use crate::boundary::{Batch, Boundary, Exposure, Field, Grant, Object, Row};
use crate::check::condition::When;
use crate::check::settings::{days, full_field};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field, record};
use crate::policy::{Said, Section};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::{FILE, orphan, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-07",
    name: "stale-sync",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The stamp of a record's last sync is older than the rules allow, or blank where they say \
              that it is synced. Where no record's stamp is younger the whole sync stands still, and \
              that is one finding; else of each stamp the 50 oldest records are findings. Where SOR-01 \
              or SOR-05 speaks of the record, this one says nothing.",
    consequence: "What changed in one system since is unknown in the other, and nobody sees that it \
                  is old.",
    load,
};

/// Of one stamp so many records are told; the others are counted.
const MOST: usize = 50;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    stamps: Vec<Stamp>,
    /// Below this share of current stamps a stamp moves only when a record changes.
    min_current: Said<f64>,
}

/// One field that says when a record was last synced.
#[derive(Debug, Clone)]
struct Stamp {
    field: Field,
    within_hours: Said<f64>,
    /// The records that are synced; all, where it says nothing.
    when: When,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let min_current = settings::number(section, "min_current", 0.5);
        if let Some(section) = section.filter(|_| !(0.0..=1.0).contains(&min_current.value)) {
            section.problem(min_current.line, "`min_current` is a share from 0 to 1");
        }
        let sections = root.sections("sync");
        let stamps = sections.iter().filter_map(|section| Stamp::parse(section, boundary));
        Self { off: settings::is_off(section), stamps: stamps.collect(), min_current }
    }
}

impl Stamp {
    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let field = section.required_text("field");
        let within_hours = section.number("within_hours");
        if !section.has("within_hours") {
            section.problem_with_hint(
                section.line(),
                "`within_hours` is missing in [[sync]]",
                "say how old a stamp may be: twice the time between two runs of the sync",
            );
        }
        let Some(field) = field.and_then(|field| full_field(section, &field, boundary)) else {
            section.knows_all();
            return None;
        };
        let when = When::parse(section, "when", field.object(), boundary);
        Some(Self { field, within_hours: within_hours?, when })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.system_of_record.stale.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.stamps.is_empty() {
        let write = "add a [[sync]] entry for each field that says when a record was last synced";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for stamp in &rules.stamps {
        grant.reads(&stamp.field);
        stamp.when.ask(grant);
        for name in ["created", "modified"] {
            grant.optional(stamp.field.object(), name);
        }
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        let spoken = Spoken::of(world);
        for stamp in &rules.stamps {
            judge(world, &rules, stamp, &spoken, &mut judgement);
        }
        judgement
    }))
}

/// What two other checks speak of.
struct Spoken(HashSet<(Object, usize)>);

impl Spoken {
    fn of(world: &World<'_>) -> Self {
        let differing = world.conflicting().iter().map(|(object, at, _)| (*object, *at));
        Self(differing.chain(orphan::spoken_of(world)).collect())
    }

    fn has(&self, row: Row<'_>) -> bool {
        self.0.contains(&(row.object(), row.position()))
    }
}

/// What the stamps of all records come to.
#[derive(Default)]
struct Tally<'a> {
    stamped: usize,
    current: usize,
    /// The newest stamp, with the record that has it: of several one under review, and of those the first.
    newest: Option<(DateTime<Utc>, Row<'a>)>,
}

impl<'a> Tally<'a> {
    fn see(&mut self, at: DateTime<Utc>, row: Row<'a>, due: DateTime<Utc>) {
        self.stamped += 1;
        self.current += usize::from(at >= due);
        let rank = |at, row: Row<'a>| (at, row.is_under_review(), Reverse(row.id()));
        if self.newest.is_none_or(|(newest, other)| rank(at, row) > rank(newest, other)) {
            self.newest = Some((at, row));
        }
    }

    fn is_below(&self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a count of records held against a share")]
        let (current, stamped) = (self.current as f64, self.stamped as f64);
        current < share * stamped
    }
}

/// The records that are synced, by what their stamps say.
#[derive(Default)]
struct Stamps<'a> {
    tally: Tally<'a>,
    /// How many records under review were looked at.
    examined: usize,
    /// Older than they may be, with their stamps.
    stale: Vec<(DateTime<Utc>, Row<'a>)>,
    /// Due, and without a stamp.
    unstamped: Vec<Row<'a>>,
    /// Without a stamp, and nothing says whether they are synced.
    unsaid: Vec<Row<'a>>,
    /// With a stamp that says nothing.
    ahead: Vec<Row<'a>>,
}

impl<'a> Stamps<'a> {
    fn of(world: &World<'a>, stamp: &Stamp, batch: &'a Batch, due: DateTime<Utc>) -> Self {
        let field = &stamp.field;
        let created = world.policies.boundary.allowed(field.object(), "created");
        let mut stamps = Self::default();
        for row in batch.rows().filter(|row| stamp.when.holds(*row)) {
            // A stamp that lies ahead is of a clock that is wrong, and no sign of a sync.
            let at = row.time(field).filter(|at| !world.as_of.is_ahead(*at));
            if let Some(at) = at {
                stamps.tally.see(at, row, due);
            }
            if !row.is_under_review() {
                continue;
            }
            stamps.examined += 1;
            let made = created.as_ref().and_then(|created| row.time(created));
            match at {
                Some(at) if at < due => stamps.stale.push((at, row)),
                Some(_) => {}
                None if !row.is_blank(field) => stamps.ahead.push(row),
                // What was made since the last run was not due yet.
                None if made.is_some_and(|made| made >= due) => {}
                None if stamp.when.all.is_empty() => stamps.unsaid.push(row),
                None => stamps.unstamped.push(row),
            }
        }
        stamps
    }
}

fn judge(
    world: &World<'_>,
    rules: &Rules,
    stamp: &Stamp,
    spoken: &Spoken,
    judgement: &mut Judgement,
) {
    let field = &stamp.field;
    let object = field.object();
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    if !batch.has(field) {
        judgement.skip_field(field, &format!("the input has no `{}`", field.name()));
        return;
    }
    let due = world.as_of.hours_ago(stamp.within_hours.value);
    let Stamps { tally, examined, mut stale, mut unstamped, unsaid, ahead } =
        Stamps::of(world, stamp, batch, due);
    judgement.examined += examined;
    if !unsaid.is_empty() {
        let why = format!(
            "{} without `{}`: nothing says whether they are synced; `when` of [[sync]] could",
            unsaid.len(),
            field.name()
        );
        judgement.skip_records(object, unsaid, &why);
    }
    if !ahead.is_empty() {
        let why = format!(
            "{} whose `{}` lies ahead or was withheld: it says nothing of the sync",
            ahead.len(),
            field.name()
        );
        judgement.skip_records(object, ahead, &why);
    }
    let Some((newest, last)) = tally.newest else {
        judgement.skip_field(field, &format!("no record has a day in `{}`", field.name()));
        return;
    };
    stale.sort_by(|(a, one), (b, other)| (a, one.id()).cmp(&(b, other.id())));
    if newest < due {
        // Of those under review that were synced last, the first by id.
        let about = stale.iter().max_by_key(|(at, row)| (*at, Reverse(row.id())));
        if let Some((_, row)) = about {
            let finding = stopped(world, stamp, *row, newest, &tally);
            let is_last = last.record() == row.record();
            judgement.findings.push(if is_last {
                finding
            } else {
                finding.because(Evidence::Cell(last.cell(field)))
            });
        } else {
            let why = format!("no record with a day in `{}` is under review", field.name());
            judgement.skip_field(field, &why);
        }
        return;
    }
    if tally.is_below(rules.min_current.value) {
        let why = format!(
            "only {} of {} in `{}` are current: it seems to move only when a record changes, and its age \
             says nothing",
            tally.current,
            tally.stamped,
            field.name()
        );
        judgement.skip_field(field, &why);
        return;
    }
    unstamped.sort_by(|one, other| one.id().cmp(other.id()));
    let rows = unstamped.into_iter().chain(stale.into_iter().map(|(_, row)| row));
    let mut rows: Vec<Row<'_>> = rows.filter(|row| !spoken.has(*row)).collect();
    let beyond = rows.split_off(rows.len().min(MOST));
    for row in rows {
        judgement.findings.push(left_out(world, rules, stamp, row, &tally));
    }
    if !beyond.is_empty() {
        let why = format!("{} more are as old or older; {MOST} a stamp are told", beyond.len());
        judgement.skip_records(object, beyond, &why);
    }
}

/// How old a stamp may be, in words.
fn limit(stamp: &Stamp) -> String {
    format!("{} h", stamp.within_hours.value)
}

/// How long ago a stamp is, where that may be told.
fn ago(world: &World<'_>, stamp: &Stamp, at: DateTime<Utc>) -> String {
    if stamp.field.exposure() == Exposure::Shown {
        format!("{} ago", days(world.as_of.days_since(at)))
    } else {
        "longer ago than the rules allow".to_owned()
    }
}

fn with_rules(finding: Finding, stamp: &Stamp, tally: &Tally<'_>) -> Finding {
    let plural = stamp.field.object().plural();
    let mut says = format!("{} may be {} old", stamp.field, limit(stamp));
    if !stamp.when.all.is_empty() {
        says += &format!(" where {}", stamp.when.words());
    }
    finding.because(policy(stamp.within_hours.line, says)).because(Evidence::Figure {
        of: format!("{plural} whose stamp is current"),
        is: format!("{} of {}", tally.current, tally.stamped),
    })
}

/// The whole sync stands still.
fn stopped(
    world: &World<'_>,
    stamp: &Stamp,
    row: Row<'_>,
    newest: DateTime<Utc>,
    tally: &Tally<'_>,
) -> Finding {
    let object = row.object();
    let headline = format!(
        "No {object} was synced within {}: the last was {}",
        limit(stamp),
        ago(world, stamp, newest)
    );
    let question = format!("What stopped the sync that writes {}?", stamp.field);
    let fact = Evidence::Cell(row.cell(&stamp.field));
    let proposal = Proposal::ReviewUpstream { question };
    let finding = Finding::about(row.record(), headline, fact, proposal)
        .of_field(&stamp.field)
        .of_group([record(object, "standstill")])
        .stating(newest.to_rfc3339());
    with_rules(finding, stamp, tally).unless(
        "the export may be older than the day of the review, or the sync have been replaced by one that \
         writes another field",
    )
}

/// The sync runs, and leaves a record out.
fn left_out(
    world: &World<'_>,
    rules: &Rules,
    stamp: &Stamp,
    row: Row<'_>,
    tally: &Tally<'_>,
) -> Finding {
    let object = row.object();
    let cell = row.cell(&stamp.field);
    let at = row.time(&stamp.field);
    let headline = match at {
        Some(at) => format!(
            "This {object} was last synced {}, while {} of {} were within {}",
            ago(world, stamp, at),
            tally.current,
            tally.stamped,
            limit(stamp)
        ),
        None => format!(
            "{} of the {object} is blank, and the rules say it is synced",
            title(&stamp.field)
        ),
    };
    let question = format!("Why does the sync leave this {object} out?");
    let proposal = Proposal::ReviewUpstream { question };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .of_field(&stamp.field);
    for condition in &stamp.when.all {
        if condition.field != stamp.field {
            finding = finding.because(Evidence::Cell(row.cell(&condition.field)));
        }
    }
    let modified = world.policies.boundary.allowed(object, "modified");
    let changed = modified.as_ref().and_then(|field| row.told_time(field));
    if let Some(field) = &modified {
        finding = finding.because(Evidence::Cell(row.cell(field)));
    }
    finding = with_rules(finding, stamp, tally).because(policy(
        rules.min_current.line,
        format!(
            "single records are told where {} of the stamps are current",
            rules.min_current.value
        ),
    ));
    if at.is_none() {
        finding = finding.lacking(blank_field(&stamp.field));
    }
    match changed.zip(at) {
        Some((changed, at)) if changed <= at => finding.unless(format!(
            "the {object} has not changed since its last sync: nothing may have been due",
        )),
        Some(_) | None => finding.unless(
            "the sync may leave such records out on purpose: `when` of [[sync]] says which are synced",
        ),
    }
}
