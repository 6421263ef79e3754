//! Salesforce as a source, against an org that records every request and can fail in every way.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crm_review::boundary::Field;
use serde_json::{Value, json};

use crate::canary::held_while_writing;
use crate::job::{Job, Said, word};
use crate::mock::salesforce::{Fault, Org, SECRET, TOKEN, Table, VERSION, exports as exports_of};
use crate::mock::{Reply, Request};
use crate::pulled::{assert_same, pulled};

const DAY: &str = "2026-11-23";

/// Acme's review folder, pulling from an org.
fn acme(org: &Org, more: &str) -> Job {
    let job = Job::acme("salesforce");
    for name in [
        "Lead",
        "Contact",
        "Account",
        "Opportunity",
        "User",
        "Group",
        "CampaignMember",
        "FieldHistory",
    ] {
        std::fs::remove_file(job.path(&format!("exports/{name}.csv"))).unwrap();
    }
    let review = job.text("review.toml");
    let (head, rest) = review.split_once("[source.files]").unwrap();
    let (_, tail) = rest.split_once("[batch]").unwrap();
    let live = format!(
        "[source.live]\nhost = \"{}\"\nclient_id = \"3MVG9\"\nclient_secret = {{ env = \"APP_SECRET\" }}\n\
         timeout_seconds = 2\n{more}\n",
        org.server.url()
    );
    let files = "[source.files]\nsystem_record = \"Billing.csv\"\n\n";
    job.put("review.toml", &format!("{head}{live}\n{files}[batch]{tail}"));
    let boundary = "rules/boundary.toml";
    for (label, name) in [
        ("Member ID", "LeadOrContactId"),
        ("Campaign Name", "Campaign.Name"),
        ("Campaign Type", "Campaign.Type"),
        ("Member First Responded Date", "FirstRespondedDate"),
    ] {
        job.edit(
            boundary,
            &format!("from = \"{label}\""),
            &format!("from = [\"{label}\", \"{name}\"]"),
        );
    }
    job
}

fn run(job: &Job) -> Said {
    let mut command = job.command(&["run", ".", "--as-of", DAY]);
    crate::job::said(command.env("APP_SECRET", SECRET))
}

fn exports() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/acme/salesforce/exports")
}

/// Findings without the names of files, columns and lines.
pub(crate) fn facts(job: &Job) -> Vec<Value> {
    let text = job.text(&format!("runs/{DAY}/findings.jsonl"));
    text.lines()
        .map(|line| {
            let mut finding: Value = serde_json::from_str(line).unwrap();
            strip(&mut finding);
            finding
        })
        .collect()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for name in ["column", "file", "line"] {
                map.remove(name);
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::String(words) => {
            if let Some((front, rest)) = words.split_once(" on line ") {
                let (_, back) = rest.split_once(" looks like").unwrap();
                *words = format!("{front} looks like{back}");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn the_same_records_give_the_same_findings_by_api_and_by_export() {
    let org = Org::of_exports(&exports());
    let live = acme(&org, "");
    let said = run(&live).ends(0);
    assert_eq!(org.forbidden(), Vec::<String>::new());
    assert!(!format!("{said:?}").contains(SECRET));

    let files = Job::acme("salesforce");
    files.call(&["run", ".", "--as-of", DAY]).ends(0);
    let (by_api, by_export) = (facts(&live), facts(&files));
    for (api, export) in by_api.iter().zip(&by_export) {
        assert_eq!(api, export);
    }
    assert_eq!(by_api.len(), by_export.len());
    assert!(!live.has(".pull"), "what was kept is gone");
    for (path, bytes) in live.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{}", path.display());
    }
}

/// A small job: accounts of an org that has a thousand of them, and its users.
fn accounts(org: &Org, more: &str) -> Job {
    let patience = if more.contains("patience") { "" } else { "patience_seconds = 60" };
    let review = format!(
        "organisation = \"Acme\"\ntime_zone = \"UTC\"\n\n[source]\ncrm = \"salesforce\"\n\n[source.live]\n\
         host = \"{}\"\nclient_id = \"3MVG9\"\nclient_secret = {{ env = \"APP_SECRET\" }}\n\
         timeout_seconds = 3\n{patience}\n{more}\n",
        org.server.url()
    );
    Job::new(&[
        ("review.toml", &review),
        ("rules/boundary.toml", BOUNDARY),
        ("rules/approvals.toml", crate::job::APPROVALS),
    ])
}

const BOUNDARY: &str = r#"[account.fields]
id = { from = "Id", why = "Names the record in evidence." }
name = { from = "Name", why = "Finds the same company twice." }
owner = { from = "OwnerId", why = "Finds records nobody works." }
website = { from = "Website", why = "Finds the same company twice." }

[user.fields]
id = { from = "Id", why = "Names the person." }
name = { from = "Name", why = "Names the person in findings." }
active = { from = "IsActive", why = "Finds owners who left." }
"#;

const ACCOUNTS: usize = 1_000;

fn thousand() -> BTreeMap<String, Table> {
    let field = |name: &str| (name.to_owned(), None);
    let mut account = Table {
        fields: ["Id", "Name", "OwnerId", "Website", "Description"].map(field).to_vec(),
        ..Table::default()
    };
    for at in 0..ACCOUNTS {
        let id = format!("001{at:012}AAA");
        let record = json!({
            "Id": id, "Name": format!("Works {at}"), "OwnerId": "0055g0000000001AAA", "Website": null,
            "Description": CANARY, "CreatedDate": "2024-01-01T00:00:00.000+0000",
        });
        account.records.insert(id, record.as_object().unwrap().clone());
    }
    let mut user =
        Table { fields: ["Id", "Name", "IsActive"].map(field).to_vec(), ..Table::default() };
    let record = json!({
        "Id": "0055g0000000001AAA", "Name": "Eve Moss", "IsActive": true,
        "CreatedDate": "2024-01-01T00:00:00.000+0000",
    });
    user.records.insert("0055g0000000001AAA".to_owned(), record.as_object().unwrap().clone());
    BTreeMap::from([("Account".to_owned(), account), ("User".to_owned(), user)])
}

const CANARY: &str = "CANARY-of-a-blocked-field-7731";

/// What a run under a fault has to come to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Comes {
    /// Every record, once, and a complete packet.
    Whole,
    /// A packet that says what is missing.
    Short,
    /// No packet, and words with this in them.
    Loud(&'static str),
}
use Comes::{Loud, Short, Whole};

/// Changes an answer: the request, the answer, how often it was asked before.
type Change = fn(&Request, Reply, usize) -> Reply;

/// Changes the page behind the first four hundred accounts, each time it is asked for.
fn third(request: &Request) -> bool {
    request.path.ends_with("-400")
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap()
}

/// The third page, once changed by hand.
fn page(request: &Request, reply: Reply, change: impl Fn(&mut Value)) -> Reply {
    if !third(request) {
        return reply;
    }
    let mut body = json_of(&reply);
    change(&mut body);
    Reply::json(&body)
}

/// Any page with the 405th account, changed by hand.
fn record(reply: Reply, change: impl Fn(&mut Value)) -> Reply {
    let Reply::Whole { body, .. } = &reply else { return reply };
    if !String::from_utf8_lossy(body).contains("001000000000405AAA") {
        return reply;
    }
    let mut body = json_of(&reply);
    for record in body["records"].as_array_mut().unwrap() {
        if record["Id"] == "001000000000405AAA" {
            change(record);
        }
    }
    Reply::json(&body)
}

fn fault(status: u16, code: &str) -> Reply {
    Reply::status(status, &json!([{"errorCode": code, "message": CANARY}]))
}

/// Every way in which the way to the third page of accounts can go wrong, and what it comes to.
const FAULTS: &[(&str, Comes, Change)] = &[
    ("nothing is wrong", Whole, |_, reply, _| reply),
    ("later, in a second", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => fault(429, "REQUEST_LIMIT").with("Retry-After", "1"),
        _ => reply,
    }),
    ("later, at an instant", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => fault(429, "X")
            .with("Retry-After", "Mon, 23 Nov 2026 06:00:01 GMT")
            .with("Date", "Mon, 23 Nov 2026 06:00:00 GMT"),
        _ => reply,
    }),
    ("later, in a day", Loud("come back in 24 hours"), |ask, reply, _| {
        if third(ask) { fault(429, "X").with("Retry-After", "86400") } else { reply }
    }),
    ("500 once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(500, "text/plain", "oops"),
        _ => reply,
    }),
    ("503 once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(503, "text/plain", "busy"),
        _ => reply,
    }),
    ("406 without a body, then 420", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(406, "text/plain", ""),
        (true, 1) => Reply::text(420, "text/html", "<html>"),
        _ => reply,
    }),
    ("a query that takes too long, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => fault(400, "QUERY_TIMEOUT"),
        _ => reply,
    }),
    ("the day's limit is used up", Loud("are used up"), |ask, reply, _| {
        if third(ask) { fault(403, "REQUEST_LIMIT_EXCEEDED") } else { reply }
    }),
    ("the share of the day is used up", Loud("this job stops at 12000"), |ask, reply, _| {
        if third(ask) {
            let body = json_of(&reply);
            return Reply::json(&body).with("Sforce-Limit-Info", "api-usage=12500/15000");
        }
        reply
    }),
    ("a body that stalls, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::Stall(reply.bytes()[..2000].to_vec()),
        _ => reply,
    }),
    ("a body that stalls", Loud("no whole answer came in time"), |ask, reply, _| {
        if third(ask) { Reply::Stall(reply.bytes()[..2000].to_vec()) } else { reply }
    }),
    ("a body that drips, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::Drip(reply.bytes()),
        _ => reply,
    }),
    ("a body that drips", Loud("no whole answer came in time"), |ask, reply, _| {
        if third(ask) { Reply::Drip(reply.bytes()) } else { reply }
    }),
    ("a body that is cut, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => reply.cut(),
        _ => reply,
    }),
    ("a body that is cut", Whole, |ask, reply, _| if third(ask) { reply.cut() } else { reply }),
    ("every body is cut", Loud("sent no whole answer in 5 tries"), |ask, reply, _| {
        let all =
            ask.path.contains("/query/") || ask.query.get("q").is_some_and(|q| q.contains("Id >"));
        if all { reply.cut() } else { reply }
    }),
    ("gzip", Whole, |ask, reply, _| if third(ask) { reply.gzip(1) } else { reply }),
    ("gzip that is cut, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => reply.gzip(2),
        _ => reply,
    }),
    ("gzip that is cut", Whole, |ask, reply, _| if third(ask) { reply.gzip(2) } else { reply }),
    ("gzip of far more than it seems, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(200, "application/json", &" ".repeat(65 << 20)).gzip(1),
        _ => reply,
    }),
    ("a chunk without its end, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::unframed("Transfer-Encoding: chunked\r\n", b"bb8\r\n{\"records\":["),
        _ => reply,
    }),
    ("a body without a length that is cut, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::unframed("", &json_of(&reply).to_string().as_bytes()[..5000]),
        _ => reply,
    }),
    ("the token runs out", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => fault(401, "INVALID_SESSION_ID"),
        _ => reply,
    }),
    ("no token is good any more", Loud("does not accept the login"), |ask, reply, _| {
        if third(ask) { fault(401, "INVALID_SESSION_ID") } else { reply }
    }),
    ("a login page, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(200, "text/html", "<html><body>Login</body></html>"),
        _ => reply,
    }),
    ("nothing, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(200, "application/json", ""),
        _ => reply,
    }),
    ("null, then an error, then no records", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::json(&Value::Null),
        (true, 1) => fault(200, "UNKNOWN_EXCEPTION"),
        (true, 2) => Reply::json(&json!({"totalSize": 1000, "done": true})),
        _ => reply,
    }),
    ("a page is left out", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            let next = body["nextRecordsUrl"].as_str().unwrap().replace("-600", "-800");
            body["nextRecordsUrl"] = json!(next);
        })
    }),
    ("no way on", Whole, |ask, reply, _| {
        page(ask, reply, |body| body["nextRecordsUrl"] = Value::Null)
    }),
    ("done too early", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            body["nextRecordsUrl"] = Value::Null;
            body["done"] = json!(true);
        })
    }),
    ("a page that comes twice", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            for (at, record) in body["records"].as_array_mut().unwrap().iter_mut().enumerate() {
                record["Id"] = json!(format!("001{:012}AAA", 200 + at));
            }
        })
    }),
    ("a page too many", Whole, |ask, reply, _| {
        if !ask.path.ends_with("-800") {
            return reply;
        }
        let mut body = json_of(&reply);
        body["nextRecordsUrl"] = json!(format!("{}200", ask.path.strip_suffix("800").unwrap()));
        Reply::json(&body)
    }),
    ("a cursor that leads back", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            let next = body["nextRecordsUrl"].as_str().unwrap().replace("-600", "-200");
            body["nextRecordsUrl"] = json!(next);
        })
    }),
    ("a cursor that leads to itself", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            let next = body["nextRecordsUrl"].as_str().unwrap().replace("-600", "-400");
            body["nextRecordsUrl"] = json!(next);
        })
    }),
    ("a cursor that is not known any more", Whole, |ask, reply, _| {
        if third(ask) { fault(400, "INVALID_QUERY_LOCATOR") } else { reply }
    }),
    ("an empty page", Whole, |ask, reply, _| page(ask, reply, |body| body["records"] = json!([]))),
    ("a record on two pages", Whole, |ask, reply, _| {
        page(ask, reply, |body| body["records"][7]["Id"] = json!("001000000000003AAA"))
    }),
    ("a total that changes", Whole, |ask, reply, _| {
        page(ask, reply, |body| body["totalSize"] = json!(1007))
    }),
    ("more are counted than come", Short, |ask, reply, _| {
        if ask.query.get("q").is_some_and(|q| q.contains("COUNT() FROM Account")) {
            return Reply::json(&json!({"totalSize": 1007, "done": true, "records": []}));
        }
        reply
    }),
    ("a field that is gone", Loud("the answer is not readable"), |_, reply, _| {
        record(reply, |record| drop(record.as_object_mut().unwrap().remove("OwnerId")))
    }),
    ("a value of another shape", Loud("the answer is not readable"), |_, reply, _| {
        record(reply, |record| record["Name"] = json!({"v": CANARY}))
    }),
    ("a record without an id", Loud("the answer is not readable"), |_, reply, _| {
        record(reply, |record| record["Id"] = Value::Null)
    }),
    ("a record of another table", Loud("the answer is not readable"), |_, reply, _| {
        record(reply, |record| record["attributes"]["type"] = json!("Contact"))
    }),
    ("bytes that are no text", Loud("the answer is not readable"), |_, reply, _| {
        reply.saying("Works 405", b"Works \xff\xfe405")
    }),
    ("a key that comes twice", Loud("the answer is not readable"), |_, reply, _| {
        reply.saying("\"Name\":\"Works 405\"", b"\"Name\":\"Works 405\",\"Name\":\"Works 4\"")
    }),
    ("a number that is none", Loud("the answer is not readable"), |_, reply, _| {
        reply.saying("\"Works 405\"", b"NaN")
    }),
    ("lists within lists", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::text(200, "application/json", &"[".repeat(200_000)),
        (true, 1) => Reply::text(200, "application/json", &("{\"a\":".repeat(200_000))),
        _ => reply,
    }),
    ("a field that nobody asked for", Whole, |_, reply, _| {
        record(reply, |record| record["Description"] = json!(CANARY))
    }),
    ("to another host", Whole, |ask, reply, _| {
        if third(ask) { Reply::moved_to("https://localhost:1/steal") } else { reply }
    }),
    ("to plain http", Whole, |ask, reply, _| {
        if third(ask) { Reply::moved_to("http://localhost:1/steal") } else { reply }
    }),
    (
        "to itself",
        Whole,
        |ask, reply, _| if third(ask) { Reply::moved_to(&ask.path) } else { reply },
    ),
    ("the next page on another host", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            let next = format!("https://localhost:1{}", body["nextRecordsUrl"].as_str().unwrap());
            body["nextRecordsUrl"] = json!(next);
        })
    }),
    ("the next page on an @host", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            let next = format!("@localhost:1{}", body["nextRecordsUrl"].as_str().unwrap());
            body["nextRecordsUrl"] = json!(next);
        })
    }),
    ("the next page on another path", Whole, |ask, reply, _| {
        page(ask, reply, |body| {
            body["nextRecordsUrl"] =
                json!("/services/data/v67.0/sobjects/Account/describe?0r81-600");
        })
    }),
    ("a body without an end, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => Reply::unframed("", &vec![b' '; 65 << 20]),
        _ => reply,
    }),
    ("a head of megabytes, once", Whole, |ask, reply, n| match (third(ask), n) {
        (true, 0) => reply.with("X-A", "a".repeat(5_000_000)),
        _ => reply,
    }),
];

/// Runs the small job under a fault; gives what is wrong with how it ended.
fn under(name: &str, comes: Comes, change: Change) -> Result<(), String> {
    judged(name, comes, &Org::start(thousand(), 200, Box::new(change)), "")
}

/// Runs the small job against an org; gives what is wrong with how it ended.
fn judged(name: &str, comes: Comes, org: &Org, more: &str) -> Result<(), String> {
    let job = accounts(org, more);
    let said = run(&job);
    let mut wrong = Vec::new();
    let all = format!("{}{}", said.out, said.err);
    let expect = match comes {
        Whole => 0,
        Short => 1,
        Loud(_) => 3,
    };
    if said.code != expect {
        wrong.push(format!("ended with {}: {}", said.code, said.err));
    } else if let Loud(words) = comes {
        if !said.err.contains(words) {
            wrong.push(format!("said: {}", said.err));
        }
        if job.has("runs/2026-11-23/packet.html") {
            wrong.push("made a packet".to_owned());
        }
    } else {
        let manifest = job.json("runs/2026-11-23/manifest.json");
        let rows: Vec<_> = manifest["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| &input["rows_admitted"])
            .collect();
        if rows != [&json!(ACCOUNTS), &json!(1)] || job.has(".pull") {
            wrong.push(format!("admitted {rows:?}"));
        }
        if comes == Short && !all.contains("Routing exception rate: withheld") {
            wrong.push("did not withhold the rate".to_owned());
        }
    }
    if !org.forbidden().is_empty() {
        wrong.push(format!("asked {:?}", org.forbidden()));
    }
    let files = job.files().into_values().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    for text in files.chain([all]) {
        for secret in [SECRET, TOKEN, CANARY] {
            if text.contains(secret) {
                wrong.push(format!("{secret} got out"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{name}: {}", wrong.join("; "))) }
}

#[test]
fn no_fault_loses_a_record_or_a_secret() {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((name, comes, change)) =
                    FAULTS.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if let Err(words) = under(name, *comes, *change) {
                        wrong.lock().unwrap().push(words);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_crm_that_stays_busy_is_waited_for_as_long_as_the_patience_lasts() {
    let busy = |ask: &Request, reply: Reply, n: usize| {
        if third(ask) && n < 7 { fault(503, "X").with("Retry-After", "0") } else { reply }
    };
    let org = Org::start(thousand(), 200, Box::new(busy));
    judged("busy seven times", Whole, &org, "patience_seconds = 20").unwrap();
    let busy = |ask: &Request, reply: Reply, _| {
        let all =
            ask.path.contains("/query/") || ask.query.get("q").is_some_and(|q| q.contains("Id >"));
        if all { Reply::text(503, "text/plain", "busy") } else { reply }
    };
    let org = Org::start(thousand(), 200, Box::new(busy));
    judged("busy for ever", Loud("answered 503 in"), &org, "patience_seconds = 3").unwrap();
}

#[test]
fn a_host_that_cannot_prove_who_it_is_is_told_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mock/tls");
    let roots = format!("roots = \"{}\"", folder.join("ca.pem").display());
    for certificate in ["expired.pem", "other-host.pem", "self-signed.pem"] {
        let org = Org::start_tls(certificate, thousand(), 200, Box::new(|_, reply, _| reply));
        judged(certificate, Loud("cannot prove that it is 127.0.0.1"), &org, &roots).unwrap();
        assert_eq!(asked(&org), Vec::<String>::new(), "{certificate}");
    }
    // One that can and then breaks off, without the word that ends an encrypted conversation.
    let fault =
        |ask: &Request, reply: Reply, n| if third(ask) && n == 0 { reply.cut() } else { reply };
    let org = Org::start_tls("good.pem", thousand(), 200, Box::new(fault));
    judged("a connection that breaks off", Whole, &org, &roots).unwrap();
}

/// What was asked of an org: paths, and queries in words.
fn asked(org: &Org) -> Vec<String> {
    let requests = org.server.requests();
    requests.iter().map(|it| it.query.get("q").unwrap_or(&it.path).clone()).collect()
}

fn rows(job: &Job) -> Vec<Value> {
    let manifest = job.json("runs/2026-11-23/manifest.json");
    let inputs = manifest["inputs"].as_array().unwrap();
    inputs.iter().map(|input| input["rows_admitted"].clone()).collect()
}

#[test]
fn a_pull_that_is_killed_goes_on_where_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let mut tables = thousand();
    tables.get_mut("Account").unwrap().records.get_mut("001000000000005AAA").unwrap()["Name"] =
        json!(KEY);
    let fault = move |ask: &Request, reply: Reply, _| {
        if third(ask) && down.load(Ordering::Relaxed) { Reply::Stall(Vec::new()) } else { reply }
    };
    let org = Org::start(tables, 200, Box::new(fault));
    let job = accounts(&org, "");
    job.edit("review.toml", "timeout_seconds = 3", "timeout_seconds = 60");
    let mut command = job.command(&["run", ".", "--as-of", DAY]);
    let mut child = command.env("APP_SECRET", SECRET).spawn().unwrap();
    while !asked(&org).iter().any(|path| path.ends_with("-400")) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = job.path(".pull");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept), 0o700);
    for entry in std::fs::read_dir(&kept).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in [SECRET, TOKEN, CANARY, KEY] {
            assert!(!text.contains(secret), "{}", path.display());
        }
    }
    // A page that was being written when the power went.
    let torn = kept.join("0-account.jsonl");
    let whole = std::fs::read_to_string(&torn).unwrap();
    job.put(".pull/0-account.jsonl", &format!("{whole}{{\"l\":401,\"v\":[\"0010"));

    is_down.store(false, Ordering::Relaxed);
    let before = asked(&org).len();
    run(&job).ends(0);
    assert_eq!(rows(&job), [json!(1000), json!(1)]);
    assert!(!job.has(".pull"));
    let again: Vec<String> = asked(&org)[before..].to_vec();
    let pages: Vec<_> = again.iter().filter(|path| path.contains("/query/")).collect();
    assert_eq!(pages.len(), 3, "{again:?}");
    assert!(!again.iter().any(|path| path.contains("Website FROM Account")), "{again:?}");
    let findings = job.text("runs/2026-11-23/findings.jsonl");
    assert!(
        findings.contains("001000000000005AAA") && findings.contains("BAT-06"),
        "still withheld"
    );

    // Uninterrupted, the same comes out but for what is said of the value that was withheld.
    let other = accounts(&org, "");
    run(&other).ends(0);
    assert_eq!(facts(&other).len(), facts(&job).len());
}

/// A thousand accounts that say in a text when they were made. The first page's dates can be read day first
/// or month first; the last account's proves that the day comes first.
fn dated(last_of_the_first_page: &str) -> BTreeMap<String, Table> {
    let mut tables = thousand();
    let account = tables.get_mut("Account").unwrap();
    account.fields.push(("Made__c".to_owned(), None));
    let made = |at| match at {
        199 => last_of_the_first_page,
        999 => "25/12/2025",
        _ => "03/04/2025 10:22",
    };
    for (at, record) in account.records.values_mut().enumerate() {
        record.insert("Made__c".to_owned(), json!(made(at)));
    }
    tables
}

/// Runs the review of such accounts. Gives the digest of its accounts.
fn digest_of_dated(job: &Job) -> String {
    run(job).ends(0);
    let manifest = job.json("runs/2026-11-23/manifest.json");
    let input = &manifest["inputs"][0];
    assert_eq!(input["rows_admitted"], 1000);
    word(&input["sha256"])
}

fn dated_accounts(org: &Org) -> Job {
    let job = accounts(org, "");
    let field = "created = { from = \"Made__c\", why = \"The older record is kept.\" }\n";
    job.edit("rules/boundary.toml", "\n[user.fields]", &format!("{field}\n[user.fields]"));
    job
}

#[test]
fn dates_that_wait_for_their_column_are_part_of_the_digest() {
    let digest = |last: &str| {
        let org = Org::start(dated(last), 200, Box::new(|_, reply, _| reply));
        digest_of_dated(&dated_accounts(&org))
    };
    let first = digest("05/04/2025");
    assert_eq!(first, digest("05/04/2025"));
    assert_ne!(first, digest("06/04/2025"));
}

#[test]
fn records_that_are_left_out_are_part_of_a_whole_pull_and_stay_out_of_one_that_goes_on() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let mut tables = thousand();
    let account = tables.get_mut("Account").unwrap();
    account.fields.push(("Leave_Out__c".to_owned(), None));
    for (at, record) in account.records.values_mut().enumerate() {
        record.insert("Leave_Out__c".to_owned(), json!(at % 100 == 7));
    }
    let fault = move |ask: &Request, reply: Reply, _| {
        if third(ask) && down.load(Ordering::Relaxed) { Reply::Stall(Vec::new()) } else { reply }
    };
    let org = Org::start(tables, 200, Box::new(fault));
    let job = accounts(&org, "");
    let field =
        "excluded = { from = \"Leave_Out__c\", why = \"Whoever asks for it is left out.\" }\n";
    job.edit("rules/boundary.toml", "\n[user.fields]", &format!("{field}\n[user.fields]"));
    job.edit("review.toml", "timeout_seconds = 3", "timeout_seconds = 60");
    let mut command = job.command(&["run", ".", "--as-of", DAY]);
    let mut child = command.env("APP_SECRET", SECRET).spawn().unwrap();
    while !asked(&org).iter().any(|path| path.ends_with("-400")) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = job.text(".pull/0-account.jsonl");
    assert!(kept.contains("\"o\":\"excluded\"") && !kept.contains("Works 7\""));
    is_down.store(false, Ordering::Relaxed);
    run(&job).ends(0);
    assert_eq!(rows(&job), [json!(990), json!(1)]);
    let left_out = |job: &Job| {
        let manifest = job.json("runs/2026-11-23/manifest.json");
        let input = &manifest["inputs"][0];
        (input["rows_read"].clone(), input["rows_left_out"].clone(), input["sha256"].clone())
    };
    let (read, counts, digest) = left_out(&job);
    assert_eq!((read, counts), (json!(1000), json!({"excluded": 10})));
    // Uninterrupted, the same comes out.
    let other = accounts(&org, "");
    other.edit("rules/boundary.toml", "\n[user.fields]", &format!("{field}\n[user.fields]"));
    run(&other).ends(0);
    assert_eq!(left_out(&other).2, digest);
}

#[test]
fn a_login_that_may_do_more_than_read_is_refused_or_shown() {
    let mut tables = thousand();
    tables.get_mut("Account").unwrap().writable = true;
    let org = Org::start(tables, 200, Box::new(|_, reply, _| reply));
    let said = run(&accounts(&org, "")).ends(3);
    assert!(
        said.err.contains("may do more than read: Salesforce Account: create, edit"),
        "{}",
        said.err
    );
    assert!(!asked(&org).iter().any(|it| it.starts_with("SELECT")), "nothing is read");
    let job = accounts(&org, "grant = \"banner\"");
    let said = run(&job).ends(0);
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("may do more than read: Salesforce Account: create, edit"), "{words}");
    assert!(job.text("runs/2026-11-23/packet.html").contains("may do more than read"));
}

#[test]
fn what_may_not_be_seen_is_absent_and_never_blank() {
    let mut tables = thousand();
    tables.get_mut("Account").unwrap().fields.retain(|(name, _)| name != "Website");
    let org = Org::start(tables.clone(), 200, Box::new(|_, reply, _| reply));
    let job = accounts(&org, "");
    // In the first week as in any other.
    let said = run(&job).ends(1);
    assert!(
        said.err.contains("Salesforce Account: `account.website` (Website) is not there, or this"),
        "{}",
        said.err
    );
    let manifest = job.json("runs/2026-11-23/manifest.json");
    assert_eq!(manifest["inputs"][0]["fields_absent"], json!(["website"]));
    assert!(!asked(&org).iter().any(|it| it.contains("Website")), "it is not even asked for");

    tables.remove("User");
    let org = Org::start(tables.clone(), 200, Box::new(|_, reply, _| reply));
    let said = run(&accounts(&org, "")).ends(1);
    assert!(
        said.err.contains("Salesforce User is not there, or this login may not see it"),
        "{}",
        said.err
    );

    tables.get_mut("Account").unwrap().fields.retain(|(name, _)| name != "Id");
    let org = Org::start(tables, 200, Box::new(|_, reply, _| reply));
    let said = run(&accounts(&org, "")).ends(3);
    assert!(
        said.err.contains("Salesforce Account has none of `Id` for `account.id`"),
        "{}",
        said.err
    );
}

#[test]
fn a_field_of_a_linked_record_is_looked_for_where_it_would_be() {
    let mut tables = thousand();
    let link = ("Site__c".to_owned(), Some("Site__r".to_owned()));
    tables.get_mut("Account").unwrap().fields.push(link);
    let site = Table { fields: vec![("Address__c".to_owned(), None)], ..Table::default() };
    tables.insert("Site__r".to_owned(), site);
    let with = |org: &Org, name: &str| {
        let job = accounts(org, "");
        job.edit("rules/boundary.toml", "\"Website\"", &format!("\"{name}\""));
        job
    };
    let org = Org::start(tables.clone(), 200, Box::new(|_, reply, _| reply));
    run(&with(&org, "site__r.address__c")).ends(0);
    assert!(asked(&org).iter().any(|it| it.contains("Site__r.Address__c")));
    // Misspelt, and hidden.
    let said = run(&with(&org, "Site__r.Adress__c")).ends(1);
    let words = "Salesforce Account: `account.website` (Site__r.Adress__c) is not there";
    assert!(said.err.contains(words), "{}", said.err);
    tables.remove("Site__r");
    let org = Org::start(tables.clone(), 200, Box::new(|_, reply, _| reply));
    let said = run(&with(&org, "Site__r.Address__c")).ends(1);
    assert!(said.err.contains("(Site__r.Address__c) is not there"), "{}", said.err);
    // Described, and refused all the same.
    let refused = |ask: &Request, reply: Reply, _| {
        let reads = ask.query.get("q").is_some_and(|q| q.contains("Name FROM User"));
        if reads { fault(400, "INVALID_FIELD") } else { reply }
    };
    let org = Org::start(tables, 200, Box::new(refused));
    let said = run(&accounts(&org, "")).ends(3);
    let words = "Salesforce User: one of Id, IsActive, Name was refused (INVALID_FIELD)";
    assert!(said.err.contains(words), "{}", said.err);
}

#[test]
fn a_job_that_takes_longer_than_the_patience_says_so() {
    let at_work = |ask: &Request, reply: Reply, _| {
        let looks = ask.verb == "GET" && ask.path.contains("/jobs/query/");
        if looks {
            return Reply::json(&json!({"id": "750000000000001AAA", "state": "InProgress"}));
        }
        reply
    };
    let org = Org::start(thousand(), 300, Box::new(at_work));
    let words = "is still at work on a query of many records";
    judged(words, Loud(words), &org, "bulk_from = 500\npatience_seconds = 2").unwrap();
}

#[test]
fn changes_that_may_not_be_seen_resolve_nothing() {
    let mut tables = exports_of(&exports());
    let lead = tables["Lead"].records.keys().next().unwrap().clone();
    let history = tables.get_mut("LeadHistory").unwrap();
    for (at, (from, to)) in
        [("Working", "New"), ("New", "Working"), ("Working", "New")].into_iter().enumerate()
    {
        let (id, at) =
            (format!("017zz{at:010}AAA"), format!("2026-11-{:02}T08:00:00.000+0000", 10 + at));
        let change = json!({
            "Id": id, "LeadId": lead, "Field": "Status", "OldValue": from, "NewValue": to,
            "CreatedDate": at, "CreatedById": null,
        });
        history.records.insert(id, change.as_object().unwrap().clone());
    }
    let org = Org::start(tables.clone(), 100, Box::new(|_, reply, _| reply));
    let job = acme(&org, "");
    run(&job).ends(0);
    let of_changes = |job: &Job, day: &str| -> Vec<String> {
        let text = job.text(&format!("runs/{day}/history.jsonl"));
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let fell = lines.filter(|line| line["rule"] == "LIF-05" && line["object"] == "lead");
        fell.filter(|line| line["resolved"].is_null()).map(|line| word(&line["record"])).collect()
    };
    let before = of_changes(&job, DAY);
    assert!(!before.is_empty(), "{}", job.text(&format!("runs/{DAY}/history.jsonl")));
    tables.remove("LeadHistory");
    let org = Org::start(tables, 100, Box::new(|_, reply, _| reply));
    let review = job.text("review.toml");
    let host = review.lines().find(|line| line.starts_with("host")).unwrap();
    job.edit("review.toml", host, &format!("host = \"{}\"", org.server.url()));
    let mut command = job.command(&["run", ".", "--as-of", "2026-11-24"]);
    let said = crate::job::said(command.env("APP_SECRET", SECRET)).ends(1);
    assert!(said.err.contains("Salesforce LeadHistory is not there"), "{}", said.err);
    assert_eq!(of_changes(&job, "2026-11-24"), before);
}

#[test]
fn only_the_org_that_is_named_is_believed() {
    let elsewhere = |ask: &Request, reply: Reply, _| {
        if ask.path.ends_with("/token") {
            Reply::json(&json!({"access_token": TOKEN, "instance_url": "https://evil.example"}))
        } else {
            reply
        }
    };
    let org = Org::start(thousand(), 200, Box::new(elsewhere));
    let said = run(&accounts(&org, "")).ends(3);
    assert!(said.err.contains("sends this job to another host"), "{}", said.err);
    assert_eq!(asked(&org).len(), 1, "the token is shown to nobody");

    let org = Org::start(thousand(), 200, Box::new(|_, reply, _| reply));
    let said = run(&accounts(&org, "version = \"50.0\"")).ends(3);
    assert!(said.err.contains("hint: set `version = \"67.0\"`"), "{}", said.err);
    let job = accounts(&org, "");
    let mut command = job.command(&["run", "."]);
    let said = crate::job::said(command.env("APP_SECRET", "wrong")).ends(3);
    assert!(said.err.contains("refused: 400, invalid_client"), "{}", said.err);
    let said = job.call(&["run", "."]).ends(2);
    assert!(said.err.contains("the variable APP_SECRET is not set or empty"), "{}", said.err);
}

#[test]
fn a_signed_login_is_taken_too() {
    let org = Org::start(thousand(), 200, Box::new(|_, reply, _| reply));
    let job = accounts(&org, "");
    job.edit(
        "review.toml",
        "client_secret = { env = \"APP_SECRET\" }",
        "login = \"jwt\"\nuser = \"review@acme.example\"\nprivate_key = { file = \"app.key\" }",
    );
    crm_review::folder::write_new(&job.path("app.key"), include_bytes!("mock/app.key.pem"))
        .unwrap();
    run(&job).ends(0);
    assert_eq!(rows(&job), [json!(1000), json!(1)]);
}

#[test]
fn a_live_source_is_described_with_care() {
    let org = Org::start(thousand(), 200, Box::new(|_, reply, _| reply));
    let job = accounts(&org, "");
    let review = job.text("review.toml");
    let secret = "client_secret = { env = \"APP_SECRET\" }";
    for (from, to, expect) in [
        (secret, "client_secret = \"in-the-open\"", "a secret is never written into review.toml"),
        (secret, "client_secret = { env = \"A\", file = \"b\" }", "has to name one place"),
        (secret, "", "`client_secret` is missing"),
        ("host = \"http://127", "host = \"http://192", "plain http is for this machine alone"),
        ("timeout_seconds = 3", "quota_share = 80", "`quota_share` is not a share"),
        ("timeout_seconds = 3", "version = \"sixty\"", "a version such as `67.0`"),
        ("crm = \"salesforce\"", "crm = \"other\"", "a live CRM cannot be asked"),
        ("timeout_seconds = 3", "verb = \"DELETE\"", "`source.live.verb`"),
    ] {
        assert!(review.contains(from), "{from}");
        job.put("review.toml", &review.replace(from, to));
        let said = run(&job).ends(2);
        assert!(said.err.contains(expect), "{}", said.err);
        assert!(!said.err.contains("in-the-open"), "{}", said.err);
    }
    assert_eq!(asked(&org), Vec::<String>::new());
}

#[test]
fn the_doctor_looks_and_reads_nothing() {
    let mut tables = thousand();
    tables.get_mut("Account").unwrap().fields.retain(|(name, _)| name != "Website");
    let org = Org::start(tables, 200, Box::new(|_, reply, _| reply));
    let job = accounts(&org, "");
    let doctor = |job: &Job| {
        let mut command = job.command(&["doctor", "."]);
        crate::job::said(command.env("APP_SECRET", SECRET))
    };
    // The org's clock stands still at the fixture's day.
    let said = doctor(&job).ends(1);
    for expect in [
        "ok     rules: they hold",
        "ok     approver: Dana Reyes",
        "ok     last run: none yet",
        "ok     disk: ",
        "it answers, and the login is good",
        "FAULT  Salesforce Account: 3 fields can be read; not there, or not this login's to see: account.website",
        "ok     Salesforce User: all 3 fields can be read",
        "ok     Salesforce Account: this login may also see 1 fields that are not asked for",
        "of today's 15000 questions are used up",
        "FAULT  clock: ",
    ] {
        assert!(said.out.contains(expect), "{expect}\n{}", said.out);
    }
    assert!(!asked(&org).iter().any(|it| it.starts_with("SELECT") || it.contains("/query")));
    assert!(
        !job.has("runs") && !job.has("ledger.jsonl") && !job.has(".pull"),
        "nothing is written"
    );
    // Nothing to log in with.
    let said = job.call(&["doctor", "."]).ends(2);
    assert!(said.out.contains("FAULT  the variable APP_SECRET is not set"), "{}", said.out);
}

#[test]
fn large_tables_come_by_bulk_and_in_one_order() {
    let digests: Vec<Value> = (0..2)
        .map(|_| {
            let org = Org::start(thousand(), 300, Box::new(|_, reply, _| reply));
            let job = accounts(&org, "bulk_from = 500");
            run(&job).ends(0);
            assert_eq!(rows(&job), [json!(1000), json!(1)]);
            assert_eq!(org.forbidden(), Vec::<String>::new());
            // The next job of the same org gives its records in another order.
            run(&job).ends(0);
            let manifest = job.json("runs/2026-11-23/manifest.json");
            let way = manifest["inputs"][0]["asked"]["way"].as_str().unwrap().to_owned();
            assert!(way.starts_with("Bulk API 2.0 query, version 67.0"), "{way}");
            for request in org.server.requests() {
                if request.verb == "POST" && request.path.ends_with("/jobs/query") {
                    let soql = request.json()["query"].clone();
                    let shape = json!({
                        "operation": "query", "query": soql, "contentType": "CSV",
                        "columnDelimiter": "COMMA", "lineEnding": "LF",
                    });
                    assert_eq!(request.json(), shape);
                }
                if request.path.ends_with("/results") {
                    assert_eq!(request.query["maxRecords"], "25000");
                }
            }
            let runs = std::fs::read_dir(job.path("runs")).unwrap().count();
            assert_eq!(runs, 1, "the same records are the same run");
            manifest["inputs"][0]["sha256"].clone()
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn no_fault_of_bulk_loses_a_record() {
    let is_piece = |ask: &Request| ask.query.get("locator").is_some_and(|at| at == "MTAw600");
    let faults: [(&str, Comes, Box<Fault>); 6] = [
        (
            "a piece that is cut",
            Whole,
            Box::new(
                move |ask, reply, n| if is_piece(ask) && n == 0 { reply.cut() } else { reply },
            ),
        ),
        (
            "a piece with fewer rows than it says",
            Whole,
            Box::new(move |ask, reply, n| {
                if !is_piece(ask) || n > 0 {
                    return reply;
                }
                let Reply::Whole { status, heads, body } = reply else { panic!("not whole") };
                let text = String::from_utf8(body).unwrap();
                let (front, _) = text.trim_end().rsplit_once('\n').unwrap();
                Reply::Whole { status, heads, body: format!("{front}\n").into_bytes() }
            }),
        ),
        (
            "a zero byte",
            Whole,
            Box::new(move |_, reply, _| {
                let Reply::Whole { status, heads, body } = reply else { panic!("not whole") };
                let body = String::from_utf8(body).unwrap().replace("Works 405", "Wo\0rks 405");
                Reply::Whole { status, heads, body: body.into_bytes() }
            }),
        ),
        (
            "a job that fails",
            Whole,
            Box::new(|ask, reply, _| {
                if ask.verb == "GET"
                    && ask.path.contains("/jobs/query/")
                    && !ask.path.ends_with("results")
                {
                    return Reply::json(&json!({"id": "750000000000001AAA", "state": "Failed"}));
                }
                reply
            }),
        ),
        (
            "no jobs here",
            Whole,
            Box::new(|ask, reply, _| {
                if ask.path.ends_with("/jobs/query") { fault(403, "API_DISABLED") } else { reply }
            }),
        ),
        (
            "another column",
            Loud("the answer is not the CSV that was asked for"),
            Box::new(move |ask, reply, _| {
                if is_piece(ask) {
                    return Reply::text(
                        200,
                        "text/csv",
                        "\"Id\",\"Notes\"\n\"001000000000405AAA\",\"x\"\n",
                    );
                }
                reply
            }),
        ),
    ];
    for (name, comes, change) in faults {
        let org = Org::start(thousand(), 300, change);
        if let Err(words) = judged(name, comes, &org, "bulk_from = 500") {
            panic!("{words}");
        }
    }
}

#[test]
fn what_was_not_admitted_is_not_in_memory_when_the_packet_is_written() {
    let secret = ["pass", "word: opensesame9"].concat();
    let mut tables = thousand();
    let records = &mut tables.get_mut("Account").unwrap().records;
    for (at, record) in records.values_mut().enumerate() {
        match at % 100 {
            1 => record["Name"] = json!(secret),
            // No owner has such an id.
            2 => record["OwnerId"] = json!(format!("{CANARY} {at}")),
            _ => {}
        }
    }
    // What nobody asked for, with every record.
    let more = |reply: Reply| {
        let Reply::Whole { heads, .. } = &reply else { return reply };
        if heads.iter().any(|(name, value)| name == "Content-Type" && value == "text/csv") {
            return reply;
        }
        let mut body = json_of(&reply);
        let records = body.get_mut("records").and_then(Value::as_array_mut);
        for record in records.into_iter().flatten() {
            record["Description"] = json!(CANARY);
        }
        Reply::json(&body)
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mock/tls");
    let roots = format!("roots = \"{}\"", folder.join("ca.pem").display());
    let plain = Org::start(tables.clone(), 200, Box::new(move |_, reply, _| more(reply)));
    let packed = Org::start(tables.clone(), 200, Box::new(move |_, reply, _| more(reply).gzip(1)));
    let fault = move |_: &Request, reply, _| more(reply);
    let secured = Org::start_tls("good.pem", tables.clone(), 200, Box::new(fault));
    let bulk = Org::start(tables, 300, Box::new(|_, reply, _| reply));
    for (name, org, more) in [
        ("plain", &plain, String::new()),
        ("compressed", &packed, String::new()),
        ("encrypted", &secured, roots),
        ("bulk", &bulk, "bulk_from = 500".to_owned()),
    ] {
        let job = accounts(org, &more);
        job.put("rules/batch.toml", "[implausible-input]\nmax_set_aside = 0.9\n");
        let command = || {
            let mut command = job.command(&["run", ".", "--as-of", DAY]);
            command.env("APP_SECRET", SECRET);
            command
        };
        let wanted = [CANARY, "opensesame9", "Works 405"];
        if let Some(held) = held_while_writing(&job, DAY, command, &wanted) {
            assert_eq!(held, [false, false, true], "{name}");
        }
    }
}

/// jsforce, installed below target/ by `.ci/run`, reads the same rows as this project does, in pages and
/// in bulk: so the org is one that it takes for Salesforce, and nothing of it is lost or changed here.
#[test]
fn an_independent_client_reads_the_same_records() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = root.join("target/salesforce/package.json");
    if !installed.with_file_name("node_modules").exists() {
        let words = "NOT READ BY JSFORCE: it is not installed (see .ci/run)";
        return writeln!(std::io::stderr(), "{words}").unwrap();
    }
    let org = Org::start(exports_of(&exports()), 37, Box::new(|_, reply, _| reply));
    let (config, pull) = pulled(&acme(&org, ""), ("APP_SECRET", SECRET));
    let queries: Vec<String> =
        asked(&org).into_iter().filter(|it| it.ends_with(" ORDER BY Id")).collect();
    assert_eq!(queries.len(), 11);
    let output = Command::new("node")
        .args([&root.join("tests/salesforce/read.mjs"), &installed])
        .args([&org.server.url(), "3MVG9", SECRET, VERSION])
        .arg(serde_json::to_string(&queries).unwrap())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    assert_eq!(org.forbidden(), Vec::<String>::new(), "{err}");
    let told: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();

    let mut compared = 0;
    for (told, input) in told.iter().zip(&pull.inputs) {
        let soql = word(&told["soql"]);
        let (columns, rest) = soql["SELECT ".len()..].split_once(" FROM ").unwrap();
        let columns: Vec<&str> = columns.split(", ").collect();
        let table = rest.split(' ').next().unwrap();
        assert_eq!(input.file, format!("Salesforce {table}"));
        let paged = told["paged"]["records"].as_array().unwrap();
        let bulk: BTreeMap<String, &Value> =
            told["bulk"].as_array().unwrap().iter().map(|row| (word(&row["Id"]), row)).collect();
        let rows = usize::try_from(input.tally.rows_read).unwrap();
        let told = (paged.len(), bulk.len(), &told["count"]);
        assert_eq!(told, (rows, rows, &json!(rows)), "{table}");
        let batch = pull.batches.iter().find(|batch| batch.object() == input.object).unwrap();
        let fields: Vec<&Field> = config.boundary.fields(input.object).collect();
        for row in batch.rows().filter(|row| row.cell(fields[0]).file() == input.file) {
            let paged = &paged[usize::try_from(row.line()).unwrap() - 1];
            let id = word(&paged["Id"]);
            for field in &fields {
                let Some(column) = column_of(field, &columns) else { continue };
                let place = format!("{table} {id} {column}");
                let linked = column.split('.').fold(paged, |value, name| &value[name]);
                assert_same(row, field, linked, config.zone, &place);
                assert_same(row, field, &bulk[&id][column], config.zone, &place);
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

/// The column that fills a field; tables of changes name their record each in its own way.
fn column_of<'c>(field: &Field, columns: &[&'c str]) -> Option<&'c str> {
    const PARENTS: [&str; 4] = ["LeadId", "ContactId", "AccountId", "OpportunityId"];
    field.from().iter().find_map(|listed| {
        let is_it =
            |column: &&&str| *column == listed || listed == "ParentId" && PARENTS.contains(*column);
        columns.iter().find(is_it).copied()
    })
}
