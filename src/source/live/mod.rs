//! A CRM as a source: its tables are read page by page, and proved to be whole.
//!
//! Each CRM says what it is asked and how a page is read; here the pages are put together. Rows are told
//! apart by a mark of their own, counted against what the CRM says there are, and kept on the disk until
//! the pull is done. A page that repeats rows, leads nowhere or cannot be read is asked for in every other
//! way the CRM has; what is still missing then is said, and makes the packet incomplete.
//!
//! Does not: know how any one CRM is asked, or let a row in but through the boundary.

mod rows;
mod stash;

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::boundary::{AdmitError, Boundary, ColumnMap, Field, Intake, Load, Object, Taken};
use crate::digest;
use crate::folder::FolderError;

use self::stash::{About, Mile, Stash};
use super::csv::{EncodingFact, Eol, Misfit, Problem, Tally, Trouble as RowTrouble};
use super::http::{Door, Host, Manners, Trouble, Unreadable};
use super::salesforce::{self, LoginError};
use super::secret::{Environment, Secret};
use super::{Input, Origin, Pull, hubspot, odoo};

pub use self::rows::Rows;

/// A CRM that is asked, as `[source.live]` describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Where it is.
    pub host: Host,
    /// How it is talked to.
    pub manners: Manners,
    /// What happens when this job could do more than read, or read more than it asks for.
    pub wide: Wide,
    /// Which it is, and how to log in.
    pub crm: LiveCrm,
}

/// What happens when the CRM would let this job write, or see more than the boundary lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wide {
    /// It is not asked.
    Refused,
    /// It is asked, and the packet says so at its head.
    Shown,
}

/// Which CRM, with what only it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveCrm {
    /// Salesforce.
    Salesforce(salesforce::Settings),
    /// HubSpot.
    HubSpot(hubspot::Settings),
    /// Odoo.
    Odoo(odoo::Settings),
}

/// Why a CRM was not read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// It did not answer, or refused.
    #[error("{trouble}\n  hint: {}", .trouble.hint())]
    Door {
        /// What became of it.
        #[from]
        trouble: Trouble,
    },
    /// There is nothing to log in with.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// An answer has not the shape it should have.
    #[error(
        "{what}: the answer is {why}\n  hint: nothing of it was used; run again, and ask who answers at this address if it stays"
    )]
    Answer {
        /// What was asked.
        what: String,
        /// What is wrong with it, without a byte of it.
        why: String,
    },
    /// This job could do more than read.
    #[error(
        "this login may do more than read: {}\n  hint: take these rights from its user (docs/live-sources.md), \
         or set `grant = \"banner\"` in [source.live] to say so in the packet instead",
        .rights.join("; ")
    )]
    Wide {
        /// The rights, one sentence each.
        rights: Vec<String>,
    },
    /// A column turned out to be hidden while it was read: the table has one fewer, and is read anew.
    #[error("{column} is hidden from this login")]
    Narrower {
        /// The column.
        column: String,
    },
    /// Something that has to be there is not, or this login may not see it.
    #[error("{what}\n  hint: {hint}")]
    NotGranted {
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The boundary did not let a table in.
    #[error(transparent)]
    NotAdmitted(#[from] AdmitError),
    /// What is kept of a pull could not be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl LiveError {
    /// An answer that is not of its shape.
    pub(super) fn unreadable(what: &str, why: &Unreadable) -> Self {
        Self::Answer { what: what.to_owned(), why: why.to_string() }
    }

    /// A place to go on from, kept of an earlier pull, that does not name one.
    pub(super) fn no_place(what: String) -> Self {
        Self::Answer { what, why: "asked for by a place that is none".to_owned() }
    }

    /// Whether asking for the same rows in another way can help.
    fn is_about_the_answer(&self) -> bool {
        match self {
            Self::Door { trouble } => trouble.is_about_the_answer(),
            Self::Answer { .. } => true,
            Self::Login(_)
            | Self::Wide { .. }
            | Self::Narrower { .. }
            | Self::NotGranted { .. }
            | Self::NotAdmitted(_)
            | Self::Folder(_) => false,
        }
    }

    /// Whether it is the config or a secret that is wrong, and not the CRM.
    pub fn is_of_the_config(&self) -> bool {
        matches!(self, Self::Login(_) | Self::Door { trouble: Trouble::Roots { .. } })
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// At the first row.
    Start,
    /// Where the CRM's own cursor says.
    Cursor(String),
    /// Behind the row of this mark.
    After(String),
}

impl Place {
    /// The numeric id behind which a page begins, which is none before the first row.
    pub(super) fn behind(&self) -> Option<u64> {
        match self {
            Self::Start => Some(0),
            Self::Cursor(id) | Self::After(id) => id.parse().ok(),
        }
    }
}

/// How far a table was read.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'r> {
    /// How many rows came.
    pub rows: u64,
    /// The mark of the last of them.
    pub last: Option<&'r str>,
    /// The last cursor that led to rows.
    pub cursor: Option<&'r str>,
}

/// How one CRM reads one of its tables.
pub trait Reading {
    /// The table as the packet names it: `Salesforce Lead`.
    fn name(&self) -> String;

    /// Which of the review's tables its rows belong to.
    fn object(&self) -> Object;

    /// How it is asked, in words: `REST query, version 67.0`.
    fn way(&self) -> String;

    /// The columns of its rows, in order, each by a name under which the boundary lists it.
    fn columns(&self) -> &[String];

    /// How many rows there are, where the CRM can say.
    fn count(&mut self, door: &mut Door) -> Result<Option<u64>, LiveError>;

    /// Reads a page into `rows`, and says where the next one is: the best way first, and what the CRM
    /// itself says last. `before` is how far the table was read before this page. Where a column turns
    /// out to be hidden, the table goes on without it ([`LiveError::Narrower`]).
    fn page(
        &mut self,
        door: &mut Door,
        from: &Place,
        before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError>;

    /// Whether a column that it has not may be there and hidden from this login.
    fn may_hide(&self) -> bool {
        true
    }

    /// Whether its rows come in an order that is the same each time.
    fn is_in_order(&self) -> bool {
        true
    }

    /// Other ways to the rows behind those that came.
    fn ways_round(&self, reached: Reached<'_>) -> Vec<Place>;
}

/// How one CRM is entered.
pub trait Crm<'s> {
    /// Logs in, and makes sure that the CRM can be asked as this program asks. Says what tells this login
    /// from others at the host, who may see other records.
    fn enter(&self, door: &mut Door) -> Result<Secret, LiveError>;

    /// Finds out what of the wanted fields is there, and how the tables are read; of each, the records
    /// that were made before an instant.
    fn welcome(
        &self,
        door: &mut Door,
        wanted: &[Wanted<'_>],
        before: DateTime<Utc>,
    ) -> Result<Welcome<'s>, LiveError>;

    /// What this login may do beyond reading, as it is now: a right may be given while a pull runs. Nothing
    /// where finding that out is more than a few small questions.
    fn rights(&self, _door: &mut Door) -> Result<Vec<String>, LiveError> {
        Ok(Vec::new())
    }
}

/// What a CRM makes of this job before anything is read.
#[derive(Default)]
pub struct Welcome<'s> {
    /// The tables that are read.
    pub readings: Vec<Box<dyn Reading + 's>>,
    /// Rights beyond reading what is listed, one sentence each.
    pub wide: Vec<String>,
    /// Tables that are not there or that this job may not see.
    pub absent: Vec<Absent>,
    /// What else this job may see, one sentence each.
    pub beyond: Vec<String>,
}

/// A table that is not there or that this job may not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Which of the review's tables its rows belong to.
    pub object: Object,
    /// Whose records it tells of: of changes, another table's.
    pub of: Object,
    /// Its name.
    pub name: String,
}

impl Absent {
    /// A table of records.
    pub(super) fn records(object: Object, name: String) -> Self {
        Self { object, of: object, name }
    }
}

/// What is asked of a CRM: fields of a table, each with the names it may have there.
#[derive(Debug, Clone)]
pub struct Wanted<'b> {
    /// The table.
    pub object: Object,
    /// The fields that are read, the one that names records among them.
    pub fields: Vec<&'b Field>,
}

/// How a table was asked for, and whether all of it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who was asked, and how.
    pub way: String,
    /// Records made before this instant were asked for.
    pub before: DateTime<Utc>,
    /// How many the CRM says there are.
    pub counted: Option<u64>,
    /// What is missing or doubtful, one sentence each.
    pub gaps: Vec<String>,
    /// Whether a column that is not there may be hidden from this login.
    pub may_hide: bool,
}

impl Asked {
    /// How it was asked for, and how many there are, in words.
    pub fn words(&self) -> String {
        match self.counted {
            Some(counted) => format!("{}; the CRM counts {counted}", self.way),
            None => format!("{}; the CRM does not count them", self.way),
        }
    }
}

/// What a pull needs besides the CRM.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'s> {
    /// The review folder.
    pub folder: &'s Path,
    /// Where secrets may come from.
    pub environment: &'s Environment,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Told how far the pull is.
    pub tell: fn(&str),
}

impl Live {
    /// Rights beyond reading, where the packet is to show them; else they are why the CRM is not read.
    fn shown(&self, rights: Vec<String>) -> Result<Vec<String>, LiveError> {
        if self.wide == Wide::Refused && !rights.is_empty() {
            return Err(LiveError::Wide { rights });
        }
        Ok(rights)
    }

    fn crm<'s>(
        &'s self,
        surroundings: Surroundings<'s>,
        boundary: &'s Boundary,
    ) -> Box<dyn Crm<'s> + 's> {
        match &self.crm {
            LiveCrm::Salesforce(settings) => Box::new(salesforce::Org::new(settings, surroundings)),
            LiveCrm::HubSpot(settings) => {
                Box::new(hubspot::Portal::new(settings, self.wide, surroundings, boundary))
            }
            LiveCrm::Odoo(settings) => {
                Box::new(odoo::Server::new(settings, surroundings, boundary))
            }
        }
    }
}

/// Reads the tables that are wanted.
pub(super) fn pull(
    live: &Live,
    surroundings: Surroundings<'_>,
    boundary: &Boundary,
    reads: &BTreeSet<Field>,
    but: &BTreeSet<Object>,
    zone: Tz,
) -> Result<Pull, LiveError> {
    let mut door = Door::open(&live.host, &live.manners, surroundings.now)?;
    let crm = live.crm(surroundings, boundary);
    let wanted = wanted(boundary, reads, but);
    let login = crm.enter(&mut door)?;
    // By the CRM's own clock, which dates its records.
    let now = door.date().unwrap_or(surroundings.now);
    let fresh = About {
        host: live.host.name().to_owned(),
        login: digest::sha256(login.reveal().as_bytes()),
        before_millis: now.timestamp_millis(),
        zone: zone.name().to_owned(),
        // Whoever is excluded since then was not when what is kept was read.
        fields: digest::sha256(format!("{wanted:?} {:?}", boundary.exclusions()).as_bytes()),
    };
    let stash = Stash::open(surroundings.folder, fresh, now)?;
    let before = stash.about().before();
    let Welcome { readings, wide, absent, .. } = crm.welcome(&mut door, &wanted, before)?;
    let mut pull = Pull { wide: live.shown(wide)?, absent, ..Pull::default() };
    let mut loads: Vec<(Object, Vec<Load>)> = Vec::new();
    for (at, mut reading) in readings.into_iter().enumerate() {
        let object = reading.object();
        let name = reading.name();
        let (input, mut load) = loop {
            let map = boundary.admit(object, &name, reading.columns(), reads, zone)?.of_a_program();
            let mut book = Book::open(&stash, &format!("{at}-{object}"), &map, reading.as_ref())?;
            match book.read(&mut door, reading.as_mut(), surroundings.tell) {
                Err(LiveError::Narrower { .. }) => continue,
                read => read?,
            }
            let (input, intake) = book.close(reading.as_ref(), before);
            break (input, map.close(intake.into())?);
        };
        load.reader_set_aside(input.tally.quarantined);
        pull.inputs.push(input);
        match loads.iter_mut().find(|(held, _)| *held == object) {
            Some((_, parts)) => parts.push(load),
            None => loads.push((object, vec![load])),
        }
    }
    for (object, parts) in loads {
        let (batch, admissions) = Load::join(object, parts, reads, NonZeroUsize::MIN);
        pull.batches.push(batch);
        pull.admissions.extend(admissions);
    }
    for right in live.shown(crm.rights(&mut door)?)? {
        if !pull.wide.contains(&right) {
            pull.wide.push(right);
        }
    }
    (surroundings.tell)("");
    stash.clear()?;
    Ok(pull)
}

/// What a CRM makes of this job, with no record read.
#[derive(Debug)]
pub struct Glimpse {
    /// Who was asked.
    pub host: String,
    /// The tables that would be read.
    pub tables: Vec<Glanced>,
    /// Tables that are not there or may not be seen.
    pub absent: Vec<String>,
    /// What may be seen and is not asked for, one sentence each.
    pub beyond: Vec<String>,
    /// Rights beyond reading, one sentence each.
    pub rights: Vec<String>,
    /// How many of the day's questions are used up, and how many there are.
    pub usage: Option<(u64, u64)>,
    /// By how much this machine's clock is ahead of the CRM's.
    pub skew: Option<chrono::Duration>,
}

/// A table that would be read.
#[derive(Debug)]
pub struct Glanced {
    /// Its name.
    pub name: String,
    /// How many of the fields that are read it has.
    pub fields: usize,
    /// Those it has not, or that may not be seen.
    pub absent: Vec<String>,
    /// Whether they may be there and hidden from this login.
    pub may_hide: bool,
}

/// Looks at a CRM without reading a record.
pub fn glimpse(
    live: &Live,
    surroundings: Surroundings<'_>,
    boundary: &Boundary,
    reads: &BTreeSet<Field>,
    but: &BTreeSet<Object>,
) -> Result<Glimpse, LiveError> {
    let mut door = Door::open(&live.host, &live.manners, surroundings.now)?;
    let crm = live.crm(surroundings, boundary);
    let wanted = wanted(boundary, reads, but);
    crm.enter(&mut door)?;
    let skew = door.date().map(|date| door.now() - date);
    let welcome = crm.welcome(&mut door, &wanted, surroundings.now)?;
    (surroundings.tell)("");
    let tables = welcome.readings.iter().map(|reading| {
        let fields = wanted.iter().find(|wanted| wanted.object == reading.object());
        let fields = fields.map_or(&[][..], |wanted| wanted.fields.as_slice());
        let is_there =
            |field: &&&Field| reading.columns().iter().any(|column| field.from().contains(column));
        let absent = fields.iter().filter(|field| !is_there(field)).map(ToString::to_string);
        Glanced {
            name: reading.name(),
            fields: reading.columns().len(),
            absent: absent.collect(),
            may_hide: reading.may_hide(),
        }
    });
    Ok(Glimpse {
        host: live.host.name().to_owned(),
        tables: tables.collect(),
        absent: welcome.absent.into_iter().map(|absent| absent.name).collect(),
        beyond: welcome.beyond,
        rights: welcome.wide,
        usage: door.usage(),
        skew,
    })
}

/// The tables that some check reads and that no file gives, with the fields that are read of them.
pub(super) fn wanted<'b>(
    boundary: &'b Boundary,
    reads: &BTreeSet<Field>,
    but: &BTreeSet<Object>,
) -> Vec<Wanted<'b>> {
    let read = |object: &Object| reads.iter().any(|field| field.object() == *object);
    let objects = Object::ALL.into_iter().filter(|object| read(object) && !but.contains(object));
    objects
        .map(|object| {
            let key = object.row_key();
            let is_read = |field: &&Field| reads.contains(*field) || field.name() == key;
            Wanted { object, fields: boundary.fields(object).filter(is_read).collect() }
        })
        .collect()
}

/// One table while it is read.
struct Book<'m> {
    map: &'m ColumnMap,
    kept: stash::Kept,
    intake: Intake,
    page: Intake,
    rows: Rows,
    seen: HashSet<u64>,
    mile: Mile,
    tried: BTreeSet<Place>,
    problems: Vec<Problem>,
    digest: Sha256,
    /// The marks of the rows that were admitted, in the order they came.
    marks: Vec<u64>,
    counted: Option<u64>,
    key: Vec<usize>,
}

/// A page that was fetched and not yet taken.
struct Fetched {
    next: Vec<Place>,
    /// How many of its rows came before, or twice within it.
    repeats: u64,
    fresh: u64,
}

/// So many rows that were set aside are told one by one.
const LISTED: usize = 1000;

impl<'m> Book<'m> {
    fn open(
        stash: &Stash,
        name: &str,
        map: &'m ColumnMap,
        reading: &dyn Reading,
    ) -> Result<Self, FolderError> {
        let (kept, intake) = stash.table(name, reading.columns(), || map.intake())?;
        let mut seen = HashSet::new();
        let mut marks = Vec::new();
        for mile in &kept.miles {
            seen.extend(mile.admitted.iter().chain(&mile.refused).copied());
            marks.extend_from_slice(&mile.admitted);
        }
        let mile = kept.miles.last().cloned().unwrap_or(Mile {
            rows: 0,
            aside: 0,
            next: vec![Place::Start],
            cursor: None,
            last: None,
            admitted: Vec::new(),
            refused: Vec::new(),
            gaps: Vec::new(),
        });
        let digest = digest_of(&intake);
        Ok(Self {
            map,
            kept,
            intake,
            page: map.intake(),
            rows: Rows::new(reading.columns().len()),
            seen,
            mile,
            tried: BTreeSet::new(),
            problems: Vec::new(),
            digest,
            marks,
            counted: None,
            key: map.wanted(),
        })
    }

    fn reached(&self) -> Reached<'_> {
        Reached {
            rows: self.mile.rows,
            last: self.mile.last.as_deref(),
            cursor: self.mile.cursor.as_deref(),
        }
    }

    /// Whether there are fewer rows than the CRM says there are.
    fn is_short(&self) -> bool {
        self.counted.is_some_and(|counted| self.mile.rows < counted)
    }

    /// Reads all that is not read yet.
    fn read(
        &mut self,
        door: &mut Door,
        reading: &mut dyn Reading,
        tell: fn(&str),
    ) -> Result<(), LiveError> {
        self.counted = reading.count(door)?;
        let name = reading.name();
        loop {
            tell(&match self.counted {
                Some(counted) => format!("{name}: {} of {counted} records", self.mile.rows),
                None => format!("{name}: {} records", self.mile.rows),
            });
            let mut ways = self.mile.next.clone();
            if self.counted.is_some() && !self.is_short() {
                // All came. Where the CRM itself says that there is more, it is asked, and nowhere else.
                ways.drain(..ways.len().saturating_sub(1));
            }
            ways.retain(|way| !self.tried.contains(way));
            if ways.is_empty() && self.is_short() {
                ways = reading.ways_round(self.reached());
                ways.retain(|way| !self.tried.contains(way));
            }
            if ways.is_empty() || !self.step(door, reading, ways)? {
                break;
            }
        }
        if self.counted.is_some_and(|counted| counted != self.mile.rows) {
            self.recount(door, reading)?;
        }
        Ok(())
    }

    /// Takes the next page by the first way that leads to new rows. Gives whether there was one.
    fn step(
        &mut self,
        door: &mut Door,
        reading: &mut dyn Reading,
        mut ways: Vec<Place>,
    ) -> Result<bool, LiveError> {
        let mut failed = None;
        let mut repeating = None;
        let mut at = 0;
        while let Some(way) = ways.get(at).cloned() {
            at += 1;
            match self.fetch(door, reading, &way) {
                Ok(page) if page.repeats == 0 && page.fresh > 0 => {
                    self.take(&way, page)?;
                    return Ok(true);
                }
                Ok(page) if page.repeats == 0 && page.next.is_empty() && !self.is_short() => {
                    return Ok(false);
                }
                Ok(page) => repeating = repeating.or((page.fresh > 0).then_some(way.clone())),
                Err(error) if error.is_about_the_answer() => failed = failed.or(Some(error)),
                Err(error) => return Err(error),
            }
            self.tried.insert(way);
            if at == ways.len() && (self.is_short() || self.counted.is_none()) {
                let round = reading.ways_round(self.reached());
                let new = |way: &Place| !ways.contains(way) && !self.tried.contains(way);
                let more: Vec<_> = round.into_iter().filter(new).collect();
                ways.extend(more);
            }
        }
        if let Some(way) = repeating {
            let page = self.fetch(door, reading, &way)?;
            // It was asked for once more, and may be right by now.
            if page.repeats > 0 {
                self.mile.gaps.push(format!(
                    "{}: records that came on two pages, and were read once: {}",
                    reading.name(),
                    page.repeats
                ));
            }
            self.take(&way, page)?;
            return Ok(true);
        }
        match failed {
            Some(error) if self.is_short() || self.counted.is_none() => Err(error),
            Some(_) | None => Ok(false),
        }
    }

    /// Reads a page and looks which of its rows are new. An answer that cannot be read is asked for twice.
    fn fetch(
        &mut self,
        door: &mut Door,
        reading: &mut dyn Reading,
        way: &Place,
    ) -> Result<Fetched, LiveError> {
        let before = Reached {
            rows: self.mile.rows,
            last: self.mile.last.as_deref(),
            cursor: self.mile.cursor.as_deref(),
        };
        self.rows.clear();
        let mut next = reading.page(door, way, before, &mut self.rows);
        if matches!(next, Err(LiveError::Answer { .. })) {
            self.rows.clear();
            next = reading.page(door, way, before, &mut self.rows);
        }
        let mut new = HashSet::new();
        let mut repeats = 0;
        for row in 0..self.rows.len() {
            let mark = mark(self.rows.mark(row));
            if self.seen.contains(&mark) || !new.insert(mark) {
                repeats += 1;
            }
        }
        Ok(Fetched { next: next?, repeats, fresh: new.len() as u64 })
    }

    /// Lets the new rows of the page in and keeps them.
    fn take(&mut self, way: &Place, page: Fetched) -> Result<(), LiveError> {
        let mut cells = Vec::new();
        let mut wanted = Vec::new();
        self.mile.admitted.clear();
        self.mile.refused.clear();
        for row in 0..self.rows.len() {
            let mark = mark(self.rows.mark(row));
            if !self.seen.insert(mark) {
                continue;
            }
            self.mile.rows += 1;
            self.rows.cells(row, &mut cells);
            wanted.clear();
            wanted.extend(self.key.iter().map(|at| cells.get(*at).copied().unwrap_or_default()));
            let misfit = match self.page.row(self.mile.rows, &wanted) {
                Ok(Taken::In) => {
                    self.mile.admitted.push(mark);
                    continue;
                }
                Ok(Taken::Outside) => {
                    self.mile.refused.push(mark);
                    continue;
                }
                Err(misfit) => misfit,
            };
            self.mile.refused.push(mark);
            self.mile.aside += 1;
            if self.problems.len() < LISTED {
                let column = self.map.position(&misfit.field);
                let misfit = Misfit { column, length: misfit.length, code: misfit.why };
                let trouble = RowTrouble::Misfit(misfit);
                self.problems.push(Problem { line: self.mile.rows, trouble });
            }
        }
        self.mile.last = self.rows.len().checked_sub(1).map(|last| self.rows.mark(last).to_owned());
        if let Place::Cursor(cursor) = way {
            self.mile.cursor = Some(cursor.clone());
        } else if let Some(Place::Cursor(cursor)) = page.next.first() {
            // The first page came without a cursor; the next one's is of the same result.
            self.mile.cursor = Some(cursor.clone());
        }
        self.tried.insert(way.clone());
        self.mile.next = page.next;
        let lines = self.page.keep();
        for line in &lines {
            self.digest.update(line);
        }
        self.kept.add(lines, &self.mile)?;
        self.marks.extend_from_slice(&self.mile.admitted);
        self.intake.append(&mut self.page);
        Ok(())
    }

    /// Compares with the count once more: records may have gone while the table was read.
    fn recount(&mut self, door: &mut Door, reading: &mut dyn Reading) -> Result<(), LiveError> {
        let first = self.counted;
        self.counted = reading.count(door)?;
        let (Some(first), Some(second)) = (first, self.counted) else { return Ok(()) };
        let rows = self.mile.rows;
        if !(first.min(second)..=first.max(second)).contains(&rows) {
            let name = reading.name();
            self.mile
                .gaps
                .push(format!("{name}: {rows} records came of the {second} that the CRM counts"));
        }
        Ok(())
    }

    /// The table as an input, and its rows.
    fn close(mut self, reading: &dyn Reading, before: DateTime<Utc>) -> (Input, Intake) {
        if !reading.is_in_order() {
            self.intake.put_in_order(&self.marks);
            self.digest = digest_of(&self.intake);
        }
        let listed = self.problems.len() as u64;
        let tally = Tally {
            rows_read: self.mile.rows,
            quarantined: self.mile.aside,
            blank: 0,
            footer: 0,
            problems: self.problems,
            problems_omitted: self.mile.aside.saturating_sub(listed),
            eol: Eol::default(),
            decoded_cells: 0,
            looks_truncated: false,
            second_table: None,
            encoding: EncodingFact { name: "utf-8".to_owned(), bom: false, guessed: false },
            bytes: 0,
            sha256: digest::hex(&self.digest.finalize()),
        };
        let asked = Asked {
            way: reading.way(),
            before,
            counted: self.counted,
            gaps: self.mile.gaps,
            may_hide: reading.may_hide(),
        };
        let input = Input {
            file: reading.name(),
            object: reading.object(),
            columns: self.map.wanted_names().into_iter().map(str::to_owned).collect(),
            origin: Origin::Crm(asked),
            tally,
        };
        (input, self.intake)
    }
}

/// The digest of all that was admitted.
fn digest_of(rows: &Intake) -> Sha256 {
    rows.keep().iter().fold(Sha256::new(), Sha256::chain_update)
}

/// A digest of a row's mark. Should two rows ever have the same, one of them is said to be missing.
fn mark(text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

/// An instant as CRMs are asked with it and as the packet says it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
