//! REQ-04: a field on which it depends where the routing rules send a record is blank.
//!
//! Does not: evaluate rules (routing says which blank fields decide), judge where the record went (routing does) or repeat what another check says of the field.

use crate::boundary::{Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::stage::{Place, Places};
use super::{label, policy, title};
use crate::check::routing::Need;
use crate::check::settings::{self, days};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-04",
    name: "routing-field-blank",
    family: Family::Required,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A field is still blank some hours after the record was created, and by it, or by it \
              and other blank ones, at least one routing rule takes the record or passes it over.",
    consequence: "Rules that need the field pass the record over, and it ends where nobody meant it to.",
    load,
};

const DEFAULT_HOURS: f64 = 24.0;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    after_hours: Said<f64>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let mut rules = Self { off: false, after_hours: Said { value: DEFAULT_HOURS, line: 0 } };
        if let Some(section) = root.section(CHECK.name) {
            rules.off = settings::is_off(Some(&section));
            if let Some(hours) = section.number("after_hours") {
                rules.after_hours = hours;
            }
        }
        rules
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.required.routing_field;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    let mut objects: Vec<(Object, Field, Vec<Field>)> = Vec::new();
    for object in Object::REVIEWED {
        let mut used = policies.routing.fields(object);
        used.retain(|field| field.name() != "owner");
        if used.is_empty() {
            continue;
        }
        let created = grant.field(object, "created")?;
        for field in &used {
            grant.reads(field);
        }
        policies.ladders.ask(object, grant);
        grant.optional(object, "owner");
        objects.push((object, created, used));
    }
    if objects.is_empty() {
        let write = "add routing rules with conditions";
        return Err(Off::NoPolicy { file: "routing.toml", write });
    }
    let after = rules.after_hours.clone();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for (object, created, used) in &objects {
            judge(world, (*object, created, used), &after, &mut judgement);
        }
        judgement
    }))
}

fn judge(
    world: &World<'_>,
    (object, created, used): (Object, &Field, &[Field]),
    after: &Said<f64>,
    judgement: &mut Judgement,
) {
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    let mut usable = Vec::new();
    for field in used {
        if batch.has(field) {
            usable.push(field);
        } else {
            judgement.skip_field(field, &format!("the input has no `{}`", field.name()));
        }
    }
    let mut places = Places::of(world, object);
    let settled = world.as_of.hours_ago(after.value);
    let mut undated = Vec::new();
    for row in batch.reviewed() {
        let Some(at) = row.time(created).filter(|at| !world.as_of.is_ahead(*at)) else {
            undated.push(row);
            continue;
        };
        if at > settled || matches!(places.place(row), Place::Ended | Place::Contradicted) {
            continue;
        }
        judgement.examined += 1;
        if !usable.iter().any(|field| row.is_blank(field)) {
            continue;
        }
        let (needs, taken_by) = world.routed().needs(world, row);
        for need in needs {
            if usable.contains(&&need.field) && !said_elsewhere(world, row, &need.field) {
                judgement.findings.push(finding(world, row, created, (&need, taken_by), after));
            }
        }
    }
    if !usable.is_empty() && undated.is_empty() {
        judgement.look_through(object);
    }
    if !undated.is_empty() {
        let why = format!("{} without a date of creation that has passed", undated.len());
        judgement.skip_records(object, undated, &why);
    }
}

/// True when another check has a finding about the same gap.
fn said_elsewhere<'a>(world: &World<'a>, row: Row<'a>, field: &Field) -> bool {
    world.policies.required.misses(world, row, field)
        || field.name() == "lead_source" && world.policies.lead_source.knows_better(world, row)
        || world.routed().is_in_catch_all(row)
}

fn finding(
    world: &World<'_>,
    row: Row<'_>,
    created: &Field,
    (need, taken_by): (&Need, Option<&str>),
    after: &Said<f64>,
) -> Finding {
    let field = &need.field;
    let age = row.time(created).map_or_else(String::new, |at| match world.as_of.hours_since(at) {
        hours if hours < 96.0 => format!("{hours:.0} hours"),
        _ => days(world.as_of.days_since(at)),
    });
    let count = match need.rules.len() {
        1 => "1 routing rule depends".to_owned(),
        n => format!("{n} routing rules depend"),
    };
    let headline = format!(
        "{} is blank {age} after the {} was created, and {count} on it",
        title(field),
        row.object()
    );
    let cell = row.cell(field);
    let proposal = Proposal::FillField {
        before: cell.clone(),
        ask: format!("whoever knows the {}", row.object()),
    };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .because(Evidence::Cell(row.cell(created)))
        .because(Evidence::Figure {
            of: format!("routing rules that depend on {} here", label(field)),
            is: need.rules.join(", "),
        })
        .because(policy(
            after.line,
            format!("a field that routing needs is filled within {} hours", after.value),
        ));
    for known in &need.known {
        finding = finding.because(Evidence::Cell(row.cell(known)));
    }
    let owner = world.policies.boundary.field(row.object(), "owner").ok();
    if let Some(owner) = owner.filter(|owner| !row.is_blank(owner)) {
        let cell = row.cell(&owner);
        finding = finding
            .unless(format!(
                "It has an owner ({}): it was routed all the same",
                world.somebody(&cell)
            ))
            .because(Evidence::Cell(cell));
    }
    let (rules, name) = (need.rules.join(", "), label(field));
    finding.unless(match taken_by {
        // It takes blanks too.
        Some(rule) if need.rules.iter().any(|waiting| waiting == rule) => {
            format!("“{rule}” takes it as it is, and may whatever its {name} is")
        }
        Some(rule) => {
            format!("“{rule}” takes it as it is, which is right when its {name} is none of {rules}")
        }
        None => format!("Its {name} may turn out to be none that {rules} asks for"),
    })
}
