//! SOR-03: a governed field goes back and forth between two values.
//!
//! Does not: say which value is right; two writers that undo each other are the fault.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::check::settings::{self, days, full_field};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::history::{Change, History};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, Place, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-03",
    name: "flapping",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A governed field changed at least three times in a row between the same two values \
              within the days that the rules look back.",
    consequence: "Two systems undo each other, and every report shows whichever wrote last.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    fields: Vec<Said<Field>>,
    within_days: Said<u32>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let mut rules =
            Self { off: false, fields: Vec::new(), within_days: Said { value: 90, line: 0 } };
        let Some(section) = root.section(CHECK.name) else { return rules };
        rules.off = settings::is_off(Some(&section));
        if let Some(days) = section.count("within_days") {
            rules.within_days = days;
        }
        for said in section.texts("fields") {
            if let Some(field) = full_field(&section, &said, boundary) {
                check_exposure(&section, said.line, &field, boundary);
                rules.fields.push(Said { value: field, line: said.line });
            }
        }
        rules
    }
}

/// The history shows what the field itself may not.
fn check_exposure(section: &Section<'_>, line: usize, field: &Field, boundary: &Boundary) {
    for name in ["old", "new"] {
        if let Ok(history) = boundary.field(Object::FieldHistory, name)
            && history.exposure() < field.exposure()
        {
            section.problem_with_hint(
                line,
                format!("`{history}` shows more than `{field}` may"),
                format!("give it `show = \"{}\"` as well", field.exposure().word()),
            );
        }
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.system_of_record.flapping.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.fields.is_empty() {
        let write = "name the governed fields in [flapping]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let history = History::ask_with_values(grant)?;
    for field in &rules.fields {
        grant.reads(field);
    }
    Ok(Box::new(move |world| judge(world, &rules, &history)))
}

/// One record's changes of one governed field, in the order of time.
type Series<'a> = Vec<Change<'a>>;

fn judge(world: &World<'_>, rules: &Rules, history: &History) -> Judgement {
    let mut judgement = Judgement::looking_back(world, rules.within_days.value);
    for (at, governed) in rules.fields.iter().enumerate() {
        let object = governed.object();
        let first = rules.fields.iter().position(|field| field.object() == object);
        let Some(batch) = world.batch(object) else {
            judgement.skip(object, "there is no input");
            continue;
        };
        if first == Some(at) {
            judgement.examined += batch.reviewed_len();
        }
    }
    if world.batch(Object::FieldHistory).is_none() {
        judgement.examined = 0;
        judgement.skip(Object::FieldHistory, "there is no input");
        return judgement;
    }
    let fields: Vec<&Field> = rules.fields.iter().map(|said| &said.value).collect();
    history.note_silent(world, &fields, &mut judgement);
    let runs = runs(world, rules, history, &mut judgement);
    let mut alike: HashMap<(usize, (String, String)), usize> = HashMap::new();
    for ((governed, _), run) in &runs {
        *alike.entry((*governed, run.pair.clone())).or_default() += 1;
    }
    for ((governed, position), run) in runs {
        let field = rules.fields.get(governed);
        let row = field
            .and_then(|field| world.batch(field.object()))
            .and_then(|batch| batch.at(position));
        if let Some((field, row)) = field.zip(row) {
            let others = alike.get(&(governed, run.pair.clone())).map_or(0, |count| count - 1);
            judgement.findings.push(finding(world, rules, history, field, row, &run, others));
        }
    }
    judgement
}

/// The governed fields that go back and forth, by their place and that of the record.
fn runs<'a>(
    world: &World<'a>,
    rules: &Rules,
    history: &History,
    judgement: &mut Judgement,
) -> Vec<((usize, usize), Run<'a>)> {
    let mut series: HashMap<(usize, usize), Series<'a>> = HashMap::new();
    let fields: Vec<&Field> = rules.fields.iter().map(|said| &said.value).collect();
    history.each(world, &fields, judgement, |governed, change| {
        let is_young = world.as_of.is_within(rules.within_days.value, change.at);
        if is_young && change.record.is_under_review() {
            series.entry((governed, change.record.position())).or_default().push(change);
        }
    });
    let (mut runs, mut untold) = (Vec::new(), Vec::new());
    for (key, mut series) in series {
        series.sort_by_key(History::order);
        match alternating(&series, history) {
            Some(run) => runs.push((key, run)),
            None if History::unordered(&series).is_some() => {
                untold.extend(series.first().map(|change| change.record));
            }
            None => {}
        }
    }
    History::note_unordered(untold, judgement);
    runs.sort_by_key(|(key, _)| *key);
    runs
}

/// The fields of records under review about which this check has a finding.
pub(in crate::check) fn spoken_of(world: &World<'_>) -> BTreeSet<Place> {
    let rules = &world.policies.system_of_record.flapping;
    let history = History::ask_with_values(&mut world.policies.boundary.grant());
    let Some(history) = history.ok().filter(|_| !rules.off) else { return BTreeSet::new() };
    let runs = runs(world, rules, &history, &mut Judgement::default());
    let of = |((governed, position), _): ((usize, usize), Run<'_>)| {
        let field = rules.fields.get(governed)?;
        Some((field.object(), position, field.value.clone()))
    };
    runs.into_iter().filter_map(of).collect()
}

/// The longest stretch of changes between the same two values.
struct Run<'a> {
    changes: Series<'a>,
    pair: (String, String),
}

/// At least three changes in a row between the same two values: A to B, B to A, A to B.
fn alternating<'a>(series: &Series<'a>, history: &History) -> Option<Run<'a>> {
    let trimmed = |value: Option<&'a str>| value.map(str::trim).unwrap_or_default();
    let values =
        |change: &Change<'a>| (trimmed(history.before(change)), trimmed(history.after(change)));
    let changing: Series<'a> =
        series.iter().filter(|change| values(change).0 != values(change).1).copied().collect();
    let goes_on = |one: &Change<'a>, next: &Change<'a>| {
        let (old, new) = values(one);
        values(next) == (new, old)
    };
    // Of runs of one length the last.
    let longest = changing.chunk_by(goes_on).max_by_key(|run| run.len())?;
    let (old, new) = values(longest.first().filter(|_| longest.len() >= 3)?);
    let (low, high) = if old <= new { (old, new) } else { (new, old) };
    Some(Run { changes: longest.to_vec(), pair: (low.to_owned(), high.to_owned()) })
}

/// No more changes than a person reads.
const QUOTED: usize = 6;

fn finding(
    world: &World<'_>,
    rules: &Rules,
    history: &History,
    field: &Said<Field>,
    row: Row<'_>,
    run: &Run<'_>,
    others: usize,
) -> Finding {
    let count = run.changes.len();
    let (first, last) = (run.changes.first(), run.changes.last());
    let span = first.zip(last).map_or(0, |(it, last)| world.as_of.days_between(it.at, last.at));
    let span = if span == 0 { "on one day".to_owned() } else { format!("within {}", days(span)) };
    let values = first.map_or_else(String::new, |change| {
        let [old, new] = history.values(change);
        format!(" between {old} and {new}")
    });
    let headline = format!("{} changed {count} times{values} {span}", title(field));
    let question = format!("Which two systems or people write {}, and which one should?", **field);
    let mut finding = Finding::about(
        row.record(),
        headline,
        Evidence::Cell(row.cell(field)),
        Proposal::ReviewUpstream { question },
    )
    .of_field(field);
    for change in run.changes.iter().skip(count.saturating_sub(QUOTED)) {
        finding = finding.because(history.evidence(change));
    }
    finding =
        finding.because(policy(field.line, format!("{} is governed", **field))).because(policy(
            rules.within_days.line,
            format!("three changes or more within {} days", rules.within_days.value),
        ));
    finding = History::unordered(&run.changes).into_iter().fold(finding, Finding::lacking);
    if others > 0 {
        finding = finding.unless(format!(
            "{others} other {} go between the same two values: a value of the list may have been renamed",
            row.object().plural()
        ));
    }
    finding.unless(writers(history, run))
}

/// Who made the changes, as far as anybody says.
fn writers(history: &History, run: &Run<'_>) -> String {
    let mut names: Vec<_> = run.changes.iter().filter_map(|change| history.by(change)).collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => {
            "Nothing says who made the changes: one person may have corrected themselves".to_owned()
        }
        1 => "One writer made every change: somebody may have been trying values".to_owned(),
        n => format!(
            "{n} writers made the changes: the later one may have corrected the earlier one on purpose"
        ),
    }
}
