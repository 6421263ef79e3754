//! The records of one or two files as they are linked: cells, ids, sources, and which columns hold the same.
//!
//! Does not: link, or write.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;

use super::{LinkingError, Order};
use crate::matching::infer::{self, Sampled};
use crate::matching::{Kind, Records, mark, normalise};
use crate::source::csv::{Expect, Limits, Misfit, Sheet, Sink};
use crate::threads;

/// So many records tell what their columns hold.
const SAMPLE: usize = 2_000;

/// The rows of one stretch of a file, column by column: ids, source and what may be linked by.
#[derive(Debug, Default)]
struct Stretch {
    columns: Vec<Column>,
    rows: u32,
}

/// The cells of one column.
#[derive(Debug, Clone, Default)]
struct Column {
    text: String,
    /// Where each cell ends.
    ends: Vec<u32>,
}

impl Sink for Stretch {
    fn row(&mut self, _line: u64, cells: &[&str]) -> Result<(), Misfit> {
        self.columns.resize_with(cells.len(), Column::default);
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.text.push_str(cell);
            column.ends.push(u32::try_from(column.text.len()).unwrap_or(u32::MAX));
        }
        self.rows += 1;
        Ok(())
    }

    fn append(&mut self, next: &mut Self) -> bool {
        /// Rows that are kept in one piece: their cells end far below what a number of a cell's end holds.
        const MOST: u32 = 1 << 16;
        if self.rows + next.rows > MOST {
            return false;
        }
        self.columns.resize_with(next.columns.len().max(self.columns.len()), Column::default);
        for (column, next) in self.columns.iter_mut().zip(&mut next.columns) {
            let before = u32::try_from(column.text.len()).unwrap_or(u32::MAX);
            column.text.push_str(&next.text);
            column.ends.extend(next.ends.drain(..).map(|end| end.saturating_add(before)));
            next.text.clear();
        }
        self.rows += std::mem::take(&mut next.rows);
        true
    }
}

impl Stretch {
    fn cell(&self, row: u32, column: usize) -> Option<&str> {
        let Column { text, ends } = self.columns.get(column)?;
        let at = row as usize;
        let from = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        text.get(from as usize..*ends.get(at)? as usize)
    }
}

/// All rows of one or two files.
#[derive(Debug, Default)]
pub(super) struct Table {
    stretches: Vec<Stretch>,
    /// The first record of each stretch.
    firsts: Vec<u32>,
    len: u32,
    parts: Vec<Part>,
    /// What may be linked by.
    columns: Vec<Joint>,
    /// Of `columns`, those that are linked by.
    pub(super) linked: Vec<usize>,
    /// Which source each record is from; empty when there is one.
    pub(super) sources: Vec<u8>,
    pub(super) set_aside: u64,
}

/// What was read of one file.
#[derive(Debug)]
struct Part {
    file: PathBuf,
    /// Its first stretch.
    stretch: usize,
    records: Range<u32>,
    /// The headers of the cells that were read.
    header: Vec<String>,
    /// What these cells hold, told by this file alone.
    kinds: Vec<Option<Kind>>,
    /// The cell that holds the id.
    id: usize,
    /// The cell that tells the source.
    source: Option<usize>,
    /// The cells that may be linked by.
    may_link: Vec<usize>,
    /// True where the id's column is the first that does not tell the source.
    starts_with_id: bool,
}

/// A column of one file and its partner in the other, or one of them alone.
#[derive(Debug)]
struct Joint {
    /// The cell of each file.
    cells: [Option<usize>; 2],
}

impl Joint {
    fn is_whole(&self) -> bool {
        self.cells.iter().all(Option::is_some)
    }
}

/// True for a header that names the record itself.
fn names_the_record(header: &str) -> bool {
    header.ends_with("Id") || normalise::words(header).split(' ').any(|word| word == "id")
}

/// True for kinds of which two columns hold the same thing: of two texts or two numbers no kind says that.
fn joins(kind: Kind) -> bool {
    !matches!(kind, Kind::Text | Kind::Category | Kind::Identifier)
}

impl Order {
    /// True for a column of which it was said what it holds.
    fn says(&self, name: &str) -> bool {
        self.kinds.iter().any(|(known, _)| known == name)
    }

    /// What a column was said to hold, or else what it seems to.
    fn kind(&self, name: &str, seems: Option<Kind>) -> Option<Kind> {
        let said = self.kinds.iter().find(|(known, _)| known == name);
        said.map_or(seems, |(_, kind)| *kind)
    }
}

impl Table {
    pub(super) fn read(order: &Order) -> Result<Self, LinkingError> {
        let limits = Limits::default();
        let mut sheets = Vec::new();
        for file in std::iter::once(&order.file).chain(&order.other) {
            let sheet = Sheet::open(file, &Expect::default(), &limits)
                .map_err(|refusal| LinkingError::Unreadable { file: file.clone(), refusal })?;
            sheets.push((file, sheet));
        }
        let is_nowhere =
            |name: &&String| sheets.iter().all(|(_, sheet)| sheet.column(name).is_none());
        if let Some(name) = order.kinds.iter().map(|(name, _)| name).find(is_nowhere) {
            let header = sheets.iter().flat_map(|(_, sheet)| sheet.header()).cloned().collect();
            let (file, name) = (order.file.clone(), name.clone());
            return Err(LinkingError::NoColumn { file, name, header });
        }
        let mut table = Self::default();
        for (file, sheet) in &sheets {
            table.read_file(order, file, sheet)?;
        }
        table.name_sources(order)?;
        let kinds: Vec<Vec<Option<Kind>>> =
            table.parts.iter().map(|part| table.kinds_of(order, part)).collect();
        for (part, kinds) in table.parts.iter_mut().zip(kinds) {
            part.kinds = kinds;
        }
        if order.id.is_none() {
            let ids: Vec<usize> =
                table.parts.iter().map(|part| table.find_id(part, order.threads)).collect();
            for (part, id) in table.parts.iter_mut().zip(ids) {
                part.starts_with_id = part.id == id;
                part.id = id;
                part.may_link.retain(|cell| *cell != id);
            }
        }
        table.join(order);
        Ok(table)
    }

    fn read_file(&mut self, order: &Order, file: &Path, sheet: &Sheet) -> Result<(), LinkingError> {
        let header = sheet.header();
        let column = |name: &String| {
            sheet.column(name).ok_or_else(|| LinkingError::NoColumn {
                file: file.to_owned(),
                name: name.clone(),
                header: header.to_vec(),
            })
        };
        let known = order.id.as_ref().map(column).transpose()?;
        let source = order.source.as_ref().map(column).transpose()?;
        let first = usize::from(source == Some(0) && header.len() > 1);
        let id = known.unwrap_or(first);
        let may_link = |at: usize, name: &str| {
            Some(at) != known && Some(at) != source && (order.says(name) || infer::may_link(name))
        };
        let may_be_id = |name: &str| known.is_none() && names_the_record(name);
        let read = |(at, name): &(usize, &String)| {
            *at == id || Some(*at) == source || may_link(*at, name) || may_be_id(name)
        };
        let (wanted, names): (Vec<usize>, Vec<String>) =
            header.iter().enumerate().filter(read).map(|(at, name)| (at, name.clone())).unzip();
        let (stretches, tally) = sheet
            .read(&wanted, Stretch::default, order.threads)
            .map_err(|refusal| LinkingError::Unreadable { file: file.to_owned(), refusal })?;
        self.set_aside += tally.quarantined;
        let (stretch, from) = (self.stretches.len(), self.len);
        for stretch in stretches.into_iter().filter(|stretch| stretch.rows > 0) {
            self.firsts.push(self.len);
            self.len = self.len.saturating_add(stretch.rows);
            self.stretches.push(stretch);
        }
        let cell = |column: usize| wanted.iter().position(|at| *at == column);
        let linkable = wanted.iter().zip(&names).enumerate();
        let linkable = linkable.filter(|(_, (at, name))| may_link(**at, name));
        let may_link = linkable.map(|(cell, _)| cell).collect();
        self.parts.push(Part {
            file: file.to_owned(),
            stretch,
            records: from..self.len,
            id: cell(id).unwrap_or_default(),
            source: source.and_then(cell),
            may_link,
            kinds: Vec::new(),
            header: names,
            starts_with_id: true,
        });
        Ok(())
    }

    /// Which source each record is from.
    fn name_sources(&mut self, order: &Order) -> Result<(), LinkingError> {
        if let Some(second) = self.parts.get(1) {
            let from = second.records.start;
            self.sources = (0..self.len).map(|at| u8::from(at >= from)).collect();
        } else if let (Some(name), Some(source)) =
            (&order.source, self.parts.first().and_then(|part| part.source))
        {
            let mut known: Vec<&str> = Vec::new();
            let mut sources = Vec::new();
            for at in 0..self.len {
                let value = self.cell(at, source).unwrap_or_default();
                let place = known.iter().position(|other| *other == value).unwrap_or(known.len());
                if place == known.len() {
                    known.push(value);
                }
                sources.push(u8::try_from(place).unwrap_or(u8::MAX));
                if known.len() > 2 {
                    break;
                }
            }
            let &[first, second] = known.as_slice() else {
                let (file, count) = (order.file.clone(), known.len());
                return Err(LinkingError::NotTwoSources { file, name: name.clone(), count });
            };
            // Which comes first is told by their names, whatever record does.
            if second < first {
                for source in &mut sources {
                    *source ^= 1;
                }
            }
            self.sources = sources;
        }
        Ok(())
    }

    /// Records that tell what all of them hold, drawn by what their rows say, so that the order of the rows decides
    /// nothing.
    fn sample(&self, records: Range<u32>, threads: NonZeroUsize) -> Vec<u32> {
        if records.len() < 2 * SAMPLE {
            return records.collect();
        }
        let mut marked = vec![(0_u64, 0_u32); records.len()];
        threads::fill(threads, &mut marked, |at| {
            let at = u32::try_from(at).map_or(0, |at| records.start + at);
            (mark(self.row(at)), at)
        });
        marked.select_nth_unstable(SAMPLE);
        marked.into_iter().take(SAMPLE).map(|(_, at)| at).collect()
    }

    /// What the cells of one file hold, told by that file alone.
    fn kinds_of(&self, order: &Order, part: &Part) -> Vec<Option<Kind>> {
        let sample = self.sample(part.records.clone(), order.threads);
        let values: Vec<Vec<&str>> = (0..part.header.len())
            .map(|cell| {
                let records = sample.iter();
                records.map(|at| self.cell(*at, cell).unwrap_or_default()).collect()
            })
            .collect();
        let sampled: Vec<Sampled<'_>> = part
            .header
            .iter()
            .zip(&values)
            .map(|(header, values)| Sampled { header, values })
            .collect();
        let kinds = infer::kinds(&sampled).into_iter().zip(&part.header);
        kinds.map(|(kind, name)| order.kind(name, kind)).collect()
    }

    /// The cell that names the records: it has a value in each, no two the same, and says nothing else of them.
    /// That is the first one, or one that its header calls so; where none does, the first one is taken.
    fn find_id(&self, part: &Part, threads: NonZeroUsize) -> usize {
        let named = part.header.iter().enumerate().filter(|(_, name)| names_the_record(name));
        let may_be = |cell: &usize| {
            Some(*cell) != part.source && part.kinds.get(*cell).is_some_and(Option::is_none)
        };
        let tells_apart = |cell: &usize| {
            let value = |at: u32| self.cell(at, *cell).unwrap_or_default();
            part.records.clone().all(|at| !value(at).trim().is_empty())
                && self.repeated(part.records.clone(), value, threads) == 0
        };
        let mut candidates = std::iter::once(part.id).chain(named.map(|(cell, _)| cell));
        candidates.find(|cell| may_be(cell) && tells_apart(cell)).unwrap_or(part.id)
    }

    /// Joins the columns of two files: by name, by name but for case and signs, by what they were said to hold,
    /// and by what they hold, each where one of either file is left. Two of one name that hold different things
    /// are two.
    fn join(&mut self, order: &Order) {
        let [Some(left), Some(right)] = [self.parts.first(), self.parts.get(1)] else {
            let cells = self.parts.iter().flat_map(|part| &part.may_link);
            self.columns = cells.map(|cell| Joint { cells: [Some(*cell), None] }).collect();
            return;
        };
        let mut rest = [left.may_link.clone(), right.may_link.clone()];
        let name = |file: usize, cell: usize| {
            self.parts.get(file).and_then(|part| part.header.get(cell)).cloned().unwrap_or_default()
        };
        let folded = |file: usize, cell: usize| {
            Some(infer::joined(&name(file, cell))).filter(|header| !header.is_empty())
        };
        let kind = |file: usize, cell: usize| {
            self.parts.get(file).and_then(|part| *part.kinds.get(cell)?)
        };
        let said =
            |file: usize, cell: usize| kind(file, cell).filter(|_| order.says(&name(file, cell)));
        let known = |file: usize, cell: usize| kind(file, cell).filter(|kind| joins(*kind));
        let held = |file: usize, cell: usize| known(file, cell).or_else(|| said(file, cell));
        let may_be_one = |left: usize, right: usize| {
            let kinds = known(0, left).zip(known(1, right));
            kinds.is_none_or(|(one, other)| {
                one == other || one.is_of_people() && other.is_of_people()
            })
        };
        // Whether a bare name is a person's or a company's is a guess at its values, and tells less than the
        // header where nothing else fits.
        let named = |file: usize, cell: usize| {
            let is_name = |kind: &Kind| kind.is_of_people() || *kind == Kind::Company;
            kind(file, cell).filter(is_name).and_then(|_| folded(file, cell))
        };
        let always = |_, _| true;
        let mut pairs = alike(&mut rest, |file, cell| Some(name(file, cell)), may_be_one);
        pairs.extend(alike(&mut rest, folded, may_be_one));
        pairs.extend(alike(&mut rest, said, always));
        pairs.extend(alike(&mut rest, held, always));
        pairs.extend(alike(&mut rest, named, always));
        let [left, right] = rest;
        let whole = pairs.into_iter().map(|cells| cells.map(Some));
        let alone = left.into_iter().map(|cell| [Some(cell), None]);
        let alone = alone.chain(right.into_iter().map(|cell| [None, Some(cell)]));
        let mut columns: Vec<Joint> = whole.chain(alone).map(|cells| Joint { cells }).collect();
        // Of most kinds the first column alone counts: those of both files come before those of one. Then in
        // the order of the first file, and of the second.
        columns.sort_by_key(|joint| {
            let [left, right] = joint.cells;
            (!joint.is_whole(), left.is_none(), left.or(right))
        });
        self.columns = columns;
    }

    /// The headers of a column.
    fn names(&self, joint: &Joint) -> Vec<&str> {
        let parts = self.parts.iter().zip(joint.cells);
        parts.filter_map(|(part, cell)| part.header.get(cell?).map(String::as_str)).collect()
    }

    /// What the columns hold: what each file says of its own, and where two that are joined say different
    /// things, what both together say first.
    pub(super) fn infer(&self, order: &Order) -> Vec<Option<Kind>> {
        // A file alone has told already what its columns hold.
        let both = if self.parts.len() > 1 { 0..self.len } else { 0..0 };
        let sample = self.sample(both, order.threads);
        let values: Vec<Vec<&str>> = (0..self.columns.len())
            .map(|column| {
                let records = sample.iter();
                records.map(|at| self.column(*at, column).unwrap_or_default()).collect()
            })
            .collect();
        let sampled: Vec<Sampled<'_>> = self
            .columns
            .iter()
            .zip(&values)
            .map(|(joint, values)| Sampled {
                header: self.names(joint).first().copied().unwrap_or_default(),
                values,
            })
            .collect();
        let pooled = infer::kinds(&sampled).into_iter().zip(&self.columns);
        pooled
            .map(|(pooled, joint)| {
                let parts = self.parts.iter().zip(joint.cells);
                let mut own = parts.map(|(part, cell)| *part.kinds.get(cell?)?);
                let (left, right) = (own.next().flatten(), own.next().flatten());
                let agreed = left.filter(|_| left == right);
                let pooled = pooled.filter(|_| joint.is_whole());
                let seems = agreed.or(pooled).or(left).or(right);
                let said = self.names(joint).into_iter().find(|name| order.says(name));
                said.map_or(seems, |name| order.kind(name, seems))
            })
            .collect()
    }

    /// What the columns hold by which records are compared; `None` for the others.
    pub(super) fn compared(&self, kinds: &[Option<Kind>]) -> Vec<Option<Kind>> {
        let among: Vec<Kind> = kinds.iter().copied().flatten().collect();
        let mut seen = BTreeSet::new();
        let mut is_read = |kind: &Kind| seen.insert(*kind) || !kind.is_read_once();
        let read: Vec<Option<Kind>> = kinds.iter().map(|kind| kind.filter(&mut is_read)).collect();
        let has_partner = |joint: &Joint, kind: Kind| {
            let in_other_file = |other: &Joint| {
                let mut sides = joint.cells.iter().zip(other.cells);
                sides.any(|(own, other)| own.is_none() && other.is_some())
            };
            self.columns.iter().zip(&read).any(|(other, read)| {
                in_other_file(other) && read.is_some_and(|other| kind.meets(other, &among))
            })
        };
        let is_compared = |joint: &Joint, kind: Kind| {
            self.parts.len() < 2 || joint.is_whole() || has_partner(joint, kind)
        };
        // A house number is read beside the street of its record, and says nothing without one.
        let has_street = |joint: &Joint| {
            self.columns.iter().zip(&read).any(|(other, kind)| {
                let mut sides = joint.cells.iter().zip(other.cells);
                *kind == Some(Kind::Street)
                    && is_compared(other, Kind::Street)
                    && sides.any(|(own, other)| own.is_some() && other.is_some())
            })
        };
        let columns = self.columns.iter().zip(&read);
        columns
            .map(|(joint, kind)| {
                let is_number = *kind == Some(Kind::HouseNumber);
                kind.filter(
                    |kind| {
                        if is_number { has_street(joint) } else { is_compared(joint, *kind) }
                    },
                )
            })
            .collect()
    }

    /// The columns by which records are compared, by name.
    pub(super) fn named(&self, compared: &[Option<Kind>]) -> Vec<(String, Kind)> {
        let columns = self.columns.iter().zip(compared);
        let columns = columns.filter_map(|(joint, kind)| Some((joint, (*kind)?)));
        columns
            .map(|(joint, kind)| {
                let mut names = self.names(joint);
                names.dedup();
                (names.join(" / "), kind)
            })
            .collect()
    }

    /// Of each file, the columns by which no records are compared, but for those that were said to hold nothing:
    /// first those of which it is known what they hold.
    pub(super) fn left_out(
        &self,
        order: &Order,
        compared: &[Option<Kind>],
    ) -> Vec<(PathBuf, Vec<String>)> {
        let left_out = |(file, part): (usize, &Part)| {
            let columns = self.columns.iter().zip(compared).filter(|(_, kind)| kind.is_none());
            let cells = columns.filter_map(|(joint, _)| joint.cells.get(file).copied().flatten());
            let (known, unknown): (Vec<usize>, Vec<usize>) =
                cells.partition(|cell| part.kinds.get(*cell).is_some_and(Option::is_some));
            let names = known.into_iter().chain(unknown).filter_map(|cell| part.header.get(cell));
            let names = names.filter(|name| !order.says(name) || order.kind(name, None).is_some());
            (part.file.clone(), names.cloned().collect::<Vec<_>>())
        };
        let left_out = self.parts.iter().enumerate().map(left_out);
        left_out.filter(|(_, columns)| !columns.is_empty()).collect()
    }

    /// The columns of ids that are not the first of their file.
    pub(super) fn later_ids(&self) -> Vec<(PathBuf, String)> {
        let later = self.parts.iter().filter(|part| !part.starts_with_id);
        later
            .filter_map(|part| Some((part.file.clone(), part.header.get(part.id)?.clone())))
            .collect()
    }

    /// The stretch in which a record stands, and its row there.
    fn place(&self, at: u32) -> Option<(usize, u32)> {
        // Stretches are of about one size: the right one is close to where it would be if they were.
        let share = u64::from(at) * self.firsts.len() as u64 / u64::from(self.len.max(1));
        let mut stretch = usize::try_from(share).ok()?;
        while *self.firsts.get(stretch)? > at {
            stretch = stretch.checked_sub(1)?;
        }
        while self.firsts.get(stretch + 1).is_some_and(|first| *first <= at) {
            stretch += 1;
        }
        Some((stretch, at - self.firsts.get(stretch)?))
    }

    /// The cells of a record that were read.
    fn row(&self, at: u32) -> impl Iterator<Item = &str> {
        let place = self.place(at);
        let stretch = place.and_then(|(stretch, row)| Some((self.stretches.get(stretch)?, row)));
        stretch.into_iter().flat_map(|(stretch, row)| {
            (0..stretch.columns.len()).filter_map(move |cell| stretch.cell(row, cell))
        })
    }

    fn cell(&self, at: u32, cell: usize) -> Option<&str> {
        let (stretch, row) = self.place(at)?;
        self.stretches.get(stretch)?.cell(row, cell)
    }

    /// The value of one of `columns`.
    fn column(&self, at: u32, column: usize) -> Option<&str> {
        let (stretch, row) = self.place(at)?;
        let cell = *self.columns.get(column)?.cells.get(self.part_of(stretch))?;
        self.stretches.get(stretch)?.cell(row, cell?)
    }

    /// The file that a stretch is of.
    fn part_of(&self, stretch: usize) -> usize {
        usize::from(self.parts.get(1).is_some_and(|second| second.stretch <= stretch))
    }

    pub(super) fn id(&self, at: u32) -> &str {
        let cell = || {
            let (stretch, row) = self.place(at)?;
            self.stretches.get(stretch)?.cell(row, self.parts.get(self.part_of(stretch))?.id)
        };
        cell().unwrap_or_default()
    }

    /// How many records have the id of an earlier one of their source.
    pub(super) fn repeated_ids(&self, threads: NonZeroUsize) -> usize {
        self.repeated(0..self.len, |at| self.id(at), threads)
    }

    /// How many records have the value of an earlier one of their source; told by hashes, of which two in
    /// millions do not meet by chance.
    fn repeated<'v>(
        &self,
        records: Range<u32>,
        value: impl Fn(u32) -> &'v str + Sync,
        threads: NonZeroUsize,
    ) -> usize {
        let hashing = DefaultHashBuilder::default();
        let hash = |at: u32| hashing.hash_one((self.source(at), value(at)));
        let mut hashes = vec![0; records.len()];
        threads::fill(threads, &mut hashes, |at| {
            u32::try_from(at).map_or(0, |at| hash(records.start + at))
        });
        hashes.sort_unstable();
        hashes.windows(2).filter(|pair| pair.first() == pair.last()).count()
    }
}

/// Takes from the rest of both files each pair that shares a key which no other of the rest has, where the two
/// may be one.
fn alike<K: PartialEq>(
    rest: &mut [Vec<usize>; 2],
    key: impl Fn(usize, usize) -> Option<K>,
    may_be_one: impl Fn(usize, usize) -> bool,
) -> Vec<[usize; 2]> {
    let mut pairs = Vec::new();
    let [left, right] = rest;
    for one in left.clone() {
        let Some(shared) = key(0, one) else { continue };
        let has = |file: usize, cells: &[usize]| -> Vec<usize> {
            cells
                .iter()
                .copied()
                .filter(|cell| key(file, *cell).as_ref() == Some(&shared))
                .collect()
        };
        if let ([_], &[other]) = (has(0, left).as_slice(), has(1, right).as_slice())
            && may_be_one(one, other)
        {
            left.retain(|cell| *cell != one);
            right.retain(|cell| *cell != other);
            pairs.push([one, other]);
        }
    }
    pairs
}

impl Records for Table {
    fn len(&self) -> u32 {
        self.len
    }

    fn value(&self, at: u32, column: usize) -> Option<&str> {
        self.column(at, *self.linked.get(column)?)
    }

    fn source(&self, at: u32) -> u8 {
        self.sources.get(at as usize).copied().unwrap_or_default()
    }
}
