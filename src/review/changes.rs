//! Change sheets: what was approved, in the shape that the CRM's own import takes.
//!
//! One sheet for each table and field (an empty cell then means one thing: the field is cleared), beside
//! it the inverse, and a list of what a person does by hand, merges first. Applying them is the team's
//! normal change path; a person does that, somewhere else.
//! Does not: send anything, or write a cell that a spreadsheet would take for a formula.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use crate::boundary::{Boundary, Exposure, Field, Kind, Object, RecordRef};
use crate::check::{Policies, finds_inactive_owners};
use crate::config::{Config, Crm};
use crate::digest;
use crate::finding::{FindingId, ProposalKind};
use crate::folder::{self, FolderError, Held};
use crate::gate::Verdict;
use crate::ledger::{self, Chain, Decided, Run};
use crate::packet::Happened;

use super::desk::decided_on;
use super::history;
use super::paper::{self, After, Change, FieldChange, Paper, Told};
use super::tally::Stand;
use super::{Folder, ReviewError, counted};

/// The file that says what the others are.
const LIST: &str = "changes.txt";

/// What stands before the ledger's head in it.
const HEAD: &str = "Ledger head ";

/// What its last line begins with: the digest of all before it.
const SEAL: &str = "sha256 of the lines above: ";

/// Writes the sheets of the packet of a day, or of the last packet with an approval. Says what they hold.
pub fn changes(
    path: &Path,
    of: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<String, ReviewError> {
    let folder = Folder::read(path)?;
    let (config, _) = folder.config()?;
    let held: Held = folder::hold(&folder.path, &super::holder(now))?;
    let ledger = Chain::read(&folder.path.join("ledger.jsonl"))?;
    // A later packet's decision on the same finding takes the place of this one.
    let last: Last<'_> = ledger
        .counted()
        .flat_map(|decisions| {
            decisions.decided.iter().map(|one| (&one.finding, (&*decisions.run, one)))
        })
        .collect();
    let approved = |run: &Run| {
        let standing = decided_on(&ledger, run, std::iter::empty()).into_iter();
        let stands = |id: &FindingId| last.get(id).is_some_and(|(of, _)| *of == run.id);
        standing.filter(|(_, one)| is_approval(one)).partition::<Vec<_>, _>(|(id, _)| stands(id))
    };
    let taken_back = ledger::taken_back(ledger.entries());
    let all = || ledger.runs().filter(|run| of.is_none_or(|day| run.as_of == day));
    let runs = || all().filter(|run| !taken_back.contains(run.id.as_str()));
    let found = runs().map(|run| (run, approved(run))).filter(|(_, (stand, _))| !stand.is_empty());
    let Some((run, (mut approved, moved))) = found.last() else {
        let Some(day) = of else {
            return Ok("nothing is approved, so there is no change sheet\n".to_owned());
        };
        let Some(run) = runs().last() else {
            if all().next().is_some() {
                return Ok(format!(
                    "a run of an earlier day took the packet of {day} back, so there is no change sheet\n"
                ));
            }
            return Ok(format!("there is no packet of {day}, so there is no change sheet\n"));
        };
        let moved = decided_again(&ledger, &approved(run).1, &last);
        let any_more = if moved.is_empty() { "" } else { " any more" };
        return Ok(format!(
            "nothing of the packet of {day} is approved{any_more}, so there is no change sheet\n{moved}"
        ));
    };
    let moved = decided_again(&ledger, &moved, &last);
    let runs = folder.path.join("runs");
    let paper = Paper::of(&runs, run)?;
    let home = paper::home(&runs, run)?;
    let name = home.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let since = leave_out(&mut approved, &ledger, &runs, run)?;
    let sheets = Sheets::of(&config, &paper, &approved, LeftOut { since, moved });
    let (files, words) = sheets.files(run, &name, ledger.head());
    let all = folder.path.join("changes");
    folder::make(&all)?;
    folder::clear_drafts(&all)?;
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let sheets = all.join(&name);
    refuse_edited(&sheets)?;
    folder::replace(&sheets, &files)?;
    drop(held);
    Ok(words)
}

/// The last decision on each proposal, with the run it was made on.
type Last<'l> = BTreeMap<&'l FindingId, (&'l str, &'l Decided)>;

/// How many approvals of a packet were decided again on another, and where they are now; empty where none
/// was.
fn decided_again(ledger: &Chain, approved: &[(&FindingId, &Decided)], last: &Last<'_>) -> String {
    let mut there: BTreeMap<NaiveDate, BTreeMap<&str, usize>> = BTreeMap::new();
    for (run, now) in approved.iter().filter_map(|(id, _)| last.get(id)) {
        let Some(run) = ledger.runs().filter(|it| it.id == *run).last() else { continue };
        let word = match now.decision.verdict() {
            Verdict::Approve { .. } => "approved",
            Verdict::Reject(_) => "rejected",
            Verdict::Escalate { .. } => "escalated",
        };
        *there.entry(run.as_of).or_default().entry(word).or_default() += 1;
    }
    let mut words = String::new();
    for (day, counts) in &there {
        let count: usize = counts.values().sum();
        let verdicts: Vec<_> =
            counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        words += &format!(
            "\nLeft out: {}, decided again on the packet of {day}: {}.\n",
            counted(count, "approved change"),
            verdicts.join(", "),
        );
        if counts.contains_key("approved") {
            words += &format!("Their sheets: `crm-review changes --of {day}`.\n");
        }
    }
    words
}

/// Leaves out what the packet that followed asks about again, for what it proposes nobody approved; records that
/// are gone by then; and merges of records that are merged or not alike any more, for a merge cannot be undone.
fn leave_out(
    approved: &mut Vec<(&FindingId, &Decided)>,
    ledger: &Chain,
    runs: &Path,
    run: &Run,
) -> Result<Option<Since>, ReviewError> {
    let Some(follower) = ledger.follower(run) else { return Ok(None) };
    let paper = Paper::of(runs, follower)?;
    let known = history::remembered(runs, follower)?;
    let mut since = Since { day: follower.as_of, asked: 0, gone: 0, merged: 0, unlike: 0 };
    approved.retain(|(id, decided)| {
        let is_merge = decided.kind == ProposalKind::MergeCandidate;
        let change = known.get(id).and_then(|memory| memory.change).map(|(_, happened)| happened);
        let of = match change {
            _ if paper.find(id).iter().any(|told| told.stand == Stand::Undecided) => {
                &mut since.asked
            }
            Some(Happened::Gone) => &mut since.gone,
            Some(Happened::Applied) if is_merge => &mut since.merged,
            Some(Happened::Differently) if is_merge => &mut since.unlike,
            Some(_) | None => return true,
        };
        *of += 1;
        false
    });
    Ok(Some(since))
}

/// Sheets may be written anew as long as nobody put anything beside them or wrote into them.
fn refuse_edited(sheets: &Path) -> Result<(), FolderError> {
    let Ok(entries) = fs::read_dir(sheets) else { return Ok(()) };
    let listed = fs::read_to_string(sheets.join(LIST)).unwrap_or_default();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_as_written = if name == LIST {
            is_sealed(&listed)
        } else {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let listing = format!("{}  {name}", digest::sha256(&bytes));
            listed.lines().any(|line| line == listing)
        };
        if !is_as_written {
            return Err(FolderError::NotOurs { path: entry.path().display().to_string() });
        }
    }
    Ok(())
}

/// True where nobody wrote into the list. Earlier versions wrote it without its digest.
fn is_sealed(list: &str) -> bool {
    list.split_once(SEAL)
        .is_none_or(|(above, sha256)| sha256 == digest::sha256(above.as_bytes()) + "\n")
}

/// The head of the ledger that each change sheet below a folder names.
pub(super) fn heads(all: &Path) -> Vec<(PathBuf, String)> {
    let mut lists: Vec<PathBuf> = fs::read_dir(all)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join(LIST))
        .collect();
    lists.sort();
    let head = |list: PathBuf| {
        let text = fs::read_to_string(&list).ok()?;
        let head = text.lines().find_map(|line| line.strip_prefix(HEAD))?.to_owned();
        Some((list, head))
    };
    lists.into_iter().filter_map(head).collect()
}

fn is_approval(decided: &Decided) -> bool {
    matches!(decided.decision.verdict(), Verdict::Approve { .. })
}

/// How many approved changes a later packet overtook.
#[derive(Debug, Clone, Copy)]
struct Since {
    /// The day of that packet.
    day: NaiveDate,
    /// It asks about them again.
    asked: usize,
    /// Their records are gone.
    gone: usize,
    /// Merges that are made.
    merged: usize,
    /// Merges of records that are not alike any more.
    unlike: usize,
}

impl Since {
    /// What is left out, a paragraph for each reason.
    fn words(&self) -> String {
        let Self { day, asked, gone, merged, unlike } = *self;
        let changes = |count| counted(count, "approved change");
        let merges = |count| counted(count, "approved merge");
        let told = [
            (
                asked,
                format!(
                    "{}. The packet of {day} asks again, because what stood there or was proposed has changed \
                 since; what is decided there counts",
                    changes(asked)
                ),
            ),
            (gone, format!("{}. By the packet of {day} the record is gone", changes(gone))),
            (merged, format!("{}. By the packet of {day} it is made", merges(merged))),
            (
                unlike,
                format!(
                    "{}. By the packet of {day} the records are not alike any more, or were merged otherwise; \
                 a merge cannot be taken back, so it is asked again where they are found once more",
                    merges(unlike)
                ),
            ),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        told.fold(String::new(), |all, (_, words)| all + &format!("\nLeft out: {words}.\n"))
    }
}

/// Approved changes that are in no sheet.
struct LeftOut {
    since: Option<Since>,
    /// Those that were decided again on another packet, in words.
    moved: String,
}

/// One change of one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: String,
    value: String,
    expected: String,
    finding: String,
    ticket: String,
    /// What stands there is an owner who was found to be inactive.
    from_inactive: bool,
}

/// One thing for a person to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    /// Merges first, conversions last.
    rank: usize,
    what: String,
    object: Object,
    record: String,
    keep: String,
    fold: String,
    why: String,
    finding: String,
    ticket: String,
}

/// When a step is due that is no merge: a CRM may lock a lead once it is converted.
fn rank(kind: ProposalKind) -> usize {
    match kind {
        ProposalKind::MergeCandidate
        | ProposalKind::SetField
        | ProposalKind::FillField
        | ProposalKind::CorrectLifecycle
        | ProposalKind::CorrectSource
        | ProposalKind::ReviewRecord
        | ProposalKind::ReviewRule
        | ProposalKind::ReviewUpstream => 4,
        ProposalKind::SetOwner | ProposalKind::ReturnToQueue => 5,
        ProposalKind::LinkToAccount => 6,
        ProposalKind::ConvertCandidate => 7,
    }
}

/// A table and a column with its changes.
type Columns = BTreeMap<(Object, String, String), Vec<Row>>;

/// An approved change of a field, with its proposal and its approval.
type Wanted<'a> = (&'a Told, &'a FieldChange, &'a Decided);

/// What was approved, sorted by how it is applied.
struct Sheets<'c> {
    crm: Crm,
    boundary: &'c Boundary,
    policies: &'c Policies,
    columns: Columns,
    by_hand: Vec<Step>,
    left_out: LeftOut,
}

impl<'c> Sheets<'c> {
    fn of(
        config: &'c Config,
        paper: &Paper,
        approved: &[(&FindingId, &Decided)],
        left_out: LeftOut,
    ) -> Self {
        let mut sheets = Self {
            crm: config.crm,
            boundary: &config.boundary,
            policies: &config.policies,
            columns: BTreeMap::new(),
            by_hand: Vec::new(),
            left_out,
        };
        // Of each record and field, the changes that were approved.
        let mut fields: BTreeMap<(RecordRef, String), Vec<Wanted<'_>>> = BTreeMap::new();
        for (id, decided) in approved {
            for told in paper.find(id) {
                match &told.change {
                    Change::Field(change) => fields
                        .entry((told.record.clone(), change.field.clone()))
                        .or_default()
                        .push((told, change, decided)),
                    Change::Merge { keep, fold } => sheets.merge(told, keep, fold, decided),
                    Change::ByHand(why) => sheets.by_hand(told, why, decided),
                }
            }
        }
        for changes in fields.values() {
            let Some((told, change, decided)) = changes.first() else { continue };
            if changes.iter().any(|(_, other, _)| other.after != change.after) {
                for (told, _, decided) in changes {
                    sheets.by_hand(told, "two approved changes of the field disagree", decided);
                }
                continue;
            }
            match written(&config.boundary, &told.record, change) {
                Ok(value) => {
                    let key = (told.record.object, change.field.clone(), change.column.clone());
                    sheets.columns.entry(key).or_default().push(Row {
                        id: told.record.id.to_string(),
                        value,
                        expected: change.before.clone(),
                        finding: decided.finding.to_string(),
                        ticket: ticket(decided),
                        from_inactive: changes
                            .iter()
                            .any(|(told, ..)| finds_inactive_owners(&told.rule)),
                    });
                }
                Err(why) => sheets.by_hand(told, why, decided),
            }
        }
        for rows in sheets.columns.values_mut() {
            rows.sort();
        }
        sheets.by_hand.sort();
        sheets
    }

    fn merge(&mut self, told: &Told, keep: &str, fold: &[String], decided: &Decided) {
        self.by_hand.push(Step {
            rank: match told.record.object {
                // A contact's account has to be the right one before the contact is touched.
                Object::Account => 0,
                Object::Contact => 1,
                Object::Lead => 2,
                Object::Deal
                | Object::User
                | Object::Queue
                | Object::CampaignMember
                | Object::FieldHistory
                | Object::SystemRecord => 3,
            },
            what: "merge".to_owned(),
            object: told.record.object,
            record: keep.to_owned(),
            keep: keep.to_owned(),
            fold: fold.join(" "),
            why: "a merge cannot be taken back".to_owned(),
            finding: decided.finding.to_string(),
            ticket: ticket(decided),
        });
    }

    fn by_hand(&mut self, told: &Told, why: &str, decided: &Decided) {
        self.by_hand.push(Step {
            rank: rank(told.case.kind),
            what: told.words.clone(),
            object: told.record.object,
            record: told.record.id.to_string(),
            keep: String::new(),
            fold: String::new(),
            why: why.to_owned(),
            finding: decided.finding.to_string(),
            ticket: ticket(decided),
        });
    }

    /// The sheets by name, and what they hold, a line each.
    fn sheets(&self) -> (Vec<(String, String)>, Vec<String>) {
        let mut files = Vec::new();
        let mut lines = Vec::new();
        let mut columns: BTreeMap<(Object, &str), usize> = BTreeMap::new();
        for ((object, field, column), rows) in &self.columns {
            // Two exports of a table may name one field's column differently.
            let nth = columns.entry((*object, field)).or_default();
            *nth += 1;
            let title = match nth {
                1 => format!("{object}.{field}"),
                more => format!("{object}.{field}-{more}"),
            };
            let imported = self.import_column(*object, field, column);
            let id = self.id_column(*object);
            let head = [&*id, &imported, &format!("expected {column}")];
            let forward = sheet(
                &head,
                rows.iter()
                    .map(|row| [&*row.id, &row.value, &row.expected, &row.finding, &row.ticket]),
            );
            let inverse = sheet(
                &head,
                rows.iter()
                    .map(|row| [&*row.id, &row.expected, &row.value, &row.finding, &row.ticket]),
            );
            let changes = counted(rows.len(), "change");
            lines.push(format!("{title}.csv: {changes} of `{column}`"));
            let cleared = rows.iter().filter(|row| row.expected.is_empty()).count();
            if cleared > 0 {
                lines.push(format!(
                    "{title}.inverse.csv clears {cleared} of them: {}",
                    self.clearing()
                ));
            }
            lines.extend(gone(&title, rows));
            lines.extend(self.steps_back(&title, (*object, field), rows));
            files.push((format!("{title}.csv"), forward));
            files.push((format!("{title}.inverse.csv"), inverse));
        }
        if !self.by_hand.is_empty() {
            files.push(("by-hand.csv".to_owned(), self.steps()));
            let merges = self.by_hand.iter().filter(|step| !step.fold.is_empty()).count();
            let steps = counted(self.by_hand.len(), "step");
            let merges = match merges {
                0 => String::new(),
                1 => ", one of them a merge, which cannot be taken back".to_owned(),
                more => format!(", {more} of them merges, which cannot be taken back"),
            };
            lines.push(format!("by-hand.csv: {steps} in their order{merges}"));
        }
        (files, lines)
    }

    /// The files by name, and what they hold in words.
    fn files(&self, run: &Run, name: &str, head: &str) -> (Vec<(String, String)>, String) {
        let (mut files, lines) = self.sheets();
        let mut words = format!(
            "Approved changes of the packet of {}, run {}\n{HEAD}{head}\n\n\
             Apply them through your normal change path, in this order:\n",
            run.as_of, run.id
        );
        for line in &lines {
            words += &format!("- {line}\n");
        }
        if lines.is_empty() {
            words += "- nothing: see below\n";
        }
        words += &self.left_out.since.map(|since| since.words()).unwrap_or_default();
        words += &self.left_out.moved;
        words += "\nBefore a row is applied, the record has to hold what its `expected` column says; leave out a row that differs.\n\
                  The inverse sheets put back what stood there.\n";
        let mut text = words.clone();
        text.push_str("\nsha256 of each file:\n");
        for (file, content) in &files {
            text += &format!("{}  {file}\n", digest::sha256(content.as_bytes()));
        }
        let sha256 = digest::sha256(text.as_bytes());
        files.push((LIST.to_owned(), format!("{text}{SEAL}{sha256}\n")));
        (files, format!("{words}\nThe sheets:\n  changes/{name}/\n"))
    }

    /// The rows by which an import would set stages back, where the CRM does not let it.
    fn steps_back(
        &self,
        title: &str,
        (object, field): (Object, &str),
        rows: &[Row],
    ) -> Vec<String> {
        // The export calls it what its user's language does.
        if self.crm != Crm::HubSpot || field != "lifecycle" {
            return Vec::new();
        }
        let is_back = |from: &str, to: &str| self.policies.is_step_back(object, field, from, to);
        let there = rows.iter().filter(|row| is_back(&row.expected, &row.value));
        let again = rows.iter().filter(|row| is_back(&row.value, &row.expected));
        let sheets: [(&str, Vec<&Row>); 2] =
            [("csv", there.collect()), ("inverse.csv", again.collect())];
        let told = sheets.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(ending, rows)| {
            format!(
                "{title}.{ending} sets {} back, and HubSpot's import moves a stage forward only: \
                 clear the stage first of {}",
                counted(rows.len(), "stage"),
                listed(&rows)
            )
        });
        told.collect()
    }

    /// The name under which an import takes the id.
    fn id_column(&self, object: Object) -> String {
        let field = self.boundary.allowed(object, "id");
        let mut from = field.iter().flat_map(Field::from);
        let named = match self.crm {
            // What its API calls `hs_object_id` has a name of the user's language in exports.
            Crm::HubSpot => from.find(|name| *name != "hs_object_id"),
            Crm::Other => from.next(),
            Crm::Salesforce | Crm::Odoo => None,
        };
        let usual = match self.crm {
            Crm::HubSpot => "Record ID",
            // The number in the database; `id` would be a name given by an import.
            Crm::Odoo => ".id",
            Crm::Salesforce | Crm::Other => "Id",
        };
        named.map_or(usual, String::as_str).to_owned()
    }

    /// The name under which an import takes a column.
    fn import_column(&self, object: Object, field: &str, column: &str) -> String {
        let is_id = self.boundary.field(object, field).is_ok_and(|field| field.kind() == Kind::Id);
        match self.crm {
            // A field of a linked record is changed by linking to another one: by its number, else its name.
            Crm::Odoo => {
                let link = column.split('.').next().unwrap_or(column);
                if is_id { format!("{link}/.id") } else { link.to_owned() }
            }
            Crm::Salesforce | Crm::HubSpot | Crm::Other => column.to_owned(),
        }
    }

    fn clearing(&self) -> &'static str {
        match self.crm {
            Crm::Salesforce => "switch on `Insert null values` in the Data Loader",
            Crm::HubSpot => {
                "an import leaves a field with an empty cell as it is, so clear it by hand"
            }
            Crm::Odoo => "an empty cell clears the field",
            Crm::Other => "see how your import clears a field",
        }
    }

    fn steps(&self) -> String {
        let rows = self.by_hand.iter().enumerate().map(|(n, step)| {
            [
                (n + 1).to_string(),
                step.what.clone(),
                step.object.key().to_owned(),
                step.record.clone(),
                step.keep.clone(),
                step.fold.clone(),
                step.why.clone(),
                step.finding.clone(),
                step.ticket.clone(),
            ]
            .map(|cell| guarded(&cell))
        });
        let head = ["step", "what", "object", "record", "keep", "fold", "why", "finding", "ticket"];
        table(&head, rows)
    }
}

/// So many records are named; the sheet has all of them.
const NAMED: usize = 10;

/// Records in a sentence: the first of them, and how many there are besides.
fn listed(rows: &[&Row]) -> String {
    let (named, more) = rows.split_at(rows.len().min(NAMED));
    let named = named.iter().map(|row| &*row.id).collect::<Vec<_>>().join(", ");
    if more.is_empty() { named } else { format!("{named} and {} more", more.len()) }
}

/// The rows of an inverse sheet that give records back to somebody who is inactive, by that owner.
fn gone(title: &str, rows: &[Row]) -> Option<String> {
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.from_inactive) {
        *owners.entry(&row.expected).or_default() += 1;
    }
    let count: usize = owners.values().sum();
    let owners: Vec<String> =
        owners.iter().map(|(owner, count)| format!("{owner} ({count})")).collect();
    (count > 0).then(|| {
        format!(
            "{title}.inverse.csv gives {} back to owners who are inactive, which a CRM refuses: \
             leave them out, or make these users active first: {}",
            counted(count, "record"),
            owners.join(", ")
        )
    })
}

fn ticket(decided: &Decided) -> String {
    match decided.decision.verdict() {
        Verdict::Approve { ticket } => ticket.clone().unwrap_or_default(),
        Verdict::Reject(_) | Verdict::Escalate { .. } => String::new(),
    }
}

/// What an import would take, or why none can.
fn written(
    boundary: &Boundary,
    record: &RecordRef,
    change: &FieldChange,
) -> Result<String, &'static str> {
    let by_name = boundary
        .allowed(record.object, &change.field)
        .is_some_and(|field| field.kind() == Kind::Name);
    let value = match &change.after {
        After::Value(value) => value,
        After::Assignee { id, .. } if !by_name => id,
        After::Assignee { name, .. } => {
            let shown = boundary
                .allowed(Object::User, "name")
                .is_some_and(|field| field.exposure() == Exposure::Shown);
            if !shown {
                return Err("the CRM takes a name there, which may not be shown");
            }
            name
        }
    };
    // An apostrophe in front would be imported with the value.
    if [value.as_str(), &change.before, &change.column, &record.id]
        .iter()
        .any(|cell| is_formula(cell))
    {
        return Err("a value begins like a formula, and would not be safe in a spreadsheet");
    }
    Ok(value.clone())
}

/// True for what a spreadsheet would compute.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that no spreadsheet computes.
fn guarded(cell: &str) -> String {
    if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A sheet for an import: the first two columns are mapped, the others are for the person.
fn sheet<'r>(head: &[&str; 3], rows: impl Iterator<Item = [&'r str; 5]>) -> String {
    let [id, column, expected] = head;
    table(
        &[id, column, expected, "finding", "ticket"],
        rows.map(|[id, value, expected, finding, ticket]| {
            [
                id.to_owned(),
                value.to_owned(),
                expected.to_owned(),
                finding.to_owned(),
                guarded(ticket),
            ]
        }),
    )
}

fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory fails for no row of the header's width.
    let _ = writer.write_record(head);
    for row in rows {
        let _ = writer.write_record(&row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
