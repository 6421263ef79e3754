//! Who could take a record over: the handover that the rules name, or the routing rules.
//!
//! Does not: propose anybody who is inactive, unknown, or already the owner.

use crate::boundary::{Field, Grant, Row};
use crate::finding::{Assignee, Evidence, Finding, Proposal, unknown_field};
use crate::policy::{Said, Section, Value};

use super::super::people::{Found, Person, Standing};
use super::super::routing::Advice;
use super::super::{Policies, World};
use super::{Scope, policy};

/// Asks for the fields that routing rules look at: without them they would match by mistake.
pub(super) fn ask(scope: &Scope, grant: &mut Grant<'_>, policies: &Policies) {
    for owned in &scope.owned {
        for field in policies.routing.fields(owned.object) {
            grant.reads(&field);
        }
        // What is marked so goes back to a queue.
        grant.optional(owned.object, "do_not_route");
    }
}

/// Who took over from whom, and where records go back to.
#[derive(Debug, Clone, Default)]
pub(super) struct Handover {
    people: Vec<(Said<String>, Said<String>)>,
    /// The queue for records that nobody took over.
    pub(super) queue: Option<Said<String>>,
}

impl Handover {
    pub(super) fn parse(section: Option<&Section<'_>>) -> Self {
        let Some(section) = section else { return Self::default() };
        let mut people = Vec::new();
        if let Some(handover) = section.section("handover") {
            for (from, node) in handover.entries() {
                if let Value::Text(to) = &node.value
                    && !to.trim().is_empty()
                {
                    people.push((from.clone(), Said { value: to.clone(), line: node.line }));
                } else {
                    handover.problem_with_hint(
                        node.line,
                        format!("`{}` is handed over to nobody", from.value),
                        "name the user or queue, by id or name",
                    );
                }
            }
        }
        let queue = section.text("queue").filter(|queue| !queue.trim().is_empty());
        let queue = queue.map(|said| Said { value: said.value.to_owned(), line: said.line });
        Self { people, queue }
    }

    /// Each who left with the one who took over, as written.
    pub(super) fn people(&self) -> &[(Said<String>, Said<String>)] {
        &self.people
    }

    /// Who took over from a person.
    fn from(&self, person: &Person<'_>) -> Option<&Said<String>> {
        self.people.iter().find(|(from, _)| person.is_called(from)).map(|(_, to)| to)
    }
}

/// Who takes over, if the rules name somebody, with the rule quoted and what speaks against it.
#[derive(Debug, Default)]
pub(super) struct Succession {
    heir: Option<(Standing, Assignee)>,
    /// What there is to ask where the rules name nobody who could have it.
    question: Option<Proposal>,
    evidence: Vec<Evidence>,
    doubts: Vec<String>,
    missing: Vec<String>,
}

impl Succession {
    /// Who takes the record over from its owner, if it has one.
    pub(super) fn of<'a>(world: &World<'a>, row: Row<'a>, owner: Option<&Person<'a>>) -> Self {
        let mut succession = Self::default();
        if let Some(owner) = owner
            && let Some(to) = world.policies.owners.handover.from(owner)
        {
            succession.by_handover(world, row, to);
        }
        if succession.heir.is_none() && succession.question.is_none() {
            succession.by_routing(world, row, owner);
        }
        succession
    }

    fn by_handover<'a>(&mut self, world: &World<'a>, row: Row<'a>, to: &Said<String>) {
        match world.people().find(to) {
            Found::One(person) if person.standing == Standing::Inactive => {
                self.doubts.push(format!("the handover names `{}`, who is inactive too", to.value));
            }
            Found::One(person) if !may_own(world, row, person) => {
                self.doubts.push(no_queue(row, "the handover names", &to.value));
            }
            Found::One(person) if world.routed().forbids(world, row, person) => {
                let (object, to) = (row.object(), &to.value);
                self.doubts.push(format!(
                    "the handover names `{to}`, and the {object} is marked not to be routed"
                ));
            }
            Found::One(person) => {
                self.evidence.push(policy(
                    to.line,
                    format!("`handover` names `{}` for this owner", to.value),
                ));
                self.settle(world, row, person);
            }
            Found::Several => {
                let name = &to.value;
                self.doubts.push(format!("the handover names `{name}`, a name of several people"));
            }
            Found::Nobody => {
                self.doubts.push(format!("the handover names `{}`, who is in no input", to.value));
            }
        }
    }

    fn by_routing<'a>(&mut self, world: &World<'a>, row: Row<'a>, owner: Option<&Person<'a>>) {
        let Some(Advice { to, tried, unknown, is_rest }) = world.routed().advice(world, row) else {
            return;
        };
        let waits = owner.is_some_and(|owner| owner.standing == Standing::Queue);
        let heir = to.map(|to| match world.people().find(&to.id) {
            Found::One(person) => Some(person),
            Found::Several | Found::Nobody => None,
        });
        // From one queue into the next is no way out.
        let is_queue = |person: &Person<'_>| person.standing == Standing::Queue;
        if waits && is_rest && matches!(heir, Ok(Some(person)) if is_queue(person)) {
            return;
        }
        self.evidence.push(Evidence::Trace(tried));
        self.missing.extend(unknown.iter().filter_map(|field| unknown_field(row, field)));
        match heir {
            Ok(Some(person)) => self.settle(world, row, person),
            Ok(None) => {}
            Err(question) => self.question = Some(*question),
        }
    }

    /// Gives the record to somebody, unless the same rules would then find fault with it.
    fn settle<'a>(&mut self, world: &World<'a>, row: Row<'a>, person: &Person<'a>) {
        match world.routed().objection(world, row, person) {
            None => {
                self.missing.extend(person.unsaid());
                self.heir = Some((person.standing, person.assignee()));
            }
            Some(why) => {
                let (object, name) = (row.object(), &person.shown);
                self.question = Some(Proposal::ReviewRecord {
                    question: format!(
                        "Who takes this {object}? With {name} it would be a fault: {why}"
                    ),
                });
            }
        }
    }

    /// The queue that the rules give records back to; what speaks against it is kept.
    fn queue<'a>(&mut self, world: &World<'a>, row: Row<'a>) -> Option<Assignee> {
        if self.heir.is_some() || self.question.is_some() {
            return None;
        }
        let said = world.policies.owners.handover.queue.as_ref()?;
        if let Found::One(person) = world.people().find(said)
            && person.standing != Standing::Inactive
        {
            if !may_own(world, row, person) {
                self.doubts.push(no_queue(row, "the rules name", &said.value));
                return None;
            }
            self.evidence.push(policy(said.line, format!("`queue` is `{}`", said.value)));
            self.settle(world, row, person);
            return self.heir.as_ref().map(|(_, queue)| queue.clone());
        }
        self.doubts.push(format!("the rules' queue `{}` is in no input, or inactive", said.value));
        None
    }

    /// What to propose of a record that nobody took over: that it goes back to a queue, where one may own it,
    /// and else the question who takes it.
    pub(super) fn way_back<'a>(
        &mut self,
        world: &World<'a>,
        row: Row<'a>,
        owner: &Field,
    ) -> Proposal {
        let queue = self.queue(world, row);
        if queue.is_some() || world.queues_own(row.object()) {
            return Proposal::ReturnToQueue { before: row.cell(owner), queue };
        }
        Proposal::ReviewRecord {
            question: format!(
                "Who takes this {}? The rules name nobody: `handover` in rules/owners.toml can",
                row.object()
            ),
        }
    }

    /// The proposal, or what to propose when the rules name nobody.
    pub(super) fn proposal(
        &self,
        row: Row<'_>,
        owner: &Field,
        otherwise: impl FnOnce() -> Proposal,
    ) -> Proposal {
        match &self.heir {
            Some((Standing::Queue, queue)) => {
                Proposal::ReturnToQueue { before: row.cell(owner), queue: Some(queue.clone()) }
            }
            Some((Standing::Active | Standing::Unsaid | Standing::Inactive, to)) => {
                Proposal::SetOwner { before: row.cell(owner), to: to.clone() }
            }
            None => self.question.clone().unwrap_or_else(otherwise),
        }
    }

    /// Adds the rule, what speaks against it and what is not known to a finding.
    pub(super) fn explain(self, finding: Finding) -> Finding {
        let finding = self.evidence.into_iter().fold(finding, Finding::because);
        let finding = self.missing.into_iter().fold(finding, Finding::lacking);
        finding.unless_any(self.doubts)
    }
}

/// False for a queue where no record of the object lies in one: not every CRM lets a queue own what is no lead.
fn may_own(world: &World<'_>, row: Row<'_>, person: &Person<'_>) -> bool {
    person.standing != Standing::Queue || world.queues_own(row.object())
}

fn no_queue(row: Row<'_>, who: &str, queue: &str) -> String {
    let objects = row.object().plural();
    format!("{who} the queue `{queue}`, and no queue owns {objects} in this export")
}
