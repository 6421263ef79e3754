//! Twelve weeks of a company, played through the commands; fixtures/story/weeks.toml tells them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use toml::{Table, Value as Toml};

use crate::decisions::{Filled, approve, confirm, escalate, reject};
use crate::job::{DAY, Job, files, word};

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
    quarter_comes_out_as_reckoned(&job);
    let verified = job.call(&["verify"]).ends(0).out;
    assert!(verified.starts_with("ledger.jsonl: 20 lines, the chain holds"), "{verified}");
    assert!(verified.contains("runs/2026-05-18: its files hold; run again, the same bytes"));
}

/// The second quarter of the twelve weeks, of which seven lie in it. How soon something was decided hangs on
/// the clock, and is left out.
fn quarter_comes_out_as_reckoned(job: &Job) {
    let page = job.call(&["quarter"]).ends(0).out;
    for said in [
        "# Borealis Pumps: the CRM review in 2026-Q2\n",
        "2026-04-01 to 2026-06-30: 7 packets, up to 2026-05-18.",
        "| 2026-04-06 | 18 | 2 | 1 | 0 | 1 | 0 | 1 | 5.6 % to 11.1 % (95 %: 1.0 % to 32.8 %) |\n",
        "28.3 %) |\n| 2026-05-18 | 16 | 0 | 0 | 0 | 0 | 0 | 0 | 0.0 % (95 %: 0.0 % to 19.4 %) |\n",
        "| 2026-04-13 | 18 | 1 | 0 | 0 | 1 | 0 | 0 | 0.0 % to 5.6 % (95 %: 0.0 % to 25.8 %); not comparable",
        // Nobody decided on the first packet under these rules, so the second holds all that was wrong.
        "No verdict yet: the first packet under its rules holds all that was wrong until then; it takes two \
         after it whose proposals are all decided. The last decided packet of the quarter before, under other \
         rules, fields or another batch: 0.0 % (95 %: 0.0 % to 18.4 %), 2026-03-30.",
        "\n| 2026-04 | 4 | 4 | 4 | ",
        // Nobody decided on P13 in the packet of 4 May.
        "\n| 2026-05 | 3 | 3 | 2 | ",
        "\n0 of 8 weeks had no packet.",
        // P12; it was merged.
        "| Duplicates | 1 | 1 | 0 | 0 | 0 |\n",
        // P10 and P13 are new; P03 got an owner after approval; P04 and P13 without, and P10 is gone.
        "| Owners | 2 | 1 | 3 | 0 | 0 |\n",
        "| Lead source | 0 | 1 | 0 | 0 | 0 |\n",
        // P03, P04 and P08 at the end of March.
        "In 3 weeks or more: 0 now, 3 at the end of the quarter before.",
        // P12, P03 and P08.
        "Approved: 3. Applied, as the records show: 3 of 3 (100.0 %).\n",
        "| DUP-01 | 1 | 100.0 % (20.7 % to 100.0 %) | 100.0 % (43.9 % to 100.0 %) |  |\n",
        "| OWN-01 | 1 | 100.0 % (20.7 % to 100.0 %) | 33.3 % (6.1 % to 79.2 %) |  |\n",
        "| SRC-05 | 1 | 100.0 % (20.7 % to 100.0 %) | 50.0 % (9.5 % to 90.5 %) |  |\n",
        "* 2026-04-13: rules/owners.toml: the file is new\n",
        "* 2026-04-20: rules/owners.toml: the file is gone\n",
        "* 2026-04-27: rules/ids.csv: the file is new\n",
        "* 2026-04-27: review.toml: batch.ids is \"ids.csv\", was not said\n",
        "* 2026-05-04: review.toml: batch.ids is not said, was \"ids.csv\"\n",
        "(DUP-01, packet of 2026-04-06): rejected (the proposed value is wrong), then approved\n",
        "- [ ] ",
    ] {
        assert!(page.contains(said), "{said}\nis not in:\n{page}");
    }
    assert!(!page.contains("incomplete"), "{page}");
    assert!(!page.contains("| 2026-06 |"), "no month is told that has not come:\n{page}");
    let first = job.call(&["quarter", "--of", "2026-Q1"]).ends(0).out;
    // P03 twice; the last decision on P04 found nothing wrong.
    assert!(
        first.contains("| OWN-01 | 3 | 33.3 % (6.1 % to 79.2 %) |  | an agreed exception (2) |"),
        "{first}"
    );
    assert!(first.contains("None: no decision was taken back."), "{first}");
    let later = job.call(&["quarter", "--of", "2026-Q3"]).ends(0).out;
    assert!(later.ends_with("\nNo packet was made in this quarter.\n"), "{later}");
    job.call(&["quarter", "--of", "2026-Q5"]).ends(2);
}

#[test]
fn what_was_approved_again_counts_once() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let decide = |day: &str, file: &str| {
        Filled::of(&job, day).says(&job, day, "OWN-02", "00Q4", approve()).put(&job, file);
        job.call(&["decide", file]).ends(0);
    };
    decide(DAY, "first.json");
    // Its facts are others the week after, so it is asked again.
    job.edit(
        "exports/lead.csv",
        "00Q4,Cy,Fox,Fox,cy.fox@foxes.org,+1 202 555 0199,,New",
        "00Q4,Cy,Fox,Fox,cy.fox@foxes.org,+1 202 555 0199,,Working",
    );
    job.call(&["run", ".", "--as-of", "2026-03-08"]).ends(0);
    decide("2026-03-08", "second.json");
    job.edit("exports/lead.csv", "0199,,Working", "0199,0051,Working");
    job.call(&["run", ".", "--as-of", "2026-03-15"]).ends(0);
    let page = job.call(&["quarter"]).ends(0).out;
    assert!(page.contains("Approved: 1. "), "{page}");
}

#[test]
fn what_is_decided_within_a_week_of_its_packet_is_decided_in_time() {
    #[expect(clippy::disallowed_methods, reason = "decisions are recorded by the clock")]
    let today = chrono::Utc::now().date_naive();
    // What counts is when it was decided; it is recorded today, twenty days after its packet.
    for (days, in_time) in [(2, 1), (19, 0)] {
        let job = Job::weekly();
        let day = today.checked_sub_days(chrono::Days::new(20)).unwrap();
        let decided = day.checked_add_days(chrono::Days::new(days)).unwrap();
        let (day, quarter) = (day.to_string(), crm_review::metrics::Quarter::of(day));
        job.call(&["run", ".", "--as-of", &day]).ends(0);
        let findings = job.text(&format!("runs/{day}/findings.jsonl"));
        let first: Value = serde_json::from_str(findings.lines().next().unwrap()).unwrap();
        let of = |key: &str| word(&first[key]);
        let filled = Filled::of(&job, &day).says(
            &job,
            &day,
            &of("rule"),
            &of("record"),
            json!({
                "decision": "reject",
                "reason_code": "wrong_value",
                "decided_at": format!("{decided}T10:00:00Z"),
            }),
        );
        filled.put(&job, "week.json");
        let figures = job.call(&["metrics"]).ends(0).out;
        let undecided = |figures: &str| -> u64 {
            let row = figures.lines().find(|line| line.starts_with(&day)).unwrap();
            row.split_whitespace().nth(6).unwrap().parse().unwrap()
        };
        let asked = undecided(&figures);
        job.call(&["decide", "week.json"]).ends(0);
        assert_eq!(undecided(&job.call(&["metrics"]).ends(0).out), asked - 1);
        let page = job.call(&["quarter", "--of", &quarter.to_string()]).ends(0).out;
        let row = format!("| {} | 1 | 1 | 0 | {in_time} of {asked} (", &day[..7]);
        assert!(page.contains(&row), "{row}\n{page}");
        assert!(page.contains("0 of 1 week had no packet"), "{page}");
    }
}
