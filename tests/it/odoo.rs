//! Odoo as a source, against a database that records every request and can fail in every way. `tests/odoo`
//! runs the same program against a real one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use crate::job::{APPROVALS, DAY, Job, Said, said};
use crate::mock::odoo::{Database, KEY, Model, fault};
use crate::mock::{ON_THE_WAY, Reply, Request, Server, Spoil, TOO_LARGE};

const LEADS: u64 = 2_300;

fn fields(fields: &[(&str, &str, Option<&str>)]) -> Map<String, Value> {
    let known = |(name, sort, relation): &(&str, &str, Option<&str>)| {
        let mut known = json!({ "type": sort, "string": name.replace('_', " ") });
        if let Some(relation) = relation {
            known["relation"] = json!(relation);
        }
        ((*name).to_owned(), known)
    };
    fields.iter().map(known).collect()
}

fn record(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A database with leads of which every hundredth belongs to somebody who left.
fn database() -> Database {
    let mut leads = Model {
        fields: fields(&[
            ("id", "integer", None),
            ("type", "selection", None),
            ("active", "boolean", None),
            ("contact_name", "char", None),
            ("email_from", "char", None),
            ("user_id", "many2one", Some("res.users")),
            ("stage_id", "many2one", Some("crm.stage")),
            ("medium_id", "many2one", Some("utm.medium")),
            ("create_date", "datetime", None),
            ("description", "html", None),
        ]),
        may: BTreeSet::from(["read"]),
        ..Model::default()
    };
    for id in 1..=LEADS {
        let lead = json!({
            "type": if id % 50 == 0 { "opportunity" } else { "lead" },
            "active": id % 23 != 0,
            "contact_name": format!("Person {id}"),
            "email_from": if id % 10 == 0 { json!(false) } else { json!(format!("p{id}@haus{id}.example")) },
            "user_id": if id % 100 == 1 { 8 } else { 7 },
            "stage_id": 1 + id % 2,
            "medium_id": 1,
            "create_date": "2026-01-05 10:00:00",
            "description": "canary",
        });
        leads.records.insert(id * 3, record(&lead));
    }
    let users = Model {
        fields: fields(&[
            ("id", "integer", None),
            ("name", "char", None),
            ("active", "boolean", None),
            ("share", "boolean", None),
        ]),
        records: [(7, "Ann Ng", true), (8, "Bo Li", false)]
            .map(|(id, name, active)| {
                (id, record(&json!({ "name": name, "active": active, "share": false })))
            })
            .into(),
        may: BTreeSet::from(["read"]),
    };
    let stages = Model {
        fields: fields(&[("display_name", "char", None)]),
        records: [(1, "New"), (2, "Qualified")]
            .map(|(id, name)| (id, record(&json!({ "display_name": name }))))
            .into(),
        may: BTreeSet::from(["read"]),
    };
    let hidden = Model { fields: stages.fields.clone(), ..Model::default() };
    let activities = Model {
        fields: fields(&[
            ("res_model", "char", None),
            ("res_id", "many2one_reference", None),
            ("date_done", "date", None),
        ]),
        records: [(1, 3, "2026-02-01"), (2, 3, "2026-02-20"), (3, 6, "2026-02-10")]
            .map(|(id, lead, done)| {
                let of = json!({ "res_model": "crm.lead", "res_id": lead, "date_done": done, "active": false });
                (id, record(&of))
            })
            .into(),
        may: BTreeSet::from(["read"]),
    };
    let models = [
        ("crm.lead", leads),
        ("res.users", users),
        ("crm.stage", stages),
        ("utm.medium", hidden),
        ("mail.activity", activities),
    ];
    let models = models.map(|(name, model)| (name.to_owned(), model)).into();
    Database { models, fault: None }
}

const BOUNDARY: &str = r#"[lead.fields]
id = { from = "id", why = "Names the record in evidence." }
first_name = { from = "contact_name", why = "Tells people apart who share an address." }
email = { from = "email_from", why = "Finds the same person twice.", show = "masked" }
owner = { from = "user_id", why = "Finds records nobody works." }
status = { from = "stage_id", why = "The stage." }
last_activity = { from = "activity_ids.date_done", why = "Shows whether anybody works it." }
created = { from = "create_date", why = "The older record is kept." }

[user.fields]
id = { from = "id", why = "Names the person." }
name = { from = "name", why = "Names the person in findings." }
active = { from = "active", why = "Finds owners who left." }
"#;

fn job(server: &Server, more: &str) -> Job {
    let review = format!(
        "organisation = \"Acme\"\ntime_zone = \"UTC\"\n\n[source]\ncrm = \"odoo\"\n\n\
         [source.live]\nhost = \"{}\"\napi_key = {{ env = \"ODOO_KEY\" }}\ndatabase = \"crm\"\n\
         timeout_seconds = 2\n{more}\n",
        server.url()
    );
    let ladder = "[lead]\nfield = \"status\"\norder = [\"New\", \"Qualified\"]\n";
    Job::new(&[
        ("review.toml", &review),
        ("rules/boundary.toml", BOUNDARY),
        ("rules/approvals.toml", APPROVALS),
        ("rules/lifecycle.toml", ladder),
    ])
}

fn run(job: &Job) -> Said {
    let end = said(job.command(&["run", ".", "--as-of", DAY]).env("ODOO_KEY", KEY));
    for text in [&end.out, &end.err] {
        assert!(!text.contains(KEY) && !text.contains("canary"), "{text}");
    }
    for (path, bytes) in job.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY) && !text.contains("canary"), "{}", path.display());
    }
    end
}

/// The records of a rule.
fn records(job: &Job, rule: &str) -> BTreeSet<u64> {
    let found = job.found().into_iter().filter(|(code, _)| code == rule);
    found.map(|(_, record)| record.parse().unwrap()).collect()
}

/// The leads of people who left: neither deals nor archived ones.
fn left() -> BTreeSet<u64> {
    (1..=LEADS).filter(|id| id % 100 == 1 && id % 23 != 0).map(|id| id * 3).collect()
}

fn active_leads() -> usize {
    (1..=LEADS).filter(|id| id % 50 != 0 && id % 23 != 0).count()
}

#[test]
fn a_database_is_read_whole_and_only_read() {
    let server = database().serve();
    let job = job(&server, "");
    run(&job).ends(0);
    assert_eq!(records(&job, "OWN-01"), left());
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let leads = inputs.iter().find(|input| input["object"] == "lead").unwrap();
    assert_eq!(leads["rows_read"], active_leads(), "{leads}");
    assert_eq!(leads["fields_absent"], json!([]), "{leads}");
    let methods: BTreeSet<String> =
        server.requests().iter().map(|r| r.path.rsplit('/').next().unwrap().to_owned()).collect();
    let reads = ["fields_get", "has_access", "search_count", "search_read"];
    assert_eq!(methods, reads.map(str::to_owned).into());
    assert!(server.requests().iter().all(|request| request.verb == "POST"
        && request.query.is_empty()
        && request.heads["x-odoo-database"] == "crm"));
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    assert!(packet.contains("Qualified"), "stages come by their names");
}

#[test]
fn a_user_who_may_write_is_refused_or_shown() {
    for right in ["write", "create", "unlink"] {
        let mut database = database();
        database.models.get_mut("crm.stage").unwrap().may.insert(right);
        let server = database.serve();
        let refused = job(&server, "");
        let end = run(&refused).ends(3);
        assert!(
            end.err.contains(&format!("this user may {right} records of crm.stage")),
            "{}",
            end.err
        );
        assert!(!refused.has(&format!("runs/{DAY}")));
        let asked = |read: &Request| {
            read.path.ends_with("search_read") && read.json()["fields"] != json!(["id"])
        };
        assert!(!server.requests().iter().any(asked), "no record was read");
        let shown = job(&server, "grant = \"banner\"");
        run(&shown).ends(0);
        let packet = shown.text(&format!("runs/{DAY}/packet.html"));
        assert!(packet.contains(&format!("this user may {right} records of crm.stage")));
    }
}

#[test]
fn a_right_that_is_given_while_a_pull_runs_is_refused_or_shown() {
    let given_late = || {
        let mut database = database();
        let mut is_read = false;
        database.fault = Some(Box::new(move |request| {
            is_read |=
                request.path == "/json/2/crm.lead/search_read" && request.json()["limit"] != 1;
            let is_asked = request.path == "/json/2/crm.lead/has_access"
                && request.json()["operation"] == "write";
            (is_read && is_asked).then(|| Reply::json(&json!(true)))
        }));
        database.serve()
    };
    let server = given_late();
    let refused = job(&server, "");
    let end = run(&refused).ends(3);
    assert!(end.err.contains("this user may write records of crm.lead"), "{}", end.err);
    assert!(!refused.has(&format!("runs/{DAY}")));
    let server = given_late();
    let shown = job(&server, "grant = \"banner\"");
    run(&shown).ends(0);
    let packet = shown.text(&format!("runs/{DAY}/packet.html"));
    assert!(packet.contains("this user may write records of crm.lead"));
}

#[test]
fn what_this_user_may_not_see_is_missing_from_the_packet() {
    let server = database().serve();
    let job = job(&server, "");
    job.edit(
        "rules/boundary.toml",
        "\n[user.fields]",
        "lead_source = { from = \"medium_id\", why = \"Where it came from.\" }\n\
         modified = { from = \"no_such_field\", why = \"Says what changed.\" }\n\n[user.fields]",
    );
    let end = run(&job).ends(1);
    for field in ["`lead.lead_source` (medium_id)", "`lead.modified` (no_such_field)"] {
        assert!(end.err.contains(field), "{}", end.err);
    }
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let leads = inputs.iter().find(|input| input["object"] == "lead").unwrap();
    assert_eq!(leads["fields_absent"], json!(["lead_source", "modified"]), "{leads}");
}

/// A database whose media this user may read, and a folder that reads them.
fn with_media() -> (Database, fn(&Server) -> Job) {
    let mut database = database();
    let media = database.models.get_mut("utm.medium").unwrap();
    media.may.insert("read");
    media.records.insert(1, record(&json!({ "display_name": "Web" })));
    let listing = |server: &Server| {
        let job = job(server, "");
        job.edit(
            "rules/boundary.toml",
            "\n[user.fields]",
            "lead_source = { from = \"medium_id\", why = \"Where it came from.\" }\n\n[user.fields]",
        );
        job.put(
            "rules/lead-source.toml",
            "[outside-taxonomy]\n\n[taxonomy]\nvalues = [\"Web\", \"Event\"]\n",
        );
        job
    };
    (database, listing)
}

/// Spoils the first answers of some kind, so many of them.
fn spoilt(
    database: &mut Database,
    mut twin: Database,
    is_meant: fn(&Request) -> bool,
    mut times: usize,
    spoil: fn(&mut Vec<Value>),
) {
    database.fault = Some(Box::new(move |request| {
        if !is_meant(request) {
            return None;
        }
        times = times.checked_sub(1)?;
        let mut records: Vec<Value> =
            serde_json::from_slice(twin.answer(request).body()).unwrap_or_default();
        spoil(&mut records);
        Some(Reply::json(&json!(records)))
    }));
}

fn asks_media(request: &Request) -> bool {
    request.path == "/json/2/utm.medium/search_read"
}

fn asks_activities(request: &Request) -> bool {
    request.path == "/json/2/mail.activity/search_read"
}

fn asks_newest(request: &Request) -> bool {
    request.path == "/json/2/crm.lead/search_read" && request.json()["limit"] == 1
}

#[test]
fn a_look_up_that_comes_in_part_is_asked_for_again() {
    let (mut database, job) = with_media();
    spoilt(&mut database, with_media().0, asks_media, 1, Vec::clear);
    let server = database.serve();
    let job = job(&server);
    run(&job).ends(0);
    assert_eq!(records(&job, "SRC-05"), BTreeSet::new());
    assert_eq!(records(&job, "OWN-01"), left());
}

#[test]
fn a_linked_record_that_stays_hidden_leaves_its_field_unread() {
    let (mut database, job) = with_media();
    // Some of the leads are of one that is shown.
    let media = database.models.get_mut("utm.medium").unwrap();
    media.records.insert(2, record(&json!({ "display_name": "Event" })));
    media.records.remove(&1);
    for (id, lead) in &mut database.models.get_mut("crm.lead").unwrap().records {
        if *id < 6_000 {
            lead.insert("medium_id".to_owned(), json!(2));
        }
    }
    let server = database.serve();
    let job = job(&server);
    let end = run(&job).ends(1);
    assert!(end.err.contains("`lead.lead_source` (medium_id) is not there"), "{}", end.err);
    assert_eq!(records(&job, "SRC-05"), BTreeSet::new());
    assert_eq!(records(&job, "OWN-01"), left());
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let leads = inputs.iter().find(|input| input["object"] == "lead").unwrap();
    assert_eq!(leads["rows_read"], active_leads(), "{leads}");
    assert_eq!(leads["fields_absent"], json!(["lead_source"]), "{leads}");
}

/// What becomes of a run of which the first answers of some kind are spoilt, so many of them.
fn run_spoilt(
    is_meant: fn(&Request) -> bool,
    times: usize,
    spoil: fn(&mut Vec<Value>),
) -> (Said, Job) {
    let mut spoiled = database();
    spoilt(&mut spoiled, database(), is_meant, times, spoil);
    let server = spoiled.serve();
    let job = job(&server, "");
    (run(&job), job)
}

#[test]
fn activities_are_as_many_as_odoo_counts() {
    let half = |records: &mut Vec<Value>| records.truncate(records.len() / 2);
    run_spoilt(asks_activities, 1, half).0.ends(0);
    let end = run_spoilt(asks_activities, usize::MAX, half).0.ends(3);
    assert!(end.err.contains("another number of records than Odoo counts"), "{}", end.err);
}

#[test]
fn the_newest_record_is_borne_out_by_the_count() {
    let older = |records: &mut Vec<Value>| *records = vec![json!({ "id": 300 })];
    for spoil in [Vec::clear, older] {
        let (end, job) = run_spoilt(asks_newest, 1, spoil);
        end.ends(0);
        assert_eq!(records(&job, "OWN-01"), left());
        let end = run_spoilt(asks_newest, usize::MAX, spoil).0.ends(3);
        assert!(end.err.contains("another number of records each time"), "{}", end.err);
    }
}

#[test]
fn a_table_without_a_record_is_told() {
    let mut database = database();
    database.models.get_mut("crm.lead").unwrap().records.clear();
    let server = database.serve();
    let job = job(&server, "");
    run(&job).ends(0);
    let summary = job.text(&format!("runs/{DAY}/summary.txt"));
    assert!(
        summary.replace('\n', " ").contains("Odoo leads: this login sees no record of it"),
        "{summary}"
    );
}

#[test]
fn an_address_for_deliveries_is_no_contact() {
    let mut database = database();
    let mut partners = Model {
        fields: fields(&[
            ("id", "integer", None),
            ("name", "char", None),
            ("email", "char", None),
            ("is_company", "boolean", None),
            ("type", "selection", None),
        ]),
        may: BTreeSet::from(["read"]),
        ..Model::default()
    };
    let types =
        [json!("contact"), json!(false), json!("delivery"), json!("invoice"), json!("other")];
    for (id, kind) in (1..).zip(types) {
        let partner = json!({
            "name": "Ann Ng", "email": format!("p{id}@haus.example"), "is_company": false,
            "type": kind, "active": true,
        });
        partners.records.insert(id, record(&partner));
    }
    database.models.insert("res.partner".to_owned(), partners);
    let server = database.serve();
    let job = job(&server, "");
    let contacts = "\n[contact.fields]\n\
        id = { from = \"id\", why = \"Names the record.\" }\n\
        full_name = { from = \"name\", why = \"Finds the same person twice.\" }\n\
        email = { from = \"email\", why = \"Finds the same person twice.\", show = \"masked\" }\n";
    job.put("rules/boundary.toml", &format!("{BOUNDARY}{contacts}"));
    run(&job);
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let contacts = inputs.iter().find(|input| input["object"] == "contact").unwrap();
    assert_eq!(contacts["rows_read"], 2, "{contacts}");
}

/// What becomes of a run.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Every record came, once.
    Full,
    /// A packet that says what is missing.
    Incomplete,
    /// Words, and no packet.
    Loud,
}

/// How the `nth` page of leads is answered; `None` leaves it as it is.
type Spoiled = fn(nth: usize) -> Option<Reply>;

fn check_fault(
    name: &str,
    spoiled: impl Fn(usize, Reply) -> Option<Reply> + Send + 'static,
    expected: &End,
    words: &str,
) {
    let (mut database, mut twin) = (database(), database());
    let pages = AtomicUsize::new(0);
    database.fault = Some(Box::new(move |request| {
        if !is_page(request) {
            return None;
        }
        spoiled(pages.fetch_add(1, Ordering::Relaxed), twin.answer(request))
    }));
    let server = database.serve();
    let job = job(&server, "patience_seconds = 20");
    let end = run(&job);
    let what = match end.code {
        0 if records(&job, "OWN-01") == left() => End::Full,
        1 => End::Incomplete,
        3 if !job.has(&format!("runs/{DAY}")) => End::Loud,
        code => panic!("exit {code}: {}\n{}", end.err, end.out),
    };
    let said = format!("{}{}", end.err, end.out);
    assert_eq!(what, *expected, "{name}\n{said}");
    assert!(said.contains(words), "{name}: {words} is not in\n{said}");
}

/// Each fault beside the others: most of the time is waiting.
fn check_faults(faults: &[(Spoiled, End, &str)]) {
    std::thread::scope(|scope| {
        for (spoiled, end, words) in faults {
            let spoiled = *spoiled;
            scope.spawn(move || check_fault(words, move |nth, _| spoiled(nth), end, words));
        }
    });
}

/// Whether a page of leads is asked for.
fn is_page(request: &Request) -> bool {
    request.path == "/json/2/crm.lead/search_read" && request.json()["limit"] != 1
}

#[test]
fn what_happens_on_the_way_loses_nothing() {
    std::thread::scope(|scope| {
        for (name, spoil) in ON_THE_WAY {
            let once = |nth, good: Reply| (nth == 1).then(|| spoil(good));
            scope.spawn(move || check_fault(name, once, &End::Full, ""));
        }
        let always = |nth, good: Reply| (nth >= 1).then(|| good.cut());
        let words = "no whole answer in 5 tries";
        scope.spawn(move || check_fault("every page is cut", always, &End::Loud, words));
    });
}

#[test]
fn no_answer_is_larger_than_any_may_be() {
    for (name, spoil) in TOO_LARGE {
        let once = |nth, good: Reply| (nth == 1).then(|| spoil(good));
        check_fault(name, once, &End::Loud, "an answer larger than");
    }
}

#[test]
fn what_is_no_answer_of_its_shape_is_not_used() {
    let spoils: [(&str, Spoil); 4] = [
        ("a text that is none", |good| good.saying("\"Person ", b"\"Person \xff")),
        ("a number that is none", |good| good.saying("\"Person ", b"NaN,\"")),
        ("a key that comes twice", |good| {
            good.saying("\"contact_name\":", b"\"contact_name\":\"canary\",\"contact_name\":")
        }),
        ("a value of another shape", |good| {
            good.saying("\"contact_name\":", b"\"contact_name\":{\"v\":\"canary\"},\"x\":")
        }),
    ];
    std::thread::scope(|scope| {
        for (name, spoil) in spoils {
            let once = move |nth, good: Reply| (nth == 1).then(|| spoil(good));
            scope.spawn(move || check_fault(name, once, &End::Full, ""));
            let always = move |_, good: Reply| Some(spoil(good));
            scope.spawn(move || check_fault(name, always, &End::Loud, "not readable"));
        }
    });
}

#[test]
fn a_page_without_one_of_its_records_is_noticed() {
    let without_one = |good: &Reply| {
        let mut records: Vec<Value> = serde_json::from_slice(good.body()).unwrap();
        let end = records.len().saturating_sub(7);
        records.drain(end.saturating_sub(1)..end);
        Reply::json(&json!(records))
    };
    let once = move |nth, good: Reply| (nth == 1).then(|| without_one(&good));
    check_fault("once", once, &End::Full, "");
    let always = move |_, good: Reply| Some(without_one(&good));
    check_fault("each time", always, &End::Incomplete, "of the");
}

#[test]
fn what_passes_loses_nothing() {
    check_faults(&[
        (|nth| (nth == 1).then(|| fault(502, "x.Bad")), End::Full, ""),
        (|nth| (nth == 1).then(|| fault(500, "psycopg2.OperationalError")), End::Full, ""),
        (|nth| (nth == 1).then(|| fault(429, "x.Many").with("Retry-After", "1")), End::Full, ""),
        (
            |nth| {
                let whole = Reply::json(&json!([{ "id": 9_999, "contact_name": "x" }])).bytes();
                (nth == 1).then(|| Reply::Bytes(whole[..whole.len() - 9].to_vec()))
            },
            End::Full,
            "",
        ),
        (|nth| (nth == 0).then(|| Reply::json(&json!([]))), End::Full, ""),
        (|nth| (nth == 1).then(|| Reply::Stall(Vec::new())), End::Full, ""),
    ]);
}

#[test]
fn what_stays_is_said() {
    let login: Spoiled = |_| Some(Reply::text(200, "text/html", "<html>canary</html>"));
    let elsewhere: Spoiled =
        |_| Some(Reply::status(302, &json!({})).with("Location", "http://192.0.2.1/json/2"));
    let expired: Spoiled =
        |nth| if nth > 0 { Some(fault(401, "werkzeug.exceptions.Unauthorized")) } else { None };
    check_faults(&[
        (login, End::Loud, "answered 200"),
        (expired, End::Loud, "does not accept the login"),
        (|_| Some(fault(500, "builtins.ValueError")), End::Loud, "builtins.ValueError"),
        (|_| Some(fault(503, "x.Bad")), End::Loud, "answered 503"),
        (elsewhere, End::Loud, "points to another address"),
        // The page before comes again and again.
        (
            |nth| (nth > 0).then(|| Reply::json(&json!([{ "id": 3, "contact_name": "A" }]))),
            End::Loud,
            "out of order",
        ),
        (
            |nth| (nth > 0).then(|| Reply::json(&json!([{ "contact_name": "canary" }]))),
            End::Loud,
            "a record has no id",
        ),
        (
            |nth| (nth > 0).then(|| Reply::json(&json!([{ "id": 6_000, "email_from": "canary" }]))),
            End::Loud,
            "record 6000: ",
        ),
        (|nth| (nth > 0).then(|| Reply::json(&json!([]))), End::Incomplete, "of the"),
    ]);
}

/// A database that ends the pull at the second page of leads.
fn cut_off() -> Database {
    let mut database = database();
    let pages = AtomicUsize::new(0);
    database.fault = Some(Box::new(move |request| {
        let is_page =
            request.path == "/json/2/crm.lead/search_read" && request.json()["limit"] != 1;
        let nth = if is_page { pages.fetch_add(1, Ordering::Relaxed) } else { return None };
        (nth == 1).then(|| fault(401, "werkzeug.exceptions.Unauthorized"))
    }));
    database
}

/// How often the first page of leads was asked for, of some requests.
fn from_the_start(requests: &[Request]) -> usize {
    let is_first = |request: &&Request| {
        request.path == "/json/2/crm.lead/search_read" && request.body.contains("[\"id\",\">\",0]")
    };
    requests.iter().filter(is_first).count()
}

#[test]
fn a_pull_that_was_cut_off_goes_on_where_it_was() {
    let server = cut_off().serve();
    let job = job(&server, "");
    run(&job).ends(3);
    assert!(job.has(".pull"));
    let before = server.requests().len();
    run(&job).ends(0);
    assert_eq!(records(&job, "OWN-01"), left());
    assert!(!job.has(".pull"));
    let again = server.requests().split_off(before);
    assert_eq!(from_the_start(&again), 0, "the first page is kept");
}

#[test]
fn a_kept_place_that_is_none_is_not_the_beginning() {
    let server = cut_off().serve();
    let job = job(&server, "");
    run(&job).ends(3);
    job.edit(".pull/0-lead.jsonl", "{\"after\":\"", "{\"after\":\"#");
    let before = server.requests().len();
    run(&job).ends(0);
    assert_eq!(records(&job, "OWN-01"), left());
    let again = server.requests().split_off(before);
    assert_eq!(from_the_start(&again), 0, "the last record that came tells where to go on");
}

#[test]
fn a_pull_of_another_database_begins_anew() {
    let server = cut_off().serve();
    let job = job(&server, "");
    run(&job).ends(3);
    job.edit("review.toml", "database = \"crm\"", "database = \"sandbox\"");
    let before = server.requests().len();
    run(&job).ends(0);
    let again = server.requests().split_off(before);
    assert_eq!(from_the_start(&again), 1, "what was kept is another database's");
}
