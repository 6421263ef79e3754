//! Salesforce as a source, against an org that records every request and can fail in every way.

use std::path::Path;

use crate::job::{Job, Said};
use crate::mock::salesforce::{Org, SECRET, TOKEN};

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
fn facts(job: &Job) -> Vec<serde_json::Value> {
    let text = job.text(&format!("runs/{DAY}/findings.jsonl"));
    text.lines()
        .map(|line| {
            let mut finding: serde_json::Value = serde_json::from_str(line).unwrap();
            strip(&mut finding);
            finding
        })
        .collect()
}

fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for name in ["column", "file", "line"] {
                map.remove(name);
            }
            map.values_mut().for_each(strip);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
        serde_json::Value::String(words) => {
            if let Some((front, rest)) = words.split_once(" on line ") {
                let (_, back) = rest.split_once(" looks like").unwrap();
                *words = format!("{front} looks like{back}");
            }
        }
        _ => {}
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
