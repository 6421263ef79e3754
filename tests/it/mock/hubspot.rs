//! A HubSpot account: what its API answers to the reads there are, and 405 to everything else.
//!
//! Like the real one it sends more than was asked, ignores property names it does not know, searches
//! no further than 10,000 rows into a query, and limits how often it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Reply, Request, Server};

pub(crate) const TOKEN: &str = "pat-eu1-5f0e2c7a-test-token";

/// Another account's, which the same host answers.
pub(crate) const SANDBOX: &str = "pat-eu1-19c4d0b8-sandbox-token";

/// Looks at a request before it is answered.
pub(crate) type Fault = dyn FnMut(&Request) -> Option<Reply> + Send;

/// One record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) properties: BTreeMap<String, String>,
    /// What a property was, the oldest first.
    pub(crate) history: BTreeMap<String, Vec<Was>>,
    pub(crate) archived: bool,
}

/// What a property was at a time.
#[derive(Debug, Clone)]
pub(crate) struct Was {
    pub(crate) value: String,
    pub(crate) at: String,
    /// The user who wrote it.
    pub(crate) user: Option<u64>,
    /// What else wrote it.
    pub(crate) source: String,
}

/// The records of a type and what is known of their properties.
#[derive(Debug, Clone, Default)]
pub(crate) struct Type {
    pub(crate) properties: Vec<Value>,
    pub(crate) records: BTreeMap<u64, Record>,
}

/// What is in the account, and how it answers.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) types: BTreeMap<String, Type>,
    pub(crate) owners: Vec<Value>,
    /// By type.
    pub(crate) pipelines: BTreeMap<String, Vec<Value>>,
    /// By the two types, then by record: the others, the primary one first.
    pub(crate) associations: BTreeMap<(String, String), BTreeMap<u64, Vec<u64>>>,
    /// At most so many of a record's others come at once.
    pub(crate) associated_at_once: Option<usize>,
    /// What the token may do; `None` where it cannot be asked, as with service keys.
    pub(crate) scopes: Option<Vec<String>>,
    /// The paths of `/v3` instead of those with a date.
    pub(crate) legacy: bool,
    /// How many searches a second are answered; the limit of the real one is 5.
    pub(crate) searches_a_second: usize,
    /// The most rows that one search hands out; 10,000 in the real one.
    pub(crate) searched_rows: usize,
    /// Looks at every request before it is answered.
    pub(crate) fault: Option<Box<Fault>>,
    /// When the last searches were.
    pub(crate) searched: VecDeque<Instant>,
}

impl Account {
    pub(crate) fn serve(self) -> Server {
        let account = Mutex::new(self);
        Server::start(move |asked| account.lock().unwrap().answer(asked))
    }

    pub(crate) fn answer(&mut self, asked: &Request) -> Reply {
        if let Some(answer) = self.fault.as_mut().and_then(|fault| fault(asked)) {
            return answer;
        }
        let shown = asked.heads.get("authorization").and_then(|it| it.strip_prefix("Bearer "));
        if shown.is_none_or(|token| ![TOKEN, SANDBOX].contains(&token)) {
            return refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
        }
        let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        let version = if self.legacy { "v3" } else { "2026-09" };
        let associated = if self.legacy { "v4" } else { "2026-09" };
        // The date stands behind the kind of thing, the old number before it.
        let path = match path.as_slice() {
            ["crm", "v3", kind, rest @ ..] if self.legacy => [&["crm", kind, "v3"], rest].concat(),
            ["crm", "v4", kind, rest @ ..] if self.legacy => [&["crm", kind, "v4"], rest].concat(),
            ["crm", _, "v3" | "v4", ..] => return refusal(404, "NOT_FOUND", "No such path."),
            path => path.to_vec(),
        };
        match (asked.verb.as_str(), path.as_slice()) {
            ("POST", ["oauth", "v2", "private-apps", "get", "access-token-info"]) => {
                self.token(asked)
            }
            ("GET", ["crm", "properties", v, kind]) if *v == version => self.properties(kind),
            ("GET", ["crm", "owners", v]) if *v == version => self.owned(asked),
            ("GET", ["crm", "pipelines", v, kind]) if *v == version => {
                let pipelines = self.pipelines.get(*kind).cloned().unwrap_or_default();
                Reply::json(&json!({ "results": pipelines }))
            }
            ("POST", ["crm", "objects", v, kind, "search"]) if *v == version => {
                self.search(kind, asked)
            }
            ("POST", ["crm", "objects", v, kind, "batch", "read"]) if *v == version => {
                self.batch(kind, asked)
            }
            ("POST", ["crm", "associations", v, from, to, "batch", "read"]) if *v == associated => {
                self.associated(from, to, asked)
            }
            _ => refusal(405, "METHOD_NOT_ALLOWED", "This is not on the list of reads."),
        }
    }

    fn token(&self, asked: &Request) -> Reply {
        match &self.scopes {
            Some(scopes) if [TOKEN, SANDBOX].iter().any(|it| asked.json()["tokenKey"] == *it) => {
                let info = json!({ "userId": 7, "hubId": 4_711_508, "appId": 9, "scopes": scopes });
                Reply::json(&info)
            }
            _ => refusal(404, "NOT_FOUND", "No private app has this token."),
        }
    }

    fn properties(&self, kind: &str) -> Reply {
        match self.types.get(kind) {
            Some(known) => Reply::json(&json!({ "results": known.properties })),
            None => missing_scope(kind),
        }
    }

    fn owned(&self, asked: &Request) -> Reply {
        let archived = asked.query.get("archived").is_some_and(|archived| archived == "true");
        let owners: Vec<&Value> =
            self.owners.iter().filter(|owner| owner["archived"] == archived).collect();
        let limit: usize = asked.query["limit"].parse().unwrap();
        assert!(limit <= 500, "no more than 500 owners a page");
        let after: usize = asked.query.get("after").map_or(0, |after| after.parse().unwrap());
        let page: Vec<_> = owners.iter().skip(after).take(limit).collect();
        let mut answer = json!({ "results": page });
        if after + page.len() < owners.len() {
            answer["paging"] = json!({ "next": { "after": (after + page.len()).to_string() } });
        }
        Reply::json(&answer)
    }

    fn search(&mut self, kind: &str, asked: &Request) -> Reply {
        let now = Instant::now();
        while self.searched.front().is_some_and(|at| now - *at >= Duration::from_secs(1)) {
            self.searched.pop_front();
        }
        if self.searched.len() >= self.searches_a_second {
            let limited = json!({
                "status": "error", "message": "You have reached your secondly limit.",
                "correlationId": "a", "category": "RATE_LIMITS"
            });
            return Reply::status(429, &limited);
        }
        self.searched.push_back(now);
        let Some(known) = self.types.get(kind) else { return missing_scope(kind) };
        if asked.body.len() > 3_000 {
            return refusal(400, "VALIDATION_ERROR", "The request is longer than 3000 characters.");
        }
        let limit = asked.json()["limit"].as_u64().unwrap();
        let after: usize = asked.json()["after"].as_str().unwrap().parse().unwrap();
        let limit = usize::try_from(limit).unwrap();
        if limit > 200 || after + limit > self.searched_rows {
            return refusal(400, "VALIDATION_ERROR", "There are no more rows.");
        }
        assert_eq!(
            asked.json()["sorts"],
            json!([{ "propertyName": "hs_object_id", "direction": "ASCENDING" }])
        );
        let body = asked.json();
        let groups = body["filterGroups"].as_array().unwrap();
        let found: Vec<(&u64, &Record)> = known
            .records
            .iter()
            .filter(|(_, record)| !record.archived)
            .filter(|(id, record)| groups.iter().any(|group| fits(group, **id, record)))
            .collect();
        let page: Vec<Value> = found
            .iter()
            .skip(after)
            .take(limit)
            .map(|(id, record)| shown(**id, record, &asked.json(), false))
            .collect();
        let mut answer = json!({ "total": found.len(), "results": page });
        if after + page.len() < found.len() {
            answer["paging"] = json!({ "next": { "after": (after + page.len()).to_string() } });
        }
        Reply::json(&answer)
    }

    fn batch(&self, kind: &str, asked: &Request) -> Reply {
        let Some(known) = self.types.get(kind) else { return missing_scope(kind) };
        let body = asked.json();
        let history = body["propertiesWithHistory"].as_array().unwrap();
        let ids = ids(asked);
        assert!(ids.len() <= if history.is_empty() { 100 } else { 50 }, "{} ids", ids.len());
        let found = |id: &u64| Some((*id, known.records.get(id).filter(|r| !r.archived)?));
        let results: Vec<Value> = ids
            .iter()
            .filter_map(found)
            .map(|(id, record)| shown(id, record, &asked.json(), true))
            .collect();
        let missing: Vec<String> =
            ids.iter().filter(|id| found(id).is_none()).map(u64::to_string).collect();
        let lost = json!({
            "status": "error", "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some CONTACT objects, they may be deleted or not exist.",
            "context": { "ids": missing },
        });
        multi(&results, if missing.is_empty() { Vec::new() } else { vec![lost] })
    }

    fn associated(&self, from: &str, to: &str, asked: &Request) -> Reply {
        if !self.types.contains_key(to) {
            return missing_scope(to);
        }
        let known = self.associations.get(&(from.to_owned(), to.to_owned()));
        let ids = ids(asked);
        assert!(ids.len() <= 1_000, "{} ids", ids.len());
        let body = asked.json();
        let places = body["inputs"].as_array().unwrap().iter().map(|input| {
            input["after"].as_str().map_or(0, |after| after.parse::<usize>().unwrap())
        });
        let most = self.associated_at_once.unwrap_or(usize::MAX);
        let results: Vec<Value> = ids
            .iter()
            .zip(places)
            .filter_map(|(id, from)| Some((id, from, known?.get(id)?)))
            .map(|(id, from, others)| {
                let to: Vec<Value> = others
                    .iter()
                    .enumerate()
                    .skip(from)
                    .take(most)
                    .map(|(at, other)| {
                        let label = if at == 0 { json!("Primary") } else { Value::Null };
                        json!({
                            "toObjectId": other,
                            "associationTypes": [
                                { "category": "HUBSPOT_DEFINED", "typeId": 279, "label": null },
                                { "category": "HUBSPOT_DEFINED", "typeId": 1, "label": label },
                            ]
                        })
                    })
                    .collect();
                let after = from + to.len();
                let mut one = json!({ "from": { "id": id.to_string() }, "to": to });
                if after < others.len() {
                    one["paging"] = json!({ "next": { "after": after.to_string() } });
                }
                one
            })
            .collect();
        let alone = ids.iter().filter(|id| known.is_none_or(|known| !known.contains_key(id)));
        let alone = alone.map(|id| {
            json!({
                "status": "error", "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": format!("No {to} is associated with {from} {id}."),
                "context": {
                    "fromObjectId": [id.to_string()], "fromObjectType": [from], "toObjectType": [to],
                },
            })
        });
        multi(&results, alone.collect())
    }
}

/// The ids that a batch asks for.
fn ids(asked: &Request) -> Vec<u64> {
    let body = asked.json();
    let inputs = body["inputs"].as_array().unwrap();
    inputs.iter().map(|input| input["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// The answer to a batch: 207 where something was not found.
fn multi(results: &[Value], errors: Vec<Value>) -> Reply {
    let mut answer = json!({ "status": "COMPLETE", "results": results });
    let status = if errors.is_empty() { 200 } else { 207 };
    if !errors.is_empty() {
        answer["numErrors"] = json!(errors.len());
        answer["errors"] = Value::Array(errors);
    }
    Reply::status(status, &answer)
}

/// A record as it is sent: what was asked for and exists, and what is always sent.
fn shown(id: u64, record: &Record, body: &Value, with_history: bool) -> Value {
    let asked = body["properties"].as_array().unwrap();
    let always = ["createdate", "hs_object_id", "lastmodifieddate"];
    let names = asked.iter().filter_map(Value::as_str).chain(always);
    let property = |name: &str| match name {
        "hs_object_id" => json!(id.to_string()),
        name => record.properties.get(name).map_or(Value::Null, |value| json!(value)),
    };
    let mut properties: serde_json::Map<String, Value> =
        names.map(|name| (name.to_owned(), property(name))).collect();
    properties.insert("hs_note_body".to_owned(), json!("canary"));
    let mut shown = json!({
        "id": id.to_string(),
        "properties": properties,
        "createdAt": record.properties.get("createdate"),
        "updatedAt": record.properties.get("lastmodifieddate"),
        "archived": record.archived,
    });
    if with_history {
        let asked = body["propertiesWithHistory"].as_array().unwrap();
        let histories = asked.iter().filter_map(Value::as_str).map(|name| {
            let versions = record.history.get(name).into_iter().flatten().rev();
            let versions = versions.map(|was| {
                json!({
                    "value": was.value, "timestamp": was.at, "sourceType": was.source,
                    "sourceId": "userId:7", "updatedByUserId": was.user,
                })
            });
            (name.to_owned(), versions.collect::<Vec<_>>().into())
        });
        shown["propertiesWithHistory"] = histories.collect::<serde_json::Map<_, _>>().into();
    }
    shown
}

/// Whether a record has what every filter of a group says.
fn fits(group: &Value, id: u64, record: &Record) -> bool {
    group["filters"].as_array().unwrap().iter().all(|filter| {
        let name = filter["propertyName"].as_str().unwrap();
        match filter["operator"].as_str().unwrap() {
            "HAS_PROPERTY" => return record.properties.contains_key(name),
            "NOT_HAS_PROPERTY" => return !record.properties.contains_key(name),
            _ => {}
        }
        let limit: i64 = filter["value"].as_str().unwrap().parse().unwrap();
        let value = match name {
            "hs_object_id" => Some(i64::try_from(id).unwrap()),
            name => record.properties.get(name).map(|value| millis(value)),
        };
        value.is_some_and(|value| match filter["operator"].as_str().unwrap() {
            "GT" => value > limit,
            "LT" => value < limit,
            "LTE" => value <= limit,
            other => panic!("the operator {other} is not used"),
        })
    })
}

fn millis(written: &str) -> i64 {
    DateTime::parse_from_rfc3339(written).unwrap().timestamp_millis()
}

/// An instant as the API writes it.
pub(crate) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(crate) fn refusal(status: u16, category: &str, message: &str) -> Reply {
    let body = json!({ "status": "error", "message": message, "correlationId": "a", "category": category });
    Reply::status(status, &body)
}

fn missing_scope(kind: &str) -> Reply {
    let scope = format!("crm.objects.{kind}.read");
    let body = json!({
        "status": "error", "message": "This app hasn't been granted all required scopes.",
        "correlationId": "a", "category": "MISSING_SCOPES",
        "errors": [{
            "message": "One or more of the following scopes are required.",
            "context": { "requiredGranularScopes": [scope] }
        }]
    });
    Reply::status(403, &body)
}
