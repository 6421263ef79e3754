#![cfg(test)]
//! Integration tests, in one binary.

mod checks;
mod packet;
mod reader;
mod tidy;
