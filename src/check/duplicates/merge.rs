//! What records that hang together call for: a merge, a split, or a second look; which record to keep; what
//! makes them one; and where they disagree.
//!
//! Does not: say what a CRM does when it merges.

use crate::boundary::{
    Boundary, Field, Grant, Kind as Shape, Object, RecordRef, Row, Shown, id_key, is_domain,
    masked_address,
};
use crate::check::World;
use crate::check::deals::DealState;
use crate::check::ladder::Flags;
use crate::check::people::{Found, Standing};
use crate::check::settings::label;
use crate::finding::{Evidence, Likeness, record};
use crate::matching::agreement::{self, Level};
use crate::matching::normalise::{self, Steps, Street};
use crate::matching::{self, Kind as MatchKind, Weight};

use super::links::{By, Column, Link, country_key, names_of};
use super::matches::{account_domain, domain_fields, text};
use super::policy::{Policy, Switch};

/// The fields of which a merge has to keep one value, in the order a person looks at them.
pub(super) const TABLE: [&str; 34] = [
    "opted_out",
    "portal",
    "do_not_route",
    "external_id",
    "tax_id",
    "record_type",
    "currency",
    "owner",
    "status",
    "lifecycle",
    "type",
    "customer",
    "account",
    "parent",
    "first_name",
    "last_name",
    "full_name",
    "name",
    "company",
    "title",
    "email",
    "phone",
    "mobile",
    "website",
    "domain",
    "street",
    "postal_code",
    "city",
    "state",
    "country",
    "industry",
    "employees",
    "lead_source",
    "created",
];

/// What a case calls for.
#[derive(Debug)]
pub(super) enum Call<'a> {
    /// One thing: a merge.
    Same,
    /// One thing, of more records than may be merged at once: a merge in steps.
    TooMany,
    /// One thing perhaps, but a merge would lose or mix something.
    Unsafe(Vec<Conflict>),
    /// One person written again and again: what writes them comes first, and what stands against a merge.
    Copies(Vec<Conflict>),
    /// Several things that links join which the other records contradict.
    Split {
        /// The records of each.
        parts: Vec<Vec<Row<'a>>>,
        /// What stands against merging them all.
        conflicts: Vec<Conflict>,
    },
}

/// Records that hang together, and what that calls for.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) call: Call<'a>,
    /// By id.
    pub(super) rows: Vec<Row<'a>>,
    /// The links that hold them together, the surest first; of a split, those that join its parts.
    pub(super) links: Vec<Link<'a>>,
    /// Links to records beside them that the others contradict.
    pub(super) beside: Vec<Link<'a>>,
    /// How far the least alike names among them agree.
    pub(super) names: (Level, &'static str),
}

/// Something that stands against a merge.
#[derive(Debug, Clone)]
pub(super) struct Conflict {
    /// In words.
    pub(super) words: String,
    /// Its facts.
    pub(super) facts: Vec<Evidence>,
    /// Why it may be harmless.
    pub(super) doubt: String,
}

impl<'a> Case<'a> {
    /// The record the finding is about: the lowest id among those under review.
    pub(super) fn main(&self) -> Option<Row<'a>> {
        self.rows.iter().find(|row| row.is_under_review()).copied()
    }

    /// Where it is of copies, which come and go, what tells it from others: the first of them.
    pub(super) fn known_by(&self) -> Option<RecordRef> {
        let first = self.rows.first().filter(|_| matches!(self.call, Call::Copies(_)))?;
        Some(record(first.object(), &format!("copies of {}", first.id())))
    }

    /// The ids, ascending.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.id())
    }

    /// True where links join what is not one.
    pub(super) fn is_split(&self) -> bool {
        matches!(self.call, Call::Split { .. })
    }

    /// By what the records are one, as far as the least sure of the links says.
    pub(super) fn by(&self) -> By {
        self.links.iter().map(|link| link.by).max().unwrap_or(By::Key)
    }
}

/// Ids in words: `003A, 003B and 003C`; of many, the first few.
pub(super) fn listed(rows: &[Row<'_>]) -> String {
    const SHOWN: usize = 5;
    let ids: Vec<&str> = rows.iter().take(SHOWN).map(|row| row.id()).collect();
    if rows.len() > SHOWN {
        return format!("{} and {} more", ids.join(", "), rows.len() - SHOWN);
    }
    match ids.split_last() {
        Some((last, front)) if !front.is_empty() => format!("{} and {last}", front.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}

/// The case of records that hold together.
pub(super) fn case_of<'a>(
    world: &World<'a>,
    rows: Vec<Row<'a>>,
    links: Vec<Link<'a>>,
    beside: Vec<Link<'a>>,
) -> Option<Case<'a>> {
    let names = least_alike(world, &rows);
    // A mailbox that several people read, and several people who read it.
    if names.0 == Level::Different && shares_role_mailbox(world, &rows) {
        return None;
    }
    let mut found = Vec::new();
    let mut too_many = None;
    if world.policies.duplicates.unsafe_cluster.switch == Switch::On {
        found = conflicts(world, &rows);
        too_many = size_conflict(world, &rows);
    }
    let call = match (found.is_empty(), too_many) {
        (true, None) => Call::Same,
        (true, Some(_)) => Call::TooMany,
        (false, too_many) => {
            found.extend(too_many);
            Call::Unsafe(found)
        }
    };
    Some(Case { call, rows, links, beside, names })
}

/// The case of groups that hold together each by itself, and that links join all the same.
pub(super) fn split_of<'a>(
    world: &World<'a>,
    mut parts: Vec<Vec<Row<'a>>>,
    links: Vec<Link<'a>>,
) -> Option<Case<'a>> {
    links.first()?;
    parts.sort_by_key(|part| part.first().map(|row| row.id()));
    let mut rows = parts.concat();
    rows.sort_by_key(|row| row.id());
    let names = least_alike(world, &rows);
    let conflicts = conflicts(world, &rows);
    Some(Case { call: Call::Split { parts, conflicts }, rows, links, beside: Vec::new(), names })
}

/// The case of one person written more often than people share an address: the first link stands for all, which
/// have one name and one address. However many they are, they come from one cause, and nobody merges them
/// before that is found.
pub(super) fn copies_of<'a>(world: &World<'a>, rows: Vec<Row<'a>>, link: Link<'a>) -> Case<'a> {
    let crowd = &world.policies.duplicates.same_person.crowd;
    let mut found = vec![Conflict {
        words:
            "so many come from one cause, such as a form or an integration that writes the same \
                record again"
                .to_owned(),
        facts: vec![Policy::quote(crowd.line, &format!("crowd = {}", crowd.value))],
        doubt: "name and address may stand for nobody, written where neither is known".to_owned(),
    }];
    found.extend(conflicts(world, &rows));
    let names = (Level::Same, "the same name");
    Case { call: Call::Copies(found), rows, links: vec![link], beside: Vec::new(), names }
}

/// The least agreement of names among the records.
fn least_alike(world: &World<'_>, rows: &[Row<'_>]) -> (Level, &'static str) {
    let mut least = (Level::Same, "the same name");
    let mut note = |found: (Level, &'static str)| {
        let weight = |level: Level| match level {
            Level::Same => 0,
            Level::Form => 1,
            Level::Missing => 2,
            Level::Alike => 3,
            Level::Partly => 4,
            Level::Different => 5,
        };
        if weight(found.0) > weight(least.0) {
            least = found;
        }
    };
    for (n, left) in rows.iter().enumerate() {
        rows.iter().skip(n + 1).for_each(|right| note(names_of(world, [*left, *right])));
    }
    least
}

/// How people's names contradict each other, for a doubt.
pub(super) fn contradiction(how: &str) -> &'static str {
    if how == agreement::OTHER_SUFFIX {
        "the suffixes differ, as a father's and a son's do"
    } else {
        "the names are different"
    }
}

/// True when the records' address is a mailbox that several people read.
pub(super) fn shares_role_mailbox(world: &World<'_>, rows: &[Row<'_>]) -> bool {
    let Some(first) = rows.first().filter(|row| row.object() != Object::Account) else {
        return false;
    };
    let lists = &world.policies.duplicates.lists;
    let email = world.policies.boundary.allowed(first.object(), "email");
    let mut address = String::new();
    text(*first, email.as_ref())
        .and_then(|raw| normalise::address(raw, lists, &mut address))
        .is_some_and(|_| normalise::is_role_mailbox(&address, lists))
}

/// Open deals of a record.
fn open_deals(world: &World<'_>, row: Row<'_>) -> usize {
    count_deals(world, row, |state| state == DealState::Open)
}

fn count_deals(world: &World<'_>, row: Row<'_>, wanted: impl Fn(DealState) -> bool) -> usize {
    let deals = world.deals();
    // Nothing links a deal to a lead, whose id may by chance be a contact's.
    if row.object() == Object::Lead {
        return 0;
    }
    let of_record = if row.object() == Object::Account {
        deals.of_account(row.id())
    } else {
        deals.of_contact(row.id())
    };
    of_record.iter().filter(|deal| deals.state(world, **deal).is_some_and(&wanted)).count()
}

/// Everything that stands against merging the records.
fn conflicts(world: &World<'_>, rows: &[Row<'_>]) -> Vec<Conflict> {
    let Some(object) = rows.first().map(|row| row.object()) else { return Vec::new() };
    let mut found: Vec<Conflict> =
        must_agree(world, object).filter_map(|field| field_conflict(rows, &field)).collect();
    found.extend(deal_conflict(world, rows));
    found.extend(owner_conflict(world, rows));
    found.extend(hierarchy_conflict(world, rows));
    found
}

/// The fields that must not differ in a merge, as far as they are read.
fn must_agree<'w>(world: &'w World<'_>, object: Object) -> impl Iterator<Item = Field> + 'w {
    let names = &world.policies.duplicates.unsafe_cluster.conflicts.value;
    names.iter().filter_map(move |name| world.policies.boundary.allowed(object, name))
}

/// A value that must not differ and was withheld: nobody can tell whether it does.
pub(super) struct Unknown {
    /// What is not known, in words.
    pub(super) words: String,
    /// The values beside each other.
    pub(super) fact: Evidence,
}

/// What was withheld of some records and might stand against merging them. A value that one record alone has
/// contradicts nothing.
pub(super) fn withheld(world: &World<'_>, rows: &[Row<'_>]) -> Vec<Unknown> {
    let policy = &world.policies.duplicates.unsafe_cluster;
    let Some(object) = rows.first().map(|row| row.object()) else { return Vec::new() };
    if policy.switch == Switch::Off {
        return Vec::new();
    }
    let unknown = |field: Field| {
        let first = rows.iter().find(|row| row.is_withheld(&field))?;
        let has_value = |row: &&Row<'_>| row.id() != first.id() && !row.is_blank(&field);
        let other = rows.iter().find(has_value)?;
        let of: Vec<Row<'_>> = rows.iter().filter(|row| row.is_withheld(&field)).copied().collect();
        let told = match field.name() {
            "tax_id" => "whether they are one legal entity cannot be told",
            _ => "whether it differs cannot be told",
        };
        Some(Unknown {
            words: format!("{field} of {} was withheld: {told}", listed(&of)),
            fact: Evidence::Compared {
                left: first.cell(&field),
                right: other.cell(&field),
                level: "withheld: cannot be compared".to_owned(),
            },
        })
    };
    must_agree(world, object).filter_map(unknown).collect()
}

/// What stands against making one of two records of which one has opted out.
pub(super) const ONE_OPTED_OUT: &str = "only one of them has opted out";

/// How the values of a flag compare that forbids something.
pub(super) const MORE_RESTRICTIVE: &str = "differs: the more restrictive value holds";

/// Why a flag that differs may be harmless.
pub(super) const OUT_OF_DATE: &str = "the flag of one of them may simply be out of date";

/// A field that must not differ. A flag that nobody set is not set.
fn field_conflict(rows: &[Row<'_>], field: &Field) -> Option<Conflict> {
    let value = |row: Row<'_>| {
        if field.kind() == Shape::Flag {
            return Some(row.flag(field).unwrap_or(false).to_string());
        }
        row.written(field).map(|value| key_of(field, &value))
    };
    let (first, known) = rows.iter().find_map(|row| value(*row).map(|known| (row, known)))?;
    let other = rows.iter().find(|row| value(**row).is_some_and(|value| value != known))?;
    let name = label(field);
    let (words, doubt) = match field.name() {
        "opted_out" => (ONE_OPTED_OUT.to_owned(), OUT_OF_DATE.to_owned()),
        "portal" => ("only one of them is a portal user".to_owned(), OUT_OF_DATE.to_owned()),
        _ => (
            format!("the {name} differs"),
            format!("a mistake may have set the {name} of one of them"),
        ),
    };
    let level = "differs: must be settled before a merge".to_owned();
    Some(Conflict {
        words,
        facts: vec![Evidence::Compared {
            left: first.cell(field),
            right: other.cell(field),
            level,
        }],
        doubt,
    })
}

fn deal_conflict(world: &World<'_>, rows: &[Row<'_>]) -> Option<Conflict> {
    let open: Vec<_> = rows.iter().map(|row| (row, open_deals(world, *row))).collect();
    let with: Vec<_> = open.iter().filter(|(_, count)| *count > 0).collect();
    (with.len() > 1).then(|| Conflict {
        words: match (with.len(), rows.len()) {
            (2, 2) => "both have open deals".to_owned(),
            (with, all) if with == all => "all of them have open deals".to_owned(),
            (with, _) => format!("{with} of them have open deals"),
        },
        facts: with
            .iter()
            .map(|(row, count)| Evidence::Figure {
                of: format!("open deals of {}", row.record()),
                is: count.to_string(),
            })
            .collect(),
        doubt: "the open deals may be one deal entered twice".to_owned(),
    })
}

fn owner_conflict(world: &World<'_>, rows: &[Row<'_>]) -> Option<Conflict> {
    let object = rows.first()?.object();
    let boundary = &world.policies.boundary;
    let owner = boundary.allowed(object, "owner")?;
    let active: Vec<_> = rows.iter().filter(|row| is_worked(world, **row)).collect();
    let first = active.iter().find(|row| row.text(&owner).is_some())?;
    let known = id_key(first.text(&owner)?.trim());
    let other =
        active.iter().find(|row| row.text(&owner).is_some_and(|o| id_key(o.trim()) != known))?;
    let days = &world.policies.duplicates.unsafe_cluster.active_days;
    let mut facts = vec![
        Evidence::Compared {
            left: first.cell(&owner),
            right: other.cell(&owner),
            level: "different owners, both at work".to_owned(),
        },
        Policy::quote(days.line, &format!("active_days = {}", days.value)),
    ];
    if let Some(activity) = boundary.allowed(object, "last_activity") {
        facts.extend([first, other].map(|row| Evidence::Cell(row.cell(&activity))));
    }
    Some(Conflict {
        words: "different owners are working on them".to_owned(),
        facts,
        doubt: "an automatic mail counts as activity in some CRMs".to_owned(),
    })
}

/// True when somebody is at work on the record: an open deal, or recent activity and not closed.
fn is_worked(world: &World<'_>, row: Row<'_>) -> bool {
    if open_deals(world, row) > 0 {
        return true;
    }
    let boundary = &world.policies.boundary;
    if world.policies.ladders.is_open(row, &Flags::of(boundary)) == Some(false) {
        return false;
    }
    let days = world.policies.duplicates.unsafe_cluster.active_days.value;
    boundary
        .allowed(row.object(), "last_activity")
        .and_then(|field| row.time(&field))
        .is_some_and(|at| world.as_of.is_within(days, at) && at < world.as_of.end())
}

fn hierarchy_conflict(world: &World<'_>, rows: &[Row<'_>]) -> Option<Conflict> {
    let object = rows.first().filter(|row| row.object() == Object::Account)?.object();
    let parent = world.policies.boundary.allowed(object, "parent")?;
    let is_member = |id: &str| rows.iter().any(|row| id_key(row.id()) == id_key(id.trim()));
    let child = rows.iter().find(|row| row.text(&parent).is_some_and(is_member))?;
    Some(Conflict {
        words: "one of them is another's parent".to_owned(),
        facts: vec![Evidence::Cell(child.cell(&parent))],
        doubt: "the hierarchy may have been set only to keep twins together".to_owned(),
    })
}

fn size_conflict(world: &World<'_>, rows: &[Row<'_>]) -> Option<Conflict> {
    let max = &world.policies.duplicates.unsafe_cluster.max_records;
    let too_many = usize::try_from(max.value).is_ok_and(|max| rows.len() > max);
    too_many.then(|| Conflict {
        words: format!(
            "{} records are more than the {} that may be merged at once",
            rows.len(),
            max.value
        ),
        facts: vec![Policy::quote(max.line, &format!("max_records = {}", max.value))],
        doubt: "several rounds of merging may be fine where nothing else differs".to_owned(),
    })
}

/// Asks for what decides which record to keep and what stands against a merge.
pub(super) fn ask(grant: &mut Grant<'_>, policies: &crate::check::Policies, objects: &[Object]) {
    super::ask(grant);
    // Without users nobody's owner is known to be active; that rank then decides nothing.
    let _ = crate::check::people::ask(grant);
    crate::check::deals::ask(grant, &policies.ladders);
    for object in objects {
        policies.ladders.ask(*object, grant);
        let conflicts = policies.duplicates.unsafe_cluster.conflicts.value.iter();
        let names = TABLE.into_iter().chain(conflicts.map(String::as_str));
        for name in names.chain(["last_activity"]) {
            grant.optional(*object, name);
        }
        if let Some(field) =
            policies.duplicates.same_company.apart_by.as_ref().filter(|f| f.object() == *object)
        {
            grant.reads(field);
        }
    }
}

/// The fields of the table that the boundary allows.
fn table_fields(boundary: &Boundary, object: Object) -> Vec<Field> {
    TABLE.into_iter().filter_map(|name| boundary.allowed(object, name)).collect()
}

/// The ranks by which one record stands above others, most important first; the lowest id is last.
#[derive(Debug, Clone, Copy)]
enum Rank {
    Portal,
    Key,
    Deals,
    /// Nothing links a deal to a lead: what is won or open for it is told by its stage. Of accounts and
    /// contacts the deals say more than a stage that was put in by hand, and an id that another system
    /// holds would be lost.
    Open,
    Owner,
    Filled,
    Age,
}

impl Rank {
    const ALL: [Self; 7] =
        [Self::Portal, Self::Key, Self::Deals, Self::Open, Self::Owner, Self::Filled, Self::Age];

    /// Where a record stands, and the figure that a reason tells of it.
    fn measure(self, world: &World<'_>, fields: &[Field], row: Row<'_>) -> (i64, String) {
        let named = |name: &str| fields.iter().find(|field| field.name() == name);
        let is = |holds: bool| (i64::from(holds), String::new());
        match self {
            Self::Portal => is(named("portal").and_then(|field| row.flag(field)).unwrap_or(false)),
            Self::Key => is(named("external_id").is_some_and(|field| !row.is_blank(field))),
            Self::Deals => is(count_deals(world, row, |state| state != DealState::Lost) > 0),
            Self::Open => {
                let flags = Flags::of(&world.policies.boundary);
                is(world.policies.ladders.is_open(row, &flags) != Some(false))
            }
            Self::Owner => {
                let owner = text(row, named("owner")).map(|owner| world.people().find(owner));
                is(matches!(owner, Some(Found::One(person)) if person.standing == Standing::Active))
            }
            Self::Filled => {
                let filled = fields.iter().filter(|field| !row.is_blank(field)).count();
                (i64::try_from(filled).unwrap_or(i64::MAX), filled.to_string())
            }
            Self::Age => match named("created").and_then(|field| row.time(field)) {
                Some(at) => (-at.timestamp(), at.format("%F").to_string()),
                None => (i64::MIN, String::new()),
            },
        }
    }

    /// Why one record stands above the others.
    fn reason(self, figure: &str, next: &str) -> String {
        match self {
            Self::Portal => "it is a portal user".to_owned(),
            Self::Key => "it has an external id".to_owned(),
            Self::Deals => "it has won or open deals".to_owned(),
            Self::Open => "it is open work".to_owned(),
            Self::Owner => "its owner is active".to_owned(),
            Self::Filled => format!("it has more filled fields ({figure}, not {next})"),
            Self::Age if next.is_empty() => format!("it alone has a date of creation ({figure})"),
            Self::Age => format!("it is older ({figure})"),
        }
    }
}

/// Which record to keep, and why: the first rank in which one stands above the others.
pub(super) fn survivor<'a>(world: &World<'_>, rows: &[Row<'a>]) -> Option<(Row<'a>, String)> {
    let object = rows.first()?.object();
    let fields = table_fields(&world.policies.boundary, object);
    let mut left = rows.to_vec();
    for rank in Rank::ALL {
        let mut measured: Vec<_> =
            left.iter().map(|row| (*row, rank.measure(world, &fields, *row))).collect();
        measured.sort_by_key(|(_, (score, _))| std::cmp::Reverse(*score));
        let (keep, (best, figure)) = measured.first()?;
        let below = measured.iter().position(|(_, (score, _))| score < best);
        if let Some((_, (_, next))) = measured.get(1).filter(|_| below == Some(1)) {
            let equal = matches!(rank, Rank::Age) && left.len() == rows.len();
            return Some((*keep, kept_because(&rank.reason(figure, next), equal.then_some(ELSE))));
        }
        left = measured.iter().take(below.unwrap_or(measured.len())).map(|(row, _)| *row).collect();
    }
    let equal = left.len() == rows.len();
    let keep = left.into_iter().min_by_key(|row| row.id())?;
    Some((keep, kept_because("its id is the lowest", equal.then_some(ELSE))))
}

/// What is to say where nothing else tells records apart.
const ELSE: &str = "; nothing else that decides sets one above the other";

fn kept_because(reason: &str, more: Option<&str>) -> String {
    format!("kept because {reason}{}", more.unwrap_or_default())
}

/// What names a person or a company.
const IDENTITY: [&str; 5] = ["first_name", "last_name", "full_name", "name", "company"];

/// What two records may agree in besides.
const AGREEING: [&str; 9] =
    ["title", "phone", "mobile", "website", "domain", "street", "postal_code", "city", "country"];

/// Two records beside each other: who they are first of all.
pub(super) fn identity(world: &World<'_>, left: Row<'_>, right: Row<'_>) -> Vec<Evidence> {
    let boundary = &world.policies.boundary;
    let fields = IDENTITY.into_iter().filter_map(|name| boundary.allowed(left.object(), name));
    fields
        .filter(|field| !left.is_blank(field) || !right.is_blank(field))
        .map(|field| Evidence::Compared {
            left: left.cell(&field),
            right: right.cell(&field),
            level: match (left.written(&field), right.written(&field)) {
                (Some(a), Some(b)) if is_same(world, &field, &a, &b) => "the same",
                (Some(_), Some(_)) => "differs",
                _ => "one side is blank",
            }
            .to_owned(),
        })
        .collect()
}

/// Brings what names the records before everything else that is compared of them.
pub(super) fn identity_first(facts: &mut [Evidence]) {
    facts.sort_by_key(|fact| {
        let at = if let Evidence::Compared { left, .. } = fact {
            IDENTITY.iter().position(|name| *name == left.field())
        } else {
            None
        };
        at.unwrap_or(IDENTITY.len())
    });
}

/// What two records have in common beside what makes them one.
pub(super) fn agreements(world: &World<'_>, keep: Row<'_>, other: Row<'_>) -> Vec<Evidence> {
    let boundary = &world.policies.boundary;
    let fields = AGREEING.into_iter().filter_map(|name| boundary.allowed(keep.object(), name));
    let agree = |field: &Field| {
        let values = keep.written(field).zip(other.written(field));
        values.is_some_and(|(a, b)| is_same(world, field, &a, &b))
    };
    fields
        .filter(agree)
        .map(|field| Evidence::Compared {
            left: keep.cell(&field),
            right: other.cell(&field),
            level: "the same".to_owned(),
        })
        .collect()
}

/// Where a record disagrees with the one to keep, and what it has that the other lacks.
pub(super) fn disagreements(world: &World<'_>, keep: Row<'_>, other: Row<'_>) -> Vec<Evidence> {
    let mut differing = Vec::new();
    let mut filling = Vec::new();
    for field in table_fields(&world.policies.boundary, keep.object()) {
        let compared = |level: &str| Evidence::Compared {
            left: keep.cell(&field),
            right: other.cell(&field),
            level: level.to_owned(),
        };
        match (keep.written(&field), other.written(&field)) {
            (Some(a), Some(b)) if !is_same(world, &field, &a, &b) => {
                differing.push(compared(settled(field.name())));
            }
            (None, Some(_)) if !keep.is_withheld(&field) => {
                filling.push(compared("fills the blank"));
            }
            _ => {}
        }
    }
    differing.append(&mut filling);
    differing
}

/// Two values of which the rules know no better one: that of the record to keep stands.
pub(super) const DIFFERS: &str = "differs";

/// What should hold where two records disagree. Words for a person, not a forecast of the CRM.
fn settled(field: &str) -> &'static str {
    match field {
        "opted_out" | "do_not_route" => MORE_RESTRICTIVE,
        "created" => "differs: the older date holds",
        "lead_source" => "differs: the older record's source holds",
        "lifecycle" | "status" => "differs: taken over only where the facts support it",
        _ => DIFFERS,
    }
}

fn is_same(world: &World<'_>, field: &Field, a: &str, b: &str) -> bool {
    let lists = &world.policies.duplicates.lists;
    let (mut left, mut right) = (String::new(), String::new());
    match field.kind() {
        Shape::Email => {
            normalise::address(a, lists, &mut left).is_some()
                && normalise::address(b, lists, &mut right).is_some()
                && left == right
        }
        Shape::Phone => {
            normalise::phone(a, &mut left).is_some()
                && normalise::phone(b, &mut right).is_some()
                && normalise::same_phone(&left, &right)
        }
        Shape::Web => {
            normalise::domain(a, &mut left).is_some()
                && normalise::domain(b, &mut right).is_some()
                && left == right
        }
        Shape::Id if !IDENTIFIERS.contains(&field.name()) => id_key(a.trim()) == id_key(b.trim()),
        Shape::Date | Shape::Number | Shape::Flag => a == b,
        Shape::Id | Shape::Picklist | Shape::Name | Shape::Text | Shape::Address => {
            key_of(field, a) == key_of(field, b)
        }
    }
}

/// Fields that hold what another system or an authority gave a record to be known by.
const IDENTIFIERS: [&str; 2] = ["external_id", "tax_id"];

/// A value as it is compared with others of its field, however it is spelled.
fn key_of(field: &Field, raw: &str) -> String {
    let mut key = String::new();
    match field.name() {
        name if IDENTIFIERS.contains(&name) => drop(normalise::identifier_into(raw, &mut key)),
        "country" => return country_key(raw),
        "state" => drop(normalise::region_into(raw, None, &mut key)),
        "city" => drop(normalise::city_into(raw, &mut key)),
        "postal_code" => drop(normalise::postcode_into(raw, None, &mut key)),
        "street" => {
            let mut street = Street::default();
            normalise::street_into(raw, &mut street);
            key.push_str([street.number, street.name, street.unit].join(" ").trim());
        }
        _ => {}
    }
    // What a kind leaves nothing of is compared by its words.
    if key.is_empty() { normalise::words(raw) } else { key }
}

/// The values that make two records one beside each other, with what was folded away before.
pub(super) fn shared_value(world: &World<'_>, left: Row<'_>, right: Row<'_>) -> Option<Evidence> {
    let boundary = &world.policies.boundary;
    let lists = &world.policies.duplicates.lists;
    if left.object() == Object::Account {
        let domains = domain_fields(boundary);
        let mut out = String::new();
        let [left, right] = [left, right]
            .map(|row| account_domain(world, &domains, row, &mut out).map(|at| row.cell(&at)));
        let level = "the same registrable domain, by the public suffix list".to_owned();
        return Some(Evidence::Compared { left: left?, right: right?, level });
    }
    let mut out = String::new();
    let mut folded = |row: Row<'_>| {
        let field = boundary.allowed(row.object(), "email")?;
        let step = normalise::address(row.text(&field)?, lists, &mut out)?;
        Some((row.cell(&field), step))
    };
    let ((left, one), (right, other)) = (folded(left)?, folded(right)?);
    let step = one.and(other);
    let mut level = "the same address".to_owned();
    if step != normalise::AddressStep::AsWritten {
        level = format!("{level}; {}", step.words());
    }
    Some(Evidence::Compared { left, right, level })
}

/// So many records of one cluster are shown with their values.
pub(super) const MOST_SHOWN: usize = 5;

/// A folded value as evidence: it shows no more than its field may show.
pub(super) fn folded(row: Row<'_>, field: &Field, step: &'static str, value: &str) -> Evidence {
    let from = row.cell(field);
    let to = match from.shown() {
        Shown::Value(_) => Shown::Value(value.to_owned()),
        // The domain of an address stands in its masked form, too.
        Shown::Masked(_) => Shown::Masked(match masked_address(value) {
            Some(address) => address,
            None if field.kind() == Shape::Email && is_domain(value) => value.to_owned(),
            None => "…".to_owned(),
        }),
        hidden @ (Shown::Blank | Shown::Never | Shown::Withheld) => hidden.clone(),
    };
    // A mask hides what a step changed, and then the step's words are all there is to say of it.
    let tells = matches!(to, Shown::Masked(_)) && step != normalise::AddressStep::AsWritten.words();
    if *from.shown() == to && !tells {
        return Evidence::Cell(from);
    }
    Evidence::Normalised { from, step, to }
}

/// A column of two records that was compared. A whole name is compared by its last name and by its first,
/// and shown once.
struct SideBySide<'a> {
    column: usize,
    kind: MatchKind,
    sides: [(Row<'a>, Field); 2],
    /// What the comparisons of this column alone say.
    says: Vec<String>,
}

/// What makes the two records of a link one: the cells that were compared, with what was folded away
/// before, and what each comparison is worth. The record to keep stands first.
pub(super) fn likeness<'a>(
    world: &World<'a>,
    columns: &[(MatchKind, Column)],
    link: &Link<'a>,
    keep: Option<Row<'a>>,
) -> Vec<Evidence> {
    let [mut left, mut right] = link.rows;
    if keep.is_some_and(|keep| keep.id() == right.id()) {
        std::mem::swap(&mut left, &mut right);
    }
    let mut shown: Vec<SideBySide<'a>> = Vec::new();
    for weight in &link.weights {
        let Some(says) = says(columns, weight) else { continue };
        let mut cells: Vec<_> = weight
            .columns
            .iter()
            .filter_map(|at| {
                let (kind, column) = columns.get(*at)?;
                let sides = [column.of(world, left)?, column.of(world, right)?];
                Some(SideBySide { column: *at, kind: *kind, sides, says: Vec::new() })
            })
            .filter(|it| !it.sides.iter().all(|(row, field)| row.is_blank(field)))
            .collect();
        if let [alone] = cells.as_mut_slice() {
            alone.says.push(says);
        }
        for cell in cells {
            let mut known = shown.iter_mut().filter(|it| it.column == cell.column);
            match known.find(|it| it.kind == MatchKind::FullName) {
                Some(whole) => whole.says.extend(cell.says),
                None => shown.push(cell),
            }
        }
    }
    let mut facts: Vec<Evidence> = shown
        .into_iter()
        .map(|it| compare(world, it.kind, it.sides, &it.says.join(", ")))
        .collect();
    let prior = (
        "before anything is compared".to_owned(),
        Vec::new(),
        "two records drawn at random".to_owned(),
        link.prior,
    );
    let parts = link.weights.iter().filter_map(|weight| {
        let says = [says(columns, weight)?.as_str(), weight.context].join(" ");
        let of = own_name(columns, weight).unwrap_or(weight.name);
        let compared = weight.columns.iter().filter_map(|at| columns.get(*at));
        let fields = compared.filter_map(|(_, column)| match column {
            Column::Own(field) => Some(field.clone()),
            Column::OfAccount { .. } => None,
        });
        let fields = fields.collect();
        Some((of.replace('_', " "), fields, says.trim_end().to_owned(), weight.bits))
    });
    let pair = [left.record(), right.record()];
    facts.push(Evidence::Likeness(Likeness::new(pair, std::iter::once(prior).chain(parts))));
    facts
}

/// Two cells beside each other: how far they agree, in the words of their comparison where it is of them
/// alone, and what was folded away. Of an account that both name there is one cell.
fn compare(
    world: &World<'_>,
    kind: MatchKind,
    sides: [(Row<'_>, Field); 2],
    says: &str,
) -> Evidence {
    let values = sides.each_ref().map(|(row, field)| row.text(field));
    let agreement = match values {
        _ if !says.is_empty() => says,
        [Some(_), Some(_)] if is_one(world, kind, &sides) => "the same",
        [Some(_), Some(_)] => "not the same",
        _ => "one side is blank",
    };
    // What was folded away matters where it made two texts one.
    let differ = agreement.starts_with("different") || agreement == "not the same";
    let steps = match values {
        [left, right] if left == right || differ => Steps::NONE,
        values => {
            let lists = &world.policies.duplicates.lists;
            let raw = values.into_iter().flatten();
            raw.fold(Steps::NONE, |all, raw| all | matching::steps(kind, raw, lists))
        }
    };
    let level = steps.words().fold(agreement.to_owned(), |level, step| {
        format!("{level}{} {step}", if level == agreement { ";" } else { "," })
    });
    let [left, right] = sides.map(|(row, field)| row.cell(&field));
    if left.record() == right.record() {
        return Evidence::Cell(left);
    }
    Evidence::Compared { left, right, level }
}

/// The field of a comparison whose ladder is of no one thing.
fn own_name<'c>(columns: &'c [(MatchKind, Column)], weight: &Weight) -> Option<&'c str> {
    let at = *weight.columns.first()?;
    match columns.get(at)? {
        (MatchKind::Category | MatchKind::Text | MatchKind::Identifier, Column::Own(field)) => {
            Some(field.name())
        }
        _ => None,
    }
}

/// What a comparison says, with the name of its field where its ladder is of no one thing.
pub(super) fn says(columns: &[(MatchKind, Column)], weight: &Weight) -> Option<String> {
    let says = weight.says?;
    Some(match own_name(columns, weight).map(|name| name.replace('_', " ")) {
        Some(name) if says.contains(weight.name) => says.replace(weight.name, &name),
        Some(name) => format!("{says} {name}"),
        None => says.to_owned(),
    })
}

/// True where two values of a kind are one once they are folded.
fn is_one(world: &World<'_>, kind: MatchKind, sides: &[(Row<'_>, Field); 2]) -> bool {
    let [Some(left), Some(right)] = sides.each_ref().map(|(row, field)| row.text(field)) else {
        return false;
    };
    if kind == MatchKind::Company {
        return normalise::company(left) == normalise::company(right);
    }
    sides.first().is_some_and(|(_, field)| is_same(world, field, left, right))
}

/// The records as findings name them, without the first.
pub(super) fn others(rows: &[Row<'_>], first: Row<'_>) -> Vec<RecordRef> {
    rows.iter().map(|row| row.record()).filter(|record| *record != first.record()).collect()
}
