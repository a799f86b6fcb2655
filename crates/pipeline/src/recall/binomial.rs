//! Shares from counts.

/// Probability of at most `count` successes in `trials` at the chance `p`.
fn at_most(count: u64, trials: u64, p: f64) -> f64 {
    if p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return f64::from(u8::from(count >= trials));
    }
    // Terms by their logarithms: the first may underflow.
    let mut log_term = trials as f64 * (1.0 - p).ln();
    let mut sum = log_term.exp();
    for k in 1..=count {
        let ratio = (trials - k + 1) as f64 / k as f64 * p / (1.0 - p);
        log_term += ratio.ln();
        sum += log_term.exp();
    }
    sum.min(1.0)
}

/// The chance at which `falls` crosses `level`, which it does once, from above.
fn crossing(falls: impl Fn(f64) -> f64, level: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if falls(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Limits of a chance of which `count` of `trials` were seen, each wrong with the probability `tail` at
/// most (Clopper & Pearson, Biometrika 26, 404 (1934)).
pub(crate) fn interval(count: u64, trials: u64, tail: f64) -> [f64; 2] {
    let lower = if count == 0 {
        0.0
    } else {
        crossing(|p| at_most(count - 1, trials, p), 1.0 - tail)
    };
    let upper = if count == trials {
        1.0
    } else {
        crossing(|p| at_most(count, trials, p), tail)
    };
    [lower, upper]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_definition_and_of_closed_forms() {
        // None or all of n: 1 - tail^(1/n).
        let [none, few] = interval(0, 24, 0.025);
        assert!(none == 0.0 && (few - (1.0 - 0.025_f64.powf(1.0 / 24.0))).abs() < 1e-12);
        let [most, all] = interval(24, 24, 0.025);
        assert!(all == 1.0 && (most - 0.025_f64.powf(1.0 / 24.0)).abs() < 1e-12);
        // 4 of 10 at 95 %: Clopper and Pearson's own table, 0.12 and 0.74.
        let [low, high] = interval(4, 10, 0.025);
        assert!(
            (low - 0.1216).abs() < 1e-4 && (high - 0.7376).abs() < 1e-4,
            "{low} {high}"
        );
        // Successes and failures are each other's mirror.
        let [low_of_failures, high_of_failures] = interval(6, 10, 0.025);
        assert!((low_of_failures - (1.0 - high)).abs() < 1e-12);
        assert!((high_of_failures - (1.0 - low)).abs() < 1e-12);
        // Many trials: no term underflows to nothing.
        let [low, high] = interval(9_000, 10_000, 0.1587);
        assert!(
            (low - 0.897).abs() < 5e-4 && (high - 0.903).abs() < 5e-4,
            "{low} {high}"
        );
    }
}
