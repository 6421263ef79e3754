//! Salesforce as a source: its questions, and what its answers mean.
//!
//! Does not: put a question on the wire, or know what a record is judged by.

mod login;
mod question;

use std::time::Duration;

use super::http::{Answer, Pace, Verdict};

pub use login::{Audience, Login, LoginBy, LoginError};
pub use question::{Column, Id, Locator, Question, Soql, Table, Version, Which};

/// What the config says of an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The version of its API.
    pub version: Version,
    /// How to log in.
    pub login: LoginBy,
}

/// Salesforce counts questions by the day and long ones at the same time; this job asks one at a time.
pub(super) const PACE: Pace = Pace { lane: "salesforce", most: 20, within: Duration::from_secs(1) };

/// What an answer of Salesforce means for the conversation.
pub(super) fn judge(question: &Question, answer: &Answer) -> Verdict {
    let fault = || Fault::of(answer);
    match answer.status() {
        200 if answer.is_json() && !answer.body().trim_ascii_start().starts_with(b"[") => {
            Verdict::Good
        }
        // The list of versions is the one good answer that is a list.
        200 if answer.is_json() && matches!(question, Question::Versions) => Verdict::Good,
        401 => Verdict::Expired,
        400 | 500 if fault() == Fault::Timeout => Verdict::Again(None),
        403 if fault() == Fault::Limit => Verdict::Spent,
        // An error, a login page or nothing, with the status of an answer; and what was seen live
        // without a body, and gone the next moment.
        200 | 406 | 408 | 420 | 429 | 500..=599 => Verdict::Again(None),
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
