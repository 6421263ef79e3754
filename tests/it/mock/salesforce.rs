//! An org of Salesforce for tests: it answers the questions on the list of reads as the documentation
//! says, and remembers every request that is not on the list.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::{Reply, Request, Server};

pub(crate) const SECRET: &str = "s3cret-of-the-app-9f31";
pub(crate) const TOKEN: &str = "00D5g000004Abcd!AQ8AQTOKENx7731yTOKENz";
pub(crate) const VERSION: &str = "67.0";

/// A table: its fields as describe tells them, and its records, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) records: BTreeMap<String, Map<String, Value>>,
    pub(crate) fields: Vec<(String, Option<String>)>,
    pub(crate) writable: bool,
}

/// What may become of an answer before it goes back: by the request, its answer, and how often the same
/// was asked before.
pub(crate) type Fault = dyn Fn(&Request, Reply, usize) -> Reply + Send + Sync;

/// A running org.
pub(crate) struct Org {
    pub(crate) server: Server,
    state: Arc<State>,
}

struct State {
    tables: Mutex<BTreeMap<String, Table>>,
    results: Mutex<Vec<Found>>,
    page: usize,
    scheme: &'static str,
    forbidden: Mutex<Vec<String>>,
    asked: Mutex<BTreeMap<String, usize>>,
    used: AtomicU64,
    looks: AtomicU64,
    fault: Box<Fault>,
}

/// The result of a query: the table's name, the columns, the ids.
type Found = (String, Vec<String>, Vec<String>);

impl Org {
    pub(crate) fn start(tables: BTreeMap<String, Table>, page: usize, fault: Box<Fault>) -> Self {
        let state = Arc::new(State::new(tables, page, "http", fault));
        let served = Arc::clone(&state);
        Self { server: Server::start(move |request| served.answer(request)), state }
    }

    /// By https, with a certificate of `mock/tls`.
    pub(crate) fn start_tls(
        certificate: &str,
        tables: BTreeMap<String, Table>,
        page: usize,
        fault: Box<Fault>,
    ) -> Self {
        let state = Arc::new(State::new(tables, page, "https", fault));
        let served = Arc::clone(&state);
        Self {
            server: Server::start_tls(certificate, move |request| served.answer(request)),
            state,
        }
    }

    /// The org of a folder of exports.
    pub(crate) fn of_exports(folder: &Path) -> Self {
        Self::start(exports(folder), 100, Box::new(|_, reply, _| reply))
    }

    /// Requests that are not on the list of reads.
    pub(crate) fn forbidden(&self) -> Vec<String> {
        self.state.forbidden.lock().unwrap().clone()
    }
}

impl State {
    fn new(
        tables: BTreeMap<String, Table>,
        page: usize,
        scheme: &'static str,
        fault: Box<Fault>,
    ) -> Self {
        Self {
            tables: Mutex::new(tables),
            results: Mutex::default(),
            page,
            scheme,
            forbidden: Mutex::default(),
            asked: Mutex::default(),
            used: AtomicU64::new(10),
            looks: AtomicU64::new(0),
            fault,
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let key = format!("{} {} {:?}", request.verb, request.path, request.query);
        let before = {
            let mut asked = self.asked.lock().unwrap();
            let times = asked.entry(key).or_default();
            *times += 1;
            *times - 1
        };
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        let reply = self
            .read(request)
            .unwrap_or_else(|| {
                let what = format!("{} {}", request.verb, request.path);
                self.forbidden.lock().unwrap().push(what);
                Reply::status(405, &json!([{"errorCode": "METHOD_NOT_ALLOWED", "message": "no"}]))
            })
            .with("Sforce-Limit-Info", format!("api-usage={used}/15000"))
            .with("Date", "Mon, 23 Nov 2026 06:00:00 GMT");
        (self.fault)(request, reply, before)
    }

    /// The answer to a question on the list of reads; nothing for any other request.
    fn read(&self, request: &Request) -> Option<Reply> {
        let data = format!("/services/data/v{VERSION}");
        let verb = request.verb.as_str();
        if (verb, request.path.as_str()) == ("POST", "/services/oauth2/token") {
            return Some(self.token(request));
        }
        if (verb, request.path.as_str()) == ("POST", &format!("{data}/jobs/query")) {
            return self.job(request);
        }
        if verb != "GET" {
            return None;
        }
        if request.path == "/services/data/" {
            return Some(Reply::json(&json!([
                {"label": "Winter", "url": "/services/data/v66.0", "version": "66.0"},
                {"label": "Summer", "url": data, "version": VERSION},
            ])));
        }
        let rest = request.path.strip_prefix(&data)?;
        if request.heads.get("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Some(fault(401, "INVALID_SESSION_ID", "Session expired or invalid"));
        }
        if let Some(table) = rest.strip_prefix("/sobjects/") {
            return Some(self.describe(table.strip_suffix("/describe")?));
        }
        if rest == "/query" {
            return Some(self.query(request.query.get("q")?));
        }
        if let Some(job) = rest.strip_prefix("/jobs/query/750") {
            return self.piece(job, request);
        }
        let (result, from) = rest.strip_prefix("/query/0r8")?.split_once('-')?;
        let known =
            result.parse::<usize>().ok().filter(|at| *at < self.results.lock().unwrap().len());
        Some(match (known, from.parse()) {
            (Some(result), Ok(from)) => self.page(result, from),
            _ => fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        })
    }

    fn token(&self, request: &Request) -> Reply {
        let form = request.form();
        let is_app = form.get("grant_type").is_some_and(|grant| grant == "client_credentials")
            && form.get("client_secret").is_some_and(|secret| secret == SECRET);
        let is_signed = form.get("assertion").is_some_and(|word| word.split('.').count() == 3);
        if !is_app && !is_signed {
            let fault = json!({"error": "invalid_client", "error_description": "invalid client"});
            return Reply::status(400, &fault);
        }
        let host = &request.heads["host"];
        Reply::json(&json!({
            "access_token": TOKEN, "token_type": "Bearer", "instance_url": format!("{}://{host}", self.scheme),
            "id": "https://login.salesforce.com/id/00D/005", "issued_at": "1795413600000",
            "signature": "c2lnbmVk", "scope": "api",
        }))
    }

    /// A job, which comes to its records in an order of its own.
    fn job(&self, request: &Request) -> Option<Reply> {
        let body: BTreeMap<String, String> = serde_json::from_str(&request.body).ok()?;
        let soql = body.get("query")?.as_str();
        // What is not said is as it is here.
        let is_usual = |(name, value): (&String, &String)| match name.as_str() {
            "query" => true,
            "operation" => value == "query",
            "contentType" => value == "CSV",
            "columnDelimiter" => value == "COMMA",
            "lineEnding" => value == "LF",
            _ => false,
        };
        let is_query = body.contains_key("operation") && body.iter().all(is_usual);
        if !is_query || soql.contains("ORDER BY") || soql.contains("COUNT()") {
            return None;
        }
        let Reply::Whole { status: 200, .. } = self.query(soql) else {
            return Some(fault(400, "API_ERROR", "no"));
        };
        let mut results = self.results.lock().unwrap();
        let job = results.len() - 1;
        let (name, columns, mut ids) = results[job].clone();
        // Another order each time.
        ids.sort_by_key(|id| {
            id.bytes().rev().map(|b| b ^ u8::try_from(job).unwrap()).collect::<Vec<_>>()
        });
        results[job] = (name.clone(), columns, ids);
        Some(Reply::json(&json!({
            "id": format!("750{job:012}AAA"), "operation": "query", "object": name,
            "state": "UploadComplete", "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": 67.0, "lineEnding": "LF", "columnDelimiter": "COMMA",
        })))
    }

    /// How far a job is, or a piece of its result.
    fn piece(&self, rest: &str, request: &Request) -> Option<Reply> {
        let (job, what) =
            rest.split_once('/').map_or((rest, None), |(job, what)| (job, Some(what)));
        let result: usize = job.strip_suffix("AAA")?.parse().ok()?;
        let Some((name, columns, ids)) = self.results.lock().unwrap().get(result).cloned() else {
            return Some(fault(404, "NOT_FOUND", "no such job"));
        };
        let Some(what) = what else {
            let looks = self.looks.fetch_add(1, Ordering::Relaxed);
            let state = if looks.is_multiple_of(2) { "InProgress" } else { "JobComplete" };
            return Some(Reply::json(&json!({"id": format!("750{job}"), "state": state})));
        };
        if what != "results" {
            return None;
        }
        let from = match request.query.get("locator") {
            None => 0,
            Some(locator) => locator.strip_prefix("MTAw")?.parse().ok()?,
        };
        // Without a limit an org gives some hundred thousand at a time.
        let most = if request.query.contains_key("maxRecords") { self.page } else { 100_000 };
        let to = (from + most).min(ids.len());
        let tables = self.tables.lock().unwrap();
        let mut out =
            csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        out.write_record(&columns).unwrap();
        for id in &ids[from..to] {
            let record = &tables[&name].records[id];
            let cell = |column: &String| match &record.get(column).cloned().unwrap_or(Value::Null) {
                Value::Null => String::new(),
                Value::String(text) => text.replace("+0000", "Z"),
                other
                @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    other.to_string()
                }
            };
            out.write_record(columns.iter().map(cell)).unwrap();
        }
        let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
        let next = if to < ids.len() { format!("MTAw{to}") } else { "null".to_owned() };
        Some(
            Reply::text(200, "text/csv", &text)
                .with("Sforce-Locator", next)
                .with("Sforce-NumberOfRecords", (to - from).to_string()),
        )
    }

    /// The first page of a query, or the number of its records.
    fn query(&self, soql: &str) -> Reply {
        let Some((columns, name, conditions)) = parsed(soql) else {
            self.forbidden.lock().unwrap().push(soql.to_owned());
            return fault(400, "MALFORMED_QUERY", "unexpected token");
        };
        let tables = self.tables.lock().unwrap();
        let Some(table) = tables.get(&name) else {
            return fault(400, "INVALID_TYPE", "sObject type is not supported");
        };
        for column in &columns {
            let (first, rest) =
                column.split_once('.').map_or((column.as_str(), None), |(a, b)| (a, Some(b)));
            let known = table.fields.iter().any(|(field, link)| match rest {
                None => field == first,
                Some(rest) => {
                    let linked = tables.get(first);
                    link.as_deref() == Some(first)
                        && linked.is_none_or(|it| it.fields.iter().any(|(name, _)| name == rest))
                }
            });
            if !known && column != "COUNT()" {
                let message = format!("No such column '{column}' on entity '{name}'.");
                return fault(400, "INVALID_FIELD", &message);
            }
        }
        let holds = |record: &Map<String, Value>| conditions.iter().all(|holds| holds(record));
        let ids: Vec<String> = table
            .records
            .iter()
            .filter(|(_, record)| holds(record))
            .map(|(id, _)| id.clone())
            .collect();
        if columns == ["COUNT()"] {
            return Reply::json(&json!({"totalSize": ids.len(), "done": true, "records": []}));
        }
        drop(tables);
        let mut results = self.results.lock().unwrap();
        results.push((name, columns, ids));
        let last = results.len() - 1;
        drop(results);
        self.page(last, 0)
    }

    fn page(&self, result: usize, from: usize) -> Reply {
        let (name, columns, ids) = self.results.lock().unwrap()[result].clone();
        let tables = self.tables.lock().unwrap();
        let to = (from + self.page).min(ids.len());
        let shown = ids.get(from..to).unwrap_or_default();
        let records = shown.iter().filter_map(|id| tables[&name].records.get(id));
        let records: Vec<Value> = records.map(|record| chosen(&name, &columns, record)).collect();
        let mut page = json!({"totalSize": ids.len(), "done": to == ids.len(), "records": records});
        if to < ids.len() {
            page["nextRecordsUrl"] =
                json!(format!("/services/data/v{VERSION}/query/0r8{result}-{to}"));
        }
        Reply::json(&page)
    }

    fn describe(&self, name: &str) -> Reply {
        let tables = self.tables.lock().unwrap();
        let Some(table) = tables.get(name) else {
            return fault(404, "NOT_FOUND", "The requested resource does not exist");
        };
        let fields: Vec<Value> = table
            .fields
            .iter()
            .map(|(name, link)| {
                json!({
                    "name": name, "label": name, "type": "string", "relationshipName": link,
                    "referenceTo": link.as_slice(), "createable": false, "updateable": false, "filterable": true,
                    "nillable": true, "picklistValues": [],
                })
            })
            .collect();
        let writable = table.writable;
        Reply::json(&json!({
            "name": name, "queryable": true, "createable": writable, "updateable": writable,
            "deletable": false, "mergeable": false, "undeletable": false, "fields": fields,
        }))
    }
}

fn fault(status: u16, code: &str, message: &str) -> Reply {
    Reply::status(status, &json!([{"errorCode": code, "message": message}]))
}

type Condition = Box<dyn Fn(&Map<String, Value>) -> bool>;

/// The columns, the table and the conditions of a query of the one shape that may be asked.
fn parsed(soql: &str) -> Option<(Vec<String>, String, Vec<Condition>)> {
    let (columns, rest) = soql.strip_prefix("SELECT ")?.split_once(" FROM ")?;
    let (name, rest) = rest.split_once(" WHERE ")?;
    let rest = rest.strip_suffix(" ORDER BY Id").unwrap_or(rest);
    let mut conditions: Vec<Condition> = Vec::new();
    for condition in rest.split(" AND ") {
        let text = |record: &Map<String, Value>, name: &str| {
            record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        conditions.push(if let Some(made) = condition.strip_prefix("(CreatedDate < ") {
            let (before, ahead) = made.strip_suffix("Z)")?.split_once("Z OR CreatedDate > ")?;
            let (before, ahead) = (before.to_owned(), ahead.to_owned());
            Box::new(move |record| {
                let made = text(record, "CreatedDate");
                made < before || made > ahead
            })
        } else if let Some(id) = condition.strip_prefix("Id > '") {
            let id = id.strip_suffix('\'')?.to_owned();
            Box::new(move |record| text(record, "Id") > id)
        } else if condition == "Type = 'Queue'" {
            Box::new(move |record| text(record, "Type") == "Queue")
        } else if let Some(list) = condition.strip_prefix("Field IN (") {
            let list: Vec<String> = list
                .strip_suffix(')')?
                .split(", ")
                .map(|quoted| quoted.trim_matches('\'').to_owned())
                .collect();
            Box::new(move |record| list.contains(&text(record, "Field")))
        } else {
            return None;
        });
    }
    Some((columns.split(", ").map(str::to_owned).collect(), name.to_owned(), conditions))
}

/// A record as a page shows it: the columns that were asked for, in the shape of JSON.
fn chosen(table: &str, columns: &[String], record: &Map<String, Value>) -> Value {
    let attributes = |table: &str| json!({"type": table, "url": "/services/data/x"});
    let mut out = json!({"attributes": attributes(table)});
    for column in columns {
        let value = record.get(column).cloned().unwrap_or(Value::Null);
        match column.split_once('.') {
            None => out[column.as_str()] = value,
            Some((link, _)) if value.is_null() => {
                if out.get(link).is_none() {
                    out[link] = Value::Null;
                }
            }
            Some((link, field)) => {
                if !out[link].is_object() {
                    out[link] = json!({"attributes": attributes(link)});
                }
                out[link][field] = value;
            }
        }
    }
    out
}

/// The tables of a folder of Salesforce exports, with the values as the API writes them.
pub(crate) fn exports(folder: &Path) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for name in ["Lead", "Contact", "Account", "Opportunity", "User", "Group"] {
        tables.insert(name.to_owned(), table(&rows(&folder.join(format!("{name}.csv"))), ""));
    }
    let members = renamed(
        rows(&folder.join("CampaignMember.csv")),
        &[
            ("Member ID", "LeadOrContactId"),
            ("Campaign Name", "Campaign.Name"),
            ("Campaign Type", "Campaign.Type"),
            ("Member First Responded Date", "FirstRespondedDate"),
            ("Responded", "HasResponded"),
        ],
    );
    tables.insert("CampaignMember".to_owned(), table(&members, "00v"));
    for (prefix, name, parent) in [
        ("00Q", "LeadHistory", "LeadId"),
        ("003", "ContactHistory", "ContactId"),
        ("001", "AccountHistory", "AccountId"),
        ("006", "OpportunityFieldHistory", "OpportunityId"),
    ] {
        let mut changes = rows(&folder.join("FieldHistory.csv"));
        changes.retain(|row| {
            row.iter().any(|(name, id)| name == "ParentId" && id.starts_with(prefix))
        });
        let changes = renamed(changes, &[("ParentId", parent)]);
        let mut history = table(&changes, "017");
        if changes.is_empty() {
            let names =
                ["Id", parent, "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"];
            history.fields = names.map(|name| (name.to_owned(), None)).to_vec();
        }
        tables.insert(name.to_owned(), history);
    }
    let links: Vec<String> = tables
        .values()
        .filter_map(|table: &Table| table.records.values().next())
        .flat_map(|record| record.keys().filter(|name| name.contains('.')).cloned())
        .collect();
    for (table, field) in links.iter().filter_map(|name| name.split_once('.')) {
        let linked: &mut Table = tables.entry(table.to_owned()).or_default();
        linked.fields.push((field.to_owned(), None));
    }
    tables
}

type Row = Vec<(String, String)>;

fn rows(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |record: csv::StringRecord| {
        header.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn renamed(mut rows: Vec<Row>, names: &[(&str, &str)]) -> Vec<Row> {
    for (name, _) in rows.iter_mut().flatten() {
        if let Some((_, to)) = names.iter().find(|(from, _)| from == name) {
            *name = (*to).to_owned();
        }
    }
    rows
}

/// A table of rows; where they have no id, ids of their own with this prefix.
fn table(rows: &[Row], prefix: &str) -> Table {
    let mut table = Table::default();
    for (at, row) in rows.iter().enumerate() {
        let mut record: Map<String, Value> =
            row.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
        let id = record.entry("Id").or_insert_with(|| json!(format!("{prefix}5g{at:010}AAA")));
        let id = id.as_str().unwrap().to_owned();
        record.entry("CreatedDate").or_insert_with(|| json!("2020-01-01T00:00:00.000+0000"));
        table.records.insert(id, record);
    }
    if let Some(record) = table.records.values().next() {
        for name in record.keys() {
            let field = match name.split_once('.') {
                None => (name.clone(), None),
                Some((link, _)) => (format!("{link}Id"), Some(link.to_owned())),
            };
            if !table.fields.contains(&field) {
                table.fields.push(field);
            }
        }
    }
    table
}

/// A cell of an export as the API writes it.
fn value(name: &str, text: &str) -> Value {
    let is_number = ["NumberOfEmployees", "ZI_Employees__c", "Amount", "PushCount"].contains(&name);
    match text {
        "" => Value::Null,
        "true" => json!(true),
        "false" => json!(false),
        text if is_number => match text.parse::<i64>() {
            Ok(whole) => json!(whole),
            Err(_) => json!(text.parse::<f64>().unwrap()),
        },
        text if text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T' => {
            json!(format!("{}+0000", text.trim_end_matches('Z')))
        }
        text => json!(text),
    }
}
