//! One table of Salesforce as it is read: its columns, its count and its pages.
//!
//! Does not: prove that all of it came.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::bulk;
use super::page::{self, Plan};
use super::question::{Column, Id, Locator, Question, Soql, Table, Which};
use super::{LiveError, Org};
use crate::boundary::{Field, Object};
use crate::source::http::{Door, Trouble};
use crate::source::live::{Place, Reached, Reading, Rows, Wanted, instant};

/// The tables of Salesforce in which the wanted ones are kept.
pub(super) fn of(wanted: &[Wanted<'_>]) -> Vec<(Object, Table)> {
    let is_wanted = |object: Object| wanted.iter().any(|wanted| wanted.object == object);
    let of = |object: Object| match object {
        Object::Lead => vec![Table::Lead],
        Object::Contact => vec![Table::Contact],
        Object::Account => vec![Table::Account],
        Object::Deal => vec![Table::Opportunity],
        Object::User => vec![Table::User],
        Object::Queue => vec![Table::Group],
        Object::CampaignMember => vec![Table::CampaignMember],
        Object::FieldHistory => {
            HISTORIES.into_iter().filter(|(of, _)| is_wanted(*of)).map(|(_, table)| table).collect()
        }
        // Not Salesforce's to know.
        Object::SystemRecord => Vec::new(),
    };
    let tables = wanted.iter().map(|wanted| wanted.object);
    tables.flat_map(|object| of(object).into_iter().map(move |table| (object, table))).collect()
}

/// Whose changes are kept where.
const HISTORIES: [(Object, Table); 4] = [
    (Object::Lead, Table::LeadHistory),
    (Object::Contact, Table::ContactHistory),
    (Object::Account, Table::AccountHistory),
    (Object::Deal, Table::OpportunityFieldHistory),
];

/// Whose records a table that fills one of the review's tells of.
pub(super) fn tells_of(object: Object, table: Table) -> Object {
    let history = HISTORIES.into_iter().find(|(_, history)| *history == table);
    history.map_or(object, |(of, _)| of)
}

/// A table that is read.
pub(super) struct Read<'s> {
    org: Org<'s>,
    table: Table,
    object: Object,
    which: Which,
    /// What is asked for: the id, then the columns.
    asked: Vec<Column>,
    /// The names under which the boundary lists the columns.
    listed: Vec<String>,
    plan: Plan,
    way: Way,
}

/// How the records of a table come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In pages, in the order of ids.
    Pages,
    /// As the result of a job, in any order.
    Job,
}

/// The longest query that goes into an address.
const LONGEST: usize = 12_000;

impl<'s> Read<'s> {
    pub(super) fn new(
        org: Org<'s>,
        table: Table,
        object: Object,
        wanted: &[Wanted<'_>],
        column: &mut dyn FnMut(&str) -> Result<Option<Column>, LiveError>,
        before: DateTime<Utc>,
    ) -> Result<Self, LiveError> {
        let fields = wanted.iter().find(|wanted| wanted.object == object);
        let fields = fields.map_or(&[][..], |wanted| wanted.fields.as_slice());
        let (mut listed, mut columns) = (Vec::new(), Vec::new());
        for field in fields {
            let mut found = None;
            for name in field.from() {
                found = column(table.own_name(name))?.map(|column| (name, column));
                if found.is_some() {
                    break;
                }
            }
            match found {
                Some((name, column)) => {
                    listed.push(name.clone());
                    columns.push(column);
                }
                None if field.name() == object.row_key() => return Err(no_key(table, field)),
                // Not there, or not this user's to see: the boundary counts it as absent.
                None => {}
            }
        }
        let id = Column::id();
        let mut asked = vec![id.clone()];
        asked.extend(columns.iter().filter(|column| **column != id).cloned());
        let fields = history_of(table, wanted);
        let read = Self {
            plan: Plan::new(table, &columns, fields.clone()),
            which: Which { table, before, fields: fields.into_iter().flatten().collect() },
            org,
            table,
            object,
            asked,
            listed,
            way: Way::Pages,
        };
        let longest = read.which.rows(&read.asked, None);
        if longest.as_str().len() > LONGEST {
            return Err(LiveError::NotGranted {
                what: format!(
                    "{} fields of Salesforce {} do not fit into one query",
                    read.asked.len(),
                    table.name()
                ),
                hint: "take out the fields of rules/boundary.toml that matter least".to_owned(),
            });
        }
        Ok(read)
    }

    fn ask(&self, door: &mut Door, soql: Soql) -> Result<crate::source::http::Answer, LiveError> {
        let answer = self.org.ask(door, &Question::Query(self.org.settings.version.clone(), soql));
        answer.map_err(|error| self.named(error))
    }

    /// A field that was described and is refused all the same: whose, and which it may be.
    fn named(&self, error: LiveError) -> LiveError {
        let LiveError::Door { trouble: Trouble::Refused { code: Some(code), .. } } = &error else {
            return error;
        };
        if code != "INVALID_FIELD" {
            return error;
        }
        let asked: Vec<&str> = self.asked.iter().map(Column::as_str).collect();
        LiveError::NotGranted {
            what: format!("{}: one of {} was refused ({code})", self.name(), asked.join(", ")),
            hint: "look for a misspelt field of a linked record, or one that this login may not see, and correct it in rules/boundary.toml or take it out"
                .to_owned(),
        }
    }
}

/// Of a table of changes, the names of the fields whose changes are asked for: those that the boundary
/// lists. What another field was before and after is nobody's to read.
fn history_of(table: Table, wanted: &[Wanted<'_>]) -> Option<BTreeSet<Column>> {
    let (object, _) = HISTORIES.into_iter().find(|(_, history)| *history == table)?;
    let fields = wanted.iter().filter(|wanted| wanted.object == object);
    let names = fields.flat_map(|wanted| wanted.fields.iter().flat_map(|field| field.from()));
    let columns = names.filter(|name| !name.contains('.')).flat_map(|name| {
        // A change of the owner is told of `Owner`, though the field is called `OwnerId`.
        [Some(name.as_str()), name.strip_suffix("Id")]
            .into_iter()
            .flatten()
            .filter_map(Column::parse)
    });
    Some(columns.filter(|column| column.as_str() != "Id").collect())
}

fn no_key(table: Table, field: &Field) -> LiveError {
    LiveError::NotGranted {
        what: format!(
            "Salesforce {} has none of {} for `{field}`, or this login may not see it",
            table.name(),
            field.from().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        ),
        hint: format!("give `{field}` in rules/boundary.toml the field's API name"),
    }
}

impl Reading for Read<'_> {
    fn name(&self) -> String {
        format!("Salesforce {}", self.table.name())
    }

    fn object(&self) -> Object {
        self.object
    }

    fn way(&self) -> String {
        let way = match self.way {
            Way::Pages => "REST query",
            Way::Job => "Bulk API 2.0 query",
        };
        format!(
            "{way}, version {}, made before {}",
            self.org.settings.version.as_str(),
            instant(self.which.before)
        )
    }

    fn columns(&self) -> &[String] {
        &self.listed
    }

    fn count(&mut self, door: &mut Door) -> Result<Option<u64>, LiveError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Count {
            total_size: u64,
        }
        let answer = self.ask(door, self.which.count())?;
        let what = format!("the number of {}", self.name());
        let count: Count = answer.json().map_err(|why| LiveError::unreadable(&what, &why))?;
        if count.total_size >= self.org.settings.bulk_from {
            self.way = Way::Job;
        }
        Ok(Some(count.total_size))
    }

    fn page(
        &mut self,
        door: &mut Door,
        from: &Place,
        before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError> {
        if let Place::Cursor(cursor) = from
            && let Some((job, piece)) = bulk::piece(cursor)
        {
            self.way = Way::Job;
            return bulk::read(&self.org, door, &job, Some(piece), &self.plan, rows);
        }
        if self.way == Way::Job && *from == Place::Start {
            if let Some(job) = bulk::job(&self.org, door, self.which.all(&self.asked))? {
                return bulk::read(&self.org, door, &job, None, &self.plan, rows);
            }
            self.way = Way::Pages;
        }
        let what = |row: u64| format!("{}, the page behind record {row}", self.name());
        let wrong = || LiveError::no_place(what(before.rows));
        let version = self.org.settings.version.clone();
        let answer = match from {
            Place::Start => self.ask(door, self.which.rows(&self.asked, None))?,
            Place::After(id) => {
                let id = Id::parse(id).ok_or_else(wrong)?;
                self.ask(door, self.which.rows(&self.asked, Some(&id)))?
            }
            Place::Cursor(locator) => {
                let locator = Locator::kept(locator).ok_or_else(wrong)?;
                self.org.ask(door, &Question::More(version, locator))?
            }
        };
        let page = page::read(&answer, &self.plan, rows).map_err(|why| LiveError::Answer {
            what: what(before.rows),
            why: format!("{why}, in its record {}", rows.len() + 1),
        })?;
        // An address that is not of this query's result is none; then other ways are looked for.
        let next = page.next.as_deref().and_then(Locator::parse);
        let reached = before.rows + rows.len() as u64;
        // A result that was begun behind some id counts from there.
        let counts_from_start = !matches!(from, Place::After(_)) && before.cursor.is_some()
            || matches!(from, Place::Start);
        Ok(next.map_or_else(Vec::new, |next| {
            let given = Place::Cursor(next.as_str().to_owned());
            match next.at(reached) {
                // It leads past rows that did not come, or back to some that did.
                Some(expected) if counts_from_start && expected != next => {
                    vec![Place::Cursor(expected.as_str().to_owned()), given]
                }
                Some(_) | None => vec![given],
            }
        }))
    }

    fn is_in_order(&self) -> bool {
        self.way == Way::Pages
    }

    fn ways_round(&self, reached: Reached<'_>) -> Vec<Place> {
        // Rows that come in any order have no place behind the last of them.
        if self.way == Way::Job {
            return Vec::new();
        }
        let cursor = reached.cursor.and_then(Locator::kept).and_then(|old| old.at(reached.rows));
        let cursor = cursor.map(|locator| Place::Cursor(locator.as_str().to_owned()));
        let after = reached.last.map(|last| Place::After(last.to_owned()));
        cursor.into_iter().chain(after).collect()
    }
}

impl Table {
    /// What the boundary's name of a column is called in this table: tables of changes name their
    /// record each in its own way, and exports of them all `ParentId`.
    pub(super) fn own_name(self, listed: &str) -> &str {
        match (self, listed) {
            (Self::LeadHistory, "ParentId") => "LeadId",
            (Self::ContactHistory, "ParentId") => "ContactId",
            (Self::AccountHistory, "ParentId") => "AccountId",
            (Self::OpportunityFieldHistory, "ParentId") => "OpportunityId",
            (_, name) => name,
        }
    }
}
