//! How long admission takes: reading an export, checking every cell at the boundary, and building columns.
//!
//! `cargo bench --bench admission -- FOLDER [THREADS]`, where `benches/make_crm.py` made the folder.
//! Two lines on stdout: eight columns of the contacts, and everything the folder's checks read; each
//! with its rows, threads, wall time and processor time.
//! Does not: judge a record.
#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use crm_review::boundary::{Batch, Field, Object};
use crm_review::check::Bench;
use crm_review::config::Config;
use crm_review::review::check_folder;
use crm_review::source::{self, Files};

/// The same columns that `weekly_run.py` has polars read.
const COLUMNS: [&str; 8] =
    ["id", "account", "owner", "first_name", "last_name", "email", "country", "created"];

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench` of its own.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(folder) = words.first() else {
        println!("which folder? benches/make_crm.py makes one");
        return Ok(());
    };
    let threads = words.get(1).map_or(Ok(NonZeroUsize::MIN), |word| word.parse())?;
    let config = check_folder(Path::new(folder))?;
    let contacts = config
        .files
        .0
        .get(&Object::Contact)
        .map(|paths| Files([(Object::Contact, paths.clone())].into()))
        .ok_or("the folder has no contacts")?;
    let eight = COLUMNS
        .iter()
        .map(|name| config.boundary.field(Object::Contact, name))
        .collect::<Result<_, _>>()
        .map_err(|missing| missing.to_string())?;
    measure("contacts, 8 columns", folder, &config, &contacts, &eight, threads)?;
    let all = Bench::load(&config.policies, &config.boundary, &config.off).reads();
    measure("all files", folder, &config, &config.files, &all, threads)
}

fn measure(
    what: &str,
    folder: &str,
    config: &Config,
    files: &Files,
    reads: &BTreeSet<Field>,
    threads: NonZeroUsize,
) -> Result<(), Box<dyn Error>> {
    let exports = Path::new(folder).join(&config.exports);
    let (start, used) = (Instant::now(), processor_time());
    let pull = source::pull(&exports, files, &config.boundary, reads, config.zone, threads)?;
    let rows: usize = pull.batches.iter().map(Batch::len).sum();
    let wall = start.elapsed().as_millis();
    let used = processor_time().saturating_sub(used);
    println!("{what}\t{rows} rows\t{threads} threads\t{wall} ms\t{used} ms");
    Ok(())
}

/// The milliseconds that processors have worked for this program; none where the system does not tell.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name, which may hold anything: user and system time in hundredths.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}
