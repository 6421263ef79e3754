//! LIF-04: the stage says there is an open deal, and there is none.
//!
//! Does not: judge records with a won deal; what is wrong with their stage is another check's.

use crate::boundary::{Boundary, Field, Grant, Object, Row};
use crate::check::condition::Conditions;
use crate::check::deals::DealState;
use crate::check::ladder::{Ladder, lists, same};
use crate::check::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World};
use crate::finding::{Evidence, Finding, Proposal, Severity};
use crate::policy::Said;

use super::links::{DealFields, Links};
use super::{FILE, Settings, counted, days, on_ladder, policy, said, staged, time};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "LIF-04",
    name: "opportunity-without-deal",
    family: Family::Lifecycle,
    severity: Severity::Medium,
    about: About::OneRecord,
    summary: "A contact or account stands in an opportunity stage, all deals of its own and of its \
              company are lost or there are none, and that has been so for more than `after_days`.",
    consequence: "Nobody nurtures a person who is thought to be in a deal, and the funnel's \
                  conversion is wrong.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    on: bool,
    objects: Vec<Object>,
    after_days: Said<u32>,
    min_coverage: Said<f64>,
    except: Conditions,
}

impl Rule {
    pub(super) fn parse(settings: &Settings<'_>, boundary: &Boundary) -> Self {
        let possible = [Object::Contact, Object::Account];
        Self {
            on: settings.on(),
            objects: settings.objects(&possible, &possible),
            after_days: settings.count("after_days", 30),
            min_coverage: settings.number("min_coverage", 0.5),
            except: settings.conditions("except", boundary),
        }
    }
}

/// The fields it reads.
pub(super) struct Asked {
    deals: DealFields,
    entered: Vec<Field>,
    created: Vec<Field>,
}

impl Asked {
    pub(super) fn ask(grant: &mut Grant<'_>, policies: &Policies) -> Result<Self, Off> {
        let rule = &policies.lifecycle.opportunity_without_deal;
        if !rule.on {
            return Err(CHECK.off_in_rules());
        }
        if rule.objects.iter().all(|object| policies.ladders.of(*object).is_none()) {
            let write = "add [contact] or [account] with `field`, `order` and `opportunity`";
            return Err(Off::NoPolicy { file: FILE, write });
        }
        let (mut entered, mut created) = (Vec::new(), Vec::new());
        for object in &rule.objects {
            policies.ladders.ask(*object, grant);
            entered.extend(grant.optional(*object, "stage_changed"));
            created.extend(grant.optional(*object, "created"));
        }
        rule.except.ask(&Object::REVIEWED, grant);
        Ok(Self { deals: DealFields::ask(grant, &policies.ladders)?, entered, created })
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let asked = Asked::ask(grant, policies)?;
    Ok(Box::new(move |world| judge(world, &asked)))
}

fn judge(world: &World<'_>, asked: &Asked) -> Judgement {
    let mut judgement = Judgement::default();
    let opportunities = Opportunities::of(world, asked);
    for object in &opportunities.rule.objects {
        let Some((batch, ladder)) = staged(world, *object, &mut judgement) else { continue };
        if !opportunities.can_judge(*object, ladder, &mut judgement) {
            continue;
        }
        judgement.look_through(*object);
        let mut hidden = Vec::new();
        for row in batch.reviewed().filter(|row| opportunities.says_opportunity(ladder, *row)) {
            judgement.examined += 1;
            match opportunities.case(ladder, row).finding() {
                Some(_) if opportunities.links.are_hidden(row) => hidden.push(row),
                finding => judgement.findings.extend(finding),
            }
        }
        Links::leave_hidden(*object, hidden, &mut judgement);
    }
    judgement
}

/// What is known of the records that say opportunity.
pub(super) struct Opportunities<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    links: Links<'w, 'a>,
}

impl<'w, 'a> Opportunities<'w, 'a> {
    pub(super) fn of(world: &'w World<'a>, asked: &'w Asked) -> Self {
        let rule = &world.policies.lifecycle.opportunity_without_deal;
        Self { world, asked, rule, links: Links::of(world, &asked.deals) }
    }

    /// True when an object's stages and links allow a judgement. Otherwise says why not.
    fn can_judge(&self, object: Object, ladder: &Ladder, judgement: &mut Judgement) -> bool {
        if ladder.opportunity.is_empty() {
            judgement.skip(object, "their ladder has no `opportunity` stage");
            return false;
        }
        self.links.cover(object, self.rule.min_coverage.value, judgement)
    }

    /// True when the stage says opportunity and nobody takes the record out.
    fn says_opportunity(&self, ladder: &Ladder, row: Row<'_>) -> bool {
        row.text(&ladder.field).is_some_and(|stage| lists(&ladder.opportunity, stage))
            && !self.rule.except.hold(row)
    }

    fn case<'c>(&'c self, ladder: &'c Ladder, row: Row<'a>) -> Case<'c, 'a> {
        let Self { world, asked, rule, links } = self;
        Case { world, asked, rule, links, ladder, row }
    }

    /// True when the check finds something about the record.
    pub(super) fn finds(&self, row: Row<'a>) -> bool {
        let object = row.object();
        self.world.policies.ladders.of(object).is_some_and(|ladder| {
            self.rule.objects.contains(&object)
                && self.says_opportunity(ladder, row)
                && self.can_judge(object, ladder, &mut Judgement::default())
                && self.case(ladder, row).finding().is_some()
                && !self.links.are_hidden(row)
        })
    }
}

/// One record in an opportunity stage.
struct Case<'w, 'a> {
    world: &'w World<'a>,
    asked: &'w Asked,
    rule: &'w Rule,
    links: &'w Links<'w, 'a>,
    ladder: &'w Ladder,
    row: Row<'a>,
}

impl<'a> Case<'_, 'a> {
    fn finding(&self) -> Option<Finding> {
        let works = |deal| matches!(self.links.state(deal), Some(DealState::Open | DealState::Won));
        if self.links.deals(self.row).any(works) {
            return None;
        }
        let existed = self.age_of(self.own(&self.asked.created));
        // Nothing stands in a stage for longer than it exists.
        let age = self.age().map(|age| existed.map_or(age, |existed| age.min(existed)));
        let after = i64::from(self.rule.after_days.value);
        match age.or(existed) {
            Some(age) if age <= after => None,
            Some(_) | None => Some(self.told(age)),
        }
    }

    /// Days since the record was last rightly in its stage: since the stage was set, or the last deal
    /// was lost, whichever came later.
    fn age(&self) -> Option<i64> {
        let lost = self.links.deals(self.row).filter_map(|deal| self.asked.deals.closed_at(deal));
        let latest = lost.chain(time(self.row, self.own(&self.asked.entered))).max();
        latest.map(|at| self.world.as_of.days_since(at))
    }

    fn own<'f>(&self, fields: &'f [Field]) -> Option<&'f Field> {
        fields.iter().find(|field| field.object() == self.row.object())
    }

    fn age_of(&self, field: Option<&Field>) -> Option<i64> {
        time(self.row, field).map(|at| self.world.as_of.days_since(at))
    }

    fn told(&self, age: Option<i64>) -> Finding {
        let deals = self.links.each(self.row);
        let stage = self.row.cell(&self.ladder.field);
        let lost = deals.iter().all(|deal| self.links.state(*deal) == Some(DealState::Lost));
        let deals_are = match (deals.len(), lost) {
            (0, _) => "has no deal".to_owned(),
            (1, true) => "its one deal is lost".to_owned(),
            (1, false) => "its one deal is not known to be open".to_owned(),
            (n, true) => format!("all its {n} deals are lost"),
            (n, false) => format!("none of its {n} deals is known to be open"),
        };
        let since = age.map_or_else(String::new, |age| format!(", for {} now", days(age)));
        let stands = said(self.row, &self.ladder.field);
        let headline =
            format!("{} is {stands} and {deals_are}{since}", self.world.titled(self.row));
        let mut finding = Finding::about(
            self.row.record(),
            headline,
            Evidence::Cell(stage.clone()),
            Proposal::CorrectLifecycle { before: stage, to: self.recycled() },
        );
        let dates = [self.own(&self.asked.entered), self.own(&self.asked.created)];
        for field in dates.into_iter().flatten() {
            finding = finding.because(Evidence::Cell(self.row.cell(field)));
        }
        finding = self.asked.deals.quote_all(finding, &deals);
        finding = finding
            .because(on_ladder(
                self.ladder,
                format!("opportunity = {}", self.ladder.opportunity.join(", ")),
            ))
            .because(policy(
                self.rule.after_days.line,
                format!("the stage may stay for {}", days(self.rule.after_days.value)),
            ))
            .because(Evidence::Figure {
                of: "deals linked".to_owned(),
                is: self.links.figure(self.row.object()),
            });
        self.doubts(self.lacks(age, &deals, finding))
    }

    /// The one stage that the rules let this stage fall back to.
    fn recycled(&self) -> Option<String> {
        let stage = self.row.text(&self.ladder.field)?;
        let mut back = self.ladder.allowed_back.iter().filter(|(from, _)| same(from, stage));
        let only = back.next().filter(|_| back.next().is_none());
        only.map(|(_, to)| to.clone())
    }

    fn lacks(&self, age: Option<i64>, deals: &[Row<'a>], mut finding: Finding) -> Finding {
        if age.is_none() {
            finding = finding.lacking(self.own(&self.asked.entered).map_or_else(
                || format!("{}.stage_changed is not allowed", self.row.object()),
                |field| format!("{field} is blank"),
            ));
        }
        if let Some(unknown) = self.asked.deals.company_unknown(self.world, self.row) {
            finding = finding.lacking(unknown);
        }
        for deal in deals {
            if self.links.state(*deal).is_none() {
                finding = finding.lacking(format!("nothing says how deal {} stands", deal.id()));
            }
        }
        finding
    }

    fn doubts(&self, mut finding: Finding) -> Finding {
        if self.links.open_unlinked > 0 {
            let open = counted(self.links.open_unlinked, "open deal leads", "open deals lead");
            finding = finding.unless(format!("{open} to no record here: one may be its own"));
        }
        finding.unless(
            "the stage may be meant as the highest one reached, as HubSpot keeps it: then it does \
             not go back when a deal is lost",
        )
    }
}
