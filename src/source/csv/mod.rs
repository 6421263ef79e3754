//! Reads CSV exports strictly: a row is either whole and in place, or set aside with its line.
//!
//! The reader knows which columns are wanted and gives only these. The bytes of the others are
//! stepped over in buffers that are overwritten, and never become text.
//!
//! ```text
//! Sheet::open ── encoding, dialect, header ──> Sheet::read ── chunks ──> one Sink a chunk
//!                                                   └──> Tally: what became of every line
//! ```
//!
//! Does not: pad or cut a row, replace a character, coerce a value, or quote a cell in a message.

mod chunk;
mod dialect;
mod encoding;
mod header;
mod read;
mod refusal;
mod scan;
mod tally;

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;

use self::dialect::{Layout, Sample};
use self::encoding::Detected;
use self::header::Asked;
use self::read::Feed;
use self::scan::Grammar;
use super::buffer::{Buffer, on_wiped_stack};

pub use self::dialect::{Dialect, Escape};
pub use self::encoding::{Encoding, EncodingFact, disguise};
pub use self::read::digest;
pub use self::refusal::{ContentFault, Damage, Disguise, HeaderFault, Refusal, Unreadable};
pub use self::tally::{Eol, Misfit, Problem, Tally, Trouble};

/// An export whose encoding, dialect and header are known; no row is read yet.
#[derive(Debug)]
pub struct Sheet {
    file: File,
    detected: Detected,
    grammar: Grammar,
    limits: Limits,
    header: Vec<String>,
    facts: Facts,
    body: usize,
    body_line: u64,
}

/// What the caller expects to find.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expect<'a> {
    /// Names that may stand in the header, all spellings of them. They tell the dialect and the
    /// header's line. `Create Date#2` is the second column of that name. With no names at all,
    /// the layout is told from the shape of the first records.
    pub names: &'a [&'a str],
    /// Those of the names that have to be there.
    pub required: &'a [&'a str],
    /// The encoding, where it is known better than by the bytes.
    pub encoding: Option<Encoding>,
}

/// How large a file and its parts may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the file.
    pub file: u64,
    /// Rows in the file.
    pub rows: u64,
    /// Columns in the header.
    pub columns: usize,
    /// Bytes in one record, most of them in a cell that is not wanted.
    pub record: usize,
    /// Bytes in a wanted cell.
    pub cell: usize,
    /// Bytes read at a time; what is read does not depend on it. All that looks at them finds them
    /// in the cache that a processor has to itself.
    pub chunk: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 64 << 30,
            rows: 20_000_000,
            columns: 20_000,
            record: 64 << 20,
            cell: 4 << 10,
            chunk: 256 << 10,
        }
    }
}

/// What is known of an export before its rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The size of the file.
    pub bytes: u64,
    /// The encoding, as far as the beginning of the file tells; [`Tally::encoding`] is final.
    pub encoding: EncodingFact,
    /// How cells are told apart.
    pub dialect: Dialect,
    /// The line of the header, from 1.
    pub header_line: u64,
}

/// Takes the rows of one stretch of a file.
pub trait Sink: Send {
    /// Takes a row of the header's width. `line` is the physical line it begins on, from 1;
    /// `cells` are the wanted cells, in the order they were asked for, without quotes.
    /// An error sets the row aside.
    fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit>;

    /// Moves what `next` took of the stretch behind this one here, if the two need not stay apart.
    /// Gives whether it did: `next` is then used for another stretch.
    fn append(&mut self, _next: &mut Self) -> bool {
        false
    }
}

/// So much of a file tells its layout.
const SAMPLE: usize = 1 << 20;

impl Sheet {
    /// Opens an export and finds out how it is written.
    pub fn open(path: &Path, expect: &Expect<'_>, limits: &Limits) -> Result<Self, Refusal> {
        // Opening a pipe would wait for its writer.
        if !std::fs::metadata(path)?.is_file() {
            return Err(Refusal::NotCsv(Disguise::NotAFile));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Refusal::NotCsv(Disguise::NotAFile));
        }
        if metadata.len() == 0 {
            return Err(Refusal::NotCsv(Disguise::Empty));
        }
        if metadata.len() > limits.file {
            return Err(Refusal::Limit { what: "bytes", limit: limits.file });
        }
        let asked = Asked::new(expect.names);
        let (detected, layout) =
            on_wiped_stack(|| look(&file, &asked, expect.encoding, limits.record))?;
        if layout.header.len() > limits.columns {
            return Err(Refusal::Limit { what: "columns", limit: limits.columns as u64 });
        }
        asked.check(&layout.header, expect.required).map_err(Refusal::Header)?;
        Ok(Self {
            grammar: Grammar {
                dialect: layout.dialect,
                width: layout.header.len(),
                longest: limits.record,
            },
            facts: Facts {
                bytes: metadata.len(),
                encoding: detected.fact(),
                dialect: layout.dialect,
                header_line: layout.header_line,
            },
            file,
            detected,
            limits: *limits,
            header: layout.header,
            body: layout.body,
            body_line: layout.body_line,
        })
    }

    /// The names of the columns, without surrounding space.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The column of that name; `Create Date#2` is the second one of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        header::column(&self.header, name)
    }

    /// What is known of the file.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads all rows, on that many threads, and gives the wanted cells of each to a sink: one
    /// sink a chunk, unless they can be appended, in the order of the file.
    ///
    /// `wanted` are columns, from 0. The sinks hold the same rows, whatever the number of threads.
    /// A chunk may be read twice, so that a sink is worth something only once it is given back.
    pub fn read<S: Sink>(
        &self,
        wanted: &[usize],
        new_sink: impl Fn() -> S + Sync,
        threads: NonZeroUsize,
    ) -> Result<(Vec<S>, Tally), Refusal> {
        on_wiped_stack(|| read::read(self, wanted, &new_sink, threads))
    }
}

/// Looks at the beginning of a file: its encoding and its layout.
fn look(
    file: &File,
    asked: &Asked<'_>,
    encoding: Option<Encoding>,
    longest: usize,
) -> Result<(Detected, Layout), Refusal> {
    let mut raw = Buffer::default();
    let whole = read::sample(file, SAMPLE, &mut raw)?;
    if let Some(disguise) = disguise(raw.filled()) {
        return Err(Refusal::NotCsv(disguise));
    }
    let detected = encoding::detect(lines(raw.filled(), whole), encoding)?;
    let mut bytes = Buffer::default();
    let mut feed = Feed::new(file, detected)?;
    feed.fill(&mut bytes, SAMPLE)?;
    let text = detected.text();
    let sample = Sample { bytes: bytes.filled(), whole: feed.ended(), text: &text, longest };
    Ok((detected, dialect::find(sample, asked)?))
}

/// The part of a sample that ends with a line.
fn lines(sample: &[u8], whole: bool) -> &[u8] {
    if whole {
        return sample;
    }
    let end = memchr::memrchr2(b'\n', b'\r', sample).map_or(sample.len(), |at| at + 1);
    sample.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Keeps the rows as one line of text each.
    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Sink for Lines {
        fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit> {
            if cells.first() == Some(&"misfit") {
                return Err(Misfit { column: 0, length: 6, code: "kind" });
            }
            self.0.push(format!("{line}:{}", cells.join("|")));
            Ok(())
        }
    }

    fn read(bytes: &[u8], names: &[&str], chunk: usize, threads: usize) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let limits = Limits { chunk, ..Limits::default() };
        let expect = Expect { names, required: names, encoding: None };
        let show = || -> Result<String, Refusal> {
            let sheet = Sheet::open(file.path(), &expect, &limits)?;
            let wanted: Vec<_> = names.iter().map(|name| sheet.column(name).unwrap()).collect();
            let threads = NonZeroUsize::new(threads).unwrap();
            let (sinks, tally) = sheet.read(&wanted, Lines::default, threads)?;
            let mut out: Vec<_> = sinks.into_iter().flat_map(|sink| sink.0).collect();
            out.extend(
                tally
                    .problems
                    .iter()
                    .map(|problem| format!("{}!{}", problem.line, problem.trouble.code())),
            );
            if tally.blank + tally.footer > 0 {
                out.push(format!("blank {} footer {}", tally.blank, tally.footer));
            }
            if tally.looks_truncated {
                out.push("cut".to_owned());
            }
            Ok(out.join(" "))
        };
        show().unwrap_or_else(|refusal| format!("refused: {refusal}"))
    }

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, names: &[&str], expect: &str) {
        let bytes = bytes.as_ref();
        assert_eq!(read(bytes, names, 4 << 20, 1), expect);
        for (chunk, threads) in [(1, 1), (7, 3), (16, 2), (64, 1)] {
            assert_eq!(read(bytes, names, chunk, threads), expect, "in chunks of {chunk}");
        }
    }

    #[test]
    fn rows_are_read_whole_and_in_place() {
        check("Id,Note,Name\n1,x,Ann\n2,y,Bob\n", &["Id", "Name"], "2:1|Ann 3:2|Bob");
        check("Id,Note,Name\n1,x,Ann", &["Name", "Id"], "2:Ann|1");
        check("Id,Note,Name\r\n1,\"a\r\nb\",Ann\r\n2,,B\r\n", &["Id"], "2:1 4:2");
        check("Id,Name\n1,\"say \"\"hi\"\", Ann\"\n", &["Name"], "2:say \"hi\", Ann");
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_own_line_only() {
        check(
            "Id,Note,Name\n1,\"x,Ann\n2,y,Bob\n3,\"z\",Cat\n",
            &["Id", "Name"],
            "3:2|Bob 4:3|Cat 2!quote",
        );
        check("Id,Note\n1,\"x\n2,y\n3,z\n", &["Id"], "3:2 4:3 2!quote");
        check("Id,Note\n1,5\" pipe\n2,y\n", &["Id"], "3:2 2!quote");
        check("Id,Note\n1,\"x\"y\n2,y\n", &["Id"], "3:2 2!quote");
    }

    #[test]
    fn rows_that_a_quote_may_have_swallowed_are_named() {
        // The quote of line 2 finds a partner on line 5, and the width fits.
        check(
            "Id,Note,Name,Kind\n1,\"x,A\n2,y,B,k\n3,z,C,k\n4\",u,D\n5,v,E,k\n",
            &["Id", "Name"],
            "6:5|E 2!ambiguous 3!ambiguous 4!ambiguous",
        );
        // A line that may be the front of the row behind it is no matter for later rows.
        check(
            "Id,Note,Name\nx\n1,\"x\n2,y,B\n3,z\",C\n4,u,D\n",
            &["Id", "Name"],
            "6:4|D 2!width 3!ambiguous 4!ambiguous",
        );
        // Text of several lines, with commas as people write them.
        check(
            "Id,Note,Name\n1,\"Dear Ann,\nred, green, blue\nBye,\",A\n2,y,B\n",
            &["Id", "Name"],
            "2:1|A 5:2|B",
        );
    }

    #[test]
    fn short_and_long_rows_are_set_aside() {
        check("Id,Note,Name\n1,x\n2,y,Bob\n3,z,Cat,!\n", &["Id"], "3:2 2!width 4!width");
        check("Id,Name\n1,Ann\n2", &["Id"], "2:1 3!width cut");
        check("Id,Name\n1,Ann\n2,\"Bo", &["Id"], "2:1 3!quote cut");
        // A last row that is whole and cannot be taken is not cut.
        check("Id,Name\n1,Ann\nmisfit,Bo", &["Id"], "2:1 3!kind");
        let long = format!("Id,Name\n1,Ann\n{},Bo", "x".repeat(5 << 10));
        check(long, &["Id"], "2:1 3!too_long");
        check("Id,Name\n1,Ann\nmisfit,Bob\n", &["Id"], "2:1 3!kind");
    }

    #[test]
    fn a_line_break_that_cuts_a_row_costs_the_row() {
        // Within the last cell, the first cell, and both at once.
        check("Id,Name\n1,Ann\nLee\n2,Bob\n3,Cat\n", &["Name"], "4:Bob 5:Cat 2!ambiguous 3!width");
        check("Id,Name\n1,Ann\n00\n2,Bob\n3,Cat\n", &["Id"], "2:1 5:3 3!width 4!ambiguous");
        check(
            "Id,Name\n1,Ann\n00\n2,Bob\n3,Cat\n",
            &["Id", "Name"],
            "5:3|Cat 2!ambiguous 3!width 4!ambiguous",
        );
        // Cells that are not wanted may be cut, and quotes leave no doubt.
        check("Note,Id\nx\ny,1\nz,2\n", &["Id"], "3:1 4:2 2!width");
        check("Id,Name\n\"1\",\"Ann\"\nLee\n", &["Id", "Name"], "2:1|Ann 3!width");
    }

    #[test]
    fn the_names_tell_the_dialect() {
        check("Id;Name\n1;Ann, B\n", &["Id", "Name"], "2:1|Ann, B");
        check("Id\tName\n1\tAnn\n", &["Id", "Name"], "2:1|Ann");
        check("Id|Name\n1|Ann\n", &["Id", "Name"], "2:1|Ann");
        check("sep=;\nId;Name\n1;Ann\n", &["Id", "Name"], "3:1|Ann");
        check("My report\n\nId,Name\n1,Ann\n", &["Id", "Name"], "4:1|Ann");
        check("'Id','Name'\n'1','Ann, B'\n", &["Id", "Name"], "2:1|Ann, B");
        check("Id,Name\n1,'Ann, B'\n2,'Cat'\n", &["Id", "Name"], "2:1|Ann, B 3:2|Cat");
        check("Id,Name\n1,O'Neil\n2,'tis\n", &["Id", "Name"], "2:1|O'Neil 3:2|'tis");
        check("Id, Name\n1, \"Ann, B\"\n", &["Id", "Name"], "2:1|Ann, B");
        check("Id,Name\n1,\"5\\\" pipe\"\n2,\"x\"\n", &["Id", "Name"], "2:1|5\" pipe 3:2|x");
        check("Id,Name\rA,1\rB,2\r", &["Id", "Name"], "2:A|1 3:B|2");
        check("Id,Name\nA,1\r\nB,2\rC,3\n", &["Id", "Name"], "2:A|1 3:B|2 4:C|3");
    }

    #[track_caller]
    fn check_layout(bytes: &str, expect: &str) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes.as_bytes()).unwrap();
        let found = match Sheet::open(file.path(), &Expect::default(), &Limits::default()) {
            Ok(sheet) => {
                let Facts { dialect, header_line, .. } = *sheet.facts();
                let delimiter = char::from(dialect.delimiter);
                format!("{header_line}:{}", sheet.header().join(&delimiter.to_string()))
            }
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn without_names_the_first_records_tell_the_layout() {
        check_layout("Id,Name\n1,Ann\n2,Bob\n", "1:Id,Name");
        check_layout("Id;Amount\n1;1,50\n2;12,00\n", "1:Id;Amount");
        check_layout("Id\tNote\n1\ta, b\n2\tc\n", "1:Id\tNote");
        check_layout("Leads of 2026\n\nId,Name,Stage\n1,Ann,\n2,Bob,New\n", "3:Id,Name,Stage");
        check_layout("'Id','Name'\n'1','Ann, B'\n", "1:Id,Name");
        check_layout("Id,Name", "1:Id,Name");
        check_layout("1,2\n3,4\n", "no_header");
        check_layout("ann@example.com,00Q1\nbob@example.com,00Q2\n", "no_header");
    }

    #[test]
    fn lines_that_are_no_rows_are_counted() {
        check("Id,Name\n\n1,Ann\n,\n \n", &["Id"], "3:1 blank 3 footer 0");
        let footer = "\"My report\"\n\
            \"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.\"\n\
            \"Confidential Information - Do Not Distribute\"\n\
            \"Generated By: Ann Lee 3/4/2026 10:22 AM\"\n\"Example Inc\"";
        let report = format!("\"Id\",\"Name\"\n\"1\",\"Ann\"\n\n\n{footer}");
        check(report, &["Id", "Name"], "2:1|Ann blank 2 footer 5");
    }

    #[test]
    fn a_second_table_is_not_read_as_the_first() {
        check("Id,Name\n1,Ann\nId,Name\n2,Bob\n", &["Id"], "2:1 3!second_table");
        check("Id,Name\nId,Name\n2,Bob\n", &["Id"], "3:2");
        let two = "refused: holds a second table, which begins at line 4";
        check("Id,Name\n1,Ann\n\nA,B,C\n1,2,3\n", &["Id"], two);
        let three = "refused: holds a second table, which begins at line 3";
        check("Id,Name\n1,Ann\nId,Name,Kind\n1,2,3\n", &["Id"], three);
    }

    #[test]
    fn bytes_that_are_no_text_matter_in_wanted_columns_only() {
        check(b"Id,Note\n1,M\xfcller\n2,\xc3\xbc\n", &["Id"], "2:1 3:2");
        check(b"Id,Note\n1,M\xfcller\n2,\xc3\xbc\n", &["Note"], "3:\u{fc} 2!encoding");
        check(b"Id,Note\n1,M\xfcller\n", &["Note"], "2:Müller");
        check(b"Id,Note\n1,a\0b\n2,x\n", &["Id"], "3:2 2!nul");
        let utf16: Vec<u8> =
            "\u{feff}Id\tName\n1\tÄnne\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(utf16, &["Id", "Name"], "2:1|Änne");
    }

    #[test]
    fn an_encoding_told_late_is_told_for_the_whole_file() {
        let rows = "1,plain\n".repeat(200_000);
        let late = [b"Id,Name\n", rows.as_bytes(), b"x,M\xfcller\n"].concat();
        let both = [&late[..], "y,Änne\n".as_bytes()].concat();
        let read = |bytes: &[u8]| read(bytes, &["Name"], 1 << 16, 2);
        assert!(read(&late).ends_with("200002:Müller"));
        assert!(read(&both).ends_with("200003:Änne 200002!encoding"));
    }
}
