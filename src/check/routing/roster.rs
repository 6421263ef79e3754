//! Everybody whom rules or records name as an owner, looked up once.
//!
//! Does not: judge an owner.

use hashbrown::HashMap;

use crate::boundary::Object;
use crate::check::World;
use crate::check::condition::fold;
use crate::check::people::{Found, Person, Standing};
use crate::finding::Assignee;

use super::Policy;
use super::rules::Target;

/// Someone in the roster. Two names of one person are one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Holder(usize);

/// What is known of a holder.
#[derive(Debug)]
enum Known<'a> {
    /// This user or queue.
    Person(Person<'a>),
    /// Several people have that name.
    Several(&'a str),
    /// Nobody in the tables.
    Nobody(&'a str),
}

/// Everybody whom rules or records name.
#[derive(Debug, Default)]
pub(super) struct Roster<'a> {
    all: Vec<Known<'a>>,
    by_text: HashMap<&'a str, Holder>,
    by_key: HashMap<String, Holder>,
}

impl<'a> Roster<'a> {
    /// Looks up every owner that the rules and the records name.
    pub(super) fn of(world: &World<'a>, policy: &'a Policy) -> Self {
        let mut roster = Self::default();
        for plan in &policy.plans {
            for rule in &plan.rules {
                match &rule.target {
                    Target::Owner(owner) => roster.add(world, owner),
                    Target::Pool(pool) => pool.iter().for_each(|one| roster.add(world, one)),
                    Target::Table(table) => {
                        table.rows().iter().for_each(|row| roster.add(world, &row.says));
                    }
                    Target::AccountOwner => {}
                }
            }
        }
        policy.catch_all.iter().for_each(|said| roster.add(world, &said.value));
        if let Some(coverage) = &policy.coverage {
            coverage.rows.iter().for_each(|row| roster.add(world, &row.owner));
        }
        if let Some(named) = &policy.named {
            named.rows.iter().for_each(|row| roster.add(world, &row.owner));
        }
        // Who takes records over is asked about too: what the rules would find, were a record theirs.
        world.policies.owners.names().for_each(|name| roster.add(world, name));
        for object in Object::REVIEWED {
            let (Some(batch), Ok(owner)) =
                (world.batch(object), world.policies.boundary.field(object, "owner"))
            else {
                continue;
            };
            batch.count_by(&owner).into_iter().for_each(|(text, _)| roster.add(world, text));
        }
        roster
    }

    fn add(&mut self, world: &World<'a>, text: &'a str) {
        if self.by_text.contains_key(text) {
            return;
        }
        let (key, known) = match world.people().find(text) {
            Found::One(person) => (format!("id {}", person.id), Known::Person(person.clone())),
            Found::Several => (format!("name {}", fold(text)), Known::Several(text)),
            Found::Nobody => (format!("name {}", fold(text)), Known::Nobody(text)),
        };
        let next = Holder(self.all.len());
        let holder = *self.by_key.entry(key).or_insert(next);
        if holder == next {
            self.all.push(known);
        }
        self.by_text.insert(text, holder);
    }

    /// Who a text of a rule or an owner column is.
    pub(super) fn who(&self, text: &str) -> Holder {
        self.by_text.get(text).copied().unwrap_or(Holder(usize::MAX))
    }

    /// Who has an id in the tables.
    pub(super) fn who_has_id(&self, id: &str) -> Holder {
        self.by_key.get(&format!("id {id}")).copied().unwrap_or(Holder(usize::MAX))
    }

    fn known(&self, holder: Holder) -> &Known<'a> {
        self.all.get(holder.0).unwrap_or(&Known::Nobody(""))
    }

    /// The person, if the tables know exactly one.
    pub(super) fn person(&self, holder: Holder) -> Option<&Person<'a>> {
        if let Known::Person(person) = self.known(holder) { Some(person) } else { None }
    }

    /// True for users that are not known to be inactive, and for queues.
    pub(super) fn can_work(&self, holder: Holder) -> bool {
        self.person(holder).is_some_and(|person| person.standing != Standing::Inactive)
    }

    /// True for users that are known to be inactive.
    pub(super) fn is_inactive(&self, holder: Holder) -> bool {
        self.person(holder).is_some_and(|person| person.standing == Standing::Inactive)
    }

    /// True for queues.
    pub(super) fn is_queue(&self, holder: Holder) -> bool {
        self.person(holder).is_some_and(|person| person.standing == Standing::Queue)
    }

    /// How a sentence names them. What only a rule says may always be shown; what only a record says is
    /// quoted from that record.
    pub(super) fn name(&self, holder: Holder) -> &str {
        match self.known(holder) {
            Known::Several(text) | Known::Nobody(text) => text,
            Known::Person(person) => &person.shown,
        }
    }

    /// How a proposal names them; `None` unless they can work records.
    pub(super) fn assignee(&self, holder: Holder) -> Option<Assignee> {
        self.person(holder).filter(|_| self.can_work(holder)).map(Person::assignee)
    }

    /// Why nobody can be given records under this name; `None` when somebody can.
    pub(super) fn trouble(&self, world: &World<'_>, holder: Holder) -> Option<String> {
        match self.known(holder) {
            Known::Several(text) => Some(format!("several people are called {text}")),
            Known::Nobody(text) if world.batch(Object::User).is_none() => {
                Some(format!("no users were read, so who {text} is remains unknown"))
            }
            Known::Nobody(text) => Some(format!("{text} is neither a user nor a queue")),
            Known::Person(person) if person.standing == Standing::Inactive => {
                Some(format!("{} {}", self.name(holder), person.gone(world.as_of)))
            }
            Known::Person(_) => None,
        }
    }
}
