//! SRC-04: what a lead became has another source than the lead.
//!
//! Does not: say which of them is right, or speak of a source that another check finds fault with.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use crate::boundary::{Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field};
use crate::policy::{Said, Section};

use super::super::settings;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, Sourced, is_same, policy};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-04",
    name: "converted-source",
    family: Family::LeadSource,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "A contact or deal that was made of a lead has another source than the lead, and the \
              rules say that it keeps that one. What was there before the conversion has a source of \
              its own; a source of which another check of this family speaks is not compared, nor one \
              that says nothing.",
    consequence: "The same customer counts for one source among the leads and for another among the \
                  deals, and no source's deals can be told from its leads.",
    load,
};

/// What a lead becomes: the tables, and the lead's fields that name the records.
const BECOMES: [(Object, &str); 2] =
    [(Object::Contact, "converted_contact"), (Object::Deal, "converted_deal")];

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// What keeps the lead's source.
    objects: Said<Vec<Object>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let line = section.and_then(|section| section.node("objects")).map_or(0, |node| node.line);
        let possible = BECOMES.map(|(object, _)| object);
        Self {
            off: settings::is_off(section),
            objects: Said { value: settings::objects_among(section, &[], &possible), line },
        }
    }
}

/// A table of what leads become.
struct Becomes {
    sourced: Sourced,
    /// The lead's field that names the record.
    link: Field,
}

/// The fields it reads.
struct Asked {
    lead: Sourced,
    converted: Field,
    tables: Vec<Becomes>,
}

impl Asked {
    fn ask(grant: &mut Grant<'_>, rules: &Rules) -> Result<Self, Off> {
        let mut sourced = |object: Object| {
            let source = grant.field(object, "lead_source")?;
            let created = grant.field(object, "created")?;
            Ok::<_, Off>(Sourced { object, source, created })
        };
        let lead = sourced(Object::Lead)?;
        let mut found = Vec::new();
        for (object, link) in BECOMES {
            if rules.objects.contains(&object) {
                found.push((sourced(object)?, link));
            }
        }
        let mut tables = Vec::new();
        for (sourced, link) in found {
            tables.push(Becomes { sourced, link: grant.field(Object::Lead, link)? });
        }
        Ok(Self { lead, converted: grant.field(Object::Lead, "converted_date")?, tables })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.lead_source.chain.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.objects.is_empty() {
        let write = "name what keeps the source of the lead it was made of in `objects` of \
                     [converted-source]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let asked = Asked::ask(grant, &rules)?;
    Ok(Box::new(move |world| judge(world, &rules, &asked)))
}

/// A record and the lead it was made of.
#[derive(Clone, Copy)]
struct Made<'l, 'a> {
    becomes: &'l Becomes,
    row: Row<'a>,
    lead: Row<'a>,
}

fn judge(world: &World<'_>, rules: &Rules, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(leads) = world.batch(Object::Lead) else {
        judgement.skip(Object::Lead, "there is no input");
        return judgement;
    };
    let mut tables = Vec::new();
    for becomes in &asked.tables {
        let object = becomes.sourced.object;
        match world.batch(object) {
            None => judgement.skip(object, "there is no input"),
            Some(batch) if !batch.has(&becomes.sourced.source) => {
                judgement.skip(object, "the input has no `lead_source`");
            }
            Some(batch) => tables.push((becomes, batch)),
        }
    }
    let objects = tables.iter().map(|(becomes, _)| becomes.sourced.object);
    world.policies.lead_source.note_unheard(world, objects, &mut judgement);
    let mut differing: Vec<Vec<Made<'_, '_>>> = Vec::new();
    let mut agreeing = HashSet::new();
    let mut looked = BTreeSet::new();
    for lead in leads.rows() {
        let Some(of_lead) = source(world, &asked.lead, lead) else { continue };
        let mut made = Vec::new();
        for (becomes, batch) in &tables {
            let id = lead.text(&becomes.link).map(str::trim);
            let Some(row) = id.and_then(|id| batch.find(id)) else { continue };
            let own = source(world, &becomes.sourced, row);
            let Some(own) = own.filter(|_| !was_there(world, asked, becomes, row, lead)) else {
                continue;
            };
            if row.is_under_review() {
                looked.insert(place(row));
            }
            if is_same(own, of_lead) {
                agreeing.insert(place(row));
            } else {
                made.push(Made { becomes, row, lead });
            }
        }
        differing.extend((!made.is_empty()).then_some(made));
    }
    judgement.examined = looked.len();
    // Of several leads that became one record, it has the source of one: any of them may be right, and of
    // those that differ the first by its id is told.
    differing.sort_by_key(|made| made.first().map(|made| made.lead.id()));
    let mut told = HashSet::new();
    for mut chain in differing {
        chain.retain(|made| !agreeing.contains(&place(made.row)) && told.insert(place(made.row)));
        // The others are only shown beside the first of which the review is.
        if let Some(at) = chain.iter().position(|made| made.row.is_under_review()) {
            let first = chain.remove(at);
            judgement.findings.push(finding(rules, asked, first, &chain));
        }
    }
    judgement
}

fn place(row: Row<'_>) -> (Object, usize) {
    (row.object(), row.position())
}

/// A source that can be compared: none of the family's checks would find fault with it.
fn source<'a>(world: &World<'a>, of: &Sourced, row: Row<'a>) -> Option<&'a str> {
    let source = row.text(&of.source)?.trim();
    let stands = world.policies.lead_source.stands(world, row, of, source);
    (stands && !world.overwritten().speaks_of(row)).then_some(source)
}

/// True for a record that was there before the lead was converted into it. A conversion is dated by its day,
/// in whatever zone.
fn was_there(
    world: &World<'_>,
    asked: &Asked,
    becomes: &Becomes,
    row: Row<'_>,
    lead: Row<'_>,
) -> bool {
    let zone = world.as_of.zone;
    let days =
        row.named_day(&becomes.sourced.created, zone).zip(lead.named_day(&asked.converted, zone));
    days.is_some_and(|(created, converted)| (converted - created).num_days() > 1)
}

fn finding(rules: &Rules, asked: &Asked, first: Made<'_, '_>, rest: &[Made<'_, '_>]) -> Finding {
    let Made { becomes, row, lead } = first;
    let object = becomes.sourced.object;
    let own = row.cell(&becomes.sourced.source);
    let of_lead = lead.cell(&asked.lead.source);
    let headline = format!(
        "Lead source of the {object} is {}, and {} of the lead it was made of",
        own.shown(),
        of_lead.shown()
    );
    let question = format!(
        "Which source is right for this {object} and for the lead it was made of: {} or {}?",
        own.shown(),
        of_lead.shown()
    );
    let plurals: Vec<_> = rules.objects.iter().map(|object| object.plural()).collect();
    let proposal = Proposal::ReviewRecord { question };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(own), proposal)
        .with(lead.record())
        .because(Evidence::Cell(of_lead))
        .because(Evidence::Cell(lead.cell(&asked.converted)))
        .because(Evidence::Cell(row.cell(&becomes.sourced.created)));
    for Made { becomes, row, .. } in rest {
        finding =
            finding.with(row.record()).because(Evidence::Cell(row.cell(&becomes.sourced.source)));
    }
    finding = finding.because(policy(
        rules.objects.line,
        format!("{} keep the source of the lead they were made of", plurals.join(" and ")),
    ));
    for (row, field) in [(lead, &asked.converted), (row, &becomes.sourced.created)] {
        if row.time(field).is_none() {
            finding = finding.lacking(blank_field(field));
        }
    }
    finding.unless(if object == Object::Deal {
        "the deal may have the source of the campaign that brought it on purpose"
    } else {
        "one of the two may have been corrected after the conversion, and the other been forgotten"
    })
}
