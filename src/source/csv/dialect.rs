//! Which characters tell cells apart, and on which line the header stands.
//!
//! The names that are asked for settle both: the dialect is the one in which they stand on one
//! line, and the lines above it are preamble. Only where that leaves a choice, the rows decide.
//!
//! Does not: guess a name, or keep a byte of a row.

use super::encoding::{NotText, Text};
use super::header::{Asked, tidy};
use super::refusal::{HeaderFault, Refusal, Unreadable};
use super::scan::{Cell, Form, Grammar, LineEnd, Outcome, Scanner, count_lines};
use crate::source::buffer::{Scratch, wipe};

/// How cells are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between cells.
    pub delimiter: u8,
    /// What stands around cells.
    pub quote: u8,
    /// How a quote within a quoted cell is written.
    pub escape: Escape,
    /// Whether a space follows each delimiter and is no part of the cell.
    pub padded: bool,
}

/// How a quote within a quoted cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Twice.
    Doubled,
    /// Behind a backslash.
    Backslash,
}

impl Escape {
    /// Its name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Doubled => "double",
            Self::Backslash => "backslash",
        }
    }
}

/// Where the table begins and how it is written.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) dialect: Dialect,
    /// The names of the columns, tidied.
    pub(super) header: Vec<String>,
    /// The line of the header, from 1.
    pub(super) header_line: u64,
    /// Where the first row begins, in bytes and as a line.
    pub(super) body: usize,
    pub(super) body_line: u64,
}

/// How many lines may stand above the header, with it.
const HEADER_LINES: usize = 50;
/// So many records settle what the header leaves open.
const TRIAL: usize = 500;
const DELIMITERS: [u8; 4] = *b",;\t|";
const QUOTES: [u8; 2] = *b"\"'";

/// The beginning of a file, as far as it is needed to know its layout.
#[derive(Clone, Copy)]
pub(super) struct Sample<'s> {
    pub(super) bytes: &'s [u8],
    /// Whether it is the whole file.
    pub(super) whole: bool,
    pub(super) text: &'s Text,
    /// The most bytes a record may have.
    pub(super) longest: usize,
}

/// A way to read the file, with the line that would be its header.
#[derive(Clone, Copy)]
struct Candidate {
    dialect: Dialect,
    start: usize,
    end: usize,
    width: usize,
    /// How many of the names are on the line.
    found: usize,
    trial: Trial,
}

/// How the first records fare under a candidate.
#[derive(Clone, Copy, Default)]
struct Trial {
    good: usize,
    bad: usize,
    /// Cells in quotes.
    quoted: usize,
}

/// Finds the layout in which the names that are asked for make up a header.
pub(super) fn find(sample: Sample<'_>, asked: &Asked<'_>) -> Result<Layout, Refusal> {
    let (declared, from) = declared_delimiter(sample);
    let delimiters = declared.as_ref().map_or(&DELIMITERS[..], std::slice::from_ref);
    let mut candidates = Vec::new();
    for &delimiter in delimiters {
        for quote in QUOTES {
            for padded in [false, true] {
                if !sample.may_be(delimiter, quote, padded) {
                    continue;
                }
                let dialect = Dialect { delimiter, quote, escape: Escape::Doubled, padded };
                let found = if asked.is_empty() {
                    sample.sniff(dialect, from)
                } else {
                    sample.named(dialect, from, asked)
                };
                candidates.extend(found);
            }
        }
    }
    let nothing = || Refusal::Header(HeaderFault::NotFound { lines: HEADER_LINES });
    let best = sample.choose(candidates).ok_or_else(nothing)?;
    sample.layout(best)
}

/// The delimiter of a first line `sep=;`, and where the next line begins.
fn declared_delimiter(sample: Sample<'_>) -> (Option<u8>, usize) {
    let LineEnd::At(end) = sample.scanner(Dialect::COMMA, 0).next_line(0) else { return (None, 0) };
    let line = sample.bytes.get(..end).unwrap_or_default();
    // The delimiter may be a tab, which trimming would take away.
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").and_then(|l| l.strip_suffix(b"\"")).unwrap_or(line);
    match line.split_first_chunk::<4>() {
        Some((word, [delimiter])) if word.eq_ignore_ascii_case(b"sep=") => (Some(*delimiter), end),
        _ => (None, 0),
    }
}

impl Dialect {
    const COMMA: Self =
        Self { delimiter: b',', quote: b'"', escape: Escape::Doubled, padded: false };
}

impl<'s> Sample<'s> {
    fn scanner(&self, dialect: Dialect, width: usize) -> Scanner<'s> {
        Scanner::new(self.bytes, self.whole, Grammar { dialect, width, longest: self.longest })
    }

    /// Whether the bytes that make up the dialect are there at all, or it is the plainest one.
    fn may_be(&self, delimiter: u8, quote: u8, padded: bool) -> bool {
        let has = |bytes: &[u8]| memchr::memmem::find(self.bytes, bytes).is_some();
        (delimiter == b',' || has(&[delimiter]))
            && (quote == b'"' || has(&[quote]))
            && (!padded || has(&[delimiter, b' ']))
    }

    /// Where the first lines begin.
    fn line_starts(&self, from: usize) -> Vec<usize> {
        let lines = self.scanner(Dialect::COMMA, 0);
        let mut starts = vec![from];
        while starts.len() < HEADER_LINES {
            match lines.next_line(starts.last().copied().unwrap_or_default()) {
                LineEnd::At(next) if next < self.bytes.len() => starts.push(next),
                LineEnd::At(_) | LineEnd::None | LineEnd::More => break,
            }
        }
        starts
    }

    /// The first line that has the most of the names.
    fn named(&self, dialect: Dialect, from: usize, asked: &Asked<'_>) -> Option<Candidate> {
        let mut scanner = self.scanner(dialect, 0);
        let mut cells = Vec::new();
        let mut text = Scratch::default();
        let mut best: Option<Candidate> = None;
        for start in self.line_starts(from) {
            let record = scanner.record(start, &mut cells);
            if record.outcome != Outcome::Row {
                continue;
            }
            self.read(dialect, &cells, asked.longest(), &mut text);
            let found = asked.found(text.cells());
            if found > best.map_or(0, |best| best.found) {
                let trial = Trial::default();
                let width = cells.len();
                best = Some(Candidate { dialect, start, end: record.end, width, found, trial });
            }
        }
        best.filter(|best| !dialect.padded || self.is_padded(best))
    }

    /// Whether a space follows each delimiter of the header.
    fn is_padded(&self, header: &Candidate) -> bool {
        let line = self.bytes.get(header.start..header.end).unwrap_or_default();
        let mut delimiters = memchr::memchr_iter(header.dialect.delimiter, line).peekable();
        delimiters.peek().is_some() && delimiters.all(|at| line.get(at + 1) == Some(&b' '))
    }

    /// Without names: the first full line of the width that most of the first records have.
    fn sniff(&self, dialect: Dialect, from: usize) -> Option<Candidate> {
        let mut scanner = self.scanner(dialect, 0);
        let mut cells = Vec::new();
        let mut records = Vec::new();
        let mut at = from;
        while at < self.bytes.len() && records.len() < TRIAL {
            let record = scanner.record(at, &mut cells);
            match record.outcome {
                Outcome::More | Outcome::Endless => break,
                Outcome::Row if cells.iter().any(|cell| cell.start < cell.end) => {
                    let filled = cells.iter().filter(|cell| cell.start < cell.end).count();
                    records.push((at, record.end, cells.len(), filled));
                }
                Outcome::Row => {}
                Outcome::Quote | Outcome::TooLong => records.push((at, record.end, 0, 0)),
            }
            at = record.end;
        }
        let width = modal(records.iter().map(|record| record.2).filter(|&width| width > 0))?;
        let (start, end, ..) = records
            .iter()
            .take(HEADER_LINES)
            .find(|(.., found, filled)| *found == width && filled * 2 > width)?;
        let mut candidate = Candidate {
            dialect,
            start: *start,
            end: *end,
            width,
            found: 0,
            trial: Trial::default(),
        };
        if dialect.padded && !self.is_padded(&candidate) {
            return None;
        }
        let agree = records.iter().filter(|record| record.2 == width).count();
        // Agreement counts twice: many columns on some lines are less than fewer on all.
        candidate.found = (width.min(64) - 1) * 1000 * agree * agree / records.len().pow(2);
        self.looks_like_header(&candidate).then_some(candidate)
    }

    /// Whether the line has names: short words, mostly different ones, none of them a number.
    fn looks_like_header(&self, line: &Candidate) -> bool {
        const LONGEST_NAME: usize = 255;
        let mut cells = Vec::new();
        self.scanner(line.dialect, 0).record(line.start, &mut cells);
        let mut text = Scratch::default();
        self.read(line.dialect, &cells, LONGEST_NAME, &mut text);
        let names: Vec<_> = text.cells().map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut different = names.clone();
        different.sort_unstable();
        different.dedup();
        let is_word = |name: &&str| name.chars().any(char::is_alphabetic) && !name.contains('@');
        !names.is_empty()
            && names.len() * 2 > line.width
            && different.len() * 3 > names.len() * 2
            && names.iter().filter(|name| !is_word(name)).count() * 10 <= names.len()
    }

    /// The candidate that the names, and then the rows, speak for.
    fn choose(&self, mut candidates: Vec<Candidate>) -> Option<Candidate> {
        let most = candidates.iter().map(|candidate| candidate.found).max()?;
        candidates.retain(|candidate| candidate.found == most);
        for candidate in &mut candidates {
            candidate.trial = self.trial(candidate);
            let escape = Escape::Backslash;
            let mut other =
                Candidate { dialect: Dialect { escape, ..candidate.dialect }, ..*candidate };
            other.trial = self.trial(&other);
            if other.trial.good > candidate.trial.good {
                *candidate = other;
            }
        }
        let double_quoted = candidates
            .iter()
            .filter(|candidate| candidate.dialect.quote == b'"')
            .map(|candidate| candidate.trial.quoted)
            .max();
        candidates.retain(|candidate| {
            let Trial { good, bad, quoted } = candidate.trial;
            // Apostrophes are common in text. They are quotes if the header has them, or if rows
            // do and nothing else is a quote.
            candidate.dialect.quote == b'"'
                || double_quoted.is_none()
                || self.bytes.get(candidate.start) == Some(&b'\'')
                || (double_quoted == Some(0) && quoted * 2 >= good + bad && quoted > 0)
        });
        candidates.into_iter().rev().max_by_key(|candidate| {
            let Trial { good, bad, quoted } = candidate.trial;
            (good, std::cmp::Reverse(bad), candidate.dialect.padded, quoted > 0)
        })
    }

    /// Reads the first records behind the header.
    fn trial(&self, header: &Candidate) -> Trial {
        let mut scanner = self.scanner(header.dialect, header.width);
        let mut cells = Vec::new();
        let mut trial = Trial::default();
        let mut at = header.end;
        while at < self.bytes.len() && trial.good + trial.bad < TRIAL {
            let record = scanner.record(at, &mut cells);
            match record.outcome {
                Outcome::More | Outcome::Endless => break,
                Outcome::Row if cells.len() == header.width => {
                    trial.good += 1;
                    trial.quoted += cells.iter().filter(|cell| cell.form != Form::Plain).count();
                }
                Outcome::Row if cells.iter().all(|cell| cell.start == cell.end) => {}
                Outcome::Row | Outcome::Quote | Outcome::TooLong => trial.bad += 1,
            }
            at = record.end;
        }
        trial
    }

    /// The names of the header, and where the rows begin.
    fn layout(&self, found: Candidate) -> Result<Layout, Refusal> {
        let dialect = found.dialect;
        let mut scanner = self.scanner(dialect, found.width);
        let mut cells = Vec::new();
        scanner.record(found.start, &mut cells);
        let mut header = Vec::with_capacity(cells.len());
        for (position, cell) in cells.iter().enumerate() {
            let mut name = String::new();
            if self.append(dialect, *cell, &mut name).is_err() {
                let encoding = match self.text {
                    Text::Utf8 => "UTF-8",
                    Text::Table(_) => "in the encoding of the rest",
                };
                return Err(Refusal::Encoding(Unreadable::Header {
                    encoding: encoding.to_owned(),
                    column: position + 1,
                }));
            }
            header.push(tidy(&name));
        }
        let mut body = found.end;
        // Some tools write the header twice.
        while scanner.record(body, &mut cells).outcome == Outcome::Row
            && self.repeats(&cells, &header)
            && body < self.bytes.len()
        {
            body = scanner.record(body, &mut cells).end;
        }
        let line_of = |at: usize| 1 + count_lines(self.bytes.get(..at).unwrap_or_default());
        Ok(Layout {
            dialect,
            header,
            header_line: line_of(found.start),
            body,
            body_line: line_of(body),
        })
    }

    /// Whether the cells are the header's names.
    fn repeats(&self, cells: &[Cell], header: &[String]) -> bool {
        let raw = |cell: &Cell| self.bytes.get(cell.start..cell.end).unwrap_or_default();
        cells.len() == header.len()
            && cells.iter().zip(header).all(|(cell, name)| self.text.is(raw(cell), name))
    }

    /// Takes the text of cells that are short enough; the others and those without stay blank.
    fn read(&self, dialect: Dialect, cells: &[Cell], longest: usize, out: &mut Scratch) {
        let length = |cell: &Cell| cell.end - cell.start;
        out.clear(cells.iter().map(length).sum::<usize>() * MOST_UTF8);
        for cell in cells {
            let _ = out.push(|text| {
                if length(cell) > longest {
                    return Ok(());
                }
                self.append(dialect, *cell, text)
            });
        }
    }

    fn append(&self, dialect: Dialect, cell: Cell, out: &mut String) -> Result<(), NotText> {
        let raw = self.bytes.get(cell.start..cell.end).unwrap_or_default();
        append(raw, cell.form, dialect, self.text, out)
    }
}

/// The most bytes that a byte of an export comes to as UTF-8.
pub(super) const MOST_UTF8: usize = 3;

/// Appends the text of the cell whose bytes are `raw`.
pub(super) fn append(
    raw: &[u8],
    form: Form,
    dialect: Dialect,
    text: &Text,
    out: &mut String,
) -> Result<(), NotText> {
    match form {
        Form::Plain | Form::Quoted => text.decode(raw, out),
        Form::Escaped => {
            let mut value = unescape(raw, dialect);
            let decoded = text.decode(&value, out);
            wipe(&mut value);
            decoded
        }
    }
}

/// The cell's value, without the escapes of its quotes.
fn unescape(raw: &[u8], dialect: Dialect) -> Vec<u8> {
    let escape = match dialect.escape {
        Escape::Doubled => dialect.quote,
        Escape::Backslash => b'\\',
    };
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == escape
            && let Some(escaped) = rest.next_if(|&next| next == dialect.quote || next == escape)
        {
            value.push(escaped);
        } else {
            value.push(byte);
        }
    }
    value
}

/// The most frequent width, the larger one of several.
fn modal(widths: impl Iterator<Item = usize>) -> Option<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for width in widths {
        *counts.entry(width).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map(|(width, _)| width)
}
