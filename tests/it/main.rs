#![cfg(test)]
//! Integration tests, in one binary.

mod acme;
mod checks;
mod packet;
mod reader;
mod tidy;
