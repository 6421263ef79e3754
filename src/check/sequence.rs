//! In which order a field of a record changed where the history has several changes of one moment.
//!
//! Many exports tell days or minutes alone, and their rows come in any order. The values give the order away:
//! a change begins where the one before it ended, and the last ends at what stands there now.
//! Does not: guess. Where the values leave more than one order, that is said.

use std::hash::BuildHasher as _;

use chrono::{DateTime, Utc};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::boundary::{Batch, Field, Object, Row, id_key};

use super::World;
use super::condition::fold;
use super::history::is_called;

/// Where a row of the history stands among those of its record, field and moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// So many came before it.
    After(usize),
    /// Which came first is not known; the place is the same whatever the order of the rows.
    Unclear(usize),
}

impl Place {
    /// How many stand before it.
    pub(super) fn index(self) -> usize {
        match self {
            Self::After(index) | Self::Unclear(index) => index,
        }
    }
}

/// The places of the history's rows.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// Of rows that share their moment, by position: nothing for one that repeats another.
    shared: HashMap<usize, Option<Place>>,
}

/// No more changes of one moment are put in order.
const MOST: usize = 16;

/// So many steps are taken to find the orders of one moment.
const STEPS: usize = 10_000;

impl Sequence {
    pub(super) fn of(world: &World<'_>) -> Self {
        let mut sequence = Self::default();
        let Some((history, fields)) = world.batch(Object::FieldHistory).zip(Fields::of(world))
        else {
            return sequence;
        };
        let names = fields.names(world, history);
        let shared = shared(history, &fields, &names);
        if shared.is_empty() {
            return sequence;
        }
        let mut series: HashMap<Series<'_>, Vec<Row<'_>>> = HashMap::new();
        for row in history.rows() {
            if let Some((of, _)) = fields.key(&names, row).filter(|(of, _)| shared.contains(of)) {
                series.entry(of).or_default().push(row);
            }
        }
        for ((record, name), mut rows) in series {
            rows.sort_by_key(|row| row.time(&fields.changed));
            let look = Look { world, fields: &fields, present: present(world, record, name) };
            look.place(&rows, &mut sequence);
        }
        sequence
    }

    /// Where a row stands; nothing for one that repeats another.
    pub(super) fn place(&self, row: Row<'_>) -> Option<Place> {
        self.shared.get(&row.position()).copied().unwrap_or(Some(Place::After(0)))
    }
}

/// The changes of one field of one record: the record's id and the field's name.
type Series<'a> = (&'a str, &'a str);

/// The fields of the history.
struct Fields {
    field: Field,
    changed: Field,
    old: Option<Field>,
    new: Option<Field>,
    by: Option<Field>,
}

impl Fields {
    fn of(world: &World<'_>) -> Option<Self> {
        let field = |name| world.policies.boundary.allowed(Object::FieldHistory, name);
        Some(Self {
            field: field("field")?,
            changed: field("changed")?,
            old: field("old"),
            new: field("new"),
            by: field("by"),
        })
    }

    /// What each name of a field is called by the rules, as far as they know it.
    fn names<'a>(&self, world: &World<'a>, history: &'a Batch) -> HashMap<&'a str, &'a str> {
        let boundary = &world.policies.boundary;
        let known = || Object::REVIEWED.into_iter().flat_map(|object| boundary.fields(object));
        let named = history.count_by(&self.field).into_iter();
        named
            .map(|(name, _)| {
                let field = known().find(|field| is_called(field, name));
                (name, field.map_or(name, |field| field.name()))
            })
            .collect()
    }

    /// Whose change of what a row is, and when it was made.
    fn key<'a>(
        &self,
        names: &HashMap<&'a str, &'a str>,
        row: Row<'a>,
    ) -> Option<(Series<'a>, DateTime<Utc>)> {
        let name = names.get(row.text(&self.field)?)?;
        Some(((id_key(row.id().trim()), name), row.time(&self.changed)?))
    }

    /// Both values of a change, as they are compared; a blank is one too.
    fn values(&self, row: Row<'_>) -> [String; 2] {
        [&self.old, &self.new].map(|field| value(field.as_ref().and_then(|field| row.text(field))))
    }
}

fn value(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| fold(id_key(text.trim())))
}

/// The series that have several rows of one moment.
fn shared<'a>(
    history: &'a Batch,
    fields: &Fields,
    names: &HashMap<&'a str, &'a str>,
) -> HashSet<Series<'a>> {
    // Hashes alone are kept of all rows: a history has many more than a table has records.
    let build = DefaultHashBuilder::default();
    let mut hashes: Vec<(u64, usize)> = history
        .rows()
        .filter_map(|row| Some((build.hash_one(fields.key(names, row)?), row.position())))
        .collect();
    hashes.sort_unstable();
    let alike = hashes.chunk_by(|(one, _), (other, _)| one == other).filter(|it| it.len() > 1);
    let mut shared = HashSet::new();
    for alike in alike {
        let rows = alike.iter().filter_map(|(_, position)| history.at(*position));
        let mut keys: Vec<_> = rows.filter_map(|row| fields.key(names, row)).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).filter(|pair| pair.first() == pair.last());
        shared.extend(twice.filter_map(|pair| pair.first()).map(|(series, _)| *series));
    }
    shared
}

/// What stands in a field of a record now, where one table has the record.
fn present(world: &World<'_>, record: &str, name: &str) -> Option<String> {
    let mut tables = Object::REVIEWED.into_iter().filter_map(|object| world.batch(object));
    let mut found = tables.clone().filter_map(|batch| batch.find(record));
    let row = found.next().filter(|_| found.next().is_none())?;
    let field = world.policies.boundary.allowed(row.object(), name)?;
    let has = tables.any(|batch| batch.object() == row.object() && batch.has(&field));
    (has && !row.is_withheld(&field)).then(|| value(row.written(&field).as_deref()))
}

/// One series and what it is put in order by.
struct Look<'l, 'a> {
    world: &'l World<'a>,
    fields: &'l Fields,
    present: Option<String>,
}

impl<'a> Look<'_, 'a> {
    /// Gives the rows of a series, which are in the order of time, their places.
    fn place(&self, rows: &[Row<'a>], sequence: &mut Sequence) {
        let moments: Vec<Vec<Row<'a>>> = rows
            .chunk_by(|one, next| one.time(&self.fields.changed) == next.time(&self.fields.changed))
            .map(|rows| self.told_once(rows, sequence))
            .collect();
        let changes: Vec<Vec<[String; 2]>> = moments
            .iter()
            .map(|rows| rows.iter().map(|row| self.fields.values(*row)).collect())
            .collect();
        for ((rows, changes), order) in moments.iter().zip(&changes).zip(self.orders(&changes)) {
            let places: Vec<(usize, Place)> = match order {
                _ if changes.len() < 2 => Vec::new(),
                Some(order) => (0..).zip(order).map(|(n, at)| (at, Place::After(n))).collect(),
                None => (0..changes.len()).map(|at| (at, Place::Unclear(at))).collect(),
            };
            let position = |at: usize| rows.get(at).map(|row| row.position());
            let told = places.into_iter().filter_map(|(at, it)| Some((position(at)?, Some(it))));
            sequence.shared.extend(told);
        }
    }

    /// The order of each moment's changes, from what stands there now back, and then from what is known on.
    fn orders(&self, moments: &[Vec<[String; 2]>]) -> Vec<Option<Vec<usize>>> {
        let mut orders: Vec<Option<Vec<usize>>> = Vec::new();
        let mut stands = self.present.clone();
        for changes in moments.iter().rev() {
            let found = order(changes, None, stands.as_deref());
            let first = found.as_ref().and_then(|order| changes.get(*order.first()?));
            stands = first.map(|[old, _]| old.clone());
            orders.push(found);
        }
        orders.reverse();
        let mut stood: Option<String> = None;
        for (changes, found) in moments.iter().zip(&mut orders) {
            if found.is_none() {
                *found = order(changes, stood.as_deref(), None);
            }
            let last = found.as_ref().and_then(|order| changes.get(*order.last()?));
            stood = last.map(|[_, new]| new.clone());
        }
        orders
    }

    /// The rows of one moment without those that repeat others, by their values.
    fn told_once(&self, rows: &[Row<'a>], sequence: &mut Sequence) -> Vec<Row<'a>> {
        if let [_] = rows {
            return rows.to_vec();
        }
        let by = |row: Row<'a>| self.fields.by.as_ref().and_then(|by| row.text(by));
        let mut kept: Vec<([String; 2], Row<'a>)> =
            rows.iter().map(|row| (self.fields.values(*row), *row)).collect();
        // Files may overlap. Of equal rows one that says who made the change is kept.
        kept.sort_by(|(one, row), (other, beside)| {
            let who = |row: Row<'a>| (by(row).is_none(), by(row), row.position());
            (one, who(*row)).cmp(&(other, who(*beside)))
        });
        kept.dedup_by(|(one, _), (other, _)| one == other);
        // Salesforce writes a change of a reference twice: with the ids and with the names.
        let (by_id, by_name): (Vec<_>, Vec<_>) =
            kept.iter().cloned().partition(|(_, row)| self.names_an_id(*row));
        let all: Vec<[String; 2]> = kept.iter().map(|(values, _)| values.clone()).collect();
        if by_id.len() == by_name.len() && order(&all, None, None).is_none() {
            kept = by_id;
        }
        sequence.shared.extend(rows.iter().map(|row| (row.position(), None)));
        sequence.shared.extend(kept.iter().map(|(_, row)| (row.position(), Some(Place::After(0)))));
        kept.into_iter().map(|(_, row)| row).collect()
    }

    /// True where a value of a change is the id of a record.
    fn names_an_id(&self, row: Row<'a>) -> bool {
        let values = [&self.fields.old, &self.fields.new].into_iter().flatten();
        let mut values = values.filter_map(|field| row.text(field)).map(str::trim);
        let tables = || Object::REVIEWED.into_iter().chain([Object::User, Object::Queue]);
        let is_id = |id: &str| {
            tables().any(|table| self.world.batch(table).is_some_and(|it| it.find(id).is_some()))
        };
        values.any(is_id)
    }
}

/// The one order in which changes chain, from what stood there before to what stands there after, as far as
/// those are known. Nothing where there is none, or more than one.
fn order(changes: &[[String; 2]], stood: Option<&str>, stands: Option<&str>) -> Option<Vec<usize>> {
    let mut trails = Trails { changes, steps: 0, found: Vec::new() };
    if changes.len() <= MOST {
        trails.follow(&mut Vec::new());
    }
    let Trails { steps, found, .. } = trails;
    if steps > STEPS {
        return None;
    }
    let only = |trails: Vec<Vec<usize>>| match <[Vec<usize>; 1]>::try_from(trails) {
        Ok([trail]) => Ok(trail),
        Err(trails) => Err(trails),
    };
    // A history with a gap may lead to something else: then the chain alone has to tell.
    let narrowed = |trails: Vec<Vec<usize>>, is_one: &dyn Fn(&[usize]) -> bool| {
        let (fitting, others): (Vec<_>, Vec<_>) = trails.into_iter().partition(|it| is_one(it));
        if fitting.is_empty() { others } else { fitting }
    };
    let value = |at: Option<&usize>, side: usize| Some(changes.get(*at?)?.get(side)?.as_str());
    let ends = |trail: &[usize]| stands.is_some() && value(trail.last(), 1) == stands;
    let begins = |trail: &[usize]| stood.is_some() && value(trail.first(), 0) == stood;
    only(found)
        .or_else(|found| only(narrowed(found, &ends)))
        .or_else(|found| only(narrowed(found, &begins)))
        .ok()
}

/// Every order in which changes chain.
struct Trails<'c> {
    changes: &'c [[String; 2]],
    steps: usize,
    found: Vec<Vec<usize>>,
}

impl Trails<'_> {
    fn follow(&mut self, trail: &mut Vec<usize>) {
        if trail.len() == self.changes.len() {
            self.found.push(trail.clone());
            return;
        }
        let stands = trail.last().and_then(|last| self.changes.get(*last)).map(|[_, new]| new);
        let mut tried: Vec<&[String; 2]> = Vec::new();
        for (at, change) in self.changes.iter().enumerate() {
            let goes_on = stands.is_none_or(|stands| change.first() == Some(stands));
            if !goes_on || trail.contains(&at) || tried.contains(&change) {
                continue;
            }
            tried.push(change);
            self.steps += 1;
            if self.steps > STEPS {
                return;
            }
            trail.push(at);
            self.follow(trail);
            trail.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(changes: &str, stood: Option<&str>, stands: Option<&str>, expect: Option<&str>) {
        let side = |text: &str| text.to_owned();
        let changes: Vec<[String; 2]> = changes
            .split_whitespace()
            .map(|change| change.split_once('>').map(|(old, new)| [side(old), side(new)]).unwrap())
            .collect();
        let order = order(&changes, stood, stands);
        let told = order.map(|order| {
            let each = order.iter().map(|at| changes[*at].join(">"));
            each.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(told.as_deref(), expect, "{changes:?} from {stood:?} to {stands:?}");
    }

    #[test]
    fn changes_of_one_moment_stand_in_the_one_order_in_which_they_chain() {
        check("b>c a>b", None, None, Some("a>b b>c"));
        // What fits neither side still has one order only.
        check("b>c a>b", Some("x"), Some("y"), Some("a>b b>c"));
        // Round and back: what stands there after it says where it began, or what stood there before.
        check("a>b b>a", None, Some("a"), Some("a>b b>a"));
        check("a>b b>a", None, Some("b"), Some("b>a a>b"));
        check("a>b b>a", Some("b"), None, Some("b>a a>b"));
        check("a>b b>a", None, None, None);
        check("a>b b>a", None, Some("c"), None);
        // Cleared and set again.
        check(">b a>", None, None, Some("a> >b"));
        // Two loops, either of which may have been first.
        check("a>b b>a a>c c>a", Some("a"), Some("a"), None);
        // What does not chain at all.
        check("a>b c>d", None, Some("d"), None);
        check("a>b a>b b>a", None, None, Some("a>b b>a a>b"));
    }

    #[test]
    fn what_has_too_many_orders_is_left_as_it_is() {
        let loops: Vec<String> = (0..9).map(|n| format!("a>{n} {n}>a")).collect();
        let [many, more] = [8, 9].map(|n| loops[..n].join(" "));
        check(&many, None, None, None);
        check(&more, None, None, None);
    }
}
