//! Rates from counts.

/// Limits of the mean of a Poisson variable of which `count` was seen, at S standard deviations of
/// confidence (S = 1: 84.1 % each, S = 2: 97.7 % each): quantiles of χ² in the approximation of
/// Wilson & Hilferty, Proc. Natl. Acad. Sci. 17, 684 (1931), as Gehrels, Astrophys. J. 303, 336
/// (1986), uses them.
pub(crate) fn limits(count: u64, deviations: f64) -> (f64, f64) {
    let (n, s) = (count as f64, deviations);
    let quantile = |m: f64, s: f64| {
        let root = 1.0 - 1.0 / (9.0 * m) + s / (3.0 * m.sqrt());
        m * root.max(0.0).powi(3)
    };
    let lower = if count == 0 { 0.0 } else { quantile(n, -s) };
    (lower, quantile(n + 1.0, s))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance of at most `count` at mean `mean`.
    fn at_most(count: u64, mean: f64) -> f64 {
        let mut term = (-mean).exp();
        let mut sum = term;
        for k in 1..=count {
            term *= mean / k as f64;
            sum += term;
        }
        sum
    }

    /// By definition: at the upper limit so few are seen with the chance of the tail, at the lower
    /// limit so many.
    #[test]
    fn limits_have_the_tails_that_they_promise() {
        for (deviations, tail) in [(1.0, 0.1587), (2.0, 0.0228)] {
            for count in [3, 5, 10, 30, 100] {
                let (low, high) = limits(count, deviations);
                assert!((at_most(count, high) / tail - 1.0).abs() < 0.12, "{count}");
                let above = 1.0 - at_most(count - 1, low);
                assert!((above / tail - 1.0).abs() < 0.12, "{count} {above}");
            }
        }
        // Nothing seen: e^(−1.841) = 0.1587.
        let (low, high) = limits(0, 1.0);
        assert!(low == 0.0 && (high - 1.841).abs() < 0.04, "{high}");
    }
}
