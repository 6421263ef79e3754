//! Who could take a record over: the handover that the rules name, or the routing rules.
//!
//! Does not: propose anybody who is inactive, unknown, or already the owner.

use crate::boundary::{Field, Grant, Row, id_key};
use crate::finding::{Assignee, Evidence, Finding, Proposal};
use crate::policy::{Said, Section, Value};

use super::super::condition::fold;
use super::super::people::{Found, People, Person, Standing};
use super::super::{Policies, World};
use super::{Scope, policy};

/// Asks for the fields that routing rules look at: without them they would match by mistake.
pub(super) fn ask(scope: &Scope, grant: &mut Grant<'_>, policies: &Policies) {
    for owned in &scope.owned {
        for field in policies.routing.fields(owned.object) {
            grant.reads(&field);
        }
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
        let (id, name) = (id_key(&person.id), fold(&person.name));
        let is_person = |said: &str| id_key(said.trim()) == id || fold(said) == name;
        self.people.iter().find(|(from, _)| is_person(from)).map(|(_, to)| to)
    }
}

/// Who takes over, if the rules name somebody, with the rule quoted and what speaks against it.
#[derive(Debug, Default)]
pub(super) struct Succession {
    heir: Option<(Standing, Assignee)>,
    evidence: Vec<Evidence>,
    doubts: Vec<String>,
}

impl Succession {
    /// Who takes the record over from its owner, if it has one.
    pub(super) fn of<'a>(world: &World<'a>, row: Row<'a>, owner: Option<&Person<'a>>) -> Self {
        let mut succession = Self::default();
        if let Some(owner) = owner
            && let Some(to) = world.policies.owners.handover.from(owner)
        {
            succession.by_handover(world.people(), to);
        }
        if succession.heir.is_none() {
            succession.by_routing(world, row, owner);
        }
        succession
    }

    fn by_handover(&mut self, people: &People<'_>, to: &Said<String>) {
        match people.find(to) {
            Found::One(person) if person.standing == Standing::Inactive => {
                self.doubts.push(format!("the handover names `{}`, who is inactive too", to.value));
            }
            Found::One(person) => {
                self.heir = Some((person.standing, person.assignee()));
                self.evidence.push(policy(
                    to.line,
                    format!("`handover` names `{}` for this owner", to.value),
                ));
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
        let Some((to, tried)) = world.routed().suggestion(world, row) else { return };
        let rule = tried
            .iter()
            .find(|tried| tried.matched)
            .map_or_else(String::new, |tried| format!(" (`{}`)", tried.rule));
        self.evidence.push(Evidence::Trace(tried));
        if owner.is_some_and(|owner| id_key(&owner.id) == id_key(&to.id)) {
            self.doubts.push(format!("the routing rules{rule} give it to this very owner"));
            return;
        }
        match world.people().find(&to.id) {
            Found::One(person) if person.standing == Standing::Inactive => self
                .doubts
                .push(format!("the routing rules{rule} give it to somebody who is inactive")),
            Found::One(person) => self.heir = Some((person.standing, to)),
            Found::Several | Found::Nobody => self
                .doubts
                .push(format!("the routing rules{rule} give it to somebody who is in no input")),
        }
    }

    /// The queue that the rules give records back to; what speaks against it is kept.
    pub(super) fn queue(&mut self, world: &World<'_>) -> Option<Assignee> {
        if self.heir.is_some() {
            return None;
        }
        let said = world.policies.owners.handover.queue.as_ref()?;
        if let Found::One(person) = world.people().find(said)
            && person.standing != Standing::Inactive
        {
            self.evidence.push(policy(said.line, format!("`queue` is `{}`", said.value)));
            return Some(person.assignee());
        }
        self.doubts.push(format!("the rules' queue `{}` is in no input, or inactive", said.value));
        None
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
            None => otherwise(),
        }
    }

    /// Adds the rule and what speaks against it to a finding.
    pub(super) fn explain(self, finding: Finding) -> Finding {
        let finding = self.evidence.into_iter().fold(finding, Finding::because);
        finding.unless_any(self.doubts)
    }
}
