#![cfg(test)]
//! Integration tests, in one binary.

mod acme;
mod canary;
mod changes;
mod checks;
mod commands;
mod core;
mod decisions;
mod fixture;
mod hubspot;
mod init;
mod input;
mod job;
mod kills;
mod left_out;
mod limits;
mod linking;
mod memory;
mod mock;
mod odoo;
mod packet;
mod patterns;
mod procedure;
mod pulled;
mod reader;
mod recollection;
mod rules;
mod salesforce;
mod schema;
mod slices;
mod story;
mod tidy;
