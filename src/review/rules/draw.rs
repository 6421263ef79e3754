//! Draws what is to be said of a rules file under the line it is about.
//!
//! Plain text: what is meant is told by words and carets, never by colour.
//! Does not: find anything.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::finding::Severity;

use super::Remark;

/// Columns of a drawing, so that it fits a mail and a narrow window.
const WIDTH: usize = 110;

/// The files of a review folder as they may be drawn, by their names.
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    /// The files without what may be secret.
    pub(super) fn of(files: BTreeMap<String, &str>) -> Self {
        Self(files.into_iter().map(|(file, text)| (file, without_secrets(text))).collect())
    }
}

/// One remark, with the lines it is about.
pub(super) fn draw(remark: &Remark, texts: &Texts) -> String {
    let level = match remark.about.severity() {
        None => Level::ERROR,
        Some(severity @ (Severity::High | Severity::Medium)) => {
            Level::WARNING.with_name(severity.word())
        }
        Some(Severity::Low) => Level::NOTE.with_name(Severity::Low.word()),
    };
    let mut title = level.primary_title(remark.message.as_str());
    if let Some(rule) = remark.about.code() {
        title = title.id(rule);
    }
    let mut group = Group::with_title(title);
    let mut unquoted = Vec::new();
    let places = std::iter::once((&remark.place, AnnotationKind::Primary))
        .chain(remark.also.iter().map(|place| (place, AnnotationKind::Context)));
    for (place, kind) in places {
        let block = texts.0.get(&place.file).and_then(|text| block_of(text, place.line));
        let Some(block) = block else {
            unquoted.push(if place.says.is_empty() {
                place.to_string()
            } else {
                format!("{place}: {}", place.says)
            });
            continue;
        };
        let (lines, span) = marked(block, &remark.message);
        let mut mark = kind.span(span);
        if !place.says.is_empty() {
            mark = mark.label(place.says.as_str());
        }
        group = group.element(
            Snippet::source(lines)
                .line_start(place.line)
                .path(place.file.as_str())
                .annotation(mark),
        );
    }
    for place in unquoted {
        group = group.element(Level::NOTE.with_name("in").message(place));
    }
    if let Some(witness) = &remark.witness {
        group = group.element(Level::NOTE.with_name("example").message(witness.words()));
    }
    for note in &remark.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(hint) = &remark.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    Renderer::plain().term_width(WIDTH).render(&[group])
}

/// A file of the config, line by line, without what may be secret: somebody may have pasted a token where
/// the name of its place belongs, or slipped at its key.
fn without_secrets(text: &str) -> String {
    let mut table = "";
    let mut is_hidden = false;
    let shown = text.split_inclusive('\n').map(|line| {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        if let Some(header) = header(line) {
            table = header;
            is_hidden = false;
            return line.to_owned();
        }
        let Some((key, value)) = line.split_once('=').filter(|(key, _)| is_key(key)) else {
            // A value that goes on, or a line that is no TOML.
            let shown = if is_hidden || is_of_a_login(table) { end } else { line };
            return shown.to_owned();
        };
        let inside = value.trim_start().starts_with('{') && is_of_a_login(value);
        is_hidden = inside || is_of_a_login(table) || is_of_a_login(key);
        if is_hidden { format!("{key}= …{end}") } else { line.to_owned() }
    });
    shown.collect()
}

/// The name of the table that begins on a line.
fn header(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let name = name.trim_start_matches('[');
    is_key(name).then_some(name)
}

fn is_key(text: &str) -> bool {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'' | ' ' | '\t');
    !text.trim().is_empty() && text.chars().all(plain)
}

/// Whether a name is of how a CRM is entered, or of a secret. Below `source` all is but the files.
fn is_of_a_login(name: &str) -> bool {
    const WORDS: [&str; 6] = ["token", "secret", "password", "api_key", "private_key", "mask"];
    let is_live = |part: &str| part == "live" || WORDS.iter().any(|word| part.contains(word));
    let mut parts = name.split(|c: char| !c.is_alphanumeric() && c != '_');
    parts.any(is_live) || name.trim().starts_with("source.") && name.trim() != "source.files"
}

/// The text from a line on, as far as it is one thing: a table's header with its keys, or else the line.
pub(in crate::review) fn block_of(text: &str, line: usize) -> Option<&str> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = text.get(start..)?;
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().filter(|line| !line.trim().is_empty())?;
    let ends = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('[');
    let more = lines.take_while(|line| first.starts_with('[') && !ends(line));
    rest.get(..first.len() + more.map(str::len).sum::<usize>()).map(str::trim_end)
}

/// Where a name stands by itself, or else within a longer word.
fn place_of(block: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let stands_alone = |at: &usize| {
        let (before, rest) = block.split_at(*at);
        let behind = rest.get(name.len()..).and_then(|rest| rest.chars().next());
        !before.chars().next_back().is_some_and(is_word) && !behind.is_some_and(is_word)
    };
    let mut places = block.match_indices(name).map(|(at, _)| at);
    places.find(stands_alone).or_else(|| block.find(name))
}

/// The lines of a block down to what is meant, and that: the first name that the message quotes and
/// the block holds, or all that is written on its first line.
fn marked<'t>(block: &'t str, message: &str) -> (&'t str, Range<usize>) {
    let quoted = message.split('`').skip(1).step_by(2);
    let names = quoted.flat_map(|name| [Some(name), name.rsplit('.').next()]).flatten();
    for name in names.filter(|name| !name.is_empty()) {
        if let Some(start) = place_of(block, name) {
            let end = start + name.len();
            let line = block.get(end..).and_then(|rest| rest.find('\n'));
            let lines = line.and_then(|line| block.get(..end + line)).unwrap_or(block);
            return (lines, start..end);
        }
    }
    // A header says little: a rule is known by its name.
    if let Some(name) = block.lines().find(|line| line.starts_with("name"))
        && let Some(start) = block.find(name)
    {
        let end = start + name.len();
        return (block.get(..end).unwrap_or(block), start..end);
    }
    let first = block.lines().next().unwrap_or_default();
    (first, first.len() - first.trim_start().len()..first.trim_end().len())
}
