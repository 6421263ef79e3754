//! Unique tokens in everything that must not come out, and the search for them in all that does.
//!
//! Tokens stand in every blocked and every unlisted column, in rows that are whole and rows that are
//! not; secrets stand in allowed columns, and so do values that are masked or never shown. Every
//! command ends in every way it can, and nothing it said or left behind may hold one of them.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use memchr::memmem;
use rustix::process::{Pid, Signal, kill_process};

use crate::job::{APPROVALS, BOUNDARY, DAY, Job, LIFECYCLE, REVIEW, Said, files, said};

/// A token that stands nowhere else; all of them hold this word.
const TOKEN: &str = "CANARY";
/// What an allowed and shown column holds: it has to come out.
const SHOWN: &str = "Visible Token";

/// Secrets as they stand in exports, put together here so that no scanner of sources trips over them.
fn secrets() -> Vec<String> {
    vec![
        ["AKIA", "QWERTYUIOPASDFGH"].concat(),
        ["4111", "1111", "1111", "1111"].join(" "),
        ["078", "05", "1120"].join("-"),
        ["pass", "word: opensesame9"].concat(),
        ["sk_", "live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat(),
        ["DE89", "3704", "0044", "0532", "0130", "00"].join(" "),
    ]
}

/// The column by which leads are left out of the review.
const LEFT_OUT: &str =
    "excluded = { from = \"LeaveOut\", why = \"Whoever asks for it is left out.\" }\n";

/// Forms in which the phone number of the twins could come out.
const PHONES: [&str; 5] =
    ["+1 202 555 0143", "2025550143", "202-555-0143", "(202) 555-0143", "202 555 0143"];

/// A planted folder and everything the program said in it.
struct Cage {
    job: Job,
    planted: Cell<u32>,
    heard: Vec<(String, Said)>,
}

impl Cage {
    fn new() -> Self {
        let cage = Self {
            job: Job::new(&[
                ("review.toml", &format!("{REVIEW}contact = \"contact.csv\"\n")),
                ("rules/boundary.toml", BOUNDARY),
                ("rules/approvals.toml", APPROVALS),
                ("rules/lifecycle.toml", LIFECYCLE),
                ("rules/batch.toml", "[implausible-input]\nmax_set_aside = 0.9\n"),
            ]),
            planted: Cell::new(0),
            heard: Vec::new(),
        };
        let contacts = "\n[contact.fields]\n\
            excluded = { from = \"LeaveOut\", why = \"Whoever asks for it is left out.\" }\n\
            deleted = { from = \"IsDeleted\", why = \"What is deleted is not judged.\" }\n\
            id = { from = \"Id\", why = \"Names the record in evidence.\" }\n\
            last_name = { from = \"LastName\", why = \"Names the person.\" }\n\
            email = { from = \"Email\", why = \"Finds the same person twice.\", show = \"masked\" }\n";
        cage.job.put("rules/boundary.toml", &format!("{BOUNDARY}{contacts}"));
        cage.job.put("exports/lead.csv", &cage.leads());
        cage.job.put(
            "exports/user.csv",
            &format!(
                "Id,Name,IsActive,Password\n0051,Eve Moss,true,{}\n0052,{SHOWN},false,{}\n",
                cage.token(),
                cage.token()
            ),
        );
        cage.job.put_bytes("exports/contact.csv", &utf16(&cage.contacts()));
        cage
    }

    fn token(&self) -> String {
        self.planted.set(self.planted.get() + 1);
        format!("{TOKEN}{:06}", self.planted.get())
    }

    fn leads(&self) -> String {
        let t = || self.token();
        let mail = || format!("{}@acme-corp.com", self.token().to_lowercase());
        let mut text = "Id,FirstName,LastName,Company,Email,Phone,OwnerId,Status,CreatedDate,\
            LastModifiedDate,Notes,SSN__c,Deal Strategy,Nickname\n"
            .to_owned();
        let twin = mail();
        let phone = PHONES[0];
        // Whole rows: plain, with tags, and quoted over several lines with quotes inside.
        let a = t();
        text += &format!(
            "00Q1,Ann,Ng,Acme,{twin},{phone},0051,New,2025-01-05,2026-02-27,{a},{},{},{}\n",
            t(),
            t(),
            t()
        );
        text += &format!(
            "00Q2,Ann,Ng,Acme,{twin},{phone},0051,New,2025-06-01,2026-02-28,\"{}\nsaid \"\"{}\"\"\r\n{}\",<b>{}</b>,{},{}\n",
            t(),
            t(),
            t(),
            t(),
            t(),
            t()
        );
        text += &format!(
            "00Q3,Bo,Li,Bolt,{},,0052,New,2025-02-01,2025-03-01,{},{},{},{}\n",
            mail(),
            t(),
            t(),
            t(),
            t()
        );
        for (n, secret) in secrets().iter().enumerate() {
            text += &format!(
                "00S{n},Cy,Fox{n},{secret},{},,,New,2025-02-01,2025-03-01,{},{},{},{}\n",
                mail(),
                t(),
                t(),
                t(),
                t()
            );
        }
        // Too few cells, too many, a stray quote, one that opens and closes within a word.
        text += &format!("00R1,Dee,Roe,{},{}\n", t(), t());
        text += &format!(
            "00R2,Dee,Roe,Roe,{},,0051,New,2025-01-05,2025-02-01,{},{},{},{},{},{}\n",
            mail(),
            t(),
            t(),
            t(),
            t(),
            t(),
            t()
        );
        text += &format!(
            "00R3,Dee,R\"oe,Roe,{},,0051,New,2025-01-05,2025-02-01,{},\"{}\" {},{},{}\n",
            mail(),
            t(),
            t(),
            t(),
            t(),
            t()
        );
        // Cells moved to the left: what nobody may read stands where a date belongs.
        text += &format!(
            "00R4,Dee,Roe,{},,0051,New,2025-01-05,2025-02-01,{},{},{},{},\n",
            mail(),
            t(),
            t(),
            t(),
            t()
        );
        // Shapes that allowed columns do not have: a sentence as status, a novel as name, words as id.
        text += &format!(
            "00R5,Dee,Roe,Roe,{},,0051,{} {},2025-01-05,2025-02-01,,,,\n",
            mail(),
            t(),
            "and so on and on and on and on and on and on ".repeat(3),
        );
        text += &format!(
            "00R6,Dee,{},Roe,{},,0051,New,2025-01-05,2025-02-01,,,,\n",
            format!("{} ", t()).repeat(600),
            mail()
        );
        text += &format!("met {} at the fair,Dee,Roe,Roe,,,,,,,,,,\n", t());
        for n in 0..200 {
            text += &format!(
                "00W{n},Pat{n},Quinn{n},C{n},p{n}@c{n}-corp.com,,0051,New,2025-01-05,2025-02-01,{},{},{},{}\n",
                t(),
                t(),
                t(),
                t()
            );
        }
        // A quote that never closes takes the rest of the file with it.
        text += &format!("00Z1,Dee,Roe,Roe,,,0051,New,2025-01-05,2025-02-01,\"{}\n{}\n", t(), t());
        text
    }

    fn contacts(&self) -> String {
        let mut text = "Id,LastName,Email,Call Transcript,Home,IsDeleted,LeaveOut\n".to_owned();
        for n in 0..20 {
            let mail = self.token().to_lowercase();
            text += &format!(
                "003{n},Quinn{n},{mail}@c{n}-corp.com,\"{}\n{}\",{},no,\n",
                self.token(),
                self.token(),
                self.token()
            );
        }
        // Of a row that is left out nothing is told, of whatever column: neither what is shown nor what is
        // withheld, nor that a cell is wrong.
        for (n, (is_deleted, leave_out)) in
            [("yes", ""), ("", "yes"), ("no", "yes")].iter().enumerate()
        {
            let (name, mail) = (self.token(), self.token().to_lowercase());
            text += &format!(
                "003X{n},{name},{mail}@c{n}-corp.com,{},{},{is_deleted},{leave_out}\n",
                self.token(),
                self.token()
            );
            text += &format!("003Y{n},\"{name}\n{name}\",{mail},,,{is_deleted},{leave_out}\n");
        }
        text
    }

    #[track_caller]
    fn hear(&mut self, arguments: &[&str], code: i32) {
        let said = self.job.call(arguments).ends(code);
        self.heard.push((arguments.join(" "), said));
    }

    fn run(&mut self, more: &[&str], code: i32) {
        self.hear(&[&["run", ".", "--as-of", DAY], more].concat(), code);
    }

    /// Fails if a token or a secret stands in anything that was said or left behind.
    #[track_caller]
    fn search(&self) {
        assert!(self.planted.get() > 100);
        let word = TOKEN.to_lowercase();
        let mut forbidden: Vec<Vec<u8>> =
            vec![word.clone().into_bytes(), utf16(&word)[2..].to_vec()];
        for text in secrets().iter().map(String::as_str).chain(PHONES) {
            let text = text.to_lowercase();
            // The end of a secret is as telling as the whole.
            let end = &text[text.len().saturating_sub(10)..];
            forbidden.push(end.as_bytes().to_vec());
        }
        let hits = self.hits(&forbidden);
        assert!(hits.is_empty(), "{hits:#?}");
    }

    /// Where any of these stands, in lower case, in what was said or left behind.
    fn hits(&self, wanted: &[Vec<u8>]) -> Vec<String> {
        let mut hits = Vec::new();
        let mut look = |place: String, bytes: &[u8]| {
            let bytes = bytes.to_ascii_lowercase();
            for wanted in wanted {
                if memmem::find(&bytes, wanted).is_some() {
                    hits.push(format!("{} in {place}", String::from_utf8_lossy(wanted)));
                }
            }
        };
        for (call, said) in &self.heard {
            look(format!("stdout of {call}"), said.out.as_bytes());
            look(format!("stderr of {call}"), said.err.as_bytes());
        }
        for (path, bytes) in files(self.job.home()) {
            let name = path.display().to_string();
            look(format!("the name {name}"), name.as_bytes());
            if !path.starts_with("review/exports") {
                look(name, &bytes);
            }
        }
        hits
    }
}

/// As Excel writes "Unicode text".
fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_run_lets_nothing_out_whichever_way_it_ends() {
    let mut cage = Cage::new();
    cage.run(&[], 0);
    cage.search();
    // The search finds what may be shown where it has to be.
    let shown = cage.hits(&[SHOWN.to_lowercase().into_bytes()]);
    for file in ["packet.html", "findings.jsonl"] {
        let place = format!("review/runs/{DAY}/{file}");
        assert!(shown.iter().any(|hit| hit.ends_with(&place)), "{file} is not in {shown:?}");
    }
    let found = cage.job.found();
    let withheld = found.iter().filter(|(rule, _)| rule == "BAT-06").count();
    assert_eq!(withheld, secrets().len(), "{found:?}");
    assert!(found.contains(&("DUP-01".to_owned(), "00Q1".to_owned())), "{found:?}");
    let manifest = cage.job.json(&format!("runs/{DAY}/manifest.json"));
    assert_eq!(manifest["records"]["contact"]["admitted"], 20);
    assert!(manifest["inputs"][0]["rows_set_aside"].as_u64().unwrap() >= 7);
    cage.run(&["--fail-on", "low", "--threads", "1"], 6);
    fs::remove_file(cage.job.path("rules/batch.toml")).unwrap();
    cage.run(&[], 1);

    let leads = cage.job.text("exports/lead.csv");
    let token = cage.token();
    let header = leads.lines().next().unwrap();
    let rows = |rows: String| format!("{header}\n{rows}").into_bytes();
    for (name, bytes) in [
        ("lead", format!("<!doctype html><html>{token}</html>").into_bytes()),
        ("lead", format!("{{\"error\": \"{token}\"}}").into_bytes()),
        ("lead", format!("Name,Notes\nAnn,{token}\n").into_bytes()),
        ("lead", rows(format!("00Q1,{token}\n").repeat(30))),
        ("lead", rows(format!("{token} {token} x y z,{}\n", ",".repeat(12)).repeat(30))),
        ("lead", rows(format!("00Q1,,,,,,,,03/04/2026,,{token},,,\n"))),
        ("lead", rows(format!("00Q1,,,,,,,,13/04/2026,04/13/2026,{token},,,\n"))),
        ("lead", [rows(format!("{token},")), vec![0x81, 0x8d, 0x8f, 0x00, 0xff, 0xfe]].concat()),
        (
            "lead",
            [header.replace("FirstName", "OwnerId").as_bytes(), b"\n", token.as_bytes()].concat(),
        ),
        ("contact", format!("%PDF-1.7 {token}").into_bytes()),
        ("contact", utf16(&format!("Id,Notes\n\"{token}"))[..40].to_vec()),
    ] {
        let file = format!("exports/{name}.csv");
        let good = fs::read(cage.job.path(&file)).unwrap();
        cage.job.put_bytes(&file, &bytes);
        let said = cage.job.run(&[]);
        assert!([0, 1, 3].contains(&said.code) && !said.err.contains("failed inside"), "{said:?}");
        cage.heard.push((format!("run on {:?}", String::from_utf8_lossy(&bytes)), said));
        let path = format!("exports/{name}.csv");
        for format in ["text", "json"] {
            let said = cage.job.call(&["inspect", &path, "--format", format]);
            cage.heard.push((format!("inspect of {bytes:?}"), said));
        }
        cage.job.put_bytes(&file, &good);
    }

    cage.job.put("rules/owners.toml", "[no-owner]\nof = true\n");
    cage.run(&[], 2);
    fs::remove_file(cage.job.path("rules/owners.toml")).unwrap();
    let lock = fs::File::open(cage.job.path(".lock")).unwrap();
    lock.lock().unwrap();
    cage.run(&[], 5);
    drop(lock);
    let ledger = cage.job.text("ledger.jsonl");
    cage.job.put("ledger.jsonl", &ledger.replacen("\"seq\":0", "\"seq\":9", 1));
    cage.run(&[], 4);
    cage.job.put("ledger.jsonl", &ledger);
    cage.search();
}

/// What of this a stopped process holds in its memory; `None` where the system does not tell.
fn held(child: &Child, wanted: &[&str]) -> Option<Vec<bool>> {
    let of = |name: &str| format!("/proc/{}/{name}", child.id());
    let maps = fs::read_to_string(of("maps")).ok()?;
    let mut memory = fs::File::open(of("mem")).ok()?;
    let mut held = vec![false; wanted.len()];
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut bytes = Vec::new();
        // What the program was linked from and what the system maps in holds nothing that was read.
        if rest.starts_with("rw") && memory.seek(SeekFrom::Start(from)).is_ok() {
            let _ = memory.by_ref().take(to - from).read_to_end(&mut bytes);
        }
        for (held, wanted) in held.iter_mut().zip(wanted) {
            *held |= memmem::find(&bytes, wanted.as_bytes()).is_some();
        }
    }
    Some(held)
}

/// What of this a run of a day holds in its memory at the moment when it writes the packet.
pub(crate) fn held_while_writing(
    job: &Job,
    day: &str,
    command: impl Fn() -> Command,
    wanted: &[&str],
) -> Option<Vec<bool>> {
    for _ in 0..20 {
        let _ = fs::remove_dir_all(job.path("runs"));
        let mut child = command().stdout(Stdio::null()).spawn().unwrap();
        let draft = job.path(&format!("runs/.{day}.draft"));
        while !draft.exists() && child.try_wait().unwrap().is_none() {}
        let _ = kill_process(Pid::from_child(&child), Signal::STOP);
        let caught = draft.exists();
        let held = held(&child, wanted);
        child.kill().unwrap();
        child.wait().unwrap();
        if caught || held.is_none() {
            return held;
        }
    }
    panic!("no run was caught while it wrote");
}

#[test]
fn what_was_not_admitted_is_not_in_memory_when_the_packet_is_written() {
    let job = Job::weekly();
    job.edit("rules/boundary.toml", "[user.fields]", &format!("{LEFT_OUT}\n[user.fields]"));
    // What is withheld stands in quotes within quotes, and its end is looked for.
    let secret = ["pass", "word: opensesame9"].concat();
    // One chunk and several.
    for (rows, threads) in [(2_000, "1"), (2_000, "2"), (30_000, "2")] {
        let mut leads = String::from(
            "Id,FirstName,LastName,Company,OwnerId,CreatedDate,LeaveOut,Notes,Nickname\n",
        );
        for n in 0..rows {
            let note = format!(",{TOKEN}{n:06},\"{TOKEN}\n{n}\"");
            leads += &format!("00Q{n},Pat,Quinn,{SHOWN} {n},,2025-01-05,{note}\n");
            leads += &match n % 1_000 {
                // Rows that are set aside: by their width, a quote, and the shape of a cell.
                1 => format!("00R{n},Pat,Quinn,{note}\n"),
                2 => format!("00R{n},Pat,Qu\"inn,{SHOWN},,2025-01-05,{note}\n"),
                3 => format!("00R{n},Pat,Quinn,{SHOWN},,\"{TOKEN} \"\"{n}\"\"\",{note}\n"),
                4 => format!("00S{n},Pat,Quinn,\"\"\"{secret}\"\"\",,2025-01-05,{note}\n"),
                // Of one that is left out every cell is.
                5 => format!("00T{n},{TOKEN},{TOKEN},{TOKEN} Inc,,2025-01-05,yes,x,x\n"),
                _ => continue,
            };
        }
        job.put("exports/lead.csv", &leads);
        let run = || job.command(&["run", "--as-of", DAY, "--threads", threads]);
        if let Some(held) = held_while_writing(&job, DAY, run, &[TOKEN, "opensesame9", SHOWN]) {
            assert_eq!(held, [false, false, true], "{rows} rows on {threads} threads");
        }
    }
}

#[test]
fn a_run_that_is_aborted_lets_nothing_out() {
    let mut cage = Cage::new();
    for round in 0..6 {
        let mut child = cage
            .job
            .command(&["run", "--as-of", DAY])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while !cage.job.has("ledger.jsonl") && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
        sleep(Duration::from_millis(round * 10));
        let _ = kill_process(Pid::from_child(&child), Signal::ABORT);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Said { code: -1, out: text(output.stdout), err: text(output.stderr) };
        cage.heard.push((format!("a run aborted in round {round}"), said));
        cage.search();
    }
}

#[test]
fn inspect_lets_nothing_out() {
    let mut cage = Cage::new();
    for file in ["exports/lead.csv", "exports/contact.csv", "exports/user.csv"] {
        for format in ["text", "json"] {
            cage.hear(&["inspect", file, "--format", format, "--show-headers"], 0);
            cage.hear(&["inspect", file, "--format", format, "--fields", "Id"], 0);
            cage.hear(&["inspect", file, "--format", format, "--fields", "Id,Nothing"], 2);
        }
    }
    let rows =
        ["inspect", "exports/lead.csv", "--fields", "Id,CreatedDate", "--rows-out", "rows.csv"];
    cage.hear(&rows, 0);
    assert!(cage.job.text("rows.csv").contains("00Q1,2025-01-05\n"));
    cage.hear(&["inspect", "exports/lead.csv", "--encoding", "utf-16le"], 2);
    cage.search();
}

#[test]
fn init_drafts_a_folder_without_any_of_it() {
    let mut cage = Cage::new();
    cage.hear(&["init", "drafted", "--from", "exports"], 0);
    cage.hear(&["init", "drafted", "--from", "exports"], 0);
    let drafted = files(&cage.job.path("drafted"));
    assert!(drafted.len() > 8, "{:?}", drafted.keys());
    let said = cage.job.call(&["run", "drafted", "--as-of", DAY]);
    assert!([0, 1].contains(&said.code), "{said:?}");
    cage.heard.push(("run of the draft".to_owned(), said));
    cage.search();
    // No table at all: refused, and not with its words.
    let token = cage.token();
    cage.job.put("none/page.csv", &format!("<!doctype html><html>{token}</html>"));
    cage.hear(&["init", "other", "--from", "none"], 3);
    fs::remove_dir_all(cage.job.path("none")).unwrap();
    assert!(!cage.job.has("other"));
    cage.search();
}

#[test]
fn a_full_stdout_or_none_lets_nothing_out() {
    let mut cage = Cage::new();
    let mut command = cage.job.command(&["run", "--as-of", DAY]);
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        command.stdout(full);
    }
    let heard = said_of(&mut command);
    cage.heard.push(("run into a full device".to_owned(), heard));
    cage.search();
}

fn said_of(command: &mut Command) -> Said {
    said(command.stderr(Stdio::piped()))
}

/// Deals with the history of their fields, of which the boundary hides two.
fn tracked() -> Job {
    Job::new(&[
        ("review.toml", &format!("{REVIEW}deal = \"deal.csv\"\nfield_history = \"history.csv\"\n")),
        (
            "rules/boundary.toml",
            &format!(
                "{BOUNDARY}\n[deal.fields]\n\
                 id = {{ from = \"Id\", why = \"Names the deal.\" }}\n\
                 owner = {{ from = \"OwnerId\", why = \"Who works it.\" }}\n\
                 stage = {{ from = \"StageName\", why = \"Is it open?\", show = \"masked\" }}\n\
                 amount = {{ from = \"Amount\", why = \"A change of it is work.\", show = \"never\" }}\n\
                 created = {{ from = \"CreatedDate\", why = \"A new deal is not idle.\" }}\n\
                 stage_changed = {{ from = \"StageDate\", why = \"A change is work.\" }}\n\
                 last_activity = {{ from = \"Last\", why = \"Activity.\" }}\n\
                 \n[field_history.fields]\n\
                 record = {{ from = \"Deal\", why = \"Whose change it is.\" }}\n\
                 field = {{ from = \"Field\", why = \"What changed.\" }}\n\
                 old = {{ from = \"Old\", why = \"What it was.\", kind = \"picklist\" }}\n\
                 new = {{ from = \"New\", why = \"What it became.\", kind = \"picklist\" }}\n\
                 changed = {{ from = \"At\", why = \"When it changed.\" }}\n"
            ),
        ),
        ("rules/approvals.toml", APPROVALS),
        ("rules/owners.toml", "[idle]\nchange_days = 60\nactivity_days = 45\n"),
        (
            "rules/lifecycle.toml",
            "[deal]\nfield = \"stage\"\norder = [\"Qualification\", \"Negotiation\"]\n\
             won = [\"Won\"]\nlost = [\"Lost\"]\n",
        ),
        ("exports/lead.csv", crate::job::LEADS),
        ("exports/user.csv", crate::job::USERS),
        (
            "exports/deal.csv",
            "Id,OwnerId,StageName,Amount,CreatedDate,StageDate,Last\n\
             0061,0051,Qualification,8067890.25,2025-06-01,2025-11-01,2025-12-01\n\
             0062,0051,Qualification,1,2025-06-01,2026-02-12,2026-02-20\n",
        ),
        (
            "exports/history.csv",
            "Deal,Field,Old,New,At\n\
             0061,Amount,5012345.75,8067890.25,2025-11-10T09:00:00Z\n\
             0062,StageName,Negotiation,Qualification,2026-02-12T10:00:00Z\n",
        ),
    ])
}

#[test]
fn the_history_of_a_field_shows_no_more_of_it_than_the_field_may() {
    let job = tracked();
    job.run(&[]).ends(0);
    let finding = |code: &str| {
        let found = job.findings().into_iter().find(|one| one["rule"] == code);
        found.unwrap_or_else(|| panic!("no {code}"))
    };
    let idle = finding("OWN-06");
    let changed = |finding: &serde_json::Value| {
        let evidence = finding["evidence"].as_array().unwrap();
        evidence.iter().find(|one| one["kind"] == "changed").unwrap().clone()
    };
    for value in ["old", "new"] {
        assert_eq!(changed(&idle)[value]["shown"], "never", "{idle}");
        assert_eq!(changed(&finding("LIF-05"))[value]["shown"], "masked");
    }
    let headline = crate::job::word(&finding("LIF-05")["headline"]);
    assert!(!headline.contains("Negotiation") && headline.contains("N…n"), "{headline}");
    let told = job.call(&["explain", idle["id"].as_str().unwrap()]).ends(0).out;
    let mut all: Vec<_> = files(&job.path(&format!("runs/{DAY}"))).into_values().collect();
    all.push(told.into_bytes());
    for bytes in all {
        for amount in ["5012345", "8067890"] {
            assert!(memmem::find(&bytes, amount.as_bytes()).is_none(), "{amount}");
        }
    }
}
