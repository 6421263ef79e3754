//! People who are left alone because too many records share what would tell who they are.
//!
//! Does not: look for crowds; who meets one hands it over.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::boundary::Row;
use crate::check::Judgement;

use super::merge::MOST_SHOWN;

/// More records that share something than can be one person's or one company's: a placeholder, a franchise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd<'a> {
    /// The first of them.
    pub(super) one: Row<'a>,
    pub(super) records: usize,
    /// What they share.
    pub(super) by: &'static str,
}

/// The people of one table who met a crowd, by what its records share and its first record.
#[derive(Debug, Default)]
pub(super) struct Crowds<'a>(BTreeMap<(&'static str, usize), (Crowd<'a>, Vec<Row<'a>>)>);

impl<'a> Crowds<'a> {
    /// Leaves a person alone.
    pub(super) fn add(&mut self, person: Row<'a>, crowd: Crowd<'a>) {
        let met = self.0.entry((crowd.by, crowd.one.position()));
        met.or_insert_with(|| (crowd, Vec::new())).1.push(person);
    }

    /// Says who was left alone and why, the largest crowds first.
    pub(super) fn tell(self, judgement: &mut Judgement) {
        let mut met: Vec<_> = self.0.into_values().collect();
        met.sort_by_key(|(crowd, _)| Reverse(crowd.records));
        let (told, more) = met.split_at(met.len().min(MOST_SHOWN));
        for (Crowd { one, records, by }, people) in told {
            let Some(object) = people.first().map(|person| person.object()) else { continue };
            let words = format!(
                "{records} {} share one {by} ({} is one of them): too many to tell which {} with it {}",
                one.object().plural(),
                one.id(),
                object.counted(people.len()),
                if people.len() == 1 { "is" } else { "are" },
            );
            judgement.skip_records(object, people.iter().copied(), &words);
        }
        let rest: Vec<Row<'a>> =
            more.iter().flat_map(|(_, people)| people.iter().copied()).collect();
        if let Some(first) = rest.first() {
            let words = format!("{} more values that many records share", more.len());
            judgement.skip_records(first.object(), rest.iter().copied(), &words);
        }
    }
}
