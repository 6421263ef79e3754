//! The ladders of comparison levels: what each kind of agreement is called and how often true matches
//! reach it before any data has been seen.
//!
//! Does not: compare, estimate.

/// A rung of a ladder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// The level in words, after "they have".
    pub says: &'static str,
    /// How many of a hundred matches are expected here; the estimate starts from it and is drawn to it
    /// where data is thin.
    pub matches: f64,
}

/// One piece of evidence and its levels, from full agreement to none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    /// The piece of evidence in words.
    pub name: &'static str,
    /// The levels; the last is disagreement.
    pub levels: &'static [Level],
    /// So many of the last levels are disagreement: none of them speaks for a match.
    pub differ: usize,
    /// Levels that no pair can reach, because the column that tells them is not there; a bit each.
    pub out_of_reach: u16,
    /// How its agreement comes about in circumstances.
    pub comes: Comes,
    /// The circumstances under which its levels are counted apart; the first is none.
    pub contexts: &'static [&'static str],
    /// Of so many of its first levels all pairs that share the value are compared, so that they can check
    /// its frequency.
    pub keyed: u8,
    /// How often the value of one record that says anything is another's by chance, before any data:
    /// about one in so many.
    pub values: f32,
}

/// How an agreement comes about in the circumstances of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comes {
    /// For reasons of its own, so that it may be rarer among matches than among others.
    ByItself,
    /// With the circumstances: two who share them have it in common, if it is told of both. It says little, and
    /// never speaks against a match.
    WithContext,
}

const fn level(matches: f64, says: &'static str) -> Level {
    Level { says, matches }
}

/// The most levels of a ladder.
pub(super) const LEVELS: usize = 10;
/// The most contexts of a ladder.
pub(super) const CONTEXTS: usize = 6;

const PLAIN: &[&str] = &[""];

/// How alike the names are under which a company's domain and address are looked at.
const UNDER_NAME: &[&str] = &[
    "",
    "under one name",
    "under names a slip apart",
    "in units of one company",
    "where a name continues the other",
    "under names with a word in common",
];

/// Where one company's phone number may be its switchboard's.
pub(super) const AT_TWO_ADDRESSES: &[&str] = &["", "under related names at two addresses"];

/// What two people already share when their address is looked at.
pub(super) const BESIDE_PEOPLE: &[&str] = &["", "at one workplace", "with one phone number"];

pub(super) const FIRST_NAME: Ladder = Ladder {
    name: "first name",
    levels: &[
        level(82.0, "the same first name"),
        level(5.0, "forms of one first name"),
        level(1.0, "first and last name swapped"),
        level(4.0, "first names a slip of the keyboard apart"),
        level(1.0, "first names that look alike"),
        level(3.0, "a first name and its initial"),
        level(1.0, "one given name of several in common"),
        level(4.0, "different first names or those of a father and a son"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &["", "under one last name"],
    keyed: 1,
    values: 300.0,
};

pub(super) const LAST_NAME: Ladder = Ladder {
    name: "last name",
    levels: &[
        level(89.0, "the same last name"),
        level(1.0, "first and last name swapped"),
        level(5.0, "last names a slip of the keyboard apart"),
        level(1.0, "last names that look alike"),
        level(2.0, "one part of a double name in common"),
        level(3.0, "different last names"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &["", "in one household"],
    keyed: 0,
    values: 1_000.0,
};

pub(super) const BIRTH: Ladder = Ladder {
    name: "date of birth",
    levels: &[
        level(80.0, "the same date of birth"),
        level(10.0, "dates of birth a slip apart"),
        level(4.0, "dates of birth that agree in part"),
        level(6.0, "different dates of birth"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: PLAIN,
    keyed: 0,
    values: 10_000.0,
};

pub(super) const MAIL: Ladder = Ladder {
    name: "mail address",
    levels: &[
        level(60.0, "the same mail address"),
        level(3.0, "mail addresses a slip apart"),
        level(3.0, "one uncommon local part at two providers"),
        level(3.0, "one local part made of the name at two domains"),
        level(14.0, "a private and a work address"),
        level(10.0, "addresses at different domains"),
        level(7.0, "different addresses at one domain"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &[
        "",
        "at one workplace",
        "under one name",
        "under one first or last name",
        "under names that look alike",
    ],
    keyed: 1,
    values: 100_000.0,
};

pub(super) const PHONE: Ladder = Ladder {
    name: "phone number",
    levels: &[
        level(70.0, "the same phone number"),
        level(3.0, "phone numbers a digit apart"),
        level(27.0, "different phone numbers"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &["", "at one workplace"],
    keyed: 1,
    values: 50_000.0,
};

pub(super) const WORKPLACE: Ladder = Ladder {
    name: "workplace",
    levels: &[
        level(40.0, "the same company and domain"),
        level(15.0, "the same company domain"),
        level(20.0, "the same company"),
        level(10.0, "company names that look alike"),
        level(5.0, "a company name that is the other's domain"),
        level(3.0, "company names with a word in common"),
        level(7.0, "different companies"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: PLAIN,
    keyed: 0,
    values: 2_000.0,
};

pub(super) const ADDRESS: Ladder = Ladder {
    name: "address",
    levels: &[
        level(50.0, "the same street and place"),
        level(5.0, "the same street"),
        level(10.0, "streets that look alike in one place"),
        level(1.0, "other numbers in one street"),
        level(8.0, "the same postcode"),
        level(12.0, "the same city"),
        level(5.0, "the same region"),
        level(5.0, "the same country"),
        level(8.0, "different places"),
        level(2.0, "different countries"),
    ],
    differ: 2,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: UNDER_NAME,
    keyed: 0,
    values: 20_000.0,
};

/// The ladder of addresses of which these are told: street, city, postcode, region, country.
pub(super) fn address([street, city, postcode, region, country]: [bool; 5]) -> Ladder {
    let is_site = street || city || postcode;
    let told = [
        street,
        street,
        street,
        street,
        postcode,
        city,
        region,
        country,
        is_site || region,
        country,
    ];
    let bits = told.iter().enumerate().filter(|(_, told)| !**told).map(|(level, _)| 1 << level);
    Ladder { out_of_reach: bits.sum(), ..ADDRESS }
}

pub(super) const COMPANY: Ladder = Ladder {
    name: "company name",
    levels: &[
        level(60.0, "the same company name"),
        level(4.0, "one company name, spaced differently"),
        level(10.0, "company names a slip apart"),
        level(8.0, "a company name that continues the other"),
        level(1.0, "units or places of one company name"),
        level(3.0, "a company name and its initials"),
        level(7.0, "company names with words in common"),
        level(8.0, "different company names"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &["", "with a word in common"],
    keyed: 1,
    values: 10_000.0,
};

pub(super) const DOMAIN: Ladder = Ladder {
    name: "web domain",
    levels: &[
        level(80.0, "the same domain"),
        level(6.0, "one domain name under two endings"),
        level(4.0, "domains a slip apart"),
        level(10.0, "different domains"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: UNDER_NAME,
    keyed: 1,
    values: 20_000.0,
};

pub(super) const IDENTIFIER: Ladder = Ladder {
    name: "identifier",
    levels: &[
        level(85.0, "the same identifier"),
        level(8.0, "identifiers a slip or two apart"),
        level(7.0, "different identifiers"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: PLAIN,
    keyed: 1,
    values: 100_000.0,
};

pub(super) const TEXT: Ladder = Ladder {
    name: "text",
    levels: &[
        level(50.0, "the same text"),
        level(15.0, "nearly the same words"),
        level(10.0, "mostly the same words"),
        level(10.0, "half of the words in common"),
        level(10.0, "some words in common"),
        level(5.0, "different texts"),
    ],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: PLAIN,
    keyed: 0,
    values: 1_000.0,
};

pub(super) const CATEGORY: Ladder = Ladder {
    name: "category",
    levels: &[level(85.0, "the same"), level(15.0, "different")],
    differ: 1,
    out_of_reach: 0,
    comes: Comes::ByItself,
    contexts: &["", "under related names", "under names with a word in common"],
    keyed: 0,
    values: 10.0,
};
