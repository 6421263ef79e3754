//! The rules as a product: what `rules check` and `rules test` say, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use crm_review::check::{Examples, Outcome, from_finding};
use crm_review::policy::{Document, Log};
use serde_json::Value;

use crate::decisions::{Filled, reject};
use crate::fixture;
use crate::job::{DAY, Job, word};

const ROUTING: &str = "rules/routing.toml";

#[test]
fn a_mistake_is_drawn_under_its_line_with_its_remedy() {
    let job = Job::acme("salesforce");
    job.edit(ROUTING, "grace_hours = 24", "grace_hourss = 24");
    job.edit(ROUTING, "region = \"Benelux\", employees", "regoin = \"Benelux\", employees");
    let said = job.call(&["rules", "check"]).ends(2);
    assert_eq!(
        said.out,
        "\
error: unknown key `grace_hourss`
 --> rules/routing.toml:4:1
  |
4 | grace_hourss = 24
  | ^^^^^^^^^^^^
  |
  = hint: did you mean `grace_hours`?

error: `lead.regoin` is not in rules/boundary.toml (did you mean `region`?)
  --> rules/routing.toml:46:10
   |
46 | when = { regoin = \"Benelux\", employees = { at_least = 1000 } }
   |          ^^^^^^
   |
   = hint: a rule can only use fields that are allowed and explained

2 problems; nothing was read
"
    );
}

#[test]
fn what_the_lint_finds_can_end_the_command() {
    let job = Job::acme("salesforce");
    let check = |more: &[&str]| {
        let day = ["rules", "check", "--as-of", "2026-11-23"];
        job.call(&[&day, more].concat())
    };
    // One of a pool left the company.
    let said = check(&[]).ends(0);
    assert!(said.out.contains("warning[RUL-04]: `Stefan Pohl` was deactivated"), "{}", said.out);
    check(&["--fail-on", "high"]).ends(6);
    job.edit(ROUTING, ", \"Stefan Pohl\"", "");
    check(&["--fail-on", "high"]).ends(0);
    job.edit("review.toml", "time_zone", "time_zome");
    check(&["--fail-on", "high"]).ends(2);
}

#[test]
fn programs_and_code_hosts_read_the_same_verdict() {
    let job = Job::acme("salesforce");
    let said = |format: &str| -> Value {
        let call = ["rules", "check", "--as-of", "2026-11-23", "--format", format];
        serde_json::from_str(&job.call(&call).ends(0).out).unwrap()
    };
    let (json, sarif) = (said("json"), said("sarif"));
    assert_eq!((&json["schema"], &json["valid"]), (&1.into(), &true.into()));
    let remarks = json["remarks"].as_array().unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(!remarks.is_empty() && remarks.len() == results.len());
    let declared: BTreeSet<&str> = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    for (remark, result) in remarks.iter().zip(results) {
        assert_eq!(remark["rule"], result["ruleId"]);
        assert!(declared.contains(result["ruleId"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(remark["file"], place["artifactLocation"]["uri"]);
        assert_eq!(remark["line"], place["region"]["startLine"]);
    }
    // Problems are told in the same way.
    job.edit(ROUTING, "grace_hours", "grace_hourss");
    let said = job.call(&["rules", "check", "--format", "sarif"]).ends(2);
    let sarif: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
}

const EXAMPLES: &str = r#"
[reference]
user = [
  { id = "0055g000000aaa1AAA", name = "Ann Ng", active = true },
  { id = "0055g000000aaa2AAA", name = "Priya Raman", active = true },
]

[[example]]
name = "Universities go to Priya"
as_of = 2026-11-23
lead = { industry = "Higher Education", owner = "Ann Ng", created = 2026-10-01 }
fires = ["RTE-01"]

[[example]]
name = "What Priya has of them is right"
as_of = 2026-11-23
lead = { industry = "Higher Education", owner = "Priya Raman", created = 2026-10-01 }
quiet = ["wrong-owner", "RTE-05"]
"#;

#[test]
fn examples_are_judged_by_the_real_checks_and_count_what_they_cover() {
    let job = Job::acme("salesforce");
    let before = job.call(&["rules", "test"]).ends(0);
    assert!(before.out.starts_with("there is no example"), "{}", before.out);
    job.put("rules/examples.toml", EXAMPLES);
    let said = job.call(&["rules", "test"]).ends(0);
    for expected in [
        "2 examples: 2 hold, 0 do not\n",
        "checks with an example: 2 of 49 (RTE-01, RTE-05)\n",
        "routing rules that took a record of an example: 1 of 9; not these:\n",
        "  rules/routing.toml:50: `Territories`\n",
    ] {
        assert!(said.out.contains(expected), "{expected}{}", said.out);
    }
    job.edit("rules/examples.toml", "fires = [\"RTE-01\"]", "quiet = \"all\"");
    let said = job.call(&["rules", "test"]).ends(2);
    for expected in [
        "error: `Universities go to Priya` does not hold: `RTE-01` wrong-owner fires: Rule \
         `Universities and institutes` gives this lead to Priya Raman, and Ann Ng has it\n --> rules/examples.toml:9:9",
        "2 examples: 1 hold, 1 do not\n",
    ] {
        assert!(said.out.contains(expected), "{expected}{}", said.out);
    }
}

#[test]
fn mistakes_in_examples_are_problems_of_the_rules() {
    let job = Job::acme("salesforce");
    job.put("rules/examples.toml", EXAMPLES);
    job.edit("rules/examples.toml", "\"wrong-owner\"", "\"wrong-owners\"");
    job.edit("rules/examples.toml", "fires = [\"RTE-01\"]", "fire = [\"RTE-01\"]");
    let said = job.call(&["rules", "test"]).ends(2);
    for expected in [
        "did you mean `wrong-owner`?",
        "did you mean `fires`?",
        "examples.toml:8: this example says neither",
    ] {
        assert!(said.err.contains(expected), "{expected}\n{}", said.err);
    }
}

#[test]
fn adding_an_example_changes_no_packet() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let before = job.json("runs/2026-03-01/manifest.json");
    job.put(
        "rules/examples.toml",
        "[[example]]\nname = \"A lead\"\nlead = { id = \"1\" }\nquiet = \"all\"\n",
    );
    job.run(&[]).ends(0);
    let after = job.json("runs/2026-03-01/manifest.json");
    assert_eq!(before["definition_sha256"], after["definition_sha256"]);
    assert_eq!(before["run"], after["run"]);
}

#[test]
fn a_finding_becomes_an_example_that_shows_it_again_and_nothing_that_may_not_be_shown() {
    let (mut all, mut again) = (0, BTreeMap::new());
    for folder in fixture::folders() {
        let judged = fixture::judged(&folder);
        let as_of = fixture::today();
        for report in &judged.reports {
            let Outcome::Ran(judgement) = &report.outcome else { continue };
            for finding in &judgement.findings {
                let text =
                    from_finding(report.check, finding, &report.reads, &judged.pulled, as_of.day);
                all += 1;
                let Some(text) = text else { continue };
                for field in report.reads.iter().filter(|field| field.exposure().word() != "shown")
                {
                    for row in judged.pulled.get(field.object()).iter().flat_map(|it| it.rows()) {
                        let value = row.text(field).unwrap_or_default();
                        assert!(value.len() < 5 || !text.contains(value), "{folder:?}\n{text}");
                    }
                }
                let log = Log::default();
                let document = Document::parse("rules/examples.toml", &text, &log);
                let examples = Examples::parse(&document.root(&log), &judged.boundary);
                let examples =
                    log.finish(examples).unwrap_or_else(|all| panic!("{folder:?}\n{all}\n{text}"));
                let example = examples.all.first().unwrap();
                let off = BTreeSet::new();
                let day = (as_of.day, as_of.zone);
                let tried = examples.judge(example, &judged.policies, &off, day);
                let fires = tried.fired.iter().any(|(check, _)| check.code == report.check.code);
                *again.entry(report.check.code).or_insert(0) += usize::from(fires);
            }
        }
    }
    let shown: usize = again.values().sum();
    assert!(shown * 10 >= all * 7, "{shown} of {all} findings fire again: {again:?}");
}

#[test]
fn a_rejected_proposal_becomes_an_example_in_one_command() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    let id = |rule: &str| {
        let found = job.findings();
        word(&found.iter().find(|line| line["rule"] == rule).unwrap()["id"])
    };
    let (owner_left, twins) = (id("OWN-01"), id("DUP-01"));
    let said = job.call(&["rules", "example", &owner_left]).ends(2).err;
    assert!(said.contains("nobody rejected it") && said.contains("hint: "), "{said}");
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"))
        .says(&job, DAY, "DUP-01", "00Q1", reject("correct_as_is"))
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);

    let said = job.call(&["rules", "example", &owner_left]).ends(0).out;
    assert!(said.contains("quiet = [\"OWN-01\"]") && said.contains("id = \"00Q3\""), "{said}");
    job.call(&["rules", "example", &twins]).ends(0);
    let again = job.call(&["rules", "example", &twins]).ends(0).out;
    assert_eq!(again, "it stands in rules/examples.toml already\n");
    let text = job.text("rules/examples.toml");
    assert_eq!(text.matches("[[example]]").count(), 2);
    // What may not be shown in full is named and not written.
    assert!(text.contains("# Not written here, as it may not be shown: email"), "{text}");
    for never in ["acme-corp.com", "202 555", "2025550143", "bolt-works"] {
        assert!(!text.contains(never), "{text}");
    }

    // The rule still says it, until it is changed.
    let said = job.call(&["rules", "test"]).ends(2).out;
    assert!(said.contains("lead 00Q3 is right as it is"), "{said}");
    job.put("rules/owners.toml", "[inactive-owner]\noff = true\n");
    let said = job.call(&["rules", "test"]).out;
    assert!(!said.contains("lead 00Q3 is right as it is"), "{said}");
    let said = job.call(&["rules", "example", &owner_left]).ends(2).err;
    assert!(said.contains("do not find it any more"), "{said}");
    job.edit("exports/lead.csv", "Bolt", "Bolts");
    let said = job.call(&["rules", "example", &twins]).ends(2).err;
    assert!(said.contains("not there any more"), "{said}");
    assert!(job.call(&["rules", "example", "F-1"]).ends(2).err.contains("not the id"));
}
