//! LIF-07: the dates of one record contradict each other.
//!
//! One finding per record lists all its contradictions. Does not: judge records whose stage itself is
//! unproven; that fault comes first.

use chrono::{DateTime, Duration, Utc};

use crate::boundary::{Batch, Boundary, Cell, Field, Grant, Kind, Object, Row, is_bare_day};
use crate::check::deals::{self, is_expectation};
use crate::check::imports::Imports;
use crate::check::ladder::Ladder;
use crate::check::settings::named;
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::{Said, Section};

use super::customer_without_won_deal::{self as unproven, Claims};
use super::{FILE, Settings, policy, said};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-07",
    name: "contradicting-dates",
    family: Family::Lifecycle,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "By more than `tolerance_hours`: a date that has to follow another lies before it \
              (created, stage changed, converted, closed, became each stage), a closed deal's date \
              lies in the future, or the present stage has no date although others have.",
    consequence: "Cycle times and conversion by period are wrong, and nobody can say which report \
                  to trust.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    tolerance_hours: Said<u32>,
    sequences: Vec<Sequence>,
}

/// Dates of one object that have to follow each other.
#[derive(Debug, Clone)]
struct Sequence {
    object: Object,
    fields: Vec<Field>,
    line: usize,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, boundary: &Boundary) -> Self {
        let section = settings.section.as_ref();
        let written = section.map(|section| section.texts("sequences")).unwrap_or_default();
        let sequences =
            written.iter().filter_map(|text| Sequence::parse(section?, text, boundary)).collect();
        Self {
            on: settings.on(),
            tolerance_hours: settings.count("tolerance_hours", 24),
            sequences,
        }
    }
}

impl Sequence {
    /// `contact: became_lead < became_mql`.
    fn parse(section: &Section<'_>, text: &Said<&str>, boundary: &Boundary) -> Option<Self> {
        let wrong = |message: String| {
            let hint = "like \"contact: became_lead < became_customer\"";
            section.problem_with_hint(text.line, message, hint);
        };
        let Some((object, names)) = text.value.split_once(':') else {
            wrong(format!("`{}` does not say which object it is about", text.value));
            return None;
        };
        let object = Object::parse(object.trim()).filter(|o| Object::REVIEWED.contains(o));
        let Some(object) = object else {
            wrong(format!("`{}` does not begin with lead, contact, account or deal", text.value));
            return None;
        };
        let mut fields = Vec::new();
        for name in names.split('<').map(str::trim) {
            match boundary.field(object, name) {
                Ok(field) if field.kind() == Kind::Date => fields.push(field),
                Ok(field) => wrong(format!("`{field}` is not a date")),
                Err(missing) => wrong(missing.to_string()),
            }
        }
        if fields.len() < 2 {
            wrong(format!("`{}` names fewer than two dates", text.value));
            return None;
        }
        Some(Self { object, fields, line: text.line })
    }
}

/// The dates of one object.
struct Dates {
    object: Object,
    stage: Option<Field>,
    created: Option<Field>,
    close_date: Option<Field>,
    /// When a deal did close, where the close date is only the expected one.
    closed_date: Option<Field>,
    /// Dates that each stage was reached, with the stage's rank.
    became: Vec<(Field, usize)>,
    sequences: Vec<Sequence>,
}

impl Dates {
    fn ask(grant: &mut Grant<'_>, policies: &Policies, object: Object) -> Option<Self> {
        let ladder = policies.ladders.of(object);
        let told_by_flag = object == Object::Deal && grant.optional(object, "closed").is_some();
        if ladder.is_none() && !told_by_flag {
            return None;
        }
        policies.ladders.ask(object, grant);
        let created = grant.optional(object, "created");
        let became = ladder.map(|ladder| became(grant, ladder)).unwrap_or_default();
        let mut sequences: Vec<Sequence> = policies
            .lifecycle
            .contradicting_dates
            .sequences
            .iter()
            .filter(|sequence| sequence.object == object)
            .cloned()
            .collect();
        for field in sequences.iter().flat_map(|sequence| &sequence.fields) {
            grant.reads(field);
        }
        if sequences.is_empty() && became.len() > 1 {
            let fields = became.iter().map(|(field, _)| field.clone()).collect();
            sequences.push(Sequence { object, fields, line: 0 });
        }
        for later in ["stage_changed", "converted_date"] {
            if let (Some(created), Some(later)) = (&created, grant.optional(object, later)) {
                let fields = vec![created.clone(), later];
                sequences.push(Sequence { object, fields, line: 0 });
            }
        }
        if object == Object::Deal {
            deals::ask(grant, &policies.ladders);
        }
        Some(Self {
            object,
            stage: ladder.map(|ladder| ladder.field.clone()),
            created,
            close_date: grant
                .optional(Object::Deal, "close_date")
                .filter(|_| object == Object::Deal),
            closed_date: grant
                .optional(Object::Deal, "closed_date")
                .filter(|_| object == Object::Deal),
            became,
            sequences,
        })
    }

    /// The date that is to tell when a deal did close.
    fn close(&self) -> Option<&Field> {
        self.closed_date.as_ref().or(self.close_date.as_ref())
    }

    /// That date with the first of its columns by whose name it only tells when closing was expected.
    fn expected<'b>(&self, batch: &'b Batch) -> Option<(&Field, &'b str)> {
        let close = self.close()?;
        let column = batch.columns_of(close).find(|column| is_expectation(column))?;
        Some((close, column))
    }
}

/// The `became_…` field of each stage that has one, in the ladder's order.
fn became(grant: &mut Grant<'_>, ladder: &Ladder) -> Vec<(Field, usize)> {
    let object = ladder.field.object();
    let field = |(rank, stage): (usize, &String)| {
        let field = names(stage).iter().find_map(|name| grant.optional(object, name))?;
        (field.kind() == Kind::Date).then_some((field, rank))
    };
    ladder.order.iter().enumerate().filter_map(field).collect()
}

/// `became_sales_qualified_lead`, and the short form that people use.
fn names(stage: &str) -> Vec<String> {
    let word: String = stage
        .trim()
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let short = match word.replace('_', "").as_str() {
        "marketingqualifiedlead" => Some("became_mql".to_owned()),
        "salesqualifiedlead" => Some("became_sql".to_owned()),
        _ => None,
    };
    std::iter::once(format!("became_{word}")).chain(short).collect()
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    if !policies.lifecycle.contradicting_dates.on {
        return Err(CHECK.off_in_rules());
    }
    let dates: Vec<Dates> = Object::REVIEWED
        .into_iter()
        .filter_map(|object| Dates::ask(grant, policies, object))
        .collect();
    if dates.is_empty() {
        let write = "add a ladder such as [contact] with `field` and `order`";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let stage_fault = unproven::Asked::ask(grant, policies).ok();
    Ok(Box::new(move |world| judge(world, &dates, stage_fault.as_ref())))
}

fn judge(world: &World<'_>, dates: &[Dates], stage_fault: Option<&unproven::Asked>) -> Judgement {
    let mut judgement = Judgement::default();
    for object in Object::REVIEWED {
        if world.batch(object).is_some() && !dates.iter().any(|dates| dates.object == object) {
            judgement.skip(object, "rules/lifecycle.toml has no ladder for them");
        }
    }
    for dates in dates {
        let Some(batch) = world.batch(dates.object) else {
            judgement.skip(dates.object, "there is no input for them");
            continue;
        };
        let case = Case { world, dates };
        if let Some((close, column)) = dates.expected(batch) {
            let why = format!(
                "when they closed is not known: by its name `{column}` is the day on which that was expected; list the day of closing as `closed_date`"
            );
            judgement.skip_field(close, &why);
        }
        let mut flagged = Vec::new();
        for row in batch.reviewed() {
            judgement.examined += 1;
            let contradictions = case.contradictions(row);
            if !contradictions.is_empty() {
                flagged.push((row, contradictions));
            }
        }
        if flagged.is_empty() {
            continue;
        }
        let claims = stage_fault
            .filter(|_| matches!(dates.object, Object::Contact | Object::Account))
            .map(|asked| Claims::of(world, asked));
        flagged.retain(|(row, _)| !claims.as_ref().is_some_and(|claims| claims.finds(*row)));
        let rows = flagged.iter().map(|(row, _)| *row);
        let imports = Imports::around(batch, dates.created.as_ref(), world.as_of.zone, rows);
        let mut imported = 0;
        for (row, mut contradictions) in flagged {
            if imports.size(row).is_some() {
                contradictions.retain(|one| !one.by_creation);
            }
            if contradictions.is_empty() {
                imported += 1;
            } else {
                judgement.findings.push(case.finding(row, &contradictions, &imports));
            }
        }
        if imported > 0 {
            judgement.remark(
                dates.object,
                &format!(
                    "{imported} were created by the dozen within one minute after their own dates: \
                     taken as imports of older records"
                ),
            );
        }
    }
    judgement
}

/// Two dates that cannot both be right, or one that cannot be.
struct Contradiction {
    words: String,
    cells: Vec<Cell>,
    line: usize,
    /// Why it may be right all the same.
    doubt: &'static str,
    /// The creation is what comes too late: an import explains it.
    by_creation: bool,
}

/// One object's dates.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    dates: &'w Dates,
}

impl<'a> Case<'_, 'a> {
    /// Every contradiction of a record. Allocates only where there is one.
    fn contradictions(&self, row: Row<'a>) -> Vec<Contradiction> {
        let mut found = Vec::new();
        for sequence in &self.dates.sequences {
            // The latest so far: a date may be before it by little and before all of them by much.
            let mut before: Option<&Field> = None;
            for field in sequence.fields.iter().filter(|field| row.time(field).is_some()) {
                let Some(latest) = before else {
                    before = Some(field);
                    continue;
                };
                match self.out_of_order(row, latest, field, sequence.line) {
                    Some(_) if self.recycled(row, latest, field) => {}
                    Some(contradiction) => {
                        found.push(contradiction);
                        // What follows in order on a date that was told is no second contradiction.
                        before = Some(field);
                    }
                    None if row.time(field) >= row.time(latest) => before = Some(field),
                    None => {}
                }
            }
        }
        if let Some(close) = self.dates.close() {
            self.close_date(row, close, &mut found);
        }
        self.became(row, &mut found);
        found
    }

    fn tolerance(&self) -> Duration {
        let hours = self.world.policies.lifecycle.contradicting_dates.tolerance_hours.value;
        Duration::hours(hours.into())
    }

    /// The last instant a value can mean: a bare day lasts until it ends.
    fn latest(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if is_bare_day(at, self.world.as_of.zone) { at + Duration::days(1) } else { at }
    }

    fn out_of_order(
        &self,
        row: Row<'a>,
        first: &Field,
        second: &Field,
        line: usize,
    ) -> Option<Contradiction> {
        let (one, other) = (row.time(first)?, row.time(second)?);
        if self.latest(other) + self.tolerance() >= one {
            return None;
        }
        let by_creation = self.dates.created.as_ref() == Some(first);
        let stages = |field: &Field| self.dates.became.iter().any(|(known, _)| known == field);
        let doubt = if by_creation {
            "it may have been entered after the fact: then its creation is only the day of writing \
             it down"
        } else if stages(first) && stages(second) {
            "a record that was merged, or went round twice, carries dates of more than one pass"
        } else {
            "the order may not hold for every kind of record"
        };
        Some(Contradiction {
            words: format!(
                "{} {} is before {} {}",
                named(&row.cell(second)),
                said(row, second),
                named(&row.cell(first)),
                said(row, first)
            ),
            cells: vec![row.cell(first), row.cell(second)],
            line,
            doubt,
            by_creation,
        })
    }

    /// True when the record went back, as the rules allow: then the lower stage's date is the later.
    fn recycled(&self, row: Row<'a>, first: &Field, second: &Field) -> bool {
        let rank = |field: &Field| {
            self.dates.became.iter().find(|(known, _)| known == field).map(|(_, rank)| *rank)
        };
        let ladder = self.world.policies.ladders.of(self.dates.object);
        let (Some(low), Some(high), Some(ladder)) = (rank(first), rank(second), ladder) else {
            return false;
        };
        let now = row.text(&ladder.field).and_then(|stage| ladder.rank(stage));
        ladder.allowed_back.iter().any(|(from, to)| {
            let (from, to) = (ladder.rank(from), ladder.rank(to));
            to == Some(low) && from.is_some_and(|from| from >= high) && now >= Some(low)
        })
    }

    fn close_date(&self, row: Row<'a>, close: &Field, found: &mut Vec<Contradiction>) {
        let state = self.world.deals().state(self.world, row);
        if !matches!(state, Some(deals::DealState::Won | deals::DealState::Lost)) {
            return;
        }
        let disordered =
            self.dates.created.as_ref().and_then(|it| self.out_of_order(row, it, close, 0));
        let now = self.world.as_of.instant;
        let is_ahead = row.time(close).is_some_and(|at| at > now + self.tolerance());
        // What was expected of a deal that did close contradicts nothing.
        if (disordered.is_none() && !is_ahead) || is_expectation(row.cell(close).column()) {
            return;
        }
        found.extend(disordered);
        if is_ahead {
            found.push(Contradiction {
                words: format!(
                    "it is closed and {} {} is in the future",
                    named(&row.cell(close)),
                    said(row, close)
                ),
                cells: vec![row.cell(close)],
                line: 0,
                doubt: "the planned date may have been left in place when it was closed early",
                by_creation: false,
            });
        }
    }

    /// Stage dates in the future, and a present stage without its date.
    fn became(&self, row: Row<'a>, found: &mut Vec<Contradiction>) {
        let now = self.world.as_of.instant;
        let ladder = self.world.policies.ladders.of(self.dates.object);
        let stage = self.dates.stage.as_ref().and_then(|field| row.text(field));
        let rank = ladder.zip(stage).and_then(|(ladder, stage)| ladder.rank(stage));
        for (field, of) in &self.dates.became {
            if row.time(field).is_some_and(|at| at > now + self.tolerance()) {
                found.push(Contradiction {
                    words: format!(
                        "{} {} is in the future",
                        named(&row.cell(field)),
                        said(row, field)
                    ),
                    cells: vec![row.cell(field)],
                    line: 0,
                    doubt: "the clock of the system that wrote the date may be wrong, not the stage",
                    by_creation: false,
                });
            }
            // Where the rules demand the date as evidence of the stage, LIF-06 asks for it.
            let evidence = &self.world.policies.lifecycle.skipped_evidence;
            if stage.is_some_and(|stage| evidence.demands(stage, field)) {
                continue;
            }
            let others = || self.dates.became.iter().any(|(other, _)| row.time(other).is_some());
            if Some(*of) == rank
                && row.is_blank(field)
                && others()
                && let Some(stage) = &self.dates.stage
            {
                found.push(Contradiction {
                    words: format!(
                        "the stage is {} and {} is blank",
                        said(row, stage),
                        named(&row.cell(field))
                    ),
                    cells: vec![row.cell(stage), row.cell(field)],
                    line: 0,
                    doubt: "the stage may have been imported without its date",
                    by_creation: false,
                });
            }
        }
    }

    fn finding(
        &self,
        row: Row<'a>,
        contradictions: &[Contradiction],
        imports: &Imports,
    ) -> Finding {
        let words: Vec<_> = contradictions.iter().map(|one| one.words.as_str()).collect();
        let headline = match words.as_slice() {
            [only] => format!("{}: {only}", self.world.titled(row)),
            all => format!("{}: {}", self.world.titled(row), all.join("; ")),
        };
        let mut cells: Vec<Cell> = Vec::new();
        for cell in contradictions.iter().flat_map(|one| &one.cells) {
            if !cells.contains(cell) {
                cells.push(cell.clone());
            }
        }
        let rule = &self.world.policies.lifecycle.contradicting_dates;
        let tolerance = policy(
            rule.tolerance_hours.line,
            format!("contradictions of up to {} hours are ignored", rule.tolerance_hours.value),
        );
        let orders = self.dates.sequences.iter().filter(|sequence| {
            sequence.line > 0 && contradictions.iter().any(|one| one.line == sequence.line)
        });
        let orders = orders.map(|sequence| {
            let order: Vec<_> = sequence.fields.iter().map(Field::name).collect();
            policy(sequence.line, order.join(" < "))
        });
        let question = "Which system, import or merge wrote these dates?".to_owned();
        let mut facts = cells.into_iter().map(Evidence::Cell).chain(orders);
        let first = facts.next();
        let (fact, last) = match first {
            Some(first) => (first, Some(tolerance)),
            None => (tolerance, None),
        };
        let mut finding =
            Finding::about(row.record(), headline, fact, Proposal::ReviewUpstream { question });
        for fact in facts.chain(last) {
            finding = finding.because(fact);
        }
        if let Some(size) = imports.size(row) {
            finding = finding.unless(format!(
                "it was created in the same minute as {} others: an import may have set the dates",
                size - 1
            ));
        }
        for one in contradictions {
            if !finding.doubts.iter().any(|doubt| doubt == one.doubt) {
                finding = finding.unless(one.doubt);
            }
        }
        finding
    }
}
