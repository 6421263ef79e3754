//! Folds mail addresses.
//!
//! Does not: ask whether a mailbox exists.

use std::sync::LazyLock;

use hashbrown::HashSet;

use super::fold::lower_into;
use super::web::is_below;
use super::{Lists, Step, Steps};

/// How an address was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The addresses behind the first of a cell that lists several, and all of those.
    First,
}

impl AddressStep {
    /// What folding two addresses changed between them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Tag, Self::Dots) | (Self::Dots, Self::Tag) => Self::TagAndDots,
            (one, other) => one.max(other),
        }
    }

    /// The step in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Case => "lower case, outer characters trimmed",
            Self::Tag => "lower case; +tag dropped, because this provider ignores it",
            Self::Dots => "lower case; dots dropped, because Gmail ignores them",
            Self::TagAndDots => "lower case; +tag and dots dropped, because Gmail ignores them",
            Self::First => {
                "the first of several addresses; lower case, without what its provider ignores"
            }
        }
    }
}

/// Folds a mail address into `out`. `None`, with `out` empty, when it is none or only a test's.
pub fn address(raw: &str, lists: &Lists, out: &mut String) -> Option<AddressStep> {
    out.clear();
    let (bare, is_first) = bare(raw);
    let (local, domain) = split(bare)?;
    lower_into(domain, out);
    if is_test(out, lists) {
        out.clear();
        return None;
    }
    let gmail = is_gmail(out);
    let kept = untagged(local, lists.plus_tags.contains(out.as_str()));
    let domain_is_lower = out == domain;
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
        _ if is_first => AddressStep::First,
        (true, true) => AddressStep::TagAndDots,
        (true, false) => AddressStep::Tag,
        (false, true) => AddressStep::Dots,
        (false, false) if domain_is_lower && local_is_lower && bare.len() == raw.len() => {
            AddressStep::AsWritten
        }
        (false, false) => AddressStep::Case,
    })
}

/// The addresses of a cell that lists several, as some CRMs write all of a person's into one; else the cell.
pub fn addresses(cell: &str) -> impl Iterator<Item = &str> {
    let parts = || cell.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    let is_list =
        cell.contains([',', ';']) && parts().nth(1).is_some() && parts().all(|it| it.contains('@'));
    let (one, several) = if is_list { (None, Some(parts())) } else { (Some(cell), None) };
    one.into_iter().chain(several.into_iter().flatten())
}

/// An address without what stands around it, and whether it is the first of several.
fn bare(raw: &str) -> (&str, bool) {
    let mut all = addresses(raw);
    let first = all.next().unwrap_or_default();
    let bare = first.trim().trim_matches(['<', '>', '"', '\'', ',', ';']);
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare).trim_end_matches('.');
    (bare, all.next().is_some())
}

/// The local part and the domain of what has the form of an address.
fn split(bare: &str) -> Option<(&str, &str)> {
    let (local, domain) = bare.split_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ']);
    (plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.'))
        .then_some((local, domain))
}

fn is_test(domain: &str, lists: &Lists) -> bool {
    lists.test_domains.contains(domain) || is_below(domain, &lists.test_domains)
}

/// What stands before a tag, where the provider ignores tags.
fn untagged(local: &str, ignores_tags: bool) -> &str {
    match local.split_once('+') {
        Some((before, _)) if ignores_tags && !before.is_empty() => before,
        _ => local,
    }
}

/// True for an address, already folded, that several people read.
pub fn is_role_mailbox(address: &str, lists: &Lists) -> bool {
    address.split_once('@').is_some_and(|(local, _)| lists.role_mailboxes.contains(local))
}

/// An address, folded and told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// What stands before the at sign.
    pub local: String,
    /// What follows it; a mail provider's misspelt domain is read as the provider's.
    pub domain: String,
}

impl Mail {
    /// Folds into an address that exists. `None`, with both parts empty, when it is none or a test's.
    pub fn refold(&mut self, raw: &str, lists: &Lists) -> Option<Steps> {
        self.local.clear();
        self.domain.clear();
        let (bare, is_first) = bare(raw);
        let (local, domain) = split(bare)?;
        lower_into(domain, &mut self.domain);
        let mut steps = Steps::NONE;
        if self.domain != domain {
            steps |= Step::Case;
        }
        if is_first {
            steps |= Step::First;
        } else if bare.len() != raw.len() {
            steps |= Step::Punctuation;
        }
        if let Some(provider) = misspelt_provider(&self.domain, lists) {
            self.domain.clear();
            self.domain.push_str(provider);
            steps |= Step::Provider;
        }
        if is_test(&self.domain, lists) {
            self.domain.clear();
            return None;
        }
        let tagged = lists.plus_tags.contains(self.domain.as_str());
        let kept = untagged(local, tagged);
        if kept.len() < local.len() {
            steps |= Step::Tag;
        }
        lower_into(kept, &mut self.local);
        if self.local != kept {
            steps |= Step::Case;
        }
        if is_gmail(&self.domain) {
            if self.local.contains('.') {
                self.local.retain(|c| c != '.');
                steps |= Step::Dots;
            }
            "gmail.com".clone_into(&mut self.domain);
        }
        Some(steps)
    }

    /// True when there is no address.
    pub fn is_blank(&self) -> bool {
        self.local.is_empty()
    }
}

/// Mail providers whose domains are often misspelt. Short names are left out: a letter apart from
/// `aol.com` or `live.com` stands somebody else's company.
const OFTEN_MISSPELT: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.co.in",
    "yahoo.com.br",
    "yahoo.fr",
    "yahoo.de",
    "yahoo.es",
    "yahoo.it",
    "yahoo.ca",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.fr",
    "hotmail.de",
    "hotmail.es",
    "hotmail.it",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "outlook.es",
    "icloud.com",
    "protonmail.com",
    "comcast.net",
    "verizon.net",
    "sbcglobal.net",
    "bellsouth.net",
    "rediffmail.com",
    "btinternet.com",
    "wanadoo.fr",
    "laposte.net",
    "bigpond.com",
    "t-online.de",
    "earthlink.net",
    "rocketmail.com",
    "charter.net",
    "optonline.net",
    "freenet.de",
    "virgilio.it",
    "tiscali.it",
];

/// Other domains that are right as they stand although a letter away from one of those.
const NEIGHBOURS: &[&str] = &[
    "ymail.com",
    "email.com",
    "mail.com",
    "cloud.com",
    "yahoo.co",
    "gmail.de",
    "fmail.com",
    "hmail.com",
    "zmail.com",
    "umail.com",
    "kmail.com",
    "gmx.com",
    "yahoo.in",
    "yahoo.at",
    "yahoo.se",
    "yahoo.dk",
    "yahoo.nl",
    "yahoo.be",
    "yahoo.pl",
    "yahoo.gr",
    "yahoo.ro",
    "yahoo.ie",
    "yahoo.no",
    "hotmail.nl",
    "hotmail.se",
    "hotmail.be",
    "hotmail.dk",
    "hotmail.gr",
    "hotmail.ch",
    "yahoo.ch",
    "yahoo.cl",
    "outlook.it",
    "outlook.pt",
    "outlook.be",
    "outlook.dk",
    "outlook.cl",
    "outlook.ie",
    "outlook.sa",
    "outlook.in",
    "outlook.jp",
    "outlook.kr",
    "outlook.at",
    "outlook.cz",
    "outlook.hu",
    "yahoo.cz",
];

static KNOWN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| OFTEN_MISSPELT.iter().chain(NEIGHBOURS).copied().collect());

/// The provider whose domain this is with one letter wrong, missing, too many or two exchanged.
///
/// Only the name is corrected, or the ending of `.com`: another country's ending is another domain.
fn misspelt_provider(domain: &str, lists: &Lists) -> Option<&'static str> {
    if domain.len() > 17 || domain.len() < 6 || KNOWN.contains(domain) {
        return None;
    }
    let provider = OFTEN_MISSPELT
        .iter()
        .copied()
        .find(|provider| begins_alike(domain, provider) && is_misspelling(domain, provider))?;
    (!lists.free_mail.contains(domain)).then_some(provider)
}

/// A quick look: one slip leaves one of the first two letters where it was or moves it by one.
fn begins_alike(domain: &str, provider: &str) -> bool {
    let ([a, b, ..], [x, y, ..]) = (domain.as_bytes(), provider.as_bytes()) else { return false };
    domain.len().abs_diff(provider.len()) <= 1 && (a == x || b == y || a == y || b == x)
}

fn is_misspelling(domain: &str, provider: &str) -> bool {
    let (typed, right) = (domain.split_once('.'), provider.split_once('.'));
    let (Some((typed, typed_end)), Some((right, right_end))) = (typed, right) else { return false };
    if typed_end == right_end {
        return is_one_slip(typed, right);
    }
    // `.co`, `.cm` and `.om` are endings of countries where none of these has a domain.
    typed == right
        && right_end == "com"
        && (typed_end.len() != 2 || matches!(typed_end, "co" | "cm" | "om"))
        && is_one_slip(typed_end, right_end)
}

/// True when one letter was added, left out, replaced, or two neighbours were exchanged.
fn is_one_slip(typed: &str, right: &str) -> bool {
    let (typed, right) = (typed.as_bytes(), right.as_bytes());
    let same = typed.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (typed, right) = (typed.get(same..), right.get(same..));
    let (Some([t, typed @ ..]), Some([r, right @ ..])) = (typed, right) else {
        // One of them ends here: the other may have one letter more.
        return typed.map_or(0, <[u8]>::len) + right.map_or(0, <[u8]>::len) == 1;
    };
    let exchanged =
        || typed.first() == Some(r) && right.first() == Some(t) && typed.get(1..) == right.get(1..);
    let left_out = || right.first() == Some(t) && right.get(1..) == Some(typed);
    let added = || typed.first() == Some(r) && typed.get(1..) == Some(right);
    typed == right || left_out() || added() || exchanged()
}

fn is_gmail(domain: &str) -> bool {
    matches!(domain, "gmail.com" | "googlemail.com")
}

#[cfg(test)]
mod tests {
    use super::super::lists;
    use super::*;

    #[track_caller]
    fn check_address(raw: &str, expected: Option<(&str, AddressStep)>) {
        let mut out = String::new();
        let step = address(raw, &lists(), &mut out);
        assert_eq!(step.map(|step| (out.as_str(), step)), expected, "{raw}");
    }

    #[test]
    fn of_several_addresses_in_a_cell_the_first_is_read() {
        for cell in [
            "Ann.Ng@Acme.com, ann@home.org",
            "ann.ng@acme.com;ann@home.org,a.ng@work.net",
            " ann.ng@acme.com ; ann@home.org; ",
        ] {
            check_address(cell, Some(("ann.ng@acme.com", AddressStep::First)));
            let mut mail = Mail::default();
            let steps = mail.refold(cell, &lists()).unwrap();
            assert!(steps.has(Step::First) && !steps.has(Step::Punctuation), "{cell}");
        }
        // One address with a sign too much stays one, and what is no address makes no list.
        check_address("ann.ng@acme.com,", Some(("ann.ng@acme.com", AddressStep::Case)));
        for cell in
            ["Ng, ann.ng@acme.com", "ann.ng@acme.com, Ann", "ann.ng@acme.com / ann@home.org"]
        {
            assert_eq!(addresses(cell).collect::<Vec<_>>(), [cell]);
            check_address(cell, None);
        }
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
    fn check_provider(domain: &str, expected: Option<&str>) {
        assert_eq!(misspelt_provider(domain, &lists()), expected, "{domain}");
    }

    #[test]
    fn a_slip_in_a_providers_domain_is_read_as_the_provider() {
        for domain in [
            "gmial.com",
            "gmai.com",
            "gmaill.com",
            "gmali.com",
            "gnail.com",
            "gmail.con",
            "gmail.co",
            "gmail.cm",
            "gmail.om",
            "gamil.com",
            "ggmail.com",
            "gmail.comm",
        ] {
            check_provider(domain, Some("gmail.com"));
        }
        check_provider("hotmial.com", Some("hotmail.com"));
        check_provider("yaho.com", Some("yahoo.com"));
        check_provider("yahooo.co.uk", Some("yahoo.co.uk"));
        check_provider("outlok.com", Some("outlook.com"));
        check_provider("iclould.com", Some("icloud.com"));
    }

    #[test]
    fn what_is_right_as_it_stands_is_not_corrected() {
        for domain in [
            "gmail.com",
            "ymail.com",
            "mail.com",
            "email.com",
            "cloud.com",
            "ao.com",
            "olive.com",
            "hotmail.nl",
            "yahoo.ch",
            "gmx.de",
            "acme.com",
            "gmail.acme.com",
            "outlook.org",
        ] {
            check_provider(domain, None);
        }
    }

    #[test]
    fn an_address_is_told_apart() {
        let mut mail = Mail::default();
        let steps = mail.refold("Ann.Ng+x@gmial.com", &lists());
        assert_eq!((mail.local.as_str(), mail.domain.as_str()), ("annng", "gmail.com"));
        let expected = [Step::Case, Step::Dots, Step::Tag, Step::Provider].into_iter().collect();
        assert_eq!(steps, Some(expected));
        assert_eq!(mail.refold("ann@acme.com", &lists()), Some(Steps::NONE));
        assert_eq!(mail.refold("ann@example.com", &lists()), None);
        assert!(mail.is_blank() && mail.domain.is_empty());
    }
}
