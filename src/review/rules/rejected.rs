//! `rules example`: a proposal that was rejected becomes an example beside the rules, which holds once the
//! rules say what the reviewer said. One that holds already, as it lacks what the check needs, says so.
//!
//! Does not: change a rule, or write a value that may not be shown.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::check::{AsOf, CheckDef, EXAMPLES, Examples, from_finding};
use crate::config::Config;
use crate::finding::FindingId;
use crate::folder::{self, Held};
use crate::gate::Reason;
use crate::ledger::{Chain, Run};
use crate::packet::visible;
use crate::policy::Problems;

use super::super::desk::decided_on;
use super::super::judged::pull;
use super::super::{Folder, ReviewError, history, holder, manifest, paper};

/// Writes the example to the end of `rules/examples.toml` and says what it wrote.
pub fn example(
    path: &Path,
    finding: &str,
    now: DateTime<Utc>,
    threads: NonZeroUsize,
) -> Result<String, ReviewError> {
    let refused = |what: &str, hint: &str| {
        ReviewError::Rules(Problems::one_with_hint(visible(finding), 0, what.to_owned(), hint))
    };
    let folder = Folder::read(path)?;
    let (mut config, _) = folder.config()?;
    let held: Held = folder::hold(&folder.path, &holder(now))?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    let id = FindingId::typed(finding).ok_or_else(|| {
        refused(
            "it is not the id of a proposal",
            "an id reads F-7Q2M9K4D1V, and stands in the packet",
        )
    })?;
    let (run, reason) = rejected(&ledger, &id).ok_or_else(|| {
        refused(
            "nobody rejected it",
            "an example says that a rule is wrong about a record: reject the proposal first, and record the decision",
        )
    })?;
    if let Some(why) = agrees(reason) {
        return Err(refused(
            why,
            "an example says that a record is right as it is: where that is so, record the decision anew as correct_as_is",
        ));
    }
    let home = paper::home(&folder.path.join("runs"), run)?;
    let exports = manifest::kept(&home).and_then(|kept| {
        config.files = kept.files(&config.files);
        let exports = folder.path.join(&config.exports);
        kept.exports(&exports, &mut manifest::Digests::default()).ok()
    });
    let exports = exports.ok_or_else(|| {
        refused(
            "the exports that it was found in are not there any more",
            "put them back into exports/, or into a folder below it such as exports/2026-03-02",
        )
    })?;
    let as_of = AsOf::new(run.as_of, config.zone);
    let (bench, records) = pull(&config, &exports, None, as_of, threads)?;
    let reports =
        bench.run(&crate::check::World::new(&records.tables, as_of, &config.policies, threads));
    let found = history::found(&reports).find(|(check, finding)| finding.id(check.code) == id);
    let (check, finding) = found.ok_or_else(|| {
        refused("the rules as they are do not find it any more", "there is nothing to write")
    })?;
    let reads = reports.iter().find(|report| report.check.code == check.code);
    let text = reads
        .and_then(|report| from_finding(check, finding, &report.reads, &records.tables, as_of.day))
        .ok_or_else(|| {
            refused(
                "its records have no id of their own, so no example can name them",
                "write one by hand: docs/rules.md says how",
            )
        })?;
    let file = folder.path.join("rules").join(EXAMPLES);
    let standing = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(folder::disk(&file))?,
    };
    if standing.contains(text.trim()) {
        return Ok(format!("it stands in rules/{EXAMPLES} already\n"));
    }
    let gap = if standing.is_empty() || standing.ends_with('\n') { "" } else { "\n" };
    let whole = format!("{standing}{gap}{text}");
    let doubt = doubt(&whole, check, &config, as_of)
        .map_err(|why| refused(&why, "write one by hand: docs/rules.md says how"))?;
    folder::rewrite(&file, format!("{standing}{gap}{doubt}{text}").as_bytes())?;
    drop(held);
    let then = if doubt.is_empty() {
        "`crm-review rules test` says whether the rules agree with it"
    } else {
        "it holds already under the rules as they are: add what it lacks, as the comment above it says"
    };
    Ok(format!("{doubt}{text}\nwritten to rules/{EXAMPLES}; {then}\n"))
}

/// What has to stand above the last example of a file, where it holds although no rule was changed: it
/// lacks what the check needs. `Err` says why it is not to be written at all.
fn doubt(whole: &str, check: &CheckDef, config: &Config, as_of: AsOf) -> Result<String, String> {
    // A file of rules that cannot be read stops every command on the folder.
    let examples = Examples::read(whole, &config.boundary).map_err(|problems| {
        let first = problems.sorted().first().map_or_else(String::new, |it| it.message.clone());
        format!("the example of it could not be read again, so nothing was written: {first}")
    })?;
    let Some(example) = examples.all.last() else { return Ok(String::new()) };
    let tried = examples.judge(example, &config.policies, &config.off, (as_of.day, config.zone));
    if !tried.wrong.is_empty() {
        return Ok(String::new());
    }
    if example.is_bare() {
        return Err(
            "none of the values that it was found by may be written, so an example of it would show nothing"
                .to_owned(),
        );
    }
    let idle = tried.idle.iter().find(|(it, _)| it.code == check.code);
    let why = idle.map_or_else(String::new, |(_, why)| {
        format!("# {} does not look at it: {}.\n", check.code, visible(why))
    });
    Ok(format!(
        "\n# The example below does not show the fault by itself: it holds under the rules as they are.\n\
         {why}# Add the values and records that {} needs, until `crm-review rules test` says that it fires.",
        check.code
    ))
}

/// Why a rejection does not say that the record is right as it is, where it does not.
fn agrees(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::LookedInto => {
            Some("it was looked into and nothing was changed, which says nothing of the rule")
        }
        Reason::WrongValue => Some("the fault was there: only the proposed value was wrong"),
        Reason::AlreadyFixed => Some("the fault was there: somebody had corrected it already"),
        Reason::CorrectAsIs
        | Reason::AgreedException
        | Reason::WeakEvidence
        | Reason::RuleWrong
        | Reason::Other => None,
    }
}

/// The run on whose packet the finding was last decided, and why it was rejected, if it was.
fn rejected<'l>(ledger: &'l Chain, id: &FindingId) -> Option<(&'l Run, Reason)> {
    let decided = |run: &&Run| decided_on(ledger, run, std::iter::empty()).remove(id).is_some();
    let run = ledger.runs().filter(decided).last()?;
    let last = decided_on(ledger, run, std::iter::empty()).remove(id)?;
    Some((run, last.decision.verdict().reason()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::NaiveDate;

    use super::*;
    use crate::check::World;

    #[test]
    fn an_example_takes_a_rejection_that_says_the_record_is_right() {
        let silent: Vec<Reason> =
            Reason::ALL.into_iter().filter(|reason| agrees(*reason).is_some()).collect();
        assert_eq!(silent, [Reason::WrongValue, Reason::AlreadyFixed, Reason::LookedInto]);
    }

    /// Every example can be read; those of these checks do not show the fault by themselves.
    #[track_caller]
    fn check_readable(flavour: &str, silent: &[&str]) {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/acme").join(flavour);
        let (config, _) = Folder::read(&home).unwrap().config().unwrap();
        let as_of = AsOf::new(NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), config.zone);
        let exports = home.join(&config.exports);
        let threads = NonZeroUsize::MIN;
        let (bench, records) = pull(&config, &exports, None, as_of, threads).unwrap();
        let world = World::new(&records.tables, as_of, &config.policies, threads);
        let reports = bench.run(&world);
        let mut written = 0;
        let mut quiet = BTreeSet::new();
        for (check, finding) in history::found(&reports) {
            let report = reports.iter().find(|report| report.check.code == check.code).unwrap();
            let (reads, day) = (&report.reads, as_of.day);
            let text = from_finding(check, finding, reads, &records.tables, day);
            let Some(text) = text else { continue };
            let examples = Examples::read(&text, &config.boundary)
                .unwrap_or_else(|problems| panic!("{}: {problems}\n{text}", check.code));
            let example = examples.all.first().unwrap();
            let tried = examples.judge(example, &config.policies, &config.off, (day, config.zone));
            let unread = tried.wrong.iter().find(|wrong| wrong.contains("is not read"));
            assert_eq!(unread, None, "{}\n{text}", check.code);
            written += 1;
            let doubt = doubt(&text, check, &config, as_of);
            assert_eq!(doubt.as_deref() != Ok(""), tried.wrong.is_empty(), "{doubt:?}\n{text}");
            if tried.wrong.is_empty() {
                quiet.insert(check.code);
            }
            if check.code == "LIF-01" && tried.wrong.is_empty() {
                let why = "# LIF-01 does not look at it: contacts: there are no deals to compare";
                assert!(doubt.unwrap().contains(why), "{text}");
            }
        }
        assert!(written > 60, "{flavour}: {written}");
        assert_eq!(quiet.into_iter().collect::<Vec<_>>(), silent, "{flavour}");
    }

    #[test]
    fn every_proposal_of_a_salesforce_company_makes_an_example_that_can_be_read() {
        check_readable(
            "salesforce",
            &[
                "BAT-06", "BAT-08", "DUP-01", "DUP-03", "DUP-06", "DUP-07", "DUP-08", "DUP-11",
                "DUP-12", "LIF-01", "LIF-04", "LIF-08", "LIF-14", "OWN-07", "OWN-09", "REQ-02",
                "REQ-03", "REQ-06", "RTE-08", "RTE-09", "SOR-05", "SOR-06", "SRC-07",
            ],
        );
    }

    #[test]
    fn every_proposal_of_a_hubspot_company_makes_an_example_that_can_be_read() {
        check_readable(
            "hubspot",
            &[
                "BAT-06", "BAT-08", "DUP-01", "DUP-03", "DUP-07", "DUP-11", "DUP-12", "LIF-01",
                "LIF-04", "LIF-08", "REQ-02", "REQ-03", "SOR-05",
            ],
        );
    }
}
