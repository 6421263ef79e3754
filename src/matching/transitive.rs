//! What a third record says of two: where one is the second and the second is the third, the first is the third.
//!
//! A pair is scored by what its own two records hold, and only where they share a key. Within a group of a
//! [`cluster`](super::cluster), which holds together as a whole, every pair is looked at, and is at least as
//! likely one as both of its records are one with the same third: the product of the two chances. Only one
//! step is taken: what is concluded is not concluded from. Does not: put records into groups, or change what
//! a pair's own records say.

use hashbrown::HashMap;

use super::Pair;
use super::cluster::Cluster;
use super::model::probability;

/// Two records of one group, and what is known of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kin {
    /// The two, by what they themselves say.
    pub pair: Pair,
    /// The third record that says more.
    pub third: Option<Third>,
}

/// A record that two others are linked to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Third {
    /// The record.
    pub record: u32,
    /// The odds that both are one with it, in bits.
    pub bits: f64,
}

/// Groups of more records are left as they are: what their pairs say through others grows with the cube.
const LARGEST: usize = 200;

/// What groups of three records and more add to their links, in the records' order: the pairs that no link joins,
/// and the links of which a third record says more. `score` is what two records that no link joins say
/// themselves, in bits; `None` for two that cannot be one.
pub fn kin(clusters: &[Cluster], score: impl Fn(u32, u32) -> Option<f64>) -> Vec<Kin> {
    let mut kin = Vec::new();
    for cluster in clusters {
        let groups: Vec<&[u32]> = cluster
            .groups
            .iter()
            .map(Vec::as_slice)
            .filter(|group| (3..=LARGEST).contains(&group.len()))
            .collect();
        let mut of: HashMap<u32, usize> = HashMap::new();
        for (at, group) in groups.iter().enumerate() {
            of.extend(group.iter().map(|record| (*record, at)));
        }
        let mut links: Vec<Links<'_>> = groups.into_iter().map(Links::none).collect();
        for link in &cluster.links {
            let group = of.get(&link.left).filter(|group| of.get(&link.right) == Some(*group));
            if let Some(links) = group.and_then(|group| links.get_mut(*group)) {
                links.add(link);
            }
        }
        kin.extend(links.iter().flat_map(|links| links.kin(&score)));
    }
    kin.sort_unstable_by_key(|kin| (kin.pair.left, kin.pair.right));
    kin
}

/// The links of a group, by the places of its records.
struct Links<'g> {
    group: &'g [u32],
    /// The bits of each two; a row for each record.
    bits: Vec<Option<f64>>,
}

impl<'g> Links<'g> {
    fn none(group: &'g [u32]) -> Self {
        Self { group, bits: vec![None; group.len() * group.len()] }
    }

    fn add(&mut self, link: &Pair) {
        let place = |record| self.group.binary_search(&record).ok();
        let (Some(left), Some(right)) = (place(link.left), place(link.right)) else { return };
        for slot in [left * self.group.len() + right, right * self.group.len() + left] {
            if let Some(slot) = self.bits.get_mut(slot) {
                *slot = Some(link.bits);
            }
        }
    }

    /// What is known of a record and each of the group.
    fn row(&self, at: usize) -> &[Option<f64>] {
        self.bits.chunks_exact(self.group.len()).nth(at).unwrap_or_default()
    }

    fn kin(&self, score: impl Fn(u32, u32) -> Option<f64>) -> Vec<Kin> {
        let mut kin = Vec::new();
        for (at, left) in self.group.iter().copied().enumerate() {
            let known = self.row(at).iter().zip(self.group.iter().copied());
            for (to, (own, right)) in known.enumerate().skip(at + 1) {
                let Some(bits) = own.or_else(|| score(left, right)) else { continue };
                let third = self.third(at, to).filter(|third| third.bits > bits);
                if own.is_none() || third.is_some() {
                    kin.push(Kin { pair: Pair { left, right, bits }, third });
                }
            }
        }
        kin
    }

    /// The record with which two are one the surest; of equal ones the first.
    fn third(&self, left: usize, right: usize) -> Option<Third> {
        let through = self.row(left).iter().zip(self.row(right)).zip(self.group);
        through
            .filter_map(|((one, other), record)| {
                Some(Third { record: *record, bits: both((*one)?, (*other)?) })
            })
            .reduce(|surest, third| if third.bits > surest.bits { third } else { surest })
    }
}

/// The odds that both of two things are so, each of which has odds of its own; all in bits.
fn both(one: f64, other: f64) -> f64 {
    // By the chances that they are not, which are exact where they are next to nothing.
    let (one, other) = (probability(-one), probability(-other));
    let not = one + other - one * other;
    ((1.0 - not) / not).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::cluster::clusters;

    /// What is said of the pairs of a cluster in which two without a link speak so much for or against being one.
    fn said(links: &[(u32, u32, f64)], unlinked: Option<f64>) -> Vec<Kin> {
        let links = links.iter().map(|(left, right, bits)| Pair {
            left: *left,
            right: *right,
            bits: *bits,
        });
        let found = clusters(links.collect(), -20.0, |_, _| unlinked.unwrap_or(-1.0), |at| at);
        kin(&found, |_, _| unlinked)
    }

    #[test]
    fn two_are_one_as_surely_as_both_are_one_with_a_third() {
        let [last] = said(&[(1, 2, 6.0), (1, 3, 4.0)], Some(-1.0))[..] else { panic!() };
        assert_eq!((last.pair.left, last.pair.right), (2, 3));
        assert!((last.pair.bits + 1.0).abs() < f64::EPSILON, "what the two say stays as it is");
        let third = last.third.unwrap();
        assert_eq!(third.record, 1);
        let chance = probability(6.0) * probability(4.0);
        assert!((probability(third.bits) - chance).abs() < 1e-12, "{third:?}");
    }

    #[test]
    fn a_third_that_says_less_than_the_two_themselves_says_nothing() {
        let kin = said(&[(1, 2, 6.0), (1, 3, 6.0), (2, 3, 5.5)], None);
        assert_eq!(kin, [], "the links are as they were");
        // The weakest of the three gains by the two others.
        let kin = said(&[(1, 2, 6.0), (1, 3, 6.0), (2, 3, 1.0)], None);
        assert_eq!(
            kin.iter().filter_map(|kin| kin.third).map(|third| third.record).collect::<Vec<_>>(),
            [1]
        );
    }

    #[test]
    fn of_several_thirds_the_surest_counts_and_of_equal_ones_the_first() {
        let through = |of_three: f64| {
            let links = [(1, 2, 5.0), (1, 3, 5.0), (2, 4, 5.0), (3, 4, of_three), (2, 3, 5.0)];
            let kin = said(&links, Some(-1.0));
            let open = kin.iter().find(|kin| (kin.pair.left, kin.pair.right) == (1, 4)).unwrap();
            open.third.unwrap().record
        };
        assert_eq!(through(7.0), 3);
        assert_eq!(through(5.0), 2);
    }

    #[test]
    fn nothing_is_concluded_from_what_is_concluded() {
        let kin = said(&[(1, 2, 9.0), (2, 3, 9.0), (3, 4, 9.0)], Some(-0.5));
        let concluded = kin.iter().filter(|kin| kin.third.is_some());
        let concluded: Vec<_> = concluded.map(|kin| (kin.pair.left, kin.pair.right)).collect();
        assert_eq!(concluded, [(1, 3), (2, 4)]);
        assert_eq!(kin.len(), 3, "every pair that no link joins is told of");
    }

    #[test]
    fn nothing_is_said_across_a_bridge_of_two_alone_or_of_two_that_cannot_be_one() {
        let kin = said(&[(1, 2, 9.0), (2, 3, 3.0), (3, 4, 9.0)], Some(-33.0));
        assert_eq!(kin, [], "two groups of two");
        assert_eq!(said(&[(1, 2, 9.0), (1, 3, 9.0)], None), []);
    }

    #[test]
    fn what_is_nearly_certain_stays_exact() {
        for (one, other, expected) in
            [(60.0, 60.0, 59.0), (80.0, 3.0, 3.0), (0.0, 0.0, -3_f64.log2())]
        {
            assert!(
                (both(one, other) - expected).abs() < 1e-9,
                "{one} {other}: {}",
                both(one, other)
            );
        }
    }
}
