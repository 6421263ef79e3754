//! Whether a review folder is ready for its next run: said line by line.
//!
//! A live CRM is asked who this job is, what it may see and what is left of its day; no record is pulled.
//! Exports are read as a run would, for how new they are and for whom the rules name.
//! Does not: mend or write anything. It takes no lock, and leaves a last line of the ledger that was never
//! completed where it is.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::Duration;

use crate::check::{AsOf, World};
use crate::config::Config;
use crate::folder;
use crate::ledger::Chain;
use crate::packet::visible;
use crate::source::live::{self, Glimpse, LiveError, Surroundings};

use super::judged::{
    Records, columnless, fields, misnamed, newest_changes, pull, stale, unmatched, untaken,
};
use super::{Folder, Order, ReviewError, copied, history, in_a_sentence, unrecorded};

/// How a folder was found.
#[derive(Debug)]
pub struct Examined {
    /// What is as it should be and what is not, a line each.
    pub words: String,
    /// How many things are not as they should be.
    pub faults: usize,
    /// Why the CRM was not read, if it was not.
    pub refused: Option<LiveError>,
}

impl Examined {
    fn good(&mut self, words: &str) {
        self.words += &format!("ok     {words}\n");
    }

    /// Something that no run fails for, and that somebody should look at.
    fn warn(&mut self, words: &str) {
        self.words += &format!("warn   {words}\n");
    }

    fn fault(&mut self, words: &str) {
        self.faults += 1;
        self.words += &format!("FAULT  {words}\n");
    }
}

/// A run needs room for what it keeps of a pull and for the packet.
const ROOM: u64 = 1 << 30;

/// Clocks that differ by more make days and time-outs wrong.
const SKEW: Duration = Duration::minutes(5);

/// Examines a review folder.
pub fn doctor(order: &Order) -> Result<Examined, ReviewError> {
    let folder = Folder::read(&order.folder)?;
    let (config, _) = folder.config()?;
    let mut examined = Examined { words: String::new(), faults: 0, refused: None };
    let as_of = AsOf::new(order.now.with_timezone(&config.zone).date_naive(), config.zone);
    let (_, reads) = fields(&config, as_of);
    examined.good(&format!("rules: they hold; the checks read {} fields", reads.len()));
    match config.gate.deciders().as_slice() {
        [] => examined.fault("approver: nobody is named in rules/approvals.toml who may decide"),
        deciders => examined.good(&format!("approver: {}", deciders.join(", "))),
    }
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    examined.good(&match ledger.latest() {
        None => "last run: none yet".to_owned(),
        Some(run) if run.complete => format!("last run: {}, complete", run.as_of),
        Some(run) => format!("last run: {}, incomplete", run.as_of),
    });
    let runs = folder.path.join("runs");
    if let Some(words) = unrecorded::unknown(&runs, &ledger) {
        examined.fault(&words);
    }
    if let Err(error) = history::check_may_be_read(&runs, ledger.entries(), as_of.day) {
        examined.fault(&error.in_a_sentence());
    }
    // The review folder itself may be a link.
    let written = [runs, folder.path.join("ledger.jsonl")];
    let linked = written.iter().map(|place| folder::refuse_link(place));
    let places = written.iter().chain([&folder.path]);
    for checked in linked.chain(places.map(|place| folder::check_writable(place))) {
        if let Err(error) = checked {
            examined.fault(&in_a_sentence(&error));
        }
    }
    match folder::room(&folder.path) {
        Ok(room) if room < ROOM => examined.fault(&format!("disk: {} MB are free", room >> 20)),
        Ok(room) => examined.good(&format!("disk: {} GB are free", room >> 30)),
        Err(error) => examined.fault(&format!("disk: {error}")),
    }
    let exports = folder.path.join(&config.exports);
    let before = examined.faults;
    for file in config.files.found(&exports).0.values().flatten() {
        match fs::metadata(exports.join(file)) {
            Ok(meta) if meta.is_file() => {
                examined.good(&format!("{}: {} bytes", file.display(), meta.len()));
            }
            Ok(_) => examined.fault(&format!("{}: it is not a file", file.display())),
            Err(error) => examined.fault(&format!("{}: {error}", file.display())),
        }
    }
    if examined.faults == before && !config.files.0.is_empty() {
        examined.exports(&config, &exports, as_of, order.threads);
    }
    for words in copied(&config, &exports) {
        examined.warn(&words);
    }
    if let Some(source) = &config.live {
        let surroundings = Surroundings {
            folder: &folder.path,
            environment: &order.environment,
            now: order.now,
            tell: order.tell,
        };
        let given = config.files.0.keys().copied().collect();
        match live::glimpse(source, surroundings, &config.boundary, &reads, &given) {
            Ok(seen) => examined.crm(&seen, source.wide),
            Err(error) => {
                examined.fault(&error.to_string());
                examined.refused = Some(error);
            }
        }
    }
    Ok(examined)
}

impl Examined {
    /// What the exports tell: how new they are, and whether those whom the rules name are in them.
    fn exports(&mut self, config: &Config, exports: &Path, as_of: AsOf, threads: NonZeroUsize) {
        let pulled = match pull(config, exports, None, as_of, threads) {
            Ok((_, pulled)) => pulled,
            Err(error) => return self.fault(&error.to_string()),
        };
        let Records { tables, inputs, admissions, .. } = pulled;
        if let Some(words) = columnless(&inputs, &admissions, &BTreeSet::new()) {
            self.warn(&words);
        }
        let world = World::new(&tables, as_of, &config.policies, threads);
        let newest = newest_changes(config, &world);
        match (stale(config, &newest, &world), newest.values().max()) {
            (Some(words), _) => self.warn(&format!("exports: {words}")),
            (None, Some(day)) => self.good(&format!("exports: their newest change is of {day}")),
            (None, None) => {}
        }
        let unmet = untaken(&config.batch, &tables).into_iter().chain(unmatched(config, &tables));
        for note in misnamed(&world).into_iter().chain(unmet) {
            self.warn(&visible(&note.says));
        }
    }

    /// What a CRM makes of this job.
    fn crm(&mut self, seen: &Glimpse, wide: live::Wide) {
        self.good(&format!("{}: it answers, and the login is good", seen.host));
        for table in &seen.tables {
            let name = &table.name;
            if table.absent.is_empty() {
                self.good(&format!("{name}: all {} fields can be read", table.fields));
                continue;
            }
            let (fields, absent) = (table.fields, table.absent.join(", "));
            if table.may_hide {
                self.fault(&format!(
                    "{name}: {fields} fields can be read; not there, or not this login's to see: {absent}"
                ));
            } else {
                self.warn(&format!("{name}: {fields} fields can be read; not there: {absent}"));
            }
        }
        for name in &seen.absent {
            self.fault(&format!("{name}: it is not there, or this login may not see it"));
        }
        for beyond in &seen.beyond {
            self.good(beyond);
        }
        for right in &seen.rights {
            let words = format!("{right}: more than reading");
            match wide {
                live::Wide::Refused => self.fault(&words),
                live::Wide::Shown => self.good(&format!("{words}; the packet says so")),
            }
        }
        if let Some((used, limit)) = seen.usage {
            self.good(&format!("limit: {used} of today's {limit} questions are used up"));
        }
        if let Some(skew) = seen.skew {
            let seconds = skew.num_seconds();
            if skew.abs() > SKEW {
                self.fault(&format!(
                    "clock: this machine's differs by {seconds} seconds from the CRM's"
                ));
            } else {
                self.good(&format!("clock: {seconds} seconds from the CRM's"));
            }
        }
    }
}
