//! Scores the pairs that share a key.
//!
//! Block by block, because the records of a block are looked at many times while they are at hand; a pair
//! that stands in several blocks is scored in the first. Does not: decide which records share a key, or what
//! an agreement is worth.

use std::cmp;

use super::blocking::Blocks;
use super::compare::Comparer;
use super::facets::Line;
use super::model::Model;
use crate::threads;

use super::{Pair, Plan, Records};

/// Blocks that a thread takes at a time.
const STRETCH: usize = 1_024;

/// Scores every pair that shares a key and of which a record is under review; the pairs come in the
/// records' order.
pub(super) fn score(
    records: &dyn Records,
    plan: Plan<'_>,
    comparer: &Comparer,
    blocks: &Blocks,
    model: &Model,
) -> (Vec<Pair>, u64) {
    let reviewed = (0..records.len()).filter(|at| records.is_under_review(*at));
    let mut is_due = vec![false; blocks.len() as usize];
    for block in reviewed.flat_map(|record| blocks.of_record(record)) {
        if let Some(due) = is_due.get_mut(*block as usize) {
            *due = true;
        }
    }
    let due: Vec<u32> = (0..blocks.len())
        .zip(is_due)
        .filter(|(_, is_due)| *is_due)
        .map(|(block, _)| block)
        .collect();
    let stretches: Vec<&[u32]> = due.chunks(STRETCH).collect();
    let found = threads::each(plan.threads, stretches.len(), |at| {
        let mut scorer =
            Scorer { records, plan, comparer, blocks, model, pairs: Vec::new(), compared: 0 };
        scorer.score(stretches.get(at).copied().unwrap_or_default());
        (scorer.pairs, scorer.compared)
    });
    let count = found.iter().map(|(_, compared)| compared).sum();
    let mut pairs: Vec<Pair> = found.into_iter().flat_map(|(pairs, _)| pairs).collect();
    pairs.sort_unstable_by_key(|pair| (pair.left, pair.right));
    (pairs, count)
}

/// Scores the pairs of blocks, each in the first block that it stands in.
struct Scorer<'s> {
    records: &'s dyn Records,
    plan: Plan<'s>,
    comparer: &'s Comparer,
    blocks: &'s Blocks,
    model: &'s Model,
    pairs: Vec<Pair>,
    compared: u64,
}

/// A record in a block.
struct Member<'s> {
    record: u32,
    line: &'s Line,
    /// Its earlier blocks.
    before: &'s [u32],
    is_under_review: bool,
}

impl Scorer<'_> {
    fn score(&mut self, blocks: &[u32]) {
        /// Members that are brought together before any are compared: one waits for all of them at once.
        const BATCH: usize = 128;
        let mut members = Vec::with_capacity(2 * BATCH);
        let mut ends = Vec::new();
        for (at, block) in blocks.iter().enumerate() {
            members.extend(self.blocks.members_with_before(*block).map(|(record, before)| {
                Member {
                    record,
                    line: self.comparer.facets.line(record),
                    before,
                    is_under_review: self.records.is_under_review(record),
                }
            }));
            ends.push(members.len());
            if members.len() >= BATCH || at + 1 == blocks.len() {
                bring_to_hand(&members);
                let mut from = 0;
                for end in ends.drain(..) {
                    self.score_block(members.get(from..end).unwrap_or_default());
                    from = end;
                }
                members.clear();
            }
        }
    }

    fn score_block(&mut self, members: &[Member<'_>]) {
        let mut rest = members;
        while let [left, after @ ..] = rest {
            rest = after;
            for right in after {
                let is_due = left.is_under_review || right.is_under_review;
                if !is_due
                    || share(left.before, right.before)
                    || !self.comparer.may_be_one(left.record, right.record)
                    || self.records.are_apart(left.record, right.record)
                {
                    continue;
                }
                self.compared += 1;
                let records = (left.record, right.record);
                let outcomes = self.comparer.compare_lines(records, (left.line, right.line));
                let bits = self.model.score(self.comparer, outcomes);
                if bits >= self.plan.least_bits {
                    self.pairs.push(Pair { left: left.record, right: right.record, bits });
                }
            }
        }
    }
}

/// Looks at members once: what is looked at together is waited for once, and one by one each time.
fn bring_to_hand(members: &[Member<'_>]) {
    let seen = members.iter().map(|member| {
        let before = member.before.first().copied().unwrap_or_default();
        member.line.first ^ member.line.domain_label ^ before
    });
    std::hint::black_box(seen.fold(0, std::ops::BitXor::bitxor));
}

/// True for two ascending lists that have something in common.
fn share(mut one: &[u32], mut other: &[u32]) -> bool {
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        match first.cmp(second) {
            cmp::Ordering::Less => one = rest,
            cmp::Ordering::Greater => other = others,
            cmp::Ordering::Equal => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_share_what_stands_in_both() {
        for (one, other, expected) in [
            (&[][..], &[][..], false),
            (&[1, 4, 9], &[2, 3, 9], true),
            (&[1, 4, 9], &[1], true),
            (&[1, 4, 9], &[2, 5, 10], false),
            (&[7], &[], false),
        ] {
            assert_eq!(share(one, other), expected, "{one:?} {other:?}");
            assert_eq!(share(other, one), expected, "{other:?} {one:?}");
        }
    }
}
