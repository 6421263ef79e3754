//! The data boundary: what may come in, under which name, why, and how it may be shown.
//!
//! A [`Field`] is proof that a column is allowlisted: only [`Boundary::parse`] mints one.
//! A [`Batch`] fills only through [`Boundary::admit`]; cells of other columns are never copied.
//! Does not: know a CRM, a rule or a file format.

mod batch;
mod column;
mod figure;
mod glance;
mod index;
mod intake;
mod kept;
mod kind;
mod outside;
mod scanner;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use crate::policy::{Document, Log, Node, Said, Section, nearest};

pub use batch::{
    Batch, Cell, RecordRef, Row, Shown, is_bare_day, is_domain, masked_address, named_day,
    written_number,
};
pub use figure::DecimalMark;
pub use intake::{
    Admission, AdmitError, ColumnMap, Gathered, Intake, Load, Misfit, Taken, Withheld, ordinal,
    place_of, start_of_day,
};
pub use kind::{
    CHANGED, DateOrder, HAPPENED, Kind, NOT_AN_ID, id_key, ids, in_full, is_spreadsheet_number,
    letters,
};
use kind::{REFERENCES, TOLD_DATES};
pub use outside::{Exclusions, Outside};

/// The tables a review reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A person who is not yet a contact (Salesforce leads).
    Lead,
    /// A person (HubSpot keeps leads here too).
    Contact,
    /// A company.
    Account,
    /// An opportunity.
    Deal,
    /// Someone who can own records.
    User,
    /// A queue that can own records.
    Queue,
    /// A person's response to a campaign.
    CampaignMember,
    /// One change of one field of one record.
    FieldHistory,
    /// A row of the extract from the system of record.
    SystemRecord,
}

impl Object {
    /// Every table, in reading order.
    pub const ALL: [Self; 9] = [
        Self::Lead,
        Self::Contact,
        Self::Account,
        Self::Deal,
        Self::User,
        Self::Queue,
        Self::CampaignMember,
        Self::FieldHistory,
        Self::SystemRecord,
    ];

    /// The tables whose records are reviewed; the others serve as reference.
    pub const REVIEWED: [Self; 4] = [Self::Lead, Self::Contact, Self::Account, Self::Deal];

    /// The name used in rules and outputs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Contact => "contact",
            Self::Account => "account",
            Self::Deal => "deal",
            Self::User => "user",
            Self::Queue => "queue",
            Self::CampaignMember => "campaign_member",
            Self::FieldHistory => "field_history",
            Self::SystemRecord => "system_record",
        }
    }

    /// The table of that name.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.key() == key)
    }

    /// So many of its records: `1 deal`, `20 deals`.
    pub fn counted(self, count: usize) -> String {
        match count {
            1 => format!("1 {}", self.key().replace('_', " ")),
            more => format!("{more} {}", self.plural()),
        }
    }

    /// The field that names a row of the table.
    pub fn row_key(self) -> &'static str {
        match self {
            Self::Lead | Self::Contact | Self::Account | Self::Deal | Self::User | Self::Queue => {
                "id"
            }
            Self::CampaignMember | Self::FieldHistory => "record",
            Self::SystemRecord => "key",
        }
    }

    /// What a person calls several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Lead => "leads",
            Self::Contact => "contacts",
            Self::Account => "accounts",
            Self::Deal => "deals",
            Self::User => "users",
            Self::Queue => "queues",
            Self::CampaignMember => "campaign members",
            Self::FieldHistory => "field changes",
            Self::SystemRecord => "system records",
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// How a field's values may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// As they are.
    Shown,
    /// Shortened so that a person who knows the record recognises it.
    Masked,
    /// Compared, never rendered.
    Never,
}

impl Exposure {
    const WORDS: [(&'static str, Self); 3] =
        [("shown", Self::Shown), ("masked", Self::Masked), ("never", Self::Never)];

    /// The word used in `boundary.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Masked => "masked",
            Self::Never => "never",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct FieldDef {
    object: Object,
    name: String,
    from: Vec<String>,
    why: String,
    exposure: Exposure,
    kind: Kind,
    dates: Option<DateOrder>,
    decimal: Option<DecimalMark>,
    values: Vec<String>,
    /// What a flag's cells say for yes and for no, folded; besides what they say everywhere.
    flags: Vec<(String, bool)>,
    slot: usize,
}

/// Proof that a column is allowlisted. Minted by [`Boundary::parse`] alone: it can be kept and not forged.
///
/// ```
/// # use crm_review::boundary::Field;
/// fn kept(kept: Field) -> Field { kept }
/// ```
/// ```compile_fail
/// # use crm_review::boundary::Field;
/// fn forged(kept: Field) -> Field { Field(kept.0) }
/// ```
#[derive(Debug, Clone)]
pub struct Field(Arc<FieldDef>);

impl Field {
    /// The table it belongs to.
    pub fn object(&self) -> Object {
        self.0.object
    }

    /// The canonical name that rules use.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The shape its values have.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// How its values may be shown.
    pub fn exposure(&self) -> Exposure {
        self.0.exposure
    }

    /// Why it may be read, in the owner's words.
    pub fn why(&self) -> &str {
        &self.0.why
    }

    /// The column names it may come from, in order of preference.
    pub fn from(&self) -> &[String] {
        &self.0.from
    }

    /// The column names that would do, in words.
    fn expected(&self) -> String {
        let names: Vec<_> = self.from().iter().map(|name| format!("`{name}`")).collect();
        names.join(" or ")
    }

    /// The values a picklist may hold; empty when none are declared.
    pub fn values(&self) -> &[String] {
        &self.0.values
    }

    /// What a flag's cell says, where the allowlist knows its word.
    fn flag(&self, cell: &str) -> Option<bool> {
        if self.0.flags.is_empty() {
            return None;
        }
        let cell = cell.trim().to_lowercase();
        self.0.flags.iter().find(|(word, _)| *word == cell).map(|(_, flag)| *flag)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        (self.0.object, &self.0.name) == (other.0.object, &other.0.name)
    }
}
impl Eq for Field {}
impl PartialOrd for Field {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Field {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.object, &self.0.name).cmp(&(other.0.object, &other.0.name))
    }
}
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.object, self.0.name)
    }
}

/// What happens to a column that nobody listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// It is left in the file and counted.
    Drop,
    /// The input is refused.
    Refuse,
}

/// The allowlist: every field that may be read, and the names that never may.
#[derive(Debug, Clone)]
pub struct Boundary {
    fields: BTreeMap<Object, BTreeMap<String, Field>>,
    blocked: Vec<String>,
    unlisted: Unlisted,
    /// The name of the list of the records that are excluded.
    exclusions_file: Option<Said<String>>,
    exclusions: Exclusions,
}

/// Names that no allowlist can allow, in the languages whose exports a draft reads: free text about people
/// and deals, and credentials.
const ALWAYS_BLOCKED: &[&str] = &[
    "*note*",
    "*description*",
    "*comment*",
    "*transcript*",
    "ssn*",
    "*ssn",
    "*socialsecurity*",
    "*password*",
    "*passwd*",
    "*apikey*",
    "*secret*",
    "*accesstoken*",
    "*privatekey*",
    "*creditcard*",
    "*cardnumber*",
    "iban*",
    "*iban",
    "*passport*",
    "*socialinsurance*",
    "*nationalinsurance*",
    // German.
    "*notiz*",
    "*beschreibung*",
    "*kommentar*",
    "*bemerkung*",
    "*anmerkung*",
    "*freitext*",
    "*transkript*",
    "*passwort*",
    "*kennwort*",
    "*sozialversicherung*",
    "*steuerid*",
    "*kreditkarte*",
    "*reisepass*",
    "*ausweisnummer*",
    "*personalausweis*",
    // French.
    "*remarque*",
    "*motdepasse*",
    "*securitesociale*",
    "*cartebancaire*",
    "*cartedecredit*",
    "*passeport*",
    // Spanish.
    "*comentario*",
    "*descripcion*",
    "*observacion*",
    "*contrasena*",
    "*seguridadsocial*",
    "*tarjetadecredito*",
    "*pasaporte*",
    "*documentodeidentidad*",
    // Italian. A company has a `partita IVA`.
    "*codicefiscale*",
];

/// Names that are blocked as words of a name: inside a word they are chance, as in `Business Name` or
/// `International Id`.
const ALWAYS_BLOCKED_WORDS: &[&str] = &[
    "ssn",
    "iban",
    "nota",
    "notas",
    "dni",
    "national id",
    "credential",
    "credentials",
    "token",
    "tokens",
    "cvv",
    "cvc",
    "pin",
    // National ids of Great Britain, Brazil, Poland and the Netherlands.
    "nino",
    "cpf",
    "pesel",
    "bsn",
];

/// The blocked word that a name holds: `Customer_SSN__c`, `customerSsnLast4`; or words, one behind the
/// other or as one: `National ID`, `nationalid`.
fn blocked_word(name: &str) -> Option<&'static str> {
    let mut words = vec![String::new()];
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(c) = letters.next() {
        let begins = c.is_uppercase()
            && (before.is_lowercase() || letters.peek().is_some_and(|next| next.is_lowercase()));
        if begins || !c.is_alphabetic() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphabetic()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    ALWAYS_BLOCKED_WORDS.iter().copied().find(|blocked| {
        let parts: Vec<&str> = blocked.split(' ').collect();
        let is_one = |word: &String| *word == parts.concat();
        words.iter().any(is_one) || words.windows(parts.len()).any(|words| words == parts)
    })
}

/// Lower case without spaces, punctuation and accents, so that `API Key`, `api_key` and `ApiKey__c` are one
/// name, and so are `Descripción` and `descripcion`.
fn folded(name: &str) -> String {
    let letters = name.nfkd().filter(|c| c.is_alphanumeric() || *c == '*');
    letters.flat_map(char::to_lowercase).collect()
}

/// True when a folded name fits a folded pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = rest.get(at + before.len()..).unwrap_or_default(),
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// True for column names that no allowlist can allow.
pub fn is_always_blocked(column: &str) -> bool {
    let name = folded(column);
    ALWAYS_BLOCKED.iter().any(|pattern| fits(pattern, &name)) || blocked_word(column).is_some()
}

/// The words that an entry gives for yes and for no.
fn flags(entry: &Section<'_>, kind: Kind) -> Vec<(String, bool)> {
    let mut flags: Vec<(String, bool)> = Vec::new();
    for (key, flag) in [("yes", true), ("no", false)] {
        for said in entry.texts(key) {
            let word = said.trim().to_lowercase();
            if kind != Kind::Flag {
                entry.problem_with_hint(
                    said.line,
                    format!("`{key}` is for flags, and this is a {}", kind.word()),
                    "add kind = \"flag\", or take it out",
                );
            } else if flags.iter().any(|(known, other)| *known == word && *other != flag) {
                entry.problem(said.line, format!("`{word}` stands for yes and for no"));
            } else {
                flags.push((word, flag));
            }
        }
    }
    flags
}

/// Notes what keeps a field from saying that a row stays outside the review.
fn fit_to_leave_out(
    entry: &Section<'_>,
    line: usize,
    object: Object,
    outside: Outside,
    kind: Kind,
) {
    let name = format!("{object}.{}", outside.word());
    if !Outside::is_said_of(object) {
        entry.problem_with_hint(
            line,
            format!("`{name}` cannot leave anybody out: who owns records has to be known"),
            format!("list who left as `{object}.active`"),
        );
    } else if kind != Kind::Flag {
        entry.problem_with_hint(
            line,
            format!("`{name}` is a {}, and rows are left out by a flag", kind.word()),
            "take `kind` out; `yes` and `no` name the words of the column",
        );
    }
}

impl Boundary {
    /// Reads `boundary.toml`. Problems go to the log; the result is only used when there are none.
    pub fn parse(document: &Document, log: &Log) -> Self {
        let root = document.root(log);
        let mut boundary = Self {
            fields: BTreeMap::new(),
            blocked: ALWAYS_BLOCKED.iter().map(|&name| name.to_owned()).collect(),
            unlisted: root
                .choice("unlisted", &[("drop", Unlisted::Drop), ("refuse", Unlisted::Refuse)])
                .unwrap_or(Unlisted::Drop),
            exclusions_file: None,
            exclusions: Exclusions::default(),
        };
        if let Some(excluded) = root.section("excluded") {
            let file = excluded.required_text("ids");
            boundary.exclusions_file =
                file.map(|file| Said { value: file.value.to_owned(), line: file.line });
        }
        if let Some(blocked) = root.section("blocked") {
            for name in blocked.texts("names") {
                if folded(&name).trim_matches('*').is_empty() {
                    blocked.problem(name.line, "this pattern blocks everything or nothing");
                } else {
                    boundary.blocked.push(folded(&name));
                }
            }
        }
        for object in Object::ALL {
            if let Some(section) = root.section(object.key()) {
                boundary.parse_object(object, &section);
            }
        }
        if boundary.fields.is_empty() {
            root.problem_with_hint(0, "no field is allowed", "add a table such as [lead.fields]");
        }
        boundary
    }

    fn parse_object(&mut self, object: Object, section: &Section<'_>) {
        let Some(listed) = section.section("fields") else {
            section.missing("fields");
            return;
        };
        let mut sources: BTreeMap<String, String> = BTreeMap::new();
        let key = object.row_key();
        let mut has_key = false;
        for (slot, (name, node)) in listed.entries().enumerate() {
            has_key |= name.value == key;
            let Some(field) = self.parse_field(object, slot, name, node, &listed) else { continue };
            for source in field.from() {
                if let Some(other) = sources.insert(source.clone(), name.value.clone()) {
                    listed.problem(
                        name.line,
                        format!("`{name}` and `{other}` both come from `{source}`", name = **name),
                    );
                }
            }
            self.fields.entry(object).or_default().insert(name.value.clone(), field);
        }
        if !has_key {
            listed.problem_with_hint(
                section.line(),
                format!("[{object}.fields] has no `{key}`"),
                "every record must be nameable in evidence",
            );
        }
    }

    fn parse_field(
        &self,
        object: Object,
        slot: usize,
        name: &str,
        node: &Node,
        listed: &Section<'_>,
    ) -> Option<Field> {
        let entry = listed.as_section(name, node)?;
        let from = entry.texts("from");
        let why = entry.text("why").filter(|why| !why.trim().is_empty());
        let exposure = entry.choice("show", &Exposure::WORDS).unwrap_or(Exposure::Shown);
        let kind = entry.choice("kind", &Kind::WORDS).unwrap_or_else(|| Kind::usual(name));
        let dates = entry.choice("dates", &DateOrder::WORDS);
        let decimal = entry.choice("decimal", &DecimalMark::WORDS);
        let values = entry.texts("values").iter().map(|value| value.trim().to_owned()).collect();
        let flags = flags(&entry, kind);
        if why.is_none() {
            entry.problem_with_hint(
                node.line,
                format!("`{object}.{name}` has no `why`"),
                "a field nobody can explain is not read: say in one line what it is needed for",
            );
        }
        // A blank name would fit any column that has none.
        if from.is_empty() || from.iter().any(|source| source.trim().is_empty()) {
            entry.problem_with_hint(
                node.line,
                format!("`{object}.{name}` has no `from`"),
                "name the column it comes from",
            );
        }
        for source in from.iter().map(|source| source.value).chain([name]) {
            if let Some(pattern) = self.blocking(source) {
                entry.problem_with_hint(
                    node.line,
                    format!("`{source}` is blocked by `{pattern}` and cannot be allowed"),
                    "take the field off the list; blocked names always win",
                );
            }
        }
        if name == object.row_key() && exposure != Exposure::Shown {
            entry.problem_with_hint(
                node.line,
                format!("`{object}.{name}` cannot be {}", exposure.word()),
                "it names the record in every finding; take `show` out, or use another id",
            );
        }
        if name != object.row_key() && REFERENCES.contains(&name) && exposure != Exposure::Shown {
            entry.problem_with_hint(
                node.line,
                format!("`{object}.{name}` cannot be {}", exposure.word()),
                "it names another record, and findings name records by their ids; take `show` out, or the field off the list (what people are called is hidden by `show` on their `name`)",
            );
        }
        if TOLD_DATES.contains(&name) && exposure != Exposure::Shown {
            entry.problem_with_hint(
                node.line,
                format!("`{object}.{name}` cannot be {}", exposure.word()),
                "findings tell how long ago it was; take `show` out, or the field off the list",
            );
        }
        if let Some(outside) = Outside::named(name) {
            fit_to_leave_out(&entry, node.line, object, outside, kind);
        }
        let def = FieldDef {
            object,
            name: name.to_owned(),
            from: from.iter().map(|source| source.trim().to_owned()).collect(),
            // Without a reason the job does not begin; rules that use the field are not to blame.
            why: why.map_or_else(String::new, |why| why.trim().to_owned()),
            exposure,
            kind,
            dates,
            decimal,
            values,
            flags,
            slot,
        };
        Some(Field(Arc::new(def)))
    }

    /// The pattern that blocks a column name, if any does.
    pub fn blocking(&self, column: &str) -> Option<&str> {
        let name = folded(column);
        let pattern = self.blocked.iter().find(|pattern| fits(pattern, &name));
        pattern.map(String::as_str).or_else(|| blocked_word(column))
    }

    /// What happens to columns nobody listed.
    pub fn unlisted(&self) -> Unlisted {
        self.unlisted
    }

    /// The name of the list of the records that are excluded, where there is one.
    pub fn exclusions_file(&self) -> Option<&Said<String>> {
        self.exclusions_file.as_ref()
    }

    /// Excludes records by their ids, too, whatever their rows say.
    pub fn exclude(&mut self, exclusions: Exclusions) {
        self.exclusions.extend(exclusions);
    }

    /// The records that are excluded by their ids.
    pub fn exclusions(&self) -> &Exclusions {
        &self.exclusions
    }

    /// The fields by which rows of a table say that they stay outside the review. They are read whatever the
    /// checks ask for.
    pub fn outside_fields(&self, object: Object) -> impl Iterator<Item = &Field> {
        self.fields(object).filter(|field| Outside::named(field.name()).is_some())
    }

    /// The patterns of blocked names, built in and declared.
    pub fn blocked(&self) -> &[String] {
        &self.blocked
    }

    /// A field by its canonical name, if it is allowed.
    pub fn allowed(&self, object: Object, name: &str) -> Option<Field> {
        self.fields.get(&object)?.get(name).cloned()
    }

    /// A field by its canonical name; the error names what was probably meant.
    pub fn field(&self, object: Object, name: &str) -> Result<Field, Missing> {
        self.allowed(object, name).ok_or_else(|| {
            // A name that is right is no slip of another that is right.
            let is_right = |name: &str| Kind::usual(name) != Kind::Text;
            let listed = self.fields(object).map(Field::name);
            let nearest = nearest(name, listed.filter(|it| !is_right(name) || !is_right(it)));
            Missing { object, name: name.to_owned(), nearest: nearest.map(str::to_owned) }
        })
    }

    /// All fields of a table, by name.
    pub fn fields(&self, object: Object) -> impl Iterator<Item = &Field> {
        self.fields.get(&object).into_iter().flat_map(BTreeMap::values)
    }

    /// The tables that have an allowlist.
    pub fn objects(&self) -> impl Iterator<Item = Object> + '_ {
        self.fields.keys().copied()
    }

    /// Where a check asks for the fields it reads.
    pub fn grant(&self) -> Grant<'_> {
        Grant { boundary: self, reads: BTreeSet::new() }
    }
}

/// A field that is not on the allowlist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The table.
    pub object: Object,
    /// The canonical name asked for.
    pub name: String,
    /// A listed name that is nearly the same.
    pub nearest: Option<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}.{}` is not in rules/boundary.toml", self.object, self.name)?;
        if let Some(nearest) = &self.nearest {
            write!(f, " (did you mean `{nearest}`?)")?;
        }
        Ok(())
    }
}

/// Hands out fields and remembers which: the union of all grants is what is read.
#[derive(Debug, Clone)]
pub struct Grant<'b> {
    boundary: &'b Boundary,
    reads: BTreeSet<Field>,
}

impl Grant<'_> {
    /// A field the caller cannot do without.
    pub fn field(&mut self, object: Object, name: &str) -> Result<Field, Missing> {
        let field = self.boundary.field(object, name)?;
        self.reads.insert(field.clone());
        Ok(field)
    }

    /// A field the caller uses where it is allowed.
    pub fn optional(&mut self, object: Object, name: &str) -> Option<Field> {
        let field = self.boundary.allowed(object, name)?;
        self.reads.insert(field.clone());
        Some(field)
    }

    /// Notes that a field held already (by a rule that names it) is read.
    pub fn reads(&mut self, field: &Field) {
        self.reads.insert(field.clone());
    }

    /// True when a table has an allowlist.
    pub fn lists(&self, object: Object) -> bool {
        self.boundary.fields.contains_key(&object)
    }

    /// Everything that was asked for.
    pub fn into_reads(self) -> BTreeSet<Field> {
        self.reads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Boundary, String> {
        let log = Log::default();
        let document = Document::parse("rules/boundary.toml", text, &log);
        let boundary = Boundary::parse(&document, &log);
        log.finish(boundary).map_err(|problems| problems.to_string())
    }

    #[test]
    fn every_fault_of_an_allowlist_is_named_at_once() {
        let text = "[lead.fields]\n\
            id = { from = \"Id\", why = \"Names the record.\" }\n\
            owner = { from = \"OwnerId\" }\n\
            memo = { from = \"Sales_Notes__c\", why = \"Why not?\" }\n\
            email = { from = \"Email\", why = \"Finds doubles.\", shown = \"masked\" }\n\
            phone = { from = \"Email\", why = \"Finds doubles.\" }\n\
            [contact.fields]\n\
            email = { from = \"Email\", why = \"Finds doubles.\" }\n";
        let problems = parse(text).unwrap_err();
        for expected in [
            "boundary.toml:3: `lead.owner` has no `why`",
            "boundary.toml:4: `Sales_Notes__c` is blocked by `*note*` and cannot be allowed",
            "boundary.toml:5: unknown key `lead.fields.email.shown`\n  hint: did you mean `show`?",
            "boundary.toml:6: `phone` and `email` both come from `Email`",
            "boundary.toml:7: [contact.fields] has no `id`",
        ] {
            assert!(problems.contains(expected), "{expected} is not in:\n{problems}");
        }
    }

    #[test]
    fn a_right_name_is_no_slip_of_another_that_is_right() {
        let boundary = parse(
            "[deal.fields]\n\
            id = { from = \"Id\", why = \"Names the record.\" }\n\
            amount = { from = \"Amount\", why = \"Reported.\" }\n\
            ownerr = { from = \"OwnerId\", why = \"Routed.\" }\n",
        )
        .unwrap();
        for (asked, meant) in
            [("account", None), ("amuont", Some("amount")), ("owner", Some("ownerr"))]
        {
            let missing = boundary.field(Object::Deal, asked).unwrap_err();
            assert_eq!(missing.nearest.as_deref(), meant, "{asked}");
        }
    }

    #[track_caller]
    fn check_pattern(pattern: &str, name: &str, expected: bool) {
        assert_eq!(fits(&folded(pattern), &folded(name)), expected, "{pattern} on {name}");
    }

    #[test]
    fn patterns_ignore_case_spaces_and_punctuation() {
        check_pattern("*api_key*", "My ApiKey__c", true);
        check_pattern("legal*", "Legal Hold", true);
        check_pattern("legal*", "Illegal", false);
        check_pattern("*legal", "paralegal", true);
        check_pattern("owner", "Owner", true);
        check_pattern("owner", "Owner Id", false);
        check_pattern("a*b*c", "a-xx-b-yy-c", true);
        check_pattern("a*b*c", "a-xx-c-yy-b", false);
    }

    #[track_caller]
    fn check_always_blocked(name: &str, expected: bool) {
        assert_eq!(is_always_blocked(name), expected, "{name}");
    }

    #[test]
    fn what_is_always_blocked_is_a_word_and_not_a_chance_of_letters() {
        for name in [
            "SSN__c",
            "Customer SSN",
            "Customer_SSN__c",
            "customerSsnLast4",
            "SSN4",
            "SSNNumber",
            "Social Security Number",
            "IBAN__c",
            "Bank IBAN Code",
            "Call Notes",
            "API Key",
            "Notizen",
            "Beschreibung",
            "Interner Kommentar",
            "Bemerkungen",
            "Passwort",
            "Sozialversicherungsnummer",
            "Steuer-ID",
            "Commentaires",
            "Remarques internes",
            "Mot de passe",
            "N° de sécurité sociale",
            "Descripción",
            "Notas",
            "Contraseña",
            "Número de Seguridad Social",
            "DNI",
            "National_ID__c",
            "National ID",
            "nationalId",
            "Credentials",
            "API Token",
            "Auth_Token__c",
            "Bearer Token",
            "CVV",
            "PIN",
            "NINO",
            "CPF",
            "PESEL",
            "BSN",
            "Codice Fiscale",
            "Personalausweis",
            "Documento de identidad",
            "Social Insurance Number",
            "Anmerkung",
            "Freitext",
            "Transkript",
        ] {
            check_always_blocked(name, true);
        }
        for name in [
            "International Id",
            "National Account",
            "Pinned",
            "Shipping City",
            "Spin Rate",
            "VAT_Id__c",
            "Steuernummer",
            "Partita IVA",
            "Credentialing Body",
            "Business Name",
            "Business_Need__c",
            "BusinessNumber",
            "Process Name",
            "Liban Region",
            "Notary Name",
            "Annotator",
            "Midnight",
            "Kontostand",
        ] {
            check_always_blocked(name, false);
        }
    }

    #[test]
    fn the_field_that_names_a_record_cannot_be_hidden() {
        let text =
            "[lead.fields]\nid = { from = \"Id\", why = \"Names it.\", show = \"masked\" }\n";
        assert!(parse(text).unwrap_err().contains("boundary.toml:2: `lead.id` cannot be masked"));

        let id = "[lead.fields]\nid = { from = \"Id\", why = \"Names it.\" }\n";
        let date = |show: &str| {
            let field =
                format!("created = {{ from = \"CreatedDate\", show = {show:?}, why = \"Age.\" }}");
            parse(&format!("{id}{field}\n")).map(drop)
        };
        for show in ["never", "masked"] {
            let problem = format!("boundary.toml:3: `lead.created` cannot be {show}");
            assert!(date(show).unwrap_err().contains(&problem));
        }
        assert_eq!(date("shown"), Ok(()));

        let field = |object: &str, key: &str, field: &str, show: &str| {
            let key = format!("{key} = {{ from = \"Key\", why = \"Names it.\" }}");
            let field =
                format!("{field} = {{ from = \"X\", show = {show:?}, why = \"Ties it.\" }}");
            parse(&format!("[{object}.fields]\n{key}\n{field}\n")).map(drop)
        };
        for (object, key, name) in
            [("lead", "id", "owner"), ("deal", "id", "account"), ("field_history", "record", "by")]
        {
            for show in ["never", "masked"] {
                let said = field(object, key, name, show).unwrap_err();
                let problem = format!("boundary.toml:3: `{object}.{name}` cannot be {show}");
                assert!(said.contains(&problem) && said.contains("names another record"), "{said}");
            }
            assert_eq!(field(object, key, name, "shown"), Ok(()));
        }
        assert_eq!(field("user", "id", "name", "never"), Ok(()), "what people are called");
    }
}
