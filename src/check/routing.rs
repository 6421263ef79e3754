//! The routing family.

use crate::boundary::Boundary;
use crate::policy::Section;

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy;

impl Policy {
    pub(super) fn parse(
        _root: &Section<'_>,
        _rulebook: &super::Rulebook,
        _boundary: &Boundary,
    ) -> Self {
        Self
    }

    /// The fields that active rules look at for an object, each with the names of those rules.
    pub(super) fn fields(&self, _object: Object) -> Vec<(Field, Vec<String>)> {
        Vec::new()
    }
}

use crate::boundary::{Field, Object, Row};
use crate::finding::{Assignee, Tried};

use super::World;

/// Where the rules send each record under review.
#[derive(Debug)]
pub(super) struct Routed<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}

impl<'a> Routed<'a> {
    pub(super) fn of(_world: &World<'a>) -> Self {
        Self { marker: std::marker::PhantomData }
    }

    /// The code of the routing check that has a finding about the record, if one has.
    pub(super) fn violation(&self, _row: Row<'a>) -> Option<&'static str> {
        None
    }

    /// Whom the rules give the record to now, with the rules that were tried.
    pub(super) fn suggestion(
        &self,
        _world: &World<'a>,
        _row: Row<'a>,
    ) -> Option<(Assignee, Vec<Tried>)> {
        None
    }
}
