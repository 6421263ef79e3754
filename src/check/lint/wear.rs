//! What wears out with time: people who left, values that are no longer used, rules that take nothing,
//! fields that are blank, a catch-all that fills. And a real record for what the order shows.
//!
//! Does not: judge a record.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::boundary::{Exposure, Field, Kind, Object, Row};
use crate::check::condition::{Condition, Test, fold};
use crate::check::interval::percent;
use crate::check::people::{Found, Standing};
use crate::check::routing::{RULES_FILE, Taken};
use crate::check::{Family, Policies, World};
use crate::policy::nearest;

use super::list::{Line, List, Takes};
use super::respelling::Respellings;
use super::space::decimals_of;
use super::{
    BLANK_PRONE, CATCH_ALL_SHARE, DEAD_TARGET, DRIFT, Fault, GAP, LOOP, Linted, Place, SHADOWED,
    Settings, UNUSED, Unjudged, Witness,
};

/// Records that are asked for one that shows a fault.
const MOST_ASKED: usize = 50_000;

/// Faults for which a real record is looked for.
const MOST_SHOWN: usize = 200;

/// Unknown names for which the one that was meant is looked for.
const MOST_GUESSED: usize = 50;

/// Places of one fault that are shown beside the first.
const MOST_PLACES: usize = 5;

/// The finest decimal that records write in a number field.
pub(super) fn decimals(world: &World<'_>, field: &Field) -> u32 {
    let Some(batch) = world.batch(field.object()) else { return 0 };
    let numbers = batch.rows().filter_map(|row| row.number(field));
    let broken = numbers.filter(|number| number.fract() != 0.0);
    // Beyond cents a figure was reckoned, not entered.
    broken.map(|number| decimals_of(number).min(2)).max().unwrap_or(0)
}

/// Everything that the records at hand tell of the rules.
pub(super) fn judge(world: &World<'_>, routing: &[List], linted: &mut Linted) {
    let settings = &world.policies.lint;
    if world.people().is_empty() {
        linted.unjudged.push(Unjudged {
            what: "who can be given records".to_owned(),
            why: "there was no input of users or queues".to_owned(),
        });
    } else {
        linted.faults.extend(dead_targets(world));
    }
    for list in routing {
        let taken = world.routed().taken(world, list.object);
        linted.records += taken.len();
        show(list, &taken, linted);
        untaken(list, &taken, linted);
        if taken.len() < settings.fewest_records {
            linted.unjudged.push(Unjudged {
                what: format!("how often the rules for {} fire", list.object.plural()),
                why: format!(
                    "{} open records are too few (fewest_records = {})",
                    taken.len(),
                    settings.fewest_records
                ),
            });
            continue;
        }
        let shadowed: BTreeSet<(String, usize)> = linted
            .faults
            .iter()
            .filter(|fault| *fault.lint == SHADOWED)
            .map(|fault| (fault.place.file.clone(), fault.place.line))
            .collect();
        linted.faults.extend(unused(world, list.object, &taken, settings, &shadowed));
        linted.faults.extend(blank_prone(world, list, &taken, settings));
        linted.faults.extend(catch_all_share(world, list, &taken, settings));
    }
    linted.faults.extend(respelt(world, routing));
}

/// Why nobody can be given records under a name; `None` when somebody can.
fn trouble(world: &World<'_>, name: &str) -> Option<String> {
    match world.people().find(name) {
        Found::Several => Some(format!("several people are called `{name}`")),
        Found::Nobody => Some(format!("`{name}` is neither a user nor a queue")),
        Found::One(person) if person.standing == Standing::Inactive => {
            Some(format!("`{name}` {}", person.gone(world.as_of)))
        }
        Found::One(_) => None,
    }
}

/// RUL-04.
pub(super) fn dead_targets(world: &World<'_>) -> Vec<Fault> {
    let mut places: BTreeMap<(&str, &str), BTreeSet<usize>> = BTreeMap::new();
    for (name, file, line) in world.policies.routing.names() {
        places.entry((name.trim(), file)).or_default().insert(line);
    }
    let owners = format!("rules/{}", Family::Owners.file());
    if let Some(queue) = world.policies.owners.queue() {
        places.entry((queue.value.trim(), &owners)).or_default().insert(queue.line);
    }
    let known = world.people().all().filter(|person| person.standing != Standing::Inactive);
    let shown: Vec<&str> = known.map(|person| person.shown.as_str()).collect();
    let mut faults: Vec<Fault> = Vec::new();
    for ((name, file), lines) in places {
        let Some(trouble) = trouble(world, name) else { continue };
        let Some(first) = lines.first() else { continue };
        let found = world.people().find(name);
        // Where many are wrong, one typing error is not what is wrong.
        let is_odd = matches!(found, Found::Nobody) && faults.len() < MOST_GUESSED;
        let meant = is_odd.then(|| nearest(name, shown.iter().copied())).flatten();
        let hint = match (meant, found) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Found::Several) => "name them by their id".to_owned(),
            (None, Found::One(_) | Found::Nobody) => {
                "name somebody who works records now, or a queue".to_owned()
            }
        };
        let mut fault = Fault::new(&DEAD_TARGET, Place::new(file, *first), trouble, hint);
        let more = lines.iter().skip(1);
        fault.also = more.clone().take(MOST_PLACES).map(|line| Place::new(file, *line)).collect();
        if more.len() > MOST_PLACES {
            fault.notes.push(format!("and in {} more lines of {file}", more.len() - MOST_PLACES));
        }
        faults.push(fault);
    }
    faults
}

/// RUL-11.
pub(super) fn loops(policies: &Policies, world: Option<&World<'_>>) -> Vec<Fault> {
    let file = format!("rules/{}", Family::Owners.file());
    // One person may be written by id and by name.
    let who = |text: &str| match world.map(|world| world.people().find(text)) {
        Some(Found::One(person)) => format!("id {}", person.id),
        Some(Found::Several | Found::Nobody) | None => fold(text),
    };
    let mut next: BTreeMap<String, (String, &str, usize)> = BTreeMap::new();
    for (from, to) in policies.owners.handovers() {
        next.entry(who(from)).or_insert((who(to), &to.value, to.line));
    }
    let mut faults = Vec::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (from, to) in policies.owners.handovers() {
        let start = who(from);
        let mut chain = vec![from.value.clone()];
        let mut at = start.clone();
        while let Some((to, name, _)) = next.get(&at).filter(|_| chain.len() <= next.len()) {
            chain.push((*name).to_owned());
            at.clone_from(to);
            if at == start {
                break;
            }
        }
        if at == start && chain.len() > 1 {
            if told.insert(start.clone()) {
                let mut link = start.clone();
                while let Some((to, ..)) = next.get(&link) {
                    if !told.insert(to.clone()) {
                        break;
                    }
                    link.clone_from(to);
                }
                faults.push(Fault::new(
                    &LOOP,
                    Place::new(&file, to.line),
                    format!("the handover goes round in a circle: {}", chain.join(" → ")),
                    "let one of them hand over to somebody who works records now",
                ));
            }
            continue;
        }
        let Some(world) = world.filter(|world| !world.people().is_empty()) else { continue };
        if let Some(trouble) = trouble(world, &to.value) {
            let mut fault = Fault::new(
                &LOOP,
                Place::new(&file, to.line),
                format!("`{}` hands over to nobody: {trouble}", from.value),
                "a handover is one step: name who works the records now",
            );
            if chain.len() > 2 {
                fault.notes.push(format!("the chain is {}", chain.join(" → ")));
            }
            faults.push(fault);
        }
    }
    faults
}

/// Puts a real record in the place of one that could be.
fn show(list: &List, taken: &[Taken<'_>], linted: &mut Linted) {
    let files: BTreeSet<&str> = list.lines.iter().map(|line| line.file.as_str()).collect();
    let ours = linted.faults.iter_mut().filter(|fault| files.contains(fault.place.file.as_str()));
    for fault in ours.take(MOST_SHOWN) {
        let (Some(probe), Some(witness)) = (&fault.probe, &mut fault.witness) else { continue };
        if witness.object != list.object || witness.record.is_some() {
            continue;
        }
        let shows = |taken: &&Taken<'_>| probe.0.iter().all(|it| it.holds(taken.row));
        let mut showing = taken.iter().take(MOST_ASKED).filter(shows).peekable();
        let Some(first) = showing.peek() else { continue };
        witness.record = Some(first.row.record());
        witness.values = values(first.row, probe.0.iter().map(|it| &it.field));
        witness.day = None;
        let count = showing.count();
        let among = taken.len().min(MOST_ASKED);
        fault.notes.push(format!("{count} of {among} open {} are such", list.object.plural()));
    }
}

/// Some values of a record as they may be shown.
fn values<'f>(row: Row<'_>, fields: impl Iterator<Item = &'f Field>) -> Vec<(String, String)> {
    let fields: BTreeSet<&Field> = fields.collect();
    let shown = |field: &&Field| (field.name().to_owned(), row.cell(field).shown().to_string());
    fields.iter().map(shown).collect()
}

/// The fields that the lines of a list compare.
fn compared(list: &List) -> BTreeSet<&Field> {
    list.lines.iter().flat_map(|line| &line.conditions).map(|it| &it.field).collect()
}

/// RUL-03, told from records: those whose every compared field is filled, and which no rule takes.
fn untaken(list: &List, taken: &[Taken<'_>], linted: &mut Linted) {
    if list.rest == super::Rest::Kept || list.lines.iter().any(Line::takes_any) {
        return;
    }
    let fields = compared(list);
    let is_lost = |taken: &&Taken<'_>| {
        taken.rule.is_none() && fields.iter().all(|field| !taken.row.is_blank(field))
    };
    let mut untaken = taken.iter().filter(is_lost).peekable();
    let Some(first) = untaken.peek() else { return };
    let witness = Witness {
        object: list.object,
        record: Some(first.row.record()),
        values: values(first.row, fields.iter().copied()),
        day: None,
        goes: String::new(),
    };
    let note = |count: usize| {
        format!("{count} of {} open {} are taken by no rule", taken.len(), list.object.plural())
    };
    let has_holes = linted.faults.iter().any(|fault| *fault.lint == super::BAND_EDGE);
    let known = linted.faults.iter_mut().find(|fault| {
        *fault.lint == GAP && fault.witness.as_ref().is_some_and(|it| it.object == list.object)
    });
    match known {
        Some(fault) => {
            fault.notes.push(note(untaken.count()));
            fault.witness = Some(witness);
        }
        // Records in the hole between two bands are told there.
        None if has_holes => {}
        None => {
            let mut fault = Fault::new(
                &GAP,
                Place::new(RULES_FILE, 0),
                format!("no rule takes {}: {}", list.object.plural(), witness.words()),
                "add a rule for them, or name the queue of all others: catch_all = \"…\"",
            );
            fault.notes.push(note(untaken.count()));
            fault.witness = Some(witness);
            linted.faults.push(fault);
        }
    }
}

/// RUL-05.
fn unused(
    world: &World<'_>,
    object: Object,
    taken: &[Taken<'_>],
    settings: &Settings,
    shadowed: &BTreeSet<(String, usize)>,
) -> Vec<Fault> {
    let created = world.policies.boundary.allowed(object, "created");
    let since = world.as_of.days_ago(settings.unused_weeks.saturating_mul(7));
    let recent = |taken: &&Taken<'_>| {
        created.as_ref().and_then(|field| taken.row.time(field)).is_none_or(|at| at >= since)
    };
    let recent: Vec<&Taken<'_>> = taken.iter().filter(recent).collect();
    if recent.len() < settings.fewest_records {
        return Vec::new();
    }
    let used: BTreeSet<usize> = recent.iter().filter_map(|taken| taken.rule).collect();
    let mut faults = Vec::new();
    for head in world.policies.routing.heads(object) {
        let begins = head
            .since
            .is_some_and(|day| crate::boundary::start_of_day(day, world.as_of.zone) > since);
        let ended = head.until.is_some_and(|day| day < world.as_of.day);
        let known = shadowed.contains(&(head.file.clone(), head.line));
        if used.contains(&head.rule) || begins || ended || known || head.takes_any() {
            continue;
        }
        let mut fault = Fault::new(
            &UNUSED,
            Place::of(&head),
            format!(
                "{} took none of the {} open {} of the last {} weeks",
                head.name,
                recent.len(),
                object.plural(),
                settings.unused_weeks
            ),
            "seasonal rules rest; one whose time is over can go",
        );
        if let Some(near) = nearest_miss(&head, &recent) {
            fault.notes.push(near);
        }
        faults.push(fault);
    }
    faults
}

/// The condition that alone kept most records from a rule.
fn nearest_miss(head: &Line, taken: &[&Taken<'_>]) -> Option<String> {
    let mut misses: BTreeMap<usize, (usize, Row<'_>)> = BTreeMap::new();
    let mut met = 0;
    for one in taken.iter().take(MOST_ASKED) {
        let mut failing = head
            .conditions
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.holds(one.row))
            .map(|(at, _)| at);
        match (failing.next(), failing.next()) {
            (None, _) => met += 1,
            (Some(at), None) => misses.entry(at).or_insert((0, one.row)).0 += 1,
            (Some(_), Some(_)) => {}
        }
    }
    if met > 0 {
        return Some(match head.takes {
            Takes::All => {
                format!("{met} meet its conditions, and are taken before it or by no row")
            }
            Takes::OfKnownAccounts => {
                format!("{met} meet its conditions, and none has an account with an active owner")
            }
        });
    }
    let (at, (count, row)) =
        misses.into_iter().max_by_key(|(at, (count, _))| (*count, std::cmp::Reverse(*at)))?;
    let condition = head.conditions.get(at)?;
    Some(format!(
        "nearest: {count} meet all but `{}`, such as {} with {} {}",
        condition.words(),
        row.record(),
        condition.field.name(),
        row.cell(&condition.field).shown()
    ))
}

/// RUL-06.
fn blank_prone(
    world: &World<'_>,
    list: &List,
    taken: &[Taken<'_>],
    settings: &Settings,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for field in compared(list) {
        let about = |it: &&Condition| it.field == *field;
        let mut tests = list.lines.iter().flat_map(|line| &line.conditions).filter(about);
        if tests.any(|it| matches!(it.test, Test::Blank(_))) {
            continue;
        }
        let blank: Vec<&Taken<'_>> =
            taken.iter().filter(|taken| taken.row.is_blank(field)).collect();
        let share = share(blank.len(), taken.len());
        if share <= settings.blank_over {
            continue;
        }
        let Some(line) =
            list.lines.iter().find(|line| line.conditions.iter().any(|it| it.field == *field))
        else {
            continue;
        };
        let mut fault = Fault::new(
            &BLANK_PRONE,
            Place::of(line),
            format!(
                "`{}` is blank in {} of {} open {} ({})",
                field.name(),
                blank.len(),
                taken.len(),
                list.object.plural(),
                percent(share)
            ),
            format!(
                "have it filled where the records come from, or say what happens: {} = {{ blank = true }}",
                field.name()
            ),
        );
        fault.notes.extend(by_source(world, field, taken));
        fault.witness = blank.first().map(|taken| Witness {
            object: list.object,
            record: Some(taken.row.record()),
            values: vec![(field.name().to_owned(), "blank".to_owned())],
            day: None,
            goes: String::new(),
        });
        faults.push(fault);
    }
    faults
}

/// How often a field is filled, by the sources of the records: the worst first.
fn by_source(world: &World<'_>, field: &Field, taken: &[Taken<'_>]) -> Option<String> {
    let source = world.policies.boundary.allowed(field.object(), "lead_source")?;
    if source.exposure() != Exposure::Shown || source == *field {
        return None;
    }
    let mut sources: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for one in taken {
        let counts = sources.entry(one.row.text(&source).unwrap_or("no source")).or_default();
        counts.0 += usize::from(!one.row.is_blank(field));
        counts.1 += 1;
    }
    let mut sources: Vec<_> = sources.into_iter().collect();
    sources.sort_by_key(|(name, (filled, all))| (std::cmp::Reverse(all - filled), *name));
    let words: Vec<_> = sources
        .into_iter()
        .take(4)
        .map(|(name, (filled, all))| format!("{name} {filled} of {all}"))
        .collect();
    (!words.is_empty()).then(|| format!("filled by source: {}", words.join(", ")))
}

/// RUL-08.
fn catch_all_share(
    world: &World<'_>,
    list: &List,
    taken: &[Taken<'_>],
    settings: &Settings,
) -> Option<Fault> {
    let (names, line) = world.policies.routing.rest(list.object, world.as_of.day)?;
    let any: BTreeSet<usize> =
        list.lines.iter().filter(|line| line.takes_any()).map(|line| line.rule).collect();
    let caught: Vec<&Taken<'_>> =
        taken.iter().filter(|one| one.rule.is_none_or(|rule| any.contains(&rule))).collect();
    let share = share(caught.len(), taken.len());
    if share <= settings.catch_all_over {
        return None;
    }
    let mut fault = Fault::new(
        &CATCH_ALL_SHARE,
        Place::new(RULES_FILE, line),
        format!(
            "{} of {} open {} ({}) end in the catch-all `{}`",
            caught.len(),
            taken.len(),
            list.object.plural(),
            percent(share),
            names.join("` or `")
        ),
        "add rules for the values that are most frequent among them",
    );
    let mut reasons: Vec<(usize, String)> = Vec::new();
    for field in compared(list) {
        let blank = caught.iter().filter(|one| one.row.is_blank(field)).count();
        if blank > 0 {
            reasons.push((blank, format!("{blank} have no {}", field.name())));
        }
        if let Some((count, value)) = unnamed_value(list, field, &caught) {
            reasons.push((count, format!("{count} have {} {value}", field.name())));
        }
    }
    reasons.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    fault.notes.extend(trend(world, list, taken, &caught));
    fault.notes.extend(reasons.into_iter().take(4).map(|(_, words)| words));
    fault.witness = caught.first().map(|taken| Witness {
        object: list.object,
        record: Some(taken.row.record()),
        values: values(taken.row, compared(list).into_iter()),
        day: None,
        goes: names.join(" or "),
    });
    Some(fault)
}

/// Days of each of the two stretches that are held against each other.
const STRETCH: i64 = 30;
/// Fewer records than this in a stretch are no trend.
const LEAST: usize = 5;

/// Whether the catch-all takes more or less than it did, by when the records were created.
fn trend(
    world: &World<'_>,
    list: &List,
    taken: &[Taken<'_>],
    caught: &[&Taken<'_>],
) -> Option<String> {
    let created = world.policies.boundary.allowed(list.object, "created")?;
    let part = |ago: i64| {
        let within = |one: &Taken<'_>| {
            let at = one.row.time(&created);
            at.is_some_and(|at| world.as_of.days_since(at).div_euclid(STRETCH) == ago)
        };
        let all = taken.iter().filter(|one| within(one)).count();
        let caught = caught.iter().filter(|one| within(one)).count();
        (all >= LEAST).then(|| format!("{caught} of {all} ({})", percent(share(caught, all))))
    };
    let (now, before) = (part(0)?, part(1)?);
    Some(format!(
        "of those created in the last {STRETCH} days {now}, of those of the {STRETCH} before {before}"
    ))
}

/// The most frequent value of a field that no condition names, where values may be shown.
fn unnamed_value<'a>(list: &List, field: &Field, taken: &[&Taken<'a>]) -> Option<(usize, &'a str)> {
    if field.exposure() != Exposure::Shown {
        return None;
    }
    let named: BTreeSet<String> = named_values(list.lines.iter(), field).into_keys().collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in taken.iter().filter_map(|one| one.row.text(field)) {
        *counts.entry(text).or_default() += 1;
    }
    let unnamed = counts.into_iter().filter(|(text, _)| !named.contains(&fold(text)));
    unnamed
        .max_by_key(|(text, count)| (*count, std::cmp::Reverse(*text)))
        .map(|(text, n)| (n, text))
}

/// The values that conditions name of a field, folded, each as written and with its first place.
fn named_values<'l>(
    lines: impl Iterator<Item = &'l Line>,
    field: &Field,
) -> BTreeMap<String, (&'l str, &'l Line)> {
    let mut named = BTreeMap::new();
    for line in lines {
        for condition in line.conditions.iter().filter(|it| it.field == *field) {
            if let Test::In(values) | Test::NotIn(values) = condition.written() {
                for value in values {
                    named.entry(fold(value)).or_insert((value.as_str(), line));
                }
            }
        }
    }
    named
}

/// The fields of which conditions name values.
fn text_fields<'l>(lists: impl Iterator<Item = &'l List>) -> BTreeMap<Field, Vec<&'l Line>> {
    let mut fields: BTreeMap<Field, Vec<&Line>> = BTreeMap::new();
    for line in lists.flat_map(|list| &list.lines) {
        for condition in &line.conditions {
            if !matches!(condition.field.kind(), Kind::Number | Kind::Flag | Kind::Date) {
                fields.entry(condition.field.clone()).or_default().push(line);
            }
        }
    }
    fields
}

/// RUL-07, told from the picklists of the boundary.
pub(super) fn outside_picklists<'l>(
    policies: &Policies,
    lists: impl Iterator<Item = &'l List>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (field, lines) in text_fields(lists) {
        let Some(field) = policies.boundary.allowed(field.object(), field.name()) else { continue };
        let values: BTreeSet<String> = field.values().iter().map(|value| fold(value)).collect();
        if values.is_empty() {
            continue;
        }
        let respellings = Respellings::among(field.values().iter().map(String::as_str));
        let named = named_values(lines.into_iter(), &field);
        for (_, (value, line)) in named.into_iter().filter(|(it, _)| !values.contains(it)) {
            let hint = respellings
                .of(value)
                .or_else(|| nearest(value, field.values().iter().map(String::as_str)))
                .map_or_else(
                    || "take it out, or add it to `values` in rules/boundary.toml".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                );
            faults.push(Fault::new(
                &DRIFT,
                Place::of(line),
                format!("`{value}` is not among the values of `{field}`"),
                hint,
            ));
        }
    }
    faults
}

/// RUL-07, told from the records: a value that none has, beside one that differs in its spelling alone.
fn respelt(world: &World<'_>, routing: &[List]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (field, lines) in text_fields(routing.iter()) {
        let Some(batch) = world.batch(field.object()).filter(|_| field.values().is_empty()) else {
            continue;
        };
        let named = named_values(lines.into_iter(), &field);
        let counts = batch.count_by(&field);
        let held: BTreeSet<String> = counts.iter().map(|(text, _)| fold(text)).collect();
        let unnamed: HashMap<&str, usize> =
            counts.into_iter().filter(|(text, _)| !named.contains_key(&fold(text))).collect();
        let respellings = Respellings::among(unnamed.keys().copied());
        for (folded, (value, line)) in &named {
            if held.contains(folded) {
                continue;
            }
            let Some((meant, count)) =
                respellings.of(value).and_then(|it| unnamed.get_key_value(it))
            else {
                continue;
            };
            let written = if field.exposure() == Exposure::Shown {
                format!("`{meant}`")
            } else {
                "another spelling".to_owned()
            };
            faults.push(Fault::new(
                &DRIFT,
                Place::of(line),
                format!(
                    "no {} has `{value}` as its {}, and {count} have {written}",
                    field.object(),
                    field.name()
                ),
                format!("write {written} as the records do, or both"),
            ));
        }
    }
    faults
}

/// RUL-07 of the ladders: a stage that no record has, while records have one much like it that the ladder
/// does not know.
pub(super) fn misspelt_stages(world: &World<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, ladder) in world.policies.ladders.all() {
        let Some(batch) = world.batch(object).filter(|batch| batch.has(&ladder.field)) else {
            continue;
        };
        let counts = batch.count_by(&ladder.field);
        let held: BTreeSet<String> = counts.iter().map(|(stage, _)| fold(stage)).collect();
        let unknown: Vec<(&str, usize)> =
            counts.into_iter().filter(|(stage, _)| !ladder.knows(stage)).collect();
        let respellings = Respellings::among(unknown.iter().map(|(stage, _)| *stage));
        let is_shown = ladder.field.exposure() == Exposure::Shown;
        for stage in ladder.stages().filter(|stage| !held.contains(&fold(stage))) {
            let among = unknown.iter().map(|(stage, _)| *stage);
            let Some(near) = respellings.of(stage).or_else(|| nearest(stage, among)) else {
                continue;
            };
            let count = unknown.iter().find(|(stage, _)| *stage == near).map_or(0, |(_, n)| *n);
            let have = if count == 1 { "has" } else { "have" };
            let written = if is_shown { format!("`{near}`") } else { "one like it".to_owned() };
            faults.push(Fault::new(
                &DRIFT,
                Place::new(ladder.file.clone(), ladder.line),
                format!(
                    "no {object} has the stage `{stage}`, and {count} {have} {written}, which the ladder does not know"
                ),
                if is_shown {
                    format!("did you mean {written}?")
                } else {
                    "write it as the records do".to_owned()
                },
            ));
        }
    }
    faults
}

#[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
