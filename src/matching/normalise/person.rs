//! Folds people's names: titles, suffixes, particles, middle initials, short forms.
//!
//! Does not: know which names are given and which are family names; it goes by the field they stand in.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::fold::{Next, Signs, bare, fold_words, words_into};
use super::nicknames::GIVEN_NAMES;
use super::{Step, Steps};

/// What tells a father from a son. Two names with different suffixes are two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suffix {
    /// Sr, Senior.
    Senior,
    /// Jr, Junior.
    Junior,
    /// II.
    Second,
    /// III.
    Third,
    /// IV.
    Fourth,
}

impl Suffix {
    /// The suffix a folded word is.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "sr" | "senior" | "snr" => Some(Self::Senior),
            "jr" | "junior" | "jnr" | "filho" | "hijo" => Some(Self::Junior),
            "ii" | "2nd" => Some(Self::Second),
            "iii" | "3rd" => Some(Self::Third),
            "iv" | "4th" => Some(Self::Fourth),
            _ => None,
        }
    }

    /// The suffix as a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Senior => "sr",
            Self::Junior => "jr",
            Self::Second => "ii",
            Self::Third => "iii",
            Self::Fourth => "iv",
        }
    }
}

/// A person's name, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// First name and middle names, without titles and middle initials.
    pub first: String,
    /// Last name. Its parts stand apart by one space; particles are joined to what follows them.
    pub last: String,
    /// The first middle initial, where only its initial is given.
    pub middle: Option<char>,
    /// What tells a father from a son.
    pub suffix: Option<Suffix>,
}

impl Name {
    /// Folds a name given in parts. A first name that stands in the last name's place (`Ng, Ann`,
    /// `Ann Ng`) is moved to its own, and so is a last name in the first name's place.
    pub fn fold(first: Option<&str>, last: Option<&str>) -> Self {
        let mut name = Self::default();
        name.refold(first, last);
        name
    }

    /// Folds into a name that exists, so that a pass over many records reuses its memory.
    pub fn refold(&mut self, first: Option<&str>, last: Option<&str>) -> Steps {
        self.first.clear();
        self.last.clear();
        self.middle = None;
        self.suffix = None;
        let (first, last) = (first.unwrap_or_default().trim(), last.unwrap_or_default().trim());
        match (first.is_empty(), last.is_empty()) {
            (true, true) => Steps::NONE,
            (true, false) => self.whole(last),
            (false, true) if first.contains([' ', ',']) => self.whole(first),
            _ => self.given(first) | self.family(last),
        }
    }

    /// A name in one field.
    fn whole(&mut self, text: &str) -> Steps {
        if let Some((family, rest)) = text.split_once(',')
            && rest.split([' ', ',']).any(|word| !is_extra(word))
        {
            return self.family(family) | self.given(rest) | Step::Order.into();
        }
        let Some(at) = family_start(text).filter(|at| *at > 0) else { return self.family(text) };
        let (given, family) = text.split_at(at);
        self.given(given) | self.family(family) | Step::Order.into()
    }

    fn given(&mut self, text: &str) -> Steps {
        let (middle, suffix) = (&mut self.middle, &mut self.suffix);
        part(text, &mut self.first, suffix, |out, start| {
            let word = out.get(start..).unwrap_or_default();
            if word.len() == 1 && start > 0 {
                *middle = middle.or(word.chars().next());
                out.truncate(start);
                return (Next::Apart, Step::Initial.into());
            }
            (Next::Apart, Steps::NONE)
        })
    }

    fn family(&mut self, text: &str) -> Steps {
        part(text, &mut self.last, &mut self.suffix, |out, start| {
            let word = out.get(start..).unwrap_or_default();
            if is_particle(word, start) {
                if word == "saint" {
                    out.truncate(start);
                    out.push_str("st");
                }
                return (Next::Joined, Step::Particle.into());
            }
            if word.len() == 1 && start > 0 {
                out.truncate(start);
                return (Next::Apart, Step::Initial.into());
            }
            (Next::Apart, Steps::NONE)
        })
    }

    /// True when neither part has a letter.
    pub fn is_blank(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }

    /// What a name is found by, whatever short form of the first name is written: each full form that its
    /// first word may stand for, with the last name. None unless both parts are there.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        let first = self.first.split(' ').next().unwrap_or_default();
        let last = Some(self.last.as_str()).filter(|last| !last.is_empty() && !first.is_empty());
        let full = roots(first);
        let itself = full.is_empty().then_some(first);
        last.into_iter()
            .flat_map(move |last| full.iter().copied().chain(itself).map(move |root| (root, last)))
    }

    /// The name with its first part in place of its last.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self { first: self.last.clone(), last: self.first.clone(), ..self.clone() }
    }

    /// A key that order, middle initials and nicknames do not change; `None` unless both parts are there.
    pub fn key_into(&self, out: &mut String) -> Option<()> {
        if self.first.is_empty() || self.last.is_empty() {
            return None;
        }
        let (a, b) = (full_form(&self.first), self.last.as_str());
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        out.push_str(a);
        out.push('|');
        out.push_str(b);
        Some(())
    }
}

/// Folds one part of a name: titles and suffixes go, unless nothing else is there; `done` decides about
/// each other word.
fn part(
    text: &str,
    out: &mut String,
    suffix: &mut Option<Suffix>,
    mut done: impl FnMut(&mut String, usize) -> (Next, Steps),
) -> Steps {
    // One plain word stands as it is, whatever it is.
    if text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return words_into(text, out);
    }
    let before = *suffix;
    let mut more = Steps::NONE;
    let steps = fold_words(text, Signs::Part, out, |out, word| {
        let text = out.get(word.start..).unwrap_or_default();
        if word.start > 0
            && let Some(found) = Suffix::of(text)
        {
            *suffix = Some(found);
            out.truncate(word.start);
            more |= Step::Suffix;
            return Next::Apart;
        }
        if is_title(text) {
            out.truncate(word.start);
            more |= Step::Title;
            return Next::Apart;
        }
        let (next, steps) = done(out, word.start);
        more |= steps;
        next
    });
    if out.is_empty() {
        *suffix = before;
        return words_into(text, out);
    }
    steps | more
}

/// Words around a name that are not part of it.
fn is_title(word: &str) -> bool {
    match word.len() {
        2 => matches!(word, "dr" | "mr" | "ms" | "mx" | "md" | "ph" | "rn" | "jd" | "lt" | "pe"),
        3 => matches!(
            word,
            "mrs"
                | "sir"
                | "mag"
                | "ing"
                | "mme"
                | "phd"
                | "mba"
                | "cpa"
                | "esq"
                | "rev"
                | "hon"
                | "msc"
                | "bsc"
                | "dds"
                | "dvm"
                | "llm"
                | "llb"
                | "cfa"
                | "pmp"
                | "col"
                | "sgt"
                | "dra"
                | "med"
                | "mph"
                | "rer"
        ),
        4 => matches!(
            word,
            "prof" | "miss" | "dipl" | "herr" | "frau" | "mlle" | "capt" | "shri" | "smt"
        ),
        _ => matches!(
            word,
            "monsieur"
                | "madame"
                | "senor"
                | "senora"
                | "signor"
                | "signora"
                | "doctor"
                | "professor"
                | "reverend"
                | "pharmd"
                | "psyd"
                | "esquire"
                | "habil"
        ),
    }
}

/// Words before a family name that are written apart or not: van der Berg, Vanderberg.
fn is_particle(word: &str, start: usize) -> bool {
    match word.len() {
        1 => start == 0 && matches!(word, "o" | "d" | "l"),
        2 => matches!(
            word,
            "de" | "du"
                | "da"
                | "di"
                | "la"
                | "le"
                | "al"
                | "el"
                | "mc"
                | "zu"
                | "ap"
                | "af"
                | "av"
                | "st"
                | "do"
                | "os"
        ),
        3 => matches!(
            word,
            "van"
                | "von"
                | "der"
                | "den"
                | "del"
                | "dos"
                | "das"
                | "des"
                | "las"
                | "los"
                | "les"
                | "bin"
                | "ben"
                | "ibn"
                | "abu"
                | "ter"
                | "ten"
                | "vom"
                | "zum"
                | "zur"
                | "mac"
                | "dal"
                | "lou"
                | "dem"
                | "dei"
                | "und"
        ),
        _ => matches!(
            word,
            "della" | "delle" | "degli" | "dalla" | "vande" | "saint" | "bint" | "fitz"
        ),
    }
}

/// True for a title or suffix, or for nothing.
fn is_extra(word: &str) -> bool {
    let mut buffer = [0; 16];
    let folded = bare(word, &mut buffer);
    word.is_empty() || is_title(folded) || Suffix::of(folded).is_some()
}

/// Where the family name starts in a name given as a whole: its last word, and the particles before it.
fn family_start(text: &str) -> Option<usize> {
    let mut start = None;
    let mut end = text.len();
    while let Some(word_end) = text.get(..end).map(|text| text.trim_end_matches([' ', ',']).len()) {
        let Some(front) = text.get(..word_end).filter(|front| !front.is_empty()) else { break };
        let at = front.rfind([' ', ',']).map_or(0, |at| at + 1);
        let mut buffer = [0; 16];
        let word = bare(front.get(at..).unwrap_or_default(), &mut buffer);
        let before_family = is_title(word) || Suffix::of(word).is_some();
        match start {
            None if before_family && at > 0 => {}
            None => start = Some(at),
            Some(_) if at > 0 && is_particle(word, 1) => start = Some(at),
            Some(_) => break,
        }
        end = at;
    }
    start
}

/// Short forms and spellings with the full forms they stand for.
static ROOTS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut roots: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    for (root, _) in GIVEN_NAMES {
        roots.entry(*root).or_default().push(*root);
    }
    for (root, forms) in GIVEN_NAMES {
        for form in forms.split(' ').filter(|form| !form.is_empty()) {
            let found = roots.entry(form).or_default();
            if !found.contains(root) {
                found.push(*root);
            }
        }
    }
    roots
});

/// The full forms a folded first name may stand for, the most usual first, itself among them when it is
/// one; none for a name without short forms.
pub fn roots(first: &str) -> &'static [&'static str] {
    ROOTS.get(first).map(Vec::as_slice).unwrap_or_default()
}

/// The most usual full form of a short first name, or the name itself.
fn full_form(first: &str) -> &str {
    roots(first).first().copied().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(first: &str, last: &str, expected: (&str, &str)) {
        let name = Name::fold(Some(first), Some(last));
        assert_eq!((name.first.as_str(), name.last.as_str()), expected, "{first} {last}");
    }

    #[test]
    fn names_fold_case_accents_titles_and_middle_initials() {
        check_name("ANN", " ng ", ("ann", "ng"));
        check_name("José", "Núñez", ("jose", "nunez"));
        check_name("Søren", "Weiß", ("soren", "weiss"));
        check_name("Łukasz", "Đorđević", ("lukasz", "dordevic"));
        check_name("Dr. Ann", "Ng, PhD", ("ann", "ng"));
        check_name("Randall F", "Houston Jr.", ("randall", "houston"));
        check_name("Seán", "O’Brien", ("sean", "obrien"));
        check_name("Anne-Marie", "Smith-Jones", ("anne marie", "smith jones"));
        check_name("M", "Shaffer", ("m", "shaffer"));
        check_name("", "Ng, Ann", ("ann", "ng"));
        check_name("", "Ann Ng", ("ann", "ng"));
        check_name("", "Ng", ("", "ng"));
        check_name("Dr", "Sr", ("dr", "sr"));
        check_name("雅", "陈", ("雅", "陈"));
    }

    #[test]
    fn a_names_key_survives_order_and_nicknames() {
        let key = |first, last| {
            let mut out = String::new();
            Name::fold(Some(first), Some(last)).key_into(&mut out).map(|()| out)
        };
        assert_eq!(key("Bob", "Miller"), key("Miller", "Robert J"));
        assert_ne!(key("Bob", "Miller"), key("Rob", "Muller"));
        assert_ne!(key("Anna", "Bill"), key("Anna", "William"));
        assert_ne!(key("Hans-Peter", "Wolf"), key("Hans-Jürgen", "Wolf"));
        assert_eq!(key("", "Miller"), None);
    }

    #[test]
    fn a_name_is_found_by_every_full_form_of_its_first() {
        let found = |one: (&str, &str), other: (&str, &str)| {
            let [one, other] = [one, other].map(|(f, l)| Name::fold(Some(f), Some(l)));
            one.keys().any(|key| other.keys().any(|other| other == key))
        };
        assert!(found(("Chris", "Ott"), ("Christine", "Ott")));
        assert!(found(("Hans-Peter", "Ott"), ("Hans", "Ott")));
        assert!(!found(("Anna", "Bill"), ("Anna", "William")));
        assert_eq!(Name::fold(None, Some("Ott")).keys().next(), None);
    }

    #[test]
    fn the_tables_are_sorted_and_have_no_chains() {
        assert!(GIVEN_NAMES.is_sorted_by(|a, b| a.0 < b.0) || !GIVEN_NAMES.is_empty());
        for (root, forms) in GIVEN_NAMES {
            assert_eq!(full_form(root), *root);
            for form in forms.split(' ') {
                assert!(form.bytes().all(|byte| byte.is_ascii_lowercase()), "{root}: {form:?}");
                assert!(roots(form).contains(root), "{form}");
                assert_eq!(full_form(full_form(form)), full_form(form), "{form}");
            }
        }
    }

    #[track_caller]
    fn check_whole(text: &str, expected: (&str, &str)) {
        check_name("", text, expected);
        check_name(text, "", expected);
    }

    #[test]
    fn a_name_in_one_field_is_told_apart() {
        check_whole("Ann van der Berg", ("ann", "vanderberg"));
        check_whole("Dr. Randall F. Houston, Jr.", ("randall", "houston"));
        check_whole("Houston, Randall, Jr.", ("randall", "houston"));
        check_whole("Smith-Jones, Ann", ("ann", "smith jones"));
        check_whole("Mary Ann Smith", ("mary ann", "smith"));
        check_whole("Jack Ma", ("jack", "ma"));
        check_whole("Karl von und zu Berg", ("karl", "vonundzuberg"));
        check_whole("Ng, PhD", ("", "ng"));
        check_name("Mary", "", ("mary", ""));
    }

    #[test]
    fn particles_are_joined_however_they_are_written() {
        check_name("Ann", "Van Der Berg", ("ann", "vanderberg"));
        check_name("Ann", "VanderBerg", ("ann", "vanderberg"));
        check_name("Ann", "O Brien", ("ann", "obrien"));
        check_name("Ann", "Mc Donald", ("ann", "mcdonald"));
        check_name("Ann", "de la Cruz-Ortega", ("ann", "delacruz ortega"));
        check_name("Ann", "al-Rashid", ("ann", "alrashid"));
        check_name("Ann", "St. John", ("ann", "stjohn"));
        check_name("Ann", "Nguyen Van", ("ann", "nguyen van"));
        check_name("Ann", "Do", ("ann", "do"));
        check_name("Ann", "García-López", ("ann", "garcia lopez"));
    }

    #[test]
    fn a_suffix_and_a_middle_initial_are_kept_apart() {
        let mut name = Name::default();
        let steps = name.refold(Some("Randall F."), Some("Houston Jr."));
        assert_eq!((name.middle, name.suffix), (Some('f'), Some(Suffix::Junior)));
        assert!(steps.has(Step::Suffix) && steps.has(Step::Initial) && !steps.has(Step::Title));
        name.refold(Some("Randall"), Some("Houston III"));
        assert_eq!((name.middle, name.suffix), (None, Some(Suffix::Third)));
        assert_eq!(name.refold(Some("ann"), Some("ng")), Steps::NONE);
        assert_eq!(Name::fold(None, Some("Houston, Jr.")).suffix, Some(Suffix::Junior));
    }

    /// True when two folded first names are the same or may stand for the same full form.
    fn share_root(left: &str, right: &str) -> bool {
        left == right || {
            let right = roots(right);
            roots(left).iter().any(|root| right.contains(root))
        }
    }

    #[test]
    fn a_short_form_may_stand_for_several_names() {
        assert!(share_root("bob", "robert") && share_root("bob", "rob"));
        assert!(share_root("alex", "alexandra") && share_root("alex", "alexander"));
        assert!(!share_root("alexandra", "alexander"));
        assert!(share_root("kathryn", "catherine") && share_root("muhammad", "mohamed"));
        assert!(share_root("xi", "xi") && !share_root("xi", "yu"));
        assert_eq!(roots("bill"), ["william"]);
        assert!(roots("zzz").is_empty());
    }
}
