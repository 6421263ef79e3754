//! How long many rules take: 5,000 routing rules, or rows of a table, over a million leads; and the
//! lint of as many. As a review does it: on all cores.
//!
//! `cargo bench --bench routing -- [LEADS] [RULES]`. One line each on stdout, with the wall time.
//! Does not: read a file.
#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use chrono::NaiveDate;
use crm_review::boundary::{Boundary, Load, Object};
use crm_review::check::{ALL, AsOf, Bench, Policies, Pulled, Rulebook, World, lint};
use crm_review::policy::{Document, Log};

const BOUNDARY: &str = r#"
[lead.fields]
id = { from = "Id", why = "Names the record." }
owner = { from = "Owner", why = "Who has it." }
country = { from = "Country", why = "Routing." }
postal_code = { from = "Zip", why = "Routing." }
employees = { from = "Employees", why = "Routing." }
[user.fields]
id = { from = "Id", why = "Names the user." }
name = { from = "Name", why = "Rules name people." }
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let words = env::args().skip(1).filter(|word| !word.starts_with("--"));
    let mut words = words.map(|word| word.parse::<usize>());
    let leads = words.next().transpose()?.unwrap_or(1_000_000);
    let rules = words.next().transpose()?.unwrap_or(5_000);
    let (mut list, mut table) = (String::new(), "country,postal_code,employees,owner\n".to_owned());
    for at in 0..rules {
        let (country, code) = (at % 50, 100 + at / 50);
        let (band, cell) = match at % 3 {
            0 => ("{ at_most = 199 }", "-199"),
            1 => ("{ between = [200, 999] }", "200-999"),
            _ => ("{ at_least = 1000 }", "1000-"),
        };
        let _ = writeln!(
            list,
            "[[rule]]\nname = \"R{at}\"\nwhen = {{ country = \"C{country}\", postal_code = {{ starts_with = \"{code}\" }}, \
             employees = {band} }}\nto = \"U{}\"",
            at % 40
        );
        let _ = writeln!(table, "C{country},{code}*,{cell},U{}", at % 40);
    }
    let by_table = "[[rule]]\nname = \"T\"\nto = { table = \"t.csv\" }\n";
    for (what, routing) in [("rules", list.as_str()), ("rows of a table", by_table)] {
        measure(what, "catch_all = \"U0\"\n".to_owned() + routing, &table, leads, rules)?;
    }
    Ok(())
}

fn measure(
    what: &str,
    routing: String,
    table: &str,
    leads: usize,
    rules: usize,
) -> Result<(), Box<dyn Error>> {
    let files = BTreeMap::from([
        ("routing.toml".to_owned(), routing),
        ("t.csv".to_owned(), table.to_owned()),
    ]);
    let log = Log::default();
    let boundary = Boundary::parse(&Document::parse("rules/boundary.toml", BOUNDARY, &log), &log);
    let start = Instant::now();
    let policies = Policies::parse(&Rulebook::parse(&files, &log), &boundary, &log);
    let policies = log.finish(policies)?;
    println!("{rules} {what}: read in {:.2?}", start.elapsed());

    let pulled = pulled(&boundary, leads)?;
    let off: BTreeSet<String> =
        ALL.iter().map(|check| check.code.to_owned()).filter(|code| code != "RTE-01").collect();
    let as_of = AsOf::new(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap_or_default(), chrono_tz::UTC);
    let world = World::new(&pulled, as_of, &policies, thread::available_parallelism()?);
    let start = Instant::now();
    let reports = Bench::load(&policies, &boundary, &off).run(&world);
    let found: usize =
        reports.iter().filter_map(|it| it.judgement()).map(|it| it.findings.len()).sum();
    println!("{rules} {what}: {leads} leads judged in {:.2?}, {found} findings", start.elapsed());
    let start = Instant::now();
    let faults = lint(&policies, as_of.day, None).faults.len();
    println!("{rules} {what}: linted in {:.2?}, {faults} faults", start.elapsed());
    Ok(())
}

/// Leads of which one in a thousand has the wrong owner, and their owners.
fn pulled(boundary: &Boundary, leads: usize) -> Result<Pulled, Box<dyn Error>> {
    let reads =
        boundary.fields(Object::Lead).chain(boundary.fields(Object::User)).cloned().collect();
    let mut pulled = Pulled::default();
    let admit = |object: Object, header: &[&str], rows: &mut dyn Iterator<Item = Vec<String>>| {
        let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
        let map = boundary.admit(object, "bench.csv", &header, &reads, chrono_tz::UTC)?;
        let mut intake = map.intake();
        for (line, row) in (2..).zip(rows) {
            let cells: Vec<&str> =
                map.wanted().iter().filter_map(|at| row.get(*at)).map(String::as_str).collect();
            intake.row(line, &cells).map_err(|misfit| misfit.why)?;
        }
        let load = map.close(intake.into())?;
        Ok::<_, Box<dyn Error>>(Load::join(object, vec![load], &reads, NonZeroUsize::MIN).0)
    };
    let mut users = (0..40).map(|at| vec![format!("005{at:02}"), format!("U{at}")]);
    pulled.insert(admit(Object::User, &["Id", "Name"], &mut users)?);
    let mut rows = (0..leads).map(|at| {
        let rule = at % 5_000;
        let owner = if at % 1_000 == 0 { 39 } else { rule % 40 };
        let employees = [50, 500, 5_000].get(rule % 3).copied().unwrap_or_default();
        vec![
            format!("00Q{at:07}"),
            format!("005{owner:02}"),
            format!("C{}", rule % 50),
            format!("{}{:02}", 100 + rule / 50, at % 100),
            employees.to_string(),
        ]
    });
    let header = ["Id", "Owner", "Country", "Zip", "Employees"];
    pulled.insert(admit(Object::Lead, &header, &mut rows)?);
    Ok(pulled)
}
