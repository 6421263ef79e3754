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

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use crate::finding::FindingId;
use crate::gate::{Reason, Verdict};
use crate::ledger::{Decided, Entry, Run, Tally};

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
    /// The digest of the rules and the batch definition.
    definition: String,
}

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The share.
    pub share: f64,
    /// The interval's lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
}

impl Rate {
    /// `part` of `whole`, with the Wilson score interval; nothing where there is no whole.
    ///
    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    /// the American Statistical Association 22 (1927), 209–212; recommended for small counts by Brown,
    /// Cai and `DasGupta`, "Interval estimation for a binomial proportion", Statistical Science 16 (2001),
    /// 101–133, where it is formula (4).
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        /// The 97.5 % point of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if whole == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
        let (part, whole) = (part.min(whole) as f64, whole as f64);
        let share = part / whole;
        let square = Z * Z;
        let middle = (part + square / 2.0) / (whole + square);
        let spread = Z / (whole + square) * (part * (whole - part) / whole + square / 4.0).sqrt();
        // At either end the formula gives the end itself, but for rounding.
        let from = if part <= 0.0 { 0.0 } else { (middle - spread).max(0.0) };
        let to = if part >= whole { 1.0 } else { (middle + spread).min(1.0) };
        Some(Self { share, from, to })
    }
}

/// `4.2 %`.
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0 * 100.0)
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
        Self { day, reviewed, tally, breaks, definition: definition.to_owned() }
    }

    /// The rate if nothing more is approved.
    pub fn lower(&self) -> Option<Rate> {
        Rate::of(self.tally.corrected, self.reviewed)
    }

    /// The rate if all that is undecided or escalated is approved.
    pub fn upper(&self) -> Option<Rate> {
        Rate::of(self.tally.corrected + self.tally.open, self.reviewed)
    }

    /// The rate in words: a range while something is undecided, and the interval that holds both ends.
    pub fn rate_words(&self) -> String {
        let (Some(lower), Some(upper)) = (self.lower(), self.upper()) else {
            return "no record was under review, so there is no rate".to_owned();
        };
        let share = if self.tally.open == 0 {
            Percent(lower.share).to_string()
        } else {
            format!("{} to {}", Percent(lower.share), Percent(upper.share))
        };
        format!("{share} (95 %: {} to {})", Percent(lower.from), Percent(upper.to))
    }
}

/// The weeks that the ledger tells of, oldest first: of each day the last run, as it was decided.
pub fn weeks(entries: &[Entry]) -> Vec<Week> {
    let mut runs: Vec<(&Run, Tally)> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Run(run) => {
                // A run that is recorded anew keeps what was decided on it.
                let same = runs.iter().find(|(earlier, _)| earlier.id == run.id);
                let tally = same.map_or(run.tally, |(_, tally)| *tally);
                runs.retain(|(earlier, _)| earlier.as_of != run.as_of);
                runs.push((run, tally));
            }
            Entry::Decisions(decisions) => {
                let of = runs.iter_mut().find(|(run, _)| run.id == decisions.run);
                if let Some((_, tally)) = of {
                    *tally = decisions.tally;
                }
            }
        }
    }
    runs.sort_by_key(|(run, _)| run.as_of);
    let mut weeks: Vec<Week> = Vec::new();
    for (run, tally) in runs {
        let week = Week::new(run.as_of, run.reviewed, tally, &run.definition, weeks.last());
        weeks.push(week);
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
    /// The rejections by their reason, those because it was fixed included.
    pub rejected: BTreeMap<Reason, u64>,
}

impl Precision {
    /// Proposals that were rejected because something was wrong with them.
    pub fn wrong(&self) -> u64 {
        let wrong = self.rejected.iter().filter(|(reason, _)| **reason != Reason::AlreadyFixed);
        wrong.map(|(_, count)| *count).sum()
    }

    /// True where the rule is right less often than that share, doubt allowed for.
    pub fn is_below(&self, budget: f64) -> bool {
        self.rate().is_some_and(|rate| rate.to < budget)
    }

    /// The share that was right, with its interval.
    pub fn rate(&self) -> Option<Rate> {
        Rate::of(self.right, self.right + self.wrong())
    }
}

/// The precision of every rule over the packets of the last 26 weeks, by the last decision on each
/// proposal of each packet.
pub fn precision(entries: &[Entry]) -> Vec<Precision> {
    const WEEKS: chrono::Days = chrono::Days::new(26 * 7);
    let mut days: BTreeMap<&str, NaiveDate> = BTreeMap::new();
    let mut last: BTreeMap<(&str, &FindingId), &Decided> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Run(run) => {
                days.insert(&run.id, run.as_of);
            }
            Entry::Decisions(decisions) => last
                .extend(decisions.decided.iter().map(|one| ((&*decisions.run, &one.finding), one))),
        }
    }
    let since = days.values().max().and_then(|day| day.checked_sub_days(WEEKS));
    let mut rules: BTreeMap<&str, Precision> = BTreeMap::new();
    for ((run, _), decided) in last {
        if days.get(run) <= since.as_ref() {
            continue;
        }
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
    text += &format!(
        "Not in the rate: {outside} approved corrections of the lead source and the system of record.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(part: u64, whole: u64, from: f64, to: f64) {
        let rate = Rate::of(part, whole).unwrap();
        assert!((rate.from - from).abs() < 5e-5, "{rate:?}");
        assert!((rate.to - to).abs() < 5e-5, "{rate:?}");
        assert!(rate.from <= rate.share && rate.share <= rate.to, "{rate:?}");
    }

    #[test]
    fn the_interval_is_wilson_s() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(29, 29, 0.8830, 1.0);
    }

    #[test]
    fn over_nothing_there_is_no_rate() {
        assert_eq!(Rate::of(0, 0), None);
        assert_eq!(Rate::of(1, 0), None);
        assert_eq!(Rate::of(3, 2).unwrap().share.to_bits(), 1.0_f64.to_bits());
    }
}
