//! OWN-01: the owner of open work is inactive.
//!
//! Does not: speak of deals that are forecast for this quarter while OWN-11 does, or of owners that
//! no input names.

use hashbrown::HashMap;

use crate::boundary::{Batch, Field, Grant, Object, Row, Shown};
use crate::finding::{Evidence, Finding, Proposal, Reach, Severity};
use crate::policy::Section;

use super::super::deals::DealState;
use super::super::forecast::Forecast;
use super::super::people::{Found, People, Person, Standing};
use super::super::{
    About, CheckDef, Family, Judge, Judgement, Off, Policies, World, deals, people,
};
use super::inactive_owner_of_committed_deal as committed;
use super::succession::{self, Succession};
use super::{Owned, Scope, UserFields, days, holders, policy, settings};

/// OWN-01.
pub(in super::super) const INACTIVE_OWNER: CheckDef = CheckDef {
    code: "OWN-01",
    name: "inactive-owner",
    family: Family::Owners,
    severity: Severity::High,
    about: About::OneRecord,
    summary: "The owner is an inactive or archived user and the record is open work: a lead that is \
              neither converted nor closed, a contact or deal in an open stage, an account of a type \
              that somebody should work. Deals forecast for this fiscal quarter are OWN-11.",
    consequence: "Nobody calls this customer: mails and tasks go to somebody who left.",
    load,
};

/// The settings.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    objects: Vec<Object>,
}

impl Rules {
    pub(super) fn parse(section: Option<&Section<'_>>) -> Result<Self, Off> {
        let rules = Self { objects: settings::objects(section, &Object::REVIEWED) };
        settings::switched_on(section, &INACTIVE_OWNER)?;
        Ok(rules)
    }
}

/// An owner who cannot work records any more.
#[derive(Debug, Clone)]
pub(super) struct Departed<'p, 'a> {
    /// The user, where it is one.
    pub(super) person: Option<&'p Person<'a>>,
    /// Why it is not sure that this is the owner, or that the owner is inactive.
    unsure: Option<String>,
    /// How many records of the object the owner has.
    records: usize,
}

impl<'p, 'a> Departed<'p, 'a> {
    /// The owner an owner column names, if they are inactive.
    pub(super) fn of(people: &'p People<'a>, value: &str, records: usize) -> Option<Self> {
        match people.find(value) {
            Found::One(person) => match person.standing {
                Standing::Inactive => Some(Self { person: Some(person), unsure: None, records }),
                Standing::Active | Standing::Unsaid if people::is_marked(value) => Some(Self {
                    person: None,
                    unsure: Some(
                        "the record marks its owner as deactivated, and a user of that name is \
                         not: which of them is right is not known"
                            .to_owned(),
                    ),
                    records,
                }),
                Standing::Active | Standing::Unsaid | Standing::Queue => None,
            },
            Found::Several => {
                let namesakes: Vec<_> = people.named(value).collect();
                let all_left = namesakes.iter().all(|person| person.standing == Standing::Inactive);
                all_left.then(|| Self {
                    person: None,
                    unsure: Some(format!(
                        "{} users have the owner's name, all of them inactive: which of them owns \
                         the record is not known",
                        namesakes.len()
                    )),
                    records,
                })
            }
            Found::Nobody => None,
        }
    }
}

/// The owners of a table who are inactive, by the value of the owner column.
pub(super) fn departed<'p, 'a>(
    people: &'p People<'a>,
    batch: &'a Batch,
    owner: &Field,
) -> HashMap<&'a str, Departed<'p, 'a>> {
    holders(batch, owner, |value, count| Departed::of(people, value, count))
}

/// Owners of a table of whom nobody knows whether they are inactive, by the value of the owner column.
pub(super) fn unknown<'a>(
    people: &People<'_>,
    batch: &'a Batch,
    owner: &Field,
) -> HashMap<&'a str, Unknown> {
    let is_unsaid = |person: &Person<'_>| person.standing == Standing::Unsaid;
    holders(batch, owner, |value, _| match people.find(value) {
        Found::One(person) => is_unsaid(person).then_some(Unknown::State),
        Found::Several => people.named(value).any(is_unsaid).then_some(Unknown::State),
        Found::Nobody => Some(Unknown::Person),
    })
}

/// What is not known of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Whether they are active.
    State,
    /// Who they are: no input names them.
    Person,
}

/// Why records of owners whom no input names were not judged.
pub(super) const IN_NO_INPUT: &str =
    "some owners are in no input, inactive ones perhaps, so their records were not judged";

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.owners.inactive.clone()?;
    let scope = Scope::ask(&rules.objects, grant, policies)?.where_work_is_known();
    succession::ask(&scope, grant, policies);
    // Without users, owners whom the CRM marks as deactivated in the record itself are still known.
    let users = UserFields::ask(grant).ok();
    let forecast = committed::ask(grant, policies);
    if scope.owned.iter().any(|owned| owned.object == Object::Account) {
        deals::ask(grant, &policies.ladders);
    }
    Ok(Box::new(move |world| judge(&scope, users.as_ref(), forecast.as_ref(), world)))
}

fn judge(
    scope: &Scope,
    users: Option<&UserFields>,
    forecast: Option<&Forecast>,
    world: &World<'_>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let people = world.people();
    let mut left_out = Vec::new();
    for (owned, batch) in scope.tables(world, &mut judgement) {
        let departed = departed(people, batch, &owned.owner);
        let unknown = unknown(people, batch, &owned.owner);
        for row in batch.reviewed() {
            judgement.examined += usize::from(!people.is_empty());
            let Some(value) = row.text(&owned.owner) else { continue };
            let Some(owner) = departed.get(value) else {
                left_out.extend(unknown.get(value).map(|unknown| (*unknown, row)));
                continue;
            };
            let open = owned.is_open(world, row);
            let elsewhere = forecast.is_some_and(|rule| rule.quarter_of(world, row).is_some());
            if open == Some(false) || elsewhere {
                continue;
            }
            let case = Case { world, owned, users, row, owner, forecast };
            judgement.findings.push(case.finding());
        }
    }
    note_unknown(scope, people, &left_out, &mut judgement);
    judgement
}

/// Owners whose state nobody wrote down, and those whom no input names, were not judged, nor were their
/// records.
fn note_unknown(
    scope: &Scope,
    people: &People<'_>,
    left_out: &[(Unknown, Row<'_>)],
    judgement: &mut Judgement,
) {
    let of = |unknown: Unknown| {
        left_out.iter().filter(move |(why, _)| *why == unknown).map(|(_, row)| *row)
    };
    let unsaid = people.all().filter(|person| person.standing == Standing::Unsaid).count();
    if people.all().all(|person| person.row.is_none()) {
        judgement.skip_tables(
            Object::User,
            scope.owned.iter().map(|owned| owned.object),
            "no input says who is active; only owners marked as deactivated in a record are known",
        );
        return;
    }
    if unsaid > 0 {
        let why = format!("no state is known of {unsaid}, so their records were not judged");
        judgement.skip_records(Object::User, of(Unknown::State), &why);
    }
    if of(Unknown::Person).next().is_some() {
        judgement.skip_records(Object::User, of(Unknown::Person), IN_NO_INPUT);
    }
}

/// One record of an owner who left.
pub(super) struct Case<'c, 'a> {
    pub(super) world: &'c World<'a>,
    pub(super) owned: &'c Owned,
    pub(super) users: Option<&'c UserFields>,
    pub(super) row: Row<'a>,
    pub(super) owner: &'c Departed<'c, 'a>,
    pub(super) forecast: Option<&'c Forecast>,
}

impl Case<'_, '_> {
    fn finding(&self) -> Finding {
        let owned = self.owned;
        let object = owned.object;
        let left = self.left();
        let headline = match owned.work(self.row) {
            Some(work) if *work.shown() == Shown::Blank => {
                format!("{left} and the {object} may be open ({} is blank)", work.field())
            }
            Some(work) if owned.unsure(self.world, self.row).is_some() => {
                format!("{left} and the {object} may be open ({})", work.shown())
            }
            Some(work) => format!("{left} and the {object} is still open ({})", work.shown()),
            None => format!("{left} and the {object} is still open"),
        };
        let mut succession = Succession::of(self.world, self.row, self.owner.person);
        let back = succession.way_back(self.world, self.row, &owned.owner);
        let proposal = succession.proposal(self.row, &owned.owner, || back);
        let finding = self.described(headline, proposal);
        let finding = match object {
            Object::Deal => self.forecast(finding.unless(
                "a compensation plan may still credit the former owner with this open deal",
            )),
            Object::Account => self.deals_of_account(finding),
            Object::Lead
            | Object::Contact
            | Object::User
            | Object::Queue
            | Object::CampaignMember
            | Object::FieldHistory
            | Object::SystemRecord => finding,
        };
        succession.explain(finding)
    }

    /// The owner and when they left, as a headline begins.
    pub(super) fn left(&self) -> String {
        match self.owner.person {
            Some(person) => format!("Owner {} {}", person.shown, person.gone(self.world.as_of)),
            None => format!("Owner {} is inactive", self.row.cell(&self.owned.owner).shown()),
        }
    }

    /// A finding with everything known about the owner and the open work.
    pub(super) fn described(&self, headline: String, proposal: Proposal) -> Finding {
        let (row, owned, departed) = (self.row, self.owned, self.owner);
        let fact = Evidence::Cell(row.cell(&owned.owner));
        let mut finding =
            Finding::about(row.record(), headline, fact, proposal).of_field(&owned.owner);
        if let (Some(person), Some(users)) = (departed.person, self.users) {
            let fields = [&users.active, &users.deactivated, &users.last_login, &users.manager];
            for cell in UserFields::cells(person, &fields) {
                finding = finding.because(cell);
            }
        }
        if let Some(work) = owned.work(row) {
            finding = finding.because(Evidence::Cell(work));
        }
        if owned.works_by_type() {
            let types = &self.world.policies.owners.active_account_types;
            let says = format!("account types that somebody should work: {}", types.join(", "));
            finding = finding.because(policy(types.line, says));
        }
        finding = finding.because(Evidence::Figure {
            of: format!("{} with this owner in the input", owned.object.plural()),
            is: departed.records.to_string(),
        });
        if let Some(unsure) = &departed.unsure {
            finding = finding.lacking(unsure);
        }
        finding = owned.with_work(self.world, row, finding);
        let left = departed.person.and_then(|person| person.deactivated);
        finding = owned.with_life(self.world, row, left, finding);
        finding.unless_any(self.doubts())
    }

    fn doubts(&self) -> Vec<String> {
        const LOGIN_DAYS: i64 = 14;
        const HANDOVER_DAYS: i64 = 7;
        let as_of = &self.world.as_of;
        let person = self.owner.person;
        let deactivated = person.and_then(|person| person.deactivated);
        let mut doubts = Vec::new();
        if let Some(login) = person.and_then(|person| person.last_login) {
            let ago = as_of.days_since(login);
            if deactivated.is_some_and(|left| login > left) {
                doubts.push(format!(
                    "the owner logged in {} ago, after the deactivation: they may have been \
                     switched on again",
                    days(ago)
                ));
            } else if (0..=LOGIN_DAYS).contains(&ago) {
                doubts.push(format!(
                    "the owner logged in {} ago: they may be frozen for a while, not gone",
                    days(ago)
                ));
            }
        }
        match deactivated.map(|left| as_of.days_since(left)) {
            Some(ago @ 0..=HANDOVER_DAYS) => doubts.push(format!(
                "the owner left only {} ago: a handover may be under way",
                days(ago)
            )),
            Some(ago) if ago < 0 => doubts.push(format!(
                "the deactivation is dated {} ahead: the owner may still be at work",
                days(-ago)
            )),
            Some(_) => {}
            None => doubts.push(
                "no date says when the owner left: the state may be older or newer than the record"
                    .to_owned(),
            ),
        }
        let signs = self.owned.signs_of_life(self.world, self.row, deactivated);
        if signs.is_empty() && doubts.is_empty() {
            let object = self.owned.object;
            doubts.push(if self.owned.knows_life(self.row) {
                format!(
                    "nothing happened on the {object} since the owner left: if it is dead, closing \
                     it is right and a new owner is not"
                )
            } else {
                format!("nothing read here says whether somebody works the {object} meanwhile")
            });
        }
        doubts.extend(signs);
        doubts
    }

    /// A deal that somebody reports on and that has no close date may be in this quarter's forecast.
    fn forecast(&self, finding: Finding) -> Finding {
        match self.forecast.and_then(|rule| rule.undated(self.row)) {
            Some(category) => {
                let doubt = format!(
                    "the deal's forecast category is {} and it has no close date: it may be part \
                     of this quarter's forecast",
                    category.shown()
                );
                finding.because(Evidence::Cell(category)).reaching(Reach::Forecast).unless(doubt)
            }
            None => finding,
        }
    }

    /// An account without open deals may be history that keeps its owner for the credit.
    fn deals_of_account(&self, finding: Finding) -> Finding {
        if self.world.batch(Object::Deal).is_none() {
            return finding;
        }
        let deals = self.world.deals();
        let all = deals.of_account(self.row.id());
        let open = all
            .iter()
            .filter(|deal| deals.state(self.world, **deal) == Some(DealState::Open))
            .count();
        let finding = finding.because(Evidence::Figure {
            of: "open deals of this account".to_owned(),
            is: format!("{open} of {}", all.len()),
        });
        if open == 0 {
            finding
                .unless("the account has no open deal: it may keep its last owner for the record")
        } else {
            finding
        }
    }
}
