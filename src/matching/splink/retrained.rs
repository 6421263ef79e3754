//! What Splink learned anew, taken back into a model.
//!
//! Splink counts how often pairs reach a level in some circumstance among all pairs, the model how often
//! among pairs in that circumstance: each circumstance's rates are brought to a sum of one. Levels that SQL
//! cannot tell share the rate of the level that their pairs fall to, in the proportions they had. Does
//! not: touch a comparison whose rates Splink left as they were.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{NEARLY, label};
use crate::matching::model::probability;
use crate::matching::parameters::{Context, Evidence, Level, Parameters};

/// Why what Splink learned cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no settings file of Splink.
    #[error("line {line}: {why}\n  hint: give the file that Splink's `save_model_to_json` wrote")]
    Unreadable {
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It was made of another model.
    #[error(
        "its `{comparison}` has the level `{label}`, which the model does not know\n  hint: give the model that was \
         written beside the settings Splink trained, and leave the labels as they are"
    )]
    Unknown {
        /// The comparison.
        comparison: String,
        /// The level's label.
        label: String,
    },
    /// A rate is none.
    #[error(
        "its `{comparison}` has {value} for the level `{label}`\n  hint: a rate lies between 0 and 1; train again in Splink"
    )]
    OutOfRange {
        /// The comparison.
        comparison: String,
        /// The level's label.
        label: String,
        /// What it has.
        value: String,
    },
}

#[derive(Deserialize)]
struct Settings {
    probability_two_random_records_match: f64,
    comparisons: Vec<Comparison>,
}

#[derive(Deserialize)]
struct Comparison {
    output_column_name: String,
    comparison_levels: Vec<SplinkLevel>,
}

#[derive(Deserialize)]
struct SplinkLevel {
    #[serde(default)]
    label_for_charts: String,
    m_probability: Option<f64>,
    u_probability: Option<f64>,
    #[serde(default)]
    is_null_level: bool,
}

/// No level is impossible: one that Splink never saw may still come up.
const LEAST: f64 = 1e-12;

/// The model with what Splink learned in place of what it knew.
pub fn retrained(known: &Parameters, settings: &str) -> Result<Parameters, Unfit> {
    let settings: Settings = serde_json::from_str(settings)
        .map_err(|error| Unfit::Unreadable { line: error.line().max(1), why: error.to_string() })?;
    let mut new = known.clone();
    let (chance, before) =
        (settings.probability_two_random_records_match, probability(known.prior));
    if !(chance > 0.0 && chance < 1.0) {
        return Err(Unfit::OutOfRange {
            comparison: "settings".to_owned(),
            label: "probability_two_random_records_match".to_owned(),
            value: chance.to_string(),
        });
    }
    if !is_same(chance, before) {
        new.prior = (chance / (1.0 - chance)).log2();
        new.expected *= chance / before;
    }
    for comparison in &settings.comparisons {
        let name = &comparison.output_column_name;
        let evidence = new.evidence.iter_mut().find(|known| known.name.replace(' ', "_") == *name);
        let Some(evidence) = evidence else {
            let label = comparison.comparison_levels.first();
            let label = label.map(|level| level.label_for_charts.clone()).unwrap_or_default();
            return Err(Unfit::Unknown { comparison: name.clone(), label });
        };
        for side in [Side::Match, Side::Other] {
            take(evidence, comparison, side)?;
        }
    }
    Ok(new)
}

/// Which of the two rates.
#[derive(Clone, Copy)]
enum Side {
    Match,
    Other,
}

impl Side {
    fn of(self, level: &SplinkLevel) -> Option<f64> {
        match self {
            Self::Match => level.m_probability,
            Self::Other => level.u_probability,
        }
    }

    fn known(self, level: &mut Level) -> &mut f64 {
        match self {
            Self::Match => &mut level.m,
            Self::Other => &mut level.u,
        }
    }
}

/// Numbers that went through a file of another program.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * other.abs()
}

/// What Splink says of one level in one circumstance.
#[derive(Default)]
struct Found {
    /// How often pairs reach it; the level may stand there several times. `None` where Splink saw none.
    rate: Option<f64>,
    /// Where it stands last: of a circumstance's levels the last is that of all other pairs.
    place: usize,
}

fn take(evidence: &mut Evidence, comparison: &Comparison, side: Side) -> Result<(), Unfit> {
    let mut found: BTreeMap<(usize, usize), Found> = BTreeMap::new();
    let mut is_changed = false;
    let levels = comparison.comparison_levels.iter().filter(|level| !level.is_null_level);
    for (place, level) in levels.enumerate() {
        let label = level.label_for_charts.as_str();
        let told = || (comparison.output_column_name.clone(), label.to_owned());
        let Some(at) = place_of(evidence, label.strip_suffix(NEARLY).unwrap_or(label)) else {
            let (comparison, label) = told();
            return Err(Unfit::Unknown { comparison, label });
        };
        let entry = found.entry(at).or_default();
        entry.place = place;
        let Some(rate) = side.of(level) else {
            is_changed = true;
            continue;
        };
        if !(0.0..=1.0).contains(&rate) {
            let (comparison, label) = told();
            return Err(Unfit::OutOfRange { comparison, label, value: rate.to_string() });
        }
        entry.rate = Some(entry.rate.unwrap_or(0.0) + rate);
        let before = evidence.contexts.get_mut(at.0).and_then(|known| known.levels.get_mut(at.1));
        is_changed |= before.is_some_and(|before| !is_same(rate, *side.known(before)));
    }
    if !is_changed {
        return Ok(());
    }
    for (at, context) in evidence.contexts.iter_mut().enumerate() {
        let of_context = found.range((at, 0)..(at + 1, 0));
        let of_context: BTreeMap<usize, &Found> =
            of_context.map(|((_, level), found)| (*level, found)).collect();
        settle(context, &of_context, side);
    }
    Ok(())
}

/// The context and level of a label.
fn place_of(evidence: &Evidence, words: &str) -> Option<(usize, usize)> {
    evidence.contexts.iter().enumerate().find_map(|(at, context)| {
        let is_it = |level: &Level| label(&level.says, &context.name) == words;
        Some((at, context.levels.iter().position(is_it)?))
    })
}

/// Brings a circumstance's rates to a sum of one.
fn settle(context: &mut Context, found: &BTreeMap<usize, &Found>, side: Side) {
    let total: f64 = found.values().filter_map(|found| found.rate).sum();
    let others = found.iter().max_by_key(|(_, found)| found.place).map(|(level, _)| *level);
    let Some(others) = others.filter(|_| total > 0.0) else { return };
    // What Splink never saw keeps its rate; what it cannot tell is among all other pairs.
    let mut unseen = 0.0;
    let mut untold = 0.0;
    for (at, level) in context.levels.iter_mut().enumerate() {
        match found.get(&at) {
            Some(Found { rate: None, .. }) => unseen += *side.known(level),
            Some(Found { rate: Some(_), .. }) if at == others => untold += *side.known(level),
            Some(Found { rate: Some(_), .. }) => {}
            None => untold += *side.known(level),
        }
    }
    let scale = (1.0 - unseen).max(0.0) / total;
    let rest = found.get(&others).and_then(|found| found.rate).unwrap_or(0.0) * scale;
    for (at, level) in context.levels.iter_mut().enumerate() {
        let known = side.known(level);
        *known = match found.get(&at) {
            Some(Found { rate: None, .. }) => *known,
            Some(Found { rate: Some(rate), .. }) if at != others => rate * scale,
            // Where Splink saw none of the other pairs, what it cannot tell keeps its rate.
            Some(_) | None if rest > 0.0 && untold > 0.0 => rest * *known / untold,
            Some(_) | None => *known,
        }
        .clamp(LEAST, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three levels, of which Splink cannot tell the second, in two circumstances.
    const KNOWN: &str = r#"
format = "crm-review model 1"
prior = -10.0
expected = 20.0

[[comparison]]
name = "last name"
rarer = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]

[[comparison.context]]
levels = [
  { m = 0.8, u = 0.01, says = "same" },
  { m = 0.15, u = 0.09, says = "alike" },
  { m = 0.05, u = 0.9, says = "different" },
]

[[comparison.context]]
when = "at home"
levels = [
  { m = 0.5, u = 0.25, says = "same" },
  { m = 0.25, u = 0.25, says = "alike" },
  { m = 0.25, u = 0.5, says = "different" },
]
"#;

    /// What Splink has, with rates of matches for the levels that it can tell.
    fn settings(prior: f64, m: [Option<f64>; 4]) -> String {
        let labels = ["same, at home", "same (nearly)", "different, at home", "different"];
        let u = [0.25, 0.01, 0.5, 0.9];
        let mut levels = vec![serde_json::json!({
            "sql_condition": "last_name_l IS NULL",
            "label_for_charts": "a side says nothing",
            "is_null_level": true,
        })];
        for ((label, m), u) in labels.iter().zip(m).zip(u) {
            let mut level = serde_json::json!({ "label_for_charts": label, "u_probability": u });
            if let Some(m) = m {
                level["m_probability"] = m.into();
            }
            levels.push(level);
        }
        serde_json::json!({
            "probability_two_random_records_match": prior,
            "comparisons": [{ "output_column_name": "last_name", "comparison_levels": levels }],
        })
        .to_string()
    }

    fn taken(settings: &str) -> Result<Parameters, Unfit> {
        retrained(&Parameters::parse(KNOWN).unwrap(), settings)
    }

    #[track_caller]
    fn check(prior: f64, m: [Option<f64>; 4], expect: [[f64; 3]; 2]) -> Parameters {
        let new = taken(&settings(prior, m)).unwrap();
        for (context, expect) in new.evidence[0].contexts.iter().zip(expect) {
            for (level, expect) in context.levels.iter().zip(expect) {
                assert!((level.m - expect).abs() < 1e-9, "{context:?}: {expect}");
            }
        }
        new
    }

    const PRIOR: f64 = 1.0 / 1025.0;

    #[test]
    fn what_splink_left_alone_stays_to_the_last_bit() {
        let new = taken(&settings(PRIOR, [0.5, 0.8, 0.25, 0.05].map(Some))).unwrap();
        assert_eq!(new, Parameters::parse(KNOWN).unwrap());
    }

    #[test]
    fn rates_among_all_pairs_become_rates_in_the_circumstances() {
        // At home are four of ten matches; three in four of them have the same name.
        let m = [0.3, 0.48, 0.1, 0.12].map(Some);
        // What Splink cannot tell is among the different names, as many as before.
        let new = check(PRIOR, m, [[0.8, 0.15, 0.05], [0.75, 0.125, 0.125]]);
        let u = |known: &Parameters| known.evidence[0].contexts[0].levels[0].u.to_bits();
        assert_eq!(u(&new), u(&Parameters::parse(KNOWN).unwrap()), "u is as it was");
        assert_eq!((new.prior, new.expected), (-10.0, 20.0));
    }

    #[test]
    fn what_splink_never_saw_keeps_its_rate() {
        let m = [None, Some(0.9), Some(0.05), Some(0.1)];
        check(PRIOR, m, [[0.9, 0.075, 0.025], [0.5, 0.25, 0.25]]);
    }

    #[test]
    fn the_prior_comes_with_as_many_matches_more() {
        let m = [0.5, 0.8, 0.25, 0.05].map(Some);
        let new = check(PRIOR * 2.0, m, [[0.8, 0.15, 0.05], [0.5, 0.25, 0.25]]);
        assert!((new.expected - 40.0).abs() < 1e-9);
        assert!((probability(new.prior) - PRIOR * 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_of_this_model_is_told() {
        let good = settings(PRIOR, [Some(0.5), None, None, None]);
        for (text, words) in [
            ("{\n \"comparisons\": []}".to_owned(), "line 2: missing field"),
            (good.replace("\"different\"", "\"other\""), "`last_name` has the level `other`"),
            (good.replace("\"last_name\"", "\"surname\""), "`surname` has the level"),
            (good.replace("0.5,", "7.5,"), "`last_name` has 7.5 for the level"),
            (settings(1.5, [None; 4]), "`settings` has 1.5 for"),
        ] {
            let said = taken(&text).unwrap_err().to_string();
            assert!(said.contains(words) && said.contains("\n  hint: "), "{text}: {said}");
        }
    }
}
