//! The one metric: the routing exception rate, from the ledger alone; beside it how often rules are right.
//!
//! Of the records under review, the share that needed a manual correction of routing, owner, lifecycle,
//! duplicates or required fields after the first pass. A record counts once, whatever is wrong with it;
//! of a duplicate cluster the records count that are folded away. Approved corrections are the lower
//! bound; with what is undecided or escalated on top, the upper one. Corrections of the lead source and
//! of the system of record are counted beside it. A case counts in the week in which it is decided: what
//! was decided in an earlier week and still stands is not counted again.
//!
//! Does not: read a packet, or say that a rate is good.

mod quarter;
mod share;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::gate::{Reason, Verdict};
use crate::ledger::{self, Decided, Entry, Run};

pub use crate::ledger::Tally;
pub use quarter::Quarter;
pub use share::{Percent, Rate, chance, surprise};

/// A week of the trend.
#[derive(Debug, Clone, PartialEq)]
pub struct Week {
    /// The day of its review.
    pub day: NaiveDate,
    /// Records under review.
    pub reviewed: u64,
    /// What was proposed and decided.
    pub tally: Tally,
    /// Whether rules, fields or batch were others the week before: the trend breaks in front of it.
    pub breaks: bool,
    /// Whether something is missing from its packet, records or what was seen before: then there is no rate, and it is held against none.
    pub withheld: bool,
    /// Since when its cases have come together.
    holds: Holds,
    /// The digest of the rules and the batch definition.
    definition: String,
}

/// What a week holds of cases: each counts in the week in which it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// All that was wrong until then: no packet under the same rules was decided before it.
    Backlog,
    /// What came up in so many days: since the packet before it that was decided.
    Days(i64),
    /// What came up since, and what packets before it left undecided or could not see.
    Leftovers,
}

/// How a share moved between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It fell: the interval of the difference lies below zero.
    Falls,
    /// It rose: the interval lies above zero.
    Rises,
    /// The samples are too small, or too alike, to tell.
    CannotTell,
}

impl Move {
    fn between(before: Option<Rate>, now: Option<Rate>) -> Self {
        let (Some(before), Some(now)) = (before, now) else { return Self::CannotTell };
        match now.less(before) {
            (_, to) if to < 0.0 => Self::Falls,
            (from, _) if from > 0.0 => Self::Rises,
            (_, _) => Self::CannotTell,
        }
    }
}

/// Where the metric goes: the last week that is decided, held against those before it that hold the new cases
/// of as many days.
///
/// A falling rate alone is no improvement: less may be found, rather than less be wrong. So what reviewers
/// reject is part of the verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// The day of the week that is judged.
    pub day: NaiveDate,
    /// How many weeks before it it is held against: at most [`Course::BEFORE`], none beyond a break.
    pub weeks: usize,
    /// Of how many days each of them holds the new cases.
    pub days: i64,
    /// The routing exception rate.
    pub rate: Move,
    /// The share of the decided proposals that was rejected.
    pub rejected: Move,
}

/// Why there is no [`Course`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCourse {
    /// Too few packets are decided under the present rules.
    TooFew,
    /// The week of that day holds leftovers of those before it.
    Leftovers(NaiveDate),
    /// The week of that day holds the new cases of so many days, and none before it does.
    Alone(NaiveDate, i64),
}

impl Course {
    /// Weeks that a week is held against.
    pub const BEFORE: usize = 4;

    /// The course of weeks in their order.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn of(weeks: &[Week]) -> Result<Self, NoCourse> {
        let is_rated = |week: &&Week| week.is_decided() && week.reviewed > 0;
        let mut decided: Vec<&Week> = comparable(weeks).iter().filter(is_rated).collect();
        let last = decided.pop().ok_or(NoCourse::TooFew)?;
        let days = match last.holds {
            Holds::Backlog => return Err(NoCourse::TooFew),
            Holds::Days(days) => days,
            Holds::Leftovers => return Err(NoCourse::Leftovers(last.day)),
        };
        let any_days = decided.iter().any(|week| matches!(week.holds, Holds::Days(_)));
        decided.retain(|week| week.is_like(last));
        if decided.is_empty() {
            return Err(if any_days { NoCourse::Alone(last.day, days) } else { NoCourse::TooFew });
        }
        let earlier = decided.split_off(decided.len().saturating_sub(Self::BEFORE));
        let sum = |of: fn(&Week) -> u64| earlier.iter().map(|week| of(week)).sum::<u64>();
        let (corrected, open, reviewed) = (
            sum(|week| week.tally.corrected),
            sum(|week| week.tally.open),
            sum(|week| week.reviewed),
        );
        // What is still escalated counts against the verdict, whichever it is.
        let rate = match (
            Move::between(Rate::of(corrected, reviewed), last.upper()),
            Move::between(Rate::of(corrected + open, reviewed), last.lower()),
        ) {
            (Move::Falls, _) => Move::Falls,
            (_, Move::Rises) => Move::Rises,
            (_, _) => Move::CannotTell,
        };
        let share = |rejected, approved| Rate::of(rejected, rejected + approved);
        // What somebody closed or had mended already was not found wrong.
        let rejected = |week: &Week| {
            let Tally { rejected, looked_into, already_fixed, .. } = week.tally;
            rejected.saturating_sub(looked_into + already_fixed)
        };
        let rejected = Move::between(
            share(sum(rejected), sum(|week| week.tally.approved)),
            share(rejected(last), last.tally.approved),
        );
        Ok(Self { day: last.day, weeks: earlier.len(), days, rate, rejected })
    }

    /// The verdict in a sentence or two, or why there is none.
    pub fn words(course: Result<Self, NoCourse>) -> String {
        let new_cases =
            |days: i64| format!("the new cases of {days} day{}", if days == 1 { "" } else { "s" });
        let course = match course {
            Ok(course) => course,
            Err(NoCourse::TooFew) => {
                return "No verdict yet: the first packet under its rules holds all that was wrong until then; it \
                        takes two after it whose proposals are all decided."
                    .to_owned();
            }
            Err(NoCourse::Leftovers(day)) => {
                return format!(
                    "No verdict on the packet of {day}: beside new cases it holds what the packets before it left \
                     undecided or could not see."
                );
            }
            Err(NoCourse::Alone(day, days)) => {
                return format!(
                    "No verdict on the packet of {day}: it holds {}, and no decided packet before it under the \
                     same rules holds those of as many.",
                    new_cases(days)
                );
            }
        };
        let says = match (course.rate, course.rejected) {
            (Move::Falls, Move::Rises) => {
                "The rate fell, and reviewers reject more: less may be found, rather than less be wrong. Look at the rules before believing it"
            }
            (Move::Falls, Move::Falls | Move::CannotTell) => {
                "Improving: the rate fell, and reviewers do not reject more"
            }
            (Move::Rises, Move::Rises) => {
                "The rate rose, and reviewers reject more: the rules may find too much. Look at them first"
            }
            (Move::Rises, Move::Falls | Move::CannotTell) => {
                "Getting worse: the rate rose, and reviewers do not reject more"
            }
            (Move::CannotTell, Move::Rises) => {
                "No change of the rate that can be told; reviewers reject more, so the rules need work"
            }
            (Move::CannotTell, Move::Falls) => {
                "No change of the rate that can be told; reviewers reject less, so the rules get better"
            }
            (Move::CannotTell, Move::CannotTell) => "No change that can be told",
        };
        let against = match course.weeks {
            1 => "the decided packet before it".to_owned(),
            weeks => format!("the {weeks} decided packets before it"),
        };
        let each = new_cases(course.days);
        format!("{says} (packet of {} against {against}, each with {each}).", course.day)
    }
}

impl Week {
    /// What the rate is made of, as it is always shown: reviewed, flagged, approved, rejected, escalated,
    /// undecided and corrected after the first pass.
    pub fn inputs(&self) -> [u64; 7] {
        let Tally { flagged, approved, rejected, escalated, undecided, corrected, .. } = self.tally;
        [self.reviewed, flagged, approved, rejected, escalated, undecided, corrected]
    }

    /// A week, of which `before` is the one before it.
    pub fn new(
        day: NaiveDate,
        reviewed: u64,
        tally: Tally,
        definition: &str,
        before: Option<&Self>,
    ) -> Self {
        let breaks = before.is_some_and(|before| before.definition != definition);
        let holds = match before.filter(|_| !breaks) {
            None => Holds::Backlog,
            Some(before) => before.leaves(day),
        };
        let definition = definition.to_owned();
        Self { day, reviewed, tally, breaks, withheld: false, holds, definition }
    }

    /// What it leaves to the week of a day after it.
    fn leaves(&self, day: NaiveDate) -> Holds {
        let days = day.signed_duration_since(self.day).num_days();
        let Tally { approved, rejected, escalated, .. } = self.tally;
        match self.holds {
            _ if self.is_decided() => Holds::Days(days),
            _ if approved + rejected + escalated > 0 => Holds::Leftovers,
            Holds::Days(before) => Holds::Days(before + days),
            holds @ (Holds::Backlog | Holds::Leftovers) => holds,
        }
    }

    /// True where all that it proposes is decided, and it could see everything.
    pub fn is_decided(&self) -> bool {
        self.tally.undecided == 0 && !self.withheld
    }

    /// True where both hold the new cases of as many days, so that their rates compare.
    pub fn is_like(&self, other: &Self) -> bool {
        matches!(self.holds, Holds::Days(_)) && self.holds == other.holds
    }

    /// The same week of a packet that lacks something: its rate is withheld.
    #[must_use]
    pub fn lacking(self, missing: &[String]) -> Self {
        Self { withheld: !missing.is_empty(), ..self }
    }

    /// The rate if nothing more is approved.
    pub fn lower(&self) -> Option<Rate> {
        self.of(self.tally.corrected)
    }

    /// The rate if all that is undecided or escalated needed a correction.
    pub fn upper(&self) -> Option<Rate> {
        self.of(self.tally.corrected + self.tally.open)
    }

    fn of(&self, records: u64) -> Option<Rate> {
        Rate::of(records, self.reviewed).filter(|_| !self.withheld)
    }

    /// The rate as one figure: while something is open, what it is at most; nothing where there is none.
    pub fn figure(&self) -> Option<String> {
        let [lower, upper] = [self.lower()?, self.upper()?].map(|rate| Percent(rate.share));
        Some(match (self.tally.open, self.tally.corrected) {
            (0, _) => lower.to_string(),
            (_, 0) => format!("at most {upper}"),
            (_, _) => format!("{lower} to {upper}"),
        })
    }

    /// The rate in words: a range while something is undecided, and the interval that holds both ends.
    pub fn rate_words(&self) -> String {
        let (Some(lower), Some(upper)) = (self.lower(), self.upper()) else {
            return if self.withheld {
                "withheld, because the packet is incomplete".to_owned()
            } else {
                "no record was under review, so there is no rate".to_owned()
            };
        };
        let share = if self.tally.open == 0 {
            Percent(lower.share).to_string()
        } else {
            format!("{} to {}", Percent(lower.share), Percent(upper.share))
        };
        format!("{share} (95 %: {} to {})", Percent(lower.from), Percent(upper.to))
    }
}

/// The last weeks under the same rules: those since rules, fields or batch changed. Of their rates only those
/// compare that [are alike](Week::is_like).
pub fn comparable(weeks: &[Week]) -> &[Week] {
    let since = weeks.iter().rposition(|week| week.breaks).unwrap_or_default();
    weeks.get(since..).unwrap_or_default()
}

/// The weeks that the ledger tells of, oldest first: the runs that stand, as they were decided.
pub fn weeks(entries: &[Entry]) -> Vec<Week> {
    // A run that is recorded anew keeps what was decided on it.
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Run(run) => {
                tallies.entry(&run.id).or_insert(run.tally);
            }
            Entry::Decisions(decisions) => {
                tallies.insert(&decisions.run, decisions.tally);
            }
        }
    }
    let mut weeks: Vec<Week> = Vec::new();
    for run in ledger::standing(entries).into_values() {
        let tally = tallies.get(run.id.as_str()).copied().unwrap_or(run.tally);
        let week = Week::new(run.as_of, run.reviewed, tally, &run.definition, weeks.last());
        weeks.push(Week { withheld: !run.complete, ..week });
    }
    weeks
}

/// How often a rule was right, by what reviewers decided on its proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precision {
    /// The code of the rule.
    pub rule: String,
    /// Proposals that were approved, or rejected because somebody had fixed them.
    pub right: u64,
    /// The rejections by their reason, those included that find nothing wrong with the rule.
    pub rejected: BTreeMap<Reason, u64>,
}

impl Precision {
    /// Proposals that were rejected because something was wrong with them.
    pub fn wrong(&self) -> u64 {
        let is_wrong = |reason| !matches!(reason, Reason::AlreadyFixed | Reason::LookedInto);
        let wrong = self.rejected.iter().filter(|(reason, _)| is_wrong(**reason));
        wrong.map(|(_, count)| *count).sum()
    }

    /// True where the rule is right less often than that share, doubt allowed for.
    pub fn is_below(&self, budget: f64) -> bool {
        self.rate().is_some_and(|rate| rate.to < budget)
    }

    /// The reason that most rejections gave, and how many did; empty where there is none.
    pub fn most_rejected(&self) -> String {
        let most = self.rejected.iter().max_by_key(|(reason, count)| (**count, Reverse(**reason)));
        most.map_or_else(String::new, |(reason, count)| format!("{} ({count})", reason.phrase()))
    }

    /// The share that was right, with its interval.
    pub fn rate(&self) -> Option<Rate> {
        Rate::of(self.right, self.right + self.wrong())
    }
}

/// The 26 weeks up to a day: so long decisions say something about rules and people.
pub fn recent(day: NaiveDate) -> RangeInclusive<NaiveDate> {
    const BEFORE: chrono::Days = chrono::Days::new(26 * 7 - 1);
    day.checked_sub_days(BEFORE).unwrap_or(NaiveDate::MIN)..=day
}

/// The last decision on each proposal of each packet of some days, by the proposal's id. What a decision on a
/// later packet overruled is none, nor is one on a packet that was taken back.
pub fn last_decisions(
    entries: &[Entry],
    days: RangeInclusive<NaiveDate>,
) -> Vec<(&Run, BTreeMap<&str, &Decided>)> {
    let mut runs: BTreeMap<&str, (&Run, BTreeMap<&str, &Decided>)> = BTreeMap::new();
    let mut on: BTreeMap<&str, &str> = BTreeMap::new();
    let taken_back = ledger::taken_back(entries);
    let is_told = |run: &Run| days.contains(&run.as_of) && !taken_back.contains(run.id.as_str());
    for entry in entries {
        match entry {
            Entry::Run(run) if !is_told(run) => {}
            Entry::Run(run) => {
                let (_, last) = runs.remove(run.id.as_str()).unwrap_or((run, BTreeMap::new()));
                runs.insert(&run.id, (run, last));
            }
            Entry::Decisions(decisions) => {
                if !runs.contains_key(decisions.run.as_str()) {
                    continue;
                }
                for one in &decisions.decided {
                    let before = on.insert(one.finding.as_str(), &decisions.run);
                    let overruled = before.filter(|_| one.overrules);
                    if let Some((_, last)) = overruled.and_then(|before| runs.get_mut(before)) {
                        last.remove(one.finding.as_str());
                    }
                    if let Some((_, last)) = runs.get_mut(decisions.run.as_str()) {
                        last.insert(one.finding.as_str(), one);
                    }
                }
            }
        }
    }
    runs.into_values().collect()
}

/// The precision of every rule, by the last decisions on the packets of some days.
pub fn precision(entries: &[Entry], days: RangeInclusive<NaiveDate>) -> Vec<Precision> {
    let mut rules: BTreeMap<&str, Precision> = BTreeMap::new();
    let last = last_decisions(entries, days);
    for decided in last.iter().flat_map(|(_, last)| last.values()) {
        let rule = rules.entry(&decided.rule).or_insert_with(|| Precision {
            rule: decided.rule.clone(),
            right: 0,
            rejected: BTreeMap::new(),
        });
        match decided.decision.verdict() {
            Verdict::Approve { .. } => rule.right += 1,
            Verdict::Reject(reason) => {
                rule.right += u64::from(*reason == Reason::AlreadyFixed);
                *rule.rejected.entry(*reason).or_default() += 1;
            }
            Verdict::Escalate { .. } => {}
        }
    }
    rules.into_values().filter(|rule| rule.right + rule.wrong() > 0).collect()
}

/// The trend as a table for a person.
pub fn table(weeks: &[Week]) -> String {
    let mut text =
        "Routing exception rate: records that needed a correction of routing, owner, lifecycle,\n\
                    duplicates or required fields, of the records reviewed.\n\n"
            .to_owned();
    text += &format!(
        "{:<10}  {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n",
        "packet",
        "reviewed",
        "flagged",
        "approved",
        "rejected",
        "escalated",
        "undecided",
        "corrected",
        "rate"
    );
    for week in weeks {
        if week.breaks {
            text += "-- rules, fields or batch changed: what stands above is not comparable --\n";
        }
        let [reviewed, flagged, approved, rejected, escalated, undecided, corrected] =
            week.inputs();
        text += &format!(
            "{:<10}  {reviewed:>9} {flagged:>8} {approved:>9} {rejected:>9} {escalated:>9} {undecided:>9} \
             {corrected:>9}  {}\n",
            week.day.to_string(),
            week.rate_words(),
        );
    }
    let outside: u64 = weeks.iter().map(|week| week.tally.outside).sum();
    text += "\nReviewed, flagged and corrected count records, each once; of duplicates those that are folded away.\n\
             Approved, rejected, escalated and undecided count proposals. A range runs from what is approved\n\
             to that and all that is undecided or escalated. In brackets the Wilson 95 % interval.\n";
    text += "Neither young records, which may still be on their way through the router, nor test records are counted.\n";
    text += &format!(
        "Not in the rate: {outside} approved corrections of the lead source and the system of record.\n"
    );
    text += &format!("\n{}\n", Course::words(Course::of(weeks)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corrected, rejected, approved, undecided, and under which rules.
    type Figures = (u64, u64, u64, u64, &'static str);

    /// Packets of a thousand records, each so many days after the one before it.
    fn packets(all: &[(u64, Figures)]) -> Vec<Week> {
        let mut day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let mut made: Vec<Week> = Vec::new();
        for (days, (corrected, rejected, approved, undecided, rules)) in all {
            let (approved, rejected) = (*approved, *rejected);
            let (corrected, undecided) = (*corrected, *undecided);
            let tally = Tally { approved, rejected, undecided, corrected, ..Tally::default() };
            day = day + chrono::Days::new(*days);
            made.push(Week::new(day, 1_000, tally, rules, made.last()));
        }
        made
    }

    /// Weeks after a first one, which holds all that was wrong until then.
    fn weeks(weeks: &[Figures]) -> Vec<Week> {
        let first = (300, 30, 270, 0, "a");
        let all: Vec<_> = std::iter::once(&first).chain(weeks).map(|week| (7, *week)).collect();
        packets(&all)
    }

    #[test]
    fn what_somebody_closed_or_had_mended_is_not_held_against_the_rules() {
        let mut weeks = weeks(&[(100, 10, 90, 0, "a"), (100, 110, 90, 0, "a")]);
        let rejected = |weeks: &[Week]| Course::of(weeks).map(|course| course.rejected);
        assert_eq!(rejected(&weeks), Ok(Move::Rises));
        weeks[2].tally.looked_into = 100;
        assert_eq!(rejected(&weeks), Ok(Move::CannotTell));
        (weeks[2].tally.looked_into, weeks[2].tally.already_fixed) = (40, 60);
        assert_eq!(rejected(&weeks), Ok(Move::CannotTell));
    }

    #[test]
    fn the_verdict_needs_the_rate_and_what_reviewers_reject() {
        let before = [(100, 10, 90, 0, "a"); 4];
        for (last, expect) in [
            // The interval of 5 % against 10 % in four thousand excludes zero; that of 9 % does not.
            ((50, 10, 90, 0, "a"), "Improving"),
            ((50, 40, 60, 0, "a"), "The rate fell, and reviewers reject more"),
            ((150, 10, 90, 0, "a"), "Getting worse"),
            ((150, 40, 60, 0, "a"), "The rate rose, and reviewers reject more"),
            ((90, 10, 90, 0, "a"), "No change that can be told"),
            ((90, 40, 60, 0, "a"), "No change of the rate that can be told; reviewers reject more"),
            ((90, 0, 100, 0, "a"), "No change of the rate that can be told; reviewers reject less"),
            // An undecided packet is not judged: the one before it is.
            ((0, 0, 0, 5, "a"), "No change that can be told"),
            // Behind a break there is nothing to hold it against.
            ((50, 10, 90, 0, "b"), "No verdict yet"),
        ] {
            let all: Vec<_> = before.into_iter().chain([last]).collect();
            let words = Course::words(Course::of(&weeks(&all)));
            assert!(words.starts_with(expect), "{last:?}: {words}");
        }
        assert_eq!(Course::of(&weeks(&before[..1])), Err(NoCourse::TooFew));
    }

    #[test]
    fn only_packets_with_the_new_cases_of_as_many_days_are_held_against_each_other() {
        let week = (10, 1, 9, 0, "a");
        let few = (3, 0, 3, 0, "a");
        let (open, in_part) = ((0, 0, 0, 10, "a"), (5, 0, 5, 5, "a"));
        let verdict = |all: &[(u64, Figures)]| Course::words(Course::of(&packets(all)));
        // Same exports, week by week: the first packet holds the whole backlog.
        let backlog = (7, (100, 10, 90, 0, "a"));
        for all in [&[backlog][..], &[backlog, (7, week)]] {
            assert!(verdict(all).starts_with("No verdict yet: the first packet under"), "{all:?}");
        }
        let no_change = verdict(&[backlog, (7, week), (7, week)]);
        assert_eq!(
            no_change,
            "No change that can be told (packet of 2026-03-23 against the decided packet before it, each with \
             the new cases of 7 days)."
        );
        // A packet for an event holds the cases of the days since the week before, and so does the next.
        let event = [backlog, (7, week), (7, week), (2, few), (5, few), (7, week)];
        assert!(
            verdict(&event[..4]).starts_with("No verdict on the packet of 2026-03-25: it holds")
        );
        assert!(verdict(&event[..5]).contains("holds the new cases of 5 days, and no decided"));
        assert!(verdict(&event).contains("against the 2 decided packets before it, each with"));
        // What nobody looked at is decided a week later, with that of the week.
        let late = [backlog, (7, week), (7, open), (7, week)];
        assert!(verdict(&late[..3]).starts_with("No verdict yet"));
        assert!(verdict(&late).contains("it holds the new cases of 14 days, and no decided"));
        let rest = [backlog, (7, week), (7, in_part), (7, week), (7, week)];
        assert!(verdict(&rest[..4]).contains("what the packets before it left undecided"));
        assert!(verdict(&rest).starts_with("No change that can be told"));
        // What an incomplete packet did not see is in the one after it.
        let mut unseen = packets(&[backlog, (7, week), (7, week)]);
        let tally = unseen[1].tally;
        unseen[1] = unseen[1].clone().lacking(&["leads".to_owned()]);
        unseen[2] = Week::new(unseen[2].day, 1_000, tally, "a", unseen.get(1));
        assert!(Course::words(Course::of(&unseen)).contains("or could not see"));
    }
}
