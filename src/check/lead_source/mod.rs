//! Lead sources: held against the governed list, the campaigns and the calendar.
//!
//! Does not: decide what a campaign is worth; it only asks whether the source can be right.

mod chain;
mod conflict;
mod direct;
mod order;
mod overwritten;
mod taxonomy;
mod touch;
mod weak;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use crate::boundary::{Field, Grant, Missing, Object, Row, is_bare_day, letters, named_day};
use crate::finding::Evidence;
use crate::policy::{Said, Section, Value, meant};

use super::condition::fold;
use super::{CheckDef, Family, Judgement, World, settings};

pub(super) use overwritten::Overwritten;
pub(super) use touch::Touches;

pub(super) use chain::CHECK as CONVERTED_SOURCE;
pub(super) use conflict::CHECK as SOURCE_AGAINST_CAMPAIGN;
pub(super) use direct::CHECK as DIRECT_SURGE;
pub(super) use order::CHECK as IMPOSSIBLE_ORDER;
pub(super) use overwritten::CHECK as OVERWRITTEN_SOURCE;
pub(super) use taxonomy::CHECK as OUTSIDE_TAXONOMY;
pub(super) use weak::CHECK as WEAK_SOURCE;

const FILE: &str = "lead-source.toml";

/// People, who answer campaigns.
const PEOPLE: [Object; 2] = [Object::Lead, Object::Contact];

/// What the rules say.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// The governed list; its values as written.
    taxonomy: Option<Said<Vec<String>>>,
    /// Folded values that say nothing.
    weak: Said<Vec<String>>,
    /// Days after creation within which an answer can still be what brought the person.
    weak_after_days: Said<u32>,
    conflict_after_days: Said<u32>,
    tolerance_hours: Said<u32>,
    /// Folded sources whose records are there before the person is.
    import_sources: Vec<String>,
    channels: Mapping,
    campaign_channels: Mapping,
    campaign_sources: Mapping,
    chain: chain::Rules,
    overwritten: overwritten::Rules,
    direct: direct::Rules,
    off: Vec<&'static str>,
}

/// A table of the rules: folded left side, right side with its line.
type Mapping = BTreeMap<String, Said<String>>;

/// A built-in default.
fn default<T>(value: T) -> Said<T> {
    Said { value, line: 0 }
}

impl Policy {
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let weak = ["other", "unknown", "n/a"].map(str::to_owned).to_vec();
        let taxonomy = taxonomy(root);
        let governed = taxonomy.as_ref().map(|taxonomy| taxonomy.value.as_slice());
        let direct = direct::Rules::parse(root, governed);
        let mut policy = Self {
            taxonomy,
            weak: default(weak),
            weak_after_days: default(7),
            conflict_after_days: default(1),
            tolerance_hours: default(24),
            import_sources: Vec::new(),
            channels: mapping(root, "channels"),
            campaign_channels: mapping(root, "campaign-channels"),
            campaign_sources: mapping(root, "campaign-sources"),
            chain: chain::Rules::parse(root),
            overwritten: overwritten::Rules::parse(root),
            direct,
            off: Vec::new(),
        };
        for check in [WEAK_SOURCE, SOURCE_AGAINST_CAMPAIGN, OUTSIDE_TAXONOMY, IMPOSSIBLE_ORDER] {
            if let Some(section) = root.section(check.name) {
                policy.read(check.name, &section);
            }
        }
        policy.check_proposals(root);
        policy
    }

    /// Reads the section of one check.
    fn read(&mut self, name: &'static str, section: &Section<'_>) {
        if settings::is_off(Some(section)) {
            self.off.push(name);
        }
        if name == WEAK_SOURCE.name {
            if let Some(node) = section.node("values") {
                let value = section.texts("values").iter().map(|said| fold(said)).collect();
                self.weak = Said { value, line: node.line };
            }
            self.weak_after_days = section.count("after_days").unwrap_or(default(7));
        } else if name == SOURCE_AGAINST_CAMPAIGN.name {
            self.conflict_after_days = section.count("after_days").unwrap_or(default(1));
        } else if name == IMPOSSIBLE_ORDER.name {
            self.tolerance_hours = section.count("tolerance_hours").unwrap_or(default(24));
            self.import_sources =
                section.texts("import_sources").iter().map(|said| fold(said)).collect();
        }
    }

    /// A source that would be proposed has to be one that the list governs and that says something.
    fn check_proposals(&self, root: &Section<'_>) {
        for source in self.campaign_sources.values() {
            if self.weak.contains(&fold(source)) {
                let message = format!("`{}` would be proposed and says nothing", source.value);
                root.problem_with_hint(source.line, message, "see [weak-source]");
            } else if let Some(taxonomy) = &self.taxonomy
                && !taxonomy.contains(&source.value)
            {
                let hint = meant(source, taxonomy.iter().map(String::as_str), || {
                    "see [taxonomy]".to_owned()
                });
                let message = format!("`{}` is not in the governed list", source.value);
                root.problem_with_hint(source.line, message, hint);
            }
        }
    }

    fn is_off(&self, check: &CheckDef) -> bool {
        self.off.contains(&check.name)
    }

    /// True when a source says nothing, be it blank or one of the weak values.
    fn is_weak(&self, source: Option<&str>) -> bool {
        source.is_none_or(|source| {
            let source = fold(source);
            self.weak.contains(&source)
        })
    }

    fn is_governed(&self, source: &str) -> bool {
        let Some(taxonomy) = &self.taxonomy else { return true };
        taxonomy.iter().any(|known| known == source.trim())
    }

    /// The sources that the rules govern, where they say which there are.
    pub(super) fn governed(&self) -> Option<&[String]> {
        self.taxonomy.as_ref().map(|taxonomy| taxonomy.value.as_slice())
    }

    /// True for a source of a record with which none of the family's checks would find fault.
    fn stands(&self, world: &World<'_>, row: Row<'_>, of: &Sourced, source: &str) -> bool {
        !self.is_weak(Some(source))
            && self.is_governed(source)
            && !conflict::speaks_against(world, row, of, source)
            && !order::speaks_against(world, row, of, source)
    }

    /// Notes, of checks that compare sources with which no campaign finds fault, that no input tells of any:
    /// what they say no more somebody may still have to mend.
    fn note_unheard(
        &self,
        world: &World<'_>,
        of: impl IntoIterator<Item = Object>,
        judgement: &mut Judgement,
    ) {
        let by_channel = !self.channels.is_empty()
            && !self.campaign_channels.is_empty()
            && !self.is_off(&SOURCE_AGAINST_CAMPAIGN);
        let by_order = !self.campaign_sources.is_empty() && !self.is_off(&IMPOSSIBLE_ORDER);
        if (by_channel || by_order) && touch::are_unknown(world) {
            let why = "there is no input: what campaigns say against a source is not known";
            judgement.skip_tables(Object::CampaignMember, of, why);
        }
    }

    /// By how much a first touch may lie behind what shows that the person was there.
    fn tolerance(&self) -> Duration {
        Duration::hours(self.tolerance_hours.value.into())
    }

    /// True when SRC-01 or SRC-03 knows more of the record's source than that it is blank, weak or not
    /// governed: a campaign says where it came from, or its history.
    pub(super) fn knows_better(&self, world: &World<'_>, row: Row<'_>) -> bool {
        world.overwritten().speaks_of(row) || weak::speaks_of(self, world, row)
    }
}

/// True for two spellings of one source: which is right is SRC-05's.
fn is_same(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// `[taxonomy]`.
fn taxonomy(root: &Section<'_>) -> Option<Said<Vec<String>>> {
    let section = root.section("taxonomy")?;
    let values: Vec<_> =
        section.texts("values").iter().map(|said| said.trim().to_owned()).collect();
    if values.is_empty() {
        section.missing("values");
        return None;
    }
    Some(Said { value: values, line: section.line() })
}

fn mapping(root: &Section<'_>, key: &str) -> Mapping {
    let Some(section) = root.section(key) else { return Mapping::new() };
    let mut mapping = Mapping::new();
    for (name, node) in section.entries() {
        if let Value::Text(to) = &node.value {
            let to = Said { value: to.trim().to_owned(), line: node.line };
            if mapping.insert(fold(name), to).is_some() {
                section.problem(name.line, format!("`{}` stands here twice", name.value));
            }
        } else {
            section.problem(node.line, format!("`{key}.{}` needs a text", name.value));
        }
    }
    mapping
}

/// The fields of one object that the family reads.
#[derive(Debug, Clone)]
struct Sourced {
    object: Object,
    source: Field,
    created: Field,
}

/// The people whose source is judged.
struct People {
    ready: Vec<Sourced>,
    /// Those who have a source and no date of creation, with the reason.
    lacking: Vec<(Object, String)>,
}

impl People {
    /// Asks for the source and the date of creation.
    fn ask(grant: &mut Grant<'_>) -> Result<Self, Missing> {
        let mut people = Self { ready: Vec::new(), lacking: Vec::new() };
        for object in PEOPLE {
            let Some(source) = grant.optional(object, "lead_source") else { continue };
            match grant.field(object, "created") {
                Ok(created) => people.ready.push(Sourced { object, source, created }),
                Err(missing) => people.lacking.push((object, missing.to_string())),
            }
        }
        if people.ready.is_empty() && people.lacking.is_empty() {
            grant.field(PEOPLE[0], "lead_source")?;
        }
        Ok(people)
    }

    /// A judgement that says who is not looked at, and nothing else yet.
    fn judgement(&self) -> Judgement {
        let mut judgement = Judgement::default();
        for (object, why) in &self.lacking {
            judgement.skip(*object, why);
        }
        judgement
    }
}

/// Quotes a line of the family's rules.
fn policy(line: usize, says: impl Into<String>) -> Evidence {
    settings::quoted(Family::LeadSource, line, says)
}

/// `1 lead`, `2 leads`.
fn count(n: usize, object: Object) -> String {
    if n == 1 { format!("1 {object}") } else { format!("{n} {}", object.plural()) }
}

/// True when an answer came before the record was created, or at most so many days after.
/// Where one of the two is a day without a time, days are compared.
fn in_time(answered: DateTime<Utc>, created: Option<DateTime<Utc>>, days: u32, zone: Tz) -> bool {
    created.is_none_or(|created| match days_between(answered, created, zone) {
        Some(after) => after <= i64::from(days),
        None => answered <= created + Duration::days(days.into()),
    })
}

/// How many days one lies after another, where one of them is a day without a time.
fn days_between(then: DateTime<Utc>, from: DateTime<Utc>, zone: Tz) -> Option<i64> {
    let is_bare = is_bare_day(then, zone) || is_bare_day(from, zone);
    is_bare.then(|| (named_day(then, zone) - named_day(from, zone)).num_days())
}

/// `3 days before`, `5 hours after`: when one instant lies as seen from another; `about` of one within the
/// hour. A day without a time lies days away, or is the same.
fn relative(then: DateTime<Utc>, from: DateTime<Utc>, about: &str, zone: Tz) -> String {
    if let Some(after) = days_between(then, from, zone) {
        return match (after.unsigned_abs(), if after < 0 { "before" } else { "after" }) {
            (0, _) => "on the day".to_owned(),
            (1, side) => format!("1 day {side}"),
            (days, side) => format!("{days} days {side}"),
        };
    }
    let minutes = (then - from).num_minutes();
    let side = if minutes < 0 { "before" } else { "after" };
    match minutes.unsigned_abs() {
        0..60 => about.to_owned(),
        60..120 => format!("1 hour {side}"),
        minutes @ 120..2_880 => format!("{} hours {side}", minutes / 60),
        minutes => format!("{} days {side}", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Rulebook;
    use super::*;
    use crate::policy::Log;

    #[test]
    fn a_day_without_a_time_is_days_away_and_no_hours() {
        let zone = chrono_tz::Europe::Berlin;
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (then, from, says, is_in_time) in [
            // Midnight in UTC and in the zone are both a bare day.
            ("2026-03-02T00:00:00Z", "2026-03-02T15:30:00Z", "on the day", true),
            ("2026-03-02T00:00:00Z", "2026-03-01T09:30:00Z", "1 day after", true),
            ("2026-03-03T23:00:00Z", "2026-03-01T09:30:00Z", "3 days after", false),
            ("2026-03-01T09:30:00Z", "2026-03-03T00:00:00Z", "2 days before", true),
            ("2026-03-01T09:30:00Z", "2026-03-01T14:40:00Z", "5 hours before", true),
            ("2026-03-02T09:31:00Z", "2026-03-01T09:30:00Z", "24 hours after", false),
            ("2026-03-01T09:30:00Z", "2026-03-01T09:40:00Z", "about when", true),
        ] {
            let (then, from) = (at(then), at(from));
            assert_eq!(relative(then, from, "about when", zone), says);
            assert_eq!(in_time(then, Some(from), 1, zone), is_in_time, "{then} {from}");
        }
    }

    #[test]
    fn what_is_wrong_with_direct_sources_is_told_with_its_line() {
        let log = Log::default();
        let text = "[taxonomy]\n\
            values = [\"Web\", \"Direct\"]\n\
            [direct-surge]\n\
            direct = [\"direct\", \"Dirct\"]\n\
            objects = [\"deal\"]\n\
            weeks = 500\n";
        let files = BTreeMap::from([(FILE.to_owned(), text.to_owned())]);
        let rulebook = Rulebook::parse(&files, &log);
        let policy = Policy::parse(&rulebook.root(Family::LeadSource, &log));
        let found = log.finish(policy).unwrap_err().to_string();
        for expected in [
            "lead-source.toml:4: `Dirct` is not in the governed list\n  hint: did you mean `Direct`?",
            "lead-source.toml:5: `deal` cannot be looked at here\n  hint: one of lead, contact",
            "lead-source.toml:6: `weeks` is not between 1 and 104",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }
}
