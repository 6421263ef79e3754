//! Values that mean the same and are spelt otherwise.
//!
//! Does not: know which of two spellings is right, or guess at short words.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::letters;
use crate::matching::normalise::Country;

/// From so many letters on, one that differs is a slip: below, it makes another word.
const SHORTEST: usize = 8;

/// Values, by all that another spelling of them has in common with them: the least of several values.
pub(super) struct Respellings<'v> {
    of_country: HashMap<Country, &'v str>,
    of_letters: HashMap<Vec<char>, &'v str>,
    /// The keys of `of_letters` that may differ by one, by how many letters they have.
    long: BTreeMap<usize, Vec<(Vec<char>, &'v str)>>,
}

impl<'v> Respellings<'v> {
    pub(super) fn among(values: impl Iterator<Item = &'v str>) -> Self {
        let mut of_country: HashMap<Country, &'v str> = HashMap::new();
        let mut of_letters: HashMap<Vec<char>, &'v str> = HashMap::new();
        for value in values {
            let bare: Vec<char> = letters(value).collect();
            if !bare.is_empty() {
                let least = of_letters.entry(bare).or_insert(value);
                *least = value.min(*least);
            }
            if let Some(country) = Country::parse(value) {
                let least = of_country.entry(country).or_insert(value);
                *least = value.min(*least);
            }
        }
        let mut long: BTreeMap<usize, Vec<(Vec<char>, &'v str)>> = BTreeMap::new();
        // In any order: of all that are near the least is taken.
        for (bare, value) in of_letters.iter().filter(|(bare, _)| bare.len() >= SHORTEST) {
            long.entry(bare.len()).or_default().push((bare.clone(), value));
        }
        Self { of_country, of_letters, long }
    }

    /// The least of the values that mean the same: another name of the country, or letters alike but
    /// for one in eight.
    pub(super) fn of(&self, value: &str) -> Option<&'v str> {
        let bare: Vec<char> = letters(value).collect();
        let as_country = Country::parse(value).and_then(|country| self.of_country.get(&country));
        let alike = self.of_letters.get(&bare);
        let near = (bare.len() >= SHORTEST)
            .then(|| self.long.range(bare.len() - 1..=bare.len() + 1))
            .into_iter()
            .flatten()
            .flat_map(|(_, long)| long)
            .filter(|(other, _)| differ_by_one(&bare, other))
            .map(|(_, value)| value);
        as_country.into_iter().chain(alike).chain(near).min().copied()
    }
}

/// True for texts of which one letter is added, missing, another, or swapped with its neighbour.
fn differ_by_one(one: &[char], other: &[char]) -> bool {
    let ahead = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let behind = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let rest = |text: &[char]| text.len().saturating_sub(ahead + behind);
    let swapped = one.len() == other.len()
        && rest(one) == 2
        && one.get(ahead) == other.get(ahead + 1)
        && one.get(ahead + 1) == other.get(ahead);
    one.len().abs_diff(other.len()) <= 1 && (rest(one) <= 1 && rest(other) <= 1) || swapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, among: &[&str], expect: Option<&str>) {
        assert_eq!(Respellings::among(among.iter().copied()).of(value), expect, "{value}");
    }

    #[test]
    fn one_letter_in_eight_may_be_another() {
        for near in ["Manufacturng", "Manufacturinng", "Manufacturimg", "Manufacutring"] {
            check("Manufacturing", &["Finance", near], Some(near));
            check(near, &["Finance", "Manufacturing"], Some("Manufacturing"));
        }
        for far in ["Manufctring", "Manufcaturign", "Manufacturers"] {
            check("Manufacturing", &[far], None);
        }
        check("Retail", &["Retai", "Detail", "Retali"], None);
        check("Software", &["Softwar"], None);
        check("Software", &["Softwares"], Some("Softwares"));
    }

    #[test]
    fn letters_and_countries_are_compared_whatever_their_length() {
        check("IT", &["it", "I.T.", "IS"], Some("I.T."));
        check("Deutschland", &["Germany", "DE", "Denmark"], Some("DE"));
        check("--", &["-", "??"], None);
    }

    #[test]
    fn of_all_that_mean_the_same_the_least_is_taken() {
        check("United Kingdom", &["united-kingdom", "UK", "United Kingdon"], Some("UK"));
        check("Healthcare", &["healthcare", "Heathcare", "Health Care"], Some("Health Care"));
    }
}
