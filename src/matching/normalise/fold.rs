//! Folding of letters and words: case, accents, punctuation.
//!
//! Does not: know what a word means; each kind of value decides that for itself.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{Step, Steps};

/// What stands between the word just folded and the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A space.
    Apart,
    /// Nothing: they are one word.
    Joined,
}

/// Signs that are words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// None: they part words.
    Part,
    /// `&` and `+` are the word `and`.
    And,
    /// `#` is the word `unit`.
    Unit,
}

/// A word that was just written at the end of the folded text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Where it starts.
    pub start: usize,
    /// True when a full stop stands between it and the word before.
    pub after_dot: bool,
}

/// Folds the words of a text into the end of `out`, one space between them. `done` sees each word as
/// soon as it is whole and may change or take it back.
pub(super) fn fold_words(
    text: &str,
    signs: Signs,
    out: &mut String,
    done: impl FnMut(&mut String, Word) -> Next,
) -> Steps {
    let base = out.len();
    let mut folder = Folder {
        out,
        base,
        word: None,
        after_dot: false,
        next: Next::Joined,
        steps: Steps::NONE,
        done,
    };
    folder.fold(text, signs);
    folder.end();
    let steps = folder.steps;
    while out.len() > base && out.ends_with(' ') {
        out.pop();
    }
    steps
}

/// Folds the words of a text into the end of `out` as they are.
pub(super) fn words_into(text: &str, out: &mut String) -> Steps {
    fold_words(text, Signs::Part, out, |_, _| Next::Apart)
}

struct Folder<'o, F> {
    out: &'o mut String,
    base: usize,
    /// Where the word begins that is being written.
    word: Option<usize>,
    after_dot: bool,
    next: Next,
    steps: Steps,
    done: F,
}

impl<F: FnMut(&mut String, Word) -> Next> Folder<'_, F> {
    fn fold(&mut self, text: &str, signs: Signs) {
        let mut rest = text;
        while let Some(byte) = rest.as_bytes().first() {
            if byte.is_ascii_alphanumeric() {
                let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
                let (word, after) = rest.split_at(run);
                self.ascii(word);
                rest = after;
                continue;
            }
            let mut chars = rest.chars();
            let Some(c) = chars.next() else { return };
            rest = chars.as_str();
            match c {
                ' ' => self.end(),
                '.' => {
                    self.end();
                    self.after_dot = true;
                    self.steps |= Step::Punctuation;
                }
                '\'' | '`' | '’' | '‘' | '´' | 'ʼ' | 'ʻ' => self.steps |= Step::Punctuation,
                '&' | '+' if signs == Signs::And => self.sign("and"),
                '#' if signs == Signs::Unit => self.sign("unit"),
                _ if c.is_ascii() => {
                    self.end();
                    self.steps |= Step::Punctuation;
                }
                _ => self.other(c),
            }
        }
    }

    fn sign(&mut self, word: &str) {
        self.end();
        self.steps |= Step::Abbreviation;
        self.ascii(word);
        self.end();
    }

    fn ascii(&mut self, run: &str) {
        let start = self.begin();
        self.out.push_str(run);
        if run.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.steps |= Step::Case;
            let from = self.out.len() - run.len();
            debug_assert!(start <= from);
            if let Some(added) = self.out.get_mut(from..) {
                added.make_ascii_lowercase();
            }
        }
    }

    /// A character beyond ASCII.
    fn other(&mut self, c: char) {
        if let Some(plain) = plain(c) {
            self.begin();
            self.steps |= Step::Accents;
            self.out.push_str(plain);
            return;
        }
        if is_combining_mark(c) {
            self.steps |= Step::Accents;
            return;
        }
        for part in std::iter::once(c).nfkd().filter(|part| !is_combining_mark(*part)) {
            for lower in part.to_lowercase() {
                if let Some(plain) = plain(lower) {
                    self.begin();
                    self.out.push_str(plain);
                } else if lower.is_alphanumeric() {
                    self.begin();
                    self.out.push(lower);
                } else if !is_combining_mark(lower) {
                    self.end();
                }
            }
        }
    }

    fn begin(&mut self) -> usize {
        if let Some(start) = self.word {
            return start;
        }
        if self.next == Next::Apart && self.out.len() > self.base && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        let start = self.out.len();
        self.word = Some(start);
        start
    }

    fn end(&mut self) {
        if let Some(start) = self.word.take() {
            let word = Word { start, after_dot: self.after_dot };
            self.next = (self.done)(self.out, word);
            self.after_dot = false;
        }
    }
}

/// A Latin letter without its accent, in lower case; `None` for other characters.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ð' | 'ð' | 'Ď'..='đ' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ĥ'..='ħ' => "h",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ĳ' | 'ĳ' => "ij",
        'Ĵ' | 'ĵ' => "j",
        'Ķ' | 'ķ' => "k",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'ß' | 'ẞ' => "ss",
        'Ś'..='š' | 'ſ' | 'Ș' | 'ș' => "s",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "t",
        'Þ' | 'þ' => "th",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ŵ' | 'ŵ' => "w",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "y",
        'Ź'..='ž' => "z",
        _ => return None,
    })
}

/// Writes a text in lower case to the end of `out`.
pub(super) fn lower_into(text: &str, out: &mut String) {
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

/// A short word in lower case without punctuation around or in it, in a buffer on the stack; empty when
/// it is longer than the buffer or not ASCII.
pub(super) fn bare<'b>(word: &str, buffer: &'b mut [u8; 16]) -> &'b str {
    let mut len = 0;
    for byte in word.bytes().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
        match buffer.get_mut(len) {
            Some(slot) if byte.is_ascii() => *slot = byte.to_ascii_lowercase(),
            _ => return "",
        }
        len += 1;
    }
    buffer.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latin_letter_loses_its_accent_as_unicode_says() {
        for c in ('À'..='ſ')
            .filter(|c| c.is_alphabetic() && !"ÆæØøßŁłĐđÐðÞþıŒœĦħŦŧĿŀĳĲŉĸŊŋ".contains(*c))
        {
            let unicode: String =
                c.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
            assert_eq!(plain(c), Some(unicode.as_str()), "{c}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        words_into(text, &mut out);
        assert_eq!(out, expected, "{text}");
    }

    #[test]
    fn words_lose_case_accents_and_punctuation() {
        check("", "");
        check("  Ann  NG ", "ann ng");
        check("Łukasz Đorđević", "lukasz dordevic");
        check("O’Brien's", "obriens");
        check("A-B_C", "a b c");
        check("Cafe\u{301}", "cafe");
        check("Ａｃｍｅ ½", "acme 1 2");
        check("Йод", "иод");
        check("陈雅", "陈雅");
    }
}
