//! What stands for names and addresses in a copy that others may read: tokens, the same for the same value
//! in every week, from which nobody without the key finds the value again.
//!
//! Every text of the page passes through [`Mask::cover`]; a value is covered where it stands alone and where
//! a sentence quotes it.
//! Does not: know which values are to be covered.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::escape::value;

/// The keys of the page whose texts are the program's own, a digest, or a name that links lead to.
const OWN: [&str; 14] = [
    "style", "script", "policy", "form", "anchor", "mark", "severity", "kind", "approve", "digest",
    "head", "sha256", "key", "code",
];

/// Values of so many letters are covered inside a sentence too, whatever they are.
const LONG: usize = 3;

/// Values and what stands for them.
#[derive(Clone)]
pub struct Mask {
    key: String,
    tokens: BTreeMap<String, String>,
    /// By their first word, the values that sentences are searched for, longest first.
    starts: BTreeMap<String, Vec<String>>,
}

impl std::fmt::Debug for Mask {
    /// How much it covers: neither the key nor a value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} values)", self.tokens.len())
    }
}

impl Mask {
    /// A mask with a key, which keeps its tokens from being guessed.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), tokens: BTreeMap::new(), starts: BTreeMap::new() }
    }

    /// Covers a value; `kind` is the word its token begins with.
    pub fn learn(&mut self, kind: &str, text: &str) {
        let text = text.trim();
        if text.is_empty() || self.tokens.contains_key(text) {
            return;
        }
        let token = self.token(kind, text);
        // What is too long for the page stands there cut.
        for form in [text.to_owned(), value(text)] {
            let starts = self.starts.entry(first_word(&form).to_owned()).or_default();
            let at = starts.partition_point(|other| other.len() > form.len());
            if is_told_apart(&form) && starts.get(at) != Some(&form) {
                starts.insert(at, form.clone());
            }
            self.tokens.insert(form, token.clone());
        }
    }

    /// `name-7Q2M9K4D`: the first 40 bits of a keyed digest.
    fn token(&self, kind: &str, text: &str) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let inner = Sha256::new()
            .chain_update(&self.key)
            .chain_update([0])
            .chain_update(text.to_lowercase());
        let outer =
            Sha256::new().chain_update(&self.key).chain_update([1]).chain_update(inner.finalize());
        let bits =
            outer.finalize().iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digits = (0..8).filter_map(|n| {
            let five = usize::try_from(bits >> (35 - 5 * n) & 31).ok()?;
            DIGITS.get(five).copied().map(char::from)
        });
        format!("{kind}-{}", digits.collect::<String>())
    }

    /// Covers every value in every text of the page but the program's own.
    pub(super) fn cover(&self, page: &mut Value) {
        match page {
            Value::String(text) => *text = self.covered(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cover(item)),
            Value::Object(fields) => {
                for (_, field) in fields.iter_mut().filter(|(key, _)| !OWN.contains(&key.as_str()))
                {
                    self.cover(field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text with tokens for the values in it, each looked for at the start of a word and longest first.
    fn covered(&self, text: &str) -> String {
        if let Some(token) = self.tokens.get(text.trim()) {
            return token.clone();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(letter) = rest.chars().next() {
            let is_start = !(letter.is_alphanumeric() && before.is_some_and(char::is_alphanumeric));
            let found = is_start.then(|| self.starting(rest)).flatten();
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
    fn starting(&self, text: &str) -> Option<(&str, &str)> {
        let values = self.starts.get(first_word(text))?;
        let whole = |value: &&String| {
            text.strip_prefix(value.as_str()).is_some_and(|rest| {
                let inside = value.ends_with(char::is_alphanumeric);
                !(inside && rest.starts_with(char::is_alphanumeric))
            })
        };
        let value = values.iter().find(whole)?;
        Some((value, self.tokens.get(value)?))
    }
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
            mask.learn("name", name);
        }
        mask
    }

    #[test]
    fn values_are_covered_alone_and_in_sentences_and_nothing_else_is() {
        let mask = mask("a key of some length");
        let [ann_ng, ann, bo] = ["Ann Ng", "Ann", "Bo"].map(|name| mask.covered(name));
        assert!(ann_ng.starts_with("name-") && ann_ng != ann);
        assert_eq!(
            mask.covered("Ann Ng's lead, not Ann's"),
            format!("{ann_ng}'s lead, not {ann}'s")
        );
        assert_eq!(
            mask.covered("Annex, Joann, Bob, 3Ms, 13M and no bo"),
            "Annex, Joann, Bob, 3Ms, 13M and no bo"
        );
        assert_eq!(mask.covered("Bo's, of 3M"), format!("{bo}'s, of {}", mask.covered("3M")));
        assert!(mask.covered("no").starts_with("name-"));
        assert_eq!(mask.covered(" Bo "), bo);
        let text = mask.covered("at d…@kestrel.example (Müller & Söhne)");
        assert!(!text.contains("kestrel") && !text.contains("Söhne"), "{text}");
    }

    #[test]
    fn tokens_are_the_same_for_one_key_and_others_for_another() {
        let of = |key| mask(key).covered("Ann Ng");
        assert_eq!(of("a key of some length"), of("a key of some length"));
        assert_ne!(of("a key of some length"), of("another key of length"));
        assert_eq!(format!("{:?}", mask("a key")), "Mask(7 values)");
    }
}
