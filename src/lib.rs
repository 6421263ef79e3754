//! `crm-review`: a weekly, read-only CRM hygiene and routing review.
//!
//! A batch of records comes in through a **data boundary** that lists every field that may be read and
//! why; seven families of checks judge it; a **review packet** shows each proposal with its evidence
//! and with what speaks against it. A named person decides. Nothing is ever written to a CRM.
//!
//! ```text
//! review.toml, rules/ ──config──> Boundary ──grant──> each check loads and asks for its fields
//!                                                        │ the union of grants is what is pulled
//! exports/*.csv ──source::pull──> cells ──Boundary::admit──> Batch per table + Admission
//!                                                        │
//!                    check::Bench::run ── pure, no clock, no disk ──> Report per check
//!                                                        │
//! ledger.jsonl <──append── review::run ──packet──> packet.html, findings.jsonl, manifest.json
//!      │   ^                                             │ a person reads it
//!      │   └──append── Decision <──Gate::decide── decisions file
//!      └──> what the next run remembers, the metric, the change sheets
//! ```
//!
//! The modules in reading order; each imports only from those above it, and `tests/it/tidy.rs` holds
//! the table of who may import whom:
//!
//! [`threads`] work by pieces · [`digest`] digests as they are written · [`policy`] what a person wrote,
//! with its place · [`boundary`] what may come in · [`matching`] what is the same · [`finding`] what may
//! be said · [`check`] the judgements · [`folder`] files that are private and whole · [`source`] where
//! records come from · [`gate`] who may decide what · [`ledger`] what was run and decided · [`metrics`]
//! the one rate · [`packet`] what is shown · [`config`] the job · [`review`] the run · [`draft`] the
//! first folder · [`linking`] the duplicate engine alone · [`cli`] the arguments.
//!
//! What is absent on purpose:
//! * no check knows a CRM, a template, the clock, the disk, the ledger or another check;
//! * the packet cannot pull, the source cannot see a rule, the ledger has never heard of HTML;
//! * there is no way to spell a field that nobody allowed, a finding without evidence, or a write to a CRM;
//! * time is an argument and order is total: the same inputs give the same bytes.

pub mod boundary;
pub mod check;
pub mod cli;
pub mod config;
pub mod digest;
pub mod draft;
pub mod finding;
pub mod folder;
pub mod gate;
pub mod ledger;
pub mod linking;
pub mod matching;
pub mod metrics;
pub mod packet;
pub mod policy;
pub mod review;
pub mod source;
pub mod threads;
