//! The duplicates family.

use crate::boundary::Boundary;
use crate::policy::Section;

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy;

impl Policy {
    pub(super) fn parse(_root: &Section<'_>, _boundary: &Boundary) -> Self {
        Self
    }
}

use crate::boundary::Row;

use super::World;

/// Which records are the same, and which account a person belongs to.
#[derive(Debug)]
pub(super) struct Matches<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}

impl<'a> Matches<'a> {
    pub(super) fn of(_world: &World<'a>) -> Self {
        Self { marker: std::marker::PhantomData }
    }

    /// The accounts whose registrable domain is the person's, free mail and shared domains left out;
    /// in input order.
    pub(super) fn accounts_of(&self, _world: &World<'a>, _person: Row<'a>) -> &[Row<'a>] {
        &[]
    }
}
