//! Which records are compared at all: those that share a key.
//!
//! Keys are made of what two records of one thing hardly ever both have wrong: an address, a number, a
//! name with a place. A key that too many records share is parted by a second facet; what is still too
//! large is reported and not compared. Does not: compare.

#![expect(clippy::indexing_slicing, reason = "offsets come from the lengths of the same vectors")]

use std::ops::Range;

use super::compare::Comparer;
use super::dictionary::{BLANK, Code, Dictionary};
use super::facets::{Facets, Line, Mailbox};
use super::normalise::{numbered_street, sound};
use super::shuffle::Shuffle;
use super::{Crowd, Plan, Records};
use crate::threads;

/// The rules, in the words by which a crowd is reported; a key's lowest bits say which it came from.
const RULES: [&str; 21] = [
    "mail address",
    "local part of the mail address",
    "phone number",
    "name",
    "beginning of the names",
    "name and city",
    "name and postcode",
    "name and company",
    "name and street",
    "name and date of birth",
    "date of birth and place",
    "date of birth",
    "company or domain",
    "company and place",
    "word of the company name",
    "word of the company name and place",
    "words of the company name",
    "street",
    "house number and street",
    "identifier",
    "words of a text",
];

#[derive(Debug, Clone, Copy)]
enum Rule {
    Mail,
    Local,
    Phone,
    Name,
    Beginnings,
    NameCity,
    NamePostcode,
    NameCompany,
    NameStreet,
    NameBirth,
    BirthPlace,
    Birth,
    Company,
    CompanyPlace,
    Word,
    WordPlace,
    Words,
    Street,
    StreetCore,
    Identifier,
    Text,
}

const RULE_BITS: u32 = 5;

/// What keys are made of, of what companies are compared by beside their names; a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made(u8);

impl Made {
    pub(super) const OF_NEITHER: Self = Self(0);
    pub(super) const OF_PLACE: Self = Self(1);
    pub(super) const OF_PHONE: Self = Self(2);
    pub(super) const OF_DOMAIN: Self = Self(4);

    /// What keys are made of, rule by rule; the others of neither.
    const OF_RULES: [(Rule, Self); 7] = [
        (Rule::Mail, Self::OF_DOMAIN),
        (Rule::Phone, Self::OF_PHONE),
        (Rule::Company, Self::OF_DOMAIN),
        (Rule::CompanyPlace, Self::OF_PLACE),
        (Rule::WordPlace, Self::OF_PLACE),
        (Rule::Street, Self::OF_PLACE),
        (Rule::StreetCore, Self::OF_PLACE),
    ];

    fn of(rule: usize) -> Self {
        let found = Self::OF_RULES.iter().find(|(other, _)| *other as usize == rule);
        found.map_or(Self::OF_NEITHER, |(_, made)| *made)
    }

    /// The records share several keys.
    const SEVERAL: Self = Self(1 << 7);

    /// True for records that share several keys.
    pub(super) fn is_of_several(self) -> bool {
        self.0 & Self::SEVERAL.0 != 0
    }

    /// What one of the two is made of.
    fn either(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both are made of.
    fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True for what is made of another, whatever else it is made of.
    pub(super) fn holds(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What keys are made of a first name.
#[derive(Debug, Clone, Copy)]
struct First {
    root: u64,
    /// The full form's first letter.
    initial: u64,
    beginning: u64,
}

/// What keys are made of a last name.
#[derive(Debug, Clone, Copy)]
struct Last {
    name: u64,
    beginning: u64,
    sound: u64,
}

/// What keys are made of names, by code: many records hold one name.
#[derive(Debug)]
struct Names {
    first: Vec<First>,
    last: Vec<Last>,
}

impl Names {
    fn of(facets: &Facets) -> Self {
        let beginning = |text: &str, n: usize| {
            text.char_indices().nth(n).map_or_else(|| hash(text), |(at, _)| hash(&text[..at]))
        };
        let first = |code: Code| {
            let root = facets.roots(code).first().map_or("", |root| facets.root(*root));
            let initial = root.bytes().next().map_or(0, u64::from);
            let beginning = beginning(facets.first.values.text(code), 3);
            First { root: hash(root), initial, beginning }
        };
        let mut out = String::new();
        let last = |code: Code| {
            let name = facets.last.values.text(code);
            sound(name, &mut out);
            Last { name: hash(name), beginning: beginning(name, 4), sound: hash(&out) }
        };
        let codes = |values: &Dictionary| std::iter::once(BLANK).chain(values.codes());
        Self {
            first: codes(&facets.first.values).map(first).collect(),
            last: codes(&facets.last.values).map(last).collect(),
        }
    }
}

/// The keys of one record.
#[derive(Debug)]
struct Keys<'n> {
    names: &'n Names,
    of_record: Vec<u64>,
    out: String,
}

impl<'n> Keys<'n> {
    fn new(names: &'n Names) -> Self {
        Self { names, of_record: Vec::new(), out: String::new() }
    }

    fn add(&mut self, rule: Rule, parts: [u64; 2]) {
        let hash = parts.iter().fold(rule as u64, |hash, part| mix(hash, *part));
        self.of_record.push(hash << RULE_BITS | rule as u64);
    }

    /// The keys of a record; it may have one of them in several ways.
    fn of(&mut self, comparer: &Comparer, record: u32) -> &[u64] {
        self.of_record.clear();
        let facets = &comparer.facets;
        let line = facets.line(record);
        let mail = line.mail_parts;
        if mail.local != BLANK && mail.of != Mailbox::Role {
            self.add(Rule::Mail, [u64::from(line.mail), 0]);
            if !comparer.is_made_of_name(facets.locals.text(mail.local), line) {
                self.add(Rule::Local, [u64::from(mail.local), 0]);
            }
        }
        for phone in line.phones.into_iter().filter(|code| *code != BLANK) {
            self.add(Rule::Phone, [u64::from(phone), 0]);
        }
        if facets.are_people() {
            self.of_person(facets, line);
        } else {
            self.of_company(facets, line);
        }
        for (at, facet) in (0_u64..).zip(&facets.identifiers) {
            if facet.at(record) != BLANK {
                self.add(Rule::Identifier, [u64::from(facet.at(record)), at]);
            }
        }
        // What a person's column of several words says (a job title) is shared by too many.
        let texts = if facets.are_people() { [].as_slice() } else { &facets.texts };
        for (at, (facet, words)) in (0_u64..).zip(texts) {
            self.rare_words(words.of_value(facet.at(record)), &words.values, at);
        }
        &self.of_record
    }

    fn of_person(&mut self, facets: &Facets, line: &Line) {
        let (first, last) = (line.first, line.last);
        let of_first = self.names.first[first as usize];
        let of_last = self.names.last[last as usize];
        let (root_hash, last_hash) = (of_first.root, of_last.name);
        let sounding = mix(of_last.sound, of_first.initial);
        let full = first != BLANK && last != BLANK;
        let (city, postcode) = (city(line.city), postcode(line.postcode));
        let [street, birth] = [line.street, line.birth].map(wide);
        if full {
            let (low, high) = (root_hash.min(last_hash), root_hash.max(last_hash));
            self.add(Rule::Name, [low, high]);
            self.add(Rule::Beginnings, [of_first.beginning, of_last.beginning]);
            if city != 0 {
                self.add(Rule::NameCity, [sounding, city]);
            }
            if postcode != 0 {
                self.add(Rule::NamePostcode, [sounding, postcode]);
            }
        }
        let labels = line.labels().map(wide);
        for label in labels.into_iter().filter(|label| *label != 0) {
            if first != BLANK {
                self.add(Rule::NameCompany, [root_hash, label]);
            }
            if last != BLANK {
                self.add(Rule::NameCompany, [last_hash, label]);
                self.add(Rule::NameCompany, [sounding, label]);
            }
        }
        for (rule, place) in
            [(Rule::NameStreet, street), (Rule::NamePostcode, postcode), (Rule::NameBirth, birth)]
        {
            if place != 0 && first != BLANK {
                self.add(rule, [root_hash, place]);
            }
            if place != 0 && last != BLANK {
                self.add(rule, [last_hash, place]);
            }
        }
        if birth != 0 {
            self.add(Rule::Birth, [birth, 0]);
            for place in [postcode, city].into_iter().filter(|place| *place != 0) {
                self.add(Rule::BirthPlace, [birth, place]);
            }
            self.of_birth(facets, line, [root_hash, last_hash, sounding], city);
        }
    }

    /// Keys of parts of a date of birth, for dates with a slip.
    fn of_birth(&mut self, facets: &Facets, line: &Line, names: [u64; 3], city: u64) {
        let birth = facets.birth.values.text(line.birth);
        let (Some(year), Some(month), Some(day)) =
            (birth.get(..4), birth.get(4..6), birth.get(6..8))
        else {
            return;
        };
        let (year, month, day) = (hash(year), hash(month), hash(day));
        let there = [line.first, line.last, line.last];
        for (name, _) in names.iter().zip(there).filter(|(_, there)| *there != BLANK) {
            self.add(Rule::NameBirth, [*name, year]);
            if city != 0 {
                self.add(Rule::NameCity, [*name, city]);
            }
        }
        if city != 0 {
            self.add(Rule::BirthPlace, [mix(year, month), city]);
            self.add(Rule::BirthPlace, [mix(day, year), city]);
        }
    }

    fn of_company(&mut self, facets: &Facets, line: &Line) {
        let places = [city(line.city), postcode(line.postcode), region(line.region)];
        let labels = line.labels().map(wide);
        for label in labels.into_iter().filter(|label| *label != 0) {
            self.add(Rule::Company, [label, 0]);
            for place in places.into_iter().filter(|place| *place != 0) {
                self.add(Rule::CompanyPlace, [label, place]);
            }
        }
        let words = facets.company_words.of_value(line.company);
        let mut rarest: Vec<(u32, Code)> = words
            .iter()
            .map(|word| (facets.company_words.values.frequency(*word), *word))
            .collect();
        rarest.sort_by_key(|(held, _)| *held);
        let [city, postcode, _] = places;
        for (at, (_, word)) in rarest.iter().take(2).enumerate() {
            // Of two words the rarer tells names apart; the other needs a place beside it.
            if at == 0 {
                self.add(Rule::Word, [wide(*word), 0]);
            }
            for place in [city, postcode].into_iter().filter(|place| *place != 0) {
                self.add(Rule::WordPlace, [wide(*word), place]);
            }
        }
        if let [(_, one), (_, other), ..] = rarest.as_slice() {
            self.add(Rule::Words, [wide(*one.min(other)), wide(*one.max(other))]);
        }
        if city != 0 && !words.is_empty() {
            let name = facets.company.values.text(line.company);
            super::normalise::acronym_into(name, &mut self.out);
            let initials = if words.len() == 1 { name } else { self.out.as_str() };
            if initials.len() >= 2 {
                let initials = hash(initials);
                self.add(Rule::CompanyPlace, [initials, city]);
            }
        }
        let street = wide(line.street);
        if street != 0 {
            self.add(Rule::Street, [street, 0]);
            // Its kind and direction are often left out.
            if let Some((number, mut name)) =
                numbered_street(facets.street.values.text(line.street))
                && let Some(name) = name.next()
            {
                self.add(Rule::StreetCore, [hash(number), hash(name)]);
            }
            if postcode != 0 {
                self.add(Rule::Street, [street, postcode]);
            }
        }
    }

    fn rare_words(&mut self, words: &[Code], values: &Dictionary, column: u64) {
        let mut rarest: Vec<(u32, Code)> = words
            .iter()
            .map(|word| (values.frequency(*word), *word))
            .filter(|(held, _)| *held > 1)
            .collect();
        rarest.sort_by_key(|(held, _)| *held);
        rarest.truncate(4);
        for (at, (_, word)) in rarest.iter().enumerate() {
            self.add(Rule::Text, [wide(*word), column]);
            for (_, other) in rarest.iter().take(at) {
                let (low, high) = (*word.min(other), *word.max(other));
                self.add(Rule::Text, [wide(low) << 32 | wide(high), column + 1]);
            }
        }
    }
}

fn wide(code: Code) -> u64 {
    u64::from(code)
}

/// A city's code, which is no other place's; [`BLANK`] stays 0.
fn city(code: Code) -> u64 {
    wide(code)
}

/// The same of a postcode.
fn postcode(code: Code) -> u64 {
    wide(code) << 32
}

/// The same of a region.
fn region(code: Code) -> u64 {
    wide(code) << 32 | wide(code)
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

pub(super) fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ b.wrapping_mul(0xA24B_AED4_963E_E407)) * 0x9FB2_1C65_1E98_DF25;
    let [low, high] =
        [wide, wide >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
    low ^ high
}

/// Parts into which keys fall by their first bits, so that threads can put them in order apart.
const PARTS: usize = 16;
type Parts = [Vec<(u64, u32)>; PARTS];

/// The entries whose key may stand in another one too: most keys are one record's alone, make no block and
/// need no order. Told by a few bits of each key, so that some keys that nobody shares stay.
fn shared<'e>(stretches: impl Iterator<Item = &'e [(u64, u32)]> + Clone) -> Vec<(u64, u32)> {
    let len: usize = stretches.clone().map(<[_]>::len).sum();
    let words = (len / 16).next_power_of_two();
    let place = |key: u64| {
        let hash = key >> RULE_BITS;
        let word = usize::try_from(hash >> 6 & (words as u64 - 1)).unwrap_or_default();
        (word, 1_u64 << (hash & 63))
    };
    let (mut seen, mut again) = (vec![0_u64; words], vec![0_u64; words]);
    for (key, _) in stretches.clone().flatten() {
        let (word, bit) = place(*key);
        again[word] |= seen[word] & bit;
        seen[word] |= bit;
    }
    let is_shared = |(key, _): &&(u64, u32)| {
        let (word, bit) = place(*key);
        again[word] & bit != 0
    };
    stretches.flatten().filter(is_shared).copied().collect()
}

/// Records that share a key, and for each record where it stands.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    members: Vec<u32>,
    /// Where each block ends in `members`.
    ends: Vec<u32>,
    /// What each block's key is made of.
    made: Vec<Made>,
    /// The blocks of each record, record by record, and where each record's end.
    of_record: Vec<u32>,
    record_ends: Vec<u32>,
    /// Where the block of each of `members` stands in `of_record`.
    places: Vec<u32>,
    /// Keys that were left alone.
    pub(super) crowds: Vec<Crowd>,
}

impl Blocks {
    /// Brings together the records that share a key, no more than the plan's largest block of them.
    pub(super) fn of(comparer: &Comparer, records: &dyn Records, plan: Plan<'_>) -> Self {
        /// Records whose keys are made in one go.
        const STRETCH: u32 = 1 << 16;
        let len = comparer.facets.len;
        let names = Names::of(&comparer.facets);
        let stretches = len.div_ceil(STRETCH);
        let entries = threads::each(plan.threads, stretches as usize, |at| {
            let from = u32::try_from(at).unwrap_or(u32::MAX).saturating_mul(STRETCH);
            let mut keys = Keys::new(&names);
            let mut parts: Parts = Default::default();
            for record in from..len.min(from.saturating_add(STRETCH)) {
                if !records.is_left_out(record) {
                    for key in keys.of(comparer, record) {
                        parts[usize::from(key.to_be_bytes()[0]) * PARTS / 256].push((*key, record));
                    }
                }
            }
            parts.iter_mut().for_each(Vec::shrink_to_fit);
            parts
        });
        let parts = threads::each(plan.threads, PARTS, |part| {
            let mut part = shared(entries.iter().map(|parts| parts[part].as_slice()));
            part.sort_unstable();
            part.dedup();
            let mut blocks = Self::default();
            blocks.bring_together(&comparer.facets, &part, plan.largest_block);
            blocks
        });
        drop(entries);
        let mut blocks = Self::default();
        for part in parts {
            let before = u32::try_from(blocks.members.len()).unwrap_or(u32::MAX);
            blocks.members.extend(part.members);
            blocks.made.extend(part.made);
            blocks.ends.extend(part.ends.into_iter().map(|end| end.saturating_add(before)));
            blocks.crowds.extend(part.crowds);
        }
        blocks.crowds.sort_unstable();
        blocks.index(len);
        blocks
    }

    /// Makes a block of each key that several records share.
    fn bring_together(&mut self, facets: &Facets, entries: &[(u64, u32)], largest: usize) {
        for run in entries.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            let rule = usize::try_from(run[0].0 & ((1 << RULE_BITS) - 1)).unwrap_or_default();
            let made = Made::of(rule);
            if run.len() <= largest {
                self.add(run.iter().map(|(_, record)| *record), made);
                continue;
            }
            let members: Vec<u32> = run.iter().map(|(_, record)| *record).collect();
            let alone = self.part(facets, &members, largest, made);
            let apart = members.len() - alone.len();
            let by = RULES[rule];
            self.crowds.push(Crowd { first: members[0], records: members.len(), apart, by, alone });
        }
    }

    fn add(&mut self, members: impl Iterator<Item = u32>, made: Made) {
        self.members.extend(members);
        self.made.push(made);
        self.ends.push(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
    }

    /// Parts a crowd by what else its members share; those that then stand in no block of it.
    fn part(&mut self, facets: &Facets, crowd: &[u32], largest: usize, made: Made) -> Vec<u32> {
        type By = (fn(&Line) -> Code, Made);
        let by: [By; 6] = [
            (|line| line.city, Made::OF_PLACE),
            (|line| line.region, Made::OF_PLACE),
            (|line| line.company, Made::OF_NEITHER),
            (|line| line.domain, Made::OF_DOMAIN),
            (|line| line.postcode, Made::OF_PLACE),
            (|line| line.country, Made::OF_PLACE),
        ];
        let mut found = vec![false; crowd.len()];
        for (code, by) in by {
            let mut members: Vec<(Code, usize)> = crowd
                .iter()
                .enumerate()
                .map(|(at, record)| (code(facets.line(*record)), at))
                .filter(|(code, _)| *code != BLANK)
                .collect();
            members.sort_unstable();
            for run in members.chunk_by(|a, b| a.0 == b.0) {
                if (2..=largest).contains(&run.len()) {
                    self.add(run.iter().map(|(_, at)| crowd[*at]), made.either(by));
                    for (_, at) in run {
                        found[*at] = true;
                    }
                }
            }
        }
        crowd.iter().zip(found).filter(|(_, found)| !found).map(|(record, _)| *record).collect()
    }

    fn index(&mut self, len: u32) {
        let mut counts = vec![0_u32; len as usize + 1];
        for member in &self.members {
            counts[*member as usize + 1] += 1;
        }
        for at in 1..counts.len() {
            counts[at] += counts[at - 1];
        }
        let mut next = counts.clone();
        self.of_record = vec![0; self.members.len()];
        self.places = Vec::with_capacity(self.members.len());
        let mut from = 0;
        for (block, end) in (0_u32..).zip(&self.ends) {
            for member in &self.members[from..*end as usize] {
                let slot = &mut next[*member as usize];
                self.of_record[*slot as usize] = block;
                self.places.push(*slot);
                *slot += 1;
            }
            from = *end as usize;
        }
        self.record_ends = counts;
    }

    /// How many pairs share a key, those that share several counted as often.
    pub(super) fn pairs_at_most(&self) -> usize {
        let mut from = 0;
        let sizes = self.ends.iter().map(|end| {
            let size = (*end - from) as usize;
            from = *end;
            size
        });
        sizes.map(|size| size * (size - 1) / 2).sum()
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// The blocks in which a record stands, ascending.
    pub(super) fn of_record(&self, record: u32) -> &[u32] {
        let at = record as usize;
        &self.of_record[self.record_ends[at] as usize..self.record_ends[at + 1] as usize]
    }

    /// Where the records of a block stand in `members`.
    fn range(&self, block: u32) -> Range<usize> {
        let block = block as usize;
        let from = block.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        from..self.ends[block] as usize
    }

    /// The records of a block, ascending.
    fn members(&self, block: u32) -> &[u32] {
        &self.members[self.range(block)]
    }

    /// The records of a block, ascending, each with the blocks before this one in which it stands, ascending.
    pub(super) fn members_with_before(&self, block: u32) -> impl Iterator<Item = (u32, &[u32])> {
        let range = self.range(block);
        let members = self.members[range.clone()].iter().zip(&self.places[range]);
        members.map(|(record, place)| {
            let from = self.record_ends[*record as usize];
            (*record, &self.of_record[from as usize..*place as usize])
        })
    }

    /// Writes the places in a shuffle after a record's own at which those stand that share a key with it into
    /// `out`, ascending, each once, with what all keys that the two share are made of.
    pub(super) fn after(&self, record: u32, shuffle: &Shuffle, out: &mut Vec<(u32, Made)>) {
        out.clear();
        let own = shuffle.place(record);
        for block in self.of_record(record) {
            let made = self.made[*block as usize];
            let places = self.members(*block).iter().map(|member| shuffle.place(*member));
            out.extend(places.filter(|place| *place > own).map(|place| (place, made)));
        }
        out.sort_unstable_by_key(|(place, _)| *place);
        out.dedup_by(|(other, made), (kept, all)| {
            if other == kept {
                *all = all.both(*made).either(Made::SEVERAL);
            }
            other == kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_two_records_have_stay_and_most_others_go() {
        let keys = |from: u64, to: u64| (from..to).map(|n| (mix(n, 7) << RULE_BITS, 0));
        // Of 10,000 keys, every twentieth stands in both stretches.
        let one: Vec<(u64, u32)> = keys(0, 10_000).collect();
        let other: Vec<(u64, u32)> = keys(0, 10_000).step_by(20).map(|(key, _)| (key, 1)).collect();
        let kept = shared([one.as_slice(), other.as_slice()].into_iter());
        assert!(
            other.iter().all(|(key, _)| kept.contains(&(*key, 0)) && kept.contains(&(*key, 1)))
        );
        assert!((1_000..3_500).contains(&kept.len()), "{} kept", kept.len());
        assert_eq!(shared(std::iter::empty()), []);
    }
}
