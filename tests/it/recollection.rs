//! What a review must not take for gone, mended, or decided: played through the commands.

use serde_json::Value;

use crate::decisions::{Filled, approve, confirm, escalate, reject};
use crate::job::{DAY, HANDOVER, Job, word};
use crate::memory::{WEEKS, decide, open, standing, week};

/// Runs a week whose packet lacks something and gives the summary, in one line.
#[track_caller]
fn incomplete_week(job: &Job, n: usize) -> String {
    let said = job.call(&["run", ".", "--as-of", WEEKS[n]]).ends(1);
    said.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a week remembers of the finding of a rule.
fn remembered(job: &Job, n: usize, rule: &str) -> Value {
    let lines = job.text(&format!("runs/{}/history.jsonl", WEEKS[n]));
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.find(|line| line["rule"] == rule).unwrap()
}

/// A week in which a merge and a change of owner were approved and a question escalated.
fn decided() -> Job {
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    week(&job, 0);
    let filled = Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", confirm())
        .says(&job, DAY, "OWN-01", "00Q3", confirm())
        .says(&job, DAY, "OWN-02", "00Q4", escalate("finance", "2026-04-30"));
    decide(&job, &filled);
    job
}

const ALL_DECIDED: [&str; 3] = [
    "DUP-01 00Q1 recurring 2 apply",
    "OWN-01 00Q3 recurring 2 apply",
    "OWN-02 00Q4 recurring 2 answer",
];

#[test]
fn a_row_that_was_set_aside_is_no_record_that_is_gone() {
    let stray = |row: &str| format!("{row},stray");
    let long = |row: &str| row.replacen(",New,", &format!(",{},", "L".repeat(300)), 1);
    let spoils: [&dyn Fn(&str) -> String; 2] = [&stray, &long];
    for spoil in spoils {
        let job = decided();
        let leads = job.text("exports/lead.csv");
        let rows = leads.lines().map(|row| match row.get(..4) {
            Some("00Q2" | "00Q3" | "00Q4") => spoil(row) + "\n",
            _ => format!("{row}\n"),
        });
        job.put("exports/lead.csv", &rows.collect::<String>());
        let said = incomplete_week(&job, 1);
        for gone in ["resolved:", "approved and applied", "is gone", "not there any more"] {
            assert!(!said.contains(gone), "{gone}: {said}");
        }
        assert!(said.contains("3 proposals of earlier packets could not be looked at"), "{said}");
        assert!(said.contains("OWN-02 lead 00Q4: escalated to finance"), "{said}");
        job.put("exports/lead.csv", &leads);
        week(&job, 2);
        assert_eq!(standing(&job, 2), ALL_DECIDED);
    }
}

#[test]
fn beside_a_row_that_was_set_aside_a_record_is_gone_where_the_row_says_whose_it_is() {
    let spoilt_and_gone = |spoil: fn(&str) -> String| {
        let job = decided();
        let leads = job.text("exports/lead.csv");
        let left = leads.lines().filter_map(|row| match row.get(..4) {
            Some("00Q5") => Some(spoil(row) + "\n"),
            Some("00Q3") => None,
            _ => Some(format!("{row}\n")),
        });
        job.put("exports/lead.csv", &left.collect::<String>());
        incomplete_week(&job, 1)
    };
    let long =
        spoilt_and_gone(|row| row.replacen(",Working,", &format!(",{},", "L".repeat(300)), 1));
    assert!(long.contains("1 its record is not there any more"), "{long}");
    // Such a row may stand there twice.
    let twice = spoilt_and_gone(|row| {
        let row = row.replacen(",Working,", &format!(",{},", "L".repeat(300)), 1);
        format!("{row}\n{row}")
    });
    assert!(twice.contains("1 its record is not there any more"), "{twice}");
    let stray = spoilt_and_gone(|row| format!("{row},stray"));
    assert!(!stray.contains("not there any more"), "{stray}");
}

#[test]
fn ids_of_either_spelling_name_the_same_findings() {
    const SPELLINGS: [(&str, &str, &str); 7] = [
        ("00Q1", "00Q9g00000AbC01", "EAF"),
        ("00Q2", "00Q9g00000AbC02", "EAF"),
        ("00Q3", "00Q9g00000AbC03", "EAF"),
        ("00Q4", "00Q9g00000AbC04", "EAF"),
        ("00Q5", "00Q9g00000AbC05", "EAF"),
        ("0051", "0055g00000XyZ01", "AAF"),
        ("0052", "0055g00000XyZ02", "AAF"),
    ];
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    for file in ["exports/lead.csv", "exports/user.csv", "rules/owners.toml"] {
        let spelled = |text: String, (old, short, check): &(&str, &str, &str)| {
            text.replace(old, &format!("{short}{check}"))
        };
        job.put(file, &SPELLINGS.iter().fold(job.text(file), spelled));
    }
    let ids = |day: &str| -> Vec<(String, String)> {
        let lines = job.text(&format!("runs/{day}/findings.jsonl"));
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|it| (word(&it["id"]), word(&it["evidence_digest"]))).collect()
    };
    week(&job, 0);
    let filled = Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q9g00000AbC01EAF", confirm())
        .says(&job, DAY, "OWN-01", "00Q9g00000AbC03EAF", confirm())
        .says(&job, DAY, "OWN-02", "00Q9g00000AbC04EAF", reject("correct_as_is"));
    decide(&job, &filled);
    for file in ["exports/lead.csv", "exports/user.csv"] {
        let spelled = |text: String, (_, short, check): &(&str, &str, &str)| {
            text.replace(&format!("{short}{check}"), short)
        };
        job.put(file, &SPELLINGS.iter().fold(job.text(file), spelled));
    }
    let said = week(&job, 1);
    assert_eq!(ids(DAY), ids(WEEKS[1]));
    // What is shown is what the export says.
    assert_eq!(
        standing(&job, 1),
        [
            "DUP-01 00Q9g00000AbC01 recurring 2 apply",
            "OWN-01 00Q9g00000AbC03 recurring 2 apply",
            "OWN-02 00Q9g00000AbC04 recurring 2 quiet",
        ]
    );
    assert!(said.contains("2 approved and not yet in the CRM"), "{said}");
    assert!(!said.contains("resolved:") && !said.contains("something else"), "{said}");
}

/// Approves in a week that somebody gets the lead without an owner.
fn approve_owner(job: &Job, n: usize) {
    let filled = Filled::of(job, WEEKS[n]).says(job, WEEKS[n], "OWN-02", "00Q4", approve());
    decide(job, &filled);
}

/// A lead that got its owner as was approved, and lost them again by the third week.
fn undone() -> Job {
    let job = Job::weekly();
    week(&job, 0);
    approve_owner(&job, 0);
    job.edit("exports/lead.csv", "0199,,New", "0199,0051,New");
    week(&job, 1);
    job.edit("exports/lead.csv", "0199,0051,New", "0199,,New");
    week(&job, 2);
    job
}

#[test]
fn what_was_undone_is_asked_until_somebody_decides_again() {
    let job = undone();
    let asked = |n: usize| standing(&job, n).pop().unwrap();
    assert_eq!(asked(2), "OWN-02 00Q4 reopened 2 decide");
    week(&job, 3);
    assert_eq!(asked(3), "OWN-02 00Q4 recurring 3 decide");
    approve_owner(&job, 3);
    week(&job, 4);
    assert_eq!(asked(4), "OWN-02 00Q4 recurring 4 apply");
}

#[test]
fn what_is_approved_again_on_the_day_it_came_back_stands() {
    let job = undone();
    approve_owner(&job, 2);
    job.edit("exports/lead.csv", "00Q5,Dee", "00Q5,Di");
    let said = week(&job, 2);
    assert!(said.contains("1 more is approved and waits to be applied"), "{said}");
    week(&job, 3);
    assert_eq!(standing(&job, 3).pop().unwrap(), "OWN-02 00Q4 recurring 3 apply");
    job.call(&["verify"]).ends(0);
}

#[test]
fn an_owner_who_left_the_export_is_not_known_to_be_at_work() {
    let job = decided();
    job.edit("exports/user.csv", "0052,Gil Poe,false\n", "");
    let said = week(&job, 1);
    assert!(!said.contains("resolved:"), "{said}");
    assert_eq!(open(&job, 1, "OWN-01"), ["00Q3"]);
    assert!(said.contains("OWN-01"), "{said}");
    let manifest = job.text("runs/2026-03-08/manifest.json");
    assert!(manifest.contains("some owners are in no input"), "{manifest}");
}

#[test]
fn what_is_right_by_something_else_was_not_resolved_by_its_approval() {
    let job = decided();
    // The owner is back, and nobody gave the lead away.
    job.edit("exports/user.csv", "0052,Gil Poe,false", "0052,Gil Poe,true");
    let said = week(&job, 1);
    assert!(said.contains("1 resolved: 1 without an approval"), "{said}");
    assert_eq!(remembered(&job, 1, "OWN-01")["resolved"][1], "otherwise");
}

#[test]
fn a_second_packet_of_a_week_is_no_second_week() {
    let job = Job::weekly();
    week(&job, 0);
    // 1 March is a Sunday: these two are of the week behind it.
    job.call(&["run", "--as-of", "2026-03-04"]).ends(0);
    week(&job, 1);
    assert_eq!(standing(&job, 1)[0], "DUP-01 00Q1 recurring 2 decide");
}

#[test]
fn a_mistyped_day_stays_mended_once_it_has_passed() {
    let job = Job::weekly();
    week(&job, 4);
    for n in 0..3 {
        week(&job, n);
    }
    week(&job, 5);
    assert_eq!(standing(&job, 5)[0], "DUP-01 00Q1 recurring 4 decide");
    let metrics = job.call(&["metrics"]).ends(0).out;
    assert!(!metrics.contains("\n2026-03-29 "), "{metrics}");
    assert!(metrics.contains("took back are left out: 2026-03-29."), "{metrics}");
    assert!(metrics.contains("\n2026-04-05 "), "{metrics}");
    let other_rules = job.call(&["what-if", "--rules", "rules"]).ends(0).out;
    assert!(other_rules.contains("2026-04-05"), "{other_rules}");
    assert!(!other_rules.contains("2026-03-29"), "{other_rules}");
    job.call(&["verify"]).ends(0);
}

#[test]
fn an_open_escalation_of_twins_is_told_although_their_cluster_grew() {
    let job = Job::weekly();
    week(&job, 0);
    let escalated = escalate("finance", "2026-04-30");
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", escalated));
    let third =
        "00Q6,Ann,Ng,Acme,ann.ng@acme-corp.com,+1 202 555 0143,0051,New,2025-07-01,2026-02-28,,\n";
    job.put("exports/lead.csv", &(job.text("exports/lead.csv") + third));
    for n in [1, 2] {
        let said = week(&job, n);
        assert!(said.contains("DUP-01 lead 00Q1: escalated to finance"), "{said}");
        assert!(said.contains("not proposed again this time"), "{said}");
    }
}

#[test]
fn examples_beside_the_rules_change_no_packet() {
    let job = Job::weekly();
    week(&job, 0);
    job.put("rules/examples.toml", "# None yet.\n");
    job.call(&["verify"]).ends(0);
    week(&job, 1);
    assert!(!job.text("runs/2026-03-08/rules.json").contains("examples.toml"));
    job.edit("runs/2026-03-08/rules.json", "Dana Reyes", "Dana Reed");
    let said = job.call(&["verify"]).ends(4).out;
    assert!(
        said.contains("2026-03-08/rules.json: it is not the file that the ledger names"),
        "{said}"
    );
}

#[test]
fn what_was_decided_otherwise_later_counts_once() {
    let job = Job::weekly();
    week(&job, 0);
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()));
    week(&job, 1);
    Filled::of(&job, WEEKS[1])
        .says(&job, WEEKS[1], "OWN-02", "00Q4", reject("rule_wrong"))
        .put(&job, "later.json");
    job.call(&["decide", "later.json", "--supersede"]).ends(0);
    let patterns = job.call(&["patterns"]).ends(0).out;
    assert!(patterns.contains("OWN-02         1      0      1"), "{patterns}");
}

#[test]
fn a_file_that_was_overruled_says_that_another_decision_stands() {
    let job = Job::weekly();
    week(&job, 0);
    let says = |decision, file| {
        Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", decision).put(&job, file);
        job.call(&["decide", file, "--supersede"]).ends(0).out
    };
    says(approve(), "first.json");
    says(reject("rule_wrong"), "second.json");
    let said = says(approve(), "first.json");
    assert!(said.contains("first.json: another decision stands on 1 of them"), "{said}");
    assert!(said.contains("record the file that it exports then with --supersede"), "{said}");
    assert!(!says(reject("rule_wrong"), "second.json").contains("another decision"));
}

#[test]
fn a_day_of_a_year_that_nobody_means_is_refused() {
    let job = Job::weekly();
    week(&job, 0);
    let far = escalate("finance", "+12026-12-31");
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", far).put(&job, "week.json");
    let said = job.call(&["decide", "week.json"]).ends(2).err;
    assert!(said.contains("`escalate_until` is not a day like 2026-12-07"), "{said}");
}

#[test]
fn a_question_that_becomes_a_change_and_a_change_that_becomes_a_question_are_the_same_finding() {
    let job = Job::weekly();
    week(&job, 0);
    let filled =
        Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", escalate("owner", "2026-06-30"));
    decide(&job, &filled);
    // The rules name an heir now, and a week later they do not any more.
    for (n, rules) in [(1, HANDOVER), (2, "")] {
        job.put("rules/owners.toml", rules);
        let said = week(&job, n);
        let answer = format!("OWN-01 00Q3 recurring {} answer", n + 1);
        assert!(standing(&job, n).contains(&answer), "{:?}", standing(&job, n));
        assert!(!said.contains("resolved:"), "{said}");
    }
}
