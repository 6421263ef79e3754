//! Finds secrets, card numbers and national ids inside allowed fields, so that they can be withheld.
//!
//! Only patterns with a named issuer or a checksum count: a guess would withhold order numbers.
//! Does not: keep, print or return what it found; the caller learns what it looks like, nothing else.

use std::sync::LazyLock;

use regex::RegexSet;

use super::Kind;

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
    (r"(?i)\bbearer\s+[A-Za-z0-9._~+/-]{20}", "an access token"),
    (r"(?i)\b(?:api|access|secret)[ _-]?(?:key|token)\s*[:=]\s*\S{8}", "an API key"),
    (
        r"(?i)\b(?:password|passwd|pwd|passphrase|passwort|kennwort|mot de passe|contraseña|senha)\s*[:=]\s*\S{4}",
        "a password",
    ),
    (r"://[^/\s:@]+:[^/\s:@]+@", "a password in an address"),
];

static CREDENTIAL_SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(CREDENTIALS.map(|(pattern, _)| pattern)).ok());

/// What a value looks like, if it looks like something that must not be kept.
pub(super) fn find(text: &str, kind: Kind) -> Option<&'static str> {
    let hints = Hints::of(text);
    if hints.credential
        && let Some(set) = &*CREDENTIAL_SET
        && let Some(first) = set.matches(text).iter().next()
    {
        return CREDENTIALS.get(first).map(|(_, name)| *name);
    }
    if kind == Kind::Id || hints.digits < 9 {
        return None;
    }
    if has_social_security_number(text) {
        return Some("a US social security number");
    }
    if matches!(kind, Kind::Phone | Kind::Web) || hints.digits < 12 {
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

/// What one pass over the bytes says: most cells need no pattern at all.
struct Hints {
    digits: usize,
    credential: bool,
}

impl Hints {
    fn of(text: &str) -> Self {
        let mut hints = Self { digits: 0, credential: false };
        let (mut run, mut run_digits) = (0, 0);
        for byte in text.bytes() {
            let digit = byte.is_ascii_digit();
            hints.digits += usize::from(digit);
            if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'!') {
                run += 1;
                run_digits += usize::from(digit);
                // A key is a long word with letters; one in thirty AWS keys has no digit at all.
                hints.credential |= run >= 16 && run_digits < run;
            } else {
                (run, run_digits) = (0, 0);
            }
            hints.credential |= matches!(byte, b':' | b'=');
        }
        hints.credential |= text.len() >= 22 && text.contains("-----BEGIN");
        hints
    }
}

/// Words of digits with one kind of separator between them: `4111 1111 1111 1111` or `123-45-6789`.
/// Each comes with its groups' lengths and the bytes around it.
fn numbers(text: &str) -> impl Iterator<Item = Number> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at >= bytes.len() {
            return None;
        }
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        let mut number = Number { digits: Vec::new(), groups: vec![0], separator: None, before };
        while let Some(byte) = bytes.get(at).copied() {
            if byte.is_ascii_digit() {
                number.digits.push(byte - b'0');
                if let Some(group) = number.groups.last_mut() {
                    *group += 1;
                }
            } else if matches!(byte, b' ' | b'-')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
                && number.separator.is_none_or(|separator| separator == byte)
            {
                number.separator = Some(byte);
                number.groups.push(0);
            } else {
                break;
            }
            at += 1;
        }
        Some(number)
    })
}

struct Number {
    digits: Vec<u8>,
    groups: Vec<usize>,
    separator: Option<u8>,
    before: Option<u8>,
}

/// Dashes only: with spaces or dots such groups are mostly something else.
fn has_social_security_number(text: &str) -> bool {
    numbers(text).any(|number| {
        let area =
            number.digits.iter().take(3).fold(0_u32, |area, digit| area * 10 + u32::from(*digit));
        number.groups == [3, 2, 4]
            && number.separator == Some(b'-')
            && !matches!(area, 0 | 666 | 900..)
            && number.digits.get(3..5) != Some(&[0, 0])
            && number.digits.get(5..) != Some(&[0, 0, 0, 0])
            && !number.before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })
}

/// A known brand's prefix and length, the usual grouping, and the Luhn digit.
fn has_card_number(text: &str) -> bool {
    numbers(text).any(|number| {
        let prefix = |digits: usize| {
            number
                .digits
                .iter()
                .take(digits)
                .fold(0_u32, |prefix, digit| prefix * 10 + u32::from(*digit))
        };
        let brand = match number.digits.len() {
            15 => matches!(prefix(2), 34 | 37),
            14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38),
            16 => {
                prefix(1) == 4
                    || matches!(prefix(2), 51..=55 | 65)
                    || matches!(prefix(4), 2_221..=2_720 | 3_528..=3_589 | 6_011)
            }
            _ => false,
        };
        let grouped = matches!(number.groups.as_slice(), [_] | [4, 4, 4, 4] | [4, 6, 4 | 5]);
        let free = !number
            .before
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'+'));
        brand && grouped && free && luhn(&number.digits)
    })
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(*digit) << (at % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Two letters, two check digits, 11 to 30 more, and the remainder 1 of ISO 13616.
fn has_iban(text: &str) -> bool {
    let starts = text.char_indices().filter(|(at, c)| {
        c.is_ascii_uppercase()
            && !text
                .get(..*at)
                .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()))
    });
    starts.map(|(at, _)| text.get(at..).unwrap_or_default()).any(|rest| {
        let compact: Vec<u8> = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
            .filter(|byte| *byte != b' ')
            .collect();
        // Words may follow the number: every length that an IBAN can have is tried.
        (15..=34.min(compact.len())).any(|length| compact.get(..length).is_some_and(is_iban))
    })
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
    numbers(text).any(|number| {
        let value = |from: usize, to: usize| {
            number.digits.get(from..to).map(|digits| {
                digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(*digit))
            })
        };
        number.digits.len() == 15
            && matches!(value(0, 1), Some(1 | 2))
            && matches!(value(3, 5), Some(1..=12))
            && value(0, 13).zip(value(13, 15)).is_some_and(|(body, check)| 97 - body % 97 == check)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(find(text, Kind::Text), expected, "{text}");
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
    fn ordinary_values_are_left_alone() {
        for text in [
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
        assert_eq!(find("4111111111111111", Kind::Id), None);
        assert_eq!(find("4111 1111 1111 1111", Kind::Phone), None);
    }
}
