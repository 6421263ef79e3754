//! Shares, and what can be told of them from small numbers.
//!
//! Does not: know what is counted.

use std::fmt;

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The share.
    pub share: f64,
    /// The interval's lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [share, from, to] = [self.share, self.from, self.to].map(Percent);
        write!(f, "{share} ({from} to {to})")
    }
}

impl Rate {
    /// `part` of `whole`, with the Wilson score interval; nothing where there is no whole.
    ///
    /// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    /// the American Statistical Association 22 (1927), 209–212; recommended for small counts by Brown,
    /// Cai and `DasGupta`, "Interval estimation for a binomial proportion", Statistical Science 16 (2001),
    /// 101–133, where it is formula (4).
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        /// The 97.5 % point of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if whole == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
        let (part, whole) = (part.min(whole) as f64, whole as f64);
        let share = part / whole;
        let square = Z * Z;
        let middle = (part + square / 2.0) / (whole + square);
        let spread = Z / (whole + square) * (part * (whole - part) / whole + square / 4.0).sqrt();
        // At either end the formula gives the end itself, but for rounding.
        let from = if part <= 0.0 { 0.0 } else { (middle - spread).max(0.0) };
        let to = if part >= whole { 1.0 } else { (middle + spread).min(1.0) };
        Some(Self { share, from, to })
    }

    /// The 95 % interval of the difference to another share.
    ///
    /// R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison
    /// of eleven methods", Statistics in Medicine 17 (1998), 873–890, method 10: the Wilson intervals of
    /// both, combined.
    pub(super) fn less(self, other: Self) -> (f64, f64) {
        let difference = self.share - other.share;
        let below = (self.share - self.from).hypot(other.to - other.share);
        let above = (self.to - self.share).hypot(other.share - other.from);
        (difference - below, difference + above)
    }
}

/// The chance that of `part` things drawn from `all`, of which `marked` are marked, at least `found` are:
/// how surprising it is that a group of records holds so many of the marked ones.
///
/// The upper tail of the hypergeometric distribution, which is Fisher's exact test of one side (R. A.
/// Fisher, "Statistical Methods for Research Workers", 5th edition, 1934, section 21.02).
pub fn chance(found: u64, part: u64, marked: u64, all: u64) -> f64 {
    let (part, marked) = (part.min(all), marked.min(all));
    let choose =
        |of: u64, some: u64| ln_factorial(of) - ln_factorial(some) - ln_factorial(of - some);
    let least = found.max((part + marked).saturating_sub(all));
    let total = choose(all, part);
    let terms = (least..=part.min(marked))
        .map(|it| (choose(marked, it) + choose(all - marked, part - it) - total).exp());
    terms.sum::<f64>().min(1.0)
}

/// A chance, when it was looked for in so many places (C. E. Bonferroni, 1936): the more are looked at, the
/// more of them look odd by luck.
pub fn surprise(chance: f64, trials: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of trials are far below 2^52")]
    let trials = trials as f64;
    (chance * trials).min(1.0)
}

/// The logarithm of a factorial: summed where it is small, by Stirling's series beyond (Abramowitz and
/// Stegun, "Handbook of Mathematical Functions", 6.1.41; the first term left out is below 1e-12 there).
fn ln_factorial(of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2^52")]
    let real = |number: u64| number as f64;
    if of < 64 {
        return (2..=of).map(|factor| real(factor).ln()).sum();
    }
    let x = real(of) + 1.0;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

/// `4.2 %`.
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(part: u64, whole: u64, from: f64, to: f64) {
        let rate = Rate::of(part, whole).unwrap();
        assert!((rate.from - from).abs() < 5e-5, "{rate:?}");
        assert!((rate.to - to).abs() < 5e-5, "{rate:?}");
        assert!(rate.from <= rate.share && rate.share <= rate.to, "{rate:?}");
    }

    #[test]
    fn the_interval_is_wilson_s() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(29, 29, 0.8830, 1.0);
    }

    #[test]
    fn the_interval_of_a_difference_is_newcombe_s() {
        // Newcombe (1998), table II, method 10.
        for ((part, whole), (than, of), expect) in [
            ((56, 70), (48, 80), (0.0524, 0.3339)),
            ((9, 10), (3, 10), (0.1705, 0.8090)),
            ((6, 7), (2, 7), (0.0582, 0.8062)),
            ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ] {
            let (one, other) = (Rate::of(part, whole).unwrap(), Rate::of(than, of).unwrap());
            let (from, to) = one.less(other);
            assert!((from - expect.0).abs() < 5e-5 && (to - expect.1).abs() < 5e-5, "{from} {to}");
        }
    }

    #[test]
    fn over_nothing_there_is_no_rate() {
        assert_eq!(Rate::of(0, 0), None);
        assert_eq!(Rate::of(1, 0), None);
        assert_eq!(Rate::of(3, 2).unwrap().share.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn the_chance_is_fisher_s() {
        // Reckoned with exact binomial coefficients.
        for (found, part, marked, all, expect) in [
            (8, 10, 9, 20, 2.738_747_3e-3),
            (3, 3, 3, 30, 2.463_054_2e-4),
            (12, 40, 14, 1_000, 2.467_661_87e-16),
            (5, 50, 100, 1_000, 0.573_084_567),
            (30, 300, 1_000, 100_000, 8.779_475_17e-21),
            (0, 5, 5, 10, 1.0),
            (9, 10, 9, 10, 1.0),
            (4, 3, 9, 10, 0.0),
        ] {
            let chance = chance(found, part, marked, all);
            assert!(
                (chance - expect).abs() <= expect * 1e-6,
                "{found} {part} {marked} {all}: {chance}"
            );
        }
    }
}
