//! SOR-01: the CRM says one thing, the system that is right about the field another.
//!
//! Does not: judge what a sync may still carry over, or a blank field that a stage requires.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::boundary::{Batch, Exposure, Field, Grant, Object, Row, Shown, id_key};
use crate::check::settings::days;
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::same::{OurWord, Spellings};
use super::{Compare, FILE, Place, System, policy, title, updated};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-01",
    name: "conflicting-value",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A compared field differs from the system of record after case, spaces, punctuation \
              and the rules' synonyms are evened out, and the system's row is older than the sync needs.",
    consequence: "Two teams tell the same customer different things.",
    load,
};

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.system_of_record;
    if rules.conflict_off {
        return Err(CHECK.off_in_rules());
    }
    let systems: Vec<_> =
        rules.systems.iter().filter(|system| !system.compares.is_empty()).cloned().collect();
    if systems.is_empty() {
        let write = "add a [[system]] with a [[system.compare]]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for system in &systems {
        system.ask(grant)?;
        for compare in &system.compares {
            grant.reads(&compare.field);
            grant.reads(&compare.theirs);
        }
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for system in &systems {
            match (world.batch(system.object), world.batch(Object::SystemRecord)) {
                (Some(batch), Some(extract)) => {
                    judge(world, system, batch, extract, &mut judgement);
                }
                (None, _) => judgement.skip(system.object, "there is no input"),
                (_, None) => {
                    judgement
                        .skip(system.object, &format!("there is no extract of {}", system.name));
                }
            }
        }
        judgement
    }))
}

/// A record with its row in the system, and the comparisons that do not hold.
struct Clash<'a, 's> {
    row: Row<'a>,
    theirs: Row<'a>,
    key: &'a str,
    differing: Vec<&'s Compare>,
    /// How many comparisons had a value on both sides.
    compared: usize,
}

/// How often a comparison was made, and how often it did not hold.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    compared: usize,
    differing: usize,
}

/// The records of a system's table beside the system's rows.
struct Beside<'a, 's> {
    usable: Vec<&'s Compare>,
    /// The comparisons of which a column is not there.
    unusable: Vec<&'s Compare>,
    /// Of each usable comparison.
    tallies: Vec<Tally>,
    clashes: Vec<Clash<'a, 's>>,
    /// Records whose key stands on another system's row.
    unclear: Vec<Row<'a>>,
    examined: usize,
}

fn compared<'a, 's>(
    world: &World<'a>,
    system: &'s System,
    batch: &'a Batch,
    extract: &'a Batch,
) -> Beside<'a, 's> {
    let (usable, unusable): (Vec<_>, Vec<_>) = system
        .compares
        .iter()
        .partition(|compare| batch.has(&compare.field) && extract.has(&compare.theirs));
    let due = world.as_of.hours_ago(system.sync_hours.value);
    let updated = updated(world);
    let mut tallies = vec![Tally::default(); usable.len()];
    let (mut clashes, mut unclear) = (Vec::new(), Vec::new());
    let mut examined = 0;
    for row in batch.reviewed() {
        let Some(key) = system.key_of(row) else { continue };
        let Some(theirs) = system.row_of(extract, key) else {
            unclear.extend(system.is_unclear(extract, key).then_some(row));
            continue;
        };
        let fresh = updated.as_ref().and_then(|field| theirs.time(field));
        if system.sync_hours.value > 0.0 && fresh.is_some_and(|at| at > due) {
            continue;
        }
        examined += 1;
        let mut differing = Vec::new();
        let mut compared = 0;
        for (compare, tally) in usable.iter().zip(&mut tallies) {
            if !is_comparable(world, row, theirs, compare) {
                continue;
            }
            compared += 1;
            tally.compared += 1;
            let ours = (row, &compare.field);
            if !compare.sameness.holds(ours, (theirs, &compare.theirs), world.as_of.zone) {
                tally.differing += 1;
                differing.push(*compare);
            }
        }
        if !differing.is_empty() {
            clashes.push(Clash { row, theirs, key, differing, compared });
        }
    }
    Beside { usable, unusable, tallies, clashes, unclear, examined }
}

/// The fields of records under review about which this check has a finding.
pub(in crate::check) fn spoken_of(world: &World<'_>) -> BTreeSet<Place> {
    let rules = &world.policies.system_of_record;
    let mut spoken = BTreeSet::new();
    for system in rules.systems.iter().filter(|_| !rules.conflict_off) {
        let tables = world.batch(system.object).zip(world.batch(Object::SystemRecord));
        let Some((batch, extract)) = tables.filter(|(batch, _)| batch.has(&system.key)) else {
            continue;
        };
        for Clash { row, differing, .. } in compared(world, system, batch, extract).clashes {
            let fields = differing.into_iter().map(|compare| compare.field.clone());
            spoken.extend(fields.map(|field| (row.object(), row.position(), field)));
        }
    }
    spoken
}

fn judge<'a>(
    world: &World<'a>,
    system: &System,
    batch: &'a Batch,
    extract: &'a Batch,
    judgement: &mut Judgement,
) {
    if !batch.has(&system.key) {
        judgement.skip(system.object, &format!("the input has no `{}`", system.key.name()));
        return;
    }
    let Beside { usable, unusable, tallies, clashes, unclear, examined } =
        compared(world, system, batch, extract);
    for compare in unusable {
        let why = format!("`{}` or `{}` is not in the input", compare.field, compare.theirs);
        judgement.skip_field(&compare.field, &why);
    }
    judgement.examined += examined;
    system.leave_unclear(unclear, judgement);
    let holders = holders(system, batch, &clashes);
    let differing = usable.iter().zip(&tallies).filter(|(_, tally)| tally.differing > 0);
    let spellings: BTreeMap<&Field, Spellings> = differing
        .map(|(compare, _)| (&compare.field, Spellings::of(batch, &compare.field)))
        .collect();
    for clash in &clashes {
        let shared = holders.get(id_key(clash.key)).copied().unwrap_or(1);
        for compare in &clash.differing {
            let at = usable.iter().position(|usable| std::ptr::eq(*usable, *compare));
            let tally = at.and_then(|at| tallies.get(at)).copied().unwrap_or_default();
            let as_ours = spellings.get(&compare.field).and_then(|spellings| {
                compare.sameness.our_word(clash.theirs.text(&compare.theirs)?, spellings)
            });
            let finding = finding(world, system, clash, compare, (tally, as_ours));
            judgement.findings.push(if shared > 1 {
                let plural = system.object.plural();
                finding.lacking(format!(
                    "{shared} {plural} hold this key: which one is meant is unknown"
                ))
            } else {
                finding
            });
        }
    }
}

/// True when the system has a value, and nobody else speaks of a blank on our side.
fn is_comparable<'a>(world: &World<'a>, row: Row<'a>, theirs: Row<'a>, compare: &Compare) -> bool {
    let said_already =
        row.is_blank(&compare.field) && world.policies.required.misses(world, row, &compare.field);
    !theirs.is_blank(&compare.theirs) && !said_already
}

/// How many records hold each of the keys in question.
fn holders<'a>(
    system: &System,
    batch: &'a Batch,
    clashes: &[Clash<'a, '_>],
) -> HashMap<&'a str, usize> {
    let mut holders: HashMap<&str, usize> =
        clashes.iter().map(|clash| (id_key(clash.key), 0)).collect();
    if !holders.is_empty() {
        for row in batch.rows() {
            if let Some(count) = system.key_of(row).and_then(|key| holders.get_mut(id_key(key))) {
                *count += 1;
            }
        }
    }
    holders
}

fn finding(
    world: &World<'_>,
    system: &System,
    clash: &Clash<'_, '_>,
    compare: &Compare,
    (tally, as_ours): (Tally, Option<OurWord>),
) -> Finding {
    let Clash { row, theirs, .. } = *clash;
    let (ours, other) = (row.cell(&compare.field), theirs.cell(&compare.theirs));
    let headline = format!(
        "{} is {} in the CRM and {} in {}",
        title(&compare.field),
        ours.shown(),
        other.shown(),
        system.name
    );
    let fields = [&compare.field, &compare.theirs];
    let is_shown = fields.iter().all(|field| field.exposure() == Exposure::Shown);
    let (to, because) = match as_ours.filter(|_| is_shown) {
        None => (other.shown().clone(), None),
        Some(OurWord::Rule(written)) => {
            let says = format!("the CRM writes {written} for {}", other.shown());
            (Shown::Value(written), Some(policy(compare.line, says)))
        }
        Some(OurWord::Records(written, records)) => {
            let of = format!("{} that write it as {written}", system.object.plural());
            let figure = Evidence::Figure { of, is: records.to_string() };
            (Shown::Value(written), Some(figure))
        }
    };
    let proposal = Proposal::SetField { before: ours.clone(), to };
    let fact = Evidence::Compared {
        left: ours,
        right: other,
        level: "differ after case, spaces, punctuation and synonyms are evened out".to_owned(),
    };
    let mut finding = Finding::about(row.record(), headline, fact, proposal)
        .with(theirs.record())
        .because(Evidence::Cell(row.cell(&system.key)))
        .because(policy(compare.line, format!("{} is right about {}", system.name, compare.field)))
        .because(policy(
            system.sync_hours.line,
            format!("the sync has {} hours to carry a change over", system.sync_hours.value),
        ));
    finding = because.into_iter().fold(finding, Finding::because);
    for (record, field) in [(row, &compare.field), (theirs, &compare.theirs)] {
        if record.is_withheld(field) {
            finding = finding.lacking(format!("{field} is withheld"));
        }
    }
    finding = with_ages(finding, world, system, clash);
    if clash.compared >= 2 && clash.differing.len() == clash.compared {
        finding = finding.unless(format!(
            "All {} compared fields differ: the key may lead to another {}",
            clash.compared, system.object
        ));
    }
    if tally.compared >= 10 && tally.differing * 2 > tally.compared {
        finding = finding.unless(format!(
            "{} of {} {} differ in this field: the two systems may mean different things by it",
            tally.differing,
            tally.compared,
            system.object.plural()
        ));
    }
    finding
}

/// Both timestamps, and what follows from them.
fn with_ages(
    mut finding: Finding,
    world: &World<'_>,
    system: &System,
    clash: &Clash<'_, '_>,
) -> Finding {
    let Clash { row, theirs, .. } = *clash;
    let modified = world.policies.boundary.allowed(system.object, "modified");
    let updated = updated(world);
    let time = |row: Row<'_>, field: &Option<Field>| field.as_ref().and_then(|f| row.told_time(f));
    for (record, field) in [(row, &modified), (theirs, &updated)] {
        if let Some(field) = field {
            finding = finding.because(Evidence::Cell(record.cell(field)));
        }
    }
    let (ours, other) = (time(row, &modified), time(theirs, &updated));
    if other.is_none() && system.sync_hours.value > 0.0 {
        let why = if updated.is_some() { "is blank" } else { "is not on the allowlist" };
        finding = finding.lacking(format!("system_record.updated {why}"));
    }
    finding.unless(match (ours, other) {
        (Some(ours), Some(other)) if ours > other => format!(
            "The CRM record was changed {} {}'s row: the CRM may be ahead",
            match world.as_of.days_between(other, ours) {
                0 => "on the same day as, and after,".to_owned(),
                later => format!("{} after", days(later)),
            },
            system.name
        ),
        (_, Some(other)) => format!(
            "{}'s row is from {} before the review: the extract may lag behind",
            system.name,
            days(world.as_of.days_since(other))
        ),
        (_, None) => {
            format!("Nothing says when {}'s row was last changed: the sync may be due", system.name)
        }
    })
}
