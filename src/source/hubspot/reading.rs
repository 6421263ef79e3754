//! How the records of one type are read, and what their properties were.
//!
//! A page is asked for behind the last id of the page before, and each answer says how many records are
//! left: so a page that came without some of its records shows in the next one.
//! Does not: let a record in.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::boundary::Object;
use crate::source::http::{Call, Door};
use crate::source::json::{self, Member};
use crate::source::live::{LiveError, Place, Reached, Reading, Rows};

use super::columns::{Directory, HISTORY_COLUMNS, OWNER_COLUMNS, Plan};
use super::question::{Associations, Cursor, History, Kind, OBJECT_ID, Question, Search, Version};
use super::wire::{Associated, Batch, Batches, Page, Pages, To, Told, Was};

/// What all tables of an account are read by.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) version: Version,
    /// Records created before this instant are read.
    pub(super) before: DateTime<Utc>,
    pub(super) owners: Directory,
}

fn answer(what: &str, why: &str) -> LiveError {
    LiveError::Answer { what: what.to_owned(), why: why.to_owned() }
}

/// Of records of a batch HubSpot sent nothing, and did not say that there is nothing.
fn unanswered(records: usize) -> String {
    let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
    format!("short: it does not tell of {records} that were asked for")
}

/// A page that is not borne out is asked for so often.
const TRIES: usize = 3;

/// The way through the records of a type.
#[derive(Debug)]
struct Walk {
    asking: Rc<Asking>,
    plan: Rc<Plan>,
    /// What is asked for of each record.
    properties: Vec<String>,
    /// The page that was asked for ahead, and behind which id.
    ahead: Option<(u64, Page)>,
    /// Some answer wrote `null` for a property without a value: one that is missing is missing.
    writes_nulls: bool,
}

impl Walk {
    fn new(asking: Rc<Asking>, plan: Rc<Plan>, properties: Vec<String>) -> Self {
        Self { asking, plan, properties, ahead: None, writes_nulls: false }
    }

    fn name(&self) -> String {
        let kind = self.plan.kind.name();
        match self.plan.having {
            Some(_) => format!("HubSpot campaigns of {kind}"),
            None => format!("HubSpot {kind}"),
        }
    }

    fn way(&self) -> String {
        format!("search, version {}", self.asking.version.name())
    }

    /// The page behind an id, borne out by the next one: so many records are left as it said.
    fn page(&mut self, door: &mut Door, behind: u64) -> Result<Page, LiveError> {
        let ahead = self.ahead.take().filter(|(from, _)| *from == behind);
        let mut page = match ahead {
            Some((_, page)) => page,
            None => self.search(door, behind)?,
        };
        for _ in 0..TRIES {
            let left = page.left();
            let (Some(last), 1..) = (page.last(), left) else { return Ok(page) };
            let mut next = self.search(door, last)?;
            if next.total < left {
                let again = self.search(door, behind)?;
                if again.ids().ne(page.ids()) {
                    page = again;
                    continue;
                }
                // Records that were to come have been deleted meanwhile, if it is the same once more.
                next = self.search(door, last)?;
            }
            self.ahead = Some((last, next));
            return Ok(page);
        }
        Err(answer(&self.name(), "another one each time"))
    }

    /// The page behind an id. Where there are too many properties for one question, it is asked for
    /// again with the rest of them.
    fn search(&mut self, door: &mut Door, behind: u64) -> Result<Page, LiveError> {
        let mut parts = Search::parts(&self.properties).into_iter();
        let mut page = self.part(door, parts.next().unwrap_or_default(), behind)?;
        for part in parts {
            let rest = self.part(door, part, behind)?;
            if rest.ids().ne(page.ids()) {
                let why = "another one when it is asked for its other properties";
                return Err(answer(&self.name(), why));
            }
            for (record, rest) in page.records.iter_mut().zip(rest.records) {
                record.properties.extend(rest.properties);
            }
        }
        for record in &page.records {
            if self.writes_nulls && record.properties.contains(&Member::Missing) {
                let why = format!("without a property of record {} that was asked for", record.id);
                return Err(answer(&self.name(), &why));
            }
            self.writes_nulls |= record.properties.contains(&Member::Null);
        }
        Ok(page)
    }

    /// The page behind an id, with some of the properties.
    fn part(&self, door: &mut Door, properties: &[String], behind: u64) -> Result<Page, LiveError> {
        let page = self.ask(door, properties, behind, Search::PAGE)?;
        if page.records.len() as u64 != page.total.min(Search::PAGE as u64) {
            return Err(answer(&self.name(), "short: it has fewer records than it says"));
        }
        json::last(behind, page.ids())
            .map_err(|why| answer(&self.name(), &format!("out of order: {why}")))?;
        Ok(page)
    }

    /// How many records there are.
    fn count(&self, door: &mut Door) -> Result<u64, LiveError> {
        Ok(self.ask(door, &[OBJECT_ID.to_owned()], 0, 1)?.total)
    }

    fn ask(
        &self,
        door: &mut Door,
        properties: &[String],
        behind: u64,
        limit: usize,
    ) -> Result<Page, LiveError> {
        let search = Search {
            kind: self.plan.kind,
            properties: properties.to_vec(),
            behind,
            before: self.asking.before,
            created: self.plan.created,
            having: self.plan.having.clone(),
            limit,
        };
        let told = door.ask(Call::HubSpot(&Question::Search(self.asking.version, search)))?;
        told.seeded(Pages(properties)).map_err(|why| LiveError::unreadable(&self.name(), &why))
    }
}

/// The records of a type.
#[derive(Debug)]
pub(super) struct Records(Walk);

impl Records {
    pub(super) fn new(asking: Rc<Asking>, plan: Rc<Plan>) -> Self {
        let properties = plan.properties.clone();
        Self(Walk::new(asking, plan, properties))
    }

    /// The records of another type that each of these is associated with, the primary one first.
    fn associations(
        &self,
        door: &mut Door,
        to: Kind,
        ids: &[u64],
    ) -> Result<BTreeMap<u64, String>, LiveError> {
        let what = format!("{} with {}", self.0.name(), to.name());
        let mut known: BTreeMap<u64, BTreeSet<(bool, u64)>> = BTreeMap::new();
        let mut of: Vec<(u64, Option<Cursor>)> = ids.iter().map(|id| (*id, None)).collect();
        let mut short = 0;
        while !of.is_empty() {
            let question = Associations { from: self.0.plan.kind, to, of: of.clone() };
            let question = Question::Associations(self.0.asking.version, question);
            let told = door.ask(Call::HubSpot(&question))?;
            let batch: Batch<Associated> =
                told.json().map_err(|why| LiveError::unreadable(&what, &why))?;
            let came: BTreeSet<&str> =
                batch.results.iter().map(|one| one.from.id.as_str()).collect();
            of.retain(|(id, _)| !came.contains(id.to_string().as_str()) && !batch.is_without(*id));
            short += usize::from(!of.is_empty());
            if short == TRIES {
                return Err(answer(&what, &unanswered(of.len())));
            }
            for one in batch.results {
                let others: Option<Vec<(bool, u64)>> = one.to.iter().map(To::id).collect();
                let Some((id, others)) = one.from.id.parse::<u64>().ok().zip(others) else {
                    return Err(answer(&what, "not one of ids"));
                };
                let held = known.entry(id).or_default();
                let before = held.len();
                held.extend(others);
                // More than one answer holds: the rest of them is asked for.
                if let Some(after) = one.after() {
                    let Some(after) = Cursor::parse(after).filter(|_| held.len() > before) else {
                        let why = format!("one that leads nowhere behind some of record {id}");
                        return Err(answer(&what, &why));
                    };
                    of.push((id, Some(after)));
                }
            }
        }
        let written = known.into_iter().map(|(id, others)| {
            let others: Vec<String> = others.iter().map(|(_, id)| id.to_string()).collect();
            (id, others.join(";"))
        });
        Ok(written.collect())
    }
}

impl Reading for Records {
    fn name(&self) -> String {
        self.0.name()
    }

    fn object(&self) -> Object {
        self.0.plan.object
    }

    fn way(&self) -> String {
        self.0.way()
    }

    fn columns(&self) -> &[String] {
        &self.0.plan.header
    }

    fn count(&mut self, door: &mut Door) -> Result<Option<u64>, LiveError> {
        self.0.count(door).map(Some)
    }

    fn page(
        &mut self,
        door: &mut Door,
        from: &Place,
        _before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError> {
        let behind = from.behind().ok_or_else(|| LiveError::no_place(self.name()))?;
        let page = self.0.page(door, behind)?;
        let ids: Vec<u64> = page.ids().collect();
        let mut associated = Vec::new();
        for to in self.0.plan.associated.iter().filter(|_| !ids.is_empty()) {
            associated.push(self.associations(door, *to, &ids)?);
        }
        for record in &page.records {
            let others: Vec<&str> = associated
                .iter()
                .map(|known| known.get(&record.id).map_or("", String::as_str))
                .collect();
            let cells = self.0.plan.row(&record.properties, &others, &self.0.asking.owners);
            let cells = cells.map_err(|why| {
                answer(&self.0.name(), &format!("not of its shape: record {}: {why}", record.id))
            })?;
            rows.push(&record.id.to_string(), cells.iter().map(String::as_str));
        }
        let more = page.left() > 0;
        Ok(page
            .last()
            .filter(|_| more)
            .map(|id| Place::After(id.to_string()))
            .into_iter()
            .collect())
    }

    fn ways_round(&self, reached: Reached<'_>) -> Vec<Place> {
        reached.last.map(|id| Place::After(id.to_owned())).into_iter().collect()
    }
}

/// What properties of the records of a type were.
#[derive(Debug)]
pub(super) struct Changes {
    walk: Walk,
    header: Vec<String>,
}

impl Changes {
    pub(super) fn new(asking: Rc<Asking>, plan: Rc<Plan>, header: Vec<String>) -> Self {
        Self { walk: Walk::new(asking, plan, vec![OBJECT_ID.to_owned()]), header }
    }

    /// The histories of these records, as far as they are sent.
    fn histories(&self, door: &mut Door, ids: &[u64]) -> Result<Batch<Told>, LiveError> {
        let plan = &self.walk.plan;
        let properties = plan.with_history();
        let question =
            History { kind: plan.kind, properties: properties.clone(), ids: ids.to_vec() };
        let question = Question::History(self.walk.asking.version, question);
        let told = door.ask(Call::HubSpot(&question))?;
        let batch = told.seeded(Batches(&properties));
        batch.map_err(|why| LiveError::unreadable(&self.name(), &why))
    }

    /// The changes of these records.
    fn of(&self, door: &mut Door, ids: &[u64], rows: &mut Rows) -> Result<(), LiveError> {
        let mut by_id: BTreeMap<u64, Vec<Vec<Was>>> = BTreeMap::new();
        let mut missing = ids.to_vec();
        for _ in 0..TRIES {
            let batch = self.histories(door, &missing)?;
            // Those that HubSpot does not find have been deleted since.
            missing.retain(|id| !batch.is_without(*id));
            by_id.extend(batch.results.into_iter().map(|record| (record.id, record.history)));
            missing.retain(|id| !by_id.contains_key(id));
            if missing.is_empty() {
                break;
            }
        }
        if !missing.is_empty() {
            return Err(answer(&self.name(), &unanswered(missing.len())));
        }
        let Walk { asking, plan, .. } = &self.walk;
        // HubSpot answers a batch in an order of its own.
        for id in ids {
            let Some(history) = by_id.remove(id) else { continue };
            let changes = plan.changes(*id, history, asking.before, &asking.owners);
            let changes = changes.map_err(|why| {
                answer(&self.name(), &format!("not of its shape: record {id}: {why}"))
            })?;
            for (at, change) in changes.iter().enumerate() {
                let cells = self.header.iter().map(|column| {
                    let at = HISTORY_COLUMNS.iter().position(|known| known == column);
                    at.and_then(|at| change.get(at)).map_or("", String::as_str)
                });
                rows.push(&format!("{id}-{at}"), cells);
            }
        }
        Ok(())
    }
}

impl Reading for Changes {
    fn name(&self) -> String {
        format!("HubSpot history of {}", self.walk.plan.kind.name())
    }

    fn object(&self) -> Object {
        Object::FieldHistory
    }

    fn way(&self) -> String {
        self.walk.way()
    }

    fn columns(&self) -> &[String] {
        &self.header
    }

    fn count(&mut self, _door: &mut Door) -> Result<Option<u64>, LiveError> {
        Ok(None)
    }

    fn page(
        &mut self,
        door: &mut Door,
        from: &Place,
        _before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError> {
        let mut behind = from.behind().ok_or_else(|| LiveError::no_place(self.name()))?;
        // Most records never changed: a page is not done before it has a row.
        while rows.is_empty() {
            let page = self.walk.page(door, behind)?;
            let ids: Vec<u64> = page.ids().collect();
            for ids in ids.chunks(History::MOST) {
                self.of(door, ids, rows)?;
            }
            match page.last() {
                Some(last) if page.left() > 0 => behind = last,
                Some(_) | None => return Ok(Vec::new()),
            }
        }
        Ok(vec![Place::Cursor(behind.to_string())])
    }

    /// HubSpot has no more columns of these.
    fn may_hide(&self) -> bool {
        false
    }

    fn ways_round(&self, _reached: Reached<'_>) -> Vec<Place> {
        Vec::new()
    }
}

/// Owners who are people, or queues. They were read before: nothing is asked any more.
#[derive(Debug)]
pub(super) struct Owners {
    pub(super) asking: Rc<Asking>,
    pub(super) object: Object,
    pub(super) header: Vec<String>,
}

impl Owners {
    fn rows(&self) -> Vec<[String; 5]> {
        self.asking.owners.rows(self.object == Object::Queue)
    }
}

impl Reading for Owners {
    fn name(&self) -> String {
        let queues = if self.object == Object::Queue { " that are queues" } else { "" };
        format!("HubSpot owners{queues}")
    }

    fn object(&self) -> Object {
        self.object
    }

    fn way(&self) -> String {
        format!("list, version {}", self.asking.version.name())
    }

    fn columns(&self) -> &[String] {
        &self.header
    }

    fn count(&mut self, _door: &mut Door) -> Result<Option<u64>, LiveError> {
        Ok(Some(self.rows().len() as u64))
    }

    fn page(
        &mut self,
        _door: &mut Door,
        _from: &Place,
        _before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError> {
        for owner in self.rows() {
            let [id, ..] = &owner;
            let cells = self.header.iter().map(|column| {
                let at = OWNER_COLUMNS.iter().position(|known| known == column);
                at.and_then(|at| owner.get(at)).map_or("", String::as_str)
            });
            rows.push(id, cells);
        }
        Ok(Vec::new())
    }

    /// HubSpot has no more columns of these.
    fn may_hide(&self) -> bool {
        false
    }

    fn ways_round(&self, _reached: Reached<'_>) -> Vec<Place> {
        Vec::new()
    }
}
