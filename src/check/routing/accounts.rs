//! The account a record belongs to, the policy to follow its owner, and the list of named accounts.
//!
//! A record that names several accounts belongs to its primary one, where it says which that is, and else to
//! all of them: then what they do not say with one voice is not known of it.
//! Does not: match records; a filled `account` field comes first, then the matches of the world.

use chrono::NaiveDate;
use hashbrown::HashMap;

use crate::boundary::{Batch, Boundary, Field, Object, Row, id_key, ids};
use crate::check::World;
use crate::check::condition::fold;
use crate::check::rulebook::Rulebook;
use crate::finding::Evidence;
use crate::policy::Section;

use super::Plan;
use super::coverage::{column, refuse_other_columns};

/// The account a record belongs to, or the accounts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Home<'a> {
    /// It names the account itself.
    Linked(Row<'a>),
    /// It says which of the accounts that it names comes first.
    Primary(Row<'a>),
    /// It names several of these accounts, by the ids in this cell; none comes first.
    Listed(&'a Batch, &'a str),
    /// Exactly one account matches that people are linked to.
    Matched(Row<'a>),
    /// More than one account matches.
    Several,
    /// None is known.
    Unknown,
}

impl<'a> Home<'a> {
    /// The account of a record; of an account, itself.
    pub(super) fn of(world: &World<'a>, plan: &Plan, row: Row<'a>) -> Self {
        if row.object() == Object::Account {
            return Home::Linked(row);
        }
        if let Some(cell) = plan.account.as_ref().and_then(|field| row.text(field)) {
            let Some(batch) = world.batch(Object::Account) else { return Home::Unknown };
            if ids(cell).nth(1).is_none() {
                return batch.find(cell).map_or(Home::Unknown, Home::Linked);
            }
            let primary = plan.primary_account.as_ref().and_then(|field| row.text(field));
            let primary = primary.and_then(|id| batch.find(id));
            return primary.map_or(Home::Listed(batch, cell), Home::Primary);
        }
        match *world.matches().belongs_to(world, row) {
            [] => Home::Unknown,
            [one] => Home::Matched(one),
            _ => Home::Several,
        }
    }

    /// Each account that it is known to belong to; `None` for one that it names and no input holds.
    pub(super) fn accounts(self) -> impl Iterator<Item = Option<Row<'a>>> {
        let (one, named) = match self {
            Home::Linked(row) | Home::Primary(row) | Home::Matched(row) => (Some(row), None),
            Home::Listed(batch, cell) => (None, Some((batch, cell))),
            Home::Several | Home::Unknown => (None, None),
        };
        let find = |(batch, cell): (&'a Batch, &'a str)| ids(cell).map(|id| batch.find(id));
        one.map(Some).into_iter().chain(named.into_iter().flat_map(find))
    }

    /// The accounts that it is known to belong to and that are here, each once.
    pub(super) fn known(self) -> Vec<Row<'a>> {
        let mut known: Vec<Row<'a>> = Vec::new();
        for account in self.accounts().flatten() {
            if !known.iter().any(|other| other.position() == account.position()) {
                known.push(account);
            }
        }
        known
    }

    /// What its accounts say with one voice.
    pub(super) fn say<T: PartialEq>(self, each: impl Fn(Row<'a>) -> Option<T>) -> Voice<T> {
        let mut all = self.accounts().map(|account| account.and_then(&each));
        let first = all.next().flatten();
        if all.any(|other| other != first) {
            Voice::Differing
        } else {
            first.map_or(Voice::Silent, Voice::One)
        }
    }

    /// How the account was found, in words.
    pub(super) fn how(self) -> &'static str {
        match self {
            Home::Linked(_) | Home::Primary(_) | Home::Listed(..) => {
                "linked by the record's own account field"
            }
            Home::Matched(_) => "the only active account with the record's company domain",
            Home::Several => "several accounts match",
            Home::Unknown => "no account matches",
        }
    }
}

/// What the accounts of a record say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice<T> {
    /// Nothing, or no account is known.
    Silent,
    /// All of them this.
    One(T),
    /// Not all of them the same: one may say nothing, or not be here to be asked.
    Differing,
}

/// `[follow-account-owner]`.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    /// Account types whose owner is not followed.
    pub(super) except_types: Vec<String>,
    /// Roles that work leads before the account's owner does.
    pub(super) first_touch_roles: Vec<String>,
    /// The rules file.
    pub(super) file: String,
    /// Its line.
    pub(super) line: usize,
}

impl Follow {
    /// Reads the section.
    pub(super) fn parse(root: &Section<'_>) -> Option<Self> {
        let section = root.section("follow-account-owner")?;
        section.flag("off");
        let folded = |key: &str| section.texts(key).iter().map(|said| fold(said.value)).collect();
        Some(Self {
            except_types: folded("except_account_types"),
            first_touch_roles: folded("first_touch_roles"),
            file: section.file().to_owned(),
            line: section.line(),
        })
    }
}

/// The list of named accounts.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The file, with `rules/` in front.
    pub(super) file: String,
    /// Its rows.
    pub(super) rows: Vec<NamedRow>,
    /// The rows of an account, in file order.
    by_key: HashMap<String, Vec<usize>>,
}

/// One named account.
#[derive(Debug, Clone)]
pub(super) struct NamedRow {
    /// 1-based line.
    pub(super) line: usize,
    /// Whose it is.
    pub(super) owner: String,
    /// Since when.
    pub(super) since: Option<NaiveDate>,
    /// The other rows that name an account the same way since the same day.
    pub(super) rivals: Vec<usize>,
}

/// By what of an account a list names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Its id.
    Id,
    /// Its domain or its website's.
    Domain,
    /// Its name.
    Name,
}

impl By {
    /// The field in words.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Domain => "domain",
            Self::Name => "name",
        }
    }
}

impl Named {
    /// Reads `[named-accounts]`.
    pub(super) fn parse(root: &Section<'_>, rulebook: &Rulebook) -> Option<Self> {
        let section = root.section("named-accounts")?;
        section.flag("off");
        let name = section.required_text("table")?;
        let table = rulebook.table(&name, &section, name.line)?;
        refuse_other_columns(table, &["account", "owner", "since"], &section);
        let (account_at, owner_at) =
            (column(table, "account", &section)?, column(table, "owner", &section)?);
        let since_at = table.column("since");
        let mut named = Self { file: table.file.clone(), rows: Vec::new(), by_key: HashMap::new() };
        for (line, cells) in &table.rows {
            let cell = |at: usize| cells.get(at).map_or("", String::as_str);
            let since = since_at.map(cell).filter(|since| !since.is_empty());
            let day = since.and_then(|since| since.parse().ok());
            if since.is_some() && day.is_none() {
                section.problem_in(&table.file, *line, "`since` is no day", "like 2026-11-23");
            }
            if cell(account_at).is_empty() || cell(owner_at).is_empty() {
                section.problem_in(
                    &table.file,
                    *line,
                    "`account` or `owner` is blank",
                    "take the row out or fill it",
                );
                continue;
            }
            named.add(cell(account_at), *line, cell(owner_at).to_owned(), day);
        }
        Some(named)
    }

    fn add(&mut self, account: &str, line: usize, owner: String, since: Option<NaiveDate>) {
        let at = self.rows.len();
        let mut rivals: Vec<usize> = Vec::new();
        for key in keys(account) {
            let same = self.by_key.entry(key).or_default();
            let is_rival =
                |other: &usize| self.rows.get(*other).is_some_and(|row| row.since == since);
            rivals.extend(same.iter().filter(|other| is_rival(other)));
            same.push(at);
        }
        rivals.sort_unstable();
        rivals.dedup();
        for other in &rivals {
            self.rows.get_mut(*other).into_iter().for_each(|row| row.rivals.push(at));
        }
        self.rows.push(NamedRow { line, owner, since, rivals });
    }

    /// The row in force of every account on the list, by the account's position in its batch.
    pub(super) fn place(
        &self,
        batch: &Batch,
        boundary: &Boundary,
        today: NaiveDate,
    ) -> HashMap<usize, (usize, By)> {
        let field = |name: &str| boundary.allowed(Object::Account, name);
        let (name, domain, website) = (field("name"), field("domain"), field("website"));
        let mut placed = HashMap::new();
        for row in batch.rows() {
            let text = |field: &Option<Field>| field.as_ref().and_then(|field| row.text(field));
            let by_id = self.in_force(id_key(row.id()), today).map(|at| (at, By::Id));
            let by_domain = || {
                let domain = host(text(&domain).or_else(|| text(&website))?)?;
                self.in_force(&domain, today).map(|at| (at, By::Domain))
            };
            let by_name = || Some((self.in_force(&fold(text(&name)?), today)?, By::Name));
            if let Some(found) = by_id.or_else(by_domain).or_else(by_name) {
                placed.insert(row.position(), found);
            }
        }
        placed
    }

    /// A row as evidence.
    pub(super) fn quoted(&self, at: usize, how: By) -> Option<Evidence> {
        let NamedRow { line, owner, since, .. } = self.rows.get(at)?;
        let since = since.map_or_else(String::new, |day| format!(" since {day}"));
        let says = format!("{owner}{since}; found by the account's {}", how.word());
        Some(Evidence::Policy { file: self.file.clone(), line: *line, says })
    }

    /// Of an account's rows in force the one that is so since the latest day; of several, the first.
    fn in_force(&self, key: &str, today: NaiveDate) -> Option<usize> {
        let since = |at: usize| self.rows.get(at).and_then(|row| row.since);
        let rows = self.by_key.get(key)?.iter().rev().copied();
        rows.filter(|at| since(*at).is_none_or(|day| day <= today)).max_by_key(|at| since(*at))
    }
}

/// The keys a list's account can be meant by: an id, a name, and a domain where it looks like one.
fn keys(account: &str) -> Vec<String> {
    let mut keys = vec![id_key(account.trim()).to_owned(), fold(account)];
    keys.extend(host(account));
    keys
}

/// The host of a website or domain, without `www.`.
fn host(web: &str) -> Option<String> {
    let web = web.trim().to_lowercase();
    let bare = web.split_once("://").map_or(web.as_str(), |(_, rest)| rest);
    let host = bare.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    (host.contains('.') && !host.contains([' ', '@'])).then(|| host.to_owned())
}
