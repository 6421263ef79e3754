//! Reading a check's section of a rules file: what is absent there has its documented default.
//!
//! A default is a [`Said`] on line 0, so that evidence can tell it from what a person wrote.
//! Also the few words that all families share. Does not: know any check.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Display;

use crate::boundary::{Boundary, Cell, Field, Object, letters};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::{CheckDef, Family, Off};

/// A whole number.
pub(super) fn count(section: Option<&Section<'_>>, key: &str, default: u32) -> Said<u32> {
    section.and_then(|section| section.count(key)).unwrap_or(Said { value: default, line: 0 })
}

/// A number.
pub(super) fn number(section: Option<&Section<'_>>, key: &str, default: f64) -> Said<f64> {
    section.and_then(|section| section.number(key)).unwrap_or(Said { value: default, line: 0 })
}

/// A list of texts, and the line of its key.
pub(super) fn texts(
    section: Option<&Section<'_>>,
    key: &str,
    default: &[&str],
) -> Said<Vec<String>> {
    match section.filter(|section| section.has(key)) {
        Some(section) => Said {
            value: section.texts(key).iter().map(|said| said.value.trim().to_owned()).collect(),
            line: section.node(key).map_or(0, |node| node.line),
        },
        None => Said { value: default.iter().map(|&text| text.to_owned()).collect(), line: 0 },
    }
}

/// A list of objects whose records are reviewed.
pub(super) fn objects(section: Option<&Section<'_>>, default: &[Object]) -> Vec<Object> {
    objects_among(section, default, &Object::REVIEWED)
}

/// A list of objects, of those that a check can look at; each is looked at once.
pub(super) fn objects_among(
    section: Option<&Section<'_>>,
    default: &[Object],
    possible: &[Object],
) -> Vec<Object> {
    let Some(section) = section.filter(|section| section.has("objects")) else {
        return default.to_vec();
    };
    let mut objects = Vec::new();
    for name in section.texts("objects") {
        let object = among(section, &name, possible);
        objects.extend(object.filter(|object| !objects.contains(object)));
    }
    objects
}

/// A table whose records are reviewed, by its name.
pub(super) fn reviewed(section: &Section<'_>, name: &Said<&str>) -> Option<Object> {
    among(section, name, &Object::REVIEWED)
}

fn among(section: &Section<'_>, name: &Said<&str>, possible: &[Object]) -> Option<Object> {
    let object = Object::parse(name.value).filter(|object| Object::REVIEWED.contains(object));
    let fits = object.filter(|object| possible.contains(object));
    if fits.is_none() {
        let names: Vec<_> = possible.iter().map(|object| object.key()).collect();
        let what = if object.is_some() {
            "cannot be looked at here"
        } else {
            "is not a table under review"
        };
        section.problem_with_hint(
            name.line,
            format!("`{}` {what}", name.value),
            format!("one of {}", names.join(", ")),
        );
    }
    fits
}

/// An allowed field of a table under review, by both names: `account.industry`.
pub(super) fn full_field(
    section: &Section<'_>,
    said: &Said<&str>,
    boundary: &Boundary,
) -> Option<Field> {
    let parts = said.split_once('.').and_then(|(table, name)| {
        let object = Object::parse(table.trim())?;
        Object::REVIEWED.contains(&object).then_some((object, name.trim()))
    });
    let Some((object, name)) = parts else {
        section.problem_with_hint(
            said.line,
            format!("`{}` does not name a field", said.value),
            "write table and field, like `account.industry`",
        );
        return None;
    };
    match boundary.field(object, name) {
        Ok(field) => Some(field),
        Err(missing) => {
            section.problem(said.line, missing.to_string());
            None
        }
    }
}

/// True where the section says `off = true`.
pub(super) fn is_off(section: Option<&Section<'_>>) -> bool {
    section.and_then(|section| section.flag("off")).is_some_and(|off| off.value)
}

/// `Err` where the section says `off = true`.
pub(super) fn switched_on(section: Option<&Section<'_>>, check: &CheckDef) -> Result<(), Off> {
    if is_off(section) { Err(check.off_in_rules()) } else { Ok(()) }
}

/// Quotes a setting as evidence.
pub(super) fn quoted(family: Family, line: usize, says: impl Into<String>) -> Evidence {
    let says = says.into();
    let says = if line == 0 { format!("{says} (default)") } else { says };
    Evidence::Policy { file: format!("rules/{}", family.file()), line, says }
}

/// How often each occurs, the most frequent first and no more than so many: `Zoe Ax 14, Cy Ox 2`.
pub(super) fn most_first(all: impl Iterator<Item = impl Display + Ord>, most: usize) -> String {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_insert(0_usize) += 1;
    }
    ranked(&counts, most)
}

/// The same of what is counted already.
pub(super) fn ranked(counts: &BTreeMap<impl Display, usize>, most: usize) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(**count));
    let told = counts.iter().take(most).map(|(one, count)| format!("{one} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

/// A field as a sentence names it: as the CRM does, with the rules' word where that is another one.
/// `Close Date`, `Last Modified Date (modified)`.
pub(super) fn named(cell: &Cell) -> String {
    if cell.column().is_empty() {
        cell.label()
    } else if letters(cell.column()).eq(letters(cell.field())) {
        cell.column().to_owned()
    } else {
        format!("{} ({})", cell.column(), cell.field())
    }
}

/// A field's name in a sentence: `close date`.
pub(super) fn label(field: &Field) -> String {
    field.name().replace('_', " ")
}

/// A field's name at the beginning of a sentence: `Close date`.
pub(super) fn title(field: &Field) -> String {
    let label = label(field);
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1 day`, `41 days`.
pub(super) fn days<N: Copy + Display + PartialEq + From<u8>>(count: N) -> String {
    if count == 1.into() { "1 day".to_owned() } else { format!("{count} days") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Document, Log};

    #[test]
    fn each_object_that_a_check_can_look_at_is_looked_at_once() {
        let log = Log::default();
        let text = "objects = [\"contact\", \"deal\", \"contact\", \"user\"]";
        let document = Document::parse("rules/lifecycle.toml", text, &log);
        {
            let root = document.root(&log);
            let possible = [Object::Contact, Object::Account];
            assert_eq!(objects_among(Some(&root), &possible, &possible), [Object::Contact]);
            assert_eq!(objects_among(None, &possible, &possible), possible);
        }
        assert_eq!(
            log.finish(()).unwrap_err().to_string(),
            "rules/lifecycle.toml:1: `deal` cannot be looked at here\n  hint: one of contact, account\n\
             rules/lifecycle.toml:1: `user` is not a table under review\n  hint: one of contact, account"
        );
    }
}
