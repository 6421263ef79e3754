//! What a check judges: the admitted tables, the day, the rules, and views that several checks share.
//!
//! Does not: know the clock. A view is computed at most once and only when somebody asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::boundary::{Batch, Object, Row, named_day, start_of_day};

use super::{
    Policies, deals, duplicates, lead_source, people, reach, routing, sequence, system_of_record,
};

/// The day of the review. Its instant is the day's first moment in the review's zone: what the
/// review judges is what was true when that day began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The day.
    pub day: NaiveDate,
    /// Its first moment.
    pub instant: DateTime<Utc>,
    /// The review's time zone.
    pub zone: Tz,
    /// The last day of which anything is known.
    known: NaiveDate,
}

impl AsOf {
    /// The beginning of a day in a zone.
    pub fn new(day: NaiveDate, zone: Tz) -> Self {
        let instant = start_of_day(day, zone);
        Self { day, instant, zone, known: day }
    }

    /// The same knowledge, and an earlier day from which its age is counted.
    #[must_use]
    pub fn seen_from(self, day: NaiveDate) -> Self {
        Self { known: self.known, ..Self::new(day, self.zone) }
    }

    /// Hours from an instant to the review, negative for the future.
    pub fn hours_since(&self, then: DateTime<Utc>) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "minutes between dates of this era are small"
        )]
        let minutes = (self.instant - then).num_minutes() as f64;
        minutes / 60.0
    }

    /// Calendar days from the day that an instant names to the review, negative for the future.
    pub fn days_since(&self, then: DateTime<Utc>) -> i64 {
        (self.day - named_day(then, self.zone)).num_days()
    }

    /// The instant so many hours before the review; the beginning of time where there is none.
    pub fn hours_ago(&self, hours: f64) -> DateTime<Utc> {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is wanted")]
        let minutes = (hours * 60.0) as i64;
        Duration::try_minutes(minutes)
            .and_then(|ago| self.instant.checked_sub_signed(ago))
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The first moment of which nothing is known: the day is over.
    pub fn end(&self) -> DateTime<Utc> {
        self.known.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, |day| start_of_day(day, self.zone))
    }

    /// True for an instant that cannot have passed: it lies behind the review's day and one day of slack
    /// for time zones.
    pub fn is_ahead(&self, at: DateTime<Utc>) -> bool {
        let limit =
            self.known.checked_add_days(Days::new(2)).map(|day| start_of_day(day, self.zone));
        limit.is_some_and(|limit| at >= limit)
    }

    /// The first moment of the day so many days before the review, in the review's zone; the
    /// beginning of time where there is none. Days are of the calendar: some have 23 or 25 hours.
    pub fn days_ago(&self, days: u32) -> DateTime<Utc> {
        self.day
            .checked_sub_days(Days::new(days.into()))
            .map_or(DateTime::<Utc>::MIN_UTC, |day| start_of_day(day, self.zone))
    }

    /// True for what lies no more than so many days of the calendar before the review.
    pub fn is_within(&self, days: u32, at: DateTime<Utc>) -> bool {
        self.days_since(at) <= i64::from(days)
    }

    /// Calendar days from the day that one instant names to that of another.
    pub fn days_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        (named_day(to, self.zone) - named_day(from, self.zone)).num_days()
    }

    /// The first of the last so many days.
    pub fn first_of(&self, days: u32) -> NaiveDate {
        self.day.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
    }
}

/// The admitted tables.
#[derive(Debug, Default)]
pub struct Pulled(BTreeMap<Object, Batch>);

impl Pulled {
    /// Adds a table.
    pub fn insert(&mut self, batch: Batch) {
        self.0.insert(batch.object(), batch);
    }

    /// A table, if there was an input for it.
    pub fn get(&self, object: Object) -> Option<&Batch> {
        self.0.get(&object)
    }

    /// A table that may still be told which of its records are under review.
    pub fn get_mut(&mut self, object: Object) -> Option<&mut Batch> {
        self.0.get_mut(&object)
    }

    /// The tables themselves, when nobody judges them any more.
    pub fn into_batches(self) -> BTreeMap<Object, Batch> {
        self.0
    }

    /// All tables, in reading order.
    pub fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.0.values()
    }
}

/// Everything a check may look at.
pub struct World<'a> {
    /// The admitted tables.
    pub pulled: &'a Pulled,
    /// The day of the review.
    pub as_of: AsOf,
    /// The rules of every family.
    pub policies: &'a Policies,
    /// How many threads may judge.
    pub threads: NonZeroUsize,
    people: OnceLock<people::People<'a>>,
    in_queues: OnceLock<BTreeSet<Object>>,
    deals: OnceLock<deals::Deals<'a>>,
    matches: OnceLock<duplicates::Matches<'a>>,
    routed: OnceLock<routing::Routed<'a>>,
    touches: OnceLock<lead_source::Touches<'a>>,
    overwritten: OnceLock<lead_source::Overwritten<'a>>,
    conflicting: OnceLock<BTreeSet<system_of_record::Place>>,
    flapping: OnceLock<BTreeSet<system_of_record::Place>>,
    sequence: OnceLock<sequence::Sequence>,
    reaching: OnceLock<reach::Reaching>,
}

impl<'a> World<'a> {
    /// A world in which nothing has been looked at yet.
    pub fn new(
        pulled: &'a Pulled,
        as_of: AsOf,
        policies: &'a Policies,
        threads: NonZeroUsize,
    ) -> Self {
        Self {
            pulled,
            as_of,
            policies,
            threads,
            people: OnceLock::new(),
            in_queues: OnceLock::new(),
            deals: OnceLock::new(),
            matches: OnceLock::new(),
            routed: OnceLock::new(),
            touches: OnceLock::new(),
            overwritten: OnceLock::new(),
            conflicting: OnceLock::new(),
            flapping: OnceLock::new(),
            sequence: OnceLock::new(),
            reaching: OnceLock::new(),
        }
    }

    /// A table, if there was an input for it.
    pub fn batch(&self, object: Object) -> Option<&'a Batch> {
        self.pulled.get(object)
    }

    /// Who can own records.
    pub(super) fn people(&self) -> &people::People<'a> {
        self.people.get_or_init(|| people::People::of(self))
    }

    /// True where a queue may own a record: of leads, where there is a queue; of other objects not every CRM
    /// lets one, so a record has to lie in one already.
    pub(super) fn queues_own(&self, object: Object) -> bool {
        self.in_queues.get_or_init(|| people::in_queues(self)).contains(&object)
    }

    /// Which deals belong to whom.
    pub(super) fn deals(&self) -> &deals::Deals<'a> {
        self.deals.get_or_init(|| deals::Deals::of(self))
    }

    /// True for a deal that was won or lost.
    pub fn is_over(&self, deal: Row<'a>) -> bool {
        matches!(
            self.deals().state(self, deal),
            Some(deals::DealState::Won | deals::DealState::Lost)
        )
    }

    /// Which records are the same person or company, and who belongs to which account.
    pub(super) fn matches(&self) -> &duplicates::Matches<'a> {
        self.matches.get_or_init(|| duplicates::Matches::of(self))
    }

    /// In which order the field history's changes of one moment came.
    pub(super) fn sequence(&self) -> &sequence::Sequence {
        self.sequence.get_or_init(|| sequence::Sequence::of(self))
    }

    /// What the change of a record reaches beyond it.
    pub(super) fn reaching(&self) -> &reach::Reaching {
        self.reaching.get_or_init(|| reach::Reaching::of(self))
    }

    /// Where the routing rules send each record under review.
    pub(super) fn routed(&self) -> &routing::Routed<'a> {
        self.routed.get_or_init(|| routing::Routed::of(self))
    }

    /// The first campaign that each person answered.
    pub(super) fn touches(&self) -> &lead_source::Touches<'a> {
        self.touches.get_or_init(|| lead_source::Touches::of(self))
    }

    /// The records under review whose first source was replaced.
    pub(super) fn overwritten(&self) -> &lead_source::Overwritten<'a> {
        self.overwritten.get_or_init(|| lead_source::Overwritten::of(self))
    }

    /// The fields of records under review of which SOR-01 speaks.
    pub(super) fn conflicting(&self) -> &BTreeSet<system_of_record::Place> {
        self.conflicting.get_or_init(|| system_of_record::conflicting(self))
    }

    /// The fields of records under review of which SOR-03 speaks.
    pub(super) fn flapping(&self) -> &BTreeSet<system_of_record::Place> {
        self.flapping.get_or_init(|| system_of_record::flapping(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_of(day: &str) -> AsOf {
        AsOf::new(day.parse().unwrap(), chrono_tz::Europe::Berlin)
    }

    #[test]
    fn a_week_ago_is_seven_days_of_the_calendar_when_clocks_change() {
        for (day, expected) in [
            ("2026-03-31", "2026-03-23T23:00:00+00:00"),
            ("2026-10-27", "2026-10-19T22:00:00+00:00"),
        ] {
            assert_eq!(as_of(day).days_ago(7).to_rfc3339(), expected);
        }
    }

    #[test]
    fn settings_of_eras_reach_back_to_the_beginning_of_time() {
        let as_of = as_of("2026-03-01");
        assert_eq!(as_of.days_ago(u32::MAX), DateTime::<Utc>::MIN_UTC);
        for hours in [1e12, 1e300, f64::INFINITY] {
            assert_eq!(as_of.hours_ago(hours), DateTime::<Utc>::MIN_UTC);
        }
        assert_eq!(as_of.hours_ago(f64::NAN), as_of.instant);
    }
}
