//! Records that came and stay outside the review: those that their CRM marks as deleted, and those that are
//! to be excluded from it.
//!
//! Such a row is no record of a batch, and nothing is said of its cells, not even that one is wrong. Of a
//! record that is excluded the ids alone are kept, so that what names it is not taken for a mistake, and
//! what it names is not judged as if it did not exist.
//! Does not: decide who is excluded, or hold a value that is no id.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use hashbrown::{HashMap, HashSet};

use super::column::wipe;
use super::intake::value;
use super::kind::{Moment, Value};
use super::{Field, Kind, Object, id_key, ids};

/// Why a record stays outside the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outside {
    /// Its CRM marks it as deleted.
    Deleted,
    /// A person asked that it be left out.
    Excluded,
}

impl Outside {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Deleted, Self::Excluded];

    /// The word for it, which is also the name of the field that says so.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Excluded => "excluded",
        }
    }

    /// The reason that a field of this name gives, if it gives one.
    pub fn named(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outside| outside.word() == field)
    }

    /// True for tables whose rows may say so. Who owns records stays known: owners are active or not.
    pub(super) fn is_said_of(object: Object) -> bool {
        !matches!(object, Object::User | Object::Queue)
    }
}

/// The records that people keep out of the review, by a list of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions(BTreeSet<(Option<Object>, String)>);

impl Exclusions {
    /// Excludes the records with an id: those of one table, or of every table.
    pub fn add(&mut self, object: Option<Object>, id: &str) {
        self.0.insert((object, id_key(id).to_owned()));
    }

    /// Each id that is excluded, with its table where one is said.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Object>, &str)> {
        self.0.iter().map(|(object, id)| (*object, id.as_str()))
    }

    /// Excludes those of another list as well.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The keys of the ids that are excluded of a table.
    fn of(&self, object: Object) -> HashSet<Box<str>> {
        let here = self.0.iter().filter(|(of, _)| of.is_none_or(|of| of == object));
        here.map(|(_, id)| id.as_str().into()).collect()
    }
}

/// What is looked at of each row before any other of its cells.
#[derive(Debug)]
pub(super) struct RowFilter {
    /// The places of the cells that say why, the stronger reason first.
    flags: Vec<(usize, Outside)>,
    /// The place of the record's id.
    key_at: usize,
    /// The keys of ids that are excluded.
    ids: HashSet<Box<str>>,
    /// The places of the other ids that are kept of an excluded record.
    names: Vec<usize>,
    /// The place of the date of change.
    modified: Option<usize>,
}

impl RowFilter {
    /// What to look at, if anything: rows that cannot be left out cost nothing.
    pub(super) fn of(
        object: Object,
        fields: &[Field],
        key_at: usize,
        exclusions: &Exclusions,
    ) -> Option<Self> {
        if !Outside::is_said_of(object) {
            return None;
        }
        let place = |name: &str| fields.iter().position(|field| field.name() == name);
        let said = [Outside::Excluded, Outside::Deleted].into_iter();
        let flags: Vec<_> = said.filter_map(|it| Some((place(it.word())?, it))).collect();
        let ids = exclusions.of(object);
        if flags.is_empty() && ids.is_empty() {
            return None;
        }
        // Owners stay known, and so do the people who changed records.
        let is_kept = |(at, field): &(usize, &Field)| {
            *at != key_at && field.kind() == Kind::Id && field.name() != "owner"
        };
        let names = fields.iter().enumerate().filter(is_kept).map(|(at, _)| at).collect();
        Some(Self { flags, key_at, ids, names, modified: place("modified") })
    }

    /// What is kept of a row that stays outside; nothing of any other row.
    pub(super) fn stub(
        &self,
        fields: &[Field],
        line: u64,
        cells: &[&str],
        zone: Tz,
    ) -> Option<Stub> {
        let read = |at: usize| value(fields.get(at)?, cells.get(at)?).ok();
        let id = |at: usize| match read(at) {
            Some(Value::Text(id)) => Some((at, Box::from(id.trim()))),
            Some(_) | None => None,
        };
        let key = id(self.key_at);
        let is_listed = key.as_ref().is_some_and(|(_, id)| self.ids.contains(id_key(id)));
        let mut said = self.flags.iter().filter(|(at, _)| read(*at) == Some(Value::Flag(true)));
        let why = if is_listed { Outside::Excluded } else { said.next()?.1 };
        let others: &[usize] = if why == Outside::Excluded { &self.names } else { &[] };
        let modified = self.modified.and_then(|at| {
            let Value::Moment(moment) = read(at)? else { return None };
            // What only the whole column can tell of a day is not waited for.
            match (moment, fields.get(at)?.0.dates) {
                (Moment::Unordered(date), Some(order)) => date.settled(order)?.millis(zone),
                (moment, _) => moment.millis(zone),
            }
        });
        let ids = key.into_iter().chain(others.iter().filter_map(|at| id(*at))).collect();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Some(Stub { line, why, ids, modified })
    }
}

/// What is kept of a row that stays outside.
pub(super) struct Stub {
    pub(super) line: u32,
    pub(super) why: Outside,
    /// Its ids, each with the place of its column.
    pub(super) ids: Vec<(usize, Box<str>)>,
    /// When the record was last changed, where the row says so: of a record that is deleted it tells whether
    /// another row is newer.
    pub(super) modified: Option<i64>,
}

impl Stub {
    /// Overwrites the ids: they may be of a chunk that was misread.
    pub(super) fn wipe(&mut self) {
        for (_, id) in &mut self.ids {
            wipe(&mut std::mem::take(id).into_string().into_bytes());
        }
    }

    /// The id that stands in a column.
    pub(super) fn id(&self, column: usize) -> Option<&str> {
        self.ids.iter().find(|(at, _)| *at == column).map(|(_, id)| &**id)
    }
}

/// The records of a table that came and stay outside, by the keys of their ids.
#[derive(Default)]
pub(super) struct Outsiders {
    /// Whether some are excluded.
    pub(super) excludes: bool,
    why: HashMap<Box<str>, Outside>,
    /// By the slot of their field, the keys of the other ids that excluded records hold.
    named: HashMap<usize, HashSet<Box<str>>>,
}

impl Outsiders {
    /// Takes in what is kept of a row, the ids by the slots of their fields. Who is excluded stays so,
    /// whatever another row says.
    pub(super) fn add(&mut self, stub: &Stub, key: usize) {
        self.excludes |= stub.why == Outside::Excluded;
        for (slot, cell) in &stub.ids {
            for id in ids(cell).map(|id| Box::from(id_key(id))) {
                if *slot == key {
                    let why = self.why.entry(id).or_insert(stub.why);
                    *why = stub.why.max(*why);
                } else {
                    self.named.entry(*slot).or_default().insert(id);
                }
            }
        }
    }

    /// Takes a record out that another row shows to be there.
    pub(super) fn remove(&mut self, id: &str) {
        self.why.remove(id_key(id));
    }

    /// Why a record stays outside.
    pub(super) fn why(&self, id: &str) -> Option<Outside> {
        ids(id).find_map(|id| self.why.get(id_key(id)).copied())
    }

    /// True when an excluded record holds one of some ids in a field.
    pub(super) fn excluded_holds(&self, field: &Field, cell: &str) -> bool {
        let held = self.named.get(&field.0.slot);
        held.is_some_and(|held| ids(cell).any(|id| held.contains(id_key(id))))
    }
}
