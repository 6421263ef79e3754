//! HubSpot as a source: its questions, what its answers mean, and what it may be asked.
//!
//! Does not: put a question on the wire, or know what a record is judged by.

mod columns;
mod question;
mod reading;
mod wire;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::boundary::{Boundary, Object};

use super::http::{Answer, Call, Door, Pace, Trouble, Verdict};
use super::live::{Absent, Crm, LiveError, Surroundings, Wanted, Welcome, Wide};
use super::salesforce::LoginError;
use super::secret::{Place, Secret};

pub use question::{
    Archived, Associations, Created, Cursor, History, Kind, Question, Search, Version,
};

use columns::{Directory, HISTORY_COLUMNS, Known, OWNER_COLUMNS, Plan};
use reading::{Asking, Changes, Owners, Records};
use wire::{Failure, Listed, Owner, Pipeline, Property, Token};

/// What the config says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which paths are asked.
    pub version: Version,
    /// Where the token of the service key or private app lies.
    pub token: Place,
    /// What a service key was given, by the word of whoever made it: HubSpot does not tell.
    pub scopes: Option<Vec<String>>,
}

/// A search is counted apart from all else, for the whole account; one of five a second is left to others.
const SEARCHES: Pace = Pace { lane: "hubspot search", most: 4, within: Duration::from_secs(1) };
/// The smallest plans answer 100 questions in ten seconds.
const OTHERS: Pace = Pace { lane: "hubspot", most: 90, within: Duration::from_secs(10) };

/// How often a question may be asked.
pub(super) fn pace(question: &Question) -> Pace {
    match question {
        Question::Search(..) => SEARCHES,
        Question::Scopes(_)
        | Question::Properties(..)
        | Question::Owners(..)
        | Question::Pipelines(..)
        | Question::History(..)
        | Question::Associations(..) => OTHERS,
    }
}

/// What an answer of HubSpot means for the conversation.
pub(super) fn judge(question: &Question, answer: &Answer) -> Verdict {
    match answer.status() {
        // 207: of a batch some were not found; which ones shows when ids are compared.
        200 | 207 if is_good(question, answer) => Verdict::Good,
        401 => Verdict::Expired,
        429 => limit(answer),
        503 => Verdict::Later(None),
        423 => Verdict::Again(Some(Duration::from_secs(2))),
        // An error, a login page or nothing, with the status of an answer. 477: the account is being
        // moved. Beyond 529 it is the address that is wrong.
        200..=299 | 408 | 477 | 500..=529 => Verdict::Again(None),
        _ => Verdict::Refused,
    }
}

/// Which limit was met.
fn limit(answer: &Answer) -> Verdict {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Limit {
        policy_name: Option<String>,
    }
    let policy = answer.json::<Limit>().ok().and_then(|limit| limit.policy_name);
    match policy.as_deref() {
        Some("DAILY") => Verdict::Spent,
        _ if answer.head("retry-after").is_some() => Verdict::Later(None),
        Some("TEN_SECONDLY_ROLLING") => Verdict::Later(Some(Duration::from_secs(10))),
        Some(_) | None => Verdict::Later(Some(Duration::from_secs(1))),
    }
}

/// Whether an answer is none that calls itself an error. A batch can fail in part: it is good when it is
/// done, and when what it lacks is not there to be sent.
fn is_good(question: &Question, answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        status: Option<String>,
        #[serde(default)]
        errors: Vec<Failure>,
    }
    let Some(it) = answer.json::<Outline>().ok().filter(|_| answer.is_json()) else { return false };
    match question {
        Question::History(..) | Question::Associations(..) => {
            it.status.as_deref() == Some("COMPLETE") && it.errors.iter().all(Failure::is_absence)
        }
        Question::Scopes(_)
        | Question::Properties(..)
        | Question::Owners(..)
        | Question::Pipelines(..)
        | Question::Search(..) => it.status.as_deref() != Some("error"),
    }
}

/// An account and what its token may do.
pub(super) struct Portal<'s> {
    settings: &'s Settings,
    grant: Wide,
    surroundings: Surroundings<'s>,
    boundary: &'s Boundary,
    /// None inside where nobody can tell.
    scopes: OnceCell<Option<Vec<String>>>,
}

impl<'s> Portal<'s> {
    pub(super) fn new(
        settings: &'s Settings,
        grant: Wide,
        surroundings: Surroundings<'s>,
        boundary: &'s Boundary,
    ) -> Self {
        Self { settings, grant, surroundings, boundary, scopes: OnceCell::new() }
    }

    fn token(&self) -> Result<Secret, LiveError> {
        let Surroundings { folder, environment, .. } = self.surroundings;
        Ok(self.settings.token.fetch(folder, environment).map_err(LoginError::from)?)
    }

    /// What the token may do: HubSpot tells it of a private app, and of a service key whoever made it.
    fn ask_scopes(&self, door: &mut Door, token: Secret) -> Result<Option<Vec<String>>, LiveError> {
        if let Some(scopes) = &self.settings.scopes {
            return Ok(Some(scopes.clone()));
        }
        match ask::<Token>(door, &Question::Scopes(token), "the token's scopes") {
            Ok(token) => Ok(Some(token.scopes)),
            Err(LiveError::Door { trouble: Trouble::Refused { .. } }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn scopes(&self) -> Option<&[String]> {
        self.scopes.get()?.as_deref()
    }

    /// The types of records that may be read, as far as that is known.
    fn readable(&self) -> Vec<Kind> {
        let reads = |kind: &Kind| {
            let scope = kind.scope();
            self.scopes().is_none_or(|scopes| scopes.contains(&scope))
        };
        Kind::ALL.into_iter().filter(reads).collect()
    }

    /// Which properties fill the fields of a type. None where it may not be read.
    fn plan(
        &self,
        door: &mut Door,
        kind: Kind,
        table: &Wanted<'_>,
        history: bool,
    ) -> Result<Option<Plan>, LiveError> {
        (self.surroundings.tell)(&format!("HubSpot {}: which properties are there", kind.name()));
        let version = self.settings.version;
        let asked = ask(door, &Question::Properties(version, kind), "properties");
        let properties: Listed<Property> = match asked {
            Err(error) if is_refused(&error) => return Ok(None),
            asked => asked?,
        };
        let pipelines = if kind.has_pipelines() {
            let asked: Listed<Pipeline> =
                ask(door, &Question::Pipelines(version, kind), "pipelines")?;
            asked.results
        } else {
            Vec::new()
        };
        let others = self.readable();
        let known =
            Known { properties: &properties.results, pipelines: &pipelines, others: &others };
        Ok(Some(Plan::of(kind, &known, table, self.boundary, history)))
    }

    /// Everybody who owns records, or did. None where they may not be read.
    fn owners(&self, door: &mut Door) -> Result<Option<Directory>, LiveError> {
        let mut owners = Directory::default();
        for archived in [Archived::No, Archived::Yes] {
            match add_owners(door, self.settings.version, archived, &mut owners) {
                Err(error) if is_refused(&error) => return Ok(None),
                added => added?,
            }
        }
        Ok(Some(owners))
    }
}

impl<'s> Crm<'s> for Portal<'s> {
    /// All accounts have one host: the token alone tells them apart.
    fn enter(&self, door: &mut Door) -> Result<Secret, LiveError> {
        let token = self.token()?;
        let login = token.clone();
        door.show(token.clone());
        let scopes = self.ask_scopes(door, token)?;
        let rights = wide(scopes.as_deref());
        if self.grant == Wide::Refused && !rights.is_empty() {
            return Err(LiveError::Wide { rights });
        }
        self.scopes.get_or_init(|| scopes);
        Ok(login)
    }

    fn welcome(
        &self,
        door: &mut Door,
        wanted: &[Wanted<'_>],
        before: DateTime<Utc>,
    ) -> Result<Welcome<'s>, LiveError> {
        let mut welcome = Welcome { wide: wide(self.scopes()), ..Welcome::default() };
        let table = |object| wanted.iter().find(|table| table.object == object);
        let history = table(Object::FieldHistory);
        let mut plans = Vec::new();
        for kind in Kind::ALL {
            let Some(table) = table(kind.object()) else { continue };
            if let Some(plan) = self.plan(door, kind, table, history.is_some())? {
                plans.push(Rc::new(plan));
            } else {
                let name = unscoped(kind.name(), &kind.scope());
                welcome.absent.push(Absent::records(table.object, name));
            }
        }
        if let Some(table) = table(Object::CampaignMember) {
            // What somebody answered first is kept with the person.
            let kind = Kind::Contacts;
            match self.plan(door, kind, table, false)? {
                Some(plan) if plan.having.is_some() => plans.push(Rc::new(plan)),
                // No property says when: campaigns are given as a file, or not at all.
                Some(_) => {}
                None => {
                    let name = unscoped(kind.name(), &kind.scope());
                    welcome.absent.push(Absent::records(table.object, name));
                }
            }
        }
        let unclear: Vec<&str> =
            plans.iter().flat_map(|plan| &plan.unclear).map(String::as_str).collect();
        if !unclear.is_empty() {
            return Err(LiveError::NotGranted {
                what: unclear.join("\n"),
                hint: "say in rules/boundary.toml which property is meant, by its internal name"
                    .to_owned(),
            });
        }
        let owning = [Object::User, Object::Queue].map(table);
        let named = plans.iter().any(|plan| plan.names_owners());
        let asks = named || owning.iter().any(Option::is_some);
        let owners = if asks { self.owners(door)? } else { None };
        if asks && owners.is_none() {
            let owners = unscoped("owners", "crm.objects.owners.read");
            welcome.absent.push(Absent::records(Object::User, owners));
        }
        let may_own = owners.is_some();
        let asking = Rc::new(Asking {
            version: self.settings.version,
            before,
            owners: owners.unwrap_or_default(),
        });
        for plan in &plans {
            welcome.readings.push(Box::new(Records::new(Rc::clone(&asking), Rc::clone(plan))));
        }
        for table in owning.into_iter().flatten().filter(|_| may_own) {
            let (asking, header) = (Rc::clone(&asking), header(table, &OWNER_COLUMNS));
            welcome.readings.push(Box::new(Owners { asking, object: table.object, header }));
        }
        if let Some(table) = history {
            for plan in plans.iter().filter(|plan| plan.has_history()) {
                let (asking, plan) = (Rc::clone(&asking), Rc::clone(plan));
                let header = header(table, &HISTORY_COLUMNS);
                welcome.readings.push(Box::new(Changes::new(asking, plan, header)));
            }
        }
        Ok(welcome)
    }

    fn rights(&self, door: &mut Door) -> Result<Vec<String>, LiveError> {
        Ok(wide(self.ask_scopes(door, self.token()?)?.as_deref()))
    }
}

/// A table that needs a scope which the token has not.
fn unscoped(table: &str, scope: &str) -> String {
    format!("HubSpot {table} (scope {scope})")
}

/// Those of the known columns that the fields of a table come from.
fn header(table: &Wanted<'_>, known: &[&str]) -> Vec<String> {
    let column = |from: &[String]| from.iter().find(|name| known.contains(&name.as_str())).cloned();
    table.fields.iter().filter_map(|field| column(field.from())).collect()
}

/// What a token may do beyond reading what is not sensitive.
fn wide(scopes: Option<&[String]>) -> Vec<String> {
    let Some(scopes) = scopes else {
        return vec![
            "HubSpot does not tell what this key may do; if it is a service key, name its scopes in \
             `scopes` in [source.live]"
                .to_owned(),
        ];
    };
    let only_reads = |scope: &&String| {
        *scope == "oauth" || scope.ends_with(".read") && !scope.contains("sensitive")
    };
    let more: BTreeSet<&str> =
        scopes.iter().filter(|scope| !only_reads(scope)).map(String::as_str).collect();
    more.into_iter().map(|scope| format!("the token has the scope `{scope}`")).collect()
}

fn add_owners(
    door: &mut Door,
    version: Version,
    archived: Archived,
    owners: &mut Directory,
) -> Result<(), LiveError> {
    const WHAT: &str = "owners";
    let mut cursor: Option<Cursor> = None;
    let mut seen = BTreeSet::new();
    loop {
        let question = Question::Owners(version, archived, cursor.take());
        let page: Listed<Owner> = ask(door, &question, WHAT)?;
        let next = page.after().map(str::to_owned);
        owners.add(page.results);
        let Some(next) = next else { return Ok(()) };
        cursor = Cursor::parse(&next);
        if cursor.is_none() || !seen.insert(next) {
            let why = "one that leads nowhere, or back to a page that was read".to_owned();
            return Err(LiveError::Answer { what: format!("HubSpot {WHAT}"), why });
        }
    }
}

/// Whether the token may not see what was asked for.
fn is_refused(error: &LiveError) -> bool {
    matches!(error, LiveError::Door { trouble: Trouble::Refused { status: 403, .. } })
}

fn ask<T: DeserializeOwned>(
    door: &mut Door,
    question: &Question,
    what: &str,
) -> Result<T, LiveError> {
    let answer = door.ask(Call::HubSpot(question))?;
    answer.json().map_err(|why| LiveError::unreadable(&format!("HubSpot {what}"), &why))
}
