//! The lint: what is wrong with the rules themselves, whatever the records are.
//!
//! It lives among the checks because it judges what they judge by, with their own conditions and the
//! same tests; no module beside them learns of it. What the order of rules decides is exact and needs
//! no record; what wears out with time (people, values, shares) is told from the records at hand.
//! Does not: change a rule, or read a file.

mod list;
mod order;
mod respelling;
mod space;
mod wear;

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;

use crate::boundary::{Field, Object, RecordRef};
use crate::finding::Severity;
use crate::policy::{Section, meant};

use super::condition::Condition;
use super::{Policies, World};

pub(in crate::check) use list::{Line, List, Rest, Takes};
use order::Ordered;

/// A kind of fault that rules can have.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LintDef {
    /// The public id, `RUL-01`.
    pub code: &'static str,
    /// The trouble, in kebab-case.
    pub name: &'static str,
    /// How much harm it does.
    pub severity: Severity,
    /// The exact condition in one or two sentences.
    pub summary: &'static str,
    /// Whether it takes records to find it.
    pub asks_records: bool,
    /// What a place of the rules names where it is told of, in words that may be mailed: no value is quoted.
    pub mailed: &'static str,
}

const SHADOWED: LintDef = LintDef {
    code: "RUL-01",
    name: "shadowed",
    severity: Severity::Medium,
    summary: "Every record that a rule, or a row of a table, could take is taken by those before it.",
    asks_records: false,
    mailed: "a line that takes nothing",
};
const OVERLAP: LintDef = LintDef {
    code: "RUL-02",
    name: "overlap",
    severity: Severity::Low,
    summary: "Two rules about the same fields take some of the same records, neither is a case of the \
        other, and they decide differently: only their order says what happens.",
    asks_records: false,
    mailed: "a rule that only its place sets apart from another",
};
const GAP: LintDef = LintDef {
    code: "RUL-03",
    name: "gap",
    severity: Severity::High,
    summary: "Without a catch-all, values that the rules or a picklist name meet in records that no \
        rule takes.",
    asks_records: false,
    mailed: "rules that leave records to nobody",
};
const DEAD_TARGET: LintDef = LintDef {
    code: "RUL-04",
    name: "dead-target",
    severity: Severity::High,
    summary: "A rule or table gives records to somebody who is inactive, in no input, or not the only \
        one of that name.",
    asks_records: true,
    mailed: "somebody who cannot be given records",
};
const UNUSED: LintDef = LintDef {
    code: "RUL-05",
    name: "unused",
    severity: Severity::Low,
    summary: "A rule took none of the open records of the last `unused_weeks`.",
    asks_records: true,
    mailed: "a rule that took nothing of late",
};
const BLANK_PRONE: LintDef = LintDef {
    code: "RUL-06",
    name: "blank-prone",
    severity: Severity::Medium,
    summary: "A field that rules compare is blank in more than `blank_over` of the open records, and \
        no rule says what happens then.",
    asks_records: true,
    mailed: "a field that is often blank",
};
const DRIFT: LintDef = LintDef {
    code: "RUL-07",
    name: "value-drift",
    severity: Severity::Medium,
    summary: "A rule names a value that the field's picklist does not have, or that no record has \
        while records have one that differs in its spelling alone; or a lifecycle ladder names a stage \
        that no record has while records have one much like it that it does not know.",
    asks_records: true,
    mailed: "a value or stage that no record has, while records have one much like it",
};
const CATCH_ALL_SHARE: LintDef = LintDef {
    code: "RUL-08",
    name: "catch-all-share",
    severity: Severity::Medium,
    summary: "More than `catch_all_over` of the open records end in the catch-all.",
    asks_records: true,
    mailed: "a catch-all that takes too much",
};
const BAND_EDGE: LintDef = LintDef {
    code: "RUL-09",
    name: "band-edge",
    severity: Severity::Medium,
    summary: "Two bands of a number, equal in all else, both take some numbers, or leave numbers \
        between them that nothing takes but a catch-all.",
    asks_records: false,
    mailed: "bands that overlap or leave a gap",
};
const AGAINST_POLICY: LintDef = LintDef {
    code: "RUL-10",
    name: "against-policy",
    severity: Severity::Low,
    summary: "The rules say that records follow their account's owner, and a rule before the one that \
        does so takes them elsewhere, or there is none.",
    asks_records: false,
    mailed: "a rule against following the account's owner",
};
const LOOP: LintDef = LintDef {
    code: "RUL-11",
    name: "handover-loop",
    severity: Severity::High,
    summary: "A handover leads back to where it began, or to somebody who is inactive or in no input.",
    asks_records: false,
    mailed: "a handover that leads in a circle or to nobody who can be given records",
};

/// Every kind of fault, in code order.
pub const LINTS: &[&LintDef] = &[
    &SHADOWED,
    &OVERLAP,
    &GAP,
    &DEAD_TARGET,
    &UNUSED,
    &BLANK_PRONE,
    &DRIFT,
    &CATCH_ALL_SHARE,
    &BAND_EDGE,
    &AGAINST_POLICY,
    &LOOP,
];

/// `[lint]` of the routing rules.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    off: BTreeSet<&'static str>,
    blank_over: f64,
    catch_all_over: f64,
    unused_weeks: u32,
    fewest_records: usize,
}

impl Settings {
    /// Reads the section; what is absent has its default.
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let mut settings = Self {
            off: BTreeSet::new(),
            blank_over: 0.2,
            catch_all_over: 0.2,
            unused_weeks: 26,
            fewest_records: 50,
        };
        let Some(section) = root.section("lint") else { return settings };
        for said in section.texts("off") {
            match LINTS.iter().find(|lint| lint.code == said.value) {
                Some(lint) => drop(settings.off.insert(lint.code)),
                None => section.problem_with_hint(
                    said.line,
                    format!("there is no lint `{}`", said.value),
                    meant(said.value, LINTS.iter().map(|lint| lint.code), || {
                        "`crm-review rules check` names them in brackets".to_owned()
                    }),
                ),
            }
        }
        let share = |key: &str, usual: f64| {
            let Some(said) = section.number(key) else { return usual };
            if !(0.0..=1.0).contains(&said.value) {
                section.problem_with_hint(
                    said.line,
                    format!("`lint.{key}` is no share"),
                    "a number from 0 to 1, such as 0.2 for a fifth",
                );
            }
            said.value
        };
        settings.blank_over = share("blank_over", settings.blank_over);
        settings.catch_all_over = share("catch_all_over", settings.catch_all_over);
        if let Some(said) = section.count("unused_weeks") {
            settings.unused_weeks = said.value;
        }
        if let Some(said) = section.count("fewest_records") {
            settings.fewest_records = usize::try_from(said.value).unwrap_or(usize::MAX);
        }
        settings
    }
}

/// A place in the rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the person knows it.
    pub file: String,
    /// 1-based line; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is to be said of it; may be empty.
    pub says: String,
}

impl Place {
    /// A place of which there is nothing more to say.
    pub fn new(file: impl Into<String>, line: usize) -> Self {
        Self { file: file.into(), line, says: String::new() }
    }

    fn of(line: &Line) -> Self {
        Self::new(line.file.clone(), line.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            f.write_str(&self.file)
        } else {
            write!(f, "{}:{}", self.file, self.line)
        }
    }
}

/// A record that shows a fault: one of those at hand, else one that somebody could enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its kind.
    pub object: Object,
    /// The record, where it is one of those at hand.
    pub record: Option<RecordRef>,
    /// The values that matter, by field, as they may be shown.
    pub values: Vec<(String, String)>,
    /// The day on which it is routed, where that matters.
    pub day: Option<NaiveDate>,
    /// What the rules do with it; empty for nothing.
    pub goes: String,
}

impl Witness {
    /// The record in words: `a lead with country Germany and employees 200`.
    pub fn words(&self) -> String {
        let mut words = match &self.record {
            Some(record) => record.to_string(),
            None => format!("a {}", self.object),
        };
        let values: Vec<_> =
            self.values.iter().map(|(field, value)| format!("{field} {value}")).collect();
        if !values.is_empty() {
            words += &format!(" with {}", values.join(" and "));
        }
        if let Some(day) = self.day {
            words += &format!(", routed on {day}");
        }
        if !self.goes.is_empty() {
            words += &format!(" → {}", self.goes);
        }
        words
    }
}

/// What is wrong with the rules.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which kind.
    pub lint: &'static LintDef,
    /// Where.
    pub place: Place,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Other places it is about.
    pub also: Vec<Place>,
    /// Figures, and what else is known.
    pub notes: Vec<String>,
    /// A record that shows it.
    pub witness: Option<Witness>,
    /// What to do about it.
    pub hint: String,
    probe: Option<Probe>,
}

impl Fault {
    fn new(
        lint: &'static LintDef,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            lint,
            place,
            message: message.into(),
            also: Vec::new(),
            notes: Vec::new(),
            witness: None,
            hint: hint.into(),
            probe: None,
        }
    }
}

/// By what a record at hand is known to show a fault.
#[derive(Debug, Clone)]
struct Probe(Vec<Condition>);

impl Probe {
    fn of<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Option<Self> {
        let conditions: Vec<_> =
            lines.into_iter().flat_map(|line| line.conditions.iter().cloned()).collect();
        (!conditions.is_empty()).then_some(Self(conditions))
    }
}

/// Something that could not be judged, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unjudged {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What the lint says.
#[derive(Debug, Default)]
pub struct Linted {
    /// What is wrong, by place.
    pub faults: Vec<Fault>,
    /// What was not analysed.
    pub unjudged: Vec<Unjudged>,
    /// How many lines of ordered lists were looked at.
    pub lines: usize,
    /// Pairs of rules about different fields that share records.
    pub by_order: usize,
    /// How many open records the rules were tried on.
    pub records: usize,
}

/// Every routing rule by the kind of records it is about and its position: its name and place.
pub fn routing_rules(policies: &Policies) -> Vec<((Object, usize), (String, Place))> {
    let objects = policies.routing.objects();
    let heads = objects.flat_map(|object| {
        let heads = policies.routing.heads(object).into_iter();
        heads.map(move |head| ((object, head.rule), (head.name.clone(), Place::of(&head))))
    });
    heads.collect()
}

/// Judges the rules by themselves on a day, and by the records at hand where there are any.
pub fn lint(policies: &Policies, today: NaiveDate, world: Option<&World<'_>>) -> Linted {
    let mut linted = Linted::default();
    let decimals = |field: &Field| world.map_or(0, |world| wear::decimals(world, field));
    let routing: Vec<List> = policies.routing.rules().collect();
    let others = policies.routing.lists().into_iter().chain(policies.owners.lists());
    let others: Vec<List> = others.collect();
    let follows = policies.routing.follows().map(|(file, line)| Place::new(file, line));
    for list in routing.iter().chain(&others) {
        linted.lines += list.lines.len();
        match Ordered::new(list, today, decimals) {
            Ok(ordered) => {
                let found = ordered.judge();
                linted.faults.extend(found.faults);
                linted.unjudged.extend(found.unjudged);
                linted.by_order += found.by_order;
                let is_routing = routing.iter().any(|other| std::ptr::eq(other, list));
                if let Some(policy) = follows.as_ref().filter(|_| is_routing) {
                    linted.faults.extend(ordered.against_policy(policy));
                }
            }
            Err(unjudged) => linted.unjudged.push(unjudged),
        }
    }
    linted.faults.extend(wear::loops(policies, world));
    if let Some(world) = world {
        wear::judge(world, &routing, &mut linted);
        linted.faults.extend(wear::misspelt_stages(world));
    }
    linted.faults.extend(wear::outside_picklists(policies, routing.iter().chain(&others)));
    linted.faults = told(linted.faults, policies);
    linted.unjudged.sort();
    linted.unjudged.dedup();
    linted
}

/// What of the lint every run can afford: whom rules and handovers name and who cannot be given records
/// (RUL-04, RUL-11), and stages that no record has (RUL-07), by place.
pub fn dead_names(world: &World<'_>) -> Vec<Fault> {
    let mut faults = wear::loops(world.policies, Some(world));
    faults.extend(wear::misspelt_stages(world));
    if !world.people().is_empty() {
        faults.extend(wear::dead_targets(world));
    }
    told(faults, world.policies)
}

/// The faults that are not switched off, by place.
fn told(mut faults: Vec<Fault>, policies: &Policies) -> Vec<Fault> {
    faults.retain(|fault| !policies.lint.off.contains(fault.lint.code));
    faults.sort_by(|a, b| {
        (&a.place, a.lint.code, &a.message).cmp(&(&b.place, b.lint.code, &b.message))
    });
    faults
}
