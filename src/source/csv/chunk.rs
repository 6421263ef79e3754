//! Reads the records of one chunk: wanted cells to a sink, everything else to events.
//!
//! Does not: know its place among the chunks, or settle what needs bytes behind its end.

use std::ops::ControlFlow;

use super::Sink;
use super::dialect::{MOST_UTF8, append};
use super::encoding::{Census, Text};
use super::scan::{Cell, Form, Grammar, Outcome, Record, Scanner, Swallowed, count_lines};
use super::tally::{Bad, Eol, Event, MOST_PROBLEMS, Misfit, Trouble};
use crate::source::buffer::Scratch;

/// How the records of a file are to be read.
pub(super) struct Plan<'p> {
    pub(super) grammar: Grammar,
    pub(super) text: Text,
    /// The wanted columns, in the order they are asked for.
    pub(super) wanted: &'p [usize],
    pub(super) header: &'p [String],
    /// The most bytes a wanted cell may have.
    pub(super) longest_cell: usize,
    /// Whether bytes that are no UTF-8 are evidence of another encoding.
    pub(super) take_census: bool,
}

/// A stretch of a file that probably begins and ends with a record.
pub(super) struct Stretch<'d> {
    pub(super) data: &'d [u8],
    pub(super) start: usize,
    /// The line that `start` is on.
    pub(super) line: u64,
    /// What stands behind it.
    pub(super) behind: Behind,
}

/// What stands behind a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The end of the file.
    End,
    /// A good row, if the stretch ends with a record.
    Row,
    /// It is not known.
    Unknown,
}

/// What was read of a stretch.
pub(super) struct Part<S> {
    pub(super) sink: S,
    pub(super) events: Vec<Event>,
    /// Where the first record begins that needs bytes behind the end, and its line.
    pub(super) end: usize,
    pub(super) end_line: u64,
    pub(super) eol: Option<Eol>,
    pub(super) decoded: u64,
    pub(super) census: Census,
    /// Whether a wanted cell was no text.
    pub(super) not_text: bool,
    /// The line that begins at `end` is longer than a record may be.
    pub(super) endless: bool,
}

/// Reads the records of `stretch`.
pub(super) fn read<S: Sink>(plan: &Plan<'_>, stretch: &Stretch<'_>, sink: S) -> Part<S> {
    let last = stretch.behind == Behind::End;
    let mut reader = Reader {
        plan,
        data: stretch.data,
        text: plan.text.borrow(stretch.data),
        behind: stretch.behind,
        scanner: Scanner::new(stretch.data, last, plan.grammar),
        has_nul: memchr::memchr(0, stretch.data).is_some(),
        first_wanted: plan.wanted.contains(&0),
        last_wanted: plan.wanted.contains(&(plan.grammar.width - 1)),
        stub: None,
        listed: 0,
        cells: Vec::new(),
        wanted: Vec::with_capacity(plan.wanted.len()),
        converted: Scratch::default(),
        part: Part {
            sink,
            events: Vec::new(),
            end: stretch.start,
            end_line: stretch.line,
            eol: None,
            decoded: 0,
            census: Census::default(),
            not_text: false,
            endless: false,
        },
    };
    while reader.part.end < stretch.data.len() {
        if reader.next().is_break() {
            break;
        }
    }
    if !last {
        reader.back_before_stub();
    }
    let mut part = reader.part;
    if plan.take_census {
        // What stands above the rows counts too.
        let read = stretch.data.get(..part.end).unwrap_or_default();
        let text = reader.text.and_then(|text| text.get(..part.end));
        part.census = text.map_or_else(|| Census::of(read), Census::of_text);
    }
    part
}

struct Reader<'p, 'd, S> {
    plan: &'p Plan<'p>,
    data: &'d [u8],
    /// The data as text where all of it is.
    text: Option<&'d str>,
    behind: Behind,
    scanner: Scanner<'d>,
    has_nul: bool,
    first_wanted: bool,
    last_wanted: bool,
    /// A single cell on the line before, with what was known before it.
    stub: Option<Stub>,
    /// Problems with an event of their own.
    listed: usize,
    cells: Vec<Cell>,
    /// The wanted cells of a row whose cells stand in the data as they are.
    wanted: Vec<&'d str>,
    /// The wanted cells of a row of which some must be decoded first.
    converted: Scratch,
    part: Part<S>,
}

/// Where a line begins that may be the front part of the row behind it.
#[derive(Clone, Copy)]
struct Stub {
    start: usize,
    line: u64,
    events: usize,
}

impl<S: Sink> Reader<'_, '_, S> {
    /// Reads one record or blank line and goes behind it, or stops before it.
    fn next(&mut self) -> ControlFlow<()> {
        let stub = self.stub.map(|stub| stub.start);
        let record = self.scanner.record(self.part.end, &mut self.cells);
        self.settle(record)?;
        self.go_to(record);
        // A stub concerns the line behind it alone.
        if self.stub.map(|stub| stub.start) == stub {
            self.stub = None;
        }
        ControlFlow::Continue(())
    }

    /// Notes what the record is, or stops if that cannot be told yet.
    fn settle(&mut self, record: Record) -> ControlFlow<()> {
        let (from, line) = (self.part.end, self.part.end_line);
        if let Some(closed) = record.spanned {
            match self.scanner.swallowed(from, closed) {
                Swallowed::Nothing => {}
                Swallowed::Rows(starts) => {
                    self.ambiguous(record, &starts);
                    return ControlFlow::Continue(());
                }
                Swallowed::More => return ControlFlow::Break(()),
            }
        }
        match record.outcome {
            Outcome::More => return ControlFlow::Break(()),
            Outcome::Endless => {
                self.part.endless = true;
                return self.stop();
            }
            Outcome::Quote => self.set_aside(record, Trouble::Quote),
            Outcome::TooLong => self.set_aside(record, Trouble::RecordTooLong),
            Outcome::Row if self.is_blank() => self.event(Event::Blank(1)),
            Outcome::Row if self.cells.len() == self.plan.grammar.width => {
                if self.begins_like_header() && self.is_header(true) {
                    self.event(Event::HeaderAgain { line });
                    return self.stop();
                }
                match self.whole_row(record) {
                    Some(Ok(())) => self.event(Event::Rows(1)),
                    Some(Err(trouble)) => self.set_aside(record, trouble),
                    None => return ControlFlow::Break(()),
                }
            }
            Outcome::Row if self.is_header(false) => {
                self.event(Event::OtherHeader { line });
                return self.stop();
            }
            Outcome::Row => {
                let (expected, got) = (self.plan.grammar.width, self.cells.len());
                if self.is_stub(from, record.end) {
                    let events = self.part.events.len();
                    self.stub = Some(Stub { start: from, line, events });
                }
                self.set_aside(record, Trouble::Width { expected, got });
            }
        }
        ControlFlow::Continue(())
    }

    /// Ends the reading of the file for good.
    fn stop(&mut self) -> ControlFlow<()> {
        self.stub = None;
        ControlFlow::Break(())
    }

    /// Takes a row of the right width, unless a line break within it may have cut it; nothing if
    /// that cannot be told yet.
    fn whole_row(&mut self, record: Record) -> Option<Result<(), Trouble>> {
        if self.is_padded_footer() {
            return Some(Err(Trouble::Width { expected: self.cells.len(), got: 1 }));
        }
        let plain = |cell: Option<&Cell>| cell.is_some_and(|cell| cell.form == Form::Plain);
        if self.first_wanted && self.stub.is_some() && plain(self.cells.first()) {
            return Some(Err(Trouble::Ambiguous));
        }
        if self.last_wanted && plain(self.cells.last()) && self.rest_follows(record.end)? {
            return Some(Err(Trouble::Ambiguous));
        }
        Some(self.row(record))
    }

    /// Whether the line at `at` may be the rest of the row before it: no row, and not even half of
    /// one. Nothing if that cannot be told yet.
    fn rest_follows(&mut self, at: usize) -> Option<bool> {
        let rest = self.data.get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
            return match self.behind {
                // A last line without an end is a row that was cut off.
                Behind::End => Some(false),
                Behind::Row if rest.is_empty() => Some(false),
                Behind::Row | Behind::Unknown => None,
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let half = (self.plan.grammar.width - 1) / 2;
        let delimiter = self.plan.grammar.dialect.delimiter;
        if memchr::memchr_iter(delimiter, line).nth(half).is_some()
            || line.iter().filter(|&&byte| self.is_delimiter(byte)).nth(half).is_some()
            || line.trim_ascii().is_empty()
            || is_footer(line.strip_prefix(b"\"").unwrap_or(line))
        {
            return Some(false);
        }
        self.scanner.is_row(at).map(|row| !row)
    }

    /// Whether the byte stands between cells, here or in another dialect.
    fn is_delimiter(&self, byte: u8) -> bool {
        byte == self.plan.grammar.dialect.delimiter || matches!(byte, b',' | b';' | b'\t' | b'|')
    }

    /// Whether the line is one piece of text, which is neither empty nor a row or footer of its
    /// own kind.
    fn is_stub(&self, start: usize, end: usize) -> bool {
        let line = self.data.get(start..end).unwrap_or_default().trim_ascii();
        let quote = self.plan.grammar.dialect.quote;
        let structure = |&byte: &u8| byte == quote || self.is_delimiter(byte);
        !line.is_empty() && !line.iter().any(structure) && !is_footer(line)
    }

    /// Goes back before a stub, so that it and the row behind it are read together.
    fn back_before_stub(&mut self) {
        if let Some(Stub { start, line, events }) = self.stub {
            self.part.end = start;
            self.part.end_line = line;
            self.part.events.truncate(events);
        }
    }

    /// Gives the wanted cells to the sink.
    fn row(&mut self, record: Record) -> Result<(), Trouble> {
        let plan = self.plan;
        let line = self.part.end_line;
        if self.has_nul {
            let raw = self.data.get(self.part.end..record.end).unwrap_or_default();
            if memchr::memchr(0, raw).is_some() {
                return Err(Trouble::Nul);
            }
        }
        self.wanted.clear();
        for (column, &index) in plan.wanted.iter().enumerate() {
            let Some(cell) = self.cells.get(index) else { return Err(self.no_such_column(index)) };
            let raw = self.data.get(cell.start..cell.end).unwrap_or_default();
            if raw.len() > plan.longest_cell {
                return Err(Trouble::TooLong { column, length: raw.len() });
            }
            let text = match self.text {
                Some(text) => text.get(cell.start..cell.end),
                None => plan.text.borrow(raw),
            };
            match text {
                Some(text) if cell.form != Form::Escaped => self.wanted.push(text),
                _ => return self.converted_row(line),
            }
        }
        self.part.sink.row(line, &self.wanted).map_err(Trouble::Misfit)
    }

    /// Gives the wanted cells to the sink where some of them must be decoded first.
    #[cold]
    fn converted_row(&mut self, line: u64) -> Result<(), Trouble> {
        let plan = self.plan;
        let mut decoded = 0;
        let length = |cell: &Cell| (cell.end - cell.start).min(plan.longest_cell);
        let wanted = plan.wanted.iter().filter_map(|&index| self.cells.get(index));
        self.converted.clear(wanted.map(length).sum::<usize>() * MOST_UTF8);
        for (column, &index) in plan.wanted.iter().enumerate() {
            let Some(cell) = self.cells.get(index) else { return Err(self.no_such_column(index)) };
            let raw = self.data.get(cell.start..cell.end).unwrap_or_default();
            if raw.len() > plan.longest_cell {
                return Err(Trouble::TooLong { column, length: raw.len() });
            }
            let result = self
                .converted
                .push(|text| append(raw, cell.form, plan.grammar.dialect, &plan.text, text));
            if result.is_err() {
                self.part.not_text = true;
                return Err(Trouble::Encoding { column });
            }
            decoded += u64::from(matches!(plan.text, Text::Table(_)) && !raw.is_ascii());
        }
        let cells: Vec<_> = self.converted.cells().collect();
        let given: Result<(), Misfit> = self.part.sink.row(line, &cells);
        given.map_err(Trouble::Misfit)?;
        self.part.decoded += decoded;
        Ok(())
    }

    fn no_such_column(&self, index: usize) -> Trouble {
        Trouble::Width { expected: index + 1, got: self.cells.len() }
    }

    /// Whether no cell of the record has a value.
    fn is_blank(&self) -> bool {
        let blank = |cell: &Cell| {
            cell.form == Form::Plain
                && self.data.get(cell.start..cell.end).unwrap_or_default().trim_ascii().is_empty()
        };
        self.cells.first().is_some_and(blank) && self.cells.iter().all(blank)
    }

    /// A cheap first look, for every row.
    fn begins_like_header(&self) -> bool {
        let (Some(cell), Some(name)) = (self.cells.first(), self.plan.header.first()) else {
            return false;
        };
        let raw = self.data.get(cell.start..cell.end).unwrap_or_default();
        raw.trim_ascii() == name.as_bytes()
    }

    /// Whether the cells are names of the header: all of them in place, or two of three in any.
    fn is_header(&self, in_place: bool) -> bool {
        let header = self.plan.header;
        let mut named = 0;
        for (position, cell) in self.cells.iter().enumerate() {
            let raw = self.data.get(cell.start..cell.end).unwrap_or_default();
            let name = header.get(position).map(String::as_str);
            let here = name.is_some_and(|name| self.is_name(raw, name));
            if in_place && !here {
                return false;
            }
            let named_so = || header.iter().any(|name| self.is_name(raw, name));
            named += usize::from(!raw.is_empty() && (here || named_so()));
            // Whoever has no name among the first few is no header.
            if named == 0 && position >= 4 {
                return false;
            }
        }
        in_place || (named > 1 && named * 3 >= self.cells.len() * 2)
    }

    fn is_name(&self, raw: &[u8], name: &str) -> bool {
        raw.trim_ascii() == name.as_bytes()
            || (!raw.is_ascii() && raw.len() <= name.len() * 4 && self.plan.text.is(raw, name))
    }

    /// A footer line that a spreadsheet has filled up to the width of the table.
    fn is_padded_footer(&self) -> bool {
        self.begins_like_footer() && self.cells.iter().skip(1).all(|cell| cell.start == cell.end)
    }

    fn begins_like_footer(&self) -> bool {
        let Some(cell) = self.cells.first() else { return false };
        is_footer(self.data.get(cell.start..cell.end).unwrap_or_default())
    }

    fn set_aside(&mut self, record: Record, trouble: Trouble) {
        let footer = matches!(trouble, Trouble::Width { .. }) && self.begins_like_footer();
        let line = self.part.end_line;
        // Of these two the row itself is whole.
        let whole = matches!(trouble, Trouble::TooLong { .. } | Trouble::Misfit(_));
        let at_end = !whole && self.ends_cut(record);
        self.event(Event::Bad(Bad { line, trouble, footer, at_end, more: 0 }));
    }

    /// Sets aside a record and the rows it may have swallowed, each by its line.
    fn ambiguous(&mut self, record: Record, starts: &[usize]) {
        let first = self.part.end_line;
        let mut lines = vec![first];
        lines.extend(starts.iter().map(|&start| first + self.lines_in(self.part.end, start)));
        for line in lines {
            let trouble = Trouble::Ambiguous;
            let at_end = self.ends_cut(record);
            self.event(Event::Bad(Bad { line, trouble, footer: false, at_end, more: 0 }));
        }
    }

    /// Whether the file ends behind the record, in the middle of a line that is no row.
    fn ends_cut(&self, record: Record) -> bool {
        self.behind == Behind::End
            && record.end == self.data.len()
            && !matches!(self.data.last(), Some(b'\n' | b'\r'))
    }

    /// Notes the event, with the one before it where they are alike.
    fn event(&mut self, event: Event) {
        // What came behind a stub may have to be taken back.
        let last = self.part.events.last_mut().filter(|_| self.stub.is_none());
        let merged = match (last, event) {
            (Some(Event::Rows(count)), Event::Rows(more))
            | (Some(Event::Blank(count)), Event::Blank(more)) => {
                *count += more;
                true
            }
            (Some(Event::Bad(bad)), Event::Bad(next)) => {
                self.listed > MOST_PROBLEMS && bad.and(&next)
            }
            _ => false,
        };
        if !merged {
            self.listed += usize::from(matches!(event, Event::Bad(_)));
            self.part.events.push(event);
        }
    }

    /// Goes behind the record.
    fn go_to(&mut self, record: Record) {
        let lines = match record.spanned {
            // The rule: one line, and it may be the last one without an end.
            None => 1,
            Some(_) => self.lines_in(self.part.end, record.end),
        };
        self.part.end_line += lines;
        self.part.end = record.end;
        let ends = self.data.get(..record.end).unwrap_or_default();
        let eol = match ends.last_chunk::<2>() {
            Some(b"\r\n") => Some(Eol::Crlf),
            Some([_, b'\n']) => Some(Eol::Lf),
            Some([_, b'\r']) => Some(Eol::Cr),
            _ => None,
        };
        if eol != self.part.eol {
            self.part.eol = Eol::and(self.part.eol, eol);
        }
    }

    fn lines_in(&self, from: usize, to: usize) -> u64 {
        count_lines(self.data.get(from..to).unwrap_or_default())
    }
}

/// Whether the line says what the last lines of a Salesforce report say.
fn is_footer(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [
        b"Copyright (c) 2",
        b"Confidential Information - Do Not Distribute",
        b"Generated By: ",
        b"Grand Totals (",
    ];
    WORDS.iter().any(|words| line.starts_with(words))
}
