//! Puts pairs together into clusters, and finds the weak links that hold a cluster together.
//!
//! Does not: know what the records are.

use std::collections::BTreeMap;

use super::{Pair, Strength};

/// Sets of records that grow together.
#[derive(Debug, Clone)]
pub struct Sets {
    parents: Vec<u32>,
}

impl Sets {
    /// So many records, each alone.
    pub fn alone(len: u32) -> Self {
        Self { parents: (0..len).collect() }
    }

    /// The record that stands for the set of another.
    pub fn head(&mut self, at: u32) -> u32 {
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
    pub fn join(&mut self, a: u32, b: u32) -> bool {
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

/// Records that hang together, by whatever strength.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The records, ascending.
    pub members: Vec<u32>,
    /// The pairs among them, in their order.
    pub edges: Vec<Pair>,
}

/// Puts pairs together: every record stands in at most one cluster; clusters come by lowest record.
pub fn clusters(pairs: Vec<Pair>) -> Vec<Cluster> {
    let positions = positions(&pairs);
    let mut sets = Sets::alone(count(&positions));
    for pair in &pairs {
        sets.join(place(&positions, pair.left), place(&positions, pair.right));
    }
    let mut clusters: BTreeMap<u32, Cluster> = BTreeMap::new();
    for (at, record) in (0_u32..).zip(&positions) {
        clusters
            .entry(sets.head(at))
            .or_insert_with(|| Cluster { members: Vec::new(), edges: Vec::new() })
            .members
            .push(*record);
    }
    for pair in pairs {
        if let Some(cluster) = clusters.get_mut(&sets.head(place(&positions, pair.left))) {
            cluster.edges.push(pair);
        }
    }
    clusters.into_values().collect()
}

impl Cluster {
    /// The parts that hold together by the pairs a test lets through; records left alone stand for
    /// themselves. Parts come by lowest record.
    pub fn parts(&self, holds: impl Fn(&Pair) -> bool) -> Vec<Vec<u32>> {
        let mut sets = Sets::alone(count(&self.members));
        for pair in self.edges.iter().filter(|pair| holds(pair)) {
            sets.join(place(&self.members, pair.left), place(&self.members, pair.right));
        }
        let mut parts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (at, record) in (0_u32..).zip(&self.members) {
            parts.entry(sets.head(at)).or_default().push(*record);
        }
        parts.into_values().collect()
    }

    /// The weak pairs without which the cluster falls apart, where each side holds together by a
    /// strong pair of its own.
    pub fn weak_bridges(&self) -> Vec<&Pair> {
        let strong = self.edges.iter().filter(|pair| pair.strength() == Strength::Strong).count();
        if strong < 2 || strong == self.edges.len() {
            return Vec::new();
        }
        self.cut_edges()
            .into_iter()
            .filter(|edge| edge.strength() == Strength::Weak)
            .filter(|edge| {
                let sides = self.parts(|pair| pair != *edge);
                let has_strong = |side: &Vec<u32>| {
                    self.edges.iter().any(|pair| {
                        pair.strength() == Strength::Strong
                            && side.binary_search(&pair.left).is_ok()
                    })
                };
                sides.len() == 2 && sides.iter().all(has_strong)
            })
            .collect()
    }

    /// The edges that lie on no circle. Edges that close a circle mark the tree's path between their
    /// ends; what stays unmarked is a cut.
    fn cut_edges(&self) -> Vec<&Pair> {
        let len = self.members.len();
        let mut joined = Sets::alone(count(&self.members));
        let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); len];
        let mut closing = Vec::new();
        for (at, edge) in self.edges.iter().enumerate() {
            let (a, b) = (place(&self.members, edge.left), place(&self.members, edge.right));
            if !joined.join(a, b) {
                closing.push((a as usize, b as usize));
                continue;
            }
            for (from, to) in [(a, b), (b, a)] {
                if let Some(list) = neighbours.get_mut(from as usize) {
                    list.push((to as usize, at));
                }
            }
        }
        let tree = Tree::grow(&neighbours);
        let on_circle = tree.covered(&closing);
        self.edges
            .iter()
            .enumerate()
            .filter(|(at, _)| tree.edge.contains(&Some(*at)) && !on_circle.contains(&Some(*at)))
            .map(|(_, edge)| edge)
            .collect()
    }
}

/// A spanning tree: for every node its parent, depth, and the edge to the parent.
struct Tree {
    parent: Vec<usize>,
    depth: Vec<usize>,
    edge: Vec<Option<usize>>,
}

impl Tree {
    fn grow(neighbours: &[Vec<(usize, usize)>]) -> Self {
        let len = neighbours.len();
        let mut tree =
            Self { parent: (0..len).collect(), depth: vec![0; len], edge: vec![None; len] };
        let mut queue = std::collections::VecDeque::from([0]);
        while let Some(node) = queue.pop_front() {
            let depth = tree.depth_of(node) + 1;
            for (child, edge) in neighbours.get(node).into_iter().flatten() {
                if Some(*edge) == tree.edge.get(node).copied().flatten() {
                    continue;
                }
                if let (Some(parent), Some(below), Some(by)) = (
                    tree.parent.get_mut(*child),
                    tree.depth.get_mut(*child),
                    tree.edge.get_mut(*child),
                ) {
                    (*parent, *below, *by) = (node, depth, Some(*edge));
                    queue.push_back(*child);
                }
            }
        }
        tree
    }

    fn depth_of(&self, node: usize) -> usize {
        self.depth.get(node).copied().unwrap_or_default()
    }

    /// The tree's edges between the ends of the given pairs of nodes. Marked stretches are skipped the
    /// next time, so that the whole takes little more than one walk over the tree.
    fn covered(&self, pairs: &[(usize, usize)]) -> Vec<Option<usize>> {
        let mut marked = vec![None; self.parent.len()];
        let mut skip: Vec<usize> = (0..self.parent.len()).collect();
        let top = |skip: &[usize], mut node: usize| {
            while let Some(up) = skip.get(node).copied().filter(|up| *up != node) {
                node = up;
            }
            node
        };
        for (a, b) in pairs {
            let (mut a, mut b) = (top(&skip, *a), top(&skip, *b));
            while a != b {
                if self.depth_of(a) < self.depth_of(b) {
                    std::mem::swap(&mut a, &mut b);
                }
                let up = self.parent.get(a).copied().unwrap_or(a);
                if let (Some(mark), Some(jump)) = (marked.get_mut(a), skip.get_mut(a)) {
                    (*mark, *jump) = (self.edge.get(a).copied().flatten(), up);
                }
                a = top(&skip, up);
            }
        }
        marked
    }
}

/// The records of the pairs, ascending, each once.
fn positions(pairs: &[Pair]) -> Vec<u32> {
    let mut records: Vec<u32> = pairs.iter().flat_map(|pair| [pair.left, pair.right]).collect();
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

    fn pair(left: u32, right: u32, bits: f64) -> Pair {
        Pair { left, right, bits, agreements: Vec::new() }
    }

    const STRONG: f64 = 30.0;
    const WEAK: f64 = 10.0;

    #[track_caller]
    fn check_bridges(edges: &[(u32, u32, f64)], expected: &[(u32, u32)]) {
        let pairs = edges.iter().map(|(a, b, bits)| pair(*a, *b, *bits)).collect();
        let found: Vec<_> = clusters(pairs)
            .iter()
            .flat_map(|cluster| {
                cluster.weak_bridges().iter().map(|e| (e.left, e.right)).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(found, expected, "{edges:?}");
    }

    #[test]
    fn pairs_that_share_a_record_are_one_cluster() {
        let found = clusters(vec![pair(5, 9, STRONG), pair(1, 2, STRONG), pair(2, 9, WEAK)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].members, [1, 2, 5, 9]);
        assert_eq!(found[0].parts(|p| p.strength() == Strength::Strong), [[1, 2], [5, 9]]);
    }

    #[test]
    fn a_weak_bridge_parts_two_sides_that_hold_by_themselves() {
        check_bridges(&[(1, 2, STRONG), (3, 4, STRONG), (2, 3, WEAK)], &[(2, 3)]);
        check_bridges(&[(1, 2, STRONG), (3, 4, STRONG), (2, 3, STRONG)], &[]);
        check_bridges(&[(1, 2, STRONG), (2, 3, WEAK)], &[]);
        check_bridges(&[(1, 2, WEAK), (2, 3, WEAK), (3, 4, WEAK)], &[]);
        check_bridges(&[(1, 2, STRONG), (3, 4, STRONG), (2, 3, WEAK), (1, 4, WEAK)], &[]);
        check_bridges(
            &[(1, 2, STRONG), (2, 3, STRONG), (1, 3, STRONG), (3, 4, WEAK), (4, 5, STRONG)],
            &[(3, 4)],
        );
        check_bridges(
            &[(1, 2, STRONG), (2, 3, WEAK), (3, 4, STRONG), (4, 5, WEAK), (5, 6, STRONG)],
            &[(2, 3), (4, 5)],
        );
    }
}
