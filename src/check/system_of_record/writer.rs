//! SOR-02: somebody who may not write a governed field was the last to change it.
//!
//! Only the field history says who changed a field: who changed a record last may have changed another one.
//! Does not: say which value is right.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row, letters};
use crate::check::bulk::Bulk;
use crate::check::people::{Found, are_named};
use crate::check::settings::{days, full_field};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::history::{Actor, Change, History};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::{FILE, policy, title, verified};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-02",
    name: "wrong-writer",
    family: Family::SystemOfRecord,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "The last change of a governed field within the last `within_days` was made by somebody \
              who is not among its `writers`, as the field history says. Of each field and writer the \
              first 50 records by id are findings. What SOR-01, SOR-03, SOR-04 or SRC-03 says of the field is \
              not said again.",
    consequence: "A value that one system answers for comes from somewhere else, until the next sync \
                  takes it away or nobody knows whose it is.",
    load,
};

/// Of one field and writer so many records are told; the others are counted.
const MOST: usize = 50;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    governed: Vec<Governed>,
    within_days: Said<u32>,
}

/// One field, and who may write it.
#[derive(Debug, Clone)]
struct Governed {
    field: Field,
    writers: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let sections = root.sections("governed");
        let governed = sections.iter().filter_map(|section| Governed::parse(section, boundary));
        Self {
            off: settings::is_off(section),
            governed: governed.collect(),
            within_days: settings::count(section, "within_days", 90),
        }
    }
}

impl Rules {
    /// True for a field of which the rules say who may write it.
    pub(super) fn governs(&self, field: &Field) -> bool {
        self.governed.iter().any(|governed| governed.field == *field)
    }
}

impl Governed {
    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let field = section.required_text("field");
        let writers = settings::texts(Some(section), "writers", &[]);
        if !section.has("writers") {
            section.problem_with_hint(
                section.line(),
                "`writers` is missing in [[governed]]",
                "list who may change the field, by id or by name; `writers = []` lets nobody",
            );
        }
        let field = full_field(section, &field?, boundary)?;
        Some(Self { field, writers })
    }
}

/// Whether somebody whom the rules list made a change.
pub(super) fn by_one_of(
    world: &World<'_>,
    history: &History,
    change: &Change<'_>,
    listed: &[String],
) -> By {
    let Some(by) = history.by(change) else { return By::Unsaid };
    let people = world.people();
    let is_named = match people.find(by) {
        Found::One(person) => are_named(listed, by, Some(person)),
        Found::Nobody => are_named(listed, by, None),
        Found::Several if people.named(by).any(|it| are_named(listed, by, Some(it))) => {
            return By::Unknown;
        }
        Found::Several => false,
    };
    // An id that no input knows may be that of somebody on the list whom no input knows.
    let is_known = |name: &String| matches!(people.find(name), Found::One(_));
    let is_strange = matches!(people.find(by), Found::Nobody) && looks_like_an_id(by);
    if is_named {
        By::Listed
    } else if is_strange && !listed.iter().all(is_known) {
        By::Unknown
    } else {
        By::Other
    }
}

/// Who made a change, by a list of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Listed,
    Other,
    /// No input says who it is.
    Unknown,
    /// The history does not say who it was.
    Unsaid,
}

fn looks_like_an_id(text: &str) -> bool {
    let text = text.trim();
    text.chars().any(|c| c.is_ascii_digit()) && !text.contains(char::is_whitespace)
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.system_of_record.writer.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.governed.is_empty() {
        let write = "add a [[governed]] entry for each field that only some may write";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let history = History::ask_with_values(grant)?;
    grant.field(Object::FieldHistory, "by")?;
    for governed in &rules.governed {
        grant.reads(&governed.field);
    }
    Ok(Box::new(move |world| judge(world, &rules, &history)))
}

/// A record of which the last change of a field is not known to be by somebody who may write it.
struct Case<'a> {
    row: Row<'a>,
    change: Change<'a>,
    verdict: By,
    /// How many records the writer changed so in that minute, where that was by a plan.
    planned: Option<usize>,
}

fn judge(world: &World<'_>, rules: &Rules, history: &History) -> Judgement {
    let mut judgement = Judgement::looking_back(world, rules.within_days.value);
    if world.batch(Object::FieldHistory).is_none() {
        let why = "there is no input, and who changed a record last may have changed another field";
        judgement.skip(Object::FieldHistory, why);
        return judgement;
    }
    let fields: Vec<&Field> = rules.governed.iter().map(|governed| &governed.field).collect();
    history.note_silent(world, &fields, &mut judgement);
    let mut last: HashMap<(usize, usize), Change<'_>> = HashMap::new();
    let mut bulk: Bulk<(usize, Option<&str>)> = Bulk::default();
    history.each(world, &fields, &mut judgement, |field, change| {
        let values = (history.before(&change), history.after(&change));
        let is_young = world.as_of.is_within(rules.within_days.value, change.at);
        if !is_young || values.0.map(str::trim) == values.1.map(str::trim) {
            return;
        }
        bulk.add((field, history.by(&change)), &change);
        if change.record.is_under_review() {
            let held = last.entry((field, change.record.position())).or_insert(change);
            if History::order(&change) > History::order(held) {
                *held = change;
            }
        }
    });
    let bulk = bulk.counted();
    let spoken = verified::spoken_of(world);
    for (at, governed) in rules.governed.iter().enumerate() {
        let field = &governed.field;
        let Some(batch) = world.batch(field.object()) else {
            judgement.skip(field.object(), "there is no input");
            continue;
        };
        if !batch.has(field) {
            judgement.skip_field(field, &format!("the input has no `{}`", field.name()));
            continue;
        }
        let mut by_writer: BTreeMap<(By, Option<&str>), Vec<Case<'_>>> = BTreeMap::new();
        let mut unordered = Vec::new();
        for row in batch.reviewed() {
            judgement.examined += 1;
            let Some(change) = last.get(&(at, row.position())) else { continue };
            let place = (row.object(), row.position(), field.clone());
            let is_source = field.name() == "lead_source" && world.overwritten().speaks_of(row);
            if is_source || spoken.contains(&place) {
                continue;
            }
            let verdict = by_one_of(world, history, change, &governed.writers);
            if verdict == By::Listed {
                unordered.extend(History::unordered([change]).map(|_| row));
                continue;
            }
            let by = history.by(change).map(str::trim);
            let planned = bulk.planned((at, history.by(change)), change);
            let case = Case { row, change: *change, verdict, planned };
            by_writer.entry((verdict, by)).or_default().push(case);
        }
        History::note_unordered(unordered, &mut judgement);
        for mut cases in by_writer.into_values() {
            cases.sort_by(|one, other| one.row.id().cmp(other.row.id()));
            let records = cases.len();
            for case in cases.iter().take(MOST) {
                judgement.findings.push(finding(world, rules, governed, history, case, records));
            }
            if records > MOST {
                let beyond = cases.iter().skip(MOST).map(|case| case.row);
                let why = format!(
                    "the same writer was the last to change `{}` of {} more; {MOST} are told",
                    field.name(),
                    records - MOST
                );
                judgement.skip_records(field.object(), beyond, &why);
            }
        }
    }
    judgement
}

fn finding<'a>(
    world: &World<'a>,
    rules: &Rules,
    governed: &Governed,
    history: &History,
    case: &Case<'a>,
    records: usize,
) -> Finding {
    let Case { row, change, verdict, planned } = case;
    let field = &governed.field;
    let writer = history.writer(world, change);
    let headline = match (verdict, &writer) {
        (By::Other, Some(writer)) => {
            format!("{} was last changed by {writer}, who is none of its writers", title(field))
        }
        (_, Some(writer)) => {
            format!("{} was last changed by {writer}, and no input says who that is", title(field))
        }
        (_, None) => format!("Nothing says who changed {field} last"),
    };
    let question = match &writer {
        Some(writer) => format!(
            "Why does {writer} write {field}? Keep it from writing there, or add it to the writers"
        ),
        None => format!("Who or what writes {field} without a name in the history?"),
    };
    let says = match governed.writers.as_slice() {
        [] => format!("nobody may change {field} in the CRM"),
        writers => format!("{field} is written by {}", writers.join(", ")),
    };
    let within = days(rules.within_days.value);
    let proposal = Proposal::ReviewUpstream { question };
    let fact = Evidence::Cell(row.cell(field));
    let mut finding = Finding::about(row.record(), headline, fact, proposal)
        .of_field(field)
        .because(history.evidence(change))
        .because(policy(governed.writers.line, says))
        .because(policy(rules.within_days.line, format!("changes within {within} count")))
        .because(Evidence::Figure {
            of: format!("{} under review whose last change is by the same", row.object().plural()),
            is: records.to_string(),
        });
    finding = match verdict {
        By::Unknown => finding.lacking("who made the change is in no input"),
        By::Unsaid => finding.lacking("who made the change is not said"),
        By::Listed | By::Other => finding,
    };
    finding = History::unordered([change]).into_iter().fold(finding, Finding::lacking);
    if let Some(planned) = planned {
        finding = finding.unless(format!(
            "the same writer changed {planned} {} in that minute: a correction may have been loaded as \
             planned",
            row.object().plural()
        ));
    }
    let present = row.written(field).unwrap_or_default();
    if !letters(&present).eq(letters(history.after(change).unwrap_or_default())) {
        finding = finding.unless(
            "the value is not the one that this change wrote, or is written otherwise: a later change may \
             be missing in the history",
        );
    }
    if history.before(change).is_none() {
        return finding.unless("it was blank: somebody may have filled it until its writer does");
    }
    finding.unless(match history.actor(world, change) {
        Actor::Person(_) => "somebody may have corrected it by hand because its writer was wrong",
        Actor::Service | Actor::Stranger | Actor::Unsaid => {
            "the writer may have been renamed or replaced, and the list be behind"
        }
    })
}
