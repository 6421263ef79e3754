//! `review.toml`: the job, parsed into what a run needs, with all problems of the whole folder at once.
//!
//! Does not: read the disk (the files are handed in) or know what a check is for.

mod edits;
mod glossary;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use crate::boundary::{Boundary, Exclusions, Field, Object, id_key};
use crate::check::{ALL, By, Conditions, EXAMPLES, Examples, Policies, Rulebook, Table};
use crate::gate::{FOUNDER_FIELDS, Gate, Profile};
use crate::policy::{self, Document, Log, Problems, Said, Section, Value, meant, nearest};
use crate::source::Files;
use crate::source::http::{Host, Manners};
use crate::source::live::{Live, LiveCrm, Wide};
use crate::source::salesforce::{self, Audience, LoginBy, Version};
use crate::source::secret::Place;
use crate::source::{hubspot, odoo};

pub use edits::{edits, job_edits};
pub use schema::{Written, schema_name, schemas};

/// Which CRM the records come from: how they are linked and named, never how they are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crm {
    /// Salesforce.
    Salesforce,
    /// HubSpot.
    HubSpot,
    /// Odoo.
    Odoo,
    /// Any other.
    Other,
}

impl Crm {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Salesforce, Self::HubSpot, Self::Odoo, Self::Other];

    /// The word used in `review.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce",
            Self::HubSpot => "hubspot",
            Self::Odoo => "odoo",
            Self::Other => "other",
        }
    }

    /// The name a person knows.
    pub fn title(self) -> &'static str {
        match self {
            Self::Salesforce => "Salesforce",
            Self::HubSpot => "HubSpot",
            Self::Odoo => "Odoo",
            Self::Other => "CRM",
        }
    }
}

/// Which of the admitted records are under review; all others serve as reference.
#[derive(Debug, Clone, Default)]
pub struct BatchDefinition {
    /// The tables; all that are supplied when empty.
    pub objects: Vec<Object>,
    /// Changed within so many days before the review, as `modified` says. A record that does not say when is
    /// under review.
    pub changed_within_days: Option<u32>,
    /// Conditions per table.
    pub when: Conditions,
    /// Only these ids.
    pub ids: Option<BTreeSet<String>>,
    /// The name of the file they come from.
    pub ids_file: Option<String>,
}

impl BatchDefinition {
    /// True for tables whose records can be under review.
    pub fn is_about(&self, object: Object) -> bool {
        Object::REVIEWED.contains(&object)
            && (self.objects.is_empty() || self.objects.contains(&object))
    }

    /// That ids of the list are in no table, where some are: how many, and the first of them.
    pub fn absent_words(&self, absent: &[String]) -> Option<String> {
        const SHOWN: usize = 5;
        let (file, ids) = self.ids_file.as_ref().zip(self.ids.as_ref())?;
        let first: Vec<_> = absent.iter().take(SHOWN).map(String::as_str).collect();
        let more = match absent.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let are = if absent.len() == 1 { "is" } else { "are" };
        (!absent.is_empty()).then(|| {
            format!(
                "{} of the {} ids of {file} {are} in no input: {}{more}",
                absent.len(),
                ids.len(),
                first.join(", ")
            )
        })
    }

    /// The definition in words, as the packet prints it.
    pub fn words(&self) -> String {
        let mut words = if self.objects.is_empty() {
            "every lead, contact, account and deal".to_owned()
        } else {
            let names: Vec<_> = self.objects.iter().map(|object| object.plural()).collect();
            format!("every one of the {}", names.join(", "))
        };
        if let Some(days) = self.changed_within_days {
            words += &format!(
                " changed within the {days} days before the review, or that does not say when it changed"
            );
        }
        for (object, when) in self.when.iter() {
            words += &format!("; {} only where {}", object.plural(), when.words());
        }
        if let (Some(file), Some(ids)) = (&self.ids_file, &self.ids) {
            words += &format!("; only the {} ids of {file}", ids.len());
        }
        words
    }
}

/// What stands beside the packet: parts of it, and a copy for others to read.
#[derive(Debug, Default)]
pub struct Copies {
    /// By what the packet is also cut into parts.
    pub slices: Option<By>,
    /// The key of a masked copy's tokens, where one is wanted.
    pub mask_key: Option<MaskKey>,
}

/// A phrase that nobody else knows; it is never printed.
pub struct MaskKey(String);

impl MaskKey {
    /// Shorter ones can be guessed.
    const SHORTEST: usize = 16;

    /// The phrase.
    pub fn phrase(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(****)")
    }
}

/// A job, ready to run.
#[derive(Debug)]
pub struct Config {
    /// Whose CRM.
    pub organisation: String,
    /// Days and business hours are of this zone.
    pub zone: Tz,
    /// Which CRM.
    pub crm: Crm,
    /// Where a record can be looked up: an https address with `{id}` and perhaps `{object}`.
    pub record_link: Option<Said<String>>,
    /// The CRM itself, if it is asked; tables that are given as files are not.
    pub live: Option<Live>,
    /// The folder of the exports: `exports` in the review folder unless another is named.
    pub exports: PathBuf,
    /// Which files hold which table, below that folder.
    pub files: Files,
    /// What is under review.
    pub batch: BatchDefinition,
    /// Records planted to test the review, by table: judged and shown like all others, never in the rate.
    pub test_records: Conditions,
    /// What stands beside the packet.
    pub copies: Copies,
    /// Who may decide what.
    pub gate: Gate,
    /// Checks that were switched off by their code.
    pub off: BTreeSet<String>,
    /// The allowlist.
    pub boundary: Boundary,
    /// The rules of every family.
    pub policies: Policies,
    /// The examples that stand beside the rules.
    pub examples: Examples,
}

/// Whether the text of a `review.toml` names a CRM that is asked.
pub fn asks_a_crm(review: &str) -> bool {
    let log = Log::default();
    let document = Document::parse("review.toml", review, &log);
    document.root(&log).section("source").is_some_and(|source| source.has("live"))
}

/// What of a file of a review folder decides what is read and how it is judged: not who decides, by which
/// ceremony and by when, and not how the outcome is called, shown and handed on, nor where the exports lie.
/// `mute_days` stays: it says which findings are shown and counted. `profile` goes: it asks more of whoever
/// decides, and which fields may be read is told by the allowlist itself. Settings are the same however they
/// are laid out and commented; tables count as they are.
pub fn judging(file: &str, text: &str) -> String {
    let but: &[&[&str]] = match file {
        "review.toml" => {
            &[&["organisation"], &["packet"], &["source", "record_link"], &["source", "folder"]]
        }
        "approvals.toml" => &[
            &["default_decision"],
            &["profile"],
            &["approver"],
            &["role"],
            &["signing"],
            &["escalate_to"],
            &["escalation_days"],
        ],
        _ => &[],
    };
    if file.ends_with(".toml") { policy::settings(text, but) } else { text.to_owned() }
}

/// Parses a review folder: `review.toml` and the files below `rules/`, by name.
pub fn parse(review: &str, rules: &BTreeMap<String, String>) -> Result<Config, Problems> {
    const BOUNDARY: &str = "rules/boundary.toml";
    let log = Log::default();
    // Without the allowlist all else would be wrong that names a field.
    let Some(boundary) = rules.get("boundary.toml") else {
        return Err(Problems::one_with_hint(
            BOUNDARY,
            0,
            "it is missing, and nothing may be read without it",
            "it lists each field that may be read, and why; `crm-review init DIR --from EXPORTS` drafts one",
        ));
    };
    drop(Document::parse(BOUNDARY, boundary, &log));
    if log.is_unread(BOUNDARY) {
        log.finish(())?;
    }
    let log = Log::default();
    let config = read(review, rules, &log);
    log.finish(config)
}

fn read(review: &str, rules: &BTreeMap<String, String>, log: &Log) -> Config {
    let document = Document::parse("review.toml", review, log);
    let root = document.root(log);
    let off = off(&root);
    let mut rulebook = Rulebook::parse(rules, log);
    rulebook.switch_off(&off);
    let empty = Document::parse("rules/boundary.toml", "", log);
    let boundary = rulebook.document("boundary.toml").unwrap_or(&empty);
    let mut boundary = Boundary::parse(boundary, log);
    if let Some(exclusions) = exclusions(&boundary, &rulebook, log) {
        boundary.exclude(exclusions);
    }
    let policies = Policies::parse(&rulebook, &boundary, log);
    let empty = Document::parse("", "", log);
    let examples = rulebook.document(EXAMPLES).unwrap_or(&empty);
    let examples = Examples::parse(&examples.root(log), &boundary);
    let models = |name: &str| name.ends_with(crate::check::MODEL);
    for name in rules.keys().filter(|name| name.ends_with(".toml") && !models(name)) {
        let mut known = Written::all().filter_map(Written::rules);
        if known.all(|known| known != name) {
            let known = Written::all().filter_map(Written::rules);
            let hint = nearest(name, known).map(|file| format!("did you mean {file}?"));
            log.note(&format!("rules/{name}"), 0, "no check reads this file", hint);
        }
    }
    let gate = gate(&rulebook, &boundary, log);
    let Source { crm, record_link, live, exports, files } = Source::parse(&root, &boundary);
    Config {
        organisation: root
            .required_text("organisation")
            .map_or_else(String::new, |said| said.value.to_owned()),
        zone: zone(&root),
        crm,
        record_link,
        live,
        exports,
        files,
        batch: batch(&root, &boundary, &rulebook, log),
        copies: copies(&root),
        test_records: Conditions::parse(root.section("metric").as_ref(), "test_records", &boundary),
        gate,
        off,
        boundary,
        policies,
        examples,
    }
}

fn copies(root: &Section<'_>) -> Copies {
    let Some(section) = root.section("packet") else { return Copies::default() };
    let mask_key = section.text("mask_key").and_then(|said| {
        let long = said.value.chars().count() >= MaskKey::SHORTEST;
        if !long {
            section.problem_with_hint(
                said.line,
                "`mask_key` is too short",
                "a phrase of at least 16 characters that nobody else knows; tokens stay the same as long as it does",
            );
        }
        long.then(|| MaskKey(said.value.to_owned()))
    });
    Copies {
        slices: section.choice("slices", &[("owner", By::Owner), ("team", By::Team)]),
        mask_key,
    }
}

fn zone(root: &Section<'_>) -> Tz {
    let Some(said) = root.required_text("time_zone") else { return Tz::UTC };
    said.parse().unwrap_or_else(|_| {
        root.problem_with_hint(
            said.line,
            format!("`{}` is not a time zone", said.value),
            "use a name such as `Europe/Berlin` or `UTC`",
        );
        Tz::UTC
    })
}

/// What `[source]` says.
struct Source {
    crm: Crm,
    record_link: Option<Said<String>>,
    live: Option<Live>,
    exports: PathBuf,
    files: Files,
}

impl Source {
    fn parse(root: &Section<'_>, boundary: &Boundary) -> Self {
        let mut read = Self {
            crm: Crm::Other,
            record_link: None,
            live: None,
            exports: PathBuf::from("exports"),
            files: Files::default(),
        };
        let Some(source) = root.section("source") else {
            root.missing("source");
            return read;
        };
        if let Some(folder) = source.text("folder") {
            read.exports = PathBuf::from(folder.value);
        }
        let crms = Crm::ALL.map(|crm| (crm.word(), crm));
        read.crm = source.choice("crm", &crms).unwrap_or(Crm::Other);
        read.record_link = record_link(&source);
        let is_live = source.has("live");
        if let Some(section) = source.section("live") {
            read.live = live(&section, read.crm);
        }
        match source.section("files") {
            Some(listed) => {
                read.files = files(&listed, boundary);
                if read.files.0.is_empty() && !is_live {
                    listed.problem(listed.line(), "no file is named: there is nothing to review");
                }
            }
            None if is_live => {}
            None => source.missing("files"),
        }
        read
    }
}

fn record_link(source: &Section<'_>) -> Option<Said<String>> {
    let said = source.text("record_link")?;
    let valid = said.starts_with("https://") && said.contains("{id}");
    if !valid {
        source.problem_with_hint(
            said.line,
            "`record_link` is not a link to a record",
            "an https address with `{id}` in its path, such as https://acme.my.salesforce.com/{id}",
        );
    }
    valid.then(|| Said { value: said.value.to_owned(), line: said.line })
}

fn files(listed: &Section<'_>, boundary: &Boundary) -> Files {
    let mut files = Files::default();
    for object in Object::ALL {
        for file in listed.texts(object.key()) {
            let path = PathBuf::from(file.value);
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                listed.problem_with_hint(
                    file.line,
                    format!("`{}` is not a name below the folder of the exports", file.value),
                    "name a file that lies in that folder, without `..` or a leading `/`",
                );
            } else if path.parent().is_some_and(|home| home.to_string_lossy().contains('*')) {
                listed.problem_with_hint(
                    file.line,
                    format!("`{}` has a `*` in the name of a folder", file.value),
                    "put it into the name of the file, where the date stands: `all-contacts-*.csv`",
                );
            } else if boundary.fields(object).next().is_none() {
                listed.problem_with_hint(
                    file.line,
                    format!(
                        "`{}` is given for `{object}`, of which no field is allowed",
                        file.value
                    ),
                    format!("add [{object}.fields] to rules/boundary.toml, or take the file out"),
                );
            } else if files.0.get(&object).is_some_and(|named| named.contains(&path)) {
                listed.problem(file.line, format!("`{}` is named twice", file.value));
            } else {
                files.0.entry(object).or_default().push(path);
            }
        }
    }
    files
}

/// What of an address names a host.
fn host_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// What `[source.live]` says: where the CRM is, how to log in and how to behave there.
fn live(section: &Section<'_>, crm: Crm) -> Option<Live> {
    let host = section.required_text("host").and_then(|said| match Host::parse(said.value) {
        Ok(host) => Some(host),
        Err(hint) => {
            section.problem_with_hint(
                said.line,
                // A name and a password may stand before it.
                format!("`{}` is not a host that can be asked", host_of(said.value)),
                hint,
            );
            None
        }
    });
    let manners = manners(section);
    let wide = section
        .choice("grant", &[("strict", Wide::Refused), ("banner", Wide::Shown)])
        .unwrap_or(Wide::Refused);
    let crm = match crm {
        Crm::Salesforce => salesforce(section).map(LiveCrm::Salesforce),
        Crm::HubSpot => hubspot(section).map(LiveCrm::HubSpot),
        Crm::Odoo => odoo(section).map(LiveCrm::Odoo),
        Crm::Other => {
            section.problem_with_hint(
                section.line(),
                format!("a live {} cannot be asked", crm.title()),
                "name its exports in [source.files]",
            );
            None
        }
    };
    Some(Live { host: host?, manners, wide, crm: crm? })
}

fn manners(section: &Section<'_>) -> Manners {
    let usual = Manners::default();
    let share = section.number("quota_share").map_or(usual.quota_share, |share| {
        if !(0.01..=1.0).contains(&share.value) {
            section.problem_with_hint(
                share.line,
                "`quota_share` is not a share",
                "a number such as 0.8: the part of the CRM's daily limit at which this job stops",
            );
        }
        share.value
    });
    let seconds = |key, usual: Duration| {
        section.count(key).map_or(usual, |said| Duration::from_secs(said.value.max(1).into()))
    };
    Manners {
        silence: seconds("timeout_seconds", usual.silence),
        patience: seconds("patience_seconds", usual.patience),
        quota_share: share,
        roots: section.text("roots").map(|path| PathBuf::from(path.value)),
    }
}

/// Salesforce tables of at least so many records are read by Bulk API 2.0 unless the config says otherwise.
const BULK_FROM: u32 = 50_000;

fn salesforce(section: &Section<'_>) -> Option<salesforce::Settings> {
    #[derive(Clone, Copy)]
    enum Way {
        Secret,
        Key,
    }
    let said = section.text("version");
    let version = Version::parse(said.as_ref().map_or(Version::USUAL, |said| said.value));
    if let (None, Some(said)) = (&version, &said) {
        section.problem_with_hint(
            said.line,
            format!("`{}` is not a version of the API", said.value),
            format!("a version such as `{}`", Version::USUAL),
        );
    }
    let bulk_from = section.count("bulk_from").map_or(BULK_FROM, |said| said.value);
    let way = section
        .choice("login", &[("client-credentials", Way::Secret), ("jwt", Way::Key)])
        .unwrap_or(Way::Secret);
    let client_id = section.required_text("client_id").map(|said| said.value.to_owned());
    let login = match way {
        Way::Secret => {
            let secret = place(section, "client_secret");
            LoginBy::ClientCredentials { client_id: client_id?, secret: secret? }
        }
        Way::Key => {
            let user = section.required_text("user").map(|said| said.value.to_owned());
            let key = place(section, "private_key");
            let audience = section
                .choice("audience", &[("login", Audience::Login), ("test", Audience::Test)])
                .unwrap_or(Audience::Login);
            LoginBy::Jwt { client_id: client_id?, user: user?, key: key?, audience }
        }
    };
    Some(salesforce::Settings { version: version?, login, bulk_from: bulk_from.into() })
}

fn hubspot(section: &Section<'_>) -> Option<hubspot::Settings> {
    let versions = hubspot::Version::ALL.map(|version| (version.name(), version));
    let version = section.choice("version", &versions).unwrap_or(hubspot::Version::Dated);
    let said = section.texts("scopes");
    let scopes = said.iter().map(|scope| scope.value.to_owned()).collect();
    let scopes = section.has("scopes").then_some(scopes);
    Some(hubspot::Settings { version, token: place(section, "token")?, scopes })
}

fn odoo(section: &Section<'_>) -> Option<odoo::Settings> {
    let key = place(section, "api_key");
    let database = section.text("database").and_then(|said| {
        let database = odoo::Database::parse(said.value);
        if database.is_none() {
            let message = format!("`{}` is not the name of a database", said.value);
            section.problem(said.line, message);
        }
        database
    });
    Some(odoo::Settings { key: key?, database })
}

/// Where a secret lies: `{ env = "NAME" }`, `{ file = "path" }` or `{ credential = "name" }`. A secret
/// that is written into the config itself is refused.
fn place(section: &Section<'_>, key: &str) -> Option<Place> {
    const HINT: &str = "`{ env = \"NAME\" }`, `{ file = \"/path\" }` or `{ credential = \"name\" }`; \
                        a secret is never written into review.toml";
    let Some(node) = section.node(key) else {
        section.problem_with_hint(section.line(), format!("`{key}` is missing"), HINT);
        return None;
    };
    if !matches!(node.value, Value::Table(_)) {
        let message = format!("`{key}` does not say where the secret lies");
        section.problem_with_hint(node.line, message, HINT);
        return None;
    }
    let named = section.section(key)?;
    let env = named.text("env").map(|said| Place::Env(said.value.to_owned()));
    let file = named.text("file").map(|said| Place::File(PathBuf::from(said.value)));
    let credential = named.text("credential").and_then(|said| {
        let plain = !said.value.contains('/') && !said.value.starts_with('.');
        plain.then(|| Place::Credential(said.value.to_owned()))
    });
    let mut places = [env, file, credential].into_iter().flatten();
    let (first, second) = (places.next(), places.next());
    if second.is_some() || first.is_none() {
        named.problem_with_hint(named.line(), format!("`{key}` has to name one place"), HINT);
        return None;
    }
    first
}

fn batch(
    root: &Section<'_>,
    boundary: &Boundary,
    rulebook: &Rulebook,
    log: &Log,
) -> BatchDefinition {
    let mut batch = BatchDefinition::default();
    let Some(section) = root.section("batch") else { return batch };
    for name in section.texts("objects") {
        match Object::parse(name.value).filter(|object| Object::REVIEWED.contains(object)) {
            Some(object) => batch.objects.push(object),
            None => section.problem_with_hint(
                name.line,
                format!("`{}` is not a table that is reviewed", name.value),
                "one of lead, contact, account, deal",
            ),
        }
    }
    batch.changed_within_days = section.count("changed_within_days").map(|said| said.value);
    batch.when = Conditions::parse(Some(&section), "when", boundary);
    if let Some(file) = section.text("ids") {
        match rulebook.find_table(file.value) {
            Some(table) => {
                batch.ids = ids(table, boundary, log);
                batch.ids_file = Some(table.file.clone());
            }
            None => section.problem_with_hint(
                file.line,
                format!("there is no list `{}`", file.value),
                "put it below rules/ with a name that ends in .csv, one id a line",
            ),
        }
    }
    batch
}

/// The records that the list of boundary.toml keeps out of the review.
fn exclusions(boundary: &Boundary, rulebook: &Rulebook, log: &Log) -> Option<Exclusions> {
    const COLUMNS: &str = "a column `id`, and where tables share ids a column `object` with one of lead, \
                           contact, account, deal; nothing else is kept of those who are left out";
    let file = boundary.exclusions_file()?;
    let Some(list) = rulebook.find_table(file) else {
        let hint = "put it below rules/ with a name that ends in .csv, with the header `id`";
        let message = format!("there is no list `{}`", file.value);
        log.note("rules/boundary.toml", file.line, message, Some(hint.to_owned()));
        return None;
    };
    let object_at = list.column("object");
    let Some(id_at) =
        list.column("id").filter(|_| list.header.len() == 1 + usize::from(object_at.is_some()))
    else {
        log.note(&list.file, 1, "this is no list of ids", Some(COLUMNS.to_owned()));
        return None;
    };
    let mut exclusions = Exclusions::default();
    for (line, cells) in &list.rows {
        let id = cells.get(id_at).map_or("", String::as_str);
        let said = object_at.and_then(|at| cells.get(at)).filter(|said| !said.is_empty());
        let object = said.and_then(|said| Object::parse(said));
        let is_wrong = said.is_some() && !object.is_some_and(|it| Object::REVIEWED.contains(&it));
        if is_wrong || id.is_empty() {
            let what =
                if is_wrong { "a table that is not reviewed" } else { "a line without an id" };
            log.note(&list.file, *line, what, Some(COLUMNS.to_owned()));
        } else {
            exclusions.add(object, id);
        }
    }
    Some(exclusions)
}

/// The ids of a list: one a line, with or without the name of the column in front.
fn ids(list: &Table, boundary: &Boundary, log: &Log) -> Option<BTreeSet<String>> {
    let fields = Object::REVIEWED.into_iter().flat_map(|object| boundary.fields(object));
    let columns: Vec<&String> =
        fields.filter(|field| field.name() == "id").flat_map(Field::from).collect();
    let is_header = |cell: &str| {
        let mut names = columns.iter().map(|name| name.as_str()).chain(["id"]);
        names.any(|name| name.eq_ignore_ascii_case(cell))
    };
    let mut ids = BTreeSet::new();
    let rows = list.rows.iter().map(|(line, cells)| (*line, cells));
    for (line, cells) in std::iter::once((1, &list.header)).chain(rows) {
        match cells.as_slice() {
            // That it is empty is said already.
            [] => {}
            [id] if !id.contains([',', ';', '\t', '"']) => {
                if !id.is_empty() && !is_header(id) {
                    ids.insert(id_key(id).to_owned());
                }
            }
            _ => {
                let hint = "one id a line, and nothing else: take the other columns out";
                log.note(&list.file, line, "more than one cell", Some(hint.to_owned()));
                return None;
            }
        }
    }
    Some(ids)
}

fn gate(rulebook: &Rulebook, boundary: &Boundary, log: &Log) -> Gate {
    let empty = Document::parse("rules/approvals.toml", "", log);
    let gate = Gate::parse(&rulebook.document("approvals.toml").unwrap_or(&empty).root(log));
    if gate.profile() == Profile::Founder {
        for object in Object::ALL {
            let fields = boundary.fields(object).filter(|field| field.name() != "id").count();
            if fields > FOUNDER_FIELDS {
                log.note(
                    "rules/boundary.toml",
                    0,
                    format!("{fields} fields of `{object}` are allowed, and the founder profile reads at most {FOUNDER_FIELDS} beside the id"),
                    Some("take out the fields that matter least, or take `profile` out of rules/approvals.toml".to_owned()),
                );
            }
        }
    }
    gate
}

fn off(root: &Section<'_>) -> BTreeSet<String> {
    let Some(checks) = root.section("checks") else { return BTreeSet::new() };
    let mut off = BTreeSet::new();
    for code in checks.texts("off") {
        if ALL.iter().any(|check| check.code == code.value) {
            off.insert(code.value.to_owned());
        } else {
            let hint = meant(code.value, ALL.iter().map(|check| check.code), || {
                "see `crm-review checks`".to_owned()
            });
            checks.problem_with_hint(
                code.line,
                format!("there is no check `{}`", code.value),
                hint,
            );
        }
    }
    off
}
