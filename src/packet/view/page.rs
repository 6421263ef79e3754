//! The page as a whole: the masthead, the gate, the week's numbers, the families, the boundary and the
//! manifest.
//!
//! Does not: hold the cards, of which [`super::queue`] knows the places.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;

use crate::boundary::{Admission, Exposure, Unlisted};
use crate::check::{Family, Outcome, Report, weighed};
use crate::finding::{Bits, Hold, Severity};
use crate::packet::escape::{counted, grouped, value, words};
use crate::packet::{
    Completeness, Input, Note, PacketError, Pattern, Review, State, demoted, off, redefined, seal,
};

use super::changed::Changed;
use super::chart::Ages;
use super::form::Form;
use super::queue::Queue;
use super::rate::Rate;
use super::roll::Roll;
use super::since::Since;
use super::{Approval, Found, Proposals, gravest, held_by_number, meaning, severity, to_decide};

/// Proposals named at the top.
const FIRST: usize = 5;
/// Rows set aside that are listed per input.
const LISTED: usize = 50;

/// Everything the page shows.
#[derive(Debug, Serialize)]
pub(in crate::packet) struct Page {
    style: &'static str,
    script: &'static str,
    policy: String,
    /// What the script needs to write a decisions file, as JSON.
    form: String,
    organisation: String,
    crm: String,
    week: u32,
    year: i32,
    day: String,
    zone: String,
    lede: String,
    /// What part or copy of the packet it is, where it is not the packet itself.
    copy: Option<String>,
    incomplete: Option<Vec<String>>,
    wide: Vec<String>,
    notes: Vec<String>,
    redefined: Option<String>,
    changed: Option<Changed>,
    gate: Gate,
    figures: Vec<Figure>,
    since: Since,
    rate: Option<Rate>,
    demoted: Option<String>,
    repeats: Option<Repeats>,
    first: Vec<First>,
    counts: Vec<CountRow>,
    all: FamilyRow,
    /// Whether anything was seen in an earlier packet.
    aged: bool,
    families: Vec<FamilyView>,
    checks: Checks,
    inputs: Vec<InputView>,
    receipts: Vec<Receipt>,
    blocked_names: Vec<String>,
    unlisted: &'static str,
    weighed: Vec<Model>,
    manifest: Manifest,
    end: String,
    /// Whether there is no card at all.
    is_empty: bool,
}

#[derive(Debug, Serialize)]
struct Gate {
    trigger: String,
    proposals: String,
    digest: String,
    rules: String,
    families: String,
    approver: String,
    backup: Option<String>,
    ledger: String,
    /// The digest of its last line; nothing where there is none yet.
    head: Option<String>,
}

#[derive(Debug, Serialize)]
struct Figure {
    is: String,
    of: &'static str,
}

/// What repeats. Of a part of the packet nothing is known: patterns are of the whole.
#[derive(Debug, Serialize)]
struct Repeats {
    patterns: Vec<PatternRow>,
}

impl Repeats {
    fn of(review: &Review<'_>) -> Self {
        Self { patterns: review.patterns.iter().map(PatternRow::of).collect() }
    }
}

/// A rule that finds more in one group of records.
#[derive(Debug, Serialize)]
struct PatternRow {
    rule: String,
    says: String,
    remedy: &'static str,
}

impl PatternRow {
    fn of(pattern: &Pattern) -> Self {
        let rule = pattern.rule.clone();
        Self { rule, says: words(&pattern.words()), remedy: pattern.remedy() }
    }
}

/// A proposal to read before the others.
#[derive(Debug, Serialize)]
struct First {
    id: String,
    severity: &'static str,
    headline: String,
    /// What happens while it stands.
    consequence: &'static str,
}

#[derive(Debug, Serialize)]
struct CountRow {
    object: &'static str,
    admitted: String,
    reviewed: String,
    reference: String,
    flagged: String,
}

#[derive(Debug, Serialize)]
struct FamilyRow {
    count: String,
    new: String,
    high: String,
    medium: String,
    low: String,
    held: String,
    escalate: String,
    insufficient: String,
    records: String,
    /// How old they are; of all together nothing, as they would not fit beside their parts.
    ages: Option<Ages>,
}

#[derive(Debug, Serialize)]
struct FamilyView {
    key: &'static str,
    title: &'static str,
    meaning: &'static str,
    /// Why proposals are held that alone would not be.
    held: Option<String>,
    proposals: String,
    looked: String,
    /// The version of the rules that it was judged by.
    rules: String,
    row: FamilyRow,
    groups: Vec<Group>,
}

/// The proposals of one check.
#[derive(Debug, Serialize)]
struct Group {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    summary: &'static str,
    consequence: &'static str,
    proposals: String,
    /// Whether it was often rejected in earlier packets: then it comes last in its family, folded.
    late: bool,
    /// Which of the queue's groups it is.
    at: usize,
}

#[derive(Debug, Serialize)]
struct Checks {
    says: String,
    ran: Vec<Ran>,
    partly: Vec<NotRun>,
    broken: Vec<NotRun>,
    off: Vec<NotRun>,
}

/// By what the likeness of a table's records was weighed.
#[derive(Debug, Serialize)]
struct Model {
    object: &'static str,
    key: &'static str,
    pinned: bool,
    prior: String,
    /// About one pair of records in so many is one.
    one_in: String,
    comparisons: Vec<Weighed>,
}

#[derive(Debug, Serialize)]
struct Weighed {
    of: String,
    rates: Vec<LevelRow>,
}

#[derive(Debug, Serialize)]
struct LevelRow {
    says: String,
    under: String,
    matches: String,
    others: String,
    bits: String,
}

fn models(reports: &[Report]) -> Vec<Model> {
    let percent = |share: f64| match share * 100.0 {
        ..0.01 => "less than 0.01 %".to_owned(),
        percent => format!("{percent:.2} %"),
    };
    weighed(reports)
        .map(|it| {
            let mut comparisons: Vec<Weighed> = Vec::new();
            for rate in it.by.rates() {
                if comparisons.last().is_none_or(|last| last.of != rate.of) {
                    comparisons.push(Weighed { of: words(rate.of), rates: Vec::new() });
                }
                if let Some(comparison) = comparisons.last_mut() {
                    comparison.rates.push(LevelRow {
                        says: words(rate.says),
                        under: words(rate.under),
                        matches: percent(rate.m),
                        others: percent(rate.u),
                        bits: Bits::of((rate.m / rate.u).log2()).to_string(),
                    });
                }
            }
            Model {
                object: it.object.plural(),
                key: it.object.key(),
                pinned: it.pinned,
                prior: Bits::of(it.by.prior()).to_string(),
                one_in: format!("{:.0}", (-it.by.prior()).exp2() + 1.0),
                comparisons,
            }
        })
        .collect()
}

#[derive(Debug, Serialize)]
struct Ran {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    summary: &'static str,
    examined: String,
    found: String,
    has_group: bool,
    partly: bool,
}

#[derive(Debug, Serialize)]
struct NotRun {
    code: &'static str,
    name: &'static str,
    summary: &'static str,
    why: String,
}

#[derive(Debug, Serialize)]
struct InputView {
    file: String,
    object: &'static str,
    read: String,
    admitted: String,
    aside: String,
    skipped: String,
    form: String,
    newest: Option<String>,
    size: String,
    sha256: String,
    problems: Vec<(String, String)>,
    more: Option<String>,
}

/// What was and was not let in from one input.
#[derive(Debug, Serialize)]
struct Receipt {
    file: String,
    object: &'static str,
    fields: Vec<FieldRow>,
    shown: String,
    masked: String,
    never: String,
    blocked: Vec<String>,
    unlisted: Vec<String>,
    unread: Vec<String>,
    absent: Vec<String>,
    withheld: Vec<WithheldRow>,
    withheld_count: String,
    dates: Vec<String>,
    decimals: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FieldRow {
    name: String,
    column: String,
    why: String,
    exposure: &'static str,
}

#[derive(Debug, Serialize)]
struct WithheldRow {
    field: String,
    looks_like: &'static str,
    count: String,
}

#[derive(Debug, Serialize)]
struct Manifest {
    run: String,
    batch: String,
    program: String,
    command: String,
    findings: String,
    ledger_head: String,
    rules: Vec<(String, String)>,
}

impl Page {
    /// The page of a review without its cards, and which of them stands where.
    pub(in crate::packet) fn of<'f>(
        review: &Review<'_>,
        proposals: &'f Proposals<'f>,
    ) -> Result<(Self, Queue<'f>), PacketError> {
        let found = proposals.asked.as_slice();
        let findings = proposals.digest();
        let week = review.as_of.day.iso_week();
        let tally = Tally::of(found);
        let mut roll = Roll::of(review, found);
        let mut queue = Queue::of(found);
        let families = families(review, found, &mut queue, &mut roll);
        let page = Self {
            style: seal::STYLE,
            script: seal::SCRIPT,
            form: Form::of(review, findings, roll.told()).attribute(review.mask)?,
            policy: seal::policy(),
            organisation: words(review.organisation),
            crm: words(review.crm),
            week: week.week(),
            year: week.year(),
            day: review.as_of.day.format("%-d %B %Y").to_string(),
            zone: review.as_of.zone.to_string(),
            lede: lede(review, found),
            wide: review.wide.iter().map(|right| words(right)).collect(),
            notes: notes(review),
            copy: copy(review),
            incomplete: match &review.complete {
                Completeness::Complete => None,
                Completeness::Incomplete(what) => Some(what.iter().map(|w| words(w)).collect()),
            },
            redefined: review.redefined_since.map(redefined),
            changed: review.rule_change.map(Changed::of),
            gate: Gate::of(review, found, findings),
            figures: figures(&tally, review),
            since: Since::of(review, proposals),
            rate: Rate::of(review),
            demoted: demoted(review),
            repeats: review.slice.is_none().then(|| Repeats::of(review)),
            first: first(found),
            counts: counts(review, found),
            all: tally.row(),
            aged: tally.ages != [tally.count, 0, 0],
            families,
            checks: Checks::of(review, found),
            inputs: review.inputs.iter().map(|input| InputView::of(input, review)).collect(),
            receipts: review.admissions.iter().map(Receipt::of).collect(),
            blocked_names: review.boundary.blocked().iter().map(|name| value(name)).collect(),
            unlisted: match review.boundary.unlisted() {
                Unlisted::Drop => "A column on neither list is left in the file and counted here.",
                Unlisted::Refuse => "A file with a column on neither list is refused.",
            },
            weighed: models(review.reports),
            manifest: Manifest::of(review, findings.to_owned()),
            end: to_decide(found),
            is_empty: found.is_empty(),
        };
        Ok((page, queue))
    }
}

/// What was reviewed, and how new it is.
fn lede(review: &Review<'_>, found: &[Found<'_>]) -> String {
    let day = |day: NaiveDate| day.format("%-d %B %Y");
    let newest = review.newest().map_or_else(String::new, |newest| {
        format!(" The newest change in the records is of {}.", day(newest))
    });
    format!("{}, as of {}.{newest}", review.extent(found), day(review.as_of.day))
}

/// What a reader should know of the week. Of a masked copy's reader nobody knows what they may.
fn notes(review: &Review<'_>) -> Vec<String> {
    let says = |note: &Note| words(if review.mask.is_some() { &note.mailed } else { &note.says });
    review.notes.iter().map(says).collect()
}

/// What a reader has to know of a part or a masked copy.
fn copy(review: &Review<'_>) -> Option<String> {
    if review.mask.is_some() {
        return Some("A masked copy, for reading: tokens stand for names and addresses, the same token for the same value in every week. Decisions are taken in the packet itself.".to_owned());
    }
    let slice = review.slice.as_ref()?;
    Some(format!(
        "A part of the packet: {slice}. It holds the proposals on these records alone, with the records that their evidence compares. What is decided here is recorded as if it were decided in the whole packet; rates and patterns stand there."
    ))
}

impl Gate {
    fn of(review: &Review<'_>, found: &[Found<'_>], findings: &str) -> Self {
        let ran = review.reports.iter().filter(|report| looked(report)).count();
        let families: BTreeSet<Family> = review
            .reports
            .iter()
            .filter(|report| looked(report))
            .map(|report| report.check.family)
            .collect();
        Self {
            trigger: words(review.event.unwrap_or("crm-review run")),
            proposals: to_decide(found),
            digest: findings.chars().take(12).collect(),
            rules: counted(ran, "check"),
            families: match families.len() {
                1 => "1 family".to_owned(),
                n => format!("{n} families"),
            },
            approver: words(review.approver),
            backup: review.backup.map(words),
            ledger: counted(usize::try_from(review.ledger_len).unwrap_or(usize::MAX), "line"),
            head: (review.ledger_len > 0).then(|| review.ledger_head.chars().take(12).collect()),
        }
    }
}

fn looked(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Ran(_))
}

/// Counts over some findings: of what is to be decided, and beside it of what waits to be applied.
#[derive(Debug, Default)]
struct Tally {
    count: usize,
    waiting: usize,
    new: usize,
    high: usize,
    medium: usize,
    low: usize,
    held: usize,
    escalate: usize,
    insufficient: usize,
    records: usize,
    /// In the first week, the second or third, and longer there.
    ages: [usize; 3],
}

impl Tally {
    fn of<'f>(found: impl IntoIterator<Item = &'f Found<'f>>) -> Self {
        let mut tally = Self::default();
        let mut seen = BTreeSet::new();
        for one in found {
            let Found { check, finding, standing, hold, .. } = one;
            if one.is_waiting() {
                tally.waiting += 1;
                continue;
            }
            tally.count += 1;
            tally.new += usize::from(standing.state == State::New);
            let [young, some, long] = &mut tally.ages;
            match standing.state.weeks() {
                ..=1 => *young += 1,
                2..=3 => *some += 1,
                4.. => *long += 1,
            }
            match check.severity {
                Severity::High => tally.high += 1,
                Severity::Medium => tally.medium += 1,
                Severity::Low => tally.low += 1,
            }
            tally.held += usize::from(one.approval() == Approval::Held);
            tally.escalate += usize::from(matches!(hold, Hold::EscalateOnly(_)));
            tally.insufficient += usize::from(!finding.is_sufficient());
            seen.insert(&finding.record);
        }
        tally.records = seen.len();
        tally
    }

    /// The counts as a row.
    fn row(&self) -> FamilyRow {
        FamilyRow {
            ages: None,
            count: grouped(self.count),
            new: grouped(self.new),
            high: grouped(self.high),
            medium: grouped(self.medium),
            low: grouped(self.low),
            held: grouped(self.held),
            escalate: grouped(self.escalate),
            insufficient: grouped(self.insufficient),
            records: grouped(self.records),
        }
    }
}

/// The strip: against the packet before where there was one, and what asks for most care where there was none.
fn figures(tally: &Tally, review: &Review<'_>) -> Vec<Figure> {
    let figures = if review.since.day.is_some() {
        let resolved = (review.since.resolved.len(), "resolved");
        // What became of what is not found any more nobody knows of a part.
        let resolved = review.slice.is_none().then_some(resolved);
        let waiting = (tally.waiting > 0).then_some((tally.waiting, "waiting to be applied"));
        [(tally.new, "new"), (tally.count - tally.new, "seen before")]
            .into_iter()
            .chain(waiting)
            .chain(resolved)
            .collect()
    } else {
        vec![
            (tally.count, "proposals"),
            (tally.high, "of high severity"),
            (tally.held, "held, approved one by one"),
        ]
    };
    figures.into_iter().map(|(number, of)| Figure { is: grouped(number), of }).collect()
}

/// The gravest, when there are enough to get lost in.
fn first(found: &[Found<'_>]) -> Vec<First> {
    if found.len() <= FIRST {
        return Vec::new();
    }
    let first = gravest(found, FIRST).into_iter();
    first
        .map(|found| First {
            id: found.id.to_string(),
            severity: severity(found.check.severity),
            headline: words(&found.finding.headline),
            consequence: found.check.consequence,
        })
        .collect()
}

fn counts(review: &Review<'_>, found: &[Found<'_>]) -> Vec<CountRow> {
    // As the head of the packet counts them: not those where a change is approved and waits.
    let open = found.iter().filter(|found| !found.is_waiting());
    let flagged: BTreeSet<_> = open.map(|found| &found.finding.record).collect();
    review
        .counts
        .iter()
        .map(|count| CountRow {
            object: count.object.plural(),
            admitted: grouped(count.admitted),
            reviewed: grouped(count.reviewed),
            reference: grouped(count.admitted.saturating_sub(count.reviewed)),
            flagged: grouped(flagged.iter().filter(|r| r.object == count.object).count()),
        })
        .collect()
}

/// The families that have a check that looked, each with its proposals check by check.
fn families<'f>(
    review: &Review<'_>,
    found: &'f [Found<'f>],
    queue: &mut Queue<'f>,
    roll: &mut Roll<'_>,
) -> Vec<FamilyView> {
    let mut views = Vec::new();
    let open = || found.iter().filter(|one| !one.is_waiting());
    let sizes = Family::ALL.map(|it| open().filter(|one| one.check.family == it).count());
    let most = sizes.into_iter().max().unwrap_or_default();
    for family in Family::ALL {
        let ran = review.reports.iter().filter(|r| r.check.family == family && looked(r)).count();
        let here: Vec<&Found<'f>> = found.iter().filter(|f| f.check.family == family).collect();
        if ran == 0 {
            continue;
        }
        let mut groups = Vec::new();
        for same in here.chunk_by(|a, b| a.check.code == b.check.code) {
            let Some(&&Found { check, is_demoted, .. }) = same.first() else { continue };
            groups.push(Group {
                code: check.code,
                name: check.name,
                severity: severity(check.severity),
                summary: check.summary,
                consequence: check.consequence,
                proposals: to_decide(same.iter().copied()),
                late: is_demoted,
                at: queue.add(same, roll),
            });
        }
        // Stable: the others stay in the packet's order.
        groups.sort_by_key(|group| group.late);
        let tally = Tally::of(here.iter().copied());
        views.push(FamilyView {
            key: family.key(),
            title: family.title(),
            meaning: meaning(family),
            held: held_by_number(&here, review),
            proposals: to_decide(here.iter().copied()),
            looked: counted(ran, "check"),
            rules: version(review, family),
            row: FamilyRow { ages: Some(Ages::of(tally.ages, most)), ..tally.row() },
            groups,
        });
    }
    views
}

/// The file that a family's rules stand in, with the beginning of its digest; without one, whose defaults
/// they are.
fn version(review: &Review<'_>, family: Family) -> String {
    let name = format!("rules/{}", family.file());
    review.rules.iter().find(|rules| rules.file == name).map_or_else(
        || format!("the defaults of {}", words(review.program)),
        |rules| format!("{name}, version {}", rules.sha256.chars().take(8).collect::<String>()),
    )
}

impl Checks {
    fn of(review: &Review<'_>, found: &[Found<'_>]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in found {
            *counts.entry(one.check.code).or_default() += 1;
        }
        let mut checks = Self {
            says: String::new(),
            ran: Vec::new(),
            partly: Vec::new(),
            broken: Vec::new(),
            off: Vec::new(),
        };
        for Report { check, outcome, .. } in review.reports {
            let not = |why: &str| NotRun {
                code: check.code,
                name: check.name,
                summary: check.summary,
                why: words(why),
            };
            match outcome {
                Outcome::Ran(judgement) => {
                    checks.ran.push(Ran {
                        code: check.code,
                        name: check.name,
                        severity: severity(check.severity),
                        summary: check.summary,
                        examined: grouped(judgement.examined),
                        found: grouped(counts.get(check.code).copied().unwrap_or_default()),
                        has_group: counts.contains_key(check.code),
                        partly: !judgement.not_looked.is_empty(),
                    });
                    if !judgement.not_looked.is_empty() {
                        checks.partly.push(not(&judgement.partly()));
                    }
                }
                Outcome::NotApplicable(why) => {
                    let (cause, remedy) = off(review, why);
                    let whole: Vec<String> = [Some(cause), remedy].into_iter().flatten().collect();
                    checks.off.push(not(&whole.join("; ")));
                }
                Outcome::Broken => checks.broken.push(not("it failed; its findings are missing")),
            }
        }
        checks.says = checks.words();
        checks
    }

    /// `8 checks looked, 1 of them in part; 1 is off.`
    fn words(&self) -> String {
        let mut says = format!("{} looked", counted(self.ran.len(), "check"));
        // Writing into a string cannot fail.
        if !self.partly.is_empty() {
            let _ = write!(says, ", {} of them in part", grouped(self.partly.len()));
        }
        for (checks, word) in [(&self.off, "off"), (&self.broken, "broken")] {
            let _ = match checks.len() {
                0 => Ok(()),
                1 => write!(says, "; 1 is {word}"),
                n => write!(says, "; {} are {word}", grouped(n)),
            };
        }
        says + "."
    }
}

impl InputView {
    fn of(input: &Input, review: &Review<'_>) -> Self {
        let mut problems: Vec<&(u64, String)> = review.problems(input).collect();
        problems.sort();
        let total = problems.len() + input.more;
        let unlisted = total - problems.len().min(LISTED);
        let left_out = review.admissions_of(input).flat_map(|admission| &admission.outside);
        let mut skipped: Vec<String> =
            left_out.map(|(why, count)| format!("{} {}", grouped(*count), why.word())).collect();
        if input.blank > 0 {
            skipped.push(format!("{} blank", grouped(input.blank)));
        }
        if input.footer > 0 {
            skipped.push(format!("{} footer", grouped(input.footer)));
        }
        Self {
            file: value(&input.file),
            object: input.object.plural(),
            read: grouped(input.rows_read),
            admitted: grouped(input.rows_admitted),
            aside: grouped(input.rows_set_aside),
            skipped: if skipped.is_empty() { "none".to_owned() } else { skipped.join(", ") },
            form: value(&input.form),
            newest: input.newest.map(|day| day.to_string()),
            size: grouped(usize::try_from(input.bytes).unwrap_or(usize::MAX)),
            sha256: value(&input.sha256),
            problems: problems
                .iter()
                .take(LISTED)
                .map(|(line, why)| (line.to_string(), words(why)))
                .collect(),
            more: (unlisted > 0).then(|| grouped(unlisted)),
        }
    }
}

impl Receipt {
    fn of(admission: &Admission) -> Self {
        let of = |exposure| {
            grouped(admission.columns.iter().filter(|(f, _)| f.exposure() == exposure).count())
        };
        let mut withheld: BTreeMap<(&str, &'static str), usize> = BTreeMap::new();
        for held in &admission.withheld {
            *withheld.entry((&held.field, held.looks_like)).or_default() += 1;
        }
        let names = |names: &[String]| names.iter().map(|name| value(name)).collect();
        let of_column = |(column, how): (&str, String)| format!("{}: {how}", value(column));
        Self {
            file: value(&admission.file),
            object: admission.object.key(),
            fields: admission
                .columns
                .iter()
                .map(|(field, column)| FieldRow {
                    name: value(field.name()),
                    column: value(column),
                    why: words(field.why()),
                    exposure: match field.exposure() {
                        Exposure::Shown => "as it is",
                        Exposure::Masked => "masked",
                        Exposure::Never => "compared, never shown",
                    },
                })
                .collect(),
            shown: of(Exposure::Shown),
            masked: of(Exposure::Masked),
            never: of(Exposure::Never),
            blocked: names(&admission.blocked),
            unlisted: names(&admission.unlisted),
            unread: names(&admission.unread),
            absent: admission.absent.iter().map(|field| value(&field.to_string())).collect(),
            withheld: withheld
                .into_iter()
                .map(|((field, looks_like), count)| WithheldRow {
                    field: value(field),
                    looks_like,
                    count: grouped(count),
                })
                .collect(),
            withheld_count: grouped(admission.withheld.len()),
            dates: admission.orders_told().map(of_column).collect(),
            decimals: admission.marks_told().map(of_column).collect(),
        }
    }
}

impl Manifest {
    fn of(review: &Review<'_>, findings: String) -> Self {
        Self {
            run: value(review.run),
            batch: words(review.batch),
            program: value(review.program),
            command: words(review.command),
            findings,
            ledger_head: value(review.ledger_head),
            rules: review
                .rules
                .iter()
                .map(|rules| (value(&rules.file), value(&rules.sha256)))
                .collect(),
        }
    }
}
