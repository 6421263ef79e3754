//! LIF-03: an open lead at an account that has a won or an open deal.
//!
//! Does not: decide which account a lead belongs to; it names every candidate (DUP-07) with a deal. Nor
//! repeat what DUP-06 says of a lead that is a contact already: one lead can be converted once.

use std::cmp::Reverse;

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::deals::DealState;
use crate::check::ladder::{Flags, lists};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity, unknown_field};
use crate::policy::Said;

use super::links::DealFields;
use super::{FILE, Settings, days, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-03",
    name: "open-lead-at-customer",
    family: Family::Lifecycle,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "A lead is open, its own account or an active account with its domain has a won or an open \
              deal, and its source does not mean an intended upsell. Leads that are contacts already \
              are left to DUP-06.",
    consequence: "A customer is called as a stranger, or a second seller joins a running deal.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    upsell_sources: Said<Vec<String>>,
    not_for_types: Said<Vec<String>>,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>) -> Self {
        Self {
            on: settings.on(),
            upsell_sources: settings.texts("upsell_sources", &[]),
            not_for_types: settings.texts("not_for_types", &["Reseller", "Partner"]),
        }
    }
}

/// The fields it reads.
struct Asked {
    flags: Flags,
    deals: DealFields,
    account: Option<Field>,
    source: Option<Field>,
    created: Option<Field>,
    /// What a lead and an account are matched by, and who works them.
    of_lead: Vec<Field>,
    of_account: Vec<Field>,
    account_type: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if !policies.lifecycle.lead_at_customer.on {
        return Err(CHECK.off_in_rules());
    }
    if policies.ladders.of(Object::Lead).is_none() {
        let write = "add [lead] with `field`, `order` and `closed`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    policies.ladders.ask(Object::Lead, grant);
    grant.field(Object::Account, "id")?;
    grant.field(Object::Deal, "account")?;
    let mut some = |object, names: &[&str]| -> Vec<Field> {
        names.iter().filter_map(|name| grant.optional(object, name)).collect()
    };
    let of_lead = some(Object::Lead, &["email", "website", "owner"]);
    let of_account = some(Object::Account, &["domain", "website", "owner"]);
    let asked = Asked {
        of_lead,
        of_account,
        flags: Flags::ask(grant),
        deals: DealFields::ask(grant, &policies.ladders)?,
        account: grant.optional(Object::Lead, "account"),
        source: grant.optional(Object::Lead, "lead_source"),
        created: grant.optional(Object::Lead, "created"),
        account_type: grant.optional(Object::Account, "type"),
    };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let rule = &world.policies.lifecycle.lead_at_customer;
    let Some((batch, ladder)) = staged(world, Object::Lead, &mut judgement) else {
        return judgement;
    };
    if world.batch(Object::Account).is_none() || world.batch(Object::Deal).is_none() {
        judgement.skip(Object::Lead, "there are no accounts or no deals to compare them with");
        return judgement;
    }
    for lead in batch.reviewed() {
        if world.policies.ladders.is_open(lead, &asked.flags) != Some(true) {
            continue;
        }
        judgement.examined += 1;
        let source = asked.source.as_ref().and_then(|field| lead.text(field));
        if source.is_some_and(|source| lists(&rule.upsell_sources.value, source)) {
            continue;
        }
        let case = Case { world, asked, rule, lead, stage: &ladder.field };
        let finding = case.finding();
        judgement
            .findings
            .extend(finding.filter(|_| !world.matches().is_told_a_contact(world, lead)));
    }
    judgement
}

/// An account at which something is sold, and the deal that says so.
struct Sold<'a> {
    account: Row<'a>,
    deal: Row<'a>,
    state: DealState,
}

/// One open lead.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    lead: Row<'a>,
    stage: &'w Field,
}

impl<'a> Case<'_, 'a> {
    fn finding(&self) -> Option<Finding> {
        let accounts = self.world.matches().belongs_to(self.world, self.lead);
        let buyers = accounts.iter().filter(|account| !self.buys_for_others(**account));
        let sold: Vec<Sold<'a>> = buyers.filter_map(|account| self.sold_at(*account)).collect();
        let (first, others) = sold.split_first()?;
        let finding = self.told(first, others);
        Some(if self.names_accounts() && others.is_empty() && accounts.len() > 1 {
            finding
                .unless(format!("the lead names {} accounts: it may be another's", accounts.len()))
        } else {
            finding
        })
    }

    /// Whether the lead itself says which accounts are its own.
    fn names_accounts(&self) -> bool {
        self.asked.account.as_ref().is_some_and(|field| self.lead.text(field).is_some())
    }

    fn buys_for_others(&self, account: Row<'a>) -> bool {
        let kind = self.asked.account_type.as_ref().and_then(|field| account.text(field));
        kind.is_some_and(|kind| lists(&self.rule.not_for_types.value, kind))
    }

    /// The deal that speaks loudest: an open one, else the one won last.
    fn sold_at(&self, account: Row<'a>) -> Option<Sold<'a>> {
        let deals = self.world.deals();
        let rank = |state| match state {
            DealState::Open => Some(1),
            DealState::Won => Some(0),
            DealState::Lost => None,
        };
        deals
            .of_account(account.id())
            .iter()
            .filter_map(|deal| {
                let state = deals.state(self.world, *deal)?;
                let closed = self.asked.deals.closed_at(*deal);
                let order = (rank(state)?, closed, Reverse(deal.id()));
                Some((order, Sold { account, deal: *deal, state }))
            })
            .max_by(|a, b| a.0.cmp(&b.0))
            .map(|(_, sold)| sold)
    }

    fn told(&self, first: &Sold<'a>, others: &[Sold<'a>]) -> Finding {
        let stage = self.lead.cell(self.stage);
        let what = match first.state {
            DealState::Won => self.won_when(first.deal),
            DealState::Open | DealState::Lost => "an open deal".to_owned(),
        };
        let headline = format!(
            "{} is {} while its account {} has {what} ({})",
            self.world.titled(self.lead),
            said(self.lead, self.stage),
            self.world.called(first.account),
            self.world.called(first.deal),
        );
        let proposal = if others.is_empty() {
            Proposal::ConvertCandidate { into: first.account.record() }
        } else {
            let n = others.len() + 1;
            let question = format!("Which of {n} accounts does the lead belong to, if any?");
            Proposal::ReviewRecord { question }
        };
        let mut finding =
            Finding::about(self.lead.record(), headline, Evidence::Cell(stage), proposal);
        let of_lead =
            self.asked.of_lead.iter().chain(&self.asked.account).chain(&self.asked.source);
        for field in of_lead.filter(|field| !self.lead.is_blank(field)) {
            finding = finding.because(Evidence::Cell(self.lead.cell(field)));
        }
        for sold in std::iter::once(first).chain(others) {
            finding = finding.with(sold.account.record());
            let of_account = self.asked.of_account.iter().chain(&self.asked.account_type);
            for field in of_account.filter(|field| !sold.account.is_blank(field)) {
                finding = finding.because(Evidence::Cell(sold.account.cell(field)));
            }
            finding = self.asked.deals.quote(finding, sold.deal);
            // With a type it may be one that buys for others.
            let kind = self.asked.account_type.as_ref();
            let kind = kind.filter(|_| !self.rule.not_for_types.value.is_empty());
            let unknown = kind.and_then(|field| unknown_field(sold.account, field));
            finding = unknown.into_iter().fold(finding, Finding::lacking);
        }
        let unsure = self.world.policies.ladders.unsure(self.lead, &self.asked.flags);
        finding = unsure.into_iter().fold(finding, Finding::lacking);
        let upsell = match self.rule.upsell_sources.value.as_slice() {
            [] => "no lead source means an intended upsell".to_owned(),
            sources => format!("sources of intended upsells: {}", sources.join(", ")),
        };
        self.doubts(first, finding.because(policy(self.rule.upsell_sources.line, upsell)))
    }

    fn won_when(&self, deal: Row<'a>) -> String {
        match self.asked.deals.closed_at(deal).map(|at| self.world.as_of.days_since(at)) {
            Some(ago @ 0..) => format!("a deal won {} ago", days(ago)),
            // A close date that lies ahead does not say when it was won.
            Some(_) | None => "a won deal".to_owned(),
        }
    }

    fn doubts(&self, first: &Sold<'a>, mut finding: Finding) -> Finding {
        if !self.names_accounts() {
            finding = finding.unless(
                "only the domain links them: a consultant or partner may write from the \
                 customer's domain",
            );
        }
        let closed = self.asked.deals.closed_at(first.deal);
        let created = time(self.lead, self.asked.created.as_ref());
        if let (DealState::Won, Some(closed), Some(created)) = (first.state, closed, created)
            && created > closed
        {
            finding = finding.unless(format!(
                "the lead came {} after the deal was won: another division may be asking anew",
                days((created - closed).num_days())
            ));
        }
        let source = self.asked.source.as_ref().filter(|field| self.lead.text(field).is_some());
        match source {
            Some(field) => finding.unless(format!(
                "if the source {} means an intended upsell, it belongs to `upsell_sources`",
                said(self.lead, field)
            )),
            None => finding.unless("its source is not known: it may be an intended upsell"),
        }
    }
}
