//! The files of a run: the packet and what stands beside it.
//!
//! Does not: write them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::{Admission, Object, RecordRef, Row};
use crate::check::{CheckDef, MODEL, Pulled, Report, weighed};
use crate::config::Config;
use crate::digest;
use crate::finding::{Finding, FindingId, Severity};
use crate::gate::{Gate, Profile};
use crate::ledger::{self, Chain, Entry, Run, Tally};
use crate::metrics::{self, Week};
use crate::packet::{self, Action, Completeness, Note, PacketError, RecordLink};
use crate::source::{Input, Origin};

use super::copies::{Copies, copies};
use super::cut::Loss;
use super::history::{self, Now, Past, Present};
use super::judged::{Judged, columnless, empty, hidden};
use super::same_day::Settled;
use super::tally::{self, Counted, Scope, Share, Stand};
use super::{Folder, PROGRAM, lapsed, manifest, patterns, rule_change, unrecorded};

/// The files of a run, as they will stand on the disk.
pub(super) struct Made {
    pub(super) run: Run,
    /// The folder's name below `runs`.
    pub(super) home: String,
    /// The files by their names.
    pub(super) files: Vec<(String, String)>,
    pub(super) summary: String,
    /// What keeps the packet from being complete.
    pub(super) missing: Vec<String>,
    /// What to know before reading.
    pub(super) notes: Vec<Note>,
    /// What of the packets before could not be read.
    pub(super) gaps: Vec<String>,
    /// The worst severity of what is asked.
    pub(super) worst: Option<Severity>,
}

impl Made {
    /// The files as they are written.
    pub(super) fn files(&self) -> Vec<(&str, &[u8])> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect()
    }
}

/// What started a run, and what was recorded when it began.
#[derive(Clone, Copy)]
pub(super) struct Started<'r> {
    /// The event that it answers, in words; none for the weekly run.
    pub(super) event: Option<&'r str>,
    /// The ledger.
    pub(super) ledger: &'r Chain,
}

pub(super) fn write_up(
    folder: &Folder,
    config: &Config,
    record_link: Option<RecordLink>,
    judged: &Judged,
    Started { event, ledger }: Started<'_>,
    threads: NonZeroUsize,
) -> Result<Made, PacketError> {
    let rules = folder.digests();
    let inputs_digest = manifest::inputs_digest(judged, &rules, event);
    let (day, runs) = (judged.as_of.day, folder.path.join("runs"));
    let id = format!("{day}-{}", inputs_digest.get(..8).unwrap_or_default());
    let definition = manifest::definition_digest(&rules);
    let (ledger_len, ledger_head) = ledger.before(&id);
    let home = home_of(&runs, ledger, day, &id);
    let earlier = ledger.entries().get(..ledger_len).unwrap_or_default();
    let past = Past::read(&runs, earlier, day, &config.boundary);
    let redefined = past.last.filter(|last| last.definition != definition);
    let rule_change =
        redefined.and_then(|_| rule_change::of(folder, config, judged, &past, threads));
    let counted = Counted::of(config, judged.as_of);
    let loss = Loss::of(&runs, earlier, judged, config.policies.input());
    let lapsed = lapsed::of(config, judged, &past, threads);
    let now = Now::of(config, judged, &loss, rule_change.as_ref(), lapsed, &counted);
    let mut present = past.against(&runs, &now)?;
    let settled = settled(&runs, earlier, day, &mut present);
    let missing = lacking(judged, &loss, &present.gaps);
    let notes = notes(config, judged, &loss, earlier, day);
    let share = share_of_day(&counted, &settled, &judged.pulled);
    let tally = tally_of(&judged.reports, &present, &settled, day);
    let weeks = weeks(earlier, day, |last| {
        Week::new(day, share.counted, tally, &definition, last).lacking(&missing)
    });
    let flagged = flagged(&judged.reports, &present);
    let review = packet::Review {
        organisation: &config.organisation,
        run: &id,
        event,
        folder: &format!("runs/{home}"),
        file: "packet.html",
        slice: None,
        mask: None,
        as_of: judged.as_of,
        program: PROGRAM,
        command: &command(day, event),
        crm: config.crm.title(),
        complete: completeness(&missing),
        wide: &judged.wide,
        notes: &[notes.clone(), month_over(&config.gate, earlier, day)].concat(),
        redefined_since: redefined.map(|last| last.as_of),
        rule_change: rule_change.as_ref(),
        batch: &batch_words(config, judged),
        counts: judged.counts.clone(),
        beside: &beside(&flagged, &judged.pulled),
        inputs: paper_inputs(judged),
        admissions: &judged.admissions,
        boundary: &config.boundary,
        reports: &judged.reports,
        standings: &present.standings,
        since: &present.since,
        demoted: &demoted(earlier, &config.gate, day),
        groups: &judged.groups,
        patterns: &repeated(judged, &present),
        weeks: &weeks,
        left_out: packet::LeftOut { young: share.young, planted: share.planted },
        rules: rules.iter().map(paper_rules).collect(),
        approver: config.gate.approver(),
        backup: config.gate.backup(),
        answers: answers(&config.gate, day),
        ledger_len: ledger_len as u64,
        ledger_head,
        record_link,
    };
    let proposals = packet::Proposals::of(&review)?;
    let packet = packet::render(&review, &proposals, threads)?;
    let findings = packet::findings_lines(&review)?;
    let summary = packet::summary(&review, &proposals);
    let Copies { files: copies, parts } = copies(config, judged, &review, &proposals, threads)?;
    let mut run = Run {
        id: id.clone(),
        as_of: day,
        event: event.map(str::to_owned),
        inputs: inputs_digest,
        definition,
        packet: digest::sha256(packet.as_bytes()),
        proposals: proposals.digest().to_owned(),
        parts,
        history: digest::sha256(present.lines.as_bytes()),
        files: BTreeMap::new(),
        reviewed: share.counted,
        findings: findings.lines().count() as u64,
        flagged: flagged.len() as u64,
        complete: missing.is_empty(),
        tally,
    };
    let manifest = manifest::text(config, judged, &rules, &run, &review, &loss)?;
    let worst = asked(&judged.reports, &present).map(|(check, _)| check.severity).max();
    let named = [
        ("packet.html", packet),
        ("findings.jsonl", findings),
        ("history.jsonl", present.lines),
        (rule_change::KEPT, rule_change::kept_text(folder)?),
        (manifest::NAME, manifest),
        ("summary.txt", summary.clone()),
    ];
    // What likeness was weighed by has the names that the rules can give it.
    let files: Vec<_> = named_files(named).chain(models(&judged.reports)).chain(copies).collect();
    run.files = digests(&files);
    Ok(Made { run, home, files, summary, missing, notes, gaps: present.gaps, worst })
}

/// Files as they are kept beside others, whose names are made.
fn named_files<const N: usize>(
    files: [(&str, String); N],
) -> impl Iterator<Item = (String, String)> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text))
}

/// The digest of each file, by its name.
fn digests(files: &[(String, String)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| (name.clone(), digest::sha256(text.as_bytes()))).collect()
}

/// What to know before reading.
fn notes(
    config: &Config,
    judged: &Judged,
    loss: &Loss,
    earlier: &[Entry],
    day: NaiveDate,
) -> Vec<Note> {
    let columnless =
        columnless(&judged.inputs, &judged.admissions, &loss.fields()).map(Note::plain);
    let empty = empty(&judged.inputs).into_iter();
    judged
        .notes
        .iter()
        .cloned()
        .chain(columnless)
        .chain(empty)
        .chain(overtaken(earlier, day))
        .chain(nobody_decides(&config.gate))
        .collect()
}

/// What makes the same packet again.
fn command(day: NaiveDate, event: Option<&str>) -> String {
    let event = if event.is_some() { " --event EVENT.toml" } else { "" };
    format!("crm-review run . --as-of {day}{event}")
}

/// All that keeps a packet from being complete: what was read, what of it was lost, and what cannot be told
/// of the past.
fn lacking(judged: &Judged, loss: &Loss, gaps: &[String]) -> Vec<String> {
    let hidden = hidden(&judged.inputs, &judged.admissions, &loss.fields());
    [judged.missing.clone(), hidden, loss.words(judged), gaps.to_vec()].concat()
}

/// That the day lies before that of the run recorded last: a clock that goes wrong, or a day that is judged
/// late.
fn overtaken(earlier: &[Entry], day: NaiveDate) -> Option<Note> {
    let newest = ledger::runs(earlier).last()?.as_of;
    if newest <= day {
        return None;
    }
    let says = format!(
        "the ledger knows a run as of a later day, {newest}: {day} was judged looking back at the days before \
         it alone; if another day was meant, look at this machine's clock, or name the day with `--as-of`"
    );
    Some(Note::plain(says))
}

/// That nobody may decide on the packet: what is decided in it could not be taken out of it.
fn nobody_decides(gate: &Gate) -> Option<Note> {
    gate.deciders().is_empty().then(|| {
        let says = "nobody may decide on this packet: name the approver in rules/approvals.toml, and run it again";
        Note::plain(says.to_owned())
    })
}

/// Of the founder profile: that another 30 days have passed since the first packet, said in the first packet
/// after them. Whoever tries the review alone decides then whether it is worth going on.
fn month_over(gate: &Gate, earlier: &[Entry], day: NaiveDate) -> Vec<Note> {
    let days = || ledger::runs(earlier).map(|run| run.as_of).filter(|as_of| *as_of < day);
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Vec::new() };
    let months = |day: NaiveDate| day.signed_duration_since(first).num_days() / 30;
    if gate.profile() != Profile::Founder || months(day) == months(last) {
        return Vec::new();
    }
    let says = format!(
        "{} days since the first packet: look at the one metric (`crm-review metrics`), and decide whether to go on, to widen the review or to stop",
        30 * months(day)
    );
    vec![Note::plain(says)]
}

/// Rules that find more in one group of records than chance would put there.
fn repeated(judged: &Judged, present: &Present<'_>) -> Vec<packet::Pattern> {
    let faults = asked(&judged.reports, present);
    patterns::told(&judged.groups, faults.map(|(check, found)| (check.code, &found.record)))
}

/// The metric week by week: the weeks before a day, and its own after the last of them.
fn weeks(earlier: &[Entry], day: NaiveDate, own: impl FnOnce(Option<&Week>) -> Week) -> Vec<Week> {
    let mut weeks = metrics::weeks(earlier);
    weeks.retain(|week| week.day < day);
    weeks.push(own(weeks.last()));
    weeks
}

/// The rules that reviewers found wrong more often than the budget allows, as of a day.
fn demoted(earlier: &[Entry], gate: &Gate, day: NaiveDate) -> Vec<String> {
    let rules = metrics::precision(earlier, metrics::recent(day)).into_iter();
    rules.filter(|rule| rule.is_below(gate.precision_budget())).map(|rule| rule.rule).collect()
}

/// Which records are under review, in words.
fn batch_words(config: &Config, judged: &Judged) -> String {
    let absent = config.batch.absent_words(&judged.absent_ids);
    config.batch.words() + &absent.map_or_else(String::new, |absent| format!("; {absent}"))
}

fn paper_rules(rules: &manifest::RulesFile) -> packet::RulesFile {
    packet::RulesFile { file: rules.file.clone(), sha256: rules.sha256.clone() }
}

fn completeness(missing: &[String]) -> Completeness {
    if missing.is_empty() {
        Completeness::Complete
    } else {
        Completeness::Incomplete(missing.to_vec())
    }
}

/// What may be answered to a proposal in the packet of a day.
fn answers(gate: &Gate, day: NaiveDate) -> packet::Answers<'_> {
    packet::Answers {
        deciders: gate.deciders(),
        escalate_to: gate.escalate_to().iter().map(String::as_str).collect(),
        answer_by: gate.answer_by(day),
        mass_owner_changes: gate.mass_owner_changes(),
        profile: gate.profile(),
    }
}

/// The name of a run's folder: its day, or its whole id where another run of that day stands already. One that
/// was cut off before it was recorded gives way.
fn home_of(runs: &Path, ledger: &Chain, day: NaiveDate, id: &str) -> String {
    let day = day.to_string();
    let place = runs.join(&day);
    let another = manifest::is_of_another(&place, id) && !unrecorded::was_cut_off(&place, ledger);
    let apart = fs::symlink_metadata(runs.join(id)).is_ok();
    if another || apart { id.to_owned() } else { day }
}

/// What the checks weighed likeness by, as files that the rules can name.
fn models(reports: &[Report]) -> Vec<(String, String)> {
    weighed(reports).map(|it| (format!("{}{MODEL}", it.object.key()), it.by.to_toml())).collect()
}

/// The findings that are asked: all but the quiet ones.
fn asked<'r>(
    reports: &'r [Report],
    present: &'r Present<'_>,
) -> impl Iterator<Item = (&'static CheckDef, &'r Finding)> {
    history::found(reports).filter(|(check, finding)| {
        let standing = present.standings.get(&finding.id(check.code));
        !standing.is_some_and(|standing| matches!(standing.action, Action::Quiet { .. }))
    })
}

/// The records of which something is asked.
fn flagged<'r>(reports: &'r [Report], present: &'r Present<'_>) -> BTreeSet<&'r RecordRef> {
    asked(reports, present).map(|(_, finding)| &finding.record).collect()
}

/// Those of some records that are not under review: reference tables as a whole are not.
fn beside(records: &BTreeSet<&RecordRef>, pulled: &Pulled) -> BTreeSet<RecordRef> {
    let is_reviewed = |record: &RecordRef| {
        let row = pulled.get(record.object).and_then(|batch| batch.find(&record.id));
        Object::REVIEWED.contains(&record.object) && row.is_some_and(Row::is_under_review)
    };
    records.iter().filter(|record| !is_reviewed(record)).map(|it| (*it).clone()).collect()
}

/// What was decided earlier that day and is not found any more. Where that cannot be told, it is a gap.
fn settled(runs: &Path, earlier: &[Entry], day: NaiveDate, present: &mut Present<'_>) -> Settled {
    let is_proposed = |id: &FindingId| present.standings.contains_key(id);
    Settled::of(runs, earlier, day, is_proposed).unwrap_or_else(|why| {
        present.gaps.push(format!(
            "what was decided on another packet of {day} is not known, so the rate would lack it: {}",
            why.in_a_sentence()
        ));
        Settled::default()
    })
}

/// The share of the records reviewed on the day that the rate counts: those of the run, and of the packets before
/// it that were decided on at least what was corrected since, with all that stood beside it.
fn share_of_day(counted: &Counted<'_>, settled: &Settled, pulled: &Pulled) -> Share {
    let now = counted.share(pulled);
    let all = now.counted + counted.beside(&settled.records(), pulled);
    Share { counted: all.max(settled.reviewed), ..now }
}

/// What of a run's proposals, and of those settled before it on its day, is decided as it begins.
fn tally_of(reports: &[Report], present: &Present<'_>, settled: &Settled, day: NaiveDate) -> Tally {
    let mut seen = BTreeSet::new();
    let proposals: Vec<_> = history::found(reports)
        .filter_map(|(check, finding)| {
            let id = finding.id(check.code);
            let standing = present.standings.get(&id)?;
            let decided = standing.last.map(|last| (last.on, last.decision.verdict().reason()));
            let stand = Stand::of(standing.action.kind(), decided, day);
            seen.insert(id).then_some((stand, Scope::of(check.family), standing.counts.as_slice()))
        })
        .collect();
    let settled = settled.proposals().map(|(_, proposal)| proposal);
    tally::tally(proposals.into_iter().chain(settled))
}

fn paper_inputs(judged: &Judged) -> Vec<packet::Input> {
    let inputs = judged.inputs.iter().zip(&judged.admissions);
    let paper = |(input, admission): (&Input, &Admission)| {
        let tally = &input.tally;
        packet::Input {
            file: input.file.clone(),
            object: input.object,
            sha256: tally.sha256.clone(),
            bytes: tally.bytes,
            form: form(input),
            newest: judged.newest.get(&(input.object, input.file.clone())).copied(),
            rows_read: usize::try_from(tally.rows_read).unwrap_or(usize::MAX),
            rows_admitted: admission.rows,
            rows_set_aside: usize::try_from(input.set_aside(admission)).unwrap_or(usize::MAX),
            blank: usize::try_from(tally.blank).unwrap_or(usize::MAX),
            footer: usize::try_from(tally.footer).unwrap_or(usize::MAX),
            problems: input.problems(),
            more: usize::try_from(tally.problems_omitted).unwrap_or(usize::MAX),
        }
    };
    inputs.map(paper).collect()
}

/// How an input is written, or how it was asked for.
fn form(input: &Input) -> String {
    let dialect = match &input.origin {
        Origin::Export { dialect, .. } => dialect,
        Origin::Crm(asked) => return asked.words(),
    };
    let encoding = &input.tally.encoding;
    let mut form = encoding.name.to_uppercase();
    if encoding.bom {
        form += " with byte order mark";
    }
    if encoding.guessed {
        form += &format!(", guessed ({} cells decoded on that guess)", input.tally.decoded_cells);
    }
    let delimiter = match dialect.delimiter {
        b',' => "comma",
        b';' => "semicolon",
        b'\t' => "tab",
        b'|' => "bar",
        other => return format!("{form}, {}", char::from(other)),
    };
    format!("{form}, {delimiter}")
}
