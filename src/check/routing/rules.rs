//! The ordered rules: reading them, and finding the first that takes a record.
//!
//! Does not: know who the names in them are; see `roster`.

use chrono::NaiveDate;

use crate::boundary::{Boundary, Field, Object, Row};
use crate::check::condition::{Condition, Test, When};
use crate::check::lint::{Line, Takes};
use crate::check::rulebook::Rulebook;
use crate::check::settings;
use crate::policy::{Said, Section, Value};

use super::table::{DecisionTable, Gap, Verdict, kept_by};
use super::values::{Columns, Values};

/// One rule, compiled for one object.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// What its owner calls it.
    pub(super) name: String,
    /// The rules file.
    pub(super) file: String,
    /// 1-based line.
    pub(super) line: usize,
    /// In force since this day; always, when it does not say.
    pub(super) since: Option<NaiveDate>,
    /// In force until this day, which is included; for good, when it does not say.
    pub(super) until: Option<NaiveDate>,
    /// Its conditions with their slots, in the order written.
    clauses: Vec<(usize, Condition)>,
    /// Whom it gives records to.
    pub(super) target: Target,
}

/// Whom a rule gives records to, as written.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A user or queue by id or name.
    Owner(Said<String>),
    /// Any of these.
    Pool(Vec<Said<String>>),
    /// The owner of the account the record belongs to.
    AccountOwner,
    /// The `owner` column of the first row that fits.
    Table(DecisionTable),
}

impl Target {
    /// Whom it gives records to, in words.
    fn words(&self) -> String {
        match self {
            Self::Owner(owner) => owner.value.clone(),
            Self::Pool(pool) => {
                let pool: Vec<&str> = pool.iter().map(|one| one.value.as_str()).collect();
                format!("any of {}", pool.join(", "))
            }
            Self::AccountOwner => "the owner of the matched account".to_owned(),
            Self::Table(table) => format!("the first row of {} that fits", table.file),
        }
    }
}

/// Reads every `[[rule]]` that is about an object, one of those that are routed.
pub(super) fn parse(
    root: &Section<'_>,
    object: Object,
    routed: &[Object],
    rulebook: &Rulebook,
    boundary: &Boundary,
    columns: &mut Columns,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for section in root.sections("rule") {
        let name = section.required_text("name");
        let since = section.date("since").map(|said| said.value);
        let until = section.date("until");
        if let Some(until) = &until
            && since.is_some_and(|since| since > until.value)
        {
            section.problem(until.line, "`until` lies before `since`");
        }
        let until = until.map(|said| said.value);
        let objects = section.texts("objects");
        for named in &objects {
            match settings::reviewed(&section, named) {
                Some(named) if routed.contains(&named) => {}
                Some(other) => section.problem_with_hint(
                    named.line,
                    format!("the rule is about {}, which are not routed", other.plural()),
                    format!("add `{other}` to `objects` at the head of the file, or take it out"),
                ),
                None => {}
            }
        }
        if !objects.is_empty() && !objects.iter().any(|named| named.value == object.key()) {
            // Read by the object it is about.
            section.knows(&["when", "to"]);
            continue;
        }
        let when = When::parse(&section, "when", object, boundary);
        let target = parse_target(&section, object, rulebook, boundary, columns);
        let (Some(name), Some(target)) = (name, target) else { continue };
        let clauses = when
            .all
            .into_iter()
            .map(|condition| (columns.slot_of(&condition), condition))
            .collect();
        rules.push(Rule {
            name: name.trim().to_owned(),
            file: section.file().to_owned(),
            line: section.line(),
            since,
            until,
            clauses,
            target,
        });
    }
    rules
}

fn parse_target(
    section: &Section<'_>,
    object: Object,
    rulebook: &Rulebook,
    boundary: &Boundary,
    columns: &mut Columns,
) -> Option<Target> {
    let Some(node) = section.plain_or_table("to") else {
        section.missing("to");
        return None;
    };
    if let Value::Text(owner) = &node.value {
        if owner.trim().is_empty() {
            section.problem(node.line, "`to` is blank");
            return None;
        }
        return Some(Target::Owner(Said { value: owner.trim().to_owned(), line: node.line }));
    }
    let to = section.as_section("to", node)?;
    let trimmed = |said: &Said<&str>| Said { value: said.trim().to_owned(), line: said.line };
    let pool: Vec<Said<String>> = to.texts("pool").iter().map(trimmed).collect();
    let account_owner = to.flag("matched_account_owner").is_some_and(|said| said.value);
    let table: Option<Said<&str>> = to.text("table");
    match (pool.is_empty(), account_owner, table) {
        (false, false, None) => Some(Target::Pool(pool)),
        (true, true, None) => Some(Target::AccountOwner),
        (true, false, Some(name)) => {
            let table = rulebook.table(&name, &to, name.line)?;
            DecisionTable::parse(table, "owner", object, &to, boundary, columns).map(Target::Table)
        }
        _ => {
            to.problem_with_hint(
                node.line,
                "`to` names no target or more than one",
                "a name, { pool = […] }, { matched_account_owner = true } or { table = \"….csv\" }",
            );
            None
        }
    }
}

impl Rule {
    /// Its conditions with their slots.
    pub(super) fn clauses(&self) -> &[(usize, Condition)] {
        &self.clauses
    }

    /// True when the rule has a day from which or to which it counts.
    pub(super) fn is_dated(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// True when the rule counted on the day whose rules a record is judged by.
    pub(super) fn is_in_force(&self, values: &Values) -> bool {
        self.is_in_force_on(values.day().date())
    }

    /// True when the rule counts on a day.
    pub(super) fn is_in_force_on(&self, day: NaiveDate) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// True when the rule is in force and every condition holds.
    pub(super) fn takes(&self, values: &Values) -> bool {
        self.is_in_force(values) && self.holds(values)
    }

    fn holds(&self, values: &Values) -> bool {
        self.clauses.iter().all(|(slot, condition)| condition.test.passes(values.at(*slot)))
    }

    /// True when it takes any record, as long as it is in force.
    pub(super) fn takes_all(&self) -> bool {
        self.clauses.is_empty() && matches!(self.target, Target::Owner(_) | Target::Pool(_))
    }

    /// The first condition that fails.
    pub(super) fn failing(&self, values: &Values) -> Option<&Condition> {
        let failing =
            |(slot, condition): &&(usize, Condition)| !condition.test.passes(values.at(*slot));
        self.clauses.iter().find(failing).map(|(_, condition)| condition)
    }

    /// The fields with a gap that alone keep its own conditions from holding: none, when they hold. `None`
    /// when a value stands against it, or it is not in force.
    pub(super) fn waits_for(&self, values: &Values, gap: Gap) -> Option<Vec<Field>> {
        if !self.is_in_force(values) {
            return None;
        }
        if self.holds(values) {
            return Some(Vec::new());
        }
        kept_by(self.clauses.iter().map(|(slot, it)| (*slot, it)), values, gap)
    }

    /// What the rule does with a record of which some values are blank, whatever those turn out to be.
    pub(super) fn verdict(&self, values: &Values) -> Verdict {
        if !self.is_in_force(values) {
            return Verdict::Passes;
        }
        let own = Verdict::of(self.clauses.iter().map(|(slot, it)| (*slot, it)), values);
        let Target::Table(table) = &self.target else { return own };
        match (own, table.verdict(values)) {
            (Verdict::Passes, _) | (_, Verdict::Passes) => Verdict::Passes,
            (Verdict::Takes, table) => table,
            (own @ Verdict::Depends(_), Verdict::Takes) => own,
            (Verdict::Depends(own), Verdict::Depends(more)) => {
                Verdict::Depends(own.into_iter().chain(more).collect())
            }
        }
    }

    /// The fields, blank or withheld, of which it says what they are not: that they are none of it is
    /// presumed. Filled, they may keep it from taking the record.
    pub(super) fn presumes(&self, values: &Values) -> impl Iterator<Item = &Field> {
        let presumed = |(slot, condition): &&(usize, Condition)| {
            matches!(condition.test, Test::NotIn(_)) && values.is_unknown(*slot)
        };
        self.clauses.iter().filter(presumed).map(|(_, condition)| &condition.field)
    }

    /// True when it takes the record whatever its blank fields turn out to be. Which row of its table does may
    /// depend on them.
    pub(super) fn takes_anyway(&self, values: &Values) -> bool {
        let has_row = match &self.target {
            Target::Table(table) => table.first(values).is_some(),
            Target::Owner(_) | Target::Pool(_) | Target::AccountOwner => true,
        };
        let own = || Verdict::of(self.clauses.iter().map(|(slot, it)| (*slot, it)), values);
        has_row && self.is_in_force(values) && own() == Verdict::Takes
    }

    /// The fields it compares.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let own = self.clauses.iter().map(|(_, condition)| &condition.field);
        let table = if let Target::Table(table) = &self.target { Some(table) } else { None };
        own.chain(table.into_iter().flat_map(DecisionTable::fields))
    }

    /// The rule in words: its conditions and whom it gives records to.
    pub(super) fn words(&self) -> String {
        let conditions: Vec<_> = self.clauses.iter().map(|(_, it)| it.words()).collect();
        let when =
            if conditions.is_empty() { "any record".to_owned() } else { conditions.join(" and ") };
        let since = self.since.map_or_else(String::new, |day| format!(", since {day}"));
        let until = self.until.map_or_else(String::new, |day| format!(", until {day}"));
        format!("{}: {when} → {}{since}{until}", self.name, self.target.words())
    }

    /// The rule as lines of an ordered list: one, or one for each row of its table.
    pub(super) fn lines(&self, at: usize) -> Vec<Line> {
        let own = || self.clauses.iter().map(|(_, condition)| condition.clone());
        let line = self.head(at);
        match &self.target {
            Target::Owner(_) | Target::Pool(_) | Target::AccountOwner => vec![line],
            Target::Table(table) => table
                .rows()
                .iter()
                .map(|row| Line {
                    name: format!("`{}` for {}", self.name, row.words()),
                    file: table.file.clone(),
                    line: row.line,
                    conditions: own().chain(row.tests.iter().map(|(_, it)| it.clone())).collect(),
                    outcome: row.says.clone(),
                    ..line.clone()
                })
                .collect(),
        }
    }

    /// The rule as one line, whatever its table says.
    pub(super) fn head(&self, at: usize) -> Line {
        Line {
            rule: at,
            name: format!("`{}`", self.name),
            file: self.file.clone(),
            line: self.line,
            conditions: self.clauses.iter().map(|(_, condition)| condition.clone()).collect(),
            since: self.since,
            until: self.until,
            outcome: self.target.words(),
            takes: match self.target {
                Target::Owner(_) | Target::Pool(_) | Target::Table(_) => Takes::All,
                Target::AccountOwner => Takes::OfKnownAccounts,
            },
        }
    }

    /// Whom it names, each with file and line.
    pub(super) fn names(&self) -> Vec<(&str, &str, usize)> {
        let own: &[Said<String>] = match &self.target {
            Target::Owner(owner) => std::slice::from_ref(owner),
            Target::Pool(pool) => pool,
            Target::AccountOwner | Target::Table(_) => &[],
        };
        let own = own.iter().map(|said| (said.value.as_str(), self.file.as_str(), said.line));
        let table = if let Target::Table(table) = &self.target { Some(table) } else { None };
        let rows = table.into_iter().flat_map(|table| {
            let rows = table.rows().iter();
            rows.map(|row| (row.says.as_str(), table.file.as_str(), row.line))
        });
        own.chain(rows).collect()
    }

    /// Where it stands.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Why it takes a record, with the record's values.
    pub(super) fn why(&self, row: Row<'_>) -> String {
        if self.clauses.is_empty() {
            return "it takes any record".to_owned();
        }
        let held: Vec<_> = self.clauses.iter().map(|(_, it)| it.against(row)).collect();
        held.join("; ")
    }
}
