//! How many of some turns are somebody's by chance, where not every turn has the same chance.
//!
//! Does not: know who takes turns.

/// The chance of each number of turns.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    /// The first number whose chance is worth counting.
    least: u32,
    /// The chances from that number on.
    chances: Vec<f64>,
}

/// Chances below this change no digit that anybody sees.
const NOTHING: f64 = 1e-18;

impl Turns {
    /// No turn at all.
    pub(super) fn none() -> Self {
        Self { least: 0, chances: vec![1.0] }
    }

    /// So many turns more, each of which is theirs with this chance.
    ///
    /// The sum of unlike draws, one kind added to the others: R. E. Barlow and K. D. Heidtmann, "Computing
    /// k-out-of-n system reliability", IEEE Transactions on Reliability R-33 (1984), 322–323. Draws of one
    /// kind are binomial: P(k) = n! / (k! (n − k)!) · p^k · (1 − p)^(n − k).
    pub(super) fn and(&self, turns: u32, chance: f64) -> Self {
        let more = Self::binomial(turns, chance);
        let mut chances = vec![0.0; self.chances.len() + more.chances.len() - 1];
        for (at, mine) in self.chances.iter().enumerate() {
            for (sum, theirs) in chances.iter_mut().skip(at).zip(&more.chances) {
                *sum += mine * theirs;
            }
        }
        Self { least: self.least + more.least, chances }
    }

    fn binomial(turns: u32, chance: f64) -> Self {
        if chance <= 0.0 {
            return Self::none();
        }
        if chance >= 1.0 {
            return Self { least: turns, chances: vec![1.0] };
        }
        let odds = (chance / (1.0 - chance)).ln();
        let mut log = f64::from(turns) * (1.0 - chance).ln();
        let (mut least, mut chances) = (0, Vec::new());
        for theirs in 0..=turns {
            if log.exp() >= NOTHING {
                if chances.is_empty() {
                    least = theirs;
                }
                chances.push(log.exp());
            } else if !chances.is_empty() {
                break;
            }
            log += odds + (f64::from(turns - theirs) / f64::from(theirs + 1)).ln();
        }
        Self { least, chances }
    }

    /// The numbers that are not too surprising: fewer than the first, and more than the last, have no more
    /// than this chance each.
    ///
    /// Where several people's numbers are looked at together, each end has its part of what all of them may
    /// miss: O. J. Dunn, "Multiple comparisons among means", Journal of the American Statistical Association
    /// 56 (1961), 52–64, after Bonferroni's inequality.
    pub(super) fn range(&self, beyond: f64) -> (u32, u32) {
        let (mut from, mut sum) = (self.least, 0.0);
        for chance in &self.chances {
            sum += chance;
            if sum > beyond {
                break;
            }
            from += 1;
        }
        let count = u32::try_from(self.chances.len()).unwrap_or(u32::MAX);
        let (mut to, mut sum) = (self.least.saturating_add(count.saturating_sub(1)), 0.0);
        for chance in self.chances.iter().rev() {
            sum += chance;
            if sum > beyond {
                break;
            }
            to = to.saturating_sub(1);
        }
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_twenty_turns_at_even_chances_six_to_fourteen_are_no_surprise() {
        let turns = Turns::none().and(20, 0.5);
        // By hand, of 2^20 = 1,048,576: at most 5 are 21,700 (2.07 %), at most 6 are 60,460 (5.77 %), at most
        // 4 are 6,196 (0.59 %).
        assert_eq!(turns.range(0.025), (6, 14));
        // Two people looked at together.
        assert_eq!(turns.range(0.0125), (5, 15));
        assert!((turns.chances.iter().take(6).sum::<f64>() - 21_700.0 / 1_048_576.0).abs() < 1e-12);
    }

    #[test]
    fn unlike_turns_add_up() {
        // Two turns at 1/2 and one at 1/4, by hand.
        let turns = Turns::none().and(2, 0.5).and(1, 0.25);
        for (chance, expected) in turns.chances.iter().zip([0.1875, 0.4375, 0.3125, 0.0625]) {
            assert!((chance - expected).abs() < 1e-12, "{turns:?}");
        }
        assert_eq!(turns.range(0.1), (0, 2));
    }

    #[test]
    fn turns_of_somebody_who_is_away_are_never_theirs_and_those_of_one_alone_always() {
        assert_eq!(Turns::none().and(30, 0.0).range(0.025), (0, 0));
        assert_eq!(Turns::none().and(30, 1.0).and(10, 0.0).range(0.025), (30, 30));
    }

    #[test]
    fn many_turns_are_counted_as_exactly() {
        // The normal curve's 2.5 % end, half a turn out: 500,000 ± (1.959964 · 500 + 0.5).
        let (from, to) = Turns::none().and(1_000_000, 0.5).range(0.025);
        assert_eq!((from, to), (499_020, 500_980));
        assert!((Turns::none().and(1_000_000, 0.5).chances.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }
}
