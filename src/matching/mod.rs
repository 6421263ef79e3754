//! Record linkage: which records are the same thing, how sure that is, and why.
//!
//! Values are folded ([`normalise`]) into numbered facets; records that share a key come together; pairs are
//! compared along ladders of levels, each worth so many bits; what the levels are worth is estimated from
//! the records themselves, without labels, and can be kept ([`parameters`]) or taken to Splink
//! ([`splink`]). Links come together in [`cluster`]s that do not chain, and a third record may say more of two
//! than they themselves do ([`transitive`]).
//! Does not: know a CRM, a rule or a file; it sees columns of texts and what each holds.

pub mod agreement;
mod blocking;
pub mod cluster;
mod compare;
mod copies;
mod dictionary;
mod facets;
pub mod index;
pub mod infer;
mod ladder;
mod model;
mod namesakes;
pub mod normalise;
pub mod parameters;
mod score;
mod shuffle;
mod similar;
pub mod splink;
pub mod transitive;

use std::num::NonZeroUsize;

use blocking::Blocks;
use cluster::Cluster;
use compare::Comparer;
use copies::{Copies, Distinct};
use facets::Facets;
use model::Model;
use normalise::{Company, Lists, Mail, Name, Steps, Street};
use parameters::{Mismatch, Parameters};
use shuffle::Shuffle;
pub use shuffle::mark;

/// What a column holds: it decides how its values are folded and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person's first name.
    FirstName,
    /// A person's last name.
    LastName,
    /// A person's name in one column; read where the parts are blank.
    FullName,
    /// A mail address.
    Mail,
    /// A phone number; there may be several columns.
    Phone,
    /// A company's name.
    Company,
    /// A website or domain; the first that is filled counts.
    Web,
    /// Street and house number; the first that is filled counts.
    Street,
    /// A house number that stands apart from its street.
    HouseNumber,
    /// A city.
    City,
    /// A state, province or county.
    Region,
    /// A postcode.
    Postcode,
    /// A country.
    Country,
    /// A date of birth.
    Birth,
    /// A number or code that somebody gave to one person or company.
    Identifier,
    /// A text of several words.
    Text,
    /// One of a few values.
    Category,
}

impl Kind {
    /// Every kind by the name under which a person may ask for it.
    pub const NAMES: [(&str, Self); 17] = [
        ("first-name", Self::FirstName),
        ("last-name", Self::LastName),
        ("full-name", Self::FullName),
        ("mail", Self::Mail),
        ("phone", Self::Phone),
        ("company", Self::Company),
        ("web", Self::Web),
        ("street", Self::Street),
        ("house-number", Self::HouseNumber),
        ("city", Self::City),
        ("region", Self::Region),
        ("postcode", Self::Postcode),
        ("country", Self::Country),
        ("birth", Self::Birth),
        ("identifier", Self::Identifier),
        ("text", Self::Text),
        ("category", Self::Category),
    ];

    /// The kind's name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// True for what a person is called.
    pub fn is_of_people(self) -> bool {
        matches!(self, Self::FirstName | Self::LastName | Self::FullName)
    }

    /// True where of several columns of the kind the first alone is read.
    pub fn is_read_once(self) -> bool {
        match self {
            Self::FirstName
            | Self::LastName
            | Self::FullName
            | Self::Mail
            | Self::Company
            | Self::HouseNumber
            | Self::City
            | Self::Region
            | Self::Postcode
            | Self::Country
            | Self::Birth => true,
            Self::Phone
            | Self::Web
            | Self::Street
            | Self::Identifier
            | Self::Text
            | Self::Category => false,
        }
    }

    /// True where what one column of the kind says of a record is compared with what another column, of the
    /// other kind, says of the next; `among` is what all columns hold.
    pub fn meets(self, other: Self, among: &[Self]) -> bool {
        match (self, other) {
            (one, other) if one.is_of_people() && other.is_of_people() => true,
            (Self::Phone, Self::Phone)
            | (Self::Web | Self::Mail, Self::Web | Self::Mail)
            | (Self::Street, Self::Street) => true,
            // Where somebody works is told by the company's name and by its domain.
            (Self::Company, Self::Web | Self::Mail) | (Self::Web | Self::Mail, Self::Company) => {
                among.iter().any(|kind| kind.is_of_people())
            }
            _ => false,
        }
    }
}

/// The table to link.
pub trait Records: Sync {
    /// How many records there are.
    fn len(&self) -> u32;

    /// True when there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value; `None` when blank.
    fn value(&self, at: u32, column: usize) -> Option<&str>;

    /// Which of two sources a record is from; records of one source are not linked where there are two.
    fn source(&self, _at: u32) -> u8 {
        0
    }

    /// True for a record that is not to be linked at all.
    fn is_left_out(&self, _at: u32) -> bool {
        false
    }

    /// True for a record that is under review. Pairs of which neither is are not compared; what the
    /// comparisons are worth is learned from all records.
    fn is_under_review(&self, _at: u32) -> bool {
        true
    }

    /// By what somebody keeps a record apart from others on purpose.
    fn apart(&self, _at: u32) -> Apart<'_> {
        Apart::default()
    }

    /// True for two records that somebody keeps apart on purpose.
    fn are_apart(&self, left: u32, right: u32) -> bool {
        let [left, right] = [left, right].map(|at| self.apart(at));
        left.unit != right.unit || left.family.is_some() && left.family == right.family
    }
}

/// By what a record is kept apart from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart<'r> {
    /// Records of two units are kept apart; those without one are of one.
    pub unit: Option<String>,
    /// Records of one family are, as the companies of a hierarchy.
    pub family: Option<&'r str>,
}

/// What to link by.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'p> {
    /// What each column holds.
    pub columns: &'p [Kind],
    /// What is known about addresses and domains.
    pub lists: &'p Lists,
    /// A key that more records share than this is parted by what else they share, or left alone.
    pub largest_block: usize,
    /// Pairs below this many bits are not kept.
    pub least_bits: f64,
    /// How many threads may compare.
    pub threads: NonZeroUsize,
}

/// A key that more records share is parted by what else they share, unless a plan says otherwise.
pub const LARGEST_BLOCK: usize = 100;

/// Two records that may be one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The lower record.
    pub left: u32,
    /// The higher record.
    pub right: u32,
    /// The odds that they are one, in bits: 0 is an even chance.
    pub bits: f64,
}

impl Pair {
    /// The chance that the two are one.
    pub fn probability(&self) -> f64 {
        model::probability(self.bits)
    }
}

/// One comparison's part in a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// What was compared.
    pub name: &'static str,
    /// The columns it was drawn from, by their place in the plan.
    pub columns: Vec<usize>,
    /// The level in words; `None` where a side says nothing.
    pub says: Option<&'static str>,
    /// The circumstances under which the level counts, in words; empty for none.
    pub context: &'static str,
    /// What it is worth.
    pub bits: f64,
}

/// A key that too many records share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crowd {
    /// The lowest of its records.
    pub first: u32,
    /// How many share it.
    pub records: usize,
    /// How many of them share something else too and were compared by that.
    pub apart: usize,
    /// What they share, in words.
    pub by: &'static str,
    /// Those that were not compared by what all of them share, ascending.
    pub alone: Vec<u32>,
}

/// What linking found.
#[derive(Debug)]
pub struct Linkage {
    /// The pairs that reach the least, in the records' order.
    pub pairs: Vec<Pair>,
    /// The keys that too many share, in the records' order.
    pub crowds: Vec<Crowd>,
    /// How many pairs were compared.
    pub compared: u64,
    /// How many matching pairs the records are expected to hold.
    pub expected: f64,
    kinds: Vec<Kind>,
    comparer: Comparer,
    model: Model,
    copies: Copies,
}

/// What folding a value of a kind changes of it.
pub fn steps(kind: Kind, raw: &str, lists: &Lists) -> Steps {
    let mut out = String::new();
    match kind {
        Kind::FirstName => Name::default().refold(Some(raw), None),
        Kind::LastName | Kind::FullName => Name::default().refold(None, Some(raw)),
        Kind::Mail => Mail::default().refold(raw, lists).unwrap_or_default(),
        Kind::Phone => {
            normalise::phone_into(raw, None, &mut out).map_or(Steps::NONE, |dialled| dialled.steps)
        }
        Kind::Company => Company::default().refold(raw),
        Kind::Street => Street::default().refold(raw),
        Kind::City => normalise::city_into(raw, &mut out),
        Kind::Region => normalise::region_into(raw, None, &mut out),
        Kind::Postcode => normalise::postcode_into(raw, None, &mut out),
        Kind::Identifier => normalise::identifier_into(raw, &mut out),
        Kind::Text | Kind::Category => normalise::words_into(raw, &mut out),
        Kind::Web | Kind::Country | Kind::Birth | Kind::HouseNumber => Steps::NONE,
    }
}

/// Links the records of a table by what they themselves teach.
pub fn link(records: &dyn Records, plan: Plan<'_>) -> Linkage {
    let table = Table::of(records, plan);
    let shuffle = Shuffle::of(&Distinct { records, copies: &table.copies }, plan);
    let model = model::train(&table.comparer, &table.blocks, &shuffle, plan.threads);
    drop(shuffle);
    table.linkage(records, plan, model)
}

/// Links the records of a table by what was learned before, of these or of others like them.
pub fn link_by(
    records: &dyn Records,
    plan: Plan<'_>,
    known: &Parameters,
) -> Result<Linkage, Mismatch> {
    let table = Table::of(records, plan);
    let model = known.pin(&table.comparer)?;
    Ok(table.linkage(records, plan, model))
}

/// A table ready to be compared.
struct Table {
    comparer: Comparer,
    blocks: Blocks,
    copies: Copies,
}

impl Table {
    fn of(records: &dyn Records, plan: Plan<'_>) -> Self {
        let table = Self::with(Copies::default(), records, plan);
        let copies = Copies::among(records, plan.columns.len(), &table.blocks.crowds);
        if copies.is_empty() {
            return table;
        }
        drop(table);
        Self::with(copies, records, plan)
    }

    fn with(copies: Copies, records: &dyn Records, plan: Plan<'_>) -> Self {
        let distinct = Distinct { records, copies: &copies };
        let records = if copies.is_empty() { records } else { &distinct };
        let comparer = Comparer::new(Facets::of(records, plan));
        let blocks = Blocks::of(&comparer, records, plan);
        Self { comparer, blocks, copies }
    }

    fn linkage(self, records: &dyn Records, plan: Plan<'_>, model: Model) -> Linkage {
        let Self { comparer, blocks, copies } = self;
        let distinct = Distinct { records, copies: &copies };
        let (pairs, compared) = if copies.is_empty() {
            score::score(records, plan, &comparer, &blocks, &model)
        } else {
            score::score(&distinct, plan, &comparer, &blocks, &model)
        };
        let expected = model.expected;
        let kinds = plan.columns.to_vec();
        let crowds = blocks.crowds;
        let mut linkage =
            Linkage { pairs, crowds, compared, expected, kinds, comparer, model, copies };
        linkage.add_copies(records, plan.least_bits);
        linkage
    }
}

impl Linkage {
    /// Adds each copy beside the record that stands for it.
    fn add_copies(&mut self, records: &dyn Records, least_bits: f64) {
        if self.copies.is_empty() {
            return;
        }
        let copies = self.copies.pairs(records, |first| self.score(first, first));
        self.compared += copies.len() as u64;
        self.expected += copies.iter().map(Pair::probability).sum::<f64>();
        self.pairs.extend(copies.into_iter().filter(|pair| pair.bits >= least_bits));
        self.pairs.sort_unstable_by_key(|pair| (pair.left, pair.right));
    }

    /// Puts links among the records together: see [`cluster::clusters`]. Copies stand in the group of the record
    /// that stands for them.
    pub fn clusters<N: Ord>(&self, links: Vec<Pair>, name: impl Fn(u32) -> N) -> Vec<Cluster> {
        let score = |left, right| self.score(left, right);
        let cluster = |links| cluster::clusters(links, self.prior(), score, name);
        self.copies.clusters(links, cluster)
    }

    fn compare(&self, left: u32, right: u32) -> impl Iterator<Item = compare::Outcome> {
        self.comparer.compare(self.copies.standing_for(left), self.copies.standing_for(right))
    }

    /// The odds that two records drawn at random are one, in bits: what a score starts from.
    pub fn prior(&self) -> f64 {
        self.model.prior
    }

    /// What was learned, to link by again.
    pub fn parameters(&self) -> Parameters {
        Parameters::of(&self.model, &self.comparer)
    }

    /// The odds that two records are one, in bits, whether or not they share a key.
    pub fn score(&self, left: u32, right: u32) -> f64 {
        self.model.score(&self.comparer, self.compare(left, right))
    }

    /// What is compared, in the order of [`Linkage::weights`].
    pub fn comparisons(&self) -> Vec<String> {
        let comparisons = self.comparer.comparisons.iter();
        comparisons.map(|(comparison, ladder)| parameters::name(*comparison, ladder)).collect()
    }

    /// What each comparison of two records is worth; with the prior they sum to their score.
    pub fn weights(&self, left: u32, right: u32) -> Vec<Weight> {
        let outcomes = self.compare(left, right);
        let comparisons = self.comparer.comparisons.iter().zip(outcomes).enumerate();
        comparisons
            .map(|(at, ((comparison, ladder), outcome))| Weight {
                name: ladder.name,
                columns: comparison.columns(&self.kinds),
                says: outcome
                    .level
                    .and_then(|level| ladder.levels.get(usize::from(level)))
                    .map(|level| level.says),
                context: ladder
                    .contexts
                    .get(usize::from(outcome.context))
                    .copied()
                    .unwrap_or_default(),
                bits: self.model.weight(at, &self.comparer, &outcome),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People made up by a seed: some stand there twice, changed as people and forms change them.
    struct People {
        rows: Vec<[String; 5]>,
        twins: Vec<(u32, u32)>,
        /// Every so many are under review.
        reviewed: u32,
    }

    const COLUMNS: [Kind; 5] =
        [Kind::FirstName, Kind::LastName, Kind::Mail, Kind::Phone, Kind::Company];

    fn plan(lists: &Lists, threads: usize) -> Plan<'_> {
        Plan {
            columns: &COLUMNS,
            lists,
            largest_block: 50,
            least_bits: -10.0,
            threads: NonZeroUsize::new(threads).unwrap(),
        }
    }

    impl People {
        fn new(people: u32, twins: u32) -> Self {
            const FIRST: [&str; 12] = [
                "Ann", "Robert", "Maria", "James", "Linda", "David", "Susan", "Thomas", "Karen",
                "Paul", "Laura", "Peter",
            ];
            const SYLLABLES: [&str; 12] =
                ["ka", "lo", "mi", "ter", "son", "berg", "wal", "ri", "no", "ste", "hu", "den"];
            let mut state = 11_u64;
            let mut next = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                usize::try_from((state >> 33) % u64::try_from(below).unwrap()).unwrap()
            };
            let mut rows = Vec::new();
            for at in 0..people {
                let first = FIRST[next(12)];
                let last: String = (0..3).map(|_| SYLLABLES[next(12)]).collect();
                let company = format!("{}{} Foods", SYLLABLES[next(12)], SYLLABLES[next(12)]);
                let host = company.split(' ').next().unwrap().to_owned();
                let mail = format!("{}.{last}@{host}.com", first.to_lowercase());
                rows.push([first.to_owned(), last, mail, format!("+1 202 55{at:05}"), company]);
            }
            let mut pairs = Vec::new();
            for at in 0..twins {
                let of = at * (people / twins.max(1));
                let mut twin = rows[of as usize].clone();
                match next(3) {
                    0 => twin[2].clear(),
                    1 => twin[3].clear(),
                    _ => twin[1].insert(2, 'x'),
                }
                pairs.push((of, u32::try_from(rows.len()).unwrap()));
                rows.push(twin);
            }
            Self { rows, twins: pairs, reviewed: 1 }
        }

        fn link(&self, threads: usize) -> Linkage {
            link(self, plan(&Lists::default(), threads))
        }
    }

    impl Records for People {
        fn len(&self) -> u32 {
            u32::try_from(self.rows.len()).unwrap()
        }

        fn value(&self, at: u32, column: usize) -> Option<&str> {
            Some(self.rows[at as usize][column].as_str()).filter(|value| !value.is_empty())
        }

        fn is_under_review(&self, at: u32) -> bool {
            at.is_multiple_of(self.reviewed)
        }
    }

    fn likely(linkage: &Linkage) -> Vec<(u32, u32)> {
        let likely = linkage.pairs.iter().filter(|pair| pair.bits > 0.0);
        likely.map(|pair| (pair.left, pair.right)).collect()
    }

    #[test]
    fn twins_are_found_and_hardly_anybody_else() {
        let people = People::new(1_500, 120);
        let found = likely(&people.link(1));
        let missed: Vec<_> = people.twins.iter().filter(|pair| !found.contains(pair)).collect();
        assert!(missed.is_empty(), "{missed:?}");
        // Of 1,500 people some forty share their whole name with another.
        assert!(found.len() <= people.twins.len() + 3, "{} pairs", found.len());
    }

    /// Sites of companies, near each other, some of which stand there twice, the second time as another list
    /// writes them.
    /// What one company answers at all of its sites is its switchboard's number.
    struct Sites {
        rows: Vec<[String; 4]>,
        twins: Vec<(u32, u32)>,
    }

    impl Sites {
        const COLUMNS: [Kind; 4] = [Kind::Company, Kind::Street, Kind::Postcode, Kind::Phone];

        fn new(companies: u32) -> Self {
            const SYLLABLES: [&str; 12] =
                ["ka", "lo", "mi", "ter", "son", "berg", "wal", "ri", "no", "ste", "hu", "den"];
            let mut state = 5_u64;
            let mut next = |below: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % below
            };
            let (mut rows, mut twins) = (Vec::new(), Vec::new());
            for company in 0..companies {
                let mut word = || -> String {
                    (0..3).map(|_| SYLLABLES[usize::try_from(next(12)).unwrap()]).collect()
                };
                let (name, street) = (format!("{} Nursery", word()), word());
                for site in 0..=company % 4 {
                    let number = next(9_000) + 100;
                    let kind = if next(2) == 0 { "St" } else { "Ave" };
                    let row = [
                        name.clone(),
                        format!("{number} {street}{site} {kind}"),
                        format!("{}", 60_000 + company % 80),
                        format!("+1 312 55{company:05}"),
                    ];
                    let at = u32::try_from(rows.len()).unwrap();
                    rows.push(row.clone());
                    if next(3) == 0 {
                        let mut twin = row;
                        twin[1] = format!("{number} {street}{site}");
                        if next(4) == 0 {
                            twin[0] = format!("Kindergarten {company}");
                        }
                        twins.push((at, at + 1));
                        rows.push(twin);
                    }
                }
            }
            Self { rows, twins }
        }
    }

    impl Records for Sites {
        fn len(&self) -> u32 {
            u32::try_from(self.rows.len()).unwrap()
        }

        fn value(&self, at: u32, column: usize) -> Option<&str> {
            Some(self.rows[at as usize][column].as_str())
        }
    }

    #[test]
    fn sites_of_one_company_with_one_switchboard_stay_apart() {
        let sites = Sites::new(400);
        let lists = Lists::default();
        let linkage = link(&sites, Plan { columns: &Sites::COLUMNS, ..plan(&lists, 1) });
        let found = likely(&linkage);
        let missed = sites.twins.iter().filter(|pair| !found.contains(pair)).count();
        assert!(missed * 50 <= sites.twins.len(), "{missed} of {} missed", sites.twins.len());
        let wrong = found.iter().filter(|pair| !sites.twins.contains(pair)).count();
        assert!(wrong * 50 <= found.len(), "{wrong} of {} wrong", found.len());
    }

    /// How far two companies agree, by their columns.
    fn agreement<const N: usize>(
        columns: [Kind; N],
        rows: [[&'static str; N]; 2],
    ) -> Vec<&'static str> {
        struct Two<const N: usize>([[&'static str; N]; 2]);
        impl<const N: usize> Records for Two<N> {
            fn len(&self) -> u32 {
                2
            }
            fn value(&self, at: u32, column: usize) -> Option<&str> {
                Some(self.0[at as usize][column])
            }
        }
        let lists = Lists::default();
        let linkage = link(&Two(rows), Plan { columns: &columns, ..plan(&lists, 1) });
        linkage.weights(0, 1).iter().filter_map(|weight| weight.says).collect()
    }

    /// A table of texts.
    struct Rows<const N: usize>(Vec<[String; N]>);

    impl<const N: usize> Records for Rows<N> {
        fn len(&self) -> u32 {
            u32::try_from(self.0.len()).unwrap()
        }
        fn value(&self, at: u32, column: usize) -> Option<&str> {
            Some(self.0[at as usize][column].as_str()).filter(|value| !value.is_empty())
        }
    }

    /// A word that no other number gives.
    fn word(n: usize) -> String {
        const SYLLABLES: [&str; 8] = ["ka", "lo", "mi", "ter", "son", "berg", "wal", "ri"];
        let syllable = |n: usize| SYLLABLES[n % 8];
        [n / 512, n / 64, n / 8, n].map(syllable).concat()
    }

    #[test]
    fn what_many_share_is_a_groups_domain_and_what_two_share_is_theirs() {
        const COLUMNS: [Kind; 4] = [Kind::Company, Kind::Web, Kind::Street, Kind::City];
        let (groups, sites, alone) = (30, 40, 2_000);
        let row = |company: usize, site: usize| {
            let street = format!("{} {} Street", 100 + site * 7, word(company * 31 + site));
            let city = word(9_000 + (company * 7 + site) % 300);
            [format!("{} Logistics", word(company)), format!("{}.com", word(company)), street, city]
        };
        let mut rows = Vec::new();
        for group in 0..groups {
            rows.extend((0..sites).map(|site| row(group, site)));
        }
        let of_groups = rows.len();
        let mut twins = Vec::new();
        for company in groups..groups + alone {
            let at = rows.len();
            rows.push(row(company, company));
            if company % 5 == 0 {
                let mut twin = rows[at].clone();
                // Half of the time nobody wrote down where it is.
                if company % 10 == 0 {
                    twin[2].clear();
                    twin[3].clear();
                }
                twins.push((at, at + 1));
                rows.push(twin);
            }
        }
        for site in (0..of_groups).step_by(4) {
            rows[site][2].clear();
            rows[site][3].clear();
        }
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &COLUMNS, ..plan(&lists, 1) });
        let of_domain = |(one, other): (usize, usize)| {
            let [one, other] = [one, other].map(|at| u32::try_from(at).unwrap());
            let weights = linkage.weights(one, other);
            let weight = weights.iter().find(|weight| weight.name == "web domain").unwrap();
            assert_eq!(weight.context, "under one name");
            weight.bits
        };
        let (of_twins, of_sites) = (of_domain(twins[0]), of_domain((1, 2)));
        assert!(of_sites + 4.0 < of_twins, "{of_sites} and {of_twins} bits");
        let found: Vec<(usize, usize)> =
            likely(&linkage).iter().map(|(a, b)| (*a as usize, *b as usize)).collect();
        let missed = twins.iter().filter(|pair| !found.contains(pair)).count();
        assert_eq!(missed, 0, "of {} twins", twins.len());
        let sites = found.iter().filter(|(_, later)| *later < of_groups).count();
        assert_eq!(sites, 0, "sites of a group that are held to be one");
    }

    /// What the comparison of a name says of two records.
    fn bits(linkage: &Linkage, name: &str, [one, other]: [usize; 2]) -> f64 {
        let [one, other] = [one, other].map(|at| u32::try_from(at).unwrap());
        let weights = linkage.weights(one, other);
        weights.iter().find(|weight| weight.name == name).unwrap().bits
    }

    #[test]
    fn a_name_of_words_that_strangers_combine_too_says_less_than_one_of_rare_words() {
        // Of two in three names of common words another company has come to the same.
        let common = |n: usize| [format!("{} {}", word(n % 20), word(20 + n / 20))];
        let rare = |n: usize| [format!("{} {}", word(1_000 + n), word(3_000 + n))];
        let mut rows: Vec<[String; 1]> = (0..400).map(common).collect();
        rows.extend((0..400).filter(|n| n % 3 != 0).map(common));
        rows.extend((0..800).map(rare));
        let at = rows.len();
        rows.extend([common(0), rare(0)]);
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &[Kind::Company], ..plan(&lists, 1) });
        let [common, rare] =
            [[0, at], [at - 800, at + 1]].map(|pair| bits(&linkage, "company name", pair));
        assert!(common + 1.0 < rare, "{common} and {rare} bits, both of two that bear the name");
    }

    #[test]
    fn how_a_company_s_name_is_spaced_says_nothing_of_who_bears_it() {
        let rare = |n: usize| [format!("{} {}", word(1_000 + n), word(3_000 + n))];
        let mut rows: Vec<[String; 1]> = (0..800).map(rare).collect();
        let at = rows.len();
        rows.extend([rare(7), rare(8).map(|name| name.replace(' ', ""))]);
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &[Kind::Company], ..plan(&lists, 1) });
        let [alike, spaced] =
            [[7, at], [8, at + 1]].map(|pair| bits(&linkage, "company name", pair));
        // Names of one word have strangers beside them of their own.
        assert!((alike - spaced).abs() < 2.0, "{alike} and {spaced} bits");
    }

    #[test]
    fn of_two_places_that_namesakes_share_the_smaller_says_more() {
        const COLUMNS: [Kind; 2] = [Kind::Company, Kind::City];
        // Every second company is in one city, the others in a hundred small ones.
        let row = |n: usize| {
            let city = if n.is_multiple_of(2) { "Metropolis".to_owned() } else { word(n % 200) };
            [format!("{} {}", word(n), word(2_000 + n * 3)), city]
        };
        let mut rows: Vec<[String; 2]> = (0..1_000).map(row).collect();
        rows.extend([row(500), row(501)]);
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &COLUMNS, ..plan(&lists, 1) });
        let [large, small] =
            [[500, 1_000], [501, 1_001]].map(|pair| bits(&linkage, "address", pair));
        assert!(large + 3.0 < small, "{large} and {small} bits");
    }

    #[test]
    fn initials_say_less_where_many_names_have_them() {
        let mut rows: Vec<[String; 1]> = (0..80)
            .map(|n| [format!("A{} B{} C{}", word(n), word(n + 90), word(n + 700))])
            .collect();
        let [common, rare] = [rows.len(), rows.len() + 2];
        rows.extend(
            ["Aurora Bay Chemicals", "ABC", "Xenon Quartz Yard", "XQY"].map(|it| [it.to_owned()]),
        );
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &[Kind::Company], ..plan(&lists, 1) });
        let [common, rare] = [common, rare].map(|at| {
            let at = u32::try_from(at).unwrap();
            let weight = linkage.weights(at, at + 1).remove(0);
            assert_eq!(weight.says, Some("a company name and its initials"));
            weight.bits
        });
        assert!(common + 3.0 < rare, "{common} and {rare} bits");
    }

    #[test]
    fn what_every_record_holds_says_nothing() {
        let rows: Vec<[String; 3]> =
            (0..400).map(|n| [word(n % 30), word(n * 7 % 90 + 900), "Lyon".to_owned()]).collect();
        let columns = [Kind::FirstName, Kind::LastName, Kind::City];
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &columns, ..plan(&lists, 1) });
        let weights = linkage.weights(0, 90);
        let city = weights.iter().find(|weight| weight.says == Some("the same city")).unwrap();
        assert!(city.bits < 0.5, "{city:?}");
    }

    #[test]
    fn addresses_that_differ_as_the_first_names_do_are_no_slip_apart() {
        let mails = |one: [&'static str; 3], other: [&'static str; 3]| {
            let columns = [Kind::FirstName, Kind::LastName, Kind::Mail];
            *agreement(columns, [one, other]).last().unwrap()
        };
        let slip = "mail addresses a slip apart";
        let other = "different addresses at one domain";
        for (one, of_other, says) in [
            (["Anna", "Meier", "a.meier@x.de"], ["Bernd", "Meier", "b.meier@x.de"], other),
            (["Max", "Huber", "huber.m@x.de"], ["Klara", "Huber", "huber.k@x.de"], other),
            (["Tim", "Meier", "tim.meier@x.de"], ["Tom", "Meier", "tom.meier@x.de"], other),
            // One person, or somebody else's letter.
            (["Anna", "Meier", "a.meier@x.de"], ["Anna", "Meier", "s.meier@x.de"], slip),
            (["Anna", "Meier", "a.meier@x.de"], ["Bernd", "Meier", "s.meier@x.de"], slip),
            (["Anna", "Meier", "a.meier@x.de"], ["Bernd", "Meier", "a.meir@x.de"], slip),
            // Two names that are alike make two addresses that are.
            (
                ["Manuel", "Beck", "manuel.beck@x.de"],
                ["Manuela", "Beck", "manuela.beck@x.de"],
                other,
            ),
            (["Simon", "Graf", "simon.graf@x.de"], ["Simone", "Graf", "simone.graf@x.de"], other),
            (["Jan", "Sauer", "jan.sauer@x.de"], ["Jan", "Bauer", "jan.bauer@x.de"], other),
            (["Manuel", "Beck", "manuel.beck@x.de"], ["Manuela", "Beck", "manuel.bek@x.de"], slip),
        ] {
            assert_eq!(mails(one, of_other), says, "{one:?} {of_other:?}");
            assert_eq!(mails(of_other, one), says, "{of_other:?} {one:?}");
        }
    }

    #[test]
    fn an_address_made_of_a_name_is_no_evidence_beside_the_name() {
        for people in [60, 300, 1_500] {
            let mut people = People::new(people, people / 10);
            let [ours, theirs] = ["wolkan", "borealis"].map(|host| {
                let mail = format!("oskar.lindgren@{host}.com");
                let company = format!("{host} Foods");
                ["Oskar".to_owned(), "Lindgren".to_owned(), mail, String::new(), company]
            });
            let at = people.rows.len();
            people.rows.extend([ours, theirs]);
            let mail = bits(&people.link(1), "mail address", [at, at + 1]);
            assert!(mail <= 0.0, "{mail} bits among {at}");
        }
    }

    #[test]
    fn a_father_and_a_son_and_two_double_names_have_not_one_first_name() {
        let columns = [Kind::FirstName, Kind::LastName];
        let same = "the same first name";
        let forms = "forms of one first name";
        let part = "one given name of several in common";
        let other = "different first names or those of a father and a son";
        for (one, of_other, says) in [
            (["John", "Smith Sr."], ["John", "Smith Jr."], other),
            (["John", "Smith II"], ["John", "Smith III"], other),
            (["John", "Smith"], ["John", "Smith Jr."], same),
            (["John", "Smith Jr"], ["John", "Smith, Junior"], same),
            (["Hans-Peter", "Wolf"], ["Hans-Jürgen", "Wolf"], part),
            (["Jean-Pierre", "Wolf"], ["Jean-Paul", "Wolf"], part),
            (["Hans-Peter", "Wolf"], ["Hans", "Wolf"], forms),
            (["Bob James", "Wolf"], ["Robert Jim", "Wolf"], forms),
        ] {
            assert!(agreement(columns, [one, of_other]).contains(&says), "{one:?} {of_other:?}");
            assert!(agreement(columns, [of_other, one]).contains(&says), "{of_other:?} {one:?}");
        }
    }

    #[test]
    fn the_address_of_a_workplace_never_speaks_against_two_who_share_it() {
        const COLUMNS: [Kind; 5] =
            [Kind::FirstName, Kind::LastName, Kind::Company, Kind::Street, Kind::City];
        const FIRST: [&str; 5] = ["Ann", "Robert", "Maria", "James", "Linda"];
        let (companies, colleagues) = (60, 12);
        let mut rows = Vec::new();
        for n in 0..companies * colleagues {
            let company = n / colleagues;
            let street = format!("{} {} Street", 10 + company, word(company * 31));
            let first = FIRST[n % 5].to_owned();
            let mut row =
                [first, word(n * 7), format!("{} Foods", word(company)), street, word(company)];
            rows.push(row.clone());
            if n % 8 == 0 {
                // Of those who stand there twice one has no street more often than others.
                if n % 16 == 0 {
                    row[3].clear();
                }
                rows.push(row);
            }
        }
        let lists = Lists::default();
        let linkage = link(&Rows(rows), Plan { columns: &COLUMNS, ..plan(&lists, 1) });
        let mut seen = [false; 2];
        for pair in &linkage.pairs {
            let weights = linkage.weights(pair.left, pair.right);
            let at_work = |weight: &&Weight| weight.context == "at one workplace";
            for address in weights.iter().filter(at_work).filter(|weight| weight.name == "address")
            {
                let agree = ["the same street and place", "the same city"];
                let Some(at) = agree.iter().position(|says| Some(*says) == address.says) else {
                    continue;
                };
                seen[at] = true;
                assert!(address.bits >= 0.0, "{pair:?}: {address:?}");
            }
        }
        assert_eq!(seen, [true; 2]);
    }

    #[test]
    fn another_number_is_no_slip() {
        let says = |left, right| agreement([Kind::Company], [[left], [right]]);
        let slip = ["company names a slip apart"];
        assert_eq!(says("Acme Childrens Center 12", "Acme Childrns Center 12"), slip);
        assert_ne!(says("Acme Childrens Center 12", "Acme Childrens Center 13"), slip);
    }

    #[test]
    fn one_number_in_one_street_is_one_place_though_a_postcode_is_wrong() {
        let says = |left, right| agreement([Kind::Street, Kind::Postcode], [left, right]);
        let here = ["744 N Monticello", "60612"];
        assert_eq!(says(here, ["744 N Monticello Avenue", "60624"]), ["the same street"]);
        assert_eq!(says(here, ["745 N Monticello Avenue", "60624"]), ["different places"]);
        assert_eq!(says(here, ["744 N Central Avenue", "60624"]), ["different places"]);
        let says = |left, right| agreement([Kind::Street, Kind::City], [left, right]);
        let here = ["744 N Monticello", "Chicago"];
        assert_eq!(says(here, ["744 N Monticello Avenue", "Dallas"]), ["different places"]);
    }

    #[test]
    fn another_number_in_one_street_is_near_and_one_of_two_numbers_is_there() {
        let says = |left, right| agreement([Kind::Street, Kind::Postcode], [left, right]);
        let here = ["744 N Monticello", "60612"];
        for number in ["746", "44"] {
            let near = format!("{number} Monticello Ave").leak();
            assert_eq!(says(here, [near, "60612"]), ["other numbers in one street"]);
            assert_eq!(says(here, [near, ""]), ["other numbers in one street"]);
        }
        assert_eq!(says(here, ["44 Ogden Ave", "60612"]), ["different places"]);
        let both = ["744-746 N Monticello Ave", "60612"];
        assert_eq!(says(here, both), ["streets that look alike in one place"]);
    }

    #[test]
    fn where_nobody_stands_twice_no_model_is_invented() {
        for size in [0, 1, 2, 40, 200] {
            assert_eq!(likely(&People::new(size, 0).link(1)), [], "{size} people");
        }
        // Two colleagues whose names are a letter apart, and so are their addresses, may be found.
        assert!(likely(&People::new(1_500, 0).link(1)).len() <= 3);
    }

    #[test]
    fn the_prior_and_the_weights_sum_to_the_score() {
        let people = People::new(800, 60);
        let linkage = people.link(2);
        assert!(linkage.pairs.len() >= people.twins.len());
        for pair in &linkage.pairs {
            let sum = linkage.prior()
                + linkage.weights(pair.left, pair.right).iter().map(|w| w.bits).sum::<f64>();
            assert!((sum - pair.bits).abs() < 1e-9, "{pair:?}: {sum}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let people = People::new(1_000, 60);
        let one = people.link(1);
        for threads in [2, 7] {
            let other = people.link(threads);
            assert_eq!(one.pairs, other.pairs);
            assert_eq!(one.compared, other.compared);
        }
    }

    #[test]
    fn a_pair_that_shares_several_keys_is_compared_once() {
        let people = People::new(600, 60);
        let lists = Lists::default();
        let plan = Plan { least_bits: f64::NEG_INFINITY, ..plan(&lists, 1) };
        let comparer = Comparer::new(Facets::of(&people, plan));
        let blocks = Blocks::of(&comparer, &people, plan);
        let shuffle = Shuffle::of(&people, plan);
        let mut expected = Vec::new();
        let mut partners = Vec::new();
        for record in 0..people.len() {
            blocks.after(record, &shuffle, &mut partners);
            let others = partners.iter().map(|(place, _)| shuffle.record(*place));
            expected.extend(others.map(|other| (record.min(other), record.max(other))));
        }
        expected.sort_unstable();
        let linkage = link(&people, plan);
        let found: Vec<_> = linkage.pairs.iter().map(|pair| (pair.left, pair.right)).collect();
        assert_eq!(found, expected);
        assert_eq!(linkage.compared, found.len() as u64);
        assert!(blocks.pairs_at_most() >= found.len() + people.twins.len(), "twins share several");
    }

    #[test]
    fn of_a_batch_under_review_the_same_pairs_are_found_and_no_others_are_compared() {
        let mut people = People::new(1_000, 60);
        let all = people.link(1);
        people.reviewed = 9;
        let batch = people.link(1);
        let is_of_batch =
            |pair: &&Pair| pair.left.is_multiple_of(9) || pair.right.is_multiple_of(9);
        let expected: Vec<Pair> = all.pairs.iter().filter(is_of_batch).copied().collect();
        assert!(expected.len() > 10 && expected.len() < all.pairs.len() / 3);
        assert!(expected.iter().any(|pair| pair.left % 9 != 0), "one is the higher of its pair");
        assert_eq!(batch.pairs, expected);
        assert_eq!(batch.prior().to_bits(), all.prior().to_bits());
        assert!(batch.compared < all.compared / 3, "{} of {}", batch.compared, all.compared);
        assert_eq!(people.link(3).pairs, expected);
        people.reviewed = u32::MAX;
        // The first record alone is left.
        assert!(people.link(1).compared < 50);
    }

    #[test]
    fn a_value_that_a_crowd_shares_is_reported_and_costs_little() {
        let mut people = People::new(1_500, 50);
        for row in &mut people.rows {
            "info@acme.com".clone_into(&mut row[2]);
        }
        let linkage = people.link(1);
        let crowd = linkage.crowds.iter().find(|crowd| crowd.by == "mail address").unwrap();
        assert_eq!(crowd.records, 1_550);
        assert!(linkage.compared < 200_000, "{} pairs", linkage.compared);
    }

    #[test]
    fn copies_are_one_however_many_they_are() {
        let mut people = People::new(1_500, 50);
        let first = people.len();
        people.rows.extend(std::iter::repeat_n(people.rows[3].clone(), 300));
        let linkage = people.link(1);
        let links =
            likely(&linkage).into_iter().filter(|(left, right)| *left == 3 && *right >= first);
        assert_eq!(links.count(), 300);
        assert!(linkage.compared < 20_000, "{} pairs", linkage.compared);
    }

    #[test]
    fn copies_that_are_kept_apart_are_one_among_themselves() {
        struct Units(People);
        impl Records for Units {
            fn len(&self) -> u32 {
                self.0.len()
            }
            fn value(&self, at: u32, column: usize) -> Option<&str> {
                self.0.value(at, column)
            }
            fn apart(&self, at: u32) -> Apart<'_> {
                Apart { unit: Some((at % 3).to_string()), family: None }
            }
        }
        let mut people = People::new(300, 0);
        people.rows.extend(std::iter::repeat_n(people.rows[4].clone(), 300));
        let linkage = link(&Units(people), plan(&Lists::default(), 1));
        let found = likely(&linkage);
        assert!(found.iter().all(|(left, right)| left % 3 == right % 3), "{found:?}");
        for (first, copies) in [(4, 100), (300, 99), (302, 99)] {
            let of_first = found.iter().filter(|(left, right)| *left == first && *right > 300);
            assert_eq!(of_first.count(), copies, "{first}");
        }
    }

    #[test]
    fn two_sources_are_linked_between_and_not_within() {
        struct Two(People);
        impl Records for Two {
            fn len(&self) -> u32 {
                self.0.len()
            }
            fn value(&self, at: u32, column: usize) -> Option<&str> {
                self.0.value(at, column)
            }
            fn source(&self, at: u32) -> u8 {
                u8::from(at >= 400)
            }
        }
        let mut people = People::new(400, 40);
        // One of the first source twice: no pair.
        people.rows[1] = people.rows[0].clone();
        let two = Two(people);
        let linkage = link(&two, plan(&Lists::default(), 1));
        assert!(linkage.pairs.iter().all(|pair| pair.left < 400 && pair.right >= 400));
        assert!(likely(&linkage).len() >= 38, "{:?}", likely(&linkage));
        // Nor do many copies within one of them, of which one would stand for all.
        let Two(mut people) = two;
        people.rows.extend(std::iter::repeat_n(people.rows[3].clone(), 300));
        let copied = Two(people);
        let copied = link(&copied, plan(&Lists::default(), 1));
        assert!(copied.pairs.iter().all(|pair| pair.left < 400 && pair.right >= 400));
        assert!(likely(&copied).iter().filter(|(_, right)| *right < 440).count() >= 37);
    }
}
