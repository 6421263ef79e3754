//! Business hours: how much working time lies between two instants.
//!
//! Hours are local: a day's window opens and closes by the clock on the wall, also on the days when
//! clocks change. Days are added up once, so that a span of years costs as much as one of hours.
//! Does not: know a service level.

use std::collections::BTreeSet;

use chrono::offset::LocalResult;
use chrono::{
    DateTime, Datelike as _, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday,
};
use chrono_tz::{GapInfo, Tz};

/// The opening hours of a week, and the days on which nobody works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hours {
    /// For each day from Monday: windows in minutes of the day, sorted, apart from each other.
    week: [Vec<(u32, u32)>; 7],
    holidays: BTreeSet<NaiveDate>,
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

impl Hours {
    /// Reads `Mon-Fri 09:00-18:00, Sat 10:00-14:00`, or `always`.
    pub(super) fn parse(text: &str, holidays: BTreeSet<NaiveDate>) -> Option<Self> {
        let mut week: [Vec<(u32, u32)>; 7] = Default::default();
        if text.trim().eq_ignore_ascii_case("always") {
            return Some(Self { week: week.map(|_| vec![(0, DAY)]), holidays });
        }
        for part in text.split(',') {
            let (days, window) = part.trim().split_once(' ')?;
            let (open, close) = window.trim().split_once('-')?;
            let (open, close) = (minute(open)?, minute(close)?);
            let (first, last) = days.split_once('-').unwrap_or((days, days));
            let (first, last) = (weekday(first)?, weekday(last)?);
            if open >= close {
                return None;
            }
            // `Sat-Mon` goes round the week's end.
            let count = (last + 7 - first) % 7 + 1;
            for step in 0..count {
                week.get_mut((first + step) % 7)?.push((open, close));
            }
        }
        for windows in &mut week {
            windows.sort_unstable();
            if windows.windows(2).any(|pair| matches!(pair, [a, b] if a.1 > b.0)) {
                return None;
            }
        }
        Some(Self { week, holidays })
    }

    fn on(&self, day: NaiveDate) -> &[(u32, u32)] {
        if self.holidays.contains(&day) {
            return &[];
        }
        let at = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or_default();
        self.week.get(at).map_or(&[], Vec::as_slice)
    }
}

/// Days from Monday.
fn weekday(text: &str) -> Option<usize> {
    let day: Weekday = text.trim().parse().ok()?;
    usize::try_from(day.num_days_from_monday()).ok()
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let at = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && at <= DAY).then_some(at)
}

/// The working time since a first day, day by day.
#[derive(Debug)]
pub(super) struct Calendar<'h> {
    hours: &'h Hours,
    zone: Tz,
    first: NaiveDate,
    /// Working minutes before each day from the first on.
    before: Vec<i64>,
}

impl<'h> Calendar<'h> {
    /// The days from one to another. Instants outside count as the nearest end.
    pub(super) fn of(hours: &'h Hours, zone: Tz, first: NaiveDate, last: NaiveDate) -> Self {
        let mut calendar = Self { hours, zone, first, before: Vec::new() };
        let mut sum = 0;
        for day in first.iter_days().take_while(|day| *day <= last) {
            calendar.before.push(sum);
            sum += calendar.windows(day).map(|(open, close)| minutes(open, close)).sum::<i64>();
        }
        calendar
    }

    /// The day's windows as instants.
    fn windows(&self, day: NaiveDate) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        self.hours.on(day).iter().map(move |(open, close)| {
            (self.instant(day, *open, Edge::Opens), self.instant(day, *close, Edge::Closes))
        })
    }

    /// A minute of a day by the wall clock. Where the clock shows it twice, a window opens at the
    /// first and closes at the second; where the clock jumps over it, at the jump.
    fn instant(&self, day: NaiveDate, minute: u32, edge: Edge) -> DateTime<Utc> {
        let local = day.and_time(NaiveTime::MIN) + Duration::minutes(minute.into());
        match (self.zone.from_local_datetime(&local), edge) {
            (LocalResult::Single(at), _)
            | (LocalResult::Ambiguous(at, _), Edge::Opens)
            | (LocalResult::Ambiguous(_, at), Edge::Closes) => at.to_utc(),
            (LocalResult::None, _) => GapInfo::new(&local, &self.zone)
                .and_then(|gap| gap.end)
                .map_or_else(|| local.and_utc(), |end| end.to_utc()),
        }
    }

    /// Working minutes from the first day to an instant.
    fn worked(&self, at: DateTime<Utc>) -> i64 {
        let day = at.with_timezone(&self.zone).date_naive();
        let Ok(past) = usize::try_from((day - self.first).num_days()) else { return 0 };
        match self.before.get(past) {
            None => self.before.last().copied().unwrap_or_default(),
            Some(before) => {
                let today = self
                    .windows(day)
                    .filter(|(open, _)| *open < at)
                    .map(|(open, close)| minutes(open, close.min(at)));
                before + today.sum::<i64>()
            }
        }
    }

    /// Working hours from one instant to a later one; none when it is not later.
    pub(super) fn hours_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "minutes of some decades are small")]
        let worked = (self.worked(to) - self.worked(from)).max(0) as f64;
        worked / 60.0
    }
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    Opens,
    Closes,
}

fn minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_minutes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(hours: &str, zone: Tz, from: &str, to: &str, expected: f64) {
        let holidays = BTreeSet::from([day("2026-01-01")]);
        let hours = Hours::parse(hours, holidays).unwrap();
        let calendar = Calendar::of(&hours, zone, day("2025-01-01"), day("2026-12-31"));
        let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
        let found = calendar.hours_between(at(from), at(to));
        assert!((found - expected).abs() < 1e-9, "{from} to {to}: {found}, not {expected}");
    }

    #[test]
    fn nights_weekends_and_holidays_do_not_count() {
        let week = "Mon-Fri 09:00-18:00";
        let utc = Tz::UTC;
        check(week, utc, "2026-02-23T10:00:00Z", "2026-02-23T11:30:00Z", 1.5);
        check(week, utc, "2026-02-23T17:00:00Z", "2026-02-24T10:00:00Z", 2.0);
        check(week, utc, "2026-02-27T17:00:00Z", "2026-03-02T10:00:00Z", 2.0);
        check(week, utc, "2026-02-28T01:00:00Z", "2026-03-01T23:00:00Z", 0.0);
        check(week, utc, "2025-12-31T17:00:00Z", "2026-01-02T10:00:00Z", 2.0);
        check(week, utc, "2026-02-24T10:00:00Z", "2026-02-23T10:00:00Z", 0.0);
        check(
            "Mon-Fri 09:00-12:00, Mon-Fri 13:00-17:00, Sat 10:00-14:00",
            utc,
            "2026-02-27T11:00:00Z",
            "2026-02-28T12:00:00Z",
            7.0,
        );
    }

    #[test]
    fn hours_are_local_also_when_clocks_change() {
        let berlin = Tz::Europe__Berlin;
        // 09:00 in Berlin is 08:00 UTC in winter and 07:00 UTC in summer.
        check("Mon-Fri 09:00-18:00", berlin, "2026-03-27T08:00:00Z", "2026-03-27T17:00:00Z", 9.0);
        check("Mon-Fri 09:00-18:00", berlin, "2026-03-30T07:00:00Z", "2026-03-30T16:00:00Z", 9.0);
        // The day on which clocks go forward has 23 hours, the day on which they go back 25.
        check("always", berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23.0);
        check("always", berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25.0);
        check("Sun 02:30-04:00", berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 1.0);
        check("Sun 02:30-04:00", berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 2.5);
    }

    #[test]
    fn clocks_jump_by_what_their_country_says() {
        // Half an hour on Lord Howe Island, at 02:00; two hours at the Troll station, at 01:00.
        let (howe, troll) = (Tz::Australia__Lord_Howe, Tz::Antarctica__Troll);
        check("always", howe, "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 23.5);
        check("Sun 02:15-04:00", howe, "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 1.5);
        check("Sun 02:05-02:20", howe, "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 0.0);
        check("always", troll, "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z", 22.0);
        check("Sun 00:30-02:15", troll, "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z", 0.5);
        check("Sun 01:30-04:00", troll, "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z", 1.0);
        check("Sun 01:10-02:50", troll, "2026-03-29T00:00:00Z", "2026-03-29T22:00:00Z", 0.0);
    }

    #[test]
    fn no_window_of_any_zone_closes_before_it_opens() {
        let week = "Mon-Sun 00:00-00:30, Mon-Sun 00:40-01:10, Mon-Sun 01:20-02:05, \
                    Mon-Sun 02:05-02:20, Mon-Sun 02:30-03:00, Mon-Sun 23:30-24:00";
        let hours = Hours::parse(week, BTreeSet::new()).unwrap();
        for zone in chrono_tz::TZ_VARIANTS {
            let calendar =
                Calendar { hours: &hours, zone, first: day("2026-01-01"), before: vec![] };
            for day in day("2026-01-01").iter_days().take(365) {
                let mut last = DateTime::<Utc>::MIN_UTC;
                for (open, close) in calendar.windows(day) {
                    assert!(last <= open && open <= close, "{zone} {day}: {open} to {close}");
                    last = open;
                }
            }
        }
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        for text in [
            "",
            "Mon",
            "Mon 9-18",
            "Mon 18:00-09:00",
            "Mon 09:00-12:00, Mon 11:00-13:00",
            "Mon 09:00-25:00",
            "Mon-Fri 71582789:00-18:00",
            "Mon 09:00-71582788:16",
            "Moon 09:00-18:00",
        ] {
            assert_eq!(Hours::parse(text, BTreeSet::new()), None, "{text}");
        }
        assert!(Hours::parse("Sat-Mon 00:00-24:00", BTreeSet::new()).is_some());
    }
}
