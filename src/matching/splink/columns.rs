//! The columns that SQL conditions refer to: folded values of a record, as text.
//!
//! Does not: compare; and it reads no raw value.

use std::borrow::Cow;
use std::fmt;

use crate::matching::compare::{Comparer, initials, second_name_roots};
use crate::matching::dictionary::{BLANK, Code, Dictionary};
use crate::matching::facets::{Facet, Mailbox, PHONES};
use crate::matching::normalise::{Suffix, numbered_street};

/// One folded value of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    FirstName,
    /// The full forms that a first name may stand for.
    FirstNameRoots,
    /// The same of the second of several given names.
    SecondNameRoots,
    /// The words of a first name that are no initials.
    FirstNameParts,
    LastName,
    LastNameParts,
    NameSuffix,
    FullName,
    Mail,
    MailLocal,
    MailDomain,
    /// `work`, `private` or `role`.
    MailBox,
    /// `yes` where the name explains the local part.
    MailOfName,
    Phone(usize),
    Company,
    /// The company's name again, for a frequency of its own.
    CompanySpelling,
    /// The company's name without spaces.
    CompanyLabel,
    CompanyInitials,
    Domain,
    /// The domain's own label without hyphens.
    DomainLabel,
    /// Company and domain.
    Workplace,
    Street,
    StreetDigits,
    /// House number and street without their kind and direction.
    StreetCore,
    /// The same without the house number.
    StreetName,
    City,
    Postcode,
    Region,
    Country,
    Birth,
    Identifier(usize),
    Text(usize),
    Category(usize),
}

/// The columns of which there is one.
const SINGLE: [Column; 29] = [
    Column::FirstName,
    Column::FirstNameRoots,
    Column::SecondNameRoots,
    Column::FirstNameParts,
    Column::LastName,
    Column::LastNameParts,
    Column::NameSuffix,
    Column::FullName,
    Column::Mail,
    Column::MailLocal,
    Column::MailDomain,
    Column::MailBox,
    Column::MailOfName,
    Column::Company,
    Column::CompanySpelling,
    Column::CompanyLabel,
    Column::CompanyInitials,
    Column::Domain,
    Column::DomainLabel,
    Column::Workplace,
    Column::Street,
    Column::StreetDigits,
    Column::StreetCore,
    Column::StreetName,
    Column::City,
    Column::Postcode,
    Column::Region,
    Column::Country,
    Column::Birth,
];

impl fmt::Display for Column {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::FirstName => "first_name",
            Self::FirstNameRoots => "first_name_roots",
            Self::SecondNameRoots => "second_name_roots",
            Self::FirstNameParts => "first_name_parts",
            Self::LastName => "last_name",
            Self::LastNameParts => "last_name_parts",
            Self::NameSuffix => "name_suffix",
            Self::FullName => "full_name",
            Self::Mail => "mail",
            Self::MailLocal => "mail_local",
            Self::MailDomain => "mail_domain",
            Self::MailBox => "mail_box",
            Self::MailOfName => "mail_of_name",
            Self::Phone(at) => return write!(out, "phone_{}", at + 1),
            Self::Company => "company",
            Self::CompanySpelling => "company_spelling",
            Self::CompanyLabel => "company_label",
            Self::CompanyInitials => "company_initials",
            Self::Domain => "domain",
            Self::DomainLabel => "domain_label",
            Self::Workplace => "workplace",
            Self::Street => "street",
            Self::StreetDigits => "street_digits",
            Self::StreetCore => "street_core",
            Self::StreetName => "street_name",
            Self::City => "city",
            Self::Postcode => "postcode",
            Self::Region => "region",
            Self::Country => "country",
            Self::Birth => "birth",
            Self::Identifier(at) => return write!(out, "identifier_{}", at + 1),
            Self::Text(at) => return write!(out, "text_{}", at + 1),
            Self::Category(at) => return write!(out, "category_{}", at + 1),
        };
        out.write_str(name)
    }
}

impl Column {
    /// Every column that these records may have.
    pub(super) fn all(comparer: &Comparer) -> Vec<Self> {
        let facets = &comparer.facets;
        let mut all = SINGLE.to_vec();
        all.extend((0..PHONES).map(Self::Phone));
        all.extend((0..facets.identifiers.len()).map(Self::Identifier));
        all.extend((0..facets.texts.len()).map(Self::Text));
        all.extend((0..facets.categories.len()).map(Self::Category));
        all.sort_unstable();
        all
    }

    /// A record's value.
    pub(super) fn of(self, comparer: &Comparer, record: u32) -> Value<'_> {
        let facets = &comparer.facets;
        let line = facets.line(record);
        let mail = line.mail_parts;
        match self {
            Self::FirstName => Value::of(&facets.first.values, line.first),
            Self::FirstNameRoots => {
                let roots = facets.roots(line.first).iter().map(|root| facets.root(*root));
                Value::made(roots.collect::<Vec<_>>().join(" "))
            }
            Self::SecondNameRoots => {
                let roots = second_name_roots(facets.first.values.text(line.first));
                Value::made(roots.collect::<Vec<_>>().join(" "))
            }
            Self::FirstNameParts => parts(facets.first.values.text(line.first)),
            Self::LastName => Value::of(&facets.last.values, line.last),
            Self::LastNameParts => parts(facets.last.values.text(line.last)),
            Self::NameSuffix => Value::made(line.suffix.map_or("", Suffix::name)),
            Self::FullName if line.name == BLANK => Value::default(),
            Self::FullName => {
                let (first, last) = (&facets.first.values, &facets.last.values);
                let both = format!("{}|{}", first.text(line.first), last.text(line.last));
                Value::made(both).held(facets.names.held(line.name))
            }
            Self::Mail if line.mail == BLANK => Value::default(),
            // Addresses are told apart by their hosts, which are kept as numbers alone.
            Self::Mail => Value::made(format!("{}@{}", facets.locals.text(mail.local), line.mail))
                .held(facets.mails.held(line.mail)),
            Self::MailLocal => Value::of(&facets.locals, mail.local),
            Self::MailDomain => Value::of(&facets.domain.values, mail.domain),
            Self::MailBox => Value::made(match mail.of {
                _ if mail.local == BLANK => "",
                Mailbox::Work => "work",
                Mailbox::Private => "private",
                Mailbox::Role => "role",
            }),
            Self::MailOfName => {
                let local = facets.locals.text(mail.local);
                let is_of_name = mail.local != BLANK && comparer.is_made_of_name(local, line);
                Value::made(if is_of_name { "yes" } else { "" })
            }
            Self::Phone(at) => {
                Value::of(&facets.numbers, line.phones.get(at).copied().unwrap_or(BLANK))
            }
            Self::Company | Self::CompanySpelling => {
                Value::of(&facets.company.values, line.company)
            }
            Self::CompanyLabel => Value::of(&facets.labels, line.company_label),
            Self::CompanyInitials => abbreviation(facets.company.values.text(line.company)),
            Self::Domain => Value::of(&facets.domain.values, line.domain),
            Self::DomainLabel => Value::of(&facets.labels, line.domain_label),
            Self::Workplace => Value::of(&facets.company.values, line.company)
                .and(&Value::of(&facets.domain.values, line.domain)),
            Self::Street => Value::of(&facets.street.values, line.street),
            Self::StreetDigits => {
                let street = facets.street.values.text(line.street);
                Value::made(street.chars().filter(char::is_ascii_digit).collect::<String>())
            }
            Self::StreetCore | Self::StreetName => {
                let street = numbered_street(facets.street.values.text(line.street));
                let words = street.map(|(number, name)| {
                    let number = (self == Self::StreetCore).then_some(number);
                    number.into_iter().chain(name).collect::<Vec<_>>().join(" ")
                });
                Value::made(words.unwrap_or_default())
            }
            Self::City => Value::of(&facets.city.values, line.city),
            Self::Postcode => Value::of(&facets.postcode.values, line.postcode),
            Self::Region => Value::of(&facets.region.values, line.region),
            Self::Country => Value::of(&facets.country.values, line.country),
            Self::Birth => Value::of(&facets.birth.values, line.birth),
            Self::Identifier(at) => in_column(facets.identifiers.get(at), record),
            Self::Text(at) => in_column(facets.texts.get(at).map(|(facet, _)| facet), record),
            Self::Category(at) => in_column(facets.categories.get(at), record),
        }
    }
}

/// A record's value in a column of which there may be several.
fn in_column(facet: Option<&Facet>, record: u32) -> Value<'_> {
    facet.map(|facet| Value::of(&facet.values, facet.at(record))).unwrap_or_default()
}

/// A value as a column holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value<'v> {
    /// Empty for none.
    pub(super) text: Cow<'v, str>,
    /// How many records hold it; 0 for one that was made for the column.
    pub(super) held: u32,
}

impl<'v> Value<'v> {
    fn of(values: &'v Dictionary, code: Code) -> Self {
        Self { text: values.text(code).into(), held: values.frequency(code) }
    }

    fn made(text: impl Into<Cow<'v, str>>) -> Self {
        Self { text: text.into(), held: 0 }
    }

    /// This value and another as one, blank where either is; as many hold it as hold the rarer.
    pub(super) fn and(&self, other: &Self) -> Value<'static> {
        if self.text.is_empty() || other.text.is_empty() {
            return Value::default();
        }
        Value::made(format!("{}|{}", self.text, other.text)).held(self.held.min(other.held))
    }

    fn held(self, held: u32) -> Self {
        Self { held, ..self }
    }
}

/// The words of a name that are no initials.
fn parts(name: &str) -> Value<'static> {
    Value::made(name.split(' ').filter(|word| word.len() >= 3).collect::<Vec<_>>().join(" "))
}

/// What a name of several words is abbreviated to.
fn abbreviation(name: &str) -> Value<'static> {
    let letters: String = initials(name).collect();
    if letters.chars().nth(1).is_some() { Value::made(letters) } else { Value::default() }
}
