//! What repeats: rules whose proposals are often rejected, faults that come back week after week or crowd
//! into one group of records, and segments that are treated unlike the others.
//!
//! The first comes from the ledger, the others from the last packet's findings. Each says what to change so
//! that the records need not be corrected one by one.
//! Does not: change a rule, or judge a person.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;

use crate::boundary::{Object, RecordRef};
use crate::check::{By, Groups};
use crate::gate::{Reason, Verdict};
use crate::ledger::{Chain, Run};
use crate::metrics::{self, Percent, Precision, Rate, chance, surprise};
use crate::packet::{ActionKind, Pattern, visible};

use super::paper::{Bare, Findings, Paper};
use super::tally::{Scope, Stand};
use super::{Folder, ReviewError};
use super::{manifest, paper};

/// So many findings or weeks make a pattern.
const PATTERN: usize = 3;

/// A rule that is surely right more often than this is either good or not read any more.
const HARDLY_EVER_WRONG: f64 = 0.9;

/// Says what repeats.
pub fn patterns(path: &Path) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let budget = config.gate.precision_budget();
    let Some(run) = ledger.latest() else { return Ok(rules(&[], budget)) };
    let mut words =
        rules(&metrics::precision(ledger.entries(), metrics::recent(run.as_of)), budget);
    let runs = folder.path.join("runs");
    let lines = Findings::of(&runs, run)?.bare()?;
    let mut groups =
        manifest::kept(&paper::home(&runs, run)?).map(|kept| kept.groups()).unwrap_or_default();
    for line in &lines {
        groups.of.extend(line.to_record().map(|record| (record, of_groups(line))));
    }
    words += &repeated(&groups, &lines, run);
    // As the metric counts them.
    let paper = Paper::of(&runs, run)?;
    let flagged = paper
        .iter()
        .map(|(_, told)| told)
        .filter(|told| told.scope == Scope::Routing && told.stand != Stand::Earlier);
    let audit = Audit {
        groups: &groups,
        flagged: flagged.flat_map(|told| told.counts.iter().cloned()).collect(),
        decided: Decided::read(&runs, &ledger, run.as_of),
        approver: config.gate.approver(),
    };
    words += &audit.words();
    Ok(words)
}

/// How often each rule was right, and which of them should be changed.
fn rules(precision: &[Precision], budget: f64) -> String {
    if precision.is_empty() {
        return "Nothing was decided in the last 26 weeks, so nothing is known of the rules.\n"
            .to_owned();
    }
    let mut words = format!(
        "How often each rule was right, by the decisions of 26 weeks\n\n{:<8} {:>7} {:>6} {:>6}  {:<28} {}\n",
        "rule", "decided", "right", "wrong", "right in (95 %)", "most often rejected as"
    );
    for rule in precision {
        let (right, wrong) = (rule.right, rule.wrong());
        let Some(rate) = rule.rate() else { continue };
        words += &format!(
            "{:<8} {:>7} {right:>6} {wrong:>6}  {:<28} {}\n",
            rule.rule,
            right + wrong,
            rate.to_string(),
            rule.most_rejected()
        );
        if rule.is_below(budget) {
            words += &format!(
                "         below the budget of {}, and read last: change the rule, or switch it off\n",
                Percent(budget)
            );
        }
        if rate.from >= HARDLY_EVER_WRONG {
            words += "         hardly ever rejected: read a sample of what is approved, or let the rule be approved in bulk\n";
        }
        let asks = rule.rejected.iter().filter(|(_, count)| **count >= PATTERN as u64);
        for (reason, count) in asks {
            words += &format!(
                "         rejected {count} times as: {}; {}\n",
                reason.phrase(),
                remedy(*reason)
            );
        }
    }
    words += "\nRight are approvals and what somebody fixed meanwhile; wrong are all other rejections,\n\
              but for what was looked into without a change: it says nothing of the rule.\n";
    words
}

/// What a reason that repeats asks for.
fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::CorrectAsIs => "the rule takes for a fault what is none",
        Reason::AgreedException => "write the exception into the rule",
        Reason::WrongValue => "the fault is right and the proposed value is not",
        Reason::WeakEvidence => "let the rule ask for more",
        Reason::AlreadyFixed => "review sooner after the export",
        Reason::RuleWrong => "the rule contradicts how you work",
        Reason::Other => "read the notes in the ledger",
        Reason::LookedInto => "look whether the rule has to ask so often",
    }
}

/// How surprising a crowd of faults has to be, over all groups that were looked at.
const SURPRISE: f64 = 0.05;

/// How many times as often a rule has to find something in a group.
const LIFT: f64 = 2.0;

/// The rules that find more in one group of records than chance would put there, most faults first.
///
/// Each rule is tried on each group of a table that it found something in, and the [`surprise`] of so many
/// there takes every trial into account. Of groups that are mostly the same records the most surprising is
/// told: a team of one is its only member.
pub(super) fn told<'r>(
    groups: &Groups,
    faults: impl Iterator<Item = (&'r str, &'r RecordRef)>,
) -> Vec<Pattern> {
    let mut flagged: BTreeMap<(&str, Object), BTreeSet<&RecordRef>> = BTreeMap::new();
    for (rule, record) in faults.filter(|(_, record)| groups.of.contains_key(record)) {
        flagged.entry((rule, record.object)).or_default().insert(record);
    }
    let trials = |object: Object| groups.sizes.keys().filter(|key| key.0 == object).count();
    let trials: usize = flagged.keys().map(|(_, object)| trials(*object)).sum();
    let mut patterns = Vec::new();
    for ((rule, object), flagged) in &flagged {
        let all = groups.tables.get(object).copied().unwrap_or_default();
        let in_all = flagged.len() as u64;
        let mut crowds: BTreeMap<(By, &String), BTreeSet<&RecordRef>> = BTreeMap::new();
        for record in flagged {
            for (by, value) in groups.of.get(record).into_iter().flatten() {
                crowds.entry((*by, value)).or_default().insert(record);
            }
        }
        let mut crowded: Vec<(f64, Pattern, BTreeSet<&RecordRef>)> = Vec::new();
        for ((by, value), here) in crowds {
            let Some(&of) = groups.sizes.get(&(*object, by, value.clone())) else { continue };
            let found = here.len() as u64;
            let pattern = Pattern {
                rule: (*rule).to_owned(),
                object: *object,
                by,
                value: value.clone(),
                found,
                of,
                found_beside: in_all - found,
                beside: all.saturating_sub(of),
            };
            let stands_out = pattern.lift().is_none_or(|lift| lift >= LIFT);
            if here.len() < PATTERN || !stands_out {
                continue;
            }
            let surprise = surprise(chance(found, of, in_all, all), trials);
            if surprise < SURPRISE {
                crowded.push((surprise, pattern, here));
            }
        }
        crowded.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut explained: BTreeSet<&RecordRef> = BTreeSet::new();
        for (_, pattern, here) in crowded {
            if here.difference(&explained).count() >= PATTERN {
                explained.extend(here);
                patterns.push(pattern);
            }
        }
    }
    patterns.sort_by_key(|pattern| Reverse(pattern.found));
    patterns
}

/// What a finding's record has in common with others.
fn of_groups(line: &Bare) -> BTreeMap<By, String> {
    let known = |(by, value): (&Cow<'_, str>, &Cow<'_, str>)| {
        Some((By::parse(by)?, value.clone().into_owned()))
    };
    line.groups.iter().filter_map(known).collect()
}

/// What comes back week after week, and what crowds into one group, in the packet of a run.
fn repeated(groups: &Groups, lines: &[Bare], run: &Run) -> String {
    let mut words = String::new();
    let asked: Vec<&Bare> = lines.iter().filter(|line| line.queue != ActionKind::Quiet).collect();
    let mut by_rule: BTreeMap<&str, Vec<&Bare>> = BTreeMap::new();
    for line in &asked {
        by_rule.entry(&line.rule).or_default().push(line);
    }
    for (rule, lines) in &by_rule {
        let long = lines.iter().filter(|line| line.weeks as usize >= PATTERN).count();
        if long > 0 {
            let records: BTreeSet<&str> = lines.iter().map(|line| &*line.record).collect();
            words += &format!(
                "{rule}: {long} of {} findings on {} records are there for {PATTERN} weeks or more: find out what makes them\n",
                lines.len(),
                records.len(),
            );
        }
    }
    let records: Vec<(&str, RecordRef)> =
        asked.iter().filter_map(|line| Some((&*line.rule, line.to_record()?))).collect();
    for pattern in told(groups, records.iter().map(|(rule, record)| (*rule, record))) {
        words += &format!("{}: {}; {}\n", pattern.rule, pattern.words(), pattern.remedy());
    }
    if words.is_empty() {
        words += "nothing\n";
    }
    format!("\nWhat repeats in the packet of {}\n\n{words}", run.as_of)
}

/// Groups that are listed of each kind.
const AUDITED: usize = 12;

/// Fewer records or decisions than this are not compared.
const COMPARED: u64 = 20;

/// Whether segments are treated alike: how often records of a region, size or source are flagged, and how
/// often what is proposed of them is rejected.
struct Audit<'a> {
    groups: &'a Groups,
    flagged: BTreeSet<RecordRef>,
    decided: Decided,
    approver: &'a str,
}

impl Audit<'_> {
    fn words(&self) -> String {
        let mut words = String::new();
        for by in [By::Region, By::Size, By::Source] {
            for object in Object::REVIEWED {
                let mut sizes: Vec<(&str, u64)> = (self.groups.sizes.iter())
                    .filter(|((table, of, _), count)| {
                        (*table, *of) == (object, by) && **count >= COMPARED
                    })
                    .map(|((.., value), count)| (value.as_str(), *count))
                    .collect();
                if sizes.len() >= 2 {
                    sizes.sort_by_key(|(value, count)| (Reverse(*count), *value));
                    words += &self.table(object, by, &sizes);
                }
            }
        }
        if words.is_empty() {
            words += &format!(
                "\nno two regions, sizes or sources have {COMPARED} records under review\n"
            );
        }
        format!("\nWhether segments are treated alike\n{words}")
    }

    /// The groups of one kind, the largest first, each with how many of it are under review.
    fn table(&self, object: Object, by: By, sizes: &[(&str, u64)]) -> String {
        let mut words = format!(
            "\n{} by {}: flagged of those reviewed, rejected of what was decided in 26 weeks (95 %)\n",
            object.plural(),
            by.title(),
        );
        let all = self.groups.tables.get(&object).copied().unwrap_or_default();
        let flagged: Vec<_> = self.flagged.iter().filter(|it| it.object == object).collect();
        let (all_rejected, all_answered) = self.decided.of(object);
        let more = |part, whole, in_all, all| {
            surprise(chance(part, whole, in_all, all), sizes.len()) < SURPRISE
        };
        for (value, reviewed) in sizes.iter().take(AUDITED) {
            let group_of = |record: &RecordRef| self.groups.of.get(record)?.get(&by);
            let is_here = |record: &&&RecordRef| group_of(record).is_some_and(|it| it == value);
            let found = flagged.iter().filter(is_here).count() as u64;
            let (rejected, answered) = self.decided.of_group(object, by, value);
            let mut notes = Vec::new();
            if more(found, *reviewed, flagged.len() as u64, all) {
                notes.push("flagged more often than the others");
            }
            if answered >= COMPARED && more(rejected, answered, all_rejected, all_answered) {
                notes.push("rejected more often than the others");
            }
            let note = if notes.is_empty() {
                String::new()
            } else {
                format!("  {}: {} finds out why", notes.join(" and "), self.approver)
            };
            let answers = if answered < COMPARED {
                format!("{answered} decided: too few")
            } else {
                shares(rejected, answered)
            };
            let row = format!(
                "  {:<24} {:<34} {answers:<34}{note}",
                visible(value).chars().take(24).collect::<String>(),
                shares(found, *reviewed),
            );
            words += row.trim_end();
            words += "\n";
        }
        words
    }
}

/// `12 of 40, 30.0 % (18.1 % to 45.4 %)`.
fn shares(part: u64, whole: u64) -> String {
    let Some(rate) = Rate::of(part, whole) else { return format!("{part} of {whole}") };
    format!("{part} of {whole}, {rate}")
}

/// Of each table and of each group, how many proposals were rejected, of how many that were approved or
/// rejected.
#[derive(Default)]
struct Decided(BTreeMap<(Object, Option<(By, String)>), Answers>);

type Answers = (u64, u64);

impl Decided {
    /// By the last decision on each proposal of the packets of the 26 weeks up to a day that are kept.
    fn read(runs: &Path, ledger: &Chain, day: NaiveDate) -> Self {
        let mut decided = Self::default();
        for (run, last) in metrics::last_decisions(ledger.entries(), metrics::recent(day)) {
            let lines = Findings::of(runs, run).and_then(|findings| findings.bare());
            let Ok(lines) = lines else { continue };
            for line in lines {
                let verdict = last.get(&*line.id).map(|one| one.decision.verdict());
                let (Some(verdict), Some(object)) = (verdict, Object::parse(&line.object)) else {
                    continue;
                };
                let rejected = match verdict {
                    Verdict::Approve { .. } | Verdict::Reject(Reason::AlreadyFixed) => 0,
                    Verdict::Reject(Reason::LookedInto) | Verdict::Escalate { .. } => continue,
                    Verdict::Reject(_) => 1,
                };
                let groups = of_groups(&line).into_iter().map(Some).chain([None]);
                for group in groups {
                    let counts = decided.0.entry((object, group)).or_default();
                    *counts = (counts.0 + rejected, counts.1 + 1);
                }
            }
        }
        decided
    }

    fn of(&self, object: Object) -> Answers {
        self.0.get(&(object, None)).copied().unwrap_or_default()
    }

    fn of_group(&self, object: Object, by: By, value: &str) -> Answers {
        self.0.get(&(object, Some((by, value.to_owned())))).copied().unwrap_or_default()
    }
}
