//! The desk: decisions files come in, decisions that the gate let pass go into the ledger.
//!
//! A file is recorded as a whole, in one line of the ledger, or not at all.
//! Does not: decide anything, or change what was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound as _, Utc};

use crate::finding::{FindingId, Hold};
use crate::folder::{self, Held};
use crate::gate::{Case, Claim, Decision, Gate, Refusal, Saying, Verdict, VerdictKind};
use crate::ledger::{self, Chain, Decided, Decisions, Entry, Ledger, Run};
use crate::packet::ActionKind;
use crate::policy::{Log, Problems};

use super::decisions::{self, Filed, Item};
use super::history;
use super::paper::{self, Paper, PaperError, Part, Told};
use super::same_day::Settled;
use super::tally::{Stand, tally};
use super::{Folder, Notices, ReviewError, counted};

/// What the caller says of a recording.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The review folder.
    pub folder: PathBuf,
    /// The decisions files.
    pub files: Vec<PathBuf>,
    /// Whether what was recorded may be overruled.
    pub earlier: Earlier,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// What becomes of a decision that differs from a recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// It is refused.
    Stands,
    /// It is recorded after it, and counts from then on.
    Superseded,
}

/// Records decisions files: all of them, or, when one has to be refused, none. Says what was recorded.
pub fn decide(recording: &Recording) -> (Notices, Result<String, ReviewError>) {
    let mut notices = Notices::default();
    let words = record(recording, &mut notices);
    (notices, words)
}

fn record(recording: &Recording, notices: &mut Notices) -> Result<String, ReviewError> {
    let folder = Folder::read(&recording.folder)?;
    let (config, _) = folder.config()?;
    let held: Held = folder::hold(&folder.path, &super::holder(recording.now))?;
    let mut ledger = notices.open(&folder.path)?;
    let mut desk = Desk::open(&folder, &config.gate, recording.now, recording.earlier);
    let mut refused = Problems::default();
    for file in &recording.files {
        match desk.take(&ledger, file) {
            Ok(()) => {}
            Err(DeskError::Refused(problems)) => refused.extend(problems),
            Err(DeskError::Paper(error)) => return Err(error.into()),
        }
    }
    if !refused.is_empty() {
        return Err(ReviewError::Decisions(refused));
    }
    let words = desk.record(&mut ledger)?;
    drop(held);
    Ok(words)
}

/// Why a file was not taken.
pub(super) enum DeskError {
    /// What it decides does not stand.
    Refused(Problems),
    /// What it decides on cannot be read.
    Paper(PaperError),
}

/// Decisions files on their way into the ledger.
pub(super) struct Desk<'a> {
    folder: &'a Folder,
    gate: &'a Gate,
    now: DateTime<Utc>,
    earlier: Earlier,
    paper: Option<(Run, Paper, Settled)>,
    taken: Vec<Taken>,
}

/// A file that was taken.
struct Taken {
    name: String,
    /// What is to be recorded; nothing where a file of these bytes was recorded before.
    new: Option<New>,
    /// Decisions in it that were recorded before.
    known: usize,
    /// How many of them are overruled by others, recorded later.
    overruled: usize,
}

/// What a file decides on.
struct On<'a> {
    run: &'a Run,
    paper: &'a Paper,
    settled: &'a Settled,
    part: Part,
    /// Escalations that the packet lists and does not propose again.
    open: BTreeMap<FindingId, Decided>,
    /// What was decided on earlier packets and stands in this one, which does not ask about it.
    stands: BTreeMap<FindingId, Decided>,
}

/// A file that the ledger has not seen.
struct New {
    /// What it decides that was not recorded before. It may be nothing: then the file is remembered.
    decisions: Decisions,
    /// Proposals of the packet that still ask for a decision after it.
    undecided: usize,
}

impl<'a> Desk<'a> {
    pub(super) fn open(
        folder: &'a Folder,
        gate: &'a Gate,
        now: DateTime<Utc>,
        earlier: Earlier,
    ) -> Self {
        let now = now.trunc_subsecs(0);
        Self { folder, gate, now, earlier, paper: None, taken: Vec::new() }
    }

    /// Takes a file, or says of every one of its lines why not.
    pub(super) fn take(&mut self, ledger: &Chain, file: &Path) -> Result<(), DeskError> {
        let filed = decisions::read(file).map_err(DeskError::Refused)?;
        if self.is_known(ledger, &filed.digest) {
            let overruled = overruled(ledger, &filed.digest);
            let known = filed.items.len();
            self.taken.push(Taken { name: filed.name, new: None, known, overruled });
            return Ok(());
        }
        let run = self.run_of(ledger, &filed).map_err(DeskError::Refused)?;
        if self.paper.as_ref().is_none_or(|(of, ..)| *of != run) {
            let runs = self.folder.path.join("runs");
            paper::check_read(&runs, &run).map_err(DeskError::Paper)?;
            let paper = Paper::of(&runs, &run).map_err(DeskError::Paper)?;
            let before = ledger.entries().get(..ledger.before(&run.id).0).unwrap_or_default();
            let is_proposed = |id: &FindingId| !paper.find(id).is_empty();
            let settled = Settled::of(&runs, before, run.as_of, is_proposed);
            self.paper = Some((run.clone(), paper, settled.map_err(DeskError::Paper)?));
        }
        let Some((_, paper, settled)) = &self.paper else { return Ok(()) };
        let recorded = decided_on(ledger, &run, self.before());
        let part = Self::part(&filed, &run, paper).map_err(DeskError::Refused)?;
        paper
            .check_part_read(&self.folder.path.join("runs"), &run, filed.part())
            .map_err(DeskError::Paper)?;
        let open = self.open_elsewhere(ledger, &filed, &run, paper);
        let stands = stands_elsewhere(ledger, &filed, &run, paper);
        let on = On { run: &run, paper, settled, part, open, stands };
        let (mut new, known) = self.judge(&filed, &on, &recorded).map_err(DeskError::Refused)?;
        new.decisions.signed = self.signed(&filed, file).map_err(DeskError::Refused)?;
        self.taken.push(Taken { name: filed.name, new: Some(new), known, overruled: 0 });
        Ok(())
    }

    /// What was taken before, in its order.
    fn before(&self) -> impl Iterator<Item = &Decisions> {
        self.taken.iter().filter_map(|taken| Some(&taken.new.as_ref()?.decisions))
    }

    /// The keys of those who signed a file; refuses it where somebody had to and did not.
    fn signed(&self, filed: &Filed, file: &Path) -> Result<Vec<String>, Problems> {
        let log = Log::default();
        let people = [Some(&filed.approver), filed.second.as_ref()];
        let mut keys = Vec::new();
        for (name, ending) in people.into_iter().zip(decisions::SIGNATURES) {
            let Some(name) = name else { continue };
            let signature = decisions::signature(file, ending);
            match self.gate.signed(name, &filed.bytes, signature.as_deref()) {
                Ok(key) => keys.extend(key),
                Err(Refusal { what, remedy }) => {
                    let beside = format!("{}.{ending}", filed.name);
                    log.note(&filed.name, 0, what, Some(format!("{remedy} ({beside})")));
                }
            }
        }
        log.finish(keys)
    }

    /// True where a file of these bytes was recorded or taken before.
    fn is_known(&self, ledger: &Chain, digest: &str) -> bool {
        ledger.decisions().chain(self.before()).any(|decisions| decisions.file == digest)
    }

    /// Appends what was taken, a line for each file. One that says nothing new is recorded as well: it
    /// lies in its folder for the weeks to come, when its packet is not the latest any more.
    pub(super) fn record(self, ledger: &mut Ledger) -> Result<String, ReviewError> {
        let mut words = String::new();
        for Taken { name, new, known, overruled } in self.taken {
            match new {
                Some(New { decisions, undecided }) if !decisions.decided.is_empty() => {
                    words += &decided_words(&name, &decisions, known, undecided);
                    ledger.append(Entry::Decisions(decisions))?;
                }
                seen => {
                    let decisions = counted(known, "decision");
                    // That another file of the same decisions came, and when, is evidence too.
                    let line = match seen {
                        Some(_) => {
                            "; nothing is decided anew, and the ledger has a line that the file came"
                        }
                        None => "",
                    };
                    words += &format!("{name}: recorded before, {decisions}{line}\n");
                    if overruled > 0 && self.earlier == Earlier::Superseded {
                        words += &format!(
                            "{name}: another decision stands on {overruled} of them, recorded later, and nothing was changed: to go back, decide anew in the packet, and record the file that it exports then with --supersede\n"
                        );
                    }
                    if let Some(New { decisions, .. }) = seen {
                        ledger.append(Entry::Decisions(decisions))?;
                    }
                }
            }
        }
        words += &format!("ledger: {} lines, head {}\n", ledger.entries().len(), ledger.head());
        Ok(words)
    }

    /// The part of the run's packet that the file names by its digest.
    fn part(filed: &Filed, run: &Run, paper: &Paper) -> Result<Part, Problems> {
        paper.part(filed.part()).ok_or_else(|| {
            Problems::one_with_hint(
                &filed.name,
                0,
                format!("its `packet_digest` is not that of the packet of {}", run.as_of),
                "export the decisions from the packet as it was written",
            )
        })
    }

    /// The run that the file decides on: known, followed by no other and taken back by none.
    fn run_of(&self, ledger: &Chain, filed: &Filed) -> Result<Run, Problems> {
        let problem =
            |what: String, remedy: &str| Problems::one_with_hint(&filed.name, 0, what, remedy);
        let Some(run) = ledger.runs().filter(|run| run.id == filed.run).last() else {
            return Err(problem(
                "it decides on a packet that the ledger does not know".to_owned(),
                "decide on a packet of this review folder; if it was one, the ledger was cut: put it back from a backup",
            ));
        };
        if ledger.before(&run.id).1 != filed.ledger_head {
            return Err(problem(
                "its `ledger_head` is not the head that stood before the packet".to_owned(),
                "the ledger was rewritten, or the file was edited: compare with the head printed in the packet",
            ));
        }
        match ledger.follower(run) {
            Some(newer) => Err(problem(
                // Of a day there may be several.
                if run.as_of == newer.as_of {
                    format!(
                        "it decides on the packet of run {}, which run {} of the same day has followed",
                        run.id, newer.id
                    )
                } else {
                    format!(
                        "it decides on the packet of {}, which that of {} has followed",
                        run.as_of, newer.as_of
                    )
                },
                &format!(
                    "decide on the newer packet: what is still wrong stands there again; if that was made by mistake, `crm-review run {} --as-of {}` on the exports and rules of this one makes it the latest again",
                    folder::typed(&self.folder.path),
                    run.as_of
                ),
            )),
            None if ledger::taken_back(ledger.entries()).contains(run.id.as_str()) => Err(problem(
                format!(
                    "it decides on the packet of {}, which a run of an earlier day took back",
                    run.as_of
                ),
                &format!(
                    "decide on the packet of the latest run; if that was made by mistake, `crm-review run {} --as-of {}` on the exports and rules of this one makes it the latest again",
                    folder::typed(&self.folder.path),
                    run.as_of
                ),
            )),
            None => Ok(run.clone()),
        }
    }

    /// What is new in a file, and how many of its decisions were recorded before.
    fn judge(
        &self,
        filed: &Filed,
        on: &On<'_>,
        recorded: &BTreeMap<&FindingId, &Decided>,
    ) -> Result<(New, usize), Problems> {
        let On { run, paper, settled, part, open, stands } = on;
        let log = Log::default();
        if let Some(what) = unfit(filed, paper, part) {
            log.note(&filed.name, 0, what, Some(decisions::COUNT_ANEW.to_owned()));
        }
        if let Err(Refusal { what, remedy }) = self.gate.check_second(filed.second.as_deref()) {
            log.note(&filed.name, 0, what, Some(remedy));
        }
        let mut seen: BTreeMap<&FindingId, usize> = BTreeMap::new();
        let mut decided = Vec::new();
        let mut known = 0;
        for said in &filed.items {
            let id = &said.value.finding;
            let told = if part.holds(id) { paper.find(id) } else { &[] };
            let judged = match seen.insert(id, said.line) {
                Some(first) => refuse(
                    format!("it is decided twice, first on line {first}"),
                    "leave one of the two",
                ),
                None => match open.get(id).filter(|_| matches!(part, Part::Whole)) {
                    Some(escalated) => self.answer(filed, &said.value, escalated, run),
                    None => self.judge_one(filed, &said.value, told),
                },
            };
            let judged = judged.and_then(|one| {
                let before = recorded.get(id).copied();
                let overrules = before.is_none() && stands.contains_key(id);
                match self.against(before, stands.get(id), &one.decision) {
                    Against::Nothing => Ok(Some(Decided { overrules, ..one })),
                    Against::Overruled => {
                        self.gate.overrule(&one.decision, one.kind)?;
                        Ok(Some(Decided { overrules, ..one }))
                    }
                    Against::Same => Ok(None),
                    Against::Other(before) => refuse(
                        format!(
                            "it was decided before, by {} on {}: {}",
                            before.by().name(),
                            before.at().format("%F"),
                            before.verdict().kind().word(),
                        ),
                        "leave it out, or record the file with --supersede",
                    ),
                }
            });
            match judged {
                Ok(Some(one)) => decided.push(one),
                Ok(None) => known += 1,
                Err(refusal) => {
                    let what = format!("{id}: {}", refusal.what);
                    log.note(&filed.name, said.line, what, Some(refusal.remedy));
                }
            }
        }
        let after: BTreeMap<&FindingId, &Verdict> = recorded
            .iter()
            .map(|(id, one)| (*id, one.decision.verdict()))
            .chain(decided.iter().map(|one| (&one.finding, one.decision.verdict())))
            .collect();
        let stand = |id: &FindingId, then: Stand| after.get(id).map_or(then, |it| Stand::after(it));
        let undecided =
            paper.iter().filter(|(id, told)| stand(id, told.stand) == Stand::Undecided).count();
        let proposed = paper.iter().map(|(id, told)| (id, told.counted()));
        let all = proposed.chain(settled.proposals());
        let tally = tally(all.map(|(id, (then, scope, of))| (stand(id, then), scope, of)));
        let decisions = Decisions {
            run: run.id.clone(),
            file: filed.digest.clone(),
            at: self.now,
            approvals: self.folder.approvals(),
            signed: Vec::new(),
            decided,
            tally,
        };
        log.finish((New { decisions, undecided }, known))
    }

    /// What the gate says of one decision.
    fn judge_one(&self, filed: &Filed, item: &Item, told: &[Told]) -> Result<Decided, Refusal> {
        let Some(first) = told.first() else {
            return refuse("the packet does not propose it", "take the id from the packet");
        };
        if told.iter().all(|told| told.facts != item.facts) {
            return refuse(
                "its `evidence_digest` is not that of the packet",
                "export the decisions anew: somebody may have decided on other facts",
            );
        }
        let claim = self.claim(filed, item);
        let decision = self.gate.decide(&first.case, &claim)?;
        // Where a check says two things under one id, the decision is on both.
        for other in told.iter().skip(1) {
            self.gate.decide(&other.case, &claim)?;
        }
        Ok(Decided {
            finding: item.finding.clone(),
            facts: item.facts.clone(),
            rule: first.rule.clone(),
            kind: first.case.kind,
            record: first.record.clone(),
            decision,
            overrules: false,
        })
    }

    /// What the gate says of a decision on an escalation that the packet lists and does not propose again:
    /// it ends there or is passed on. What it would approve stands in an earlier packet.
    fn answer(
        &self,
        filed: &Filed,
        item: &Item,
        escalated: &Decided,
        run: &Run,
    ) -> Result<Decided, Refusal> {
        if item.facts != escalated.facts {
            return refuse(
                "its `evidence_digest` is not that of the packet in which it was escalated",
                "take it from the findings.jsonl of that packet",
            );
        }
        if matches!(item.says, Saying::Approve { .. }) {
            return refuse(
                "it is escalated, and the packet does not propose it again: its records were not looked at, or another proposal tells of them",
                "reject it or escalate it again; it can be approved in the next packet that proposes it",
            );
        }
        // This packet has nothing to approve, whatever the one had in which it was escalated.
        let hold = Hold::EscalateOnly("it is escalated".to_owned());
        let case = Case { kind: escalated.kind, hold, missing: Vec::new(), day: run.as_of };
        let decision = self.gate.decide(&case, &self.claim(filed, item))?;
        Ok(Decided { decision, overrules: false, ..escalated.clone() })
    }

    fn claim(&self, filed: &Filed, item: &Item) -> Claim {
        Claim {
            by: filed.approver.clone(),
            second: filed.second.clone(),
            says: item.says.clone(),
            attention: item.attention,
            note: item.note.clone(),
            at: item.at,
            recorded: self.now,
        }
    }

    /// The escalations of earlier packets that the file decides on and this packet only lists.
    fn open_elsewhere(
        &self,
        ledger: &Chain,
        filed: &Filed,
        run: &Run,
        paper: &Paper,
    ) -> BTreeMap<FindingId, Decided> {
        let items = filed.items.iter().map(|said| &said.value.finding);
        let mut asked: BTreeSet<&FindingId> =
            items.filter(|id| paper.find(id).is_empty()).collect();
        if asked.is_empty() {
            return BTreeMap::new();
        }
        let remembered = history::unresolved(&self.folder.path.join("runs"), run);
        asked.retain(|id| remembered.contains(*id));
        let mut open = last_elsewhere(ledger, run, &asked);
        open.retain(|_, one| matches!(one.decision.verdict(), Verdict::Escalate { .. }));
        open
    }

    /// How a decision stands against the one recorded on the packet, or where there is none against one that
    /// stands from an earlier packet: that may be said again.
    fn against<'d>(
        &self,
        before: Option<&'d Decided>,
        stands: Option<&'d Decided>,
        now: &Decision,
    ) -> Against<'d> {
        let is_other = |one: &&Decided| one.decision.verdict() != now.verdict();
        match before.or(stands.filter(is_other)).map(|one| &one.decision) {
            None => Against::Nothing,
            Some(before) if before.verdict() == now.verdict() => Against::Same,
            // An escalation waits to be closed.
            Some(before) if matches!(before.verdict(), Verdict::Escalate { .. }) => {
                Against::Nothing
            }
            Some(_) if self.earlier == Earlier::Superseded => Against::Overruled,
            Some(before) => Against::Other(before),
        }
    }
}

/// On how many findings something else was decided after a recorded file.
fn overruled(ledger: &Chain, file: &str) -> usize {
    let decided = || ledger.decisions().flat_map(|decisions| &decisions.decided);
    let last: BTreeMap<&FindingId, &Decided> =
        decided().map(|decided| (&decided.finding, decided)).collect();
    let is_other = |one: &&Decided| {
        last.get(&one.finding).is_some_and(|last| last.decision.verdict() != one.decision.verdict())
    };
    let of_file = ledger.decisions().filter(|decisions| decisions.file == file);
    of_file.flat_map(|decisions| &decisions.decided).filter(is_other).count()
}

/// What was decided on earlier packets and stands in this one: approvals that wait to be applied, and
/// rejections that keep quiet.
fn stands_elsewhere(
    ledger: &Chain,
    filed: &Filed,
    run: &Run,
    paper: &Paper,
) -> BTreeMap<FindingId, Decided> {
    let items = filed.items.iter().map(|said| &said.value.finding);
    let is_settled = |told: &Told| matches!(told.asks, ActionKind::Apply | ActionKind::Quiet);
    last_elsewhere(ledger, run, &items.filter(|id| paper.find(id).iter().any(is_settled)).collect())
}

/// The last decision on each of some proposals, of those on other packets up to a run's day.
fn last_elsewhere(
    ledger: &Chain,
    run: &Run,
    asked: &BTreeSet<&FindingId>,
) -> BTreeMap<FindingId, Decided> {
    let earlier: BTreeSet<&str> = ledger
        .runs()
        .filter(|other| other.as_of <= run.as_of && other.id != run.id)
        .map(|other| &*other.id)
        .collect();
    ledger
        .counted()
        .filter(|decisions| earlier.contains(&*decisions.run))
        .flat_map(|decisions| &decisions.decided)
        .filter(|one| asked.contains(&one.finding))
        .map(|one| (one.finding.clone(), one.clone()))
        .collect()
}

/// How what a file calls undecided differs from what the packet asks beside its decisions; nothing where it
/// does not, or does not say.
fn unfit(filed: &Filed, paper: &Paper, part: &Part) -> Option<String> {
    let decided: BTreeSet<&FindingId> = filed.items.iter().map(|it| &it.value.finding).collect();
    let is_asked = |id: &FindingId, told: &Told| {
        matches!(told.asks, ActionKind::Decide | ActionKind::Answer)
            && part.holds(id)
            && !decided.contains(id)
    };
    let open: BTreeSet<&str> =
        paper.iter().filter(|(id, told)| is_asked(id, told)).map(|(id, _)| id.as_str()).collect();
    let asks = format!("beside its decisions the packet asks about {}", open.len());
    let named = filed.rest.ids.as_ref();
    if let Some(named) = named.filter(|named| !named.iter().map(String::as_str).eq(open.clone())) {
        let known = named.iter().filter(|id| open.contains(id.as_str())).count();
        Some(format!(
            "{asks}, and its `undecided` names {known} of them and {} more",
            named.len() - known
        ))
    } else {
        let count = filed.rest.count.filter(|count| named.is_none() && *count != open.len())?;
        Some(format!("{asks}, and its `counts` say that {count} stay undecided"))
    }
}

/// What a file decided, in a line.
fn decided_words(name: &str, decisions: &Decisions, known: usize, undecided: usize) -> String {
    let count = |kind: VerdictKind| {
        let said = decisions.decided.iter();
        said.filter(|decided| decided.decision.verdict().kind() == kind).count()
    };
    let [approved, rejected, escalated] = VerdictKind::ALL.map(count);
    let before = if known > 0 { format!("; {known} recorded before") } else { String::new() };
    format!(
        "{name}: {approved} approved, {rejected} rejected, {escalated} escalated{before}; {undecided} still \
         undecided\n"
    )
}

/// How a decision stands against a recorded one.
enum Against<'d> {
    Nothing,
    Same,
    /// It takes the place of one that differs.
    Overruled,
    Other(&'d Decision),
}

fn refuse<T>(what: impl Into<String>, remedy: &str) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), remedy: remedy.to_owned() })
}

/// What stands decided on a run: of each finding the last that was said.
pub(super) fn decided_on<'d>(
    ledger: &'d Chain,
    run: &Run,
    taken: impl Iterator<Item = &'d Decisions>,
) -> BTreeMap<&'d FindingId, &'d Decided> {
    ledger
        .decisions()
        .chain(taken)
        .filter(|decisions| decisions.run == run.id)
        .flat_map(|decisions| &decisions.decided)
        .map(|decided| (&decided.finding, decided))
        .collect()
}
