//! Folds values so that two spellings of one thing become one text.
//!
//! Does not: compare. A folded value is a key; what it was made from stays where it is.

use std::collections::BTreeSet;

use hashbrown::HashSet;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What is known about addresses and domains, all in lower case.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Local parts that several people read.
    pub role_mailboxes: HashSet<String>,
    /// Mail providers: a domain that says nothing about the company.
    pub free_mail: HashSet<String>,
    /// Mail providers that ignore what follows a plus sign.
    pub plus_tags: HashSet<String>,
    /// Domains below which many companies have a page.
    pub shared_domains: BTreeSet<String>,
    /// Domains of records made for a test.
    pub test_domains: HashSet<String>,
}

/// How an address was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressStep {
    /// It stands as it was written.
    AsWritten,
    /// Outer spaces and case.
    Case,
    /// What follows the plus sign.
    Tag,
    /// The dots before the at sign.
    Dots,
    /// Both.
    TagAndDots,
}

impl AddressStep {
    /// The step in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Case => "lower case, outer characters trimmed",
            Self::Tag => "lower case; +tag dropped, because this provider ignores it",
            Self::Dots => "lower case; dots dropped, because Gmail ignores them",
            Self::TagAndDots => "lower case; +tag and dots dropped, because Gmail ignores them",
        }
    }
}

/// Folds a mail address into `out`. `None`, with `out` empty, when it is none or only a test's.
pub fn address(raw: &str, lists: &Lists, out: &mut String) -> Option<AddressStep> {
    out.clear();
    let bare = raw.trim().trim_matches(['<', '>', '"', '\'', ',', ';']);
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare).trim_end_matches('.');
    let (local, domain) = bare.split_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ']);
    if !plain(local) || !plain(domain) || !domain.contains('.') || domain.starts_with('.') {
        return None;
    }
    lower_into(domain, out);
    if lists.test_domains.contains(out.as_str()) || is_below(out, &lists.test_domains) {
        out.clear();
        return None;
    }
    let gmail = matches!(out.as_str(), "gmail.com" | "googlemail.com");
    let tagged = lists.plus_tags.contains(out.as_str());
    let domain_is_lower = out == domain;
    let kept = match local.split_once('+') {
        Some((before, _)) if tagged && !before.is_empty() => before,
        _ => local,
    };
    out.clear();
    lower_into(kept, out);
    let local_is_lower = out == kept;
    let dotted = gmail && out.contains('.');
    if dotted {
        out.retain(|c| c != '.');
    }
    out.push('@');
    if gmail {
        out.push_str("gmail.com");
    } else {
        lower_into(domain, out);
    }
    Some(match (kept.len() < local.len(), dotted) {
        (true, true) => AddressStep::TagAndDots,
        (true, false) => AddressStep::Tag,
        (false, true) => AddressStep::Dots,
        (false, false) if domain_is_lower && local_is_lower && bare.len() == raw.len() => {
            AddressStep::AsWritten
        }
        (false, false) => AddressStep::Case,
    })
}

/// True for an address, already folded, that several people read.
pub fn is_role_mailbox(address: &str, lists: &Lists) -> bool {
    address.split_once('@').is_some_and(|(local, _)| lists.role_mailboxes.contains(local))
}

/// Folds a website, host name or mail address into its registrable domain, by the public suffix list.
/// `None`, with `out` empty, when there is none.
pub fn domain(raw: &str, out: &mut String) -> Option<()> {
    host(raw, out)?;
    keep_registrable(out)
}

/// The registrable domain of a website or mail address where it says which company it is: `None` for
/// mail providers, for domains that many companies share, and for test domains.
pub fn company_domain(raw: &str, lists: &Lists, out: &mut String) -> Option<()> {
    host(raw, out)?;
    let shared = lists.shared_domains.iter().find(|shared| under(out, shared));
    keep_registrable(out)?;
    // A page whose own name can be registered (acme.github.io) belongs to one company; a path or a
    // plain subdomain of a shared domain does not say whose it is.
    let known = |list: &HashSet<String>| list.contains(out.as_str());
    if shared.is_some_and(|shared| out.len() <= shared.len())
        || known(&lists.free_mail)
        || known(&lists.test_domains)
    {
        out.clear();
        return None;
    }
    Some(())
}

/// The host of a website, or what follows the at sign of an address, in lower case.
fn host(raw: &str, out: &mut String) -> Option<()> {
    out.clear();
    let raw = raw.trim().trim_matches(['<', '>', '"']);
    let rest = raw.split_once("://").map_or(raw, |(_, rest)| rest);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let rest = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(':').next().unwrap_or_default().trim().trim_matches('.');
    let is_host = |c: char| c.is_alphanumeric() || c == '-' || c == '.' || c == '_';
    if !rest.contains('.')
        || rest.contains("..")
        || !rest.chars().all(is_host)
        || rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    lower_into(rest, out);
    Some(())
}

/// Cuts a host down to its registrable domain.
fn keep_registrable(host: &mut String) -> Option<()> {
    let Some(start) = psl::domain_str(host).map(|domain| host.len() - domain.len()) else {
        host.clear();
        return None;
    };
    host.drain(..start);
    Some(())
}

/// True when a host is a domain or stands below it.
fn under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn is_below(host: &str, domains: &HashSet<String>) -> bool {
    host.match_indices('.')
        .any(|(at, _)| host.get(at + 1..).is_some_and(|parent| domains.contains(parent)))
}

fn lower_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        out.extend(text.nfkc().flat_map(char::to_lowercase));
    }
}

/// Folds case, accents and letters that are spelled differently without them; words stay apart by one
/// space, and everything that is neither letter nor digit parts words.
fn words_into(text: &str, out: &mut String) {
    let mut parted = true;
    let mut push = |c: char, out: &mut String| {
        if c.is_alphanumeric() {
            if parted && !out.is_empty() {
                out.push(' ');
            }
            parted = false;
            match c {
                'ß' => out.push_str("ss"),
                'æ' => out.push_str("ae"),
                'œ' => out.push_str("oe"),
                'ø' => out.push('o'),
                'ł' => out.push('l'),
                'đ' | 'ð' => out.push('d'),
                'þ' => out.push_str("th"),
                'ı' => out.push('i'),
                other => out.push(other),
            }
        } else if !matches!(c, '\'' | '’' | '`' | '´' | 'ʼ') {
            parted = true;
        }
    };
    if text.is_ascii() {
        for byte in text.bytes() {
            push(char::from(byte.to_ascii_lowercase()), out);
        }
    } else {
        for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
            push(c, out);
        }
    }
}

/// A text of any kind without case, accents and punctuation.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    words_into(text, &mut out);
    out
}

/// A person's name, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// First name, without middle initials.
    pub first: String,
    /// Last name.
    pub last: String,
}

/// Words around a name that are not part of it.
const TITLES: [&str; 24] = [
    "dr", "prof", "mr", "mrs", "ms", "miss", "sir", "mag", "ing", "dipl", "herr", "frau", "mme",
    "mlle", "sr", "jr", "ii", "iii", "iv", "phd", "md", "mba", "cpa", "esq",
];

impl Name {
    /// Folds a name given in parts. A first name that stands in the last name's place (`Ng, Ann`,
    /// `Ann Ng`) is moved to its own.
    pub fn fold(first: Option<&str>, last: Option<&str>) -> Self {
        let mut name = Self::default();
        name.refold(first, last);
        name
    }

    /// Folds into a name that exists, so that a pass over many records reuses its memory.
    pub fn refold(&mut self, first: Option<&str>, last: Option<&str>) {
        self.first.clear();
        self.last.clear();
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        if first.trim().is_empty()
            && let Some((last, first)) = last.split_once(',')
        {
            name_into(first, &mut self.first);
            name_into(last, &mut self.last);
            return;
        }
        name_into(first, &mut self.first);
        name_into(last, &mut self.last);
        if self.first.is_empty()
            && let Some((first, last)) = self.last.split_once(' ')
        {
            self.first = first.to_owned();
            self.last = last.to_owned();
        }
    }

    /// True when neither part has a letter.
    pub fn is_blank(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }

    /// The first word of the first name in its full form: Bob becomes robert.
    pub fn root(&self) -> &str {
        let first = self.first.split(' ').next().unwrap_or_default();
        full_form(first)
    }

    /// A key that order, middle names and nicknames do not change; `None` unless both parts are there.
    pub fn key_into(&self, out: &mut String) -> Option<()> {
        if self.first.is_empty() || self.last.is_empty() {
            return None;
        }
        let (a, b) = (self.root(), full_form(&self.last));
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        out.push_str(a);
        out.push('|');
        out.push_str(b);
        Some(())
    }
}

/// One part of a name: titles go, and so do middle initials.
fn name_into(part: &str, out: &mut String) {
    words_into(part, out);
    let extra = |at: usize, word: &str| TITLES.contains(&word) || at > 0 && word.len() == 1;
    if !out.contains(' ') || !out.split(' ').enumerate().any(|(at, word)| extra(at, word)) {
        return;
    }
    let kept: Vec<&str> = out
        .split(' ')
        .enumerate()
        .filter(|(at, word)| !extra(*at, word))
        .map(|(_, word)| word)
        .collect();
    if !kept.is_empty() {
        *out = kept.join(" ");
    }
}

/// Short forms and their full forms, sorted by the short form.
const NICKNAMES: &[(&str, &str)] = &[
    ("abby", "abigail"),
    ("al", "albert"),
    ("alex", "alexander"),
    ("andi", "andreas"),
    ("andy", "andrew"),
    ("angie", "angela"),
    ("barb", "barbara"),
    ("becky", "rebecca"),
    ("ben", "benjamin"),
    ("bernie", "bernard"),
    ("bert", "albert"),
    ("beth", "elizabeth"),
    ("betty", "elizabeth"),
    ("bill", "william"),
    ("billy", "william"),
    ("bob", "robert"),
    ("bobby", "robert"),
    ("brad", "bradley"),
    ("cathy", "catherine"),
    ("charlie", "charles"),
    ("chris", "christopher"),
    ("chuck", "charles"),
    ("cindy", "cynthia"),
    ("connie", "constance"),
    ("dan", "daniel"),
    ("danny", "daniel"),
    ("dave", "david"),
    ("deb", "deborah"),
    ("debbie", "deborah"),
    ("dick", "richard"),
    ("don", "donald"),
    ("doug", "douglas"),
    ("drew", "andrew"),
    ("ed", "edward"),
    ("eddie", "edward"),
    ("ellie", "eleanor"),
    ("flo", "florian"),
    ("frank", "francis"),
    ("fred", "frederick"),
    ("gabe", "gabriel"),
    ("geoff", "geoffrey"),
    ("ginny", "virginia"),
    ("greg", "gregory"),
    ("hank", "henry"),
    ("hannes", "johannes"),
    ("hans", "johannes"),
    ("jack", "john"),
    ("jake", "jacob"),
    ("jan", "janet"),
    ("jeff", "jeffrey"),
    ("jen", "jennifer"),
    ("jenny", "jennifer"),
    ("jerry", "gerald"),
    ("jess", "jessica"),
    ("jim", "james"),
    ("jimmy", "james"),
    ("joe", "joseph"),
    ("joey", "joseph"),
    ("johnny", "john"),
    ("jon", "jonathan"),
    ("josh", "joshua"),
    ("judy", "judith"),
    ("kate", "catherine"),
    ("katherine", "catherine"),
    ("kathy", "catherine"),
    ("katie", "catherine"),
    ("ken", "kenneth"),
    ("kim", "kimberly"),
    ("larry", "lawrence"),
    ("len", "leonard"),
    ("liz", "elizabeth"),
    ("lou", "louis"),
    ("maggie", "margaret"),
    ("mandy", "amanda"),
    ("manny", "manuel"),
    ("marty", "martin"),
    ("matt", "matthew"),
    ("max", "maximilian"),
    ("meg", "margaret"),
    ("mel", "melissa"),
    ("micha", "michael"),
    ("mike", "michael"),
    ("mitch", "mitchell"),
    ("molly", "mary"),
    ("nate", "nathan"),
    ("nick", "nicholas"),
    ("paco", "francisco"),
    ("pam", "pamela"),
    ("pat", "patrick"),
    ("patty", "patricia"),
    ("peggy", "margaret"),
    ("pepe", "jose"),
    ("pete", "peter"),
    ("phil", "philip"),
    ("phillip", "philip"),
    ("ray", "raymond"),
    ("rich", "richard"),
    ("rick", "richard"),
    ("rob", "robert"),
    ("robbie", "robert"),
    ("ron", "ronald"),
    ("russ", "russell"),
    ("sam", "samuel"),
    ("sandy", "sandra"),
    ("sascha", "alexander"),
    ("sasha", "alexander"),
    ("sepp", "josef"),
    ("shelly", "michelle"),
    ("stan", "stanley"),
    ("steph", "stephanie"),
    ("stephen", "steven"),
    ("steve", "steven"),
    ("sue", "susan"),
    ("susie", "susan"),
    ("ted", "edward"),
    ("terry", "terence"),
    ("tim", "timothy"),
    ("toby", "tobias"),
    ("tom", "thomas"),
    ("tommy", "thomas"),
    ("toni", "anton"),
    ("tony", "anthony"),
    ("trish", "patricia"),
    ("uli", "ulrich"),
    ("vicky", "victoria"),
    ("vince", "vincent"),
    ("walt", "walter"),
    ("wendy", "gwendolyn"),
    ("will", "william"),
    ("wolfi", "wolfgang"),
    ("zach", "zachary"),
];

/// The full form of a short first name, or the name itself.
pub fn full_form(first: &str) -> &str {
    NICKNAMES
        .binary_search_by(|(short, _)| (*short).cmp(first))
        .ok()
        .and_then(|at| NICKNAMES.get(at))
        .map_or(first, |(_, full)| full)
}

/// Legal forms of companies, folded and without spaces.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ae",
    "ag",
    "agcokg",
    "aktiengesellschaft",
    "amba",
    "aps",
    "as",
    "asa",
    "asia",
    "bhd",
    "bv",
    "bvba",
    "ca",
    "cia",
    "co",
    "cokg",
    "company",
    "coop",
    "corp",
    "corporation",
    "cv",
    "cvba",
    "da",
    "dba",
    "dd",
    "doo",
    "ead",
    "eeig",
    "ehf",
    "eirl",
    "eireli",
    "ek",
    "ev",
    "eg",
    "ewiv",
    "gbr",
    "ggmbh",
    "gesmbh",
    "gmbh",
    "gmbhandcokg",
    "gmbhcokg",
    "gmbhcokgaa",
    "gmbhukg",
    "gp",
    "hf",
    "inc",
    "incorporated",
    "jsc",
    "jv",
    "kb",
    "kft",
    "kg",
    "kgaa",
    "kk",
    "ks",
    "lc",
    "lda",
    "limited",
    "limitedliabilitycompany",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "mbb",
    "nv",
    "nyrt",
    "oao",
    "og",
    "ohg",
    "ojsc",
    "ood",
    "ooo",
    "oy",
    "oyj",
    "oyab",
    "pao",
    "pbc",
    "pc",
    "pjsc",
    "plc",
    "pllc",
    "pte",
    "pteltd",
    "pty",
    "ptyltd",
    "pvt",
    "pvtltd",
    "privatelimited",
    "pt",
    "rt",
    "sa",
    "sab",
    "sabdecv",
    "sadecv",
    "sae",
    "sal",
    "saoc",
    "sapi",
    "sapidecv",
    "sarl",
    "sas",
    "sasu",
    "sca",
    "scop",
    "scrl",
    "sdnbhd",
    "se",
    "sia",
    "sl",
    "slu",
    "snc",
    "spa",
    "spj",
    "spolsro",
    "spzoo",
    "srl",
    "sro",
    "tbk",
    "uab",
    "ug",
    "ughaftungsbeschrankt",
    "ultd",
    "unlimited",
    "vof",
    "zao",
    "zrt",
];

/// Folds a company's name: case, accents, punctuation, `&`, a leading article and legal forms.
/// What is left when nothing else is the name as a whole.
pub fn company(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    if raw.contains('&') || raw.contains('+') {
        words_into(&raw.replace(['&', '+'], " and "), &mut out);
    } else {
        words_into(raw, &mut out);
    }
    let all: Vec<&str> = out.split(' ').collect();
    let mut words = all.as_slice();
    if let ["the" | "die" | "der" | "la" | "le" | "les", rest @ ..] = words
        && !rest.is_empty()
    {
        words = rest;
    }
    while let Some(shorter) = without_legal_form(words) {
        words = shorter;
    }
    words.join(" ")
}

/// The words before a legal form at the end. A form may be several words: `sp z o o`, `gmbh and co kg`.
fn without_legal_form<'w>(words: &'w [&'w str]) -> Option<&'w [&'w str]> {
    (1..=5.min(words.len().saturating_sub(1))).rev().find_map(|n| {
        let (front, form) = words.split_at(words.len() - n);
        let form = form.concat();
        let form = form.replace("andco", "co");
        let ends_with_and = front.last().is_some_and(|word| *word == "and");
        LEGAL_FORMS.contains(&form.as_str()).then_some(match front {
            [rest @ .., _] if ends_with_and && !rest.is_empty() => rest,
            _ => front,
        })
    })
}

/// The digits of a phone number without extension, trunk zero and international prefix; `None` for
/// fewer than seven digits or for one digit repeated.
pub fn phone(raw: &str, out: &mut String) -> Option<()> {
    out.clear();
    let lower =
        raw.find(['x', 'X', 'e', 'E', '#', ';']).and_then(|at| raw.get(..at)).unwrap_or(raw);
    let mut rest = lower;
    while let Some((before, after)) = rest.split_once("(0)") {
        out.extend(before.chars().filter(char::is_ascii_digit));
        rest = after;
    }
    out.extend(rest.chars().filter(char::is_ascii_digit));
    let zeros = out.len() - out.trim_start_matches('0').len();
    out.drain(..zeros);
    let first = out.chars().next();
    if out.len() < 7 || out.len() > 15 || out.chars().all(|c| Some(c) == first) {
        out.clear();
        return None;
    }
    Some(())
}

/// True when two folded numbers are one: the shorter may lack the country's code.
pub fn same_phone(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    long.len() - short.len() <= 3 && long.ends_with(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Lists {
        let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Lists {
            role_mailboxes: set(&["info", "sales"]),
            free_mail: set(&["gmail.com", "gmx.de"]),
            plus_tags: set(&["gmail.com", "googlemail.com", "outlook.com"]),
            shared_domains: set(&["facebook.com", "github.io", "myhost.net", "sites.google.com"])
                .into_iter()
                .collect(),
            test_domains: set(&["example.com"]),
        }
    }

    #[track_caller]
    fn check_address(raw: &str, expected: Option<(&str, AddressStep)>) {
        let mut out = String::new();
        let step = address(raw, &lists(), &mut out);
        assert_eq!(step.map(|step| (out.as_str(), step)), expected, "{raw}");
    }

    #[test]
    fn addresses_fold_case_and_only_the_tags_their_provider_ignores() {
        use AddressStep::{AsWritten, Case, Dots, Tag, TagAndDots};
        check_address("ann@acme.com", Some(("ann@acme.com", AsWritten)));
        check_address(" Ann.Ng@ACME.com ", Some(("ann.ng@acme.com", Case)));
        check_address("<ann@acme.com>;", Some(("ann@acme.com", Case)));
        check_address("mailto:ann@acme.com", Some(("ann@acme.com", Case)));
        check_address("ann@acme.com.", Some(("ann@acme.com", Case)));
        check_address("ann+crm@acme.com", Some(("ann+crm@acme.com", AsWritten)));
        check_address("ann.ng+crm@outlook.com", Some(("ann.ng@outlook.com", Tag)));
        check_address("+crm@outlook.com", Some(("+crm@outlook.com", AsWritten)));
        check_address("ann.ng@gmail.com", Some(("annng@gmail.com", Dots)));
        check_address("Ann.Ng+x@googlemail.com", Some(("annng@gmail.com", TagAndDots)));
        check_address("Ann.Ng+x@Gmail.com", Some(("annng@gmail.com", TagAndDots)));
        check_address("ANN@MÜLLER.DE", Some(("ann@müller.de", Case)));
    }

    #[test]
    fn what_is_no_address_or_a_tests_has_no_key() {
        for raw in ["", "ann", "@acme.com", "ann@", "ann@acme", "a b@acme.com", "a@b@acme.com"] {
            check_address(raw, None);
        }
        check_address("ann@example.com", None);
        check_address("ann@mail.example.com", None);
        check_address("ann@.com", None);
    }

    #[test]
    fn a_role_mailbox_is_known_by_its_local_part() {
        assert!(is_role_mailbox("info@acme.com", &lists()));
        assert!(!is_role_mailbox("information@acme.com", &lists()));
    }

    #[track_caller]
    fn check_domain(raw: &str, expected: Option<&str>) {
        let mut out = String::new();
        let found = domain(raw, &mut out);
        assert_eq!(found.map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn a_domain_is_the_part_somebody_registered() {
        check_domain("acme.com", Some("acme.com"));
        check_domain("https://www.Acme.com/about?x=1#top", Some("acme.com"));
        check_domain("HTTP://shop.acme.co.uk:8080/", Some("acme.co.uk"));
        check_domain("//acme.de", Some("acme.de"));
        check_domain("ann@mail.acme.com.au", Some("acme.com.au"));
        check_domain("user:pw@acme.com", Some("acme.com"));
        check_domain("acme.github.io", Some("acme.github.io"));
        check_domain("www.müller.de.", Some("müller.de"));
        check_domain("acme.local", Some("acme.local"));
    }

    #[test]
    fn what_has_no_registrable_part_has_no_domain() {
        for raw in ["", "acme", "co.uk", "192.168.1.1", "https://", "a..b", "n/a", "acme com"] {
            check_domain(raw, None);
        }
    }

    #[track_caller]
    fn check_company_domain(raw: &str, expected: Option<&str>) {
        let mut out = String::new();
        let found = company_domain(raw, &lists(), &mut out);
        assert_eq!(found.map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn a_shared_domain_says_nothing_about_a_company() {
        check_company_domain("ann@acme.com", Some("acme.com"));
        check_company_domain("ann@gmail.com", None);
        check_company_domain("ann@example.com", None);
        check_company_domain("https://www.facebook.com/acme", None);
        check_company_domain("https://sites.google.com/acme", None);
        check_company_domain("acme.myhost.net", None);
        check_company_domain("google.com", Some("google.com"));
        check_company_domain("notfacebook.com", Some("notfacebook.com"));
        check_company_domain("acme.github.io", Some("acme.github.io"));
    }

    #[track_caller]
    fn check_name(first: &str, last: &str, expected: (&str, &str)) {
        let name = Name::fold(Some(first), Some(last));
        assert_eq!((name.first.as_str(), name.last.as_str()), expected, "{first} {last}");
    }

    #[test]
    fn names_fold_case_accents_titles_and_middle_initials() {
        check_name("ANN", " ng ", ("ann", "ng"));
        check_name("José", "Núñez", ("jose", "nunez"));
        check_name("Søren", "Weiß", ("soren", "weiss"));
        check_name("Łukasz", "Đorđević", ("lukasz", "dordevic"));
        check_name("Dr. Ann", "Ng, PhD", ("ann", "ng"));
        check_name("Randall F", "Houston Jr.", ("randall", "houston"));
        check_name("Seán", "O’Brien", ("sean", "obrien"));
        check_name("Anne-Marie", "Smith-Jones", ("anne marie", "smith jones"));
        check_name("M", "Shaffer", ("m", "shaffer"));
        check_name("", "Ng, Ann", ("ann", "ng"));
        check_name("", "Ann Ng", ("ann", "ng"));
        check_name("", "Ng", ("", "ng"));
        check_name("Dr", "Sr", ("dr", "sr"));
        check_name("雅", "陈", ("雅", "陈"));
    }

    #[test]
    fn a_names_key_survives_order_and_nicknames() {
        let key = |first, last| {
            let mut out = String::new();
            Name::fold(Some(first), Some(last)).key_into(&mut out).map(|()| out)
        };
        assert_eq!(key("Bob", "Miller"), key("Miller", "Robert J"));
        assert_ne!(key("Bob", "Miller"), key("Rob", "Muller"));
        assert_eq!(key("", "Miller"), None);
    }

    #[test]
    fn the_tables_are_sorted_and_have_no_chains() {
        assert!(NICKNAMES.is_sorted_by(|a, b| a.0 < b.0));
        for (short, full) in NICKNAMES {
            assert_eq!(full_form(full), *full, "{short}");
        }
    }

    #[track_caller]
    fn check_company(raw: &str, expected: &str) {
        assert_eq!(company(raw), expected, "{raw}");
    }

    #[test]
    fn company_names_fold_legal_forms_of_many_countries() {
        for raw in [
            "Acme",
            "ACME, Inc.",
            "The Acme Corporation",
            "Acme GmbH & Co. KG",
            "Acme G.m.b.H.",
            "Acme S.A.R.L.",
            "Acme Sp. z o.o.",
            "Acme S.p.A.",
            "Acme S.A. de C.V.",
            "Acme Pty Ltd",
            "Acme Sdn. Bhd.",
            "Acme Pvt. Ltd.",
            "Acme Private Limited",
            "Acme A/S",
            "Acme Oy Ab",
            "Acme K.K.",
            "Acme, s.r.o.",
            "Acme L.L.P.",
            "Acme & Co.",
        ] {
            check_company(raw, "acme");
        }
        check_company("Müller & Söhne AG", "muller and sohne");
        check_company("Company", "company");
        check_company("The Limited", "limited");
        check_company("SAP SE", "sap");
        check_company("AT&T Inc", "at and t");
        check_company("Acme (UK) Ltd", "acme uk");
    }

    #[track_caller]
    fn check_phone(raw: &str, expected: Option<&str>) {
        let mut out = String::new();
        let found = phone(raw, &mut out);
        assert_eq!(found.map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn phones_keep_their_significant_digits() {
        check_phone("+1 (707) 977-9960 x4423", Some("17079779960"));
        check_phone("+49 (0)30 7953130", Some("49307953130"));
        check_phone("030 7953130", Some("307953130"));
        check_phone("0049 30 7953130", Some("49307953130"));
        check_phone("707.977.9960 ext. 12", Some("7079779960"));
        check_phone("123", None);
        check_phone("000000000", None);
        check_phone("1111111111", None);
        check_phone("n/a", None);
    }

    #[test]
    fn a_number_without_its_countrys_code_is_the_same() {
        assert!(same_phone("49307953130", "307953130"));
        assert!(same_phone("17079779960", "7079779960"));
        assert!(!same_phone("17079779960", "7079779961"));
        assert!(!same_phone("4930795313012", "5313012"));
    }
}
