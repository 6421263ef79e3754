//! What `match` writes: pairs, clusters, weights, the model, and the folder that Splink works from. A file comes
//! into its place whole.
//!
//! Does not: link, or say what was found.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::table::Table;
use super::{Clustered, Found, LinkingError, Order};
use crate::folder::Output;
use crate::matching::cluster::Cluster;
use crate::matching::splink::Dialect;
use crate::matching::{Linkage, Records as _};
use crate::threads;

/// Writes what was ordered, and counts the clusters if they were.
pub(super) fn write(
    order: &Order,
    table: &Table,
    found: &Found,
) -> Result<Option<Clustered>, LinkingError> {
    write_pairs(order, table, found).map_err(unwritable(&order.pairs))?;
    if let Some(file) = &order.model_out {
        write_text(file, &found.linkage.parameters().to_toml()).map_err(unwritable(file))?;
    }
    let clustered = order
        .clusters
        .as_deref()
        .map(|file| write_clusters(file, order, table, &found.clusters).map_err(unwritable(file)))
        .transpose()?;
    if let Some(file) = &order.weights {
        write_weights(file, table, found).map_err(unwritable(file))?;
    }
    if let Some(folder) = &order.splink {
        write_splink(folder, table, &found.linkage)?;
    }
    Ok(clustered)
}

fn unwritable(file: &Path) -> impl FnOnce(io::Error) -> LinkingError {
    let file = file.to_owned();
    |error| LinkingError::Unwritable { file, error }
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

/// What the folder holds that Splink works from, beside the settings.
const SPLINK_MODEL: &str = "model.toml";
const SPLINK_LIMITS: &str = "limits.csv";
const SPLINK_RECORDS: &str = "prepared.csv";

/// The settings of one dialect in the folder that Splink works from.
fn splink_settings(dialect: Dialect) -> String {
    format!("settings.{}.json", dialect.name())
}

/// Every file that is written for Splink into a folder.
pub(super) fn splink_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let others = [SPLINK_MODEL, SPLINK_LIMITS, SPLINK_RECORDS].map(str::to_owned);
    Dialect::ALL.into_iter().map(splink_settings).chain(others).map(|name| folder.join(name))
}

/// Writes the folder that Splink works from.
fn write_splink(folder: &Path, table: &Table, linkage: &Linkage) -> Result<(), LinkingError> {
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let export = linkage.for_splink();
    let text = |name: String, text: &str| {
        let file = folder.join(name);
        write_text(&file, text).map_err(unwritable(&file))
    };
    text(SPLINK_MODEL.to_owned(), &linkage.parameters().to_toml())?;
    for dialect in Dialect::ALL {
        text(splink_settings(dialect), &export.settings(dialect))?;
    }
    let limits = folder.join(SPLINK_LIMITS);
    write_rows(&limits, export.limits()).map_err(unwritable(&limits))?;
    let prepared = folder.join(SPLINK_RECORDS);
    let lead = if table.sources.is_empty() { 1 } else { 2 };
    let names = ["unique_id", "source_dataset"].map(str::to_owned).into_iter().take(lead);
    let header: Vec<String> = names.chain(export.header()).collect();
    let rows = (0..table.len()).map(|at| {
        let ids = [table.id(at).to_owned(), (table.source(at) + 1).to_string()];
        ids.into_iter().take(lead).chain(export.row(at)).collect()
    });
    write_rows(&prepared, std::iter::once(header).chain(rows)).map_err(unwritable(&prepared))
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
    let mut out = csv::Writer::from_writer(BufWriter::new(Output::create(path)?));
    for row in rows {
        out.write_record(row)?;
    }
    let out = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    out.into_inner()?.finish()
}

fn write_text(path: &Path, text: &str) -> io::Result<()> {
    let mut out = Output::create(path)?;
    out.write_all(text.as_bytes())?;
    out.finish()
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
    let mut out = Output::create(path)?;
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
    out.finish()
}
