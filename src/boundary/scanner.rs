//! Finds secrets, card numbers and national ids inside allowed fields, so that they can be withheld.
//!
//! Only patterns with a named issuer or a checksum count: a guess would withhold order numbers.
//! Does not: keep, print or return what it found; the caller learns what it looks like, nothing else.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::Kind;
use super::glance::{Glance, seen};

/// Credentials with a recognisable form, and what to call them.
const CREDENTIALS: [(&str, &str); 20] = [
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key"),
    (r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{22}", "a GitHub token"),
    (r"\bglpat-[A-Za-z0-9_-]{20}", "a GitLab token"),
    (r"\bxox[abeprs]-[A-Za-z0-9-]{10}", "a Slack token"),
    (r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}", "a Stripe key"),
    (r"\bAIza[0-9A-Za-z_-]{35}", "a Google API key"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8}", "a signed token"),
    (r"\bpat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-", "a HubSpot token"),
    (r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{20}", "a Salesforce session"),
    (r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20}", "an API key"),
    (r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16}", "a SendGrid key"),
    (r"\bSK[0-9a-f]{32}\b", "a Twilio key"),
    (r"\bnpm_[A-Za-z0-9]{36}", "an npm token"),
    (r"AccountKey=[A-Za-z0-9+/=]{40}", "an Azure key"),
    (r"\b(?i:bearer)\s+[A-Za-z0-9._~+/-]{20}", "an access token"),
    (r"(?i)\b(?:api|access|secret)[ _-]?(?:key|token)\s*[:=]\s*\S{8}", "an API key"),
    (
        r"(?i)\b(?:password|passwd|pwd|passphrase|passwort|kennwort|mot de passe|contraseña|senha)\s*[:=]\s*\S{4}",
        "a password",
    ),
    (r"://[^/\s:@]+:[^/\s:@]+@", "a password in an address"),
];

static CREDENTIAL_SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(CREDENTIALS.map(|(pattern, _)| pattern)).ok());

/// What a value looks like, if it looks like something that must not be kept. `glance` is at `text`.
pub(super) fn find(text: &str, kind: Kind, glance: Glance) -> Option<&'static str> {
    let credential = if may_hold_credential(text, glance) { credential(text) } else { None };
    credential.or_else(|| if glance.any(seen::DIGIT) { number(text, kind) } else { None })
}

fn credential(text: &str) -> Option<&'static str> {
    let first = CREDENTIAL_SET.as_ref()?.matches(text).iter().next()?;
    CREDENTIALS.get(first).map(|(_, name)| *name)
}

/// False when no pattern can match, which is cheaper to tell and the rule. Of the patterns,
/// - those of a name and its secret, and of an address, hold a colon or an equals sign;
/// - those of private keys and of Slack hold a hyphen and one of two words;
/// - all others hold a word of at least [`SHORTEST_KEY`] bytes, with a capital, an underscore or a
///   hyphen in it, or with a space before it.
fn may_hold_credential(text: &str, glance: Glance) -> bool {
    // The colon of a scheme is behind no name of a secret, and needs another one for a password.
    let body = || {
        text.split_once("://").map_or(text, |(scheme, body)| match scheme {
            "http" | "https" => body,
            _ => text,
        })
    };
    glance.any(seen::SIGN) && memchr::memchr2(b':', b'=', body().as_bytes()).is_some()
        || glance.any(seen::DASH) && (text.contains("xox") || text.contains("-----BEGIN"))
        || long_words(text.as_bytes()).any(|word| {
            glance.any(seen::SPACE | seen::HIGH)
                || word.iter().any(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-'))
        })
}

/// The longest stretches of bytes of keys, where they have at least [`SHORTEST_KEY`] bytes.
fn long_words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    std::iter::from_fn(move || {
        loop {
            // Looked at from its end, most of a text that is too short need not be looked at.
            let shortest = text.get(start..start + SHORTEST_KEY)?;
            if let Some(break_at) = shortest.iter().rposition(|byte| !is_of_key(*byte)) {
                start += break_at + 1;
                continue;
            }
            let rest = text.get(start..)?;
            let end = rest.iter().position(|byte| !is_of_key(*byte)).unwrap_or(rest.len());
            start += end;
            return rest.get(..end);
        }
    })
}

/// The fewest bytes of a key that is not told by its first letters alone: an AWS key has so many.
const SHORTEST_KEY: usize = 20;

/// Whether the byte can stand within a key of any issuer.
fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'!' | b'+' | b'/' | b'~')
}

/// What the digits of a value look like: in ids they are chance.
fn number(text: &str, kind: Kind) -> Option<&'static str> {
    if kind == Kind::Id || text.len() < 9 {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 9 && text.contains('-') && has_social_security_number(text) {
        return Some("a US social security number");
    }
    if matches!(kind, Kind::Phone | Kind::Web) {
        return None;
    }
    if digits >= 7
        && let Some(name) = national_id(text)
    {
        return Some(name);
    }
    if digits < 12 {
        return None;
    }
    if has_card_number(text) {
        return Some("a payment card number");
    }
    if has_iban(text) {
        return Some("a bank account number (IBAN)");
    }
    has_insee_number(text).then_some("a French social security number")
}

/// Groups of digits with one kind of gap between them, as people write one number: `4111 1111 1111 1111`
/// or `123-45-6789`. Nothing is copied: it may be what must not be kept.
struct Number<'t> {
    /// From the first digit to the last.
    text: &'t [u8],
    gap: Option<Gap>,
    /// The byte before it, or before all groups that stand before it.
    before: Option<u8>,
}

/// What stands between two groups of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// One or two spaces.
    Space,
    /// A hyphen.
    Dash,
}

impl Gap {
    /// The gap at a place, if digits follow, and where they begin.
    fn at(text: &[u8], at: usize) -> Option<(Self, usize)> {
        let rest = text.get(at..)?;
        let (gap, length) = if rest.first() == Some(&b'-') {
            (Self::Dash, 1)
        } else {
            let one = space(rest)?;
            (Self::Space, one + space(rest.get(one..)?).unwrap_or_default())
        };
        rest.get(length).is_some_and(u8::is_ascii_digit).then_some((gap, at + length))
    }
}

/// The length of the space that a text begins with: also of one that breaks no line, or is a narrow one.
fn space(text: &[u8]) -> Option<usize> {
    match text {
        [b' ', ..] => Some(1),
        [0xC2, 0xA0, ..] => Some(2),
        [0xE2, 0x80, 0x87 | 0x89 | 0xAF, ..] => Some(3),
        _ => None,
    }
}

impl Number<'_> {
    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> + Clone {
        self.text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
    }

    /// The value of its first digits.
    fn prefix(&self, digits: usize) -> u64 {
        value(self.digits().take(digits))
    }

    fn has_groups(&self, lengths: &[usize]) -> bool {
        let groups = self.text.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len);
        groups.filter(|length| *length > 0).eq(lengths.iter().copied())
    }

    fn is_behind(&self, is_of_more: impl Fn(u8) -> bool) -> bool {
        self.before.is_some_and(is_of_more)
    }
}

fn value(digits: impl Iterator<Item = u8>) -> u64 {
    digits.fold(0, |value, digit| value * 10 + u64::from(digit))
}

/// The most groups that a number of a known kind is written in.
const MOST_GROUPS: usize = 7;

/// Whether any number in a text is what is asked. Behind a card stand its expiry and its code, before it an
/// order's number: so of groups with spaces between them any that follow one another may be one number.
/// With hyphens all of them are one, and no part is.
fn any_number(text: &str, is_it: impl Fn(&Number<'_>) -> bool) -> bool {
    let text = text.as_bytes();
    let mut last_end = None;
    let mut before = None;
    loop {
        let gap = last_end.and_then(|end| Gap::at(text, end));
        let Some(start) =
            gap.map(|(_, start)| start).or_else(|| next_digit(text, last_end.unwrap_or_default()))
        else {
            return false;
        };
        let mut end = end_of_digits(text, start);
        last_end = Some(end);
        before = match gap {
            None => start.checked_sub(1).and_then(|at| text.get(at)).copied(),
            Some(_) => before.filter(|byte| *byte == b'+').or(Some(b' ')),
        };
        if matches!(gap, Some((Gap::Dash, _))) {
            continue;
        }
        let mut within = None;
        for _ in 0..MOST_GROUPS {
            let next = Gap::at(text, end);
            let is_part = within != Some(Gap::Space) && matches!(next, Some((Gap::Dash, _)));
            let number =
                Number { text: text.get(start..end).unwrap_or_default(), gap: within, before };
            if !is_part && is_it(&number) {
                return true;
            }
            match next {
                Some((gap, from)) if within.is_none_or(|within| within == gap) => {
                    within = Some(gap);
                    end = end_of_digits(text, from);
                }
                Some(_) | None => break,
            }
        }
    }
}

/// The first digit at a place or behind it.
fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    Some(from + text.get(from..)?.iter().position(u8::is_ascii_digit)?)
}

/// Where the digits that begin at a place end.
fn end_of_digits(text: &[u8], start: usize) -> usize {
    let group = text.get(start..).unwrap_or_default();
    start + group.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(group.len())
}

/// Dashes only: with spaces or dots such groups are mostly something else.
fn has_social_security_number(text: &str) -> bool {
    any_number(text, |number| {
        number.gap == Some(Gap::Dash)
            && number.has_groups(&[3, 2, 4])
            && !matches!(number.prefix(3), 0 | 666 | 900..)
            && value(number.digits().skip(3).take(2)) != 0
            && value(number.digits().skip(5)) != 0
            && !number.is_behind(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })
}

/// A known brand's prefix and length, the usual grouping, and the Luhn digit.
fn has_card_number(text: &str) -> bool {
    any_number(text, |number| {
        let prefix = |digits| number.prefix(digits);
        let length = number.digits().count();
        let brand = match length {
            15 => matches!(prefix(2), 34 | 37),
            14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38),
            16 => {
                prefix(1) == 4
                    || matches!(prefix(2), 51..=55 | 65)
                    || matches!(prefix(4), 2_221..=2_720 | 3_528..=3_589 | 6_011)
            }
            _ => false,
        };
        let grouped = [&[length][..], &[4, 4, 4, 4], &[4, 6, 4], &[4, 6, 5]]
            .iter()
            .any(|lengths| number.has_groups(lengths));
        let free = !number
            .is_behind(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'+'));
        brand && grouped && free && luhn(number.digits())
    })
}

fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit) << (at % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The most characters of a bank account number, without spaces.
const LONGEST_IBAN: usize = 34;

/// The countries that have bank account numbers of ISO 13616, by their length.
const IBANS: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// Two letters of a country, two check digits, as many more as that country has, and the remainder 1 of
/// ISO 13616; in capitals or not, with spaces or hyphens between groups.
fn has_iban(text: &str) -> bool {
    let starts = text.char_indices().filter(|(at, c)| {
        let before = text.get(..*at).unwrap_or_default();
        let labelled = before
            .len()
            .checked_sub(4)
            .and_then(|at| before.get(at..))
            .is_some_and(|label| label.eq_ignore_ascii_case("iban"));
        c.is_ascii_alphabetic() && (labelled || !before.ends_with(|c: char| c.is_alphanumeric()))
    });
    starts.map(|(at, _)| text.get(at..).unwrap_or_default()).any(begins_with_iban)
}

fn begins_with_iban(text: &str) -> bool {
    let length = text.get(..2).and_then(|country| {
        IBANS
            .iter()
            .find(|(_, countries)| countries.split(' ').any(|it| it.eq_ignore_ascii_case(country)))
    });
    let Some(&(length, _)) = length else { return false };
    // On the stack, which is overwritten, and not on the heap.
    let mut compact = [0; LONGEST_IBAN];
    let mut filled = 0;
    let mut rest = text.chars();
    while filled < length {
        let Some(c) = rest.next() else { return false };
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii_alphanumeric() => {
                if let Some(place) = compact.get_mut(filled) {
                    *place = byte.to_ascii_uppercase();
                }
                filled += 1;
            }
            Ok(b'-') => {}
            _ if space(c.encode_utf8(&mut [0; 4]).as_bytes()).is_some() => {}
            _ => return false,
        }
    }
    !rest.as_str().starts_with(char::is_alphanumeric) && compact.get(..length).is_some_and(is_iban)
}

fn is_iban(iban: &[u8]) -> bool {
    let (Some(head), Some(tail)) = (iban.get(..4), iban.get(4..)) else { return false };
    let shaped = head.iter().take(2).all(u8::is_ascii_uppercase)
        && head.iter().skip(2).all(u8::is_ascii_digit)
        && tail.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 > tail.len();
    shaped
        && tail.iter().chain(head).fold(0_u32, |rest, byte| {
            if byte.is_ascii_digit() {
                (rest * 10 + u32::from(byte - b'0')) % 97
            } else {
                (rest * 100 + u32::from(byte - b'A') + 10) % 97
            }
        }) == 1
}

/// Fifteen digits: sex, birth month, place, order, and a check of two digits modulo 97.
fn has_insee_number(text: &str) -> bool {
    any_number(text, |number| {
        let part = |from: usize, to: usize| value(number.digits().skip(from).take(to - from));
        (number.has_groups(&[15])
            || number.has_groups(&[13, 2])
            || number.has_groups(&[1, 2, 2, 2, 3, 3, 2]))
            && matches!(part(0, 1), 1 | 2)
            && matches!(part(3, 5), 1..=12)
            && 97 - part(0, 13) % 97 == part(13, 15)
    })
}

/// A national id as it is written, whether its check digits or letter are right, and what to call it.
type NationalId = (&'static str, fn(&[u8]) -> bool, &'static str);

/// Those whose writing or check is strong: a bare row of digits may be anybody's order number.
const NATIONAL_IDS: [NationalId; 5] = [
    (
        r"(?:[0-9]{8}|[0-9]{2}\.[0-9]{3}\.[0-9]{3}|[XYZ]-?[0-9]{7})-?[A-Z]",
        is_spanish,
        "a Spanish national id",
    ),
    (
        r"(?i:[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z])",
        is_italian,
        "an Italian tax code",
    ),
    (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", is_brazilian, "a Brazilian national id"),
    (r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", is_swiss, "a Swiss social security number"),
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", is_belgian, "a Belgian national id"),
];

static NATIONAL_ID_PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    NATIONAL_IDS.iter().filter_map(|(pattern, ..)| Regex::new(pattern).ok()).collect()
});

/// Whether any can be there: told cheaply, and rarely true of a number.
static NATIONAL_ID_SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(NATIONAL_IDS.map(|(pattern, ..)| pattern)).ok());

fn national_id(text: &str) -> Option<&'static str> {
    // All of them have a letter or two points; and a word without signs, as ids are, is one as a whole.
    let shaped = |byte: u8| byte.is_ascii_alphabetic() || byte == b'.';
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !text.bytes().any(shaped)
        || is_word && !matches!(text.len(), 9 | 16)
        || !NATIONAL_ID_SET.as_ref()?.is_match(text)
    {
        return None;
    }
    let bytes = text.as_bytes();
    // Part of a longer code it is none.
    let is_more = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_/+".contains(byte))
    };
    NATIONAL_ID_PATTERNS.iter().zip(NATIONAL_IDS).find_map(|(pattern, (_, is_right, name))| {
        let found = pattern.find_iter(text).any(|found| {
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            !is_more(before)
                && !is_more(bytes.get(found.end()))
                && is_right(found.as_str().as_bytes())
        });
        found.then_some(name)
    })
}

/// The digits of an id as it is written.
fn digits_of(id: &[u8]) -> impl Iterator<Item = u8> + Clone {
    id.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
}

/// The letter is the number modulo 23; that of a foreigner begins with X, Y or Z for 0, 1 or 2.
fn is_spanish(id: &[u8]) -> bool {
    let first = match id.first() {
        Some(b'Y') => 1,
        Some(b'Z') => 2,
        _ => 0,
    };
    let digits = digits_of(id);
    let number = first * 10_000_000 + value(digits.clone());
    // A day and a letter make a version.
    let (month, day) = (value(digits.clone().skip(4).take(2)), value(digits.clone().skip(6)));
    let is_day = digits.count() == 8
        && (1900..2100).contains(&(number / 10_000))
        && (1..=12).contains(&month)
        && (1..=31).contains(&day);
    let letter =
        usize::try_from(number % 23).ok().and_then(|at| b"TRWAGMYFPDXBNJZSQVHLCKE".get(at));
    !is_day && letter == id.last()
}

/// What the characters at the first, third, fifth place count, of digits and letters alike.
const ITALIAN_ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// The last letter is the sum of the others modulo 26.
fn is_italian(id: &[u8]) -> bool {
    let worth = |byte: &u8| {
        u32::from(if byte.is_ascii_digit() {
            byte - b'0'
        } else {
            byte.to_ascii_uppercase() - b'A'
        })
    };
    let counts = |(at, byte): (usize, &u8)| match at % 2 {
        0 => usize::try_from(worth(byte))
            .ok()
            .and_then(|at| ITALIAN_ODD.get(at))
            .copied()
            .unwrap_or_default(),
        _ => worth(byte),
    };
    let sum: u32 = id.iter().take(15).enumerate().map(counts).sum();
    id.last().is_some_and(|last| worth(last) == sum % 26)
}

/// Two check digits modulo 11; those of one digit alone are nobody's.
fn is_brazilian(id: &[u8]) -> bool {
    let digits = digits_of(id);
    let check = |length: usize| {
        let weighted = digits.clone().take(length).zip((2..=length as u64 + 1).rev());
        weighted.map(|(digit, weight)| u64::from(digit) * weight).sum::<u64>() * 10 % 11 % 10
    };
    let is = |at: usize| digits.clone().nth(at).is_some_and(|digit| u64::from(digit) == check(at));
    let first = digits.clone().next();
    is(9) && is(10) && digits.clone().any(|digit| Some(digit) != first)
}

/// The check digit of EAN-13.
fn is_swiss(id: &[u8]) -> bool {
    let sum: u64 = digits_of(id)
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u64::from(digit) * weight)
        .sum();
    sum.is_multiple_of(10)
}

/// The last two digits are what nine others lack of a multiple of 97; with a 2 before those who were born
/// since 2000.
fn is_belgian(id: &[u8]) -> bool {
    let (number, check) = (value(digits_of(id).take(9)), value(digits_of(id).skip(9)));
    [number, 2_000_000_000 + number].iter().any(|number| 97 - number % 97 == check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, kind: Kind) -> Option<&'static str> {
        find(text, kind, Glance::at(text))
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(found(text, Kind::Text), expected, "{text}");
    }

    #[test]
    fn credentials_are_found() {
        // Put together here so that no scanner takes this file for a leak.
        let word = |head: &str, tail: &str| format!("{head}{tail}");
        check(&word("key AKIA", "IOSFODNN7EXAMPLE"), Some("an AWS access key"));
        check(&word("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"), Some("a GitHub token"));
        check(&word("xoxb-", "1234567890-abcdefghij"), Some("a Slack token"));
        check(&word("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"), Some("a Stripe key"));
        check(
            &word("eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0NSJ9.SflKxwRJSMeKKF2QT4"),
            Some("a signed token"),
        );
        check(&word("-----BEGIN RSA ", "PRIVATE KEY-----"), Some("a private key"));
        check(&word("pat-na1-", "1a2b3c4d-1111-2222-3333-444455556666"), Some("a HubSpot token"));
        check(
            &word("00Dxx0000001gPL!", "AR8AQJXg5oj8jXSgxJfA0lBog39l2ecm"),
            Some("a Salesforce session"),
        );
        check(&word("AKIA", "QWERTYUIOPASDFGH"), Some("an AWS access key"));
        check("password: hunter22", Some("a password"));
        check("Passwort=geheim1", Some("a password"));
        check("https://ann:pa55word@intranet.acme.de", Some("a password in an address"));
    }

    #[test]
    fn numbers_of_people_and_cards_are_found() {
        check("4111 1111 1111 1111", Some("a payment card number"));
        check("card 5500-0000-0000-0004", Some("a payment card number"));
        check("378282246310005", Some("a payment card number"));
        check("078-05-1120", Some("a US social security number"));
        check("DE89 3704 0044 0532 0130 00", Some("a bank account number (IBAN)"));
        check("pay to GB82WEST12345698765432 now", Some("a bank account number (IBAN)"));
        check("1 84 12 76 451 089 46", Some("a French social security number"));
    }

    #[test]
    fn numbers_are_found_as_people_write_them() {
        for card in [
            "5555 5555 5555 4444 12/27",
            "5555555555554444 1227",
            "4111 1111 1111 1111 123",
            "4111-1111-1111-1111 12/27",
            "order 17 4111 1111 1111 1111",
            "order A17 4111 1111 1111 1111",
            "2026-11-23 4111 1111 1111 1111",
            "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            "4111\u{202f}1111\u{202f}1111\u{202f}1111",
            "4111  1111  1111  1111",
            "3782 822463 10005 1234",
        ] {
            check(card, Some("a payment card number"));
        }
        for iban in [
            "de89 3704 0044 0532 0130 00",
            "De89370400440532013000",
            "DE89-3704-0044-0532-0130-00",
            "DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00",
            "IBAN:DE89370400440532013000",
            "IBANDE89370400440532013000",
            "DE89 3704 0044 0532 0130 00 until May",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
            "NO93 8601 1117 947",
        ] {
            check(iban, Some("a bank account number (IBAN)"));
        }
        check("078-05-1120 12/27", Some("a US social security number"));
    }

    #[test]
    fn national_ids_with_a_check_are_found() {
        for (text, name) in [
            ("12345678Z", "a Spanish national id"),
            ("DNI 12.345.678-Z", "a Spanish national id"),
            ("X1234567L", "a Spanish national id"),
            ("RSSMRA85T10A562S", "an Italian tax code"),
            ("cf rssmra85t10a562s", "an Italian tax code"),
            ("529.982.247-25", "a Brazilian national id"),
            ("AHV 756.9217.0769.85", "a Swiss social security number"),
            ("85.07.30-033.28", "a Belgian national id"),
        ] {
            check(text, Some(name));
            assert_eq!(found(text, Kind::Id), None, "{text}");
        }
        for text in [
            "12345678A",
            "20260513H",
            "QA-12345678Z",
            "12345678Z-2",
            "ES12345678Z",
            "12345678z",
            "RSSMRA85T10A562T",
            "529.982.247-26",
            "111.111.111-11",
            "756.9217.0769.86",
            "85.07.30-033.29",
            "44051401359",
            "DE136695976",
            "1.234.567-89",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn ordinary_values_are_left_alone() {
        for text in [
            "4111-1111-1111-1111-0001",
            "0001-4111-1111-1111-1111",
            "+49 30 4111 1111 1111 1111",
            "de89 3704 0044 0532 0130 01",
            "at the 2026 11 23 00 00 12 34",
            "SE12-2026-1123-0004-0005-0006",
            "2026-11-23 10:15:00 2026-11-24 11:30:00",
            "12 34 56 78 90 12 34 56",
            "Müller & Söhne GmbH",
            "4111 1111 1111 1112",
            "4111.1111.1111.1111",
            "10.1000/4111111111111111",
            "+49 30 1234567890123",
            "order 2026-11-23-000451",
            "000-12-3456",
            "987-65-4321",
            "0015000000Gv7qJAAR",
            "Note: call back",
            "https://www.linkedin.com/in/ann-ng-1234567890123456",
            "christopher-alexander-vandenberg2@acme.de",
            "QA-2026-REL-00001234-A",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "12345678901234567890",
        ] {
            check(text, None);
        }
        assert_eq!(found("4111111111111111", Kind::Id), None);
        assert_eq!(found("4111 1111 1111 1111", Kind::Phone), None);
    }

    /// Characters that patterns are made of, and some that they are not.
    const ALPHABETS: [&str; 7] = [
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
        "0123456789abcdef",
        "0123456789",
        "0123456789 -",
        "ABCxyz019._~+/-=!@: \u{a0}ü\u{17f}\u{212a}€",
    ];

    /// What every pattern begins with, and what stands before the number of a person.
    const HEADS: [&str; 58] = [
        "",
        "-----BEGIN ",
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxa-",
        "xoxs-",
        "sk_live_",
        "rk_test_",
        "AIza",
        "eyJ",
        "pat-na1-",
        "pat-eu1-",
        "00D",
        "00D5g0000001gPL!",
        "eyJhbGciOiJI.eyJzdWIiOiJx.",
        "SG.abcdefghijklmnop.",
        "pat-ap1-1a2b3c4d-5e6f-",
        "00Q",
        "0035g0000000",
        "sk-",
        "sk-proj-",
        "sk-ant-",
        "SG.",
        "SK",
        "npm_",
        "AccountKey=",
        "bearer ",
        "Bearer\u{2003}",
        "BEARER  ",
        "api key: ",
        "apikey=",
        "secret_token = ",
        "Access-Key:",
        "\u{17f}ecret key=",
        "password:",
        "pwd = ",
        "contraseña: ",
        "mot de passe=",
        "passwort : ",
        "https://",
        "http://ann:",
        "ftp://",
        "https://https://",
        "DE89",
        "GB82WEST",
        "FR",
        "+49 ",
        "(204) ",
        "4111 1111 1111 ",
        "078-05-",
        "1 84 12 76 ",
        "5500-0000-",
    ];

    /// What stands between two stretches, and at the end.
    const JOINTS: [&str; 22] = [
        "",
        "",
        "",
        " ",
        "-",
        ".",
        "_",
        ".eyJ",
        "!",
        "@",
        ":",
        "=",
        "://",
        "-0a1b-",
        "\n",
        ",",
        "ü",
        "PRIVATE KEY",
        "-----",
        "@acme.de",
        ".com/",
        "\u{a0}",
    ];

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
            from[self.below(from.len())]
        }

        fn stretch(&mut self, text: &mut String) {
            const LENGTHS: [usize; 16] =
                [1, 3, 4, 8, 10, 12, 15, 16, 17, 18, 20, 22, 32, 35, 36, 40];
            let alphabet: Vec<char> = self.pick(&ALPHABETS).chars().collect();
            let length = LENGTHS[self.below(LENGTHS.len())] + self.below(3) - self.below(2);
            text.extend((0..length).map(|_| alphabet[self.below(alphabet.len())]));
        }

        fn value(&mut self) -> String {
            let mut text = String::new();
            if self.below(4) == 0 {
                text += self.pick(&["see ", "key ", "x", "(", "https://a.de/", "Ann-"]);
            }
            for _ in 0..=self.below(3) {
                text += self.pick(&HEADS);
                self.stretch(&mut text);
                text += self.pick(&JOINTS);
                if self.below(2) == 0 {
                    self.stretch(&mut text);
                }
            }
            text
        }
    }

    #[test]
    fn the_short_way_finds_what_all_patterns_find() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut per_name = std::collections::BTreeMap::new();
        let edges =
            ["xoxb-1234567890", "eyJabcdefgh.eyJabcdefgh.abcdefgh", "bearer a.b.c.d.e.f.g.h.i.j"];
        let generated = std::iter::repeat_with(|| dice.value()).take(30_000);
        for text in edges.map(str::to_owned).into_iter().chain(generated) {
            for kind in [Kind::Text, Kind::Id, Kind::Phone] {
                let all = credential(&text).or_else(|| number(&text, kind));
                assert_eq!(found(&text, kind), all, "{text} as {kind:?}");
                *per_name.entry(all).or_insert(0) += 1;
            }
        }
        // Whatever can be found was found, or the values above prove nothing.
        for (_, name) in CREDENTIALS {
            assert!(per_name.get(&Some(name)).is_some_and(|count| *count > 0), "{name}");
        }
        let numbers = ["a payment card number", "a US social security number"];
        assert!(numbers.iter().all(|name| per_name.contains_key(&Some(*name))), "{per_name:?}");
    }
}
