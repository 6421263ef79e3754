//! SRC-01: the source says nothing, and a campaign says more.
//!
//! Does not: speak of blank sources without a campaign; those are a required field's business.

use crate::boundary::{Field, Grant, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::touch::{self, Touch, Uploads};
use super::{PEOPLE, People, Policy, Sourced, in_time, policy, relative};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-01",
    name: "weak-source",
    family: Family::LeadSource,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The lead source is blank or one of the values that say nothing, and the person's \
              first campaign answer came before the record or at most `after_days` after it.",
    consequence: "The campaign that brought the person gets no credit when budgets are set.",
    load,
};

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.lead_source;
    if rules.is_off(&CHECK) {
        return Err(CHECK.off_in_rules());
    }
    touch::ask(grant)?;
    let people = People::ask(grant)?;
    Ok(Box::new(move |world| {
        let mut judgement = people.judgement();
        if touch::skip_unknown(world, &mut judgement) {
            return judgement;
        }
        for sourced in &people.ready {
            judge(world, sourced, &mut judgement);
        }
        judgement
    }))
}

/// The answer that says more than a weak source does.
fn better<'t, 'a>(
    rules: &Policy,
    world: &'t World<'a>,
    row: Row<'_>,
    source: &Field,
    created: &Field,
) -> Option<Touch<'t, 'a>> {
    // Where the record had a source at first, that says more than any campaign.
    if row.is_withheld(source)
        || !rules.is_weak(row.text(source))
        || world.overwritten().speaks_of(row)
    {
        return None;
    }
    let touch = world.touches().first(row)?;
    in_time(touch.at, row.time(created), rules.weak_after_days.value, world.as_of.zone)
        .then_some(touch)
}

/// True when this check has a finding about the record.
pub(super) fn speaks_of(rules: &Policy, world: &World<'_>, row: Row<'_>) -> bool {
    let field = |name| world.policies.boundary.field(row.object(), name).ok();
    !rules.is_off(&CHECK)
        && PEOPLE.contains(&row.object())
        && field("lead_source")
            .zip(field("created"))
            .is_some_and(|(source, created)| better(rules, world, row, &source, &created).is_some())
}

fn judge(world: &World<'_>, sourced: &Sourced, judgement: &mut Judgement) {
    let rules = &world.policies.lead_source;
    let Sourced { object, source, created } = sourced;
    let Some(batch) = world.batch(*object) else {
        judgement.skip(*object, "there is no input");
        return;
    };
    if !batch.has(source) {
        judgement.skip(*object, "the input has no `lead_source`");
        return;
    }
    let mut found = Vec::new();
    for row in batch.reviewed() {
        judgement.examined += 1;
        if let Some(touch) = better(rules, world, row, source, created) {
            found.push((row, touch));
        }
    }
    let touches: Vec<_> = found.iter().map(|(_, touch)| *touch).collect();
    let uploads = Uploads::among(world, &touches);
    for (row, touch) in found {
        judgement.findings.push(finding(rules, row, sourced, &touch, &uploads));
    }
}

fn finding<'a>(
    rules: &Policy,
    row: Row<'a>,
    sourced: &Sourced,
    touch: &Touch<'_, 'a>,
    uploads: &Uploads<'a>,
) -> Finding {
    let Sourced { object, source, created } = sourced;
    let before = row.cell(source);
    let at = row.time(created);
    let when = at.map_or_else(String::new, |at| {
        format!(
            " {} the {object} was created",
            relative(touch.at, at, "at the time when", uploads.zone())
        )
    });
    let says =
        if row.is_blank(source) { "is blank".to_owned() } else { format!("is {}", before.shown()) };
    let headline = format!("Lead source {says}, and {} was answered{when}", touch.words());
    let mapped = touch.mapped(&rules.campaign_sources);
    let proposal = match mapped {
        Some(to) => Proposal::CorrectSource { before: before.clone(), to: Some(to.value.clone()) },
        None => Proposal::ReviewRecord {
            question: format!(
                "Did {} ({}) bring this {object}?",
                touch.words(),
                touch.kind_words()
            ),
        },
    };
    let weak = format!("blank, {} say nothing of where a record came from", rules.weak.join(", "));
    let days = rules.weak_after_days.value;
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(before), proposal)
        .of_field(source)
        .because(Evidence::Cell(row.cell(created)))
        .because(policy(rules.weak.line, weak))
        .because(policy(
            rules.weak_after_days.line,
            format!("an answer counts until {days} days after the record was created"),
        ));
    finding = touch.quote(finding);
    match mapped {
        Some(to) => {
            let says = format!("campaigns of {} give the source {}", touch.kind_words(), to.value);
            finding = finding.because(policy(to.line, says));
        }
        None if touch.has_kind() => {
            finding = finding
                .unless(format!("[campaign-sources] has no source for {}", touch.kind_words()));
        }
        None => {
            finding = finding.unless(
                "the campaign has no channel, by which [campaign-sources] would name a source",
            );
        }
    }
    if at.is_none() {
        finding = finding.lacking(format!("{object}.created is blank"));
    }
    if let Some(doubt) = uploads.doubt(touch) {
        finding = finding.unless(doubt);
    }
    if touch.answers > 1 {
        let others = touch.answers - 1;
        finding = finding
            .unless(format!("{others} later answers to campaigns: a later one may be meant"));
    }
    finding.unless(match at {
        Some(at) if touch.at > at => {
            "The answer came after the record was created: something else brought it first, or the \
             list was loaded before the campaign"
        }
        Some(_) => "A meeting, call or referral outside the CRM may have come before the campaign",
        None => "Nothing says whether the record was there before the campaign",
    })
}
