//! SARIF 2.1.0, as code hosts and editors read it.
//!
//! Does not: find anything, or know a lint but by its words.

use serde_json::{Value, json};

use crate::check::{LINTS, Place};
use crate::finding::Severity;

use super::Remark;

/// The id under which problems are told that keep rules from being used.
const INVALID: &str = "invalid-rules";

/// The remarks as a log of one run.
pub(super) fn log(remarks: &[Remark]) -> String {
    let mut rules = vec![json!({
        "id": INVALID,
        "shortDescription": { "text": "The rules cannot be used as they are." },
        "defaultConfiguration": { "level": "error" },
    })];
    rules.extend(LINTS.iter().map(|lint| {
        json!({
            "id": lint.code,
            "name": lint.name,
            "shortDescription": { "text": lint.summary },
            "defaultConfiguration": { "level": level(Some(lint.severity)) },
        })
    }));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "crm-review",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": remarks.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "error",
        Some(Severity::High | Severity::Medium) => "warning",
        Some(Severity::Low) => "note",
    }
}

fn result(remark: &Remark) -> Value {
    let mut text = remark.message.clone();
    for note in remark.witness.iter().map(|it| format!("for example {}", it.words())) {
        text += &format!("; {note}");
    }
    for more in remark.notes.iter().chain(&remark.hint) {
        text += &format!("; {more}");
    }
    json!({
        "ruleId": remark.about.code().unwrap_or(INVALID),
        "level": level(remark.about.severity()),
        "message": { "text": text },
        "locations": [location(&remark.place)],
        "relatedLocations": remark.also.iter().map(location).collect::<Vec<_>>(),
    })
}

fn location(place: &Place) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": place.file },
            "region": { "startLine": place.line.max(1) },
        },
    });
    if !place.says.is_empty()
        && let Some(fields) = location.as_object_mut()
    {
        fields.insert("message".to_owned(), json!({ "text": place.says }));
    }
    location
}
