//! Odoo as a source: its questions, what its answers mean, and what it may be asked.
//!
//! Does not: put a question on the wire, or know what a record is judged by.

mod columns;
mod question;
mod reading;

use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::boundary::Boundary;

use super::http::{Answer, Door, Pace, Verdict};
use super::live::{Absent, Crm, LiveError, Surroundings, Wanted, Welcome};
use super::salesforce::LoginError;
use super::secret::{Place, Secret};

pub use question::{Database, Domain, Model, Name, Operation, Order, Question, Read};

use reading::{Base, Table};

/// What the config says of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the key of the user lies.
    pub key: Place,
    /// Which database, where the server has several.
    pub database: Option<Database>,
}

/// Odoo has no limit of its own; people work on the same server.
pub(super) const PACE: Pace = Pace { lane: "odoo", most: 10, within: Duration::from_secs(1) };

/// What an answer of Odoo means for the conversation.
pub(super) fn judge(question: &Question, answer: &Answer) -> Verdict {
    match answer.status() {
        200 if fits(question, answer) => Verdict::Good,
        401 => Verdict::Expired,
        // A field or an argument that there is not: it looks like a fault of the server and is none.
        500 if answer.code().as_deref() == Some("builtins.ValueError") => Verdict::Refused,
        429 | 503 => Verdict::Later(None),
        // An error, a login page or nothing, with the status of an answer.
        200..=299 | 408 | 500..=599 => Verdict::Again(None),
        _ => Verdict::Refused,
    }
}

/// Whether an answer begins as what was asked for does.
fn fits(question: &Question, answer: &Answer) -> bool {
    let body = answer.body().trim_ascii();
    match question {
        Question::Access(..) => matches!(body, b"true" | b"false"),
        Question::Fields(_) => answer.is_json() && body.starts_with(b"{"),
        Question::Count(..) => !body.is_empty() && body.iter().all(u8::is_ascii_digit),
        Question::Read(_) => answer.is_json() && body.starts_with(b"[") && body.ends_with(b"]"),
    }
}

/// A server, and one database of it.
pub(super) struct Server<'s> {
    settings: &'s Settings,
    surroundings: Surroundings<'s>,
    boundary: &'s Boundary,
    base: Rc<Base>,
}

impl<'s> Server<'s> {
    pub(super) fn new(
        settings: &'s Settings,
        surroundings: Surroundings<'s>,
        boundary: &'s Boundary,
    ) -> Self {
        let base = Rc::new(Base::new(settings.database.clone()));
        Self { settings, surroundings, boundary, base }
    }
}

impl<'s> Crm<'s> for Server<'s> {
    fn enter(&self, door: &mut Door) -> Result<Secret, LiveError> {
        let Surroundings { folder, environment, .. } = self.surroundings;
        let key = self.settings.key.fetch(folder, environment).map_err(LoginError::from)?;
        let database = self.settings.database.as_ref().map(Database::name);
        let login = Secret::new(format!("{} {}", database.unwrap_or_default(), key.reveal()));
        door.show(key);
        Ok(login)
    }

    fn welcome(
        &self,
        door: &mut Door,
        wanted: &[Wanted<'_>],
        _before: DateTime<Utc>,
    ) -> Result<Welcome<'s>, LiveError> {
        let base = &self.base;
        let mut welcome = Welcome::default();
        let mut unclear = Vec::new();
        for table in wanted {
            let Some((model, domain)) = Domain::of(table.object) else { continue };
            (self.surroundings.tell)(&format!("Odoo {}: which fields are there", model.as_str()));
            let opened = Table::open(base, door, self.boundary, table, &model, &domain)?;
            if let Some(mut table) = opened {
                unclear.append(&mut table.plan.unclear);
                welcome.readings.push(Box::new(table));
            } else {
                let name = format!("Odoo {}", model.as_str());
                welcome.absent.push(Absent::records(table.object, name));
            }
        }
        if !unclear.is_empty() {
            return Err(LiveError::NotGranted {
                what: unclear.join("\n"),
                hint: "say in rules/boundary.toml which field is meant, by its technical name"
                    .to_owned(),
            });
        }
        welcome.wide = self.rights(door)?;
        Ok(welcome)
    }

    fn rights(&self, door: &mut Door) -> Result<Vec<String>, LiveError> {
        let mut rights = Vec::new();
        for model in self.base.models() {
            for what in Operation::CHANGING {
                if self.base.may(door, &model, what)? {
                    let model = model.as_str();
                    rights.push(format!("this user may {} records of {model}", what.name()));
                }
            }
        }
        Ok(rights)
    }
}
