//! Parts of a packet for those whose work it is, and a masked copy: what is in them, and what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crm_review::digest::sha256;
use serde_json::Value;

use crate::job::{Job, word};

const WEEK: &str = "2026-11-23";
const KEY: &str = "a phrase that nobody else knows";

/// Acme with these lines in its `[packet]`.
fn acme(lines: &str) -> Job {
    let job = Job::acme("salesforce");
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[packet]\n{lines}\n"));
    job.call(&["run", ".", "--as-of", WEEK]).ends(0);
    job
}

fn file(job: &Job, name: &str) -> String {
    job.text(&format!("runs/{WEEK}/{name}"))
}

/// The week's findings, by the value they are grouped by.
fn grouped(job: &Job, by: &str) -> BTreeMap<Option<String>, Vec<(Value, String)>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in file(job, "findings.jsonl").lines() {
        let finding: Value = serde_json::from_str(line).unwrap();
        let name = finding["groups"][by].as_str().map(str::to_owned);
        groups.entry(name).or_default().push((finding, format!("{line}\n")));
    }
    groups
}

/// The names of the run's pages that begin so.
fn pages(job: &Job, start: &str) -> Vec<String> {
    let names = job.files().into_keys().filter_map(|path| {
        let path = path.strip_prefix(format!("runs/{WEEK}")).ok()?.to_str()?.to_owned();
        (path.starts_with(start) && Path::new(&path).extension().is_some_and(|end| end == "html"))
            .then_some(path)
    });
    names.collect()
}

/// The ids of the cards of a page.
fn cards(page: &str) -> BTreeSet<&str> {
    let cards = page.split("<article class=\"card\" id=\"").skip(1);
    cards.map(|card| card.split('"').next().unwrap()).collect()
}

/// A file that rejects some proposals of the packet with this digest.
fn rejecting(job: &Job, digest: &str, findings: &[&Value]) -> String {
    let manifest = job.json(&format!("runs/{WEEK}/manifest.json"));
    let decisions: Vec<Value> = findings
        .iter()
        .map(|one| {
            serde_json::json!({
                "finding": one["id"], "evidence_digest": one["evidence_digest"], "decision": "reject",
                "reason_code": "agreed_exception", "decided_at": "2026-11-23T10:00:00Z",
            })
        })
        .collect();
    serde_json::json!({
        "schema": "crm-review/decisions/1", "run": manifest["run"],
        "packet_digest": format!("sha256:{digest}"), "ledger_head": manifest["ledger"]["head"],
        "approver": "Sabine Krüger", "decisions": decisions,
    })
    .to_string()
}

#[test]
fn every_proposal_is_in_one_part_and_no_part_holds_another_ones() {
    for by in ["team", "owner"] {
        let job = acme(&format!("slices = \"{by}\""));
        let groups = grouped(&job, by);
        let names = pages(&job, by);
        assert_eq!(names.len(), groups.len());
        let whole = file(&job, "packet.html");
        let mut seen = BTreeSet::new();
        for name in &names {
            let page = file(&job, name);
            let here = cards(&page);
            let (_, own) = groups
                .iter()
                .find(|(_, own)| {
                    own.iter().any(|(one, _)| here.contains(one["id"].as_str().unwrap()))
                })
                .unwrap();
            let ids: BTreeSet<&str> =
                own.iter().map(|(one, _)| one["id"].as_str().unwrap()).collect();
            assert_eq!(here, ids, "{name}");
            let all = cards(&whole);
            for other in all.difference(&ids) {
                assert!(!page.contains(other), "{name} names {other}");
            }
            let lines: String = own.iter().map(|(_, line)| line.as_str()).collect();
            assert!(page.contains(&sha256(lines.as_bytes())), "{name} does not name its digest");
            assert!(!page.contains("Routing exception rate"));
            assert!(
                !page.contains("What repeats"),
                "{name} says of the whole what it does not know"
            );
            for id in here {
                assert!(seen.insert(id.to_owned()), "{id} is in two parts");
            }
            let text = file(&job, &name.replace(".html", ".txt"));
            assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
            for (one, _) in own.iter().filter(|(one, _)| one["groups"]["owner"].is_string()) {
                assert!(!text.contains(one["groups"]["owner"].as_str().unwrap()), "{text}");
            }
        }
        assert_eq!(seen, cards(&whole).into_iter().map(str::to_owned).collect());
        let verified = job.call(&["verify"]).ends(0).out;
        assert!(verified.contains("run again, the same bytes"), "{verified}");
    }
}

#[test]
fn what_is_decided_in_a_part_is_recorded_and_nothing_beyond_it() {
    let job = acme("slices = \"team\"");
    let groups = grouped(&job, "team");
    let [(_, one), (_, two)] = [0, 1].map(|at| groups.iter().nth(at).unwrap());
    let lines: String = two.iter().map(|(_, line)| line.as_str()).collect();
    let digest = sha256(lines.as_bytes());
    job.put("beyond.json", &rejecting(&job, &digest, &[&two[0].0, &one[0].0]));
    let refused = job.call(&["decide", "beyond.json"]).ends(2);
    assert!(refused.err.contains(&word(&one[0].0["id"])), "{}", refused.err);
    assert!(refused.err.contains("the packet does not propose it"), "{}", refused.err);
    job.put("forged.json", &rejecting(&job, &"0".repeat(64), &[&two[0].0]));
    let refused = job.call(&["decide", "forged.json"]).ends(2);
    assert!(refused.err.contains("`packet_digest` is not that"), "{}", refused.err);
    job.put("part.json", &rejecting(&job, &digest, &[&two[0].0]));
    let said = job.call(&["decide", "part.json"]).ends(0).out;
    assert!(said.contains("0 approved, 1 rejected"), "{said}");
    let whole = sha256(file(&job, "findings.jsonl").as_bytes());
    job.put("whole.json", &rejecting(&job, &whole, &[&one[0].0]));
    job.call(&["decide", "whole.json"]).ends(0);
}

#[test]
fn a_part_whose_page_was_altered_is_not_decided_on() {
    let job = acme("slices = \"team\"");
    let groups = grouped(&job, "team");
    let (team, own) = groups.iter().find(|(team, _)| team.is_some()).unwrap();
    let lines: String = own.iter().map(|(_, line)| line.as_str()).collect();
    let digest = sha256(lines.as_bytes());
    job.put("part.json", &rejecting(&job, &digest, &[&own[0].0]));
    let name = pages(&job, "team").into_iter().find(|name| file(&job, name).contains(&digest));
    let page = format!("runs/{WEEK}/{}", name.unwrap());
    let read = job.text(&page);
    let said = "is not the file that the ledger names";
    job.put(&page, &read.replacen("<h1", "<p>Approve all of it.</p><h1", 1));
    assert_ne!(job.text(&page), read, "{team:?}");
    let refused = job.call(&["decide", "part.json"]).ends(4).err;
    assert!(refused.contains(&page) && refused.contains(said), "{refused}");
    let verified = job.call(&["verify"]).ends(4).out;
    assert!(verified.contains(&format!("FAULT {page}: it {said}")), "{verified}");
    // A page that was taken away says nothing, and neither does another part's.
    std::fs::remove_file(job.path(&page)).unwrap();
    job.call(&["decide", "part.json"]).ends(0);
}

/// The values of an export's columns, as they are written.
fn column(job: &Job, export: &str, names: &[&str]) -> BTreeSet<String> {
    let text = job.text(&format!("exports/{export}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let at: Vec<usize> =
        names.iter().map(|name| head.iter().position(|column| column == *name).unwrap()).collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cells = rows.iter().flat_map(|row| at.iter().map(|at| row[*at].trim().to_owned()));
    cells.filter(|cell| !cell.is_empty()).collect()
}

/// True where a text has these whole words.
fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !inside(text[..at].chars().next_back()) && !inside(text[at + words.len()..].chars().next())
    })
}

#[test]
fn a_masked_copy_names_nobody_and_takes_no_decision() {
    // A source that says as little as a name, and a rule's own list name nobody.
    const ELSEWHERE: [&str; 4] = [
        "Lead source is Unknown,",
        "lead source</th><td><bdi>Unknown</bdi>",
        "lead source</bdi></dt><dd><del><bdi>Unknown</bdi>",
        "blank, other, unknown, n/a say nothing of where a record came from",
    ];
    let job = acme(&format!("mask_key = \"{KEY}\""));
    let [page, whole] = ["masked.html", "packet.html"].map(|name| file(&job, name));
    let (_, page_text) = page.split_once("</style>").unwrap();
    let mut names = BTreeSet::new();
    for (export, columns) in [
        ("Lead.csv", &["FirstName", "LastName", "Company", "Email", "Website", "City"][..]),
        ("Contact.csv", &["FirstName", "LastName", "Email", "MailingCity"][..]),
        ("Account.csv", &["Name", "Website", "BillingCity"][..]),
        ("User.csv", &["Name", "Email"][..]),
    ] {
        names.extend(column(&job, export, columns));
    }
    let page_text = ELSEWHERE.iter().fold(page_text.to_owned(), |page, said| {
        assert!(page.contains(said), "{said}");
        page.replace(said, "")
    });
    // A letter alone may also be a word of a sentence.
    let telling = |name: &&String| name.chars().count() >= 2;
    let in_packet: Vec<_> = names.iter().filter(telling).filter(|name| has(&whole, name)).collect();
    assert!(in_packet.len() > 60, "{}", in_packet.len());
    let leaked: Vec<_> = in_packet.into_iter().filter(|name| has(&page_text, name)).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert!(!page.contains("salesforce.com"), "a link names the company");
    // A campaign may be called after whom it was made for.
    let campaign = "analytica München 2026";
    assert!(has(&whole, campaign) && !has(&page, campaign));
    assert!(page.contains("A masked copy, for reading"));
    assert!(page.contains("&quot;decides&quot;:false"));
    for line in file(&job, "findings.jsonl").lines() {
        let finding: Value = serde_json::from_str(line).unwrap();
        assert!(!page.contains(finding["evidence_digest"].as_str().unwrap()));
    }
    assert!(!page.contains(KEY) && !file(&job, "manifest.json").contains(KEY));
}

#[test]
fn tokens_last_from_week_to_week_and_end_with_their_key() {
    let tokens = |key: &str, day: &str| -> BTreeSet<String> {
        let job = Job::acme("salesforce");
        let review = job.text("review.toml");
        job.put("review.toml", &format!("{review}\n[packet]\nmask_key = \"{key}\"\n"));
        job.call(&["run", ".", "--as-of", day]).ends(0);
        let page = job.text(&format!("runs/{day}/masked.html"));
        page.split("name-").skip(1).map(|rest| rest.chars().take(8).collect()).collect()
    };
    let [first, second] = ["2026-11-16", WEEK].map(|day| tokens(KEY, day));
    assert!(first.intersection(&second).count() > 50);
    let other = tokens("another phrase of some length", WEEK);
    assert_eq!(second.intersection(&other).count(), 0);
}

#[test]
fn a_key_that_can_be_guessed_is_refused() {
    let job = Job::acme("salesforce");
    let review = job.text("review.toml");
    job.put(
        "review.toml",
        &format!("{review}\n[packet]\nmask_key = \"short\"\nslices = \"region\"\n"),
    );
    let said = job.call(&["run", ".", "--as-of", WEEK]).ends(2);
    assert!(said.err.contains("`mask_key` is too short"), "{}", said.err);
    assert!(said.err.contains("one of `owner`, `team`"), "{}", said.err);
    assert!(!said.err.contains("short\""), "the key is quoted: {}", said.err);
}

#[test]
fn owners_whose_names_are_alike_or_long_have_a_part_each() {
    let job = Job::weekly();
    job.put("review.toml", &(job.text("review.toml") + "\n[packet]\nslices = \"owner\"\n"));
    let long = ["𠀀".repeat(19), "𠀁".repeat(19)].join(" ");
    let (mut users, mut leads) = (job.text("exports/user.csv"), job.text("exports/lead.csv"));
    for (n, name) in ["Ann Lee", "Ann-Lee", "Ann Lee 2", &long].into_iter().enumerate() {
        users += &format!("006{n},{name},false\n");
        leads += &format!("00R{n},A{n},B{n},C{n},,,006{n},New,2025-01-05,2026-02-27,,\n");
    }
    job.put("exports/user.csv", &users);
    job.put("exports/lead.csv", &leads);
    job.run(&[]).ends(0);
    let folder = std::fs::read_dir(job.path("runs/2026-03-01")).unwrap();
    let names: BTreeSet<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let parts =
        [("owner-ann-lee", "00R0"), ("owner-ann-lee-2", "00R2"), ("owner-ann-lee-3", "00R1")];
    for (stem, lead) in parts {
        let part = job.text(&format!("runs/2026-03-01/{stem}.txt"));
        assert!(part.contains(&format!("lead {lead}\n")), "{stem}: {part}");
    }
    let long = names.iter().find(|name| name.starts_with("owner-𠀀") && name.ends_with(".html"));
    assert!(long.is_some_and(|name| name.len() < 140), "{names:?}");
}

/// The weekly job with a masked copy, and rules and exports that name people in every way that there is.
fn peopled() -> Job {
    let job = Job::weekly();
    let review = job.text("review.toml");
    let history = "field_history = \"history.csv\"\n";
    job.put("review.toml", &format!("{review}{history}\n[packet]\nmask_key = \"{KEY}\"\n"));
    job.edit(
        "rules/boundary.toml",
        "[user.fields]\nid = { from = \"Id\"",
        "[user.fields]\nid = { from = \"Email\"",
    );
    job.put(
        "rules/boundary.toml",
        &(job.text("rules/boundary.toml")
            + "\n[field_history.fields]\n\
               record = { from = \"Lead\", why = \"Whose change it is.\" }\n\
               field = { from = \"Field\", why = \"What changed.\" }\n\
               old = { from = \"Old\", why = \"What it was.\", kind = \"picklist\" }\n\
               new = { from = \"New\", why = \"What it became.\", kind = \"picklist\" }\n\
               changed = { from = \"At\", why = \"When it changed.\" }\n\
               by = { from = \"By\", why = \"Who changed it.\" }\n"),
    );
    // Records name their owner by mail.
    let leads = job.text("exports/lead.csv").replace(",0051,", ",eve@moss.example,");
    job.put("exports/lead.csv", &leads.replace(",0052,", ",gone@poe.example,"));
    job.put(
        "exports/user.csv",
        "Email,Name,IsActive\neve@moss.example,Eve Moss,true\nann@ash.example,Ann Ash,true\n",
    );
    job.put(
        "exports/history.csv",
        "Lead,Field,Old,New,At,By\n\
         00Q5,OwnerId,Uma Vance,Ivo Kern,2026-02-01T10:00:00Z,Tor Wex\n\
         00Q5,OwnerId,Ivo Kern,Uma Vance,2026-02-02T10:00:00Z,Tor Wex\n\
         00Q5,OwnerId,Uma Vance,Ivo Kern,2026-02-03T10:00:00Z,Tor Wex\n",
    );
    job.put("rules/system-of-record.toml", "[flapping]\nfields = [\"lead.owner\"]\n");
    job.put("rules/owners.toml", "[inactive-owner]\nqueue = \"Lost Queue\"\n");
    job.put("rules/routing.toml", ROUTED);
    job
}

const ROUTED: &str = "\
[[rule]]
name = \"worked\"
objects = [\"lead\"]
when = { status = \"Working\" }
to = \"Ann Ash\"

[[rule]]
name = \"new\"
objects = [\"lead\"]
when = { status = \"New\" }
to = \"Zed Quist\"
";

#[test]
fn a_masked_copy_names_nobody_whom_rules_owners_or_the_history_name() {
    const PEOPLE: [&str; 9] = [
        "eve@moss.example",
        "ann@ash.example",
        "gone@poe.example",
        "Uma Vance",
        "Ivo Kern",
        "Tor Wex",
        "Zed Quist",
        "Ann Ash",
        "Moss",
    ];
    let job = peopled();
    let week = |day: &str| -> [String; 2] {
        let said = job.call(&["run", ".", "--as-of", day]);
        assert!(said.code < 2, "{}", said.err);
        ["masked.html", "packet.html"].map(|name| job.text(&format!("runs/{day}/{name}")))
    };
    let [masked, whole] = week("2026-03-01");
    for name in PEOPLE {
        assert!(has(&whole, name), "{name} is in no packet, and proves nothing");
        assert!(!has(&masked, name), "{name} is in the masked copy");
    }
    // Nor whom the rules named a week ago.
    job.put("rules/routing.toml", &ROUTED.replace("Zed Quist", "Eve Moss"));
    let [masked, whole] = week("2026-03-08");
    assert!(has(&whole, "Zed Quist"));
    assert!(masked.contains("not quoted in a masked copy"));
    for name in PEOPLE {
        assert!(!has(&masked, name), "{name} is in the second masked copy");
    }
}

#[test]
fn a_masked_copy_does_not_name_an_owner_whose_name_says_that_they_left() {
    let job = Job::weekly();
    let review = job.text("review.toml");
    job.put("review.toml", &format!("{review}\n[packet]\nmask_key = \"{KEY}\"\n"));
    let owner = "owner = { from = \"OwnerId\", ";
    job.edit("rules/boundary.toml", owner, &format!("{owner}kind = \"name\", "));
    let leads = job.text("exports/lead.csv").replace(",0051,", ",Eve Moss,");
    job.put("exports/lead.csv", &leads.replace(",0052,", ",Gil Poe (Deactivated User),"));
    job.put("exports/user.csv", "Id,Name,IsActive\n0051,Eve Moss,true\n");
    job.run(&[]).ends(0);
    let [masked, whole] =
        ["masked.html", "packet.html"].map(|name| job.text(&format!("runs/2026-03-01/{name}")));
    assert!(has(&whole, "Owner Gil Poe"), "it proves nothing");
    assert!(!has(&masked, "Gil Poe"));
}

#[test]
fn a_masked_copy_covers_short_names_in_sentences() {
    let job = Job::weekly();
    job.put(
        "review.toml",
        &(job.text("review.toml") + &format!("\n[packet]\nmask_key = \"{KEY}\"\n")),
    );
    job.edit("exports/user.csv", "Gil Poe", "Li");
    job.run(&[]).ends(0);
    let [masked, whole] =
        ["masked.html", "packet.html"].map(|name| job.text(&format!("runs/2026-03-01/{name}")));
    for name in ["Li", "Bo", "Ng", "Ann", "Fox"] {
        assert!(has(&whole, name), "{name} is in no packet, and proves nothing");
        assert!(!has(&masked, name), "{name} is in the masked copy");
    }
}

#[test]
fn whoever_is_called_as_the_program_speaks_is_covered_and_changes_nothing_else() {
    const CALLED: [(&str, &str, &str); 5] = [
        ("00R1", "records", "customer"),
        ("00R2", "Owner", "the owner"),
        ("00R3", "lead", "Lead"),
        ("00R4", "proposals", "nobody"),
        ("00R5", "active", "Proposals"),
    ];
    let pages = |leads: &str| {
        let job = Job::weekly();
        let review = job.text("review.toml");
        job.put("review.toml", &format!("{review}\n[packet]\nmask_key = \"{KEY}\"\n"));
        job.put("rules/approvals.toml", "[approver]\nname = \"(not named yet)\"\n");
        job.put("exports/lead.csv", &(job.text("exports/lead.csv") + leads));
        job.run(&[]).ends(0);
        ["masked.html", "packet.html"].map(|name| job.text(&format!("runs/2026-03-01/{name}")))
    };
    let lead = |(id, last, company): &(&str, &str, &str)| {
        format!("{id},Ed{id},{last},{company},nobody,,0052,New,2025-02-01,2025-03-01,,\n")
    };
    let [masked, whole] = pages(&CALLED.iter().map(lead).collect::<String>());
    let [without, _] = pages("");
    // What is said of all is said in both copies.
    let between = |page: &str, from: &str, to: &str| {
        let (_, rest) = page.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    for (from, to) in [
        ("<p class=\"lede\">", "</p>"),
        ("<dl class=\"gate\">", "</dl>"),
        ("<div class=\"beside\">", "</div>"),
        ("<caption>Proposals by family</caption>", "</table>"),
        ("<div class=\"fam-h\">", "</div>"),
        ("<div class=\"rule\"", "</div>"),
    ] {
        assert_eq!(between(&masked, from, to), between(&whole, from, to));
    }
    // What is said of others is said as if they were not there.
    let card = |page: &str, record: &str| {
        let mut cards = page.split("<article ").skip(1);
        let card = cards.find(|card| card.contains(&format!(">{record}</bdi>"))).unwrap();
        ["<h5 ", "<p class=\"do\">"].map(|from| between(card, from, "</"))
    };
    for record in ["00Q1", "00Q3", "00Q4"] {
        assert_eq!(card(&masked, record), card(&without, record));
    }
    for (record, last, company) in CALLED {
        let [open, covered] = [&whole, &masked].map(|page| card(page, record)[0].clone());
        assert!(has(&open, last) || has(&open, company), "{open} proves nothing");
        assert!(!has(&covered, last) && !has(&covered, company), "{covered}");
    }
}
