//! OWN-08: a record and its account have owners who should be one, or of one team, by the policy table.
//!
//! That several people work one account is how teams sell: only pairs that the table lists have to agree.
//! Does not: pick one of several accounts, or speak where somebody left, is none of those who work such
//! records, or went past the routing rules: that is told by whoever finds it.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity, unknown_field};
use crate::policy::{Said, Section};

use super::super::condition::{Conditions, fold};
use super::super::history::{Change, History};
use super::super::ladder::lists;
use super::super::people::{self, Found, Person, Standing};
use super::super::routing::is_marked;
use super::super::{
    About, Boundary, CheckDef, Family, Judge, Judgement, NotLooked, Off, Policies, World,
};
use super::{Owned, Scope, UserFields, days, doubt, holders, policy, settings, succession};

/// OWN-08.
pub(in super::super) const SPLIT_OWNERSHIP: CheckDef = CheckDef {
    code: "OWN-08",
    name: "split-ownership",
    family: Family::Owners,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "An open lead or contact and its one account have different owners, and the first line of \
              the policy table that fits (kind of record, type of account, roles of both owners) says that \
              they are one person or of one team. Where OWN-01, OWN-05, OWN-07 or routing finds an owner at \
              fault, that is told instead.",
    consequence: "Two people speak for the company without knowing of each other, and each believes that \
                  the other one answers.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The first that fits decides; what none fits may have any owners.
    pairs: Vec<Pair>,
    grace_hours: Said<f64>,
    except: Conditions,
}

/// A line of the policy table. What it does not list is any.
#[derive(Debug, Clone)]
struct Pair {
    objects: Vec<Object>,
    account_types: Said<Vec<String>>,
    owner_roles: Said<Vec<String>>,
    account_roles: Said<Vec<String>>,
    owners: Agree,
    line: usize,
}

/// What the two owners have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agree {
    OnePerson,
    OneTeam,
    /// The split is normal.
    NotAtAll,
}

/// Whether a line of the table is about two owners.
enum Fit {
    Yes,
    No,
    /// It depends on what is not known.
    Depends(Vec<String>),
}

/// The records whose owners can be compared.
const POSSIBLE: [Object; 2] = [Object::Lead, Object::Contact];

impl Rules {
    pub(super) fn parse(root: &Section<'_>, boundary: &Boundary) -> Result<Self, Off> {
        let section = root.section(SPLIT_OWNERSHIP.name);
        let section = section.as_ref();
        let mut pairs: Vec<Pair> = Vec::new();
        for line in section.map(|section| section.sections("pair")).unwrap_or_default() {
            let Some(pair) = Pair::parse(&line) else { continue };
            if let Some(earlier) = pairs.iter().find(|earlier| earlier.takes_all_of(&pair)) {
                line.problem_with_hint(
                    pair.line,
                    format!("the pair on line {} decides all that this one could", earlier.line),
                    "the first that fits counts: put the narrower one first",
                );
            }
            pairs.push(pair);
        }
        let rules = Self {
            pairs,
            grace_hours: settings::number(section, "grace_hours", 24.0),
            except: Conditions::parse(section, "except", boundary),
        };
        settings::switched_on(section, &SPLIT_OWNERSHIP)?;
        if rules.pairs.iter().all(|pair| pair.owners == Agree::NotAtAll) {
            let write = "say in [[split-ownership.pair]] which owners have to agree";
            return Err(Off::NoPolicy { file: Family::Owners.file(), write });
        }
        Ok(rules)
    }

    /// What is wrong with somebody as the owner of a record: the line that its account's owner fails.
    pub(super) fn objection<'a>(
        &self,
        world: &World<'a>,
        row: Row<'a>,
        person: &Person<'_>,
    ) -> Option<String> {
        let object = Some(row.object()).filter(|object| POSSIBLE.contains(object))?;
        let fields = Fields::of(&world.policies.boundary, object)?;
        if self.except.hold(row) || fields.is_by_hand(row) || is_marked(world, row) {
            return None;
        }
        let Accounts::One(account) = fields.accounts(world, row) else { return None };
        let owner = account.text(&fields.account_owner)?;
        let Named::One(theirs) = Named::by(world, owner) else { return None };
        let two = Two { mine: person, theirs };
        if person.id == theirs.id || stands_in(world, two) {
            return None;
        }
        let split = self.split(object, &fields, account, two)?;
        let name = world.called(account);
        (split.missing.is_empty()).then(|| match split.pair.owners {
            Agree::OneTeam => format!("account {name} is the team's of {}", theirs.shown),
            Agree::OnePerson | Agree::NotAtAll => {
                format!("account {name} belongs to {}", theirs.shown)
            }
        })
    }

    /// The line that two different owners fail, and what is not known of it.
    fn split(
        &self,
        object: Object,
        fields: &Fields,
        account: Row<'_>,
        two: Two<'_, '_>,
    ) -> Option<Split<'_>> {
        let mut failed = None;
        let mut missing = Vec::new();
        for pair in &self.pairs {
            let fit = pair.fit(object, fields, account, two);
            if matches!(fit, Fit::No) {
                continue;
            }
            let fails = match pair.owners {
                Agree::OnePerson => true,
                Agree::OneTeam => !two.are_of_one_team(),
                Agree::NotAtAll => false,
            };
            if fails && failed.is_none() {
                failed = Some(pair);
                if pair.owners == Agree::OneTeam {
                    missing.extend(two.without_team());
                }
            }
            match fit {
                Fit::Depends(unknown) => missing.extend(unknown),
                Fit::Yes | Fit::No => break,
            }
        }
        failed.map(|pair| Split { pair, missing })
    }

    fn compare(&self, of: impl Fn(&Pair) -> bool) -> bool {
        self.pairs.iter().any(of)
    }
}

/// A line of the table that two owners fail.
struct Split<'r> {
    pair: &'r Pair,
    /// What would have to be known to be sure.
    missing: Vec<String>,
}

impl Pair {
    fn parse(line: &Section<'_>) -> Option<Self> {
        let said = |key: &str| settings::texts(Some(line), key, &[]);
        let owners = line.choice(
            "owners",
            &[
                ("same", Agree::OnePerson),
                ("same-team", Agree::OneTeam),
                ("may-differ", Agree::NotAtAll),
            ],
        );
        if !line.has("owners") {
            line.missing("owners");
        }
        let pair = |owners| Self {
            objects: settings::objects_among(Some(line), &POSSIBLE, &POSSIBLE),
            account_types: said("account_types"),
            owner_roles: said("owner_roles"),
            account_roles: said("account_roles"),
            owners,
            line: line.line(),
        };
        // Read whole, so that a fault of any key is told.
        let read = pair(owners.unwrap_or(Agree::NotAtAll));
        owners.map(|_| read)
    }

    /// True where everything that another line is about is this one's already.
    fn takes_all_of(&self, other: &Self) -> bool {
        let wider = |mine: &[String], theirs: &[String]| {
            mine.is_empty() || !theirs.is_empty() && theirs.iter().all(|one| lists(mine, one))
        };
        other.objects.iter().all(|object| self.objects.contains(object))
            && wider(&self.account_types, &other.account_types)
            && wider(&self.owner_roles, &other.owner_roles)
            && wider(&self.account_roles, &other.account_roles)
    }

    fn fit(&self, object: Object, fields: &Fields, account: Row<'_>, two: Two<'_, '_>) -> Fit {
        if !self.objects.contains(&object) {
            return Fit::No;
        }
        let mut unknown = Vec::new();
        let kind = fields.account_type.as_ref();
        let tests = [
            (
                &self.account_types,
                kind.and_then(|field| account.text(field)),
                kind.and_then(|field| unknown_field(account, field)),
            ),
            (&self.owner_roles, two.mine.role, Some(without_role(two.mine))),
            (&self.account_roles, two.theirs.role, Some(without_role(two.theirs))),
        ];
        for (listed, value, lacks) in tests {
            match value {
                _ if listed.is_empty() => {}
                Some(value) if lists(listed, value) => {}
                Some(_) => return Fit::No,
                None => unknown.extend(lacks),
            }
        }
        if unknown.is_empty() { Fit::Yes } else { Fit::Depends(unknown) }
    }

    /// The line in words.
    fn words(&self) -> String {
        let any = |said: &[String], of: &str| {
            if said.is_empty() { String::new() } else { format!("{of} {}, ", said.join(" or ")) }
        };
        let objects: Vec<&str> = self.objects.iter().map(|object| object.plural()).collect();
        format!(
            "{}, {}{}{}have {}",
            objects.join(" and "),
            any(&self.account_types, "at accounts of type"),
            any(&self.owner_roles, "owned by"),
            any(&self.account_roles, "whose account is owned by"),
            match self.owners {
                Agree::OnePerson => "the owner of their account",
                Agree::OneTeam => "an owner of the same team as their account's",
                Agree::NotAtAll => "any owner",
            }
        )
    }
}

/// Who a value of an owner column is, as far as it matters here.
enum Named<'w, 'a> {
    /// Somebody who works records.
    One(&'w Person<'a>),
    /// In no input, or several have the name.
    Unknown,
    /// A queue, a service user, or somebody who left: that is told elsewhere.
    Nobody,
}

impl<'w, 'a> Named<'w, 'a> {
    fn by(world: &'w World<'a>, value: &str) -> Self {
        match world.people().find(value) {
            Found::One(person) => {
                let works = match person.standing {
                    Standing::Active | Standing::Unsaid => true,
                    Standing::Inactive | Standing::Queue => false,
                };
                let is_service = world.policies.owners.is_service_user(value, person);
                if works && !is_service { Self::One(person) } else { Self::Nobody }
            }
            Found::Several | Found::Nobody => Self::Unknown,
        }
    }
}

/// The owners of a record and of its account, who are two people.
#[derive(Debug, Clone, Copy)]
struct Two<'w, 'a> {
    mine: &'w Person<'a>,
    theirs: &'w Person<'a>,
}

impl Two<'_, '_> {
    fn are_of_one_team(self) -> bool {
        let teams = self.mine.team.zip(self.theirs.team);
        teams.is_some_and(|(one, other)| fold(one) == fold(other))
    }

    fn without_team(self) -> impl Iterator<Item = String> {
        let lacking = [self.mine, self.theirs].into_iter().filter(|it| it.team.is_none());
        lacking.map(|person| format!("no team is known of {}", person.shown))
    }
}

fn without_role(person: &Person<'_>) -> String {
    format!("no role is known of {}", person.shown)
}

/// True where a record lies with somebody who stands in for the owner of its account.
fn stands_in(world: &World<'_>, two: Two<'_, '_>) -> bool {
    let Some(calendar) = &world.policies.owners.calendar else { return false };
    let now = calendar.of(world, two.theirs).into_iter().filter(|it| it.holds(world.as_of.day));
    now.filter_map(|leave| leave.backup.as_ref()).any(
        |backup| matches!(world.people().find(backup), Found::One(person) if person.id == two.mine.id),
    )
}

/// The accounts of a record.
enum Accounts<'a> {
    One(Row<'a>),
    Several(Vec<Row<'a>>),
    /// It names one that is in no input.
    Absent,
    None,
}

/// Why it is not known whether a record and its account have one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unclear {
    Several,
    Absent,
    Unknown,
}

impl Unclear {
    fn words(self, count: usize) -> String {
        let (belong, name, have, their) = if count == 1 {
            ("belongs", "names", "has", "its")
        } else {
            ("belong", "name", "have", "their")
        };
        match self {
            Self::Several => format!(
                "{count} {belong} to several accounts of other owners: which one counts is not known"
            ),
            Self::Absent => format!("{count} {name} an account that is in no input"),
            Self::Unknown => format!(
                "{count} {have} an owner, or one of {their} account, who is in no input or not the only \
                 one of the name"
            ),
        }
    }
}

/// What is read of a record of one object and of its account.
#[derive(Debug, Clone)]
struct Fields {
    account: Option<Field>,
    primary_account: Option<Field>,
    created: Option<Field>,
    by_hand: Option<Field>,
    account_owner: Field,
    account_type: Option<Field>,
}

impl Fields {
    fn of(boundary: &Boundary, object: Object) -> Option<Self> {
        let field = |name: &str| boundary.allowed(object, name);
        Some(Self {
            account: field("account"),
            primary_account: field("primary_account"),
            created: field("created"),
            by_hand: field("override"),
            account_owner: boundary.allowed(Object::Account, "owner")?,
            account_type: boundary.allowed(Object::Account, "type"),
        })
    }

    /// True where somebody routed the record by hand on purpose.
    fn is_by_hand(&self, row: Row<'_>) -> bool {
        self.by_hand.as_ref().and_then(|field| row.flag(field)) == Some(true)
    }

    fn accounts<'a>(&self, world: &World<'a>, row: Row<'a>) -> Accounts<'a> {
        let batch = world.batch(Object::Account);
        let primary = self.primary_account.as_ref().and_then(|field| row.text(field));
        if let Some(account) = primary.and_then(|id| batch?.find(id)) {
            return Accounts::One(account);
        }
        match &*world.matches().belongs_to(world, row) {
            [] if self.link(row).is_some() => Accounts::Absent,
            [] => Accounts::None,
            [one] => Accounts::One(*one),
            several => Accounts::Several(several.to_vec()),
        }
    }

    /// The field by which the record itself names its account.
    fn link(&self, row: Row<'_>) -> Option<&Field> {
        let fields = [&self.primary_account, &self.account].into_iter().flatten();
        fields.into_iter().find(|field| row.text(field).is_some())
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.split.clone()?;
    let objects: Vec<Object> = POSSIBLE
        .into_iter()
        .filter(|object| rules.compare(|pair| pair.objects.contains(object)))
        .collect();
    grant.field(Object::Account, "id")?;
    grant.field(Object::Account, "owner")?;
    if rules.compare(|pair| !pair.account_types.is_empty()) {
        grant.field(Object::Account, "type")?;
    }
    if rules.compare(|pair| !pair.owner_roles.is_empty() || !pair.account_roles.is_empty()) {
        grant.field(Object::User, "role")?;
    }
    if rules.compare(|pair| pair.owners == Agree::OneTeam) {
        grant.field(Object::User, "team")?;
    }
    let scope = Scope::ask(&objects, grant, policies)?.where_work_is_known();
    for object in &objects {
        // By these a record is matched to its account.
        for name in ["id", "email", "website", "company", "account", "primary_account"] {
            grant.optional(*object, name);
        }
        for name in ["created", "override"] {
            grant.optional(*object, name);
        }
    }
    for name in ["name", "domain", "website", "type"] {
        grant.optional(Object::Account, name);
    }
    succession::ask(&scope, grant, policies);
    rules.except.ask(&objects, grant);
    people::ask(grant)?;
    let users = ["role", "team"].map(|name| grant.optional(Object::User, name));
    let history = History::ask(grant).ok();
    Ok(Box::new(move |world| {
        let Some(accounts) = world.batch(Object::Account) else {
            let mut judgement = Judgement::default();
            judgement.skip_tables(Object::Account, objects.iter().copied(), "there is no input");
            return judgement;
        };
        let look = Look { world, rules: &rules, users: &users, history: history.as_ref() };
        look.judge(&scope, accounts)
    }))
}

#[derive(Clone, Copy)]
struct Look<'l, 'a> {
    world: &'l World<'a>,
    rules: &'l Rules,
    /// Role and team.
    users: &'l [Option<Field>; 2],
    history: Option<&'l History>,
}

impl<'l, 'a> Look<'l, 'a> {
    fn judge(self, scope: &Scope, accounts: &'a Batch) -> Judgement {
        let world = self.world;
        let mut judgement = Judgement::default();
        if world.people().is_empty() {
            let why = "there was no input of users or queues to look owners up in";
            judgement.skip_tables(Object::User, scope.owned.iter().map(|it| it.object), why);
            return judgement;
        }
        let Some(of_accounts) = world.policies.boundary.allowed(Object::Account, "owner") else {
            return judgement;
        };
        let changes = self.history.map(|it| it.latest(world, &[&of_accounts], &mut judgement));
        let changes = changes.unwrap_or_default();
        let named = |batch: &'a Batch, owner: &Field| {
            holders(batch, owner, |value, _| Some(Named::by(world, value)))
        };
        let theirs = named(accounts, &of_accounts);
        for (owned, batch) in scope.tables(world, &mut judgement) {
            let Some(fields) = Fields::of(&world.policies.boundary, owned.object) else { continue };
            judgement.look_through(owned.object);
            let mine = named(batch, &owned.owner);
            let mut unclear: BTreeMap<Unclear, Vec<Row<'a>>> = BTreeMap::new();
            for row in batch.reviewed() {
                let owner = row.text(&owned.owner).and_then(|value| mine.get(value));
                if matches!(owner, None | Some(Named::Nobody)) {
                    continue;
                }
                judgement.examined += 1;
                let owner = if let Some(Named::One(person)) = owner { Some(*person) } else { None };
                match self.two(&fields, row, owner, &theirs) {
                    Ok(None) => {}
                    Ok(Some((account, two))) => {
                        let case = Case { look: self, owned, fields: &fields, row, account, two };
                        judgement.findings.extend(case.judge(changes.get(&account.position())));
                    }
                    Err(_) if self.is_at_rest(owned, &fields, row) => {}
                    Err(why) => unclear.entry(why).or_default().push(row),
                }
            }
            for (why, rows) in unclear {
                let why = why.words(rows.len());
                judgement.skip_records(owned.object, rows, &why);
            }
        }
        self.note_unknown_roles(&mut judgement);
        judgement
    }

    /// The account of a record, and both owners where they are not one.
    fn two(
        self,
        fields: &Fields,
        row: Row<'a>,
        owner: Option<&'l Person<'a>>,
        of_accounts: &HashMap<&'a str, Named<'l, 'a>>,
    ) -> Result<Option<(Row<'a>, Two<'l, 'a>)>, Unclear> {
        let whose = |account: Row<'a>| {
            account.text(&fields.account_owner).and_then(|value| of_accounts.get(value))
        };
        let account = match fields.accounts(self.world, row) {
            Accounts::One(account) => account,
            Accounts::None => return Ok(None),
            Accounts::Absent => return Err(Unclear::Absent),
            Accounts::Several(all) => {
                let is_one = |account: &Row<'a>| matches!((whose(*account), owner), (Some(Named::One(it)), Some(owner)) if it.id == owner.id);
                return if all.iter().any(is_one) { Ok(None) } else { Err(Unclear::Several) };
            }
        };
        match (owner, whose(account)) {
            (_, None | Some(Named::Nobody)) => Ok(None),
            (Some(mine), Some(Named::One(theirs))) => {
                let differ = mine.id != theirs.id;
                Ok(differ.then_some((account, Two { mine, theirs })))
            }
            (None, Some(_)) | (Some(_), Some(Named::Unknown)) => Err(Unclear::Unknown),
        }
    }

    /// True for records that nobody works, that may lie where they are, or that are too young.
    fn is_at_rest(self, owned: &Owned, fields: &Fields, row: Row<'a>) -> bool {
        let as_of = self.world.as_of;
        let created = fields.created.as_ref().and_then(|field| row.time(field));
        let young = created
            .filter(|at| !as_of.is_ahead(*at))
            .is_some_and(|at| as_of.hours_since(at) < self.rules.grace_hours.value);
        young
            || owned.is_open(self.world, row) == Some(false)
            || owned.is_nobodys(row)
            || fields.is_by_hand(row)
            || self.rules.except.hold(row)
    }

    /// True where another check finds the record's owner at fault.
    fn is_told_elsewhere(self, row: Row<'a>, person: &Person<'a>) -> bool {
        let owners = &self.world.policies.owners;
        let (role, leave) = (owners.role.as_ref().ok(), owners.on_leave.as_ref().ok());
        self.world.routed().has_fault(self.world, row)
            || role.is_some_and(|rules| rules.finds_fault(row, person))
            || leave.is_some_and(|rules| rules.finds_fault(self.world, row, person))
    }

    /// A role that nobody has is a line that never fits.
    fn note_unknown_roles(self, judgement: &mut Judgement) {
        for pair in &self.rules.pairs {
            for roles in [&pair.owner_roles, &pair.account_roles] {
                for role in &roles.value {
                    let has =
                        |person: &Person<'_>| person.role.is_some_and(|it| fold(it) == fold(role));
                    if !self.world.people().all().any(has) {
                        judgement.not_looked.push(NotLooked::nothing(format!(
                            "rules/{}:{}: nobody has the role `{role}`",
                            Family::Owners.file(),
                            roles.line
                        )));
                    }
                }
            }
        }
    }
}

/// A record whose owner is not the one whom its account's owner asks for.
struct Case<'c, 'a> {
    look: Look<'c, 'a>,
    owned: &'c Owned,
    fields: &'c Fields,
    row: Row<'a>,
    account: Row<'a>,
    two: Two<'c, 'a>,
}

impl<'a> Case<'_, 'a> {
    /// The finding, unless the table has nothing against it, or another check tells it. `changed` is when the
    /// account last came to somebody else.
    fn judge(&self, changed: Option<&Change<'a>>) -> Option<Finding> {
        let Self { look, owned, fields, row, account, two } = *self;
        let split = look.rules.split(owned.object, fields, account, two)?;
        let is_elsewhere = look.is_told_elsewhere(row, two.mine)
            || account.is_under_review() && look.is_told_elsewhere(account, two.theirs);
        let is_meant = look.is_at_rest(owned, fields, row) || stands_in(look.world, two);
        (!is_meant && !is_elsewhere).then(|| self.finding(split, changed))
    }

    fn finding(&self, split: Split<'_>, changed: Option<&Change<'a>>) -> Finding {
        let Self { look, owned, fields, row, account, two } = *self;
        let world = look.world;
        let object = owned.object;
        let (mine, theirs) = (two.mine.shown.as_str(), two.theirs.shown.as_str());
        let called = world.called(account);
        let (proposal, against) = self.proposal(&split, &called);
        let headline = format!(
            "The {object} is {mine}'s and its account {called} {theirs}'s, and the rules want {}",
            match split.pair.owners {
                Agree::OneTeam => "owners of one team",
                Agree::OnePerson | Agree::NotAtAll => "one owner",
            }
        );
        let owners = Evidence::Compared {
            left: row.cell(&owned.owner),
            right: account.cell(&fields.account_owner),
            level: "different owners".to_owned(),
        };
        let tie = fields.link(row).map_or_else(
            || Evidence::Figure {
                of: "the account".to_owned(),
                is: "the only active account with the record's company domain".to_owned(),
            },
            |link| Evidence::Cell(row.cell(link)),
        );
        let mut finding = Finding::about(row.record(), headline, owners, proposal)
            .of_field(&owned.owner)
            .with(account.record())
            .because(tie)
            .because(policy(split.pair.line, split.pair.words()));
        let kind = fields.account_type.as_ref().filter(|field| !account.is_blank(field));
        finding = kind
            .into_iter()
            .fold(finding, |it, kind| it.because(Evidence::Cell(account.cell(kind))));
        for person in [two.mine, two.theirs] {
            for cell in UserFields::cells(person, &look.users.each_ref()) {
                finding = finding.because(cell);
            }
        }
        if let Some((change, history)) = changed.zip(look.history) {
            finding = finding.because(history.evidence(change));
        }
        if let Some(work) = owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        finding = split.missing.into_iter().fold(finding, Finding::lacking);
        finding = owned.with_work(world, row, finding);
        finding = owned.with_life(world, row, None, finding);
        finding.unless_any(against).unless_any(self.doubts(changed))
    }

    /// What is proposed, and what speaks against whoever could be.
    fn proposal(&self, split: &Split<'_>, account: &str) -> (Proposal, Option<String>) {
        let (world, object) = (self.look.world, self.owned.object);
        let person = self.two.theirs;
        let theirs = &person.shown;
        let ask = |question: String| Proposal::ReviewRecord { question };
        if split.pair.owners == Agree::OneTeam {
            let question = format!(
                "Who of the team of {theirs} takes this {object}, or who account {account}?"
            );
            return (ask(question), None);
        }
        let unsure = format!(
            "Who takes both: whoever has this {object}, or {theirs}, who has account {account}?"
        );
        if !split.missing.is_empty() {
            return (ask(unsure), None);
        }
        if let Some(why) = person.unsaid() {
            return (ask(unsure), Some(why));
        }
        if world.routed().has_fault(world, self.account) {
            let why = format!("the routing rules want account {account} with somebody else");
            return (ask(unsure), Some(why));
        }
        if self.look.is_told_elsewhere(self.account, person) {
            let why = format!("{theirs} has a role that does not work accounts, or is away");
            return (ask(unsure), Some(why));
        }
        if let Some(why) = world.routed().objection(world, self.row, person) {
            let question =
                format!("Who takes this {object}? With {theirs} it would be a fault: {why}");
            return (ask(question), None);
        }
        let before = self.row.cell(&self.owned.owner);
        (Proposal::SetOwner { before, to: person.assignee() }, None)
    }

    fn doubts(&self, changed: Option<&Change<'a>>) -> Vec<String> {
        const HANDOVER_DAYS: i64 = 30;
        let theirs = &self.two.theirs.shown;
        let (world, object) = (self.look.world, self.owned.object);
        let mut doubts = Vec::new();
        if let Some(ago) = changed.map(|change| world.as_of.days_since(change.at))
            && ago <= HANDOVER_DAYS
        {
            doubts.push(format!(
                "the account came to {theirs} only {} ago: a handover may be under way",
                days(ago)
            ));
        }
        if self.fields.link(self.row).is_none() {
            doubts.push(format!(
                "only the domain ties this {object} to the account: a partner, a consultant or another \
                 unit may write from it"
            ));
        }
        doubts.extend(doubt(&self.look.rules.except, self.row));
        doubts.extend(self.owned.signs_of_life(world, self.row, None));
        if doubts.is_empty() {
            doubts.push(format!(
                "which of the two is out of date the table does not say: the {object} may be right and the \
                 account old"
            ));
        }
        doubts
    }
}
