//! Folds phone numbers into the digits that are dialled.
//!
//! Where the country is known, from the number itself or from the record, the result is E.164 without
//! the plus sign, as the `phonenumber` library has it; common shapes take a quick way whose results
//! are the library's. Otherwise the national significant digits are what is left.
//! Does not: say that a number is in service.

use std::sync::LazyLock;

use phonenumber::metadata::DATABASE;

use super::place::Country;
use super::{Step, Steps};

/// How a number was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialled {
    /// What was changed.
    pub steps: Steps,
    /// The extension, which is no part of the folded number.
    pub extension: Option<u32>,
}

/// A number of fewer digits is an extension or a fragment.
const SHORTEST: usize = 7;
/// E.164 has no longer ones.
const LONGEST: usize = 15;

/// Folds a number of a record whose country may be known into `out`. `None`, with `out` empty, for what
/// is too short or long for a number, for one digit repeated and for what a spreadsheet rounded.
pub fn phone_into(raw: &str, country: Option<Country>, out: &mut String) -> Option<Dialled> {
    out.clear();
    // `4.93012E+11`: a spreadsheet rounded it, to what other numbers were rounded to as well.
    if raw.as_bytes().windows(2).any(|pair| pair == b"E+") {
        return None;
    }
    let typed = Typed::read(raw);
    let digits = typed.digits();
    let first = digits.bytes().next()?;
    if digits.len() < SHORTEST || digits.bytes().all(|digit| digit == first) {
        return None;
    }
    let mut steps = typed.steps;
    let dialled = dial(typed.has_plus, digits, country, out);
    if let Some(step) = dialled {
        steps |= step;
    } else {
        out.clear();
        out.push_str(digits.trim_start_matches('0'));
        if out.len() < digits.len() {
            steps |= Step::Trunk;
        }
    }
    if out.len() < SHORTEST || out.len() > LONGEST {
        out.clear();
        return None;
    }
    Some(Dialled { steps, extension: typed.extension })
}

/// The digits of a phone number of an unknown country, without extension, trunk zero and international
/// prefix; `None` for fewer than seven digits or for one digit repeated.
pub fn phone(raw: &str, out: &mut String) -> Option<()> {
    phone_into(raw, None, out).map(drop)
}

/// True when two folded numbers are one: the shorter may lack the country's code.
pub fn same_phone(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    long.len() - short.len() <= 3 && long.ends_with(short)
}

/// What stands in a field: digits, whether a plus sign came first, and an extension.
struct Typed {
    buffer: [u8; 24],
    len: usize,
    has_plus: bool,
    extension: Option<u32>,
    steps: Steps,
}

impl Typed {
    fn read(raw: &str) -> Self {
        let mut typed =
            Self { buffer: [0; 24], len: 0, has_plus: false, extension: None, steps: Steps::NONE };
        let bytes = raw.as_bytes();
        let mut at = 0;
        let mut in_letters = false;
        while let Some(byte) = bytes.get(at) {
            let rest = bytes.get(at..).unwrap_or_default();
            match byte {
                b'0'..=b'9' => typed.push(*byte),
                b'+' if typed.len == 0 => typed.has_plus = true,
                b'(' if rest.starts_with(b"(0)") && typed.len > 0 => {
                    typed.steps |= Step::Trunk;
                    at += 2;
                }
                // A second number.
                b'+' | b',' | b'|' if typed.len >= SHORTEST => break,
                b'/' if typed.len >= SHORTEST && digits_in(rest) >= 6 => break,
                b'#' | b';' if typed.len >= SHORTEST => {
                    typed.extend(rest);
                    break;
                }
                letter if letter.is_ascii_alphabetic() && typed.len > 0 => {
                    let is_mark = matches!(letter, b'x' | b'X')
                        && rest.iter().skip(1).any(u8::is_ascii_digit);
                    if !in_letters && (typed.len >= SHORTEST || is_mark) {
                        typed.extend(rest);
                        break;
                    }
                    in_letters = true;
                    typed.push(key_of(*letter));
                }
                _ => {}
            }
            at += 1;
        }
        if typed.len != raw.len() - usize::from(typed.has_plus) {
            typed.steps |= Step::Punctuation;
        }
        typed
    }

    fn push(&mut self, digit: u8) {
        if let Some(slot) = self.buffer.get_mut(self.len) {
            *slot = digit;
            self.len += 1;
        }
    }

    fn extend(&mut self, rest: &[u8]) {
        let digits = rest.iter().skip_while(|byte| !byte.is_ascii_digit());
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).take(7);
        let number = digits.fold(None, |number: Option<u32>, digit| {
            Some(number.unwrap_or(0) * 10 + u32::from(digit - b'0'))
        });
        self.extension = number;
        if number.is_some() {
            self.steps |= Step::Extension;
        }
    }

    fn digits(&self) -> &str {
        self.buffer.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

fn digits_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// The key of a telephone that has a letter.
fn key_of(letter: u8) -> u8 {
    match letter.to_ascii_lowercase() {
        b'a'..=b'c' => b'2',
        b'd'..=b'f' => b'3',
        b'g'..=b'i' => b'4',
        b'j'..=b'l' => b'5',
        b'm'..=b'o' => b'6',
        b'p'..=b's' => b'7',
        b't'..=b'v' => b'8',
        _ => b'9',
    }
}

/// Writes what a telephone of the whole world would dial, if the country is known.
fn dial(has_plus: bool, digits: &str, country: Option<Country>, out: &mut String) -> Option<Steps> {
    if has_plus {
        return international(digits, out);
    }
    let plan = country.and_then(Plan::of);
    let is_american = plan.is_some_and(|plan| plan.code == "1");
    if let Some(rest) = digits.strip_prefix("00").filter(|rest| !rest.starts_with('0')) {
        // Some countries dial abroad by more than 00; the library knows them.
        let own = country.filter(|_| plan.is_none_or(|plan| plan.abroad == Abroad::Otherwise));
        let found = own.and_then(|country| {
            is_foreign(country, digits).then(|| national(digits, country, None, out)).flatten()
        });
        return found.or_else(|| international(rest, out)).map(|steps| steps | Step::Prefix.into());
    }
    if let Some(rest) = digits.strip_prefix("011")
        && (is_american || country.is_none())
        && rest.len() >= 9
    {
        return international(rest, out).map(|steps| steps | Step::Prefix.into());
    }
    let country = country?;
    national(digits, country, plan, out).map(|steps| steps | Step::CountryFromRecord.into())
}

/// True when the country's own way to dial abroad is at the start of these digits.
fn is_foreign(country: Country, digits: &str) -> bool {
    let meta = DATABASE.by_id(country.code());
    let prefix = meta.and_then(phonenumber::Metadata::international_prefix);
    prefix.and_then(|prefix| prefix.find(digits)).is_some_and(|found| found.start() == 0)
}

/// A number that begins with its country's code.
fn international(digits: &str, out: &mut String) -> Option<Steps> {
    if let Some(plan) = Plan::at_start_of(digits)
        && let Some(rest) = digits.get(plan.code.len()..)
        && plan.admits(rest)
    {
        out.push_str(digits);
        return Some(Steps::NONE);
    }
    international_by_library(digits, out)
}

fn international_by_library(digits: &str, out: &mut String) -> Option<Steps> {
    if digits.len() > LONGEST + 2 {
        return None;
    }
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    write_number(&number, out);
    Some(if out.len() < digits.len() { Step::Trunk.into() } else { Steps::NONE })
}

/// A number as it is dialled inside its country.
fn national(
    digits: &str,
    country: Country,
    plan: Option<&Plan>,
    out: &mut String,
) -> Option<Steps> {
    let Some(plan) = plan else { return national_by_library(digits, country, out) };
    let trunk = plan.trunk.and_then(|trunk| digits.strip_prefix(trunk));
    let significant = trunk.unwrap_or(digits);
    if plan.admits(significant) {
        out.push_str(plan.code);
        out.push_str(significant);
        return Some(trunk.map_or(Steps::NONE, |_| Step::Trunk.into()));
    }
    national_by_library(digits, country, out)
}

fn national_by_library(digits: &str, country: Country, out: &mut String) -> Option<Steps> {
    let id = country.code().parse().ok()?;
    let number = phonenumber::parse(Some(id), digits).ok()?;
    // A number of the country's form, whether or not that block is in use by now.
    let meta = DATABASE.by_id(country.code())?;
    let is_foreign = number.code().value() != meta.country_code();
    let national = number.national().to_string();
    if !is_foreign && !meta.descriptors().general().is_match(&national) {
        return None;
    }
    write_number(&number, out);
    Some(if national.len() < digits.len() { Step::Trunk.into() } else { Steps::NONE })
}

fn write_number(number: &phonenumber::PhoneNumber, out: &mut String) {
    out.push_str(&number.code().value().to_string());
    out.push_str(&number.national().to_string());
}

/// How a country dials other countries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Abroad {
    /// By 00, or in a way that 00 is no part of.
    DoubleZero,
    /// By digits that begin with 00.
    Otherwise,
}

/// The common shapes of a country's numbers: those for which nothing has to be asked.
#[derive(Debug)]
struct Plan {
    country: [u8; 2],
    code: &'static str,
    trunk: Option<&'static str>,
    abroad: Abroad,
    /// First digits, shortest and longest national significant number.
    shapes: Shapes,
    /// What a number of such a shape does not begin with: carriers, services.
    except: &'static [&'static str],
}

type Shapes = &'static [(&'static str, usize, usize)];

const fn plain(country: [u8; 2], code: &'static str, shapes: Shapes) -> Plan {
    Plan { country, code, trunk: None, abroad: Abroad::DoubleZero, shapes, except: &[] }
}

const fn zero(country: [u8; 2], code: &'static str, shapes: Shapes) -> Plan {
    Plan { country, code, trunk: Some("0"), abroad: Abroad::DoubleZero, shapes, except: &[] }
}

const fn other(country: [u8; 2], code: &'static str, shapes: Shapes) -> Plan {
    Plan { country, code, trunk: Some("0"), abroad: Abroad::Otherwise, shapes, except: &[] }
}

const fn american(country: [u8; 2]) -> Plan {
    let shapes: Shapes = &[("23456789", 10, 10)];
    Plan { country, code: "1", trunk: Some("1"), abroad: Abroad::DoubleZero, shapes, except: &[] }
}

/// Countries whose common shapes are known here; the first of those that share a code stands for it.
const PLANS: &[Plan] = &[
    american(*b"US"),
    american(*b"CA"),
    zero(*b"GB", "44", &[("1235789", 10, 10)]),
    zero(*b"DE", "49", &[("123456789", 7, 11)]),
    zero(*b"FR", "33", &[("123456789", 9, 9)]),
    zero(*b"NL", "31", &[("123456789", 9, 9)]),
    zero(*b"BE", "32", &[("123456789", 8, 8), ("4", 9, 9)]),
    zero(*b"CH", "41", &[("23456789", 9, 9)]),
    zero(*b"AT", "43", &[("1234567", 7, 12)]),
    plain(*b"IT", "39", &[("0", 8, 11), ("3", 9, 10)]),
    plain(*b"ES", "34", &[("56789", 9, 9)]),
    plain(*b"PT", "351", &[("26789", 9, 9)]),
    plain(*b"PL", "48", &[("123456789", 9, 9)]),
    zero(*b"SE", "46", &[("123456789", 9, 9), ("1234568", 8, 8), ("123468", 7, 7)]),
    plain(*b"NO", "47", &[("23456789", 8, 8)]),
    plain(*b"DK", "45", &[("23456789", 8, 8)]),
    zero(*b"FI", "358", &[("1245678", 7, 9)]),
    zero(*b"IE", "353", &[("124569", 8, 8), ("12456789", 9, 9)]),
    other(*b"AU", "61", &[("23478", 9, 9)]),
    zero(*b"NZ", "64", &[("234789", 8, 8), ("2789", 9, 9)]),
    zero(*b"IN", "91", &[("23456789", 10, 10)]),
    zero(*b"JP", "81", &[("256789", 10, 10), ("23456789", 9, 9)]),
    Plan {
        country: *b"SG",
        code: "65",
        trunk: None,
        abroad: Abroad::Otherwise,
        shapes: &[("3689", 8, 8)],
        except: &[],
    },
    Plan {
        country: *b"HK",
        code: "852",
        trunk: None,
        abroad: Abroad::Otherwise,
        shapes: &[("234567", 8, 8)],
        except: &[],
    },
    zero(*b"ZA", "27", &[("12345679", 9, 9)]),
    zero(*b"IL", "972", &[("57", 9, 9), ("23489", 8, 8)]),
    zero(*b"TR", "90", &[("23458", 10, 10)]),
    zero(*b"AE", "971", &[("4567", 9, 9), ("234679", 8, 8)]),
    plain(*b"MX", "52", &[("23456789", 10, 10)]),
    plain(*b"CZ", "420", &[("23457", 9, 9)]),
    zero(*b"RO", "40", &[("23678", 9, 9)]),
    plain(*b"GR", "30", &[("26", 10, 10)]),
    zero(*b"SK", "421", &[("2345689", 9, 9)]),
    zero(*b"UA", "380", &[("3456789", 9, 9)]),
    Plan {
        country: *b"RU",
        code: "7",
        trunk: Some("8"),
        abroad: Abroad::DoubleZero,
        shapes: &[("349", 10, 10)],
        except: &[],
    },
    zero(*b"SA", "966", &[("15", 9, 9)]),
    plain(*b"CL", "56", &[("23456789", 9, 9)]),
    zero(*b"PE", "51", &[("9", 9, 9), ("145678", 8, 8)]),
    zero(*b"MY", "60", &[("1", 9, 10), ("3", 9, 9), ("456789", 8, 8)]),
    other(*b"TH", "66", &[("689", 9, 9), ("23457", 8, 8)]),
    zero(*b"PH", "63", &[("9", 10, 10)]),
    zero(*b"VN", "84", &[("1356789", 9, 9)]),
    Plan {
        country: *b"BR",
        code: "55",
        trunk: Some("0"),
        abroad: Abroad::Otherwise,
        shapes: &[("12346789", 10, 11)],
        except: &["90"],
    },
    other(*b"KR", "82", &[("2", 8, 8), ("123456", 9, 9), ("13456", 10, 10)]),
    Plan {
        country: *b"CN",
        code: "86",
        trunk: Some("0"),
        abroad: Abroad::DoubleZero,
        shapes: &[("1", 11, 11)],
        except: &["10", "11", "12", "17"],
    },
    other(*b"TW", "886", &[("234568", 9, 9)]),
];

/// Plans by country: the letters of the country as two digits of base 26.
static BY_COUNTRY: LazyLock<[Option<&'static Plan>; 676]> = LazyLock::new(|| {
    let mut plans = [None; 676];
    for plan in PLANS {
        if let Some(slot) = plans.get_mut(index_of(plan.country)) {
            *slot = Some(plan);
        }
    }
    plans
});

/// Plans by calling code.
static BY_CODE: LazyLock<[Option<&'static Plan>; 1000]> = LazyLock::new(|| {
    let mut plans = [None; 1000];
    for plan in PLANS.iter().rev() {
        let slot = plan.code.parse().ok().and_then(|code: usize| plans.get_mut(code));
        if let Some(slot) = slot {
            *slot = Some(plan);
        }
    }
    plans
});

fn index_of(country: [u8; 2]) -> usize {
    let [a, b] = country.map(|letter| usize::from(letter.wrapping_sub(b'A')));
    a * 26 + b
}

impl Plan {
    fn of(country: Country) -> Option<&'static Self> {
        BY_COUNTRY.get(index_of(country.letters())).copied().flatten()
    }

    /// The plan whose calling code the digits begin with. No calling code begins with another.
    fn at_start_of(digits: &str) -> Option<&'static Self> {
        let mut code = 0;
        digits.bytes().take(3).find_map(|digit| {
            code = code * 10 + usize::from(digit.wrapping_sub(b'0'));
            BY_CODE.get(code).copied().flatten()
        })
    }

    /// True for a national significant number that stands as it is. One that begins like the country's
    /// own code is ambiguous.
    fn admits(&self, significant: &str) -> bool {
        let Some(first) = significant.chars().next() else { return false };
        let len = significant.len();
        self.shapes.iter().any(|(firsts, shortest, longest)| {
            (*shortest..=*longest).contains(&len) && firsts.contains(first)
        }) && !significant.starts_with(self.code)
            && !significant.starts_with("00")
            && !self.except.iter().any(|prefix| significant.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check_phone("4.93012E+11", None);
        check_phone("4,93012E+11", None);
    }

    #[test]
    fn a_number_without_its_countrys_code_is_the_same() {
        assert!(same_phone("49307953130", "307953130"));
        assert!(same_phone("17079779960", "7079779960"));
        assert!(!same_phone("17079779960", "7079779961"));
        assert!(!same_phone("4930795313012", "5313012"));
    }

    /// A generator of digits that is the same in every run.
    struct Digits(u64);

    impl Digits {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }

        fn number(&mut self, len: u64) -> String {
            (0..len).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
        }
    }

    #[test]
    fn the_quick_way_gives_what_the_library_gives() {
        let mut digits = Digits(7);
        let (mut quick, mut out, mut expected) = (0, String::new(), String::new());
        for plan in PLANS {
            let country = Country::parse(std::str::from_utf8(&plan.country).unwrap()).unwrap();
            for _ in 0..1_200 {
                let len = 6 + digits.below(7);
                let significant = digits.number(len);
                if !plan.admits(&significant) {
                    continue;
                }
                quick += 1;
                let full = format!("{}{significant}", plan.code);
                for prefix in plan.trunk.into_iter().chain([""]) {
                    let typed = format!("{prefix}{significant}");
                    expected.clear();
                    let by_library = national_by_library(&typed, country, &mut expected);
                    assert!(by_library.is_some(), "{country:?} {typed}");
                    assert_eq!(full, expected, "{country:?} {typed}");
                    out.clear();
                    assert!(national(&typed, country, Some(plan), &mut out).is_some());
                    assert_eq!(out, expected, "{country:?} {typed}");
                }
                expected.clear();
                assert!(international_by_library(&full, &mut expected).is_some());
                assert_eq!(full, expected, "{country:?}");
            }
        }
        assert!(quick > 6_000, "{quick}");
    }

    #[test]
    fn every_format_gives_what_the_library_gives() {
        let mut digits = Digits(11);
        let mut out = String::new();
        for plan in PLANS {
            let country = Country::parse(std::str::from_utf8(&plan.country).unwrap()).unwrap();
            let id = country.code().parse().unwrap();
            let significant = std::iter::repeat_with(|| {
                let len = 7 + digits.below(5);
                digits.number(len)
            });
            for number in significant.filter(|number| plan.admits(number)).take(40) {
                let (area, rest) = number.split_at(3);
                let (code, trunk) = (plan.code, plan.trunk.unwrap_or_default());
                let mut formats = vec![
                    format!("+{code} {area} {rest}"),
                    format!("+{code}-{area}-{rest}"),
                    format!("+{code} ({area}) {rest} ext. 12"),
                    format!("{trunk}{area}/{rest}"),
                    format!("({trunk}{area}) {rest}"),
                    format!("{trunk}{area}.{rest} x7"),
                ];
                if trunk == "0" {
                    formats.push(format!("+{code} (0){area} {rest}"));
                }
                for raw in formats {
                    let library = phonenumber::parse(Some(id), &raw).unwrap();
                    let expected = format!("{}{}", library.code().value(), library.national());
                    let found = phone_into(&raw, Some(country), &mut out);
                    assert!(found.is_some(), "{raw}");
                    // The library keeps a trunk zero that it cannot tell apart in this country.
                    if raw.contains("(0)") && expected.len() > out.len() {
                        continue;
                    }
                    assert_eq!(out, expected, "{raw} in {country:?}");
                }
            }
        }
    }

    #[test]
    fn plans_know_their_calling_code_and_way_abroad() {
        for plan in PLANS {
            let meta = DATABASE.by_id(std::str::from_utf8(&plan.country).unwrap()).unwrap();
            assert_eq!(meta.country_code().to_string(), plan.code);
            assert_eq!(meta.national_prefix(), plan.trunk, "{}", plan.code);
        }
    }

    #[track_caller]
    fn check_in(raw: &str, country: &str, expected: &str) -> Dialled {
        let mut out = String::new();
        let found = phone_into(raw, Country::parse(country), &mut out);
        assert_eq!(out, expected, "{raw} in {country}");
        found.unwrap()
    }

    #[test]
    fn every_way_to_write_a_number_is_one_number() {
        for raw in [
            "(707) 977-9960",
            "707.977.9960",
            "1-707-977-9960",
            "+1 707 977 9960",
            "7079779960",
            "001 707 977 9960",
            "011 1 707 977 9960",
            "707-977-9960 x12",
            "Tel. 707 977 9960",
            "(+1) 707-977-9960",
            "707-977-9960 / 707-977-9961",
        ] {
            check_in(raw, "US", "17079779960");
        }
        for raw in [
            "+49 (0)30 7953130",
            "0049 30 7953130",
            "030 7953130",
            "030/795 31-30",
            "+49 030 7953130",
        ] {
            check_in(raw, "DE", "49307953130");
        }
        check_in("020 7946 0000", "GB", "442079460000");
        check_in("06 1234 5678", "IT", "390612345678");
        check_in("8 (912) 345-67-89", "RU", "79123456789");
        check_in("(11) 96123-4567", "BR", "5511961234567");
        check_in("0011 49 30 7953130", "AU", "49307953130");
        check_in("1-800-FLOWERS", "US", "18003569377");
    }

    #[test]
    fn a_number_says_what_was_done() {
        let found = check_in("030 7953130 ext. 12", "DE", "49307953130");
        assert_eq!(found.extension, Some(12));
        for step in [Step::CountryFromRecord, Step::Trunk, Step::Extension] {
            assert!(found.steps.has(step), "{step:?}");
        }
        assert_eq!(check_in("+17079779960", "", "17079779960").steps, Steps::NONE);
        // Not of this country's form: the digits are what is left.
        check_in("030 7953130", "US", "307953130");
        check_in("030 7953130", "", "307953130");
    }
}
