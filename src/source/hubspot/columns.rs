//! Which properties of HubSpot fill which fields, and how their values are written.
//!
//! A property goes by its label or by its internal name, as in HubSpot's own exports; so the same
//! allowlist reads an export and the account. Asked for by its label, a value is written as the export
//! writes labels: the label of an option or a stage, the name of an owner. Asked for by its internal
//! name, it is the internal value.
//!
//! Does not: ask, or decide what may be read.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::boundary::{Boundary, Field, Kind as Shape, Object};
use crate::source::json::Member;
use crate::source::live::Wanted;
use crate::source::place;

use super::question::{Created, Kind, OBJECT_ID};
use super::wire::{Owner, Pipeline, Property, Was};

/// The columns of associated records, by the names that exports give them.
const ASSOCIATED: [(&str, Kind); 3] = [
    ("Associated Company IDs", Kind::Companies),
    ("Associated Contact IDs", Kind::Contacts),
    ("Associated Deal IDs", Kind::Deals),
];

/// The columns of owners and queues.
pub(super) const OWNER_COLUMNS: [&str; 5] = ["Owner ID", "Name", "Email", "Active", "Main team"];

/// The columns of the property history.
pub(super) const HISTORY_COLUMNS: [&str; 6] =
    ["Record ID", "Property", "Old value", "New value", "Changed on", "Changed by"];

/// What is asked for of one type of records, and which columns it comes to.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    /// The table that the records fill.
    pub(super) object: Object,
    /// The property that a record has to have to be read, if not every record is.
    pub(super) having: Option<String>,
    pub(super) created: Created,
    /// The names of the columns, as the allowlist gives them.
    pub(super) header: Vec<String>,
    /// What fills them.
    fills: Vec<Fill>,
    /// The properties to ask for.
    pub(super) properties: Vec<String>,
    /// Those whose history is read, each with the names that it is told under.
    history: Vec<(String, Vec<Alias>)>,
    /// The types whose associations are read.
    pub(super) associated: Vec<Kind>,
    /// What the allowlist has to say more clearly.
    pub(super) unclear: Vec<String>,
}

#[derive(Debug)]
enum Fill {
    /// The property at this place among those asked for.
    Property(usize, Writing),
    /// The ids of the associated records of the type at this place.
    Associated(usize),
}

/// What a property is called in its history, and how its values are written there.
#[derive(Debug, PartialEq, Eq)]
struct Alias {
    name: String,
    writing: Writing,
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Writing {
    AsItIs,
    /// An instant; some are sent as milliseconds.
    Instant,
    /// A day; some are sent as milliseconds.
    Day,
    /// One or several options by their labels.
    Labels(BTreeMap<String, String>),
    /// An owner by name.
    OwnerName,
}

/// All that is known of a type before its records are asked for.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) properties: &'a [Property],
    pub(super) pipelines: &'a [Pipeline],
    /// The other types whose records may be read.
    pub(super) others: &'a [Kind],
}

impl Plan {
    /// Finds a property for every one of the fields. Of types that may not be read no associations are.
    pub(super) fn of(
        kind: Kind,
        known: &Known<'_>,
        table: &Wanted<'_>,
        boundary: &Boundary,
        history: bool,
    ) -> Self {
        let mut plan = Self {
            kind,
            object: table.object,
            having: None,
            created: if known.properties.iter().any(|it| it.name == Created::Claimed.name()) {
                Created::Claimed
            } else {
                Created::Noted
            },
            header: Vec::new(),
            fills: Vec::new(),
            properties: Vec::new(),
            history: Vec::new(),
            associated: Vec::new(),
            unclear: Vec::new(),
        };
        for field in &table.fields {
            for column in field.from() {
                match find(column, field, known, boundary) {
                    Found::Nothing => continue,
                    Found::Property(property, writing) => {
                        if history && has_history(field) {
                            let name = told(field, property, column);
                            plan.tell(property, Alias { name, writing: writing.clone() });
                        }
                        if plan.object == Object::CampaignMember && field.name() == "responded" {
                            plan.having = Some(property.name.clone());
                        }
                        let at = place(&mut plan.properties, property.name.clone());
                        plan.fills.push(Fill::Property(at, writing));
                        plan.header.push(column.clone());
                    }
                    Found::Associated(other) => {
                        let at = place(&mut plan.associated, other);
                        plan.fills.push(Fill::Associated(at));
                        plan.header.push(column.clone());
                    }
                    Found::Unclear(why) => plan.unclear.push(why),
                }
                break;
            }
        }
        plan
    }

    /// Has the history of a property read, and told under this name.
    fn tell(&mut self, property: &Property, alias: Alias) {
        match self.history.iter_mut().find(|(name, _)| *name == property.name) {
            Some((_, aliases)) if aliases.contains(&alias) => {}
            Some((_, aliases)) => aliases.push(alias),
            None => self.history.push((property.name.clone(), vec![alias])),
        }
    }

    /// Whether the history of any property is read.
    pub(super) fn has_history(&self) -> bool {
        !self.history.is_empty()
    }

    /// The properties whose history is read.
    pub(super) fn with_history(&self) -> Vec<String> {
        self.history.iter().map(|(property, _)| property.clone()).collect()
    }

    /// Whether owners are written by their names.
    pub(super) fn names_owners(&self) -> bool {
        let named = |fill: &Fill| matches!(fill, Fill::Property(_, Writing::OwnerName));
        self.has_history() || self.fills.iter().any(named)
    }

    /// The cells of one record.
    pub(super) fn row(
        &self,
        properties: &[Member],
        associated: &[&str],
        directory: &Directory,
    ) -> Result<Vec<String>, &'static str> {
        let cell = |fill: &Fill| match fill {
            Fill::Property(at, writing) => match properties.get(*at) {
                Some(Member::Text(value)) => Ok(writing.written(value, directory)),
                Some(Member::Flag(flag)) => Ok(flag.to_string()),
                Some(Member::Null | Member::Missing) | None => Ok(String::new()),
                Some(Member::List(_)) => Err("a property holds a list"),
            },
            Fill::Associated(at) => Ok(associated.get(*at).copied().unwrap_or_default().to_owned()),
        };
        self.fills.iter().map(cell).collect()
    }

    /// The changes of a record that its history shows, the oldest first under each name.
    pub(super) fn changes(
        &self,
        record: u64,
        history: Vec<Vec<Was>>,
        before: DateTime<Utc>,
        directory: &Directory,
    ) -> Result<Vec<[String; 6]>, &'static str> {
        let mut changes = Vec::new();
        for ((_, aliases), versions) in self.history.iter().zip(history) {
            let mut dated: Vec<(DateTime<Utc>, Was)> = Vec::new();
            for version in versions {
                let at = instant(&version.timestamp).ok_or("a change without a time")?;
                dated.push((at, version));
            }
            // The newest comes first; of two in one instant the later one stands before the other.
            dated.reverse();
            dated.sort_by_key(|(at, _)| *at);
            let pairs = dated.windows(2).filter_map(|pair| match pair {
                [(_, old), (at, new)] if *at < before && old.value != new.value => {
                    Some((old, *at, new))
                }
                _ => None,
            });
            for Alias { name, writing } in aliases {
                changes.extend(pairs.clone().map(|(old, at, new)| {
                    let value = |was: &Was| {
                        writing.written(was.value.as_deref().unwrap_or_default(), directory)
                    };
                    let user = new.updated_by_user_id.and_then(|id| directory.user(id));
                    [
                        record.to_string(),
                        name.clone(),
                        value(old),
                        value(new),
                        at.to_rfc3339_opts(SecondsFormat::Millis, true),
                        user.or_else(|| new.source_type.clone()).unwrap_or_default(),
                    ]
                }));
            }
        }
        Ok(changes)
    }
}

/// What a column of the allowlist turns out to be.
fn find<'k>(column: &str, field: &Field, known: &Known<'k>, boundary: &Boundary) -> Found<'k> {
    let by_name = known.properties.iter().find(|property| property.name == column);
    let property = if let Some(property) = by_name {
        property
    } else {
        let mut labelled = known.properties.iter().filter(|p| p.label == column);
        match (labelled.next(), labelled.next()) {
            (Some(property), None) => property,
            (Some(one), Some(other)) => {
                return Found::Unclear(format!(
                    "`{field}`: `{column}` is the label of `{}` and of `{}`; name one of them in `from`",
                    one.name, other.name
                ));
            }
            (None, _) => return find_apart(column, known),
        }
    };
    // What can hold a text has to bear both its names; `notes_last_updated` is an instant.
    if property.values == "string"
        && let Some(pattern) =
            [&property.name, &property.label].into_iter().find_map(|name| boundary.blocking(name))
    {
        return Found::Unclear(format!(
            "`{field}`: `{column}` is the property `{}`, labelled `{}`, and blocked by `{pattern}`",
            property.name, property.label
        ));
    }
    let by_label = by_name.is_none();
    Found::Property(property, writing(property, by_label, field, known))
}

/// Columns that are no property by that label.
fn find_apart<'k>(column: &str, known: &Known<'k>) -> Found<'k> {
    if column == "Record ID" {
        let id = known.properties.iter().find(|property| property.name == OBJECT_ID);
        return id.map_or(Found::Nothing, |id| Found::Property(id, Writing::AsItIs));
    }
    let associated =
        ASSOCIATED.iter().find(|(name, kind)| *name == column && known.others.contains(kind));
    associated.map_or(Found::Nothing, |(_, kind)| Found::Associated(*kind))
}

enum Found<'k> {
    Nothing,
    Property(&'k Property, Writing),
    Associated(Kind),
    Unclear(String),
}

/// The name of a property in its history: its internal one as in exports, if the field goes by it.
fn told(field: &Field, property: &Property, column: &str) -> String {
    let by_name = |name: &String| name.eq_ignore_ascii_case(&property.name);
    if field.from().iter().any(by_name) { property.name.clone() } else { column.to_owned() }
}

/// Fields whose changes checks look at: stages and other lists, and the owner.
fn has_history(field: &Field) -> bool {
    field.kind() == Shape::Picklist || field.name() == "owner"
}

fn writing(property: &Property, by_label: bool, field: &Field, known: &Known<'_>) -> Writing {
    match property.values.as_str() {
        "datetime" => return Writing::Instant,
        "date" => return Writing::Day,
        _ if !by_label => return Writing::AsItIs,
        _ => {}
    }
    if property.referenced_object_type.as_deref() == Some("OWNER") {
        return if field.kind() == Shape::Id { Writing::AsItIs } else { Writing::OwnerName };
    }
    let options =
        property.options.iter().map(|option| (option.value.clone(), option.label.clone()));
    let mut labels: BTreeMap<String, String> = options.collect();
    let pipelines = known.pipelines.iter();
    match property.name.as_str() {
        "dealstage" | "hs_pipeline_stage" => labels.extend(
            pipelines.flat_map(|p| &p.stages).map(|stage| (stage.id.clone(), stage.label.clone())),
        ),
        "pipeline" | "hs_pipeline" => {
            labels.extend(pipelines.map(|p| (p.id.clone(), p.label.clone())));
        }
        _ => {}
    }
    if labels.is_empty() { Writing::AsItIs } else { Writing::Labels(labels) }
}

impl Writing {
    fn written(&self, value: &str, directory: &Directory) -> String {
        match self {
            Self::AsItIs => value.to_owned(),
            Self::Instant => millis(value).map_or_else(
                || value.to_owned(),
                |at| at.to_rfc3339_opts(SecondsFormat::Millis, true),
            ),
            Self::Day => {
                millis(value).map_or_else(|| value.to_owned(), |at| at.date_naive().to_string())
            }
            Self::Labels(labels) => {
                let label =
                    |value: &str| labels.get(value).map_or(value, String::as_str).to_owned();
                if labels.contains_key(value) || !value.contains(';') {
                    return label(value);
                }
                value.split(';').map(label).collect::<Vec<_>>().join(";")
            }
            Self::OwnerName => directory.owner(value).unwrap_or_else(|| value.to_owned()),
        }
    }
}

/// An instant that is sent as milliseconds since 1970.
fn millis(value: &str) -> Option<DateTime<Utc>> {
    // A day such as `20260714` is shorter.
    let long = value.len() > 9 && value.bytes().all(|byte| byte.is_ascii_digit());
    DateTime::from_timestamp_millis(value.parse().ok().filter(|_| long)?)
}

fn instant(value: &str) -> Option<DateTime<Utc>> {
    let written = || DateTime::parse_from_rfc3339(value).ok().map(|at| at.to_utc());
    millis(value).or_else(written)
}

/// Who owns records.
#[derive(Debug, Default)]
pub(super) struct Directory {
    owners: BTreeMap<String, Owner>,
}

impl Directory {
    /// Adds owners; one who is listed twice is the one that is not archived.
    pub(super) fn add(&mut self, owners: Vec<Owner>) {
        for owner in owners {
            let held = self.owners.get(&owner.id);
            if held.is_none_or(|held| held.archived) {
                self.owners.insert(owner.id.clone(), owner);
            }
        }
    }

    /// An owner as exports write them.
    fn owner(&self, id: &str) -> Option<String> {
        let owner = self.owners.get(id)?;
        let name = owner.name()?;
        Some(if owner.archived { format!("{name} (Deactivated User)") } else { name })
    }

    /// The owner who is this user.
    fn user(&self, id: u64) -> Option<String> {
        self.owner(&self.owners.values().find(|owner| owner.user_id == Some(id))?.id)
    }

    /// The rows of people or of queues, in the order of [`OWNER_COLUMNS`].
    pub(super) fn rows(&self, queues: bool) -> Vec<[String; 5]> {
        let owners = self.owners.values().filter(|owner| owner.is_queue() == queues);
        owners
            .map(|owner| {
                let team = owner.teams.iter().find(|team| team.primary).or(owner.teams.first());
                [
                    owner.id.clone(),
                    owner.name().unwrap_or_default(),
                    owner.email.clone().unwrap_or_default(),
                    (!owner.archived).to_string(),
                    team.map(|team| team.name.clone()).unwrap_or_default(),
                ]
            })
            .collect()
    }
}

impl Owner {
    fn is_queue(&self) -> bool {
        self.sort.as_deref() == Some("QUEUE")
    }

    fn name(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(|part| part.trim())
            .collect();
        let name = parts.join(" ").trim().to_owned();
        (!name.is_empty()).then_some(name)
    }
}
