//! Folds countries, provinces, postal codes, streets and cities.
//!
//! Does not: check that an address exists, or that its parts belong together.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::country_names::COUNTRY_NAMES;
use super::fold::{Next, Signs, fold_words};
use super::{Step, Steps};

/// A country by the two letters of ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

static COUNTRIES: LazyLock<HashMap<&'static str, Country>> = LazyLock::new(|| {
    COUNTRY_NAMES.iter().map(|(name, letters)| (*name, Country(*letters))).collect()
});

/// Room for the longest name of a country that is looked up.
const LONGEST_COUNTRY: usize = 64;

impl Country {
    /// The country of a code or name in any usual spelling; `None` for what is none.
    pub fn parse(raw: &str) -> Option<Self> {
        let mut buffer = [0; LONGEST_COUNTRY];
        let Some(key) = country_key(raw, &mut buffer) else {
            let mut key = String::with_capacity(raw.len());
            fold_words(raw, Signs::And, &mut key, |_, _| Next::Apart);
            return Self::of_key(&key).or_else(|| Self::of_key(raw.trim()));
        };
        Self::of_key(key)
    }

    fn of_key(key: &str) -> Option<Self> {
        let found = |key: &str| COUNTRIES.get(key).copied();
        found(key).or_else(|| found(key.strip_prefix("the ")?))
    }

    /// The two letters, in capitals.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The two letters, in capitals.
    pub fn letters(self) -> [u8; 2] {
        self.0
    }
}

/// A country's name as the table has it, on the stack: lower case, full stops dropped, other
/// punctuation a space. `None` when it is not ASCII or too long.
fn country_key<'b>(raw: &str, buffer: &'b mut [u8; LONGEST_COUNTRY]) -> Option<&'b str> {
    let mut len = 0;
    let mut parted = false;
    for byte in raw.bytes() {
        match byte {
            b'.' | b'\'' => continue,
            b'&' => {
                let and = buffer.get_mut(len..len + 4)?;
                and.copy_from_slice(b" and");
                len += 4;
                parted = true;
                continue;
            }
            _ if byte.is_ascii_alphanumeric() => {}
            _ if byte.is_ascii() => {
                parted = len > 0;
                continue;
            }
            _ => return None,
        }
        if parted {
            *buffer.get_mut(len)? = b' ';
            len += 1;
            parted = false;
        }
        *buffer.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    buffer.get(..len).and_then(|key| std::str::from_utf8(key).ok())
}

type Regions = &'static [(&'static str, &'static str)];

/// Provinces with their codes, by country.
const REGIONS: &[([u8; 2], Regions)] = &[
    (*b"US", US_STATES),
    (*b"CA", CA_PROVINCES),
    (*b"AU", AU_STATES),
    (*b"DE", DE_STATES),
    (*b"AT", AT_STATES),
    (*b"GB", GB_NATIONS),
];

const US_STATES: Regions = &[
    ("alabama", "al"),
    ("ala", "al"),
    ("alaska", "ak"),
    ("arizona", "az"),
    ("ariz", "az"),
    ("arkansas", "ar"),
    ("ark", "ar"),
    ("california", "ca"),
    ("calif", "ca"),
    ("cal", "ca"),
    ("colorado", "co"),
    ("colo", "co"),
    ("connecticut", "ct"),
    ("conn", "ct"),
    ("delaware", "de"),
    ("del", "de"),
    ("district of columbia", "dc"),
    ("washington dc", "dc"),
    ("florida", "fl"),
    ("fla", "fl"),
    ("georgia", "ga"),
    ("hawaii", "hi"),
    ("idaho", "id"),
    ("illinois", "il"),
    ("ill", "il"),
    ("indiana", "in"),
    ("ind", "in"),
    ("iowa", "ia"),
    ("kansas", "ks"),
    ("kans", "ks"),
    ("kentucky", "ky"),
    ("louisiana", "la"),
    ("maine", "me"),
    ("maryland", "md"),
    ("massachusetts", "ma"),
    ("mass", "ma"),
    ("michigan", "mi"),
    ("mich", "mi"),
    ("minnesota", "mn"),
    ("minn", "mn"),
    ("mississippi", "ms"),
    ("miss", "ms"),
    ("missouri", "mo"),
    ("montana", "mt"),
    ("mont", "mt"),
    ("nebraska", "ne"),
    ("nebr", "ne"),
    ("nevada", "nv"),
    ("nev", "nv"),
    ("new hampshire", "nh"),
    ("new jersey", "nj"),
    ("n jersey", "nj"),
    ("new mexico", "nm"),
    ("new york", "ny"),
    ("new york state", "ny"),
    ("n york", "ny"),
    ("north carolina", "nc"),
    ("n carolina", "nc"),
    ("north dakota", "nd"),
    ("n dakota", "nd"),
    ("ohio", "oh"),
    ("oklahoma", "ok"),
    ("okla", "ok"),
    ("oregon", "or"),
    ("ore", "or"),
    ("pennsylvania", "pa"),
    ("penn", "pa"),
    ("penna", "pa"),
    ("rhode island", "ri"),
    ("south carolina", "sc"),
    ("s carolina", "sc"),
    ("south dakota", "sd"),
    ("s dakota", "sd"),
    ("tennessee", "tn"),
    ("tenn", "tn"),
    ("texas", "tx"),
    ("tex", "tx"),
    ("utah", "ut"),
    ("vermont", "vt"),
    ("virginia", "va"),
    ("washington", "wa"),
    ("washington state", "wa"),
    ("wash", "wa"),
    ("west virginia", "wv"),
    ("w virginia", "wv"),
    ("wisconsin", "wi"),
    ("wisc", "wi"),
    ("wis", "wi"),
    ("wyoming", "wy"),
    ("wyo", "wy"),
    ("puerto rico", "pr"),
    ("guam", "gu"),
    ("virgin islands", "vi"),
    ("us virgin islands", "vi"),
    ("american samoa", "as"),
    ("northern mariana islands", "mp"),
    ("armed forces americas", "aa"),
    ("armed forces europe", "ae"),
    ("armed forces pacific", "ap"),
];

const CA_PROVINCES: Regions = &[
    ("alberta", "ab"),
    ("alta", "ab"),
    ("british columbia", "bc"),
    ("colombie britannique", "bc"),
    ("manitoba", "mb"),
    ("man", "mb"),
    ("new brunswick", "nb"),
    ("nouveau brunswick", "nb"),
    ("newfoundland and labrador", "nl"),
    ("newfoundland", "nl"),
    ("newfoundland labrador", "nl"),
    ("terre neuve et labrador", "nl"),
    ("nfld", "nl"),
    ("nf", "nl"),
    ("nova scotia", "ns"),
    ("nouvelle ecosse", "ns"),
    ("northwest territories", "nt"),
    ("territoires du nord ouest", "nt"),
    ("nwt", "nt"),
    ("nunavut", "nu"),
    ("ontario", "on"),
    ("ont", "on"),
    ("prince edward island", "pe"),
    ("ile du prince edouard", "pe"),
    ("pei", "pe"),
    ("quebec", "qc"),
    ("que", "qc"),
    ("pq", "qc"),
    ("province de quebec", "qc"),
    ("saskatchewan", "sk"),
    ("sask", "sk"),
    ("yukon", "yt"),
    ("yukon territory", "yt"),
];

const AU_STATES: Regions = &[
    ("new south wales", "nsw"),
    ("queensland", "qld"),
    ("south australia", "sa"),
    ("tasmania", "tas"),
    ("victoria", "vic"),
    ("western australia", "wa"),
    ("australian capital territory", "act"),
    ("northern territory", "nt"),
];

const DE_STATES: Regions = &[
    ("baden wurttemberg", "bw"),
    ("baden wuerttemberg", "bw"),
    ("bayern", "by"),
    ("bavaria", "by"),
    ("berlin", "be"),
    ("brandenburg", "bb"),
    ("bremen", "hb"),
    ("hamburg", "hh"),
    ("hessen", "he"),
    ("hesse", "he"),
    ("mecklenburg vorpommern", "mv"),
    ("mecklenburg western pomerania", "mv"),
    ("niedersachsen", "ni"),
    ("lower saxony", "ni"),
    ("nordrhein westfalen", "nw"),
    ("north rhine westphalia", "nw"),
    ("nrw", "nw"),
    ("rheinland pfalz", "rp"),
    ("rhineland palatinate", "rp"),
    ("rlp", "rp"),
    ("saarland", "sl"),
    ("sachsen", "sn"),
    ("saxony", "sn"),
    ("sachsen anhalt", "st"),
    ("saxony anhalt", "st"),
    ("schleswig holstein", "sh"),
    ("thuringen", "th"),
    ("thueringen", "th"),
    ("thuringia", "th"),
];

const AT_STATES: Regions = &[
    ("burgenland", "1"),
    ("bgld", "1"),
    ("karnten", "2"),
    ("kaernten", "2"),
    ("carinthia", "2"),
    ("ktn", "2"),
    ("niederosterreich", "3"),
    ("niederoesterreich", "3"),
    ("lower austria", "3"),
    ("no", "3"),
    ("noe", "3"),
    ("oberosterreich", "4"),
    ("oberoesterreich", "4"),
    ("upper austria", "4"),
    ("oo", "4"),
    ("ooe", "4"),
    ("salzburg", "5"),
    ("sbg", "5"),
    ("steiermark", "6"),
    ("styria", "6"),
    ("stmk", "6"),
    ("tirol", "7"),
    ("tyrol", "7"),
    ("vorarlberg", "8"),
    ("vbg", "8"),
    ("wien", "9"),
    ("vienna", "9"),
];

const GB_NATIONS: Regions = &[
    ("england", "eng"),
    ("scotland", "sct"),
    ("sco", "sct"),
    ("wales", "wls"),
    ("cymru", "wls"),
    ("wal", "wls"),
    ("northern ireland", "nir"),
    ("ni", "nir"),
    ("n ireland", "nir"),
];

/// A province's code by its name within a country.
static REGION_CODES: LazyLock<HashMap<([u8; 2], &'static str), &'static str>> =
    LazyLock::new(|| {
        let all = REGIONS.iter().flat_map(|(country, regions)| {
            regions.iter().map(|(name, code)| ((*country, *name), *code))
        });
        all.collect()
    });

/// A province's code by its name where the country is unknown: the first country's that has it.
static ANY_REGION: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    // What is short is a code itself, or one country's abbreviation.
    let names = REGIONS.iter().flat_map(|(_, regions)| *regions).filter(|(name, _)| name.len() > 3);
    for (name, code) in names {
        codes.entry(*name).or_insert(*code);
    }
    codes
});

/// Folds a province into its code, where the country's codes are known: California and Calif. are ca.
/// Other names are folded words.
pub fn region_into(raw: &str, country: Option<Country>, out: &mut String) -> Steps {
    out.clear();
    let mut letters = Initials::default();
    let mut steps = fold_words(raw, Signs::And, out, |out, word| {
        letters.join(out, word.start, word.after_dot);
        Next::Apart
    });
    let code = match country {
        Some(country) => region_code(country, out),
        None => ANY_REGION.get(out.as_str()).copied(),
    };
    if let Some(code) = code {
        code.clone_into(out);
        steps |= Step::Code;
    } else if let Some(country) = country
        && let (Some(front), Some(b' ')) = (out.get(..2), out.as_bytes().get(2))
        && front.eq_ignore_ascii_case(country.code())
        && out.len() <= 6
    {
        // The code with its country: us ca.
        out.drain(..3);
    }
    steps
}

fn region_code(country: Country, name: &str) -> Option<&'static str> {
    let codes: &HashMap<([u8; 2], &str), &'static str> = &REGION_CODES;
    codes.get(&(country.letters(), name)).copied()
}

/// Joins letters that full stops part: n.s.w. is nsw.
#[derive(Debug, Default)]
pub(super) struct Initials {
    in_run: bool,
}

impl Initials {
    /// Joins the word just written to the one before, when both are such letters.
    pub(super) fn join(&mut self, out: &mut String, start: usize, after_dot: bool) {
        let is_letter = out.len() - start == 1;
        if is_letter && self.in_run && after_dot && start > 0 {
            out.remove(start - 1);
        }
        self.in_run = is_letter;
    }
}

/// Folds a postal code: no spaces, no country before it, ZIP+4 cut to five digits.
pub fn postcode_into(raw: &str, country: Option<Country>, out: &mut String) -> Steps {
    out.clear();
    let mut steps = Steps::NONE;
    let raw = raw.trim();
    for byte in raw.bytes() {
        if byte.is_ascii_uppercase() {
            steps |= Step::Case;
        }
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    if raw.len() != out.len() {
        steps |= Step::Punctuation;
    }
    let letters = out.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest_is_digits = out.bytes().skip(letters).all(|byte| byte.is_ascii_digit());
    if (1..=2).contains(&letters) && rest_is_digits && out.len() - letters >= 4 {
        out.drain(..letters);
        steps |= Step::CountryPrefix;
    }
    let is = |letters: &[u8; 2]| country.is_some_and(|country| country.letters() == *letters);
    let has_plus_four = raw.as_bytes().get(5) == Some(&b'-') || is(b"US");
    let digits = out.bytes().all(|byte| byte.is_ascii_digit());
    if digits && out.len() == 9 && has_plus_four {
        out.truncate(5);
        steps |= Step::PlusFour;
    }
    if digits && out.len() == 4 && (is(b"US") || is(b"DE") || is(b"FR") || is(b"IT") || is(b"ES")) {
        out.insert(0, '0');
        steps |= Step::LeadingZero;
    }
    steps
}

/// A street address, folded and told apart.
#[derive(Debug, Clone, Default)]
pub struct Street {
    /// House number, with its letter.
    pub number: String,
    /// Name and kind of the street.
    pub name: String,
    /// Flat, suite or floor.
    pub unit: String,
    /// The words, before they are told apart.
    words: String,
}

/// More words than this are no street; what follows is left out.
const MOST_WORDS: usize = 20;

impl Street {
    /// Folds a street address into one that exists.
    pub fn refold(&mut self, raw: &str) -> Steps {
        self.number.clear();
        self.name.clear();
        self.unit.clear();
        self.words.clear();
        let raw = raw.trim();
        let mut steps = Steps::NONE;
        let rest = match raw.get(..2) {
            Some("c/" | "C/") => {
                self.words.push_str("calle ");
                raw.get(2..).unwrap_or_default()
            }
            _ => raw,
        };
        let mut letters = Initials::default();
        steps |= fold_words(rest, Signs::Unit, &mut self.words, |out, word| {
            letters.join(out, word.start, word.after_dot);
            Next::Apart
        });
        let words = std::mem::take(&mut self.words);
        steps |= self.tell_apart(&words);
        self.words = words;
        steps
    }

    fn tell_apart(&mut self, words: &str) -> Steps {
        let mut list = [""; MOST_WORDS];
        let mut len = 0;
        for (slot, word) in list.iter_mut().zip(words.split(' ')) {
            *slot = word;
            len += 1;
        }
        let all = list.get_mut(..len).unwrap_or_default();
        // One Microsoft Way.
        if let [first @ "one", _, ..] = all {
            *first = "1";
        }
        let mut steps = self.take_units(all);
        let mut rest = 0;
        for at in 0..all.len() {
            if let Some(word) = all.get(at).copied().filter(|word| !word.is_empty()) {
                if let Some(slot) = all.get_mut(rest) {
                    *slot = word;
                }
                rest += 1;
            }
        }
        let all = all.get(..rest).unwrap_or_default();
        let (number, name) = number_and_name(all);
        for part in number {
            if part.starts_with(is_digit) {
                push_word(part, &mut self.number);
            } else {
                self.number.push_str(part);
            }
        }
        for word in name {
            steps |= push_street_word(word, &mut self.name);
        }
        steps
    }

    /// Takes units out of the list and leaves blanks.
    fn take_units(&mut self, list: &mut [&str]) -> Steps {
        let mut steps = Steps::NONE;
        for at in 0..list.len() {
            if !list.get(at).is_some_and(|word| is_unit(word)) {
                continue;
            }
            let is_number = |at: usize| {
                list.get(at).is_some_and(|word| word.len() == 1 || word.starts_with(is_digit))
            };
            let is_floor = list.get(at).is_some_and(|word| {
                matches!(
                    *word,
                    "floor" | "fl" | "etage" | "og" | "stock" | "piso" | "andar" | "planta"
                )
            });
            let value = if is_floor && at >= 2 && is_number(at - 1) {
                at - 1
            } else if is_number(at + 1) {
                at + 1
            } else {
                continue;
            };
            if let Some(slot) = list.get_mut(value) {
                let word = std::mem::take(slot);
                let bare = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let is_ordinal = is_floor && !bare.is_empty();
                push_word(if is_ordinal { bare } else { word }, &mut self.unit);
            }
            if let Some(slot) = list.get_mut(at) {
                *slot = "";
            }
            steps |= Step::Unit;
        }
        steps
    }

    /// True when there is nothing.
    pub fn is_blank(&self) -> bool {
        self.name.is_empty() && self.number.is_empty() && self.unit.is_empty()
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn push_word(word: &str, out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "suite"
            | "ste"
            | "unit"
            | "apt"
            | "apartment"
            | "flat"
            | "floor"
            | "fl"
            | "room"
            | "rm"
            | "building"
            | "bldg"
            | "level"
            | "lvl"
            | "office"
            | "ofc"
            | "etage"
            | "og"
            | "stock"
            | "piso"
            | "top"
            | "door"
            | "bureau"
            | "bte"
            | "appt"
            | "apto"
            | "appartement"
            | "wohnung"
            | "stiege"
            | "lokal"
            | "int"
            | "shop"
            | "warehouse"
            | "tower"
            | "wing"
            | "block"
            | "andar"
            | "planta"
            | "no"
    )
}

/// The house number and the other words: it stands before the name or after it.
fn number_and_name<'l, 'w>(words: &'l [&'w str]) -> (&'l [&'w str], &'l [&'w str]) {
    let is_number = |word: &&str| word.starts_with(is_digit) && !is_ordinal(word);
    let is_letter = |word: &str| {
        matches!(word, "bis" | "ter") || word.len() == 1 && !matches!(word, "n" | "s" | "e" | "w")
    };
    let mut front = words.iter().take_while(|word| is_number(word)).count();
    if front > 0 && front < words.len() {
        if words.get(front).is_some_and(|word| is_letter(word)) && front + 1 < words.len() {
            front += 1;
        }
        return words.split_at(front);
    }
    let ends_in_letter = words
        .last()
        .is_some_and(|word| word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let before_letter = words.len() - usize::from(ends_in_letter);
    let digits = words.iter().take(before_letter).rev().take_while(|word| is_number(word)).count();
    if digits == 0 {
        return (&[], words);
    }
    let (name, number) = words.split_at(before_letter - digits);
    (number, name)
}

fn is_ordinal(word: &str) -> bool {
    let letters = word.trim_start_matches(is_digit);
    letters.len() < word.len() && matches!(letters, "st" | "nd" | "rd" | "th")
}

/// Writes one word of a street's name in its one form.
fn push_street_word(word: &str, out: &mut String) -> Steps {
    if let Some((short, step)) = street_word(word) {
        if short == "str" {
            // Hauptstr and Haupt Straße are one word.
            out.push_str(short);
        } else {
            push_word(short, out);
        }
        return if short == word { Steps::NONE } else { step.into() };
    }
    for (ending, short) in [("strasse", "str"), ("straat", "str"), ("platz", "pl")] {
        if let Some(front) = word.strip_suffix(ending).filter(|front| front.len() > 1) {
            push_word(front, out);
            out.push_str(short);
            return Step::StreetType.into();
        }
    }
    push_word(word, out);
    Steps::NONE
}

/// House number and name of a folded street that has both: without its kind and direction, and without
/// the second of two numbers.
pub fn numbered_street(street: &str) -> Option<(&str, impl Iterator<Item = &str> + Clone)> {
    let (number, rest) = street.split_once(' ')?;
    let mut words = rest.split(' ').peekable();
    words.next_if(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let is_name =
        |word: &&str| !matches!(street_word(word), Some((_, Step::StreetType | Step::Direction)));
    let name = words.filter(is_name);
    let has_both = number.starts_with(|first: char| first.is_ascii_digit());
    (has_both && name.clone().next().is_some()).then_some((number, name))
}

/// The one form of a word that streets have often.
fn street_word(word: &str) -> Option<(&'static str, Step)> {
    STREET_WORDS.get(word).copied()
}

static STREET_WORDS: LazyLock<HashMap<&'static str, (&'static str, Step)>> = LazyLock::new(|| {
    let tables = [
        (STREET_TYPES, Step::StreetType),
        (ORDINALS, Step::Ordinal),
        (DIRECTIONS, Step::Direction),
    ];
    let mut words = HashMap::new();
    for (table, step) in tables {
        for (short, forms) in table {
            words.insert(*short, (*short, step));
            words.extend(forms.split(' ').map(|form| (form, (*short, step))));
        }
    }
    words
});

/// Kinds of streets: the one form, and the others.
const STREET_TYPES: &[(&str, &str)] = &[
    ("aly", "alley allee ally"),
    ("arc", "arcade"),
    ("ave", "avenue av aven avenu avenida avda avd aveneu"),
    ("bch", "beach"),
    ("blvd", "boulevard bd boul boulv bvd bld bulevar boulevar"),
    ("br", "branch"),
    ("brg", "bridge"),
    ("byp", "bypass"),
    ("cir", "circle circ crcl circles"),
    ("cl", "close"),
    ("cmn", "common"),
    ("cor", "corner"),
    ("cres", "crescent cresent crsnt"),
    ("xing", "crossing"),
    ("ct", "court crt courts"),
    ("ctr", "center centre cntr"),
    ("cv", "cove"),
    ("dr", "drive drv driv"),
    ("est", "estate estates"),
    ("expy", "expressway expwy"),
    ("ext", "extension"),
    ("fwy", "freeway frwy"),
    ("gdns", "gardens garden gdn"),
    ("grn", "green"),
    ("grv", "grove"),
    ("hbr", "harbor harbour"),
    ("hts", "heights"),
    ("hl", "hill"),
    ("hls", "hills"),
    ("hwy", "highway hiway hway highwy"),
    ("ind", "industrial"),
    ("jct", "junction"),
    ("lndg", "landing"),
    ("ln", "lane"),
    ("lp", "loop"),
    ("mnr", "manor"),
    ("mdw", "meadow"),
    ("mdws", "meadows"),
    ("pk", "park"),
    ("pkwy", "parkway pkway pky parkwy"),
    ("pl", "place plaza plz platz plc plein"),
    ("pt", "point"),
    ("prom", "promenade"),
    ("rdg", "ridge"),
    ("rd", "road"),
    ("rte", "route"),
    ("sq", "square sqr"),
    ("st", "street strt saint sainte ste"),
    ("sta", "station"),
    ("ter", "terrace terr tce"),
    ("tpke", "turnpike tnpk"),
    ("trl", "trail"),
    ("vlg", "village"),
    ("vw", "view"),
    ("vly", "valley"),
    ("way", "wy"),
    ("wlk", "walk"),
    ("str", "strasse straat"),
    ("calle", "cll"),
    ("ctra", "carretera"),
    ("ps", "paseo pso"),
    ("pza", "piazza pzza"),
    ("ul", "ulica ulitsa"),
    ("u", "utca"),
    ("ch", "chemin"),
    ("fbg", "faubourg"),
    ("imp", "impasse"),
    ("crs", "cours"),
    ("cso", "corso"),
    ("vle", "viale"),
    ("lgo", "largo"),
    ("rua", "r"),
    ("tv", "travessa"),
    ("bus", "business"),
    ("box", "postbox"),
];

const ORDINALS: &[(&str, &str)] = &[
    ("1st", "first 1er 1ere"),
    ("2nd", "second"),
    ("3rd", "third"),
    ("4th", "fourth"),
    ("5th", "fifth"),
    ("6th", "sixth"),
    ("7th", "seventh"),
    ("8th", "eighth"),
    ("9th", "ninth"),
    ("10th", "tenth"),
    ("11th", "eleventh"),
    ("12th", "twelfth"),
    ("13th", "thirteenth"),
    ("14th", "fourteenth"),
    ("15th", "fifteenth"),
    ("16th", "sixteenth"),
    ("17th", "seventeenth"),
    ("18th", "eighteenth"),
    ("19th", "nineteenth"),
    ("20th", "twentieth"),
];

const DIRECTIONS: &[(&str, &str)] = &[
    ("n", "north nord norte"),
    ("s", "south sud sur"),
    ("e", "east est ost este"),
    ("w", "west ouest oeste"),
    ("ne", "northeast"),
    ("nw", "northwest"),
    ("se", "southeast"),
    ("sw", "southwest"),
];

/// Folds a street address; see [`Street::refold`].
pub fn street_into(raw: &str, out: &mut Street) -> Steps {
    out.refold(raw)
}

/// Cities that have several usual names, and parts of their names that have several forms.
const CITY_WORDS: &[(&str, &str)] = &[
    ("st", "saint sankt sainte ste"),
    ("ft", "fort"),
    ("mt", "mount"),
    ("n", "north"),
    ("s", "south"),
    ("e", "east"),
    ("w", "west"),
    ("munich", "munchen muenchen"),
    ("cologne", "koln koeln"),
    ("vienna", "wien"),
    ("nuremberg", "nurnberg nuernberg"),
    ("zurich", "zuerich"),
    ("dusseldorf", "duesseldorf"),
    ("geneva", "geneve genf"),
    ("basel", "basle bale"),
    ("milan", "milano mailand"),
    ("rome", "roma rom"),
    ("florence", "firenze"),
    ("turin", "torino"),
    ("venice", "venezia"),
    ("naples", "napoli"),
    ("genoa", "genova"),
    ("lisbon", "lisboa lissabon"),
    ("prague", "praha prag"),
    ("warsaw", "warszawa warschau"),
    ("krakow", "cracow"),
    ("brussels", "bruxelles brussel"),
    ("antwerp", "antwerpen anvers"),
    ("ghent", "gent gand"),
    ("copenhagen", "kobenhavn koebenhavn"),
    ("gothenburg", "goteborg"),
    ("seville", "sevilla"),
    ("moscow", "moskva moskau"),
    ("athens", "athina"),
    ("bucharest", "bucuresti"),
    ("hanover", "hannover"),
    ("mumbai", "bombay"),
    ("bengaluru", "bangalore"),
    ("kolkata", "calcutta"),
    ("chennai", "madras"),
    ("beijing", "peking"),
    ("luzern", "lucerne"),
    ("lyon", "lyons"),
    ("marseille", "marseilles"),
    ("gurugram", "gurgaon"),
];

static CITY_FORMS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let forms =
        CITY_WORDS.iter().flat_map(|(one, forms)| forms.split(' ').map(|form| (form, *one)));
    forms.collect()
});

/// Folds a city's name: Saint is st, Fort is ft, Mount is mt, and a name of another language is the
/// English one.
pub fn city_into(raw: &str, out: &mut String) -> Steps {
    out.clear();
    let mut more = Steps::NONE;
    let steps = fold_words(raw, Signs::Part, out, |out, word| {
        if let Some(one) = out.get(word.start..).and_then(|word| CITY_FORMS.get(word)) {
            out.truncate(word.start);
            out.push_str(one);
            more |= Step::Abbreviation;
        }
        Next::Apart
    });
    let whole = match out.as_str() {
        "nyc" | "new york city" | "new york ny" => "new york",
        "den haag" | "s gravenhage" | "sgravenhage" | "hague" => "the hague",
        "sf" | "san fran" => "san francisco",
        _ => return steps | more,
    };
    whole.clone_into(out);
    steps | more | Step::Abbreviation.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_country(raw: &str, expected: &str) {
        let found = Country::parse(raw);
        assert_eq!(found.as_ref().map_or("", Country::code), expected, "{raw}");
    }

    #[test]
    fn a_country_is_known_by_code_name_and_abbreviation() {
        for raw in [
            "US",
            "usa",
            "U.S.A.",
            "U. S.",
            "United States",
            "the United States of America",
            "Estados Unidos",
        ] {
            check_country(raw, "US");
        }
        for raw in ["UK", "GB", "GBR", "England", "Great Britain", "U.K."] {
            check_country(raw, "GB");
        }
        check_country("Deutschland", "DE");
        check_country(" germany ", "DE");
        check_country("España", "ES");
        check_country("The Netherlands", "NL");
        check_country("Österreich", "AT");
        check_country("Türkiye", "TR");
        check_country("Côte d'Ivoire", "CI");
        check_country("Bosnia & Herzegovina", "BA");
        check_country("中国", "CN");
        check_country("한국", "KR");
        for raw in [
            "",
            "n/a",
            "Atlantis",
            "XX",
            "a very long text that is certainly not the name of any country at all",
        ] {
            check_country(raw, "");
        }
    }

    #[test]
    fn every_country_of_the_table_is_found_by_what_the_table_says() {
        assert!(COUNTRY_NAMES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, letters) in COUNTRY_NAMES {
            assert_eq!(Country::parse(name), Some(Country(*letters)), "{name}");
        }
    }

    #[track_caller]
    fn check_region(raw: &str, country: &str, expected: &str) {
        let mut out = String::new();
        region_into(raw, Country::parse(country), &mut out);
        assert_eq!(out, expected, "{raw} in {country}");
    }

    #[test]
    fn a_province_is_its_code() {
        check_region("California", "US", "ca");
        check_region("Calif.", "US", "ca");
        check_region("CA", "US", "ca");
        check_region("CA", "", "ca");
        check_region("California", "", "ca");
        check_region("US-CA", "US", "ca");
        check_region("D.C.", "US", "dc");
        check_region("N.S.W.", "AU", "nsw");
        check_region("Western Australia", "AU", "wa");
        check_region("Québec", "CA", "qc");
        check_region("Bayern", "DE", "by");
        check_region("Nordrhein-Westfalen", "DE", "nw");
        check_region("Wien", "AT", "9");
        check_region("Île-de-France", "FR", "ile de france");
    }

    #[track_caller]
    fn check_postcode(raw: &str, country: &str, expected: &str) {
        let mut out = String::new();
        postcode_into(raw, Country::parse(country), &mut out);
        assert_eq!(out, expected, "{raw} in {country}");
    }

    #[test]
    fn a_postal_code_is_without_spaces_and_country() {
        check_postcode("12345-6789", "US", "12345");
        check_postcode("12345-6789", "", "12345");
        check_postcode("123456789", "US", "12345");
        check_postcode("2139", "US", "02139");
        check_postcode("sw1a 1aa", "GB", "sw1a1aa");
        check_postcode("M1 1AE", "GB", "m11ae");
        check_postcode("1012 AB", "NL", "1012ab");
        check_postcode("D-10115", "DE", "10115");
        check_postcode("CH-8001", "CH", "8001");
        check_postcode("A-1010", "", "1010");
        check_postcode("01310-100", "BR", "01310100");
        check_postcode("K1A 0B1", "CA", "k1a0b1");
        check_postcode("00-950", "PL", "00950");
    }

    #[track_caller]
    fn check_street(raw: &str, expected: (&str, &str, &str)) {
        let mut street = Street::default();
        street.refold(raw);
        let found = (street.number.as_str(), street.name.as_str(), street.unit.as_str());
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn a_numbered_street_is_its_number_and_its_name() {
        let told = |street| {
            let (number, name) = numbered_street(street)?;
            Some((number, name.collect::<Vec<_>>().join(" ")))
        };
        for street in ["7239 s dobson ave", "7239 dobson", "7239 dobson st n", "7239 41 dobson"] {
            assert_eq!(told(street), Some(("7239", "dobson".to_owned())), "{street}");
        }
        assert_eq!(told("12 hwy 50"), Some(("12", "50".to_owned())));
        for street in ["10 n st", "dobson ave", "hotel dobson", "10", ""] {
            assert_eq!(told(street), None, "{street}");
        }
    }

    #[test]
    fn a_street_is_told_apart_and_has_one_form() {
        for raw in
            ["123 North Main Street, Suite 400", "123 N. Main St. #400", "123 N Main St Ste 400"]
        {
            check_street(raw, ("123", "n main st", "400"));
        }
        for raw in ["Hauptstraße 12a", "Hauptstr. 12 a", "Haupt Str. 12A", "HAUPTSTRASSE 12a"] {
            check_street(raw, ("12a", "hauptstr", ""));
        }
        check_street("1600 Pennsylvania Avenue NW", ("1600", "pennsylvania ave nw", ""));
        check_street("350 Fifth Avenue, 21st Floor", ("350", "5th ave", "21"));
        check_street("350 5th Ave Fl 21", ("350", "5th ave", "21"));
        check_street("5th Avenue", ("", "5th ave", ""));
        check_street("10 Rue Ste. Catherine", ("10", "rue st catherine", ""));
        check_street("Via Roma, 10", ("10", "via roma", ""));
        check_street("C/ Mayor 5", ("5", "calle mayor", ""));
        check_street("Calle Mayor, 5", ("5", "calle mayor", ""));
        check_street("Kerkstraat 7", ("7", "kerkstr", ""));
        check_street("Flat 2, 10 Downing St", ("10", "downing st", "2"));
        check_street("P.O. Box 12", ("12", "po box", ""));
        check_street("123 Highway 50", ("123", "hwy 50", ""));
        check_street("12-14 High Street", ("12 14", "high st", ""));
        check_street("12 bis Rue de Rivoli", ("12bis", "rue de rivoli", ""));
        check_street("One Acme Way", ("1", "acme way", ""));
        check_street("Rua Augusta, 1500 - 5º andar", ("1500", "rua augusta", "5"));
        check_street("", ("", "", ""));
    }

    #[test]
    fn a_city_has_one_form() {
        let mut out = String::new();
        for (raw, expected) in [
            ("Saint Louis", "st louis"),
            ("St. Louis", "st louis"),
            ("FT. WORTH", "ft worth"),
            ("Mount Vernon", "mt vernon"),
            ("München", "munich"),
            ("New York City", "new york"),
            ("Île d'Yeu", "ile dyeu"),
            ("Den Haag", "the hague"),
        ] {
            city_into(raw, &mut out);
            assert_eq!(out, expected, "{raw}");
        }
    }
}
