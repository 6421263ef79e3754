//! How the records of one table are read: behind the last id of the page before, up to the newest record
//! there was when the pull began. What other models say of a page is proved too: by the ids that were asked
//! for, or by how many records Odoo counts.
//!
//! Does not: let a record in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::boundary::{Boundary, Object};
use crate::source::http::{Answer, Call, Door};
use crate::source::json::{self, Each, Member, Wanted as Members};
use crate::source::live::{LiveError, Place, Reached, Reading, Rows, Wanted};

use super::columns::{Fields, LookedUp, Plan, linked};
use super::question::{Database, Domain, Model, Name, Operation, Order, Question, Read};

/// A database: what it is called, and what it said of its models.
#[derive(Debug, Default)]
pub(super) struct Base {
    database: Option<Database>,
    /// By model; none where this user may not read it.
    fields: RefCell<BTreeMap<Model, Option<Fields>>>,
}

/// A record: its id and the members that were asked for.
type Record = (u64, Vec<Member>);

fn fault(model: &Model, why: impl Into<String>) -> LiveError {
    LiveError::Answer { what: format!("Odoo {}", model.as_str()), why: why.into() }
}

impl Base {
    pub(super) fn new(database: Option<Database>) -> Self {
        Self { database, fields: RefCell::default() }
    }

    fn ask(&self, door: &mut Door, question: &Question) -> Result<Answer, LiveError> {
        Ok(door.ask(Call::Odoo(question, self.database.as_ref()))?)
    }

    fn told<T: DeserializeOwned>(
        &self,
        door: &mut Door,
        question: &Question,
    ) -> Result<T, LiveError> {
        let answer = self.ask(door, question)?;
        answer.json().map_err(|why| fault(question.model(), why.to_string()))
    }

    /// Whether this user may do that with records of a model.
    pub(super) fn may(
        &self,
        door: &mut Door,
        model: &Model,
        what: Operation,
    ) -> Result<bool, LiveError> {
        self.told(door, &Question::Access(model.clone(), what))
    }

    /// The fields of a model that this user may read, if it may read the model.
    fn fields(&self, door: &mut Door, model: &Model) -> Result<Option<Fields>, LiveError> {
        if let Some(known) = self.fields.borrow().get(model) {
            return Ok(known.clone());
        }
        let fields = if self.may(door, model, Operation::Read)? {
            Some(self.told(door, &Question::Fields(model.clone()))?)
        } else {
            None
        };
        self.fields.borrow_mut().insert(model.clone(), fields.clone());
        Ok(fields)
    }

    /// The models of which anything was asked.
    pub(super) fn models(&self) -> Vec<Model> {
        self.fields.borrow().keys().cloned().collect()
    }

    /// Records in the order asked for.
    fn read(&self, door: &mut Door, read: Read) -> Result<Vec<Record>, LiveError> {
        let mut wanted = vec![Name::ID.as_str().to_owned()];
        wanted.extend(read.fields.iter().map(|name| name.as_str().to_owned()));
        let question = Question::Read(read);
        let answer = self.ask(door, &question)?;
        let records = answer
            .seeded(Each(Members(&wanted)))
            .map_err(|why| fault(question.model(), why.to_string()))?;
        let whole = records.into_iter().map(|mut members| match members.first() {
            Some(Member::Text(id)) => Some((id.parse().ok()?, members.split_off(1))),
            Some(Member::Missing | Member::Null | Member::Flag(_) | Member::List(_)) | None => None,
        });
        let whole: Option<Vec<Record>> = whole.collect();
        whole.ok_or_else(|| fault(question.model(), "not of its shape: a record has no id"))
    }

    /// The next records behind an id.
    fn page(
        &self,
        door: &mut Door,
        model: &Model,
        domain: &Domain,
        fields: &[Name],
        behind: u64,
    ) -> Result<Vec<Record>, LiveError> {
        let page = self.read(door, page_of(model, domain.behind(behind), fields, Order::Rising))?;
        json::last(behind, page.iter().map(|(id, _)| *id))
            .map_err(|why| fault(model, format!("out of order: {why}")))?;
        Ok(page)
    }

    fn count(&self, door: &mut Door, model: &Model, domain: Domain) -> Result<u64, LiveError> {
        self.told(door, &Question::Count(model.clone(), domain))
    }

    /// The id of the newest record of a domain, 0 where it has none: as many are up to it as there are in
    /// all.
    fn newest(&self, door: &mut Door, model: &Model, domain: &Domain) -> Result<u64, LiveError> {
        let why = "not borne out: another number of records each time it is counted";
        borne_out(model, why, || {
            let last =
                Read { limit: 1, ..page_of(model, domain.clone(), &[Name::ID], Order::Falling) };
            let newest = self.read(door, last)?.first().map_or(0, |(id, _)| *id);
            let all = self.count(door, model, domain.clone())?;
            Ok((self.count(door, model, domain.up_to(newest))? == all).then_some(newest))
        })
    }

    /// These records, as far as this user may see them.
    fn these(
        &self,
        door: &mut Door,
        model: &Model,
        mut ids: BTreeSet<u64>,
        field: &Name,
    ) -> Result<BTreeMap<u64, Member>, LiveError> {
        let mut found = BTreeMap::new();
        for _ in 0..TRIES {
            if ids.is_empty() {
                break;
            }
            let wanted: Vec<u64> = ids.iter().copied().collect();
            let fields = [field.clone()];
            let came = self.all(door, model, &Domain::ids(&wanted), &fields)?;
            found.extend(came.into_iter().filter_map(|(id, mut it)| Some((id, it.pop()?))));
            ids.retain(|id| !found.contains_key(id));
        }
        Ok(found)
    }

    /// All records of a domain, as many as Odoo counts.
    fn counted(
        &self,
        door: &mut Door,
        model: &Model,
        domain: &Domain,
        fields: &[Name],
    ) -> Result<Vec<Record>, LiveError> {
        let why = "not borne out: it has another number of records than Odoo counts";
        borne_out(model, why, || {
            let records = self.all(door, model, domain, fields)?;
            let counted = self.count(door, model, domain.clone())?;
            Ok((counted == records.len() as u64).then_some(records))
        })
    }

    /// All records of a domain.
    fn all(
        &self,
        door: &mut Door,
        model: &Model,
        domain: &Domain,
        fields: &[Name],
    ) -> Result<Vec<Record>, LiveError> {
        let mut all: Vec<Record> = Vec::new();
        loop {
            let behind = all.last().map_or(0, |(id, _)| *id);
            let page = self.page(door, model, domain, fields, behind)?;
            let last = page.len() < Read::PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }
}

/// What is not borne out is asked for so often.
const TRIES: usize = 3;

/// What `ask` gives once it is borne out.
fn borne_out<T>(
    model: &Model,
    why_not: &str,
    mut ask: impl FnMut() -> Result<Option<T>, LiveError>,
) -> Result<T, LiveError> {
    for _ in 0..TRIES {
        if let Some(told) = ask()? {
            return Ok(told);
        }
    }
    Err(fault(model, why_not))
}

fn page_of(model: &Model, domain: Domain, fields: &[Name], order: Order) -> Read {
    Read { model: model.clone(), domain, fields: fields.to_vec(), order, limit: Read::PAGE }
}

/// One table of the database: what fills it, and how far it goes.
#[derive(Debug)]
pub(super) struct Table {
    base: Rc<Base>,
    object: Object,
    pub(super) plan: Plan,
    model: Model,
    /// The records there were when it was opened.
    domain: Domain,
    /// The last of them.
    newest: u64,
}

impl Table {
    /// Finds out which fields there are, and which record is the newest: what comes later is not read.
    /// None where this user may not read the model.
    pub(super) fn open(
        base: &Rc<Base>,
        door: &mut Door,
        boundary: &Boundary,
        wanted: &Wanted<'_>,
        model: &Model,
        domain: &Domain,
    ) -> Result<Option<Self>, LiveError> {
        let Some(known) = base.fields(door, model)? else { return Ok(None) };
        let plan = Plan::of(&known, &wanted.fields, boundary, |linked| base.fields(door, linked))?;
        let newest = base.newest(door, model, domain)?;
        if !plan.activities.is_empty() {
            base.fields(door, &Model::ACTIVITY)?;
        }
        let (base, model, domain) = (Rc::clone(base), model.clone(), domain.up_to(newest));
        Ok(Some(Self { base, object: wanted.object, plan, model, domain, newest }))
    }

    fn of_record(&self, id: u64, why: &str) -> LiveError {
        fault(&self.model, format!("not of its shape: record {id}: {why}"))
    }

    /// What other models say about the records of a page.
    fn look_up(&mut self, door: &mut Door, page: &[Record]) -> Result<LookedUp, LiveError> {
        let mut looked_up = LookedUp::default();
        for (at, link) in self.plan.links.iter().enumerate() {
            let mut ids = BTreeSet::new();
            for (id, members) in page.iter().filter(|_| self.plan.is_read(at)) {
                let member = members.get(link.at).unwrap_or(&Member::Missing);
                ids.extend(linked(member).map_err(|why| self.of_record(*id, why))?);
            }
            let known = self.base.these(door, &link.model, ids.clone(), &link.field)?;
            if ids.iter().any(|id| !known.contains_key(id)) {
                return Err(LiveError::Narrower { column: self.plan.without(at) });
            }
            looked_up.links.push(known);
        }
        if !self.plan.activities.is_empty() {
            let ids: Vec<u64> = page.iter().map(|(id, _)| *id).collect();
            looked_up.activities = self.latest(door, &ids)?;
        }
        Ok(looked_up)
    }

    /// By field of the activities, the latest day of each of these records.
    fn latest(
        &self,
        door: &mut Door,
        ids: &[u64],
    ) -> Result<Vec<BTreeMap<u64, String>>, LiveError> {
        let mut fields = vec![Name::RES_ID];
        fields.extend(self.plan.activities.iter().cloned());
        let domain = Domain::activities(&self.model, ids);
        let mut latest = vec![BTreeMap::new(); self.plan.activities.len()];
        for (id, members) in self.base.counted(door, &Model::ACTIVITY, &domain, &fields)? {
            let of = match members.split_first() {
                Some((Member::Text(of), days)) => of.parse::<u64>().ok().map(|of| (of, days)),
                Some(_) | None => None,
            };
            let Some((of, days)) = of else {
                return Err(fault(&Model::ACTIVITY, format!("not of its shape: record {id}")));
            };
            for (day, latest) in days.iter().zip(&mut latest) {
                let Member::Text(day) = day else { continue };
                let held: &mut String = latest.entry(of).or_default();
                // Days are in the order of their letters.
                if *day > *held {
                    held.clone_from(day);
                }
            }
        }
        Ok(latest)
    }
}

impl Reading for Table {
    fn name(&self) -> String {
        format!("Odoo {}", self.object.plural())
    }

    fn object(&self) -> Object {
        self.object
    }

    fn way(&self) -> String {
        format!("JSON-2, {}", self.model.as_str())
    }

    fn columns(&self) -> &[String] {
        &self.plan.header
    }

    fn count(&mut self, door: &mut Door) -> Result<Option<u64>, LiveError> {
        self.base.count(door, &self.model, self.domain.clone()).map(Some)
    }

    fn page(
        &mut self,
        door: &mut Door,
        from: &Place,
        _before: Reached<'_>,
        rows: &mut Rows,
    ) -> Result<Vec<Place>, LiveError> {
        let behind = from.behind().ok_or_else(|| LiveError::no_place(self.name()))?;
        // Without any field Odoo would send them all.
        let id = [Name::ID];
        let fields = if self.plan.fields.is_empty() { &id } else { self.plan.fields.as_slice() };
        let mut page = self.base.page(door, &self.model, &self.domain, fields, behind)?;
        let ends = page.last().map_or(behind, |(id, _)| *id) == self.newest;
        if page.len() < Read::PAGE && !ends {
            // It ends too early, unless the newest record has been deleted meanwhile.
            page = self.base.page(door, &self.model, &self.domain, fields, behind)?;
        }
        let looked_up = self.look_up(door, &page)?;
        for (id, members) in &page {
            let cells = self.plan.row(*id, members, &looked_up);
            let cells = cells.map_err(|why| self.of_record(*id, why))?;
            rows.push(&id.to_string(), cells.iter().map(String::as_str));
        }
        let more = page.len() == Read::PAGE;
        let last = page.last().filter(|_| more);
        Ok(last.map(|(id, _)| Place::After(id.to_string())).into_iter().collect())
    }

    fn ways_round(&self, reached: Reached<'_>) -> Vec<Place> {
        reached.last.map(|id| Place::After(id.to_owned())).into_iter().collect()
    }
}
