//! Where records come from.

pub mod csv;
