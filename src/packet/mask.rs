//! What stands for names and addresses in a copy that others may read: tokens, the same for the same value
//! in every week, from which nobody without the key finds the value again.
//!
//! Every text of the page passes through [`Mask::cover`] but those that are the program's own words: whoever
//! fills in a web form may be called `records`. A value of a record is covered in what is said of its
//! findings, alone and where a sentence quotes it; what people of the CRM are called, in every sentence.
//! Does not: know which values are to be covered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::finding::FindingId;

use super::escape::value;

/// The keys whose texts are the program's own wherever they stand, a digest, or a name that links lead to.
const OWN: &[&str] = &[
    "style",
    "script",
    "policy",
    "form",
    "anchor",
    "mark",
    "severity",
    "kind",
    "approve",
    "digest",
    "head",
    "sha256",
    "key",
    "code",
    "object",
    "state",
    "step",
    "reach",
    "exposure",
    "looks_like",
];

/// The places of the page, and of what its script is told, where every text is the program's own.
const OWN_PLACES: &[&str] = &[
    "page.zone",
    "page.lede",
    "page.copy",
    "page.redefined",
    "page.figures",
    "page.rate",
    "page.demoted",
    "page.counts",
    "page.all",
    "page.unlisted",
    "page.end",
    "page.gate.proposals",
    "page.gate.rules",
    "page.gate.families",
    "page.gate.ledger",
    "page.since.groups.says",
    "page.since.groups.rows.says",
    "page.since.rest",
    "page.repeats",
    "page.changed.says",
    "page.changed.rules.decided",
    "page.first.consequence",
    "page.families.title",
    "page.families.meaning",
    "page.families.held",
    "page.families.proposals",
    "page.families.looked",
    "page.families.rules",
    "page.families.row",
    "page.families.groups.name",
    "page.families.groups.summary",
    "page.families.groups.consequence",
    "page.families.groups.proposals",
    "page.checks.says",
    "page.checks.ran",
    "page.checks.partly.name",
    "page.checks.partly.summary",
    "page.checks.broken",
    "page.checks.off.name",
    "page.checks.off.summary",
    "script.reasons",
    "script.by",
    "script.families",
];

/// Values of so many letters are covered inside a sentence too, whatever they are.
const LONG: usize = 3;

/// Values and what stands for them.
#[derive(Clone)]
pub struct Mask {
    key: String,
    /// Of every value.
    tokens: BTreeMap<String, String>,
    everywhere: Values,
    /// What is covered in what is said of a finding alone.
    of: BTreeMap<String, Values>,
}

/// The values that are covered in some place.
#[derive(Debug, Clone, Default)]
struct Values {
    forms: BTreeSet<String>,
    /// By their first word, the values that sentences are searched for, longest first.
    starts: BTreeMap<String, Vec<String>>,
}

/// A place of which a mask learns what to cover there.
pub struct Learning<'m> {
    key: &'m str,
    tokens: &'m mut BTreeMap<String, String>,
    values: &'m mut Values,
}

impl std::fmt::Debug for Mask {
    /// How much it covers: neither the key nor a value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} values)", self.tokens.len())
    }
}

impl std::fmt::Debug for Learning<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learning({} values)", self.tokens.len())
    }
}

impl Mask {
    /// A mask with a key, which keeps its tokens from being guessed.
    pub fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            tokens: BTreeMap::new(),
            everywhere: Values::default(),
            of: BTreeMap::new(),
        }
    }

    /// To learn what is covered in every sentence.
    pub fn everywhere(&mut self) -> Learning<'_> {
        Learning { key: &self.key, tokens: &mut self.tokens, values: &mut self.everywhere }
    }

    /// To learn what is covered in what is said of a finding.
    pub fn of(&mut self, finding: &FindingId) -> Learning<'_> {
        let values = self.of.entry(finding.to_string()).or_default();
        Learning { key: &self.key, tokens: &mut self.tokens, values }
    }

    /// What stands for a text that is a value; another text as it is.
    pub fn value<'t>(&'t self, text: &'t str) -> &'t str {
        self.tokens.get(text.trim()).map_or(text, String::as_str)
    }

    /// Covers the values in the texts of the page, or of what its script is told, but the program's own.
    pub(super) fn cover(&self, place: &str, shown: &mut Value) {
        self.cover_at(place, None, shown);
    }

    fn cover_at(&self, place: &str, of: Option<&Values>, page: &mut Value) {
        match page {
            Value::String(text) => *text = self.covered(of, text),
            Value::Array(items) => {
                for item in items {
                    self.cover_at(place, of, item);
                }
            }
            Value::Object(fields) => {
                let id = fields.get("id").and_then(Value::as_str);
                let of = id.and_then(|id| self.of.get(id)).or(of);
                for (key, field) in fields {
                    let place = format!("{place}.{key}");
                    if !OWN.contains(&key.as_str()) && !OWN_PLACES.contains(&place.as_str()) {
                        self.cover_at(&place, of, field);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text with tokens for the values in it, each looked for at the start of a word and longest first.
    fn covered(&self, of: Option<&Values>, text: &str) -> String {
        let whole = text.trim();
        // Where it is not said of a finding, a text that is a value may be that of any record.
        let is_here =
            |values: &Values| values.forms.contains(whole) || self.everywhere.forms.contains(whole);
        if let Some(token) = self.tokens.get(whole).filter(|_| of.is_none_or(is_here)) {
            return token.clone();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(letter) = rest.chars().next() {
            let is_start = !(letter.is_alphanumeric() && before.is_some_and(char::is_alphanumeric));
            let found = is_start.then(|| self.starting(of, rest)).flatten();
            let taken = if let Some((value, token)) = found {
                out += token;
                value.len()
            } else {
                out.push(letter);
                letter.len_utf8()
            };
            let (done, left) = rest.split_at(taken);
            before = done.chars().next_back();
            rest = left;
        }
        out
    }

    /// The longest value that a text begins with, up to the end of a word.
    fn starting(&self, of: Option<&Values>, text: &str) -> Option<(&str, &str)> {
        let everywhere = Some(&self.everywhere);
        let values = [everywhere, of].into_iter().flatten().filter_map(|it| it.starting(text));
        let value = values.max_by_key(|value| value.len())?;
        let (value, token) = self.tokens.get_key_value(value)?;
        Some((value, token))
    }
}

impl Values {
    fn add(&mut self, form: &str) {
        if !self.forms.insert(form.to_owned()) || !is_told_apart(form) {
            return;
        }
        let starts = self.starts.entry(first_word(form).to_owned()).or_default();
        let at = starts.partition_point(|other| other.len() > form.len());
        starts.insert(at, form.to_owned());
    }

    fn starting(&self, text: &str) -> Option<&str> {
        let whole = |value: &&String| {
            text.strip_prefix(value.as_str()).is_some_and(|rest| {
                let inside = value.ends_with(char::is_alphanumeric);
                !(inside && rest.starts_with(char::is_alphanumeric))
            })
        };
        self.starts.get(first_word(text))?.iter().find(whole).map(String::as_str)
    }
}

impl Learning<'_> {
    /// Covers a value; `kind` is the word its token begins with.
    pub fn learn(&mut self, kind: &str, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        // What is too long for the page stands there cut.
        for form in [text.to_owned(), value(text)] {
            self.values.add(&form);
            self.tokens.entry(form).or_insert_with(|| token(self.key, kind, text));
        }
    }
}

/// `name-7Q2M9K4D`: the first 40 bits of a keyed digest.
fn token(key: &str, kind: &str, text: &str) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let inner = Sha256::new().chain_update(key).chain_update([0]).chain_update(text.to_lowercase());
    let outer = Sha256::new().chain_update(key).chain_update([1]).chain_update(inner.finalize());
    let bits =
        outer.finalize().iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let digits = (0..8).filter_map(|n| {
        let five = usize::try_from(bits >> (35 - 5 * n) & 31).ok()?;
        DIGITS.get(five).copied().map(char::from)
    });
    format!("{kind}-{}", digits.collect::<String>())
}

/// True for what is looked for inside sentences: it is long enough, or is written as names of two letters
/// are (`Ng`, `HP`, `3M`, `李明`). Others, such as `no` or `12`, are covered where they stand alone.
fn is_told_apart(form: &str) -> bool {
    let is_name = || form.chars().any(char::is_alphabetic) && !form.chars().all(char::is_lowercase);
    match form.chars().count() {
        LONG.. => true,
        2 => is_name(),
        _ => false,
    }
}

/// The letters and digits that a text begins with, or the one character that is neither.
fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let end = if end == 0 { text.chars().next().map_or(0, char::len_utf8) } else { end };
    text.split_at(end).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(key: &str) -> Mask {
        let mut mask = Mask::new(key);
        for name in ["Ann Ng", "Ann", "Bo", "3M", "no", "d…@kestrel.example", "Müller & Söhne"]
        {
            mask.everywhere().learn("name", name);
        }
        mask
    }

    #[test]
    fn values_are_covered_alone_and_in_sentences_and_nothing_else_is() {
        let mask = mask("a key of some length");
        let [ann_ng, ann, bo] = ["Ann Ng", "Ann", "Bo"].map(|name| mask.covered(None, name));
        assert!(ann_ng.starts_with("name-") && ann_ng != ann);
        assert_eq!(
            mask.covered(None, "Ann Ng's lead, not Ann's"),
            format!("{ann_ng}'s lead, not {ann}'s")
        );
        assert_eq!(
            mask.covered(None, "Annex, Joann, Bob, 3Ms, 13M and no bo"),
            "Annex, Joann, Bob, 3Ms, 13M and no bo"
        );
        assert_eq!(
            mask.covered(None, "Bo's, of 3M"),
            format!("{bo}'s, of {}", mask.covered(None, "3M"))
        );
        assert!(mask.covered(None, "no").starts_with("name-"));
        assert_eq!(mask.covered(None, " Bo "), bo);
        let text = mask.covered(None, "at d…@kestrel.example (Müller & Söhne)");
        assert!(!text.contains("kestrel") && !text.contains("Söhne"), "{text}");
    }

    #[test]
    fn a_record_called_as_the_program_speaks_changes_what_is_said_of_it_alone() {
        let mut mask = mask("a key of some length");
        let [one, other] = ["F-0000000001", "F-0000000002"].map(|id| FindingId::parse(id).unwrap());
        for name in ["records", "the owner"] {
            mask.of(&one).learn("name", name);
        }
        mask.of(&other).learn("name", "Fox");
        let said = |id: &FindingId| serde_json::json!({"id": id.to_string(), "headline": "the owner of records is Fox or Ann"});
        let mut page = serde_json::json!({
            "lede": "2 of 9 records",
            "wide": ["Ann may edit records"],
            "value": "records",
            "first": [said(&one), said(&other)],
        });
        mask.cover("page", &mut page);
        let [ann, records, owner, fox] =
            ["Ann", "records", "the owner", "Fox"].map(|name| mask.value(name));
        assert_eq!(page["lede"], "2 of 9 records");
        assert_eq!(page["wide"][0], format!("{ann} may edit records"));
        assert_eq!(page["value"], records);
        assert_eq!(page["first"][0]["headline"], format!("{owner} of {records} is Fox or {ann}"));
        assert_eq!(page["first"][1]["headline"], format!("the owner of records is {fox} or {ann}"));
    }

    #[test]
    fn tokens_are_the_same_for_one_key_and_others_for_another() {
        let of = |key| mask(key).covered(None, "Ann Ng");
        assert_eq!(of("a key of some length"), of("a key of some length"));
        assert_ne!(of("a key of some length"), of("another key of length"));
        assert_eq!(format!("{:?}", mask("a key")), "Mask(7 values)");
    }
}
