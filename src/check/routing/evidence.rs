//! What a fault is explained with: names, cells, rules that were tried, and reasons to doubt it.
//!
//! Does not: make a finding; see `faults`.

use std::cell::OnceCell;

use crate::boundary::{Field, Object, Row, Shown};
use crate::check::condition::Condition;
use crate::check::settings::{days, label};
use crate::finding::{Evidence, Finding, Tried};

use super::accounts::Home;
use super::coverage::{Cover, Coverage};
use super::roster::Holder;
use super::routed::{Case, Fault, Goes, Match, Routed};
use super::rules::{Rule, Target};
use super::values::{Day, Values};
use super::{Plan, day_of};

pub(super) fn goes_words(case: &Case<'_, '_>, goes: Goes<'_>) -> String {
    let roster = &case.routed.roster;
    match goes {
        Goes::One(holder) => roster.name(holder).to_owned(),
        Goes::Any(pool) => {
            let names: Vec<_> = pool.iter().map(|one| roster.name(*one)).collect();
            format!("one of {}", names.join(", "))
        }
        Goes::Unsure => "the owner of one of its accounts".to_owned(),
    }
}

/// The owner's name where the tables know it, else the record's value as it may be shown.
pub(super) fn owner_words(case: &Case<'_, '_>, owner: &Field) -> String {
    let roster = &case.routed.roster;
    match roster.person(case.owner).filter(|person| person.row.is_some()) {
        Some(_) => roster.name(case.owner).to_owned(),
        None => case.row.cell(owner).shown().to_string(),
    }
}

pub(super) fn rule_evidence(rule: &Rule) -> Evidence {
    Evidence::Policy { file: rule.file.clone(), line: rule.line, says: rule.words() }
}

pub(super) fn with_cells<'f>(
    mut finding: Finding,
    case: &Case<'_, '_>,
    fields: impl Iterator<Item = &'f Field>,
) -> Finding {
    let mut seen: Vec<&Field> = Vec::new();
    for field in fields {
        if !seen.contains(&field) {
            seen.push(field);
            finding = finding.because(Evidence::Cell(case.row.cell(field)));
            if case.row.is_withheld(field) {
                finding = finding.lacking(format!("{field} was withheld"));
            }
        }
    }
    finding
}

pub(super) fn with_dates(mut finding: Finding, case: &Case<'_, '_>) -> Finding {
    for field in [&case.plan.created, &case.plan.assigned].into_iter().flatten() {
        if !case.row.is_blank(field) {
            finding = finding.because(Evidence::Cell(case.row.cell(field)));
        }
    }
    finding
}

/// So many rows of those who may take a record are quoted.
const CANDIDATES: usize = 5;

/// Adds what the owner covers, and those who may take the record.
pub(super) fn with_coverage(
    mut finding: Finding,
    case: &Case<'_, '_>,
    coverage: &Coverage,
    candidates: &[&Cover],
) -> Finding {
    let own = case.routed.covers(case.owner).into_iter().flat_map(|covered| &covered.rows);
    for row in own.chain(candidates.iter().take(CANDIDATES)) {
        let any = |said: &str| if said.is_empty() { "any".to_owned() } else { said.to_owned() };
        finding = finding.because(Evidence::Policy {
            file: coverage.file.clone(),
            line: row.line,
            says: format!(
                "{} covers territory {}; segment {}",
                row.owner,
                any(&row.territories_said),
                any(&row.segments_said)
            ),
        });
    }
    finding
}

/// That the record may have been handed over after its routing.
pub(super) fn handover(case: &Case<'_, '_>) -> Option<String> {
    let created = day_of(case.row, case.plan.created.as_ref(), case.world.as_of)?;
    let age = (case.world.as_of.day - created).num_days();
    match case.plan.assigned_on(case.row, case.world.as_of) {
        Some(assigned) if (assigned - created).num_days() > 0 => Some(format!(
            "The owner got it on {assigned}, {} after it was created: a handover may have been \
             agreed",
            days((assigned - created).num_days())
        )),
        None if age >= case.routed.policy.handover_days => Some(format!(
            "It was created {} ago and no date says when its owner got it: it may have been \
             handed over since",
            days(age)
        )),
        Some(_) | None => None,
    }
}

/// That owner and target are in one team.
pub(super) fn same_team(case: &Case<'_, '_>, goes: Goes<'_>) -> Option<String> {
    let roster = &case.routed.roster;
    let mine = roster.person(case.owner)?;
    let pool: &[Holder] = match &goes {
        Goes::One(holder) => std::slice::from_ref(holder),
        Goes::Any(pool) => pool,
        Goes::Unsure => &[],
    };
    let is_mate = |one: &&Holder| roster.person(**one).is_some_and(|it| it.team == mine.team);
    let mate = pool.iter().filter(|_| mine.team.is_some()).find(is_mate)?;
    let team = of_user(case, case.owner, "team")?;
    let (owner, mate) = (roster.name(case.owner), roster.name(*mate));
    Some(format!("{owner} and {mate} are both in team {team}: they may have swapped it"))
}

/// What the rules say against an owner whom they find at fault with a record.
pub(super) fn objection(case: &Case<'_, '_>, fault: Fault) -> String {
    let (roster, home) = (&case.routed.roster, case.home());
    let name = |holder: Option<Holder>| holder.map_or("somebody else", |one| roster.name(one));
    let owner = name(Some(case.owner));
    match fault {
        Fault::NamedAccount => {
            let rows = case.routed.policy.named.iter().flat_map(|list| &list.rows);
            let at = home.known().into_iter().find_map(|account| case.routed.named(account));
            let row = at.and_then(|(at, _)| rows.into_iter().nth(at));
            let whose = row.map(|row| roster.who(&row.owner));
            format!("the list of named accounts names {}", name(whose))
        }
        Fault::AccountOwner => {
            let accounts = home.known();
            let whose = accounts.iter().find_map(|it| case.routed.account_owner(case.world, *it));
            format!("{} belongs to {}", accounts_words(case, &accounts), name(whose))
        }
        Fault::Territory => format!("{owner} covers another territory"),
        Fault::Segment => format!("{owner} covers another segment"),
        Fault::CatchAll | Fault::WrongOwner | Fault::Unroutable => match case.matched {
            Some(matched) if !matched.goes.includes(case.owner) => {
                let whom = goes_words(case, matched.goes);
                format!("rule `{}` gives it to {whom}", matched.rule.name)
            }
            Some(_) | None => case.kept_by_blanks().map_or_else(
                || "the rules give it to somebody else".to_owned(),
                |(rule, blank)| {
                    let names: Vec<_> = blank.iter().map(label).collect();
                    format!("rule `{}` needs {}, which is blank", rule.name, names.join(" and "))
                },
            ),
        },
    }
}

/// What may be shown of a field of a user.
pub(super) fn of_user(case: &Case<'_, '_>, holder: Holder, name: &str) -> Option<Shown> {
    let row = case.routed.roster.person(holder)?.row.filter(|it| it.object() == Object::User)?;
    let field = case.world.policies.boundary.allowed(Object::User, name)?;
    Some(row.cell(&field).shown().clone())
}

/// That somebody may have routed it by hand, and what is known of that.
pub(super) fn by_hand(case: &Case<'_, '_>) -> String {
    let activity = case.plan.last_activity.as_ref().and_then(|field| case.row.time(field));
    let activity = activity
        .map(|at| case.world.as_of.days_since(at))
        .filter(|ago| *ago >= 0)
        .map(|ago| format!("; its last activity was {} ago", days(ago)))
        .unwrap_or_default();
    match &case.plan.by_hand {
        Some(field) => format!(
            "Somebody may have given it to {} on purpose without setting {}{activity}",
            if case.routed.roster.person(case.owner).is_some() {
                case.routed.roster.name(case.owner)
            } else {
                "its owner"
            },
            label(field)
        ),
        None => format!(
            "No field says whether somebody routed it by hand: `override` is not in \
             rules/boundary.toml{activity}"
        ),
    }
}

/// That the account says something else than the record in one of these fields.
pub(super) fn elsewhere(case: &Case<'_, '_>, fields: &[&Field]) -> Option<String> {
    if case.row.object() == Object::Account {
        return None;
    }
    let boundary = &case.world.policies.boundary;
    let accounts = case.home().known();
    let pairs = fields.iter().flat_map(|field| accounts.iter().map(move |it| (*field, *it)));
    pairs.into_iter().find_map(|(field, account)| {
        let theirs = boundary.field(Object::Account, field.name()).ok()?;
        let (mine, other) = (case.row.written(field)?, account.written(&theirs)?);
        (!mine.trim().eq_ignore_ascii_case(other.trim())).then(|| {
            format!(
                "The {} is {} here and {} on account {}: one may be a branch or a subsidiary",
                label(field),
                case.row.cell(field).shown(),
                account.cell(&theirs).shown(),
                case.world.called(account)
            )
        })
    })
}

pub(super) fn traced(case: &Case<'_, '_>) -> Vec<Tried> {
    trace(case.routed, case.plan, case.row, case.values, case.matched, case.home_cell())
}

/// So many rules are told one by one, up to the one that took the record; those before them are told
/// together, by what kept them from taking it.
const ONE_BY_ONE: usize = 24;

/// Every rule that was tried, up to the one that took the record.
pub(super) fn trace<'a>(
    routed: &Routed<'a>,
    plan: &Plan,
    row: Row<'a>,
    values: &Values,
    matched: Option<Match<'_>>,
    home: &OnceCell<Home<'a>>,
) -> Vec<Tried> {
    let end = matched.map_or(plan.rules.len(), |matched| matched.at + 1);
    let rules = plan.rules.get(..end).unwrap_or_default();
    let (far, near) = match rules.len().saturating_sub(ONE_BY_ONE) {
        0 | 1 => (&[][..], rules),
        far => rules.split_at(far),
    };
    let mut tried: Vec<Tried> = passed_over(far, row, values, home).into_iter().collect();
    for (at, rule) in near.iter().enumerate() {
        let taking = matched.filter(|matched| matched.at == far.len() + at);
        let because = match taking {
            Some(taking) => taken_words(routed, rule, row, taking),
            None => match keeping(rule, row, values, home) {
                Keeping::Condition(condition) => condition.against(row),
                Keeping::Else(because) => because,
            },
        };
        let (rule, place) = (rule.name.clone(), rule.place());
        tried.push(Tried { rule, place, rules: 1, matched: taking.is_some(), because });
    }
    if matched.is_none()
        && let Some(said) = &routed.policy.catch_all
    {
        tried.push(Tried {
            rule: "catch-all".to_owned(),
            place: format!("rules/routing.toml:{}", said.line),
            rules: 1,
            matched: true,
            because: format!("no rule takes it: {}", said.value),
        });
    }
    tried
}

/// What kept a rule from taking a record.
enum Keeping<'r> {
    Condition(&'r Condition),
    /// Something else, in words.
    Else(String),
}

fn keeping<'r>(
    rule: &'r Rule,
    row: Row<'_>,
    values: &Values,
    home: &OnceCell<Home<'_>>,
) -> Keeping<'r> {
    let because = match (rule.failing(values), &rule.target) {
        _ if !rule.is_in_force(values) => match values.day() {
            Day::Routed(day) => {
                format!("it was not in force on {day}, when the {} was routed", row.object())
            }
            Day::Review(day) => format!("it is not in force on {day}, the day of the review"),
        },
        (Some(condition), _) => return Keeping::Condition(condition),
        (None, Target::Table(table)) => match table.kept_by_blanks(values, None).next() {
            Some((_, blank)) => {
                let names: Vec<_> = blank.iter().map(ToString::to_string).collect();
                format!("no row of {} fits without {}", table.file, names.join(" and "))
            }
            None => format!("no row of {} fits", table.file),
        },
        (None, _) => match home.get() {
            Some(home @ (Home::Several | Home::Unknown)) => home.how().to_owned(),
            Some(Home::Listed(..)) => {
                "none of its accounts has an owner who can take it".to_owned()
            }
            Some(Home::Linked(_) | Home::Primary(_) | Home::Matched(_)) | None => {
                "the account has no owner who can take it".to_owned()
            }
        },
    };
    Keeping::Else(because)
}

/// Rules that passed a record over, as one: how many of them each field kept from taking it.
fn passed_over(
    rules: &[Rule],
    row: Row<'_>,
    values: &Values,
    home: &OnceCell<Home<'_>>,
) -> Option<Tried> {
    let (first, last) = (rules.first()?, rules.last()?);
    let mut by_field: Vec<(&Field, usize)> = Vec::new();
    let mut otherwise: Vec<(String, usize)> = Vec::new();
    for rule in rules {
        match keeping(rule, row, values, home) {
            Keeping::Condition(condition) => count(&mut by_field, &condition.field),
            Keeping::Else(because) => count(&mut otherwise, because),
        }
    }
    let by_field = by_field.iter().map(|(field, rules)| {
        let asks = if *rules == 1 { "asks" } else { "ask" };
        let has = row.cell(field);
        format!("{rules} {asks} something else of {}: the record has {}", field.name(), has.shown())
    });
    let otherwise = otherwise.iter().map(|(because, rules)| format!("{rules}: {because}"));
    let because: Vec<String> = by_field.chain(otherwise).collect();
    Some(Tried {
        rule: format!("{} to {}", first.name, last.name),
        place: format!("{} to {}", first.place(), last.place()),
        rules: rules.len(),
        matched: false,
        because: because.join("; "),
    })
}

fn count<T: PartialEq>(counts: &mut Vec<(T, usize)>, of: T) {
    match counts.iter_mut().find(|(known, _)| *known == of) {
        Some((_, count)) => *count += 1,
        None => counts.push((of, 1)),
    }
}

fn taken_words(routed: &Routed<'_>, rule: &Rule, row: Row<'_>, matched: Match<'_>) -> String {
    let why = rule.why(row);
    match (matched.goes, &rule.target, matched.table_line) {
        (Goes::One(one), Target::Table(table), Some(line)) => {
            format!("{why}; {}:{line} gives it to {}", table.file, routed.roster.name(one))
        }
        (Goes::One(one), ..) => format!("{why}; it goes to {}", routed.roster.name(one)),
        (Goes::Any(pool), ..) => {
            let names: Vec<_> = pool.iter().map(|one| routed.roster.name(*one)).collect();
            format!("{why}; it goes to one of {}", names.join(", "))
        }
        (Goes::Unsure, ..) => {
            format!("{why}; it goes to the owner of one of its accounts, who are not the same")
        }
    }
}

/// The account's own values that tie a record to it.
pub(super) fn with_account_cells(
    mut finding: Finding,
    case: &Case<'_, '_>,
    account: Row<'_>,
) -> Finding {
    let boundary = &case.world.policies.boundary;
    for name in ["name", "domain", "website", "type"] {
        if let Ok(field) = boundary.field(Object::Account, name)
            && !account.is_blank(&field)
        {
            finding = finding.because(Evidence::Cell(account.cell(&field)));
        }
    }
    finding
}

/// The accounts of a record in a sentence: `account Lime`, `accounts Lime and Kestrel`.
pub(super) fn accounts_words(case: &Case<'_, '_>, accounts: &[Row<'_>]) -> String {
    let noun = if accounts.len() == 1 { "account" } else { "accounts" };
    format!("{noun} {}", case.world.listed(accounts))
}

/// How a record is tied to its account.
pub(super) fn match_evidence(case: &Case<'_, '_>, home: Home<'_>) -> Evidence {
    let plan = case.plan;
    let field = match home {
        Home::Linked(_) | Home::Listed(..) => plan.account.as_ref(),
        Home::Primary(_) => plan.primary_account.as_ref(),
        Home::Matched(_) | Home::Several | Home::Unknown => None,
    };
    match field {
        Some(field) => Evidence::Cell(case.row.cell(field)),
        None => Evidence::Figure { of: "the account".to_owned(), is: home.how().to_owned() },
    }
}
