//! Systems of record: where another system is right about a field, and what says so.
//!
//! Does not: decide which system is right; the rules name it, and a person decides.

mod conflict;
mod enrichment;
mod flapping;
mod orphan;
mod same;
mod stale;
mod two_writers;
mod verified;
mod writer;

use crate::boundary::{Batch, Boundary, Field, Grant, Missing, Object, Row};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::condition::fold;
use super::settings::{self, quoted, reviewed, title};
use super::{Family, Judgement, World};

pub(super) use conflict::CHECK as CONFLICTING_VALUE;
pub(super) use conflict::spoken_of as conflicting;
pub(super) use enrichment::CHECK as UNAPPROVED_ENRICHMENT;
pub(super) use flapping::CHECK as FLAPPING;
pub(super) use flapping::spoken_of as flapping;
pub(super) use orphan::CHECK as ORPHAN_KEY;
pub(super) use stale::CHECK as STALE_SYNC;
pub(super) use two_writers::CHECK as TWO_WRITERS;
pub(super) use verified::CHECK as OVERWRITTEN_VERIFIED;
pub(super) use writer::CHECK as WRONG_WRITER;

const FILE: &str = "system-of-record.toml";

/// A field of a record, by its table and position.
pub(super) type Place = (Object, usize, Field);

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    systems: Vec<System>,
    flapping: flapping::Rules,
    enrichment: enrichment::Rules,
    stale: stale::Rules,
    writer: writer::Rules,
    two_writers: two_writers::Rules,
    verified: verified::Rules,
    min_coverage: Said<f64>,
    conflict_off: bool,
    orphan_off: bool,
}

/// One system and what it is right about.
#[derive(Debug, Clone)]
struct System {
    name: String,
    object: Object,
    /// The CRM field that holds the system's key.
    key: Field,
    sync_hours: Said<f64>,
    customers_only: Option<Said<bool>>,
    compares: Vec<Compare>,
    /// The column of the extract that says which system a row is from.
    told_by: Option<Field>,
    line: usize,
}

/// One field that the system is right about.
#[derive(Debug, Clone)]
struct Compare {
    field: Field,
    theirs: Field,
    sameness: same::Sameness,
    line: usize,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let sections = root.sections("system");
        let systems: Vec<_> =
            sections.iter().filter_map(|section| System::parse(section, boundary)).collect();
        if let [_, second, ..] = systems.as_slice()
            && second.told_by.is_none()
        {
            root.problem_with_hint(
                second.line,
                "several systems share one extract, and nothing says which row is whose",
                "allow `system` in [system_record.fields]: the column with the system's name",
            );
        }
        let conflict_off = settings::is_off(root.section(CONFLICTING_VALUE.name).as_ref());
        let mut min_coverage = Said { value: 0.5, line: 0 };
        let mut orphan_off = false;
        if let Some(section) = root.section(ORPHAN_KEY.name) {
            orphan_off = settings::is_off(Some(&section));
            if let Some(share) = section.number("min_coverage") {
                if !(0.0..=1.0).contains(&share.value) {
                    section.problem(share.line, "`min_coverage` is a share from 0 to 1");
                }
                min_coverage = share;
            }
        }
        let flapping = flapping::Rules::parse(root, boundary);
        let enrichment = enrichment::Rules::parse(root, boundary);
        let stale = stale::Rules::parse(root, boundary);
        let writer = writer::Rules::parse(root, boundary);
        let two_writers = two_writers::Rules::parse(root, boundary);
        let verified = verified::Rules::parse(root, boundary);
        Self {
            systems,
            flapping,
            enrichment,
            stale,
            writer,
            two_writers,
            verified,
            min_coverage,
            conflict_off,
            orphan_off,
        }
    }
}

impl Policy {
    /// True where the rules say which system, or who, is right about a field.
    fn answers_for(&self, field: &Field) -> bool {
        let mut compares = self.systems.iter().flat_map(|system| &system.compares);
        compares.any(|compare| compare.field == *field) || self.writer.governs(field)
    }
}

impl System {
    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let name = section.required_text("name");
        let object = section.required_text("object");
        let key = section.required_text("key");
        let sync_hours = section.number("sync_hours").unwrap_or(Said { value: 48.0, line: 0 });
        let customers_only = section.flag("customers_only").filter(|said| said.value);
        let compares = section.sections("compare");
        let written: Vec<_> = compares.iter().map(Written::read).collect();
        let (name, object, key) = (name?, object?, key?);
        let known = reviewed(section, &object)?;
        let key = match boundary.field(known, &key) {
            Ok(field) => Some(field),
            Err(missing) => {
                section.problem(key.line, missing.to_string());
                None
            }
        };
        let compares = compares
            .iter()
            .zip(written)
            .filter_map(|(compare, written)| written.meet(compare, known, boundary))
            .collect();
        Some(Self {
            name: name.trim().to_owned(),
            object: known,
            key: key?,
            sync_hours,
            customers_only,
            compares,
            told_by: boundary.allowed(Object::SystemRecord, "system"),
            line: section.line(),
        })
    }

    /// Asks for what links a record to the system's row and says how fresh both are.
    fn ask(&self, grant: &mut Grant<'_>) -> Result<(), Missing> {
        grant.field(Object::SystemRecord, "key")?;
        grant.optional(Object::SystemRecord, "updated");
        if let Some(field) = &self.told_by {
            grant.reads(field);
        }
        grant.reads(&self.key);
        for name in ["created", "modified"] {
            grant.optional(self.object, name);
        }
        Ok(())
    }

    /// True when a row of the extract is this system's.
    fn owns(&self, theirs: Row<'_>) -> bool {
        let system = self.told_by.as_ref().and_then(|field| theirs.text(field));
        system.is_none_or(|system| fold(system) == fold(&self.name))
    }

    /// The record's key, unless it only fills the field.
    fn key_of<'a>(&self, row: Row<'a>) -> Option<&'a str> {
        row.text(&self.key).map(str::trim).filter(|key| !is_no_key(key))
    }

    /// The system's row for a key.
    fn row_of<'a>(&self, extract: &'a Batch, key: &str) -> Option<Row<'a>> {
        extract.find(key).filter(|theirs| self.owns(*theirs))
    }

    /// True when the extract's row for a key is another system's. One key has one row, and others are set
    /// aside: whether this system has the key cannot be told.
    fn is_unclear(&self, extract: &Batch, key: &str) -> bool {
        extract.find(key).is_some_and(|theirs| !self.owns(theirs))
    }

    /// Says which records were not looked at because of that.
    fn leave_unclear(&self, unclear: Vec<Row<'_>>, judgement: &mut Judgement) {
        if !unclear.is_empty() {
            let why = format!(
                "the keys of {} stand on another system's row of the extract: one key has one row, and \
                 whether {} has them too cannot be told",
                unclear.len(),
                self.name
            );
            judgement.skip_records(self.object, unclear, &why);
        }
    }
}

/// A comparison as written, whatever it compares.
struct Written<'s> {
    name: Option<Said<&'s str>>,
    theirs: Option<Said<&'s str>>,
    sameness: same::Sameness,
}

impl<'s> Written<'s> {
    fn read(section: &Section<'s>) -> Self {
        let name = section.required_text("field");
        let theirs = section.text("theirs").or_else(|| name.clone());
        Self { name, theirs, sameness: same::Sameness::parse(section) }
    }

    fn meet(self, section: &Section<'_>, object: Object, boundary: &Boundary) -> Option<Compare> {
        let (name, theirs) = (self.name?, self.theirs?);
        let find = |object: Object, name: &Said<&str>| match boundary.field(object, name) {
            Ok(field) => Some(field),
            Err(missing) => {
                section.problem(name.line, missing.to_string());
                None
            }
        };
        let (field, theirs) = (find(object, &name), find(Object::SystemRecord, &theirs));
        let (field, theirs) = (field?, theirs?);
        if theirs.exposure() < field.exposure() {
            section.problem_with_hint(
                section.line(),
                format!("`{theirs}` shows more than `{field}` may"),
                format!("give it `show = \"{}\"` as well", field.exposure().word()),
            );
        }
        Some(Compare { field, theirs, sameness: self.sameness, line: section.line() })
    }
}

/// Words and signs that stand where a key should.
fn is_no_key(key: &str) -> bool {
    const NONE: [&str; 12] = [
        "n/a", "na", "none", "null", "nil", "unknown", "tbd", "tba", "test", "pending", "new", "x",
    ];
    let mut signs = key.chars().filter(|c| c.is_alphanumeric());
    let Some(first) = signs.next() else { return true };
    let repeated = signs.all(|sign| sign == first);
    repeated && (first == '0' || key.chars().count() >= 4)
        || NONE.iter().any(|none| none.eq_ignore_ascii_case(key))
}

/// When a row of the extract was last changed in its system.
fn updated(world: &World<'_>) -> Option<Field> {
    world.policies.boundary.allowed(Object::SystemRecord, "updated")
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    quoted(Family::SystemOfRecord, line, says)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Rulebook;
    use super::*;
    use crate::policy::{Document, Log};

    #[test]
    fn what_is_missing_of_a_sync_or_a_governed_field_is_named_with_its_line() {
        let log = Log::default();
        let fields = "[account.fields]\n\
            id = { from = \"Id\", why = \"Names the record.\" }\n\
            industry = { from = \"Industry\", why = \"Governed.\" }\n";
        let boundary = Boundary::parse(&Document::parse("rules/boundary.toml", fields, &log), &log);
        let text = "[[sync]]\n\
            field = \"account.last_sync\"\n\
            within_hours = 48\n\
            [[sync]]\n\
            field = \"account.industry\"\n\
            [[governed]]\n\
            field = \"account.industry\"\n\
            [stale-sync]\n\
            min_current = 50\n\
            [two-writers]\n\
            records = 0\n\
            shared = [\"account.industry\", \"industry\"]\n\
            [[verified]]\n\
            field = \"account.industry\"\n\
            stamp = \"id\"\n\
            [[verified]]\n\
            field = \"account.industry\"\n\
            stamp = \"verified\"\n\
            [[verified]]\n\
            field = \"account.industry\"\n";
        let files = BTreeMap::from([(FILE.to_owned(), text.to_owned())]);
        let rulebook = Rulebook::parse(&files, &log);
        let policy = Policy::parse(&rulebook.root(Family::SystemOfRecord, &log), &boundary);
        let found = log.finish(policy).unwrap_err().to_string();
        for expected in [
            "system-of-record.toml:2: `account.last_sync` is not in rules/boundary.toml",
            "system-of-record.toml:4: `within_hours` is missing in [[sync]]",
            "system-of-record.toml:6: `writers` is missing in [[governed]]",
            "system-of-record.toml:9: `min_current` is a share from 0 to 1",
            "system-of-record.toml:11: `records` is at least 1\n  hint: of so many records",
            "system-of-record.toml:15: `account.id` is no date\n  hint: a stamp says when",
            "system-of-record.toml:18: `account.verified` is not in rules/boundary.toml",
            "system-of-record.toml:19: `stamp` is missing in [verified]",
            "system-of-record.toml:12: `industry` does not name a field\n  hint: write table and field",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }

    #[track_caller]
    fn check(key: &str, expected: bool) {
        assert_eq!(is_no_key(key), expected, "{key}");
    }

    #[test]
    fn a_key_that_only_fills_its_field_is_no_key() {
        for none in ["0", "000", "N/A", "none", "-", "9999", "xxxx", "TBD"] {
            check(none, true);
        }
        for key in ["1", "77", "C-1001", "00123", "NA-4"] {
            check(key, false);
        }
    }
}
