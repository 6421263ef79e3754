//! REQ-02: a value that only fills the field: `n/a`, `xxxx`, the field's own label.
//!
//! Does not: doubt a surname such as Null or Na whose owner's address bears it out.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Boundary, Cell, Field, Grant, Kind, Object, Row, Shown, letters};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Section, Value};

use super::super::condition::fold;
use super::super::settings::{self, full_field};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::{FILE, label, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-02",
    name: "placeholder",
    family: Family::Required,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "A value stands in the list of placeholders, repeats one character four times or \
              more, has neither letter nor digit, or is the field's own label.",
    consequence: "The field counts as filled, and whoever calls, greets or routes by it is wrong.",
    load,
};

/// Placeholders that everybody uses.
const USUAL: [&str; 32] = [
    "n/a",
    "na",
    "none",
    "null",
    "nil",
    "test",
    "testing",
    "unknown",
    "unkown",
    "tbd",
    "tba",
    "xxx",
    "asdf",
    "qwerty",
    "x",
    "-",
    ".",
    "?",
    "0",
    "999",
    "9999",
    "99999",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "dummy",
    "placeholder",
];

/// The fields that say who a record is about: several placeholders there are one test record.
const IDENTITY: [&str; 5] = ["first_name", "last_name", "full_name", "company", "name"];

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    values: Vec<String>,
    /// 0 when the usual values are used.
    line: usize,
    allowed: BTreeMap<String, Vec<String>>,
    fields: Vec<Judged>,
    emails: BTreeMap<Object, Field>,
}

/// A field that is judged.
#[derive(Debug, Clone)]
struct Judged {
    field: Field,
    /// What people know the field as.
    labels: Vec<String>,
    allowed: Vec<String>,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let mut rules = Self {
            off: false,
            values: USUAL.iter().map(|value| (*value).to_owned()).collect(),
            line: 0,
            allowed: BTreeMap::new(),
            fields: Vec::new(),
            emails: Object::REVIEWED
                .into_iter()
                .filter_map(|object| Some((object, boundary.allowed(object, "email")?)))
                .collect(),
        };
        let mut chosen = None;
        if let Some(section) = root.section(CHECK.name) {
            rules.off = settings::is_off(Some(&section));
            if let Some(node) = section.node("values") {
                rules.line = node.line;
                rules.values = section.texts("values").iter().map(|said| fold(said)).collect();
            }
            if let Some(allowed) = section.section("allowed") {
                rules.allowed = parse_allowed(&allowed, boundary);
            }
            if section.has("fields") {
                let said = section.texts("fields");
                let fields = said.iter().filter_map(|said| full_field(&section, said, boundary));
                chosen = Some(fields.collect());
            }
        }
        let fields = chosen.unwrap_or_else(|| usual_fields(boundary));
        rules.fields = fields.into_iter().map(|field| rules.judged(field)).collect();
        rules
    }

    fn judged(&self, field: Field) -> Judged {
        let names = field.from().iter().map(String::as_str).chain([field.name()]);
        let labels = names
            .map(|name| letters(name).collect())
            .filter(|label: &String| !label.is_empty())
            .collect();
        let full = field.to_string();
        let allowed = [field.name(), full.as_str()]
            .iter()
            .filter_map(|name| self.allowed.get(*name))
            .flatten()
            .cloned()
            .collect();
        Judged { field, labels, allowed }
    }

    /// True when this check has a finding about the field of the record.
    pub(super) fn speaks_of(&self, row: Row<'_>, field: &Field) -> bool {
        !self.off
            && self
                .fields
                .iter()
                .filter(|judged| judged.field == *field)
                .any(|judged| self.shape(row, judged).is_some() && !self.is_a_name(row, field))
    }

    /// What makes a value a placeholder.
    fn shape(&self, row: Row<'_>, judged: &Judged) -> Option<Shape> {
        let number;
        let value = if judged.field.kind() == Kind::Number {
            number = row.written(&judged.field)?;
            number.as_str()
        } else {
            row.text(&judged.field)?.trim()
        };
        let shape = self.listed(value).or_else(|| {
            if is_repeated(value, judged.field.kind()) {
                Some(Shape::Repeated)
            } else if !value.chars().any(char::is_alphanumeric) {
                Some(Shape::Empty)
            } else {
                judged
                    .labels
                    .iter()
                    .any(|label| letters(value).eq(label.chars()))
                    .then_some(Shape::Label)
            }
        })?;
        (!judged.allowed.iter().any(|allowed| same(allowed, value))).then_some(shape)
    }

    fn listed(&self, value: &str) -> Option<Shape> {
        // Every value of every record comes by here, and nearly all are of plain letters.
        let listed = if value.is_ascii() {
            self.values.iter().any(|known| known.eq_ignore_ascii_case(value))
        } else {
            self.values.iter().any(|known| same(known, value))
        };
        listed.then_some(Shape::Listed)
    }

    /// True for a part of a name that the other part and the mail address bear out: Li Na, Ann Null.
    fn is_a_name(&self, row: Row<'_>, field: &Field) -> bool {
        let Some(other) = self.fields.iter().find(|judged| {
            matches!(
                (field.name(), judged.field.name()),
                ("last_name", "first_name") | ("first_name", "last_name")
            ) && judged.field.object() == field.object()
        }) else {
            return false;
        };
        let (Some(name), Some(partner)) = (row.text(field), row.text(&other.field)) else {
            return false;
        };
        let plausible = partner.chars().filter(|c| c.is_alphabetic()).count() >= 2
            && self.shape(row, other).is_none();
        let email = self.emails.get(&row.object()).and_then(|email| row.text(email));
        let Some(address) = email else { return false };
        plausible && bears_out(address, &fold(name), &fold(partner))
    }
}

/// What makes a value a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Listed,
    Repeated,
    Empty,
    Label,
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Self::Listed => "is one of the placeholders",
            Self::Repeated => "repeats one character",
            Self::Empty => "has neither a letter nor a digit",
            Self::Label => "is the field's own label",
        }
    }
}

fn parse_allowed(section: &Section<'_>, boundary: &Boundary) -> BTreeMap<String, Vec<String>> {
    let mut allowed = BTreeMap::new();
    for (name, node) in section.entries() {
        let known = Object::REVIEWED.into_iter().any(|object| match name.split_once('.') {
            Some((table, field)) => object.key() == table && boundary.field(object, field).is_ok(),
            None => boundary.field(object, name).is_ok(),
        });
        if !known {
            section.problem_with_hint(
                name.line,
                format!("`{}` is not a field of any table", name.value),
                "write `industry` for every table or \"lead.industry\" for one",
            );
        }
        let values = match &node.value {
            Value::Text(value) => vec![fold(value)],
            Value::List(_)
            | Value::Whole(_)
            | Value::Number(_)
            | Value::Flag(_)
            | Value::Date(_)
            | Value::Table(_) => section.texts(name).iter().map(|said| fold(said)).collect(),
        };
        allowed.insert(name.value.clone(), values);
    }
    allowed
}

/// Every name, company, phone, title, city and industry that may be read.
fn usual_fields(boundary: &Boundary) -> Vec<Field> {
    let usual = |field: &&Field| {
        matches!(field.kind(), Kind::Name | Kind::Phone)
            || matches!(field.name(), "company" | "title" | "city" | "industry")
    };
    let fields = Object::REVIEWED.into_iter().flat_map(|object| boundary.fields(object));
    fields.filter(usual).cloned().collect()
}

/// Equal but for case, `known` being folded already. Of plain letters nothing is copied.
fn same(known: &str, value: &str) -> bool {
    if known.is_ascii() {
        known.len() == value.len() && known.eq_ignore_ascii_case(value)
    } else {
        known.chars().eq(value.chars().flat_map(char::to_lowercase))
    }
}

/// `xxxx`, `0000`, and for phones `000-0000`. Three are not enough: AAA and 888 are companies.
fn is_repeated(value: &str, kind: Kind) -> bool {
    let counted = |c: &char| kind != Kind::Phone || c.is_alphanumeric();
    let mut letters = value.chars().filter(counted);
    let Some(first) = letters.next() else { return false };
    let mut count = 1;
    letters.all(|letter| {
        count += 1;
        letter == first
    }) && count >= 4
}

/// True when the part of an address before `@` holds the name together with its partner.
/// An address that is the name alone bears nothing out: test records have such addresses.
fn bears_out(address: &str, name: &str, partner: &str) -> bool {
    let Some((local, _)) = address.split_once('@') else { return false };
    let local = local.to_lowercase();
    let joined: String = letters(&local).collect();
    if joined == *name {
        return false;
    }
    let initial: String = partner.chars().take(1).collect();
    let part = |word: &str| word == name;
    name.chars().count() >= 3 && joined.contains(name)
        || local.split(|c: char| !c.is_alphanumeric()).any(part)
        || [format!("{partner}{name}"), format!("{name}{partner}"), format!("{initial}{name}")]
            .contains(&joined)
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.required.placeholder;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.fields.is_empty() {
        let write = "allow a name, company, phone, title, city or industry in rules/boundary.toml";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for judged in &rules.fields {
        grant.reads(&judged.field);
        if IDENTITY.contains(&judged.field.name()) {
            grant.optional(judged.field.object(), "email");
        }
    }
    let rules = rules.clone();
    Ok(Box::new(move |world| judge(world, &rules)))
}

/// A placeholder that was found.
struct Hit<'w> {
    row: Row<'w>,
    judged: &'w Judged,
    shape: Shape,
}

fn judge(world: &World<'_>, rules: &Rules) -> Judgement {
    let mut judgement = Judgement::default();
    for object in Object::REVIEWED {
        let fields: Vec<_> =
            rules.fields.iter().filter(|judged| judged.field.object() == object).collect();
        if fields.is_empty() {
            continue;
        }
        let Some(batch) = world.batch(object) else {
            judgement.skip(object, "there is no input");
            continue;
        };
        let mut hits = Vec::new();
        for row in batch.reviewed() {
            judgement.examined += 1;
            for judged in &fields {
                if let Some(shape) = rules.shape(row, judged)
                    && !rules.is_a_name(row, &judged.field)
                {
                    hits.push(Hit { row, judged, shape });
                }
            }
        }
        let mut alike: HashMap<(&str, &str), usize> = HashMap::new();
        for hit in &hits {
            if let Some(value) = hit.row.text(&hit.judged.field) {
                *alike.entry((hit.judged.field.name(), value)).or_default() += 1;
            }
        }
        for hits in hits.chunk_by(|a, b| a.row.position() == b.row.position()) {
            let identity =
                hits.iter().filter(|hit| IDENTITY.contains(&hit.judged.field.name())).count();
            if identity >= 2 {
                judgement.findings.extend(test_record(rules, hits));
            } else {
                let one = hits.iter().map(|hit| {
                    let value = hit.row.text(&hit.judged.field).unwrap_or_default();
                    let n = alike.get(&(hit.judged.field.name(), value)).copied().unwrap_or(1);
                    one_field(rules, hit, n)
                });
                judgement.findings.extend(one);
            }
        }
    }
    judgement
}

/// Placeholders where the record should say who it is about: one fault, one finding.
fn test_record(rules: &Rules, hits: &[Hit<'_>]) -> Option<Finding> {
    let first = hits.first()?;
    let names: Vec<_> = hits.iter().map(|hit| label(&hit.judged.field)).collect();
    let object = first.row.object();
    let headline =
        format!("The {object} looks like a test: {} are placeholders", names.join(" and "));
    let question = format!("Does this {object} stand for somebody, or was it made to test a form?");
    let mut finding = Finding::about(
        first.row.record(),
        headline,
        Evidence::Cell(first.row.cell(&first.judged.field)),
        Proposal::ReviewRecord { question },
    );
    for hit in hits.iter().skip(1) {
        finding = finding.because(Evidence::Cell(hit.row.cell(&hit.judged.field)));
    }
    for hit in hits {
        finding = finding.because(says(rules, hit));
    }
    finding = with_email(finding, rules, first.row);
    Some(finding.unless(if email(rules, first.row).is_some() {
        "The address may still reach somebody who did not want to give a name"
    } else {
        "A person or company may really be called that; no address is there to tell"
    }))
}

fn one_field(rules: &Rules, hit: &Hit<'_>, alike: usize) -> Finding {
    let Hit { row, judged, shape } = hit;
    let field = &judged.field;
    let cell = row.cell(field);
    let headline = match cell.shown() {
        Shown::Value(value) | Shown::Masked(value) => {
            format!("{} {}: {value}", title(field), shape.words())
        }
        Shown::Blank | Shown::Never | Shown::Withheld => {
            format!("{} {}", title(field), shape.words())
        }
    };
    let ask = format!("whoever knows the {}", row.object());
    let proposal = Proposal::FillField { before: cell.clone(), ask };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .because(says(rules, hit));
    if IDENTITY.contains(&field.name()) {
        finding = with_email(finding, rules, *row);
        let doubt = match (field.name(), email(rules, *row).is_some()) {
            ("first_name" | "last_name", true) => {
                "Null, Test and Na are names too; the address does not bear this one out"
            }
            ("full_name", true) => "Null, Test and Na are names too; the address would tell",
            ("first_name" | "last_name" | "full_name", false) => {
                "Null, Test and Na are names too; no address is there to tell"
            }
            (_, true) => "A company may be called that; the domain of the address would tell",
            (_, false) => "A company may be called that; no address is there to tell",
        };
        return finding.unless(doubt);
    }
    if alike >= 10 && field.kind() == Kind::Picklist {
        return finding.unless(format!(
            "{alike} {} hold the same value: it may mean something here, and then it belongs in `allowed`",
            row.object().plural()
        ));
    }
    if field.kind() == Kind::Phone {
        return finding.unless("A line may really have this number: one call would tell");
    }
    finding.unless(format!(
        "The value may mean something in {}; then it belongs in `allowed`",
        label(field)
    ))
}

fn says(rules: &Rules, hit: &Hit<'_>) -> Evidence {
    let line = if hit.shape == Shape::Listed { rules.line } else { 0 };
    policy(line, format!("{} is a placeholder when it {}", hit.judged.field, hit.shape.words()))
}

fn email(rules: &Rules, row: Row<'_>) -> Option<Cell> {
    let email = rules.emails.get(&row.object())?;
    (!row.is_blank(email)).then(|| row.cell(email))
}

fn with_email(finding: Finding, rules: &Rules, row: Row<'_>) -> Finding {
    match email(rules, row) {
        Some(cell) => finding.because(Evidence::Cell(cell)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Document, Log};

    use super::*;

    #[test]
    fn the_shipped_rules_say_what_the_default_is() {
        let log = Log::default();
        let shipped = Document::parse(FILE, Family::Required.shipped(), &log);
        let root = shipped.root(&log);
        let values = root.section(CHECK.name).unwrap().texts("values");
        assert_eq!(values.iter().map(|said| said.value).collect::<Vec<_>>(), USUAL);
    }

    #[track_caller]
    fn check_repeated(value: &str, kind: Kind, expected: bool) {
        assert_eq!(is_repeated(value, kind), expected, "{value} as {kind:?}");
    }

    #[test]
    fn four_equal_characters_are_no_value_and_three_are_a_company() {
        check_repeated("xxxx", Kind::Name, true);
        check_repeated("0000", Kind::Text, true);
        check_repeated("AAA", Kind::Name, false);
        check_repeated("888", Kind::Name, false);
        check_repeated("000-000-0000", Kind::Phone, true);
        check_repeated("+1 111 111 1111", Kind::Phone, true);
        check_repeated("555-5556", Kind::Phone, false);
        check_repeated("", Kind::Name, false);
    }

    #[track_caller]
    fn check_name(address: &str, name: &str, partner: &str, expected: bool) {
        assert_eq!(bears_out(address, name, partner), expected, "{partner} {name} <{address}>");
    }

    #[test]
    fn an_address_with_the_name_in_it_bears_a_surname_out() {
        check_name("ann.null@example.com", "null", "ann", true);
        check_name("anull@example.com", "null", "ann", true);
        check_name("lina@example.com", "na", "li", true);
        check_name("na.li@example.com", "na", "li", true);
        check_name("nadine@example.com", "na", "nadine", false);
        check_name("test@example.com", "test", "john", false);
        check_name("info@example.com", "null", "ann", false);
    }
}
