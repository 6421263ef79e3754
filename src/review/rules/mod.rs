//! The rules as a product: `rules check` says everything that is wrong with a folder's rules, for a
//! person, a program or a code host; `rules test` holds them against examples, and `rules example` makes
//! one of a rejected proposal.
//!
//! Problems keep rules from being used; faults are what the lint has to say of rules that work.
//! Does not: judge a rule (the lint does) or a record, or change a rule.

mod draw;
mod examples;
mod rejected;
mod sarif;

pub(super) use draw::block_of;
pub use examples::{Tested, test};
pub use rejected::example;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::check::{AsOf, Fault, LINTS, LintDef, Linted, Place, Unjudged, Witness, World, lint};
use crate::config::Config;
use crate::finding::Severity;
use crate::policy::Problem;

use super::judged::pull;
use super::{Folder, ReviewError, counted};

/// For whom a verdict on rules is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person.
    Person,
    /// A program.
    Program,
    /// A code host or an editor, as SARIF 2.1.0.
    CodeHost,
}

/// What `rules check` says.
#[derive(Debug)]
pub struct Checked {
    /// The verdict.
    pub words: String,
    /// Whether the rules can be used at all.
    pub valid: bool,
    /// The worst fault's severity, if there is any.
    pub worst: Option<Severity>,
}

/// Something to be said of the rules.
#[derive(Debug)]
struct Remark {
    about: About,
    place: Place,
    message: String,
    also: Vec<Place>,
    notes: Vec<String>,
    witness: Option<Witness>,
    hint: Option<String>,
}

/// What a remark is about.
#[derive(Debug, Clone, Copy)]
enum About {
    /// What keeps the rules from being used.
    Problem,
    /// What the lint finds in rules that work.
    Fault(&'static LintDef),
}

impl About {
    /// How bad it is; what keeps the rules from being used is beyond that.
    fn severity(self) -> Option<Severity> {
        self.lint().map(|lint| lint.severity)
    }

    /// The public id of what the lint finds.
    fn code(self) -> Option<&'static str> {
        self.lint().map(|lint| lint.code)
    }

    fn lint(self) -> Option<&'static LintDef> {
        match self {
            Self::Problem => None,
            Self::Fault(lint) => Some(lint),
        }
    }
}

impl From<&Problem> for Remark {
    fn from(problem: &Problem) -> Self {
        Self {
            about: About::Problem,
            place: Place::new(problem.file.clone(), problem.line),
            message: problem.message.clone(),
            also: Vec::new(),
            notes: Vec::new(),
            witness: None,
            hint: problem.hint.clone(),
        }
    }
}

impl From<Fault> for Remark {
    fn from(fault: Fault) -> Self {
        Self {
            about: About::Fault(fault.lint),
            place: fault.place,
            message: fault.message,
            also: fault.also,
            notes: fault.notes,
            witness: fault.witness,
            hint: Some(fault.hint),
        }
    }
}

/// Says everything that is wrong with the rules of a folder. Where the exports are there, their records
/// tell what has worn out and serve as examples.
pub fn check(
    path: &Path,
    as_of: Option<NaiveDate>,
    now: DateTime<Utc>,
    reader: Reader,
    threads: NonZeroUsize,
) -> Result<Checked, ReviewError> {
    let folder = Folder::read(path)?;
    let (remarks, linted) = match folder.config() {
        Err(problems) => (problems.sorted().into_iter().map(Remark::from).collect(), None),
        Ok((config, _)) => {
            let day = as_of.unwrap_or_else(|| now.with_timezone(&config.zone).date_naive());
            let mut linted = linted(&folder, &config, AsOf::new(day, config.zone), threads);
            let faults = std::mem::take(&mut linted.faults);
            (faults.into_iter().map(Remark::from).collect::<Vec<_>>(), Some(linted))
        }
    };
    Ok(Checked {
        words: match reader {
            Reader::Person => for_a_person(&folder, &remarks, linted.as_ref()),
            Reader::Program => for_a_program(&remarks, linted.as_ref()),
            Reader::CodeHost => sarif::log(&remarks),
        },
        valid: linted.is_some(),
        worst: remarks.iter().filter_map(|remark| remark.about.severity()).max(),
    })
}

/// The lint's verdict, by the records of the exports where they are there.
fn linted(folder: &Folder, config: &Config, as_of: AsOf, threads: NonZeroUsize) -> Linted {
    let exports = folder.path.join(&config.exports);
    let asking = LINTS.iter().filter(|lint| lint.asks_records).map(|lint| lint.code);
    let asking = asking.collect::<Vec<_>>().join(", ");
    let unread =
        |why: String| Unjudged { what: format!("what only records can tell ({asking})"), why };
    let files = config.files.found(&exports);
    if let Some(gone) =
        files.0.values().flatten().find(|file| fs::metadata(exports.join(file)).is_err())
    {
        let mut linted = lint(&config.policies, as_of.day, None);
        linted.unjudged.push(unread(format!("there is no {}", exports.join(gone).display())));
        return linted;
    }
    match pull(config, &exports, None, as_of, threads) {
        Ok((_, records)) => {
            let world = World::new(&records.tables, as_of, &config.policies, threads);
            lint(&config.policies, as_of.day, Some(&world))
        }
        Err(error) => {
            let mut linted = lint(&config.policies, as_of.day, None);
            linted.unjudged.push(unread(error.to_string()));
            linted
        }
    }
}

fn for_a_person(folder: &Folder, remarks: &[Remark], linted: Option<&Linted>) -> String {
    let texts = draw::Texts::of(folder.texts());
    let mut words = String::new();
    for remark in remarks {
        words += &draw::draw(remark, &texts);
        words += "\n\n";
    }
    let Some(linted) = linted else {
        return words + &format!("{}; nothing was read\n", counted(remarks.len(), "problem"));
    };
    for unjudged in &linted.unjudged {
        words += &format!("not analysed: {}: {}\n", unjudged.what, unjudged.why);
    }
    if linted.lines == 0 && remarks.is_empty() {
        return words
            + "the rules are valid; there are no routing rules yet, so there is nothing to lint\n";
    }
    let of = |severity: Severity| {
        remarks.iter().filter(|remark| remark.about.severity() == Some(severity)).count()
    };
    words += &format!(
        "the rules are valid; the lint looked at {}{}: {} high, {} medium, {} low\n",
        counted(linted.lines, "line"),
        if linted.records == 0 {
            String::new()
        } else {
            format!(" and {}", counted(linted.records, "open record"))
        },
        of(Severity::High),
        of(Severity::Medium),
        of(Severity::Low),
    );
    if linted.by_order > 0 {
        words += &format!(
            "{} of rules about different fields share records, as lists in which the first wins may\n",
            counted(linted.by_order, "pair")
        );
    }
    words
}

/// What a program reads of `rules check`.
#[derive(Serialize)]
struct Verdict<'r> {
    schema: u32,
    valid: bool,
    remarks: Vec<RemarkLine<'r>>,
    not_analysed: Vec<BTreeMap<&'static str, &'r str>>,
    lines: usize,
    records: usize,
}

#[derive(Serialize)]
struct RemarkLine<'r> {
    rule: Option<&'static str>,
    severity: &'static str,
    file: &'r str,
    line: usize,
    message: &'r str,
    hint: Option<&'r str>,
    also: Vec<PlaceLine<'r>>,
    notes: &'r [String],
    witness: Option<WitnessLine<'r>>,
}

#[derive(Serialize)]
struct PlaceLine<'r> {
    file: &'r str,
    line: usize,
    says: &'r str,
}

#[derive(Serialize)]
struct WitnessLine<'r> {
    object: &'static str,
    id: Option<&'r str>,
    values: BTreeMap<&'r str, &'r str>,
    day: Option<String>,
    goes: &'r str,
}

fn for_a_program(remarks: &[Remark], linted: Option<&Linted>) -> String {
    let lines = remarks.iter().map(|remark| RemarkLine {
        rule: remark.about.code(),
        severity: remark.about.severity().map_or("error", Severity::word),
        file: &remark.place.file,
        line: remark.place.line,
        message: &remark.message,
        hint: remark.hint.as_deref(),
        also: remark
            .also
            .iter()
            .map(|place| PlaceLine { file: &place.file, line: place.line, says: &place.says })
            .collect(),
        notes: &remark.notes,
        witness: remark.witness.as_ref().map(|witness| WitnessLine {
            object: witness.object.key(),
            id: witness.record.as_ref().map(|record| &*record.id),
            values: witness.values.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect(),
            day: witness.day.map(|day| day.to_string()),
            goes: &witness.goes,
        }),
    });
    let unjudged = linted.map(|linted| linted.unjudged.as_slice()).unwrap_or_default();
    let verdict = Verdict {
        schema: 1,
        valid: linted.is_some(),
        remarks: lines.collect(),
        not_analysed: unjudged
            .iter()
            .map(|it| BTreeMap::from([("what", it.what.as_str()), ("why", it.why.as_str())]))
            .collect(),
        lines: linted.map_or(0, |linted| linted.lines),
        records: linted.map_or(0, |linted| linted.records),
    };
    serde_json::to_string_pretty(&verdict).unwrap_or_default() + "\n"
}
