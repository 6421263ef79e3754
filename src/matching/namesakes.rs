//! How many strangers bear a company's name by chance, told from the words it is made of.
//!
//! Two records that share a name which only they bear are one, or two whom the same common words made alike:
//! `Smith Consulting` comes up again by itself, `Zylodyne Consulting` does not. Names made of words as
//! common are borne by more than one record about as often as each other, and that is counted. Does not:
//! weigh, or look at what records hold besides the name.

use super::compare::float;
use super::dictionary::{Code, Dictionary};
use super::facets::Words;

/// What is thought of names before any is counted: so many strangers beside each, as surely as so many names say.
const USUAL: f32 = 0.5;
const NAMES: f32 = 50.0;
/// Names that are counted together, at least.
const TOGETHER: usize = 100;
/// Names of more words are much alike.
const MOST_WORDS: usize = 4;
/// How much of names may be shared before that says no more how many share each.
const MOST_SHARED: f32 = 0.95;

/// The strangers to expect beside each name of a table of so many records, by its code.
pub(super) fn strangers(names: &Dictionary, words: &Words, records: u32) -> Vec<f32> {
    let mut alike: [Vec<(f32, Code)>; MOST_WORDS] = Default::default();
    for name in names.codes() {
        let of_name = words.of_value(name);
        let kind = of_name.len().clamp(1, MOST_WORDS) - 1;
        if let Some(alike) = alike.get_mut(kind) {
            alike.push((by_words(of_name, words, names.frequency(name), records), name));
        }
    }
    let mut strangers = vec![0.0; names.len() + 1];
    for mut alike in alike {
        // Of names as likely the text decides, not which the table holds first.
        alike.sort_unstable_by(|(a, one), (b, other)| {
            a.total_cmp(b).then_with(|| names.text(*one).cmp(names.text(*other)))
        });
        let together = TOGETHER.max(alike.len() / 32);
        for group in alike.chunks(together) {
            let shared = group.iter().filter(|(_, name)| names.frequency(*name) > 1).count();
            let [shared, all] =
                [shared, group.len()].map(|n| float(u32::try_from(n).unwrap_or(u32::MAX)));
            let usual = NAMES * (1.0 - (-USUAL).exp());
            let share = ((shared + usual) / (all + NAMES)).min(MOST_SHARED);
            for (_, name) in group {
                if let Some(slot) = strangers.get_mut(*name as usize) {
                    *slot = -(1.0 - share).ln();
                }
            }
        }
    }
    strangers
}

/// How many other records would bear a name if each of its words were drawn by itself, in bits; the words'
/// frequencies are of the records that bear other names.
fn by_words(of_name: &[Code], words: &Words, held: u32, records: u32) -> f32 {
    let all = float(records);
    let likely = |word: &Code| {
        let others = words.values.frequency(*word).saturating_sub(held);
        ((float(others) + 0.5) / all).log2()
    };
    all.log2() + of_name.iter().map(likely).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strangers beside each of some names, one record each, in their order.
    fn beside(of: &[String]) -> Vec<f32> {
        let mut names = Dictionary::default();
        let codes: Vec<Code> = of.iter().map(|name| names.count(name)).collect();
        let records = u32::try_from(of.len()).unwrap();
        let strangers = strangers(&names, &Words::of(&names, records), records);
        codes.iter().map(|code| strangers[*code as usize]).collect()
    }

    #[test]
    fn names_of_one_kind_have_strangers_beside_them_as_often_as_those_are_seen() {
        // 200 names of common words, 150 of them twice; 400 of words of their own, 20 of them twice.
        let common = |n: usize| format!("a{} b{}", n % 10, n / 10);
        let rare = |n: usize| format!("c{n} d{n}");
        let mut of: Vec<String> = (0..200).map(common).chain((0..150).map(common)).collect();
        of.extend((0..400).map(rare).chain((0..20).map(rare)));
        let found = beside(&of);
        let (common, rare) = (found[199], found[400]);
        assert!(common > 3.0 * rare, "{common} and {rare}");
        assert!((0.05..0.5).contains(&rare), "{rare}");
    }

    #[test]
    fn the_order_of_the_records_decides_nothing() {
        let of: Vec<String> =
            (0..900).map(|n| format!("a{} b{} c{}", n % 7, n % 11, n / 5)).collect();
        let mut found = beside(&of);
        let back: Vec<String> = of.into_iter().rev().collect();
        found.reverse();
        assert_eq!(found, beside(&back));
    }

    #[test]
    fn no_name_and_a_lone_one_are_no_trouble() {
        assert_eq!(beside(&[]), Vec::<f32>::new());
        let [lone] = beside(&["kalo".to_owned()])[..] else { panic!() };
        assert!(lone.is_finite() && lone > 0.0, "{lone}");
    }
}
