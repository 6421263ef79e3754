//! The procedure on one page: whole, of this folder, and every control leads to something that is there.

use clap::CommandFactory as _;

use crate::job::Job;

/// The parts of a text between two signs.
fn between<'t>(text: &'t str, start: &'t str, end: &'t str) -> Vec<&'t str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn the_page_has_its_seven_parts_and_names_the_people_of_the_folder() {
    let job = Job::acme("salesforce");
    let page = job.call(&["procedure"]).ends(0).out;
    let titles: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        titles,
        [
            "Trigger",
            "Inputs",
            "Blocked inputs",
            "Outputs",
            "Review criteria and approval",
            "Logs",
            "Improvement",
            "Controls"
        ]
    );
    for said in [
        "no certification and no legal advice",
        "days are those of Europe/Berlin",
        "Leads, from Lead.csv: 39 shown, 1 masked, 1 compared and never shown.",
        "`*transcript*`",
        "Routing (rules/routing.toml): RTE-01, ",
        "Default decision: no change",
    ] {
        assert!(page.contains(said), "{said} is not in:\n{page}");
    }
    let approver = job.text("rules/approvals.toml");
    let approver = between(&approver, "name = \"", "\"")[0].to_owned();
    assert!(page.contains(&format!("Approver: {approver}")), "{page}");
    // What is switched off is no criterion.
    job.put("review.toml", &(job.text("review.toml") + "\n[checks]\noff = [\"RTE-01\"]\n"));
    assert!(!job.call(&["procedure"]).ends(0).out.contains("RTE-01"));
}

#[test]
fn every_control_can_be_seen_where_it_says() {
    let job = Job::acme("salesforce");
    let page = job.call(&["procedure"]).ends(0).out;
    job.call(&["run", ".", "--as-of", "2026-11-23"]).ends(0);
    let packet = job.text("runs/2026-11-23/packet.html");
    let (_, controls) = page.split_once("## Controls").unwrap();
    let rows: Vec<_> = controls.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 10, "{controls}");
    let commands = crm_review::cli::Cli::command();
    for row in rows {
        let seen = row.rsplit('|').nth(1).unwrap();
        for file in ["rules/boundary.toml", "rules/approvals.toml", "ledger.jsonl"] {
            assert!(!seen.contains(file) || job.has(file), "{row}");
        }
        for file in ["manifest.json", "rules.json"] {
            assert!(!seen.contains(file) || job.has(&format!("runs/2026-11-23/{file}")), "{row}");
        }
        for called in between(seen, "`crm-review ", "`") {
            assert!(commands.find_subcommand(called).is_some(), "{row}");
        }
        for title in [
            "Data boundary",
            "Held",
            "Escalate only",
            "Evidence incomplete",
            "What repeats",
            "Run manifest",
        ] {
            assert!(!seen.contains(title) || packet.contains(title), "{row}");
        }
    }
}
