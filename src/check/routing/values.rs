//! One record's values as rules compare them: each field is folded once, however many rules ask.
//!
//! Does not: know a rule.

use chrono::NaiveDate;

use crate::boundary::{Field, Grant, Kind, Row};
use crate::check::condition::{Condition, Folded, Test};

/// The fields that the rules of one object compare; a rule knows a field by its slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns(Vec<(Field, Compare)>);

/// What of a field's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    /// The number alone: writing every record's number out would cost more than all rules.
    Number,
    /// The value as text too.
    Text,
}

impl Columns {
    /// The slot of a field, added when it is new.
    pub(super) fn slot(&mut self, field: &Field) -> usize {
        self.0.iter().position(|(known, _)| known == field).unwrap_or_else(|| {
            let numeric = field.kind() == Kind::Number;
            self.0.push((field.clone(), if numeric { Compare::Number } else { Compare::Text }));
            self.0.len() - 1
        })
    }

    /// The slot of a condition's field.
    pub(super) fn slot_of(&mut self, condition: &Condition) -> usize {
        let slot = self.slot(&condition.field);
        let text = matches!(condition.test, Test::In(_) | Test::NotIn(_) | Test::StartsWith(_));
        if let Some((_, compare)) = self.0.get_mut(slot).filter(|_| text) {
            *compare = Compare::Text;
        }
        slot
    }

    /// Tells the boundary that its fields are read.
    pub(super) fn ask(&self, grant: &mut Grant<'_>) {
        for (field, _) in &self.0 {
            grant.reads(field);
        }
    }
}

#[derive(Debug, Default)]
struct Slot {
    text: String,
    number: Option<f64>,
    blank: bool,
    withheld: bool,
}

/// The day whose rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// When the record came to its owner.
    Routed(NaiveDate),
    /// That of the review: who is to have a record now is for the rules of now.
    Review(NaiveDate),
}

impl Day {
    /// The day itself.
    pub(super) fn date(self) -> NaiveDate {
        match self {
            Self::Routed(day) | Self::Review(day) => day,
        }
    }
}

impl Default for Day {
    fn default() -> Self {
        Self::Review(NaiveDate::default())
    }
}

/// The values of one record, and the day whose rules it is judged by. Its buffers are used again for
/// the next record.
#[derive(Debug, Default)]
pub(super) struct Values {
    slots: Vec<Slot>,
    day: Day,
}

impl Values {
    /// Takes the values of a record that is judged by the rules of a day.
    pub(super) fn read(&mut self, columns: &Columns, row: Row<'_>, day: Day) {
        self.day = day;
        self.slots.resize_with(columns.0.len(), Slot::default);
        for (slot, (field, compare)) in self.slots.iter_mut().zip(&columns.0) {
            slot.text.clear();
            slot.number = row.number(field);
            slot.withheld = row.is_withheld(field);
            if *compare == Compare::Number {
                slot.blank = slot.number.is_none() && row.is_blank(field);
                continue;
            }
            if let Some(text) = row.text(field) {
                fold_into(text.trim(), &mut slot.text);
            } else if let Some(flag) = row.flag(field) {
                slot.text.push_str(if flag { "true" } else { "false" });
            } else if let Some(written) = row.written(field) {
                fold_into(&written, &mut slot.text);
            }
            slot.blank = slot.text.is_empty() && row.is_blank(field);
        }
    }

    /// The day whose rules count.
    pub(super) fn day(&self) -> Day {
        self.day
    }

    /// True when the value in a slot may be anything: it is blank, or was withheld.
    pub(super) fn is_unknown(&self, slot: usize) -> bool {
        self.slots.get(slot).is_none_or(|slot| slot.blank || slot.withheld)
    }

    /// The value in a slot.
    pub(super) fn at(&self, slot: usize) -> Folded<'_> {
        self.slots.get(slot).map_or(Folded { text: None, number: None, blank: true }, |slot| {
            Folded {
                text: (!slot.text.is_empty()).then_some(slot.text.as_str()),
                number: slot.number,
                blank: slot.blank,
            }
        })
    }
}

/// As `fold`, into a buffer that is used again.
fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}
