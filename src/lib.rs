//! `crm-review`: a weekly, read-only CRM hygiene and routing review.

pub mod boundary;
pub mod check;
pub mod finding;
pub mod policy;
pub mod source;
