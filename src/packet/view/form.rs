//! What the packet's script needs to write a decisions file: what the file has to say of the packet, and
//! the lists to choose from.
//!
//! Does not: hold anything of a record but whose work it is.

use chrono::Datelike as _;
use serde::Serialize;

use crate::gate::{Profile, Reason, called};
use crate::packet::escape::words;
use crate::packet::{DECISIONS, Mask, PacketError, Review, Slice};

use super::roll::Told;

/// The form that the script fills.
#[derive(Debug, Serialize)]
pub(super) struct Form {
    schema: &'static str,
    run: String,
    packet_digest: String,
    ledger_head: String,
    deciders: Vec<String>,
    /// Code and words of each.
    reasons: Vec<(&'static str, &'static str)>,
    /// The same of each who can be asked.
    escalate_to: Vec<(String, String)>,
    /// The first day that an answer can be due, and the day that it is if none is named.
    day: String,
    answer_by: String,
    /// Whether an approval needs a ticket, and what is held a second approver.
    operator: bool,
    /// Whether decisions are taken here: a masked copy is for reading.
    decides: bool,
    /// What the name of a decisions file ends in, of a slice.
    slice: Option<String>,
    /// What the bar calls the packet.
    short: String,
    #[serde(flatten)]
    told: Told,
}

impl Form {
    /// The form of a review whose findings have this digest.
    pub(super) fn of(review: &Review<'_>, findings: &str, told: Told) -> Self {
        let answers = &review.answers;
        let asked = answers.escalate_to.iter();
        let texts = |list: &[&str]| list.iter().map(|text| words(text)).collect();
        Self {
            schema: DECISIONS,
            run: words(review.run),
            packet_digest: format!("sha256:{findings}"),
            ledger_head: words(review.ledger_head),
            deciders: texts(&answers.deciders),
            reasons: Reason::ALL.map(|reason| (reason.word(), reason.phrase())).into(),
            escalate_to: asked.map(|to| (words(to), words(&called(to)))).collect(),
            day: review.as_of.day.to_string(),
            answer_by: answers.answer_by.to_string(),
            operator: answers.profile == Profile::Operator,
            decides: review.mask.is_none(),
            slice: review.slice.as_ref().map(Slice::stem),
            short: format!("CRM review, W{}", review.as_of.day.iso_week().week()),
            told,
        }
    }

    /// The form as the text of an attribute.
    pub(super) fn attribute(&self, mask: Option<&Mask>) -> Result<String, PacketError> {
        let mut form = serde_json::to_value(self)?;
        if let Some(mask) = mask {
            mask.cover("script", &mut form);
        }
        Ok(form.to_string())
    }
}
