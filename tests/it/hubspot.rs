//! HubSpot as a source, against an account that records every request and can fail in every way.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, NaiveDate, Utc};
use crm_review::review::{self, Done, Order, ReviewError};
use crm_review::source::secret::Environment;
use serde_json::{Value, json};

use crate::job::{APPROVALS, Job, word};
use crate::mock::hubspot::{Account, Fault, Record, SANDBOX, TOKEN, Type, Was, refusal};
use crate::mock::{ON_THE_WAY, Reply, Request, Server, Spoil, TOO_LARGE, acme};
use crate::pulled::{assert_same, pulled};
use crate::salesforce::facts;

/// The morning of that day.
fn now() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

const DAY: &str = "2026-11-23";

/// Acme's review folder, reading an account.
fn live(server: &Server, more: &str) -> Job {
    let job = Job::acme("hubspot");
    job.edit(
        "review.toml",
        "[source.files]\n\
         contact = \"hubspot-crm-exports-all-contacts.csv\"\n\
         account = \"hubspot-crm-exports-all-companies.csv\"\n\
         deal = \"hubspot-crm-exports-all-deals.csv\"\n\
         user = \"users.csv\"\n\
         campaign_member = \"form-submissions.csv\"\n\
         field_history = \"property-history.csv\"\n",
        &format!(
            "[source.live]\n\
             host = \"{}\"\n\
             token = {{ env = \"HUBSPOT_TOKEN\" }}\n\
             timeout_seconds = 5\n\
             {more}\n\
             [source.files]\n\
             campaign_member = \"form-submissions.csv\"\n",
            server.url()
        ),
    );
    job
}

fn run(job: &Job) -> Result<Done, ReviewError> {
    run_by(job, TOKEN)
}

fn run_by(job: &Job, token: &str) -> Result<Done, ReviewError> {
    review::run(&Order {
        folder: job.path(""),
        as_of: NaiveDate::from_ymd_opt(2026, 11, 23),
        now: now(),
        threads: NonZeroUsize::new(2).unwrap(),
        environment: Environment::new([("HUBSPOT_TOKEN".to_owned(), token.to_owned())]),
        tell: |_| {},
        event: None,
    })
    .1
}

#[test]
fn the_same_records_give_the_same_findings_by_api_and_by_export() {
    let mut account = acme::account();
    let exported = Job::acme("hubspot");
    exported.put("exports/users.csv", &acme::users(&account));
    run(&exported).unwrap();
    // A batch that comes without some of its records, once.
    let (mut twin, mut batches) = (acme::account(), 0);
    account.fault = Some(Box::new(move |request| {
        let is_history = request.path == "/crm/objects/2026-09/deals/batch/read";
        batches += usize::from(is_history);
        let spoilt = is_history && batches == 2;
        let Reply::Whole { body, .. } = twin.answer(request) else { return None };
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        let results = answer["results"].as_array_mut().filter(|_| spoilt)?;
        results.truncate(3);
        Some(Reply::json(&answer))
    }));
    let server = account.serve();
    let job = live(&server, "");
    let done = run(&job).unwrap();
    assert_eq!(done.missing, Vec::<String>::new());
    let (by_api, by_export) = (facts(&job), facts(&exported));
    for (api, export) in by_api.iter().zip(&by_export) {
        assert_eq!(api, export);
    }
    assert_eq!(by_api.len(), by_export.len());
    assert!(by_api.len() > 60, "{}", by_api.len());
    no_trace(&job, &server);
}

#[test]
fn what_people_answered_first_is_read_with_them() {
    let mut account = acme::account();
    let answers = acme::add_conversions(&mut account);
    let exported = Job::acme("hubspot");
    exported.put("exports/users.csv", &acme::users(&account));
    exported.put("exports/form-submissions.csv", &answers);
    run(&exported).unwrap();
    let server = account.serve();
    let job = live(&server, "");
    job.edit("review.toml", "campaign_member = \"form-submissions.csv\"\n", "");
    for (export, property) in [
        ("Campaign", "First Conversion"),
        ("Channel", "hs_analytics_source"),
        ("Submitted on", "First Conversion Date"),
    ] {
        let (from, to) =
            (format!("from = \"{export}\""), format!("from = [\"{export}\", \"{property}\"]"));
        job.edit("rules/boundary.toml", &from, &to);
    }
    let done = run(&job).unwrap();
    assert_eq!(done.missing, Vec::<String>::new());
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let members = inputs.iter().find(|input| input["object"] == "campaign_member").unwrap();
    assert_eq!(members["file"], "HubSpot campaigns of contacts");
    assert_eq!(members["rows_admitted"], answers.lines().count() - 1);
    let (by_api, by_export) = (facts(&job), facts(&exported));
    for (api, export) in by_api.iter().zip(&by_export) {
        assert_eq!(api, export);
    }
    assert_eq!(by_api.len(), by_export.len());
    assert!(by_api.iter().any(|finding| finding["rule"] == "SRC-01"));
    no_trace(&job, &server);
}

/// Only reads were asked, and neither the token nor what nobody listed is anywhere in the folder.
fn no_trace(job: &Job, server: &Server) {
    let asked: BTreeSet<String> =
        server.requests().iter().map(|r| format!("{} {}", r.verb, r.path)).collect();
    for line in &asked {
        let reads = ["/search", "/batch/read", "/access-token-info"];
        let is_read = line.starts_with("GET ") || reads.iter().any(|end| line.ends_with(end));
        assert!(is_read, "{line}");
    }
    for request in server.requests() {
        assert!(!format!("{} {:?}", request.path, request.query).contains(TOKEN));
    }
    for (path, bytes) in job.files() {
        if path.starts_with("exports") {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        for canary in [TOKEN, "canary"] {
            assert!(!text.contains(canary), "{canary} in {}", path.display());
        }
    }
}

const PEOPLE: u64 = 900;

/// An account of people of whom every hundredth belongs to somebody who left.
fn account() -> Account {
    let property = |name: &str, sort: &str| json!({ "name": name, "label": name, "type": sort });
    let mut contacts = Type {
        properties: vec![
            property("hs_object_id", "number"),
            property("createdate", "datetime"),
            property("hs_createdate", "datetime"),
            property("firstname", "string"),
            property("email", "string"),
            property("hubspot_owner_id", "enumeration"),
            property("lifecyclestage", "enumeration"),
        ],
        ..Type::default()
    };
    for id in 1..=PEOPLE {
        let owner = if id % 100 == 1 { "8" } else { "7" };
        let properties = [
            // And no `hs_createdate`: HubSpot lists that property, and fills it for other types.
            ("createdate", "2026-01-05T10:00:00.000Z".to_owned()),
            ("firstname", format!("Person {id}")),
            ("email", if id % 10 == 0 { String::new() } else { format!("p{id}@haus{id}.example") }),
            ("hubspot_owner_id", owner.to_owned()),
            ("lifecyclestage", "lead".to_owned()),
        ];
        let filled = properties.into_iter().filter(|(_, value)| !value.is_empty());
        let properties = filled.map(|(name, value)| (name.to_owned(), value)).collect();
        contacts.records.insert(id * 3, Record { properties, ..Record::default() });
    }
    let owner = |id: u64, archived: bool| {
        json!({ "id": id.to_string(), "type": "PERSON", "firstName": "Ann", "lastName": "Ng",
                "userId": id, "archived": archived })
    };
    Account {
        types: [("contacts".to_owned(), contacts)].into(),
        owners: vec![owner(7, false), owner(8, true)],
        scopes: Some(vec![
            "crm.objects.contacts.read".to_owned(),
            "crm.objects.owners.read".to_owned(),
        ]),
        searches_a_second: 5,
        // Of 10,000, so that the test need not make as many.
        searched_rows: 400,
        ..Account::default()
    }
}

fn small(server: &Server, more: &str) -> Job {
    let review = format!(
        "organisation = \"Acme\"\ntime_zone = \"UTC\"\n\n[source]\ncrm = \"hubspot\"\n\n\
         [source.live]\nhost = \"{}\"\ntoken = {{ env = \"HUBSPOT_TOKEN\" }}\n\
         timeout_seconds = 2\n{more}\n",
        server.url()
    );
    let boundary = r#"[contact.fields]
id = { from = "hs_object_id", why = "Names the record in evidence." }
first_name = { from = "firstname", why = "Tells people apart who share an address." }
email = { from = "email", why = "Finds the same person twice.", show = "masked" }
owner = { from = "hubspot_owner_id", why = "Finds records nobody works." }
lifecycle = { from = "lifecyclestage", why = "The stage." }

[user.fields]
id = { from = "Owner ID", why = "Names the person." }
name = { from = "Name", why = "Names the person in findings." }
active = { from = "Active", why = "Finds owners who left." }
"#;
    Job::new(&[
        ("review.toml", &review),
        ("rules/boundary.toml", boundary),
        ("rules/approvals.toml", APPROVALS),
        (
            "rules/lifecycle.toml",
            "[contact]\nfield = \"lifecycle\"\norder = [\"lead\", \"customer\"]\n",
        ),
    ])
}

/// The contacts of people who left.
fn left() -> BTreeSet<u64> {
    (1..=PEOPLE).filter(|id| id % 100 == 1).map(|id| id * 3).collect()
}

fn found(job: &Job) -> BTreeSet<u64> {
    let findings = facts(job);
    let left = findings.iter().filter(|finding| finding["rule"] == "OWN-01");
    left.map(|finding| word(&finding["record"]).parse().unwrap()).collect()
}

#[test]
fn a_record_without_a_date_or_with_one_far_ahead_is_read_too() {
    let mut account = account();
    let records = &mut account.types.get_mut("contacts").unwrap().records;
    let mut created = |id: u64, at: Option<&str>| {
        let properties = &mut records.get_mut(&id).unwrap().properties;
        properties.remove("createdate");
        properties.extend(at.map(|at| ("createdate".to_owned(), at.to_owned())));
    };
    created(3, None);
    created(303, Some("2031-01-05T10:00:00.000Z"));
    // Made while the account is read.
    created(603, Some("2026-11-23T06:00:01.000Z"));
    let server = account.serve();
    let job = small(&server, "");
    assert_eq!(run(&job).unwrap().missing, Vec::<String>::new());
    let mut expected = left();
    expected.remove(&603);
    assert_eq!(found(&job), expected);
    assert_eq!(contacts_read(&job), PEOPLE - 1);
}

fn contacts_read(job: &Job) -> u64 {
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let inputs = manifest["inputs"].as_array().unwrap();
    let contacts = inputs.iter().find(|input| input["object"] == "contact").unwrap();
    contacts["rows_read"].as_u64().unwrap()
}

#[test]
fn there_is_no_end_where_a_search_ends() {
    for legacy in [false, true] {
        let server = Account { legacy, ..account() }.serve();
        let job = small(&server, if legacy { "version = \"v3\"" } else { "" });
        let done = run(&job).unwrap();
        assert_eq!(done.missing, Vec::<String>::new());
        assert_eq!(found(&job), left());
        let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
        let inputs = manifest["inputs"].as_array().unwrap();
        let contacts = inputs.iter().find(|input| input["object"] == "contact").unwrap();
        assert_eq!(contacts["rows_read"], PEOPLE);
        assert_eq!(contacts["fields_absent"], json!([]));
        no_trace(&job, &server);
    }
}

/// An account of which some people work for several companies.
fn linked_account() -> Account {
    let mut account = account();
    account.associated_at_once = Some(2);
    account.types.insert("companies".to_owned(), Type::default());
    account.scopes.as_mut().unwrap().push("crm.objects.companies.read".to_owned());
    let with = [(3, vec![71, 72, 73, 74, 75]), (6, vec![81]), (9, vec![93, 92, 91])];
    let types = ("contacts".to_owned(), "companies".to_owned());
    account.associations.insert(types, with.into());
    account
}

fn linked(server: &Server) -> Job {
    let job = small(server, "");
    job.edit(
        "rules/boundary.toml",
        "\n[user.fields]",
        "account = { from = \"Associated Company IDs\", why = \"Whom the person works for.\" }\n\
         \n[user.fields]",
    );
    job
}

#[test]
fn associations_that_come_in_parts_are_read_to_their_end() {
    let server = linked_account().serve();
    let job = linked(&server);
    let (config, pull) = pulled(&job, ("HUBSPOT_TOKEN", TOKEN));
    let contacts = pull.batches.iter().find(|batch| batch.object().key() == "contact").unwrap();
    let account = config.boundary.allowed(contacts.object(), "account").unwrap();
    let companies = |id: &str| contacts.find(id).unwrap().text(&account);
    assert_eq!(companies("3"), Some("71;72;73;74;75"));
    assert_eq!(companies("6"), Some("81"));
    // The primary one first.
    assert_eq!(companies("9"), Some("93;91;92"));
    assert_eq!(companies("12"), None);
}

/// How the answer to a batch is spoilt.
type Partly = fn(&mut Value);

/// Ways in which a batch comes in part, with what is said where it never comes whole.
const PARTLY: [(&str, Partly, &str); 6] = [
    ("an error", |it| fail(it, "INTERNAL_ERROR", &json!({})), "answered 207"),
    ("a limit", |it| fail(it, "RATE_LIMITS", &json!({ "ids": ["3"] })), "answered 207"),
    ("no reason", |it| without(it), "does not tell of"),
    (
        "others are not found",
        |it| fail(it, "OBJECT_NOT_FOUND", &json!({ "ids": ["6"] })),
        "does not",
    ),
    ("not done yet", |it| *it = json!({ "status": "PENDING", "results": [] }), "answered 207"),
    ("given up", |it| *it = json!({ "status": "CANCELED", "results": [] }), "answered 207"),
];

/// Leaves the first record out.
fn without(batch: &mut Value) {
    batch["results"]
        .as_array_mut()
        .unwrap()
        .retain(|one| one["id"] != "3" && one["from"]["id"] != "3");
}

/// Puts an error in the place of the first record.
fn fail(batch: &mut Value, category: &str, context: &Value) {
    without(batch);
    let error =
        json!({ "status": "error", "category": category, "message": "canary", "context": context });
    let errors = batch["errors"].as_array().cloned().unwrap_or_default();
    batch["errors"] = [errors, vec![error]].concat().into();
}

/// An account whose first batch of a kind comes in part, once or each time.
fn partly(kind: &'static str, spoil: Partly, times: usize) -> Account {
    let with_history = || {
        let mut account = linked_account();
        let contacts = account.types.get_mut("contacts").unwrap();
        let lifecycle = contacts.properties.last_mut().unwrap();
        lifecycle["options"] = json!([{ "value": "lead", "label": "lead" }]);
        for record in contacts.records.values_mut() {
            let was = |value: &str, at: &str| Was {
                value: value.to_owned(),
                at: at.to_owned(),
                user: None,
                source: "CRM_UI".to_owned(),
            };
            let history =
                [was("customer", "2026-10-01T10:00:00Z"), was("lead", "2026-11-10T10:00:00Z")];
            record.history.insert("lifecyclestage".to_owned(), history.into());
        }
        account
    };
    let (mut account, mut twin, mut left) = (with_history(), with_history(), times);
    account.fault = Some(Box::new(move |request| {
        let of_first = || request.body.contains("\"id\":\"3\"");
        if !request.path.contains(kind) || !request.path.ends_with("batch/read") || !of_first() {
            return None;
        }
        left = left.checked_sub(1)?;
        let mut answer: Value = serde_json::from_slice(twin.answer(request).body()).unwrap();
        spoil(&mut answer);
        Some(Reply::status(207, &answer))
    }));
    account
}

#[test]
fn a_batch_that_comes_in_part_is_asked_for_again_or_the_pull_ends() {
    std::thread::scope(|scope| {
        for kind in ["associations", "objects"] {
            for (name, spoil, words) in PARTLY {
                scope.spawn(move || check_partly(kind, name, spoil, words));
            }
        }
    });
}

fn check_partly(kind: &'static str, name: &str, spoil: Partly, words: &str) {
    let whole = |server: &Server| {
        let job = linked(server);
        let boundary = job.text("rules/boundary.toml");
        job.put("rules/boundary.toml", &format!("{boundary}\n{HISTORY}"));
        job
    };
    let server = partly(kind, spoil, 1).serve();
    let job = whole(&server);
    assert_eq!(run(&job).unwrap().missing, Vec::<String>::new(), "{kind}: {name}");
    let (config, pull) = pulled(&job, ("HUBSPOT_TOKEN", TOKEN));
    let batch = |key: &str| pull.batches.iter().find(|batch| batch.object().key() == key).unwrap();
    let account = config.boundary.allowed(batch("contact").object(), "account").unwrap();
    let companies = batch("contact").find("3").unwrap().text(&account);
    assert_eq!(companies, Some("71;72;73;74;75"), "{kind}: {name}");
    assert_eq!(batch("field_history").len() as u64, PEOPLE, "{kind}: {name}");

    let server = partly(kind, spoil, usize::MAX).serve();
    let job = whole(&server);
    let said = run(&job).unwrap_err().to_string();
    assert!(said.contains(words) && !said.contains("canary"), "{kind}: {name}: {said}");
    assert!(!job.has(&format!("runs/{DAY}")), "{kind}: {name}");
    no_trace(&job, &server);
}

/// The columns of property history.
const HISTORY: &str = r#"[field_history.fields]
record = { from = "Record ID", why = "Names the record." }
field = { from = "Property", why = "Says what changed." }
old = { from = "Old value", why = "What it was." }
new = { from = "New value", why = "What it is." }
changed = { from = "Changed on", why = "When." }
by = { from = "Changed by", why = "Who." }
"#;

#[test]
fn two_fields_of_one_property_have_each_its_history() {
    let mut account = partly("objects", without, 0);
    account.types.remove("companies");
    let lifecycle = account.types.get_mut("contacts").unwrap().properties.last_mut().unwrap();
    lifecycle["label"] = "Lifecycle Stage".into();
    let server = account.serve();
    let job = small(&server, "");
    let boundary = job.text("rules/boundary.toml");
    let twice = boundary.replace(
        "lifecycle = { from = \"lifecyclestage\", ",
        "by_name = { from = \"lifecyclestage\", kind = \"picklist\", why = \"Its word.\" }\n\
         lifecycle = { from = \"Lifecycle Stage\", ",
    );
    assert_ne!(twice, boundary);
    job.put("rules/boundary.toml", &format!("{twice}\n{HISTORY}"));
    let (config, pull) = pulled(&job, ("HUBSPOT_TOKEN", TOKEN));
    let history =
        pull.batches.iter().find(|batch| batch.object().key() == "field_history").unwrap();
    let field = config.boundary.allowed(history.object(), "field").unwrap();
    let told = history.count_by(&field).into_iter().map(|(name, count)| (name, count as u64));
    assert!(told.eq([("Lifecycle Stage", PEOPLE), ("lifecyclestage", PEOPLE)]));
}

#[test]
fn a_record_that_was_deleted_since_has_no_history() {
    let mut account =
        partly("objects", |it| fail(it, "OBJECT_NOT_FOUND", &json!({ "ids": ["3"] })), 1);
    account.types.remove("companies");
    let server = account.serve();
    let job = small(&server, "");
    let boundary = job.text("rules/boundary.toml");
    job.put("rules/boundary.toml", &format!("{boundary}\n{HISTORY}"));
    let (_, pull) = pulled(&job, ("HUBSPOT_TOKEN", TOKEN));
    let history =
        pull.batches.iter().find(|batch| batch.object().key() == "field_history").unwrap();
    assert_eq!(history.len() as u64, PEOPLE - 1);
}

#[test]
fn a_property_that_is_not_there_is_missing_from_the_packet() {
    let server = account().serve();
    let job = small(&server, "");
    job.edit(
        "rules/boundary.toml",
        "\n[user.fields]",
        "account = { from = \"Associated Company IDs\", why = \"Whom the person works for.\" }\n\
         phone = { from = \"phone\", why = \"Finds the same person twice.\", show = \"never\" }\n\
         \n[user.fields]",
    );
    let missing = run(&job).unwrap().missing;
    let words = "HubSpot contacts: `contact.account` (Associated Company IDs), \
                 `contact.phone` (phone) are not there";
    assert!(matches!(missing.as_slice(), [one] if one.starts_with(words)), "{missing:?}");
}

fn refused(account: Account, more: &str) -> (String, Vec<String>) {
    let server = account.serve();
    let said = run(&small(&server, more)).unwrap_err().to_string();
    assert!(!said.contains(TOKEN), "{said}");
    (said, server.requests().into_iter().map(|request| request.path).collect())
}

#[test]
fn a_token_that_may_do_more_than_read_is_refused_before_anything_is_read() {
    let read = "crm.objects.contacts.read";
    for scope in [
        "crm.objects.deals.write",
        "crm.export",
        "automation",
        "contacts",
        "crm.objects.contacts.sensitive.read",
    ] {
        let scopes = Some(vec![read.to_owned(), scope.to_owned()]);
        let (said, asked) = refused(Account { scopes, ..account() }, "");
        assert!(said.contains(&format!("the token has the scope `{scope}`")), "{said}");
        assert_eq!(asked, ["/oauth/v2/private-apps/get/access-token-info"]);
    }
    // A service key, of which HubSpot tells nothing.
    let (said, _) = refused(Account { scopes: None, ..account() }, "");
    assert!(said.contains("name its scopes in `scopes`"), "{said}");
    let (said, asked) =
        refused(Account { scopes: None, ..account() }, "scopes = [\"crm.objects.contacts.write\"]");
    assert!(said.contains("crm.objects.contacts.write"), "{said}");
    assert_eq!(asked, Vec::<String>::new());
    let server = Account { scopes: None, ..account() }.serve();
    let word = "scopes = [\"crm.objects.contacts.read\", \"crm.objects.owners.read\"]";
    let job = small(&server, word);
    assert_eq!(run(&job).unwrap().missing, Vec::<String>::new());
    assert_eq!(found(&job), left());
}

#[test]
fn a_scope_that_is_given_while_a_pull_runs_is_refused() {
    let mut account = account();
    let mut is_read = false;
    account.fault = Some(Box::new(move |asked| {
        is_read |= asked.path.ends_with("/search");
        let scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write"];
        let token = json!({ "userId": 7, "hubId": 4_711_508, "appId": 9, "scopes": scopes });
        let is_asked = asked.path.ends_with("/access-token-info");
        (is_read && is_asked).then(|| Reply::json(&token))
    }));
    let (said, _) = refused(account, "");
    assert!(said.contains("the token has the scope `crm.objects.contacts.write`"), "{said}");
}

#[test]
fn what_the_token_may_not_see_is_missing_from_the_packet_by_name() {
    let mut account = account();
    account.types.clear();
    let server = account.serve();
    let missing = run(&small(&server, "")).unwrap().missing;
    assert_eq!(
        missing,
        [
            "HubSpot contacts (scope crm.objects.contacts.read) is not there, or this login may not see it"
        ]
    );
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

/// How the `nth` search for a page is answered, given the good answer; `None` leaves it as it is.
type Spoiled = fn(nth: usize, good: Value) -> Option<Reply>;

fn check_fault(
    name: &str,
    spoiled: impl Fn(usize, Reply) -> Option<Reply> + Send + 'static,
    expected: &End,
    words: &str,
) {
    let mut twin = Account { searches_a_second: usize::MAX, ..account() };
    let mut nth = 0;
    let fault: Box<Fault> = Box::new(move |request| {
        if !request.path.ends_with("/search") || request.json()["limit"] == 1 {
            return None;
        }
        nth += 1;
        spoiled(nth, twin.answer(request))
    });
    let server = Account { fault: Some(fault), ..account() }.serve();
    let job = small(&server, "patience_seconds = 9");
    let (what, said) = match run(&job) {
        Ok(done) if done.missing.is_empty() => {
            assert_eq!(found(&job), left(), "{name}");
            (End::Full, String::new())
        }
        Ok(done) => (End::Incomplete, done.missing.join("\n")),
        Err(error) => (End::Loud, error.to_string()),
    };
    assert_eq!(what, *expected, "{name}\n{said}");
    assert!(said.contains(words), "{name}: {words} is not in\n{said}");
    assert!(!said.contains(TOKEN) && !said.contains("canary"), "{said}");
    no_trace(&job, &server);
    if what == End::Loud {
        assert!(!job.has(&format!("runs/{DAY}")), "{name}");
    }
}

/// Each fault beside the others: most of the time is waiting.
fn check_faults(faults: &[(Spoiled, End, &str)]) {
    std::thread::scope(|scope| {
        for (spoiled, end, words) in faults {
            let spoiled = *spoiled;
            let spoil =
                move |nth, good: Reply| spoiled(nth, serde_json::from_slice(good.body()).unwrap());
            scope.spawn(move || check_fault(words, spoil, end, words));
        }
    });
}

fn limited(policy: Option<&str>) -> Reply {
    let mut body = json!({ "status": "error", "category": "RATE_LIMITS", "message": "canary" });
    if let Some(policy) = policy {
        body["policyName"] = json!(policy);
    }
    Reply::status(429, &body)
}

/// A page with one record fewer.
fn without_one(mut good: Value) -> Value {
    good["results"].as_array_mut().unwrap().remove(7);
    good
}

#[test]
fn what_happens_on_the_way_loses_nothing() {
    std::thread::scope(|scope| {
        for (name, spoil) in ON_THE_WAY {
            let once = |nth, good: Reply| (nth == 2).then(|| spoil(good));
            scope.spawn(move || check_fault(name, once, &End::Full, ""));
        }
        let always = |nth, good: Reply| (nth >= 2).then(|| good.cut());
        let words = "no whole answer in 5 tries";
        scope.spawn(move || check_fault("every page is cut", always, &End::Loud, words));
    });
}

#[test]
fn no_answer_is_larger_than_any_may_be() {
    for (name, spoil) in TOO_LARGE {
        let once = |nth, good: Reply| (nth == 2).then(|| spoil(good));
        check_fault(name, once, &End::Loud, "an answer larger than");
    }
}

#[test]
fn what_is_no_answer_of_its_shape_is_not_used() {
    let spoils: [(&str, &str, Spoil); 3] = [
        ("a text that is none", "answered 200 in 5 tries", |good| {
            good.saying("\"Person ", b"\"Person \xff")
        }),
        ("a number that is none", "answered 200 in 5 tries", |good| {
            good.saying("\"lead\"", b"NaN")
        }),
        ("a key that comes twice", "not readable", |good| {
            good.saying("\"firstname\":", b"\"firstname\":\"canary\",\"firstname\":")
        }),
    ];
    std::thread::scope(|scope| {
        for (name, words, spoil) in spoils {
            let once = move |nth, good: Reply| (nth == 2).then(|| spoil(good));
            scope.spawn(move || check_fault(name, once, &End::Full, ""));
            let always = move |_, good: Reply| Some(spoil(good));
            scope.spawn(move || check_fault(name, always, &End::Loud, words));
        }
    });
}

#[test]
fn what_passes_loses_nothing() {
    check_faults(&[
        (|nth, _| (nth == 2).then(|| limited(None)), End::Full, ""),
        (|nth, _| (nth == 2).then(|| limited(None).with("Retry-After", "1")), End::Full, ""),
        (|nth, _| (nth == 2).then(|| refusal(500, "INTERNAL", "canary")), End::Full, ""),
        (|nth, _| (nth == 2).then(|| refusal(523, "EDGE", "canary")), End::Full, ""),
        (|nth, _| (nth == 2).then(|| refusal(423, "LOCKED", "canary")), End::Full, ""),
        // An error that calls itself an answer.
        (|nth, _| (nth == 2).then(|| refusal(200, "INTERNAL", "canary")), End::Full, ""),
        (|nth, _| (nth == 2).then(|| refusal(207, "INTERNAL", "canary")), End::Full, ""),
        (|nth, _| (nth == 2).then(|| Reply::json(&Value::Null)), End::Full, ""),
        (|nth, _| (nth == 2).then(|| Reply::Stall(Vec::new())), End::Full, ""),
        (
            |nth, good| {
                let whole = Reply::json(&good).bytes();
                (nth == 2).then(|| Reply::Bytes(whole[..whole.len() / 2].to_vec()))
            },
            End::Full,
            "",
        ),
        // More are said to be left than there are.
        (
            |nth, mut good| {
                good["total"] = json!(good["total"].as_u64().unwrap() + 7);
                (nth == 2).then(|| Reply::json(&good))
            },
            End::Full,
            "",
        ),
        // A page with one record fewer than it says, and one that hides it.
        (|nth, good| (nth == 2).then(|| Reply::json(&without_one(good))), End::Full, ""),
        (
            |nth, mut good| {
                let records = good["results"].as_array_mut().unwrap();
                records[7] = json!({ "id": "100000", "properties": {} });
                records.sort_by_key(|record| word(&record["id"]).parse::<u64>().unwrap());
                (nth == 2).then(|| Reply::json(&good))
            },
            End::Full,
            "",
        ),
        (
            |nth, mut good| {
                good["results"] = json!([]);
                good["total"] = json!(0);
                (nth == 3).then(|| Reply::json(&good))
            },
            End::Full,
            "",
        ),
    ]);
}

#[test]
fn what_stays_is_said() {
    check_faults(&[
        (|_, _| Some(limited(Some("DAILY"))), End::Loud, "allows a day are used up"),
        (|_, _| Some(limited(Some("TEN_SECONDLY_ROLLING"))), End::Loud, "asks to come back in"),
        (|_, _| Some(refusal(503, "DOWN", "canary")), End::Loud, "answered 503"),
        (|_, _| Some(refusal(530, "EDGE", "canary")), End::Loud, "530"),
        (|_, _| Some(refusal(200, "INTERNAL", "canary")), End::Loud, "answered 200"),
        (
            |_, _| Some(Reply::text(200, "text/html", "<html>canary</html>")),
            End::Loud,
            "answered 200",
        ),
        (
            |nth, _| (nth > 2).then(|| refusal(401, "EXPIRED_AUTHENTICATION", "canary")),
            End::Loud,
            "does not accept the login",
        ),
        (
            |nth, _| {
                let moved = Reply::status(302, &json!({})).with("Location", "http://192.0.2.1/crm");
                (nth > 2).then_some(moved)
            },
            End::Loud,
            "points to another address",
        ),
        (|_, good| Some(Reply::json(&without_one(good))), End::Loud, "fewer records than it says"),
        (
            |_, mut good| {
                good["results"][7]["id"] = Value::Null;
                Some(Reply::json(&good))
            },
            End::Loud,
            "not readable",
        ),
        (
            |_, mut good| {
                good["results"][7]["properties"]["email"] = json!({ "canary": 1 });
                Some(Reply::json(&good))
            },
            End::Loud,
            "not readable",
        ),
        (
            |nth, mut good| {
                good["results"][7]["properties"].as_object_mut().unwrap().remove("email");
                (nth > 2).then(|| Reply::json(&good))
            },
            End::Loud,
            "a property of record",
        ),
        // The first page again and again.
        (
            |nth, mut good| {
                good["results"][0]["id"] = json!("3");
                (nth > 2).then(|| Reply::json(&good))
            },
            End::Loud,
            "out of order",
        ),
    ]);
}

#[test]
fn records_that_never_come_make_an_incomplete_packet() {
    let mut account = account();
    account.fault = Some(Box::new(|request| {
        let counts = request.path.ends_with("/search") && request.json()["limit"] == 1;
        counts.then(|| Reply::json(&json!({ "total": PEOPLE + 3, "results": [] })))
    }));
    let server = account.serve();
    let job = small(&server, "");
    let missing = run(&job).unwrap().missing;
    let words = format!("{PEOPLE} records came of the {}", PEOPLE + 3);
    assert!(missing.iter().any(|missing| missing.contains(&words)), "{missing:?}");
}

/// An account whose limit of the day is met within its people.
fn limited_account() -> Account {
    let mut nth = 0;
    let mut account = account();
    account.fault = Some(Box::new(move |request| {
        let searches = request.path.ends_with("/search");
        nth += usize::from(searches);
        (searches && nth == 4).then(|| limited(Some("DAILY")))
    }));
    account
}

/// Behind which record the first page of some requests begins.
fn begins_behind(requests: &[Request]) -> Value {
    let is_page =
        |request: &&Request| request.path.ends_with("/search") && request.json()["limit"] != 1;
    let first = requests.iter().find(is_page).unwrap();
    first.json()["filterGroups"][0]["filters"][1]["value"].clone()
}

#[test]
fn a_pull_that_met_the_limit_of_the_day_goes_on_the_next_day() {
    let server = limited_account().serve();
    let job = small(&server, "");
    run(&job).unwrap_err();
    assert!(job.has(".pull"));
    let before = server.requests().len();
    run(&job).unwrap();
    assert_eq!(found(&job), left());
    let again = server.requests().split_off(before);
    assert_ne!(begins_behind(&again), "0", "what was read is kept");
}

#[test]
fn a_kept_place_that_is_none_is_not_the_beginning() {
    let server = limited_account().serve();
    let job = small(&server, "");
    run(&job).unwrap_err();
    job.edit(".pull/0-contact.jsonl", "{\"after\":\"", "{\"after\":\"#");
    let before = server.requests().len();
    run(&job).unwrap();
    assert_eq!(found(&job), left());
    let again = server.requests().split_off(before);
    assert_ne!(begins_behind(&again), "0", "the last record that came tells where to go on");
}

#[test]
fn a_pull_of_another_account_begins_anew() {
    let server = limited_account().serve();
    let job = small(&server, "");
    run_by(&job, SANDBOX).unwrap_err();
    for (name, bytes) in job.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SANDBOX), "{}", name.display());
    }
    let before = server.requests().len();
    run(&job).unwrap();
    let again = server.requests().split_off(before);
    assert_eq!(begins_behind(&again), "0", "what was kept is another account's");
}

/// An allowlist that goes by internal names.
const BY_NAME: &str = r#"[contact.fields]
id = { from = "hs_object_id", why = "Names the record." }
first_name = { from = "firstname", why = "Compared." }
last_name = { from = "lastname", why = "Compared." }
email = { from = "email", why = "Compared." }
phone = { from = "phone", why = "Compared." }
title = { from = "jobtitle", why = "Compared." }
owner = { from = "hubspot_owner_id", why = "Compared." }
lifecycle = { from = "lifecyclestage", why = "Compared." }
created = { from = "createdate", why = "Compared." }
account = { from = "Associated Company IDs", why = "Compared." }

[account.fields]
id = { from = "hs_object_id", why = "Names the record." }
name = { from = "name", why = "Compared." }
owner = { from = "hubspot_owner_id", why = "Compared." }
industry = { from = "industry", why = "Compared." }
employees = { from = "numemployees", why = "Compared." }
created = { from = "createdate", why = "Compared." }

[deal.fields]
id = { from = "hs_object_id", why = "Names the record." }
name = { from = "dealname", why = "Compared." }
owner = { from = "hubspot_owner_id", why = "Compared." }
stage = { from = "dealstage", why = "Compared." }
amount = { from = "amount", why = "Compared." }
close_date = { from = "closedate", why = "Compared." }
account = { from = "Associated Company IDs", why = "Compared." }
"#;

/// HubSpot's own client, installed below target/ by `.ci/run`, reads what the account holds: so the
/// account is one that HubSpot's client takes for HubSpot.
#[test]
fn an_independent_client_reads_the_same_records() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = root.join("target/hubspot/package.json");
    if !installed.with_file_name("node_modules").exists() {
        let words = "NOT READ BY HUBSPOT'S OWN CLIENT: it is not installed (see .ci/run)";
        return writeln!(std::io::stderr(), "{words}").unwrap();
    }
    let held = acme::account();
    let generous = usize::MAX;
    let account = Account { legacy: true, searches_a_second: generous, ..acme::account() };
    let server = account.serve();
    let output = Command::new("node")
        .args([&root.join("tests/hubspot/read.mjs"), &installed])
        .args([&server.url(), TOKEN])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (kind, table) in &held.types {
        let records = told["types"][kind].as_object().unwrap();
        assert_eq!(records.len(), table.records.len(), "{kind}");
        let links = held.associations.get(&(kind.clone(), "companies".to_owned()));
        for (id, record) in &table.records {
            let read = &records[&id.to_string()];
            for (name, value) in &record.properties {
                assert_eq!(read["properties"][name], *value, "{kind} {id} {name}");
            }
            for (name, versions) in &record.history {
                let values: Vec<&str> = versions.iter().map(|was| was.value.as_str()).collect();
                assert_eq!(read["history"][name], json!(values), "{kind} {id} {name}");
            }
            let linked = links.and_then(|links| links.get(id)).cloned().unwrap_or_default();
            assert_eq!(read["companies"], json!(linked), "{kind} {id}");
        }
    }
    // And it is what this project reads.
    let job = small(&server, "version = \"v3\"");
    job.put("rules/boundary.toml", BY_NAME);
    let (config, pull) = pulled(&job, ("HUBSPOT_TOKEN", TOKEN));
    let mut compared = 0;
    for batch in &pull.batches {
        let kind = format!("{}s", batch.object().key()).replace("accounts", "companies");
        let records = told["types"][&kind].as_object().unwrap();
        assert_eq!(batch.len(), records.len(), "{kind}");
        for row in batch.rows() {
            let record = &records[row.id()];
            for field in config.boundary.fields(batch.object()) {
                let name = &field.from()[0];
                let place = format!("{kind} {} {name}", row.id());
                if name == "Associated Company IDs" {
                    let ids = record["companies"].as_array().unwrap();
                    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                    assert_eq!(row.text(field).unwrap_or_default(), ids.join(";"), "{place}");
                } else {
                    assert_same(row, field, &record["properties"][name], config.zone, &place);
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
    assert_eq!(told["owners"].as_array().unwrap().len(), held.owners.len());
    let stages = held.pipelines["deals"][0]["stages"].as_array().unwrap();
    assert_eq!(told["stages"].as_array().unwrap().len(), stages.len());
}
