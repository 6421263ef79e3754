//! Puts links together into clusters that hold together, and names the links that do not.
//!
//! Links are taken from the strongest down, and two groups become one only where everything that is known
//! between them speaks for it in sum: agglomerative clustering under the objective of correlation
//! clustering (Bansal, Blum and Chawla 2004). A record that is like two others who are not like each other
//! does not chain them. Does not: know what the records are.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::Pair;

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

/// Puts links (each more likely one than not) together. `unlinked` says what speaks for or against two
/// records that no link joins, in bits; it is asked only within a cluster.
pub fn clusters(links: Vec<Pair>, unlinked: impl Fn(u32, u32) -> f64) -> Vec<Cluster> {
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
    for cluster in &mut clusters {
        cluster.groups = groups(cluster, &unlinked);
    }
    clusters
}

/// The groups of a cluster's members that hold together.
fn groups(cluster: &Cluster, unlinked: &impl Fn(u32, u32) -> f64) -> Vec<Vec<u32>> {
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
    strongest
        .sort_by(|a, b| b.bits.total_cmp(&a.bits).then((a.left, a.right).cmp(&(b.left, b.right))));
    let mut sets = Sets::alone(count(&cluster.members));
    let mut groups: BTreeMap<u32, Vec<u32>> =
        (0_u32..).zip(&cluster.members).map(|(at, record)| (at, vec![*record])).collect();
    for link in strongest {
        let heads = [link.left, link.right].map(|at| sets.head(place(&cluster.members, at)));
        let (low, high) = (heads[0].min(heads[1]), heads[0].max(heads[1]));
        if low == high {
            continue;
        }
        let (Some(one), Some(other)) = (groups.get(&low), groups.get(&high)) else { continue };
        if one.len() * other.len() > MOST_PAIRS {
            continue;
        }
        let sum: f64 = one.iter().flat_map(|a| other.iter().map(|b| between(*a, *b))).sum();
        if sum <= 0.0 {
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
    /// The links between groups that do not hold together: each joins two groups that are not one.
    pub fn bridges(&self) -> impl Iterator<Item = &Pair> {
        self.links.iter().filter(|link| self.group_of(link.left) != self.group_of(link.right))
    }

    /// The links within one of the groups.
    pub fn links_within(&self, group: usize) -> impl Iterator<Item = &Pair> {
        self.links.iter().filter(move |link| {
            [link.left, link.right].iter().all(|record| self.group_of(*record) == Some(group))
        })
    }

    /// Which of the groups a record is in.
    pub fn group_of(&self, record: u32) -> Option<usize> {
        self.groups.iter().position(|group| group.binary_search(&record).is_ok())
    }
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

    /// Clusters of links, where records without a link speak so much against each other.
    fn parted(links: &[(u32, u32, f64)], unlinked: f64) -> Vec<Parted> {
        let links = links.iter().map(|(left, right, bits)| Pair {
            left: *left,
            right: *right,
            bits: *bits,
        });
        clusters(links.collect(), |_, _| unlinked)
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
    fn the_order_of_links_changes_nothing() {
        let mut links = vec![(1, 2, 5.0), (2, 3, 5.0), (3, 4, 5.0), (1, 3, 1.0), (4, 5, 5.0)];
        let one = parted(&links, -3.0);
        links.reverse();
        assert_eq!(parted(&links, -3.0)[0].0, one[0].0);
    }
}
