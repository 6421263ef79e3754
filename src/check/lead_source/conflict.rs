//! SRC-02: the source is of one channel, the first campaign of another.
//!
//! Does not: judge values that the tables of the rules leave out; it says which they are.

use std::collections::BTreeMap;

use crate::boundary::{Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Said;

use super::super::condition::fold;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::touch::{self, Touch, Uploads};
use super::{FILE, People, Policy, Sourced, in_time, policy, relative};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-02",
    name: "source-against-campaign",
    family: Family::LeadSource,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "The source's channel is not the channel of the first campaign the person answered, \
              which was answered before the record was created or at most `after_days` after.",
    consequence: "Two reports on the same people name different channels.",
    load,
};

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.lead_source;
    if rules.is_off(&CHECK) {
        return Err(CHECK.off_in_rules());
    }
    if rules.channels.is_empty() || rules.campaign_channels.is_empty() {
        let write = "fill in [channels] and [campaign-channels]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    touch::ask(grant)?;
    let people = People::ask(grant)?;
    Ok(Box::new(move |world| {
        let mut judgement = people.judgement();
        if touch::skip_unknown(world, &mut judgement) {
            return judgement;
        }
        let mut gaps = Gaps::default();
        for sourced in &people.ready {
            judge(world, sourced, &mut gaps, &mut judgement);
        }
        gaps.tell(&mut judgement);
        judgement
    }))
}

/// True when the check would have a finding about the record, were its source this one.
pub(super) fn speaks_against(
    world: &World<'_>,
    row: Row<'_>,
    sourced: &Sourced,
    source: &str,
) -> bool {
    let rules = &world.policies.lead_source;
    let created = row.time(&sourced.created);
    let is_meant = |touch: &Touch<'_, '_>| {
        created.is_some()
            && in_time(touch.at, created, rules.conflict_after_days.value, world.as_of.zone)
    };
    let touch = world.touches().first(row).filter(is_meant);
    let claimed = rules.channels.get(&fold(source));
    let campaign = touch.and_then(|touch| touch.mapped(&rules.campaign_channels));
    let differ = claimed.zip(campaign).is_some_and(|(one, other)| fold(one) != fold(other));
    differ && !rules.is_off(&CHECK)
}

/// Values that the tables do not map, as they may be shown, with the records that hold them.
#[derive(Default)]
struct Gaps<'a> {
    sources: BTreeMap<String, Vec<Row<'a>>>,
    campaigns: BTreeMap<String, Vec<Row<'a>>>,
}

impl Gaps<'_> {
    fn tell(self, judgement: &mut Judgement) {
        for (table, gaps) in [("channels", self.sources), ("campaign-channels", self.campaigns)] {
            for (value, rows) in gaps {
                let words = format!("[{table}] does not map {value} (records: {})", rows.len());
                judgement.leave_out(rows, words);
            }
        }
    }
}

/// The two channels of a person that do not agree.
struct Clash<'r, 'a, 't> {
    row: Row<'a>,
    touch: Touch<'t, 'a>,
    source: &'r Said<String>,
    campaign: &'r Said<String>,
}

fn judge<'a>(world: &World<'a>, sourced: &Sourced, gaps: &mut Gaps<'a>, judgement: &mut Judgement) {
    let rules = &world.policies.lead_source;
    let Sourced { object, source, created } = sourced;
    let Some(batch) = world.batch(*object) else {
        judgement.skip(*object, "there is no input");
        return;
    };
    let mut clashes = Vec::new();
    for row in batch.reviewed() {
        let Some(value) = row.text(source) else { continue };
        let Some(touch) = world.touches().first(row) else { continue };
        // What SRC-01, SRC-03 and SRC-05 speak of is not said twice.
        if rules.is_weak(Some(value))
            || world.overwritten().speaks_of(row)
            || !rules.is_governed(value)
            || row.time(created).is_none()
            || !in_time(
                touch.at,
                row.time(created),
                rules.conflict_after_days.value,
                world.as_of.zone,
            )
        {
            continue;
        }
        let Some(claimed) = rules.channels.get(&fold(value)) else {
            gaps.sources.entry(row.cell(source).shown().to_string()).or_default().push(row);
            continue;
        };
        let Some(campaign) = touch.mapped(&rules.campaign_channels) else {
            let kind = if touch.has_kind() {
                touch.kind_words()
            } else {
                "campaigns without a channel".to_owned()
            };
            gaps.campaigns.entry(kind).or_default().push(row);
            continue;
        };
        judgement.examined += 1;
        if fold(claimed) != fold(campaign) {
            clashes.push(Clash { row, touch, source: claimed, campaign });
        }
    }
    if batch.has(source) && gaps.sources.is_empty() && gaps.campaigns.is_empty() {
        judgement.look_through(*object);
    }
    let touches: Vec<_> = clashes.iter().map(|clash| clash.touch).collect();
    let uploads = Uploads::among(world, &touches);
    for clash in clashes {
        judgement.findings.push(finding(rules, *object, sourced, &clash, &uploads));
    }
}

fn finding<'a>(
    rules: &Policy,
    object: Object,
    sourced: &Sourced,
    clash: &Clash<'_, 'a, '_>,
    uploads: &Uploads<'a>,
) -> Finding {
    let Clash { row, touch, source, campaign } = clash;
    let before = row.cell(&sourced.source);
    let headline = format!(
        "Lead source {} belongs to the channel {}, but {} ({}), which was answered first, to {}",
        before.shown(),
        source.value,
        touch.words(),
        touch.kind_words(),
        campaign.value
    );
    let to = touch.mapped(&rules.campaign_sources);
    let proposal = Proposal::CorrectSource {
        before: before.clone(),
        to: to.map(|source| source.value.clone()),
    };
    let first = format!("{} belongs to the channel {}", before.shown(), source.value);
    let second = format!("{} belongs to the channel {}", touch.kind_words(), campaign.value);
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(before), proposal)
        .because(Evidence::Cell(row.cell(&sourced.created)))
        .because(policy(source.line, first))
        .because(policy(campaign.line, second));
    if let Some(to) = to {
        let says = format!("campaigns of {} give the source {}", touch.kind_words(), to.value);
        finding = finding.because(policy(to.line, says));
    }
    finding = touch.quote(finding);
    if let Some(doubt) = uploads.doubt(touch) {
        finding = finding.unless(doubt);
    }
    if let Some(created) = row.time(&sourced.created) {
        finding = finding.unless(format!(
            "The answer came {} the {object} was created: the source may name what happened in between",
            relative(touch.at, created, "about when", uploads.zone())
        ));
    }
    finding.unless(
        "A source names what the person did and a channel where: both can be right about different steps",
    )
}
