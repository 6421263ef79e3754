//! LIF-11: a record is disqualified, and a deal of its own is open or a sequence still writes to it.
//!
//! Consent is another matter: who wants no mail may buy all the same.
//! Does not: judge by deals that go on with somebody else, or records whose lifecycle is in question
//! (LIF-01, LIF-02, LIF-04 and LIF-05 come first).

use crate::boundary::{Batch, Boundary, Field, Grant, Object, Row, id_key, ids};
use crate::check::condition::{Conditions, When};
use crate::check::deals::{self, DealState};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};

use super::links::DealFields;
use super::misplaced::{self, Misplaced};
use super::{FILE, Settings, counted, policy, said};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-11",
    name: "disqualified-but-active",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A lead, contact or account is disqualified by the conditions of the rules, and a deal \
              that names it, and nobody who is not disqualified, is open, or `in_sequence` is set. \
              Records whose stage is in question by LIF-01, LIF-02, LIF-04 or LIF-05 are left to \
              those.",
    consequence: "Somebody sells to whom the company gave up, or the pipeline counts a deal that \
                  nobody believes in.",
    load,
};

/// Those who can be disqualified; deals are lost.
const OBJECTS: [Object; 3] = [Object::Lead, Object::Contact, Object::Account];

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    disqualified: Conditions,
    line: usize,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, boundary: &Boundary) -> Self {
        let disqualified = settings.conditions("disqualified", boundary);
        let node = settings.section.as_ref().and_then(|section| section.node("disqualified"));
        let line = node.map_or(0, |node| node.line);
        if let Some(section) = &settings.section {
            if disqualified.fields().any(|field| field.name() == "opted_out") {
                section.problem_with_hint(
                    line,
                    "`opted_out` does not disqualify: it is consent",
                    "name the status that says that nobody sells to them",
                );
            }
            if disqualified.of(Object::Deal).is_some() {
                let hint = "one of lead, contact, account";
                section.problem_with_hint(line, "deals are lost, not disqualified", hint);
            }
        }
        Self { on: settings.on(), disqualified, line }
    }
}

/// The fields it reads besides those of the conditions.
struct Asked {
    in_sequence: Vec<Field>,
    converted: Option<Field>,
    contact: Option<Field>,
    deals: Option<DealFields>,
    misplaced: misplaced::Asked,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rule = &policies.lifecycle.disqualified;
    if !rule.on {
        return Err(CHECK.off_in_rules());
    }
    if rule.disqualified.is_empty() {
        let write = "say in `disqualified` of [disqualified-but-active] which records are";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    rule.disqualified.ask(&OBJECTS, grant);
    deals::ask(grant, &policies.ladders);
    let people = [Object::Lead, Object::Contact];
    let asked = Asked {
        in_sequence: people.iter().filter_map(|it| grant.optional(*it, "in_sequence")).collect(),
        converted: grant.optional(Object::Lead, "converted"),
        contact: grant.optional(Object::Deal, "contact"),
        deals: DealFields::ask(grant, &policies.ladders).ok(),
        misplaced: misplaced::Asked::ask(grant, policies),
    };
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let rule = &world.policies.lifecycle.disqualified;
    for object in OBJECTS {
        let Some(when) = rule.disqualified.of(object) else { continue };
        let Some(batch) = world.batch(object) else {
            judgement.skip(object, "there is no input for them");
            continue;
        };
        let table = Table::of(world, asked, when, batch);
        if !table.can_judge(&mut judgement) {
            continue;
        }
        judgement.look_through(object);
        let mut found = Vec::new();
        for row in batch.reviewed().filter(|row| table.is_disqualified(*row)) {
            judgement.examined += 1;
            found.extend(table.life(row));
        }
        if !found.is_empty() {
            let misplaced = Misplaced::of(world, &asked.misplaced);
            found.retain(|life| !misplaced.holds(life.row));
            judgement.findings.extend(found.iter().map(|life| table.finding(life)));
        }
    }
    judgement
}

/// The records of one object.
struct Table<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    when: &'w When,
    batch: &'a Batch,
    in_sequence: Option<&'w Field>,
    /// True where deals name such records.
    has_deals: bool,
}

/// What shows that a disqualified record is active.
struct Life<'a> {
    row: Row<'a>,
    is_in_sequence: bool,
    /// Its open deals.
    open: Vec<Row<'a>>,
    /// Where there is no other sign: its deals of which nothing says how they stand.
    unsaid: Vec<Row<'a>>,
}

impl<'w, 'a> Table<'w, 'a> {
    fn of(world: &'w World<'a>, asked: &'w Asked, when: &'w When, batch: &'a Batch) -> Self {
        let object = batch.object();
        let in_sequence = asked.in_sequence.iter().find(|field| field.object() == object);
        let allowed = |name| world.policies.boundary.allowed(Object::Deal, name);
        let named = allowed(if object == Object::Contact { "contact" } else { "account" });
        let named = named.filter(|_| object != Object::Lead);
        let deals = world.batch(Object::Deal).filter(|_| asked.deals.is_some());
        let has_deals = deals.zip(named).is_some_and(|(deals, field)| deals.has(&field));
        let in_sequence = in_sequence.filter(|field| batch.has(field));
        Self { world, asked, when, batch, in_sequence, has_deals }
    }

    /// True when something can say who is disqualified, and who active. Otherwise says why not.
    fn can_judge(&self, judgement: &mut Judgement) -> bool {
        let object = self.batch.object();
        if let Some(field) = self.when.fields().find(|field| !self.batch.has(field)) {
            judgement.skip(object, &format!("the input has no column for `{field}`"));
            return false;
        }
        let can_have_deals = object != Object::Lead && self.asked.deals.is_some();
        if can_have_deals && self.world.batch(Object::Deal).is_none() {
            judgement.skip(object, "there are no deals to compare them with");
        }
        if self.in_sequence.is_none() && !self.has_deals {
            let why = "neither `in_sequence` nor a deal that names them says who is active";
            judgement.skip(object, why);
            return false;
        }
        true
    }

    fn is_disqualified(&self, row: Row<'_>) -> bool {
        let is_converted = || {
            let field = self.asked.converted.as_ref();
            row.object() == Object::Lead && field.and_then(|it| row.flag(it)) == Some(true)
        };
        self.when.holds(row) && !is_converted()
    }

    fn life(&self, row: Row<'a>) -> Option<Life<'a>> {
        let is_in_sequence = self.in_sequence.and_then(|field| row.flag(field)) == Some(true);
        let in_state = |state| {
            let deals = self.world.deals();
            let own = self.deals(row).filter(|deal| deals.state(self.world, *deal) == state);
            let mut own: Vec<_> = own.collect();
            own.sort_by_key(|deal| deal.id());
            own
        };
        let open = in_state(Some(DealState::Open));
        let is_silent = open.is_empty() && !is_in_sequence;
        let unsaid = if is_silent { in_state(None) } else { Vec::new() };
        let is_alive = !is_silent || !unsaid.is_empty();
        is_alive.then_some(Life { row, is_in_sequence, open, unsaid })
    }

    /// The deals that are the record's own: of a contact, those that go on with nobody else.
    fn deals(&self, row: Row<'a>) -> impl Iterator<Item = Row<'a>> {
        let of = self.world.deals();
        let is_person = row.object() == Object::Contact;
        let named = if is_person { of.of_contact(row.id()) } else { of.of_account(row.id()) };
        let named = named.iter().copied().filter(|_| self.has_deals);
        named.filter(move |deal| !is_person || self.is_with_nobody_else(*deal, row))
    }

    fn is_with_nobody_else(&self, deal: Row<'a>, row: Row<'a>) -> bool {
        let named = self.asked.contact.as_ref().and_then(|field| deal.text(field));
        let mut others =
            named.into_iter().flat_map(ids).filter(|id| id_key(id) != id_key(row.id()));
        others.all(|id| self.batch.find(id).is_some_and(|other| self.when.holds(other)))
    }

    fn finding(&self, life: &Life<'a>) -> Finding {
        let Life { row, is_in_sequence, open, unsaid } = life;
        let rule = &self.world.policies.lifecycle.disqualified;
        let mut conditions: Vec<&Field> = Vec::new();
        for field in self.when.fields() {
            if !conditions.contains(&field) {
                conditions.push(field);
            }
        }
        let is = match conditions.as_slice() {
            [only] if row.text(only).is_some() => format!("is {}", said(*row, only)),
            _ => "is disqualified".to_owned(),
        };
        let headline = format!("{} {is} while {}", self.world.titled(*row), self.signs(life));
        let question = if open.is_empty() && *is_in_sequence {
            "Is it disqualified? If so take it out of the sequence; if not, correct what says so"
        } else {
            "Is it disqualified? If so close the deal; if not, correct what says so"
        };
        let proposal = Proposal::ReviewRecord { question: question.to_owned() };
        let in_sequence = self.in_sequence.filter(|_| *is_in_sequence);
        let mut cells = conditions
            .iter()
            .copied()
            .chain(in_sequence.filter(|field| !conditions.contains(field)))
            .map(|field| Evidence::Cell(row.cell(field)));
        let says = format!("disqualified {}: {}", row.object().plural(), self.when.words());
        let law = policy(rule.line, says);
        let (fact, law) = match cells.next() {
            Some(first) => (first, Some(law)),
            None => (law, None),
        };
        let mut finding = Finding::about(row.record(), headline, fact, proposal);
        finding = cells.chain(law).fold(finding, Finding::because);
        if let Some(fields) = &self.asked.deals {
            let deals = if open.is_empty() { unsaid } else { open };
            if !deals.is_empty() {
                finding = fields.quote_all(finding, deals);
            }
        }
        for deal in unsaid {
            finding = finding.lacking(format!("nothing says how deal {} stands", deal.id()));
        }
        if !open.is_empty() || !unsaid.is_empty() {
            finding = finding.unless(if row.object() == Object::Contact {
                "the deal may go on with somebody whom it does not name"
            } else {
                "the deal may be newer than what disqualified the account"
            });
        }
        if *is_in_sequence {
            finding = finding.unless("the sequence may have ended, and its mark not been cleared");
        }
        finding
    }

    /// What shows that it is active, in words.
    fn signs(&self, life: &Life<'a>) -> String {
        let Life { is_in_sequence, open, unsaid, .. } = life;
        let deals = match (open.as_slice(), unsaid.as_slice()) {
            ([deal], _) => Some(format!("deal {} is open", self.world.called(*deal))),
            ([], []) => None,
            ([], [deal]) => {
                Some(format!("nothing says how deal {} stands", self.world.called(*deal)))
            }
            ([], several) => Some(format!(
                "nothing says how its {} stand",
                counted(several.len(), "deal", "deals")
            )),
            (several, _) => Some(format!("{} deals of its own are open", several.len())),
        };
        let sequence = is_in_sequence.then(|| "it is in a sequence".to_owned());
        let signs: Vec<String> = deals.into_iter().chain(sequence).collect();
        signs.join(" and ")
    }
}
