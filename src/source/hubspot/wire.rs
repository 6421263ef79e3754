//! The shapes of HubSpot's answers.
//!
//! Does not: ask, or know which field of the boundary a property fills.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::source::json::{Each, Member, Wanted};

/// What a token may do.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    pub(super) scopes: Vec<String>,
}

/// A list that comes whole, or page by page.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) results: Vec<T>,
    paging: Option<Paging>,
}

impl<T> Listed<T> {
    /// Where the next page begins.
    pub(super) fn after(&self) -> Option<&str> {
        after(self.paging.as_ref())
    }
}

fn after(paging: Option<&Paging>) -> Option<&str> {
    Some(paging?.next.as_ref()?.after.as_str())
}

#[derive(Debug, Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Next {
    after: String,
}

/// What is known of a property.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: String,
    #[serde(rename = "type")]
    pub(super) values: String,
    #[serde(default)]
    pub(super) options: Vec<Choice>,
    pub(super) referenced_object_type: Option<String>,
}

/// A value that a property may have.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
}

/// Someone, or a queue, that can own records.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) sort: Option<String>,
    pub(super) email: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) user_id: Option<u64>,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) teams: Vec<Team>,
}

/// A team of an owner.
#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) name: String,
    #[serde(default)]
    pub(super) primary: bool,
}

/// A pipeline and its stages.
#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) stages: Vec<Stage>,
}

/// A stage.
#[derive(Debug, Deserialize)]
pub(super) struct Stage {
    pub(super) id: String,
    pub(super) label: String,
}

/// The answer to a batch: what came, and what HubSpot says of the rest.
#[derive(Debug, Deserialize)]
pub(super) struct Batch<T> {
    pub(super) results: Vec<T>,
    #[serde(default)]
    errors: Vec<Failure>,
}

impl<T> Batch<T> {
    /// Whether HubSpot says of a record that it is not there, or has nothing of what was asked for. One
    /// that neither came nor is spoken of did not get its answer.
    pub(super) fn is_without(&self, id: u64) -> bool {
        let named = |failure: &Failure| failure.ids().any(|named| named == id);
        let unnamed = |failure: &Failure| failure.ids().next().is_none();
        self.errors.iter().any(|failure| named(failure) || unnamed(failure))
    }
}

/// Why records of a batch did not come.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    category: Member,
    #[serde(default)]
    sub_category: Member,
    #[serde(default)]
    context: BTreeMap<String, Vec<String>>,
}

impl Failure {
    /// Whether it says that there is nothing to send; all else passes, or is for people to look at.
    pub(super) fn is_absence(&self) -> bool {
        let ends = |word: &Member, end| matches!(word, Member::Text(word) if word.ends_with(end));
        ends(&self.category, "OBJECT_NOT_FOUND")
            || ends(&self.sub_category, "NO_ASSOCIATIONS_FOUND")
    }

    /// The records that it names: `ids`, or `fromObjectId`.
    fn ids(&self) -> impl Iterator<Item = u64> {
        let named = ["ids", "fromObjectId"].into_iter().filter_map(|name| self.context.get(name));
        named.flatten().filter_map(|id| id.parse().ok())
    }
}

/// What a record is associated with.
#[derive(Debug, Deserialize)]
pub(super) struct Associated {
    pub(super) from: From,
    pub(super) to: Vec<To>,
    paging: Option<Paging>,
}

impl Associated {
    /// Where its others go on, if there are more than were sent.
    pub(super) fn after(&self) -> Option<&str> {
        after(self.paging.as_ref())
    }
}

/// The record.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    pub(super) id: String,
}

/// One of the others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct To {
    pub(super) to_object_id: Member,
    #[serde(default)]
    pub(super) association_types: Vec<Label>,
}

impl To {
    /// The other record: primary ones are in front, which is where `false` is.
    pub(super) fn id(&self) -> Option<(bool, u64)> {
        let Member::Text(id) = &self.to_object_id else { return None };
        let primary = |label: &Label| label.label.as_deref() == Some("Primary");
        Some((!self.association_types.iter().any(primary), id.parse().ok()?))
    }
}

/// How the two are associated.
#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) label: Option<String>,
}

/// What a property was at a time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Was {
    pub(super) value: Option<String>,
    pub(super) timestamp: String,
    pub(super) source_type: Option<String>,
    pub(super) updated_by_user_id: Option<u64>,
}

/// A page of records.
#[derive(Debug)]
pub(super) struct Page {
    /// How many records the search finds, on this page and behind it.
    pub(super) total: u64,
    pub(super) records: Vec<Record>,
}

impl Page {
    /// How many records come behind this page.
    pub(super) fn left(&self) -> u64 {
        self.total.saturating_sub(self.records.len() as u64)
    }

    /// The ids of its records.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.records.iter().map(|record| record.id)
    }

    /// The last of them.
    pub(super) fn last(&self) -> Option<u64> {
        self.ids().last()
    }
}

/// A record: the properties that were asked for, in their order.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) properties: Vec<Member>,
}

/// A record, and what its properties were, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) id: u64,
    pub(super) history: Vec<Vec<Was>>,
}

/// Reads a page of a search: of each record these properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'w>(pub(super) &'w [String]);

impl<'de> DeserializeSeed<'de> for Pages<'_> {
    type Value = Page;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Page, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pages<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut total, mut results) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "total" => once(&mut total, map.next_value()?)?,
                "results" => {
                    let one = Part { name: "properties", seed: Wanted(self.0) };
                    once(&mut results, map.next_value_seed(Each(one))?)?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let results = results.ok_or_else(|| A::Error::missing_field("results"))?;
        let record = |(id, properties)| Record { id, properties };
        Ok(Page {
            total: total.ok_or_else(|| A::Error::missing_field("total"))?,
            records: results.into_iter().map(record).collect(),
        })
    }
}

/// Reads the answer to a batch: of each record the histories of these properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batches<'w>(pub(super) &'w [String]);

impl<'de> DeserializeSeed<'de> for Batches<'_> {
    type Value = Batch<Told>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Batches<'_> {
    type Value = Batch<Told>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut results, mut errors) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "results" => {
                    let one = Part { name: "propertiesWithHistory", seed: Histories(self.0) };
                    once(&mut results, map.next_value_seed(Each(one))?)?;
                }
                "errors" => once(&mut errors, map.next_value()?)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let results = results.ok_or_else(|| A::Error::missing_field("results"))?;
        Ok(Batch {
            results: results.into_iter().map(|(id, history)| Told { id, history }).collect(),
            errors: errors.unwrap_or_default(),
        })
    }
}

/// Reads of a record its id and one other part.
#[derive(Debug, Clone, Copy)]
struct Part<S> {
    name: &'static str,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Part<S> {
    type Value = (u64, S::Value);

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Part<S> {
    type Value = (u64, S::Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut part) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            if name == "id" {
                once(&mut id, map.next_value::<String>()?)?;
            } else if name == self.name {
                once(&mut part, map.next_value_seed(self.seed)?)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let id = id.ok_or_else(|| A::Error::missing_field("id"))?;
        let id = id.parse().map_err(|_| A::Error::custom("an id that is no number"))?;
        Ok((id, part.ok_or_else(|| A::Error::missing_field(self.name))?))
    }
}

/// Reads the histories of these properties.
#[derive(Debug, Clone, Copy)]
struct Histories<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Histories<'_> {
    type Value = Vec<Vec<Was>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Histories<'_> {
    type Value = Vec<Vec<Was>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("histories by property")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut histories: Vec<Vec<Was>> = self.0.iter().map(|_| Vec::new()).collect();
        while let Some(name) = map.next_key::<String>()? {
            let at = self.0.iter().position(|wanted| *wanted == name);
            match at.and_then(|at| histories.get_mut(at)) {
                Some(history) => *history = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(histories)
    }
}

/// Sets what may come once.
fn once<T, E: serde::de::Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        Some(_) => Err(E::custom("a member comes twice")),
        None => Ok(()),
    }
}
