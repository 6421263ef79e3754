//! What made somebody run the review beside its weekly schedule: an import, new territories, a purchase.
//!
//! It is told in the packet as what started the run, stands in the manifest, and is recorded in the ledger.
//! Does not: change what is under review, or how it is judged.

use std::path::Path;

use crate::policy::{Document, Log, Problems};

use super::ReviewError;

/// A longer one is a story, and a packet has one line for it.
const LONGEST: usize = 200;

/// Reads an event's file and gives it in words, on one line.
pub(super) fn read(path: &Path) -> Result<String, ReviewError> {
    let text = super::text(
        path,
        "an event is a TOML file, such as `what = \"Import of 1,240 leads of the trade fair\"`, with `on` \
         and `by` if they are known",
    )?;
    Ok(parse(&path.display().to_string(), &text)?)
}

fn parse(file: &str, text: &str) -> Result<String, Problems> {
    let log = Log::default();
    let document = Document::parse(file, text, &log);
    let section = document.root(&log);
    let what = section.required_text("what");
    let on = section.date("on");
    let by = section.text("by");
    for said in what.iter().chain(&by) {
        if said.value.chars().count() > LONGEST || said.value.chars().any(char::is_control) {
            section.problem_with_hint(
                said.line,
                "it is longer than one line",
                format!("say it on one line of at most {LONGEST} characters"),
            );
        }
    }
    drop(section);
    let what = what.map_or_else(String::new, |said| said.value.trim().to_owned());
    let on = on.map(|said| said.value.format("%-d %B %Y").to_string());
    let by = by.map(|said| format!("told by {}", said.value.trim()));
    let words: Vec<String> = std::iter::once(what).chain(on).chain(by).collect();
    log.finish(words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let read = parse("event.toml", text).unwrap_or_else(|problems| problems.to_string());
        assert!(read.contains(expect), "{read}");
    }

    #[test]
    fn an_event_is_told_on_one_line_and_its_mistakes_with_theirs() {
        check("what = \"New territories\"", "New territories");
        check(
            "what = \" Import of 1,240 leads \"\non = 2026-11-20\nby = \"Dana Reyes\"",
            "Import of 1,240 leads, 20 November 2026, told by Dana Reyes",
        );
        check("on = 2026-11-20", "event.toml: `what` is missing");
        check("what = \"a\\nb\"", "event.toml:1: it is longer than one line");
        check(&format!("what = \"{}\"", "long ".repeat(50)), "event.toml:1: it is longer");
        check("what = \"x\"\non = \"Friday\"", "event.toml:2: `on`");
        check("what = \"x\"\nwho = \"Dana\"", "event.toml:2: unknown key `who`");
    }
}
