//! What records and people are called, as far as the boundary lets it be shown.
//!
//! A headline names its record by this, and a cell that holds somebody's id says whose it is. What may not
//! be shown, or is not read, leaves the id to name it.
//! Does not: ask for a field, or touch what a finding's id and its digest are made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::boundary::{Boundary, Cell, Object, Row, Shown};
use crate::finding::Finding;

use super::people::{Found, Person};
use super::{Pulled, World};

/// A shorter name tells nobody apart, and a masked copy could not cover it in a sentence.
const SHORTEST: usize = 3;

/// The fields that hold somebody's id.
const OF_PEOPLE: [&str; 3] = ["owner", "manager", "by"];

/// True for a field, by its name, that holds somebody's id.
pub(super) fn is_of_people(field: &str) -> bool {
    OF_PEOPLE.contains(&field)
}

/// What a record is called: a person by their name and company, anything else by its name.
pub fn called(boundary: &Boundary, pulled: &Pulled, row: Row<'_>) -> Option<String> {
    let own = |name: &str| shown(boundary, row, name);
    let name = match row.object() {
        Object::Lead | Object::Contact => {
            let parts = [own("first_name"), own("last_name")];
            let person = match parts.into_iter().flatten().collect::<Vec<_>>() {
                none if none.is_empty() => own("full_name").or_else(|| own("name")),
                parts => Some(parts.join(" ")),
            };
            let account = || {
                let account = row.text(&boundary.allowed(row.object(), "account")?)?;
                shown(boundary, pulled.get(Object::Account)?.find(account.trim())?, "name")
            };
            match (person, own("company").or_else(account)) {
                (Some(person), Some(company)) => Some(format!("{person} ({company})")),
                (person, company) => person.or(company),
            }
        }
        Object::Account | Object::Deal | Object::User | Object::Queue | Object::SystemRecord => {
            own("name")
        }
        Object::CampaignMember | Object::FieldHistory => None,
    };
    name.filter(|name| name.chars().count() >= SHORTEST)
}

/// What may be shown of a field, where that says anything.
fn shown(boundary: &Boundary, row: Row<'_>, name: &str) -> Option<String> {
    let cell = row.cell(&boundary.allowed(row.object(), name)?);
    let (Shown::Value(text) | Shown::Masked(text)) = cell.shown() else { return None };
    text.contains(char::is_alphanumeric).then(|| text.trim().to_owned())
}

impl<'a> World<'a> {
    /// What a record is called; its id where it has no name that may be shown.
    pub(super) fn called(&self, row: Row<'_>) -> String {
        called(&self.policies.boundary, self.pulled, row).unwrap_or_else(|| row.id().to_owned())
    }

    /// A record at the beginning of a sentence: `Deal Kestrel renewal`, `Contact 003A`.
    pub(super) fn titled(&self, row: Row<'_>) -> String {
        let noun = match row.object() {
            Object::Lead => "Lead",
            Object::Contact => "Contact",
            Object::Account => "Account",
            Object::Deal => "Deal",
            Object::User
            | Object::Queue
            | Object::CampaignMember
            | Object::FieldHistory
            | Object::SystemRecord => "Record",
        };
        format!("{noun} {}", self.called(row))
    }

    /// What records are called, in words. Those of one name have their ids with it; of many, the first few.
    pub(super) fn listed(&self, rows: &[Row<'_>]) -> String {
        const SHOWN: usize = 5;
        let names: Vec<String> = rows.iter().map(|row| self.called(*row)).collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &names {
            *times.entry(name).or_default() += 1;
        }
        let is_shared = |name: &str| times.get(name).is_some_and(|times| *times > 1);
        let told = |(name, row): (&String, &Row<'_>)| {
            if is_shared(name) { format!("{name}, {}", row.id()) } else { name.clone() }
        };
        let told: Vec<String> = names.iter().zip(rows).take(SHOWN).map(told).collect();
        let between = if times.values().any(|times| *times > 1) { "; " } else { ", " };
        if rows.len() > SHOWN {
            return format!("{} and {} more", told.join(between), rows.len() - SHOWN);
        }
        match told.split_last() {
            Some((last, front)) if !front.is_empty() => {
                format!("{} and {last}", front.join(between))
            }
            Some((last, _)) => last.clone(),
            None => String::new(),
        }
    }

    /// Records of a kind by what they are called, at the beginning of a sentence: `Leads Ann Ng (Lime) and
    /// A. Ng (Lime)`, `2 leads called Ann Ng (Lime)`.
    pub(super) fn several(&self, kind: &str, rows: &[Row<'_>]) -> String {
        let names: BTreeSet<String> = rows.iter().map(|row| self.called(*row)).collect();
        if let Some(name) = names.first().filter(|_| names.len() == 1 && rows.len() > 1) {
            return format!("{} {kind} called {name}", rows.len());
        }
        let mut letters = kind.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        format!("{} {}", first.chain(letters).collect::<String>(), self.listed(rows))
    }

    /// The one whose id a cell shows, where the tables know exactly one and the name may be shown.
    fn whose(&self, cell: &Cell) -> Option<&Person<'a>> {
        let Shown::Value(id) = cell.shown() else { return None };
        let Found::One(person) = self.people().find(id) else { return None };
        // Whoever may not be named is called by their id, which one CRM writes in two lengths.
        (person.bare != person.id && person.bare != *id).then_some(person)
    }

    /// Somebody whose id or name a cell shows, as a sentence calls them.
    pub(super) fn somebody(&self, cell: &Cell) -> String {
        let person = self.whose(cell);
        person.map_or_else(|| cell.shown().to_string(), |person| person.shown.clone())
    }

    /// Names the record of a finding at its head, unless it is one of many, and the people whom its cells show by their ids.
    pub(super) fn name(&self, finding: &mut Finding) {
        let record = &finding.record;
        let row = self.batch(record.object).and_then(|batch| batch.find(&record.id));
        if let Some(name) = row.and_then(|row| called(&self.policies.boundary, self.pulled, row))
            && finding.group().is_none()
            && !finding.headline.contains(&name)
        {
            finding.headline = format!("{name}: {}", finding.headline);
        }
        for cell in finding.cells_mut().filter(|cell| is_of_people(cell.field())) {
            // The id stands in the cell.
            if let Some(person) = self.whose(cell) {
                cell.call(person.bare.clone());
            }
        }
    }
}
