//! What a column holds, told by its header and a sample of its values.
//!
//! A header alone is not believed where the values say otherwise: a column `Website` full of yes and no is
//! none. Does not: guess where neither tells; such a column is left out.

use std::collections::BTreeSet;

use super::Kind;
use super::normalise::{self, Country};

/// A kind of column and the headers that name it.
struct Naming {
    kind: Kind,
    /// Headers, their words joined.
    headers: &'static [&'static str],
}

/// Headers of a person's whole name, of a last name beside a first one, or of a company's name.
const NAMES: [&str; 4] = ["name", "nom", "nome", "naam"];

/// Headers of CRMs and registers, lower case and without signs.
const NAMINGS: &[Naming] = &[
    Naming {
        kind: Kind::FirstName,
        headers: &[
            "firstname",
            "givenname",
            "forename",
            "fname",
            "vorname",
            "prenom",
            "nombre",
            "namefirst",
            "first",
            "given",
            "contactfirst",
            "contactfirstname",
        ],
    },
    Naming {
        kind: Kind::LastName,
        headers: &[
            "lastname",
            "surname",
            "familyname",
            "lname",
            "nachname",
            "apellido",
            "apellidos",
            "namelast",
            "last",
            "family",
            "contactlast",
            "contactlastname",
        ],
    },
    Naming {
        kind: Kind::FullName,
        headers: &["fullname", "namefull", "contactname", "personname"],
    },
    Naming {
        kind: Kind::Mail,
        headers: &[
            "email",
            "emailaddress",
            "mail",
            "mailaddress",
            "workemail",
            "correo",
            "courriel",
        ],
    },
    Naming {
        kind: Kind::Phone,
        headers: &[
            "phone",
            "phonenumber",
            "mobile",
            "mobilephone",
            "telephone",
            "tel",
            "telefon",
            "telefono",
            "cell",
            "cellphone",
            "homephone",
            "workphone",
            "otherphone",
            "fax",
        ],
    },
    Naming {
        kind: Kind::Company,
        headers: &[
            "company",
            "companyname",
            "accountname",
            "account",
            "organization",
            "organisation",
            "organizationname",
            "organisationname",
            "nameorg",
            "orgname",
            "business",
            "businessname",
            "sitename",
            "firma",
            "societe",
            "empresa",
        ],
    },
    Naming {
        kind: Kind::Web,
        headers: &[
            "website",
            "web",
            "url",
            "domain",
            "companydomain",
            "domainname",
            "homepage",
            "websiteurl",
        ],
    },
    Naming {
        kind: Kind::Street,
        headers: &[
            "street",
            "streetaddress",
            "address",
            "address1",
            "addressline1",
            "addr",
            "addrline1",
            "addrfull",
            "addressfull",
            "mailingstreet",
            "billingstreet",
            "strasse",
            "rue",
            "calle",
            "straat",
        ],
    },
    Naming { kind: Kind::HouseNumber, headers: &["streetnumber", "housenumber", "hausnummer"] },
    Naming {
        kind: Kind::City,
        headers: &[
            "city",
            "town",
            "suburb",
            "addrcity",
            "mailingcity",
            "billingcity",
            "birthplace",
            "ort",
            "stadt",
            "ville",
            "ciudad",
        ],
    },
    Naming {
        kind: Kind::Region,
        headers: &[
            "state",
            "province",
            "region",
            "county",
            "stateprovince",
            "stateregion",
            "addrstate",
            "mailingstate",
            "billingstate",
            "bundesland",
        ],
    },
    Naming {
        kind: Kind::Postcode,
        headers: &[
            "postcode",
            "postalcode",
            "zip",
            "zipcode",
            "addrpostalcode",
            "mailingpostalcode",
            "billingpostalcode",
            "plz",
        ],
    },
    Naming {
        kind: Kind::Country,
        headers: &[
            "country",
            "countrycode",
            "addrcountry",
            "mailingcountry",
            "billingcountry",
            "land",
            "pays",
        ],
    },
    Naming {
        kind: Kind::Birth,
        headers: &["dob", "dateofbirth", "birthdate", "birthday", "geburtsdatum"],
    },
    Naming {
        kind: Kind::Identifier,
        headers: &[
            "ssn",
            "ssnnumber",
            "socsecid",
            "socialsecuritynumber",
            "passportnumber",
            "driverslicensenumber",
            "nationalidnumber",
            "taxid",
            "taxidnumber",
            "vat",
            "vatnumber",
            "lei",
            "leinumber",
            "duns",
            "dunsnumber",
            "externalid",
            "registrationnumber",
        ],
    },
    Naming { kind: Kind::Category, headers: &["gender", "sex", "industry", "occupation", "year"] },
];

/// Columns that say how a record came about, not what it is about.
const ABOUT_THE_RECORD: &[&str] = &[
    "id", "source", "owner", "status", "stage", "created", "modified", "updated", "date", "time",
    "channel", "type", "campaign", "record", "cluster",
];

/// True for a header that may name something to link by.
pub fn may_link(header: &str) -> bool {
    let words = normalise::words(header);
    !words.split(' ').any(|word| ABOUT_THE_RECORD.contains(&word)) || {
        let header = joined(header);
        NAMINGS.iter().any(|naming| naming.headers.contains(&header.as_str()))
    }
}

/// A column by name and some of its values.
#[derive(Debug, Clone, Copy)]
pub struct Sampled<'s> {
    /// The header.
    pub header: &'s str,
    /// Values from all over the column; blank ones may be among them.
    pub values: &'s [&'s str],
}

/// What each column holds; `None` for columns to leave out.
pub fn kinds(columns: &[Sampled<'_>]) -> Vec<Option<Kind>> {
    let mut kinds: Vec<Option<Kind>> = columns.iter().map(named).collect();
    let has = |kinds: &[Option<Kind>], kind: Kind| kinds.contains(&Some(kind));
    let people =
        has(&kinds, Kind::FirstName) || has(&kinds, Kind::LastName) || has(&kinds, Kind::FullName);
    let first = columns.iter().zip(&kinds).find(|(_, kind)| **kind == Some(Kind::FirstName));
    let first = first.map(|(first, _)| first).filter(|_| !has(&kinds, Kind::LastName));
    for (slot, column) in kinds.iter_mut().zip(columns) {
        if slot.is_none() && NAMES.contains(&joined(column.header).as_str()) {
            *slot = Some(if first.is_some_and(|first| !repeats(column, first)) {
                Kind::LastName
            } else if people || looks_personal(column.values) {
                Kind::FullName
            } else {
                Kind::Company
            });
        } else if slot.is_none() && is_text(column) {
            *slot = Some(Kind::Text);
        }
    }
    // A whole name beside its parts only repeats them, unless it stands where they are blank.
    let last = columns.iter().zip(&kinds).find(|(_, kind)| **kind == Some(Kind::LastName));
    if let (Some((last, _)), true) = (last, has(&kinds, Kind::FirstName)) {
        for (slot, column) in kinds.iter_mut().zip(columns) {
            if *slot == Some(Kind::FullName) && !stands_in_for(column, last) {
                *slot = None;
            }
        }
    }
    kinds
}

/// True where a column holds in most rows what another holds too, as a whole name holds the first.
fn repeats(column: &Sampled<'_>, other: &Sampled<'_>) -> bool {
    let filled = other.values.iter().zip(column.values).filter(|(part, _)| !part.trim().is_empty());
    let holds = |(part, whole): &(&&str, &&str)| {
        normalise::words(whole).contains(normalise::words(part).as_str())
    };
    filled.clone().filter(holds).count() * 2 > filled.count()
}

/// True where a column is filled in half of the rows in which another is blank, and those are not few.
fn stands_in_for(column: &Sampled<'_>, other: &Sampled<'_>) -> bool {
    let is_blank = |value: &&&str| value.trim().is_empty();
    let gaps = other.values.iter().zip(column.values).filter(|(other, _)| is_blank(other));
    let filled = gaps.clone().filter(|(_, value)| !is_blank(value)).count();
    filled * 2 >= gaps.count() && filled * 20 > other.values.len()
}

/// The kind that a header names, where the values do not say otherwise.
fn named(column: &Sampled<'_>) -> Option<Kind> {
    let header = joined(column.header);
    let is_named = |naming: &&Naming| {
        naming.headers.iter().any(|name| {
            header == *name
                || ["primary", "main"].iter().any(|first| header.strip_prefix(first) == Some(name))
        })
    };
    let kind = NAMINGS.iter().find(is_named).map(|naming| naming.kind);
    let is_postcode = normalise::words(column.header)
        .split(' ')
        .any(|word| ["postcode", "postalcode", "zip", "zipcode"].contains(&word));
    match kind.or(is_postcode.then_some(Kind::Postcode)) {
        Some(kind) => fits(kind, column.values).then_some(kind),
        None => [Kind::Mail, Kind::Web].into_iter().find(|kind| {
            column.values.iter().any(|value| !value.trim().is_empty()) && fits(*kind, column.values)
        }),
    }
}

/// A header's letters and digits.
pub fn joined(header: &str) -> String {
    normalise::words(header).split(' ').collect()
}

/// True where most values are of the kind; kinds that any text may be fit always.
fn fits(kind: Kind, values: &[&str]) -> bool {
    let mut out = String::new();
    let lists = normalise::Lists::default();
    let mut is_of_kind = |value: &str| match kind {
        Kind::Mail => normalise::address(value, &lists, &mut out).is_some(),
        Kind::Web => !value.contains('@') && normalise::domain(value, &mut out).is_some(),
        Kind::Phone => value.bytes().filter(u8::is_ascii_digit).count() >= 6,
        Kind::Country => Country::parse(value).is_some(),
        Kind::Birth => value.bytes().any(|byte| byte.is_ascii_digit()),
        Kind::FirstName | Kind::LastName => value.trim().starts_with(char::is_alphabetic),
        Kind::FullName
        | Kind::Company
        | Kind::Street
        | Kind::HouseNumber
        | Kind::City
        | Kind::Region
        | Kind::Postcode
        | Kind::Identifier
        | Kind::Text
        | Kind::Category => true,
    };
    let filled: Vec<&str> =
        values.iter().copied().filter(|value| !value.trim().is_empty()).collect();
    let fitting = filled.iter().filter(|value| is_of_kind(value)).count();
    fitting * 2 >= filled.len()
}

/// True for a column of which most values are several words and few are the same.
fn is_text(column: &Sampled<'_>) -> bool {
    if !may_link(column.header) {
        return false;
    }
    let filled: Vec<&str> =
        column.values.iter().copied().filter(|value| !value.trim().is_empty()).collect();
    // A day and a time are no words.
    let words = |value: &str| {
        value.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count()
    };
    let several = filled.iter().filter(|value| words(value) > 1).count();
    let distinct: BTreeSet<&&str> = filled.iter().collect();
    !filled.is_empty() && several * 2 >= filled.len() && distinct.len() * 4 >= filled.len()
}

/// True for a column of which many values hold a first name that is known.
fn looks_personal(values: &[&str]) -> bool {
    let filled = values.iter().filter(|value| !value.trim().is_empty());
    let known = filled.clone().filter(|value| {
        let folded = normalise::words(value);
        folded.split(' ').count() >= 2
            && folded.split(' ').any(|word| !normalise::roots(word).is_empty())
    });
    known.count() * 2 >= filled.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, values: &[&str], expected: Option<Kind>) {
        assert_eq!(kinds(&[Sampled { header, values }]), [expected], "{header} {values:?}");
    }

    #[test]
    fn a_header_is_believed_where_its_values_do_not_contradict() {
        check("E-Mail Address", &["ann@acme.com", ""], Some(Kind::Mail));
        check("email", &["01/31/13", "08/31/13"], None);
        check("Website", &["Yes", "No"], None);
        check("Website", &["acme.com", "www.zenith.de"], Some(Kind::Web));
        check("primary_name_last", &["Ng"], Some(Kind::LastName));
        check("Last", &["Ng"], Some(Kind::LastName));
        check("Last", &["2026-01-02"], None);
        check("Zip/Postal Code", &["12345"], Some(Kind::Postcode));
        check("Postal Code", &["12345"], Some(Kind::Postcode));
        check("Record ID", &["1 2", "3 4"], None);
        check("Created Date", &["2026-01-02 10:00", "2026-01-03 10:00"], None);
        check("Letzte Änderung am", &["05.11.2026 10:00", "2026-01-03 9:07 AM"], None);
        check("contact", &["ann@acme.com", "li@zenith.de"], Some(Kind::Mail));
        check("authors", &["Ann Ng, Bob Li", "Cy Oz"], Some(Kind::Text));
    }

    #[test]
    fn a_name_is_a_persons_or_a_companys() {
        check("name", &["Acme Holdings", "Zenith Foods"], Some(Kind::Company));
        check("Name", &["Robert Miller", "Anna Schmidt"], Some(Kind::FullName));
        let of = |columns: &[(&str, [&str; 2])]| {
            let sampled: Vec<Sampled<'_>> =
                columns.iter().map(|(header, values)| Sampled { header, values }).collect();
            kinds(&sampled)
        };
        let first = ("Prénom", ["Zoé", "Ada"]);
        let [is_first, is_last] = [Kind::FirstName, Kind::LastName].map(Some);
        let whole = ("full_name", ["Zoé Ng", "Ada Li"]);
        assert_eq!(of(&[first, ("last_name", ["Ng", "Li"]), whole]), [is_first, is_last, None]);
        for header in ["Nom", "Name"] {
            assert_eq!(of(&[first, (header, ["Ng", "Li"])]), [is_first, is_last]);
            assert_eq!(
                of(&[first, (header, ["Zoé Ng", "Li, Ada"])]),
                [is_first, Some(Kind::FullName)]
            );
        }
        assert_eq!(of(&[("Nom", ["Acme Holdings", "Zenith Foods"])]), [Some(Kind::Company)]);
    }
}
