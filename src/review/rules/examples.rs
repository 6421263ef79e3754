//! `rules test`: the examples beside the rules, and which rules no example tries.
//!
//! Does not: judge a record but by the checks, or write anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::check::{ALL, EXAMPLES, Example, Place, Tried, routing_rules};
use crate::config::Config;

use super::super::{Folder, ReviewError};
use super::{About, Remark, counted, draw};

/// What `rules test` says.
#[derive(Debug)]
pub struct Tested {
    /// The verdict.
    pub words: String,
    /// How many examples do not hold.
    pub failed: usize,
}

/// Judges every example of a folder.
pub fn test(path: &Path, now: DateTime<Utc>) -> Result<Tested, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    if config.examples.all.is_empty() {
        let words = format!("there is no example: write one in rules/{EXAMPLES}\n{EMPTY}");
        return Ok(Tested { words, failed: 0 });
    }
    let today = now.with_timezone(&config.zone).date_naive();
    let judge = |example| {
        config.examples.judge(example, &config.policies, &config.off, (today, config.zone))
    };
    let tried: Vec<(&Example, Tried)> =
        config.examples.all.iter().map(|example| (example, judge(example))).collect();
    let texts = draw::Texts::of(folder.texts());
    let mut words = String::new();
    for (example, tried) in tried.iter().filter(|(_, tried)| !tried.wrong.is_empty()) {
        words += &draw::draw(&remark(example, tried), &texts);
        words += "\n\n";
    }
    let failed = tried.iter().filter(|(_, tried)| !tried.wrong.is_empty()).count();
    words += &format!(
        "{}: {} hold, {failed} do not\n",
        counted(tried.len(), "example"),
        tried.len() - failed
    );
    words += &coverage(&config, &tried);
    Ok(Tested { words, failed })
}

/// How an example looks, for who has none.
const EMPTY: &str = "
[[example]]
name = \"Leads from France belong to the Paris Desk\"
as_of = 2026-11-23
lead = { country = \"France\", owner = \"Ann Ng\" }
user = { id = \"005A\", name = \"Ann Ng\", active = true }
queue = { id = \"00G1\", name = \"Paris Desk\" }
fires = [\"RTE-01\"]
";

fn remark(example: &Example, tried: &Tried) -> Remark {
    let mut notes: Vec<String> = tried.wrong.iter().skip(1).cloned().collect();
    if tried.fired.is_empty() {
        notes.push("nothing fires".to_owned());
    }
    let told = |headline: &str| tried.wrong.iter().any(|wrong| wrong.ends_with(headline));
    for (check, headline) in tried.fired.iter().filter(|(_, headline)| !told(headline)) {
        notes.push(format!("`{}` {} fires, as it may: {headline}", check.code, check.name));
    }
    let first = tried.wrong.first().map_or("", String::as_str);
    Remark {
        about: About::Problem,
        place: Place::new(format!("rules/{EXAMPLES}"), example.line),
        message: format!("`{}` does not hold: {first}", example.name),
        also: Vec::new(),
        notes,
        witness: None,
        hint: None,
    }
}

/// Which checks and routing rules some example tries.
fn coverage(config: &Config, tried: &[(&Example, Tried)]) -> String {
    let checks: Vec<_> = ALL.iter().filter(|check| !config.off.contains(check.code)).collect();
    let about: Vec<&str> = checks
        .iter()
        .filter(|check| tried.iter().any(|(example, _)| example.is_about(check)))
        .map(|check| check.code)
        .collect();
    let mut words = format!("checks with an example: {} of {}", about.len(), checks.len());
    if !about.is_empty() {
        words += &format!(" ({})", about.join(", "));
    }
    words += "\n";
    let taken: BTreeSet<_> = tried.iter().flat_map(|(_, tried)| tried.rules.iter()).collect();
    let rules: BTreeMap<_, _> = routing_rules(&config.policies).into_iter().collect();
    if !rules.is_empty() {
        let untried: Vec<String> = rules
            .iter()
            .filter(|(rule, _)| !taken.contains(rule))
            .map(|(_, (name, place))| format!("  {place}: {name}\n"))
            .collect();
        words += &format!(
            "routing rules that took a record of an example: {} of {}{}\n{}",
            rules.len() - untried.len(),
            rules.len(),
            if untried.is_empty() { "" } else { "; not these:" },
            untried.concat()
        );
    }
    words
}
