//! The lead_source family.

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
