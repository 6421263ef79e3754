//! Reads what a person wrote (config and rules in TOML) and keeps every problem with its place.
//!
//! A [`Document`] is parsed once into a tree in which each value knows its line.
//! A [`Section`] is read key by key; keys nobody asked for are problems when the section is dropped.
//! Does not: know what any key means, touch the disk, or stop at the first problem.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use chrono::NaiveDate;
use toml::de::{DeTable, DeValue};

/// One thing wrong in a file a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the person knows it, relative to the review folder.
    pub file: String,
    /// 1-based line; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Every problem found, in file and line order when shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One problem alone.
    pub fn one(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self(vec![Problem { file: file.into(), line, message: message.into(), hint: None }])
    }

    /// One problem alone, with its remedy.
    pub fn one_with_hint(
        file: impl Into<String>,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (file, message) = (file.into(), message.into());
        Self(vec![Problem { file, line, message, hint: Some(hint.into()) }])
    }

    /// Adds what is wrong elsewhere.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, sorted by file and line.
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort();
        all.dedup();
        all
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.sorted().into_iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where problems are collected while several files are read.
#[derive(Debug, Default)]
pub struct Log {
    problems: RefCell<Problems>,
    /// The files of which some lines cannot be read: what the others mean is not told yet.
    unread: RefCell<BTreeSet<String>>,
    probe: Option<RefCell<Asked>>,
}

/// What readers ask of files: for each file and the path of each key in it, as what it may be written.
/// A `*` in a path stands for keys that are the person's own.
pub type Asked = BTreeMap<(String, String), BTreeSet<Form>>;

/// As what a key may be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Something that the reader looks at by itself.
    Anything,
    /// It has to be there.
    Required,
    /// A text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// A number.
    Number,
    /// A whole number that is not negative.
    Count,
    /// True or false.
    Flag,
    /// A date.
    Date,
    /// One of these words.
    Choice(Vec<String>),
    /// A plain value, or a list of them.
    Plain,
    /// A table.
    Table,
    /// A list of tables.
    Tables,
}

/// What a probe finds where nothing is written.
static NOTHING: Node = Node { line: 0, value: Value::Table(Vec::new()) };

impl Log {
    /// Runs a reader over files of which nothing is written, and says what it asks for. Whatever it
    /// asks is there as an empty table, so that it goes on asking below it.
    pub fn probe(read: impl FnOnce(&Self)) -> Asked {
        let log = Self { probe: Some(RefCell::default()), ..Self::default() };
        read(&log);
        log.probe.map(RefCell::into_inner).unwrap_or_default()
    }

    fn asked(&self, file: &str, path: String, form: Form) {
        if let Some(probe) = &self.probe {
            probe.borrow_mut().entry((file.to_owned(), path)).or_default().insert(form);
        }
    }

    /// Notes a problem, unless it may only come of a line that could not be read.
    pub fn note(&self, file: &str, line: usize, message: impl Into<String>, hint: Option<String>) {
        if self.is_unread(file) {
            return;
        }
        self.problems.borrow_mut().0.push(Problem {
            file: file.to_owned(),
            line,
            message: message.into(),
            hint,
        });
    }

    /// True when some lines of a file cannot be read.
    pub fn is_unread(&self, file: &str) -> bool {
        self.unread.borrow().contains(file)
    }

    /// The result, unless there are problems.
    pub fn finish<T>(self, result: T) -> Result<T, Problems> {
        let problems = self.problems.into_inner();
        if problems.is_empty() { Ok(result) } else { Err(problems) }
    }
}

/// A value with the line it was written on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said<T> {
    /// What was written.
    pub value: T,
    /// 1-based line.
    pub line: usize,
}

impl<T> Deref for Said<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A TOML value whose place is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// 1-based line.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// What TOML can say, as far as our files use it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A local date.
    Date(NaiveDate),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order written.
    Table(Vec<(Said<String>, Node)>),
}

impl Value {
    fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t [u8],
    breaks: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Finds the lines of a text.
    pub fn of(text: &'t str) -> Self {
        let text = text.as_bytes();
        Self { text, breaks: memchr::memchr_iter(b'\n', text).collect() }
    }

    /// The 1-based line of a byte.
    pub fn at(&self, byte: usize) -> usize {
        self.breaks.partition_point(|at| *at < byte) + 1
    }

    /// The 1-based line of a CSV record, by the byte at which its reader began to look for it. Its own
    /// count is one too low after a carriage return, whose line feed is read with the next record, and
    /// after blank lines.
    pub fn of_record(&self, byte: u64) -> usize {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let skipped = self.text.iter().skip(from).take_while(|byte| matches!(byte, b'\r' | b'\n'));
        self.at(from + skipped.count())
    }
}

/// One parsed file.
#[derive(Debug, Clone)]
pub struct Document {
    file: String,
    entries: Vec<(Said<String>, Node)>,
}

impl Document {
    /// Parses a file's text. A line that cannot be read goes to the log and is set aside; of such a file
    /// nothing else is told, for it may come of that line.
    pub fn parse(file: &str, text: &str, log: &Log) -> Self {
        let lines = Lines::of(text);
        let mut readable = text.to_owned();
        let mut aside = BTreeSet::new();
        while let Some((at, message)) = first_error(&readable) {
            let line = lines.at(at);
            let written = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
            // What follows a line that cannot be read is mostly its consequence.
            if !aside.contains(&line.saturating_sub(1)) {
                let (message, hint) = in_plain_words(written, &message);
                log.note(file, line, message, hint);
            }
            if !aside.insert(line) || aside.len() >= MOST_ASIDE {
                readable.clear();
            }
            readable = blanked(&readable, line);
        }
        let entries =
            entries_of(DeTable::parse_recoverable(&readable).0.get_ref(), &lines, file, log);
        if !aside.is_empty() {
            log.unread.borrow_mut().insert(file.to_owned());
        }
        Self { file: file.to_owned(), entries }
    }

    /// The whole document as a section.
    pub fn root<'a>(&'a self, log: &'a Log) -> Section<'a> {
        Section::new(&self.file, String::new(), 0, &self.entries, log)
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// As if `off = true` stood in a section, which may not be there.
    pub fn switch_off(&mut self, section: &str) {
        let said = |value: &str| Said { value: value.to_owned(), line: 0 };
        let off = (said("off"), Node { line: 0, value: Value::Flag(true) });
        match self.entries.iter_mut().find(|(name, _)| name.value == section) {
            Some((_, Node { value: Value::Table(entries), .. })) => {
                entries.retain(|(name, _)| name.value != "off");
                entries.push(off);
            }
            // What else stands there is told by who reads it.
            Some(_) => {}
            None => {
                let table = Node { line: 0, value: Value::Table(vec![off]) };
                self.entries.push((said(section), table));
            }
        }
    }
}

/// Lines of a file that are told and set aside one by one.
const MOST_ASIDE: usize = 20;

/// Where a text stops being TOML, and what the parser says of it.
fn first_error(text: &str) -> Option<(usize, String)> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let first = errors.into_iter().min_by_key(|error| error.span().map_or(0, |span| span.start));
    first.map(|error| {
        let end = text.trim_end().len().saturating_sub(1);
        (error.span().map_or(0, |span| span.start).min(end), error.message().to_owned())
    })
}

/// A text with one of its lines, counted from 1, made of spaces: what stands elsewhere stays where it is.
fn blanked(text: &str, line: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines
        .map(|(at, written)| {
            let end = if written.ends_with('\n') { "\n" } else { "" };
            if at + 1 == line {
                " ".repeat(written.len() - end.len()) + end
            } else {
                written.to_owned()
            }
        })
        .collect()
}

/// What is wrong with a line, for somebody who does not know TOML; what it says of a key is not quoted.
fn in_plain_words(line: &str, parser: &str) -> (String, Option<String>) {
    let line = line.trim();
    let is_key = |key: &&str| {
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let value = value.trim();
    let key = Some(key.trim()).filter(is_key);
    let said = |message: String, hint: &str| (message, Some(hint.to_owned()));
    match key {
        Some(key) if parser.contains("duplicate") => {
            said(format!("`{key}` stands twice"), "keep one of the two lines")
        }
        Some(key) if !line.contains('=') => {
            said(format!("`{key}` has no value"), &format!("write `{key} = …`, or take it out"))
        }
        Some(key) if value.is_empty() || value.starts_with('#') => {
            said(format!("`{key}` has no value"), "write it behind the `=`, or take the line out")
        }
        Some(key) if parser.starts_with("invalid date") => said(
            format!("`{key}` is a date that there is not"),
            "a date is year, month and day, like 2026-11-23",
        ),
        Some(key) if value.split_once(',').is_some_and(|(a, b)| is_digits(a) && is_digits(b)) => {
            said(format!("`{key}` is a number with a comma"), "write a point, like 0.5")
        }
        Some(key) if value.matches('"').count() % 2 == 1 => said(
            format!("a quotation mark of `{key}` has no other"),
            "a text stands between two of them: \"…\"",
        ),
        Some(key) if parser.starts_with("string values must be quoted") => said(
            format!("`{key}` is a text without quotation marks"),
            &format!("write `{key} = \"…\"`"),
        ),
        None if line.starts_with('[') && parser.contains("duplicate") => {
            said("this heading stands twice".to_owned(), "put all of it under one of the two")
        }
        None if line.starts_with('[') && !line.contains(']') => {
            said("this heading is not closed".to_owned(), "a heading is [name], a list's [[name]]")
        }
        Some(_) | None => (format!("not valid TOML: {parser}"), None),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn entries_of(
    table: &DeTable<'_>,
    lines: &Lines<'_>,
    file: &str,
    log: &Log,
) -> Vec<(Said<String>, Node)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let start = key.span().start;
            let said = Said { value: key.get_ref().to_string(), line: lines.at(start) };
            // A `[table]` header's value starts elsewhere; its key's line is what a person looks for.
            let node = node_of(value.get_ref(), said.line, lines, file, log);
            (start, said, node)
        })
        .collect();
    entries.sort_by_key(|(start, ..)| *start);
    entries.into_iter().map(|(_, key, node)| (key, node)).collect()
}

fn node_of(value: &DeValue<'_>, line: usize, lines: &Lines<'_>, file: &str, log: &Log) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(whole) => {
            let parsed = i64::from_str_radix(whole.as_str(), whole.radix());
            if parsed.is_err() {
                log.note(file, line, "this number is too large", None);
            }
            Value::Whole(parsed.unwrap_or_default())
        }
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(when) => {
            let date = when.date.filter(|_| when.time.is_none()).and_then(|day| {
                NaiveDate::from_ymd_opt(day.year.into(), day.month.into(), day.day.into())
            });
            if date.is_none() {
                log.note(file, line, "write a plain date here, like 2026-11-23", None);
            }
            Value::Date(date.unwrap_or_default())
        }
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| {
                    let line = lines.at(item.span().start);
                    node_of(item.get_ref(), line, lines, file, log)
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries_of(table, lines, file, log)),
    };
    Node { line, value }
}

/// A table being read. Dropping it reports the keys nobody asked for.
#[derive(Debug)]
pub struct Section<'a> {
    file: &'a str,
    path: String,
    line: usize,
    entries: &'a [(Said<String>, Node)],
    asked: RefCell<BTreeSet<String>>,
    log: &'a Log,
}

impl<'a> Section<'a> {
    fn new(
        file: &'a str,
        path: String,
        line: usize,
        entries: &'a [(Said<String>, Node)],
        log: &'a Log,
    ) -> Self {
        Self { file, path, line, entries, asked: RefCell::default(), log }
    }

    /// The file this section stands in.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The line of the section's header.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Notes a problem at a line of this file.
    pub fn problem(&self, line: usize, message: impl Into<String>) {
        self.log.note(self.file, line, message, None);
    }

    /// Notes a problem together with its remedy.
    pub fn problem_with_hint(
        &self,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.log.note(self.file, line, message, Some(hint.into()));
    }

    /// Notes a problem of another file that this section names, such as a table.
    pub fn problem_in(
        &self,
        file: &str,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.log.note(file, line, message, Some(hint.into()));
    }

    fn wrong(&self, key: &str, node: &Node, wanted: &str) {
        let name = self.name_of(key);
        self.problem(
            node.line,
            format!("`{name}` is {}, and {wanted} is needed", node.value.noun()),
        );
    }

    fn asks(&self, key: &str, form: Form) {
        if self.log.probe.is_some() {
            self.log.asked(self.file, self.name_of(key), form);
        }
    }

    fn name_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The raw value of a key.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.asks(key, Form::Anything);
        self.asked.borrow_mut().insert(key.to_owned());
        let written = self.entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node);
        written.or_else(|| self.log.probe.is_some().then_some(&NOTHING))
    }

    /// The raw value of a key that may be a plain value, or a list of them, as well as a table.
    pub fn plain_or_table(&self, key: &str) -> Option<&'a Node> {
        self.asks(key, Form::Plain);
        self.node(key)
    }

    /// True when the key is written here.
    pub fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// Notes that these keys are read elsewhere.
    pub fn knows(&self, keys: &[&str]) {
        for key in keys {
            self.asks(key, Form::Anything);
            self.asked.borrow_mut().insert((*key).to_owned());
        }
    }

    /// Notes that every key written here is read elsewhere.
    pub fn knows_all(&self) {
        drop(self.entries());
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<Said<&'a str>> {
        self.asks(key, Form::Text);
        let node = self.node(key)?;
        if let Value::Text(text) = &node.value {
            Some(Said { value: text, line: node.line })
        } else {
            self.wrong(key, node, "a text");
            None
        }
    }

    /// A text that has to be there and must not be blank.
    pub fn required_text(&self, key: &str) -> Option<Said<&'a str>> {
        self.asks(key, Form::Required);
        if !self.has(key) {
            self.missing(key);
            return None;
        }
        let text = self.text(key)?;
        if text.trim().is_empty() {
            self.problem(text.line, format!("`{}` is blank", self.name_of(key)));
            return None;
        }
        Some(text)
    }

    /// Notes that a key is missing.
    pub fn missing(&self, key: &str) {
        let place =
            if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
        self.problem(self.line, format!("`{key}` is missing{place}"));
    }

    /// A text or a list of texts; empty when absent.
    pub fn texts(&self, key: &str) -> Vec<Said<&'a str>> {
        self.asks(key, Form::Texts);
        let Some(node) = self.node(key) else { return Vec::new() };
        match &node.value {
            Value::Text(text) => vec![Said { value: text, line: node.line }],
            Value::List(items) => items
                .iter()
                .filter_map(|item| {
                    if let Value::Text(text) = &item.value {
                        Some(Said { value: text.as_str(), line: item.line })
                    } else {
                        self.wrong(key, item, "a text");
                        None
                    }
                })
                .collect(),
            Value::Whole(_)
            | Value::Number(_)
            | Value::Flag(_)
            | Value::Date(_)
            | Value::Table(_) => {
                self.wrong(key, node, "a text or a list of texts");
                Vec::new()
            }
        }
    }

    /// A number, whole or not. `inf` and `nan` are none.
    pub fn number(&self, key: &str) -> Option<Said<f64>> {
        self.asks(key, Form::Number);
        let node = self.node(key)?;
        let Some(value) = node.number() else {
            self.wrong(key, node, "a number");
            return None;
        };
        if !value.is_finite() {
            self.problem(
                node.line,
                format!("`{}` is not a number to count with", self.name_of(key)),
            );
            return None;
        }
        Some(Said { value, line: node.line })
    }

    /// A whole number of things or of units: from 0 to a million, so that dates can be reckoned with it.
    pub fn count(&self, key: &str) -> Option<Said<u32>> {
        self.asks(key, Form::Count);
        let node = self.node(key)?;
        let Value::Whole(whole) = node.value else {
            self.wrong(key, node, "a whole number that is not negative");
            return None;
        };
        if let Ok(value @ 0..=1_000_000) = u32::try_from(whole) {
            return Some(Said { value, line: node.line });
        }
        let name = self.name_of(key);
        self.problem(node.line, format!("`{name}` is not between 0 and 1000000"));
        None
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Option<Said<bool>> {
        self.asks(key, Form::Flag);
        let node = self.node(key)?;
        if let Value::Flag(value) = node.value {
            Some(Said { value, line: node.line })
        } else {
            self.wrong(key, node, "true or false");
            None
        }
    }

    /// A date.
    pub fn date(&self, key: &str) -> Option<Said<NaiveDate>> {
        self.asks(key, Form::Date);
        let node = self.node(key)?;
        if let Value::Date(value) = node.value {
            Some(Said { value, line: node.line })
        } else {
            self.wrong(key, node, "a date like 2026-11-23, without quotes");
            None
        }
    }

    /// One of a closed list of words.
    pub fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.asks(key, Form::Choice(words.iter().map(|(word, _)| (*word).to_owned()).collect()));
        let said = self.text(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == said.value) {
            return Some(*value);
        }
        let list = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        self.log.note(
            self.file,
            said.line,
            format!("`{}` is not a value of `{}`", said.value, self.name_of(key)),
            Some(format!("one of {list}")),
        );
        None
    }

    /// A table below this one.
    pub fn section(&self, key: &str) -> Option<Self> {
        let node = self.node(key)?;
        self.as_section(key, node)
    }

    /// `[[key]]`, in the order written.
    pub fn sections(&self, key: &str) -> Vec<Self> {
        self.asks(key, Form::Tables);
        let Some(node) = self.node(key) else { return Vec::new() };
        if let Value::List(items) = &node.value {
            items.iter().filter_map(|item| self.as_section(key, item)).collect()
        } else if self.log.probe.is_some() {
            self.below(key, node).into_iter().collect()
        } else {
            self.wrong(key, node, "a list of tables, `[[…]]`,");
            Vec::new()
        }
    }

    /// `[key]` or `[[key]]`, in the order written.
    pub fn one_or_several(&self, key: &str) -> Vec<Self> {
        self.asks(key, Form::Tables);
        let Some(node) = self.node(key) else { return Vec::new() };
        if let Value::List(items) = &node.value {
            items.iter().filter_map(|item| self.as_section(key, item)).collect()
        } else {
            self.as_section(key, node).into_iter().collect()
        }
    }

    /// A node that has to be a table, as a section.
    pub fn as_section(&self, key: &str, node: &'a Node) -> Option<Self> {
        self.asks(key, Form::Table);
        self.below(key, node)
    }

    fn below(&self, key: &str, node: &'a Node) -> Option<Self> {
        if let Value::Table(entries) = &node.value {
            Some(Section::new(self.file, self.name_of(key), node.line, entries, self.log))
        } else {
            self.wrong(key, node, "a table");
            None
        }
    }

    /// Every entry, in the order written, for tables whose keys are the person's own.
    pub fn entries(&self) -> impl Iterator<Item = (&'a Said<String>, &'a Node)> + use<'a> {
        self.asks(OWN, Form::Anything);
        let probed = self.log.probe.is_some().then(|| {
            static OWN_KEY: LazyLock<Said<String>> =
                LazyLock::new(|| Said { value: OWN.to_owned(), line: 0 });
            (&*OWN_KEY, &NOTHING)
        });
        let entries = self.entries;
        self.asked.borrow_mut().extend(entries.iter().map(|(key, _)| key.value.clone()));
        entries.iter().map(|(key, node)| (key, node)).chain(probed)
    }
}

/// Stands in a path for keys that are the person's own.
pub const OWN: &str = "*";

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries.iter().filter(|(key, _)| !asked.contains(&key.value)) {
            let hint = meant(key, asked.iter().map(String::as_str), || {
                let known: Vec<_> = asked.iter().map(|name| format!("`{name}`")).collect();
                format!("known here: {}", known.join(", "))
            });
            let name = self.name_of(key);
            self.log.note(self.file, key.line, format!("unknown key `{name}`"), Some(hint));
        }
    }
}

impl Node {
    /// The value as a number.
    pub fn number(&self) -> Option<f64> {
        match self.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "rules hold amounts and counts, not ids"
            )]
            Value::Whole(whole) => Some(whole as f64),
            Value::Number(number) => Some(number),
            Value::Text(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
                None
            }
        }
    }
}

/// A hint for a name that is not known: what was probably meant, or else what there is to say.
pub fn meant<'n>(
    name: &str,
    among: impl Iterator<Item = &'n str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(name, among).map_or_else(otherwise, |near| format!("did you mean `{near}`?"))
}

/// The most similar of some names, if one is near enough to be what was meant.
pub fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let folded = name.to_lowercase();
    among
        .map(|other| {
            (strsim::normalized_damerau_levenshtein(&folded, &other.to_lowercase()), other)
        })
        .filter(|(similarity, _)| *similarity >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, other)| other)
}

/// True for one edit in a word, or two in a long one. Two short words that are one edit apart may mean two
/// things.
pub fn is_slip(left: &str, right: &str) -> bool {
    let most = match left.chars().count().min(right.chars().count()) {
        0..5 => 0,
        5..8 => 1,
        _ => 2,
    };
    strsim::osa_distance(left, right) <= most
}

/// A text as TOML writes it, on one line, whatever it holds.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// The settings of a file but for some, each named by its path: the same text however the file is laid out
/// and commented.
pub fn settings(text: &str, but: &[&[&str]]) -> String {
    let Ok(mut root) = text.parse::<toml::Table>() else { return text.to_owned() };
    for path in but {
        let Some((key, above)) = path.split_last() else { continue };
        let within =
            above.iter().try_fold(&mut root, |table, key| table.get_mut(*key)?.as_table_mut());
        if let Some(table) = within {
            table.remove(*key);
        }
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_with_its_line_and_the_nearest_name() {
        let log = Log::default();
        let text = "name = 3\n\n[job]\nowener = \"Ann\"\nsize = \"big\"\n";
        let document = Document::parse("review.toml", text, &log);
        {
            let root = document.root(&log);
            assert_eq!(root.text("name"), None);
            let job = root.section("job").unwrap();
            assert_eq!(job.text("owner"), None);
            assert_eq!(job.count("size"), None);
        }
        let problems = log.finish(()).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "review.toml:1: `name` is a whole number, and a text is needed\n\
             review.toml:4: unknown key `job.owener`\n  hint: did you mean `owner`?\n\
             review.toml:5: `job.size` is a text, and a whole number that is not negative is needed"
        );
    }

    #[test]
    fn numbers_nobody_can_reckon_with_are_problems() {
        let log = Log::default();
        let text = "a = nan\nb = inf\nc = 4294967295\nd = -1\ne = 1_000\nf = 1_000.5\n";
        let document = Document::parse("rules/owners.toml", text, &log);
        {
            let root = document.root(&log);
            assert_eq!((root.number("a"), root.number("b")), (None, None));
            assert_eq!((root.count("c"), root.count("d")), (None, None));
            assert_eq!(root.count("e").map(|said| said.value), Some(1_000));
            assert_eq!(root.number("f").map(|said| said.value), Some(1_000.5));
        }
        assert_eq!(log.finish(()).unwrap_err().sorted().len(), 4);
    }

    #[test]
    fn a_file_of_nothing_but_brackets_is_a_problem_and_no_crash() {
        let log = Log::default();
        Document::parse("rules/owners.toml", &format!("a = {}", "[".repeat(100_000)), &log);
        Document::parse("rules/batch.toml", &format!("{}a = 1", "a.".repeat(100_000)), &log);
        assert!(!log.finish(()).unwrap_err().is_empty());
    }

    #[test]
    fn broken_syntax_is_reported_with_its_line() {
        let log = Log::default();
        Document::parse("rules/owners.toml", "a = 1\nb = = 2\n", &log);
        let problems = log.finish(()).unwrap_err();
        assert!(problems.to_string().starts_with("rules/owners.toml:2: not valid TOML"));
    }

    #[track_caller]
    fn check_broken(text: &str, expect: &[&str]) {
        let log = Log::default();
        let document = Document::parse("rules/batch.toml", text, &log);
        // Whatever is asked of such a file, nothing more is told of it.
        assert_eq!(document.root(&log).required_text("other"), None);
        let problems = log.finish(()).unwrap_err();
        let told: Vec<String> = problems.sorted().iter().map(ToString::to_string).collect();
        assert_eq!(told, expect, "{text}");
    }

    #[test]
    fn a_broken_line_is_told_once_and_in_plain_words() {
        let hint = "\n  hint: ";
        for (line, says) in [
            (
                "x = ",
                format!("`x` has no value{hint}write it behind the `=`, or take the line out"),
            ),
            ("x", format!("`x` has no value{hint}write `x = …`, or take it out")),
            ("x = half", format!("`x` is a text without quotation marks{hint}write `x = \"…\"`")),
            (
                "x = \"half",
                format!(
                    "a quotation mark of `x` has no other{hint}a text stands between two of them: \"…\""
                ),
            ),
            ("x = 0,5", format!("`x` is a number with a comma{hint}write a point, like 0.5")),
            (
                "x = 2026-13-01",
                format!(
                    "`x` is a date that there is not{hint}a date is year, month and day, like 2026-11-23"
                ),
            ),
            (
                "[x",
                format!("this heading is not closed{hint}a heading is [name], a list's [[name]]"),
            ),
            ("a = 2", format!("`a` stands twice{hint}keep one of the two lines")),
        ] {
            check_broken(
                &format!("a = 1\n{line}\nb = 1\n"),
                &[&format!("rules/batch.toml:2: {says}")],
            );
        }
    }

    #[test]
    fn lines_that_are_broken_each_by_itself_are_all_told_and_what_follows_from_one_is_not() {
        check_broken(
            "a = 1\nx = half\nb = 1\ny = 2026-02-30\n",
            &[
                "rules/batch.toml:2: `x` is a text without quotation marks\n  hint: write `x = \"…\"`",
                "rules/batch.toml:4: `y` is a date that there is not\n  hint: a date is year, month and day, like 2026-11-23",
            ],
        );
        check_broken(
            "a = { from = \"Id, why = \"Names it.\" }\nb = { from = \"B\", why = \"B.\" }\n",
            &[
                "rules/batch.toml:1: a quotation mark of `a` has no other\n  hint: a text stands between two of them: \"…\"",
            ],
        );
    }
}
