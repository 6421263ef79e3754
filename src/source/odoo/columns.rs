//! Which fields of Odoo fill which fields of the boundary, and how their values are written.
//!
//! A field goes by its technical name or by its label. A linked record comes as its id where the
//! boundary says that the field is an id, else by its name; `stage_id.is_won` is a field of it. Of a
//! record's activities, `activity_ids.date_done`, the latest day is taken.
//!
//! Does not: ask, or decide what may be read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::boundary::{Boundary, Field, Kind as Shape};
use crate::source::json::Member;
use crate::source::place;

use super::question::{Model, Name};

/// What is known of a field.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Known {
    #[serde(rename = "type")]
    pub(super) sort: String,
    string: String,
    pub(super) relation: Option<String>,
    #[serde(default)]
    selection: Vec<(Member, String)>,
}

/// The fields of a model that this user may read.
pub(super) type Fields = BTreeMap<String, Known>;

/// What is asked for of one table, and which columns it comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The names of the columns, as the allowlist gives them.
    pub(super) header: Vec<String>,
    fills: Vec<Fill>,
    /// The fields to ask for.
    pub(super) fields: Vec<Name>,
    /// What is looked up in other models.
    pub(super) links: Vec<Link>,
    /// The days of activities of which the latest is taken.
    pub(super) activities: Vec<Name>,
    /// What the allowlist has to say more clearly.
    pub(super) unclear: Vec<String>,
}

/// A field of the records that a field links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The place of the linking field among those asked for.
    pub(super) at: usize,
    pub(super) model: Model,
    pub(super) field: Name,
    writing: Writing,
}

#[derive(Debug)]
enum Fill {
    /// The record's own id.
    Id,
    /// The field at this place.
    Own(usize, Writing),
    /// The link at this place.
    Linked(usize),
    /// The latest day of the activities' field at this place.
    Latest(usize),
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Writing {
    AsItIs,
    /// Yes or no; of all others `false` means that there is no value.
    Flag,
    /// An instant of UTC.
    Instant,
    /// An option by its label.
    Label(BTreeMap<String, String>),
}

/// What a column of the allowlist turns out to be.
enum Found {
    Nothing,
    Fill(Fill),
    Unclear(String),
}

impl Plan {
    /// Finds a field for every field that is read. `fields_of` gives the fields of a linked model that
    /// this user may read, if it may read any.
    pub(super) fn of<E>(
        known: &Fields,
        fields: &[&Field],
        boundary: &Boundary,
        mut fields_of: impl FnMut(&Model) -> Result<Option<Fields>, E>,
    ) -> Result<Self, E> {
        let mut plan = Self::default();
        for field in fields {
            for column in field.from() {
                match plan.find(column, field, known, boundary, &mut fields_of)? {
                    Found::Nothing => continue,
                    Found::Fill(fill) => {
                        plan.fills.push(fill);
                        plan.header.push(column.clone());
                    }
                    Found::Unclear(why) => plan.unclear.push(format!("`{field}`: {why}")),
                }
                break;
            }
        }
        Ok(plan)
    }

    fn find<E>(
        &mut self,
        column: &str,
        field: &Field,
        known: &Fields,
        boundary: &Boundary,
        fields_of: &mut impl FnMut(&Model) -> Result<Option<Fields>, E>,
    ) -> Result<Found, E> {
        if column == "id" {
            return Ok(Found::Fill(Fill::Id));
        }
        let (first, rest) = column.split_once('.').unwrap_or((column, ""));
        if first == "activity_ids" && !rest.is_empty() {
            return Ok(Name::parse(rest).map_or(Found::Nothing, |day| {
                Found::Fill(Fill::Latest(place(&mut self.activities, day)))
            }));
        }
        let mut labelled = known.iter().filter(|(_, known)| known.string == column);
        let ((name, its), by_label) = match (known.get_key_value(first), labelled.next()) {
            (Some(found), _) => (found, false),
            (None, Some(found)) => match labelled.next() {
                None => (found, true),
                Some((other, _)) => {
                    let one = found.0;
                    return Ok(Found::Unclear(format!(
                        "`{column}` is the label of `{one}` and of `{other}`; name one of them in `from`"
                    )));
                }
            },
            (None, None) => return Ok(Found::Nothing),
        };
        if let Some(pattern) = boundary.blocking(name).or_else(|| boundary.blocking(&its.string)) {
            let why = format!("`{column}` is the field `{name}`, blocked by `{pattern}`");
            return Ok(Found::Unclear(why));
        }
        let Some(own) = Name::parse(name) else { return Ok(Found::Nothing) };
        let linked = its.relation.as_deref().and_then(Model::parse);
        let Some(model) = linked.filter(|_| !rest.is_empty() || field.kind() != Shape::Id) else {
            if !rest.is_empty() {
                return Ok(Found::Unclear(format!("`{name}` links to no other record")));
            }
            let Some(writing) = writing(its, by_label) else {
                let why = format!("`{name}` is of the type `{}`, which is not read", its.sort);
                return Ok(Found::Unclear(why));
            };
            return Ok(Found::Fill(Fill::Own(place(&mut self.fields, own), writing)));
        };
        let theirs = if rest.is_empty() { "display_name" } else { rest };
        if let Some(pattern) = boundary.blocking(theirs) {
            return Ok(Found::Unclear(format!("`{theirs}` is blocked by `{pattern}`")));
        }
        // What this user may not see is not there: the packet names the field as absent.
        let Some(fields) = fields_of(&model)? else { return Ok(Found::Nothing) };
        let found = fields.get(theirs).zip(Name::parse(theirs));
        let Some((their, name)) = found.filter(|(their, _)| their.relation.is_none()) else {
            return Ok(Found::Nothing);
        };
        let Some(writing) = writing(their, by_label) else {
            return Ok(Found::Unclear(format!("`{theirs}` is of the type `{}`", their.sort)));
        };
        let at = place(&mut self.fields, own);
        Ok(Found::Fill(Fill::Linked(place(
            &mut self.links,
            Link { at, model, field: name, writing },
        ))))
    }

    /// Leaves out the columns that a link fills, and gives the name of the first. What a record that this
    /// user may not see says is unknown: neither its id nor a blank stands for it.
    pub(super) fn without(&mut self, link: usize) -> String {
        let is_of_it = |fill: &Fill| matches!(fill, Fill::Linked(of) if *of == link);
        let fills = self.fills.iter().map(is_of_it).collect::<Vec<_>>();
        let mut columns = Vec::new();
        for (column, hidden) in std::mem::take(&mut self.header).into_iter().zip(fills) {
            if hidden { &mut columns } else { &mut self.header }.push(column);
        }
        self.fills.retain(|fill| !is_of_it(fill));
        columns.into_iter().next().unwrap_or_default()
    }

    /// Whether a link still fills a column.
    pub(super) fn is_read(&self, link: usize) -> bool {
        self.fills.iter().any(|fill| matches!(fill, Fill::Linked(of) if *of == link))
    }

    /// The cells of one record.
    pub(super) fn row(
        &self,
        id: u64,
        members: &[Member],
        looked_up: &LookedUp,
    ) -> Result<Vec<String>, &'static str> {
        let own = |at: usize| members.get(at).unwrap_or(&Member::Missing);
        let cell = |fill: &Fill| match fill {
            Fill::Id => Ok(id.to_string()),
            Fill::Own(at, writing) => writing.written(own(*at)),
            Fill::Linked(link) => {
                let Some(to) = self.links.get(*link) else { return Ok(String::new()) };
                let names: Result<Vec<String>, _> = linked(own(to.at))?
                    .into_iter()
                    .map(|id| match looked_up.links.get(*link).and_then(|known| known.get(&id)) {
                        Some(value) => to.writing.written(value),
                        None => Err("a link to a record that was not looked up"),
                    })
                    .collect();
                Ok(names?.join(";"))
            }
            Fill::Latest(at) => {
                let latest = looked_up.activities.get(*at).and_then(|days| days.get(&id));
                Ok(latest.cloned().unwrap_or_default())
            }
        };
        self.fills.iter().map(cell).collect()
    }
}

/// What other models say about the records of a page.
#[derive(Debug, Default)]
pub(super) struct LookedUp {
    /// By link, then by the linked record.
    pub(super) links: Vec<BTreeMap<u64, Member>>,
    /// By field of the activities, then by the record.
    pub(super) activities: Vec<BTreeMap<u64, String>>,
}

/// The ids that a linking field holds.
pub(super) fn linked(member: &Member) -> Result<Vec<u64>, &'static str> {
    let one = |member: &Member| match member {
        Member::Text(id) => id.parse().map_err(|_| "a link that is no id"),
        Member::Flag(_) | Member::List(_) | Member::Null | Member::Missing => {
            Err("a link that is no id")
        }
    };
    match member {
        Member::Flag(false) | Member::Null => Ok(Vec::new()),
        Member::List(ids) => ids.iter().map(one).collect(),
        Member::Flag(true) | Member::Text(_) | Member::Missing => Ok(vec![one(member)?]),
    }
}

/// How the values of a field are written, if it is a field that a column can hold.
fn writing(known: &Known, by_label: bool) -> Option<Writing> {
    Some(match known.sort.as_str() {
        "boolean" => Writing::Flag,
        "datetime" => Writing::Instant,
        "selection" if by_label => {
            let labels = known.selection.iter().filter_map(|(value, label)| match value {
                Member::Text(value) => Some((value.clone(), label.clone())),
                Member::Missing | Member::Null | Member::Flag(_) | Member::List(_) => None,
            });
            Writing::Label(labels.collect())
        }
        "selection" | "char" | "text" | "date" | "integer" | "float" | "monetary" | "many2one"
        | "many2one_reference" | "many2many" | "one2many" => Writing::AsItIs,
        _ => return None,
    })
}

impl Writing {
    fn written(&self, value: &Member) -> Result<String, &'static str> {
        let text = match value {
            Member::Text(text) => text,
            Member::Flag(flag) if *self == Self::Flag => return Ok(flag.to_string()),
            Member::Flag(false) | Member::Null => return Ok(String::new()),
            Member::List(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| self.written(item)).collect();
                return Ok(items?.join(";"));
            }
            Member::Flag(true) => return Err("a field that is yes where a value should be"),
            Member::Missing => return Err("a field that was asked for is gone"),
        };
        Ok(match self {
            Self::AsItIs => text.clone(),
            Self::Flag => return Err("a value where yes or no should be"),
            // `2026-11-21 00:59:37`, of UTC without saying so.
            Self::Instant => format!("{}Z", text.replacen(' ', "T", 1)),
            Self::Label(labels) => labels.get(text).unwrap_or(text).clone(),
        })
    }
}
