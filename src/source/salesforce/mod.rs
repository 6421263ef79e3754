//! Salesforce as a source: its questions, and what its answers mean.
//!
//! An org is entered before it is read: a token for the login, the versions that are offered, and of each
//! table which fields this user may see and whether it may do more than read them. Then each table is
//! read in pages, in the order of ids.
//!
//! Does not: put a question on the wire, or know what a record is judged by.

mod bulk;
mod describe;
mod login;
mod page;
mod question;
mod table;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::http::{Answer, Call, Door, Pace, Trouble, Verdict};
use super::live::{Absent, Crm, LiveError, Surroundings, Wanted, Welcome};
use super::secret::Secret;

use describe::Linked;

pub use login::{Audience, Login, LoginBy, LoginError};
pub use question::{
    Column, Id, Locator, PIECE, Piece, Question, Soql, Table, TableName, Version, Which,
};

/// What the config says of an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The version of its API.
    pub version: Version,
    /// How to log in.
    pub login: LoginBy,
    /// Tables of at least so many records are read by Bulk API 2.0.
    pub bulk_from: u64,
}

/// Salesforce counts questions by the day and long ones at the same time; this job asks one at a time.
pub(super) const PACE: Pace = Pace { lane: "salesforce", most: 50, within: Duration::from_secs(1) };

/// What an answer of Salesforce means for the conversation.
pub(super) fn judge(question: &Question, answer: &Answer) -> Verdict {
    let fault = || Fault::of(answer);
    match answer.status() {
        200 if answer.is_json() && !answer.body().trim_ascii_start().starts_with(b"[") => {
            Verdict::Good
        }
        200 if matches!(question, Question::Results(..)) && answer.is_csv() => Verdict::Good,
        // The list of versions is the one good answer that is a list.
        200 if answer.is_json() && matches!(question, Question::Versions) => Verdict::Good,
        401 => Verdict::Expired,
        400 | 500 if fault() == Fault::Timeout => Verdict::Again(None),
        403 if fault() == Fault::Limit => Verdict::Spent,
        429 | 503 => Verdict::Later(None),
        // An error, a login page or nothing, with the status of an answer; and what was seen live
        // without a body, and gone the next moment.
        200 | 406 | 408 | 420 | 500..=599 => Verdict::Again(None),
        _ => Verdict::Refused,
    }
}

/// The faults that change what is done next.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Timeout,
    Limit,
    Other,
}

impl Fault {
    fn of(answer: &Answer) -> Self {
        match answer.code().as_deref() {
            Some("QUERY_TIMEOUT") => Self::Timeout,
            Some("REQUEST_LIMIT_EXCEEDED") => Self::Limit,
            Some(_) | None => Self::Other,
        }
    }
}

/// A conversation with an org, in which the login is renewed when it runs out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Org<'s> {
    settings: &'s Settings,
    surroundings: Surroundings<'s>,
}

/// A token and where it is good.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    instance_url: String,
}

impl<'s> Org<'s> {
    pub(super) fn new(settings: &'s Settings, surroundings: Surroundings<'s>) -> Self {
        Self { settings, surroundings }
    }

    /// Asks, and logs in anew if the token has run out; if it then is not good either, that is said.
    fn ask(&self, door: &mut Door, question: &Question) -> Result<Answer, LiveError> {
        match door.ask(Call::Salesforce(question)) {
            Err(Trouble::Expired { .. }) => {
                self.log_in(door)?;
                Ok(door.ask(Call::Salesforce(question))?)
            }
            answer => Ok(answer?),
        }
    }

    fn log_in(&self, door: &mut Door) -> Result<(), LiveError> {
        let Surroundings { folder, environment, .. } = self.surroundings;
        let login = self.settings.login.login(folder, environment, door.now())?;
        let answer = door.ask(Call::Salesforce(&Question::Token(login)))?;
        let granted: Granted =
            answer.json().map_err(|why| LiveError::unreadable("a token", &why))?;
        if !door.host().owns(&granted.instance_url) {
            return Err(LiveError::NotGranted {
                what: format!("{} sends this job to another host", door.host().name()),
                hint: "give `host` the org's own address (Setup > My Domain), not a login page's"
                    .to_owned(),
            });
        }
        door.show(Secret::new(granted.access_token));
        Ok(())
    }

    /// The version is one that the org offers.
    fn check_version(&self, door: &mut Door) -> Result<(), LiveError> {
        #[derive(Deserialize)]
        struct Offered {
            version: String,
        }
        let answer = door.ask(Call::Salesforce(&Question::Versions))?;
        let offered: Vec<Offered> =
            answer.json().map_err(|why| LiveError::unreadable("the versions", &why))?;
        let version = self.settings.version.as_str();
        if offered.iter().any(|offered| offered.version == version) {
            return Ok(());
        }
        let newest = offered.iter().rev().find_map(|offered| Version::parse(&offered.version));
        Err(LiveError::NotGranted {
            what: format!("{} does not offer version {version} of its API", door.host().name()),
            hint: newest.map_or_else(
                || "ask who answers at this address".to_owned(),
                |newest| format!("set `version = \"{}\"` in [source.live]", newest.as_str()),
            ),
        })
    }
}

impl<'s> Crm<'s> for Org<'s> {
    fn enter(&self, door: &mut Door) -> Result<Secret, LiveError> {
        self.log_in(door)?;
        self.check_version(door)?;
        Ok(Secret::new(self.settings.login.who()))
    }

    fn welcome(
        &self,
        door: &mut Door,
        wanted: &[Wanted<'_>],
        before: DateTime<Utc>,
    ) -> Result<Welcome<'s>, LiveError> {
        let mut welcome = Welcome::default();
        let mut linked = Linked::default();
        for (object, table) in table::of(wanted) {
            (self.surroundings.tell)(&format!(
                "Salesforce {}: which fields are there",
                table.name()
            ));
            let Some(described) = describe::of(self, door, table.into())? else {
                let name = format!("Salesforce {}", table.name());
                welcome.absent.push(Absent { object, of: table::tells_of(object, table), name });
                continue;
            };
            welcome.wide.extend(described.beyond_reading(table));
            welcome.beyond.extend(described.beyond_listed(table, wanted));
            let mut column = |name: &str| linked.column(self, door, &described, name);
            let read = table::Read::new(*self, table, object, wanted, &mut column, before)?;
            welcome.readings.push(Box::new(read));
        }
        Ok(welcome)
    }
}
