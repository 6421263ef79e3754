//! How text from a CRM becomes text of the packet: escaped, visible, isolated and bounded.
//!
//! Does not: know where a text comes from. Every value of the packet passes through [`html`].

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use tera::{Kwargs, Value};

/// Longest value shown in full.
const VALUE: usize = 256;
/// Longest sentence shown in full; it may quote several values.
const SENTENCE: usize = 1_024;

/// Escapes for text and for double-quoted attributes. Characters that would not be seen become words.
pub(super) fn html(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (plain, tail) = rest.split_at(at);
        out.write_all(plain.as_bytes())?;
        let mut letters = tail.chars();
        match letters.next() {
            Some('&') => out.write_all(b"&amp;")?,
            Some('<') => out.write_all(b"&lt;")?,
            Some('>') => out.write_all(b"&gt;")?,
            Some('"') => out.write_all(b"&quot;")?,
            Some('\'') => out.write_all(b"&#39;")?,
            Some(joiner) if joins(text, text.len() - tail.len(), joiner) => {
                write!(out, "{joiner}")?;
            }
            Some(unseen) => write!(out, "⟦U+{:04X}⟧", u32::from(unseen))?,
            None => {}
        }
        rest = letters.as_str();
    }
    out.write_all(rest.as_bytes())
}

fn is_special(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '"' | '\'') || is_unseen(c)
}

/// Control, zero-width and direction characters, and fillers that look like nothing.
fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// True for a joiner or non-joiner between two letters of a script that is written with it, as in Persian and
/// Hindi names, and for a joiner between two pictures that are one emoji.
fn joins(text: &str, at: usize, c: char) -> bool {
    let is_joining = |c: char| {
        matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}' | '\u{1800}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}')
            && !is_unseen(c)
    };
    let is_picture =
        |c: char| matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    let (before, after) = text.split_at(at);
    let beside = (before.chars().next_back(), after.chars().nth(1));
    match (c, beside) {
        ('\u{200c}' | '\u{200d}', (Some(one), Some(other))) => {
            is_joining(one) && is_joining(other)
                || c == '\u{200d}' && is_picture(one) && is_picture(other)
        }
        _ => false,
    }
}

/// The text with unseen characters in words, for outputs that are not HTML.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if is_unseen(c) && !joins(text, at, c) {
            // Writing into a string cannot fail.
            let _ = write!(seen, "⟦U+{:04X}⟧", u32::from(c));
        } else {
            seen.push(c);
        }
    }
    Cow::Owned(seen)
}

/// The template filter for sentences that may quote a value: each run written from right to left is
/// isolated, so that it cannot turn the words around it, and names in backticks are set as code.
pub(super) fn sentence(text: &str, _: Kwargs, _: &tera::State<'_>) -> Result<Value, tera::Error> {
    let mut out = Vec::with_capacity(text.len() + 16);
    typeset(text, &mut out).map_err(|error| tera::Error::message(error.to_string()))?;
    Ok(Value::safe_string(&String::from_utf8_lossy(&out)))
}

/// The template filter for text without markup: right-to-left runs are isolated by characters instead.
pub(super) fn plain(text: &str, _: Kwargs, _: &tera::State<'_>) -> Result<Value, tera::Error> {
    let mut out = Vec::with_capacity(text.len() + 16);
    isolate(text, &mut out).map_err(|error| tera::Error::message(error.to_string()))?;
    Ok(Value::safe_string(&String::from_utf8_lossy(&out)))
}

fn isolate(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    for (run, direction) in runs(text) {
        match direction {
            Direction::RightToLeft => {
                out.write_all("\u{2068}".as_bytes())?;
                html(run, out)?;
                out.write_all("\u{2069}".as_bytes())?;
            }
            Direction::Page => html(run, out)?,
        }
    }
    Ok(())
}

fn typeset(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    for (run, direction) in runs(text) {
        match direction {
            Direction::RightToLeft => {
                out.write_all(b"<bdi>")?;
                html(run, out)?;
                out.write_all(b"</bdi>")?;
            }
            Direction::Page => {
                let mut rest = run;
                while let Some((before, name, after)) = quoted_name(rest) {
                    html(before, out)?;
                    out.write_all(b"<code>")?;
                    html(name, out)?;
                    out.write_all(b"</code>")?;
                    rest = after;
                }
                html(rest, out)?;
            }
        }
    }
    Ok(())
}

/// The first name in backticks with what stands before and after it.
fn quoted_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (name, after) = rest.split_once('`')?;
    (!name.is_empty()).then_some((before, name, after))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Page,
    RightToLeft,
}

/// Splits a sentence around its right-to-left runs. A run ends at its last right-to-left letter before
/// the next left-to-right one, or before a mark that sentences put between values: two names that stand
/// beside each other are two runs. Spaces, other marks and brackets inside a name stay inside.
fn runs(text: &str) -> Vec<(&str, Direction)> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_right_to_left) {
        let (before, tail) = rest.split_at(start);
        let inside = tail.split_at(stop(tail)).0;
        let end = inside
            .char_indices()
            .rfind(|(_, c)| is_right_to_left(*c))
            .map_or(inside.len(), |(at, c)| at + c.len_utf8());
        let (run, after) = tail.split_at(end);
        if !before.is_empty() {
            runs.push((before, Direction::Page));
        }
        runs.push((run, Direction::RightToLeft));
        rest = after;
    }
    if !rest.is_empty() {
        runs.push((rest, Direction::Page));
    }
    runs
}

/// Where the run that a text begins with has to end.
fn stop(text: &str) -> usize {
    let mut bracketed = 0;
    for (at, c) in text.char_indices() {
        if c.is_alphabetic() && !is_right_to_left(c) {
            return at;
        }
        if at >= bracketed && is_between(c) {
            match bracketed_inside(text.split_at(at).1) {
                Some(length) => bracketed = at + length,
                None => return at,
            }
        }
    }
    text.len()
}

/// How long the brackets are that a text begins with, where a name goes on behind them.
fn bracketed_inside(text: &str) -> Option<usize> {
    text.strip_prefix(['(', '['])?;
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let (brackets, after) = text.split_at(at + c.len_utf8());
            let goes_on = after.trim_start().starts_with(is_right_to_left);
            return goes_on.then_some(brackets.len());
        }
    }
    None
}

/// The marks that sentences put between values and around them.
fn is_between(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | ',' | ';' | ':' | '/' | '|' | '`' | '·' | '→')
}

/// Letters of Hebrew, Arabic and their relatives.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// A value, bounded.
pub(super) fn value(text: &str) -> String {
    bounded(text, VALUE)
}

/// A sentence, bounded.
pub(super) fn words(text: &str) -> String {
    bounded(text, SENTENCE)
}

fn bounded(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => {
            let (head, tail) = text.split_at(at);
            format!("{head}… (+{} more characters)", grouped(tail.chars().count()))
        }
        None => text.to_owned(),
    }
}

/// `1,482`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 proposal`, `42 proposals`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut out = Vec::new();
        html(text, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn markup_is_escaped_and_the_unseen_is_shown() {
        check("Ann & Bob", "Ann &amp; Bob");
        check("\"><script>'", "&quot;&gt;&lt;script&gt;&#39;");
        check("a\u{202e}b\u{0}c\nd\u{e0041}", "a⟦U+202E⟧b⟦U+0000⟧c⟦U+000A⟧d⟦U+E0041⟧");
        check("Zoë 株式会社 شركة", "Zoë 株式会社 شركة");
        assert_eq!(visible("\u{1b}[2J"), "⟦U+001B⟧[2J");
    }

    #[test]
    fn joiners_stand_where_a_script_is_written_with_them() {
        for whole in ["علی\u{200c}رضا", "क्\u{200d}ष", "\u{1f469}\u{200d}\u{1f4bb} Ada"]
        {
            check(whole, whole);
            assert_eq!(visible(whole), whole);
        }
        check("pay\u{200c}pal", "pay⟦U+200C⟧pal");
        check("رضا\u{200d}", "رضا⟦U+200D⟧");
        check("ر\u{200c}\u{200c}ر", "ر⟦U+200C⟧⟦U+200C⟧ر");
        assert_eq!(visible("a\u{200d}\u{1f4bb}"), "a⟦U+200D⟧\u{1f4bb}");
    }

    #[test]
    fn right_to_left_runs_are_isolated_and_nothing_is_lost() {
        let text = "شركة النور, Inc. and نور (2) look alike";
        let runs = runs(text);
        assert_eq!(runs.iter().map(|run| run.0).collect::<String>(), text);
        let turned: Vec<_> =
            runs.iter().filter(|run| run.1 == Direction::RightToLeft).map(|run| run.0).collect();
        assert_eq!(turned, ["شركة النور", "نور"]);
    }

    #[test]
    fn right_to_left_names_beside_each_other_are_isolated_one_by_one() {
        let turned = |text| -> Vec<String> {
            let turned = runs(text).into_iter().filter(|run| run.1 == Direction::RightToLeft);
            turned.map(|run| run.0.to_owned()).collect()
        };
        for (text, expect) in [
            ("Lead ليلى حداد (شركة النور) is open", vec!["ليلى حداد", "شركة النور"]),
            ("ליאת כהן, דנה לוי; נועה (3)", vec!["ליאת כהן", "דנה לוי", "נועה"]),
            ("ליאת כהן: 42 days", vec!["ליאת כהן"]),
            ("نور · علي → سامي", vec!["نور", "علي", "سامي"]),
            ("Omar Saleh (شركة (النور) الدولية): 3", vec!["شركة (النور) الدولية"]),
            ("ليلى (شركة (النور, مصر) الدولية) is open", vec!["ليلى", "شركة (النور, مصر) الدولية"]),
            ("שרון (Israel) בע\"מ (", vec!["שרון", "בע\"מ"]),
            ("שרון בע\"מ & בניו, Ltd", vec!["שרון בע\"מ & בניו"]),
        ] {
            assert_eq!(turned(text), expect, "{text}");
        }
    }

    #[test]
    fn names_in_backticks_are_set_as_code_and_escaped() {
        let typeset = |text| {
            let mut out = Vec::new();
            typeset(text, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(typeset("`a` or `<b>`."), "<code>a</code> or <code>&lt;b&gt;</code>.");
        assert_eq!(typeset("a ` b"), "a ` b");
        assert_eq!(typeset("`` ` `"), "`` ` `");
        assert_eq!(typeset("`a` נור"), "<code>a</code> <bdi>נור</bdi>");
    }

    #[test]
    fn long_values_are_cut_and_say_by_how_much() {
        assert_eq!(value(&"é".repeat(256)), "é".repeat(256));
        assert!(value(&"é".repeat(5_000)).ends_with("é… (+4,744 more characters)"));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(grouped), ["0", "999", "1,000", "12,345,678"]);
    }
}
