//! What a draft writes and says: the allowlist, `review.toml` and the summary.
//!
//! Does not: infer a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::infer::{self, Work};
use super::{Batches, DraftField, DraftTable, TooMuch, catalogue};
use crate::boundary::{Batch, Kind, Object};
use crate::config::{self, Crm};
use crate::folder;
use crate::policy::quoted;

/// A text as a comment may hold it: what would end the line is a space.
pub(super) fn in_comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

pub(super) fn quoted_list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// One text alone, or the list of several.
fn one_or_list(texts: &[&str]) -> String {
    match texts {
        [one] => quoted(one),
        several => quoted_list(several.iter().copied()),
    }
}

/// The names of a table's files.
fn files(table: &DraftTable) -> Vec<&str> {
    table.files.iter().map(|export| export.file.as_str()).collect()
}

pub(super) fn boundary_toml(tables: &BTreeMap<Object, DraftTable>) -> String {
    let mut toml = String::from(
        "# The allowlist: every field that may be read, and why. A column that is not listed here is never read.\n\
         # `show` says how values may appear: shown, masked, or never (compared only).\n\
         # Correct the reasons: a field nobody can explain should not be here.\n",
    );
    for (object, table) in tables {
        let names = in_comment(&files(table).join(", "));
        let _ = write!(toml, "\n# {names}\n[{object}.fields]\n");
        toml.extend(table.fields.iter().map(field_lines));
        toml += &not_read(*object, table);
    }
    toml += "\n[blocked]\nnames = [\"*note*\", \"*description*\", \"*transcript*\", \"*password*\", \"*api_key*\", \"*strategy*\", \"*legal*\"]\n";
    toml
}

/// A field's line of the allowlist; one that is off is a comment, under the reason.
fn field_lines(field: &DraftField) -> String {
    let from = one_or_list(&field.from.iter().map(String::as_str).collect::<Vec<_>>());
    let mut line = format!("{} = {{ from = {from}, why = {}", field.name, quoted(field.why));
    match field.name {
        "email" | "street" => line += ", show = \"masked\"",
        "phone" | "mobile" => line += ", show = \"never\"",
        _ => {}
    }
    if field.kind != Kind::usual(field.name) {
        let _ = write!(line, ", kind = \"{}\"", field.kind.word());
    }
    for (key, flag) in [("yes", true), ("no", false)] {
        let words = field.flags.iter().filter(|(_, means)| *means == flag);
        let words: Vec<&str> = words.map(|(word, _)| *word).collect();
        if !words.is_empty() {
            let _ = write!(line, ", {key} = {}", quoted_list(words));
        }
    }
    if let Some(dates) = field.dates {
        let _ = write!(line, ", dates = \"{}\"", dates.word());
    }
    if let Some(decimal) = field.decimal {
        let _ = write!(line, ", decimal = \"{}\"", decimal.word());
    }
    match &field.off {
        None => format!("{line} }}  # {}\n", field.figure),
        Some(why) => format!("# off, {why} ({}):\n# {line} }}\n", field.figure),
    }
}

/// The columns that the allowlist leaves out, as comments.
fn not_read(object: Object, table: &DraftTable) -> String {
    let mut comments = String::new();
    for export in &table.files {
        for column in catalogue::doubled(object, &export.header) {
            let _ = writeln!(comments, "# {}", in_comment(&twice(column)));
        }
    }
    let listed: BTreeSet<&String> = table.fields.iter().flat_map(|field| &field.from).collect();
    let columns = table.files.iter().flat_map(|export| &export.header);
    let left: BTreeSet<&String> =
        columns.filter(|column| !listed.contains(column) && !column.is_empty()).collect();
    if !left.is_empty() {
        let names: Vec<_> = left.iter().map(|name| in_comment(name)).collect();
        let _ = writeln!(comments, "# {} columns are not read: {}", left.len(), names.join(", "));
    }
    comments
}

pub(super) fn review_toml(
    dir: &Path,
    crm: Crm,
    source: Option<&str>,
    tables: &BTreeMap<Object, DraftTable>,
    unused: &[(String, String)],
    batches: &Batches,
    work: Option<&Work>,
) -> String {
    let name = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let crm = crm.word();
    let mut toml = format!(
        "# The job. `crm-review run` reads this folder, judges the exports, and writes runs/DATE/packet.html.\n\n\
         organisation = {}\n\
         time_zone = \"UTC\"             # days and business hours are of this zone, such as Europe/Berlin\n\n\
         [source]\n\
         crm = \"{crm}\"\n\
         # record_link = \"https://YOUR-CRM/{{id}}\"   # links each record in the packet\n",
        quoted(if name.is_empty() { "Our company" } else { &name }),
    );
    if let Some(folder) = source {
        let _ = writeln!(
            toml,
            "folder = {}             # take this line out once exports are dropped into exports/",
            quoted(folder)
        );
    }
    toml += "\n[source.files]\n";
    for (object, table) in tables {
        let named: Vec<&str> = table.files.iter().map(|export| export.named.as_str()).collect();
        let files = one_or_list(&named);
        let rows = batches.get(*object).map_or(0, Batch::len);
        let _ = writeln!(toml, "{object} = {files}  # {}", object.counted(rows));
    }
    for (file, why) in unused {
        let _ = writeln!(toml, "# not used: {} ({})", in_comment(file), in_comment(why));
    }
    toml += "\n[batch]\n";
    toml += &work.map(window).unwrap_or_default();
    toml += &when_leads(batches);
    toml += "\n# Records planted to test the review are judged and shown, and are not in the routing exception rate:\n# [metric.test_records]\n# lead = { company = \"Hygiene Test\" }\n";
    toml
}

/// The batch's window, where the exports say that most records have rested for long; otherwise how to have one.
fn window(work: &Work) -> String {
    /// Fewer records than this can all be under review.
    const MANY: usize = 1_000;
    /// With fewer records than this under review a first packet shows little.
    const ENOUGH: usize = 200;
    const DAYS: [u32; 5] = [7, 30, 90, 180, 365];
    let changed = DAYS.map(|days| (days, work.changed_within(days)));
    let known = work.known();
    let figures = changed.map(|(days, n)| format!("{days} days {n}"));
    let mut toml = format!(
        "# {}: `run --as-of {}` judges them as of the day after.\n",
        newest(work),
        work.as_of()
    );
    if work.ahead > 0 {
        let _ = writeln!(toml, "# {}.", slips(work.ahead));
    }
    if known == 0 {
        toml += "# No export says when its records changed, so every record is under review.\n";
        return toml;
    }
    let _ = writeln!(
        toml,
        "# Of {known} records changed before that day, within {}.",
        figures.join(", ")
    );
    let rested = changed.into_iter().find(|(_, n)| *n >= ENOUGH).filter(|(_, n)| n * 3 < known);
    match rested.filter(|_| known >= MANY) {
        Some((days, n)) => {
            let _ = writeln!(
                toml,
                "# Most have rested for long: what changed is under review, the rest is there to compare with.\n\
                 # Without this line every record is under review.\n\
                 changed_within_days = {days}   # {n} records, {}",
                infer::percent(n, known)
            );
        }
        None => {
            toml += "# Every record is under review. For the weekly run, judge what changed and keep the rest as reference:\n# changed_within_days = 7\n";
        }
    }
    toml
}

/// What the newest date in the exports is of. The newest creation is no proof of the last change.
fn newest(work: &Work) -> String {
    let day = work.newest;
    work.only.as_ref().map_or_else(
        || format!("The newest change in these exports is of {day}"),
        |field| {
            format!(
                "No column says when {} changed; the newest date in these exports of what happened is {day}, in `{}`",
                field.object().plural(),
                in_comment(&field.from().join("`, `"))
            )
        },
    )
}

/// That some dates are not believed.
fn slips(ahead: usize) -> String {
    let dates = if ahead == 1 {
        "date, apart from all others, is taken for a typing error"
    } else {
        "dates, apart from all others, are taken for typing errors"
    };
    format!("{ahead} later {dates}")
}

/// Odoo keeps leads and opportunities in one table: how many rows are leads and how many are not, where
/// there are both.
fn odoo_leads(batches: &Batches) -> Option<(usize, usize)> {
    let object = Object::Lead;
    let counts = batches.get(object)?.count_by(&batches.field(object, "type")?);
    let of = |value: &str| counts.iter().filter(|(it, _)| it.trim() == value).map(|(_, n)| n).sum();
    let (leads, deals): (usize, usize) = (of("lead"), of("opportunity"));
    (leads > 0 && deals > 0).then_some((leads, deals))
}

/// Of Odoo's one table the leads are under review.
fn when_leads(batches: &Batches) -> String {
    let Some((leads, deals)) = odoo_leads(batches) else { return String::new() };
    format!(
        "\n# {leads} rows are leads and {deals} are opportunities. A file is one table here: the opportunities are only\n\
         # compared with. To have them reviewed as deals, export them to a file of their own (filter: Type is Opportunity).\n\
         [batch.when]\nlead = {{ type = \"lead\" }}\n"
    )
}

pub(super) fn switched_off(too_much: &[TooMuch]) -> String {
    let mut toml = String::from("\n[checks]\n");
    if too_much.is_empty() {
        toml += "off = []                     # codes of checks that are not wanted, such as \"OWN-06\"\n";
        return toml;
    }
    toml += "# These would flag more than a third of what they look at: set their rules, or allow in\n# rules/boundary.toml what they lack, then take them out.\noff = [\n";
    for TooMuch { check, flagged, examined, lacking } in too_much {
        let lacking: Vec<String> = lacking.iter().map(|it| in_comment(it)).collect();
        let first = if lacking.is_empty() {
            String::new()
        } else {
            format!("; no rule gives what each of them lacks: {}", lacking.join(", "))
        };
        let _ = writeln!(
            toml,
            "  \"{}\",  # {flagged} of {examined} flagged{first}; its rules: rules/{}, [{}]",
            check.code,
            check.family.file(),
            check.name
        );
    }
    toml += "]\n";
    toml
}

/// What there is to say of a folder that is there already.
pub(super) fn compared(dir: &Path, more: &str) -> String {
    let dir = dir.display();
    if more.is_empty() {
        format!(
            "{dir} is there already, and the exports say nothing beyond it; nothing was written\n"
        )
    } else {
        format!(
            "{dir} is there already, and nothing was written. Beyond it, the exports say:\n{more}\n\
             Take over what is right; `crm-review rules check` says whether it holds together.\n"
        )
    }
}

/// The text of a file with the line by which editors find its schema.
pub(super) fn with_schema(folder: &str, file: &str, text: &str) -> String {
    format!("#:schema {folder}/{}\n{text}", config::schema_name(file))
}

/// What there is to say of a known column that the export has more than once.
fn twice(column: &str) -> String {
    format!("`{column}` stands twice in the export, so neither is read: leave one of them out")
}

pub(super) fn summary(
    dir: &Path,
    crm: Crm,
    tables: &BTreeMap<Object, DraftTable>,
    unused: &[(String, String)],
    batches: &Batches,
    work: Option<&Work>,
) -> String {
    let whose = match crm {
        Crm::Odoo => "an Odoo",
        Crm::Salesforce => "a Salesforce",
        Crm::HubSpot => "a HubSpot",
        Crm::Other => "a CRM",
    };
    let mut text = format!("Drafted {} from {whose} export\n\n", dir.display());
    for (object, table) in tables {
        let listed = table.fields.iter().filter(|field| field.off.is_none()).count();
        // What files of one table have in common is one column.
        let columns = table.files.iter().flat_map(|export| &export.header);
        let columns = columns.collect::<BTreeSet<_>>().len();
        let rows = batches.get(*object).map_or(0, Batch::len);
        let _ = writeln!(
            text,
            "  {:<20} {:<24} {listed} of {columns} columns allowed",
            files(table).join(", "),
            object.counted(rows)
        );
    }
    text += &left_out(tables, unused, batches);
    if let Some((leads, deals)) = odoo_leads(batches) {
        let _ = writeln!(
            text,
            "\nOf the rows read as leads {deals} are opportunities: only the other {leads} are under review.\n\
             To have the opportunities reviewed as deals, export them to a file of their own (filter: Type is Opportunity)."
        );
    }
    let _ = write!(
        text,
        "\nEvery inferred line in rules/ carries the figure behind it.\n\
         Next: name the approver in rules/approvals.toml, then\n\n  crm-review run {}",
        folder::typed(dir)
    );
    let Some(work) = work else { return text + "\n" };
    let _ = writeln!(text, " --as-of {}", work.as_of());
    if work.only.is_some() {
        let _ = writeln!(
            text,
            "\n{}.\nIf they were exported later, put that day behind --as-of.",
            newest(work)
        );
    }
    if work.ahead > 0 {
        let said = if work.only.is_some() { String::new() } else { newest(work) + "; " };
        let _ = writeln!(text, "\n{said}{}.", slips(work.ahead));
    }
    text
}

/// The columns, files and rows that are left out, and why.
fn left_out(
    tables: &BTreeMap<Object, DraftTable>,
    unused: &[(String, String)],
    batches: &Batches,
) -> String {
    let mut text = String::new();
    for (object, table) in tables {
        for export in &table.files {
            for column in catalogue::doubled(*object, &export.header) {
                let _ = writeln!(text, "  {}: {}", export.file, twice(column));
            }
        }
        for field in table.fields.iter().filter(|field| field.slips) {
            let (column, why) = (field.from.join("`, `"), field.off.as_deref().unwrap_or_default());
            let _ =
                writeln!(text, "  `{column}` is not read: {why}; put that right and draft again");
        }
    }
    for (file, why) in unused {
        let _ = writeln!(text, "  {file:<14} not used: {why}");
    }
    for aside in &batches.aside {
        let _ = writeln!(text, "  {aside}");
    }
    text
}
