//! Which proposal stands where on the page: groups of one check's, cut into blocks that a browser lays out at once.
//!
//! Cards are made block by block, when they are asked for: of a hundred thousand all at once would fill the memory.
//! Does not: decide the order of the proposals.

use std::collections::HashMap;

use serde::Serialize;

use crate::packet::Review;

use super::Found;
use super::card::Card;
use super::roll::{Mark, Roll};

/// Above this many proposals each is one line that opens; below, each is a card.
const CARDS: usize = 2_000;
/// Browsers lay out what is on screen; a block is the unit they skip, of so many lines or cards.
const LINES_IN_BLOCK: usize = 25;
const CARDS_IN_BLOCK: usize = 5;

/// The proposals in the order in which they were added, group by group.
pub(in crate::packet) struct Queue<'f> {
    compact: bool,
    groups: Vec<Vec<Block<'f>>>,
    /// How many cards are called so.
    anchors: HashMap<String, usize>,
}

/// Proposals that a browser lays out at once.
pub(in crate::packet) struct Block<'f> {
    compact: bool,
    places: Vec<Place<'f>>,
}

/// A proposal, and what its card says that depends on the others.
pub(super) struct Place<'f> {
    pub(super) found: &'f Found<'f>,
    pub(super) mark: Mark,
    /// Unique in the page, even where two findings share an id.
    pub(super) anchor: String,
}

/// A block as the templates show it.
#[derive(Debug, Serialize)]
pub(in crate::packet) struct BlockView {
    compact: bool,
    cards: Vec<Card>,
}

impl<'f> Queue<'f> {
    /// A queue for these proposals, of which none is in it yet.
    pub(super) fn of(found: &[Found<'_>]) -> Self {
        Self { compact: found.len() > CARDS, groups: Vec::new(), anchors: HashMap::new() }
    }

    /// Adds the proposals of one check, and says which of the groups they are.
    pub(super) fn add(&mut self, same: &[&'f Found<'f>], roll: &mut Roll<'_>) -> usize {
        let compact = self.compact;
        let size = if compact { LINES_IN_BLOCK } else { CARDS_IN_BLOCK };
        let mut place = |found: &&'f Found<'f>| Place {
            found,
            mark: roll.mark(found),
            anchor: self.anchor(found),
        };
        let block = |found: &[&'f Found<'f>]| Block {
            compact,
            places: found.iter().map(&mut place).collect(),
        };
        let blocks = same.chunks(size).map(block).collect();
        self.groups.push(blocks);
        self.groups.len() - 1
    }

    fn anchor(&mut self, found: &Found<'_>) -> String {
        let times = self.anchors.entry(found.id.to_string()).or_default();
        *times += 1;
        match times {
            1 => found.id.to_string(),
            times => format!("{}-{times}", found.id),
        }
    }

    /// The blocks of each group.
    pub(in crate::packet) fn groups(&self) -> &[Vec<Block<'f>>] {
        &self.groups
    }
}

impl Block<'_> {
    /// The block with its cards.
    pub(in crate::packet) fn view(&self, review: &Review<'_>) -> BlockView {
        let cards = self.places.iter().map(|place| Card::of(place, review)).collect();
        BlockView { compact: self.compact, cards }
    }
}
