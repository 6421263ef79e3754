//! How long a pull of many records takes: asking, reading, proving, keeping for a resume, and admission.
//!
//! `cargo bench --bench pull -- [RECORDS]`. The CRM is another process of this program that writes contacts
//! of eight columns as fast as it can. One line on stdout for pages and one for bulk: records, wall time,
//! records a second, the processor's time on either side, and the most memory that the pull held at a time.
//! Does not: judge a record, or say how fast a real CRM is.
#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use chrono::DateTime;
use crm_review::boundary::{Batch, Object};
use crm_review::config;
use crm_review::folder;
use crm_review::source::live::Surroundings;
use crm_review::source::secret::Environment;
use crm_review::source::{self, Files};

const COLUMNS: [&str; 8] = [
    "Id",
    "AccountId",
    "OwnerId",
    "FirstName",
    "LastName",
    "Email",
    "MailingCountry",
    "CreatedDate",
];

/// Records of a page, and of a piece of a bulk result.
const PAGE: usize = 2_000;
const PIECE: usize = 25_000;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench` of its own.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    // One less than the most from which on the config can ask for bulk.
    let records = |word: Option<&String>| word.map_or(Ok(999_999), |word| word.parse());
    if words.first().is_some_and(|word| word == "serve") {
        return serve(records(words.get(1))?);
    }
    let records: usize = records(words.first())?;
    let mut crm = Command::new(env::current_exe()?)
        .args(["serve", &records.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = listen(&mut crm).and_then(|address| {
        // A table is read in bulk from so many records on.
        measure("pages", &address, crm.id(), records + 1)?;
        measure("bulk", &address, crm.id(), 0)
    });
    crm.kill()?;
    crm.wait()?;
    measured
}

/// The address at which the CRM answers.
fn listen(crm: &mut Child) -> Result<String, Box<dyn Error>> {
    let mut address = String::new();
    let said = crm.stdout.take().ok_or("the CRM says nothing")?;
    BufReader::new(said).read_line(&mut address)?;
    Ok(address.trim_end().to_owned())
}

/// Answers questions until the process is ended.
fn serve(records: usize) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let host = listener.local_addr()?.to_string();
    println!("{host}");
    for stream in listener.incoming().flatten() {
        let host = host.clone();
        thread::spawn(move || drop(converse(&stream, &host, records)));
    }
    Ok(())
}

fn measure(what: &str, address: &str, crm: u32, bulk_from: usize) -> Result<(), Box<dyn Error>> {
    let review = format!(
        "organisation = \"Acme\"\ntime_zone = \"UTC\"\n[source]\ncrm = \"salesforce\"\n[source.live]\n\
         host = \"http://{address}\"\nclient_id = \"x\"\nclient_secret = {{ env = \"S\" }}\n\
         bulk_from = {bulk_from}\n"
    );
    let names =
        ["id", "account", "owner", "first_name", "last_name", "email", "country", "created"];
    let mut boundary = "[contact.fields]\n".to_owned();
    for (name, column) in names.iter().zip(COLUMNS) {
        boundary += &format!("{name} = {{ from = \"{column}\", why = \"Measured.\" }}\n");
    }
    let approvals = "[approver]\nname = \"Dana Reyes\"\n".to_owned();
    let rules = BTreeMap::from([
        ("boundary.toml".to_owned(), boundary),
        ("approvals.toml".to_owned(), approvals),
    ]);
    let config = config::parse(&review, &rules)?;
    let reads: BTreeSet<_> = config.boundary.fields(Object::Contact).cloned().collect();
    let live = config.live.ok_or("no live source")?;
    let environment = Environment::new([("S".to_owned(), "secret".to_owned())]);
    let home = env::temp_dir().join(format!("crm-review-pull-{}", std::process::id()));
    folder::make(&home)?;
    let surroundings = Surroundings {
        folder: Path::new(&home),
        environment: &environment,
        now: DateTime::default(),
        tell: |_| {},
    };
    // The most memory of this measurement, not of the one before; without it, of both.
    let forget = File::options().write(true).open("/proc/self/clear_refs");
    let _ = forget.and_then(|mut file| file.write_all(b"5"));
    let (ours, theirs) = (busy("self"), busy(&crm.to_string()));
    let start = Instant::now();
    let files = Files::default();
    let pull = source::ask(&live, surroundings, &files, &config.boundary, &reads, config.zone)?;
    let rows: usize = pull.batches.iter().map(Batch::len).sum();
    let wall = start.elapsed();
    std::fs::remove_dir(&home)?;
    let (ours, theirs) = (busy("self") - ours, busy(&crm.to_string()) - theirs);
    let rows = f64::from(u32::try_from(rows)?);
    // What is neither side's is the disk's and the pace's: so many questions a second, and no more.
    println!(
        "{what}\t{rows} records\t{} ms\t{:.0} records a second\tpull {ours:.1} s of processor ({:.0} records \
         a second)\tCRM {theirs:.1} s\t{} MB",
        wall.as_millis(),
        rows / wall.as_secs_f64(),
        rows / ours,
        most_memory_mb()
    );
    Ok(())
}

/// How many seconds of a processor a process used; none where the system does not tell.
fn busy(process: &str) -> f64 {
    // Linux tells programs of hundredths, whatever it counts in itself.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold spaces: the state, then ten numbers, then the two times.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let times = behind.split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// The most memory this program held at a time; none where the system does not tell.
fn most_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

/// Answers the requests of one connection.
fn converse(stream: &TcpStream, host: &str, records: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream.try_clone()?;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (heads, body) = answer(target, host, records);
        let length = body.len();
        write!(out, "HTTP/1.1 200 OK\r\n{heads}content-length: {length}\r\n\r\n{body}")?;
    }
}

/// The heads and the body of an answer.
fn answer(target: &str, host: &str, records: usize) -> (String, String) {
    const JSON: &str = "content-type: application/json\r\n";
    let body = if target.ends_with("/token") {
        format!("{{\"access_token\":\"t\",\"instance_url\":\"http://{host}\"}}")
    } else if target == "/services/data/" {
        "[{\"version\":\"67.0\"}]".to_owned()
    } else if target.ends_with("/describe") {
        let fields = COLUMNS.map(|name| format!("{{\"name\":\"{name}\"}}")).join(",");
        format!("{{\"fields\":[{fields}]}}")
    } else if target.contains("COUNT") {
        format!("{{\"totalSize\":{records},\"done\":true,\"records\":[]}}")
    } else if target.contains("/results") {
        let from = target.split("locator=").nth(1).map_or(0, |at| at.parse().unwrap_or_default());
        let to = (from + PIECE).min(records);
        let next = if to < records { to.to_string() } else { "null".to_owned() };
        let heads = format!(
            "content-type: text/csv\r\nsforce-locator: {next}\r\nsforce-numberofrecords: {}\r\n",
            to - from
        );
        return (heads, piece(from, to));
    } else if target.contains("/jobs/query") {
        "{\"id\":\"750000000000001AAA\",\"state\":\"JobComplete\"}".to_owned()
    } else {
        let from = target.split("0r8-").nth(1).map_or(0, |at| at.parse().unwrap_or_default());
        page(from, (from + PAGE).min(records), records)
    };
    (JSON.to_owned(), body)
}

fn page(from: usize, to: usize, records: usize) -> String {
    let mut body = format!("{{\"totalSize\":{records},\"done\":{},", to == records);
    if to < records {
        body += &format!("\"nextRecordsUrl\":\"/services/data/v67.0/query/0r8-{to}\",");
    }
    body += "\"records\":[";
    for at in from..to {
        let comma = if at > from { "," } else { "" };
        let _ = write!(
            body,
            "{comma}{{\"attributes\":{{\"type\":\"Contact\",\"url\":\"/services/data/v67.0/sobjects/Contact/\
             003{at:012}AAA\"}},\"Id\":\"003{at:012}AAA\",\"AccountId\":\"001{:012}AAA\",\
             \"OwnerId\":\"005{:012}AAA\",\"FirstName\":\"Ann{}\",\"LastName\":\"Ng{}\",\
             \"Email\":\"ann{at}@works{}.example\",\"MailingCountry\":\"Germany\",\
             \"CreatedDate\":\"2026-03-{:02}T09:30:00.000+0000\"}}",
            at / 5,
            at % 40,
            at % 997,
            at % 9973,
            at / 5,
            at % 28 + 1
        );
    }
    body + "]}"
}

fn piece(from: usize, to: usize) -> String {
    let mut body = format!("\"{}\"\n", COLUMNS.join("\",\""));
    for at in from..to {
        let _ = writeln!(
            body,
            "\"003{at:012}AAA\",\"001{:012}AAA\",\"005{:012}AAA\",\"Ann{}\",\"Ng{}\",\
             \"ann{at}@works{}.example\",\"Germany\",\"2026-03-{:02}T09:30:00.000Z\"",
            at / 5,
            at % 40,
            at % 997,
            at % 9973,
            at / 5,
            at % 28 + 1
        );
    }
    body
}
