//! Five hundred kills: `run` and `decide` are ended at random moments, and nothing acknowledged is lost.
//!
//! Does not: cut the power; what the disk keeps of what was synced is the disk's to promise.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::decisions::{Dice, Filled, confirm, escalate, recorded, reject};
use crate::job::{DAY, HANDOVER, Job, word};

const KILLS: usize = 500;
/// A new week after so many kills.
const WEEK: usize = 25;
const RECORDS: usize = 40;

/// Forty leads of an owner who left.
fn abandoned() -> Job {
    let job = Job::weekly();
    let mut leads = job.text("exports/lead.csv");
    for n in 0..RECORDS {
        leads += &format!(
            "00K{n},P{n},Q{n},C{n},p{n}@c{n}-corp.com,,0052,New,2025-01-05,2025-02-01,x,y\n"
        );
    }
    job.put("exports/lead.csv", &leads);
    job.put("rules/owners.toml", HANDOVER);
    job
}

/// How long a command takes, as far as kills have told: the machine may get busier or quieter meanwhile.
/// About three in four are cut off so.
fn learned(takes: Duration, was_cut_off: bool) -> Duration {
    takes * if was_cut_off { 101 } else { 97 } / 100
}

/// Runs a command and ends it after a while; what it had said by then.
fn killed(job: &Job, arguments: &[&str], after: Duration) -> String {
    let mut child =
        job.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(after);
    child.kill().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    child.wait().unwrap();
    assert!(!err.contains("chain") && !err.contains("failed inside"), "{err}");
    out
}

/// The day of the last run that the ledger holds.
fn latest(job: &Job) -> String {
    let lines = job.text("ledger.jsonl");
    let days = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    days.filter_map(|line| line["entry"].get("run").map(|run| word(&run["as_of"]))).max().unwrap()
}

fn timed(act: impl FnOnce()) -> Duration {
    let began = Instant::now();
    act();
    began.elapsed()
}

#[test]
fn no_kill_loses_or_doubles_a_decision() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let job = abandoned();
    let mut run = timed(|| drop(job.run(&[]).ends(0)));
    Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", confirm()).put(&job, "first.json");
    let mut decide = timed(|| drop(job.call(&["decide", "first.json"]).ends(0)));
    // Of each decisions file that was acknowledged, the packet, the record and what was said of it.
    let mut acknowledged =
        BTreeSet::from([(DAY.to_owned(), "00Q4".to_owned(), "approve".to_owned())]);
    let mut cut_off = 0;
    for kill in 0..KILLS {
        let after = |whole: Duration, share: usize| whole * u32::try_from(share).unwrap() / 100;
        if dice.below(2) == 0 {
            let week = chrono::Days::new(7 * u64::try_from(kill / WEEK).unwrap());
            let day = (DAY.parse::<chrono::NaiveDate>().unwrap() + week).to_string();
            let said = killed(&job, &["run", ".", "--as-of", &day], after(run, dice.below(130)));
            let was_cut_off = !said.contains("packet.html");
            run = learned(run, was_cut_off);
            cut_off += usize::from(was_cut_off);
            if said.contains("packet.html") {
                assert!(job.has(&format!("runs/{day}/packet.html")), "{day}: {said}");
            }
            continue;
        }
        let day = latest(&job);
        let record = format!("00K{}", dice.below(RECORDS));
        let (word, says) = match dice.below(3) {
            0 => ("approve", confirm()),
            1 => ("reject", reject("correct_as_is")),
            _ => ("escalate", escalate("finance", "2027-12-01")),
        };
        let mut says = says;
        // No two files have the same bytes, so that each is its own decision.
        says["note"] = json!(format!("kill {kill}"));
        Filled::of(&job, &day).says(&job, &day, "OWN-01", &record, says).put(&job, "next.json");
        let arguments = ["decide", "next.json", "--supersede"];
        let said = killed(&job, &arguments, after(decide, dice.below(130)));
        let was_cut_off = !said.contains("head");
        decide = learned(decide, was_cut_off);
        cut_off += usize::from(was_cut_off);
        // What was cut off may be said again: it is recorded once.
        let said = if !said.contains("head") && dice.below(3) == 0 {
            job.call(&arguments).ends(0).out
        } else {
            said
        };
        // To say what stands already adds nothing.
        if said.contains("head") && !said.contains("recorded before") {
            acknowledged.insert((day, record, format!("{word} kill {kill}")));
        }
    }
    // A packet that was written and not recorded is named, and the remedy that is named mends it.
    for line in job.call(&["verify"]).out.lines().filter(|line| line.starts_with("FAULT")) {
        assert!(line.contains("the ledger does not know this run"), "{line}");
        let day = line.split_once("runs/").and_then(|(_, rest)| rest.get(..10)).unwrap();
        if line.contains("(run it again)") {
            job.call(&["run", ".", "--as-of", day]).ends(0);
        } else {
            // A later week was recorded since.
            assert!(line.contains("move it out of runs/"), "{line}");
            fs::rename(job.path(&format!("runs/{day}")), job.path(&format!("unrecorded-{day}")))
                .unwrap();
        }
    }
    job.call(&["verify"]).ends(0);
    let runs: Vec<_> = fs::read_dir(job.path("runs")).unwrap().flatten().collect();
    assert!(runs.iter().all(|run| !run.file_name().to_string_lossy().starts_with('.')));

    let mut files = BTreeSet::new();
    let mut held = BTreeSet::new();
    for line in recorded(&job) {
        assert!(files.insert(word(&line["file"])), "a file was recorded twice");
        let day = word(&line["run"]).get(..10).unwrap().to_owned();
        for decided in line["decided"].as_array().unwrap() {
            let says = decided["says"].as_object().unwrap().keys().next().unwrap();
            let note = decided["note"].as_str().unwrap_or_default();
            held.insert((day.clone(), word(&decided["record"]), format!("{says} {note}")));
        }
    }
    let held: BTreeSet<_> = held
        .into_iter()
        .map(|(day, record, says)| (day, record, says.trim_end().to_owned()))
        .collect();
    let lost: Vec<_> = acknowledged.difference(&held).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(cut_off > KILLS / 4, "only {cut_off} of {KILLS} kills cut something off");
    assert!(acknowledged.len() > KILLS / 10, "only {} decisions", acknowledged.len());
}
