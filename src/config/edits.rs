//! What one version of the rules says otherwise than another: setting by setting and rule by rule, in words.
//!
//! Does not: judge what the difference does, or notice comments.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::check::MODEL;
use crate::policy::{Document, Log, Node, Value, quoted};

/// The most characters of a value that is quoted.
const LONGEST: usize = 80;

/// What is different in each file: a sentence without a full stop for each rule, setting or kind of row.
/// Files that are the same are left out.
pub fn edits(
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<(String, Vec<String>)> {
    let files: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let differ = files.into_iter().filter(|file| before.get(*file) != now.get(*file));
    differ
        .map(|file| {
            let words = match (before.get(file), now.get(file)) {
                (None, _) => vec!["the file is new".to_owned()],
                (_, None) => vec!["the file is gone".to_owned()],
                (Some(before), Some(now)) => edited(file, before, now),
            };
            (file.clone(), words)
        })
        .collect()
}

/// What is different in two texts of the job, as it decides how records are judged. Of how a CRM is asked only
/// that it is: who logs in there is no matter of the packet.
pub fn job_edits(before: &str, now: &str) -> Vec<String> {
    let (mut before, mut now) = (Said::of(before), Said::of(now));
    let [asked, asks] = [&mut before, &mut now].map(|said| {
        let all = mem::take(&mut said.settings).into_iter();
        let (live, others) = all.partition(|(path, _)| path.starts_with("source.live."));
        said.settings = others;
        let live: BTreeMap<String, String> = live;
        live
    });
    let mut words = before.edited(&now);
    if asked != asks {
        words.push("how the CRM is asked (source.live) is another".to_owned());
    }
    words
}

fn edited(file: &str, before: &str, now: &str) -> Vec<String> {
    if file.ends_with(MODEL) {
        return vec!["likeness is weighed by other figures".to_owned()];
    }
    let words = if file.ends_with(".toml") {
        Said::of(before).edited(&Said::of(now))
    } else {
        rows_edited(before, now)
    };
    if words.is_empty() { vec!["comments or layout alone".to_owned()] } else { words }
}

/// What a file of settings says: each rule of a list with its keys, and every other setting by its path.
#[derive(Default)]
struct Said {
    settings: BTreeMap<String, String>,
    /// By their list and name.
    rules: BTreeMap<String, BTreeMap<String, String>>,
    /// The names in the order written.
    order: Vec<String>,
}

impl Said {
    fn of(text: &str) -> Self {
        let log = Log::default();
        let document = Document::parse("", text, &log);
        let mut said = Self::default();
        let root = document.root(&log);
        for (key, node) in root.entries() {
            said.take(&key.value, node);
        }
        said
    }

    fn take(&mut self, path: &str, node: &Node) {
        match &node.value {
            Value::Table(entries) => {
                for (key, node) in entries {
                    self.take(&format!("{path}.{}", key.value), node);
                }
            }
            Value::List(items) if !items.is_empty() && items.iter().all(is_table) => {
                for item in items {
                    let mut rule = Self::default();
                    if let Value::Table(entries) = &item.value {
                        for (key, node) in entries {
                            rule.take(&key.value, node);
                        }
                    }
                    let mut keys = rule.settings;
                    keys.extend(rule.rules.into_iter().map(|(name, keys)| (name, listed(&keys))));
                    let name = format!("{path} {}", name_of(&keys));
                    // A rule written twice is two rules.
                    let again = (2..).map(|n: u32| format!("{name}, {n}"));
                    let mut names = std::iter::once(name.clone()).chain(again);
                    let name = names.find(|name| !self.rules.contains_key(name)).unwrap_or(name);
                    self.order.push(name.clone());
                    self.rules.insert(name, keys);
                }
            }
            Value::Text(_)
            | Value::Whole(_)
            | Value::Number(_)
            | Value::Flag(_)
            | Value::Date(_)
            | Value::List(_) => {
                self.settings.insert(path.to_owned(), written(node));
            }
        }
    }

    /// What another version says otherwise.
    fn edited(&self, now: &Self) -> Vec<String> {
        let mut words = keys_edited(&self.settings, &now.settings);
        for (name, keys) in now.order.iter().filter_map(|name| now.rules.get_key_value(name)) {
            match self.rules.get(name) {
                None => words.push(format!("{name} is new")),
                Some(old) => {
                    let edited = keys_edited(old, keys);
                    if !edited.is_empty() {
                        words.push(format!("{name}: {}", edited.join("; ")));
                    }
                }
            }
        }
        let gone = self.order.iter().filter(|name| !now.rules.contains_key(*name));
        words.extend(gone.map(|name| format!("{name} is gone")));
        if !self.shared(now).eq(now.shared(self)) {
            words.push("rules stand in another order".to_owned());
        }
        words
    }

    /// The names that another version has as well, in the order written.
    fn shared<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = &'s String> {
        self.order.iter().filter(|name| other.rules.contains_key(*name))
    }
}

fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}

/// How a person calls a rule: by its name, or else by all that it says.
fn name_of(keys: &BTreeMap<String, String>) -> String {
    keys.get("name").map_or_else(|| listed(keys), |name| cut(name))
}

fn listed(keys: &BTreeMap<String, String>) -> String {
    let all: Vec<_> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    cut(&all.join(", "))
}

/// A value as it is written in TOML, on one line.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Whole(whole) => whole.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Date(date) => date.to_string(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Value::Table(entries) => {
            let each =
                entries.iter().map(|(key, node)| format!("{} = {}", key.value, written(node)));
            format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Two values that differ, cut so that the difference is seen: what is long begins shortly before it.
fn apart(now: &str, before: &str) -> (String, String) {
    const BEFORE: usize = LONGEST / 4;
    let same = now.chars().zip(before.chars()).take_while(|(one, other)| one == other).count();
    let from = |text: &str| match same {
        _ if same + BEFORE < LONGEST => cut(text),
        _ => cut(&['…'].into_iter().chain(text.chars().skip(same - BEFORE)).collect::<String>()),
    };
    (from(now), from(before))
}

fn keys_edited(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    keys.into_iter()
        .filter_map(|key| match (before.get(key), now.get(key)) {
            (Some(before), Some(now)) if before == now => None,
            (Some(before), Some(now)) => {
                let (now, before) = apart(now, before);
                Some(format!("{key} is {now}, was {before}"))
            }
            (None, Some(now)) => Some(format!("{key} is {}, was not said", cut(now))),
            (Some(before), None) => Some(format!("{key} is not said, was {}", cut(before))),
            (None, None) => None,
        })
        .collect()
}

/// What of a table's rows is new and gone, by their text.
fn rows_edited(before: &str, now: &str) -> Vec<String> {
    let rows = |text: &str| {
        let mut rows: BTreeMap<String, i64> = BTreeMap::new();
        for row in text.lines().map(str::trim).filter(|row| !row.is_empty()) {
            *rows.entry(row.to_owned()).or_default() += 1;
        }
        rows
    };
    let (before, now) = (rows(before), rows(now));
    let beyond = |here: &BTreeMap<String, i64>, there: &BTreeMap<String, i64>| -> i64 {
        here.iter().map(|(row, times)| (times - there.get(row).copied().unwrap_or(0)).max(0)).sum()
    };
    let (new, gone) = (beyond(&now, &before), beyond(&before, &now));
    let count = |rows: i64| format!("{rows} row{}", if rows == 1 { "" } else { "s" });
    match (new, gone) {
        (0, 0) => vec!["rows stand in another order".to_owned()],
        (new, 0) => vec![format!("{} more", count(new))],
        (0, gone) => vec![format!("{} fewer", count(gone))],
        (new, gone) => vec![format!("{} new, {gone} gone", count(new))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, before: &str, now: &str, expected: &[&str]) {
        let files = |text: &str| BTreeMap::from([(file.to_owned(), text.to_owned())]);
        let edits = edits(&files(before), &files(now));
        let words: Vec<_> = edits.iter().flat_map(|(_, words)| words).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn settings_and_rules_that_differ_are_named() {
        check("owners.toml", "a = 1\n", "a = 1\n", &[]);
        check("owners.toml", "a = 1\n", "# why\na = 1\n", &["comments or layout alone"]);
        check(
            "owners.toml",
            "[queue]\nhours = 24\nold = true\n",
            "[queue]\nhours = 48\nnew = [\"A\"]\n",
            &[
                "queue.hours is 48, was 24",
                "queue.new is [\"A\"], was not said",
                "queue.old is not said, was true",
            ],
        );
        let rule = |name: &str, to: &str| {
            format!("[[rule]]\nname = \"{name}\"\nwhen = {{ region = \"X\" }}\nto = \"{to}\"\n")
        };
        check(
            "routing.toml",
            &(rule("A", "Ann") + &rule("B", "Bo") + &rule("C", "Cy")),
            &(rule("C", "Cy") + &rule("A", "Bo") + &rule("D", "Di")),
            &[
                "rule \"A\": to is \"Bo\", was \"Ann\"",
                "rule \"D\" is new",
                "rule \"B\" is gone",
                "rules stand in another order",
            ],
        );
    }

    #[test]
    fn a_difference_behind_much_that_is_the_same_is_seen() {
        let list =
            |last: &str| format!("ids = [\"{}\", \"{last}\"]\n", ["00Q1"; 30].join("\", \""));
        let words = "ids is …\"00Q1\", \"00Q1\", \"00Q2\"], was …\"00Q1\", \"00Q1\", \"00Q3\"]";
        check("owners.toml", &list("00Q3"), &list("00Q2"), &[words]);
    }

    #[test]
    fn a_job_is_told_setting_by_setting_but_for_who_logs_in() {
        let job = |days: u32, user: &str| {
            format!(
                "[batch]\nchanged_within_days = {days}\n[metric.test_records]\nlead = {{ company = \"Test\" }}\n\
                 [source.live]\nuser = \"{user}\"\n"
            )
        };
        let days = "batch.changed_within_days is 14, was 7";
        let live = "how the CRM is asked (source.live) is another";
        assert_eq!(job_edits(&job(7, "a"), &job(14, "b")), [days, live]);
        assert_eq!(
            job_edits("", "[metric.test_records]\nlead = { company = \"Test\" }\n"),
            ["metric.test_records.lead.company is \"Test\", was not said"]
        );
    }

    #[test]
    fn rows_of_tables_are_counted() {
        check("t.csv", "a,b\n1,2\n", "a,b\n1,2\n3,4\n", &["1 row more"]);
        check("t.csv", "a,b\n1,2\n3,4\n", "a,b\n3,4\n1,2\n", &["rows stand in another order"]);
        check("t.csv", "a,b\n1,2\n1,2\n", "a,b\n1,2\n5,6\n", &["1 row new, 1 gone"]);
    }
}
