//! What a run reads, which of it is under review, and what the checks say of it.
//!
//! Does not: know an earlier run, or write anything.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use crate::boundary::{
    Admission, Batch, CHANGED, Exposure, Field, HAPPENED, Object, Outside, Row, id_key,
};
use crate::check::{
    AsOf, Bench, Condition, Fault, Groups, Outcome, Pulled, Report, When, World, dead_names,
};
use crate::config::{BatchDefinition, Config};
use crate::packet::{self, Note};
use crate::source::live::{Absent, Surroundings};
use crate::source::{self, Input, Origin};

use super::tally::Counted;
use super::{ReviewError, counted};

/// What was read and what the checks say of it.
pub(super) struct Judged {
    pub(super) as_of: AsOf,
    pub(super) pulled: Pulled,
    pub(super) counts: Vec<packet::Count>,
    pub(super) inputs: Vec<Input>,
    pub(super) admissions: Vec<Admission>,
    pub(super) reports: Vec<Report>,
    /// What the records under review have in common.
    pub(super) groups: Groups,
    pub(super) missing: Vec<String>,
    /// What a CRM would let this job do beyond reading, one sentence each.
    pub(super) wide: Vec<String>,
    /// What a reader should know of the input and of the rules.
    pub(super) notes: Vec<Note>,
    pub(super) newest: NewestChanges,
    /// Ids of the batch's list that no table has.
    pub(super) absent_ids: Vec<String>,
    /// Tables of whose changes none could be seen, while those of other tables came.
    pub(super) untold: BTreeSet<Object>,
}

/// By table and input, the day of the newest change that the records tell.
pub(super) type NewestChanges = BTreeMap<(Object, String), NaiveDate>;

/// The tables as they were read, and what became of each input.
pub(super) struct Records {
    pub(super) tables: Pulled,
    pub(super) inputs: Vec<Input>,
    pub(super) admissions: Vec<Admission>,
    /// Tables that a CRM does not have or does not show.
    pub(super) absent: Vec<Absent>,
    /// What a CRM would let this job do beyond reading, one sentence each.
    pub(super) wide: Vec<String>,
}

/// Reads what the checks ask for, of the exports and of the CRM if it may be asked, and says which records
/// are under review.
pub(super) fn pull(
    config: &Config,
    exports: &Path,
    surroundings: Option<Surroundings<'_>>,
    as_of: AsOf,
    threads: NonZeroUsize,
) -> Result<(Bench, Records), ReviewError> {
    let (bench, reads) = fields(config, as_of);
    let (boundary, zone) = (&config.boundary, config.zone);
    let files = &config.files.found(exports);
    let mut pull = source::pull(exports, files, boundary, &reads, zone, threads)?;
    if let Some((live, surroundings)) = config.live.as_ref().zip(surroundings) {
        pull.extend(source::ask(live, surroundings, files, boundary, &reads, zone)?);
    }
    let mut tables = Pulled::default();
    for batch in pull.batches {
        tables.insert(batch);
    }
    for object in Object::REVIEWED {
        if let Some(batch) = tables.get_mut(object) {
            put_under_review(batch, config, as_of);
        }
    }
    // Changes of fields are not kept by every CRM: then the checks say what they lack. Where some came, a
    // record without any looks like one that never changed.
    let has_changes = tables.get(Object::FieldHistory).is_some();
    let mut absent = pull.absent;
    absent.retain(|absent| absent.object != Object::FieldHistory || has_changes);
    let records = Records {
        tables,
        inputs: pull.inputs,
        admissions: pull.admissions,
        absent,
        wide: pull.wide,
    };
    Ok((bench, records))
}

pub(super) fn judge(
    config: &Config,
    exports: &Path,
    surroundings: Option<Surroundings<'_>>,
    as_of: AsOf,
    threads: NonZeroUsize,
) -> Result<Judged, ReviewError> {
    let (bench, Records { tables: pulled, inputs, admissions, absent, wide }) =
        pull(config, exports, surroundings, as_of, threads)?;
    let counts = pulled
        .iter()
        .map(|batch| packet::Count {
            object: batch.object(),
            admitted: batch.len(),
            reviewed: if Object::REVIEWED.contains(&batch.object()) {
                batch.reviewed_len()
            } else {
                0
            },
        })
        .collect();
    let (reports, groups, notes, newest) = {
        let world = World::new(&pulled, as_of, &config.policies, threads);
        let newest = newest_changes(config, &world);
        let reports = bench.run(&world);
        let groups = Groups::count(&world, &reports);
        let stale = stale(config, &newest, &world).map(Note::plain);
        let told = stale.into_iter().chain(unsettled(&admissions)).chain(misnamed(&world));
        let told = told.chain(untaken(&config.batch, &pulled)).chain(unmatched(config, &pulled));
        (reports, groups, told.collect(), newest)
    };
    let mut missing = missing(config, &inputs, &admissions, &reports);
    missing.extend(
        absent.iter().map(|it| format!("{} is not there, or this login may not see it", it.name)),
    );
    let changes = absent.iter().filter(|absent| absent.object == Object::FieldHistory);
    let untold = changes.map(|absent| absent.of).collect();
    let absent_ids = absent_ids(&config.batch, &pulled);
    Ok(Judged {
        as_of,
        pulled,
        counts,
        inputs,
        admissions,
        reports,
        groups,
        missing,
        wide,
        notes,
        newest,
        absent_ids,
        untold,
    })
}

/// The day of the newest change that each input under review tells. What lies ahead has not happened.
///
/// That a record was made on a day is no proof that nothing happened later: of a table that does not say when
/// its records changed, other dates of what happened count, and the days on which its deals closed.
pub(super) fn newest_changes(config: &Config, world: &World<'_>) -> NewestChanges {
    let as_of = world.as_of;
    let end = as_of.end();
    let mut newest: BTreeMap<(Object, &str), DateTime<Utc>> = BTreeMap::new();
    for object in Object::REVIEWED {
        let Some(batch) = world.batch(object) else { continue };
        let named = |name: &str| config.boundary.allowed(object, name);
        let mut fields = change_fields(config, object);
        let mut close = None;
        if !says_changes(config, batch) {
            fields.extend(HAPPENED.into_iter().filter_map(named));
            let is_dated = named("closed_date").is_some_and(|field| batch.has(&field));
            close = named("close_date").filter(|_| object == Object::Deal && !is_dated);
        }
        for row in batch.rows() {
            let close = close.iter().filter(|_| world.is_over(row));
            let changes = fields.iter().chain(close).filter_map(|field| row.time(field));
            if let Some(last) = changes.filter(|at| *at < end).max() {
                let newest = newest.entry((object, row.file())).or_insert(last);
                *newest = last.max(*newest);
            }
        }
    }
    let day = |at: DateTime<Utc>| at.with_timezone(&as_of.zone).date_naive();
    newest.into_iter().map(|((object, file), at)| ((object, file.to_owned()), day(at))).collect()
}

/// True for a table with the column that says when its records changed.
fn says_changes(config: &Config, batch: &Batch) -> bool {
    let modified = config.boundary.allowed(batch.object(), "modified");
    modified.is_some_and(|field| batch.has(&field))
}

/// That the records are older than a weekly review's should be, if they are.
pub(super) fn stale(config: &Config, newest: &NewestChanges, world: &World<'_>) -> Option<String> {
    let (newest, after) = (newest.values().max()?, config.policies.input().stale_after_days);
    let days = (world.as_of.day - *newest).num_days();
    let mut tables = Object::REVIEWED.into_iter().filter_map(|object| world.batch(object));
    let what = if tables.any(|batch| says_changes(config, batch)) {
        "the newest change in the records is of"
    } else {
        "no column says when records changed, and the newest date of what happened to them is"
    };
    (days > i64::from(after)).then(|| {
        format!(
            "{what} {newest}, {days} days before the review: are these the latest exports? (`stale_after_days = {after}`, rules/batch.toml)"
        )
    })
}

/// Of which records several files hold versions that differ, without a date that tells which is newer.
fn unsettled(admissions: &[Admission]) -> impl Iterator<Item = Note> {
    admissions.iter().filter(|it| it.unsettled > 0).map(|it| {
        let files = admissions.iter().filter(|other| other.object == it.object);
        let before: Vec<&str> = files
            .take_while(|other| other.file != it.file)
            .map(|other| other.file.as_str())
            .collect();
        let says = format!(
            "of {} two versions came, and no date of change tells which is newer: what {} says was judged, and what {} says otherwise was set aside; give each table one export, or export the date of change",
            counted(it.unsettled, it.object.key()),
            before.join(" or "),
            it.file,
        );
        Note::plain(says)
    })
}

/// Whom the rules name and who cannot be given records, and stages that no record has, a line each.
pub(super) fn misnamed(world: &World<'_>) -> Vec<Note> {
    const SHOWN: usize = 5;
    let faults = dead_names(world);
    let note = |fault: &Fault| {
        let (place, code) = (&fault.place, fault.lint.code);
        let names = fault.lint.mailed;
        Note {
            says: format!("{place}: {}: {} ({code})", fault.message, fault.hint),
            mailed: format!("{place} names {names} ({code}); `crm-review rules check` says more"),
        }
    };
    let mut notes: Vec<Note> = faults.iter().take(SHOWN).map(note).collect();
    if let more @ 1.. = faults.len().saturating_sub(SHOWN) {
        let says =
            format!("so do {more} more places of the rules; `crm-review rules check` lists them");
        notes.push(Note::plain(says));
    }
    notes
}

/// The tables of which the batch's conditions take no record, a line each: as if all were well with them.
pub(super) fn untaken(definition: &BatchDefinition, pulled: &Pulled) -> Vec<Note> {
    let note = |(object, when): (Object, &When)| {
        let batch = pulled.get(object).filter(|_| definition.is_about(object))?;
        if batch.is_empty() || batch.rows().any(|row| when.holds(row)) {
            return None;
        }
        let none = format!("`[batch]` takes none of {}", counted(batch.len(), object.key()));
        let held_by_none =
            |it: &&Condition| batch.rows().all(|row| !it.holds(row)) && batch.has(&it.field);
        let why = match when.all.iter().find(held_by_none) {
            Some(condition) => held(batch, &condition.field),
            None => format!("its conditions are: {}", when.words()),
        };
        let mailed = format!("{none}; the packet says more");
        Some(Note { says: format!("{none}: {why}"), mailed })
    };
    definition.when.iter().filter_map(note).collect()
}

/// What a field holds in a table, the most frequent values first.
fn held(batch: &Batch, field: &Field) -> String {
    const SHOWN: usize = 5;
    let name = field.name();
    let values = match field.exposure() {
        Exposure::Shown => batch.count_by(field),
        Exposure::Masked | Exposure::Never => Vec::new(),
    };
    if batch.rows().all(|row| row.is_blank(field)) {
        return format!("`{name}` is blank in these exports");
    }
    if values.is_empty() {
        return format!("no record's `{name}` is as it asks");
    }
    let first: Vec<&str> = values.iter().take(SHOWN).map(|(value, _)| value.trim()).collect();
    let more = if values.len() > SHOWN { ", ..." } else { "" };
    format!("`{name}` is {}{more} in these exports", first.join(", "))
}

/// That ids which `[excluded]` lists are in no table. Which, is not told: whoever is left out may be gone.
pub(super) fn unmatched(config: &Config, pulled: &Pulled) -> Option<Note> {
    let file = config.boundary.exclusions_file()?;
    let exclusions = config.boundary.exclusions();
    let is_absent = |(of, id): &(Option<Object>, &str)| {
        let mut tables = pulled.iter().filter(|it| of.is_none_or(|of| of == it.object()));
        tables.all(|batch| batch.find(id).is_none() && batch.outside(id).is_none())
    };
    let (all, absent) = (exclusions.iter().count(), exclusions.iter().filter(is_absent).count());
    let are = if absent == 1 { "is" } else { "are" };
    (absent > 0).then(|| {
        let says = format!("{absent} of the {all} ids of rules/{} {are} in no input", file.value);
        Note::plain(says)
    })
}

/// The checks, and every field that they, the batch, the metric and the packet read.
pub(super) fn fields(config: &Config, as_of: AsOf) -> (Bench, BTreeSet<Field>) {
    let bench = Bench::load(&config.policies, &config.boundary, &config.off);
    let mut reads = bench.reads();
    reads.extend(batch_fields(config));
    reads.extend(Counted::of(config, as_of).fields().cloned());
    // Dates what the packet quotes of a record.
    let tables: BTreeSet<Object> = reads.iter().map(Field::object).collect();
    reads.extend(tables.iter().filter_map(|it| config.boundary.allowed(*it, "modified")));
    reads.extend(tables.iter().flat_map(|it| config.boundary.outside_fields(*it)).cloned());
    (bench, reads)
}

/// The fields that the batch definition itself needs, and those that tell how new its records are.
fn batch_fields(config: &Config) -> BTreeSet<Field> {
    let mut fields: BTreeSet<Field> = config.batch.when.fields().cloned().collect();
    if config.batch.changed_within_days.is_some() {
        fields
            .extend(Object::REVIEWED.into_iter().flat_map(|object| change_fields(config, object)));
    }
    fields
}

/// The fields that tell how new a record is. Whether it is under review, only `modified` says.
fn change_fields(config: &Config, object: Object) -> Vec<Field> {
    CHANGED.into_iter().filter_map(|name| config.boundary.allowed(object, name)).collect()
}

fn put_under_review(batch: &mut Batch, config: &Config, as_of: AsOf) {
    let (object, definition) = (batch.object(), &config.batch);
    if !definition.is_about(object) {
        batch.put_under_review(|_| false);
        return;
    }
    let changed = config.boundary.allowed(object, "modified");
    let since = definition.changed_within_days.map(|days| as_of.days_ago(days));
    let recent = |row: Row<'_>| {
        since.is_none_or(|since| {
            // A record that does not say when it changed is reviewed: silence is no reason to skip it.
            // When it was made says nothing of when it changed.
            changed.as_ref().and_then(|field| row.time(field)).is_none_or(|at| at >= since)
        })
    };
    let when = definition.when.of(object);
    batch.put_under_review(|row| {
        recent(row)
            && when.is_none_or(|when| when.holds(row))
            && definition.ids.as_ref().is_none_or(|ids| ids.contains(id_key(row.id())))
    });
}

/// The ids of the batch's list that are in no table it is about. Of one that is excluded nothing is said.
fn absent_ids(definition: &BatchDefinition, pulled: &Pulled) -> Vec<String> {
    let is_absent = |id: &&String| {
        let mut tables = pulled.iter().filter(|batch| definition.is_about(batch.object()));
        tables.all(|batch| batch.find(id).is_none() && batch.outside(id) != Some(Outside::Excluded))
    };
    definition.ids.iter().flatten().filter(is_absent).cloned().collect()
}

/// What keeps the packet from being complete, one sentence each.
fn missing(
    config: &Config,
    inputs: &[Input],
    admissions: &[Admission],
    reports: &[Report],
) -> Vec<String> {
    let mut missing = Vec::new();
    let limit = config.policies.max_set_aside();
    for (input, admission) in inputs.iter().zip(admissions) {
        let aside = input.set_aside(admission);
        #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
        let share = aside as f64 / (input.tally.rows_read.max(1)) as f64;
        if share > limit {
            missing.push(format!(
                "{aside} of {} rows of {} were set aside ({:.1} %; more than {:.1} % make a packet incomplete), {}",
                input.tally.rows_read,
                input.file,
                share * 100.0,
                limit * 100.0,
                input.first_set_aside(admission),
            ));
        }
        if input.tally.looks_truncated {
            missing
                .push(format!("{} ends in the middle of a row: the export looks cut", input.file));
        }
        if let Origin::Crm(asked) = &input.origin {
            missing.extend(asked.gaps.iter().cloned());
        }
        if let Some(line) = input.tally.second_table {
            missing.push(format!(
                "{} holds a second table from line {line}, which was not read",
                input.file
            ));
        }
    }
    for report in reports {
        if matches!(report.outcome, Outcome::Broken) {
            missing.push(format!(
                "the check {} failed inside the program and says nothing this week",
                report.check.code
            ));
        }
    }
    missing
}

/// The fields that checks read and for which no input of their table has a column, in a sentence; those that
/// an earlier run had, or that may be hidden, are told otherwise.
pub(super) fn columnless(
    inputs: &[Input],
    admissions: &[Admission],
    lost: &BTreeSet<Field>,
) -> Option<String> {
    let open = absences(inputs, admissions).filter(|(input, _)| !input.may_hide());
    let absent: BTreeSet<&Field> = open.flat_map(|(_, absent)| absent).collect();
    let is_there = |field: &Field| {
        let mut tables = admissions.iter().filter(|it| it.object == field.object());
        tables.any(|it| !it.absent.contains(field))
    };
    let nowhere: Vec<&Field> =
        absent.into_iter().filter(|field| !lost.contains(*field) && !is_there(field)).collect();
    (!nowhere.is_empty()).then(|| {
        format!(
            "no input has a column for {}, which the checks see as blank: list the columns' names in rules/boundary.toml, or take the fields out",
            named(&nowhere)
        )
    })
}

/// The tables under review of which a CRM shows no record: they may be empty, or hidden from this login.
pub(super) fn empty(inputs: &[Input]) -> Vec<Note> {
    let is_empty = |input: &&Input| {
        let asked = matches!(input.origin, Origin::Crm(_));
        asked && input.tally.rows_read == 0 && Object::REVIEWED.contains(&input.object)
    };
    let empty = inputs.iter().filter(is_empty).map(|input| {
        let says = format!(
            "{}: this login sees no record of it; where there are some, give it the rights that docs/live-sources.md names",
            input.file
        );
        Note::plain(says)
    });
    empty.collect()
}

/// The fields that checks, the batch or the packet read and that a CRM does not show, a sentence for each of
/// its tables; those that an earlier run had are told otherwise. What they hold is not blank but unknown, so
/// nothing that is judged without them is complete.
pub(super) fn hidden(
    inputs: &[Input],
    admissions: &[Admission],
    lost: &BTreeSet<Field>,
) -> Vec<String> {
    let tables = absences(inputs, admissions).filter(|(input, _)| input.may_hide());
    let words = tables.filter_map(|(input, absent)| {
        let fields: Vec<&Field> = absent.iter().filter(|field| !lost.contains(*field)).collect();
        let (are, them) = if fields.len() == 1 { ("is", "it") } else { ("are", "them") };
        (!fields.is_empty()).then(|| {
            format!(
                "{}: {} {are} not there, or this login may not see {them}, and what is judged by {them} was judged without (give the login the right to see {them}, or take {them} out of rules/boundary.toml)",
                input.file,
                named(&fields)
            )
        })
    });
    words.collect()
}

/// Each input with the fields that are read and that it has no column for.
fn absences<'i>(
    inputs: &'i [Input],
    admissions: &'i [Admission],
) -> impl Iterator<Item = (&'i Input, &'i [Field])> {
    inputs.iter().zip(admissions).map(|(input, admission)| (input, admission.absent.as_slice()))
}

/// Fields with the columns that they come from.
fn named(fields: &[&Field]) -> String {
    let named = fields.iter().map(|field| format!("`{field}` ({})", field.from().join(" or ")));
    named.collect::<Vec<_>>().join(", ")
}
