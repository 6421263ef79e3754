//! Which deals speak of a contact or an account, and how many deals speak of none.
//!
//! A contact's deals are its own and its company's; a company's are its own and those that name only
//! one of its people. Does not: judge a record.

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{Field, Grant, Missing, Object, Outside, Row, id_key, ids};
use crate::check::deals::{self, Closing, DealState};
use crate::check::interval::percent;
use crate::check::ladder::Ladders;
use crate::check::{Judgement, World};
use crate::finding::{Evidence, Finding};

/// How many deals a finding quotes at most.
const QUOTED: usize = 5;

/// The fields by which deals are linked and quoted.
#[derive(Debug, Clone)]
pub(super) struct DealFields {
    stage: Option<Field>,
    closed: Option<Field>,
    won: Option<Field>,
    closing: Closing,
    /// The contact's company.
    contact_account: Option<Field>,
    account: Option<Field>,
    contact: Option<Field>,
}

impl DealFields {
    /// Asks for them; a deal has to say which account or contact it belongs to.
    pub(super) fn ask(grant: &mut Grant<'_>, ladders: &Ladders) -> Result<Self, Missing> {
        deals::ask(grant, ladders);
        let account = grant.optional(Object::Deal, "account");
        let contact = grant.optional(Object::Deal, "contact");
        if contact.is_none() {
            grant.field(Object::Deal, "account")?;
        }
        Ok(Self {
            stage: ladders.of(Object::Deal).map(|ladder| ladder.field.clone()),
            closed: grant.optional(Object::Deal, "closed"),
            won: grant.optional(Object::Deal, "won"),
            closing: Closing::ask(grant),
            contact_account: grant.optional(Object::Contact, "account"),
            account,
            contact,
        })
    }

    /// Adds what a deal says of its standing; that one that was won is closed goes without saying.
    pub(super) fn quote(&self, mut finding: Finding, deal: Row<'_>) -> Finding {
        let won = self.won.as_ref().and_then(|field| deal.flag(field)) == Some(true);
        let closed = self.closed.as_ref().filter(|_| !won);
        let fields = [self.stage.as_ref(), closed, self.won.as_ref(), self.closing.field(deal)];
        for field in fields.into_iter().flatten() {
            if !deal.is_blank(field) {
                finding = finding.because(Evidence::Cell(deal.cell(field)));
            }
        }
        finding
    }

    /// Adds the first few of the deals that were considered, and their number.
    pub(super) fn quote_all(&self, mut finding: Finding, deals: &[Row<'_>]) -> Finding {
        for deal in deals.iter().take(QUOTED) {
            finding = self.quote(finding, *deal);
        }
        let is = if deals.len() > QUOTED {
            format!("{}, of which {QUOTED} are quoted", deals.len())
        } else {
            deals.len().to_string()
        };
        finding.because(Evidence::Figure { of: "deals considered".to_owned(), is })
    }

    /// The instant a deal was closed.
    pub(super) fn closed_at(&self, deal: Row<'_>) -> Option<DateTime<Utc>> {
        self.closing.at(deal)
    }

    /// What keeps from knowing it, in words.
    pub(super) fn closing_unknown(&self, deal: Row<'_>) -> String {
        self.closing.unknown(deal)
    }

    /// The ids of a contact's companies; no other record has any.
    pub(super) fn companies<'a>(&self, of: Row<'a>) -> impl Iterator<Item = &'a str> {
        let field = self.contact_account.as_ref().filter(|_| of.object() == Object::Contact);
        field.and_then(|field| of.text(field)).into_iter().flat_map(ids)
    }

    /// What keeps a contact's company's deals from being looked at.
    pub(super) fn company_unknown(&self, world: &World<'_>, row: Row<'_>) -> Option<String> {
        if row.object() != Object::Contact {
            return None;
        }
        match &self.contact_account {
            None => Some("contact.account is not allowed".to_owned()),
            Some(field) if row.is_withheld(field) => Some(format!("{field} was withheld")),
            Some(field) if row.text(field).is_none() => Some(format!("{field} is blank")),
            Some(field) => {
                let accounts = world.batch(Object::Account)?;
                let leads_nowhere = self.companies(row).any(|id| accounts.find(id).is_none());
                leads_nowhere.then(|| format!("{field} leads to no account in the input"))
            }
        }
    }
}

/// The deals of every record, through whatever names it.
pub(super) struct Links<'w, 'a> {
    world: &'w World<'a>,
    fields: &'w DealFields,
    /// Deals that name a contact and no account, by that contact's account.
    through_people: HashMap<&'a str, Vec<Row<'a>>>,
    /// Whether a deal leads to an account, if at all, through somebody who is excluded from the review.
    through_excluded: bool,
    all: usize,
    to_contacts: usize,
    to_accounts: usize,
    /// Won deals that lead to no record.
    pub(super) won_unlinked: usize,
    /// Open deals that lead to no record.
    pub(super) open_unlinked: usize,
}

impl<'w, 'a> Links<'w, 'a> {
    pub(super) fn of(world: &'w World<'a>, fields: &'w DealFields) -> Self {
        let mut links = Self {
            world,
            fields,
            through_people: HashMap::new(),
            through_excluded: false,
            all: 0,
            to_contacts: 0,
            to_accounts: 0,
            won_unlinked: 0,
            open_unlinked: 0,
        };
        if let Some(deals) = world.batch(Object::Deal) {
            for deal in deals.rows() {
                links.add(deal);
            }
        }
        links
    }

    fn add(&mut self, deal: Row<'a>) {
        let named = |object, field: &Option<Field>| -> Vec<Row<'a>> {
            let batch = self.world.batch(object);
            let said = field.as_ref().and_then(|field| deal.text(field)).into_iter();
            said.flat_map(ids).filter_map(|id| batch?.find(id)).collect()
        };
        let accounts = named(Object::Account, &self.fields.account);
        let contacts = named(Object::Contact, &self.fields.contact);
        let names_account =
            self.fields.account.as_ref().is_some_and(|field| deal.text(field).is_some());
        let people: &[Row<'a>] = if names_account { &[] } else { &contacts };
        let mut companies: Vec<&str> =
            people.iter().flat_map(|person| self.fields.companies(*person)).map(id_key).collect();
        companies.sort_unstable();
        companies.dedup();
        let people = self.fields.contact.as_ref().and_then(|field| deal.text(field));
        self.through_excluded |= !names_account
            && people.is_some_and(|people| {
                let contacts = self.world.batch(Object::Contact);
                contacts.and_then(|batch| batch.outside(people)) == Some(Outside::Excluded)
            });
        self.all += 1;
        self.to_contacts += usize::from(!contacts.is_empty() || !accounts.is_empty());
        self.to_accounts += usize::from(!accounts.is_empty() || !companies.is_empty());
        for company in companies {
            self.through_people.entry(company).or_default().push(deal);
        }
        if contacts.is_empty() && accounts.is_empty() {
            match self.world.deals().state(self.world, deal) {
                Some(DealState::Won) => self.won_unlinked += 1,
                Some(DealState::Open) => self.open_unlinked += 1,
                Some(DealState::Lost) | None => {}
            }
        }
    }

    /// Every deal that speaks of a contact or an account, possibly twice.
    pub(super) fn deals(&self, row: Row<'a>) -> impl Iterator<Item = Row<'a>> {
        let of = self.world.deals();
        let is = |object| row.object() == object;
        let own = if is(Object::Contact) { of.of_contact(row.id()) } else { &[] };
        let itself = is(Object::Account).then(|| row.id());
        let company_deals = self.fields.companies(row).chain(itself).flat_map(move |id| {
            let through_people = self.through_people.get(id_key(id));
            of.of_account(id).iter().chain(through_people.into_iter().flatten())
        });
        own.iter().chain(company_deals).copied()
    }

    /// True when deals of a record may be hidden: one that is excluded from the review names it, or one that
    /// is here leads to it through somebody who is.
    pub(super) fn are_hidden(&self, row: Row<'a>) -> bool {
        let holds = |field: &Option<Field>, id: &str| {
            let batch = field.as_ref().and_then(|field| self.world.batch(field.object()));
            field.as_ref().zip(batch).is_some_and(|(field, batch)| batch.excluded_holds(field, id))
        };
        let is = |object| row.object() == object;
        let itself = is(Object::Account).then(|| row.id());
        (is(Object::Contact) && holds(&self.fields.contact, row.id()))
            || self.fields.companies(row).chain(itself).any(|id| {
                holds(&self.fields.account, id)
                    || (self.through_excluded && holds(&self.fields.contact_account, id))
            })
    }

    /// Says which records were not judged because of that.
    pub(super) fn leave_hidden(object: Object, hidden: Vec<Row<'a>>, judgement: &mut Judgement) {
        if !hidden.is_empty() {
            let why =
                format!("deals of {} may be among those left out of the review", hidden.len());
            judgement.skip_records(object, hidden, &why);
        }
    }

    /// Each deal once, by its id: an export has its rows in another order next week.
    pub(super) fn each(&self, row: Row<'a>) -> Vec<Row<'a>> {
        let mut deals: Vec<_> = self.deals(row).collect();
        deals.sort_by_key(|deal| (deal.id(), deal.position()));
        deals.dedup_by_key(|deal| deal.position());
        deals
    }

    /// How a deal stands.
    pub(super) fn state(&self, deal: Row<'a>) -> Option<DealState> {
        self.world.deals().state(self.world, deal)
    }

    /// The deals that lead to a record of an object, and all deals.
    fn linked(&self, object: Object) -> usize {
        if object == Object::Contact { self.to_contacts } else { self.to_accounts }
    }

    /// True when enough deals are linked to tell a record without a deal from a deal without a
    /// record. Otherwise says so with the figure.
    pub(super) fn cover(&self, object: Object, least: f64, judgement: &mut Judgement) -> bool {
        if self.all == 0 {
            judgement.skip(object, "there are no deals to compare them with");
            return false;
        }
        let enough = ratio(self.linked(object), self.all) >= least;
        if !enough {
            let figure = self.figure(object);
            judgement.skip(object, &format!("only {figure}, and {} is needed", percent(least)));
        }
        enough
    }

    /// `412 of 430 deals (96 %) lead to a record`.
    pub(super) fn figure(&self, object: Object) -> String {
        let linked = self.linked(object);
        let share = percent(ratio(linked, self.all));
        let noun = if object == Object::Contact { "a contact or account" } else { "an account" };
        format!("{linked} of {} deals ({share}) lead to {noun} in the input", self.all)
    }

    /// When the first deal was made that this input knows of.
    pub(super) fn oldest_deal(&self) -> Option<DateTime<Utc>> {
        let created = self.world.policies.boundary.allowed(Object::Deal, "created")?;
        self.world.batch(Object::Deal)?.rows().filter_map(|deal| deal.time(&created)).min()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^52 deals")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
