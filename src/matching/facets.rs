//! The records as the comparisons see them: folded values, each a small number.
//!
//! A facet is one thing known of a record (its mail address, its company's name), whatever columns it came
//! from. Does not: compare; and it keeps no raw value.

#![expect(
    clippy::indexing_slicing,
    reason = "a code indexes the tables made for its own dictionary"
)]

use super::compare::{float, initials};
use std::num::NonZeroUsize;

use super::dictionary::{BLANK, Code, Dictionary, FETCHED, Pairs};
use super::namesakes;
use super::normalise::{self, Company, Country, Lists, Mail, Name, Street, Suffix};
use super::similar::{Glance, Neighbours};
use crate::threads;

use super::{Kind, Plan, Records};

/// What is known of one record, side by side: comparing two records looks up little else. Two lines of the
/// cache, which come together.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(128))]
pub(super) struct Line {
    pub(super) first: Code,
    pub(super) last: Code,
    /// First and last name, where there are both.
    pub(super) name: Code,
    pub(super) mail: Code,
    pub(super) company: Code,
    pub(super) domain: Code,
    pub(super) street: Code,
    pub(super) city: Code,
    pub(super) postcode: Code,
    pub(super) region: Code,
    pub(super) country: Code,
    pub(super) birth: Code,
    /// Phone numbers; blank ones at the end.
    pub(super) phones: [Code; PHONES],
    /// The first name, as a last name.
    pub(super) first_as_last: Code,
    /// The full form that the first name may stand for; blank where there are several.
    pub(super) root: Code,
    /// The local part of the mail address, and its domain.
    pub(super) mail_parts: MailParts,
    /// What the company's name and the domain have in common.
    pub(super) company_label: Code,
    pub(super) domain_label: Code,
    pub(super) first_glance: Glance,
    pub(super) last_glance: Glance,
    pub(super) local_glance: Glance,
    pub(super) domain_label_glance: Glance,
    pub(super) phone_glances: [Glance; PHONES],
    pub(super) company_neighbours: Neighbours,
    /// The company's name is one word.
    pub(super) is_one_word: bool,
    /// What tells a father from a son.
    pub(super) suffix: Option<Suffix>,
}

impl Line {
    /// The labels of the company and of the domain; one that is both stands there once.
    pub(super) fn labels(&self) -> [Code; 2] {
        let is_new = self.domain_label != self.company_label;
        [self.company_label, if is_new { self.domain_label } else { BLANK }]
    }
}

/// What is known of a company's name, side by side.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Card {
    /// The first of the name's words, and how many there are.
    words: [Code; Self::WORDS],
    len: u8,
    /// How many initials the name has.
    initials: u8,
    /// What the words tell together, in bits.
    pub(super) total: f32,
    /// The name without what says which unit or place of it.
    pub(super) stem: Code,
    pub(super) glance: Glance,
    pub(super) stem_glance: Glance,
    pub(super) neighbours: Neighbours,
}

const _: () = assert!(size_of::<Card>() == 64, "a company is to stay within one line of the cache");

impl Card {
    const WORDS: usize = 8;

    fn is_one_word(&self) -> bool {
        self.len == 1
    }

    /// False where neither name has as many letters as the other has initials.
    pub(super) fn may_be_initials(&self, other: &Self) -> bool {
        self.glance.may_be_of_len(other.initials) || other.glance.may_be_of_len(self.initials)
    }
}

const _: () =
    assert!(size_of::<Line>() == 128, "a record is to stay within two lines of the cache");

/// One thing known of every record.
#[derive(Debug, Clone, Default)]
pub(super) struct Facet {
    codes: Vec<Code>,
    pub(super) values: Dictionary,
}

impl Facet {
    /// A record's code; [`BLANK`] too where no column says anything of the kind.
    pub(super) fn at(&self, record: u32) -> Code {
        self.codes.get(record as usize).copied().unwrap_or(BLANK)
    }

    /// A record's folded value.
    fn text(&self, record: u32) -> &str {
        self.values.text(self.at(record))
    }

    /// True when no record has a value.
    pub(super) fn is_blank(&self) -> bool {
        self.values.len() == 0
    }

    fn push(&mut self, value: &str) -> Code {
        let code = self.values.count(value);
        self.codes.push(code);
        code
    }
}

/// The words of every value of a facet, and how many records hold each word.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    flat: Vec<Code>,
    ends: Vec<usize>,
    pub(super) values: Dictionary,
    /// What each word tells, in bits: a rare one more.
    weights: Vec<f32>,
    /// What the words of each value tell together.
    totals: Vec<f32>,
}

impl Words {
    /// The words of the values that so many records hold.
    pub(super) fn of(values: &Dictionary, records: u32) -> Self {
        let mut words = Self { ends: vec![0, 0], ..Self::default() };
        for code in values.codes() {
            let from = words.flat.len();
            for word in values.text(code).split(' ') {
                let word = words.values.intern(word);
                if !words.flat[from..].contains(&word) {
                    words.flat.push(word);
                    words.values.add(word, values.frequency(code));
                }
            }
            words.ends.push(words.flat.len());
        }
        let held = |word: Code| float(words.values.frequency(word));
        let weight = |word: Code| (1.0 + float(records) / (1.0 + held(word))).log2();
        words.weights = std::iter::once(BLANK).chain(words.values.codes()).map(weight).collect();
        let total = |code: Code| words.of_value(code).iter().map(|word| words.weight(*word)).sum();
        words.totals = std::iter::once(BLANK).chain(values.codes()).map(total).collect();
        words
    }

    /// What a word tells, in bits.
    pub(super) fn weight(&self, word: Code) -> f32 {
        self.weights.get(word as usize).copied().unwrap_or_default()
    }

    /// What the words of a value tell together, in bits.
    pub(super) fn total(&self, code: Code) -> f32 {
        self.totals.get(code as usize).copied().unwrap_or_default()
    }

    /// The words of a value, each once.
    pub(super) fn of_value(&self, code: Code) -> &[Code] {
        match (self.ends.get(code as usize), self.ends.get(code as usize + 1)) {
            (Some(from), Some(to)) => &self.flat[*from..*to],
            _ => &[],
        }
    }
}

/// A mail address, told apart.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MailParts {
    pub(super) local: Code,
    /// In the dictionary of [`Facets::domain`].
    pub(super) domain: Code,
    pub(super) of: Mailbox,
}

/// Whose mailbox it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mailbox {
    /// At a company's own domain.
    #[default]
    Work,
    /// At a mail provider.
    Private,
    /// Several people read it.
    Role,
}

/// The most phone numbers that count for one record.
pub(super) const PHONES: usize = 3;

/// The lines that are laid out in one go, and stand in one piece.
const LINES: usize = 1 << 16;

/// The digits at a number's end that say which it is, with or without its country's code.
const PHONE_TAIL: usize = 9;

/// What is known of the records.
#[derive(Debug, Default)]
pub(super) struct Facets {
    pub(super) len: u32,
    /// Which of two sources a record is from.
    pub(super) source: Vec<u8>,
    pub(super) first: Facet,
    /// The full forms a first name may stand for, by code.
    roots: Words,
    pub(super) last: Facet,
    /// First and last name, of records that have both; by record, until they are laid out.
    pub(super) names: Pairs,
    name_codes: Vec<Code>,
    /// By record, until they are laid out.
    suffixes: Vec<Option<Suffix>>,
    /// Somebody's name has a suffix.
    pub(super) has_suffixes: bool,
    /// Local part and host of mail addresses; by record, until they are laid out.
    pub(super) mails: Pairs,
    mail_codes: Vec<Code>,
    /// By the mail address's code, until they are laid out; so are the labels.
    mail_parts: Vec<MailParts>,
    pub(super) locals: Dictionary,
    /// Until they are laid out.
    phones: Vec<[Code; PHONES]>,
    lines: Vec<Vec<Line>>,
    pub(super) numbers: Dictionary,
    pub(super) company: Facet,
    pub(super) company_words: Words,
    /// The strangers to expect beside each company's name, by code.
    strangers: Vec<f32>,
    /// The initials of companies' names of several words, and how many records have them.
    pub(super) initials: Dictionary,
    /// How many pairs of records are a company's name and its initials.
    pub(super) by_initials: f64,
    /// What is known of each company's name, by code.
    cards: Vec<Card>,
    pub(super) stem_names: Dictionary,
    pub(super) domain: Facet,
    /// A company's name without spaces and a domain's own label: what the two have in common.
    pub(super) labels: Dictionary,
    company_labels: Vec<Code>,
    domain_labels: Vec<Code>,
    pub(super) street: Facet,
    pub(super) city: Facet,
    pub(super) postcode: Facet,
    pub(super) region: Facet,
    pub(super) country: Facet,
    pub(super) birth: Facet,
    pub(super) identifiers: Vec<Facet>,
    pub(super) texts: Vec<(Facet, Words)>,
    pub(super) categories: Vec<Facet>,
}

/// What folds apart from the rest, the longest first.
const FOLDS: [fn(&mut Facets, &Columns<'_>, &Lists); 4] = [
    |facets, read, _| {
        facets.fold_places(read);
        facets.fold_phones(read);
    },
    |facets, read, lists| {
        facets.fold_mail(read, lists);
        facets.fold_domains(read, lists);
    },
    |facets, read, _| facets.fold_companies(read),
    |facets, read, _| facets.fold_names(read),
];

/// What is drawn from facets that were folded apart.
const JOINS: [fn(&mut Facets, &Facets); 2] = [Facets::fill_cards, Facets::label];

impl Facets {
    /// Folds every value of the columns.
    pub(super) fn of(records: &dyn Records, plan: Plan<'_>) -> Self {
        let read = Columns { records, kinds: plan.columns };
        let len = records.len();
        let parts = threads::each(plan.threads, FOLDS.len(), |at| {
            let mut part = Self { len, ..Self::default() };
            FOLDS[at](&mut part, &read, plan.lists);
            part
        });
        let mut parts = parts.into_iter();
        let mut part = || parts.next().unwrap_or_default();
        let (places, mails, companies, names) = (part(), part(), part(), part());
        let mut facets = Self {
            len,
            source: read.sources(),
            first: names.first,
            roots: names.roots,
            last: names.last,
            names: names.names,
            name_codes: names.name_codes,
            suffixes: names.suffixes,
            has_suffixes: names.has_suffixes,
            company: companies.company,
            company_words: companies.company_words,
            mails: mails.mails,
            mail_codes: mails.mail_codes,
            mail_parts: mails.mail_parts,
            locals: mails.locals,
            domain: mails.domain,
            ..places
        };
        let joined = threads::each(plan.threads, JOINS.len(), |at| {
            let mut part = Self::default();
            JOINS[at](&mut part, &facets);
            part
        });
        let mut joined = joined.into_iter();
        let mut part = || joined.next().unwrap_or_default();
        let (cards, labels) = (part(), part());
        facets = Self {
            cards: cards.cards,
            strangers: cards.strangers,
            stem_names: cards.stem_names,
            initials: cards.initials,
            by_initials: cards.by_initials,
            labels: labels.labels,
            company_labels: labels.company_labels,
            domain_labels: labels.domain_labels,
            ..facets
        };
        let words = |raw: &str, out: &mut String| {
            normalise::words_into(raw, out);
        };
        let columns = |kind: Kind| read.columns(kind);
        facets.birth = read.facet(Kind::Birth, |raw, out| {
            out.extend(raw.chars().filter(char::is_ascii_digit));
        });
        facets.lay_out(plan.threads);
        facets.identifiers = columns(Kind::Identifier)
            .map(|column| {
                read.column(column, |raw, out| {
                    normalise::identifier_into(raw, out);
                })
            })
            .collect();
        facets.categories =
            columns(Kind::Category).map(|column| read.column(column, words)).collect();
        facets.texts = columns(Kind::Text)
            .map(|column| {
                let facet = read.column(column, words);
                let of_values = Words::of(&facet.values, len);
                (facet, of_values)
            })
            .collect();
        facets.settle();
        facets
    }

    /// Lets go of what only folding takes.
    fn settle(&mut self) {
        self.names.settle();
        self.mails.settle();
        for values in [&mut self.locals, &mut self.numbers, &mut self.stem_names, &mut self.labels]
        {
            values.settle();
        }
        let facets = [
            &mut self.first,
            &mut self.last,
            &mut self.company,
            &mut self.domain,
            &mut self.street,
            &mut self.city,
            &mut self.postcode,
            &mut self.region,
            &mut self.country,
            &mut self.birth,
        ];
        let texts = self.texts.iter_mut().map(|(facet, _)| facet);
        let others = self.identifiers.iter_mut().chain(&mut self.categories).chain(texts);
        for facet in facets.into_iter().chain(others) {
            facet.values.settle();
        }
    }

    /// Lays what every comparison looks at side by side.
    fn lay_out(&mut self, threads: NonZeroUsize) {
        let as_last: Vec<Code> =
            std::iter::once(BLANK)
                .chain(self.first.values.codes().map(|code| {
                    self.last.values.find(self.first.values.text(code)).unwrap_or(BLANK)
                }))
                .collect();
        self.lines = threads::each(threads, (self.len as usize).div_ceil(LINES), |at| {
            let records = (0..self.len).skip(at * LINES).take(LINES);
            records.map(|record| self.lay(record, &as_last)).collect()
        });
        self.phones = Vec::new();
        self.name_codes = Vec::new();
        self.suffixes = Vec::new();
        self.mail_codes = Vec::new();
        self.mail_parts = Vec::new();
        self.company_labels = Vec::new();
        self.domain_labels = Vec::new();
        for facet in [
            &mut self.first,
            &mut self.last,
            &mut self.company,
            &mut self.domain,
            &mut self.street,
            &mut self.city,
            &mut self.postcode,
            &mut self.region,
            &mut self.country,
            &mut self.birth,
        ] {
            facet.codes = Vec::new();
        }
    }

    fn lay(&self, record: u32, as_last: &[Code]) -> Line {
        let (first, last) = (self.first.at(record), self.last.at(record));
        let company = self.company.at(record);
        let card = self.cards.get(company as usize).copied().unwrap_or_default();
        let phones = self.phones.get(record as usize).copied().unwrap_or_default();
        let mail_parts = self.mail_of(record);
        let domain_label = self.domain_label(record);
        Line {
            first,
            last,
            name: code(&self.name_codes, record),
            mail: code(&self.mail_codes, record),
            company,
            domain: self.domain.at(record),
            street: self.street.at(record),
            city: self.city.at(record),
            postcode: self.postcode.at(record),
            region: self.region.at(record),
            country: self.country.at(record),
            birth: self.birth.at(record),
            phones,
            first_as_last: as_last[first as usize],
            root: if let [root] = self.roots(first) { *root } else { BLANK },
            mail_parts,
            company_label: self.company_label(record),
            domain_label,
            first_glance: self.first.values.glance(first),
            last_glance: self.last.values.glance(last),
            local_glance: self.locals.glance(mail_parts.local),
            domain_label_glance: self.labels.glance(domain_label),
            phone_glances: phones.map(|code| self.numbers.glance(code)),
            company_neighbours: card.neighbours,
            is_one_word: card.is_one_word(),
            suffix: self.suffixes.get(record as usize).copied().flatten(),
        }
    }

    fn fold_names(&mut self, read: &Columns<'_>) {
        let [first, last, full] =
            [Kind::FirstName, Kind::LastName, Kind::FullName].map(|kind| read.columns(kind).next());
        if first.or(last).or(full).is_none() {
            return;
        }
        let mut names: Vec<Name> = std::iter::repeat_with(Name::default).take(FETCHED).collect();
        let mut codes = Vec::with_capacity(FETCHED);
        for from in (0..self.len).step_by(FETCHED) {
            for (name, record) in names.iter_mut().zip(from..self.len) {
                let value = |column: Option<usize>| column.and_then(|at| read.value(record, at));
                match (value(first), value(last)) {
                    (None, None) => name.refold(None, value(full)),
                    (first, last) => name.refold(first, last),
                };
            }
            self.first.values.fetch(names.iter().map(|name| name.first.as_str()));
            self.last.values.fetch(names.iter().map(|name| name.last.as_str()));
            codes.clear();
            for (name, _) in names.iter().zip(from..self.len) {
                codes.push((self.first.push(&name.first), self.last.push(&name.last)));
                self.suffixes.push(name.suffix);
            }
            self.names.fetch(codes.iter().copied());
            let counted = codes.iter().map(|(first, last)| self.names.count(*first, *last));
            self.name_codes.extend(counted);
        }
        self.has_suffixes = self.suffixes.iter().any(Option::is_some);
        self.roots.ends = vec![0, 0];
        for code in self.first.values.codes() {
            let first = self.first.values.text(code);
            let first = first.split(' ').next().unwrap_or_default();
            let roots = normalise::roots(first);
            let itself = [first];
            for root in if roots.is_empty() { &itself } else { roots } {
                self.roots.flat.push(self.roots.values.intern(root));
            }
            self.roots.ends.push(self.roots.flat.len());
        }
    }

    fn fold_places(&mut self, read: &Columns<'_>) {
        self.country = read.facet(Kind::Country, |raw, out| {
            if let Some(country) = Country::parse(raw) {
                out.push_str(country.code());
            }
        });
        let country = |facets: &Self, record: u32| Country::parse(facets.country.text(record));
        self.city = read.facet(Kind::City, |raw, out| {
            normalise::city_into(raw, out);
        });
        let [region, postcode] =
            [Kind::Region, Kind::Postcode].map(|kind| read.columns(kind).next());
        let mut out = String::new();
        for record in 0..self.len {
            if let Some(column) = region {
                out.clear();
                if let Some(raw) = read.value(record, column) {
                    normalise::region_into(raw, country(self, record), &mut out);
                }
                self.region.push(&out);
            }
            if let Some(column) = postcode {
                out.clear();
                if let Some(raw) = read.value(record, column) {
                    normalise::postcode_into(raw, country(self, record), &mut out);
                }
                self.postcode.push(&out);
            }
        }
        let streets: Vec<usize> = read.columns(Kind::Street).collect();
        let number = read.columns(Kind::HouseNumber).next();
        let mut street = Street::default();
        let mut folded = vec![String::new(); FETCHED];
        for record in (0..self.len).filter(|_| !streets.is_empty()) {
            let out = &mut folded[record as usize % FETCHED];
            out.clear();
            if let Some(raw) = streets.iter().find_map(|column| read.value(record, *column)) {
                normalise::street_into(raw, &mut street);
                let number = number.and_then(|column| read.value(record, column));
                out.push_str(number.map_or(street.number.as_str(), str::trim));
                if !street.name.is_empty() {
                    out.push(' ');
                    out.push_str(&street.name);
                }
            }
            let filled = record as usize % FETCHED + 1;
            if filled == FETCHED || record + 1 == self.len {
                self.street.values.fetch(folded.iter().map(|street| street.trim()));
                for street in &folded[..filled] {
                    self.street.push(street.trim());
                }
            }
        }
    }

    fn fold_phones(&mut self, read: &Columns<'_>) {
        let columns: Vec<usize> = read.columns(Kind::Phone).collect();
        let Some(stretch) = FETCHED.checked_div(columns.len()) else { return };
        let (mut numbers, mut ends): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        for from in (0..self.len).step_by(stretch.max(1)) {
            let mut used = 0;
            ends.clear();
            for record in (from..self.len).take(stretch.max(1)) {
                let country = Country::parse(self.country.text(record));
                for raw in columns.iter().filter_map(|column| read.value(record, *column)) {
                    if used == numbers.len() {
                        numbers.push(String::new());
                    }
                    let number = normalise::phone_into(raw, country, &mut numbers[used]);
                    used += usize::from(number.is_some());
                }
                ends.push(used);
            }
            self.numbers.fetch(numbers[..used].iter().map(|number| tail(number)));
            let mut from = 0;
            for end in &ends {
                self.number(&numbers[from..*end]);
                from = *end;
            }
        }
    }

    fn number(&mut self, numbers: &[String]) {
        let mut phones = [BLANK; PHONES];
        let mut filled = 0;
        for number in numbers {
            let code = self.numbers.intern(tail(number));
            if filled < PHONES && !phones.contains(&code) {
                phones[filled] = code;
                filled += 1;
                self.numbers.add(code, 1);
            }
        }
        self.phones.push(phones);
    }

    fn fold_mail(&mut self, read: &Columns<'_>, lists: &Lists) {
        let Some(column) = read.columns(Kind::Mail).next() else { return };
        let mut mails: Vec<Mail> = std::iter::repeat_with(Mail::default).take(FETCHED).collect();
        let mut hosts = Dictionary::default();
        // Whose mailboxes a host's are, and its domain; by the host's code.
        let mut of_hosts = vec![(BLANK, Mailbox::default())];
        let mut domain = String::new();
        self.mail_parts.push(MailParts::default());
        let mut codes = Vec::with_capacity(FETCHED);
        for from in (0..self.len).step_by(FETCHED) {
            for (mail, record) in mails.iter_mut().zip(from..self.len) {
                let raw = read.value(record, column);
                if raw.and_then(|raw| mail.refold(raw, lists)).is_none() {
                    *mail = Mail::default();
                }
            }
            self.locals.fetch(mails.iter().map(|mail| mail.local.as_str()));
            hosts.fetch(mails.iter().map(|mail| mail.domain.as_str()));
            codes.clear();
            for (mail, _) in mails.iter().zip(from..self.len) {
                let host = if mail.is_blank() { BLANK } else { hosts.intern(&mail.domain) };
                codes.push((self.locals.count(&mail.local), host));
                if host as usize == of_hosts.len() {
                    let found = normalise::company_domain(&mail.domain, lists, &mut domain);
                    let (of, domain) = match found {
                        Some(()) => (Mailbox::Work, &domain),
                        None => (Mailbox::Private, &mail.domain),
                    };
                    of_hosts.push((self.domain.values.intern(domain), of));
                }
            }
            self.mails.fetch(codes.iter().copied());
            for (mail, (local, host)) in mails.iter().zip(&codes) {
                let code = self.mails.count(*local, *host);
                self.mail_codes.push(code);
                if code as usize == self.mail_parts.len() {
                    let (domain, of) = of_hosts[*host as usize];
                    let is_role = lists.role_mailboxes.contains(&mail.local);
                    let of = if is_role { Mailbox::Role } else { of };
                    self.mail_parts.push(MailParts { local: *local, domain, of });
                }
            }
        }
    }

    fn fold_companies(&mut self, read: &Columns<'_>) {
        let mut company = Company::default();
        self.company = read.facet(Kind::Company, |raw, out| {
            if let Some(label) = normalise::website_label(raw) {
                normalise::words_into(label, out);
                return;
            }
            company.refold(raw);
            out.push_str(&company.core);
            if !company.site.is_empty() {
                out.push(' ');
                out.push_str(&company.site);
            }
        });
        self.company_words = Words::of(&self.company.values, self.len);
    }

    fn fill_cards(&mut self, folded: &Self) {
        self.cards.push(Card::default());
        for code in folded.company.values.codes() {
            let name = folded.company.values.text(code);
            let stem = self.stem_names.intern(stem(name, &folded.city.values));
            let words = folded.company_words.of_value(code);
            let mut card = Card {
                words: [BLANK; Card::WORDS],
                len: u8::try_from(words.len()).unwrap_or(u8::MAX),
                initials: u8::try_from(initials(name).count()).unwrap_or(u8::MAX),
                total: folded.company_words.total(code),
                stem,
                glance: folded.company.values.glance(code),
                stem_glance: self.stem_names.glance(stem),
                neighbours: Neighbours::of(name),
            };
            for (slot, word) in card.words.iter_mut().zip(words) {
                *slot = *word;
            }
            self.cards.push(card);
        }
        if !folded.are_people() {
            self.count_initials(&folded.company.values);
            self.strangers =
                namesakes::strangers(&folded.company.values, &folded.company_words, folded.len);
        }
    }

    /// How many records hold a company's name besides two, and the strangers to expect beside it.
    pub(super) fn others_of_name(&self, name: Code) -> f32 {
        let strangers = self.strangers.get(name as usize).copied().unwrap_or_default();
        float(self.company.values.frequency(name).saturating_sub(2)) + strangers
    }

    /// Counts the initials of companies' names; people are not known by them.
    fn count_initials(&mut self, names: &Dictionary) {
        let mut of_name = String::new();
        for code in names.codes() {
            of_name.clear();
            of_name.extend(initials(names.text(code)));
            if of_name.chars().nth(1).is_some() {
                let held = self.initials.intern(&of_name);
                self.initials.add(held, names.frequency(code));
            }
        }
        let pairs = names.codes().map(|code| {
            let named_so = self.initials.find(names.text(code));
            let named_so = named_so.map_or(0, |held| self.initials.frequency(held));
            f64::from(names.frequency(code)) * f64::from(named_so)
        });
        self.by_initials = pairs.sum();
    }

    /// A record's domain is its website's, or else that of its mailbox at work, or else of a company's
    /// name that is a domain.
    fn fold_domains(&mut self, read: &Columns<'_>, lists: &Lists) {
        let columns: Vec<usize> = read.columns(Kind::Web).collect();
        if columns.is_empty() && self.mails.len() == 0 {
            return;
        }
        let company = read.columns(Kind::Company).next();
        let mut outs = vec![String::new(); FETCHED];
        for from in (0..self.len).step_by(FETCHED) {
            for (out, record) in outs.iter_mut().zip(from..self.len) {
                let mut says_domain =
                    |raw: &str| normalise::company_domain(raw, lists, out).is_some();
                let mut sites = columns.iter().filter_map(|column| read.value(record, *column));
                let mut name = company.into_iter().filter_map(|column| read.value(record, column));
                let found = sites.any(&mut says_domain)
                    || name.any(|raw| normalise::website_label(raw).is_some() && says_domain(raw));
                if !found {
                    out.clear();
                }
            }
            self.domain.values.fetch(outs.iter().map(String::as_str));
            for (out, record) in outs.iter().zip(from..self.len) {
                let mail = self.mail_of(record);
                let code = match mail.of {
                    _ if !out.is_empty() => self.domain.values.intern(out),
                    Mailbox::Private => BLANK,
                    Mailbox::Work | Mailbox::Role => mail.domain,
                };
                self.domain.values.add(code, 1);
                self.domain.codes.push(code);
            }
        }
    }

    fn label(&mut self, folded: &Self) {
        let mut out = String::new();
        self.company_labels.push(BLANK);
        for code in folded.company.values.codes() {
            out.clear();
            out.extend(folded.company.values.text(code).split(' '));
            self.company_labels.push(self.labels.intern(&out));
        }
        self.domain_labels.push(BLANK);
        for code in folded.domain.values.codes() {
            out.clear();
            out.extend(normalise::own_label(folded.domain.values.text(code)).split('-'));
            self.domain_labels.push(self.labels.intern(&out));
        }
        for record in 0..folded.len {
            let ours = code(&self.company_labels, folded.company.at(record));
            let theirs = code(&self.domain_labels, folded.domain.at(record));
            self.labels.add(ours, 1);
            if theirs != ours {
                self.labels.add(theirs, 1);
            }
        }
    }

    /// What is known of a record.
    pub(super) fn line(&self, record: u32) -> &Line {
        &self.lines[record as usize / LINES][record as usize % LINES]
    }

    /// The full forms that a first name may stand for.
    pub(super) fn roots(&self, first: Code) -> &[Code] {
        if first == BLANK { &[] } else { self.roots.of_value(first) }
    }

    /// A full form.
    pub(super) fn root(&self, code: Code) -> &str {
        self.roots.values.text(code)
    }

    /// A record's mail address, told apart.
    fn mail_of(&self, record: u32) -> MailParts {
        self.mail_parts.get(code(&self.mail_codes, record) as usize).copied().unwrap_or_default()
    }

    /// What is known of a company's name.
    pub(super) fn card(&self, company: Code) -> &Card {
        &self.cards[company as usize]
    }

    /// The words of a company's name, each once.
    pub(super) fn words<'c>(&'c self, company: Code, card: &'c Card) -> &'c [Code] {
        card.words
            .get(..usize::from(card.len))
            .unwrap_or_else(|| self.company_words.of_value(company))
    }

    /// The label of a record's company.
    fn company_label(&self, record: u32) -> Code {
        self.company_labels.get(self.company.at(record) as usize).copied().unwrap_or(BLANK)
    }

    /// The label of a record's domain.
    fn domain_label(&self, record: u32) -> Code {
        self.domain_labels.get(self.domain.at(record) as usize).copied().unwrap_or(BLANK)
    }

    /// True when the records are people.
    pub(super) fn are_people(&self) -> bool {
        !self.first.is_blank() || !self.last.is_blank()
    }
}

/// Words that make a unit of a group, a country or a trade out of a company's name, or join a place to it.
pub(super) const UNIT_WORDS: &[&str] = &[
    "africa",
    "america",
    "americas",
    "apac",
    "asia",
    "australia",
    "branch",
    "brasil",
    "brazil",
    "canada",
    "capital",
    "china",
    "de",
    "deutschland",
    "division",
    "east",
    "emea",
    "espana",
    "europe",
    "finance",
    "financial",
    "foundation",
    "france",
    "germany",
    "global",
    "group",
    "holding",
    "holdings",
    "india",
    "international",
    "italy",
    "japan",
    "mexico",
    "middle",
    "netherlands",
    "north",
    "of",
    "office",
    "overseas",
    "pacific",
    "partners",
    "region",
    "service",
    "services",
    "south",
    "spain",
    "subsidiary",
    "trust",
    "uk",
    "us",
    "usa",
    "ventures",
    "west",
    "worldwide",
];

/// A company's name without the words at its end that say which unit or city of it.
fn stem<'n>(name: &'n str, cities: &Dictionary) -> &'n str {
    /// A city's name has no more words.
    const CITY_WORDS: usize = 3;
    let mut stem = name;
    loop {
        let spaces = || stem.rmatch_indices(' ').map(|(at, _)| at);
        let is_unit = |at: &usize| UNIT_WORDS.binary_search(&&stem[at + 1..]).is_ok();
        let cities = spaces().take(CITY_WORDS).filter(|at| cities.find(&stem[at + 1..]).is_some());
        let Some(at) = cities.last().or_else(|| spaces().next().filter(is_unit)) else {
            return stem;
        };
        stem = &stem[..at];
    }
}

/// The columns of a set of records.
struct Columns<'r> {
    records: &'r dyn Records,
    kinds: &'r [Kind],
}

impl<'r> Columns<'r> {
    fn columns(&self, kind: Kind) -> impl Iterator<Item = usize> + 'r {
        let kinds = self.kinds;
        kinds.iter().enumerate().filter(move |(_, other)| **other == kind).map(|(at, _)| at)
    }

    fn value(&self, record: u32, column: usize) -> Option<&'r str> {
        self.records.value(record, column).filter(|value| !value.trim_start().is_empty())
    }

    fn sources(&self) -> Vec<u8> {
        (0..self.records.len()).map(|record| self.records.source(record)).collect()
    }

    /// The first column of a kind; blank when there is none.
    fn facet(&self, kind: Kind, fold: impl FnMut(&str, &mut String)) -> Facet {
        self.columns(kind).next().map(|column| self.column(column, fold)).unwrap_or_default()
    }

    /// A column; a raw value that is among the first distinct ones is folded once.
    fn column(&self, column: usize, mut fold: impl FnMut(&str, &mut String)) -> Facet {
        /// Of so many raw values the codes are remembered: the frequent ones come early.
        const REMEMBERED: usize = 1 << 16;
        let len = self.records.len();
        let mut facet = Facet::default();
        let mut raws = Dictionary::default();
        // By the raw value's code.
        let mut folded = vec![BLANK];
        let mut values = Vec::with_capacity(FETCHED);
        let mut known = Vec::with_capacity(FETCHED);
        let mut outs = vec![String::new(); FETCHED];
        facet.codes.reserve(len as usize);
        for from in (0..len).step_by(FETCHED) {
            let records = (from..len).take(FETCHED);
            values.clear();
            values.extend(records.map(|record| self.value(record, column).unwrap_or_default()));
            raws.fetch(values.iter().copied());
            known.clear();
            for (value, out) in values.iter().zip(&mut outs) {
                let is_room = raws.len() < REMEMBERED;
                let raw = if is_room { Some(raws.intern(value)) } else { raws.find(value) };
                out.clear();
                if !value.is_empty() && raw.is_none_or(|raw| raw as usize >= folded.len()) {
                    fold(value, out);
                }
                known.push(raw);
            }
            facet.values.fetch(outs.iter().map(String::as_str));
            for (raw, out) in known.iter().zip(&outs) {
                let code = match raw.and_then(|raw| folded.get(raw as usize)) {
                    Some(code) => *code,
                    None => facet.values.intern(out),
                };
                if raw.is_some_and(|raw| raw as usize == folded.len()) {
                    folded.push(code);
                }
                facet.values.add(code, 1);
                facet.codes.push(code);
            }
        }
        facet
    }
}

/// The end of a phone number, which says which it is.
fn tail(number: &str) -> &str {
    let from = number.len().checked_sub(PHONE_TAIL);
    from.and_then(|from| number.get(from..)).unwrap_or(number)
}

/// A record's code; [`BLANK`] where there is none.
fn code(codes: &[Code], record: u32) -> Code {
    codes.get(record as usize).copied().unwrap_or(BLANK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_the_name_without_its_unit_and_city() {
        assert!(UNIT_WORDS.is_sorted());
        let mut cities = Dictionary::default();
        cities.intern("san jose");
        for name in
            ["acme", "acme holdings", "acme services europe", "acme san jose", "acme of san jose"]
        {
            assert_eq!(stem(name, &cities), "acme", "{name}");
        }
        assert_eq!(stem("services", &cities), "services");
    }

    #[test]
    fn a_value_has_one_code_whether_its_raw_form_is_remembered_or_not() {
        struct Texts(Vec<String>);
        impl Records for Texts {
            fn len(&self) -> u32 {
                u32::try_from(self.0.len()).unwrap()
            }
            fn value(&self, at: u32, _: usize) -> Option<&str> {
                Some(&self.0[at as usize])
            }
        }
        const DISTINCT: u32 = 70_000;
        let raw = (0..DISTINCT).map(|n| format!("A{n}"));
        let texts = Texts(raw.chain((0..DISTINCT).map(|n| format!("a{n}"))).collect());
        let read = Columns { records: &texts, kinds: &[Kind::Text] };
        let facet = read.column(0, |raw, out| out.push_str(&raw.to_lowercase()));
        assert_eq!(facet.values.len(), DISTINCT as usize);
        for n in 0..DISTINCT {
            assert_eq!((facet.at(n), facet.at(DISTINCT + n)), (n + 1, n + 1));
            assert_eq!((facet.text(n), facet.values.frequency(n + 1)), (&*format!("a{n}"), 2));
        }
    }
}
