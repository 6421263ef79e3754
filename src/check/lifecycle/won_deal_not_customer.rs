//! LIF-02: a deal is won, and the stage says: not yet a customer.
//!
//! Does not: judge a contact by the deals of other people at its company.

use std::cmp::Reverse;

use crate::boundary::{Exposure, Field, Grant, Object, Row};
use crate::check::deals::DealState;
use crate::check::ladder::{Ladder, lists};
use crate::check::settings::named;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field};
use crate::policy::Said;

use super::links::DealFields;
use super::{FILE, Settings, days, on_ladder, policy, said, staged};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-02",
    name: "won-deal-not-customer",
    family: Family::Lifecycle,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "A deal of the account, or one that names the contact, was won more than `grace_days` \
              ago, its type makes a customer, and the stage stands below the first customer stage.",
    consequence: "A paying customer gets prospecting mail and calls, and customer counts are too \
                  low.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    objects: Vec<Object>,
    grace_days: Said<u32>,
    one_off_types: Said<Vec<String>>,
    not_for_types: Said<Vec<String>>,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>) -> Self {
        let possible = [Object::Contact, Object::Account];
        Self {
            on: settings.on(),
            objects: settings.objects(&possible, &possible),
            grace_days: settings.count("grace_days", 7),
            one_off_types: settings.texts("one_off_types", &[]),
            not_for_types: settings.texts("not_for_types", &["Reseller", "Partner"]),
        }
    }
}

/// The fields it reads.
pub(super) struct Asked {
    deals: DealFields,
    contact: Option<Field>,
    deal_type: Option<Field>,
    amount: Option<Field>,
    account_type: Option<Field>,
}

impl Asked {
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Off> {
        let rule = &policies.lifecycle.won_deal_not_customer;
        if !rule.on {
            return Err(CHECK.off_in_rules());
        }
        if rule.objects.iter().all(|object| policies.ladders.of(*object).is_none()) {
            let write = "add [contact] or [account] with `field`, `order` and `customer`";
            return Err(Off::NoPolicy { file: FILE, write });
        }
        for object in &rule.objects {
            policies.ladders.ask(*object, grant);
        }
        grant.field(Object::Deal, "close_date")?;
        let amount = grant.optional(Object::Deal, "amount");
        Ok(Self {
            deals: DealFields::ask(grant, &policies.ladders)?,
            contact: grant.optional(Object::Deal, "contact"),
            deal_type: grant.optional(Object::Deal, "type"),
            amount: amount.filter(|field| field.exposure() != Exposure::Never),
            account_type: grant.optional(Object::Account, "type"),
        })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let asked = Asked::ask(grant, policies)?;
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let rule = &world.policies.lifecycle.won_deal_not_customer;
    for object in &rule.objects {
        let Some((batch, ladder)) = staged(world, *object, &mut judgement) else { continue };
        if ladder.customer.is_empty() {
            judgement.skip(*object, "their ladder has no `customer` stage");
            continue;
        }
        if world.batch(Object::Deal).is_none() {
            judgement.skip(*object, "there are no deals to compare them with");
            continue;
        }
        if *object == Object::Contact && !names_contacts(world, asked) {
            judgement.skip(*object, "deals do not name contacts");
            continue;
        }
        for row in batch.reviewed() {
            judgement.examined += 1;
            let case = Case { world, asked, rule, ladder, row };
            judgement.findings.extend(case.finding());
        }
    }
    judgement
}

/// True when the check finds something about a record.
pub(super) fn finds<'a>(world: &World<'a>, asked: &Asked, row: Row<'a>) -> bool {
    let rule = &world.policies.lifecycle.won_deal_not_customer;
    let ladder = world.policies.ladders.of(row.object());
    ladder.is_some_and(|ladder| {
        rule.objects.contains(&row.object())
            && !ladder.customer.is_empty()
            && Case { world, asked, rule, ladder, row }.finding().is_some()
    })
}

/// True when the check holds an account, or a contact, against deals that were won.
pub(super) fn looks_at_won_deals<'a>(world: &World<'a>, row: Row<'a>) -> bool {
    let rule = &world.policies.lifecycle.won_deal_not_customer;
    let of = world.deals();
    let deals = if row.object() == Object::Contact {
        of.of_contact(row.id())
    } else {
        of.of_account(row.id())
    };
    let is_won = |deal: &Row<'a>| of.state(world, *deal) == Some(DealState::Won);
    rule.objects.contains(&row.object()) && deals.iter().any(is_won)
}

fn names_contacts(world: &World<'_>, asked: &Asked) -> bool {
    let deals = world.batch(Object::Deal);
    asked.contact.as_ref().zip(deals).is_some_and(|(field, deals)| deals.has(field))
}

/// One record and what it is judged by.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    ladder: &'w Ladder,
    row: Row<'a>,
}

impl<'a> Case<'_, 'a> {
    fn finding(&self) -> Option<Finding> {
        let deals = self.deals();
        if deals.is_empty() || !self.may_be_below() || self.buys_for_others() {
            return None;
        }
        let (deal, age) = self.first_won(deals)?;
        Some(self.told(deal, age))
    }

    fn deals(&self) -> &[Row<'a>] {
        let deals = self.world.deals();
        if self.row.object() == Object::Contact {
            deals.of_contact(self.row.id())
        } else {
            deals.of_account(self.row.id())
        }
    }

    /// True when the stage stands below the first customer stage, or is blank.
    fn may_be_below(&self) -> bool {
        let Some(stage) = self.row.text(&self.ladder.field) else { return true };
        if lists(&self.ladder.customer, stage) || lists(&self.ladder.closed, stage) {
            return false;
        }
        let first = self.ladder.customer.iter().filter_map(|stage| self.ladder.rank(stage)).min();
        self.ladder.rank(stage).is_some_and(|rank| first.is_none_or(|first| rank < first))
    }

    fn account(&self) -> Option<Row<'a>> {
        if self.row.object() == Object::Account {
            return Some(self.row);
        }
        let accounts = self.world.batch(Object::Account)?;
        self.asked.deals.companies(self.row).find_map(|id| accounts.find(id))
    }

    fn account_type(&self) -> Option<(Row<'a>, &Field)> {
        Some((self.account()?, self.asked.account_type.as_ref()?))
    }

    fn buys_for_others(&self) -> bool {
        self.account_type()
            .and_then(|(account, field)| account.text(field))
            .is_some_and(|kind| lists(&self.rule.not_for_types.value, kind))
    }

    /// The first deal that made a customer, with the days since, or one whose day is unknown.
    fn first_won(&self, deals: &[Row<'a>]) -> Option<(Row<'a>, Option<i64>)> {
        let grace = i64::from(self.rule.grace_days.value);
        let age = |deal: Row<'a>| {
            let closed = self.asked.deals.closed_at(deal)?;
            Some(self.world.as_of.days_since(closed))
        };
        let one_off = |deal: Row<'a>| {
            let kind = self.asked.deal_type.as_ref().and_then(|field| deal.text(field));
            kind.is_some_and(|kind| lists(&self.rule.one_off_types.value, kind))
        };
        let won = || {
            deals.iter().copied().filter(|deal| {
                self.world.deals().state(self.world, *deal) == Some(DealState::Won)
                    && !one_off(*deal)
            })
        };
        let dated = won()
            .filter_map(|deal| Some((deal, age(deal)?)))
            .filter(|(_, age)| *age > grace)
            // Of deals won on one day the first by its id, so that next week names the same.
            .max_by_key(|(deal, age)| (*age, Reverse(deal.id())));
        match dated {
            Some((deal, age)) => Some((deal, Some(age))),
            None => won().find(|deal| age(*deal).is_none()).map(|deal| (deal, None)),
        }
    }

    fn told(&self, deal: Row<'a>, age: Option<i64>) -> Finding {
        let stage = self.row.cell(&self.ladder.field);
        let when = age.map_or_else(String::new, |age| format!(" {} ago", days(age)));
        let (deal_name, object) = (self.world.called(deal), self.row.object());
        let headline = if self.row.is_blank(&self.ladder.field) {
            let stage = named(&stage);
            format!(
                "Deal {deal_name} was won{when} and the {object} has no stage: {stage} is blank"
            )
        } else {
            format!(
                "Deal {deal_name} was won{when} and the {object} is still {}",
                said(self.row, &self.ladder.field)
            )
        };
        let first = self
            .ladder
            .customer
            .iter()
            .min_by_key(|stage| self.ladder.rank(stage).unwrap_or(usize::MAX));
        let mut finding = Finding::about(
            self.row.record(),
            headline,
            Evidence::Cell(stage.clone()),
            Proposal::CorrectLifecycle { before: stage, to: first.cloned() },
        )
        .with(deal.record());
        finding = self.asked.deals.quote(finding, deal);
        let of_deal = [&self.asked.deal_type, &self.asked.amount];
        for field in of_deal.into_iter().flatten().filter(|field| !deal.is_blank(field)) {
            finding = finding.because(Evidence::Cell(deal.cell(field)));
        }
        finding = finding
            .because(on_ladder(
                self.ladder,
                format!("customer = {}", self.ladder.customer.join(", ")),
            ))
            .because(policy(
                self.rule.grace_days.line,
                format!("the stage may follow within {}", days(self.rule.grace_days.value)),
            ));
        if self.row.text(&self.ladder.field).is_none() {
            finding = finding.lacking(blank_field(&self.ladder.field));
        }
        if age.is_none() {
            finding = finding.lacking(self.asked.deals.closing_unknown(deal));
        }
        self.doubts(deal, finding)
    }

    fn doubts(&self, deal: Row<'a>, mut finding: Finding) -> Finding {
        match self.account_type() {
            Some((account, field)) if account.text(field).is_some() => {
                if *field != self.ladder.field {
                    finding = finding.because(Evidence::Cell(account.cell(field)));
                }
                let ladder = self.world.policies.ladders.of(Object::Account);
                let is_customer = ladder.zip(account.text(field)).is_some_and(|(ladder, kind)| {
                    ladder.field == *field && lists(&ladder.customer, kind)
                });
                if *field != self.ladder.field && !is_customer {
                    finding = finding.unless(format!(
                        "account {} is of type {}: a type that buys for others belongs to \
                         `not_for_types`",
                        account.id(),
                        said(account, field)
                    ));
                }
            }
            Some(_) | None => {
                finding = finding.unless("nothing says whether the account buys for others");
            }
        }
        let won = self
            .deals()
            .iter()
            .filter(|deal| self.world.deals().state(self.world, **deal) == Some(DealState::Won));
        if won.count() == 1 {
            let kind = self.asked.deal_type.as_ref().filter(|field| deal.text(field).is_some());
            let kind = kind.map_or_else(
                || "its type is not known".to_owned(),
                |field| format!("its type is {}", deal.cell(field).shown()),
            );
            finding = finding.unless(format!(
                "it is the only won deal: a one-off sale makes no customer ({kind})"
            ));
        }
        if let [_, second, ..] = self.ladder.customer.as_slice() {
            finding = finding
                .unless(format!("several stages mean customer: {second} may be the right one"));
        }
        if finding.doubts.is_empty() {
            finding =
                finding.unless("the contract may have ended since, and the stage been set back");
        }
        finding
    }
}
