//! Every check on every fixture.
//!
//! A fixture is a folder below `fixtures/checks`: `boundary.toml`, rules files, and one CSV per object.
//! A column `expect` says which checks must find something about the row (`OWN-01 LIF-13`, or `ok`);
//! the boundary drops that column like any other it does not list. Every check runs on every fixture,
//! and the findings must equal the expectations, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::NaiveDate;
use crm_review::boundary::{Boundary, Load, Object};
use crm_review::check::{AsOf, Bench, Outcome, Policies, Pulled, Rulebook, World};
use crm_review::finding::Finding;
use crm_review::policy::{Document, Log};

/// The day of every fixture's review.
fn today() -> AsOf {
    AsOf::new(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), chrono_tz::UTC)
}

struct Fixture {
    expected: BTreeSet<(String, String)>,
    found: BTreeSet<(String, String)>,
    findings: Vec<(&'static str, Finding)>,
    broken: Vec<&'static str>,
}

fn review(folder: &Path) -> Fixture {
    let mut rules = BTreeMap::new();
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        match name.strip_suffix(".csv").and_then(Object::parse) {
            Some(object) => drop(tables.insert(object, (name, text))),
            None => drop(rules.insert(name, text)),
        }
    }
    let log = Log::default();
    let document = Document::parse("rules/boundary.toml", &rules["boundary.toml"], &log);
    let boundary = Boundary::parse(&document, &log);
    let rulebook = Rulebook::parse(&rules, &log);
    let policies = Policies::parse(&rulebook, &boundary, &log);
    let policies = log.finish(policies).unwrap_or_else(|problems| panic!("{folder:?}\n{problems}"));
    let bench = Bench::load(&policies, &boundary, &BTreeSet::new());
    let mut reads = bench.reads();
    let mut pulled = Pulled::default();
    let mut expected = BTreeSet::new();
    for (object, (name, text)) in &tables {
        reads.extend(boundary.fields(*object).filter(|field| field.name() == "id").cloned());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let desk = boundary.admit(*object, name, &header, &reads, chrono_tz::UTC).unwrap();
        let mut intake = desk.intake();
        for record in reader.records() {
            let record = record.unwrap();
            let line = record.position().unwrap().line();
            let cells: Vec<&str> = desk.wanted().iter().map(|at| &record[*at]).collect();
            intake.row(line, &cells).unwrap_or_else(|misfit| panic!("{name}:{line}: {misfit:?}"));
            if let Some(at) = header.iter().position(|column| column == "expect") {
                for code in record[at].split_whitespace().filter(|code| *code != "ok") {
                    expected.insert((code.to_owned(), format!("{object} {}", &record[0])));
                }
            }
        }
        let load = desk.close(vec![intake]).unwrap();
        pulled.insert(Load::join(*object, vec![load], &reads).unwrap().0);
    }
    let mut fixture =
        Fixture { expected, found: BTreeSet::new(), findings: Vec::new(), broken: Vec::new() };
    for report in bench.run(&World::new(&pulled, today(), &policies), NonZeroUsize::MIN) {
        match report.outcome {
            Outcome::Ran(judgement) => {
                for finding in judgement.findings {
                    fixture
                        .found
                        .insert((report.check.code.to_owned(), finding.record.to_string()));
                    fixture.findings.push((report.check.code, finding));
                }
            }
            Outcome::NotApplicable(_) => {}
            Outcome::Broken => fixture.broken.push(report.check.code),
        }
    }
    fixture
}

#[test]
fn every_fixture_is_judged_as_its_rows_expect() {
    let mut wrong = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checks");
    let mut folders: Vec<_> =
        fs::read_dir(&root).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let fixture = review(&folder);
        for code in &fixture.broken {
            wrong += &format!("{name}: {code} is broken\n");
        }
        for (code, record) in fixture.expected.difference(&fixture.found) {
            wrong += &format!("{name}: {code} did not find {record}\n");
        }
        for (code, record) in fixture.found.difference(&fixture.expected) {
            wrong += &format!("{name}: {code} found {record}, which is not expected\n");
        }
        let mut ids = BTreeSet::new();
        for (code, finding) in &fixture.findings {
            let id = finding.id(code);
            if !ids.insert(id.to_string()) {
                wrong += &format!("{name}: {code} has {id} twice, about {}\n", finding.record);
            }
            if finding.doubts.is_empty() {
                wrong += &format!("{name}: {code} says nothing against itself\n");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
