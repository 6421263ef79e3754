//! What can be told of ordered lists without a record: lines that are never reached, lines whose order
//! decides, gaps, bands that do not meet, and lines before a policy they contradict.
//!
//! Exact for the operators that rules have: a verdict is about every record there could be.
//! Does not: look at a record.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::boundary::{Field, Object};
use crate::check::routing::RULES_FILE;

use super::list::{Line, List, Rest, Takes};
use super::space::{Left, Range, Region, Space, TooMany};
use super::{
    AGAINST_POLICY, BAND_EDGE, Fault, GAP, OVERLAP, Place, Probe, SHADOWED, Unjudged, Witness,
};

/// Gaps of one list that are shown.
const SHOWN_GAPS: usize = 3;

/// Covering lines that are tried one by one whether the others do without them.
const MOST_TRIED: usize = 24;

/// A list with the regions of its lines.
pub(super) struct Ordered<'l> {
    list: &'l List,
    space: Space,
    regions: Vec<Region>,
    today: NaiveDate,
}

/// What was found in a list, and what could not be judged.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) faults: Vec<Fault>,
    pub(super) unjudged: Vec<Unjudged>,
    /// Pairs of lines about different fields that share records: that is how such lists are meant.
    pub(super) by_order: usize,
}

impl<'l> Ordered<'l> {
    pub(super) fn new(
        list: &'l List,
        today: NaiveDate,
        decimals: impl Fn(&Field) -> u32,
    ) -> Result<Self, Unjudged> {
        let conditions = || list.lines.iter().flat_map(|line| &line.conditions);
        let mut days = BTreeSet::new();
        for line in &list.lines {
            days.extend(line.since);
            days.extend(line.until.and_then(|until| until.succ_opt()));
        }
        let space = Space::of(conditions(), days, decimals)
            .map_err(|open| Unjudged { what: list.decides.clone(), why: open.to_string() })?;
        let region = |line: &Line| space.region(line.conditions.iter(), line.since, line.until);
        let regions = list.lines.iter().map(region).collect();
        Ok(Self { list, space, regions, today })
    }

    /// Everything that is wrong with the order.
    pub(super) fn judge(&self) -> Found {
        let mut found = Found::default();
        let unreached = self.unreached(&mut found);
        let (edges, holes) = self.edges(&unreached, &mut found);
        self.overlaps(&unreached, &edges, &mut found);
        if self.list.rest == Rest::Lost {
            self.gaps(&holes, &mut found);
        }
        found
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &'l Line, &Region)> {
        let lines = self.list.lines.iter().zip(&self.regions).enumerate();
        lines.map(|(at, (line, region))| (at, line, region))
    }

    /// The lines before a position that take every record of their region.
    fn covers(&self, before: usize) -> Vec<(usize, &Region)> {
        let before = self.lines().take(before);
        let sure = before.filter(|(_, line, _)| line.takes == Takes::All);
        sure.map(|(at, _, region)| (at, region)).collect()
    }

    fn unjudged(&self, at: usize, found: &mut Found) {
        let what = self.list.lines.get(at).map_or_else(String::new, |line| {
            format!("{} ({}:{})", line.name, line.file, line.line)
        });
        found.unjudged.push(Unjudged { what, why: "it overlaps too many others".to_owned() });
    }

    /// RUL-01: lines that no record reaches, by their positions.
    fn unreached(&self, found: &mut Found) -> BTreeSet<usize> {
        let mut unreached = BTreeMap::new();
        for (at, _, region) in self.lines() {
            let covers = self.covers(at);
            let regions: Vec<&Region> = covers.iter().map(|(_, region)| *region).collect();
            match self.space.left(region, &regions) {
                Ok(Left::Some(_)) => {}
                Ok(Left::Covered(used)) => {
                    let used = self.needed(region, &regions, used);
                    let by: Vec<usize> = used
                        .iter()
                        .filter_map(|used| covers.get(*used).map(|(at, _)| *at))
                        .collect();
                    unreached.insert(at, by);
                }
                Err(TooMany) => self.unjudged(at, found),
            }
        }
        let mut told = BTreeSet::new();
        for (at, by) in &unreached {
            let Some(line) = self.list.lines.get(*at) else { continue };
            let rule: Vec<usize> = self
                .lines()
                .filter(|(_, other, _)| other.rule == line.rule)
                .map(|(at, _, _)| at)
                .collect();
            // A rule of which every row is taken before it is one fault, not one for each row.
            let whole = rule.len() > 1
                && rule.iter().all(|row| {
                    unreached.get(row).is_some_and(|by| {
                        by.iter().all(|by| {
                            self.list.lines.get(*by).is_some_and(|by| by.rule != line.rule)
                        })
                    })
                });
            if !whole {
                found.faults.push(self.shadowed(line, *at, by));
            } else if told.insert(line.rule) {
                let mut by: Vec<usize> =
                    rule.iter().filter_map(|row| unreached.get(row)).flatten().copied().collect();
                by.sort_unstable();
                by.dedup();
                let head = self.list.heads.get(line.rule).unwrap_or(line);
                found.faults.push(self.shadowed(head, *at, &by));
            }
        }
        unreached.into_keys().collect()
    }

    /// Of the regions that cover one, those that it takes.
    fn needed(&self, region: &Region, others: &[&Region], mut used: Vec<usize>) -> Vec<usize> {
        if used.len() > MOST_TRIED {
            return used;
        }
        for one in used.clone().into_iter().rev() {
            let rest: Vec<usize> = used.iter().copied().filter(|other| *other != one).collect();
            let regions: Vec<&Region> =
                rest.iter().filter_map(|at| others.get(*at).copied()).collect();
            if matches!(self.space.left(region, &regions), Ok(Left::Covered(_))) {
                used = rest;
            }
        }
        used
    }

    fn shadowed(&self, line: &Line, at: usize, by: &[usize]) -> Fault {
        let region = self.regions.get(at);
        if by.is_empty() {
            return Fault::new(
                &SHADOWED,
                Place::of(line),
                format!("{} takes no record: nothing can meet its conditions", line.name),
                "a flag is true or false, and a rule's table is only asked for records that the rule takes",
            );
        }
        let first: Vec<&Line> = by.iter().filter_map(|at| self.list.lines.get(*at)).collect();
        let names: Vec<&str> = first.iter().map(|line| line.name.as_str()).take(3).collect();
        let more = if first.len() > names.len() { " and others" } else { "" };
        let mut fault = Fault::new(
            &SHADOWED,
            Place::of(line),
            format!("{} takes no record: {}{more} come first", line.name, names.join(", ")),
            "move it up, narrow what stands before it, or take it out",
        );
        fault.message = fault
            .message
            .replace("come first", if first.len() == 1 { "comes first" } else { "come first" });
        let says = |line: &&Line| Place { says: "takes them first".to_owned(), ..Place::of(line) };
        fault.also = first.iter().take(MOST_TRIED).map(says).collect();
        let goes = first.first().map_or_else(String::new, |line| line.outcome.clone());
        fault.witness = region.map(|region| self.witness(region, goes));
        fault.probe = Probe::of([line]);
        fault
    }

    /// A record of a region that a person could enter.
    fn witness(&self, region: &Region, goes: String) -> Witness {
        let sample = self.space.sample(region).into_iter();
        Witness {
            object: self.list.object,
            record: None,
            values: sample.map(|(field, value)| (field.name().to_owned(), value)).collect(),
            day: self.space.sample_day(region),
            goes,
        }
    }

    /// RUL-09: bands of numbers that overlap at their ends or leave a hole between them, where all
    /// else is equal. The pairs, and the holes.
    fn edges(
        &self,
        unreached: &BTreeSet<usize>,
        found: &mut Found,
    ) -> (BTreeSet<(usize, usize)>, Vec<Region>) {
        let mut groups: BTreeMap<(&Field, Region), Vec<(Range, usize)>> = BTreeMap::new();
        for (at, line, region) in self.lines() {
            if line.takes != Takes::All || unreached.contains(&at) {
                continue;
            }
            for field in self.space.numbers(region) {
                if let Some(range) = self.space.range(region, field) {
                    let rest = self.space.without(region, field);
                    groups.entry((field, rest)).or_default().push((range, at));
                }
            }
        }
        let (mut pairs, mut holes) = (BTreeSet::new(), Vec::new());
        for ((field, rest), mut bands) in groups {
            bands.sort_unstable();
            let mut bands = bands.into_iter();
            let Some(mut highest) = bands.next() else { continue };
            for band in bands {
                let edge = Range { low: band.0.low, high: highest.0.high };
                if band.0.low > highest.0.high.saturating_add(1) {
                    let hole = Range { low: highest.0.high + 1, high: band.0.low - 1 };
                    let hole = self.space.with_range(&rest, field, hole);
                    if self.is_left(&hole) {
                        let fault = self.hole(field, &hole, highest.1, band.1);
                        found.faults.extend(fault);
                        holes.push(hole);
                    }
                } else if band.0.low <= highest.0.high
                    && band.0.high > highest.0.high
                    && band.0.low > highest.0.low
                {
                    let (one, other) = (highest.1.min(band.1), highest.1.max(band.1));
                    let both = self.space.with_range(&rest, field, edge);
                    if self.outcome(one) != self.outcome(other)
                        && self.reached(&both, one).is_some()
                    {
                        pairs.insert((one, other));
                        found.faults.extend(self.edge(field, &both, one, other));
                    }
                }
                if band.0.high > highest.0.high {
                    highest = band;
                }
            }
        }
        (pairs, holes)
    }

    fn outcome(&self, at: usize) -> Option<&str> {
        self.list.lines.get(at).map(|line| line.outcome.as_str())
    }

    /// True when no line takes some record of a region, but those that take whatever comes.
    fn is_left(&self, region: &Region) -> bool {
        let covers =
            self.lines().filter(|(_, line, _)| line.takes == Takes::All && !line.takes_any());
        let covers: Vec<&Region> = covers.map(|(_, _, region)| region).collect();
        matches!(self.space.left(region, &covers), Ok(Left::Some(_)))
    }

    /// What of a region comes as far as a line.
    fn reached(&self, region: &Region, at: usize) -> Option<Region> {
        let covers: Vec<&Region> = self.covers(at).into_iter().map(|(_, region)| region).collect();
        match self.space.left(region, &covers) {
            Ok(Left::Some(left)) => Some(left),
            Ok(Left::Covered(_)) | Err(TooMany) => None,
        }
    }

    /// A range of numbers in words, `200` or `200 to 999`.
    fn range_words(&self, field: &Field, region: &Region) -> String {
        let Some(range) = self.space.range(region, field) else { return String::new() };
        let end = |point: i64| self.space.point(field, point);
        match (end(range.low), end(range.high)) {
            (Some(low), Some(high)) if low == high => low,
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("{low} and more"),
            (None, Some(high)) => format!("{high} and less"),
            (None, None) => "any number".to_owned(),
        }
    }

    fn hole(&self, field: &Field, hole: &Region, below: usize, above: usize) -> Option<Fault> {
        let (below, above) = (self.list.lines.get(below)?, self.list.lines.get(above)?);
        let (name, range) = (field.name(), self.range_words(field, hole));
        let mut fault = Fault::new(
            &BAND_EDGE,
            Place::of(above),
            format!("between {} and {} nothing takes `{name}` {range}", below.name, above.name),
            "let one band begin where the other ends: both ends of a band are included",
        );
        fault.also.push(Place { says: "ends below".to_owned(), ..Place::of(below) });
        fault.witness = Some(self.witness(hole, String::new()));
        Some(fault)
    }

    fn edge(&self, field: &Field, both: &Region, one: usize, other: usize) -> Option<Fault> {
        let (one, other) = (self.list.lines.get(one)?, self.list.lines.get(other)?);
        let (name, range) = (field.name(), self.range_words(field, both));
        let mut fault = Fault::new(
            &BAND_EDGE,
            Place::of(other),
            format!("{} and {} both take `{name}` {range}", one.name, other.name),
            "both ends of a band are included: let one end below where the other begins",
        );
        let says = format!("comes first: {}", one.outcome);
        fault.also.push(Place { says, ..Place::of(one) });
        fault.witness = Some(self.witness(both, one.outcome.clone()));
        fault.probe = Probe::of([one, other]);
        Some(fault)
    }

    /// RUL-02: lines about the same fields that share records, decide differently, and of which neither
    /// is a case of the other.
    fn overlaps(
        &self,
        unreached: &BTreeSet<usize>,
        edges: &BTreeSet<(usize, usize)>,
        found: &mut Found,
    ) {
        for (later, line, region) in self.lines() {
            if unreached.contains(&later) || line.takes != Takes::All || line.takes_any() {
                continue;
            }
            for (earlier, first, other) in self.lines().take(later) {
                if first.takes != Takes::All
                    || first.outcome == line.outcome
                    || !other.meets(region)
                    || other.within(region)
                    || unreached.contains(&earlier)
                {
                    continue;
                }
                if !region.is_about_the_fields_of(other) {
                    found.by_order += 1;
                    continue;
                }
                let both = other.and(region);
                let Some(reached) = self.reached(&both, earlier) else { continue };
                if edges.contains(&(earlier, later)) {
                    continue;
                }
                let mut fault = Fault::new(
                    &OVERLAP,
                    Place::of(line),
                    format!("{} and {} take some of the same records", first.name, line.name),
                    "the one that stands first wins: say in one of them which records are not its own",
                );
                let says = format!("comes first: {}", first.outcome);
                fault.also.push(Place { says, ..Place::of(first) });
                fault.place.says = format!("would say: {}", line.outcome);
                fault.witness = Some(self.witness(&reached, first.outcome.clone()));
                fault.probe = Probe::of([first, line]);
                found.faults.push(fault);
            }
        }
    }

    /// RUL-03: records whose every value is named by the rules or a picklist, and which no line takes.
    fn gaps(&self, holes: &[Region], found: &mut Found) {
        let mut covers: Vec<Region> =
            self.covers(usize::MAX).into_iter().map(|(_, region)| region.clone()).collect();
        covers.extend(holes.iter().cloned());
        let domain = self.space.domain(&self.regions, self.today);
        let mut gaps = Vec::new();
        while gaps.len() < SHOWN_GAPS {
            let others: Vec<&Region> = covers.iter().collect();
            match self.space.left(&domain, &others) {
                Ok(Left::Some(gap)) => {
                    gaps.push(self.witness(&gap, String::new()));
                    covers.push(gap);
                }
                Ok(Left::Covered(_)) => break,
                Err(TooMany) => {
                    found.unjudged.push(Unjudged {
                        what: format!("gaps in {}", self.list.decides),
                        why: "too many combinations of values".to_owned(),
                    });
                    break;
                }
            }
        }
        let mut gaps = gaps.into_iter();
        let Some(first) = gaps.next() else { return };
        let mut fault = Fault::new(
            &GAP,
            Place::new(RULES_FILE, 0),
            format!("no rule takes {}: {}", self.list.object.plural(), first.words()),
            "add a rule for them, or name the queue of all others: catch_all = \"…\"",
        );
        fault.notes.extend(gaps.map(|gap| format!("nor these: {}", gap.words())));
        fault.witness = Some(first);
        found.faults.push(fault);
    }

    /// RUL-10: lines that take records of known accounts before the line that follows the account's
    /// owner does. `policy` is where the rules say that it has to be followed.
    pub(super) fn against_policy(&self, policy: &Place) -> Vec<Fault> {
        if !matches!(self.list.object, Object::Lead | Object::Contact) {
            return Vec::new();
        }
        let Some((follows, following, followed)) =
            self.lines().find(|(_, line, _)| line.takes == Takes::OfKnownAccounts)
        else {
            let Some(first) = self.list.lines.first() else { return Vec::new() };
            let mut fault = Fault::new(
                &AGAINST_POLICY,
                policy.clone(),
                format!(
                    "{} follow their account's owner, and no rule sends them there",
                    self.list.object.plural()
                ),
                "add a rule with to = { matched_account_owner = true } above the others",
            );
            let says = format!("goes first: {}", first.outcome);
            fault.also.push(Place { says, ..Place::of(first) });
            fault.witness =
                self.regions.first().map(|region| self.witness(region, first.outcome.clone()));
            return vec![fault];
        };
        let mut faults: BTreeMap<usize, Fault> = BTreeMap::new();
        for (at, line, region) in self.lines().take(follows) {
            let both = region.and(followed);
            if both.is_empty() || faults.contains_key(&line.rule) {
                continue;
            }
            let Some(reached) = self.reached(&both, at) else { continue };
            let mut fault = Fault::new(
                &AGAINST_POLICY,
                Place::of(line),
                format!("{} takes records of known accounts from their owner", line.name),
                "move it below the rule that follows the account's owner, or say there which records do not",
            );
            fault.also.push(Place { says: "comes too late".to_owned(), ..Place::of(following) });
            fault.also.push(Place { says: "says so".to_owned(), ..policy.clone() });
            fault.witness = Some(self.witness(&reached, line.outcome.clone()));
            fault.probe = Probe::of([line, following]);
            faults.insert(line.rule, fault);
        }
        faults.into_values().collect()
    }
}
