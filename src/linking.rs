//! `crm-review match`: the duplicate engine alone, on any CSV file or between two.
//!
//! It reads with the reader of the review and links with the engine and the defaults of the review.
//! Does not: apply a boundary; it reads the columns it links by, writes no value but ids, and where Splink is to
//! go on from here the folded values it compares, and changes no file but those it is asked to write.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::BuildHasher as _;
use std::io::{self, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;

use crate::check;
use crate::folder;
use crate::matching::cluster::Cluster;
use crate::matching::infer::{self, Sampled};
use crate::matching::normalise;
use crate::matching::parameters::{Mismatch, Parameters, Unreadable};
use crate::matching::splink::{Dialect, Unfit, retrained};
use crate::matching::transitive::{Third, kin};
use crate::matching::{
    Crowd, Kind, LARGEST_BLOCK, Linkage, Pair, Plan, Records, link, link_by, mark,
};
use crate::source::csv::{Expect, Limits, Misfit, Refusal, Sheet, Sink};
use crate::threads;

/// What to link, and where the pairs go.
#[derive(Debug, Clone)]
pub struct Order {
    /// The file to link within itself, or the first of two to link between.
    pub file: PathBuf,
    /// The second file.
    pub other: Option<PathBuf>,
    /// The file to write.
    pub pairs: PathBuf,
    /// The file to write the clusters to, where they are wanted.
    pub clusters: Option<PathBuf>,
    /// The column of ids; otherwise one that tells the records apart, or the first.
    pub id: Option<String>,
    /// The column that says which source a record is from: only records of different ones are linked.
    pub source: Option<String>,
    /// Kinds of columns that are known better than by header and content; `None` leaves a column out.
    pub kinds: Vec<(String, Option<Kind>)>,
    /// A model to link by; otherwise the records teach one.
    pub model: Option<PathBuf>,
    /// Where the model goes that was linked by.
    pub model_out: Option<PathBuf>,
    /// Splink's settings with what it learned anew, taken over into the model to link by.
    pub retrained: Option<PathBuf>,
    /// The folder for the model and the records as Splink takes them.
    pub splink: Option<PathBuf>,
    /// Where it goes what each comparison of each pair is worth.
    pub weights: Option<PathBuf>,
    /// How many threads read and compare.
    pub threads: NonZeroUsize,
}

/// Why nothing was linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkingError {
    /// A file cannot be read.
    #[error("{}: {refusal}\n  hint: {}", file.display(), refusal.hint())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// A column that was named is not there.
    #[error("{}: there is no column `{name}`\n  hint: the columns are {}", file.display(), header.join(", "))]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
        /// The columns there are.
        header: Vec<String>,
    },
    /// No column says anything that records can be linked by.
    #[error(
        "{}: no column is known to hold a name, an address, a number or a text\n  hint: name one with --kind COLUMN=KIND",
        file.display()
    )]
    NothingToLinkBy {
        /// The file.
        file: PathBuf,
    },
    /// The two files hold nothing that can be compared.
    #[error(
        "{} and {} have no column in common that records can be linked by\n  hint: say which two hold the same, \
         with --kind COLUMN=KIND for a column of each file",
        file.display(),
        other.display()
    )]
    NothingInCommon {
        /// The first file.
        file: PathBuf,
        /// The second.
        other: PathBuf,
    },
    /// The column of sources does not name two.
    #[error("{}: `{name}` names {}, not two\n  hint: leave --link out to link within the file, or name with --source a column of two sources", file.display(), sources(*count))]
    NotTwoSources {
        /// The file.
        file: PathBuf,
        /// The column.
        name: String,
        /// How many it names, as far as they were counted: up to the third.
        count: usize,
    },
    /// The model is not there.
    #[error("{}: {error}\n  hint: {}", file.display(), folder::shortage(error).unwrap_or("--model reads the file that --model-out wrote, and --retrained the one that Splink did"))]
    NoModel {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is no model.
    #[error("{}: {why}", file.display())]
    NotAModel {
        /// The file.
        file: PathBuf,
        /// Why.
        why: Unreadable,
    },
    /// The model is of other records.
    #[error("{}: {why}", file.display())]
    OtherModel {
        /// The file.
        file: PathBuf,
        /// Why.
        why: Mismatch,
    },
    /// What Splink learned does not fit the model.
    #[error("{}: {why}", file.display())]
    NotRetrained {
        /// The file.
        file: PathBuf,
        /// Why.
        why: Unfit,
    },
    /// A file is named for two things of which one is to be written.
    #[error(
        "{}: it is named twice, and writing it would lose what it holds\n  hint: give each output a file of its own",
        file.display()
    )]
    NamedTwice {
        /// The file.
        file: PathBuf,
    },
    /// An output cannot be written.
    #[error("{}: {error}\n  hint: {}", file.display(), folder::shortage(error).unwrap_or("name a file in a folder that you may write to"))]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What linking came to.
#[derive(Debug)]
pub struct Linked {
    /// What each column holds by which records were compared.
    pub columns: Vec<(String, Kind)>,
    /// Of each file, the columns by which none were.
    pub left_out: Vec<(PathBuf, Vec<String>)>,
    /// Columns of ids that are not the first of their file.
    pub ids: Vec<(PathBuf, String)>,
    /// How many records there are.
    pub records: u32,
    /// Rows that could not be read.
    pub set_aside: u64,
    /// Records whose id an earlier record has: pairs and clusters name records by their ids.
    pub repeated_ids: usize,
    /// How many pairs were compared.
    pub compared: u64,
    /// How many pairs were written.
    pub written: usize,
    /// How many of them are more likely one than not.
    pub likely: usize,
    /// How many of these are so by a third record alone.
    pub by_third: usize,
    /// How many matching pairs the records are expected to hold.
    pub expected: f64,
    /// What the pairs that are more likely one than not come to, where that was asked for.
    pub clustered: Option<Clustered>,
    /// Keys that too many records share.
    pub crowds: Vec<Crowd>,
}

/// Records of which several are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clustered {
    /// How many sets of them there are.
    pub clusters: usize,
    /// How many records stand in them.
    pub records: usize,
    /// Pairs more likely one than not whose neighbours contradict them: they join no records.
    pub bridges: usize,
}

impl Order {
    /// Nothing that is to be written is to be read, or written twice.
    fn keeps_files_apart(&self) -> Result<(), LinkingError> {
        let read =
            [Some(&self.file), self.other.as_ref(), self.model.as_ref(), self.retrained.as_ref()];
        let mut named: Vec<&Path> = read.into_iter().flatten().map(PathBuf::as_path).collect();
        let splink: Vec<PathBuf> =
            self.splink.as_deref().into_iter().flat_map(splink_files).collect();
        let written = [
            Some(&self.pairs),
            self.clusters.as_ref(),
            self.model_out.as_ref(),
            self.weights.as_ref(),
        ];
        for file in written.into_iter().flatten().chain(&splink) {
            if named.iter().any(|other| folder::are_one_place(file, other)) {
                return Err(LinkingError::NamedTwice { file: file.clone() });
            }
            named.push(file);
        }
        Ok(())
    }
}

/// So many sources in words, of which no more than three were counted.
fn sources(count: usize) -> &'static str {
    match count {
        0 => "no source",
        1 => "one source",
        _ => "more than two sources",
    }
}

impl LinkingError {
    /// The exit code: 2 for what the caller wrote, 3 for what stands in the way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoColumn { .. }
            | Self::NamedTwice { .. }
            | Self::NotTwoSources { .. }
            | Self::NothingToLinkBy { .. }
            | Self::NothingInCommon { .. }
            | Self::NotAModel { .. }
            | Self::OtherModel { .. }
            | Self::NotRetrained { .. } => 2,
            Self::Unreadable { .. } | Self::NoModel { .. } | Self::Unwritable { .. } => 3,
        }
    }
}

/// No more columns of a file than a person reads.
const LISTED: usize = 12;

impl Linked {
    /// What was linked by and what it came to, in words.
    pub fn summary(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|(name, kind)| format!("{name} ({})", kind.name())).collect();
        let mut words = format!(
            "{} records linked by {}\n{} pairs compared; about {:.0} expected to be one\n\
             {} pairs written, {} of them more likely one than not",
            self.records,
            columns.join(", "),
            self.compared,
            self.expected,
            self.written,
            self.likely
        );
        words.push_str(&match self.by_third {
            0 => "\n".to_owned(),
            by_third => format!("; {by_third} of these because both are one with a third record\n"),
        });
        if let Some(Clustered { clusters, records, bridges }) = self.clustered {
            words.push_str(&format!(
                "{records} records in {clusters} clusters; {bridges} pairs left apart, because the others \
                 they would join speak against it\n"
            ));
        }
        for (file, columns) in &self.left_out {
            let (told, more) = columns.split_at(columns.len().min(LISTED));
            let more =
                if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            words.push_str(&format!(
                "not compared of {}: {}{more} (`--kind` says what a column holds)\n",
                file.display(),
                told.join(", ")
            ));
        }
        for (file, column) in &self.ids {
            words.push_str(&format!("the ids of {} are its column {column}\n", file.display()));
        }
        if self.set_aside > 0 {
            words.push_str(&format!("{} rows could not be read: see `inspect`\n", self.set_aside));
        }
        if self.repeated_ids > 0 {
            words.push_str(&format!(
                "{} records have the id of an earlier one, so pairs do not tell which they are of: \
                 name the column that tells records apart (`--id`)\n",
                self.repeated_ids
            ));
        }
        let alone: usize = self.crowds.iter().map(|crowd| crowd.records - crowd.apart).sum();
        if let Some(largest) = self.crowds.iter().max_by_key(|crowd| crowd.records) {
            let values = match self.crowds.len() {
                1 => "1 value is".to_owned(),
                several => format!("{several} values are each"),
            };
            words.push_str(&format!(
                "{values} shared by so many records ({} share one {}) that only those who share more were \
                 compared",
                largest.records, largest.by
            ));
            words.push_str(&match alone {
                0 => "\n".to_owned(),
                1 => "; once a record shared no more\n".to_owned(),
                times => format!("; {times} times a record shared no more\n"),
            });
        }
        words
    }
}

/// Pairs less likely than about one in a hundred thousand are not written.
const LEAST_BITS: f64 = -16.6;
/// So many records tell what their columns hold.
const SAMPLE: usize = 2_000;

/// What was found, as it is written: every pair by what its own records say, and what third records say.
struct Found {
    linkage: Linkage,
    clusters: Vec<Cluster>,
    /// The pairs that are written, in the records' order.
    pairs: Vec<Pair>,
    /// What third records say of them, in the same order.
    thirds: Vec<(u32, u32, Third)>,
}

impl Found {
    fn of(mut linkage: Linkage, table: &Table) -> Self {
        let mut pairs = std::mem::take(&mut linkage.pairs);
        let likely = pairs.iter().copied().filter(|pair| pair.bits > 0.0).collect();
        let score = |left, right| linkage.score(left, right);
        let clusters = linkage.clusters(likely, |at| table.id(at));
        let may_be_one =
            |left, right| table.sources.is_empty() || table.source(left) != table.source(right);
        let kin = kin(&clusters, |left, right| may_be_one(left, right).then(|| score(left, right)));
        let mut thirds = Vec::new();
        let keyed = pairs.len();
        for kin in kin {
            let (left, right) = (kin.pair.left, kin.pair.right);
            if kin.third.map_or(kin.pair.bits, |third| third.bits) < LEAST_BITS {
                continue;
            }
            thirds.extend(kin.third.map(|third| (left, right, third)));
            let keyed = pairs.get(..keyed).unwrap_or_default();
            if keyed.binary_search_by_key(&(left, right), |pair| (pair.left, pair.right)).is_err() {
                pairs.push(kin.pair);
            }
        }
        pairs.sort_by_key(|pair| (pair.left, pair.right));
        Self { linkage, clusters, pairs, thirds }
    }

    /// The third record that says more of a pair than its own two do.
    fn third(&self, pair: &Pair) -> Option<Third> {
        let ends = (pair.left, pair.right);
        let at = self.thirds.binary_search_by_key(&ends, |(left, right, _)| (*left, *right));
        at.ok().and_then(|at| self.thirds.get(at)).map(|(.., third)| *third)
    }

    /// The pair with all that is said of it.
    fn judged(&self, pair: &Pair) -> Pair {
        let bits = self.third(pair).map_or(pair.bits, |third| third.bits);
        Pair { bits, ..*pair }
    }
}

/// Links, and writes the pairs as `id_l,id_r,score,weight`: the chance that the two are one, and what their own
/// values say of it, in bits. The chance is that of these bits, or the higher one that a third record gives.
pub fn run(order: &Order) -> Result<Linked, LinkingError> {
    order.keeps_files_apart()?;
    let known = known(order)?;
    let mut table = Table::read(order)?;
    let kinds = table.infer(order);
    let compared = table.compared(&kinds);
    let columns_named = table.named(&compared);
    if columns_named.is_empty() {
        let file = order.file.clone();
        let is_known = kinds.iter().any(Option::is_some);
        return Err(match order.other.clone().filter(|_| is_known) {
            Some(other) => LinkingError::NothingInCommon { file, other },
            None => LinkingError::NothingToLinkBy { file },
        });
    }
    let left_out = table.left_out(order, &compared);
    let columns: Vec<(usize, Kind)> =
        kinds.iter().enumerate().filter_map(|(at, kind)| Some((at, (*kind)?))).collect();
    table.linked = columns.iter().map(|(at, _)| *at).collect();
    let plan = Plan {
        columns: &columns.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(),
        lists: &check::shipped_lists(),
        largest_block: LARGEST_BLOCK,
        least_bits: LEAST_BITS,
        threads: order.threads,
    };
    let linkage = match &known {
        None => link(&table, plan),
        Some((file, known)) => link_by(&table, plan, known)
            .map_err(|why| LinkingError::OtherModel { file: (*file).to_owned(), why })?,
    };
    let found = Found::of(linkage, &table);
    let unwritable = |file: &Path| {
        let file = file.to_owned();
        |error: io::Error| LinkingError::Unwritable { file, error }
    };
    write_pairs(order, &table, &found).map_err(unwritable(&order.pairs))?;
    if let Some(file) = &order.model_out {
        write_text(file, &found.linkage.parameters().to_toml()).map_err(unwritable(file))?;
    }
    let clustered = order
        .clusters
        .as_deref()
        .map(|file| write_clusters(file, order, &table, &found.clusters).map_err(unwritable(file)))
        .transpose()?;
    if let Some(file) = &order.weights {
        write_weights(file, &table, &found).map_err(unwritable(file))?;
    }
    if let Some(folder) = &order.splink {
        write_splink(folder, &table, &found.linkage)?;
    }
    let likely = |pair: &Pair| pair.bits > 0.0;
    let by_themselves = found.pairs.iter().filter(|pair| likely(pair)).count();
    let likely = found.pairs.iter().filter(|pair| likely(&found.judged(pair))).count();
    Ok(Linked {
        columns: columns_named,
        left_out,
        ids: table.later_ids(),
        records: table.len(),
        set_aside: table.set_aside,
        repeated_ids: table.repeated_ids(order.threads),
        compared: found.linkage.compared,
        written: found.pairs.len(),
        likely,
        by_third: likely - by_themselves,
        expected: found.linkage.expected,
        clustered,
        crowds: found.linkage.crowds,
    })
}

/// Writes every record with its cluster, which is named by its first record.
fn write_clusters(
    path: &Path,
    order: &Order,
    table: &Table,
    clusters: &[Cluster],
) -> io::Result<Clustered> {
    let mut of: Vec<u32> = (0..table.len()).collect();
    let mut counts = Clustered { clusters: 0, records: 0, bridges: 0 };
    for cluster in clusters {
        counts.bridges += cluster.bridges().count();
        for group in cluster.groups.iter().filter(|group| group.len() > 1) {
            counts.clusters += 1;
            counts.records += group.len();
            for record in group {
                if let (Some(slot), Some(first)) = (of.get_mut(*record as usize), group.first()) {
                    *slot = *first;
                }
            }
        }
    }
    let rows: Vec<[u32; 2]> = (0_u32..).zip(of).map(|(record, first)| [record, first]).collect();
    write_table(path, ["id", "cluster"], &rows, order.threads, |row, out| {
        out.write_record(row.map(|record| table.id(record)))
    })?;
    Ok(counts)
}

/// The model to link by, with its file.
fn known(order: &Order) -> Result<Option<(&Path, Parameters)>, LinkingError> {
    let read = |file: &Path| {
        fs::read_to_string(file)
            .map_err(|error| LinkingError::NoModel { file: file.to_owned(), error })
    };
    let Some(file) = order.model.as_deref() else { return Ok(None) };
    let mut known = Parameters::parse(&read(file)?)
        .map_err(|why| LinkingError::NotAModel { file: file.to_owned(), why })?;
    if let Some(file) = &order.retrained {
        known = retrained(&known, &read(file)?)
            .map_err(|why| LinkingError::NotRetrained { file: file.clone(), why })?;
    }
    Ok(Some((file, known)))
}

/// What the folder holds that Splink works from, beside the settings.
const SPLINK_MODEL: &str = "model.toml";
const SPLINK_LIMITS: &str = "limits.csv";
const SPLINK_RECORDS: &str = "prepared.csv";

/// The settings of one dialect in the folder that Splink works from.
fn splink_settings(dialect: Dialect) -> String {
    format!("settings.{}.json", dialect.name())
}

/// Every file that is written for Splink into a folder.
fn splink_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let others = [SPLINK_MODEL, SPLINK_LIMITS, SPLINK_RECORDS].map(str::to_owned);
    Dialect::ALL.into_iter().map(splink_settings).chain(others).map(|name| folder.join(name))
}

/// Writes the folder that Splink works from.
fn write_splink(folder: &Path, table: &Table, linkage: &Linkage) -> Result<(), LinkingError> {
    let unwritable =
        |file: &Path, error: io::Error| LinkingError::Unwritable { file: file.to_owned(), error };
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let export = linkage.for_splink();
    let text = |name: String, text: &str| {
        let file = folder.join(name);
        write_text(&file, text).map_err(|error| unwritable(&file, error))
    };
    text(SPLINK_MODEL.to_owned(), &linkage.parameters().to_toml())?;
    for dialect in Dialect::ALL {
        text(splink_settings(dialect), &export.settings(dialect))?;
    }
    let limits = folder.join(SPLINK_LIMITS);
    write_rows(&limits, export.limits()).map_err(|error| unwritable(&limits, error))?;
    let prepared = folder.join(SPLINK_RECORDS);
    let lead = if table.sources.is_empty() { 1 } else { 2 };
    let names = ["unique_id", "source_dataset"].map(str::to_owned).into_iter().take(lead);
    let header: Vec<String> = names.chain(export.header()).collect();
    let rows = (0..table.len()).map(|at| {
        let ids = [table.id(at).to_owned(), (table.source(at) + 1).to_string()];
        ids.into_iter().take(lead).chain(export.row(at)).collect()
    });
    write_rows(&prepared, std::iter::once(header).chain(rows))
        .map_err(|error| unwritable(&prepared, error))
}

/// Writes what each comparison of each pair is worth: with the prior it sums to the pair's weight, and with what
/// a third record adds to the odds of its score.
fn write_weights(path: &Path, table: &Table, found: &Found) -> io::Result<()> {
    let header = ["id_l", "id_r", "comparison", "level", "circumstances", "bits"];
    let names = found.linkage.comparisons();
    let rows = found.pairs.iter().flat_map(|pair| {
        let ends = [table.id(pair.left), table.id(pair.right)];
        let weights = found.linkage.weights(pair.left, pair.right);
        let own = names
            .iter()
            .zip(weights)
            .filter_map(|(name, weight)| Some(([name, weight.says?, weight.context], weight.bits)));
        let third = found.third(pair).map(|third| {
            (
                ["third record", "both are one with it", table.id(third.record)],
                third.bits - pair.bits,
            )
        });
        let rows: Vec<Vec<String>> = own
            .chain(third)
            .map(|(words, bits)| {
                ends.into_iter().chain(words).map(str::to_owned).chain([bits.to_string()]).collect()
            })
            .collect();
        rows
    });
    write_rows(path, std::iter::once(header.map(str::to_owned).to_vec()).chain(rows))
}

fn write_rows<R>(path: &Path, rows: impl IntoIterator<Item = R>) -> io::Result<()>
where
    R: IntoIterator<Item = String>,
{
    let mut out = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    for row in rows {
        out.write_record(row)?;
    }
    finish(out)
}

fn write_text(path: &Path, text: &str) -> io::Result<()> {
    let mut out = File::create(path)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

fn write_pairs(order: &Order, table: &Table, found: &Found) -> io::Result<()> {
    let header = ["id_l", "id_r", "score", "weight"];
    write_table(&order.pairs, header, &found.pairs, order.threads, |pair, out| {
        let (score, weight) = (found.judged(pair).probability().to_string(), pair.bits.to_string());
        out.write_record([table.id(pair.left), table.id(pair.right), &score, &weight])
    })
}

/// Writes a row for each item, in their order; the threads put some of them into words at a time.
fn write_table<const N: usize, T: Sync>(
    path: &Path,
    header: [&str; N],
    items: &[T],
    threads: NonZeroUsize,
    row: impl Fn(&T, &mut csv::Writer<Vec<u8>>) -> csv::Result<()> + Sync,
) -> io::Result<()> {
    /// Items that a thread puts into words in one go, and how many are in memory as such.
    const STRETCH: usize = 1 << 14;
    const AT_A_TIME: usize = 16 * STRETCH;
    let mut out = File::create(path)?;
    out.write_all(format!("{}\n", header.join(",")).as_bytes())?;
    for items in items.chunks(AT_A_TIME) {
        let stretches: Vec<&[T]> = items.chunks(STRETCH).collect();
        let texts = threads::each(threads, stretches.len(), |at| {
            let mut text = csv::Writer::from_writer(Vec::new());
            for item in stretches.get(at).copied().unwrap_or_default() {
                row(item, &mut text)?;
            }
            text.into_inner().map_err(|error| io::Error::other(error.to_string()))
        });
        for text in texts {
            out.write_all(&text?)?;
        }
    }
    out.sync_all()
}

fn finish(out: csv::Writer<BufWriter<File>>) -> io::Result<()> {
    out.into_inner().map_err(|error| io::Error::other(error.to_string()))?.into_inner()?.sync_all()
}

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
struct Table {
    stretches: Vec<Stretch>,
    /// The first record of each stretch.
    firsts: Vec<u32>,
    len: u32,
    parts: Vec<Part>,
    /// What may be linked by.
    columns: Vec<Joint>,
    /// Of `columns`, those that are linked by.
    linked: Vec<usize>,
    /// Which source each record is from; empty when there is one.
    sources: Vec<u8>,
    set_aside: u64,
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
    fn read(order: &Order) -> Result<Self, LinkingError> {
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
    fn infer(&self, order: &Order) -> Vec<Option<Kind>> {
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
    fn compared(&self, kinds: &[Option<Kind>]) -> Vec<Option<Kind>> {
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
    fn named(&self, compared: &[Option<Kind>]) -> Vec<(String, Kind)> {
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
    fn left_out(&self, order: &Order, compared: &[Option<Kind>]) -> Vec<(PathBuf, Vec<String>)> {
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
    fn later_ids(&self) -> Vec<(PathBuf, String)> {
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

    fn id(&self, at: u32) -> &str {
        let cell = || {
            let (stretch, row) = self.place(at)?;
            self.stretches.get(stretch)?.cell(row, self.parts.get(self.part_of(stretch))?.id)
        };
        cell().unwrap_or_default()
    }

    /// How many records have the id of an earlier one of their source.
    fn repeated_ids(&self, threads: NonZeroUsize) -> usize {
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
