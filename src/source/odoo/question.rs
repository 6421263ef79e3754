//! The questions that are asked of Odoo, and the only words they can hold.
//!
//! JSON-2 lets a client call any public method of a model; here the methods are four, and all of them
//! read.
//! Does not: ask.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::boundary::Object;

/// Every question that is asked of Odoo.
#[derive(Debug)]
pub enum Question {
    /// Whether this user may do that with the records of a model (`has_access`).
    Access(Model, Operation),
    /// The fields of a model that this user may read (`fields_get`).
    Fields(Model),
    /// How many records there are (`search_count`).
    Count(Model, Domain),
    /// Records in the order of their ids (`search_read`).
    Read(Read),
}

impl Question {
    /// The model that is asked.
    pub(in crate::source) fn model(&self) -> &Model {
        match self {
            Self::Access(model, _) | Self::Fields(model) | Self::Count(model, _) => model,
            Self::Read(read) => &read.model,
        }
    }

    /// The method that is called.
    pub(in crate::source) fn method(&self) -> &'static str {
        match self {
            Self::Access(..) => "has_access",
            Self::Fields(_) => "fields_get",
            Self::Count(..) => "search_count",
            Self::Read(_) => "search_read",
        }
    }

    pub(in crate::source) fn body(&self) -> Value {
        match self {
            Self::Access(_, operation) => json!({ "operation": operation.name() }),
            Self::Fields(_) => {
                json!({ "attributes": ["type", "string", "relation", "selection"] })
            }
            Self::Count(_, domain) => {
                json!({ "domain": domain.conditions, "context": domain.context() })
            }
            Self::Read(read) => json!({
                "domain": read.domain.conditions,
                "context": read.domain.context(),
                "fields": read.fields.iter().map(Name::as_str).collect::<Vec<_>>(),
                "order": read.order.words(),
                "limit": read.limit,
                // Linked records come as their ids alone: their names would be read with them.
                "load": "",
            }),
        }
    }
}

/// What a user may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Read.
    Read,
    /// Make new ones.
    Create,
    /// Change.
    Write,
    /// Delete.
    Unlink,
}

impl Operation {
    /// All but reading.
    pub(super) const CHANGING: [Self; 3] = [Self::Create, Self::Write, Self::Unlink];

    /// Odoo's word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Write => "write",
            Self::Unlink => "unlink",
        }
    }
}

/// The name of a database, where a server has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database(String);

impl Database {
    /// A name as databases of Odoo have them.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let fits = (1..=63).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it was given.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A model's name, such as `crm.lead`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model(Cow<'static, str>);

impl Model {
    /// That of activities.
    pub(super) const ACTIVITY: Self = Self(Cow::Borrowed("mail.activity"));

    /// A name as Odoo gives them to models.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= 64 && text.split('.').all(is_word);
        fits.then(|| Self(text.to_owned().into()))
    }

    /// As it stands in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A field's name, such as `user_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// That of every record's id.
    pub(super) const ID: Self = Self(Cow::Borrowed("id"));
    /// Of an activity, that of the record it belongs to.
    pub(super) const RES_ID: Self = Self(Cow::Borrowed("res_id"));

    /// A name as Odoo gives them to fields.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() <= 64 && is_word(text)).then(|| Self(text.to_owned().into()))
    }

    /// As it is asked.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !text.is_empty() && text.bytes().all(plain)
}

/// Which records of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    conditions: Vec<Value>,
    archived: bool,
}

impl Domain {
    /// Those that fill a table. What is archived is out of the way (a lost deal too), but for users:
    /// one who left is archived.
    pub(super) fn of(object: Object) -> Option<(Model, Self)> {
        let (model, conditions, archived) = match object {
            Object::Lead => ("crm.lead", vec![json!(["type", "=", "lead"])], false),
            Object::Deal => ("crm.lead", vec![json!(["type", "=", "opportunity"])], false),
            // What hangs below a partner may be an address for deliveries or invoices, which is nobody.
            Object::Contact => (
                "res.partner",
                vec![json!(["is_company", "=", false]), json!(["type", "in", ["contact", false]])],
                false,
            ),
            Object::Account => ("res.partner", vec![json!(["is_company", "=", true])], false),
            Object::User => ("res.users", vec![json!(["share", "=", false])], true),
            // A team does not own records, and its number may be that of a user.
            Object::Queue
            | Object::CampaignMember
            | Object::FieldHistory
            | Object::SystemRecord => return None,
        };
        Some((Model(Cow::Borrowed(model)), Self { conditions, archived }))
    }

    /// The records of these ids, archived or not.
    pub(super) fn ids(ids: &[u64]) -> Self {
        Self { conditions: vec![json!(["id", "in", ids])], archived: true }
    }

    /// The activities of these records, those that are done among them.
    pub(super) fn activities(model: &Model, ids: &[u64]) -> Self {
        let of = json!(["res_model", "=", model.0]);
        Self { conditions: vec![of, json!(["res_id", "in", ids])], archived: true }
    }

    /// Those of them that come behind an id.
    pub(super) fn behind(&self, id: u64) -> Self {
        self.and(json!(["id", ">", id]))
    }

    /// Those of them that are no newer than an id.
    pub(super) fn up_to(&self, id: u64) -> Self {
        self.and(json!(["id", "<=", id]))
    }

    fn and(&self, condition: Value) -> Self {
        let mut narrower = self.clone();
        narrower.conditions.push(condition);
        narrower
    }

    fn context(&self) -> Value {
        if self.archived { json!({ "active_test": false }) } else { json!({}) }
    }
}

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Of which model.
    pub model: Model,
    /// Which of them.
    pub domain: Domain,
    /// These fields and the id; never empty, which would mean all fields.
    pub fields: Vec<Name>,
    /// The first or the last ones.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

impl Read {
    /// So many records are asked for at once.
    pub(super) const PAGE: usize = 1_000;
}

/// By id, one way or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Rising,
    /// The newest first.
    Falling,
}

impl Order {
    fn words(self) -> &'static str {
        match self {
            Self::Rising => "id asc",
            Self::Falling => "id desc",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken_as_names() {
        for good in ["crm.lead", "res.partner", "x_studio.thing_2"] {
            assert!(Model::parse(good).is_some(), "{good}");
        }
        for bad in ["", "crm.lead/write", "crm..lead", "../web", "crm.lead?x", "Crm.Lead"] {
            assert!(Model::parse(bad).is_none(), "{bad}");
        }
        assert!(Name::parse("user_id").is_some());
        assert!(Name::parse("user_id.name").is_none());
    }

    #[test]
    fn a_page_names_its_fields_and_leaves_the_names_of_linked_records() {
        let (model, domain) = Domain::of(Object::Deal).unwrap();
        let fields = vec![Name::parse("user_id").unwrap()];
        let domain = domain.up_to(90).behind(7);
        let read = Read { model, domain, fields, order: Order::Rising, limit: 2 };
        let question = Question::Read(read);
        assert_eq!((question.model().as_str(), question.method()), ("crm.lead", "search_read"));
        let expected = json!({
            "domain": [["type", "=", "opportunity"], ["id", "<=", 90], ["id", ">", 7]],
            "context": {},
            "fields": ["user_id"],
            "order": "id asc",
            "limit": 2,
            "load": "",
        });
        assert_eq!(question.body(), expected);
    }
}
