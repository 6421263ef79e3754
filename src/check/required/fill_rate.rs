//! REQ-06: what comes from one source brings a required field along less often than it did.
//!
//! One finding about each source and field: what broke is a form, a list or an integration, and the records
//! are judged one by one elsewhere (REQ-01).
//! Does not: say what broke, or judge a week or a past of few records.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Grant, Missing, Object, RecordRef, Row, Shown};
use crate::finding::{Evidence, Finding, FindingId, Proposal, Severity, record};
use crate::policy::Section;

use super::super::condition::fold;
use super::super::interval::percent;
use super::super::ladder::{UNSAID, same};
use super::super::settings;
use super::super::weeks::{self, Course, Dated, Surprise, Weeks, Words};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use super::missing::Require;
use super::stage::{Place, Places};
use super::{FILE, label, policy, title};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "REQ-06",
    name: "fill-rate-drop",
    family: Family::Required,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "Of the records of one lead source that were created in the last full week, fewer have a \
              value (a placeholder is none) in a field that [[require]] asks of them than an exact binomial test allows at the low end of the \
              exact 95 % interval of the `weeks` before. One finding about each source and field, from \
              `least` records of the week and `least_before` of the weeks before on; imports do not count.",
    consequence: "A form, a list or an integration has lost a field, and every record it makes until \
                  somebody notices has to be filled in by hand.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    weeks: weeks::Rules,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let section = root.section(CHECK.name);
        let off = settings::is_off(section.as_ref());
        Self { off, weeks: weeks::Rules::parse(section.as_ref()) }
    }
}

/// A table of which something is required, with what tells where its records came from and when.
#[derive(Debug, Clone)]
struct Table {
    object: Object,
    source: Field,
    created: Field,
    wanted: Vec<Wanted>,
}

/// A field, and all that the rules say of when it is required.
#[derive(Debug, Clone)]
struct Wanted {
    field: Field,
    requires: Vec<Require>,
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.required.fill_rate.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    let requires = &policies.required.missing.requires;
    if requires.is_empty() {
        let write = "add a [[require]] entry for each required field";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let (mut tables, mut lacking) = (Vec::new(), Vec::new());
    let mut first = None;
    for object in Object::REVIEWED {
        let of_object: Vec<_> = requires.iter().filter(|it| it.object == object).collect();
        if of_object.is_empty() {
            continue;
        }
        match Table::ask(object, &of_object, grant, policies) {
            Ok(table) => tables.push(table),
            Err(missing) => {
                lacking.push((object, missing.to_string()));
                first.get_or_insert(missing);
            }
        }
    }
    if let Some(missing) = first
        && tables.is_empty()
    {
        return Err(missing.into());
    }
    Ok(Box::new(move |world| {
        let mut judgement = Judgement::default();
        for (object, why) in &lacking {
            judgement.skip(*object, why);
        }
        judge(world, &rules.weeks, &tables, &mut judgement);
        judgement
    }))
}

impl Table {
    fn ask(
        object: Object,
        requires: &[&Require],
        grant: &mut Grant<'_>,
        policies: &Policies,
    ) -> Result<Self, Missing> {
        let source = grant.field(object, "lead_source")?;
        let created = grant.field(object, "created")?;
        let mut wanted: Vec<Wanted> = Vec::new();
        // Where a source is lacking nothing says whose it is.
        for require in requires.iter().filter(|require| require.field != source) {
            require.ask(grant, policies);
            match wanted.iter_mut().find(|known| known.field == require.field) {
                Some(known) => known.requires.push((*require).clone()),
                None => wanted.push(Wanted {
                    field: require.field.clone(),
                    requires: vec![(*require).clone()],
                }),
            }
        }
        Ok(Self { object, source, created, wanted })
    }
}

impl Wanted {
    /// Whether a record must have the field; `None` when nothing says how far it has come.
    fn applies(&self, world: &World<'_>, row: Row<'_>, place: Place) -> Option<bool> {
        let mut said = self.requires.iter().map(|require| require.applies(world, row, place));
        let is_unsaid = said.clone().any(|it| it.is_none());
        if said.any(|it| it == Some(true)) { Some(true) } else { (!is_unsaid).then_some(false) }
    }
}

/// The records of one source of which one field is required.
struct Pair<'t, 'a> {
    table: &'t Table,
    /// The source, folded.
    source: String,
    wanted: &'t Wanted,
    /// By week, how many have it.
    course: Course,
    /// Those of the last week that do not.
    blank: Vec<Row<'a>>,
    /// How many records of the source came in the last week with an import.
    imported: usize,
}

fn judge(world: &World<'_>, rules: &weeks::Rules, tables: &[Table], judgement: &mut Judgement) {
    let weeks = Weeks::of(&world.as_of, rules);
    let mut pairs = Vec::new();
    for table in tables {
        pairs.extend(table.pairs(world, rules, &weeks, judgement));
    }
    let mut unseen = Vec::new();
    let fallen = |pair: &Pair<'_, '_>| rules.fallen(&pair.course, pairs.len());
    for pair in &pairs {
        let Some(fall) = fallen(pair) else { continue };
        match pair.finding(world, rules, &weeks, fall) {
            Some(finding) => judgement.findings.push(finding),
            None => unseen.push(pair.id()),
        }
    }
    if !unseen.is_empty() {
        let words = format!(
            "{} sources and fields fell of whose records without a value none is under review",
            unseen.len()
        );
        judgement.skip_findings(unseen, words);
    }
}

impl Table {
    /// What of it has records enough to be told.
    fn pairs<'t, 'a>(
        &'t self,
        world: &World<'a>,
        rules: &weeks::Rules,
        weeks: &Weeks,
        judgement: &mut Judgement,
    ) -> Vec<Pair<'t, 'a>> {
        let Some(batch) = world.batch(self.object) else {
            judgement.skip(self.object, "there is no input");
            return Vec::new();
        };
        for field in [&self.source, &self.created] {
            if !batch.has(field) {
                judgement.skip(self.object, &format!("the input has no `{}`", field.name()));
                return Vec::new();
            }
        }
        let Dated { rows, imported } = weeks.dated(batch, &self.created, judgement);
        let sources = Sources::of(self, world, &rows, rules.least.value as usize);
        let wanted = self.supplied(batch, judgement);
        let pairs = |source: &String| -> Vec<Pair<'t, 'a>> {
            let pair = |wanted| Pair {
                table: self,
                source: source.clone(),
                wanted,
                course: weeks.course(),
                blank: Vec::new(),
                imported: 0,
            };
            wanted.iter().copied().map(pair).collect()
        };
        let mut found: Vec<Vec<Pair<'t, 'a>>> = sources.names.iter().map(pairs).collect();
        let mut places = Places::of(world, self.object);
        let mut unsaid = 0_usize;
        let mut of_week = vec![0_usize; sources.names.len()];
        for (row, week) in rows {
            let Some(source) = sources.place(self, row) else { continue };
            let Some(pairs) = found.get_mut(source) else { continue };
            if let Some(count) = of_week.get_mut(source).filter(|_| week == 0) {
                *count += 1;
            }
            let place = places.place(row);
            let mut is_unsaid = false;
            for pair in pairs {
                match pair.wanted.applies(world, row, place) {
                    Some(true) => pair.see(world, row, week),
                    Some(false) => {}
                    None => is_unsaid = true,
                }
            }
            unsaid += usize::from(is_unsaid);
        }
        for (row, _) in imported.into_iter().filter(|(_, week)| *week == 0) {
            let pairs = sources.place(self, row).and_then(|source| found.get_mut(source));
            pairs.into_iter().flatten().for_each(|pair| pair.imported += 1);
        }
        if unsaid > 0 {
            let what = format!(
                "{unsaid} of these weeks with {UNSAID} do not count for what is required from a stage on"
            );
            judgement.remark(self.object, &what);
        }
        let mut few: Vec<FindingId> = Vec::new();
        for source in &sources.few {
            few.extend(wanted.iter().map(|wanted| id(&wanted.field, source)));
        }
        for (pairs, records) in found.iter_mut().zip(of_week) {
            few.extend(pairs.iter().filter(|it| !rules.are_enough(&it.course)).map(Pair::id));
            pairs.retain(|pair| rules.are_enough(&pair.course));
            judgement.examined += if pairs.is_empty() { 0 } else { records };
        }
        let found: Vec<_> = found.into_iter().flatten().collect();
        if found.is_empty() {
            weeks.too_few(self.object, "no source and required field has", rules, judgement);
        } else if !few.is_empty() {
            let words = format!(
                "{}: sources and required fields with too few records are not judged: {}",
                self.object.plural(),
                few.len()
            );
            judgement.skip_findings(few, words);
        }
        found
    }

    /// The fields that the input has.
    fn supplied(&self, batch: &Batch, judgement: &mut Judgement) -> Vec<&Wanted> {
        let mut supplied = Vec::new();
        for wanted in &self.wanted {
            if batch.has(&wanted.field) {
                supplied.push(wanted);
            } else {
                let why = format!("the input has no `{}`", wanted.field.name());
                judgement.skip_field(&wanted.field, &why);
            }
        }
        supplied
    }
}

/// The sources of a table that have records enough of the last week: those that the rules govern where they
/// name them, else every one there is.
struct Sources<'a> {
    /// By the value as it stands.
    known: HashMap<&'a str, usize>,
    /// Folded, by their places.
    names: Vec<String>,
    /// Those that have too few, folded.
    few: Vec<String>,
}

impl<'a> Sources<'a> {
    fn of(table: &Table, world: &World<'_>, rows: &[(Row<'a>, usize)], least: usize) -> Self {
        let mut written: HashMap<&'a str, usize> = HashMap::new();
        for (row, week) in rows {
            if let Some(source) = row.text(&table.source) {
                *written.entry(source).or_default() += usize::from(*week == 0);
            }
        }
        // A misspelt case is the same form's, and told elsewhere (SRC-05).
        let governed = world.policies.lead_source.governed();
        let is_governed =
            |source: &str| governed.is_none_or(|known| known.iter().any(|it| same(it, source)));
        let mut folded: BTreeMap<String, (usize, Vec<&'a str>)> = BTreeMap::new();
        for (source, count) in written {
            if !source.trim().is_empty() && is_governed(source) {
                let (sum, spellings) = folded.entry(fold(source)).or_default();
                *sum += count;
                spellings.push(source);
            }
        }
        let mut sources = Self { known: HashMap::new(), names: Vec::new(), few: Vec::new() };
        for (name, (count, spellings)) in folded {
            if count < least {
                sources.few.push(name);
                continue;
            }
            let place = sources.names.len();
            sources.known.extend(spellings.into_iter().map(|source| (source, place)));
            sources.names.push(name);
        }
        sources
    }

    fn place(&self, table: &Table, row: Row<'a>) -> Option<usize> {
        self.known.get(row.text(&table.source)?).copied()
    }
}

/// What tells the records of one source from the others of a table.
fn known_by(object: Object, source: &str) -> RecordRef {
    record(object, &format!("source {source}"))
}

fn id(field: &Field, source: &str) -> FindingId {
    FindingId::of(CHECK.code, &known_by(field.object(), source), &[], Some(field.name()))
}

/// No more records than a person reads.
const QUOTED: usize = 5;

impl<'a> Pair<'_, 'a> {
    /// A placeholder is no value: a form that writes `n/a` has lost the field as well.
    fn see(&mut self, world: &World<'_>, row: Row<'a>, week: usize) {
        let field = &self.wanted.field;
        let is_blank = row.is_blank(field) || world.policies.required.is_placeholder(row, field);
        self.course.add(week, !is_blank);
        if is_blank && week == 0 {
            self.blank.push(row);
        }
    }

    fn id(&self) -> FindingId {
        id(&self.wanted.field, &self.source)
    }

    /// The first record under review without the field is shown for all; there is none where no such record is
    /// under review.
    fn finding(
        &self,
        world: &World<'_>,
        rules: &weeks::Rules,
        weeks: &Weeks,
        fall: Surprise,
    ) -> Option<Finding> {
        let mut blank: Vec<Row<'_>> =
            self.blank.iter().copied().filter(|row| row.is_under_review()).collect();
        blank.sort_by(|one, other| one.id().cmp(other.id()));
        let row = *blank.first()?;
        let (object, field) = (self.table.object, &self.wanted.field);
        let (last, before) = (self.course.last(), self.course.before());
        let source = row.cell(&self.table.source);
        let from = match source.shown() {
            Shown::Value(source) | Shown::Masked(source) => format!("from {}", source.trim()),
            Shown::Blank | Shown::Never | Shown::Withheld => "from one source".to_owned(),
        };
        let records = format!("{} {from}", object.plural());
        let (week, span) = (weeks.last(), weeks.span());
        let lacks = if self.blank.iter().all(|row| row.is_blank(field)) {
            "blank"
        } else {
            "blank or a placeholder"
        };
        let others = match self.blank.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let headline = format!(
            "{} is {lacks} in {}{others} of the {} {records} created {week}: {} have it, after {} in the \
             {span} before",
            title(field),
            world.called(row),
            last.whole,
            percent(last.share()),
            percent(before.share()),
        );
        let question = format!(
            "What has changed in the form, list or integration that brings {records}, so that {} is {lacks}?",
            label(field)
        );
        let first: Vec<_> = blank.iter().take(QUOTED).map(|row| row.record().to_string()).collect();
        let fact = Evidence::Cell(row.cell(field));
        let created = &self.table.created;
        let words = Words {
            what: &format!("{records} that have {}", label(field)),
            looked_at: "sources and fields",
            family: Family::Required,
        };
        let mut finding =
            Finding::about(row.record(), headline, fact, Proposal::ReviewUpstream { question })
                .of_field(field)
                .of_group([known_by(object, &self.source)])
                .because(Evidence::Cell(source))
                .because(Evidence::Cell(row.cell(created)))
                .because(Evidence::Figure {
                    of: format!("the first {} without it", object.plural()),
                    is: first.join(", "),
                });
        if self.imported > 0 {
            finding = finding.because(Evidence::Figure {
                of: format!("{records} that were imported in the week and do not count"),
                is: self.imported.to_string(),
            });
        }
        for require in &self.wanted.requires {
            finding = finding.because(policy(require.line, require.words()));
        }
        finding = rules.told(finding, weeks, &self.course, &fall, words);
        let bare = self.blank.iter().filter(|row| weeks.is_bare(**row, created)).count();
        if bare >= rules.import_size.value as usize {
            finding = finding.lacking(Weeks::timeless(created, bare));
        }
        Some(finding.unless(
            "those of before had longer to be filled in by hand: where people do that, the week catches up",
        ))
    }
}
