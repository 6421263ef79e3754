//! RTE-11: somebody works a record that is marked not to be routed.
//!
//! Does not: judge why it is marked, or speak of what queues, service users and owners who left hold.

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::ladder::Flags;
use crate::check::people::{self, Found, Person, Standing};
use crate::check::settings::{self, days};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

/// RTE-11.
pub(in crate::check) const DO_NOT_ROUTE: CheckDef = CheckDef {
    code: "RTE-11",
    name: "do-not-route",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open lead or contact whose `do_not_route` is set (a competitor, a partner, a \
        supplier) is owned by an active user, and the rules do not let that user keep such records.",
    consequence: "Sales calls somebody whom the company decided not to call.",
    load,
};

/// Those who are routed one by one; accounts and deals have an owner for other reasons.
const OBJECTS: [Object; 2] = [Object::Lead, Object::Contact];

/// `[do-not-route]`.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// Who may own such records, by id or by name.
    keep: Said<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let section = root.section(DO_NOT_ROUTE.name);
        let section = section.as_ref();
        Self { off: settings::is_off(section), keep: settings::texts(section, "keep", &[]) }
    }

    fn lets_keep(&self, person: &Person<'_>) -> bool {
        self.keep.iter().any(|name| person.is_called(name))
    }

    /// True where the check would find a record in the hands of somebody who may not have it.
    pub(super) fn forbids(&self, world: &World<'_>, row: Row<'_>, person: &Person<'_>) -> bool {
        !self.off
            && OBJECTS.contains(&row.object())
            && is_marked(world, row)
            && works(person)
            && !self.lets_keep(person)
    }
}

/// True for a record that is marked not to be routed.
pub(in crate::check) fn is_marked(world: &World<'_>, row: Row<'_>) -> bool {
    let mark = world.policies.boundary.allowed(row.object(), "do_not_route");
    mark.and_then(|mark| row.flag(&mark)) == Some(true)
}

/// True for users who are not known to have left: a queue may hold what nobody is to call.
fn works(person: &Person<'_>) -> bool {
    match person.standing {
        Standing::Active | Standing::Unsaid => true,
        Standing::Inactive | Standing::Queue => false,
    }
}

/// A table with marked records.
struct Marked {
    object: Object,
    mark: Field,
    owner: Field,
    status: Option<Field>,
    last_activity: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.routing.do_not_route.clone();
    if rules.off {
        return Err(DO_NOT_ROUTE.off_in_rules());
    }
    let (mut tables, mut first) = (Vec::new(), None);
    for object in OBJECTS {
        match grant.field(object, "do_not_route") {
            Ok(mark) => {
                policies.ladders.ask(object, grant);
                tables.push(Marked {
                    object,
                    mark,
                    owner: grant.field(object, "owner")?,
                    status: policies.ladders.of(object).map(|ladder| ladder.field.clone()),
                    last_activity: grant.optional(object, "last_activity"),
                });
            }
            Err(missing) => first = first.or(Some(missing)),
        }
    }
    if let Some(missing) = first.filter(|_| tables.is_empty()) {
        return Err(missing.into());
    }
    people::ask(grant)?;
    let flags = Flags::ask(grant);
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for table in &tables {
            judge(world, &rules, table, &flags, &mut judgement);
        }
        judgement
    }))
}

fn judge(
    world: &World<'_>,
    rules: &Rules,
    table: &Marked,
    flags: &Flags,
    judgement: &mut Judgement,
) {
    let Some(batch) = world.batch(table.object) else {
        judgement.skip(table.object, "there is no input");
        return;
    };
    if !batch.has(&table.mark) {
        let why = format!("the input has no `{}`", table.mark.name());
        judgement.skip(table.object, &why);
        return;
    }
    for row in batch.reviewed() {
        judgement.examined += 1;
        let is_open = world.policies.ladders.is_open(row, flags) != Some(false);
        if row.flag(&table.mark) != Some(true) || !is_open {
            continue;
        }
        let owner = row.text(&table.owner).map(|owner| (owner, world.people().find(owner)));
        let Some((owner, Found::One(person))) = owner else { continue };
        let is_service = world.policies.owners.is_service_user(owner, person);
        if works(person) && !is_service && !rules.lets_keep(person) {
            let finding = finding(world, rules, table, row, person);
            let unsure = world.policies.ladders.unsure(row, flags);
            judgement.findings.push(unsure.into_iter().fold(finding, Finding::lacking));
        }
    }
}

fn finding(
    world: &World<'_>,
    rules: &Rules,
    table: &Marked,
    row: Row<'_>,
    person: &Person<'_>,
) -> Finding {
    let object = table.object;
    let headline = format!("{} owns the {object}, which is marked not to be routed", person.shown);
    let said = world.policies.owners.queue();
    let may_wait = world.queues_own(object);
    let queue = said.filter(|_| may_wait).and_then(|said| match world.people().find(said) {
        Found::One(queue) if queue.standing == Standing::Queue => Some((said, queue)),
        Found::One(_) | Found::Several | Found::Nobody => None,
    });
    let proposal = if may_wait {
        Proposal::ReturnToQueue {
            before: row.cell(&table.owner),
            queue: queue.map(|(_, queue)| queue.assignee()),
        }
    } else {
        Proposal::ReviewRecord {
            question: format!("Who should hold this {object}, which is marked not to be routed?"),
        }
    };
    let mark = Evidence::Cell(row.cell(&table.mark));
    let mut finding = Finding::about(row.record(), headline, mark, proposal)
        .of_field(&table.owner)
        .because(Evidence::Cell(row.cell(&table.owner)));
    for field in [&table.status, &table.last_activity].into_iter().flatten() {
        finding = finding.because(Evidence::Cell(row.cell(field)));
    }
    let keep = match rules.keep.as_slice() {
        [] => "nobody may keep records that are marked so".to_owned(),
        names => format!("who may keep records that are marked so: {}", names.join(", ")),
    };
    finding = finding.because(settings::quoted(Family::Routing, rules.keep.line, keep));
    if let Some((said, _)) = queue {
        let says = format!("`queue` is `{}`", said.value);
        finding = finding.because(settings::quoted(Family::Owners, said.line, says));
    }
    let active = table.last_activity.as_ref().and_then(|field| row.time(field));
    match active.map(|at| world.as_of.days_since(at)) {
        Some(ago @ 0..=30) => finding.unless(format!(
            "there was activity {} ago: the {object} may be worked on purpose, and the mark be old",
            days(ago)
        )),
        Some(ago) if ago < 0 => finding.unless(format!(
            "an activity is planned: the {object} may be worked on purpose, and the mark be old"
        )),
        Some(_) | None => finding.unless(format!(
            "the mark may have come after the {object} was given to somebody, and they may know it"
        )),
    }
}
