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
}
