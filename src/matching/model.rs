//! What each level is worth, estimated without labels (Fellegi and Sunter 1969; Winkler 1988 for EM).
//!
//! The weight of an agreement in bits is log2(m / u): m is how often matches reach the level, u how often
//! two records that are not one do. m comes from expectation-maximisation over the pairs that share a key,
//! drawn to what is usual for the kind of column; u of levels comes from pairs drawn at random and, in a
//! context, from pairs drawn within it that everything else holds apart and that something else brought
//! together; u of an equal value is how often other records hold it, the pair itself left out; of a company's
//! name that is drawn to how many strangers names of such words have ([`super::namesakes`]), and to what the
//! rest says of such pairs, and its m is how often matches share it, however spaced; a company's domain counts
//! by how many share it, and its city by how few.
//! Does not: decide; a score of 0 bits is an even chance.

#![expect(clippy::indexing_slicing, reason = "levels and contexts index the ladder they came from")]

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::threads;

use super::blocking::{Blocks, Made};
use super::compare::{Comparer, Comparison, Outcome, Term, float};
use super::dictionary::{BLANK, Code};
use super::facets::Line;
#[cfg(doc)]
use super::ladder;
use super::ladder::{CONTEXTS, Comes, LEVELS, Ladder};
use super::shuffle::{SEED, Shuffle};

/// One number for each level of each context.
type Rates = [[f64; LEVELS]; CONTEXTS];

/// Classes of how many records share a value, by the least that belongs to the next class.
pub(super) const CLASSES: [f32; 5] = [3.0, 5.0, 9.0, 17.0, 65.0];

/// One number for each class.
pub(super) type Rarer = [f64; CLASSES.len() + 1];

/// The parameters of one comparison.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub(super) m: Rates,
    pub(super) u: Rates,
    /// Bits by which a value of each class is rarer among non-matches than its frequency says.
    pub(super) rarer: Rarer,
    /// What each rung is worth: first those whose u is the level's, then those whose u is a value's.
    bits: [f64; 2 * VALUE],
    /// What each rung is worth at least, whatever its value.
    least: [f64; 2 * VALUE],
}

impl Parameters {
    /// How much rarer the agreed value is than its frequency says, in bits.
    fn rarer(&self, comparison: Comparison, ladder: &Ladder, outcome: &Outcome) -> f64 {
        class_of(comparison, ladder, outcome).map_or(0.0, |class| self.rarer[usize::from(class)])
    }
}

/// What linkage learned of a set of records.
#[derive(Debug, Clone)]
pub(super) struct Model {
    /// The odds that two records drawn at random are one, in bits.
    pub(super) prior: f64,
    /// How many matching pairs the records are expected to hold.
    pub(super) expected: f64,
    pub(super) parameters: Vec<Parameters>,
    records: f32,
}

/// How strongly a level's share among matches is drawn to what is usual, in matches.
const DRAW: f64 = 50.0;
/// How strongly a value's frequency is drawn to what is usual for its kind, in records.
const USUAL: f32 = 1_000.0;
/// How strongly a value's frequency among few is drawn to its frequency among all, in records.
const KINDRED: f32 = 20.0;
/// What a value that only the pair itself holds counts as, in records: between none and one.
const UNSEEN: f32 = 0.5;
/// So many pairs of companies of related names are neighbours however small their place.
const NEIGHBOURS: f32 = 0.02;
/// No level is thought rarer among matches than this; what no pair reaches counts for nothing.
const LEAST_SHARE: f64 = 1e-3;
/// How strongly u is drawn to what is thought before any data, in pairs. Within groups the one pair of a group
/// of two is drawn so many times, and must not teach alone what a context brings with it.
const BEFORE: f64 = 20.0;
/// The same for what is learned from pairs that share a key, each of which is drawn once.
const BEFORE_KEYED: f64 = 1.0;
/// How strongly the number of matches is drawn to what is usual, as a share of it: a table in which hardly
/// any are found still holds some.
const EXPECTED: f64 = 0.1;
/// Matches disagree at most so many times as often as is usual.
const MOST_DISAGREE: f64 = 3.0;
/// The share of records that have a double, before any data.
const DOUBLES: f64 = 0.02;
/// Pairs drawn at random.
const RANDOM_PAIRS: u32 = 200_000;
/// Pairs drawn within each kind of group.
const GROUP_PAIRS: u32 = 30_000;
/// Pairs that share a key, at most, from which m is estimated.
const TRAINING_PAIRS: usize = 200_000;
/// The levels of [`ladder::COMPANY`] for one name spaced differently, units of one company and initials.
const SPACED: usize = 1;
const UNITS: usize = 4;
const INITIALS: usize = 5;
/// The contexts that names a slip apart and units of one company make.
const SLIP_APART: usize = 2;
const IN_UNITS: usize = 3;
/// The level of [`ladder::MAIL`] for a local part made of the name, and the first context of names that are alike in
/// whole or in part.
const MADE_OF_NAME: usize = 3;
const UNDER_ONE_NAME: usize = 2;
/// What matches look like is learned from pairs for which everything else speaks so strongly, in bits.
const VOUCHED: f64 = 3.0;
/// As [`APART`], for companies.
const FAR_APART: f64 = -9.0;
/// A context's u is learned from pairs that everything else makes at least so unlikely, in bits.
const APART: f64 = -6.0;

impl Model {
    /// The parameters before any data: what is usual for the kinds of columns.
    pub(super) fn usual(comparer: &Comparer) -> Self {
        let parameters = comparer
            .comparisons
            .iter()
            .map(|(_, ladder)| Parameters {
                m: [usual(ladder); CONTEXTS],
                u: [[0.0; LEVELS]; CONTEXTS],
                rarer: [0.0; CLASSES.len() + 1],
                bits: [0.0; 2 * VALUE],
                least: [f64::NEG_INFINITY; 2 * VALUE],
            })
            .collect();
        let expected = (f64::from(comparer.facets.len) * DOUBLES).max(1.0);
        Self { prior: 0.0, expected, parameters, records: float(comparer.facets.len) }
    }

    /// The weight of a comparison, in bits; 0 where one side says nothing.
    pub(super) fn weight(&self, at: usize, comparer: &Comparer, outcome: &Outcome) -> f64 {
        if outcome.level.is_none() {
            return 0.0;
        }
        let (comparison, ladder) = &comparer.comparisons[at];
        let parameters = &self.parameters[at];
        let rarer = parameters.rarer(*comparison, ladder, outcome);
        let rung = usize::from(rung(outcome));
        let bits = parameters.bits[rung] + f64::from(self.term(ladder, outcome)) - rarer;
        bits.max(parameters.least[rung])
    }

    /// What the frequency of the agreed value is worth, in bits.
    fn term(&self, ladder: &Ladder, outcome: &Outcome) -> f32 {
        match outcome.term {
            Term::Level | Term::LevelOf { .. } => 0.0,
            Term::Value { held, among } => -self.chance(ladder, held, among).log2(),
            Term::Usual { held, usual } => {
                let others = (held - 2.0).max(0.0) + UNSEEN;
                -(NEIGHBOURS + (1.0 - NEIGHBOURS) * others / usual.max(UNSEEN)).log2()
            }
            Term::Name { others, .. } => -self.chance_among_all(ladder, others).log2(),
            Term::Within { held, among, alone } => {
                let others = (held - 2.0).max(0.0) + UNSEEN;
                let usual = self.chance(ladder, alone, self.records);
                -((others + KINDRED * usual) / (among + KINDRED)).log2()
            }
            Term::Word { held } => -self.chance(ladder, held, self.records).log2(),
        }
    }

    /// The chance that another record holds a value that so many of the others hold. Few records say little of
    /// how frequent a value is, and what is usual counts; but not where so many hold it that chance cannot have
    /// made it so (twice the standard deviation of a count): in a list of one city, that city says nothing.
    fn chance(&self, ladder: &Ladder, held: f32, among: f32) -> f32 {
        let others = (held - 2.0).max(0.0) + UNSEEN;
        if among < self.records {
            return (others / among).min(1.0);
        }
        self.chance_among_all(ladder, others)
    }

    /// The chance of a value that so many others hold, among all records.
    fn chance_among_all(&self, ladder: &Ladder, others: f32) -> f32 {
        let drawn = (others + USUAL / ladder.values) / (self.records + USUAL);
        let surely = (others - 2.0 * others.sqrt()) / self.records;
        drawn.max(surely).min(1.0)
    }

    /// The odds that two records are one, in bits.
    pub(super) fn score(
        &self,
        comparer: &Comparer,
        outcomes: impl Iterator<Item = Outcome>,
    ) -> f64 {
        let outcomes = outcomes.enumerate();
        let weights = outcomes.map(|(at, outcome)| self.weight(at, comparer, &outcome));
        self.prior + weights.sum::<f64>()
    }
}

/// The context in which matches are counted: a company's name has one ladder, whatever words it shares.
fn matches_context(comparison: Comparison, context: usize) -> usize {
    if comparison == Comparison::Company { 0 } else { context }
}

/// True where all pairs that share the value are compared, so that its frequency can be checked by them.
fn is_keyed(comparison: Comparison, ladder: &Ladder, outcome: &Outcome) -> bool {
    let is_full_name = outcome.context == 1;
    outcome.level.is_some_and(|level| level < ladder.keyed)
        && (comparison != Comparison::FirstName || is_full_name)
}

/// The class of an agreed value, where what it is worth depends on how many records hold it.
fn class_of(comparison: Comparison, ladder: &Ladder, outcome: &Outcome) -> Option<u8> {
    let held = match outcome.term {
        Term::Value { held, .. } | Term::Name { held, .. } | Term::Within { held, .. } => held,
        // A domain that many share is a group's, whatever their names.
        Term::LevelOf { held }
            if comparison == Comparison::Domain && usize::from(outcome.context) != IN_UNITS =>
        {
            held
        }
        Term::Level | Term::LevelOf { .. } | Term::Usual { .. } | Term::Word { .. } => return None,
    };
    is_keyed(comparison, ladder, outcome).then(|| class(held))
}

fn class(held: f32) -> u8 {
    CLASSES.iter().fold(0, |class, least| class + u8::from(held >= *least))
}

/// How often matches reach each level, before any data. What would agree to a level that is out of reach
/// agrees to the next one that is not: of two addresses without streets, to the city.
fn usual(ladder: &Ladder) -> [f64; LEVELS] {
    let is_in_reach = |level: &usize| ladder.out_of_reach >> level & 1 == 0;
    let agree = ladder.levels.len() - ladder.differ;
    let mut shares = [0.0; LEVELS];
    for (at, level) in ladder.levels.iter().enumerate() {
        shares[(at..agree).find(is_in_reach).unwrap_or(at)] += level.matches;
    }
    let total: f64 = shares.iter().sum();
    shares.map(|share| (share / total).max(LEAST_SHARE))
}

/// The chance of an even score's being a match.
pub(super) fn probability(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits).exp2())
}

/// Numbers in a fixed order that look random (a linear congruential generator with Knuth's constants).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let limit = limit as u64;
        usize::try_from((self.0 >> 33) % limit.max(1)).unwrap_or_default()
    }

    fn place(&mut self, len: u32) -> u32 {
        u32::try_from(self.below(len as usize)).unwrap_or_default()
    }
}

/// One comparison of a pair to learn from: what no estimate changes of it.
#[derive(Clone, Copy)]
struct Point {
    /// Context and level as one number; `None` where a side says nothing.
    rung: Option<u8>,
    /// The value is a key: all pairs that share it are compared.
    is_key: bool,
    /// What the value's frequency is worth, in bits; 0 where the level alone counts.
    term: f32,
    /// How many records hold the value or word; 0 where the level alone counts.
    held: f32,
    /// What it is worth depends on how many records hold the value.
    by_class: bool,
}

/// A pair drawn to learn from, and how many pairs it stands for.
type Drawing = (u32, u32, f32);

/// A pair that shares a key, with its score and how many pairs it stands for.
type Keyed<'p> = (&'p Point, f64, f64);

/// Pairs to learn from: some at random, then some within groups, then some that share a key. They are drawn from
/// a shuffle of the records, so that the order of the table decides nothing.
struct Samples {
    /// Comparison by comparison, the points of all pairs.
    points: Vec<Vec<Point>>,
    /// How many pairs each stands for.
    stands_for: Vec<f32>,
    /// Where those at random end, and those within groups.
    random: usize,
    grouped: usize,
    /// What the keys are made of that brought those together that share one.
    made: Vec<Made>,
    /// How many pairs share a key for each one that was drawn.
    scale: f64,
}

impl Samples {
    fn of(
        model: &Model,
        comparer: &Comparer,
        blocks: &Blocks,
        shuffle: &Shuffle,
        threads: NonZeroUsize,
    ) -> Self {
        let facets = &comparer.facets;
        let mut draw = Draw(SEED);
        let mut drawn: Vec<Drawing> = (0..RANDOM_PAIRS.min(facets.len.saturating_mul(200)))
            .map(|_| [draw.place(facets.len), draw.place(facets.len)])
            .map(|places| places.map(|place| shuffle.record(place)))
            .map(|[a, b]| (a, b, 1.0))
            .filter(|(a, b, _)| a != b && comparer.may_be_one(*a, *b))
            .collect();
        let random = drawn.len();
        let rarest_word = |line: &Line| {
            let words = facets.company_words.of_value(line.company).iter().copied();
            words.min_by_key(|word| facets.company_words.values.frequency(*word)).unwrap_or(BLANK)
        };
        let groupings: [&(dyn Fn(&Line) -> Code + Sync); 8] = [
            &|line| line.company,
            &|line| line.domain,
            &|line| line.street,
            &|line| line.phones[0],
            &|line| line.name,
            &|line| line.first,
            &|line| line.last,
            &rarest_word,
        ];
        // As many at a time as there are threads: each takes several numbers a record.
        for groupings in groupings.chunks(threads.get()) {
            let found = threads::each(threads, groupings.len(), |at| {
                Groups::of(comparer, shuffle, groupings[at])
            });
            for groups in found {
                groups.draw(comparer, &mut draw, &mut drawn);
            }
        }
        let grouped = drawn.len();
        let mut made = Vec::new();
        let scale = draw_blocked(comparer, blocks, shuffle, &mut drawn, &mut made);
        let points = model.points(comparer, &drawn, threads);
        let stands_for = drawn.into_iter().map(|(.., stands_for)| stands_for).collect();
        Self { points, stands_for, random, grouped, made, scale }
    }

    /// What one comparison says of the pairs that share a key, and how many pairs each stands for.
    fn keyed(&self, at: usize) -> impl Iterator<Item = (&Point, f64)> {
        let points = self.points[at].iter().zip(&self.stands_for).skip(self.grouped);
        points.map(|(point, stands_for)| (point, f64::from(*stands_for)))
    }

    /// Where a pair was drawn from, as far as that can overstate a comparison.
    fn drawn(&self, n: usize, comparison: Comparison) -> Drawn {
        let own = match comparison {
            Comparison::Address => Made::OF_PLACE,
            Comparison::Phone => Made::OF_PHONE,
            Comparison::Domain => Made::OF_DOMAIN,
            Comparison::Workplace
            | Comparison::Company
            | Comparison::FirstName
            | Comparison::LastName
            | Comparison::Mail
            | Comparison::Birth
            | Comparison::Identifier(_)
            | Comparison::Text(_)
            | Comparison::Category(_) => Made::OF_NEITHER,
        };
        match n.checked_sub(self.grouped).and_then(|n| self.made.get(n)) {
            None => Drawn::InGroup,
            Some(made) if made.holds(own) => Drawn::ByItself,
            Some(_) => Drawn::ByKey,
        }
    }
}

/// Where a pair was drawn from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawn {
    InGroup,
    ByKey,
    /// Only by keys made of what is compared: two that agree in it come together, and others do not.
    ByItself,
}

/// Records that share a value.
struct Groups {
    /// The value of each record.
    codes: Vec<Code>,
    /// How many records hold each value, and where those that share it end in `members`.
    sizes: Vec<u32>,
    ends: Vec<u32>,
    members: Vec<u32>,
}

impl Groups {
    fn of(comparer: &Comparer, shuffle: &Shuffle, grouping: &dyn Fn(&Line) -> Code) -> Self {
        let codes: Vec<Code> =
            (0..comparer.facets.len).map(|record| grouping(comparer.facets.line(record))).collect();
        let mut sizes = vec![0_u32; codes.iter().max().map_or(1, |last| *last as usize + 1)];
        for code in &codes {
            sizes[*code as usize] += 1;
        }
        sizes[BLANK as usize] = 0;
        let len: u32 = sizes.iter().filter(|size| **size > 1).sum();
        // Groups stand in the order in which the shuffle comes to them, and so do those of each: the number of a
        // value tells where the table holds it first.
        let mut ends = vec![0_u32; sizes.len()];
        let mut members = vec![0; len as usize];
        let mut taken = 0;
        for record in shuffle.records() {
            let code = codes[record as usize] as usize;
            if sizes[code] < 2 {
                continue;
            }
            let slot = &mut ends[code];
            if *slot == 0 {
                *slot = taken;
                taken += sizes[code];
            }
            members[*slot as usize] = record;
            *slot += 1;
        }
        Self { codes, sizes, ends, members }
    }

    /// Draws pairs within the groups.
    fn draw(&self, comparer: &Comparer, draw: &mut Draw, out: &mut Vec<Drawing>) {
        /// A giant group stands for no more than this.
        const MOST: usize = 50;
        let Self { codes, sizes, ends, members } = self;
        let draws = usize::try_from(GROUP_PAIRS)
            .unwrap_or(usize::MAX)
            .min(members.len().saturating_mul(10));
        for _ in 0..draws {
            let code = codes[members[draw.below(members.len())] as usize] as usize;
            let (end, size) = (ends[code] as usize, sizes[code] as usize);
            let from = end - size;
            let (a, b) = (members[from + draw.below(size)], members[from + draw.below(size)]);
            if a != b && comparer.may_be_one(a, b) {
                let stands_for = float(u32::try_from((size - 1).min(MOST)).unwrap_or(u32::MAX));
                out.push((a, b, stands_for));
            }
        }
    }
}

/// Draws pairs that share a key, all of them or those of every so many records; how many there are for each
/// one drawn. Of companies those that share several keys are few, and most matches are among them: they are
/// drawn from more records, and the others stand for as many more.
fn draw_blocked(
    comparer: &Comparer,
    blocks: &Blocks,
    shuffle: &Shuffle,
    out: &mut Vec<Drawing>,
    made: &mut Vec<Made>,
) -> f64 {
    /// Companies that share several keys are drawn from so many times as many records.
    const CLOSER: usize = 16;
    let step = blocks.pairs_at_most().div_ceil(TRAINING_PAIRS).max(1);
    let closer = if comparer.facets.are_people() { step } else { step.div_ceil(CLOSER) };
    let every = step / closer;
    let stands_for = float(u32::try_from(every).unwrap_or(u32::MAX));
    let mut neighbours = Vec::new();
    let mut taken = 0_u32;
    for (n, record) in shuffle.records().step_by(closer).enumerate() {
        taken += 1;
        blocks.after(record, shuffle, &mut neighbours);
        let others = neighbours.iter().map(|(place, of)| (shuffle.record(*place), of));
        for (other, of) in others.filter(|(other, _)| comparer.may_be_one(record, *other)) {
            if of.is_of_several() {
                out.push((record, other, 1.0));
            } else if n % every == 0 {
                out.push((record, other, stands_for));
            } else {
                continue;
            }
            made.push(*of);
        }
    }
    f64::from(comparer.facets.len) / f64::from(taken.max(1))
}

/// Estimates the parameters.
pub(super) fn train(
    comparer: &Comparer,
    blocks: &Blocks,
    shuffle: &Shuffle,
    threads: NonZeroUsize,
) -> Model {
    /// EM has settled long before, or never will.
    const MOST_ROUNDS: usize = 100;
    let mut model = Model::usual(comparer);
    let samples = Samples::of(&model, comparer, blocks, shuffle, threads);
    let pairs = comparer.pairs().max(1.0);
    for round in 0..MOST_ROUNDS {
        let share = (model.expected / pairs).min(0.5);
        model.prior = (share / (1.0 - share)).log2();
        model.learn_chance(comparer, &samples, round > 0, threads);
        model.settle(comparer);
        model.learn_rarity(comparer, &samples, threads);
        let expected = model.learn_matches(comparer, &samples, threads);
        model.settle(comparer);
        let settled = (expected / model.expected).ln().abs() < 1e-3;
        model.expected = expected;
        if settled && round > 5 {
            break;
        }
    }
    model
}

impl Model {
    /// The points of pairs, comparison by comparison.
    fn points(
        &self,
        comparer: &Comparer,
        drawn: &[Drawing],
        threads: NonZeroUsize,
    ) -> Vec<Vec<Point>> {
        /// Pairs that are compared in one go.
        const STRETCH: usize = 10_000;
        /// Pairs that are brought together before any is compared: one waits for all of them at once.
        const AT_HAND: usize = 64;
        let stretches: Vec<&[Drawing]> = drawn.chunks(STRETCH).collect();
        let found = threads::each(threads, stretches.len(), |at| {
            let mut points =
                vec![Vec::with_capacity(stretches[at].len()); comparer.comparisons.len()];
            let mut lines = Vec::with_capacity(AT_HAND);
            for drawn in stretches[at].chunks(AT_HAND) {
                lines.clear();
                lines.extend(
                    drawn.iter().map(|(a, b, _)| [*a, *b].map(|at| *comparer.facets.line(at))),
                );
                for ((a, b, _), [one, other]) in drawn.iter().zip(&lines) {
                    let outcomes = comparer.compare_lines((*a, *b), (one, other));
                    let comparisons = comparer.comparisons.iter().zip(outcomes);
                    for (points, ((comparison, ladder), outcome)) in
                        points.iter_mut().zip(comparisons)
                    {
                        points.push(self.point(*comparison, ladder, &outcome));
                    }
                }
            }
            points
        });
        let mut points = vec![Vec::with_capacity(drawn.len()); comparer.comparisons.len()];
        for stretch in found {
            for (all, some) in points.iter_mut().zip(stretch) {
                all.extend(some);
            }
        }
        points
    }

    fn point(&self, comparison: Comparison, ladder: &Ladder, outcome: &Outcome) -> Point {
        let held = match outcome.term {
            Term::Level => 0.0,
            Term::Value { held, .. }
            | Term::LevelOf { held }
            | Term::Usual { held, .. }
            | Term::Name { held, .. }
            | Term::Within { held, .. }
            | Term::Word { held } => held,
        };
        Point {
            rung: outcome.level.map(|_| rung(outcome)),
            is_key: held >= 2.0 && is_keyed(comparison, ladder, outcome),
            term: self.term(ladder, outcome),
            held,
            by_class: class_of(comparison, ladder, outcome).is_some(),
        }
    }

    fn weigh(&self, at: usize, point: &Point) -> f64 {
        let Point { rung: Some(rung), term, held, by_class, .. } = *point else { return 0.0 };
        let parameters = &self.parameters[at];
        let rarer = if by_class { parameters.rarer[usize::from(class(held))] } else { 0.0 };
        let bits = parameters.bits[usize::from(rung)] + f64::from(term) - rarer;
        bits.max(parameters.least[usize::from(rung)])
    }

    /// The scores of samples.
    fn scores(&self, samples: &Samples, range: Range<usize>, threads: NonZeroUsize) -> Vec<f64> {
        /// Samples that a thread scores in one go.
        const STRETCH: usize = 50_000;
        let stretches: Vec<Range<usize>> = range
            .clone()
            .step_by(STRETCH)
            .map(|from| from..range.end.min(from + STRETCH))
            .collect();
        let scores = threads::each(threads, stretches.len(), |at| {
            let stretch = &stretches[at];
            let mut scores = vec![self.prior; stretch.len()];
            for (at, points) in samples.points.iter().enumerate() {
                for (score, point) in scores.iter_mut().zip(&points[stretch.clone()]) {
                    *score += self.weigh(at, point);
                }
            }
            scores
        });
        scores.concat()
    }

    /// u of every level: from random pairs, and in a context from pairs that all else holds apart.
    fn learn_chance(
        &mut self,
        comparer: &Comparer,
        samples: &Samples,
        is_scored: bool,
        threads: NonZeroUsize,
    ) {
        let scores = is_scored.then(|| self.scores(samples, 0..samples.stands_for.len(), threads));
        let model = &*self;
        // How surely those drawn at random are not one: every comparison asks it.
        let surely = scores.as_deref().map_or_else(
            || vec![1.0; samples.random],
            |scores| scores.iter().take(samples.random).map(|it| 1.0 - probability(*it)).collect(),
        );
        let learned = threads::each(threads, comparer.comparisons.len(), |at| {
            model.chances_of(at, comparer, samples, &surely, scores.as_deref())
        });
        for (parameters, u) in self.parameters.iter_mut().zip(learned) {
            parameters.u = u;
        }
    }

    /// u of every level of one comparison.
    fn chances_of(
        &self,
        at: usize,
        comparer: &Comparer,
        samples: &Samples,
        surely: &[f64],
        scores: Option<&[f64]>,
    ) -> Rates {
        let people = comparer.facets.are_people();
        let (comparison, ladder) = &comparer.comparisons[at];
        let points = &samples.points[at];
        let mut counts: Rates = [[0.0; LEVELS]; CONTEXTS];
        let mut among = [0.0; CONTEXTS];
        for (point, surely) in points.iter().zip(surely) {
            // The few that share a context are mostly matches where there are few records.
            if let Some((0, level)) = point.rung.map(apart) {
                counts[0][level] += surely;
            }
        }
        for (n, point) in points.iter().enumerate().skip(samples.random) {
            let Some((context, level)) = point.rung.map(apart) else { continue };
            let drawn = samples.drawn(n, *comparison);
            let score = scores.map(|scores| scores[n]);
            let others = score.map(|score| score - self.weigh(at, point));
            let counted = if people {
                among_people(*comparison, context, drawn, others)
            } else {
                among_companies(*comparison, (context, level), point.held, drawn, [score, others])
            };
            let Some(Counted { context, weight, matches }) = counted else { continue };
            counts[context][level] += weight * f64::from(samples.stands_for[n]);
            among[context] += matches;
        }
        // What is a match among them reached the levels as often as matches do.
        for (counts, matches) in counts.iter_mut().zip(among) {
            for (count, m) in counts.iter_mut().zip(&self.parameters[at].m[0]) {
                *count = matches.mul_add(-m, *count).max(0.0);
            }
        }
        let mut u: Rates = [[0.0; LEVELS]; CONTEXTS];
        u[0] = chances(&counts[0], &by_chance(ladder), BEFORE);
        let usual = usual(ladder);
        for context in 1..CONTEXTS {
            // Before any data a context is much like none, and a little like a match.
            let mut before = u[0];
            for (before, usual) in before.iter_mut().zip(usual) {
                *before = 0.1_f64.mul_add(usual, 0.9 * *before);
            }
            let pairs = if people { BEFORE } else { BEFORE_KEYED };
            u[context] = chances(&counts[context], &before, pairs);
        }
        if *comparison == Comparison::Company {
            let is_unit = |point: &Point| point.rung.is_some_and(|rung| apart(rung).1 == UNITS);
            let units = samples.keyed(at).filter(|(point, _)| is_unit(point));
            let units: f64 = units.map(|(_, stands_for)| stands_for).sum();
            let pairs = comparer.pairs().max(1.0);
            u[1][UNITS] = (units * samples.scale + 1.0) / pairs;
            u[0][INITIALS] = u[0][INITIALS].max(comparer.facets.by_initials / pairs);
        }
        u
    }

    /// How much rarer values are among non-matches than their frequencies say, class by class.
    fn learn_rarity(&mut self, comparer: &Comparer, samples: &Samples, threads: NonZeroUsize) {
        let scores = self.scores(samples, samples.grouped..samples.stands_for.len(), threads);
        for (at, (comparison, _)) in comparer.comparisons.iter().enumerate() {
            let keyed = samples
                .keyed(at)
                .zip(&scores)
                .filter(|((point, _), _)| point.is_key)
                .map(|((point, stands_for), score)| (point, *score, stands_for));
            self.parameters[at].rarer = if *comparison == Comparison::Company {
                self.rarer_names(at, keyed)
            } else if *comparison == Comparison::Domain {
                of_groups(keyed)
            } else {
                rarer(keyed)
            };
        }
    }

    /// As [`rarer`], for companies' names: how many pairs of each class are matches is what the rest says of
    /// them. Frequencies tell it of values that matches hold as often as others; but what a company of a rare
    /// name shares its name with is mostly itself.
    fn rarer_names<'p>(&self, at: usize, keyed: impl Iterator<Item = Keyed<'p>>) -> Rarer {
        let (mut told, mut found) = ([DRAW; CLASSES.len() + 1], [DRAW; CLASSES.len() + 1]);
        for (point, score, stands_for) in keyed {
            let Some(rung) = point.rung else { continue };
            let class = usize::from(class(point.held));
            let by_frequency = self.parameters[at].bits[usize::from(rung)] + f64::from(point.term);
            let likely = probability(score);
            told[class] += stands_for * (1.0 - likely) * (self.prior + by_frequency).exp2();
            found[class] += stands_for * likely;
        }
        let mut rarer = Rarer::default();
        for (rarer, (told, found)) in rarer.iter_mut().zip(told.iter().zip(&found)) {
            *rarer = (told / found).log2().clamp(-6.0, 6.0);
        }
        rarer
    }

    /// m of every level; how many matches there are.
    fn learn_matches(
        &mut self,
        comparer: &Comparer,
        samples: &Samples,
        threads: NonZeroUsize,
    ) -> f64 {
        let people = comparer.facets.are_people();
        let scores = self.scores(samples, samples.grouped..samples.stands_for.len(), threads);
        let likely: Vec<f64> = scores.iter().map(|score| probability(*score)).collect();
        let model = &*self;
        let counts = threads::each(threads, comparer.comparisons.len(), |at| {
            let mut counts: Rates = [[0.0; LEVELS]; CONTEXTS];
            let keyed = samples.keyed(at).zip(&scores).zip(&likely);
            for (((point, stands_for), score), likely) in keyed {
                let Some((context, level)) = point.rung.map(apart) else { continue };
                if people {
                    if *likely >= 1e-6 {
                        counts[context][level] += stands_for * likely;
                    }
                    continue;
                }
                // A level must not vouch for itself: what the others say decides which pairs count.
                let others = score - model.weigh(at, point);
                if others > VOUCHED {
                    counts[0][level] += stands_for * likely;
                }
            }
            counts
        });
        for (at, (comparison, ladder)) in comparer.comparisons.iter().enumerate() {
            for context in 0..CONTEXTS {
                let counts = &counts[at][if people { context } else { 0 }];
                self.parameters[at].m[context] = shares(*comparison, ladder, counts);
            }
        }
        let drawn = likely.iter().zip(samples.stands_for.iter().skip(samples.grouped));
        let matches: f64 = drawn.map(|(likely, stands_for)| likely * f64::from(*stands_for)).sum();
        let usual = f64::from(comparer.facets.len) * DOUBLES;
        ((matches * samples.scale + EXPECTED * usual) / (1.0 + EXPECTED)).max(0.1)
    }

    /// Works out what each level is worth from the rates.
    pub(super) fn settle(&mut self, comparer: &Comparer) {
        for (parameters, (comparison, ladder)) in
            self.parameters.iter_mut().zip(&comparer.comparisons)
        {
            let differ = ladder.levels.len() - ladder.differ..;
            let one_name = parameters.m[0][..=SPACED].iter().sum::<f64>();
            for context in 0..CONTEXTS {
                for level in 0..ladder.levels.len() {
                    let m = parameters.m[matches_context(*comparison, context)][level];
                    // Disagreement may be rare in a context, and still does not speak for a match.
                    // Nor does a local part that is made of the names, where these are alike already.
                    let is_of_names = *comparison == Comparison::Mail
                        && level == MADE_OF_NAME
                        && context >= UNDER_ONE_NAME;
                    if differ.contains(&level) || is_of_names {
                        let u = &mut parameters.u[context][level];
                        *u = u.max(m);
                    }
                    let rung = context * LEVELS + level;
                    // Nor does agreement against one that comes with the context.
                    let is_brought = ladder.comes == Comes::WithContext && context > 0;
                    if is_brought && !differ.contains(&level) {
                        let u = &mut parameters.u[context][level];
                        *u = u.min(m);
                        parameters.least[rung] = 0.0;
                        parameters.least[VALUE + rung] = 0.0;
                    }
                    let u = parameters.u[context][level];
                    parameters.bits[rung] = (m / u).log2();
                    // How a name is spaced says nothing of who bears it.
                    let is_one_name = *comparison == Comparison::Company && level <= SPACED;
                    let m = if is_one_name { one_name } else { m };
                    parameters.bits[VALUE + rung] = m.log2();
                }
            }
        }
    }
}

/// Where the rungs stand whose u is a value's frequency.
const VALUE: usize = CONTEXTS * LEVELS;

/// An outcome's context and level as one number.
fn rung(outcome: &Outcome) -> u8 {
    let is_by_value =
        matches!(outcome.term, Term::Value { .. } | Term::Name { .. } | Term::Within { .. });
    let by_value = if is_by_value { VALUE } else { 0 };
    let level = usize::from(outcome.level.unwrap_or_default());
    u8::try_from(by_value + usize::from(outcome.context) * LEVELS + level).unwrap_or(u8::MAX)
}

/// How much rarer values are among pairs that are not matches than their frequencies say, class by class.
fn rarer<'p>(keyed: impl Iterator<Item = Keyed<'p>>) -> Rarer {
    let (mut seen, mut expected) = ([1.0; CLASSES.len() + 1], [1.0; CLASSES.len() + 1]);
    for (point, score, stands_for) in keyed {
        let class = usize::from(class(point.held));
        seen[class] += stands_for * (1.0 - probability(score));
        expected[class] += stands_for * f64::from((point.held - 2.0 + UNSEEN) / (point.held - 1.0));
    }
    let mut rarer = Rarer::default();
    for (rarer, (seen, expected)) in rarer.iter_mut().zip(seen.iter().zip(&expected)) {
        *rarer = f64::log2(seen / expected).clamp(-6.0, 2.0);
    }
    rarer
}

/// As [`rarer`], for companies' domains: how much more often domains of each class are shared by two that are
/// not one than by two that are. What many have in common is a group's.
fn of_groups<'p>(keyed: impl Iterator<Item = Keyed<'p>>) -> Rarer {
    let (mut ones, mut others) = (Rarer::default(), Rarer::default());
    for (point, score, stands_for) in keyed.filter(|(point, ..)| point.by_class) {
        let class = usize::from(class(point.held));
        let likely = probability(score);
        ones[class] += stands_for * likely;
        others[class] += stands_for * (1.0 - likely);
    }
    let [of_ones, of_others] = [&ones, &others].map(|counts| counts.iter().sum::<f64>() + DRAW);
    let mut rarer = Rarer::default();
    for (rarer, (ones, others)) in rarer.iter_mut().zip(ones.iter().zip(&others)) {
        if ones + others > 0.0 {
            let share = DRAW * (ones + others) / (of_ones + of_others - 2.0 * DRAW);
            let [ones, others] = [(ones + share) / of_ones, (others + share) / of_others];
            *rarer = (others / ones).log2().clamp(-6.0, 6.0);
        }
    }
    rarer
}

/// The context and level of a rung.
fn apart(rung: u8) -> (usize, usize) {
    let rung = usize::from(rung) % VALUE;
    (rung / LEVELS, rung % LEVELS)
}

/// What a pair counts for when u is learned.
struct Counted {
    context: usize,
    weight: f64,
    /// How much of the weight is a match all the same.
    matches: f64,
}

impl Counted {
    fn pure(context: usize, weight: f64) -> Self {
        Self { context, weight, matches: 0.0 }
    }
}

/// What a pair of people counts for when u is learned.
fn among_people(
    comparison: Comparison,
    context: usize,
    drawn: Drawn,
    others: Option<f64>,
) -> Option<Counted> {
    // Keys are made of what the first contexts share, so that pairs drawn by key would overstate it.
    let first_by_key = if matches!(comparison, Comparison::Category(_)) { 1 } else { 2 };
    let counts = context > 0 && (drawn == Drawn::InGroup || context >= first_by_key);
    (counts && others.is_some_and(|others| others < APART)).then(|| Counted::pure(context, 1.0))
}

/// What a pair of companies counts for when u is learned.
fn among_companies(
    comparison: Comparison,
    (context, level): (usize, usize),
    held: f32,
    drawn: Drawn,
    [score, others]: [Option<f64>; 2],
) -> Option<Counted> {
    /// A word that more records hold says nothing of how names that share a rare word differ.
    const COMMON_WORD: f32 = 100.0;
    if drawn != Drawn::ByKey {
        return None;
    }
    let likely = |bits: Option<f64>| bits.map_or(0.0, probability);
    if comparison == Comparison::Company {
        let shares_word = (context == 1 || level <= 1) && held <= COMMON_WORD;
        return shares_word.then(|| Counted::pure(1, 1.0 - likely(score)));
    }
    let is_switchboard = comparison == Comparison::Phone;
    match (context, others) {
        (0, _) => None,
        // Units of one company are not one account, whatever they share.
        (IN_UNITS, _) => Some(Counted::pure(context, 1.0)),
        // A slip in a rare name all but says who it is, so that nothing holds such pairs apart but this.
        (SLIP_APART, Some(_)) if comparison == Comparison::Domain => {
            Some(Counted::pure(context, 1.0 - likely(score)))
        }
        (_, Some(others)) if others >= FAR_APART && !is_switchboard => None,
        _ => {
            let (likely, weight) = (likely(others), 1.0 - likely(others));
            Some(Counted { context, weight, matches: weight * likely })
        }
    }
}

/// How often matches reach each level: what was counted, drawn to what is usual.
fn shares(comparison: Comparison, ladder: &Ladder, counts: &[f64; LEVELS]) -> [f64; LEVELS] {
    let usual = usual(ladder);
    let total: f64 = counts.iter().sum::<f64>() + DRAW;
    let mut shares = [0.0; LEVELS];
    let last = ladder.levels.len() - 1;
    for level in 0..=last {
        shares[level] = (counts[level] + DRAW * usual[level]) / total;
    }
    // Pairs that merely share a name must not pass for matches that disagree in all else.
    let most = (MOST_DISAGREE * usual[last]).min(0.9);
    if shares[last] > most {
        fix(&mut shares, last, most);
    }
    if comparison == Comparison::Company {
        fix(&mut shares, UNITS, usual[UNITS]);
    }
    shares
}

/// Sets one share; the others keep their proportions.
fn fix(shares: &mut [f64; LEVELS], level: usize, share: f64) {
    let rest = (1.0 - share) / (1.0 - shares[level]);
    for share in shares.iter_mut() {
        *share *= rest;
    }
    shares[level] = share;
}

/// How often two records that are not one reach each level, before any data.
fn by_chance(ladder: &Ladder) -> [f64; LEVELS] {
    let last = ladder.levels.len() - 1;
    let mut shares = [0.0; LEVELS];
    shares[..last].fill(0.1 / as_f64(last + 1));
    shares[last] = 0.9;
    shares
}

/// What was counted, drawn to what is thought before, as strongly as so many pairs.
fn chances(counts: &[f64; LEVELS], before: &[f64; LEVELS], pairs: f64) -> [f64; LEVELS] {
    let total: f64 = counts.iter().sum::<f64>() + pairs;
    let mut chances = [0.0; LEVELS];
    for (chance, (count, before)) in chances.iter_mut().zip(counts.iter().zip(before)) {
        *chance = (count + pairs * before) / total;
    }
    chances
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

const _: () = assert!(2 * VALUE <= 256, "a rung has to fit a byte");
