//! BAT-06: an allowed field holds what looks like a secret, a card number or a national id.
//!
//! Does not: know the value; it was not copied. Field and line are all there is to say.

use crate::boundary::{Exposure, Field, Grant, Kind, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::super::settings::named;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};

/// BAT-06.
pub(in super::super) const WITHHELD_VALUE: CheckDef = CheckDef {
    code: "BAT-06",
    name: "withheld-value",
    family: Family::Batch,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "A value in an allowed field looks like a secret, a card number or a national id. It was \
              withheld at the boundary, in records under review and in those that serve as reference.",
    consequence: "Everybody who can see the record, and every system that syncs it, has the secret.",
    load,
};

fn load(_grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    policies.batch.withheld.clone()?;
    Ok(Box::new(judge))
}

fn judge(world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    for batch in world.pulled.iter() {
        judgement.examined += batch.len();
        for row in batch.with_withheld() {
            let fields: Vec<&Field> = world
                .policies
                .boundary
                .fields(batch.object())
                .filter(|field| row.is_withheld(field))
                .collect();
            judgement.findings.extend(finding(row, &fields));
        }
    }
    judgement
}

fn finding(row: Row<'_>, fields: &[&Field]) -> Option<Finding> {
    let (first, others) = fields.split_first()?;
    let cell = row.cell(first);
    let names: Vec<String> = fields.iter().map(|field| named(&row.cell(field))).collect();
    let (names, place) = (names.join(" and "), format!("line {} of {}", row.line(), cell.file()));
    let headline = if others.is_empty() {
        format!("{names} on {place} looks like a secret or a personal number and was withheld")
    } else {
        format!("{names} on {place} look like secrets or personal numbers and were withheld")
    };
    let mut finding = Finding::about(
        row.record(),
        headline,
        Evidence::Cell(cell),
        Proposal::ReviewUpstream {
            question: format!(
                "Remove what stands in {names} from the CRM and find out who enters it"
            ),
        },
    );
    for field in others {
        finding = finding.because(Evidence::Cell(row.cell(field)));
    }
    for field in fields {
        finding = finding
            .because(Evidence::Figure {
                of: format!("why `{field}` is allowed"),
                is: format!("{} Read as a {}.", field.why(), field.kind().word()),
            })
            .unless(doubt(field));
    }
    Some(finding)
}

/// What else a value of that kind may be.
fn doubt(field: &Field) -> String {
    let other = match field.kind() {
        Kind::Id => "a long id can look like a key",
        Kind::Phone | Kind::Number => "a long number can pass a card number's checksum by chance",
        Kind::Email | Kind::Web => "an address can carry a long token that opens nothing",
        Kind::Picklist | Kind::Date | Kind::Flag | Kind::Name | Kind::Text | Kind::Address => {
            "a reference number or a product code can look like a key"
        }
    };
    match field.exposure() {
        Exposure::Shown => format!("{other}; only somebody who sees the record knows"),
        Exposure::Masked | Exposure::Never => {
            format!("{other}, and {field} is not shown in packets anyway")
        }
    }
}
