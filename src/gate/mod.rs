//! The gate: who may decide what, under which conditions, and what happens when nobody does.
//!
//! It has six parts: what starts a review (trigger), what is decided on (artifact, by its digest), by
//! what (criteria: the rules and the evidence each needs), who decides (approver), what happens without
//! a decision (no change), and where it is written down (the ledger). `rules/approvals.toml` states the
//! ones that differ from company to company; [`Gate::decide`] is the only way to a [`Decision`].
//! Does not: read a file, know a finding's values, or write anything down.

mod decision;
mod signature;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use unicode_normalization::UnicodeNormalization as _;

use crate::finding::{Hold, ProposalKind};
use crate::policy::{Said, Section, meant};

pub use decision::{Approver, Attention, Decision, Reason, Verdict, VerdictKind, Via};
use signature::Signers;

/// Whom a proposal is passed on to, in words; the rules write `sales_lead`.
pub fn called(to: &str) -> String {
    match to {
        "other" => "somebody else".to_owned(),
        "legal_privacy" => "legal or privacy".to_owned(),
        to => to
            .split('_')
            .map(|word| if word == "crm" { "CRM" } else { word })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// How much ceremony a company wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// An approver and perhaps a backup.
    Plain,
    /// One approver and at most [`FOUNDER_FIELDS`] fields of each table.
    Founder,
    /// Roles, a second approver for what is held, a ticket for every change.
    Operator,
}

impl Profile {
    /// The word used in rules and outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Founder => "founder",
            Self::Operator => "operator",
        }
    }
}

/// How many fields of a table, besides its id, the founder profile reads.
pub const FOUNDER_FIELDS: usize = 10;

/// The file as shipped, with every setting and its default; nobody is named yet.
pub const SHIPPED: &str = include_str!("../../rules/approvals.toml");

/// What the shipped file calls a person who is still to be named.
const NOBODY: &str = "(not named yet)";

/// Whom a proposal can be passed on to, unless the rules say otherwise.
const ESCALATE_TO: [&str; 6] =
    ["owner", "sales_lead", "finance", "legal_privacy", "crm_admin", "other"];

/// Which kinds of proposal a person may approve.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    All,
    Kinds(BTreeSet<ProposalKind>),
}

impl Scope {
    fn allows(&self, kind: ProposalKind) -> bool {
        match self {
            Self::All => true,
            Self::Kinds(kinds) => kinds.contains(&kind),
        }
    }

    fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Kinds(kinds), Self::Kinds(more)) => kinds.extend(more),
            (_, Self::All) => *self = Self::All,
            (Self::All, Self::Kinds(_)) => {}
        }
    }
}

/// The gate of a review, as `rules/approvals.toml` states it.
#[derive(Debug, Clone)]
pub struct Gate {
    profile: Profile,
    approver: String,
    backup: Option<String>,
    people: BTreeMap<String, Scope>,
    signers: Signers,
    mass_owner_changes: u32,
    escalate_to: Vec<String>,
    escalation_days: u32,
    mute_days: u32,
    precision_budget: f64,
}

/// A proposal as far as the gate has to know it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The proposal's kind.
    pub kind: ProposalKind,
    /// Whether it can simply be approved.
    pub hold: Hold,
    /// The values its rule needs and the record does not have.
    pub missing: Vec<String>,
    /// The day of the packet it stands in.
    pub day: NaiveDate,
}

impl Case {
    /// False where there is nothing that the reviewer could approve, whoever they are.
    fn is_approvable(&self) -> bool {
        !self.kind.is_question()
            && self.missing.is_empty()
            && !matches!(self.hold, Hold::EscalateOnly(_))
    }
}

/// What somebody says they decided.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who.
    pub by: String,
    /// Who approves beside them.
    pub second: Option<String>,
    /// What.
    pub says: Saying,
    /// How much they looked at it.
    pub attention: Attention,
    /// A note.
    pub note: Option<String>,
    /// When, as they say.
    pub at: DateTime<Utc>,
    /// When it is to be recorded.
    pub recorded: DateTime<Utc>,
}

/// What is said of a proposal, before anybody asked whether it may be said.
#[derive(Debug, Clone)]
pub enum Saying {
    /// Yes.
    Approve {
        /// The change-control ticket.
        ticket: Option<String>,
    },
    /// No, and why.
    Reject(Reason),
    /// Somebody else has to say.
    Escalate {
        /// To whom.
        to: String,
        /// The last day for an answer; the gate's own term where none is named.
        until: Option<NaiveDate>,
    },
}

/// Why a decision does not stand, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// The remedy.
    pub remedy: String,
}

fn refusal<T>(what: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), remedy: remedy.into() })
}

impl Gate {
    /// Reads `rules/approvals.toml`. Problems go to the section's log.
    pub fn parse(root: &Section<'_>) -> Self {
        let profile = root
            .choice("profile", &[("founder", Profile::Founder), ("operator", Profile::Operator)])
            .unwrap_or(Profile::Plain);
        let _ = root.choice("default_decision", &[("no change", ())]);
        let (approver, backup) = approver(root);
        let mut people = match profile {
            Profile::Operator => people_of_roles(root, &approver, backup.as_deref()),
            Profile::Founder | Profile::Plain => {
                refuse_roles(root);
                if profile == Profile::Founder && backup.is_some() {
                    root.problem_with_hint(
                        root.line(),
                        "the founder profile has one approver and no backup",
                        "take `backup` out, or take `profile` out",
                    );
                }
                let named = [Some(&approver), backup.as_ref()].into_iter().flatten();
                named.map(|name| (folded(name), Scope::All)).collect()
            }
        };
        people.remove(NOBODY);
        people.remove("");
        let signers = Signers::parse(root);
        for (name, line) in signers.people().filter(|(name, _)| !people.contains_key(*name)) {
            let hint = meant(name, people.keys().map(String::as_str), || {
                "take the key out, or name the person as approver, as backup or in a [[role]]"
                    .to_owned()
            });
            root.problem_with_hint(line, format!("`{name}` has a key and may not decide"), hint);
        }
        let count = |key, otherwise| root.count(key).map_or(otherwise, |said| said.value);
        let escalate_to = root.texts("escalate_to");
        Self {
            profile,
            approver,
            backup,
            people,
            signers,
            mass_owner_changes: count("mass_owner_changes", 10),
            escalate_to: if escalate_to.is_empty() {
                ESCALATE_TO.map(str::to_owned).into()
            } else {
                escalate_to.iter().map(|to| to.value.to_owned()).collect()
            },
            escalation_days: count("escalation_days", 14),
            mute_days: count("mute_days", 90),
            precision_budget: budget(root),
        }
    }

    /// How much ceremony there is.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Who decides.
    pub fn approver(&self) -> &str {
        &self.approver
    }

    /// Who decides when the approver is away.
    pub fn backup(&self) -> Option<&str> {
        self.backup.as_deref()
    }

    /// Everybody who may decide: the approver, the backup, and in the operator profile those with a role.
    pub fn deciders(&self) -> Vec<&str> {
        let named = [Some(&self.approver), self.backup.as_ref()].into_iter().flatten();
        let named: Vec<_> = named.filter(|name| self.people.contains_key(&folded(name))).collect();
        let beside =
            self.people.keys().filter(|key| !named.iter().any(|name| folded(name) == **key));
        named.iter().copied().chain(beside).map(String::as_str).collect()
    }

    /// To whom a proposal can be passed on.
    pub fn escalate_to(&self) -> &[String] {
        &self.escalate_to
    }

    /// The last day for an answer to what is passed on in the packet of a day, if none is named.
    pub fn answer_by(&self, day: NaiveDate) -> NaiveDate {
        day.checked_add_days(Days::new(self.escalation_days.into())).unwrap_or(day)
    }

    /// From how many new owners in one packet on an approval is held.
    pub fn mass_owner_changes(&self) -> usize {
        usize::try_from(self.mass_owner_changes).unwrap_or(usize::MAX)
    }

    /// How many days a rejected proposal stays quiet while its facts are the same.
    pub fn mute_days(&self) -> u32 {
        self.mute_days
    }

    /// The share of right proposals below which a rule should be changed.
    pub fn precision_budget(&self) -> f64 {
        self.precision_budget
    }

    /// The key by which a person signed a decisions file; nothing for a person who need not sign.
    ///
    /// # Errors
    /// For one who has to, where the signature is missing or not theirs over these bytes.
    pub fn signed(
        &self,
        name: &str,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        self.signers.check(name, bytes, signature)
    }

    /// Whether a decisions file may name a second approver.
    ///
    /// # Errors
    /// Where no decision asks for one: they would be named, and nothing of it recorded.
    pub fn check_second(&self, name: Option<&str>) -> Result<(), Refusal> {
        let is_named = name.is_some_and(|name| !name.trim().is_empty());
        if is_named && self.profile != Profile::Operator {
            return refusal(
                "it names a second approver, and rules/approvals.toml asks for none",
                "leave `second_approver` out: only the operator profile has what is held approved by two",
            );
        }
        Ok(())
    }

    /// Lets a decision pass, or says why it does not stand.
    pub fn decide(&self, case: &Case, claim: &Claim) -> Result<Decision, Refusal> {
        let (by, scope) = self.person(&claim.by)?;
        is_timely(case, claim)?;
        let note = claim.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        let (verdict, second) = match &claim.says {
            Saying::Approve { ticket } => {
                let second = self.approval(case, claim, &by, scope)?;
                (Verdict::Approve { ticket: self.ticket(ticket.as_deref())? }, second)
            }
            Saying::Reject(Reason::Other) if note.is_none() => {
                return refusal(
                    "it is rejected for another reason, and no note says which",
                    "write the reason as a note",
                );
            }
            Saying::Reject(Reason::LookedInto) if case.is_approvable() => {
                return refusal(
                    "it is closed as looked into, and it proposes a change",
                    "approve it, escalate it, or say what is wrong with it",
                );
            }
            Saying::Reject(reason) => {
                self.check_scope(&by, scope, "reject", case.kind)?;
                (Verdict::Reject(*reason), None)
            }
            Saying::Escalate { to, until } => {
                (self.escalation(case, to, *until, note.is_some())?, None)
            }
        };
        let note = note.map(str::to_owned);
        Ok(Decision::new(verdict, by, second, claim.attention, note, claim.at))
    }

    /// Whether the person who decided so may overrule what somebody decided before on a proposal of a kind.
    ///
    /// # Errors
    /// For one whose role does not reach to that kind: whatever they say, an approval or a rejection ends by it.
    pub fn overrule(&self, decision: &Decision, kind: ProposalKind) -> Result<(), Refusal> {
        let (by, scope) = self.person(decision.by().name())?;
        self.check_scope(&by, scope, "overrule a decision on", kind)
    }

    /// A role says what its people settle. A question holds nothing that could be approved, so that no role names
    /// it: whoever may decide closes it.
    fn check_scope(
        &self,
        by: &Approver,
        scope: &Scope,
        doing: &str,
        kind: ProposalKind,
    ) -> Result<(), Refusal> {
        if kind.is_question() || scope.allows(kind) {
            return Ok(());
        }
        let may = self.people.iter().filter(|(_, scope)| scope.allows(kind));
        let may: Vec<_> = may.map(|(name, _)| name.as_str()).collect();
        let may = if may.is_empty() { "nobody".to_owned() } else { may.join(", ") };
        refusal(
            format!("{} may not {doing} `{}`", by.name(), kind.word()),
            format!("who may, by rules/approvals.toml: {may}"),
        )
    }

    fn person(&self, name: &str) -> Result<(Approver, &Scope), Refusal> {
        let name = folded(name);
        let Some(scope) = self.people.get(&name) else {
            let names: Vec<_> = self.people.keys().map(String::as_str).collect();
            return match names.as_slice() {
                [] => refusal(
                    "nobody is named to decide",
                    "name the approver in rules/approvals.toml",
                ),
                names => refusal(
                    "the approver is not named in rules/approvals.toml",
                    format!("these may decide: {}", names.join(", ")),
                ),
            };
        };
        Ok((Approver::named(&name), scope))
    }

    /// Whether the proposal may be approved by this person, and who approves beside them.
    fn approval(
        &self,
        case: &Case,
        claim: &Claim,
        by: &Approver,
        scope: &Scope,
    ) -> Result<Option<Approver>, Refusal> {
        if case.kind.is_question() {
            return refusal(
                "it asks a question, and there is nothing to approve",
                "reject it (`looked_into` where nothing is to be changed), escalate it, or leave it out",
            );
        }
        if !case.missing.is_empty() {
            return refusal(
                format!("its evidence is incomplete: {}", case.missing.join("; ")),
                "leave it out, for without a decision nothing changes, or reject it (`looked_into` where somebody did)",
            );
        }
        self.check_scope(by, scope, "approve", case.kind)?;
        let why = match &case.hold {
            Hold::Free => return Ok(None),
            Hold::EscalateOnly(why) => {
                return refusal(
                    format!("it is not the reviewer's alone to approve: {why}"),
                    "escalate it or reject it",
                );
            }
            Hold::Held(why) => why,
        };
        let Attention { via, confirmed } = claim.attention;
        if via == Via::Bulk {
            return refusal(
                format!("it is held ({why}), and was approved together with others"),
                "approve what is held one by one",
            );
        }
        if !confirmed {
            return refusal(
                format!("it is held ({why}), and nobody confirmed its evidence"),
                "look at the evidence of this one and confirm it",
            );
        }
        match self.profile {
            Profile::Plain | Profile::Founder => Ok(None),
            Profile::Operator => self.second(case, claim, by, why).map(Some),
        }
    }

    fn second(
        &self,
        case: &Case,
        claim: &Claim,
        by: &Approver,
        why: &str,
    ) -> Result<Approver, Refusal> {
        let others = || {
            let may = self
                .people
                .iter()
                .filter(|(name, scope)| name.as_str() != by.name() && scope.allows(case.kind));
            let names: Vec<_> = may.map(|(name, _)| name.as_str()).collect();
            if names.is_empty() {
                "nobody else may: name one in rules/approvals.toml".to_owned()
            } else {
                format!("who may: {}", names.join(", "))
            }
        };
        let Some(name) = claim.second.as_deref().filter(|name| !name.trim().is_empty()) else {
            return refusal(
                format!("it is held ({why}), and no second approver is named"),
                others(),
            );
        };
        let Ok((second, scope)) = self.person(name) else {
            return refusal("the second approver is not named in rules/approvals.toml", others());
        };
        if second == *by {
            return refusal("the second approver is the first one again", others());
        }
        if !scope.allows(case.kind) {
            return refusal(
                format!("{} may not approve `{}`", second.name(), case.kind.word()),
                others(),
            );
        }
        Ok(second)
    }

    fn ticket(&self, ticket: Option<&str>) -> Result<Option<String>, Refusal> {
        let ticket = ticket.map(str::trim).filter(|ticket| !ticket.is_empty());
        if self.profile == Profile::Operator && ticket.is_none() {
            return refusal(
                "it is approved without a change-control ticket",
                "name the ticket: the operator profile asks for one with every approval",
            );
        }
        Ok(ticket.map(str::to_owned))
    }

    fn escalation(
        &self,
        case: &Case,
        to: &str,
        until: Option<NaiveDate>,
        has_note: bool,
    ) -> Result<Verdict, Refusal> {
        let Some(to) = self.escalate_to.iter().find(|known| *known == to.trim()) else {
            return refusal(
                "it is escalated to somebody who is not on the list",
                format!("one of {}", self.escalate_to.join(", ")),
            );
        };
        if to == "other" && !has_note {
            return refusal(
                "it is escalated to somebody else, and no note says to whom",
                "write the person as a note",
            );
        }
        let until = until.unwrap_or_else(|| self.answer_by(case.day));
        if until < case.day {
            return refusal(
                format!("its answer is due on {until}, before the packet of {}", case.day),
                "name a later day",
            );
        }
        Ok(Verdict::Escalate { to: to.clone(), until })
    }
}

/// A decision is made between the day of its packet and the day it is recorded. A day more at either end
/// is left to clocks and time zones; a run can also be told a day ahead of the clock.
fn is_timely(case: &Case, claim: &Claim) -> Result<(), Refusal> {
    let (made, today) = (claim.at.date_naive(), claim.recorded.date_naive());
    let (first, last) = (case.day.min(today), case.day.max(today));
    let is_before = first.pred_opt().is_some_and(|day| made < day);
    let is_after = last.succ_opt().is_some_and(|day| made > day);
    let remedy = "write in `decided_at` when it was decided, in UTC; where the packet wrote it, that \
                  machine's clock is wrong";
    if is_before {
        refusal(format!("it was decided on {made}, before the packet of {}", case.day), remedy)
    } else if is_after {
        refusal(format!("it was decided on {made}, and it is only {today}"), remedy)
    } else {
        Ok(())
    }
}

/// Names are compared as people read them: composed letters, single spaces.
fn folded(name: &str) -> String {
    let name: String = name.nfc().collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn budget(root: &Section<'_>) -> f64 {
    let Some(said) = root.number("precision_budget") else { return 0.5 };
    if !(0.0..=1.0).contains(&said.value) {
        root.problem(said.line, "`precision_budget` is not a share between 0 and 1");
    }
    said.value
}

fn approver(root: &Section<'_>) -> (String, Option<String>) {
    let Some(section) = root.section("approver") else {
        root.problem_with_hint(0, "nobody is named to decide", "[approver] with name = \"…\"");
        return (String::new(), None);
    };
    let name = section.required_text("name").map_or_else(String::new, |said| said.value.to_owned());
    (name, section.text("backup").map(|said| said.value.to_owned()))
}

/// Whom the roles let decide, and what; who decides has to be among them.
fn people_of_roles(
    root: &Section<'_>,
    approver: &str,
    backup: Option<&str>,
) -> BTreeMap<String, Scope> {
    let mut people = BTreeMap::new();
    for role in &root.sections("role") {
        read_role(role, &mut people);
    }
    for name in [Some(approver), backup].into_iter().flatten() {
        if !name.is_empty() && !people.contains_key(&folded(name)) {
            root.problem_with_hint(
                root.line(),
                format!("`{name}` has no role"),
                "name the person among the `people` of a [[role]]: in the operator profile a role says what its people may approve",
            );
        }
    }
    if people.len() == 1 {
        root.problem_with_hint(
            root.line(),
            "one person alone cannot be the second approver of what is held",
            "name another person in a [[role]], or use the founder profile",
        );
    }
    people
}

/// Says that there are roles where none belong; what is wrong within them is said as well.
fn refuse_roles(root: &Section<'_>) {
    let roles = root.sections("role");
    if let Some(role) = roles.first() {
        role.problem_with_hint(
            role.line(),
            "roles belong to the operator profile",
            "write profile = \"operator\" above, or take the roles out",
        );
    }
    for role in &roles {
        read_role(role, &mut BTreeMap::new());
    }
}

fn read_role(role: &Section<'_>, people: &mut BTreeMap<String, Scope>) {
    let _ = role.required_text("name");
    let names = role.texts("people");
    if names.is_empty() {
        role.problem(role.line(), "a role without `people` lets nobody decide");
    }
    let kinds = role.texts("may_approve");
    let scope = if kinds.iter().any(|kind| kind.value == "all") {
        Scope::All
    } else {
        Scope::Kinds(kinds.iter().filter_map(|kind| known_kind(role, kind)).collect())
    };
    for name in names {
        let spelled = folded(name.value);
        let is_other =
            |known: &&String| **known != spelled && known.to_lowercase() == spelled.to_lowercase();
        if let Some(known) = people.keys().find(is_other) {
            role.problem_with_hint(
                name.line,
                format!("`{spelled}` and `{known}` differ only in capital letters"),
                "write the name one way: of two spellings one person could approve twice",
            );
        }
        people
            .entry(spelled)
            .and_modify(|known| known.join(scope.clone()))
            .or_insert_with(|| scope.clone());
    }
}

fn known_kind(role: &Section<'_>, kind: &Said<&str>) -> Option<ProposalKind> {
    let known = ProposalKind::parse(kind.value);
    if known.is_none() {
        let words = ProposalKind::ALL.map(ProposalKind::word);
        let hint = meant(kind.value, words.into_iter(), || {
            format!("\"all\", or some of {}", words.join(", "))
        });
        role.problem_with_hint(
            kind.line,
            format!("`{}` is not a kind of proposal", kind.value),
            hint,
        );
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Document, Log};

    fn gate(text: &str) -> Gate {
        let log = Log::default();
        let document = Document::parse("rules/approvals.toml", text, &log);
        let gate = Gate::parse(&document.root(&log));
        log.finish(gate).unwrap()
    }

    fn case(hold: Hold, missing: &[&str]) -> Case {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let missing = missing.iter().map(|&what| what.to_owned()).collect();
        Case { kind: ProposalKind::SetOwner, hold, missing, day }
    }

    fn claim(says: Saying) -> Claim {
        Claim {
            by: " Dana  Reyes".to_owned(),
            second: None,
            says,
            attention: Attention { via: Via::Single, confirmed: true },
            note: None,
            at: "2026-03-02T10:00:00Z".parse().unwrap(),
            recorded: "2026-03-04T10:00:00Z".parse().unwrap(),
        }
    }

    const YES: Saying = Saying::Approve { ticket: None };

    #[test]
    fn without_evidence_nothing_is_approved_and_everything_else_stands() {
        let gate = gate("[approver]\nname = \"Dana Reyes\"\n");
        for hold in [Hold::Free, Hold::Held("why".into()), Hold::EscalateOnly("why".into())] {
            let case = case(hold, &["lead.country is blank"]);
            let refused = gate.decide(&case, &claim(YES)).unwrap_err();
            assert_eq!(refused.what, "its evidence is incomplete: lead.country is blank");
            let reject = claim(Saying::Reject(Reason::RuleWrong));
            assert_eq!(gate.decide(&case, &reject).unwrap().by().name(), "Dana Reyes");
        }
    }

    #[test]
    fn only_what_cannot_be_approved_is_closed_as_looked_into() {
        let gate = gate("[approver]\nname = \"Dana Reyes\"\n");
        let closed = |case: &Case| gate.decide(case, &claim(Saying::Reject(Reason::LookedInto)));
        for hold in [Hold::Free, Hold::Held("why".into())] {
            let refused = closed(&case(hold, &[])).unwrap_err();
            assert_eq!(refused.what, "it is closed as looked into, and it proposes a change");
        }
        let question = Case { kind: ProposalKind::ReviewRecord, ..case(Hold::Free, &[]) };
        let incomplete = case(Hold::Free, &["lead.country is blank"]);
        let not_theirs = case(Hold::EscalateOnly("why".into()), &[]);
        for case in [question, incomplete, not_theirs] {
            assert!(closed(&case).is_ok(), "{case:?}");
        }
    }

    #[test]
    fn a_question_is_closed_by_whoever_may_decide() {
        let gate = gate(
            "profile = \"operator\"\n[approver]\nname = \"Dana Reyes\"\n[[role]]\nname = \"A\"\npeople = [\"Dana Reyes\"]\n\
             may_approve = [\"set-field\"]\n[[role]]\nname = \"B\"\npeople = [\"Ida Moor\"]\nmay_approve = \"all\"\n",
        );
        let closed = claim(Saying::Reject(Reason::AlreadyFixed));
        let question = Case { kind: ProposalKind::ReviewRecord, ..case(Hold::Free, &[]) };
        assert!(gate.decide(&question, &closed).is_ok());
        let refused = gate.decide(&case(Hold::Free, &[]), &closed).unwrap_err();
        assert_eq!(refused.what, "Dana Reyes may not reject `set-owner`");
    }

    #[test]
    fn an_escalation_without_a_day_has_the_term_of_the_rules() {
        let gate = gate("escalation_days = 7\n[approver]\nname = \"Dana Reyes\"\n");
        let said = claim(Saying::Escalate { to: "owner".to_owned(), until: None });
        let decision = gate.decide(&case(Hold::Free, &[]), &said).unwrap();
        let until = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
        assert_eq!(*decision.verdict(), Verdict::Escalate { to: "owner".to_owned(), until });
    }

    #[test]
    fn a_decision_is_made_between_its_packet_and_its_recording() {
        let gate = gate("[approver]\nname = \"Dana Reyes\"\n");
        let refused = |at: &str, recorded: &str| {
            let [at, recorded] =
                [at, recorded].map(|day| format!("{day}T23:00:00Z").parse().unwrap());
            let said = Claim { at, recorded, ..claim(YES) };
            gate.decide(&case(Hold::Free, &[]), &said).err().map(|refused| refused.what)
        };
        for (at, recorded) in [
            ("2026-02-28", "2026-03-04"),
            ("2026-03-05", "2026-03-04"),
            // The packet of a day ahead of the clock.
            ("2026-02-20", "2026-02-20"),
        ] {
            assert_eq!(refused(at, recorded), None, "{at}");
        }
        let before = "it was decided on 2026-02-27, before the packet of 2026-03-01";
        assert_eq!(refused("2026-02-27", "2026-03-04").as_deref(), Some(before));
        let ahead = "it was decided on 2026-03-06, and it is only 2026-03-04";
        assert_eq!(refused("2026-03-06", "2026-03-04").as_deref(), Some(ahead));
    }

    #[test]
    fn as_shipped_nobody_decides() {
        let gate = gate(SHIPPED);
        let said = Claim { by: NOBODY.to_owned(), ..claim(YES) };
        let refused = gate.decide(&case(Hold::Free, &[]), &said).unwrap_err();
        assert_eq!(refused.what, "nobody is named to decide");
    }
}
