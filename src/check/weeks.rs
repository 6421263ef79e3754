//! The last full week, held against the weeks before it.
//!
//! A share of few records moves by chance. What moved by more is told by an exact binomial test against the
//! range in which the share of the weeks before may lie, so that neither period is taken for surer than its
//! records make it.
//! Does not: know what is counted.

use chrono::{Datelike as _, Days, NaiveDate};
use chrono_tz::Tz;

use crate::boundary::{Batch, Field, Object, Row, is_bare_day};
use crate::finding::{Evidence, Finding};
use crate::policy::{Said, Section};

use super::imports::Imports;
use super::interval::{Share, at_least, at_most, percent};
use super::{AsOf, Family, Judgement, settings};

/// How a last week is held against the weeks before.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// How many full weeks before the last count.
    pub(super) weeks: Said<u32>,
    /// Fewer records of the last week tell nothing.
    pub(super) least: Said<u32>,
    /// Nor do fewer of the weeks before.
    pub(super) least_before: Said<u32>,
    /// How likely it may be that chance alone has anything told in a week.
    pub(super) chance: Said<f64>,
    /// So many records created in one minute were imported.
    pub(super) import_size: Said<u32>,
}

impl Rules {
    /// Reads the keys of a check's section.
    pub(super) fn parse(section: Option<&Section<'_>>) -> Self {
        let rules = Self {
            weeks: settings::count(section, "weeks", 12),
            least: settings::count(section, "least", 20),
            least_before: settings::count(section, "least_before", 100),
            chance: settings::number(section, "chance", 0.01),
            import_size: settings::count(section, "import_size", 20),
        };
        let Some(section) = section else { return rules };
        if !(1..=104).contains(&rules.weeks.value) {
            section.problem_with_hint(
                rules.weeks.line,
                "`weeks` is not between 1 and 104",
                "say how many full weeks before the last it is held against, such as 12",
            );
        }
        for (key, said) in [("least", &rules.least), ("least_before", &rules.least_before)] {
            if said.value == 0 {
                let hint = "say how many records tell a share, such as 20 and 100";
                section.problem_with_hint(said.line, format!("`{key}` is at least 1"), hint);
            }
        }
        if !(rules.chance.value > 0.0 && rules.chance.value <= 0.5) {
            section.problem_with_hint(
                rules.chance.line,
                "`chance` is no chance of a false alarm",
                "a number above 0 and up to 0.5, such as 0.01",
            );
        }
        if rules.import_size.value < 2 {
            let hint = "say how many records of one minute were imported, such as 20";
            section.problem_with_hint(rules.import_size.line, "`import_size` is at least 2", hint);
        }
        rules
    }

    /// True where there are records enough to tell.
    pub(super) fn are_enough(&self, course: &Course) -> bool {
        course.last().whole >= self.least.value && course.before().whole >= self.least_before.value
    }

    /// What may be told by chance of one of several that are looked at: C. E. Bonferroni's correction
    /// (O. J. Dunn, Journal of the American Statistical Association 56 (1961), 52–64).
    fn limit(&self, looked_at: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of shares")]
        let looked_at = looked_at.max(1) as f64;
        self.chance.value / looked_at
    }

    /// The last week's share, where it lies below the range of the weeks before.
    pub(super) fn fallen(&self, course: &Course, looked_at: usize) -> Option<Surprise> {
        let Part { part, whole } = course.last();
        let before = course.before();
        let range = Share::of(before.part, before.whole);
        let chance = at_most(part, whole, range.from);
        let surprise = Surprise { is_above: false, chance, range, looked_at };
        (chance < self.limit(looked_at)).then_some(surprise)
    }

    /// The same, where it lies above.
    pub(super) fn risen(&self, course: &Course, looked_at: usize) -> Option<Surprise> {
        let Part { part, whole } = course.last();
        let before = course.before();
        let range = Share::of(before.part, before.whole);
        let chance = at_least(part, whole, range.to);
        let surprise = Surprise { is_above: true, chance, range, looked_at };
        (chance < self.limit(looked_at)).then_some(surprise)
    }

    /// Tells what a surprise is made of, and what weeks before it speak against it.
    pub(super) fn told(
        &self,
        finding: Finding,
        weeks: &Weeks,
        course: &Course,
        surprise: &Surprise,
        words: Words<'_>,
    ) -> Finding {
        let Words { what, looked_at, family } = words;
        let figure = |of: String, is: String| Evidence::Figure { of, is };
        let counted = |Part { part, whole }: Part| format!("{part} of {whole}");
        let (last, before, range) = (course.last(), course.before(), surprise.range);
        let expected = f64::from(last.whole) * before.share();
        let (side, end) = if surprise.is_above { ("many", range.to) } else { ("few", range.from) };
        let policy = |line: usize, says: String| settings::quoted(family, line, says);
        let finding = finding
            .stating(format!("since {}", weeks.since(course, self)))
            .because(figure(
                format!("{what}, created {}", weeks.last()),
                format!("{}, which is {}", counted(last), percent(last.share())),
            ))
            .because(figure(
                format!("the same of the {} before", weeks.span()),
                format!(
                    "{}, which is {} (exact 95 % interval {} to {})",
                    counted(before),
                    percent(before.share()),
                    percent(range.from),
                    percent(range.to)
                ),
            ))
            .because(figure(
                "expected at the share of before".to_owned(),
                format!("{expected:.1} of {}", last.whole),
            ))
            .because(figure(
                format!("chance of so {side} where the share is {}", percent(end)),
                one_in(surprise.chance),
            ))
            .because(policy(
                self.chance.line,
                format!(
                    "what is likelier than {} counts as chance ({looked_at} that share the chance of {}: {})",
                    one_in(self.limit(surprise.looked_at)),
                    self.chance.value,
                    surprise.looked_at
                ),
            ))
            .because(policy(self.weeks.line, format!("held against the {} before", weeks.span())))
            .because(policy(self.least.line, format!("told from {} records of the week", self.least.value)))
            .because(policy(
                self.least_before.line,
                format!("told from {} records of the weeks before", self.least_before.value),
            ))
            .because(policy(
                self.import_size.line,
                format!("{} records of one minute were imported, and do not count", self.import_size.value),
            ));
        finding.unless_any(weeks.like_the_last(course, self))
    }
}

/// A share that chance does not explain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surprise {
    is_above: bool,
    /// How likely it is, or what is further off, where the weeks before are as near to it as they may be.
    chance: f64,
    /// The range of the weeks before.
    range: Share,
    /// How many shares were looked at.
    looked_at: usize,
}

impl Surprise {
    /// True where the share rose.
    pub(super) fn is_above(&self) -> bool {
        self.is_above
    }
}

/// What a share is of, in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'w> {
    /// `leads from Web with industry`.
    pub(super) what: &'w str,
    /// What was looked at: `sources and fields`.
    pub(super) looked_at: &'w str,
    /// Whose rules say how.
    pub(super) family: Family,
}

/// The last full week before the review, Monday to Sunday, and those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weeks {
    /// The Monday after the last.
    ends: NaiveDate,
    before: u32,
    import_size: usize,
    zone: Tz,
}

/// The records of a table that were created in these weeks, each with how many weeks before the last that was.
pub(super) struct Dated<'a> {
    /// Those that came one by one.
    pub(super) rows: Vec<(Row<'a>, usize)>,
    /// Those that came in together with so many others that they were imported.
    pub(super) imported: Vec<(Row<'a>, usize)>,
}

impl Weeks {
    pub(super) fn of(as_of: &AsOf, rules: &Rules) -> Self {
        let since = as_of.day.weekday().num_days_from_monday();
        let ends = as_of.day.checked_sub_days(Days::new(since.into())).unwrap_or(as_of.day);
        let import_size = rules.import_size.value as usize;
        Self { ends, before: rules.weeks.value, import_size, zone: as_of.zone }
    }

    /// The records of a table; of how many it is not known when they were created is noted.
    pub(super) fn dated<'a>(
        &self,
        batch: &'a Batch,
        created: &Field,
        judgement: &mut Judgement,
    ) -> Dated<'a> {
        let (mut all, mut undated) = (Vec::new(), 0_usize);
        for row in batch.rows() {
            match row.named_day(created, self.zone) {
                Some(day) => all.extend(self.place(day).map(|week| (row, week))),
                None => undated += 1,
            }
        }
        if undated > 0 {
            let object = batch.object();
            let what =
                format!("{undated} without a day of creation are in no week and not counted");
            judgement.remark(object, &what);
        }
        let rows = all.iter().map(|(row, _)| *row);
        let imports = Imports::around(batch, Some(created), self.zone, rows);
        let is_imported = |row: Row<'_>| {
            imports.together(row).is_some_and(|together| together >= self.import_size)
        };
        let (imported, rows) = all.into_iter().partition(|(row, _)| is_imported(*row));
        Dated { rows, imported }
    }

    /// True for a record of which only the day of creation is known: whether it was imported cannot be told.
    pub(super) fn is_bare(&self, row: Row<'_>, created: &Field) -> bool {
        row.time(created).is_some_and(|at| is_bare_day(at, self.zone))
    }

    /// What is lacking where so many of the records that make a share have no time of day.
    pub(super) fn timeless(created: &Field, count: usize) -> String {
        format!(
            "{created} has no time of day for {count} of them: whether they were imported cannot be told"
        )
    }

    /// Notes that there are too few records of a table to tell anything.
    pub(super) fn too_few(
        &self,
        object: Object,
        of: &str,
        rules: &Rules,
        judgement: &mut Judgement,
    ) {
        let what = format!(
            "{of} {} of the week {} and {} of the {} before, which would tell",
            rules.least.value,
            self.last(),
            rules.least_before.value,
            self.span()
        );
        judgement.skip(object, &what);
    }

    /// How many weeks before the last a day lies, where it counts.
    pub(super) fn place(&self, day: NaiveDate) -> Option<usize> {
        let days = (self.ends - day).num_days();
        let weeks = usize::try_from(days.checked_sub(1)?.div_euclid(7)).ok()?;
        (weeks <= self.before as usize).then_some(weeks)
    }

    /// A course of these weeks, of which nothing is counted yet.
    pub(super) fn course(&self) -> Course {
        Course(vec![Part::default(); self.before as usize + 1])
    }

    /// A week by its first day.
    fn monday(&self, place: usize) -> NaiveDate {
        let days = (place as u64 + 1) * 7;
        self.ends.checked_sub_days(Days::new(days)).unwrap_or(self.ends)
    }

    /// `2026-02-16 to 2026-02-22`.
    pub(super) fn last(&self) -> String {
        let sunday = self.ends.pred_opt().unwrap_or(self.ends);
        format!("{} to {sunday}", self.monday(0))
    }

    /// `12 weeks`.
    pub(super) fn span(&self) -> String {
        if self.before == 1 { "week".to_owned() } else { format!("{} weeks", self.before) }
    }

    /// The first of the weeks that lead up to the last and are nearer to it than to the mean of those before: what
    /// comes again after others is another matter. A week of few records tells nothing of that.
    fn since(&self, course: &Course, rules: &Rules) -> NaiveDate {
        let (last, mean) = (course.last().share(), course.before().share());
        let is_near = |week: &Part| (week.share() - last).abs() < (week.share() - mean).abs();
        let weeks = course.0.iter().enumerate();
        let told = weeks.filter(|(_, week)| week.whole >= rules.least.value);
        let first = told.take_while(|(_, week)| is_near(week)).last();
        self.monday(first.map_or(0, |(place, _)| place))
    }

    /// A week before that was already as the last one is, where one of records enough was. In those that lead up
    /// to the last one it began: they are no other weeks.
    fn like_the_last(&self, course: &Course, rules: &Rules) -> Option<String> {
        let (last, mean) = (course.last().share(), course.before().share());
        let is_like = |week: &Part| {
            week.whole >= rules.least.value
                && if last < mean { week.share() <= last } else { week.share() >= last }
        };
        let mut before = course.0.iter().enumerate().skip(1).skip_while(|(_, week)| is_like(week));
        let (place, week) = before.find(|(_, week)| is_like(week))?;
        Some(format!(
            "in the week from {} it was {} of {} already: weeks may differ by more than chance",
            self.monday(place),
            percent(week.share()),
            week.whole
        ))
    }
}

/// How many of some records have something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) part: u32,
    pub(super) whole: u32,
}

impl Part {
    pub(super) fn share(self) -> f64 {
        if self.whole == 0 { 0.0 } else { f64::from(self.part) / f64::from(self.whole) }
    }
}

/// How many of the records of each week have something, the last week first.
#[derive(Debug, Clone)]
pub(super) struct Course(Vec<Part>);

impl Course {
    /// Counts a record of a week.
    pub(super) fn add(&mut self, week: usize, has: bool) {
        if let Some(of_week) = self.0.get_mut(week) {
            of_week.whole = of_week.whole.saturating_add(1);
            of_week.part = of_week.part.saturating_add(u32::from(has));
        }
    }

    pub(super) fn last(&self) -> Part {
        self.0.first().copied().unwrap_or_default()
    }

    pub(super) fn before(&self) -> Part {
        self.0.iter().skip(1).fold(Part::default(), |sum, week| Part {
            part: sum.part.saturating_add(week.part),
            whole: sum.whole.saturating_add(week.whole),
        })
    }
}

/// `1 in 300`, `less than 1 in 1000000`.
fn one_in(chance: f64) -> String {
    if chance < 1e-6 {
        "less than 1 in 1000000".to_owned()
    } else {
        format!("1 in {:.0}", 1.0 / chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Document, Log};

    fn rules(text: &str) -> Result<Rules, String> {
        let log = Log::default();
        let document = Document::parse("rules/required.toml", text, &log);
        let rules = Rules::parse(Some(&document.root(&log)));
        log.finish(rules).map_err(|problems| problems.to_string())
    }

    fn course(last: (u32, u32), before: (u32, u32)) -> Course {
        let part = |(part, whole)| Part { part, whole };
        Course(vec![part(last), part(before)])
    }

    #[test]
    fn a_week_ends_with_its_sunday_in_the_review_s_zone() {
        let as_of = |day: &str| AsOf::new(day.parse().unwrap(), chrono_tz::Europe::Berlin);
        for day in ["2026-11-23", "2026-11-25", "2026-11-29"] {
            let weeks = Weeks::of(&as_of(day), &rules("").unwrap());
            assert_eq!(weeks.last(), "2026-11-16 to 2026-11-22");
            let place = |day: &str| weeks.place(day.parse().unwrap());
            assert_eq!([place("2026-11-16"), place("2026-11-22")], [Some(0); 2]);
            assert_eq!([place("2026-11-15"), place("2026-08-24")], [Some(1), Some(12)]);
            assert_eq!([place("2026-08-23"), place("2026-11-23")], [None; 2]);
        }
    }

    #[test]
    fn what_moves_has_to_leave_the_range_of_the_weeks_before() {
        let rules = rules("").unwrap();
        // 100 of 100 may be 96.4 %: 19 of 20 are no surprise, 14 of 20 are.
        assert!(rules.fallen(&course((19, 20), (100, 100)), 1).is_none());
        let fall = rules.fallen(&course((14, 20), (100, 100)), 1).unwrap();
        assert!((fall.range.from - 0.963_78).abs() < 1e-5, "{fall:?}");
        // 4 of 20, where it may be 52.9 %, come by chance once in 357: too often where six shares are looked at.
        let some = course((4, 20), (120, 200));
        assert!(rules.fallen(&some, 1).is_some());
        assert!(rules.fallen(&some, 6).is_none());
        assert!(rules.risen(&course((20, 20), (50, 100)), 1).is_some());
        assert!(rules.risen(&course((12, 20), (50, 100)), 1).is_none());
    }

    #[test]
    fn a_fault_that_goes_on_does_not_speak_against_itself() {
        let rules = rules("").unwrap();
        let as_of = AsOf::new("2026-11-23".parse().unwrap(), chrono_tz::Europe::Berlin);
        let weeks = Weeks::of(&as_of, &rules);
        let course = |parts: &[u32]| {
            Course(parts.iter().map(|part| Part { part: *part, whole: 25 }).collect())
        };
        assert_eq!(weeks.like_the_last(&course(&[5, 4, 24, 25, 23]), &rules), None);
        let said = weeks.like_the_last(&course(&[5, 4, 24, 5, 23]), &rules).unwrap();
        assert!(
            said.starts_with("in the week from 2026-10-26 it was 20 % of 25 already"),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_setting_is_told_with_its_line() {
        let problems =
            rules("weeks = 0\nleast = 0\nleast_before = 100\nchance = 5\nimport_size = 1\n");
        assert_eq!(
            problems.unwrap_err(),
            "rules/required.toml:1: `weeks` is not between 1 and 104\n  \
             hint: say how many full weeks before the last it is held against, such as 12\n\
             rules/required.toml:2: `least` is at least 1\n  \
             hint: say how many records tell a share, such as 20 and 100\n\
             rules/required.toml:4: `chance` is no chance of a false alarm\n  \
             hint: a number above 0 and up to 0.5, such as 0.01\n\
             rules/required.toml:5: `import_size` is at least 2\n  \
             hint: say how many records of one minute were imported, such as 20"
        );
    }
}
