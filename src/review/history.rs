//! What earlier runs saw: which findings are new, which come back, and what became of the others.
//!
//! Every run leaves `history.jsonl` beside its findings: a line for each finding that it or a run before
//! it saw. The ledger names its digest, so that memory cannot be edited either. What was decided comes
//! from the ledger alone. A run on a day looks back at the days before it, never at the same day.
//! Does not: hold a value of a record, or decide anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::mem;
use std::path::Path;

use chrono::{Datelike as _, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::boundary::{Boundary, Field, Object, Outside, RecordRef, Row, named_day};
use crate::check::{ALL, About, CheckDef, Family, Report};
use crate::config::Config;
use crate::digest;
use crate::finding::{Finding, FindingId, Hold, ProposalKind};
use crate::gate::{Gate, Reason, Verdict};
use crate::ledger::{self, Decided, Entry, Run};
use crate::packet::{
    self, Action, Happened, How, Last, Proposed, Resolved, RuleChange, Since, Standing, State,
    Subject, Unanswered,
};

use super::applied::{self, Sight};
use super::cut::Loss;
use super::dropped::Dropped;
use super::judged::Judged;
use super::paper::{self, Findings, PaperError};
use super::tally::{Counted, Scope};

/// A finding that nobody saw for so many days is forgotten.
const FORGET_AFTER: Days = Days::new(400);

/// What the runs before a day left behind.
#[derive(Debug, Default)]
pub(super) struct Past<'l> {
    /// The run that was looked back at.
    pub(super) last: Option<&'l Run>,
    memory: BTreeMap<FindingId, Memory>,
    /// Checks that knew more when they found something.
    pub(super) dropped: Dropped,
    /// Of each finding, the last decision, with the run whose packet it was made on.
    decisions: LastDecisions<'l>,
    /// What cannot be told of the past, and why.
    gaps: Vec<String>,
}

/// One finding, as it is remembered.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) rule: String,
    record: RecordRef,
    related: Vec<RecordRef>,
    /// Where its records are examples of a group, the field of it that it is about; a blank for none.
    group: Option<String>,
    facts: String,
    /// The day of the earliest change that it rests on, where it rests on changes.
    changed: Option<NaiveDate>,
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    pub(super) weeks: u32,
    /// The day on which it was last found again after it was resolved: what was approved before is over.
    reopened: Option<NaiveDate>,
    pub(super) resolved: Option<(NaiveDate, How)>,
    /// Since when the approved change stands as it does.
    pub(super) change: Option<(NaiveDate, Happened)>,
}

/// What a run sees and judges by.
pub(super) struct Now<'n> {
    pub(super) config: &'n Config,
    pub(super) judged: &'n Judged,
    /// Tables that look cut: what is judged by them counts as not seen.
    pub(super) cut: BTreeSet<Object>,
    /// Fields whose column is gone: what a check that reads them says no more is not resolved.
    pub(super) lost: BTreeSet<Field>,
    /// What the rules before would have found in these records, and the present ones do not.
    pub(super) unruled: BTreeSet<&'n FindingId>,
    /// What would be found if no time had passed since it was last.
    pub(super) lapsed: BTreeSet<FindingId>,
    /// The day on which the field history begins.
    pub(super) begins: Option<NaiveDate>,
    pub(super) counted: &'n Counted<'n>,
}

impl<'n> Now<'n> {
    pub(super) fn of(
        config: &'n Config,
        judged: &'n Judged,
        loss: &Loss,
        rules: Option<&'n RuleChange>,
        lapsed: BTreeSet<FindingId>,
        counted: &'n Counted<'n>,
    ) -> Self {
        let unruled = rules.into_iter().flat_map(RuleChange::lost).collect();
        Self {
            config,
            judged,
            cut: loss.objects(),
            lost: loss.fields(),
            unruled,
            lapsed,
            begins: begins(config, judged),
            counted,
        }
    }
}

/// How a run's findings stand against the past, and what the next run will remember.
pub(super) struct Present<'l> {
    /// How each finding stands.
    pub(super) standings: BTreeMap<FindingId, Standing<'l>>,
    /// What became of those that are not found any more.
    pub(super) since: Since,
    /// The text of history.jsonl.
    pub(super) lines: String,
    /// What cannot be told of the past, and why.
    pub(super) gaps: Vec<String>,
}

impl<'l> Past<'l> {
    /// What `entries` of the ledger and the runs' folders say of the days before `day`.
    pub(super) fn read(
        runs: &Path,
        entries: &'l [Entry],
        day: NaiveDate,
        boundary: &Boundary,
    ) -> Self {
        let mut past = Self { decisions: decisions(entries, day), ..Self::default() };
        let Some(last) = last_before(entries, day) else { return past };
        past.last = Some(last);
        match remembered(runs, last) {
            Ok(memory) => past.memory = memory,
            Err(why) => {
                past.gaps.push(format!(
                    "what runs before this one saw is not known, so every finding counts as new: {}",
                    why.in_a_sentence()
                ));
            }
        }
        past.dropped = Dropped::of(runs, entries, boundary, &past);
        past
    }

    /// What is remembered and not known to be resolved, with its check and the day on which it was found last.
    pub(super) fn open(&self) -> impl Iterator<Item = (&FindingId, &str, NaiveDate)> {
        let open = self.memory.iter().filter(|(_, memory)| memory.resolved.is_none());
        open.map(|(id, memory)| (id, memory.rule.as_str(), memory.last))
    }

    /// What was last decided on a finding.
    pub(super) fn verdict(&self, id: &FindingId) -> Option<&'l Verdict> {
        self.decisions.get(id).map(|(decided, _)| decided.decision.verdict())
    }

    /// Holds what a run sees against the past.
    pub(super) fn against(mut self, runs: &Path, now: &Now<'_>) -> serde_json::Result<Present<'l>> {
        let mut memory = BTreeMap::new();
        let mut since = Since { day: self.last.map(|run| run.as_of), ..Since::default() };
        let mut standings = self.recognise(now, &mut memory, &mut since);
        self.take_over(runs, now.judged.as_of.day, &standings);
        self.ask_anew(runs, now, &mut standings);
        let (pulled, boundary) = (&now.judged.pulled, &now.config.boundary);
        let (sights, gaps) =
            applied::sights(runs, &self.decisions, now.judged.as_of.day, pulled, boundary);
        self.gaps.extend(gaps);
        let unfound = self.settle(now, &sights, &mut memory, &mut since);
        self.follow(now, &sights, &unfound, &mut memory, &mut since);
        let lines = memory.iter().map(|(id, memory)| memory.line(id));
        let lines = lines.collect::<serde_json::Result<_>>()?;
        Ok(Present { standings, since, lines, gaps: self.gaps })
    }

    /// How each finding stands that is found; it is remembered from its first day on.
    fn recognise(
        &mut self,
        now: &Now<'_>,
        memory: &mut BTreeMap<FindingId, Memory>,
        since: &mut Since,
    ) -> BTreeMap<FindingId, Standing<'l>> {
        let day = now.judged.as_of.day;
        let mut standings = BTreeMap::new();
        for (check, finding) in found(&now.judged.reports) {
            let id = finding.id(check.code);
            // Where a check says two things under one id, the first is remembered.
            if standings.contains_key(&id) {
                continue;
            }
            let facts = finding.evidence_digest();
            let before = self.memory.remove(&id);
            let state = before.as_ref().map_or(State::New, |before| before.state(&facts, day));
            let reopened = match state {
                State::Reopened(_) => Some(day),
                State::New | State::Recurring(_) | State::Changed(_) => {
                    before.as_ref().and_then(|before| before.reopened)
                }
            };
            let decided = self.decisions.get(&id).copied();
            let action = decided.map_or(Action::Decide, |(decided, run)| {
                let is_over = reopened.is_some_and(|reopened| run.as_of < reopened);
                let action = action(decided, run.as_of, &facts, is_over, &now.config.gate, day);
                // What could not be approved as it is now was approved on other facts.
                let may_be =
                    finding.is_sufficient() && !matches!(finding.hold(), Hold::EscalateOnly(_));
                let is_other = decided.facts != facts && !may_be;
                if is_other && matches!(action, Action::Apply) { Action::Decide } else { action }
            });
            if let Some((decided, _)) = decided.filter(|_| matches!(action, Action::Answer { .. }))
            {
                since.unanswered.extend(open(&id, decided, day, true));
            }
            let last = decided.map(|(decided, run)| Last {
                decision: &decided.decision,
                on: run.as_of,
                of: Subject::This,
            });
            let counts = match Scope::of(check.family) {
                Scope::Routing => now.counted.corrected(finding, &now.judged.pulled),
                Scope::Outside => Vec::new(),
            };
            standings.insert(id.clone(), Standing { state, action, last, counts });
            let seen = Memory {
                rule: check.code.to_owned(),
                record: finding.record.clone(),
                related: finding.related.clone(),
                group: finding.group().map(str::to_owned),
                facts,
                changed: finding.first_change().map(|at| named_day(at, now.judged.as_of.zone)),
                first: before.as_ref().map_or(day, |before| before.first),
                last: day,
                weeks: state.weeks(),
                reopened,
                resolved: None,
                change: before.and_then(|before| before.change),
            };
            memory.insert(id, seen);
        }
        standings
    }

    /// Remembers what was decided on an earlier packet of the day and is not found any more: the weeks to come
    /// look back at this run alone. That such a packet is gone is told where its decisions are counted.
    fn take_over(
        &mut self,
        runs: &Path,
        day: NaiveDate,
        standings: &BTreeMap<FindingId, Standing<'l>>,
    ) {
        for (run, decided) in decided_on(&self.decisions, day) {
            for (id, then) in remembered(runs, run).unwrap_or_default() {
                if decided.contains_key(&id) && !standings.contains_key(&id) {
                    self.memory.entry(id).or_insert(then);
                }
            }
        }
    }

    /// Asks for a decision where the one that would stand was made on another proposal: a rule that was
    /// edited since may find the same fault on the same facts and give the record to somebody else.
    fn ask_anew(
        &mut self,
        runs: &Path,
        now: &Now<'_>,
        standings: &mut BTreeMap<FindingId, Standing<'l>>,
    ) {
        let mut decided: BTreeMap<&str, (&Run, BTreeMap<FindingId, Again<'_>>)> = BTreeMap::new();
        for (check, finding) in found(&now.judged.reports) {
            let id = finding.id(check.code);
            let Some((on_paper, run)) = self.decisions.get(&id).copied() else { continue };
            let action = standings.get(&id).map(|standing| standing.action);
            if let Some(Action::Apply | Action::Quiet { .. }) = action {
                let (_, on) = decided.entry(&run.id).or_insert_with(|| (run, BTreeMap::new()));
                // Where a check says two things under one id, the first was decided on.
                let again = on.entry(id).or_insert_with(|| Again {
                    same_facts: on_paper.facts == finding.evidence_digest(),
                    proposed: Vec::new(),
                });
                again.proposed.push(Proposed::of(finding));
            }
        }
        for (run, mut on) in decided.into_values() {
            let then = Findings::of(runs, run).and_then(|findings| findings.bare());
            let of = match then {
                Ok(then) => {
                    let mut proposed = BTreeSet::new();
                    for line in then {
                        let Some(id) = FindingId::parse(&line.id) else { continue };
                        if let Some(now) = on.get_mut(&id) {
                            now.settle(&line.proposal);
                            proposed.insert(id);
                        }
                    }
                    // The rejection of an escalation that a packet only lists holds for its facts.
                    on.retain(|id, others| proposed.contains(id) && !others.proposed.is_empty());
                    Subject::Another
                }
                Err(error) => {
                    self.gaps.push(format!(
                        "what was proposed in the packet of {} is not known, so what was decided on it is \
                         asked again: {}",
                        run.as_of,
                        error.in_a_sentence()
                    ));
                    Subject::This
                }
            };
            for id in on.into_keys() {
                if let Some(standing) = standings.get_mut(&id) {
                    standing.action = Action::Decide;
                    standing.last = standing.last.map(|last| Last { of, ..last });
                }
            }
        }
    }

    /// What became of the findings that are not found any more. They are remembered for a while. Gives those
    /// that are not resolved for it.
    fn settle(
        &mut self,
        now: &Now<'_>,
        sights: &BTreeMap<&FindingId, Sight>,
        memory: &mut BTreeMap<FindingId, Memory>,
        since: &mut Since,
    ) -> Unfound {
        let mut unfound = Unfound::default();
        let day = now.judged.as_of.day;
        let together = Together::of(&now.judged.reports);
        for (id, mut before) in mem::take(&mut self.memory) {
            let decided = self.decisions.get(&id).map(|(decided, _)| *decided);
            // Whoever is excluded from the review is not told of, neither as resolved nor as open.
            if before.records().any(|record| is_excluded(record, now)) {
                since.unseen += usize::from(before.resolved.is_none());
            } else if before.resolved.is_none() {
                let is_whole = !before.needed().any(|record| is_gone(record, now));
                if is_whole && together.tells_of(&before) {
                    // It is news once.
                    since.elsewhere += usize::from(Some(before.last) == since.day);
                    since.unanswered.extend(decided.and_then(|it| open(&id, it, day, false)));
                } else {
                    match before.fate(&id, now, &self.dropped, decided, sights.get(&id).copied()) {
                        Fate::Resolved(how) => {
                            before.resolved = Some((day, how));
                            since.resolved.push(Resolved {
                                id: id.clone(),
                                rule: before.rule.clone(),
                                record: before.record.clone(),
                                how,
                            });
                        }
                        Fate::Unlike => drop(unfound.unlike.insert(id.clone())),
                        Fate::Unseen => {
                            since.unseen += 1;
                            unfound.unseen.insert(id.clone());
                            let open = decided.and_then(|it| open(&id, it, day, false));
                            since.unanswered.extend(open);
                        }
                    }
                }
            }
            if before.last.checked_add_days(FORGET_AFTER).is_none_or(|until| until >= day) {
                memory.insert(id, before);
            }
        }
        unfound
    }

    /// What became of the changes that were approved.
    fn follow(
        &self,
        now: &Now<'_>,
        sights: &BTreeMap<&FindingId, Sight>,
        unfound: &Unfound,
        memory: &mut BTreeMap<FindingId, Memory>,
        since: &mut Since,
    ) {
        let day = now.judged.as_of.day;
        for (&id, &sight) in sights {
            let Some((decided, run)) = self.decisions.get(id) else { continue };
            let known = memory.get_mut(id);
            let is_excluded = is_excluded(&decided.record, now)
                || known.iter().any(|it| it.records().any(|record| is_excluded(record, now)));
            // Only the finding tells what a person did by hand, and nobody looked for it.
            let is_untold = sight == Sight::AskTheFinding && unfound.unseen.contains(id);
            if now.cut.contains(&decided.record.object) || is_excluded || is_untold {
                continue;
            }
            // Nobody made the merge, and on what its records say now nobody approved it.
            let sight = if unfound.unlike.contains(id) { Sight::Otherwise } else { sight };
            let Some(state) = happened(sight, known.as_deref(), run.as_of) else { continue };
            let before = known.as_deref().and_then(|memory| memory.change);
            let changed = match before {
                Some((since, before)) if before == state && since > run.as_of => since,
                Some(_) | None => day,
            };
            if let Some(memory) = known {
                memory.change = Some((changed, state));
            }
            since.changes.push(packet::Change {
                id: id.clone(),
                rule: decided.rule.clone(),
                record: decided.record.clone(),
                approved: run.as_of,
                state,
                is_news: changed == day,
            });
        }
    }
}

/// What is proposed again of a finding that was decided on.
struct Again<'f> {
    /// It was decided on the facts that are found now.
    same_facts: bool,
    /// What nobody decided on yet.
    proposed: Vec<Proposed<'f>>,
}

impl Again<'_> {
    /// Takes out what was decided on with another day's proposal. What says nothing that would be set, a
    /// question or a merge, is decided on its facts.
    fn settle(&mut self, then: &Proposed<'_>) {
        let same_facts = self.same_facts;
        self.proposed
            .retain(|now| if same_facts { !now.does_as(then) } else { !now.sets_as(then) });
    }
}

/// What became of a finding that is not found any more.
enum Fate {
    Resolved(How),
    /// Its merge was approved and nobody made it, and its records are not alike any more.
    Unlike,
    /// Its check or its records were not looked at.
    Unseen,
}

/// The findings that are not found any more and are not resolved.
#[derive(Debug, Default)]
struct Unfound {
    /// Those that nobody could look at.
    unseen: BTreeSet<FindingId>,
    /// Approved merges that nobody made, of records that are not alike any more.
    unlike: BTreeSet<FindingId>,
}

/// Which records findings about equals name together, by family.
struct Together<'f>(BTreeMap<(Family, &'f RecordRef), BTreeSet<usize>>);

impl<'f> Together<'f> {
    fn of(reports: &'f [Report]) -> Self {
        let mut named: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        let equals = found(reports).filter(|(check, _)| check.about == About::Equals);
        for (at, (check, finding)) in equals.enumerate() {
            for record in finding.related.iter().chain([&finding.record]) {
                named.entry((check.family, record)).or_default().insert(at);
            }
        }
        Self(named)
    }

    /// True when another finding tells what was found before: it names two of its records together. What
    /// several records miss is told of as long as any of them does.
    fn tells_of(&self, before: &Memory) -> bool {
        let check = ALL.iter().find(|check| check.code == before.rule);
        let Some(check) = check.filter(|check| check.about == About::Equals) else { return false };
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        before.records().filter_map(|record| self.0.get(&(check.family, record))).flatten().any(
            |finding| {
                let is_second = !seen.insert(*finding);
                is_second || check.family == Family::Batch
            },
        )
    }
}

/// Every finding of the checks that looked.
pub(super) fn found(reports: &[Report]) -> impl Iterator<Item = (&'static CheckDef, &Finding)> {
    reports.iter().flat_map(|report| {
        let findings = report.judgement().into_iter().flat_map(|judgement| &judgement.findings);
        findings.map(|finding| (report.check, finding))
    })
}

/// What the decision on a finding asks of the reviewer, now that it is found again.
fn action(
    decided: &Decided,
    on: NaiveDate,
    facts: &str,
    is_over: bool,
    gate: &Gate,
    day: NaiveDate,
) -> Action {
    let same = decided.facts == facts;
    match decided.decision.verdict() {
        // What was gone and is here again was undone by somebody. On other facts the approval holds as
        // long as the same is proposed, which is looked at afterwards.
        Verdict::Approve { .. } if !is_over => Action::Apply,
        // Whoever said so was told of the same facts: it was not fixed.
        Verdict::Reject(Reason::AlreadyFixed) => Action::Decide,
        Verdict::Reject(_) if same => {
            let until = on.checked_add_days(Days::new(gate.mute_days().into())).unwrap_or(on);
            if day < until { Action::Quiet { until } } else { Action::Decide }
        }
        Verdict::Approve { .. } | Verdict::Reject(_) => Action::Decide,
        Verdict::Escalate { until, .. } => Action::Answer { overdue: day > *until },
    }
}

/// What became of a change that was approved in the packet of a day; nothing where it cannot be told.
fn happened(sight: Sight, memory: Option<&Memory>, approved: NaiveDate) -> Option<Happened> {
    let before = memory.and_then(|memory| memory.change).filter(|(since, _)| *since > approved);
    let was_applied = matches!(before, Some((_, Happened::Applied | Happened::Reverted)));
    let undone = if was_applied { Happened::Reverted } else { Happened::NotYet };
    match sight {
        Sight::AsApproved => Some(Happened::Applied),
        Sight::AsBefore => Some(undone),
        Sight::Otherwise => Some(Happened::Differently),
        Sight::Gone => Some(Happened::Gone),
        Sight::AskTheFinding => Some(match memory?.resolved {
            Some((_, How::AfterApproval | How::Otherwise)) => Happened::Applied,
            Some((_, How::Gone)) => Happened::Gone,
            Some((_, How::ByTime)) => return None,
            Some((_, How::ByRules)) | None => undone,
        }),
        Sight::Unread => None,
    }
}

/// The escalation, where the decision is one: it is open as long as nobody decided after it.
fn open(id: &FindingId, decided: &Decided, day: NaiveDate, here: bool) -> Option<Unanswered> {
    let Verdict::Escalate { to, until } = decided.decision.verdict() else { return None };
    Some(Unanswered {
        id: id.clone(),
        rule: decided.rule.clone(),
        record: decided.record.clone(),
        to: to.clone(),
        until: *until,
        overdue: day > *until,
        here,
    })
}

/// What a run remembers, as the ledger knows it.
///
/// # Errors
/// Says why it cannot be read.
pub(super) fn remembered(
    runs: &Path,
    run: &Run,
) -> Result<BTreeMap<FindingId, Memory>, PaperError> {
    let (path, bytes) = memory_of(runs, run)?;
    let altered = || PaperError::Altered { path: path.clone() };
    if digest::sha256(&bytes) != run.history {
        return Err(altered());
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let memory = lines.map(|line| Memory::parse(line).ok_or_else(altered));
    memory.collect()
}

/// The file that holds a run's memory, and its bytes as they stand.
fn memory_of(runs: &Path, run: &Run) -> Result<(String, Vec<u8>), PaperError> {
    let file = paper::home(runs, run)?.join("history.jsonl");
    let path = file.display().to_string();
    match fs::read(file) {
        Ok(bytes) => Ok((path, bytes)),
        Err(what) => Err(PaperError::Disk { path, what }),
    }
}

/// Of each finding, the last decision, with the run whose packet it was made on.
type LastDecisions<'l> = BTreeMap<&'l FindingId, (&'l Decided, &'l Run)>;

/// What was decided up to a day.
pub(super) fn decisions(entries: &[Entry], day: NaiveDate) -> LastDecisions<'_> {
    let mut last = BTreeMap::new();
    let mut known: BTreeMap<&str, &Run> = BTreeMap::new();
    let taken_back = ledger::taken_back(entries);
    for entry in entries {
        match entry {
            Entry::Run(run) => {
                known.insert(&run.id, run);
            }
            Entry::Decisions(decisions) => {
                // What was decided on a later packet is of no concern to a run of an earlier day.
                let counts =
                    |run: &&&Run| run.as_of <= day && !taken_back.contains(run.id.as_str());
                let run = known.get(decisions.run.as_str()).filter(counts);
                let Some(run) = run else { continue };
                last.extend(decisions.decided.iter().map(|one| (&one.finding, (one, *run))));
            }
        }
    }
    last
}

/// What of it was decided on the packets of one day, packet by packet.
pub(super) fn decided_on<'l>(
    decisions: &LastDecisions<'l>,
    day: NaiveDate,
) -> Vec<(&'l Run, BTreeMap<&'l FindingId, &'l Decided>)> {
    let mut packets: BTreeMap<&str, (&Run, BTreeMap<_, _>)> = BTreeMap::new();
    for (id, (decided, run)) in decisions.iter().filter(|(_, (_, run))| run.as_of == day) {
        let (_, on) = packets.entry(&run.id).or_insert_with(|| (run, BTreeMap::new()));
        on.insert(*id, *decided);
    }
    packets.into_values().collect()
}

/// The run that one of this day looks back at.
fn last_before(entries: &[Entry], day: NaiveDate) -> Option<&Run> {
    ledger::standing(entries).range(..day).next_back().map(|(_, run)| *run)
}

/// Fails where the memory of the run before, or what was proposed in a packet on which something stands approved or
/// rejected, is there and may not be read: a run that goes on without it would ask again what was decided, and
/// later ones would look back at it.
pub(super) fn check_may_be_read(
    runs: &Path,
    entries: &[Entry],
    day: NaiveDate,
) -> Result<(), PaperError> {
    let memory = last_before(entries, day).map(|last| memory_of(runs, last).map(drop));
    let decided = decisions(entries, day).into_values();
    let decided = decided
        .filter(|(it, _)| !matches!(it.decision.verdict(), Verdict::Escalate { .. }))
        .map(|(_, run)| (run.id.as_str(), run));
    let decided: BTreeMap<&str, &Run> = decided.collect();
    let decided = decided.into_values().map(|run| Findings::check_may_be_read(runs, run));
    for checked in memory.into_iter().chain(decided) {
        match checked {
            Err(PaperError::Disk { path, what }) if what.kind() != io::ErrorKind::NotFound => {
                return Err(PaperError::Disk { path, what });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// What a run remembers and does not know to be resolved; nothing where its memory cannot be read.
pub(super) fn unresolved(runs: &Path, run: &Run) -> BTreeSet<FindingId> {
    let memory = remembered(runs, run).unwrap_or_default();
    let open = memory.into_iter().filter(|(_, memory)| memory.resolved.is_none());
    open.map(|(id, _)| id).collect()
}

/// The day on which the field history begins.
fn begins(config: &Config, judged: &Judged) -> Option<NaiveDate> {
    let changed = config.boundary.allowed(Object::FieldHistory, "changed")?;
    let history = judged.pulled.get(Object::FieldHistory)?;
    let first = history.rows().filter_map(|row| row.time(&changed)).min()?;
    Some(named_day(first, judged.as_of.zone))
}

/// True when a table that was read does not hold the record any more.
fn is_gone(record: &RecordRef, now: &Now<'_>) -> bool {
    let batch = now.judged.pulled.get(record.object);
    batch.is_some_and(|batch| batch.find(&record.id).is_none() && !batch.may_lack(&record.id))
}

/// True when the record's row may be one that was set aside.
fn is_unread(record: &RecordRef, now: &Now<'_>) -> bool {
    now.judged.pulled.get(record.object).is_some_and(|batch| batch.may_lack(&record.id))
}

/// True for a record that is there and excluded from the review.
fn is_excluded(record: &RecordRef, now: &Now<'_>) -> bool {
    let batch = now.judged.pulled.get(record.object);
    batch.is_some_and(|batch| batch.outside(&record.id) == Some(Outside::Excluded))
}

/// A line of history.jsonl.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    rule: String,
    object: String,
    record: String,
    related: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    facts: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    first: String,
    last: String,
    weeks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reopened: Option<String>,
    resolved: Option<(String, String)>,
    change: Option<(String, String)>,
}

impl Memory {
    fn state(&self, facts: &str, day: NaiveDate) -> State {
        // A week may have several packets: one for an event, or one that is made again.
        let is_same_week = self.last.iso_week() == day.iso_week();
        let weeks = self.weeks.saturating_add(u32::from(!is_same_week));
        let was_mended = |how| !matches!(how, How::ByRules | How::ByTime);
        if self.resolved.is_some_and(|(_, how)| was_mended(how)) {
            State::Reopened(weeks)
        } else if self.facts == facts {
            State::Recurring(weeks)
        } else {
            State::Changed(weeks)
        }
    }

    /// Every record it is about.
    fn records(&self) -> impl Iterator<Item = &RecordRef> {
        self.related.iter().chain([&self.record])
    }

    /// The records without which it cannot come again: none where they are examples of a group.
    fn needed(&self) -> impl Iterator<Item = &RecordRef> {
        self.records().filter(|_| self.group.is_none())
    }

    /// What became of the finding, which is not found any more.
    fn fate(
        &self,
        id: &FindingId,
        now: &Now<'_>,
        dropped: &Dropped,
        decided: Option<&Decided>,
        sight: Option<Sight>,
    ) -> Fate {
        let (cut, reports) = (&now.cut, &now.judged.reports);
        let reads_cut = |report: &Report| {
            report.check.code == self.rule
                && report.reads.iter().any(|it| cut.contains(&it.object()))
        };
        // Of a table that was cut nothing is known, nor of a row that was set aside: neither that a record is
        // gone nor that it is right.
        if self.records().any(|record| cut.contains(&record.object))
            || reports.iter().any(reads_cut)
            || self.needed().any(|record| is_unread(record, now))
        {
            return Fate::Unseen;
        }
        let approved =
            decided.filter(|decided| matches!(decided.decision.verdict(), Verdict::Approve { .. }));
        let is_merge = approved.is_some_and(|it| it.kind == ProposalKind::MergeCandidate);
        // A merge takes records away: it was made where one of them stays, and not where all do.
        let mut equals = self.records().filter(|it| it.object == self.record.object);
        let is_merged = is_merge && equals.any(|record| !is_gone(record, now));
        let gone = self.group.is_none() && is_gone(&self.record, now) && !is_merged;
        let any_gone = self.needed().any(|record| is_gone(record, now));
        // A finding is about all of its records: without one of them it cannot come again.
        if !any_gone && let Some(fate) = self.beyond_history(now) {
            return fate;
        }
        let is_blinded = dropped.blinds(&self.rule, self.last);
        if !any_gone && (is_blinded || !self.was_looked_at(id, now)) {
            return Fate::Unseen;
        }
        match approved {
            _ if gone => Fate::Resolved(How::Gone),
            _ if now.unruled.contains(id) => Fate::Resolved(How::ByRules),
            _ if now.lapsed.contains(id) => Fate::Resolved(How::ByTime),
            Some(_) if is_merge && !any_gone => Fate::Unlike,
            // Nobody made the change: it is right by something else.
            Some(_) if sight == Some(Sight::AsBefore) => Fate::Resolved(How::Otherwise),
            Some(_) => Fate::Resolved(How::AfterApproval),
            None => Fate::Resolved(How::Otherwise),
        }
    }

    /// What becomes of a finding that rests on what the field history tells no more, as where an export reaches
    /// back a month: nobody could look at it, until it lies further back than its check looks.
    fn beyond_history(&self, now: &Now<'_>) -> Option<Fate> {
        let changed = self.changed.unwrap_or(self.last);
        let report = now.judged.reports.iter().find(|report| report.check.code == self.rule)?;
        let looks_back = report.judgement()?.looks_back?;
        let is_told = now.begins.is_none_or(|begins| begins <= changed);
        if is_told {
            return None;
        }
        let has_passed = changed < looks_back;
        Some(if has_passed { Fate::Resolved(How::ByTime) } else { Fate::Unseen })
    }

    /// True when the check looked at the finding's records again, and could have found it.
    fn was_looked_at(&self, id: &FindingId, now: &Now<'_>) -> bool {
        let pulled = &now.judged.pulled;
        let report = now.judged.reports.iter().find(|report| report.check.code == self.rule);
        let Some((report, judgement)) = report.and_then(|it| Some((it, it.judgement()?))) else {
            return false;
        };
        // Where the check says itself what the want of a column hides, it is believed.
        let is_told = |field| judgement.not_looked.iter().any(|it| it.tells_of(field));
        if now.lost.iter().any(|field| report.reads.contains(field) && !is_told(field)) {
            return false;
        }
        let reads_changes = report.reads.iter().any(|it| it.object() == Object::FieldHistory);
        if reads_changes && self.records().any(|it| now.judged.untold.contains(&it.object)) {
            return false;
        }
        let row = |record: &RecordRef| pulled.get(record.object)?.find(&record.id);
        let is_reviewed = |record: &RecordRef| row(record).is_some_and(Row::is_under_review);
        let mut equals = self.related.iter().filter(|it| it.object == self.record.object);
        let any_equal_is = report.check.about == About::Equals && equals.any(is_reviewed);
        self.records().all(|record| pulled.get(record.object).is_some())
            && (self.group.is_some() || any_equal_is || is_reviewed(&self.record))
            && !judgement.not_looked.iter().any(|it| {
                let group = self.group.as_deref();
                it.hides(&self.rule, id, &self.record, &self.related, group, pulled)
            })
    }

    fn line(&self, id: &FindingId) -> serde_json::Result<String> {
        let pair = |record: &RecordRef| (record.object.key().to_owned(), record.id.to_string());
        let line = Line {
            id: id.to_string(),
            rule: self.rule.clone(),
            object: self.record.object.key().to_owned(),
            record: self.record.id.to_string(),
            related: self.related.iter().map(pair).collect(),
            group: self.group.clone(),
            facts: self.facts.clone(),
            changed: self.changed.map(|day| day.to_string()),
            first: self.first.to_string(),
            last: self.last.to_string(),
            weeks: self.weeks,
            reopened: self.reopened.map(|on| on.to_string()),
            resolved: self.resolved.map(|(on, how)| (on.to_string(), how.word().to_owned())),
            change: self.change.map(|(since, it)| (since.to_string(), it.word().to_owned())),
        };
        Ok(serde_json::to_string(&line)? + "\n")
    }

    fn parse(line: &[u8]) -> Option<(FindingId, Self)> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let record = |object: &str, id: String| {
            Some(RecordRef { object: Object::parse(object)?, id: id.into() })
        };
        let memory = Self {
            rule: line.rule,
            record: record(&line.object, line.record)?,
            related: line
                .related
                .into_iter()
                .map(|(object, id)| record(&object, id))
                .collect::<Option<_>>()?,
            group: line.group,
            facts: line.facts,
            changed: line.changed.map(|day| day.parse()).transpose().ok()?,
            first: line.first.parse().ok()?,
            last: line.last.parse().ok()?,
            weeks: line.weeks,
            reopened: match line.reopened {
                None => None,
                Some(on) => Some(on.parse().ok()?),
            },
            resolved: match line.resolved {
                None => None,
                Some((on, how)) => Some((on.parse().ok()?, How::parse(&how)?)),
            },
            change: match line.change {
                None => None,
                Some((since, it)) => Some((since.parse().ok()?, Happened::parse(&it)?)),
            },
        };
        Some((FindingId::parse(&line.id)?, memory))
    }
}
