//! What the keys of `review.toml` and of the rules files mean, for editors to show.
//!
//! The comments of the files as shipped and as `docs/reference` shows them are the one place where a key
//! is explained: at its end of the line, or above it.
//! Does not: explain what a person calls their own, such as stages.

use std::collections::BTreeMap;

use crate::boundary::Object;
use crate::check::Family;
use crate::gate;
use crate::policy::OWN;

/// Keys that mean the same in every file.
const EVERYWHERE: &[(&str, &str)] = &[
    ("off", "true switches this check off"),
    ("objects", "the tables this is about"),
    ("object", "the table this is about"),
    ("when", "conditions on the record's fields: all of them have to hold"),
    ("lead", "for leads"),
    ("contact", "for contacts"),
    ("account", "for accounts"),
    ("deal", "for deals"),
    ("user", "for users, the owners of records"),
    ("queue", "for queues"),
    ("campaign_member", "for campaign members"),
    ("field_history", "for the history of fields"),
    ("system_record", "for the records of a system of record"),
    ("at_least", "the number is this or more"),
    ("at_most", "the number is this or less"),
    ("between", "the number lies between these two, both included"),
    ("starts_with", "the value begins with this, or with one of these"),
    ("blank", "true: the field is blank; false: it is not"),
    ("not", "the value is none of these"),
    ("in", "the value is one of these"),
    ("fields", "each field that may be read, under the name by which rules speak of it"),
    ("pool", "round robin: any of them is right"),
    ("table", "a CSV file below rules/"),
    ("matched_account_owner", "true: the active owner of the record's account"),
    ("env", "the variable of the environment that holds the secret"),
    ("file", "the file that holds the secret, which nobody else can read"),
    ("credential", "the credential of the systemd service, given by LoadCredential"),
];

/// What the keys of one file mean.
pub(super) struct Glossary(BTreeMap<String, String>);

impl Glossary {
    /// Of `review.toml` or of `rules/NAME.toml`.
    pub(super) fn of(file: &str) -> Self {
        let name = file.rsplit('/').next().unwrap_or(file);
        Self::read(match name {
            "review.toml" => include_str!("../../docs/reference/review.toml"),
            "boundary.toml" => include_str!("../../docs/reference/boundary.toml"),
            "examples.toml" => include_str!("../../docs/reference/examples.toml"),
            "approvals.toml" => gate::SHIPPED,
            _ => Family::ALL.iter().find(|it| it.file() == name).map_or("", |it| it.shipped()),
        })
    }

    /// What a key means, by its path.
    pub(super) fn says(&self, path: &str) -> Option<&str> {
        let key = path.rsplit('.').next().unwrap_or(path);
        let everywhere = || EVERYWHERE.iter().find(|(name, _)| *name == key).map(|(_, says)| *says);
        let alike = || self.0.iter().find(|(other, _)| is_alike(path, other));
        let exact = self.0.get(path).map(String::as_str);
        exact.or_else(everywhere).or_else(|| alike().map(|(_, says)| says.as_str()))
    }

    fn read(text: &str) -> Self {
        let (mut says, mut table, mut above) = (BTreeMap::new(), "", Vec::new());
        for line in text.lines() {
            // What is shipped as an example is switched off by a `# ` before it.
            let shown = line.strip_prefix("# ").unwrap_or(line);
            let path = if let Some(name) = heading(shown) {
                table = name;
                name.to_owned()
            } else if let Some(key) = key(shown) {
                if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
            } else {
                match line.strip_prefix('#') {
                    Some(comment) if !comment.starts_with(':') => above.push(comment.trim()),
                    _ => above.clear(),
                }
                continue;
            };
            let beside = comment(shown).map(str::to_owned);
            let meaning = beside.unwrap_or_else(|| above.join(" "));
            above.clear();
            if !meaning.is_empty() {
                says.entry(path).or_insert(meaning);
            }
        }
        Self(says)
    }
}

/// True when a path is that of another which was explained, but for the object, or for what a person calls
/// their own: what is said of one object holds for the others.
fn is_alike(path: &str, explained: &str) -> bool {
    let fits = |(here, there): (&str, &str)| {
        let objects = Object::parse(here).is_some() && Object::parse(there).is_some();
        here == there || here == OWN || objects
    };
    path.split('.').count() == explained.split('.').count()
        && path.split('.').zip(explained.split('.')).all(fits)
}

/// The name of a table, or of a list of them, at the beginning of a line.
fn heading(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.split_once(']')?;
    Some(name.trim_start_matches('['))
}

/// The key that a line gives a value.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    key.chars().all(plain).then_some(key)
}

/// What stands behind the value of a line.
fn comment(line: &str) -> Option<&str> {
    let mut quote = None;
    let start = line.char_indices().find(|(_, c)| {
        match quote {
            Some(open) if open == *c => quote = None,
            None if *c == '"' || *c == '\'' => quote = Some(*c),
            _ => {}
        }
        *c == '#' && quote.is_none()
    });
    start.and_then(|(at, _)| line.get(at + 1..)).map(str::trim)
}
