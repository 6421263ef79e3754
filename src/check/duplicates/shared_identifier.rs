//! DUP-10: records that share an identifier which another system gives to one alone.
//!
//! Does not: say which of them the identifier is; and records that another check takes for one are its own.

use hashbrown::{HashMap, HashSet};

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::settings::label;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::matching::agreement::Level;
use crate::matching::index::Index;
use crate::matching::normalise;

use super::any_of;
use super::links::names_of;
use super::merge::{self, Case, MOST_SHOWN, listed, others};
use super::policy::{Policy, Switch};

/// DUP-10.
pub(in crate::check) const SHARED_IDENTIFIER: CheckDef = CheckDef {
    code: "DUP-10",
    name: "shared-identifier",
    family: Family::Duplicates,
    severity: Severity::High,
    about: About::Equals,
    summary: "Two or more records of one table have the same value in a field that another system gives to \
              one record alone; placeholders do not count, nor records that are one by another check.",
    consequence: "Every update from that system lands on the wrong record, or on both.",
    load,
};

/// The tables that may carry such a value.
const TABLES: [Object; 4] = [Object::Lead, Object::Contact, Object::Account, Object::Deal];

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.duplicates.shared_identifier;
    if policy.switch == Switch::Off {
        return Err(SHARED_IDENTIFIER.off_in_rules());
    }
    let names = policy.fields.value.iter();
    let wanted = names.flat_map(|name| TABLES.map(|table| (table, name.as_str())));
    let fields = any_of(grant, wanted)?;
    let mut tables: Vec<Object> = fields.iter().map(Field::object).collect();
    tables.sort();
    tables.dedup();
    let matched: Vec<Object> = tables.into_iter().filter(|table| *table != Object::Deal).collect();
    merge::ask(grant, policies, &matched);
    Ok(Box::new(move |world| judge(world, &fields)))
}

fn judge(world: &World<'_>, fields: &[Field]) -> Judgement {
    let mut judgement = Judgement::default();
    let policy = &world.policies.duplicates.shared_identifier;
    let placeholders = policy.placeholders.value.iter().map(|one| identifier(one)).collect();
    for field in fields {
        let object = field.object();
        let Some(batch) = world.batch(object) else { continue };
        if !batch.has(field) {
            continue;
        }
        judgement.examined += batch.reviewed().filter(|row| !row.is_blank(field)).count();
        let values =
            batch.rows().filter_map(|row| Some((row, key(row.text(field)?, &placeholders)?)));
        let mut index = Index::default();
        for (row, value) in values {
            index.add(&value, u32::try_from(row.position()).unwrap_or(u32::MAX));
        }
        index.settle();
        let mut blocks: Vec<Vec<Row<'_>>> = index
            .blocks()
            .map(|block| {
                let row = |at: u32| usize::try_from(at).ok().and_then(|at| batch.at(at));
                let mut rows: Vec<_> = block.into_iter().filter_map(row).collect();
                rows.sort_by_key(|row| row.id());
                rows
            })
            .collect();
        let cases = cases(world, object);
        blocks.sort_by_key(|rows| rows.first().map(|row| row.id()));
        for rows in blocks.iter().filter(|rows| rows.iter().any(|row| row.is_under_review())) {
            if rows.len() > usize::try_from(policy.crowd.value).unwrap_or(usize::MAX) {
                let one = rows.first().map_or("?", |row| row.id());
                let why = format!(
                    "{} records share one `{}` ({one} is one of them): a default, not an identifier",
                    rows.len(),
                    field.name()
                );
                judgement.skip_records(object, rows.iter().copied(), &why);
                continue;
            }
            let mut cases = rows.iter().map(|row| cases.get(row.id()));
            let first = cases.next().flatten();
            if first.is_none() || cases.any(|case| case != first) {
                judgement.findings.extend(finding(world, field, rows));
            }
        }
    }
    judgement
}

/// From so many on, a digit repeated is a placeholder: 7 and 22 are numbers that a system gives. Letters and
/// zeros are one however many there are.
const REPEATED: usize = 4;

/// The value as it is compared; `None` for a placeholder: one of those listed, or one letter repeated.
fn key(raw: &str, placeholders: &HashSet<String>) -> Option<String> {
    let value = identifier(raw);
    let mut letters = value.chars();
    let first = letters.next()?;
    let is_number = matches!(first, '1'..='9');
    let is_one_repeated =
        letters.all(|letter| letter == first) && (!is_number || value.chars().count() >= REPEATED);
    (!is_one_repeated && !placeholders.contains(&value)).then_some(value)
}

fn identifier(raw: &str) -> String {
    let mut out = String::new();
    normalise::identifier_into(raw, &mut out);
    out
}

/// The case in which another check takes a record for one with others, by the record's id.
fn cases<'a>(world: &World<'a>, object: Object) -> HashMap<&'a str, usize> {
    let cases = world.matches().same(world, object).into_iter().flat_map(|same| &same.cases);
    let ids = |(at, case): (usize, &Case<'a>)| {
        case.rows.iter().map(|row| (row.id(), at)).collect::<Vec<_>>()
    };
    cases.enumerate().filter(|(_, case)| !case.is_split()).flat_map(ids).collect()
}

fn finding(world: &World<'_>, field: &Field, rows: &[Row<'_>]) -> Option<Finding> {
    let main = *rows.iter().find(|row| row.is_under_review())?;
    let plural = field.object().plural();
    let headline =
        format!("{} {plural} have the same {}: {}", rows.len(), label(field), world.listed(rows));
    let question = format!(
        "Which of {} does the system that gives the {} mean, and how did the others come by it?",
        listed(rows),
        label(field)
    );
    let mut cells = rows.iter().take(MOST_SHOWN).map(|row| Evidence::Cell(row.cell(field)));
    let mut finding = Finding::about(
        main.record(),
        headline,
        cells.next()?,
        Proposal::ReviewUpstream { question },
    );
    finding = cells.fold(finding, Finding::because);
    for record in others(rows, main) {
        finding = finding.with(record);
    }
    let policy = &world.policies.duplicates.shared_identifier;
    finding = finding
        .because(Policy::quote(policy.fields.line, "fields lists what one record alone has"));
    if field.object() == Object::Deal {
        return Some(finding.unless("a deal may have been cloned with its number on purpose"));
    }
    let pairs = rows.iter().enumerate().flat_map(|(n, left)| {
        rows.iter().skip(n + 1).map(move |right| names_of(world, [*left, *right]))
    });
    Some(match pairs.max_by_key(|(level, _)| *level == Level::Different) {
        Some((Level::Different, _)) => finding.unless(
            "their names are different: the value may have come along when a record was cloned",
        ),
        Some((_, words)) => finding.unless(format!(
            "they may be one ({words}), and the system may list it once: then a merge is what is missing"
        )),
        None => finding,
    })
}
