//! The core as a whole: files through the boundary into batches, and folders through a run.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crm_review::boundary::{Admission, Batch, Boundary, Field, Object, Row};
use crm_review::policy::{Document, Log};
use crm_review::source::{Files, pull};

const FIELDS: &str = "[contact.fields]\n\
    id = { from = \"Id\", why = \"Names the record.\" }\n\
    title = { from = \"Title\", why = \"Says who it is.\" }\n\
    city = { from = \"City\", why = \"Says where.\" }\n\
    created = { from = \"Created\", why = \"Says since when.\", dates = \"month-first\" }\n\
    modified = { from = \"Modified\", why = \"Says what changed.\", dates = \"month-first\" }\n";

fn boundary() -> Boundary {
    let log = Log::default();
    let boundary = Boundary::parse(&Document::parse("boundary.toml", FIELDS, &log), &log);
    log.finish(boundary).unwrap()
}

fn read(folder: &Path, files: &[(&str, &str)]) -> (Batch, Vec<Admission>) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let boundary = boundary();
    let reads: BTreeSet<Field> = boundary.fields(Object::Contact).cloned().collect();
    let names = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
    let files = Files(BTreeMap::from([(Object::Contact, names)]));
    let threads = NonZeroUsize::new(2).unwrap();
    let pull = pull(folder, &files, &boundary, &reads, chrono_tz::UTC, threads).unwrap();
    (pull.batches.into_iter().next().unwrap(), pull.admissions)
}

#[test]
fn every_row_keeps_its_file_and_line_however_many_rows_are_set_aside_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = "Id,Title,City,Created,Modified\n\
        c1,Buyer,Bonn,3/4/2025,3/4/2025\n\
        c2,Buyer,Bonn,31/3/2025,30/3/2025\n\
        c1,Clerk,Ulm,3/4/2025,3/4/2025\n\
        c3,password: hunter22,Ulm,3/4/2025,3/4/2025\n";
    let two = "Id,Title,Created,Modified\n\
        c3,Clerk,3/4/2025,3/4/2025\n\
        c4,Clerk,3/4/2025,13/1/2025\n\
        c5,password: hunter22,3/4/2025,3/4/2025\n\
        c5,password: hunter22,3/4/2025,3/4/2025\n\
        c6,Chief,3/4/2025,3/4/2025\n";
    let (batch, admissions) = read(folder.path(), &[("one.csv", one), ("two.csv", two)]);
    let boundary = boundary();
    let [title, city] =
        ["title", "city"].map(|name| boundary.allowed(Object::Contact, name).unwrap());
    let place = |row: Row<'_>| {
        let cell = row.cell(&title);
        format!(
            "{} {}:{} {} | {} in `{}`",
            row.id(),
            cell.file(),
            cell.line(),
            cell.shown(),
            row.cell(&city).shown(),
            row.cell(&city).column(),
        )
    };
    let places: Vec<String> = batch.rows().map(place).collect();
    assert_eq!(
        places,
        [
            "c1 one.csv:2 Buyer | Bonn in `City`",
            "c3 one.csv:5 (withheld) | Ulm in `City`",
            "c5 two.csv:4 (withheld) | (blank) in ``",
            "c6 two.csv:6 Chief | (blank) in ``",
        ]
    );
    let aside: Vec<_> = admissions.iter().map(|a| (a.rows, a.set_aside.as_slice())).collect();
    let impossible =
        |line, column: &str| (line, format!("`{column}` names a day that does not exist"));
    let repeat = |line| (line, "the id stands on an earlier row".to_owned());
    assert_eq!(
        aside,
        [
            (2, [impossible(3, "Created"), repeat(4)].as_slice()),
            (2, [repeat(2), impossible(3, "Modified"), repeat(5)].as_slice()),
        ]
    );
    assert_eq!(batch.find("c6").unwrap().line(), 6);
    assert!(batch.find("c4").is_none());
}

#[test]
fn a_row_whose_id_looks_like_a_secret_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let key = format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE");
    let text = format!("Id,Title,City\n{key},Buyer,Bonn\nc1,Buyer,Bonn\n");
    let (batch, _) = read(folder.path(), &[("one.csv", &text)]);
    let ids: Vec<_> = batch.rows().map(|row| row.id().to_owned()).collect();
    assert_eq!(ids, ["c1"]);
}
