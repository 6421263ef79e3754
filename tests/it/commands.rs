//! The commands through the real program: exit codes, files and their bytes, kills, links, batches.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crm_review::digest;
use serde_json::Value;

use crate::job::{APPROVALS, BOUNDARY, DAY, Job, LEADS, REVIEW, files, said, word};

const FILES: [&str; 7] = [
    "findings.jsonl",
    "history.jsonl",
    "lead.model.toml",
    "manifest.json",
    "packet.html",
    "rules.json",
    "summary.txt",
];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The lines of the ledger, after checking that each names the one before it.
fn ledger(job: &Job) -> Vec<Value> {
    let text = job.text("ledger.jsonl");
    let mut head = "0".repeat(64);
    let mut lines = Vec::new();
    for (seq, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&value["prev"], &value["seq"]), (&head.into(), &seq.into()), "{text}");
        head = digest::sha256(line.as_bytes());
        lines.push(value);
    }
    assert!(text.is_empty() || text.ends_with('\n'));
    lines
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_leaves_a_private_packet_whose_manifest_names_every_digest() {
    let job = Job::weekly();
    let run = job.run(&[]).ends(0);
    let home = job.path("runs").join(DAY);
    assert_eq!(names(&home), FILES);
    assert_eq!(run.out, job.text(&format!("runs/{DAY}/summary.txt")));
    for folder in [&job.path("runs"), &home] {
        assert_eq!(mode(folder), 0o700, "{folder:?}");
    }
    for file in FILES
        .map(|name| home.join(name))
        .iter()
        .chain([".lock", "ledger.jsonl"].map(|name| job.path(name)).iter())
    {
        assert_eq!(mode(file), 0o600, "{file:?}");
    }
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    for (key, file) in [("packet_sha256", "packet.html"), ("findings_sha256", "findings.jsonl")] {
        assert_eq!(manifest[key], digest::sha256(&fs::read(home.join(file)).unwrap()), "{file}");
    }
    for input in manifest["inputs"].as_array().unwrap() {
        let file = input["file"].as_str().unwrap();
        let bytes = fs::read(job.path("exports").join(file)).unwrap();
        assert_eq!(input["sha256"], digest::sha256(&bytes), "{file}");
        assert_eq!(input["bytes"], bytes.len(), "{file}");
    }
    let rules: Vec<_> = manifest["rules"].as_array().unwrap().iter().collect();
    assert_eq!(rules.len(), 1 + names(&job.path("rules")).len());
    for rule in rules {
        let file = rule["file"].as_str().unwrap();
        assert_eq!(rule["sha256"], digest::sha256(job.text(file).as_bytes()), "{file}");
    }
    let leads = &manifest["inputs"][0];
    assert_eq!(leads["columns_blocked"], serde_json::json!(["Notes"]));
    assert_eq!(leads["columns_unlisted"], serde_json::json!(["Nickname"]));
    assert_eq!(manifest["records"]["lead"], serde_json::json!({"admitted": 5, "under_review": 5}));
    let line = &ledger(&job)[0]["entry"]["run"];
    assert_eq!(line["packet"], manifest["packet_sha256"]);
    assert_eq!(line["inputs"], manifest["inputs_sha256"]);
    assert_eq!(line["findings"], job.findings().len());
}

#[test]
fn findings_are_json_lines_with_the_promised_keys() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let keys: BTreeSet<&str> = [
        "id",
        "rule",
        "name",
        "family",
        "groups",
        "severity",
        "object",
        "record",
        "related",
        "headline",
        "evidence",
        "why_wrong",
        "sufficient",
        "missing",
        "held",
        "held_because",
        "reach",
        "state",
        "weeks",
        "queue",
        "last_decision",
        "counts",
        "proposal",
        "evidence_digest",
    ]
    .into();
    let findings = job.findings();
    for finding in &findings {
        let object = finding.as_object().unwrap();
        assert_eq!(object.keys().map(String::as_str).collect::<BTreeSet<_>>(), keys);
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{finding}");
        assert!(!finding["why_wrong"].as_array().unwrap().is_empty(), "{finding}");
        for key in ["kind", "words", "field", "before", "after"] {
            assert!(finding["proposal"].get(key).is_some(), "{finding}");
        }
    }
    let found: BTreeSet<_> = job.found().into_iter().collect();
    let expect = [("DUP-01", "00Q1"), ("OWN-01", "00Q3"), ("OWN-02", "00Q4")];
    assert_eq!(found, expect.map(|(rule, id)| (rule.to_owned(), id.to_owned())).into());
    assert_eq!(findings.len(), expect.len());
}

#[test]
fn the_same_inputs_again_change_no_byte_and_add_no_line() {
    let job = Job::weekly();
    let first = job.run(&[]).ends(0);
    let mut before = job.files();
    let second = job.run(&[]).ends(0);
    let mut after = job.files();
    // Who held the folder last is not part of a run.
    for files in [&mut before, &mut after] {
        files.remove(Path::new(".lock")).unwrap();
    }
    assert!(before == after);
    assert_eq!((first.out, first.err), (second.out, second.err));
    assert_eq!(ledger(&job).len(), 1);
}

#[test]
fn neither_the_folder_nor_the_threads_change_a_byte() {
    let runs = |threads: &str| {
        let job = Job::weekly();
        job.run(&["--threads", threads]).ends(0);
        (files(&job.path("runs")), job.text("ledger.jsonl"))
    };
    let one = runs("1");
    assert!(one == runs("1"), "two folders with the same files differ");
    assert!(one == runs("2"), "one thread and two differ");
}

#[test]
fn each_day_adds_a_line_and_its_packet_names_the_one_before() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let head = digest::sha256(job.text("ledger.jsonl").trim_end().as_bytes());
    job.call(&["run", "--as-of", "2026-03-08"]).ends(0);
    assert_eq!(names(&job.path("runs")), [DAY, "2026-03-08"]);
    assert_eq!(ledger(&job).len(), 2);
    let manifest = job.json("runs/2026-03-08/manifest.json");
    assert_eq!(manifest["ledger"], serde_json::json!({"length": 1, "head": head}));
    assert!(job.text("runs/2026-03-08/packet.html").contains(&head));
    // The first day again: its packet is as it was, whatever came after, and is the latest from now on.
    let before = files(&job.path("runs"));
    for _ in 0..2 {
        job.run(&[]).ends(0);
        assert!(before == files(&job.path("runs")));
        let lines = ledger(&job);
        assert_eq!(lines.len(), 3, "recorded once more, and not twice");
        assert_eq!(lines[2]["entry"], lines[0]["entry"]);
    }
}

#[test]
fn without_a_day_the_present_one_is_judged() {
    let job = Job::weekly();
    job.call(&["run"]).ends(0);
    let runs = names(&job.path("runs"));
    let [day] = runs.as_slice() else { panic!("{runs:?}") };
    #[expect(clippy::disallowed_methods, reason = "what is tested is the reading of the clock")]
    let now = chrono::Utc::now();
    let ago = now.date_naive() - day.parse::<chrono::NaiveDate>().unwrap();
    assert!((0..=1).contains(&ago.num_days()), "{day}");
}

#[test]
fn changed_rules_change_the_definition_and_leave_the_day_s_first_packet_alone() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let first = files(&job.path("runs").join(DAY));
    job.put("rules/owners.toml", "[no-owner]\noff = true\n");
    let second = job.run(&[]).ends(0);
    assert!(first == files(&job.path("runs").join(DAY)));
    let lines = ledger(&job);
    let of = |at: usize, key: &str| lines[at]["entry"]["run"][key].as_str().unwrap().to_owned();
    assert_ne!(of(0, "definition"), of(1, "definition"));
    assert_eq!(names(&job.path("runs")), [DAY.to_owned(), of(1, "id")]);
    let packet = format!("runs/{}/packet.html", of(1, "id"));
    assert!(second.out.contains(&packet), "the summary names another packet:\n{}", second.out);
    // A comment judges nothing, nor does it matter who decides; and new data alone is no new definition.
    job.put("rules/owners.toml", "# Off for now.\n[no-owner]\noff  = true\n");
    let approvals = job.text("rules/approvals.toml");
    job.put("rules/approvals.toml", &approvals.replace("name = \"", "name = \"Dr. "));
    assert_ne!(approvals, job.text("rules/approvals.toml"));
    job.edit("exports/lead.csv", "00Q5,Dee,Roe,Roe,", "00Q5,Dee,Roe,Roe Ltd,");
    job.run(&[]).ends(0);
    let lines = ledger(&job);
    let of = |at: usize, key: &str| lines[at]["entry"]["run"][key].as_str().unwrap().to_owned();
    assert_eq!(of(1, "definition"), of(2, "definition"));
    assert_ne!(of(1, "inputs"), of(2, "inputs"));
}

#[test]
fn how_the_job_is_shown_and_handed_on_is_no_rule() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let plain = job.text("review.toml");
    let shown = format!(
        "# Ours.\n{}\n[packet]\nslices = \"owner\"\nmask_key = \"a phrase that nobody knows\"\n",
        plain.replace("\"Acme\"", "\"Acme Inc\"")
    );
    job.put("review.toml", &shown);
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0).out;
    assert!(!said.contains("not comparable"), "{said}");
    let held = job.call(&["verify"]).ends(0).out;
    assert!(held.contains("runs/2026-03-08: its files hold; run again, the same bytes"), "{held}");
    assert!(held.contains("runs/2026-03-01: its files hold; not run again: the rules"), "{held}");
    // Where the exports lie is none either: `init` drafts a folder of its own, to be taken out.
    job.put("review.toml", &plain.replace("[source]", "[source]\nfolder = \"elsewhere\""));
    for name in ["lead.csv", "user.csv"] {
        job.put(&format!("elsewhere/{name}"), &job.text(&format!("exports/{name}")));
    }
    let said = job.call(&["run", ".", "--as-of", "2026-03-09"]).ends(0).out;
    assert!(!said.contains("not comparable"), "{said}");
    // What is judged and how still counts, and what was changed beside it does not.
    let judged = plain.replace("\"UTC\"", "\"Europe/Berlin\"");
    job.put("review.toml", &judged);
    job.put("rules/owners.toml", "[no-owner]\noff = true\n");
    let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0).out;
    assert!(said.contains("not comparable"), "{said}");
    assert!(
        job.text("runs/2026-03-15/packet.html").contains("<bdi>review.toml</bdi>, 1 different")
    );
    job.put("review.toml", &(judged + "\n[packet]\nslices = \"owner\"\n"));
    job.put("rules/owners.toml", "[no-owner]\noff = false\n");
    let said = job.call(&["run", ".", "--as-of", "2026-03-22"]).ends(0).out;
    assert!(said.contains("not comparable"), "{said}");
    assert!(!job.text("runs/2026-03-22/packet.html").contains("<bdi>review.toml</bdi>, 1"));
}

#[test]
fn who_decides_and_by_when_is_no_rule() {
    let job = Job::weekly();
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let ours = format!(
        "profile = \"operator\"\nescalate_to = [\"owner\"]\nescalation_days = 3\n{APPROVALS}[signing]\n\
         \"Dana Reyes\" = \"{key}\"\n[[role]]\nname = \"RevOps\"\npeople = [\"Dana Reyes\"]\n\
         may_approve = \"all\"\n[[role]]\nname = \"Sales\"\npeople = [\"Ida Moor\"]\nmay_approve = \"all\"\n"
    );
    let on = |day: &str| job.call(&["run", ".", "--as-of", day]).ends(0).out;
    on("2026-03-01");
    job.put("rules/approvals.toml", &ours);
    let said = on("2026-03-08");
    assert!(!said.contains("not comparable"), "{said}");
    // How long a rejected proposal stays quiet says which ones are shown and counted.
    job.put("rules/approvals.toml", &format!("mute_days = 30\n{ours}"));
    let said = on("2026-03-15");
    assert!(said.contains("not comparable"), "{said}");
}

#[test]
fn a_command_to_paste_quotes_a_folder_with_spaces() {
    let job = Job::new(&[
        ("our review/review.toml", REVIEW),
        ("our review/rules/boundary.toml", BOUNDARY),
        ("our review/rules/approvals.toml", APPROVALS),
    ]);
    let said = job.call(&["explain", "our review", "OWN-01"]).ends(2);
    assert!(said.err.contains("`crm-review checks OWN-01 --dir 'our review'`"), "{}", said.err);
}

#[test]
fn a_packet_under_other_rules_than_the_week_before_says_so() {
    let job = Job::weekly();
    let on = |day: &str| job.call(&["run", ".", "--as-of", day]).ends(0).out.replace('\n', " ");
    assert!(!on("2026-03-01").contains("not comparable"));
    assert!(!on("2026-03-08").contains("not comparable"));
    job.put("rules/owners.toml", "[no-owner]\noff = true\n");
    assert!(on("2026-03-15").contains("changed since the packet of 8 March 2026"));
    let packet = job.text("runs/2026-03-15/packet.html");
    assert!(packet.contains("changed since the packet of 8 March 2026"));
    assert!(!on("2026-03-22").contains("not comparable"));
}

#[test]
fn every_problem_of_the_rules_is_said_at_once_and_nothing_is_read() {
    let job = Job::weekly();
    // The export could not be read either, but that is not met.
    job.put("exports/lead.csv", "<!doctype html><html>log in</html>");
    job.edit("review.toml", "time_zone = \"UTC\"", "time_zone = \"Mars/Olympus\"");
    job.edit("review.toml", "lead = \"lead.csv\"", "lead = \"../lead.csv\"");
    job.edit("rules/boundary.toml", "why = \"Names the company.\"", "why = \" \"");
    job.edit("rules/boundary.toml", "from = \"Status\"", "from = \"Deal Strategy\"");
    job.put("rules/approvals.toml", "[approver]\nname = 7\n");
    job.put("rules/owners.toml", "[no-owner]\nafter_hour = 3\n");
    job.put("rules/required.toml", "[[require]\n");
    job.put("rules/ownrs.toml", "");
    let said = job.run(&[]).ends(2);
    assert_eq!(said.out, "");
    for place in [
        "review.toml:2: ",
        "review.toml:8: ",
        "rules/boundary.toml:5: ",
        "rules/boundary.toml:9: ",
        "rules/approvals.toml:2: ",
        "rules/owners.toml:2: ",
        "rules/required.toml:1: ",
        "rules/ownrs.toml: ",
    ] {
        assert!(said.err.contains(place), "no {place}\n{}", said.err);
    }
    assert!(said.err.contains("did you mean"), "{}", said.err);
    assert!(!said.err.contains("web page"), "{}", said.err);
    assert_eq!(names(&job.path("")), ["exports", "review.toml", "rules"]);
}

#[test]
fn a_folder_that_is_none_names_init() {
    let job = Job::new(&[]);
    let said = job.run(&[]).ends(2);
    assert!(
        said.err.contains("review.toml") && said.err.contains("crm-review init"),
        "{}",
        said.err
    );
    assert!(names(&job.path("")).is_empty());
}

#[test]
fn what_did_not_look_is_told_by_its_cause() {
    let job = Job::acme("salesforce");
    let on = |day: &str| job.call(&["run", ".", "--as-of", day]).ends(0).out.replace("\n  ", " ");
    let first = on("2026-11-16");
    assert!(first.contains("This run is the ledger's first entry.") && !first.contains("head"));
    fs::remove_file(job.path("rules/routing.toml")).unwrap();
    let gone = on("2026-11-23");
    let codes = "RTE-01, RTE-02, RTE-03, RTE-04, RTE-05, RTE-06, RTE-07, RTE-08, RTE-09, RTE-10, \
                 RTE-12, REQ-04";
    let says = format!("- rules/routing.toml is gone since the packet before: {codes}\n");
    assert!(gone.contains(&says), "{gone}");
    assert!(gone.contains("Ledger before this run: 1 line, head"), "{gone}");
    let never = on("2026-11-30");
    assert!(never.contains(&format!("- there is no rules/routing.toml: {codes}\n")), "{never}");
    job.put("rules/routing.toml", "");
    let empty = on("2026-12-07");
    assert!(empty.contains(&format!("- not switched on in rules/routing.toml: {codes}\n")));
    let lint = job.call(&["rules", "check"]).ends(0).out;
    assert!(!lint.contains("0 lines"), "{lint}");
    // What is not there at all is told once for all its fields.
    let weekly = Job::weekly().run(&[]).ends(0).out.replace("\n  ", " ");
    assert!(weekly.contains("- no accounts were read: DUP-04, DUP-05, DUP-07, LIF-03"), "{weekly}");
}

#[test]
fn a_report_that_cannot_be_written_down_is_no_success() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    for call in [&["metrics"][..], &["run", ".", "--as-of", "2026-03-08"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = job.command(call).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{call:?}: {said}");
        assert!(said.contains("cannot be written: No space left on device"), "{call:?}: {said}");
    }
    // The packet is whole all the same.
    assert!(job.has("runs/2026-03-08/packet.html"));
    job.call(&["verify"]).ends(0);
}

#[test]
fn hints_lead_where_the_mistake_was() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    for (call, code, words) in [
        (&["what-if", "--rules", "nodir"][..], 2, "name a folder with edited rules files"),
        (&["what-if", "--rules", "runs"], 2, "name a folder with edited rules files"),
        (&["run", "review.toml"], 2, "it is a file, and a review is a folder"),
        (&["run", "nodir"], 2, "crm-review init"),
        (&["explain", "F-7Q2M9K4D1V", "--of", "2026-03-02"], 2, "the last ones are of 2026-03-01"),
        (&["explain", "OWN-01"], 2, "`crm-review checks OWN-01 --dir .`"),
        (&["changes", "--of", "2026-03-01"], 0, "nothing of the packet of 2026-03-01 is approved"),
        (&["changes", "--of", "2026-03-02"], 0, "there is no packet of 2026-03-02"),
        (&["run", "--as-of", "2026-02-30"], 2, "there is no such day"),
        (&["run", "--as-of", "30.2.2026"], 2, "write a date like 2026-11-23"),
        (&["inspect", "exports/lead.csv", "--fields", "Id,Nope"], 2, "correct the names"),
        (&["inspect", "exports/leads.csv", "--fields", "Id"], 2, "check that the file exists"),
    ] {
        let said = job.call(call);
        let told = said.out.clone() + &said.err;
        assert!(told.contains(words), "{call:?}\n{told}");
        assert!(!told.contains("os error") && !told.contains("`from`"), "{call:?}\n{told}");
        if call[0] != "inspect" {
            said.ends(code);
        }
    }
    fs::rename(job.path("exports/lead.csv"), job.path("exports/Leads.csv")).unwrap();
    let said = job.run(&[]).ends(3).err;
    assert!(said.contains("lead.csv cannot be read: No such file in ./exports"), "{said}");
    assert!(said.contains("there is Leads.csv, user.csv"), "{said}");
    let doctor = job.call(&["doctor"]).ends(1).out;
    assert!(doctor.contains("lead.csv") && !doctor.contains("os error"), "{doctor}");
}

#[test]
fn a_source_that_is_refused_leaves_no_packet_and_no_line() {
    for (name, text, words) in [
        ("exports/lead.csv", "<!doctype html><html><body>Log in</body></html>\n", "web page"),
        ("exports/lead.csv", "", "empty"),
        ("exports/user.csv", "Name,IsActive\nEve Moss,true\n", "Id"),
        (
            "exports/lead.csv",
            &LEADS.replace("2026-02-27", "03/04/2026"),
            "day first or month first",
        ),
    ] {
        let job = Job::weekly();
        job.put(name, text);
        let said = job.run(&[]).ends(3);
        assert!(said.err.contains(words), "{}", said.err);
        assert!(said.err.contains(name.trim_start_matches("exports/")), "{}", said.err);
        assert_eq!((said.out.as_str(), names(&job.path("runs"))), ("", Vec::new()));
        assert!(ledger(&job).is_empty());
    }
}

#[test]
fn all_refused_sources_are_said_together() {
    let job = Job::weekly();
    job.put("exports/lead.csv", "{\"error\":\"expired\"}");
    fs::remove_file(job.path("exports/user.csv")).unwrap();
    let said = job.run(&[]).ends(3);
    assert!(said.err.contains("lead.csv is JSON"), "{}", said.err);
    assert!(said.err.contains("user.csv cannot be read: No such file"), "{}", said.err);
}

#[test]
fn a_damaged_source_is_refused_with_the_lines_that_show_it() {
    let job = Job::weekly();
    job.put("exports/lead.csv", &format!("{LEADS}{}", "00S1,too,few\n".repeat(12)));
    let said = job.run(&[]).ends(3);
    assert!(said.err.contains("12 of 17 rows"), "{}", said.err);
    assert!(
        said.err.contains("lines 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 and more (width)\n"),
        "{}",
        said.err
    );
}

#[test]
fn a_ledger_that_was_tampered_with_stops_the_run() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    job.call(&["run", "--as-of", "2026-03-08"]).ends(0);
    let honest = job.text("ledger.jsonl");
    let before = files(&job.path("runs"));
    let lines: Vec<&str> = honest.lines().collect();
    for (tampered, line) in [
        (honest.replacen("\"findings\":3", "\"findings\":1", 1), 2),
        (format!("{}\n", lines[1]), 1),
        (format!("{}\n{}\n", lines[1], lines[0]), 1),
        (format!("{honest}\n"), 3),
    ] {
        assert_ne!(tampered, honest);
        job.put("ledger.jsonl", &tampered);
        let said = job.call(&["run", "--as-of", "2026-03-15"]).ends(4);
        assert!(said.err.contains(&format!("ledger.jsonl:{line}: ")), "{}", said.err);
        assert_eq!(said.out, "");
        assert_eq!(job.text("ledger.jsonl"), tampered);
        assert!(before == files(&job.path("runs")));
    }
    job.put("ledger.jsonl", &honest);
    job.call(&["run", "--as-of", "2026-03-15"]).ends(0);
}

#[test]
fn a_folder_that_another_process_holds_is_left_alone() {
    let job = Job::weekly();
    let mut lock = fs::File::create(job.path(".lock")).unwrap();
    lock.lock().unwrap();
    lock.write_all(b"process 7, since Monday\n").unwrap();
    let said = job.run(&[]).ends(5);
    assert!(said.err.contains("process 7, since Monday"), "{}", said.err);
    assert!(!job.has("runs") && !job.has("ledger.jsonl"));
    assert_eq!(job.text(".lock"), "process 7, since Monday\n");
    drop(lock);
    job.run(&[]).ends(0);
}

#[test]
fn fail_on_speaks_by_the_exit_code_alone() {
    let job = Job::weekly();
    for severity in ["high", "medium", "low"] {
        job.run(&["--fail-on", severity]).ends(6);
    }
    assert_eq!(names(&job.path("runs").join(DAY)), FILES);
    assert_eq!(ledger(&job).len(), 1);
    let said = job.run(&["--fail-on", "grave"]).ends(2);
    assert!(said.err.contains("grave"), "{}", said.err);
    let job = Job::weekly();
    job.put("exports/lead.csv", &LEADS.lines().next().map(|line| format!("{line}\n")).unwrap());
    job.run(&["--fail-on", "low"]).ends(0);
}

#[test]
fn too_many_rows_set_aside_make_an_incomplete_packet() {
    let job = Job::weekly();
    let mut leads = LEADS.to_owned();
    for n in 0..60 {
        leads += &format!(
            "00R{n},P{n},Q{n},C{n},p{n}@c{n}-corp.com,,0051,New,2025-01-05,2025-02-01,,\n"
        );
    }
    leads += "00S1,too,few\n00S2,Ann,Ng,Acme,a@b-corp.com,,0051,New,soon,2025-02-01,,\n";
    job.put("exports/lead.csv", &leads);
    // The limit stands at 1 %; 2 of 67 rows are more.
    job.run(&[]).ends(1);
    let said = job.run(&["--fail-on", "low"]).ends(6);
    assert!(said.err.contains("incomplete: 2 of 67 rows of lead.csv"), "{}", said.err);
    assert!(
        said.err.contains("the first on line 67: 3 cells where the header has 12\n"),
        "{}",
        said.err
    );
    assert!(said.out.contains("INCOMPLETE"), "{}", said.out);
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    assert_eq!(manifest["complete"], false);
    assert_eq!(manifest["inputs"][0]["rows_set_aside"], 2);
    assert_eq!(ledger(&job)[0]["entry"]["run"]["complete"], false);
    // Whoever accepts more says so in the rules.
    job.put("rules/batch.toml", "[implausible-input]\nmax_set_aside = 0.1\n");
    job.run(&[]).ends(0);
}

#[test]
fn an_export_that_ends_within_a_row_makes_an_incomplete_packet() {
    let job = Job::weekly();
    job.put("exports/lead.csv", LEADS.strip_suffix(",x,dee\n").unwrap());
    let said = job.run(&[]).ends(1);
    assert!(said.err.contains("the export looks cut"), "{}", said.err);
    assert_eq!(job.json(&format!("runs/{DAY}/manifest.json"))["complete"], false);
}

#[test]
fn what_an_interrupted_run_left_behind_is_cleared_or_put_back() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let honest = files(&job.path("runs"));
    let ledger_before = job.text("ledger.jsonl");
    // Half a packet, a replaced folder whose successor arrived, and one whose successor did not.
    job.put("runs/.2026-03-08.draft/packet.html", "half");
    job.put(&format!("runs/.{DAY}.old/packet.html"), "old");
    fs::create_dir(job.path("runs/.2026-02-22.old")).unwrap();
    for name in FILES {
        let home = job.path("runs");
        fs::copy(home.join(DAY).join(name), home.join(".2026-02-22.old").join(name)).unwrap();
    }
    job.put("ledger.jsonl", &format!("{ledger_before}{{\"v\":1,\"seq\":1,\"pr"));
    let said = job.run(&[]).ends(0);
    assert!(said.err.contains("18 bytes"), "{}", said.err);
    assert_eq!(names(&job.path("runs")), ["2026-02-22", DAY]);
    assert_eq!(names(&job.path("runs/2026-02-22")), FILES);
    for (name, bytes) in honest {
        assert!(fs::read(job.path("runs").join(&name)).unwrap() == bytes, "{name:?}");
    }
    assert_eq!(job.text("ledger.jsonl"), ledger_before);
    assert_eq!(job.text("ledger.recovered-1"), "{\"v\":1,\"seq\":1,\"pr");
    let said = job.run(&[]).ends(0);
    assert_eq!(said.err, "");
}

#[test]
fn whoever_only_reads_changes_nothing_and_waits_for_nobody() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let torn = job.text("ledger.jsonl") + "{\"v\":1,\"seq\":1,\"pr";
    job.put("ledger.jsonl", &torn);
    let all = || {
        let mut all = job.files();
        // Whoever holds the folder writes here who that is.
        all.retain(|name, _| name != Path::new(".lock"));
        all
    };
    let before = all();
    let findings = job.findings();
    let finding = findings[0]["id"].as_str().unwrap();
    let lock = fs::File::open(job.path(".lock")).unwrap();
    lock.lock().unwrap();
    let reads: [&[&str]; 7] = [
        &["metrics"],
        &["quarter"],
        &["patterns"],
        &["procedure"],
        &["explain", finding],
        &["what-if", "--rules", "rules"],
        &["rules", "check"],
    ];
    for words in reads {
        job.call(words).ends(0);
    }
    job.call(&["doctor"]);
    drop(lock);
    let said = job.call(&["verify"]).ends(0);
    assert!(said.out.contains("the 18 bytes behind were never completed"), "{}", said.out);
    assert!(all() == before);
}

/// Enough leads for a run of some length.
const KILL_ROWS: usize = 4_000;

/// Every packet that can be seen is whole.
fn check_visible(job: &Job) {
    for run in names(&job.path("runs")).iter().filter(|name| !name.starts_with('.')) {
        let manifest = job.json(&format!("runs/{run}/manifest.json"));
        for (key, file) in [("packet_sha256", "packet.html"), ("findings_sha256", "findings.jsonl")]
        {
            let bytes = fs::read(job.path("runs").join(run).join(file)).unwrap();
            assert_eq!(manifest[key], digest::sha256(&bytes), "{run}/{file}");
        }
    }
}

#[test]
fn a_run_killed_at_any_moment_leaves_whole_packets_and_a_ledger_that_opens() {
    let job = Job::weekly();
    let mut leads = LEADS.to_owned();
    for n in 0..KILL_ROWS {
        leads += &format!(
            "00K{n},Pat{n},Quinn{n},C{n},p{n}@c{n}-corp.com,,{},New,2025-01-05,2025-02-01,x,y\n",
            if n % 40 == 0 { "0052" } else { "0051" }
        );
    }
    job.put("exports/lead.csv", &leads);
    let began = Instant::now();
    job.run(&[]).ends(0);
    let whole = began.elapsed();
    let mut published = BTreeSet::from([DAY.to_owned()]);
    for round in 0..30_u32 {
        let day = format!("2026-03-{:02}", 2 + round / 2);
        // Every second round meets its day's packet again, with a file missing: it is replaced.
        let _ = fs::remove_file(job.path("runs").join(&day).join("summary.txt"));
        let mut child = job
            .command(&["run", "--as-of", &day])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if round % 3 == 0 {
            // Anywhere in the run.
            sleep(whole * round / 30);
        } else {
            // While the files are written and moved.
            let draft = job.path("runs").join(format!(".{day}.draft"));
            while !draft.exists() && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_micros(100));
            }
            sleep(Duration::from_micros(u64::from(round) * 150));
        }
        child.kill().unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        child.wait().unwrap();
        assert!(!err.contains("chain") && !err.contains("failed inside"), "{err}");
        check_visible(&job);
        published
            .extend(names(&job.path("runs")).into_iter().filter(|name| !name.starts_with('.')));
    }
    job.call(&["run", "--as-of", "2026-03-31"]).ends(0);
    check_visible(&job);
    let left = names(&job.path("runs"));
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
    assert!(published.iter().all(|run| left.contains(run)), "{published:?} {left:?}");
    let recorded = ledger(&job).len();
    assert!((2..=left.len()).contains(&recorded), "{recorded} of {}", left.len());
}

#[test]
fn output_never_goes_through_a_link() {
    for name in ["runs", ".lock", "ledger.jsonl", "runs/2026-03-01"] {
        let job = Job::weekly();
        let elsewhere = job.home().join("elsewhere");
        if name.starts_with("runs") {
            fs::create_dir(&elsewhere).unwrap();
        } else {
            fs::File::create(&elsewhere).unwrap();
        }
        if name.contains('/') {
            fs::create_dir(job.path("runs")).unwrap();
        }
        symlink(&elsewhere, job.path(name)).unwrap();
        let said = job.run(&[]).ends(3);
        let words = format!("{name} is a symbolic link, and nothing is written through one");
        assert!(said.err.contains(&words), "{}", said.err);
        assert!(said.err.contains("hint: put the file or folder that it leads to"), "{}", said.err);
        if ["runs", "ledger.jsonl"].contains(&name) {
            assert!(job.call(&["doctor"]).ends(1).out.contains(&words));
        }
        assert_eq!(said.out, "");
        let meta = fs::metadata(&elsewhere).unwrap();
        assert!(if meta.is_dir() { names(&elsewhere).is_empty() } else { meta.len() == 0 });
    }
}

#[test]
fn a_link_among_the_leftovers_is_not_followed() {
    let job = Job::weekly();
    let elsewhere = job.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir(elsewhere.join("precious")).unwrap();
    fs::create_dir(job.path("runs")).unwrap();
    symlink(&elsewhere, job.path(&format!("runs/.{DAY}.draft"))).unwrap();
    let said = job.run(&[]).ends(3);
    assert!(said.err.contains(&format!(".{DAY}.draft is not a plain file")), "{}", said.err);
    assert_eq!(names(&elsewhere), ["precious"]);
}

#[test]
fn what_a_person_put_where_a_packet_belongs_is_never_replaced() {
    for (name, words) in [
        (format!("runs/{DAY}/decided.txt"), "decided.txt was not written by a run"),
        (format!("runs/{DAY}"), "Not a directory"),
        ("runs".to_owned(), "File exists"),
        (".lock/mine".to_owned(), "Is a directory"),
        ("ledger.jsonl/mine".to_owned(), "Is a directory"),
    ] {
        let job = Job::weekly();
        job.put(&name, "mine");
        let said = job.run(&[]).ends(3);
        assert!(said.err.contains(words), "{name}: {}", said.err);
        assert_eq!(job.text(&name), "mine");
    }
    // A file beside a packet that stands as it should is no matter.
    let job = Job::weekly();
    job.run(&[]).ends(0);
    job.put(&format!("runs/{DAY}/decided.txt"), "mine");
    job.run(&[]).ends(0);
    fs::remove_file(job.path(&format!("runs/{DAY}/packet.html"))).unwrap();
    job.run(&[]).ends(3);
    assert!(job.has(&format!("runs/{DAY}/decided.txt")));
}

#[test]
fn rules_that_cannot_be_read_are_told_apart() {
    for (bytes, words) in [
        (Some(b"[approver]\nname = \"Ren\xe9\"\n".as_slice()), "save it as UTF-8"),
        (None, "plain files below rules/"),
    ] {
        let job = Job::weekly();
        match bytes {
            Some(bytes) => job.put_bytes("rules/approvals.toml", bytes),
            None => fs::create_dir(job.path("rules/table.csv")).unwrap(),
        }
        let said = job.run(&[]).ends(2);
        assert!(said.err.contains(words) && !said.err.contains("init"), "{}", said.err);
    }
}

#[test]
fn a_column_without_a_name_cannot_be_asked_for() {
    let job = Job::weekly();
    for fields in ["", "Id,", ",Id"] {
        let said = job.call(&["inspect", "exports/lead.csv", "--fields", fields]).ends(2);
        assert!(said.err.contains("--fields") && said.out.is_empty(), "{said:?}");
    }
    job.edit("rules/boundary.toml", "from = \"Status\"", "from = \"\"");
    let said = job.run(&[]).ends(2);
    assert!(
        said.err.contains("rules/boundary.toml:9: `lead.status` has no `from`"),
        "{}",
        said.err
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_said_plainly() {
    let job = Job::weekly();
    let open =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let mut command = job.command(&["run", "--as-of", DAY]);
    if fs::metadata(job.home()).unwrap().uid() == 0 {
        // Nothing is read-only for root: the program runs as nobody.
        for folder in ["", "exports", "rules"] {
            open(&job.path(folder), 0o755);
        }
        open(job.home(), 0o755);
        command.uid(65_534).gid(65_534);
    } else {
        open(&job.path(""), 0o555);
    }
    let said = said(&mut command).ends(3);
    open(&job.path(""), 0o755);
    assert!(said.err.contains(".lock: ") && said.err.contains("denied"), "{}", said.err);
    assert!(said.err.contains("hint: the folder has to be writable"), "{}", said.err);
    assert_eq!(names(&job.path("")), ["exports", "review.toml", "rules"]);
}

#[test]
fn inspect_sets_aside_what_a_run_does() {
    let job = Job::weekly();
    let twice = LEADS.replace("00Q4,", "00Q1,");
    job.put("exports/lead.csv", &twice);
    let text = job.call(&["inspect", "exports/lead.csv"]).ends(0).out;
    for line in [
        "lead.csv can be read in part",
        "  rows      5 read, 1 set aside, 0 blank",
        "  line 5  the id stands on another row, which was changed later",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let json = job.call(&["inspect", "exports/lead.csv", "--format", "json"]).ends(0).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["status"].as_str(), json["set_aside"][0]["line"].as_u64()),
        (Some("partial"), Some(5))
    );
    job.run(&[]).ends(1);
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    assert_eq!(manifest["inputs"][0]["rows_set_aside"], 1);
}

#[test]
fn inspect_tells_each_column_s_verdict_and_why() {
    let job = Job::weekly();
    let text = job.call(&["inspect", "exports/lead.csv"]).ends(0).out;
    for line in [
        "table     lead, by its columns",
        "rows      5 read, 0 set aside",
        "lead.company (name, shown): Names the company.",
        "lead.email (email, masked): Finds the same person twice.",
        "lead.phone (phone, never): Finds the same person twice.",
    ] {
        assert!(text.contains(line), "no {line}\n{text}");
    }
    let json = job
        .call(&["inspect", "exports/lead.csv", "--format", "json"])
        .ends(0)
        .out
        .replace('\n', " ");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&report["schema"], &report["object"], &report["status"]),
        (&"crm-review/inspect/1".into(), &"lead".into(), &"ok".into())
    );
    let verdicts: Vec<_> = report["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            assert!(!column["why"].as_str().unwrap().is_empty());
            (column["name"].as_str().unwrap(), column["verdict"].as_str().unwrap())
        })
        .collect();
    let header = LEADS.lines().next().unwrap().split(',');
    let expect: Vec<_> = header
        .map(|name| match name {
            "Notes" => (name, "blocked"),
            "Nickname" => (name, "unknown"),
            _ => (name, "allowed"),
        })
        .collect();
    assert_eq!(verdicts, expect);
    assert_eq!(report["file"]["sha256"], digest::sha256(LEADS.as_bytes()));
    assert_eq!(names(&job.path("")), ["exports", "review.toml", "rules"], "inspect writes nothing");
}

#[test]
fn inspect_counts_what_a_run_would_set_aside_and_withhold() {
    let job = Job::weekly();
    let card = ["4111", "1111", "1111", "1111"].join(" ");
    let leads = LEADS.replace("Bolt", &card).replace("2025-03-01,2025-05-01", "soon,2025-05-01");
    job.put("exports/lead.csv", &leads);
    let said = job.call(&["inspect", "exports/lead.csv", "--format", "json"]).ends(0);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["status"], &report["rows"]["quarantined"]), (&"partial".into(), &1.into()));
    let problem = serde_json::json!(
        {"line": 6, "code": "not a date", "field": "CreatedDate", "length": 4});
    assert_eq!(report["problems"], serde_json::json!([problem]));
    assert_eq!(report["withheld"][0]["line"], 4);
    assert_eq!(report["withheld"][0]["looks_like"], "a payment card number");
    assert!(!said.out.contains(&card));
}

#[test]
fn inspect_without_a_folder_and_without_fields_says_how() {
    let job = Job::new(&[("lead.csv", LEADS)]);
    let said = job.call(&["inspect", "lead.csv"]).ends(2);
    assert!(said.err.contains("--fields") && said.err.contains("--config"), "{}", said.err);
    let job = Job::weekly();
    job.edit("rules/boundary.toml", "why = \"The stage.\"", "why = \"\"");
    let said = job.call(&["inspect", "exports/lead.csv"]).ends(2);
    assert!(said.err.contains("rules/boundary.toml:9: "), "{}", said.err);
    assert_eq!(said.out, "");
}

#[test]
fn inspect_with_fields_gives_one_json_object_and_a_code() {
    let job = Job::new(&[
        ("good.csv", LEADS),
        ("page.csv", "<!doctype html><html></html>"),
        ("part.csv", "Id,Status\n1,New\n2\n3,New\n"),
    ]);
    for (file, fields, code, status, reason) in [
        ("good.csv", "Id,Status", 0, "ok", Value::Null),
        ("part.csv", "Id,Status", 0, "partial", Value::Null),
        ("good.csv", "Id,Stage", 2, "refused", "missing_column".into()),
        ("page.csv", "Id", 2, "refused", "html".into()),
        ("none.csv", "Id", 3, "refused", "io".into()),
    ] {
        let said = job.call(&["inspect", file, "--fields", fields, "--format", "json"]).ends(code);
        let report: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(said.out.lines().count(), 1, "{file}");
        assert_eq!((&report["status"], &report["reason"]), (&status.into(), &reason), "{file}");
        assert_eq!(said.err, "", "{file}");
    }
    let said =
        job.call(&["inspect", "good.csv", "--fields", "Id", "--encoding", "klingon"]).ends(2);
    assert!(said.err.contains("klingon"), "{}", said.err);
}

#[test]
fn rows_out_holds_the_accepted_rows_of_the_named_columns_alone() {
    let job = Job::new(&[("lead.csv", LEADS), ("page.csv", "<!doctype html><html></html>")]);
    let call = |file: &str| {
        job.call(&["inspect", file, "--fields", "Status,Id", "--rows-out", "rows.csv"])
    };
    call("lead.csv").ends(0);
    let expect = "Status,Id\nNew,00Q1\nNew,00Q2\nNew,00Q3\nNew,00Q4\nWorking,00Q5\n";
    assert_eq!(job.text("rows.csv"), expect);
    assert_eq!(mode(&job.path("rows.csv")), 0o600);
    job.put("rows.csv", &"what stood there before\n".repeat(10));
    fs::set_permissions(job.path("rows.csv"), fs::Permissions::from_mode(0o644)).unwrap();
    call("lead.csv").ends(0);
    assert_eq!((job.text("rows.csv").as_str(), mode(&job.path("rows.csv"))), (expect, 0o600));
    fs::remove_file(job.path("rows.csv")).unwrap();
    call("page.csv").ends(2);
    assert!(!job.has("rows.csv"));
    let two = ["inspect", "lead.csv", "lead.csv", "--fields", "Id", "--rows-out", "rows.csv"];
    let said = job.call(&two).ends(2);
    assert!(said.err.contains("one by one") && !job.has("rows.csv"), "{}", said.err);
    let own = ["inspect", "lead.csv", "--fields", "Id", "--rows-out", "./lead.csv"];
    let said = job.call(&own).ends(3);
    assert!(said.out.contains("never written to"), "{}", said.out);
    assert_eq!(job.text("lead.csv"), LEADS);
    symlink(job.home().join("elsewhere"), job.path("rows.csv")).unwrap();
    let said = call("lead.csv").ends(3);
    assert!(said.out.contains("symbolic link"), "{}", said.out);
    assert!(!job.home().join("elsewhere").exists());
    let said = job.call(&["inspect", "lead.csv", "--rows-out", "x.csv"]).ends(2);
    assert!(said.err.contains("--fields"), "{}", said.err);
}

#[test]
fn only_records_of_the_batch_are_reviewed_and_the_rest_is_reference() {
    /// The batch, how many leads are under review, and each finding with its records.
    type Case<'c> = (&'c str, usize, &'c [(&'c str, &'c [&'c str])]);
    let cases: [Case<'_>; 5] = [
        // Both twins changed within the week.
        ("changed_within_days = 7", 2, &[("DUP-01", &["00Q1", "00Q2"])]),
        // Only the younger one: it is found all the same, beside the older one as reference.
        ("changed_within_days = 1", 1, &[("DUP-01", &["00Q1", "00Q2"])]),
        // Two twins that are both reference are nobody's finding.
        ("[batch.when]\nlead = { status = \"Working\" }", 1, &[]),
        ("ids = \"ids.csv\"", 2, &[("OWN-01", &["00Q3"]), ("OWN-02", &["00Q4"])]),
        ("objects = [\"contact\"]", 0, &[]),
    ];
    // As a person writes it; as a spreadsheet saves it, with the column's name and without.
    let lists = ["Id\n00Q3\n00Q4\n", "\u{feff}ID\r\n\"00Q3\"\r\n00Q4\r\n", "\u{feff}00Q3\n00Q4\n"];
    let runs = cases.into_iter().flat_map(|case| lists.map(|ids| (case, ids)));
    for ((batch, under_review, expect), ids) in
        runs.filter(|(case, ids)| case.0.starts_with("ids") || *ids == lists[0])
    {
        let job = Job::weekly();
        job.put("review.toml", &format!("{REVIEW}\n[batch]\n{batch}\n"));
        job.put("rules/ids.csv", ids);
        job.run(&[]).ends(0);
        let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
        let records = serde_json::json!({"admitted": 5, "under_review": under_review});
        assert_eq!(manifest["records"]["lead"], records, "{batch}");
        let changed_last = batch == "changed_within_days = 1";
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for finding in job.findings() {
            // What is proposed is proposed for a record under review.
            assert!(!changed_last || finding["record"] == "00Q2", "{finding}");
            let about = finding["related"].as_array().unwrap().iter().chain([&finding]);
            let mut about: Vec<_> = about.map(|record| word(&record["record"])).collect();
            about.sort();
            found.push((word(&finding["rule"]), about));
        }
        let found: Vec<_> = found
            .iter()
            .map(|(rule, ids)| (rule.as_str(), ids.iter().collect::<Vec<_>>()))
            .collect();
        let expect: Vec<_> =
            expect.iter().map(|(rule, ids)| (*rule, ids.iter().collect::<Vec<_>>())).collect();
        assert_eq!(format!("{found:?}"), format!("{expect:?}"), "{batch}");
    }
}

#[test]
fn nobody_is_given_what_follows_an_account_that_the_list_names_for_another() {
    const BOUNDARY: &str = "[contact.fields]\n\
        id = { from = \"Id\", why = \"Names the record.\" }\n\
        owner = { from = \"OwnerId\", why = \"Compared.\" }\n\
        account = { from = \"AccountId\", why = \"Whose owner counts.\" }\n\
        lifecycle = { from = \"Stage\", why = \"Tells open work.\" }\n\
        modified = { from = \"Modified\", why = \"Tells the batch.\" }\n\
        [account.fields]\n\
        id = { from = \"Id\", why = \"Names the account.\" }\n\
        name = { from = \"Name\", why = \"Shown.\" }\n\
        owner = { from = \"OwnerId\", why = \"Compared.\" }\n\
        modified = { from = \"Modified\", why = \"Tells the batch.\" }\n\
        [user.fields]\n\
        id = { from = \"Id\", why = \"Owners are looked up.\" }\n\
        name = { from = \"Name\", why = \"Rules name owners.\" }\n\
        active = { from = \"IsActive\", why = \"Nobody is given to who left.\" }\n";
    let review = REVIEW
        .replace("lead = \"lead.csv\"", "contact = \"contact.csv\"\naccount = \"account.csv\"");
    let files = [
        ("review.toml", review.as_str()),
        ("rules/boundary.toml", BOUNDARY),
        ("rules/approvals.toml", "[approver]\nname = \"Dana\"\n"),
        (
            "rules/owners.toml",
            "[[split-ownership.pair]]\nobjects = [\"contact\"]\nowners = \"same\"\n",
        ),
        ("rules/routing.toml", "objects = [\"lead\"]\n[named-accounts]\ntable = \"named.csv\"\n"),
        ("rules/named.csv", "account,owner\nA1,Bea Ax\n"),
        ("rules/lifecycle.toml", "[contact]\nfield = \"lifecycle\"\norder = [\"Lead\"]\n"),
        ("exports/contact.csv", "Id,OwnerId,AccountId,Stage,Modified\nC1,U1,A1,Lead,2026-02-27\n"),
        ("exports/account.csv", "Id,Name,OwnerId,Modified\nA1,Acme,U2,2025-09-01\n"),
        ("exports/user.csv", "Id,Name,IsActive\nU1,Bea Ax,true\nU2,Gus Wu,true\n"),
    ];
    let job = Job::new(&files);
    job.run(&[]).ends(0);
    assert_eq!(job.found(), [("RTE-10".to_owned(), "A1".to_owned())]);
    // In a week in which the account did not change it is reference, and its owner is at fault all the same.
    let job = Job::new(&files);
    job.put("review.toml", &format!("{review}\n[batch]\nchanged_within_days = 7\n"));
    job.run(&[]).ends(0);
    let findings = job.findings();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((word(&finding["rule"]), word(&finding["record"])), ("OWN-08".into(), "C1".into()));
    assert_eq!(finding["proposal"]["kind"], "review-record", "{finding}");
    let doubt = "the routing rules want account Acme with somebody else";
    assert!(finding["why_wrong"].to_string().contains(doubt), "{finding}");
}

#[test]
fn the_last_stamp_of_a_sync_is_quoted_though_its_record_is_reference() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "Id\n00Q1\n00Q3\n");
    job.put(
        "rules/system-of-record.toml",
        "[[sync]]\nfield = \"lead.modified\"\nwithin_hours = 12\n",
    );
    job.run(&[]).ends(0);
    let findings = job.findings();
    let stopped = findings.iter().find(|it| it["rule"] == "SOR-07").unwrap();
    assert_eq!(stopped["record"], "00Q1");
    let evidence = stopped["evidence"].to_string();
    // That of the record it is about, and the one that the headline tells.
    assert!(evidence.contains("2026-02-27") && evidence.contains("2026-02-28"), "{stopped:#}");
    assert!(evidence.contains("00Q2"), "{stopped:#}");
}

#[test]
fn the_event_that_a_run_answers_is_told_and_recorded() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[packet]\nmask_key = \"nobody else knows this\"\n"));
    let event = "what = \"Import of <1,240> leads\"\non = 2026-02-27\nby = \"Gail Ohm\"\n";
    job.put("event.toml", event);
    job.run(&["--event", "event.toml"]).ends(0);
    let words = "Import of <1,240> leads, 27 February 2026, told by Gail Ohm";
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    assert_eq!(manifest["event"], words);
    assert!(word(&manifest["repeat_with"]).ends_with(" --event EVENT.toml"), "{manifest}");
    assert!(job.text("ledger.jsonl").contains(words));
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    assert_eq!(packet.matches("Import of &lt;1,240&gt; leads, 27 February 2026").count(), 2);
    assert!(!packet.contains("<1,240>"));
    let masked = job.text(&format!("runs/{DAY}/masked.html"));
    assert!(masked.contains("An event, not quoted in a masked copy") && !masked.contains("Ohm"));
    // It is recorded once, made again by verify, and another run than the scheduled one.
    job.run(&["--event", "event.toml"]).ends(0);
    assert_eq!(job.text("ledger.jsonl").lines().count(), 1);
    let verified = job.call(&["verify"]).ends(0).out;
    assert!(verified.contains("run again, the same bytes"), "{verified}");
    let answered = word(&manifest["run"]);
    job.run(&[]).ends(0);
    let ledger = job.text("ledger.jsonl");
    assert_eq!((ledger.lines().count(), ledger.matches(&answered).count()), (2, 1), "{ledger}");
    // What is no event starts nothing.
    for (text, says) in [
        ("what = \"\"", "event.toml:1: `what` is blank"),
        ("on = 2026-02-27", "`what` is missing"),
        ("what = 5", "event.toml:1:"),
    ] {
        job.put("event.toml", text);
        let said = job.run(&["--event", "event.toml"]).ends(2);
        assert!(said.err.contains(says), "{}", said.err);
    }
    let said = job.run(&["--event", "events.toml"]).ends(2);
    assert!(
        said.err.contains("events.toml: No such file") && said.err.contains("hint: an event is")
    );
    assert_eq!(job.text("ledger.jsonl").lines().count(), 2);
}

#[test]
fn a_list_of_ids_with_other_columns_is_refused() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[batch]\nids = \"ids.csv\"\n"));
    for text in ["Id,Name\n00Q3,Ann\n", "Id\n00Q3;Ann\n", "Id\n\"00Q3\"\t\"Ann\"\n"] {
        job.put("rules/ids.csv", text);
        let said = job.run(&[]).ends(2);
        assert!(said.err.contains("rules/ids.csv:"), "{}", said.err);
        assert!(said.err.contains("more than one cell"), "{}", said.err);
    }
}

#[test]
fn a_batch_that_takes_nothing_and_exclusions_of_nobody_are_said() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[batch.when]\nlead = {{ status = \"neuu\" }}\n"));
    let says = "`[batch]` takes none of 5 leads: `status` is New, Working in these exports";
    let said = job.run(&[]).ends(0);
    let told = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let mailed = "`[batch]` takes none of 5 leads; the packet says more";
    assert!(told.contains(mailed), "{told}");
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    assert!(packet.contains("takes none of 5 leads"));
    let said = job.call(&["doctor", "."]);
    assert!(said.out.contains(says), "{}{}", said.out, said.err);
    job.put("review.toml", REVIEW);
    let fields = job.text("rules/boundary.toml");
    job.put("rules/boundary.toml", &format!("{fields}\n[excluded]\nids = \"excluded.csv\"\n"));
    job.put("rules/excluded.csv", "id\n00Q3\n00X1\n");
    let said = job.run(&[]).ends(0);
    let says = "1 of the 2 ids of rules/excluded.csv is in no input";
    assert!(said.err.contains(says), "{}", said.err);
    assert!(!said.out.contains("takes none"), "{}", said.out);
}

#[test]
fn the_doctor_shows_what_a_value_would_do_to_the_terminal() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[batch.when]\nlead = {{ status = \"neuu\" }}\n"));
    let leads = job.text("exports/lead.csv");
    job.put("exports/lead.csv", &leads.replace(",New,", ",New\u{1b}[2J,"));
    let said = job.call(&["doctor", "."]);
    assert!(said.out.contains("New⟦U+001B⟧[2J"), "{:?}", said.out);
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
}

#[test]
fn ids_of_the_batch_that_nobody_has_are_said() {
    let job = Job::weekly();
    job.put("review.toml", &format!("{REVIEW}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "Id\n00Q3\n00X1\n00X2\n00X3\n00X4\n00X5\n00X6\n");
    let said = job.run(&[]).ends(0);
    let words =
        "6 of the 7 ids of rules/ids.csv are in no input: 00X1, 00X2, 00X3, 00X4, 00X5 and 1 more";
    assert!(said.err.contains(words), "{}", said.err);
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    assert!(word(&manifest["batch"]).ends_with(words), "{}", manifest["batch"]);
    assert!(job.text(&format!("runs/{DAY}/packet.html")).contains("00X5 and 1 more"));
}

#[test]
fn an_open_record_is_kept_rather_than_a_closed_one() {
    let job = Job::weekly();
    job.edit("exports/lead.csv", "0051,New,2025-01-05", "0051,Closed,2025-01-05");
    job.run(&[]).ends(0);
    let merge = job.findings().into_iter().find(|finding| finding["rule"] == "DUP-01").unwrap();
    assert_eq!(merge["proposal"]["keep"], "00Q2", "{merge}");
    assert_eq!(merge["proposal"]["fold"], serde_json::json!(["00Q1"]));
}

#[test]
fn a_refused_encoding_names_what_the_command_can_do() {
    let job = Job::weekly();
    let mut bytes = LEADS.as_bytes().to_vec();
    let at = LEADS.find("Bolt").unwrap();
    bytes.splice(at..at, *b"\x81\x8d\x8f\x90\x9d");
    job.put_bytes("exports/lead.csv", &bytes);
    let run = job.run(&[]).ends(3);
    assert!(run.err.contains("UTF-8") && !run.err.contains("--encoding"), "{}", run.err);
    let inspect = job.call(&["inspect", "exports/lead.csv"]).ends(2);
    assert!(inspect.out.contains("--encoding"), "{}", inspect.out);
}

#[test]
fn a_batch_that_cannot_be_understood_is_refused() {
    let job = Job::weekly();
    job.put(
        "review.toml",
        &format!("{REVIEW}\n[batch]\nobjects = [\"user\"]\nids = \"ids.txt\"\nwhen = {{ lead = {{ stge = \"x\" }} }}\n"),
    );
    job.put("rules/ids.txt", "00Q3\n");
    let said = job.run(&[]).ends(2);
    for words in ["review.toml:12: `user`", "review.toml:13: ", ".csv", "review.toml:14: "] {
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
}

#[test]
fn the_catalogue_lists_every_check_and_tells_one_in_full() {
    let job = Job::new(&[]);
    let list = job.call(&["checks"]).ends(0).out;
    assert_eq!(list.lines().count(), crm_review::check::ALL.len());
    let one = job.call(&["checks", "own-01"]).ends(0).out;
    assert!(
        one.starts_with("OWN-01 inactive-owner (") && one.contains("rules/owners.toml"),
        "{one}"
    );
    assert_eq!(one, job.call(&["checks", "inactive-owner"]).ends(0).out);
    let said = job.call(&["checks", "OWN-99"]).ends(2);
    assert!(said.err.contains("OWN-99"), "{}", said.err);
    // A folder that is named has to be one, and its rules have to hold.
    let said = job.call(&["checks", "OWN-01", "--dir", "nosuch"]).ends(2);
    assert!(said.out.is_empty() && said.err.contains("nosuch/review.toml"), "{}", said.err);
    let weekly = Job::weekly();
    let here = weekly.call(&["checks", "OWN-01", "--dir", "."]).ends(0).out;
    assert_eq!(here, weekly.call(&["checks", "OWN-01"]).ends(0).out);
    // How lines end says nothing of what stands in them.
    let of_folder = |weekly: &Job| weekly.call(&["checks", "OWN-02", "--dir", "."]).ends(0).out;
    let rules = "[inactive-owner]\noff = true\n\n[no-owner]\n# Ours.\noff = false\n";
    weekly.put("rules/owners.toml", rules);
    let told = of_folder(&weekly);
    assert!(told.contains("# Ours.") && !told.contains("off = true"), "{told}");
    weekly.put("rules/owners.toml", &rules.replace('\n', "\r\n"));
    assert_eq!(told, of_folder(&weekly));
    weekly.edit("review.toml", "[source]", "[sauce]");
    let said = weekly.call(&["checks", "OWN-01", "--dir", "."]).ends(2);
    assert!(said.err.contains("review.toml:"), "{}", said.err);
    weekly.call(&["checks", "OWN-01"]).ends(0);
}

#[test]
fn the_summary_writes_ids_in_full() {
    let job = Job::weekly();
    let ids = ["3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3302"];
    let leads = job.text("exports/lead.csv");
    job.put(
        "exports/lead.csv",
        &leads.replace("00Q3,", &format!("{},", ids[0])).replace("00Q4,", &format!("{},", ids[1])),
    );
    let said = job.run(&[]).ends(0).out;
    assert!(ids.iter().all(|id| said.contains(&format!("lead {id}\n"))), "{said}");
}

#[test]
fn of_exports_with_their_date_in_their_name_each_week_reads_the_newest() {
    let job = Job::weekly();
    job.edit("review.toml", "\"lead.csv\"", "\"lead-*.csv\"");
    let leads = job.text("exports/lead.csv");
    fs::remove_file(job.path("exports/lead.csv")).unwrap();
    let files = |n: usize| {
        let manifest = job.json(&format!("runs/{}/manifest.json", ["2026-03-01", "2026-03-08"][n]));
        let inputs = manifest["inputs"].as_array().unwrap();
        inputs.iter().map(|input| word(&input["file"])).collect::<Vec<_>>()
    };
    job.put("exports/lead-2026-02-22.csv", &leads.replace("00Q4", "00Q9"));
    job.put("exports/lead-2026-03-01.csv", &leads);
    let said = job.run(&[]).ends(0);
    assert_eq!(
        (files(0), said.err.as_str()),
        (vec!["lead-2026-03-01.csv".into(), "user.csv".into()], "")
    );
    // A later export changes nothing of what an earlier week read.
    job.put("exports/lead-2026-03-08.csv", &leads.replace("Bolt", "Volt"));
    let said = job.call(&["verify", "."]).ends(0);
    assert!(!(said.out + &said.err).contains("changed since"));
    job.put("other/owners.toml", "[inactive-owner]\noff = true\n");
    let said = job.call(&["what-if", ".", "--rules", "other"]);
    assert!(said.out.contains("OWN-01"), "{}{}", said.out, said.err);
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    assert_eq!(files(1), ["lead-2026-03-08.csv", "user.csv"]);
    job.call(&["verify", "."]).ends(0);
    job.call(&["rules", "check", "."]).ends(0);
    let said = job.call(&["doctor", "."]).out;
    assert!(said.contains("lead-2026-03-08.csv: "), "{said}");
    // A name without a star that is gone says so, and what to write.
    job.edit("review.toml", "\"lead-*.csv\"", "\"lead-2026-02-15.csv\"");
    let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(3);
    assert!(said.err.contains("there is lead-2026-03-08.csv; write `lead-*.csv`"), "{}", said.err);
    job.edit("review.toml", "\"lead-2026-02-15.csv\"", "\"*/lead.csv\"");
    let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(2);
    assert!(said.err.contains("`*/lead.csv` has a `*` in the name of a folder"), "{}", said.err);
}

#[test]
fn init_names_an_export_with_a_date_by_what_next_weeks_is_called_too() {
    let job = Job::weekly();
    fs::rename(job.path("exports/lead.csv"), job.path("exports/Lead-2026-03-01.csv")).unwrap();
    fs::rename(job.path("exports/user.csv"), job.path("exports/User.csv")).unwrap();
    job.call(&["init", "new", "--from", "exports"]).ends(0);
    let review = job.text("new/review.toml");
    assert!(
        review.contains("lead = \"Lead-*.csv\"") && review.contains("user = \"User.csv\""),
        "{review}"
    );
    let said = job.call(&["run", "new", "--as-of", DAY]);
    assert!(said.code < 2, "{}", said.err);
}

#[test]
fn init_draws_a_star_only_for_dates_that_sort() {
    for name in ["deals-7203842-9.csv", "Leads 29.11.2026.csv", "lead-2026-11.csv"] {
        let job = Job::weekly();
        fs::rename(job.path("exports/lead.csv"), job.path("exports").join(name)).unwrap();
        job.call(&["init", "new", "--from", "exports"]).ends(0);
        let review = job.text("new/review.toml");
        assert!(review.contains(&format!("= \"{name}\"")), "{review}");
    }
}

#[test]
fn where_a_star_fits_files_that_no_date_orders_it_is_said_which_is_read() {
    let job = Job::weekly();
    job.edit("review.toml", "\"lead.csv\"", "\"lead-*.csv\"");
    let leads = job.text("exports/lead.csv");
    fs::remove_file(job.path("exports/lead.csv")).unwrap();
    job.put("exports/lead-7203842-9.csv", &leads);
    assert_eq!(job.run(&[]).ends(0).err, "");
    job.put("exports/lead-7203842-10.csv", &leads);
    let says = "`lead-*.csv` fits 2 files that differ in more than a date such as 2026-11-22: \
        lead-7203842-9.csv is read, the last by name; if that is not the newest, name the file in [source.files] of review.toml";
    assert_eq!(job.run(&[]).ends(0).err, format!("note: {says}\n"));
    let doctor = job.call(&["doctor", "."]).out;
    assert_eq!(doctor.matches(&format!("warn   {says}")).count(), 1, "{doctor}");
}

#[test]
fn of_exports_of_several_weeks_init_reads_the_newest() {
    let job = Job::weekly();
    let leads = job.text("exports/lead.csv");
    fs::rename(job.path("exports/user.csv"), job.path("exports/User.csv")).unwrap();
    fs::remove_file(job.path("exports/lead.csv")).unwrap();
    for day in ["2026-02-15", "2026-02-22"] {
        job.put(&format!("exports/lead {day}.csv"), &leads);
    }
    let said = job.call(&["init", "new", "--from", "exports"]).ends(0).out;
    let earlier = "lead 2026-02-15.csv not used: lead 2026-02-22.csv is newer, and of `lead *.csv` the last by name is read";
    assert!(said.contains(earlier), "{said}");
    let review = job.text("new/review.toml");
    assert!(review.contains("lead = \"lead *.csv\"  # 5 leads\n"), "{review}");
    let inputs = |folder: &str| {
        let manifest = job.json(&format!("{folder}/runs/{DAY}/manifest.json"));
        let inputs = manifest["inputs"].as_array().unwrap();
        inputs.iter().map(|input| word(&input["file"])).collect::<Vec<_>>()
    };
    // It has nothing to say but who is still to be named.
    let notes = job.call(&["run", "new", "--as-of", DAY]).ends(0).err;
    assert!(notes.starts_with("note: nobody may decide on this packet"), "{notes}");
    assert_eq!(notes.lines().count(), 1, "{notes}");
    assert_eq!(inputs("new"), ["lead 2026-02-22.csv", "User.csv"]);
    // A folder that is there hears of no file that its own names stand for.
    for (from, to) in
        [("\"lead *.csv\"", "\"le*d *.csv\""), ("= \"le*d *.csv\"", "= [\"le*d *.csv\"]")]
    {
        job.edit("new/review.toml", from, to);
        let said = job.call(&["init", "new", "--from", "exports"]).ends(0).out;
        assert!(said.contains("the exports say nothing beyond it"), "{said}");
    }
}

#[test]
fn a_table_in_several_files_of_one_export_is_read_whole() {
    let (head, rest) = LEADS.split_once('\n').unwrap();
    let (first, second) = rest.split_at(rest.find("00Q3").unwrap());
    for names in [
        ["lead-1.csv", "lead-2.csv"],
        ["lead-2026-02-22-1.csv", "lead-2026-02-22-2.csv"],
        // Another table is called the same but for the date.
        ["report 2026-02-22.csv", "report 2026-02-23.csv"],
    ] {
        let job = Job::new(&[]);
        job.put(&format!("exports/{}", names[0]), &format!("{head}\n{first}"));
        job.put(&format!("exports/{}", names[1]), &format!("{head}\n{second}"));
        if names[0].starts_with("report") {
            job.put("exports/report 2026-02-24.csv", "place,sun\nRome,7\n");
        }
        job.call(&["init", ".", "--from", "exports"]).ends(0);
        let review = job.text("review.toml");
        let expect = format!("lead = [\"{}\", \"{}\"]  # 5 leads", names[0], names[1]);
        assert!(review.contains(&expect), "{review}");
        // What stands there already is not told again.
        fs::rename(job.path("exports").join(names[1]), job.path("exports/lead-3.csv")).unwrap();
        let said = job.call(&["init", ".", "--from", "exports"]).ends(0).out;
        assert!(said.contains("add\n  \"lead-3.csv\",") && !said.contains(names[0]), "{said}");
    }
}
