//! SRC-07: more, or fewer, new records of a week are of a direct source than before.
//!
//! Direct is what no source was seen for, so that its share moves with the tracking. One finding about each
//! table: what changed is to be looked at, and no record is wrong by it.
//! Does not: say where anybody came from, or judge a week or a past of few records.

use crate::boundary::{Grant, Object, Row};
use crate::finding::{Evidence, Finding, Proposal, Severity, record};
use crate::policy::{Said, Section, meant};

use super::super::condition::fold;
use super::super::interval::percent;
use super::super::weeks::{self, Course, Dated, Surprise, Weeks, Words};
use super::super::{About, CheckDef, Family, Judge, Judgement, Off, Policies, World, settings};
use super::{FILE, PEOPLE, People, Sourced, policy};

pub(in crate::check) const CHECK: CheckDef = CheckDef {
    code: "SRC-07",
    name: "direct-surge",
    family: Family::LeadSource,
    severity: Severity::Low,
    about: About::OneRecord,
    summary: "Of the leads, or contacts, that were created in the last full week and have a source, more or \
              fewer are of one that the rules call `direct` than an exact binomial test allows at the end of \
              the exact 95 % interval of the `weeks` before. One finding about each table, from `least` \
              records of the week and `least_before` of the weeks before on; imports do not count.",
    consequence: "What brought people is lost to a broken tag or a changed consent banner, and budgets \
                  follow the sources that are still seen.",
    load,
};

/// What the rules say.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    off: bool,
    /// Folded sources that are direct; without them nothing is looked at.
    direct: Said<Vec<String>>,
    objects: Vec<Object>,
    weeks: weeks::Rules,
}

impl Rules {
    pub(super) fn parse(root: &Section<'_>, governed: Option<&[String]>) -> Self {
        let section = root.section(CHECK.name);
        let section = section.as_ref();
        if let (Some(section), Some(governed)) = (section, governed) {
            for source in section.texts("direct") {
                if !governed.iter().any(|known| fold(known) == fold(&source)) {
                    let known = governed.iter().map(String::as_str);
                    let hint = meant(&source, known, || "see [taxonomy]".to_owned());
                    let message = format!("`{}` is not in the governed list", source.value);
                    section.problem_with_hint(source.line, message, hint);
                }
            }
        }
        Self {
            off: settings::is_off(section),
            direct: settings::texts(section, "direct", &[]),
            objects: settings::objects_among(section, &PEOPLE, &PEOPLE),
            weeks: weeks::Rules::parse(section),
        }
    }

    fn is_direct(&self, source: &str) -> bool {
        let source = fold(source);
        self.direct.iter().any(|direct| fold(direct) == source)
    }
}

fn load(grant: &mut Grant<'_>, policies: &Policies) -> Result<Judge, Off> {
    let rules = policies.lead_source.direct.clone();
    if rules.off {
        return Err(CHECK.off_in_rules());
    }
    if rules.direct.is_empty() {
        let write = "name the sources that are direct in `direct` of [direct-surge]";
        return Err(Off::NoPolicy { file: FILE, write });
    }
    let people = People::ask(grant)?;
    Ok(Box::new(move |world| {
        let mut judgement = people.judgement();
        let weeks = Weeks::of(&world.as_of, &rules.weeks);
        let of_rules = |sourced: &&Sourced| rules.objects.contains(&sourced.object);
        let tables = people.ready.iter().filter(of_rules);
        let found: Vec<_> = tables
            .filter_map(|sourced| Week::of(world, &rules, sourced, &weeks, &mut judgement))
            .collect();
        // Each can lie above or below.
        let looked_at = 2 * found.len();
        for week in &found {
            let moved = rules.weeks.risen(&week.course, looked_at);
            if let Some(moved) = moved.or_else(|| rules.weeks.fallen(&week.course, looked_at)) {
                if let Some(finding) = week.finding(world, &rules, &weeks, &moved) {
                    judgement.findings.push(finding);
                } else {
                    let why = "the share moved, and none of those that moved it is under review";
                    judgement.skip(week.sourced.object, why);
                }
            }
        }
        judgement
    }))
}

/// The new records of a table.
struct Week<'s, 'a> {
    sourced: &'s Sourced,
    /// By week, how many are direct.
    course: Course,
    /// Those of the last week, and whether each is direct.
    last: Vec<(Row<'a>, bool)>,
    /// How many of the last week have no source.
    without: usize,
    /// How many came in the last week with an import.
    imported: usize,
}

impl<'s, 'a> Week<'s, 'a> {
    /// Counts them, where there are enough.
    fn of(
        world: &World<'a>,
        rules: &Rules,
        sourced: &'s Sourced,
        weeks: &Weeks,
        judgement: &mut Judgement,
    ) -> Option<Self> {
        let Sourced { object, source, created } = sourced;
        let Some(batch) = world.batch(*object) else {
            judgement.skip(*object, "there is no input");
            return None;
        };
        for field in [source, created] {
            if !batch.has(field) {
                judgement.skip(*object, &format!("the input has no `{}`", field.name()));
                return None;
            }
        }
        let Dated { rows, imported } = weeks.dated(batch, created, judgement);
        let imported = imported.iter().filter(|(_, week)| *week == 0).count();
        let (course, last) = (weeks.course(), Vec::new());
        let mut found = Self { sourced, course, last, without: 0, imported };
        for (row, week) in rows {
            match row.text(source) {
                Some(source) => {
                    let is_direct = rules.is_direct(source);
                    found.course.add(week, is_direct);
                    found.last.extend((week == 0).then_some((row, is_direct)));
                }
                None => found.without += usize::from(week == 0),
            }
        }
        if !rules.weeks.are_enough(&found.course) {
            weeks.too_few(*object, "there are fewer than", &rules.weeks, judgement);
            return None;
        }
        judgement.examined += found.last.len();
        Some(found)
    }

    /// The first record under review that is part of the move is shown for all; there is none where no such
    /// record is under review.
    fn finding(
        &self,
        world: &World<'_>,
        rules: &Rules,
        weeks: &Weeks,
        moved: &Surprise,
    ) -> Option<Finding> {
        let Sourced { object, source, created } = self.sourced;
        let is_part = |(_, is_direct): &&(Row<'_>, bool)| *is_direct == moved.is_above();
        let part: Vec<Row<'_>> = self.last.iter().filter(is_part).map(|(row, _)| *row).collect();
        let row = *part
            .iter()
            .filter(|row| row.is_under_review())
            .min_by(|one, other| one.id().cmp(other.id()))?;
        let (last, before) = (self.course.last(), self.course.before());
        let others = match part.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let are = if moved.is_above() { "came" } else { "did not come" };
        let headline = format!(
            "{}{others} of the {} {} created {} {are} from a direct source: {} did, after {} in the {} before",
            world.called(row),
            last.whole,
            object.plural(),
            weeks.last(),
            percent(last.share()),
            percent(before.share()),
            weeks.span()
        );
        let question = format!(
            "What has changed in tracking, tags, consent or forms by the week {}, so that {} {} seem \
             to come directly?",
            weeks.last(),
            if moved.is_above() { "more" } else { "fewer" },
            object.plural()
        );
        let what = format!("{} from a direct source, of those with a source", object.plural());
        let words =
            Words { what: &what, looked_at: "tables and sides", family: Family::LeadSource };
        let fact = Evidence::Cell(row.cell(source));
        let mut finding =
            Finding::about(row.record(), headline, fact, Proposal::ReviewUpstream { question })
                .of_field(source)
                .of_group([record(*object, if moved.is_above() { "above" } else { "below" })])
                .because(Evidence::Cell(row.cell(created)))
                .because(policy(
                    rules.direct.line,
                    format!("these are direct: {}", rules.direct.join(", ")),
                ));
        for (count, what) in [
            (self.without, "without a source, which do not count"),
            (self.imported, "that were imported, which do not count"),
        ] {
            if count > 0 {
                finding = finding.because(Evidence::Figure {
                    of: format!("{} created {} {what}", object.plural(), weeks.last()),
                    is: count.to_string(),
                });
            }
        }
        finding = rules.weeks.told(finding, weeks, &self.course, moved, words);
        let bare = part.iter().filter(|row| weeks.is_bare(**row, created)).count();
        if bare >= rules.weeks.import_size.value as usize {
            finding = finding.lacking(Weeks::timeless(created, bare));
        }
        Some(
            finding
                .unless(
                    "direct is what no source was seen for: dark social (links in messages, mail and apps) \
                     comes as direct",
                )
                .unless(
                    "a tag, a consent banner or a redirect that was changed moves the share, and nobody came \
                     another way",
                ),
        )
    }
}
