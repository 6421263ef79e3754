//! `crm-review`: a weekly, read-only CRM hygiene and routing review.

pub mod boundary;
pub mod check;
pub mod cli;
pub mod config;
pub mod draft;
pub mod finding;
pub mod folder;
pub mod ledger;
pub mod matching;
pub mod packet;
pub mod policy;
pub mod review;
pub mod source;
