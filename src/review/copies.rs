//! What stands beside the packet: its parts, one for each owner or team, and a masked copy.
//!
//! They are made with the run, while the records are at hand: exports may be deleted after it, and a part
//! that is shared each week should not wait for somebody to ask for it.
//! Does not: decide what a part holds; that is the packet's.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use crate::boundary::{Batch, Cell, Field, Kind, Object, RecordRef, Row, Shown};
use crate::check;
use crate::config::{Config, MaskKey};
use crate::digest;
use crate::finding::{Changed, Evidence, Finding};
use crate::packet::{self, Learning, Mask, PacketError, Pattern, Proposals, Review, RuleChange};

use super::judged::Judged;
use super::{counted, history};

/// What stands beside a packet.
#[derive(Default)]
pub(super) struct Copies {
    /// The files, by their names.
    pub(super) files: Vec<(String, String)>,
    /// The digest of the page of each part, by that of its proposals.
    pub(super) parts: BTreeMap<String, String>,
}

/// Makes what stands beside the packet.
pub(super) fn copies(
    config: &Config,
    judged: &Judged,
    review: &Review<'_>,
    proposals: &Proposals<'_>,
    threads: NonZeroUsize,
) -> Result<Copies, PacketError> {
    let Copies { mut files, mut parts } = Copies::default();
    if let Some(by) = config.copies.slices {
        let mut taken = BTreeSet::new();
        for (slice, proposals) in Proposals::parts(review, by)? {
            let stem = free(&taken, slice.stem());
            taken.insert(stem.clone());
            let page = format!("{stem}.html");
            // Rates, patterns and what other rules find are of the whole: in a part they would tell of others.
            let part = Review {
                slice: Some(slice),
                file: &page,
                patterns: &[],
                rule_change: None,
                weeks: &[],
                ..review.clone()
            };
            files.push((format!("{stem}.txt"), packet::summary(&part, &proposals)));
            let html = packet::render(&part, &proposals, threads)?;
            parts.insert(proposals.digest().to_owned(), digest::sha256(html.as_bytes()));
            files.push((page, html));
        }
    }
    if let Some(key) = &config.copies.mask_key {
        let mask = mask(config, judged, key);
        let rule_change = review.rule_change.map(unquoted);
        // What a group has in common stands amid words of the program's own.
        let covered =
            |it: &Pattern| Pattern { value: mask.value(&it.value).to_owned(), ..it.clone() };
        let patterns: Vec<Pattern> = review.patterns.iter().map(covered).collect();
        let masked = Review {
            mask: Some(&mask),
            file: "masked.html",
            // It may name somebody whom nothing else names.
            event: review.event.map(|_| "An event, not quoted in a masked copy"),
            rule_change: rule_change.as_ref(),
            patterns: &patterns,
            ..review.clone()
        };
        files.push(("masked.html".to_owned(), packet::render(&masked, proposals, threads)?));
    }
    Ok(Copies { files, parts })
}

/// What is different in the rules, without their text: they may name somebody whom nothing names any more.
fn unquoted(change: &RuleChange) -> RuleChange {
    let mut change = change.clone();
    for (_, edits) in &mut change.edits {
        let lines = counted(edits.len(), "difference");
        *edits = vec![format!("{lines}, not quoted in a masked copy")];
    }
    change
}

/// A name that is not taken: this one, or this one with the first number that makes it new.
fn free(taken: &BTreeSet<String>, name: String) -> String {
    let numbered = (2..).map(|n: u32| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or(name)
}

/// A mask that covers what the records of the findings, and everybody who can own or decide, are called
/// and where they are reached.
fn mask(config: &Config, judged: &Judged, key: &MaskKey) -> Mask {
    let mut mask = Mask::new(key.phrase());
    let people = config.gate.deciders().into_iter().chain(config.gate.backup());
    for name in people.chain(config.policies.names()) {
        mask.everywhere().learn("name", name);
    }
    for object in [Object::User, Object::Queue] {
        for row in judged.pulled.get(object).into_iter().flat_map(Batch::rows) {
            learn(&mut mask.everywhere(), config, judged, row);
        }
    }
    for (check, finding) in history::found(&judged.reports) {
        let id = finding.id(check.code);
        for evidence in finding.evidence() {
            if let Evidence::Changed(change) = evidence {
                learn_change(&mut mask.of(&id), config, judged, change);
            }
            for cell in cells(evidence) {
                learn_cell(&mut mask.of(&id), config, judged, cell);
            }
            if let Evidence::Normalised { from, to: Shown::Value(to) | Shown::Masked(to), .. } =
                evidence
                && let Some(word) = config
                    .boundary
                    .allowed(from.record().object, from.field())
                    .and_then(|field| covered(&field))
            {
                mask.of(&id).learn(word, to);
            }
        }
        for record in named(finding) {
            let batch = judged.pulled.get(record.object);
            let Some(row) = batch.and_then(|batch| batch.find(&record.id)) else { continue };
            learn_people(&mut mask.everywhere(), config, judged, row);
            learn(&mut mask.of(&id), config, judged, row);
            if let Some(name) = check::called(&config.boundary, &judged.pulled, row) {
                mask.of(&id).learn("name", &name);
            }
        }
    }
    mask
}

/// The values that an evidence quotes of records. The rows of the history are none: see [`learn_change`].
fn cells(evidence: &Evidence) -> Vec<&Cell> {
    if let Evidence::Changed(_) = evidence { Vec::new() } else { evidence.cells() }
}

/// Covers a value that is quoted of a table whose rows are not found by an id: several answers to campaigns
/// are of one person.
fn learn_cell(mask: &mut Learning<'_>, config: &Config, judged: &Judged, cell: &Cell) {
    if let Shown::Value(text) | Shown::Masked(text) = cell.shown()
        && let Some(field) = config.boundary.allowed(cell.record().object, cell.field())
        && let Some(word) = covered(&field).or_else(|| whom(judged, &field, text))
    {
        mask.learn(word, text);
    }
}

/// Every record that a finding names.
fn named(finding: &Finding) -> BTreeSet<&RecordRef> {
    let mut records: BTreeSet<&RecordRef> =
        finding.related.iter().chain([&finding.record]).collect();
    for evidence in finding.evidence() {
        records.extend(cells(evidence).into_iter().map(Cell::record));
        if let Evidence::Likeness(likeness) = evidence {
            records.extend(&likeness.pair);
        }
    }
    records
}

/// Covers whom a record names as its owner, and mail addresses: what is said of several records may name
/// them, and no word of the program's own is one.
fn learn_people(mask: &mut Learning<'_>, config: &Config, judged: &Judged, row: Row<'_>) {
    for field in config.boundary.fields(row.object()) {
        let Some(text) = row.written(field) else { continue };
        let Some(word) = covered(field).or_else(|| whom(judged, field, &text)) else { continue };
        if field.name() == "owner" || text.contains('@') {
            mask.learn(word, &text);
            if let Some(name) = check::without_mark(&text) {
                mask.learn(word, name);
            }
        }
    }
}

/// Covers what a record says of names and addresses, as it is written and as it is shown.
fn learn(mask: &mut Learning<'_>, config: &Config, judged: &Judged, row: Row<'_>) {
    let mut full = BTreeMap::new();
    for field in config.boundary.fields(row.object()) {
        let Some(text) = row.written(field) else { continue };
        let Some(word) = covered(field).or_else(|| whom(judged, field, &text)) else { continue };
        if let Shown::Value(shown) | Shown::Masked(shown) = row.cell(field).shown() {
            mask.learn(word, shown);
        }
        if let Kind::Email = field.kind() {
            for address in check::addresses(&text) {
                mask.learn(word, address.trim());
                if let Some((_, domain)) = address.rsplit_once('@') {
                    mask.learn("site", domain.trim());
                }
            }
        }
        if let Kind::Web = field.kind() {
            let host = text.trim().trim_start_matches("https://").trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or_default();
            mask.learn(word, host);
            mask.learn(word, host.trim_start_matches("www."));
        }
        mask.learn(word, &text);
        if let Some(name) = check::without_mark(&text) {
            mask.learn(word, name);
        }
        full.insert(field.name().to_owned(), text);
    }
    // Sentences call a person by both names.
    if let (Some(first), Some(last)) = (full.get("first_name"), full.get("last_name")) {
        mask.learn("name", &format!("{} {}", first.trim(), last.trim()));
    }
}

/// Covers what a change says of people: who made it, and the values of a field that names somebody.
fn learn_change(mask: &mut Learning<'_>, config: &Config, judged: &Judged, change: &Changed) {
    let Changed { field, old, new, at: _, instant: _, by } = change;
    let is_called = |of: &&Field| {
        let Shown::Value(field) = field.shown() else { return false };
        let mut names = [of.name()].into_iter().chain(of.from().iter().map(String::as_str));
        names.any(|name| name.eq_ignore_ascii_case(field.trim()))
    };
    let fields = Object::ALL.into_iter().flat_map(|object| config.boundary.fields(object));
    let changed: Vec<&Field> = fields.filter(is_called).collect();
    let maker = config.boundary.allowed(Object::FieldHistory, "by");
    let values = old.iter().chain(new).flat_map(|cell| changed.iter().map(move |of| (cell, *of)));
    for (cell, field) in values.chain(by.iter().zip(&maker)) {
        if let Shown::Value(text) | Shown::Masked(text) = cell.shown()
            && let Some(word) = covered(field).or_else(|| whom(judged, field, text))
        {
            mask.learn(word, text);
        }
    }
}

/// The word for what an id says beside itself: some CRMs name people there by their mail address or name.
fn whom(judged: &Judged, field: &Field, text: &str) -> Option<&'static str> {
    let Kind::Id = field.kind() else { return None };
    if text.contains('@') {
        return Some("mail");
    }
    let knows = |batch: &Batch| batch.find(text).is_some();
    let is_id = [Object::User, Object::Queue]
        .into_iter()
        .any(|object| judged.pulled.get(object).is_some_and(knows));
    (field.name() == "owner" && !is_id).then_some("name")
}

/// The word for what a field holds, where that is a name or an address.
fn covered(field: &Field) -> Option<&'static str> {
    match field.kind() {
        Kind::Name => Some("name"),
        Kind::Email => Some("mail"),
        Kind::Phone => Some("phone"),
        Kind::Web => Some("site"),
        Kind::Address => Some("place"),
        Kind::Text => Some("text"),
        Kind::Id | Kind::Picklist | Kind::Date | Kind::Number | Kind::Flag => None,
    }
}
