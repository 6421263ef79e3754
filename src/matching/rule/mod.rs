//! Linkage by rule: records that share an address, a domain, or a name with a number, whatever the rest of
//! the table looks like.
//!
//! The weights are fixed; nothing is estimated. Does not: rank what no rule names; [`super::link`] does.

pub mod cluster;
pub mod compare;

use super::index::Index;
use super::normalise::{self, Lists, Name};
use compare::{Agreement, Folded, Level};

/// What a column holds: it decides how its values are folded and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A mail address.
    Address,
    /// A person's first name.
    FirstName,
    /// A person's last name; stands for the name as a whole in comparisons.
    LastName,
    /// A phone number; there may be several.
    Phone,
    /// A company's name.
    Company,
    /// A website or domain; the first that is filled counts.
    Web,
    /// A country or another place.
    Place,
}

/// The table to link.
pub trait Records {
    /// How many records there are.
    fn len(&self) -> u32;

    /// True when there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value; `None` when blank.
    fn value(&self, at: u32, column: usize) -> Option<&str>;

    /// True for a record that is not to be linked at all.
    fn is_left_out(&self, _at: u32) -> bool {
        false
    }

    /// True for two records that somebody keeps apart on purpose.
    fn are_apart(&self, _left: u32, _right: u32) -> bool {
        false
    }
}

/// What to link by.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'p> {
    /// What each column holds.
    pub columns: &'p [Kind],
    /// What is known about addresses and domains.
    pub lists: &'p Lists,
    /// A key that more records share than this is no key: its records are not compared.
    pub largest_block: usize,
}

/// From so many bits on, two records are the same: a shared address or domain and no veto.
const STRONG_BITS: f64 = 16.0;
/// From so many bits on, two records may be the same.
const WEAK_BITS: f64 = 8.0;

/// How sure a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// They may be the same.
    Weak,
    /// They are the same unless somebody knows better.
    Strong,
}

/// Two records that agree, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The lower record.
    pub left: u32,
    /// The higher record.
    pub right: u32,
    /// The sum of what the agreements are worth.
    pub bits: f64,
    /// Column by column.
    pub agreements: Vec<Agreement>,
}

impl Pair {
    /// How sure the pair is.
    pub fn strength(&self) -> Strength {
        if self.bits >= STRONG_BITS { Strength::Strong } else { Strength::Weak }
    }

    /// How far the columns of a kind agree; `Missing` where they were not compared.
    pub fn level(&self, kind: Kind) -> Level {
        self.agreement(kind).map_or(Level::Missing, |agreement| agreement.level)
    }

    /// The columns of a kind.
    pub fn agreement(&self, kind: Kind) -> Option<&Agreement> {
        self.agreements.iter().find(|agreement| agreement.kind == kind)
    }

    /// What agrees, in words: `the same name and the same phone number`.
    pub fn words(&self) -> String {
        let agreeing = self.agreements.iter().filter(|agreement| agreement.bits > 0.0);
        agreeing.map(|agreement| agreement.how).collect::<Vec<_>>().join(" and ")
    }
}

/// A key that too many records share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crowd {
    /// The lowest of its records.
    pub first: u32,
    /// How many share it.
    pub records: usize,
    /// What they share, in words.
    pub by: &'static str,
}

/// What linking found.
#[derive(Debug, Clone, Default)]
pub struct Linkage {
    /// The pairs, strong and weak, in the records' order.
    pub pairs: Vec<Pair>,
    /// The keys that were left alone, in the records' order.
    pub crowds: Vec<Crowd>,
}

/// Links the records of a table among themselves.
pub fn link(records: &dyn Records, plan: Plan<'_>) -> Linkage {
    let mut linkage = Linkage::default();
    for (index, by) in Keys::of(records, plan).indexes() {
        for block in index.blocks() {
            if block.len() > plan.largest_block {
                let first = block.first().copied().unwrap_or_default();
                linkage.crowds.push(Crowd { first, records: block.len(), by });
            } else {
                compare_block(records, plan, &block, &mut linkage.pairs);
            }
        }
    }
    linkage.pairs.sort_by_key(|pair| (pair.left, pair.right));
    linkage.pairs.dedup_by_key(|pair| (pair.left, pair.right));
    linkage.crowds.sort();
    linkage
}

fn compare_block(records: &dyn Records, plan: Plan<'_>, block: &[u32], pairs: &mut Vec<Pair>) {
    let folded: Vec<(u32, Folded)> =
        block.iter().map(|at| (*at, Folded::of(records, *at, plan.columns, plan.lists))).collect();
    for (n, (left, a)) in folded.iter().enumerate() {
        for (right, b) in folded.iter().skip(n + 1) {
            if records.are_apart(*left, *right) {
                continue;
            }
            let agreements = compare::compare(a, b, plan.columns, plan.lists);
            let bits = agreements.iter().map(|agreement| agreement.bits).sum();
            if bits >= WEAK_BITS {
                pairs.push(Pair { left: *left, right: *right, bits, agreements });
            }
        }
    }
}

/// The keys by which records come together.
#[derive(Default)]
struct Keys {
    address: Index,
    name_and_phone: Index,
    name_and_domain: Index,
    domain: Index,
    company_and_phone: Index,
}

/// The last digits of a number are the same with and without the country's code.
const PHONE_TAIL: usize = 7;

impl Keys {
    fn of(records: &dyn Records, plan: Plan<'_>) -> Self {
        let mut keys = Self::default();
        let mut scratch = Scratch::default();
        for at in (0..records.len()).filter(|at| !records.is_left_out(*at)) {
            keys.add(records, plan, at, &mut scratch);
        }
        for (index, _) in keys.indexes_mut() {
            index.settle();
        }
        keys
    }

    fn add(&mut self, records: &dyn Records, plan: Plan<'_>, at: u32, scratch: &mut Scratch) {
        let Scratch { value, key, name, phones } = scratch;
        let mut name_parts = (None, None);
        let (mut address, mut company, mut web) = (None, None, None);
        phones.clear();
        for (column, kind) in plan.columns.iter().enumerate() {
            let Some(text) = records.value(at, column) else { continue };
            match kind {
                Kind::Address => address = Some(text),
                Kind::FirstName => name_parts.0 = Some(text),
                Kind::LastName => name_parts.1 = Some(text),
                Kind::Company => company = Some(text),
                Kind::Web => web = web.or(Some(text)),
                Kind::Phone => {
                    if normalise::phone(text, value).is_some() {
                        phones.push_str(tail(value));
                        phones.push(' ');
                    }
                }
                Kind::Place => {}
            }
        }
        if address.and_then(|text| normalise::address(text, plan.lists, value)).is_some() {
            self.address.add(value, at);
        }
        if web.and_then(|text| normalise::company_domain(text, plan.lists, value)).is_some() {
            self.domain.add(value, at);
        }
        key.clear();
        name.refold(name_parts.0, name_parts.1);
        if name.key_into(key).is_some() {
            key.push('|');
            let stem = key.len();
            for phone in phones.split_whitespace() {
                key.truncate(stem);
                key.push_str(phone);
                self.name_and_phone.add(key, at);
            }
            let domain =
                address.and_then(|text| normalise::company_domain(text, plan.lists, value));
            if domain.is_some() {
                key.truncate(stem);
                key.push_str(value);
                self.name_and_domain.add(key, at);
            }
        }
        // A company's own number; of a person's company it says nothing about the person.
        let is_person = name_parts != (None, None) || address.is_some();
        if let Some(company) = company.filter(|_| !is_person && !phones.is_empty()) {
            let folded = normalise::company(company);
            for phone in phones.split_whitespace() {
                key.clear();
                key.push_str(&folded);
                key.push('|');
                key.push_str(phone);
                self.company_and_phone.add(key, at);
            }
        }
    }

    fn indexes(&self) -> [(&Index, &'static str); 5] {
        [
            (&self.address, "mail address"),
            (&self.domain, "domain"),
            (&self.name_and_phone, "name and phone"),
            (&self.name_and_domain, "name and mail domain"),
            (&self.company_and_phone, "company name and phone"),
        ]
    }

    fn indexes_mut(&mut self) -> [(&mut Index, &'static str); 5] {
        [
            (&mut self.address, "mail address"),
            (&mut self.domain, "domain"),
            (&mut self.name_and_phone, "name and phone"),
            (&mut self.name_and_domain, "name and mail domain"),
            (&mut self.company_and_phone, "company name and phone"),
        ]
    }
}

/// Memory that a pass over many records uses again and again.
#[derive(Default)]
struct Scratch {
    value: String,
    key: String,
    name: Name,
    phones: String,
}

fn tail(digits: &str) -> &str {
    digits.len().checked_sub(PHONE_TAIL).and_then(|at| digits.get(at..)).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct People(Vec<[&'static str; 4]>);

    const COLUMNS: [Kind; 4] = [Kind::FirstName, Kind::LastName, Kind::Address, Kind::Phone];

    impl Records for People {
        fn len(&self) -> u32 {
            u32::try_from(self.0.len()).unwrap()
        }
        fn value(&self, at: u32, column: usize) -> Option<&str> {
            Some(self.0[at as usize][column]).filter(|value| !value.is_empty())
        }
    }

    #[track_caller]
    fn check(people: &[[&'static str; 4]], expected: &[(u32, u32, Strength)]) {
        let lists = Lists {
            role_mailboxes: std::iter::once("info".to_owned()).collect(),
            ..Lists::default()
        };
        let plan = Plan { columns: &COLUMNS, lists: &lists, largest_block: 3 };
        let found: Vec<_> = link(&People(people.to_vec()), plan)
            .pairs
            .iter()
            .map(|pair| (pair.left, pair.right, pair.strength()))
            .collect();
        assert_eq!(found, expected, "{people:?}");
    }

    #[test]
    fn one_address_is_strong_whatever_the_names() {
        use Strength::{Strong, Weak};
        check(
            &[["Ann", "Ng", "ann@acme.com", ""], ["", "", "ANN@acme.com", ""]],
            &[(0, 1, Strong)],
        );
        check(
            &[["Ann", "Ng", "ng@acme.com", "5550101"], ["Bob", "Li", "ng@acme.com", "5550199"]],
            &[(0, 1, Strong)],
        );
        check(
            &[
                ["Ann", "Ng", "ann@acme.com", "+1 202 555 0101"],
                ["Ng", "Ann", "ann@home.net", "202 555 0101"],
            ],
            &[(0, 1, Weak)],
        );
        check(
            &[["Ann", "Ng", "ann@acme.com", ""], ["Ann", "Ng", "a.ng@acme.com", ""]],
            &[(0, 1, Weak)],
        );
    }

    #[test]
    fn two_people_who_read_one_mailbox_are_not_one() {
        check(&[["Ann", "Ng", "info@acme.com", ""], ["Bob", "Li", "info@acme.com", ""]], &[]);
        check(
            &[["Ann", "Ng", "info@acme.com", ""], ["Ann", "Ng", "info@acme.com", ""]],
            &[(0, 1, Strength::Strong)],
        );
    }

    #[test]
    fn a_key_that_a_crowd_shares_is_reported_and_not_compared() {
        let people = People(vec![["", "", "ann@acme.com", ""]; 4]);
        let plan = Plan { columns: &COLUMNS, lists: &Lists::default(), largest_block: 3 };
        let linkage = link(&people, plan);
        assert!(linkage.pairs.is_empty());
        assert_eq!(linkage.crowds, [Crowd { first: 0, records: 4, by: "mail address" }]);
    }
}
