//! What Salesforce says of a table: the fields that this user may see, and what it may do with its records.
//!
//! A field that the user may not see is left out as if there were none; a table likewise.
//! Does not: read a record.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::question::{Column, Question, Table};
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
}

/// What Salesforce says of a table, unless there is none or this user may not see it.
pub(super) fn of(
    org: &Org<'_>,
    door: &mut Door,
    table: Table,
) -> Result<Option<Described>, LiveError> {
    let question = Question::Describe(org.settings.version.clone(), table);
    let answer = match org.ask(door, &question) {
        Err(LiveError::Door { trouble: Trouble::Refused { status: 403 | 404, code, .. } })
            if code.as_deref() != Some("API_DISABLED_FOR_ORG") =>
        {
            return Ok(None);
        }
        answer => answer?,
    };
    let what = format!("the fields of {}", table.name());
    answer.json().map(Some).map_err(|why| LiveError::unreadable(&what, &why))
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

    /// The column of a name, in Salesforce's own spelling: a field, or a field of a linked record.
    pub(super) fn column(&self, name: &str) -> Option<Column> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)));
        let spelled = match rest {
            None => {
                let field = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(first));
                field?.name.clone()
            }
            Some(rest) => {
                let mut links = self.fields.iter().filter_map(|f| f.relationship_name.as_deref());
                format!("{}.{rest}", links.find(|link| link.eq_ignore_ascii_case(first))?)
            }
        };
        Column::parse(&spelled)
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
