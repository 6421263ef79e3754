//! The procedure on one page, made from the folder's own config: what starts a review, what goes in, what is
//! kept out, what comes out, by which criteria, what is logged, and how it learns; with a sheet of the
//! controls that hold it, each with the file in which it shows.
//!
//! Does not: read an export, or say that a law is met.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::boundary::{Exposure, Unlisted};
use crate::check::{ALL, Bench, Family};
use crate::config::Config;
use crate::gate::{Profile, called};
use crate::packet::visible;

use super::{Folder, PROGRAM, ReviewError};

/// Something that holds the review to its promise.
struct Control {
    /// The promise.
    what: &'static str,
    /// What keeps it.
    held_by: &'static str,
    /// Where in the review folder it can be seen.
    seen_in: &'static str,
}

const CONTROLS: &[Control] = &[
    Control {
        what: "Only fields that are listed with a reason are read",
        held_by: "the allowlist; a rule that uses another field is refused before anything is read",
        seen_in: "rules/boundary.toml; the packet's Data boundary",
    },
    Control {
        what: "Notes, credentials, national ids and what else is blocked stay out",
        held_by: "blocked names, which win over the allowlist; a scan of allowed values for secrets",
        seen_in: "the packet's Data boundary: blocked columns and withheld values, by count",
    },
    Control {
        what: "Nothing is written to the CRM",
        held_by: "the program has no request that writes; a login that may write is refused or shown",
        seen_in: "manifest.json; the packet's head where a login may do more",
    },
    Control {
        what: "No AI takes part",
        held_by: "rules judge, and likeness is counted from the records; nothing is sent to a model",
        seen_in: "the packet's Run manifest",
    },
    Control {
        what: "A person decides, and a named one",
        held_by: "decisions by anybody else are refused, and approvals and rejections beyond somebody's role",
        seen_in: "rules/approvals.toml; ledger.jsonl",
    },
    Control {
        what: "Without evidence, or without an answer, nothing changes",
        held_by: "a proposal whose evidence is incomplete cannot be approved; escalations lapse to no change",
        seen_in: "the packet: Evidence incomplete; Since the packet before",
    },
    Control {
        what: "What is costly to undo is decided one by one",
        held_by: "held kinds; escalate-only where a forecast, a service level or a named account is touched",
        seen_in: "the packet: Held and Escalate only; changes/",
    },
    Control {
        what: "What was decided stays on record",
        held_by: "a chain of hashes over every run and decision, checked at each start",
        seen_in: "ledger.jsonl; its head in the packet; `crm-review verify`",
    },
    Control {
        what: "A review can be repeated",
        held_by: "the same inputs, rules and day give the same bytes",
        seen_in: "manifest.json; rules.json; `crm-review verify`",
    },
    Control {
        what: "An approved change can be taken back",
        held_by: "an inverse sheet beside each sheet, with the values expected before",
        seen_in: "changes/",
    },
    Control {
        what: "Rules that are often wrong are noticed",
        held_by: "how often each rule was right, with its interval; below the budget it is read last",
        seen_in: "`crm-review patterns`; the packet: What repeats",
    },
];

/// The procedure and the controls of a review folder, as Markdown.
pub fn procedure(path: &Path) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let mut page = format!(
        "# {}: how the CRM is reviewed\n\n\
         Made by {PROGRAM} (`crm-review procedure`) from review.toml and rules/. It tells what the program \
         holds to; it is no certification and no legal advice.\n",
        plain(&config.organisation)
    );
    let parts: [(&str, Vec<String>); 7] = [
        ("Trigger", trigger(&config)),
        ("Inputs", inputs(&config)),
        ("Blocked inputs", blocked(&config)),
        ("Outputs", outputs(&config)),
        ("Review criteria and approval", criteria(&config)),
        ("Logs", logs()),
        ("Improvement", improvement(&config)),
    ];
    for (title, points) in parts {
        let _ = write!(page, "\n## {title}\n\n");
        for point in points {
            let _ = writeln!(page, "* {point}");
        }
    }
    page += "\n## Controls\n\n| control | held by | seen in |\n| --- | --- | --- |\n";
    for Control { what, held_by, seen_in } in CONTROLS {
        let _ = writeln!(page, "| {what} | {held_by} | {seen_in} |");
    }
    Ok(page)
}

/// A text of the config on one line, without what Markdown would read as a sign.
pub(super) fn plain(text: &str) -> String {
    visible(text).replace(['\n', '\r'], " ").replace('|', "\\|").replace('*', "\\*")
}

fn trigger(config: &Config) -> Vec<String> {
    vec![
        format!(
            "`crm-review run`, started weekly by a scheduler or by hand; days are those of {}.",
            config.zone.name()
        ),
        "What a run answers beside the schedule (an import, new territories) is told with `--event`, and \
         stands in its packet and in the ledger."
            .to_owned(),
        format!(
            "Under review: {}. All other records serve as reference.",
            plain(&config.batch.words())
        ),
    ]
}

fn inputs(config: &Config) -> Vec<String> {
    let mut points: Vec<String> = config
        .boundary
        .objects()
        .map(|object| {
            let fields = || config.boundary.fields(object);
            let of = |exposure| fields().filter(|it| it.exposure() == exposure).count();
            let from = match (config.files.0.get(&object), &config.live) {
                (Some(files), _) => {
                    let files: Vec<_> =
                        files.iter().map(|it| plain(&it.to_string_lossy())).collect();
                    format!("from {}", files.join(", "))
                }
                (None, Some(live)) => {
                    format!("asked of {} at {}", config.crm.title(), plain(live.host.name()))
                }
                (None, None) => "in no input".to_owned(),
            };
            let shown = [
                (of(Exposure::Shown), "shown"),
                (of(Exposure::Masked), "masked"),
                (of(Exposure::Never), "compared and never shown"),
            ];
            let shown = shown.iter().filter(|(count, _)| *count > 0);
            let shown: Vec<_> = shown.map(|(count, how)| format!("{count} {how}")).collect();
            format!("{}, {from}: {}.", capital(object.plural()), shown.join(", "))
        })
        .collect();
    points.push(
        "These are fields; why each is read stands beside it in rules/boundary.toml and in every packet."
            .to_owned(),
    );
    points
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn blocked(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in config.boundary.blocked().iter().map(|name| format!("`{name}`")) {
        // What the folder blocks may be blocked anyway.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    vec![
        format!("Columns by these names, whatever the allowlist says: {}.", names.join(", ")),
        match config.boundary.unlisted() {
            Unlisted::Drop => "A column on neither list is left in the file and counted.".to_owned(),
            Unlisted::Refuse => "A file with a column on neither list is refused.".to_owned(),
        },
        "Values that look like credentials, payment cards, bank accounts or national ids are withheld, \
         wherever they stand."
            .to_owned(),
    ]
}

fn outputs(config: &Config) -> Vec<String> {
    let mut points = vec![
        "runs/DATE/: the packet, its findings, what was seen before, the manifest, the rules as they were, \
         and a summary without names for mail."
            .to_owned(),
        "changes/DATE/: approved changes as sheets for the CRM's own import, with the sheets that take them \
         back. A person imports them; the program cannot write to a CRM."
            .to_owned(),
    ];
    if let Some(by) = config.copies.slices {
        points.push(format!("A part of the packet for each {}.", by.word()));
    }
    if config.copies.mask_key.is_some() {
        points.push("A masked copy, with tokens for names and addresses.".to_owned());
    }
    points
}

fn criteria(config: &Config) -> Vec<String> {
    let bench = Bench::load(&config.policies, &config.boundary, &config.off);
    let mut on: BTreeMap<Family, Vec<&str>> = BTreeMap::new();
    for check in ALL.iter().filter(|check| bench.of(check).is_ok()) {
        on.entry(check.family).or_default().push(check.code);
    }
    let mut points: Vec<String> = on
        .into_iter()
        .map(|(family, codes)| {
            format!("{} (rules/{}): {}.", family.title(), family.file(), codes.join(", "))
        })
        .collect();
    let gate = &config.gate;
    let backup = gate.backup().map_or_else(String::new, |name| format!(", backup {}", plain(name)));
    points.push(format!("Approver: {}{backup}.", plain(gate.approver())));
    let more = match gate.profile() {
        Profile::Plain => None,
        Profile::Founder => {
            Some("Founder profile: one approver, at most ten fields of each table.")
        }
        Profile::Operator => Some(
            "Operator profile: approvals by role, a ticket for each, and a second approver for what is held.",
        ),
    };
    points.extend(more.map(str::to_owned));
    let escalate: Vec<_> = gate.escalate_to().iter().map(|to| plain(&called(to))).collect();
    points.push(format!("Escalated to: {}.", escalate.join(", ")));
    points.push(format!(
        "Default decision: no change; also where evidence is missing, where nobody answers, and where an \
         escalation lapses. From {} new owners in one packet on, each is held.",
        gate.mass_owner_changes()
    ));
    points
}

fn logs() -> Vec<String> {
    vec![
        "ledger.jsonl: every run and every decision, each line with the hash of the one before.".to_owned(),
        "runs/DATE/manifest.json: what went in and what came out, by digest. `crm-review verify` checks both, \
         and every file beside them."
            .to_owned(),
    ]
}

fn improvement(config: &Config) -> Vec<String> {
    let gate = &config.gate;
    vec![
        "One metric, the routing exception rate, with its interval and the figures it is made of: `crm-review metrics`."
            .to_owned(),
        format!(
            "A rule that is right less often than {} is read last and named: `crm-review patterns`.",
            crate::metrics::Percent(gate.precision_budget())
        ),
        format!(
            "A rejected proposal stays quiet for {} days while its facts are the same, and can become an \
             example beside the rules: `crm-review rules example`.",
            gate.mute_days()
        ),
        "What comes back for three weeks, or crowds into one source, owner or team, is mended at its cause."
            .to_owned(),
        "Once a quarter the owners go through `crm-review quarter`: cadence, exceptions, rules, corrected \
         decisions, and whether each field is still needed."
            .to_owned(),
        "A change of rules is tried first (`crm-review what-if`) and told in the next packet.".to_owned(),
    ]
}
