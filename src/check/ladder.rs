//! The lifecycle ladders: the stages of each object, their order, and what they mean.
//!
//! Does not: judge a record; several families read the same ladder.

use std::collections::BTreeMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::policy::Section;

/// The stages of one object.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    /// The field that holds the stage.
    pub(crate) field: Field,
    /// The stages from first to last, as the rules write them.
    pub(crate) order: Vec<String>,
    /// Out of the funnel: no open work.
    pub(crate) closed: Vec<String>,
    /// Deals only: won.
    pub(crate) won: Vec<String>,
    /// Deals only: lost.
    pub(crate) lost: Vec<String>,
    /// Stages that say: a customer.
    pub(crate) customer: Vec<String>,
    /// Stages that say: there is an open deal.
    pub(crate) opportunity: Vec<String>,
    /// Stages that say: marketing has qualified this person.
    pub(crate) qualified: Vec<String>,
    /// Late stages, for required fields.
    pub(crate) late: Vec<String>,
    /// Moves down the ladder that are normal.
    pub(crate) allowed_back: Vec<(String, String)>,
    /// Where it is written.
    pub(crate) file: String,
    /// Its line.
    pub(crate) line: usize,
}

/// The ladders of all objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ladders(BTreeMap<Object, Ladder>);

/// True when a list written in the rules holds a value.
pub(super) fn lists(list: &[String], value: &str) -> bool {
    list.iter().any(|known| same(known, value))
}

/// True when two values are one apart from case and outer spaces. It makes no copy: it runs for
/// every record.
fn same(a: &str, b: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> {
        text.trim().chars().flat_map(char::to_lowercase)
    }
    letters(a).eq(letters(b))
}

impl Ladders {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let mut ladders = BTreeMap::new();
        for object in Object::REVIEWED {
            let Some(section) = root.section(object.key()) else { continue };
            let texts = |key: &str| -> Vec<String> {
                section.texts(key).iter().map(|said| said.value.trim().to_owned()).collect()
            };
            let mut allowed_back = Vec::new();
            if let Some(node) = section.node("allowed_back") {
                if let crate::policy::Value::List(moves) = &node.value {
                    for step in moves {
                        match &step.value {
                            crate::policy::Value::List(pair) => match pair.as_slice() {
                                [from, to] => match (&from.value, &to.value) {
                                    (
                                        crate::policy::Value::Text(from),
                                        crate::policy::Value::Text(to),
                                    ) => allowed_back.push((from.clone(), to.clone())),
                                    _ => section.problem(step.line, "a move is a pair of stages"),
                                },
                                _ => section.problem(step.line, "a move is a pair of stages"),
                            },
                            _ => section.problem(step.line, "a move is a pair of stages"),
                        }
                    }
                } else {
                    section.problem(node.line, "`allowed_back` is a list of pairs of stages");
                }
            }
            let ladder = |field| Ladder {
                field,
                order: texts("order"),
                closed: texts("closed"),
                won: texts("won"),
                lost: texts("lost"),
                customer: texts("customer"),
                opportunity: texts("opportunity"),
                qualified: texts("qualified"),
                late: texts("late"),
                allowed_back,
                file: section.file().to_owned(),
                line: section.line(),
            };
            let Some(name) = section.required_text("field") else {
                let _ = section.entries();
                continue;
            };
            match boundary.field(object, &name) {
                Ok(field) => {
                    let ladder = ladder(field);
                    if ladder.order.is_empty() {
                        section.missing("order");
                    }
                    ladders.insert(object, ladder);
                }
                Err(missing) => {
                    section.problem(name.line, missing.to_string());
                    let _ = section.entries();
                }
            }
        }
        Self(ladders)
    }

    /// The ladder of an object, if the rules have one.
    pub(super) fn of(&self, object: Object) -> Option<&Ladder> {
        self.0.get(&object)
    }

    /// Asks for the fields by which open work is told from closed.
    pub(super) fn ask(&self, object: Object, grant: &mut Grant<'_>) {
        if let Some(ladder) = self.of(object) {
            grant.reads(&ladder.field);
        }
        if object == Object::Lead {
            grant.optional(object, "converted");
        }
        if object == Object::Deal {
            grant.optional(object, "closed");
            grant.optional(object, "won");
        }
    }

    /// Whether somebody should be working the record; `None` when nothing in the record says.
    pub(super) fn is_open(&self, row: Row<'_>, flags: &Flags) -> Option<bool> {
        let ladder = self.of(row.object());
        let stage = ladder.and_then(|ladder| row.text(&ladder.field));
        let flag = |field: &Option<Field>| field.as_ref().and_then(|field| row.flag(field));
        if row.object() == Object::Lead && flag(&flags.converted) == Some(true) {
            return Some(false);
        }
        if row.object() == Object::Deal
            && let Some(closed) = flag(&flags.closed)
        {
            return Some(!closed);
        }
        let (ladder, stage) = (ladder?, stage?);
        Some(!ladder.ends(stage))
    }
}

/// The flag fields that say a record is done, where they are allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) converted: Option<Field>,
    pub(crate) closed: Option<Field>,
    pub(crate) won: Option<Field>,
}

impl Flags {
    /// Asks for them.
    pub(super) fn ask(grant: &mut Grant<'_>) -> Self {
        Self {
            converted: grant.optional(Object::Lead, "converted"),
            closed: grant.optional(Object::Deal, "closed"),
            won: grant.optional(Object::Deal, "won"),
        }
    }
}

impl Ladder {
    /// How far up the ladder a stage stands; `None` when it is not on it.
    pub(super) fn rank(&self, stage: &str) -> Option<usize> {
        self.order.iter().position(|known| same(known, stage))
    }

    /// True for stages in which there is no open work.
    pub(super) fn ends(&self, stage: &str) -> bool {
        lists(&self.closed, stage) || lists(&self.won, stage) || lists(&self.lost, stage)
    }

    /// True for every stage the ladder knows.
    pub(super) fn knows(&self, stage: &str) -> bool {
        self.rank(stage).is_some() || self.ends(stage)
    }
}
