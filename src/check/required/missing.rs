//! REQ-01: a field is blank at a stage that needs it.
//!
//! Does not: judge records that ended (lost, closed, converted) or that the rules exempt.

use chrono::NaiveDate;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Section;

use super::super::condition::When;
use super::super::ladder::{Ladders, UNSAID};
use super::super::settings;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::stage::{FromStage, Place, Places};
use super::{FILE, label, object_and_field, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-01",
    name: "missing-for-stage",
    family: Family::Required,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A field is blank although the record has reached the stage from which the rules \
              require it. Where RTE-05 asks for the field, that is told instead.",
    consequence: "Forecasts and handovers go ahead without a value that the process counts on.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    pub(super) requires: Vec<Require>,
}

/// One `[[require]]`.
#[derive(Debug, Clone)]
pub(super) struct Require {
    pub(super) object: Object,
    pub(super) field: Field,
    from: FromStage,
    when: When,
    since: Option<NaiveDate>,
    created: Option<Field>,
    ask: String,
    pub(super) line: usize,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let off = settings::is_off(root.section(CHECK.name).as_ref());
        let requires = root
            .sections("require")
            .iter()
            .filter_map(|section| Require::parse(section, ladders, boundary))
            .collect();
        Self { off, requires }
    }

    /// True when this check has a finding about the field of the record.
    pub(super) fn speaks_of<'a>(&self, world: &World<'a>, row: Row<'a>, field: &Field) -> bool {
        if self.off || !row.is_blank(field) {
            return false;
        }
        let mut requires =
            self.requires.iter().filter(|require| require.field == *field).peekable();
        if requires.peek().is_none() {
            return false;
        }
        let place = Places::of(world, row.object()).place(row);
        requires.any(|require| require.applies(world, row, place) == Some(true))
    }
}

impl Require {
    fn parse(section: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Option<Self> {
        let named = object_and_field(section, boundary);
        let ask = section.text("ask").map(|said| said.trim().to_owned());
        let since = section.date("since");
        let Some((object, field)) = named else {
            // The rest cannot be judged without knowing the table.
            section.knows_all();
            return None;
        };
        if field.name() == "owner" {
            section.problem_with_hint(
                field.line,
                "OWN-02 looks after owners",
                "take this entry out; see [no-owner] in rules/owners.toml",
            );
        }
        let created = boundary.field(object, "created");
        if let (Some(since), Err(missing)) = (&since, &created) {
            section.problem_with_hint(
                since.line,
                missing.to_string(),
                "`since` exempts records by the day they were created",
            );
        }
        Some(Self {
            object,
            field: field.value,
            from: FromStage::parse(section, object, ladders),
            when: When::parse(section, "when", object, boundary),
            since: since.map(|said| said.value),
            created: created.ok(),
            ask: ask.unwrap_or_else(|| format!("the {object}'s owner")),
            line: section.line(),
        })
    }

    /// Asks for what tells whether a record must have the field.
    pub(super) fn ask(&self, grant: &mut Grant<'_>, policies: &Policies) {
        grant.reads(&self.field);
        self.when.ask(grant);
        policies.ladders.ask(self.object, grant);
    }

    /// True when the record must have the field; `None` when nothing says how far the record has come.
    pub(super) fn applies(&self, world: &World<'_>, row: Row<'_>, place: Place) -> Option<bool> {
        let reached = self.from.reached(place)?;
        Some(reached && self.when.holds(row) && !self.exempts(world, row))
    }

    fn exempts(&self, world: &World<'_>, row: Row<'_>) -> bool {
        let (Some(since), Some(created)) = (self.since, &self.created) else { return false };
        row.named_day(created, world.as_of.zone).is_some_and(|day| day < since)
    }

    pub(super) fn words(&self) -> String {
        let mut words = vec![format!("{} is required {}", self.field, self.from.words())];
        if !self.when.all.is_empty() {
            words.push(format!("when {}", self.when.words()));
        }
        if let Some(since) = self.since {
            words.push(format!("for records created since {since}"));
        }
        words.join(", ")
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.required.missing;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.requires.is_empty() {
        let write = "add a [[require]] entry for each required field";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for require in &rules.requires {
        require.ask(grant, policies);
        for name in Dates::NAMES {
            grant.optional(require.object, name);
        }
        grant.optional(require.object, "owner");
    }
    let requires = rules.requires.clone();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for object in Object::REVIEWED {
            let requires: Vec<_> =
                requires.iter().filter(|require| require.object == object).collect();
            if !requires.is_empty() {
                judge(world, object, &requires, &mut judgement);
            }
        }
        judgement
    }))
}

/// A field that a record should have and has not.
struct Miss<'w> {
    row: Row<'w>,
    require: &'w Require,
    tally: usize,
}

/// How many records a requirement was held against, and how many of them lack the field.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    held: usize,
    blank: usize,
}

fn judge(world: &World<'_>, object: Object, requires: &[&Require], judgement: &mut Judgement) {
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    let mut usable = Vec::new();
    for require in requires {
        if batch.has(&require.field) {
            usable.push(*require);
        } else {
            let why = format!("the input has no `{}`", require.field.name());
            judgement.skip_field(&require.field, &why);
        }
    }
    let mut places = Places::of(world, object);
    let mut tallies = vec![Tally::default(); usable.len()];
    let mut misses: Vec<Miss<'_>> = Vec::new();
    let mut unsaid = Vec::new();
    for row in batch.reviewed() {
        let place = places.place(row);
        let (mut looked, mut stopped) = (false, false);
        for ((at, require), tally) in usable.iter().enumerate().zip(&mut tallies) {
            match require.applies(world, row, place) {
                None => stopped = true,
                Some(false) => {}
                Some(true) => {
                    looked = true;
                    tally.held += 1;
                    if row.is_blank(&require.field) {
                        tally.blank += 1;
                        let said = misses
                            .iter()
                            .rev()
                            .take_while(|miss| miss.row.position() == row.position());
                        if said.into_iter().all(|miss| miss.require.field != require.field)
                            && !said_elsewhere(world, row, &require.field)
                        {
                            misses.push(Miss { row, require, tally: at });
                        }
                    }
                }
            }
        }
        judgement.examined += usize::from(looked);
        unsaid.extend((stopped && !looked).then_some(row));
    }
    if !usable.is_empty() && unsaid.is_empty() {
        judgement.look_through(object);
    }
    if !unsaid.is_empty() {
        let why = format!("{} with {UNSAID}", unsaid.len());
        judgement.skip_records(object, unsaid, &why);
    }
    let dates = Dates::of(world, object);
    for miss in misses {
        let tally = tallies.get(miss.tally).copied().unwrap_or_default();
        judgement.findings.push(finding(world, &places, &dates, &miss, tally));
    }
}

/// True when another check knows what the value should be, or asks for it as the record waits for it.
fn said_elsewhere<'a>(world: &World<'a>, row: Row<'a>, field: &Field) -> bool {
    field.name() == "lead_source" && world.policies.lead_source.knows_better(world, row)
        || world.routed().asks_for(world, row, field)
}

/// The dates that say since when.
struct Dates {
    stage_changed: Option<Field>,
    created: Option<Field>,
    owner: Option<Field>,
}

impl Dates {
    const NAMES: [&'static str; 2] = ["stage_changed", "created"];

    fn of(world: &World<'_>, object: Object) -> Self {
        let field = |name| world.policies.boundary.allowed(object, name);
        Self {
            stage_changed: field("stage_changed"),
            created: field("created"),
            owner: field("owner"),
        }
    }
}

fn finding(
    world: &World<'_>,
    places: &Places<'_>,
    dates: &Dates,
    miss: &Miss<'_>,
    tally: Tally,
) -> Finding {
    let Miss { row, require, .. } = *miss;
    let field = &require.field;
    let ladder = places.ladder().filter(|ladder| ladder.field != *field);
    let stage = ladder.map(|ladder| row.cell(&ladder.field));
    let changed = dates.stage_changed.as_ref().filter(|field| row.time(field).is_some());
    let days = changed
        .and_then(|field| row.time(field))
        .map(|at| world.as_of.days_since(at))
        .filter(|days| *days >= 0);
    let headline = match (&stage, days) {
        (Some(stage), Some(days)) => format!(
            "{} is blank although the {} has been at {} for {}; it is required {}",
            title(field),
            require.object,
            stage.shown(),
            settings::days(days),
            require.from.words()
        ),
        (Some(stage), None) => format!(
            "{} is blank although the {} is at {}; it is required {}",
            title(field),
            require.object,
            stage.shown(),
            require.from.words()
        ),
        (None, _) => {
            format!("{} is blank; it is required {}", title(field), require.from.words())
        }
    };
    let proposal = Proposal::FillField { before: row.cell(field), ask: require.ask.clone() };
    let mut finding =
        Finding::about(row.record(), headline, Evidence::Cell(row.cell(field)), proposal);
    if let Some(stage) = stage {
        finding = finding.because(Evidence::Cell(stage));
    }
    for field in [changed, dates.created.as_ref(), dates.owner.as_ref()].into_iter().flatten() {
        finding = finding.because(Evidence::Cell(row.cell(field)));
    }
    for condition in require.when.fields() {
        finding = finding.because(Evidence::Cell(row.cell(condition)));
    }
    finding = finding.because(policy(require.line, require.words()));
    if require.since.is_some() && require.created.as_ref().is_some_and(|at| row.is_blank(at)) {
        finding = finding.lacking(format!("{}.created is blank", require.object));
    }
    with_doubts(finding, world, dates, miss, tally, days)
}

/// What speaks against it: a rule nobody follows, a stage just entered, a record older than the rule.
fn with_doubts(
    mut finding: Finding,
    world: &World<'_>,
    dates: &Dates,
    miss: &Miss<'_>,
    tally: Tally,
    days: Option<i64>,
) -> Finding {
    let Miss { row, require, .. } = *miss;
    let label = label(&require.field);
    if tally.held >= 5 && tally.blank * 2 > tally.held {
        finding = finding.unless(format!(
            "{} of the {} {} it is required of have no {label}: the rule may not describe what is done",
            tally.blank,
            tally.held,
            require.object.plural()
        ));
    }
    if let Some(days) = days.filter(|days| *days <= 3) {
        let ago = settings::days(days);
        finding =
            finding.unless(format!("The stage was reached {ago} ago: it may still be filled in"));
    }
    let created = dates.created.as_ref().and_then(|field| row.named_day(field, world.as_of.zone));
    match (require.since, created) {
        (None, Some(day)) => finding.unless(format!(
            "The {} was created on {day}, and the rules do not say since when the {label} is required",
            require.object
        )),
        (None, None) => finding.unless(format!(
            "Nothing says whether the {label} was required already when the {} was created",
            require.object
        )),
        (Some(_), _) if require.when.all.is_empty() => finding.unless(format!(
            "Some kinds of {} may have no {label}: the rule makes no exception",
            require.object.plural()
        )),
        (Some(_), _) => finding.unless(format!(
            "The rule applies because {}; if that is wrong, so is this",
            require.when.words()
        )),
    }
}
