//! `crm-review match`: the duplicate engine alone, on any CSV file or between two.
//!
//! It reads with the reader of the review and links with the engine and the defaults of the review.
//! Does not: apply a boundary; it reads the columns it links by, writes no value but ids, and where Splink is to
//! go on from here the folded values it compares, and changes no file but those it is asked to write.

mod output;
mod table;

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use self::table::Table;
use crate::check;
use crate::folder;
use crate::matching::cluster::Cluster;
use crate::matching::parameters::{Mismatch, Parameters, Unreadable};
use crate::matching::splink::{Unfit, retrained};
use crate::matching::transitive::{Third, kin};
use crate::matching::{
    Crowd, Kind, LARGEST_BLOCK, Linkage, Pair, Plan, Records as _, link, link_by,
};
use crate::source::csv::Refusal;

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
            self.splink.as_deref().into_iter().flat_map(output::splink_files).collect();
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
    let clustered = output::write(order, &table, &found)?;
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
