//! Why a file is not read, in words that name the remedy.
//!
//! Does not: quote a cell, or name a column that nobody asked for.

use std::fmt::Write as _;
use std::io;

use thiserror::Error;

use crate::folder;

use super::tally::Tally;

/// A file that is refused as a whole.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The operating system did not give the bytes; look at the path and its rights.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// Something else than a CSV export; [`Refusal::hint`] says how to get one.
    #[error("{0}")]
    NotCsv(Disguise),
    /// The bytes are text, but it is not known in which encoding; name it.
    #[error("{0}")]
    Encoding(Unreadable),
    /// The header does not tell which column is which; correct it or the rules.
    #[error("{0}")]
    Header(HeaderFault),
    /// The content is not one table in good order; export it again.
    #[error("{fault}")]
    Content {
        /// What is wrong.
        fault: ContentFault,
        /// What was read until then, for the lines it names.
        tally: Box<Tally>,
    },
    /// The file is beyond a limit; split it or raise the limit.
    #[error("has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much of it is allowed.
        limit: u64,
    },
}

/// What a file is that is named like a CSV export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Disguise {
    /// No bytes at all.
    #[error("is empty")]
    Empty,
    /// A folder, pipe or device.
    #[error("is not a regular file")]
    NotAFile,
    /// Typically the login page instead of the export.
    #[error("is a web page, not CSV")]
    Html,
    /// An answer of an API, or an error object.
    #[error("is JSON, not CSV")]
    Json,
    /// Compressed.
    #[error("is compressed with gzip")]
    Gzip,
    /// An Excel workbook or another zip archive.
    #[error("is an Excel workbook or a zip archive, not CSV")]
    Zip,
    /// An old Excel workbook.
    #[error("is an old Excel workbook, not CSV")]
    Ole,
    /// A document.
    #[error("is a PDF, not CSV")]
    Pdf,
}

/// Why the bytes cannot be read as text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// More signs of Mac Roman than of Windows-1252.
    #[error("is not UTF-8 and looks like Mac Roman")]
    LooksMacRoman,
    /// Neither UTF-8 nor a western single-byte encoding.
    #[error("is not UTF-8, and which encoding it is cannot be told from its bytes")]
    Unknown,
    /// UTF-32, which no export tool writes by default.
    #[error("is UTF-32")]
    Utf32,
    /// The header itself holds bytes that are not text in the file's encoding.
    #[error("has a header that is not valid {encoding} in column {column}")]
    Header {
        /// The encoding the rest of the file is in.
        encoding: String,
        /// The column, from 1.
        column: usize,
    },
}

/// Why the header does not tell which column is which.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderFault {
    /// None of the expected names is found.
    #[error("has no header: none of the expected columns is named in its first {lines} lines")]
    NotFound {
        /// How many lines were looked at.
        lines: usize,
    },
    /// Required columns are not there.
    #[error("lacks {}", quoted(names))]
    Missing {
        /// Their names.
        names: Vec<String>,
        /// How many columns have no name at all.
        unnamed: usize,
    },
    /// A name that is asked for stands above several columns.
    #[error("names {} columns `{name}`{}", columns.len(), if *by_case { " if case is ignored" } else { "" })]
    Duplicate {
        /// The name.
        name: String,
        /// The columns, from 1.
        columns: Vec<usize>,
        /// Whether they differ in case.
        by_case: bool,
    },
    /// A name that differs from an expected one in case, spaces or underscores only.
    #[error("has the column `{}`, which is close to `{name}` and not the same", found.escape_debug())]
    Near {
        /// The name in the file.
        found: String,
        /// The expected name.
        name: String,
    },
    /// A name that only looks like another one.
    #[error(
        "has in column {column} a name that looks like {} but is written with {character}",
        match name { Some(name) => format!("`{name}`"), None => "plain letters".to_owned() }
    )]
    Lookalike {
        /// The column, from 1.
        column: usize,
        /// The expected name it looks like.
        name: Option<String>,
        /// The first foreign character, as its code point.
        character: String,
    },
}

/// Why the rows cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentFault {
    /// A second table begins.
    #[error("holds a second table, which begins at line {line}")]
    SecondTable {
        /// The line, from 1.
        line: u64,
    },
    /// Too many rows had to be set aside.
    #[error("has {set_aside} of {rows} rows that cannot be read without guessing")]
    Damaged {
        /// Rows set aside.
        set_aside: u64,
        /// Rows met.
        rows: u64,
        /// What is wrong with most of them.
        mostly: Damage,
    },
    /// A line without an end.
    #[error("has no line end within {limit} bytes from line {line} on")]
    Endless {
        /// The line, from 1.
        line: u64,
        /// The most bytes a record may have.
        limit: usize,
    },
    /// The file grew or shrank while it was read.
    #[error("changed while it was read")]
    Changed,
}

/// What is wrong with most of the rows that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// Quotes and delimiters do not make cells.
    Structure,
    /// Values that their columns do not hold.
    Values,
    /// Cells or rows longer than a field of a CRM.
    Length,
    /// Bytes that are no text.
    Bytes,
}

impl Damage {
    fn hint(self) -> &'static str {
        match self {
            Self::Structure => {
                "export it again with every cell quoted; the lines listed show where it breaks"
            }
            Self::Values => {
                "the columns listed hold something else than their names say, or a spreadsheet rewrote \
                 their values (long ids as 1.2E+17): take the export as the CRM wrote it"
            }
            Self::Length => {
                "the columns listed hold long texts, by which nothing is judged: leave them out of what is read"
            }
            Self::Bytes => {
                "it was damaged on its way or is in another encoding: export it as CSV UTF-8"
            }
        }
    }
}

impl Refusal {
    /// A short stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::NotCsv(disguise) => match disguise {
                Disguise::Empty => "empty",
                Disguise::NotAFile => "not_a_file",
                Disguise::Html => "html",
                Disguise::Json => "json",
                Disguise::Gzip => "gzip",
                Disguise::Zip => "zip",
                Disguise::Ole => "ole",
                Disguise::Pdf => "pdf",
            },
            Self::Encoding(_) => "encoding",
            Self::Header(fault) => match fault {
                HeaderFault::NotFound { .. } => "no_header",
                HeaderFault::Missing { .. } => "missing_column",
                HeaderFault::Duplicate { .. } => "duplicate_header",
                HeaderFault::Near { .. } => "near_header",
                HeaderFault::Lookalike { .. } => "lookalike_header",
            },
            Self::Content { fault, .. } => match fault {
                ContentFault::SecondTable { .. } => "second_table",
                ContentFault::Damaged { mostly: Damage::Values, .. } => "kind",
                ContentFault::Damaged { .. } => "damaged",
                ContentFault::Endless { .. } => "endless_line",
                ContentFault::Changed => "changed",
            },
            Self::Limit { .. } => "limit",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Io(error) => folder::shortage(error)
                .unwrap_or("check that the file exists and may be read")
                .to_owned(),
            Self::NotCsv(disguise) => disguise.hint().to_owned(),
            Self::Encoding(fault) => match fault {
                Unreadable::LooksMacRoman => {
                    "export it as CSV UTF-8, or convert it: `iconv -f macintosh -t utf-8`"
                        .to_owned()
                }
                Unreadable::Unknown | Unreadable::Header { .. } => {
                    "export it as CSV UTF-8, or convert it: `iconv -f ITS-ENCODING -t utf-8`"
                        .to_owned()
                }
                Unreadable::Utf32 => "export it as CSV UTF-8".to_owned(),
            },
            Self::Header(fault) => fault.hint(),
            Self::Content { fault, .. } => match fault {
                ContentFault::SecondTable { .. } => "keep one table in one file".to_owned(),
                ContentFault::Damaged { mostly, .. } => mostly.hint().to_owned(),
                ContentFault::Endless { .. } => "check that this is a CSV export".to_owned(),
                ContentFault::Changed => {
                    "wait until the export is complete and run again".to_owned()
                }
            },
            Self::Limit { .. } => "split the export".to_owned(),
        }
    }
}

impl Disguise {
    fn hint(self) -> &'static str {
        match self {
            Self::Empty => "export it again; the export wrote nothing",
            Self::NotAFile => "give the path of an export",
            Self::Html => "it is probably a login page: export again while signed in",
            Self::Json => "export as CSV; if it is an error message, the export failed",
            Self::Gzip => "unpack it with `gunzip`",
            Self::Zip | Self::Ole => "save it as `CSV UTF-8`, or unpack the archive",
            Self::Pdf => "export as CSV",
        }
    }
}

impl HeaderFault {
    fn hint(&self) -> String {
        match self {
            Self::NotFound { .. } => {
                "export with column names, or correct the names that are asked for".to_owned()
            }
            Self::Missing { unnamed, .. } => {
                let mut hint =
                    "add the columns to the export, or correct the names that are asked for"
                        .to_owned();
                if *unnamed > 0 {
                    let _ = write!(hint, "; {unnamed} columns of the export have no name");
                }
                hint
            }
            Self::Duplicate { name, by_case: false, .. } => {
                format!("rename one of them, or ask for `{name}#1` or `{name}#2` by their order")
            }
            Self::Duplicate { by_case: true, .. } => "rename or drop one of them".to_owned(),
            Self::Near { found, .. } => {
                format!("list `{}` in `from` if it is the column meant", found.escape_debug())
            }
            Self::Lookalike { .. } => "type the name again with plain letters".to_owned(),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let word = if names.len() == 1 { "column" } else { "columns" };
    let list: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("the {word} {}", list.join(", "))
}
