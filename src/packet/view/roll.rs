//! What the cards have in common, written once: the groups of their records, and which proposals ask for
//! the same. A card points into these lists, and the script sorts and bundles by them. Of the proposals on
//! one record each card names the others.
//!
//! Does not: judge whether proposals may be decided together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::boundary::RecordRef;
use crate::check::{About, By, Family};
use crate::digest;
use crate::finding::FindingId;
use crate::packet::Review;
use crate::packet::escape::{value, words};

use super::Found;

/// The groups of a record, by the word for what they are grouped by.
type Groups = BTreeMap<&'static str, String>;

/// How many other proposals on its records a card names.
const BESIDE: usize = 6;

/// The lists.
#[derive(Debug, Default)]
pub(super) struct Roll<'f> {
    /// Each set of groups that some record is in.
    groups: Vec<Groups>,
    places: BTreeMap<Groups, usize>,
    /// What each bundle asks for.
    asks: Vec<String>,
    bundles: BTreeMap<(&'static str, String), usize>,
    rules: BTreeMap<&'static str, (&'static str, &'static str)>,
    /// A line for each card, in the packet's order.
    index: String,
    cards: usize,
    /// The proposals that ask for a decision.
    open: BTreeSet<FindingId>,
    /// The proposals on each record, in the packet's order.
    on: BTreeMap<&'f RecordRef, Vec<(&'f FindingId, &'static str)>>,
    /// Whether the copy is masked: then a digest of values, which could be guessed, is left out.
    masked: bool,
}

/// What the script knows of a card.
#[derive(Debug)]
pub(super) struct Mark {
    /// The words of its attribute.
    pub(super) words: String,
    /// Owner, team and segment of its record, as far as they are known.
    pub(super) whose: Vec<String>,
    /// The other proposals on its records, and how many more there are than are named.
    pub(super) beside: Vec<Beside>,
    pub(super) more: usize,
}

/// Another proposal on one of a card's records.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Beside {
    id: String,
    code: &'static str,
}

/// The records that a finding is about: of equals each.
fn records<'f>(found: &'f Found<'_>) -> impl Iterator<Item = &'f RecordRef> {
    let equals: &[RecordRef] = match found.check.about {
        About::Equals => &found.finding.related,
        About::OneRecord => &[],
    };
    [&found.finding.record].into_iter().chain(equals)
}

impl<'f> Roll<'f> {
    /// The lists of these findings.
    pub(super) fn of(review: &Review<'_>, found: &'f [Found<'_>]) -> Self {
        let mut roll = Self { masked: review.mask.is_some(), ..Self::default() };
        for one in found {
            for record in records(one) {
                roll.on.entry(record).or_default().push((&one.id, one.check.code));
            }
        }
        let mut asks: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
        for one in found {
            *asks.entry((one.check.code, one.finding.proposal.words())).or_default() += 1;
        }
        for (ask, count) in asks {
            if count > 1 {
                roll.bundles.insert(ask.clone(), roll.asks.len());
                roll.asks.push(words(&ask.1));
            }
        }
        roll
    }

    /// What the script is told of a finding's card: the digest of the evidence, which a decision names;
    /// what may be said; rule, severity, state and weeks; where in the lists its record's groups stand; and
    /// what it asks for where others ask the same.
    pub(super) fn mark(&mut self, found: &Found<'_>) -> Mark {
        let Found { check, finding, standing, groups, .. } = found;
        self.rules.entry(check.code).or_insert((check.name, check.family.key()));
        let same = self.bundles.get(&(check.code, finding.proposal.words())).copied();
        let groups: Groups = groups
            .iter()
            .flat_map(|it| it.iter())
            .map(|(by, name)| (by.word(), value(name)))
            .collect();
        let whose = [By::Owner, By::Team, By::Segment].into_iter().filter_map(|by| {
            let name = groups.get(by.word())?;
            Some(if by == By::Owner { format!("Owner {name}") } else { name.clone() })
        });
        let whose = whose.collect();
        let facts = if self.masked { "-".to_owned() } else { finding.evidence_digest() };
        let words = format!(
            "{facts} {} {} {} {} {} {} {}",
            found.approval().word(),
            check.code,
            check.severity.word(),
            standing.state.word(),
            standing.state.weeks(),
            self.place(groups),
            same.map_or_else(|| "-".to_owned(), |same| same.to_string()),
        );
        self.index += &format!("{} {words}\n", found.id);
        self.cards += 1;
        if !found.is_waiting() {
            self.open.insert(found.id.clone());
        }
        let mut beside: Vec<Beside> = Vec::new();
        for (id, code) in records(found).filter_map(|record| self.on.get(record)).flatten() {
            let is_new = **id != found.id && !beside.iter().any(|other| other.id == id.as_str());
            if is_new {
                beside.push(Beside { id: id.to_string(), code });
            }
        }
        let more = beside.split_off(beside.len().min(BESIDE)).len();
        Mark { words, whose, beside, more }
    }

    fn place(&mut self, groups: Groups) -> usize {
        if let Some(at) = self.places.get(&groups) {
            return *at;
        }
        let at = self.groups.len();
        self.groups.push(groups.clone());
        self.places.insert(groups, at);
        at
    }

    /// The lists for the script.
    pub(super) fn told(self) -> Told {
        Told {
            index: digest::sha256(self.index.as_bytes()),
            cards: self.cards,
            open: self.open.len(),
            groups: self.groups,
            by: By::ALL.map(|by| (by.word(), by.title())).into(),
            // Nothing is decided in a masked copy, and what is asked may quote a value.
            asks: if self.masked { Vec::new() } else { self.asks },
            families: Family::ALL.map(|family| (family.key(), family.title())).into(),
            rules: self.rules,
        }
    }
}

/// The lists as the script reads them.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// The digest of what the cards say to the script, by which it knows a damaged copy.
    index: String,
    /// How many cards there are, and how many proposals of theirs ask for a decision: known before they are
    /// read.
    cards: usize,
    open: usize,
    groups: Vec<Groups>,
    /// What records are grouped by, and how a person calls it.
    by: Vec<(&'static str, &'static str)>,
    asks: Vec<String>,
    families: BTreeMap<&'static str, &'static str>,
    /// Name and family of each rule.
    rules: BTreeMap<&'static str, (&'static str, &'static str)>,
}
