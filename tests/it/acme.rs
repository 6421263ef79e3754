//! The company Acme: what is found equals the truth that was planted, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use crm_review::review::{self, Done, Order, ReviewError};
use crm_review::source::secret::Environment;

use crate::decisions::{Filled, confirm, escalate, reject};
use crate::job::{Job, word};

fn flavour(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/acme").join(name)
}

/// A copy of a flavour's folder: a run writes into the folder it reviews.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if ["runs", "ledger.jsonl", ".lock"].iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

type Found = BTreeSet<(String, String, String)>;

/// The week's review of a flavour, and the folder that holds it.
pub(crate) fn run(name: &str) -> (tempfile::TempDir, Done) {
    let folder = tempfile::tempdir().unwrap();
    copy(&flavour(name), folder.path());
    let done = run_in(folder.path()).unwrap();
    (folder, done)
}

fn put(path: &Path, text: &str) {
    fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).unwrap();
}

fn run_in(folder: &Path) -> Result<Done, ReviewError> {
    review::run(&Order {
        folder: folder.to_owned(),
        as_of: NaiveDate::from_ymd_opt(2026, 11, 23),
        now: DateTime::default(),
        threads: NonZeroUsize::new(2).unwrap(),
        environment: Environment::default(),
        tell: |_| {},
        event: None,
    })
    .1
}

fn reviewed(name: &str) -> (Found, Vec<serde_json::Value>) {
    let (_folder, done) = run(name);
    assert_eq!(done.missing, Vec::<String>::new());
    let lines = fs::read_to_string(done.folder.join("findings.jsonl")).unwrap();
    let findings: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found =
        findings.iter().map(|f| (text(f, "rule"), text(f, "object"), text(f, "record"))).collect();
    (found, findings)
}

/// The planted faults, each with the reason it stands for.
fn expected(name: &str) -> BTreeMap<(String, String, String), String> {
    let mut reader = csv::Reader::from_path(flavour(name).join("expected.csv")).unwrap();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (
                (record[0].to_owned(), record[1].to_owned(), record[2].to_owned()),
                record[4].to_owned(),
            )
        })
        .collect()
}

#[track_caller]
fn check(name: &str, least_rules: usize) {
    let (found, findings) = reviewed(name);
    let expected = expected(name);
    let mut wrong = String::new();
    for (fault, why) in expected.iter().filter(|(fault, _)| !found.contains(fault)) {
        wrong += &format!("not found: {fault:?}, {why}\n");
    }
    for fault in found.iter().filter(|fault| !expected.contains_key(fault)) {
        wrong += &format!("not planted: {fault:?}\n");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(findings.len(), expected.len(), "each fault is found once");
    let ids: BTreeSet<_> = findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), findings.len(), "each finding has a name of its own");
    let rules: BTreeSet<_> = expected.keys().map(|(rule, ..)| rule).collect();
    assert!(rules.len() >= least_rules, "{} rules are planted", rules.len());
    for finding in &findings {
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{finding}");
        assert!(!finding["why_wrong"].as_array().unwrap().is_empty(), "{finding}");
        assert_ne!(finding["evidence_digest"], crate::fixture::DIGEST_OF_NOTHING, "{finding}");
    }
}

#[test]
fn salesforce_exports_hold_exactly_the_planted_faults() {
    check("salesforce", 40);
}

#[test]
fn hubspot_exports_hold_exactly_the_planted_faults() {
    check("hubspot", 33);
}

/// The cells of a column of an export, by the id of their rows.
fn column(name: &str, export: &str, column: &str) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_path(flavour(name).join("exports").join(export)).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|it| it == name).unwrap();
    let (id, of) = (at("Id"), at(column));
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| (row[id].to_owned(), row[of].trim().to_owned())).collect()
}

#[test]
fn a_headline_names_its_record_and_leaves_the_id_to_the_line_below() {
    let (_, findings) = reviewed("salesforce");
    let mut names = BTreeMap::new();
    for (object, export, of) in [
        ("lead", "Lead.csv", "LastName"),
        ("contact", "Contact.csv", "LastName"),
        ("account", "Account.csv", "Name"),
        ("deal", "Opportunity.csv", "Name"),
    ] {
        names.insert(object, column("salesforce", export, of));
    }
    let mut told = 0;
    for finding in &findings {
        let [object, record, headline] =
            ["object", "record", "headline"].map(|key| finding[key].as_str().unwrap());
        let name = names.get(object).and_then(|names| names.get(record));
        let Some(name) = name.filter(|name| name.contains(char::is_alphanumeric)) else { continue };
        assert!(headline.contains(name.as_str()), "{record} is {name}: {headline}");
        told += 1;
        let alike = headline.matches(name.as_str()).count() > 1;
        assert!(alike || !headline.contains(record), "{headline}");
    }
    assert!(told > 80, "{told} of {}", findings.len());
}

#[test]
fn names_that_are_never_shown_leave_the_ids() {
    let folder = tempfile::tempdir().unwrap();
    copy(&flavour("salesforce"), folder.path());
    let rules = folder.path().join("rules/boundary.toml");
    let mut text = fs::read_to_string(&rules).unwrap();
    for field in ["FirstName\"", "LastName\"", "Company\"", "Name\""] {
        let shown = format!("from = \"{field}, why");
        text = text.replace(&shown, &format!("from = \"{field}, show = \"never\", why"));
    }
    put(&rules, &text);
    let done = run_in(folder.path()).unwrap();
    let findings = fs::read_to_string(done.folder.join("findings.jsonl")).unwrap();
    let [leads, users] = [("Lead.csv", "LastName"), ("User.csv", "Name")]
        .map(|(export, name)| column("salesforce", export, name));
    for line in findings.lines() {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let headline = finding["headline"].as_str().unwrap();
        let record = finding["record"].as_str().unwrap();
        if let Some(name) = leads.get(record) {
            assert!(!headline.contains(name.as_str()), "{headline}");
        }
        assert!(!line.contains("\"called\""), "{line}");
        let evidence = finding["evidence"].as_array().unwrap();
        for said in evidence.iter().chain([&finding["proposal"], &finding["headline"]]) {
            let text = said.to_string();
            let name = users.values().find(|name| {
                // A rules file may name people; what it says is quoted as it stands.
                !text.contains("rules/") && text.contains(name.as_str())
            });
            assert_eq!(name, None, "{text}");
        }
    }
}

#[test]
fn a_card_of_copies_says_who_they_are_and_what_may_be_done() {
    let (_, findings) = reviewed("salesforce");
    let of = |rule: &str, holds: fn(&serde_json::Value) -> bool| {
        let found = findings.iter().filter(|it| it["rule"] == rule);
        found.filter(|it| holds(it)).collect::<Vec<_>>()
    };
    let leads = of("DUP-01", |it| it["object"] == "lead");
    let fields: Vec<_> = leads[0]["evidence"].as_array().unwrap().iter().take(4).collect();
    let fields: Vec<_> = fields.iter().map(|it| it["left"]["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["first_name", "last_name", "company", "email"]);
    // Different names at one address: a question, and no merge.
    let two = of("DUP-01", |it| it["held"] == "escalate-only");
    assert_eq!(two[0]["proposal"]["kind"], "review-record");
    let words = two[0]["proposal"]["words"].as_str().unwrap();
    assert!(words.contains("two people or one; Tomasz Zieliński"), "{words}");
    // Too many for one merge: a first step.
    let steps = of("DUP-12", |it| it["proposal"]["kind"] == "merge-candidate");
    assert_eq!(steps[0]["proposal"]["fold"].as_array().unwrap().len(), 2);
    assert_eq!(steps[0]["held"], "held");
    // A change is one row, with the name of who made it.
    let changes = of("SOR-03", |_| true);
    let evidence = changes[0]["evidence"].as_array().unwrap();
    let changes: Vec<_> = evidence.iter().filter(|it| it["kind"] == "changed").collect();
    assert_eq!(changes.len(), 4);
    assert!(changes.iter().all(|it| it["by"]["called"].is_string()), "{changes:?}");
}

#[test]
fn every_rule_is_planted_in_one_of_the_flavours() {
    let planted: BTreeSet<String> = ["salesforce", "hubspot"]
        .into_iter()
        .flat_map(expected)
        .map(|((rule, ..), _)| rule)
        .collect();
    let all: BTreeSet<String> =
        crm_review::check::ALL.iter().map(|check| check.code.to_owned()).collect();
    assert_eq!(planted, all);
}

#[test]
fn a_pinned_model_weighs_as_it_did_when_it_was_learned() {
    let (first, done) = run("salesforce");
    let second = tempfile::tempdir().unwrap();
    copy(&flavour("salesforce"), second.path());
    let rules = second.path().join("rules");
    let mut pinned = fs::read_to_string(rules.join("duplicates.toml")).unwrap() + "\n[pinned]\n";
    for table in ["lead", "contact", "account"] {
        let name = format!("{table}.model.toml");
        fs::copy(done.folder.join(&name), rules.join(&name)).unwrap();
        pinned += &format!("{table} = \"{name}\"\n");
    }
    put(&rules.join("duplicates.toml"), &pinned);
    let again = run_in(second.path()).unwrap();
    let text = |done: &Done, name: &str| fs::read_to_string(done.folder.join(name)).unwrap();
    assert_eq!(text(&again, "findings.jsonl"), text(&done, "findings.jsonl"));
    assert!(text(&again, "findings.jsonl").contains("\"kind\":\"likeness\""));
    assert!(text(&again, "packet.html").contains("contacts: as the rules pin it"));
    assert!(text(&done, "packet.html").contains("contacts: learned from these records"));
    assert!(text(&done, "manifest.json").contains("\"pairs of contacts compared\""));

    let model = fs::read_to_string(rules.join("lead.model.toml")).unwrap();
    let broken = model.replacen("prior = -", "prior = nan # ", 1);
    let line = broken.lines().position(|line| line.starts_with("prior")).unwrap() + 1;
    put(&rules.join("lead.model.toml"), &broken);
    let said = run_in(second.path()).unwrap_err().to_string();
    assert!(
        said.contains(&format!("rules/lead.model.toml: line {line}: `prior` is NaN")),
        "{said}"
    );

    // A model of companies is not used for people, and the packet says so.
    fs::copy(rules.join("account.model.toml"), rules.join("lead.model.toml")).unwrap();
    let odd = run_in(second.path()).unwrap();
    let manifest = text(&odd, "manifest.json");
    assert!(manifest.contains("leads: not compared: rules/duplicates.toml:"), "{manifest}");
    drop(first);
}

/// The rows of a table of a page of Markdown that begin with a finding, without the marks.
fn rows_of_findings(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `F-"));
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(|it| it.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_answers_of_the_practice_are_recorded_as_they_stand() {
    const DAY: &str = "2026-11-23";
    let page = include_str!("../../docs/deciding.md");
    let (asked, answers) = page.split_once("<details>").unwrap();
    let (asked, answers) = (rows_of_findings(asked), rows_of_findings(answers));
    let ids = |rows: &[Vec<String>]| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&asked), ids(&answers));
    let job = Job::acme("salesforce");
    job.call(&["run", ".", "--as-of", DAY]).ends(0);
    let lines = job.text(&format!("runs/{DAY}/findings.jsonl"));
    let findings: BTreeMap<String, serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|finding| (word(&finding["id"]), finding))
        .collect();
    let mut filled = Filled::of(&job, DAY).with("approver", "Sabine Krüger");
    for (row, question) in answers.iter().zip(&asked) {
        let finding = &findings[&row[0]];
        assert_eq!(finding["rule"], question[1].as_str());
        let answer = match row[1].as_str() {
            "approve" => confirm(),
            "escalate" => escalate("finance", "2026-12-04"),
            reason => reject(reason),
        };
        filled = filled.says(&job, DAY, &word(&finding["rule"]), &word(&finding["record"]), answer);
    }
    filled.put(&job, "practice.json");
    job.call(&["decide", "practice.json"]).ends(0);
    // Every kind of answer is practised.
    let kinds: BTreeSet<&str> = answers.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(kinds, ["approve", "escalate", "looked_into"].into());
}

#[test]
fn two_countries_speak_against_one_person() {
    let (_, findings) = reviewed("salesforce");
    let of = |record: &str| {
        let mut found = findings.iter();
        let finding = found.find(|it| it["rule"] == "DUP-01" && it["record"] == record).unwrap();
        finding.to_string().matches("different countries").count()
    };
    // Finland and Norway; Czechia twice.
    assert_eq!(["00Q5g000000pQB2EAM", "0035g000000rltKAAQ"].map(of), [1, 0]);
}
