//! LIF-01: the stage says customer, and no won deal says so.
//!
//! Does not: know sales made outside the CRM, unless a `billed` flag tells of them.

use chrono::{DateTime, Utc};

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::check::condition::Conditions;
use crate::check::deals::DealState;
use crate::check::imports::Imports;
use crate::check::ladder::{Ladder, lists};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Said;

use super::links::{DealFields, Links};
use super::{FILE, Settings, counted, on_ladder, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-01",
    name: "customer-without-won-deal",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A contact or account stands in a customer stage, no deal of its own or of its company \
              is won, and the `billed` flag, where there is one, does not say that it is billed.",
    consequence: "Customer counts and churn are wrong, and a prospect gets customer mail while \
                  nobody sells to them.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    objects: Vec<Object>,
    billed: Vec<Field>,
    billed_line: usize,
    min_coverage: Said<f64>,
    except: Conditions,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, boundary: &Boundary) -> Self {
        let possible = [Object::Contact, Object::Account];
        let objects = settings.objects(&possible, &possible);
        let mut billed = Vec::new();
        let mut billed_line = 0;
        if let Some(section) = &settings.section
            && let Some(name) = section.text("billed")
        {
            billed_line = name.line;
            billed.extend(possible.iter().filter_map(|object| boundary.allowed(*object, &name)));
            if billed.is_empty() {
                section.problem_with_hint(
                    name.line,
                    format!("neither contacts nor accounts have a field `{}`", name.value),
                    "`billed` names a flag field of rules/boundary.toml",
                );
            }
        }
        Self {
            on: settings.on(),
            objects,
            billed,
            billed_line,
            min_coverage: settings.number("min_coverage", 0.5),
            except: settings.conditions("except", boundary),
        }
    }
}

/// The fields it reads.
#[derive(Clone)]
pub(super) struct Asked {
    deals: DealFields,
    created: Vec<Field>,
    entered: Vec<Field>,
    parent: Option<Field>,
}

impl Asked {
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Off> {
        let rule = &policies.lifecycle.customer_without_won_deal;
        if !rule.on {
            return Err(CHECK.off_in_rules());
        }
        if rule.objects.iter().all(|object| policies.ladders.of(*object).is_none()) {
            let write = "add [contact] or [account] with `field`, `order` and `customer`";
            return Err(Off::NoPolicy { file: FILE, write });
        }
        let (mut created, mut entered) = (Vec::new(), Vec::new());
        for object in &rule.objects {
            policies.ladders.ask(*object, grant);
            created.extend(grant.optional(*object, "created"));
            entered.extend(grant.optional(*object, "stage_changed"));
        }
        for field in &rule.billed {
            grant.reads(field);
        }
        rule.except.ask(&Object::REVIEWED, grant);
        Ok(Self {
            deals: DealFields::ask(grant, &policies.ladders)?,
            created,
            entered,
            parent: grant.optional(Object::Account, "parent"),
        })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let asked = Asked::ask(grant, policies)?;
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let claims = Claims::of(world, asked);
    for object in &claims.rule.objects {
        let Some((batch, ladder)) = staged(world, *object, &mut judgement) else { continue };
        if !claims.can_judge(*object, ladder, &mut judgement) {
            continue;
        }
        judgement.look_through(*object);
        let customers: Vec<Row<'_>> =
            batch.reviewed().filter(|row| claims.says_customer(ladder, *row)).collect();
        judgement.examined += customers.len();
        let unproven: Vec<Row<'_>> =
            customers.into_iter().filter(|row| claims.is_unproven(*row)).collect();
        let (hidden, unproven): (Vec<_>, Vec<_>) =
            unproven.into_iter().partition(|row| claims.links.are_hidden(*row));
        Links::leave_hidden(*object, hidden, &mut judgement);
        let created = asked.created.iter().find(|field| field.object() == *object);
        let imports = Imports::around(batch, created, world.as_of.zone, unproven.iter().copied());
        let oldest = if unproven.is_empty() { None } else { claims.links.oldest_deal() };
        for row in unproven {
            let story = Story { created, imports: &imports, oldest };
            judgement.findings.push(claims.finding(ladder, row, &story));
        }
    }
    judgement
}

/// What may explain a customer without a won deal.
struct Story<'s> {
    created: Option<&'s Field>,
    imports: &'s Imports,
    oldest: Option<DateTime<Utc>>,
}

/// What is known of the records that say customer.
pub(super) struct Claims<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    links: Links<'w, 'a>,
}

impl<'w, 'a> Claims<'w, 'a> {
    pub(super) fn of(world: &'w World<'a>, asked: &'w Asked) -> Self {
        Self {
            world,
            asked,
            rule: &world.policies.lifecycle.customer_without_won_deal,
            links: Links::of(world, &asked.deals),
        }
    }

    /// True when an object's stages and links allow a judgement. Otherwise says why not.
    fn can_judge(&self, object: Object, ladder: &Ladder, judgement: &mut Judgement) -> bool {
        if ladder.customer.is_empty() {
            judgement.skip(object, "their ladder has no `customer` stage");
            return false;
        }
        self.links.cover(object, self.rule.min_coverage.value, judgement)
    }

    /// True when the stage says customer and nobody takes the record out.
    fn says_customer(&self, ladder: &Ladder, row: Row<'_>) -> bool {
        row.text(&ladder.field).is_some_and(|stage| lists(&ladder.customer, stage))
            && !self.rule.except.hold(row)
    }

    /// True when neither a won deal nor the billing flag bears the stage out.
    fn is_unproven(&self, row: Row<'a>) -> bool {
        self.billed(row).1 != Some(true)
            && !self.links.deals(row).any(|deal| self.links.state(deal) == Some(DealState::Won))
    }

    /// True when the check finds something about the record.
    pub(super) fn finds(&self, row: Row<'a>) -> bool {
        let object = row.object();
        let ladder = self.world.policies.ladders.of(object);
        ladder.is_some_and(|ladder| {
            self.rule.objects.contains(&object)
                && self.says_customer(ladder, row)
                && self.can_judge(object, ladder, &mut Judgement::default())
                && self.is_unproven(row)
                && !self.links.are_hidden(row)
        })
    }

    /// Whether the record, or a contact's company, is billed, and where it says so.
    fn billed(&self, row: Row<'a>) -> (Option<(Row<'a>, &'w Field)>, Option<bool>) {
        let accounts = self.world.batch(Object::Account);
        let company = |id| accounts.and_then(|accounts| accounts.find(id));
        let companies = self.asked.deals.companies(row).filter_map(company);
        let mut said = (None, None);
        for of in std::iter::once(row).chain(companies) {
            let Some(field) = self.rule.billed.iter().find(|field| field.object() == of.object())
            else {
                continue;
            };
            let flag = of.flag(field);
            // What a flag says is quoted, and a blank one only where none says anything.
            if said.0.is_none() || flag.is_some() {
                said = (Some((of, field)), flag);
            }
            if flag == Some(true) {
                break;
            }
        }
        said
    }

    fn finding(&self, ladder: &Ladder, row: Row<'a>, story: &Story<'_>) -> Finding {
        let deals = self.links.each(row);
        let stage = row.cell(&ladder.field);
        let whose = if row.object() == Object::Contact { "it or its company" } else { "it" };
        let subject = format!("{} is {}", self.world.titled(row), said(row, &ladder.field));
        let headline = match deals.as_slice() {
            [] => format!("{subject} and no deal names {whose}"),
            [deal] => match self.links.state(*deal) {
                Some(DealState::Open) => format!("{subject} and its one deal is still open"),
                Some(DealState::Lost) => format!("{subject} and its one deal is lost"),
                Some(DealState::Won) | None => {
                    format!("{subject} and its one deal is not known to be won")
                }
            },
            deals => format!("{subject} and none of its {} deals is won", deals.len()),
        };
        let mut finding = Finding::about(
            row.record(),
            headline,
            Evidence::Cell(stage.clone()),
            Proposal::CorrectLifecycle { before: stage, to: None },
        );
        let dates = self.asked.entered.iter().chain(story.created);
        for field in dates.filter(|field| field.object() == row.object()) {
            finding = finding.because(Evidence::Cell(row.cell(field)));
        }
        finding = self.asked.deals.quote_all(finding, &deals);
        finding = finding
            .because(on_ladder(ladder, format!("customer = {}", ladder.customer.join(", "))))
            .because(Evidence::Figure {
                of: "deals linked".to_owned(),
                is: self.links.figure(row.object()),
            });
        if let Some(unknown) = self.asked.deals.company_unknown(self.world, row) {
            finding = finding.lacking(unknown);
        }
        for deal in &deals {
            if self.links.state(*deal).is_none() {
                finding = finding.lacking(format!("nothing says how deal {} stands", deal.id()));
            }
        }
        self.doubts(row, story, self.billing(row, finding))
    }

    /// What the billing flag says, or that there is none.
    fn billing(&self, row: Row<'a>, finding: Finding) -> Finding {
        let of_company = self.rule.billed.iter().find(|field| field.object() == Object::Account);
        let has_company = self.asked.deals.companies(row).next().is_some();
        let finding = match of_company {
            Some(field) if has_company && self.world.batch(Object::Account).is_none() => finding
                .lacking(format!(
                    "there is no input of accounts, whose {field} may say that it is billed"
                )),
            Some(_) | None => finding,
        };
        match self.billed(row) {
            (Some((of, field)), flag) => {
                let finding = finding
                    .because(Evidence::Cell(of.cell(field)))
                    .because(policy(self.rule.billed_line, format!("billed = {}", field.name())));
                if flag.is_none() {
                    finding.lacking(format!("{field} is blank"))
                } else {
                    finding.unless("the billing flag may lag behind a sale of these days")
                }
            }
            (None, _) => finding.unless(
                "no field says whether it is billed elsewhere: self-service and partner sales \
                 leave no deal",
            ),
        }
    }

    fn doubts(&self, row: Row<'a>, story: &Story<'_>, mut finding: Finding) -> Finding {
        let created = time(row, story.created);
        if let (Some(created), Some(oldest)) = (created, story.oldest)
            && created < oldest
        {
            finding = finding.unless(format!(
                "it was created before the oldest deal of this input ({}): the sale may be older \
                 than the deals",
                oldest.with_timezone(&self.world.as_of.zone).format("%F")
            ));
        }
        if let Some(size) = story.imports.size(row) {
            finding = finding.unless(format!(
                "it was created in the same minute as {} others: an import may have set the stage",
                size - 1
            ));
        }
        if let Some((parent, deal)) = self.won_by_parent(row) {
            finding = finding.unless(format!(
                "its parent account {} has the won deal {}: it may be served under that contract",
                parent.id(),
                deal.id()
            ));
        }
        if self.links.won_unlinked > 0 {
            let unlinked = counted(self.links.won_unlinked, "won deal leads", "won deals lead");
            finding = finding.unless(format!("{unlinked} to no record here: one may be its own"));
        }
        if finding.doubts.is_empty() {
            finding = finding.unless("the won deal may lie in another CRM or an older one");
        }
        finding
    }

    fn won_by_parent(&self, row: Row<'a>) -> Option<(Row<'a>, Row<'a>)> {
        let accounts = self.world.batch(Object::Account)?;
        let parent_field = self.asked.parent.as_ref()?;
        let itself = Some(row).filter(|row| row.object() == Object::Account);
        let companies = self.asked.deals.companies(row).filter_map(|id| accounts.find(id));
        companies.chain(itself).find_map(|account| {
            let parent = accounts.find(account.text(parent_field)?)?;
            let deals = self.links.deals(parent);
            let won = deals.filter(|deal| self.links.state(*deal) == Some(DealState::Won));
            Some((parent, won.min_by_key(|deal| deal.id())?))
        })
    }
}
