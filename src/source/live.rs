//! A CRM as a source: what the config says of it.
//!
//! Does not: know how any one CRM is asked.

use super::http::{Host, Manners};
use super::salesforce;

/// A CRM that is asked, as `[source.live]` describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Where it is.
    pub host: Host,
    /// How it is talked to.
    pub manners: Manners,
    /// What happens when this job could do more than read, or read more than it asks for.
    pub wide: Wide,
    /// Which it is, and how to log in.
    pub crm: LiveCrm,
}

/// What happens when the CRM would let this job write, or see more than the boundary lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wide {
    /// It is not asked.
    Refused,
    /// It is asked, and the packet says so at its head.
    Shown,
}

/// Which CRM, with what only it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveCrm {
    /// Salesforce.
    Salesforce(salesforce::Settings),
}
