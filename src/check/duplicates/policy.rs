//! What the rules say about duplicates.
//!
//! A key that is not written means what the shipped file says: it is read the same way.
//! Does not: judge.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::boundary::{Boundary, Field, Object};
use crate::check::condition::When;
use crate::check::{Family, Rulebook, ladder, settings};
use crate::finding::Evidence;
use crate::matching::normalise::Lists;
use crate::matching::parameters::Parameters;
use crate::policy::{Document, Log, Said, Section};

/// The file as problems name it.
const FILE: &str = "rules/duplicates.toml";

/// Whether a check is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It runs.
    On,
    /// The rules switch it off.
    Off,
}

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// What is known about addresses and domains.
    pub(super) lists: Lists,
    pub(super) role_mailboxes_line: usize,
    pub(super) same_person: SamePerson,
    /// What the likeness of a table's records is weighed by, where they themselves are not to teach it.
    pub(super) pinned: BTreeMap<Object, Said<Parameters>>,
    pub(super) similar_person: Similar,
    pub(super) alias_address: AliasAddress,
    pub(super) same_company: SameCompany,
    pub(super) similar_company: Similar,
    pub(super) lead_is_contact: LeadIsContact,
    pub(super) belongs: Belongs,
    pub(super) converted_twin: Switch,
    pub(super) twin_deals: TwinDeals,
    pub(super) shared_identifier: SharedIdentifier,
    pub(super) weak_bridge: Switch,
    pub(super) unsafe_cluster: UnsafeCluster,
}

/// DUP-01.
#[derive(Debug, Clone)]
pub(super) struct SamePerson {
    pub(super) switch: Switch,
    /// The tables to look at.
    pub(super) objects: Vec<Object>,
    /// More records than this on one address are no pair of twins.
    pub(super) crowd: Said<u32>,
}

/// DUP-02 and DUP-05.
#[derive(Debug, Clone)]
pub(super) struct Similar {
    pub(super) switch: Switch,
    /// Records that are one with less of a chance are not proposed.
    pub(super) least: Said<f64>,
}

/// DUP-03.
#[derive(Debug, Clone)]
pub(super) struct AliasAddress {
    pub(super) switch: Switch,
    /// Domains that are one company's, list by list.
    pub(super) domains: Vec<Said<Vec<String>>>,
}

/// DUP-04.
#[derive(Debug, Clone)]
pub(super) struct SameCompany {
    pub(super) switch: Switch,
    /// Accounts that differ here are kept apart on purpose.
    pub(super) apart_by: Option<Field>,
    /// More accounts than this on one domain are a franchise, a university or a holding page.
    pub(super) franchise_limit: Said<u32>,
}

/// DUP-06.
#[derive(Debug, Clone)]
pub(super) struct LeadIsContact {
    pub(super) switch: Switch,
    /// Leads that are kept beside a contact on purpose.
    pub(super) new_division: Option<When>,
}

/// DUP-07.
#[derive(Debug, Clone)]
pub(super) struct Belongs {
    pub(super) switch: Switch,
    /// Types of accounts that people are linked to.
    pub(super) active: Said<Vec<String>>,
    /// Types of accounts whose people work for others.
    pub(super) agencies: Said<Vec<String>>,
}

/// DUP-09.
#[derive(Debug, Clone)]
pub(super) struct TwinDeals {
    pub(super) switch: Switch,
    /// How far amounts may differ, as a share of the larger.
    pub(super) amount_within: Said<f64>,
    /// How many days close dates may differ.
    pub(super) days_within: Said<u32>,
    /// Types of deals of which an account may have several alike.
    pub(super) may_repeat: Said<Vec<String>>,
}

/// DUP-10.
#[derive(Debug, Clone)]
pub(super) struct SharedIdentifier {
    pub(super) switch: Switch,
    /// The names of fields that one record alone has a value of.
    pub(super) fields: Said<Vec<String>>,
    /// Values that identify nothing.
    pub(super) placeholders: Said<Vec<String>>,
    /// More records than this with one value: a default.
    pub(super) crowd: Said<u32>,
}

/// DUP-12.
#[derive(Debug, Clone)]
pub(super) struct UnsafeCluster {
    pub(super) switch: Switch,
    /// More records than this cannot be merged at once.
    pub(super) max_records: Said<u32>,
    /// The names of fields that must not differ.
    pub(super) conflicts: Said<Vec<String>>,
    /// Activity this recent is work in progress.
    pub(super) active_days: Said<u32>,
}

/// A section as written, and as shipped for what is not written.
struct Both<'s> {
    written: Option<Section<'s>>,
    shipped: Option<Section<'s>>,
}

impl Both<'_> {
    fn of<'s>(root: &Section<'s>, shipped: &Section<'s>, key: &str) -> Both<'s> {
        Both { written: root.section(key), shipped: shipped.section(key) }
    }

    fn texts(&self, key: &str) -> Said<Vec<String>> {
        texts(self.written.as_ref(), self.shipped.as_ref(), key)
    }

    fn count(&self, key: &str) -> Said<u32> {
        let written = self.written.as_ref().and_then(|section| section.count(key));
        let shipped = || self.shipped.as_ref().and_then(|section| section.count(key));
        written.unwrap_or_else(|| Said { value: shipped().map_or(0, |said| said.value), line: 0 })
    }

    /// A share between none and all.
    fn share(&self, key: &str) -> Said<f64> {
        let written = self.written.as_ref().and_then(|section| {
            let said = section.number(key)?;
            let is_share = said.value > 0.0 && said.value < 1.0;
            if !is_share {
                section.problem_with_hint(
                    said.line,
                    format!("`{key}` is not a share between 0 and 1"),
                    "0.9 is nine of ten",
                );
            }
            Some(said).filter(|_| is_share)
        });
        let shipped = || self.shipped.as_ref().and_then(|section| section.number(key));
        written.unwrap_or_else(|| Said { value: shipped().map_or(0.9, |said| said.value), line: 0 })
    }

    fn switch(&self) -> Switch {
        if settings::is_off(self.written.as_ref()) { Switch::Off } else { Switch::On }
    }
}

fn texts(
    written: Option<&Section<'_>>,
    shipped: Option<&Section<'_>>,
    key: &str,
) -> Said<Vec<String>> {
    let read = |section: &Section<'_>| -> Vec<String> {
        section.texts(key).iter().map(|said| said.value.trim().to_owned()).collect()
    };
    match written.and_then(|section| section.node(key).map(|node| (section, node.line))) {
        Some((section, line)) => Said { value: read(section), line },
        None => Said { value: shipped.map(read).unwrap_or_default(), line: 0 },
    }
}

/// What is known about addresses and domains, as written or else as shipped.
fn lists(written: Option<&Section<'_>>, shipped: &Section<'_>) -> Lists {
    let list = |key: &str| -> HashSet<String> {
        let said = texts(written, Some(shipped), key);
        said.value.iter().map(|text| text.to_lowercase()).collect()
    };
    Lists {
        role_mailboxes: list("role_mailboxes"),
        free_mail: list("free_mail"),
        plus_tags: list("plus_tags"),
        shared_domains: list("shared_domains").into_iter().collect(),
        test_domains: list("test_domains"),
    }
}

/// The models that the rules name.
fn pinned(section: &Section<'_>, rulebook: &Rulebook) -> BTreeMap<Object, Said<Parameters>> {
    let mut pinned = BTreeMap::new();
    for object in [Object::Lead, Object::Contact, Object::Account] {
        let Some(name) = section.text(object.key()) else { continue };
        let Some(text) = rulebook.model(name.value, section, name.line) else { continue };
        match Parameters::parse(text) {
            Ok(value) => {
                pinned.insert(object, Said { value, line: name.line });
            }
            Err(why) => section.problem(name.line, format!("rules/{}: {why}", name.value)),
        }
    }
    pinned
}

/// What the shipped rules know about addresses and domains.
pub fn shipped_lists() -> Lists {
    let scrap = Log::default();
    let document = Document::parse(FILE, Family::Duplicates.shipped(), &scrap);
    lists(None, &document.root(&scrap))
}

impl Policy {
    pub(in crate::check) fn parse(
        root: &Section<'_>,
        rulebook: &Rulebook,
        boundary: &Boundary,
    ) -> Self {
        let scrap = Log::default();
        let document = Document::parse(FILE, Family::Duplicates.shipped(), &scrap);
        let shipped = document.root(&scrap);
        let role_mailboxes_line = root.node("role_mailboxes").map_or(0, |node| node.line);
        Self {
            lists: lists(Some(root), &shipped),
            role_mailboxes_line,
            pinned: root.section("pinned").map(|said| pinned(&said, rulebook)).unwrap_or_default(),
            same_person: SamePerson::parse(&Both::of(root, &shipped, "same-person")),
            similar_person: Similar::parse(&Both::of(root, &shipped, "similar-person")),
            alias_address: AliasAddress::parse(&Both::of(root, &shipped, "alias-address")),
            same_company: SameCompany::parse(&Both::of(root, &shipped, "same-company"), boundary),
            similar_company: Similar::parse(&Both::of(root, &shipped, "similar-company")),
            lead_is_contact: LeadIsContact::parse(
                &Both::of(root, &shipped, "lead-is-contact"),
                boundary,
            ),
            belongs: Belongs::parse(&Both::of(root, &shipped, "lead-belongs-to-account")),
            converted_twin: Both::of(root, &shipped, "converted-twin").switch(),
            twin_deals: TwinDeals::parse(&Both::of(root, &shipped, "twin-deals")),
            shared_identifier: SharedIdentifier::parse(&Both::of(
                root,
                &shipped,
                "shared-identifier",
            )),
            weak_bridge: Both::of(root, &shipped, "weak-bridge").switch(),
            unsafe_cluster: UnsafeCluster::parse(&Both::of(root, &shipped, "unsafe-cluster")),
        }
    }

    /// How likely records of a table have to be one for a proposal; `None` where the rules want none.
    pub(super) fn likely(&self, object: Object) -> Option<&Said<f64>> {
        let similar =
            if object == Object::Account { &self.similar_company } else { &self.similar_person };
        (similar.switch == Switch::On).then_some(&similar.least)
    }

    /// A setting as evidence quotes it.
    pub(super) fn quote(line: usize, says: &str) -> Evidence {
        settings::quoted(Family::Duplicates, line, says)
    }
}

impl SamePerson {
    fn parse(both: &Both<'_>) -> Self {
        let objects = both.texts("objects");
        let mut found = Vec::new();
        for name in &objects.value {
            match Object::parse(name).filter(|o| matches!(o, Object::Lead | Object::Contact)) {
                Some(object) => found.push(object),
                None => {
                    if let Some(section) = &both.written {
                        section.problem_with_hint(
                            objects.line,
                            format!("`{name}` holds no people"),
                            "`lead`, `contact` or both",
                        );
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        Self { switch: both.switch(), objects: found, crowd: both.count("crowd") }
    }
}

impl Similar {
    fn parse(both: &Both<'_>) -> Self {
        Self { switch: both.switch(), least: both.share("least") }
    }
}

impl AliasAddress {
    fn parse(both: &Both<'_>) -> Self {
        let domains = both.written.as_ref().and_then(|section| section.section("domains"));
        let domains = domains.iter().flat_map(|section| {
            section.entries().map(|(company, node)| {
                let domains = section.texts(&company.value);
                let value = domains.iter().map(|said| said.value.trim().to_lowercase()).collect();
                Said { value, line: node.line }
            })
        });
        Self { switch: both.switch(), domains: domains.collect() }
    }
}

impl SameCompany {
    fn parse(both: &Both<'_>, boundary: &Boundary) -> Self {
        let apart_by = both.written.as_ref().and_then(|section| {
            let name = section.text("apart_by")?;
            boundary
                .field(Object::Account, &name)
                .map_err(|missing| section.problem(name.line, missing.to_string()))
                .ok()
        });
        Self { switch: both.switch(), apart_by, franchise_limit: both.count("franchise_limit") }
    }
}

impl LeadIsContact {
    fn parse(both: &Both<'_>, boundary: &Boundary) -> Self {
        // An absent condition must exempt nobody, while an empty one holds for everybody.
        let new_division = both
            .written
            .as_ref()
            .map(|section| When::parse(section, "new_division", Object::Lead, boundary))
            .filter(|when| !when.all.is_empty());
        Self { switch: both.switch(), new_division }
    }
}

impl Belongs {
    fn parse(both: &Both<'_>) -> Self {
        Self {
            switch: both.switch(),
            active: both.texts("active_account_types"),
            agencies: both.texts("agency_types"),
        }
    }

    pub(super) fn is_active(&self, kind: &str) -> bool {
        ladder::lists(&self.active.value, kind)
    }

    pub(super) fn is_agency(&self, kind: &str) -> bool {
        ladder::lists(&self.agencies.value, kind)
    }
}

impl TwinDeals {
    fn parse(both: &Both<'_>) -> Self {
        Self {
            switch: both.switch(),
            amount_within: both.share("amount_within"),
            days_within: both.count("days_within"),
            may_repeat: both.texts("may_repeat"),
        }
    }
}

impl SharedIdentifier {
    fn parse(both: &Both<'_>) -> Self {
        Self {
            switch: both.switch(),
            fields: both.texts("fields"),
            placeholders: both.texts("placeholders"),
            crowd: both.count("crowd"),
        }
    }
}

impl UnsafeCluster {
    fn parse(both: &Both<'_>) -> Self {
        Self {
            switch: both.switch(),
            max_records: both.count("max_records"),
            conflicts: both.texts("conflicts"),
            active_days: both.count("active_days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDARY: &str = "[lead.fields]\nid = { from = \"Id\", why = \"Names the record.\" }\n\
        [account.fields]\nid = { from = \"Id\", why = \"Names the record.\" }\n\
        unit = { from = \"Unit\", why = \"Kept apart.\" }\n";

    fn parse(text: &str) -> Result<Policy, String> {
        let log = Log::default();
        let boundary =
            Boundary::parse(&Document::parse("rules/boundary.toml", BOUNDARY, &log), &log);
        let document = Document::parse(FILE, text, &log);
        let rulebook = Rulebook::parse(&BTreeMap::new(), &log);
        let policy = Policy::parse(&document.root(&log), &rulebook, &boundary);
        log.finish(policy).map_err(|problems| problems.to_string())
    }

    #[test]
    fn what_is_not_written_means_what_is_shipped() {
        for text in ["", Family::Duplicates.shipped()] {
            let policy = parse(text).unwrap();
            assert!(policy.lists.free_mail.contains("gmail.com"));
            assert!(policy.lists.role_mailboxes.contains("info"));
            assert_eq!(policy.same_person.objects, [Object::Lead, Object::Contact]);
            assert_eq!(policy.same_company.franchise_limit.value, 6);
            assert_eq!(policy.unsafe_cluster.max_records.value, 3);
            assert_eq!(policy.unsafe_cluster.active_days.value, 30);
            assert_eq!(policy.weak_bridge, Switch::On);
            assert!(policy.belongs.is_agency("partner"));
            assert!(policy.lead_is_contact.new_division.is_none());
        }
        assert_eq!(parse("").unwrap().same_person.crowd.line, 0);
    }

    #[test]
    fn what_is_written_replaces_what_is_shipped() {
        let policy = parse(
            "free_mail = [\"Mail.test\"]\n[same-company]\napart_by = \"unit\"\nfranchise_limit = 2\n\
             [weak-bridge]\noff = true\n",
        )
        .unwrap();
        assert_eq!(policy.lists.free_mail.iter().collect::<Vec<_>>(), ["mail.test"]);
        assert_eq!((*policy.same_company.franchise_limit, policy.weak_bridge), (2, Switch::Off));
        assert_eq!(policy.same_company.apart_by.unwrap().name(), "unit");
    }

    #[test]
    fn mistakes_are_named_with_their_lines() {
        let problems = parse(
            "[same-person]\nobjects = [\"lead\", \"deal\"]\n[same-company]\napart_by = \"units\"\n\
             [unsafe-cluster]\nmax_record = 3\n",
        )
        .unwrap_err();
        for expected in [
            "duplicates.toml:2: `deal` holds no people",
            "duplicates.toml:4: `account.units` is not in rules/boundary.toml (did you mean `unit`?)",
            "duplicates.toml:6: unknown key `unsafe-cluster.max_record`\n  hint: did you mean `max_records`?",
        ] {
            assert!(problems.contains(expected), "{expected} is not in:\n{problems}");
        }
    }
}
