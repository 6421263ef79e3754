//! A page of a query, read strictly: every column that was asked for, and nothing else.
//!
//! What was not asked for is stepped over and never becomes text. A column that is missing or comes twice,
//! a record of another table or without an id, or a value of a shape that no field has spoils the page.
//! Does not: quote a value in an error.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::question::{Column, Table};
use crate::source::http::{Answer, Unreadable};
use crate::source::live::Rows;

/// Where the columns of a record stand.
#[derive(Debug)]
pub(super) struct Plan {
    table: Table,
    /// By the names on the way to it, the place of each column among the cells.
    columns: Vec<(Vec<String>, usize)>,
    /// Of a table of changes, the fields whose changes are let in, and the place of the field's name.
    fields: Option<(BTreeSet<Column>, Option<usize>)>,
}

impl Plan {
    pub(super) fn new(table: Table, columns: &[Column], fields: Option<BTreeSet<Column>>) -> Self {
        let field = columns.iter().position(|column| column.as_str() == "Field");
        let way = |(at, column): (usize, &Column)| {
            (column.as_str().split('.').map(str::to_owned).collect(), at)
        };
        Self {
            table,
            columns: columns.iter().enumerate().map(way).collect(),
            fields: fields.map(|fields| (fields, field)),
        }
    }
}

/// What a page says besides its records.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Where the next page is said to be.
    pub(super) next: Option<String>,
}

/// Reads a page; its records go to `rows`.
pub(super) fn read(answer: &Answer, plan: &Plan, rows: &mut Rows) -> Result<Page, Unreadable> {
    answer.seeded(Pages { plan, rows })
}

struct Pages<'p> {
    plan: &'p Plan,
    rows: &'p mut Rows,
}

impl<'de> DeserializeSeed<'de> for Pages<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Page, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pages<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        let mut has_records = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "records" if has_records => return Err(A::Error::duplicate_field("records")),
                "records" => {
                    has_records = true;
                    map.next_value_seed(Records { plan: self.plan, rows: &mut *self.rows })?;
                }
                "nextRecordsUrl" => page.next = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_records { Ok(page) } else { Err(A::Error::missing_field("records")) }
    }
}

struct Records<'p> {
    plan: &'p Plan,
    rows: &'p mut Rows,
}

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut record = Record {
            mark: String::new(),
            cells: vec![String::new(); self.plan.columns.len()],
            is_filled: vec![false; self.plan.columns.len()],
        };
        loop {
            record.mark.clear();
            record.is_filled.fill(false);
            let seed = Linked { plan: self.plan, record: &mut record, way: &[] };
            let Some(()) = seq.next_element_seed(seed)? else { return Ok(()) };
            if record.mark.is_empty() {
                return Err(A::Error::missing_field("Id"));
            }
            if record.is_filled.contains(&false) {
                return Err(A::Error::custom("a column is missing"));
            }
            if self.plan.lets_in(&record.cells) {
                self.rows.push(&record.mark, record.cells.iter().map(String::as_str));
            }
        }
    }
}

impl Plan {
    /// The columns in their order, as a query names them.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.columns.iter().map(|(names, _)| names.join("."))
    }

    /// A change of a field that the boundary does not list is left outside.
    pub(super) fn lets_in(&self, cells: &[String]) -> bool {
        let Some((fields, at)) = &self.fields else { return true };
        let name = at.and_then(|at| cells.get(at));
        name.is_some_and(|name| fields.iter().any(|field| field.as_str() == name))
    }
}

/// A record while it is read.
struct Record {
    mark: String,
    cells: Vec<String>,
    is_filled: Vec<bool>,
}

/// A record, or a record that is linked from it by a way of names.
struct Linked<'p> {
    plan: &'p Plan,
    record: &'p mut Record,
    way: &'p [String],
}

/// What a name within a record stands for.
enum Named {
    /// What Salesforce says of the record itself.
    Attributes,
    /// What tells the record from all others.
    Id,
    /// A column, by its place.
    Column(usize),
    /// A record that columns are linked from, by its name.
    Link(String),
    /// Nothing that was asked for.
    Other,
}

/// Reads a name without a copy of it: there are as many of them as there are cells.
struct Name<'p> {
    plan: &'p Plan,
    way: &'p [String],
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Named, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Named, E> {
        if key == "attributes" {
            return Ok(Named::Attributes);
        }
        if key == "Id" && self.way.is_empty() {
            return Ok(Named::Id);
        }
        for (names, at) in &self.plan.columns {
            if let Some([name, rest @ ..]) = names.strip_prefix(self.way)
                && name == key
            {
                let is_column = rest.is_empty();
                return Ok(if is_column {
                    Named::Column(*at)
                } else {
                    Named::Link(key.to_owned())
                });
            }
        }
        Ok(Named::Other)
    }
}

impl<'de> DeserializeSeed<'de> for Linked<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Linked<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    /// There is no linked record: all its columns are blank.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.way.is_empty() {
            return Err(E::custom("a record that is null"));
        }
        for (names, at) in &self.plan.columns {
            if names.starts_with(self.way) {
                fill(self.record, *at, "")?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let is_top = self.way.is_empty();
        while let Some(named) = map.next_key_seed(Name { plan: self.plan, way: self.way })? {
            match named {
                Named::Attributes => {
                    let kind: Attributes<'_> = map.next_value()?;
                    if is_top && kind.kind != self.plan.table.name() {
                        return Err(A::Error::custom("a record of another table"));
                    }
                }
                Named::Id => {
                    if !self.record.mark.is_empty() {
                        return Err(A::Error::duplicate_field("Id"));
                    }
                    map.next_value_seed(Cell(&mut self.record.mark))?;
                    for (names, at) in &self.plan.columns {
                        if let [name] = names.as_slice()
                            && name == "Id"
                        {
                            let id = self.record.mark.clone();
                            fill(self.record, *at, &id)?;
                        }
                    }
                }
                Named::Column(at) => {
                    let Record { cells, is_filled, .. } = &mut *self.record;
                    let (Some(cell), Some(is_filled)) = (cells.get_mut(at), is_filled.get_mut(at))
                    else {
                        return Err(A::Error::custom("a column without a place"));
                    };
                    if std::mem::replace(is_filled, true) {
                        return Err(A::Error::custom("a column that comes twice"));
                    }
                    map.next_value_seed(Cell(cell))?;
                }
                Named::Link(name) => {
                    let way = [self.way, &[name]].concat();
                    let linked = Linked { plan: self.plan, record: &mut *self.record, way: &way };
                    map.next_value_seed(linked)?;
                }
                Named::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn fill<E: Error>(record: &mut Record, at: usize, text: &str) -> Result<(), E> {
    if let (Some(cell), Some(is_filled)) = (record.cells.get_mut(at), record.is_filled.get_mut(at))
    {
        if std::mem::replace(is_filled, true) {
            return Err(E::custom("a column that comes twice"));
        }
        cell.clear();
        cell.push_str(text);
    }
    Ok(())
}

/// What Salesforce says of a record itself.
#[derive(serde::Deserialize)]
struct Attributes<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

/// A value, as an export would write it.
struct Cell<'c>(&'c mut String);

impl Cell<'_> {
    fn put(self, text: &str) {
        self.0.clear();
        match text.strip_suffix("+0000") {
            // 2021-12-02T18:23:39.000+0000, which exports end in a Z.
            Some(local) if local.len() == 23 && local.as_bytes().get(10) == Some(&b'T') => {
                self.0.push_str(local);
                self.0.push('Z');
            }
            Some(_) | None if text.contains('\0') => {
                self.0.extend(text.chars().filter(|c| *c != '\0'));
            }
            Some(_) | None => self.0.push_str(text),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put("");
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(&value.to_string());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(value);
        Ok(())
    }
}
