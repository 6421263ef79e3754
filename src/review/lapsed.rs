//! What only time takes out of sight: findings of checks that tell of the last days alone.
//!
//! Such a check is asked again what it would have found on the day it found something last, knowing all that
//! is known today. What it finds then nobody has mended: the days have passed.
//! Does not: ask the other checks, which find a fault as long as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use chrono::NaiveDate;

use crate::check::{ALL, Bench, World};
use crate::config::Config;
use crate::finding::FindingId;

use super::history::{self, Past};
use super::judged::Judged;

/// The findings of the past that are not found today, and would be if no day had passed since they were.
pub(super) fn of(
    config: &Config,
    judged: &Judged,
    past: &Past<'_>,
    threads: NonZeroUsize,
) -> BTreeSet<FindingId> {
    let reports = judged.reports.iter();
    let look_back: BTreeSet<&str> = reports
        .filter(|report| report.judgement().is_some_and(|it| it.looks_back.is_some()))
        .map(|report| report.check.code)
        .collect();
    let found = history::found(&judged.reports).filter(|(check, _)| look_back.contains(check.code));
    let found: BTreeSet<FindingId> = found.map(|(check, finding)| finding.id(check.code)).collect();
    let mut gone: BTreeMap<NaiveDate, BTreeSet<&str>> = BTreeMap::new();
    for (id, rule, last) in past.open() {
        if look_back.contains(rule) && !found.contains(id) {
            gone.entry(last).or_default().insert(rule);
        }
    }
    let mut lapsed = BTreeSet::new();
    for (last, rules) in gone {
        let others = ALL.iter().map(|check| check.code).filter(|code| !rules.contains(code));
        let others = others.map(str::to_owned).collect();
        let bench = Bench::load(&config.policies, &config.boundary, &others);
        let as_of = judged.as_of.seen_from(last);
        let reports = bench.run(&World::new(&judged.pulled, as_of, &config.policies, threads));
        let then = history::found(&reports).map(|(check, finding)| finding.id(check.code));
        lapsed.extend(then.filter(|id| !found.contains(id)));
    }
    lapsed
}
