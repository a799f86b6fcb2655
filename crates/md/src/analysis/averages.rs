//! Means of correlated data with honest errors.

use serde::{Deserialize, Serialize};

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// The mean.
    pub mean: f64,
    /// Its standard error, correlations included.
    pub error: f64,
}

impl Average {
    /// The difference self − other of two independent averages.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            mean: self.mean - other.mean,
            error: self.error.hypot(other.error),
        }
    }
}

/// Levels of blocking with fewer blocks say nothing about the error.
const FEWEST_BLOCKS: usize = 16;

/// Mean and standard error of a stationary, correlated series, by blocking (Flyvbjerg & Petersen,
/// J. Chem. Phys. 91, 461 (1989)): the largest error over all block lengths that leave at least
/// 16 blocks. `None` for fewer than 4 values.
///
/// With fewer than 32 values only the first level is left: the values then count as independent.
pub fn block_error(values: &[f64]) -> Option<Average> {
    if values.len() < 4 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut blocks = values.to_vec();
    let mut error = 0.0_f64;
    loop {
        let count = blocks.len() as f64;
        let center = blocks.iter().sum::<f64>() / count;
        let variance = blocks.iter().map(|b| (b - center).powi(2)).sum::<f64>() / (count - 1.0);
        error = error.max((variance / count).sqrt());
        blocks = blocks
            .chunks_exact(2)
            .map(|pair| 0.5 * (pair[0] + pair[1]))
            .collect();
        if blocks.len() < FEWEST_BLOCKS {
            return Some(Average { mean, error });
        }
    }
}

/// A bin on a logarithmic axis of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Mean time of the points in the bin.
    pub time: f64,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean, where the bin holds at least four points.
    pub error: Option<f64>,
    /// How many points.
    pub points: usize,
}

/// Averages y(t) over `per_decade` bins a decade of t, empty bins left out; points with t ≤ 0 are
/// dropped. Times must ascend.
///
/// # Panics
/// If the arrays differ in length or `per_decade` is zero.
pub fn logarithmic_bins(time: &[f64], values: &[f64], per_decade: usize) -> Vec<Bin> {
    assert_eq!(time.len(), values.len(), "one value a time");
    assert!(per_decade > 0, "at least one bin a decade");
    let number = |t: f64| (t.log10() * per_decade as f64).floor();
    let mut bins = Vec::new();
    let mut start = time.partition_point(|t| *t <= 0.0);
    while start < time.len() {
        let here = number(time[start]);
        let length = time[start..]
            .iter()
            .take_while(|t| number(**t) == here)
            .count();
        let range = start..start + length;
        let mean_of = |array: &[f64]| array.iter().sum::<f64>() / length as f64;
        bins.push(Bin {
            time: mean_of(&time[range.clone()]),
            mean: mean_of(&values[range.clone()]),
            error: block_error(&values[range]).map(|average| average.error),
            points: length,
        });
        start += length;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests_support::{correlated_noise, white_noise};

    #[test]
    fn the_error_of_correlated_noise_includes_the_correlation() {
        // AR(1) with memory 0.9: the true error is sqrt((1 + 0.9)/(1 − 0.9)) = 4.36 times the
        // naive one, 0.0681 for unit variance and 4096 values. The largest of eight levels is
        // within 35 % (its relative spread is 1/sqrt(2·16) = 18 %).
        for seed in 0..5 {
            let noise = correlated_noise(seed, 4096, 0.9);
            let average = block_error(&noise).unwrap();
            let truth = (1.9_f64 / 0.1 / 4096.0).sqrt();
            assert!((average.error / truth - 1.0).abs() < 0.35, "{average:?}");
            assert!(average.mean.abs() < 4.0 * truth);
        }
    }

    #[test]
    fn bins_are_equally_wide_on_a_logarithmic_axis() {
        let time: Vec<f64> = (0..=1000).map(f64::from).collect();
        let noise = white_noise(1, time.len());
        let values: Vec<f64> = time
            .iter()
            .zip(&noise)
            .map(|(t, n)| 3.0 + t.max(1.0).log10() + 0.1 * n)
            .collect();
        let bins = logarithmic_bins(&time, &values, 5);
        assert_eq!(bins.iter().map(|bin| bin.points).sum::<usize>(), 1000);
        for pair in bins.windows(2) {
            assert!(pair[0].time < pair[1].time);
        }
        let last = bins[bins.len() - 2];
        let error = last.error.unwrap();
        // 10^2.8..10^3 holds 369 points; the ramp within the bin adds to the noise.
        assert!((last.mean - 5.9).abs() < 0.05 && error < 0.03, "{last:?}");
    }
}
