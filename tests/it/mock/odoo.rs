//! An Odoo database: what JSON-2 answers to the four methods that read, and 405 to everything else.
//!
//! The shapes are those of Odoo 19: `false` for what is empty, instants without a zone, the id always
//! sent, 500 for a field there is not. `tests/odoo` runs against a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Map, Value, json};

use super::hubspot::Fault;
use super::{Reply, Request, Server};

pub(crate) const KEY: &str = "64b526b4936fba3230f40c6295530213b4e1934d";

/// A model: the fields this user may read, its records, and what this user may do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) fields: Map<String, Value>,
    pub(crate) records: BTreeMap<u64, Map<String, Value>>,
    pub(crate) may: BTreeSet<&'static str>,
}

/// What is in the database, and how it answers.
#[derive(Default)]
pub(crate) struct Database {
    pub(crate) models: BTreeMap<String, Model>,
    /// Looks at every request before it is answered.
    pub(crate) fault: Option<Box<Fault>>,
}

impl Database {
    pub(crate) fn serve(self) -> Server {
        let database = Mutex::new(self);
        Server::start(move |asked| database.lock().unwrap().answer(asked))
    }

    pub(crate) fn answer(&mut self, asked: &Request) -> Reply {
        if let Some(answer) = self.fault.as_mut().and_then(|fault| fault(asked)) {
            return answer;
        }
        let Some(call) = asked.path.strip_prefix("/json/2/").filter(|_| asked.verb == "POST")
        else {
            return fault(405, "werkzeug.exceptions.MethodNotAllowed");
        };
        if asked.heads.get("authorization").map(|shown| shown.to_lowercase())
            != Some(format!("bearer {KEY}"))
        {
            return fault(401, "werkzeug.exceptions.Unauthorized");
        }
        let (model, method) = call.split_once('/').unwrap();
        let Some(model) = self.models.get(model) else {
            return fault(404, "werkzeug.exceptions.NotFound");
        };
        let body = &asked.json();
        if method != "has_access" && method != "fields_get" && !model.may.contains("read") {
            return fault(403, "odoo.exceptions.AccessError");
        }
        match method {
            "has_access" => {
                let operation = body["operation"].as_str().unwrap();
                Reply::json(&json!(model.may.contains(operation)))
            }
            "fields_get" => Reply::json(&json!(model.fields)),
            "search_count" => Reply::json(&json!(model.found(body).len())),
            "search_read" => model.read(body),
            _ => fault(405, "werkzeug.exceptions.MethodNotAllowed"),
        }
    }
}

impl Model {
    fn found(&self, body: &Value) -> Vec<(&u64, &Map<String, Value>)> {
        let archived = body["context"]["active_test"] == json!(false);
        let conditions = body["domain"].as_array().unwrap();
        self.records
            .iter()
            .filter(|(_, record)| archived || record.get("active") != Some(&json!(false)))
            .filter(|(id, record)| {
                conditions.iter().all(|condition| holds(condition, **id, record))
            })
            .collect()
    }

    fn read(&self, body: &Value) -> Reply {
        let fields: Vec<&str> = body["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field.as_str().unwrap())
            .collect();
        assert!(!fields.is_empty(), "without fields a real one sends them all");
        assert_eq!(body["load"], json!(""), "the names of linked records would be sent");
        if fields.iter().any(|field| !self.fields.contains_key(*field)) {
            return fault(500, "builtins.ValueError");
        }
        let mut found = self.found(body);
        match body["order"].as_str().unwrap() {
            "id asc" => {}
            "id desc" => found.reverse(),
            other => panic!("the order {other} is not used"),
        }
        let limit = usize::try_from(body["limit"].as_u64().unwrap()).unwrap();
        let page = found.into_iter().take(limit).map(|(id, record)| {
            let mut shown = Map::from_iter([("id".to_owned(), json!(id))]);
            for field in &fields {
                if *field != "id" {
                    let value = record.get(*field).cloned().unwrap_or(json!(false));
                    shown.insert((*field).to_owned(), value);
                }
            }
            Value::Object(shown)
        });
        Reply::json(&page.collect())
    }
}

/// Whether a record is as a condition says.
fn holds(condition: &Value, id: u64, record: &Map<String, Value>) -> bool {
    let name = condition[0].as_str().unwrap();
    let value = match name {
        "id" => json!(id),
        name => record.get(name).cloned().unwrap_or(json!(false)),
    };
    let limit = &condition[2];
    match condition[1].as_str().unwrap() {
        "=" => value == *limit,
        ">" => value.as_u64() > limit.as_u64(),
        "<=" => value.as_u64() <= limit.as_u64(),
        "in" => limit.as_array().unwrap().contains(&value),
        other => panic!("the operator {other} is not used"),
    }
}

/// What Odoo sends with a fault: a name, and the traceback.
pub(crate) fn fault(status: u16, name: &str) -> Reply {
    let body = json!({
        "name": name, "message": "canary-message", "arguments": ["canary-argument"], "context": {},
        "debug": "Traceback (most recent call last): canary-debug",
    });
    Reply::status(status, &body)
}
