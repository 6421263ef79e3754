//! Finds where records and their cells begin and end, by the strict grammar of CSV.
//!
//! A quote opens only where a cell begins, and a closing quote is followed by a delimiter or the
//! end of the line. Whatever breaks this is a fault of the record's first line alone, so that
//! reading resumes at the next physical line and a quote that never closes swallows nothing.
//!
//! A verdict never depends on where the buffer ends: a record that would need bytes that are not
//! there yet is [`Outcome::More`]. This is what lets a file be read in chunks of any size.
//!
//! Does not: copy a cell, decode a byte, or know which columns are wanted.

use memchr::{memchr2, memrchr2};
use wide::u8x64;

use super::dialect::{Dialect, Escape};

/// What a record has to look like, and how long it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// How cells are told apart.
    pub(super) dialect: Dialect,
    /// The number of cells in the header.
    pub(super) width: usize,
    /// The most bytes a record may have.
    pub(super) longest: usize,
}

/// Where one cell lies, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) form: Form,
}

/// How a cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Without quotes.
    Plain,
    /// In quotes, and what stands between them is the value.
    Quoted,
    /// In quotes, with escaped quotes inside.
    Escaped,
}

/// One record, or the stretch of lines that is set aside in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) outcome: Outcome,
    /// Where reading resumes.
    pub(super) end: usize,
    /// Where the last cell that spans several lines closed, if there is one.
    pub(super) spanned: Option<usize>,
}

/// What was found where a record should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A record in keeping with the grammar; its width is for the caller to judge.
    Row,
    /// A quote where none may stand, or one that never closes.
    Quote,
    /// A record longer than [`Grammar::longest`].
    TooLong,
    /// One physical line longer than [`Grammar::longest`]: there is no next line to resume at.
    Endless,
    /// The verdict needs bytes beyond the end of the buffer.
    More,
}

/// Rows that a cell over several lines would have swallowed if its quote was opened by mistake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Swallowed {
    /// The cell's lines are no rows: it is text of several lines.
    Nothing,
    /// Every line within the cell is a row in its own right; these are where they begin.
    Rows(Vec<usize>),
    /// The verdict needs bytes beyond the end of the buffer.
    More,
}

/// Reads records out of one buffer.
pub(super) struct Scanner<'d> {
    data: &'d [u8],
    /// Whether the file ends where the buffer does.
    last: bool,
    grammar: Grammar,
    marks: Marks<'d>,
    /// Cells of records that are only looked at.
    probe: Vec<Cell>,
}

/// How a quoted cell ended.
enum Quoted {
    Closed { at: usize, form: Form, lines: bool },
    Open,
    TooLong,
    More,
}

impl<'d> Scanner<'d> {
    pub(super) fn new(data: &'d [u8], last: bool, grammar: Grammar) -> Self {
        let marks = Marks::new(data, grammar.dialect);
        Self { data, last, grammar, marks, probe: Vec::new() }
    }

    /// The record that begins at `from`; its cells replace those in `cells`.
    pub(super) fn record(&mut self, from: usize, cells: &mut Vec<Cell>) -> Record {
        cells.clear();
        let Dialect { delimiter, quote, padded, .. } = self.grammar.dialect;
        let mut spanned = None;
        // After a fault the rest of the line is still followed, so that a cell of several lines
        // that begins behind it is set aside with it and its text is not taken for rows.
        let mut outcome = Outcome::Row;
        let mut at = from;
        loop {
            if padded && !cells.is_empty() && self.byte(at) == Some(b' ') {
                at += 1;
            }
            let mut start = at;
            if self.byte(at) == Some(quote) {
                if let Some(next) = self.simply_quoted(from, at + 1, cells) {
                    at = next;
                    continue;
                }
                let (close, form, lines) = match self.quoted(from, at + 1) {
                    Quoted::Closed { at, form, lines } => (at, form, lines),
                    Quoted::Open => return self.broken(from, spanned, Outcome::Quote),
                    Quoted::TooLong => return self.broken(from, None, Outcome::TooLong),
                    Quoted::More => return self.more(from),
                };
                let follows = self.byte(close + 1);
                let ends = matches!(follows, Some(b'\n' | b'\r')) || follows == Some(delimiter);
                if ends || follows.is_none() {
                    if lines {
                        spanned = Some(close);
                    }
                    cells.push(Cell { start: at + 1, end: close, form });
                    match self.line_end_at(close + 1) {
                        LineEnd::None if follows.is_none() => {
                            return Record { outcome, end: self.data.len(), spanned };
                        }
                        LineEnd::None => {
                            at = close + 2;
                            continue;
                        }
                        LineEnd::At(end) => return Record { outcome, end, spanned },
                        LineEnd::More => return self.more(from),
                    }
                }
                if lines {
                    // Text behind a quote on a later line: the quote was opening another cell.
                    return self.broken(from, spanned, Outcome::Quote);
                }
                outcome = Outcome::Quote;
                start = close + 1;
            }
            let mut behind = start;
            loop {
                let Some(mark) = self.marks.next(behind) else {
                    if !self.last {
                        return self.more(from);
                    }
                    cells.push(Cell { start, end: self.data.len(), form: Form::Plain });
                    return Record { outcome, end: self.data.len(), spanned };
                };
                if mark - from > self.grammar.longest {
                    return self.broken(from, None, Outcome::TooLong);
                }
                let byte = self.byte(mark);
                if byte == Some(quote) {
                    outcome = Outcome::Quote;
                    behind = mark + 1;
                    continue;
                }
                cells.push(Cell { start, end: mark, form: Form::Plain });
                match self.line_end_at(mark) {
                    LineEnd::None => at = mark + 1,
                    LineEnd::At(end) => return Record { outcome, end, spanned },
                    LineEnd::More => return self.more(from),
                }
                break;
            }
        }
    }

    /// Whether the record from `from`, which has a cell that closed at `closed` on a later line,
    /// may owe that cell to a quote opened by mistake.
    pub(super) fn swallowed(&mut self, from: usize, closed: usize) -> Swallowed {
        if self.grammar.width < 2 {
            return Swallowed::Nothing;
        }
        let LineEnd::At(first) = self.next_line(from) else { return Swallowed::Nothing };
        let inside = self.data.get(..closed).unwrap_or_default();
        let last = memrchr2(b'\n', b'\r', inside).map_or(0, |at| at + 1);
        if first >= last {
            let LineEnd::At(end) = self.next_line(closed) else { return Swallowed::More };
            let both = self.reads_as_row(from, first) && self.reads_as_row(last, end);
            return if both { Swallowed::Rows(vec![last]) } else { Swallowed::Nothing };
        }
        let mut rows = Vec::new();
        let mut at = first;
        while at < last {
            match self.good_row(at) {
                Some(Ok(end)) => rows.push(std::mem::replace(&mut at, end)),
                Some(Err(())) => return Swallowed::Nothing,
                None => return Swallowed::More,
            }
        }
        Swallowed::Rows(rows)
    }

    /// The last place behind `after` where a good row begins that ends within the buffer.
    pub(super) fn last_boundary(&mut self, after: usize) -> Option<usize> {
        let mut before = self.data.len();
        while before > after {
            before = memrchr2(b'\n', b'\r', self.data.get(..before)?)?;
            if let LineEnd::At(start) = self.line_end_at(before)
                && start > after
                && start < self.data.len()
                && matches!(self.good_row(start), Some(Ok(_)))
            {
                return Some(start);
            }
        }
        None
    }

    /// Where the line after the one that holds `from` begins.
    pub(super) fn next_line(&self, from: usize) -> LineEnd {
        match memchr2(b'\n', b'\r', self.data.get(from..).unwrap_or_default()) {
            Some(offset) => self.line_end_at(from + offset),
            None if self.last => LineEnd::At(self.data.len()),
            None => LineEnd::More,
        }
    }

    /// Whether a row of the right width begins at `at`; nothing if that cannot be told yet.
    pub(super) fn is_row(&mut self, at: usize) -> Option<bool> {
        let mut cells = std::mem::take(&mut self.probe);
        let record = self.record(at, &mut cells);
        let wide = cells.len() == self.grammar.width;
        self.probe = cells;
        (record.outcome != Outcome::More).then_some(record.outcome == Outcome::Row && wide)
    }

    /// The end of the row at `at` if it is good, nothing if the buffer ends too early to tell.
    ///
    /// Text has a space behind its commas where rows have none: a line with one is no row.
    fn good_row(&mut self, at: usize) -> Option<Result<usize, ()>> {
        let mut cells = std::mem::take(&mut self.probe);
        let record = self.record(at, &mut cells);
        let padded = self.grammar.dialect.padded;
        let wide = cells.len() == self.grammar.width
            && (padded || cells.iter().skip(1).all(|cell| self.byte(cell.start) != Some(b' ')));
        self.probe = cells;
        match record.outcome {
            Outcome::More => None,
            Outcome::Row if wide => Some(Ok(record.end)),
            Outcome::Row | Outcome::Quote | Outcome::TooLong | Outcome::Endless => Some(Err(())),
        }
    }

    /// Whether the one line has as many delimiters as a row, whatever its quotes say.
    fn reads_as_row(&self, start: usize, end: usize) -> bool {
        let Dialect { delimiter, padded, .. } = self.grammar.dialect;
        let line = self.data.get(start..end).unwrap_or_default();
        let mut delimiters = 0;
        for at in memchr::memchr_iter(delimiter, line) {
            delimiters += 1;
            if !padded && line.get(at + 1) == Some(&b' ') {
                return false;
            }
        }
        delimiters + 1 == self.grammar.width
    }

    /// Takes the quoted cell whose text begins at `start`, if it is as most are: on one line,
    /// without an escaped quote, and not the last of its record; and those of its kind behind it
    /// that lie in the same block of marks. Gives where the next cell begins.
    #[inline]
    fn simply_quoted(&mut self, from: usize, start: usize, cells: &mut Vec<Cell>) -> Option<usize> {
        let Dialect { delimiter, escape, .. } = self.grammar.dialect;
        let NextQuote { at, lines } = self.marks.next_quote(start)?;
        let simply = !lines
            && escape == Escape::Doubled
            && self.byte(at + 1) == Some(delimiter)
            && at - from <= self.grammar.longest;
        if !simply {
            return None;
        }
        let mut closed = Cell { start, end: at, form: Form::Quoted };
        cells.push(closed);
        while let Some(next) = self.marks.joined(closed.end)
            && next.end - from <= self.grammar.longest
        {
            cells.push(next);
            closed = next;
        }
        Some(closed.end + 2)
    }

    /// The end of the quoted cell whose text begins at `start`.
    fn quoted(&mut self, from: usize, start: usize) -> Quoted {
        let Dialect { quote, escape, .. } = self.grammar.dialect;
        let mut form = Form::Quoted;
        let mut behind = start;
        let mut lines = false;
        while let Some(NextQuote { at: mark, lines: before }) = self.marks.next_quote(behind) {
            lines |= before;
            if mark - from > self.grammar.longest {
                return Quoted::TooLong;
            }
            behind = mark + 1;
            match escape {
                Escape::Backslash if self.escaped(start, mark) => form = Form::Escaped,
                Escape::Doubled if self.byte(mark + 1) == Some(quote) => {
                    behind = mark + 2;
                    form = Form::Escaped;
                }
                Escape::Doubled | Escape::Backslash => {
                    if mark + 1 == self.data.len() && !self.last {
                        return Quoted::More;
                    }
                    return Quoted::Closed { at: mark, form, lines };
                }
            }
        }
        if !self.last {
            return Quoted::More;
        }
        let longest = self.grammar.longest;
        if self.data.len() - from > longest
            && self.marks.next(behind.max(from + longest + 1)).is_some()
        {
            Quoted::TooLong
        } else {
            Quoted::Open
        }
    }

    /// Whether an odd number of backslashes stands before `at`.
    fn escaped(&self, start: usize, at: usize) -> bool {
        let text = self.data.get(start..at).unwrap_or_default();
        text.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
    }

    /// The stretch that is set aside for a fault: through the line on which the last cell of
    /// several lines properly closed, or the first line alone.
    fn broken(&self, from: usize, spanned: Option<usize>, outcome: Outcome) -> Record {
        if outcome == Outcome::TooLong {
            return self.too_long(from);
        }
        match self.next_line(spanned.unwrap_or(from)) {
            LineEnd::At(end) => Record { outcome, end, spanned },
            LineEnd::More | LineEnd::None => self.more(from),
        }
    }

    /// The verdict where the buffer ends too early, unless the record is too long already.
    fn more(&self, from: usize) -> Record {
        // The two bytes are those that a verdict at the limit itself looks at.
        if self.data.len() - from <= self.grammar.longest + 2 {
            return Record { outcome: Outcome::More, end: from, spanned: None };
        }
        self.too_long(from)
    }

    fn too_long(&self, from: usize) -> Record {
        let outcome = match self.next_line(from) {
            LineEnd::At(end) if end - from <= self.grammar.longest => {
                return Record { outcome: Outcome::TooLong, end, spanned: None };
            }
            LineEnd::At(_) | LineEnd::More | LineEnd::None => Outcome::Endless,
        };
        Record { outcome, end: from, spanned: None }
    }

    fn line_end_at(&self, at: usize) -> LineEnd {
        match self.byte(at) {
            Some(b'\n') => LineEnd::At(at + 1),
            Some(b'\r') => match self.byte(at + 1) {
                Some(b'\n') => LineEnd::At(at + 2),
                None if !self.last => LineEnd::More,
                _ => LineEnd::At(at + 1),
            },
            _ => LineEnd::None,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }
}

/// Whether and where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// The next line begins here.
    At(usize),
    /// No line ends here.
    None,
    /// A carriage return ends the buffer: a line feed may follow.
    More,
}

/// The number of line ends in `bytes`: line feeds, and carriage returns without one.
pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let lone_returns =
        memchr::memchr_iter(b'\r', bytes).filter(|&at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + lone_returns) as u64
}

/// The places where a delimiter, a quote or a line end stands, found 64 bytes at a time.
struct Marks<'d> {
    data: &'d [u8],
    delimiter: u8,
    quote: u8,
    /// Where the block begins that was looked at last.
    start: usize,
    block: Block,
}

/// One bit for each byte of a block that is such a mark.
#[derive(Clone, Copy)]
struct Block {
    delimiters: u64,
    quotes: u64,
    line_ends: u64,
}

impl Block {
    fn all(self) -> u64 {
        self.delimiters | self.quotes | self.line_ends
    }
}

/// A quote that was looked for, and whether a line ends before it.
struct NextQuote {
    at: usize,
    lines: bool,
}

const BLOCK: usize = 64;

impl<'d> Marks<'d> {
    fn new(data: &'d [u8], dialect: Dialect) -> Self {
        let Dialect { delimiter, quote, .. } = dialect;
        let block = Block { delimiters: 0, quotes: 0, line_ends: 0 };
        let mut marks = Self { data, delimiter, quote, start: 0, block };
        marks.block = marks.block_at(0);
        marks
    }

    /// The first quote at or behind `from`.
    #[inline]
    fn next_quote(&mut self, from: usize) -> Option<NextQuote> {
        self.go_to(from - from % BLOCK)?;
        let mut behind = !0 << (from % BLOCK);
        let mut lines = false;
        loop {
            let quotes = self.block.quotes & behind;
            // All bits below the first quote, or all there are.
            let before = quotes.wrapping_sub(1) & !quotes;
            lines |= self.block.line_ends & behind & before != 0;
            if quotes != 0 {
                return Some(NextQuote {
                    at: self.start + quotes.trailing_zeros() as usize,
                    lines,
                });
            }
            self.go_to(self.start + BLOCK)?;
            behind = !0;
        }
    }

    /// The quoted cell right behind the one that closes at `close` before a delimiter, where it
    /// does so too and all of it lies on one line of the block.
    #[inline]
    fn joined(&self, close: usize) -> Option<Cell> {
        let Block { delimiters, quotes, line_ends } = self.block;
        let text = u32::try_from(close - self.start + 3).ok()?;
        let behind = (!0_u64).checked_shl(text)?;
        let opens = quotes >> (text - 1) & 1 == 1;
        let quotes = quotes & behind;
        let first = quotes & quotes.wrapping_neg();
        let closes = first & delimiters >> 1 != 0;
        let lines = line_ends & behind & first.wrapping_sub(1) != 0;
        (opens && closes && !lines).then(|| Cell {
            start: close + 3,
            end: self.start + first.trailing_zeros() as usize,
            form: Form::Quoted,
        })
    }

    /// The first mark at or behind `from`.
    fn next(&mut self, from: usize) -> Option<usize> {
        self.go_to(from - from % BLOCK)?;
        let mut marks = self.block.all() & !0 << (from % BLOCK);
        while marks == 0 {
            self.go_to(self.start + BLOCK)?;
            marks = self.block.all();
        }
        Some(self.start + marks.trailing_zeros() as usize)
    }

    /// Goes to a block, if it is there.
    fn go_to(&mut self, start: usize) -> Option<()> {
        if start >= self.data.len() {
            return None;
        }
        if start != self.start {
            self.start = start;
            self.block = self.block_at(start);
        }
        Some(())
    }

    fn block_at(&self, start: usize) -> Block {
        let rest = self.data.get(start..).unwrap_or_default();
        let bytes = rest.first_chunk().map_or_else(|| last_block(rest), |whole| u8x64::new(*whole));
        let are = |mark: u8| bytes.simd_eq(u8x64::splat(mark));
        Block {
            delimiters: are(self.delimiter).to_bitmask(),
            quotes: are(self.quote).to_bitmask(),
            line_ends: (are(b'\n') | are(b'\r')).to_bitmask(),
        }
    }
}

/// A block that the data ends within, filled up with what is no mark.
#[cold]
fn last_block(rest: &[u8]) -> u8x64 {
    let mut bytes = [0; BLOCK];
    for (to, from) in bytes.iter_mut().zip(rest) {
        *to = *from;
    }
    u8x64::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_cells_are_found_wherever_they_lie_in_a_block() {
        let long = "long ".repeat(20);
        let texts = ["", ",", "a", "\"\"", ",\"\"", "\"\",", "b, c", "d\ne", &long];
        let dialect =
            Dialect { delimiter: b',', quote: b'"', escape: Escape::Doubled, padded: false };
        let grammar = Grammar { dialect, width: 4, longest: 1 << 10 };
        let mut found = Vec::new();
        for (first, second, third) in texts
            .iter()
            .flat_map(|first| texts.iter().map(move |second| (first, second)))
            .flat_map(|(first, second)| texts.iter().map(move |third| (first, second, third)))
        {
            for offset in 0..BLOCK {
                let before = "x".repeat(offset);
                let data = format!("{before}\"{first}\",\"{second}\",\"{third}\",\"f\"\n");
                let mut scanner = Scanner::new(data.as_bytes(), true, grammar);
                let record = scanner.record(offset, &mut found);
                assert_eq!((record.outcome, record.end), (Outcome::Row, data.len()), "{data}");
                assert_eq!(record.spanned.is_some(), data.trim_end().contains('\n'), "{data}");
                let cells: Vec<_> = found.iter().map(|cell| &data[cell.start..cell.end]).collect();
                assert_eq!(cells, [*first, second, third, "f"], "{data}");
                let escaped = |cell: &Cell| cell.form == Form::Escaped;
                let forms: Vec<_> = found.iter().map(escaped).collect();
                assert_eq!(forms, cells.iter().map(|it| it.contains('"')).collect::<Vec<_>>());
            }
        }
    }
}
