//! Conditions on a record, as rules write them: `country = ["Germany", "Austria"]`.
//!
//! Closed operators only (equals, in, not, between, starts with, blank), so that rules can be analysed.
//! Does not: know what the condition is for.

use std::collections::BTreeMap;

use crate::boundary::{Boundary, Field, Grant, Kind, Object, Row};
use crate::policy::{Node, Section, Value};

/// All conditions have to hold; none at all always holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// The conditions, in the order written.
    pub all: Vec<Condition>,
}

/// Conditions on records of several tables, each table's below its name: `deal = { on_hold = "true" }`.
#[derive(Debug, Clone, Default)]
pub struct Conditions(BTreeMap<Object, When>);

/// One field and what its value must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// The test.
    pub test: Test,
    /// The test with its values as they were written.
    written: Test,
}

/// What a value must be. Texts are folded: case and outer spaces do not matter.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of these.
    In(Vec<String>),
    /// None of these; a blank passes, as it does in the CRMs' own rules.
    NotIn(Vec<String>),
    /// A number between these, both ends included.
    Between(f64, f64),
    /// Begins with one of these.
    StartsWith(Vec<String>),
    /// Blank, or not blank.
    Blank(bool),
}

/// A record's value as tests compare it, folded by whoever read it: once for any number of tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded<'v> {
    /// The value as folded text; `None` when there is none to compare.
    pub(crate) text: Option<&'v str>,
    /// The value as a number.
    pub(crate) number: Option<f64>,
    /// True when the record has no value.
    pub(crate) blank: bool,
}

/// Case and outer spaces do not matter in rules.
pub(crate) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

impl When {
    /// Reads a table of conditions on one object's fields; absent means always.
    pub fn parse(section: &Section<'_>, key: &str, object: Object, boundary: &Boundary) -> Self {
        let Some(conditions) = section.section(key) else { return Self::default() };
        let all = conditions
            .entries()
            .filter_map(|(name, node)| {
                // Read before its field is looked up, so that a fault of either is told.
                let test = Test::parse(&conditions, name, node);
                let field = match boundary.field(object, name) {
                    Ok(field) => field,
                    Err(missing) => {
                        conditions.problem_with_hint(
                            name.line,
                            missing.to_string(),
                            "a rule can only use fields that are allowed and explained",
                        );
                        return None;
                    }
                };
                let test = test?;
                let numeric = matches!(field.kind(), Kind::Number);
                if matches!(test, Test::Between(..)) && !numeric {
                    conditions.problem_with_hint(
                        node.line,
                        format!("`{field}` is not a number"),
                        "`between` needs `kind = \"number\"` in rules/boundary.toml",
                    );
                    return None;
                }
                Some(Condition::new(field, test))
            })
            .collect();
        Self { all }
    }

    /// True when every condition holds.
    pub fn holds(&self, row: Row<'_>) -> bool {
        self.all.iter().all(|condition| condition.holds(row))
    }

    /// The fields it reads.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.all.iter().map(|condition| &condition.field)
    }

    /// Tells the boundary that its fields are read.
    pub fn ask(&self, grant: &mut Grant<'_>) {
        for field in self.fields() {
            grant.reads(field);
        }
    }

    /// The first condition that fails on a record.
    pub fn failing(&self, row: Row<'_>) -> Option<&Condition> {
        self.all.iter().find(|condition| !condition.holds(row))
    }

    /// The conditions in words.
    pub fn words(&self) -> String {
        if self.all.is_empty() {
            return "any record".to_owned();
        }
        self.all.iter().map(Condition::words).collect::<Vec<_>>().join(" and ")
    }
}

impl Conditions {
    /// Reads a table of such tables; absent means that none are written.
    pub fn parse(section: Option<&Section<'_>>, key: &str, boundary: &Boundary) -> Self {
        let Some(tables) = section.and_then(|section| section.section(key)) else {
            return Self::default();
        };
        let named = Object::REVIEWED.into_iter().filter(|object| tables.has(object.key()));
        let parse = |object: Object| When::parse(&tables, object.key(), object, boundary);
        Self(named.map(|object| (object, parse(object))).collect())
    }

    /// True when they are written for no table.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those on the records of a table, where some are written.
    pub fn of(&self, object: Object) -> Option<&When> {
        self.0.get(&object)
    }

    /// True when some are written for the record's table, and every one of them holds.
    pub fn hold(&self, row: Row<'_>) -> bool {
        self.of(row.object()).is_some_and(|when| when.holds(row))
    }

    /// Each table with its own.
    pub fn iter(&self) -> impl Iterator<Item = (Object, &When)> {
        self.0.iter().map(|(object, when)| (*object, when))
    }

    /// The fields they read.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.values().flat_map(When::fields)
    }

    /// Tells the boundary that the fields of some tables are read.
    pub fn ask(&self, objects: &[Object], grant: &mut Grant<'_>) {
        for when in objects.iter().filter_map(|object| self.of(*object)) {
            when.ask(grant);
        }
    }
}

impl Condition {
    /// A condition whose values are as somebody wrote them.
    pub(crate) fn new(field: Field, test: Test) -> Self {
        Self { field, test: test.clone().folded(), written: test }
    }

    /// The test with its values as they were written.
    pub(crate) fn written(&self) -> &Test {
        &self.written
    }

    /// True when the record's value passes.
    pub fn holds(&self, row: Row<'_>) -> bool {
        let text =
            row.text(&self.field).map(fold).or_else(|| row.written(&self.field).map(|v| fold(&v)));
        self.test.passes(Folded {
            text: text.as_deref(),
            number: row.number(&self.field),
            blank: row.is_blank(&self.field),
        })
    }

    /// The condition in words: `country is Germany or Austria`.
    pub fn words(&self) -> String {
        format!("{} {}", self.field.name(), self.written.words())
    }

    /// The condition beside what the record says: `country is Germany: the record has France`.
    pub fn against(&self, row: Row<'_>) -> String {
        format!("{}: the record has {}", self.words(), row.cell(&self.field).shown())
    }
}

impl Test {
    fn words(&self) -> String {
        match self {
            Self::In(values) => format!("is {}", values.join(" or ")),
            Self::NotIn(values) => format!("is not {}", values.join(" or ")),
            Self::Between(low, high) if high.is_infinite() => format!("is at least {low}"),
            Self::Between(low, high) if low.is_infinite() => format!("is at most {high}"),
            Self::Between(low, high) => format!("is {low} to {high}"),
            Self::StartsWith(starts) => format!("starts with {}", starts.join(" or ")),
            Self::Blank(true) => "is blank".to_owned(),
            Self::Blank(false) => "is filled".to_owned(),
        }
    }

    /// The test with its values as records' values are compared with them.
    fn folded(self) -> Self {
        let fold_all = |values: Vec<String>| values.iter().map(|value| fold(value)).collect();
        match self {
            Self::In(values) => Self::In(fold_all(values)),
            Self::NotIn(values) => Self::NotIn(fold_all(values)),
            Self::StartsWith(starts) => Self::StartsWith(fold_all(starts)),
            Self::Between(..) | Self::Blank(_) => self,
        }
    }

    /// True when a value passes.
    pub(crate) fn passes(&self, value: Folded<'_>) -> bool {
        match self {
            Self::In(values) => {
                value.text.is_some_and(|text| values.iter().any(|known| known == text))
            }
            Self::NotIn(values) => {
                value.text.is_none_or(|text| values.iter().all(|known| known != text))
            }
            Self::Between(low, high) => {
                value.number.is_some_and(|number| *low <= number && number <= *high)
            }
            Self::StartsWith(starts) => {
                value.text.is_some_and(|text| starts.iter().any(|start| text.starts_with(start)))
            }
            Self::Blank(blank) => value.blank == *blank,
        }
    }

    fn parse(section: &Section<'_>, name: &str, node: &Node) -> Option<Self> {
        section.plain_or_table(name);
        if !matches!(node.value, Value::Table(_)) {
            return texts(section, name, node).map(Self::In);
        }
        let entry = section.as_section(name, node)?;
        let list = |key: &str| texts(&entry, name, entry.node(key)?);
        let (inside, outside, starts) = (list("in"), list("not"), list("starts_with"));
        let blank = entry.flag("blank");
        let (least, most) = (entry.number("at_least"), entry.number("at_most"));
        let between = entry.node("between");
        let band = match between.map(|node| (&node.value, node.line)) {
            Some((Value::List(ends), line)) => {
                let ends: Vec<Option<f64>> = ends.iter().map(Node::number).collect();
                if let [Some(low), Some(high)] = *ends.as_slice()
                    && low <= high
                {
                    Some((low, high))
                } else {
                    entry.problem(line, "`between` needs two numbers, the lower one first");
                    None
                }
            }
            Some((_, line)) => {
                entry.problem(line, "`between` needs a list of two numbers");
                None
            }
            None if least.is_some() || most.is_some() => {
                let low = least.as_ref().map_or(f64::NEG_INFINITY, |said| said.value);
                let high = most.as_ref().map_or(f64::INFINITY, |said| said.value);
                if low > high {
                    entry.problem(node.line, format!("`{name}` can be no number at all"));
                }
                Some((low, high))
            }
            None => None,
        };
        if between.is_some() && (least.is_some() || most.is_some()) {
            entry.problem(node.line, format!("`{name}` has more than one test"));
        }
        let mut tests = [
            inside.map(Self::In),
            outside.map(Self::NotIn),
            starts.map(Self::StartsWith),
            blank.map(|said| Self::Blank(said.value)),
            band.map(|(low, high)| Self::Between(low, high)),
        ]
        .into_iter()
        .flatten();
        let first = tests.next();
        if first.is_none() && between.is_none() {
            entry.problem_with_hint(
                node.line,
                format!("`{name}` has no test"),
                "one of in, not, between, at_least, at_most, starts_with, blank",
            );
        } else if tests.next().is_some() {
            entry.problem(node.line, format!("`{name}` has more than one test"));
        }
        first
    }
}

/// A single value as it was written.
fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.trim().to_owned()),
        Value::Whole(whole) => Some(whole.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::List(_) | Value::Table(_) => None,
    }
}

fn texts(section: &Section<'_>, name: &str, node: &Node) -> Option<Vec<String>> {
    let Value::List(items) = &node.value else { return scalar(node).map(|value| vec![value]) };
    if items.is_empty() {
        section.problem(node.line, format!("`{name}` lists no value"));
    }
    items
        .iter()
        .map(|item| {
            let value = scalar(item);
            if value.is_none() {
                section.problem(item.line, "a list of plain values is needed");
            }
            value
        })
        .collect()
}
