//! What became of every line of an export, and whether the file as a whole stands.
//!
//! Does not: hold a cell. A problem is a line, a code, a column and lengths.

use std::collections::BTreeMap;

use super::encoding::EncodingFact;
use super::refusal::{ContentFault, Damage};

/// What became of the lines of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Rows met: those given to sinks and those set aside.
    pub rows_read: u64,
    /// Rows and broken lines that were set aside.
    pub quarantined: u64,
    /// Lines without any value.
    pub blank: u64,
    /// Lines of a report's footer.
    pub footer: u64,
    /// The first thousand problems, by line.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub problems_omitted: u64,
    /// How rows end.
    pub eol: Eol,
    /// Wanted cells that were decoded on the guess of Windows-1252 or as another encoding.
    pub decoded_cells: u64,
    /// Whether the file ends in the middle of a row.
    pub looks_truncated: bool,
    /// The line of a second header: rows from there on were not read.
    pub second_table: Option<u64>,
    /// The encoding the rows were read in.
    pub encoding: EncodingFact,
    /// The size of the file.
    pub bytes: u64,
    /// SHA-256 of the file as it was read, in hexadecimal.
    pub sha256: String,
}

/// A row that was set aside, or a line that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The physical line it begins on, from 1.
    pub line: u64,
    /// What is wrong.
    pub trouble: Trouble,
}

/// Why a row is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// More or fewer cells than the header.
    Width {
        /// Cells in the header.
        expected: usize,
        /// Cells in the row.
        got: usize,
    },
    /// A quote where none may stand, text behind a closing one, or one that never closes.
    Quote,
    /// Either a cell of several lines or rows behind a stray quote: it cannot be told.
    Ambiguous,
    /// A zero byte.
    Nul,
    /// Bytes of a wanted cell that are no text in the file's encoding.
    Encoding {
        /// Position among the wanted columns.
        column: usize,
    },
    /// A wanted cell that is too long.
    TooLong {
        /// Position among the wanted columns.
        column: usize,
        /// Its length in bytes.
        length: usize,
    },
    /// A record that is too long as a whole.
    RecordTooLong,
    /// A value that its column does not hold.
    Misfit(Misfit),
    /// A second header: the rows behind it are another table.
    SecondTable,
}

impl Trouble {
    /// A short stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Width { .. } => "width",
            Self::Quote => "quote",
            Self::Ambiguous => "ambiguous",
            Self::Nul => "nul",
            Self::Encoding { .. } => "encoding",
            Self::TooLong { .. } => "too_long",
            Self::RecordTooLong => "record_too_long",
            Self::Misfit(misfit) => misfit.code,
            Self::SecondTable => "second_table",
        }
    }

    fn damage(self) -> Damage {
        match self {
            Self::Width { .. } | Self::Quote | Self::Ambiguous | Self::SecondTable => {
                Damage::Structure
            }
            Self::Misfit(_) => Damage::Values,
            Self::TooLong { .. } | Self::RecordTooLong => Damage::Length,
            Self::Nul | Self::Encoding { .. } => Damage::Bytes,
        }
    }

    /// The wanted column it is about, by its position among them.
    pub fn column(self) -> Option<usize> {
        match self {
            Self::Encoding { column } | Self::TooLong { column, .. } => Some(column),
            Self::Misfit(misfit) => Some(misfit.column),
            Self::Width { .. }
            | Self::Quote
            | Self::Ambiguous
            | Self::Nul
            | Self::RecordTooLong
            | Self::SecondTable => None,
        }
    }
}

/// A value that its column does not hold, told without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    /// Position among the wanted columns.
    pub column: usize,
    /// The value's length in bytes.
    pub length: usize,
    /// A short stable word for machines, such as `kind`.
    pub code: &'static str,
}

/// How rows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eol {
    /// Line feed.
    #[default]
    Lf,
    /// Carriage return and line feed.
    Crlf,
    /// Carriage return.
    Cr,
    /// More than one of these.
    Mixed,
}

impl Eol {
    /// Its name in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "lf",
            Self::Crlf => "crlf",
            Self::Cr => "cr",
            Self::Mixed => "mixed",
        }
    }

    /// How a stretch ends that is made of both.
    pub(super) fn and(seen: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (seen, other) {
            (None, either) | (either, None) => either,
            (Some(one), Some(two)) if one == two => Some(one),
            (Some(_), Some(_)) => Some(Self::Mixed),
        }
    }
}

/// What a stretch of lines is, as the reader of one chunk saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Rows that were given to the sink.
    Rows(u64),
    /// Lines without any value.
    Blank(u64),
    /// A row or line that was set aside.
    Bad(Bad),
    /// The header once more; the chunk is read no further.
    HeaderAgain { line: u64 },
    /// Another table's header.
    OtherHeader { line: u64 },
}

/// A row or line that was set aside, with what tells footers and second tables apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) line: u64,
    pub(super) trouble: Trouble,
    /// Whether it says what the last lines of a report say.
    pub(super) footer: bool,
    /// Whether the file ends right behind it, without a line end.
    pub(super) at_end: bool,
    /// How many like it follow, beyond the problems that are listed.
    pub(super) more: u64,
}

impl Bad {
    /// Counts `next` with this one, where no reader could tell the difference.
    pub(super) fn and(&mut self, next: &Self) -> bool {
        let alike = self.width() == next.width()
            && self.trouble.damage() == next.trouble.damage()
            && !self.footer
            && !next.footer;
        if alike {
            self.more += 1 + next.more;
            self.at_end |= next.at_end;
        }
        alike
    }

    /// The number of cells, if that is what is wrong.
    fn width(&self) -> Option<usize> {
        if let Trouble::Width { got, .. } = self.trouble { Some(got) } else { None }
    }
}

/// Follows the events of a file in order and comes to its [`Tally`].
#[derive(Default)]
pub(super) struct Judge {
    rows: u64,
    quarantined: u64,
    damages: BTreeMap<Damage, u64>,
    blank: u64,
    footer: u64,
    problems: Vec<Problem>,
    omitted: u64,
    truncated: bool,
    second_table: Option<u64>,
    other_table: Option<u64>,
    after_blank: bool,
    tail: Option<Tail>,
}

/// Lines that are no rows, behind a blank line, with no good row since.
struct Tail {
    first: u64,
    lines: u64,
    damages: BTreeMap<Damage, u64>,
    footer: bool,
    width: usize,
    same_width: bool,
}

/// So many problems are listed.
pub(super) const MOST_PROBLEMS: usize = 1000;
/// A report's footer has five lines or so.
const MOST_FOOTER: u64 = 12;
/// So few bad rows never refuse a file, however small it is.
const FEW: u64 = 5;

impl Judge {
    /// Takes the next event. Gives whether reading goes on.
    pub(super) fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Rows(count) => {
                self.rows += count;
                self.tail = None;
                self.after_blank = false;
            }
            Event::Blank(count) => {
                self.blank += count;
                self.after_blank = true;
            }
            Event::Bad(bad) => self.set_aside(bad),
            Event::HeaderAgain { line } => {
                self.second_table = Some(line);
                self.note(Problem { line, trouble: Trouble::SecondTable });
                return false;
            }
            Event::OtherHeader { line } => {
                self.other_table = Some(line);
                return false;
            }
        }
        true
    }

    /// Rows met so far.
    pub(super) fn rows_read(&self) -> u64 {
        self.rows + self.quarantined
    }

    /// The tally, and what is wrong with the file as a whole.
    ///
    /// What only the reader of the file knows is left empty.
    pub(super) fn finish(mut self) -> (Tally, Option<ContentFault>) {
        let mut fault = self.other_table.map(|line| ContentFault::SecondTable { line });
        if let Some(tail) = self.tail.take() {
            if tail.footer && tail.lines <= MOST_FOOTER {
                self.forgive(&tail);
            } else if tail.lines > 1 && tail.same_width && tail.width > 1 {
                fault = fault.or(Some(ContentFault::SecondTable { line: tail.first }));
            }
        }
        let rows = self.rows_read();
        if fault.is_none() && self.quarantined > FEW && self.quarantined * 10 > rows {
            fault = Some(ContentFault::Damaged {
                set_aside: self.quarantined,
                rows,
                mostly: self.mostly(),
            });
        }
        let tally = Tally {
            rows_read: rows,
            quarantined: self.quarantined,
            blank: self.blank,
            footer: self.footer,
            problems: self.problems,
            problems_omitted: self.omitted,
            eol: Eol::default(),
            decoded_cells: 0,
            looks_truncated: self.truncated,
            second_table: self.second_table.or(self.other_table),
            encoding: EncodingFact { name: String::new(), bom: false, guessed: false },
            bytes: 0,
            sha256: String::new(),
        };
        (tally, fault)
    }

    /// What is wrong with most rows; where as many have something else, the first of them.
    fn mostly(&self) -> Damage {
        let most = self.damages.iter().rev().max_by_key(|(_, count)| **count);
        most.map_or(Damage::Structure, |(damage, _)| *damage)
    }

    fn set_aside(&mut self, bad: Bad) {
        let width = bad.width().unwrap_or_default();
        let count = 1 + bad.more;
        let damage = bad.trouble.damage();
        match &mut self.tail {
            Some(tail) => {
                tail.lines += count;
                *tail.damages.entry(damage).or_default() += count;
                tail.footer |= bad.footer;
                tail.same_width &= tail.width == width;
            }
            None if self.after_blank || bad.footer => {
                self.tail = Some(Tail {
                    first: bad.line,
                    lines: count,
                    damages: [(damage, count)].into(),
                    footer: bad.footer,
                    width,
                    same_width: true,
                });
            }
            None => {}
        }
        self.after_blank = false;
        self.quarantined += count;
        *self.damages.entry(damage).or_default() += count;
        self.omitted += bad.more;
        self.truncated |= bad.at_end;
        self.note(Problem { line: bad.line, trouble: bad.trouble });
    }

    fn note(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.omitted += 1;
        }
    }

    /// Counts the lines of `tail` as a footer and no longer as problems.
    fn forgive(&mut self, tail: &Tail) {
        self.footer += tail.lines;
        self.quarantined -= tail.lines;
        for (damage, lines) in &tail.damages {
            if let Some(count) = self.damages.get_mut(damage) {
                *count -= lines;
            }
        }
        self.truncated = false;
        let before = self.problems.len();
        // A second header that ended the reading is none of the tail's lines.
        self.problems
            .retain(|problem| problem.line < tail.first || problem.trouble == Trouble::SecondTable);
        let listed = (before - self.problems.len()) as u64;
        self.omitted -= tail.lines - listed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(line: u64, got: usize, footer: bool) -> Event {
        let trouble = Trouble::Width { expected: 9, got };
        Event::Bad(Bad { line, trouble, footer, at_end: false, more: 0 })
    }

    #[track_caller]
    fn check(events: &[Event], expect: &str) {
        let mut judge = Judge::default();
        for event in events {
            if !judge.take(*event) {
                break;
            }
        }
        let (tally, fault) = judge.finish();
        let fault = fault.map_or_else(|| "stands".to_owned(), |fault| fault.to_string());
        let Tally { rows_read, quarantined, blank, footer, .. } = tally;
        assert_eq!(format!("{rows_read} {quarantined} {blank} {footer} {fault}"), expect);
    }

    #[test]
    fn a_report_footer_is_no_problem() {
        let footer = [Event::Rows(9), Event::Blank(2), bad(13, 1, false), bad(14, 1, true)];
        check(&footer, "9 0 2 2 stands");
        // Rows behind it: it was none.
        check(&[&footer[..], &[Event::Rows(11)]].concat(), "22 2 2 0 stands");
    }

    #[test]
    fn a_second_header_behind_a_footer_stays_told() {
        let mut judge = Judge::default();
        let events = [Event::Rows(2), Event::Blank(1), bad(5, 1, true)];
        for event in events {
            assert!(judge.take(event));
        }
        assert!(!judge.take(Event::HeaderAgain { line: 6 }));
        let (tally, fault) = judge.finish();
        assert_eq!(fault, None);
        assert_eq!((tally.footer, tally.quarantined, tally.problems_omitted), (1, 0, 0));
        assert_eq!(tally.problems, [Problem { line: 6, trouble: Trouble::SecondTable }]);
        assert_eq!(tally.second_table, Some(6));
    }

    #[test]
    fn a_block_of_another_width_is_a_second_table() {
        check(
            &[Event::Rows(9), Event::Blank(1), bad(12, 4, false), bad(13, 4, false)],
            "11 2 1 0 holds a second table, which begins at line 12",
        );
        check(&[Event::Rows(9), bad(11, 4, false), bad(12, 4, false)], "11 2 0 0 stands");
    }

    #[test]
    fn more_than_a_tenth_refuses_but_never_five() {
        let bads: Vec<_> = (1..=6).map(|line| bad(line, 3, false)).collect();
        check(&bads[..5], "5 5 0 0 stands");
        let many = "has 6 of 6 rows that cannot be read without guessing";
        check(&bads, &format!("6 6 0 0 {many}"));
        check(&[&bads[..], &[Event::Rows(54)]].concat(), "60 6 0 0 stands");
    }

    #[test]
    fn a_damaged_file_is_told_what_most_of_its_rows_suffer_from() {
        let mostly = |troubles: &[(Trouble, u64)]| {
            let mut judge = Judge::default();
            for (trouble, count) in troubles {
                let bad = Bad {
                    line: 2,
                    trouble: *trouble,
                    footer: false,
                    at_end: false,
                    more: count - 1,
                };
                judge.take(Event::Bad(bad));
            }
            match judge.finish().1 {
                Some(ContentFault::Damaged { mostly, .. }) => Some(mostly),
                _ => None,
            }
        };
        let long = Trouble::TooLong { column: 0, length: 9 };
        let misfit = Trouble::Misfit(Misfit { column: 0, length: 9, code: "kind" });
        assert_eq!(mostly(&[(Trouble::Quote, 3), (long, 4)]), Some(Damage::Length));
        assert_eq!(mostly(&[(Trouble::Quote, 4), (long, 4)]), Some(Damage::Structure));
        assert_eq!(mostly(&[(misfit, 9), (Trouble::Nul, 8)]), Some(Damage::Values));
        assert_eq!(mostly(&[(Trouble::Nul, 6), (misfit, 2), (long, 1)]), Some(Damage::Bytes));
        assert_eq!(mostly(&[(misfit, 5)]), None);
    }

    #[test]
    fn a_footer_is_no_damage() {
        let misfit = Trouble::Misfit(Misfit { column: 0, length: 9, code: "kind" });
        let misfits = Bad { line: 2, trouble: misfit, footer: false, at_end: false, more: 5 };
        let mut judge = Judge::default();
        judge.take(Event::Bad(misfits));
        judge.take(Event::Blank(1));
        for line in 9..16 {
            judge.take(bad(line, 1, line == 15));
        }
        let (_, fault) = judge.finish();
        assert!(
            matches!(fault, Some(ContentFault::Damaged { mostly: Damage::Values, .. })),
            "{fault:?}"
        );
    }

    #[test]
    fn a_second_header_ends_the_table() {
        check(&[Event::Rows(2), Event::HeaderAgain { line: 4 }, Event::Rows(5)], "2 0 0 0 stands");
    }
}
