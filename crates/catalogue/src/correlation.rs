//! Correlation coefficients with their errors.

use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;
use serde::Serialize;

use crate::StatisticsOptions;
use crate::statistics::spread;

/// How two quantities go together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Correlation {
    /// Pearson's linear coefficient, −1 to 1.
    pub pearson: f64,
    /// Its standard error, by bootstrap over events.
    pub pearson_error: f64,
    /// Spearman's coefficient: Pearson's of the ranks, which a few large values do not decide.
    pub spearman: f64,
    /// Its standard error, by bootstrap over events.
    pub spearman_error: f64,
    /// How many events.
    pub events: usize,
}

impl Correlation {
    /// Of events each of which gives some pairs (the errors keep the pairs of an event together);
    /// `None` for fewer than three events or where one quantity does not vary. `stage` keeps the
    /// random streams of different quantities apart.
    pub(crate) fn of(
        events: &[Vec<(f64, f64)>],
        options: &StatisticsOptions,
        stage: u64,
    ) -> Option<Self> {
        if events.len() < 3 {
            return None;
        }
        let both = |chosen: &[&Vec<(f64, f64)>]| {
            let (x, y): (Vec<f64>, Vec<f64>) = chosen.iter().copied().flatten().copied().unzip();
            Some((pearson(&x, &y)?, pearson(&ranks(&x), &ranks(&y))?))
        };
        let all: Vec<&Vec<(f64, f64)>> = events.iter().collect();
        let (pearson, spearman) = both(&all)?;
        let mut drawn = (Vec::new(), Vec::new());
        for index in 0..options.resamples as u64 {
            let mut random = random_stream(options.seed, Purpose::Bootstrap, stage, index);
            let chosen: Vec<&Vec<(f64, f64)>> = events
                .iter()
                .map(|_| &events[random.random_range(0..events.len())])
                .collect();
            if let Some((linear, of_ranks)) = both(&chosen) {
                drawn.0.push(linear);
                drawn.1.push(of_ranks);
            }
        }
        let error = |values: &[f64]| {
            if values.len() < 2 {
                0.0
            } else {
                spread(values)
            }
        };
        Some(Self {
            pearson,
            pearson_error: error(&drawn.0),
            spearman,
            spearman_error: error(&drawn.1),
            events: events.len(),
        })
    }
}

/// Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²); `None` where one does not vary.
pub(crate) fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x_mean, y_mean) = (mean(x), mean(y));
    let mut sums = [0.0; 3];
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - x_mean, y - y_mean);
        sums[0] += x * x;
        sums[1] += y * y;
        sums[2] += x * y;
    }
    (sums[0] > 0.0 && sums[1] > 0.0)
        .then(|| (sums[2] / (sums[0] * sums[1]).sqrt()).clamp(-1.0, 1.0))
}

/// Ranks from 1; equal values share the mean of theirs.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    while begin < order.len() {
        let value = values[order[begin]];
        let tied = order[begin..]
            .iter()
            .take_while(|&&k| values[k] == value)
            .count()
            .max(1);
        let shared = begin as f64 + 0.5 * (tied as f64 + 1.0);
        for &k in &order[begin..begin + tied] {
            ranks[k] = shared;
        }
        begin += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(f64, f64)]) -> Option<Correlation> {
        let events: Vec<Vec<(f64, f64)>> = pairs.iter().map(|&pair| vec![pair]).collect();
        Correlation::of(&events, &StatisticsOptions::default(), 1)
    }

    #[test]
    fn coefficients_are_those_done_by_hand() {
        // scipy.stats.pearsonr and spearmanr of ([1, 2, 3, 4, 4], [1, 3, 2, 10, 5]).
        let found = of(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 10.0), (4.0, 5.0)]).unwrap();
        // x − x̄ = −1.8, −0.8, 0.2, 1.2, 1.2 and y − ȳ = −3.2, −1.2, −2.2, 5.8, 0.8.
        let expected = 14.2 / (6.8_f64 * 50.8).sqrt();
        assert!(
            (found.pearson - (5.76 + 0.96 - 0.44 + 6.96 + 0.96) / (6.8_f64 * 50.8).sqrt()).abs()
                < 1e-14
        );
        assert!((found.pearson - expected).abs() < 1e-14);
        // Ranks 1, 2, 3, 4.5, 4.5 and 1, 3, 2, 5, 4: deviations by hand.
        let spearman = (4.0 + 0.0 + 0.0 + 3.0 + 1.5) / (9.5_f64 * 10.0).sqrt();
        assert!(
            (found.spearman - spearman).abs() < 1e-14,
            "{}",
            found.spearman
        );
        assert_eq!(found.events, 5);
    }

    #[test]
    fn what_does_not_vary_has_no_correlation() {
        assert_eq!(of(&[(1.0, 2.0), (1.0, 3.0), (1.0, 5.0)]), None);
        assert_eq!(of(&[(1.0, 2.0), (2.0, 3.0)]), None);
        let straight = of(&[(1.0, -2.0), (2.0, -4.0), (4.0, -8.0)]).unwrap();
        assert!((straight.pearson + 1.0).abs() < 1e-15 && (straight.spearman + 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_error_is_that_of_theory() {
        // Independent normal numbers: the spread of r is 1/√(n − 1), exactly. A bootstrap of 100 draws
        // knows its own to 7 %, and it varies by 8 % from sample to sample: the mean over 400 samples
        // is known to 0.6 %. Four times that, and 1/n for the bias of the bootstrap.
        let mut random = random_stream(5, Purpose::Test, 0, 0);
        let mut normal = || (0..12).map(|_| random.random_range(-0.5..0.5)).sum::<f64>();
        let options = StatisticsOptions {
            resamples: 100,
            ..StatisticsOptions::default()
        };
        let samples = 400;
        let (mut linear, mut of_ranks) = (0.0, 0.0);
        for stage in 0..samples {
            let pairs: Vec<Vec<(f64, f64)>> =
                (0..100).map(|_| vec![(normal(), normal())]).collect();
            let found = Correlation::of(&pairs, &options, stage).unwrap();
            linear += found.pearson_error / samples as f64;
            of_ranks += found.spearman_error / samples as f64;
        }
        let expected = 1.0 / 99_f64.sqrt();
        for error in [linear, of_ranks] {
            assert!((error / expected - 1.0).abs() < 0.034, "{error} {expected}");
        }
    }

    #[test]
    fn pairs_of_one_event_are_drawn_together() {
        // Four equal pairs an event say no more than one.
        let mut random = random_stream(6, Purpose::Test, 0, 0);
        let mut uniform = || random.random_range(-1.0..1.0);
        let once: Vec<Vec<(f64, f64)>> = (0..30).map(|_| vec![(uniform(), uniform())]).collect();
        let often: Vec<Vec<(f64, f64)>> = once.iter().map(|pairs| pairs.repeat(4)).collect();
        let of = |events: &[Vec<(f64, f64)>]| {
            Correlation::of(events, &StatisticsOptions::default(), 1).unwrap()
        };
        let (once, often) = (of(&once), of(&often));
        assert!((once.pearson - often.pearson).abs() < 1e-12);
        assert!((once.pearson_error - often.pearson_error).abs() < 1e-12);
        assert!((once.spearman_error - often.spearman_error).abs() < 1e-12);
    }
}
