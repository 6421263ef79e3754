//! LIF-10: people stand further up the lifecycle than the company they work for.
//!
//! What a stage of people asks of their company is for the rules to say. One finding per company.
//! Does not: judge whose own stage is in question (LIF-01, LIF-02, LIF-04 and LIF-05 come first), or a
//! company that is out of the funnel or in a stage that nobody knows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row, ids};
use crate::check::condition::Conditions;
use crate::check::deals::DealState;
use crate::check::ladder::{Ladder, Ladders, lists, same};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity, unknown_field};
use crate::policy::{Said, Section, Value, meant};

use super::links::DealFields;
use super::misplaced::{self, Misplaced};
use super::{FILE, Settings, days, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-10",
    name: "contact-ahead-of-company",
    family: Family::Lifecycle,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "For more than `grace_days` contacts have stood in a stage that asks for a company further \
              on (`at_least`) than theirs is, nor is a parent account of it so far. Contacts and \
              companies whose stage is in question by LIF-01, LIF-02, LIF-04 or LIF-05 are left to \
              those.",
    consequence: "Lists of companies leave out those whose people are in a deal, and the same sale is \
                  reported in two stages.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    asks: Vec<Ask>,
    grace_days: Said<u32>,
    except: Conditions,
}

/// What people in a stage ask of their company.
#[derive(Debug, Clone)]
struct Ask {
    of_people: String,
    of_company: String,
    /// Where that stands on the companies' ladder.
    rank: usize,
    line: usize,
}

impl Ask {
    fn words(&self) -> String {
        let Self { of_people, of_company, .. } = self;
        format!("people who are {of_people} ask for a company that is {of_company} at least")
    }
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let written = settings.section.as_ref().and_then(|section| section.section("at_least"));
        Self {
            on: settings.on(),
            asks: written.map_or_else(Vec::new, |written| asks(&written, ladders)),
            grace_days: settings.count("grace_days", 7),
            except: settings.conditions("except", boundary),
        }
    }

    fn ask(&self, stage: &str) -> Option<&Ask> {
        self.asks.iter().find(|ask| same(&ask.of_people, stage))
    }
}

fn asks(written: &Section<'_>, ladders: &Ladders) -> Vec<Ask> {
    let mut asks = Vec::new();
    for (of_people, node) in written.entries() {
        let Value::Text(of_company) = &node.value else {
            let message = format!("`{}` asks for no stage", of_people.value);
            let hint = "name the stage that their company has to have reached";
            written.problem_with_hint(node.line, message, hint);
            continue;
        };
        let unknown = |line: usize, stage: &str, object: Object| {
            let ladder = ladders.of(object);
            let stages = ladder.into_iter().flat_map(|ladder| &ladder.order);
            let add = || format!("it has to stand in `order` of [{object}]");
            let hint = meant(stage, stages.map(String::as_str), add);
            let message = format!("`{stage}` is not a stage of {}", object.plural());
            written.problem_with_hint(line, message, hint);
        };
        let rank = |object, stage: &str| ladders.of(object).and_then(|ladder| ladder.rank(stage));
        let is_known = rank(Object::Contact, &of_people.value).is_some();
        let rank = rank(Object::Account, of_company);
        if !is_known {
            unknown(of_people.line, &of_people.value, Object::Contact);
        }
        match rank {
            Some(rank) => asks.extend(is_known.then(|| Ask {
                of_people: of_people.value.trim().to_owned(),
                of_company: of_company.trim().to_owned(),
                rank,
                line: node.line,
            })),
            None => unknown(node.line, of_company, Object::Account),
        }
    }
    asks
}

/// The fields it reads.
struct Asked {
    company: Field,
    entered: Option<Field>,
    parent: Option<Field>,
    deals: Option<DealFields>,
    misplaced: misplaced::Asked,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = &policies.lifecycle.contact_ahead;
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    if rule.asks.is_empty() {
        let write = "say in `at_least` of [contact-ahead-of-company] how far the company of people \
                     in a stage has to be";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let company = grant.field(Object::Contact, "account")?;
    for object in [Object::Contact, Object::Account] {
        policies.ladders.ask(object, grant);
    }
    rule.except.ask(&[Object::Contact, Object::Account], grant);
    let asked = Asked {
        company,
        entered: grant.optional(Object::Contact, "stage_changed"),
        parent: grant.optional(Object::Account, "parent"),
        deals: DealFields::ask(grant, &policies.ladders).ok(),
        misplaced: misplaced::Asked::ask(grant, policies),
    };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let contacts = staged(world, Object::Contact, &mut judgement);
    if contacts.is_none() {
        judgement.skip(Object::Account, "there is nobody to hold them against");
    }
    let accounts = staged(world, Object::Account, &mut judgement);
    let (Some((contacts, of_people)), Some((accounts, of_companies))) = (contacts, accounts) else {
        return judgement;
    };
    if !contacts.has(&asked.company) {
        let why = format!("the input has no column for `{}`", asked.company);
        judgement.skip_tables(Object::Contact, [Object::Account], &why);
        return judgement;
    }
    judgement.look_through(Object::Account);
    let rule = &world.policies.lifecycle.contact_ahead;
    let case = Case { world, asked, rule, accounts, of_people, of_companies };
    let (mut ahead, mut unknown) = (BTreeMap::<usize, Company<'_, '_>>::new(), Vec::new());
    for contact in contacts.rows() {
        let ask = contact.text(&of_people.field).and_then(|stage| rule.ask(stage));
        let Some(ask) = ask.filter(|_| !rule.except.hold(contact)) else { continue };
        judgement.examined += usize::from(contact.is_under_review());
        match case.compare(contact, ask) {
            Compared::Ahead(of, person) => {
                let company = Company { account: of, people: Vec::new() };
                ahead.entry(of.position()).or_insert(company).people.push(person);
            }
            Compared::Unknown(account) => unknown.push(account),
            Compared::Agrees => {}
        }
    }
    if !unknown.is_empty() {
        let why = "those in a stage that is not on the ladder are not held against their people";
        judgement.skip_records(Object::Account, unknown, why);
    }
    ahead.retain(|_, company| company.is_under_review());
    if !ahead.is_empty() {
        let misplaced = Misplaced::of(world, &asked.misplaced);
        let found = ahead.into_values().filter_map(|company| case.finding(company, &misplaced));
        judgement.findings.extend(found);
    }
    judgement
}

/// A company, and those of its people who are ahead of it.
struct Company<'w, 'a> {
    account: Row<'a>,
    people: Vec<Person<'w, 'a>>,
}

impl Company<'_, '_> {
    fn is_under_review(&self) -> bool {
        let people = self.people.iter().map(|person| person.contact);
        people.chain([self.account]).any(Row::is_under_review)
    }
}

/// Somebody who is ahead of their company.
struct Person<'w, 'a> {
    contact: Row<'a>,
    ask: &'w Ask,
    /// What keeps from being sure of it.
    lacks: Vec<String>,
}

/// What comes of holding somebody against their companies.
enum Compared<'w, 'a> {
    /// One of them is as far as it has to be, or nobody can say how far it would have to be.
    Agrees,
    /// The company's stage is not on the ladder.
    Unknown(Row<'a>),
    /// Ahead of all of them; this one comes nearest.
    Ahead(Row<'a>, Person<'w, 'a>),
}

/// The tables and their ladders.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    accounts: &'a Batch,
    of_people: &'w Ladder,
    of_companies: &'w Ladder,
}

/// No more people than a person reads.
const QUOTED: usize = 3;

impl<'w, 'a> Case<'w, 'a> {
    fn compare(&self, contact: Row<'a>, ask: &'w Ask) -> Compared<'w, 'a> {
        let (mut nearest, mut lacks) = (None, Vec::new());
        let field = &self.of_companies.field;
        for id in contact.text(&self.asked.company).into_iter().flat_map(ids) {
            let Some(account) = self.accounts.find(id) else {
                lacks.push(format!("{} leads to no account in the input", self.asked.company));
                continue;
            };
            if self.rule.except.hold(account) || self.is_in_a_group_so_far(account, ask) {
                return Compared::Agrees;
            }
            let Some(stage) = account.text(field) else {
                // Where nothing stands, the company may be as far as it has to be.
                let unknown = unknown_field(account, field).into_iter();
                lacks.extend(unknown.map(|why| format!("{why} of account {}", account.id())));
                nearest = nearest.or(Some((None, account)));
                continue;
            };
            match self.of_companies.rank(stage) {
                Some(rank) if rank >= ask.rank => return Compared::Agrees,
                Some(rank) if nearest.is_none_or(|(nearest, _)| nearest < Some(rank)) => {
                    nearest = Some((Some(rank), account));
                }
                Some(_) => {}
                None if self.of_companies.ends(stage) => return Compared::Agrees,
                None => return Compared::Unknown(account),
            }
        }
        let Some((_, account)) = nearest else { return Compared::Agrees };
        match self.age(contact) {
            Some(age) if age <= i64::from(self.rule.grace_days.value) => return Compared::Agrees,
            None if self.rule.grace_days.value > 0 => {
                lacks.push(self.asked.entered.as_ref().map_or_else(
                    || "contact.stage_changed is not allowed".to_owned(),
                    |field| format!("{field} is blank"),
                ));
            }
            Some(_) | None => {}
        }
        Compared::Ahead(account, Person { contact, ask, lacks })
    }

    /// Days since the person's stage was set.
    fn age(&self, contact: Row<'_>) -> Option<i64> {
        let entered = time(contact, self.asked.entered.as_ref())?;
        Some(self.world.as_of.days_since(entered))
    }

    /// True when an account above this one is as far as it has to be: then its people may buy through it.
    fn is_in_a_group_so_far(&self, account: Row<'a>, ask: &Ask) -> bool {
        let Some(parent) = &self.asked.parent else { return false };
        let mut account = account;
        // A hierarchy of more levels than this is a circle.
        for _ in 0..16 {
            let above = account.text(parent).and_then(|id| self.accounts.find(id));
            let Some(above) = above else { return false };
            let stage = above.text(&self.of_companies.field);
            let rank = stage.and_then(|stage| self.of_companies.rank(stage));
            if rank.is_some_and(|rank| rank >= ask.rank) {
                return true;
            }
            account = above;
        }
        false
    }

    fn finding(&self, company: Company<'w, 'a>, misplaced: &Misplaced<'_, 'a>) -> Option<Finding> {
        let Company { account, mut people } = company;
        let required = &self.world.policies.required;
        if misplaced.holds(account)
            || required.misses(self.world, account, &self.of_companies.field)
        {
            return None;
        }
        let is_said = misplaced.is_held_against_won_deals(account);
        people.retain(|person| {
            let asks_for_customer = lists(&self.of_companies.customer, &person.ask.of_company);
            !(is_said && asks_for_customer || misplaced.holds(person.contact))
        });
        if people.iter().any(|person| person.lacks.is_empty()) {
            people.retain(|person| person.lacks.is_empty());
        }
        let height = |person: &Person<'_, '_>| {
            let stage = person.contact.text(&self.of_people.field);
            stage.and_then(|stage| self.of_people.rank(stage))
        };
        people.sort_by_cached_key(|person| {
            (Reverse(person.ask.rank), Reverse(height(person)), person.contact.id())
        });
        let first = people.first()?;
        Some(self.told(account, first, &people))
    }

    fn told(&self, account: Row<'a>, first: &Person<'w, 'a>, people: &[Person<'w, 'a>]) -> Finding {
        let stage = account.cell(&self.of_companies.field);
        let deal = self.open_deal(account);
        let supports = |_: &Row<'_>| self.may_become(account, first.ask);
        let proposal = match deal.filter(supports) {
            Some(_) => Proposal::CorrectLifecycle {
                before: stage.clone(),
                to: Some(first.ask.of_company.clone()),
            },
            None => Proposal::ReviewRecord {
                question: "Which stage is right: the company's, or that of its people?".to_owned(),
            },
        };
        let headline = self.headline(account, first, people.len());
        let mut finding =
            Finding::about(account.record(), headline, Evidence::Cell(stage), proposal)
                .of_field(&self.of_companies.field);
        for person in people.iter().take(QUOTED) {
            finding = finding.because(Evidence::Cell(person.contact.cell(&self.of_people.field)));
            if let Some(entered) = &self.asked.entered {
                finding = finding.because(Evidence::Cell(person.contact.cell(entered)));
            }
        }
        if let Some((deal, fields)) = deal.zip(self.asked.deals.as_ref()) {
            finding = fields.quote(finding, deal);
        }
        finding = finding
            .because(Evidence::Figure {
                of: "people of it who are ahead of it".to_owned(),
                is: people.len().to_string(),
            })
            .because(policy(first.ask.line, first.ask.words()))
            .because(policy(
                self.rule.grace_days.line,
                format!("the company may follow within {}", days(self.rule.grace_days.value)),
            ));
        finding = first.lacks.iter().cloned().fold(finding, Finding::lacking);
        self.doubts(account, deal, finding)
    }

    fn headline(&self, account: Row<'a>, first: &Person<'_, 'a>, people: usize) -> String {
        let field = &self.of_companies.field;
        let stands = if account.text(field).is_some() {
            format!("is {}", said(account, field))
        } else {
            "has no stage".to_owned()
        };
        let others = match people - 1 {
            0 => String::new(),
            1 => ", and another of its people is ahead of it".to_owned(),
            n => format!(", and {n} more of its people are ahead of it"),
        };
        format!(
            "{} {stands} while {} is {}{others}",
            self.world.titled(account),
            self.world.called(first.contact),
            said(first.contact, &self.of_people.field)
        )
    }

    /// An open deal of the account's own; of several the one that comes first by its id.
    fn open_deal(&self, account: Row<'a>) -> Option<Row<'a>> {
        self.asked.deals.as_ref()?;
        let deals = self.world.deals();
        let of = deals.of_account(account.id()).iter().copied();
        let open = of.filter(|deal| deals.state(self.world, *deal) == Some(DealState::Open));
        open.min_by_key(|deal| deal.id())
    }

    /// True when an open deal bears the stage out that the rules ask for, and nothing else is asked for it.
    fn may_become(&self, account: Row<'a>, ask: &Ask) -> bool {
        let evidence = &self.world.policies.lifecycle.skipped_evidence;
        lists(&self.of_companies.opportunity, &ask.of_company)
            && !lists(&self.of_companies.customer, &ask.of_company)
            && !evidence.would_lack(account, &ask.of_company)
    }

    fn doubts(&self, account: Row<'a>, deal: Option<Row<'a>>, finding: Finding) -> Finding {
        let finding = match &self.asked.parent {
            None => finding.unless(
                "`account.parent` is not allowed: it may belong to a group that is further on",
            ),
            Some(parent) if account.is_blank(parent) => finding.unless(
                "it may be a subsidiary whose people buy through another company of its group",
            ),
            Some(_) => finding.unless(
                "the account above it is not so far either: its people may buy through another \
                 company of the group",
            ),
        };
        if deal.is_some() {
            finding
        } else {
            finding.unless("no open deal of the company says that its people are right")
        }
    }
}
