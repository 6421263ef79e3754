//! Which records are the same, and which account or contact a person belongs to.
//!
//! Each view is built when somebody first asks for it.
//! Does not: judge; it hands out what agrees.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::boundary::{Batch, Boundary, Field, Object, Row, ids};
use crate::check::World;
use crate::matching::agreement::{self, Level};
use crate::matching::index::Index;
use crate::matching::normalise::{self, Name};

use super::crowds::Crowd;
use super::lead::is_new_division;
use super::links::{Aliases, Same};
use super::policy::Switch;

/// Which records are the same person or company, and who belongs to which account.
#[derive(Debug)]
pub(in crate::check) struct Matches<'a> {
    lead: PersonFields,
    contact: PersonFields,
    account_type: Option<Field>,
    accounts: OnceLock<Accounts<'a>>,
    contacts: OnceLock<Contacts>,
    aliases: OnceLock<Aliases>,
    same: BTreeMap<Object, OnceLock<Same<'a>>>,
}

/// The fields by which a person is matched.
#[derive(Debug, Default)]
pub(super) struct PersonFields {
    pub(super) first: Option<Field>,
    pub(super) last: Option<Field>,
    /// First and last name in one.
    pub(super) full: Option<Field>,
    pub(super) email: Option<Field>,
    pub(super) website: Option<Field>,
    pub(super) account: Option<Field>,
    pub(super) converted: Option<Field>,
}

impl PersonFields {
    fn of(boundary: &Boundary, object: Object) -> Self {
        let field = |name: &str| boundary.allowed(object, name);
        Self {
            first: field("first_name"),
            last: field("last_name"),
            full: field("full_name"),
            email: field("email"),
            website: field("website"),
            account: field("account"),
            converted: field("converted"),
        }
    }

    /// The person's name, folded.
    pub(super) fn name(&self, row: Row<'_>) -> Name {
        let (first, last) = self.parts(row);
        Name::fold(first, last)
    }

    /// The name as it is folded: its parts, or the whole where both are blank.
    fn parts<'a>(&self, row: Row<'a>) -> (Option<&'a str>, Option<&'a str>) {
        match (text(row, self.first.as_ref()), text(row, self.last.as_ref())) {
            (None, None) => (None, text(row, self.full.as_ref())),
            parts => parts,
        }
    }
}

/// A field's text where the field is allowed.
pub(super) fn text<'a>(row: Row<'a>, field: Option<&Field>) -> Option<&'a str> {
    field.and_then(|field| row.text(field))
}

/// The accounts by domain.
#[derive(Debug, Default)]
struct Accounts<'a> {
    by_domain: Index,
    /// In the order of the index.
    matched: Vec<Row<'a>>,
}

/// The contacts by what a lead shares with them.
#[derive(Debug, Default)]
struct Contacts {
    by_address: Index,
    by_name_and_domain: Index,
}

/// How an account stands as the one a person belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    /// Nothing says.
    Unsaid,
    /// Its people work for others.
    Agency,
    Inactive,
}

/// How a lead is known to be a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KnownBy {
    /// They have one mail address.
    Address,
    /// They have one name, and the lead's domain is that of the contact's account.
    NameAndDomain,
}

/// A contact that a lead is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twin<'a> {
    pub(super) contact: Row<'a>,
    pub(super) by: KnownBy,
    /// How far the names agree, and the words for it.
    pub(super) names: (Level, &'static str),
}

impl<'a> Matches<'a> {
    pub(in crate::check) fn of(world: &World<'a>) -> Self {
        let boundary = &world.policies.boundary;
        let tables = [Object::Lead, Object::Contact, Object::Account];
        Self {
            lead: PersonFields::of(boundary, Object::Lead),
            contact: PersonFields::of(boundary, Object::Contact),
            account_type: boundary.allowed(Object::Account, "type"),
            accounts: OnceLock::new(),
            contacts: OnceLock::new(),
            aliases: OnceLock::new(),
            same: tables.into_iter().map(|object| (object, OnceLock::new())).collect(),
        }
    }

    /// The accounts whose registrable domain is the person's, free mail and shared domains left out; by id.
    /// The accounts a record names are its accounts, and no others.
    pub(in crate::check) fn accounts_of(
        &self,
        world: &World<'a>,
        person: Row<'a>,
    ) -> Cow<'_, [Row<'a>]> {
        let fields = self.person_fields(person.object());
        if let Some(cell) = text(person, fields.account.as_ref()) {
            let Some(batch) = world.batch(Object::Account) else { return Cow::default() };
            let mut named: Vec<Row<'a>> = ids(cell).filter_map(|id| batch.find(id)).collect();
            named.sort_by_key(|account| account.id());
            named.dedup_by_key(|account| account.position());
            return named.into();
        }
        let mut domain = String::new();
        if person_domain(world, fields, person, &mut domain).is_none() {
            return Cow::default();
        }
        let accounts = self.accounts(world);
        accounts.matched.get(accounts.by_domain.range(&domain)).unwrap_or_default().into()
    }

    /// The accounts that a person may belong to: those it names; else, of those with its domain, the ones
    /// that are not known to be inactive. By id.
    pub(in crate::check) fn belongs_to(
        &self,
        world: &World<'a>,
        person: Row<'a>,
    ) -> Cow<'_, [Row<'a>]> {
        let accounts = self.accounts_of(world, person);
        if text(person, self.person_fields(person.object()).account.as_ref()).is_some() {
            return accounts;
        }
        let stands = |account: &Row<'a>, as_what| self.standing(world, *account) == as_what;
        // People who write from an agency's domain write for somebody else.
        if accounts.iter().any(|account| stands(account, Standing::Agency)) {
            return Cow::default();
        }
        if !accounts.iter().any(|account| stands(account, Standing::Inactive)) {
            return accounts;
        }
        let active = |account: &Row<'a>| !stands(account, Standing::Inactive);
        accounts.iter().copied().filter(active).collect()
    }

    /// How an account stands as the one a person belongs to.
    pub(super) fn standing(&self, world: &World<'a>, account: Row<'a>) -> Standing {
        let policy = &world.policies.duplicates.belongs;
        match text(account, self.account_type.as_ref()) {
            None => Standing::Unsaid,
            Some(kind) if policy.is_agency(kind) => Standing::Agency,
            Some(kind) if policy.is_active(kind) => Standing::Active,
            Some(_) => Standing::Inactive,
        }
    }

    /// The contacts that a lead is, by address or else by name and account; by id. An address that more
    /// contacts have than are copies of one says of nobody who they are.
    pub(super) fn twins_of(
        &self,
        world: &World<'a>,
        lead: Row<'a>,
    ) -> Result<Vec<Twin<'a>>, Crowd<'a>> {
        let Some(batch) = world.batch(Object::Contact) else { return Ok(Vec::new()) };
        let contacts = self.contacts.get_or_init(|| Contacts::of(world, batch, &self.contact));
        let lists = &world.policies.duplicates.lists;
        let mut key = String::new();
        let address = text(lead, self.lead.email.as_ref())
            .and_then(|raw| normalise::address(raw, lists, &mut key));
        let name = self.lead.name(lead);
        let twin = |at: u32, by: KnownBy| {
            let contact = batch.at(usize::try_from(at).ok()?)?;
            let names = agreement::name(&name, &self.contact.name(contact));
            Some(Twin { contact, by, names })
        };
        let by_id = |mut twins: Vec<Twin<'a>>| {
            twins.sort_by_key(|twin| twin.contact.id());
            twins
        };
        if address.is_some() {
            let records = contacts.by_address.range(&key).len();
            let most = world.policies.duplicates.same_person.crowd.value;
            if records > usize::try_from(most).unwrap_or(usize::MAX)
                && let Some(one) = contacts.by_address.find(&key).next()
                && let Some(one) = usize::try_from(one).ok().and_then(|at| batch.at(at))
            {
                return Err(Crowd { one, records, by: "mail address" });
            }
            let role = normalise::is_role_mailbox(&key, lists);
            let twins: Vec<_> = contacts
                .by_address
                .find(&key)
                .filter_map(|at| twin(at, KnownBy::Address))
                .filter(|twin| !role || twin.names.0 != Level::Different)
                .collect();
            if !twins.is_empty() {
                return Ok(by_id(twins));
            }
        }
        let mut domain = String::new();
        if person_domain(world, &self.lead, lead, &mut domain).is_none() {
            return Ok(Vec::new());
        }
        let mut found = BTreeSet::new();
        for (first, last) in name.keys().chain(name.swapped().keys()) {
            found.extend(contacts.by_name_and_domain.find(&name_and_domain(first, last, &domain)));
        }
        let twins = found.into_iter().filter_map(|at| twin(at, KnownBy::NameAndDomain));
        Ok(by_id(twins.filter(|twin| twin.names.0 != Level::Different).collect()))
    }

    /// Whether the family speaks of the lead as of somebody who is a contact already (DUP-06): what others
    /// would say of such a lead is the same fault.
    pub(in crate::check) fn is_told_a_contact(&self, world: &World<'a>, lead: Row<'a>) -> bool {
        let is_compared = self.lead.email.is_some() && self.contact.email.is_some();
        is_compared
            && world.policies.duplicates.lead_is_contact.switch == Switch::On
            && !is_new_division(world, lead)
            && self.twins_of(world, lead).is_ok_and(|twins| !twins.is_empty())
    }

    /// What the linkage of a table came to.
    pub(super) fn same(&self, world: &World<'a>, object: Object) -> Option<&Same<'a>> {
        let batch = world.batch(object)?;
        Some(self.same.get(&object)?.get_or_init(|| Same::of(world, batch)))
    }

    /// The domains that are one company's.
    pub(super) fn aliases(&self, world: &World<'a>) -> &Aliases {
        self.aliases.get_or_init(|| Aliases::of(world))
    }

    /// The fields by which the people of a table are matched.
    pub(super) fn person_fields(&self, object: Object) -> &PersonFields {
        if object == Object::Lead { &self.lead } else { &self.contact }
    }

    fn accounts(&self, world: &World<'a>) -> &Accounts<'a> {
        self.accounts.get_or_init(|| {
            world.batch(Object::Account).map(|batch| Accounts::of(world, batch)).unwrap_or_default()
        })
    }
}

/// The company domain of a person: of the mail address, or else of the website.
fn person_domain(
    world: &World<'_>,
    fields: &PersonFields,
    person: Row<'_>,
    out: &mut String,
) -> Option<()> {
    let lists = &world.policies.duplicates.lists;
    [&fields.email, &fields.website]
        .into_iter()
        .filter_map(|field| text(person, field.as_ref()))
        .find_map(|raw| normalise::company_domain(raw, lists, out))
}

/// The field that says an account's domain, with that domain in `out`.
pub(super) fn account_domain(
    world: &World<'_>,
    fields: &[Field],
    account: Row<'_>,
    out: &mut String,
) -> Option<Field> {
    let lists = &world.policies.duplicates.lists;
    let says = |field: &&Field| {
        let raw = account.text(field);
        raw.and_then(|raw| normalise::company_domain(raw, lists, out)).is_some()
    };
    fields.iter().find(says).cloned()
}

/// The fields in which an account's domain may stand.
pub(super) fn domain_fields(boundary: &Boundary) -> Vec<Field> {
    ["domain", "website"]
        .into_iter()
        .filter_map(|name| boundary.allowed(Object::Account, name))
        .collect()
}

/// The domain of every account, by its position; empty where none is known.
fn domains_of(world: &World<'_>, accounts: &Batch) -> Vec<String> {
    let fields = domain_fields(&world.policies.boundary);
    let domain = |account| {
        let mut domain = String::new();
        account_domain(world, &fields, account, &mut domain).map(|_| domain).unwrap_or_default()
    };
    accounts.rows().map(domain).collect()
}

impl<'a> Accounts<'a> {
    fn of(world: &World<'a>, batch: &'a Batch) -> Self {
        let fields = domain_fields(&world.policies.boundary);
        let mut by_domain = Index::default();
        let mut domain = String::new();
        let mut by_id: Vec<Row<'a>> = batch.rows().collect();
        by_id.sort_by_key(|account| account.id());
        for (at, account) in (0_u32..).zip(&by_id) {
            if account_domain(world, &fields, *account, &mut domain).is_some() {
                by_domain.add(&domain, at);
            }
        }
        by_domain.settle();
        let account = |at: u32| by_id.get(usize::try_from(at).ok()?).copied();
        let matched = by_domain.records().filter_map(account).collect();
        Self { by_domain, matched }
    }
}

fn name_and_domain(first: &str, last: &str, domain: &str) -> String {
    format!("{first}|{last}|{domain}")
}

impl Contacts {
    fn of(world: &World<'_>, batch: &Batch, fields: &PersonFields) -> Self {
        let lists = &world.policies.duplicates.lists;
        let accounts = world.batch(Object::Account);
        let domains = accounts.map(|accounts| domains_of(world, accounts)).unwrap_or_default();
        let mut contacts = Self::default();
        let (mut key, mut name) = (String::new(), Name::default());
        for (at, contact) in (0_u32..).zip(batch.rows()) {
            let address = text(contact, fields.email.as_ref());
            if address.and_then(|raw| normalise::address(raw, lists, &mut key)).is_some() {
                contacts.by_address.add(&key, at);
            }
            let companies = text(contact, fields.account.as_ref()).into_iter().flat_map(ids);
            let companies = companies.filter_map(|id| accounts?.find(id));
            let mut of_companies: Vec<&String> =
                companies.filter_map(|company| domains.get(company.position())).collect();
            of_companies.sort_unstable();
            of_companies.dedup();
            let (first, last) = fields.parts(contact);
            name.refold(first, last);
            for domain in of_companies.into_iter().filter(|domain| !domain.is_empty()) {
                for (first, last) in name.keys() {
                    contacts.by_name_and_domain.add(&name_and_domain(first, last, domain), at);
                }
            }
        }
        contacts.by_address.settle();
        contacts.by_name_and_domain.settle();
        contacts
    }
}
