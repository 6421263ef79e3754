//! The one door to the outside: the only file that speaks HTTP.
//!
//! A question goes out as a [`Call`], a closed list; nothing here takes a verb, a path or a body from
//! its caller, and no question is a write. A door is pinned to one host: it follows no redirect, uses no
//! proxy of the surroundings, and speaks https to all but this machine. What is lost on the way is asked
//! again; how a CRM says "later", "log in again" or "no" is told by that CRM's own file.
//!
//! Does not: know what an answer means, or put a token, an address or a byte of an answer into an error.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error as _;
use std::fmt;
use std::io::{self, Read as _};
use std::marker::PhantomData;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, redirect};
use serde::Deserialize;
use serde::de::DeserializeSeed;
use tokio::sync::oneshot;

use super::buffer::Buffer;
use super::secret::Secret;
use super::{hubspot, odoo, salesforce};

/// Every question that is ever asked. Each CRM lists its own.
#[derive(Debug, Clone, Copy)]
pub enum Call<'q> {
    /// Of a Salesforce org.
    Salesforce(&'q salesforce::Question),
    /// Of a HubSpot account.
    HubSpot(&'q hubspot::Question),
    /// Of an Odoo server, with its database if it has several.
    Odoo(&'q odoo::Question, Option<&'q odoo::Database>),
}

impl Call<'_> {
    /// How the question is put on the wire: the only place where verbs, paths and bodies are.
    fn wire(self) -> Wire {
        match self {
            Self::Salesforce(question) => salesforce_wire(question),
            Self::HubSpot(question) => hubspot_wire(question),
            Self::Odoo(question, database) => odoo_wire(question, database),
        }
    }

    /// What an answer means for the conversation.
    fn judge(self, answer: &Answer) -> Verdict {
        match self {
            Self::Salesforce(question) => salesforce::judge(question, answer),
            Self::HubSpot(question) => hubspot::judge(question, answer),
            Self::Odoo(question, _) => odoo::judge(question, answer),
        }
    }

    /// How often questions of this kind may be asked.
    fn pace(self) -> Pace {
        match self {
            Self::Salesforce(_) => salesforce::PACE,
            Self::HubSpot(question) => hubspot::pace(question),
            Self::Odoo(..) => odoo::PACE,
        }
    }
}

fn salesforce_wire(question: &salesforce::Question) -> Wire {
    use salesforce::Question;
    let data = |version: &salesforce::Version, rest: &str| {
        format!("/services/data/v{}{rest}", version.as_str())
    };
    match question {
        Question::Token(login) => {
            Wire::post("/services/oauth2/token".to_owned(), Body::Form(login.form())).unsigned()
        }
        Question::Versions => Wire::get("/services/data/".to_owned()).unsigned(),
        Question::Describe(version, table) => {
            Wire::get(data(version, &format!("/sobjects/{}/describe", table.as_str())))
        }
        Question::Query(version, soql) => {
            Wire::get(data(version, "/query")).with("q", soql.as_str())
        }
        Question::More(version, locator) => {
            Wire::get(data(version, &format!("/query/{}", locator.as_str())))
        }
        Question::Job(version, soql) => {
            let body = serde_json::json!({
                "operation": "query",
                "query": soql.as_str(),
                "contentType": "CSV",
                "columnDelimiter": "COMMA",
                "lineEnding": "LF",
            });
            Wire::post(data(version, "/jobs/query"), Body::json(&body))
        }
        Question::JobState(version, job) => {
            Wire::get(data(version, &format!("/jobs/query/{}", job.as_str())))
        }
        Question::Results(version, job, piece) => {
            let path = data(version, &format!("/jobs/query/{}/results", job.as_str()));
            let wire = Wire::get(path).with("maxRecords", &salesforce::PIECE.to_string());
            match piece {
                Some(piece) => wire.with("locator", piece.as_str()),
                None => wire,
            }
        }
    }
}

fn hubspot_wire(question: &hubspot::Question) -> Wire {
    use hubspot::Question;
    match question {
        Question::Scopes(token) => {
            let body = serde_json::json!({ "tokenKey": token.reveal() });
            let path = "/oauth/v2/private-apps/get/access-token-info".to_owned();
            Wire::post(path, Body::Json(Secret::new(body.to_string())))
        }
        Question::Properties(version, kind) => {
            Wire::get(version.path("properties", &format!("/{}", kind.name())))
        }
        Question::Owners(version, archived, after) => {
            let wire = Wire::get(version.path("owners", ""))
                .with("limit", "500")
                .with("archived", archived.word());
            match after {
                Some(after) => wire.with("after", after.as_str()),
                None => wire,
            }
        }
        Question::Pipelines(version, kind) => {
            Wire::get(version.path("pipelines", &format!("/{}", kind.name())))
        }
        Question::Search(version, search) => {
            let path = version.path("objects", &format!("/{}/search", search.kind.name()));
            Wire::post(path, Body::json(&search.body()))
        }
        Question::History(version, history) => {
            let path = version.path("objects", &format!("/{}/batch/read", history.kind.name()));
            Wire::post(path, Body::json(&history.body()))
        }
        Question::Associations(version, asked) => {
            let types = format!("/{}/{}/batch/read", asked.from.name(), asked.to.name());
            Wire::post(version.path("associations", &types), Body::json(&asked.body()))
        }
    }
}

fn odoo_wire(question: &odoo::Question, database: Option<&odoo::Database>) -> Wire {
    let path = format!("/json/2/{}/{}", question.model().as_str(), question.method());
    let wire = Wire::post(path, Body::json(&question.body()));
    match database {
        Some(database) => {
            Wire { head: Some(("x-odoo-database", database.name().to_owned())), ..wire }
        }
        None => wire,
    }
}

/// A request as it goes out.
struct Wire {
    verb: Verb,
    path: String,
    query: Vec<(&'static str, String)>,
    head: Option<(&'static str, String)>,
    signed: bool,
}

/// What is done to the other side: it is asked. Questions that are too long or too secret for an
/// address are posted.
enum Verb {
    Get,
    Post(Body),
}

enum Body {
    /// Names and values of a form.
    Form(Vec<(&'static str, Secret)>),
    /// Conditions and names; for HubSpot, the token it is to look up.
    Json(Secret),
}

impl Wire {
    fn get(path: String) -> Self {
        Self { verb: Verb::Get, path, query: Vec::new(), head: None, signed: true }
    }

    fn post(path: String, body: Body) -> Self {
        Self { verb: Verb::Post(body), path, query: Vec::new(), head: None, signed: true }
    }

    /// With a parameter in the address.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    /// Without the token.
    fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// The path with its parameters.
    fn target(&self) -> String {
        let pairs: Vec<_> =
            self.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if pairs.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, pairs.join("&"))
        }
    }
}

impl Body {
    fn json(body: &serde_json::Value) -> Self {
        Self::Json(Secret::new(body.to_string()))
    }

    fn content_type(&self) -> &'static str {
        match self {
            Self::Form(_) => "application/x-www-form-urlencoded",
            Self::Json(_) => "application/json",
        }
    }

    fn bytes(&self) -> Secret {
        match self {
            Self::Form(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, value)| format!("{name}={}", encoded(value.reveal())))
                    .collect();
                Secret::new(pairs.join("&"))
            }
            Self::Json(body) => body.clone(),
        }
    }
}

/// A value as it stands in an address or a form.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Who is asked: one host, by https unless it is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    base: String,
    name: String,
}

impl Host {
    /// `acme.my.salesforce.com`, `https://crm.acme.example:8443`, or `http://127.0.0.1:8069`.
    /// The error says what would do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        let rest = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
            _ => (rest.as_str(), None),
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("the port is a number up to 65535");
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = bare.parse().ok();
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if address.is_none() && !name.split('.').all(label) {
            return Err("a name such as `acme.my.salesforce.com`, without a path");
        }
        let here = address.map_or(name == "localhost", |address| address.is_loopback());
        match scheme {
            "https" => {}
            "http" if here => {}
            _ => return Err("CRMs are asked by https; plain http is for this machine alone"),
        }
        Ok(Self { base: format!("{scheme}://{rest}"), name: rest })
    }

    /// The host and its port, as a person writes them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an address that the CRM gives is of this host.
    pub fn owns(&self, address: &str) -> bool {
        address.strip_suffix('/').unwrap_or(address).eq_ignore_ascii_case(&self.base)
    }
}

/// How long a door waits, how much it may take of the CRM's daily limit, and whom it trusts.
#[derive(Debug, Clone, PartialEq)]
pub struct Manners {
    /// For an answer to begin, and again for it to end.
    pub silence: Duration,
    /// In all, for a CRM that says "later".
    pub patience: Duration,
    /// The share of the CRM's daily limit at which this job stops, whoever used it up.
    pub quota_share: f64,
    /// Certificates to trust in the place of the public ones.
    pub roots: Option<PathBuf>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            // Salesforce gives a query two minutes.
            silence: Duration::from_secs(130),
            patience: Duration::from_mins(15),
            quota_share: 0.8,
            roots: None,
        }
    }
}

/// At most so many questions within a time.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What is counted together.
    pub lane: &'static str,
    /// How many.
    pub most: usize,
    /// Within how long.
    pub within: Duration,
}

/// What an answer means for the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is an answer.
    Good,
    /// The CRM cannot just now, or the answer was spoilt on the way: it is asked again, after so long
    /// where the CRM says how long.
    Again(Option<Duration>),
    /// The CRM is there and has too much to do: it is asked again for as long as this job has patience,
    /// after so long where the CRM says how long.
    Later(Option<Duration>),
    /// The token is not good any more.
    Expired,
    /// The CRM's own limit is used up for today.
    Spent,
    /// It will not answer this, however often it is asked.
    Refused,
}

/// Why there is no answer. Never with a token, an address's parameters or a byte of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing came, or nothing whole, however often it was asked.
    #[error("{host} gave no answer in {tries} tries: {why}")]
    Silent {
        /// Who was asked.
        host: String,
        /// How often.
        tries: u32,
        /// What became of the last try.
        why: &'static str,
    },
    /// Answers began and were not whole, however often it was asked.
    #[error("{host} sent no whole answer in {tries} tries: {why}")]
    Broken {
        /// Who was asked.
        host: String,
        /// How often.
        tries: u32,
        /// What became of the last one.
        why: &'static str,
    },
    /// It said "later" for longer than this job waits.
    #[error("{host} asks to come back in {} (it answered {status})", spell(*.after))]
    Later {
        /// Who was asked.
        host: String,
        /// In how long.
        after: Duration,
        /// The status it answered with.
        status: u16,
    },
    /// It is at work on something for longer than this job waits.
    #[error("{host} is still at work on a query of many records, after all the time that this job waits for it ({})", spell(*.patience))]
    AtWork {
        /// Who was asked.
        host: String,
        /// How long this job waits in all.
        patience: Duration,
    },
    /// It answered in another way than it should, every time.
    #[error("{host} answered {status} in {tries} tries{}", named(.code.as_deref()))]
    Failing {
        /// Who was asked.
        host: String,
        /// The status of the last answer.
        status: u16,
        /// How often.
        tries: u32,
        /// The CRM's own name for the fault.
        code: Option<String>,
    },
    /// It refused.
    #[error("{host} refused: {status}{}", named(.code.as_deref()))]
    Refused {
        /// Who was asked.
        host: String,
        /// The status.
        status: u16,
        /// The CRM's own name for the reason.
        code: Option<String>,
    },
    /// The token is not good any more.
    #[error("{host} does not accept the login{}", named(.code.as_deref()))]
    Expired {
        /// Who was asked.
        host: String,
        /// The CRM's own name for the reason.
        code: Option<String>,
    },
    /// It points elsewhere.
    #[error("{host} points to another address ({status}), and none is followed")]
    Redirected {
        /// Who was asked.
        host: String,
        /// The status.
        status: u16,
    },
    /// Its answer is larger than any answer may be.
    #[error("{host} sent an answer larger than {} KB; it was not read to its end", .most >> 10)]
    TooLarge {
        /// Who was asked.
        host: String,
        /// The limit in bytes.
        most: u64,
    },
    /// It cannot prove who it is.
    #[error("{host} cannot prove that it is {host}: its certificate was not accepted")]
    Impostor {
        /// Who was asked.
        host: String,
    },
    /// The CRM's limit for the day is used up, or as far as this job may go.
    #[error("{}", spent(.host, *.used))]
    Quota {
        /// Who was asked.
        host: String,
        /// Questions asked today by all that use the CRM, the limit, and the part this job may not pass.
        used: Option<(u64, u64, u64)>,
    },
    /// The file of certificates cannot be used.
    #[error("{path} holds no certificates that can be read")]
    Roots {
        /// The file.
        path: String,
    },
    /// The system gives too little to ask with.
    #[error("{host} was not asked: no connection can be prepared: {why}")]
    Unprepared {
        /// Who was to be asked.
        host: String,
        /// What the system said.
        why: String,
    },
}

impl Trouble {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Silent { .. } | Self::Broken { .. } | Self::Failing { .. } => {
                "run again later: what was read so far is kept, and the next run goes on there"
            }
            Self::Later { .. } | Self::Quota { .. } => {
                "run again when the limit is free: what was read so far is kept"
            }
            Self::AtWork { .. } => {
                "set `patience_seconds` in [source.live] higher, or `bulk_from`, so that the table is read in pages; the tables before it are kept, and this one is asked for anew"
            }
            Self::Refused { .. } => "see docs/live-sources.md for the rights this job needs",
            Self::Expired { .. } => "renew the credentials that `[source.live]` names",
            Self::Redirected { .. } => {
                "give `host` the address that the CRM itself uses, without a path"
            }
            Self::TooLarge { .. } => {
                "no CRM sends so much at once; ask who answers at this address"
            }
            Self::Impostor { .. } => {
                "check `host`; where a company's own authority signs, name its certificates with `roots`"
            }
            Self::Roots { .. } => "name a PEM file with at least one certificate",
            Self::Unprepared { .. } => {
                "raise the limits of threads and of open files of whoever runs the program (`ulimit -u`, `ulimit -n`; in a systemd unit `TasksMax=`, `LimitNOFILE=`)"
            }
        }
    }

    /// Whether asking in another way can help: the CRM is there, and it is this answer that is wrong.
    pub fn is_about_the_answer(&self) -> bool {
        match self {
            Self::Broken { .. }
            | Self::Failing { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. } => true,
            Self::Refused { status, .. } => matches!(status, 400 | 404 | 410),
            Self::Silent { .. }
            | Self::Later { .. }
            | Self::AtWork { .. }
            | Self::Expired { .. }
            | Self::Impostor { .. }
            | Self::Quota { .. }
            | Self::Roots { .. }
            | Self::Unprepared { .. } => false,
        }
    }
}

fn named(code: Option<&str>) -> String {
    code.map_or_else(String::new, |code| format!(", {code}"))
}

fn spent(host: &str, used: Option<(u64, u64, u64)>) -> String {
    match used {
        Some((used, limit, most)) => format!(
            "{used} of the {limit} questions that {host} allows a day are used up; this job stops at {most}"
        ),
        None => format!("the questions that {host} allows a day are used up"),
    }
}

/// A length of time for a person.
fn spell(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} seconds"),
        seconds @ 120..=7199 => format!("{} minutes", seconds.div_ceil(60)),
        seconds => format!("{} hours", seconds.div_ceil(3600)),
    }
}

/// An answer, whole.
pub struct Answer {
    status: u16,
    heads: BTreeMap<&'static str, String>,
    /// It may hold more than was asked for.
    body: Buffer,
}

/// The heads of an answer that are kept.
const HEADS: [&str; 8] = [
    "content-type",
    "date",
    "retry-after",
    "sforce-limit-info",
    "sforce-locator",
    "sforce-numberofrecords",
    "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining",
];

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body().len())
    }
}

/// An answer that is not of the shape it should have. Where, never what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not readable at line {line}, column {column}")]
pub struct Unreadable {
    line: usize,
    column: usize,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A head, if it is one of those that are kept.
    pub fn head(&self, name: &str) -> Option<&str> {
        self.heads.get(name).map(String::as_str)
    }

    /// The body, decompressed.
    pub fn body(&self) -> &[u8] {
        self.body.filled()
    }

    /// The body as JSON of a shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Unreadable> {
        self.seeded(PhantomData)
    }

    /// The body as JSON that is put where the seed says.
    pub fn seeded<'a, S: DeserializeSeed<'a>>(&'a self, seed: S) -> Result<S::Value, Unreadable> {
        // A parser steps over texts it does not keep; a text that is none spoils the answer all the same.
        let text =
            std::str::from_utf8(self.body()).map_err(|error| self.place(error.valid_up_to()))?;
        let mut parser = serde_json::Deserializer::from_str(text);
        let parsed = seed.deserialize(&mut parser);
        parsed
            .and_then(|value| parser.end().map(|()| value))
            .map_err(|error| Unreadable { line: error.line(), column: error.column() })
    }

    /// The line and column of a byte of the body, each from 1.
    fn place(&self, at: usize) -> Unreadable {
        let front = self.body().get(..at).unwrap_or_default();
        let lines = front.split(|byte| *byte == b'\n');
        let column = lines.clone().next_back().map_or(0, <[u8]>::len) + 1;
        Unreadable { line: lines.count(), column }
    }

    /// Whether it says that it is JSON and looks like it.
    pub fn is_json(&self) -> bool {
        let first = self.body().iter().find(|byte| !byte.is_ascii_whitespace());
        self.head("content-type").is_some_and(|kind| kind.contains("json"))
            && first.is_some_and(|first| matches!(first, b'{' | b'['))
    }

    /// Whether it says that it is CSV.
    pub fn is_csv(&self) -> bool {
        self.head("content-type").is_some_and(|kind| kind.contains("csv"))
    }

    /// The CRM's own name for what is wrong, where it is a name: anything else may quote a value.
    pub fn code(&self) -> Option<String> {
        /// The names under which CRMs give it.
        #[derive(Deserialize)]
        struct Fault {
            #[serde(alias = "errorCode", alias = "error", alias = "category", alias = "name")]
            code: Option<String>,
        }
        let one = || self.json::<Fault>().ok()?.code;
        let first = || self.json::<Vec<Fault>>().ok()?.into_iter().next()?.code;
        let code = if self.body().starts_with(b"[") { first() } else { one() }?;
        let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.');
        (code.len() <= 80 && code.chars().all(plain)).then_some(code)
    }

    /// The server's clock.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        http_date(self.head("date")?)
    }

    /// How long the server asks to wait, whether it names seconds or an instant of its own clock.
    fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let said = self.head("retry-after")?.trim();
        if let Ok(seconds) = said.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let until = http_date(said)? - self.date().unwrap_or(now);
        Some(until.to_std().unwrap_or_default())
    }

    /// How many of the day's questions are used up, and how many there are.
    fn usage(&self) -> Option<(u64, u64)> {
        if let Some(said) = self.head("sforce-limit-info") {
            let figures =
                said.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
            let (used, limit) = figures.split_once('/')?;
            return Some((used.trim().parse().ok()?, limit.trim().parse().ok()?));
        }
        let limit: u64 = self.head("x-hubspot-ratelimit-daily")?.parse().ok()?;
        let left: u64 = self.head("x-hubspot-ratelimit-daily-remaining")?.parse().ok()?;
        Some((limit.saturating_sub(left), limit))
    }
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

/// How often a question is asked before it is given up.
const TRIES: u32 = 5;
/// How often one is asked that is not answered in time: each try takes long.
const SLOW_TRIES: u32 = 3;
/// The wait before the second try; it doubles from try to try, and is cut at random.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause is longer, unless the CRM asks for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// No answer is larger, decompressed. A page of a bulk result is asked for in pieces well below it.
const LARGEST: u64 = 64 << 20;
/// So much of an answer is read at a time, or more.
const ROOM: usize = 16 << 10;
/// The heads of an answer together are not larger.
const LARGEST_HEAD: usize = 64 << 10;

/// A conversation with one host.
pub struct Door {
    client: Client,
    host: Host,
    manners: Manners,
    token: Option<Secret>,
    usage: Option<(u64, u64)>,
    date: Option<DateTime<Utc>>,
    asked: u64,
    recent: BTreeMap<&'static str, VecDeque<Instant>>,
    waited: Duration,
    chance: u64,
    opened: (DateTime<Utc>, Instant),
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({}, {} questions)", self.host.name, self.asked)
    }
}

impl Door {
    /// A door to a host. Nothing is asked yet.
    pub fn open(host: &Host, manners: &Manners, now: DateTime<Utc>) -> Result<Self, Trouble> {
        let roots = match &manners.roots {
            None => public_roots(),
            Some(path) => certificates(path)?,
        };
        let accept = HeaderValue::from_static("application/json, text/csv");
        // Another client of this process may have chosen already: then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .https_only(host.base.starts_with("https"))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent(concat!("crm-review/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(ACCEPT, accept)]))
            .connect_timeout(manners.silence)
            .timeout(manners.silence)
            .tls_certs_only(roots)
            .dns_resolver(Arc::new(Lookup))
            .build()
            .map_err(|error| match caused_by::<io::Error>(&error) {
                Some(why) => Trouble::Unprepared { host: host.name.clone(), why: why.to_string() },
                None => no_roots(manners.roots.as_deref()),
            })?;
        // Different hosts are not asked again at the same instants; the same host always is.
        let chance = host.name.bytes().fold(0x9E37_79B9_7F4A_7C15, |sum: u64, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Ok(Self {
            client,
            host: host.clone(),
            manners: manners.clone(),
            token: None,
            usage: None,
            date: None,
            asked: 0,
            recent: BTreeMap::new(),
            waited: Duration::ZERO,
            chance,
            opened: (now, Instant::now()),
        })
    }

    /// Who is asked.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The token that is shown from now on.
    pub fn show(&mut self, token: Secret) {
        self.token = Some(token);
    }

    /// How many of the day's questions are used up and how many there are, as far as the CRM said.
    pub fn usage(&self) -> Option<(u64, u64)> {
        self.usage
    }

    /// The present instant by the CRM's clock, as of its last answer.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        self.date
    }

    /// How many questions were asked.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The present instant, by the clock that the door was opened by.
    pub fn now(&self) -> DateTime<Utc> {
        let (at, since) = self.opened;
        chrono::Duration::from_std(since.elapsed()).map_or(at, |passed| at + passed)
    }

    /// Asks a question until it is answered, or it is clear that it will not be.
    pub fn ask(&mut self, call: Call<'_>) -> Result<Answer, Trouble> {
        let wire = call.wire();
        // How often it was asked, and how often of these the CRM was only busy.
        let (mut tries, mut busy) = (0, 0);
        loop {
            self.keep_within_quota()?;
            self.keep_pace(call.pace());
            tries += 1;
            self.asked += 1;
            let (pause, last) = match self.send(&wire) {
                Ok(answer) => {
                    self.usage = answer.usage().or(self.usage);
                    self.date = answer.date().or(self.date);
                    if (300..400).contains(&answer.status) {
                        return Err(Trouble::Redirected {
                            host: self.host.name.clone(),
                            status: answer.status,
                        });
                    }
                    match self.heed(call, answer, tries)? {
                        Heard::Answer(answer) => return Ok(answer),
                        Heard::Again(pause, last) => (pause, last),
                        Heard::Later(pause, last) => {
                            busy += 1;
                            // A CRM that says "at once" again and again is not asked at once.
                            (pause.map(|pause| pause.max(FIRST_PAUSE)), last)
                        }
                    }
                }
                Err(Lost::Final(trouble)) => return Err(trouble),
                Err(Lost::Late) if tries - busy >= SLOW_TRIES => {
                    return Err(self.silent(tries, LATE));
                }
                Err(Lost::Late) => (None, self.silent(tries, LATE)),
                Err(Lost::Unheard(why)) => (None, self.silent(tries, why)),
                Err(Lost::Broken(why)) => {
                    (None, Trouble::Broken { host: self.host.name.clone(), tries, why })
                }
            };
            if tries - busy >= TRIES {
                return Err(last);
            }
            let named = pause;
            let pause = named.unwrap_or_else(|| self.pause(tries));
            if self.waited + pause > self.manners.patience {
                return Err(match (last, named) {
                    (Trouble::Failing { host, status, .. }, Some(after)) => {
                        Trouble::Later { host, after, status }
                    }
                    (last, _) => last,
                });
            }
            self.waited += pause;
            sleep(pause);
        }
    }

    /// Waits for something that the CRM is at work on, if this job has the patience.
    pub fn wait(&mut self, pause: Duration) -> Result<(), Trouble> {
        if self.waited + pause > self.manners.patience {
            let host = self.host.name.clone();
            return Err(Trouble::AtWork { host, patience: self.manners.patience });
        }
        self.waited += pause;
        sleep(pause);
        Ok(())
    }

    /// What follows from an answer.
    fn heed(&self, call: Call<'_>, answer: Answer, tries: u32) -> Result<Heard, Trouble> {
        let host = || self.host.name.clone();
        let status = answer.status;
        // Looking for it reads an answer to its end, which a good one is not read for.
        let code = || answer.code();
        let named = |after: Option<Duration>| after.or_else(|| answer.retry_after(self.now()));
        let failing = || Trouble::Failing { host: host(), status, tries, code: code() };
        match call.judge(&answer) {
            Verdict::Good => Ok(Heard::Answer(answer)),
            Verdict::Again(after) => Ok(Heard::Again(named(after), failing())),
            Verdict::Later(after) => Ok(Heard::Later(named(after), failing())),
            Verdict::Expired => Err(Trouble::Expired { host: host(), code: code() }),
            Verdict::Spent => Err(Trouble::Quota { host: host(), used: None }),
            Verdict::Refused => Err(Trouble::Refused { host: host(), status, code: code() }),
        }
    }

    /// Stops before this job takes more of the day's questions than it may.
    fn keep_within_quota(&self) -> Result<(), Trouble> {
        let Some((used, limit)) = self.usage else { return Ok(()) };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a day's limit is far below 2^52, and the share is between 0 and 1"
        )]
        let most = (limit as f64 * self.manners.quota_share) as u64;
        if limit > 0 && used >= most {
            let used = Some((used, limit, most));
            return Err(Trouble::Quota { host: self.host.name.clone(), used });
        }
        Ok(())
    }

    /// Waits until another question of this kind may be asked.
    fn keep_pace(&mut self, pace: Pace) {
        let recent = self.recent.entry(pace.lane).or_default();
        while recent.len() >= pace.most.max(1) {
            if let Some(first) = recent.pop_front() {
                sleep(pace.within.saturating_sub(first.elapsed()));
            }
        }
        recent.push_back(Instant::now());
    }

    /// How long to wait before the next try: longer from try to try, and never twice the same, so that
    /// many who were sent away do not all come back at once.
    fn pause(&mut self, tries: u32) -> Duration {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let full =
            FIRST_PAUSE.saturating_mul(1 << tries.min(10).saturating_sub(1)).min(LONGEST_PAUSE);
        let half = full / 2;
        let part = u32::try_from(self.chance >> 33).unwrap_or_default() % 1024;
        half + half * part / 1024
    }

    /// One request and its answer.
    fn send(&self, wire: &Wire) -> Result<Answer, Lost> {
        let address = format!("{}{}", self.host.base, wire.target());
        let token = self.token.as_ref().filter(|_| wire.signed);
        let lost = |error: reqwest::Error| self.lost(&error);
        let request = match &wire.verb {
            Verb::Get => self.client.get(&address),
            Verb::Post(body) => {
                let bytes = body.bytes().reveal().as_bytes().to_vec();
                let request = self.client.post(&address);
                request.header(CONTENT_TYPE, body.content_type()).body(bytes)
            }
        };
        let request = match &wire.head {
            Some((name, value)) => request.header(*name, value),
            None => request,
        };
        let mut response = signed(request, token).send().map_err(lost)?;
        let size = |head: (&HeaderName, &HeaderValue)| head.0.as_str().len() + head.1.len();
        if response.headers().iter().map(size).sum::<usize>() > LARGEST_HEAD {
            return Err(self.too_large(LARGEST_HEAD as u64));
        }
        let begun = Instant::now();
        let heads = HEADS.into_iter().filter_map(|name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some((name, value.to_owned()))
        });
        let (status, heads) = (response.status().as_u16(), heads.collect());
        let mut answer = Answer { status, heads, body: Buffer::default() };
        let mut body = response.by_ref().take(LARGEST + 1);
        loop {
            // The client's own limit is on each piece; an answer that drips has to end as well.
            if begun.elapsed() > self.manners.silence {
                return Err(Lost::Late);
            }
            match body.read(answer.body.spare(ROOM)) {
                Ok(0) => break,
                Ok(read) => answer.body.advance(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cut(&error)),
            }
        }
        if answer.body().len() as u64 > LARGEST {
            return Err(self.too_large(LARGEST));
        }
        Ok(answer)
    }

    fn silent(&self, tries: u32, why: &'static str) -> Trouble {
        Trouble::Silent { host: self.host.name.clone(), tries, why }
    }

    fn too_large(&self, most: u64) -> Lost {
        Lost::Final(Trouble::TooLarge { host: self.host.name.clone(), most })
    }

    /// What became of an answer that ended before its end.
    fn cut(&self, error: &io::Error) -> Lost {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        match inner.map_or(Lost::Unheard(BROKE_OFF), |inner| self.lost(inner)) {
            Lost::Unheard(why) => Lost::Broken(why),
            lost @ (Lost::Late | Lost::Broken(_) | Lost::Final(_)) => lost,
        }
    }

    /// What became of a request that was not answered. The client's own words may quote an address, so
    /// they are looked at and not passed on.
    fn lost(&self, error: &reqwest::Error) -> Lost {
        match caused_by(error) {
            Some(rustls::Error::InvalidCertificate(_)) => {
                return Lost::Final(Trouble::Impostor { host: self.host.name.clone() });
            }
            Some(_) => return Lost::Unheard("no secure connection came about"),
            None => {}
        }
        let mut words = String::new();
        let mut source = error.source();
        while let Some(inner) = source {
            words += &inner.to_string();
            source = inner.source();
        }
        let says = |of: &[&str]| of.iter().any(|of| words.contains(of));
        if error.is_timeout() || says(&["timed out"]) {
            Lost::Late
        } else if says(&["head is too large", "too many headers"]) {
            self.too_large(LARGEST_HEAD as u64)
        } else if says(&["dns error", "lookup address"]) {
            Lost::Unheard("its name is not known")
        } else if error.is_connect() {
            Lost::Unheard("no connection came about")
        } else if says(&["gzip", "deflate", "crc", "decompress"]) {
            Lost::Unheard("the answer cannot be decompressed")
        } else if error.is_decode() || says(&["invalid HTTP", "message", "parsed"]) {
            Lost::Unheard("the answer is not HTTP, or it broke off")
        } else {
            Lost::Unheard(BROKE_OFF)
        }
    }
}

/// The cause of this kind behind an error, if there is one.
fn caused_by<'e, E: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(cause) = error.downcast_ref() {
            return Some(cause);
        }
        // An error of input holds another one that it does not give as its source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Asks the system for the addresses of a host, on a thread of its own: a question that nobody answers must not
/// hold up the client. Where there is no thread for it, it has to; the client's own way would panic there.
struct Lookup;

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let look_up = |name: &Name| (name.as_str(), 0).to_socket_addrs();
        let name = Arc::new(name);
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let asked = Arc::clone(&name);
            let asking = thread::Builder::new().spawn(move || {
                // Nobody listens once it took too long.
                let _ = tell.send(look_up(&asked));
            });
            let found = if asking.is_ok() { told.await? } else { look_up(&name) };
            Ok(Box::new(found?) as Addrs)
        })
    }
}

/// A request that shows a token, if it has one to show.
fn signed(request: RequestBuilder, token: Option<&Secret>) -> RequestBuilder {
    let Some(token) = token else { return request };
    let bearer = Secret::new(format!("Bearer {}", token.reveal()));
    match HeaderValue::from_str(bearer.reveal()) {
        Ok(mut value) => {
            value.set_sensitive(true);
            request.header(AUTHORIZATION, value)
        }
        // A token that no head can hold is no token of any CRM: the CRM says so.
        Err(_) => request,
    }
}

/// That an answer did not begin or end in time.
const LATE: &str = "no whole answer came in time";

/// That a connection ended before an answer did.
const BROKE_OFF: &str = "the connection broke off";

/// What a request came to that was not answered.
enum Lost {
    /// No whole answer came in time: it may when it is sent again.
    Late,
    /// Nothing of an answer came: it may when it is sent again.
    Unheard(&'static str),
    /// An answer began, and is not whole: it may be when it is sent again, or asked for in another way.
    Broken(&'static str),
    /// It will not be answered.
    Final(Trouble),
}

/// What came of an answer.
enum Heard {
    Answer(Answer),
    /// To be asked again, after so long; what it came to if it is not.
    Again(Option<Duration>, Trouble),
    /// Likewise, and the CRM was only busy.
    Later(Option<Duration>, Trouble),
}

/// The authorities that browsers trust.
fn public_roots() -> Vec<Certificate> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    roots.filter_map(|root| Certificate::from_der(root).ok()).collect()
}

/// The certificates of a PEM file.
fn certificates(path: &std::path::Path) -> Result<Vec<Certificate>, Trouble> {
    let roots = || no_roots(Some(path));
    let text = std::fs::read(path).map_err(|_| roots())?;
    let found = Certificate::from_pem_bundle(&text).map_err(|_| roots())?;
    if found.is_empty() { Err(roots()) } else { Ok(found) }
}

fn no_roots(path: Option<&std::path::Path>) -> Trouble {
    let path = path.map_or("the program's own list".to_owned(), |path| path.display().to_string());
    Trouble::Roots { path }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::source::salesforce::{Question, Table, Version};

    /// A server that gives these answers, one a connection, and then the requests it had.
    fn serve(answers: Vec<Vec<u8>>) -> (Host, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Host::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let served = thread::spawn(move || {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request: Vec<String> =
                    lines.by_ref().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
                requests.push(request.join("\n"));
                let _ = stream.write_all(&answer);
            }
            requests
        });
        (host, served)
    }

    fn answer(status: &str, heads: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {length}\r\n{heads}\r\n{body}"
        )
        .into_bytes()
    }

    fn ask(answers: Vec<Vec<u8>>) -> (Result<Answer, Trouble>, Vec<String>) {
        let (host, served) = serve(answers);
        let manners = Manners { silence: Duration::from_secs(20), ..Manners::default() };
        let mut door = Door::open(&host, &manners, DateTime::default()).unwrap();
        door.show(Secret::new("T0KEN".to_owned()));
        assert!(!format!("{door:?}").contains("T0KEN"));
        let version = Version::parse("67.0").unwrap();
        let result = door.ask(Call::Salesforce(&Question::Describe(version, Table::Lead.into())));
        drop(door);
        (result, served.join().unwrap())
    }

    const OK: &str = "200 OK";

    #[test]
    fn what_is_lost_on_the_way_is_asked_again() {
        let whole = answer(OK, "", "{\"a\":1}");
        let cut = whole[..whole.len() - 3].to_vec();
        let busy = answer("503 Busy", "retry-after: 0\r\n", "");
        let login = answer(OK, "", "<html>");
        let (result, requests) = ask(vec![cut, busy, login, whole]);
        assert_eq!(result.unwrap().body(), b"{\"a\":1}");
        assert_eq!(requests.len(), 4);
        assert!(requests.iter().all(|request| {
            request.starts_with("GET /services/data/v67.0/sobjects/Lead/describe HTTP/1.1")
                && request.contains("Bearer T0KEN")
        }));
    }

    #[test]
    fn a_busy_crm_is_asked_for_as_long_as_this_job_has_patience() {
        let busy = |status| answer(status, "retry-after: 0\r\n", "");
        let cut = answer(OK, "", "{}")[..40].to_vec();
        let mut answers = vec![busy("503 Busy"), busy("429 Later"), cut.clone(), cut];
        answers.extend((0..4).map(|_| busy("429 Later")));
        answers.push(answer(OK, "", "{\"a\":1}"));
        let (result, requests) = ask(answers);
        assert_eq!(result.unwrap().body(), b"{\"a\":1}");
        assert_eq!(requests.len(), 9);

        let (host, served) = serve(vec![answer("503 Busy", "", ""); 2]);
        let manners = Manners { patience: Duration::from_millis(700), ..Manners::default() };
        let mut door = Door::open(&host, &manners, DateTime::default()).unwrap();
        let said = door.ask(Call::Salesforce(&Question::Versions)).unwrap_err().to_string();
        assert!(said.contains("answered 503 in 2 tries"), "{said}");
        served.join().unwrap();
    }

    #[test]
    fn what_is_final_is_not_asked_again() {
        let check = |one: Vec<u8>, expect: &str| {
            let said = ask(vec![one]).0.unwrap_err();
            assert!(said.to_string().contains(expect), "{said}");
            assert!(
                !said.to_string().contains("CANARY") && !format!("{said:?}").contains("CANARY")
            );
        };
        let elsewhere = "location: https://127.0.0.1:1/CANARY\r\n";
        check(answer("302 Found", elsewhere, ""), "points to another address (302)");
        let fault = r#"[{"errorCode":"INVALID_FIELD","message":"CANARY"}]"#;
        check(answer("400 Bad", "", fault), "refused: 400, INVALID_FIELD");
        let odd = r#"[{"errorCode":"CANARY 4111 1111"}]"#;
        check(answer("403 No", "", odd), "refused: 403");
        check(answer("401 No", "", fault), "does not accept the login");
        check(answer("429 Later", "retry-after: 86400\r\n", ""), "come back in 24 hours");
        let spent = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        check(answer("403 No", "", spent), "are used up");
        let large = format!("x-a: {}\r\n", "a".repeat(1 << 20));
        check(answer(OK, &large, "{}"), "larger than");
    }

    #[test]
    fn the_customers_day_is_not_used_up() {
        let (host, served) =
            serve(vec![answer(OK, "sforce-limit-info: api-usage=12001/15000\r\n", "{}")]);
        let mut door = Door::open(&host, &Manners::default(), DateTime::default()).unwrap();
        let fields = Question::Describe(Version::parse("67.0").unwrap(), Table::Lead.into());
        door.ask(Call::Salesforce(&fields)).unwrap();
        served.join().unwrap();
        let said = door.ask(Call::Salesforce(&fields)).unwrap_err().to_string();
        assert!(said.contains("12001 of the 15000") && said.contains("stops at 12000"), "{said}");
    }

    #[test]
    fn a_host_that_does_not_encrypt_is_not_called_an_impostor() {
        let (plain, served) = serve(vec![answer("400 Bad", "", "")]);
        let host = Host::parse(&format!("https://{}", plain.name())).unwrap();
        let manners = Manners { patience: Duration::ZERO, ..Manners::default() };
        let mut door = Door::open(&host, &manners, DateTime::default()).unwrap();
        let versions = Question::Versions;
        let said = door.ask(Call::Salesforce(&versions)).unwrap_err().to_string();
        assert!(said.contains("no secure connection came about"), "{said}");
        served.join().unwrap();
    }

    #[test]
    fn an_answer_that_never_ends_is_given_up() {
        let mut endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
        endless.resize(usize::try_from(LARGEST).unwrap() + (1 << 20), b' ');
        assert!(matches!(ask(vec![endless]).0, Err(Trouble::TooLarge { .. })));
    }

    #[test]
    fn hosts_are_names_asked_by_https() {
        let check = |text: &str, expect: Option<&str>| {
            let host = Host::parse(text).ok().map(|host| host.base);
            assert_eq!(host.as_deref(), expect, "{text}");
        };
        check("Acme.my.salesforce.com", Some("https://acme.my.salesforce.com"));
        check("https://crm.acme.example:8443/", Some("https://crm.acme.example:8443"));
        check("http://127.0.0.1:8069", Some("http://127.0.0.1:8069"));
        check("http://[::1]:8069", Some("http://[::1]:8069"));
        check("http://localhost", Some("http://localhost"));
        check("http://acme.my.salesforce.com", None);
        check("http://127.0.0.1.evil.example", None);
        check("https://acme.example/path", None);
        check("https://user@acme.example", None);
        check("acme.example:99999", None);
        check("", None);
    }

    #[test]
    fn a_text_that_is_none_is_told_by_its_place() {
        let mut body = Buffer::default();
        body.push(b"{\"a\": 1,\n \"b\": \"\xff\"}");
        let answer = Answer { status: 200, heads: BTreeMap::new(), body };
        let said = answer.json::<serde_json::Value>().unwrap_err().to_string();
        assert_eq!(said, "not readable at line 2, column 8");
    }

    #[test]
    fn waits_that_the_server_names_are_kept() {
        let with = |heads: &[(&'static str, &str)]| Answer {
            status: 429,
            heads: heads.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            body: Buffer::default(),
        };
        let date = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        let check = |heads: &[(&'static str, &str)], expect: Option<u64>| {
            let waits = with(heads).retry_after(DateTime::default());
            assert_eq!(waits, expect.map(Duration::from_secs));
        };
        check(&[("retry-after", "7")], Some(7));
        check(&[("retry-after", "Sat, 21 Nov 2026 10:00:09 GMT"), date], Some(9));
        check(&[("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT"), date], Some(0));
        check(&[("retry-after", "soon"), date], None);
    }
}
