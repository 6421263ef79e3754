//! What exports say beyond a review folder that is there already.
//!
//! A folder that somebody corrected is never written to: what a fresh draft has and the folder has not is
//! shown, line by line with its figure, for its owner to take over or leave.
//! Does not: write anything, or judge what stands there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::check::Family;
use crate::policy::quoted;
use crate::source;

use super::Batches;
use super::infer::name_of;

/// The lines of a draft that a folder has not, under the names of their files. Nothing that is shipped is
/// told: it is not from the exports.
pub(super) fn beyond(
    dir: &Path,
    review: &str,
    rules: &BTreeMap<String, String>,
    batches: &Batches,
) -> String {
    let mut words = String::new();
    let files = rules
        .iter()
        .filter(|(name, _)| *name != "approvals.toml")
        .map(|(name, text)| (format!("rules/{name}"), text.as_str()));
    for (name, drafted) in std::iter::once(("review.toml".to_owned(), review)).chain(files) {
        let shipped = Family::ALL.into_iter().find(|family| name.ends_with(family.file()));
        let known = Known {
            stands: parse(&fs::read_to_string(dir.join(&name)).unwrap_or_default()),
            shipped: parse(shipped.map_or("", Family::shipped)),
        };
        let mut more = More { drafted, batches, lines: String::new() };
        let mut drafted = parse(drafted);
        // Of the job only the files are from the exports; the rest, and where they lie, is the owner's.
        if name == "review.toml" {
            drafted.retain(|key, _| key == "source");
            if let Some(source) = drafted.get_mut("source").and_then(Value::as_table_mut) {
                leave_out_named(source, &known.below("source").stands);
            }
        }
        more.table(&drafted, &known, "");
        if !more.lines.is_empty() {
            words += &format!("\n# {name}\n{}", more.lines);
        }
    }
    words
}

/// Of the exports only those are news that no written name stands for.
fn leave_out_named(drafted: &mut Table, stands: &Table) {
    drafted.remove("folder");
    let Some(Value::Table(files)) = drafted.get_mut("files") else { return };
    let Some(Value::Table(written)) = stands.get("files") else { return };
    for (object, named) in files.iter_mut() {
        let Value::Array(named) = named else { continue };
        let Some(written) = written.get(object).map(several) else { continue };
        named.retain(|file| {
            let file = Path::new(file.as_str().unwrap_or_default());
            let mut patterns = written.iter().filter_map(Value::as_str).map(Path::new);
            !patterns.any(|pattern| source::fits(pattern, file))
        });
    }
}

/// What is written alone is a list of one.
fn several(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// A file that is no TOML has nothing that could be compared.
fn parse(text: &str) -> Table {
    text.parse().unwrap_or_default()
}

/// What is there: in the folder, or as the program is shipped.
struct Known {
    stands: Table,
    shipped: Table,
}

impl Known {
    fn get(&self, key: &str) -> [Option<&Value>; 2] {
        [self.stands.get(key), self.shipped.get(key)]
    }

    /// The tables of a name, empty where there are none.
    fn below(&self, key: &str) -> Self {
        let [stands, shipped] =
            self.get(key).map(|value| value.and_then(Value::as_table).cloned().unwrap_or_default());
        Self { stands, shipped }
    }
}

struct More<'d> {
    drafted: &'d str,
    batches: &'d Batches,
    lines: String,
}

impl More<'_> {
    fn table(&mut self, drafted: &Table, known: &Known, path: &str) {
        let mut values = String::new();
        let mut tables = Vec::new();
        for (key, value) in drafted {
            let here = known.get(key);
            match value {
                Value::Table(table) if !is_entry(table) => tables.push((key, table)),
                Value::Array(items) => values += &self.items(key, items, here, path),
                _ if here.iter().all(Option::is_none) => {
                    let figure = self.figure(path, &format!("{} = ", name(key)));
                    values += &format!("{} = {value}{figure}\n", name(key));
                }
                Value::String(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Table(_) => {}
            }
        }
        if !values.is_empty() {
            let header = if path.is_empty() { String::new() } else { format!("[{path}]\n") };
            self.lines += &(header + &values);
        }
        for (key, table) in tables {
            let path = if path.is_empty() { name(key) } else { format!("{path}.{}", name(key)) };
            self.table(table, &known.below(key), &path);
        }
    }

    /// The items of a list that no list of that name has.
    fn items(&self, key: &str, items: &[Value], known: [Option<&Value>; 2], path: &str) -> String {
        let has = |item: &Value| {
            let mut others = known.iter().flatten().flat_map(|value| several(value));
            let item = self.named(item);
            others.any(|other| is_same(&item, &self.named(other)))
        };
        if items.iter().all(Value::is_table) {
            // As it was drafted, with its figures.
            let blocks = self.blocks(key).zip(items).filter(|(_, item)| !has(item));
            // What no record lacks, the CRM itself asks for: somebody who has rules need not hear of it.
            let news =
                blocks.filter(|(block, _)| !block.starts_with("[[require]]  # filled in 100.0 %"));
            return news.map(|(block, _)| block).collect();
        }
        let new: Vec<&Value> = items.iter().filter(|item| !has(item)).collect();
        if new.is_empty() {
            return String::new();
        }
        let lines =
            new.iter().map(|item| format!("  {item},{}\n", self.figure(path, &item.to_string())));
        let part =
            if known.iter().any(Option::is_some) { "  # to what stands there, add" } else { "" };
        format!("{} = [{part}\n{}]\n", name(key), lines.collect::<String>())
    }

    /// A value with users by their names: a draft writes their ids, and a person may write either.
    fn named(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => name_of(self.batches, text).unwrap_or(text).into(),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.named(item)).collect())
            }
            Value::Table(table) => {
                let named = table.iter().map(|(key, value)| (key.clone(), self.named(value)));
                Value::Table(named.collect())
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
                value.clone()
            }
        }
    }

    /// The blocks `[[key]]` of the draft, each as it is written there.
    fn blocks(&self, key: &str) -> impl Iterator<Item = String> {
        let head = format!("[[{}]]", name(key));
        let lines: Vec<&str> = self.drafted.lines().collect();
        let begins: Vec<usize> = (0..lines.len())
            .filter(|at| lines.get(*at).is_some_and(|it| it.starts_with(&head)))
            .collect();
        begins.into_iter().map(move |at| {
            let block = lines.iter().skip(at).take_while(|line| !line.is_empty());
            block.flat_map(|line| [*line, "\n"]).collect()
        })
    }

    /// The comment behind the drafted line of a table that begins like this.
    fn figure(&self, path: &str, begins: &str) -> String {
        let header = format!("[{path}]");
        let below =
            self.drafted.lines().skip_while(|line| !path.is_empty() && !line.starts_with(&header));
        let mut own = below.enumerate().take_while(|(at, line)| *at == 0 || !line.starts_with('['));
        let line = own.find(|(_, line)| line.trim_start().starts_with(begins));
        line.and_then(|(_, line)| line.rsplit_once("  # "))
            .map_or_else(String::new, |(_, figure)| format!("  # {figure}"))
    }
}

/// An entry of an allowlist or a table written on one line is told as a whole.
fn is_entry(table: &Table) -> bool {
    table.contains_key("from") || table.contains_key("why")
}

/// Rules are the same where they say the same, whatever they are called.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Table(one), Value::Table(other)) => {
            let told = |table: &Table| -> Table {
                let named = ["name", "why", "since", "ask"];
                let kept = table.iter().filter(|(key, _)| !named.contains(&key.as_str()));
                kept.map(|(key, value)| (key.clone(), value.clone())).collect()
            };
            told(one) == told(other)
        }
        _ => one == other,
    }
}

/// A key as TOML writes it.
fn name(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { quoted(key) }
}
