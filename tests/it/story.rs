//! Twelve weeks of a company, played through the commands; fixtures/story/weeks.toml tells them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use toml::{Table, Value as Toml};

use crate::decisions::{Filled, confirm, escalate, reject};
use crate::job::{Job, files, word};

fn texts(week: &Table, key: &str) -> Vec<String> {
    let list = week.get(key).and_then(Toml::as_array).cloned().unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn rows(week: &Table, key: &str) -> Vec<Vec<String>> {
    let list = week.get(key).and_then(Toml::as_array).cloned().unwrap_or_default();
    list.iter()
        .map(|row| {
            let row = row.as_array().unwrap();
            row.iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
        })
        .collect()
}

/// Does to the folder what happened since the week before.
fn live(job: &Job, week: &Table) {
    let text = job.text("exports/lead.csv");
    let mut lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let head = lines[0].clone();
    for gone in texts(week, "gone") {
        let before = lines.len();
        lines.retain(|line| line[0] != gone);
        assert_eq!(lines.len() + 1, before, "{gone}");
    }
    for set in rows(week, "set") {
        let at = head.iter().position(|name| *name == set[1]).unwrap();
        lines.iter_mut().find(|line| line[0] == set[0]).unwrap()[at].clone_from(&set[2]);
    }
    for add in texts(week, "add") {
        lines.push(add.split(',').map(str::to_owned).collect());
    }
    let text: Vec<_> = lines.iter().map(|line| line.join(",")).collect();
    job.put("exports/lead.csv", &(text.join("\n") + "\n"));
    for write in rows(week, "write") {
        job.put(&write[0], &write[1]);
        if write[1].is_empty() {
            fs::remove_file(job.path(&write[0])).unwrap();
        }
    }
    if week.contains_key("batch") {
        let ids = texts(week, "batch");
        let review = job.text("review.toml");
        let review = review.split("\n[batch]").next().unwrap();
        if ids.is_empty() {
            job.put("review.toml", review);
            fs::remove_file(job.path("rules/ids.csv")).unwrap();
        } else {
            job.put("review.toml", &format!("{review}\n[batch]\nids = \"ids.csv\"\n"));
            job.put("rules/ids.csv", &(ids.join("\n") + "\n"));
        }
    }
}

/// `OWN-02 P04 escalate finance 2026-03-12` and the like, as a decisions file.
fn filled(job: &Job, day: &str, says: &[String]) -> Filled {
    says.iter().fold(Filled::of(job, day), |filled, said| {
        let said: Vec<&str> = said.split(' ').collect();
        let decision = match said[2..] {
            ["approve"] => confirm(),
            ["reject", "other"] => {
                json!({"decision": "reject", "reason_code": "other", "note": "the CRM's own list says so"})
            }
            ["reject", reason] => reject(reason),
            ["escalate", to, until] => escalate(to, until),
            ["escalate", to] => json!({"decision": "escalate", "escalate_to": to}),
            _ => panic!("{said:?}"),
        };
        filled.says(job, day, said[0], said[1], decision)
    })
}

fn found(job: &Job, day: &str) -> Vec<String> {
    let mut found: Vec<_> = job
        .text(&format!("runs/{day}/findings.jsonl"))
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|it| {
            let [rule, record, state, queue] =
                ["rule", "record", "state", "queue"].map(|key| word(&it[key]));
            format!("{rule} {record} {state} {} {queue}", it["weeks"])
        })
        .collect();
    found.sort();
    found
}

#[test]
fn twelve_weeks_come_out_as_reckoned_by_hand() {
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/story");
    let job = Job::new(&[]);
    for (name, bytes) in files(&story) {
        if name != Path::new("weeks.toml") {
            job.put_bytes(name.to_str().unwrap(), &bytes);
        }
    }
    let weeks: Table = fs::read_to_string(story.join("weeks.toml")).unwrap().parse().unwrap();
    let weeks = weeks["week"].as_array().unwrap();
    assert_eq!(weeks.len(), 12);
    let mut trend = Vec::new();
    for week in weeks {
        let week = week.as_table().unwrap();
        let day = week["day"].as_str().unwrap();
        live(&job, week);
        let summary = job.call(&["run", ".", "--as-of", day]).ends(0).out;
        let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(found(&job, day), texts(week, "found"), "{day}");
        for words in texts(week, "since") {
            assert!(summary.contains(&words), "{day}: no {words}\n{summary}");
        }
        for words in texts(week, "silent") {
            assert!(!summary.contains(&words), "{day}: {words}\n{summary}");
        }
        let (decide, drop, overrule) =
            (texts(week, "decide"), texts(week, "drop"), texts(week, "supersede"));
        if !decide.is_empty() {
            filled(&job, day, &decide).put(&job, "week.json");
            job.call(&["decide", "week.json"]).ends(0);
            job.call(&["changes"]).ends(0);
        }
        if !drop.is_empty() {
            filled(&job, day, &drop).put(&job, &format!("decisions/{day}.json"));
        }
        if !overrule.is_empty() {
            filled(&job, day, &overrule).put(&job, "again.json");
            job.call(&["decide", "again.json"]).ends(2);
            job.call(&["decide", "again.json", "--supersede"]).ends(0);
        }
        if week.contains_key("breaks") {
            trend.push("break".to_owned());
        }
        let figures = week["figures"].as_array().unwrap().iter();
        let figures: Vec<_> = figures.map(ToString::to_string).collect();
        trend.push(format!("{day} {} {}", figures.join(" "), week["rate"].as_str().unwrap()));
    }
    let table = job.call(&["metrics"]).ends(0).out;
    let lines: Vec<String> = table
        .lines()
        .filter_map(|line| match line.get(..2) {
            Some("--") => Some("break".to_owned()),
            Some("20") => Some(line.split_whitespace().collect::<Vec<_>>().join(" ")),
            _ => None,
        })
        .collect();
    assert_eq!(lines, trend);
    // P08's source was approved twice, three weeks apart: beside the rate.
    assert!(table.contains("Not in the rate: 2 approved corrections"), "{table}");
    // The packet of the last week shows the same weeks.
    let packet = job.text("runs/2026-05-18/packet.html");
    for week in weeks {
        let rate = week["rate"].as_str().unwrap();
        assert!(packet.contains(rate), "{rate}");
    }
    let (_, trend) = packet.split_once("<figure class=\"trend\">").unwrap();
    let trend = trend.split_once("</figure>").unwrap().0;
    assert_eq!(trend.matches("class=\"iv\"").count(), weeks.len());
    let breaks =
        weeks.iter().filter(|week| week.as_table().unwrap().contains_key("breaks")).count();
    assert_eq!(trend.matches("class=\"brk\"").count(), breaks);
    let verified = job.call(&["verify"]).ends(0).out;
    assert!(verified.starts_with("ledger.jsonl: 20 lines, the chain holds"), "{verified}");
    assert!(verified.contains("runs/2026-05-18: its files hold; run again, the same bytes"));
}
