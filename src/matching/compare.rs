//! Which level of each ladder two records reach.
//!
//! Evidence that hangs together counts once: where two records already share a workplace, a name or a
//! household, what usually comes with it is looked at in that context, and how many records share a value
//! is counted among those that share the rest. Does not: weigh; see [`super::model`].

use super::Kind;
use super::dictionary::{BLANK, Code, Dictionary};
use super::facets::{Card, Facet, Facets, Line, Mailbox, UNIT_WORDS, Words};
use super::ladder::{self, Comes, Ladder};
use super::normalise::{numbered_street, roots};
use super::similar::{Glance, distance, jaro_winkler};

/// One piece of evidence that a set of records offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Workplace,
    Company,
    Domain,
    Phone,
    Address,
    FirstName,
    LastName,
    Mail,
    Birth,
    Identifier(usize),
    Text(usize),
    Category(usize),
}

impl Comparison {
    /// The columns that it is drawn from, by their place among the columns' kinds.
    pub(super) fn columns(self, kinds: &[Kind]) -> Vec<usize> {
        let of = |wanted: &[Kind]| -> Vec<usize> {
            let columns = kinds.iter().enumerate().filter(|(_, kind)| wanted.contains(kind));
            columns.map(|(at, _)| at).collect()
        };
        let nth = |kind: Kind, n: usize| of(&[kind]).into_iter().skip(n).take(1).collect();
        // Where no column says where somebody works, the domain of the address does.
        let or_mail = |found: Vec<usize>| if found.is_empty() { of(&[Kind::Mail]) } else { found };
        match self {
            Self::Workplace => or_mail(of(&[Kind::Company, Kind::Web])),
            Self::Company => of(&[Kind::Company]),
            Self::Domain => or_mail(of(&[Kind::Web])),
            Self::Phone => of(&[Kind::Phone]),
            Self::Address => of(&[
                Kind::Street,
                Kind::HouseNumber,
                Kind::City,
                Kind::Region,
                Kind::Postcode,
                Kind::Country,
            ]),
            Self::FirstName => of(&[Kind::FirstName, Kind::FullName]),
            Self::LastName => of(&[Kind::LastName, Kind::FullName]),
            Self::Mail => of(&[Kind::Mail]),
            Self::Birth => of(&[Kind::Birth]),
            Self::Identifier(n) => nth(Kind::Identifier, n),
            Self::Text(n) => nth(Kind::Text, n),
            Self::Category(n) => nth(Kind::Category, n),
        }
    }
}

/// The level of [`ladder::FIRST_NAME`] for two people's.
const OTHER_FIRST_NAME: u8 = 7;

/// The most pieces of evidence.
pub(super) const COMPARISONS: usize = 16;

/// What one comparison of two records came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outcome {
    /// The level; `None` where a side says nothing.
    pub(super) level: Option<u8>,
    pub(super) context: u8,
    pub(super) term: Term,
}

/// How rare the agreement is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Term {
    /// As rare as its level.
    Level,
    /// As rare as its level, though it is a value's, which so many records hold.
    LevelOf { held: f32 },
    /// As rare as its level, where the value is held by so many as is usual for values that two share, and else
    /// by as much rarer.
    Usual { held: f32, usual: f32 },
    /// As rare as the value: so many records hold it, among so many.
    Value { held: f32, among: f32 },
    /// As rare as a name that so many records hold, where so many others hold it or may come to it.
    Name { held: f32, others: f32 },
    /// As rare as the value among the few that it is counted among, where so many hold it, and where these
    /// are too few to tell, as rare as it is `alone` among all.
    Within { held: f32, among: f32, alone: f32 },
    /// As rare as its level among the records that share a word, which so many hold.
    Word { held: f32 },
}

impl Outcome {
    const MISSING: Self = Self { level: None, context: 0, term: Term::Level };

    fn level(level: u8) -> Self {
        Self { level: Some(level), context: 0, term: Term::Level }
    }

    fn value(level: u8, held: u32, among: u32) -> Self {
        let (held, among) = (float(held), float(among.max(held)));
        Self { level: Some(level), context: 0, term: Term::Value { held, among } }
    }

    fn within(self, context: u8) -> Self {
        Self { context, ..self }
    }
}

/// Compares the records of one set.
#[derive(Debug)]
pub(super) struct Comparer {
    pub(super) facets: Facets,
    pub(super) comparisons: Vec<(Comparison, Ladder)>,
    /// How many records hold the city of a record drawn at random, and its postcode.
    usual_city: f32,
    usual_postcode: f32,
    /// Only records of different sources are linked.
    between: bool,
}

impl Comparer {
    /// The comparisons that the facets allow.
    pub(super) fn new(facets: Facets) -> Self {
        let between = facets.source.iter().any(|source| Some(source) != facets.source.first());
        let people = facets.are_people();
        let mut all = Vec::new();
        let mut offer = |is_there: bool, comparison: Comparison, ladder: Ladder| {
            if is_there && all.len() < COMPARISONS {
                all.push((comparison, ladder));
            }
        };
        let (company, domain) = (!facets.company.is_blank(), !facets.domain.is_blank());
        offer(people && (company || domain), Comparison::Workplace, ladder::WORKPLACE);
        offer(!people && company, Comparison::Company, ladder::COMPANY);
        offer(!people && domain, Comparison::Domain, ladder::DOMAIN);
        let phones = facets.numbers.len() > 0;
        offer(people && phones, Comparison::Phone, ladder::PHONE);
        let place =
            [&facets.street, &facets.city, &facets.postcode, &facets.region, &facets.country];
        let address = ladder::address(place.map(|facet| !facet.is_blank()));
        let address = if people {
            Ladder { contexts: ladder::BESIDE_PEOPLE, comes: Comes::WithContext, ..address }
        } else {
            Ladder { keyed: 2, ..address }
        };
        offer(place.iter().any(|facet| !facet.is_blank()), Comparison::Address, address);
        let phone = Ladder { contexts: ladder::AT_TWO_ADDRESSES, ..ladder::PHONE };
        offer(!people && phones, Comparison::Phone, phone);
        offer(!facets.last.is_blank(), Comparison::LastName, ladder::LAST_NAME);
        offer(!facets.first.is_blank(), Comparison::FirstName, ladder::FIRST_NAME);
        offer(facets.mails.len() > 0, Comparison::Mail, ladder::MAIL);
        offer(!facets.birth.is_blank(), Comparison::Birth, ladder::BIRTH);
        for (at, facet) in facets.identifiers.iter().enumerate() {
            offer(!facet.is_blank(), Comparison::Identifier(at), ladder::IDENTIFIER);
        }
        for (at, (facet, _)) in facets.texts.iter().enumerate() {
            offer(!facet.is_blank(), Comparison::Text(at), ladder::TEXT);
        }
        for (at, facet) in facets.categories.iter().enumerate() {
            offer(!facet.is_blank(), Comparison::Category(at), ladder::CATEGORY);
        }
        let [usual_city, usual_postcode] =
            [&facets.city, &facets.postcode].map(|facet| facet.values.usual_frequency());
        Self { facets, comparisons: all, usual_city, usual_postcode, between }
    }

    /// Of two places that companies of related names may share by chance, the smaller says more. A street is left
    /// alone, as mostly those who stand in it are one, and a country, whose names are of its language.
    pub(super) fn by_place(&self, outcome: Outcome) -> Outcome {
        let usual = match outcome.level {
            Some(4) => self.usual_postcode,
            Some(5) => self.usual_city,
            Some(_) | None => return outcome,
        };
        match outcome.term {
            Term::LevelOf { held } => Outcome { term: Term::Usual { held, usual }, ..outcome },
            Term::Level
            | Term::Usual { .. }
            | Term::Name { .. }
            | Term::Value { .. }
            | Term::Within { .. }
            | Term::Word { .. } => outcome,
        }
    }

    /// False for two records of one source where only records of different sources are linked.
    pub(super) fn may_be_one(&self, a: u32, b: u32) -> bool {
        let source = |record: u32| self.facets.source.get(record as usize);
        !self.between || source(a) != source(b)
    }

    /// True where only records of different sources are linked.
    pub(super) fn is_between(&self) -> bool {
        self.between
    }

    /// How many pairs of records there are.
    pub(super) fn pairs(&self) -> f64 {
        let all = f64::from(self.facets.len);
        if self.between {
            let first = self.facets.source.first();
            let one = self.facets.source.iter().filter(|source| Some(*source) == first).count();
            let one = f64::from(u32::try_from(one).unwrap_or(u32::MAX));
            return one * (all - one);
        }
        all * (all - 1.0) / 2.0
    }

    /// Compares two records, in the order of the comparisons.
    pub(super) fn compare(&self, a: u32, b: u32) -> impl Iterator<Item = Outcome> {
        self.compare_lines((a, b), (self.facets.line(a), self.facets.line(b)))
    }

    /// Compares two records of which the lines are at hand.
    pub(super) fn compare_lines<'c>(
        &'c self,
        records: (u32, u32),
        lines: (&'c Line, &'c Line),
    ) -> impl Iterator<Item = Outcome> + 'c {
        let mut shared = Shared::default();
        let comparisons = self.comparisons.iter();
        comparisons
            .map(move |(comparison, _)| self.outcome(*comparison, records, lines, &mut shared))
    }

    fn outcome(
        &self,
        comparison: Comparison,
        records: (u32, u32),
        (a, b): (&Line, &Line),
        shared: &mut Shared,
    ) -> Outcome {
        match comparison {
            Comparison::Workplace => {
                let (outcome, colleagues) = self.workplace(a, b);
                shared.workplace = colleagues;
                outcome
            }
            Comparison::Company => {
                let outcome = self.company(a, b);
                shared.name = outcome.level;
                outcome
            }
            Comparison::Domain => shared.under_name(self.domain(a, b)),
            Comparison::Phone => {
                let outcome = self.phone(a, b);
                shared.phone = outcome.level;
                if shared.is_switchboard_likely() {
                    return Outcome { term: Term::Level, ..outcome }.within(1);
                }
                shared.at_work(outcome)
            }
            Comparison::Address => {
                let outcome = self.address(a, b);
                shared.address = outcome.level;
                match shared.workplace {
                    None if shared.name.is_some() => self.by_place(shared.under_name(outcome)),
                    None if up_to(shared.phone, 0) && self.facets.are_people() => {
                        Outcome { term: Term::Level, ..outcome }.within(2)
                    }
                    _ => shared.at_work(outcome),
                }
            }
            Comparison::FirstName => {
                let outcome = self.first_name(a, b);
                shared.first = outcome.level;
                match (up_to(shared.last, 0), outcome.level) {
                    // Of how many with that last name: names of one language go together.
                    (true, Some(0)) => {
                        let Facets { names, first, last, .. } = &self.facets;
                        let held = names.held(a.name);
                        let among = last.held(a.last).max(held);
                        let [held, among, alone] = [held, among, first.held(a.first)].map(float);
                        let term = Term::Within { held, among, alone };
                        Outcome { level: Some(0), context: 1, term }
                    }
                    (true, Some(_)) => Outcome { term: Term::Level, ..outcome }.within(1),
                    _ => outcome,
                }
            }
            Comparison::LastName => {
                let outcome = self.last_name(a, b);
                shared.last = outcome.level;
                if shared.workplace.is_none() && shared.household() {
                    return Outcome { term: Term::Level, ..outcome }.within(1);
                }
                outcome
            }
            Comparison::Mail => self.mail_in_context(a, b, shared),
            Comparison::Birth => self.birth(a, b),
            Comparison::Identifier(at) => at_most(&self.facets.identifiers, at)
                .map_or(Outcome::MISSING, |facet| self.identifier(facet, records)),
            Comparison::Text(at) => at_most(&self.facets.texts, at)
                .map_or(Outcome::MISSING, |(facet, words)| self.text(facet, words, records)),
            Comparison::Category(at) => at_most(&self.facets.categories, at)
                .map_or(Outcome::MISSING, |facet| self.category(facet, records, shared)),
        }
    }

    fn first_name(&self, a: &Line, b: &Line) -> Outcome {
        let facet = &self.facets.first;
        let Some((left, right)) = both(a.first, b.first) else { return Outcome::MISSING };
        if matches!((a.suffix, b.suffix), (Some(one), Some(other)) if one != other) {
            return Outcome::level(OTHER_FIRST_NAME);
        }
        if left == right {
            return self.same(0, facet, left);
        }
        if self.share_root(a, b) && !self.have_other_second_names(a, b) {
            return self.same(1, facet, facet.commoner(left, right));
        }
        if is_swapped(a, b) {
            return self.same(2, facet, facet.commoner(left, right));
        }
        let values = &facet.values;
        let glances = [a.first_glance, b.first_glance];
        let is_initial = |short: Code, glance: Glance, long: Code| {
            glance.is_letter()
                && values.text(short).len() == 1
                && values.text(long).starts_with(values.text(short))
        };
        Outcome::level(if are_slip(values, [left, right], glances) {
            3
        } else if is_initial(left, a.first_glance, right) || is_initial(right, b.first_glance, left)
        {
            5
        } else if share_part(values, [left, right], glances) {
            6
        } else if look_alike(values, [left, right], glances) {
            4
        } else {
            OTHER_FIRST_NAME
        })
    }

    fn share_root(&self, a: &Line, b: &Line) -> bool {
        if a.root != BLANK && b.root != BLANK {
            return a.root == b.root;
        }
        let roots = self.facets.roots(b.first);
        self.facets.roots(a.first).iter().any(|root| roots.contains(root))
    }

    /// True for double names that begin alike and go on differently.
    fn have_other_second_names(&self, a: &Line, b: &Line) -> bool {
        let text = |line: &Line| self.facets.first.values.text(line.first);
        a.first_glance.may_hold_space() && b.first_glance.may_hold_space() && {
            let mut ours = second_name_roots(text(a)).peekable();
            let theirs = || second_name_roots(text(b));
            ours.peek().is_some()
                && theirs().next().is_some()
                && !ours.any(|root| theirs().any(|other| other == root))
        }
    }

    fn last_name(&self, a: &Line, b: &Line) -> Outcome {
        let facet = &self.facets.last;
        let Some((left, right)) = both(a.last, b.last) else { return Outcome::MISSING };
        if left == right {
            return self.same(0, facet, left);
        }
        if is_swapped(a, b) {
            return self.same(1, facet, facet.commoner(left, right));
        }
        let glances = [a.last_glance, b.last_glance];
        if are_slip(&facet.values, [left, right], glances) {
            Outcome::level(2)
        } else if share_part(&facet.values, [left, right], glances) {
            self.same(4, facet, facet.commoner(left, right))
        } else if look_alike(&facet.values, [left, right], glances) {
            Outcome::level(3)
        } else {
            Outcome::level(5)
        }
    }

    fn birth(&self, a: &Line, b: &Line) -> Outcome {
        let facet = &self.facets.birth;
        let Some((left, right)) = both(a.birth, b.birth) else { return Outcome::MISSING };
        if left == right {
            return self.same(0, facet, left);
        }
        let (left, right) = (facet.values.text(left), facet.values.text(right));
        if distance(left, right, 1) <= 1 || is_day_for_month(left, right) {
            return Outcome::level(1);
        }
        let part = |range: std::ops::Range<usize>| {
            left.len() == 8 && right.len() == 8 && left.get(range.clone()) == right.get(range)
        };
        Outcome::level(if part(0..4) || part(4..8) { 2 } else { 3 })
    }

    fn identifier(&self, facet: &Facet, (a, b): (u32, u32)) -> Outcome {
        let Some((left, right)) = both(facet.at(a), facet.at(b)) else { return Outcome::MISSING };
        if left == right {
            return self.same(0, facet, left);
        }
        let apart = distance(facet.values.text(left), facet.values.text(right), 2);
        Outcome::level(if apart <= 2 { 1 } else { 2 })
    }

    fn text(&self, facet: &Facet, words: &Words, (a, b): (u32, u32)) -> Outcome {
        let Some((left, right)) = both(facet.at(a), facet.at(b)) else { return Outcome::MISSING };
        if left == right {
            return self.same(0, facet, left);
        }
        let totals = [left, right].map(|code| words.total(code));
        let both = [left, right].map(|code| words.of_value(code));
        let share = overlap(words, both, totals).of_both;
        let rung = [0.9, 0.75, 0.5, 0.25].iter().position(|least| share >= *least);
        Outcome::level(rung.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(5))
    }

    fn category(&self, facet: &Facet, (a, b): (u32, u32), shared: &Shared) -> Outcome {
        let Some((left, right)) = both(facet.at(a), facet.at(b)) else { return Outcome::MISSING };
        // What a company does is often part of its name.
        let context = match shared.name {
            Some(0..=4) => 1,
            Some(6) => 2,
            _ => 0,
        };
        let same = left == right;
        match (same, context) {
            (true, 0) => self.same(0, facet, left),
            (_, context) => Outcome::level(u8::from(!same)).within(context),
        }
    }

    fn mail_in_context(&self, a: &Line, b: &Line, shared: &Shared) -> Outcome {
        let outcome = self.mail(a, b, shared.first);
        // A slip in the name makes one in the address, and one name two addresses that look alike.
        let (one_first, one_last) = (up_to(shared.first, 2), up_to(shared.last, 1));
        let alike = up_to(shared.first, 5) && up_to(shared.last, 4);
        let is_of_name = match outcome.level {
            Some(1) => alike && !(one_first && one_last),
            Some(3) => alike,
            Some(_) | None => false,
        };
        if shared.workplace.is_some() && !is_of_name {
            return shared.at_work(outcome);
        }
        let Facets { names, last, first, .. } = &self.facets;
        let (context, namesakes) = match (one_first, one_last) {
            (true, true) => (2, names.held(a.name).max(names.held(b.name))),
            _ if alike => (4, 0),
            (true, false) => (3, first.held(a.first).max(first.held(b.first))),
            (false, true) => (3, last.held(a.last).max(last.held(b.last))),
            (false, false) => return shared.at_work(outcome),
        };
        // The address names its owner: how rare it is counts among those of that name.
        let term = match outcome.term {
            Term::Value { held, .. } => Term::Value { held, among: float(namesakes).max(held) },
            other @ (Term::Level
            | Term::LevelOf { .. }
            | Term::Usual { .. }
            | Term::Name { .. }
            | Term::Within { .. }
            | Term::Word { .. }) => other,
        };
        Outcome { term, ..outcome }.within(context)
    }

    fn mail(&self, a: &Line, b: &Line, first_name: Option<u8>) -> Outcome {
        let facets = &self.facets;
        let Some((left, right)) = both(a.mail, b.mail) else { return Outcome::MISSING };
        if left == right {
            return Outcome::value(0, facets.mails.held(left), facets.len);
        }
        let (one, other) = (a.mail_parts, b.mail_parts);
        if one.of == Mailbox::Role || other.of == Mailbox::Role {
            return Outcome::MISSING;
        }
        let is_one_local = one.local == other.local;
        let domains = &facets.domain.values;
        let are_domains_a_slip_apart = || {
            let codes = [one.domain, other.domain];
            are_one_edit_apart(domains, codes, codes.map(|code| domains.glance(code)))
        };
        let is_slip = || {
            self.are_locals_a_slip_apart(a, b)
                && !(first_name == Some(OTHER_FIRST_NAME) && self.are_locals_of_two(a, b))
                && !self.do_locals_differ_by_name(a, b)
        };
        if (is_one_local || is_slip()) && (one.domain == other.domain || are_domains_a_slip_apart())
        {
            return Outcome::level(1);
        }
        if is_one_local {
            let local = facets.locals.text(one.local);
            return if self.is_made_of_name(local, a) || self.is_made_of_name(local, b) {
                Outcome::level(3)
            } else {
                Outcome::value(2, facets.locals.frequency(one.local), facets.len)
            };
        }
        Outcome::level(if one.of != other.of {
            4
        } else if one.domain != other.domain {
            5
        } else {
            6
        })
    }

    fn are_locals_a_slip_apart(&self, a: &Line, b: &Line) -> bool {
        let (left, right) = (a.mail_parts.local, b.mail_parts.local);
        let locals = &self.facets.locals;
        are_one_edit_apart(locals, [left, right], [a.local_glance, b.local_glance])
            && locals.text(left).len().min(locals.text(right).len()) >= 4
    }

    /// True where local parts differ in nothing but a name, of which each has that of its own record: the slip is
    /// the names', and says nothing beside them.
    fn do_locals_differ_by_name(&self, a: &Line, b: &Line) -> bool {
        let Facets { locals, first, last, .. } = &self.facets;
        let [one, other] = [a, b].map(|line| locals.text(line.mail_parts.local));
        let differ_by = |facet: &Facet, left: Code, right: Code| {
            both(left, right).is_some_and(|(left, right)| left != right) && {
                let [left, right] = [left, right].map(|name| facet.values.text(name));
                one.split(left).eq(other.split(right))
            }
        };
        differ_by(first, a.first, b.first) || differ_by(last, a.last, b.last)
    }

    /// True where local parts differ as two first names do: each begins or ends with the initial of its own, or
    /// begins with the whole of it.
    fn are_locals_of_two(&self, a: &Line, b: &Line) -> bool {
        let local = |line: &Line| self.facets.locals.text(line.mail_parts.local);
        let first = |line: &Line| self.facets.first.values.text(line.first);
        let (one, other) = ((local(a), first(a)), (local(b), first(b)));
        let are_initials = |letter: fn(&str) -> Option<char>| {
            let is_initial = |(local, first): (&str, &str)| letter(local) == first.chars().next();
            letter(one.0) != letter(other.0) && is_initial(one) && is_initial(other)
        };
        are_initials(|local| local.chars().next())
            || are_initials(|local| local.chars().next_back())
            || one.0.starts_with(one.1) && other.0.starts_with(other.1)
    }

    /// True for a local part that a record's name explains: two people of that name may both have it.
    pub(super) fn is_made_of_name(&self, local: &str, line: &Line) -> bool {
        if local.len() < 5 {
            return true;
        }
        if local.bytes().filter(u8::is_ascii_digit).count() >= 2 {
            return false;
        }
        let first = self.facets.first.values.text(line.first).split(' ').next().unwrap_or_default();
        let last = self.facets.last.values.text(line.last);
        if first.is_empty() && last.is_empty() {
            return true;
        }
        let holds = |name: &str| name.len() >= 3 && skips_into(local, name);
        holds(first) || holds(last)
    }

    fn phone(&self, a: &Line, b: &Line) -> Outcome {
        let facets = &self.facets;
        let mut rarest: Option<u32> = None;
        let mut is_slip = false;
        let mut is_blank = true;
        let numbers = |line: &Line| {
            let numbers = line.phones.into_iter().zip(line.phone_glances);
            numbers.filter(|(code, _)| *code != BLANK)
        };
        for (one, glance) in numbers(a) {
            for (other, at) in numbers(b) {
                is_blank = false;
                if one == other {
                    let held = facets.numbers.frequency(one);
                    rarest = Some(rarest.map_or(held, |rarest| rarest.min(held)));
                } else if rarest.is_none() && !is_slip {
                    is_slip = are_one_edit_apart(&facets.numbers, [one, other], [glance, at]);
                }
            }
        }
        match rarest {
            Some(held) => Outcome::value(0, held, facets.len),
            None if is_blank => Outcome::MISSING,
            None => Outcome::level(if is_slip { 1 } else { 2 }),
        }
    }

    fn address(&self, a: &Line, b: &Line) -> Outcome {
        let Facets { street, city, postcode, region, country, .. } = &self.facets;
        let (streets, cities) = (both(a.street, b.street), both(a.city, b.city));
        let (postcodes, regions) = (both(a.postcode, b.postcode), both(a.region, b.region));
        let is_one_postcode = postcodes.is_some_and(|(left, right)| left == right);
        let is_city_slip = |codes: [Code; 2]| {
            are_slip(&city.values, codes, codes.map(|code| city.values.glance(code)))
        };
        let is_one_city =
            cities.is_some_and(|(left, right)| left == right || is_city_slip([left, right]));
        let is_one_place = is_one_postcode || is_one_city;
        let is_place_known = postcodes.is_some() || cities.is_some();
        let may_be_one_place = is_one_place || !is_place_known;
        let countries = both(a.country, b.country);
        let are_two_countries = countries.is_some_and(|(left, right)| left != right);
        if let Some((left, right)) = streets {
            if left == right {
                return self.same(u8::from(!is_one_place), street, left);
            }
            let [one, other] = [left, right].map(|code| street.values.text(code));
            if may_be_one_place && is_one_street(one, other) {
                return Outcome::level(2);
            }
            if may_be_one_place && are_in_one_street(one, other) {
                return Outcome::level(3);
            }
            // Two streets are two sites, however near; people move, and have a street at home and at work.
            if !self.facets.are_people() {
                // But of two postcodes one may be wrong; two cities have streets of one name.
                if cities.is_none() && is_one_street_but_for_its_kind(one, other) {
                    return self.same(1, street, street.commoner(left, right));
                }
                return Outcome::level(if are_two_countries { 9 } else { 8 });
            }
        }
        if let Some((code, _)) = postcodes.filter(|_| is_one_postcode) {
            return self.same(4, postcode, code);
        }
        if let Some((left, right)) = cities.filter(|_| is_one_city) {
            return self.same(5, city, city.commoner(left, right));
        }
        match (regions, countries) {
            (Some((left, right)), _) if left == right && !is_place_known => {
                self.same(6, region, left)
            }
            _ if are_two_countries => Outcome::level(9),
            (None, None) if streets.is_none() && !is_place_known => Outcome::MISSING,
            (None, Some((code, _))) if streets.is_none() && !is_place_known => {
                self.same(7, country, code)
            }
            (Some(_) | None, _) => Outcome::level(8),
        }
    }

    fn workplace(&self, a: &Line, b: &Line) -> (Outcome, Option<f32>) {
        let Facets { company, domain, labels, len, .. } = &self.facets;
        let domains = both(a.domain, b.domain);
        let one_domain = domains.filter(|(left, right)| left == right).map(|(code, _)| code);
        let companies = both(a.company, b.company);
        let one_company = companies.filter(|_| is_one_company(a, b));
        let of = |level: u8, held: u32| (Outcome::value(level, held, *len), Some(float(held)));
        let held = |(left, right): (Code, Code)| company.held(left).max(company.held(right));
        match (one_domain, one_company) {
            (Some(code), Some(codes)) => return of(0, domain.held(code).min(held(codes))),
            (Some(code), None) => return of(1, domain.held(code)),
            (None, Some(codes)) => return of(2, held(codes)),
            (None, None) => {}
        }
        match (companies, companies.map(|_| self.company_likeness(a, b))) {
            (Some((left, right)), Some(2..=5)) => {
                let all = company.held(left) + company.held(right);
                (Outcome::level(3), Some(float(all)))
            }
            (_, likeness) => {
                let named = |one: &Line, other: &Line| {
                    let label = one.company_label;
                    let is_named = label != BLANK && label == other.domain_label;
                    is_named.then(|| labels.frequency(label))
                };
                if let Some(held) = named(a, b).max(named(b, a)) {
                    return of(4, held);
                }
                match likeness {
                    Some(6) => (Outcome::level(5), None),
                    None if domains.is_none() => (Outcome::MISSING, None),
                    Some(_) | None => (Outcome::level(6), None),
                }
            }
        }
    }

    /// How alike two company names are: a level of [`ladder::COMPANY`].
    fn company_likeness(&self, a: &Line, b: &Line) -> u8 {
        let Facets { company, company_words, .. } = &self.facets;
        let (left, right) = (a.company, b.company);
        if left == right {
            return 0;
        }
        if a.company_label == b.company_label {
            return 1;
        }
        // Initials share no neighbours with the words they stand for.
        let is_one_word = a.is_one_word || b.is_one_word;
        if !is_one_word && !a.company_neighbours.may_share_words(b.company_neighbours) {
            return 7;
        }
        let (one, other) = (self.facets.card(left), self.facets.card(right));
        let words = [self.facets.words(left, one), self.facets.words(right, other)];
        let overlap = overlap(company_words, words, [one.total, other.total]);
        let is_slip = || are_slip(&company.values, [left, right], [one.glance, other.glance]);
        let is_as_long = words[0].len() == words[1].len();
        let texts = || (company.values.text(left), company.values.text(right));
        if self.are_units_of_one([a, b], [one, other]) {
            4
        } else if is_slip() || overlap.of_both >= 0.8 && is_as_long {
            2
        } else if overlap.of_smaller >= 0.85 {
            let (left, right) = texts();
            if is_unit_of(left, right) || is_unit_of(right, left) { 4 } else { 3 }
        } else if is_one_word && one.may_be_initials(other) && is_acronym(texts()) {
            5
        } else if overlap.of_both >= 0.4 {
            6
        } else {
            7
        }
    }

    /// True for two names of one stem that say different units or places of it.
    fn are_units_of_one(&self, [a, b]: [&Line; 2], [one, other]: [&Card; 2]) -> bool {
        let Facets { company, stem_names, .. } = &self.facets;
        let stems = [one.stem, other.stem];
        let tail = |line: &Line, card: &Card| {
            company.values.text(line.company).get(stem_names.text(card.stem).len()..)
        };
        (one.stem == other.stem
            || are_slip(stem_names, stems, [one.stem_glance, other.stem_glance]))
            && tail(a, one) != tail(b, other)
    }

    fn company(&self, a: &Line, b: &Line) -> Outcome {
        let Facets { company, company_words, initials, len, .. } = &self.facets;
        let Some((left, right)) = both(a.company, b.company) else { return Outcome::MISSING };
        let level = self.company_likeness(a, b);
        if level <= 1 {
            // Of two spellings the commoner counts.
            let [one, other] = [left, right].map(|name| self.facets.others_of_name(name));
            let (name, others) = if one >= other { (left, one) } else { (right, other) };
            let term = Term::Name { held: float(company.held(name)), others };
            return Outcome { term, ..Outcome::level(level) };
        }
        if level == 5 {
            // The more names have these initials, the less they say whose they are.
            let texts = [left, right].map(|code| company.values.text(code));
            let short = texts.into_iter().min_by_key(|text| text.len()).unwrap_or_default();
            let names = initials.find(short).map_or(0, |code| initials.frequency(code));
            return Outcome::value(level, names + 1, *len);
        }
        let words = |code: Code| self.facets.words(code, self.facets.card(code));
        let (ours, theirs) = (words(left), words(right));
        let common = ours.iter().filter(|word| theirs.contains(word));
        match common.map(|word| company_words.values.frequency(*word)).min() {
            _ if level == 4 => Outcome::level(level).within(1),
            Some(held) if level <= 6 => {
                Outcome { level: Some(level), context: 1, term: Term::Word { held: float(held) } }
            }
            Some(_) | None => Outcome::level(level),
        }
    }

    fn domain(&self, a: &Line, b: &Line) -> Outcome {
        let Facets { domain, labels, len, .. } = &self.facets;
        let Some((left, right)) = both(a.domain, b.domain) else { return Outcome::MISSING };
        if left == right {
            return self.same(0, domain, left);
        }
        let (left, right) = (a.domain_label, b.domain_label);
        if left == right {
            return Outcome::value(1, labels.frequency(left), *len);
        }
        let glances = [a.domain_label_glance, b.domain_label_glance];
        Outcome::level(if are_slip(labels, [left, right], glances) { 2 } else { 3 })
    }

    fn same(&self, level: u8, facet: &Facet, code: Code) -> Outcome {
        Outcome::value(level, facet.held(code), self.facets.len)
    }
}

/// How much of two texts' words is common, rare words weighing more.
fn overlap(words: &Words, [left, right]: [&[Code]; 2], totals: [f32; 2]) -> Overlap {
    // Which slip a word meets depends on whose words are looked for.
    let text = |word: &Code| words.values.text(*word);
    let by_text = || left.iter().map(text).cmp(right.iter().map(text));
    let order = totals[0].total_cmp(&totals[1]).then_with(by_text);
    let [left, right] = if order.is_gt() { [right, left] } else { [left, right] };
    let mut common = 0.0;
    for word in left {
        if right.contains(word) {
            common += words.weight(*word);
            continue;
        }
        let slip = right
            .iter()
            .find(|other| !left.contains(other) && are_forms(&words.values, *word, **other));
        if let Some(other) = slip {
            common += 0.9 * words.weight(*word).min(words.weight(*other));
        }
    }
    let [left, right] = totals;
    Overlap {
        of_both: common / (left + right - common).max(f32::MIN_POSITIVE),
        of_smaller: common / left.min(right).max(f32::MIN_POSITIVE),
    }
}

/// What two records are already known to share.
#[derive(Default)]
struct Shared {
    /// How many records share the workplace.
    workplace: Option<f32>,
    /// The levels of what was compared before.
    phone: Option<u8>,
    address: Option<u8>,
    first: Option<u8>,
    last: Option<u8>,
    name: Option<u8>,
}

/// True for a level that was reached or a higher one.
fn up_to(level: Option<u8>, least: u8) -> bool {
    level.is_some_and(|level| level <= least)
}

impl Shared {
    /// True for people who may live together.
    fn household(&self) -> bool {
        up_to(self.phone, 0) || up_to(self.address, 2)
    }

    /// True for companies of related names at two addresses: what they answer the phone by may be one
    /// switchboard.
    fn is_switchboard_likely(&self) -> bool {
        matches!(self.address, Some(3 | 8 | 9)) && up_to(self.name, 6)
    }

    /// What a company's name usually brings with it is counted among names as alike, each level once; how
    /// many share the value is no chance of its own there.
    fn under_name(&self, outcome: Outcome) -> Outcome {
        let context = match self.name {
            Some(0 | 1) => 1,
            Some(2) => 2,
            Some(4) => 3,
            Some(3) => 4,
            Some(6) => 5,
            Some(_) | None => return outcome,
        };
        let term = match outcome.term {
            Term::Value { held, .. } => Term::LevelOf { held },
            other @ (Term::Level
            | Term::LevelOf { .. }
            | Term::Usual { .. }
            | Term::Name { .. }
            | Term::Within { .. }
            | Term::Word { .. }) => other,
        };
        Outcome { term, ..outcome }.within(context)
    }

    /// What a shared workplace usually brings with it is counted among colleagues.
    fn at_work(&self, outcome: Outcome) -> Outcome {
        let Some(colleagues) = self.workplace else { return outcome };
        let term = match outcome.term {
            Term::Value { held, .. } => Term::Value { held, among: colleagues.max(held) },
            other @ (Term::Level
            | Term::LevelOf { .. }
            | Term::Usual { .. }
            | Term::Name { .. }
            | Term::Within { .. }
            | Term::Word { .. }) => other,
        };
        Outcome { term, ..outcome }.within(1)
    }
}

struct Overlap {
    of_both: f32,
    of_smaller: f32,
}

impl Facet {
    /// How many records hold a value.
    fn held(&self, code: Code) -> u32 {
        self.values.frequency(code)
    }

    fn commoner(&self, left: Code, right: Code) -> Code {
        if self.held(left) >= self.held(right) { left } else { right }
    }
}

/// Names at least so alike (Jaro-Winkler) look alike; the usual threshold of linkage packages.
const ALIKE: f64 = 0.9;

fn both(left: Code, right: Code) -> Option<(Code, Code)> {
    (left != BLANK && right != BLANK).then_some((left, right))
}

/// True for company names that are one, however spaced.
fn is_one_company(a: &Line, b: &Line) -> bool {
    a.company == b.company || a.company_label == b.company_label
}

/// True where the first name of each record is the other's last name.
fn is_swapped(a: &Line, b: &Line) -> bool {
    a.last != BLANK && b.last != BLANK && a.first_as_last == b.last && b.first_as_last == a.last
}

fn at_most<T>(items: &[T], at: usize) -> Option<&T> {
    items.get(at)
}

/// A slip of the keyboard between two values, told at a glance where that can tell.
fn are_slip(values: &Dictionary, [left, right]: [Code; 2], [one, other]: [Glance; 2]) -> bool {
    one.least_edits(other) <= 2 && is_slip(values.text(left), values.text(right))
}

/// How alike two texts are, whichever comes first: letters are looked for from one in the other.
fn similarity(left: &str, right: &str) -> f64 {
    if left <= right { jaro_winkler(left, right) } else { jaro_winkler(right, left) }
}

/// Two values no more than one edit apart.
fn are_one_edit_apart(
    values: &Dictionary,
    [left, right]: [Code; 2],
    [one, other]: [Glance; 2],
) -> bool {
    one.least_edits(other) <= 1 && distance(values.text(left), values.text(right), 1) <= 1
}

/// Two values that look alike: at least so similar.
fn look_alike(values: &Dictionary, [left, right]: [Code; 2], [one, other]: [Glance; 2]) -> bool {
    one.may_look_alike(other) && similarity(values.text(left), values.text(right)) >= ALIKE
}

/// The full forms that the second of several given names may stand for, or else itself.
pub(super) fn second_name_roots(first: &str) -> impl Iterator<Item = &str> {
    let second = first.split(' ').nth(1);
    let roots = second.map_or(&[][..], roots);
    roots.iter().copied().chain(second.filter(|_| roots.is_empty()))
}

/// True where a whole word of one name is in the other, and one of them has several.
fn share_part(values: &Dictionary, [left, right]: [Code; 2], [one, other]: [Glance; 2]) -> bool {
    (one.may_hold_space() || other.may_hold_space()) && {
        let (left, right) = (values.text(left), values.text(right));
        (left.contains(' ') || right.contains(' '))
            && left
                .split(' ')
                .any(|word| word.len() >= 3 && right.split(' ').any(|other| other == word))
    }
}

/// A slip of the keyboard: one edit, or two in a long word. Another number is no slip.
pub(super) fn is_slip(left: &str, right: &str) -> bool {
    let (one, other) = (left.as_bytes(), right.as_bytes());
    let limit = match one.len().min(other.len()) {
        0..4 => return false,
        // One edit leaves the first letter or the last.
        4..9 if one.first() != other.first() && one.last() != other.last() => return false,
        4..9 => 1,
        _ => 2,
    };
    distance(left, right, limit) <= limit && have_one_number(left, right)
}

/// True where two texts have the same digits.
fn have_one_number(left: &str, right: &str) -> bool {
    left.bytes().filter(u8::is_ascii_digit).eq(right.bytes().filter(u8::is_ascii_digit))
}

/// One word with a slip, or cut short.
fn are_forms(words: &Dictionary, left: Code, right: Code) -> bool {
    let glances = [words.glance(left), words.glance(right)];
    let is_cut_short = || {
        let (one, other) = (words.text(left), words.text(right));
        let (long, short) = if one.len() > other.len() { (one, other) } else { (other, one) };
        short.len() >= 4 && long.starts_with(short)
    };
    glances[0].may_begin_alike(glances[1]) && is_cut_short()
        || are_slip(words, [left, right], glances)
}

fn is_day_for_month(left: &str, right: &str) -> bool {
    match (left.len(), left.get(0..4), left.get(4..6), left.get(6..8)) {
        (8, Some(year), Some(one), Some(two)) if right.len() == 8 => {
            right.get(0..4) == Some(year)
                && right.get(4..6) == Some(two)
                && right.get(6..8) == Some(one)
        }
        _ => false,
    }
}

/// One street with a slip, or one that lacks a part: the house number has to agree.
fn is_one_street(left: &str, right: &str) -> bool {
    left.starts_with(right)
        || right.starts_with(left)
        || is_one_street_but_for_its_kind(left, right)
        || similarity(left, right) >= 0.93 && have_one_number(left, right)
}

/// One house number in one street, of which one or both lack the kind or direction or say more.
fn is_one_street_but_for_its_kind(left: &str, right: &str) -> bool {
    let (Some((number, name)), Some((other_number, other))) =
        (numbered_street(left), numbered_street(right))
    else {
        return false;
    };
    number == other_number && {
        let fewer = name.clone().count().min(other.clone().count());
        name.zip(other).take_while(|(one, other)| one == other).count() == fewer
    }
}

/// Two house numbers in one street.
fn are_in_one_street(left: &str, right: &str) -> bool {
    let streets = numbered_street(left).zip(numbered_street(right));
    streets.is_some_and(|((_, name), (_, other))| name.eq(other))
}

/// True where a text's letters, its signs left out, hold a name.
fn skips_into(text: &str, name: &str) -> bool {
    let letters = || text.bytes().filter(u8::is_ascii_alphabetic);
    let name = || name.bytes().filter(|byte| *byte != b' ');
    let len = letters().count();
    (0..len).any(|from| {
        let mut rest = letters().skip(from);
        name().all(|byte| rest.next() == Some(byte))
    })
}

fn is_unit_of(long: &str, short: &str) -> bool {
    let mut extra =
        long.split(' ').filter(|word| !short.split(' ').any(|other| other == *word)).peekable();
    extra.peek().is_some() && extra.all(|word| UNIT_WORDS.binary_search(&word).is_ok())
}

/// True where one name is the initials of the other.
fn is_acronym((left, right): (&str, &str)) -> bool {
    is_acronym_of(left, right) || is_acronym_of(right, left)
}

/// The initials of a name's words.
pub(super) fn initials(name: &str) -> impl Iterator<Item = char> {
    name.split(' ').filter(|word| *word != "and").filter_map(|word| word.chars().next())
}

fn is_acronym_of(short: &str, long: &str) -> bool {
    short.len() >= 2
        && !short.contains(' ')
        && long.contains(' ')
        && initials(long).eq(short.chars())
}

#[expect(clippy::cast_precision_loss, reason = "counts of records; a weight needs no more")]
pub(super) fn float(n: u32) -> f32 {
    n as f32
}
