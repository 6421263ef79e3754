//! JSON Schemas of `review.toml` and of every rules file, so that editors complete and check while a
//! person types.
//!
//! They are made of what the readers ask for when nothing is written: there is no second list of keys.
//! What a key means is said by the comments of the files as shipped.
//! Does not: say more than the readers do; what a value means is judged by `rules check`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::check::{EXAMPLES, Family};
use crate::policy::{Asked, Form, Log, OWN};

use super::glossary::Glossary;

/// A file of a review folder that a person writes in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written(&'static str);

impl Written {
    const REVIEW: Self = Self("review.toml");

    /// Every one there is: the job, and the rules files.
    pub fn all() -> impl Iterator<Item = Self> {
        let families = Family::ALL.map(Family::file).into_iter();
        let rules = ["boundary.toml", "approvals.toml"].into_iter().chain(families);
        std::iter::once(Self::REVIEW).chain(rules.chain([EXAMPLES]).map(Self))
    }

    /// What it is called for short, such as `lead-source`.
    pub fn word(self) -> &'static str {
        self.0.trim_end_matches(".toml")
    }

    /// Its name below `rules/`, where it is a rules file.
    pub(super) fn rules(self) -> Option<&'static str> {
        (self != Self::REVIEW).then_some(self.0)
    }

    /// Its name in the review folder.
    pub fn name(self) -> String {
        self.rules().map_or_else(|| self.0.to_owned(), |name| format!("rules/{name}"))
    }

    /// Its schema as text.
    pub fn schema(self) -> String {
        text(&self.name(), &asked())
    }
}

/// The name of a file's schema, below `rules/schema/`.
pub fn schema_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    format!("{}.json", name.trim_end_matches(".toml"))
}

/// Each file with its schema as text.
pub fn schemas() -> Vec<(String, String)> {
    let asked = asked();
    let named = |file: Written| (file.name(), text(&file.name(), &asked));
    Written::all().map(named).collect()
}

fn text(file: &str, asked: &Asked) -> String {
    serde_json::to_string_pretty(&schema(file, asked)).unwrap_or_default() + "\n"
}

/// Jobs of which each has its reader ask for other keys.
const JOBS: [&str; 5] = [
    "",
    "[source]\ncrm = \"salesforce\"\nlive = {}",
    "[source]\ncrm = \"salesforce\"\nlive = { login = \"jwt\" }",
    "[source]\ncrm = \"hubspot\"\nlive = {}",
    "[source]\ncrm = \"odoo\"\nlive = {}",
];

/// What the readers ask of every file, in one job or another.
fn asked() -> Asked {
    let rules = Written::all().filter_map(Written::rules);
    let rules: BTreeMap<String, String> =
        rules.map(|name| (name.to_owned(), String::new())).collect();
    let jobs = JOBS.map(|job| Log::probe(|log| drop(super::read(job, &rules, log))));
    let mut asked = Asked::new();
    for (key, forms) in jobs.iter().flatten() {
        asked.entry(key.clone()).or_default().extend(forms.iter().cloned());
    }
    let is_open = |forms: &BTreeSet<Form>| {
        forms.contains(&Form::Text) && !forms.iter().any(|form| matches!(form, Form::Choice(_)))
    };
    // Required is what every job needs, and closed what none leaves open.
    for (key, forms) in &mut asked {
        let needed = |job: &Asked| job.get(key).is_some_and(|it| it.contains(&Form::Required));
        let needed = jobs.iter().all(needed);
        let open = jobs.iter().filter_map(|job| job.get(key)).any(is_open);
        if !needed {
            forms.remove(&Form::Required);
        }
        if open {
            forms.retain(|form| !matches!(form, Form::Choice(_)));
        }
    }
    asked
}

/// A key as it may be written, with the keys below it.
#[derive(Default)]
struct Key<'a> {
    forms: BTreeSet<&'a Form>,
    below: BTreeMap<&'a str, Self>,
}

fn schema(file: &str, asked: &Asked) -> Value {
    let mut root = Key::default();
    for ((_, path), forms) in asked.iter().filter(|((of, _), _)| of == file) {
        let mut key = &mut root;
        for part in path.split('.') {
            key = key.below.entry(part).or_default();
        }
        key.forms.extend(forms);
    }
    let mut schema = root.table("", &Glossary::of(file));
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        schema.insert("title".to_owned(), json!(format!("{file} of crm-review")));
    }
    schema
}

impl Key<'_> {
    fn table(&self, path: &str, glossary: &Glossary) -> Value {
        let of =
            |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let named = self.below.iter().filter(|(name, _)| **name != OWN);
        let described = |(name, key): (&&str, &Self)| {
            let path = of(name);
            let mut value = key.value(&path, glossary);
            if let (Some(value), Some(says)) = (value.as_object_mut(), glossary.says(&path)) {
                value.insert("description".to_owned(), json!(says));
            }
            ((*name).to_owned(), value)
        };
        let properties: Map<String, Value> = named.clone().map(described).collect();
        let required: Vec<&str> = named
            .filter(|(_, key)| key.forms.contains(&Form::Required))
            .map(|(name, _)| *name)
            .collect();
        let more = self.below.get(OWN).map_or(json!(false), |key| key.value(&of(OWN), glossary));
        let mut table = json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": more,
        });
        if let Some(table) = table.as_object_mut().filter(|_| !required.is_empty()) {
            table.insert("required".to_owned(), json!(required));
        }
        table
    }

    /// What the key may hold: any of the forms that readers ask for.
    fn value(&self, path: &str, glossary: &Glossary) -> Value {
        let plain = json!({ "type": ["string", "number", "boolean"] });
        let mut ways: Vec<Value> = Vec::new();
        let closed = self.forms.iter().any(|form| matches!(form, Form::Choice(_)));
        for form in &self.forms {
            match form {
                Form::Anything | Form::Required => {}
                Form::Text if closed || self.forms.contains(&Form::Texts) => {}
                Form::Text => ways.push(json!({ "type": "string" })),
                Form::Texts => {
                    ways.push(json!({ "type": "string" }));
                    ways.push(json!({ "type": "array", "items": { "type": "string" } }));
                }
                Form::Number => ways.push(json!({ "type": "number" })),
                Form::Count => {
                    ways.push(json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 }));
                }
                Form::Flag => ways.push(json!({ "type": "boolean" })),
                // Editors hand a TOML date over as a text, of which not all know the format.
                Form::Date => ways.push(json!({})),
                Form::Choice(words) => ways.push(json!({ "enum": words })),
                Form::Plain => {
                    ways.push(plain.clone());
                    ways.push(json!({ "type": "array", "items": plain }));
                }
                Form::Table => ways.push(self.table(path, glossary)),
                Form::Tables => {
                    ways.push(json!({ "type": "array", "items": self.table(path, glossary) }));
                }
            }
        }
        // A required text is asked for as a text too.
        match ways.as_slice() {
            [] => json!({}),
            [one] => one.clone(),
            several => json!({ "anyOf": several }),
        }
    }
}
