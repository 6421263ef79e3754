//! How far two records agree, column by column, and what that is worth.
//!
//! The weights are fixed, in bits: an agreement that chance rarely brings about is worth many. They are
//! starting points of our own, of the order that labelled contact data gives.
//! Does not: decide which records to compare.

use super::{Kind, Records};
use crate::matching::normalise::{self, AddressStep, Lists, Name};

/// How far two values agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The same once case and spelling are folded.
    Same,
    /// The same in another form: nickname, swapped parts, a missing country code.
    Form,
    /// Nearly the same.
    Alike,
    /// A part agrees and a part does not.
    Partly,
    /// They contradict each other.
    Different,
    /// At least one side has nothing to compare: this is no disagreement.
    Missing,
}

/// One column's part in a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// What was compared.
    pub kind: Kind,
    /// How far it agrees.
    pub level: Level,
    /// The level in words.
    pub how: &'static str,
    /// What it is worth.
    pub bits: f64,
}

/// One record's values, folded.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// The mail address; empty when there is none.
    pub address: String,
    /// How the address was folded.
    pub step: Option<AddressStep>,
    /// The company's domain from the mail address; empty for mail providers.
    pub mail_domain: String,
    /// The person's name.
    pub name: Name,
    /// Every phone number.
    pub phones: Vec<String>,
    /// The company's name.
    pub company: String,
    /// The company's domain from the website.
    pub domain: String,
    /// The values of columns that have to be equal, in column order; empty for blank ones.
    pub exact: Vec<String>,
}

impl Folded {
    /// Folds one record.
    pub fn of(records: &dyn Records, at: u32, columns: &[Kind], lists: &Lists) -> Self {
        let mut folded = Self::default();
        let (mut first, mut last) = (None, None);
        for (column, kind) in columns.iter().enumerate() {
            let value = records.value(at, column);
            match kind {
                Kind::Address => {
                    let Some(value) = value else { continue };
                    folded.step = normalise::address(value, lists, &mut folded.address);
                    let _ = normalise::company_domain(value, lists, &mut folded.mail_domain);
                }
                Kind::FirstName => first = value,
                Kind::LastName => last = value,
                Kind::Phone => {
                    let mut digits = String::new();
                    if value.and_then(|value| normalise::phone(value, &mut digits)).is_some() {
                        folded.phones.push(digits);
                    }
                }
                Kind::Company => {
                    folded.company = value.map(normalise::company).unwrap_or_default();
                }
                Kind::Web => {
                    if let Some(value) = value.filter(|_| folded.domain.is_empty()) {
                        let _ = normalise::company_domain(value, lists, &mut folded.domain);
                    }
                }
                Kind::Place => {
                    folded.exact.push(value.map(normalise::words).unwrap_or_default());
                }
            }
        }
        folded.name.refold(first, last);
        folded
    }
}

/// Compares two folded records, one agreement for each kind of column there is.
pub fn compare(left: &Folded, right: &Folded, columns: &[Kind], lists: &Lists) -> Vec<Agreement> {
    let mut agreements = Vec::with_capacity(4);
    let names = name(&left.name, &right.name);
    let has = |kind: Kind| columns.contains(&kind);
    let mut say = |kind: Kind, (level, how): (Level, &'static str), bits: f64| {
        agreements.push(Agreement { kind, level, how, bits });
    };
    if has(Kind::Address) {
        let found = address(left, right);
        let role = found.0 == Level::Same && normalise::is_role_mailbox(&left.address, lists);
        let bits = match found.0 {
            // Two different people who read one mailbox: the address says nothing about them.
            Level::Same if role && names.0 == Level::Different => 0.0,
            Level::Same => 30.0,
            Level::Partly => 3.0,
            Level::Different => -2.0,
            Level::Form | Level::Alike | Level::Missing => 0.0,
        };
        let found =
            if role { (Level::Same, "the same mailbox, which several people read") } else { found };
        say(Kind::Address, found, bits);
    }
    if has(Kind::LastName) {
        let bits = match names.0 {
            Level::Same => 6.0,
            Level::Form => 5.0,
            Level::Alike => 4.0,
            Level::Partly => -2.0,
            Level::Different => -8.0,
            Level::Missing => 0.0,
        };
        say(Kind::LastName, names, bits);
    }
    if has(Kind::Web) {
        let found =
            equal(&left.domain, &right.domain, "the same registrable domain", "other domains");
        let bits = match found.0 {
            Level::Same => 24.0,
            Level::Different => -6.0,
            Level::Form | Level::Alike | Level::Partly | Level::Missing => 0.0,
        };
        say(Kind::Web, found, bits);
    }
    if has(Kind::Company) {
        let found = company(&left.company, &right.company);
        let bits = match found.0 {
            Level::Same | Level::Form => 3.0,
            Level::Alike => 1.0,
            Level::Different => -4.0,
            Level::Partly | Level::Missing => 0.0,
        };
        say(Kind::Company, found, bits);
    }
    if has(Kind::Phone) {
        let found = phones(&left.phones, &right.phones);
        let bits = match found.0 {
            Level::Same | Level::Form => 6.0,
            Level::Different => -1.0,
            Level::Alike | Level::Partly | Level::Missing => 0.0,
        };
        say(Kind::Phone, found, bits);
    }
    for (left, right) in left.exact.iter().zip(&right.exact) {
        let found = equal(left, right, "the same", "different");
        let bits = match found.0 {
            Level::Same => 1.0,
            Level::Different => -5.0,
            Level::Form | Level::Alike | Level::Partly | Level::Missing => 0.0,
        };
        say(Kind::Place, found, bits);
    }
    agreements
}

fn equal(
    left: &str,
    right: &str,
    same: &'static str,
    different: &'static str,
) -> (Level, &'static str) {
    if left.is_empty() || right.is_empty() {
        (Level::Missing, "missing on one side")
    } else if left == right {
        (Level::Same, same)
    } else {
        (Level::Different, different)
    }
}

fn address(left: &Folded, right: &Folded) -> (Level, &'static str) {
    let found = equal(&left.address, &right.address, "the same address", "different addresses");
    if found.0 == Level::Different
        && !left.mail_domain.is_empty()
        && left.mail_domain == right.mail_domain
    {
        return (Level::Partly, "different addresses at one company's domain");
    }
    found
}

/// How far two names agree. Names are different when their first names contradict each other: a last
/// name changes with marriage.
pub fn name(left: &Name, right: &Name) -> (Level, &'static str) {
    if left.is_blank() || right.is_blank() {
        return (Level::Missing, "missing on one side");
    }
    if left == right {
        return (Level::Same, "the same name");
    }
    if left.first == right.last && left.last == right.first {
        return (Level::Form, "first and last name swapped");
    }
    let last = part(&left.last, &right.last);
    let first = first_name(left, right);
    match (first, last) {
        (Level::Same | Level::Form, Level::Same) => (Level::Form, "a short or longer form of it"),
        (Level::Alike, Level::Same) => (Level::Alike, "the same last name, a first name like it"),
        (Level::Missing, Level::Same) => (Level::Alike, "the same last name, one without a first"),
        (Level::Same | Level::Form, Level::Missing) => {
            (Level::Alike, "the same first name, one without a last")
        }
        (Level::Same | Level::Form | Level::Alike | Level::Missing, Level::Alike) => {
            (Level::Alike, "a letter or two apart")
        }
        (Level::Same | Level::Form | Level::Alike, Level::Different) => {
            (Level::Partly, "the same first name, another last name")
        }
        (Level::Missing, Level::Missing) => (Level::Missing, "no part stands on both sides"),
        _ => (Level::Different, "different names"),
    }
}

fn first_name(left: &Name, right: &Name) -> Level {
    let plain = part(&left.first, &right.first);
    if matches!(plain, Level::Same | Level::Missing) {
        return plain;
    }
    if left.root() == right.root() {
        return Level::Form;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if initial(&left.first, &right.first) || initial(&right.first, &left.first) {
        return Level::Alike;
    }
    plain
}

/// Two words or phrases: the same, a slip of the keyboard apart, or different.
fn part(left: &str, right: &str) -> Level {
    if left.is_empty() || right.is_empty() {
        Level::Missing
    } else if left == right {
        Level::Same
    } else if left.len().min(right.len()) >= 4 && strsim::jaro_winkler(left, right) >= 0.92 {
        Level::Alike
    } else {
        Level::Different
    }
}

/// How far two folded company names agree.
pub fn company(left: &str, right: &str) -> (Level, &'static str) {
    if left.is_empty() || right.is_empty() {
        return (Level::Missing, "missing on one side");
    }
    if left == right {
        return (Level::Same, "the same name without its legal form");
    }
    if left.replace(' ', "") == right.replace(' ', "") {
        return (Level::Form, "the same name, spaced differently");
    }
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.starts_with(' '))
    };
    if begins(left, right) || begins(right, left) {
        return (Level::Alike, "one name begins with the other");
    }
    if is_acronym(left, right) || is_acronym(right, left) {
        return (Level::Alike, "one name is the other's initials");
    }
    if strsim::jaro_winkler(left, right) >= 0.9 {
        return (Level::Alike, "a letter or two apart");
    }
    (Level::Different, "different names")
}

fn is_acronym(short: &str, long: &str) -> bool {
    let initials = long.split(' ').filter_map(|word| word.chars().next());
    !short.contains(' ') && short.chars().count() > 2 && short.chars().eq(initials)
}

fn phones(left: &[String], right: &[String]) -> (Level, &'static str) {
    if left.is_empty() || right.is_empty() {
        return (Level::Missing, "missing on one side");
    }
    if left.iter().any(|phone| right.contains(phone)) {
        (Level::Same, "the same phone number")
    } else if left.iter().any(|a| right.iter().any(|b| normalise::same_phone(a, b))) {
        (Level::Form, "the same phone number, one without the country's code")
    } else {
        (Level::Different, "different numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(left: (&str, &str), right: (&str, &str), expected: Level) {
        let fold = |(first, last): (&str, &str)| Name::fold(Some(first), Some(last));
        assert_eq!(name(&fold(left), &fold(right)).0, expected, "{left:?} {right:?}");
        assert_eq!(name(&fold(right), &fold(left)).0, expected, "{right:?} {left:?}");
    }

    #[test]
    fn names_are_different_only_when_their_first_names_contradict() {
        check_name(("Ann", "Ng"), ("ANN", "Ng "), Level::Same);
        check_name(("Ann", "Ng"), ("Ng", "Ann"), Level::Form);
        check_name(("Bob", "Miller"), ("Robert", "Miller"), Level::Form);
        check_name(("Mary Ann", "Smith"), ("Mary", "Smith"), Level::Form);
        check_name(("M", "Shaffer"), ("Melissa", "Shaffer"), Level::Alike);
        check_name(("", "Shaffer"), ("Melissa", "Shaffer"), Level::Alike);
        check_name(("Charles", "Ferrnte"), ("Charles", "Ferrante"), Level::Alike);
        check_name(("Ann", "Ng"), ("Ann", "Smith"), Level::Partly);
        check_name(("Ann", "Ng"), ("Bob", "Ng"), Level::Different);
        check_name(("Ann", "Ng"), ("Bob", "Li"), Level::Different);
        check_name(("", ""), ("Bob", "Li"), Level::Missing);
    }

    #[track_caller]
    fn check_company(left: &str, right: &str, expected: Level) {
        let fold = normalise::company;
        assert_eq!(company(&fold(left), &fold(right)).0, expected, "{left} | {right}");
    }

    #[test]
    fn companies_are_alike_by_form_beginning_and_initials() {
        check_company("Acme GmbH", "ACME Ltd.", Level::Same);
        check_company("Bright Soft Inc", "BrightSoft", Level::Form);
        check_company("Acme Germany", "Acme", Level::Alike);
        check_company("IBM", "International Business Machines", Level::Alike);
        check_company("Acme", "Zenith", Level::Different);
        check_company("", "Zenith", Level::Missing);
    }
}
