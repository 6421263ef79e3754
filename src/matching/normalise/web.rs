//! Folds websites, host names and the domains of mail addresses.
//!
//! Does not: ask the network. What can be registered is what the public suffix list says.

use hashbrown::HashSet;

use super::Lists;
use super::fold::lower_into;

/// Folds a website, host name or mail address into its registrable domain, by the public suffix list.
/// `None`, with `out` empty, when there is none.
pub fn domain(raw: &str, out: &mut String) -> Option<()> {
    host(raw, out)?;
    keep_registrable(out)
}

/// A registrable domain's own label: `acme` of `acme.co.uk`; what a company's name may be compared with.
pub fn own_label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or_default()
}

/// The own label of a company's name that is a domain (`Acme.com`); `None` for any other name.
pub fn website_label(name: &str) -> Option<&str> {
    let bare = name.trim();
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let (front, ending) = bare.rsplit_once('.')?;
    if front.len() < 3 || !(2..=4).contains(&ending.len()) || !bare.chars().all(is_host) {
        return None;
    }
    let lower = bare.to_ascii_lowercase();
    psl::suffix(lower.as_bytes()).filter(psl::Suffix::is_known)?;
    let www = bare.get(..4).filter(|start| start.eq_ignore_ascii_case("www."));
    Some(own_label(bare.get(www.map_or(0, str::len)..)?)).filter(|label| !label.is_empty())
}

/// The registrable domain of a website or mail address where it says which company it is: `None` for
/// mail providers, for domains that many companies share, and for test domains.
pub fn company_domain(raw: &str, lists: &Lists, out: &mut String) -> Option<()> {
    host(raw, out)?;
    let shared = longest_shared(out, lists);
    keep_registrable(out)?;
    // A page whose own name can be registered (acme.github.io) belongs to one company; a path or a
    // plain subdomain of a shared domain does not say whose it is.
    let known = |list: &HashSet<String>| list.contains(out.as_str());
    if shared.is_some_and(|shared| out.len() <= shared)
        || known(&lists.free_mail)
        || known(&lists.test_domains)
    {
        out.clear();
        return None;
    }
    Some(())
}

/// The length of the longest shared domain that a host is or stands below.
fn longest_shared(host: &str, lists: &Lists) -> Option<usize> {
    let parents = host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..));
    std::iter::once(host)
        .chain(parents)
        .find(|part| lists.shared_domains.contains(*part))
        .map(str::len)
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
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !rest.contains('.') || rest.contains("..") || !rest.chars().all(is_host) || is_number(rest) {
        return None;
    }
    lower_into(rest, out);
    Some(())
}

/// True for an address of four numbers.
fn is_number(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
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

/// True when a host stands below one of the domains.
pub(super) fn is_below(host: &str, domains: &HashSet<String>) -> bool {
    host.match_indices('.')
        .any(|(at, _)| host.get(at + 1..).is_some_and(|parent| domains.contains(parent)))
}

#[cfg(test)]
mod tests {
    use super::super::lists;
    use super::*;

    #[test]
    fn the_label_of_a_domain_is_without_its_suffix() {
        assert_eq!(own_label("acme.co.uk"), "acme");
        assert_eq!(own_label(""), "");
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
}
