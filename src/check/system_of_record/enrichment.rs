//! SOR-08: a record was filled from an enrichment source that nobody approved.
//!
//! Does not: know what the source filled; the stamp names the source alone.

use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Row, Shown};
use crate::check::settings::full_field;
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::condition::fold;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::{FILE, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-08",
    name: "unapproved-enrichment",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field that says which enrichment source filled a record names one that is not on \
              the approved list. Of each such source the first 50 records by id are findings, and the \
              figure says how many there are.",
    consequence: "Values that nobody vouches for decide who is called and how, and nobody checked \
                  the terms under which they were collected.",
    load,
};

/// Of one source so many records are told; the others are counted.
const MOST: usize = 50;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    stamps: Vec<Stamp>,
}

/// One field that names sources, and those that are approved.
#[derive(Debug, Clone)]
struct Stamp {
    field: Field,
    approved: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let off = settings::is_off(section.as_ref());
        let sections = root.sections("enrichment");
        let stamps = sections.iter().filter_map(|section| Stamp::parse(section, boundary));
        Self { off, stamps: stamps.collect() }
    }
}

impl Stamp {
    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let field = section.required_text("field");
        let approved = settings::texts(Some(section), "approved", &[]);
        if !section.has("approved") {
            section.problem_with_hint(
                section.line(),
                "`approved` is missing in [[enrichment]]",
                "list the sources that are approved; `approved = []` approves none",
            );
        }
        let field = full_field(section, &field?, boundary)?;
        Some(Self { field, approved })
    }

    /// The sources that the record's stamp names and nobody approved.
    fn unapproved<'a>(&self, row: Row<'a>) -> Vec<&'a str> {
        let sources = row.text(&self.field).into_iter().flat_map(|text| text.split(';'));
        let mut unapproved: Vec<&str> = Vec::new();
        for source in sources.map(str::trim).filter(|source| !source.is_empty()) {
            let is = |known: &str| fold(known) == fold(source);
            let is_approved = self.approved.iter().any(|known| is(known));
            if !is_approved && !unapproved.iter().any(|known| is(known)) {
                unapproved.push(source);
            }
        }
        unapproved
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.system_of_record.enrichment;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.stamps.is_empty() {
        let write = "add an [[enrichment]] entry for each field that names an enrichment source";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for stamp in &rules.stamps {
        grant.reads(&stamp.field);
    }
    let stamps = rules.stamps.clone();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for stamp in &stamps {
            judge(world, stamp, &mut judgement);
        }
        judgement
    }))
}

fn judge(world: &World<'_>, stamp: &Stamp, judgement: &mut Judgement) {
    let object = stamp.field.object();
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    if !batch.has(&stamp.field) {
        let why = format!("the input has no `{}`", stamp.field.name());
        judgement.skip_field(&stamp.field, &why);
        return;
    }
    let mut by_source: HashMap<String, usize> = HashMap::new();
    let mut named = Vec::new();
    for row in batch.reviewed() {
        judgement.examined += 1;
        let sources = stamp.unapproved(row);
        if !sources.is_empty() {
            named.push((row, sources));
        }
    }
    named.sort_by_key(|(row, _)| row.id());
    let mut found = Vec::new();
    for (row, sources) in named {
        let mut is_told = false;
        for source in &sources {
            let records = by_source.entry(fold(source)).or_default();
            *records += 1;
            is_told |= *records <= MOST;
        }
        found.push((row, sources, is_told));
    }
    let mut beyond = Vec::new();
    for (row, sources, is_told) in found {
        if is_told {
            judgement.findings.push(finding(stamp, row, &sources, &by_source));
        } else {
            beyond.push(row);
        }
    }
    if !beyond.is_empty() {
        let why = format!("{} more were filled so; {MOST} a source are told", beyond.len());
        judgement.skip_records(object, beyond, &why);
    }
}

fn finding(
    stamp: &Stamp,
    row: Row<'_>,
    sources: &[&str],
    by_source: &HashMap<String, usize>,
) -> Finding {
    let object = row.object();
    let cell = row.cell(&stamp.field);
    // A value that may not be shown is not shown in part either.
    let shown = match cell.shown() {
        Shown::Value(_) => sources.join("; "),
        hidden @ (Shown::Blank | Shown::Masked(_) | Shown::Never | Shown::Withheld) => {
            hidden.to_string()
        }
    };
    let title = title(&stamp.field);
    let (headline, what) = match sources {
        [] | [_] => {
            (format!("{title} names a source that is not approved: {shown}"), "this source")
        }
        _ => (
            format!("{title} names {} sources that are not approved: {shown}", sources.len()),
            "these sources",
        ),
    };
    let question = format!(
        "What fills {} from {what}? Approve it in the rules, or switch it off and check what it wrote",
        object.plural()
    );
    let approved = match stamp.approved.as_slice() {
        [] => format!("no source is approved for {}", stamp.field),
        names => format!("approved for {}: {}", stamp.field, names.join(", ")),
    };
    let proposal = Proposal::ReviewUpstream { question };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .of_field(&stamp.field)
        .because(policy(stamp.approved.line, approved));
    for (nth, source) in sources.iter().enumerate() {
        let which = match sources {
            [_] => "this source".to_owned(),
            _ => format!("source {} of these", nth + 1),
        };
        finding = finding.because(Evidence::Figure {
            of: format!("{} under review that {which} filled", object.plural()),
            is: by_source.get(&fold(source)).copied().unwrap_or_default().to_string(),
        });
    }
    finding.unless(
        "the source may have been approved, or have another name now, and the list be behind",
    )
}
