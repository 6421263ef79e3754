//! Large tables by Bulk API 2.0: a job that the org works through, and its result in pieces of CSV.
//!
//! A job makes no record in the CRM, and is gone after seven days. Its pieces keep their places as long as
//! it is there, so that each can be asked for again. A piece counts when it has as many rows as its answer
//! says, and exactly the columns that were asked for.
//! Does not: quote a value in an error.

use std::time::Duration;

use serde::Deserialize;

use super::page::Plan;
use super::question::{Id, Piece, Question, Soql};
use super::{LiveError, Org};
use crate::source::http::{Answer, Door, Trouble};
use crate::source::live::{Place, Rows};

/// How long to wait before a job is asked how far it is; it grows.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// Looks cost questions of the day: they do not come closer than this for long.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// A job as the org tells of it.
#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
}

/// Has the org work through a query. Nothing where it will not by this way: then pages are asked for.
pub(super) fn job(org: &Org<'_>, door: &mut Door, soql: Soql) -> Result<Option<Id>, LiveError> {
    let version = || org.settings.version.clone();
    let read = |answer: &Answer| {
        answer.json::<Job>().map_err(|why| LiveError::unreadable("a bulk query job", &why))
    };
    let made = match org.ask(door, &Question::Job(version(), soql)) {
        Err(LiveError::Door { trouble: Trouble::Refused { status: 400 | 403, .. } }) => {
            return Ok(None);
        }
        made => read(&made?)?,
    };
    let Some(id) = Id::parse(&made.id) else { return Ok(None) };
    let mut look = FIRST_LOOK;
    loop {
        let answer = org.ask(door, &Question::JobState(version(), id.clone()))?;
        match read(&answer)?.state.as_str() {
            "JobComplete" => return Ok(Some(id)),
            "Failed" | "Aborted" => return Ok(None),
            _ => door.wait(look)?,
        }
        look = (look * 2).min(LAST_LOOK);
    }
}

/// The place of a piece among the places that are kept: the job, and the piece.
pub(super) fn place(job: &Id, piece: &Piece) -> Place {
    Place::Cursor(format!("{}/{}", job.as_str(), piece.as_str()))
}

/// The job and the piece of a kept place, if it is one of a job's.
pub(super) fn piece(cursor: &str) -> Option<(Id, Piece)> {
    let (job, piece) = cursor.split_once('/')?;
    Some((Id::parse(job)?, Piece::parse(piece)?))
}

/// Reads a piece of a job's result, and says where the next one is.
pub(super) fn read(
    org: &Org<'_>,
    door: &mut Door,
    job: &Id,
    piece: Option<Piece>,
    plan: &Plan,
    rows: &mut Rows,
) -> Result<Vec<Place>, LiveError> {
    let version = org.settings.version.clone();
    let answer = org.ask(door, &Question::Results(version, job.clone(), piece))?;
    let wrong = |why: &str| LiveError::Answer {
        what: "a piece of a bulk query's result".to_owned(),
        why: why.to_owned(),
    };
    let came = cells(&answer, plan, rows)
        .ok_or_else(|| wrong("not the CSV that was asked for, or a row of it is not whole"))?;
    let told = answer.head("sforce-numberofrecords").and_then(|told| told.parse::<u64>().ok());
    if told.is_some_and(|told| told != came) {
        return Err(wrong("shorter than it says"));
    }
    // The last piece names `null`.
    let next = answer.head("sforce-locator").filter(|next| *next != "null").and_then(Piece::parse);
    Ok(next.map(|next| place(job, &next)).into_iter().collect())
}

/// Puts the rows of a piece where they belong; gives how many there are, if all of them are whole.
fn cells(answer: &Answer, plan: &Plan, rows: &mut Rows) -> Option<u64> {
    let text = std::str::from_utf8(answer.body()).ok()?;
    // The readers of exports leave cells out before they become text; here nothing is to be left out.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().ok()?.iter().map(str::to_owned).collect();
    let at = |name: &str| {
        let mut same = header.iter().enumerate().filter(|(_, found)| *found == name);
        same.next().filter(|_| same.next().is_none()).map(|(at, _)| at)
    };
    let id = at("Id")?;
    let places: Vec<usize> = plan.names().map(|name| at(&name)).collect::<Option<_>>()?;
    let mut record = csv::StringRecord::new();
    let mut texts = Vec::new();
    let mut came = 0;
    while reader.read_record(&mut record).ok()? {
        let mark = record.get(id).filter(|id| Id::parse(id).is_some())?;
        texts.clear();
        texts.extend(places.iter().map(|at| record.get(*at).unwrap_or_default().replace('\0', "")));
        if plan.lets_in(&texts) {
            rows.push(mark, texts.iter().map(String::as_str));
        }
        came += 1;
    }
    Some(came)
}
