//! The quarter on one page: where the metric stands, whether the review keeps its pace, what came of
//! approvals, what the rules were worth and how they changed, which decisions were corrected, and what the
//! owners should go through together.
//!
//! All of it comes from the ledger and from what the packets left behind. It counts packets, proposals and
//! records, and no person's work.
//! Does not: read an export, judge a record, or say what a law asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use crate::check::{ALL, Family};
use crate::config::Config;
use crate::finding::FindingId;
use crate::gate::Verdict;
use crate::ledger::{self, Chain, Decided, Decisions, Run, Tally};
use crate::metrics::{self, Course, Percent, Precision, Quarter, Rate, Week};
use crate::packet::{Happened, How};

use super::history::{self, Memory};
use super::tally::Scope;
use super::{
    Folder, PROGRAM, ReviewError, counted, manifest, paper, procedure::plain, rule_change,
};

/// So many days after its packet a proposal is decided in time: before the next weekly packet.
const IN_TIME: Days = Days::new(7);

/// In so many weeks a fault is there that should be mended at its cause.
const LASTING: u32 = 3;

/// The most corrected decisions that are listed.
const LISTED: usize = 20;

/// The page of a quarter as Markdown: of that of the run recorded last, unless another is named.
pub fn quarter(path: &Path, of: Option<Quarter>) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let Some(latest) = ledger.latest() else {
        return Ok("No run is recorded yet: `crm-review run` makes the first.\n".to_owned());
    };
    let quarter = of.unwrap_or_else(|| Quarter::of(latest.as_of));
    let page = Page {
        config: &config,
        weeks: metrics::weeks(ledger.entries()),
        ledger: &ledger,
        home: folder.path.join("runs"),
        latest,
        runs: ledger::standing(ledger.entries()),
        quarter,
    };
    Ok(page.text())
}

/// What a page is made of.
struct Page<'p> {
    config: &'p Config,
    ledger: &'p Chain,
    /// Where the packets lie.
    home: PathBuf,
    latest: &'p Run,
    runs: BTreeMap<NaiveDate, &'p Run>,
    weeks: Vec<Week>,
    quarter: Quarter,
}

impl<'p> Page<'p> {
    fn text(&self) -> String {
        let Self { quarter, ledger, .. } = self;
        let runs = self.runs_of(*quarter);
        let until = runs.last().map_or_else(String::new, |run| format!(", up to {}", run.as_of));
        let mut page = format!(
            "# {}: the CRM review in {quarter}\n\n\
             {} to {}: {}{until}. Made by {PROGRAM} (`crm-review quarter`) from the ledger, whose head is \
             `{}`, and from what the packets left. It counts packets, proposals and records, and no person's \
             work; it is no certification and no legal advice.\n",
            plain(&self.config.organisation),
            quarter.first(),
            quarter.last(),
            counted(runs.len(), "packet"),
            ledger.head(),
        );
        if runs.is_empty() {
            page += "\nNo packet was made in this quarter.\n";
            return page;
        }
        let parts: [(&str, String); 7] = [
            ("The one metric", self.metric()),
            ("Cadence", self.cadence()),
            ("Exceptions", self.exceptions()),
            ("Rules", self.rules()),
            ("Corrected decisions", self.corrected()),
            ("Data and system", self.data()),
            ("To go through together", self.agenda()),
        ];
        for (title, text) in parts {
            let _ = write!(page, "\n## {title}\n\n{text}");
        }
        page
    }

    fn runs_of(&self, quarter: Quarter) -> Vec<&'p Run> {
        self.runs.values().copied().filter(|run| quarter.holds(run.as_of)).collect()
    }

    /// Packets with the rate and the figures it is made of, and where it goes.
    fn metric(&self) -> String {
        let mut text = "| packet | reviewed | flagged | approved | rejected | escalated | undecided | corrected | rate |\n\
                        | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
        for week in self.weeks.iter().filter(|week| self.quarter.holds(week.day)) {
            let figures = week.inputs().map(|figure| figure.to_string()).join(" | ");
            let others = if week.breaks { "; not comparable with those above" } else { "" };
            let _ = writeln!(text, "| {} | {figures} | {}{others} |", week.day, week.rate_words());
        }
        let so_far: Vec<Week> =
            self.weeks.iter().filter(|week| week.day <= self.quarter.last()).cloned().collect();
        let _ = write!(text, "\n{}", Course::words(Course::of(&so_far)));
        let of = |quarter: Quarter| {
            so_far.iter().rposition(|week| quarter.holds(week.day) && week.tally.open == 0)
        };
        if let (Some(before), Some(now)) = (of(self.quarter.before()), of(self.quarter))
            && let (Some(first), Some(since)) = (so_far.get(before), so_far.get(before + 1..=now))
        {
            let others = if since.iter().any(|week| week.breaks) {
                ", under other rules, fields or another batch"
            } else {
                ""
            };
            let (day, rate) = (first.day, first.rate_words());
            let _ = write!(
                text,
                " The last decided packet of the quarter before{others}: {rate}, {day}."
            );
        }
        text + "\n"
    }

    /// Month by month whether there were packets, and whether they were decided in time.
    fn cadence(&self) -> String {
        let mut text =
            "| month | packets | complete | decided in full | proposals decided within 7 days |\n\
             | --- | --- | --- | --- | --- |\n"
                .to_owned();
        let runs = self.runs_of(self.quarter);
        // Before the first packet there was no review, and what lies ahead cannot have been missed.
        let known = (self.runs.keys().next(), self.runs.keys().next_back());
        let (Some(first), Some(last)) = known else { return text };
        let (from, until) = (self.quarter.first().max(*first), self.quarter.last().min(*last));
        let month = |day: NaiveDate| (day.year(), day.month());
        let months: BTreeSet<_> =
            from.iter_days().take_while(|day| *day <= until).map(month).collect();
        for (year, number) in months {
            let runs = || runs.iter().filter(|run| run.as_of.month() == number);
            let complete = runs().filter(|run| run.complete).count();
            let full = runs().filter(|run| run.complete && self.tally(run).undecided == 0).count();
            let asked: u64 = runs().map(|run| self.tally(run).proposals()).sum();
            let late: u64 = runs().map(|run| self.tally(run).undecided + self.late(run)).sum();
            let _ = writeln!(
                text,
                "| {year}-{number:02} | {} | {complete} | {full} | {} |",
                runs().count(),
                share(asked.saturating_sub(late), asked),
            );
        }
        let mondays = |day: NaiveDate| day.week(Weekday::Mon).first_day();
        let weeks: BTreeSet<NaiveDate> =
            from.iter_days().take_while(|day| *day <= until).map(mondays).collect();
        let reviewed: BTreeSet<NaiveDate> = self.runs.keys().copied().map(mondays).collect();
        let without = weeks.difference(&reviewed).count();
        let _ = writeln!(
            text,
            "\n{} of {} had no packet. A packet is decided in full when it is complete and nothing of it is \
             undecided; counted are proposals of the metric's kinds. Within 7 days of its packet's day is what \
             says so in `decided_at`, whenever its file was recorded.",
            without,
            counted(weeks.len(), "week"),
        );
        text
    }

    /// The decisions files of a packet.
    fn decisions_on(&self, run: &Run) -> impl Iterator<Item = &'p Decisions> {
        self.ledger.decisions().filter(move |decisions| decisions.run == run.id)
    }

    /// What of a packet's proposals is decided by now.
    fn tally(&self, run: &Run) -> Tally {
        self.decisions_on(run).last().map_or(run.tally, |decisions| decisions.tally)
    }

    /// What was decided on the packets of some days, but for those that were taken back.
    fn decided_in(&self, days: RangeInclusive<NaiveDate>) -> impl Iterator<Item = &'p Decided> {
        let runs = self.ledger.runs().filter(|run| days.contains(&run.as_of));
        let runs: BTreeSet<&str> = runs.map(|run| run.id.as_str()).collect();
        let decisions = self.ledger.counted().filter(move |it| runs.contains(&*it.run));
        decisions.flat_map(|decisions| &decisions.decided)
    }

    /// How many of a packet's proposals, of the metric's kinds, were decided on it or one of its day before
    /// it, and not in time, by when their first decision says that it was made.
    fn late(&self, run: &Run) -> u64 {
        let mut first: BTreeMap<&FindingId, NaiveDate> = BTreeMap::new();
        let decided = self.decided_in(run.as_of..=run.as_of);
        let counted = decided.filter(|one| {
            family_of(&one.rule).is_some_and(|family| Scope::of(family) == Scope::Routing)
        });
        for one in counted {
            let day = one.decision.at().with_timezone(&self.config.zone).date_naive();
            first.entry(&one.finding).and_modify(|first| *first = day.min(*first)).or_insert(day);
        }
        let until = run.as_of.checked_add_days(IN_TIME);
        first.values().filter(|day| until.is_some_and(|until| **day > until)).count() as u64
    }

    /// What was found, what became of it, and what came of approvals.
    fn exceptions(&self) -> String {
        let Some(last) = self.runs_of(self.quarter).pop() else { return String::new() };
        let memory = match history::remembered(&self.home, last) {
            Ok(memory) => memory,
            Err(why) => {
                return format!("What was found is not known: {}.\n", plain(&why.in_a_sentence()));
            }
        };
        let mut text = format!(
            "| family | new | resolved after approval | resolved otherwise | open in the last packet | of these in {LASTING} weeks or more |\n\
             | --- | --- | --- | --- | --- | --- |\n"
        );
        for family in Family::ALL {
            let is_of = |memory: &&Memory| family_of(&memory.rule) == Some(family);
            let of = || memory.values().filter(is_of);
            let resolved = |is: fn(How) -> bool| {
                let resolved = of().filter_map(|memory| memory.resolved);
                resolved.filter(|(day, how)| self.quarter.holds(*day) && is(*how)).count()
            };
            let row = [
                of().filter(|memory| self.quarter.holds(memory.first)).count(),
                resolved(|how| how == How::AfterApproval),
                resolved(|how| how != How::AfterApproval),
                of().filter(|memory| memory.is_open(last)).count(),
                of().filter(|memory| memory.is_lasting(last)).count(),
            ];
            if row.iter().any(|count| *count > 0) {
                let row = row.map(|count| count.to_string()).join(" | ");
                let _ = writeln!(text, "| {} | {row} |", family.title());
            }
        }
        let lasting = |memory: &BTreeMap<FindingId, Memory>, run: &Run| {
            memory.values().filter(|memory| memory.is_lasting(run)).count()
        };
        if let Some(before) = self.runs_of(self.quarter.before()).pop()
            && let Ok(then) = history::remembered(&self.home, before)
        {
            let _ = writeln!(
                text,
                "\nIn {LASTING} weeks or more: {} now, {} at the end of the quarter before.",
                lasting(&memory, last),
                lasting(&then, before),
            );
        }
        text + &self.approvals()
    }

    /// What came of the proposals that were approved, as far as later packets tell. One that was decided on
    /// several packets counts once, as it was decided last.
    fn approvals(&self) -> String {
        let memory = history::remembered(&self.home, self.latest).unwrap_or_default();
        let mut fates: BTreeMap<&str, u64> = BTreeMap::new();
        let mut approved = 0;
        let decided = self.decided_in(self.quarter.days());
        let last: BTreeMap<&FindingId, &Decided> =
            decided.map(|decided| (&decided.finding, decided)).collect();
        for decided in last.values() {
            if matches!(decided.decision.verdict(), Verdict::Approve { .. }) {
                approved += 1;
                let fate = memory.get(&decided.finding).and_then(|memory| memory.change);
                let words = fate.map_or("not told by a later packet", |(_, fate)| fate.word());
                *fates.entry(words).or_default() += 1;
            }
        }
        if approved == 0 {
            return "\nNothing was approved.\n".to_owned();
        }
        let applied = fates.get(Happened::Applied.word()).copied().unwrap_or_default();
        let mut text = format!(
            "\nApproved: {approved}. Applied, as the records show: {}.\n",
            share(applied, approved)
        );
        fates.remove(Happened::Applied.word());
        for (word, count) in fates {
            let _ = writeln!(text, "* {}: {count}", word.replace('-', " "));
        }
        text
    }

    /// How often each rule was right, beside the quarter before; and what was changed.
    fn rules(&self) -> String {
        let of = |quarter: Quarter| metrics::precision(self.ledger.entries(), quarter.days());
        let (now, before) = (of(self.quarter), of(self.quarter.before()));
        let mut text = if now.is_empty() {
            "Nothing was decided, so nothing is known of the rules.\n".to_owned()
        } else {
            "| rule | decided | right (95 %) | quarter before | most often rejected as |\n\
             | --- | --- | --- | --- | --- |\n"
                .to_owned()
        };
        for rule in &now {
            let earlier = before.iter().find(|earlier| earlier.rule == rule.rule);
            let right = |rule: &Precision| rule.rate().map(|rate| rate.to_string());
            let [now, earlier] =
                [Some(rule), earlier].map(|rule| rule.and_then(right).unwrap_or_default());
            let most = rule.most_rejected();
            let decided = rule.right + rule.wrong();
            let _ = writeln!(text, "| {} | {decided} | {now} | {earlier} | {most} |", rule.rule);
        }
        let changes = self.rule_changes();
        if changes.is_empty() {
            return text + "\nNo rule was changed.\n";
        }
        text + "\nChanged, by the first packet under it:\n\n" + &list("*", &changes)
    }

    /// What the rules of each packet say otherwise than those of the packet before.
    fn rule_changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        let runs: Vec<&Run> = self.runs.values().copied().collect();
        let pairs = runs.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        for (before, now) in pairs.filter(|(_, now)| self.quarter.holds(now.as_of)) {
            if before.definition == now.definition {
                continue;
            }
            let kept = |run| rule_change::kept(&self.home, run);
            let (Some(then), Some(kept)) = (kept(before), kept(now)) else {
                changes.push(format!("{}: the text of the rules is not kept", now.as_of));
                continue;
            };
            let mut edits = then.edits(&kept);
            if edits.is_empty() {
                edits.push(rule_change::reread());
            }
            for (file, words) in edits {
                let words = plain(&words.join("; "));
                changes.push(format!("{}: {file}: {words}", now.as_of));
            }
        }
        changes
    }

    /// Decisions that were taken back: the proposal was approved or rejected, and then otherwise.
    fn corrected(&self) -> String {
        let mut last: BTreeMap<(&str, &FindingId), &Decided> = BTreeMap::new();
        let mut corrected = Vec::new();
        for decisions in self.ledger.counted() {
            let run = self.ledger.runs().find(|run| run.id == decisions.run);
            let Some(run) = run.filter(|run| self.quarter.holds(run.as_of)) else { continue };
            for decided in &decisions.decided {
                let before = last.insert((&run.id, &decided.finding), decided);
                let verdict = decided.decision.verdict();
                if let Some(before) = before.map(|before| before.decision.verdict())
                    && !matches!(before, Verdict::Escalate { .. })
                    && before != verdict
                {
                    corrected.push(format!(
                        "`{}` ({}, packet of {}): {}, then {}",
                        decided.finding,
                        decided.rule,
                        run.as_of,
                        said(before),
                        said(verdict),
                    ));
                }
            }
        }
        if corrected.is_empty() {
            return "None: no decision was taken back.\n".to_owned();
        }
        let more = corrected.len().saturating_sub(LISTED);
        corrected.truncate(LISTED);
        if more > 0 {
            corrected.push(format!("and {more} more, in ledger.jsonl"));
        }
        list("*", &corrected)
    }

    /// What may be read, by which versions, and what packets lacked.
    fn data(&self) -> String {
        let boundary = &self.config.boundary;
        let fields: usize = boundary.objects().map(|object| boundary.fields(object).count()).sum();
        let mut text = format!(
            "* {} of {} may be read, each with its reason in rules/boundary.toml.\n",
            counted(fields, "field"),
            counted(boundary.objects().count(), "table"),
        );
        let kept = |run: &Run| manifest::kept(&paper::home(&self.home, run).ok()?);
        let runs = self.runs_of(self.quarter);
        let programs: BTreeSet<String> =
            runs.iter().filter_map(|run| Some(kept(run)?.program)).collect();
        if !programs.is_empty() {
            let programs: Vec<String> = programs.into_iter().collect();
            let _ = writeln!(text, "* The packets were made by {}.", programs.join(" and "));
        }
        for run in runs.iter().filter(|run| !run.complete) {
            let missing = kept(run).map(|kept| kept.missing.join("; "));
            let why = missing.filter(|why| !why.is_empty());
            let why = why.unwrap_or_else(|| "what it lacked is not kept".to_owned());
            let _ = writeln!(text, "* The packet of {} is incomplete: {}", run.as_of, plain(&why));
        }
        text
    }

    /// What no figure settles.
    fn agenda(&self) -> String {
        let gate = &self.config.gate;
        let backup = gate.backup().map_or_else(String::new, |name| format!(" and {}", plain(name)));
        let mut points = vec![format!(
            "{}{backup}: still the right people to decide, with the right roles? (rules/approvals.toml)",
            plain(gate.approver())
        )];
        let rules = metrics::precision(self.ledger.entries(), self.quarter.days());
        let budget = gate.precision_budget();
        for rule in rules.iter().filter(|rule| rule.is_below(budget)) {
            points.push(format!(
                "{} is right less often than {}: change it, or switch it off",
                rule.rule,
                Percent(budget)
            ));
        }
        let last = self.runs_of(self.quarter).pop();
        let escalated = last.map_or(0, |run| self.tally(run).escalated);
        if escalated > 0 {
            points.push(format!(
                "{escalated} of the last packet's proposals were passed on and wait for an answer"
            ));
        }
        points.extend(
            [
                "Faults that last: what makes them, and who mends it there? (`crm-review patterns`)",
                "Are segments treated alike, and who finds out why not? (`crm-review patterns`)",
                "Each field that may be read: still needed, for the reason that stands beside it? \
                 (rules/boundary.toml)",
                "The time the review takes and saves: ask those who do it; it is not measured",
                "Laws, contracts and the CRM's terms: did any change? That is for counsel to say; this page \
                 interprets none",
            ]
            .map(str::to_owned),
        );
        list("- [ ]", &points)
    }
}

impl Memory {
    /// True for what the packet of a run asks about or lists.
    fn is_open(&self, run: &Run) -> bool {
        self.resolved.is_none() && self.last == run.as_of
    }

    fn is_lasting(&self, run: &Run) -> bool {
        self.is_open(run) && self.weeks >= LASTING
    }
}

fn family_of(rule: &str) -> Option<Family> {
    ALL.iter().find(|check| check.code == rule).map(|check| check.family)
}

/// Points under each other.
fn list(mark: &str, points: &[String]) -> String {
    points.iter().fold(String::new(), |text, point| text + mark + " " + point + "\n")
}

/// `12 of 40 (30.0 %)`.
fn share(part: u64, whole: u64) -> String {
    let share = Rate::of(part, whole);
    share.map_or_else(
        || "none".to_owned(),
        |rate| format!("{part} of {whole} ({})", Percent(rate.share)),
    )
}

/// A verdict as something that was said.
fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approve { .. } => "approved".to_owned(),
        Verdict::Reject(reason) => format!("rejected ({})", reason.phrase()),
        Verdict::Escalate { to, .. } => format!("passed on to {}", plain(to)),
    }
}
