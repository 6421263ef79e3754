//! DUP-08: an open lead with the address of a lead that was converted before.
//!
//! Does not: repeat what DUP-06 says of a lead that is a contact already.

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity, blank_field};
use crate::matching::agreement::{self, Level};
use crate::matching::index::Index;
use crate::matching::normalise;

use super::crowds::Crowds;
use super::lead::{self, Work, contract, is_new_division, work};
use super::merge::{self, shares_role_mailbox};
use super::policy::Switch;

/// DUP-08.
pub(in crate::check) const CONVERTED_TWIN: CheckDef = CheckDef {
    code: "DUP-08",
    name: "converted-twin",
    family: Family::Duplicates,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "An open lead has the mail address of a lead that was converted, and came in after it; leads \
              that are contacts already are left to DUP-06.",
    consequence: "Somebody who became a contact or a customer is worked as a stranger again.",
    load,
};

/// The fields it reads.
struct Asked {
    email: Field,
    converted: Field,
    created: Option<Field>,
    contact: Option<Field>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.converted_twin == Switch::Off {
        return Err(CONVERTED_TWIN.off_in_rules());
    }
    let asked = Asked {
        email: grant.field(Object::Lead, "email")?,
        converted: grant.field(Object::Lead, "converted")?,
        created: grant.optional(Object::Lead, "created"),
        contact: grant.optional(Object::Lead, "converted_contact"),
    };
    lead::ask(grant, policies);
    if let Some(when) = &policies.duplicates.lead_is_contact.new_division {
        when.ask(grant);
    }
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(leads) = world.batch(Object::Lead) else {
        judgement.skip(Object::Lead, "there is no table");
        return judgement;
    };
    let lists = &world.policies.duplicates.lists;
    let mut converted = Index::default();
    let mut address = String::new();
    for (at, lead) in (0_u32..).zip(leads.rows()) {
        let is_key = lead.flag(&asked.converted) == Some(true)
            && lead
                .text(&asked.email)
                .and_then(|raw| normalise::address(raw, lists, &mut address))
                .is_some();
        if is_key {
            converted.add(&address, at);
        }
    }
    converted.settle();
    let mut crowds = Crowds::default();
    for lead in leads.reviewed() {
        let state = work(world, lead);
        let raw = lead.text(&asked.email);
        if state == Work::Done
            || raw.and_then(|raw| normalise::address(raw, lists, &mut address)).is_none()
        {
            continue;
        }
        judgement.examined += 1;
        let before = converted.find(&address);
        let twins = before.filter_map(|at| usize::try_from(at).ok().and_then(|at| leads.at(at)));
        // The one that was converted last says most.
        let twin = twins
            .filter(|twin| asked.came_before(*twin, lead))
            .max_by_key(|twin| (asked.created.as_ref().and_then(|at| twin.time(at)), twin.id()));
        let Some(twin) = twin else { continue };
        if is_new_division(world, lead) {
            continue;
        }
        match world.matches().twins_of(world, lead) {
            Ok(contacts) if contacts.is_empty() => {
                let found = asked.finding(world, lead, twin);
                judgement.findings.extend(found.map(|finding| contract(finding, state)));
            }
            // DUP-06 speaks for a lead that is a contact.
            Ok(_) => {}
            Err(crowd) => crowds.add(lead, crowd),
        }
    }
    crowds.tell(&mut judgement);
    judgement
}

impl Asked {
    /// False where both dates stand and say otherwise.
    fn came_before(&self, twin: Row<'_>, lead: Row<'_>) -> bool {
        let created = |row: Row<'_>| self.created.as_ref().and_then(|field| row.time(field));
        match (created(twin), created(lead)) {
            (Some(then), Some(now)) => then <= now,
            _ => true,
        }
    }

    fn finding(&self, world: &World<'_>, lead: Row<'_>, twin: Row<'_>) -> Option<Finding> {
        let fields = world.matches().person_fields(Object::Lead);
        let (level, words) = agreement::name(&fields.name(lead), &fields.name(twin));
        let is_shared = shares_role_mailbox(world, &[lead]);
        if is_shared && level == Level::Different {
            return None;
        }
        let contact = self.contact.as_ref().and_then(|field| twin.text(field));
        let known = contact.and_then(|id| world.batch(Object::Contact)?.find(id));
        let proposal = match known {
            Some(contact) => Proposal::ConvertCandidate { into: contact.record() },
            None => Proposal::ReviewRecord {
                question: format!("Is this who became lead {} and was converted?", twin.id()),
            },
        };
        let headline = format!(
            "{} is open and has the mail address of lead {}, which was converted",
            world.titled(lead),
            world.called(twin)
        );
        let mut facts = merge::identity(world, lead, twin);
        facts.push(merge::shared_value(world, lead, twin)?);
        facts.push(Evidence::Cell(twin.cell(&self.converted)));
        facts.extend(self.contact.as_ref().map(|field| Evidence::Cell(twin.cell(field))));
        facts.extend(self.created.as_ref().map(|field| Evidence::Compared {
            left: lead.cell(field),
            right: twin.cell(field),
            level: "the open lead came later".to_owned(),
        }));
        let mut facts = facts.into_iter();
        let mut finding = Finding::about(lead.record(), headline, facts.next()?, proposal);
        finding = facts.fold(finding, Finding::because).with(twin.record());
        if let Some(contact) = known {
            finding = lead::consent(world, lead, contact, finding.with(contact.record()));
        }
        if let Some(field) = &self.created {
            for row in [lead, twin].into_iter().filter(|row| row.time(field).is_none()) {
                let blank = blank_field(field);
                finding = finding.lacking(format!("{blank} on {}: which came first?", row.id()));
            }
        }
        if is_shared {
            finding = finding
                .unless("the address is a mailbox that several people may read")
                .escalate_only("the address is a mailbox that several people may read");
        }
        if level == Level::Different {
            finding = finding
                .unless(format!(
                    "{}: two people may share the address",
                    merge::contradiction(words)
                ))
                .escalate_only("different people's names stand at one mail address");
        } else if level != Level::Same && level != Level::Form {
            finding = finding.unless(format!("the names are not quite the same: {words}"));
        }
        Some(finding.unless(match &world.policies.duplicates.lead_is_contact.new_division {
            Some(when) => format!(
                "a new inquiry of another division stays a lead; this one is none by the rule ({})",
                when.words()
            ),
            None => "it may be a new inquiry, where the policy is to open a new lead for each".to_owned(),
        }))
    }
}
