//! The checks' fixtures: folders below `fixtures/checks`, judged by every check.
//!
//! A fixture is `boundary.toml`, rules files, and one CSV per object.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;
use crm_review::boundary::{Admission, Batch, Boundary, Field, Load, Object};
use crm_review::check::{AsOf, Bench, Policies, Pulled, Report, Rulebook, World};
use crm_review::policy::{Document, Log};

/// The day of every fixture's review.
pub(crate) fn today() -> AsOf {
    AsOf::new(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(), chrono_tz::UTC)
}

/// Every fixture, by name.
pub(crate) fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checks");
    let mut folders: Vec<_> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// The digest of the facts of a finding that has none.
pub(crate) const DIGEST_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8";

/// A fixture and what the checks say of it.
pub(crate) struct Judged {
    pub(crate) boundary: Boundary,
    pub(crate) admissions: Vec<Admission>,
    /// Each table as it lies in the folder.
    pub(crate) tables: BTreeMap<Object, String>,
    pub(crate) reports: Vec<Report>,
    pub(crate) pulled: Pulled,
    pub(crate) policies: Policies,
}

/// What lies in a fixture's folder: its rules files by name, and its tables.
pub(crate) struct Kit {
    pub(crate) rules: BTreeMap<String, String>,
    pub(crate) tables: BTreeMap<Object, String>,
}

/// Reads a fixture.
pub(crate) fn read(folder: &Path) -> Kit {
    let (mut rules, mut tables) = (BTreeMap::new(), BTreeMap::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        match name.strip_suffix(".csv").and_then(Object::parse) {
            Some(object) => drop(tables.insert(object, text)),
            None => drop(rules.insert(name, text)),
        }
    }
    Kit { rules, tables }
}

/// Judges a fixture.
pub(crate) fn judged(folder: &Path) -> Judged {
    judge(read(folder))
}

/// Judges tables by their rules.
pub(crate) fn judge(kit: Kit) -> Judged {
    judge_as_of(kit, today())
}

/// The same for another zone.
pub(crate) fn judge_as_of(Kit { rules, tables }: Kit, as_of: AsOf) -> Judged {
    let log = Log::default();
    let document = Document::parse("rules/boundary.toml", &rules["boundary.toml"], &log);
    let boundary = Boundary::parse(&document, &log);
    let policies = Policies::parse(&Rulebook::parse(&rules, &log), &boundary, &log);
    let policies = log.finish(policies).unwrap_or_else(|problems| panic!("{problems}"));
    let bench = Bench::load(&policies, &boundary, &BTreeSet::new());
    let mut reads = bench.reads();
    for object in tables.keys() {
        reads.extend(boundary.fields(*object).filter(|field| field.name() == "id").cloned());
    }
    let (mut pulled, mut admissions) = (Pulled::default(), Vec::new());
    for (object, text) in &tables {
        let (batch, said) =
            admit(&boundary, *object, &format!("{object}.csv"), text, &reads, as_of.zone);
        pulled.insert(batch);
        admissions.extend(said);
    }
    let reports = bench.run(&World::new(&pulled, as_of, &policies, NonZeroUsize::MIN));
    Judged { boundary, admissions, tables, reports, pulled, policies }
}

/// Judges a fixture by its name.
pub(crate) fn named(name: &str) -> Judged {
    judged(&folder(name))
}

/// The folder of a fixture.
pub(crate) fn folder(name: &str) -> PathBuf {
    folders().into_iter().find(|folder| folder.ends_with(name)).unwrap()
}

/// Admits one table.
pub(crate) fn admit(
    boundary: &Boundary,
    object: Object,
    file: &str,
    text: &str,
    reads: &BTreeSet<Field>,
    zone: Tz,
) -> (Batch, Vec<Admission>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let map = boundary.admit(object, file, &header, reads, zone).unwrap();
    let mut intake = map.intake();
    for record in reader.records() {
        let record = record.unwrap();
        let line = record.position().unwrap().line();
        let cells: Vec<&str> = map.wanted().iter().map(|at| &record[*at]).collect();
        intake.row(line, &cells).unwrap_or_else(|misfit| panic!("{file}:{line}: {misfit:?}"));
    }
    Load::join(object, vec![map.close(intake.into()).unwrap()], reads, NonZeroUsize::MIN)
}
