//! The lifecycle ladders: the stages of each object, their order, and what they mean.
//!
//! Does not: judge a record; several families read the same ladder.

use std::collections::BTreeMap;

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::policy::{Node, Said, Section, Value, meant};

use super::condition::fold;
use super::deals::DealState;

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

/// True when two stages are one to a person: case and outer spaces do not matter.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one.is_ascii() && other.is_ascii() {
        one.eq_ignore_ascii_case(other)
    } else {
        fold(one) == fold(other)
    }
}

/// True when a list written in the rules holds a value.
pub(super) fn lists(list: &[String], value: &str) -> bool {
    list.iter().any(|known| same(known, value))
}

impl Ladders {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let ladders = Object::REVIEWED.into_iter().filter_map(|object| {
            let section = root.section(object.key())?;
            Some((object, Ladder::parse(&section, object, boundary)?))
        });
        Self(ladders.collect())
    }

    /// Each ladder with its object.
    pub(super) fn all(&self) -> impl Iterator<Item = (Object, &Ladder)> {
        self.0.iter().map(|(object, ladder)| (*object, ladder))
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

    /// How a deal stands by its flags and its stage together. The stage adds what the flags leave open.
    pub(super) fn deal(&self, deal: Row<'_>, flags: &Flags) -> Standing {
        let [closed, won] = [&flags.closed, &flags.won].map(|field| deal.flag(field.as_ref()?));
        let ladder = self.of(Object::Deal);
        let stage = ladder
            .and_then(|ladder| Some(ladder.standing(deal.text(&ladder.field)?, [closed, won])));
        let stage = stage.unwrap_or(Standing::Unsaid);
        let may_be = |state: DealState| {
            closed.is_none_or(|closed| closed == (state != DealState::Open))
                && won.is_none_or(|won| won == (state == DealState::Won))
                && stage.may_be(state)
        };
        match [DealState::Open, DealState::Won, DealState::Lost].map(may_be) {
            [false, false, false] => Standing::Contradicted,
            [true, false, false] => Standing::Known(DealState::Open),
            [false, true, false] => Standing::Known(DealState::Won),
            [false, false, true] => Standing::Known(DealState::Lost),
            // A stage out of the funnel that nothing calls won is lost.
            [false, true, true] if stage == Standing::Over => Standing::Known(DealState::Lost),
            [false, true, true] => Standing::Over,
            [true, _, _] => Standing::Unsaid,
        }
    }

    /// Whether somebody should be working the record; `None` when nothing in the record says, or a deal's
    /// flags and stage contradict each other. A stage that the ladder does not know ends no work.
    pub(super) fn is_open(&self, row: Row<'_>, flags: &Flags) -> Option<bool> {
        if row.object() == Object::Deal {
            match self.deal(row, flags) {
                Standing::Known(state) => return Some(state == DealState::Open),
                Standing::Over => return Some(false),
                Standing::Contradicted => return None,
                Standing::Unsaid => {}
            }
        }
        let converted = flags.converted.as_ref().filter(|_| row.object() == Object::Lead);
        if converted.and_then(|field| row.flag(field)) == Some(true) {
            return Some(false);
        }
        let ladder = self.of(row.object())?;
        Some(!ladder.ends(row.text(&ladder.field)?))
    }

    /// What keeps from knowing that a record is open work: its stage is blank, withheld, or none that the
    /// ladder knows, or a deal's flags contradict it. `None` where it is known, or where nothing could say.
    pub(super) fn unsure(&self, row: Row<'_>, flags: &Flags) -> Option<String> {
        let ladder = self.of(row.object());
        let stage = ladder.map(|ladder| &ladder.field);
        let is_deal = row.object() == Object::Deal;
        let closed = flags.closed.as_ref().filter(|_| is_deal);
        if is_deal {
            match self.deal(row, flags) {
                Standing::Known(_) | Standing::Over => return None,
                Standing::Contradicted => {
                    let said = [stage, closed, flags.won.as_ref()].into_iter().flatten();
                    let said = said.filter(|field| !row.is_blank(field)).map(ToString::to_string);
                    let said = said.collect::<Vec<_>>().join(", ");
                    return Some(format!("{said} contradict each other"));
                }
                Standing::Unsaid => {}
            }
        } else if self.is_open(row, flags) == Some(false) {
            return None;
        }
        let field = stage.or(closed)?;
        let is_known = |stage: &str| ladder.is_some_and(|ladder| ladder.knows(stage));
        if row.is_withheld(field) {
            Some(format!("{field} was withheld"))
        } else if row.is_blank(field) {
            Some(format!("{field} is blank"))
        } else if row.text(field).is_some_and(is_known) {
            None
        } else {
            Some(format!("{field} does not say whether it is open work"))
        }
    }
}

/// What a record has of which nobody knows how far it has come.
pub(super) const UNSAID: &str =
    "a stage that is blank, not in rules/lifecycle.toml, or contradicted by another field";

/// How a deal stands, by all that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// In this way.
    Known(DealState),
    /// Won or lost.
    Over,
    /// Neither its flags nor its stage say.
    Unsaid,
    /// Its flags and its stage contradict each other: nothing is known of it.
    Contradicted,
}

impl Standing {
    /// True where a deal that stands so may be in a state.
    fn may_be(self, state: DealState) -> bool {
        match self {
            Self::Known(known) => known == state,
            Self::Over => state != DealState::Open,
            Self::Unsaid => true,
            Self::Contradicted => false,
        }
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
    /// Those that are allowed, where a check has asked for them.
    pub(super) fn of(boundary: &Boundary) -> Self {
        Self {
            converted: boundary.allowed(Object::Lead, "converted"),
            closed: boundary.allowed(Object::Deal, "closed"),
            won: boundary.allowed(Object::Deal, "won"),
        }
    }

    /// What a record's own flags say.
    pub(super) fn said(&self, row: Row<'_>) -> [Option<bool>; 2] {
        let own = [&self.converted, &self.closed, &self.won].into_iter().flatten();
        let mut own = own.filter(|field| field.object() == row.object());
        [own.next(), own.next()].map(|field| row.flag(field?))
    }

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
    fn parse(section: &Section<'_>, object: Object, boundary: &Boundary) -> Option<Self> {
        let name = section.required_text("field");
        let [order, closed, won, lost, customer, opportunity] =
            ["order", "closed", "won", "lost", "customer", "opportunity"]
                .map(|key| section.texts(key));
        let back = moves(section);
        if order.is_empty() {
            section.missing("order");
        }
        for (at, stage) in order.iter().enumerate() {
            if order.iter().take(at).any(|earlier| same(earlier, stage)) {
                section.problem(stage.line, format!("`{}` stands twice in `order`", stage.value));
            }
        }
        let name = name?;
        let field = match boundary.field(object, &name) {
            Ok(field) => field,
            Err(missing) => {
                section.problem(name.line, missing.to_string());
                return None;
            }
        };
        let plain = |list: &[Said<&str>]| {
            list.iter().map(|said| said.value.trim().to_owned()).collect::<Vec<_>>()
        };
        let ladder = Self {
            field,
            order: plain(&order),
            closed: plain(&closed),
            won: plain(&won),
            lost: plain(&lost),
            customer: plain(&customer),
            opportunity: plain(&opportunity),
            allowed_back: back
                .iter()
                .map(|(from, to)| (from.value.to_owned(), to.value.to_owned()))
                .collect(),
            file: section.file().to_owned(),
            line: section.line(),
        };
        let moved = back.iter().flat_map(|(from, to)| [from, to]);
        for stage in [&customer, &opportunity].into_iter().flatten().chain(moved) {
            ladder.must_know(section, stage);
        }
        Some(ladder)
    }

    /// A stage that a list names has to stand on the ladder: a misspelt one would never be met.
    fn must_know(&self, section: &Section<'_>, stage: &Said<&str>) {
        if self.knows(stage.value) {
            return;
        }
        let hint = meant(stage.value, self.stages(), || "add it to `order` or `closed`".to_owned());
        let message = format!("`{}` is not a stage of this ladder", stage.value);
        section.problem_with_hint(stage.line, message, hint);
    }

    /// How far up the ladder a stage stands; `None` when it is not on it.
    pub(super) fn rank(&self, stage: &str) -> Option<usize> {
        self.order.iter().position(|known| same(known, stage))
    }

    /// True for stages in which there is no open work.
    pub(super) fn ends(&self, stage: &str) -> bool {
        lists(&self.closed, stage) || lists(&self.won, stage) || lists(&self.lost, stage)
    }

    /// How a deal stands by its stage alone. Where the ladder does not say which of its stages end a deal, a
    /// stage says nothing beside `flags` that do.
    fn standing(&self, stage: &str, flags: [Option<bool>; 2]) -> Standing {
        let names_ends = [&self.won, &self.lost, &self.closed].iter().any(|it| !it.is_empty());
        if lists(&self.won, stage) {
            Standing::Known(DealState::Won)
        } else if lists(&self.lost, stage) {
            Standing::Known(DealState::Lost)
        } else if lists(&self.closed, stage) {
            Standing::Over
        } else if self.rank(stage).is_some() && (names_ends || flags == [None, None]) {
            Standing::Known(DealState::Open)
        } else {
            Standing::Unsaid
        }
    }

    /// Every stage the ladder knows.
    pub(super) fn stages(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.order, &self.closed, &self.won, &self.lost];
        lists.into_iter().flatten().map(String::as_str)
    }

    /// True for every stage the ladder knows.
    pub(super) fn knows(&self, stage: &str) -> bool {
        self.rank(stage).is_some() || self.ends(stage)
    }
}

/// `allowed_back`: pairs of stages.
fn moves<'a>(section: &Section<'a>) -> Vec<(Said<&'a str>, Said<&'a str>)> {
    let Some(node) = section.node("allowed_back") else { return Vec::new() };
    let Value::List(steps) = &node.value else {
        section.problem(node.line, "`allowed_back` is a list of pairs of stages");
        return Vec::new();
    };
    let stage = |node: &'a Node| {
        if let Value::Text(text) = &node.value {
            Some(Said { value: text.trim(), line: node.line })
        } else {
            None
        }
    };
    let pair = |step: &'a Node| {
        if let Value::List(pair) = &step.value
            && let [from, to] = pair.as_slice()
        {
            Some((stage(from)?, stage(to)?))
        } else {
            None
        }
    };
    let moves = steps.iter().filter_map(|step| {
        let found = pair(step);
        if found.is_none() {
            section.problem(step.line, "a move is a pair of stages, like [\"SQL\", \"Lead\"]");
        }
        found
    });
    moves.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Document, Log};

    #[test]
    fn a_stage_that_is_not_on_the_ladder_is_a_problem_with_its_line() {
        let log = Log::default();
        let fields = "[contact.fields]\n\
            id = { from = \"Id\", why = \"Names the record.\" }\n\
            lifecycle = { from = \"Stage\", why = \"The stage.\" }\n";
        let boundary = Boundary::parse(&Document::parse("boundary.toml", fields, &log), &log);
        let rules = "[contact]\n\
            field = \"lifecycle\"\n\
            order = [\"Lead\", \"SQL\", \"lead \", \"Customer\"]\n\
            customer = [\"Costumer\"]\n\
            opportunity = [\"Renewal\"]\n\
            allowed_back = [[\"SQL\", \"Lead\"], [\"SQL\"], [\"SQL\", \"Recycled\"]]\n";
        let document = Document::parse("lifecycle.toml", rules, &log);
        Ladders::parse(&document.root(&log), &boundary);
        assert_eq!(
            log.finish(()).unwrap_err().to_string(),
            "lifecycle.toml:3: `lead ` stands twice in `order`\n\
             lifecycle.toml:4: `Costumer` is not a stage of this ladder\n  \
             hint: did you mean `Customer`?\n\
             lifecycle.toml:5: `Renewal` is not a stage of this ladder\n  \
             hint: add it to `order` or `closed`\n\
             lifecycle.toml:6: `Recycled` is not a stage of this ladder\n  \
             hint: add it to `order` or `closed`\n\
             lifecycle.toml:6: a move is a pair of stages, like [\"SQL\", \"Lead\"]"
        );
    }
}
