//! HubSpot as a source, against an account that records every request and can fail in every way.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use chrono::{DateTime, NaiveDate, Utc};
use crm_review::review::{self, Done, Order, ReviewError};
use crm_review::source::secret::Environment;

use crate::job::Job;
use crate::mock::hubspot::TOKEN;
use crate::mock::{Server, acme};
use crate::salesforce::facts;

/// The morning of that day.
fn now() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

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
    review::run(&Order {
        folder: job.path(""),
        as_of: NaiveDate::from_ymd_opt(2026, 11, 23),
        now: now(),
        threads: NonZeroUsize::new(2).unwrap(),
        environment: Environment::new([("HUBSPOT_TOKEN".to_owned(), TOKEN.to_owned())]),
        tell: |_| {},
    })
}

#[test]
fn the_same_records_give_the_same_findings_by_api_and_by_export() {
    let account = acme::account();
    let exported = Job::acme("hubspot");
    exported.put("exports/users.csv", &acme::users(&account));
    run(&exported).unwrap();
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
