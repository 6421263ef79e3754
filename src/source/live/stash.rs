//! What is kept of a pull, so that it can go on where it was cut off.
//!
//! One private file for each table that is read, below `.pull` in the review folder: admitted rows, and
//! after each page where the next one is. A page counts when it is on the disk as a whole. The folder is
//! removed when the pull is done.
//! Does not: hold a token but as a digest, or a value that was not admitted.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Place;
use crate::boundary::Intake;
use crate::folder::{self, FolderError};

/// The folder of a pull that is not done.
const FOLDER: &str = ".pull";

/// A pull goes on within so many days; what was read earlier is old, and so are the CRM's cursors.
const DAYS: i64 = 2;

/// What a kept pull was about. It goes on only when this is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// Who was asked.
    pub(super) host: String,
    /// A digest of what tells the login from others there, who may see other records.
    pub(super) login: String,
    /// Records made before this instant were asked for; in milliseconds since 1970.
    pub(super) before_millis: i64,
    /// The zone of days without a time.
    pub(super) zone: String,
    /// A digest of the fields that are read, and of what the boundary says of them.
    pub(super) fields: String,
}

impl About {
    /// Records made before this instant were asked for.
    pub(super) fn before(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.before_millis).unwrap_or_default()
    }
}

/// A page that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mile {
    /// How many rows came so far.
    pub(super) rows: u64,
    /// Of these, set aside so far.
    pub(super) aside: u64,
    /// Where the next page is, the best way first.
    pub(super) next: Vec<Place>,
    /// The last cursor that led to rows.
    pub(super) cursor: Option<String>,
    /// The mark of the last row.
    pub(super) last: Option<String>,
    /// What tells the rows of this page from those of others: those that were admitted, in order.
    pub(super) admitted: Vec<u64>,
    /// The same of those that were set aside or stay outside the review.
    pub(super) refused: Vec<u64>,
    /// What is missing so far.
    pub(super) gaps: Vec<String>,
}

/// A line of a kept table.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<M> {
    /// The columns, in the first line.
    Columns(Vec<String>),
    /// The end of a page.
    Page(M),
}

/// What is kept of a whole pull.
#[derive(Debug)]
pub(super) struct Stash {
    folder: PathBuf,
    about: About,
}

impl Stash {
    /// Goes on with the pull that lies in the review folder, if there is one of the same CRM and login
    /// that is young enough; else begins one.
    pub(super) fn open(
        review: &Path,
        fresh: About,
        now: DateTime<Utc>,
    ) -> Result<Self, FolderError> {
        let folder = review.join(FOLDER);
        let kept = fs::read(folder.join("about.json"))
            .ok()
            .and_then(|text| serde_json::from_slice::<About>(&text).ok())
            .filter(|kept| {
                let age = now - kept.before();
                kept.host == fresh.host
                    && kept.login == fresh.login
                    && kept.zone == fresh.zone
                    && kept.fields == fresh.fields
                    && (chrono::Duration::zero()..chrono::Duration::days(DAYS)).contains(&age)
            });
        if let Some(about) = kept {
            return Ok(Self { folder, about });
        }
        folder::remove(&folder)?;
        folder::make(&folder)?;
        let text = serde_json::to_vec(&fresh).map_err(unwritten(&folder))?;
        folder::write_new(&folder.join("about.json"), &text)?;
        Ok(Self { folder, about: fresh })
    }

    /// What the pull is about.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// What is kept of a table, put into `intake`, and the file that goes on with it. What was kept of
    /// other columns, or is not whole, is read anew.
    pub(super) fn table(
        &self,
        name: &str,
        columns: &[String],
        intake: impl Fn() -> Intake,
    ) -> Result<(Kept, Intake), FolderError> {
        let path = self.folder.join(format!("{name}.jsonl"));
        let (miles, length, whole) = read(&path, columns, &intake);
        let file = folder::open_append(&path)?;
        file.set_len(length).map_err(folder::disk(&path))?;
        let mut kept = Kept { path, file, miles };
        if length == 0 {
            let line: Line<&Mile> = Line::Columns(columns.to_vec());
            let line = serde_json::to_string(&line).map_err(unwritten(&kept.path))?;
            kept.write(&[line])?;
        }
        Ok((kept, whole))
    }

    /// Forgets the pull: it is done.
    pub(super) fn clear(self) -> Result<(), FolderError> {
        folder::remove(&self.folder)
    }
}

/// What cannot be written as JSON is not written at all.
fn unwritten(path: &Path) -> impl FnOnce(serde_json::Error) -> FolderError {
    let disk = folder::disk(path);
    move |error| disk(error.into())
}

/// What is kept of one table.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    /// The pages that were kept.
    pub(super) miles: Vec<Mile>,
}

impl Kept {
    /// Adds a page, whole and on the disk.
    pub(super) fn add(&mut self, rows: Vec<String>, mile: &Mile) -> Result<(), FolderError> {
        let mut lines = rows;
        lines.push(serde_json::to_string(&Line::Page(mile)).map_err(unwritten(&self.path))?);
        self.write(&lines)
    }

    fn write(&mut self, lines: &[String]) -> Result<(), FolderError> {
        let text = lines.join("\n") + "\n";
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(folder::disk(&self.path))
    }
}

/// The whole pages of a kept table, where they end, and their rows.
fn read(path: &Path, columns: &[String], intake: &impl Fn() -> Intake) -> (Vec<Mile>, u64, Intake) {
    let (mut miles, mut end, mut at) = (Vec::new(), 0, 0);
    let (mut whole, mut page) = (intake(), intake());
    let Ok(file) = File::open(path) else { return (miles, end, whole) };
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    loop {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(read) if read > 0 && line.ends_with('\n') => at += read as u64,
            Ok(_) | Err(_) => break,
        }
        match serde_json::from_str::<Line<Mile>>(&line) {
            Ok(Line::Columns(kept)) if end == 0 && kept == columns => end = at,
            Ok(Line::Page(mile)) if end > 0 => {
                whole.append(&mut page);
                miles.push(mile);
                end = at;
            }
            Err(_) if end > 0 && page.take_back(&line) => {}
            // Another table's file, or one that was damaged: what stands before is whole.
            Ok(Line::Columns(_) | Line::Page(_)) | Err(_) => break,
        }
    }
    (miles, end, whole)
}
