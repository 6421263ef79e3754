//! When two systems mean the same value although they write it differently.
//!
//! Does not: know which of them is right.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use unicode_normalization::UnicodeNormalization as _;

use crate::boundary::{Batch, Field, Kind, Row, letters};
use crate::matching::normalise;
use crate::policy::{Section, Value};

/// What counts as the same in one comparison.
#[derive(Debug, Clone)]
pub(super) struct Sameness {
    /// Letters of one spelling to the letters it stands for.
    synonyms: BTreeMap<String, String>,
    /// The CRM's words as they are written, each with the letters of what the system says.
    ours: Vec<(String, String)>,
    /// Numbers nearer than this are the same.
    tolerance: f64,
}

impl Sameness {
    /// Reads `same` and `tolerance` of a comparison.
    pub(super) fn parse(section: &Section<'_>) -> Self {
        let (mut synonyms, mut ours) = (BTreeMap::new(), Vec::new());
        if let Some(same) = section.section("same") {
            for (name, node) in same.entries() {
                if let Value::Text(to) = &node.value {
                    synonyms.insert(letters_of(name), letters_of(to));
                    ours.push((name.value.clone(), letters_of(to)));
                } else {
                    same.problem(node.line, format!("`same.{}` needs a text", name.value));
                }
            }
        }
        let tolerance = section.number("tolerance").map_or(0.01, |said| said.value);
        Self { synonyms, ours, tolerance }
    }

    /// How the CRM writes what the system says: by the rules, else as its own records do.
    pub(super) fn our_word(&self, theirs: &str, spellings: &Spellings) -> Option<OurWord> {
        let letters = letters_of(theirs);
        let named = self.ours.iter().filter(|(_, to)| *to == letters).map(|(word, _)| word);
        let by_rule = named.rev().max_by_key(|word| spellings.count(word)).cloned();
        by_rule.map(OurWord::Rule).or_else(|| {
            let (word, records) = spellings.commonest(&letters)?;
            // One record alone may be a slip.
            (word != theirs && records > 1).then(|| OurWord::Records(word.to_owned(), records))
        })
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

/// What the CRM writes for a value of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OurWord {
    /// The rules say so.
    Rule(String),
    /// So many records have it.
    Records(String, usize),
}

/// How the records of a table write the values of a field, by the letters that carry the meaning.
#[derive(Debug, Default)]
pub(super) struct Spellings(BTreeMap<String, BTreeMap<String, usize>>);

impl Spellings {
    /// Counts those of a field whose values are taken from few; names and addresses are not.
    pub(super) fn of(batch: &Batch, field: &Field) -> Self {
        let mut spellings = Self::default();
        if matches!(field.kind(), Kind::Picklist | Kind::Text) {
            for value in batch.rows().filter_map(|row| row.text(field)) {
                let written = spellings.0.entry(letters_of(value)).or_default();
                *written.entry(value.trim().to_owned()).or_default() += 1;
            }
        }
        spellings
    }

    fn count(&self, word: &str) -> usize {
        self.0.get(&letters_of(word)).map_or(0, |written| written.values().sum())
    }

    /// The spelling that most records have; of equal ones the first.
    fn commonest(&self, letters: &str) -> Option<(&str, usize)> {
        let written = self.0.get(letters)?.iter().rev();
        written.max_by_key(|(_, count)| **count).map(|(word, count)| (word.as_str(), *count))
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
    // An accent is part of its letter, whether it is written as one sign or as two.
    let text = text.trim();
    let letters: String = if text.is_ascii() {
        letters(text).collect()
    } else {
        letters(&text.nfc().collect::<String>()).collect()
    };
    if letters.is_empty() { text.to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, ours: &str, theirs: &str, expected: bool) {
        let synonyms = BTreeMap::from([("uk".to_owned(), "unitedkingdom".to_owned())]);
        let sameness = Sameness { synonyms, ours: Vec::new(), tolerance: 0.01 };
        assert_eq!(sameness.texts(ours, theirs, kind), expected, "{ours} and {theirs}");
    }

    #[test]
    fn spelling_is_no_difference() {
        check(Kind::Name, "Acme, Inc.", "ACME Inc", true);
        check(Kind::Name, "Acme", "Apex", false);
        check(Kind::Name, "M\u{fc}ller GmbH", "Mu\u{308}ller GmbH", true);
        check(Kind::Name, "M\u{fc}ller GmbH", "Muller GmbH", false);
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
