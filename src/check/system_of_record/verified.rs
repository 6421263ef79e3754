//! SOR-04: an enrichment replaced a value that somebody had verified.
//!
//! What stood there when the stamp was set is what was verified. Whatever a person changed since is their word,
//! and a value that was verified long before may be out of date.
//! Does not: say that the enrichment is wrong.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{Boundary, Field, Grant, Kind, Object, Row, is_bare_day, letters, named_day};
use crate::check::settings::{days, full_field};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::super::history::{Change, History};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::writer::{By, by_one_of};
use super::{FILE, Place, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-04",
    name: "overwritten-verified",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The field history shows that within the last `within_days` one of the `enrichers` replaced a value \
              that the stamp says was verified no more than `valid_days` before, and nobody else changed it \
              since. Of each field the first 50 records by id are findings. What SOR-01, SOR-03 or SRC-03 says of \
              the field is not said again.",
    consequence: "What somebody asked the customer for is lost to what a data vendor believes, and the next \
                  call goes to the wrong number or the wrong person.",
    load,
};

/// Of one field so many records are told; the others are counted.
const MOST: usize = 50;

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    verified: Vec<Verified>,
    enrichers: Said<Vec<String>>,
    valid_days: Said<u32>,
    within_days: Said<u32>,
}

/// A field that somebody verifies, and the field that says when.
#[derive(Debug, Clone)]
struct Verified {
    field: Field,
    stamp: Field,
    line: usize,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let mut verified: Vec<Verified> = Vec::new();
        for part in root.sections("verified") {
            let Some(one) = Verified::parse(&part, boundary) else { continue };
            if let Some(other) = verified.iter().find(|other| other.field == one.field) {
                let why = format!("`{}` has its stamp on line {}", one.field, other.line);
                part.problem_with_hint(one.line, why, "one [[verified]] for each field");
            }
            verified.push(one);
        }
        Self {
            off: settings::is_off(section),
            verified,
            enrichers: settings::texts(section, "enrichers", &[]),
            valid_days: settings::count(section, "valid_days", 180),
            within_days: settings::count(section, "within_days", 90),
        }
    }

    /// True where one stamp is set for several fields.
    fn shares(&self, stamp: &Field) -> bool {
        self.verified.iter().filter(|verified| verified.stamp == *stamp).count() > 1
    }
}

impl Verified {
    fn parse(part: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let (field, stamp) = (part.required_text("field"), part.required_text("stamp"));
        let field = field.and_then(|said| full_field(part, &said, boundary));
        let (field, stamp) = (field?, stamp?);
        let found = match boundary.field(field.object(), &stamp) {
            Ok(found) => found,
            Err(missing) => {
                part.problem(stamp.line, missing.to_string());
                return None;
            }
        };
        if found.kind() != Kind::Date {
            part.problem_with_hint(
                stamp.line,
                format!("`{found}` is no date"),
                "a stamp says when: a column of dates, and `kind = \"date\"` in rules/boundary.toml",
            );
            return None;
        }
        Some(Self { field, stamp: found, line: part.line() })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.system_of_record.verified.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.verified.is_empty() {
        let write =
            "add a [[verified]] entry for each field with a stamp that says when it was verified";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    if rules.enrichers.is_empty() {
        let write =
            "name who writes what enrichment sources say in `enrichers` of [overwritten-verified]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let history = History::ask_with_values(grant)?;
    grant.field(Object::FieldHistory, "by")?;
    for verified in &rules.verified {
        grant.reads(&verified.field);
        grant.reads(&verified.stamp);
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::looking_back(world, rules.within_days.value);
        let look = Look { world, rules: &rules, history: &history };
        for (at, mut cases) in look.cases(&mut judgement).into_iter().enumerate() {
            let Some(verified) = rules.verified.get(at) else { continue };
            cases.sort_by(|one, other| one.row.id().cmp(other.row.id()));
            let records = cases.len();
            let told = cases.iter().take(MOST).map(|case| look.finding(verified, case, records));
            judgement.findings.extend(told);
            if records > MOST {
                let beyond = cases.iter().skip(MOST).map(|case| case.row);
                let why = format!(
                    "`{}` of {} more was overwritten so; {MOST} are told",
                    verified.field.name(),
                    records - MOST
                );
                judgement.skip_records(verified.field.object(), beyond, &why);
            }
        }
        judgement
    }))
}

/// The fields of records of which this check, SOR-01 or SOR-03 speaks.
pub(super) fn spoken_of(world: &World<'_>) -> BTreeSet<Place> {
    let rules = &world.policies.system_of_record.verified;
    let mut spoken = world.conflicting() | world.flapping();
    let history = History::ask_with_values(&mut world.policies.boundary.grant());
    let is_on = !rules.off && !rules.enrichers.is_empty() && !rules.verified.is_empty();
    let Some(history) = history.ok().filter(|_| is_on) else { return spoken };
    let look = Look { world, rules, history: &history };
    let cases = look.cases(&mut Judgement::default());
    for (cases, verified) in cases.iter().zip(&rules.verified) {
        let place = |row: Row<'_>| (row.object(), row.position(), verified.field.clone());
        spoken.extend(cases.iter().map(|case| place(case.row)));
    }
    spoken
}

/// A record whose verified value was overwritten.
struct Case<'a> {
    row: Row<'a>,
    /// The change that replaced what was verified.
    first: Change<'a>,
    /// The last one that an enricher made.
    last: Change<'a>,
    /// What keeps from being sure.
    missing: Vec<String>,
}

/// What the changes of a field since it was verified tell.
enum Told<'a> {
    Overwritten(Case<'a>),
    /// Nobody known to be an enricher changed it, and somebody of whom that is not known did.
    Unclear,
    Nothing,
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    history: &'l History,
}

impl<'a> Look<'_, 'a> {
    /// The records whose values were overwritten, for each of the verified fields.
    fn cases(self, judgement: &mut Judgement) -> Vec<Vec<Case<'a>>> {
        let Self { world, rules, history } = self;
        if world.batch(Object::FieldHistory).is_none() {
            judgement.skip(Object::FieldHistory, "there is no input");
            return Vec::new();
        }
        let fields: Vec<&Field> = rules.verified.iter().map(|verified| &verified.field).collect();
        history.note_silent(world, &fields, judgement);
        let mut series: HashMap<(usize, usize), Vec<Change<'a>>> = HashMap::new();
        history.each(world, &fields, judgement, |at, change| {
            if change.record.is_under_review() && !history.stays(&change) {
                series.entry((at, change.record.position())).or_default().push(change);
            }
        });
        let begins = history.begins(world);
        let mut cases = Vec::new();
        for (at, verified) in rules.verified.iter().enumerate() {
            let Verified { field, stamp, .. } = verified;
            let mut of_field = Vec::new();
            let (mut unclear, mut unordered) = (Vec::new(), Vec::new());
            match world.batch(field.object()) {
                None => judgement.skip(field.object(), "there is no input"),
                Some(batch) if !batch.has(field) => {
                    judgement.skip_field(field, &format!("the input has no `{}`", field.name()));
                }
                Some(batch) if !batch.has(stamp) => {
                    judgement.skip_field(field, &format!("the input has no `{}`", stamp.name()));
                }
                Some(batch) => {
                    for row in batch.reviewed() {
                        judgement.examined += 1;
                        let Some(mut changes) = series.remove(&(at, row.position())) else {
                            continue;
                        };
                        let place = (row.object(), row.position(), field.clone());
                        let is_source =
                            field.name() == "lead_source" && world.overwritten().speaks_of(row);
                        let is_spoken_of = world.conflicting().contains(&place)
                            || world.flapping().contains(&place);
                        if is_source || is_spoken_of {
                            continue;
                        }
                        changes.sort_by_key(History::order);
                        match self.told(verified, row, &changes, begins) {
                            Told::Overwritten(case) => of_field.push(case),
                            Told::Unclear => unclear.push(row),
                            Told::Nothing => {
                                let of_these_days = changes.iter().filter(|it| self.is_young(it));
                                unordered.extend(History::unordered(of_these_days).map(|_| row));
                            }
                        }
                    }
                }
            }
            History::note_unordered(unordered, judgement);
            if !unclear.is_empty() {
                let why = format!(
                    "nothing says who changed `{}` of {} after it was verified",
                    field.name(),
                    unclear.len()
                );
                judgement.skip_records(field.object(), unclear, &why);
            }
            cases.push(of_field);
        }
        cases
    }

    /// True for a change that is told: what was overwritten before is not any more.
    fn is_young(self, change: &Change<'_>) -> bool {
        self.world.as_of.is_within(self.rules.within_days.value, change.at)
    }

    fn told(
        self,
        verified: &Verified,
        row: Row<'a>,
        changes: &[Change<'a>],
        begins: Option<DateTime<Utc>>,
    ) -> Told<'a> {
        let Self { world, rules, history } = self;
        let Some(at) = row.time(&verified.stamp).filter(|at| !world.as_of.is_ahead(*at)) else {
            return Told::Nothing;
        };
        let zone = world.as_of.zone;
        let by = |change: &Change<'a>| by_one_of(world, history, change, &rules.enrichers);
        // Of the changes of a day on which a value was verified, whatever no enricher did may be what was.
        let day = is_bare_day(at, zone).then(|| named_day(at, zone));
        let is_of_day = |change: &Change<'a>| Some(named_day(change.at, zone)) == day;
        let is_before = |change: &Change<'a>| match day {
            Some(day) => named_day(change.at, zone) < day,
            None => change.at <= at,
        };
        let later = changes.get(changes.partition_point(is_before)..).unwrap_or_default();
        let asked = later.iter().rposition(|it| is_of_day(it) && by(it) != By::Listed);
        let later = later.get(asked.map_or(0, |asked| asked + 1)..).unwrap_or_default();
        let (Some(first), Some(last)) = (later.first(), later.last()) else {
            return Told::Nothing;
        };
        let is_valid = world.as_of.days_between(at, first.at) <= i64::from(rules.valid_days.value);
        let is_other = |change: &Change<'a>| by(change) == By::Other;
        if !self.is_young(last)
            || !is_valid
            || row.is_withheld(&verified.field)
            || later.iter().any(is_other)
        {
            return Told::Nothing;
        }
        let Some(was) = history.before(first) else { return Told::Nothing };
        let present = row.written(&verified.field).unwrap_or_default();
        if letters(&present).eq(letters(was)) {
            return Told::Nothing;
        }
        let mut enrichers = later.iter().filter(|change| by(change) == By::Listed);
        let Some(by_enricher) = enrichers.next_back() else { return Told::Unclear };
        let mut missing: Vec<String> =
            History::unordered(changes).map(str::to_owned).into_iter().collect();
        if later.iter().any(|change| by(change) != By::Listed) {
            missing.push("of one of the changes nothing says who made it".to_owned());
        }
        if !letters(&present).eq(letters(history.after(last).unwrap_or_default())) {
            missing.push(format!(
                "the field history does not say how {} came to the value it has now",
                verified.field
            ));
        }
        if is_of_day(first) {
            missing.push(format!(
                "{} is a day, and the change was made on it: which came first is not known",
                verified.stamp
            ));
        }
        if begins.is_some_and(|begins| begins > at) {
            missing.push(format!(
                "the field history begins after {}: what was verified may have changed before",
                verified.stamp
            ));
        }
        Told::Overwritten(Case { row, first: *first, last: *by_enricher, missing })
    }

    fn finding(self, verified: &Verified, case: &Case<'a>, records: usize) -> Finding {
        let Self { world, rules, history } = self;
        let Case { row, first, last, missing } = case;
        let Verified { field, stamp, line } = verified;
        let plural = row.object().plural();
        let present = row.cell(field);
        let [was, _] = history.values(first);
        let is = if row.is_blank(field) {
            "it is blank".to_owned()
        } else {
            format!("it is {}", present.shown())
        };
        let writer = history.writer(world, last).unwrap_or_else(|| "an enrichment".to_owned());
        let headline = format!(
            "{} was {was} when it was verified on {}; {writer} replaced it, and now {is}",
            title(field),
            row.cell(stamp).shown()
        );
        let proposal = Proposal::SetField { before: present.clone(), to: was };
        let mut finding = Finding::about(row.record(), headline, Evidence::Cell(present), proposal)
            .because(Evidence::Cell(row.cell(stamp)))
            .because(history.evidence(first));
        if !first.is(last) {
            finding = finding.because(history.evidence(last));
        }
        let within = days(rules.within_days.value);
        let valid = days(rules.valid_days.value);
        finding = finding
            .because(policy(*line, format!("{stamp} says when {field} was verified")))
            .because(policy(
                rules.enrichers.line,
                format!("enrichments are written by {}", rules.enrichers.join(", ")),
            ))
            .because(policy(
                rules.valid_days.line,
                format!("what was verified holds for {valid} against them"),
            ))
            .because(policy(rules.within_days.line, format!("changes within {within} count")))
            .because(Evidence::Figure {
                of: format!("{plural} under review whose verified value was overwritten so"),
                is: records.to_string(),
            });
        finding = missing.iter().cloned().fold(finding, Finding::lacking);
        if rules.shares(stamp) {
            finding = finding.unless(format!(
                "{stamp} is set for several fields: whoever set it may not have asked for this one"
            ));
        }
        finding.unless(format!(
            "the enrichment may know what changed since: it wrote {} the verification",
            row.time(stamp).map_or_else(
                || "after".to_owned(),
                |at| match world.as_of.days_between(at, first.at) {
                    0 => "on the day of".to_owned(),
                    later => format!("{} after", days(later)),
                }
            )
        ))
    }
}
