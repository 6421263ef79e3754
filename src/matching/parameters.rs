//! What linkage learned, as a value and as a text that people can read and keep: a model trained once
//! scores the same records the same, bit for bit, and other records alike.
//!
//! The text is TOML: the odds of two records drawn at random, and for each comparison, circumstance and
//! level how often matches (`m`) and others (`u`) reach it. Numbers are written so that reading them gives
//! back the same number. Does not: hold a value of a record, or a count that would tell one.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::compare::{Comparer, Comparison};
use super::ladder::Ladder;
use super::model::{CLASSES, Model, Rarer};

/// The first line that tells a model from other files, and how to read it.
const FORMAT: &str = "crm-review model 1";

/// What linkage learned of a set of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// The odds that two records drawn at random are one, in bits.
    pub(super) prior: f64,
    /// How many matching pairs the records are expected to hold.
    pub(super) expected: f64,
    pub(super) evidence: Vec<Evidence>,
}

/// The parameters of one comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    /// The ladder's name, and the number of the column where several are compared alike.
    pub(super) name: String,
    /// Bits by which values are rarer among records that differ than their frequency says.
    pub(super) rarer: Rarer,
    pub(super) contexts: Vec<Context>,
}

/// The levels of a comparison under some circumstances.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Context {
    /// The circumstances in words; empty for none.
    pub(super) name: String,
    pub(super) levels: Vec<Level>,
}

/// How often a level is reached.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    pub(super) says: String,
    /// Among pairs that are one.
    pub(super) m: f64,
    /// Among pairs that are not.
    pub(super) u: f64,
}

/// How often a level is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate<'p> {
    /// What is compared.
    pub of: &'p str,
    /// Under which circumstances; empty for none.
    pub under: &'p str,
    /// The level in words.
    pub says: &'p str,
    /// Among pairs that are one.
    pub m: f64,
    /// Among pairs that are not; where the value's frequency counts, that stands in its place.
    pub u: f64,
}

/// Why a text is no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is something else, or cut short or changed so that it cannot be read.
    #[error(
        "line {line}: {why}\n  hint: --model reads what --model-out wrote; train again to have it anew"
    )]
    Damaged {
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It is a model of another version of the program.
    #[error(
        "it is of the format `{format}`, and this program reads `{FORMAT}`\n  hint: train again with --model-out"
    )]
    OtherFormat {
        /// What it says it is.
        format: String,
    },
    /// A number is none that a model could have.
    #[error(
        "line {line}: {name} is {value}, which is no {wanted}\n  hint: put the number right, or train again with --model-out"
    )]
    OutOfRange {
        /// The line.
        line: usize,
        /// Which number.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
}

/// Why a model does not fit the records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The records say something that the model does not weigh.
    #[error(
        "the model does not weigh the {comparison}, which these records hold\n  hint: leave its columns out with \
         --kind COLUMN=none, or train a model on records that have them"
    )]
    Unweighed {
        /// What it does not weigh.
        comparison: String,
    },
    /// The model weighs something of which the records say nothing.
    #[error(
        "the model weighs the {comparison}, of which these records say nothing\n  hint: name the column that holds it \
         with --kind COLUMN=KIND, or train a model on records like these"
    )]
    Missing {
        /// What it weighs.
        comparison: String,
    },
    /// A comparison has other levels than those the model was trained on.
    #[error(
        "the model knows other levels of the {comparison}: `{known}` where this program has `{here}`\n  hint: the model \
         is of another version of the program; train again with --model-out"
    )]
    OtherLevels {
        /// The comparison.
        comparison: String,
        /// What the model has.
        known: String,
        /// What the program has.
        here: String,
    },
}

/// What a comparison is called where it has to be told from others of its kind.
pub(super) fn name(comparison: Comparison, ladder: &Ladder) -> String {
    let at = match comparison {
        Comparison::Identifier(at) | Comparison::Text(at) | Comparison::Category(at) => at,
        Comparison::Workplace
        | Comparison::Company
        | Comparison::Domain
        | Comparison::Phone
        | Comparison::Address
        | Comparison::FirstName
        | Comparison::LastName
        | Comparison::Mail
        | Comparison::Birth => 0,
    };
    if at == 0 { ladder.name.to_owned() } else { format!("{} {}", ladder.name, at + 1) }
}

impl Parameters {
    /// What a model knows.
    pub(super) fn of(model: &Model, comparer: &Comparer) -> Self {
        let evidence = comparer.comparisons.iter().zip(&model.parameters);
        let evidence = evidence.map(|((comparison, ladder), known)| {
            let rates = known.m.iter().zip(&known.u);
            let contexts = ladder.contexts.iter().zip(rates).map(|(name, (m, u))| Context {
                name: (*name).to_owned(),
                levels: (ladder.levels.iter().zip(m.iter().zip(u)))
                    .map(|(level, (m, u))| Level { says: level.says.to_owned(), m: *m, u: *u })
                    .collect(),
            });
            Evidence {
                name: name(*comparison, ladder),
                rarer: known.rarer,
                contexts: contexts.collect(),
            }
        });
        Self { prior: model.prior, expected: model.expected, evidence: evidence.collect() }
    }

    /// The model for records that offer the same comparisons.
    pub(super) fn pin(&self, comparer: &Comparer) -> Result<Model, Mismatch> {
        let mut model = Model::usual(comparer);
        model.prior = self.prior;
        model.expected = self.expected;
        let here = |at: usize| {
            comparer.comparisons.get(at).map(|(comparison, ladder)| name(*comparison, ladder))
        };
        let is_known = |name: &String| self.evidence.iter().any(|known| known.name == *name);
        let mut names = (0..comparer.comparisons.len()).filter_map(here);
        if let Some(comparison) = names.find(|name| !is_known(name)) {
            return Err(Mismatch::Unweighed { comparison });
        }
        for (at, known) in self.evidence.iter().enumerate() {
            let place = comparer.comparisons.get(at).zip(model.parameters.get_mut(at));
            let place =
                place.filter(|((comparison, ladder), _)| name(*comparison, ladder) == known.name);
            let Some(((_, ladder), rates)) = place else {
                return Err(Mismatch::Missing { comparison: known.name.clone() });
            };
            known.fits(ladder)?;
            rates.rarer = known.rarer;
            for (context, (m, u)) in known.contexts.iter().zip(rates.m.iter_mut().zip(&mut rates.u))
            {
                for (level, (m, u)) in context.levels.iter().zip(m.iter_mut().zip(u)) {
                    (*m, *u) = (level.m, level.u);
                }
            }
        }
        model.settle(comparer);
        Ok(model)
    }

    /// The odds that two records drawn at random are one, in bits.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// Every level, comparison by comparison.
    pub fn rates(&self) -> impl Iterator<Item = Rate<'_>> {
        self.evidence.iter().flat_map(|evidence| {
            evidence.contexts.iter().flat_map(move |context| {
                context.levels.iter().map(move |level| Rate {
                    of: &evidence.name,
                    under: &context.name,
                    says: &level.says,
                    m: level.m,
                    u: level.u,
                })
            })
        })
    }

    /// Reads what [`Parameters::to_toml`] wrote.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let line_of = |at: Range<usize>| {
            text.get(..at.start)
                .map_or(1, |before| before.bytes().filter(|b| *b == b'\n').count() + 1)
        };
        let damaged = |error: toml::de::Error| Unreadable::Damaged {
            line: error.span().map_or(1, line_of),
            why: error.message().to_owned(),
        };
        let head: wire::Head = toml::from_str(text).map_err(damaged)?;
        if head.format != FORMAT {
            return Err(Unreadable::OtherFormat { format: head.format });
        }
        let file: wire::File = toml::from_str(text).map_err(damaged)?;
        let number = |name: &'static str, value: &Spanned<f64>, wanted: &Wanted| {
            let (words, is_right) = *wanted;
            if is_right(*value.get_ref()) {
                return Ok(*value.get_ref());
            }
            let (line, value) = (line_of(value.span()), value.get_ref().to_string());
            Err(Unreadable::OutOfRange { line, name, value, wanted: words })
        };
        let mut evidence = Vec::new();
        for found in &file.comparison {
            let mut rarer = Rarer::default();
            for (rarer, found) in rarer.iter_mut().zip(&found.rarer) {
                *rarer = number("`rarer`", found, &BITS)?;
            }
            let mut contexts = Vec::new();
            for context in &found.context {
                let mut levels = Vec::new();
                for level in &context.levels {
                    let (m, u) =
                        (number("`m`", &level.m, &SHARE)?, number("`u`", &level.u, &SHARE)?);
                    levels.push(Level { says: level.says.clone(), m, u });
                }
                contexts.push(Context { name: context.when.clone().unwrap_or_default(), levels });
            }
            evidence.push(Evidence { name: found.name.clone(), rarer, contexts });
        }
        Ok(Self {
            prior: number("`prior`", &file.prior, &BITS)?,
            expected: number("`expected`", &file.expected, &COUNT)?,
            evidence,
        })
    }

    /// The text that is kept.
    pub fn to_toml(&self) -> String {
        let mut out = format!(
            "# What linkage learned of a set of records: levels by how often pairs reach them.\n\
             # A level is worth log2(m / u) bits; a value that is compared by its frequency, log2(m / frequency),\
             \x20where both spellings of a company's name have one m, the sum of theirs.\n\
             format = {FORMAT:?}\n\n\
             # The odds that two records drawn at random are one, in bits.\n\
             prior = {:?}\n\
             # How many matching pairs are expected.\n\
             expected = {:?}\n",
            self.prior, self.expected
        );
        for evidence in &self.evidence {
            let rarer: Vec<String> =
                evidence.rarer.iter().map(|bits| format!("{bits:?}")).collect();
            out.push_str(&format!(
                "\n[[comparison]]\nname = {}\n\
                 # Bits by which values are rarer than their frequency says, by how many records hold them:\n\
                 # 2, {}.\n\
                 rarer = [{}]\n",
                quoted(&evidence.name),
                classes(),
                rarer.join(", ")
            ));
            for context in &evidence.contexts {
                out.push_str("\n[[comparison.context]]\n");
                if !context.name.is_empty() {
                    out.push_str(&format!("when = {}\n", quoted(&context.name)));
                }
                out.push_str("levels = [\n");
                for Level { says, m, u } in &context.levels {
                    out.push_str(&format!(
                        "  {{ m = {m:?}, u = {u:?}, says = {} }},\n",
                        quoted(says)
                    ));
                }
                out.push_str("]\n");
            }
        }
        out
    }
}

/// The classes of [`CLASSES`] after the first, in words.
fn classes() -> String {
    let mut from = CLASSES.iter().peekable();
    let mut words = Vec::new();
    while let Some(least) = from.next() {
        words.push(match from.peek() {
            Some(next) if **next - 1.0 > *least => format!("{least} to {}", **next - 1.0),
            Some(_) => least.to_string(),
            None => format!("{least} and more"),
        });
    }
    words.join(", ")
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

impl Evidence {
    /// Fails where a ladder has other contexts or levels.
    fn fits(&self, ladder: &Ladder) -> Result<(), Mismatch> {
        let other = |known: Option<&str>, here: Option<&str>| {
            let words = |words: Option<&str>| words.unwrap_or("nothing").to_owned();
            let (known, here) = (words(known), words(here));
            Err(Mismatch::OtherLevels { comparison: self.name.clone(), known, here })
        };
        for at in 0..self.contexts.len().max(ladder.contexts.len()) {
            let (known, here) = (self.contexts.get(at), ladder.contexts.get(at).copied());
            let Some(known) = known.filter(|known| Some(known.name.as_str()) == here) else {
                return other(known.map(|known| known.name.as_str()), here);
            };
            for at in 0..known.levels.len().max(ladder.levels.len()) {
                let known = known.levels.get(at).map(|level| level.says.as_str());
                let here = ladder.levels.get(at).map(|level| level.says);
                if known != here {
                    return other(known, here);
                }
            }
        }
        Ok(())
    }
}

/// What a number has to be.
type Wanted = (&'static str, fn(f64) -> bool);

const SHARE: Wanted = ("share above 0 and up to 1", |share| share > 0.0 && share <= 1.0);
const BITS: Wanted = ("number of bits between -100 and 100", |bits| bits.abs() <= 100.0);
const COUNT: Wanted = ("number of pairs", |count| count >= 0.0 && count.is_finite());

/// The text's shape.
mod wire {
    use super::{CLASSES, Deserialize, Spanned};

    #[derive(Deserialize)]
    pub(super) struct Head {
        pub(super) format: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct File {
        #[serde(rename = "format")]
        _format: String,
        pub(super) prior: Spanned<f64>,
        pub(super) expected: Spanned<f64>,
        pub(super) comparison: Vec<Evidence>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Evidence {
        pub(super) name: String,
        pub(super) rarer: [Spanned<f64>; CLASSES.len() + 1],
        pub(super) context: Vec<Context>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Context {
        pub(super) when: Option<String>,
        pub(super) levels: Vec<Level>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Level {
        pub(super) m: Spanned<f64>,
        pub(super) u: Spanned<f64>,
        pub(super) says: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        let level = |m: f64, u: f64| Level { says: "the \"same\" first name".to_owned(), m, u };
        let context = |name: &str| Context {
            name: name.to_owned(),
            levels: vec![level(0.1 + 0.2, 1e-9), level(1.0 / 3.0, 1.0)],
        };
        Parameters {
            prior: -13.287_712_379_549_45,
            expected: 41.0,
            evidence: vec![Evidence {
                name: "first name".to_owned(),
                rarer: [0.0, -0.1, 2.0, 1e-17, 0.0, -6.0],
                contexts: vec![context(""), context("under one last name")],
            }],
        }
    }

    #[test]
    fn what_is_written_is_read_to_the_last_bit() {
        let text = parameters().to_toml();
        assert_eq!(Parameters::parse(&text).as_ref(), Ok(&parameters()), "{text}");
        assert_eq!(Parameters::parse(&text).unwrap().to_toml(), text);
        assert!(text.contains("# 2, 3 to 4, 5 to 8, 9 to 16, 17 to 64, 65 and more.\n"), "{text}");
    }

    #[test]
    fn what_is_damaged_is_told_with_its_line() {
        let text = parameters().to_toml();
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Parameters::parse(&text.replacen(from, to, 1)).unwrap_err().to_string()
        };
        for (from, to, words) in [
            ("prior = -13", "prior = x", "line 6: "),
            ("m = 0.3333333333333333", "m = 1.5", "line 19: `m` is 1.5, which is no share above 0"),
            ("u = 1e-9", "u = 0.0", "line 18: `u` is 0, which is no share"),
            ("prior = -13", "prior = nan #", "line 6: `prior` is NaN"),
            ("rarer = [0.0, ", "rarer = [", "line 14: "),
            (", says", ", sais", "line 18: unknown field `sais`"),
            ("model 1", "model 9", "it is of the format `crm-review model 9`"),
        ] {
            let said = changed(from, to);
            assert!(said.contains(words) && said.contains("\n  hint: "), "{to}: {said}");
        }
        for foreign in
            ["", "{\"link_type\": \"dedupe_only\"}", "a,b\n1,2\n", &text[..text.len() / 2]]
        {
            let error = Parameters::parse(foreign).unwrap_err();
            assert!(matches!(error, Unreadable::Damaged { .. }), "{foreign}: {error}");
        }
    }
}
