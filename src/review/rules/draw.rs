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

/// One remark, with the lines it is about. `texts` holds the files by their names.
pub(super) fn draw(remark: &Remark, texts: &BTreeMap<String, &str>) -> String {
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
        let block = texts.get(&place.file).and_then(|text| block_of(text, place.line));
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

/// The lines of a block down to what is meant, and that: the first name that the message quotes and
/// the block holds, or all that is written on its first line.
fn marked<'t>(block: &'t str, message: &str) -> (&'t str, Range<usize>) {
    let quoted = message.split('`').skip(1).step_by(2);
    let names = quoted.flat_map(|name| [Some(name), name.rsplit('.').next()]).flatten();
    for name in names.filter(|name| !name.is_empty()) {
        if let Some(start) = block.find(name) {
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
