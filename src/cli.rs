//! The command line as types. Does not: do anything with them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;

use chrono::{Datelike as _, NaiveDate};
use clap::builder::{NonEmptyStringValueParser, PossibleValue};
use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Written;
use crate::matching::Kind;
use crate::metrics::Quarter;

/// A weekly, read-only CRM hygiene and routing review: it proposes, a named person decides, and
/// nothing is ever written to a CRM.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  crm-review init acme-review --from exports   draft a folder from the CRM's CSV exports
  crm-review run acme-review                   the weekly job: runs/DATE/packet.html
  crm-review explain acme-review F-7Q2M9K4D1V  everything about one finding

Exit codes:
  0    the packet is complete
  1    the packet is incomplete, a dropped decisions file was refused, or doctor found a fault
  2    usage, config, rules or decisions are wrong; no packet was made, and nothing
       of what is wrong was recorded
  3    the source refused or could not be read, or the disk
  4    the ledger's chain is broken, a packet is not the one it names, or verify found a fault
  5    another run holds the folder
  6    a finding is as severe as --fail-on says
  101  the program failed inside itself"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draft a review folder that already runs, from real exports
    Init {
        /// The folder to make
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// The folder with the CRM's CSV exports
        #[arg(long, value_name = "EXPORTS")]
        from: PathBuf,
    },
    /// The weekly job: pull, check, render, record in the ledger, print a summary
    Run {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// The day to judge [default: today in the review's time zone]
        #[arg(long, value_name = "DATE", value_parser = day)]
        as_of: Option<NaiveDate>,
        /// A TOML file that says what the run answers (`what`, and `on` and `by`), where it is not the
        /// scheduled one
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
        /// Exit with 6 if a finding is at least this severe
        #[arg(long, value_name = "SEVERITY")]
        fail_on: Option<SeverityWord>,
        /// Cores to use [default: all]
        #[arg(long)]
        threads: Option<NonZeroUsize>,
    },
    /// Record decisions files in the ledger: all of them, or none if one has to be refused
    Decide {
        /// The review folder, unless it is this one, and the decisions files (JSON or CSV)
        #[arg(required = true, value_name = "[DIR] FILE")]
        paths: Vec<PathBuf>,
        /// Record decisions that differ from recorded ones; they count from then on
        #[arg(long)]
        supersede: bool,
    },
    /// The approved changes as sheets for the CRM's own import, and the inverse sheets
    Changes {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// The day of the packet [default: the last one with an approval]
        #[arg(long, value_name = "DATE", value_parser = day)]
        of: Option<NaiveDate>,
    },
    /// The routing exception rate with the figures it is made of, week by week
    Metrics {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// What repeats: rules that are often wrong, and faults that come back
    Patterns {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// The procedure on one page, made from this folder's config, with the controls that hold it
    Procedure {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// The quarter on one page: the rate, cadence, exceptions, rules, corrected decisions, and an agenda
    Quarter {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// The quarter, such as 2026-Q4 [default: that of the last run]
        #[arg(long, value_name = "QUARTER")]
        of: Option<Quarter>,
    },
    /// The rules by themselves: what is wrong with them
    Rules {
        /// What to do with them
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// What the kept packets would hold under other rules: findings gained and lost
    WhatIf {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// A folder with the edited rules files; those it does not have stay as they are
        #[arg(long, value_name = "OTHER")]
        rules: PathBuf,
    },
    /// Whether the next run has what it needs: rules, approver, disk, and of a live CRM login and grants
    Doctor {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Whether the ledger's chain and the files of each run hold, and whether a run gives the same bytes again
    Verify {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// What would be read from a CSV export, and every problem with its line
    Inspect(Inspect),
    /// The duplicate engine alone: link the records of a CSV file, or of two
    Match(Match),
    /// Everything about one finding, in words: what it is based on, the rules and fields behind it
    Explain {
        /// The review folder, unless it is this one, and the finding's id
        #[arg(required = true, num_args = 1..=2, value_name = "[DIR] FINDING")]
        finding: Vec<String>,
        /// The day of the run [default: the last one]
        #[arg(long, value_name = "DATE", value_parser = day)]
        of: Option<NaiveDate>,
    },
    /// The catalogue of checks, or one check in full: its rules, their defaults, and what it reads
    Checks {
        /// A check's code or name, such as OWN-01
        id: Option<String>,
        /// The review folder that says what it reads [default: the present folder, if it is one]
        #[arg(long, value_name = "DIR", requires = "id")]
        dir: Option<PathBuf>,
        /// Print the table of the README
        #[arg(long, hide = true)]
        markdown: bool,
    },
    /// The JSON Schema of what machines read or write, and of the files that a person does
    Schema {
        /// Of what
        of: ShapeWord,
    },
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Every problem of the rules, and what the lint says: rules that take nothing, overlap or leave gaps
    Check {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// How to print
        #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
        format: VerdictFormat,
        /// The day to judge [default: today in the review's time zone]
        #[arg(long, value_name = "DATE", value_parser = day)]
        as_of: Option<NaiveDate>,
        /// Exit with 6 if the lint finds something at least this severe
        #[arg(long, value_name = "SEVERITY")]
        fail_on: Option<SeverityWord>,
    },
    /// Judge the examples that stand beside the rules, in rules/examples.toml
    Test {
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Write an example out of a proposal that was rejected: what the rules should not say again
    Example {
        /// The proposal's id, such as F-7Q2M9K4D1V
        finding: String,
        /// The review folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
}

/// How to print a verdict on rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictFormat {
    /// Drawn under the lines, for a person.
    Text,
    /// For a program.
    Json,
    /// For a code host or an editor.
    Sarif,
}

/// A day that exports can speak of.
fn day(text: &str) -> Result<NaiveDate, String> {
    let day: NaiveDate = text.parse().map_err(|_| {
        let parts: Vec<_> = text.split('-').map(str::len).collect();
        let is_date = parts == [4, 2, 2] && text.chars().all(|c| c.is_ascii_digit() || c == '-');
        let what = if is_date { "there is no such day" } else { "write a date like 2026-11-23" };
        what.to_owned()
    })?;
    if (1900..=2300).contains(&day.year()) {
        Ok(day)
    } else {
        Err("the year has to be between 1900 and 2300".to_owned())
    }
}

/// The arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// The exports
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The only columns to read; otherwise those that the review folder's boundary allows
    #[arg(long, value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    pub fields: Option<Vec<String>>,
    /// The review folder whose boundary is applied
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub config: PathBuf,
    /// The encoding, where it is known better than by the bytes
    #[arg(long)]
    pub encoding: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the rows that would be read, these fields only
    #[arg(long, value_name = "OUT.csv", requires = "fields")]
    pub rows_out: Option<PathBuf>,
    /// Print the names of the columns that are not read
    #[arg(long)]
    pub show_headers: bool,
}

/// The arguments of `match`.
#[derive(Debug, clap::Args)]
pub struct Match {
    /// The file; a column that tells its records apart, or else the first, is taken for ids
    pub file: PathBuf,
    /// A second file: records are linked between the two, not within either
    pub other: Option<PathBuf>,
    /// Where to write the pairs: both ids, the chance that they are one (score), and what their own values say of it
    /// in bits (weight)
    #[arg(long, value_name = "OUT.csv")]
    pub pairs: PathBuf,
    /// Where to write which records are one: each id, and the first id of its cluster
    #[arg(long, value_name = "OUT.csv")]
    pub clusters: Option<PathBuf>,
    /// The column of ids
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Link only between the two sources that the column `source` names
    #[arg(long, conflicts_with = "other")]
    pub link: bool,
    /// The column that names the sources, for --link
    #[arg(long, value_name = "COLUMN", default_value = "source", requires = "link")]
    pub source: String,
    /// What a column holds, such as Vendor=company; COLUMN=none leaves it out
    #[arg(long = "kind", value_name = "COLUMN=KIND", value_parser = kind)]
    pub kinds: Vec<(String, Option<Kind>)>,
    /// Link by the model of this file instead of what the records teach
    #[arg(long, value_name = "MODEL.toml")]
    pub model: Option<PathBuf>,
    /// Where to write the model that was linked by
    #[arg(long, value_name = "MODEL.toml")]
    pub model_out: Option<PathBuf>,
    /// Splink's settings with what it learned anew, taken over into the model
    #[arg(long, value_name = "SPLINK.json", requires = "model")]
    pub retrained: Option<PathBuf>,
    /// Write the model and the records as Splink takes them into a folder
    #[arg(long, value_name = "FOLDER")]
    pub splink: Option<PathBuf>,
    /// Where to write what each comparison of each pair is worth
    #[arg(long, value_name = "OUT.csv")]
    pub weights: Option<PathBuf>,
    /// Cores to use [default: all]
    #[arg(long)]
    pub threads: Option<NonZeroUsize>,
}

/// What a column holds, as a person says it.
fn kind(text: &str) -> Result<(String, Option<Kind>), String> {
    let (column, word) = text.rsplit_once('=').ok_or("write COLUMN=KIND")?;
    if word == "none" {
        return Ok((column.to_owned(), None));
    }
    let kind = Kind::NAMES.iter().find(|(name, _)| *name == word);
    let names = || Kind::NAMES.map(|(name, _)| name).join(", ");
    kind.map(|(_, kind)| (column.to_owned(), Some(*kind)))
        .ok_or_else(|| format!("`{word}` is no kind; there are {} and none", names()))
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

/// What a schema is of, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeWord {
    /// A line of findings.jsonl.
    Findings,
    /// manifest.json.
    Manifest,
    /// A decisions file.
    Decisions,
    /// A file that a person writes.
    File(Written),
}

impl ValueEnum for ShapeWord {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<ShapeWord>> = LazyLock::new(|| {
            let machines = [ShapeWord::Findings, ShapeWord::Manifest, ShapeWord::Decisions];
            machines.into_iter().chain(Written::all().map(ShapeWord::File)).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Findings => PossibleValue::new("findings").help("A line of findings.jsonl"),
            Self::Manifest => PossibleValue::new("manifest").help("manifest.json"),
            Self::Decisions => PossibleValue::new("decisions").help("A decisions file"),
            Self::File(file) => PossibleValue::new(file.word()).help(file.name()),
        })
    }
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeverityWord {
    /// Low and above.
    Low,
    /// Medium and above.
    Medium,
    /// High.
    High,
}
