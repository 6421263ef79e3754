//! The CSV reader against files as they arrive: polluted, disguised, cut, mutated.
//!
//! Every cell of a column that is not asked for holds `CANARY`, which no output may.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crm_review::source::csv::{Encoding, Expect, Limits, Misfit, Sheet, Sink};
use crm_review::source::inspect::{Options, inspect_fields};

/// A folder with one file in it, over and over.
struct Desk {
    folder: tempfile::TempDir,
}

/// What the reader made of a file.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    /// Accepted rows with the line they begin on, or why the file is refused.
    rows: Result<Vec<(u64, Vec<String>)>, String>,
    /// Lines of problems with their codes.
    problems: Vec<(u64, &'static str)>,
}

#[derive(Default)]
struct Rows(Vec<(u64, Vec<String>)>);

impl Sink for Rows {
    fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.0.push((line, cells.iter().map(|&cell| cell.to_owned()).collect()));
        Ok(())
    }
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("export.csv");
        fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
            .unwrap();
        path
    }

    /// Reads without any idea of what values look like: the reader's own strictness.
    fn read(&self, bytes: &[u8], names: &[&str], chunk: usize, threads: usize) -> Read {
        let path = self.put(bytes);
        let limits = Limits { chunk, ..Limits::default() };
        let expect = Expect { names, required: names, encoding: None };
        let outcome = Sheet::open(&path, &expect, &limits).and_then(|sheet| {
            let wanted: Vec<_> = names.iter().map(|name| sheet.column(name).unwrap()).collect();
            sheet.read(&wanted, Rows::default, NonZeroUsize::new(threads).unwrap())
        });
        match outcome {
            Ok((sinks, tally)) => {
                let rows: Vec<_> = sinks.into_iter().flat_map(|sink| sink.0).collect();
                assert_eq!(tally.rows_read - tally.quarantined, rows.len() as u64);
                assert_eq!(tally.bytes, bytes.len() as u64);
                let problems = tally.problems.iter();
                Read {
                    rows: Ok(rows),
                    problems: problems.map(|p| (p.line, p.trouble.code())).collect(),
                }
            }
            Err(refusal) => Read { rows: Err(refusal.code().to_owned()), problems: Vec::new() },
        }
    }
}

mod pollution {
    //! In the spirit of HPI's Pollock: one clean table, damaged at every row and column.

    use super::*;

    const NAMES: [&str; 9] =
        ["Date", "Time", "Qty", "Product", "Price", "Kind", "Description", "Link", "Comments"];
    const ASKED: [&str; 6] = ["Date", "Time", "Qty", "Product", "Price", "Kind"];
    const ROWS: usize = 83;

    /// The table's cells, the header first.
    fn table() -> Vec<Vec<String>> {
        const KINDS: [&str; 6] = [
            "Hiking Boots",
            "Throw Pillow, Wooden",
            "Kid's Hat",
            "Table, Round 48\"",
            "Sofa",
            "Shirt, \"Oxford\", Plaid",
        ];
        const TEXTS: [&str; 4] = [
            "CANARY rugged enough, yet light and quick",
            "CANARY cut for 5\" boots, and more",
            "CANARY warm",
            "CANARY, soft, cozy, and made to last",
        ];
        let mut table = vec![NAMES.map(str::to_owned).to_vec()];
        for row in 0..ROWS {
            let pick = |from: &[&str]| from[(row * 7 + row / 3) % from.len()].to_owned();
            table.push(vec![
                format!("{:02}/{:02}/2026", row % 28 + 1, row / 28 + 1),
                format!("{:02}:{:02}", row % 24, row * 5 % 60),
                (row % 9).to_string(),
                format!("MG-{}", 1000 + row * 37),
                format!("${}.{:02}", row * 3, row % 100),
                pick(&KINDS),
                pick(&TEXTS),
                format!("https://www.example.com/CANARY/{row}.html"),
                if row % 5 == 0 { "CANARY".to_owned() } else { String::new() },
            ]);
        }
        table
    }

    /// How a table is written.
    #[derive(Clone, Copy)]
    struct Style {
        delimiter: &'static str,
        quote: char,
        escape: char,
        eol: &'static str,
        quote_all: bool,
    }

    const PLAIN: Style =
        Style { delimiter: ",", quote: '"', escape: '"', eol: "\r\n", quote_all: false };

    impl Style {
        /// A cell, in quotes where it needs them; descriptions and links always have them.
        fn cell(&self, column: usize, value: &str, header: bool) -> String {
            let bare = self.delimiter.trim_end();
            let needed =
                value.contains(bare) || value.contains([self.quote, '\n']) || value.contains('"');
            if !self.quote_all && !needed && (header || !(6..8).contains(&column)) {
                return value.to_owned();
            }
            let (quote, escape) = (self.quote, self.escape);
            format!("{quote}{}{quote}", value.replace(quote, &format!("{escape}{quote}")))
        }

        /// The cells of every line, as they are written.
        fn cells(&self, table: &[Vec<String>]) -> Vec<Vec<String>> {
            let rows = table.iter().enumerate();
            rows.map(|(row, cells)| {
                let cells = cells.iter().enumerate();
                cells.map(|(column, value)| self.cell(column, value, row == 0)).collect()
            })
            .collect()
        }

        fn line(&self, cells: &[String]) -> String {
            cells.join(self.delimiter) + self.eol
        }

        fn write(&self, table: &[Vec<String>]) -> String {
            self.cells(table).iter().map(|cells| self.line(cells)).collect()
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Damage {
        DelimiterLess,
        DelimiterMore,
        QuoteBefore,
        QuoteWithin,
        QuoteBehind,
        QuoteOpen,
        OtherQuote,
        OtherDelimiter,
        LineBreak,
        Cut,
        Merged,
        Doubled,
        Nul,
        NoText,
    }

    const DAMAGES: [Damage; 14] = [
        Damage::DelimiterLess,
        Damage::DelimiterMore,
        Damage::QuoteBefore,
        Damage::QuoteWithin,
        Damage::QuoteBehind,
        Damage::QuoteOpen,
        Damage::OtherQuote,
        Damage::OtherDelimiter,
        Damage::LineBreak,
        Damage::Cut,
        Damage::Merged,
        Damage::Doubled,
        Damage::Nul,
        Damage::NoText,
    ];

    impl Damage {
        /// The file with the damage, unless there is nothing to damage.
        fn inflict(self, clean: &[Vec<String>], row: usize, column: usize) -> Option<Vec<u8>> {
            let mut cells = clean[row].clone();
            let cell = cells[column].clone();
            let middle = cell.len() / 2;
            let mut line = None;
            match self {
                Self::DelimiterLess => {
                    let next = (column + 1 < cells.len()).then(|| cells.remove(column + 1))?;
                    cells[column] += &next;
                }
                Self::DelimiterMore => cells.insert(column, String::new()),
                Self::QuoteBefore => {
                    cells[column] = insert(&cell, usize::from(cell.starts_with('"')), "\"");
                }
                Self::QuoteWithin => cells[column] = insert(&cell, middle, "\""),
                Self::QuoteBehind => cells[column] = cell + "\"",
                Self::QuoteOpen => {
                    cells[column] = cell.strip_suffix('"').filter(|_| cell.len() > 1)?.to_owned();
                }
                Self::OtherQuote => {
                    let inner = cell.strip_prefix('"')?.strip_suffix('"')?;
                    // Without a comma inside it would be another value, and a whole one.
                    (column > 5 || inner.contains(',')).then_some(())?;
                    cells[column] = format!("'{inner}'");
                }
                Self::OtherDelimiter => {
                    (column == 0).then_some(())?;
                    line = Some(cells.join(";") + "\r\n");
                }
                Self::LineBreak => {
                    // In a quoted cell it would be another value, and a whole one.
                    (!cell.is_empty() && !cell.starts_with('"')).then_some(())?;
                    cells[column] = insert(&cell, middle.max(1), "\r\n");
                    (cell.len() > 1).then_some(())?;
                }
                Self::Cut => {
                    (column < 8).then_some(())?;
                    cells.truncate(column + 1);
                    cells[column].truncate(middle);
                }
                Self::Merged => {
                    (column == 0 && row < ROWS).then_some(())?;
                    line = Some(cells.join(","));
                }
                Self::Doubled => cells.extend_from_within(column..),
                Self::Nul => cells[column] = insert(&cell, middle, "\0"),
                // A place to put the byte.
                Self::NoText => cells[column] = insert(&cell, middle, "\u{1}"),
            }
            let line = line.unwrap_or_else(|| cells.join(",") + "\r\n");
            let lines = clean
                .iter()
                .enumerate()
                .map(|(at, cells)| if at == row { line.clone() } else { cells.join(",") + "\r\n" });
            let mut bytes = lines.collect::<String>().into_bytes();
            for byte in &mut bytes {
                if *byte == 1 {
                    *byte = 0xfe;
                }
            }
            if matches!(self, Self::NoText) {
                // A file with some valid UTF-8 is UTF-8.
                bytes.extend("\r\nü\r\n".as_bytes());
            }
            Some(bytes)
        }
    }

    fn insert(cell: &str, at: usize, what: &str) -> String {
        format!("{}{what}{}", &cell[..at.min(cell.len())], &cell[at.min(cell.len())..])
    }

    #[test]
    fn damaged_rows_are_named_and_every_other_row_is_kept() {
        let desk = Desk::new();
        let table = table();
        let clean = PLAIN.cells(&table);
        let truth: Vec<_> = table[1..].iter().map(|cells| cells[..6].to_vec()).collect();
        let (mut files, mut refused, mut kept) = (0, 0, 0);
        let rows = [0, 1, 2, 3, 5, 6, 41, 82, 83];
        for damage in DAMAGES {
            for row in rows {
                for column in 0..9 {
                    let Some(bytes) = damage.inflict(&clean, row, column) else { continue };
                    let what = format!("{damage:?} in row {row}, column {column}");
                    files += 1;
                    let read = desk.read(&bytes, &ASKED, 4 << 20, 1);
                    let Ok(found) = read.rows else {
                        refused += 1;
                        assert!(row == 0, "{what} refuses the file");
                        continue;
                    };
                    kept += found.len();
                    let mut left = truth.iter();
                    for (line, cells) in &found {
                        assert!(!cells.iter().any(|cell| cell.contains("CANARY")), "{what}: leak");
                        assert!(left.any(|true_row| true_row == cells), "{what}: wrong at {line}");
                    }
                    let line = row as u64 + 1;
                    let accepted =
                        row > 0 && found.iter().any(|(_, cells)| *cells == truth[row - 1]);
                    let named = read.problems.iter().any(|(at, _)| *at == line);
                    assert!(row == 0 || accepted || named, "{what}: lost in silence");
                    assert!(found.len() + 3 >= ROWS, "{what}: {} rows are left", found.len());
                }
            }
        }
        let share = 100.0 * f64::from(u32::try_from(kept).unwrap()) / f64::from(files * 83);
        assert!(files > 800 && refused < files / 8, "{refused} of {files} refused");
        // The header is one row in nine here, and one in 84 as the benchmark counts.
        let good =
            100.0 * f64::from(u32::try_from(kept).unwrap()) / f64::from((files - refused) * 83);
        assert!(good > 98.0, "{good} % of rows kept where the header is whole, {share} % overall");
    }

    #[test]
    fn the_benchmark_of_missing_and_stray_delimiters_and_quotes() {
        let desk = Desk::new();
        let table = table();
        let clean = PLAIN.cells(&table);
        let (mut files, mut kept) = (0_u32, 0_u32);
        for row in 0..=ROWS {
            for column in 0..9 {
                for damage in [Damage::DelimiterLess, Damage::DelimiterMore, Damage::QuoteBefore] {
                    let Some(bytes) = damage.inflict(&clean, row, column) else { continue };
                    files += 1;
                    if let Ok(found) = desk.read(&bytes, &ASKED, 4 << 20, 1).rows {
                        kept += u32::try_from(found.len()).unwrap();
                    }
                }
            }
        }
        let share = 100.0 * f64::from(kept) / f64::from(files * 83);
        assert!(share >= 97.3, "{share} % of rows kept");
    }

    #[test]
    fn dialects_are_told_from_the_names() {
        let desk = Desk::new();
        let table = table();
        let truth: Vec<_> = table[1..].iter().map(|cells| cells[..6].to_vec()).collect();
        let check = |what: &str, bytes: &[u8]| {
            let read = desk.read(bytes, &ASKED, 4 << 20, 1);
            let rows = read.rows.unwrap_or_else(|code| panic!("{what} is refused: {code}"));
            let rows: Vec<_> = rows.into_iter().map(|(_, cells)| cells).collect();
            assert!(rows == truth, "{what}: {} rows, {:?}", rows.len(), read.problems);
            for (chunk, threads) in [(100, 1), (3000, 2)] {
                let again = desk.read(bytes, &ASKED, chunk, threads);
                assert_eq!(again.rows.unwrap().len(), rows.len(), "{what} in chunks of {chunk}");
            }
        };
        let style = |style: Style| style.write(&table).into_bytes();
        check("plain", &style(PLAIN));
        check("line feeds", &style(Style { eol: "\n", ..PLAIN }));
        check("carriage returns", &style(Style { eol: "\r", ..PLAIN }));
        check("semicolons", &style(Style { delimiter: ";", ..PLAIN }));
        check("tabs", &style(Style { delimiter: "\t", ..PLAIN }));
        check("bars", &style(Style { delimiter: "|", ..PLAIN }));
        check("comma and space", &style(Style { delimiter: ", ", ..PLAIN }));
        check("apostrophes", &style(Style { quote: '\'', escape: '\'', ..PLAIN }));
        check("backslashes", &style(Style { escape: '\\', ..PLAIN }));
        check("all quoted", &style(Style { quote_all: true, ..PLAIN }));
        check(
            "all in apostrophes",
            &style(Style { quote: '\'', escape: '\'', quote_all: true, ..PLAIN }),
        );
        let plain = PLAIN.write(&table);
        check("no final line end", plain.trim_end().as_bytes());
        check("two final line ends", format!("{plain}\r\n").as_bytes());
        check("preamble", format!("PREAMBLE,,,,,,,,\r\n\r\n{plain}").as_bytes());
        check("byte order mark", format!("\u{feff}{plain}").as_bytes());
        check(
            "declared",
            format!("sep=;\r\n{}", Style { delimiter: ";", ..PLAIN }.write(&table)).as_bytes(),
        );
        let header = PLAIN.line(&PLAIN.cells(&table)[0]);
        check("header of two lines", format!("{header}{plain}").as_bytes());
        let units = |to: fn(u16) -> [u8; 2], text: &str| {
            text.encode_utf16().flat_map(to).collect::<Vec<_>>()
        };
        check("UTF-16", &units(u16::to_le_bytes, &format!("\u{feff}{plain}")));
        check("UTF-16, big end first", &units(u16::to_be_bytes, &format!("\u{feff}{plain}")));
        check("UTF-16 without a mark", &units(u16::to_le_bytes, &plain));
    }
}

mod torture {
    //! What people call an export, and what becomes of it.

    use super::*;

    const FIELDS: [&str; 4] = ["Id", "Owner", "Stage", "Source"];

    /// A well-formed export with a column that is not asked for.
    const LEADS: &str = "Id,Owner,Notes,Stage,Source\n\
        00Q01,Ann,CANARY one,New,Web\n\
        00Q02,Bob,\"CANARY two, three\",Open,Event\n\
        00Q03,Cat,,Won,\n";

    /// `bytes` are inspected for the four fields; `expect` is what a person would be told.
    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expect: &str) {
        check_with(bytes.as_ref(), &FIELDS, &Options::default(), expect);
    }

    #[track_caller]
    fn check_with(bytes: &[u8], fields: &[&str], options: &Options, expect: &str) {
        let desk = Desk::new();
        let path = desk.put(bytes);
        let out = desk.folder.path().join("rows.csv");
        let fields: Vec<_> = fields.iter().map(|&field| field.to_owned()).collect();
        let report = inspect_fields(&path, &fields, options, Some(&out));
        let json = serde_json::to_value(&report).unwrap();
        let rows = fs::read_to_string(&out).unwrap_or_default();
        let shown = format!("{json}{}{rows}", report.to_text());
        assert!(!shown.contains("CANARY"), "leak: {shown}");
        assert_eq!(json["schema"], "crm-review/inspect/1");
        let found = if json["status"] == "refused" {
            assert!(report.exit_code() > 1 && !out.exists());
            format!("refused {}", json["reason"].as_str().unwrap())
        } else {
            assert!(report.exit_code() == 0 && json["reason"].is_null());
            let mut accepted = csv::Reader::from_reader(rows.as_bytes());
            assert!(accepted.headers().unwrap().iter().eq(&fields));
            let accepted = accepted.records().map(Result::unwrap).count();
            let counts = &json["rows"];
            let (read, bad) =
                (counts["read"].as_u64().unwrap(), counts["quarantined"].as_u64().unwrap());
            assert_eq!(accepted as u64, read - bad);
            let mut found = format!("{} {accepted} of {read}", json["status"].as_str().unwrap());
            for problem in json["problems"].as_array().unwrap() {
                let _ = write!(found, " {}:{}", problem["line"], problem["code"].as_str().unwrap());
            }
            found
        };
        assert_eq!(found, expect, "\n{}", report.to_text());
    }

    fn edited(from: &str, to: &str) -> String {
        assert!(LEADS.contains(from));
        LEADS.replacen(from, to, 1)
    }

    #[test]
    fn exports_as_they_should_be() {
        check(LEADS, "ok 3 of 3");
        check(LEADS.replace('\n', "\r\n"), "ok 3 of 3");
        check(LEADS.replace('\n', "\r"), "ok 3 of 3");
        check(LEADS.trim_end(), "ok 3 of 3");
        check(format!("\u{feff}{LEADS}"), "ok 3 of 3");
        check("Id,Owner,Notes,Stage,Source\n", "ok 0 of 0");
        check("Id,Owner,Notes,Stage,Source", "ok 0 of 0");
        check(edited("CANARY one", "\"CANARY\n\n one\""), "ok 3 of 3");
        check(edited("CANARY one", "\"CANARY \"\"one\"\"\""), "ok 3 of 3");
        check(format!("Leads\nby Ann\n\n{LEADS}\n\n"), "ok 3 of 3");
        check(edited("Notes", ""), "ok 3 of 3");
    }

    #[test]
    fn rows_that_are_set_aside() {
        check(edited("CANARY one,", ""), "partial 2 of 3 2:width");
        check(edited("CANARY one", "CANARY one,x"), "partial 2 of 3 2:width");
        check(edited("CANARY one", "\"CANARY one"), "partial 2 of 3 2:quote");
        check(edited("CANARY one", "CANARY \"one\""), "partial 2 of 3 2:quote");
        check(edited("CANARY one", "\"CANARY\" one"), "partial 2 of 3 2:quote");
        check(edited("three\"", "three"), "partial 2 of 3 3:quote");
        check(edited("Ann", "A\0n"), "partial 2 of 3 2:nul");
        check(
            edited("00Q01,Ann", "Ann,CANARY was here and said that he will call again on Monday"),
            "partial 2 of 3 2:kind",
        );
        check(LEADS.trim_end().trim_end_matches("Won,"), "partial 2 of 3 4:width");
        let long = "x".repeat(5000);
        check(edited("Ann", &long), "partial 2 of 3 2:too_long");
        check(format!("{LEADS}{LEADS}"), "partial 3 of 3 5:second_table");
        check(
            [LEADS.as_bytes(), b"00Q04,\xfcl,x,New,Web\n00Q05,\xc3\xbc,x,New,Web\n"].concat(),
            "partial 4 of 5 5:encoding",
        );
    }

    #[test]
    fn notes_that_look_like_rows_are_never_rows() {
        // Typed into a web form: a note of several lines that are rows.
        let note = "\"CANARY\n00Q66,Eve,x,Won,Web\n00Q67,Eve,x,Won,Web\nend\"";
        check(edited("CANARY one", note), "partial 2 of 5 2:ambiguous 3:ambiguous 4:ambiguous");
        // The same in a row that is broken elsewhere.
        let broken = edited("CANARY one", note).replacen("Ann", "A\"nn", 1);
        check(broken, "partial 2 of 5 2:ambiguous 3:ambiguous 4:ambiguous");
    }

    #[test]
    fn files_that_are_refused() {
        check("", "refused empty");
        check("<!DOCTYPE html><html><title>Login</title>", "refused html");
        check("{\"message\":\"Session expired\"}", "refused json");
        check("[{\"Id\":1}]", "refused json");
        check(b"\x1f\x8b\x08\0\0", "refused gzip");
        check(b"PK\x03\x04\x14\0", "refused zip");
        check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "refused ole");
        check("%PDF-1.4\n", "refused pdf");
        check("a,b,c,d,e\n1,2,3,4,5\n", "refused no_header");
        check(LEADS.split_once('\n').unwrap().1, "refused no_header");
        check(edited("Source", "Sources"), "refused missing_column");
        check(edited("Source", "source"), "refused near_header");
        check(edited("Notes", "stage"), "refused duplicate_header");
        check(edited("Notes", "Stage"), "refused duplicate_header");
        check(edited("Source", "S\u{43e}urce"), "refused lookalike_header");
        check(edited("Notes", "Sour\u{200b}ce"), "refused lookalike_header");
        check(edited("Notes", "\u{202e}Owner"), "refused lookalike_header");
        check(
            format!("{LEADS}\nCampaign,Members\nSpring,CANARY\nAutumn,CANARY\n"),
            "refused second_table",
        );
        check(format!("{LEADS}Id,Owner,Stage,Source\n1,2,3,4\n"), "refused second_table");
        check(
            edited("Ann", "Jos\u{e9} \u{8e}").chars().map(|c| c as u8).collect::<Vec<_>>(),
            "ok 3 of 3",
        );
        check(
            [b"Id,Owner,Stage,Source\n", &b"1,Ren\x8e,New,Web\n"[..]].concat(),
            "refused encoding",
        );
        check(
            [b"Id,Owner,Stage,Source\n", &b"1,\xc8\xe2\xe0\xed\xee\xe2 \xcf\xe5\xf2\xf0,x,y\n"[..]]
                .concat(),
            "refused encoding",
        );
        check(b"\xff\xfe\0\0I\0\0\0", "refused encoding");
        let rows: String = (0..20).fold(String::new(), |mut rows, row| {
            let _ = writeln!(
                rows,
                "{row},Ann,CANARY note of what was said on the phone that day and the next,x,y"
            );
            rows
        });
        // Notes and Stage have changed their names.
        check(format!("Id,Owner,Stage,Notes,Source\n{rows}"), "refused kind");
        check(
            format!("Id,Owner,Stage,Notes,Source\n{}", rows.replace(",x,y", "")),
            "refused damaged",
        );
    }

    #[test]
    fn encodings() {
        let named = |name: &str| Options { encoding: Encoding::parse(name), ..Options::default() };
        // In a column that is not asked for it does not matter which it is.
        let note =
            [b"Id,Owner,Notes,Stage,Source\n", &b"1,Ann,Ren\x8e \x81,New,Web\n"[..]].concat();
        check(&note, "ok 1 of 1");
        let mac = [b"Id,Owner,Stage,Source\n", &b"1,Ren\x8e,New,Web\n"[..]].concat();
        check_with(&mac, &FIELDS, &named("macintosh"), "ok 1 of 1");
        check_with(&mac, &FIELDS, &named("utf-8"), "partial 0 of 1 2:encoding");
        let units: Vec<u8> =
            LEADS.replace(',', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
        check_with(&units, &FIELDS, &Options::default(), "ok 3 of 3");
    }

    #[test]
    fn a_report_of_salesforce_keeps_its_footer_apart() {
        let report = "\"Id\",\"Owner\",\"Stage\",\"Source\"\n\"1\",\"Ann\",\"New\",\"Web\"\n\n\n\
            \"Leads CANARY\"\n\"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.\"\n\
            \"Confidential Information - Do Not Distribute\"\n\
            \"Generated By: CANARY 3/4/2026 10:22 AM\"\n\"Example Inc\"\n";
        check(report, "ok 1 of 1");
        let twice = format!("{report}Id,Owner,Stage,Source\n2,Bob,Open,Event\n");
        check(twice, "partial 1 of 1 10:second_table");
    }

    #[test]
    fn hubspot_repeats_names_of_the_second_object() {
        let export = "Record ID,Create Date,Company,Create Date\n1,2026-01-01,CANARY,2026-02-02\n";
        let options = Options::default();
        check_with(export.as_bytes(), &["Record ID"], &options, "ok 1 of 1");
        check_with(export.as_bytes(), &["Create Date"], &options, "refused duplicate_header");
        check_with(export.as_bytes(), &["Record ID", "Create Date#2"], &options, "ok 1 of 1");
        check_with(
            export.as_bytes(),
            &["Record ID", "Create Date#3"],
            &options,
            "refused missing_column",
        );
    }

    #[test]
    fn a_column_may_be_called_like_the_second_of_a_name() {
        let options = Options::default();
        for header in ["Line #2", "Line,Line #2", "Line #1,Line #2,Line#2"] {
            let export = format!("{header}\n{}\n", header.replace(|c: char| c != ',', "1"));
            check_with(export.as_bytes(), &["Line #2"], &options, "ok 1 of 1");
        }
        let export = "Line#2\n1\n";
        check_with(export.as_bytes(), &["Line#2"], &options, "ok 1 of 1");
    }

    #[test]
    fn large_parts() {
        let wide = (0..5000).fold(String::new(), |wide, column| format!("{wide},c{column}"));
        let cells = ",CANARY".repeat(5000);
        check(format!("Id,Owner,Stage,Source{wide}\n1,Ann,New,Web{cells}\n"), "ok 1 of 1");
        let note = "CANARY, and a line\n".repeat((50 << 20) / 19);
        check(edited("CANARY one", &format!("\"{note}\"")), "ok 3 of 3");
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let desk = Desk::new();
        let report = |path: &Path| {
            let report = inspect_fields(path, &["Id".to_owned()], &Options::default(), None);
            let json = serde_json::to_value(&report).unwrap();
            (json["reason"].as_str().unwrap().to_owned(), report.exit_code())
        };
        assert_eq!(report(desk.folder.path()), ("not_a_file".to_owned(), 2));
        assert_eq!(report(Path::new("/dev/null")), ("not_a_file".to_owned(), 2));
        assert_eq!(report(&desk.folder.path().join("none.csv")), ("io".to_owned(), 3));
    }

    #[test]
    fn the_report_has_the_agreed_form() {
        let desk = Desk::new();
        let path = desk.put(edited("CANARY one,", "").as_bytes());
        let fields = FIELDS.map(str::to_owned);
        let report = inspect_fields(&path, &fields, &Options::default(), None);
        let expect = r#"{"schema":"crm-review/inspect/1","file":{"sha256":"SHA","bytes":103,"name_printable":"export.csv"},"status":"partial","reason":null,"encoding":{"name":"utf-8","bom":false,"guessed":false},"dialect":{"delimiter":",","quote":"\"","escape":"double","eol":"lf"},"header":{"line":1,"columns":5,"allowed_found":["Id","Owner","Stage","Source"],"missing":[],"ignored_columns":1},"rows":{"read":3,"quarantined":1,"blank":0,"footer":0},"problems":[{"line":2,"code":"width","expected":5,"got":4}],"looks_truncated":false}"#;
        let json = serde_json::to_string(&report).unwrap();
        let sha =
            serde_json::to_value(&report).unwrap()["file"]["sha256"].as_str().unwrap().to_owned();
        assert_eq!(sha.len(), 64);
        assert_eq!(json.replace(&sha, "SHA"), expect);
    }
}

mod mutation {
    //! Small files with random edits, from a fixed seed.

    use super::*;

    const FIELDS: [&str; 4] = ["Id", "Owner", "Stage", "Last"];

    /// A small generator of random numbers, the same every time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
        }

        fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
            from[self.below(from.len())]
        }
    }

    fn bases() -> Vec<Vec<u8>> {
        let mut rows = "Id,Owner,Text,Stage,Notes,Last\n".to_owned();
        for row in 0..12 {
            let note = match row % 4 {
                0 => "CANARY plain",
                1 => "\"CANARY, with a comma\"",
                2 => "\"CANARY\nof two lines, \"\"quoted\"\"\"",
                _ => "",
            };
            let _ = writeln!(rows, "00Q{row},Ann {row},CANARY,New,{note},L{row}");
        }
        let utf16 = rows.encode_utf16().flat_map(u16::to_le_bytes).collect();
        vec![
            rows.replace('\n', "\r\n").into_bytes(),
            rows.replace(',', ";").into_bytes(),
            format!("Report\n\n{rows}\n\"Generated By: x\"\n").into_bytes(),
            rows.replace("Ann", "Änn").into_bytes(),
            rows.into_bytes(),
            utf16,
        ]
    }

    /// One random edit.
    fn edit(bytes: &mut Vec<u8>, random: &mut Random) {
        const PIECES: [&[u8]; 14] = [
            b"\"",
            b"\"\"",
            b",",
            b";",
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"'",
            b"\\",
            b"\xff",
            b"\xc3\xbc",
            b" ",
            b"x",
        ];
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => {
                bytes.splice(at..at, random.pick(&PIECES).iter().copied());
            }
            1 if at < bytes.len() => {
                bytes.remove(at);
            }
            2 if at < bytes.len() => bytes[at] = random.pick(&PIECES)[0],
            _ => {
                let end = (at + random.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_division_changes_what_is_read() {
        let desk = Desk::new();
        let mut random = Random(0x2026_0301);
        let bases = bases();
        for round in 0..1500 {
            let mut bytes = bases[random.below(bases.len())].clone();
            for _ in 0..=random.below(6) {
                edit(&mut bytes, &mut random);
            }
            if random.below(10) == 0 {
                bytes.truncate(random.below(bytes.len() + 1));
            }
            let whole = desk.read(&bytes, &FIELDS, 4 << 20, 1);
            let (chunk, threads) = (1 + random.below(200), 1 + round % 3);
            let parts = desk.read(&bytes, &FIELDS, chunk, threads);
            assert_eq!(whole, parts, "in chunks of {chunk}: {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn one_edit_never_brings_a_blocked_byte_under_an_allowed_name() {
        let desk = Desk::new();
        let mut random = Random(7);
        let bases = bases();
        for _ in 0..1500 {
            let mut bytes = bases[random.below(bases.len())].clone();
            edit(&mut bytes, &mut random);
            if let Ok(rows) = desk.read(&bytes, &FIELDS, 4 << 20, 1).rows {
                let leak = rows.iter().any(|(_, cells)| cells.iter().any(|c| c.contains("CANARY")));
                assert!(!leak, "{}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn random_bytes_are_refused_or_read() {
        let desk = Desk::new();
        let mut random = Random(99);
        for _ in 0..1000 {
            let length = random.below(300);
            let mut bytes = b"Id,Owner,Stage,Last\n".to_vec();
            let mixed = random.below(2) == 0;
            bytes.extend((0..length).map(|_| match random.below(3) {
                0 if mixed => b",\"\n\r;'\\"[random.below(7)],
                _ => u8::try_from(random.below(256)).unwrap(),
            }));
            if random.below(4) == 0 {
                let cut = random.below(20);
                bytes.drain(..cut);
            }
            let whole = desk.read(&bytes, &FIELDS, 4 << 20, 1);
            assert_eq!(whole, desk.read(&bytes, &FIELDS, 1 + random.below(64), 2));
        }
    }
}

#[cfg(target_os = "linux")]
mod memory {
    //! What is left of cells that are not asked for.

    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

    use crm_review::boundary::{Boundary, Object};
    use crm_review::policy::{Document, Log};
    use crm_review::source::{Files, pull};

    use super::*;

    const ROWS: u32 = 20_000;
    /// The token without its last letter, so that this program does not hold it as a whole.
    const STEM: [u8; 7] = *b"QZBLOCK";

    /// One row, with the token in its second or third cell, built where no other copy is made of it.
    fn row(number: u32, letter: u8, comma: usize) -> [u8; 64] {
        let mut row = [b'x'; 64];
        let mut digits = number;
        for place in row[2..8].iter_mut().rev() {
            *place = b'0' + u8::try_from(digits % 10).unwrap();
            digits /= 10;
        }
        row[0..2].copy_from_slice(b"00");
        row[8] = b',';
        row[20..27].copy_from_slice(&STEM);
        row[27] = letter;
        row[28] = b'0' + u8::try_from(number % 10).unwrap();
        row[comma] = b',';
        row[63] = b'\n';
        row
    }

    /// How often a stem with this letter and a digit behind it is in this process.
    fn tokens(letter: u8) -> usize {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut memory = fs::File::open("/proc/self/mem").unwrap();
        let mut found = 0;
        for map in maps.lines().filter(|map| map.contains(" rw")) {
            let (start, end) = map.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).unwrap());
            let mut page = [0; 4096];
            for at in (start..end).step_by(page.len()) {
                memory.seek(SeekFrom::Start(at)).unwrap();
                if memory.read_exact(&mut page).is_err() {
                    break;
                }
                let at = memchr::memmem::find_iter(&page, &STEM);
                let behind = at.filter_map(|at| page.get(at + 7..at + 9));
                found += behind.filter(|b| b[0] == letter && b[1].is_ascii_digit()).count();
                page.fill(0);
            }
        }
        found
    }

    #[test]
    fn no_cell_that_is_not_asked_for_is_left_in_memory() {
        let desk = Desk::new();
        let path = desk.put(b"Id,Notes,Last\n");
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        for number in 0..ROWS {
            put(&mut file, row(number, b'D', 50));
        }
        let names = ["Id", "Last"];
        let expect = Expect { names: &names, required: &names, encoding: None };
        let limits = Limits { chunk: 1 << 16, ..Limits::default() };
        let sheet = Sheet::open(&path, &expect, &limits).unwrap();
        for threads in [1, 2] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let (sinks, tally) = sheet.read(&[0, 2], Rows::default, threads).unwrap();
            assert_eq!(tally.rows_read - tally.quarantined, u64::from(ROWS));
            assert!(sinks[0].0[0].1[0].starts_with("00"));
            assert_eq!(tokens(b'D'), 0);
        }
    }

    fn put(file: &mut fs::File, mut row: [u8; 64]) {
        file.write_all(&row).unwrap();
        row.fill(0);
        std::hint::black_box(&mut row);
    }

    #[test]
    fn nothing_is_left_of_a_cell_whose_lines_were_taken_for_rows() {
        let desk = Desk::new();
        let path = desk.put(b"Id,Notes,Last\n1,good,one\n2,\"a note of many lines\n");
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        // A chunk that begins within the note has the token in the column that is admitted.
        for number in 0..ROWS {
            put(&mut file, row(number, b'M', 12));
        }
        file.write_all(b"so much for that\nits end\",two\n3,good,three\n").unwrap();
        let log = Log::default();
        let boundary = "[lead.fields]\nid = { from = \"Id\", why = \"Names it.\" }\n\
                        remark = { from = \"Last\", why = \"Tried.\" }\n";
        let boundary = Document::parse("rules/boundary.toml", boundary, &log);
        let boundary = Boundary::parse(&boundary, &log);
        let reads = boundary.fields(Object::Lead).cloned().collect();
        let files = Files([(Object::Lead, vec!["export.csv".into()])].into());
        for threads in [1, 2] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let folder = path.parent().unwrap();
            let zone = chrono_tz::UTC;
            let pulled = pull(folder, &files, &boundary, &reads, zone, threads).unwrap();
            assert_eq!(pulled.batches[0].len(), 3);
            assert_eq!(tokens(b'M'), 0);
        }
    }
}
