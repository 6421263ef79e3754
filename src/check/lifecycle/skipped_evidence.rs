//! LIF-06: a record stands in a stage without what the rules demand of whoever enters it.
//!
//! Does not: ask again for what REQ-01 requires, or of records whose stage itself is in question (LIF-01,
//! LIF-02, LIF-04 and LIF-05 come first) or came in with it by an import.

use chrono::{Duration, NaiveDate};

use crate::boundary::{Batch, Boundary, Field, Grant, Kind, Object, Row, named_day};
use crate::check::imports::Imports;
use crate::check::ladder::{Ladder, Ladders, same};
use crate::check::settings::{label, reviewed};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field};
use crate::policy::{Said, Section, meant};

use super::misplaced::{self, Misplaced};
use super::{FILE, Settings, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-06",
    name: "skipped-evidence",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A record stands in a stage, and a field that the rules demand of whoever enters it \
              (`[[evidence]]`) is blank or says no. What REQ-01 requires is left to it, as are \
              records whose stage is in question by LIF-01, LIF-02, LIF-04 or LIF-05.",
    consequence: "The stage counts what nobody accepted, and conversion from it says nothing.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    demands: Vec<Demand>,
}

/// One `[[evidence]]`.
#[derive(Debug, Clone)]
struct Demand {
    object: Object,
    stage: String,
    needs: Vec<Field>,
    since: Option<Said<NaiveDate>>,
    ask: String,
    line: usize,
}

impl Rule {
    pub(super) fn parse(
        root: &Section<'_>,
        settings: &Settings<'_>,
        ladders: &Ladders,
        boundary: &Boundary,
    ) -> Self {
        let sections = root.sections("evidence");
        let demands = sections.iter().filter_map(|it| Demand::parse(it, ladders, boundary));
        Self { on: settings.on(), demands: demands.collect() }
    }

    /// What is demanded of records in a stage.
    fn of<'r>(&'r self, object: Object, stage: &'r str) -> impl Iterator<Item = &'r Demand> {
        let fits = move |it: &&Demand| it.object == object && same(&it.stage, stage);
        self.demands.iter().filter(fits).filter(|_| self.on)
    }

    /// True when the check demands a field of records in a stage.
    pub(super) fn demands(&self, stage: &str, field: &Field) -> bool {
        self.of(field.object(), stage).any(|demand| demand.needs.contains(field))
    }

    /// True when a record that came into a stage would lack what is demanded there.
    pub(super) fn would_lack(&self, row: Row<'_>, stage: &str) -> bool {
        self.of(row.object(), stage).flat_map(|it| &it.needs).any(|field| is_lacking(row, field))
    }
}

impl Demand {
    fn parse(section: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Option<Self> {
        let object = section.required_text("object");
        let stage = section.required_text("stage");
        let needs = section.texts("needs");
        if needs.is_empty() {
            section.missing("needs");
        }
        let since = section.date("since");
        let ask = section.text("ask").map(|said| said.trim().to_owned());
        let object = reviewed(section, &object?)?;
        let stage = known_stage(section, &stage?, object, ladders)?;
        let fields = needs.iter().filter_map(|name| needed(section, name, object, boundary));
        if let (Some(since), Err(missing)) = (&since, boundary.field(object, "stage_changed")) {
            let hint = "`since` exempts records by the day they entered the stage";
            section.problem_with_hint(since.line, missing.to_string(), hint);
        }
        Some(Self {
            object,
            stage,
            needs: fields.collect(),
            since,
            ask: ask.unwrap_or_else(|| format!("the {object}'s owner")),
            line: section.line(),
        })
    }

    fn words(&self) -> String {
        let needs: Vec<_> = self.needs.iter().map(Field::name).collect();
        let since = self.since.as_ref();
        let since = since.map_or_else(String::new, |day| format!(" since {}", day.value));
        let plural = self.object.plural();
        format!("{plural} that enter {}{since} need {}", self.stage, needs.join(", "))
    }
}

fn known_stage(
    section: &Section<'_>,
    stage: &Said<&str>,
    object: Object,
    ladders: &Ladders,
) -> Option<String> {
    let ladder = ladders.of(object);
    if ladder.is_some_and(|ladder| ladder.knows(stage.value)) {
        return Some(stage.value.trim().to_owned());
    }
    let add = || format!("it has to stand in [{object}] of this file");
    let hint = meant(stage.value, ladder.into_iter().flat_map(Ladder::stages), add);
    let message = format!("`{}` is not a stage of {}", stage.value, object.plural());
    section.problem_with_hint(stage.line, message, hint);
    None
}

fn needed(
    section: &Section<'_>,
    name: &Said<&str>,
    object: Object,
    boundary: &Boundary,
) -> Option<Field> {
    if name.value.trim() == "owner" {
        let hint = "take it out; see [no-owner] in rules/owners.toml";
        section.problem_with_hint(name.line, "OWN-02 looks after owners", hint);
        return None;
    }
    match boundary.field(object, name.value.trim()) {
        Ok(field) => Some(field),
        Err(missing) => {
            let hint = "a rule can only use fields that are allowed and explained";
            section.problem_with_hint(name.line, missing.to_string(), hint);
            None
        }
    }
}

/// True when the field is blank, or a flag that says no. What was withheld is there.
fn is_lacking(row: Row<'_>, field: &Field) -> bool {
    row.is_blank(field) || field.kind() == Kind::Flag && row.flag(field) == Some(false)
}

/// `accepted date is blank`.
fn what(row: Row<'_>, field: &Field) -> String {
    let says = if row.is_blank(field) { "is blank" } else { "says no" };
    format!("{} {says}", label(field))
}

/// The fields it reads besides those that the rules name.
struct Asked {
    created: Vec<Field>,
    entered: Vec<Field>,
    misplaced: misplaced::Asked,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = &policies.lifecycle.skipped_evidence;
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    if rule.demands.is_empty() {
        let write = "add an [[evidence]] entry for each stage that needs some";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let (mut created, mut entered) = (Vec::new(), Vec::new());
    for object in Object::REVIEWED {
        let mut demands = rule.demands.iter().filter(|demand| demand.object == object).peekable();
        if demands.peek().is_none() {
            continue;
        }
        policies.ladders.ask(object, grant);
        created.extend(grant.optional(object, "created"));
        entered.extend(grant.optional(object, "stage_changed"));
        demands.flat_map(|demand| &demand.needs).for_each(|field| grant.reads(field));
    }
    let misplaced = misplaced::Asked::ask(grant, policies);
    let asked = Asked { created, entered, misplaced };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let rule = &world.policies.lifecycle.skipped_evidence;
    for object in Object::REVIEWED {
        if !rule.demands.iter().any(|demand| demand.object == object) {
            continue;
        }
        let Some((batch, ladder)) = staged(world, object, &mut judgement) else { continue };
        let own = |fields: &[Field]| fields.iter().find(|it| it.object() == object).cloned();
        let table = Table {
            world,
            batch,
            ladder,
            created: own(&asked.created),
            entered: own(&asked.entered),
        };
        table.judge(rule, &asked.misplaced, &mut judgement);
    }
    judgement
}

/// The records of one object.
struct Table<'w, 'a> {
    world: &'w World<'a>,
    batch: &'a Batch,
    ladder: &'w Ladder,
    created: Option<Field>,
    entered: Option<Field>,
}

/// A record, and what it lacks.
struct Lack<'w, 'a> {
    row: Row<'a>,
    /// Each field with the entry that demands it.
    fields: Vec<(&'w Field, &'w Demand)>,
}

impl<'w, 'a> Table<'w, 'a> {
    fn judge(&self, rule: &'w Rule, asked: &misplaced::Asked, judgement: &mut Judgement) {
        let object = self.batch.object();
        judgement.look_through(object);
        let of_object = rule.demands.iter().filter(|demand| demand.object == object);
        for field in of_object.flat_map(|demand| &demand.needs) {
            if !self.batch.has(field) {
                let asks = |row: &Row<'_>| {
                    let stage = row.text(&self.ladder.field);
                    stage.is_some_and(|stage| rule.demands(stage, field))
                };
                let why = format!("the input has no `{}`", field.name());
                judgement.skip_records(object, self.batch.reviewed().filter(asks), &why);
            }
        }
        let mut lacking = Vec::new();
        for row in self.batch.reviewed() {
            let Some(stage) = row.text(&self.ladder.field) else { continue };
            let mut demands = rule.of(object, stage).peekable();
            if demands.peek().is_none() {
                continue;
            }
            judgement.examined += 1;
            let fields = self.lacks(row, demands);
            if !fields.is_empty() {
                lacking.push(Lack { row, fields });
            }
        }
        if lacking.is_empty() {
            return;
        }
        let rows = lacking.iter().map(|lack| lack.row);
        let imports =
            Imports::around(self.batch, self.created.as_ref(), self.world.as_of.zone, rows);
        let misplaced = Misplaced::of(self.world, asked);
        let mut imported = Vec::new();
        for lack in lacking {
            if imports.size(lack.row).is_some() && !self.has_moved(lack.row) {
                imported.push(lack.row);
            } else if !misplaced.holds(lack.row) {
                judgement.findings.push(self.finding(&lack));
            }
        }
        if !imported.is_empty() {
            let why = format!(
                "{} came in by the dozen within one minute, with their stage: imports bring no \
                 evidence",
                imported.len()
            );
            judgement.skip_records(object, imported, &why);
        }
    }

    /// The fields that a record lacks, each once.
    fn lacks(
        &self,
        row: Row<'a>,
        demands: impl Iterator<Item = &'w Demand>,
    ) -> Vec<(&'w Field, &'w Demand)> {
        let mut lacks: Vec<(&Field, &Demand)> = Vec::new();
        for demand in demands.filter(|demand| !self.entered_before(row, demand)) {
            for field in &demand.needs {
                let is_new = lacks.iter().all(|(known, _)| *known != field);
                if is_new
                    && self.batch.has(field)
                    && is_lacking(row, field)
                    && !self.is_asked_for(row, field)
                {
                    lacks.push((field, demand));
                }
            }
        }
        lacks
    }

    /// True when another check asks for the value, or knows it.
    fn is_asked_for(&self, row: Row<'a>, field: &Field) -> bool {
        let Policies { required, lead_source, .. } = self.world.policies;
        required.misses(self.world, row, field)
            || field.name() == "lead_source" && lead_source.knows_better(self.world, row)
    }

    /// True when the record entered the stage before the rules demanded anything.
    fn entered_before(&self, row: Row<'_>, demand: &Demand) -> bool {
        let entered = time(row, self.entered.as_ref());
        let day = entered.map(|at| named_day(at, self.world.as_of.zone));
        demand.since.as_ref().zip(day).is_some_and(|(since, day)| day < since.value)
    }

    /// True when the stage was set again a day or more after the record was made.
    fn has_moved(&self, row: Row<'_>) -> bool {
        let created = time(row, self.created.as_ref());
        let entered = time(row, self.entered.as_ref());
        created.zip(entered).is_some_and(|(made, set)| set >= made + Duration::days(1))
    }

    fn finding(&self, lack: &Lack<'_, 'a>) -> Finding {
        let Lack { row, fields } = lack;
        let stage = said(*row, &self.ladder.field);
        let words: Vec<_> = fields.iter().map(|(field, _)| what(*row, field)).collect();
        let headline = format!("{} is {stage} and {}", self.world.titled(*row), words.join(", "));
        let stage_cell = row.cell(&self.ladder.field);
        let proposal = match fields.as_slice() {
            [(field, demand)] if row.is_blank(field) => {
                Proposal::FillField { before: row.cell(field), ask: demand.ask.clone() }
            }
            _ => Proposal::ReviewRecord {
                question: format!(
                    "Is there evidence for {stage}? If so enter it; if not, the stage came too early"
                ),
            },
        };
        let mut finding =
            Finding::about(row.record(), headline, Evidence::Cell(stage_cell), proposal)
                .of_field(&self.ladder.field);
        for (field, _) in fields {
            finding = finding.because(Evidence::Cell(row.cell(field)));
        }
        if let Some(entered) = &self.entered {
            let known = fields.iter().any(|(field, _)| *field == entered);
            if !known {
                finding = finding.because(Evidence::Cell(row.cell(entered)));
            }
        }
        let mut lines: Vec<&Demand> = Vec::new();
        for (_, demand) in fields {
            if lines.iter().all(|known| known.line != demand.line) {
                lines.push(demand);
            }
        }
        for demand in &lines {
            finding = finding.because(policy(demand.line, demand.words()));
        }
        let by_day = lines.iter().any(|demand| demand.since.is_some());
        if let Some(entered) = self.entered.as_ref().filter(|it| by_day && row.is_blank(it)) {
            finding = finding.lacking(blank_field(entered));
        }
        self.doubts(lack, finding)
    }

    fn doubts(&self, lack: &Lack<'_, '_>, finding: Finding) -> Finding {
        let finding = if self.entered.as_ref().is_none_or(|field| lack.row.is_blank(field)) {
            finding.unless(
                "nothing says when it entered the stage: it may have been there before anybody \
                 asked for evidence",
            )
        } else {
            finding
        };
        finding.unless("the evidence may exist, in a field or a system where the rules do not look")
    }
}
