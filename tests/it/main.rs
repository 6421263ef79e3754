#![cfg(test)]
//! Integration tests.
