//! What other rules would have found: packets judged again under edited rules.
//!
//! Only a packet whose exports are kept can be judged again; the others are said. What was
//! decided on it tells whether a change is for the better: an approved finding that is lost is a loss,
//! a rejected one that is lost is a gain.
//! Does not: write anything, or change a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use crate::boundary::{Outside, RecordRef};
use crate::check::AsOf;
use crate::finding::FindingId;
use crate::gate::Verdict;
use crate::ledger::{self, Chain, Decided, Run};
use crate::packet::{Proposed, visible};

use super::desk::decided_on;
use super::judged::judge;
use super::paper::{self, Bare, Findings, Paper};
use super::tally::Stand;
use super::{Folder, ReviewError, history, manifest};

/// Findings that are listed of each kind.
const LISTED: usize = 20;

/// Judges the kept packets whose exports are in place under the rules of another folder.
pub fn what_if(path: &Path, rules: &Path, threads: NonZeroUsize) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let edited = folder.with_rules(rules)?;
    let (mut config, _) = edited.config()?;
    // Whoever is excluded from the review is so under whatever rules.
    if let Ok((own, _)) = folder.config() {
        config.boundary.exclude(own.boundary.exclusions().clone());
    }
    let named = config.files.clone();
    let chain = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let runs = folder.path.join("runs");
    let mut words = String::new();
    let mut known = manifest::Digests::default();
    for run in ledger::standing(chain.entries()).into_values() {
        let Some(kept) = paper::home(&runs, run).ok().and_then(|home| manifest::kept(&home)) else {
            words += &format!("{}: its packet is not kept\n", run.as_of);
            continue;
        };
        let exports = match kept.exports(&folder.path.join(&config.exports), &mut known) {
            Ok(exports) => exports,
            Err(changed) => {
                words += &format!("{}: {}\n", run.as_of, visible(&changed));
                continue;
            }
        };
        config.files = kept.files(&named);
        let mut files = config.files.0.values().flatten();
        if let Some(later) = files.find(|file| !exports.join(file).is_file()) {
            let later = later.display().to_string();
            let what = "which review.toml names now: it cannot be judged again";
            words += &format!("{}: it was made without {}, {what}\n", run.as_of, visible(&later));
            continue;
        }
        let paper = Paper::of(&runs, run)?;
        let judged = judge(&config, &exports, None, AsOf::new(run.as_of, config.zone), threads)?;
        let mut now: Found<'_> = BTreeMap::new();
        for (check, finding) in history::found(&judged.reports) {
            let id = finding.id(check.code);
            let (_, _, all) =
                now.entry(id).or_insert_with(|| (check.code, &finding.record, Vec::new()));
            all.push(Proposed::of(finding));
        }
        let is_told = |record: &RecordRef| {
            let batch = judged.pulled.get(record.object);
            batch.and_then(|batch| batch.outside(&record.id)) != Some(Outside::Excluded)
        };
        let before: BTreeMap<&FindingId, (&str, &RecordRef)> = paper
            .iter()
            .filter(|(_, told)| is_told(&told.record))
            .map(|(id, told)| (id, (told.rule.as_str(), &told.record)))
            .collect();
        let decided = decided(&chain, run, &paper);
        words += &difference(run, &before, &Findings::of(&runs, run)?.bare()?, &now, &decided);
    }
    Ok(if words.is_empty() { "there is no packet to judge again\n".to_owned() } else { words })
}

/// What is found, by id: the code of its check, its record and what is proposed, mostly one thing.
type Found<'f> = BTreeMap<FindingId, (&'static str, &'f RecordRef, Vec<Proposed<'f>>)>;

/// The decision that stands on each proposal of a packet: on the packet itself, or on one before it that did
/// not have to be asked again.
fn decided<'l>(
    ledger: &'l Chain,
    run: &Run,
    paper: &Paper,
) -> BTreeMap<&'l FindingId, &'l Decided> {
    let until: BTreeSet<&str> =
        ledger.runs().filter(|it| it.as_of <= run.as_of).map(|it| it.id.as_str()).collect();
    let before = ledger.counted().filter(|it| until.contains(&*it.run));
    let all = before.flat_map(|it| it.decided.iter().map(|one| (&one.finding, one)));
    let mut decided: BTreeMap<_, _> = all.collect();
    let here = decided_on(ledger, run, std::iter::empty());
    decided.retain(|id, _| paper.find(id).iter().all(|told| told.stand != Stand::Undecided));
    decided.extend(here);
    decided
}

/// What is found and lost under the other rules, and what is found as before and proposes something else.
fn difference(
    run: &Run,
    before: &BTreeMap<&FindingId, (&str, &RecordRef)>,
    then: &[Bare],
    now: &Found<'_>,
    decided: &BTreeMap<&FindingId, &Decided>,
) -> String {
    let gained: Vec<_> = now.iter().filter(|(id, _)| !before.contains_key(id)).collect();
    let lost: BTreeSet<&FindingId> =
        before.keys().copied().filter(|id| !now.contains_key(id)).collect();
    let mut proposed: BTreeMap<&str, Vec<&Proposed<'_>>> = BTreeMap::new();
    for line in then {
        proposed.entry(&line.id).or_default().push(&line.proposal);
    }
    // As the next packet would ask about them anew.
    let others: BTreeSet<&FindingId> = now
        .iter()
        .filter(|(id, (_, _, now))| {
            let then = proposed.get(id.as_str());
            let is_as_then = |now: &Proposed<'_>, then: &[&Proposed<'_>]| {
                then.iter().any(|then| now.does_as(then))
            };
            then.is_some_and(|then| now.iter().any(|now| !is_as_then(now, then)))
        })
        .map(|(id, _)| id)
        .collect();
    let of = |all: &BTreeSet<&FindingId>, test: fn(&Verdict) -> bool| {
        let decided =
            |id: &&&FindingId| decided.get(**id).is_some_and(|one| test(one.decision.verdict()));
        all.iter().filter(decided).count()
    };
    let approved = |verdict: &Verdict| matches!(verdict, Verdict::Approve { .. });
    let otherwise = match others.len() {
        0 => String::new(),
        count => format!(
            "; they propose something else for {count} ({} of them approved)",
            of(&others, approved)
        ),
    };
    let mut words = format!(
        "{}: {} findings, {} under the other rules: {} gained, {} lost ({} of them approved, {} rejected){otherwise}\n",
        run.as_of,
        before.len(),
        now.len(),
        gained.len(),
        lost.len(),
        of(&lost, approved),
        of(&lost, |verdict| matches!(verdict, Verdict::Reject(_))),
    );
    let mut name = |what: &str, all: Vec<(&FindingId, &str, &RecordRef)>| {
        for (id, rule, record) in all.iter().take(LISTED) {
            let record = record.to_string();
            words += &format!("  {what}  {rule} {id} {}\n", visible(&record));
        }
        if all.len() > LISTED {
            words += &format!("  {what}  and {} more\n", all.len() - LISTED);
        }
    };
    name(
        "gained",
        gained.into_iter().map(|(id, (rule, record, _))| (id, *rule, *record)).collect(),
    );
    let named = |ids: BTreeSet<&'_ FindingId>| {
        let known = |id| before.get_key_value(id).map(|(id, (rule, record))| (*id, *rule, *record));
        ids.into_iter().filter_map(known).collect()
    };
    name("lost  ", named(lost));
    name("other ", named(others));
    words
}
