//! What the program writes for machines is what its schemas promise.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use crm_review::review::{Shape, schema};
use regex::Regex;
use serde_json::Value;

use crate::acme;
use crate::job::Job;

/// A schema to hold values against. It knows the words that our schemas use, and no others: a crate
/// that knows them all would have the numbers and patterns of the whole program compiled differently.
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn of(shape: Shape) -> Self {
        Self(serde_json::from_str(&schema(shape)).unwrap())
    }

    /// What of a value is not as the schema says.
    pub(crate) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.0, value, "", &mut faults);
        faults
    }

    /// Fails unless every line of findings is as the schema says.
    #[track_caller]
    pub(crate) fn check_lines(&self, lines: &str) {
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(self.faults(&line), Vec::<String>::new(), "{line:#}");
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (word, says) in schema.as_object().unwrap() {
            let holds = match word.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" => true,
                "$ref" => {
                    let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.check(&self.0["$defs"][name], value, at, faults);
                    true
                }
                "type" => match says.as_array() {
                    Some(names) => names.iter().any(|name| is(name, value)),
                    None => is(says, value),
                },
                "enum" => says.as_array().unwrap().contains(value),
                "const" => says == value,
                "pattern" => {
                    Regex::new(says.as_str().unwrap()).unwrap().is_match(value.as_str().unwrap())
                }
                "minimum" => value.as_f64() >= says.as_f64(),
                "format" if says == "date-time" => {
                    value.as_str().is_some_and(|it| it.parse::<DateTime<Utc>>().is_ok())
                }
                "format" => {
                    value.is_null()
                        || says != "date"
                        || value.as_str().unwrap().parse::<NaiveDate>().is_ok()
                }
                "minItems" => {
                    value.as_array().is_some_and(|it| it.len() as u64 >= says.as_u64().unwrap())
                }
                "maxItems" => {
                    value.as_array().is_some_and(|it| it.len() as u64 <= says.as_u64().unwrap())
                }
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(says, item, &format!("{at}/{n}"), faults);
                    }
                    true
                }
                "required" => says
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| value.get(key.as_str().unwrap()).is_some()),
                "properties" => {
                    for (key, says) in says.as_object().unwrap() {
                        if let Some(value) = value.get(key) {
                            self.check(says, value, &format!("{at}/{key}"), faults);
                        }
                    }
                    true
                }
                "additionalProperties" if *says == false => value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .all(|(key, _)| schema["properties"].get(key).is_some()),
                "additionalProperties" => {
                    let named = |key: &str| {
                        schema.get("properties").is_some_and(|named| named.get(key).is_some())
                    };
                    let others = value.as_object().into_iter().flatten();
                    for (key, value) in others.filter(|(key, _)| !named(key)) {
                        self.check(says, value, &format!("{at}/{key}"), faults);
                    }
                    true
                }
                "oneOf" | "anyOf" => {
                    let fits = |schema: &&Value| {
                        let mut faults = Vec::new();
                        self.check(schema, value, at, &mut faults);
                        faults.is_empty()
                    };
                    let count = says.as_array().unwrap().iter().filter(fits).count();
                    if word == "oneOf" { count == 1 } else { count > 0 }
                }
                "maximum" => value.as_f64() <= says.as_f64(),
                other => panic!("{at}: the word `{other}` is not known here"),
            };
            if !holds {
                faults.push(format!("{at}: {word} {says}: {value}"));
            }
        }
    }
}

/// True when a value is of the type a schema names.
fn is(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not known here"),
    }
}

#[test]
fn what_is_written_of_acme_is_as_the_schemas_say() {
    let findings = Schema::of(Shape::Findings);
    let manifest = Schema::of(Shape::Manifest);
    for flavour in ["salesforce", "hubspot"] {
        let (_folder, done) = acme::run(flavour);
        let text = |name: &str| fs::read_to_string(done.folder.join(name)).unwrap();
        findings.check_lines(&text("findings.jsonl"));
        let whole: Value = serde_json::from_str(&text("manifest.json")).unwrap();
        assert_eq!(manifest.faults(&whole), Vec::<String>::new());
    }
}

#[test]
fn the_schemas_refuse_what_is_never_written() {
    let (_folder, done) = acme::run("hubspot");
    let lines = fs::read_to_string(done.folder.join("findings.jsonl")).unwrap();
    let good: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let findings = Schema::of(Shape::Findings);
    assert!(findings.faults(&good).is_empty());
    for (key, value) in [
        ("severity", "grave".into()),
        ("object", "invoice".into()),
        ("evidence", serde_json::json!([])),
        ("why_wrong", serde_json::json!([7])),
        (
            "proposal",
            serde_json::json!({"kind": "delete", "words": "", "field": null, "before": null, "after": null}),
        ),
    ] {
        let mut wrong = good.clone();
        wrong[key] = value;
        assert!(!findings.faults(&wrong).is_empty(), "{key}");
    }
    for key in good.as_object().unwrap().keys() {
        let mut wrong = good.clone();
        wrong.as_object_mut().unwrap().remove(key);
        assert!(!findings.faults(&wrong).is_empty(), "{key}");
    }
}

#[test]
fn the_command_prints_the_schemas() {
    let job = Job::new(&[]);
    for (word, shape) in [
        ("findings", Shape::Findings),
        ("manifest", Shape::Manifest),
        ("decisions", Shape::Decisions),
    ] {
        assert_eq!(job.call(&["schema", word]).ends(0).out, schema(shape));
    }
    for (file, text) in crm_review::config::schemas() {
        let name = file.rsplit('/').next().unwrap().strip_suffix(".toml").unwrap();
        assert_eq!(job.call(&["schema", name]).ends(0).out, text, "{file}");
    }
    let said = job.call(&["schema", "packet"]).ends(2);
    assert!(said.err.contains("findings, manifest, decisions"), "{}", said.err);
}

/// A value of TOML as an editor hands it to a schema.
fn as_json(text: &str) -> Value {
    fn of(value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => text.as_str().into(),
            toml::Value::Integer(whole) => (*whole).into(),
            toml::Value::Float(number) => (*number).into(),
            toml::Value::Boolean(flag) => (*flag).into(),
            toml::Value::Datetime(when) => when.to_string().into(),
            toml::Value::Array(items) => items.iter().map(of).collect(),
            toml::Value::Table(table) => {
                table.iter().map(|(key, value)| (key.clone(), of(value))).collect()
            }
        }
    }
    of(&toml::Value::Table(text.parse().unwrap()))
}

/// Every file in TOML that a person could write, below a folder: the name it has in a review folder,
/// and its text.
fn written(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            written(&path, found);
        } else if name.ends_with(".toml") && !name.ends_with(".model.toml") {
            let name = if name == "review.toml" { name } else { format!("rules/{name}") };
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_rules_file_fits_the_schema_that_its_reader_makes() {
    let schemas: BTreeMap<String, Schema> = crm_review::config::schemas()
        .into_iter()
        .map(|(file, text)| (file, Schema(serde_json::from_str(&text).unwrap())))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["rules", "fixtures", "docs/reference"] {
        written(&root.join(folder), &mut files);
    }
    files.retain(|(name, _)| schemas.contains_key(name));
    assert!(files.len() > 100);
    let mut wrong = String::new();
    for (name, text) in &files {
        for fault in schemas[name].faults(&as_json(text)) {
            wrong += &format!("{name}: {fault}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The paths of the keys of a schema that do not say what they mean.
fn undescribed(schema: &Value, at: &str, found: &mut Vec<String>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        if value["description"].as_str().is_none_or(str::is_empty) {
            found.push(at.clone());
        }
        undescribed(value, &at, found);
    }
    for below in ["items", "additionalProperties"] {
        if schema[below].is_object() {
            undescribed(&schema[below], &format!("{at}.*"), found);
        }
    }
    for way in schema["anyOf"].as_array().into_iter().flatten() {
        undescribed(way, at, found);
    }
}

#[test]
fn every_key_says_what_it_means_in_the_words_of_the_file_as_shipped() {
    let mut found = Vec::new();
    let schemas: BTreeMap<String, Value> = crm_review::config::schemas()
        .into_iter()
        .map(|(file, text)| (file, serde_json::from_str(&text).unwrap()))
        .collect();
    for (file, schema) in &schemas {
        undescribed(schema, file, &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
    let says = |file: &str, path: &str| {
        schemas[file].pointer(path).unwrap()["description"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        says("rules/routing.toml", "/properties/grace_hours"),
        "younger records are not judged: the router may still be at work"
    );
    assert_eq!(
        says("rules/owners.toml", "/properties/no-owner"),
        "OWN-02 no owner. `unowned_ok` says which records nobody needs to own."
    );
    assert_eq!(
        says(
            "rules/boundary.toml",
            "/properties/deal/properties/fields/additionalProperties/properties/show"
        ),
        "how values may appear: \"shown\", \"masked\", or \"never\" (compared only)"
    );
}

#[test]
fn a_key_that_the_reader_refuses_is_refused_by_the_schema() {
    let schemas = crm_review::config::schemas();
    let schema = |file: &str| {
        let (_, text) = schemas.iter().find(|(name, _)| name == file).unwrap();
        Schema(serde_json::from_str(text).unwrap())
    };
    for (file, from, to) in [
        ("rules/routing.toml", "grace_hours", "grace_hourss"),
        ("rules/routing.toml", "matched_account_owner", "account_owner"),
        ("rules/routing.toml", "at_least = 1000", "atleast = 1000"),
        ("rules/owners.toml", "limit_hours = 72", "limit_hours = \"72\""),
        ("rules/boundary.toml", "show = \"never\"", "shown = \"never\""),
        ("rules/approvals.toml", "approver", "aprover"),
        ("review.toml", "crm = \"salesforce\"", "crm = \"salesfarce\""),
        ("review.toml", "time_zone", "timezone"),
    ] {
        let job = Job::acme("salesforce");
        let text = job.text(file);
        let fits = |text: &str| schema(file).faults(&as_json(text)).is_empty();
        assert!(fits(&text), "{file}");
        let at = text.find(from).unwrap_or_else(|| panic!("{file}: {from}"));
        let edited = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        assert!(!fits(&edited), "{file}: {to}");
        job.put(file, &edited);
        job.call(&["rules", "check"]).ends(2);
    }
}

#[test]
fn drafts_name_their_schema_and_have_it_beside_them() {
    let job = Job::acme("salesforce");
    job.call(&["init", "drafted", "--from", "exports"]).ends(0);
    let mut named = 0;
    for (file, schema) in crm_review::config::schemas() {
        let name = crm_review::config::schema_name(&file);
        assert_eq!(job.text(&format!("drafted/rules/schema/{name}")), schema);
        if !job.has(&format!("drafted/{file}")) {
            continue;
        }
        let text = job.text(&format!("drafted/{file}"));
        let folder = if file == "review.toml" { "rules/schema" } else { "schema" };
        assert!(text.starts_with(&format!("#:schema {folder}/{name}\n")), "{file}");
        assert_eq!(Schema(serde_json::from_str(&schema).unwrap()).faults(&as_json(&text)), [""; 0]);
        named += 1;
        let word = name.trim_end_matches(".json");
        assert_eq!(job.call(&["schema", word]).ends(0).out, schema);
    }
    assert!(named > 8);
}

#[test]
fn what_init_drafts_is_clean_to_the_lint() {
    for flavour in ["salesforce", "hubspot"] {
        let job = Job::acme(flavour);
        job.call(&["init", "drafted", "--from", "exports"]).ends(0);
        let call = ["rules", "check", "drafted", "--as-of", "2026-11-23", "--fail-on", "low"];
        job.call(&call).ends(0);
    }
}
