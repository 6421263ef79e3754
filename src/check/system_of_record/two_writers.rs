//! SOR-06: people and integrations change one field, and no rule says which of them is right.
//!
//! One finding about each field: what is lacking is a rule. Whether a value is wrong is judged elsewhere, once
//! there is one.
//! Does not: read the field itself, or judge owners, which the routing rules give.

use std::collections::BTreeMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::check::settings::{days, full_field};
use crate::finding::{Evidence, Finding, Proposal, Severity, record};
use crate::policy::{Said, Section};

use super::super::history::{Actor, Change, History};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::{FILE, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-06",
    name: "two-writers",
    family: Family::SystemOfRecord,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "The field history shows that within the last `within_days` people changed a field of at least \
              `records` records, and so did service users, while the rules name neither a system of record \
              (`[[system.compare]]`) nor writers (`[[governed]]`) for it. One finding about each field; owners and \
              the fields in `shared` are left alone.",
    consequence: "Whoever writes last is right, and what people correct a sync takes away, or the other way \
                  round.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// Of so many records each kind has changed the field; without it nothing is looked at.
    records: Option<Said<u32>>,
    within_days: Said<u32>,
    /// Fields that both may write.
    shared: Vec<Field>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        let records = section.and_then(|section| section.count("records"));
        if let (Some(section), Some(records)) = (section, &records)
            && records.value == 0
        {
            section.problem_with_hint(
                records.line,
                "`records` is at least 1",
                "of so many records each kind has to have changed a field, such as 10",
            );
        }
        let shared = section.map_or_else(Vec::new, |section| {
            let said = section.texts("shared");
            said.iter().filter_map(|said| full_field(section, said, boundary)).collect()
        });
        Self {
            off: settings::is_off(section),
            records,
            within_days: settings::count(section, "within_days", 90),
            shared,
        }
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.system_of_record.two_writers.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    let Some(records) = rules.records.clone() else {
        let write =
            "say in `records` of [two-writers] of how many records each kind has to change a field";
        return Err(Off::NoPolicy { file: FILE, write });
    };
    if policies.owners.service_users().is_empty() {
        let write = "name the integrations in `users` of [service-owner]";
        return Err(Off::NoPolicy { file: Family::Owners.file(), write });
    }
    let history = History::ask_with_values(grant)?;
    grant.field(Object::FieldHistory, "by")?;
    for object in Object::REVIEWED {
        grant.optional(object, "created");
    }
    let fields = undeclared(policies, &rules);
    Ok(Box::new(move |world| {
        let look = Look { world, rules: &rules, records: &records, history: &history };
        look.judge(&fields)
    }))
}

/// The fields of records under review for which the rules name nobody who is right.
fn undeclared(policies: &Policies, rules: &Rules) -> Vec<Field> {
    let fields = Object::REVIEWED.into_iter().flat_map(|object| policies.boundary.fields(object));
    fields
        .filter(|field| {
            field.name() != "owner"
                && !rules.shared.contains(field)
                && !policies.system_of_record.answers_for(field)
        })
        .cloned()
        .collect()
}

/// Who changes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    People,
    Services,
}

/// The changes of one field.
#[derive(Default)]
struct Course<'a> {
    /// The last change that each kind made of a record, by the record's id.
    last: BTreeMap<&'a str, BTreeMap<Kind, Change<'a>>>,
    /// How many changes each writer made, as far as they may be named.
    writers: BTreeMap<String, usize>,
    /// How many changes come from somebody who is known to be neither.
    unknown: usize,
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    records: &'l Said<u32>,
    history: &'l History,
}

/// No more writers than a person reads.
const QUOTED: usize = 5;

impl<'a> Look<'_, 'a> {
    fn judge(self, fields: &[Field]) -> Judgement {
        let Self { world, rules, records, history } = self;
        let mut judgement = Judgement::looking_back(world, rules.within_days.value);
        if world.batch(Object::FieldHistory).is_none() {
            judgement.skip(Object::FieldHistory, "there is no input");
            return judgement;
        }
        let created = |object| world.policies.boundary.allowed(object, "created");
        let created: BTreeMap<Object, Option<Field>> =
            Object::REVIEWED.into_iter().map(|object| (object, created(object))).collect();
        let wanted: Vec<&Field> = fields.iter().collect();
        let mut courses: BTreeMap<usize, Course<'a>> = BTreeMap::new();
        let mut looked = 0_usize;
        history.each(world, &wanted, &mut judgement, |at, change| {
            let made = created.get(&change.record.object()).and_then(Option::as_ref);
            let is_young = world.as_of.is_within(rules.within_days.value, change.at);
            if !is_young || history.stays(&change) || history.is_first(&change, made) {
                return;
            }
            looked += 1;
            courses.entry(at).or_default().add(self, change);
        });
        judgement.examined = looked;
        for (at, course) in &courses {
            let enough = |kind| course.of(kind) >= records.value as usize;
            if enough(Kind::People) && enough(Kind::Services) {
                let Some(field) = fields.get(*at) else { continue };
                if let Some(finding) = self.finding(field, course) {
                    judgement.findings.push(finding);
                } else {
                    let why = format!(
                        "no record of which `{}` was changed is under review",
                        field.name()
                    );
                    judgement.skip_field(field, &why);
                }
            }
        }
        judgement
    }

    /// The first record under review that both changed is shown for the field, or else the first that one of
    /// them did; there is none where no such record is under review.
    fn finding(self, field: &Field, course: &Course<'a>) -> Option<Finding> {
        let Self { world, rules, records, history } = self;
        let (people, services) = (course.of(Kind::People), course.of(Kind::Services));
        let changes = course.example()?;
        let row: Row<'a> = changes.values().next()?.record;
        let plural = row.object().plural();
        let headline = format!(
            "{} is changed by people ({people} {plural} in {}, {} among them) and by service users \
             ({services}), and no rule says which of them is right",
            title(field),
            days(rules.within_days.value),
            world.called(row)
        );
        let question = format!(
            "Which system, or who, is right about {field}? Name it in [[system.compare]] or [[governed]], or \
             the field in `shared` of [two-writers] where both are"
        );
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        // Of a kind that did not change this record, another one tells.
        let others = [Kind::People, Kind::Services].into_iter();
        let others = others.filter(|kind| !changes.contains_key(kind));
        let others = others.filter_map(|kind| course.last.values().find_map(|it| it.get(&kind)));
        let mut told = changes.values().chain(others).map(|change| history.evidence(change));
        let proposal = Proposal::ReviewRule { question };
        let mut finding =
            Finding::about(row.record(), headline, told.next()?, proposal).of_field(field);
        finding = finding.of_group([record(field.object(), field.name())]);
        finding = told.fold(finding, Finding::because);
        finding = finding
            .because(figure(format!("{plural} of which people changed it"), people.to_string()))
            .because(figure(
                format!("{plural} of which service users changed it"),
                services.to_string(),
            ))
            .because(figure(format!("{plural} of which both did"), course.of_both().to_string()))
            .because(figure(
                "changes by writer".to_owned(),
                settings::ranked(&course.writers, QUOTED),
            ))
            .because(policy(
                records.line,
                format!("told where each kind changed {} records or more", records.value),
            ))
            .because(policy(
                rules.within_days.line,
                format!("changes within {} count", days(rules.within_days.value)),
            ));
        if course.unknown > 0 {
            finding = finding.because(figure(
                "changes by somebody in no input, or by nobody the history names, which do not count"
                    .to_owned(),
                course.unknown.to_string(),
            ));
        }
        if course.of_both() == 0 {
            finding = finding
                .unless("no record was changed by both: each may look after records of its own");
        }
        Some(finding.unless(
            "both may write it on purpose, as where an integration fills what people leave blank",
        ))
    }
}

impl<'a> Course<'a> {
    fn add(&mut self, look: Look<'_, 'a>, change: Change<'a>) {
        let kind = match look.history.actor(look.world, &change) {
            Actor::Person(_) => Kind::People,
            Actor::Service => Kind::Services,
            Actor::Stranger | Actor::Unsaid => {
                self.unknown += 1;
                return;
            }
        };
        if let Some(writer) = look.history.writer(look.world, &change) {
            *self.writers.entry(writer).or_default() += 1;
        }
        let of_record = self.last.entry(change.record.id()).or_default();
        let held = of_record.entry(kind).or_insert(change);
        if History::order(&change) > History::order(held) {
            *held = change;
        }
    }

    /// How many records a kind changed.
    fn of(&self, kind: Kind) -> usize {
        self.last.values().filter(|of_record| of_record.contains_key(&kind)).count()
    }

    fn of_both(&self) -> usize {
        self.last.values().filter(|of_record| of_record.len() > 1).count()
    }

    fn example(&self) -> Option<&BTreeMap<Kind, Change<'a>>> {
        let is_reviewed = |of_record: &&BTreeMap<Kind, Change<'a>>| {
            of_record.values().any(|change| change.record.is_under_review())
        };
        let mut reviewed = self.last.values().filter(is_reviewed);
        let first = reviewed.clone().next();
        reviewed.find(|of_record| of_record.len() > 1).or(first)
    }
}
