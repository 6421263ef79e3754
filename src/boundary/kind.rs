//! The shapes a field's values have, and reading one cell as such a shape.
//!
//! A cell that does not have its field's shape sets its row aside: that is how a renamed column or a
//! row whose cells moved is caught when names and widths look right.
//! Does not: guess the order of day and month (the whole column decides, see `intake`), or read what a number
//! says (see `figure`).

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime};
use wide::u8x16;

use super::figure::Figure;
use super::glance::{Glance, is_plain_id_byte, seen};

/// The fields that say when a record changed or came.
pub const CHANGED: [&str; 2] = ["modified", "created"];

/// The fields that say when something happened to a record. They tell of a change where `modified` does not.
pub const HAPPENED: [&str; 4] = ["stage_changed", "last_activity", "converted_date", "closed_date"];

/// The shape of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A record id or an external key: one word of at most 64 characters.
    Id,
    /// One of a list of short values.
    Picklist,
    /// A day or an instant.
    Date,
    /// An amount or a count, with or without currency and separators.
    Number,
    /// Yes or no.
    Flag,
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A website or a domain.
    Web,
    /// The name of a person, a queue or a company: one short line.
    Name,
    /// One short line.
    Text,
    /// A postal address, possibly of several lines.
    Address,
}

/// Values that CRMs and spreadsheets write for "nothing here".
const NOTHING: [&str; 5] = ["#N/A", "--", "-None-", "[not provided]", "#REF!"];

/// The fields that name another record, by their canonical names. Findings name records by their ids, so what
/// such a field holds stands in headlines and proposals.
pub(super) const REFERENCES: [&str; 13] = [
    "owner",
    "account",
    "primary_account",
    "contact",
    "lead",
    "parent",
    "record",
    "manager",
    "converted_contact",
    "converted_account",
    "converted_deal",
    "by",
    "modified_by",
];

/// The dates that findings tell by how long ago they were, by their canonical names. When a record was last
/// modified is told where it may be shown.
pub(super) const TOLD_DATES: [&str; 15] = [
    "created",
    "assigned",
    "first_touch",
    "last_activity",
    "stage_changed",
    "close_date",
    "changed",
    "responded",
    "updated",
    "deactivated",
    "last_login",
    "verified",
    "last_sync",
    "first_seen",
    "next_step_date",
];

impl Kind {
    pub(super) const WORDS: [(&'static str, Self); 11] = [
        ("id", Self::Id),
        ("picklist", Self::Picklist),
        ("date", Self::Date),
        ("number", Self::Number),
        ("flag", Self::Flag),
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("web", Self::Web),
        ("name", Self::Name),
        ("text", Self::Text),
        ("address", Self::Address),
    ];

    /// The word used in `boundary.toml`.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("text", |(word, _)| word)
    }

    /// The kind a canonical name has unless the boundary says otherwise.
    pub fn usual(name: &str) -> Self {
        match name {
            "id" | "owner" | "account" | "primary_account" | "contact" | "lead" | "parent"
            | "record" | "key" | "external_id" | "converted_contact" | "converted_account"
            | "converted_deal" | "manager" | "campaign_id" | "modified_by" => Self::Id,
            "first_name" | "last_name" | "full_name" | "name" | "company" | "campaign" | "by"
            | "title" => Self::Name,
            "status" | "stage" | "lifecycle" | "lead_source" | "type" | "industry" | "segment"
            | "region" | "country" | "state" | "forecast" | "rating" | "role" | "team"
            | "record_type" | "currency" | "channel" | "field" | "product" | "size" => {
                Self::Picklist
            }
            "modified" => Self::Date,
            _ if TOLD_DATES.contains(&name) => Self::Date,
            "employees" | "revenue" | "amount" | "probability" | "score" | "push_count" => {
                Self::Number
            }
            "converted" | "closed" | "won" | "active" | "opted_out" | "do_not_route" | "portal"
            | "override" | "customer" | "deleted" | "excluded" | "in_sequence" => Self::Flag,
            "email" => Self::Email,
            "phone" | "mobile" => Self::Phone,
            "website" | "domain" | "linkedin" => Self::Web,
            "street" | "address" => Self::Address,
            _ if name.starts_with("became_")
                || name.ends_with("_at")
                || name.ends_with("_date") =>
            {
                Self::Date
            }
            _ => Self::Text,
        }
    }

    /// True when a cell has this shape.
    pub fn fits(self, cell: &str) -> bool {
        self.read(cell, Glance::at(cell)).is_ok()
    }

    /// Reads one cell. `Err` says, without quoting the cell, what is wrong with its shape.
    #[inline]
    pub(super) fn read(self, cell: &str, glance: Glance) -> Result<Value<'_>, &'static str> {
        let trimmed = if glance.any(seen::SPACE | seen::HIGH) { cell.trim() } else { cell };
        if is_nothing(trimmed) {
            return Ok(Value::Blank);
        }
        match self {
            // The rule: one id of plain characters.
            Self::Id
                if trimmed.len() <= LONGEST_ID
                    && !glance.any(seen::ODD | seen::HIGH | seen::PLUS) =>
            {
                Ok(Value::Text(trimmed))
            }
            Self::Id => {
                // HubSpot lists the ids of several associated records in one cell.
                ids(trimmed)
                    .try_fold(Value::Blank, |_, id| one_id(id).map(|()| Value::Text(trimmed)))
            }
            Self::Date => Moment::parse(trimmed).map(Value::Moment).ok_or("not a date"),
            Self::Number => Figure::parse(trimmed).map(Value::Number).ok_or("not a number"),
            Self::Flag => flag(trimmed).map(Value::Flag).ok_or("neither yes nor no"),
            Self::Email => line(cell, glance, LONGEST_ADDRESS, 4).or_else(|why| {
                if is_mail_list(cell, glance) { Ok(Value::Text(cell)) } else { Err(why) }
            }),
            Self::Phone => line(cell, glance, 60, 8),
            Self::Web => line(cell, glance, 2_048, 3),
            Self::Picklist => line(cell, glance, 120, 12),
            Self::Name => line(cell, glance, 160, 16),
            Self::Text => line(cell, glance, 255, 40),
            Self::Address => {
                if cell.len() <= 500 {
                    Ok(Value::Text(cell))
                } else {
                    Err("too long for an address")
                }
            }
        }
    }
}

/// The most bytes of a mail address.
const LONGEST_ADDRESS: usize = 254;

/// Whether a cell lists mail addresses and nothing else.
fn is_mail_list(cell: &str, glance: Glance) -> bool {
    const LONGEST: usize = 2_048;
    let is_one = |part: &str| {
        let part = part.trim();
        part.len() <= LONGEST_ADDRESS && part.contains('@') && !part.contains(char::is_whitespace)
    };
    cell.len() <= LONGEST
        && !glance.any(seen::BREAK)
        && cell.contains([',', ';'])
        && cell.trim_end_matches([',', ';', ' ']).split([',', ';']).all(is_one)
}

/// Whether a cell says that there is no value.
fn is_nothing(trimmed: &str) -> bool {
    // All the words for nothing begin with one of these.
    match trimmed.as_bytes().first() {
        None => true,
        Some(b'#' | b'-' | b'[') => {
            NOTHING.iter().any(|nothing| nothing.eq_ignore_ascii_case(trimmed))
        }
        Some(_) => false,
    }
}

/// The most bytes of an id.
const LONGEST_ID: usize = 64;

/// What is wrong with a cell that holds something else where an id should be.
pub const NOT_AN_ID: &str = "not an id";

/// One word that can be an id.
fn one_id(id: &str) -> Result<(), &'static str> {
    let plain = |c: char| u8::try_from(c).is_ok_and(is_plain_id_byte) || c.is_alphanumeric();
    if is_spreadsheet_number(id) {
        Err("an id turned into a number by a spreadsheet")
    } else if id.len() > LONGEST_ID || !id.chars().all(plain) {
        Err(NOT_AN_ID)
    } else {
        Ok(())
    }
}

/// The ids in a cell: one, or several where the CRM lists all associated records.
pub fn ids(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|id| !id.is_empty())
}

/// A text on one line, with at most so many bytes and words.
fn line(
    cell: &str,
    glance: Glance,
    max_bytes: usize,
    max_words: usize,
) -> Result<Value<'_>, &'static str> {
    if cell.len() > max_bytes {
        Err("too long")
    } else if glance.any(seen::BREAK) {
        Err("more than one line")
    } else if cell.len() > 2 * max_words
        && glance.any(seen::SPACE | seen::HIGH)
        && cell.split_whitespace().nth(max_words).is_some()
    {
        Err("free text")
    } else {
        Ok(Value::Text(cell))
    }
}

/// `1.23E+17`, in some countries `1,23E+17`: what a spreadsheet makes of a long id.
pub fn is_spreadsheet_number(id: &str) -> bool {
    let digits = |text: &str, more: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || more.contains(&c))
    };
    id.split_once("E+")
        .is_some_and(|(mantissa, exponent)| digits(mantissa, &['.', ',']) && digits(exponent, &[]))
}

/// A cell read as its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Blank,
    Text(&'a str),
    Moment(Moment),
    Number(Figure),
    Flag(bool),
    /// A text that looks like this and is not let in.
    Withheld(&'static str),
}

/// Yes or no, as CRMs, databases and spreadsheets write it in the languages whose exports `init` knows.
fn flag(text: &str) -> Option<bool> {
    const YES: [&str; 15] = [
        "true",
        "1",
        "yes",
        "y",
        "t",
        "ja",
        "j",
        "wahr",
        "oui",
        "vrai",
        "sí",
        "si",
        "sì",
        "verdadero",
        "sim",
    ];
    const NO: [&str; 12] =
        ["false", "0", "no", "n", "f", "nein", "falsch", "non", "faux", "falso", "nee", "não"];
    let is = |word: &&str| {
        word.eq_ignore_ascii_case(text) || (!text.is_ascii() && text.to_lowercase() == **word)
    };
    if YES.iter().any(is) {
        Some(true)
    } else if NO.iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// Which of the two comes first where a date is written `3/4/2025`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DateOrder {
    /// 3 April.
    DayFirst,
    /// 4 March.
    MonthFirst,
}

impl DateOrder {
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("day-first", Self::DayFirst), ("month-first", Self::MonthFirst)];

    /// The word used in `boundary.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
        }
    }
}

/// A day or instant as written, before the column has settled the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Moment {
    /// An instant with its offset, in milliseconds since 1970 UTC.
    Instant(i64),
    /// A local date and time.
    Local(NaiveDateTime),
    /// A day alone.
    Day(NaiveDate),
    /// It can be read in two ways.
    Unordered(Unordered),
}

/// Two numbers of which one is the day; the time if there was one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unordered {
    pub(super) first: u8,
    pub(super) second: u8,
    year: i32,
    time: Option<NaiveTime>,
}

impl Unordered {
    /// The moment once the order of day and month is known; `None` when there is no such day.
    pub(super) fn settled(self, order: DateOrder) -> Option<Moment> {
        let Self { first, second, year, time } = self;
        let (day, month) = match order {
            DateOrder::DayFirst => (first, second),
            DateOrder::MonthFirst => (second, first),
        };
        let date = NaiveDate::from_ymd_opt(year, month.into(), day.into())?;
        Some(time.map_or(Moment::Day(date), |time| Moment::Local(date.and_time(time))))
    }

    /// A text that is read as this again.
    pub(super) fn written(self) -> String {
        let Self { first, second, year, time } = self;
        let time = time.map_or(String::new(), |time| format!(" {time}"));
        format!("{first}/{second}/{year}{time}")
    }
}

impl Moment {
    /// Reads `2025-03-04`, `03/04/2025 10:22`, `4 March 2025` and the like.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(instant) = instant_of_salesforce(text) {
            return Some(Self::Instant(instant));
        }
        let bytes = text.as_bytes();
        if bytes.len() >= 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') {
            return Self::iso(text);
        }
        let (date, time) = split_time(text);
        let time = match time {
            Some(time) => Some(clock_time(time)?),
            None => None,
        };
        let on_day =
            |day: NaiveDate| time.map_or(Self::Day(day), |time| Self::Local(day.and_time(time)));
        let Some(separator) = date.chars().find(|c| matches!(c, '/' | '.' | '-')) else {
            return worded_date(date).map(on_day);
        };
        let parts: Vec<&str> = date.split(separator).map(str::trim).collect();
        let [a, b, c] = parts.as_slice() else { return worded_date(date).map(on_day) };
        if a.len() == 4 {
            let day = NaiveDate::from_ymd_opt(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?)?;
            return plausible(day).map(on_day);
        }
        let (Ok(first), Ok(second)) = (a.parse::<u8>(), b.parse::<u8>()) else {
            return worded_date(date).map(on_day);
        };
        if !matches!(c.len(), 2 | 4) || a.len() > 2 || b.len() > 2 {
            return None;
        }
        let year = full_year(c.parse().ok()?);
        // With dots the day always comes first: no locale writes the month first with dots.
        if separator == '.' {
            let day = NaiveDate::from_ymd_opt(year, second.into(), first.into())?;
            return plausible(day).map(on_day);
        }
        let possible = (1..=31).contains(&first)
            && (1..=31).contains(&second)
            && (first <= 12 || second <= 12)
            && (1900..=2200).contains(&year);
        possible.then_some(Self::Unordered(Unordered { first, second, year, time }))
    }

    fn iso(text: &str) -> Option<Self> {
        let day = text.get(..10)?;
        let day = plausible(iso_day(day).or_else(|| day.parse().ok())?)?;
        let rest = text.get(10..)?.trim_start_matches('T').trim();
        if rest.is_empty() {
            return Some(Self::Day(day));
        }
        let (clock, offset) = if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
            (clock, Some(0))
        } else if let Some(clock) = rest.strip_suffix("UTC") {
            (clock, Some(0))
        } else if let Some(at) = rest.rfind(['+', '-']) {
            (rest.get(..at)?, Some(offset_seconds(rest.get(at..)?)?))
        } else {
            (rest, None)
        };
        let local = day.and_time(clock_time(clock.trim())?);
        Some(match offset {
            Some(seconds) => Self::Instant(local.and_utc().timestamp_millis() - seconds * 1_000),
            None => Self::Local(local),
        })
    }
}

/// `2025-03-04`, written so and in no other way.
fn iso_day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
    let year = digits([y1, y2, y3, y4])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, digits([m1, m2])?, digits([d1, d2])?)
}

/// `2021-12-02T18:23:39.000Z` in milliseconds since 1970. Exports have millions of these; what is
/// written in another way is read by the general rules, with the same result.
fn instant_of_salesforce(text: &str) -> Option<i64> {
    let (day, time) = text.split_at_checked(10)?;
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] = *time.as_bytes()
    else {
        return None;
    };
    let (hour, minute) = (digits([h1, h2])?, digits([m1, m2])?);
    let (second, milli) = (digits([s1, s2])?, digits([f1, f2, f3])?);
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, milli)?;
    Some(plausible(iso_day(day)?)?.and_time(time).and_utc().timestamp_millis())
}

/// The number that is written with these digits.
fn digits<const N: usize>(digits: [u8; N]) -> Option<u32> {
    digits.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

fn plausible(day: NaiveDate) -> Option<NaiveDate> {
    (1900..=2200).contains(&day.year()).then_some(day)
}

/// A year of two digits is of this century up to 69, and of the last from 70 on.
fn full_year(year: u16) -> i32 {
    match year {
        0..=69 => 2_000 + i32::from(year),
        70..=99 => 1_900 + i32::from(year),
        _ => i32::from(year),
    }
}

/// `+02:00`, `-0500`, `+01`.
fn offset_seconds(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..)?.parse::<i64>().ok()?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Cuts `3/4/2025, 10:22 AM` into its date and its time.
fn split_time(text: &str) -> (&str, Option<&str>) {
    let Some(colon) = text.find(':') else { return (text, None) };
    let before = text.get(..colon).unwrap_or_default();
    let Some(space) = before.rfind([' ', ',', 'T']) else { return (text, None) };
    let date = text.get(..space).unwrap_or_default().trim_end_matches([',', ' ']);
    (date, text.get(space + 1..).map(str::trim))
}

/// `10:22`, `10:22:05`, `10:22:05.123`, `10:22 PM`.
fn clock_time(text: &str) -> Option<NaiveTime> {
    let upper: Cow<'_, str> = if text.bytes().any(|b| b.is_ascii_lowercase()) {
        Cow::Owned(text.to_ascii_uppercase())
    } else {
        Cow::Borrowed(text)
    };
    let (clock, half) = if let Some(clock) = upper.strip_suffix("AM") {
        (clock.trim_end(), Some(0))
    } else if let Some(clock) = upper.strip_suffix("PM") {
        (clock.trim_end(), Some(12))
    } else {
        (upper.as_ref(), None)
    };
    let mut parts = clock.split(':');
    let mut hour: u32 = parts.next()?.trim().parse().ok()?;
    let minute: u32 = parts.next()?.parse().ok()?;
    let (second, milli): (u32, u32) = match parts.next() {
        None => (0, 0),
        Some(second) => match second.split_once(['.', ',']) {
            None => (second.parse().ok()?, 0),
            Some((second, fraction)) => {
                let digits = fraction.get(..3.min(fraction.len()))?;
                let scale = [100, 10, 1].get(digits.len().checked_sub(1)?).copied()?;
                (second.parse().ok()?, digits.parse::<u32>().ok()? * scale)
            }
        },
    };
    if parts.next().is_some() {
        return None;
    }
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    NaiveTime::from_hms_milli_opt(hour, minute, second, milli)
}

/// `Mar 4, 2025`, `4 March 2025`, `04-Mar-2025`, `04-Mar-25`.
fn worded_date(text: &str) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut month = None;
    let mut numbers = Vec::new();
    for word in text.split([' ', ',', '-', '.']).filter(|word| !word.is_empty()) {
        if let Ok(number) = word.parse::<u16>() {
            numbers.push(number);
        } else {
            let start = word.get(..3)?.to_ascii_lowercase();
            let at = MONTHS.iter().position(|name| *name == start)?;
            if month.replace(u32::try_from(at).ok()? + 1).is_some() {
                return None;
            }
        }
    }
    let [day, year] = numbers.as_slice() else { return None };
    plausible(NaiveDate::from_ymd_opt(full_year(*year), month?, (*day).into())?)
}

/// The letters and digits of a text in lower case: what its spellings share, whatever stands between.
pub fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric())
}

/// The part of an id that two spellings of it share.
///
/// Salesforce writes an id with 15 characters (case-sensitive) or 18 (three more that encode the
/// case of the first 15). An 18-character id whose suffix is right is reduced to its first 15.
pub fn id_key(id: &str) -> &str {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    const FIRST_15: u32 = (1 << 15) - 1;
    let bytes = id.as_bytes();
    let (Some(head), 18) = (bytes.first_chunk(), bytes.len()) else { return id };
    // All at once: every id of a table comes here.
    let head = u8x16::new(*head);
    let among = |first: u8, last: u8| {
        (head.simd_ge(u8x16::splat(first)) & head.simd_le(u8x16::splat(last))).to_bitmask()
    };
    let capitals = among(b'A', b'Z');
    let plain = capitals | among(b'a', b'z') | among(b'0', b'9');
    let fits = |(at, check): (usize, &u8)| {
        ALPHABET.get((capitals >> (5 * at) & 31) as usize) == Some(check)
    };
    let right = plain & FIRST_15 == FIRST_15 && bytes.iter().skip(15).enumerate().all(fits);
    if right { id.get(..15).unwrap_or(id) } else { id }
}

/// The cell's ids in their longer spelling: a Salesforce id of 15 characters gets the three that encode its
/// case. So an id reads the same whether a report or the API wrote it. Such an id always has a digit.
pub fn in_full(ids: &str) -> Cow<'_, str> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let is_short = |id: &str| {
        id.len() == 15
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && id.bytes().any(|byte| byte.is_ascii_digit())
    };
    if !ids.split(';').any(|id| is_short(id.trim())) {
        return Cow::Borrowed(ids);
    }
    let full = ids.split(';').map(|id| {
        let mut full = id.trim_end().to_owned();
        if is_short(id.trim()) {
            let capitals = |five: &[u8]| {
                let bits = five.iter().rev().map(|byte| usize::from(byte.is_ascii_uppercase()));
                bits.fold(0, |bits, bit| bits << 1 | bit)
            };
            let checks = id.trim().as_bytes().chunks(5).map(capitals);
            full.extend(checks.filter_map(|at| ALPHABET.get(at)).map(|byte| char::from(*byte)));
        }
        full
    });
    Cow::Owned(full.collect::<Vec<_>>().join(";"))
}

/// Milliseconds since 1970 UTC as an instant.
pub(super) fn instant(millis: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_date(text: &str, expected: &str) {
        let shown = match Moment::parse(text) {
            None => "none".to_owned(),
            Some(Moment::Instant(at)) => format!("instant {}", instant(at).format("%FT%T%.3f")),
            Some(Moment::Local(at)) => format!("local {at}"),
            Some(Moment::Day(day)) => format!("day {day}"),
            Some(Moment::Unordered(Unordered { first, second, year, time })) => {
                format!("{first}?{second} {year} {time:?}")
            }
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn dates_of_every_crm_are_read() {
        check_date("2021-12-02T18:23:39.000Z", "instant 2021-12-02T18:23:39.000");
        check_date("2021-12-02T18:23:39.000+0000", "instant 2021-12-02T18:23:39.000");
        check_date("2021-12-02T18:23:39+02:00", "instant 2021-12-02T16:23:39.000");
        check_date("2021-12-02 18:23:39", "local 2021-12-02 18:23:39");
        check_date("2025-03-04 10:22", "local 2025-03-04 10:22:00");
        check_date("2021-12-02", "day 2021-12-02");
        check_date("04.03.2025", "day 2025-03-04");
        check_date("04.03.2025, 10:22", "local 2025-03-04 10:22:00");
        check_date("3/4/2025", "3?4 2025 None");
        check_date("3/4/2025, 10:22 PM", "3?4 2025 Some(22:22:00)");
        check_date("08-06-2020 15:36", "8?6 2020 Some(15:36:00)");
        check_date("Mar 4, 2025", "day 2025-03-04");
        check_date("04-Mar-2025", "day 2025-03-04");
        check_date("04-Mar-25", "day 2025-03-04");
        check_date("04.03.99", "day 1999-03-04");
        check_date("3/4/26", "3?4 2026 None");
        check_date("3/4/-5", "none");
        check_date("3/4/20255", "none");
        check_date("31/31/2025", "none");
        check_date("2021-13-02", "none");
        check_date("call him back", "none");
        check_date("12.5", "none");
        check_date("1/2/3/4", "none");
    }

    #[track_caller]
    fn check_kind(kind: Kind, cell: &str, fits: bool) {
        assert_eq!(kind.fits(cell), fits, "{cell} as {kind:?}");
    }

    #[test]
    fn free_text_fits_no_short_field() {
        let note =
            "Spoke to Ann again, she says the budget is gone until next year, call in May then";
        for kind in [Kind::Id, Kind::Date, Kind::Picklist, Kind::Email, Kind::Number, Kind::Flag] {
            check_kind(kind, note, false);
        }
        check_kind(Kind::Picklist, "Trade Show", true);
        check_kind(Kind::Picklist, "a\nb", false);
        check_kind(Kind::Email, "jane at example", true);
        check_kind(Kind::Id, "1.23457E+11", false);
        check_kind(Kind::Id, "base.user_root", true);
        check_kind(Kind::Id, "--", true);
        check_kind(Kind::Id, "17031390776;17031390777", true);
        check_kind(Kind::Id, "17031390776; not an id", false);
        check_kind(Kind::Flag, "FALSE", true);
    }

    #[test]
    fn both_spellings_of_a_salesforce_id_share_a_key() {
        assert_eq!(id_key("0015000000Gv7qJAAR"), "0015000000Gv7qJ");
        assert_eq!(id_key("0015000000Gv7qJ"), "0015000000Gv7qJ");
        assert_eq!(id_key("0015000000Gv7qJAAA"), "0015000000Gv7qJAAA");
        assert_eq!(id_key("51789972639"), "51789972639");
        assert_eq!(in_full("0015000000Gv7qJ"), "0015000000Gv7qJAAR");
        assert_eq!(
            in_full("0015000000Gv7qJ;0015000000Gv7qJAAR"),
            "0015000000Gv7qJAAR;0015000000Gv7qJAAR"
        );
        for other in ["0015000000Gv7qJAAR", "51789972639", "Pharmaceuticals", "lead.owner 12345"] {
            assert_eq!(in_full(other), other);
        }
        for capitals in 0..1_usize << 15 {
            let case = |at: usize| {
                if capitals >> at & 1 == 1 { 'Z' } else { ['a', 'z', '0', '9'][at % 4] }
            };
            let short: String = (0..15).map(case).collect();
            let check = |at: usize| {
                char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[capitals >> (5 * at) & 31])
            };
            let long = format!("{short}{}{}{}", check(0), check(1), check(2));
            assert_eq!(id_key(&long), short);
            let wrong = [
                long.replacen('Z', "z", 1),
                long.replacen(['a', '0'], "_", 1),
                long.to_lowercase(),
            ];
            for wrong in wrong.iter().filter(|wrong| **wrong != long) {
                assert_eq!(id_key(wrong), wrong);
            }
        }
    }
}
