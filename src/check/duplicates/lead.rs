//! People who stand beside what they belong to: an open lead that is already a contact (DUP-06), and a
//! person at a known company's domain without a link to its account (DUP-07).
//!
//! Does not: look for twins within one table.

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::ladder::Flags;
use crate::check::settings::days;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::matching::agreement::{self, Level};
use crate::matching::normalise;

use super::crowds::{Crowd, Crowds};
use super::links::country_key;
use super::matches::{KnownBy, Standing, Twin, account_domain, domain_fields, text};
use super::merge::{self, folded, shares_role_mailbox};
use super::policy::{Policy, Switch};

/// DUP-06.
pub(in crate::check) const LEAD_IS_CONTACT: CheckDef = CheckDef {
    code: "DUP-06",
    name: "lead-is-contact",
    family: Family::Duplicates,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "An open lead has a contact's mail address once both are folded, or it has a contact's \
              name and the domain of that contact's account.",
    consequence: "Somebody the company already knows is worked as a stranger, often by a second person.",
    load: load_lead_is_contact,
};

/// DUP-07.
pub(in crate::check) const BELONGS_TO_ACCOUNT: CheckDef = CheckDef {
    code: "DUP-07",
    name: "lead-belongs-to-account",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open lead, or a contact without an account, has the registrable domain of an active \
              account; free mail, shared domains and agencies do not count, nor do leads that are \
              contacts already (DUP-06).",
    consequence: "The account's owner does not see the interest, and routing treats it as new business.",
    load: load_belongs_to_account,
};

/// A contact without activity for so long may have left.
const LONG_AGO_DAYS: i64 = 365;

/// Whether somebody should be working a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Open,
    Done,
    /// Neither a flag nor a stage says.
    Unsaid,
}

pub(super) fn work(world: &World<'_>, lead: Row<'_>) -> Work {
    let converted = world.matches().person_fields(Object::Lead).converted.clone();
    let flag = converted.as_ref().and_then(|field| lead.flag(field));
    let flags = Flags { converted, ..Flags::default() };
    let ladders = &world.policies.ladders;
    match (flag, ladders.is_open(lead, &flags)) {
        (Some(true), _) | (_, Some(false)) => Work::Done,
        // That it is not converted does not say that it is not closed.
        _ if ladders.unsure(lead, &flags).is_some() => Work::Unsaid,
        (Some(false), _) | (_, Some(true)) => Work::Open,
        (None, None) => Work::Unsaid,
    }
}

/// Notes that nothing says whether the lead is open.
pub(super) fn contract(finding: Finding, work: Work) -> Finding {
    match work {
        Work::Open | Work::Done => finding,
        Work::Unsaid => finding.lacking("nothing says whether the lead is open"),
    }
}

/// Asks for what stands beside each other in evidence.
pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) {
    super::ask(grant);
    policies.ladders.ask(Object::Lead, grant);
    crate::check::deals::ask(grant, &policies.ladders);
    for object in [Object::Lead, Object::Contact, Object::Account] {
        for name in ["owner", "last_activity", "country"] {
            grant.optional(object, name);
        }
    }
    for object in [Object::Lead, Object::Contact] {
        grant.optional(object, "opted_out");
    }
}

fn load_lead_is_contact(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.duplicates.lead_is_contact;
    if policy.switch == Switch::Off {
        return Err(LEAD_IS_CONTACT.off_in_rules());
    }
    grant.field(Object::Lead, "email")?;
    grant.field(Object::Contact, "email")?;
    ask(grant, policies);
    if let Some(when) = &policy.new_division {
        when.ask(grant);
    }
    Ok(Box::new(|world| {
        let mut judgement = Judgement::default();
        let Some(leads) = world.batch(Object::Lead) else {
            judgement.skip(Object::Lead, "there is no table");
            return judgement;
        };
        if world.batch(Object::Contact).is_none() {
            judgement.skip(Object::Contact, "there is no table");
            return judgement;
        }
        let mut crowds = Crowds::default();
        for lead in leads.reviewed() {
            let state = work(world, lead);
            if state == Work::Done {
                continue;
            }
            judgement.examined += 1;
            if is_new_division(world, lead) {
                continue;
            }
            match world.matches().twins_of(world, lead) {
                Ok(twins) => {
                    let found = is_contact(world, lead, &twins);
                    judgement.findings.extend(found.map(|finding| contract(finding, state)));
                }
                Err(crowd) => crowds.add(lead, crowd),
            }
        }
        crowds.tell(&mut judgement);
        judgement
    }))
}

pub(super) fn is_new_division(world: &World<'_>, lead: Row<'_>) -> bool {
    let rule = world.policies.duplicates.lead_is_contact.new_division.as_ref();
    rule.is_some_and(|when| when.holds(lead))
}

fn is_contact<'a>(world: &World<'a>, lead: Row<'a>, twins: &[Twin<'a>]) -> Option<Finding> {
    let first = twins.first()?;
    let contacts: Vec<Row<'_>> = twins.iter().map(|twin| twin.contact).collect();
    let shared = match first.by {
        KnownBy::Address => "has the mail address of",
        KnownBy::NameAndDomain => "has the name and the account's domain of",
    };
    let several = if contacts.len() > 1 { "contacts" } else { "contact" };
    let listed = world.listed(&contacts);
    let headline = format!("{} is open and {shared} {several} {listed}", world.titled(lead));
    let proposal = match contacts.as_slice() {
        [contact] => Proposal::ConvertCandidate { into: contact.record() },
        _ => Proposal::ReviewRecord {
            question: format!("Which of the contacts {listed} is this lead?"),
        },
    };
    let mut facts = beside_each_other(world, lead, first).into_iter();
    let mut finding = Finding::about(lead.record(), headline, facts.next()?, proposal);
    finding = facts.fold(finding, Finding::because);
    for contact in &contacts {
        finding = finding.with(contact.record());
    }
    if let [account] = *world.matches().accounts_of(world, first.contact) {
        finding = finding.with(account.record());
    }
    Some(doubt_contact(world, lead, first, finding))
}

/// Lead and contact beside each other: what they share, then what differs.
fn beside_each_other<'a>(world: &World<'a>, lead: Row<'a>, twin: &Twin<'a>) -> Vec<Evidence> {
    let contact = twin.contact;
    let boundary = &world.policies.boundary;
    let pair = |name: &str| -> Option<(Field, Field)> {
        let left = boundary.allowed(Object::Lead, name)?;
        Some((left, boundary.allowed(Object::Contact, name)?))
    };
    let compared = |name: &str, level: &str| {
        pair(name).map(|(left, right)| Evidence::Compared {
            left: lead.cell(&left),
            right: contact.cell(&right),
            level: level.to_owned(),
        })
    };
    let mut facts = Vec::new();
    for name in ["first_name", "last_name", "full_name"] {
        if pair(name).is_some() {
            facts.extend(compared(name, twin.names.1));
            continue;
        }
        // One table has the name whole, the other in parts.
        facts.extend([lead, contact].into_iter().filter_map(|row| {
            let field = boundary.allowed(row.object(), name)?;
            (!row.is_blank(&field)).then(|| Evidence::Cell(row.cell(&field)))
        }));
    }
    if twin.by == KnownBy::Address {
        facts.extend(merge::shared_value(world, lead, contact));
    }
    if twin.by == KnownBy::NameAndDomain {
        facts.extend(compared("email", "not the same address"));
        if let [account] = *world.matches().accounts_of(world, contact) {
            facts.extend(domain_of(world, account));
        }
    }
    for name in ["owner", "last_activity"] {
        let values = pair(name).map(|(left, right)| (lead.written(&left), contact.written(&right)));
        let equal = values.is_some_and(|(left, right)| left == right);
        facts.extend(compared(name, if equal { "the same" } else { "differs" }));
    }
    let account = boundary.allowed(Object::Contact, "account");
    facts.extend(account.map(|field| Evidence::Cell(contact.cell(&field))));
    facts
}

/// An account's domain and the field it comes from.
fn domain_of(world: &World<'_>, account: Row<'_>) -> Option<Evidence> {
    let fields = domain_fields(&world.policies.boundary);
    let mut domain = String::new();
    let field = account_domain(world, &fields, account, &mut domain)?;
    Some(folded(account, &field, "registrable domain, by the public suffix list", &domain))
}

/// Why the lead may have to stay beside the contact.
fn doubt_contact<'a>(
    world: &World<'a>,
    lead: Row<'a>,
    twin: &Twin<'a>,
    mut finding: Finding,
) -> Finding {
    let boundary = &world.policies.boundary;
    if twin.by == KnownBy::NameAndDomain {
        finding =
            finding.unless("the mail addresses differ: two people of one name at one company");
    } else if twin.names.0 == Level::Different {
        finding = finding
            .unless(format!(
                "{}: two people may share the address",
                merge::contradiction(twin.names.1)
            ))
            .escalate_only("different people's names stand at one mail address");
    }
    if shares_role_mailbox(world, &[lead]) && twin.by == KnownBy::Address {
        finding = finding
            .unless("the address is a mailbox that several people may read")
            .escalate_only("the address is a mailbox that several people may read");
    }
    if matches!(twin.names.0, Level::Partly | Level::Missing | Level::Alike) {
        finding = finding.unless(format!("the names are not quite the same: {}", twin.names.1));
    }
    if let Some(field) = boundary.allowed(Object::Contact, "last_activity")
        && let Some(at) = twin.contact.time(&field)
        && world.as_of.days_since(at) > LONG_AGO_DAYS
    {
        finding = finding.unless(format!(
            "the contact's last activity was {} ago: they may have left the company",
            days(world.as_of.days_since(at))
        ));
    }
    finding = consent(world, lead, twin.contact, finding);
    if let Some(kind) = boundary.allowed(Object::Account, "type")
        && let [account] = *world.matches().accounts_of(world, twin.contact)
        && account.text(&kind).is_some_and(|kind| world.policies.duplicates.belongs.is_agency(kind))
    {
        finding = finding
            .because(Evidence::Cell(account.cell(&kind)))
            .unless("the contact's account works for others: the lead may be a client's project");
    }
    if finding.doubts.is_empty() {
        let rule = &world.policies.duplicates.lead_is_contact.new_division;
        finding = finding.unless(match rule {
            Some(when) => format!(
                "leads of another division stay leads; this one is none by the rule ({})",
                when.words()
            ),
            None => "the lead may be a new division's, which no rule describes here".to_owned(),
        });
    }
    finding
}

/// What the contact says of consent. Where the lead says otherwise, which of the two holds is not for the
/// reviewer to settle with a conversion. A flag that is blank says nothing.
pub(super) fn consent(
    world: &World<'_>,
    lead: Row<'_>,
    contact: Row<'_>,
    finding: Finding,
) -> Finding {
    let flag = |row: Row<'_>| {
        let field = world.policies.boundary.allowed(row.object(), "opted_out")?;
        Some((row.flag(&field)?, row.cell(&field)))
    };
    match (flag(lead), flag(contact)) {
        (Some((left, from)), Some((right, to))) if left != right => finding
            .because(Evidence::Compared {
                left: from,
                right: to,
                level: merge::MORE_RESTRICTIVE.to_owned(),
            })
            .unless(merge::OUT_OF_DATE)
            .escalate_only(merge::ONE_OPTED_OUT),
        (_, Some((true, cell))) => finding
            .because(Evidence::Cell(cell))
            .unless("the contact has opted out: if the lead stays, so must the opt-out"),
        (_, Some((false, _)) | None) => finding,
    }
}

fn load_belongs_to_account(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.belongs.switch == Switch::Off {
        return Err(BELONGS_TO_ACCOUNT.off_in_rules());
    }
    // Without a field for the link nothing says which contacts lack it.
    let needed = [(Object::Lead, &["email"][..]), (Object::Contact, &["account", "email"])];
    let (mut people, mut refused) = (Vec::new(), Vec::new());
    for (object, names) in needed {
        match names.iter().try_for_each(|name| grant.field(object, name).map(drop)) {
            Ok(()) => people.push(object),
            Err(missing) => refused.push(missing.into()),
        }
    }
    if let Some(why) = Off::foremost(refused, grant).filter(|_| people.is_empty()) {
        return Err(why);
    }
    if grant.optional(Object::Account, "domain").is_none() {
        grant.field(Object::Account, "website")?;
    }
    ask(grant, policies);
    Ok(Box::new(move |world| judge_belonging(world, &people)))
}

fn judge_belonging(world: &World<'_>, people: &[Object]) -> Judgement {
    let mut judgement = Judgement::default();
    if world.batch(Object::Account).is_none() {
        judgement.skip(Object::Account, "there is no table");
        return judgement;
    }
    for object in people {
        let Some(batch) = world.batch(*object) else {
            judgement.skip(*object, "there is no table");
            continue;
        };
        let link = world.matches().person_fields(*object).account.clone();
        if *object == Object::Contact && !link.as_ref().is_some_and(|link| batch.has(link)) {
            judgement.skip(*object, "the input has no column for the account");
            continue;
        }
        judgement.look_through(*object);
        let mut crowds = Crowds::default();
        for person in batch.reviewed() {
            let state = if *object == Object::Lead { work(world, person) } else { Work::Open };
            let linked = link.as_ref().is_some_and(|link| !person.is_blank(link));
            if state == Work::Done || linked {
                continue;
            }
            judgement.examined += 1;
            match belongs(world, person) {
                Ok(found) => {
                    judgement.findings.extend(found.map(|finding| contract(finding, state)));
                }
                Err(crowd) => crowds.add(person, crowd),
            }
        }
        crowds.tell(&mut judgement);
    }
    judgement
}

fn belongs<'a>(world: &World<'a>, person: Row<'a>) -> Result<Option<Finding>, Crowd<'a>> {
    let candidates = world.matches().belongs_to(world, person);
    let Some(one) = candidates.first().copied() else { return Ok(None) };
    if is_known_contact(world, person)? {
        return Ok(None);
    }
    let most = world.policies.duplicates.same_company.franchise_limit.value;
    if candidates.len() > usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(Crowd { one, records: candidates.len(), by: "domain" });
    }
    Ok(belongs_to_one_of(world, person, &candidates))
}

fn belongs_to_one_of<'a>(
    world: &World<'a>,
    person: Row<'a>,
    candidates: &[Row<'a>],
) -> Option<Finding> {
    let accounts = world.matches().accounts_of(world, person);
    let stand = |account: &Row<'a>| world.matches().standing(world, *account);
    let (headline, proposal) = words(world, person, candidates);
    let mut facts = shared_domain(world, person, candidates).into_iter();
    let mut finding = Finding::about(person.record(), headline, facts.next()?, proposal);
    finding = facts.fold(finding, Finding::because);
    let policy = &world.policies.duplicates.belongs;
    let says = format!("active_account_types = {:?}", policy.active.value);
    finding = finding.because(Policy::quote(policy.active.line, &says));
    for account in accounts.iter().take(merge::MOST_SHOWN * 2) {
        finding = finding.with(account.record());
        finding = reasons(world, *account, candidates, stand(account))
            .into_iter()
            .fold(finding, Finding::because);
    }
    if candidates.iter().any(|account| stand(account) == Standing::Unsaid) {
        finding = finding.lacking("account.type is blank: nothing says whether it is active");
    }
    Some(doubt_account(world, person, candidates, finding))
}

/// DUP-06 speaks for a lead that is a contact.
fn is_known_contact<'a>(world: &World<'a>, person: Row<'a>) -> Result<bool, Crowd<'a>> {
    let is_asked = person.object() == Object::Lead
        && world.policies.duplicates.lead_is_contact.switch == Switch::On;
    Ok(is_asked && !world.matches().twins_of(world, person)?.is_empty())
}

fn words(world: &World<'_>, person: Row<'_>, candidates: &[Row<'_>]) -> (String, Proposal) {
    let who = if person.object() == Object::Lead {
        world.titled(person)
    } else {
        format!("{} has no account and", world.titled(person))
    };
    if let [account] = candidates {
        let headline = format!("{who} has the domain of account {}", world.called(*account));
        return (headline, Proposal::LinkToAccount { account: account.record() });
    }
    let listed = world.listed(candidates);
    let question = format!("To which of the accounts does it belong: {listed}?");
    let headline = format!("{who} has the domain of {} accounts: {listed}", candidates.len());
    (headline, Proposal::ReviewRecord { question })
}

/// The person's domain and that of the first candidate.
fn shared_domain(world: &World<'_>, person: Row<'_>, candidates: &[Row<'_>]) -> Vec<Evidence> {
    let fields = world.matches().person_fields(person.object());
    let lists = &world.policies.duplicates.lists;
    let mut domain = String::new();
    let from = [&fields.email, &fields.website].into_iter().flatten().find(|field| {
        let raw = person.text(field);
        raw.and_then(|raw| normalise::company_domain(raw, lists, &mut domain)).is_some()
    });
    let step = "registrable domain, by the public suffix list";
    let of_person = from.map(|field| folded(person, field, step, &domain));
    let of_account = candidates.first().and_then(|account| domain_of(world, *account));
    of_person.into_iter().chain(of_account).collect()
}

/// A candidate with the reason why it was chosen or not.
fn reasons(
    world: &World<'_>,
    account: Row<'_>,
    candidates: &[Row<'_>],
    stand: Standing,
) -> Vec<Evidence> {
    let boundary = &world.policies.boundary;
    let is = match (stand, candidates.len()) {
        (Standing::Active | Standing::Unsaid, 1) => "chosen: the only active account there",
        (Standing::Active, _) => "not chosen: active, but not alone",
        (Standing::Unsaid, _) => "not chosen: not alone, and it has no type",
        (Standing::Agency | Standing::Inactive, _) => "not chosen: its type is not active",
    };
    let verdict =
        Evidence::Figure { of: format!("candidate {}", account.record()), is: is.to_owned() };
    let cells = ["name", "type", "owner", "parent"]
        .into_iter()
        .filter_map(|name| boundary.allowed(Object::Account, name))
        .filter(|field| !account.is_blank(field))
        .map(|field| Evidence::Cell(account.cell(&field)));
    std::iter::once(verdict).chain(cells).collect()
}

/// Why the person may not belong to the account.
fn doubt_account<'a>(
    world: &World<'a>,
    person: Row<'a>,
    candidates: &[Row<'a>],
    mut finding: Finding,
) -> Finding {
    let boundary = &world.policies.boundary;
    let Some(account) = candidates.first().copied() else { return finding };
    let pair = |theirs: &str, ours: &str| -> Option<(Field, Field)> {
        let left = boundary.allowed(person.object(), theirs)?;
        Some((left, boundary.allowed(Object::Account, ours)?))
    };
    if candidates.len() > 1 {
        let parent = boundary.allowed(Object::Account, "parent");
        let in_hierarchy = candidates.iter().any(|row| text(*row, parent.as_ref()).is_some());
        return finding.unless(if in_hierarchy {
            "the accounts stand in a hierarchy: new people may belong to the parent by convention"
        } else {
            "the accounts may be one company entered several times"
        });
    }
    if let Some((left, right)) = pair("company", "name")
        && let (Some(theirs), Some(ours)) = (person.text(&left), account.text(&right))
    {
        let (theirs, ours) = (normalise::company(theirs), normalise::company(ours));
        let (level, how) = agreement::company(&theirs, &ours);
        finding = finding.because(Evidence::Compared {
            left: person.cell(&left),
            right: account.cell(&right),
            level: how.to_owned(),
        });
        if level == Level::Different {
            finding = finding.unless(
                "the company's name is not the account's: an investor, an agency or another \
                 company of the group may use the domain",
            );
        }
    }
    if let Some((left, right)) = pair("country", "country")
        && let (Some(theirs), Some(ours)) = (person.text(&left), account.text(&right))
        && country_key(theirs) != country_key(ours)
    {
        finding = finding
            .because(Evidence::Compared {
                left: person.cell(&left),
                right: account.cell(&right),
                level: "differs".to_owned(),
            })
            .unless("the countries differ: a branch may lack an account of its own");
    }
    if finding.doubts.is_empty() {
        finding = finding.unless(if person.object() == Object::Lead {
            "leads may be kept apart from accounts until somebody qualifies them"
        } else {
            "the contact may have been left without an account on purpose, as a partner's"
        });
    }
    finding
}
