//! One person or company twice: by a key that is theirs (DUP-01, DUP-04), by one address at two domains of a
//! company (DUP-03), or by all that is known of them (DUP-02, DUP-05); the links that join what is not one
//! (DUP-11); and those that must not be merged without a second look (DUP-12).
//!
//! Records that hold together have one finding: what stands against a merge, or else the merge, under the
//! least sure of the reasons it needs. Does not: look at leads beside contacts.

use std::collections::BTreeSet;

use crate::boundary::{Batch, Field, Grant, Object, RecordRef, Row, Shown};
use crate::check::settings::days;
use crate::check::{
    About, CheckDef, Family, Judge, Judgement, Measure, NotLooked, Off, Policies, World,
};
use crate::finding::{Bits, Evidence, Finding, FindingId, Hold, Proposal, Severity};
use crate::matching::agreement::Level;
use crate::matching::{Crowd, Weight, normalise};

use super::any_of;
use super::links::{By, Link, Same, country_key};
use super::matches::{account_domain, domain_fields, text};
use super::merge::{
    self, Call, Case, MOST_SHOWN, disagreements, likeness, listed, others, says,
    shares_role_mailbox, survivor,
};
use super::policy::{Policy, Switch};

/// DUP-01.
pub(in crate::check) const SAME_PERSON: CheckDef = CheckDef {
    code: "DUP-01",
    name: "same-person",
    family: Family::Duplicates,
    severity: Severity::High,
    about: About::Equals,
    summary: "Two or more leads, or two or more contacts, have the same mail address once case, \
              spaces and tags that the provider ignores are folded. Mailboxes that several people \
              read count only where the names agree; test domains never count.",
    consequence: "A customer is called twice by different people, and every count of people is too high.",
    load: load_same_person,
};

/// DUP-02.
pub(in crate::check) const SIMILAR_PERSON: CheckDef = CheckDef {
    code: "DUP-02",
    name: "similar-person",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Two or more leads, or two or more contacts, have names that do not contradict each other, and \
              by all else that is known of them (phone, workplace, address, mail) they are one person with \
              at least the chance the rules ask for. How much each agreement says is estimated from the \
              records: a rare name says more than a common one. The names alone are never enough: all else \
              must speak for it in sum.",
    consequence: "A customer is called twice by different people, and half of the history is missing on \
                  each record.",
    load: load_similar_person,
};

/// DUP-03.
pub(in crate::check) const ALIAS_ADDRESS: CheckDef = CheckDef {
    code: "DUP-03",
    name: "alias-address",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Two or more leads, or two or more contacts, have one name and the same local part at two \
              domains of one company: domains that the rules list together, or that one account has as its \
              domain and its website.",
    consequence: "A customer is called twice by different people, and every count of people is too high.",
    load: load_alias_address,
};

/// DUP-04.
pub(in crate::check) const SAME_COMPANY: CheckDef = CheckDef {
    code: "DUP-04",
    name: "same-company",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Two or more accounts have the same registrable domain, which is neither a mail \
              provider's nor shared by many companies, and no hierarchy or rule keeps them apart. \
              Accounts with different names in different countries do not count.",
    consequence: "Deals and contacts of one company are spread over several accounts, so owners, \
                  routing and reports disagree about it.",
    load: load_same_company,
};

/// DUP-05.
pub(in crate::check) const SIMILAR_COMPANY: CheckDef = CheckDef {
    code: "DUP-05",
    name: "similar-company",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Two or more accounts have names that do not contradict each other once legal forms and spelling \
              are folded, and by all else that is known of them (address, phone, domain, industry) they are \
              one company with at least the chance the rules ask for; no hierarchy or rule keeps them apart. \
              The name alone is never enough: all else must speak for it in sum.",
    consequence: "Deals and contacts of one company are spread over several accounts, so owners, \
                  routing and reports disagree about it.",
    load: load_similar_company,
};

/// DUP-11.
pub(in crate::check) const WEAK_BRIDGE: CheckDef = CheckDef {
    code: "DUP-11",
    name: "weak-bridge",
    family: Family::Duplicates,
    severity: Severity::Medium,
    about: About::Equals,
    summary: "Records look like one cluster, but a link joins parts of it that the other records \
              contradict: without it the cluster falls into parts that each hold by themselves.",
    consequence: "Merging the whole would mix two people or companies, which cannot be undone.",
    load: load_weak_bridge,
};

/// DUP-12.
pub(in crate::check) const UNSAFE_CLUSTER: CheckDef = CheckDef {
    code: "DUP-12",
    name: "unsafe-cluster",
    family: Family::Duplicates,
    severity: Severity::High,
    about: About::Equals,
    summary: "Records are one by DUP-01 to DUP-05, but a field that must not differ differs, \
              several have open deals, different owners are at work on them, one is another's \
              parent, or they are more than can be merged at once.",
    consequence: "A merge would override a consent, mix legal entities or take work from somebody.",
    load: load_unsafe_cluster,
};

/// A way in which records of one table can be one.
#[derive(Debug, Clone, Copy)]
enum Way {
    SamePerson,
    SimilarPerson,
    AliasAddress,
    SameCompany,
    SimilarCompany,
}

impl Way {
    const ALL: [Self; 5] = [
        Self::SamePerson,
        Self::SimilarPerson,
        Self::AliasAddress,
        Self::SameCompany,
        Self::SimilarCompany,
    ];

    fn check(self) -> &'static CheckDef {
        match self {
            Self::SamePerson => &SAME_PERSON,
            Self::SimilarPerson => &SIMILAR_PERSON,
            Self::AliasAddress => &ALIAS_ADDRESS,
            Self::SameCompany => &SAME_COMPANY,
            Self::SimilarCompany => &SIMILAR_COMPANY,
        }
    }

    fn switch(self, policy: &Policy) -> Switch {
        match self {
            Self::SamePerson => policy.same_person.switch,
            Self::SimilarPerson => policy.similar_person.switch,
            Self::AliasAddress => policy.alias_address.switch,
            Self::SameCompany => policy.same_company.switch,
            Self::SimilarCompany => policy.similar_company.switch,
        }
    }

    fn by(self) -> By {
        match self {
            Self::SamePerson | Self::SameCompany => By::Key,
            Self::AliasAddress => By::Alias,
            Self::SimilarPerson | Self::SimilarCompany => By::Likeness,
        }
    }

    /// The fields of which people need one to be compared.
    fn needed_of_people(self) -> &'static [&'static str] {
        match self {
            Self::SamePerson | Self::AliasAddress => &["email"],
            Self::SimilarPerson => &["last_name", "full_name"],
            Self::SameCompany | Self::SimilarCompany => &[],
        }
    }

    /// Notes the tables of people that have no such field.
    fn note_left_out(self, world: &World<'_>, tables: &[Object], judgement: &mut Judgement) {
        let needed = self.needed_of_people();
        let people = world.policies.duplicates.same_person.objects.iter();
        for object in people.filter(|object| !needed.is_empty() && !tables.contains(object)) {
            if world.batch(*object).is_some() {
                let fields: Vec<_> =
                    needed.iter().map(|name| format!("`{object}.{name}`")).collect();
                let are = if fields.len() == 1 { "is" } else { "are" };
                let fields = fields.join(" and ");
                judgement.skip(*object, &format!("{fields} {are} not in rules/boundary.toml"));
            }
        }
    }

    /// The tables that the rules and the boundary let the check look at.
    fn tables(self, grant: &mut Grant<'_>, policies: &Policies) -> Result<Vec<Object>, Off> {
        if self.switch(&policies.duplicates) == Switch::Off {
            return Err(self.check().off_in_rules());
        }
        match self {
            Self::SamePerson | Self::AliasAddress | Self::SimilarPerson => {
                people_tables(grant, policies, self.needed_of_people())
            }
            // Accounts are told apart by website or domain: one of them has to be allowed.
            Self::SameCompany => {
                if grant.optional(Object::Account, "domain").is_none() {
                    grant.field(Object::Account, "website")?;
                }
                Ok(vec![Object::Account])
            }
            Self::SimilarCompany => {
                grant.field(Object::Account, "name")?;
                Ok(vec![Object::Account])
            }
        }
    }

    fn load(self, grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
        let tables = self.tables(grant, policies)?;
        merge::ask(grant, policies, &tables);
        Ok(Box::new(move |world| {
            let mut judgement =
                judge(world, &tables, self.by(), |world, same, case| self.merge(world, same, case));
            self.note(world, &tables, &mut judgement);
            self.note_left_out(world, &tables, &mut judgement);
            judgement
        }))
    }
}

/// The tables of people in which one of some fields is allowed.
fn people_tables(
    grant: &mut Grant<'_>,
    policies: &Policies,
    names: &[&str],
) -> Result<Vec<Object>, Off> {
    let tables = &policies.duplicates.same_person.objects;
    let wanted = tables.iter().flat_map(|table| names.iter().map(|name| (*table, *name)));
    let mut tables: Vec<Object> = any_of(grant, wanted)?.iter().map(Field::object).collect();
    tables.dedup();
    Ok(tables)
}

/// Every table in which records can be one.
fn all_tables(grant: &mut Grant<'_>, policies: &Policies) -> Result<Vec<Object>, Off> {
    let mut tables = Vec::new();
    let mut refused = Vec::new();
    for way in Way::ALL {
        match way.tables(grant, policies) {
            Ok(found) => tables.extend(found),
            Err(why) => refused.push(why),
        }
    }
    tables.sort();
    tables.dedup();
    match Off::foremost(refused, grant) {
        Some(why) if tables.is_empty() => Err(why),
        Some(_) | None => Ok(tables),
    }
}

fn load_same_person(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Way::SamePerson.load(grant, policies)
}

fn load_similar_person(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Way::SimilarPerson.load(grant, policies)
}

fn load_alias_address(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Way::AliasAddress.load(grant, policies)
}

fn load_same_company(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Way::SameCompany.load(grant, policies)
}

fn load_similar_company(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    Way::SimilarCompany.load(grant, policies)
}

fn load_weak_bridge(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.weak_bridge == Switch::Off {
        return Err(WEAK_BRIDGE.off_in_rules());
    }
    let tables = all_tables(grant, policies)?;
    merge::ask(grant, policies, &tables);
    Ok(Box::new(move |world| judge(world, &tables, By::Likeness, split)))
}

fn load_unsafe_cluster(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let policy = &policies.duplicates.unsafe_cluster;
    if policy.switch == Switch::Off {
        return Err(UNSAFE_CLUSTER.off_in_rules());
    }
    let tables = all_tables(grant, policies)?;
    merge::ask(grant, policies, &tables);
    let unseen: Vec<String> = policy
        .conflicts
        .value
        .iter()
        .filter(|name| tables.iter().all(|table| grant.optional(*table, name).is_none()))
        .map(|name| format!("`{name}`"))
        .collect();
    let unseen = (!unseen.is_empty()).then(|| {
        format!("{}: not in rules/boundary.toml, so not seen to differ", unseen.join(", "))
    });
    Ok(Box::new(move |world| {
        let mut judgement = judge(world, &tables, By::Likeness, against_merging);
        skip_copies(world, &tables, &mut judgement);
        judgement.not_looked.extend(unseen.clone().map(NotLooked::nothing));
        judgement
    }))
}

/// Says of what copies none is under review.
fn skip_copies(world: &World<'_>, tables: &[Object], judgement: &mut Judgement) {
    let all = tables.iter().filter_map(|table| world.matches().same(world, *table));
    let unreviewed = all.flat_map(|same| &same.cases).filter(|case| case.main().is_none());
    let id = |what: RecordRef| FindingId::of(UNSAFE_CLUSTER.code, &what, &[], None);
    let ids: Vec<FindingId> = unreviewed.filter_map(Case::known_by).map(id).collect();
    if !ids.is_empty() {
        let words =
            format!("{} people written many times, of whom no record is under review", ids.len());
        judgement.skip_findings(ids, words);
    }
}

/// Looks at every case of the tables in which records are one by this.
fn judge(
    world: &World<'_>,
    tables: &[Object],
    by: By,
    find: impl for<'a> Fn(&World<'a>, &Same<'a>, &Case<'a>) -> Option<Finding>,
) -> Judgement {
    let mut judgement = Judgement::default();
    for object in tables {
        let Some(batch) = world.batch(*object) else {
            judgement.skip(*object, "there is no table");
            continue;
        };
        let Some(same) = world.matches().same(world, *object) else { continue };
        let domains = domain_fields(&world.policies.boundary);
        let mut scratch = String::new();
        let examined = batch.reviewed().filter(|row| match by {
            By::Key | By::Alias => has_key(world, &domains, *row, &mut scratch),
            By::Likeness => !is_converted(world, *row),
        });
        judgement.examined += examined.count();
        judgement.findings.extend(same.cases.iter().filter_map(|case| find(world, same, case)));
    }
    judgement
}

impl Way {
    /// Says what was compared, and names the values that too many records share: keys where a key makes
    /// records one, and otherwise what the comparison looks for.
    fn note(self, world: &World<'_>, tables: &[Object], judgement: &mut Judgement) {
        for object in tables {
            let Some(batch) = world.batch(*object) else { continue };
            let Some(same) = world.matches().same(world, *object) else { continue };
            let crowds = match self.by() {
                By::Key => &same.crowds,
                By::Alias => continue,
                By::Likeness => {
                    judgement.measures.push(Measure {
                        of: format!("pairs of {} compared", object.plural()),
                        is: same.compared,
                    });
                    judgement.weighed.push(same.weighed.clone());
                    if let Some(why) = &same.unfit {
                        let line =
                            world.policies.duplicates.pinned.get(object).map_or(0, |p| p.line);
                        let why = format!(
                            "not compared: rules/duplicates.toml:{line} pins a model, and {why}"
                        );
                        judgement.skip(*object, &why);
                    }
                    &same.parted
                }
            };
            let (told, more) = crowds.split_at(crowds.len().min(MOST_SHOWN));
            for crowd in told {
                let first = usize::try_from(crowd.first).ok().and_then(|at| batch.at(at));
                let words = crowd_words(crowd, first.map_or("?", |row| row.id()));
                judgement.skip_records(*object, alone(crowd, batch), &words);
            }
            if !more.is_empty() {
                let words = format!("{} more values that many records share", more.len());
                let alone = more.iter().flat_map(|crowd| alone(crowd, batch));
                judgement.skip_records(*object, alone, &words);
            }
        }
    }
}

/// The records of a crowd that were not compared by what they share.
fn alone<'a>(crowd: &Crowd, batch: &'a Batch) -> impl Iterator<Item = Row<'a>> {
    let position = |at: &u32| usize::try_from(*at).ok();
    crowd.alone.iter().filter_map(position).filter_map(|at| batch.at(at))
}

fn crowd_words(crowd: &Crowd, one: &str) -> String {
    let Crowd { records, by, apart, .. } = crowd;
    if *apart == 0 {
        return format!(
            "{records} records share one {by} ({one} is one of them): too many to be copies of one"
        );
    }
    format!(
        "{records} records share one {by} ({one} is one of them): {apart} of them were compared with those \
         that share more than that"
    )
}

/// True when the record has what records are told apart by.
fn has_key(world: &World<'_>, domains: &[Field], row: Row<'_>, scratch: &mut String) -> bool {
    if row.object() == Object::Account {
        return account_domain(world, domains, row, scratch).is_some();
    }
    let address = text(row, world.matches().person_fields(row.object()).email.as_ref());
    let lists = &world.policies.duplicates.lists;
    !is_converted(world, row)
        && address.is_some_and(|raw| normalise::address(raw, lists, scratch).is_some())
}

/// True for a lead that became a contact: it is linked by that.
fn is_converted(world: &World<'_>, row: Row<'_>) -> bool {
    let converted = world.matches().person_fields(row.object()).converted.as_ref();
    row.object() != Object::Account && converted.and_then(|field| row.flag(field)) == Some(true)
}

/// What the records have in common, in words.
fn common(object: Object, by: By) -> &'static str {
    match (by, object) {
        (By::Key, Object::Account) => "have the same domain",
        (By::Key, _) => "have the same mail address",
        (By::Alias, _) => "have one address at two domains of one company",
        (By::Likeness, Object::Account) => "are very likely one company",
        (By::Likeness, _) => "are very likely one person",
    }
}

impl Way {
    /// A merge.
    fn merge<'a>(self, world: &World<'a>, same: &Same<'a>, case: &Case<'a>) -> Option<Finding> {
        let Call::Same = case.call else { return None };
        if case.by() != self.by() {
            return None;
        }
        merge_of(world, same, case, case.rows.len())
    }
}

/// A merge of so many of the records: the one to keep, and the first of the others.
fn merge_of<'a>(
    world: &World<'a>,
    same: &Same<'a>,
    case: &Case<'a>,
    at_once: usize,
) -> Option<Finding> {
    let first = case.main()?;
    let object = first.object();
    let (keep, mut because) = survivor(world, &case.rows)?;
    let folded = case.rows.iter().copied().filter(|row| row.id() != keep.id());
    let folded: Vec<Row<'a>> = folded.take(at_once.saturating_sub(1)).collect();
    let mut facts = beside(world, same, case, keep, &folded);
    for other in folded.iter().take(MOST_SHOWN) {
        let more = merge::agreements(world, keep, *other);
        let more = more.into_iter().chain(disagreements(world, keep, *other));
        for fact in more {
            if !facts.iter().any(|shown| is_of_one_pair(shown, &fact)) {
                facts.push(fact);
            }
        }
    }
    let differs = |fact: &Evidence| matches!(fact, Evidence::Compared { level, .. } if level == merge::DIFFERS);
    if facts.iter().any(differs) {
        because.push_str("; where they differ, its values stand unless somebody knows better");
    }
    let fold = folded.iter().map(|row| row.record()).collect();
    let proposal = Proposal::MergeCandidate { keep: keep.record(), fold, because };
    let mut facts = facts.into_iter();
    let mut finding =
        Finding::about(first.record(), headline(world, same, case), facts.next()?, proposal);
    finding = facts.fold(finding, Finding::because);
    for record in others(&case.rows, first) {
        finding = finding.with(record);
    }
    if case.by() == By::Likeness {
        let least = world.policies.duplicates.likely(object)?;
        finding = finding
            .because(Policy::quote(least.line, &format!("least = {}", least.value)))
            .because(Evidence::Figure {
                of: "such pairs that are two, by this CRM's own records".to_owned(),
                is: odds_against(case),
            });
    }
    for unknown in merge::withheld(world, &case.rows) {
        finding = finding.because(unknown.fact).lacking(unknown.words);
    }
    finding = doubt_same(world, same, case, finding);
    if let Hold::EscalateOnly(_) = finding.hold() {
        finding.proposal = Proposal::ReviewRecord { question: two_or_one(world, &case.rows) };
    }
    Some(finding)
}

/// The question where a merge is nobody's to approve, and who can answer it.
fn two_or_one(world: &World<'_>, rows: &[Row<'_>]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let what = if first.object() == Object::Account { "companies" } else { "people" };
    let owner = world.policies.boundary.allowed(first.object(), "owner");
    let owners: BTreeSet<String> = owner
        .iter()
        .flat_map(|owner| rows.iter().filter(|row| !row.is_blank(owner)).map(|row| row.cell(owner)))
        .filter(|cell| matches!(cell.shown(), Shown::Value(_)))
        .map(|cell| world.somebody(&cell))
        .collect();
    let owners: Vec<String> = owners.into_iter().collect();
    match owners.as_slice() {
        [] => format!("Decide whether these are two {what} or one, before anything is merged"),
        [owner] => {
            format!("Decide whether these are two {what} or one; {owner}, who owns them, may know")
        }
        owners => format!(
            "Decide whether these are two {what} or one; their owners may know: {}",
            owners.join(", ")
        ),
    }
}

/// True for two comparisons of the same two cells.
fn is_of_one_pair(one: &Evidence, other: &Evidence) -> bool {
    let cells = |evidence: &Evidence| {
        let Evidence::Compared { left, right, .. } = evidence else { return None };
        let mut places = [left, right].map(|cell| (cell.record().clone(), cell.field().to_owned()));
        places.sort();
        Some(places)
    };
    cells(one).is_some_and(|places| Some(places) == cells(other))
}

/// Records beside the one to keep: who they are, and what makes them one.
fn beside<'a>(
    world: &World<'a>,
    same: &Same<'a>,
    case: &Case<'a>,
    keep: Row<'a>,
    others: &[Row<'a>],
) -> Vec<Evidence> {
    let others = || others.iter().take(MOST_SHOWN);
    let mut facts = match case.by() {
        By::Key => others().filter_map(|other| merge::shared_value(world, keep, *other)).collect(),
        By::Alias | By::Likeness => likenesses(world, same, case, Some(keep)),
    };
    for fact in others().flat_map(|other| merge::identity(world, keep, *other)) {
        if !facts.iter().any(|shown| is_of_one_pair(shown, &fact)) {
            facts.push(fact);
        }
    }
    merge::identity_first(&mut facts);
    facts
}

/// What makes the records of each link one; what several links show is shown once.
fn likenesses<'a>(
    world: &World<'a>,
    same: &Same<'a>,
    case: &Case<'a>,
    keep: Option<Row<'a>>,
) -> Vec<Evidence> {
    let mut facts = Vec::new();
    for link in case.links.iter().take(MOST_SHOWN) {
        for fact in likeness(world, &same.columns, link, keep) {
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    facts
}

fn headline(world: &World<'_>, same: &Same<'_>, case: &Case<'_>) -> String {
    let object = case.rows.first().map_or(Object::Contact, |row| row.object());
    let who = world.several(object.plural(), &case.rows);
    let common = common(object, case.by());
    match case.links.as_slice() {
        [link] if case.by() == By::Likeness => {
            format!("{who} {common}: {}", agreements(same, link).join(", "))
        }
        _ => format!("{who} {common}"),
    }
}

/// What speaks most for a link, in words.
fn agreements(same: &Same<'_>, link: &Link<'_>) -> Vec<String> {
    let mut agreeing: Vec<&Weight> =
        link.weights.iter().filter(|weight| weight.bits > 0.0 && weight.says.is_some()).collect();
    agreeing.sort_by(|a, b| b.bits.total_cmp(&a.bits));
    agreeing.iter().filter_map(|weight| says(&same.columns, weight)).take(3).collect()
}

/// Why two records that look like one may be two all the same.
fn doubt_same(
    world: &World<'_>,
    same: &Same<'_>,
    case: &Case<'_>,
    mut finding: Finding,
) -> Finding {
    let Some(first) = case.rows.first() else { return finding };
    let is_account = first.object() == Object::Account;
    if case.by() == By::Key && shares_role_mailbox(world, &case.rows) {
        let line = world.policies.duplicates.role_mailboxes_line;
        finding = finding
            .because(Policy::quote(line, "role_mailboxes lists what stands before the @"))
            .unless("the address is a mailbox that several people may read")
            .escalate_only("the address is a mailbox that several people may read");
    }
    finding = match case.names.0 {
        Level::Different if is_account => finding
            .unless(
                "the names are different: a parent and its subsidiary, or two brands on one website",
            )
            .escalate_only(match case.by() {
                By::Key => "different companies' names stand at one domain",
                By::Alias | By::Likeness => "they have different companies' names",
            }),
        Level::Different => finding
            .unless(format!(
                "{}: a mailbox that two people share, such as a couple's",
                merge::contradiction(case.names.1)
            ))
            .escalate_only("different people's names stand at one mail address"),
        Level::Partly => finding.unless(
            "the last names differ: a name that changed, or two people with one first name",
        ),
        Level::Missing => finding.unless("not every record has a name to compare"),
        Level::Alike => {
            finding.unless(format!("the names are not quite the same: {}", case.names.1))
        }
        Level::Same | Level::Form => finding,
    };
    for weight in case.links.iter().flat_map(|link| &link.weights) {
        if let Some(doubt) = speaks_against(same, weight, is_account) {
            finding = once(finding, &doubt);
        }
    }
    if let Some(account) = world.policies.boundary.allowed(first.object(), "account") {
        let named: BTreeSet<_> = case.rows.iter().filter_map(|row| row.text(&account)).collect();
        if named.len() > 1 {
            finding = finding.unless(format!(
                "they stand at {} different accounts: a change of job, or a person with two roles",
                named.len()
            ));
        }
    }
    if let Some(country) = world.policies.boundary.allowed(first.object(), "country") {
        let named: BTreeSet<_> =
            case.rows.iter().filter_map(|row| row.text(&country)).map(country_key).collect();
        let is_said = finding.doubts.iter().any(|doubt| doubt.contains("different countries"));
        if named.len() > 1 && !is_said {
            finding = finding.unless(if is_account {
                "they are in different countries: a branch abroad may be kept apart on purpose"
            } else {
                "they are in different countries: somebody who moved, or works from two"
            });
        }
    }
    for link in case.beside.iter().take(MOST_SHOWN) {
        let beside = link.rows.iter().find(|row| !case.rows.iter().any(|r| r.id() == row.id()));
        let inside = link.rows.iter().find(|row| case.rows.iter().any(|r| r.id() == row.id()));
        if let (Some(beside), Some(inside)) = (beside, inside) {
            finding = finding.unless(format!(
                "{} is like {} too ({}), but not like the others: it is left out",
                beside.id(),
                inside.id(),
                agreements(same, link).join(", ")
            ));
        }
    }
    if finding.doubts.is_empty() && case.by() == By::Likeness {
        return finding.unless(if is_account {
            "two branches of one company may be kept apart on purpose, and look as alike"
        } else {
            "two people of one name in one place, such as father and son, look as alike"
        });
    }
    if finding.doubts.is_empty() { finding.unless(doubt_identical(world, case)) } else { finding }
}

/// What a comparison says against two records' being one, in words.
fn speaks_against(same: &Same<'_>, weight: &Weight, is_account: bool) -> Option<String> {
    let says = says(&same.columns, weight).filter(|_| weight.bits < 0.0)?;
    // That it agrees in what many have says little for the two, and nothing against them.
    if weight.name != "address" && says.starts_with("the same") {
        return None;
    }
    Some(match weight.name {
        "workplace" => format!("they have {says}: a change of job, or a consultant at two"),
        "address" if is_account && !says.starts_with("the same") => {
            format!("they have {says}: units of one company may be kept apart on purpose")
        }
        "address" if says.starts_with("the same") => {
            format!("their addresses have {says}, and nothing finer agrees")
        }
        // What the names say has words of its own.
        "first name" | "last name" | "company name" => return None,
        _ => format!("they have {says}"),
    })
}

/// How often records so alike are two.
fn odds_against(case: &Case<'_>) -> String {
    let score = |link: &Link<'_>| {
        let weights: f64 = link.weights.iter().map(|weight| weight.bits).sum();
        Bits::of(link.prior + weights)
    };
    let alike = case.links.iter().filter(|link| link.by == By::Likeness);
    let chance = alike.map(score).min().map_or(1.0, Bits::chance);
    match (1.0 - chance) * 1_000.0 {
        ..1.0 => "fewer than 1 of 1,000".to_owned(),
        of_a_thousand => format!("about {of_a_thousand:.0} of 1,000"),
    }
}

/// What may speak for two records that nothing tells apart: somebody or something made the second.
fn doubt_identical(world: &World<'_>, case: &Case<'_>) -> String {
    let object = case.rows.first().map_or(Object::Contact, |row| row.object());
    let created = world.policies.boundary.allowed(object, "created");
    let dates: Vec<_> = created
        .iter()
        .flat_map(|field| case.rows.iter().filter_map(|row| row.time(field)))
        .collect();
    match (dates.iter().min(), dates.iter().max()) {
        (Some(first), Some(last)) if dates.len() == case.rows.len() => format!(
            "they were created {} apart: another system may hold the id of the one that goes",
            days((*last - *first).num_days())
        ),
        _ => "nothing that was read tells them apart; another system may hold the id of the one \
              that goes"
            .to_owned(),
    }
}

/// DUP-11: a split.
fn split<'a>(world: &World<'a>, same: &Same<'a>, case: &Case<'a>) -> Option<Finding> {
    let Call::Split { parts, conflicts } = &case.call else { return None };
    let first = case.main()?;
    let [left, right] = case.links.first()?.rows;
    let by = agreements(same, case.links.first()?).join(" and ");
    let sets: Vec<String> = parts.iter().map(|part| listed(part)).collect();
    let headline = format!(
        "{} {} hang together only by {}, which have {by}",
        case.rows.len(),
        first.object().plural(),
        world.listed(&[left, right]),
    );
    let question = format!(
        "Treat as {} separate sets ({}), unless {} and {} are one",
        parts.len(),
        sets.join("; "),
        left.id(),
        right.id()
    );
    let mut facts = likenesses(world, same, case, None).into_iter();
    let fact = facts.next()?;
    let mut finding =
        Finding::about(first.record(), headline, fact, Proposal::ReviewRecord { question });
    finding = facts.fold(finding, Finding::because);
    for record in others(&case.rows, first) {
        finding = finding.with(record);
    }
    finding.sets = parts.iter().map(|part| part.iter().map(|row| row.record()).collect()).collect();
    for conflict in conflicts {
        finding = conflict.facts.iter().cloned().fold(finding, Finding::because);
        finding = finding.escalate_only(conflict.words.clone());
    }
    Some(finding.unless(format!(
        "{} and {} may be one after all: then the whole is one cluster of {}",
        left.id(),
        right.id(),
        case.rows.len()
    )))
}

/// DUP-12: a second look.
fn against_merging<'a>(world: &World<'a>, same: &Same<'a>, case: &Case<'a>) -> Option<Finding> {
    let conflicts = match &case.call {
        Call::Unsafe(conflicts) | Call::Copies(conflicts) => conflicts,
        Call::TooMany => return in_steps(world, same, case),
        Call::Same | Call::Split { .. } => return None,
    };
    let first = case.main()?;
    let (object, left) = (first.object(), *case.rows.first()?);
    let words: Vec<&str> = conflicts.iter().map(|conflict| conflict.words.as_str()).collect();
    let words = words.join("; ");
    let headline = format!(
        "{} {}, but {words}",
        world.several(object.plural(), &case.rows),
        common(object, case.by())
    );
    let question =
        format!("Settle first what stands against merging {}: {words}", listed(&case.rows));
    let others_than_left: Vec<Row<'a>> = case.rows.iter().copied().skip(1).collect();
    let mut facts = beside(world, same, case, left, &others_than_left);
    let known_by = case.known_by();
    // Of copies, which come and go, the first are examples.
    let quoted = if known_by.is_some() { MOST_SHOWN } else { usize::MAX };
    let against = conflicts.iter().flat_map(|conflict| conflict.facts.iter().take(quoted));
    facts.extend(against.cloned());
    let mut facts = facts.into_iter();
    let fact = facts.next()?;
    let mut finding =
        Finding::about(first.record(), headline, fact, Proposal::ReviewRecord { question });
    finding = facts.fold(finding, Finding::because);
    for record in others(&case.rows, first).into_iter().take(quoted) {
        finding = finding.with(record);
    }
    if let Some(known_by) = known_by {
        // Twice as many are another fault; one more is the same.
        let size = format!("2^{} copies", case.rows.len().max(1).ilog2());
        finding = finding.of_group([known_by]).stating(size);
    }
    for conflict in conflicts {
        finding = finding.unless(conflict.doubt.clone());
    }
    if case.names.0 == Level::Different {
        finding = finding.unless("the names are different: they may be two after all");
    }
    Some(finding.escalate_only(words))
}

/// More records than may be merged at once: the first step of their merge.
fn in_steps<'a>(world: &World<'a>, same: &Same<'a>, case: &Case<'a>) -> Option<Finding> {
    let most = &world.policies.duplicates.unsafe_cluster.max_records;
    let at_once = usize::try_from(most.value).unwrap_or(usize::MAX).max(2);
    let mut finding = merge_of(world, same, case, at_once)?;
    let left = case.rows.len().saturating_sub(at_once);
    finding.headline =
        format!("{}: more than the {at_once} that are merged at once", finding.headline);
    Some(
        finding.because(Policy::quote(most.line, &format!("max_records = {}", most.value))).unless(
            format!(
                "merge in steps: {} once these are one",
                match left {
                    1 => "one more follows".to_owned(),
                    left => format!("{left} more follow"),
                }
            ),
        ),
    )
}

/// Adds a doubt that several links may give once.
fn once(finding: Finding, doubt: &str) -> Finding {
    if finding.doubts.iter().any(|said| said == doubt) { finding } else { finding.unless(doubt) }
}
