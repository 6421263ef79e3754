//! One person or company twice: DUP-01 and DUP-04, the clusters that only look like one (DUP-11), and
//! those that must not be merged without a second look (DUP-12).
//!
//! A cluster has one finding: a split first, then what stands against a merge, then the merge.
//! Does not: look at leads beside contacts.

use crate::boundary::{Field, Grant, Object, Row};
use crate::check::settings::days;
use crate::check::{CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::matching::normalise;
use crate::matching::rule::compare::Level;
use crate::matching::rule::{Kind, Strength};

use super::allowed;
use super::matches::{account_domain, domain_fields, text};
use super::merge::{
    self, Call, Case, MOST_SHOWN, disagreements, listed, others, pair_cells, shared_values,
    shares_role_mailbox, survivor,
};
use super::policy::{Policy, Switch};

/// DUP-01.
pub(in crate::check) const SAME_PERSON: CheckDef = CheckDef {
    code: "DUP-01",
    name: "same-person",
    family: Family::Duplicates,
    severity: Severity::High,
    summary: "Two or more leads, or two or more contacts, have the same mail address once case, \
              spaces and tags that the provider ignores are folded. Mailboxes that several people \
              read count only where the names agree; test domains never count.",
    consequence: "A customer is called twice by different people, and every count of people is too high.",
    load: load_same_person,
};

/// DUP-04.
pub(in crate::check) const SAME_COMPANY: CheckDef = CheckDef {
    code: "DUP-04",
    name: "same-company",
    family: Family::Duplicates,
    severity: Severity::Medium,
    summary: "Two or more accounts have the same registrable domain, which is neither a mail \
              provider's nor shared by many companies, and no hierarchy or rule keeps them apart. \
              Accounts with different names in different countries do not count.",
    consequence: "Deals and contacts of one company are spread over several accounts, so owners, \
                  routing and reports disagree about it.",
    load: load_same_company,
};

/// DUP-11.
pub(in crate::check) const WEAK_BRIDGE: CheckDef = CheckDef {
    code: "DUP-11",
    name: "weak-bridge",
    family: Family::Duplicates,
    severity: Severity::Medium,
    summary: "Records look like one cluster, but it holds together only by a link much weaker than \
              the others: without it the cluster falls into parts that each hold by themselves.",
    consequence: "Merging the whole would mix two people or companies, which cannot be undone.",
    load: load_weak_bridge,
};

/// DUP-12.
pub(in crate::check) const UNSAFE_CLUSTER: CheckDef = CheckDef {
    code: "DUP-12",
    name: "unsafe-cluster",
    family: Family::Duplicates,
    severity: Severity::High,
    summary: "Records are the same by DUP-01 or DUP-04, but a field that must not differ differs, \
              several have open deals, different owners are at work on them, one is another's \
              parent, or they are more than can be merged at once.",
    consequence: "A merge would override a consent, mix legal entities or take work from somebody.",
    load: load_unsafe_cluster,
};

/// The tables of people that the rules and the boundary let the check look at.
fn people_tables(grant: &mut Grant<'_>, policies: &Policies) -> Result<Vec<Object>, Off> {
    let mut tables = Vec::new();
    let mut missing = None;
    for object in &policies.duplicates.same_person.objects {
        match grant.field(*object, "email") {
            Ok(_) => tables.push(*object),
            Err(refused) => missing = missing.or(Some(refused)),
        }
    }
    match missing {
        Some(missing) if tables.is_empty() => Err(missing.into()),
        Some(_) | None => Ok(tables),
    }
}

/// Accounts are told apart by website or domain: one of them has to be allowed.
fn needs_domain(grant: &mut Grant<'_>) -> Result<(), Off> {
    if grant.optional(Object::Account, "domain").is_none() {
        grant.field(Object::Account, "website")?;
    }
    Ok(())
}

/// Every table in which clusters are looked for: of people, and of companies.
fn all_tables(grant: &mut Grant<'_>, policies: &Policies) -> Result<Vec<Object>, Off> {
    let policy = &policies.duplicates;
    let people = match policy.same_person.switch {
        Switch::On => people_tables(grant, policies),
        Switch::Off => Err(SAME_PERSON.off_in_rules()),
    };
    let companies = match policy.same_company.switch {
        Switch::On => needs_domain(grant).map(|()| vec![Object::Account]),
        Switch::Off => Err(SAME_COMPANY.off_in_rules()),
    };
    match (people, companies) {
        (Err(off), Err(_)) => Err(off),
        (people, companies) => {
            Ok([people.unwrap_or_default(), companies.unwrap_or_default()].concat())
        }
    }
}

fn load_same_person(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.same_person.switch == Switch::Off {
        return Err(SAME_PERSON.off_in_rules());
    }
    let tables = people_tables(grant, policies)?;
    merge::ask(grant, policies, &tables);
    Ok(Box::new(move |world| judge_merges(world, &tables)))
}

fn load_same_company(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.same_company.switch == Switch::Off {
        return Err(SAME_COMPANY.off_in_rules());
    }
    needs_domain(grant)?;
    merge::ask(grant, policies, &[Object::Account]);
    Ok(Box::new(|world| judge_merges(world, &[Object::Account])))
}

fn load_weak_bridge(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if policies.duplicates.weak_bridge == Switch::Off {
        return Err(WEAK_BRIDGE.off_in_rules());
    }
    let tables = all_tables(grant, policies)?;
    merge::ask(grant, policies, &tables);
    Ok(Box::new(move |world| judge(world, &tables, split)))
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
        let mut judgement = judge(world, &tables, against_merging);
        judgement.not_looked.extend(unseen.clone());
        judgement
    }))
}

/// Looks at every cluster of the tables that has a record under review.
fn judge(
    world: &World<'_>,
    tables: &[Object],
    find: fn(&World<'_>, &Case<'_>) -> Option<Finding>,
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
        judgement.examined +=
            batch.reviewed().filter(|row| has_key(world, &domains, *row, &mut scratch)).count();
        let cases = same.cases.iter().filter(|case| case.is_under_review());
        judgement.findings.extend(cases.filter_map(|case| find(world, case)));
    }
    judgement
}

/// Looks at every cluster for a merge.
fn judge_merges(world: &World<'_>, tables: &[Object]) -> Judgement {
    let mut judgement = judge(world, tables, same);
    note_crowds(world, tables, &mut judgement);
    judgement
}

/// Names the values that too many records share; said once, by the checks that propose merges.
fn note_crowds(world: &World<'_>, tables: &[Object], judgement: &mut Judgement) {
    for object in tables {
        let Some(batch) = world.batch(*object) else { continue };
        let Some(same) = world.matches().same(world, *object) else { continue };
        for crowd in same.crowds.iter().take(MOST_SHOWN) {
            let first = usize::try_from(crowd.first).ok().and_then(|at| batch.at(at));
            let why = format!(
                "{} records share one {} ({} is one of them): too many to be copies of one",
                crowd.records,
                crowd.by,
                first.map_or("?", |row| row.id())
            );
            judgement.skip(*object, &why);
        }
        if same.crowds.len() > MOST_SHOWN {
            let more = same.crowds.len() - MOST_SHOWN;
            judgement.skip(*object, &format!("{more} more values that many records share"));
        }
    }
}

/// True when the record has what records are told apart by.
fn has_key(world: &World<'_>, domains: &[Field], row: Row<'_>, scratch: &mut String) -> bool {
    if row.object() == Object::Account {
        return account_domain(world, domains, row, scratch).is_some();
    }
    let fields = world.matches().person_fields(row.object());
    let converted = fields.converted.as_ref().and_then(|field| row.flag(field));
    let address = text(row, fields.email.as_ref());
    let lists = &world.policies.duplicates.lists;
    converted != Some(true)
        && address.is_some_and(|raw| normalise::address(raw, lists, scratch).is_some())
}

/// What the records have in common, in words.
fn common(object: Object) -> &'static str {
    if object == Object::Account { "the same domain" } else { "the same mail address" }
}

/// DUP-01 and DUP-04: a merge.
fn same(world: &World<'_>, case: &Case<'_>) -> Option<Finding> {
    let Call::Same = case.call else { return None };
    let first = case.main()?;
    let (keep, because) = survivor(world, &case.rows)?;
    let mut facts = shared_values(world, &case.rows).into_iter();
    let fact = facts.next()?;
    let headline = format!(
        "{} {} have {}",
        capital(first.object().plural()),
        listed(&case.rows),
        common(first.object())
    );
    let fold = others(&case.rows, keep);
    let proposal = Proposal::MergeCandidate { keep: keep.record(), fold, because };
    let mut finding = Finding::about(first.record(), headline, fact, proposal);
    finding = facts.fold(finding, Finding::because);
    for record in others(&case.rows, first) {
        finding = finding.with(record);
    }
    finding = finding.because(Evidence::Figure {
        of: "agreement of the names least alike".to_owned(),
        is: case.names.1.to_owned(),
    });
    for other in case.rows.iter().filter(|row| row.record() != keep.record()).take(MOST_SHOWN) {
        finding = disagreements(world, keep, *other).into_iter().fold(finding, Finding::because);
    }
    Some(doubt_same(world, case, finding))
}

/// Why two records with one address or domain may be two all the same.
fn doubt_same(world: &World<'_>, case: &Case<'_>, finding: Finding) -> Finding {
    let Some(first) = case.rows.first() else { return finding };
    let mut finding = finding;
    let is_account = first.object() == Object::Account;
    if shares_role_mailbox(world, &case.rows) {
        let line = world.policies.duplicates.role_mailboxes_line;
        finding = finding
            .because(Policy::quote(line, "role_mailboxes lists what stands before the @"))
            .unless("the address is a mailbox that several people may read")
            .escalate_only("the address is a mailbox that several people may read");
    }
    finding = match case.names.0 {
        Level::Different if is_account => finding.unless(
            "the names are different: a parent and its subsidiary, or two brands on one website",
        ),
        Level::Different => finding
            .unless("the names are different: a mailbox that two people share, such as a couple's")
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
    for edge in &case.edges {
        let differs = |kind: Kind| edge.level(kind) == Level::Different;
        if differs(Kind::Place) {
            let doubt = "their countries differ: units of one company may be kept apart on purpose";
            finding = once(finding, doubt);
        }
        if differs(Kind::Phone) {
            finding = once(finding, "their phone numbers differ");
        }
        if differs(Kind::Company) && !is_account {
            let doubt = "their companies differ: a change of job, or a consultant at two";
            finding = once(finding, doubt);
        }
    }
    if let Some(account) = allowed(&world.policies.boundary, first.object(), "account") {
        let named: std::collections::BTreeSet<_> =
            case.rows.iter().filter_map(|row| row.text(&account)).collect();
        if named.len() > 1 {
            finding = finding.unless(format!(
                "they stand at {} different accounts: a change of job, or a person with two roles",
                named.len()
            ));
        }
    }
    if finding.doubts.is_empty() { finding.unless(doubt_identical(world, case)) } else { finding }
}

/// What may speak for two records that nothing tells apart: somebody or something made the second.
fn doubt_identical(world: &World<'_>, case: &Case<'_>) -> String {
    let object = case.rows.first().map_or(Object::Contact, |row| row.object());
    let created = allowed(&world.policies.boundary, object, "created");
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
fn split(world: &World<'_>, case: &Case<'_>) -> Option<Finding> {
    let Call::Split { parts, bridges } = &case.call else { return None };
    let first = case.main()?;
    let batch = world.batch(first.object())?;
    let row = |at: u32| usize::try_from(at).ok().and_then(|at| batch.at(at));
    let (left, right) =
        bridges.first().and_then(|edge| Some((row(edge.left)?, row(edge.right)?)))?;
    let by = bridges.first().map(crate::matching::rule::Pair::words).unwrap_or_default();
    let sets: Vec<String> = parts.iter().map(|part| listed(part)).collect();
    let headline = format!(
        "{} {} hang together only by {} and {}, which share {by}",
        case.rows.len(),
        first.object().plural(),
        left.id(),
        right.id()
    );
    let question = format!(
        "Treat as {} separate sets ({}), unless {} and {} are one",
        parts.len(),
        sets.join("; "),
        left.id(),
        right.id()
    );
    let mut facts = shared_values(world, &case.rows).into_iter();
    let fact = facts.next()?;
    let mut finding =
        Finding::about(first.record(), headline, fact, Proposal::ReviewRecord { question });
    finding = facts.fold(finding, Finding::because);
    for record in others(&case.rows, first) {
        finding = finding.with(record);
    }
    for edge in &case.edges {
        let (Some(a), Some(b)) = (row(edge.left), row(edge.right)) else { continue };
        let mark = if bridges.contains(edge) { ": the bridge" } else { "" };
        finding = finding.because(Evidence::Figure {
            of: format!("link {} to {}{mark}", a.id(), b.id()),
            is: format!("{} ({}, {:.0} bits)", edge.words(), strength(edge.strength()), edge.bits),
        });
    }
    for edge in bridges {
        let (Some(a), Some(b)) = (row(edge.left), row(edge.right)) else { continue };
        finding = pair_cells(world, a, b, edge).into_iter().fold(finding, Finding::because);
    }
    for conflict in &case.conflicts {
        finding = conflict.facts.iter().cloned().fold(finding, Finding::because);
        finding = finding.escalate_only(conflict.words.clone());
    }
    if bridges.iter().any(|edge| edge.level(Kind::LastName) == Level::Same) {
        finding = finding.unless("the bridge is one name: a person may well have two addresses");
    }
    Some(finding.unless(format!(
        "{} and {} may be one after all: then the whole is one cluster of {}",
        left.id(),
        right.id(),
        case.rows.len()
    )))
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Strong => "strong",
        Strength::Weak => "weak",
    }
}

/// DUP-12: a second look.
fn against_merging(world: &World<'_>, case: &Case<'_>) -> Option<Finding> {
    let Call::Unsafe = case.call else { return None };
    let first = case.main()?;
    let words: Vec<&str> = case.conflicts.iter().map(|conflict| conflict.words.as_str()).collect();
    let words = words.join("; ");
    let headline = format!(
        "{} {} have {}, but {words}",
        capital(first.object().plural()),
        listed(&case.rows),
        common(first.object())
    );
    let question =
        format!("Settle first what stands against merging {}: {words}", listed(&case.rows));
    let mut facts = case.conflicts.iter().flat_map(|conflict| conflict.facts.iter().cloned());
    let fact = facts.next()?;
    let mut finding =
        Finding::about(first.record(), headline, fact, Proposal::ReviewRecord { question });
    finding = facts.fold(finding, Finding::because);
    finding = shared_values(world, &case.rows).into_iter().fold(finding, Finding::because);
    for record in others(&case.rows, first) {
        finding = finding.with(record);
    }
    for conflict in &case.conflicts {
        finding = finding.unless(conflict.doubt.clone());
    }
    if case.names.0 == Level::Different {
        finding = finding.unless("the names are different: they may be two after all");
    }
    Some(finding.escalate_only(words))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Adds a doubt that several links may give once.
fn once(finding: Finding, doubt: &str) -> Finding {
    if finding.doubts.iter().any(|said| said == doubt) { finding } else { finding.unless(doubt) }
}
