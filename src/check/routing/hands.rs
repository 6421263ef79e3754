//! Through whose hands a record went, by the field history.
//!
//! Does not: say whether that was right.

use chrono::{DateTime, Utc};

use crate::boundary::{Field, Row};
use crate::check::World;
use crate::check::history::{Change, History};
use crate::check::people::{Found, Person, Standing};

/// Looks up who is on either side of a change.
#[derive(Clone, Copy)]
pub(super) struct Hands<'l, 'a> {
    pub(super) world: &'l World<'a>,
    pub(super) history: &'l History,
}

/// One side of a change of the owner.
#[derive(Clone, Copy)]
pub(super) enum Party<'p, 'a> {
    Person(&'p Person<'a>),
    /// A queue, a service user, or nothing.
    Nobody,
    /// In no input, or several have the name.
    Unknown,
}

/// One change of the owner.
#[derive(Clone, Copy)]
pub(super) struct Step<'p, 'a> {
    pub(super) change: Change<'a>,
    from: Party<'p, 'a>,
    pub(super) to: Party<'p, 'a>,
    /// Both sides say the same.
    pub(super) stays: bool,
}

/// The first person who had a record, since when, and what came after.
pub(super) struct FirstHand<'p, 'a> {
    pub(super) person: &'p Person<'a>,
    pub(super) since: DateTime<Utc>,
    pub(super) rest: Vec<Step<'p, 'a>>,
}

/// Why a record's history does not count.
pub(super) enum Unclear {
    /// It was planned, or nobody gave it.
    Aside,
    /// The inputs do not say who did what.
    Unknown,
}

impl<'l, 'a> Hands<'l, 'a> {
    /// Who got a record first: at its creation, or out of what queues and machines hold. The changes of its
    /// owner are in their order.
    pub(super) fn first(
        self,
        row: Row<'a>,
        (owner, created): (&Field, &Field),
        changes: &[Change<'a>],
    ) -> Result<FirstHand<'l, 'a>, Unclear> {
        // Some CRMs write a change twice, with ids and with names.
        let steps: Vec<Step<'l, 'a>> = changes
            .chunk_by(|one, next| one.at == next.at)
            .filter_map(|it| self.step(it))
            .collect();
        let created = row.time(created).ok_or(Unclear::Unknown)?;
        let present = row.text(owner).map(|owner| party(self.world, owner));
        let start = steps.first().map_or(present.unwrap_or(Party::Nobody), |step| step.from);
        let (mut holder, mut since) = (start, created);
        let mut rest = steps.into_iter();
        loop {
            match holder {
                Party::Person(person) => {
                    return Ok(FirstHand { person, since, rest: rest.collect() });
                }
                Party::Unknown => return Err(Unclear::Unknown),
                Party::Nobody => {
                    let step = rest.next().ok_or(Unclear::Aside)?;
                    (holder, since) = (step.to, step.change.at);
                }
            }
        }
    }

    /// One change, of which some CRMs write two lines: the one whose sides are known.
    fn step(self, same: &[Change<'a>]) -> Option<Step<'l, 'a>> {
        let side = |owner: Option<&str>| owner.map_or(Party::Nobody, |it| party(self.world, it));
        let steps = same.iter().map(|change| {
            let (before, after) = (self.history.before(change), self.history.after(change));
            let stays = self.history.stays(change);
            Step { change: *change, from: side(before), to: side(after), stays }
        });
        let known = |step: &Step<'_, '_>| {
            let is_known = |party| !matches!(party, Party::Unknown);
            usize::from(is_known(step.from)) + usize::from(is_known(step.to))
        };
        // Of equals the first.
        steps.rev().max_by_key(known)
    }
}

/// Who an owner is.
pub(super) fn party<'l, 'a>(world: &'l World<'a>, owner: &str) -> Party<'l, 'a> {
    match world.people().find(owner) {
        Found::One(person) if person.standing == Standing::Queue => Party::Nobody,
        Found::One(person) if world.policies.owners.is_service_user(owner, person) => Party::Nobody,
        Found::One(person) => Party::Person(person),
        Found::Several | Found::Nobody => Party::Unknown,
    }
}
