//! Names of columns: what is the same name, what only looks like it, and which column is meant.
//!
//! Does not: repeat a name of the file in a message unless it is one that was asked for.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::boundary::{ordinal, place_of};

use super::refusal::HeaderFault;

/// A name as it is compared: without surrounding space and byte order mark, composed.
pub(super) fn tidy(name: &str) -> String {
    trim(name).nfc().collect()
}

/// Whether the text is that tidy name, without a copy of it.
pub(super) fn is(text: &str, name: &str) -> bool {
    trim(text).nfc().eq(name.chars())
}

/// Surrounding space is no part of a name.
fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Names that are asked for, with the spelling `Create Date#2` for the second of that name.
pub(super) struct Asked<'a> {
    names: Vec<(String, &'a str)>,
    /// Positions in `names` by the name that stands in the header.
    by_text: HashMap<String, Vec<usize>>,
    longest: usize,
}

impl<'a> Asked<'a> {
    pub(super) fn new(names: &[&'a str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (tidy(name), *name)).collect();
        let mut by_text: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, (name, _)) in names.iter().enumerate() {
            by_text.entry(name.clone()).or_default().push(position);
            if let Some((base, _)) = ordinal(name) {
                by_text.entry(base.to_owned()).or_default().push(position);
            }
        }
        let longest = by_text.keys().map(String::len).max().unwrap_or_default();
        Self { names, by_text, longest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The most bytes a cell may have and still be one of the names.
    pub(super) fn longest(&self) -> usize {
        // A name may be decomposed, padded, or in an encoding that takes more bytes.
        self.longest * 4 + 64
    }

    /// How many of the names are among the cells of a line.
    pub(super) fn found<'c>(&self, cells: impl Iterator<Item = &'c str>) -> usize {
        let mut seen = vec![0_usize; self.names.len()];
        for cell in cells {
            let cell = trim(cell);
            let positions = if cell.is_ascii() {
                self.by_text.get(cell)
            } else {
                self.by_text.get(&cell.nfc().collect::<String>())
            };
            for &position in positions.into_iter().flatten() {
                let name = self.names.get(position);
                if let Some((count, (name, _))) = seen.get_mut(position).zip(name) {
                    // A column that is itself called `Line #2` is the second of nothing.
                    *count = if is(cell, name) { usize::MAX } else { count.saturating_add(1) };
                }
            }
        }
        let needed = self.names.iter().map(|(name, _)| ordinal(name).map_or(1, |(_, nth)| nth));
        seen.iter().zip(needed).filter(|(seen, needed)| **seen >= *needed).count()
    }

    /// Whether the header tells which column is which, for the names that are asked for.
    pub(super) fn check(&self, header: &[String], required: &[&str]) -> Result<(), HeaderFault> {
        self.lookalikes(header)?;
        for (name, _) in &self.names {
            let columns = places(header, |found| found == name);
            if columns.len() > 1 {
                return Err(duplicate(name, columns, false));
            }
            let is_asked = |found: &str| self.names.iter().any(|(name, _)| name == found);
            if columns.len() == 1 {
                let folded = name.to_lowercase();
                let cased = places(header, |found| {
                    found == name || (found.to_lowercase() == folded && !is_asked(found))
                });
                if cased.len() > 1 {
                    return Err(duplicate(name, cased, true));
                }
            } else if column(header, name).is_none() {
                let folded = fold(name);
                // Another spelling that is asked for may well be there in its place.
                let taken = header.iter().any(|found| is_asked(found) && fold(found) == folded);
                let near = header.iter().find(|found| fold(found) == folded);
                if let Some(found) = near.filter(|_| !taken) {
                    return Err(HeaderFault::Near { found: found.clone(), name: name.clone() });
                }
            }
        }
        let missing: Vec<_> = required
            .iter()
            .filter(|name| column(header, name).is_none())
            .map(|name| (*name).to_owned())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let unnamed = header.iter().filter(|name| name.is_empty()).count();
        Err(HeaderFault::Missing { names: missing, unnamed })
    }

    /// Names that look like one that is asked for, or that mix alphabets within a word.
    fn lookalikes(&self, header: &[String]) -> Result<(), HeaderFault> {
        for (position, found) in header.iter().enumerate() {
            if found.is_ascii() && !found.contains(|c: char| c.is_ascii_control()) {
                continue;
            }
            let shape = skeleton(found);
            let name = self
                .names
                .iter()
                .map(|(name, _)| name)
                .find(|name| skeleton(name) == shape && fold(name) != fold(found));
            if name.is_some() || mixes_alphabets(found) {
                let odd = found.chars().find(|&c| !c.is_ascii() || c.is_ascii_control());
                return Err(HeaderFault::Lookalike {
                    column: position + 1,
                    name: name.cloned(),
                    character: odd.map_or_else(String::new, |c| format!("U+{:04X}", u32::from(c))),
                });
            }
        }
        Ok(())
    }
}

/// The column of that name, or of `name#2` the second one of that name.
pub(super) fn column(header: &[String], name: &str) -> Option<usize> {
    place_of(header, &tidy(name))
}

fn places(header: &[String], is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    let columns = header.iter().enumerate().filter(|(_, name)| is_it(name));
    columns.map(|(position, _)| position + 1).collect()
}

fn duplicate(name: &str, columns: Vec<usize>, by_case: bool) -> HeaderFault {
    HeaderFault::Duplicate { name: name.to_owned(), columns, by_case }
}

/// The name without case, spaces and underscores.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace() && *c != '_').flat_map(char::to_lowercase).collect()
}

/// The name as a hurried reader sees it.
fn skeleton(name: &str) -> String {
    let shown = name.nfkc().filter(|&c| !is_invisible(c)).flat_map(char::to_lowercase);
    shown
        .map(|c| confused_with(c).unwrap_or(c))
        .filter(|c| !c.is_whitespace() && *c != '_')
        .collect()
}

/// Characters that take no place: controls, zero width, direction marks, variation selectors.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// The plain small letter that a small letter of another alphabet looks like.
fn confused_with(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'ɡ' => 'g',
        'н' | 'һ' | 'η' | 'հ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' | 'μ' => 'm',
        'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' => 'y',
        'ζ' => 'z',
        _ => return None,
    })
}

/// Whether a word has plain letters beside letters that only look so.
fn mixes_alphabets(name: &str) -> bool {
    name.split(|c: char| !c.is_alphabetic()).any(|word| {
        let foreign = |c: char| c.to_lowercase().any(|c| confused_with(c).is_some());
        word.contains(|c: char| c.is_ascii_alphabetic()) && word.contains(foreign)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &[&str], asked: &[&str], expect: &str) {
        let header: Vec<_> = header.iter().map(|name| tidy(name)).collect();
        let found = match Asked::new(asked).check(&header, asked) {
            Ok(()) => format!("{:?}", asked.iter().map(|n| column(&header, n)).collect::<Vec<_>>()),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn a_column_is_found_by_its_exact_name() {
        check(&[" Id", "Email\u{a0}"], &["Email", "Id"], "[Some(1), Some(0)]");
        check(&["\u{feff}Id"], &["Id"], "[Some(0)]");
        check(&["Cafe\u{301}"], &["Café"], "[Some(0)]");
        check(&["Id"], &["Id", "Email", "Phone"], "lacks the columns `Email`, `Phone`");
        check(
            &["Id", "lead source"],
            &["Id", "LeadSource"],
            "has the column `lead source`, which is close to `LeadSource` and not the same",
        );
    }

    #[test]
    fn a_repeated_name_needs_its_number() {
        let header = ["Id", "Create Date", "Name", "Create Date"];
        check(&header, &["Create Date"], "names 2 columns `Create Date`");
        check(&header, &["Create Date#2", "Create Date#1"], "[Some(3), Some(1)]");
        check(&header, &["Id"], "[Some(0)]");
        check(&["Email", "EMAIL"], &["Email"], "names 2 columns `Email` if case is ignored");
        check(&["Email", "EMAIL"], &["Email", "EMAIL"], "[Some(0), Some(1)]");
    }

    #[test]
    fn a_name_that_only_looks_the_same_is_named() {
        let cyrillic = "has in column 1 a name that looks like `Email` but is written with U+0435";
        check(&["\u{435}mail", "Email"], &["Email"], cyrillic);
        let zero = "has in column 2 a name that looks like `Email` but is written with U+200B";
        check(&["Id", "Em\u{200b}ail"], &["Email"], zero);
        let full = "has in column 1 a name that looks like `Id` but is written with U+FF29";
        check(&["\u{ff29}d"], &["Id"], full);
        let mixed =
            "has in column 1 a name that looks like plain letters but is written with U+0430";
        check(&["P\u{430}y"], &["Id"], mixed);
        // Another alphabet as such is no trap.
        check(&["Имя", "Δt", "Id"], &["Id"], "[Some(2)]");
    }

    #[test]
    fn found_counts_names_with_their_number() {
        let asked = Asked::new(&["Id", "Create Date#2"]);
        assert_eq!(asked.found(["Id", "Create Date"].into_iter()), 1);
        assert_eq!(asked.found(["Create Date", " Id ", "Create Date"].into_iter()), 2);
    }
}
