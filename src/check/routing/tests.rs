//! The routing rules as a whole: what a broken one is told, and that large tables decide as small ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroUsize;

use crate::boundary::{Batch, Boundary, Load, Object};
use crate::check::{AsOf, Policies, Pulled, Rulebook, World};
use crate::policy::{Document, Log};

use super::routed::{Fault, Routed, Stretch};
use super::values::Day;

const BOUNDARY: &str = r#"
[lead.fields]
id = { from = "Id", why = "Names the record." }
owner = { from = "Owner", why = "Compared." }
country = { from = "Country", why = "Routing." }
status = { from = "Status", why = "Routing." }
postal_code = { from = "Zip", why = "Routing." }
employees = { from = "Employees", why = "Routing." }
employees_enriched = { from = "Enriched", kind = "number", why = "Routing." }
segment = { from = "Segment", why = "Routing." }
lead_source = { from = "Source", why = "Routing." }
override = { from = "Override", why = "Routing." }
named = { from = "Named", kind = "flag", why = "Routing." }
strategic = { from = "Strategic", kind = "flag", why = "Routing." }
[user.fields]
id = { from = "Id", why = "Owners." }
active = { from = "Active", why = "Owners." }
"#;

fn parse(files: &[(&str, &str)]) -> Result<Policies, String> {
    let log = Log::default();
    let document = Document::parse("rules/boundary.toml", BOUNDARY, &log);
    let boundary = Boundary::parse(&document, &log);
    let files: BTreeMap<String, String> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let rulebook = Rulebook::parse(&files, &log);
    let policies = Policies::parse(&rulebook, &boundary, &log);
    log.finish(policies).map_err(|problems| problems.to_string())
}

#[test]
fn every_fault_of_turns_is_named_with_its_place() {
    let routing = "[[rule]]\n\
        name = \"A\"\n\
        when = { country = \"Germany\" }\n\
        to = { pool = [\"Ann\", \"Bo\"] }\n\
        [[rule]]\n\
        name = \"B\"\n\
        to = \"Ann\"\n\
        [uneven-turns]\n\
        off_by = 2\n\
        work_days = { Ann = [\"Mon\", \"Someday\"], Cy = [\"Mon\"] }\n\
        since = { Bo = \"October\" }\n\
        [[uneven-turns.pool]]\n\
        rules = [\"A\"]\n\
        weights = { Bo = 0, Cy = 2 }\n\
        capped = [\"Dee\"]\n\
        [[uneven-turns.pool]]\n\
        rules = [\"a\"]\n\
        [[uneven-turns.pool]]\n\
        rules = [\"B\"]\n\
        [[uneven-turns.pool]]\n\
        rules = [\"C\"]\n\
        wieghts = {}\n";
    let found = parse(&[("routing.toml", routing)]).unwrap_err();
    let named = "\n  hint: write the name as the rule does";
    let pools = "\n  hint: name rules with `to = { pool = [...] }`, all of the same people";
    for expected in [
        "routing.toml:9: `uneven-turns.off_by` is no share",
        "routing.toml:10: `Someday` is no day of the week\n  hint: some of Mon, Tue",
        &format!("routing.toml:10: `Cy` is in no pool that takes turns{named}"),
        "routing.toml:11: `uneven-turns.since.Bo` is no day\n  hint: like 2026-11-23, without quotes",
        "routing.toml:14: the weight of `Bo` is no number above 0",
        &format!("routing.toml:14: `Cy` is in no pool that takes turns{named}"),
        &format!("routing.toml:15: `Dee` is in no pool that takes turns{named}"),
        "routing.toml:16: the pool on line 12 is of the same people",
        &format!("routing.toml:19: `B` does not give to a pool{pools}"),
        &format!("routing.toml:21: `C` is no rule of this file{pools}"),
        "routing.toml:22: unknown key `uneven-turns.pool.wieghts`",
    ] {
        assert!(found.contains(expected), "{expected} is not in:\n{found}");
    }
}

#[test]
fn every_fault_of_what_starts_the_routing_is_named_with_its_place() {
    let routing = "[stuck-before-routing]\n\
        trigger = [\"lead.region\", \"country\"]\n\
        after_hours = 0\n\
        [[stuck-before-routing.delay]]\n\
        when = { lead = { region = \"West\" } }\n\
        [[stuck-before-routing.delay]]\n\
        hours = 48\n";
    let problems = parse(&[("routing.toml", routing)]).unwrap_err();
    for expected in [
        "routing.toml:2: `lead.region` is not in rules/boundary.toml",
        "routing.toml:2: `country` does not name a field",
        "routing.toml:3: `after_hours` is above zero",
        "routing.toml:5: `lead.region` is not in rules/boundary.toml",
        "routing.toml:4: `hours` is missing in [stuck-before-routing.delay]",
        "routing.toml:6: `when` is missing in [stuck-before-routing.delay]",
    ] {
        assert!(problems.contains(expected), "{expected}\nis not in:\n{problems}");
    }
}

#[test]
fn every_fault_of_the_rules_is_named_with_its_place() {
    let routing = "objects = [\"lead\", \"user\"]\n\
        [[rule]]\n\
        name = \"A\"\n\
        when = { region = \"West\", country = { between = [1, 2] } }\n\
        to = { pool = [\"Ann\"], table = \"t.csv\" }\n\
        [[rule]]\n\
        name = \"B\"\n\
        to = { table = \"t.csv\" }\n\
        [[rule]]\n\
        name = \"C\"\n\
        whn = { country = \"Germany\" }\n\
        to = { table = \"none.csv\" }\n\
        [service-level]\n\
        hours = \"nine to five\"\n\
        [territory]\n\
        table = \"t.csv\"\n";
    let table = "country,stat,owner\nGermany|Aus*,,Ann\nFrance,,\n";
    let problems = parse(&[("routing.toml", routing), ("t.csv", table)]).unwrap_err();
    for expected in [
        "routing.toml:1: `user` is not a table under review",
        "routing.toml:4: `lead.region` is not in rules/boundary.toml",
        "routing.toml:4: `lead.country` is not a number",
        "routing.toml:5: `to` names no target or more than one",
        "rules/t.csv:1: `lead.stat` is not in rules/boundary.toml",
        "rules/t.csv:2: `Germany|Aus*` is no test of `lead.country`",
        "rules/t.csv:3: `owner` is blank",
        "routing.toml:11: unknown key `rule.whn`",
        "routing.toml:12: there is no table `none.csv`",
        "routing.toml:13: there is no [[service-level.target]]",
        "routing.toml:14: `nine to five` are no business hours",
        "rules/t.csv:1: there is no column `territory`",
        "routing.toml:15: nothing says who covers what",
    ] {
        assert!(problems.contains(expected), "{expected}\nis not in:\n{problems}");
    }
}

#[test]
fn a_rule_about_what_is_not_routed_is_named_with_its_line() {
    let rule = |objects: &str| {
        let routing = format!("[[rule]]\nname = \"A\"\nobjects = {objects}\nto = \"Ann\"\n");
        parse(&[("routing.toml", &routing)]).map(drop)
    };
    for (objects, expected) in [
        ("[\"deal\"]", "routing.toml:3: the rule is about deals, which are not routed"),
        ("[\"lead\", \"contact\"]", "routing.toml:3: the rule is about contacts, which"),
        ("[\"user\"]", "routing.toml:3: `user` is not a table under review"),
    ] {
        let problems = rule(objects).unwrap_err();
        assert!(problems.contains(expected), "{expected}\nis not in:\n{problems}");
    }
    assert_eq!(rule("[\"lead\"]"), Ok(()));
}

/// What `rules/routing.toml` shows as a comment, as if somebody took the marks out.
fn shipped() -> String {
    let shown = |line: &&str| line.contains(" = ") || line.starts_with('[');
    let lines = crate::check::Family::Routing.shipped().lines();
    let lines = lines.filter_map(|line| line.strip_prefix("# ")).filter(shown);
    lines.filter(|line| !line.starts_with(' ')).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_file_as_shipped_says_what_is_read() {
    let shipped = shipped();
    let tables = [
        ("routing.toml", shipped.as_str()),
        ("coverage.csv", "owner,territories,segments\nAnn,West|East,\n"),
        ("territory-map.csv", "country,territory\nGermany,DACH\n"),
        ("named-accounts.csv", "account,owner,since\nA1,Ann,2026-01-01\n"),
    ];
    let policies = parse(&tables).unwrap_or_else(|problems| panic!("{problems}\n{shipped}"));
    let off = |check| policies.routing.off.contains(check);
    assert!(off("wrong-owner") && !off("territory"), "{shipped}");
    let routing = &policies.routing;
    for fault in Fault::CHAIN {
        assert!(routing.has_rules_for(fault), "{} is not written", fault.check().name);
    }
    assert!(routing.plans.iter().any(|plan| plan.service_level.is_some()));
}

#[test]
fn every_check_can_be_switched_off() {
    let shipped = shipped();
    for check in super::CHECKS {
        let header = format!("[{}]", check.name);
        assert!(shipped.contains(&header), "rules/routing.toml has no {header}");
        let mut text = String::new();
        for line in shipped.lines().filter(|line| !line.starts_with("off")) {
            let off = if line.starts_with(&header) { "off = true\n" } else { "" };
            let _ = write!(text, "{line}\n{off}");
        }
        let tables = [
            ("routing.toml", text.as_str()),
            ("coverage.csv", "owner,territories,segments\nAnn,West|East,\n"),
            ("territory-map.csv", "country,territory\nGermany,DACH\n"),
            ("named-accounts.csv", "account,owner,since\nA1,Ann,2026-01-01\n"),
        ];
        let policies = parse(&tables).unwrap();
        let mut grant = policies.boundary.grant();
        let loaded = (check.load)(&mut grant, &policies);
        assert!(loaded.is_err_and(|off| off.to_string().contains("off = true")), "{}", check.name);
    }
}

#[test]
fn an_index_finds_the_rows_that_a_search_finds() {
    // Beginnings, values, bands and a row for all, in an order that an index could get wrong.
    let mut table = "country,postal_code,employees,owner\n".to_owned();
    for at in 0..500 {
        let _ = match at % 5 {
            0 => writeln!(table, "C{},{}*,,U{}", at % 7, 10 + at % 60, at),
            1 => writeln!(table, "C{}|c{},,{}-{},U{}", at % 7, at % 3, at, at + 40, at),
            2 => writeln!(table, ",{}*|{}*,-{},U{}", at % 90 + 10, at % 90 / 10 + 1, at, at),
            3 => writeln!(table, "C{},{},,U{}", at % 7, 10_000 + 37 * at, at),
            _ => writeln!(table, ",,{}-,U{}", 100_000 - at, at),
        };
    }
    let rule = "[[rule]]\nname = \"T\"\nto = { table = \"t.csv\" }\n";
    let policies = parse(&[("routing.toml", rule), ("t.csv", &table)]).unwrap();
    let plan = policies.routing.plan(Object::Lead).unwrap();
    let super::rules::Target::Table(table) = &plan.rules[0].target else { panic!("no table") };
    let pulled = leads(&policies, 3_000);
    let world = World::new(&pulled, today(), &policies, NonZeroUsize::MIN);
    let mut values = super::values::Values::default();
    let mut found = 0;
    for row in world.batch(Object::Lead).unwrap().rows() {
        values.read(&plan.columns, row, Day::Review(chrono::NaiveDate::MIN));
        let first = table.first(&values);
        assert_eq!(first, table.first_of_all(&values), "{}", row.id());
        let kept = table.kept_by_blanks(&values, None).map(|(row, _)| row.line);
        let only_blanks = |row: &&super::table::TableRow| {
            let tests = row.tests.iter().map(|(at, it)| (*at, it));
            super::table::kept_by(tests, &values, super::table::Gap::Blank).is_some()
        };
        let all = table.rows().iter().filter(only_blanks).map(|row| row.line);
        assert_eq!(kept.collect::<Vec<_>>(), all.collect::<Vec<_>>(), "{}", row.id());
        found += usize::from(first.is_some());
    }
    assert!(found > 100, "{found} of the records meet a row at all");
}

fn today() -> AsOf {
    AsOf::new("2026-03-01".parse().unwrap(), chrono_tz::UTC)
}

/// Admits the rows of one object.
fn admit(policies: &Policies, object: Object, header: &[&str], rows: Vec<Vec<String>>) -> Batch {
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let reads = policies.boundary.fields(object).cloned().collect();
    let map = policies.boundary.admit(object, "in.csv", &header, &reads, chrono_tz::UTC).unwrap();
    let mut intake = map.intake();
    for (line, cells) in (2..).zip(rows) {
        let wanted: Vec<&str> = map.wanted().iter().map(|at| cells[*at].as_str()).collect();
        intake.row(line, &wanted).unwrap();
    }
    let load = map.close(intake.into()).unwrap();
    Load::join(object, vec![load], &reads, NonZeroUsize::MIN).0
}

/// Leads whose values cover the table's cells, and their owners.
fn leads(policies: &Policies, count: usize) -> Pulled {
    let leads = (0..count).map(|at| {
        vec![
            format!("L{at}"),
            format!("U{}", at % 11),
            if at % 13 == 0 { String::new() } else { format!("c{}", at % 8) },
            if at % 17 == 0 { String::new() } else { (10_000 + at * 29 % 40_000).to_string() },
            if at % 19 == 0 { String::new() } else { (at * 53 % 700).to_string() },
        ]
    });
    let owners = (0..11).map(|at| vec![format!("U{at}"), "true".to_owned()]);
    let mut pulled = Pulled::default();
    let header = ["Id", "Owner", "Country", "Zip", "Employees"];
    pulled.insert(admit(policies, Object::Lead, &header, leads.collect()));
    pulled.insert(admit(policies, Object::User, &["Id", "Active"], owners.collect()));
    pulled
}

#[test]
fn records_judged_by_stretches_are_judged_as_one_by_one() {
    let rules = "[[rule]]\nname = \"A\"\nwhen = { country = [\"c1\", \"c2\"] }\nto = \"U3\"\n\
                 [[rule]]\nname = \"B\"\nwhen = { employees = { at_least = 350 } }\nto = \"U4\"\n";
    let policies = parse(&[("routing.toml", rules)]).unwrap();
    let pulled = leads(&policies, 10_000);
    let routed = |threads: usize| {
        let threads = NonZeroUsize::new(threads).unwrap();
        let world = World::new(&pulled, today(), &policies, threads);
        let routed = Routed::of(&world);
        let mut faults = Vec::new();
        for row in pulled.get(Object::Lead).unwrap().rows() {
            let fault = routed.fault(row);
            let mut values = super::values::Values::default();
            let case = routed.case(&world, row, &mut values).unwrap();
            let alone = case.fault(&Fault::CHAIN, &mut Stretch::default());
            assert_eq!(fault, alone, "{}", row.id());
            faults.push(fault);
        }
        (faults, Fault::CHAIN.map(|fault| routed.examined(fault)))
    };
    let (faults, examined) = routed(1);
    let wrong = faults.iter().filter(|fault| **fault == Some(Fault::WrongOwner)).count();
    assert!(wrong > 3_000 && wrong < 7_000, "{wrong}");
    assert_eq!((faults, examined), routed(3));
}

#[test]
fn an_index_finds_the_rules_that_a_search_finds() {
    let mut rules = String::new();
    for at in 0..400 {
        let when = match at % 4 {
            0 => format!(
                "country = [\"C{}\", \"c{}\"], employees = {{ at_least = {at} }}",
                at % 7,
                at % 7
            ),
            1 => format!(
                "postal_code = {{ starts_with = [\"{}\", \"{}\"] }}",
                at % 90 + 10,
                at % 9 + 1
            ),
            2 => {
                format!("country = {{ not = [\"C{}\"] }}, postal_code = {{ blank = true }}", at % 7)
            }
            _ => format!(
                "country = \"C{}\", postal_code = {{ starts_with = \"{}\" }}",
                at % 7,
                10 + at % 60
            ),
        };
        let _ = writeln!(rules, "[[rule]]\nname = \"{at}\"\nwhen = {{ {when} }}\nto = \"U{at}\"");
    }
    let policies = parse(&[("routing.toml", &rules)]).unwrap();
    let plan = policies.routing.plan(Object::Lead).unwrap();
    let pulled = leads(&policies, 3_000);
    let mut values = super::values::Values::default();
    let mut found = 0;
    for row in pulled.get(Object::Lead).unwrap().rows() {
        values.read(&plan.columns, row, Day::Review(chrono::NaiveDate::MIN));
        let first = plan.may_take(&values).find(|(_, rule)| rule.takes(&values));
        let searched = plan.rules.iter().position(|rule| rule.takes(&values));
        assert_eq!(first.map(|(at, _)| at), searched, "{}", row.id());
        let waiting =
            plan.may_take_once_filled(&values).map(|(at, rule)| (at, rule.verdict(&values)));
        let all = plan.rules.iter().map(|rule| rule.verdict(&values)).enumerate();
        let open = |(_, verdict): &(usize, super::table::Verdict)| {
            *verdict != super::table::Verdict::Passes
        };
        assert!(waiting.filter(open).eq(all.filter(open)), "{}", row.id());
        found += usize::from(searched.is_some());
    }
    assert!(found > 1_000, "{found}");
}

#[test]
fn of_many_rules_those_far_before_the_one_that_took_a_record_are_told_together() {
    let trace = |before: usize| {
        let mut rules = String::new();
        for at in 0..before {
            let when = match at % 3 {
                0 => "employees = { at_least = 1000 }".to_owned(),
                _ => format!("country = \"X{at}\""),
            };
            let since = if at == 1 { "since = 2026-03-02\n" } else { "" };
            let _ = write!(
                rules,
                "[[rule]]\nname = \"R{at}\"\nwhen = {{ {when} }}\nto = \"U1\"\n{since}"
            );
        }
        rules += "[[rule]]\nname = \"All\"\nto = \"U5\"\n";
        let policies = parse(&[("routing.toml", &rules)]).unwrap();
        let pulled = leads(&policies, 20);
        let world = World::new(&pulled, today(), &policies, NonZeroUsize::MIN);
        let lead = world.batch(Object::Lead).unwrap().rows().find(|row| row.id() == "L4").unwrap();
        Routed::of(&world).advice(&world, lead).unwrap().tried
    };
    for before in [1, 23, 24] {
        let tried = trace(before);
        assert_eq!(tried.len(), before + 1);
        assert!(tried.iter().all(|tried| tried.rules == 1));
    }
    let tried = trace(83);
    assert_eq!(tried.iter().map(|tried| tried.rules).sum::<usize>(), 84);
    let [far, near @ ..] = &tried[..] else { panic!("nothing was tried") };
    assert_eq!(
        (&*far.rule, &*far.place),
        ("R0 to R59", "rules/routing.toml:1 to rules/routing.toml:238")
    );
    assert_eq!(
        far.because,
        "20 ask something else of employees: the record has 212; 39 ask something else of \
         country: the record has c4; 1: it is not in force on 2026-03-01, the day of the review"
    );
    assert_eq!((near.len(), &*near[0].rule, &*near[23].rule), (24, "R60", "All"));
    assert!(near[23].matched && !near[0].matched);
}
