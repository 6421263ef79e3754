//! What records have in common: where they came from, whose they are, which segment, region and size.
//!
//! Faults that crowd into one group have one cause; so the records under review are counted by group, and of
//! those with a finding it is known which groups they are in. Nothing is judged by it.
//! Does not: say a value that may not be shown in full, or ask for a field that no check reads.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Exposure, Field, Object, RecordRef, Row};

use super::people::{Found, Standing};
use super::{Report, World};

/// By what records are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The lead source.
    Source,
    /// The owner.
    Owner,
    /// The owner's team.
    Team,
    /// The segment.
    Segment,
    /// The region, or the country where no region is allowed.
    Region,
    /// The number of employees, in bands.
    Size,
}

impl By {
    /// Every way to group, in the order they are told.
    pub const ALL: [Self; 6] =
        [Self::Source, Self::Owner, Self::Team, Self::Segment, Self::Region, Self::Size];

    /// The word used in outputs that machines read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Segment => "segment",
            Self::Region => "region",
            Self::Size => "size",
        }
    }

    /// What a person calls it, before its value.
    pub fn title(self) -> &'static str {
        match self {
            Self::Source => "lead source",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Segment => "segment",
            Self::Region => "region",
            Self::Size => "company size",
        }
    }

    /// The way to group of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// The fields that say it, the first that is allowed counts. A team is the owner's.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["lead_source"],
            Self::Owner | Self::Team => &["owner"],
            Self::Segment => &["segment"],
            Self::Region => &["region", "country"],
            Self::Size => &["employees"],
        }
    }
}

/// A number of employees and the name of the band that begins with it.
const BANDS: [(f64, &str); 5] = [
    (1_000.0, "1000 or more"),
    (200.0, "200-999"),
    (50.0, "50-199"),
    (10.0, "10-49"),
    (0.0, "0-9"),
];

/// Fewer records than this are no group: whatever happened to them may be chance.
pub const LEAST: u64 = 5;

/// The records under review and their groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// How many records of each table are under review.
    pub tables: BTreeMap<Object, u64>,
    /// How many are in each group of at least [`LEAST`].
    pub sizes: BTreeMap<(Object, By, String), u64>,
    /// The groups of each record under review that a finding is about.
    pub of: BTreeMap<RecordRef, BTreeMap<By, String>>,
}

impl Groups {
    /// Counts the records under review.
    pub fn count(world: &World<'_>, reports: &[Report]) -> Self {
        let mut groups = Self::default();
        for object in Object::REVIEWED {
            let Some(batch) = world.batch(object) else { continue };
            groups.tables.insert(object, batch.reviewed_len() as u64);
            for grouping in Grouping::all(world, object) {
                for (key, count) in grouping.tally(batch.reviewed()) {
                    if let Some(value) = grouping.value(world, key) {
                        *groups.sizes.entry((object, grouping.by, value)).or_default() += count;
                    }
                }
            }
        }
        groups.sizes.retain(|_, count| *count >= LEAST);
        let found = reports.iter().filter_map(Report::judgement).flat_map(|it| &it.findings);
        for record in found.map(|finding| &finding.record) {
            let row = world.batch(record.object).and_then(|batch| batch.find(&record.id));
            if let Some(row) = row.filter(|row| row.is_under_review())
                && groups.tables.contains_key(&record.object)
            {
                let of = groups.of.entry(record.clone());
                of.or_insert_with(|| membership(world, row));
            }
        }
        groups
    }
}

/// The groups of one record.
fn membership(world: &World<'_>, row: Row<'_>) -> BTreeMap<By, String> {
    let groupings = Grouping::all(world, row.object());
    let value = |it: &Grouping| Some((it.by, it.value(world, it.key(row)?)?));
    groupings.iter().filter_map(value).collect()
}

/// A way to group the records of a table by a field that may be shown in full.
struct Grouping {
    by: By,
    field: Field,
}

impl Grouping {
    fn all(world: &World<'_>, object: Object) -> Vec<Self> {
        let shown = |object, name: &str| {
            let field = world.policies.boundary.allowed(object, name)?;
            (field.exposure() == Exposure::Shown).then_some(field)
        };
        let grouping = |by: By| {
            if by == By::Team {
                shown(Object::User, "team")?;
            }
            let field = by.fields().iter().find_map(|name| shown(object, name))?;
            Some(Self { by, field })
        };
        By::ALL.into_iter().filter_map(grouping).collect()
    }

    /// What a record is grouped by, before it is named.
    fn key<'b>(&self, row: Row<'b>) -> Option<&'b str> {
        if self.by == By::Size {
            let size = row.number(&self.field)?;
            return BANDS.into_iter().find(|(from, _)| size >= *from).map(|(_, band)| band);
        }
        row.text(&self.field).map(str::trim).filter(|text| !text.is_empty())
    }

    /// How many records there are of each key.
    fn tally<'b>(&self, rows: impl Iterator<Item = Row<'b>>) -> BTreeMap<&'b str, u64> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for key in rows.filter_map(|row| self.key(row)) {
            *counts.entry(key).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// The group's name: of an owner the person's, of a team theirs.
    fn value(&self, world: &World<'_>, key: &str) -> Option<String> {
        match self.by {
            By::Source | By::Segment | By::Region | By::Size => Some(key.to_owned()),
            // A queue is no person: what crowds there is told by the checks of queues.
            By::Owner => match world.people().find(key) {
                Found::One(person) if person.standing == Standing::Queue => None,
                Found::One(person) => Some(person.shown.clone()),
                Found::Several | Found::Nobody => Some(key.to_owned()),
            },
            By::Team => match world.people().find(key) {
                Found::One(person) => {
                    person.team.map(|team| team.trim().to_owned()).filter(|team| !team.is_empty())
                }
                Found::Several | Found::Nobody => None,
            },
        }
    }
}
