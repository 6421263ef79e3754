#![cfg(test)]
//! Integration tests, in one binary.

mod checks;
mod packet;
//! Integration tests.

mod reader;
