//! Findings and checks in words: what was found and by what, and what each check asks and reads.
//!
//! A finding is read back from its run, as the ledger names it; what it says is what was written then.
//! Does not: judge anything again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::Field;
use crate::check::{ALL, Bench, CheckDef};
use crate::config::Config;
use crate::finding::FindingId;
use crate::folder;
use crate::gate::{Attention, Reason, Verdict, Via, called};
use crate::ledger::{Chain, Decided, Run};
use crate::packet::{ActionKind, Fact, Line, Quote, visible};

use super::desk::decided_on;
use super::manifest::RulesFile;
use super::paper::Findings;
use super::{Folder, ReviewError, history, manifest, paper};

/// Runs that are named where another was meant.
const RUNS_LISTED: usize = 10;

/// Everything about one finding of the last run, or of the run of a day. `Err` says in words why there
/// is nothing to tell.
pub fn explain(
    path: &Path,
    finding: &str,
    of: Option<NaiveDate>,
) -> Result<Result<String, String>, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let Some(id) = FindingId::typed(finding) else {
        let check = ALL.iter().find(|check| check.is_called(finding.trim()));
        let hint = check.map_or_else(
            || "the packet and findings.jsonl name them, like F-7Q2M9K4D1V".to_owned(),
            |check| {
                let (code, dir) = (check.code, folder::typed(path));
                format!("it is a check: `crm-review checks {code} --dir {dir}` tells all about it")
            },
        );
        return Ok(Err(format!("`{}` names no finding\n  hint: {hint}", visible(finding))));
    };
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let run = match of {
        None => ledger.latest(),
        Some(of) => ledger.runs().filter(|run| run.as_of == of).last(),
    };
    let Some(run) = run else {
        let days: BTreeSet<String> = ledger.runs().map(|run| run.as_of.to_string()).collect();
        let days: Vec<String> = days.into_iter().rev().take(RUNS_LISTED).collect();
        return Ok(Err(match of.filter(|_| !days.is_empty()) {
            Some(of) => {
                format!("there is no run of {of}\n  hint: the last ones are of {}", days.join(", "))
            }
            None => "there is no run yet\n  hint: `crm-review run` makes one".to_owned(),
        }));
    };
    let runs = folder.path.join("runs");
    let told = Findings::of(&runs, run)?.finding(&id)?;
    if told.is_empty() {
        let known = history::remembered(&runs, run).unwrap_or_default();
        let hint = match (known.get(&id), of) {
            (Some(memory), _) => {
                let last = memory.last;
                format!("\n  hint: it was found last on {last}: name that day with --of {last}")
            }
            (None, Some(_)) => String::new(),
            (None, None) => "\n  hint: name the day of another run with --of DATE".to_owned(),
        };
        return Ok(Err(format!("the run of {} has no finding {id}{hint}", run.as_of)));
    }
    let home = paper::home(&runs, run)?;
    let then = manifest::kept(&home).map(|kept| kept.rules).unwrap_or_default();
    let is_kept = |it: &RulesFile| {
        then.iter().any(|then| (&then.file, &then.sha256) == (&it.file, &it.sha256))
    };
    let today = folder.digests().into_iter();
    let changed = today.filter(|it| !is_kept(it)).map(|it| it.file).collect();
    let decided = decided_on(&ledger, run, std::iter::empty()).get(&id).copied();
    let told_of = Told { folder: &folder, config: &config, run, changed, decided };
    let words = told.iter().map(|line| told_of.finding(line));
    Ok(Ok(words.collect::<Vec<_>>().join("\n")))
}

/// What a finding is told by.
struct Told<'f> {
    folder: &'f Folder,
    config: &'f Config,
    run: &'f Run,
    /// The files of the rules that are others today.
    changed: BTreeSet<String>,
    /// What stands decided on the run's packet.
    decided: Option<&'f Decided>,
}

fn visible_owned(text: &str) -> String {
    visible(text).into_owned()
}

/// A paragraph with a title; nothing where there is nothing to say.
fn paragraph(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines = lines.iter().map(|line| format!("  {}\n", line.replace('\n', "\n  ")));
    format!("\n{title}\n{}", lines.collect::<String>())
}

impl Told<'_> {
    fn finding(&self, line: &Line<'_>) -> String {
        let Self { folder, config, changed, .. } = self;
        let code = &line.rule;
        let mut words = format!(
            "{} {code} {} ({}): {} {}\n{}\n",
            line.id,
            line.name,
            line.severity,
            line.object,
            visible(&line.record),
            visible(&line.headline),
        );
        let texts = |texts: &[Cow<'_, str>]| -> Vec<String> {
            texts.iter().map(|text| visible_owned(text)).collect()
        };
        let facts: Vec<String> = line.evidence.iter().map(fact).collect();
        words += &paragraph("What it is based on", &facts);
        words += &paragraph("Why it may be wrong", &texts(&line.why_wrong));
        words +=
            &paragraph("What is missing, so that it cannot be approved", &texts(&line.missing));
        let mut asked = vec![visible_owned(&line.proposal.words)];
        asked.extend(
            line.held_because.as_ref().map(|why| format!("{}: {}", line.held, visible(why))),
        );
        words += &paragraph("What is proposed", &asked);
        words += &paragraph("How it stands", &self.stands(line));
        words += &paragraph("The rules it was judged by", &rules(line, folder, changed));
        if let Some(check) = ALL.iter().find(|check| check.code == *code) {
            words += &format!("\n{}", asks(check));
            let quotes = line.evidence.iter().flat_map(quotes);
            let used: BTreeSet<(&str, &str)> =
                quotes.map(|quote| (&*quote.object, &*quote.field)).collect();
            let bench = Bench::load(&config.policies, &config.boundary, &config.off);
            let reads = bench.of(check).into_iter().flatten();
            let reads = reads.filter(|it| used.contains(&(it.object().key(), it.name())));
            words += &paragraph("The fields it was based on", &reads.map(read).collect::<Vec<_>>());
            words += &format!(
                "\n`crm-review checks {code} --dir {}` tells its settings and all it reads\n",
                folder::typed(&folder.path)
            );
        }
        words
    }

    /// How it stands: in its run, decided on its packet, and decided before.
    fn stands(&self, line: &Line<'_>) -> Vec<String> {
        let weeks = line.weeks;
        let mut stands = vec![format!(
            "{} in the run of {}; seen in {weeks} week{}; {}",
            line.state,
            self.run.as_of,
            if weeks == 1 { "" } else { "s" },
            match (self.decided, line.queue) {
                (Some(_), _) => "it is decided",
                (None, ActionKind::Decide) => "a decision is asked",
                (None, ActionKind::Answer) => "the answer to an escalation is asked",
                (None, ActionKind::Apply) => "approved, and waits to be applied",
                (None, ActionKind::Quiet) => "quiet, as it was rejected on the same facts",
            },
        )];
        if let Some(decided) = self.decided {
            let verdict = decided.decision.verdict();
            let more = match verdict {
                Verdict::Approve { .. } => String::new(),
                Verdict::Reject(reason) => format!(" ({})", reason.phrase()),
                Verdict::Escalate { to, until } => {
                    format!(" (to {}, until {until})", visible(&called(to)))
                }
            };
            let by = visible(decided.decision.by().name());
            stands.push(format!(
                "decided: {}{more} by {by} on this packet{}",
                verdict.kind().word(),
                decided.decision.attention().map_or("", looked),
            ));
        }
        if let Some(last) = &line.last_decision {
            let reason = last.reason_code.as_deref().and_then(Reason::parse).map(Reason::phrase);
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            stands.push(format!(
                "decided last: {}{reason} by {} on the packet of {}{}",
                last.decision,
                visible(&last.approver),
                last.packet_of,
                if last.on_another_proposal { "; something else is proposed now" } else { "" },
            ));
        }
        stands
    }
}

/// How much was looked at what was decided, as the end of a sentence.
fn looked(attention: Attention) -> &'static str {
    match (attention.via, attention.confirmed) {
        (Via::Single, true) => ", its evidence confirmed",
        (Via::Single, false) => "",
        (Via::Bulk, true) => ", together with others, its evidence confirmed",
        (Via::Bulk, false) => ", together with others",
    }
}

/// The values that a piece of evidence quotes.
fn quotes<'l>(fact: &'l Fact<'l>) -> Vec<&'l Quote<'l>> {
    match fact {
        Fact::Cell(cell) | Fact::Normalised { from: cell, .. } => vec![cell],
        Fact::Compared { left, right, .. } => vec![left, right],
        Fact::Changed(change) => {
            let cells = [Some(&change.field), change.old.as_ref(), change.new.as_ref()];
            cells.into_iter().chain([Some(&change.at), change.by.as_ref()]).flatten().collect()
        }
        Fact::Policy { .. } | Fact::Figure { .. } | Fact::Trace { .. } | Fact::Likeness { .. } => {
            Vec::new()
        }
    }
}

/// A value with its place, as far as it may be shown.
fn quote(cell: &Quote<'_>) -> String {
    let value = || visible(cell.value.as_deref().unwrap_or_default());
    let shown = match (&*cell.shown, &cell.called) {
        ("value" | "masked", None) => value().into_owned(),
        ("value" | "masked", Some(name)) => format!("{} ({})", visible(name), value()),
        ("never", _) => "a value that is never shown".to_owned(),
        ("withheld", _) => "a value that was withheld".to_owned(),
        _ => "blank".to_owned(),
    };
    let changed = cell.modified.as_ref();
    let changed = changed.map(|day| format!("; changed {}", visible(day))).unwrap_or_default();
    let (file, line, column) = (visible(&cell.file), cell.line, visible(&cell.column));
    let place = if column.is_empty() {
        String::new()
    } else {
        format!(" ({file}:{line}, column {column}{changed})")
    };
    // Names of the program's own, as a person reads them.
    let words = |name: &str| name.replace('_', " ");
    format!("{}: {} is {shown}{place}", words(&cell.object), words(&cell.field))
}

/// One piece of evidence in words.
fn fact(fact: &Fact<'_>) -> String {
    match fact {
        Fact::Cell(cell) => quote(cell),
        Fact::Normalised { from, step, value, .. } => {
            let value = visible(value.as_deref().unwrap_or_default());
            format!("{}; compared as {value} ({step})", quote(from))
        }
        Fact::Compared { left, right, level } => {
            format!("{}; {}: {}", quote(left), quote(right), visible(level))
        }
        Fact::Changed(_) => quotes(fact).into_iter().map(quote).collect::<Vec<_>>().join("; "),
        Fact::Policy { file, line: 0, says } => format!("{file} says: {}", visible(says)),
        Fact::Policy { file, line, says } => format!("{file}:{line} says: {}", visible(says)),
        Fact::Figure { of, is } => format!("{}: {}", visible(of), visible(is)),
        Fact::Trace { tried } => {
            let tried = tried.iter().map(|tried| {
                format!(
                    "{} `{}` ({}): {}",
                    if tried.matched { "takes it:" } else { "passes:" },
                    visible(&tried.rule),
                    tried.place,
                    visible(&tried.because),
                )
            });
            format!("the rules were tried in their order\n{}", tried.collect::<Vec<_>>().join("\n"))
        }
        Fact::Likeness { parts, chance, .. } => {
            let parts = parts.iter().map(|part| {
                format!("{:+.2} {}: {}", part.bits, visible(&part.of), visible(&part.says))
            });
            // Nothing is certain, and one in a million is not nothing.
            let chance = match 100.0 * chance {
                99.95.. => "more than 99.9 %".to_owned(),
                ..0.05 => "less than 0.1 %".to_owned(),
                percent => format!("{percent:.1} %"),
            };
            let parts = parts.collect::<Vec<_>>().join("\n");
            format!("they are one with a chance of {chance}\n{parts}")
        }
    }
}

/// The lines of the rules that the evidence names, as they stand in the folder.
fn rules(line: &Line<'_>, folder: &Folder, changed: &BTreeSet<String>) -> Vec<String> {
    let mut places: BTreeSet<(String, usize)> = BTreeSet::new();
    for fact in &line.evidence {
        match fact {
            Fact::Policy { file, line, .. } if *line > 0 => {
                places.insert((file.clone().into_owned(), *line));
            }
            Fact::Trace { tried } => {
                let taken = tried.iter().filter(|tried| tried.matched);
                places.extend(taken.filter_map(|tried| {
                    let (file, at) = tried.place.rsplit_once(':')?;
                    Some((file.to_owned(), at.parse().ok()?))
                }));
            }
            Fact::Cell(_)
            | Fact::Normalised { .. }
            | Fact::Compared { .. }
            | Fact::Changed(_)
            | Fact::Policy { .. }
            | Fact::Figure { .. }
            | Fact::Likeness { .. } => {}
        }
    }
    let texts = folder.texts();
    let changed = places.iter().any(|(file, _)| changed.contains(file));
    let mut lines: Vec<String> = places
        .into_iter()
        .filter_map(|(file, at)| {
            let block = super::rules::block_of(texts.get(&file)?, at)?;
            Some(format!("{file}:{at}\n  {}", visible_owned_lines(block)))
        })
        .collect();
    if changed && !lines.is_empty() {
        lines
            .push("the rules have changed since that run: these are the lines of today".to_owned());
    }
    lines
}

fn visible_owned_lines(block: &str) -> String {
    block.lines().map(visible_owned).collect::<Vec<_>>().join("\n  ")
}

/// The catalogue of checks as the command prints it: all of them, or one in full; with what a folder makes
/// of it. A folder that is named has to be one; of the present one nothing is said where it is none. None
/// where there is no such check.
pub fn catalogue(code: Option<&str>, named: Option<&Path>) -> Result<Option<String>, ReviewError> {
    let Some(code) = code else {
        let line = |check: &&CheckDef| {
            format!(
                "{}  {:<40} {:<7} {}\n",
                check.code,
                check.name,
                check.severity.word(),
                check.family.title()
            )
        };
        return Ok(Some(ALL.iter().map(line).collect()));
    };
    let Some(check) = ALL.iter().find(|check| check.is_called(code)) else { return Ok(None) };
    let read = |path| {
        let folder = Folder::read(path)?;
        let (config, _) = folder.config()?;
        Ok::<_, ReviewError>((folder, config))
    };
    let folder = match named {
        Some(path) => Some(read(path)?),
        None => read(Path::new(".")).ok(),
    };
    Ok(Some(of_check(check, folder.as_ref().map(|(folder, config)| (folder, config)))))
}

/// What a check asks, and what its faults cost.
fn asks(check: &CheckDef) -> String {
    format!(
        "{} {} ({}, {})\n{}\nWhat it costs: {}\n",
        check.code,
        check.name,
        check.family.title(),
        check.severity.word(),
        check.summary,
        check.consequence,
    )
}

/// A field with where it comes from and why it may be read.
fn read(field: &Field) -> String {
    let (from, shown) = (field.from().join(" or "), field.exposure().word());
    format!("{field}, from {from}, {shown}: {}", field.why())
}

/// One check in words: what it asks, its rules in this folder and as shipped, and what it reads.
fn of_check(check: &CheckDef, folder: Option<(&Folder, &Config)>) -> String {
    let mut words = asks(check);
    let file = check.family.file();
    let lines = |text: &str| -> Vec<String> { text.lines().map(visible_owned).collect() };
    let shipped = section(check, check.family.shipped());
    let own = folder.and_then(|(folder, _)| folder.rules.get(file));
    let own = own.map(|text| section(check, text)).filter(|own| *own != shipped);
    if let Some(own) = own {
        words += &paragraph(&format!("Its rules in this folder, in rules/{file}"), &lines(&own));
    }
    let title = format!("Its rules and their defaults, in rules/{file}");
    words += &paragraph(&title, &lines(&shipped));
    let Some((_, config)) = folder else { return words };
    let bench = Bench::load(&config.policies, &config.boundary, &config.off);
    let reads = match bench.of(check) {
        Ok(reads) => reads,
        Err(off) => return words + &paragraph("In this folder it is off", &[off]),
    };
    words + &paragraph("In this folder it reads", &reads.iter().map(read).collect::<Vec<_>>())
}

/// What a rules file says of a check: the paragraphs that hold its section or its code.
fn section(check: &CheckDef, text: &str) -> String {
    let header = format!("[{}", check.name);
    let about = |line: &&str| {
        let bare = line.trim_start_matches(['#', ' ', '[']);
        let name = bare.strip_prefix(check.name);
        let opens_it = name.is_some_and(|rest| rest.starts_with([']', '.']));
        line.contains(&header) && opens_it || line.contains(check.code)
    };
    let lines: Vec<&str> = text.lines().collect();
    let paragraphs = lines.split(|line| line.is_empty());
    let told = paragraphs.filter(|paragraph| paragraph.iter().any(about));
    told.map(|paragraph| paragraph.join("\n")).collect::<Vec<_>>().join("\n")
}
