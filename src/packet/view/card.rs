//! One proposal as a card: its evidence, what speaks against it, and the change it asks for.
//!
//! Does not: say where it stands, or how many there are.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use crate::boundary::{Cell, RecordRef, Shown};
use crate::check::About;
use crate::finding::{Changed, Evidence, Finding, Hold, Likeness, Part, Proposal, Tried};
use crate::gate::{Verdict, called};
use crate::packet::escape::{counted, value, words};
use crate::packet::{Action, Last, RecordLink, Review, Standing, State, Subject};

use super::chart::Cluster;
use super::queue::Place;
use super::roll::Beside;
use super::{Found, exposure, place, severity, text};

/// Rows of evidence, each on one line, that a page of A4 holds beside the rest of a card.
const PAGE: usize = 48;

/// A proposal.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    anchor: String,
    id: String,
    /// What the script knows of it.
    mark: String,
    /// Owner, team and segment, as far as they are known.
    whose: Vec<String>,
    code: &'static str,
    severity: &'static str,
    state: String,
    /// What was decided before.
    before: Option<String>,
    held: Option<String>,
    escalate: Option<String>,
    /// `free`, `held` or `never`; `ask` where there is nothing to approve, `waits` where that is done.
    approve: &'static str,
    question: bool,
    headline: String,
    record: Ref,
    related: Vec<Ref>,
    /// The other proposals on its records, how many more there are than are named, and whether it is about
    /// several equals.
    beside: Vec<Beside>,
    more: usize,
    several: bool,
    facts: Vec<Fact>,
    compared: Vec<Comparison>,
    /// How its records hang together, where there are several.
    cluster: Option<Cluster>,
    policies: Vec<Policy>,
    traces: Vec<Trace>,
    doubts: Vec<String>,
    missing: Vec<String>,
    reach: Vec<&'static str>,
    change: Change,
    /// Whether it has more rows of evidence than a page of paper holds: then it may break.
    tall: bool,
}

/// A record, with the place where it can be opened.
#[derive(Debug, Serialize)]
pub(super) struct Ref {
    object: &'static str,
    id: String,
    link: Option<String>,
    /// When it was last changed, unless a comparison says so.
    modified: Option<String>,
}

impl Ref {
    fn of(record: &RecordRef, link: Option<&RecordLink>) -> Self {
        Self {
            object: record.object.key(),
            id: value(&record.id),
            link: link.and_then(|link| link.to(record)),
            modified: None,
        }
    }
}

/// A value as far as it may be shown.
#[derive(Debug, Serialize)]
struct Quoted {
    kind: &'static str,
    text: String,
    /// For a value beside another: what stands before, inside and after the part that differs.
    parts: Option<[String; 3]>,
}

impl Quoted {
    fn of(shown: &Shown) -> Self {
        let text = text(shown).map(value).unwrap_or_default();
        Self { kind: exposure(shown), text, parts: None }
    }

    /// A cell's value; somebody's id stands behind their name.
    fn of_cell(cell: &Cell) -> Self {
        let quoted = Self::of(cell.shown());
        match cell.called() {
            Some(name) => Self { text: format!("{} ({})", value(name), quoted.text), ..quoted },
            None => quoted,
        }
    }
}

#[derive(Debug, Serialize)]
struct Fact {
    label: String,
    /// The record, where it is not the finding's own.
    of: Option<String>,
    value: Quoted,
    step: Option<&'static str>,
    to: Option<Quoted>,
    place: String,
    /// When its record was last changed, where that is none of those that the card names.
    modified: Option<String>,
}

/// Two records beside each other.
#[derive(Debug, Serialize)]
struct Comparison {
    #[serde(skip)]
    pair: [RecordRef; 2],
    left: Side,
    right: Side,
    /// What is compared, in its order; where it is weighed, each part begins where the last one ended.
    parts: Vec<Compared>,
    weighed: Option<Weighed>,
}

#[derive(Debug, Serialize)]
struct Side {
    record: String,
    /// Where it stands, and when it was last changed, if a value of it is quoted.
    place: Option<String>,
    modified: Option<String>,
    keep: bool,
}

/// One thing that is compared: a field, or several that are weighed as one.
#[derive(Debug, Serialize)]
struct Compared {
    /// What it is, and how far it agrees, where one field's row does not say so.
    of: Option<[String; 2]>,
    rows: Vec<Row>,
    bar: Option<Bar>,
}

#[derive(Debug, Serialize)]
struct Row {
    /// The field's name.
    #[serde(skip)]
    name: String,
    field: String,
    left: Quoted,
    right: Quoted,
    level: String,
}

/// What all parts come to.
#[derive(Debug, Serialize)]
struct Weighed {
    score: String,
    /// Where even odds stand.
    zero: String,
}

#[derive(Debug, Serialize)]
struct Bar {
    bits: String,
    against: bool,
    from: String,
    width: String,
}

#[derive(Debug, Serialize)]
struct Policy {
    place: String,
    says: String,
}

#[derive(Debug, Serialize)]
struct Trace {
    summary: String,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    rule: String,
    place: String,
    matched: bool,
    because: String,
}

#[derive(Debug, Serialize)]
struct Change {
    words: String,
    field: Option<String>,
    before: Option<Quoted>,
    after: Option<String>,
    /// What stands in the place of a value that the evidence does not give.
    open: String,
    keep: Option<String>,
    fold: Vec<String>,
    because: Option<String>,
}

impl Card {
    /// The card of a finding.
    pub(super) fn of(place: &Place<'_>, review: &Review<'_>) -> Self {
        // A link names the record and the company.
        let link = review.record_link.as_ref().filter(|_| review.mask.is_none());
        let Place { found, mark, anchor } = place;
        let Found { check, finding, id, standing, .. } = found;
        let (held, escalate) = match &found.hold {
            Hold::Free => (None, None),
            Hold::Held(why) => (Some(words(why)), None),
            Hold::EscalateOnly(why) => (None, Some(words(why))),
        };
        let mut card = Self {
            anchor: anchor.clone(),
            id: id.to_string(),
            approve: found.approval().word(),
            mark: mark.words.clone(),
            whose: mark.whose.clone(),
            code: check.code,
            severity: severity(check.severity),
            state: state_words(standing.state),
            before: before(standing),
            held,
            escalate,
            question: finding.proposal.kind().is_question(),
            headline: words(&finding.headline),
            record: Ref::of(&finding.record, link),
            related: finding.related.iter().map(|record| Ref::of(record, link)).collect(),
            beside: mark.beside.clone(),
            more: mark.more,
            several: check.about == About::Equals,
            facts: Vec::new(),
            compared: Vec::new(),
            cluster: Cluster::of(finding),
            policies: Vec::new(),
            traces: Vec::new(),
            doubts: finding.doubts.iter().map(|doubt| words(doubt)).collect(),
            missing: finding.missing.iter().map(|what| words(what)).collect(),
            reach: finding.reach.iter().map(|reach| reach.word()).collect(),
            change: Change::of(finding),
            tall: false,
        };
        for evidence in finding.evidence() {
            card.quote(evidence, finding);
        }
        card.date(finding);
        card.tall = card.rows() > PAGE;
        if review.mask.is_some() {
            // A part of a value is none that could be covered.
            let parts = card.compared.iter_mut().flat_map(|it| &mut it.parts);
            for row in parts.flat_map(|it| &mut it.rows) {
                (row.left.parts, row.right.parts) = (None, None);
            }
        }
        card
    }

    /// Says of the finding's records when they were last changed; a comparison says it of its own.
    fn date(&mut self, finding: &Finding) {
        let days: BTreeMap<&RecordRef, NaiveDate> =
            finding.cells().filter_map(|cell| Some((cell.record(), cell.modified()?))).collect();
        let records = [&finding.record].into_iter().chain(&finding.related);
        for (named, record) in [&mut self.record].into_iter().chain(&mut self.related).zip(records)
        {
            if !self.compared.iter().any(|table| table.dates(record)) {
                named.modified = days.get(record).map(ToString::to_string);
            }
        }
    }

    /// How many rows of evidence it has.
    fn rows(&self) -> usize {
        let parts = self.compared.iter().flat_map(|it| &it.parts);
        let compared = parts.map(|it| it.rows.len() + usize::from(it.of.is_some())).sum::<usize>();
        let tried = self.traces.iter().map(|it| it.steps.len()).sum::<usize>();
        self.facts.len() + self.policies.len() + compared + tried
    }

    fn quote(&mut self, evidence: &Evidence, finding: &Finding) {
        match evidence {
            Evidence::Cell(cell) => self.facts.push(Fact::of(cell, finding)),
            Evidence::Normalised { from, step, to } => {
                let fact = Fact::of(from, finding);
                let to = (from.shown() != to).then(|| Quoted::of(to));
                self.facts.push(Fact { step: Some(step), to, ..fact });
            }
            Evidence::Figure { of, is } => self.facts.push(Fact {
                label: words(of),
                of: None,
                value: Quoted { kind: "figure", text: words(is), parts: None },
                step: None,
                to: None,
                place: String::new(),
                modified: None,
            }),
            Evidence::Compared { left, right, level } => {
                self.compare(left, right, level, &finding.proposal);
            }
            Evidence::Changed(change) => self.facts.push(Fact::of_change(change)),
            Evidence::Policy { file, line, says } => self.policies.push(Policy {
                place: if *line == 0 {
                    format!("{}, built-in default", value(file))
                } else {
                    format!("{}:{line}", value(file))
                },
                says: words(says),
            }),
            Evidence::Likeness(likeness) => self.weigh(likeness, &finding.proposal),
            Evidence::Trace(tried) => self.traces.push(Trace::of(tried)),
        }
    }

    /// Comparisons of the same two records share one table.
    fn compare(&mut self, left: &Cell, right: &Cell, level: &str, proposal: &Proposal) {
        let (left_quote, right_quote) = side_by_side(left, right);
        let row = Row {
            name: left.field().to_owned(),
            field: if left.field() == right.field() {
                value(&left.label())
            } else {
                format!("{} / {}", value(&left.label()), value(&right.label()))
            },
            left: left_quote,
            right: right_quote,
            level: words(level),
        };
        self.with_table([left.record(), right.record()], proposal, |table| {
            for (side, cell) in [(&mut table.left, left), (&mut table.right, right)] {
                let place = || format!("{}:{}", value(cell.file()), cell.line());
                side.place.get_or_insert_with(place);
                side.modified = cell.modified().map(|day| day.to_string());
            }
            table.parts.push(Compared { of: None, rows: vec![row], bar: None });
        });
    }

    /// Puts what two records' comparisons are worth beside the values that they compare.
    fn weigh(&mut self, likeness: &Likeness, proposal: &Proposal) {
        let [left, right] = &likeness.pair;
        self.with_table([left, right], proposal, |table| table.weigh(likeness));
    }

    /// Changes the table of two records, which begins empty.
    fn with_table(
        &mut self,
        pair: [&RecordRef; 2],
        proposal: &Proposal,
        change: impl FnOnce(&mut Comparison),
    ) {
        if let Some(table) = self.compared.iter_mut().find(|it| it.pair.each_ref() == pair) {
            change(table);
            return;
        }
        let side = |record: &RecordRef| Side {
            record: value(&record.to_string()),
            place: None,
            modified: None,
            keep: matches!(proposal, Proposal::MergeCandidate { keep, .. } if keep == record),
        };
        let [left, right] = pair.map(side);
        let pair = pair.map(RecordRef::clone);
        let mut table = Comparison { pair, left, right, parts: Vec::new(), weighed: None };
        change(&mut table);
        self.compared.push(table);
    }
}

impl Comparison {
    /// Whether it says when the record was last changed.
    fn dates(&self, record: &RecordRef) -> bool {
        let mut sides = self.pair.iter().zip([&self.left, &self.right]);
        sides.any(|(of, side)| of == record && side.modified.is_some())
    }

    /// Orders the rows by what they are weighed as, each with its worth; what is not weighed comes last.
    fn weigh(&mut self, likeness: &Likeness) {
        let mut rows: Vec<Row> = self.parts.drain(..).flat_map(|it| it.rows).collect();
        let scale = Scale::of(likeness);
        let mut reached = 0.0;
        for part in &likeness.parts {
            let is_own = |row: &mut Row| part.fields.iter().any(|field| field.name() == row.name);
            let mut own: Vec<Row> = rows.extract_if(.., is_own).collect();
            let says = match own.as_mut_slice() {
                [row] => row.says(part),
                _ => false,
            };
            let of = (!says).then(|| [words(&part.of), words(&part.says)]);
            let from = reached;
            reached += part.worth.number();
            self.parts.push(Compared { of, rows: own, bar: Some(scale.bar(part, from, reached)) });
        }
        let rest = rows.into_iter().map(|row| Compared { of: None, rows: vec![row], bar: None });
        self.parts.extend(rest);
        let zero = format!("{:.1}", scale.at(0.0));
        self.weighed = Some(Weighed { score: likeness.score.to_string(), zero });
    }
}

impl Row {
    /// Says what its field was judged beside, too; false where it says something else than the part.
    fn says(&mut self, part: &Part) -> bool {
        let says = words(&part.says);
        let (own, steps) = match self.level.split_once(';') {
            Some((own, steps)) => (own, format!(";{steps}")),
            None => (self.level.as_str(), String::new()),
        };
        let is_same = says.starts_with(own);
        if is_same {
            self.level = says + &steps;
        }
        is_same
    }
}

/// From bits to the drawing's own units.
struct Scale {
    least: f64,
    unit: f64,
}

impl Scale {
    /// How wide the drawing is.
    const WIDTH: f64 = 60.0;

    fn of(likeness: &Likeness) -> Self {
        let ends = likeness.parts.iter().scan(0.0, |reached, part| {
            *reached += part.worth.number();
            Some(*reached)
        });
        let (least, most) =
            ends.fold((0.0_f64, 0.0_f64), |(least, most), end| (least.min(end), most.max(end)));
        Self { least, unit: Self::WIDTH / (most - least).max(1.0) }
    }

    fn at(&self, bits: f64) -> f64 {
        (bits - self.least) * self.unit
    }

    fn bar(&self, part: &Part, from: f64, to: f64) -> Bar {
        Bar {
            bits: part.worth.to_string(),
            against: part.worth.is_against(),
            from: format!("{:.1}", self.at(from.min(to))),
            width: format!("{:.1}", ((to - from).abs() * self.unit).max(0.8)),
        }
    }
}

/// `New`, or `Recurring, week 3`.
fn state_words(state: State) -> String {
    match state {
        State::New => "New".to_owned(),
        State::Recurring(weeks) => format!("Recurring, week {weeks}"),
        State::Changed(weeks) => format!("Facts changed, week {weeks}"),
        State::Reopened(weeks) => format!("Here again, week {weeks}"),
    }
}

/// What was decided in an earlier packet, and why it is here nevertheless.
fn before(standing: &Standing<'_>) -> Option<String> {
    let Last { decision, on, of } = standing.last?;
    let who = words(decision.by().name());
    let on = on.format("%-d %B %Y");
    let again = match (standing.action, standing.state) {
        (Action::Decide, _) if of == Subject::Another => "something else is proposed now",
        (Action::Apply, _) => "the CRM does not show it yet, and nothing more is to decide",
        (Action::Answer { overdue: true }, _) => {
            "no answer came in time, and nothing changes until one does"
        }
        (Action::Answer { overdue: false }, _) => "there is no answer yet",
        (Action::Quiet { .. }, _) => "it stays quiet",
        (Action::Decide, State::Changed(_)) => "here again because the facts changed",
        (Action::Decide, State::Reopened(_)) => "it was gone, and is here again",
        (Action::Decide, State::New | State::Recurring(_)) => "it is still there",
    };
    Some(match decision.verdict() {
        Verdict::Approve { .. } => format!("Approved by {who} in the packet of {on}; {again}"),
        Verdict::Reject(reason) => {
            format!("Rejected by {who} in the packet of {on}, {}; {again}", reason.phrase())
        }
        Verdict::Escalate { to, until } => format!(
            "Escalated to {} by {who} in the packet of {on}, to be answered by {}; {again}",
            words(&called(to)),
            until.format("%-d %B %Y"),
        ),
    })
}

impl Fact {
    fn of(cell: &Cell, finding: &Finding) -> Self {
        let other = *cell.record() != finding.record;
        let named = !other || finding.related.contains(cell.record());
        Self {
            label: value(&cell.label()),
            of: other.then(|| value(&cell.record().to_string())),
            value: Quoted::of_cell(cell),
            step: None,
            to: None,
            place: value(&place(cell)),
            modified: cell.modified().filter(|_| !named).map(|day| day.to_string()),
        }
    }

    /// A change in one row: when and by whom, from what to what.
    fn of_change(change: &Changed) -> Self {
        let Changed { field, old, new, at, instant: _, by } = change;
        let who = by.as_ref().and_then(|by| by.called().or_else(|| text(by.shown())));
        let who = who.map_or_else(String::new, |who| format!(" by {who}"));
        let when = text(at.shown()).unwrap_or("at some time");
        Self {
            label: words(&format!("{when}{who}")),
            of: None,
            value: Quoted::of_cell(old.as_ref().unwrap_or(field)),
            step: None,
            to: new.as_ref().map(Quoted::of_cell),
            place: value(&place(at)),
            modified: None,
        }
    }
}

impl Trace {
    fn of(tried: &[Tried]) -> Self {
        let taken = tried.iter().find(|tried| tried.matched);
        let end = match taken {
            Some(tried) => format!("{} took the record", value(&tried.rule)),
            None => "none took the record".to_owned(),
        };
        Self {
            summary: format!(
                "{} tried; {end}",
                counted(tried.iter().map(|tried| tried.rules).sum(), "rule")
            ),
            steps: tried
                .iter()
                .map(|tried| Step {
                    rule: value(&tried.rule),
                    place: value(&tried.place),
                    matched: tried.matched,
                    because: words(&tried.because),
                })
                .collect(),
        }
    }
}

impl Change {
    fn of(finding: &Finding) -> Self {
        let proposal = &finding.proposal;
        let mut change = Self {
            words: words(&finding.asks()),
            field: None,
            before: None,
            after: None,
            open: "not known".to_owned(),
            keep: None,
            fold: Vec::new(),
            because: None,
        };
        if let Some((cell, after)) = proposal.change() {
            change.field = Some(value(&cell.label()));
            change.before = Some(Quoted::of_cell(cell));
            change.after = after.map(|after| value(&after));
        }
        match proposal {
            Proposal::MergeCandidate { keep, fold, because } => {
                if !matches!(finding.hold(), Hold::EscalateOnly(_)) {
                    let records = counted(fold.len() + 1, "record");
                    change.words = format!("Consider merging {records}");
                }
                change.keep = Some(value(&keep.to_string()));
                change.fold = fold.iter().map(|record| value(&record.to_string())).collect();
                change.because = Some(words(because));
            }
            Proposal::FillField { ask, .. } => change.open = format!("ask {}", words(ask)),
            Proposal::ReturnToQueue { queue: None, .. } => {
                "the team's queue".clone_into(&mut change.open);
            }
            Proposal::CorrectLifecycle { to: None, .. }
            | Proposal::CorrectSource { to: None, .. } => {
                "not known: the evidence does not name a value".clone_into(&mut change.open);
            }
            Proposal::ReturnToQueue { queue: Some(_), .. }
            | Proposal::CorrectLifecycle { to: Some(_), .. }
            | Proposal::CorrectSource { to: Some(_), .. }
            | Proposal::LinkToAccount { .. }
            | Proposal::ConvertCandidate { .. }
            | Proposal::SetOwner { .. }
            | Proposal::SetField { .. }
            | Proposal::ReviewRecord { .. }
            | Proposal::ReviewRule { .. }
            | Proposal::ReviewUpstream { .. } => {}
        }
        change
    }
}

/// Two values, each with the words in which it differs from the other.
fn side_by_side(left: &Cell, right: &Cell) -> (Quoted, Quoted) {
    let (mut a, mut b) = (Quoted::of_cell(left), Quoted::of_cell(right));
    if a.kind == "value"
        && b.kind == "value"
        && a.text != b.text
        && let Some((left, right)) = apart(&a.text, &b.text)
    {
        (a.parts, b.parts) = (Some(left), Some(right));
    }
    (a, b)
}

/// What two texts share at the start, where they differ, and what they share at the end, in whole
/// words; nothing when they share neither.
fn apart(a: &str, b: &str) -> Option<([String; 3], [String; 3])> {
    let a: Vec<&str> = a.split_inclusive(' ').collect();
    let b: Vec<&str> = b.split_inclusive(' ').collect();
    let same = |(a, b): &(&&str, &&str)| a.trim_end() == b.trim_end();
    let start = a.iter().zip(&b).take_while(same).count();
    let left = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(left).take_while(same).count();
    let split = |words: &[&str]| {
        let inside = start..words.len() - end;
        let part = |keep: fn(usize, &std::ops::Range<usize>) -> bool| {
            let kept = words.iter().enumerate().filter(|(at, _)| keep(*at, &inside));
            kept.map(|(_, word)| *word).collect::<String>()
        };
        let differ = part(|at, inside| inside.contains(&at));
        let shared = part(|at, inside| at >= inside.end);
        // The space between the two is marked with neither.
        let (word, space) = differ.split_at(differ.trim_end().len());
        [part(|at, inside| at < inside.start), word.to_owned(), format!("{space}{shared}")]
    };
    (start + end > 0).then(|| (split(&a), split(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, left: [&str; 3], right: [&str; 3]) {
        assert_eq!(apart(a, b).unwrap(), (left.map(str::to_owned), right.map(str::to_owned)));
    }

    #[test]
    fn the_part_that_differs_is_whole_words() {
        check(
            "200 Harbor St",
            "200 Harbor Street, Suite 4",
            ["200 Harbor ", "St", ""],
            ["200 Harbor ", "Street, Suite 4", ""],
        );
        check("Ann Lee Ng", "Ann Ng", ["Ann ", "Lee", " Ng"], ["Ann ", "", "Ng"]);
        check("Kestrel", "Kestrel GmbH", ["Kestrel", "", ""], ["Kestrel ", "GmbH", ""]);
        check("é a", "ê a", ["", "é", " a"], ["", "ê", " a"]);
        assert_eq!(apart("x", "y"), None);
    }
}
