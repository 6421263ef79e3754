//! What a review remembers from week to week, played through the commands.

use std::collections::BTreeSet;
use std::fs;

use chrono::{Days, NaiveDate};
use serde_json::Value;

use crate::decisions::{Filled, approve, confirm, escalate, reject};
use crate::job::{APPROVALS, DAY, HANDOVER, Job, REVIEW, files, word};

pub(crate) const WEEKS: [&str; 6] =
    [DAY, "2026-03-08", "2026-03-15", "2026-03-22", "2026-03-29", "2026-04-05"];

/// Runs a week and gives the summary, in one line.
#[track_caller]
pub(crate) fn week(job: &Job, n: usize) -> String {
    let said = job.call(&["run", ".", "--as-of", WEEKS[n]]).ends(0);
    said.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// State, weeks and queue of each finding of a week, by rule and record.
pub(crate) fn standing(job: &Job, n: usize) -> Vec<String> {
    let lines = job.text(&format!("runs/{}/findings.jsonl", WEEKS[n]));
    let mut all: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|finding| {
            format!(
                "{} {} {} {} {}",
                word(&finding["rule"]),
                word(&finding["record"]),
                word(&finding["state"]),
                finding["weeks"],
                word(&finding["queue"]),
            )
        })
        .collect();
    all.sort();
    all
}

#[track_caller]
pub(crate) fn decide(job: &Job, filled: &Filled) {
    filled.put(job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
}

#[test]
fn findings_recur_change_go_and_come_again() {
    let job = Job::weekly();
    week(&job, 0);
    assert_eq!(
        standing(&job, 0),
        ["DUP-01 00Q1 new 1 decide", "OWN-01 00Q3 new 1 decide", "OWN-02 00Q4 new 1 decide"]
    );
    // The lead without an owner got one; a twin's name was edited.
    job.edit("exports/lead.csv", "0199,,New", "0199,0051,New");
    let said = week(&job, 1);
    assert_eq!(
        standing(&job, 1),
        ["DUP-01 00Q1 recurring 2 decide", "OWN-01 00Q3 recurring 2 decide"]
    );
    assert!(
        said.contains("Since the packet of 1 March 2026: - 1 resolved: 1 without an approval"),
        "{said}"
    );
    job.edit("exports/lead.csv", "00Q2,Ann,Ng,Acme,", "00Q2,Ann,Ng,Acme Inc,");
    job.edit("exports/lead.csv", "0199,0051,New", "0199,,New");
    week(&job, 2);
    assert_eq!(
        standing(&job, 2),
        [
            "DUP-01 00Q1 changed 3 decide",
            "OWN-01 00Q3 recurring 3 decide",
            "OWN-02 00Q4 reopened 2 decide"
        ]
    );
    // The same day again counts no further week.
    job.edit("exports/lead.csv", "00Q5,Dee", "00Q5,Di");
    job.call(&["run", ".", "--as-of", WEEKS[2]]).ends(0);
    week(&job, 3);
    assert_eq!(standing(&job, 3)[1], "OWN-01 00Q3 recurring 4 decide");
    assert_eq!(standing(&job, 3)[0], "DUP-01 00Q1 recurring 4 decide");
    // A record that is gone is no corrected record.
    let leads = job.text("exports/lead.csv");
    let without: Vec<_> = leads.lines().filter(|line| !line.starts_with("00Q3")).collect();
    job.put("exports/lead.csv", &(without.join("\n") + "\n"));
    assert!(week(&job, 4).contains("1 its record is not there any more"));
}

#[test]
fn what_was_not_looked_at_is_neither_resolved_nor_forgotten() {
    let job = Job::weekly();
    week(&job, 0);
    // A week in which only the twins are in the batch, and one in which a check is off.
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "00Q1\n");
    let said = week(&job, 1);
    assert!(said.contains("2 proposals of earlier packets could not be looked at"), "{said}");
    assert!(!said.contains("resolved:"), "{said}");
    job.put("review.toml", &review);
    job.put("rules/owners.toml", "[inactive-owner]\noff = true\n");
    week(&job, 2);
    assert_eq!(
        standing(&job, 2),
        ["DUP-01 00Q1 recurring 3 decide", "OWN-02 00Q4 recurring 2 decide"]
    );
    fs::remove_file(job.path("rules/owners.toml")).unwrap();
    week(&job, 3);
    assert_eq!(standing(&job, 3)[1], "OWN-01 00Q3 recurring 2 decide");
}

/// The records of a rule's findings that a week remembers as open.
pub(crate) fn open(job: &Job, n: usize, rule: &str) -> Vec<String> {
    let lines = job.text(&format!("runs/{}/history.jsonl", WEEKS[n]));
    let mut all: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["rule"] == rule && line["resolved"].is_null())
        .map(|line| word(&line["record"]))
        .collect();
    all.sort();
    all
}

#[test]
fn a_lead_is_not_resolved_because_its_owner_was_not_judged() {
    let job = Job::weekly();
    week(&job, 0);
    job.edit("exports/user.csv", "0052,Gil Poe,false", "0052,Gil Poe,");
    let said = week(&job, 1);
    assert!(!said.contains("resolved:"), "{said}");
    assert!(said.contains("1 proposal of earlier packets could not be looked at"), "{said}");
    job.edit("exports/user.csv", "0052,Gil Poe,", "0052,Gil Poe,false");
    week(&job, 2);
    assert_eq!(standing(&job, 2)[1], "OWN-01 00Q3 recurring 2 decide");
    // A lead that is gone was corrected whoever owned it, and one that has another owner was too.
    job.edit("exports/user.csv", "0052,Gil Poe,false", "0052,Gil Poe,");
    job.edit("exports/lead.csv", "0178,0052,New", "0178,0051,New");
    assert!(week(&job, 3).contains("1 resolved: 1 without an approval"));
}

#[test]
fn one_record_that_cannot_be_judged_keeps_no_other_open() {
    let job = Job::weekly();
    job.put(
        "rules/required.toml",
        "[[require]]\nobject = \"lead\"\nfield = \"company\"\nfrom = \"New\"\nask = \"the owner\"\n\
         [[require]]\nobject = \"lead\"\nfield = \"phone\"\nfrom = \"New\"\nask = \"the owner\"\n",
    );
    job.edit("exports/lead.csv", "Li,Bolt,", "Li,,");
    job.edit("exports/lead.csv", "Fox,Fox,", "Fox,,");
    job.edit("exports/lead.csv", "Roe,Roe,", "Roe,,");
    week(&job, 0);
    assert_eq!(open(&job, 0, "REQ-01"), ["00Q3", "00Q4", "00Q5"]);
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "REQ-01", "00Q4", approve()));
    // One was filled, one has no stage to judge it by, one is gone.
    job.edit("exports/lead.csv", "Li,,", "Li,Bolt,");
    job.edit("exports/lead.csv", "0199,,New", "0199,,");
    let leads = job.text("exports/lead.csv");
    let without: Vec<_> = leads.lines().filter(|line| !line.starts_with("00Q5")).collect();
    job.put("exports/lead.csv", &(without.join("\n") + "\n"));
    let said = week(&job, 1);
    assert!(job.text("runs/2026-03-08/manifest.json").contains("1 with a stage that is blank"));
    assert!(
        !said.contains("not yet in the CRM"),
        "nobody could look whether it was filled: {said}"
    );
    assert_eq!(open(&job, 1, "REQ-01"), ["00Q4"]);
    // A column that is missing keeps open what was said of it, and nothing else.
    job.edit("exports/lead.csv", "0199,,,", "0199,,New,");
    job.edit("exports/lead.csv", "li@bolt-works.com,+1 202 555 0178", "li@bolt-works.com,");
    week(&job, 2);
    assert_eq!(open(&job, 2, "REQ-01"), ["00Q3", "00Q4"]);
    job.edit("exports/lead.csv", "Email,Phone,", "Email,Fax,");
    job.edit("exports/lead.csv", "Fox,,", "Fox,Fox,");
    let said = job.call(&["run", ".", "--as-of", WEEKS[3]]).ends(1);
    assert!(said.err.contains("its column `Phone` (`lead.phone`) is gone"), "{}", said.err);
    assert_eq!(open(&job, 3, "REQ-01"), ["00Q3"]);
}

#[test]
fn a_record_that_is_gone_is_resolved_although_its_check_is_off() {
    let job = Job::weekly();
    week(&job, 0);
    job.put("rules/owners.toml", "[inactive-owner]\noff = true\n");
    let leads = job.text("exports/lead.csv");
    let without: Vec<_> = leads.lines().filter(|line| !line.starts_with("00Q3")).collect();
    job.put("exports/lead.csv", &(without.join("\n") + "\n"));
    assert!(week(&job, 1).contains("1 its record is not there any more"));
}

#[test]
fn an_approved_change_of_a_record_that_is_gone_was_not_applied() {
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY)
            .says(&job, DAY, "DUP-01", "00Q1", confirm())
            .says(&job, DAY, "OWN-01", "00Q3", confirm())
            .says(&job, DAY, "OWN-02", "00Q4", approve()),
    );
    let leads = job.text("exports/lead.csv");
    let without = |gone: &[&str]| {
        let is_left = |line: &&str| !gone.iter().any(|id| line.starts_with(id));
        let left: Vec<_> = leads.lines().filter(is_left).collect();
        job.put("exports/lead.csv", &(left.join("\n") + "\n"));
    };
    // Of the twins that were merged one is there, and the other is not missed.
    without(&["00Q3", "00Q4", "00Q2"]);
    let said = week(&job, 1);
    assert!(
        said.contains(
            "3 resolved: 1 after its change was approved, 2 its record is not there any more"
        ),
        "{said}"
    );
    assert!(said.contains("2 approved, and the record is gone"), "{said}");
    assert!(said.contains("1 approved and applied"), "{said}");
    assert!(!said.contains("something else"), "{said}");
    // What is known is not news again.
    assert!(!week(&job, 2).contains("the record is gone"));
}

#[test]
fn a_merge_of_records_that_are_not_alike_any_more_is_not_resolved_and_not_handed_out() {
    let job = Job::weekly();
    job.put("rules/duplicates.toml", "[similar-person]\noff = true\n");
    week(&job, 0);
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", confirm()));
    // One of the twins got another address; both are there.
    job.edit("exports/lead.csv", "00Q2,Ann,Ng,Acme,ann.ng@", "00Q2,Ann,Ng,Acme,anna.ng@");
    let merge = "1,merge,lead,00Q1,00Q1,00Q2,";
    job.call(&["changes"]).ends(0);
    assert!(job.text(&format!("changes/{DAY}/by-hand.csv")).contains(merge));
    for n in [1, 2] {
        let said = week(&job, n);
        let is_news = said.contains("1 approved, and changed to something else");
        assert_eq!(is_news, n == 1, "{said}");
        assert!(!said.contains("resolved") && !said.contains("could not be looked at"), "{said}");
        assert_eq!(open(&job, n, "DUP-01"), ["00Q1"]);
        let sheets = job.call(&["changes"]).ends(0).out;
        assert!(sheets.contains("1 approved merge. By the packet of"), "{sheets}");
        assert!(sheets.contains("the records are not alike any more"), "{sheets}");
        assert!(!job.has(&format!("changes/{DAY}/by-hand.csv")));
    }
    let leads = job.text("exports/lead.csv");
    let without: Vec<_> = leads.lines().filter(|line| !line.starts_with("00Q2")).collect();
    job.put("exports/lead.csv", &(without.join("\n") + "\n"));
    let said = week(&job, 3);
    assert!(said.contains("1 resolved: 1 after its change was approved"), "{said}");
    assert!(said.contains("1 approved and applied"), "{said}");
    let sheets = job.call(&["changes"]).ends(0).out;
    assert!(
        sheets.contains("1 approved merge. By the packet of 2026-03-22 it is made"),
        "{sheets}"
    );
    // Records that are alike once more are asked about on what they say now.
    let other =
        leads.replace("anna.ng@acme-corp.com", "ann.ng@acme-corp.com").replace(",Ng,", ",Ng-Li,");
    job.put("exports/lead.csv", &other);
    week(&job, 4);
    assert!(standing(&job, 4).iter().any(|it| it == "DUP-01 00Q1 reopened 2 decide"));
}

#[test]
fn twins_stay_open_while_a_crowd_hides_them_and_no_longer() {
    let job = Job::weekly();
    job.put("rules/duplicates.toml", "[same-person]\ncrowd = 2\n[similar-person]\noff = true\n");
    week(&job, 0);
    assert_eq!(open(&job, 0, "DUP-01"), ["00Q1"]);
    let leads = job.text("exports/lead.csv");
    let more = "00Q6,Ida,Orr,Orr,ann.ng@acme-corp.com,,0051,New,2025-01-05,2026-02-27,,\n";
    job.put("exports/lead.csv", &(leads + more));
    let said = week(&job, 1);
    assert!(said.contains(" looked in part, the packet says where not: DUP-01"), "{said}");
    assert_eq!(open(&job, 1, "DUP-01"), ["00Q1"]);
    job.edit("exports/lead.csv", "00Q2,Ann,Ng,Acme,ann.ng@", "00Q2,Ann,Ng,Acme,anna.ng@");
    let more = "00Q7,Jo,Kay,Kay,ann.ng@acme-corp.com,,0051,New,2025-01-05,2026-02-27,,\n";
    job.put("exports/lead.csv", &(job.text("exports/lead.csv") + more));
    week(&job, 2);
    assert!(open(&job, 2, "DUP-01").is_empty(), "one of them stands in no crowd");
}

/// Has a review read the field history of `exports/history.csv`.
pub(crate) fn read_history(job: &Job) {
    let boundary = job.text("rules/boundary.toml");
    let fields = [
        "record = \"ParentId\"",
        "field = \"Field\"",
        "old = \"OldValue\"",
        "new = \"NewValue\"",
        "changed = \"CreatedDate\"",
    ];
    let fields = fields.map(|field| {
        let (name, from) = field.split_once(" = ").unwrap();
        format!("{name} = {{ from = {from}, why = \"Falls of a stage.\" }}\n")
    });
    job.put("rules/boundary.toml", &(boundary + "[field_history.fields]\n" + &fields.concat()));
    job.put("review.toml", &(job.text("review.toml") + "field_history = \"history.csv\"\n"));
}

#[test]
fn a_stage_that_fell_is_not_resolved_because_the_stages_were_renamed() {
    let job = Job::weekly();
    read_history(&job);
    let change = "ParentId,Field,OldValue,NewValue,CreatedDate\n";
    let fell = |old: &str| format!("{change}00Q1,Status,{old},New,2026-02-27\n");
    job.put("exports/history.csv", &fell("Working"));
    week(&job, 0);
    assert_eq!(open(&job, 0, "LIF-05"), ["00Q1"]);
    // Another record's move keeps the check at work.
    job.put("exports/history.csv", &(fell("In work") + "00Q5,Status,New,Working,2026-02-27\n"));
    week(&job, 1);
    assert_eq!(open(&job, 1, "LIF-05"), ["00Q1"]);
    job.put("exports/history.csv", &(change.to_owned() + "00Q5,Status,New,Working,2026-02-27\n"));
    week(&job, 2);
    assert!(open(&job, 2, "LIF-05").is_empty());
}

#[test]
fn what_lies_too_far_back_to_be_told_was_not_mended() {
    let job = Job::weekly();
    read_history(&job);
    // Of what fell 24 and 23 days before, the check tells until 30 days have passed.
    job.put(
        "exports/history.csv",
        "ParentId,Field,OldValue,NewValue,CreatedDate\n\
         00Q1,Status,Working,New,2026-02-05\n00Q2,Status,Working,New,2026-02-06\n",
    );
    week(&job, 0);
    assert_eq!(open(&job, 0, "LIF-05"), ["00Q1", "00Q2"]);
    // One stands where it stood before it fell; nobody touched the other.
    let leads = job.text("exports/lead.csv");
    let mended = leads.lines().map(|line| match line.strip_prefix("00Q2") {
        Some(rest) => format!("00Q2{}\n", rest.replacen(",New,", ",Working,", 1)),
        None => format!("{line}\n"),
    });
    job.put("exports/lead.csv", &mended.collect::<String>());
    let said = week(&job, 1);
    assert!(
        said.contains(
            "2 resolved: 1 without an approval, 1 by time alone: it lies further back than its check looks"
        ),
        "{said}"
    );
    assert!(open(&job, 1, "LIF-05").is_empty());
    assert!(!week(&job, 2).contains("resolved:"), "it is news once");
}

#[test]
fn what_a_history_reaches_no_more_is_open_until_its_check_looks_no_further() {
    let job = Job::weekly();
    read_history(&job);
    let rules = job.text("rules/lifecycle.toml");
    job.put("rules/lifecycle.toml", &format!("{rules}\n[stage-regression]\nwithin_days = 60\n"));
    let head = "ParentId,Field,OldValue,NewValue,CreatedDate\n";
    let recent = "00Q5,Status,New,Working,2026-02-10\n00Q2,Status,Working,New,2026-02-20\n";
    job.put("exports/history.csv", &format!("{head}00Q1,Status,Working,New,2026-01-20\n{recent}"));
    week(&job, 0);
    assert_eq!(open(&job, 0, "LIF-05"), ["00Q1", "00Q2"]);
    // The export goes back a month; 40 days before, nobody can look.
    job.put("exports/history.csv", &format!("{head}{recent}"));
    let said = week(&job, 1);
    assert!(!said.contains("resolved:"), "{said}");
    assert!(said.contains("1 proposal of earlier packets could not be looked at"), "{said}");
    assert_eq!(open(&job, 1, "LIF-05"), ["00Q1", "00Q2"]);
    // What stands in the history is judged as ever.
    job.edit(
        "exports/lead.csv",
        "00Q2,Ann,Ng,Acme,ann.ng@acme-corp.com,+1 202 555 0143,0051,New",
        "00Q2,Ann,Ng,Acme,ann.ng@acme-corp.com,+1 202 555 0143,0051,Working",
    );
    assert!(week(&job, 2).contains("1 resolved: 1 without an approval"));
    assert_eq!(open(&job, 2, "LIF-05"), ["00Q1"]);
    assert!(week(&job, 4).contains("1 resolved: 1 by time alone"));
    assert!(open(&job, 4, "LIF-05").is_empty());
}

#[test]
fn of_a_chain_of_sources_what_is_under_review_is_told() {
    let text = |object: &str, fields: &[&str]| {
        let fields = fields
            .iter()
            .map(|it| format!("{it} = {{ from = \"{it}\", why = \"Its source.\" }}\n"));
        format!("[{object}.fields]\n{}", fields.collect::<String>())
    };
    let of_lead =
        ["id", "lead_source", "created", "converted_contact", "converted_deal", "converted_date"];
    let boundary = [
        text("lead", &of_lead),
        text("contact", &["id", "lead_source", "created"]),
        text("deal", &["id", "lead_source", "created"]),
    ];
    let files = "contact = \"contact.csv\"\ndeal = \"deal.csv\"\n\n[batch]\nids = \"ids.csv\"\n";
    let job = Job::new(&[
        ("review.toml", &REVIEW.replace("user = \"user.csv\"\n", files)),
        ("rules/boundary.toml", &boundary.concat()),
        ("rules/approvals.toml", APPROVALS),
        ("rules/lead-source.toml", "[converted-source]\nobjects = [\"contact\", \"deal\"]\n"),
        ("rules/ids.csv", "0061\n"),
        (
            "exports/lead.csv",
            &format!("{}\n00Q1,Web,2026-02-01,0031,0061,2026-02-03\n", of_lead.join(",")),
        ),
        ("exports/contact.csv", "id,lead_source,created\n0031,Event,2026-02-03\n"),
        ("exports/deal.csv", "id,lead_source,created\n0061,Event,2026-02-03\n"),
    ]);
    job.run(&[]).ends(0);
    assert_eq!(job.found(), [("SRC-04".to_owned(), "0061".to_owned())]);
}

#[test]
fn what_a_full_list_leaves_out_is_not_resolved() {
    let job = Job::weekly();
    let leads = job.text("exports/lead.csv");
    let (head, rows) = leads.split_once('\n').unwrap();
    // One lead of tomorrow and of nobody's; then fifty before it.
    let lead = |n: u32| format!("00R{n},A{n},B{n},C{n},,,009{n},New,2027-01-01,2026-02-27,,\n");
    job.put("exports/lead.csv", &format!("{head}\n{rows}{}", lead(99)));
    week(&job, 0);
    assert_eq!(open(&job, 0, "BAT-05"), ["00R99"]);
    assert_eq!(open(&job, 0, "BAT-08"), ["00R99"]);
    let many: String = (10..60).map(lead).collect();
    job.put("exports/lead.csv", &format!("{head}\n{many}{rows}{}", lead(99)));
    let said = week(&job, 1);
    assert!(!said.contains("resolved:"), "{said}");
    for rule in ["BAT-05", "BAT-08"] {
        let open = open(&job, 1, rule);
        assert!(open.len() == 51 && open.contains(&"00R99".to_owned()), "{rule}: {open:?}");
    }
    let manifest = job.text("runs/2026-03-08/manifest.json");
    assert!(manifest.contains("leads: 1 more have dates ahead; 50 a field are told"), "{manifest}");
    assert!(manifest.contains("1 more missing ids or names in `lead.owner`; 50 a field are told"));
    job.put("exports/lead.csv", &format!("{head}\n{many}{rows}"));
    assert!(week(&job, 2).contains("its record is not there any more"));
}

#[test]
fn what_several_records_miss_stays_open_where_nobody_could_look_and_one_of_them_is_gone() {
    let job = Job::weekly();
    let leads = job.text("exports/lead.csv");
    let lead = |n: u32| format!("00R{n},A{n},B{n},C{n},,,0099,New,2026-02-20,2026-02-27,,\n");
    job.put("exports/lead.csv", &format!("{leads}{}{}", lead(10), lead(11)));
    week(&job, 0);
    assert_eq!(open(&job, 0, "BAT-08"), ["00R10"]);
    let review = job.text("review.toml");
    job.put("exports/lead.csv", &format!("{leads}{}", lead(11)));
    job.put("review.toml", &review.replace("user = \"user.csv\"\n", ""));
    week(&job, 1);
    assert_eq!(open(&job, 1, "BAT-08"), ["00R10"]);
    job.put("review.toml", &review);
    week(&job, 2);
    let mut of_week = standing(&job, 2);
    of_week.retain(|it| it.starts_with("BAT-08"));
    assert_eq!(of_week, ["BAT-08 00R11 recurring 2 decide"]);
    // Where somebody looked, it is mended.
    job.put("exports/lead.csv", &leads);
    week(&job, 3);
    assert!(open(&job, 3, "BAT-08").is_empty());
}

/// Leads from the web, week by week from a Monday on: how many, and their industry.
fn leads_of_weeks(weeks: &[(u32, &str)]) -> String {
    let monday: NaiveDate = "2025-12-01".parse().unwrap();
    let mut text = "Id,LeadSource,CreatedDate,Industry\n".to_owned();
    for (week, (count, industry)) in weeks.iter().enumerate() {
        for n in 0..*count {
            let days = u64::try_from(week).unwrap() * 7 + u64::from(n % 7);
            let day = monday + Days::new(days);
            text += &format!("00Q{week:02}{n:02},Web,{day}T09:{n:02}:00Z,{industry}\n");
        }
    }
    text
}

/// A review of leads of which the industry is required.
fn of_leads_with_an_industry() -> Job {
    Job::new(&[
        ("review.toml", &REVIEW.replace("user = \"user.csv\"\n", "")),
        (
            "rules/boundary.toml",
            "[lead.fields]\n\
             id = { from = \"Id\", why = \"Names it.\" }\n\
             lead_source = { from = \"LeadSource\", why = \"What brought it.\" }\n\
             created = { from = \"CreatedDate\", why = \"When it came.\" }\n\
             industry = { from = \"Industry\", why = \"Required.\" }\n",
        ),
        ("rules/approvals.toml", APPROVALS),
        ("rules/required.toml", "[[require]]\nobject = \"lead\"\nfield = \"industry\"\n"),
    ])
}

#[test]
fn what_a_source_lost_is_one_finding_until_it_is_there_again() {
    let job = of_leads_with_an_industry();
    let mut weeks = vec![(24, "Retail"); 11];
    let mut told = Vec::new();
    // The form is broken, hardly used, used again, and mended.
    for (n, came) in [(24, ""), (5, ""), (24, ""), (24, "Retail")].into_iter().enumerate() {
        weeks.push(came);
        job.put("exports/lead.csv", &leads_of_weeks(&weeks));
        week(&job, n);
        let mut of_week = standing(&job, n);
        of_week.retain(|it| it.starts_with("REQ-06"));
        told.push((of_week.join(" "), open(&job, n, "REQ-06").len()));
    }
    let told: Vec<_> = told.iter().map(|(told, open)| (told.as_str(), *open)).collect();
    assert_eq!(
        told,
        [
            ("REQ-06 00Q1100 new 1 decide", 1),
            ("", 1),
            ("REQ-06 00Q1300 recurring 2 decide", 1),
            ("", 0),
        ]
    );
}

#[test]
fn what_a_source_loses_again_is_asked_although_it_was_rejected_before() {
    let job = of_leads_with_an_industry();
    let mut weeks = vec![(24, "Retail"); 11];
    let mut told = Vec::new();
    // The form is broken for two weeks, mended, and broken again.
    for (n, came) in ["", "", "Retail", ""].into_iter().enumerate() {
        weeks.push((24, came));
        job.put("exports/lead.csv", &leads_of_weeks(&weeks));
        week(&job, n);
        if n == 0 {
            let filled = Filled::of(&job, DAY);
            decide(&job, &filled.says(&job, DAY, "REQ-06", "00Q1100", reject("agreed_exception")));
        }
        let mut of_week = standing(&job, n);
        of_week.retain(|it| it.starts_with("REQ-06"));
        told.push(of_week.join(" "));
    }
    assert_eq!(
        told,
        [
            "REQ-06 00Q1100 new 1 decide",
            "REQ-06 00Q1200 recurring 2 quiet",
            "",
            "REQ-06 00Q1400 reopened 3 decide",
        ]
    );
}

#[test]
fn a_rejected_finding_is_quiet_until_its_facts_change_or_its_term_ends() {
    let job = Job::weekly();
    job.put("rules/approvals.toml", "mute_days = 28\n[approver]\nname = \"Dana Reyes\"\n");
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY)
            .says(&job, DAY, "DUP-01", "00Q1", reject("agreed_exception"))
            .says(&job, DAY, "OWN-01", "00Q3", reject("correct_as_is"))
            .says(&job, DAY, "OWN-02", "00Q4", reject("already_fixed")),
    );
    let said = week(&job, 1);
    assert_eq!(
        standing(&job, 1),
        [
            "DUP-01 00Q1 recurring 2 quiet",
            "OWN-01 00Q3 recurring 2 quiet",
            // It was said to be fixed, and it is not.
            "OWN-02 00Q4 recurring 2 decide"
        ]
    );
    assert!(said.contains("1 proposal on 1 of 5 records"), "{said}");
    assert!(said.contains("2 quiet: rejected before, on the same facts"), "{said}");
    let packet = job.text("runs/2026-03-08/packet.html");
    assert_eq!(packet.matches("<article class=\"card\"").count(), 1);
    assert!(packet.contains("2 quiet: rejected before, on the same facts"), "hidden without trace");
    assert!(
        packet.contains(
            "an agreed exception, packet of 1 March 2026; asked again from 29 March 2026"
        )
    );
    assert!(packet.contains(
        "Rejected by Dana Reyes in the packet of 1 March 2026, already fixed; it is still there"
    ));
    job.call(&["run", ".", "--as-of", "2026-03-08", "--fail-on", "low"]).ends(6);
    // What is quiet asks for no decision, and is not said to.
    Filled::of(&job, WEEKS[1])
        .says(&job, WEEKS[1], "OWN-02", "00Q4", escalate("finance", "2026-04-30"))
        .put(&job, "week.json");
    let said = job.call(&["decide", "week.json"]).ends(0).out;
    assert!(said.contains("1 escalated; 0 still undecided"), "{said}");
    // The facts change: it speaks again.
    job.edit("exports/lead.csv", "00Q2,Ann,Ng,Acme,", "00Q2,Ann,Ng,Acme Inc,");
    week(&job, 2);
    assert_eq!(standing(&job, 2)[0], "DUP-01 00Q1 changed 3 decide");
    assert_eq!(standing(&job, 2)[1], "OWN-01 00Q3 recurring 3 quiet");
    assert!(
        job.text("runs/2026-03-15/packet.html").contains("here again because the facts changed")
    );
    // And at the end of its term.
    week(&job, 4);
    assert_eq!(standing(&job, 4)[1], "OWN-01 00Q3 recurring 4 decide");
}

#[test]
fn a_rejected_finding_stays_quiet_while_somebody_works_its_record() {
    let job = Job::weekly();
    job.edit(
        "rules/boundary.toml",
        "[user.fields]",
        "last_activity = { from = \"Last\", why = \"Shows who works it.\" }\nstage_changed = { from = \"Since\", why = \"Shows who works it.\" }\n\n[user.fields]",
    );
    // Each lead had its last activity ten days before the first packet, but for 00Q5, which nobody works.
    let leads = job.text("exports/lead.csv");
    let leads = leads.lines().map(|line| match line {
        head if head.starts_with("Id,") => format!("{head},Last,Since\n"),
        idle if idle.starts_with("00Q5") => format!("{idle},2025-08-01,2025-07-01\n"),
        lead => format!("{lead},2026-02-19,2025-07-01\n"),
    });
    job.put("exports/lead.csv", &leads.collect::<String>());
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY)
            .says(&job, DAY, "DUP-01", "00Q1", reject("agreed_exception"))
            .says(&job, DAY, "OWN-01", "00Q3", reject("correct_as_is"))
            .says(&job, DAY, "OWN-02", "00Q4", reject("correct_as_is"))
            .says(&job, DAY, "OWN-06", "00Q5", reject("correct_as_is")),
    );
    let quiet = |n: usize| -> Vec<String> {
        ["DUP-01 00Q1", "OWN-01 00Q3", "OWN-02 00Q4", "OWN-06 00Q5"]
            .map(|it| format!("{it} recurring {} quiet", n + 1))
            .to_vec()
    };
    // The activity grows older than what speaks against a proposal, and nothing else changes.
    for n in 1..=3 {
        week(&job, n);
        assert_eq!(standing(&job, n), quiet(n));
    }
    // Somebody calls, and an integration touches the records: the faults are what they were.
    let leads = job.text("exports/lead.csv").replace("2026-02-19", "2026-03-26");
    job.put("exports/lead.csv", &leads.replace("2026-02-2", "2026-03-2"));
    week(&job, 4);
    assert_eq!(standing(&job, 4), quiet(4));
    // What is about the activity itself is another matter once there was one.
    job.edit("exports/lead.csv", "2025-08-01,2025-07-01", "2025-09-01,2025-07-01");
    week(&job, 5);
    assert_eq!(standing(&job, 5)[3], "OWN-06 00Q5 changed 6 decide");
}

#[test]
fn a_run_of_an_earlier_day_knows_nothing_of_later_decisions() {
    let job = Job::weekly();
    week(&job, 0);
    week(&job, 2);
    decide(
        &job,
        &Filled::of(&job, WEEKS[2])
            .says(&job, WEEKS[2], "DUP-01", "00Q1", reject("agreed_exception"))
            .says(&job, WEEKS[2], "OWN-02", "00Q4", approve()),
    );
    week(&job, 1);
    assert_eq!(
        standing(&job, 1),
        [
            "DUP-01 00Q1 recurring 2 decide",
            "OWN-01 00Q3 recurring 2 decide",
            "OWN-02 00Q4 recurring 2 decide"
        ]
    );
    // The packet of the later day was taken back, with what was decided on it, until it is run again.
    week(&job, 2);
    week(&job, 3);
    assert_eq!(standing(&job, 3)[0], "DUP-01 00Q1 recurring 3 quiet");
}

#[test]
fn an_escalation_comes_back_at_the_top_until_it_is_closed() {
    let job = Job::weekly();
    week(&job, 0);
    let escalated =
        |to| Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", escalate(to, "2026-03-10"));
    decide(&job, &escalated("finance"));
    let id = word(&job.json(&format!("runs/{DAY}/manifest.json"))["run"]);
    assert!(!id.is_empty());
    assert!(
        week(&job, 1)
            .contains("OWN-02 lead 00Q4: escalated to finance, to be answered by 10 March 2026")
    );
    assert!(week(&job, 2).contains("overdue since 10 March 2026: no change"));
    assert_eq!(standing(&job, 2)[2], "OWN-02 00Q4 recurring 3 answer");
    let packet = job.text("runs/2026-03-15/packet.html");
    let (top, rest) = packet.split_once("id=\"queue\"").unwrap();
    assert!(top.contains("Escalated and not answered, 1."));
    assert!(rest.contains("no answer came in time, and nothing changes until one does"));
    // Not in the batch: it is not forgotten.
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "00Q1\n");
    assert!(week(&job, 3).contains("escalated to finance, overdue since"));
    job.put("review.toml", &review);
    fs::remove_file(job.path("rules/ids.csv")).unwrap();
    week(&job, 4);
    decide(
        &job,
        &Filled::of(&job, WEEKS[4]).says(&job, WEEKS[4], "OWN-02", "00Q4", reject("correct_as_is")),
    );
    assert!(!week(&job, 5).contains("escalated"));
    assert_eq!(standing(&job, 5)[2], "OWN-02 00Q4 recurring 5 quiet");
}

#[test]
fn an_escalation_whose_record_left_the_batch_can_be_ended() {
    let job = Job::weekly();
    week(&job, 0);
    let says = |decision| Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", decision);
    decide(&job, &says(escalate("finance", "2026-03-10")));
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "00Q1\n");
    assert!(week(&job, 1).contains("a decisions file can only reject it or escalate it again"));
    let id = word(
        &Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", approve()).file["decisions"][0]["finding"],
    );
    let unknown = job.call(&["explain", &id]).ends(2).err;
    let hint = format!("hint: it was found last on {DAY}: name that day with --of {DAY}");
    assert!(unknown.contains(&hint), "{unknown}");
    job.call(&["explain", &id, "--of", DAY]).ends(0);
    // What the packet of that day says of it, decided on this one.
    let answer = |n: usize, decision: Value| {
        let mut filled = says(decision).file;
        for (key, value) in Filled::of(&job, WEEKS[n]).file.as_object().unwrap() {
            if key != "decisions" {
                filled[key] = value.clone();
            }
        }
        filled["decisions"][0]["decided_at"] = format!("{}T10:00:00Z", WEEKS[n]).into();
        filled
    };
    let refused = |file: &Value, words: &str| {
        job.put("bad.json", &file.to_string());
        let said = job.call(&["decide", "bad.json"]).ends(2).err;
        assert!(said.contains(words), "{said}");
    };
    refused(&answer(1, approve()), "the packet does not propose it again");
    let mut other = answer(1, reject("correct_as_is"));
    other["decisions"][0]["evidence_digest"] = "0".repeat(24).into();
    refused(&other, "is not that of the packet in which it was escalated");
    let mut never = answer(1, reject("correct_as_is"));
    never["decisions"][0]["finding"] = "F-0000000000".into();
    refused(&never, "the packet does not propose it");
    decide(&job, &Filled { file: answer(1, escalate("owner", "2026-03-20")) });
    assert!(week(&job, 2).contains("escalated to owner, to be answered by 20 March 2026"));
    // It has nothing to approve here, so it may be closed as looked into.
    decide(&job, &Filled { file: answer(2, reject("looked_into")) });
    assert!(!week(&job, 3).contains("escalated to"));
    // In the batch again, on the same facts: it was rejected.
    job.put("review.toml", &review);
    fs::remove_file(job.path("rules/ids.csv")).unwrap();
    week(&job, 4);
    assert_eq!(standing(&job, 4)[2], "OWN-02 00Q4 recurring 2 quiet");
    job.call(&["verify"]).ends(0);
}

#[test]
fn an_approved_change_waits_until_the_data_shows_it() {
    let job = Job::weekly();
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", confirm()).says(
            &job,
            DAY,
            "OWN-02",
            "00Q4",
            approve(),
        ),
    );
    let said = week(&job, 1);
    assert_eq!(standing(&job, 1)[0], "DUP-01 00Q1 recurring 2 apply");
    assert!(said.contains("2 approved and not yet in the CRM"), "{said}");
    // One number says what is left to decide, wherever it stands, and what waits is told beside it.
    assert!(said.contains("1 proposal on 1 of 5 records under review"), "{said}");
    assert!(said.contains("2 more are approved and wait to be applied"), "{said}");
    let packet = job.text("runs/2026-03-08/packet.html");
    for words in [
        "1 proposal on 1 of 5 records",
        "Proposals <span class=\"c\">1</span>",
        "Duplicates <span class=\"c\">0</span>",
        "0 proposals, 1 approved and waiting to be applied",
        "End of packet, 1 proposal, 2 approved and waiting to be applied.",
    ] {
        assert!(packet.contains(words), "{words}");
    }
    assert_eq!(packet.matches("<article class=\"card\"").count(), 3);
    job.edit("exports/lead.csv", "0199,,New", "0199,0051,New");
    let said = week(&job, 2);
    assert!(said.contains("1 resolved: 1 after its change was approved"), "{said}");
    assert!(said.contains("1 approved and not yet in the CRM"), "{said}");
    assert!(said.contains("1 approved and applied"), "{said}");
    assert_eq!(
        standing(&job, 2),
        ["DUP-01 00Q1 recurring 3 apply", "OWN-01 00Q3 recurring 3 decide"]
    );
    // On other facts it is asked again, and is still what was approved.
    job.edit("exports/lead.csv", "00Q1,Ann,Ng,Acme,", "00Q1,Ann,Ng,Acme Tools,");
    let said = week(&job, 3);
    assert_eq!(standing(&job, 3)[0], "DUP-01 00Q1 changed 4 decide");
    let again = "1 approved and not yet in the CRM, of which 1 is asked again";
    assert!(said.contains(again), "{said}");
    let packet = job.text("runs/2026-03-22/packet.html");
    assert!(packet.contains("packet of 1 March 2026; asked again"), "it says so of which");
}

#[test]
fn a_memory_that_is_lost_or_edited_is_said_and_not_trusted() {
    for edit in [true, false] {
        let job = Job::weekly();
        week(&job, 0);
        let name = format!("runs/{DAY}/history.jsonl");
        if edit {
            job.put(&name, &job.text(&name).replace("\"weeks\":1", "\"weeks\":9"));
        } else {
            fs::remove_dir_all(job.path("runs")).unwrap();
        }
        let said = job.call(&["run", ".", "--as-of", WEEKS[1]]).ends(1);
        assert!(said.err.contains("every finding counts as new"), "{}", said.err);
        assert!(said.out.contains("INCOMPLETE"), "{}", said.out);
        assert_eq!(standing(&job, 1)[0], "DUP-01 00Q1 new 1 decide");
        // From then on it remembers again.
        week(&job, 2);
        assert_eq!(standing(&job, 2)[0], "DUP-01 00Q1 recurring 2 decide");
    }
}

/// The ids in the first column of every export.
fn ids_of(job: &Job) -> Vec<String> {
    let mut ids = BTreeSet::new();
    for bytes in files(&job.path("exports")).values() {
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let at =
            reader.headers().unwrap().iter().position(|name| ["Id", "Record ID"].contains(&name));
        let Some(at) = at else { continue };
        ids.extend(reader.records().map(|row| row.unwrap()[at].to_owned()));
    }
    ids.into_iter().collect()
}

/// The same exports on the next day, of which only some are under review: nothing was mended.
#[track_caller]
fn check_another_batch(flavour: &str) {
    let whole = Job::acme(flavour);
    whole.edit("review.toml", "changed_within_days = 30", "");
    whole.call(&["run", ".", "--as-of", "2026-11-23"]).ends(0);
    let before = whole.text("runs/2026-11-23/findings.jsonl").lines().count();
    let ids = ids_of(&whole);
    for part in [2, 3, 7] {
        let job = Job::new(&[]);
        for (name, bytes) in files(&whole.path(".")) {
            job.put_bytes(name.to_str().unwrap(), &bytes);
        }
        let some: Vec<&str> = ids.iter().step_by(part).map(String::as_str).collect();
        job.put("rules/batch.csv", &some.join("\n"));
        job.edit("review.toml", "[batch]", "[batch]\nids = \"batch.csv\"");
        let said = job.call(&["run", ".", "--as-of", "2026-11-24"]).ends(0).out;
        assert!(!said.contains("resolved:"), "one in {part}: {said}");
        let after = job.text("runs/2026-11-24/findings.jsonl").lines().count();
        assert!(0 < after && after < before, "one in {part}: {after} of {before}");
    }
}

#[test]
fn what_another_batch_leaves_out_is_not_resolved() {
    check_another_batch("salesforce");
    check_another_batch("hubspot");
}

#[test]
fn duplicates_that_become_more_are_not_resolved() {
    let lead = |id: &str, mail: &str| {
        format!(
            "{id},Pat,Quinn,Acme,{mail},+1 202 555 0101,005A,Open,2026-01-0{},false\n",
            &id[3..]
        )
    };
    let header =
        "Id,FirstName,LastName,Company,Email,Phone,OwnerId,Status,CreatedDate,IsConverted\n";
    let job = Job::new(&[
        (
            "exports/Lead.csv",
            &(header.to_owned() + &lead("00Q1", "p@a.com") + &lead("00Q2", "p@a.com")),
        ),
        ("exports/User.csv", "Id,Name,IsActive\n005A,Ann Ng,true\n"),
    ]);
    job.call(&["init", "mine", "--from", "exports"]).ends(0);
    let week = |n: usize| {
        let said = job.call(&["run", "mine", "--as-of", WEEKS[n]]).ends(0).out;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(week(0).contains("DUP-01"));
    // A third one comes: the two are told of with it.
    let mut leads = header.to_owned();
    for id in ["00Q1", "00Q2", "00Q3"] {
        leads += &lead(id, "p@a.com");
    }
    job.put("exports/Lead.csv", &leads);
    let said = week(1);
    assert!(said.contains("1 proposal of earlier packets is told by another one now"), "{said}");
    assert!(!said.contains("resolved:"), "{said}");
    // The third one goes again: what was told of the two comes back, and is no news.
    job.put(
        "exports/Lead.csv",
        &(header.to_owned() + &lead("00Q1", "p@a.com") + &lead("00Q2", "p@a.com")),
    );
    let said = week(2);
    assert!(said.contains("1 resolved: 1 without an approval"), "{said}");
    let found = job.text(&format!("mine/runs/{}/findings.jsonl", WEEKS[2]));
    assert!(found.contains("\"state\":\"recurring\""), "{found}");
    // And they are put right.
    let other = "00Q2,Bo,Li,Other,bo@other.com,,005A,Open,2026-01-02,false\n";
    job.put("exports/Lead.csv", &(header.to_owned() + &lead("00Q1", "p@a.com") + other));
    let said = week(3);
    assert!(said.contains("1 resolved: 1 without an approval"), "{said}");
}

#[test]
fn what_changed_rules_find_no_more_is_not_mended() {
    let job = Job::acme("salesforce");
    let week = |day: &str| {
        let said = job.call(&["run", ".", "--as-of", day]).ends(0).out;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    week("2026-11-23");
    let rules = job.text("rules/lifecycle.toml");
    let lenient = rules.replace("grace_days = 0", "grace_days = 400");
    assert_ne!(rules, lenient);
    job.put("rules/lifecycle.toml", &lenient);
    let said = week("2026-11-24");
    let gone = "2 resolved: 2 by the changed rules alone: the record is as it was";
    assert!(said.contains("0 more and 3 fewer") && said.contains(gone), "{said}");
    assert!(!week("2026-11-25").contains("resolved:"));
    // Under the rules of before they are what they were.
    job.put("rules/lifecycle.toml", &rules);
    week("2026-11-26");
    let found = job.text("runs/2026-11-26/findings.jsonl");
    let state = |line: &str| serde_json::from_str::<Value>(line).unwrap()["state"].clone();
    let late = found.lines().filter(|line| line.contains("\"LIF-13\"")).map(state);
    let late: Vec<_> = late.collect();
    assert!(late.len() >= 2 && late.iter().all(|state| *state != "reopened"), "{late:?}");
    // Nothing is judged under a job that was edited: nothing is said of what that did.
    job.edit("review.toml", "[source]", "[checks]\noff = [\"LIF-13\"]\n[source]");
    let said = week("2026-11-27");
    let unknown = "is not known: nothing was judged under the earlier review.toml";
    assert!(said.contains(unknown) && !said.contains("they find what those of"), "{said}");
}

#[test]
fn which_records_are_reviewed_or_counted_otherwise_is_told_setting_by_setting() {
    let job = Job::weekly();
    week(&job, 0);
    let packet = "[packet]\nmask_key = \"a phrase that nobody knows\"\n";
    let put = |planted: &str| {
        let metric = format!("[metric.test_records]\nlead = {{ company = {planted} }}\n");
        job.put(
            "review.toml",
            &format!("{REVIEW}\n{packet}[batch]\nchanged_within_days = 400\n{metric}"),
        );
    };
    put("\"Bolt\"");
    week(&job, 1);
    put("[\"Bolt\", \"Fox\"]");
    week(&job, 2);
    let told = "batch.changed_within_days is 400, was not said";
    let page = |n: usize, file: &str| job.text(&format!("runs/{}/{file}", WEEKS[n]));
    assert!(page(1, "packet.html").contains(told));
    assert!(page(1, "masked.html").contains("2 differences, not quoted in a masked copy"));
    assert!(!page(1, "masked.html").contains(told));
    let quarter = job.call(&["quarter"]).ends(0).out;
    for words in [
        "2026-03-08: review.toml: batch.changed_within_days is 400, was not said; \
         metric.test_records.lead.company is \"Bolt\", was not said\n",
        "2026-03-15: review.toml: metric.test_records.lead.company is [\"Bolt\", \"Fox\"], was \"Bolt\"\n",
    ] {
        assert!(quarter.contains(words), "{words}\n{quarter}");
    }
    // What is kept of the job holds no key.
    assert!(!page(1, "rules.json").contains("nobody knows"));
    job.call(&["verify"]).ends(0);
}

/// The weekly job with a rule that gives the lead that is worked to another of two people.
fn routed(to: &str) -> (Job, String) {
    let job = Job::weekly();
    job.put(
        "exports/user.csv",
        &(job.text("exports/user.csv") + "0053,Ann Ash,true\n0054,Bob Birk,true\n"),
    );
    let rules = format!(
        "[[rule]]\nname = \"worked\"\nobjects = [\"lead\"]\nwhen = {{ status = \"Working\" }}\nto = \"{to}\"\n"
    );
    job.put("rules/routing.toml", &rules);
    (job, rules)
}

/// What a week proposes for a lead's owner, and what it asks.
fn owner_of(job: &Job, n: usize, lead: &str) -> (String, String, Value) {
    let lines = job.text(&format!("runs/{}/findings.jsonl", WEEKS[n]));
    let mut all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let one = all.find(|one| one["rule"] == "RTE-01" && one["record"] == lead).unwrap();
    let id = one["id"].clone();
    (word(&one["proposal"]["words"]), word(&one["queue"]), id)
}

#[test]
fn a_decision_holds_for_what_was_proposed_and_for_nothing_else() {
    for (decision, stands) in [(approve(), "apply"), (reject("rule_wrong"), "quiet")] {
        let (job, rules) = routed("Ann Ash");
        week(&job, 0);
        let (words, _, id) = owner_of(&job, 0, "00Q5");
        assert_eq!(words, "Give to Ann Ash (0053)");
        decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "RTE-01", "00Q5", decision));
        // Another rule that gives it to the same person proposes the same.
        job.put("rules/routing.toml", &rules.replace("\"worked\"", "\"in work\""));
        week(&job, 1);
        assert_eq!(owner_of(&job, 1, "00Q5").1, stands);
        let sheet = || {
            let said = job.call(&["changes"]).ends(0).out;
            let path = job.path(&format!("changes/{DAY}/lead.owner.csv"));
            (fs::read_to_string(path).unwrap_or_default(), said)
        };
        let in_sheet = usize::from(stands == "apply");
        assert_eq!(sheet().0.matches("00Q5,0053,").count(), in_sheet);
        // Nobody said anything of the other person.
        job.put("rules/routing.toml", &rules.replace("Ann Ash", "Bob Birk"));
        week(&job, 2);
        let other = owner_of(&job, 2, "00Q5");
        assert_eq!(other, ("Give to Bob Birk (0054)".to_owned(), "decide".to_owned(), id));
        let packet = job.text("runs/2026-03-15/packet.html");
        assert!(packet.contains("in the packet of 1 March 2026"), "what was decided is not told");
        assert!(packet.contains("something else is proposed now"), "nor why it is asked again");
        // What was approved is no change to make while it is asked about.
        let (rows, said) = sheet();
        assert!(!rows.contains("00Q5"), "{rows}");
        let left_out = "Left out: 1 approved change. The packet of 2026-03-15 asks again";
        assert_eq!(said.contains(left_out), stands == "apply", "{said}");
        job.put("rules/routing.toml", &rules);
        week(&job, 3);
        assert_eq!(owner_of(&job, 3, "00Q5").1, stands);
        assert_eq!(sheet().0.matches("00Q5,0053,").count(), in_sheet);
    }
}

#[test]
fn an_approval_holds_while_the_same_change_is_proposed_whatever_stands_beside_it() {
    let (job, _) = routed("Ann Ash");
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", confirm()).says(
            &job,
            DAY,
            "RTE-01",
            "00Q5",
            approve(),
        ),
    );
    // The rules tell the status apart by its words, not by its case: the fact beside the proposal is another.
    let leads = job.text("exports/lead.csv");
    let leads = leads.lines().map(|line| match line {
        lead if lead.starts_with("00Q5") => lead.replace("Working", "working") + "\n",
        lead => format!("{lead}\n"),
    });
    job.put("exports/lead.csv", &leads.collect::<String>());
    // What a merge would fold is decided on what the records say.
    job.edit("exports/lead.csv", "00Q2,Ann,Ng,Acme,", "00Q2,Ann,Ng,Acme Inc,");
    week(&job, 1);
    let stands = standing(&job, 1);
    assert!(stands.contains(&"RTE-01 00Q5 changed 2 apply".to_owned()), "{stands:?}");
    assert!(stands.contains(&"DUP-01 00Q1 changed 2 decide".to_owned()), "{stands:?}");
    // Somebody else has it now: that is another change.
    let leads = job.text("exports/lead.csv");
    let leads = leads.lines().map(|line| match line {
        lead if lead.starts_with("00Q5") => lead.replace(",0051,", ",0054,") + "\n",
        lead => format!("{lead}\n"),
    });
    job.put("exports/lead.csv", &leads.collect::<String>());
    week(&job, 2);
    let stands = standing(&job, 2);
    assert!(stands.contains(&"RTE-01 00Q5 changed 3 decide".to_owned()), "{stands:?}");
}

#[test]
fn other_rules_that_propose_something_else_are_told_before_they_are_in_force() {
    let (job, rules) = routed("Ann Ash");
    week(&job, 0);
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "RTE-01", "00Q5", approve()));
    let (_, _, id) = owner_of(&job, 0, "00Q5");
    job.put("other/routing.toml", &rules.replace("Ann Ash", "Bob Birk"));
    let said = job.call(&["what-if", "--rules", "other"]).ends(0).out;
    let (first, rest) = said.split_once('\n').unwrap();
    assert!(
        first.ends_with(
            "0 gained, 0 lost (0 of them approved, 0 rejected); they propose something else for 1 (1 of them approved)"
        ),
        "{said}"
    );
    assert_eq!(rest, format!("  other   RTE-01 {} lead 00Q5\n", word(&id)));
    // Another rule that gives it to the same person proposes the same.
    job.put("other/routing.toml", &rules.replace("\"worked\"", "\"in work\""));
    assert!(!job.call(&["what-if", "--rules", "other"]).ends(0).out.contains("something else"));
}

#[test]
fn a_decision_on_a_packet_that_is_gone_is_asked_again() {
    let (job, _) = routed("Ann Ash");
    week(&job, 0);
    decide(
        &job,
        &Filled::of(&job, DAY).says(&job, DAY, "RTE-01", "00Q5", reject("rule_wrong")).says(
            &job,
            DAY,
            "OWN-01",
            "00Q3",
            reject("correct_as_is"),
        ),
    );
    week(&job, 1);
    assert_eq!(owner_of(&job, 1, "00Q5").1, "quiet");
    fs::remove_dir_all(job.path(&format!("runs/{DAY}"))).unwrap();
    let said = job.call(&["run", ".", "--as-of", WEEKS[2]]).ends(1);
    let gap = "what was proposed in the packet of 2026-03-01 is not known, so what was decided on it is asked again";
    assert!(said.err.contains(gap) || said.out.contains(gap), "{}{}", said.out, said.err);
    assert_eq!(owner_of(&job, 2, "00Q5").1, "decide");
}

#[test]
fn the_mailed_summary_counts_the_rows_that_were_set_aside() {
    let job = Job::weekly();
    assert!(!week(&job, 0).contains("set aside"));
    let leads = job.text("exports/lead.csv");
    job.put("exports/lead.csv", &format!("{leads}00Q99,too short\n"));
    let rows = leads.lines().count();
    let said = job.call(&["run", ".", "--as-of", WEEKS[1]]).out;
    assert!(
        said.contains(&format!("Rows set aside, which the packet names: 1 of {rows} in lead.csv.")),
        "{said}"
    );
}

#[test]
fn what_waits_is_counted_alike_wherever_it_is_told() {
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    week(&job, 0);
    let filled = Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "00Q3", confirm()).says(
        &job,
        DAY,
        "OWN-02",
        "00Q4",
        approve(),
    );
    decide(&job, &filled);
    // The record of one is not under review any more; nothing was applied.
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[batch]\nids = \"ids.csv\"\n"));
    job.put("rules/ids.csv", "00Q1\n00Q2\n00Q4\n");
    let said = week(&job, 1);
    assert!(said.contains("; 1 more is approved and waits to be applied"), "{said}");
    assert!(
        said.contains("2 approved and not yet in the CRM, of which 1 is not in this packet"),
        "{said}"
    );
    let packet = job.text(&format!("runs/{}/packet.html", WEEKS[1]));
    assert!(packet.contains("2 approved and not yet in the CRM, of which 1 is not in this packet"));
    assert!(packet.contains("1 proposal on 1 of 3 records under review"), "{said}");
    // Flagged are the records of what is to decide: reviewed, reference, flagged.
    let leads = "<th scope=\"row\">leads</th><td class=\"n\">5</td><td class=\"n\">3</td><td class=\"n\">2</td><td class=\"n\">1</td>";
    assert!(packet.contains(leads));
}

#[test]
fn whom_an_escalation_asks_is_said_in_words() {
    let job = Job::weekly();
    week(&job, 0);
    let asked =
        |to| Filled::of(&job, DAY).says(&job, DAY, "OWN-02", "00Q4", escalate(to, "2026-03-10"));
    decide(&job, &asked("sales_lead"));
    let said = week(&job, 1);
    assert!(said.contains("escalated to sales lead, to be answered by"), "{said}");
    let packet = job.text(&format!("runs/{}/packet.html", WEEKS[1]));
    assert!(
        packet.contains("Escalated to sales lead by")
            && packet.contains("scalated to sales lead, to be")
    );
    let id = word(&asked("owner").file["decisions"][0]["finding"]);
    let told = job.call(&["explain", ".", &id, "--of", DAY]).ends(0).out;
    assert!(told.contains("(to sales lead, until 2026-03-10)"), "{told}");
}

#[test]
fn a_week_that_had_not_every_file_does_not_keep_others_from_being_judged_again() {
    let job = Job::weekly();
    week(&job, 0);
    for name in ["lead.csv", "user.csv"] {
        job.put(&format!("exports/{DAY}/{name}"), &job.text(&format!("exports/{name}")));
    }
    read_history(&job);
    job.put(
        "exports/history.csv",
        "ParentId,Field,OldValue,NewValue,CreatedDate\n00Q5,Status,New,Working,2026-03-06\n",
    );
    job.edit("exports/lead.csv", "Bolt,", "Bolts,");
    week(&job, 1);
    let said = job.call(&["what-if", "--rules", "rules"]).ends(0).out;
    let weeks: Vec<_> = said.lines().collect();
    assert_eq!(
        weeks,
        [
            "2026-03-01: it was made without history.csv, which review.toml names now: it cannot be judged \
             again",
            "2026-03-08: 3 findings, 3 under the other rules: 0 gained, 0 lost (0 of them approved, 0 rejected)"
        ]
    );
}

#[test]
fn copies_that_become_more_are_the_same_question() {
    let job = Job::weekly();
    job.put("rules/duplicates.toml", "[same-person]\ncrowd = 2\n[similar-person]\noff = true\n");
    let another = |id: &str| {
        let copy =
            format!("{id},Ann,Ng,Acme,ann.ng@acme-corp.com,,0051,New,2025-01-05,2026-02-27,,\n");
        job.put("exports/lead.csv", &(job.text("exports/lead.csv") + &copy));
    };
    another("00Q6");
    another("00Q7");
    week(&job, 0);
    assert!(standing(&job, 0).contains(&"DUP-12 00Q1 new 1 decide".to_owned()));
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "DUP-12", "00Q1", reject("correct_as_is")));
    // A form that writes the same record again and again has written one more.
    another("00Q8");
    let said = week(&job, 1);
    assert!(!said.contains("resolved:"), "{said}");
    let copies = |it: &&String| it.starts_with("DUP-12");
    let stands = standing(&job, 1);
    assert_eq!(
        stands.iter().filter(copies).collect::<Vec<_>>(),
        ["DUP-12 00Q1 recurring 2 quiet"],
        "{stands:?}"
    );
}

#[test]
fn an_approval_does_not_stand_on_what_only_somebody_else_may_approve_now() {
    let job = Job::weekly();
    let boundary = job.text("rules/boundary.toml");
    let deals = "\n[deal.fields]\n\
         id = { from = \"Id\", why = \"Names the deal.\" }\n\
         owner = { from = \"OwnerId\", why = \"Finds deals nobody works.\" }\n\
         stage = { from = \"StageName\", why = \"The stage.\" }\n\
         close_date = { from = \"CloseDate\", why = \"When it is to close.\" }\n\
         forecast = { from = \"ForecastCategory\", why = \"Marks what somebody reports on.\" }\n";
    job.put("rules/boundary.toml", &(boundary + deals));
    job.put("review.toml", &(job.text("review.toml") + "deal = \"deal.csv\"\n"));
    job.put("rules/owners.toml", HANDOVER);
    let ladder =
        "\n[deal]\nfield = \"stage\"\norder = [\"Open\"]\nwon = [\"Won\"]\nlost = [\"Lost\"]\n";
    job.put("rules/lifecycle.toml", &(job.text("rules/lifecycle.toml") + ladder));
    let deal = |forecast: &str| {
        format!("Id,OwnerId,StageName,CloseDate,ForecastCategory\n0061,0052,Open,,{forecast}\n")
    };
    job.put("exports/deal.csv", &deal("Omitted"));
    week(&job, 0);
    assert!(standing(&job, 0).contains(&"OWN-01 0061 new 1 decide".to_owned()));
    decide(&job, &Filled::of(&job, DAY).says(&job, DAY, "OWN-01", "0061", confirm()));
    job.put("exports/deal.csv", &deal("Pipeline"));
    week(&job, 1);
    assert!(standing(&job, 1).contains(&"OWN-01 0061 recurring 2 apply".to_owned()));
    // It may be part of a forecast now.
    job.put("exports/deal.csv", &deal("Commit"));
    week(&job, 2);
    let stands = standing(&job, 2);
    assert!(stands.contains(&"OWN-01 0061 changed 3 decide".to_owned()), "{stands:?}");
}
