//! How far two names agree, told in levels for a rule or a person who asks about names alone.
//!
//! Does not: weigh; what an agreement is worth among the other evidence, [`super::link`] estimates.

use super::normalise::Name;

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
