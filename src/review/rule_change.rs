//! What a change of the rules does: this week's records, judged under the rules of the packet before too.
//!
//! Every run keeps the text of its rules (`rules.json`), and of `review.toml` what decides how records are
//! judged: the key of the masked copy is no part of that.
//! Does not: read a record or a field that the present rules do not read, judge under an earlier `review.toml`,
//! or change a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use crate::check::{ALL, Bench, EXAMPLES, Outcome, Report, World};
use crate::config::{self, Config};
use crate::digest;
use crate::finding::{Finding, FindingId};
use crate::gate::Verdict;
use crate::ledger::Run;
use crate::packet::{Effect, JOB, RuleChange, RuleEffect};

use super::history::{self, Past};
use super::judged::{Judged, fields};
use super::manifest::RulesFile;
use super::{Folder, manifest, paper};

/// The file of a run that keeps the text of its rules.
pub(super) const KEPT: &str = "rules.json";

/// The rules as a run keeps them: the text of each file by its name, and the settings of the job. Examples judge
/// nothing.
pub(super) fn kept_text(folder: &Folder) -> serde_json::Result<String> {
    let mut texts = judging(folder.rules.clone());
    texts.insert(JOB.to_owned(), config::judging(JOB, &folder.review));
    Ok(serde_json::to_string_pretty(&texts)? + "\n")
}

/// What is kept of the rules in a file that an earlier run wrote.
pub(super) fn parse(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    serde_json::from_slice(bytes).ok().map(judging)
}

fn judging(mut rules: BTreeMap<String, String>) -> BTreeMap<String, String> {
    rules.remove(EXAMPLES);
    rules
}

/// How the rules differ from those of the run before and what that does, if they do and it is known.
pub(super) fn of(
    folder: &Folder,
    config: &Config,
    judged: &Judged,
    past: &Past<'_>,
    threads: NonZeroUsize,
) -> Option<RuleChange> {
    let before = past.last?;
    let then = kept(&folder.path.join("runs"), before)?;
    let now = Kept {
        named: folder.digests(),
        job: Some(config::judging(JOB, &folder.review)),
        rules: judging(folder.rules.clone()),
    };
    let mut edits = then.edits(&now);
    let rules = then.rules;
    let effect = if edits.is_empty() {
        edits = vec![reread()];
        Effect::Unknown("the program before is not at hand".to_owned())
    } else if edits.iter().all(|(file, _)| file == JOB) {
        Effect::Unknown(format!("nothing was judged under the earlier {JOB}"))
    } else {
        match judged_under(rules, folder, config, judged, threads) {
            Ok((reports, mut blind)) => {
                let checks = ALL.iter().map(|check| check.code);
                blind.extend(checks.filter(|code| past.dropped.blinds(code, before.as_of)));
                Effect::Judged {
                    rules: effects(&reports, &judged.reports, &blind, past),
                    blind: blind.into_iter().collect(),
                }
            }
            Err(why) => Effect::Unknown(why),
        }
    };
    Some(RuleChange { since: before.as_of, edits, effect })
}

/// What was changed where no file was: another program takes other settings for rules.
pub(super) fn reread() -> (String, Vec<String>) {
    let words = "it is another, which takes other settings for rules; no file was changed";
    ("the program".to_owned(), vec![words.to_owned()])
}

/// What a run was judged by, as it is kept.
pub(super) struct Kept {
    /// The files that say how to judge.
    named: Vec<RulesFile>,
    /// The settings of the job; runs of old kept none.
    job: Option<String>,
    /// The text of each rules file by its name.
    rules: BTreeMap<String, String>,
}

impl Kept {
    /// What is different in each file of a later run, in words.
    pub(super) fn edits(&self, now: &Self) -> Vec<(String, Vec<String>)> {
        let mut edits = config::edits(&self.rules, &now.rules);
        for (file, _) in &mut edits {
            file.insert_str(0, "rules/");
        }
        let is_other = |(before, now): (&RulesFile, &RulesFile)| {
            before.sha256 != now.sha256 && before.judging() != now.judging()
        };
        if self.named_job().zip(now.named_job()).is_some_and(is_other) {
            let words = match (&self.job, &now.job) {
                (Some(before), Some(now)) => config::job_edits(before, now),
                (_, _) => vec!["it is another, and its text is not kept".to_owned()],
            };
            edits.push((JOB.to_owned(), words));
        }
        edits
    }

    fn named_job(&self) -> Option<&RulesFile> {
        self.named.iter().find(|it| it.file == JOB)
    }
}

/// What a run was judged by, if it is what the ledger knows.
pub(super) fn kept(runs: &Path, run: &Run) -> Option<Kept> {
    let home = paper::home(runs, run).ok()?;
    let named = manifest::kept(&home)?.rules;
    let mut rules = parse(&std::fs::read(home.join(KEPT)).ok()?)?;
    let job = rules.remove(JOB);
    let named_by_ledger = manifest::definition_digest(&named) == run.definition;
    let is = |text: &String, sha256: &str| digest::sha256(text.as_bytes()) == sha256;
    let whole = named.iter().all(|named| match named.file.strip_prefix("rules/") {
        Some(name) => rules.get(name).is_some_and(|text| is(text, &named.sha256)),
        None => job.as_ref().is_none_or(|job| is(job, named.judging())),
    });
    (named_by_ledger && whole).then_some(Kept { named, job, rules })
}

/// What the checks say of this week's records under other rules, and the codes of those that would have
/// to read more than is read now.
fn judged_under(
    mut rules: BTreeMap<String, String>,
    folder: &Folder,
    config: &Config,
    judged: &Judged,
    threads: NonZeroUsize,
) -> Result<(Vec<Report>, BTreeSet<&'static str>), String> {
    const BOUNDARY: &str = "boundary.toml";
    if let Some(boundary) = folder.rules.get(BOUNDARY) {
        rules.insert(BOUNDARY.to_owned(), boundary.clone());
    }
    // The records are this week's, without those that are left out now.
    if let Some(list) = config.boundary.exclusions_file()
        && let Some(text) = folder.rules.get(&list.value)
    {
        rules.insert(list.value.clone(), text.clone());
    }
    let other = config::parse(&folder.review, &rules).map_err(|problems| {
        let first = problems.sorted().first().map(|first| first.message.clone());
        format!(
            "the earlier rules do not fit the present allowlist and job: {}",
            first.unwrap_or_default()
        )
    })?;
    let (_, read) = fields(config, judged.as_of);
    let bench = Bench::load(&other.policies, &other.boundary, &other.off);
    let (bench, blind) = bench.within(&read);
    let world = World::new(&judged.pulled, judged.as_of, &other.policies, threads);
    Ok((bench.run(&world), blind))
}

/// What each rule finds only under the present rules, only under those before, and otherwise under both.
/// Rules that are blind or broken under either are left out.
fn effects(
    before: &[Report],
    now: &[Report],
    blind: &BTreeSet<&'static str>,
    past: &Past<'_>,
) -> Vec<RuleEffect> {
    let broken = before.iter().chain(now).filter(|it| matches!(it.outcome, Outcome::Broken));
    let silent: BTreeSet<&str> =
        broken.map(|report| report.check.code).chain(blind.iter().copied()).collect();
    let by_id = |reports| -> BTreeMap<FindingId, (&'static str, &Finding)> {
        let seen = history::found(reports).filter(|(check, _)| !silent.contains(check.code));
        seen.map(|(check, finding)| (finding.id(check.code), (check.code, finding))).collect()
    };
    let (before, now) = (by_id(before), by_id(now));
    let mut effects: BTreeMap<&'static str, RuleEffect> = BTreeMap::new();
    for (id, (code, finding)) in &now {
        let old = before.get(id);
        if old.is_some_and(|(_, old)| old.proposal == finding.proposal) {
            continue;
        }
        let effect = effects.entry(code).or_insert_with(|| RuleEffect::none(code));
        *(if old.is_some() { &mut effect.otherwise } else { &mut effect.gained }) += 1;
    }
    for (id, (code, finding)) in before.iter().filter(|(id, _)| !now.contains_key(id)) {
        let effect = effects.entry(code).or_insert_with(|| RuleEffect::none(code));
        effect.lost.push((finding.record.clone(), id.clone()));
        match past.verdict(id) {
            Some(Verdict::Approve { .. }) => effect.approved += 1,
            Some(Verdict::Reject(_)) => effect.rejected += 1,
            Some(Verdict::Escalate { .. }) | None => {}
        }
    }
    for effect in effects.values_mut() {
        effect.lost.sort();
    }
    effects.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_another_program_reads_otherwise_was_not_changed() {
        let job = |sha256: &str, judging: &str| {
            let judging_sha256 = Some(judging.to_owned());
            let named =
                vec![RulesFile { file: JOB.to_owned(), sha256: sha256.to_owned(), judging_sha256 }];
            Kept { named, job: None, rules: BTreeMap::new() }
        };
        let kept = job("a", "b");
        assert!(kept.edits(&job("a", "c")).is_empty());
        assert!(kept.edits(&job("d", "b")).is_empty());
        // Runs of old kept none of its settings.
        let words = "it is another, and its text is not kept".to_owned();
        assert_eq!(kept.edits(&job("d", "c")), [(JOB.to_owned(), vec![words])]);
    }
}
