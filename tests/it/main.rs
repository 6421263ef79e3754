#![cfg(test)]
//! Integration tests, in one binary.

mod acme;
mod canary;
mod checks;
mod commands;
mod job;
mod packet;
mod reader;
mod tidy;
