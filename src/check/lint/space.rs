//! What records a list of conditions can tell apart, exactly: each field's values in as few classes as
//! its tests distinguish, and regions of records as one set of classes for each field.
//!
//! A class has a sample, and a test holds for the class if it passes the sample: the tests of the lint
//! are the tests that judge records. Numbers lie on the grid of the finest decimal that rules or
//! records write, so that between 199 and 200 there is nothing where all of them are whole.
//! Does not: know what a condition decides, or look at a record.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use crate::boundary::{Field, Kind, written_number};
use crate::check::condition::{Condition, Folded, Test, fold};

/// Pieces that a region may fall into before the lint gives up on it.
const MOST_PIECES: usize = 50_000;

/// Decimals of a grid, at most.
const MOST_DECIMALS: u32 = 6;

/// The first and the last point of a grid that is reckoned with.
const FAR: i64 = 1_000_000_000_000_000_000;

/// Some of an axis' classes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Set(Box<[u64]>);

impl Set {
    fn none(classes: usize) -> Self {
        Self(vec![0; classes.div_ceil(64)].into())
    }

    fn all(classes: usize) -> Self {
        let mut set = Self::none(classes);
        (0..classes).for_each(|class| set.put(class));
        set
    }

    fn put(&mut self, class: usize) {
        if let Some(word) = self.0.get_mut(class / 64) {
            *word |= 1 << (class % 64);
        }
    }

    fn each(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one & !other == 0)
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one & other).collect())
    }

    fn but(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one & !other).collect())
    }
}

/// A class of values that no test of the axis tells apart.
#[derive(Debug, Clone, PartialEq)]
enum Class {
    Blank,
    /// This text, as somebody wrote it.
    Text(String),
    /// Texts that begin alike and that nothing else names; one of them.
    Begins(String),
    /// Texts that nothing names; one of them.
    Other(String),
    /// Grid points, both ends included.
    Points(Range),
}

/// Grid points in a row, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// One field's classes.
#[derive(Debug)]
struct Axis {
    classes: Vec<Class>,
    by_text: BTreeMap<String, usize>,
    /// Grid points to a unit.
    scale: f64,
    /// What rules and picklists name.
    named: Set,
    /// A picklist says which values there are.
    declared: bool,
}

/// Everything that some conditions can tell apart.
#[derive(Debug)]
pub(super) struct Space {
    fields: Vec<Field>,
    axes: Vec<Axis>,
    /// The first day of each class of days but the first.
    days: Vec<NaiveDate>,
}

/// Records: on each axis these classes, or all; the last axis is the day of routing. All the classes
/// of an axis are never listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Region(Vec<Option<Set>>);

/// A region fell into more pieces than are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// What is left of a region once others are taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// These records at least.
    Some(Region),
    /// None: these of the others cover it, by their positions.
    Covered(Vec<usize>),
}

/// What keeps conditions from being analysed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Open {
    /// How a number begins says nothing about its size.
    Beginning(Field),
    /// A number with more decimals than are told apart.
    Decimals(Field),
}

impl std::fmt::Display for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Beginning(field) => {
                write!(f, "how the number `{field}` begins says nothing of its size")
            }
            Self::Decimals(field) => {
                write!(f, "`{field}` has an end with more than {MOST_DECIMALS} decimals")
            }
        }
    }
}

impl Space {
    /// The space of some conditions, and of the days on which rules come into force or go out of it.
    /// `decimals` says how finely the records write a number field.
    pub(super) fn of<'c>(
        conditions: impl Iterator<Item = &'c Condition>,
        days: BTreeSet<NaiveDate>,
        decimals: impl Fn(&Field) -> u32,
    ) -> Result<Self, Open> {
        let mut tests: BTreeMap<&Field, Vec<&Test>> = BTreeMap::new();
        for condition in conditions {
            tests.entry(&condition.field).or_default().push(condition.written());
        }
        let mut space =
            Self { fields: Vec::new(), axes: Vec::new(), days: days.into_iter().collect() };
        for (field, tests) in tests {
            space.axes.push(match field.kind() {
                Kind::Number => Axis::of_numbers(field, &tests, decimals(field))?,
                Kind::Flag => Axis::of_flag(),
                Kind::Id
                | Kind::Picklist
                | Kind::Date
                | Kind::Email
                | Kind::Phone
                | Kind::Web
                | Kind::Name
                | Kind::Text
                | Kind::Address => Axis::of_texts(field, &tests),
            });
            space.fields.push(field.clone());
        }
        Ok(space)
    }

    /// The records of which all conditions hold, routed between two days.
    pub(super) fn region<'c>(
        &self,
        conditions: impl Iterator<Item = &'c Condition>,
        since: Option<NaiveDate>,
        until: Option<NaiveDate>,
    ) -> Region {
        let mut sets: Vec<Option<Set>> = vec![None; self.axes.len() + 1];
        for condition in conditions {
            let Ok(at) = self.fields.binary_search(&condition.field) else { continue };
            let (Some(axis), Some(slot)) = (self.axes.get(at), sets.get_mut(at)) else { continue };
            let set = axis.set(&condition.test);
            let set = slot.take().map_or_else(|| set.clone(), |before| before.and(&set));
            *slot = (set != Set::all(axis.classes.len())).then_some(set);
        }
        if since.is_some() || until.is_some() {
            let mut set = Set::none(self.days.len() + 1);
            for class in 0..=self.days.len() {
                let first = class.checked_sub(1).and_then(|before| self.days.get(before));
                let last = self.days.get(class).and_then(NaiveDate::pred_opt);
                let begun = since.is_none_or(|since| first.is_some_and(|first| *first >= since));
                let lasts = until.is_none_or(|until| last.is_some_and(|last| last <= until));
                if begun && lasts {
                    set.put(class);
                }
            }
            if let Some(slot) = sets.last_mut() {
                *slot = Some(set);
            }
        }
        Region(sets)
    }

    /// The records that lists are meant to decide on a day: where at least two lines divide a field
    /// between them, those whose value the rules or a picklist name; else any value but none.
    pub(super) fn domain(&self, regions: &[Region], on: NaiveDate) -> Region {
        let axes = self.axes.iter().enumerate();
        let mut sets: Vec<Option<Set>> = axes
            .map(|(at, axis)| {
                let sets: BTreeSet<&Set> =
                    regions.iter().filter_map(|region| region.0.get(at)?.as_ref()).collect();
                let divided = sets
                    .iter()
                    .enumerate()
                    .any(|(n, one)| sets.iter().skip(n + 1).any(|other| !one.meets(other)));
                Some(if divided || axis.declared { axis.named.clone() } else { axis.filled() })
            })
            .collect();
        let mut day = Set::none(self.days.len() + 1);
        day.put(self.days.partition_point(|first| *first <= on));
        sets.push((!self.days.is_empty()).then_some(day));
        Region(sets)
    }

    /// What is left of a region once some others are taken out of it.
    pub(super) fn left(&self, region: &Region, others: &[&Region]) -> Result<Left, TooMany> {
        let mut used = BTreeSet::new();
        let mut open = Vec::new();
        if !region.is_empty() {
            open.push((region.clone(), 0));
        }
        let mut pieces = 0;
        while let Some((piece, from)) = open.pop() {
            let next = others.iter().enumerate().skip(from).find(|(_, other)| other.meets(&piece));
            let Some((at, other)) = next else { return Ok(Left::Some(piece)) };
            used.insert(at);
            let outside = self.but(piece, other);
            pieces += outside.len();
            if pieces > MOST_PIECES {
                return Err(TooMany);
            }
            open.extend(outside.into_iter().map(|piece| (piece, at + 1)));
        }
        Ok(Left::Covered(used.into_iter().collect()))
    }

    /// A region without another, in pieces that have nothing in common.
    fn but(&self, region: Region, other: &Region) -> Vec<Region> {
        let mut pieces = Vec::new();
        let mut rest = region;
        for (axis, taken) in other.0.iter().enumerate() {
            let Some(taken) = taken else { continue };
            let Some(slot) = rest.0.get_mut(axis) else { continue };
            let classes = self.axes.get(axis).map_or(self.days.len() + 1, |it| it.classes.len());
            let here = slot.take().unwrap_or_else(|| Set::all(classes));
            let (inside, outside) = (here.and(taken), here.but(taken));
            *slot = Some(inside);
            if !outside.is_empty() {
                let mut piece = rest.clone();
                if let Some(slot) = piece.0.get_mut(axis) {
                    *slot = Some(outside);
                }
                pieces.push(piece);
            }
        }
        pieces
    }

    /// One record of a region, by field, as a person would write it; fields on which nothing depends
    /// are left out.
    pub(super) fn sample(&self, region: &Region) -> Vec<(&Field, String)> {
        let mut values = Vec::new();
        for ((field, axis), set) in self.fields.iter().zip(&self.axes).zip(&region.0) {
            let Some(set) = set else { continue };
            let named = set.and(&axis.named);
            let from = if named.is_empty() { set } else { &named };
            if let Some(class) = from.each().next().and_then(|class| axis.classes.get(class)) {
                values.push((field, axis.written(class)));
            }
        }
        values
    }

    /// The day on which the sample of a region is routed, where it depends on the day.
    pub(super) fn sample_day(&self, region: &Region) -> Option<NaiveDate> {
        let class = region.0.last()?.as_ref()?.each().last()?;
        match class.checked_sub(1) {
            Some(before) => self.days.get(before).copied(),
            None => self.days.first().and_then(|day| day.checked_sub_days(Days::new(1))),
        }
    }

    /// The numbers of a field that a region holds, where they are in a row.
    pub(super) fn range(&self, region: &Region, field: &Field) -> Option<Range> {
        let at = self.fields.binary_search(field).ok()?;
        let (axis, set) = (self.axes.get(at)?, region.0.get(at)?.as_ref()?);
        let mut range: Option<Range> = None;
        for class in set.each() {
            let Class::Points(next) = axis.classes.get(class)? else { return None };
            range = match range {
                None => Some(*next),
                Some(Range { low, high }) if high.checked_add(1) == Some(next.low) => {
                    Some(Range { low, high: next.high })
                }
                Some(_) => return None,
            };
        }
        range
    }

    /// The region with other numbers of a field.
    pub(super) fn with_range(&self, region: &Region, field: &Field, range: Range) -> Region {
        let mut other = region.clone();
        let Ok(at) = self.fields.binary_search(field) else { return other };
        if let (Some(axis), Some(slot)) = (self.axes.get(at), other.0.get_mut(at)) {
            let mut set = Set::none(axis.classes.len());
            for (class, it) in axis.classes.iter().enumerate() {
                if matches!(it, Class::Points(it) if range.low <= it.low && it.high <= range.high) {
                    set.put(class);
                }
            }
            *slot = Some(set);
        }
        other
    }

    /// The region without what it says of a field.
    pub(super) fn without(&self, region: &Region, field: &Field) -> Region {
        let mut other = region.clone();
        if let Ok(at) = self.fields.binary_search(field)
            && let Some(slot) = other.0.get_mut(at)
        {
            *slot = None;
        }
        other
    }

    /// The number fields that a region restricts.
    pub(super) fn numbers<'s>(&'s self, region: &'s Region) -> impl Iterator<Item = &'s Field> {
        let restricted = self.fields.iter().zip(&region.0).filter(|(_, set)| set.is_some());
        restricted.map(|(field, _)| field).filter(|field| field.kind() == Kind::Number)
    }

    /// A grid point of a number field as a person writes it; `None` where there is no end.
    pub(super) fn point(&self, field: &Field, point: i64) -> Option<String> {
        let at = self.fields.binary_search(field).ok()?;
        let axis = self.axes.get(at)?;
        (point.abs() < FAR).then(|| written_number(number(point, axis.scale)))
    }
}

impl Axis {
    fn new(classes: Vec<Class>, scale: f64, is_named: impl Fn(&Class) -> bool) -> Self {
        let mut named = Set::none(classes.len());
        let mut by_text = BTreeMap::new();
        for (at, class) in classes.iter().enumerate() {
            if is_named(class) {
                named.put(at);
            }
            match class {
                Class::Text(text) => drop(by_text.insert(fold(text), at)),
                Class::Points(range) if range.low == range.high => {
                    by_text.insert(written_number(number(range.low, scale)), at);
                }
                Class::Points(_) | Class::Blank | Class::Begins(_) | Class::Other(_) => {}
            }
        }
        Self { classes, by_text, scale, named, declared: false }
    }

    /// Every class but the blank one.
    fn filled(&self) -> Set {
        let mut set = Set::all(self.classes.len());
        let blank = self.classes.iter().position(|class| *class == Class::Blank);
        if let Some(word) = blank.and_then(|at| set.0.get_mut(at / 64).map(|word| (word, at))) {
            *word.0 &= !(1 << (word.1 % 64));
        }
        set
    }

    fn of_flag() -> Self {
        let texts = ["true", "false"].map(|text| Class::Text(text.to_owned()));
        let classes = std::iter::once(Class::Blank).chain(texts).collect();
        Self::new(classes, 1.0, |class| *class != Class::Blank)
    }

    fn of_texts(field: &Field, tests: &[&Test]) -> Self {
        // The first spelling of a value is the one that is shown.
        let mut named: BTreeMap<String, &str> = BTreeMap::new();
        let mut starts: BTreeMap<String, &str> = BTreeMap::new();
        let mut denied = false;
        for test in tests {
            match test {
                Test::In(values) | Test::NotIn(values) => {
                    denied |= matches!(test, Test::NotIn(_));
                    for value in values.iter().filter(|value| !value.trim().is_empty()) {
                        named.entry(fold(value)).or_insert(value);
                    }
                }
                Test::StartsWith(values) => {
                    for start in values {
                        starts.entry(fold(start)).or_insert(start);
                    }
                }
                Test::Between(..) | Test::Blank(_) => {}
            }
        }
        for value in field.values() {
            named.entry(fold(value)).or_insert(value);
        }
        let unnamed = |start: &str, folded: &str| {
            let is_free = |other: &str| {
                let longer = starts.range(folded.to_owned()..).skip_while(|(it, _)| *it == folded);
                let mut longer = longer.take_while(|(it, _)| it.starts_with(folded));
                !named.contains_key(other) && !longer.any(|(it, _)| other.starts_with(it))
            };
            // Finitely many names cannot begin with every letter there is.
            let letters = ('x'..='z').chain('0'..='9').chain('a'..='w').chain('\u{a1}'..=char::MAX);
            let ends = letters.flat_map(|c| [1, 2, 3].map(|n| c.to_string().repeat(n)));
            ends.map(|end| (format!("{start}{end}"), format!("{folded}{}", fold(&end))))
                .find(|(_, other)| is_free(other))
                .map_or_else(String::new, |(written, _)| written)
        };
        let begins = starts.iter().map(|(folded, start)| Class::Begins(unnamed(start, folded)));
        let begins: Vec<Class> = begins.collect();
        let other = Class::Other(unnamed("another ", "another "));
        let named = named.values().map(|text| Class::Text((*text).to_owned()));
        let classes = std::iter::once(Class::Blank).chain(named).chain(begins).chain([other]);
        let axis = Self::new(classes.collect(), 1.0, |class| match class {
            Class::Text(_) | Class::Begins(_) => true,
            Class::Other(_) => denied || asks_for_blanks(tests),
            Class::Blank => asks_for_blanks(tests),
            Class::Points(_) => false,
        });
        Self { declared: !field.values().is_empty(), ..axis }
    }

    fn of_numbers(field: &Field, tests: &[&Test], decimals: u32) -> Result<Self, Open> {
        let mut ends: Vec<(f64, f64)> = Vec::new();
        for test in tests {
            match test {
                Test::In(values) | Test::NotIn(values) => {
                    let numbers = values.iter().filter_map(|value| value.parse::<f64>().ok());
                    ends.extend(numbers.filter(|it| it.is_finite()).map(|it| (it, it)));
                }
                Test::Between(low, high) => ends.push((*low, *high)),
                Test::StartsWith(_) => return Err(Open::Beginning(field.clone())),
                Test::Blank(_) => {}
            }
        }
        let written = ends.iter().flat_map(|(low, high)| [*low, *high]);
        let finest = written.map(decimals_of).max().unwrap_or(0).max(decimals);
        if finest > MOST_DECIMALS {
            return Err(Open::Decimals(field.clone()));
        }
        let scale = 10_f64.powi(i32::try_from(finest).unwrap_or(0));
        let mut firsts = BTreeSet::from([-FAR]);
        let (mut least, mut most) = (FAR, -FAR);
        for (low, high) in ends {
            let (low, high) = (point(low, scale), point(high, scale));
            firsts.extend([low, high.saturating_add(1)]);
            least = least.min(if low == -FAR { high } else { low });
            most = most.max(high);
        }
        let firsts: Vec<i64> = firsts.into_iter().filter(|first| *first <= FAR).collect();
        let lasts = firsts.iter().skip(1).map(|next| next - 1).chain([FAR]);
        let points = firsts.iter().zip(lasts).map(|(low, high)| Range { low: *low, high });
        let classes = std::iter::once(Class::Blank).chain(points.map(Class::Points)).collect();
        Ok(Self::new(classes, scale, |class| match class {
            Class::Points(it) => least > most || it.high >= least && it.low <= most,
            Class::Blank => asks_for_blanks(tests),
            Class::Text(_) | Class::Begins(_) | Class::Other(_) => false,
        }))
    }

    /// The classes that pass a folded test.
    fn set(&self, test: &Test) -> Set {
        let mut set = Set::none(self.classes.len());
        match test {
            Test::In(values) => {
                let named = values.iter().filter_map(|value| self.by_text.get(value));
                named.for_each(|class| set.put(*class));
            }
            Test::NotIn(values) => {
                (0..self.classes.len()).for_each(|class| set.put(class));
                return set.but(&self.set(&Test::In(values.clone())));
            }
            Test::Between(..) | Test::StartsWith(_) | Test::Blank(_) => {
                for (at, class) in self.classes.iter().enumerate() {
                    if self.passes(class, test) {
                        set.put(at);
                    }
                }
            }
        }
        set
    }

    /// Whether the sample of a class passes a test.
    fn passes(&self, class: &Class, test: &Test) -> bool {
        let (folded, number) = match class {
            Class::Blank => (None, None),
            Class::Text(sample) | Class::Begins(sample) | Class::Other(sample) => {
                (Some(fold(sample)), None)
            }
            Class::Points(range) => (None, Some(number(nearest(*range), self.scale))),
        };
        test.passes(Folded { text: folded.as_deref(), number, blank: *class == Class::Blank })
    }

    /// A value of a class as a person would write it.
    fn written(&self, class: &Class) -> String {
        match class {
            Class::Blank => "blank".to_owned(),
            Class::Text(text) | Class::Begins(text) | Class::Other(text) => text.clone(),
            Class::Points(range) => written_number(number(nearest(*range), self.scale)),
        }
    }
}

/// True when some test is about whether there is a value at all.
fn asks_for_blanks(tests: &[&Test]) -> bool {
    tests.iter().any(|test| matches!(test, Test::Blank(_)))
}

/// The point of a range that a person would name.
fn nearest(range: Range) -> i64 {
    if range.low == -FAR { range.high } else { range.low }
}

fn number(point: i64, scale: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "points of numbers that people write are exact")]
    let point = point as f64;
    point / scale
}

fn point(number: f64, scale: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and ends are clamped")]
    let point = (number * scale).round() as i64;
    point.clamp(-FAR, FAR)
}

/// The decimals that writing a number takes.
pub(super) fn decimals_of(number: f64) -> u32 {
    if !number.is_finite() {
        return 0;
    }
    let written = number.to_string();
    let decimals = written.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    u32::try_from(decimals).unwrap_or(u32::MAX)
}

impl Region {
    /// True when no record is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().flatten().any(Set::is_empty)
    }

    /// True when some record may be in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        !self.is_empty()
            && !other.is_empty()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Some(one), Some(other)) => one.meets(other),
                _ => true,
            })
    }

    /// The records in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let both = self.0.iter().zip(&other.0).map(|pair| match pair {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        });
        Self(both.collect())
    }

    /// True when every record is in the other.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.is_empty()
            || self.0.iter().zip(&other.0).all(|pair| match pair {
                (Some(one), Some(other)) => one.within(other),
                (_, None) => true,
                (None, Some(_)) => false,
            })
    }

    /// True when both restrict the same fields, whatever the days.
    pub(super) fn is_about_the_fields_of(&self, other: &Self) -> bool {
        let fields = self.0.len().saturating_sub(1);
        let pairs = self.0.iter().zip(&other.0).take(fields);
        pairs.into_iter().all(|(one, other)| one.is_some() == other.is_some())
    }
}
