//! BAT-05: dates that lie ahead although what they tell has happened.
//!
//! Does not: count the rows set aside or the pages of a pull; the review knows those.

use chrono::NaiveDate;

use crate::boundary::{Batch, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::settings::{days, named};
use super::super::{About, AsOf, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{policy, settings};

/// BAT-05.
pub(in super::super) const IMPLAUSIBLE_INPUT: CheckDef = CheckDef {
    code: "BAT-05",
    name: "implausible-input",
    family: Family::Batch,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A date of something that has happened (`future_fields`) lies more than one day after \
              the review. Of each field the first 50 records by id are findings, and the figure says \
              how many there are.",
    consequence: "Ages, service levels and routing are computed from dates that cannot be true.",
    load,
};

/// The records of one field that become findings.
const MOST: usize = 50;

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    future_fields: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(section: Option<&Section<'_>>) -> Result<Self, Off> {
        const USUAL: [&str; 6] =
            ["created", "modified", "stage_changed", "assigned", "first_touch", "last_login"];
        let rules = Self { future_fields: settings::texts(section, "future_fields", &USUAL) };
        settings::switched_on(section, &IMPLAUSIBLE_INPUT)?;
        if rules.future_fields.is_empty() {
            let write = "name fields in `future_fields` of [implausible-input]";
            return Err(Off::NoPolicy { file: Family::Batch.file(), write });
        }
        Ok(rules)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.batch.implausible.clone()?;
    let mut fields = Vec::new();
    let mut first = None;
    for object in Object::REVIEWED.into_iter().chain([Object::User]) {
        for name in &rules.future_fields.value {
            match grant.field(object, name) {
                Ok(field) => fields.push(field),
                Err(missing) => {
                    first.get_or_insert(missing);
                }
            }
        }
    }
    if let Some(missing) = first
        && fields.is_empty()
    {
        return Err(missing.into());
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for object in Object::REVIEWED.into_iter().chain([Object::User]) {
            let of_object: Vec<&Field> =
                fields.iter().filter(|field| field.object() == object).collect();
            if let Some(batch) = world.batch(object).filter(|_| !of_object.is_empty()) {
                judge(&rules, &of_object, batch, world, &mut judgement);
            }
        }
        judgement
    }))
}

fn judge(
    rules: &Rules,
    fields: &[&Field],
    batch: &Batch,
    world: &World<'_>,
    judgement: &mut Judgement,
) {
    let mut totals = vec![0_usize; fields.len()];
    let mut flagged: Vec<Row<'_>> = Vec::new();
    for row in batch.reviewed() {
        judgement.examined += 1;
        if fields.iter().any(|field| is_ahead(&world.as_of, row, field)) {
            flagged.push(row);
        }
    }
    // An export may come in another order every week; the same records are told.
    flagged.sort_by_key(|row| row.id());
    let (mut ahead, mut beyond) = (Vec::new(), Vec::new());
    for row in flagged {
        let mut within = false;
        for (field, total) in fields.iter().zip(&mut totals) {
            if is_ahead(&world.as_of, row, field) {
                *total += 1;
                within |= *total <= MOST;
            }
        }
        if within { ahead.push(row) } else { beyond.push(row) }
    }
    if !beyond.is_empty() {
        let why = format!("{} more have dates ahead; {MOST} a field are told", beyond.len());
        judgement.skip_records(batch.object(), beyond, &why);
    }
    for row in ahead {
        judgement.findings.push(finding(rules, fields, &totals, world, row));
    }
}

fn is_ahead(as_of: &AsOf, row: Row<'_>, field: &Field) -> bool {
    row.time(field).is_some_and(|at| as_of.is_ahead(at))
}

fn finding(
    rules: &Rules,
    fields: &[&Field],
    totals: &[usize],
    world: &World<'_>,
    row: Row<'_>,
) -> Finding {
    let object = row.object();
    let wrong: Vec<(&Field, usize)> = fields
        .iter()
        .zip(totals)
        .filter(|(field, _)| is_ahead(&world.as_of, row, field))
        .map(|(field, total)| (*field, *total))
        .collect();
    let ahead = |field: &Field| days(row.time(field).map_or(0, |at| -world.as_of.days_since(at)));
    let names: Vec<String> = wrong.iter().map(|(field, _)| named(&row.cell(field))).collect();
    let headline = if let ([name], [(field, _)]) = (names.as_slice(), wrong.as_slice()) {
        format!("{name} is {} ahead of the review", ahead(field))
    } else {
        let told = names.iter().zip(&wrong);
        let told: Vec<String> =
            told.map(|(name, (field, _))| format!("{name} by {}", ahead(field))).collect();
        format!("Dates lie ahead of the review: {}", told.join(", "))
    };
    let says = format!("`future_fields` = {}", rules.future_fields.join(", "));
    let mut finding = Finding::about(
        row.record(),
        headline,
        policy(rules.future_fields.line, says),
        Proposal::ReviewUpstream {
            question: format!(
                "Find out what writes {} of {}",
                names.join(" and "),
                object.plural()
            ),
        },
    );
    for ((field, total), name) in wrong.iter().zip(&names) {
        finding = finding.hinging_on(field).because(Evidence::Cell(row.cell(field)));
        finding = finding.because(Evidence::Figure {
            of: format!("{} whose `{}` lies ahead of the review", object.plural(), field.name()),
            is: total.to_string(),
        });
        if let Some(day) = row.day(field, world.as_of.zone).and_then(swapped)
            && day <= world.as_of.day
        {
            finding = finding.unless(format!(
                "with day and month the other way round, {name} would not lie ahead: the column's \
                 date order may be read wrongly"
            ));
        }
        finding = finding.unless(if *total == 1 {
            format!("no other {object} has {name} ahead: a typing error in one record")
        } else {
            format!(
                "{total} {} have {name} ahead: an integration may write planned dates there on \
                 purpose",
                object.plural()
            )
        });
    }
    finding
}

/// The day with day and month exchanged, if there is one.
fn swapped(day: NaiveDate) -> Option<NaiveDate> {
    use chrono::Datelike as _;
    NaiveDate::from_ymd_opt(day.year(), day.day(), day.month()).filter(|other| *other != day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(day: &str, expected: Option<&str>) {
        let swapped = swapped(day.parse().unwrap()).map(|day| day.to_string());
        assert_eq!(swapped.as_deref(), expected, "{day}");
    }

    #[test]
    fn only_days_up_to_the_twelfth_can_be_months() {
        check("2026-12-03", Some("2026-03-12"));
        check("2026-12-13", None);
        check("2026-05-05", None);
    }
}
