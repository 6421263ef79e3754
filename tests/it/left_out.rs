//! Records that are left out of the review: those that their CRM marks as deleted, and those that are
//! excluded at somebody's wish, by a column of the CRM or by a list of ids.

use serde_json::json;

use crate::decisions::{Filled, confirm};
use crate::job::{DAY, HANDOVER, Job, LEADS, word};

const WEEK_2: &str = "2026-03-08";

/// The weekly job, whose leads say in two more columns whether they are left out.
fn flagged(rows: &[(&str, &str, &str)]) -> Job {
    let job = Job::weekly();
    let fields = "deleted = { from = \"IsDeleted\", why = \"What is deleted is not judged.\" }\n\
        excluded = { from = \"Leave_Out__c\", why = \"Whoever asks for it is left out.\" }\n\n[user.fields]";
    job.edit("rules/boundary.toml", "[user.fields]", fields);
    flag(&job, rows);
    job
}

/// Says of leads, by their ids, whether they are deleted and whether they are excluded.
fn flag(job: &Job, rows: &[(&str, &str, &str)]) {
    let mut leads = LEADS.lines();
    let mut text = format!("{},IsDeleted,Leave_Out__c\n", leads.next().unwrap());
    for line in leads {
        let said = rows.iter().find(|(id, ..)| line.starts_with(&format!("{id},")));
        let (_, deleted, excluded) = said.unwrap_or(&("", "false", ""));
        text += &format!("{line},{deleted},{excluded}\n");
    }
    job.put("exports/lead.csv", &text);
}

/// Excludes ids by a list.
fn list(job: &Job, text: &str) {
    if !job.text("rules/boundary.toml").contains("[excluded]") {
        let fields = job.text("rules/boundary.toml");
        job.put("rules/boundary.toml", &format!("{fields}\n[excluded]\nids = \"excluded.csv\"\n"));
    }
    job.put("rules/excluded.csv", text);
}

fn records(job: &Job, day: &str) -> Vec<String> {
    let lines = job.text(&format!("runs/{day}/findings.jsonl"));
    let record =
        |line: &str| word(&serde_json::from_str::<serde_json::Value>(line).unwrap()["record"]);
    lines.lines().map(record).collect()
}

#[test]
fn what_is_left_out_is_counted_everywhere_and_judged_nowhere() {
    let job = flagged(&[("00Q2", "true", ""), ("00Q3", "false", "yes")]);
    list(&job, "id\n00Q4\n");
    let said = job.run(&[]).ends(0);
    assert_eq!(job.found(), []);
    let words = "Left out of the review: 1 deleted lead, 2 excluded leads.";
    assert!(said.out.contains(words), "{}", said.out);
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    let lead = &manifest["inputs"][0];
    assert_eq!(lead["rows_left_out"], json!({"deleted": 1, "excluded": 2}));
    assert_eq!(
        [&lead["rows_read"], &lead["rows_admitted"], &lead["rows_set_aside"]],
        [&json!(5), &json!(2), &json!(0)]
    );
    assert_eq!(manifest["inputs"][1].get("rows_left_out"), None);
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    assert!(packet.contains("1 deleted, 2 excluded"));
    for id in ["00Q2", "00Q3", "00Q4"] {
        assert!(!packet.contains(id), "{id}");
    }
    let told = job.call(&["inspect", "exports/lead.csv"]).ends(0).out;
    for words in ["lead.csv can be read\n", "left out  1 deleted\n", "left out  2 excluded\n"] {
        assert!(told.contains(words), "{told}");
    }
    let told = job.call(&["inspect", "exports/lead.csv", "--format", "json"]).ends(0).out;
    assert!(told.contains(r#""left_out":{"deleted":1,"excluded":2}"#), "{told}");
    job.call(&["verify"]).ends(0);
}

#[test]
fn what_was_found_of_a_record_that_is_excluded_is_neither_resolved_nor_applied() {
    for by_list in [false, true] {
        let job = flagged(&[]);
        job.put("rules/owners.toml", HANDOVER);
        job.run(&[]).ends(0);
        let before = records(&job, DAY);
        assert_eq!(before, ["00Q1", "00Q3", "00Q4"]);
        Filled::of(&job, DAY)
            .says(&job, DAY, "DUP-01", "00Q1", confirm())
            .says(&job, DAY, "OWN-01", "00Q3", confirm())
            .put(&job, "decisions/week.json");
        if by_list {
            list(&job, "object,id\nlead,00Q2\nlead,00Q3\ndeal,00Q4\n");
        } else {
            flag(&job, &[("00Q2", "", "yes"), ("00Q3", "true", "yes")]);
        }
        let said = job.call(&["run", ".", "--as-of", WEEK_2]).ends(0);
        // The id of another table's record is no lead's.
        assert_eq!(records(&job, WEEK_2), ["00Q4"]);
        let out = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in ["resolved: ", "00Q2", "00Q3", "gone", "applied:", "not applied"] {
            assert!(!out.contains(word), "{word}: {out}");
        }
        let packet = job.text(&format!("runs/{WEEK_2}/packet.html"));
        assert!(!packet.contains("00Q2") && !packet.contains("00Q3"));
        // They come back: nothing was forgotten, and nothing was thought to be done.
        flag(&job, &[]);
        if by_list {
            list(&job, "id\n");
        }
        job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
        let lines = job.text("runs/2026-03-15/findings.jsonl");
        assert_eq!(lines.lines().count(), 3, "{lines}");
        assert!(
            !lines.contains("\"state\":\"reopened\"") && !lines.contains("\"state\":\"new\""),
            "{lines}"
        );
    }
}

#[test]
fn what_was_found_of_a_record_that_is_deleted_is_gone() {
    let job = flagged(&[]);
    job.run(&[]).ends(0);
    flag(&job, &[("00Q4", "true", "")]);
    let said = job.call(&["run", ".", "--as-of", WEEK_2]).ends(0);
    assert_eq!(records(&job, WEEK_2), ["00Q1", "00Q3"]);
    assert!(said.out.contains("1 deleted lead"), "{}", said.out);
    let history = job.text(&format!("runs/{WEEK_2}/history.jsonl"));
    let gone = history.lines().find(|line| line.contains("00Q4")).unwrap();
    assert!(gone.contains("gone"), "{gone}");
}

#[test]
fn rows_that_are_left_out_since_are_not_lost() {
    let job = flagged(&[]);
    let leads = job.text("exports/lead.csv");
    let many = (10..60).map(|n| {
        format!(
            "00Q{n},P{n},Q{n},C{n},p{n}@c{n}-corp.com,,0051,Working,2025-03-01,2025-05-01,,,x,\n"
        )
    });
    let many: String = many.collect();
    job.put("exports/lead.csv", &format!("{leads}{}", many.replace(",x,", ",false,")));
    job.run(&[]).ends(0);
    job.put("exports/lead.csv", &format!("{leads}{}", many.replace(",x,", ",true,")));
    let said = job.call(&["run", ".", "--as-of", WEEK_2]).ends(0);
    assert!(said.out.contains("50 deleted leads"), "{}", said.out);
}

#[test]
fn without_the_column_that_says_who_is_excluded_nothing_is_read() {
    let job = flagged(&[]);
    job.put("exports/lead.csv", LEADS);
    let said = job.run(&[]).ends(3);
    let words = "lead.csv: no column for `lead.excluded`, so nobody can tell which rows are to be left out; export it (`Leave_Out__c`), or take the field out of rules/boundary.toml";
    assert!(said.err.contains(words), "{}", said.err);
    // Without the one that says what is deleted the rows are judged, and that is told.
    job.edit("rules/boundary.toml", "excluded = {", "# excluded = {");
    let said = job.run(&[]).ends(0);
    assert!(
        said.err.contains("no input has a column for `lead.deleted` (IsDeleted)"),
        "{}",
        said.err
    );
    assert_eq!(job.found().len(), 3);
}

#[test]
fn a_list_of_exclusions_holds_ids_and_nothing_else() {
    let job = flagged(&[]);
    for (text, words) in [
        ("id,name\n00Q3,Bo Li\n", "rules/excluded.csv:1: this is no list of ids"),
        ("00Q3\n", "rules/excluded.csv:1: this is no list of ids"),
        ("id,object\n00Q3,person\n", "rules/excluded.csv:2: a table that is not reviewed"),
        ("id,object\n,lead\n", "rules/excluded.csv:2: a line without an id"),
    ] {
        list(&job, text);
        let said = job.run(&[]).ends(2);
        assert!(said.err.contains(words) && said.err.contains("a column `id`"), "{}", said.err);
        assert!(!said.err.contains("Bo Li"));
    }
    std::fs::remove_file(job.path("rules/excluded.csv")).unwrap();
    let said = job.run(&[]).ends(2);
    assert!(said.err.contains("there is no list `excluded.csv`"), "{}", said.err);
    list(&job, "id\n");
    job.edit(
        "rules/boundary.toml",
        "why = \"What is deleted",
        "kind = \"text\", why = \"What is deleted",
    );
    let fields = job.text("rules/boundary.toml");
    let user = "[user.fields]\nexcluded = { from = \"Left\", why = \"Left.\" }";
    job.put("rules/boundary.toml", &fields.replace("[user.fields]", user));
    let said = job.run(&[]).ends(2);
    for words in [
        "`lead.deleted` is a text, and rows are left out by a flag",
        "`user.excluded` cannot leave anybody out: who owns records has to be known",
    ] {
        assert!(said.err.contains(words), "{}", said.err);
    }
}

#[test]
fn whoever_is_on_the_batches_list_and_excluded_is_not_said_to_be_missing() {
    let job = flagged(&[("00Q3", "", "yes")]);
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[batch]\nids = \"batch.csv\"\n"));
    job.put("rules/batch.csv", "00Q3\n00Q4\n00Q9\n");
    let said = job.run(&[]).ends(0);
    assert!(
        said.err.contains("1 of the 3 ids of rules/batch.csv is in no input: 00Q9"),
        "{}",
        said.err
    );
}

#[test]
fn whoever_is_excluded_stays_so_under_other_rules_and_in_weeks_before() {
    let job = flagged(&[]);
    job.run(&[]).ends(0);
    list(&job, "id\n00Q4\n");
    job.put("other/excluded.csv", "id\n");
    job.put("other/lifecycle.toml", &job.text("rules/lifecycle.toml"));
    let said = job.call(&["what-if", ".", "--rules", "other"]).ends(0);
    let words = "2 findings, 2 under the other rules: 0 gained, 0 lost";
    assert!(said.out.contains(words) && !said.out.contains("00Q4"), "{}", said.out);
}
