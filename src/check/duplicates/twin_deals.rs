//! DUP-09: open deals of one account that look like one deal entered twice.
//!
//! Does not: propose a merge; two deals are never merged on a likeness.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use hashbrown::{HashMap, HashSet};

use crate::boundary::{Field, Grant, Object, Row, id_key, ids};
use crate::check::deals::{self, DealState};
use crate::check::ladder::UNSAID;
use crate::check::settings::days;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::matching::normalise;

use super::merge::{MOST_SHOWN, listed, others};
use super::policy::{Policy, Switch};

/// DUP-09.
pub(in crate::check) const TWIN_DEALS: CheckDef = CheckDef {
    code: "DUP-09",
    name: "twin-deals",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Two or more open deals of one account, one type and one currency have amounts within \
              `amount_within` of each other and close dates within `days_within` days, each with another of them; types in `may_repeat` are left alone.",
    consequence: "The forecast counts one deal twice.",
    load,
};

/// The fields it reads.
struct Asked {
    account: Field,
    amount: Field,
    close_date: Field,
    kind: Option<Field>,
    currency: Option<Field>,
    name: Option<Field>,
    owner: Option<Field>,
    created: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.twin_deals.switch == Switch::Off {
        return Err(TWIN_DEALS.off_in_rules());
    }
    let asked = Asked {
        account: grant.field(Object::Deal, "account")?,
        amount: grant.field(Object::Deal, "amount")?,
        close_date: grant.field(Object::Deal, "close_date")?,
        kind: grant.optional(Object::Deal, "type"),
        currency: grant.optional(Object::Deal, "currency"),
        name: grant.optional(Object::Deal, "name"),
        owner: grant.optional(Object::Deal, "owner"),
        created: grant.optional(Object::Deal, "created"),
    };
    deals::ask(grant, &policies.ladders);
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(batch) = world.batch(Object::Deal) else {
        judgement.skip(Object::Deal, "there is no table");
        return judgement;
    };
    let mut near = Near { asked, world, of_account: HashMap::new() };
    let mut told: HashSet<usize> = HashSet::new();
    let mut unsaid = Vec::new();
    for deal in batch.reviewed().filter(|deal| deal.text(&asked.account).is_some()) {
        if world.deals().may_be_open(world, deal) {
            unsaid.push(deal);
        }
        if !is_open(world, deal) {
            continue;
        }
        judgement.examined += 1;
        if told.contains(&deal.position()) {
            continue;
        }
        for mut twins in near.groups(deal) {
            twins.sort_by_key(|row| row.id());
            told.extend(twins.iter().map(|row| row.position()));
            // Whoever reads the rows in another order says it of the same deal.
            let first = twins.iter().find(|row| row.is_under_review());
            if let Some(first) = first.filter(|_| twins.len() > 1) {
                judgement.findings.extend(asked.finding(world, *first, &twins));
            }
        }
    }
    if !unsaid.is_empty() {
        let why = format!("{} with {UNSAID}", unsaid.len());
        judgement.skip_records(Object::Deal, unsaid, &why);
    }
    judgement
}

/// True for two values that are one: words, which people type, however they are spelled.
fn is_one(field: &Field, one: &str, two: &str) -> bool {
    one == two
        || matches!(field.name(), "currency" | "type" | "name")
            && normalise::words(one) == normalise::words(two)
}

/// What a field says, however it is spelled.
fn words(field: Option<&Field>, row: Row<'_>) -> Option<String> {
    field.and_then(|field| row.text(field)).map(normalise::words)
}

fn is_open<'a>(world: &World<'a>, deal: Row<'a>) -> bool {
    world.deals().state(world, deal) == Some(DealState::Open)
}

/// Those that close within so many days of one.
fn around<'c, 'a>(
    closing: &'c [(NaiveDate, Row<'a>)],
    day: NaiveDate,
    within: i64,
) -> &'c [(NaiveDate, Row<'a>)] {
    let from = closing.partition_point(|(other, _)| (day - *other).num_days() > within);
    let until = closing.partition_point(|(other, _)| (*other - day).num_days() <= within);
    closing.get(from..until).unwrap_or_default()
}

/// The deals of the accounts that were looked at.
struct Near<'l, 'a> {
    asked: &'l Asked,
    world: &'l World<'a>,
    of_account: HashMap<&'a str, Vec<(NaiveDate, Row<'a>)>>,
}

impl<'a> Near<'_, 'a> {
    /// A deal with its twins. A deal that says no currency may be the twin of one in each, and makes no twins of
    /// them: then each currency has a group of its own.
    fn groups(&mut self, deal: Row<'a>) -> Vec<Vec<Row<'a>>> {
        let all = self.twins(deal, None);
        let currency = |row: &Row<'a>| self.asked.currency(*row);
        let currencies: BTreeSet<String> = all.iter().filter_map(currency).collect();
        if currencies.len() < 2 {
            return vec![all];
        }
        let mut groups: Vec<Vec<Row<'a>>> = Vec::new();
        for currency in &currencies {
            let mut seen: HashSet<usize> = HashSet::new();
            for one in &all {
                let is_in = self.asked.currency(*one).as_ref() == Some(currency);
                if is_in && !seen.contains(&one.position()) {
                    let group = self.twins(*one, Some(currency));
                    seen.extend(group.iter().map(|row| row.position()));
                    groups.push(group);
                }
            }
        }
        groups
    }

    /// A deal with its twins and theirs: the third of three may be near the second alone. Where a currency is
    /// given, only those that say no other.
    fn twins(&mut self, deal: Row<'a>, currency: Option<&str>) -> Vec<Row<'a>> {
        let Self { asked, world, of_account } = self;
        let within = i64::from(world.policies.duplicates.twin_deals.days_within.value);
        let mut seen: HashSet<usize> = HashSet::from([deal.position()]);
        let mut twins = vec![deal];
        let mut next = 0;
        while let Some(one) = twins.get(next).copied() {
            next += 1;
            let Some(day) = one.day(&asked.close_date, world.as_of.zone) else { continue };
            for id in one.text(&asked.account).into_iter().flat_map(ids) {
                let closing =
                    of_account.entry(id_key(id)).or_insert_with(|| asked.closing(world, id));
                let near = around(closing, day, within).iter().map(|(_, other)| *other);
                twins.extend(near.filter(|other| {
                    let is_other = |its: String| currency.is_some_and(|currency| its != currency);
                    !asked.currency(*other).is_some_and(is_other)
                        && asked.are_twins(world, one, *other)
                        && seen.insert(other.position())
                }));
            }
        }
        twins
    }
}

impl Asked {
    fn currency(&self, deal: Row<'_>) -> Option<String> {
        words(self.currency.as_ref(), deal)
    }

    /// The open deals of an account in the order in which they are to close: of an account with many deals
    /// each is held against a few only.
    fn closing<'a>(&self, world: &World<'a>, account: &str) -> Vec<(NaiveDate, Row<'a>)> {
        let deals = world.deals().of_account(account).iter().copied();
        let open = deals.filter(|deal| is_open(world, *deal));
        let mut closing: Vec<_> = open
            .filter_map(|deal| Some((deal.day(&self.close_date, world.as_of.zone)?, deal)))
            .collect();
        closing.sort_by_key(|(day, _)| *day);
        closing
    }

    fn are_twins(&self, world: &World<'_>, deal: Row<'_>, other: Row<'_>) -> bool {
        let policy = &world.policies.duplicates.twin_deals;
        let (Some(one), Some(two)) = (deal.number(&self.amount), other.number(&self.amount)) else {
            return false;
        };
        if one <= 0.0 || (one - two).abs() > policy.amount_within.value * one.max(two) {
            return false;
        }
        let currencies = self.currency(deal).zip(self.currency(other));
        if currencies.is_some_and(|(one, two)| one != two) {
            return false;
        }
        let kind = words(self.kind.as_ref(), deal);
        let may_repeat = kind.as_ref().is_some_and(|kind| {
            policy.may_repeat.value.iter().any(|t| normalise::words(t) == *kind)
        });
        !may_repeat && kind == words(self.kind.as_ref(), other)
    }

    fn finding(&self, world: &World<'_>, deal: Row<'_>, twins: &[Row<'_>]) -> Option<Finding> {
        let headline = format!(
            "{}, of one account, have nearly one amount and close date",
            world.several("open deals", twins)
        );
        let question = format!("Are {} one deal entered twice?", listed(twins));
        let fields = [&self.account, &self.amount, &self.close_date].map(Some);
        let more = [&self.currency, &self.kind, &self.name, &self.owner, &self.created];
        let more = more.map(Option::as_ref);
        let fields: Vec<&Field> = fields.into_iter().chain(more).flatten().collect();
        let others_than = twins.iter().filter(|other| other.id() != deal.id());
        let mut facts = others_than.take(MOST_SHOWN).flat_map(|other| {
            let is_told = |field: &&&Field| !deal.is_blank(field) || !other.is_blank(field);
            fields.iter().filter(is_told).map(|field| Evidence::Compared {
                left: deal.cell(field),
                right: other.cell(field),
                level: match (deal.written(field), other.written(field)) {
                    (Some(one), Some(two)) if is_one(field, &one, &two) => "the same",
                    (Some(_), Some(_)) => "not the same",
                    _ => "one side is blank",
                }
                .to_owned(),
            })
        });
        let mut finding = Finding::about(
            deal.record(),
            headline,
            facts.next()?,
            Proposal::ReviewRecord { question },
        );
        finding = facts.fold(finding, Finding::because);
        if let Some(more) = twins.len().checked_sub(MOST_SHOWN + 1).filter(|more| *more > 0) {
            finding = finding.because(Evidence::Figure {
                of: "more open deals of the account that are near one of these".to_owned(),
                is: more.to_string(),
            });
        }
        for twin in others(twins, deal) {
            finding = finding.with(twin);
        }
        let policy = &world.policies.duplicates.twin_deals;
        finding = finding
            .because(Policy::quote(
                policy.amount_within.line,
                &format!("amount_within = {}", policy.amount_within.value),
            ))
            .because(Policy::quote(
                policy.days_within.line,
                &format!("days_within = {}", policy.days_within.value),
            ));
        let differ = |field: Option<&Field>| {
            field.is_some_and(|field| {
                twins.iter().any(|row| row.written(field) != deal.written(field))
            })
        };
        if differ(self.owner.as_ref()) {
            finding = finding.unless("they have different owners: a deal that was split");
        }
        if differ(self.name.as_ref()) {
            finding = finding.unless("they have different names: two orders of one size");
        }
        if let Some(apart) = self.days_apart(twins).filter(|apart| *apart > 30) {
            let apart = days(apart);
            finding = finding.unless(format!("they were created {apart} apart: a repeated order"));
        }
        let says_currency = |row: &Row<'_>| match &self.currency {
            Some(field) => !row.is_blank(field),
            None => true,
        };
        if !twins.iter().all(says_currency) {
            finding =
                finding.unless("not all of them say their currency: two amounts may be two sums");
        }
        if world.policies.boundary.allowed(Object::Deal, "type").is_none() {
            finding = finding.unless("the deals' type is not read: one may be a renewal");
        }
        if finding.doubts.is_empty() {
            finding = finding.unless("two sites of the account may order the same at one time");
        }
        Some(finding)
    }

    fn days_apart(&self, twins: &[Row<'_>]) -> Option<i64> {
        let created = self.created.as_ref()?;
        let dates: Vec<_> = twins.iter().filter_map(|row| row.time(created)).collect();
        Some((*dates.iter().max()? - *dates.iter().min()?).num_days())
    }
}
