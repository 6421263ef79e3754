//! What exports say about the rules: stages, sources, required fields, routing; each with its figure.
//!
//! A line is only drafted where the data supports it clearly; otherwise the shipped rules stay as they
//! are, with their explanation. Thresholds are stated beside the lines they decide.
//! Does not: read a column the draft does not list.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{Days, Duration, NaiveDate};
use hashbrown::HashMap;

use crate::boundary::{Batch, CHANGED, Exposure, Field, HAPPENED, Kind, Object, Row};
use crate::check::{Family, fold};
use crate::policy::quoted;

use super::spellings::Spellings;
use super::stages::{AccountTypes, Ladder, deal_ladder, holds, ladders, lifecycle};
use super::text::{in_comment, quoted_list};
use super::{Batches, examples};

/// Fewer records than this say nothing about a rule.
const MIN_RECORDS: usize = 30;
/// Fewer records than this in a segment say nothing about who gets it, or how large its companies are.
const MIN_SEGMENT: usize = 15;
/// A field that at least this share fills from a stage on is taken as required there.
const REQUIRED_SHARE: f64 = 0.97;
/// A segment whose records one owner holds to at least this share is taken as routed to them.
const ROUTED_SHARE: f64 = 0.9;
/// A source is taken as governed when it names at least this share of the records.
const SOURCE_SHARE: f64 = 0.005;

/// Every rules file: the shipped text, and what these exports add to it.
pub(super) fn rules(batches: &Batches) -> BTreeMap<String, String> {
    let ladders = ladders(batches);
    let types = AccountTypes::of(batches);
    Family::ALL
        .into_iter()
        .map(|family| {
            let shipped = family.shipped();
            let shipped = types.as_ref().map_or(shipped.to_owned(), |it| it.in_rules(shipped));
            let shipped = shipped.as_str();
            let text = match family {
                Family::Lifecycle => {
                    let shipped = disqualified(&billed(shipped, batches), batches);
                    with(&shipped, &lifecycle(&ladders))
                }
                Family::Required => with(shipped, &required(batches, &ladders)),
                Family::Routing => {
                    let (shipped, rules) = routing(shipped, batches);
                    with(&shipped, &(rules + &bands(batches)))
                }
                Family::LeadSource => lead_source(&kept_sources(shipped, batches), batches),
                Family::Owners => {
                    managed(&owners(shipped, batches), batches) + &shared_owners(batches)
                }
                Family::SystemOfRecord => watched(shipped, batches),
                Family::Batch | Family::Duplicates => shipped.to_owned(),
            };
            (family.file().to_owned(), text)
        })
        .collect()
}

fn with(shipped: &str, drafted: &str) -> String {
    if drafted.is_empty() {
        format!("{shipped}\n# Nothing could be drafted from the exports: they do not say enough.\n")
    } else {
        let (shipped, drafted) = examples::beside(shipped, drafted);
        format!(
            "{shipped}\n# ---- Drafted from the exports; every line says from what figure. ----\n\n{drafted}"
        )
    }
}

/// Days without a change behind which few later ones are errors.
const SILENCE: i64 = 60;

/// When these exports show work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    /// The last day of it.
    pub(super) newest: NaiveDate,
    /// What happened on that day, where no table of that field says when its records changed.
    pub(super) only: Option<Field>,
    /// Dates behind that day.
    pub(super) ahead: usize,
    /// The last change of each record, where it says one, oldest first.
    last: Vec<NaiveDate>,
}

/// Dates with how often each stands there, and of what it is.
type Dates = BTreeMap<NaiveDate, (usize, Field)>;

impl Work {
    /// What the exports say of when records were made and changed. Few dates (no more than one in a
    /// thousand) that follow on a silence are typing errors and plans.
    ///
    /// That the newest record was made on a day is no proof that nothing changed later: of a table that does
    /// not say when its records changed, other dates of what happened count until today.
    pub(super) fn of(batches: &Batches, today: NaiveDate) -> Option<Self> {
        let mut days = Dates::new();
        let mut other = Dates::new();
        let mut last = Vec::new();
        for object in Object::REVIEWED {
            let Some(batch) = batches.get(object) else { continue };
            let named = |names: &[&str]| -> Vec<Field> {
                let fields = names.iter().filter_map(|name| batches.field(object, name));
                fields.filter(|field| batch.has(field)).collect()
            };
            let fields = named(&CHANGED);
            let says_changes = fields.iter().any(|field| field.name() == "modified");
            let happened = if says_changes { Vec::new() } else { named(&HAPPENED) };
            let closes = named(&["close_date"]).pop().filter(|_| {
                let is_dated = happened.iter().any(|field| field.name() == "closed_date");
                object == Object::Deal && !says_changes && !is_dated
            });
            let ended = closes.map(|close| (Ended::of(batches), close));
            for row in batch.rows() {
                let day = |field: &Field| row.time(field).map(|at| at.date_naive());
                let own: Vec<NaiveDate> =
                    fields.iter().filter_map(|field| note(&mut days, field, day(field))).collect();
                // Of a table that does not say when its records changed every record is under review.
                last.extend(own.first().filter(|_| says_changes));
                for field in &happened {
                    note(&mut other, field, day(field));
                }
                if let Some((_, close)) = ended.as_ref().filter(|(ended, _)| ended.has(row)) {
                    note(&mut other, close, day(close));
                }
            }
        }
        last.sort_unstable();
        let made = behind_silence(&days);
        let until = made.map_or(today, |(newest, _)| newest.max(today));
        let happened = other.range(..=until).next_back().map(|(day, _)| *day);
        let newest = made.map(|(newest, _)| newest).max(happened)?;
        let of = days.get(&newest).or_else(|| other.get(&newest)).map(|(_, field)| field.clone());
        Some(Self {
            newest,
            only: of.filter(|field| field.name() != "modified"),
            ahead: made.map_or(0, |(_, ahead)| ahead),
            last,
        })
    }

    /// The day to judge as of: the one after the last day of work.
    pub(super) fn as_of(&self) -> NaiveDate {
        self.newest.succ_opt().unwrap_or(self.newest)
    }

    /// Of how many records it is known when they changed.
    pub(super) fn known(&self) -> usize {
        self.last.len()
    }

    /// How many of them changed within so many days before that day.
    pub(super) fn changed_within(&self, days: u32) -> usize {
        let since = self.as_of().checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN);
        self.last.len() - self.last.partition_point(|day| *day < since)
    }
}

/// Counts a day, and gives it. A change says more than what else happened on that day.
fn note(days: &mut Dates, field: &Field, day: Option<NaiveDate>) -> Option<NaiveDate> {
    let (count, of) = days.entry(day?).or_insert_with(|| (0, field.clone()));
    *count += 1;
    if field.name() == "modified" && of.name() != "modified" {
        *of = field.clone();
    }
    day
}

/// The last day before the few that follow on a silence, and how many dates those are.
fn behind_silence(days: &Dates) -> Option<(NaiveDate, usize)> {
    let few = days.values().map(|(count, _)| count).sum::<usize>() / 1_000;
    let mut ahead = 0;
    let mut later = 0;
    let mut newest = *days.keys().next_back()?;
    let mut at = newest;
    for (day, (count, _)) in days.iter().rev() {
        if (at - *day).num_days() >= SILENCE {
            newest = *day;
            ahead = later;
        }
        later += count;
        at = *day;
        if later > few {
            break;
        }
    }
    Some((newest, ahead))
}

/// Which deals are over: by a flag beside the stage, or by the stage.
struct Ended {
    closed: Option<Field>,
    stages: Option<(Field, BTreeSet<String>)>,
}

impl Ended {
    fn of(batches: &Batches) -> Self {
        let stages = deal_ladder(batches).map(|ladder| (ladder.field.clone(), ladder.ended()));
        Self { closed: batches.field(Object::Deal, "closed"), stages }
    }

    fn has(&self, deal: Row<'_>) -> bool {
        let flag = self.closed.as_ref().and_then(|field| deal.flag(field));
        let by_stage = || {
            let (field, stages) = self.stages.as_ref()?;
            Some(stages.contains(&fold(deal.text(field)?)))
        };
        flag.or_else(by_stage).unwrap_or_default()
    }
}

pub(super) fn percent(part: usize, whole: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "record counts are far below 2^52")]
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    format!("{share:.1} %")
}

pub(super) fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "record counts are far below 2^52")]
    let share = part as f64 / whole.max(1) as f64;
    share
}

/// Fields nobody types in, or that other checks look after.
const NOT_REQUIRED: [&str; 32] = [
    "id",
    "owner",
    "created",
    "modified",
    "last_activity",
    "stage_changed",
    "converted",
    "converted_date",
    "converted_account",
    "converted_contact",
    "converted_deal",
    "opted_out",
    "customer",
    "do_not_route",
    "in_sequence",
    "record_type",
    "parent",
    "closed",
    "won",
    "probability",
    "push_count",
    "forecast",
    "marketing_status",
    "external_id",
    "lead_source",
    "first_name",
    "currency",
    "closed_date",
    "next_step_date",
    "deleted",
    "excluded",
    "last_sync",
];

/// Fields that are filled out of habit: they are required only where a stage shows it.
const BY_HABIT: [&str; 9] =
    ["city", "postal_code", "state", "street", "title", "phone", "mobile", "website", "employees"];

fn required(batches: &Batches, ladders: &[Ladder]) -> String {
    let mut toml = String::new();
    for ladder in ladders {
        let Some(batch) = batches.get(ladder.object) else { continue };
        let progress = progress(batches, batch, ladder);
        for field in batches.boundary.fields(ladder.object) {
            if NOT_REQUIRED.contains(&field.name())
                || field.name().starts_with("became_")
                || field == &ladder.field
                || !batch.has(field)
            {
                continue;
            }
            let Some((rank, Filled { of, filled }, which)) = usual_from(batch, field, &progress)
            else {
                continue;
            };
            if rank == 0 && BY_HABIT.contains(&field.name()) {
                continue;
            }
            let Some((stage, _)) = ladder.order.get(rank) else { continue };
            let _ = write!(
                toml,
                "[[require]]  # filled in {} of the {of} {}{which} from this stage on\nobject = \"{}\"\nfield = \"{}\"\nfrom = {}\n\n",
                percent(filled, of),
                ladder.object.plural(),
                ladder.object,
                field.name(),
                quoted(stage),
            );
        }
    }
    toml
}

/// How far the records of a ladder have come.
struct Progress {
    /// How many stages the ladder has; who won is beyond them.
    stages: usize,
    /// Of each record its stage, where that is on the ladder, and whether it is older than a week.
    records: Vec<(Option<usize>, bool)>,
}

fn progress(batches: &Batches, batch: &Batch, ladder: &Ladder) -> Progress {
    // What came in the last week may still be filled in, and a field that a form lost just now is a fault.
    let created = batches.field(ladder.object, "created");
    let made = |row: Row<'_>| created.as_ref().and_then(|field| row.time(field));
    let week = batch.rows().filter_map(made).max().map(|newest| newest - Duration::days(7));
    let is_settled = |row: Row<'_>| made(row).zip(week).is_none_or(|(at, week)| at < week);
    let ranks: HashMap<&str, Option<usize>> = batch
        .count_by(&ladder.field)
        .into_iter()
        .map(|(stage, _)| (stage, ladder.rank(stage.trim())))
        .collect();
    let rank = |row: Row<'_>| *ranks.get(row.text(&ladder.field)?)?;
    let records = batch.rows().map(|row| (rank(row), is_settled(row))).collect();
    Progress { stages: ladder.order.len(), records }
}

/// How many records there are, and how many of them fill a field.
#[derive(Debug, Clone, Copy, Default)]
struct Filled {
    of: usize,
    filled: usize,
}

impl Filled {
    fn and(self, other: Self) -> Self {
        Self { of: self.of + other.of, filled: self.filled + other.filled }
    }

    fn is_usual(self) -> bool {
        self.of >= MIN_RECORDS && share(self.filled, self.of) >= REQUIRED_SHARE
    }
}

/// The first stage from which on a field is usually filled: in all records, or else in those older than a
/// week, which the words then say.
fn usual_from(
    batch: &Batch,
    field: &Field,
    progress: &Progress,
) -> Option<(usize, Filled, &'static str)> {
    let mut all = vec![Filled::default(); progress.stages + 1];
    let mut settled = all.clone();
    for (row, (rank, is_settled)) in batch.rows().zip(&progress.records) {
        let Some(rank) = *rank else { continue };
        let one = Filled { of: 1, filled: usize::from(!row.is_blank(field)) };
        let counts = [Some(&mut all), is_settled.then_some(&mut settled)];
        for at in counts.into_iter().flatten().filter_map(|counts| counts.get_mut(rank)) {
            *at = at.and(one);
        }
    }
    // From the last stage to the first: who has come further has been at each before.
    let (mut first, mut of_all, mut of_settled) = (None, Filled::default(), Filled::default());
    for (rank, (all, settled)) in all.into_iter().zip(settled).enumerate().rev() {
        (of_all, of_settled) = (of_all.and(all), of_settled.and(settled));
        let usual = [(of_all, ""), (of_settled, " older than a week")];
        let usual = usual.into_iter().find(|(filled, _)| filled.is_usual());
        let usual = usual.filter(|_| rank < progress.stages);
        first = usual.map(|(filled, which)| (rank, filled, which)).or(first);
    }
    first
}

/// The size bands that the segments in use amount to. They need a table of who covers what, so they
/// are drafted as a comment.
fn bands(batches: &Batches) -> String {
    for object in [Object::Lead, Object::Contact, Object::Account] {
        let Some(batch) = batches.get(object) else { continue };
        let (Some(segment), Some(size)) =
            (batches.field(object, "segment"), batches.field(object, "employees"))
        else {
            continue;
        };
        let mut sizes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for row in batch.rows() {
            if let (Some(segment), Some(size)) = (row.text(&segment), row.number(&size)) {
                sizes.entry(segment.trim()).or_default().push(size);
            }
        }
        sizes.retain(|_, sizes| sizes.len() >= MIN_SEGMENT);
        let mut bands: Vec<(f64, f64, &str, usize)> = sizes
            .into_iter()
            .filter_map(|(segment, mut sizes)| {
                sizes.sort_by(f64::total_cmp);
                // One record in twenty at either end may be wrong.
                let edge = sizes.len() / 20;
                let low = sizes.get(edge).copied()?;
                let high = sizes.get(sizes.len() - 1 - edge).copied()?;
                Some((low, high, segment, sizes.len()))
            })
            .collect();
        bands.sort_by(|a, b| a.0.total_cmp(&b.0));
        let apart = bands.iter().zip(bands.iter().skip(1)).all(|(lower, upper)| lower.1 < upper.0);
        if bands.len() < 2 || !apart {
            continue;
        }
        let mut toml = format!(
            "# The {} say these bands; to judge by them, add [coverage] with a table of who covers what:\n# [segment]\n# field = \"employees\"\n# bands = [\n",
            object.plural()
        );
        for (low, high, segment, n) in bands {
            let _ = writeln!(
                toml,
                "#   {{ name = {}, from = {low}, to = {high} }},  # {n} {}, the middle 90 %",
                quoted(segment),
                object.plural()
            );
        }
        return toml + "# ]\n";
    }
    String::new()
}

/// Records that have some values in common, and who holds them.
struct Routed {
    when: Vec<(Field, String)>,
    to: Vec<String>,
    n: usize,
    held: usize,
}

/// The fields by which leads are usually routed.
const ROUTED_BY: [&str; 6] = ["country", "state", "segment", "industry", "region", "lead_source"];

/// The shipped rules with what holds for the drafted ones, in the place it has there: below a section it would be
/// that section's. And the drafted rules.
fn routing(shipped: &str, batches: &Batches) -> (String, String) {
    let (mut text, mut rules) = (shipped.to_owned(), String::new());
    for object in [Object::Lead, Object::Contact] {
        let (Some(batch), Some(owner)) = (batches.get(object), batches.field(object, "owner"))
        else {
            continue;
        };
        if !batch.has(&owner) {
            continue;
        }
        let fields: Vec<Field> = ROUTED_BY
            .iter()
            .filter_map(|name| batches.field(object, name))
            .filter(|field| batch.has(field) && field.kind() == Kind::Picklist)
            .collect();
        let holdings = Holdings::of(batches, batch, &owner);
        let best =
            most_routed(fields.iter().map(|field| holdings.routed(batch.rows(), field, &fields)));
        let Some(routed) = best.filter(|routed| routed.len() >= 2) else { continue };
        let objects = format!("objects = [\"{object}\"]  # whose rules are drafted below; ");
        text = text.replacen("# objects = [\"lead\"]        # ", &objects, 1);
        let waiting = batches.get(Object::Queue).map_or(0, |queues| {
            let owners = batch.rows().filter_map(|row| row.text(&owner));
            owners.filter(|owner| queues.find(owner).is_some()).count()
        });
        if waiting > 0 {
            // Who holds such records in the end is no word on how they come there.
            let line = "# records_wait_in_queues = false      # true: ";
            let drafted = format!("records_wait_in_queues = true  # {waiting} lie in queues: ");
            text = text.replacen(line, &drafted, 1);
        }
        for Routed { when, to, n, held } in routed {
            let name: Vec<_> =
                when.iter().map(|(field, value)| format!("{} {value}", field.name())).collect();
            let when: Vec<_> = when
                .iter()
                .map(|(field, value)| format!("{} = {}", field.name(), quoted(value)))
                .collect();
            let names: Vec<&str> = to.iter().filter_map(|owner| name_of(batches, owner)).collect();
            let to = match to.as_slice() {
                [one] => quoted(one),
                pool => format!("{{ pool = {} }}", quoted_list(pool.iter().map(String::as_str))),
            };
            let to = if names.is_empty() {
                to
            } else {
                format!("{to}  # {}", in_comment(&names.join(", ")))
            };
            let _ = write!(
                rules,
                "[[rule]]  # {} of {n} {} like this are theirs\nname = {}\nwhen = {{ {} }}\nto = {to}\n\n",
                percent(held, n),
                object.plural(),
                quoted(&name.join(", ")),
                when.join(", "),
            );
        }
        // Only one table's routing is drafted: rules are ordered, and two tables share one list.
        let off = "\n[unroutable]\noff = true  # of records that no drafted rule takes, the exports do not say where they belong\n";
        text = text.replacen("\n# [unroutable]\n", off, 1);
        break;
    }
    (text, rules)
}

/// The way of routing that takes most records; of several that take as many the one that asks for the
/// fewest values, and then the first.
fn most_routed(ways: impl Iterator<Item = Vec<Routed>>) -> Option<Vec<Routed>> {
    ways.min_by_key(|way| {
        let taken: usize = way.iter().map(|routed| routed.n).sum();
        let asked: usize = way.iter().map(|routed| routed.when.len()).sum();
        (Reverse(taken), asked)
    })
}

/// Who holds the records of a table.
struct Holdings<'b> {
    batches: &'b Batches,
    owner: &'b Field,
    /// How many records each owner has.
    all: BTreeMap<&'b str, usize>,
    total: usize,
}

impl<'b> Holdings<'b> {
    fn of(batches: &'b Batches, batch: &'b Batch, owner: &'b Field) -> Self {
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for owner in batch.rows().filter_map(|row| row.text(owner)) {
            *all.entry(owner.trim()).or_default() += 1;
        }
        let total = all.values().sum();
        Self { batches, owner, all, total }
    }

    /// The values of a field that go to somebody, and, of those that go to several people, the values of
    /// the second field that divides most of their records.
    fn routed(
        &self,
        rows: impl Iterator<Item = Row<'b>>,
        field: &Field,
        fields: &[Field],
    ) -> Vec<Routed> {
        let mut divided = Vec::new();
        let mut whole = Vec::new();
        for (value, rows) in by_value(rows, field) {
            let when = (field.clone(), value);
            if let Some((to, held, n)) = self.holders(&rows) {
                whole.push(Routed { when: vec![when], to, n, held });
                continue;
            }
            let within = |second: &Field| -> Vec<Routed> {
                by_value(rows.iter().copied(), second)
                    .into_iter()
                    .filter_map(|(value, rows)| {
                        let (to, held, n) = self.holders(&rows)?;
                        let when = vec![when.clone(), (second.clone(), value)];
                        Some(Routed { when, to, n, held })
                    })
                    .collect()
            };
            let best = most_routed(fields.iter().filter(|second| *second != field).map(within));
            divided.extend(best.unwrap_or_default());
        }
        // The first rule that takes a record wins, so what says more stands first.
        divided.extend(whole);
        divided
    }

    /// The one who holds nearly all of some records, or the few who share them evenly, with how many of
    /// how many they hold.
    fn holders(&self, rows: &[Row<'b>]) -> Option<(Vec<String>, usize, usize)> {
        /// More people than this are no pool but everybody.
        const POOL: usize = 5;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for owner in rows.iter().filter_map(|row| row.text(self.owner)) {
            *counts.entry(owner.trim()).or_default() += 1;
        }
        let n: usize = counts.values().sum();
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(owner, count)| (Reverse(*count), *owner));
        for size in 1..=POOL.min(counts.len()) {
            let pool = counts.get(..size)?;
            let held: usize = pool.iter().map(|(_, count)| count).sum();
            if n < MIN_SEGMENT * size || share(held, n) < ROUTED_SHARE {
                continue;
            }
            let is_even = pool.iter().all(|(_, count)| share(*count, held) * 2.0 >= share(1, size));
            let everywhere: usize = pool.iter().filter_map(|(owner, _)| self.all.get(owner)).sum();
            // Those who own nearly everything own this too: that is no rule.
            let is_theirs = share(everywhere, self.total) < ROUTED_SHARE / 2.0;
            let are_there = pool.iter().all(|(owner, _)| is_active(self.batches, owner));
            return (is_even && is_theirs && are_there)
                .then(|| (pool.iter().map(|(owner, _)| (*owner).to_owned()).collect(), held, n));
        }
        None
    }
}

/// Records by the value of a field, as most of them spell it; those without one are left out.
fn by_value<'b>(
    rows: impl Iterator<Item = Row<'b>>,
    field: &Field,
) -> BTreeMap<String, Vec<Row<'b>>> {
    let mut written: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        if let Some(value) = row.text(field) {
            written.entry(value.trim()).or_default().push(row);
        }
    }
    let mut spellings = Spellings::default();
    for (value, rows) in &written {
        spellings.add(value, rows.len());
    }
    let mut values: BTreeMap<String, Vec<Row<'_>>> = BTreeMap::new();
    for (value, rows) in written {
        values.entry(spellings.usual(value).to_owned()).or_default().extend(rows);
    }
    values
}

/// The name of a user or queue whose id it is.
pub(super) fn name_of<'b>(batches: &'b Batches, id: &str) -> Option<&'b str> {
    [Object::User, Object::Queue]
        .into_iter()
        .find_map(|object| batches.get(object)?.find(id)?.text(&batches.field(object, "name")?))
}

/// True unless the users' table says that the owner left.
fn is_active(batches: &Batches, owner: &str) -> bool {
    let (Some(users), Some(active)) =
        (batches.get(Object::User), batches.field(Object::User, "active"))
    else {
        return true;
    };
    let name = batches.field(Object::User, "name");
    let named = |row: &Row<'_>| name.as_ref().and_then(|name| row.text(name)) == Some(owner);
    let user = users.find(owner).or_else(|| users.rows().find(named));
    user.is_none_or(|user| user.flag(&active) != Some(false))
}

/// Sources are taken to be those of the first touch where they are hardly ever replaced, and to be kept
/// where what leads became mostly has theirs.
fn kept_sources(shipped: &str, batches: &Batches) -> String {
    /// Of more leads than this share the source is replaced where it is not that of the first touch.
    const REPLACED_SHARE: f64 = 0.05;
    let (Some(leads), Some(source)) =
        (batches.get(Object::Lead), batches.field(Object::Lead, "lead_source"))
    else {
        return shipped.to_owned();
    };
    let mut text = shipped.to_owned();
    let replaced = replaced_sources(batches, leads, &source);
    if replaced > 0 && leads.len() >= MIN_RECORDS && share(replaced, leads.len()) <= REPLACED_SHARE
    {
        let drafted = format!(
            "objects = [\"lead\"]          # of {} leads the source of {replaced} was ever replaced: ",
            leads.len()
        );
        text = text.replacen(
            "objects = []                # the tables whose",
            &(drafted + "the tables whose"),
            1,
        );
    }
    let (kept, pairs) = converted_sources(batches, leads, &source);
    if pairs >= MIN_SEGMENT && share(kept, pairs) >= ROUTED_SHARE {
        let drafted = format!(
            "objects = [\"contact\"]       # {kept} of {pairs} contacts have the source of their lead: "
        );
        text =
            text.replacen("objects = []                # what keeps", &(drafted + "what keeps"), 1);
    }
    text
}

/// How many leads had a source before the one they have, by the field history.
fn replaced_sources(batches: &Batches, leads: &Batch, source: &Field) -> usize {
    let field = |name| batches.field(Object::FieldHistory, name);
    let (Some(history), Some(changed), Some(old)) =
        (batches.get(Object::FieldHistory), field("field"), field("old"))
    else {
        return 0;
    };
    let is_source = |row: &Row<'_>| {
        let named = row.text(&changed).unwrap_or_default();
        source.from().iter().any(|column| column.eq_ignore_ascii_case(named)) && !row.is_blank(&old)
    };
    let replaced = history.rows().filter(is_source).filter_map(|row| leads.find(row.id()));
    replaced.map(Row::position).collect::<BTreeSet<_>>().len()
}

/// Of how many leads and the contacts they became both have a source, and of how many it is the same.
fn converted_sources(batches: &Batches, leads: &Batch, source: &Field) -> (usize, usize) {
    let (Some(contacts), Some(became), Some(theirs)) = (
        batches.get(Object::Contact),
        batches.field(Object::Lead, "converted_contact"),
        batches.field(Object::Contact, "lead_source"),
    ) else {
        return (0, 0);
    };
    let same = leads.rows().filter_map(|lead| {
        let contact = contacts.find(lead.text(&became)?)?;
        Some(lead.text(source)?.trim() == contact.text(&theirs)?.trim())
    });
    same.fold((0, 0), |(kept, pairs), same| (kept + usize::from(same), pairs + 1))
}

/// Fields whose changes the history keeps are watched for going back and forth; stages, owners and sources have
/// checks of their own.
fn watched(shipped: &str, batches: &Batches) -> String {
    const ELSEWHERE: &[&str] = &["owner", "lead_source", "stage", "status", "lifecycle"];
    let field = |name| batches.field(Object::FieldHistory, name);
    let (Some(history), Some(of), Some(_), Some(_)) =
        (batches.get(Object::FieldHistory), field("field"), field("old"), field("new"))
    else {
        return shipped.to_owned();
    };
    let names = history.count_by(&of);
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for (object, batch) in Object::REVIEWED.iter().filter_map(|it| Some((it, batches.get(*it)?))) {
        for field in batches.boundary.fields(*object) {
            let is_it = |name: &str| field.from().iter().any(|it| it.eq_ignore_ascii_case(name));
            let is_kept = names.iter().any(|(name, _)| is_it(name));
            let may_be_shown = field.exposure() == Exposure::Shown;
            if !is_kept || !may_be_shown || ELSEWHERE.contains(&field.name()) {
                continue;
            }
            let changes = history.rows().filter(|row| row.text(&of).is_some_and(is_it));
            let changes = changes.filter(|row| batch.find(row.id()).is_some()).count();
            if changes > 0 {
                kept.insert(field.to_string(), changes);
            }
        }
    }
    if kept.is_empty() {
        return shipped.to_owned();
    }
    let mut drafted = "fields = [  # whose changes the history keeps\n".to_owned();
    for (field, changes) in kept {
        let times = if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") };
        let _ = writeln!(drafted, "  {},  # {times}", quoted(&field));
    }
    drafted.push(']');
    shipped.replacen("fields = []               # e.g. [\"account.industry\"]", &drafted, 1)
}

/// True for a source that says nothing.
fn is_weak(source: &str) -> bool {
    const WEAK: &[&str] = &["other", "unknown", "n/a", "none", "offline"];
    WEAK.contains(&fold(source).as_str())
}

fn lead_source(shipped: &str, batches: &Batches) -> String {
    let mut sources = Spellings::default();
    for object in [Object::Lead, Object::Contact, Object::Deal] {
        let (Some(batch), Some(field)) =
            (batches.get(object), batches.field(object, "lead_source"))
        else {
            continue;
        };
        for (value, n) in batch.count_by(&field) {
            sources.add(value, n);
        }
    }
    let counts = sources.values();
    let total: usize = counts.iter().map(|(_, n)| n).sum();
    let governed: Vec<_> =
        counts.iter().filter(|(_, n)| *n >= 5 && share(*n, total) >= SOURCE_SHARE).collect();
    let named: usize = governed.iter().map(|(_, n)| n).sum();
    if total < MIN_RECORDS || share(named, total) < 0.9 {
        return with(shipped, &campaign_sources(batches, &sources, |_| true));
    }
    // What the governed list does not have cannot be proposed.
    let is_governed = |source: &str| governed.iter().any(|(known, _)| known == source);
    let campaigns = campaign_sources(batches, &sources, is_governed);
    let weak: Vec<&str> = counts
        .iter()
        .filter(|(value, _)| is_weak(value))
        .map(|(value, _)| value.as_str())
        .collect();
    let mut toml = format!(
        "# {} values name {} of {total} records; the other {} values are rarer than 1 in 200.\n[taxonomy]\nvalues = [\n",
        governed.len(),
        percent(named, total),
        counts.len() - governed.len(),
    );
    for (value, n) in &governed {
        let _ = writeln!(toml, "  {},  # {n} records, {}", quoted(value), percent(*n, total));
    }
    toml += "]\n";
    let default = "values = [\"Other\", \"Unknown\", \"N/A\"]";
    let shipped = if weak.is_empty() {
        shipped.to_owned()
    } else {
        let found = format!("values = {}  # as these exports write them", quoted_list(weak));
        shipped.replacen(default, &found, 1)
    };
    with(&shipped, &(toml + "\n" + &campaigns))
}

/// Which lead source the records have whose first campaign was of a type, where nearly all agree on one that
/// may be proposed.
fn campaign_sources(
    batches: &Batches,
    spellings: &Spellings,
    is_governed: impl Fn(&str) -> bool,
) -> String {
    let object = Object::CampaignMember;
    let (Some(members), Some(record), Some(responded)) =
        (batches.get(object), batches.field(object, "record"), batches.field(object, "responded"))
    else {
        return String::new();
    };
    let Some(channel) = batches.field(object, "channel").filter(|field| members.has(field)) else {
        return String::new();
    };
    let mut first: BTreeMap<&str, (chrono::DateTime<chrono::Utc>, &str)> = BTreeMap::new();
    for row in members.rows() {
        let (Some(person), Some(at), Some(channel)) =
            (row.text(&record), row.time(&responded), row.text(&channel))
        else {
            continue;
        };
        let answer = (at, channel.trim());
        let known = first.entry(person.trim()).or_insert(answer);
        *known = (*known).min(answer);
    }
    let channels = Spellings::of(members, &channel);
    let mut sources: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (person, (_, channel)) in first {
        let source = [Object::Lead, Object::Contact].into_iter().find_map(|object| {
            let field = batches.field(object, "lead_source")?;
            batches.get(object)?.find(person)?.text(&field)
        });
        if let Some(source) = source {
            let sources = sources.entry(channels.usual(channel)).or_default();
            *sources.entry(spellings.usual(source)).or_default() += 1;
        }
    }
    let mut toml = String::new();
    for (channel, sources) in sources {
        let n: usize = sources.values().sum();
        let most = sources.into_iter().max_by_key(|(source, n)| (*n, Reverse(*source)));
        let Some((source, agree)) = most.filter(|_| n >= MIN_SEGMENT) else { continue };
        if share(agree, n) >= ROUTED_SHARE && !is_weak(source) && is_governed(source) {
            let _ = writeln!(
                toml,
                "{} = {}  # {} of {n} records whose first campaign was of this type",
                quoted(channel),
                quoted(source),
                percent(agree, n)
            );
        }
    }
    if toml.is_empty() { toml } else { format!("[campaign-sources]\n{toml}\n") }
}

/// Leads whose status says that they will not buy.
fn disqualified(shipped: &str, batches: &Batches) -> String {
    const SAYS: &[&str] =
        &["disqualif", "unqualif", "not qualified", "not converted", "nicht qualifiz"];
    let (Some(leads), Some(status)) =
        (batches.get(Object::Lead), batches.field(Object::Lead, "status"))
    else {
        return shipped.to_owned();
    };
    let counts = Spellings::of(leads, &status).values();
    let counts = counts.into_iter().filter(|(value, _)| holds(value, SAYS));
    let (says, counts): (Vec<String>, Vec<usize>) = counts.unzip();
    if says.is_empty() {
        return shipped.to_owned();
    }
    let (listed, n) = (quoted_list(says.iter().map(String::as_str)), counts.iter().sum::<usize>());
    let drafted = format!(
        "disqualified = {{ lead = {{ status = {listed} }} }}   # {n} leads, by these words; "
    );
    let line = "# disqualified = { lead = { status = \"Unqualified\" }, contact = { status = \"Unqualified\" } }   # ";
    shipped.replacen(line, &drafted, 1)
}

/// Where billing says who is a customer, that bears a stage out which no deal does.
fn billed(shipped: &str, batches: &Batches) -> String {
    let figures = [Object::Contact, Object::Account].into_iter().filter_map(|object| {
        let (batch, field) = (batches.get(object)?, batches.field(object, "customer")?);
        let billed = batch.rows().filter(|row| row.flag(&field) == Some(true)).count();
        Some(format!("{billed} of {} {}", batch.len(), object.plural()))
    });
    let figures: Vec<String> = figures.collect();
    if figures.is_empty() {
        return shipped.to_owned();
    }
    let drafted = format!("billed = \"customer\"       # {}: ", figures.join(", "));
    shipped.replacen("# billed = \"customer\"     # ", &drafted, 1)
}

fn owners(shipped: &str, batches: &Batches) -> String {
    const SERVICE: &[&str] = &[
        "integration",
        "api user",
        "automat",
        "marketo",
        "pardot",
        "hubspot",
        "zapier",
        "sync",
        "data loader",
        "system",
    ];
    let (Some(users), Some(name)) =
        (batches.get(Object::User), batches.field(Object::User, "name"))
    else {
        return shipped.to_owned();
    };
    let named = users.rows().filter_map(|row| Some((row.id(), row.text(&name)?)));
    let service: Vec<(&str, &str)> = named.filter(|(_, name)| holds(name, SERVICE)).collect();
    if service.is_empty() {
        return shipped.to_owned();
    }
    let mut found =
        format!("users = [  # by their names: {} of {} users\n", service.len(), users.len());
    for (id, name) in service {
        let _ = writeln!(found, "  {},  # {}", quoted(id), in_comment(name));
    }
    found.push(']');
    shipped.replacen("users = []", &found, 1)
}

/// Owners are taken to have managers where those of most active users are active, too.
fn managed(shipped: &str, batches: &Batches) -> String {
    /// What falls short of this is no rule with exceptions, but a field that nobody keeps.
    const ACTIVE_SHARE: f64 = 0.8;
    let field = |name| batches.field(Object::User, name);
    let (Some(users), Some(active), Some(manager)) =
        (batches.get(Object::User), field("active"), field("manager"))
    else {
        return shipped.to_owned();
    };
    let working = users.rows().filter(|row| row.flag(&active) == Some(true));
    let managers = working.filter_map(|row| users.find(row.text(&manager)?)?.flag(&active));
    let managers: Vec<bool> = managers.collect();
    let (all, there) = (managers.len(), managers.iter().filter(|active| **active).count());
    if all < MIN_SEGMENT || share(there, all) < ACTIVE_SHARE {
        return shipped.to_owned();
    }
    let worked = [Object::Lead, Object::Deal].into_iter();
    let worked: Vec<Object> =
        worked.filter(|object| batches.field(*object, "owner").is_some()).collect();
    if worked.is_empty() {
        return shipped.to_owned();
    }
    let drafted = format!(
        "managers_of = {}  # {there} of {all} active users with a manager have an active one: ",
        quoted_list(worked.into_iter().map(Object::key))
    );
    shipped.replacen("managers_of = []          # ", &drafted, 1)
}

/// Types of accounts whose people have the account's owner, wherever both owners have one role.
fn shared_owners(batches: &Batches) -> String {
    /// What falls short of this is no rule with exceptions, but none.
    const SAME_SHARE: f64 = 0.95;
    let field = |object, name| batches.field(object, name);
    let (Some(contacts), Some(accounts), Some(users)) =
        (batches.get(Object::Contact), batches.get(Object::Account), batches.get(Object::User))
    else {
        return String::new();
    };
    let (Some(account), Some(owner), Some(theirs), Some(kind), Some(role)) = (
        field(Object::Contact, "account"),
        field(Object::Contact, "owner"),
        field(Object::Account, "owner"),
        field(Object::Account, "type"),
        field(Object::User, "role"),
    ) else {
        return String::new();
    };
    let role = |id: &str| users.find(id)?.text(&role);
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for row in contacts.rows() {
        let pair = row.text(&account).and_then(|id| {
            let account = accounts.find(id)?;
            Some((account.text(&kind)?, row.text(&owner)?, account.text(&theirs)?))
        });
        let Some((kind, mine, theirs)) = pair else { continue };
        if let Some(shared) = role(mine).filter(|it| role(theirs) == Some(it)) {
            let (same, all) = counts.entry((kind, shared)).or_default();
            *same += usize::from(mine == theirs);
            *all += 1;
        }
    }
    let mut toml = String::new();
    for ((kind, role), (same, all)) in counts {
        if all >= MIN_RECORDS && share(same, all) >= SAME_SHARE {
            let (kind, role) = (quoted(kind), quoted(role));
            let _ = write!(
                toml,
                "\n[[split-ownership.pair]]\nobjects = [\"contact\"]\naccount_types = [{kind}]\n\
                 owner_roles = [{role}]\naccount_roles = [{role}]\nowners = \"same\"          \
                 # {same} of {all} contacts of such owners have their account's\n"
            );
        }
    }
    toml
}
