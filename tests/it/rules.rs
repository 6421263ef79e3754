//! The rules as a product: what `rules check` and `rules test` say, and to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use crm_review::boundary::Boundary;
use crm_review::check::{Examples, LINTS, Outcome, Policies, Rulebook, World, from_finding, lint};
use crm_review::policy::{Document, Log};
use serde_json::Value;

use crate::decisions::{Dice, Filled, reject};
use crate::fixture;
use crate::job::{DAY, Job, LEADS, word};

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
fn a_secret_beside_a_mistake_is_not_drawn() {
    const PASTED: &str = "pat-canary-0123456789";
    let live = "[source.live]\nhost = \"api.hubapi.com\"\n";
    for lines in [
        format!("{live}token = \"{PASTED}\""),
        format!("{live}client_secret = \"{PASTED}\""),
        format!("{live}tokn = {{ env = \"{PASTED}\" }}"),
        format!("{live}token = [\n  \"{PASTED}\",\n]"),
        format!("{live}token {PASTED}"),
        format!("[source.liv]\ntokn = \"{PASTED}\""),
        format!("[packet]\nmask_kye = \"{PASTED}\""),
        format!("[source.live]\nhost = \"https://ann:{PASTED}@api.hubapi.com/x\""),
    ] {
        let job = Job::acme("hubspot");
        job.put("review.toml", &format!("{}\n{lines}\n", job.text("review.toml")));
        for call in [
            &["rules", "check"][..],
            &["run"],
            &["doctor"],
            &["rules", "check", "--format", "json"],
        ] {
            let said = job.call(call);
            assert!(said.code == 2, "{lines}: {}", said.err);
            for text in [&said.out, &said.err] {
                assert!(!text.contains(PASTED), "{lines}: {text}");
            }
            if call == ["rules", "check"] {
                assert!(said.out.contains(" review.toml:"), "{lines}: {}", said.out);
            }
        }
    }
    let job = Job::acme("hubspot");
    job.put("review.toml", &(job.text("review.toml") + "\n[packet]\nmask_key = \"canary\"\n"));
    let said = job.call(&["rules", "check"]).ends(2);
    assert!(said.out.contains("mask_key") && !said.out.contains("canary"), "{}", said.out);
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
    assert!(said.out.contains("high[RUL-04]: `Stefan Pohl` was deactivated"), "{}", said.out);
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
        "checks with an example: 2 of 72 (RTE-01, RTE-05)
",
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
    // Where the fault was real there is no such example.
    for (reason, words) in [
        ("wrong_value", "only the proposed value was wrong"),
        ("already_fixed", "somebody had corrected it"),
    ] {
        Filled::of(&job, DAY)
            .says(&job, DAY, "OWN-02", "00Q4", reject(reason))
            .put(&job, "more.json");
        job.call(&["decide", "--supersede", ".", "more.json"]).ends(0);
        let said = job.call(&["rules", "example", &id("OWN-02")]).ends(2).err;
        assert!(said.contains(words) && said.contains("correct_as_is"), "{said}");
        assert!(!job.has("rules/examples.toml"));
    }

    let said = job.call(&["rules", "example", &owner_left]).ends(0).out;
    assert!(said.contains("quiet = [\"OWN-01\"]") && said.contains("id = \"00Q3\""), "{said}");
    assert!(!said.contains("does not show the fault"), "{said}");
    let said = job.call(&["rules", "example", &twins]).ends(0).out;
    // Without the addresses they are no twins, so the example holds before any rule is changed.
    let doubt = "# The example below does not show the fault by itself";
    assert!(said.contains(doubt) && said.contains("it holds already under the rules"), "{said}");
    let again = job.call(&["rules", "example", &twins]).ends(0).out;
    assert_eq!(again, "it stands in rules/examples.toml already\n");
    let text = job.text("rules/examples.toml");
    assert_eq!(text.matches("[[example]]").count(), 2);
    assert_eq!(text.matches(doubt).count(), 1, "{text}");
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
    let typed = format!(" {}", twins.to_lowercase());
    assert!(!job.call(&["rules", "example", &typed]).ends(2).err.contains("not the id"));
}

#[test]
fn an_example_without_any_value_is_not_written() {
    let job = Job::weekly();
    job.edit("exports/lead.csv", "Bolt", "ghp_k3J9sLq2Vn8Rt4Xw7Yb1Zc5Md6Fg0Hp2QaWs");
    job.run(&[]).ends(0);
    let found = job.findings();
    let one = |rule: &str| found.iter().find(|line| line["rule"] == rule).unwrap();
    let secret = one("BAT-06");
    Filled::of(&job, DAY)
        .says(&job, DAY, "BAT-06", &word(&secret["record"]), reject("rule_wrong"))
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let said = job.call(&["rules", "example", &word(&secret["id"])]).ends(2).err;
    assert!(said.contains("would show nothing") && said.contains("write one by hand"), "{said}");
    assert!(!job.has("rules/examples.toml"));
}

#[test]
fn an_example_of_an_instant_is_read_again_by_every_command() {
    let job = Job::weekly();
    job.edit("review.toml", "time_zone = \"UTC\"", "time_zone = \"Europe/Berlin\"");
    let leads = job.text("exports/lead.csv");
    let changed = leads.replace(",2025-02-01,2025-03-01,", ",2025-02-01,2025-03-01T09:20:15.000Z,");
    job.put("exports/lead.csv", &changed);
    job.run(&[]).ends(0);
    let found = job.findings();
    let one = found.iter().find(|line| line["rule"] == "OWN-01").unwrap();
    Filled::of(&job, DAY)
        .says(&job, DAY, "OWN-01", &word(&one["record"]), reject("rule_wrong"))
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let said = job.call(&["rules", "example", &word(&one["id"])]).ends(0).out;
    assert!(said.contains("modified = \"2025-03-01T09:20:15Z\""), "{said}");
    job.call(&["rules", "test"]).ends(2);
    job.run(&[]).ends(0);
}

/// What the lint says of a folder: codes and places, one a line, sorted.
fn linted(folder: &Path) -> String {
    let judged = fixture::judged(folder);
    let day = fixture::today();
    let world = World::new(&judged.pulled, day, &judged.policies, NonZeroUsize::MIN);
    let linted = lint(&judged.policies, day.day, Some(&world));
    let mut lines: Vec<String> = Vec::new();
    for fault in &linted.faults {
        lines.push(format!("{} {}:{}", fault.lint.code, fault.place.file, fault.place.line));
        assert!(!fault.message.ends_with('.') && !fault.hint.is_empty(), "{fault:?}");
    }
    lines.sort();
    lines.join("\n")
}

#[test]
fn the_lint_finds_all_planted_faults_and_only_those() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lint");
    let mut folders: Vec<_> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let (mut wrong, mut shown) = (String::new(), BTreeSet::new());
    for folder in folders {
        let expected = fs::read_to_string(folder.join("expect.txt")).unwrap_or_default();
        let mut expected: Vec<&str> = expected.lines().collect();
        expected.sort_unstable();
        shown.extend(expected.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned));
        let (found, expected) = (linted(&folder), expected.join("\n"));
        if found != expected {
            wrong += &format!("{folder:?}\nfound:\n{found}\nexpected:\n{expected}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    let all: BTreeSet<String> = LINTS.iter().map(|lint| lint.code.to_owned()).collect();
    assert_eq!(shown, all, "every kind of fault is planted");
}

const SMALL_WORLD: &str = r#"
[lead.fields]
id = { from = "Id", why = "Names the record." }
owner = { from = "Owner", why = "Who has it." }
country = { from = "Country", why = "Routing." }
postal_code = { from = "Zip", why = "Routing." }
employees = { from = "Employees", why = "Routing." }
vip = { from = "Vip", why = "Routing.", kind = "flag" }
region = { from = "Region", why = "Routing.", values = ["a", "b", "c"] }
[user.fields]
id = { from = "Id", why = "Names the user." }
"#;

/// A condition on a field, as TOML and as what it means; `None` is a blank value.
type Means = Box<dyn Fn(Option<&str>) -> bool>;

/// Some of a few values.
fn some(dice: &mut Dice, of: &[&'static str]) -> Vec<&'static str> {
    let mut some: Vec<_> = of.iter().copied().filter(|_| dice.below(3) == 0).collect();
    if some.is_empty() {
        some.push(of[dice.below(of.len())]);
    }
    some
}

fn text_condition(dice: &mut Dice, of: &[&'static str]) -> (String, Means) {
    let some = some(dice, of);
    let list = format!("{some:?}");
    match dice.below(5) {
        0 => (
            format!("{{ not = {list} }}"),
            Box::new(move |it| it.is_none_or(|it| !some.contains(&it))),
        ),
        1 => ("{ blank = true }".to_owned(), Box::new(|it| it.is_none())),
        2 => ("{ blank = false }".to_owned(), Box::new(|it| it.is_some())),
        _ => (list, Box::new(move |it| it.is_some_and(|it| some.contains(&it)))),
    }
}

fn start_condition(dice: &mut Dice, of: &[&'static str]) -> (String, Means) {
    if dice.below(2) == 0 {
        return text_condition(dice, of);
    }
    let some = some(dice, of);
    let means = format!("{{ starts_with = {some:?} }}");
    (means, Box::new(move |it| it.is_some_and(|it| some.iter().any(|start| it.starts_with(start)))))
}

fn number_condition(dice: &mut Dice) -> (String, Means) {
    let number = |it: Option<&str>| it.and_then(|it| it.parse::<usize>().ok());
    let (one, other) = (dice.below(6) + 1, dice.below(6) + 1);
    let (low, high) = (one.min(other), one.max(other));
    match dice.below(4) {
        0 => (
            format!("{{ at_least = {low} }}"),
            Box::new(move |it| number(it).is_some_and(|it| it >= low)),
        ),
        1 => (
            format!("{{ at_most = {low} }}"),
            Box::new(move |it| number(it).is_some_and(|it| it <= low)),
        ),
        2 => (format!("{low}"), Box::new(move |it| number(it) == Some(low))),
        _ => (
            format!("{{ between = [{low}, {high}] }}"),
            Box::new(move |it| number(it).is_some_and(|it| low <= it && it <= high)),
        ),
    }
}

/// A field with all the values that conditions on it can tell apart.
type Axis = (&'static str, &'static [Option<&'static str>]);

const COUNTRY: Axis = ("country", &[None, Some("a"), Some("b"), Some("c"), Some("none of these")]);
const CODE: Axis = (
    "postal_code",
    &[
        None,
        Some("1"),
        Some("10"),
        Some("100"),
        Some("2"),
        Some("1x"),
        Some("10x"),
        Some("100x"),
        Some("2x"),
        Some("x"),
    ],
);
const NUMBER: Axis = (
    "employees",
    &[None, Some("0"), Some("1"), Some("2"), Some("3"), Some("4"), Some("5"), Some("6"), Some("7")],
);
const FLAG: Axis = ("vip", &[None, Some("true"), Some("false")]);
const REGION: Axis = ("region", &[None, Some("a"), Some("b"), Some("c"), Some("none of these")]);

fn condition(dice: &mut Dice, field: &str) -> (String, Means) {
    match field {
        "country" | "region" => text_condition(dice, &["a", "b", "c"]),
        "postal_code" => start_condition(dice, &["1", "10", "100", "2"]),
        "employees" => number_condition(dice),
        _ => text_condition(dice, &["true", "false"]),
    }
}

/// Rules at random, and for each the records of the small world that it could take.
struct Invented {
    toml: String,
    /// The line of each rule.
    lines: Vec<usize>,
    outcomes: Vec<usize>,
    fields: Vec<BTreeSet<&'static str>>,
    takes: Vec<Vec<bool>>,
    records: Vec<Vec<Option<&'static str>>>,
}

fn invented(dice: &mut Dice, axes: &[Axis], catch_all: bool) -> Invented {
    let mut records: Vec<Vec<Option<&str>>> = vec![Vec::new()];
    for (_, values) in axes {
        records = records
            .into_iter()
            .flat_map(|record| {
                values.iter().map(move |value| [record.clone(), vec![*value]].concat())
            })
            .collect();
    }
    let mut toml = if catch_all { "catch_all = \"Q\"\n" } else { "\n" }.to_owned();
    let (mut lines, mut outcomes, mut fields, mut takes) = (vec![], vec![], vec![], vec![]);
    for at in 0..=dice.below(7) {
        let of: Vec<usize> = (0..axes.len()).filter(|_| dice.below(2) == 0).collect();
        let outcome = dice.below(3);
        let conditions: Vec<(usize, (String, Means))> =
            of.iter().map(|axis| (*axis, condition(dice, axes[*axis].0))).collect();
        let when: Vec<String> = conditions
            .iter()
            .map(|(axis, (says, _))| format!("{} = {says}", axes[*axis].0))
            .collect();
        lines.push(toml.lines().count() + 1);
        toml += &format!(
            "[[rule]]\nname = \"{at}\"\nwhen = {{ {} }}\nto = \"{}\"\n",
            when.join(", "),
            ["A", "B", "C"][outcome]
        );
        outcomes.push(outcome);
        fields.push(of.iter().map(|axis| axes[*axis].0).collect());
        let met = |record: &Vec<Option<&str>>| {
            conditions.iter().all(|(axis, (_, means))| means(record[*axis]))
        };
        takes.push(records.iter().map(met).collect());
    }
    Invented { toml, lines, outcomes, fields, takes, records }
}

impl Invented {
    /// The lines of what the lint says under a code.
    fn linted(&self, code: &str) -> BTreeSet<usize> {
        let rules = BTreeMap::from([
            ("boundary.toml".to_owned(), SMALL_WORLD.to_owned()),
            ("routing.toml".to_owned(), self.toml.clone()),
        ]);
        let log = Log::default();
        let document = Document::parse("rules/boundary.toml", SMALL_WORLD, &log);
        let boundary = Boundary::parse(&document, &log);
        let policies = Policies::parse(&Rulebook::parse(&rules, &log), &boundary, &log);
        let policies = log.finish(policies).unwrap_or_else(|all| panic!("{all}\n{}", self.toml));
        let linted = lint(&policies, fixture::today().day, None);
        assert!(linted.unjudged.is_empty(), "{:?}\n{}", linted.unjudged, self.toml);
        let ours = linted.faults.iter().filter(|fault| fault.lint.code == code);
        ours.map(|fault| fault.place.line).collect()
    }

    fn records(&self) -> std::ops::Range<usize> {
        0..self.records.len()
    }

    /// Whether some rule before a rule takes a record.
    fn taken_before(&self, rule: usize, record: usize) -> bool {
        self.takes[..rule].iter().any(|takes| takes[record])
    }

    fn is_shadowed(&self, rule: usize) -> bool {
        self.records().all(|record| !self.takes[rule][record] || self.taken_before(rule, record))
    }

    fn is_within(&self, rule: usize, other: usize) -> bool {
        self.records().all(|record| !self.takes[rule][record] || self.takes[other][record])
    }
}

#[test]
fn brute_force_over_small_worlds_finds_the_same_rules_shadowed() {
    let mut planted = 0;
    for seed in 1..=600_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rules = invented(&mut dice, &[COUNTRY, CODE, NUMBER, FLAG], true);
        let expected: BTreeSet<usize> = (0..rules.lines.len())
            .filter(|rule| rules.is_shadowed(*rule))
            .map(|rule| rules.lines[rule])
            .collect();
        planted += usize::from(!expected.is_empty());
        assert_eq!(rules.linted("RUL-01"), expected, "seed {seed}\n{}", rules.toml);
    }
    assert!((20..580).contains(&planted), "{planted} of 600 have the fault");
}

#[test]
fn brute_force_over_small_worlds_finds_the_same_overlaps() {
    let mut planted = 0;
    for seed in 1..=600_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rules = invented(&mut dice, &[COUNTRY, CODE, FLAG], true);
        let meets = |earlier: usize, later: usize| {
            rules.records().any(|record| {
                rules.takes[earlier][record]
                    && rules.takes[later][record]
                    && !rules.taken_before(earlier, record)
            })
        };
        let faulty = |later: &usize| {
            (0..*later).any(|earlier| {
                rules.outcomes[earlier] != rules.outcomes[*later]
                    && rules.fields[earlier] == rules.fields[*later]
                    && !rules.is_shadowed(earlier)
                    && !rules.is_shadowed(*later)
                    && !rules.is_within(earlier, *later)
                    && meets(earlier, *later)
            })
        };
        let expected: BTreeSet<usize> =
            (0..rules.lines.len()).filter(faulty).map(|rule| rules.lines[rule]).collect();
        planted += usize::from(!expected.is_empty());
        assert_eq!(rules.linted("RUL-02"), expected, "seed {seed}\n{}", rules.toml);
    }
    assert!((20..580).contains(&planted), "{planted} of 600 have the fault");
}

#[test]
fn brute_force_over_small_worlds_finds_the_same_gaps() {
    let mut planted = 0;
    for seed in 1..=600_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rules = invented(&mut dice, &[REGION, FLAG], false);
        if rules.toml.contains("blank") || rules.toml.contains("not =") {
            // Then what is not named belongs to the domain too.
            continue;
        }
        let used: BTreeSet<&str> = rules.fields.iter().flatten().copied().collect();
        let named = |record: usize| {
            let [region, vip] = rules.records[record][..] else { panic!() };
            let region = !used.contains("region") || matches!(region, Some("a" | "b" | "c"));
            region && (!used.contains("vip") || vip.is_some())
        };
        let gap = rules
            .records()
            .any(|record| named(record) && !rules.taken_before(rules.lines.len(), record));
        planted += usize::from(gap);
        assert_eq!(!rules.linted("RUL-03").is_empty(), gap, "seed {seed}\n{}", rules.toml);
    }
    assert!((20..580).contains(&planted), "{planted} of 600 have the fault");
}

#[test]
fn a_finding_is_explained_with_its_rule_its_values_and_what_its_check_reads() {
    let job = Job::acme("salesforce");
    let none = job.call(&["explain", "F-0000000000"]).ends(2);
    assert_eq!(none.err.trim_end(), "there is no run yet\n  hint: `crm-review run` makes one");
    job.call(&["run", "--as-of", "2026-11-23"]).ends(0);
    let lines = job.text("runs/2026-11-23/findings.jsonl");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let routed = lines.iter().find(|line| line["rule"] == "RTE-01").unwrap();
    let (id, day) = (word(&routed["id"]), ["--of", "2026-11-23"]);
    let said = job.call(&[&["explain", ".", &id][..], &day].concat()).ends(0);
    for expected in [
        &format!("{id} RTE-01 wrong-owner (medium): lead {}\n", word(&routed["record"])),
        "takes it: `Universities and institutes` (rules/routing.toml:24)",
        "Why it may be wrong\n",
        "  rules/routing.toml:24\n    [[rule]]\n    name = \"Universities and institutes\"\n",
        "  lead.owner, from OwnerId, shown: ",
        "`crm-review checks RTE-01 --dir .` tells its settings and all it reads\n",
    ] {
        assert!(said.out.contains(expected), "{expected}\n{}", said.out);
    }
    // Of the fields that the check reads only those that the finding quotes.
    assert!(!said.out.contains("lead.phone, "), "{}", said.out);
    assert_eq!(said.out, job.call(&["explain", &id.to_lowercase()]).ends(0).out);
    assert_eq!(said.out, job.call(&["explain", &id.to_lowercase(), "."]).ends(0).out);
    // Every finding can be told.
    for line in lines.iter().step_by(7) {
        let said = job.call(&["explain", &word(&line["id"])]).ends(0);
        assert!(said.out.contains(&word(&line["headline"])), "{}", said.out);
    }
    for (words, why) in [
        (&["explain", "F-0000000000"][..], "has no finding F-0000000000"),
        (&["explain", "lead"], "`lead` names no finding"),
        (&["explain", &id, "--of", "2026-11-16"], "there is no run of 2026-11-16"),
    ] {
        let said = job.call(words).ends(2);
        assert!(said.err.contains(why), "{}", said.err);
    }
    // Another file of the rules says nothing of this finding's.
    job.put("rules/batch.toml", "[input]\nstale_after_days = 31\n");
    let said = job.call(&["explain", &id]).ends(0);
    assert!(!said.out.contains("have changed since that run"), "{}", said.out);
    job.edit(ROUTING, "to = \"Priya Raman\"", "to = \"Femke de Vries\"");
    let said = job.call(&["explain", &id]).ends(0);
    assert!(said.out.contains("the rules have changed since that run"), "{}", said.out);
}

#[test]
fn a_check_is_told_with_its_defaults_and_what_it_reads_here() {
    let job = Job::acme("salesforce");
    let said = job.call(&["checks", "stuck"]).ends(0);
    for expected in
        ["Its rules and their defaults, in rules/lifecycle.toml\n", "In this folder it reads\n"]
    {
        assert!(said.out.contains(expected), "{}", said.out);
    }
    // What the folder says stands before what is shipped.
    let told = |out: &str, part: &str| out.find(part).unwrap_or_else(|| panic!("{part}\n{out}"));
    let own = job.call(&["checks", "OWN-02"]).ends(0).out;
    let (here, shipped) = (
        told(&own, "Its rules in this folder, in rules/owners.toml\n"),
        told(&own, "Its rules and their defaults, in rules/owners.toml\n"),
    );
    assert!(here < shipped, "{own}");
    job.edit("review.toml", "[source]", "[checks]\noff = [\"LIF-08\"]\n[source]");
    let said = job.call(&["checks", "stuck"]).ends(0);
    assert!(said.out.contains("In this folder it is off\n"), "{}", said.out);
    // Every check has a word in the rules as shipped.
    for check in crm_review::check::ALL {
        let said = job.call(&["checks", check.code]).ends(0);
        assert!(said.out.contains("Its rules and their defaults"), "{}", check.code);
    }
}

#[test]
fn without_the_allowlist_one_thing_is_wrong() {
    let job = Job::acme("salesforce");
    fs::remove_file(job.path("rules/boundary.toml")).unwrap();
    for call in [&["run"][..], &["doctor"], &["rules", "check", "--format", "sarif"]] {
        let said = job.call(call).ends(2);
        let told = said.err + &said.out;
        assert_eq!(told.matches("boundary.toml").count(), 1, "{told}");
        assert!(told.contains("it is missing") && told.contains("init"), "{told}");
    }
}

#[test]
fn a_broken_line_of_the_allowlist_is_all_that_is_told() {
    let job = Job::acme("salesforce");
    let text = job.text("rules/boundary.toml");
    let at = text.lines().position(|line| line.starts_with("owner ")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[at] = "owner = { from = \"OwnerId, why = \"Finds records nobody works.\" }";
    job.put("rules/boundary.toml", &lines.join("\n"));
    let place = format!("rules/boundary.toml:{}: ", at + 1);
    assert_eq!(
        job.call(&["run"]).ends(2).err,
        format!(
            "{place}a quotation mark of `owner` has no other\n  hint: a text stands between two of them: \"…\"\n"
        )
    );
    // A field without a reason is its own fault, and none of the rules that use it.
    lines[at] = "owner = { from = \"OwnerId\" }";
    job.put("rules/boundary.toml", &lines.join("\n"));
    let said = job.call(&["run"]).ends(2).err;
    assert_eq!(said.matches(".toml").count(), 1, "{said}");
    assert!(said.starts_with(&format!("{place}`lead.owner` has no `why`")), "{said}");
}

#[test]
fn the_share_of_the_catch_all_is_told_with_its_trend() {
    let job = Job::weekly();
    let lead = |n: u32, company: &str, created: &str| {
        format!("00R{n},A{n},B{n},{company},,,0051,New,{created},2026-02-27,,\n")
    };
    let mut leads = LEADS.lines().next().unwrap().to_owned() + "\n";
    leads.extend((0..6).map(|n| lead(n, "Bolt", "2026-02-10")));
    leads.extend((6..8).map(|n| lead(n, "Bolt", "2026-01-20")));
    leads.extend((8..11).map(|n| lead(n, "Acme", "2026-01-20")));
    job.put("exports/lead.csv", &leads);
    job.put(
        "rules/routing.toml",
        "catch_all = \"Eve Moss\"\n[lint]\nfewest_records = 5\n\
         [[rule]]\nname = \"Acme\"\nwhen = { company = \"Acme\" }\nto = \"Eve Moss\"\n",
    );
    let said = job.call(&["rules", "check", ".", "--as-of", DAY]).ends(0).out;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("8 of 11 open leads (73 %) end in the catch-all"), "{said}");
    let trend = "of those created in the last 30 days 6 of 6 (100 %), \
                 of those of the 30 before 2 of 5 (40 %)";
    assert!(said.contains(trend), "{said}");
}

#[test]
fn no_check_gives_way_to_one_that_is_switched_off() {
    let found = |off: &str| {
        let job = Job::acme("salesforce");
        job.edit("review.toml", "[source]", &format!("{off}[source]"));
        job.call(&["run", "--as-of", "2026-11-23"]).ends(0);
        let mut of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in job.text("runs/2026-11-23/findings.jsonl").lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            of.entry(word(&line["rule"])).or_default().insert(word(&line["record"]));
        }
        of
    };
    let on = found("");
    let committed = &on["OWN-11"];
    assert!(committed.is_disjoint(&on["OWN-01"]));
    assert!(committed.is_subset(&found("[checks]\noff = [\"OWN-11\"]\n")["OWN-01"]));
    for check in crm_review::check::ALL {
        let job = Job::acme("salesforce");
        let off = format!("[checks]\noff = [\"{}\"]\n[source]", check.code);
        job.edit("review.toml", "[source]", &off);
        let said = job.call(&["checks", check.code]).ends(0);
        assert!(said.out.contains("In this folder it is off\n"), "{}\n{}", check.code, said.out);
    }
}

#[test]
fn a_misspelt_stage_of_a_ladder_is_told_by_every_command_that_reads_records() {
    const PLACE: &str = "rules/lifecycle.toml:1";
    const SAYS: &str =
        "no lead has the stage `Workng`, and 1 has `Working`, which the ladder does not know";
    let job = Job::weekly();
    job.edit("rules/lifecycle.toml", "\"Working\"]", "\"Workng\", \"Nurturing\"]");
    let checked = job.call(&["rules", "check", "."]).ends(0).out;
    assert!(checked.contains(SAYS) && checked.contains("did you mean `Working`?"), "{checked}");
    assert!(checked.contains("RUL-07"), "{checked}");
    let doctor = job.call(&["doctor", "."]);
    assert!((doctor.out + &doctor.err).contains(SAYS));
    let said = job.run(&[]).ends(0).out.split_whitespace().collect::<Vec<_>>().join(" ");
    let mailed = format!("{PLACE} names a value or stage that no record has");
    assert!(said.contains(&mailed) && !said.contains("Workng"), "{said}");
    assert!(job.text("runs/2026-03-01/packet.html").contains("did you mean"));
    // A stage that nobody is in for a while is none of it.
    assert!(!checked.contains("the stage `Nurturing`"), "{checked}");
    job.edit("rules/lifecycle.toml", "Workng", "Working");
    assert!(!job.call(&["rules", "check", "."]).ends(0).out.contains("RUL-07"));
}
