//! What the cells of a column look like, and so of which kind they are.
//!
//! Does not: keep a cell.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::ops::AddAssign;
use std::path::Path;

use super::catalogue::{self, OUTCOMES, STANDINGS};
use super::text::in_comment;
use super::{DraftError, DraftField, DraftTable, Export};
use crate::boundary::{Kind, Object, is_always_blocked, is_spreadsheet_number};
use crate::source::csv::{Expect, Limits, Misfit, Refusal, Sheet, Sink};
use crate::source::{SourceError, SourceErrors};

/// Picks each column's kind by the shape of its cells, and notes its fill rate.
pub(super) fn profile(
    object: Object,
    table: &mut DraftTable,
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(), DraftError> {
    let (rows, shapes) = shapes(table, from, threads)?;
    let is_listed = |name: &str| table.fields.iter().any(|field| field.name == name);
    let (has_first, has_last) = (is_listed("first_name"), is_listed("last_name"));
    for (field, shape) in table.fields.iter_mut().zip(shapes) {
        field.figure = format!("filled in {} of {rows} {}", shape.filled, object.plural());
        if shape.filled == 0 && rows >= SURELY_UNUSED {
            field.off = Some("nobody fills it".to_owned());
            continue;
        }
        field.mails = shape.filled > 0 && shape.is_mostly(shape.mails);
        if field.name == catalogue::WHOLE_NAME {
            let _ = write!(field.figure, "; {} of them have two words or more", shape.words);
            if shape.words * 2 < shape.filled {
                // `Vorname` and `Name`: beside a first name one word is the last.
                if has_first && !has_last {
                    field.name = "last_name";
                } else {
                    field.off = Some("fewer than half of its cells have two words".to_owned());
                    continue;
                }
            }
        }
        pick_kind(field, &shape, &table.files);
    }
    let whole = table.fields.iter().any(|it| it.name == catalogue::WHOLE_NAME && it.off.is_none());
    let first = table.fields.iter_mut().find(|field| field.name == "first_name");
    if let Some(first) = first.filter(|_| whole && !has_last) {
        first.off = Some("the whole name stands in a column of its own".to_owned());
    }
    Ok(())
}

/// How many rows a table's files have, and the shape of each of its fields.
fn shapes(
    table: &DraftTable,
    from: &Path,
    threads: NonZeroUsize,
) -> Result<(usize, Vec<Shape>), SourceErrors> {
    let mut rows = 0;
    let mut shapes = vec![Shape::default(); table.fields.len()];
    for (file, export) in table.files.iter().enumerate() {
        let refused = |refusal: Refusal| {
            let (file, columns) = (export.file.clone(), Vec::new());
            SourceErrors(vec![SourceError::Refused { file, refusal, columns }])
        };
        let sheet = Sheet::open(&from.join(&export.file), &Expect::default(), &Limits::default())
            .map_err(refused)?;
        let column_of = |field: &DraftField| {
            let mut names = field.from.iter();
            names.find_map(|name| export.header.iter().position(|header| header == name))
        };
        let fields = table.fields.iter().enumerate();
        let (here, wanted): (Vec<usize>, Vec<usize>) =
            fields.filter_map(|(at, field)| Some((at, column_of(field)?))).unzip();
        let kinds = here.iter().filter_map(|at| table.fields.get(*at)).map(|field| field.kind);
        let columns: Vec<_> = kinds.map(|kind| (kind, Shape::default())).collect();
        let sink = || Shapes { file, rows: 0, columns: columns.clone() };
        let (sinks, _) = sheet.read(&wanted, sink, threads).map_err(refused)?;
        for sink in sinks {
            rows += sink.rows;
            for (at, (_, shape)) in here.iter().zip(sink.columns) {
                if let Some(all) = shapes.get_mut(*at) {
                    *all += shape;
                }
            }
        }
    }
    Ok((rows, shapes))
}

/// The kind that the cells are of: the usual one, or a wider one; a column of neither is switched off.
fn pick_kind(field: &mut DraftField, shape: &Shape, files: &[Export]) {
    let Shape { filled, usual, name, text, mangled, .. } = *shape;
    if shape.is_mostly(usual) {
        if usual < filled {
            let _ = write!(
                field.figure,
                "; {usual} of them look like {}, the rows of the others are set aside",
                article(field.kind)
            );
        }
        return;
    }
    if usual == 0 {
        let (words, what): (Vec<_>, _) = match field.name {
            "active" => {
                (STANDINGS.into_iter().zip(shape.standings).collect(), "somebody is active")
            }
            "closed" => (OUTCOMES.into_iter().zip(shape.outcomes).collect(), "a deal is over"),
            _ => (Vec::new(), ""),
        };
        if !words.is_empty() {
            by_words(field, shape.filled, &words, what);
            return;
        }
    }
    let _ = write!(field.figure, "; {usual} of them look like {}", article(field.kind));
    // Ids that a spreadsheet destroyed are many records under one name: their rows are set aside.
    if mangled > 0 {
        let _ = write!(field.figure, ", {mangled} were turned into numbers by a spreadsheet");
        return;
    }
    if field.kind == Kind::Id && shape.is_mostly(name) {
        field.kind = Kind::Name;
    } else if shape.is_mostly(text) && !matches!(field.kind, Kind::Date | Kind::Number | Kind::Flag)
    {
        field.kind = Kind::Text;
    } else {
        let slip = slip(field.kind, shape, files);
        field.slips = slip.is_some();
        field.off =
            slip.or_else(|| Some(format!("its cells do not look like {}", article(field.kind))));
    }
}

/// How many cells are not of the kind and where the first is, if they are few enough to be put right.
fn slip(kind: Kind, shape: &Shape, files: &[Export]) -> Option<String> {
    let Shape { filled, usual, .. } = *shape;
    let (file, line) = shape.odd.filter(|_| usual * 10 >= filled * 9)?;
    let odd = filled - usual;
    Some(format!(
        "{odd} of its {filled} cells {} not look like {}, the first is in {} on line {line}",
        if odd == 1 { "does" } else { "do" },
        article(kind),
        in_comment(&files.get(file)?.file),
    ))
}

/// Reads a flag from words of which every one is known; `what` is what the flag says.
fn by_words(
    field: &mut DraftField,
    filled: usize,
    words: &[((&'static str, bool), usize)],
    what: &str,
) {
    let mut known = 0;
    for ((word, means), count) in words.iter().filter(|(_, count)| *count > 0) {
        known += count;
        field.flags.push((word, *means));
        let _ = write!(field.figure, ", {count} {word}");
    }
    let unknown = filled - known;
    if unknown > 0 {
        field.off = Some(format!(
            "{unknown} of its cells do not say whether {what}: add their words to yes or no"
        ));
    }
}

fn article(kind: Kind) -> String {
    match kind {
        Kind::Id | Kind::Email | Kind::Address => format!("an {}", kind.word()),
        Kind::Picklist => "a picklist value".to_owned(),
        Kind::Date
        | Kind::Number
        | Kind::Flag
        | Kind::Phone
        | Kind::Web
        | Kind::Name
        | Kind::Text => format!("a {}", kind.word()),
    }
}

/// How many cells of a column have which shape.
#[derive(Debug, Default, Clone, Copy)]
struct Shape {
    filled: usize,
    /// As the field's name says.
    usual: usize,
    /// Where the first stands that is not: the file's place and the line.
    odd: Option<(usize, u64)>,
    name: usize,
    text: usize,
    /// Ids that a spreadsheet turned into numbers.
    mangled: usize,
    mails: usize,
    /// Of two words or more.
    words: usize,
    /// Of each word for how a user stands.
    standings: [usize; STANDINGS.len()],
    /// Of each word for how a deal stands.
    outcomes: [usize; OUTCOMES.len()],
}

impl Shape {
    /// One cell in two hundred may be a slip; more of them mean the column is something else.
    fn is_mostly(&self, fits: usize) -> bool {
        (self.filled - fits) * 200 <= self.filled
    }

    fn count(&mut self, cell: &str, kind: Kind, at: (usize, u64)) {
        self.filled += 1;
        if kind.fits(cell) {
            self.usual += 1;
        } else {
            self.odd = self.odd.or(Some(at));
        }
        self.name += usize::from(Kind::Name.fits(cell));
        self.text += usize::from(Kind::Text.fits(cell));
        self.mangled += usize::from(kind == Kind::Id && is_spreadsheet_number(cell.trim()));
        self.mails += usize::from(cell.contains('@'));
        self.words += usize::from(cell.split_whitespace().nth(1).is_some());
        if kind == Kind::Flag {
            let word = cell.trim().to_lowercase();
            for ((known, _), count) in STANDINGS.iter().zip(&mut self.standings) {
                *count += usize::from(*known == word);
            }
            for ((known, _), count) in OUTCOMES.iter().zip(&mut self.outcomes) {
                *count += usize::from(*known == word);
            }
        }
    }
}

impl AddAssign for Shape {
    fn add_assign(&mut self, more: Self) {
        self.filled += more.filled;
        self.usual += more.usual;
        self.odd = self.odd.into_iter().chain(more.odd).min();
        self.name += more.name;
        self.text += more.text;
        self.mangled += more.mangled;
        self.mails += more.mails;
        self.words += more.words;
        for (count, more) in self.standings.iter_mut().zip(more.standings) {
            *count += more;
        }
        for (count, more) in self.outcomes.iter_mut().zip(more.outcomes) {
            *count += more;
        }
    }
}

/// The shapes of some columns. Cells are looked at and not kept.
struct Shapes {
    file: usize,
    rows: usize,
    columns: Vec<(Kind, Shape)>,
}

impl Sink for Shapes {
    fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.rows += 1;
        for (cell, (kind, shape)) in cells.iter().zip(&mut self.columns) {
            if !cell.trim().is_empty() {
                shape.count(cell, *kind, (self.file, line));
            }
        }
        Ok(())
    }
}

/// A column that is blank in so many rows is not in use.
const SURELY_UNUSED: usize = 100;

/// The table that a file's ids tell, where its name tells none and all of them are of one of Salesforce's.
pub(super) fn table_of(sheet: &Sheet, stem: &str, threads: NonZeroUsize) -> Option<Object> {
    let at = catalogue::plain_id(sheet.header()).filter(|_| !catalogue::tells(stem))?;
    let (sinks, _) = sheet.read(&[at], Ids::default, threads).ok()?;
    let mut found = sinks.into_iter().flat_map(|ids| ids.of).collect::<BTreeSet<_>>().into_iter();
    let object = found.next().flatten().filter(|_| found.next().is_none())?;
    catalogue::id(object, sheet.header()).map(|_| object)
}

/// The column that names a table's records: the one that is called so, or the first that may be and by its
/// cells is.
pub(super) fn id_of(object: Object, sheet: &Sheet, threads: NonZeroUsize) -> Option<String> {
    let header = sheet.header();
    let named = catalogue::id(object, header);
    let found = || unique(catalogue::may_be_ids(object, header), sheet, threads).first().copied();
    named.or_else(found).map(str::to_owned)
}

/// Those of the columns that hold an id in nearly every row, and nearly everywhere another one.
pub(super) fn unique<'h>(
    columns: Vec<&'h str>,
    sheet: &Sheet,
    threads: NonZeroUsize,
) -> Vec<&'h str> {
    /// One row in so many may have none, or one that stands on another row as well: copies do.
    const FEW: usize = 20;
    let once = |name: &str| {
        let mut at = sheet.header().iter().enumerate().filter(|(_, column)| *column == name);
        at.next().map(|(at, _)| at).filter(|_| at.next().is_none() && !is_always_blocked(name))
    };
    let (columns, at): (Vec<&str>, Vec<usize>) =
        columns.into_iter().filter_map(|name| Some((name, once(name)?))).unzip();
    if columns.is_empty() {
        return columns;
    }
    let sink = || Keys { rows: 0, columns: vec![Vec::new(); at.len()] };
    // What cannot be read is refused where the table is.
    let Ok((sinks, _)) = sheet.read(&at, sink, threads) else { return columns };
    let mut all = sink();
    for keys in sinks {
        all.rows += keys.rows;
        for (column, keys) in all.columns.iter_mut().zip(keys.columns) {
            column.extend(keys);
        }
    }
    let is_key = |mut keys: Vec<u64>| {
        keys.sort_unstable();
        keys.dedup();
        (all.rows - keys.len()) * FEW <= all.rows
    };
    let keys = columns.into_iter().zip(all.columns);
    keys.filter_map(|(name, keys)| is_key(keys).then_some(name)).collect()
}

/// What the cells of some columns hash to, of those that look like ids. A cell without a digit may be a name.
struct Keys {
    rows: usize,
    columns: Vec<Vec<u64>>,
}

impl Sink for Keys {
    fn row(&mut self, _line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.rows += 1;
        for (cell, keys) in cells.iter().map(|cell| cell.trim()).zip(&mut self.columns) {
            if cell.contains(|c: char| c.is_ascii_digit()) && Kind::Id.fits(cell) {
                let mut hasher = DefaultHasher::new();
                cell.hash(&mut hasher);
                keys.push(hasher.finish());
            }
        }
        Ok(())
    }
}

/// Of which tables the ids of a column are; none where one is not known.
#[derive(Default)]
struct Ids {
    of: BTreeSet<Option<Object>>,
}

impl Sink for Ids {
    fn row(&mut self, _line: u64, cells: &[&str]) -> Result<(), Misfit> {
        let ids = cells.iter().map(|cell| cell.trim()).filter(|id| !id.is_empty());
        self.of.extend(ids.map(catalogue::of_salesforce));
        Ok(())
    }
}
