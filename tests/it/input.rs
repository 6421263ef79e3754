//! What a run says of its input as a whole: exports that were cut, exports that are old, rules that name
//! people who are not in them.

use crate::decisions::{Filled, escalate};
use crate::job::{DAY, Job, word};

/// Leaves a file its header and its first records.
fn keep(job: &Job, file: &str, records: usize) {
    let text = job.text(file);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in reader.records().take(1 + records) {
        writer.write_record(&row.unwrap()).unwrap();
    }
    job.put_bytes(file, &writer.into_inner().unwrap());
}

fn run_on(job: &Job, day: &str, code: i32) -> (String, String) {
    let said = job.call(&["run", ".", "--as-of", day]).ends(code);
    (said.out.split_whitespace().collect::<Vec<_>>().join(" "), said.err)
}

#[test]
fn a_table_that_lost_most_of_its_records_makes_the_packet_incomplete_and_resolves_nothing() {
    let job = Job::acme("salesforce");
    run_on(&job, "2026-11-16", 0);
    let whole = ["exports/Lead.csv", "exports/Contact.csv"].map(|file| (file, job.text(file)));
    keep(&job, "exports/Lead.csv", 60);
    keep(&job, "exports/Contact.csv", 0);
    let (summary, err) = run_on(&job, "2026-11-23", 1);
    for words in [
        "Lead.csv: 60 leads, and the packet of 16 November 2026 had 364",
        "Contact.csv: no contacts, and the packet of 16 November 2026 had",
        "`accept_smaller = 2026-11-23`",
    ] {
        assert!(summary.contains(words) && err.contains(words), "{words}\n{summary}\n{err}");
    }
    assert!(summary.contains("INCOMPLETE") && summary.contains("withheld"), "{summary}");
    // Nothing of what was cut is resolved; that the accounts' sync runs again is known by theirs.
    let history = job.text("runs/2026-11-23/history.jsonl");
    let history =
        history.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let resolved: Vec<_> = history.filter(|it| it["resolved"][0] == "2026-11-23").collect();
    assert!(
        resolved.iter().all(|it| it["object"] == "account" && it["rule"] == "SOR-07"),
        "{resolved:?}"
    );
    // What is cut is not the measure of the next week.
    let (summary, _) = run_on(&job, "2026-11-30", 1);
    assert!(summary.contains("60 leads, and the packet of 16 November 2026 had 364"), "{summary}");
    // The whole export comes back: nothing of it was forgotten.
    for (file, text) in whole {
        job.put(file, &text);
    }
    let (summary, _) = run_on(&job, "2026-12-07", 0);
    assert!(!summary.contains("INCOMPLETE"), "{summary}");
    let lines = job.text("runs/2026-12-07/findings.jsonl");
    let known = lines.lines().filter(|line| !line.contains("\"state\":\"new\"")).count();
    assert!(known * 10 > lines.lines().count() * 9, "{known}");
    assert!(!lines.contains("\"state\":\"reopened\""));
    job.call(&["verify"]).ends(0);
}

#[test]
fn a_table_that_somebody_cleaned_up_is_accepted_as_of_a_day() {
    let job = Job::acme("salesforce");
    run_on(&job, "2026-11-16", 0);
    keep(&job, "exports/Lead.csv", 60);
    run_on(&job, "2026-11-23", 1);
    let rules = job.text("rules/batch.toml");
    job.put("rules/batch.toml", &format!("{rules}\n[input]\naccept_smaller = 2026-11-23\n"));
    let (summary, _) = run_on(&job, "2026-11-30", 0);
    assert!(!summary.contains("INCOMPLETE"), "{summary}");
    run_on(&job, "2026-12-07", 0);
    // A table that shrinks by less than the rules say is none of their business.
    keep(&job, "exports/Lead.csv", 40);
    run_on(&job, "2026-12-14", 0);
    job.put("rules/batch.toml", &format!("{rules}\n[input]\nmax_loss = 0.1\n"));
    keep(&job, "exports/Lead.csv", 15);
    run_on(&job, "2026-12-21", 1);
}

#[test]
fn exports_that_are_older_than_the_week_are_told_and_are_no_failure() {
    let job = Job::weekly();
    let newest = "The newest change in the records is of 2026-02-28.";
    let (summary, err) = run_on(&job, "2026-03-30", 0);
    assert!(summary.contains(newest) && !summary.contains("To know"), "{summary}");
    assert!(!err.contains("newest"), "{err}");
    let (summary, err) = run_on(&job, "2026-03-31", 0);
    let says = "the newest change in the records is of 2026-02-28, 31 days before the review";
    assert!(summary.contains(newest) && summary.contains(says), "{summary}");
    assert!(err.contains(&format!("note: {says}")), "{err}");
    let packet = job.text("runs/2026-03-31/packet.html");
    assert!(packet.contains("newest change in the records is of 28 February 2026"));
    assert!(packet.to_lowercase().contains(says));
    let doctor = job.call(&["doctor"]).ends(0).out;
    assert!(doctor.contains("warn   exports: the newest change in the records is of"), "{doctor}");
    job.put("rules/batch.toml", "[input]\nstale_after_days = 31\n");
    let (summary, _) = run_on(&job, "2026-03-31", 0);
    assert!(!summary.contains("To know"), "{summary}");
    // A date that lies ahead is an error of its own, and says nothing of how new the exports are.
    job.edit("exports/lead.csv", "2026-02-28", "2027-02-28");
    let (summary, _) = run_on(&job, "2026-03-31", 0);
    assert!(summary.contains("is of 2026-02-27") && summary.contains("To know"), "{summary}");
}

#[test]
fn a_rule_that_names_nobody_is_told_once_and_the_mail_names_no_person() {
    let job = Job::weekly();
    let rules = "[[rule]]\nname = \"new ones\"\nobjects = [\"lead\"]\nwhen = { status = \"New\" }\nto = \"Eve Mos\"\n";
    job.put("rules/routing.toml", &rules.replace("Mos", "Moss"));
    let (summary, err) = run_on(&job, "2026-03-01", 0);
    assert!(!summary.contains("RUL-04") && err.is_empty(), "{summary}{err}");
    let doctor = job.call(&["doctor"]).ends(0).out;
    assert!(!doctor.contains("routing.toml"), "{doctor}");

    job.put("rules/routing.toml", rules);
    let (summary, err) = run_on(&job, "2026-03-08", 0);
    let line = "rules/routing.toml:5";
    assert_eq!(summary.matches(line).count(), 1, "{summary}");
    assert!(!summary.contains("Mos"), "{summary}");
    let says = format!(
        "{line}: `Eve Mos` is neither a user nor a queue: did you mean `Eve Moss`? (RUL-04)"
    );
    // Cron mails what is said there too.
    assert!(err.contains(&format!("note: {line} names somebody")) && !err.contains("Mos"), "{err}");
    assert!(job.text("runs/2026-03-08/packet.html").contains("<code>Eve Moss</code>? (RUL-04)"));
    let doctor = job.call(&["doctor"]).ends(0).out;
    assert!(doctor.contains(&format!("warn   {says}")), "{doctor}");
    job.put("rules/routing.toml", &format!("[lint]\noff = [\"RUL-04\"]\n\n{rules}"));
    let (summary, _) = run_on(&job, "2026-03-08", 0);
    assert!(!summary.contains("RUL-04"), "{summary}");
}

#[test]
fn a_handover_in_a_circle_is_mailed_as_one() {
    let job = Job::weekly();
    let circle =
        "[inactive-owner]\nhandover = { \"Ann Old\" = \"Bo Old\", \"Bo Old\" = \"Ann Old\" }\n";
    job.put("rules/owners.toml", circle);
    let (summary, _) = run_on(&job, "2026-03-01", 0);
    let says = "rules/owners.toml:2 names a handover that leads in a circle or to nobody who can be given records (RUL-11)";
    assert!(summary.contains(says) && !summary.contains("Old"), "{summary}");
}

#[test]
fn what_is_quoted_says_when_its_record_was_last_changed() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let packet = job.text(&format!("runs/{DAY}/packet.html"));
    // Twins stand beside each other, each with the row it came from and its day.
    for (line, day) in [(2, "2026-02-27"), (3, "2026-02-28")] {
        let side = format!("<small><bdi>lead.csv:{line}</bdi></small><small>changed {day}</small>");
        assert!(packet.contains(&side), "{side}");
    }
    // Another card names its record with the day, and the rows of evidence need not repeat it.
    let named = "<bdi class=\"id\">00Q3</bdi> <span class=\"mod\">changed 2025-03-01</span>";
    assert!(packet.contains(named));
    let days: Vec<_> = packet.matches("changed 2025-03-01").collect();
    assert_eq!(days.len(), packet.matches(named).count());
    // So does findings.jsonl, and so does `explain`; users have no such day.
    let gone = job.findings().into_iter().find(|it| it["rule"] == "OWN-01").unwrap();
    for cell in gone["evidence"].as_array().unwrap().iter().filter(|it| it["kind"] == "cell") {
        let day = (cell["object"] == "lead").then_some("2025-03-01");
        assert_eq!(cell["modified"].as_str(), day, "{cell}");
    }
    let explained = job.call(&["explain", gone["id"].as_str().unwrap()]).ends(0).out;
    assert!(explained.contains("(lead.csv:4, column OwnerId; changed 2025-03-01)"), "{explained}");
    // Each input tells its own newest change.
    assert!(packet.contains("<td class=\"day\">2026-02-28</td><td>UTF-8"));
    assert!(packet.contains("<td class=\"day\"><span class=\"dim\">not told</span></td><td>UTF-8"));
}

#[test]
fn a_day_that_is_not_shown_or_not_listed_dates_nothing() {
    let listed = "modified = { from = \"LastModifiedDate\", why = \"Says what changed.\" }";
    let hidden = listed.replace(" }", ", show = \"never\" }");
    let mut digests = Vec::new();
    for put in [listed, &hidden, ""] {
        let job = Job::weekly();
        job.edit("rules/boundary.toml", listed, put);
        job.run(&[]).ends(0);
        let packet = job.text(&format!("runs/{DAY}/packet.html"));
        assert_eq!(packet.contains("changed 2026-02-27"), put == listed, "{put}");
        let lines = job.text(&format!("runs/{DAY}/findings.jsonl"));
        assert_eq!(lines.contains("\"modified\":\"2026-02-27\""), put == listed, "{put}");
        let twins = job.findings().into_iter().find(|it| it["rule"] == "DUP-01").unwrap();
        digests.push(twins["evidence_digest"].clone());
    }
    // The day is no fact that a decision could be about: a record that is touched is not asked about anew.
    assert_eq!(digests, vec![digests[0].clone(); 3]);
}

#[test]
fn a_column_that_was_renamed_makes_the_packet_incomplete_and_resolves_nothing_that_was_judged_by_it()
 {
    let job = Job::acme("salesforce");
    run_on(&job, "2026-11-16", 0);
    let whole = job.text("exports/Lead.csv");
    let renamed = whole.replacen("\"Email\"", "\"Work mail\"", 1);
    job.put("exports/Lead.csv", &renamed.replacen("\"OwnerId\"", "\"Inhaber\"", 1));
    let gone = "Lead.csv: its columns `Email` (`lead.email`) and `OwnerId` (`lead.owner`) are gone, which the packet of 16 November 2026 had";
    let remedy = "renamed: add the new name to `from` in rules/boundary.toml";
    // What lacks a column is not the measure of the next week.
    for day in ["2026-11-23", "2026-11-30"] {
        let (summary, err) = run_on(&job, day, 1);
        for words in [gone, remedy] {
            assert!(summary.contains(words) && err.contains(words), "{words}\n{summary}\n{err}");
        }
        assert!(summary.contains("INCOMPLETE") && summary.contains("withheld"), "{summary}");
        let lost = &job.json(&format!("runs/{day}/manifest.json"))["inputs"][0]["fields_lost"];
        assert_eq!(lost["email"]["as_of"], "2026-11-16");
        assert_eq!(lost["owner"]["column"], "OwnerId");
        let history = job.text(&format!("runs/{day}/history.jsonl"));
        let judged = ["DUP-01", "DUP-06", "DUP-08", "OWN-01", "OWN-02", "OWN-03", "RTE-01"];
        for line in history.lines().filter(|line| judged.iter().any(|rule| line.contains(rule))) {
            assert!(line.contains("\"resolved\":null"), "{line}");
        }
    }
    // The column comes back under another name, which the boundary is told.
    let boundary = job.text("rules/boundary.toml");
    let boundary = boundary.replacen("\"Email\"", "[\"Email\", \"Work mail\"]", 1);
    let boundary = boundary.replacen("\"OwnerId\"", "[\"OwnerId\", \"Inhaber\"]", 1);
    job.put("rules/boundary.toml", &boundary);
    let (summary, _) = run_on(&job, "2026-12-07", 0);
    assert!(!summary.contains("INCOMPLETE"), "{summary}");
    let lines = job.text("runs/2026-12-07/findings.jsonl");
    assert!(!lines.contains("\"state\":\"reopened\""));
    job.call(&["verify"]).ends(0);
}

#[test]
fn a_column_that_is_gone_for_good_is_taken_out_of_the_allowlist() {
    let job = Job::weekly();
    // The twins are alike by their phone.
    job.edit(
        "exports/lead.csv",
        "00Q2,Ann,Ng,Acme,ann.ng@acme-corp.com",
        "00Q2,Ann,Ng,Acme,ann.ng@acme-corp.de",
    );
    run_on(&job, "2026-03-01", 0);
    let twins = job.findings().into_iter().find(|it| it["family"] == "duplicates").unwrap();
    let rule = word(&twins["rule"]);
    Filled::of(&job, DAY)
        .says(&job, DAY, &rule, "00Q1", escalate("owner", "2026-06-30"))
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let leads = job.text("exports/lead.csv");
    job.put("exports/lead.csv", &leads.replacen(",Phone,", ",Durchwahl,", 1));
    run_on(&job, "2026-03-08", 1);
    let boundary = job.text("rules/boundary.toml");
    let kept = boundary.lines().filter(|line| !line.starts_with("phone"));
    job.put("rules/boundary.toml", &kept.collect::<Vec<_>>().join("\n"));
    // What was judged by it nobody looked at again.
    for day in ["2026-03-15", "2026-03-22"] {
        let (summary, _) = run_on(&job, day, 0);
        assert!(!summary.contains("resolved:"), "{summary}");
        assert!(summary.contains(&format!("{rule} lead 00Q1: escalated to owner")), "{summary}");
    }
    let packet = job.text("runs/2026-03-15/packet.html");
    let (_, blind) = packet.split_once("Not tried, for they would read what is not read").unwrap();
    assert!(blind.split_once('.').unwrap().0.contains(&rule), "{blind}");
}

#[test]
fn a_field_without_a_column_is_told_before_the_checks_see_it_as_blank() {
    let job = Job::weekly();
    let (summary, err) = run_on(&job, "2026-03-01", 0);
    assert!(!summary.contains("no input has") && err.is_empty(), "{summary}{err}");
    let job = Job::weekly();
    job.edit(
        "rules/boundary.toml",
        "from = \"Email\"",
        "from = [\"Work mail\", \"Business mail\"]",
    );
    let (summary, err) = run_on(&job, "2026-03-01", 0);
    let says = "no input has a column for `lead.email` (Work mail or Business mail), which the checks see as blank";
    assert!(summary.contains(says) && err.contains(&format!("note: {says}")), "{summary}{err}");
    let doctor = job.call(&["doctor"]).ends(0).out;
    assert!(doctor.contains(&format!("warn   {says}")), "{doctor}");
    job.call(&["verify"]).ends(0);
}

#[test]
fn a_second_download_beside_the_first_is_not_passed_over_in_silence() {
    let job = Job::weekly();
    job.put("exports/lead (1).csv", &job.text("exports/lead.csv").replace("00Q", "00R"));
    job.put("exports/billing.csv", "customer,name\n1,Ann\n");
    job.put("exports/2026-02-22/lead.csv", &job.text("exports/lead.csv"));
    let says = "lead (1).csv has the columns of lead.csv and is not read: [source.files] of review.toml names the files";
    let (_, err) = run_on(&job, "2026-03-01", 0);
    assert_eq!(err, format!("note: {says}\n"));
    let doctor = job.call(&["doctor"]).ends(0).out;
    assert_eq!(doctor.matches("is not read").count(), 1, "{doctor}");
    assert!(doctor.contains(&format!("warn   {says}")), "{doctor}");
}

#[test]
fn the_doctor_reads_the_exports_whoever_approves() {
    let job = Job::weekly();
    job.put("rules/approvals.toml", "[approver]\nname = \"(not named yet)\"\n");
    let doctor = job.call(&["doctor"]).ends(1).out;
    assert!(doctor.contains("   exports: the"), "{doctor}");
    job.edit("exports/lead.csv", "Id,FirstName", "Kennung,FirstName");
    let doctor = job.call(&["doctor"]).ends(1).out;
    assert!(doctor.contains("FAULT  lead.csv: no column for `lead.id`"), "{doctor}");
    assert!(doctor.contains("hint: if the column was renamed, add its new name"), "{doctor}");
}

#[test]
fn an_owner_column_of_names_is_refused_with_its_column_and_the_remedy() {
    let job = Job::acme("salesforce");
    let deals = job.text("exports/Opportunity.csv");
    let mut reader = csv::Reader::from_reader(deals.as_bytes());
    let header = reader.headers().unwrap().clone();
    let owner = header.iter().position(|name| name == "OwnerId").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let cells = row.iter().enumerate();
        writer
            .write_record(cells.map(|(at, cell)| if at == owner { "Ann Ng" } else { cell }))
            .unwrap();
    }
    job.put_bytes("exports/Opportunity.csv", &writer.into_inner().unwrap());
    let (_, err) = run_on(&job, DAY, 3);
    for words in [
        "Opportunity.csv has ",
        " and more (column `OwnerId`, read as `deal.owner`: not an id)",
        "if `OwnerId` names people, add `kind = \"name\"` to `owner` of [deal.fields] in rules/boundary.toml",
    ] {
        assert!(err.contains(words), "{words}\n{err}");
    }
}
