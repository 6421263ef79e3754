//! From which stage something is required, and how far a record has come.
//!
//! Does not: know what is required.

use hashbrown::HashMap;

use crate::boundary::{Object, Row};
use crate::policy::{Section, meant};

use super::super::World;
use super::super::deals::DealState;
use super::super::ladder::{Flags, Ladder, Ladders, Standing, lists};

/// The stage from which on something is required; without one it is required of all open work.
#[derive(Debug, Clone, Default)]
pub(super) struct FromStage {
    name: Option<String>,
    rank: usize,
}

/// How far a record has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At this step of its ladder.
    Step(usize),
    /// Won: above every step.
    Won,
    /// Lost, closed or converted: nobody fills it in any more.
    Ended,
    /// Its stage is blank, is not on the ladder, or there is no ladder.
    Unsaid,
    /// Its flags contradict its stage: it may be at any.
    Contradicted,
}

impl FromStage {
    /// Reads `from`. A stage that is not on the object's ladder is a problem.
    pub(super) fn parse(section: &Section<'_>, object: Object, ladders: &Ladders) -> Self {
        let Some(from) = section.text("from") else { return Self::default() };
        let Some(ladder) = ladders.of(object) else {
            section.problem_with_hint(
                from.line,
                format!("`{}` cannot be found: {} have no ladder", *from, object.plural()),
                format!("add [{object}] to rules/lifecycle.toml"),
            );
            return Self::default();
        };
        let won = lists(&ladder.won, &from).then_some(ladder.order.len());
        let Some(rank) = ladder.rank(&from).or(won) else {
            let stages = ladder.order.iter().chain(&ladder.won).map(String::as_str);
            let hint = meant(&from, stages, || ladder.order.join(", "));
            let message = format!("`{}` is not a stage of {}", *from, object.plural());
            section.problem_with_hint(from.line, message, hint);
            return Self::default();
        };
        Self { name: Some(from.trim().to_owned()), rank }
    }

    /// True when a record has come so far; `None` when nothing says how far it has come.
    pub(super) fn reached(&self, place: Place) -> Option<bool> {
        match place {
            Place::Step(step) => Some(step >= self.rank),
            Place::Won => Some(true),
            Place::Ended => Some(false),
            Place::Unsaid => self.name.is_none().then_some(true),
            Place::Contradicted => None,
        }
    }

    /// `from Proposal on`, or `at every stage`.
    pub(super) fn words(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| "at every stage".to_owned(), |name| format!("from {name} on"))
    }
}

/// Tells how far the records of one object have come: the ladder is asked once for all that say the same.
pub(super) struct Places<'a> {
    ladders: &'a Ladders,
    ladder: Option<&'a Ladder>,
    flags: Flags,
    known: HashMap<Says<'a>, Place>,
}

/// What a record says of how far it has come: its stage, and its flags.
type Says<'a> = (Option<&'a str>, [Option<bool>; 2]);

impl<'a> Places<'a> {
    pub(super) fn of(world: &World<'a>, object: Object) -> Self {
        let policies = world.policies;
        Self {
            ladders: &policies.ladders,
            ladder: policies.ladders.of(object),
            flags: Flags::of(&policies.boundary),
            known: HashMap::new(),
        }
    }

    /// The ladder by which they are told.
    pub(super) fn ladder(&self) -> Option<&'a Ladder> {
        self.ladder
    }

    /// How far a record has come.
    pub(super) fn place(&mut self, row: Row<'a>) -> Place {
        let stage = self.ladder.and_then(|ladder| row.text(&ladder.field));
        let says = (stage, self.flags.said(row));
        if let Some(place) = self.known.get(&says) {
            return *place;
        }
        let place = self.judged(row, stage);
        self.known.insert(says, place);
        place
    }

    fn judged(&self, row: Row<'a>, stage: Option<&str>) -> Place {
        if row.object() == Object::Deal {
            match self.ladders.deal(row, &self.flags) {
                Standing::Known(DealState::Won) => return Place::Won,
                Standing::Known(DealState::Lost) | Standing::Over => return Place::Ended,
                Standing::Contradicted => return Place::Contradicted,
                Standing::Known(DealState::Open) | Standing::Unsaid => {}
            }
        } else if self.ladders.is_open(row, &self.flags) == Some(false) {
            return Place::Ended;
        }
        let rank = self.ladder.zip(stage).and_then(|(ladder, stage)| ladder.rank(stage));
        rank.map_or(Place::Unsaid, Place::Step)
    }
}
