//! Every check on every fixture.
//!
//! A column `expect` says which checks must find something about the row (`OWN-01 LIF-13`, or `ok`);
//! a mark behind a code, `OWN-01?`, says that the evidence has to be insufficient. The boundary drops
//! that column like any other it does not list. Every check runs on every fixture, and the findings
//! must equal the expectations, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use chrono::{NaiveDateTime, TimeDelta};
use crm_review::boundary::{Cell, Kind, Object};
use crm_review::check::{AsOf, Family, Judgement, NotLooked, Outcome, Report};
use crm_review::finding::{Assignee, Evidence, Finding, Proposal};

use crate::fixture;

/// What the rows of a fixture expect: the code with its mark, and the record.
fn expected(tables: &BTreeMap<Object, String>) -> BTreeSet<(String, String)> {
    let mut expected = BTreeSet::new();
    for (object, text) in tables {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|column| column == "expect");
        let Some(at) = at else { continue };
        for record in reader.records() {
            let record = record.unwrap();
            for code in record[at].split_whitespace().filter(|code| *code != "ok") {
                expected.insert((code.to_owned(), format!("{object} {}", &record[0])));
            }
        }
    }
    expected
}

/// A value that the evidence quotes by itself although it was quoted or compared before.
fn quoted_again(finding: &Finding) -> Option<&Cell> {
    let mut seen = BTreeSet::new();
    let place = |cell: &Cell| (cell.file().to_owned(), cell.line(), cell.field().to_owned());
    finding.evidence().iter().find_map(|evidence| match evidence {
        Evidence::Cell(cell) => (!seen.insert(place(cell))).then_some(cell),
        Evidence::Compared { left, right, .. } => {
            seen.extend([place(left), place(right)]);
            None
        }
        Evidence::Changed(change) => {
            seen.extend(change.cells().map(place));
            None
        }
        Evidence::Normalised { .. }
        | Evidence::Policy { .. }
        | Evidence::Figure { .. }
        | Evidence::Trace(_)
        | Evidence::Likeness(_) => None,
    })
}

#[test]
fn every_fixture_is_judged_as_its_rows_expect() {
    let mut wrong = String::new();
    for folder in fixture::folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let judged = fixture::judged(&folder);
        let mut found = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for report in &judged.reports {
            let code = report.check.code;
            let judgement = match &report.outcome {
                Outcome::Ran(judgement) => judgement,
                Outcome::NotApplicable(_) => continue,
                Outcome::Broken => {
                    wrong += &format!("{name}: {code} is broken\n");
                    continue;
                }
            };
            for finding in &judgement.findings {
                let mark = if finding.is_sufficient() { "" } else { "?" };
                let lacks: Vec<_> = finding.missing.iter().map(String::as_str).collect();
                let key = (format!("{code}{mark}"), finding.record.to_string());
                found.insert(key, lacks.join("; "));
                let id = finding.id(code);
                if !ids.insert(id.to_string()) {
                    wrong += &format!("{name}: {code} has {id} twice, about {}\n", finding.record);
                }
                if let Some(cell) = quoted_again(finding) {
                    let (record, field) = (cell.record(), cell.field());
                    wrong += &format!("{name}: {code} quotes {field} of {record} twice\n");
                }
                if finding.doubts.is_empty() {
                    wrong += &format!("{name}: {code} says nothing against itself\n");
                }
            }
        }
        let expected = expected(&judged.tables);
        for (code, record) in expected.iter().filter(|key| !found.contains_key(key)) {
            wrong += &format!("{name}: {code} did not find {record}\n");
        }
        for ((code, record), lacks) in found.iter().filter(|(key, _)| !expected.contains(key)) {
            wrong += &format!("{name}: {code} found {record}, which is not expected ({lacks})\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What is found, in words, by check and record.
fn told(judged: &fixture::Judged) -> BTreeSet<String> {
    told_with_facts(judged).into_iter().map(|(words, _)| words).collect()
}

/// The same with what a decision holds to: the finding's id and the digest of its facts.
fn told_with_facts(judged: &fixture::Judged) -> BTreeSet<(String, String)> {
    let findings = judged.reports.iter().flat_map(|report| {
        let findings = report.judgement().map_or(&[][..], |it| &it.findings);
        findings.iter().map(|finding| {
            let (code, record) = (report.check.code, &finding.record);
            // What was withheld is told by the line it stands on.
            let headline = if code == "BAT-06" { "" } else { &*finding.headline };
            let is = if finding.is_sufficient() { "" } else { "?" };
            let words = finding.proposal.words();
            let words = format!("{code}{is} {record}: {headline} -> {words}");
            (words, format!("{} {}", finding.id(code), finding.evidence_digest()))
        })
    });
    findings.collect()
}

/// A decision is on an id: what has one id is decided together.
#[test]
fn no_two_findings_have_one_id() {
    for folder in fixture::folders() {
        let judged = fixture::judged(&folder);
        let mut seen = BTreeMap::new();
        for report in &judged.reports {
            let findings = report.judgement().into_iter().flat_map(|it| &it.findings);
            for finding in findings {
                let id = finding.id(report.check.code);
                let other = seen.insert(id, &finding.headline);
                assert_eq!(other, None, "{folder:?}: {}", finding.headline);
            }
        }
    }
}

/// A question may become a change from week to week, or a change a question, and is the same finding: a check
/// names the field in both.
#[test]
fn what_a_check_finds_is_known_by_a_field_whatever_it_proposes_or_never_by_one() {
    let mut known: BTreeMap<(&str, Object), BTreeSet<bool>> = BTreeMap::new();
    for folder in fixture::folders() {
        let judged = fixture::judged(&folder);
        for report in &judged.reports {
            let findings = report.judgement().into_iter().flat_map(|it| &it.findings);
            for finding in findings {
                let of = (report.check.code, finding.record.object);
                known.entry(of).or_default().insert(finding.field().is_some());
            }
        }
    }
    known.retain(|_, ways| ways.len() > 1);
    let both: Vec<_> = known.into_keys().collect();
    // Several placeholders make a test record, which is as a whole another fault than one of them.
    assert_eq!(both, [("REQ-02", Object::Lead)]);
}

/// A decision holds for the facts it was made on: by the digest of nothing it would hold for any.
#[test]
fn no_finding_has_the_digest_of_nothing() {
    for folder in fixture::folders() {
        let judged = fixture::judged(&folder);
        for report in &judged.reports {
            for finding in report.judgement().into_iter().flat_map(|it| &it.findings) {
                let digest = finding.evidence_digest();
                assert_ne!(digest, fixture::DIGEST_OF_NOTHING, "{folder:?}: {}", finding.headline);
            }
        }
    }
}

#[test]
fn turns_that_are_uneven_the_other_way_are_other_facts() {
    let facts = |kit: fixture::Kit| {
        let judged = fixture::judge(kit);
        let finding = &judgement(&judged, "RTE-09").findings[0];
        // It is about a pool, so none of its members stands at the head.
        assert!(finding.headline.starts_with("Of the 40 leads"), "{}", finding.headline);
        (finding.id("RTE-09"), finding.evidence_digest())
    };
    let kit = || fixture::read(&fixture::folder("uneven-turns"));
    let mut turned = kit();
    for object in [Object::Lead, Object::FieldHistory] {
        let text = turned.tables.get_mut(&object).unwrap();
        *text = text.replace("005A", "TMP").replace("005B", "005A").replace("TMP", "005B");
    }
    let ((id, before), (turned_id, after)) = (facts(kit()), facts(turned));
    assert_eq!(id, turned_id);
    assert_ne!(before, after);
}

#[test]
fn what_is_about_a_group_is_the_same_whichever_record_shows_it() {
    for (name, code) in [
        ("fill-rate-drop", "REQ-06"),
        ("direct-surge", "SRC-07"),
        ("stage-set-in-bulk", "LIF-14"),
        ("two-writers", "SOR-06"),
        ("stale-sync", "SOR-07"),
    ] {
        let kit = || {
            let mut kit = fixture::read(&fixture::folder(name));
            for rules in kit.rules.values_mut() {
                // One record less is still enough.
                *rules = rules.replace("[two-writers]\nrecords = 3", "[two-writers]\nrecords = 2");
            }
            kit
        };
        let groups = |kit: fixture::Kit| -> BTreeMap<_, _> {
            let judged = fixture::judge(kit);
            let findings = judgement(&judged, code).findings.clone();
            let groups = findings.into_iter().filter(|finding| finding.group().is_some());
            groups.map(|it| (it.id(code), (it.record.clone(), it.evidence_digest()))).collect()
        };
        let is_shown_by_another = groups(kit()).into_iter().any(|(id, (record, facts))| {
            let mut without = kit();
            let table = without.tables.get_mut(&record.object).unwrap();
            let first = format!("{},", record.id);
            let rows = table.lines().filter(|row| !row.starts_with(&first));
            *table = rows.collect::<Vec<_>>().join("\n");
            let again = groups(without).remove(&id);
            again.is_some_and(|(other, same)| other != record && same == facts)
        });
        assert!(is_shown_by_another, "{code}");
    }
}

#[test]
fn groups_that_are_too_small_are_told_as_not_judged() {
    for (name, code, says) in [
        (
            "given-away",
            "RTE-08",
            "owners and pools that were given fewer than 1000 records are not judged: ",
        ),
        ("uneven-turns", "RTE-09", "pools that gave fewer than 1000 turns are not judged: "),
    ] {
        let mut kit = fixture::read(&fixture::folder(name));
        let rules = kit.rules.get_mut("routing.toml").unwrap();
        let section = format!("[{name}]");
        *rules = rules.replace(&section, &format!("{section}\nleast = 1000"));
        let judged = fixture::judge(kit);
        let judgement = judgement(&judged, code);
        assert!(judgement.findings.is_empty());
        assert!(judgement.partly().contains(says), "{}", judgement.partly());
    }
}

#[test]
fn the_order_of_an_exports_rows_is_nothing_to_a_check() {
    let mut wrong = String::new();
    for folder in fixture::folders() {
        let mut kit = fixture::read(&folder);
        for text in kit.tables.values_mut() {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(reader.headers().unwrap()).unwrap();
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            rows.iter().rev().for_each(|row| writer.write_record(row).unwrap());
            *text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        }
        let there = told_with_facts(&fixture::judged(&folder));
        let turned = told_with_facts(&fixture::judge(kit));
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for one in there.symmetric_difference(&turned) {
            let way = if there.contains(one) { "as it is" } else { "turned round" };
            wrong += &format!("{name}, {way}: {} ({})\n", one.0, one.1);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn what_a_history_tells_twice_is_one_change() {
    let mut wrong = String::new();
    for folder in fixture::folders() {
        let mut kit = fixture::read(&folder);
        let Some(text) = kit.tables.get_mut(&Object::FieldHistory) else { continue };
        let rows = text.split_once('\n').unwrap().1.to_owned();
        text.push_str(&rows);
        let once = told_with_facts(&fixture::judged(&folder));
        let twice = told_with_facts(&fixture::judge(kit));
        for one in once.symmetric_difference(&twice) {
            let way = if once.contains(one) { "once" } else { "twice" };
            wrong += &format!("{}, told {way}: {}\n", folder.display(), one.0);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The checks that say no more what they said, and do not say either that they could not look.
fn wrongly_resolved(before: &fixture::Judged, after: &fixture::Judged) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for (then, now) in before.reports.iter().zip(&after.reports) {
        let code = then.check.code;
        let Some(now) = now.judgement() else { continue };
        let found: BTreeSet<_> = now.findings.iter().map(|finding| finding.id(code)).collect();
        for finding in then.judgement().map_or(&[][..], |it| &it.findings) {
            let (id, related, pulled) = (finding.id(code), &finding.related, &after.pulled);
            let hides = |it: &NotLooked| {
                it.hides(code, &id, &finding.record, related, finding.group(), pulled)
            };
            if !found.contains(&id) && !now.not_looked.iter().any(hides) {
                wrong.insert(format!("{code} {}", finding.record));
            }
        }
    }
    wrong
}

#[test]
fn without_campaign_members_nobody_looked_at_what_they_tell() {
    let mut told = BTreeSet::new();
    for name in [
        "weak-source",
        "source-against-campaign",
        "impossible-order",
        "overwritten-source",
        "converted-source",
    ] {
        let before = fixture::named(name);
        let mut kit = fixture::read(&fixture::folder(name));
        kit.tables.remove(&Object::CampaignMember).unwrap();
        let after = fixture::judge(kit);
        assert_eq!(wrongly_resolved(&before, &after), BTreeSet::new(), "{name}");
        for report in &after.reports {
            let words = report.judgement().map_or_else(
                || match &report.outcome {
                    Outcome::NotApplicable(off) => off.to_string(),
                    Outcome::Ran(_) | Outcome::Broken => String::new(),
                },
                Judgement::partly,
            );
            if words.contains("campaign members: there is no input") {
                told.insert(report.check.code);
            }
        }
    }
    assert_eq!(told, BTreeSet::from(["SRC-01", "SRC-02", "SRC-03", "SRC-04", "SRC-06"]));
}

/// A table in which each of these records has another owner since the day of the review.
fn handed_over(
    judged: &fixture::Judged,
    object: Object,
    to: &BTreeMap<(Object, String), Assignee>,
) -> String {
    let mut reader = csv::Reader::from_reader(judged.tables[&object].as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| {
        let field = judged.boundary.field(object, name).ok()?;
        header.iter().position(|column| field.from().iter().any(|from| from == column))
    };
    let (owner, assigned) = (column("owner"), column("assigned"));
    let by_name = judged.boundary.field(object, "owner").is_ok_and(|it| it.kind() == Kind::Name);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if let Some(to) = to.get(&(object, cells[0].clone())) {
            cells[owner.unwrap()] = if by_name { to.name.clone() } else { to.id.clone() };
            if let Some(at) = assigned {
                cells[at] = fixture::today().day.to_string();
            }
        }
        writer.write_record(&cells).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn whoever_a_proposal_names_is_no_fault_to_the_same_rules() {
    // How long a record waits is for other weeks, and which rule is lacking is no matter of its owner.
    const LATER: [&str; 4] = ["OWN-03", "OWN-06", "RTE-06", "RTE-07"];
    let of_owners = |code: &str| {
        (code.starts_with("OWN-") || code.starts_with("RTE-")) && !LATER.contains(&code)
    };
    let mut wrong = String::new();
    for folder in fixture::folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let mut kit = fixture::read(&folder);
        let judged = fixture::judged(&folder);
        let mut to = BTreeMap::new();
        for report in &judged.reports {
            for finding in report.judgement().map_or(&[][..], |it| &it.findings) {
                if let Proposal::SetOwner { to: whom, .. }
                | Proposal::ReturnToQueue { queue: Some(whom), .. } = &finding.proposal
                    && finding.is_sufficient()
                {
                    let record = (finding.record.object, finding.record.id.to_string());
                    let other = to.insert(record, whom.clone());
                    if other.is_some_and(|other: Assignee| other.id != whom.id) {
                        wrong += &format!("{name}: {} goes to two at once\n", finding.record);
                    }
                }
            }
        }
        let tables: Vec<Object> = kit.tables.keys().copied().collect();
        for object in tables {
            kit.tables.insert(object, handed_over(&judged, object, &to));
        }
        for report in fixture::judge(kit).reports.iter().filter(|it| of_owners(it.check.code)) {
            for finding in report.judgement().map_or(&[][..], |it| &it.findings) {
                let record = (finding.record.object, finding.record.id.to_string());
                if let Some(whom) = to.get(&record) {
                    let (code, headline) = (report.check.code, &finding.headline);
                    wrong += &format!("{name}: {code} finds it with {}: {headline}\n", whom.name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn what_is_marked_not_to_be_routed_goes_to_a_queue_or_to_whoever_may_keep_it() {
    let judged = fixture::named("do-not-route-handover");
    for (code, record, says) in [
        ("OWN-01", "lead L01", "Return to queue Inbound (Q1)"),
        ("RTE-11", "lead L02", "Return to queue Inbound (Q1)"),
        ("OWN-04", "lead L03", "Which person should own this lead instead of Sync?"),
        ("OWN-01", "lead L04", "Return to queue Inbound (Q1)"),
        ("OWN-01", "lead L05", "Give to Partner Desk (U8)"),
        ("OWN-01", "lead L06", "Give to Ann Ng (U1)"),
    ] {
        let findings = &judgement(&judged, code).findings;
        let finding = findings.iter().find(|it| it.record.to_string() == record).unwrap();
        assert_eq!(finding.proposal.words(), says, "{code} {record}");
    }
}

#[test]
fn where_nobody_could_have_a_record_it_is_asked_who_takes_it() {
    let judged = fixture::named("proposed-owner");
    let proposed = |code: &str, record: &str| {
        let findings = &judgement(&judged, code).findings;
        let about = |finding: &&Finding| finding.record.to_string() == record;
        findings.iter().find(about).unwrap().proposal.words()
    };
    for (code, record, says) in [
        ("RTE-04", "lead L02", "Give to Cat Wu (U2)"),
        ("OWN-01", "lead L03", "Give to Ann Ng (U1)"),
        ("OWN-01", "lead L04", "Whose turn is it in the pool: Ann Ng, Cat Wu?"),
        (
            "OWN-01",
            "lead L05",
            "Whom should rule `France` (rules/routing.toml:15) name? Gone Rep is inactive",
        ),
        ("OWN-01", "lead L06", "Return to queue Inbound Queue (Q1)"),
        (
            "OWN-01",
            "lead L08",
            "Who takes this lead? With Cat Wu it would be a fault: rule `Germany` gives it to Ann Ng",
        ),
        ("OWN-01", "lead L09", "Give to Cat Wu (U2)"),
        (
            "OWN-02",
            "lead L10",
            "Who takes this lead? With Ann Ng it would be a fault: account Acme belongs to Cat Wu",
        ),
        ("OWN-03", "lead L12", "Who takes this lead out of Nordics Queue?"),
        ("OWN-03", "lead L13", "Who takes this lead out of Other Queue?"),
        (
            "OWN-01",
            "lead L14",
            "Who takes this lead? With Sync it would be a fault: Sync is a service user",
        ),
        (
            "OWN-01",
            "lead L15",
            "Who takes this lead? With Max Head it would be a fault: Max Head has a role that does \
             not work leads",
        ),
        ("OWN-04", "lead L16", "Return to queue Nordics Queue (Q2)"),
        ("OWN-01", "lead L17", "Give to Cat Wu (U2)"),
    ] {
        assert_eq!(proposed(code, record), says, "{record}");
    }
}

#[test]
fn a_headline_says_how_the_only_deal_stands() {
    let findings = found("customer-without-won-deal", "LIF-01");
    for (record, says) in [
        ("account 202", "its one deal is lost"),
        ("account 207", "its one deal is not known to be won"),
        ("account 212", "its one deal is still open"),
    ] {
        let headline = headline(&findings, record);
        assert!(headline.ends_with(says), "{headline}");
    }
}

/// What a check says of a fixture.
fn judgement<'j>(judged: &'j fixture::Judged, code: &str) -> &'j Judgement {
    let report = judged.reports.iter().find(|report| report.check.code == code).unwrap();
    report.judgement().unwrap()
}

/// What was open of a table stays open for ever where a check counts as not having looked.
#[test]
fn a_table_without_anything_to_look_at_was_looked_through_although_another_was_not() {
    let mut mended = fixture::read(&fixture::folder("opportunity-without-deal"));
    let rules = mended.rules.get_mut("lifecycle.toml").unwrap();
    let (contacts, accounts) = rules.split_once("[account]").unwrap();
    let accounts = accounts.replacen("opportunity = [\"opportunity\"]\n", "", 1);
    *rules = format!("{contacts}[account]{accounts}");
    let people = mended.tables.get_mut(&Object::Contact).unwrap();
    *people = people.replace(",opportunity,", ",lead,");
    let mut passed = fixture::read(&fixture::folder("stage-regression"));
    passed.tables.remove(&Object::Deal);
    let changes = passed.tables.get_mut(&Object::FieldHistory).unwrap();
    *changes = changes.replace("2026-", "2024-");
    for (kit, code, other) in [(mended, "LIF-04", "accounts"), (passed, "LIF-05", "deals")] {
        let judged = fixture::judge(kit);
        let judgement = judgement(&judged, code);
        assert_eq!((judgement.examined, judgement.findings.len()), (0, 0), "{code}");
        let words = judgement.partly();
        assert!(words.starts_with(other), "{code}: {words}");
    }
    // Where no table can be looked through, it did not look.
    let mut nothing = fixture::read(&fixture::folder("opportunity-without-deal"));
    let rules = nothing.rules.get_mut("lifecycle.toml").unwrap();
    *rules = rules.replace("opportunity = [\"opportunity\"]\n", "");
    let judged = fixture::judge(nothing);
    let report = judged.reports.iter().find(|report| report.check.code == "LIF-04").unwrap();
    assert!(report.judgement().is_none());
}

#[test]
fn people_of_one_name_are_told_apart_by_their_ids() {
    let judged = fixture::named("routing-accounts");
    let findings = &judgement(&judged, "RTE-04").findings;
    let finding = findings.iter().find(|it| it.record.to_string() == "lead L29").unwrap();
    assert_eq!(
        finding.headline,
        "This lead belongs to account Fifteenth, which Max Berg (U9) owns, and Max Berg (U8) has the lead"
    );
    assert_eq!(finding.proposal.words(), "Give to Max Berg (U9)");
}

#[test]
fn a_list_that_names_two_for_one_account_is_asked_about() {
    let judged = fixture::named("routing-accounts");
    let findings = &judgement(&judged, "RTE-10").findings;
    let finding = findings.iter().find(|it| it.record.to_string() == "account A20").unwrap();
    assert_eq!(
        finding.proposal.words(),
        "Whose is it? rules/named-accounts.csv names Bo Li on line 15 and Cat Wu on line 16"
    );
    let lacks = "rules/named-accounts.csv:16 names Cat Wu for the account too, and nothing says which line holds";
    assert!(finding.missing.iter().eq([lacks]), "{:?}", finding.missing);
}

#[test]
fn records_whose_accounts_do_not_agree_are_not_judged_and_that_is_said() {
    let accounts = fixture::named("routing-accounts");
    let matched = fixture::named("routing-matched-accounts");
    for (judged, code, says) in [
        (
            &accounts,
            "RTE-04",
            "leads: 4 belong to several accounts, which do not agree on whose it should be",
        ),
        (
            &accounts,
            "RTE-10",
            "leads: 1 belongs to several accounts, which do not agree on whose it should be",
        ),
        (
            &matched,
            "RTE-01",
            "leads: 2 belong to several accounts, which do not agree on whose it should be",
        ),
        (
            &matched,
            "RTE-05",
            "leads: 1 belongs to several accounts, which do not agree on whose it should be",
        ),
    ] {
        assert_eq!(judgement(judged, code).partly(), says, "{code}");
    }
    let headline = |code: &str, record: &str| {
        let findings = &judgement(&accounts, code).findings;
        let about = |finding: &&Finding| finding.record.to_string() == record;
        findings.iter().find(about).unwrap().headline.clone()
    };
    assert_eq!(
        headline("RTE-04", "lead L14"),
        "This lead belongs to accounts Acme and Fourth, which Ann Ng owns, and Bo Li has the lead"
    );
    assert_eq!(
        headline("RTE-04", "lead L22"),
        "This lead belongs to account Acme, which Ann Ng owns, and Bo Li has the lead"
    );
    assert_eq!(
        headline("RTE-10", "lead L17"),
        "This lead belongs to accounts Umbrella and Umbrella Labs, which are named for Eve Ek, and \
         Bo Li has it"
    );
}

#[test]
fn of_several_ids_in_a_cell_those_that_are_missing_are_named() {
    let judged = fixture::named("unresolved-reference");
    let findings = &judgement(&judged, "BAT-08").findings;
    let told: Vec<_> = findings
        .iter()
        .filter(|finding| ["003D", "003F"].contains(&&*finding.record.id))
        .map(|finding| (finding.record.to_string(), finding.headline.as_str()))
        .collect();
    // Each of them is known by itself: it is the same next week, whoever names it first then.
    assert_eq!(
        told,
        [
            ("contact 003D".to_owned(), "2 contacts name the account 001Y, which is in no input"),
            ("contact 003F".to_owned(), "1 contact names the account 001W, which is in no input"),
            ("contact 003F".to_owned(), "1 contact names the account 001X, which is in no input"),
        ]
    );
    let of_003f = findings.iter().filter(|finding| &*finding.record.id == "003F");
    assert_eq!(
        of_003f.map(figures).collect::<Vec<_>>(),
        ["001W", "001X"].map(|id| vec![
            format!("contacts under review that name {id} in `contact.account`: 1"),
            "contacts whose `contact.account` leads nowhere: 4 of 6 (missing ids or names: 4)"
                .to_owned(),
        ])
    );
}

#[test]
fn a_source_that_was_replaced_is_told_and_restored_as_far_as_it_may_be_shown() {
    let told = told(&fixture::named("overwritten-source"));
    for says in [
        "SRC-03 lead 00Q01: Lead source was Web at first, and now it is Event -> Correct the source to Web",
        "SRC-03 lead 00Q10: Lead source was Web at first, and now is blank -> Correct the source to Web",
        "SRC-03 lead 00Q09: Lead source was Referral at first, and now it is Other -> Correct the source \
         to Referral",
    ] {
        assert!(told.contains(says), "{told:#?}");
    }
    let hidden = fixture::named("overwritten-source-hidden");
    let findings = &judgement(&hidden, "SRC-03").findings;
    assert!(!findings.is_empty());
    for word in ["Web", "Event"] {
        assert!(!format!("{findings:?}").contains(word), "{findings:#?}");
    }
}

#[test]
fn of_a_chain_of_sources_one_record_is_told() {
    let told = told(&fixture::named("converted-source"));
    for says in [
        "SRC-04 contact 00301: Lead source of the contact is Event, and Web of the lead it was made of -> \
         Which source is right for this contact and for the lead it was made of: Event or Web?",
        "SRC-04 deal 00603: Lead source of the deal is Event, and Web of the lead it was made of -> Which \
         source is right for this deal and for the lead it was made of: Event or Web?",
    ] {
        assert!(told.contains(says), "{told:#?}");
    }
}

#[test]
fn a_sync_that_stands_still_is_told_once_and_what_a_running_one_leaves_out_by_record() {
    let judged = fixture::named("stale-sync");
    let told = told(&judged);
    for says in [
        "SOR-07 account 0004: This account was last synced 19 days ago, while 5 of 9 were within 48 h -> Why \
         does the sync leave this account out?",
        "SOR-07? account 0005: Last sync of the account is blank, and the rules say it is synced -> Why does \
         the sync leave this account out?",
        "SOR-07 lead 00Q2: No lead was synced within 48 h: the last was 9 days ago -> What stopped the sync \
         that writes lead.last_sync?",
    ] {
        assert!(told.contains(says), "{told:#?}");
    }
    assert_eq!(
        judgement(&judged, "SOR-07").partly(),
        "accounts: 1 whose `last_sync` lies ahead or was withheld: it says nothing of the sync; contacts: \
         only 1 of 4 in `last_sync` are current: it seems to move only when a record changes, and its age \
         says nothing; leads: 1 without `last_sync`: nothing says whether they are synced; `when` of \
         [[sync]] could"
    );
}

#[test]
fn who_wrote_what_only_some_may_write_is_told() {
    let told = told(&fixture::named("wrong-writer"));
    for says in [
        "SOR-02 account 0001: Industry was last changed by Ann Ng, who is none of its writers -> Why does Ann \
         Ng write account.industry? Keep it from writing there, or add it to the writers",
        "SOR-02? account 0005: Nothing says who changed account.industry last -> Who or what writes \
         account.industry without a name in the history?",
        "SOR-02? account 0007: Rating was last changed by 005X, and no input says who that is -> Why does 005X \
         write account.rating? Keep it from writing there, or add it to the writers",
    ] {
        assert!(told.contains(says), "{told:#?}");
    }
}

#[test]
fn where_no_date_says_it_the_history_says_since_when_a_record_is_in_its_stage() {
    let found = found("stuck", "LIF-08");
    assert_eq!(
        headline(&found, "deal 006Q"),
        "Deal 006Q has been Legal for 30 days; its limit is 20 days"
    );
    assert_eq!(
        headline(&found, "deal 006R"),
        "Deal 006R is Legal and was created 300 days ago; its limit is 20 days"
    );
}

#[test]
fn what_people_give_away_is_told_of_whom_the_rules_name_with_its_interval() {
    let judged = fixture::named("given-away");
    let judgement = judgement(&judged, "RTE-08");
    let told: Vec<_> = judgement.findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "People gave 14 of the 24 leads that the rules gave to Ann Ng to somebody else within 7 days",
            "People gave 12 of the 20 leads that the rules gave to the pool of Bo Li, Cy Ox to somebody \
             else within 7 days",
            "People gave 20 of the 20 leads that the rules gave to the pool of Moe Zc, Nan Zd to somebody \
             else within 7 days",
        ]
    );
    let figures: Vec<String> = judgement.findings[0]
        .evidence()
        .iter()
        .filter_map(|it| {
            if let Evidence::Figure { of, is } = it { Some(format!("{of}: {is}")) } else { None }
        })
        .collect();
    assert_eq!(
        figures,
        [
            "leads of the last 90 days that the rules gave to Ann Ng: 24",
            "given to somebody else by people within 7 days: 14, which is 58 % (exact 95 % interval 37 % to 78 %)",
            "to whom: Zoe Ax 14",
            "the last of them: lead 00Q014, lead 00Q013, lead 00Q012, lead 00Q011, lead 00Q010",
            "given away of what rule `Germany` gave: 12 of 12",
            "given away of what rule `Austria` gave: 2 of 12",
        ]
    );
    assert_eq!(
        judgement.partly(),
        "25 records count for none: nothing says who gave them away, or to whom they came first; owners and \
         pools that were given fewer than 20 records are not judged: 1"
    );
}

/// What a finding counts, in words.
fn figures(finding: &Finding) -> Vec<String> {
    let evidence = finding.evidence().iter();
    let figure = |it: &Evidence| {
        if let Evidence::Figure { of, is } = it { Some(format!("{of}: {is}")) } else { None }
    };
    evidence.filter_map(figure).collect()
}

#[test]
fn a_field_that_one_source_lost_is_told_once_with_what_was_expected() {
    let judged = fixture::named("fill-rate-drop");
    let judgement = judgement(&judged, "REQ-06");
    let told: Vec<_> = judgement.findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "Industry is blank in 00Q0132 and 12 more of the 24 leads from Web created 2026-02-16 to \
             2026-02-22: 46 % have it, after 93 % in the 12 weeks before",
            "Industry is blank in 00Q1459 and 21 more of the 24 leads from Fair created 2026-02-16 to \
             2026-02-22: 8 % have it, after 98 % in the 12 weeks before",
        ]
    );
    assert_eq!(
        figures(&judgement.findings[0]),
        [
            "the first leads without it: lead 00Q0132, lead 00Q0133, lead 00Q0134, lead 00Q0135, lead 00Q0136",
            "leads from Web that have industry, created 2026-02-16 to 2026-02-22: 11 of 24, which is 46 %",
            "the same of the 12 weeks before: 112 of 120, which is 93 % (exact 95 % interval 87 % to 97 %)",
            "expected at the share of before: 22.4 of 24",
            "chance of so few where the share is 87 %: 1 in 699929",
        ]
    );
    assert_eq!(
        judgement.partly(),
        "leads: 12 without a day of creation are in no week and not counted; leads: 25 of these weeks with a \
         stage that is blank, not in rules/lifecycle.toml, or contradicted by another field do not count for what \
         is required from a stage on; leads: sources and required fields with too few records are not \
         judged: 5"
    );
}

#[test]
fn stages_that_were_set_at_once_are_told_by_minute_and_writer() {
    let judged = fixture::named("stage-set-in-bulk");
    let judgement = judgement(&judged, "LIF-14");
    let told: Vec<_> = judgement.findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "Lifecycle of 003101 and 5 other contacts was set by Marketo Sync within one minute, 2026-02-10 \
             10:05 UTC",
            "Lifecycle of 003101 and 5 other contacts was set by Marketo Sync within one minute, 2026-02-17 \
             10:05 UTC",
            "Lifecycle of 003107 and 4 other contacts was set by Ann Ng within one minute, 2026-02-11 09:00 \
             UTC",
            "Lifecycle of 003146 and 4 other contacts was set within one minute, 2026-02-20 12:00 UTC",
            "Lifecycle of 003151 and 4 other contacts was set by U9 within one minute, 2026-02-20 13:00 UTC",
            "Stage of 0061 and 4 other deals was set by Marketo Sync within one minute, 2026-02-14 03:00 UTC",
        ]
    );
    assert_eq!(
        figures(&judgement.findings[0]),
        [
            "contacts whose stage was set then by the same: 6",
            "from one stage to another: lead → mql 6",
            "the first of them: contact 003101, contact 003102, contact 003103, contact 003104, contact 003105",
            "set by: a service user of the rules",
            "such bursts of the same in 30 days: 2",
        ]
    );
    assert_eq!(
        judgement.partly(),
        "field changes: 6 have no time of day: what came together cannot be told; contacts: the stages of 6 \
         were set in one minute of 2026-02-14, as planned: The new ladder"
    );
}

/// A fixture whose times of day are all so many seconds later. A day alone, which midnight stands for, stays.
fn later(mut kit: fixture::Kit, seconds: i64) -> fixture::Kit {
    let later = |cell: &str| {
        let forms = [
            ("%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.fZ"),
            ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"),
        ];
        let parse = |(from, to)| Some((NaiveDateTime::parse_from_str(cell, from).ok()?, to));
        let (at, to) = forms.into_iter().find_map(parse)?;
        let is_day = at.time() == chrono::NaiveTime::MIN;
        (!is_day).then(|| (at + TimeDelta::seconds(seconds)).format(to).to_string())
    };
    for text in kit.tables.values_mut() {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        for row in reader.records().map(Result::unwrap) {
            let cells = row.iter().map(|cell| later(cell).unwrap_or_else(|| cell.to_owned()));
            writer.write_record(cells).unwrap();
        }
        *text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    }
    kit
}

#[test]
fn what_came_together_does_not_hang_on_where_the_clocks_minute_falls() {
    for name in [
        "stage-set-in-bulk",
        "stage-regression",
        "contradicting-dates",
        "skipped-evidence",
        "customer-without-won-deal",
        "overwritten-source",
        "given-away",
        "passed-around",
        "wrong-writer",
        "fill-rate-drop",
        "direct-surge",
    ] {
        let told = |seconds| {
            let kit = later(fixture::read(&fixture::folder(name)), seconds);
            let judged = fixture::judge(kit);
            let reports = judged.reports.iter();
            let found = reports.filter_map(|it| Some((it.check.code, it.judgement()?)));
            let found = found.flat_map(|(code, it)| it.findings.iter().map(move |it| (code, it)));
            let with_doubts = found.map(|(code, finding)| {
                let doubts = finding.doubts.iter().map(ToString::to_string);
                let doubts: Vec<_> = doubts.filter(|doubt| doubt.contains("minute")).collect();
                (finding.id(code), finding.record.to_string(), doubts)
            });
            with_doubts.collect::<BTreeSet<_>>()
        };
        let there = told(0);
        for seconds in [15, 31, 59] {
            assert_eq!(told(seconds), there, "{name}, {seconds} s later");
        }
    }
}

#[test]
fn a_burst_of_several_minutes_is_one_finding_and_stays_the_same_one() {
    let found = |last: &str| {
        let mut kit = fixture::read(&fixture::folder("stage-set-in-bulk"));
        let rules = kit.rules.get_mut("lifecycle.toml").unwrap();
        *rules = rules.replace("records = 5", "records = 3");
        let history = kit.tables.get_mut(&Object::FieldHistory).unwrap();
        // Three in each minute, and never five.
        for (second, time) in ["05:00", "05:25", "05:50", "06:15", "06:40", last].iter().enumerate()
        {
            *history =
                history.replace(&format!("02-17T10:05:0{second}Z"), &format!("02-17T10:{time}Z"));
        }
        let judged = fixture::judge(kit);
        let findings = judgement(&judged, "LIF-14").findings.clone();
        let told = findings.into_iter().filter(|it| it.headline.contains("2026-02-17"));
        told.map(|it| (it.id("LIF-14"), it.headline)).collect::<Vec<_>>()
    };
    let [(id, whole)] = &found("07:05")[..] else { panic!() };
    assert_eq!(
        whole,
        "Lifecycle of 003101 and 5 other contacts was set by Marketo Sync within 3 minutes, 2026-02-17 10:05 \
         UTC"
    );
    // The last one comes later, and stands alone.
    let [(same, less)] = &found("09:05")[..] else { panic!() };
    assert!(less.contains(" and 4 other contacts ") && less.contains("within 2 minutes"), "{less}");
    assert_eq!(id, same);
}

#[test]
fn a_week_in_which_more_or_fewer_came_directly_is_told_by_table() {
    let judged = fixture::named("direct-surge");
    let surge = judgement(&judged, "SRC-07");
    let told: Vec<_> = surge.findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "00Q0121 and 17 more of the 30 leads created 2026-02-16 to 2026-02-22 came from a direct source: \
             60 % did, after 20 % in the 12 weeks before",
            "0030124 and 26 more of the 30 contacts created 2026-02-16 to 2026-02-22 did not come from a \
             direct source: 10 % did, after 50 % in the 12 weeks before",
        ]
    );
    assert_eq!(
        figures(&surge.findings[0]),
        [
            "leads created 2026-02-16 to 2026-02-22 without a source, which do not count: 10",
            "leads created 2026-02-16 to 2026-02-22 that were imported, which do not count: 40",
            "leads from a direct source, of those with a source, created 2026-02-16 to 2026-02-22: 18 of 30, \
             which is 60 %",
            "the same of the 12 weeks before: 24 of 120, which is 20 % (exact 95 % interval 13 % to 28 %)",
            "expected at the share of before: 6.0 of 30",
            "chance of so many where the share is 28 %: 1 in 3544",
        ]
    );
    let doubts = surge.findings[0].doubts.join(" ");
    assert!(doubts.contains("dark social") && doubts.contains("consent banner"), "{doubts}");
    let as_before = fixture::named("direct-surge-as-before");
    assert_eq!(
        judgement(&as_before, "SRC-07").partly(),
        "leads: 20 without a day of creation are in no week and not counted; contacts: there are fewer than \
         20 of the week 2026-02-16 to 2026-02-22 and 100 of the 12 weeks before, which would tell"
    );
}

#[test]
fn a_field_that_two_kinds_write_is_told_without_what_may_not_be_shown() {
    let judged = fixture::named("two-writers");
    let judgement = judgement(&judged, "SOR-06");
    let told: Vec<_> = judgement.findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "Industry is changed by people (3 accounts in 90 days, 001A3 among them) and by service users (3), \
             and no rule says which of them is right",
            "Rating is changed by people (3 accounts in 90 days, 001B1 among them) and by service users (3), \
             and no rule says which of them is right",
        ]
    );
    assert_eq!(
        figures(&judgement.findings[0]),
        [
            "accounts of which people changed it: 3",
            "accounts of which service users changed it: 3",
            "accounts of which both did: 1",
            "changes by writer: Ann Ng 3, Billing Sync 3",
        ]
    );
    let quotes = |at: usize| format!("{:?}", judgement.findings[at]).contains("Zebra");
    assert!(quotes(0) && !quotes(1), "{:#?}", judgement.findings[1]);
}

#[test]
fn turns_are_told_with_what_each_had_to_expect_and_what_chance_leaves() {
    let judged = fixture::named("uneven-turns");
    let findings = &judgement(&judged, "RTE-09").findings;
    let told: Vec<_> = findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "Of the 40 leads that `Nordics` gave by turns, Ann Ng got 31; 14 to 28 were to be expected",
            "Of the 36 leads that `Kenya` gave by turns, Tom Jo got 30; 11 to 25 were to be expected",
        ]
    );
    let figures = |finding: &Finding| -> Vec<String> {
        let figure = |it: &Evidence| {
            if let Evidence::Figure { of, is } = it { Some(format!("{of}: {is}")) } else { None }
        };
        finding.evidence().iter().filter_map(figure).collect()
    };
    assert_eq!(
        figures(&findings[0]),
        [
            "leads given by turns from 2025-12-01 to 2026-03-01: 40",
            "Ann Ng: 31, expected 21.0, by chance 14 to 28; 65 days of work",
            "Bo Li: 9, expected 19.0, by chance 12 to 26; 58 days of work",
        ]
    );
    assert_eq!(
        findings[1].missing.iter().map(String::as_str).collect::<Vec<_>>(),
        ["of 1 nothing says to whom they came first"]
    );
    assert!(findings[0].doubts[0].starts_with("equal turns are not equal work"));
    // Without a history of owners nobody knows to whom the records came first.
    let folder = fixture::folders().into_iter().find(|it| it.ends_with("uneven-turns")).unwrap();
    let mut kit = fixture::read(&folder);
    let kept = kit.tables.get_mut(&Object::FieldHistory).unwrap();
    *kept = kept
        .lines()
        .filter(|line| !line.contains("OwnerId,"))
        .fold(String::new(), |all, line| all + line + "\n");
    let judged = fixture::judge(kit);
    let findings = &judgement(&judged, "RTE-09").findings;
    assert!(findings.len() >= 2 && findings.iter().all(|it| !it.is_sufficient()));
}

#[test]
fn what_an_enrichment_overwrote_comes_back_as_it_was_verified() {
    let judged = fixture::named("overwritten-verified");
    let judgement = judgement(&judged, "SOR-04");
    let findings = &judgement.findings;
    for (record, says, proposed) in [
        (
            "contact C01",
            "Title was Buyer when it was verified on 2026-01-10 10:00 UTC; ZoomInfo Sync replaced it, and now \
             it is CEO",
            "Set title to Buyer",
        ),
        (
            "contact C08",
            "Title was Head of Lab when it was verified on 2026-01-10 10:00 UTC; ZoomInfo Sync replaced it, and \
             now it is CEO",
            "Set title to Head of Lab",
        ),
        (
            "contact C12",
            "Title was Buyer when it was verified on 2026-01-10 10:00 UTC; ZoomInfo Sync replaced it, and now \
             it is blank",
            "Set title to Buyer",
        ),
    ] {
        assert_eq!(headline(findings, record), says);
        assert_eq!(proposal(findings, record), proposed, "{record}");
    }
    let of = |record: &str| findings.iter().find(|it| it.record.to_string() == record).unwrap();
    let lacking = |record: &str| of(record).missing.iter().cloned().collect::<Vec<_>>().join("; ");
    assert_eq!(lacking("contact C15"), "of one of the changes nothing says who made it");
    assert_eq!(
        lacking("contact C16"),
        "contact.verified is a day, and the change was made on it: which came first is not known"
    );
    assert_eq!(
        lacking("contact C17"),
        "the field history does not say how contact.title came to the value it has now"
    );
    assert_eq!(
        lacking("contact C18"),
        "the field history begins after contact.verified: what was verified may have changed before"
    );
    // The number is masked, and nothing tells it.
    assert!(!format!("{:?}", of("contact C20")).contains("555-0100"), "{:#?}", of("contact C20"));
    assert!(of("contact C01").doubts[0].starts_with("contact.verified is set for several fields"));
    assert_eq!(
        judgement.partly(),
        "contacts: nothing says who changed `title` of 1 after it was verified"
    );
}

#[test]
fn what_waits_to_be_routed_is_told_with_the_hours_that_are_known() {
    let judged = fixture::named("stuck-before-routing");
    let judgement = judgement(&judged, "RTE-12");
    let findings = &judgement.findings;
    let start = "All that starts the routing of this";
    for (record, says) in [
        ("lead L01", "lead has been filled for 12 hours, and Intake Queue has it still; 4 hours"),
        ("lead L02", "lead has been filled for 12 hours, and nobody has it; 4 hours"),
        ("lead L06", "lead has been filled for 14 hours, and Intake Queue has it still; 4 hours"),
        ("lead L11", "lead has been filled for 52 hours, and Intake Queue has it still; 48 hours"),
        (
            "contact C01",
            "contact has been filled for 21 hours or longer, and nobody has it; 4 hours",
        ),
        (
            "contact C02",
            "contact has been filled for some part of 22 hours, and nobody has it; 4 hours",
        ),
    ] {
        assert_eq!(headline(findings, record), format!("{start} {says} are allowed"));
    }
    let of = |record: &str| findings.iter().find(|it| it.record.to_string() == record).unwrap();
    let missing = of("contact C02").missing.iter().cloned().collect::<Vec<_>>().join("; ");
    assert!(missing.starts_with("nothing says since when country is filled"), "{missing}");
    assert!(of("lead L20").doubts[0].starts_with("lead.lead_source is blank, and with a value"));
    assert!(of("contact C01").doubts[0].starts_with("no field says when a contact was assigned"));
    assert_eq!(
        judgement.partly(),
        "leads: 1 without a date of creation that has passed; \
         rules/routing.toml:17: `Old Queue` is in no input"
    );
}

#[test]
fn a_lead_that_was_touched_on_the_day_of_the_review_was_touched() {
    let findings = found("service-level", "RTE-07");
    for (record, says) in [
        ("lead L07", "Nobody has touched this lead for 27 h of business time"),
        ("lead L45", "This lead was first touched 27 h of business time after the assignment"),
    ] {
        let headline = headline(&findings, record);
        assert!(headline.starts_with(says), "{headline}");
    }
}

#[test]
fn members_who_answered_on_one_day_were_not_uploaded_together() {
    let folder = fixture::folders().into_iter().find(|folder| folder.ends_with("weak-source"));
    let folder = folder.unwrap();
    let uploaded = |responded: &str| {
        let mut kit = fixture::read(&folder);
        let mut leads = "Id,LeadSource,CreatedDate\n".to_owned();
        let mut members =
            "LeadOrContactId,CampaignName,CampaignType,FirstRespondedDate\n".to_owned();
        for n in 0..12 {
            leads += &format!("00Q{n:02},Unknown,2026-02-10T10:00:00Z\n");
            members += &format!("00Q{n:02},Spring Webinar,Webinar,{responded}\n");
        }
        kit.tables.insert(Object::Lead, leads);
        kit.tables.insert(Object::CampaignMember, members);
        let day = fixture::today().day;
        // A bare day begins at 23:00 of the day before in UTC.
        let judged = fixture::judge_as_of(kit, AsOf::new(day, chrono_tz::Europe::Berlin));
        let report = judged.reports.iter().find(|report| report.check.code == "SRC-01").unwrap();
        let Outcome::Ran(judgement) = &report.outcome else { panic!() };
        assert_eq!(judgement.findings.len(), 12);
        let doubts = judgement.findings.iter().flat_map(|finding| &finding.doubts);
        doubts.filter(|doubt| doubt.contains("very same moment")).count()
    };
    assert_eq!(uploaded("2026-02-08"), 0);
    assert_eq!(uploaded("2026-02-08T10:00:00Z"), 12);
}

#[test]
fn who_set_a_stage_back_is_who_the_rules_say() {
    let folder = fixture::folders().into_iter().find(|folder| folder.ends_with("stage-regression"));
    let mut kit = fixture::read(&folder.unwrap());
    let by = ["Emma Batchelor", "Boomi", "Data Import", "WORKFLOWS", "CRM_UI", "whoever"];
    let mut contacts = "Record ID,Lifecycle Stage\n".to_owned();
    let mut history = "Record,Field,Old,New,At,By\n".to_owned();
    for (n, by) in by.iter().enumerate() {
        contacts += &format!("10{n},lead\n");
        history += &format!("10{n},lifecycle,opportunity,lead,2026-02-{} 10:00,{by}\n", 10 + n);
    }
    let users = "Id,Name,Active\nU1,Emma Batchelor,true\nU2,Boomi,true\nU3,Data Import,true\n";
    kit.tables.insert(Object::Contact, contacts);
    kit.tables.insert(Object::FieldHistory, history);
    kit.tables.insert(Object::User, users.to_owned());
    kit.tables.remove(&Object::Deal);
    kit.rules.insert("owners.toml".to_owned(), "[service-owner]\nusers = [\"Boomi\"]\n".to_owned());
    let judged = fixture::judge(kit);
    let report = judged.reports.iter().find(|report| report.check.code == "LIF-05").unwrap();
    let Outcome::Ran(judgement) = &report.outcome else { panic!() };
    let actor = |finding: &Finding| {
        finding.evidence().iter().find_map(|evidence| {
            let Evidence::Figure { of, is } = evidence else { return None };
            (of == "changed by").then(|| is.clone())
        })
    };
    let (person, program) = ("a person", "an integration or automation");
    let said: BTreeMap<String, Option<String>> =
        judgement.findings.iter().map(|one| (one.record.id.to_string(), actor(one))).collect();
    let expected = [Some(person), Some(program), Some(program), Some(program), Some(person), None];
    for (n, expected) in expected.into_iter().enumerate() {
        assert_eq!(said[&format!("10{n}")].as_deref(), expected, "{}", by[n]);
    }
}

#[test]
fn a_value_of_the_system_is_proposed_as_the_crm_writes_it() {
    let findings = found("conflicting-value", "SOR-01");
    for (record, proposed) in [
        ("account 0012", "Set country to Belgium"),
        // By the rules' `same`.
        ("account 0030", "Set country to UK"),
        // As other accounts have it.
        ("account 0031", "Set country to portugal"),
    ] {
        assert_eq!(proposal(&findings, record), proposed);
    }
}

#[test]
fn whom_a_record_goes_to_is_for_the_rules_of_today() {
    for (code, record, proposed) in [
        ("OWN-01", "lead L09", "Give to Ann Ng (U1)"),
        ("OWN-02", "lead L10", "Give to Ann Ng (U1)"),
        ("RTE-01", "lead L02", "Give to Ann Ng (U1)"),
        (
            "RTE-01",
            "lead L04",
            "Whose is it now? On 2025-12-10 rule `Germany, the old desk` gave it to Bo Li; today \
             rule `Germany, the new desk` names its owner",
        ),
        (
            "RTE-01",
            "lead L11",
            "Whose is it now? On 2025-12-10 rule `Germany, the old desk` gave it to Bo Li; today \
             rule `Germany, the new desk` gives it to Ann Ng",
        ),
    ] {
        assert_eq!(proposal(&found("routing-dated", code), record), proposed);
    }
}

#[test]
fn nobody_gets_a_record_by_a_row_that_may_not_cover_it() {
    for (code, record, proposed) in [
        ("RTE-02", "lead L02", "Give to Bo Li (U2)"),
        ("RTE-02", "lead L03", "Who takes it? Perhaps one who covers DACH: Bo Li, Cat Wu"),
        ("RTE-02", "lead L20", "Who takes it? Perhaps one who covers Iberia: Eve Ek"),
        ("RTE-02", "lead L21", "Give to Eve Ek (U6)"),
        ("RTE-03", "lead L22", "Who takes it? Perhaps one who covers Mid: Ann Ng, Bo Li"),
        ("RTE-03", "lead L23", "Who takes it? Perhaps one who covers Mid: Ann Ng, Bo Li"),
    ] {
        assert_eq!(proposal(&found("routing-coverage", code), record), proposed);
    }
}

#[test]
fn a_deal_that_closes_in_the_future_was_not_won_days_ago() {
    let findings = found("lead-at-customer", "LIF-03");
    let headline = headline(&findings, "lead 00QD");
    assert_eq!(headline, "Lead 00QD is New while its account 001I has a won deal (006I)");
}

#[test]
fn a_company_follows_its_people_only_where_an_open_deal_bears_them_out() {
    let findings = found("contact-ahead-of-company", "LIF-10");
    let asks = "Which stage is right: the company's, or that of its people?";
    for (record, says, proposed) in [
        (
            "account 201",
            "Account Globex is lead while Anna (Globex) is opportunity",
            "Correct the stage to opportunity",
        ),
        (
            "account 202",
            "Account Initech is lead while Berta (Initech) is salesqualifiedlead, and another of \
             its people is ahead of it",
            asks,
        ),
        (
            "account 207",
            "Account Wayne has no stage while Gina (Wayne) is salesqualifiedlead",
            asks,
        ),
    ] {
        assert_eq!(headline(&findings, record), says);
        assert_eq!(proposal(&findings, record), proposed, "{record}");
    }
    // With the stage that is proposed nothing is wrong with the company any more.
    let folder = fixture::folders().into_iter().find(|it| it.ends_with("contact-ahead-of-company"));
    let mut kit = fixture::read(&folder.unwrap());
    let accounts = kit.tables.get_mut(&Object::Account).unwrap();
    *accounts = accounts.replace("Globex,lead,", "Globex,opportunity,");
    let of_company = |finding: &Finding| finding.record.to_string() == "account 201";
    for report in fixture::judge(kit).reports {
        let findings = report.judgement().map_or(&[][..], |it| &it.findings);
        assert!(!findings.iter().any(of_company), "{} finds it", report.check.code);
    }
}

#[test]
fn what_a_lost_or_disqualified_record_shows_is_told() {
    let lost = found("lost-deal-alive", "LIF-12");
    for (record, says) in [
        (
            "deal 006C",
            "Deal Osprey is Closed Lost and has a next step in 19 days and an activity in 19 days",
        ),
        (
            "deal 006I",
            "Deal Hawk was lost, left that stage 12 days ago and is open now: Negotiation",
        ),
        ("deal 006O", "Deal Ibis was lost, left that stage 9 days ago and is won now: Closed Won"),
    ] {
        assert_eq!(headline(&lost, record), says);
    }
    let disqualified = found("disqualified-but-active", "LIF-11");
    for (record, says) in [
        ("lead 00QA", "Lead Ann Ng is Unqualified while it is in a sequence"),
        (
            "contact 003B",
            "Contact Ida Im (Globex) is unqualified while deal Merlin is open and it is in a sequence",
        ),
        (
            "contact 003K",
            "Contact Ray Ro (Globex) is Unqualified while nothing says how deal Owl stands",
        ),
        ("account 001D", "Account Umbrella is Competitor while deal Heron is open"),
    ] {
        assert_eq!(headline(&disqualified, record), says);
    }
    let lacking = found("skipped-evidence", "LIF-06");
    for (record, says, proposed) in [
        (
            "contact 101",
            "Contact Ann Ng is SQL and accepted date is blank",
            "Fill in accepted date; ask the contact's owner",
        ),
        (
            "contact 104",
            "Contact Dee Xu is SQL and accepted date is blank, budget is blank",
            "Is there evidence for SQL? If so enter it; if not, the stage came too early",
        ),
        (
            "contact 112",
            "Contact Lea Lo is Customer and contract date is blank",
            "Fill in contract date; ask the contract desk",
        ),
    ] {
        assert_eq!(headline(&lacking, record), says);
        assert_eq!(proposal(&lacking, record), proposed, "{record}");
    }
}

#[test]
fn who_is_away_is_stood_in_for_by_somebody_who_may_have_the_record() {
    let judged = fixture::named("owner-on-leave");
    let findings = &judgement(&judged, "OWN-07").findings;
    for (record, says, proposed, doubt) in [
        (
            "lead L01",
            "Ann Ng owns the lead and is away until 2026-03-08, 8 days more",
            "Give to Bo Li (U2)",
            "somebody may work the lead for them already",
        ),
        (
            "lead L05",
            "Ann Ng owns the lead and is away until 2026-03-08, 8 days more",
            "Who works this lead until Ann Ng is back?",
            "with the backup Bo Li it would be a fault: rule `Germany` gives it to Ann Ng",
        ),
        (
            "lead L09",
            "Eve Ek owns the lead and is away until 2026-03-02, 2 days more",
            "Who works this lead until Eve Ek is back?",
            "there was activity on the lead 2 days ago",
        ),
        (
            "lead L10",
            "Fay Fu owns the lead and is away until 2026-03-09, 9 days more",
            "Give to Bo Li (U2)",
            "somebody may work",
        ),
        (
            "lead L11",
            "Gil Go owns the lead and is away until 2026-03-08, 8 days more",
            "Who works this lead until Gil Go is back?",
            "the backup Ann Ng is away too",
        ),
        (
            "lead L13",
            "Jo Ju owns the lead and is away until 2026-03-20, 20 days more",
            "Who works this lead until Jo Ju is back?",
            "the leave begins on the day of the review",
        ),
        (
            "lead L15",
            "Lea Lo owns the lead and is away until 2026-03-08, 8 days more",
            "Who works this lead until Lea Lo is back?",
            "with the backup Bot it would be a fault: Bot is a service user",
        ),
        (
            "lead L18",
            "Oda Oh owns the lead and is away until 2026-03-08, 8 days more",
            "Return to queue Inbound Queue (Q1)",
            "somebody may work",
        ),
    ] {
        assert_eq!(headline(findings, record), says);
        assert_eq!(proposal(findings, record), proposed, "{record}");
        let about = |finding: &&Finding| finding.record.to_string() == record;
        let found = findings.iter().find(about).unwrap();
        assert!(found.doubts.iter().any(|it| it.starts_with(doubt)), "{:?}", found.doubts);
        assert_eq!(found.hold().word(), "escalate-only");
    }
    // Nobody else proposes whoever is away.
    assert_eq!(
        proposal(&judgement(&judged, "RTE-01").findings, "lead L06"),
        "Who takes it? With Ann Ng it would be a fault: Ann Ng is away"
    );
    let partly = judgement(&judged, "OWN-07").partly();
    assert!(partly.contains("rules/leave.csv:18: `Who Knows` is in no input"), "{partly}");
}

#[test]
fn owners_who_should_agree_are_told_with_the_line_that_wants_it() {
    let judged = fixture::named("split-ownership");
    let inactive = &judgement(&judged, "OWN-01").findings;
    let judgement = judgement(&judged, "OWN-08");
    let findings = &judgement.findings;
    let whose = "Who takes both: whoever has this contact, or";
    for (record, says, proposed, doubt) in [
        (
            "contact C01",
            "The contact is Bo Li's and its account Acme Ann Ng's, and the rules want one owner",
            "Give to Ann Ng (U1)",
            "which of the two is out of date the table does not say",
        ),
        (
            "contact C07",
            "The contact is Bo Li's and its account Untyped Ann Ng's, and the rules want one owner",
            &format!("{whose} Ann Ng, who has account Untyped?"),
            "which of the two",
        ),
        (
            "contact C19",
            "The contact is Bo Li's and its account Away Hal Ho's, and the rules want one owner",
            "Who takes this contact? With Hal Ho it would be a fault: Hal Ho is away",
            "which of the two",
        ),
        (
            "contact C23",
            "The contact is Bo Li's and its account Unsaid Pam Po's, and the rules want one owner",
            &format!("{whose} Pam Po, who has account Unsaid?"),
            "nothing says whether Pam Po is active",
        ),
        (
            "contact C24",
            "The contact is Eve Ek's and its account Acme Ann Ng's, and the rules want one owner",
            "Who takes this contact? With Ann Ng it would be a fault: rule `France` gives it to Eve Ek",
            "which of the two",
        ),
        (
            "contact C32",
            "The contact is Bo Li's and its account Moved Ann Ng's, and the rules want one owner",
            "Give to Ann Ng (U1)",
            "the account came to Ann Ng only 10 days ago: a handover may be under way",
        ),
        (
            "lead L01",
            "The lead is Eve Ek's and its account Acme Ann Ng's, and the rules want owners of one team",
            "Who of the team of Ann Ng takes this lead, or who account Acme?",
            "only the domain ties this lead to the account",
        ),
    ] {
        assert_eq!(headline(findings, record), says);
        assert_eq!(proposal(findings, record), proposed, "{record}");
        let about = |finding: &&Finding| finding.record.to_string() == record;
        let doubts = &findings.iter().find(about).unwrap().doubts;
        assert!(doubts.iter().any(|it| it.starts_with(doubt)), "{record}: {doubts:?}");
    }
    // Nobody else proposes an owner whom the table would not have.
    assert_eq!(
        proposal(inactive, "contact C10"),
        "Who takes this contact? With Bo Li it would be a fault: account Acme belongs to Ann Ng"
    );
    assert_eq!(proposal(inactive, "account A3"), "Give to Bo Li (U2)");
    let lacking = |record: &str| {
        let finding = findings.iter().find(|it| it.record.to_string() == record).unwrap();
        finding.missing.iter().cloned().collect::<Vec<_>>().join("; ")
    };
    assert_eq!(lacking("contact C07"), "account.type is blank");
    assert_eq!(lacking("contact C11"), "no role is known of Fay Fu");
    assert_eq!(lacking("lead L03"), "no team is known of Gus Go");
    assert_eq!(
        judgement.partly(),
        "leads: 1 belongs to several accounts of other owners: which one counts is not known; \
         contacts: 1 belongs to several accounts of other owners: which one counts is not known; \
         contacts: 1 names an account that is in no input; \
         contacts: 1 has an owner, or one of its account, who is in no input or not the only one of the name; \
         rules/owners.toml:34: nobody has the role `Field Engineer`"
    );
}

#[test]
fn who_has_too_much_is_told_beside_what_the_others_have() {
    let judged = fixture::named("overloaded-owner");
    let judgement = judgement(&judged, "OWN-09");
    let findings = &judgement.findings;
    for (record, says) in [
        ("user U1", "Ann Ng owns 4 open leads; one owner works 3 at most"),
        ("user U6", "Fay Fu owns 3 to 4 open leads; one owner works 3 at most"),
        ("user U9", "Kim Ko owns 3 open accounts; one owner works 2 at most"),
        ("user U12", "Lea Lu owns 4 open leads; one owner works 3 at most"),
        (
            "user U20",
            "Max Mo is inactive, and 2 people who own 7 open records still report to them",
        ),
    ] {
        assert_eq!(headline(findings, record), says);
    }
    let of = |record: &str| findings.iter().find(|it| it.record.to_string() == record).unwrap();
    assert_eq!(
        figures(of("user U1")),
        [
            "open leads of Ann Ng: 4",
            "open leads of the 5 other owners whom the cap binds (median): 4",
            "of the open ones with an activity in the last 30 days: 4",
        ]
    );
    assert_eq!(
        figures(of("user U20")),
        ["open records of Ann Ng: 4 leads", "open records of Bo Li: 3 leads"]
    );
    let doubts = |record: &str| of(record).doubts.join("\n");
    assert!(doubts("user U1").starts_with("others have about as many (4 in the middle)"));
    assert!(doubts("user U1").contains("Ann Ng stands in for Bo Li, who is away"));
    assert!(doubts("user U12").contains("only 0 of them had an activity in the last 30 days"));
    assert!(
        doubts("user U20").starts_with("Max Mo left only 9 days ago"),
        "{}",
        doubts("user U20")
    );
    let lacking = |record: &str| of(record).missing.iter().cloned().collect::<Vec<_>>().join("; ");
    assert_eq!(lacking("user U5"), "no role is known of Eve Ek");
    assert_eq!(lacking("user U6"), "nothing says whether 1 lead is open");
    assert_eq!(lacking("user U10"), "nothing says whether Hal Ho is active");
    assert_eq!(
        judgement.partly(),
        "users: the managers of 1 who own open records are in no input, or several have the name; \
         rules/owners.toml:20: `Who Knows` is in no input"
    );
}

/// What is proposed about a record, in words.
fn proposal(findings: &[Finding], record: &str) -> String {
    let about = |finding: &&Finding| finding.record.to_string() == record;
    findings.iter().find(about).unwrap().proposal.words()
}

#[test]
fn rules_that_an_excluded_account_hides_object_to_nobody() {
    let findings = found("left-out-account", "OWN-01");
    assert_eq!(proposal(&findings, "lead L06"), "Give to Bo Li (U2)");
    assert_eq!(
        proposal(&findings, "lead L07"),
        "Who takes this lead? With Bo Li it would be a fault: rule `Germany` gives it to Ann Ng"
    );
}

/// What a check finds in a fixture.
fn found(name: &str, code: &str) -> Vec<Finding> {
    found_in(fixture::named(name), code)
}

fn found_in(judged: fixture::Judged, code: &str) -> Vec<Finding> {
    let findings = judged.reports.into_iter().find_map(|report| match report.outcome {
        Outcome::Ran(judgement) if report.check.code == code => Some(judgement.findings),
        Outcome::Ran(_) | Outcome::NotApplicable(_) | Outcome::Broken => None,
    });
    findings.unwrap()
}

fn headline<'f>(findings: &'f [Finding], record: &str) -> &'f str {
    &findings.iter().find(|finding| finding.record.to_string() == record).unwrap().headline
}

#[test]
fn likeness_looks_at_records_without_an_address_too() {
    let judged = fixture::named("duplicates-similar-person");
    let examined = |code: &str| judgement(&judged, code).examined;
    // Fourteen leads, of which two have no address, and six contacts.
    assert_eq!((examined("DUP-01"), examined("DUP-02")), (18, 20));
}

#[test]
fn companies_with_different_names_at_one_domain_are_a_question() {
    let findings = found("duplicates-same-company", "DUP-04");
    let asked = |record: &str| {
        let found = findings.iter().find(|finding| finding.record.to_string() == record);
        found.map(|finding| (finding.proposal.kind().word(), finding.hold().word())).unwrap()
    };
    assert_eq!(asked("account 00127"), ("review-record", "escalate-only"));
    assert_eq!(asked("account 00119"), ("merge-candidate", "held"));
}

#[test]
fn namesakes_at_one_address_are_a_question_and_short_forms_of_a_name_are_not() {
    let mut kit = fixture::read(&fixture::folder("duplicates-same-person"));
    let leads = kit.tables.get_mut(&Object::Lead).unwrap();
    let pairs = [
        ("Ed,Ames", "Edmund,Ames"),
        ("Tina,Babb", "Christina,Babb"),
        ("John,Coy Sr", "John,Coy Jr."),
        ("Hans-Peter,Dahl", "Hans-Jürgen,Dahl"),
        ("John A,Eck", "John B,Eck"),
    ];
    for (n, (left, right)) in pairs.iter().enumerate() {
        for (at, name) in [left, right].into_iter().enumerate() {
            let row = format!("00R{n}{at},{name},one@home{n}.org,,,false,2025-02-05,,\n");
            leads.push_str(&row);
        }
    }
    let findings = found_in(fixture::judge(kit), "DUP-01");
    let told = |n: usize| {
        let record = format!("lead 00R{n}0");
        let found = findings.iter().find(|finding| finding.record.to_string() == record).unwrap();
        (found.hold().word(), found.doubts.first().map_or("", String::as_str))
    };
    assert_eq!([told(0).0, told(1).0, told(4).0], ["held"; 3]);
    assert_eq!([told(2).0, told(3).0], ["escalate-only"; 2]);
    assert!(told(2).1.starts_with("the suffixes differ"), "{}", told(2).1);
    assert!(told(3).1.starts_with("the names are different"), "{}", told(3).1);
    assert_eq!(told(4).1, "the names are not quite the same: different middle initials");
}

#[test]
fn what_was_withheld_stands_against_a_merge() {
    let findings = found("duplicates-unsafe-cluster", "DUP-04");
    let lacks: Vec<_> = findings.iter().flat_map(|finding| &finding.missing).collect();
    assert_eq!(
        lacks,
        [
            "account.tax_id of 00110 and 00111 was withheld: whether they are one legal entity \
             cannot be told",
            "account.tax_id of 00113 was withheld: whether they are one legal entity cannot be told",
        ]
    );
}

#[test]
fn the_record_to_keep_is_the_one_that_would_be_missed_most() {
    let judged = fixture::named("duplicates-survivor");
    let kept: Vec<_> = ["DUP-01", "DUP-04"]
        .into_iter()
        .flat_map(|code| &judgement(&judged, code).findings)
        .map(|finding| {
            let Proposal::MergeCandidate { keep, because, .. } = &finding.proposal else {
                panic!("{finding:?}")
            };
            format!("{keep}: {}", because.split(';').next().unwrap())
        })
        .collect();
    assert_eq!(
        kept,
        [
            "lead 00202: kept because it is open work",
            "account 00102: kept because it has an external id",
            "account 00104: kept because it has won or open deals",
            "account 00106: kept because it is open work",
        ]
    );
}

#[test]
fn of_stages_that_fell_in_one_instant_or_over_a_blank_the_whole_fall_is_told() {
    let findings = found("stage-regression", "LIF-05");
    for (record, says) in [
        ("contact 113", "fell from customer to lead 17 days ago"),
        ("contact 116", "fell from opportunity to mql 17 days ago"),
    ] {
        let headline = headline(&findings, record);
        assert!(headline.ends_with(says), "{headline}");
    }
}

#[test]
fn a_key_that_stands_on_another_systems_row_is_not_looked_for() {
    let judged = fixture::named("systems-with-one-key");
    let partly = judgement(&judged, "SOR-05").partly();
    assert!(
        partly.starts_with("accounts: the keys of 2 stand on another system's row"),
        "{partly}"
    );
}

/// The leads of a fixture's and the contacts, all at one address.
fn at_one_address(name: &str, people: usize) -> fixture::Judged {
    let folder = fixture::folders().into_iter().find(|folder| folder.ends_with(name)).unwrap();
    let mut kit = fixture::read(&folder);
    let mut leads =
        "Id,FirstName,LastName,Email,Status,IsConverted,RecordType,LastActivityDate\n".to_owned();
    let mut contacts = "Id,FirstName,LastName,Email,AccountId,LastActivityDate,OptOut\n".to_owned();
    for n in 0..people {
        leads += &format!("00Q{n:04},Ann{n},Ng{n},noemail@acme.com,New,false,Standard,\n");
        contacts += &format!("003{n:04},Bo{n},Li{n},NoEmail@acme.com,,,false\n");
    }
    kit.tables.insert(Object::Lead, leads);
    kit.tables.insert(Object::Contact, contacts);
    fixture::judge(kit)
}

/// A table with a column more, which says something of one record alone.
fn with_column(table: &str, name: &str, id: &str, value: &str) -> String {
    let rows = table.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},{name}\n"),
        _ if line.starts_with(&format!("{id},")) => format!("{line},{value}\n"),
        _ => format!("{line},\n"),
    });
    rows.collect()
}

#[test]
fn a_consent_that_lead_and_contact_state_differently_is_escalated() {
    for (name, code, id) in [
        ("duplicates-lead-is-contact", "DUP-06", "00Q01"),
        ("duplicates-converted-twin", "DUP-08", "00Q02"),
    ] {
        let found = |lead: &str, contact: &str| {
            let mut kit = fixture::read(&fixture::folder(name));
            let boundary = kit.rules.get_mut("boundary.toml").unwrap();
            let lines =
                boundary.lines().filter(|line| !line.starts_with("opted_out")).map(|line| {
                    let is_of_people = ["[lead.fields]", "[contact.fields]"].contains(&line);
                    let flag = "\nopted_out = { from = \"Out\", why = \"Consent.\" }";
                    format!("{line}{}\n", if is_of_people { flag } else { "" })
                });
            *boundary = lines.collect();
            for (object, id, value) in
                [(Object::Lead, id, lead), (Object::Contact, "00301", contact)]
            {
                let table = with_column(&kit.tables[&object], "Out", id, value);
                kit.tables.insert(object, table);
            }
            let found = found_in(fixture::judge(kit), code);
            found.into_iter().find(|it| *it.record.id == *id).unwrap()
        };
        for (lead, contact) in [("true", "false"), ("false", "true")] {
            let finding = found(lead, contact);
            let hold = finding.hold();
            assert_eq!(
                (hold.word(), hold.why()),
                ("escalate-only", Some("only one of them has opted out"))
            );
            let is_consent = |evidence: &Evidence| matches!(evidence, Evidence::Compared { left, .. } if left.field() == "opted_out");
            assert!(finding.evidence().iter().any(is_consent), "{code}");
            let doubt = "the flag of one of them may simply be out of date";
            assert!(finding.doubts.iter().any(|it| it == doubt), "{:?}", finding.doubts);
        }
        // What nobody said contradicts nothing.
        for (lead, contact) in [("true", "true"), ("false", "false"), ("", "true"), ("true", "")] {
            assert_eq!(found(lead, contact).hold().word(), "held", "{code} {lead} {contact}");
        }
    }
}

/// How the findings of a check are held, by record.
fn holds(kit: fixture::Kit, code: &str) -> BTreeMap<String, (String, Finding)> {
    let found = found_in(fixture::judge(kit), code).into_iter();
    found.map(|it| (it.record.id.to_string(), (it.hold().word().to_owned(), it))).collect()
}

#[test]
fn a_change_of_a_deal_in_the_forecast_is_escalated_whichever_check_proposes_it() {
    const DEALS: &str = "Id,StageName,Amount,Region__c,Type,CreatedDate,LastStageChangeDate,CloseDate,Category\n\
        1,Proposal,,,New Business,2026-02-01,2026-02-10,2026-03-20,Commit\n\
        2,Proposal,,,New Business,2026-02-01,2026-02-10,2026-04-20,Commit\n\
        3,Proposal,,,New Business,2026-02-01,2026-02-10,2026-03-20,Pipeline\n\
        4,Proposal,,,New Business,2026-02-01,2026-02-10,,Best Case\n\
        5,Proposal,,,New Business,2026-02-01,2026-02-10,2026-01-15,commit\n\
        6,Closed Won,10,,New Business,2026-02-01,2026-02-10,2026-03-20,Commit\n";
    let of = |owners: &str| {
        let mut kit = fixture::read(&fixture::folder("missing-for-stage"));
        let boundary = kit.rules.get_mut("boundary.toml").unwrap();
        *boundary = boundary.replace(
            "amount = ",
            "close_date = { from = \"CloseDate\", why = \"Forecast.\" }\n\
             forecast = { from = \"Category\", why = \"Forecast.\" }\namount = ",
        );
        let section = format!("[inactive-owner-of-committed-deal]\n{owners}\n");
        kit.rules.insert("owners.toml".to_owned(), section);
        kit.tables.insert(Object::Deal, DEALS.to_owned());
        let mut holds = holds(kit, "REQ-01");
        holds.retain(|_, (_, finding)| finding.record.object == Object::Deal);
        holds
    };
    let escalated = |owners: &str| {
        let of = of(owners).into_iter().filter(|(_, (held, _))| held == "escalate-only");
        of.map(|(id, _)| id).collect::<Vec<_>>()
    };
    // The check that finds inactive owners of such deals need not be on.
    for owners in ["", "off = true"] {
        assert_eq!(of(owners).len(), 6);
        assert_eq!(escalated(owners), ["1", "4", "5"]);
    }
    assert_eq!(escalated("fiscal_year_starts = 2"), ["1", "2", "4"]);
    assert_eq!(escalated("forecast = [\"Pipeline\"]"), ["3"]);
    let (_, finding) = &of("")["1"];
    assert_eq!(finding.hold().why(), Some("it touches a forecast"));
    let is_rule = |evidence: &Evidence| {
        let says = "open deals that close this fiscal quarter are in a forecast as Commit";
        matches!(evidence, Evidence::Policy { says: it, .. } if it.starts_with(says))
    };
    assert!(finding.evidence().iter().any(is_rule), "{:?}", finding.evidence());
}

#[test]
fn a_change_of_a_named_account_is_escalated_whichever_check_proposes_it() {
    let mut kit = fixture::read(&fixture::folder("routing-accounts"));
    let rules =
        "[[invalid.list]]\nobject = \"account\"\nfield = \"type\"\nvalues = [\"Partner\"]\n";
    kit.rules.insert("required.toml".to_owned(), rules.to_owned());
    let holds = holds(kit, "REQ-03");
    let hold = |id: &str| holds[id].1.hold();
    assert_eq!(hold("A5").word(), "escalate-only");
    assert_eq!(hold("A5").why(), Some("it touches a named account"));
    let is_line = |evidence: &Evidence| {
        matches!(evidence, Evidence::Policy { file, line: 2, says }
            if file == "rules/named-accounts.csv" && says.starts_with("Eve Ek since 2025-06-01"))
    };
    assert!(holds["A5"].1.evidence().iter().any(is_line), "{:?}", holds["A5"].1.evidence());
    // By its website and by its name as well; one whose line is not in force yet is not named.
    assert_eq!(
        ["A6", "A7", "A8", "A1"].map(|id| hold(id).word()),
        ["escalate-only", "escalate-only", "held", "held"]
    );
}

#[test]
fn leads_at_an_address_that_a_crowd_of_contacts_has_are_left_alone() {
    let judged = at_one_address("duplicates-lead-is-contact", 600);
    let judgement = judgement(&judged, "DUP-06");
    assert_eq!((judgement.examined, judgement.findings.len()), (600, 0));
    assert_eq!(
        judgement.partly(),
        "leads: 600 contacts share one mail address (0030000 is one of them): too many to tell which \
         600 leads with it are"
    );
}

#[test]
fn leads_at_an_address_that_as_many_contacts_have_as_the_rules_let_are_judged() {
    let judged = at_one_address("duplicates-lead-is-contact", 50);
    let judgement = judgement(&judged, "DUP-06");
    assert_eq!((judgement.findings.len(), judgement.partly()), (50, String::new()));
    for finding in &judgement.findings {
        let contacts = finding.related.iter().filter(|it| it.object == Object::Contact);
        assert_eq!(contacts.count(), 50, "{}", finding.headline);
    }
}

#[test]
fn people_at_a_domain_that_too_many_accounts_have_are_left_alone() {
    let name = "duplicates-lead-belongs-to-account";
    let folder = fixture::folders().into_iter().find(|folder| folder.ends_with(name)).unwrap();
    for (accounts, found, told) in [
        (6, 2, ""),
        (
            7,
            0,
            "leads: 7 accounts share one domain (0010 is one of them): too many to tell which 2 leads with it are",
        ),
    ] {
        let mut kit = fixture::read(&folder);
        let table = (0..accounts).fold("Id,Name,Website,Type\n".to_owned(), |table, n| {
            table + &format!("001{n},Chain {n},https://chain.com,Customer\n")
        });
        kit.tables.insert(Object::Account, table);
        kit.tables.insert(
            Object::Lead,
            "Id,Email,IsConverted\n00Q1,ann@chain.com,false\n00Q2,bo@chain.com,false\n".to_owned(),
        );
        kit.tables.remove(&Object::Contact);
        let judged = fixture::judge(kit);
        let judgement = judgement(&judged, "DUP-07");
        assert_eq!(judgement.findings.len(), found, "{accounts}");
        let partly = judgement.partly();
        let partly = partly.split("; ").find(|it| it.contains("share one")).unwrap_or_default();
        assert_eq!(partly, told, "{accounts}");
    }
}

/// Every finding of a folder in words, without the places in its files.
fn words(folder: &Path) -> BTreeSet<String> {
    let judged = fixture::judged(folder);
    let findings = |report: &Report| {
        let code = report.check.code;
        let judgement = report.judgement().into_iter();
        let findings = judgement.flat_map(|judgement| &judgement.findings);
        let line = |finding: &Finding| {
            format!("{code} {}: {} {}", finding.record, finding.headline, finding.proposal.words())
        };
        findings.map(line).collect::<Vec<_>>()
    };
    // What is wrong with the input itself is told of the first record that shows it.
    let of_records = |report: &&Report| report.check.family != Family::Batch;
    judged.reports.iter().filter(of_records).flat_map(findings).collect()
}

#[test]
fn nothing_hangs_on_the_order_of_the_rows() {
    let mut wrong = String::new();
    for folder in fixture::folders() {
        // Which of two rows with one key is set aside is a matter of their order.
        if folder.ends_with("systems-with-one-key") {
            continue;
        }
        let turned = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            let mut text = fs::read_to_string(&path).unwrap();
            // Rules that are kept as a table are read from top to bottom.
            let table = name.to_str().and_then(|name| name.strip_suffix(".csv"));
            if table.and_then(Object::parse).is_some() {
                let mut lines: Vec<&str> = text.lines().collect();
                let whole = |line: &&str| line.matches('"').count().is_multiple_of(2);
                assert!(lines.iter().all(whole), "{}: a row of two lines", path.display());
                lines[1..].reverse();
                text = lines.join("\n");
            }
            let mut file = fs::File::create(turned.path().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        let (one, other) = (words(&folder), words(turned.path()));
        for line in one.symmetric_difference(&other) {
            wrong += &format!("{}: {line}\n", folder.display());
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_record_goes_to_a_queue_where_a_queue_owns_its_like() {
    let folder = || {
        let mut kit = fixture::read(&fixture::folder("inactive-owner"));
        let rules = kit.rules.get_mut("owners.toml").unwrap();
        *rules = rules.replace("\nhandover = ", "\nhandover = {} # ");
        kit
    };
    let proposed = |kit: fixture::Kit| {
        let judged = fixture::judge(kit);
        let findings = &judgement(&judged, "OWN-01").findings;
        ["lead 00Q01", "account 001A", "deal 006B"].map(|record| proposal(findings, record))
    };
    let asks = |object: &str| {
        format!(
            "Who takes this {object}? The rules name nobody: `handover` in rules/owners.toml can"
        )
    };
    let queue = "Return to queue Inbound (00GA)".to_owned();
    assert_eq!(proposed(folder()), [queue.clone(), asks("account"), asks("deal")]);
    let mut held = folder();
    let accounts = held.tables.get_mut(&Object::Account).unwrap();
    *accounts = accounts.replace("001C,005A", "001C,00GA");
    assert_eq!(proposed(held), [queue.clone(), queue, asks("deal")]);
    let mut none = folder();
    none.tables.remove(&Object::Queue);
    assert_eq!(proposed(none), ["lead", "account", "deal"].map(asks));
}

#[test]
fn deals_of_which_nobody_knows_whether_they_are_open_were_not_looked_at() {
    const UNSAID: &str =
        "with a stage that is blank, not in rules/lifecycle.toml, or contradicted by another field";
    let partly = |fixture: &str, check| judgement(&fixture::named(fixture), check).partly();
    let said = partly("past-close-date", "LIF-13");
    assert!(said.contains(&format!("4 past their close date {UNSAID}")), "{said}");
    for (fixture, check, from, to) in [
        (
            "duplicates-twin-deals",
            "DUP-09",
            "00608,00103,Scanner,10000,,2026-02-10,true,true",
            "00608,00103,Scanner,10000,,2026-02-10,,",
        ),
        ("lost-deal-alive", "LIF-12", "006A,Kestrel,Closed Lost", "006A,Kestrel,Mystery"),
    ] {
        let mut kit = fixture::read(&fixture::folder(fixture));
        let deals = kit.tables.get_mut(&Object::Deal).unwrap();
        assert!(deals.contains(from));
        *deals = deals.replace(from, to);
        let judged = fixture::judge(kit);
        let said = judgement(&judged, check).partly();
        let one =
            1 + usize::from(check == "LIF-12") * partly(fixture, check).matches(UNSAID).count();
        assert!(said.contains(&format!("{one} {UNSAID}")), "{check}: {said}");
    }
}

#[test]
fn people_who_cannot_be_compared_were_not_looked_at() {
    let mut kit = fixture::read(&fixture::folder("duplicates-same-person"));
    let boundary = kit.rules.get_mut("boundary.toml").unwrap();
    let (before, contacts) = boundary.split_once("[contact.fields]").unwrap();
    let kept = contacts
        .lines()
        .filter(|line| !line.starts_with("email") && !line.starts_with("last_name"));
    *boundary = format!("{before}[contact.fields]{}\n", kept.collect::<Vec<_>>().join("\n"));
    let judged = fixture::judge(kit);
    let partly = |check| judgement(&judged, check).partly();
    for (check, says) in [
        ("DUP-01", "contacts: `contact.email` is not in rules/boundary.toml"),
        (
            "DUP-02",
            "contacts: `contact.last_name` and `contact.full_name` are not in rules/boundary.toml",
        ),
    ] {
        assert!(partly(check).contains(says), "{check}: {}", partly(check));
    }
}

#[test]
fn who_is_back_is_not_away_however_few_days_count() {
    let finds = |day: u32| {
        let mut kit = fixture::read(&fixture::folder("owner-on-leave"));
        let rules = kit.rules.get_mut("owners.toml").unwrap();
        *rules = rules.replace("min_days_left = 2", "min_days_left = 0");
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let judged = fixture::judge_as_of(kit, AsOf::new(day, chrono_tz::UTC));
        let findings = &judgement(&judged, "OWN-07").findings;
        // The leave of their owners ends on the first and on the second.
        ["lead L07", "lead L09"].map(|lead| findings.iter().any(|it| it.record.to_string() == lead))
    };
    assert_eq!([1, 2, 3].map(finds), [[true, true], [false, true], [false, false]]);
}

#[test]
fn what_is_missing_is_the_same_question_whoever_names_it_first() {
    let known = |kit: fixture::Kit, record: &str| {
        let judged = fixture::judge(kit);
        let findings = &judgement(&judged, "BAT-08").findings;
        let finding = findings.iter().find(|it| it.record.to_string() == record).unwrap();
        assert!(finding.headline.contains("account 001Y"), "{}", finding.headline);
        (finding.id("BAT-08"), finding.evidence_digest())
    };
    let kit = || fixture::read(&fixture::folder("unresolved-reference"));
    let mut later = kit();
    let contacts = later.tables.get_mut(&Object::Contact).unwrap();
    let rows = contacts.lines().filter(|row| !row.starts_with("003D,"));
    *contacts = rows.collect::<Vec<_>>().join("\n");
    let next = contacts.lines().find(|row| row.contains("001Y")).unwrap();
    let next = format!("contact {}", next.split(',').next().unwrap());
    assert_eq!(known(kit(), "contact 003D"), known(later, &next));
}

#[test]
fn a_placeholder_is_no_value_of_a_field_that_a_source_lost() {
    let mut kit = fixture::read(&fixture::folder("fill-rate-drop"));
    let rules = kit.rules.get_mut("required.toml").unwrap();
    *rules = rules.replace("[placeholder]\noff = true\n", "");
    let leads = kit.tables.get_mut(&Object::Lead).unwrap();
    *leads = leads.replace(",,CTO,", ",n/a,CTO,");
    let judged = fixture::judge(kit);
    let findings = &judgement(&judged, "REQ-06").findings;
    let told: Vec<_> = findings.iter().map(|it| it.headline.as_str()).collect();
    assert_eq!(
        told,
        [
            "Industry is blank or a placeholder in 00Q0132 and 12 more of the 24 leads from Web created \
             2026-02-16 to 2026-02-22: 46 % have it, after 93 % in the 12 weeks before",
            "Industry is blank or a placeholder in 00Q1459 and 21 more of the 24 leads from Fair created \
             2026-02-16 to 2026-02-22: 8 % have it, after 98 % in the 12 weeks before",
        ]
    );
}

#[test]
fn fields_of_which_the_history_holds_nothing_are_told_as_not_judged() {
    let mut kit = fixture::read(&fixture::folder("wrong-writer"));
    let history = kit.tables.get_mut(&Object::FieldHistory).unwrap();
    let rows = history.lines().filter(|row| !row.contains(",LeadSource,"));
    *history = rows.collect::<Vec<_>>().join("\n");
    let judged = fixture::judge(kit);
    assert_eq!(
        judgement(&judged, "SOR-02").partly(),
        "leads: the field history holds no change of `lead.lead_source`, so none was judged: where it does \
         change, have the CRM track it and put its history into the input"
    );
}

#[test]
fn without_a_history_of_stages_no_deal_was_looked_at_for_it() {
    for (name, code, words) in [
        (
            "lost-deal-alive",
            "LIF-12",
            "field changes: none is of `deal.stage`, so which deals were reopened is not known",
        ),
        ("stage-regression", "LIF-05", "the field history holds no change of `deal.stage`"),
        ("stage-set-in-bulk", "LIF-14", "the field history holds no change of `contact.lifecycle`"),
    ] {
        let before = fixture::named(name);
        let mut kit = fixture::read(&fixture::folder(name));
        let history = kit.tables.get_mut(&Object::FieldHistory).unwrap();
        for stage in ["StageName", "dealstage", "stage", "Lifecycle Stage"] {
            *history = history.replace(&format!(",{stage},"), ",owner,");
        }
        let after = fixture::judge(kit);
        let words_of = |report: &Report| match &report.outcome {
            Outcome::Ran(judgement) => judgement.partly(),
            Outcome::NotApplicable(off) => off.to_string(),
            Outcome::Broken => String::new(),
        };
        let report = after.reports.iter().find(|report| report.check.code == code).unwrap();
        assert!(words_of(report).contains(words), "{}", words_of(report));
        let wrong = wrongly_resolved(&before, &after);
        assert!(!wrong.iter().any(|it| it.starts_with(code)), "{wrong:?}");
    }
}

/// What LIF-08 learnt of the stage that a deal is in.
fn learnt_of_stage(kit: fixture::Kit, deal: &str) -> Option<String> {
    let judged = fixture::judge(kit);
    let findings = &judgement(&judged, "LIF-08").findings;
    let one = findings.iter().find(|it| &*it.record.id == deal).unwrap();
    figures(one).into_iter().find(|it| it.contains("days in this stage"))
}

#[test]
fn a_deal_counts_once_for_its_stage_with_the_days_that_are_told() {
    let kit = || fixture::read(&fixture::folder("stuck"));
    let of =
        "median days in this stage, from the field history, of won deals with type New Business";
    assert_eq!(learnt_of_stage(kit(), "006L").unwrap(), format!("{of}: 10 days, n = 5"));
    // Each of the five was there a second time, for two days.
    let mut twice = kit();
    let history = twice.tables.get_mut(&Object::FieldHistory).unwrap();
    for n in 0..5 {
        *history += &format!("006W{n},StageName,Negotiation,Proposal,2025-01-24,,ok\n");
        *history += &format!("006W{n},StageName,Proposal,Negotiation,2025-01-26,,ok\n");
    }
    assert_eq!(learnt_of_stage(twice, "006L").unwrap(), format!("{of}: 12 days, n = 5"));
    // How long a deal was there is not known where the history begins with its leaving.
    let mut late = kit();
    let history = late.tables.get_mut(&Object::FieldHistory).unwrap();
    let rows = history.lines().filter(|row| !row.contains("Qualification"));
    *history = rows.collect::<Vec<_>>().join("\n");
    let judged = fixture::judge(late);
    let found = &judgement(&judged, "LIF-08").findings;
    let of_stage = |it: &Finding| figures(it).iter().any(|it| it.contains("days in this stage"));
    assert!(!found.iter().any(of_stage), "{found:#?}");
}

#[test]
fn who_is_billed_is_not_known_without_the_accounts() {
    let mut kit = fixture::read(&fixture::folder("customer-without-won-deal"));
    kit.tables.remove(&Object::Account);
    let rules = kit.rules.get_mut("lifecycle.toml").unwrap();
    *rules += "min_coverage = 0\n";
    let judged = fixture::judge(kit);
    let of_company = |it: &&Finding| &*it.record.id == "102";
    let one = judgement(&judged, "LIF-01").findings.iter().find(of_company).unwrap();
    let lacks = "there is no input of accounts, whose account.customer may say that it is billed";
    assert!(one.missing.iter().any(|it| it == lacks), "{:?}", one.missing);
    // A contact with a flag of its own, at a company that has none.
    let mut kit = fixture::read(&fixture::folder("customer-without-won-deal"));
    let fields = kit.rules.get_mut("boundary.toml").unwrap();
    *fields = fields.replacen(
        "[account.fields]",
        "customer = { from = \"Billed\", why = \"The ERP knows who is billed.\" }\n\n[account.fields]",
        1,
    );
    let contacts = kit.tables.get_mut(&Object::Contact).unwrap();
    let rows = contacts.lines().enumerate();
    let rows = rows.map(|(at, row)| format!("{row},{}", if at == 0 { "Billed" } else { "false" }));
    *contacts = rows.collect::<Vec<_>>().join("\n") + "\n";
    let judged = fixture::judge(kit);
    let of_company = |it: &&Finding| &*it.record.id == "110";
    let one = judgement(&judged, "LIF-01").findings.iter().find(of_company).unwrap();
    let quoted = |it: &&Evidence| matches!(it, Evidence::Cell(cell) if cell.field() == "customer");
    let flags: Vec<_> = one.evidence().iter().filter(quoted).map(|it| format!("{it:?}")).collect();
    assert!(flags.len() == 1 && flags[0].contains("110"), "{flags:?}");
}

#[test]
fn of_too_many_records_the_first_by_id_are_told_wherever_they_stand() {
    let mut kit = fixture::read(&fixture::folder("unapproved-enrichment"));
    let leads = kit.tables.get_mut(&Object::Lead).unwrap();
    let (head, _) = leads.split_once('\n').unwrap();
    let rows: Vec<_> = (10..70).rev().map(|n| format!("00Q{n},Scraper,x,ok")).collect();
    *leads = format!("{head}\n{}\n", rows.join("\n"));
    let judged = fixture::judge(kit);
    let found = &judgement(&judged, "SOR-08").findings;
    let leads = found.iter().filter(|it| it.record.object == Object::Lead);
    let mut ids: Vec<&str> = leads.map(|it| &*it.record.id).collect();
    ids.sort_unstable();
    assert_eq!((ids.len(), ids[0], ids[49]), (50, "00Q10", "00Q59"));
}

#[test]
fn every_source_that_nobody_approved_is_named_and_no_other() {
    let told = told(&fixture::named("unapproved-enrichment"));
    let says = |record: &str, words: &str| {
        let start = format!("SOR-08 lead {record}: ");
        told.iter().any(|it| it.starts_with(&start) && it.contains(words))
    };
    assert!(says("00Q6", "names a source that is not approved: Scraper ->"), "{told:#?}");
    let both = "names 2 sources that are not approved: Scraper; ListVendor24 ->";
    assert!(says("00Q7", both), "{told:#?}");
    assert!(!told.iter().any(|it| it.contains("Databank")), "{told:#?}");
    let found = found("unapproved-enrichment", "SOR-08");
    let one = found.iter().find(|one| &*one.record.id == "00Q7").unwrap();
    assert!(
        figures(one).iter().any(|it| it.contains("source 2 of these") && it.ends_with('2')),
        "{one:#?}"
    );
}

#[test]
fn twins_of_twins_are_told_together_and_each_is_held_against_the_first() {
    let found = found("duplicates-twin-deals", "DUP-09");
    let one = found.iter().find(|one| &*one.record.id == "00621").unwrap();
    let named: Vec<_> = one.related.iter().map(|record| &*record.id).collect();
    assert_eq!(named, ["00622", "00623"]);
    let facts = format!("{:?}", one.evidence());
    assert!(facts.contains("104000") && facts.contains("108000"), "{facts}");
}

#[test]
fn leave_that_goes_on_after_a_weekend_is_one_with_every_row_of_it() {
    let found = found("owner-on-leave", "OWN-07");
    let one = found.iter().find(|one| &*one.record.id == "L24").unwrap();
    assert!(one.headline.contains("is away until 2026-03-13"), "{}", one.headline);
    let facts = format!("{:?}", one.evidence());
    for row in ["away from 2026-02-20 to 2026-03-06", "away from 2026-03-09 to 2026-03-13"] {
        assert!(facts.contains(row), "{row}: {facts}");
    }
}

#[test]
fn open_deals_whose_stage_says_nothing_are_left_out_of_next_steps_by_name() {
    let judged = fixture::named("next-step");
    let left = format!("{:?}", judgement(&judged, "REQ-05").not_looked);
    assert!(left.contains("2 deals are not held against `from`"), "{left}");
}

#[test]
fn midnight_utc_is_the_day_it_names_in_every_zone() {
    let as_midnight = |cell: &str| match cell.parse::<chrono::NaiveDate>() {
        Ok(day) => format!("{day}T00:00:00.000Z"),
        Err(_) => cell.to_owned(),
    };
    for (name, code) in
        [("service-level", "RTE-07"), ("routing-dated", "RTE-01"), ("missing-for-stage", "REQ-01")]
    {
        for zone in
            [chrono_tz::America::New_York, chrono_tz::Europe::Berlin, chrono_tz::Asia::Tokyo]
        {
            let told = |write: &dyn Fn(&str) -> String| {
                let mut kit = fixture::read(&fixture::folder(name));
                for table in kit.tables.values_mut() {
                    let line =
                        |line: &str| line.split(',').map(write).collect::<Vec<_>>().join(",");
                    *table = table.lines().map(line).collect::<Vec<_>>().join("\n");
                }
                let judged = fixture::judge_as_of(kit, AsOf::new(fixture::today().day, zone));
                let findings = judgement(&judged, code).findings.iter();
                let words =
                    |it: &Finding| format!("{}: {} {:?}", it.record, it.headline, it.doubts);
                findings.map(words).collect::<Vec<_>>()
            };
            assert_eq!(told(&|cell| cell.to_owned()), told(&as_midnight), "{name} in {zone}");
        }
    }
}

#[test]
fn rules_behind_one_that_takes_a_record_in_any_case_ask_for_no_field() {
    let mut kit = fixture::read(&fixture::folder("routing-kept-by-blanks"));
    kit.rules.remove("required.toml");
    let rules = [
        ("Health", "industry = \"Health\"", "{ matched_account_owner = true }"),
        ("Not Ontario", "state = { not = [\"Ontario\"] }", "\"Ann Ng\""),
        ("Enterprise", "segment = \"Enterprise\"", "{ table = \"countries.csv\" }"),
        ("Midmarket", "segment = \"Midmarket\"", "\"Bo Li\""),
        ("Retail", "industry = \"Retail\"", "\"Ann Ng\""),
    ];
    let rules = rules.map(|(name, when, to)| {
        format!("[[rule]]\nname = \"{name}\"\nwhen = {{ {when} }}\nto = {to}\n")
    });
    kit.rules.insert("routing.toml".to_owned(), rules.concat());
    let countries = "country,state,owner\nGermany,Bavaria,Ann Ng\nGermany,,Bo Li\n";
    kit.rules.insert("countries.csv".to_owned(), countries.to_owned());
    let leads = "Id,OwnerId,Segment,Industry,Country,State,AccountId,Status,CreatedDate\n\
        L1,U1,Midmarket,,Germany,,,New,2026-02-10\n\
        L2,U1,Midmarket,,Germany,,A1,New,2026-02-10\n\
        L3,U1,Enterprise,,Germany,,,New,2026-02-10\n\
        L4,U1,Enterprise,,France,,,New,2026-02-10\n";
    kit.tables.insert(Object::Lead, leads.to_owned());
    let judged = fixture::judge(kit);
    let asked: BTreeSet<String> = judgement(&judged, "REQ-04")
        .findings
        .iter()
        .map(|finding| {
            let field = finding.headline.split(' ').next().unwrap();
            format!("{} {field}", finding.record)
        })
        .collect();
    // No account of L1 and L3 has an owner whom the first rule could name, and whatever the state of L3 is,
    // a row of the table takes it. None does for L4.
    let expected = [
        "lead L1 State",
        "lead L2 Industry",
        "lead L2 State",
        "lead L3 State",
        "lead L4 Industry",
        "lead L4 State",
    ];
    assert_eq!(asked, expected.map(str::to_owned).into());
}

#[test]
fn days_in_which_a_record_is_passed_around_are_of_the_calendar() {
    let finds = |as_of: &str, first: &str, second: &str, third: &str| {
        let mut kit = fixture::read(&fixture::folder("passed-around"));
        let leads = "Id,OwnerId,Status\n00Q1,005B,Working\n".to_owned();
        kit.tables.insert(Object::Lead, leads);
        let mut history = "LeadId,Field,OldValue,NewValue,CreatedDate,CreatedById\n".to_owned();
        for (at, [from, to]) in [first, second, third]
            .into_iter()
            .zip([["005A", "005B"], ["005B", "005A"]].into_iter().cycle())
        {
            history += &format!("00Q1,OwnerId,{from},{to},{at},005A\n");
        }
        kit.tables.insert(Object::FieldHistory, history);
        let as_of = AsOf::new(as_of.parse().unwrap(), chrono_tz::Europe::Berlin);
        !judgement(&fixture::judge_as_of(kit, as_of), "OWN-10").findings.is_empty()
    };
    // The first minutes of the first day: the clocks went back in between.
    let [second, third] = ["2026-10-20T09:00:00Z", "2026-10-22T09:00:00Z"];
    assert!(finds("2026-10-26", "2026-10-11T22:30:00Z", second, third));
    assert!(!finds("2026-10-26", "2026-10-11T21:30:00Z", second, third));
    // The last minutes of the day before: they went forward.
    let [second, third] = ["2026-03-30T09:00:00Z", "2026-04-01T09:00:00Z"];
    assert!(!finds("2026-04-05", "2026-03-21T22:30:00Z", second, third));
    assert!(finds("2026-04-05", "2026-03-21T23:30:00Z", second, third));
}

#[test]
fn a_last_rule_without_conditions_is_the_catch_all_while_it_is_in_force() {
    let found = |rest: &str| {
        let mut kit = fixture::read(&fixture::folder("routing-dated"));
        let rules = kit.rules.get_mut("routing.toml").unwrap();
        *rules = rules.replace("catch_all = \"Inbound Queue\"\n", "") + rest;
        let judged = fixture::judge(kit);
        let findings = judgement(&judged, "RTE-05").findings.iter();
        findings.map(|it| it.record.to_string()).collect::<Vec<_>>()
    };
    let new = "[[rule]]\nname = \"Rest, new\"\nto = \"Inbound Queue\"\nsince = 2026-01-01\n";
    let old = "[[rule]]\nname = \"Rest, old\"\nto = \"Other Queue\"\nuntil = 2025-12-31\n";
    let undated = "[[rule]]\nname = \"Rest\"\nto = \"Other Queue\"\n";
    for rest in [new.to_owned(), format!("{new}{old}"), format!("{new}{undated}")] {
        assert_eq!(found(&rest), ["lead L08"], "{rest}");
    }
    for rest in [old.to_owned(), undated.to_owned(), format!("{undated}{new}")] {
        assert!(found(&rest).is_empty(), "{rest}");
    }
}

/// One record, its field history and the rules of a check that counts the days of its changes.
fn changed_once(code: &str, at: &str, later: &str) -> fixture::Kit {
    let (name, column, rules, object, table, changes) = match code {
        "SOR-02" => (
            "wrong-writer",
            "RecordId",
            "[[governed]]\nfield = \"account.industry\"\nwriters = [\"Billing Sync\"]\n[wrong-writer]\n",
            Object::Account,
            "Id,Industry\nR1,Software\n",
            format!("R1,Industry,Retail,Software,{at},005A\n"),
        ),
        "SOR-03" => (
            "flapping",
            "AccountId",
            "[flapping]\nfields = [\"account.industry\"]\n",
            Object::Account,
            "Id,Industry\nR1,Software\n",
            format!(
                "R1,Industry,Retail,Software,{at},005A\n\
                 R1,Industry,Software,Retail,{later}T09:00:00Z,005A\n\
                 R1,Industry,Retail,Software,{later}T10:00:00Z,005A\n"
            ),
        ),
        "SOR-04" => (
            "overwritten-verified",
            "RecordId",
            "[[verified]]\nfield = \"contact.title\"\nstamp = \"verified\"\n\
             [overwritten-verified]\nenrichers = [\"ZoomInfo Sync\"]\nvalid_days = 300\n",
            Object::Contact,
            "Id,Title,Verified_On__c\nR1,CEO,2026-01-10T10:00:00Z\n",
            format!("R1,Title,Buyer,CEO,{at},U2\n"),
        ),
        "SOR-06" => (
            "two-writers",
            "RecordId",
            "[two-writers]\nrecords = 1\n",
            Object::Account,
            "Id,Industry,CreatedDate\nR1,New,2025-01-15T08:00:00Z\n",
            format!("R1,Industry,Older,Old,{at},U1\nR1,Industry,Old,New,{later}T10:00:00Z,U2\n"),
        ),
        _ => (
            "overwritten-source",
            "LeadId",
            "[overwritten-source]\nobjects = [\"lead\"]\n",
            Object::Lead,
            "Id,LeadSource,CreatedDate\nR1,Event,2025-01-05T08:00:00Z\n",
            format!("R1,LeadSource,Web,Event,{at},005S\n"),
        ),
    };
    let mut kit = fixture::read(&fixture::folder(name));
    kit.rules.retain(|file, _| file == "boundary.toml" || file == "owners.toml");
    let file = if code == "SRC-03" { "lead-source.toml" } else { "system-of-record.toml" };
    kit.rules.insert(file.to_owned(), format!("{rules}within_days = 14\n"));
    kit.tables.retain(|object, _| *object == Object::User);
    kit.tables.insert(object, table.to_owned());
    let header = format!("{column},Field,OldValue,NewValue,CreatedDate,CreatedById\n");
    kit.tables.insert(Object::FieldHistory, header + &changes);
    kit
}

#[test]
fn days_within_which_a_change_counts_are_of_the_calendar() {
    for code in ["SOR-02", "SOR-03", "SOR-04", "SOR-06", "SRC-03"] {
        let finds = |as_of: &str, zone, at: &str, later: &str| {
            let as_of = AsOf::new(as_of.parse().unwrap(), zone);
            let judged = fixture::judge_as_of(changed_once(code, at, later), as_of);
            !judgement(&judged, code).findings.is_empty()
        };
        let berlin = chrono_tz::Europe::Berlin;
        // The first minutes of the first day: the clocks went back in between.
        assert!(finds("2026-10-26", berlin, "2026-10-11T22:30:00Z", "2026-10-24"), "{code}");
        assert!(!finds("2026-10-26", berlin, "2026-10-11T21:30:00Z", "2026-10-24"), "{code}");
        // The last minutes of the day before: they went forward.
        assert!(!finds("2026-04-05", berlin, "2026-03-21T22:30:00Z", "2026-04-03"), "{code}");
        assert!(finds("2026-04-05", berlin, "2026-03-21T23:30:00Z", "2026-04-03"), "{code}");
        // Midnight UTC is the day that it names.
        let west = chrono_tz::America::New_York;
        assert!(finds("2026-04-05", west, "2026-03-22T00:00:00Z", "2026-04-03"), "{code}");
        assert!(!finds("2026-04-05", west, "2026-03-21T00:00:00Z", "2026-04-03"), "{code}");
    }
}

#[test]
fn days_for_which_a_verified_value_holds_are_of_the_calendar() {
    let finds = |at: &str, valid_days: u32| {
        let mut kit = changed_once("SOR-04", at, "");
        let rules = kit.rules.get_mut("system-of-record.toml").unwrap();
        *rules = rules.replace("valid_days = 300", &format!("valid_days = {valid_days}"));
        let as_of = AsOf::new("2026-01-20".parse().unwrap(), chrono_tz::UTC);
        !judgement(&fixture::judge_as_of(kit, as_of), "SOR-04").findings.is_empty()
    };
    // Verified on the tenth at ten.
    for at in ["2026-01-15T00:30:00Z", "2026-01-15T09:00:00Z", "2026-01-15T23:00:00Z"] {
        assert!(finds(at, 5), "{at}");
        assert!(!finds(at, 4), "{at}");
    }
}

#[test]
fn what_changes_back_and_forth_on_one_day_is_told_so() {
    let kit = changed_once("SOR-03", "2026-02-20T08:00:00Z", "2026-02-20");
    let judged = fixture::judge(kit);
    let headline = &judgement(&judged, "SOR-03").findings[0].headline;
    assert!(headline.ends_with("between Retail and Software on one day"), "{headline}");
}

#[test]
fn a_deal_without_a_currency_makes_no_twins_of_two_currencies() {
    let judged = fixture::named("duplicates-twin-deals");
    let of = |finding: &Finding| {
        let records = std::iter::once(&finding.record).chain(&finding.related);
        let mut ids: Vec<_> = records.map(ToString::to_string).collect();
        ids.sort();
        ids.join(", ")
    };
    let groups: BTreeSet<_> = judgement(&judged, "DUP-09").findings.iter().map(of).collect();
    assert!(groups.contains("deal 00631, deal 00633"), "{groups:?}");
    assert!(groups.contains("deal 00632, deal 00633, deal 00634"), "{groups:?}");
}

/// Why a check is off.
fn off(judged: &fixture::Judged, code: &str) -> String {
    let report = judged.reports.iter().find(|report| report.check.code == code).unwrap();
    let Outcome::NotApplicable(why) = &report.outcome else { panic!("{code} ran") };
    why.to_string()
}

#[test]
fn a_check_that_is_off_names_what_a_table_of_the_review_lacks() {
    let mut kit = fixture::read(&fixture::folder("duplicates-same-person"));
    let only = |fields: &str| format!("{fields}id = {{ from = \"Id\", why = \"Names it.\" }}\n");
    kit.rules.clear();
    kit.tables.clear();
    kit.tables.insert(Object::Contact, "Id\nC1\n".to_owned());
    kit.rules.insert("boundary.toml".to_owned(), only("[contact.fields]\n"));
    let judged = fixture::judge(kit);
    for (code, field) in [
        ("DUP-01", "contact.email"),
        ("DUP-02", "contact.last_name"),
        ("DUP-03", "contact.email"),
        ("DUP-07", "contact.account"),
        ("DUP-11", "contact.email"),
        ("DUP-12", "contact.email"),
        ("OWN-02", "contact.owner"),
    ] {
        let says = format!("`{field}` is not in rules/boundary.toml");
        assert_eq!(off(&judged, code), says, "{code}");
    }
    let mut kit = fixture::read(&fixture::folder("duplicates-same-company"));
    kit.rules.clear();
    kit.tables.retain(|object, _| *object == Object::Account);
    kit.rules.insert("boundary.toml".to_owned(), only("[account.fields]\n"));
    let judged = fixture::judge(kit);
    let says = "`account.website` is not in rules/boundary.toml";
    assert_eq!(off(&judged, "DUP-12"), says);
    assert_eq!(off(&judged, "OWN-02"), "`account.owner` is not in rules/boundary.toml");
}

/// A lead of an owner whom only its owner column names, and of whom it says that they left.
fn with_an_owner_who_left(name: &str) -> fixture::Kit {
    let mut kit = fixture::read(&fixture::folder(name));
    let leads = kit.tables.get_mut(&Object::Lead).unwrap();
    let width = leads.lines().next().unwrap().split(',').count();
    *leads += &format!("ZZ1,Old Rep (Deactivated User){}\n", ",".repeat(width - 2));
    let boundary = kit.rules.get_mut("boundary.toml").unwrap();
    *boundary = boundary.replace("\"OwnerId\",        why", "\"OwnerId\", kind = \"name\", why");
    kit
}

#[test]
fn a_pool_with_somebody_who_has_no_record_is_another_pool() {
    let mut kit = with_an_owner_who_left("given-away");
    let rules = kit.rules.get_mut("routing.toml").unwrap();
    *rules = rules.replacen("to = \"Ann Ng\"", "to = { pool = [\"Ann Ng\", \"Old Rep\"] }", 1);
    *rules = rules.replace("over = 0.3", "over = 0.01\nleast = 5");
    let judged = fixture::judge(kit);
    let findings = &judgement(&judged, "RTE-08").findings;
    let about_ann = findings.iter().filter(|finding| &*finding.record.id == "005A");
    let ids: BTreeSet<_> = about_ann.map(|finding| finding.id("RTE-08")).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_load_that_hangs_on_role_and_openness_says_what_lacks_of_both() {
    let judged = fixture::named("overloaded-owner");
    let findings = &judgement(&judged, "OWN-09").findings;
    let finding = findings.iter().find(|it| it.record.to_string() == "user U16").unwrap();
    let lacks = ["no role is known of Sam So", "nothing says whether 3 leads are open"];
    assert!(finding.missing.iter().eq(lacks), "{:?}", finding.missing);
}

#[test]
fn a_manager_who_has_no_record_is_told_by_those_who_report_to_them() {
    let mut kit = with_an_owner_who_left("overloaded-owner");
    let boundary = kit.rules.get_mut("boundary.toml").unwrap();
    *boundary = boundary.replace("\"ManagerId\",", "\"ManagerId\", kind = \"name\",");
    let users = kit.tables.get_mut(&Object::User).unwrap();
    *users =
        users.replace("U2,Bo Li,true,,SDR,U20", "U2,Bo Li,true,,SDR,Old Rep (Deactivated User)");
    let judged = fixture::judge(kit);
    let findings = &judgement(&judged, "OWN-09").findings;
    let told = findings.iter().find(|it| it.headline.contains("Old Rep is inactive")).unwrap();
    assert_eq!(told.record.to_string(), "user U2");
}
