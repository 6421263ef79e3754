//! Puts links together into clusters that hold together, and names the links that do not.
//!
//! Links are taken from the strongest down, and two groups become one only where everything that is known
//! between them speaks for it in sum: agglomerative clustering under the objective of correlation
//! clustering (Bansal, Blum and Chawla 2004). A record that is like two others who are not like each other
//! does not chain them. How likely two records without a link are one when both are like a third is learned
//! from the links: see [`lift`]. Does not: know what the records are.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::Pair;
use super::model::probability;

/// Records that hang together by links, and how far they hold together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The records, ascending.
    pub members: Vec<u32>,
    /// The groups that hold together, by lowest record; each ascending. One group is the whole.
    pub groups: Vec<Vec<u32>>,
    /// The links among the members, in their order.
    pub links: Vec<Pair>,
}

/// One link counts at most so many bits for its groups, and what stands against it as many.
const MOST_BITS: f64 = 12.0;
/// Groups are not compared beyond so many pairs of records: they do not become one.
const MOST_PAIRS: usize = 10_000;

/// Puts links (each more likely one than not) together. `prior` is the odds that two records drawn at random
/// are one, `score` those of two records that no link joins, in bits; it is asked only within a cluster. Of
/// links that are equally strong that comes first whose records' `name`s do.
pub fn clusters<N: Ord>(
    links: Vec<Pair>,
    prior: f64,
    score: impl Fn(u32, u32) -> f64,
    name: impl Fn(u32) -> N,
) -> Vec<Cluster> {
    let records = records(&links);
    let mut hanging = Sets::alone(count(&records));
    for link in &links {
        hanging.join(place(&records, link.left), place(&records, link.right));
    }
    let mut clusters: BTreeMap<u32, Cluster> = BTreeMap::new();
    for (at, record) in (0_u32..).zip(&records) {
        let cluster = clusters.entry(hanging.head(at)).or_insert_with(|| Cluster {
            members: Vec::new(),
            groups: Vec::new(),
            links: Vec::new(),
        });
        cluster.members.push(*record);
    }
    for link in links {
        if let Some(cluster) = clusters.get_mut(&hanging.head(place(&records, link.left))) {
            cluster.links.push(link);
        }
    }
    let mut clusters: Vec<Cluster> = clusters.into_values().collect();
    let lift = lift(&clusters, prior, &score, &name);
    // Nothing that is known of others makes a link of two records that are none.
    let unlinked = |left: u32, right: u32| (score(left, right).min(0.0) + lift).min(0.0);
    for cluster in &mut clusters {
        cluster.groups = groups(cluster, &unlinked, &name);
    }
    clusters
}

/// By how many bits two records that are both linked to a third are more likely one than their score says,
/// which takes them for two drawn at random.
///
/// Where a is b with one chance and b is c with another, a is c with a chance of at least what the two come
/// to beyond one. So the links tell how many of the pairs that they leave open are one, and the lift is what
/// makes the scores of these say as many. It lies between nothing and the whole prior: where links are right
/// and people stand there in many forms, a score is hardly held against anybody; among millions, where weak
/// links are mostly strangers' with one name, it counts nearly as it stands.
fn lift<N: Ord>(
    clusters: &[Cluster],
    prior: f64,
    score: &impl Fn(u32, u32) -> f64,
    name: &impl Fn(u32) -> N,
) -> f64 {
    /// Each halves what is uncertain of it: the last leaves less than a hundredth of a bit.
    const HALVINGS: usize = 12;
    let mut scores = Vec::new();
    let mut one = 0.0;
    for (left, right, chance) in clusters.iter().flat_map(|cluster| left_open(cluster, name)) {
        scores.push(score(left, right).min(0.0));
        one += chance;
    }
    let (mut low, mut high) = (0.0, (-prior).max(0.0));
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let said: f64 = scores.iter().map(|bits| probability(bits + middle)).sum();
        if said < one {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Pairs of a cluster that are both linked to a third and not to each other, each with the least chance of
/// being one that these links leave. Of a record's neighbours only those whose names follow each other are
/// paired: there are fewer than two such pairs for each link.
fn left_open<N: Ord>(cluster: &Cluster, name: &impl Fn(u32) -> N) -> Vec<(u32, u32, f64)> {
    if cluster.members.len() < 3 {
        return Vec::new();
    }
    let both_ways = |link: &Pair| {
        let chance = link.probability();
        [(link.left, link.right, chance), (link.right, link.left, chance)]
    };
    let mut links: Vec<(u32, u32, f64)> = cluster.links.iter().flat_map(both_ways).collect();
    let linked: HashSet<(u32, u32)> = links.iter().map(|(from, to, _)| (*from, *to)).collect();
    let are_linked = |a: u32, b: u32| linked.contains(&(a, b));
    links.sort_by(|(from, one, _), (of, other, _)| {
        from.cmp(of).then_with(|| name(*one).cmp(&name(*other)))
    });
    links
        .iter()
        .zip(links.iter().skip(1))
        .filter(|((from, a, _), (other, b, _))| from == other && !are_linked(*a, *b))
        .map(|((_, a, one), (_, b, other))| (*a, *b, (one + other - 1.0).max(0.0)))
        .collect()
}

/// The groups of a cluster's members that hold together.
fn groups<N: Ord>(
    cluster: &Cluster,
    unlinked: &impl Fn(u32, u32) -> f64,
    name: &impl Fn(u32) -> N,
) -> Vec<Vec<u32>> {
    if let ([left, right], [_]) = (cluster.members.as_slice(), cluster.links.as_slice()) {
        return vec![vec![*left, *right]];
    }
    let linked: HashMap<(u32, u32), f64> =
        cluster.links.iter().map(|link| ((link.left, link.right), link.bits)).collect();
    let between = |a: u32, b: u32| {
        let bits = linked.get(&(a.min(b), a.max(b))).copied();
        bits.unwrap_or_else(|| unlinked(a.min(b), a.max(b)).min(0.0)).clamp(-MOST_BITS, MOST_BITS)
    };
    let mut strongest: Vec<&Pair> = cluster.links.iter().collect();
    let names = |link: &Pair| {
        let [one, other] = [link.left, link.right].map(name);
        if one <= other { (one, other) } else { (other, one) }
    };
    strongest.sort_by(|a, b| b.bits.total_cmp(&a.bits).then_with(|| names(a).cmp(&names(b))));
    let mut sets = Sets::alone(count(&cluster.members));
    let mut groups: BTreeMap<u32, Vec<u32>> =
        (0_u32..).zip(&cluster.members).map(|(at, record)| (at, vec![*record])).collect();
    // Two groups that many links join are refused for each of them: they are looked at again once one has grown.
    let mut refused: HashMap<(u32, u32), (usize, usize)> = HashMap::new();
    for link in strongest {
        let heads = [link.left, link.right].map(|at| sets.head(place(&cluster.members, at)));
        let (low, high) = (heads[0].min(heads[1]), heads[0].max(heads[1]));
        if low == high {
            continue;
        }
        let (Some(one), Some(other)) = (groups.get(&low), groups.get(&high)) else { continue };
        let sizes = (one.len(), other.len());
        if sizes.0 * sizes.1 > MOST_PAIRS || refused.get(&(low, high)) == Some(&sizes) {
            continue;
        }
        let sum: f64 = one.iter().flat_map(|a| other.iter().map(|b| between(*a, *b))).sum();
        if sum <= 0.0 {
            refused.insert((low, high), sizes);
            continue;
        }
        sets.join(low, high);
        if let (Some(joining), Some(group)) = (groups.remove(&high), groups.get_mut(&low)) {
            group.extend(joining);
        }
    }
    let mut groups: Vec<Vec<u32>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.sort();
    groups
}

impl Cluster {
    /// A record of which no other is known.
    pub(super) fn alone(record: u32) -> Self {
        Self { members: vec![record], groups: vec![vec![record]], links: Vec::new() }
    }

    /// Adds records to the group of one that is lower than they are.
    pub(super) fn add_beside(&mut self, record: u32, others: &[u32]) {
        let group = self.groups.iter_mut().find(|group| group.binary_search(&record).is_ok());
        let added: Vec<&mut Vec<u32>> = group.into_iter().chain([&mut self.members]).collect();
        for records in added {
            records.extend(others);
            records.sort_unstable();
        }
    }

    /// The links between groups that do not hold together: each joins two groups that are not one.
    pub fn bridges(&self) -> impl Iterator<Item = &Pair> {
        // Most clusters are one group, which has none.
        let group_of = if self.groups.len() > 1 { self.groups_of() } else { HashMap::new() };
        self.links.iter().filter(move |link| group_of.get(&link.left) != group_of.get(&link.right))
    }

    /// The links of each group.
    pub fn links_by_group(&self) -> Vec<GroupLinks<'_>> {
        let group_of = self.groups_of();
        let mut links: Vec<GroupLinks<'_>> = Vec::new();
        links.resize_with(self.groups.len(), GroupLinks::default);
        for link in &self.links {
            let ends = [link.left, link.right].map(|record| group_of.get(&record).copied());
            if let [Some(one), Some(other)] = ends
                && one == other
            {
                links.get_mut(one).into_iter().for_each(|of| of.within.push(link));
                continue;
            }
            for end in ends.into_iter().flatten() {
                links.get_mut(end).into_iter().for_each(|of| of.beside.push(link));
            }
        }
        links
    }

    /// Which of the groups each record is in.
    pub fn groups_of(&self) -> HashMap<u32, usize> {
        let groups = self.groups.iter().enumerate();
        groups.flat_map(|(at, group)| group.iter().map(move |record| (*record, at))).collect()
    }
}

/// The links of one group of a cluster.
#[derive(Debug, Default)]
pub struct GroupLinks<'c> {
    /// Those between its records.
    pub within: Vec<&'c Pair>,
    /// Those that join it to a group with which it does not hold together.
    pub beside: Vec<&'c Pair>,
}

/// Of links given surest first, those that suffice to hold the records together.
pub fn spanning<'p>(members: &[u32], links: impl Iterator<Item = &'p Pair>) -> Vec<&'p Pair> {
    let mut sets = Sets::alone(count(members));
    links.filter(|link| sets.join(place(members, link.left), place(members, link.right))).collect()
}

/// Sets of records that grow together.
#[derive(Debug)]
struct Sets {
    parents: Vec<u32>,
}

impl Sets {
    /// So many records, each alone.
    fn alone(len: u32) -> Self {
        Self { parents: (0..len).collect() }
    }

    /// The record that stands for the set of another.
    fn head(&mut self, at: u32) -> u32 {
        let mut at = at;
        loop {
            let parent = self.parent(at);
            if parent == at {
                return at;
            }
            let grandparent = self.parent(parent);
            if let Some(slot) = self.slot(at) {
                *slot = grandparent;
            }
            at = grandparent;
        }
    }

    /// Joins two sets; the lower head stays. True when they were apart.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.head(a), self.head(b));
        let (low, high) = (a.min(b), a.max(b));
        if let Some(slot) = self.slot(high) {
            *slot = low;
        }
        low != high
    }

    fn parent(&self, at: u32) -> u32 {
        usize::try_from(at).ok().and_then(|at| self.parents.get(at)).copied().unwrap_or(at)
    }

    fn slot(&mut self, at: u32) -> Option<&mut u32> {
        usize::try_from(at).ok().and_then(|at| self.parents.get_mut(at))
    }
}

/// The records that are linked, ascending, each once.
fn records(links: &[Pair]) -> Vec<u32> {
    let mut records: Vec<u32> = links.iter().flat_map(|link| [link.left, link.right]).collect();
    records.sort_unstable();
    records.dedup();
    records
}

fn place(sorted: &[u32], record: u32) -> u32 {
    u32::try_from(sorted.partition_point(|other| *other < record)).unwrap_or(u32::MAX)
}

fn count(records: &[u32]) -> u32 {
    u32::try_from(records.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups of a cluster, and its bridges.
    type Parted = (Vec<Vec<u32>>, Vec<(u32, u32)>);

    /// Clusters of links, where what records without a link have in common speaks so much for or against
    /// each other; two in a thousand drawn at random are one.
    fn parted(links: &[(u32, u32, f64)], unlinked: f64) -> Vec<Parted> {
        parted_among(9.0, links, unlinked)
    }

    /// The same among so many, in bits.
    fn parted_among(many: f64, links: &[(u32, u32, f64)], unlinked: f64) -> Vec<Parted> {
        let links = links.iter().map(|(left, right, bits)| Pair {
            left: *left,
            right: *right,
            bits: *bits,
        });
        clusters(links.collect(), -many, |_, _| unlinked - many, |at| at)
            .iter()
            .map(|cluster| {
                let bridges = cluster.bridges().map(|link| (link.left, link.right)).collect();
                (cluster.groups.clone(), bridges)
            })
            .collect()
    }

    #[test]
    fn links_that_share_a_record_are_one_cluster() {
        let found = parted(&[(5, 9, 9.0), (1, 2, 9.0), (2, 9, 2.0), (20, 30, 1.0)], 0.0);
        assert_eq!(found, [(vec![vec![1, 2, 5, 9]], vec![]), (vec![vec![20, 30]], vec![])]);
    }

    #[test]
    fn a_link_that_the_others_contradict_is_a_bridge() {
        let found = parted(&[(1, 2, 9.0), (3, 4, 9.0), (2, 3, 3.0)], -4.0);
        assert_eq!(found, [(vec![vec![1, 2], vec![3, 4]], vec![(2, 3)])]);
        // Nearly as strong as the others, it is contradicted by the three pairs it would make.
        let found = parted(&[(1, 2, 9.0), (3, 4, 9.0), (2, 3, 8.0)], -4.0);
        assert_eq!(found[0].1, [(2, 3)]);
        let found = parted(&[(1, 2, 9.0), (3, 4, 9.0), (2, 3, 9.0), (1, 3, 9.0)], -4.0);
        assert_eq!(found[0].1, []);
    }

    #[test]
    fn a_chain_does_not_become_one() {
        let chain: Vec<(u32, u32, f64)> = (0..1_000).map(|at| (at, at + 1, 5.0)).collect();
        let found = parted(&chain, -6.0);
        assert!(found[0].0.iter().all(|group| group.len() <= 2), "{:?}", found[0].0);
        assert_eq!(found[0].0.iter().map(Vec::len).sum::<usize>(), 1_001);
    }

    #[test]
    fn what_strangers_among_millions_have_in_common_chains_nobody() {
        // Each is linked with the next by a name that others have too: an even chance, and a little. Two
        // without a link have much in common, though not enough for so many records.
        let links: Vec<(u32, u32, f64)> = (0..40).map(|at| (at, at + 1, 0.7)).collect();
        let found = parted_among(22.0, &links, 11.0);
        assert!(found[0].0.iter().all(|group| group.len() <= 2), "{:?}", found[0].0);
        assert_eq!(found[0].1.len(), 20);
    }

    #[test]
    fn a_person_who_stands_there_in_ten_forms_is_one() {
        // Each form is surely like the next, and has little in common with those further off.
        let forms: Vec<(u32, u32, f64)> = (0..9).map(|at| (at, at + 1, 8.0)).collect();
        let found = parted_among(12.0, &forms, 3.0);
        assert_eq!(found, [(vec![(0..10).collect()], vec![])]);
    }

    #[test]
    fn a_lift_makes_scores_say_what_the_links_say() {
        let chain: Vec<Pair> =
            (0..50).map(|at| Pair { left: at, right: at + 1, bits: 2.0 }).collect();
        let found = clusters(chain, -20.0, |_, _| -9.0, |at| at);
        // Links that are right four times in five leave at least three of five between their ends.
        let bits = lift(&found, -20.0, &|_, _| -9.0, &|at| at);
        assert!((probability(bits - 9.0) - 0.6).abs() < 0.005, "{bits}");
        let bits = lift(&found, -7.0, &|_, _| -9.0, &|at| at);
        assert!((bits - 7.0).abs() < f64::EPSILON, "never more than the prior: {bits}");
        let bits = lift(&[], -20.0, &|_, _| -9.0, &|at: u32| at);
        assert!(bits < 0.01, "{bits}");
    }

    #[test]
    fn of_a_hub_few_pairs_are_looked_at() {
        // One record that is linked to all.
        let star: Vec<Pair> =
            (1..=1_000).map(|at| Pair { left: 0, right: at, bits: 1.0 }).collect();
        let found = clusters(star, -20.0, |_, _| -9.0, |at| at);
        assert_eq!(left_open(&found[0], &|at| at).len(), 999);
        let whole = [(0, 1), (0, 2), (1, 2)];
        let whole = whole.map(|(left, right)| Pair { left, right, bits: 1.0 });
        let whole = clusters(whole.into(), -20.0, |_, _| 0.0, |at| at);
        assert_eq!(left_open(&whole[0], &|at| at), []);
    }

    #[test]
    fn of_equally_strong_links_the_names_decide_and_not_the_places() {
        // The middle one is like both others, who are not like each other.
        let links = [(1, 2), (2, 3)];
        let links = || links.map(|(left, right)| Pair { left, right, bits: 5.0 }).into();
        let by_place = clusters(links(), -9.0, |_, _| -18.0, |at| at);
        assert_eq!(by_place[0].groups, [vec![1, 2], vec![3]]);
        let by_name = clusters(links(), -9.0, |_, _| -18.0, std::cmp::Reverse);
        assert_eq!(by_name[0].groups, [vec![1], vec![2, 3]]);
    }

    /// Numbers without an order, the same each time.
    fn dice(seed: u64) -> impl FnMut(u32) -> u32 {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(state >> 33).unwrap() % below
        }
    }

    /// The groups of one cluster as they are defined: of every link, all pairs that it would make.
    fn by_the_book(links: &[(u32, u32, f64)], unlinked: impl Fn(u32, u32) -> f64) -> Vec<Vec<u32>> {
        let mut strongest = links.to_vec();
        strongest.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        let mut groups: Vec<Vec<u32>> =
            links.iter().flat_map(|it| [vec![it.0], vec![it.1]]).collect();
        groups.sort();
        groups.dedup();
        for (left, right, _) in strongest {
            let find = |record| groups.iter().position(|group| group.contains(&record)).unwrap();
            let (one, other) = (find(left).min(find(right)), find(left).max(find(right)));
            let between = |a: u32, b: u32| {
                let is = |link: &&(u32, u32, f64)| (link.0, link.1) == (a.min(b), a.max(b));
                let bits = links.iter().find(is).map(|link| link.2);
                bits.unwrap_or_else(|| unlinked(a.min(b), a.max(b))).clamp(-MOST_BITS, MOST_BITS)
            };
            let pairs =
                groups[one].iter().flat_map(|a| groups[other].iter().map(|b| between(*a, *b)));
            if one != other && pairs.sum::<f64>() > 0.0 {
                let joining = groups.remove(other);
                groups[one].extend(joining);
            }
        }
        for group in &mut groups {
            group.sort_unstable();
        }
        groups.sort();
        groups
    }

    #[test]
    fn groups_of_any_links_are_those_by_the_book() {
        for seed in 1..200 {
            let mut draw = dice(seed);
            let (records, many) = (2 + draw(30), 1 + draw(120));
            let against = f64::from(draw(7));
            // Quarters of a bit, so that a sum does not hang on the order of its parts.
            let unlinked = |a: u32, b: u32| -against * f64::from((a * 31 + b * 17) % 5) / 4.0;
            let mut links = BTreeMap::new();
            for _ in 0..many {
                let (a, b) = (draw(records), draw(records));
                if a != b {
                    links.insert((a.min(b), a.max(b)), f64::from(1 + draw(60)) / 4.0);
                }
            }
            let links: Vec<_> = links.into_iter().map(|((a, b), bits)| (a, b, bits)).collect();
            let pairs = links.iter().map(|(left, right, bits)| Pair {
                left: *left,
                right: *right,
                bits: *bits,
            });
            // Without a prior nothing is lifted.
            let found = clusters(pairs.collect(), 0.0, unlinked, |at| at);
            let mut found: Vec<_> = found.into_iter().flat_map(|cluster| cluster.groups).collect();
            found.sort();
            assert_eq!(found, by_the_book(&links, unlinked), "seed {seed}");
        }
    }

    #[test]
    fn groups_that_many_links_join_are_not_looked_at_for_each_of_them() {
        // Of each two groups that follow each other a third of the pairs is weakly linked.
        const GROUP: u32 = 20;
        let mut links = Vec::new();
        for left in 0..10 * GROUP {
            for right in left + 1..(left + 2 * GROUP).min(10 * GROUP) {
                let bits = if left / GROUP == right / GROUP { 8.0 } else { 1.0 };
                if bits > 1.0 || (left * 7 + right * 13) % 3 == 0 {
                    links.push(Pair { left, right, bits });
                }
            }
        }
        let (asked, many) = (std::cell::Cell::new(0), links.len());
        let score = |_: u32, _: u32| {
            asked.set(asked.get() + 1);
            -60.0
        };
        let found = clusters(links, -20.0, score, |at| at);
        assert_eq!(found[0].groups.len(), 10);
        assert!(asked.get() < 4 * many, "{} of {many} links", asked.get());
    }

    #[test]
    fn the_order_of_links_changes_nothing() {
        let mut links = vec![(1, 2, 5.0), (2, 3, 5.0), (3, 4, 5.0), (1, 3, 1.0), (4, 5, 5.0)];
        let one = parted(&links, -3.0);
        links.reverse();
        assert_eq!(parted(&links, -3.0)[0].0, one[0].0);
    }
}
