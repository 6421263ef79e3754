//! The middle of figures.
//!
//! Does not: know what they measure.

/// What stands in the middle; of an even number, what lies halfway between the two that do.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    if figures.is_empty() {
        return None;
    }
    let is_even = figures.len().is_multiple_of(2);
    let middle = figures.len() / 2;
    let (below, upper, _) = figures.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    Some(lower.map_or(*upper, |lower| f64::midpoint(lower, *upper)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_lies_their_mean() {
        assert_eq!(median([]), None);
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median([9.0, 1.0, 5.0, 8.0]), Some(6.5));
    }
}
