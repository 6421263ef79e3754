//! What can be told of a share from few records.
//!
//! Does not: know what is counted.

/// A share with its exact 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    /// The interval's lower end.
    pub(super) from: f64,
    /// Its upper end.
    pub(super) to: f64,
}

/// What lies beyond either end of a 95 % interval.
const BEYOND: f64 = 0.025;

impl Share {
    /// `part` of `whole`.
    ///
    /// C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of
    /// the binomial", Biometrika 26 (1934), 404–413: the shares that make so many, or so few, just not too
    /// surprising. It never promises more than 95 %, however few the records are.
    pub(super) fn of(part: u32, whole: u32) -> Self {
        let part = part.min(whole);
        let from = if part == 0 { 0.0 } else { share_at(|share| tail(part, whole, share)) };
        let rest = whole - part;
        let to = if rest == 0 { 1.0 } else { 1.0 - share_at(|share| tail(rest, whole, share)) };
        Self { from, to }
    }
}

/// The chance that of `whole` things, each of which is marked with a chance of `share`, at least `part` are:
/// the upper tail of the binomial distribution, summed term by term. An exact one-sided test of a share
/// (J. Arbuthnot, Philosophical Transactions 27 (1710), 186–190) holds it against what is called rare.
pub(super) fn at_least(part: u32, whole: u32, share: f64) -> f64 {
    if part == 0 || share >= 1.0 {
        f64::from(u8::from(part <= whole))
    } else if part > whole || share <= 0.0 {
        0.0
    } else {
        tail(part, whole, share)
    }
}

/// The chance that at most `part` are: the lower tail.
pub(super) fn at_most(part: u32, whole: u32, share: f64) -> f64 {
    let part = part.min(whole);
    at_least(whole - part, whole, 1.0 - share)
}

/// Where a chance that rises with the share reaches what lies beyond an end, by halving.
fn share_at(chance: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if chance(middle) < BEYOND {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The chance that of `whole` things, each of which is marked with this chance, at least `least` are.
fn tail(least: u32, whole: u32, share: f64) -> f64 {
    let odds = (share / (1.0 - share)).ln();
    let mut log = f64::from(whole) * (1.0 - share).ln();
    let mut sum = 0.0;
    for marked in 0..=whole {
        if marked >= least {
            sum += log.exp();
        }
        log += odds + (f64::from(whole - marked) / f64::from(marked + 1)).ln();
    }
    sum.min(1.0)
}

/// `4 %`, `37 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(part: u32, whole: u32, from: f64, to: f64) {
        let share = Share::of(part, whole);
        assert!((share.from - from).abs() < 5e-5, "{share:?}");
        assert!((share.to - to).abs() < 5e-5, "{share:?}");
    }

    #[test]
    fn the_interval_is_clopper_and_pearson_s() {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 5.
        check(81, 263, 0.2527, 0.3676);
        check(15, 148, 0.0578, 0.1617);
        check(0, 20, 0.0, 0.1684);
        check(1, 29, 0.0009, 0.1776);
        check(20, 20, 0.8316, 1.0);
    }

    #[track_caller]
    fn check_tails(part: u32, whole: u32, share: f64, least: f64, most: f64) {
        for (found, expected) in
            [(at_least(part, whole, share), least), (at_most(part, whole, share), most)]
        {
            assert!((found - expected).abs() < 1e-12, "{part} of {whole} at {share}: {found}");
        }
    }

    #[test]
    fn tails_are_those_that_are_reckoned_by_hand() {
        // Of ten throws of a coin: (45 + 10 + 1) / 1024 and 1013 / 1024.
        check_tails(8, 10, 0.5, 56.0 / 1024.0, 1013.0 / 1024.0);
        // 3 · 0.9² · 0.1 + 0.9³ = 0.972 and 1 − 0.9³ = 0.271.
        check_tails(2, 3, 0.9, 0.972, 0.271);
        // 1 − 0.8⁵ = 0.67232 and 0.8⁵ + 5 · 0.2 · 0.8⁴ = 0.73728.
        check_tails(1, 5, 0.2, 0.672_32, 0.737_28);
        check_tails(0, 7, 0.4, 1.0, 0.6_f64.powi(7));
        check_tails(7, 7, 0.4, 0.4_f64.powi(7), 1.0);
        // Shares that leave nothing to chance.
        check_tails(3, 3, 1.0, 1.0, 1.0);
        check_tails(2, 3, 1.0, 1.0, 0.0);
        check_tails(0, 3, 0.0, 1.0, 1.0);
        check_tails(1, 3, 0.0, 0.0, 1.0);
    }

    #[test]
    fn a_million_records_are_no_matter_to_a_tail() {
        assert!((at_most(500_000, 1_000_000, 0.5) - 0.500_4).abs() < 1e-4);
        assert!(at_least(510_000, 1_000_000, 0.5) < 1e-80);
        assert!(at_most(949_000, 1_000_000, 0.95) < 3e-6);
    }
}
