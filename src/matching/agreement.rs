//! How far two names agree, told in levels for a rule or a person who asks about names alone.
//!
//! Does not: weigh; what an agreement is worth among the other evidence, [`super::link`] estimates.

use super::compare::is_slip;
use super::normalise::{self, Name};

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

/// How two names differ that tell a father from a son.
pub const OTHER_SUFFIX: &str = "different suffixes, as a father and a son have";

/// How far two names agree. Names are different when their first names contradict each other, or their
/// suffixes do: a last name changes with marriage.
pub fn name(left: &Name, right: &Name) -> (Level, &'static str) {
    if left.is_blank() || right.is_blank() {
        return (Level::Missing, "missing on one side");
    }
    if left == right {
        return (Level::Same, "the same name");
    }
    let (level, how) = without_suffix(left, right);
    let is_other = matches!((left.suffix, right.suffix), (Some(one), Some(other)) if one != other);
    if is_other && !matches!(level, Level::Missing | Level::Different) {
        return (Level::Different, OTHER_SUFFIX);
    }
    (level, how)
}

fn without_suffix(left: &Name, right: &Name) -> (Level, &'static str) {
    if is_swapped(left, right) {
        return (Level::Form, "first and last name swapped");
    }
    let last = part(&left.last, &right.last);
    let first = first_name(&left.first, &right.first);
    match (first, last) {
        (Level::Same | Level::Form, Level::Same) if have_other_initials(left, right) => {
            (Level::Alike, "different middle initials")
        }
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

/// True where the last name of one stands in the other's first, and the first name, or a form of it, in the
/// other's last.
fn is_swapped(left: &Name, right: &Name) -> bool {
    let is_turned = |one: &Name, other: &Name| {
        let is_form = one.first == other.last || share_root(&one.first, &other.last);
        !one.last.is_empty() && !one.first.is_empty() && one.last == other.first && is_form
    };
    is_turned(left, right) || is_turned(right, left)
}

/// True where both say one second given name, one of them by its initial, and it is not the same.
fn have_other_initials(left: &Name, right: &Name) -> bool {
    let second = |name: &Name| {
        let given = name.first.split(' ').skip(1).filter_map(|word| word.chars().next());
        let mut initials = given.chain(name.middle);
        initials.next().filter(|_| initials.next().is_none())
    };
    let is_by_initial = left.middle.is_some() || right.middle.is_some();
    is_by_initial
        && matches!((second(left), second(right)), (Some(one), Some(other)) if one != other)
}

/// How far two first names agree, with all given names in them. One is a form of the other where it is a part
/// of it: of two that each have another second name, neither is.
fn first_name(left: &str, right: &str) -> Level {
    if left.is_empty() || right.is_empty() {
        return Level::Missing;
    }
    if left == right {
        return Level::Same;
    }
    match (left.contains(' '), right.contains(' ')) {
        (false, false) => given_name(left, right),
        (one, other) if one != other && without_spaces(left).eq(without_spaces(right)) => {
            Level::Form
        }
        _ if is_part(left, right) || is_part(right, left) => {
            let begin = [left, right].map(|name| name.split(' ').next().unwrap_or_default());
            match given_name(begin[0], begin[1]) {
                Level::Same | Level::Form => Level::Form,
                Level::Alike | Level::Partly | Level::Different | Level::Missing => Level::Alike,
            }
        }
        _ => Level::Different,
    }
}

/// True where each given name of one first name is one of the other's.
fn is_part(short: &str, long: &str) -> bool {
    let mut left: Vec<&str> = long.split(' ').collect();
    short.split(' ').all(|word| {
        let found = left.iter().position(|other| given_name(word, other) != Level::Different);
        found.map(|at| left.remove(at)).is_some()
    })
}

/// How far two given names agree.
fn given_name(left: &str, right: &str) -> Level {
    let plain = part(left, right);
    if plain == Level::Same {
        return plain;
    }
    if share_root(left, right) {
        return Level::Form;
    }
    let is_initial =
        |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if is_initial(left, right) || is_initial(right, left) {
        return Level::Alike;
    }
    plain
}

/// True where two given names may be short for one: Chris is Christopher, Christian and Christine.
fn share_root(left: &str, right: &str) -> bool {
    normalise::roots(left).iter().any(|root| normalise::roots(right).contains(root))
}

fn without_spaces(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| *c != ' ')
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
    if without_spaces(left).eq(without_spaces(right)) {
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
    if are_slips(left, right) {
        return (Level::Alike, "a letter or two apart");
    }
    (Level::Different, "different names")
}

/// True where each word is the other name's or a slip of the keyboard from it. Two units of one company have
/// long names that differ in one word: it is held against that word alone.
fn are_slips(left: &str, right: &str) -> bool {
    is_slip(left, right)
        && left.split(' ').count() == right.split(' ').count()
        && left
            .split(' ')
            .zip(right.split(' '))
            .all(|(one, other)| one == other || is_slip(one, other))
}

fn is_acronym(short: &str, long: &str) -> bool {
    let initials = long.split(' ').filter_map(|word| word.chars().next());
    !short.contains(' ') && short.chars().count() > 2 && short.chars().eq(initials)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::normalise;

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
        check_name(("Chris", "Ott"), ("Christine", "Ott"), Level::Form);
        check_name(("Ted", "Ott"), ("Theodore", "Ott"), Level::Form);
        check_name(("Christian", "Ott"), ("Christopher", "Kay"), Level::Different);
        check_name(("Joe", "Ulm"), ("Ulm", "Joseph"), Level::Form);
        check_name(("Anna", "Bill"), ("Anna", "William"), Level::Partly);
        check_name(("M", "Shaffer"), ("Melissa", "Shaffer"), Level::Alike);
        check_name(("", "Shaffer"), ("Melissa", "Shaffer"), Level::Alike);
        check_name(("Charles", "Ferrnte"), ("Charles", "Ferrante"), Level::Alike);
        check_name(("Ann", "Ng"), ("Ann", "Smith"), Level::Partly);
        check_name(("Ann", "Ng"), ("Bob", "Ng"), Level::Different);
        check_name(("Ann", "Ng"), ("Bob", "Li"), Level::Different);
        check_name(("", ""), ("Bob", "Li"), Level::Missing);
    }

    #[test]
    fn a_first_name_is_a_form_of_another_that_it_is_a_part_of() {
        check_name(("Mary Ann", "Smith"), ("Mary", "Smith"), Level::Form);
        check_name(("Hans", "Wolf"), ("Hans-Peter", "Wolf"), Level::Form);
        check_name(("Hanspeter", "Wolf"), ("Hans-Peter", "Wolf"), Level::Form);
        check_name(("Bob James", "Wolf"), ("Robert", "Wolf"), Level::Form);
        check_name(("Peter", "Wolf"), ("Hans-Peter", "Wolf"), Level::Alike);
        check_name(("Hans-Peter", "Wolf"), ("Hans-Jürgen", "Wolf"), Level::Different);
        check_name(("Mary Ann", "Wolf"), ("Mary Beth", "Wolf"), Level::Different);
        check_name(("Jean-Pierre", "Wolf"), ("Jean-Paul", "Wolf"), Level::Different);
    }

    #[test]
    fn suffixes_and_middle_initials_tell_namesakes_apart() {
        check_name(("John", "Smith Sr"), ("John", "Smith Jr."), Level::Different);
        check_name(("John", "Smith II"), ("Johnny", "Smith III"), Level::Different);
        check_name(("John", "Smith"), ("John", "Smith Jr."), Level::Form);
        check_name(("John A", "Doe"), ("John B.", "Doe"), Level::Alike);
        check_name(("John Albert", "Doe"), ("John B.", "Doe"), Level::Alike);
        check_name(("John Albert", "Doe"), ("John A.", "Doe"), Level::Form);
        check_name(("John A", "Doe"), ("John", "Doe"), Level::Form);
        check_name(("John A", "Doe"), ("Ann B", "Doe"), Level::Different);
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
        check_company("Brightwater Fods", "Brightwater Foods", Level::Alike);
        check_company("Altenheim Nord", "Altenheim Süd", Level::Different);
        check_company("Stadtwerke Bonn", "Stadtwerke Köln", Level::Different);
        check_company("Muster Werk 1", "Muster Werk 2", Level::Different);
        check_company("Telekom Technik GmbH", "Telekom Service GmbH", Level::Different);
        check_company("", "Zenith", Level::Missing);
    }
}
