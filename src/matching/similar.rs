//! How alike two short texts are: Jaro-Winkler similarity and optimal string alignment distance.
//!
//! The same results as `strsim`, without an allocation for texts of up to 64 ASCII characters; anything
//! else goes to `strsim`. Does not: fold; it compares what it is given.

#![expect(clippy::indexing_slicing, reason = "positions come from the lengths of the same slices")]

/// Texts up to here are compared on the stack: one bit of a word stands for each character.
const SHORT: usize = 64;

/// What tells at a glance that two texts are not alike: which letters occur, 27 kinds of them, and above
/// those bits how many, up to [`Glance::MANY`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Glance(u32);

impl Glance {
    const KINDS: u32 = 27;
    const MANY: u32 = 31;

    /// A glance at a text.
    pub(super) fn of(text: &str) -> Self {
        let (mut kinds, mut len) = (0, 0);
        for letter in text.chars().map(u32::from) {
            len += 1;
            kinds |= 1 << ((letter & 31) % Self::KINDS);
        }
        Self(kinds | Self::MANY.min(len) << Self::KINDS)
    }

    fn len(self) -> u32 {
        self.0 >> Self::KINDS
    }

    /// False for a text of more or fewer letters.
    pub(super) fn may_be_of_len(self, letters: u8) -> bool {
        self.len() == Self::MANY.min(u32::from(letters))
    }

    /// True for a text of one letter.
    pub(super) fn is_letter(self) -> bool {
        self.len() == 1
    }

    /// False for a text without a space.
    pub(super) fn may_hold_space(self) -> bool {
        self.0 & 1 == 1
    }

    /// How many kinds of letters only one of two texts has.
    fn unshared(self, other: Self) -> u32 {
        ((self.0 ^ other.0) << (u32::BITS - Self::KINDS)).count_ones()
    }

    /// False where neither of two texts begins with the other: the shorter has a letter that the longer lacks.
    pub(super) fn may_begin_alike(self, other: Self) -> bool {
        let kinds = |glance: Self| glance.0 << (u32::BITS - Self::KINDS);
        let common = kinds(self) & kinds(other);
        common == kinds(self) || common == kinds(other)
    }

    /// At least so many edits lie between two texts: each changes the length by one at most, and at most
    /// two of the letters that occur.
    pub(super) fn least_edits(self, other: Self) -> u32 {
        self.len().abs_diff(other.len()).max(self.unshared(other).div_ceil(2))
    }

    /// False where the Jaro-Winkler similarity is below 0.9, whatever the order of the letters: a letter
    /// that one text lacks is unmatched in the other, and the similarity asks for m/a + m/b of 1.5 matches.
    pub(super) fn may_look_alike(self, other: Self) -> bool {
        let (a, b) = (f64::from(self.len()), f64::from(other.len()));
        self.len().max(other.len()) == Self::MANY
            || f64::from(self.unshared(other)) <= a + b - 3.0 * a * b / (a + b).max(1.0)
    }
}

/// Which pairs of neighbouring letters occur in a text, 61 kinds of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Neighbours(u64);

impl Neighbours {
    /// The neighbours in a text.
    pub(super) fn of(text: &str) -> Self {
        let letters = || text.chars().map(u32::from);
        let kind =
            |(before, letter)| (u32::wrapping_mul(before, 37) ^ u32::wrapping_mul(letter, 11)) % 61;
        Self(letters().zip(letters().skip(1)).map(kind).fold(0, |kinds, kind| kinds | 1 << kind))
    }

    /// False for texts that share few pairs of neighbouring letters.
    pub(super) fn may_share_words(self, other: Self) -> bool {
        let fewer = self.0.count_ones().min(other.0.count_ones());
        (self.0 & other.0).count_ones() * 3 >= fewer
    }
}

/// Jaro-Winkler similarity (Winkler 1990), from 0 to 1: common characters near each other, and a bonus
/// for the same beginning.
pub(super) fn jaro_winkler(a: &str, b: &str) -> f64 {
    if !a.is_ascii() || !b.is_ascii() || a.len() > SHORT || b.len() > SHORT {
        return strsim::jaro_winkler(a, b);
    }
    let jaro = jaro(a.as_bytes(), b.as_bytes());
    if jaro <= 0.7 {
        return jaro;
    }
    let common = a.bytes().zip(b.bytes()).take(4).take_while(|(a, b)| a == b).count();
    (0.1 * as_f64(common)).mul_add(1.0 - jaro, jaro)
}

fn jaro(a: &[u8], b: &[u8]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let (mut in_a, mut in_b) = (0_u64, 0_u64);
    for (at, byte) in a.iter().enumerate() {
        let from = at.saturating_sub(window);
        for (other, theirs) in b.iter().enumerate().take(at + window + 1).skip(from) {
            if in_b >> other & 1 == 0 && theirs == byte {
                in_a |= 1 << at;
                in_b |= 1 << other;
                break;
            }
        }
    }
    if in_a == 0 {
        return 0.0;
    }
    let matches = as_f64(in_a.count_ones() as usize);
    let (mut left, mut right, mut swapped) = (in_a, in_b, 0);
    while left != 0 {
        if a[left.trailing_zeros() as usize] != b[right.trailing_zeros() as usize] {
            swapped += 1;
        }
        left &= left - 1;
        right &= right - 1;
    }
    let swapped = as_f64(swapped / 2);
    (matches / as_f64(a.len()) + matches / as_f64(b.len()) + (matches - swapped) / matches) / 3.0
}

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours;
/// `limit + 1` stands for everything beyond the limit.
pub(super) fn distance(a: &str, b: &str, limit: usize) -> usize {
    if a.len().abs_diff(b.len()) > limit && a.is_ascii() && b.is_ascii() {
        return limit + 1;
    }
    if !a.is_ascii() || !b.is_ascii() || a.len() > SHORT || b.len() > SHORT {
        return strsim::osa_distance(a, b).min(limit + 1);
    }
    let (a, b) = unlike(a.as_bytes(), b.as_bytes());
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len()).min(limit + 1);
    }
    // Only cells so near the diagonal can stay within the limit; beside them stands what is far beyond it.
    let mut rows = [[FAR; SHORT + 2]; 3];
    for (at, cell) in (0_u8..).zip(&mut rows[0][..=SHORT.min(limit)]) {
        *cell = at;
    }
    let (mut two_up, mut up, mut row) = (2, 0, 1);
    for i in 0..a.len() {
        let (from, to) = (i.saturating_sub(limit), b.len().min((i + 1).saturating_add(limit)));
        rows[row][from] = if from == 0 { u8::try_from(i + 1).unwrap_or(FAR) } else { FAR };
        let mut least = rows[row][from];
        for j in from..to {
            let replaced = rows[up][j] + u8::from(a[i] != b[j]);
            let mut cell = replaced.min(rows[up][j + 1] + 1).min(rows[row][j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                cell = cell.min(rows[two_up][j - 1] + 1);
            }
            rows[row][j + 1] = cell;
            least = least.min(cell);
        }
        if usize::from(least) > limit {
            return limit + 1;
        }
        rows[row][to + 1] = FAR;
        (two_up, up, row) = (up, row, two_up);
    }
    usize::from(rows[up][b.len()]).min(limit + 1)
}

/// More edits than any limit, and one more is still a byte.
const FAR: u8 = 200;

/// What is left of two texts without their common beginning and end.
fn unlike<'t>(a: &'t [u8], b: &'t [u8]) -> (&'t [u8], &'t [u8]) {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    (&a[..a.len() - end], &b[..b.len() - end])
}

#[expect(clippy::cast_precision_loss, reason = "lengths of short texts")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words over few letters, of every length up to the limit of the fast path and beyond.
    fn words() -> Vec<String> {
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut words: Vec<String> = (0..400)
            .map(|_| {
                let longest = if next(8) == 0 { 70 } else { 12 };
                let len = next(longest);
                (0..len).map(|_| char::from(b'a' + u8::try_from(next(4)).unwrap())).collect()
            })
            .collect();
        words.extend(
            ["", "müller", "muller", "陈雅", "martha", "marhta", "zoe z", "mar tha"]
                .map(str::to_owned),
        );
        words
    }

    #[test]
    fn equals_strsim() {
        let words = words();
        for a in &words {
            for b in &words {
                let (ours, theirs) = (jaro_winkler(a, b), strsim::jaro_winkler(a, b));
                assert!((ours - theirs).abs() < 1e-12, "{a} {b}: {ours} {theirs}");
                let theirs = strsim::osa_distance(a, b);
                let (one, other) = (Glance::of(a), Glance::of(b));
                let begins = a.starts_with(b.as_str()) || b.starts_with(a.as_str());
                assert!(!begins || one.may_begin_alike(other), "{a} {b}");
                assert!(ours < 0.9 || one.may_look_alike(other), "{a} {b}");
                assert!(one.least_edits(other) as usize <= theirs, "{a} {b}");
                for limit in [0, 1, 2, 80] {
                    assert_eq!(distance(a, b, limit), theirs.min(limit + 1), "{a} {b} {limit}");
                }
            }
        }
    }

    #[test]
    fn a_glance_sees_every_space_and_single_letter() {
        for word in words() {
            let glance = Glance::of(&word);
            assert!(glance.may_hold_space() || !word.contains(' '), "{word}");
            assert_eq!(glance.is_letter(), word.chars().count() == 1, "{word}");
            let letters = u8::try_from(word.chars().count()).unwrap();
            assert!(glance.may_be_of_len(letters), "{word}");
            assert_eq!(glance.may_be_of_len(letters + 1), letters >= 31, "{word}");
        }
        assert!(!Glance::of("zoe").may_hold_space());
    }
}
