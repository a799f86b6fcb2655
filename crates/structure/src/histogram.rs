//! Counts in bins of one width.

use serde::Serialize;

/// Most bins of a histogram.
const MOST_BINS: f64 = 400.0;

/// How many values lie in each of the bins from + k width .. from + (k + 1) width, which stand on
/// whole multiples of the width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub from: f64,
    /// Width of a bin.
    pub width: f64,
    /// Values in each bin.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// The histogram of all finite values in bins of about a `width`: at least as wide, 1, 2 or 5 times a
    /// power of ten, and so wide that 400 of them hold all values.
    pub fn new(values: &[f64], width: f64) -> Self {
        Self::of_width(values, round_width(values, width))
    }

    /// The histogram of finite values in bins of a width from [`round_width`].
    pub(crate) fn of_width(values: &[f64], width: f64) -> Self {
        let place = |value: f64| (value / width).floor();
        let (low, high) = extent(values);
        let first = place(low);
        let mut counts = vec![0; (place(high) - first) as usize + 1];
        for &value in values.iter().filter(|value| value.is_finite()) {
            counts[(place(value) - first) as usize] += 1;
        }
        Self {
            from: first * width,
            width,
            counts,
        }
    }

    /// Lower and upper edge of a bin.
    pub fn edges(&self, bin: usize) -> (f64, f64) {
        let first = (self.from / self.width).round();
        let edge = |k: usize| (first + k as f64) * self.width;
        (edge(bin), edge(bin + 1))
    }
}

/// The smallest and the largest of the finite values.
fn extent(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().reduce(f64::min), finite().reduce(f64::max));
    (low.unwrap_or(0.0), high.unwrap_or(0.0))
}

/// A round number not below `width` that is wide enough for these values.
pub(crate) fn round_width(values: &[f64], width: f64) -> f64 {
    let (low, high) = extent(values);
    let width = if width.is_finite() { width } else { 0.0 };
    let least = width.max(high / MOST_BINS - low / MOST_BINS);
    if least <= 0.0 {
        return 1.0;
    }
    let power = 10.0_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= least);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bin_whose_edges_hold_it() {
        let values = [-0.31, -0.3, 0.0, 0.099, 0.1, 0.45, 0.45, 2.0];
        let histogram = Histogram::new(&values, 0.07);
        assert_eq!(histogram.width, 0.1);
        assert_eq!(histogram.counts.iter().sum::<usize>(), values.len());
        for (bin, &count) in histogram.counts.iter().enumerate() {
            let (low, high) = histogram.edges(bin);
            let inside = values
                .iter()
                .filter(|x| **x >= low - 1e-12 && **x < high - 1e-12);
            assert_eq!(inside.count(), count, "{low}..{high}");
        }
    }

    #[test]
    fn widths_are_round_and_bins_few() {
        for (width, expected) in [(0.011, 0.02), (0.3, 0.5), (6.0, 10.0), (2.0, 2.0)] {
            assert!((Histogram::new(&[0.0, 1.0], width).width / expected - 1.0).abs() < 1e-12);
        }
        let wide = Histogram::new(&[0.0, 1e9], 1e-9);
        assert!(wide.counts.len() <= 402);
        // Nothing that differs, and no values.
        assert_eq!(Histogram::new(&[0.0, 0.0], 0.0).counts, [2]);
        assert_eq!(Histogram::new(&[], 0.1).counts, [0]);
        let broken = [f64::INFINITY, 0.32, f64::NAN, -f64::INFINITY, 0.35];
        assert_eq!(Histogram::new(&broken, 0.1).counts, [2]);
        assert!(Histogram::new(&[-1e308, 1e308], 0.1).counts.len() <= 402);
    }
}
