//! REQ-03: a value that cannot be what its field holds.
//!
//! Does not: try an address or a number, repeat a value that may not be shown, or judge placeholders.

use hashbrown::HashMap;

use crate::boundary::{Boundary, Exposure, Field, Grant, Kind, Object, Row, letters};
use crate::check::settings::{self, days};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::matching::normalise;
use crate::policy::{Section, nearest};

use super::super::condition::{When, fold};
use super::super::ladder::Ladders;
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::stage::{FromStage, Place, Places};
use super::{FILE, object_and_field, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-03",
    name: "invalid",
    family: Family::Required,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A mail address or a phone number is malformed, a value is not in the list the rules \
              give for its field, or an amount is not above zero at a late stage.",
    consequence: "Mails bounce, calls fail, and sums and segments are wrong.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// Every address and phone number that is allowed.
    shaped: Vec<Field>,
    lists: Vec<List>,
    positives: Vec<Positive>,
}

/// One `[[invalid.list]]`.
#[derive(Debug, Clone)]
struct List {
    field: Field,
    values: Vec<String>,
    line: usize,
}

/// One `[[invalid.positive]]`.
#[derive(Debug, Clone)]
struct Positive {
    field: Field,
    from: FromStage,
    except: When,
    line: usize,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Self {
        let shaped = Object::REVIEWED
            .into_iter()
            .flat_map(|object| boundary.fields(object))
            .filter(|field| matches!(field.kind(), Kind::Email | Kind::Phone))
            .cloned()
            .collect();
        let mut rules = Self { off: false, shaped, lists: Vec::new(), positives: Vec::new() };
        if let Some(section) = root.section(CHECK.name) {
            rules.off = settings::is_off(Some(&section));
            let lists = section.sections("list");
            rules.lists = lists.iter().filter_map(|list| List::parse(list, boundary)).collect();
            let positives = section.sections("positive");
            rules.positives = positives
                .iter()
                .filter_map(|positive| Positive::parse(positive, ladders, boundary))
                .collect();
        }
        rules
    }

    /// The fields of one object that are judged at all.
    fn fields(&self) -> impl Iterator<Item = &Field> {
        let lists = self.lists.iter().map(|list| &list.field);
        let positives = self.positives.iter().map(|positive| &positive.field);
        self.shaped.iter().chain(lists).chain(positives)
    }
}

impl List {
    fn parse(section: &Section<'_>, boundary: &Boundary) -> Option<Self> {
        let values: Vec<_> =
            section.texts("values").iter().map(|said| said.trim().to_owned()).collect();
        if values.is_empty() {
            section.missing("values");
        }
        let (_, field) = object_and_field(section, boundary)?;
        if field.name() == "lead_source" {
            section.problem_with_hint(
                field.line,
                "SRC-05 looks after lead sources",
                "take this entry out; see [taxonomy] in rules/lead-source.toml",
            );
        }
        Some(Self { field: field.value, values, line: section.line() })
    }
}

impl Positive {
    fn parse(section: &Section<'_>, ladders: &Ladders, boundary: &Boundary) -> Option<Self> {
        let Some((object, field)) = object_and_field(section, boundary) else {
            section.knows_all();
            return None;
        };
        if field.kind() != Kind::Number {
            section.problem_with_hint(
                field.line,
                format!("`{}` is not a number", *field),
                "an amount needs `kind = \"number\"` in rules/boundary.toml",
            );
        }
        Some(Self {
            field: field.value,
            from: FromStage::parse(section, object, ladders),
            except: When::parse(section, "except", object, boundary),
            line: section.line(),
        })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = &policies.required.invalid;
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.fields().next().is_none() {
        let write =
            "allow an address or a phone in rules/boundary.toml, or add an [[invalid.list]]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    for field in rules.fields() {
        grant.reads(field);
        grant.optional(field.object(), "last_activity");
    }
    for positive in &rules.positives {
        positive.except.ask(grant);
        policies.ladders.ask(positive.field.object(), grant);
    }
    let rules = rules.clone();
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for object in Object::REVIEWED {
            judge(world, object, &rules, &mut judgement);
        }
        judgement
    }))
}

fn judge(world: &World<'_>, object: Object, rules: &Rules, judgement: &mut Judgement) {
    let here = |field: &Field| field.object() == object;
    if !rules.fields().any(here) {
        return;
    }
    let Some(batch) = world.batch(object) else {
        judgement.skip(object, "there is no input");
        return;
    };
    let shaped: Vec<_> = rules.shaped.iter().filter(|field| here(field)).collect();
    let mut lists: Vec<_> = rules
        .lists
        .iter()
        .filter(|list| here(&list.field))
        .map(|list| (list, HashMap::<&str, bool>::new()))
        .collect();
    let positives: Vec<_> =
        rules.positives.iter().filter(|positive| here(&positive.field)).collect();
    let mut places = Places::of(world, object);
    let is_placeholder =
        |row: Row<'_>, field: &Field| world.policies.required.is_placeholder(row, field);
    for row in batch.reviewed() {
        judgement.examined += 1;
        for field in &shaped {
            if let Some(fault) = row.text(field).and_then(|value| fault(field.kind(), value))
                && !is_placeholder(row, field)
            {
                judgement.findings.push(malformed(world, row, field, fault));
            }
        }
        for (list, known) in &mut lists {
            let Some(value) = row.text(&list.field) else { continue };
            let listed = *known.entry(value).or_insert_with(|| {
                let value = fold(value);
                list.values.iter().any(|known| fold(known) == value)
            });
            if !listed && !is_placeholder(row, &list.field) {
                judgement.findings.push(unlisted(row, list, value));
            }
        }
        if positives.is_empty() {
            continue;
        }
        let place = places.place(row);
        for positive in &positives {
            if positive.is_broken_by(row, place) {
                judgement.findings.push(not_positive(row, positive, &places));
            }
        }
    }
}

impl Positive {
    fn is_broken_by(&self, row: Row<'_>, place: Place) -> bool {
        row.number(&self.field).is_some_and(|amount| amount <= 0.0)
            && self.from.reached(place) == Some(true)
            && (self.except.all.is_empty() || !self.except.holds(row))
    }
}

/// What is wrong with the shape of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    NoAt,
    SeveralAts,
    Space,
    Sign,
    NothingBefore,
    NothingBehind,
    TwoDots,
    DotAtEdge,
    DomainDotAtEdge,
    DomainWithoutDot,
    DomainHyphenAtEdge,
    DomainSign,
    NoTopLevel,
    Letters,
    FewDigits,
    ManyDigits,
}

impl Fault {
    /// The fault in words, without the value.
    fn words(self) -> &'static str {
        match self {
            Self::NoAt => "it has no @",
            Self::SeveralAts => "it has more than one @",
            Self::Space => "it has a space in it",
            Self::Sign => "it has a sign that addresses cannot have",
            Self::NothingBefore => "there is nothing before the @",
            Self::NothingBehind => "there is nothing behind the @",
            Self::TwoDots => "it has two dots in a row",
            Self::DotAtEdge => "there is a dot at the edge of the part before the @",
            Self::DomainDotAtEdge => "its domain begins or ends with a dot",
            Self::DomainWithoutDot => "its domain has no dot",
            Self::DomainHyphenAtEdge => "its domain has a hyphen at an edge",
            Self::DomainSign => "its domain has a sign that domains cannot have",
            Self::NoTopLevel => "its domain does not end in a top-level domain",
            Self::Letters => "it has letters that are not an extension",
            Self::FewDigits => "it has fewer than 6 digits",
            Self::ManyDigits => "it has more than 20 digits",
        }
    }

    /// Why the value may be right all the same.
    fn doubt(self) -> &'static str {
        match self {
            Self::SeveralAts | Self::Sign => {
                "Two addresses may have been put into one field on purpose"
            }
            Self::NoAt
            | Self::Space
            | Self::NothingBefore
            | Self::NothingBehind
            | Self::TwoDots
            | Self::DotAtEdge
            | Self::DomainDotAtEdge
            | Self::DomainWithoutDot
            | Self::DomainHyphenAtEdge
            | Self::DomainSign
            | Self::NoTopLevel => "The right address may be in another field that is not read",
            Self::FewDigits => "It may be an extension inside the company",
            Self::ManyDigits => "Two numbers may have been put into one field",
            Self::Letters => "The number may be right and the words beside it a remark",
        }
    }
}

/// What is wrong with the shape of a value, if anything is.
fn fault(kind: Kind, value: &str) -> Option<Fault> {
    match kind {
        Kind::Email => normalise::addresses(value).find_map(|it| email_fault(it.trim())),
        Kind::Phone => phone_fault(value.trim()),
        Kind::Id
        | Kind::Picklist
        | Kind::Date
        | Kind::Number
        | Kind::Flag
        | Kind::Web
        | Kind::Name
        | Kind::Text
        | Kind::Address => None,
    }
}

/// Letters of any script and every sign that mail systems take are fine: only what cannot be delivered counts.
fn email_fault(address: &str) -> Option<Fault> {
    let mut parts = address.split('@');
    let (local, domain) = (parts.next().unwrap_or_default(), parts.next());
    let Some(domain) = domain else { return Some(Fault::NoAt) };
    if parts.next().is_some() {
        return Some(Fault::SeveralAts);
    }
    if address.contains(char::is_whitespace) {
        return Some(Fault::Space);
    }
    if address.contains([',', ';', '<', '>', '(', ')', '[', ']', '"', '\\', ':']) {
        return Some(Fault::Sign);
    }
    if local.is_empty() {
        return Some(Fault::NothingBefore);
    }
    if domain.is_empty() {
        return Some(Fault::NothingBehind);
    }
    if address.contains("..") {
        return Some(Fault::TwoDots);
    }
    if local.starts_with('.') || local.ends_with('.') {
        return Some(Fault::DotAtEdge);
    }
    if domain.starts_with('.') || domain.ends_with('.') {
        return Some(Fault::DomainDotAtEdge);
    }
    let Some((_, top)) = domain.rsplit_once('.') else { return Some(Fault::DomainWithoutDot) };
    if domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Some(Fault::DomainHyphenAtEdge);
    }
    if domain.chars().any(|c| !(c.is_alphanumeric() || is_mark(c) || matches!(c, '-' | '.'))) {
        return Some(Fault::DomainSign);
    }
    // One with other letters than ASCII's may stand in its encoded form, which has digits.
    let is_encoded = top.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let is_letter = |c: char| c.is_alphabetic() || is_mark(c);
    let is_word = top.chars().count() >= 2 && (is_encoded || top.chars().all(is_letter));
    (!is_word).then_some(Fault::NoTopLevel)
}

/// Signs that belong to letters in scripts such as Devanagari, which Unicode does not call letters.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && !c.is_control()
}

/// Words that stand beside a phone number.
const PHONE_WORDS: [&str; 33] = [
    "x",
    "ext",
    "extn",
    "extension",
    "poste",
    "dw",
    "durchwahl",
    "nst",
    "int",
    "anexo",
    "ramal",
    "tel",
    "t",
    "phone",
    "ph",
    "p",
    "telefon",
    "mobile",
    "mob",
    "mobil",
    "m",
    "cell",
    "c",
    "office",
    "o",
    "work",
    "w",
    "home",
    "h",
    "fax",
    "direct",
    "main",
    "or",
];

/// Prefixes under which companies advertise words instead of digits: 1-800-FLOWERS.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

fn phone_fault(phone: &str) -> Option<Fault> {
    let digits = phone.chars().filter(|c| c.is_numeric()).count();
    let mut words = phone
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .filter(|word| !PHONE_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)));
    if words.next().is_some() {
        return (!is_vanity(phone)).then_some(Fault::Letters);
    }
    if digits < 6 {
        Some(Fault::FewDigits)
    } else if digits > 20 {
        Some(Fault::ManyDigits)
    } else {
        None
    }
}

fn is_vanity(phone: &str) -> bool {
    let signs: String = phone.chars().filter(char::is_ascii_alphanumeric).collect();
    let signs = signs.strip_prefix('1').unwrap_or(&signs);
    signs.len() >= 10 && TOLL_FREE.iter().any(|prefix| signs.starts_with(prefix))
}

fn malformed(world: &World<'_>, row: Row<'_>, field: &Field, fault: Fault) -> Finding {
    let among = row.text(field).filter(|_| field.kind() == Kind::Email);
    let is_listed = among.is_some_and(|value| normalise::addresses(value).nth(1).is_some());
    let one_of = if is_listed { "of one of its addresses: " } else { "" };
    let headline = format!("{} is malformed: {one_of}{}", title(field), fault.words());
    let ask = format!("whoever has the {}'s card or last mail", row.object());
    let cell = row.cell(field);
    let proposal = Proposal::FillField { before: cell.clone(), ask };
    let form = if field.kind() == Kind::Email {
        "a mail address has one @ and a domain with a dot"
    } else {
        "a phone number has 6 to 20 digits, and letters only before an extension"
    };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .because(policy(0, form));
    let active = world.policies.boundary.field(row.object(), "last_activity").ok();
    if let Some(active) = active
        && let Some(ago) = row.time(&active).map(|at| world.as_of.days_since(at))
        && (0..=30).contains(&ago)
    {
        finding = finding.because(Evidence::Cell(row.cell(&active))).unless(format!(
            "There was activity {} ago: somebody reaches this {} all the same",
            days(ago),
            row.object()
        ));
    }
    finding.unless(fault.doubt())
}

fn unlisted(row: Row<'_>, list: &List, value: &str) -> Finding {
    let field = &list.field;
    let cell = row.cell(field);
    let headline = format!("{} is not in the list: {}", title(field), cell.shown());
    // What is near to a value that may not be shown would show it.
    let near = (field.exposure() == Exposure::Shown)
        .then(|| nearest(value, list.values.iter().map(String::as_str)))
        .flatten();
    let ask = format!("whoever knows the {}", row.object());
    let proposal = Proposal::FillField { before: cell.clone(), ask };
    let doubt = if list.values.iter().any(|known| spelled_alike(known, value)) {
        "It differs from a listed value by spaces or punctuation only"
    } else {
        "The list in the rules may lack a value that the CRM allows"
    };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .because(policy(list.line, format!("{field} is one of {} values", list.values.len())));
    if let Some(near) = near {
        let of = "nearest listed value".to_owned();
        finding = finding.because(Evidence::Figure { of, is: near.to_owned() });
    }
    finding.unless(doubt)
}

fn spelled_alike(known: &str, value: &str) -> bool {
    letters(known).eq(letters(value))
}

fn not_positive(row: Row<'_>, positive: &Positive, places: &Places<'_>) -> Finding {
    let field = &positive.field;
    let object = row.object();
    let cell = row.cell(field);
    let stage = places.ladder().map(|ladder| row.cell(&ladder.field));
    let at = stage.as_ref().map_or_else(String::new, |stage| format!(" at {}", stage.shown()));
    let headline =
        format!("{} is {}{at}; above zero {}", title(field), cell.shown(), positive.from.words());
    let ask = format!("the {object}'s owner");
    let proposal = Proposal::FillField { before: cell.clone(), ask };
    let above = format!("{field} is above zero {}", positive.from.words());
    let says = if positive.except.all.is_empty() {
        above
    } else {
        format!("{above}, except where {}", positive.except.words())
    };
    let mut finding = Finding::about(row.record(), headline, Evidence::Cell(cell), proposal)
        .because(policy(positive.line, says));
    if let Some(stage) = stage {
        finding = finding.because(Evidence::Cell(stage));
    }
    for except in positive.except.fields() {
        finding = finding.because(Evidence::Cell(row.cell(except)));
        if row.is_blank(except) {
            finding = finding.lacking(format!("{except} is blank"));
        }
    }
    finding.unless(if positive.except.all.is_empty() {
        format!(
            "Renewals and trials can be free: the rules name no kind of {object} as an exception"
        )
    } else {
        format!("Another kind of {object} may be free that the exception does not name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, value: &str, expected: Option<&str>) {
        assert_eq!(fault(kind, value).map(Fault::words), expected, "{value} as {kind:?}");
    }

    #[test]
    fn addresses_of_every_script_are_fine_and_undeliverable_ones_are_not() {
        for fine in [
            "ann@example.com",
            "ann+crm@example.co.uk",
            "o'brien_1@sub.example.museum",
            "jörg@müller.de",
            "用户@例子.公司",
            "ajay@डाटा.भारत",
            "a@xn--mller-kva.de",
            "a@example.xn--p1ai",
            " ann@example.com ",
        ] {
            check(Kind::Email, fine, None);
        }
        check(Kind::Email, "ann.example.com", Some("it has no @"));
        check(Kind::Email, "ann@@example.com", Some("it has more than one @"));
        check(Kind::Email, "ann bell@example.com", Some("it has a space in it"));
        check(Kind::Email, "ann@example", Some("its domain has no dot"));
        check(Kind::Email, "ann@example.com.", Some("its domain begins or ends with a dot"));
        check(Kind::Email, "ann@example..com", Some("it has two dots in a row"));
        check(
            Kind::Email,
            ".ann@example.com",
            Some("there is a dot at the edge of the part before the @"),
        );
        check(Kind::Email, "@example.com", Some("there is nothing before the @"));
        check(Kind::Email, "ann@", Some("there is nothing behind the @"));
        check(Kind::Email, "ann@10.0.0.1", Some("its domain does not end in a top-level domain"));
        check(
            Kind::Email,
            "ann@example.c0m",
            Some("its domain does not end in a top-level domain"),
        );
        check(
            Kind::Email,
            "ann@exa_mple.com",
            Some("its domain has a sign that domains cannot have"),
        );
        check(Kind::Email, "ann@a.com/bo@b.com", Some("it has more than one @"));
        // Of a list each is judged.
        check(Kind::Email, "ann@a.com;bo@b.com, cy@c.com", None);
        check(Kind::Email, "ann@a.com;bo@b", Some("its domain has no dot"));
        check(Kind::Email, "ann@a.com, bo", Some("it has a space in it"));
        check(Kind::Email, "ann@a.com,", Some("it has a sign that addresses cannot have"));
        check(Kind::Email, "ann;@a.com", Some("it has a sign that addresses cannot have"));
    }

    #[test]
    fn phones_may_carry_an_extension_or_an_advertised_word() {
        for fine in [
            "+49 (0)30 123456",
            "030/123456-78",
            "(555) 010-2000 x123",
            "555-010-2000 ext. 12",
            "Tel: 030 123456",
            "1-800-FLOWERS",
            "٠١٢٣٤٥٦٧",
        ] {
            check(Kind::Phone, fine, None);
        }
        check(Kind::Phone, "4711", Some("it has fewer than 6 digits"));
        check(Kind::Phone, "123456789012345678901", Some("it has more than 20 digits"));
        check(Kind::Phone, "call Ann first", Some("it has letters that are not an extension"));
    }
}
