//! BAT-08: a record names another record or an owner that no input holds.
//!
//! One finding per missing id, about the record under review that names it: of several, the first by id.
//! Of a cell that lists several records, each is looked for.
//! Does not: look for a record whose table was not supplied.

use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Grant, Object, Outside, RecordRef, Row, Shown, id_key, ids};
use crate::finding::{Evidence, Finding, FindingId, Proposal, Severity, record};

use super::super::people::{Found, People, Standing};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, people};

/// BAT-08.
pub(in super::super) const UNRESOLVED_REFERENCE: CheckDef = CheckDef {
    code: "BAT-08",
    name: "unresolved-reference",
    family: Family::Batch,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "An owner, account, contact, parent or conversion named by a record is in none of the \
              supplied tables or deleted, or an owner's name belongs to several users. One finding per missing \
              id, at most 50 per field.",
    consequence: "Checks that follow the reference say nothing about these records, and reports by \
                  owner or account miss them.",
    load,
};

/// The missing ids of one field that become findings.
const MOST: usize = 50;

/// The other records of a missing id that a finding names.
const MOST_RELATED: usize = 20;

/// From this share on, an input is more likely cut than its references wrong.
const CUT_PERCENT: usize = 10;

/// Below so many missing ids a share says nothing.
const CUT_LEAST: usize = 10;

/// Which field of which table names a record of which tables. Owners are looked up apart.
const REFERENCES: [(Object, &str, &[Object]); 9] = [
    (Object::Lead, "account", &[Object::Account]),
    (Object::Lead, "converted_account", &[Object::Account]),
    (Object::Lead, "converted_contact", &[Object::Contact]),
    (Object::Lead, "converted_deal", &[Object::Deal]),
    (Object::Contact, "account", &[Object::Account]),
    (Object::Account, "parent", &[Object::Account]),
    (Object::Deal, "account", &[Object::Account]),
    (Object::Deal, "contact", &[Object::Contact]),
    (Object::CampaignMember, "record", &[Object::Lead, Object::Contact]),
];

/// The tables whose rows hold references.
const HOLDERS: [Object; 5] =
    [Object::Lead, Object::Contact, Object::Account, Object::Deal, Object::CampaignMember];

/// A field that names another record.
#[derive(Debug, Clone)]
struct Reference {
    field: Field,
    to: Targets,
}

/// Where the named record should be.
#[derive(Debug, Clone)]
enum Targets {
    /// In one of these tables; those after the bar are not part of the review.
    Tables(Vec<Object>, Vec<Object>),
    /// Among the users and queues.
    People,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    policies.batch.unresolved.clone()?;
    let mut references = Vec::new();
    for (holder, name, targets) in REFERENCES {
        let (listed, unlisted): (Vec<Object>, Vec<Object>) =
            targets.iter().partition(|target| grant.lists(**target));
        if listed.is_empty() {
            continue;
        }
        if let Some(field) = grant.optional(holder, name) {
            references.push(Reference { field, to: Targets::Tables(listed, unlisted) });
        }
    }
    let known = if grant.lists(Object::User) { people::ask(grant) } else { Ok(()) };
    if grant.lists(Object::User) && known.is_ok() {
        for object in Object::REVIEWED {
            if let Some(field) = grant.optional(object, "owner") {
                references.push(Reference { field, to: Targets::People });
            }
        }
    }
    if references.is_empty() {
        known?;
        grant.field(Object::Deal, "account")?;
    }
    Ok(Box::new(move |world| judge(&references, world)))
}

fn judge(references: &[Reference], world: &World<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    for holder in HOLDERS {
        let Some(batch) = world.batch(holder) else { continue };
        let mut looked = false;
        for reference in references.iter().filter(|reference| reference.field.object() == holder) {
            if !batch.has(&reference.field) {
                continue;
            }
            if let Some(absent) = reference.absent(world) {
                let why = format!(
                    "`{}` was not followed: there is no input for {}",
                    reference.field,
                    absent.plural()
                );
                // A finding is known by what is missing, which does not tell by which field.
                judgement.skip(holder, &why);
                continue;
            }
            looked = true;
            let mut of_field = reference.follow(batch, world);
            // An export may come in another order every week; the same ids and records are told.
            of_field.sort_by_key(|lost| (lost.place(), id_key(lost.id)));
            let beyond = of_field.split_off(of_field.len().min(MOST));
            if !beyond.is_empty() {
                let words = format!(
                    "{}: {} more missing ids or names in `{}`; {MOST} a field are told",
                    holder.plural(),
                    beyond.len(),
                    reference.field
                );
                judgement.skip_findings(beyond.iter().map(Lost::finding_id), words);
            }
            judgement.findings.extend(of_field.iter().map(|lost| finding(lost, world)));
        }
        if looked {
            judgement.examined += batch.reviewed_len();
        }
    }
    judgement
}

/// What is wrong with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// No input holds it.
    Missing,
    /// An input holds it and says that it is deleted.
    Deleted,
    /// Several users have the name.
    Ambiguous,
}

/// An id or name that leads nowhere, and who holds it.
struct Lost<'r, 'a> {
    reference: &'r Reference,
    /// The id or name: of a cell that lists several records, the one that is missing.
    id: &'a str,
    fault: Fault,
    /// The first of those that name it, by their ids.
    first: Row<'a>,
    /// The next of them.
    others: Vec<Row<'a>>,
    /// The position of the last that names it: a cell may name it twice.
    last: usize,
    /// How many name it.
    count: usize,
    /// Of the field: references that lead nowhere, distinct ids among them, and references at all.
    of_field: (usize, usize, usize),
}

impl Reference {
    /// A table that is part of the review and was not supplied.
    fn absent(&self, world: &World<'_>) -> Option<Object> {
        match &self.to {
            Targets::Tables(listed, _) => {
                listed.iter().copied().find(|target| world.batch(*target).is_none())
            }
            Targets::People => world.batch(Object::User).is_none().then_some(Object::User),
        }
    }

    /// The ids that lead nowhere.
    fn follow<'a>(&self, batch: &'a Batch, world: &World<'a>) -> Vec<Lost<'_, 'a>> {
        let faulty_owners = match self.to {
            Targets::People => faulty_owners(batch, &self.field, world.people()),
            Targets::Tables(..) => HashMap::new(),
        };
        let (mut references, mut dangling) = (0_usize, 0_usize);
        let mut lost: Vec<Lost<'_, 'a>> = Vec::new();
        let mut places: HashMap<&'a str, usize> = HashMap::new();
        for row in batch.reviewed() {
            let Some(cell) = row.text(&self.field) else { continue };
            references += 1;
            let mut faulty: Vec<(&'a str, Fault)> = Vec::new();
            match &self.to {
                Targets::People => {
                    faulty.extend(faulty_owners.get(cell).map(|fault| (cell.trim(), *fault)));
                }
                Targets::Tables(listed, _) => {
                    let tables = || listed.iter().filter_map(|table| world.batch(*table));
                    faulty.extend(ids(cell).filter_map(|id| Some((id, fault(id, tables())?))));
                }
            }
            dangling += usize::from(!faulty.is_empty());
            for (id, fault) in faulty {
                let place = *places.entry(id_key(id)).or_insert(lost.len());
                match lost.get_mut(place) {
                    Some(known) => known.add(row, id),
                    None => lost.push(Lost {
                        reference: self,
                        id,
                        fault,
                        first: row,
                        others: Vec::new(),
                        last: row.position(),
                        count: 1,
                        of_field: (0, 0, 0),
                    }),
                }
            }
        }
        let distinct = lost.len();
        for lost in &mut lost {
            lost.of_field = (dangling, distinct, references);
        }
        lost
    }

    /// What the field names, for a person.
    fn noun(&self) -> String {
        match &self.to {
            Targets::People => "owner".to_owned(),
            Targets::Tables(listed, _) => {
                listed.iter().map(|target| target.key()).collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

/// What is wrong with an id that stands for a record of these tables. Of a record that is left out of the
/// review at somebody's wish nothing is said.
fn fault<'a>(id: &str, tables: impl Iterator<Item = &'a Batch>) -> Option<Fault> {
    let mut fault = Some(Fault::Missing);
    for table in tables {
        match table.outside(id) {
            _ if table.find(id).is_some() => return None,
            Some(Outside::Excluded) => return None,
            Some(Outside::Deleted) => fault = Some(Fault::Deleted),
            None => {}
        }
    }
    fault
}

/// Owner values that lead to nobody, or to several people of whom not all have left.
fn faulty_owners<'a>(
    batch: &'a Batch,
    owner: &Field,
    people: &People<'_>,
) -> HashMap<&'a str, Fault> {
    let values = batch.count_by(owner).into_iter();
    values
        .filter_map(|(value, _)| match people.find(value) {
            Found::One(_) => None,
            Found::Nobody => Some((value, Fault::Missing)),
            Found::Several => people
                .named(value)
                .any(|person| person.standing != Standing::Inactive)
                .then_some((value, Fault::Ambiguous)),
        })
        .collect()
}

/// The finding about what is missing, shown by the first record that names it.
fn finding(lost: &Lost<'_, '_>, world: &World<'_>) -> Finding {
    let row = lost.first;
    let noun = lost.reference.noun();
    let question = match lost.fault {
        Fault::Deleted => format!("Which {noun} should stand there, if any?"),
        Fault::Missing | Fault::Ambiguous => {
            format!("Is the input incomplete, or was the {noun} deleted or merged?")
        }
    };
    let cell = Evidence::Cell(row.cell(&lost.reference.field));
    let proposal = Proposal::ReviewUpstream { question };
    let finding = Finding::about(row.record(), lost.told(), cell, proposal);
    // Of several that name it, those that are shown are examples.
    let finding = match lost.count {
        1 => finding.known_by(lost.what()),
        _ => finding.of_group([lost.what()]),
    };
    lost.explain(world, lost.count(finding))
}

impl<'a> Lost<'_, 'a> {
    /// Where its first record stands among all: members of campaigns may share an id.
    fn place(&self) -> (&'a str, usize) {
        (self.first.id(), self.first.position())
    }

    /// Notes another record that names it, in its spelling.
    fn add(&mut self, row: Row<'a>, id: &'a str) {
        if self.last == row.position() {
            return;
        }
        self.last = row.position();
        self.count += 1;
        let next = if row.id() < self.first.id() {
            self.id = id;
            std::mem::replace(&mut self.first, row)
        } else {
            row
        };
        let at = self.others.partition_point(|held| held.id() < next.id());
        self.others.insert(at, next);
        self.others.truncate(MOST_RELATED);
    }

    /// What is missing: the same next week, whoever names it first.
    fn what(&self) -> RecordRef {
        let object = match &self.reference.to {
            Targets::People => Object::User,
            Targets::Tables(listed, _) => {
                listed.first().copied().unwrap_or_else(|| self.first.object())
            }
        };
        // Each field that names it is a question of its own, and so is what became of it.
        record(object, &format!("{} {:?} {}", self.reference.field, self.fault, id_key(self.id)))
    }

    fn finding_id(&self) -> FindingId {
        FindingId::of(UNRESOLVED_REFERENCE.code, &self.what(), &[], None)
    }

    /// The id or name as far as it may be shown.
    fn shown(&self) -> String {
        let cell = self.first.cell(&self.reference.field);
        if let Shown::Value(_) = cell.shown() {
            self.id.to_owned()
        } else {
            cell.shown().to_string()
        }
    }

    fn told(&self) -> String {
        let object = self.first.object();
        let who = if self.count == 1 {
            format!("1 {} names", object.key().replace('_', " "))
        } else {
            format!("{} {} name", self.count, object.plural())
        };
        let (noun, what) = (self.reference.noun(), self.shown());
        match self.fault {
            Fault::Missing => format!("{who} the {noun} {what}, which is in no input"),
            Fault::Deleted => format!("{who} the {noun} {what}, which is deleted"),
            Fault::Ambiguous => {
                format!("{who} the {noun} {what}, and several users have that name")
            }
        }
    }

    /// Adds how many records name it, and the first of them.
    fn count(&self, finding: Finding) -> Finding {
        let (plural, field) = (self.first.object().plural(), &self.reference.field);
        let mut finding = finding.because(Evidence::Figure {
            of: format!("{plural} under review that name {} in `{field}`", self.shown()),
            is: self.count.to_string(),
        });
        for other in &self.others {
            if finding.related.len() < MOST_RELATED {
                finding = finding.with(other.record());
            }
        }
        finding
    }

    /// Adds what is known of its field, and why it may be no fault.
    fn explain(&self, world: &World<'_>, finding: Finding) -> Finding {
        let field = &self.reference.field;
        let plural = self.first.object().plural();
        let (dangling, distinct, references) = self.of_field;
        let mut finding = finding.because(Evidence::Figure {
            of: format!("{plural} whose `{field}` leads nowhere"),
            is: format!("{dangling} of {references} (missing ids or names: {distinct})"),
        });
        let is_absent = self.fault != Fault::Deleted;
        if is_absent && distinct >= CUT_LEAST && dangling * 100 > references * CUT_PERCENT {
            finding = finding.unless(format!(
                "{dangling} of {references} references of `{field}` lead nowhere: the input for \
                 them is probably a part of the table"
            ));
        }
        match (&self.reference.to, self.fault) {
            (Targets::People, Fault::Ambiguous) => finding
                .unless("the users of that name may be one person with two logins".to_owned()),
            (Targets::People, Fault::Missing) if world.batch(Object::Queue).is_none() => finding
                .lacking("no input lists the queues")
                .unless("the owner may be a queue: no input lists the queues"),
            (Targets::People, Fault::Missing | Fault::Deleted) => {
                finding.unless("the owner may be a user that the export of users leaves out")
            }
            (Targets::Tables(..), Fault::Deleted) => {
                finding.unless("it may have been merged into another, or restored since the export")
            }
            (Targets::Tables(listed, unlisted), _) => {
                for object in unlisted {
                    finding = finding.lacking(format!("{} are not read", object.plural()));
                }
                finding.unless(reason(listed, world))
            }
        }
    }
}

/// Why a record of these tables may be missing although the reference is right.
fn reason(tables: &[Object], world: &World<'_>) -> String {
    let count: usize = tables.iter().filter_map(|table| world.batch(*table)).map(Batch::len).sum();
    let names: Vec<_> = tables.iter().map(|table| table.plural()).collect();
    format!(
        "the input holds {count} {}: a filter on that export, or a record hidden from the user who \
         made it, leads to the same",
        names.join(" and ")
    )
}
