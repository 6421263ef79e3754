//! The levels of [`crate::matching::compare`] in SQL, and which of them SQL cannot tell.
//!
//! Conditions stand in the order in which the levels are asked for, so that a level that can be told is
//! told right, whatever was asked before it. Does not: know what a level is worth.

use super::columns::Column;
use crate::matching::compare::{Comparer, Comparison};
use crate::matching::facets::PHONES;
use crate::matching::ladder::Ladder;
use crate::matching::parameters;

/// The SQL that a backend of Splink speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One machine.
    DuckDb,
    /// Many; with the functions of Splink's jar.
    Spark,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 2] = [Self::DuckDb, Self::Spark];

    /// Its name, as Splink has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Spark => "spark",
        }
    }

    fn looks_alike(self, column: Column, least: &str) -> String {
        let function = match self {
            Self::DuckDb => "jaro_winkler_similarity",
            Self::Spark => "jaro_winkler",
        };
        format!("{function}({column}_l, {column}_r) >= {least}")
    }

    /// A slip of the keyboard.
    fn slip(self, column: Column) -> String {
        let length = format!("least(length({column}_l), length({column}_r))");
        let (one, two) = (edits_of(column, 1), edits_of(column, 2));
        // Spark replaces all there is, and DuckDB when it is told to.
        let every = match self {
            Self::DuckDb => ", 'g'",
            Self::Spark => "",
        };
        let digits = |side: char| format!("regexp_replace({column}_{side}, '[^0-9]', ''{every})");
        format!(
            "({} = {} AND (({length} BETWEEN 4 AND 8 AND {one} AND (left({column}_l, 1) = left({column}_r, 1) OR \
             right({column}_l, 1) = right({column}_r, 1))) OR ({length} >= 9 AND {two})))",
            digits('l'),
            digits('r')
        )
    }

    fn shares_word(self, column: Column) -> String {
        match self {
            Self::DuckDb => format!(
                "list_has_any(string_split({column}_l, ' '), string_split({column}_r, ' '))"
            ),
            Self::Spark => {
                format!("arrays_overlap(split({column}_l, ' '), split({column}_r, ' '))")
            }
        }
    }
}

/// A comparison in SQL.
#[derive(Debug)]
pub(super) struct Told {
    /// The comparison's place among all.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) ladder: Ladder,
    /// A side says nothing, and nothing asked before says otherwise.
    pub(super) blank: String,
    pub(super) asked_before_blank: usize,
    pub(super) asked: Vec<Asked>,
    /// The level when nothing that was asked for holds.
    pub(super) otherwise: usize,
    pub(super) circumstances: Vec<Circumstance>,
    /// Levels that are not told, and why.
    pub(super) untold: Vec<(usize, &'static str)>,
    /// Circumstances that are not told, and why.
    pub(super) untold_circumstances: Vec<(usize, &'static str)>,
}

/// A level that is told.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) level: usize,
    pub(super) when: String,
    /// The value whose frequency counts; otherwise the level alone.
    pub(super) value: Option<Column>,
    /// Why the frequency in SQL is not quite the one that counts.
    pub(super) nearly: Option<&'static str>,
    /// Why the condition holds for a few pairs more or fewer.
    pub(super) loosely: Option<&'static str>,
}

/// Circumstances under which levels count apart.
#[derive(Debug)]
pub(super) struct Circumstance {
    pub(super) context: usize,
    pub(super) when: String,
    pub(super) worth: Worth,
    /// Where they hold too, untold.
    pub(super) in_part: Option<&'static str>,
}

/// Among whom an equal value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// All records.
    All,
    /// Those that share another value.
    Those(Column),
    /// Those that hold the value.
    Holders,
    /// Those that reach the level, by the class of how many hold the value.
    Level,
}

/// What an equal value counts for in some circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// What its level does.
    Level,
    /// What its frequency makes of it.
    Value(Among),
    /// What its level does, and of a city or postcode the more the fewer hold it.
    Place,
    /// A first name with its last name, among those of the last name; other levels count for themselves.
    Name,
}

const INITIALS: &str = "counts by how many names have these initials, in SQL the level alone";
const WORDS: &str = "words are weighed by how rare they are";
const ALIKE_COMPANIES: &str =
    "company names are alike by words that are weighed by how rare they are";
const ALSO_ALIKE: &str =
    "the circumstances hold too where company names look alike, which SQL cannot tell";
const TWO_EDITS: &str =
    "two edits are counted by Damerau and Levenshtein, here by optimal string alignment";

fn equal(column: Column) -> String {
    format!("{column}_l = {column}_r")
}

fn blank(column: Column) -> String {
    format!("{column}_l IS NULL OR {column}_r IS NULL")
}

fn both(column: Column) -> String {
    format!("({column}_l IS NOT NULL AND {column}_r IS NOT NULL)")
}

fn crosswise(one: Column, other: Column) -> [String; 2] {
    [format!("{one}_l = {other}_r"), format!("{other}_l = {one}_r")]
}

fn edits(one: &str, other: &str, most: u8) -> String {
    format!("damerau_levenshtein({one}, {other}) <= {most}")
}

fn edits_of(column: Column, most: u8) -> String {
    edits(&format!("{column}_l"), &format!("{column}_r"), most)
}

fn any(parts: &[String]) -> String {
    format!("({})", parts.join(" OR "))
}

fn all(parts: &[String]) -> String {
    format!("({})", parts.join(" AND "))
}

fn not(part: &str) -> String {
    format!("NOT coalesce({part}, FALSE)")
}

fn any_phones(of: impl Fn(String, String) -> String) -> String {
    let numbers = |side: char| (0..PHONES).map(move |at| format!("{}_{side}", Column::Phone(at)));
    let pairs = numbers('l').flat_map(|one| numbers('r').map(move |other| (one.clone(), other)));
    any(&pairs.map(|(one, other)| of(one, other)).collect::<Vec<_>>())
}

fn one_phone() -> String {
    any_phones(|one, other| format!("{one} = {other}"))
}

fn one_name() -> String {
    any(&[equal(Column::Company), equal(Column::CompanyLabel)])
}

fn initials() -> String {
    any(&crosswise(Column::Company, Column::CompanyInitials))
}

fn one_workplace() -> String {
    let labels = crosswise(Column::CompanyLabel, Column::DomainLabel);
    any(&[equal(Column::Domain), one_name(), any(&labels)])
}

fn swapped() -> String {
    all(&crosswise(Column::FirstName, Column::LastName))
}

/// The SQL of one comparison in a dialect.
pub(super) struct Teller<'c> {
    pub(super) comparer: &'c Comparer,
    pub(super) dialect: Dialect,
}

impl Teller<'_> {
    /// Every comparison.
    pub(super) fn tell(&self) -> Vec<Told> {
        let comparisons = self.comparer.comparisons.iter().enumerate();
        comparisons
            .map(|(at, (comparison, ladder))| {
                let told = Told {
                    at,
                    name: parameters::name(*comparison, ladder),
                    ladder: *ladder,
                    blank: String::new(),
                    asked_before_blank: 0,
                    asked: Vec::new(),
                    otherwise: ladder.levels.len().saturating_sub(1),
                    circumstances: Vec::new(),
                    untold: Vec::new(),
                    untold_circumstances: Vec::new(),
                };
                self.fill(*comparison, told)
            })
            .collect()
    }

    fn fill(&self, comparison: Comparison, told: Told) -> Told {
        match comparison {
            Comparison::Workplace => workplace(told),
            Comparison::Company => company(told),
            Comparison::Domain => self.domain(told),
            Comparison::Phone => self.phone(told),
            Comparison::Address => self.address(told),
            Comparison::FirstName => self.first_name(told),
            Comparison::LastName => self.last_name(told),
            Comparison::Mail => self.mail(told),
            Comparison::Birth => birth(told),
            Comparison::Identifier(at) => {
                let column = Column::Identifier(at);
                told.blank(blank(column))
                    .value(0, equal(column), column)
                    .loosely(1, edits_of(column, 2))
            }
            Comparison::Text(at) => {
                let column = Column::Text(at);
                let told = told.blank(blank(column)).value(0, equal(column), column);
                (1..=4).fold(told, Told::untold)
            }
            Comparison::Category(at) => {
                let column = Column::Category(at);
                let told = told.blank(blank(column)).value(0, equal(column), column);
                if !self.offers(Comparison::Company) {
                    return told;
                }
                told.under(1, one_name(), Worth::Level, Some(ALSO_ALIKE))
                    .untold_under(2, ALIKE_COMPANIES)
            }
        }
    }

    fn offers(&self, wanted: Comparison) -> bool {
        self.comparer.comparisons.iter().any(|(comparison, _)| *comparison == wanted)
    }

    /// What counts among colleagues.
    fn at_work(&self, told: Told) -> Told {
        if !self.offers(Comparison::Workplace) {
            return told;
        }
        let worth = Worth::Value(Among::Those(Column::Workplace));
        told.under(1, one_workplace(), worth, Some(ALSO_ALIKE))
    }

    /// What counts under a company's name.
    fn under_name(&self, told: Told, worth: Worth) -> Told {
        if !self.offers(Comparison::Company) {
            return told;
        }
        let told = told.under(1, one_name(), worth, None);
        (2..=5).fold(told, |told, context| told.untold_under(context, ALIKE_COMPANIES))
    }

    fn domain(&self, told: Told) -> Told {
        let told = told
            .blank(blank(Column::Domain))
            .value(0, equal(Column::Domain), Column::Domain)
            .value(1, equal(Column::DomainLabel), Column::DomainLabel)
            .loosely(2, self.dialect.slip(Column::DomainLabel));
        self.under_name(told, Worth::Value(Among::Level))
    }

    fn phone(&self, told: Told) -> Told {
        let (only, first) = (Column::Phone(1), Column::Phone(0));
        let only = format!("{} AND {only}_l IS NULL AND {only}_r IS NULL", equal(first));
        let rarest = "of several numbers in common the rarest counts, in SQL the level alone";
        let told = told
            .blank(blank(first))
            .value(0, only, first)
            .nearly(0, one_phone(), None, rarest)
            .level(1, any_phones(|one, other| edits(&one, &other, 1)));
        if self.offers(Comparison::Company) && self.offers(Comparison::Address) {
            let related = any(&[one_name(), initials()]);
            let switchboard = all(&[related, self.two_addresses()]);
            return told.under(1, switchboard, Worth::Level, Some(ALSO_ALIKE));
        }
        self.at_work(told)
    }

    /// One street with a slip, or one that lacks a part.
    fn one_street(&self) -> String {
        let (street, digits) = (Column::Street, Column::StreetDigits);
        any(&[
            format!("left({street}_l, length({street}_r)) = {street}_r"),
            format!("left({street}_r, length({street}_l)) = {street}_l"),
            Self::one_street_but_for_its_kind(),
            all(&[
                self.dialect.looks_alike(street, "0.93"),
                format!("coalesce({digits}_l, '') = coalesce({digits}_r, '')"),
            ]),
        ])
    }

    /// One house number in one street, of which one lacks its kind or direction or says more.
    fn one_street_but_for_its_kind() -> String {
        let core = Column::StreetCore;
        let begins = |long: char, short: char| {
            let [long, short] = [long, short].map(|side| format!("concat({core}_{side}, ' ')"));
            format!("left({long}, length({short})) = {short}")
        };
        all(&[both(core), any(&[begins('l', 'r'), begins('r', 'l')])])
    }

    /// The same where no two cities contradict it.
    fn one_street_whatever_its_postcode() -> String {
        let no_cities = format!("NOT {}", both(Column::City));
        all(&[no_cities, Self::one_street_but_for_its_kind()])
    }

    fn one_place(&self) -> String {
        any(&[equal(Column::Postcode), equal(Column::City), self.dialect.slip(Column::City)])
    }

    fn no_place() -> String {
        format!("NOT {}", any(&[both(Column::Postcode), both(Column::City)]))
    }

    /// No place that is known contradicts it.
    fn one_place_or_none(&self) -> String {
        any(&[self.one_place(), Self::no_place()])
    }

    fn streets_alike(&self) -> String {
        all(&[self.one_place_or_none(), self.one_street()])
    }

    /// Addresses of companies that differ.
    fn two_addresses(&self) -> String {
        let (street, region) = (Column::Street, Column::Region);
        let one_street =
            [equal(street), self.streets_alike(), Self::one_street_whatever_its_postcode()];
        let streets = [both(street), not(&any(&one_street))];
        let one_region = all(&[equal(region), Self::no_place()]);
        let apart = [Column::Country, region].map(|column| format!("{column}_l <> {column}_r"));
        let apart = [&apart[..], &[not(&Self::no_place())]].concat();
        let places = [not(&both(street)), not(&self.one_place()), not(&one_region), any(&apart)];
        any(&[all(&streets), all(&places)])
    }

    fn address(&self, told: Told) -> Told {
        let (street, city, postcode) = (Column::Street, Column::City, Column::Postcode);
        let (region, country) = (Column::Region, Column::Country);
        let nothing = [street, city, postcode, region, country].map(both);
        let no_place = Self::no_place();
        let neither = |columns: &[Column]| {
            format!("NOT {}", any(&columns.iter().copied().map(both).collect::<Vec<_>>()))
        };
        let two_countries = format!("{country}_l <> {country}_r");
        let told = Told { otherwise: 8, ..told }
            .blank(format!("NOT {}", any(&nothing)))
            .value_loosely(0, all(&[equal(street), self.one_place()]), street)
            .value(1, equal(street), street)
            .loosely(2, self.streets_alike())
            .loosely(3, all(&[self.one_place_or_none(), equal(Column::StreetName)]));
        let told = if self.comparer.facets.are_people() {
            told
        } else {
            told.value(1, Self::one_street_whatever_its_postcode(), street)
                .level(9, all(&[both(street), two_countries.clone()]))
                .level(8, both(street))
        };
        let told = told
            .value(4, equal(postcode), postcode)
            .value_loosely(5, any(&[equal(city), self.dialect.slip(city)]), city)
            .value(6, all(&[equal(region), no_place.clone()]), region)
            .level(9, two_countries)
            .value(7, all(&[equal(country), neither(&[region, street]), no_place]), country);
        let told = self.under_name(self.at_work(told), Worth::Place);
        if self.offers(Comparison::Phone) && self.comparer.facets.are_people() {
            return told.under(2, one_phone(), Worth::Level, None);
        }
        told
    }

    fn last_name(&self, told: Told) -> Told {
        let column = Column::LastName;
        let told = told
            .blank(blank(column))
            .value(0, equal(column), column)
            .value(1, swapped(), column)
            .loosely(2, self.dialect.slip(column))
            .value(4, self.dialect.shares_word(Column::LastNameParts), column)
            .level(3, self.dialect.looks_alike(column, "0.9"));
        let mut home = Vec::new();
        if self.offers(Comparison::Phone) {
            home.push(one_phone());
        }
        if self.offers(Comparison::Address) {
            home.extend([equal(Column::Street), self.streets_alike()]);
        }
        if home.is_empty() {
            return told;
        }
        let mut household = vec![any(&home)];
        if self.offers(Comparison::Workplace) {
            household.push(not(&one_workplace()));
        }
        told.under(1, all(&household), Worth::Level, None)
    }

    fn first_name(&self, told: Told) -> Told {
        let column = Column::FirstName;
        let initial = |short: char, long: char| {
            format!(
                "(length({column}_{short}) = 1 AND left({column}_{long}, 1) = {column}_{short})"
            )
        };
        let told = told.blank(blank(column));
        let told = match self.other_suffixes() {
            Some(differ) => told.level(7, differ),
            None => told,
        };
        told.value(0, equal(column), column)
            .value(1, self.forms(), column)
            .value(2, swapped(), column)
            .loosely(3, self.dialect.slip(column))
            .level(5, any(&[initial('l', 'r'), initial('r', 'l')]))
            .level(6, self.dialect.shares_word(Column::FirstNameParts))
            .level(4, self.dialect.looks_alike(column, "0.9"))
            .under(1, equal(Column::LastName), Worth::Name, None)
    }

    /// One first name in any of its forms.
    fn one_first_name(&self) -> String {
        self.under_one_suffix(any(&[equal(Column::FirstName), self.forms(), swapped()]))
    }

    /// First names that may stand for one full form; of double names both parts.
    fn forms(&self) -> String {
        let [first, second] = [Column::FirstNameRoots, Column::SecondNameRoots];
        let shares = |column| self.dialect.shares_word(column);
        all(&[shares(first), any(&[blank(second), shares(second)])])
    }

    /// Suffixes that tell a father from a son, where names have any.
    fn other_suffixes(&self) -> Option<String> {
        let suffix = Column::NameSuffix;
        let differ = format!("{suffix}_l <> {suffix}_r");
        self.comparer.facets.has_suffixes.then_some(differ)
    }

    fn under_one_suffix(&self, sql: String) -> String {
        match self.other_suffixes() {
            Some(differ) => all(&[sql, not(&differ)]),
            None => sql,
        }
    }

    /// First names alike, or one and its initial.
    fn first_names_alike(&self) -> String {
        let (first, dialect) = (Column::FirstName, self.dialect);
        let initial = |short: char, long: char| {
            format!("(length({first}_{short}) = 1 AND left({first}_{long}, 1) = {first}_{short})")
        };
        // The level of common given names is asked for before that of names that look alike.
        let given = dialect.shares_word(Column::FirstNameParts);
        let near = all(&[not(&given), dialect.looks_alike(first, "0.9")]);
        let initials = [initial('l', 'r'), initial('r', 'l')];
        let alike =
            any(&[&[self.one_first_name(), dialect.slip(first), near], &initials[..]].concat());
        self.under_one_suffix(alike)
    }

    /// Local parts that differ as two first names do.
    fn locals_of_two(&self) -> String {
        if !self.offers(Comparison::FirstName) {
            return "FALSE".to_owned();
        }
        let (first, local) = (Column::FirstName, Column::MailLocal);
        let given = self.dialect.shares_word(Column::FirstNameParts);
        let given = self.under_one_suffix(given);
        let differ = not(&any(&[self.first_names_alike(), given]));
        let initials = ["left", "right"].map(|end| {
            let own = |side: char| format!("{end}({local}_{side}, 1) = left({first}_{side}, 1)");
            all(&[format!("{end}({local}_l, 1) <> {end}({local}_r, 1)"), own('l'), own('r')])
        });
        let begins =
            |side: char| format!("left({local}_{side}, length({first}_{side})) = {first}_{side}");
        let whole = all(&['l', 'r'].map(begins));
        all(&[differ, any(&[&initials[..], &[whole]].concat())])
    }

    /// Local parts that differ in nothing but a name, of which each has that of its own record.
    fn locals_differ_by_name(&self) -> String {
        let names = [Comparison::FirstName, Comparison::LastName]
            .into_iter()
            .zip([Column::FirstName, Column::LastName]);
        let differ_by =
            names.filter(|(comparison, _)| self.offers(*comparison)).map(|(_, name)| {
                // No folded name holds the sign.
                let rest = |side: char| {
                    format!(
                        "replace({local}_{side}, {name}_{side}, '*')",
                        local = Column::MailLocal
                    )
                };
                all(&[format!("{name}_l <> {name}_r"), format!("{} = {}", rest('l'), rest('r'))])
            });
        any(&differ_by.chain(["FALSE".to_owned()]).collect::<Vec<_>>())
    }

    fn mail(&self, told: Told) -> Told {
        let (mail, local, domain) = (Column::Mail, Column::MailLocal, Column::MailDomain);
        let (mailbox, of_name) = (Column::MailBox, Column::MailOfName);
        let (first, last) = (Column::FirstName, Column::LastName);
        let role = |side: char| format!("{mailbox}_{side} = 'role'");
        let several = all(&[format!("{mail}_l <> {mail}_r"), any(&[role('l'), role('r')])]);
        let long = format!("least(length({local}_l), length({local}_r)) >= 4");
        let alike = |column: Column, slip: &str| any(&[equal(column), slip.to_owned()]);
        let is_slip = [
            edits_of(local, 1),
            long,
            not(&self.locals_of_two()),
            not(&self.locals_differ_by_name()),
        ];
        let slip = all(&[alike(local, &all(&is_slip)), alike(domain, &edits_of(domain, 1))]);
        let named = any(&['l', 'r'].map(|side| format!("{of_name}_{side} = 'yes'")));
        let named = all(&[equal(local), named]);
        let told = told
            .blank(any(&[blank(mail), several]))
            .value(0, equal(mail), mail)
            .level(1, slip.clone())
            .level(3, named.clone())
            .value(2, equal(local), local)
            .level(4, format!("{mailbox}_l <> {mailbox}_r"))
            .level(5, format!("{domain}_l <> {domain}_r"));
        if !self.comparer.facets.are_people() {
            return told;
        }
        let dialect = self.dialect;
        let one_first = self.one_first_name();
        let one_last = any(&[equal(last), swapped()]);
        let first_alike = self.first_names_alike();
        let last_alike = any(&[
            one_last.clone(),
            dialect.slip(last),
            dialect.shares_word(Column::LastNameParts),
            dialect.looks_alike(last, "0.9"),
        ]);
        let both_alike = all(&[first_alike, last_alike]);
        let one_name = all(&[one_first.clone(), one_last.clone()]);
        // Of a slip or a local part made of the name, the name says more than the workplace.
        let is_of_name = all(&[
            both_alike.clone(),
            not(&equal(mail)),
            any(&[all(&[slip.clone(), not(&one_name)]), all(&[not(&slip), named])]),
        ]);
        let among = |by: Column| Worth::Value(Among::Those(by));
        let told = if self.offers(Comparison::Workplace) {
            let at_work = all(&[one_workplace(), not(&is_of_name)]);
            told.under(1, at_work, among(Column::Workplace), Some(ALSO_ALIKE))
        } else {
            told
        };
        told.under(2, one_name, among(Column::FullName), None)
            .under(4, both_alike, Worth::Value(Among::Holders), None)
            .under(3, one_first, among(first), None)
            .under(3, one_last, among(last), None)
    }
}

fn workplace(told: Told) -> Told {
    let (company, domain) = (Column::Company, Column::Domain);
    let (ours, theirs) = (Column::CompanyLabel, Column::DomainLabel);
    let labels = crosswise(ours, theirs);
    let alone = [
        format!("({ours}_l = {theirs}_r AND {ours}_r IS NULL)"),
        format!("({ours}_r = {theirs}_l AND {ours}_l IS NULL)"),
    ];
    let of_two =
        "of two companies the one that is the other's domain counts, in SQL the level alone";
    let mut told = told
        .value(0, all(&[equal(domain), one_name()]), Column::Workplace)
        .value(1, equal(domain), domain)
        .value(2, one_name(), company)
        .untold(3)
        .value(4, any(&alone), ours)
        .nearly(4, any(&labels), None, of_two)
        .untold(5);
    told.asked_before_blank = told.asked.len();
    told.blank(format!("NOT {}", any(&[both(company), both(domain)])))
}

fn company(told: Told) -> Told {
    let company = Column::Company;
    let told = told
        .blank(blank(company))
        .value(0, equal(company), company)
        .value(1, equal(Column::CompanyLabel), Column::CompanySpelling)
        .nearly(5, initials(), None, INITIALS);
    let told = [2, 3, 4, 6].into_iter().fold(told, Told::untold);
    told.untold_under(1, "the word in common counts by how rare it is")
}

fn birth(told: Told) -> Told {
    let birth = Column::Birth;
    let part = |side: char, from: u8, len: u8| format!("substr({birth}_{side}, {from}, {len})");
    let same = |one: (u8, u8), other: (u8, u8)| {
        format!("{} = {}", part('l', one.0, one.1), part('r', other.0, other.1))
    };
    let whole = format!("length({birth}_l) = 8 AND length({birth}_r) = 8");
    let turned =
        all(&[whole.clone(), same((1, 4), (1, 4)), same((5, 2), (7, 2)), same((7, 2), (5, 2))]);
    let in_part = any(&[same((1, 4), (1, 4)), same((5, 4), (5, 4))]);
    told.blank(blank(birth))
        .value(0, equal(birth), birth)
        .level(1, any(&[edits_of(birth, 1), turned]))
        .level(2, all(&[whole, in_part]))
}

impl Told {
    fn blank(self, when: String) -> Self {
        Self { blank: when, ..self }
    }

    fn ask(mut self, asked: Asked) -> Self {
        self.asked.push(asked);
        self
    }

    fn level(self, level: usize, when: String) -> Self {
        self.ask(Asked { level, when, value: None, nearly: None, loosely: None })
    }

    fn loosely(self, level: usize, when: String) -> Self {
        self.ask(Asked { level, when, value: None, nearly: None, loosely: Some(TWO_EDITS) })
    }

    fn value(self, level: usize, when: String, value: Column) -> Self {
        self.ask(Asked { level, when, value: Some(value), nearly: None, loosely: None })
    }

    fn value_loosely(self, level: usize, when: String, value: Column) -> Self {
        self.ask(Asked { level, when, value: Some(value), nearly: None, loosely: Some(TWO_EDITS) })
    }

    fn nearly(self, level: usize, when: String, value: Option<Column>, why: &'static str) -> Self {
        self.ask(Asked { level, when, value, nearly: Some(why), loosely: None })
    }

    fn under(
        mut self,
        context: usize,
        when: String,
        worth: Worth,
        in_part: Option<&'static str>,
    ) -> Self {
        self.circumstances.push(Circumstance { context, when, worth, in_part });
        self
    }

    fn untold(mut self, level: usize) -> Self {
        self.untold.push((level, WORDS));
        self
    }

    fn untold_under(mut self, context: usize, why: &'static str) -> Self {
        self.untold_circumstances.push((context, why));
        self
    }
}
