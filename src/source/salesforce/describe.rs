//! What Salesforce says of a table: the fields that this user may see, and what it may do with its records.
//!
//! A field that the user may not see is left out as if there were none; a table likewise.
//! Does not: read a record.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use super::question::{Column, Question, Table, TableName};
use super::{LiveError, Org};
use crate::source::http::{Door, Trouble};
use crate::source::live::Wanted;

/// A table as this user sees it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the rights as Salesforce lists them")]
pub(super) struct Described {
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    deletable: bool,
    #[serde(default)]
    mergeable: bool,
    #[serde(default)]
    undeletable: bool,
    fields: Vec<Visible>,
}

/// A field as this user sees it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Visible {
    name: String,
    relationship_name: Option<String>,
    /// The tables that it links to.
    #[serde(default)]
    reference_to: Vec<String>,
}

/// What Salesforce says of a table, unless there is none or this user may not see it.
pub(super) fn of(
    org: &Org<'_>,
    door: &mut Door,
    table: TableName,
) -> Result<Option<Described>, LiveError> {
    let what = format!("the fields of {}", table.as_str());
    let question = Question::Describe(org.settings.version.clone(), table);
    let answer = match org.ask(door, &question) {
        Err(LiveError::Door { trouble: Trouble::Refused { status: 403 | 404, code, .. } })
            if code.as_deref() != Some("API_DISABLED_FOR_ORG") =>
        {
            return Ok(None);
        }
        answer => answer?,
    };
    answer.json().map(Some).map_err(|why| LiveError::unreadable(&what, &why))
}

/// The tables that fields link to, as far as they were asked for; none where this user may not see it.
#[derive(Default)]
pub(super) struct Linked(BTreeMap<TableName, Option<Rc<Described>>>);

impl Linked {
    /// The column of a name in a table, in Salesforce's own spelling: a field, or a field of a linked record.
    pub(super) fn column(
        &mut self,
        org: &Org<'_>,
        door: &mut Door,
        table: &Described,
        name: &str,
    ) -> Result<Option<Column>, LiveError> {
        Ok(self.spelled(org, door, table, name)?.and_then(|name| Column::parse(&name)))
    }

    fn spelled(
        &mut self,
        org: &Org<'_>,
        door: &mut Door,
        table: &Described,
        name: &str,
    ) -> Result<Option<String>, LiveError> {
        let Some((link, rest)) = name.split_once('.') else { return Ok(table.own(name)) };
        let Some((link, tables)) = table.link(link) else { return Ok(None) };
        let to = match tables.as_slice() {
            [one] => TableName::parse(one),
            // What records of several tables have in common is told nowhere.
            _ => None,
        };
        let Some(to) = to else { return Ok(Some(format!("{link}.{rest}"))) };
        let Some(linked) = self.table(org, door, to)? else { return Ok(None) };
        let rest = self.spelled(org, door, &linked, rest)?;
        Ok(rest.map(|rest| format!("{link}.{rest}")))
    }

    fn table(
        &mut self,
        org: &Org<'_>,
        door: &mut Door,
        name: TableName,
    ) -> Result<Option<Rc<Described>>, LiveError> {
        if let Some(known) = self.0.get(&name) {
            return Ok(known.clone());
        }
        let described = of(org, door, name.clone())?.map(Rc::new);
        self.0.insert(name, described.clone());
        Ok(described)
    }
}

impl Described {
    /// What this user may do with the records beyond reading them, one sentence a table.
    pub(super) fn beyond_reading(&self, table: Table) -> Option<String> {
        // Every user may edit itself, and history cannot be written by anybody.
        if matches!(table, Table::User | Table::Group) {
            return None;
        }
        let rights = [
            (self.createable, "create"),
            (self.updateable, "edit"),
            (self.deletable, "delete"),
            (self.mergeable, "merge"),
            (self.undeletable, "undelete"),
        ];
        let held: Vec<_> = rights.iter().filter(|(held, _)| *held).map(|(_, name)| *name).collect();
        (!held.is_empty()).then(|| format!("Salesforce {}: {}", table.name(), held.join(", ")))
    }

    /// A field of the table itself, in Salesforce's own spelling.
    fn own(&self, name: &str) -> Option<String> {
        let mut fields = self.fields.iter();
        Some(fields.find(|field| field.name.eq_ignore_ascii_case(name))?.name.clone())
    }

    /// A link to other records, in Salesforce's own spelling, and the tables that it leads to.
    fn link(&self, name: &str) -> Option<(String, Vec<String>)> {
        let mut links = self
            .fields
            .iter()
            .filter_map(|field| Some((field.relationship_name.as_deref()?, &field.reference_to)));
        let (link, tables) = links.find(|(link, _)| link.eq_ignore_ascii_case(name))?;
        Some((link.to_owned(), tables.clone()))
    }

    /// How many fields this user sees that the boundary does not list, in a sentence.
    pub(super) fn beyond_listed(&self, table: Table, wanted: &[Wanted<'_>]) -> Option<String> {
        let listed: BTreeSet<String> = wanted
            .iter()
            .flat_map(|wanted| wanted.fields.iter().flat_map(|field| field.from()))
            .map(|name| table.own_name(name).to_ascii_lowercase())
            .collect();
        let more = self.fields.iter().filter(|f| !listed.contains(&f.name.to_ascii_lowercase()));
        let more = more.count();
        (more > 0).then(|| {
            format!(
                "Salesforce {}: this login may also see {more} fields that are not asked for",
                table.name()
            )
        })
    }
}
