//! A draft that its own reader refuses: what is wrong with it becomes comments, so that the rest runs.
//!
//! Exports hold what nobody foresaw. A line that cannot stand is left in the file, under what is wrong with
//! it, for the owner to put right.
//! Does not: mend a line, or touch a file that is no rules file.

use std::collections::{BTreeMap, BTreeSet};

use super::text::in_comment;
use crate::config::{self, Config};
use crate::policy::{Problem, Problems};

/// Reads a draft. What its rules files may not say is made a comment until the rest holds together; each such
/// place, in words, goes to `aside`.
pub(super) fn parse(
    review: &str,
    rules: &mut BTreeMap<String, String>,
    aside: &mut Vec<String>,
) -> Result<Config, Problems> {
    loop {
        let problems = match config::parse(review, rules) {
            Ok(config) => return Ok(config),
            Err(problems) => problems,
        };
        let mut by_file: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for problem in problems.sorted() {
            by_file.entry(&problem.file).or_default().push(problem);
        }
        let mut is_mended = false;
        for (file, problems) in by_file {
            let Some(text) = file.strip_prefix("rules/").and_then(|name| rules.get_mut(name))
            else {
                continue;
            };
            if let Some(without) = without(text, &problems) {
                *text = without;
                is_mended = true;
                let words = problems.iter().map(|problem| problem.message.as_str());
                let words: BTreeSet<&str> = words.collect();
                aside.extend(words.into_iter().map(|words| {
                    format!("{file}: a drafted line is a comment: {}", in_comment(words))
                }));
            }
        }
        if !is_mended {
            return Err(problems);
        }
    }
}

/// A text in which what the problems name is a comment; nothing where they name no line that says something.
fn without(text: &str, problems: &[&Problem]) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut words: BTreeMap<usize, &str> = BTreeMap::new();
    let mut out = BTreeSet::new();
    for problem in problems {
        let Some(at) = problem.line.checked_sub(1) else { continue };
        let says_something = |at: &usize| lines.get(*at).is_some_and(|line| !is_silent(line));
        let statement: Vec<usize> = statement(&lines, at).filter(says_something).collect();
        if let Some(first) = statement.first() {
            words.entry(*first).or_insert(&problem.message);
        }
        out.extend(statement);
    }
    if out.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (at, line) in lines.into_iter().enumerate() {
        if let Some(words) = words.get(&at) {
            text += &format!("# Left out: {}.\n", in_comment(words));
        }
        let mark = if out.contains(&at) { "# " } else { "" };
        text += &format!("{mark}{line}\n");
    }
    Some(text)
}

/// A line that a reader of settings passes over.
fn is_silent(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The lines that stand and fall with one of them, as drafts are laid out: a heading with all that is under
/// it, a list from its name to its end, or the line alone.
fn statement(lines: &[&str], at: usize) -> std::ops::Range<usize> {
    let until = |ends: &str| {
        let behind = lines.iter().skip(at + 1).position(|line| line.starts_with(ends));
        behind.map_or(lines.len(), |behind| at + 1 + behind)
    };
    let line = lines.get(at).copied().unwrap_or_default();
    if line.starts_with('[') {
        at..until("[")
    } else if line.split_once("= [").is_some_and(|(_, items)| is_silent(items)) {
        at..until("]") + 1
    } else {
        at..at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVIEW: &str = "organisation = \"Acme\"\ntime_zone = \"UTC\"\n[source]\n[source.files]\nlead = \"Lead.csv\"\n";

    #[track_caller]
    fn check(lifecycle: &str, expected: &str, told: &[&str]) {
        let boundary = "[lead.fields]\n\
            id = { from = \"Id\", why = \"It names the record.\" }\n\
            status = { from = \"Status\", why = \"It says where the lead is.\" }\n";
        let mut rules: BTreeMap<String, String> =
            [("boundary.toml", boundary), ("lifecycle.toml", lifecycle)]
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into();
        rules.insert("approvals.toml".to_owned(), crate::gate::SHIPPED.to_owned());
        let mut aside = Vec::new();
        let read = parse(REVIEW, &mut rules, &mut aside);
        assert!(read.is_ok(), "{}\n{}", read.unwrap_err(), rules["lifecycle.toml"]);
        assert_eq!(rules["lifecycle.toml"], expected);
        assert_eq!(aside, told);
    }

    #[test]
    fn a_line_that_cannot_stand_is_a_comment_under_what_is_wrong_with_it() {
        check(
            "[lead]\nfield = \"status\"\norder = [\n  \"New\",\n  \"new\",  # 5 leads\n]\n",
            "[lead]\nfield = \"status\"\norder = [\n  \"New\",\n\
             # Left out: `new` stands twice in `order`.\n#   \"new\",  # 5 leads\n]\n",
            &["rules/lifecycle.toml: a drafted line is a comment: `new` stands twice in `order`"],
        );
    }

    #[test]
    fn a_list_goes_whole_and_what_then_lacks_it_goes_too() {
        check(
            "[lead]\nfield = \"status\"\norderly = [  # by chance\n  \"New\",\n]\n\n[stuck]\n",
            "# Left out: `order` is missing in [lead].\n# [lead]\n# field = \"status\"\n\
             # Left out: unknown key `lead.orderly`.\n# orderly = [  # by chance\n#   \"New\",\n# ]\n\n[stuck]\n",
            &[
                "rules/lifecycle.toml: a drafted line is a comment: `order` is missing in [lead]",
                "rules/lifecycle.toml: a drafted line is a comment: unknown key `lead.orderly`",
            ],
        );
    }

    #[test]
    fn what_no_comment_mends_stays_wrong() {
        let mut aside = Vec::new();
        let read = parse(REVIEW, &mut BTreeMap::new(), &mut aside);
        assert!(read.unwrap_err().to_string().contains("boundary.toml: it is missing"));
        assert_eq!(aside, [""; 0]);
    }
}
