//! The lifecycle family: the stage of a record contradicts the facts around it.
//!
//! One file per trouble; each reads its own section of `lifecycle.toml` and the shared ladders.
//! Does not: judge an object that has no ladder, or guess what a stage means.

mod contact_ahead;
mod contradicting_dates;
mod customer_without_won_deal;
mod disqualified;
mod lead_at_customer;
mod links;
mod lost_deal_alive;
mod misplaced;
mod opportunity_without_deal;
mod past_close_date;
mod set_in_bulk;
mod skipped_evidence;
mod stage_regression;
mod stuck;
mod won_deal_not_customer;

use chrono::{DateTime, Utc};

use crate::boundary::{Batch, Boundary, Field, Object, Row};
use crate::finding::Evidence;
use crate::policy::{Said, Section};

use super::condition::Conditions;
use super::ladder::{Ladder, Ladders};
use super::settings::{self, days};
use super::{Family, Judgement, World};

pub(super) use contact_ahead::CHECK as CONTACT_AHEAD_OF_COMPANY;
pub(super) use contradicting_dates::CHECK as CONTRADICTING_DATES;
pub(super) use customer_without_won_deal::CHECK as CUSTOMER_WITHOUT_WON_DEAL;
pub(super) use disqualified::CHECK as DISQUALIFIED_BUT_ACTIVE;
pub(super) use lead_at_customer::CHECK as OPEN_LEAD_AT_CUSTOMER;
pub(super) use lost_deal_alive::CHECK as LOST_DEAL_ALIVE;
pub(super) use opportunity_without_deal::CHECK as OPPORTUNITY_WITHOUT_DEAL;
pub(super) use past_close_date::CHECK as PAST_CLOSE_DATE;
pub(super) use set_in_bulk::CHECK as STAGE_SET_IN_BULK;
pub(super) use skipped_evidence::CHECK as SKIPPED_EVIDENCE;
pub(super) use stage_regression::CHECK as STAGE_REGRESSION;
pub(super) use stuck::CHECK as STUCK;
pub(super) use won_deal_not_customer::CHECK as WON_DEAL_NOT_CUSTOMER;

/// The file of the family's rules, below `rules/`.
const FILE: &str = "lifecycle.toml";

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    customer_without_won_deal: customer_without_won_deal::Rule,
    won_deal_not_customer: won_deal_not_customer::Rule,
    lead_at_customer: lead_at_customer::Rule,
    opportunity_without_deal: opportunity_without_deal::Rule,
    stage_regression: stage_regression::Rule,
    skipped_evidence: skipped_evidence::Rule,
    contradicting_dates: contradicting_dates::Rule,
    stuck: stuck::Rule,
    contact_ahead: contact_ahead::Rule,
    disqualified: disqualified::Rule,
    lost_deal_alive: lost_deal_alive::Rule,
    past_close_date: past_close_date::Rule,
    set_in_bulk: set_in_bulk::Rule,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let rules = |name| Settings { section: root.section(name) };
        Self {
            customer_without_won_deal: customer_without_won_deal::Rule::parse(
                &rules("customer-without-won-deal"),
                boundary,
            ),
            won_deal_not_customer: won_deal_not_customer::Rule::parse(&rules(
                "won-deal-not-customer",
            )),
            lead_at_customer: lead_at_customer::Rule::parse(&rules("open-lead-at-customer")),
            opportunity_without_deal: opportunity_without_deal::Rule::parse(
                &rules("opportunity-without-deal"),
                boundary,
            ),
            stage_regression: stage_regression::Rule::parse(&rules("stage-regression")),
            skipped_evidence: skipped_evidence::Rule::parse(
                root,
                &rules("skipped-evidence"),
                ladders,
                boundary,
            ),
            contradicting_dates: contradicting_dates::Rule::parse(
                &rules("contradicting-dates"),
                boundary,
            ),
            stuck: stuck::Rule::parse(&rules("stuck"), ladders, boundary),
            contact_ahead: contact_ahead::Rule::parse(
                &rules("contact-ahead-of-company"),
                ladders,
                boundary,
            ),
            disqualified: disqualified::Rule::parse(&rules("disqualified-but-active"), boundary),
            lost_deal_alive: lost_deal_alive::Rule::parse(&rules("lost-deal-alive"), boundary),
            past_close_date: past_close_date::Rule::parse(&rules("past-close-date")),
            set_in_bulk: set_in_bulk::Rule::parse(root, &rules("stage-set-in-bulk")),
        }
    }
}

/// One check's section of the rules; without a section every setting has its default.
struct Settings<'a> {
    section: Option<Section<'a>>,
}

impl Settings<'_> {
    /// `off = true` leaves the check out.
    fn on(&self) -> bool {
        !settings::is_off(self.section.as_ref())
    }

    fn count(&self, key: &str, default: u32) -> Said<u32> {
        settings::count(self.section.as_ref(), key, default)
    }

    fn number(&self, key: &str, default: f64) -> Said<f64> {
        settings::number(self.section.as_ref(), key, default)
    }

    /// A list that replaces its default where it is written.
    fn texts(&self, key: &str, default: &[&str]) -> Said<Vec<String>> {
        settings::texts(self.section.as_ref(), key, default)
    }

    /// The objects the check looks at, of those it can look at.
    fn objects(&self, default: &[Object], possible: &[Object]) -> Vec<Object> {
        settings::objects_among(self.section.as_ref(), default, possible)
    }

    /// `hold = { deal = { on_hold = "true" } }`.
    fn conditions(&self, key: &str, boundary: &Boundary) -> Conditions {
        Conditions::parse(self.section.as_ref(), key, boundary)
    }
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    settings::quoted(Family::Lifecycle, line, says)
}

/// What a ladder says of a stage, as evidence.
fn on_ladder(ladder: &Ladder, says: impl Into<String>) -> Evidence {
    Evidence::Policy { file: ladder.file.clone(), line: ladder.line, says: says.into() }
}

/// An object that can be judged by its stage: its table and its ladder. Otherwise says why not.
fn staged<'w, 'a>(
    world: &'w World<'a>,
    object: Object,
    judgement: &mut Judgement,
) -> Option<(&'a Batch, &'w Ladder)> {
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input for them");
        return None;
    };
    let Some(ladder) = world.policies.ladders.of(object) else {
        judgement.skip(object, "rules/lifecycle.toml has no ladder for them");
        return None;
    };
    if !batch.has(&ladder.field) {
        judgement.skip(object, &format!("the input has no column for `{}`", ladder.field));
        return None;
    }
    Some((batch, ladder))
}

/// A field's time on a record, where the field is allowed and filled.
fn time(row: Row<'_>, field: Option<&Field>) -> Option<DateTime<Utc>> {
    field.and_then(|field| row.time(field))
}

/// What may be shown of a value, as a word of a sentence.
fn said(row: Row<'_>, field: &Field) -> String {
    row.cell(field).shown().to_string().trim().to_owned()
}

/// `1 deal`, `12 deals`.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Rulebook;
    use super::*;
    use crate::policy::{Document, Log};

    const BOUNDARY: &str = "[contact.fields]\n\
        id = { from = \"Id\", why = \"Names the record.\" }\n\
        lifecycle = { from = \"Stage\", why = \"The stage.\" }\n\
        opted_out = { from = \"Opt Out\", why = \"Consent.\" }\n\
        [account.fields]\n\
        id = { from = \"Id\", why = \"Names the record.\" }\n\
        type = { from = \"Type\", why = \"The stage.\" }\n\
        [deal.fields]\n\
        id = { from = \"Id\", why = \"Names the record.\" }\n\
        type = { from = \"Type\", why = \"Renewal or new.\" }\n";

    /// What is wrong with a `lifecycle.toml`.
    fn problems(text: &str) -> String {
        let log = Log::default();
        let boundary =
            Boundary::parse(&Document::parse("rules/boundary.toml", BOUNDARY, &log), &log);
        let files = BTreeMap::from([("lifecycle.toml".to_owned(), text.to_owned())]);
        let rulebook = Rulebook::parse(&files, &log);
        let policy = {
            let root = rulebook.root(Family::Lifecycle, &log);
            let ladders = Ladders::parse(&root, &boundary);
            Policy::parse(&root, &ladders, &boundary)
        };
        log.finish(policy).map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn the_rules_as_shipped_are_understood() {
        assert_eq!(problems(Family::Lifecycle.shipped()), "");
    }

    #[test]
    fn every_fault_in_the_rules_is_named_with_its_line() {
        let found = problems(
            "[contact]\n\
             field = \"lifecycle\"\n\
             order = [\"Lead\", \"SQL\"]\n\
             [account]\n\
             field = \"type\"\n\
             order = [\"Prospect\", \"Customer\"]\n\
             [contact-ahead-of-company]\n\
             at_least = { SQL = \"Prospekt\", MQL = \"Prospect\", Lead = 3 }\n\
             [disqualified-but-active]\n\
             disqualified = { contact = { opted_out = \"true\" }, deal = { type = \"New\" } }\n\
             [[evidence]]\n\
             object = \"contact\"\n\
             stage = \"SQLs\"\n\
             needs = [\"lifecycle\"]\n\
             [[evidence]]\n\
             object = \"contact\"\n\
             stage = \"SQL\"\n\
             needs = [\"owner\", \"accepted_date\"]\n\
             since = 2026-01-01\n\
             [[evidence]]\n\
             object = \"account\"\n\
             stage = \"Customer\"\n\
             [stage-set-in-bulk]\n\
             records = 1\n\
             [[planned-change]]\n\
             from = 2026-02-10\n\
             until = 2026-02-09\n\
             why = \"New stages\"\n\
             object = \"user\"\n\
             [[planned-change]]\n\
             until = 2026-02-09\n",
        );
        for expected in [
            "lifecycle.toml:8: `Prospekt` is not a stage of accounts\n  hint: did you mean `Prospect`?",
            "lifecycle.toml:8: `MQL` is not a stage of contacts",
            "lifecycle.toml:8: `Lead` asks for no stage",
            "lifecycle.toml:10: `opted_out` does not disqualify: it is consent",
            "lifecycle.toml:10: deals are lost, not disqualified",
            "lifecycle.toml:13: `SQLs` is not a stage of contacts\n  hint: did you mean `SQL`?",
            "lifecycle.toml:18: OWN-02 looks after owners",
            "lifecycle.toml:18: `contact.accepted_date` is not in rules/boundary.toml",
            "lifecycle.toml:19: `contact.stage_changed` is not in rules/boundary.toml",
            "lifecycle.toml:20: `needs` is missing in [evidence]",
            "lifecycle.toml:24: `records` is at least 2\n  hint: so many records of one minute",
            "lifecycle.toml:27: `until` lies before `from`",
            "lifecycle.toml:29: `user` is not a table under review",
            "lifecycle.toml:30: `from` is missing in [[planned-change]]",
            "lifecycle.toml:30: `why` is missing in [planned-change]",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }
}
