//! What this project reads of a CRM, for comparison with what other clients read of it.

use std::collections::BTreeSet;
use std::fs;

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use crm_review::boundary::{Field, Object, Row};
use crm_review::config::{self, Config};
use crm_review::source::live::Surroundings;
use crm_review::source::secret::Environment;
use crm_review::source::{self, Pull};
use serde_json::Value;

use crate::job::Job;

/// Everything that the allowlist of a folder names, with this secret in the environment.
pub(crate) fn pulled(job: &Job, (name, secret): (&str, &str)) -> (Config, Pull) {
    let rules = fs::read_dir(job.path("rules")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let config = config::parse(&job.text("review.toml"), &rules.collect()).unwrap();
    let fields = Object::ALL.into_iter().flat_map(|object| config.boundary.fields(object));
    let reads: BTreeSet<Field> = fields.cloned().collect();
    let environment = Environment::new([(name.to_owned(), secret.to_owned())]);
    let surroundings = Surroundings {
        folder: &job.path(""),
        environment: &environment,
        now: "2026-11-23T06:00:00Z".parse().unwrap(),
        tell: |_| {},
    };
    let live = config.live.as_ref().unwrap();
    let files = &config.files;
    let pull =
        source::ask(live, surroundings, files, &config.boundary, &reads, config.zone).unwrap();
    (config, pull)
}

/// Whether a cell holds the value that the API gave.
#[track_caller]
pub(crate) fn assert_same(row: Row<'_>, field: &Field, value: &Value, zone: Tz, place: &str) {
    if row.is_withheld(field) {
        return;
    }
    let written = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let day = || {
        written
            .parse::<NaiveDate>()
            .ok()?
            .and_time(NaiveTime::MIN)
            .and_local_timezone(zone)
            .earliest()
    };
    let instant = || DateTime::parse_from_str(&written, "%Y-%m-%dT%H:%M:%S%.3f%#z").ok();
    if let Some(at) = row.time(field) {
        let expected = instant().map(|at| at.to_utc()).or_else(|| Some(day()?.to_utc()));
        assert_eq!(Some(at), expected, "{place}");
    } else if let Some(number) = row.number(field) {
        assert_eq!(Some(number), written.parse().ok(), "{place}");
    } else if let Some(flag) = row.flag(field) {
        assert_eq!(Some(flag), written.parse().ok(), "{place}");
    } else {
        assert_eq!(row.text(field).unwrap_or_default(), written, "{place}");
    }
}
