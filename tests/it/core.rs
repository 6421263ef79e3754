//! The core as a whole: files through the boundary into batches, and folders through a run.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use crm_review::boundary::{Admission, Batch, Boundary, Field, Object, Outside, Row};
use crm_review::draft::init;
use crm_review::folder::{make, write_new};
use crm_review::policy::{Document, Log};
use crm_review::review::{self, Done, Order, ReviewError};
use crm_review::source::secret::Environment;
use crm_review::source::{Files, pull};

use crate::job::Job;

const FIELDS: &str = "[contact.fields]\n\
    id = { from = \"Id\", why = \"Names the record.\" }\n\
    title = { from = \"Title\", why = \"Says who it is.\" }\n\
    city = { from = \"City\", why = \"Says where.\" }\n\
    created = { from = \"Created\", why = \"Says since when.\", dates = \"month-first\" }\n\
    modified = { from = \"Modified\", why = \"Says what changed.\", dates = \"month-first\" }\n";

const LEFT_OUT: &str = "\
    deleted = { from = \"Deleted\", why = \"It is no record any more.\" }\n\
    excluded = { from = \"Excluded\", why = \"Whoever asks for it is left out.\" }\n";

fn boundary() -> Boundary {
    parsed(FIELDS)
}

fn parsed(fields: &str) -> Boundary {
    let log = Log::default();
    let boundary = Boundary::parse(&Document::parse("boundary.toml", fields, &log), &log);
    log.finish(boundary).unwrap()
}

fn read(folder: &Path, files: &[(&str, &str)]) -> (Batch, Vec<Admission>) {
    read_by(&boundary(), folder, files)
}

fn read_by(boundary: &Boundary, folder: &Path, files: &[(&str, &str)]) -> (Batch, Vec<Admission>) {
    for (name, text) in files {
        write_new(&folder.join(name), text.as_bytes()).unwrap();
    }
    let reads: BTreeSet<Field> = boundary.fields(Object::Contact).cloned().collect();
    let names = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
    let files = Files(BTreeMap::from([(Object::Contact, names)]));
    let threads = NonZeroUsize::new(2).unwrap();
    let pull = pull(folder, &files, boundary, &reads, chrono_tz::UTC, threads).unwrap();
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
    let doubtful = |line| {
        let why = "the id stands on a row of an earlier file, which says otherwise; which is newer is not known";
        (line, why.to_owned())
    };
    assert_eq!(
        aside,
        [
            (2, [impossible(3, "Created"), repeat(4)].as_slice()),
            (2, [doubtful(2), impossible(3, "Modified"), repeat(5)].as_slice()),
        ]
    );
    assert_eq!(batch.find("c6").unwrap().line(), 6);
    assert!(batch.find("c4").is_none());
}

#[test]
fn of_two_versions_of_a_record_the_one_that_was_changed_later_is_taken() {
    const LATER: &str = "the id stands on another row, which was changed later";
    const DOUBTFUL: &str = "the id stands on a row of an earlier file, which says otherwise; which is newer is not known";
    let old = "Id,Title,City,Created,Modified\n\
        c1,Buyer,Bonn,3/4/2025,3/4/2025\n\
        c2,Buyer,Bonn,3/4/2025,5/4/2025\n\
        c3,Buyer,Bonn,3/4/2025,\n\
        c4,Buyer,Bonn,3/4/2025,3/4/2025\n";
    let new = "Id,Title,City,Created,Modified\n\
        c1,Chief,Bonn,3/4/2025,5/14/2025\n\
        c2,Clerk,Bonn,3/4/2025,3/4/2025\n\
        c3,Chief,Bonn,3/4/2025,5/14/2025\n\
        c4,Buyer,Bonn,3/4/2025,3/4/2025\n\
        c5,Buyer,Bonn,3/4/2025,3/4/2025\n";
    let aside = |admissions: &[Admission]| -> Vec<(Vec<(u64, String)>, usize)> {
        admissions.iter().map(|it| (it.set_aside.clone(), it.unsettled)).collect()
    };
    let titles = |batch: &Batch| {
        let title = boundary().allowed(Object::Contact, "title").unwrap();
        let mut told: Vec<_> =
            batch.rows().map(|row| format!("{} {}", row.id(), row.text(&title).unwrap())).collect();
        told.sort();
        told
    };
    let earlier = "the id stands on an earlier row";
    let told = |line, why: &str| (line, why.to_owned());
    let folder = tempfile::tempdir().unwrap();
    let (batch, admissions) = read(folder.path(), &[("old.csv", old), ("new.csv", new)]);
    assert_eq!(titles(&batch), ["c1 Chief", "c2 Buyer", "c3 Buyer", "c4 Buyer", "c5 Buyer"]);
    assert_eq!(
        aside(&admissions),
        [(vec![told(2, LATER)], 0), (vec![told(3, LATER), told(4, DOUBTFUL), told(5, earlier)], 1)]
    );
    // Where the dates tell, the order of the files does not.
    let folder = tempfile::tempdir().unwrap();
    let (batch, admissions) = read(folder.path(), &[("new.csv", new), ("old.csv", old)]);
    assert_eq!(titles(&batch), ["c1 Chief", "c2 Buyer", "c3 Chief", "c4 Buyer", "c5 Buyer"]);
    assert_eq!(
        aside(&admissions),
        [(vec![told(3, LATER)], 0), (vec![told(2, LATER), told(4, DOUBTFUL), told(5, earlier)], 1)]
    );
    assert_eq!(batch.find("c2").unwrap().line(), 3);
}

#[test]
fn a_row_that_is_left_out_leaves_out_its_record_unless_another_row_is_known_to_be_newer() {
    let header = "Id,Title,City,Created,Modified,Deleted,Excluded\n";
    let live = "c1,Buyer,Bonn,3/4/2025,3/4/2025,no,\n\
        c2,Buyer,Bonn,3/4/2025,3/4/2025,no,\n\
        c3,Buyer,Bonn,3/4/2025,5/4/2025,no,\n\
        c4,Buyer,Bonn,3/4/2025,,no,\n\
        c5,Buyer,Bonn,3/4/2025,3/4/2025,no,\n";
    // Of one that is left out no cell is looked at, so none is wrong.
    let others = "c1,Buyer,Bonn,soon,3/1/2025,no,yes\n\
        c2,Buyer,Bonn,3/4/2025,3/14/2025,yes,no\n\
        c3,Buyer,Bonn,3/4/2025,3/14/2025,yes,no\n\
        c4,Buyer,Bonn,3/4/2025,3/14/2025,yes,no\n\
        c5,Buyer,Bonn,3/4/2025,3/14/2025,no,no\n\
        c6,Buyer,Bonn,3/4/2025,3/14/2025,yes,yes\n\
        ,Buyer,Bonn,3/4/2025,3/14/2025,,yes\n\
        c7,Buyer,Bonn,3/4/2025,3/14/2025,perhaps,no\n";
    let (live, others) = (format!("{header}{live}"), format!("{header}{others}"));
    for files in [[("a.csv", &live), ("b.csv", &others)], [("b.csv", &others), ("a.csv", &live)]] {
        let folder = tempfile::tempdir().unwrap();
        let files = files.map(|(name, text)| (name, text.as_str()));
        let boundary = parsed(&format!("{FIELDS}{LEFT_OUT}"));
        let (batch, mut admissions) = read_by(&boundary, folder.path(), &files);
        let mut ids: Vec<_> = batch.rows().map(Row::id).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["c3", "c4", "c5"]);
        let why = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"].map(|id| batch.outside(id));
        let (deleted, excluded) = (Some(Outside::Deleted), Some(Outside::Excluded));
        assert_eq!(why, [excluded, deleted, None, None, None, excluded, None]);
        admissions.sort_by(|a, b| a.file.cmp(&b.file));
        let told: Vec<_> =
            admissions.iter().map(|it| (it.rows, it.outside.clone(), it.set_aside.len())).collect();
        let counts = |deleted, excluded| {
            BTreeMap::from([(Outside::Deleted, deleted), (Outside::Excluded, excluded)])
        };
        assert_eq!(told, [(2, counts(1, 1), 1), (1, counts(3, 3), 0)]);
    }
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

const REVIEW: &str = "organisation = \"Acme\"\n\
    time_zone = \"Europe/Berlin\"\n\
    [source]\n\
    crm = \"hubspot\"\n\
    [source.files]\n\
    contact = \"contacts.csv\"\n\
    user = \"users.csv\"\n";

const RUN_FIELDS: &str = "[contact.fields]\n\
    id = { from = \"Id\", why = \"Names the record.\" }\n\
    owner = { from = \"Owner\", why = \"Says who works it.\", kind = \"name\" }\n\
    lifecycle = { from = \"Stage\", why = \"Says how far it is.\" }\n\
    modified = { from = \"Modified\", why = \"Says what changed.\" }\n\
    [user.fields]\n\
    id = { from = \"Id\", why = \"Names the user.\" }\n\
    name = { from = \"Name\", why = \"Matches owners.\", show = \"masked\" }\n\
    active = { from = \"Active\", why = \"Says who left.\" }\n";

const LIFECYCLE: &str = "[contact]\n\
    field = \"lifecycle\"\n\
    order = [\"Lead\", \"SQL\"]\n\
    closed = [\"Lost\"]\n";

const OWNERS: &str = "[inactive-owner]\nhandover = { u1 = \"u2\" }\n";

const CONTACTS: &str = "Id,Owner,Stage,Modified\n\
    c1,Ada Byronlady,Lead,2026-10-20\n\
    c2,Grace Hopperadmiral,SQL,2026-10-19\n";

/// A review folder, where nothing stood before.
fn folder(contacts: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rules", "exports"] {
        make(&folder.path().join(name)).unwrap();
    }
    for (name, text) in [
        ("review.toml", REVIEW),
        ("rules/boundary.toml", RUN_FIELDS),
        ("rules/lifecycle.toml", LIFECYCLE),
        ("rules/owners.toml", OWNERS),
        ("rules/approvals.toml", "[approver]\nname = \"Kay\"\n"),
        (
            "exports/users.csv",
            "Id,Name,Active\nu1,Ada Byronlady,false\nu2,Grace Hopperadmiral,true\n",
        ),
        ("exports/contacts.csv", contacts),
    ] {
        write_new(&folder.path().join(name), text.as_bytes()).unwrap();
    }
    folder
}

fn rewrite(path: &Path, text: &str) {
    std::fs::remove_file(path).unwrap();
    write_new(path, text.as_bytes()).unwrap();
}

fn order(folder: &Path, threads: usize) -> Order {
    Order {
        folder: folder.to_owned(),
        as_of: "2026-10-27".parse().ok(),
        now: "2026-10-27T08:00:00Z".parse().unwrap(),
        threads: NonZeroUsize::new(threads).unwrap(),
        environment: Environment::default(),
        tell: |_| {},
        event: None,
    }
}

fn run(order: &Order) -> Result<Done, ReviewError> {
    review::run(order).1
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn the_same_inputs_make_the_same_bytes_wherever_the_folder_lies() {
    let (one, other) = (folder(CONTACTS), folder(CONTACTS));
    let first = run(&order(one.path(), 1)).unwrap();
    let second = run(&order(other.path(), usize::MAX)).unwrap();
    assert_eq!(files(&first.folder), files(&second.folder));
    let place = one.path().display().to_string();
    for (name, bytes) in files(&first.folder) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&place), "{name}");
    }
}

#[test]
fn each_run_of_a_day_keeps_its_own_folder_and_made_again_is_the_latest() {
    let held = folder(CONTACTS);
    let contacts = held.path().join("exports/contacts.csv");
    let other = format!("{CONTACTS}c3,u1,Lead,2026-10-21\n");
    let mut homes = Vec::new();
    for text in [CONTACTS, &other, CONTACTS, &other] {
        rewrite(&contacts, text);
        let done = run(&order(held.path(), 2)).unwrap();
        let home = done.folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(done.summary.contains(&format!("runs/{home}/packet.html")), "{}", done.summary);
        homes.push((home, files(&done.folder)));
    }
    assert_eq!(homes[0].0, "2026-10-27");
    assert_ne!(homes[1].0, homes[0].0);
    assert_eq!((&homes[2], &homes[3]), (&homes[0], &homes[1]));
    let ledger = std::fs::read_to_string(held.path().join("ledger.jsonl")).unwrap();
    let entries: Vec<_> =
        ledger.lines().map(|line| line.split_once("\"entry\":").unwrap().1).collect();
    assert_eq!(entries.len(), 4);
    assert_eq!((entries[2], entries[3]), (entries[0], entries[1]));
    // What stands under the day and is no run of ours is left alone, and named.
    std::fs::remove_dir_all(held.path().join("runs/2026-10-27")).unwrap();
    make(&held.path().join("runs/2026-10-27")).unwrap();
    write_new(&held.path().join("runs/2026-10-27/minutes.txt"), b"Monday").unwrap();
    rewrite(&contacts, CONTACTS);
    let refused = run(&order(held.path(), 2)).unwrap_err().to_string();
    assert!(refused.contains("minutes.txt"), "{refused}");
    assert_eq!(files(&held.path().join("runs/2026-10-27")).len(), 1);
}

#[test]
fn a_masked_name_is_masked_wherever_a_packet_names_the_user() {
    let text = "Id,Owner,Stage,Modified\nc1,u1,Lead,2026-10-20\n";
    let held = folder(text);
    let done = run(&order(held.path(), 2)).unwrap();
    let files = files(&done.folder);
    let findings = String::from_utf8_lossy(&files["findings.jsonl"]);
    assert!(findings.contains("set-owner") && findings.contains("G…l"), "{findings}");
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("Hopper") && !text.contains("Byron"), "{name}");
    }
}

#[test]
fn a_week_back_from_the_end_of_summer_time_holds_its_first_day() {
    let held = folder(CONTACTS);
    let review = format!("{REVIEW}[batch]\nchanged_within_days = 7\n");
    rewrite(&held.path().join("review.toml"), &review);
    let done = run(&order(held.path(), 2)).unwrap();
    let manifest = std::fs::read_to_string(done.folder.join("manifest.json")).unwrap();
    let contact = manifest.split("\"contact\"").nth(1).unwrap();
    assert!(contact.contains("\"under_review\": 1"), "{contact}");
}

#[test]
fn every_problem_of_a_folder_is_said_before_an_export_is_read() {
    let held = folder(CONTACTS);
    std::fs::remove_file(held.path().join("exports/contacts.csv")).unwrap();
    let said = |review: &str| {
        rewrite(&held.path().join("review.toml"), review);
        run(&order(held.path(), 2)).unwrap_err().to_string()
    };
    let twice = REVIEW.replace("\"contacts.csv\"", "[\"contacts.csv\", \"contacts.csv\"]");
    let eras = format!("{twice}[batch]\nchanged_within_days = 4294967295\n");
    let problems = said(&eras);
    assert!(problems.contains("review.toml:6: `contacts.csv` is named twice"), "{problems}");
    assert!(problems.contains("review.toml:9: `batch.changed_within_days` is not between"));
    let link = "crm = \"hubspot\"\nrecord_link = \"https://{id}.example.com/x\"";
    let problems = said(&REVIEW.replace("crm = \"hubspot\"", link));
    assert!(problems.starts_with("review.toml:5: "), "{problems}");
}

/// The numbers of accounts, as read from one file with these columns; a line of `fields` for each.
fn numbers(fields: &str, text: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let held = tempfile::tempdir().unwrap();
    write_new(&held.path().join("accounts.csv"), text.as_bytes()).unwrap();
    let log = Log::default();
    let fields =
        format!("[account.fields]\nid = {{ from = \"Id\", why = \"Names it.\" }}\n{fields}");
    let boundary = Boundary::parse(&Document::parse("boundary.toml", &fields, &log), &log);
    let boundary = log.finish(boundary).unwrap();
    let reads: BTreeSet<Field> = boundary.fields(Object::Account).cloned().collect();
    let files = Files(BTreeMap::from([(Object::Account, vec![PathBuf::from("accounts.csv")])]));
    let threads = NonZeroUsize::new(2).unwrap();
    let pull = pull(held.path(), &files, &boundary, &reads, chrono_tz::UTC, threads)
        .map_err(|errors| errors.to_string())?;
    let employees = boundary.allowed(Object::Account, "employees").unwrap();
    let rows = pull.batches[0].rows();
    let read = rows.map(|row| row.number(&employees).map_or("-".to_owned(), |n| n.to_string()));
    let marks = pull.admissions.iter().flat_map(|it| &it.decimal_marks);
    let said = marks.map(|(column, mark, how)| format!("{column}: {}, {how}", mark.word()));
    Ok((read.collect(), said.collect()))
}

const EMPLOYEES: &str = "employees = { from = \"Employees\", why = \"Segments.\" }\n";
const REVENUE: &str = "revenue = { from = \"Revenue\", why = \"Segments.\" }\n";

#[test]
fn what_a_point_means_in_a_number_is_proven_by_its_column_or_file() {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let check = |text: &str, expected: &[&str], said: &[&str]| {
        let (read, marks) = numbers(&format!("{EMPLOYEES}{REVENUE}"), text).unwrap();
        assert_eq!((read, marks), (owned(expected), owned(said)), "{text}");
    };
    check(
        "Id;Employees\n1;950\n2;1.200\n3;12.500\n4;1.200.000\n5;\n",
        &["950", "1200", "12500", "1200000", "-"],
        &["Employees: comma, proven by the column"],
    );
    check(
        "Id;Employees;Revenue\n1;1.200;\n2;-1.500;\"1.250,75 €\"\n",
        &["1200", "-1500"],
        &["Employees: comma, proven by another column of the file"],
    );
    check(
        "Id,Employees\n1,1.200\n2,0.5\n3,\"1,300\"\n",
        &["1.2", "0.5", "1300"],
        &["Employees: point, proven by the column"],
    );
    check(
        "Id,Employees\n1,\"1,200\"\n2,950\n",
        &["1200", "950"],
        &["Employees: point, a comma stands before three digits each time"],
    );
    check("Id,Employees\n1,\"0,125\"\n2,0.5\n3,1200\n", &["0.125", "0.5", "1200"], &[]);
}

#[test]
fn a_number_that_can_be_read_in_two_ways_is_not_guessed() {
    let text = "Id,Employees,Revenue\n1,1.200,\n2,950,\n";
    let error = numbers(EMPLOYEES, text).unwrap_err();
    for words in ["accounts.csv", "`Employees`", "decimal = \"comma\"", "`account.employees`"] {
        assert!(error.contains(words), "{words}\n{error}");
    }
    let declared = |mark: &str| EMPLOYEES.replace(" }", &format!(", decimal = \"{mark}\" }}"));
    assert_eq!(numbers(&declared("comma"), text).unwrap().0, ["1200", "950"]);
    assert_eq!(numbers(&declared("point"), text).unwrap().0, ["1.2", "950"]);
    // One column shows both marks before decimals, so that it proves nothing.
    let both = "Id,Employees\n1,1.200\n2,\"0,5\"\n3,0.5\n";
    assert!(numbers(EMPLOYEES, both).unwrap_err().contains("can be read in two ways"));
    let error = numbers(&declared("point"), "Id,Employees\n1,1.200\n2,\"0,5\"\n").unwrap_err();
    assert!(error.contains("do not have the decimal point"), "{error}");
}

#[test]
fn a_draft_leaves_numbers_off_that_can_be_read_in_two_ways() {
    let drafted = |rows: &str| {
        let held = tempfile::tempdir().unwrap();
        let exports = held.path().join("exports");
        make(&exports).unwrap();
        let header = "Account ID;Account Name;Employees;Annual Revenue;Type";
        let text = format!("{header}\n{rows}");
        write_new(&exports.join("accounts.csv"), text.as_bytes()).unwrap();
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        init(&held.path().join("review"), &exports, today, NonZeroUsize::new(2).unwrap()).unwrap();
        let path = held.path().join("review/rules/boundary.toml");
        let boundary = std::fs::read_to_string(path).unwrap();
        boundary.lines().filter(|line| line.contains("employees =")).collect::<String>()
    };
    let rows: Vec<String> = (1..30).map(|n| format!("{n};Acme {n};{n}.200;;Customer\n")).collect();
    let rows = rows.concat();
    let proven = drafted(&format!("{rows}30;Acme 30;1.200.000;;Customer\n"));
    assert!(proven.starts_with("employees") && proven.contains("decimal = \"comma\""), "{proven}");
    let open = drafted(&rows);
    assert!(open.starts_with("# employees"), "{open}");
}

#[test]
fn a_draft_says_no_more_of_dates_than_the_exports_prove() {
    let held = tempfile::tempdir().unwrap();
    let exports = held.path().join("exports");
    make(&exports).unwrap();
    let text = "Record ID,First Name,Email,\"Create Date\",Lifecycle Stage,\"Odd\u{1}\nname\"\n\
        1,Ann,ann@example.com,3/3/2026,lead,x\n2,Bea,bea@example.com,4/4/2026,lead,x\n";
    write_new(&exports.join("contacts\n[blocked].csv"), text.as_bytes()).unwrap();
    let threads = NonZeroUsize::new(2).unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    init(&held.path().join("review"), &exports, today, threads).unwrap();
    let boundary = std::fs::read_to_string(held.path().join("review/rules/boundary.toml")).unwrap();
    assert!(boundary.contains("created = "), "{boundary}");
    assert!(!boundary.contains("dates ="), "{boundary}");
}

#[test]
fn a_file_that_no_check_reads_is_named() {
    let held = folder(CONTACTS);
    let review = format!("{REVIEW}system_record = \"truth.csv\"\n");
    rewrite(&held.path().join("review.toml"), &review);
    let key = "key = { from = \"Id\", why = \"Names the row.\" }";
    let fields = format!("{RUN_FIELDS}[system_record.fields]\n{key}\n");
    rewrite(&held.path().join("rules/boundary.toml"), &fields);
    let (aside, done) = review::run(&order(held.path(), 2));
    done.unwrap();
    assert_eq!(aside.notes, ["truth.csv was not read: no check reads a field of `system_record`"]);
}

#[test]
fn two_versions_of_a_record_without_a_date_that_tells_are_said_in_packet_and_mail() {
    let job = Job::weekly();
    job.edit("review.toml", "\"lead.csv\"", "[\"lead.csv\", \"lead-new.csv\"]");
    let leads = job.text("exports/lead.csv");
    job.put("exports/lead-new.csv", &leads.replace(",Working,", ",New,"));
    let said = job.run(&[]);
    let mail = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "of 1 lead two versions came, and no date of change tells which is newer: what lead.csv says was judged, and what lead-new.csv says otherwise was set aside";
    assert!(mail.contains(says), "{mail}");
    assert!(job.text("runs/2026-03-01/packet.html").contains(says));
    // Where each row says when it was changed, nothing is in doubt.
    job.put(
        "exports/lead-new.csv",
        &leads.replace(",Working,2025-03-01,2025-05-01", ",New,2025-03-01,2025-06-01"),
    );
    let said = job.run(&[]);
    assert!(!said.out.contains("two versions"), "{}", said.out);
}
