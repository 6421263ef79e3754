//! The checks of the chain: their words, and each fault explained with its evidence.
//!
//! Does not: decide whether a record has a fault; see `routed`.

use std::collections::BTreeSet;

use crate::boundary::{Cell, Field, Object, Row, Shown};
use crate::check::ladder::Flags;
use crate::check::people::Person;
use crate::check::settings::{days, label};
use crate::check::{About, CheckDef, Family, World};
use crate::finding::{
    Assignee, Evidence, Finding, Proposal, Reach, Severity, blank_field, unknown_field,
};

use super::accounts::{By, Home, NamedRow};
use super::coverage::{Band, Cover, Coverage, Segments, Territories};
use super::evidence::{
    accounts_words, by_hand, elsewhere, goes_words, handover, match_evidence, of_user, owner_words,
    rule_evidence, same_team, traced, with_account_cells, with_cells, with_coverage, with_dates,
};
use super::load_fault;
use super::roster::Holder;
use super::routed::{Case, Fault, Goes, Match, Routed};
use super::rules::Rule;
use super::values::Values;

/// RTE-01.
pub(in crate::check) const WRONG_OWNER: CheckDef = CheckDef {
    code: "RTE-01",
    name: "wrong-owner",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "Of the rules in force when an open record was routed, the first that takes it names \
        somebody else than its owner, and no override flag explains it.",
    consequence: "Somebody whom the rules did not mean works the record, or nobody does, and \
        quotas and reports by team count it in the wrong place.",
    load: |grant, policies| {
        let write = "write the rules as [[rule]] with `name`, `when` and `to`";
        load_fault(Fault::WrongOwner, write, grant, policies)
    },
};

/// RTE-02.
pub(in crate::check) const TERRITORY: CheckDef = CheckDef {
    code: "RTE-02",
    name: "territory",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The territory map places an open record outside every territory that the coverage \
        table gives its owner.",
    consequence: "The customer talks to somebody in another region or language, and two people \
        work one market.",
    load: |grant, policies| {
        let write = "name the tables in [coverage] and [territory]";
        load_fault(Fault::Territory, write, grant, policies)
    },
};

/// RTE-03.
pub(in crate::check) const SEGMENT: CheckDef = CheckDef {
    code: "RTE-03",
    name: "segment",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "The size band of an open record belongs to no segment that the coverage table gives \
        its owner.",
    consequence: "A large company gets the treatment of a small one, or costly time goes to the \
        wrong deals.",
    load: |grant, policies| {
        let write = "name the table in [coverage] and the bands in [segment]";
        load_fault(Fault::Segment, write, grant, policies)
    },
};

/// RTE-04.
pub(in crate::check) const FOLLOW_ACCOUNT_OWNER: CheckDef = CheckDef {
    code: "RTE-04",
    name: "follow-account-owner",
    family: Family::Routing,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "An open lead or contact belongs to one account, or to several of one owner, whose active \
        owner is somebody else, and the policy says that it follows the account's owner.",
    consequence: "Two people call one company without knowing of each other.",
    load: |grant, policies| {
        let write = "add the section [follow-account-owner]";
        load_fault(Fault::AccountOwner, write, grant, policies)
    },
};

/// RTE-05.
pub(in crate::check) const FELL_TO_CATCH_ALL: CheckDef = CheckDef {
    code: "RTE-05",
    name: "fell-to-catch-all",
    family: Family::Routing,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "An open record lies in the catch-all although a more specific rule takes it now, or \
        because nothing but a blank field kept a rule from taking it.",
    consequence: "A customer who should have been called waits among records that nobody wants.",
    load: |grant, policies| {
        let write = "write the rules as [[rule]], and name the `catch_all`";
        load_fault(Fault::CatchAll, write, grant, policies)
    },
};

/// RTE-06.
pub(in crate::check) const UNROUTABLE: CheckDef = CheckDef {
    code: "RTE-06",
    name: "unroutable",
    family: Family::Routing,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "No rule takes an open record, and there is no catch-all.",
    consequence: "Whoever owns it was chosen by hand or by accident; the next record like it \
        reaches nobody.",
    load: |grant, policies| {
        let write = "write the rules as [[rule]] with `name`, `when` and `to`";
        load_fault(Fault::Unroutable, write, grant, policies)
    },
};

/// RTE-10.
pub(in crate::check) const NAMED_ACCOUNTS: CheckDef = CheckDef {
    code: "RTE-10",
    name: "named-accounts",
    family: Family::Routing,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "An account on the list of named accounts, or an open record that belongs to one, is \
        owned by somebody else than the list says.",
    consequence: "A strategic customer is approached by somebody who does not know the plan for \
        the account.",
    load: |grant, policies| {
        let write = "name the table in [named-accounts]";
        load_fault(Fault::NamedAccount, write, grant, policies)
    },
};

/// The fault of a record, explained.
pub(super) fn finding<'a>(
    world: &World<'a>,
    routed: &Routed<'a>,
    fault: Fault,
    row: Row<'a>,
) -> Option<Finding> {
    let mut values = Values::default();
    let case = routed.case(world, row, &mut values)?;
    let owner = case.plan.owner.as_ref()?;
    let finding = match fault {
        Fault::NamedAccount => named_account(&case, owner)?,
        Fault::AccountOwner => account_owner(&case, owner)?,
        Fault::CatchAll => catch_all(&case, owner)?,
        Fault::Territory => territory(&case, owner)?,
        Fault::Segment => segment(&case, owner)?,
        Fault::WrongOwner => wrong_owner(&case, owner)?,
        Fault::Unroutable => unroutable(&case, owner),
    };
    let flags = Flags::of(&world.policies.boundary);
    let unsure = world.policies.ladders.unsure(row, &flags);
    let nobody = routed.roster.person(case.owner).is_none();
    let nobody =
        nobody.then(|| format!("{owner} names nobody that the users and queues are known by"));
    let created = case.plan.created.as_ref();
    let ahead = created.filter(|field| row.time(field).is_some_and(|at| world.as_of.is_ahead(at)));
    let ahead = ahead.map(|field| format!("{field} lies ahead of the review"));
    let heir = if let Proposal::SetOwner { to, .. } = &finding.proposal { Some(to) } else { None };
    let heir = heir.and_then(|to| routed.roster.person(routed.roster.who_has_id(&to.id)));
    let unsaid = heir.and_then(Person::unsaid);
    let lacks = unsure.into_iter().chain(nobody).chain(ahead).chain(unsaid);
    Some(lacks.fold(finding.of_field(owner), Finding::lacking))
}

fn wrong_owner(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let matched = case.matched?;
    let (rule, goes) = (matched.rule, matched.goes);
    let today = case.matched_today();
    let stands = today.is_some_and(|today| today.goes == goes);
    let headline = format!(
        "Rule `{}` {} this {} to {}, and {} has it",
        rule.name,
        if stands { "gives" } else { "gave" },
        case.row.object(),
        goes_words(case, goes),
        owner_words(case, owner),
    );
    let proposal = if stands {
        proposal(case, rule, goes, case.row.cell(owner))
    } else {
        ask_whose(case, matched, today)
    };
    let mut finding =
        Finding::about(case.row.record(), headline, Evidence::Cell(case.row.cell(owner)), proposal)
            .because(Evidence::Trace(traced(case)))
            .because(rule_evidence(rule));
    if let Some(today) = today.filter(|today| today.at != matched.at) {
        finding = finding.because(rule_evidence(today.rule));
    }
    let rival = case.rival();
    let waits = rival.iter().flat_map(|(_, fields)| fields);
    let known_by = today.iter().filter(|_| !stands).flat_map(|today| today.rule.fields());
    finding = with_cells(finding, case, rule.fields().chain(waits).chain(known_by));
    finding = with_dates(finding, case);
    if let Goes::One(target) = goes
        && let Some(trouble) = case.routed.roster.trouble(case.world, target)
    {
        finding =
            finding.because(Evidence::Figure { of: "the rule's target".to_owned(), is: trouble });
    }
    finding = finding.unless_any(handover(case).into_iter().chain(same_team(case, goes)));
    finding = with_rival(finding, case, rule, rival.as_ref());
    finding = with_presumed(finding, case, rule);
    if rule.since.is_none() {
        finding = finding.unless(match case.routed_on() {
            Some(day) => format!(
                "The rule does not say since when it is in force; this {} came to its owner by {day}",
                case.row.object()
            ),
            None => "Neither the rule nor the record has a date: the rule may be newer".to_owned(),
        });
    }
    if let Some(field) = case.plan.last_activity.as_ref().filter(|it| !case.row.is_blank(it)) {
        finding = finding.because(Evidence::Cell(case.row.cell(field)));
    }
    Some(finding.unless(by_hand(case)))
}

/// Notes the fields without which it is not known whether a rule takes the record, or to whom.
fn with_rival(
    mut finding: Finding,
    case: &Case<'_, '_>,
    rule: &Rule,
    rival: Option<&(&Rule, Vec<Field>)>,
) -> Finding {
    let Some((other, fields)) = rival else { return finding };
    let names: Vec<_> = fields.iter().map(label).collect();
    let names = names.join(" and ");
    // What was withheld is said where it is quoted.
    for field in fields.iter().filter(|field| case.row.is_blank(field)) {
        finding = finding.lacking(blank_field(field));
    }
    if std::ptr::eq(*other, rule) {
        let name = &rule.name;
        finding.unless(format!("Without {names}, `{name}` may give it to somebody else"))
    } else {
        finding.because(rule_evidence(other)).unless(format!(
            "Without {names} it is not known whether the earlier rule `{}` takes it",
            other.name
        ))
    }
}

/// Notes the fields of which the rule that takes the record says what they are not, and nothing else is known.
fn with_presumed(finding: Finding, case: &Case<'_, '_>, rule: &Rule) -> Finding {
    let fields: Vec<&Field> = rule.presumes(case.values).collect();
    if fields.is_empty() {
        return finding;
    }
    let names: Vec<_> = fields.iter().map(|field| label(field)).collect();
    let (names, rule) = (names.join(" and "), &rule.name);
    // What was withheld is said where it is quoted.
    let blank = fields.into_iter().filter(|field| case.row.is_blank(field));
    let finding = blank.map(blank_field).fold(finding, Finding::lacking);
    finding.unless(format!("With {names} known, `{rule}` may not take it"))
}

/// Asks whose a record is that the rules of its day and those of today do not give to the same.
fn ask_whose(case: &Case<'_, '_>, then: Match<'_>, today: Option<Match<'_>>) -> Proposal {
    let now = match today {
        Some(today) if today.goes != Goes::Unsure && today.goes.includes(case.owner) => {
            format!("today rule `{}` names its owner", today.rule.name)
        }
        Some(today) => {
            let whom = goes_words(case, today.goes);
            format!("today rule `{}` gives it to {whom}", today.rule.name)
        }
        None => "today no rule takes it".to_owned(),
    };
    let (rule, whom) = (&then.rule.name, goes_words(case, then.goes));
    let day = case.values.day().date();
    let question = format!("Whose is it now? On {day} rule `{rule}` gave it to {whom}; {now}");
    Proposal::ReviewRecord { question }
}

fn catch_all(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let object = case.row.object();
    let holder = owner_words(case, owner);
    let finding = if let Some(matched) = case.goes_elsewhere() {
        let (rule, goes) = (matched.rule, matched.goes);
        let headline = format!(
            "This {object} lies with {holder}, the catch-all, and rule `{}` now gives it to {}",
            rule.name,
            goes_words(case, goes),
        );
        let finding = Finding::about(
            case.row.record(),
            headline,
            Evidence::Cell(case.row.cell(owner)),
            proposal(case, rule, goes, case.row.cell(owner)),
        )
        .because(Evidence::Trace(traced(case)))
        .because(rule_evidence(rule));
        let rival = case.rival();
        let waits = rival.iter().flat_map(|(_, fields)| fields);
        let finding = with_cells(finding, case, rule.fields().chain(waits));
        let finding = with_rival(finding, case, rule, rival.as_ref());
        let finding = with_presumed(finding, case, rule);
        let newer = rule.since.filter(|since| case.routed_on().is_some_and(|day| day < *since));
        finding.unless(match newer {
            Some(since) => {
                format!("The rule is in force since {since} only, after this {object} came")
            }
            None => "A value may have been filled in after the routing: then the router was right \
                when it ran, and somebody in the catch-all may be about to pass it on"
                .to_owned(),
        })
    } else {
        let (rule, blank) = case.kept_by_blanks()?;
        let first = blank.first()?;
        let names: Vec<_> = blank.iter().map(label).collect();
        let names = names.join(" and ");
        let headline = format!(
            "This {object} fell to {holder}, the catch-all: rule `{}` needs {names}, which is blank",
            rule.name,
        );
        let before = case.row.cell(first);
        let ask = "whoever captured the record, or its enrichment".to_owned();
        let mut finding = Finding::about(
            case.row.record(),
            headline,
            Evidence::Cell(case.row.cell(owner)),
            Proposal::FillField { before, ask },
        )
        .because(Evidence::Trace(traced(case)))
        .because(rule_evidence(rule));
        finding = with_cells(finding, case, rule.fields());
        finding.unless(format!(
            "With {names} filled, the rule may still not take it: only then is it known where it \
             belongs"
        ))
    };
    Some(with_dates(finding, case))
}

fn unroutable(case: &Case<'_, '_>, owner: &Field) -> Finding {
    let object = case.row.object();
    let none = match case.plan.rules.len() {
        1 => "The only rule does not take".to_owned(),
        count => format!("None of the {count} rules takes"),
    };
    let blank = case.kept_by_blanks();
    let headline = format!(
        "{none} this {object}, and there is no catch-all; {} has it",
        owner_words(case, owner)
    );
    let question = match &blank {
        Some((rule, fields)) => format!(
            "Which rule should take a {object} without {}? `{}` would if it were filled",
            fields.iter().map(label).collect::<Vec<_>>().join(" and "),
            rule.name
        ),
        None => format!("Which rule should take a {object} like this, or is there a catch-all?"),
    };
    let mut finding = Finding::about(
        case.row.record(),
        headline,
        Evidence::Cell(case.row.cell(owner)),
        Proposal::ReviewRule { question },
    )
    .because(Evidence::Trace(traced(case)));
    let mut fields: Vec<&Field> = Vec::new();
    for field in case.plan.rules.iter().flat_map(Rule::fields) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    finding = with_cells(finding, case, fields.into_iter());
    finding.unless(match blank {
        Some((rule, fields)) => format!(
            "{} is blank: the value may be at fault rather than the rules, and `{}` may take it then",
            fields.iter().map(label).collect::<Vec<_>>().join(" and "),
            rule.name
        ),
        None => "Records like this may be meant to be given out by hand: then a catch-all should \
            say so"
            .to_owned(),
    })
}

fn territory(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let territories = case.plan.territories.as_ref()?;
    let coverage = case.routed.policy.coverage.as_ref()?;
    let covered = case.routed.covers(case.owner)?;
    let object = case.row.object();
    let placed = territories.place(case.values);
    let mut names: Vec<&str> = Vec::new();
    for row in placed.at.iter().chain(&placed.maybe) {
        if !names.contains(&row.says.as_str()) {
            names.push(&row.says);
        }
    }
    let theirs: Vec<&str> = covered
        .rows
        .iter()
        .map(|row| &*row.territories_said)
        .filter(|said| !said.is_empty())
        .collect();
    let headline = format!(
        "{} covers {}, and this {object} lies in {}",
        owner_words(case, owner),
        theirs.join(" and "),
        names.join(" or "),
    );
    let certain = placed.at.filter(|_| placed.maybe.is_empty());
    let segments = case.plan.segments.as_ref();
    let band = segments.map_or(Side::UNUSED, |segments| band_of(case, segments));
    let candidates = certain.map_or_else(Coverers::default, |row| {
        coverers(case, coverage, &Side::known(&row.folded), &band)
    });
    let mut finding = Finding::about(
        case.row.record(),
        headline,
        Evidence::Cell(case.row.cell(owner)),
        candidates.proposal(case, owner, &format!("covers {}", names.join(" or "))),
    );
    let size = segments.filter(|_| candidates.compares(|row| &row.segments));
    let sizes = size.into_iter().flat_map(|it| it.second.iter().chain([&it.field]));
    finding = with_cells(finding, case, territories.map.fields().chain(sizes));
    finding = candidates.lacking(finding, &band);
    for row in placed.at.iter().chain(placed.maybe.iter().take(3)) {
        finding = finding.because(Evidence::Policy {
            file: territories.map.file.clone(),
            line: row.line,
            says: format!("{} → {}", row.words(), row.says),
        });
    }
    finding = with_coverage(finding, case, coverage, &candidates.rows);
    for field in &placed.blank {
        finding = finding.lacking(blank_field(field));
    }
    let fields: Vec<&Field> = territories.map.fields().collect();
    finding = finding.unless(elsewhere(case, &fields).unwrap_or_else(|| {
        let names: Vec<_> = fields.iter().map(|field| label(field)).collect();
        format!(
            "{} may say where the person or a head office sits, not where the company buys; no \
             account is known to compare it with",
            names.join(" and ")
        )
    }));
    let alone = candidates.alone().map(Goes::One);
    let mates = alone.and_then(|goes| same_team(case, goes));
    Some(finding.unless_any(handover(case).into_iter().chain(mates)))
}

fn segment(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let segments = case.plan.segments.as_ref()?;
    let coverage = case.routed.policy.coverage.as_ref()?;
    let covered = case.routed.covers(case.owner)?;
    let object = case.row.object();
    let first = segments.band(case.row, &segments.field);
    let second_field = segments.second.as_ref();
    let second = second_field.and_then(|field| segments.band(case.row, field));
    let band = first.or(second)?;
    let theirs: Vec<&str> = covered
        .rows
        .iter()
        .map(|row| &*row.segments_said)
        .filter(|said| !said.is_empty())
        .collect();
    let headline = format!(
        "{} covers {}, and this {object} is in {}",
        owner_words(case, owner),
        theirs.join(" and "),
        band.name,
    );
    let disagreeing = match (first, second) {
        (Some(a), Some(b)) if a.folded != b.folded => Some((a, b)),
        _ => None,
    };
    let territories = case.plan.territories.as_ref();
    let territory = territories.map_or(Side::UNUSED, |territories| place_of(case, territories));
    let candidates = coverers(case, coverage, &territory, &Side::known(&band.folded));
    let proposal = if disagreeing.is_some() {
        Proposal::ReviewRecord {
            question: format!(
                "Which figure is right? The two sources put this {object} into different segments"
            ),
        }
    } else {
        candidates.proposal(case, owner, &format!("covers {}", band.name))
    };
    let mut finding =
        Finding::about(case.row.record(), headline, Evidence::Cell(case.row.cell(owner)), proposal);
    let left = case.row.cell(&segments.field);
    finding = match second_field.map(|field| case.row.cell(field)) {
        Some(right) => {
            finding.because(Evidence::Compared { left, right, level: bands_words(first, second) })
        }
        None => finding.because(Evidence::Cell(left)),
    };
    finding = finding.because(Evidence::Policy {
        file: segments.file.clone(),
        line: band.line,
        says: band.words(&segments.field),
    });
    if let Some(territories) = territories.filter(|_| candidates.compares(|row| &row.territories)) {
        let compared = |field: &&Field| {
            **field != segments.field && second_field.is_none_or(|second| *field != second)
        };
        finding = with_cells(finding, case, territories.map.fields().filter(compared));
    }
    finding = candidates.lacking(finding, &territory);
    finding = with_coverage(finding, case, coverage, &candidates.rows);
    if first.is_none() {
        finding = finding.lacking(blank_field(&segments.field));
    }
    if let Some((a, b)) = disagreeing {
        finding = finding.unless(format!(
            "The sources disagree: {} by {}, {} by {}",
            a.name,
            label(&segments.field),
            b.name,
            second_field.map_or_else(String::new, label),
        ));
    }
    finding = finding.unless(elsewhere(case, &[&segments.field]).unwrap_or_else(|| {
        format!(
            "{} may count the whole group or a single subsidiary, and nothing says when it was \
             last brought up to date",
            label(&segments.field)
        )
    }));
    Some(finding.unless_any(handover(case)))
}

fn bands_words(first: Option<&Band>, second: Option<&Band>) -> String {
    let name = |band: Option<&Band>| band.map_or("no segment".to_owned(), |band| band.name.clone());
    let (first, second) = (name(first), name(second));
    if first == second { format!("both are {first}") } else { format!("{first} against {second}") }
}

fn account_owner(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let follow = case.routed.policy.follow.as_ref()?;
    let home = case.home();
    let accounts = home.known();
    let (first, others) = accounts.split_first()?;
    let target = case.routed.account_owner(case.world, *first)?;
    let boundary = &case.world.policies.boundary;
    let theirs = boundary.allowed(Object::Account, "owner")?;
    let object = case.row.object();
    let name = case.routed.roster.name(target).to_owned();
    let headline = format!(
        "This {object} belongs to {}, which {name} owns, and {} has the {object}",
        accounts_words(case, &accounts),
        owner_words(case, owner),
    );
    let goes = Goes::One(target);
    let compared = |account: &Row<'_>| Evidence::Compared {
        left: case.row.cell(owner),
        right: account.cell(&theirs),
        level: "different owners".to_owned(),
    };
    let mut finding = Finding::about(
        case.row.record(),
        headline,
        compared(first),
        give_to_one(case, owner, &[target], "owns the account"),
    );
    finding = others.iter().map(compared).fold(finding, Finding::because);
    finding = finding.because(match_evidence(case, home)).because(Evidence::Policy {
        file: follow.file.clone(),
        line: follow.line,
        says: "leads and contacts follow the owner of their account".to_owned(),
    });
    // With a type it may be one that nobody follows, or that nobody is linked to by a domain.
    let asks = matches!(home, Home::Matched(_)) || !follow.except_types.is_empty();
    let kind = boundary.allowed(Object::Account, "type").filter(|_| asks);
    for account in &accounts {
        finding = with_account_cells(finding.with(account.record()), case, *account);
        let unknown = kind.as_ref().and_then(|field| unknown_field(*account, field));
        finding = unknown.into_iter().fold(finding, Finding::lacking);
    }
    finding = with_dates(finding, case);
    let role = |holder: Holder| case.routed.roster.person(holder).and_then(|person| person.role);
    finding = finding.unless(match (role(case.owner), role(target)) {
        (Some(mine), Some(theirs)) if mine != theirs => {
            let shown = |holder| of_user(case, holder, "role").unwrap_or(Shown::Never);
            format!(
                "The owner's role is {} and the account owner's is {}: they may share the work; \
                 `first_touch_roles` would say so",
                shown(case.owner),
                shown(target)
            )
        }
        _ if matches!(home, Home::Matched(_)) => format!(
            "Only the domain ties this {object} to the account: a partner, a consultant or another \
             unit may write from it"
        ),
        _ if others.is_empty() => format!(
            "The link to the account may be older than its present owner, {name}, and the {object} \
             may have stayed where it was on purpose"
        ),
        _ => format!(
            "The links to the accounts may be older than their present owner, {name}, and the \
             {object} may have stayed where it was on purpose"
        ),
    });
    Some(finding.unless_any(handover(case).into_iter().chain(same_team(case, goes))))
}

fn named_account(case: &Case<'_, '_>, owner: &Field) -> Option<Finding> {
    let list = case.routed.policy.named.as_ref()?;
    let home = case.home();
    let accounts = home.known();
    let mut lines: Vec<(usize, By)> =
        accounts.iter().filter_map(|account| case.routed.named(*account)).collect();
    lines.dedup_by_key(|(at, _)| *at);
    let (at, how) = *lines.first()?;
    let entry = list.rows.get(at)?;
    let target = case.routed.roster.who(&entry.owner);
    let roster = &case.routed.roster;
    let object = case.row.object();
    let since =
        |entry: &NamedRow| entry.since.map_or_else(String::new, |day| format!(" since {day}"));
    let subject = match (object, accounts.as_slice()) {
        (Object::Account, _) => "This account is".to_owned(),
        (_, [_]) => {
            format!("This {object} belongs to {}, which is", accounts_words(case, &accounts))
        }
        _ => format!("This {object} belongs to {}, which are", accounts_words(case, &accounts)),
    };
    // Where several lines say it, each has its own day.
    let day = if lines.len() == 1 { since(entry) } else { String::new() };
    let headline = format!(
        "{subject} named for {}{day}, and {} has it",
        roster.name(target),
        owner_words(case, owner),
    );
    let rivals = entry.rivals.iter().filter_map(|at| Some((*at, list.rows.get(*at)?)));
    let rivals: Vec<(usize, &NamedRow)> =
        rivals.filter(|(_, row)| roster.who(&row.owner) != target).collect();
    let proposal = match roster.trouble(case.world, target) {
        _ if !rivals.is_empty() => {
            let names = [entry].into_iter().chain(rivals.iter().map(|(_, row)| *row));
            let names: Vec<_> =
                names.map(|row| format!("{} on line {}", row.owner, row.line)).collect();
            let question = format!("Whose is it? {} names {}", list.file, names.join(" and "));
            Proposal::ReviewRule { question }
        }
        Some(trouble) => Proposal::ReviewRule {
            question: format!("Whose is it now? The list names {}, but {trouble}", entry.owner),
        },
        None => give_to_one(case, owner, &[target], "is named by the list"),
    };
    let mut finding =
        Finding::about(case.row.record(), headline, Evidence::Cell(case.row.cell(owner)), proposal)
            .reaching(Reach::NamedAccount);
    for (at, how) in &lines {
        finding = finding.because(list.quoted(*at, *how)?);
    }
    for (at, row) in rivals {
        finding = finding.because(list.quoted(at, how)?).lacking(format!(
            "{}:{} names {} for the account too, and nothing says which line holds",
            list.file, row.line, row.owner
        ));
    }
    if object != Object::Account {
        finding = finding.because(match_evidence(case, home));
    }
    let theirs = case.world.policies.boundary.allowed(Object::Account, "owner");
    let theirs = theirs.filter(|_| object != Object::Account);
    for account in &accounts {
        finding = finding.with(account.record());
        if let Some(theirs) = theirs.as_ref().filter(|field| !account.is_blank(field)) {
            finding = finding.because(Evidence::Cell(account.cell(theirs)));
        }
        finding = with_account_cells(finding, case, *account);
    }
    finding = with_dates(finding, case);
    let got = case.plan.assigned_on(case.row, case.world.as_of);
    finding = finding.unless(match (got, entry.since) {
        (Some(got), Some(since)) if got > since => format!(
            "The owner got it on {got}, after the list's {since}: the list may be out of date"
        ),
        (_, Some(since)) => format!(
            "The list's line is from {since}, {} ago: it may be out of date",
            days((case.world.as_of.day - since).num_days())
        ),
        (_, None) => "The list's line has no date: it may be out of date".to_owned(),
    });
    if how == By::Name {
        finding = finding.unless(
            "The list names the account by its name alone: another company \
            may have the same",
        );
    }
    Some(finding)
}

/// Where a record stands on one side of the coverage table: in its territories, or in its segments.
struct Side<'r> {
    /// The territory or the segment, folded, where it is known.
    is: Option<&'r str>,
    /// What is lacking to know it.
    lacks: Vec<String>,
}

impl<'r> Side<'r> {
    /// No rule says how records stand there.
    const UNUSED: Self = Self { is: None, lacks: Vec::new() };

    fn known(is: &'r str) -> Self {
        Self { is: Some(is), lacks: Vec::new() }
    }

    /// True where what a row covers holds the record; `None` where that is not known.
    fn is_in(&self, covered: &BTreeSet<String>) -> Option<bool> {
        if covered.is_empty() { Some(true) } else { self.is.map(|is| covered.contains(is)) }
    }
}

/// The segment of a record; of two sources that disagree neither is believed.
fn band_of<'r>(case: &Case<'r, '_>, segments: &'r Segments) -> Side<'r> {
    let field = &segments.field;
    let first = segments.band(case.row, field);
    let second = segments.second.as_ref().and_then(|second| segments.band(case.row, second));
    match (first, second) {
        (Some(first), Some(second)) if first.folded != second.folded => {
            let lacks = vec!["two sources put it into different segments".to_owned()];
            Side { is: None, lacks }
        }
        (Some(first), _) => Side::known(&first.folded),
        (None, _) if case.row.is_withheld(field) => {
            Side { is: None, lacks: vec![format!("{field} was withheld")] }
        }
        (None, _) if case.row.is_blank(field) => Side { is: None, lacks: vec![blank_field(field)] },
        (None, _) => Side { is: None, lacks: vec![format!("{field} is in no segment")] },
    }
}

/// The territory of a record, where no blank field could put it into another.
fn place_of<'r>(case: &Case<'r, '_>, territories: &'r Territories) -> Side<'r> {
    let placed = territories.place(case.values);
    match placed.at {
        Some(row) if placed.maybe.is_empty() => Side::known(&row.folded),
        None if placed.blank.is_empty() => {
            let lacks = vec!["the territory map has no row for it".to_owned()];
            Side { is: None, lacks }
        }
        _ => Side { is: None, lacks: placed.blank.iter().map(blank_field).collect() },
    }
}

/// Who may take a record by the coverage table, without its present owner.
#[derive(Default)]
struct Coverers<'c> {
    /// Each once, in the table's order.
    holders: Vec<Holder>,
    /// The rows that name them.
    rows: Vec<&'c Cover>,
    /// Some of these rows cover the record only if it stands where that is not known.
    unsure: bool,
}

fn coverers<'c>(
    case: &Case<'_, '_>,
    coverage: &'c Coverage,
    territory: &Side<'_>,
    segment: &Side<'_>,
) -> Coverers<'c> {
    let roster = &case.routed.roster;
    let mut found = Coverers::default();
    for row in &coverage.rows {
        let holder = roster.who(&row.owner);
        let fits = [territory.is_in(&row.territories), segment.is_in(&row.segments)];
        if fits.contains(&Some(false)) || !roster.can_work(holder) || holder == case.owner {
            continue;
        }
        found.unsure |= fits.contains(&None);
        found.rows.push(row);
        if !found.holders.contains(&holder) {
            found.holders.push(holder);
        }
    }
    // Where the rules of today name one of them, that is the one; not where it hangs on a field that is unknown.
    if let Some(named) = case.surely_named_today()
        && found.holders.contains(&named)
    {
        found.holders = vec![named];
        found.rows.retain(|row| roster.who(&row.owner) == named);
        found.unsure = false;
    }
    found
}

impl Coverers<'_> {
    /// The only one, where that is known.
    fn alone(&self) -> Option<Holder> {
        if let ([one], false) = (self.holders.as_slice(), self.unsure) { Some(*one) } else { None }
    }

    /// Gives the record to the only one, or asks.
    fn proposal(&self, case: &Case<'_, '_>, owner: &Field, what: &str) -> Proposal {
        if !self.unsure {
            return give_to_one(case, owner, &self.holders, what);
        }
        let roster = &case.routed.roster;
        let names: Vec<_> = self.holders.iter().map(|one| roster.name(*one)).collect();
        let question = format!("Who takes it? Perhaps one who {what}: {}", names.join(", "));
        Proposal::ReviewRecord { question }
    }

    /// True where their rows compare one side of the table.
    fn compares(&self, side: fn(&Cover) -> &BTreeSet<String>) -> bool {
        self.rows.iter().any(|row| !side(row).is_empty())
    }

    /// Notes what is lacking to know which of them covers the record.
    fn lacking(&self, finding: Finding, side: &Side<'_>) -> Finding {
        let lacks = side.lacks.iter().filter(|_| self.unsure);
        lacks.cloned().fold(finding, Finding::lacking)
    }
}

/// Gives the record to the only candidate, or asks which of them takes it.
fn give_to_one(case: &Case<'_, '_>, owner: &Field, among: &[Holder], what: &str) -> Proposal {
    let roster = &case.routed.roster;
    match among {
        [one] => match roster.assignee(*one) {
            Some(to) => give(case, to, case.row.cell(owner)),
            None => Proposal::ReviewRecord { question: format!("Who {what} now?") },
        },
        [] => Proposal::ReviewRecord { question: format!("Who {what}? No table names anybody") },
        several => {
            let names: Vec<_> = several.iter().map(|one| roster.name(*one)).collect();
            Proposal::ReviewRecord {
                question: format!("Who takes it? Each of these {what}: {}", names.join(", ")),
            }
        }
    }
}

/// What a rule's target makes of a record; a target who cannot take it is the rule's fault.
fn proposal(case: &Case<'_, '_>, rule: &Rule, goes: Goes<'_>, before: Cell) -> Proposal {
    match whom(case, rule, goes) {
        Ok(to) => give(case, to, before),
        Err(question) => *question,
    }
}

/// The only one to whom a rule gives a record, or what there is to ask.
pub(super) fn whom(
    case: &Case<'_, '_>,
    rule: &Rule,
    goes: Goes<'_>,
) -> Result<Assignee, Box<Proposal>> {
    let roster = &case.routed.roster;
    let ask = |question: String| Box::new(Proposal::ReviewRecord { question });
    let dead = |why: String| {
        let (name, place) = (&rule.name, rule.place());
        let question = format!("Whom should rule `{name}` ({place}) name? {why}");
        Box::new(Proposal::ReviewRule { question })
    };
    let holder = match goes {
        Goes::One(holder) => holder,
        Goes::Any(pool) => {
            let working: Vec<Holder> =
                pool.iter().copied().filter(|one| roster.can_work(*one)).collect();
            match working.as_slice() {
                [] => return Err(dead("nobody of its pool can work records".to_owned())),
                [one] => *one,
                several => {
                    let names: Vec<_> = several.iter().map(|one| roster.name(*one)).collect();
                    let names = names.join(", ");
                    return Err(ask(format!("Whose turn is it in the pool: {names}?")));
                }
            }
        }
        Goes::Unsure => {
            return Err(ask("Which of its accounts' owners takes it?".to_owned()));
        }
    };
    if let Some(trouble) = roster.trouble(case.world, holder) {
        return Err(dead(trouble));
    }
    roster.assignee(holder).ok_or_else(|| dead("its target cannot work records".to_owned()))
}

/// Gives the record to a person or back to a queue, unless the rules would then want it elsewhere.
fn give(case: &Case<'_, '_>, to: Assignee, before: Cell) -> Proposal {
    let roster = &case.routed.roster;
    let holder = roster.who_has_id(&to.id);
    let person = roster.person(holder);
    if let Some(why) = person.and_then(|it| case.routed.objection(case.world, case.row, it)) {
        return Proposal::ReviewRecord {
            question: format!("Who takes it? With {} it would be a fault: {why}", to.name),
        };
    }
    if roster.is_queue(holder) {
        Proposal::ReturnToQueue { before, queue: Some(to) }
    } else {
        Proposal::SetOwner { before, to }
    }
}
