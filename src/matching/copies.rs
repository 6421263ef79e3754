//! Records that say the same in every column, many times over: one of them stands for all.
//!
//! Their values would count as frequent, and so as next to nothing, where they are only one record's; and a
//! block of them is too large to be compared. So they are linked as if all but one were blank, and each is
//! then as likely one with the one that stands for it as that is with itself. Few copies change no
//! frequency that matters and are compared like any others. Does not: fold values; what is written in two ways is no
//! copy.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::cluster::Cluster;
use super::{Apart, Crowd, Pair, Records};

/// So many copies are compared like any others.
const FEW: usize = 20;

/// The record that stands for each copy.
#[derive(Debug, Default)]
pub(super) struct Copies {
    of: HashMap<u32, u32>,
    /// Those that stand for one under review.
    reviewed: HashSet<u32>,
}

impl Copies {
    /// The copies among records that share something with many others. Of two sources there are none: what is
    /// said of one record there is said of two others.
    pub(super) fn among(records: &dyn Records, columns: usize, crowds: &[Crowd]) -> Self {
        let mut copies = Self::default();
        let is_of_two = || (1..records.len()).any(|at| records.source(at) != records.source(0));
        if crowds.is_empty() || is_of_two() {
            return copies;
        }
        let mut crowded: Vec<u32> = crowds.iter().flat_map(|crowd| &crowd.alone).copied().collect();
        crowded.sort_unstable();
        crowded.dedup();
        // Those that are kept apart have one of their own that stands for them.
        let mut same: BTreeMap<(Vec<Option<&str>>, Option<String>), Vec<_>> = BTreeMap::new();
        for at in crowded {
            let values = (0..columns).map(|column| records.value(at, column)).collect();
            let Apart { unit, family } = records.apart(at);
            same.entry((values, unit)).or_default().push((at, family));
        }
        for members in same.into_values() {
            for group in without_families(members) {
                copies.add(records, &group);
            }
        }
        copies
    }

    /// Adds records of one value that nobody keeps apart, unless they are few.
    fn add(&mut self, records: &dyn Records, group: &[u32]) {
        let Some((first, others)) = group.split_first().filter(|_| group.len() > FEW) else {
            return;
        };
        self.of.extend(others.iter().map(|other| (*other, *first)));
        if group.iter().any(|at| records.is_under_review(*at)) {
            self.reviewed.insert(*first);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The record that stands for another; most stand for themselves.
    pub(super) fn standing_for(&self, record: u32) -> u32 {
        self.of.get(&record).copied().unwrap_or(record)
    }

    /// Each copy beside the record that stands for it, where one of them is under review, by what `score` says
    /// of that record and itself; in the records' order.
    pub(super) fn pairs(&self, records: &dyn Records, score: impl Fn(u32) -> f64) -> Vec<Pair> {
        let is_due = |(copy, first): &(&u32, &u32)| {
            [**copy, **first].iter().any(|at| records.is_under_review(*at))
        };
        let pair =
            |(copy, first): (&u32, &u32)| Pair { left: *first, right: *copy, bits: score(*first) };
        let mut pairs: Vec<Pair> = self.of.iter().filter(is_due).map(pair).collect();
        pairs.sort_unstable_by_key(|pair| (pair.left, pair.right));
        pairs
    }

    /// Puts links together by `cluster`, which sees one record of copies; those that a link joins to it then stand
    /// where it does. As a star of pairs they would be looked at in pairs of each other, of which there are
    /// too many.
    pub(super) fn clusters(
        &self,
        links: Vec<Pair>,
        cluster: impl FnOnce(Vec<Pair>) -> Vec<Cluster>,
    ) -> Vec<Cluster> {
        if self.is_empty() {
            return cluster(links);
        }
        let mut joined: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut stands_for: HashMap<u32, u32> = HashMap::new();
        for link in links.iter().filter(|link| self.of.get(&link.right) == Some(&link.left)) {
            joined.entry(link.left).or_default().push(link.right);
            stands_for.insert(link.right, link.left);
        }
        let head = |record: u32| stands_for.get(&record).copied().unwrap_or(record);
        let distinct = |link: &Pair| {
            let (one, other) = (head(link.left), head(link.right));
            let pair = Pair { left: one.min(other), right: one.max(other), bits: link.bits };
            (one != other).then_some(pair)
        };
        let mut distinct: Vec<Pair> = links.iter().filter_map(distinct).collect();
        distinct.sort_by(|a, b| {
            (a.left, a.right).cmp(&(b.left, b.right)).then(b.bits.total_cmp(&a.bits))
        });
        distinct.dedup_by_key(|link| (link.left, link.right));
        let mut clusters = cluster(distinct);
        let mut place: HashMap<u32, usize> = HashMap::new();
        for (at, cluster) in clusters.iter_mut().enumerate() {
            place.extend(cluster.members.iter().map(|member| (*member, at)));
            cluster.links.clear();
        }
        for (first, copies) in joined {
            let at = *place.entry(first).or_insert_with(|| {
                clusters.push(Cluster::alone(first));
                clusters.len() - 1
            });
            if let Some(cluster) = clusters.get_mut(at) {
                cluster.add_beside(first, &copies);
            }
        }
        for link in links {
            let at = place.get(&head(link.left)).copied();
            if let Some(cluster) = at.and_then(|at| clusters.get_mut(at)) {
                cluster.links.push(link);
            }
        }
        clusters.sort_by_key(|cluster| cluster.members.first().copied());
        clusters
    }
}

/// Groups in which no two are of one family: the first of each, the second of each, and so on.
fn without_families(members: Vec<(u32, Option<&str>)>) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (at, family) in members {
        let nth = family.map_or(0, |family| {
            let seen = seen.entry(family).or_default();
            *seen += 1;
            *seen - 1
        });
        match groups.get_mut(nth) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// A table in which copies are blank and are not linked.
pub(super) struct Distinct<'r> {
    pub(super) records: &'r dyn Records,
    pub(super) copies: &'r Copies,
}

impl Records for Distinct<'_> {
    fn len(&self) -> u32 {
        self.records.len()
    }

    fn value(&self, at: u32, column: usize) -> Option<&str> {
        if self.copies.of.contains_key(&at) { None } else { self.records.value(at, column) }
    }

    fn source(&self, at: u32) -> u8 {
        self.records.source(at)
    }

    fn is_left_out(&self, at: u32) -> bool {
        self.copies.of.contains_key(&at) || self.records.is_left_out(at)
    }

    fn is_under_review(&self, at: u32) -> bool {
        self.copies.reviewed.contains(&at) || self.records.is_under_review(at)
    }

    fn apart(&self, at: u32) -> Apart<'_> {
        self.records.apart(at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const COPIES: u32 = 10_000;

    /// Copies of one record, and how often it was asked what keeps one apart.
    struct Table {
        apart: fn(u32) -> Apart<'static>,
        asked: AtomicU32,
    }

    impl Records for Table {
        fn len(&self) -> u32 {
            COPIES
        }

        fn value(&self, _at: u32, _column: usize) -> Option<&str> {
            Some("Acme")
        }

        fn apart(&self, at: u32) -> Apart<'_> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            (self.apart)(at)
        }
    }

    /// The copies of a crowd, which cost in proportion to how many there are.
    fn copies(apart: fn(u32) -> Apart<'static>) -> Copies {
        let table = Table { apart, asked: AtomicU32::new(0) };
        let (records, alone) = (COPIES as usize, (0..COPIES).collect());
        let crowd = Crowd { first: 0, records, apart: 0, by: "name", alone };
        let copies = Copies::among(&table, 1, &[crowd]);
        assert_eq!(table.asked.into_inner(), COPIES);
        copies
    }

    #[test]
    fn each_unit_has_a_copy_that_stands_for_it() {
        let copies = copies(|at| Apart { unit: Some((at % 100).to_string()), family: None });
        assert_eq!(copies.of.len(), 9_900);
        assert!((0..COPIES).all(|at| copies.standing_for(at) == at % 100));
    }

    #[test]
    fn of_a_family_no_record_stands_for_another() {
        // A hierarchy of five, and one of thousands.
        let few = copies(|at| Apart { unit: None, family: (at < 5).then_some("Acme Holding") });
        assert!((1..5).all(|at| few.standing_for(at) == at));
        assert!((5..COPIES).all(|at| few.standing_for(at) == 0));
        // The first of the hierarchy is kept apart from nobody outside it.
        let many = copies(|at| Apart { unit: None, family: (at % 10 > 0).then_some("Acme") });
        let is_kept_apart = |at: u32| at > 1 && !at.is_multiple_of(10);
        let expected = |at: u32| if is_kept_apart(at) { at } else { 0 };
        assert!((0..COPIES).all(|at| many.standing_for(at) == expected(at)));
    }
}
