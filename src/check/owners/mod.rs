//! The owners family: records that nobody active works.
//!
//! What the checks share is here: the rules, whose records are looked at, what counts as open work,
//! and who could take a record over. One file per check.
//! Does not: guess an owner; only a handover rule or a routing rule names one.

mod idle;
mod inactive_owner;
mod inactive_owner_of_committed_deal;
mod no_owner;
mod on_leave;
mod overloaded_owner;
mod parked_in_queue;
mod passed_around;
mod role_changed;
mod service_owner;
mod split_ownership;
mod succession;

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use crate::boundary::{Batch, Boundary, Cell, Field, Grant, Missing, Object, Row};
use crate::finding::{Evidence, Finding};
use crate::policy::{Said, Section};

use super::condition::Conditions;
use super::forecast;
use super::ladder::{Flags, lists};
use super::leave::Calendar;
use super::lint::List;
use super::people::Person;
use super::routing::is_marked;
use super::settings::{self, days};
use super::{Family, Judgement, Off, Policies, Rulebook, World};

pub(super) use idle::IDLE;
pub(super) use inactive_owner::INACTIVE_OWNER;
pub(super) use inactive_owner_of_committed_deal::INACTIVE_OWNER_OF_COMMITTED_DEAL;
pub(super) use no_owner::NO_OWNER;
pub(super) use on_leave::ON_LEAVE;
pub(super) use overloaded_owner::OVERLOADED_OWNER;
pub(super) use parked_in_queue::PARKED_IN_QUEUE;
pub(super) use passed_around::PASSED_AROUND;
pub(super) use role_changed::ROLE_CHANGED;
pub(super) use service_owner::SERVICE_OWNER;
pub(super) use split_ownership::SPLIT_OWNERSHIP;

/// What the rules say. A check that is off says why.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Account types somebody should work.
    active_account_types: Said<Vec<String>>,
    handover: succession::Handover,
    inactive: Result<inactive_owner::Rules, Off>,
    unowned: Result<no_owner::Rules, Off>,
    parked: Result<parked_in_queue::Rules, Off>,
    service: Result<service_owner::Rules, Off>,
    role: Result<role_changed::Rules, Off>,
    idle: Result<idle::Rules, Off>,
    /// Who is away when, also where OWN-07 is off.
    calendar: Option<Calendar>,
    on_leave: Result<on_leave::Rules, Off>,
    split: Result<split_ownership::Rules, Off>,
    overloaded: Result<overloaded_owner::Rules, Off>,
    passed_around: Result<passed_around::Rules, Off>,
    committed: Result<(), Off>,
    /// Which deals are in a forecast, also where OWN-11 is off.
    forecast: forecast::Rules,
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>, rulebook: &Rulebook, boundary: &Boundary) -> Self {
        let inactive = root.section(INACTIVE_OWNER.name);
        let inactive = inactive.as_ref();
        let on_leave = root.section(ON_LEAVE.name);
        let calendar = on_leave::calendar(on_leave.as_ref(), rulebook);
        let committed = root.section(INACTIVE_OWNER_OF_COMMITTED_DEAL.name);
        let committed = committed.as_ref();
        Self {
            active_account_types: settings::texts(
                inactive,
                "active_account_types",
                &["Customer", "Prospect"],
            ),
            handover: succession::Handover::parse(inactive),
            inactive: inactive_owner::Rules::parse(inactive),
            unowned: no_owner::Rules::parse(root, boundary),
            parked: parked_in_queue::Rules::parse(root),
            service: service_owner::Rules::parse(root, boundary),
            role: role_changed::Rules::parse(root, boundary),
            idle: idle::Rules::parse(root, boundary),
            on_leave: on_leave::Rules::parse(on_leave.as_ref(), calendar.as_ref()),
            calendar,
            split: split_ownership::Rules::parse(root, boundary),
            overloaded: overloaded_owner::Rules::parse(root, boundary),
            passed_around: passed_around::Rules::parse(root),
            forecast: forecast::Rules::parse(committed),
            committed: settings::switched_on(committed, &INACTIVE_OWNER_OF_COMMITTED_DEAL),
        }
    }
}

impl Policy {
    /// Which deals are in a forecast.
    pub(super) fn forecast(&self) -> &forecast::Rules {
        &self.forecast
    }

    /// Who is away when, where the rules name a calendar.
    pub(super) fn calendar(&self) -> Option<&Calendar> {
        self.calendar.as_ref()
    }

    /// The lists in which the first line that fits decides.
    pub(super) fn lists(&self) -> Vec<List> {
        self.idle.as_ref().map(idle::Rules::lists).unwrap_or_default()
    }

    /// Who takes over from whom, as written.
    pub(super) fn handovers(&self) -> &[(Said<String>, Said<String>)] {
        self.handover.people()
    }

    /// Everybody whom the rules name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let handovers = self.handovers().iter().flat_map(|(from, to)| [from, to]);
        let service = self.service.iter().flat_map(|rules| rules.users().each());
        let ramp = self.overloaded.iter().flat_map(overloaded_owner::Rules::names);
        let all = handovers.chain(service).chain(self.queue()).chain(ramp);
        let all = all.map(|said| said.value.as_str());
        all.chain(self.calendar.iter().flat_map(Calendar::names))
    }

    /// True for integrations and administrators whom the rules name.
    pub(super) fn is_service_user(&self, owner: &str, person: &Person<'_>) -> bool {
        let named =
            |rules: &service_owner::Rules| rules.users().names(owner, Some(person)).is_some();
        self.service.as_ref().is_ok_and(named)
    }

    /// The integrations and administrators whom no record is given to, as written.
    pub(super) fn service_users(&self) -> &[Said<String>] {
        self.service.as_ref().map_or(&[], |rules| rules.users().each())
    }

    /// What these checks would find, were a record somebody's.
    pub(super) fn objection<'a>(
        &self,
        world: &World<'a>,
        row: Row<'a>,
        person: &Person<'_>,
    ) -> Option<String> {
        let service = self.service.as_ref().ok().filter(|rules| rules.looks_at(row));
        if service.is_some_and(|rules| rules.users().names(&person.id, Some(person)).is_some()) {
            return Some(format!("{} is a service user", person.shown));
        }
        let on_leave = self.on_leave.as_ref().ok();
        if on_leave.is_some_and(|rules| rules.finds_fault(world, row, person)) {
            return Some(format!("{} is away", person.shown));
        }
        let split = self.split.as_ref().ok();
        if let Some(why) = split.and_then(|rules| rules.objection(world, row, person)) {
            return Some(why);
        }
        let plural = row.object().plural();
        let role = self.role.as_ref().ok().filter(|_| !is_marked(world, row));
        let role = role.filter(|rules| rules.finds_fault(row, person));
        role.map(|_| format!("{} has a role that does not work {plural}", person.shown))
    }

    /// Where records go back to that nobody took over.
    pub(super) fn queue(&self) -> Option<&Said<String>> {
        self.handover.queue.as_ref()
    }
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    settings::quoted(Family::Owners, line, says)
}

/// The counter-evidence where a field that could except the record is blank.
fn doubt(exceptions: &Conditions, row: Row<'_>) -> Option<String> {
    let object = row.object();
    let blank = exceptions.of(object)?.fields().find(|field| row.is_blank(field))?;
    Some(format!("{blank} is blank, and with a value the rules could except this {object}"))
}

/// An object whose records have owners, with the fields by which open work is told from closed.
#[derive(Debug, Clone)]
struct Owned {
    object: Object,
    owner: Field,
    /// The ladder's field; an account's type where that is allowed.
    stage: Option<Field>,
    flags: Flags,
    /// The mark that says that nobody is to work the record.
    do_not_route: Option<Field>,
    modified: Option<Field>,
    last_activity: Option<Field>,
}

impl Owned {
    fn ask(object: Object, grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Missing> {
        let owner = grant.field(object, "owner")?;
        let account_type =
            if object == Object::Account { grant.optional(object, "type") } else { None };
        if account_type.is_none() {
            policies.ladders.ask(object, grant);
        }
        let flag = |of: Object, name: &str, grant: &mut Grant<'_>| {
            if object == of { grant.optional(of, name) } else { None }
        };
        Ok(Self {
            object,
            owner,
            stage: account_type
                .or_else(|| policies.ladders.of(object).map(|ladder| ladder.field.clone())),
            flags: Flags {
                converted: flag(Object::Lead, "converted", grant),
                closed: flag(Object::Deal, "closed", grant),
                won: flag(Object::Deal, "won", grant),
            },
            do_not_route: grant.optional(object, "do_not_route"),
            modified: grant.optional(object, "modified"),
            last_activity: grant.optional(object, "last_activity"),
        })
    }

    /// Why open work cannot be told from closed, where it cannot.
    fn cannot_tell(&self) -> Option<String> {
        if self.stage.is_some() || self.flags.closed.is_some() {
            return None;
        }
        Some(if self.object == Object::Account {
            "neither `account.type` nor a ladder in rules/lifecycle.toml tells open work".to_owned()
        } else {
            format!("no [{}] ladder in rules/lifecycle.toml tells open work", self.object)
        })
    }

    /// True where an account's type tells open work.
    fn works_by_type(&self) -> bool {
        let stage = self.stage.as_ref();
        self.object == Object::Account && stage.is_some_and(|field| field.name() == "type")
    }

    /// Whether somebody should be working the record; `None` when nothing in the record says.
    fn is_open(&self, world: &World<'_>, row: Row<'_>) -> Option<bool> {
        match &self.stage {
            Some(field) if self.works_by_type() => {
                let types = &world.policies.owners.active_account_types;
                row.text(field).map(|value| lists(types, value))
            }
            Some(_) | None => world.policies.ladders.is_open(row, &self.flags),
        }
    }

    /// True for a record that is marked as nobody's to work: it may lie where it is.
    fn is_nobodys(&self, row: Row<'_>) -> bool {
        self.do_not_route.as_ref().and_then(|field| row.flag(field)) == Some(true)
    }

    /// The field that says whether the record is open work, as evidence.
    fn work(&self, row: Row<'_>) -> Option<Cell> {
        let flag = match self.object {
            Object::Deal => self.flags.closed.as_ref(),
            Object::Lead
            | Object::Contact
            | Object::Account
            | Object::User
            | Object::Queue
            | Object::CampaignMember
            | Object::FieldHistory
            | Object::SystemRecord => None,
        };
        self.stage.as_ref().or(flag).map(|field| row.cell(field))
    }

    /// What keeps from knowing that the record is open work.
    fn unsure(&self, world: &World<'_>, row: Row<'_>) -> Option<String> {
        match &self.stage {
            Some(field) if self.works_by_type() => match row.text(field) {
                Some(_) => None,
                None if row.is_withheld(field) => Some(format!("{field} was withheld")),
                None => Some(format!("{field} is blank")),
            },
            Some(_) | None => world.policies.ladders.unsure(row, &self.flags),
        }
    }

    /// Notes what keeps from knowing that the record is open work.
    fn with_work(&self, world: &World<'_>, row: Row<'_>, finding: Finding) -> Finding {
        self.unsure(world, row).into_iter().fold(finding, Finding::lacking)
    }

    /// True when a date in the record could show that somebody works it.
    fn knows_life(&self, row: Row<'_>) -> bool {
        let dates = [&self.modified, &self.last_activity].into_iter().flatten();
        dates.into_iter().any(|field| row.time(field).is_some())
    }

    /// The counter-evidence where somebody seems to work the record all the same.
    fn signs_of_life(
        &self,
        world: &World<'_>,
        row: Row<'_>,
        since: Option<DateTime<Utc>>,
    ) -> Vec<String> {
        self.life(world, row, since).into_iter().map(|(_, words)| words).collect()
    }

    /// Quotes the dates that [`Self::signs_of_life`] speaks of.
    fn with_life(
        &self,
        world: &World<'_>,
        row: Row<'_>,
        since: Option<DateTime<Utc>>,
        finding: Finding,
    ) -> Finding {
        let quoted = self.life(world, row, since).into_iter();
        quoted.fold(finding, |finding, (field, _)| finding.because(Evidence::Cell(row.cell(field))))
    }

    /// Each sign of life, and the field that shows it.
    fn life(
        &self,
        world: &World<'_>,
        row: Row<'_>,
        since: Option<DateTime<Utc>>,
    ) -> Vec<(&Field, String)> {
        const RECENT_DAYS: i64 = 30;
        let mut signs = Vec::new();
        let object = self.object;
        if let Some(field) = &self.last_activity
            && let Some(activity) = row.time(field)
        {
            let ago = world.as_of.days_since(activity);
            if ago < 0 {
                signs.push((
                    field,
                    format!(
                        "the last activity is dated {} ahead: a task is planned on this {object}",
                        days(-ago)
                    ),
                ));
            } else if since.is_some_and(|since| activity > since) {
                signs.push((
                    field,
                    format!(
                        "there was activity on the {object} {} ago, after the owner left: somebody \
                     may be working it",
                        days(ago)
                    ),
                ));
            } else if since.is_none() && ago <= RECENT_DAYS {
                signs.push((
                    field,
                    format!(
                        "there was activity on the {object} {} ago: somebody may be working it",
                        days(ago)
                    ),
                ));
            }
        }
        if let (Some(field), Some(since)) = (&self.modified, since)
            && let Some(modified) = row.told_time(field)
            && modified > since
            && world.as_of.days_since(modified) >= 0
        {
            signs.push((
                field,
                format!(
                    "the {object} was changed {} ago, after the owner left, by a person or by an \
                 integration",
                    days(world.as_of.days_since(modified))
                ),
            ));
        }
        signs
    }
}

/// The objects a check looks at, and why it does not look at others.
#[derive(Debug, Clone)]
struct Scope {
    owned: Vec<Owned>,
    skipped: Vec<(Object, String)>,
}

impl Scope {
    /// Asks for the owner fields. An object without any allowlist is no part of the review.
    fn ask(objects: &[Object], grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Off> {
        let mut scope = Self { owned: Vec::new(), skipped: Vec::new() };
        let mut refused = Vec::new();
        for object in objects {
            match Owned::ask(*object, grant, policies) {
                Ok(owned) => scope.owned.push(owned),
                Err(missing) => {
                    if grant.lists(*object) {
                        scope.skipped.push((*object, missing.to_string()));
                    }
                    refused.push(missing.into());
                }
            }
        }
        match Off::foremost(refused, grant) {
            Some(why) if scope.owned.is_empty() => Err(why),
            Some(_) | None => Ok(scope),
        }
    }

    /// Leaves out the objects for which nothing tells open work from closed.
    fn where_work_is_known(mut self) -> Self {
        let skipped = &mut self.skipped;
        self.owned.retain(|owned| {
            let why = owned.cannot_tell();
            let known = why.is_none();
            skipped.extend(why.map(|why| (owned.object, why)));
            known
        });
        self
    }

    /// The tables to look at; what is not there is noted.
    fn tables<'s, 'a>(
        &'s self,
        world: &World<'a>,
        judgement: &mut Judgement,
    ) -> Vec<(&'s Owned, &'a Batch)> {
        for (object, why) in &self.skipped {
            judgement.skip(*object, why);
        }
        let mut tables = Vec::new();
        for owned in &self.owned {
            match world.batch(owned.object) {
                None => judgement.skip(owned.object, "there is no input"),
                Some(batch) if !batch.has(&owned.owner) => {
                    judgement.skip(owned.object, "the input has no owner column");
                }
                Some(batch) => tables.push((owned, batch)),
            }
        }
        tables
    }
}

/// What an owner column's values lead to, each value judged once. The map is only looked up in.
fn holders<'a, T>(
    batch: &'a Batch,
    owner: &Field,
    judge: impl Fn(&'a str, usize) -> Option<T>,
) -> HashMap<&'a str, T> {
    batch
        .count_by(owner)
        .into_iter()
        .filter_map(|(value, count)| judge(value, count).map(|holder| (value, holder)))
        .collect()
}

/// The fields by which evidence describes an owner.
#[derive(Debug, Clone)]
struct UserFields {
    active: Option<Field>,
    deactivated: Option<Field>,
    last_login: Option<Field>,
    role: Option<Field>,
    manager: Option<Field>,
}

impl UserFields {
    /// Asks for the fields by which people are known.
    fn ask(grant: &mut Grant<'_>) -> Result<Self, Missing> {
        super::people::ask(grant)?;
        let mut field = |name: &str| grant.optional(Object::User, name);
        Ok(Self {
            active: field("active"),
            deactivated: field("deactivated"),
            last_login: field("last_login"),
            role: field("role"),
            manager: field("manager"),
        })
    }

    /// A user's own cells, as far as they are allowed and filled.
    fn cells(person: &Person<'_>, fields: &[&Option<Field>]) -> Vec<Evidence> {
        let Some(row) = person.row.filter(|row| row.object() == Object::User) else {
            return Vec::new();
        };
        fields
            .iter()
            .filter_map(|field| field.as_ref())
            .filter(|field| !row.is_blank(field))
            .map(|field| Evidence::Cell(row.cell(field)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{Document, Log};

    const BOUNDARY: &str = "[lead.fields]\n\
        id = { from = \"Id\", why = \"Names the record.\" }\n\
        owner = { from = \"OwnerId\", why = \"Finds who works it.\" }\n\
        status = { from = \"Status\", why = \"Tells open work.\" }\n";

    const LEAVE: &str = "owner,from,to,backup,reason\n\
        Ann Ng,2026-02-20,2026-03-08,Bo Li,ill\n\
        Bo Li,2026-02-20 PM,2026-02-20,,\n\
        Cat Wu,2026-03-08,2026-03-01,,\n\
        ,2026-03-01,2026-03-08,,\n";

    /// What is wrong with an `owners.toml`, beside a calendar of leave.
    fn problems(text: &str) -> String {
        let log = Log::default();
        let boundary =
            Boundary::parse(&Document::parse("rules/boundary.toml", BOUNDARY, &log), &log);
        let files = [("owners.toml", text), ("leave.csv", LEAVE)];
        let files = BTreeMap::from(files.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let rulebook = Rulebook::parse(&files, &log);
        let policy = Policy::parse(&rulebook.root(Family::Owners, &log), &rulebook, &boundary);
        log.finish(policy).map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn the_rules_as_shipped_are_understood() {
        assert_eq!(problems(Family::Owners.shipped()), "");
    }

    #[test]
    fn every_fault_in_the_rules_is_named_with_its_line() {
        let found = problems(
            "[inactive-owner]\n\
             objects = [\"lead\", \"opportunity\"]\n\
             handover = { \"Ann Ng\" = \"\" }\n\
             [no-owner]\n\
             unowned_ok = { lead = { stage = \"New\" }, leed = {} }\n\
             [[idle.segment]]\n\
             change_days = 90\n\
             [inactive-owner-of-committed-deal]\n\
             fiscal_year_starts = 13\n\
             [parked-in-queue]\n\
             limits = { Inbound = \"soon\" }\n\
             [owner-on-leave]\n\
             calendar = \"leave.csv\"\n\
             [[split-ownership.pair]]\n\
             objects = [\"deal\"]\n\
             account_roles = [\"AE\"]\n\
             owners = \"one\"\n\
             [[split-ownership.pair]]\n\
             account_roles = [\"AE\", \"SDR\"]\n\
             owners = \"may-differ\"\n\
             [[split-ownership.pair]]\n\
             objects = [\"lead\"]\n\
             account_roles = [\"AE\"]\n\
             owners = \"same\"\n\
             [[split-ownership.pair]]\n\
             role = \"AE\"\n\
             [overloaded-owner]\n\
             managers_of = [\"user\"]\n\
             ramp = { \"Cy Ox\" = \"soon\" }\n\
             [[overloaded-owner.cap]]\n\
             open = 0\n\
             [[overloaded-owner.cap]]\n\
             roles = [\"SDR\"]\n\
             open = 20\n\
             [[overloaded-owner.cap]]\n\
             objects = [\"lead\"]\n",
        );
        for expected in [
            "owners.toml:2: `opportunity` is not a table under review",
            "owners.toml:3: `Ann Ng` is handed over to nobody",
            "owners.toml:5: `lead.stage` is not in rules/boundary.toml",
            "owners.toml:5: unknown key `no-owner.unowned_ok.leed`",
            "owners.toml:6: `object` is missing in [idle.segment]",
            "owners.toml:9: `fiscal_year_starts` is 13, which is no month",
            "leave.csv:1: `reason` does not belong into a calendar of leave",
            "leave.csv:3: `from` and `to` are no days",
            "leave.csv:4: the leave ends before it begins",
            "leave.csv:5: `owner` is blank",
            "owners.toml:15: `deal` cannot be looked at here\n  hint: one of lead, contact",
            "owners.toml:17: `one` is",
            "owners.toml:21: the pair on line 18 decides all that this one could\n  \
             hint: the first that fits counts: put the narrower one first",
            "owners.toml:25: `owners` is missing in [split-ownership.pair]",
            "owners.toml:26: unknown key `split-ownership.pair.role`",
            "owners.toml:11: `parked-in-queue.limits.Inbound` is a text, and a number is needed",
            "owners.toml:28: `user` is not a table under review",
            "owners.toml:29: `overloaded-owner.ramp.Cy Ox` is",
            "owners.toml:31: `open` is at least 1",
            "owners.toml:32: the cap on line 30 decides all that this one could\n  \
             hint: the first that fits counts: put the narrower one first",
            "owners.toml:35: `open` is missing in [overloaded-owner.cap]",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }
}
