//! Which records of a table are linked, by a key that is theirs alone or by all that is known of them, and
//! what that comes to: the cases that call for a finding.
//!
//! Does not: judge a case; see [`super::same`].

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Object, Row, id_key};
use crate::check::{Weighed, World};
use crate::finding::Bits;
use crate::matching::agreement::{self, Level};
use crate::matching::cluster::{Cluster, GroupLinks, spanning};
use crate::matching::index::Index;
use crate::matching::normalise::{self, Country};
use crate::matching::{
    self, Apart, Crowd, Kind, Linkage, Pair, Plan, Records, Weight, link, link_by,
};

use super::matches::{account_domain, domain_fields, text};
use super::merge::{Case, case_of, copies_of, split_of};
use super::policy::Switch;

/// By what a person is known: the name in rules/boundary.toml and what it holds.
const PERSON: [(&str, Kind); 14] = [
    ("first_name", Kind::FirstName),
    ("last_name", Kind::LastName),
    ("full_name", Kind::FullName),
    ("email", Kind::Mail),
    ("phone", Kind::Phone),
    ("mobile", Kind::Phone),
    ("company", Kind::Company),
    ("website", Kind::Web),
    ("title", Kind::Text),
    ("street", Kind::Street),
    ("city", Kind::City),
    ("state", Kind::Region),
    ("postal_code", Kind::Postcode),
    ("country", Kind::Country),
];
/// By what a company is known.
const ACCOUNT: [(&str, Kind); 11] = [
    ("name", Kind::Company),
    ("domain", Kind::Web),
    ("website", Kind::Web),
    ("phone", Kind::Phone),
    ("street", Kind::Street),
    ("city", Kind::City),
    ("state", Kind::Region),
    ("postal_code", Kind::Postcode),
    ("country", Kind::Country),
    ("industry", Kind::Category),
    ("tax_id", Kind::Identifier),
];
/// What a contact has of its account, where it says nothing of its own.
const OF_ACCOUNT: [(&str, Kind); 3] =
    [("name", Kind::Company), ("domain", Kind::Web), ("website", Kind::Web)];

/// The names of the fields by which the records of a table are known, and those that keep them apart.
pub(super) fn names(object: Object) -> Vec<&'static str> {
    let (known, apart) = if object == Object::Account {
        (&ACCOUNT[..], ["parent", "type"])
    } else {
        (&PERSON[..], ["account", "converted"])
    };
    known.iter().map(|(name, _)| *name).chain(apart).collect()
}

/// By what two records are linked; the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// One mail address, or one company's domain.
    Key,
    /// One local part at two domains of one company.
    Alias,
    /// All that is known of them together.
    Likeness,
}

/// A link between two records.
#[derive(Debug, Clone)]
pub(super) struct Link<'a> {
    pub(super) rows: [Row<'a>; 2],
    pub(super) by: By,
    /// The odds before anything is compared, in bits.
    pub(super) prior: f64,
    /// What each comparison adds.
    pub(super) weights: Vec<Weight>,
}

/// A column that records are linked by.
#[derive(Debug, Clone)]
pub(super) enum Column {
    /// The record's own field.
    Own(Field),
    /// A field of the account that the record names.
    OfAccount { link: Field, field: Field },
}

impl Column {
    /// The record and field in which a record's value of the column stands; `None` where its account does
    /// not.
    pub(super) fn of<'a>(&self, world: &World<'a>, row: Row<'a>) -> Option<(Row<'a>, Field)> {
        match self {
            Self::Own(field) => Some((row, field.clone())),
            Self::OfAccount { link, field } => {
                let account = world.batch(Object::Account)?.find(row.text(link)?)?;
                Some((account, field.clone()))
            }
        }
    }
}

/// What a table's linkage came to.
#[derive(Debug)]
pub(super) struct Same<'a> {
    /// What calls for a finding, by lowest id.
    pub(super) cases: Vec<Case<'a>>,
    /// Keys of [`By::Key`] and [`By::Alias`] that too many records share, the largest first.
    pub(super) crowds: Vec<Crowd>,
    /// Values that too many records share for a comparison by that alone, the largest first.
    pub(super) parted: Vec<Crowd>,
    /// How many pairs were compared.
    pub(super) compared: u64,
    /// The columns, in the order of the weights' places, and what they hold.
    pub(super) columns: Vec<(Kind, Column)>,
    /// By what likeness was weighed.
    pub(super) weighed: Weighed,
    /// Why the parameters that the rules name could not be used.
    pub(super) unfit: Option<String>,
}

impl<'a> Same<'a> {
    pub(super) fn of(world: &World<'a>, batch: &'a Batch) -> Self {
        let policy = &world.policies.duplicates;
        let table = Table::of(world, batch);
        let kinds: Vec<Kind> = table.columns.iter().map(|(kind, _)| *kind).collect();
        let least = policy.likely(batch.object());
        let plan = Plan {
            columns: &kinds,
            lists: &policy.lists,
            largest_block: matching::LARGEST_BLOCK,
            least_bits: least.map_or(f64::INFINITY, |least| odds(least.value)),
            threads: world.threads,
        };
        let pinned = policy.pinned.get(&batch.object());
        let mut unfit = None;
        let linked = pinned.map(|known| link_by(&table, plan, known));
        let mut linkage = match linked {
            None => link(&table, plan),
            Some(Ok(linkage)) => linkage,
            Some(Err(why)) => {
                // What the rules ask for cannot be had: then nothing is proposed by likeness.
                unfit = Some(why.to_string());
                let mut linkage = link(&table, plan);
                linkage.pairs.clear();
                linkage
            }
        };
        let mut parted = std::mem::take(&mut linkage.crowds);
        let mut crowds = Vec::new();
        let mut copies = Vec::new();
        let links = Links::of(world, &table, &linkage, &mut crowds, &mut copies);
        for crowds in [&mut crowds, &mut parted] {
            crowds.sort_by_key(|crowd| (Reverse(crowd.records), crowd.first, crowd.by));
        }
        let found = linkage.clusters(links.pairs(), |at| table.row(at).map(Row::id));
        let mut cases = Vec::new();
        for cluster in &found {
            links.cases(world, &table, &linkage, cluster, &mut cases);
        }
        cases.extend(copies.iter().filter_map(|group| table.copies(world, &linkage, group)));
        cases.sort_by(|a, b| a.ids().cmp(b.ids()));
        let weighed = Weighed {
            object: batch.object(),
            pinned: pinned.is_some() && unfit.is_none(),
            by: linkage.parameters(),
        };
        let compared = linkage.compared;
        Self { cases, crowds, parted, compared, columns: table.columns, weighed, unfit }
    }
}

/// A chance as odds in bits.
fn odds(chance: f64) -> f64 {
    (chance / (1.0 - chance)).log2()
}

/// A shared key counts at least so many bits where the names agree, where a part of them does, and where
/// they do not: then it is a link that anything against it undoes.
const KEY_BITS: [f64; 3] = [12.0, 6.0, 1.0];

/// What is known beside the names has to make it twice as likely that two are one, at least.
const LEAST_BESIDE: f64 = 1.0;

/// The links of a table, by their records.
struct Links(Vec<(Pair, By)>);

impl Links {
    fn of(
        world: &World<'_>,
        table: &Table<'_>,
        linkage: &Linkage,
        crowds: &mut Vec<Crowd>,
        copies: &mut Vec<Vec<u32>>,
    ) -> Self {
        let mut links = Vec::new();
        // Which group of copies a record stands in.
        let mut group_of: HashMap<u32, usize> = HashMap::new();
        // Which crowd a record stands in: a university, a franchise, a mailbox that everybody is given.
        let mut crowded: HashMap<u32, u32> = HashMap::new();
        for (key, by) in table.keys(world) {
            for block in key.index.blocks() {
                if block.len() > key.largest {
                    let first = block.first().copied().unwrap_or_default();
                    let records = block.len();
                    crowded.extend(block.iter().map(|record| (*record, first)));
                    let mut alone = block;
                    if by == By::Key {
                        for group in table.namesakes(world, &alone, key.largest) {
                            group_of.extend(group.iter().map(|record| (*record, copies.len())));
                            copies.push(group);
                        }
                    }
                    alone.retain(|record| !group_of.contains_key(record));
                    if !alone.is_empty() {
                        let apart = records - alone.len();
                        crowds.push(Crowd { first, records, apart, by: key.words, alone });
                    }
                    continue;
                }
                for (n, left) in block.iter().enumerate() {
                    for right in block.iter().skip(n + 1) {
                        let bits = table.key_bits(world, *left, *right, by);
                        if let Some(least) = bits.filter(|_| !table.are_apart(*left, *right)) {
                            let bits = linkage.score(*left, *right).max(least);
                            links.push((Pair { left: *left, right: *right, bits }, by));
                        }
                    }
                }
            }
        }
        let are_in_one_crowd = |pair: &Pair| {
            let crowd = crowded.get(&pair.left);
            crowd.is_some() && crowd == crowded.get(&pair.right)
        };
        let alike = linkage.pairs.iter().filter(|pair| {
            let names: &[Level] = if are_in_one_crowd(pair) {
                &[Level::Same, Level::Form]
            } else {
                &[Level::Same, Level::Form, Level::Alike, Level::Partly]
            };
            table.may_be_alike(world, linkage, pair, names)
        });
        links.extend(alike.map(|pair| (*pair, By::Likeness)));
        // What is told of the copies as a whole is not told of some of them again.
        links.retain(|(pair, _)| {
            let group = group_of.get(&pair.left);
            group.is_none() || group != group_of.get(&pair.right)
        });
        links.sort_by_key(|(pair, by)| (pair.left, pair.right, *by));
        links.dedup_by_key(|(pair, _)| (pair.left, pair.right));
        Self(links)
    }

    fn pairs(&self) -> Vec<Pair> {
        self.0.iter().map(|(pair, _)| *pair).collect()
    }

    fn by(&self, pair: &Pair) -> By {
        let at = self
            .0
            .binary_search_by_key(&(pair.left, pair.right), |(pair, _)| (pair.left, pair.right));
        at.ok().and_then(|at| self.0.get(at)).map_or(By::Likeness, |(_, by)| *by)
    }

    /// The links among records as a finding tells them: the surest first, and of equal ones by their ids, so
    /// that nothing hangs on the order in which the records came.
    fn surest_first<'a, 'p>(
        &self,
        table: &Table<'a>,
        pairs: impl Iterator<Item = &'p Pair>,
    ) -> Vec<&'p Pair> {
        let mut pairs: Vec<&Pair> = pairs.collect();
        pairs.sort_by_cached_key(|pair| {
            (
                self.by(pair),
                Reverse(Bits::of(pair.bits)),
                table.ends(pair).map(|ends| ends.map(Row::id)),
            )
        });
        pairs
    }

    fn link<'a>(&self, table: &Table<'a>, linkage: &Linkage, pair: &Pair) -> Option<Link<'a>> {
        Some(Link {
            rows: table.ends(pair)?,
            by: self.by(pair),
            prior: linkage.prior(),
            weights: linkage.weights(pair.left, pair.right),
        })
    }

    /// What a cluster calls for: something for each group that holds together, and a split where links
    /// join groups that do not.
    fn cases<'a>(
        &self,
        world: &World<'a>,
        table: &Table<'a>,
        linkage: &Linkage,
        cluster: &Cluster,
        cases: &mut Vec<Case<'a>>,
    ) {
        let is_reviewed = |at: &u32| table.is_under_review(*at);
        if !cluster.members.iter().any(is_reviewed) {
            return;
        }
        let rows = |group: &[u32]| {
            let mut rows: Vec<Row<'a>> = group.iter().filter_map(|at| table.row(*at)).collect();
            rows.sort_by_key(|row| row.id());
            rows
        };
        for (group, GroupLinks { within, beside }) in
            cluster.groups.iter().zip(cluster.links_by_group())
        {
            if group.len() < 2 || !group.iter().any(is_reviewed) {
                continue;
            }
            let within = self.surest_first(table, within.into_iter());
            let links = spanning(group, within.into_iter())
                .into_iter()
                .filter_map(|pair| self.link(table, linkage, pair))
                .collect();
            let beside = self
                .surest_first(table, beside.into_iter())
                .into_iter()
                .filter_map(|pair| self.link(table, linkage, pair))
                .collect();
            cases.extend(case_of(world, rows(group), links, beside));
        }
        if world.policies.duplicates.weak_bridge == Switch::Off {
            return;
        }
        let group_of = cluster.groups_of();
        let holds = |at: u32| {
            let group = *group_of.get(&at)?;
            cluster.groups.get(group).filter(|members| members.len() > 1).map(|_| group)
        };
        let bridges = cluster
            .bridges()
            .filter(|pair| holds(pair.left).is_some() && holds(pair.right).is_some());
        let bridges = self.surest_first(table, bridges);
        let mut ends: Vec<usize> = bridges
            .iter()
            .flat_map(|pair| [holds(pair.left), holds(pair.right)])
            .flatten()
            .collect();
        ends.sort_unstable();
        ends.dedup();
        let parts: Vec<Vec<Row<'a>>> =
            ends.iter().filter_map(|at| cluster.groups.get(*at)).map(|group| rows(group)).collect();
        let bridges: Vec<Link<'a>> =
            bridges.into_iter().filter_map(|pair| self.link(table, linkage, pair)).collect();
        cases.extend(split_of(world, parts, bridges));
    }
}

/// A key that is one person's or company's alone.
struct Key {
    index: Index,
    /// What is shared, in words.
    words: &'static str,
    /// More records than this on one key are no copies of one.
    largest: usize,
}

/// A table as the linkage sees it.
struct Table<'a> {
    batch: &'a Batch,
    accounts: Option<&'a Batch>,
    columns: Vec<(Kind, Column)>,
    /// Leads that became contacts are linked by that, not by likeness.
    converted: Option<Field>,
    parent: Option<Field>,
    apart_by: Option<Field>,
}

impl<'a> Table<'a> {
    fn of(world: &World<'a>, batch: &'a Batch) -> Self {
        let boundary = &world.policies.boundary;
        let object = batch.object();
        let is_account = object == Object::Account;
        let field = |name: &str| boundary.allowed(object, name);
        let known = if is_account { &ACCOUNT[..] } else { &PERSON[..] };
        let mut columns: Vec<(Kind, Column)> = known
            .iter()
            .filter_map(|(name, kind)| Some((*kind, Column::Own(field(name)?))))
            .collect();
        let accounts = world.batch(Object::Account);
        if let (Some(link), Some(_), false) = (field("account"), accounts, is_account) {
            columns.extend(OF_ACCOUNT.into_iter().filter_map(|(name, kind)| {
                let field = boundary.allowed(Object::Account, name)?;
                Some((kind, Column::OfAccount { link: link.clone(), field }))
            }));
        }
        Self {
            batch,
            accounts,
            columns,
            converted: if is_account { None } else { field("converted") },
            parent: if is_account { field("parent") } else { None },
            apart_by: world
                .policies
                .duplicates
                .same_company
                .apart_by
                .clone()
                .filter(|field| field.object() == object),
        }
    }

    fn row(&self, at: u32) -> Option<Row<'a>> {
        self.batch.at(usize::try_from(at).ok()?)
    }

    /// The two records of a pair, by id.
    fn ends(&self, pair: &Pair) -> Option<[Row<'a>; 2]> {
        let mut ends = [self.row(pair.left)?, self.row(pair.right)?];
        ends.sort_by_key(|row| row.id());
        Some(ends)
    }

    fn is_of_companies(&self) -> bool {
        self.batch.object() == Object::Account
    }

    /// The keys that the rules let count.
    fn keys(&self, world: &World<'_>) -> Vec<(Key, By)> {
        let policy = &world.policies.duplicates;
        let largest = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let mut keys = Vec::new();
        if self.is_of_companies() {
            if policy.same_company.switch == Switch::On {
                let fields = domain_fields(&world.policies.boundary);
                let index =
                    self.index(|row, out| account_domain(world, &fields, row, out).map(drop));
                let largest = largest(policy.same_company.franchise_limit.value);
                keys.push((Key { index, words: "domain", largest }, By::Key));
            }
            return keys;
        }
        let Some(email) = world.policies.boundary.allowed(self.batch.object(), "email") else {
            return keys;
        };
        let largest = largest(policy.same_person.crowd.value);
        let address = |row: Row<'_>, out: &mut String| {
            normalise::address(row.text(&email)?, &policy.lists, out).map(drop)
        };
        if policy.same_person.switch == Switch::On {
            keys.push((
                Key { index: self.index(address), words: "mail address", largest },
                By::Key,
            ));
        }
        let aliases = world.matches().aliases(world);
        if !aliases.is_empty() {
            let index = self.index(|row, out| {
                address(row, out)?;
                let (local, domain) = out.split_once('@')?;
                *out = format!("{local}@{}", aliases.one(domain)?);
                Some(())
            });
            keys.push((
                Key { index, words: "mail address at domains of one company", largest },
                By::Alias,
            ));
        }
        keys
    }

    fn index(&self, key: impl Fn(Row<'_>, &mut String) -> Option<()>) -> Index {
        let mut index = Index::default();
        let mut out = String::new();
        for at in (0..self.len()).filter(|at| !self.is_left_out(*at)) {
            out.clear();
            if self.row(at).and_then(|row| key(row, &mut out)).is_some() {
                index.add(&out, at);
            }
        }
        index.settle();
        index
    }

    /// What a shared key counts at least; `None` where it does not count.
    fn key_bits(&self, world: &World<'_>, left: u32, right: u32, by: By) -> Option<f64> {
        let rows = [self.row(left)?, self.row(right)?];
        let names = names_of(world, rows).0;
        let [agree, in_part, differ] = KEY_BITS;
        match names {
            Level::Same | Level::Form | Level::Alike => Some(agree),
            // Namesakes at a parent and its subsidiary are known by their whole names alone.
            Level::Missing | Level::Partly | Level::Different if by == By::Alias => None,
            _ if by == By::Alias && self.have_one_address(world, rows) => None,
            Level::Missing => Some(agree),
            Level::Partly => Some(in_part),
            Level::Different if self.is_of_companies() => {
                (!self.are_abroad(rows)).then_some(differ)
            }
            Level::Different => {
                (!super::merge::shares_role_mailbox(world, &rows)).then_some(differ)
            }
        }
    }

    /// Of people who share an address, those of one name that alone are more than may share it: whatever the
    /// address is, they are one person written many times. By name.
    fn namesakes(&self, world: &World<'_>, block: &[u32], largest: usize) -> Vec<Vec<u32>> {
        let is_told = world.policies.duplicates.unsafe_cluster.switch == Switch::On;
        if self.is_of_companies() || !is_told {
            return Vec::new();
        }
        let fields = world.matches().person_fields(self.batch.object());
        let mut by_name: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for record in block {
            let mut key = String::new();
            let name = self.row(*record).map(|row| fields.name(row));
            if name.and_then(|name| name.key_into(&mut key)).is_some() {
                by_name.entry(key).or_default().push(*record);
            }
        }
        by_name.into_values().filter(|group| group.len() > largest).collect()
    }

    /// The case of one person written many times, whether or not any of the records is under review.
    fn copies(&self, world: &World<'a>, linkage: &Linkage, group: &[u32]) -> Option<Case<'a>> {
        let mut by_id: Vec<(Row<'a>, u32)> =
            group.iter().filter_map(|at| Some((self.row(*at)?, *at))).collect();
        by_id.sort_by_key(|(row, _)| row.id());
        let [(one, left), (other, right), ..] = by_id.as_slice() else { return None };
        let link = Link {
            rows: [*one, *other],
            by: By::Key,
            prior: linkage.prior(),
            weights: linkage.weights(*left.min(right), *left.max(right)),
        };
        Some(copies_of(world, by_id.into_iter().map(|(row, _)| row).collect(), link))
    }

    fn have_one_address(&self, world: &World<'_>, rows: [Row<'_>; 2]) -> bool {
        let email = world.policies.boundary.allowed(self.batch.object(), "email");
        let [one, other] = rows.map(|row| {
            let mut out = String::new();
            let lists = &world.policies.duplicates.lists;
            normalise::address(text(row, email.as_ref())?, lists, &mut out).map(|_| out)
        });
        one == other
    }

    /// True where both say their country and it is not one.
    fn are_abroad(&self, rows: [Row<'_>; 2]) -> bool {
        let country = self.columns.iter().find_map(|(kind, column)| match column {
            Column::Own(field) if *kind == Kind::Country => Some(field),
            Column::Own(_) | Column::OfAccount { .. } => None,
        });
        let said = rows.map(|row| text(row, country).map(country_key));
        matches!(said, [Some(one), Some(other)] if one != other)
    }

    /// Two records that are alike are proposed as one where their names agree far enough, and all that is
    /// known beside the names speaks for it in sum.
    fn may_be_alike(
        &self,
        world: &World<'_>,
        linkage: &Linkage,
        pair: &Pair,
        names: &[Level],
    ) -> bool {
        let (Some(left), Some(right)) = (self.row(pair.left), self.row(pair.right)) else {
            return false;
        };
        let names_agree = names.contains(&names_of(world, [left, right]).0);
        let is_name = |column: &usize| match self.columns.get(*column).map(|(kind, _)| *kind) {
            Some(Kind::Company) => self.is_of_companies(),
            Some(kind) => matches!(kind, Kind::FirstName | Kind::LastName | Kind::FullName),
            None => false,
        };
        // Two who share a rare name are hardly two, and yet the name alone is never enough.
        let beside_names = |weight: &Weight| !weight.columns.iter().any(is_name);
        names_agree && {
            let weights = linkage.weights(pair.left, pair.right);
            let beside: f64 = weights.iter().filter(|w| beside_names(w)).map(|w| w.bits).sum();
            beside >= LEAST_BESIDE
        }
    }
}

/// A country by its code, or by its words where it has none.
pub(super) fn country_key(raw: &str) -> String {
    Country::parse(raw).map_or_else(|| normalise::words(raw), |country| country.code().to_owned())
}

/// How far the names of two records agree.
pub(super) fn names_of(world: &World<'_>, rows: [Row<'_>; 2]) -> (Level, &'static str) {
    let object = rows[0].object();
    if object == Object::Account {
        let name = world.policies.boundary.allowed(object, "name");
        let fold = |row| text(row, name.as_ref()).map(normalise::company).unwrap_or_default();
        let [left, right] = rows.map(fold);
        return agreement::company(&left, &right);
    }
    let fields = world.matches().person_fields(object);
    let [left, right] = rows.map(|row| fields.name(row));
    agreement::name(&left, &right)
}

/// The id at the top of an account's hierarchy, as far as the table holds it.
fn top<'a>(batch: &'a Batch, parent: &Field, account: Row<'a>) -> &'a str {
    let mut account = account;
    // A hierarchy of more levels than this is a circle.
    for _ in 0..16 {
        let Some(id) = account.text(parent) else { break };
        match batch.find(id) {
            Some(above) => account = above,
            None => return id_key(id.trim()),
        }
    }
    id_key(account.id())
}

impl Records for Table<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.batch.len()).unwrap_or(u32::MAX)
    }

    fn value(&self, at: u32, column: usize) -> Option<&str> {
        let row = self.row(at)?;
        match &self.columns.get(column)?.1 {
            Column::Own(field) => row.text(field),
            Column::OfAccount { link, field } => self.accounts?.find(row.text(link)?)?.text(field),
        }
    }

    fn is_left_out(&self, at: u32) -> bool {
        let converted = self.converted.as_ref();
        converted.is_some_and(|field| self.row(at).and_then(|row| row.flag(field)) == Some(true))
    }

    fn is_under_review(&self, at: u32) -> bool {
        self.row(at).is_some_and(Row::is_under_review)
    }

    fn apart(&self, at: u32) -> Apart<'_> {
        let Some(row) = self.row(at) else { return Apart::default() };
        let unit = self.apart_by.as_ref().and_then(|field| row.written(field));
        Apart {
            unit: unit.map(|value| normalise::words(&value)),
            family: self.parent.as_ref().map(|parent| top(self.batch, parent, row)),
        }
    }
}

/// The domains that are one company's: each leads to another of them, and the last to itself.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<String, String>);

impl Aliases {
    /// The rules' lists, and the domains of accounts that have one as `domain` and another as `website`.
    pub(super) fn of(world: &World<'_>) -> Self {
        let policy = &world.policies.duplicates.alias_address;
        let mut aliases = Self::default();
        if policy.switch == Switch::Off {
            return aliases;
        }
        for list in &policy.domains {
            for domain in &list.value {
                aliases.join(list.value.first().unwrap_or(domain), domain);
            }
        }
        let Some(accounts) = world.batch(Object::Account) else { return aliases };
        let fields = domain_fields(&world.policies.boundary);
        let [domain, website] = fields.as_slice() else { return aliases };
        let lists = &world.policies.duplicates.lists;
        let (mut one, mut other) = (String::new(), String::new());
        for account in accounts.rows() {
            let folded = |field: &Field, out: &mut String| {
                account.text(field).and_then(|raw| normalise::company_domain(raw, lists, out))
            };
            if folded(domain, &mut one).is_some()
                && folded(website, &mut other).is_some()
                && one != other
            {
                aliases.join(&one, &other);
            }
        }
        aliases
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The domain that stands for a domain with aliases.
    pub(super) fn one<'d>(&'d self, domain: &'d str) -> Option<&'d str> {
        let mut at = domain;
        loop {
            match self.0.get(at)?.as_str() {
                head if head == at => return Some(head),
                next => at = next,
            }
        }
    }

    /// Two domains are one company's: what stands for one now stands for both.
    fn join(&mut self, one: &str, other: &str) {
        let head = self.one(one).unwrap_or(one).to_owned();
        let tail = self.one(other).unwrap_or(other).to_owned();
        self.0.insert(tail, head.clone());
        self.0.insert(head.clone(), head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_one_company_have_one_that_stands_for_all() {
        let mut aliases = Aliases::default();
        aliases.join("acme.com", "acme.co.uk");
        aliases.join("zenith.com", "zenith.de");
        aliases.join("acme.co.uk", "acme.fr");
        assert_eq!(aliases.one("acme.fr"), Some("acme.com"));
        assert_eq!(aliases.one("acme.com"), Some("acme.com"));
        aliases.join("zenith.de", "acme.fr");
        assert_eq!(aliases.one("acme.co.uk"), aliases.one("zenith.com"));
        assert_eq!(aliases.one("other.com"), None);
    }
}
