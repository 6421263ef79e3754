//! SRC-05: the source is not a value of the governed list.
//!
//! Does not: speak of sources that a campaign already corrects.

use chrono::NaiveDate;
use hashbrown::HashMap;

use crate::boundary::{Exposure, Field, Grant, Object, Row, letters};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, is_slip, nearest};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, count, policy};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-05",
    name: "outside-taxonomy",
    family: Family::LeadSource,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "The lead source is not a value of the governed list, be it a variant in case, spaces \
              or punctuation, or a value the list does not have.",
    consequence: "Reports by source split one source into several, or lose records.",
    load,
};

const OBJECTS: [Object; 3] = [Object::Lead, Object::Contact, Object::Deal];

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.lead_source;
    if rules.is_off(&CHECK) {
        return Err(CHECK.off_in_rules());
    }
    let Some(taxonomy) = rules.taxonomy.clone() else {
        let write = "list the governed values in [taxonomy]";
        return Err(Off::NoPolicy { file: FILE, write });
    };
    let mut fields = Vec::new();
    for object in OBJECTS {
        if let Some(source) = grant.optional(object, "lead_source") {
            grant.optional(object, "created");
            fields.push(source);
        }
    }
    if fields.is_empty() {
        grant.field(Object::Lead, "lead_source")?;
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for source in &fields {
            judge(world, source, &taxonomy, &mut judgement);
        }
        judgement
    }))
}

/// What the governed list says of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict<'t> {
    Governed,
    /// Written differently from this one.
    Variant(&'t str),
    /// A slip of the keyboard from this one.
    Slip(&'t str),
    /// Not in the list; this one is nearest, and may mean something else: online and offline.
    Near(&'t str),
    /// Not in the list, and nothing is near.
    Alien,
}

fn judged<'t>(taxonomy: &'t [String], value: &str) -> Verdict<'t> {
    let value = value.trim();
    if taxonomy.iter().any(|known| known == value) {
        return Verdict::Governed;
    }
    if let Some(known) = taxonomy.iter().find(|known| letters(known).eq(letters(value))) {
        return Verdict::Variant(known);
    }
    let bare = |text: &str| letters(text).collect::<String>();
    match nearest(value, taxonomy.iter().map(String::as_str)) {
        None => Verdict::Alien,
        Some(known) if is_slip(&bare(value), &bare(known)) => Verdict::Slip(known),
        Some(known) => Verdict::Near(known),
    }
}

/// One value in the batch: what the list says of it, who holds it, and since when.
struct Use<'t> {
    verdict: Verdict<'t>,
    records: usize,
    since: Option<NaiveDate>,
}

fn judge(
    world: &World<'_>,
    source: &Field,
    taxonomy: &Said<Vec<String>>,
    judgement: &mut Judgement,
) {
    let rules = &world.policies.lead_source;
    let object = source.object();
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    if !batch.has(source) {
        judgement.skip(object, "the input has no `lead_source`");
        return;
    }
    judgement.look_through(object);
    let created = world.policies.boundary.allowed(object, "created");
    let mut values: HashMap<&str, Use<'_>> = HashMap::new();
    let mut found = Vec::new();
    for row in batch.rows() {
        let Some(value) = row.text(source) else { continue };
        let used = values.entry(value).or_insert_with(|| Use {
            verdict: judged(taxonomy, value),
            records: 0,
            since: None,
        });
        used.records += 1;
        if used.verdict != Verdict::Governed {
            let day = created.as_ref().and_then(|created| row.day(created, world.as_of.zone));
            used.since = used.since.into_iter().chain(day).min();
        }
        if !row.is_under_review() {
            continue;
        }
        judgement.examined += 1;
        if used.verdict != Verdict::Governed && !rules.knows_better(world, row) {
            found.push((row, value));
        }
    }
    for (row, value) in found {
        if let Some(used) = values.get(value) {
            judgement.findings.push(finding(world, row, source, used, taxonomy));
        }
    }
}

fn finding(
    world: &World<'_>,
    row: Row<'_>,
    source: &Field,
    used: &Use<'_>,
    taxonomy: &Said<Vec<String>>,
) -> Finding {
    let before = row.cell(source);
    let shown = before.shown();
    // What is near to a value that may not be shown would show it; a spelling has to be asked for.
    let named = |known| Some(known).filter(|_| source.exposure() == Exposure::Shown);
    let not_listed = format!("Lead source {shown} is not in the governed list");
    let (headline, to) = match used.verdict {
        Verdict::Variant(known) => {
            let governed = named(known)
                .map_or_else(|| "a governed one".to_owned(), |it| format!("the governed {it}"));
            (format!("Lead source {shown} is {governed}, written differently"), Some(known))
        }
        Verdict::Slip(known) => match named(known) {
            Some(known) => {
                (format!("{not_listed}; it is a slip of the keyboard from {known}"), Some(known))
            }
            None => (not_listed, None),
        },
        Verdict::Near(known) => match named(known) {
            Some(known) => (format!("{not_listed}; {known} is nearest"), None),
            None => (not_listed, None),
        },
        Verdict::Alien | Verdict::Governed => {
            (format!("{not_listed}, and nothing in it is near"), None)
        }
    };
    let proposal = Proposal::CorrectSource { before: before.clone(), to: to.map(str::to_owned) };
    let plural = row.object().plural();
    let finding = Finding::about(row.record(), headline, Evidence::Cell(before), proposal)
        .because(policy(
            taxonomy.line,
            format!("the governed sources are {}", taxonomy.value.join(", ")),
        ))
        .because(Evidence::Figure {
            of: format!("{plural} with this very source"),
            is: used.records.to_string(),
        });
    let so_far = count(used.records, row.object());
    let fresh = used.since.filter(|day| (world.as_of.day - *day).num_days() <= 60);
    match (used.verdict, fresh) {
        (Verdict::Variant(_), _) => finding.unless(format!(
            "What writes it so will write it again ({so_far} so far): the form may be the thing to correct"
        )),
        (_, Some(day)) => finding.unless(format!(
            "The value first appears on {day}: a new source or campaign that the list does not have yet"
        )),
        (Verdict::Slip(_) | Verdict::Near(_), None) => finding.unless(format!(
            "The two are near in spelling only ({so_far} so far): it may mean something else"
        )),
        (Verdict::Alien | Verdict::Governed, None) => finding.unless(format!(
            "The list may lack a source that is in use ({so_far} so far)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Verdict<'_>) {
        let taxonomy = ["Web", "Trade Show", "Referral"].map(str::to_owned);
        assert_eq!(judged(&taxonomy, value), expected, "{value}");
    }

    #[test]
    fn a_variant_is_told_from_a_near_and_from_an_alien_value() {
        check("Web", Verdict::Governed);
        check(" Web ", Verdict::Governed);
        check("web", Verdict::Variant("Web"));
        check("trade-show", Verdict::Variant("Trade Show"));
        check("Refferal", Verdict::Slip("Referral"));
        check("Referee", Verdict::Near("Referral"));
        check("Wed", Verdict::Near("Web"));
        check("Billboard", Verdict::Alien);
    }
}
