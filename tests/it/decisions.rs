//! Decisions through the real program: what is recorded, what is refused and with which words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crm_review::review::Shape;
use serde_json::{Value, json};

use crate::job::{DAY, HANDOVER, Job, word};
use crate::schema::Schema;

/// What a reviewer decided on the packet of a day, as the packet would export it.
pub(crate) struct Filled {
    pub(crate) file: Value,
}

impl Filled {
    /// A file about the packet of a day, with nothing decided.
    pub(crate) fn of(job: &Job, day: &str) -> Self {
        let manifest = job.json(&format!("runs/{day}/manifest.json"));
        Self {
            file: json!({
                "schema": "crm-review/decisions/1",
                "run": manifest["run"],
                "packet_digest": format!("sha256:{}", word(&manifest["findings_sha256"])),
                "ledger_head": manifest["ledger"]["head"],
                "approver": "Dana Reyes",
                "decisions": [],
            }),
        }
    }

    /// Says something of the finding of a rule on a record.
    #[track_caller]
    pub(crate) fn says(
        mut self,
        job: &Job,
        day: &str,
        rule: &str,
        record: &str,
        more: impl Into<Value>,
    ) -> Self {
        let lines = job.text(&format!("runs/{day}/findings.jsonl"));
        let finding = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|finding| finding["rule"] == rule && finding["record"] == record)
            .unwrap_or_else(|| panic!("{rule} {record} is not in the packet of {day}"));
        let mut item = json!({
            "finding": finding["id"],
            "evidence_digest": finding["evidence_digest"],
            "decided_at": format!("{day}T10:00:00Z"),
        });
        for (key, value) in more.into().as_object().unwrap() {
            item[key] = value.clone();
        }
        self.file["decisions"].as_array_mut().unwrap().push(item);
        self
    }

    /// Approves everything that may be approved, each by itself.
    pub(crate) fn approves_all(mut self, job: &Job, day: &str) -> Self {
        for line in job.text(&format!("runs/{day}/findings.jsonl")).lines() {
            let finding: Value = serde_json::from_str(line).unwrap();
            if finding["held"] != "escalate-only"
                && finding["sufficient"] == true
                && !word(&finding["proposal"]["kind"]).starts_with("review-")
            {
                self = self.says(
                    job,
                    day,
                    &word(&finding["rule"]),
                    &word(&finding["record"]),
                    confirm(),
                );
            }
        }
        self
    }

    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.file[key] = value.into();
        self
    }

    pub(crate) fn put(&self, job: &Job, name: &str) {
        job.put(name, &serde_json::to_string_pretty(&self.file).unwrap());
    }
}

pub(crate) fn approve() -> Value {
    json!({"decision": "approve"})
}

pub(crate) fn confirm() -> Value {
    json!({"decision": "approve", "confirmed": true})
}

pub(crate) fn reject(reason: &str) -> Value {
    json!({"decision": "reject", "reason_code": reason})
}

pub(crate) fn escalate(to: &str, until: &str) -> Value {
    json!({"decision": "escalate", "escalate_to": to, "escalate_until": until})
}

/// A job whose week was reviewed: a merge, an owner who left, a lead without an owner.
fn reviewed() -> Job {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    job
}

/// The decisions that the ledger holds.
pub(crate) fn recorded(job: &Job) -> Vec<Value> {
    let lines = job.text("ledger.jsonl");
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| line["entry"].get("decisions").cloned())
        .collect()
}

#[test]
fn decisions_are_recorded_with_who_when_and_on_which_facts() {
    let job = reviewed();
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", confirm())
        .says(&job, DAY, "OWN-01", "00Q3", reject("correct_as_is"))
        .says(&job, DAY, "OWN-02", "00Q4", escalate("finance", "2026-03-12"))
        .put(&job, "week.json");
    let said = job.call(&["decide", "week.json"]).ends(0);
    assert!(
        said.out.starts_with("week.json: 1 approved, 1 rejected, 1 escalated; 0 still undecided\n"),
        "{}",
        said.out
    );
    let lines = recorded(&job);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let decided = line["decided"].as_array().unwrap();
    assert_eq!(decided[0]["says"], json!({"approve": {}}));
    assert_eq!(decided[1]["says"], json!({"reject": {"reason": "correct_as_is"}}));
    assert_eq!(decided[2]["says"], json!({"escalate": {"to": "finance", "until": "2026-03-12"}}));
    for (decided, finding) in
        decided.iter().zip([("DUP-01", "00Q1"), ("OWN-01", "00Q3"), ("OWN-02", "00Q4")])
    {
        assert_eq!(
            (word(&decided["rule"]), word(&decided["record"])),
            (finding.0.to_owned(), finding.1.to_owned())
        );
        assert_eq!(decided["by"], "Dana Reyes");
        assert_eq!(decided["at"], format!("{DAY}T10:00:00Z"));
        let confirmed = decided["rule"] == "DUP-01";
        assert_eq!(decided["attention"], json!({"via": "single", "confirmed": confirmed}));
        let said = job.call(&["explain", &word(&decided["finding"])]).ends(0).out;
        assert!(!said.contains("a decision is asked"), "{said}");
        let looked = if confirmed { ", its evidence confirmed\n" } else { "\n" };
        assert!(said.contains(&format!("by Dana Reyes on this packet{looked}")), "{said}");
    }
    let left = word(&decided[1]["finding"]);
    let said = job.call(&["explain", &left]).ends(0).out;
    assert!(said.contains("seen in 1 week; it is decided\n"), "{said}");
    assert!(
        said.contains("decided: reject (correct as it is) by Dana Reyes on this packet"),
        "{said}"
    );
    // The run again makes the packet that was decided on.
    let before = fs::read(job.path(&format!("runs/{DAY}/packet.html"))).unwrap();
    job.run(&[]).ends(0);
    assert!(before == fs::read(job.path(&format!("runs/{DAY}/packet.html"))).unwrap());
}

#[test]
fn what_a_person_says_of_how_they_looked_is_recorded_whatever_they_decide() {
    for (says, via, confirmed, words) in [
        (
            json!({"via": "bulk", "confirmed": true}),
            "bulk",
            true,
            ", together with others, its evidence confirmed\n",
        ),
        (json!({"via": "bulk", "confirmed": false}), "bulk", false, ", together with others\n"),
        (json!({"via": "single", "confirmed": true}), "single", true, ", its evidence confirmed\n"),
        (json!({"via": null, "confirmed": null}), "single", false, " on this packet\n"),
    ] {
        let job = reviewed();
        let mut file = Filled::of(&job, DAY);
        for (rule, record, mut verdict) in [
            ("OWN-01", "00Q3", reject("correct_as_is")),
            ("OWN-02", "00Q4", escalate("finance", "2026-03-12")),
        ] {
            verdict.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
            file = file.says(&job, DAY, rule, record, verdict);
        }
        file.put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
        for decided in recorded(&job)[0]["decided"].as_array().unwrap() {
            assert_eq!(decided["attention"], json!({"via": via, "confirmed": confirmed}));
            let said = job.call(&["explain", &word(&decided["finding"])]).ends(0).out;
            assert!(said.contains(words), "{said}");
        }
        // A line of old does not tell.
        let ledger = job.text("ledger.jsonl");
        let old = |line: &str| {
            let mut line = line.to_owned();
            while line.contains("\"attention\"") {
                line = without(&line, "attention", "},");
            }
            line
        };
        rebind(&job, ledger.lines().map(old));
        job.call(&["verify"]).ends(0);
    }
}

#[test]
fn the_schema_tells_what_can_be_read_from_what_cannot() {
    let job = reviewed();
    let schema = Schema::of(Shape::Decisions);
    let filled = Filled::of(&job, DAY)
        .says(
            &job,
            DAY,
            "DUP-01",
            "00Q1",
            json!({"decision": "approve", "confirmed": true, "via": "single", "ticket": null}),
        )
        .says(&job, DAY, "OWN-01", "00Q3", reject("correct_as_is"))
        .says(&job, DAY, "OWN-02", "00Q4", escalate("finance", "2026-03-12"));
    assert_eq!(schema.faults(&filled.file), Vec::<String>::new());
    let mut counted = filled.file.clone();
    let last = counted["decisions"].as_array_mut().unwrap().pop().unwrap();
    counted["counts"] = json!({"approve": 1, "reject": 1, "escalate": 0, "undecided": 1});
    counted["undecided"] = json!([last["finding"]]);
    assert_eq!(schema.faults(&counted), Vec::<String>::new());
    for (key, value, words) in [
        ("undecided", json!([]), "`counts` are not those of its decisions"),
        ("undecided", counted["decisions"][0]["finding"].clone(), "calls undecided"),
        ("decisions", json!([counted["decisions"][0]]), "`counts` are not those"),
        (
            "undecided",
            json!(["F-0000000000"]),
            "beside its decisions the packet asks about 1, and its `undecided` names 0 of them and 1 more",
        ),
    ] {
        let mut wrong = counted.clone();
        wrong[key] = if value.is_string() { json!([value]) } else { value };
        job.put("wrong.json", &wrong.to_string());
        let said = job.call(&["decide", "wrong.json"]).ends(2);
        assert!(said.err.contains(words), "{}", said.err);
    }
    let mut without = counted.clone();
    without.as_object_mut().unwrap().remove("undecided");
    without["counts"]["undecided"] = 0.into();
    job.put("wrong.json", &without.to_string());
    let said = job.call(&["decide", "wrong.json"]).ends(2);
    let words = "the packet asks about 1, and its `counts` say that 0 stay undecided";
    assert!(said.err.contains(words), "{}", said.err);
    job.put("week.json", &counted.to_string());
    job.call(&["decide", "week.json"]).ends(0);
    for (key, value) in [
        ("finding", "P-1".into()),
        ("evidence_digest", "sha256:0".into()),
        ("decision", "delete".into()),
        ("via", "magic".into()),
        ("reason_code", "because".into()),
        ("escalate_until", "soon".into()),
        ("decided_at", "today".into()),
        ("confirmed", "yes".into()),
        ("value", "0051".into()),
    ] {
        let mut wrong = filled.file.clone();
        wrong["decisions"][0][key] = Value::clone(&value);
        assert!(!schema.faults(&wrong).is_empty(), "{key}");
        job.put("wrong.json", &wrong.to_string());
        job.call(&["decide", "wrong.json"]).ends(2);
    }
}

#[test]
fn the_same_file_twice_is_recorded_once_however_it_comes() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"));
    filled.put(&job, "decisions/week.json");
    filled.put(&job, "copy.json");
    job.call(&["decide", "decisions/week.json", "copy.json"]).ends(0);
    let ledger = job.text("ledger.jsonl");
    let said = job.call(&["decide", "copy.json"]).ends(0);
    assert!(said.out.contains("recorded before"), "{}", said.out);
    assert_eq!(job.text("ledger.jsonl"), ledger);
    // The next run finds it in the folder and has nothing to add.
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    assert_eq!(recorded(&job).len(), 1);
}

#[test]
fn a_file_that_said_nothing_new_is_not_refused_in_the_weeks_after() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"));
    filled.put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let rate = job.call(&["metrics", "."]).ends(0).out;
    let patterns = job.call(&["patterns", "."]).ends(0).out;
    // The same decisions in other bytes: exported again, or saved by another editor.
    job.put("decisions/again.json", &filled.file.to_string());
    let said = job.call(&["decide", "decisions/again.json"]).ends(0);
    let words = "again.json: recorded before, 1 decision; nothing is decided anew, and the ledger has a line that the file came\n";
    assert!(said.out.contains(words), "{}", said.out);
    assert_eq!(recorded(&job).len(), 2);
    // These very bytes once more leave no line.
    let said = job.call(&["decide", "decisions/again.json"]).ends(0);
    assert!(said.out.contains("again.json: recorded before, 1 decision\n"), "{}", said.out);
    assert_eq!(recorded(&job).len(), 2);
    assert_eq!(job.call(&["metrics", "."]).ends(0).out, rate);
    assert_eq!(job.call(&["patterns", "."]).ends(0).out, patterns);
    job.put("decisions/other.json", &format!("{}\n", filled.file));
    for day in ["2026-03-08", "2026-03-15"] {
        job.call(&["run", ".", "--as-of", day]).ends(0);
    }
    assert_eq!(recorded(&job).len(), 3);
    job.call(&["verify", "."]).ends(0);
}

#[test]
fn every_file_of_the_drop_folder_is_read_or_named() {
    let job = reviewed();
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
        .put(&job, "decisions/WEEK.JSON");
    job.put("decisions/WEEK.JSON.minisig", "a signature that nobody asks for\n");
    job.put("decisions/week.xlsx", "a workbook\n");
    job.put("decisions/.DS_Store", "\n");
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    assert_eq!(recorded(&job).len(), 1);
    assert_eq!(
        said.err,
        "note: decisions/week.xlsx was not read: a decisions file ends in .json or .csv; a spreadsheet is saved as `CSV UTF-8`\n"
    );
    // A folder that cannot be listed is not an empty one.
    fs::remove_dir_all(job.path("decisions")).unwrap();
    job.put("decisions", "");
    let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(1);
    assert!(said.err.contains("not recorded: decisions: it cannot be listed: "), "{}", said.err);
    assert!(job.has("runs/2026-03-15/packet.html"));
    fs::remove_file(job.path("decisions")).unwrap();
    job.call(&["run", ".", "--as-of", "2026-03-22"]).ends(0);
}

#[test]
fn what_a_terminal_would_obey_of_a_files_name_is_made_visible() {
    let job = reviewed();
    job.put("decisions/\u{1b}[31mred\u{202e}.xlsx", "a workbook\n");
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    assert!(
        said.err.contains("decisions/⟦U+001B⟧[31mred⟦U+202E⟧.xlsx was not read"),
        "{}",
        said.err
    );
}

#[test]
fn a_later_file_adds_what_is_new_and_may_not_contradict() {
    let job = reviewed();
    let first = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"));
    first.put(&job, "first.json");
    job.call(&["decide", "first.json"]).ends(0);
    first
        .says(&job, DAY, "OWN-02", "00Q4", escalate("owner", "2026-03-09"))
        .put(&job, "second.json");
    let said = job.call(&["decide", "second.json"]).ends(0);
    assert!(said.out.contains("1 escalated; 1 recorded before; 1 still undecided"), "{}", said.out);
    let other = Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", reject("weak_evidence"))
        .says(&job, DAY, "OWN-01", "00Q3", reject("weak_evidence"));
    other.put(&job, "third.json");
    let said = job.call(&["decide", "third.json"]).ends(2);
    assert!(
        said.err.contains("it was decided before, by Dana Reyes on 2026-03-01: reject")
            && said.err.contains("--supersede")
            && said.err.contains("nothing was recorded"),
        "{}",
        said.err
    );
    assert_eq!(recorded(&job).len(), 2);
    job.call(&["decide", "third.json", "--supersede"]).ends(0);
    assert_eq!(recorded(&job).len(), 3);
    // An escalation is closed by the next decision on it.
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-02", "00Q4", reject("already_fixed"))
        .put(&job, "fourth.json");
    job.call(&["decide", "fourth.json"]).ends(0);
    // Two files that disagree: neither is recorded.
    let job = reviewed();
    for (name, reason) in [("a.json", "rule_wrong"), ("b.json", "weak_evidence")] {
        let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", reject(reason));
        filled.put(&job, name);
    }
    let said = job.call(&["decide", "a.json", "b.json"]).ends(2);
    assert!(said.err.contains("b.json:"), "{}", said.err);
    assert!(recorded(&job).is_empty());
}

/// A file that is refused, with the words that say why; nothing of it is recorded.
#[track_caller]
fn check_refused(job: &Job, filled: &Filled, words: &[&str]) {
    filled.put(job, "bad.json");
    let ledger = job.text("ledger.jsonl");
    let said = job.call(&["decide", "bad.json"]).ends(2);
    for words in words {
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
    assert!(said.err.contains("hint: "), "{}", said.err);
    assert_eq!(said.out, "");
    assert_eq!(job.text("ledger.jsonl"), ledger);
}

#[test]
fn what_does_not_stand_is_refused_with_line_and_remedy() {
    let job = reviewed();
    let new = || Filled::of(&job, DAY);
    let good = |filled: Filled| filled.says(&job, DAY, "OWN-02", "00Q4", reject("rule_wrong"));
    let other_packet = format!("sha256:{}", "0".repeat(64));
    for (key, value, words) in [
        ("run", "2026-02-22-00000000", "does not know"),
        (
            "packet_digest",
            &*other_packet,
            "`packet_digest` is not that of the packet of 2026-03-01",
        ),
        ("ledger_head", &"a".repeat(64), "`ledger_head` is not the head"),
        ("approver", "Mallory", "these may decide: Dana Reyes"),
        (
            "second_approver",
            "Ida Moor",
            "it names a second approver, and rules/approvals.toml asks",
        ),
        ("schema", "crm-review/decisions/9", "another version"),
    ] {
        check_refused(&job, &good(new().with(key, value)), &[words]);
    }
    check_refused(&job, &good(good(new())), &["bad.json:11: ", "decided twice, first on line 4"]);
    let stranger = json!({"decision": "reject", "reason_code": "other", "note": "x", "finding": "F-0000000000"});
    check_refused(
        &job,
        &new().says(&job, DAY, "OWN-02", "00Q4", stranger),
        &["bad.json:4: F-0000000000: the packet does not propose it"],
    );
    for (rule, record, says, words) in [
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "evidence_digest": "0".repeat(24)}),
            "evidence_digest",
        ),
        ("DUP-01", "00Q1", approve(), "nobody confirmed its evidence"),
        (
            "DUP-01",
            "00Q1",
            json!({"decision": "approve", "confirmed": true, "via": "bulk"}),
            "one by one",
        ),
        ("OWN-02", "00Q4", json!({"decision": "reject"}), "one of correct_as_is, "),
        ("OWN-02", "00Q4", reject("because"), "one of correct_as_is, "),
        ("OWN-02", "00Q4", reject("other"), "no note says which"),
        ("OWN-02", "00Q4", json!({"decision": "escalate"}), "escalated to nobody"),
        ("OWN-02", "00Q4", escalate("the moon", "2026-03-09"), "one of owner, sales_lead"),
        ("OWN-02", "00Q4", escalate("other", "2026-03-09"), "no note says to whom"),
        ("OWN-02", "00Q4", escalate("owner", "2026-02-09"), "before the packet of 2026-03-01"),
        ("OWN-02", "00Q4", escalate("owner", "soon"), "is not a day"),
        ("OWN-02", "00Q4", json!({"decision": "delete"}), "approve, reject or escalate"),
        ("OWN-02", "00Q4", json!({"decision": "approve", "reason_code": "other"}), "say one thing"),
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "via": "magic"}),
            "neither single nor bulk",
        ),
        ("OWN-02", "00Q4", json!({"decision": "approve", "decided_at": "today"}), "is not a time"),
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "decided_at": "2025-03-01T10:00:00Z"}),
            "it was decided on 2025-03-01, before the packet of 2026-03-01",
        ),
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "decided_at": "2926-03-01T10:00:00Z"}),
            "it was decided on 2926-03-01, and it is only 2",
        ),
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "note": "x".repeat(501)}),
            "longer than 500",
        ),
        (
            "OWN-02",
            "00Q4",
            json!({"decision": "approve", "apprved": true}),
            "crm-review schema decisions",
        ),
    ] {
        // A good line beside the bad one is not recorded either.
        let filled = new()
            .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
            .says(&job, DAY, rule, record, says);
        check_refused(&job, &filled, &["bad.json:", words]);
    }
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    check_refused(
        &job,
        &good(new()),
        &["the packet of 2026-03-01, which that of 2026-03-08 has followed"],
    );
}

#[test]
fn a_file_without_a_decision_is_refused_and_a_mistaken_day_can_be_mended() {
    let job = reviewed();
    check_refused(&job, &Filled::of(&job, DAY), &["it holds no decision"]);
    let file = Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve());
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    let remedy = "`crm-review run . --as-of 2026-03-01` on the exports and rules of this one";
    check_refused(&job, &file, &[remedy]);
}

/// The day of Acme's review.
pub(crate) const ACME: &str = "2026-11-23";

/// The first finding of Acme's week for which something holds.
#[track_caller]
fn first(job: &Job, test: impl Fn(&Value) -> bool) -> (String, String) {
    let lines = job.text(&format!("runs/{ACME}/findings.jsonl"));
    let finding = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|finding| test(finding))
        .unwrap();
    (word(&finding["rule"]), word(&finding["record"]))
}

#[test]
fn a_question_and_what_is_not_the_reviewer_s_alone_are_not_approved() {
    let job = Job::acme("salesforce");
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    let new = || Filled::of(&job, ACME).with("approver", "Daniel Reyes");
    let question = first(&job, |finding| finding["proposal"]["kind"] == "review-upstream");
    let escalate_only = first(&job, |finding| {
        finding["held"] == "escalate-only" && finding["proposal"]["kind"] == "set-owner"
    });
    for ((rule, record), words) in [
        (question, "it asks a question, and there is nothing to approve"),
        (escalate_only, "it is not the reviewer's alone to approve"),
    ] {
        check_refused(&job, &new().says(&job, ACME, &rule, &record, confirm()), &[words]);
        let filled = new().says(&job, ACME, &rule, &record, escalate("owner", "2026-12-01"));
        filled.put(&job, "escalated.json");
        job.call(&["decide", "escalated.json"]).ends(0);
    }
}

#[test]
fn what_overwrites_a_value_is_held_and_what_fills_a_blank_is_not() {
    const WHY: &str = "it overwrites a value that somebody or something entered";
    let job = Job::acme("salesforce");
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    let mut seen = BTreeSet::new();
    for line in job.text(&format!("runs/{ACME}/findings.jsonl")).lines() {
        let finding: Value = serde_json::from_str(line).unwrap();
        let kind = word(&finding["proposal"]["kind"]);
        if !["fill-field", "correct-source"].contains(&&*kind) || finding["held"] == "escalate-only"
        {
            continue;
        }
        let held = finding["proposal"]["before_shown"] != "blank";
        assert_eq!(finding["held"], if held { "held" } else { "free" }, "{line}");
        assert_eq!(finding["held_because"] == WHY, held, "{line}");
        let of_bulk = json!({"decision": "approve", "via": "bulk"});
        if held && finding["sufficient"] == true && !seen.contains(&(kind.clone(), held)) {
            let (rule, record) = (word(&finding["rule"]), word(&finding["record"]));
            let filled = Filled::of(&job, ACME).with("approver", "Daniel Reyes");
            let filled = filled.says(&job, ACME, &rule, &record, of_bulk);
            let words = format!("it is held ({WHY}), and was approved together with others");
            check_refused(&job, &filled, &[&words]);
        }
        seen.insert((kind, held));
    }
    let expected = [("correct-source", true), ("fill-field", false), ("fill-field", true)];
    for (kind, held) in expected {
        assert!(seen.contains(&(kind.to_owned(), held)), "{kind} {held}: {seen:?}");
    }
}

#[test]
fn what_was_mended_already_is_counted_apart() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", reject("already_fixed"));
    filled.put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let ledger = job.text("ledger.jsonl");
    let last: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
    let tally = &last["entry"]["decisions"]["tally"];
    assert_eq!((&tally["rejected"], &tally["already_fixed"]), (&json!(1), &json!(1)), "{tally}");
}

#[test]
fn an_altered_or_missing_packet_is_not_decided_on() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve());
    filled.put(&job, "week.json");
    let honest = job.text(&format!("runs/{DAY}/findings.jsonl"));
    job.put(&format!("runs/{DAY}/findings.jsonl"), &honest.replace("\"free\"", "\"held\""));
    let said = job.call(&["decide", "week.json"]).ends(4);
    assert!(said.err.contains("not the file that the ledger names"), "{}", said.err);
    job.put(&format!("runs/{DAY}/findings.jsonl"), &honest);
    // What a person read is the page.
    let page = format!("runs/{DAY}/packet.html");
    let read = job.text(&page);
    job.put(&page, &read.replace("Cy Fox", "Cy Box"));
    let said = job.call(&["decide", "week.json"]).ends(4);
    assert!(said.err.contains("packet.html is not the file that the ledger names"), "{}", said.err);
    assert!(said.err.contains("run that day again"), "{}", said.err);
    assert!(recorded(&job).is_empty());
    job.run(&[]).ends(0);
    assert_eq!(job.text(&page), read);
    fs::remove_dir_all(job.path("runs")).unwrap();
    let said = job.call(&["decide", "week.json"]).ends(3);
    assert!(said.err.contains("put runs/2026-03-01 back: "), "{}", said.err);
    assert!(recorded(&job).is_empty());
}

#[test]
fn a_spreadsheet_can_decide() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", reject("other")).says(
        &job,
        DAY,
        "DUP-01",
        "00Q1",
        confirm(),
    );
    let file = &filled.file;
    let mut csv = "\u{feff}packet_digest,run,ledger_head,approver,finding,evidence_digest,decision,confirmed,reason_code,note,decided_at\r\n".to_owned();
    for item in file["decisions"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let confirmed = item["confirmed"].as_bool().map(|it| it.to_string().to_uppercase());
        csv += &[
            text(&file["packet_digest"]),
            text(&file["run"]),
            text(&file["ledger_head"]),
            text(&file["approver"]),
            text(&item["finding"]),
            text(&item["evidence_digest"]),
            text(&item["decision"]),
            confirmed.unwrap_or_default(),
            text(&item["reason_code"]),
            if item["decision"] == "reject" { "\"'=cmd|x, \"\"really\"\"\"" } else { "" }
                .to_owned(),
            text(&item["decided_at"]),
        ]
        .join(",");
        csv += "\r\n";
    }
    // A German spreadsheet saves its own word for what was confirmed.
    assert!(csv.contains("TRUE"));
    // Of a first packet's head, which is all zeros, a spreadsheet makes a number.
    assert!(csv.contains(&"0".repeat(64)));
    job.put("week.csv", &csv.replace("TRUE", "WAHR").replace(&"0".repeat(64), "0"));
    job.call(&["decide", "week.csv"]).ends(0);
    let line = &recorded(&job)[0];
    assert_eq!(line["decided"][0]["note"], "=cmd|x, \"really\"");
    assert_eq!(line["decided"][1]["says"], json!({"approve": {}}));
    for (from, to, words) in [
        (",finding,", ",fnding,", "week.csv:1: column 5, `fnding`, is not one"),
        ("packet_digest,", ",", "week.csv:1: column 1 is not one"),
        (",approver,", ",run,", "week.csv:1: a column stands there twice"),
        ("TRUE", "yes", "week.csv:3: `confirmed` is neither"),
        (",reject,", ",", "more or fewer cells"),
        (",reject,", ",rejct,", "week.csv:2: `decision` is not one"),
    ] {
        job.put("week.csv", &csv.replacen(from, to, 1));
        let said = job.call(&["decide", "week.csv"]).ends(2);
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
    // A row that is left out does not move what is said of the next.
    let rows: Vec<&str> = csv.split_inclusive("\r\n").collect();
    let strange = rows[1].replacen(DAY, "2026-02-22", 1);
    assert_ne!(strange, rows[1]);
    let wrong = rows[2].replacen("approve", "aprove", 1);
    job.put("week.csv", &[rows[0], rows[1], &strange, &wrong].concat());
    let said = job.call(&["decide", "week.csv"]).ends(2);
    for words in ["week.csv:3: the row names another packet", "week.csv:4: `decision` is not one"] {
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
    // What people make of words and cells.
    let typed = csv
        .replace(",reject,", ", Reject ,")
        .replace(",other,", ",Other ,")
        .replace(",Dana Reyes,", ", Dana Reyes ,");
    assert_ne!(typed, csv);
    job.put("typed.csv", &typed);
    let said = job.call(&["decide", "typed.csv"]).ends(0);
    assert!(said.out.contains("recorded before, 2 decisions"), "{}", said.out);
    job.put("week.csv", csv.lines().next().unwrap());
    assert!(job.call(&["decide", "week.csv"]).ends(2).err.contains("holds no decision"));
    // A spreadsheet of another age: the line is named, and what to do.
    let (head, rows) = csv.split_once("\r\n").unwrap();
    job.put_bytes("week.csv", &[head.as_bytes(), b"\r\nM\xfcller", rows.as_bytes()].concat());
    let said = job.call(&["decide", "week.csv"]).ends(2);
    assert!(said.err.contains("week.csv:2: it is not UTF-8 text"), "{}", said.err);
    assert!(said.err.contains("`CSV UTF-8`"), "{}", said.err);
    // With the line in which Excel declares what it wrote between the cells.
    let declared = format!("sep=;\r\n{}", csv.trim_start_matches('\u{feff}').replace(',', ";"));
    let declared = declared.replace("cmd|x;", "cmd|x,");
    job.put("week.csv", &declared);
    let said = job.call(&["decide", "week.csv"]).ends(0);
    assert!(said.out.contains("recorded before, 2 decisions"), "{}", said.out);
    for (from, to, words) in [
        (";finding;", ";fnding;", "week.csv:2: column 5, `fnding`, is not one"),
        (";approve;", ";aprove;", "week.csv:4: `decision` is not one"),
    ] {
        job.put("week.csv", &declared.replacen(from, to, 1));
        let said = job.call(&["decide", "week.csv"]).ends(2);
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
    // Rows in which nothing stands say nothing.
    let blank = ",".repeat(head.matches(',').count());
    job.put("week.csv", &format!("{csv}{blank}\r\n{blank}\r\n"));
    let said = job.call(&["decide", "week.csv"]).ends(0);
    assert!(said.out.contains("recorded before, 2 decisions"), "{}", said.out);
}

#[test]
fn what_is_no_decisions_file_is_told_for_what_it_is() {
    let job = reviewed();
    for (bytes, words, remedy) in [
        (&b"PK\x03\x04\x14\x00\x06\x00"[..], "is an Excel workbook", "save it as `CSV UTF-8`"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "old Excel workbook", "save it as `CSV UTF-8`"),
        (b"<!doctype html>\n<title>Packet</title>\n", "is a web page", "`Export`"),
        (
            b"00Q3,reject\n",
            "week.csv:1: the row names no column of a decisions file",
            "`CSV UTF-8`",
        ),
        (b"{\"run\": \"M\xfcller\"}", "week.csv:1: it is not UTF-8 text", "export it anew"),
        (b"\xff\xfer\x00u\x00n\x00", "week.csv:1: it is not UTF-8 text", "`CSV UTF-8`"),
    ] {
        job.put_bytes("week.csv", bytes);
        let said = job.call(&["decide", "week.csv"]).ends(2);
        for words in [words, remedy] {
            assert!(said.err.contains(words), "no {words}\n{}", said.err);
        }
    }
    fs::create_dir_all(job.path("decisions/week.json")).unwrap();
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(1);
    for words in ["decisions/week.json: Is a directory", "what lies in a folder"] {
        assert!(said.err.contains(words), "no {words}\n{}", said.err);
    }
}

#[test]
fn dropped_files_are_recorded_by_the_next_run_and_refused_ones_are_said() {
    let job = reviewed();
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-02", "00Q4", approve())
        .put(&job, "decisions/good.json");
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", approve())
        .put(&job, "decisions/held.json");
    job.put("decisions/broken.csv", "run\n");
    job.put("decisions/readme.txt", "not a decision");
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(1);
    assert!(
        said.err.contains("not recorded: ./decisions/held.json:")
            && said.err.contains("not recorded: ./decisions/broken.csv:1: "),
        "{}",
        said.err
    );
    assert_eq!(recorded(&job).len(), 1);
    let manifest = job.json("runs/2026-03-08/manifest.json");
    assert_eq!(manifest["ledger"]["length"], 2, "the run follows the decisions");
}

#[test]
fn what_was_refused_or_moved_aside_is_said_whatever_comes_of_the_command() {
    const TORN: &str =
        "note: the ledger ended in 10 bytes that were never completed; they were moved aside";
    let job = reviewed();
    let tear = || {
        let ledger = job.text("ledger.jsonl");
        job.put("ledger.jsonl", &format!("{ledger}{{\"v\":1,\"se"));
    };
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", approve())
        .put(&job, "decisions/held.json");
    let users = job.text("exports/user.csv");
    fs::remove_file(job.path("exports/user.csv")).unwrap();
    tear();
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(3).err;
    assert!(said.contains("not recorded: ./decisions/held.json:"), "{said}");
    assert!(said.contains(TORN) && said.contains("user.csv"), "{said}");
    job.put("exports/user.csv", &users);

    tear();
    let said = job.call(&["decide", "decisions/held.json"]).ends(2).err;
    assert!(said.contains(TORN) && said.contains("nothing was recorded"), "{said}");
    tear();
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).put(&job, "week.json");
    let said = job.call(&["decide", "week.json"]).ends(0).err;
    assert_eq!(said, format!("{TORN}\n"));
    assert_eq!(job.call(&["decide", "week.json"]).ends(0).err, "");
}

const OPERATOR: &str = r#"profile = "operator"
[approver]
name = "Dana Reyes"
[[role]]
name = "RevOps"
people = ["Dana Reyes"]
may_approve = ["set-owner", "return-to-queue", "merge-candidate"]
[[role]]
name = "Sales operations"
people = ["Sam Okafor", "Dana Reyes"]
may_approve = ["set-field"]
[[role]]
name = "Head of sales"
people = ["Ida Moor"]
may_approve = "all"
"#;

#[test]
fn the_operator_profile_asks_for_roles_a_second_person_and_a_ticket() {
    let job = Job::weekly();
    job.put("rules/approvals.toml", OPERATOR);
    job.run(&[]).ends(0);
    let merge = |says: Value| Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", says);
    let ticket = json!({"decision": "approve", "confirmed": true, "ticket": "CHG-7"});
    check_refused(
        &job,
        &merge(ticket.clone()),
        &["no second approver is named", "who may: Ida Moor"],
    );
    for (second, words) in [
        ("Dana Reyes", "the first one again"),
        ("Sam Okafor", "Sam Okafor may not approve `merge-candidate`"),
        ("Mallory", "second approver is not named"),
    ] {
        check_refused(&job, &merge(ticket.clone()).with("second_approver", second), &[words]);
    }
    check_refused(
        &job,
        &merge(confirm()).with("second_approver", "Ida Moor"),
        &["without a change-control ticket"],
    );
    check_refused(
        &job,
        &merge(ticket.clone()).with("approver", "Sam Okafor").with("second_approver", "Ida Moor"),
        &[
            "Sam Okafor may not approve `merge-candidate`",
            "who may, by rules/approvals.toml: Dana Reyes, Ida Moor",
        ],
    );
    merge(ticket).with("second_approver", "Ida Moor").put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let decided = &recorded(&job)[0]["decided"][0];
    assert_eq!((&decided["by"], &decided["second"]), (&"Dana Reyes".into(), &"Ida Moor".into()));
    assert_eq!(decided["says"]["approve"]["ticket"], "CHG-7");
}

#[test]
fn who_may_not_approve_a_kind_settles_it_in_no_other_way() {
    let job = Job::weekly();
    job.put("rules/approvals.toml", OPERATOR);
    job.run(&[]).ends(0);
    let merge = |says: Value| Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", says);
    let by_sam = |says: Value| merge(says).with("approver", "Sam Okafor");
    let who = "who may, by rules/approvals.toml: Dana Reyes, Ida Moor";
    let refused = "Sam Okafor may not reject `merge-candidate`";
    check_refused(&job, &by_sam(reject("rule_wrong")), &[refused, who]);
    // To pass it on settles nothing, and whoever may settle it answers.
    by_sam(escalate("finance", "2026-03-12")).put(&job, "passed-on.json");
    job.call(&["decide", "passed-on.json"]).ends(0);
    check_refused(&job, &by_sam(reject("already_fixed")), &[refused, who]);
    merge(reject("rule_wrong")).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    // What stands is not overruled by passing it on either.
    by_sam(escalate("owner", "2026-03-12")).put(&job, "again.json");
    let ledger = job.text("ledger.jsonl");
    let said = job.call(&["decide", "again.json", "--supersede"]).ends(2).err;
    let refused = "Sam Okafor may not overrule a decision on `merge-candidate`";
    assert!(said.contains(refused) && said.contains(who), "{said}");
    assert_eq!(job.text("ledger.jsonl"), ledger);
    merge(escalate("owner", "2026-03-12")).with("approver", "Ida Moor").put(&job, "ida.json");
    job.call(&["decide", "ida.json", "--supersede"]).ends(0);
}

#[test]
fn many_new_owners_in_one_packet_are_held_however_they_are_split() {
    let job = Job::acme("salesforce");
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    let owners = |job: &Job| -> Vec<Value> {
        let lines = job.text(&format!("runs/{ACME}/findings.jsonl"));
        let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|it| it["sufficient"] == true && it["proposal"]["kind"] == "set-owner").collect()
    };
    let of = |it: &Value| (word(&it["rule"]), word(&it["record"]));
    let file = |job: &Job, of: &[(String, String)], says: Value| {
        let new = Filled::of(job, ACME).with("approver", "Sabine Kru\u{308}ger");
        of.iter()
            .fold(new, |filled, (rule, record)| filled.says(job, ACME, rule, record, says.clone()))
    };
    // The lines, the page, the summary and the desk say the same.
    let held = owners(&job);
    assert!(held.iter().all(|it| it["held"] != "free"), "{held:?}");
    let why = "one of 16 new owners in this packet";
    let by_number: Vec<_> = held.iter().filter(|it| it["held_because"] == why).map(of).collect();
    assert!(by_number.len() >= 10, "{held:?}");
    let packet = job.text(&format!("runs/{ACME}/packet.html"));
    assert!(packet.matches(&why[1..]).count() >= by_number.len());
    let bulk = json!({"decision": "approve", "via": "bulk"});
    let together = format!("it is held ({why}), and was approved together with others");
    check_refused(&job, &file(&job, &by_number[..9], bulk), &[&together]);
    let unconfirmed = format!("it is held ({why}), and nobody confirmed its evidence");
    check_refused(&job, &file(&job, &by_number[..1], approve()), &[&unconfirmed]);
    file(&job, &by_number[..1], confirm()).put(&job, "one.json");
    job.call(&["decide", "one.json"]).ends(0);
    // Fewer than the rules hold are free.
    let job = Job::acme("salesforce");
    let rules = job.text("rules/approvals.toml");
    job.put("rules/approvals.toml", &format!("mass_owner_changes = 18\n{rules}"));
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    let free: Vec<_> = owners(&job).iter().filter(|it| it["held"] == "free").map(of).collect();
    assert_eq!(free, by_number);
    file(&job, &free, json!({"decision": "approve", "via": "bulk"})).put(&job, "bulk.json");
    job.call(&["decide", "bulk.json"]).ends(0);
}

#[test]
fn a_gate_that_cannot_work_is_refused_before_anything_is_read() {
    for (rules, words) in [
        (
            "profile = \"founder\"\n[approver]\nname = \"A\"\nbackup = \"B\"\n",
            "one approver and no backup",
        ),
        ("profile = \"solo\"\n[approver]\nname = \"A\"\n", "`solo` is not a value of `profile`"),
        (
            "[approver]\nname = \"A\"\n[[role]]\nname = \"R\"\npeople = [\"A\"]\n",
            "roles belong to the operator profile",
        ),
        ("profile = \"operator\"\n[approver]\nname = \"A\"\n", "`A` has no role"),
        (
            "profile = \"operator\"\n[approver]\nname = \"A\"\n[[role]]\nname = \"R\"\npeople = [\"A\"]\nmay_approve = \"all\"\n",
            "cannot be the second approver",
        ),
        (
            &OPERATOR.replace("merge-candidate", "merge-candidates"),
            "did you mean `merge-candidate`?",
        ),
        (
            "profile = \"operator\"\n[approver]\nname = \"Ann\"\n[[role]]\nname = \"R\"\npeople = [\"Ann\", \"ann\"]\nmay_approve = \"all\"\n",
            "`ann` and `Ann` differ only in capital letters",
        ),
        ("default_decision = \"approve\"\n[approver]\nname = \"A\"\n", "`approve` is not a value"),
    ] {
        let job = Job::weekly();
        job.put("rules/approvals.toml", rules);
        let said = job.run(&[]).ends(2);
        assert!(
            said.err.contains("rules/approvals.toml:") && said.err.contains(words),
            "no {words}\n{}",
            said.err
        );
    }
    // Nine fields and the id are a founder's; eleven are not.
    let job = Job::weekly();
    job.put("rules/approvals.toml", "profile = \"founder\"\n[approver]\nname = \"Dana Reyes\"\n");
    job.run(&[]).ends(0);
    job.edit(
        "rules/boundary.toml",
        "status = ",
        "title = { from = \"Title\", why = \"x\" }\ncity = { from = \"City\", why = \"x\" }\nstatus = ",
    );
    let said = job.run(&[]).ends(2);
    assert!(said.err.contains("11 fields of `lead` are allowed"), "{}", said.err);
}

#[test]
fn verify_tells_what_holds_and_names_what_does_not() {
    let job = reviewed();
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    let said = job.call(&["verify"]).ends(0).out;
    assert!(said.starts_with("ledger.jsonl: 3 lines, the chain holds, head "), "{said}");
    for day in [DAY, "2026-03-08"] {
        let line = format!("runs/{day}: its files hold; run again, the same bytes\n");
        assert!(said.contains(&line), "{said}");
    }
    // The head before each run stands in its summary.
    let head = word(&job.json("runs/2026-03-08/manifest.json")["ledger"]["head"]);
    assert!(job.text("runs/2026-03-08/summary.txt").contains(&head));
    // Other data or other rules: it cannot be told, and that is no fault.
    let leads = job.text("exports/lead.csv");
    job.edit("exports/lead.csv", "Bolt", "Bolts");
    assert!(job.call(&["verify"]).ends(0).out.contains("not run again: lead.csv has changed"));
    job.put("exports/lead.csv", &leads);
    job.put("rules/owners.toml", "[no-owner]\noff = true\n");
    assert!(job.call(&["verify"]).ends(0).out.contains("not run again: the rules have changed"));
    fs::remove_file(job.path("rules/owners.toml")).unwrap();
    // A packet, its findings, or what it was made from.
    for (file, words) in [
        ("packet.html", "packet.html: it is not the file that the ledger names"),
        ("findings.jsonl", "findings.jsonl: it is not the file that the ledger names"),
        ("summary.txt", "summary.txt: it is not the file that the ledger names"),
    ] {
        let name = format!("runs/{DAY}/{file}");
        let honest = job.text(&name);
        job.put(&name, &format!("{honest} "));
        let said = job.call(&["verify"]).ends(4).out;
        assert!(said.contains(&format!("FAULT runs/{DAY}")) && said.contains(words), "{said}");
        job.put(&name, &honest);
    }
    // A tail that was cut leaves a chain that holds: the packets tell.
    let honest = job.text("ledger.jsonl");
    let lines: Vec<&str> = honest.lines().collect();
    job.put("ledger.jsonl", &format!("{}\n{}\n", lines[0], lines[1]));
    let said = job.call(&["verify"]).ends(4).out;
    assert!(
        said.contains(
            "FAULT runs/2026-03-08: the ledger does not know this run, which followed its line 2"
        ),
        "{said}"
    );
    // So do the next run and whoever examines the folder.
    let said = job.call(&["doctor"]).ends(1).out;
    assert!(said.contains("FAULT  ledger.jsonl does not know runs/2026-03-08:"), "{said}");
    let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
    assert!(said.err.contains("note: ledger.jsonl does not know runs/2026-03-08:"), "{}", said.err);
    fs::remove_dir_all(job.path("runs/2026-03-15")).unwrap();
    // A decision that was taken out, with the lines after it bound anew.
    let second = lines[2].replace("\"seq\":2", "\"seq\":1");
    let prev = crm_review::digest::sha256(lines[0].as_bytes());
    let second = second.replace(&head, &prev);
    job.put("ledger.jsonl", &format!("{}\n{second}\n", lines[0]));
    let said = job.call(&["verify"]).ends(4).out;
    assert!(said.contains("FAULT runs/2026-03-08/manifest.json: it names"), "{said}");
    // A chain that does not hold is not verified further.
    job.put("ledger.jsonl", &honest.replace("Dana", "Dora"));
    let said = job.call(&["verify"]).ends(4);
    assert!(said.err.contains("ledger.jsonl:3: the chain is broken"), "{}", said.err);
    // Packets that are not kept are said, and are no fault.
    job.put("ledger.jsonl", &honest);
    fs::remove_dir_all(job.path("runs/2026-03-08")).unwrap();
    assert!(job.call(&["verify"]).ends(0).out.contains("its folder is not kept"));
}

/// A reviewed week with a page for each owner and a masked copy, whose exports are gone since.
fn without_exports() -> Job {
    let job = Job::weekly();
    let copies = "[packet]\nslices = \"owner\"\nmask_key = \"nobody else knows this phrase\"\n";
    job.put("review.toml", &format!("{}{copies}", job.text("review.toml")));
    job.run(&[]).ends(0);
    fs::remove_file(job.path("exports/lead.csv")).unwrap();
    job
}

/// Writes a ledger of these lines, each bound to the one before it.
pub(crate) fn rebind(job: &Job, lines: impl IntoIterator<Item = String>) {
    let mut prev = "0".repeat(64);
    let mut text = String::new();
    for line in lines {
        let (before, rest) = line.split_once("\"prev\":\"").unwrap();
        let line = format!("{before}\"prev\":\"{prev}{}", &rest[64..]);
        prev = crm_review::digest::sha256(line.as_bytes());
        text += &format!("{line}\n");
    }
    job.put("ledger.jsonl", &text);
}

/// A line of the ledger without something that lines of old did not say.
#[track_caller]
pub(crate) fn without(line: &str, key: &str, end: &str) -> String {
    let (before, rest) = line.split_once(&format!("\"{key}\":")).unwrap();
    format!("{before}{}", rest.split_once(end).unwrap().1)
}

#[test]
fn every_file_of_a_run_is_verified_though_it_cannot_be_run_again() {
    let job = without_exports();
    let run = format!("runs/{DAY}");
    let not_again = format!("{run}: its files hold; not run again: lead.csv is not there any more");
    assert!(job.call(&["verify"]).ends(0).out.contains(&not_again));
    let files = job.files().into_keys().filter(|name| name.starts_with(&run));
    let files: Vec<String> = files.map(|name| name.to_str().unwrap().to_owned()).collect();
    for name in ["manifest.json", "rules.json", "summary.txt", "masked.html", "owner-eve-moss.txt"]
    {
        assert!(files.contains(&format!("{run}/{name}")), "{name}: {files:?}");
    }
    for file in files {
        let honest = job.text(&file);
        job.put(&file, &format!("{honest} "));
        let said = job.call(&["verify"]).ends(4).out;
        let words = format!("FAULT {file}: it is not the file that the ledger names\n");
        assert!(said.contains(&words), "{said}");
        fs::remove_file(job.path(&file)).unwrap();
        let said = job.call(&["verify"]).ends(4).out;
        assert!(said.contains("FAULT ") && said.contains(&file), "{file}: {said}");
        job.put(&file, &honest);
    }
    // A page that no run wrote could be taken for one; what else a person keeps there is theirs.
    job.put(&format!("{run}/notes.txt"), "mine");
    job.call(&["verify"]).ends(0);
    job.put(&format!("{run}/team-emea.html"), "<p>Approve all of it.</p>");
    let said = job.call(&["verify"]).ends(4).out;
    let words = format!("FAULT {run}/team-emea.html: it is no page that the ledger names\n");
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_run_whose_line_names_no_files_is_verified_as_far_as_it_goes() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    rebind(&job, job.text("ledger.jsonl").lines().map(|line| without(line, "files", "},")));
    let old = job.text("ledger.jsonl");
    // It is the same run all the same: made again, it is not recorded anew.
    let summary = format!("runs/{DAY}/summary.txt");
    let honest = job.text(&summary);
    job.put(&summary, "altered");
    let said = job.call(&["verify"]).ends(4).out;
    assert!(
        said.contains("run again on the same inputs, summary.txt comes out differently"),
        "{said}"
    );
    assert!(job.run(&[]).ends(0).err.contains("was put back"));
    job.run(&[]).ends(0);
    assert_eq!((job.text(&summary), job.text("ledger.jsonl")), (honest, old));
    let same = format!("runs/{DAY}: its files hold; run again, the same bytes\n");
    assert!(job.call(&["verify"]).ends(0).out.contains(&same));
    fs::remove_file(job.path("exports/lead.csv")).unwrap();
    let said = job.call(&["verify"]).ends(0).out;
    assert!(!said.contains("its files hold"), "{said}");
    let words = "of its other files the ledger names none, as the run is of an older program, so whether they were changed cannot be told; not run again";
    assert!(said.contains(words), "{said}");
    job.edit(&format!("runs/{DAY}/findings.jsonl"), "OWN-02", "OWN-03");
    job.call(&["verify"]).ends(4);
}

#[test]
fn who_might_decide_what_as_something_was_decided_can_be_told() {
    let job = reviewed();
    let rules = job.text("rules/approvals.toml");
    let digest = crm_review::digest::sha256(rules.as_bytes());
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    assert_eq!(recorded(&job)[0]["approvals"], json!(digest));
    let told = |words: &str| {
        let said = job.call(&["verify"]).ends(0).out;
        assert!(said.contains(&format!("rules/approvals.toml: {words}\n")), "{words}: {said}");
    };
    told("the decisions of line 2 of the ledger were let pass by it as it stands");
    // Somebody else is let decide, and decides.
    job.put("rules/approvals.toml", &format!("{rules}backup = \"Ida Moor\"\n"));
    let changed = format!(
        "it has changed since the decisions of line 2 of the ledger, which were let pass by the text with the \
         digest {digest}; runs/{DAY}/rules.json keeps it"
    );
    told(&changed);
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
        .with("approver", "Ida Moor")
        .put(&job, "decisions/more.json");
    job.call(&["run", ".", "--as-of", DAY]).ends(0);
    told(&changed);
    told("the decisions of line 3 of the ledger were let pass by it as it stands");
    // What no packet was made by is not kept.
    let between = job.text("ledger.jsonl").replace(&digest, &"0".repeat(64));
    rebind(&job, between.lines().map(str::to_owned));
    let said = job.call(&["verify"]).out;
    assert!(said.contains("; no run keeps it\n"), "{said}");
    rebind(
        &job,
        between.lines().map(|line| {
            if line.contains("approvals") {
                without(line, "approvals", ",")
            } else {
                line.to_owned()
            }
        }),
    );
    let said = job.call(&["verify"]).out;
    let old = "of lines 2 and 3 of the ledger were let pass is not known, as they are of an older program";
    assert!(said.contains(old), "{said}");
}

/// Numbers that look random and are the same each time (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }
}

/// What has to hold of a ledger, whatever was done to get there.
#[track_caller]
fn check_ledger(job: &Job) -> usize {
    let mut standing: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut files = BTreeSet::new();
    let mut runs: BTreeMap<String, Value> = BTreeMap::new();
    let mut tallies: BTreeMap<String, Value> = BTreeMap::new();
    for line in job.text("ledger.jsonl").lines() {
        let entry = serde_json::from_str::<Value>(line).unwrap()["entry"].clone();
        let tally = if let Some(run) = entry.get("run") {
            runs.insert(word(&run["id"]), run.clone());
            tallies.entry(word(&run["id"])).or_insert_with(|| run["tally"].clone());
            run["tally"].clone()
        } else {
            let line = &entry["decisions"];
            assert!(files.insert(word(&line["file"])), "a file was recorded twice");
            let run = word(&line["run"]);
            assert!(runs.contains_key(&run), "a decision on a packet that is not known");
            let decided = line["decided"].as_array().unwrap();
            // A file that said nothing new is remembered, and changes nothing.
            assert!(!decided.is_empty() || tallies.get(&run) == Some(&line["tally"]), "{line}");
            tallies.insert(run.clone(), line["tally"].clone());
            for one in decided {
                assert_eq!(one["by"], "Dana Reyes");
                // What is held was confirmed, what asks nothing was not approved.
                let says = one["says"].as_object().unwrap().keys().next().unwrap().clone();
                assert!(says != "approve" || !word(&one["kind"]).starts_with("review-"));
                let before = standing.insert((run.clone(), word(&one["finding"])), says.clone());
                assert!(
                    before.as_deref().is_none_or(|before| before == "escalate"),
                    "{before:?} became {says} without being overruled"
                );
            }
            line["tally"].clone()
        };
        let of = |key: &str| tally[key].as_u64().unwrap();
        assert!(of("corrected") + of("open") <= of("flagged"), "{tally}");
        assert!(of("flagged") <= 5);
    }
    standing.len()
}

#[test]
fn whatever_is_done_in_whatever_order_the_ledger_holds() {
    let mut decided = 0;
    for seed in 1..=6_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let job = Job::weekly();
        // The one that was run last is the last.
        let mut days: Vec<String> = Vec::new();
        for step in 0..14 {
            match dice.below(6) {
                // The next week, or one that was there before; its data changes now and then.
                0 | 1 => {
                    let day = format!("2026-03-{:02}", 1 + dice.below(20));
                    if dice.below(3) == 0 {
                        let owner = ["0051", "0052", ""][dice.below(3)];
                        let leads =
                            crate::job::LEADS.replace("0199,,New", &format!("0199,{owner},New"));
                        job.put("exports/lead.csv", &leads);
                    }
                    job.call(&["run", ".", "--as-of", &day]);
                    if job.has(&format!("runs/{day}/findings.jsonl")) {
                        days.retain(|other| *other != day);
                        days.push(day);
                    }
                }
                // A file about some packet: of this week or an older one, sound or not.
                2..=4 if !days.is_empty() => {
                    let latest = days.last().cloned().unwrap();
                    let day =
                        [&latest, &latest, &days[dice.below(days.len())]][dice.below(3)].clone();
                    let mut filled = Filled::of(&job, &day);
                    let lines = job.text(&format!("runs/{day}/findings.jsonl"));
                    for line in lines.lines() {
                        let finding: Value = serde_json::from_str(line).unwrap();
                        let says = match dice.below(14) {
                            0 => approve(),
                            1 => reject("other"),
                            2..=3 => confirm(),
                            4..=5 => reject("rule_wrong"),
                            6..=8 => escalate("finance", "2026-04-01"),
                            _ => continue,
                        };
                        let (rule, record) = (word(&finding["rule"]), word(&finding["record"]));
                        filled = filled.says(&job, &day, &rule, &record, says);
                    }
                    if dice.below(5) == 0 {
                        filled = filled.with("approver", "Mallory");
                    }
                    let name = format!("decisions/{step}.json");
                    filled.put(&job, &name);
                    if dice.below(2) == 0 {
                        job.call(&["decide", &name]);
                    }
                }
                // A line that was cut off, and what reads the ledger.
                _ => {
                    if job.has("ledger.jsonl") && dice.below(2) == 0 {
                        let text = job.text("ledger.jsonl");
                        job.put("ledger.jsonl", &format!("{text}{{\"v\":1,\"se"));
                    }
                    for command in ["metrics", "changes"] {
                        job.call(&[command]).ends(0);
                    }
                }
            }
        }
        if job.has("ledger.jsonl") {
            job.call(&["metrics"]).ends(0);
            decided += check_ledger(&job);
            job.call(&["verify"]).ends(0);
        }
    }
    assert!(decided >= 12, "only {decided} decisions were put to the test");
}

#[test]
fn a_packet_that_is_not_kept_makes_no_fault_of_those_after_it() {
    let cannot = "not run again: a packet that it looked back at is not kept";
    // What was decided on it, the later weeks hold against what they propose.
    for (is_decided, last) in [(false, "run again, the same bytes"), (true, cannot)] {
        let job = reviewed();
        if is_decided {
            Filled::of(&job, DAY)
                .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
                .put(&job, "week.json");
            job.call(&["decide", "week.json"]).ends(0);
        }
        for day in ["2026-03-08", "2026-03-15"] {
            job.call(&["run", ".", "--as-of", day]).ends(0);
        }
        fs::remove_dir_all(job.path(&format!("runs/{DAY}"))).unwrap();
        let said = job.call(&["verify"]).ends(0).out;
        for line in [
            "its folder is not kept".to_owned(),
            format!("runs/2026-03-08: its files hold; {cannot}"),
            format!("runs/2026-03-15: its files hold; {last}"),
        ] {
            assert!(said.contains(&line), "{line}: {said}");
        }
    }
}

#[test]
fn a_past_that_may_not_be_read_is_not_taken_for_one_that_is_gone() {
    for file in ["manifest.json", "history.jsonl"] {
        let job = reviewed();
        // What root may read too, a folder in the file's place is not.
        let place = format!("runs/{DAY}/{file}");
        fs::remove_file(job.path(&place)).unwrap();
        fs::create_dir(job.path(&place)).unwrap();
        let ledger = job.text("ledger.jsonl");
        let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(3).err;
        assert!(said.contains(&format!("{place}: Is a directory")), "{said}");
        assert!(said.contains("readable for whoever runs the review"), "{said}");
        assert_eq!(job.text("ledger.jsonl"), ledger);
        assert!(job.call(&["doctor"]).ends(1).out.contains(&place));
        assert!(job.call(&["verify"]).ends(4).out.contains(&place));
    }
}

#[test]
fn an_older_packet_on_which_decisions_stand_may_be_read_or_nothing_is_run() {
    for file in ["manifest.json", "findings.jsonl"] {
        let job = reviewed();
        Filled::of(&job, DAY)
            .says(&job, DAY, "OWN-01", "00Q3", reject("correct_as_is"))
            .put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
        job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
        let place = format!("runs/{DAY}/{file}");
        let honest = job.text(&place);
        fs::remove_file(job.path(&place)).unwrap();
        fs::create_dir(job.path(&place)).unwrap();
        let ledger = job.text("ledger.jsonl");
        let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(3).err;
        assert!(said.contains(&format!("{place}: Is a directory")), "{said}");
        assert!(job.call(&["doctor"]).ends(1).out.contains(&place));
        assert!(job.text("ledger.jsonl") == ledger && !job.has("runs/2026-03-15"));
        fs::remove_dir(job.path(&place)).unwrap();
        job.put(&place, &honest);
        job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
    }
}

#[test]
fn an_older_packet_on_which_nothing_stands_stops_no_run() {
    let job = reviewed();
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", "00Q3", escalate("finance", "2026-03-12"))
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    let place = job.path(&format!("runs/{DAY}/findings.jsonl"));
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
}

#[test]
fn a_packet_that_is_gone_is_asked_back_under_the_name_that_finds_it() {
    let job = reviewed();
    job.edit("exports/lead.csv", "Bolt", "Bolts");
    job.run(&[]).ends(0);
    let runs = recorded_runs(&job);
    let (aside, place) = (job.home().join("aside"), job.path(&format!("runs/{}", runs[1])));
    fs::rename(&place, &aside).unwrap();
    // Another run has the day.
    let said = job.call(&["patterns"]).ends(3).err;
    assert!(said.contains(&format!("put runs/{} back: ", runs[1])), "{said}");
    fs::remove_dir_all(job.path(&format!("runs/{DAY}"))).unwrap();
    let said = job.call(&["patterns"]).ends(3).err;
    assert!(said.contains(&format!("put runs/{DAY} back: ")), "{said}");
    fs::rename(&aside, job.path(&format!("runs/{DAY}"))).unwrap();
    job.call(&["patterns"]).ends(0);
    // Without its manifest it is there and tells nothing.
    fs::remove_file(job.path(&format!("runs/{DAY}/manifest.json"))).unwrap();
    let said = job.call(&["patterns"]).ends(3).err;
    assert!(said.contains(&format!("runs/{DAY}/manifest.json: ")), "{said}");
}

#[test]
fn a_packet_that_another_of_its_day_followed_is_told_by_its_run() {
    let job = reviewed();
    let file = Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve());
    job.edit("exports/lead.csv", "Bolt", "Bolts");
    job.run(&[]).ends(0);
    let runs = recorded_runs(&job);
    let followed = format!("run {}, which run {} of the same day has followed", runs[0], runs[1]);
    check_refused(&job, &file, &[&followed]);
}

/// The ids of the runs that the ledger holds.
fn recorded_runs(job: &Job) -> Vec<String> {
    let lines = job.text("ledger.jsonl");
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter_map(|line| Some(word(line["entry"]["run"].get("id")?))).collect()
}

#[test]
fn a_packet_that_nobody_may_decide_on_says_so() {
    let job = Job::weekly();
    job.put("rules/approvals.toml", "[approver]\nname = \"(not named yet)\"\n");
    let said = job.run(&[]).ends(0);
    for words in [said.err, said.out, job.text(&format!("runs/{DAY}/packet.html"))] {
        assert!(words.contains("nobody may decide on this packet"), "{words}");
    }
}

#[test]
fn a_week_whose_past_is_not_kept_says_so_in_sentences() {
    let job = reviewed();
    fs::remove_dir_all(job.path(&format!("runs/{DAY}"))).unwrap();
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(1).out;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the packet of 2026-03-01 is not below runs/; put runs/"), "{said}");
    assert!(said.contains("withheld, because the packet is incomplete"), "{said}");
    assert!(!said.contains('⟦') && !said.contains("hint:"), "{said}");
}

#[test]
fn a_day_before_the_last_run_is_told_of() {
    let job = reviewed();
    job.put(
        "exports/user.csv",
        "Id,Name,IsActive,Left\n0051,Eve Moss,true,\n0052,Gil Poe,false,2026-01-05\n",
    );
    job.edit(
        "rules/boundary.toml",
        "active = {",
        "deactivated = { from = \"Left\", why = \"Since when they are gone.\" }\nactive = {",
    );
    job.put("rules/owners.toml", "[inactive-owner]\nqueue = \"Gil Poe\"\n");
    let said = job.call(&["run", ".", "--as-of", "2021-02-28"]);
    let told = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("the ledger knows a run as of a later day, 2026-03-01"), "{told}");
    assert!(said.err.contains("a later day, 2026-03-01"), "{}", said.err);
    // Cron mails what is said there, and it names nobody.
    assert!(!said.err.contains("Gil Poe") && said.err.contains("names somebody"), "{}", said.err);
    let packet = job.text("runs/2021-02-28/packet.html");
    assert!(packet.contains("a run as of a later day"), "{packet}");
    assert!(
        packet.contains("is inactive: name somebody") && !packet.contains("deactivated -"),
        "{packet}"
    );
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).out;
    assert!(!said.contains("a later day"), "{said}");
}

#[test]
fn a_packet_whose_manifest_is_damaged_is_not_replaced() {
    let job = reviewed();
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    job.put(&format!("runs/{DAY}/manifest.json"), "{");
    let said = job.call(&["verify"]).ends(4).out;
    assert!(said.contains("FAULT") && said.contains("manifest.json is not the file"), "{said}");
    job.edit("exports/lead.csv", "00Q5,Dee", "00Q5,Di");
    let said = job.run(&[]).ends(0).out;
    assert!(said.contains(&format!("runs/{DAY}-")), "{said}");
    assert_eq!(job.text(&format!("runs/{DAY}/packet.html")), packet);
}

#[test]
fn what_does_not_fit_on_the_disk_leaves_nothing_in_the_ledger() {
    let job = reviewed();
    Filled::of(&job, DAY).approves_all(&job, DAY).put(&job, "week.json");
    let before = job.text("ledger.jsonl");
    // Files may grow to the next half kilobyte: the line is begun and cannot be ended.
    let limit = before.len() / 512 + 1;
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" decide week.json");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_crm-review")]).current_dir(job.path(""));
    let said = crate::job::said(&mut shell);
    assert_ne!(said.code, 0, "{}", said.out);
    assert!(said.err.contains("ledger.jsonl") && said.out.is_empty(), "{}", said.err);
    assert_eq!(job.text("ledger.jsonl"), before);
    job.call(&["decide", "week.json"]).ends(0);
    assert!(job.text("ledger.jsonl").len() > limit * 512, "the line would have fit");
}

#[test]
fn a_folder_alone_is_no_decision() {
    let job = reviewed();
    for arguments in [&["decide"][..], &["decide", "."], &["decide", "nothing.json"]] {
        let said = job.call(arguments).ends(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{}", said.err);
    }
    // From elsewhere, the folder comes first.
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).put(&job, "week.json");
    job.call(&["decide", job.path("").to_str().unwrap(), "week.json"]).ends(0);
}

#[test]
fn a_packet_that_cannot_be_read_stops_no_week() {
    let job = reviewed();
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-02", "00Q4", approve())
        .put(&job, "decisions/week.json");
    fs::remove_file(job.path(&format!("runs/{DAY}/findings.jsonl"))).unwrap();
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(1);
    assert!(said.err.contains("not recorded: ./decisions/week.json: "), "{}", said.err);
    assert!(job.has("runs/2026-03-08/packet.html") && recorded(&job).is_empty());
}

#[test]
fn a_damaged_file_is_recorded_whole_or_not_at_all() {
    let job = reviewed();
    let filled = Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
        .says(&job, DAY, "OWN-02", "00Q4", escalate("finance", "2026-03-12"));
    let json = filled.file.to_string().into_bytes();
    let honest = job.text("ledger.jsonl");
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for round in 0..80 {
        let mut bytes = json.clone();
        let at = dice.below(bytes.len());
        match round % 4 {
            0 => bytes.truncate(at),
            1 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
            2 => drop(bytes.remove(at)),
            _ => {
                let again = bytes[at..].to_vec();
                bytes.extend(again);
            }
        }
        job.put_bytes("damaged.json", &bytes);
        let said = job.call(&["decide", "damaged.json"]);
        assert!(!said.err.contains("failed inside"), "{}", said.err);
        let ledger = job.text("ledger.jsonl");
        if said.code == 0 {
            // A digit of a time was changed to another, for instance.
            assert_eq!(recorded(&job)[0]["decided"].as_array().unwrap().len(), 2);
            job.put("ledger.jsonl", &honest);
        } else {
            assert_eq!((said.code, ledger), (2, honest.clone()), "{}", said.err);
            assert!(
                said.err.contains("damaged.json") && said.err.contains("hint: "),
                "{}",
                said.err
            );
        }
    }
}

#[test]
fn the_rate_leaves_out_records_on_their_way_and_planted_ones() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let found = job.found();
    let week = |job: &Job| {
        let table = job.call(&["metrics"]).ends(0).out;
        let line = table.lines().rfind(|line| line.starts_with(DAY)).unwrap().to_owned();
        let figures: Vec<_> = line.split_whitespace().skip(1).take(2).map(str::to_owned).collect();
        figures.join(" ")
    };
    // Of five leads, one is to be folded, one has nobody and one has somebody who left.
    assert_eq!(week(&job), "5 3");
    assert!(!job.text(&format!("runs/{DAY}/summary.txt")).contains("leaves out"));

    job.edit("exports/lead.csv", "0199,,New,2025-03-01", "0199,,New,2026-03-01");
    let review = job.text("review.toml");
    job.put("review.toml", &(review + "\n[metric.test_records]\nlead = { company = \"Bolt\" }\n"));
    let summary = job.run(&[]).ends(0).out;
    assert_eq!(job.found(), found, "they are judged and shown all the same");
    assert_eq!(week(&job), "3 1");
    let words = summary.split_whitespace().collect::<Vec<_>>().join(" ");
    let expect =
        "The rate leaves out 1 record too young for the router to be done and 1 test record.";
    assert!(words.contains(expect), "{summary}");
    let packet = summary.lines().last().unwrap().trim();
    assert!(job.text(packet).contains(expect));

    job.put("review.toml", &job.text("review.toml").replace("company", "compny"));
    let said = job.run(&[]).ends(2).err;
    assert!(said.contains("review.toml:") && said.contains("compny"), "{said}");
}

/// A key, and what it says of a file of the job.
struct Signer(minisign::KeyPair);

impl Signer {
    fn new() -> Self {
        Self(minisign::KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn key(&self) -> String {
        self.0.pk.to_base64()
    }

    fn signs(&self, job: &Job, file: &str, ending: &str) {
        let bytes = fs::read(job.path(file)).unwrap();
        let signed = minisign::sign(None, &self.0.sk, bytes.as_slice(), Some("a review"), None);
        job.put(&format!("{file}.{ending}"), &signed.unwrap().into_string());
    }
}

#[test]
fn who_signs_decides_by_signed_files_alone() {
    let job = reviewed();
    let (dana, other) = (Signer::new(), Signer::new());
    let approvals = job.text("rules/approvals.toml");
    let key = dana.key();
    job.put(
        "rules/approvals.toml",
        &format!("{approvals}\n[signing]\n\"Dana  Reyes\" = \"{key}\"\n"),
    );
    let file = "decisions/week.json";
    Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", confirm()).put(&job, file);
    let refused = |what: &str| {
        let said = job.call(&["decide", file]).ends(2);
        assert!(said.err.contains(what), "{}", said.err);
        assert_eq!(recorded(&job), Vec::<Value>::new());
    };
    refused("Dana Reyes signs decisions files, and this one has no signature");
    refused("week.json.minisig");
    job.put("decisions/week.json.minisig", "untrusted comment: none\nRWQ\n");
    refused("the signature of Dana Reyes cannot be read");
    other.signs(&job, file, "minisig");
    refused("its signature is not Dana Reyes's over these bytes");
    dana.signs(&job, file, "minisig");
    let text = job.text(file);
    job.put(file, &text.replace("00Z\"", "01Z\""));
    refused("its signature is not Dana Reyes's over these bytes");

    job.put(file, &text);
    job.call(&["decide", file]).ends(0);
    let decided = recorded(&job);
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0]["signed"], json!([key]));
    job.call(&["decide", file]).ends(0);
    assert_eq!(recorded(&job), decided);

    for (line, expect) in [
        ("\"Dana Reyes\" = \"RWQshort\"", "not a public key of minisign"),
        (&*format!("\"Dana Reye\" = \"{key}\""), "`Dana Reye` has a key and may not decide"),
    ] {
        job.put("rules/approvals.toml", &format!("{approvals}\n[signing]\n{line}\n"));
        let said = job.run(&[]).ends(2).err;
        assert!(said.contains(expect) && said.contains("rules/approvals.toml:5"), "{said}");
    }
}

#[test]
fn a_second_approver_who_signs_signs_beside_the_first() {
    let job = Job::weekly();
    let ida = Signer::new();
    job.put(
        "rules/approvals.toml",
        &format!(
            "profile = \"operator\"\n[approver]\nname = \"Dana Reyes\"\n[[role]]\nname = \"RevOps\"\n\
             people = [\"Dana Reyes\", \"Ida Moor\"]\nmay_approve = \"all\"\n[signing]\n\"Ida Moor\" = \"{}\"\n",
            ida.key()
        ),
    );
    job.run(&[]).ends(0);
    let mut yes = confirm();
    yes["ticket"] = "CHG-1".into();
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", yes)
        .with("second_approver", "Ida Moor")
        .put(&job, "week.json");
    ida.signs(&job, "week.json", "minisig");
    let said = job.call(&["decide", "week.json"]).ends(2);
    assert!(said.err.contains("week.json.second.minisig"), "{}", said.err);
    ida.signs(&job, "week.json", "second.minisig");
    job.call(&["decide", "week.json"]).ends(0);
    assert_eq!(recorded(&job)[0]["signed"], json!([ida.key()]));
}

/// The figures of a day in the table of weeks: reviewed, flagged, approved, rejected, escalated, undecided.
#[track_caller]
fn week(table: &str, day: &str) -> Vec<u64> {
    let line =
        table.lines().find(|line| line.starts_with(day)).unwrap_or_else(|| panic!("{table}"));
    line.split_whitespace().skip(1).take(6).map(|figure| figure.parse().unwrap()).collect()
}

#[test]
fn a_mistyped_day_is_mended_by_running_again() {
    const MEANT: &str = "2026-03-08";
    const TYPED: &str = "2027-03-08";
    let job = reviewed();
    let run = |day: &str| job.call(&["run", ".", "--as-of", day]).ends(0).out;
    let decided = |day: &str, rule: &str, record: &str| {
        let filled = Filled::of(&job, day).says(&job, day, rule, record, reject("rule_wrong"));
        filled.put(&job, "week.json");
        job.call(&["decide", "week.json"])
    };
    decided(DAY, "OWN-01", "00Q3").ends(0);
    run(MEANT);
    run(TYPED);
    let said = decided(MEANT, "OWN-02", "00Q4").ends(2).err;
    assert!(said.contains("which that of 2027-03-08 has followed"), "{said}");
    assert!(said.contains("crm-review run . --as-of 2026-03-08"), "the remedy is told: {said}");

    let (before, lines) = (job.files(), job.text("ledger.jsonl").lines().count());
    run(MEANT);
    let lost: Vec<_> = before
        .iter()
        .filter(|(name, bytes)| name.starts_with("runs") && job.files()[*name] != **bytes)
        .collect();
    assert!(lost.is_empty(), "the same inputs give the same bytes: {lost:?}");
    assert_eq!(job.text("ledger.jsonl").lines().count(), lines + 1);
    run(MEANT);
    assert_eq!(job.text("ledger.jsonl").lines().count(), lines + 1, "it is the latest already");
    decided(MEANT, "OWN-02", "00Q4").ends(0);

    // Every command speaks of the same run.
    let metrics = job.call(&["metrics"]).ends(0).out;
    assert_eq!(week(&metrics, DAY), [5, 3, 0, 1, 0, 2]);
    assert_eq!(week(&metrics, MEANT), [5, 2, 0, 1, 0, 1]);
    assert!(!metrics.contains("\n2027-03-08 "), "{metrics}");
    assert!(metrics.contains("took back are left out: 2027-03-08."), "{metrics}");
    let patterns = job.call(&["patterns"]).ends(0).out;
    for rule in ["OWN-01", "OWN-02"] {
        assert!(patterns.contains(&format!("{rule}         1      0      1")), "{patterns}");
    }
    assert!(patterns.contains("What repeats in the packet of 2026-03-08"), "{patterns}");
    let twins = job.findings().iter().find(|it| it["rule"] == "DUP-01").unwrap()["id"].clone();
    let said = job.call(&["explain", &word(&twins)]).ends(0).out;
    assert!(said.contains("in the run of 2026-03-08; seen in 2 weeks"), "{said}");
    let said = job.call(&["doctor"]).out;
    assert!(said.contains("last run: 2026-03-08, complete"), "{said}");

    // The weeks after it look back at it.
    let said = run("2026-03-15");
    assert!(said.contains("8 March 2026") && !said.contains("2027"), "{said}");
    job.call(&["verify"]).ends(0);
}

/// The folder of the last packet of the day.
fn last_packet(job: &Job) -> String {
    let id = recorded_runs(job).pop().unwrap();
    if job.has(&format!("runs/{id}")) { id } else { DAY.to_owned() }
}

#[test]
fn what_was_decided_and_applied_counts_although_another_packet_of_its_day_follows() {
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    let decide = |rule: &str, record: &str, mut says: Value| {
        says["decided_at"] = format!("{DAY}T10:00:00Z").into();
        let packet = last_packet(&job);
        Filled::of(&job, &packet).says(&job, &packet, rule, record, says).put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
    };
    let figures = || {
        let table = job.call(&["metrics"]).ends(0).out;
        let corrected = table.lines().find(|line| line.starts_with(DAY)).unwrap();
        let corrected = corrected.split_whitespace().nth(7).unwrap().parse().unwrap();
        (week(&table, DAY), corrected)
    };
    job.run(&[]).ends(0);
    decide("DUP-01", "00Q1", confirm());
    decide("OWN-01", "00Q3", confirm());
    assert_eq!(figures(), (vec![5, 3, 2, 0, 0, 1], 2));

    // The twins are one now, and the lead has the owner that was approved.
    let leads = job.text("exports/lead.csv");
    let merged = leads.split_inclusive('\n').filter(|line| !line.starts_with("00Q2"));
    job.put("exports/lead.csv", &merged.collect::<String>());
    job.edit("exports/lead.csv", "0178,0052,New", "0178,0051,New");
    let said = job.run(&[]).ends(0).out;
    assert!(said.contains("Routing exception rate: 40.0 % to 60.0 %"), "{said}");
    assert_eq!(figures(), (vec![5, 3, 2, 0, 0, 1], 2));
    decide("OWN-02", "00Q4", reject("rule_wrong"));
    assert_eq!(figures(), (vec![5, 3, 2, 1, 0, 0], 2));

    // What is rejected is quiet in the third packet, and counts as it did.
    job.edit("exports/lead.csv", "00Q5,Dee", "00Q5,Di");
    job.run(&[]).ends(0);
    assert_eq!(figures(), (vec![5, 3, 2, 1, 0, 0], 2));
    assert_eq!(recorded_runs(&job).len(), 3);
    let quarter = job.call(&["quarter"]).ends(0).out;
    assert!(quarter.contains("\nApproved: 2. "), "{quarter}");
    job.call(&["verify"]).ends(0);
    // The week after counts none of it again, and it is told once that it happened.
    let said = job.call(&["run", "--as-of", "2026-03-08"]).ends(0).out;
    assert!(said.contains("2 approved and applied"), "{said}");
    let table = job.call(&["metrics"]).ends(0).out;
    assert_eq!(week(&table, "2026-03-08"), [4, 0, 0, 0, 0, 0]);
    let said = job.call(&["run", "--as-of", "2026-03-15"]).ends(0).out;
    assert!(!said.contains("approved and applied"), "{said}");

    // Without the packet that was decided on, the rate would lack what was decided.
    let mut packets: Vec<_> = fs::read_dir(job.path("runs")).unwrap().flatten().collect();
    packets.retain(|packet| packet.file_name().to_string_lossy() == DAY);
    fs::remove_file(packets[0].path().join("findings.jsonl")).unwrap();
    job.edit("exports/lead.csv", "00Q5,Di", "00Q5,Do");
    let said = job.run(&[]).ends(1);
    assert!(said.out.contains("withheld, because the packet is incomplete"), "{}", said.out);
    assert!(
        said.err.contains("decided on another packet of 2026-03-01 is not known"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_decided_on_a_packet_that_was_taken_back_counts_for_nothing() {
    let job = reviewed();
    let run = |day: &str| job.call(&["run", ".", "--as-of", day]).ends(0);
    let rejects = |record: &str, rule: &str| {
        Filled::of(&job, DAY).says(&job, DAY, rule, record, reject("rule_wrong"))
    };
    rejects("00Q3", "OWN-01").put(&job, "before.json");
    job.call(&["decide", "before.json"]).ends(0);
    let said = run("2026-02-22").err;
    assert!(said.contains("takes back the packet of 2026-03-01:"), "{said}");
    let file = rejects("00Q4", "OWN-02");
    check_refused(&job, &file, &["which a run of an earlier day took back", "--as-of 2026-03-01"]);
    // Nor does any later week go by what was decided before.
    let said = run("2026-03-08").out;
    assert!(!said.contains("quiet"), "{said}");
    let said = job.call(&["changes", "--of", DAY]).ends(0).out;
    assert!(said.contains("a run of an earlier day took the packet of 2026-03-01 back"), "{said}");
    assert!(!job.call(&["patterns"]).ends(0).out.contains("OWN-01  "));
    // It stands once it is recorded again, and takes back what came after.
    let said = run(DAY).err;
    assert!(said.contains("takes back the packet of 2026-03-08:"), "{said}");
    file.put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    assert!(run("2026-03-15").out.contains("2 quiet"));
    job.call(&["verify"]).ends(0);
}

#[test]
fn a_packet_that_is_mended_takes_no_later_week_back() {
    let job = reviewed();
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    let (page, ledger) = (format!("runs/{DAY}/packet.html"), job.text("ledger.jsonl"));
    let honest = job.text(&page);
    for is_gone in [false, true] {
        if is_gone {
            fs::remove_dir_all(job.path(&format!("runs/{DAY}"))).unwrap();
        } else {
            job.put(&page, "altered");
            assert!(job.call(&["verify"]).ends(4).out.contains("packet.html: it is not the file"));
        }
        let said = job.run(&[]).ends(0).err;
        assert!(said.contains("was put back") && !said.contains("takes back"), "{said}");
        assert_eq!((job.text(&page), job.text("ledger.jsonl")), (honest.clone(), ledger.clone()));
        job.call(&["verify"]).ends(0);
    }
}

/// Takes the last line out of the ledger, as a run leaves it that is cut off before it is recorded.
fn unrecord(job: &Job) {
    let ledger = job.text("ledger.jsonl");
    let (kept, _) = ledger.trim_end().rsplit_once('\n').unwrap_or_default();
    job.put("ledger.jsonl", &if kept.is_empty() { String::new() } else { format!("{kept}\n") });
}

#[test]
fn a_run_that_was_cut_off_before_it_was_recorded_gives_way_to_the_next_of_its_day() {
    let job = reviewed();
    unrecord(&job);
    // The exports are others by the time it is run again.
    job.edit("exports/lead.csv", "Bolt", "Bolts");
    let said = job.run(&[]).ends(0);
    assert!(said.out.contains("runs/2026-03-01/packet.html"), "{}", said.out);
    assert!(said.err.contains("was moved to runs/.2026-03-01.unrecorded"), "{}", said.err);
    assert!(job.has("runs/.2026-03-01.unrecorded/packet.html"));
    let said = job.call(&["verify"]).ends(0).out;
    assert!(said.contains("runs/2026-03-01: its files hold; run again"), "{said}");
    // A half-written packet is none either.
    let manifest = job.text(&format!("runs/{DAY}/manifest.json")).replace("2026-03-01-", "x-");
    job.put("runs/.2026-03-08.draft/manifest.json", &manifest);
    job.call(&["verify"]).ends(0);
    // Where a later week was recorded, to run it again would take that back.
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    unrecord(&job);
    job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
    let said = job.call(&["verify"]).ends(4).out;
    assert!(said.contains("(move it out of runs/: to run it again would take back"), "{said}");
    assert!(said.contains("the packet of 2026-03-15)"), "{said}");
    let said = job.call(&["doctor"]).ends(1).out;
    assert!(said.contains("move a packet whose run was cut off out of runs/"), "{said}");
}

#[test]
fn a_ledger_that_the_packets_do_not_know_is_not_gone_on_with() {
    let job = reviewed();
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    let honest = job.text("ledger.jsonl");
    let first = honest.lines().next().unwrap();
    for rest in [String::new(), format!("{first}\n")] {
        job.put("ledger.jsonl", &rest);
        let said = job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(4).err;
        let words = "the manifest of runs/2026-03-08 names a line 2 that it never had";
        assert!(said.contains(words) && said.contains("put it back from a copy"), "{said}");
        assert_eq!(job.text("ledger.jsonl"), rest);
        assert!(!job.has("runs/2026-03-15"));
    }
    job.put("ledger.jsonl", &honest);
    job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
}

#[test]
fn a_pipe_in_the_place_of_a_file_stops_no_command() {
    let pipe = |job: &Job, name: &str| {
        fs::create_dir_all(job.path(name).parent().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo").arg(job.path(name)).status().unwrap();
        assert!(made.success());
    };
    let job = reviewed();
    pipe(&job, "decisions/week.json");
    let said = job.run(&[]).ends(1).err;
    assert!(said.contains("decisions/week.json: it is not a regular file"), "{said}");
    pipe(&job, "rules/owners.toml");
    let said = job.run(&[]).ends(2).err;
    assert!(said.contains("rules/owners.toml: it is not a regular file"), "{said}");
    fs::remove_file(job.path("rules/owners.toml")).unwrap();
    fs::remove_file(job.path("ledger.jsonl")).unwrap();
    pipe(&job, "ledger.jsonl");
    let said = job.run(&[]).ends(3).err;
    assert!(said.contains("ledger.jsonl: it is not a regular file"), "{said}");
}

#[test]
fn a_run_made_again_after_its_rules_are_put_back_is_the_latest() {
    let job = reviewed();
    let decided = |rule: &str, record: &str| {
        let filled = Filled::of(&job, DAY).says(&job, DAY, rule, record, reject("rule_wrong"));
        filled.put(&job, "week.json");
        job.call(&["decide", "week.json"])
    };
    decided("OWN-01", "00Q3").ends(0);
    job.put("rules/owners.toml", "[no-owner]\noff = true\n");
    job.run(&[]).ends(0);
    decided("OWN-02", "00Q4").ends(2);
    fs::remove_file(job.path("rules/owners.toml")).unwrap();
    let said = job.run(&[]).ends(0).out;
    assert!(said.contains(&format!("runs/{DAY}/packet.html")), "{said}");
    decided("OWN-02", "00Q4").ends(0);
    // What was decided on it before stands, and the next week looks back at it.
    assert_eq!(week(&job.call(&["metrics"]).ends(0).out, DAY), [5, 3, 0, 2, 0, 1]);
    let said = job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0).out;
    assert!(!said.contains("rules or batch changed"), "{said}");
    job.call(&["verify"]).ends(0);
}

#[test]
fn a_line_that_asks_what_nobody_knows_is_none_of_ours() {
    let job = reviewed();
    let findings = format!("runs/{DAY}/findings.jsonl");
    let digest = |job: &Job| crm_review::digest::sha256(job.text(&findings).as_bytes());
    let before = digest(&job);
    let twins = word(&job.findings()[0]["id"]);
    let other = job.text(&findings).replace("\"queue\":\"decide\"", "\"queue\":\"discuss\"");
    job.put(&findings, &other);
    // The ledger names the file, as if another program had written both.
    job.put("ledger.jsonl", &job.text("ledger.jsonl").replace(&before, &digest(&job)));
    for command in [&["patterns"][..], &["explain", &twins]] {
        let said = job.call(command).ends(4).err;
        assert!(said.contains("findings.jsonl is not the file that the ledger names"), "{said}");
    }
}
