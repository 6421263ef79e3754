//! The first campaign that each person answered.
//!
//! Does not: judge a source.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use hashbrown::{HashMap, HashSet};

use crate::boundary::{Batch, Field, Grant, Missing, Object, Row, id_key, is_bare_day, named_day};
use crate::finding::{Evidence, Finding};
use crate::policy::Said;

use super::super::condition::fold;
use super::super::{Judgement, World};
use super::{Mapping, PEOPLE};

/// The first answer of every person.
#[derive(Debug, Default)]
pub(in crate::check) struct Touches<'a> {
    first: HashMap<&'a str, First<'a>>,
    fields: Option<Fields>,
}

/// The answer that counts as a person's first.
#[derive(Debug, Clone, Copy)]
struct First<'a> {
    row: Row<'a>,
    /// How many answers the person gave in all.
    answers: u32,
    /// True where an answer to a campaign of another kind may have come before.
    is_unclear: bool,
}

/// The fields of a campaign's members.
#[derive(Debug, Clone)]
struct Fields {
    responded: Field,
    campaign: Option<Field>,
    channel: Option<Field>,
    kind: Option<Field>,
}

impl Fields {
    /// The campaign's channel and type, as they are compared.
    fn kinds(&self, row: Row<'_>) -> [Option<String>; 2] {
        [&self.channel, &self.kind].map(|field| row.text(field.as_ref()?).map(fold))
    }

    /// What tells one answer of a day from another, whatever the order of the rows.
    fn key(&self, row: Row<'_>) -> ([Option<String>; 2], Option<String>, Option<DateTime<Utc>>) {
        let campaign = self.campaign.as_ref().and_then(|field| row.text(field));
        (self.kinds(row), campaign.map(fold), row.time(&self.responded))
    }
}

/// One person's first answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touch<'t, 'a> {
    /// The campaign member's row.
    pub(super) row: Row<'a>,
    /// When it was answered.
    pub(super) at: DateTime<Utc>,
    /// How many answers the person gave in all.
    pub(super) answers: u32,
    /// True where an answer to a campaign of another kind may have come before.
    is_unclear: bool,
    fields: &'t Fields,
}

/// Asks for the fields by which answers are known.
pub(super) fn ask(grant: &mut Grant<'_>) -> Result<(), Missing> {
    grant.field(Object::CampaignMember, "record")?;
    grant.field(Object::CampaignMember, "responded")?;
    for name in ["campaign", "channel", "type"] {
        grant.optional(Object::CampaignMember, name);
    }
    Ok(())
}

/// True where answers to campaigns are to be judged by, and no input tells of any.
pub(super) fn are_unknown(world: &World<'_>) -> bool {
    let boundary = &world.policies.boundary;
    let is_allowed = |name| boundary.allowed(Object::CampaignMember, name).is_some();
    world.batch(Object::CampaignMember).is_none()
        && ["record", "responded"].into_iter().all(is_allowed)
}

/// Notes of a check that judges people by their answers alone that it cannot look. True where that is so.
pub(super) fn skip_unknown(world: &World<'_>, judgement: &mut Judgement) -> bool {
    let unknown = are_unknown(world);
    if unknown {
        let why = "there is no input: what people answered first is not known";
        judgement.skip_tables(Object::CampaignMember, PEOPLE, why);
    }
    unknown
}

impl<'a> Touches<'a> {
    pub(in crate::check) fn of(world: &World<'a>) -> Self {
        let field = |name: &str| world.policies.boundary.allowed(Object::CampaignMember, name);
        let (Some(responded), Some(batch)) =
            (field("responded"), world.batch(Object::CampaignMember))
        else {
            return Self::default();
        };
        let fields = Fields {
            responded,
            campaign: field("campaign"),
            channel: field("channel"),
            kind: field("type"),
        };
        let mut first: HashMap<&'a str, First<'a>> = HashMap::new();
        for row in batch.rows() {
            let Some(at) = row.time(&fields.responded) else { continue };
            first
                .entry(id_key(row.id().trim()))
                .and_modify(|first| {
                    first.answers += 1;
                    if first.row.time(&fields.responded).is_none_or(|earliest| at < earliest) {
                        first.row = row;
                    }
                })
                .or_insert(First { row, answers: 1, is_unclear: false });
        }
        let mut touches = Self { first, fields: None };
        touches.settle(world.as_of.zone, batch, &fields);
        Self { fields: Some(fields), ..touches }
    }

    /// Of several answers of one moment, or of one day where that is all that is known of one of them, the
    /// first is not that of the file: next week's may have its rows in another order.
    fn settle(&mut self, zone: Tz, batch: &'a Batch, fields: &Fields) {
        let mut of_first_day: HashMap<&'a str, Vec<(DateTime<Utc>, Row<'a>)>> = HashMap::new();
        for row in batch.rows() {
            let person = id_key(row.id().trim());
            let first = self.first.get(person).filter(|first| first.answers > 1);
            let earliest = first.and_then(|first| first.row.time(&fields.responded));
            let Some((at, earliest)) = row.time(&fields.responded).zip(earliest) else { continue };
            if named_day(at, zone) == named_day(earliest, zone) {
                of_first_day.entry(person).or_default().push((at, row));
            }
        }
        for (person, answers) in of_first_day {
            let times = answers.iter().map(|(at, _)| *at);
            let earliest = times.filter(|at| !is_bare_day(*at, zone)).min();
            let mut maybe: Vec<Row<'a>> = answers
                .iter()
                .filter(|(at, _)| is_bare_day(*at, zone) || Some(*at) == earliest)
                .map(|(_, row)| *row)
                .collect();
            maybe.sort_by_cached_key(|row| fields.key(*row));
            let kinds = maybe.iter().map(|row| fields.kinds(*row));
            let is_unclear = kinds.clone().any(|kind| Some(kind) != kinds.clone().next());
            if let (Some(held), Some(row)) = (self.first.get_mut(person), maybe.first()) {
                *held = First { row: *row, is_unclear, ..*held };
            }
        }
    }

    /// A person's first answer, if they gave one.
    pub(super) fn first(&self, person: Row<'_>) -> Option<Touch<'_, 'a>> {
        let fields = self.fields.as_ref()?;
        let First { row, answers, is_unclear } = *self.first.get(id_key(person.id().trim()))?;
        Some(Touch { row, at: row.time(&fields.responded)?, answers, is_unclear, fields })
    }
}

impl<'a> Touch<'_, 'a> {
    /// What a table of the rules says of the campaign's channel or, failing that, of its type.
    pub(super) fn mapped<'p>(&self, mapping: &'p Mapping) -> Option<&'p Said<String>> {
        self.grouping().find_map(|field| mapping.get(&fold(self.row.text(field)?)))
    }

    /// True where the campaign's channel or type is known.
    pub(super) fn has_kind(&self) -> bool {
        self.grouping().any(|field| !self.row.is_blank(field))
    }

    fn grouping(&self) -> impl Iterator<Item = &Field> {
        [&self.fields.channel, &self.fields.kind].into_iter().flatten()
    }

    /// The campaign as it may be shown: `the campaign Spring Webinar`.
    pub(super) fn words(&self) -> String {
        match &self.fields.campaign {
            Some(campaign) if !self.row.is_blank(campaign) => {
                format!("the campaign {}", self.row.cell(campaign).shown())
            }
            Some(_) | None => "a campaign".to_owned(),
        }
    }

    /// The campaign's channel and type as they may be shown; `no channel` if it has neither.
    pub(super) fn kind_words(&self) -> String {
        let words: Vec<_> = self
            .grouping()
            .filter(|field| !self.row.is_blank(field))
            .map(|field| self.row.cell(field).shown().to_string())
            .collect();
        if words.is_empty() { "no channel".to_owned() } else { words.join(" / ") }
    }

    /// Adds what the campaign's member says to a finding, and what is lacking of it.
    pub(super) fn quote(&self, mut finding: Finding) -> Finding {
        let named = [self.fields.campaign.as_ref(), Some(&self.fields.responded)];
        for field in named.into_iter().flatten().chain(self.grouping()) {
            if !self.row.is_blank(field) {
                finding = finding.because(Evidence::Cell(self.row.cell(field)));
            }
        }
        if self.is_unclear {
            finding = finding.lacking(
                "campaigns of different kinds were answered at one time: which came first is not known",
            );
        }
        finding
    }

    /// The campaign and the instant, by which members that were uploaded together are recognised.
    fn moment(&self, zone: Tz) -> Option<(&'a str, DateTime<Utc>)> {
        let campaign = self.fields.campaign.as_ref().and_then(|field| self.row.text(field))?;
        // A day without a time is shared by everybody who came that day.
        (!is_bare_day(self.at, zone)).then_some((campaign, self.at))
    }
}

/// How many members of one campaign answered in the very same instant.
pub(super) struct Uploads<'a> {
    counts: HashMap<(&'a str, DateTime<Utc>), usize>,
    zone: Tz,
}

impl<'a> Uploads<'a> {
    /// Counts the instants of these answers alone, in one pass over the members.
    pub(super) fn among(world: &World<'a>, touches: &[Touch<'_, 'a>]) -> Self {
        let zone = world.as_of.zone;
        let wanted: HashSet<_> = touches.iter().filter_map(|touch| touch.moment(zone)).collect();
        let mut counts = HashMap::new();
        let Some((batch, touch)) = world.batch(Object::CampaignMember).zip(touches.first()) else {
            return Self { counts, zone };
        };
        if wanted.is_empty() {
            return Self { counts, zone };
        }
        for row in batch.rows() {
            let Some(at) = row.time(&touch.fields.responded) else { continue };
            let campaign = touch.fields.campaign.as_ref().and_then(|field| row.text(field));
            if let Some(moment) = campaign.map(|campaign| (campaign, at))
                && wanted.contains(&moment)
            {
                *counts.entry(moment).or_default() += 1;
            }
        }
        Self { counts, zone }
    }

    /// The review's zone, which tells days without a time.
    pub(super) fn zone(&self) -> Tz {
        self.zone
    }

    /// The doubt that an answer was uploaded with a list rather than given.
    pub(super) fn doubt(&self, touch: &Touch<'_, 'a>) -> Option<String> {
        let count = touch.moment(self.zone).and_then(|moment| self.counts.get(&moment).copied())?;
        (count >= 10).then(|| {
            format!("{count} members of this campaign answered in the very same moment: a list was uploaded")
        })
    }
}
