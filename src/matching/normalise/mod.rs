//! Folds values so that two spellings of one thing become one text.
//!
//! One module for each kind of value: [`person`], [`mail`], [`mod@phone`], [`mod@company`], [`web`], [`place`].
//! A fold writes into a text or struct that the caller keeps and reuses, and says in [`Steps`] what it
//! changed, so that the evidence can.
//! Does not: compare, cache, or read rules. A folded value is a key; what it was made from stays where
//! it is.

use std::collections::BTreeSet;

use hashbrown::HashSet;

pub mod company;
mod company_tables;
mod country_names;
mod fold;
pub mod mail;
mod nicknames;
pub mod person;
pub mod phone;
pub mod place;
pub mod sound;
mod steps;
pub mod web;

pub use company::{Company, acronym_into, company};
pub use mail::{AddressStep, Mail, address, addresses, is_role_mailbox};
pub use person::{Name, Suffix, roots};
pub use phone::{phone, phone_into, same_phone};
pub use place::{
    Country, Street, city_into, numbered_street, postcode_into, region_into, street_into,
};
pub use sound::sound;
pub use steps::{Step, Steps};
pub use web::{company_domain, domain, own_label, website_label};

/// What is known about addresses and domains, all in lower case.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Local parts that several people read.
    pub role_mailboxes: HashSet<String>,
    /// Mail providers: a domain that says nothing about the company.
    pub free_mail: HashSet<String>,
    /// Mail providers that ignore what follows a plus sign.
    pub plus_tags: HashSet<String>,
    /// Domains below which many companies have a page.
    pub shared_domains: BTreeSet<String>,
    /// Domains of records made for a test.
    pub test_domains: HashSet<String>,
}

/// A text of any kind without case, accents and punctuation.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    words_into(text, &mut out);
    out
}

/// Writes a text of any kind without case, accents and punctuation into `out`.
pub fn words_into(text: &str, out: &mut String) -> Steps {
    out.clear();
    fold::words_into(text, out)
}

/// Writes what another system or an authority gave a record to be known by into `out`: its letters and
/// digits, without the spaces and signs between them.
pub fn identifier_into(raw: &str, out: &mut String) -> Steps {
    let steps = words_into(raw, out);
    out.retain(|c| c != ' ');
    steps
}

#[cfg(test)]
fn lists() -> Lists {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    Lists {
        role_mailboxes: set(&["info", "sales"]),
        free_mail: set(&["gmail.com", "gmx.de"]),
        plus_tags: set(&["gmail.com", "googlemail.com", "outlook.com"]),
        shared_domains: ["facebook.com", "github.io", "myhost.net", "sites.google.com"]
            .map(str::to_owned)
            .into(),
        test_domains: set(&["example.com"]),
    }
}
