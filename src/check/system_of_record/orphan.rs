//! SOR-05: a key that only one of the two systems knows.
//!
//! Does not: judge when one side is plainly a part only, or what the sync may still carry over.

use hashbrown::{HashMap, HashSet};

use crate::boundary::{Batch, Grant, Kind, Object, Outside, Row, id_key, letters};
use crate::check::settings::days;
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, System, is_no_key, policy, updated};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SOR-05",
    name: "orphan-key",
    family: Family::SystemOfRecord,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A record holds a key that the system of record does not have; or, where the system \
              holds customers only, the system has a key that no record of the CRM holds.",
    consequence: "Bills, contracts or usage belong to nobody in the CRM, or to something that is gone.",
    load,
};

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.system_of_record;
    if rules.orphan_off {
        return Err(CHECK.off_in_rules());
    }
    if rules.systems.is_empty() {
        return Err(Off::NoPolicy { file: FILE, write: "add a [[system]]" });
    }
    for system in &rules.systems {
        system.ask(grant)?;
        for compare in names(system) {
            grant.reads(&compare.field);
            grant.reads(&compare.theirs);
        }
    }
    let systems = rules.systems.clone();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for system in &systems {
            // Both sides are looked at, or neither is.
            let both = [system.object, Object::SystemRecord];
            match (world.batch(system.object), world.batch(Object::SystemRecord)) {
                (Some(batch), Some(extract)) if batch.has(&system.key) => {
                    let claimed = forward(world, system, batch, extract, &mut judgement);
                    if system.customers_only.is_some() {
                        backward(world, system, (batch, extract), &claimed, &mut judgement);
                    }
                }
                (Some(_), Some(_)) => {
                    let why = format!("the input has no `{}`", system.key.name());
                    judgement.skip_tables(system.object, both, &why);
                }
                (None, _) => judgement.skip_tables(system.object, both, "there is no input"),
                (_, None) => {
                    let why = format!("there is no extract of {}", system.name);
                    judgement.skip_tables(system.object, both, &why);
                }
            }
        }
        judgement
    }))
}

/// The comparisons of names, by which a lost key may be found again.
fn names(system: &System) -> impl Iterator<Item = &super::Compare> {
    system.compares.iter().filter(|compare| compare.field.kind() == Kind::Name)
}

/// How many of some keys the other side knows.
#[derive(Debug, Clone, Copy, Default)]
struct Coverage {
    known: usize,
    all: usize,
}

impl Coverage {
    fn add(&mut self, known: bool) {
        self.known += usize::from(known);
        self.all += 1;
    }

    fn is_below(self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a count of records held against a share")]
        let (known, all) = (self.known as f64, self.all as f64);
        known < share * all
    }
}

/// The keys that a table's records hold.
struct Keys<'a> {
    coverage: Coverage,
    /// Records under review whose key the system does not have.
    orphans: Vec<(Row<'a>, &'a str)>,
    /// Those whose key stands on another system's row.
    unclear: Vec<Row<'a>>,
    examined: usize,
}

impl<'a> Keys<'a> {
    fn of(world: &World<'a>, system: &System, batch: &'a Batch, extract: &'a Batch) -> Self {
        let created = world.policies.boundary.allowed(system.object, "created");
        let settled = world.as_of.hours_ago(system.sync_hours.value);
        let (coverage, orphans, unclear) = (Coverage::default(), Vec::new(), Vec::new());
        let mut keys = Self { coverage, orphans, unclear, examined: 0 };
        for row in batch.rows() {
            let Some(key) = system.key_of(row) else { continue };
            if system.is_unclear(extract, key) {
                keys.unclear.extend(row.is_under_review().then_some(row));
                continue;
            }
            let known = system.row_of(extract, key).is_some()
                || extract.outside(key) == Some(Outside::Excluded);
            keys.coverage.add(known);
            let fresh =
                created.as_ref().and_then(|field| row.time(field)).is_some_and(|at| at > settled);
            if !row.is_under_review() || fresh {
                continue;
            }
            keys.examined += 1;
            if !known {
                keys.orphans.push((row, key));
            }
        }
        keys
    }
}

/// The records under review of whose key this check has a finding.
pub(super) fn spoken_of(world: &World<'_>) -> HashSet<(Object, usize)> {
    let rules = &world.policies.system_of_record;
    let mut spoken = HashSet::new();
    for system in rules.systems.iter().filter(|_| !rules.orphan_off) {
        let tables = world.batch(system.object).zip(world.batch(Object::SystemRecord));
        let Some((batch, extract)) = tables.filter(|(batch, _)| batch.has(&system.key)) else {
            continue;
        };
        let keys = Keys::of(world, system, batch, extract);
        if !keys.coverage.is_below(rules.min_coverage.value) {
            spoken.extend(keys.orphans.iter().map(|(row, _)| (row.object(), row.position())));
        }
    }
    spoken
}

/// Records whose key the system does not have. Returns the positions of the system's rows that such
/// a record means all the same, its key being spelled differently.
fn forward<'a>(
    world: &World<'a>,
    system: &System,
    batch: &'a Batch,
    extract: &'a Batch,
    judgement: &mut Judgement,
) -> HashSet<usize> {
    let rules = &world.policies.system_of_record;
    let Keys { coverage, orphans, unclear, examined } = Keys::of(world, system, batch, extract);
    system.leave_unclear(unclear, judgement);
    if coverage.is_below(rules.min_coverage.value) {
        judgement.skip(
            system.object,
            &format!(
                "the extract of {} has only {} of their {} keys: it is a part of the system",
                system.name, coverage.known, coverage.all
            ),
        );
        return HashSet::new();
    }
    judgement.examined += examined;
    if orphans.is_empty() {
        return HashSet::new();
    }
    let alike = spelled_alike(system, extract, &orphans);
    let claimed = alike.values().map(|theirs| theirs.position()).collect();
    for (row, key) in orphans {
        let like = alike.get(bare(key).as_str()).copied();
        judgement.findings.push(lost(world, system, row, coverage, like));
    }
    claimed
}

/// A key without the case and the leading zeros that spreadsheets take away.
fn bare(key: &str) -> String {
    key.trim().trim_start_matches('0').to_lowercase()
}

/// The system's rows whose keys differ from an orphan's by case or leading zeros alone.
fn spelled_alike<'a>(
    system: &System,
    extract: &'a Batch,
    orphans: &[(Row<'a>, &str)],
) -> HashMap<String, Row<'a>> {
    let wanted: HashSet<String> = orphans.iter().map(|(_, key)| bare(key)).collect();
    let mut alike = HashMap::new();
    for theirs in extract.rows().filter(|theirs| system.owns(*theirs)) {
        let key = bare(theirs.id());
        if wanted.contains(&key) {
            alike.entry(key).or_insert(theirs);
        }
    }
    alike
}

fn lost(
    world: &World<'_>,
    system: &System,
    row: Row<'_>,
    coverage: Coverage,
    like: Option<Row<'_>>,
) -> Finding {
    let cell = row.cell(&system.key);
    let headline =
        format!("The {}'s key {} is not in {}", system.object, cell.shown(), system.name);
    let question = format!(
        "Was the {} deleted or merged in {}, or is its key wrong?",
        system.object, system.name
    );
    let fact = Evidence::Cell(cell);
    let mut finding =
        Finding::about(row.record(), headline, fact, Proposal::ReviewRecord { question })
            .because(Evidence::Figure {
                of: format!("keys of {} that the extract has", system.object.plural()),
                is: format!("{} of {}", coverage.known, coverage.all),
            })
            .because(policy(
                system.line,
                format!("{} holds the key of {}", system.key, system.name),
            ));
    let boundary = &world.policies.boundary;
    for name in ["created", "modified"] {
        if let Ok(field) = boundary.field(system.object, name) {
            finding = finding.because(Evidence::Cell(row.cell(&field)));
        }
    }
    let modified = boundary.allowed(system.object, "modified");
    let age = modified.and_then(|field| row.told_time(&field)).map(|at| world.as_of.days_since(at));
    if let Some(like) = like {
        finding = finding.with(like.record()).unless(format!(
            "{} has a key that differs by case or leading zeros only: a spreadsheet may have changed it",
            system.name
        ));
    }
    finding.unless(match age {
        Some(age @ 0..=7) => format!(
            "The {} was changed {} ago: the key may be newer than the extract",
            system.object,
            days(age)
        ),
        Some(_) | None => {
            format!("{} may have merged or closed it on purpose and keep it elsewhere", system.name)
        }
    })
}

/// Keys of the system that no record of the CRM holds.
fn backward<'a>(
    world: &World<'a>,
    system: &System,
    (batch, extract): (&'a Batch, &'a Batch),
    claimed: &HashSet<usize>,
    judgement: &mut Judgement,
) {
    let rules = &world.policies.system_of_record;
    // Of records that are left out the ids alone are known.
    if batch.excludes() && system.key.kind() != Kind::Id {
        let why = format!(
            "some {} are left out of the review, and their `{}` is not known: it is no field of kind id",
            system.object.plural(),
            system.key.name()
        );
        judgement.skip(Object::SystemRecord, &why);
        return;
    }
    let held: HashSet<&str> =
        batch.rows().filter_map(|row| system.key_of(row)).map(id_key).collect();
    let updated = updated(world);
    let settled = world.as_of.hours_ago(system.sync_hours.value);
    let mut coverage = Coverage::default();
    let mut orphans = Vec::new();
    for theirs in extract.rows().filter(|theirs| system.owns(*theirs)) {
        let key = theirs.id().trim();
        if is_no_key(key) {
            continue;
        }
        let known = held.contains(id_key(key)) || batch.excluded_holds(&system.key, key);
        coverage.add(known);
        let fresh =
            updated.as_ref().and_then(|field| theirs.time(field)).is_some_and(|at| at > settled);
        if !known && !fresh && !claimed.contains(&theirs.position()) {
            orphans.push(theirs);
        }
    }
    if coverage.is_below(rules.min_coverage.value) {
        judgement.skip(
            Object::SystemRecord,
            &format!(
                "only {} of the {} keys of {} are in the CRM's input: it is a part of the CRM",
                coverage.known, coverage.all, system.name
            ),
        );
        return;
    }
    let namesakes = namesakes(system, batch, &orphans);
    for theirs in orphans {
        let namesake = namesakes.get(&theirs.position()).copied();
        judgement.findings.push(unclaimed(world, system, theirs, coverage, namesake));
    }
}

/// Records without a key that are called as an orphan is.
fn namesakes<'a>(
    system: &System,
    batch: &'a Batch,
    orphans: &[Row<'a>],
) -> HashMap<usize, Row<'a>> {
    let mut found = HashMap::new();
    let Some(compare) = names(system).next().filter(|_| !orphans.is_empty()) else { return found };
    let plain = |name: &str| letters(name).collect::<String>();
    let by_name: HashMap<String, usize> = orphans
        .iter()
        .rev()
        .filter_map(|theirs| Some((plain(theirs.text(&compare.theirs)?), theirs.position())))
        .collect();
    for row in batch.rows().filter(|row| system.key_of(*row).is_none()) {
        let name = row.text(&compare.field).map(plain);
        if let Some(position) = name.and_then(|name| by_name.get(&name)) {
            found.entry(*position).or_insert(row);
        }
    }
    found
}

fn unclaimed(
    world: &World<'_>,
    system: &System,
    theirs: Row<'_>,
    coverage: Coverage,
    namesake: Option<Row<'_>>,
) -> Finding {
    let object = system.object;
    let headline = format!("{} has a customer whose key no {object} of the CRM holds", system.name);
    let question = format!("Which {object} is this customer of {}?", system.name);
    let line = system.customers_only.as_ref().map_or(system.line, |said| said.line);
    let key = world.policies.boundary.field(Object::SystemRecord, "key");
    let fact = match key {
        Ok(key) => Evidence::Cell(theirs.cell(&key)),
        Err(_) => Evidence::Figure { of: "key".to_owned(), is: theirs.id().to_owned() },
    };
    let mut finding =
        Finding::about(theirs.record(), headline, fact, Proposal::ReviewRecord { question })
            .because(Evidence::Figure {
                of: format!("keys of {} that a record of the CRM holds", system.name),
                is: format!("{} of {}", coverage.known, coverage.all),
            })
            .because(policy(line, format!("{} holds customers only", system.name)));
    if let Some(updated) = updated(world) {
        finding = finding.because(Evidence::Cell(theirs.cell(&updated)));
        if theirs.is_blank(&updated) {
            finding = finding.lacking("system_record.updated is blank");
        }
    }
    for compare in names(system) {
        finding = finding.because(Evidence::Cell(theirs.cell(&compare.theirs)));
        if let Some(row) = namesake {
            finding = finding.because(Evidence::Cell(row.cell(&compare.field)));
        }
    }
    match namesake {
        Some(row) => finding.with(row.record()).unless(format!(
            "The {object} {} has the same name and no key: it may be the one",
            row.id()
        )),
        None => finding.unless(format!(
            "The customer may have left, or be kept in the CRM under a merged {object}"
        )),
    }
}
