//! The model for Splink: its settings, the columns they refer to, and what they leave out; and back.
//!
//! A level becomes a SQL condition over folded columns, once for each circumstance in which it counts
//! apart; a value's frequency becomes a column of its own. What SQL cannot tell is listed, level by level,
//! out of the ladders themselves. Does not: run Splink, or read and write files.

mod columns;
mod retrained;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::columns::Column;
use self::told::{Among, Asked, Circumstance, Teller, Told, Worth};
use super::compare::{Comparer, Comparison, Outcome, Term, float};
use super::parameters::Level;
use super::{Linkage, Parameters};

pub use self::retrained::{Unfit, retrained};
pub use self::told::Dialect;

/// A linkage as Splink takes it.
#[derive(Debug)]
pub struct Export<'l> {
    linkage: &'l Linkage,
    known: Parameters,
    /// What two records have in common that are compared.
    keys: Vec<Vec<Column>>,
    columns: Vec<Column>,
    frequencies: BTreeMap<String, Frequency>,
}

/// A value whose frequency counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frequency {
    of: Column,
    among: Among,
    /// The comparison, level and context in which it counts.
    at: usize,
    level: u8,
    context: u8,
}

impl Frequency {
    /// The column that holds the value together with what it is counted among.
    fn name(&self) -> String {
        match self.among {
            Among::All => self.of.to_string(),
            // What a value is worth at least depends on the level.
            Among::Those(by) if self.level > 0 => {
                format!("{}_in_{by}_{}", self.of, self.level + 1)
            }
            Among::Those(by) => format!("{}_in_{by}", self.of),
            Among::Holders => format!("{}_alone", self.of),
            Among::Level => format!("{}_under_name", self.of),
        }
    }
}

/// A level of a comparison as Splink has it.
struct Entry {
    level: usize,
    context: usize,
    sql: String,
    frequency: Option<Frequency>,
    is_nearly: bool,
}

/// What a label ends with where the weight in Splink is not quite the one that counts.
const NEARLY: &str = " (nearly)";

/// A level in words, for charts.
fn label(says: &str, context: &str) -> String {
    if context.is_empty() { says.to_owned() } else { format!("{says}, {context}") }
}

impl Linkage {
    /// The model and the records as Splink takes them.
    pub fn for_splink(&self) -> Export<'_> {
        Export::new(self)
    }
}

impl<'l> Export<'l> {
    fn new(linkage: &'l Linkage) -> Self {
        let mut export = Self {
            linkage,
            known: linkage.parameters(),
            keys: keys(&linkage.comparer),
            columns: Vec::new(),
            frequencies: BTreeMap::new(),
        };
        let told = export.told(Dialect::DuckDb);
        let mut words = BTreeSet::new();
        let mut look = |sql: &str| {
            let parts = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let names = parts.filter_map(|part| part.strip_suffix("_l"));
            words.extend(names.map(str::to_owned));
        };
        for told in &told {
            look(&told.blank);
            for entry in entries(told) {
                look(&entry.sql);
                if let Some(frequency) = entry.frequency {
                    export.frequencies.insert(frequency.name(), frequency);
                }
            }
        }
        let mut columns = Column::all(&linkage.comparer);
        columns.retain(|column| {
            let name = column.to_string();
            words.contains(&name)
                || export.frequencies.contains_key(&name)
                || export.keys.iter().flatten().any(|key| key == column)
        });
        export.columns = columns;
        export
    }

    fn told(&self, dialect: Dialect) -> Vec<Told> {
        Teller { comparer: &self.linkage.comparer, dialect }.tell()
    }

    fn rates(&self, at: usize, context: usize, level: usize) -> Option<&Level> {
        self.known.evidence.get(at)?.contexts.get(context)?.levels.get(level)
    }

    /// The settings that Splink reads.
    pub fn settings(&self, dialect: Dialect) -> String {
        let comparisons: Vec<Value> =
            self.told(dialect).iter().map(|told| self.comparison(told)).collect();
        let prior = super::model::probability(self.known.prior);
        let is_between = self.linkage.comparer.is_between();
        let link_type = if is_between { "link_only" } else { "dedupe_only" };
        let rules = self.keys.iter().map(|key| {
            let parts = key.iter().map(|column| format!("l.{column} = r.{column}"));
            json!({ "blocking_rule": parts.collect::<Vec<_>>().join(" AND ") })
        });
        let rules: Vec<Value> = rules.collect();
        let settings = json!({
            "link_type": link_type,
            "probability_two_random_records_match": prior,
            "unique_id_column_name": "unique_id",
            "source_dataset_column_name": "source_dataset",
            "retain_matching_columns": false,
            "retain_intermediate_calculation_columns": true,
            "blocking_rules_to_generate_predictions": rules,
            "comparisons": comparisons,
        });
        format!("{settings:#}\n")
    }

    fn comparison(&self, told: &Told) -> Value {
        let blank = json!({
            "sql_condition": told.blank,
            "label_for_charts": "a side says nothing",
            "is_null_level": true,
        });
        let mut levels: Vec<Value> = Vec::new();
        let before = told.asked.iter().take(told.asked_before_blank);
        let before: usize = before.map(|asked| of_asked(told, asked).len()).sum();
        for (at, entry) in entries(told).into_iter().enumerate() {
            if at == before {
                levels.push(blank.clone());
            }
            let Some(rates) = self.rates(told.at, entry.context, entry.level) else { continue };
            let context = told.ladder.contexts.get(entry.context).copied().unwrap_or_default();
            let nearly = if entry.is_nearly { NEARLY } else { "" };
            let mut level = json!({
                "sql_condition": entry.sql,
                "label_for_charts": label(&rates.says, context) + nearly,
                "m_probability": rates.m,
                "u_probability": rates.u,
            });
            if let (Some(frequency), Some(level)) = (entry.frequency, level.as_object_mut()) {
                level.insert("tf_adjustment_column".to_owned(), frequency.name().into());
                level.insert("tf_adjustment_weight".to_owned(), 1.0.into());
                level.insert("disable_tf_exact_match_detection".to_owned(), true.into());
            }
            levels.push(level);
        }
        json!({
            "output_column_name": told.name.replace(' ', "_"),
            "comparison_description": told.name,
            "comparison_levels": levels,
        })
    }

    /// The names of the prepared columns: what conditions refer to, and then the frequencies.
    pub fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = self.columns.iter().map(Column::to_string).collect();
        for name in self.frequencies.keys() {
            if !header.contains(name) {
                header.push(name.clone());
            }
        }
        header.extend(self.frequencies.keys().map(|name| format!("tf_{name}")));
        header
    }

    /// The prepared columns of a record, in the order of the header; empty for none.
    pub fn row(&self, record: u32) -> Vec<String> {
        let record = self.linkage.copies.standing_for(record);
        let comparer = &self.linkage.comparer;
        let value = |column: Column| column.of(comparer, record).text.into_owned();
        let mut row: Vec<String> = self.columns.iter().map(|column| value(*column)).collect();
        let mut chances = Vec::new();
        let names: BTreeSet<String> = self.columns.iter().map(Column::to_string).collect();
        for (name, frequency) in &self.frequencies {
            let (text, chance) = self.frequency(frequency, record);
            chances.push(if text.is_empty() { String::new() } else { chance.to_string() });
            if !names.contains(name) {
                row.push(text);
            }
        }
        row.extend(chances);
        row
    }

    /// A record's value with what it is counted among, and the frequency that makes the level worth what it is
    /// here: log2(m / frequency).
    fn frequency(&self, frequency: &Frequency, record: u32) -> (String, f64) {
        let comparer = &self.linkage.comparer;
        let Frequency { level, context, at, .. } = *frequency;
        let of = frequency.of.of(comparer, record);
        let value =
            |among: u32| Term::Value { held: float(of.held), among: float(among.max(of.held)) };
        let mut text = of.text.clone();
        let comparison = comparer.comparisons.get(at).map(|(comparison, _)| *comparison);
        let term = match frequency.among {
            Among::All if comparison == Some(Comparison::Company) => {
                let name = comparer.facets.line(record).company;
                let others = comparer.facets.others_of_name(name);
                Term::Name { held: float(of.held), others }
            }
            Among::All => value(comparer.facets.len),
            Among::Holders => value(of.held),
            Among::Those(by) => {
                let by = by.of(comparer, record);
                text = of.and(&by).text;
                if frequency.of == Column::FullName {
                    let alone = Column::FirstName.of(comparer, record).held;
                    let [held, among, alone] = [of.held, by.held.max(of.held), alone].map(float);
                    Term::Within { held, among, alone }
                } else {
                    value(by.held)
                }
            }
            Among::Level => Term::LevelOf { held: float(of.held) },
        };
        let outcome = comparer.by_place(Outcome { level: Some(level), context, term });
        let weight = self.linkage.model.weight(at, comparer, &outcome);
        let m = self.rates(at, context.into(), level.into()).map_or(1.0, |rates| rates.m);
        (text.into_owned(), m / weight.exp2())
    }

    /// What Splink makes differently, as lines of CSV with a header: the comparison, the level, the
    /// circumstances, how far they can be told, and why not wholly.
    pub fn limits(&self) -> Vec<[String; 5]> {
        let mut limits =
            vec![["comparison", "level", "circumstances", "told", "why"].map(str::to_owned)];
        for told in &self.told(Dialect::DuckDb) {
            let entries = entries(told);
            for (context, name) in told.ladder.contexts.iter().enumerate() {
                for (level, rung) in told.ladder.levels.iter().enumerate() {
                    let mut add = |how: &str, why: &str| {
                        limits.push([&told.name, rung.says, name, how, why].map(str::to_owned));
                    };
                    let is_there =
                        |entry: &&Entry| entry.level == level && entry.context == context;
                    if !entries.iter().any(|entry| is_there(&entry)) {
                        if let Some(why) = told.why_not(context, level) {
                            add("no", why);
                        }
                        continue;
                    }
                    if let Some(why) = told.why_nearly(context, level) {
                        add("nearly", why);
                    }
                }
            }
        }
        for (what, why) in BEYOND {
            limits.push(["", what, "", "nearly", why].map(str::to_owned));
        }
        limits
    }
}

const SHARED_EXACTLY: &str = "frequencies are counted among those who share both values exactly";

/// What holds for all comparisons.
const BEYOND: [(&str, &str); 2] = [
    (
        "which pairs are compared",
        "those that share a key of the settings; here also those whose names sound alike or begin alike or share a \
         rare word, and a key that too many share is parted",
    ),
    ("letters outside ASCII", "similarity counts letters here, and bytes in DuckDB"),
];

impl Told {
    /// Why a level is not told; `None` where its circumstances cannot come up.
    fn why_not(&self, context: usize, level: usize) -> Option<&'static str> {
        let of = |list: &[(usize, &'static str)], at: usize| {
            list.iter().find(|(other, _)| *other == at).map(|(_, why)| *why)
        };
        of(&self.untold_circumstances, context).or_else(|| of(&self.untold, level))
    }

    /// Why a level is told nearly; `None` where it is told wholly.
    fn why_nearly(&self, context: usize, level: usize) -> Option<&'static str> {
        let under = self.circumstances.iter().find(|under| under.context == context);
        let worth = under.map_or(Worth::Value(Among::All), |under| under.worth);
        let of_asked = |asked: &Asked| match (asked.value, worth) {
            (Some(_), Worth::Value(Among::Those(_))) => Some(SHARED_EXACTLY),
            (_, Worth::Value(_)) => asked.nearly.or(asked.loosely),
            (_, Worth::Level | Worth::Place | Worth::Name) => asked.loosely,
        };
        let mut asked = self.asked.iter().filter(|asked| asked.level == level);
        asked.find_map(of_asked).or_else(|| under.and_then(|under| under.in_part))
    }
}

/// Of the keys that two records of one thing hardly ever both have wrong, those that these records have.
fn keys(comparer: &Comparer) -> Vec<Vec<Column>> {
    let (first, last) = (Column::FirstName, Column::LastName);
    let mut keys = vec![
        vec![Column::Mail],
        vec![Column::Phone(0)],
        vec![Column::FullName],
        vec![last, Column::Company],
        vec![last, Column::Domain],
        vec![first, Column::Company],
        vec![first, Column::Domain],
        vec![last, Column::City],
        vec![last, Column::Postcode],
        vec![first, Column::Postcode],
        vec![last, Column::Street],
        vec![first, Column::Street],
        vec![last, Column::Birth],
        vec![first, Column::Birth],
        vec![Column::Birth, Column::Postcode],
        vec![Column::Birth, Column::City],
    ];
    let facets = &comparer.facets;
    if !facets.are_people() {
        keys.extend([
            vec![Column::CompanyLabel],
            vec![Column::DomainLabel],
            vec![Column::Street, Column::Postcode],
            vec![Column::Street, Column::City],
        ]);
        keys.extend((0..facets.texts.len()).map(|at| vec![Column::Text(at)]));
    }
    keys.extend((0..facets.identifiers.len()).map(|at| vec![Column::Identifier(at)]));
    let is_there = |column: &Column| {
        (0..facets.len).any(|record| !column.of(comparer, record).text.is_empty())
    };
    keys.retain(|key| key.iter().all(is_there));
    keys
}

/// Every level in every circumstance, in the order in which they are asked for.
fn entries(told: &Told) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        told.asked.iter().flat_map(|asked| of_asked(told, asked)).collect();
    let otherwise = |context: usize, sql: &str| Entry {
        level: told.otherwise,
        context,
        sql: sql.to_owned(),
        frequency: None,
        is_nearly: false,
    };
    entries.extend(told.circumstances.iter().map(|under| otherwise(under.context, &under.when)));
    entries.push(otherwise(0, "ELSE"));
    entries
}

/// A level in every circumstance.
fn of_asked(told: &Told, asked: &Asked) -> Vec<Entry> {
    let mut entries = Vec::new();
    for under in &told.circumstances {
        entries.extend(in_circumstance(told, asked, under));
    }
    entries.push(entry(told, asked, 0, asked.when.clone(), asked.value.map(|of| (of, Among::All))));
    entries
}

fn in_circumstance(told: &Told, asked: &Asked, under: &Circumstance) -> Vec<Entry> {
    let sql = format!("({}) AND {}", asked.when, under.when);
    let of = |sql: String, counted: Option<(Column, Among)>| {
        entry(told, asked, under.context, sql, counted)
    };
    match (asked.value, under.worth) {
        (Some(value), Worth::Value(Among::Those(by))) => {
            let exact = format!("{sql} AND {by}_l = {by}_r");
            let exact = of(exact, Some((value, Among::Those(by))));
            let nearly = Entry { is_nearly: true, ..of(sql, Some((value, Among::All))) };
            if exact.is_nearly { vec![nearly] } else { vec![exact, nearly] }
        }
        (value, Worth::Value(among)) => vec![of(sql, value.map(|value| (value, among)))],
        (Some(_), Worth::Name) if asked.level == 0 => {
            vec![of(sql, Some((Column::FullName, Among::Those(Column::LastName))))]
        }
        (Some(value @ (Column::City | Column::Postcode)), Worth::Place) => {
            vec![of(sql, Some((value, Among::Level)))]
        }
        (_, Worth::Level | Worth::Place | Worth::Name) => {
            vec![Entry { is_nearly: false, ..of(sql, None) }]
        }
    }
}

fn entry(
    told: &Told,
    asked: &Asked,
    context: usize,
    sql: String,
    counted: Option<(Column, Among)>,
) -> Entry {
    let narrow = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let frequency = counted.map(|(of, among)| Frequency {
        of,
        among,
        at: told.at,
        level: narrow(asked.level),
        context: narrow(context),
    });
    Entry { level: asked.level, context, sql, frequency, is_nearly: asked.nearly.is_some() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::matching::normalise::Lists;
    use crate::matching::{Kind, Plan, Records, link};

    /// Two records that say something in every column.
    struct Rows(Vec<(Kind, &'static str)>);

    impl Records for Rows {
        fn len(&self) -> u32 {
            2
        }

        fn value(&self, _at: u32, column: usize) -> Option<&str> {
            self.0.get(column).map(|(_, value)| *value)
        }
    }

    const ANYBODY: [(Kind, &str); 14] = [
        (Kind::Mail, "ann.lee@acme.com"),
        (Kind::Phone, "+1 212 555 0100"),
        (Kind::Company, "Acme Foods"),
        (Kind::Web, "acme.com"),
        (Kind::Street, "1 Main Street"),
        (Kind::City, "Springfield"),
        (Kind::Region, "Ohio"),
        (Kind::Postcode, "43215"),
        (Kind::Country, "USA"),
        (Kind::Birth, "1980-02-03"),
        (Kind::Identifier, "A1"),
        (Kind::Identifier, "B2"),
        (Kind::Text, "head of sales"),
        (Kind::Category, "f"),
    ];

    fn linked(more: &[(Kind, &'static str)]) -> Linkage {
        let rows = Rows([more, &ANYBODY].concat());
        let plan = Plan {
            columns: &rows.0.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            lists: &Lists::default(),
            largest_block: 50,
            least_bits: -10.0,
            threads: NonZeroUsize::MIN,
        };
        link(&rows, plan)
    }

    fn people_and_companies() -> [Linkage; 2] {
        [linked(&[(Kind::FirstName, "Ann"), (Kind::LastName, "Lee")]), linked(&[])]
    }

    #[test]
    fn every_level_is_told_or_it_is_said_why_not() {
        let mut never = BTreeSet::new();
        for linkage in &people_and_companies() {
            for told in linkage.for_splink().told(Dialect::DuckDb) {
                let entries = entries(&told);
                for (context, name) in told.ladder.contexts.iter().enumerate() {
                    let comes_up = context == 0
                        || told.circumstances.iter().any(|under| under.context == context)
                        || told.untold_circumstances.iter().any(|(other, _)| *other == context);
                    if !comes_up {
                        never.insert((told.name.clone(), *name));
                        continue;
                    }
                    for (level, rung) in told.ladder.levels.iter().enumerate() {
                        let is_told = entries
                            .iter()
                            .any(|entry| (entry.context, entry.level) == (context, level));
                        let is_why = told.why_not(context, level).is_some();
                        assert!(is_told || is_why, "{}: {}, {name}", told.name, rung.says);
                    }
                }
            }
        }
        // People have no companies to be named by, and companies no colleagues and no names.
        let expected = [
            ("category", "under names with a word in common"),
            ("category", "under related names"),
            ("mail address", "at one workplace"),
            ("mail address", "under names that look alike"),
            ("mail address", "under one first or last name"),
            ("mail address", "under one name"),
        ];
        let never: Vec<(&str, &str)> =
            never.iter().map(|(name, under)| (&**name, *under)).collect();
        assert_eq!(never, expected);
    }

    #[test]
    fn every_column_of_the_settings_is_prepared() {
        for linkage in &people_and_companies() {
            let export = linkage.for_splink();
            let header = export.header();
            assert_eq!(export.row(0).len(), header.len());
            let unique: BTreeSet<&String> = header.iter().collect();
            assert_eq!(unique.len(), header.len(), "{header:?}");
            for dialect in Dialect::ALL {
                let settings: Value = serde_json::from_str(&export.settings(dialect)).unwrap();
                let mut named = BTreeSet::new();
                for comparison in settings["comparisons"].as_array().unwrap() {
                    for level in comparison["comparison_levels"].as_array().unwrap() {
                        let sql = level["sql_condition"].as_str().unwrap();
                        let words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                        named.extend(words.filter_map(|word| {
                            word.strip_suffix("_l").or(word.strip_suffix("_r")).map(str::to_owned)
                        }));
                        if let Some(value) = level["tf_adjustment_column"].as_str() {
                            named.extend([value.to_owned(), format!("tf_{value}")]);
                        }
                    }
                }
                for rule in settings["blocking_rules_to_generate_predictions"].as_array().unwrap() {
                    let rule = rule["blocking_rule"].as_str().unwrap();
                    let words = rule.split(' ').filter_map(|word| word.strip_prefix("l."));
                    named.extend(words.map(str::to_owned));
                }
                let missing: Vec<&String> =
                    named.iter().filter(|name| !header.contains(name)).collect();
                assert!(missing.is_empty() && named.len() > 20, "{missing:?}");
            }
        }
    }
}
