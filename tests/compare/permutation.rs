//! The paired permutation test (Fisher 1935): if old and new were the same, each difference could as well
//! have the other sign.

use isopod_tests::Random;

/// Up to this many differences, the test tries all signs; beyond it, as many random ones.
const MOST_EXACT: usize = 16;

/// The probability that chance gives a sum of differences at least as far from zero.
pub(crate) fn probability(differences: &[f64]) -> f64 {
    let sum = |signs: u64| -> f64 {
        differences
            .iter()
            .enumerate()
            .map(|(index, difference)| match signs >> (index % 64) & 1 {
                0 => *difference,
                _ => -difference,
            })
            .sum()
    };
    // Sums that differ by rounding only count as equally far.
    let found = sum(0).abs() * (1.0 - 1e-12);
    let is_exact = differences.len() <= MOST_EXACT;
    let count = 1_u64 << differences.len().min(MOST_EXACT);
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let mut signs = |number: u64| match is_exact {
        true => number,
        false => random.draw(),
    };
    let far = (0..count).filter(|number| sum(signs(*number)).abs() >= found);
    far.count() as f64 / count as f64
}

#[cfg(test)]
mod tests {
    use super::probability;

    #[test]
    fn differences_of_one_sign_are_told_apart() {
        // Two of the 2^10 combinations of signs are as far.
        assert!((probability(&[0.1; 10]) - 2.0 / 1024.0).abs() < 1e-9);
        assert!(probability(&[0.2; 20]) < 0.001);
    }

    #[test]
    fn chance_is_not() {
        let noise = [0.1, -0.09, 0.02, -0.04, 0.05, -0.03, 0.01, -0.02];
        assert!(probability(&noise) > 0.5);
        assert!(probability(&[0.0; 8]) > 0.99);
    }
}
