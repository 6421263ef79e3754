//! The questions that are asked of HubSpot, and the only words they can hold.
//!
//! Searches and batches are posted because they are long; each has a path of its own here, since the
//! same beginning of a path leads to reads and to writes.
//! Does not: ask.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::boundary::Object;
use crate::source::secret::Secret;

/// HubSpot gives properties no longer names.
const LONGEST_NAME: usize = 100;

/// The property that is every record's id.
pub(super) const OBJECT_ID: &str = "hs_object_id";

/// Every question that is asked of HubSpot.
#[derive(Debug)]
pub enum Question {
    /// What the token of a private app may do.
    Scopes(Secret),
    /// The properties of a type.
    Properties(Version, Kind),
    /// Owners and queues: those of today or those that are archived; a page behind a cursor.
    Owners(Version, Archived, Option<Cursor>),
    /// The pipelines of a type and their stages.
    Pipelines(Version, Kind),
    /// Records in the order of their ids.
    Search(Version, Search),
    /// What the properties of these records were.
    History(Version, History),
    /// The records of another type that these are associated with.
    Associations(Version, Associations),
}

/// Which paths are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Those of September 2026.
    Dated,
    /// Those of before: `v3`, and `v4` for associations.
    Legacy,
}

impl Version {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Dated, Self::Legacy];

    /// As the config and the packet name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dated => "2026-09",
            Self::Legacy => "v3",
        }
    }

    /// The path of a kind of thing.
    pub(in crate::source) fn path(self, thing: &str, rest: &str) -> String {
        match (self, thing) {
            (Self::Dated, _) => format!("/crm/{thing}/{}{rest}", self.name()),
            (Self::Legacy, "associations") => format!("/crm/v4/{thing}{rest}"),
            (Self::Legacy, _) => format!("/crm/{}/{thing}{rest}", self.name()),
        }
    }
}

/// Owners of today, or those who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archived {
    /// Of today.
    No,
    /// Who left.
    Yes,
}

impl Archived {
    /// As it stands in an address.
    pub(in crate::source) fn word(self) -> &'static str {
        match self {
            Self::No => "false",
            Self::Yes => "true",
        }
    }
}

/// A type of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Leads of the sales workspace.
    Leads,
    /// People.
    Contacts,
    /// Companies.
    Companies,
    /// Deals.
    Deals,
}

impl Kind {
    /// All of them, in reading order.
    pub const ALL: [Self; 4] = [Self::Leads, Self::Contacts, Self::Companies, Self::Deals];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::Deals => "deals",
        }
    }

    /// What a token has to have to read its records.
    pub(super) fn scope(self) -> String {
        format!("crm.objects.{}.read", self.name())
    }

    /// The table that its records fill.
    pub(super) fn object(self) -> Object {
        match self {
            Self::Leads => Object::Lead,
            Self::Contacts => Object::Contact,
            Self::Companies => Object::Account,
            Self::Deals => Object::Deal,
        }
    }

    /// Whether its records have pipelines.
    pub(super) fn has_pipelines(self) -> bool {
        matches!(self, Self::Leads | Self::Deals)
    }
}

/// When a record was created. HubSpot lists both properties for many types and fills one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// As contacts, companies, deals and leads tell it; people and imports may have changed it.
    Claimed,
    /// As HubSpot noted it, of a type that has not the other one.
    Noted,
}

impl Created {
    /// The property that says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Claimed => "createdate",
            Self::Noted => "hs_createdate",
        }
    }
}

/// Where the next page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor as HubSpot gives it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Records of a type in the order of their ids, behind one of them. Each page is the first of a search
/// of its own: so there is no end at 10,000 records, and each answer says how many are left.
#[derive(Debug, Clone)]
pub struct Search {
    /// The type.
    pub kind: Kind,
    /// The properties to send.
    pub properties: Vec<String>,
    /// The last id of the page before.
    pub behind: u64,
    /// Created before this instant, or at no instant that can be true: what belongs to the answer is
    /// frozen there.
    pub before: DateTime<Utc>,
    /// The property that says when a record was created.
    pub created: Created,
    /// Those alone that have a value of this property.
    pub having: Option<String>,
    /// At most so many on the page.
    pub limit: usize,
}

/// No pull takes longer; what is dated further ahead has a wrong date, which is for the review to see.
const AHEAD: chrono::Duration = chrono::Duration::days(3);

impl Search {
    /// HubSpot sends no more records on a page.
    pub(super) const PAGE: usize = 200;
    /// HubSpot takes no question of more than 3,000 characters; conditions and brackets need some 1,200.
    const ROOM: usize = 1_700;

    /// Properties, as many at a time as one question has room for.
    pub(super) fn parts(properties: &[String]) -> Vec<&[String]> {
        let mut length = 0;
        let parts = properties.chunk_by(|property, _| {
            // With quotes and a comma.
            length += property.len() + 3;
            let fits = length <= Self::ROOM - LONGEST_NAME;
            if !fits {
                length = 0;
            }
            fits
        });
        parts.collect()
    }

    pub(in crate::source) fn body(&self) -> Value {
        let filter = |name: &str, operator: &str, value: String| json!({ "propertyName": name, "operator": operator, "value": value });
        let is = |name: &str, operator: &str| json!({ "propertyName": name, "operator": operator });
        let millis = |at: DateTime<Utc>| at.timestamp_millis().to_string();
        let created = self.created.name();
        // A record without a date, or with one far ahead, would be in no search by dates.
        let group = |condition: Value| {
            let mut filters = vec![condition, filter(OBJECT_ID, "GT", self.behind.to_string())];
            filters.extend(self.having.as_ref().map(|name| is(name, "HAS_PROPERTY")));
            json!({ "filters": filters })
        };
        json!({
            "filterGroups": [
                group(filter(created, "LT", millis(self.before))),
                group(filter(created, "GT", millis(self.before + AHEAD))),
                group(is(created, "NOT_HAS_PROPERTY")),
            ],
            "sorts": [{ "propertyName": OBJECT_ID, "direction": "ASCENDING" }],
            "properties": self.properties,
            "limit": self.limit,
            "after": "0",
        })
    }
}

/// The history of properties of these records, and their present values.
#[derive(Debug, Clone)]
pub struct History {
    /// The type.
    pub kind: Kind,
    /// Which properties.
    pub properties: Vec<String>,
    /// Which records.
    pub ids: Vec<u64>,
}

impl History {
    /// HubSpot takes no more records at once.
    pub(super) const MOST: usize = 50;

    pub(in crate::source) fn body(&self) -> Value {
        json!({
            // Without any, HubSpot sends a choice of its own.
            "properties": [OBJECT_ID],
            "propertiesWithHistory": self.properties,
            "inputs": inputs(&self.ids),
        })
    }
}

/// What these records are associated with.
#[derive(Debug, Clone)]
pub struct Associations {
    /// Their type.
    pub from: Kind,
    /// The type of the others.
    pub to: Kind,
    /// Which records, each with the place where its others go on, if some came.
    pub of: Vec<(u64, Option<Cursor>)>,
}

impl Associations {
    pub(in crate::source) fn body(&self) -> Value {
        let input = |(id, after): &(u64, Option<Cursor>)| match after {
            Some(after) => json!({ "id": id.to_string(), "after": after.as_str() }),
            None => json!({ "id": id.to_string() }),
        };
        json!({ "inputs": self.of.iter().map(input).collect::<Vec<_>>() })
    }
}

fn inputs(ids: &[u64]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "id": id.to_string() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_is_longer_than_hubspot_takes() {
        let properties: Vec<String> = (0..300).map(|n| format!("{:x<90}{n}", "")).collect();
        let parts = Search::parts(&properties);
        assert_eq!(parts.concat(), properties);
        for part in parts {
            let search = Search {
                kind: Kind::Contacts,
                properties: part.to_vec(),
                behind: u64::MAX,
                before: DateTime::<Utc>::MAX_UTC - AHEAD,
                created: Created::Noted,
                having: Some(format!("{:x<LONGEST_NAME$}", "")),
                limit: Search::PAGE,
            };
            let length = search.body().to_string().len();
            assert!(
                (2_000..3_000).contains(&length) || part.last() == properties.last(),
                "{length}"
            );
        }
    }

    #[test]
    fn the_two_generations_of_paths() {
        let path = |version: Version, thing| version.path(thing, "/contacts");
        assert_eq!(path(Version::Dated, "objects"), "/crm/objects/2026-09/contacts");
        assert_eq!(path(Version::Dated, "associations"), "/crm/associations/2026-09/contacts");
        assert_eq!(path(Version::Legacy, "objects"), "/crm/v3/objects/contacts");
        assert_eq!(path(Version::Legacy, "associations"), "/crm/v4/associations/contacts");
    }
}
