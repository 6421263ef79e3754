//! Examples that stand beside the rules: records by their fields, and what must or must not fire.
//!
//! An example is judged by the very checks that judge a week's records, through the same boundary.
//! Does not: touch the disk, or weaken a check.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::boundary::{
    Boundary, Exposure, Field, Kind, Load, Object, RecordRef, Row, Shown, id_key, ids,
};
use crate::finding::Finding;
use crate::policy::{Document, Log, Node, Problems, Section, Value, meant, quoted};

use super::condition::fold;
use super::history::is_called;
use super::{ALL, AsOf, Bench, CheckDef, Outcome, Policies, Pulled, Report, World};

/// The file of the examples, below `rules/`.
pub const EXAMPLES: &str = "examples.toml";

/// The word that stands for every check in `quiet`.
const EVERYTHING: &str = "all";

/// Every example, and the records that all of them share.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// The examples, in the order written.
    pub all: Vec<Example>,
    reference: Vec<Entry>,
}

/// Records, and what the checks must say of them.
#[derive(Debug, Clone)]
pub struct Example {
    /// What its owner calls it.
    pub name: String,
    /// 1-based line.
    pub line: usize,
    as_of: Option<NaiveDate>,
    entries: Vec<Entry>,
    fires: Vec<&'static CheckDef>,
    quiet: Quiet,
}

/// What must not fire.
#[derive(Debug, Clone)]
enum Quiet {
    /// Nothing but what has to.
    All,
    /// These checks.
    These(Vec<&'static CheckDef>),
}

/// One record by its fields.
#[derive(Debug, Clone)]
struct Entry {
    object: Object,
    line: usize,
    values: Vec<(Field, String)>,
}

/// What came of an example.
#[derive(Debug, Default)]
pub struct Tried {
    /// What is not as it should be, one sentence each; empty when the example holds.
    pub wrong: Vec<String>,
    /// What fired, with its headline.
    pub fired: Vec<(&'static CheckDef, String)>,
    /// What did not look, and why.
    pub idle: Vec<(&'static CheckDef, String)>,
    /// The routing rules that took a record of it, by kind of record and position.
    pub rules: BTreeSet<(Object, usize)>,
}

impl Examples {
    /// Reads the file; what is wrong goes to its log.
    pub fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let reference = root.section("reference");
        let reference = reference.map(|section| entries(&section, boundary)).unwrap_or_default();
        let all = root.sections("example");
        let all = all.iter().filter_map(|section| Example::parse(section, boundary)).collect();
        Self { all, reference }
    }

    /// Reads the text of the whole file.
    pub fn read(text: &str, boundary: &Boundary) -> Result<Self, Problems> {
        let log = Log::default();
        let document = Document::parse(&format!("rules/{EXAMPLES}"), text, &log);
        let examples = Self::parse(&document.root(&log), boundary);
        log.finish(examples)
    }

    /// Judges one of them by the rules. Days are of a zone; an example that names no day is judged on
    /// the one that is handed in.
    pub fn judge(
        &self,
        example: &Example,
        policies: &Policies,
        off: &BTreeSet<String>,
        (today, zone): (NaiveDate, Tz),
    ) -> Tried {
        let bench = Bench::load(policies, &policies.boundary, off);
        let mut reads = bench.reads();
        let mut tried = Tried::default();
        let mut entries: Vec<Entry> = self.reference.clone();
        entries.extend(example.entries.iter().cloned());
        tried.wrong.extend(with_ids(&mut entries));
        let mut tables: BTreeMap<Object, Vec<&Entry>> = BTreeMap::new();
        for entry in &entries {
            tables.entry(entry.object).or_default().push(entry);
            // What an example says is read, so that a check that is off cannot hide a mistake.
            reads.extend(entry.values.iter().map(|(field, _)| field.clone()));
        }
        let mut pulled = Pulled::default();
        for (object, entries) in tables {
            match admitted(&policies.boundary, object, &entries, &reads, zone) {
                Ok(batch) => pulled.insert(batch),
                Err(why) => tried.wrong.push(why),
            }
            if let Some(batch) = pulled.get_mut(object) {
                let own: BTreeSet<usize> = example.entries.iter().map(|it| it.line).collect();
                let is_own =
                    |row: Row<'_>| usize::try_from(row.line()).is_ok_and(|at| own.contains(&at));
                batch.put_under_review(is_own);
            }
        }
        let as_of = AsOf::new(example.as_of.unwrap_or(today), zone);
        let world = World::new(&pulled, as_of, policies, NonZeroUsize::MIN);
        for object in policies.routing.objects() {
            let taken = world.routed().taken(&world, object);
            tried.rules.extend(taken.iter().filter_map(|one| Some((object, one.rule?))));
        }
        tried.hear(&bench.run(&world));
        tried.wrong.extend(example.unmet(&tried));
        tried
    }
}

impl Tried {
    /// Takes down what each check came to. One that failed holds for nothing: it might have fired.
    fn hear(&mut self, reports: &[Report]) {
        for Report { check, outcome, .. } in reports {
            match outcome {
                Outcome::Ran(judgement) => {
                    let headlines = judgement.findings.iter().map(|it| it.headline.clone());
                    self.fired.extend(headlines.map(|said| (*check, said)));
                }
                Outcome::NotApplicable(why) => self.idle.push((*check, why.to_string())),
                Outcome::Broken => {
                    let CheckDef { code, name, .. } = check;
                    self.wrong.push(format!(
                        "`{code}` {name} failed: a fault of this program, please report it"
                    ));
                }
            }
        }
    }
}

impl Example {
    /// What it says of the checks and they do not do.
    fn unmet(&self, tried: &Tried) -> Vec<String> {
        let mut unmet = Vec::new();
        for check in &self.fires {
            if tried.fired.iter().any(|(it, _)| it.code == check.code) {
                continue;
            }
            let why = tried.idle.iter().find(|(it, _)| it.code == check.code);
            let why = why.map_or_else(String::new, |(_, why)| format!(": {why}"));
            unmet.push(format!("`{}` {} does not fire{why}", check.code, check.name));
        }
        for (check, headline) in &tried.fired {
            let must_not = match &self.quiet {
                Quiet::All => !self.fires.iter().any(|it| it.code == check.code),
                Quiet::These(quiet) => quiet.iter().any(|it| it.code == check.code),
            };
            if must_not {
                unmet.push(format!("`{}` {} fires: {headline}", check.code, check.name));
            }
        }
        unmet
    }

    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let name = section.required_text("name");
        let as_of = section.date("as_of").map(|said| said.value);
        let fires = checks(section, "fires");
        let quiet = if section.texts("quiet").iter().any(|said| said.value == EVERYTHING) {
            Quiet::All
        } else {
            Quiet::These(checks(section, "quiet"))
        };
        let entries = entries(section, boundary);
        if entries.is_empty() {
            section.problem_with_hint(
                section.line(),
                "this example has no record",
                "give it one, like lead = { country = \"France\", owner = \"Ann Ng\" }",
            );
        }
        if !section.has("fires") && !section.has("quiet") {
            section.problem_with_hint(
                section.line(),
                "this example says neither what `fires` nor what stays `quiet`",
                "like fires = [\"RTE-01\"] or quiet = \"all\"",
            );
        }
        let (name, line) = (name?, section.line());
        Some(Self { name: name.trim().to_owned(), line, as_of, entries, fires, quiet })
    }

    /// True where no record of it has a value beside its id.
    pub fn is_bare(&self) -> bool {
        self.entries.iter().all(|entry| {
            entry.values.iter().all(|(field, _)| field.name() == entry.object.row_key())
        })
    }

    /// The checks that it says fire, and whether it says of a check that it stays quiet.
    pub fn is_about(&self, check: &CheckDef) -> bool {
        let quiet = match &self.quiet {
            Quiet::All => false,
            Quiet::These(quiet) => quiet.iter().any(|it| it.code == check.code),
        };
        quiet || self.fires.iter().any(|it| it.code == check.code)
    }
}

/// The checks that a key names by code or name.
fn checks(section: &Section<'_>, key: &str) -> Vec<&'static CheckDef> {
    let mut checks: Vec<&CheckDef> = Vec::new();
    for said in section.texts(key) {
        if let Some(check) = ALL.iter().find(|check| check.is_called(said.value)) {
            checks.push(check);
            continue;
        }
        let known = ALL.iter().flat_map(|check| [check.code, check.name]);
        section.problem_with_hint(
            said.line,
            format!("there is no check `{}`", said.value),
            meant(said.value, known, || "`crm-review checks` lists them".to_owned()),
        );
    }
    checks
}

/// The records that a section holds, each below the name of its table.
fn entries(section: &Section<'_>, boundary: &Boundary) -> Vec<Entry> {
    let mut entries = Vec::new();
    for object in Object::ALL {
        for record in section.one_or_several(object.key()) {
            let values = record.entries().filter_map(|(name, node)| {
                let field = match boundary.field(object, name) {
                    Ok(field) => field,
                    Err(missing) => {
                        record.problem_with_hint(
                            name.line,
                            missing.to_string(),
                            "an example can only use fields that are allowed and explained",
                        );
                        return None;
                    }
                };
                // Where an id belongs, a person may write a name; see `with_ids`.
                let fits = |text: &String| field.kind() == Kind::Id || field.kind().fits(text);
                let text = text_of(node).filter(fits);
                if text.is_none() {
                    let kind = field.kind().word();
                    record.problem(node.line, format!("`{field}` is a {kind}, and this is none"));
                }
                Some((field, text?))
            });
            let values = values.collect();
            entries.push(Entry { object, line: record.line(), values });
        }
    }
    entries
}

/// Puts ids in the place of names: whom an example calls by name is one of its users, queues or
/// accounts. Says which names are nobody's.
fn with_ids(entries: &mut [Entry]) -> Vec<String> {
    let value = |entry: &Entry, name: &str| {
        entry.values.iter().find(|(field, _)| field.name() == name).map(|(_, text)| text.clone())
    };
    let named: BTreeMap<String, String> = entries
        .iter()
        .filter(|entry| matches!(entry.object, Object::User | Object::Queue | Object::Account))
        .filter_map(|entry| Some((fold(&value(entry, "name")?), value(entry, "id")?)))
        .collect();
    let mut unknown = Vec::new();
    for entry in entries {
        let (object, line) = (entry.object, entry.line);
        for (field, text) in entry.values.iter_mut().filter(|(it, _)| it.kind() == Kind::Id) {
            if let Some(id) = named.get(&fold(text)) {
                text.clone_from(id);
            } else if !field.kind().fits(text) {
                unknown.push(format!(
                    "line {line}: no user, queue or account of the example is the `{}` of the {object}",
                    field.name()
                ));
            }
        }
    }
    unknown
}

/// A value as an export would have it.
fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Whole(whole) => Some(whole.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::List(_) | Value::Table(_) => None,
    }
}

/// The records of one table, through the boundary.
fn admitted(
    boundary: &Boundary,
    object: Object,
    entries: &[&Entry],
    reads: &BTreeSet<Field>,
    zone: Tz,
) -> Result<crate::boundary::Batch, String> {
    let fields: Vec<&Field> = boundary.fields(object).collect();
    let column = |field: &Field| field.from().first().cloned().unwrap_or_default();
    let header: Vec<String> = fields.iter().map(|field| column(field)).collect();
    let file = format!("rules/{EXAMPLES}");
    let map =
        boundary.admit(object, &file, &header, reads, zone).map_err(|error| error.to_string())?;
    let mut intake = map.intake();
    for entry in entries {
        let unnamed = format!("EXAMPLE{}", entry.line);
        let value = |field: &Field| {
            let said = entry.values.iter().find(|(it, _)| it == field).map(|(_, it)| it.as_str());
            let names_it = field.name() == "id" && Object::REVIEWED.contains(&object);
            said.unwrap_or(if names_it { unnamed.as_str() } else { "" })
        };
        let cells: Vec<&str> = map
            .wanted()
            .iter()
            .map(|at| fields.get(*at).map_or("", |field| value(field)))
            .collect();
        let line = u64::try_from(entry.line).unwrap_or_default();
        intake.row(line, &cells).map_err(|misfit| {
            format!("line {}: `{}` is not read: {}", entry.line, misfit.field, misfit.why)
        })?;
    }
    let load = map.close(intake.into()).map_err(|error| error.to_string())?;
    Ok(Load::join(object, vec![load], reads, NonZeroUsize::MIN).0)
}

/// An example that keeps a check quiet about what it found once: the finding's records with the fields
/// that the check reads, and the users and queues that they name. A value that may not be shown is
/// left out, and the example says so. `None` where the finding is about rows that have no id of their own.
pub fn from_finding(
    check: &CheckDef,
    finding: &Finding,
    reads: &BTreeSet<Field>,
    pulled: &Pulled,
    as_of: NaiveDate,
) -> Option<String> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let find = |record: &RecordRef| pulled.get(record.object)?.find(&record.id);
    rows.extend(std::iter::once(&finding.record).chain(&finding.related).filter_map(find));
    if rows.is_empty() {
        return None;
    }
    let accounts = rows.iter().flat_map(|row| referred(*row, Object::Account, reads, pulled));
    let accounts: Vec<Row<'_>> = accounts.collect();
    add(&mut rows, accounts);
    let held: Vec<Row<'_>> = rows.iter().flat_map(|row| referring(*row, reads, pulled)).collect();
    add(&mut rows, held);
    for object in [Object::User, Object::Queue] {
        let owners = rows.iter().flat_map(|row| referred(*row, object, reads, pulled));
        let owners: Vec<Row<'_>> = owners.collect();
        add(&mut rows, owners);
    }
    let mut text = format!(
        "\n[[example]]\nname = {}\nas_of = {as_of}\nquiet = [\"{}\"]\n",
        quoted(&format!("{} is right as it is: {}", finding.record, check.name)),
        check.code
    );
    for row in rows {
        let fields = reads.iter().filter(|field| field.object() == row.object());
        let mut left_out = Vec::new();
        let mut values = Vec::new();
        for field in fields.clone() {
            match row.cell_within(field, exposure_of_values(row, field, reads)).shown() {
                Shown::Value(value) => {
                    values.push(format!("{} = {}", field.name(), literal(row, field, value)));
                }
                Shown::Blank => {}
                Shown::Masked(_) | Shown::Never | Shown::Withheld => left_out.push(field.name()),
            }
        }
        let key = row.object().row_key();
        if !fields.clone().any(|field| field.name() == key) {
            values.insert(0, format!("{key} = {}", quoted(row.id())));
        }
        if !left_out.is_empty() {
            text += &format!(
                "# Not written here, as it may not be shown: {}. Invent values if the example needs them.\n",
                left_out.join(", ")
            );
        }
        text += &format!("[[example.{}]]\n{}\n", row.object(), values.join("\n"));
    }
    Some(text)
}

/// How a value may be shown for the sake of another field: those of a change as the field that changed, and
/// not at all where none that is read goes by its name.
fn exposure_of_values(row: Row<'_>, field: &Field, reads: &BTreeSet<Field>) -> Exposure {
    let history = Object::FieldHistory;
    if field.object() != history || !matches!(field.name(), "old" | "new") {
        return Exposure::Shown;
    }
    let of = |it: &&Field| it.object() == history && it.name() == "field";
    let name = reads.iter().find(of).and_then(|of| row.text(of)).unwrap_or_default();
    let changed = reads.iter().filter(|it| it.object() != history && is_called(it, name));
    changed.map(Field::exposure).max().unwrap_or(Exposure::Never)
}

/// Adds rows that are not there yet.
fn add<'a>(rows: &mut Vec<Row<'a>>, more: Vec<Row<'a>>) {
    for row in more {
        let is_it =
            |known: &Row<'_>| known.object() == row.object() && known.position() == row.position();
        if !rows.iter().any(is_it) {
            rows.push(row);
        }
    }
}

/// The rows that name a record in one of the fields that are read: its deals, its campaigns, its
/// history, as far as an example can be read by a person.
fn referring<'a>(row: Row<'a>, reads: &BTreeSet<Field>, pulled: &'a Pulled) -> Vec<Row<'a>> {
    const MOST: usize = 20;
    let tables = pulled.iter().filter(|batch| {
        !matches!(batch.object(), Object::User | Object::Queue) && batch.object() != row.object()
    });
    let held = tables.flat_map(|batch| {
        let fields: Vec<&Field> = reads
            .iter()
            .filter(|field| field.object() == batch.object() && field.kind() == Kind::Id)
            .collect();
        let names = move |other: &Row<'_>| {
            let mut texts = fields.iter().filter_map(|field| other.text(field));
            texts.any(|text| ids(text).any(|id| id_key(id) == id_key(row.id())))
        };
        batch.rows().filter(names).take(MOST)
    });
    held.collect()
}

/// The rows of a table that a record names in one of the fields that are read, by id or by name.
fn referred<'a>(
    row: Row<'a>,
    object: Object,
    reads: &BTreeSet<Field>,
    pulled: &'a Pulled,
) -> Vec<Row<'a>> {
    let Some(batch) = pulled.get(object) else { return Vec::new() };
    let names = reads.iter().find(|field| field.object() == object && field.name() == "name");
    // Some exports write owners by name. A change names who made it, and one of owner two more.
    let may_name = |field: &&Field| {
        field.kind() == Kind::Id
            || (field.kind() == Kind::Name && object != Object::Account)
            || row.object() == Object::FieldHistory
    };
    let fields = reads.iter().filter(|field| field.object() == row.object()).filter(may_name);
    let mut found = Vec::new();
    for text in fields.filter_map(|field| row.text(field)) {
        found.extend(ids(text).filter_map(|id| batch.find(id)));
        if let Some(name) = names.filter(|_| object != Object::Account) {
            found.extend(batch.rows().filter(|other| other.text(name) == Some(text)));
        }
    }
    found
}

/// A value as TOML writes it and an example reads it. An instant is written as one: what a packet shows of
/// it leaves out the seconds and names a zone that no reader knows.
fn literal(row: Row<'_>, field: &Field, value: &str) -> String {
    let bare = match field.kind() {
        // A whole number that TOML has no room for is read from a text as well.
        Kind::Number => {
            value.parse::<i64>().is_ok()
                || (value.contains('.') && value.parse::<f64>().is_ok_and(f64::is_finite))
        }
        Kind::Flag => matches!(value, "true" | "false"),
        Kind::Date if value.parse::<NaiveDate>().is_ok() => true,
        Kind::Date => {
            let exact = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            return quoted(row.time(field).map(exact).as_deref().unwrap_or(value));
        }
        Kind::Id
        | Kind::Picklist
        | Kind::Email
        | Kind::Phone
        | Kind::Web
        | Kind::Name
        | Kind::Text
        | Kind::Address => false,
    };
    if bare { value.to_owned() } else { quoted(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_does_not_hold_where_a_check_failed() {
        let check = ALL.first().copied().unwrap();
        let reads = BTreeSet::new();
        let mut tried = Tried::default();
        tried.hear(&[Report { check, reads, outcome: Outcome::Broken }]);
        let [wrong] = &tried.wrong[..] else { panic!("{tried:?}") };
        assert!(wrong.starts_with(&format!("`{}` {} failed", check.code, check.name)), "{wrong}");
        assert!(tried.fired.is_empty() && tried.idle.is_empty());
    }
}
