//! `init` on exports as three kinds of CRM write them: the draft runs without an edit.

use std::fmt::Write as _;
use std::fs;

use crate::job::{DAY, Job, LEADS, USERS, files};

/// Exports below `exports/`, each a name and its text.
type Exports = Vec<(&'static str, String)>;

/// Salesforce's own names of tables and fields, as its data loader writes them.
fn salesforce() -> Exports {
    let mut leads = "Id,FirstName,LastName,Company,Email,Phone,OwnerId,Status,LeadSource,Country,\
        CreatedDate,LastModifiedDate,IsConverted,Description,SSN__c,Favourite_Colour__c\n"
        .to_owned();
    let mut accounts =
        "Id,Name,Website,Type,OwnerId,BillingCountry,CreatedDate,LastModifiedDate,Legal_Notes__c\n"
            .to_owned();
    let mut deals = "Id,Name,AccountId,OwnerId,StageName,Amount,CloseDate,CreatedDate,\
        LastModifiedDate,IsClosed,IsWon,Deal_Strategy__c\n"
        .to_owned();
    for n in 0..60 {
        let owner = ["005A", "005B", "005C"][n % 3];
        let status =
            ["Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"][n % 3];
        let source = ["Web", "Event"][n % 2];
        let country = ["Germany", "France"][n % 2];
        let _ = writeln!(
            leads,
            "00Q{n:03},Pat{n},Quinn{n},Firm {n},p{n}@firm{n}-corp.com,+1 202 555 01{n:02},{owner},{status},\
             {source},{country},2025-06-{:02}T08:00:00.000+0000,2026-02-{:02}T09:30:00.000+0000,false,\
             likes tea,078-05-1120,blue",
            n % 28 + 1,
            n % 28 + 1
        );
        let kind = ["Customer", "Prospect"][n % 2];
        let _ = writeln!(
            accounts,
            "001{n:03},Firm {n},https://firm{n}-corp.com,{kind},{owner},{country},2024-01-05,2026-02-01,sealed"
        );
        let (stage, closed, won) =
            [("Prospecting", "false", "false"), ("Closed Won", "true", "true")][n % 2];
        let _ = writeln!(
            deals,
            "006{n:03},Deal {n},001{n:03},{owner},{stage},{},2026-0{}-15,2025-09-01,2026-02-01,{closed},{won},be bold",
            1000 + n,
            n % 3 + 1
        );
    }
    let users = "Id,Name,IsActive\n005A,Ann Ng,true\n005B,Bo Li,true\n005C,Cy Fox,false\n";
    vec![
        ("Lead.csv", leads),
        ("Account.csv", accounts),
        ("Opportunity.csv", deals),
        ("User.csv", users.to_owned()),
    ]
}

/// HubSpot's labels, with owners by their name and one id column for every table.
fn hubspot() -> Exports {
    let mut contacts =
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lifecycle Stage,\
        Create Date,Last Modified Date,Original Source,Associated Company IDs,Notes,Message\n"
            .to_owned();
    let mut companies = "Record ID,Company name,Company Domain Name,Company owner,Country/Region,\
        Create Date,Last Modified Date,Description\n"
        .to_owned();
    let mut deals =
        "Record ID,Deal Name,Deal Stage,Pipeline,Amount,Close Date,Deal owner,Create Date,Deal Description\n"
            .to_owned();
    for n in 0..60 {
        let owner = ["Ann Ng", "Bo Li"][n % 2];
        let stage = ["Lead", "Marketing Qualified Lead", "Customer"][n % 3];
        let _ = writeln!(
            contacts,
            "{},Pat{n},Quinn{n},p{n}@firm{n}-corp.com,202555{n:04},{owner},{stage},2025-06-{:02} 08:15,\
             2026-02-{:02} 10:00,{},{},\"met at fair\nsaid yes\",hello",
            1000 + n,
            n % 28 + 1,
            n % 28 + 1,
            ["Organic Search", "Paid Social"][n % 2],
            2000 + n
        );
        let _ = writeln!(
            companies,
            "{},Firm {n},firm{n}-corp.com,{owner},Germany,2024-01-05 08:00,2026-02-01 08:00,secret plan",
            2000 + n
        );
        let stage = ["Appointment Scheduled", "Closed Won"][n % 2];
        let _ = writeln!(
            deals,
            "{},Deal {n},{stage},Sales Pipeline,{},2026-0{}-15 12:00,{owner},2025-09-01 08:00,secret plan",
            3000 + n,
            1000 + n,
            n % 3 + 1
        );
    }
    vec![("all-contacts.csv", contacts), ("all-companies.csv", companies), ("all-deals.csv", deals)]
}

/// A CRM nobody has heard of: semicolons, plain words, day first, and a file that is no table of ours.
fn unknown() -> Exports {
    let mut leads =
        "id;first name;last name;company;email;owner;status;source;created;password hint\n"
            .to_owned();
    for n in 0..60 {
        let _ = writeln!(
            leads,
            "L-{n};Pat{n};Quinn{n};Firm {n};p{n}@firm{n}-corp.com;{};{};Web;{:02}/06/2025;pet",
            ["Ann Ng", "Bo Li"][n % 2],
            ["new", "contacted"][n % 2],
            n % 28 + 1
        );
    }
    vec![("leads.csv", leads), ("weather.csv", "place;sun\nRome;7\nOslo;2\n".to_owned())]
}

/// The draft of such exports, after checking what every draft has to keep.
#[track_caller]
fn check_draft(exports: &Exports, tables: &[&str], never: &[&str]) -> Job {
    let job = Job::new(&[]);
    for (name, text) in exports {
        job.put(&format!("exports/{name}"), text);
    }
    let drafted = job.call(&["init", ".", "--from", "exports"]).ends(0);
    assert_eq!(drafted.err, "");
    assert!(drafted.out.contains("crm-review run ."), "{}", drafted.out);

    let review = job.text("review.toml");
    for table in tables {
        assert!(review.contains(&format!("\n{table} = \"")), "no {table} in\n{review}");
    }
    let boundary = job.text("rules/boundary.toml");
    let listed: Vec<_> = boundary.lines().filter(|line| line.contains("{ from = ")).collect();
    assert!(listed.len() >= 8, "{boundary}");
    for line in listed {
        assert!(line.contains("why = \""), "{line}");
        assert!(line.contains("filled in "), "no figure: {line}");
        for name in never {
            assert!(!line.contains(&format!("\"{name}\"")), "{name} is listed: {line}");
        }
        if line.contains("\"Email\"") {
            assert!(line.contains("show = \"masked\""), "{line}");
        }
    }

    // It runs as it is.
    let before = files(&job.path("rules"));
    let said = job.run(&[]);
    assert!([0, 1].contains(&said.code), "{said:?}");
    let manifest = job.json(&format!("runs/{DAY}/manifest.json"));
    for table in tables {
        let rows = if *table == "user" { 3 } else { 60 };
        assert_eq!(manifest["records"][table]["admitted"], rows, "{table}");
    }
    let ran = manifest["checks"].as_array().unwrap().iter().filter(|c| c["state"] == "ran").count();
    assert!(ran >= 3, "{ran} checks ran");

    // A second draft touches nothing.
    let again = job.call(&["init", ".", "--from", "exports"]).ends(2);
    assert!(again.err.contains("nothing is overwritten"), "{}", again.err);
    assert!(before == files(&job.path("rules")));
    assert_eq!(review, job.text("review.toml"));
    for (name, text) in exports {
        assert_eq!(&job.text(&format!("exports/{name}")), text, "{name} was changed");
    }
    job
}

#[test]
fn a_salesforce_export_is_drafted_and_runs() {
    let never =
        ["Description", "SSN__c", "Favourite_Colour__c", "Legal_Notes__c", "Deal_Strategy__c"];
    let job = check_draft(&salesforce(), &["lead", "account", "deal", "user"], &never);
    assert!(job.text("review.toml").contains("crm = \"salesforce\""));
    let lifecycle = job.text("rules/lifecycle.toml");
    for stage in ["Open - Not Contacted", "Closed Won", "Prospecting"] {
        assert!(lifecycle.contains(stage), "{stage}\n{lifecycle}");
    }
    assert!(lifecycle.contains("20 leads, 33.3 %"), "{lifecycle}");
    // Cy Fox left and still owns open leads.
    let found = job.found();
    assert!(found.iter().any(|(rule, _)| rule == "OWN-01"), "{found:?}");
}

#[test]
fn a_hubspot_export_is_drafted_and_runs() {
    let never = ["Notes", "Message", "Description", "Deal Description"];
    let job = check_draft(&hubspot(), &["contact", "account", "deal"], &never);
    assert!(job.text("review.toml").contains("crm = \"hubspot\""));
    let boundary = job.text("rules/boundary.toml");
    let owner = boundary.lines().find(|line| line.contains("\"Contact owner\"")).unwrap();
    assert!(owner.contains("kind = \"name\""), "{owner}");
}

#[test]
fn an_export_of_an_unknown_crm_is_drafted_and_runs() {
    let job = check_draft(&unknown(), &["lead"], &["password hint", "place", "sun"]);
    let review = job.text("review.toml");
    assert!(review.contains("crm = \"other\""), "{review}");
    assert!(review.contains("# not used: weather.csv"), "{review}");
    let boundary = job.text("rules/boundary.toml");
    let created = boundary.lines().find(|line| line.starts_with("created = ")).unwrap();
    assert!(created.contains("dates = \"day-first\""), "{created}");
}

#[test]
fn exports_elsewhere_are_named_and_not_copied() {
    let job = Job::new(&[]);
    for (name, text) in unknown() {
        job.put(&format!("pulled/{name}"), &text);
    }
    job.call(&["init", "weekly", "--from", "pulled"]).ends(0);
    assert!(fs::read_dir(job.path("weekly/exports")).unwrap().next().is_none());
    let pulled = job.path("pulled").canonicalize().unwrap();
    assert!(job.text("weekly/review.toml").contains(pulled.to_str().unwrap()));
    job.call(&["run", "weekly", "--as-of", DAY]).ends(0);
}

#[test]
fn init_without_a_table_leaves_no_folder() {
    let job = Job::new(&[("none/weather.csv", "place,sun\nRome,7\n")]);
    for (from, words) in [("none", "no CSV export"), ("nowhere", "No such file")] {
        let said = job.call(&["init", "weekly", "--from", from]).ends(2);
        assert!(said.err.contains(words) && said.err.contains("--from"), "{}", said.err);
        assert!(!job.has("weekly"));
    }
}

#[test]
fn the_next_command_can_be_typed_as_it_stands() {
    let job = Job::new(&[("exports/Lead.csv", LEADS), ("exports/User.csv", USERS)]);
    let said = job.call(&["init", "Acme's review", "--from", "exports"]).ends(0);
    let next = said.out.lines().find(|line| line.contains("crm-review run")).unwrap();
    assert!(next.starts_with(r"  crm-review run 'Acme'\''s review' --as-of "), "{next}");
    let said = job.call(&["init", "plain-1", "--from", "exports"]).ends(0);
    assert!(said.out.contains("  crm-review run plain-1 --as-of "), "{}", said.out);
}

#[test]
fn an_export_whose_id_stands_twice_is_named() {
    let twice = LEADS.replace(",Nickname\n", ",Id\n");
    let job = Job::new(&[("exports/Lead.csv", &twice)]);
    let said = job.call(&["init", "review", "--from", "exports"]).ends(2);
    let words = "Lead.csv: several of its columns are named `Id`";
    assert!(said.err.contains(words), "{}", said.err);
    job.put("exports/User.csv", USERS);
    let said = job.call(&["init", "review", "--from", "exports"]).ends(0);
    assert!(said.out.contains("several of its columns are named `Id`"), "{}", said.out);
}
