//! Change sheets: what an import would do with them, and that the inverse undoes it.

use std::collections::BTreeMap;
use std::fs;

use crate::decisions::{ACME, Filled, approve, confirm, reject};
use crate::job::{DAY, HANDOVER, Job};

type Table = (Vec<String>, Vec<Vec<String>>);

fn table(text: &str) -> Table {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let cells = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
    let head = cells(reader.headers().unwrap());
    (head, reader.records().map(|row| cells(&row.unwrap())).collect())
}

/// The export that holds each table, as review.toml names it.
fn exports(job: &Job) -> BTreeMap<String, String> {
    let review = job.text("review.toml");
    let (_, files) = review.split_once("[source.files]\n").unwrap();
    files
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(object, file)| (object.to_owned(), format!("exports/{}", file.trim_matches('"'))))
        .collect()
}

/// What a CRM's import does with every sheet of that ending: the expected value has to stand there.
#[track_caller]
pub(crate) fn import(job: &Job, day: &str, ending: &str) -> usize {
    let exports = exports(job);
    let mut changed = 0;
    for entry in fs::read_dir(job.path(&format!("changes/{day}"))).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let parts: Vec<&str> = name.split('.').collect();
        let is_inverse = parts.len() == 4;
        if parts.len() < 3 || is_inverse != (ending == "inverse.csv") {
            continue;
        }
        let (head, rows) = table(&job.text(&format!("changes/{day}/{name}")));
        let file = &exports[parts[0]];
        let (columns, mut records) = table(&job.text(file));
        let at = |column: &str| columns.iter().position(|name| name == column).unwrap();
        let (id, field) = (at(&head[0]), at(&head[1]));
        assert_eq!(head[2], format!("expected {}", head[1]));
        for row in rows {
            let record = records.iter_mut().find(|record| record[id] == row[0]).unwrap();
            assert_eq!(record[field], row[2], "{name}: {}", row[0]);
            record[field].clone_from(&row[1]);
            changed += 1;
        }
        let mut writer =
            csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(&columns).unwrap();
        for record in &records {
            writer.write_record(record).unwrap();
        }
        job.put_bytes(file, &writer.into_inner().unwrap());
    }
    changed
}

#[test]
fn the_inverse_sheets_undo_what_the_sheets_do() {
    for (flavour, approver, least) in
        [("salesforce", "Sabine Krüger", 12), ("hubspot", "Sabine Krüger", 8)]
    {
        let job = Job::acme(flavour);
        job.call(&["run", ".", "--as-of", ACME]).ends(0);
        Filled::of(&job, ACME)
            .with("approver", approver)
            .approves_all(&job, ACME)
            .put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
        let said = job.call(&["changes"]).ends(0).out;
        let head =
            crm_review::digest::sha256(job.text("ledger.jsonl").lines().last().unwrap().as_bytes());
        assert!(said.contains(&head), "{said}");
        let list = job.text(&format!("changes/{ACME}/changes.txt"));
        assert!(list.contains(&head), "{list}");
        let refused = "back to owners who are inactive, which a CRM refuses";
        assert!(list.contains(refused) && said.contains(refused), "{list}");
        let back =
            list.contains("and HubSpot's import moves a stage forward only: clear the stage");
        assert_eq!(back, flavour == "hubspot", "{list}");
        let mut before = BTreeMap::new();
        for file in exports(&job).into_values() {
            before.insert(file.clone(), table(&job.text(&file)));
        }
        let there = import(&job, ACME, "csv");
        assert!(there >= least, "{flavour}: {there} changes");
        assert!(before.iter().any(|(file, old)| table(&job.text(file)) != *old));
        assert_eq!(import(&job, ACME, "inverse.csv"), there);
        for (file, old) in &before {
            assert!(table(&job.text(file)) == *old, "{flavour}: {file}");
        }
        // What a person does has an order: merges of accounts, contacts and leads before all else, values
        // before links, and conversions last, as they lock a lead.
        let (head, steps) = table(&job.text(&format!("changes/{ACME}/by-hand.csv")));
        assert_eq!(head[..4], ["step", "what", "object", "record"]);
        let rank = |step: &Vec<String>| match (step[1].as_str(), step[2].as_str()) {
            ("merge", "account") => 0,
            ("merge", "contact") => 1,
            ("merge", "lead") => 2,
            ("merge", _) => 3,
            (what, _) if what.starts_with("Convert into ") => 7,
            (what, _) if what.starts_with("Link to account ") => 6,
            _ => 4,
        };
        assert!(steps.iter().any(|step| rank(step) < 4), "{flavour} has no merge");
        if flavour == "salesforce" {
            assert!([4, 6, 7].iter().all(|due| steps.iter().any(|step| rank(step) == *due)));
        }
        assert!(steps.is_sorted_by_key(rank));
        for (n, step) in steps.iter().enumerate() {
            assert_eq!(step[0], (n + 1).to_string());
            assert!(!step[6].is_empty());
        }
    }
}

/// A HubSpot whose users read Spanish.
#[test]
fn sheets_call_columns_as_the_export_does_whatever_its_language() {
    let job = Job::acme("hubspot");
    let names = [("Record ID", "ID de registro"), ("Lifecycle Stage", "Etapa del ciclo de vida")];
    for file in exports(&job).values() {
        let text = job.text(file);
        let (head, rows) = text.split_once('\n').unwrap();
        let head = names.iter().fold(head.to_owned(), |head, (from, to)| head.replace(from, to));
        job.put(file, &format!("{head}\n{rows}"));
    }
    let mut boundary = job.text("rules/boundary.toml");
    for (english, spanish) in names {
        boundary = boundary.replace(&format!("\"{english}\""), &format!("\"{spanish}\""));
    }
    job.put("rules/boundary.toml", &boundary);
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    Filled::of(&job, ACME)
        .with("approver", "Sabine Krüger")
        .approves_all(&job, ACME)
        .put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let said = job.call(&["changes"]).ends(0).out;
    assert!(said.contains("HubSpot's import moves a stage forward only"), "{said}");
    let (head, _) = table(&job.text(&format!("changes/{ACME}/contact.lifecycle.csv")));
    assert_eq!(head[..2], ["ID de registro", "Etapa del ciclo de vida"]);
}

/// A week in which a value that the CRM's users typed is proposed as a lead's source.
fn sources(value: &str) -> Job {
    let job = Job::weekly();
    let boundary = job.text("rules/boundary.toml").replace(
        "status = ",
        "lead_source = { from = \"Source\", why = \"Compared with the taxonomy.\", kind = \"text\" }\nstatus = ",
    );
    job.put("rules/boundary.toml", &boundary);
    job.put("rules/lead-source.toml", &format!("[taxonomy]\nvalues = [{value:?}]\n"));
    let leads = job.text("exports/lead.csv");
    let mut lines = leads.lines();
    let mut text = format!("{},Source\n", lines.next().unwrap());
    for line in lines {
        text += &format!("{line},{}\n", value.to_uppercase());
    }
    job.put("exports/lead.csv", &text);
    job
}

#[test]
fn an_unknown_crm_is_given_the_id_by_its_own_name() {
    let job = sources("Website");
    job.edit("review.toml", "\"salesforce\"", "\"other\"");
    let named = "id = { from = \"Id\", why = \"Names the record in evidence.\" }";
    job.edit("rules/boundary.toml", named, &named.replace("Id", "LeadNo"));
    job.put("exports/lead.csv", &job.text("exports/lead.csv").replacen("Id,", "LeadNo,", 1));
    job.run(&[]).ends(0);
    Filled::of(&job, DAY).approves_all(&job, DAY).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["changes"]).ends(0);
    let (head, _) = table(&job.text(&format!("changes/{DAY}/lead.lead_source.csv")));
    assert_eq!(head[..2], ["LeadNo", "Source"]);
}

#[test]
fn exports_that_call_a_column_differently_have_a_sheet_each() {
    let job = sources("Website");
    job.edit("review.toml", "lead = \"lead.csv\"", "lead = [\"lead.csv\", \"old.csv\"]");
    job.edit("rules/boundary.toml", "from = \"Source\"", "from = [\"Source\", \"Lead Source\"]");
    let old = job.text("exports/lead.csv").replacen(",Source\n", ",Lead Source\n", 1);
    job.put("exports/old.csv", &old.replace("\n00Q", "\n00X"));
    job.run(&[]).ends(0);
    Filled::of(&job, DAY).approves_all(&job, DAY).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let said = job.call(&["changes"]).ends(0).out;
    assert!(said.contains("lead.lead_source-2.csv: "), "{said}");
    for (name, column, records) in
        [("lead_source", "Lead Source", "00X"), ("lead_source-2", "Source", "00Q")]
    {
        let (head, rows) = table(&job.text(&format!("changes/{DAY}/lead.{name}.csv")));
        assert_eq!(head[1], column);
        assert!(rows.iter().all(|row| row[0].starts_with(records)), "{rows:?}");
        job.text(&format!("changes/{DAY}/lead.{name}.inverse.csv"));
    }
}

#[test]
fn no_cell_of_a_sheet_is_a_formula() {
    for (value, is_dangerous) in [
        ("Website", false),
        ("=Website", true),
        ("@Website", true),
        ("-Website", true),
        ("+Website", true),
    ] {
        let job = sources(value);
        job.run(&[]).ends(0);
        Filled::of(&job, DAY).approves_all(&job, DAY).put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
        job.call(&["changes"]).ends(0);
        assert_eq!(
            job.has(&format!("changes/{DAY}/lead.lead_source.csv")),
            !is_dangerous,
            "{value}"
        );
        let steps = job.text(&format!("changes/{DAY}/by-hand.csv"));
        assert_eq!(steps.contains("begins like a formula"), is_dangerous, "{steps}");
        for (name, bytes) in job.files() {
            if !name.starts_with("changes") || name.extension().is_none_or(|end| end != "csv") {
                continue;
            }
            let (head, rows) = table(&String::from_utf8(bytes).unwrap());
            for cell in rows.iter().chain([&head]).flatten() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name:?}: {cell}");
            }
        }
    }
}

#[test]
fn only_what_stands_approved_is_in_the_sheets() {
    let job = Job::weekly();
    assert!(job.call(&["changes"]).ends(0).out.contains("nothing is approved"));
    job.run(&[]).ends(0);
    let first = Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", confirm())
        .says(&job, DAY, "OWN-02", "00Q4", approve())
        .says(&job, DAY, "OWN-01", "00Q3", reject("rule_wrong"));
    first.put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["changes"]).ends(0);
    let steps = job.text(&format!("changes/{DAY}/by-hand.csv"));
    assert!(steps.contains("1,merge,lead,00Q1,00Q1,00Q2,") && steps.contains("00Q4"), "{steps}");
    assert!(!steps.contains("00Q3"), "{steps}");
    let before = job.files();
    job.call(&["changes", ".", "--of", DAY]).ends(0);
    assert!(
        job.files()
            .iter()
            .filter(|(name, _)| name.starts_with("changes"))
            .all(|(name, bytes)| before[name] == *bytes)
    );
    // The last line of the ledger is bound by no line after it; the sheets name its digest.
    let honest = job.text("ledger.jsonl");
    job.call(&["verify"]).ends(0);
    job.put("ledger.jsonl", &honest.replace("rule_wrong", "other"));
    let said = job.call(&["verify"]).ends(4).out;
    assert!(said.contains("changes.txt: it was written when the ledger's head was"), "{said}");
    job.put("ledger.jsonl", &honest);
    // Overruled: it is in no sheet any more.
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", reject("weak_evidence"))
        .put(&job, "other.json");
    job.call(&["decide", "other.json", "--supersede"]).ends(0);
    job.call(&["changes"]).ends(0);
    assert!(!job.text(&format!("changes/{DAY}/by-hand.csv")).contains("merge"));
    assert!(
        job.call(&["changes", "--of", "2026-03-08"])
            .ends(0)
            .out
            .contains("there is no packet of 2026-03-08")
    );
    // What a person wrote into a sheet, or put beside it, is not replaced.
    let list = job.text(&format!("changes/{DAY}/changes.txt"));
    let noted = format!("{list}Imported on Tuesday.\n");
    for (name, text) in
        [("by-hand.csv", "mine"), ("notes.txt", "mine"), ("changes.txt", noted.as_str())]
    {
        job.put(&format!("changes/{DAY}/{name}"), text);
        let said = job.call(&["changes"]).ends(3);
        assert!(
            said.err.contains(name) && said.err.contains("nothing of yours is replaced"),
            "{}",
            said.err
        );
        assert_eq!(job.text(&format!("changes/{DAY}/{name}")), text);
        fs::remove_dir_all(job.path(&format!("changes/{DAY}"))).unwrap();
        job.call(&["changes"]).ends(0);
    }
}

/// The section of the summary that says what became of earlier packets, in one line.
#[track_caller]
fn since(job: &Job, day: &str) -> String {
    let said = job.call(&["run", ".", "--as-of", day]).ends(0).out;
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, words) = words.split_once("Since the packet of ").unwrap_or_default();
    words.split_once(" all high medium").map_or(words, |(since, _)| since).to_owned()
}

#[test]
fn the_next_weeks_tell_whether_what_was_approved_happened() {
    let job = Job::acme("salesforce");
    job.call(&["run", ".", "--as-of", ACME]).ends(0);
    let mut filled =
        Filled::of(&job, ACME).with("approver", "Sabine Krüger").approves_all(&job, ACME);
    // Of the changes that a sheet can make.
    let sheets: Vec<_> = job
        .text(&format!("runs/{ACME}/findings.jsonl"))
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|finding| {
            let proposal = &finding["proposal"];
            !proposal["value"].is_null() || !proposal["assignee"].is_null()
        })
        .map(|finding| finding["id"].clone())
        .collect();
    let items = filled.file["decisions"].as_array_mut().unwrap();
    items.retain(|item| sheets.contains(&item["finding"]));
    let approved = items.len();
    filled.put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    job.call(&["changes"]).ends(0);
    assert!(
        since(&job, "2026-11-30").contains(&format!("{approved} approved and not yet in the CRM"))
    );
    let before = job.text("exports/Lead.csv");
    assert_eq!(import(&job, ACME, "csv"), approved);
    let said = since(&job, "2026-12-07");
    assert!(said.contains(&format!("{approved} approved and applied")), "{said}");
    assert!(!said.contains("not yet"), "{said}");
    // Told once.
    let said = since(&job, "2026-12-14");
    assert!(!said.contains("approved and"), "{said}");
    // The leads are put back as they were: by the inverse, somebody, or another import.
    let applied = job.text("exports/Lead.csv");
    job.put("exports/Lead.csv", &before);
    let said = since(&job, "2026-12-21");
    assert!(said.contains("approved, applied and changed back"), "{said}");
    // One of them is given to somebody else instead.
    let (head, rows) = table(&job.text(&format!("changes/{ACME}/lead.owner.csv")));
    assert_eq!(head[1], "OwnerId");
    let row = &rows[0];
    let mut other = String::new();
    for line in applied.lines() {
        let is_it = line.contains(&row[0]);
        other +=
            &if is_it { line.replacen(&row[1], "0055g000000000AAAA", 1) } else { line.to_owned() };
        other.push('\n');
    }
    assert_ne!(other, applied);
    job.put("exports/Lead.csv", &other);
    let said = since(&job, "2026-12-28");
    assert!(said.contains("1 approved, and changed to something else"), "{said}");
    // Without the packet it cannot be told, and the packet says so.
    fs::remove_dir_all(job.path(&format!("runs/{ACME}"))).unwrap();
    let said = job.call(&["run", ".", "--as-of", "2027-01-04"]).ends(1);
    assert!(
        said.err.contains(
            "whether what was approved in the packet of 2026-11-23 happened cannot be told"
        ),
        "{}",
        said.err
    );
}

#[test]
fn a_merge_happened_when_only_the_kept_record_is_left() {
    let job = Job::weekly();
    job.run(&[]).ends(0);
    Filled::of(&job, DAY).says(&job, DAY, "DUP-01", "00Q1", confirm()).put(&job, "week.json");
    job.call(&["decide", "week.json"]).ends(0);
    let leads = job.text("exports/lead.csv");
    let without = |id: &str| {
        let kept: Vec<_> = leads.lines().filter(|line| !line.starts_with(id)).collect();
        kept.join("\n") + "\n"
    };
    assert!(since(&job, "2026-03-08").contains("1 approved and not yet in the CRM"));
    // Nothing is left to decide about it, so it is not what to read first.
    let summary = job.text("runs/2026-03-08/summary.txt");
    let (_, first) = summary.split_once("Read these first:").unwrap();
    assert!(first.contains("OWN-02") && !first.contains("DUP-01"), "{summary}");
    job.put("exports/lead.csv", &without("00Q2"));
    assert!(since(&job, "2026-03-15").contains("1 approved and applied"));
    job.put("exports/lead.csv", &without("00Q1"));
    assert!(since(&job, "2026-03-22").contains("1 approved, and changed to something else"));
    job.put("exports/lead.csv", &leads);
    assert!(since(&job, "2026-03-29").contains("approved and not yet"));
}

#[test]
fn a_value_that_may_not_be_shown_is_in_no_sheet() {
    for show in ["masked", "never"] {
        let job = sources("Website");
        job.edit(
            "rules/boundary.toml",
            "from = \"Source\",",
            &format!("from = \"Source\", show = \"{show}\","),
        );
        job.run(&[]).ends(0);
        Filled::of(&job, DAY).approves_all(&job, DAY).put(&job, "week.json");
        job.call(&["decide", "week.json"]).ends(0);
        job.call(&["changes"]).ends(0);
        assert!(!job.has(&format!("changes/{DAY}/lead.lead_source.csv")));
        let steps = job.text(&format!("changes/{DAY}/by-hand.csv"));
        assert!(steps.contains("the value that stands there may not be shown"), "{steps}");
        for (name, bytes) in job.files() {
            let is_input = name.starts_with("exports") || name.starts_with("rules");
            let text = String::from_utf8_lossy(&bytes);
            assert!(is_input || !text.contains("WEBSITE"), "{show}: {name:?}");
        }
    }
}

#[test]
fn what_was_decided_again_later_is_told_where_it_is_now() {
    let later = "2026-03-08";
    let job = Job::weekly();
    job.put("rules/owners.toml", HANDOVER);
    job.run(&[]).ends(0);
    Filled::of(&job, DAY)
        .says(&job, DAY, "DUP-01", "00Q1", confirm())
        .says(&job, DAY, "OWN-01", "00Q3", confirm())
        .says(&job, DAY, "OWN-02", "00Q4", approve())
        .put(&job, "first.json");
    job.call(&["decide", "first.json"]).ends(0);
    job.call(&["run", ".", "--as-of", later]).ends(0);
    let again = Filled::of(&job, later)
        .says(&job, later, "OWN-01", "00Q3", reject("rule_wrong"))
        .says(&job, later, "OWN-02", "00Q4", approve());
    again.put(&job, "second.json");
    job.call(&["decide", "second.json", "--supersede"]).ends(0);
    let said = job.call(&["changes", "--of", DAY]).ends(0).out;
    let left_out = format!(
        "Left out: 2 approved changes, decided again on the packet of {later}: 1 approved, 1 rejected.\n"
    );
    assert!(said.contains(&left_out), "{said}");
    assert!(said.contains(&format!("`crm-review changes --of {later}`")), "{said}");
    assert!(job.text(&format!("changes/{DAY}/changes.txt")).contains(&left_out));
    // Where none of them is left, that is said as well.
    let rest = Filled::of(&job, later).says(&job, later, "DUP-01", "00Q1", reject("rule_wrong"));
    rest.put(&job, "third.json");
    // It stands approved and waits: that is not overruled by the way.
    let refused = job.call(&["decide", "third.json"]).ends(2).err;
    assert!(
        refused.contains("it was decided before, by Dana Reyes on 2026-03-01: approve"),
        "{refused}"
    );
    job.call(&["decide", "third.json", "--supersede"]).ends(0);
    let said = job.call(&["changes", "--of", DAY]).ends(0).out;
    assert!(said.contains("is approved any more, so there is no change sheet"), "{said}");
    assert!(said.contains("3 approved changes, decided again"), "{said}");
}
