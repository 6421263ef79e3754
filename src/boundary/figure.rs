//! Numbers as people and CRMs write them, and which mark stands before their decimals.
//!
//! `1.200` is twelve hundred in Berlin and one and a fifth in Boston. A number that can be read in one way
//! only shows which mark is meant; one that cannot waits for the rest of its column.
//! Does not: settle what a column means (see `intake`).

/// The mark before the decimals; the other one separates thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecimalMark {
    /// `1,200.50`
    Point,
    /// `1.200,50`
    Comma,
}

impl DecimalMark {
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("point", Self::Point), ("comma", Self::Comma)];

    /// The word used in `boundary.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// A number as written, before its column has settled which mark is the decimal one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    /// It tells nothing of marks: `1200`, `1 200`.
    Plain(f64),
    /// It can be read in one way, and so shows the decimal mark: `1.200,50`, `0,125`, `1.200.000`.
    Proof(f64, DecimalMark),
    /// It can be read in two ways.
    Open(Open),
}

/// A number with one mark, before three digits: `1.200`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Open {
    /// What it is where the mark separates thousands; else it is a thousandth of that.
    thousands: f64,
    pub(super) mark: DecimalMark,
}

impl Open {
    /// The number, where this is the decimal mark.
    pub(super) fn read(self, decimal: DecimalMark) -> f64 {
        if self.mark == decimal { self.thousands / 1_000.0 } else { self.thousands }
    }

    /// A text that is read as this again.
    pub(super) fn written(self) -> String {
        format!("{:.3}", self.read(self.mark)).replace('.', &self.mark.sign().to_string())
    }
}

impl Figure {
    /// Reads `1,200.00`, `USD 1.200,50`, `$923.00`, `(12)`, `35 %`. What is shortened (`1.5M`) or not
    /// grouped as a number is (`04.03.2025`, `10.0.0.1`) is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(plain) = text.parse::<f64>() {
            let unsigned = text.trim_start_matches(['-', '+']);
            return plain.is_finite().then(|| match unsigned.split_once('.') {
                Some((whole, fraction)) if is_open(whole, fraction) => {
                    let thousands = plain * 1_000.0;
                    Self::Open(Open { thousands: thousands.round(), mark: DecimalMark::Point })
                }
                Some(_) => Self::Proof(plain, DecimalMark::Point),
                None => Self::Plain(plain),
            });
        }
        let is_negative = text.starts_with('(') && text.ends_with(')') || text.contains('-');
        // A currency code is as much text as an amount may carry: `Room 5` is not a number. Nothing is
        // copied before the cell is known to be one.
        let word = text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
        if word.clone().nth(3).is_some() || MULTIPLIERS.iter().any(|m| word.clone().eq(m.chars())) {
            return None;
        }
        let bare = text.trim_matches(|c: char| {
            c.is_alphabetic() || c.is_whitespace() || "$€£¥₹%()+-".contains(c)
        });
        let may_stand = |c: char| c.is_ascii_digit() || "., \u{a0}\u{202f}'’".contains(c);
        if bare.is_empty() || !bare.chars().all(may_stand) {
            return None;
        }
        let signed = |number: f64| if is_negative { -number } else { number };
        let last = match (bare.rfind('.'), bare.rfind(',')) {
            (None, None) => return Some(Self::Plain(signed(amount(bare, "")?))),
            (point, comma) if point > comma => DecimalMark::Point,
            _ => DecimalMark::Comma,
        };
        let (whole, fraction) = bare.rsplit_once(last.sign())?;
        if whole.contains(last.sign()) {
            // A mark that stands there twice separates thousands.
            return Some(Self::Proof(signed(amount(bare, "")?), last.other()));
        }
        if is_open(whole, fraction) {
            return Some(Self::Open(Open { thousands: signed(amount(bare, "")?), mark: last }));
        }
        Some(Self::Proof(signed(amount(whole, fraction)?), last))
    }
}

/// True where the mark between the two may separate thousands as well as decimals.
fn is_open(whole: &str, fraction: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&whole.len())
        && fraction.len() == 3
        && !whole.starts_with('0')
        && are_digits(whole)
        && are_digits(fraction)
}

/// The number of grouped digits and their decimals.
fn amount(whole: &str, fraction: &str) -> Option<f64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || !is_grouped(whole) {
        return None;
    }
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("{digits}.{fraction}").parse().ok()
}

/// What people write behind a number that is a thousand or more times as large.
const MULTIPLIERS: [&str; 13] =
    ["k", "m", "b", "t", "mm", "mn", "bn", "tn", "mil", "mio", "mrd", "tsd", "cr"];

/// Digits alone, or groups with one kind of separator: three digits in the last group, two (as in
/// India) or three in those before, and at most three in the first.
fn is_grouped(whole: &str) -> bool {
    // Spaces of any width and apostrophes do the same.
    let plain = |c: char| if matches!(c, '.' | ',') { c } else { ' ' };
    let Some(separator) = whole.chars().find(|c| !c.is_ascii_digit()).map(plain) else {
        return true;
    };
    let groups: Vec<&str> =
        whole.split(|c: char| !c.is_ascii_digit() && plain(c) == separator).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return false };
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    groups.iter().all(|group| digits(group))
        && (1..=3).contains(&first.len())
        && middle.iter().all(|group| matches!(group.len(), 2 | 3))
        && last.len() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = match Figure::parse(text) {
            None => "none".to_owned(),
            Some(Figure::Plain(number)) => number.to_string(),
            Some(Figure::Proof(number, mark)) => format!("{number}, decimal {}", mark.word()),
            Some(Figure::Open(open)) => {
                let [point, comma] =
                    [DecimalMark::Point, DecimalMark::Comma].map(|it| open.read(it));
                format!("{point} or {comma}")
            }
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        check("1200", "1200");
        check("1'200'000", "1200000");
        check("1 200", "1200");
        check("(35)", "-35");
        check("-35", "-35");
        check("-35 %", "-35");
        check("1.5E3", "1500, decimal point");
        check("USD 1,200.00", "1200, decimal point");
        check("$923.00 ", "923, decimal point");
        check("0.00%", "0, decimal point");
        check("12,34,567.5", "1234567.5, decimal point");
        check("1,200,300", "1200300, decimal point");
        check("1.200,50 €", "1200.5, decimal comma");
        check("0,5", "0.5, decimal comma");
        check("1.200.300", "1200300, decimal comma");
        check("1 200,50", "1200.5, decimal comma");
        check("1 200,505", "1200.505, decimal comma");
        check("1234,567", "1234.567, decimal comma");
        check(",5", "0.5, decimal comma");
    }

    #[test]
    fn a_mark_before_three_digits_may_mean_either() {
        check("1,200", "1200 or 1.2");
        check("US$ 1,200", "1200 or 1.2");
        check("1.200", "1.2 or 1200");
        check("-12.345", "-12.345 or -12345");
        check("(12.345 €)", "-12.345 or -12345");
        // Nobody writes a nought before thousands.
        check("0,125", "0.125, decimal comma");
        check("0.125", "0.125, decimal point");
        check("1234.567", "1234.567, decimal point");
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "Room 5",
            "50 to 60",
            "1.5M",
            "$ 12k",
            "3 Mio €",
            "04.03.2025",
            "10.0.0.1",
            "1,2.3,4",
            "+49 30 1234567",
            "2025-03-04",
            ",",
            ".",
            "n/a",
            "NaN",
            "inf",
            "1,2,3",
        ] {
            check(text, "none");
        }
    }
}
