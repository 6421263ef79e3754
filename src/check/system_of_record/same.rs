//! When two systems mean the same value although they write it differently.
//!
//! Does not: know which of them is right.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::boundary::{Field, Kind, Row, letters};
use crate::matching::normalise;
use crate::policy::{Section, Value};

/// What counts as the same in one comparison.
#[derive(Debug, Clone)]
pub(super) struct Sameness {
    /// Letters of one spelling to the letters it stands for.
    synonyms: BTreeMap<String, String>,
    /// Numbers nearer than this are the same.
    tolerance: f64,
}

impl Sameness {
    /// Reads `same` and `tolerance` of a comparison.
    pub(super) fn parse(section: &Section<'_>) -> Self {
        let mut synonyms = BTreeMap::new();
        if let Some(same) = section.section("same") {
            for (name, node) in same.entries() {
                if let Value::Text(to) = &node.value {
                    synonyms.insert(letters_of(name), letters_of(to));
                } else {
                    same.problem(node.line, format!("`same.{}` needs a text", name.value));
                }
            }
        }
        let tolerance = section.number("tolerance").map_or(0.01, |said| said.value);
        Self { synonyms, tolerance }
    }

    /// True when a record and the system's row agree; both are known to hold a value.
    pub(super) fn holds(
        &self,
        (row, field): (Row<'_>, &Field),
        (theirs, other): (Row<'_>, &Field),
        zone: Tz,
    ) -> bool {
        if let (Some(ours), Some(theirs)) = (row.number(field), theirs.number(other)) {
            return (ours - theirs).abs() <= self.tolerance;
        }
        let days = (row.named_day(field, zone), theirs.named_day(other, zone));
        if let (Some(ours), Some(theirs)) = days {
            return ours == theirs;
        }
        if let (Some(ours), Some(theirs)) = (row.text(field), theirs.text(other)) {
            return ours == theirs || self.texts(ours, theirs, field.kind());
        }
        match (row.written(field), theirs.written(other)) {
            (Some(ours), Some(theirs)) => self.texts(&ours, &theirs, field.kind()),
            (None, _) | (_, None) => false,
        }
    }

    fn texts(&self, ours: &str, theirs: &str, kind: Kind) -> bool {
        let as_such = match kind {
            Kind::Phone => both(ours, theirs, normalise::phone)
                .map(|[ours, theirs]| normalise::same_phone(&ours, &theirs)),
            Kind::Web => both(ours, theirs, normalise::domain).map(|[ours, theirs]| ours == theirs),
            Kind::Id
            | Kind::Picklist
            | Kind::Date
            | Kind::Number
            | Kind::Flag
            | Kind::Email
            | Kind::Name
            | Kind::Text
            | Kind::Address => None,
        };
        if let Some(is_same) = as_such {
            return is_same;
        }
        let (ours, theirs) = (bare(ours, kind), bare(theirs, kind));
        self.meaning(&ours) == self.meaning(&theirs)
    }

    fn meaning<'t>(&'t self, letters: &'t str) -> &'t str {
        self.synonyms.get(letters).map_or(letters, String::as_str)
    }
}

/// Two values folded, where both can be.
fn both(
    ours: &str,
    theirs: &str,
    fold: fn(&str, &mut String) -> Option<()>,
) -> Option<[String; 2]> {
    let mut folded = [String::new(), String::new()];
    let [left, right] = &mut folded;
    fold(ours, left)?;
    fold(theirs, right)?;
    Some(folded)
}

/// What of a value of some kind carries its meaning.
fn bare(value: &str, kind: Kind) -> String {
    match kind {
        Kind::Email => value.trim().to_lowercase(),
        Kind::Id
        | Kind::Picklist
        | Kind::Date
        | Kind::Number
        | Kind::Flag
        | Kind::Name
        | Kind::Text
        | Kind::Phone
        | Kind::Web
        | Kind::Address => letters_of(value),
    }
}

/// Lower case without spaces and punctuation; a value of signs alone stays as it is.
fn letters_of(text: &str) -> String {
    let letters: String = letters(text).collect();
    if letters.is_empty() { text.trim().to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, ours: &str, theirs: &str, expected: bool) {
        let synonyms = BTreeMap::from([("uk".to_owned(), "unitedkingdom".to_owned())]);
        let sameness = Sameness { synonyms, tolerance: 0.01 };
        assert_eq!(sameness.texts(ours, theirs, kind), expected, "{ours} and {theirs}");
    }

    #[test]
    fn spelling_is_no_difference() {
        check(Kind::Name, "Acme, Inc.", "ACME Inc", true);
        check(Kind::Name, "Acme", "Apex", false);
        check(Kind::Picklist, "UK", "United Kingdom", true);
        check(Kind::Picklist, "United Kingdom", "U.K.", true);
        check(Kind::Picklist, "UK", "France", false);
        check(Kind::Web, "https://www.acme.com/", "acme.com", true);
        check(Kind::Web, "https://acme.com/de", "acme.com", true);
        check(Kind::Web, "acme.com", "acme.de", false);
        check(Kind::Web, "(none)", "none", true);
        check(Kind::Phone, "+49 30 123456", "030 123456", true);
        check(Kind::Phone, "+49 30 123456", "+49 30 123457", false);
        check(Kind::Phone, "110", "112", false);
        check(Kind::Phone, "+49 30 123456", "0049-30-123456", true);
        check(Kind::Email, "Ann@Example.com", "ann@example.com", true);
        check(Kind::Text, "+", "-", false);
    }
}
