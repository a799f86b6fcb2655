//! What can be said about the barriers of a catalogue, and about how complete it is.

use std::collections::BTreeMap;

use metabasin_atoms::{Purpose, random_stream};
use rand::RngExt;
use serde::Serialize;

use crate::{EventRecord, MeyerNeldel};

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticsOptions {
    /// Only events of a forward barrier below this, the window E* `[energy]`; `None`: all.
    pub window: Option<f64>,
    /// Bins of the histogram of forward barriers, of equal width from 0 to the highest barrier (or
    /// to the window).
    pub bins: usize,
    /// Bootstrap samples behind every error.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Default for StatisticsOptions {
    fn default() -> Self {
        Self {
            window: None,
            bins: 40,
            resamples: 400,
            seed: 1,
        }
    }
}

/// Moments and quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the sample (divisor n − 1; 0 for one value).
    pub std: f64,
    /// 5 % quantile.
    pub q05: f64,
    /// Lower quartile.
    pub q25: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub q75: f64,
    /// 95 % quantile.
    pub q95: f64,
}

impl Summary {
    /// Of values in ascending order; `None` without any.
    fn of_sorted(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            std: (squares / (count - 1.0).max(1.0)).sqrt(),
            q05: quantile(values, 0.05),
            q25: quantile(values, 0.25),
            median: quantile(values, 0.5),
            q75: quantile(values, 0.75),
            q95: quantile(values, 0.95),
        })
    }

    fn to_array(self) -> [f64; 7] {
        let Self {
            mean,
            std,
            q05,
            q25,
            median,
            q75,
            q95,
        } = self;
        [mean, std, q05, q25, median, q75, q95]
    }

    fn from_array([mean, std, q05, q25, median, q75, q95]: [f64; 7]) -> Self {
        Self {
            mean,
            std,
            q05,
            q25,
            median,
            q75,
            q95,
        }
    }
}

/// A summary with its standard errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Moments and quantiles; in JSON, beside `error`.
    #[serde(flatten)]
    pub summary: Summary,
    /// Bootstrap standard error of each (over distinct events).
    pub error: Summary,
}

/// Counts in bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Edges, one more than bins.
    pub edges: Vec<f64>,
    /// Events with edge k ≤ value < edge k+1; the last bin includes its upper edge.
    pub counts: Vec<u64>,
    /// Standard error of each count c out of n, √(c(1 − c/n)): what the bootstrap over events tends
    /// to for many draws.
    pub errors: Vec<f64>,
}

/// The events whose most mobile atom is of one structure class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassStatistics {
    /// Hits.
    pub events: u64,
    /// Distinct events.
    pub distinct: usize,
    /// Forward barriers `[energy]`.
    pub barrier: Option<Distribution>,
    /// Activation volumes `Ω_xy` `[length³]`.
    pub activation_volume: Option<Distribution>,
}

/// What `barriers --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BarrierStatistics {
    /// How often searches ended in a verified event: the sum of hits.
    pub events: u64,
    /// Distinct verified events.
    pub distinct: usize,
    /// Good-Turing coverage, the probability that the next search that ends in an event ends in a
    /// known one; `None` without events.
    pub coverage: Option<f64>,
    /// Bootstrap standard error of the coverage (over hits).
    pub coverage_error: Option<f64>,
    /// Chao1, a lower bound of the number of events that these searches can find.
    pub chao1: Option<f64>,
    /// Bootstrap standard error of Chao1 (over hits).
    pub chao1_error: Option<f64>,
    /// Forward barriers of the distinct events `[energy]`.
    pub barrier: Option<Distribution>,
    /// Activation volumes `Ω_xy` of the distinct events `[length³]`, where the compliance is known.
    pub activation_volume: Option<Distribution>,
    /// The same by structure class; `unknown` where it was not determined.
    pub classes: BTreeMap<String, ClassStatistics>,
    /// Forward barriers of the distinct events.
    pub histogram: Histogram,
    /// The window that was applied `[energy]`.
    pub window: Option<f64>,
    /// Forward prefactors against barriers, where at least three were measured.
    pub meyer_neldel: Option<MeyerNeldel>,
}

impl BarrierStatistics {
    /// Statistics of the verified events among `events`.
    pub fn of(events: &[EventRecord], options: &StatisticsOptions) -> Self {
        let chosen: Vec<&EventRecord> = events
            .iter()
            .filter(|event| event.is_verified())
            .filter(|event| {
                options
                    .window
                    .is_none_or(|edge| event.barrier_forward < edge)
            })
            .collect();
        let hits: Vec<u64> = chosen.iter().map(|event| event.hits).collect();
        let (coverage_error, chao1_error) = hit_errors(&hits, options).unzip();
        let known = !hits.is_empty();
        let mut by_class: BTreeMap<String, Vec<&EventRecord>> = BTreeMap::new();
        for event in &chosen {
            let class = event.structure_class.as_deref().unwrap_or("unknown");
            by_class.entry(class.to_owned()).or_default().push(event);
        }
        let barriers: Vec<f64> = chosen.iter().map(|event| event.barrier_forward).collect();
        Self {
            events: hits.iter().sum(),
            distinct: chosen.len(),
            coverage: good_turing_coverage(&hits),
            coverage_error,
            chao1: known.then(|| species_richness(&hits)),
            chao1_error,
            barrier: distribution(barriers.clone(), options, 1),
            activation_volume: activation_volumes(&chosen, options, 2),
            classes: by_class
                .into_iter()
                .enumerate()
                .map(|(k, (class, members))| {
                    let stage = 3 + 2 * k as u64;
                    (class, class_statistics(&members, options, stage))
                })
                .collect(),
            histogram: histogram(&barriers, options),
            window: options.window,
            meyer_neldel: MeyerNeldel::of(&chosen),
        }
    }
}

pub(crate) fn class_statistics(
    members: &[&EventRecord],
    options: &StatisticsOptions,
    stage: u64,
) -> ClassStatistics {
    let barriers = members.iter().map(|event| event.barrier_forward).collect();
    ClassStatistics {
        events: members.iter().map(|event| event.hits).sum(),
        distinct: members.len(),
        barrier: distribution(barriers, options, stage),
        activation_volume: activation_volumes(members, options, stage + 1),
    }
}

fn activation_volumes(
    events: &[&EventRecord],
    options: &StatisticsOptions,
    stage: u64,
) -> Option<Distribution> {
    let volumes = events
        .iter()
        .filter_map(|event| event.activation_volume())
        .collect();
    distribution(volumes, options, stage)
}

/// The quantile q of ascending values by linear interpolation at (n − 1) q, type 7 of Hyndman &
/// Fan, Am. Stat. 50, 361 (1996), as numpy and R do by default.
///
/// # Panics
/// Without values.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

/// Good-Turing coverage 1 − f₁/n, f₁ the number of events hit once and n the number of hits (Good,
/// Biometrika 40, 237 (1953)): the probability that the next independent draw is a known event.
/// `None` without hits.
pub fn good_turing_coverage(hits: &[u64]) -> Option<f64> {
    let total: u64 = hits.iter().sum();
    let once = hits.iter().filter(|count| **count == 1).count();
    (total > 0).then(|| 1.0 - once as f64 / total as f64)
}

/// Chao1, the bias-corrected lower bound of the number of events S + f₁(f₁ − 1)/(2(f₂ + 1)) with
/// f₁, f₂ the numbers of events hit once and twice (Chao, Biometrics 43, 783 (1987)).
pub fn species_richness(hits: &[u64]) -> f64 {
    let with = |wanted: u64| hits.iter().filter(|count| **count == wanted).count() as f64;
    let (once, twice) = (with(1), with(2));
    let seen = hits.iter().filter(|count| **count > 0).count() as f64;
    seen + once * (once - 1.0) / (2.0 * (twice + 1.0))
}

/// Standard errors of coverage and Chao1: n draws from the events in proportion to their hits.
fn hit_errors(hits: &[u64], options: &StatisticsOptions) -> Option<(f64, f64)> {
    let total: u64 = hits.iter().sum();
    if total == 0 || options.resamples < 2 {
        return None;
    }
    let mut upper = 0;
    let cumulative: Vec<u64> = hits
        .iter()
        .map(|count| {
            upper += count;
            upper
        })
        .collect();
    let mut coverages = Vec::with_capacity(options.resamples);
    let mut richness = Vec::with_capacity(options.resamples);
    for index in 0..options.resamples as u64 {
        let mut random = random_stream(options.seed, Purpose::Bootstrap, 0, index);
        let mut drawn = vec![0_u64; hits.len()];
        for _ in 0..total {
            let draw = random.random_range(0..total);
            drawn[cumulative.partition_point(|edge| *edge <= draw)] += 1;
        }
        coverages.extend(good_turing_coverage(&drawn));
        richness.push(species_richness(&drawn));
    }
    Some((spread(&coverages), spread(&richness)))
}

/// Sample standard deviation.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt()
}

/// Summary with bootstrap errors; `stage` keeps the random streams of different quantities apart.
pub(crate) fn distribution(
    mut values: Vec<f64>,
    options: &StatisticsOptions,
    stage: u64,
) -> Option<Distribution> {
    values.sort_by(f64::total_cmp);
    let summary = Summary::of_sorted(&values)?;
    let mut samples: [Vec<f64>; 7] = Default::default();
    for index in 0..options.resamples as u64 {
        let mut random = random_stream(options.seed, Purpose::Bootstrap, stage, index);
        let mut drawn: Vec<f64> = (0..values.len())
            .map(|_| values[random.random_range(0..values.len())])
            .collect();
        drawn.sort_by(f64::total_cmp);
        let resampled = Summary::of_sorted(&drawn)?;
        for (sample, value) in samples.iter_mut().zip(resampled.to_array()) {
            sample.push(value);
        }
    }
    let error = if options.resamples < 2 {
        [0.0; 7]
    } else {
        samples.map(|sample| spread(&sample))
    };
    Some(Distribution {
        summary,
        error: Summary::from_array(error),
    })
}

fn histogram(values: &[f64], options: &StatisticsOptions) -> Histogram {
    let lowest = values.iter().copied().fold(0.0, f64::min);
    let highest = values.iter().copied().fold(0.0, f64::max);
    let upper = match options.window {
        Some(window) => window,
        None if highest > lowest => highest,
        None => lowest + 1.0,
    };
    binned(values, (lowest, upper), options.bins)
}

/// Bins of equal width between the extremes of the values, or up to `upper`.
pub(crate) fn equal_bins(values: &[f64], bins: usize, upper: Option<f64>) -> Histogram {
    let lowest = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let highest = values.iter().copied().reduce(f64::max).unwrap_or(0.0);
    let highest = upper.unwrap_or(highest);
    let highest = if highest > lowest {
        highest
    } else {
        lowest + 1.0
    };
    binned(values, (lowest, highest), bins)
}

fn binned(values: &[f64], (lowest, upper): (f64, f64), bins: usize) -> Histogram {
    let bins = bins.max(1);
    let width = (upper - lowest) / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|k| lowest + width * k as f64).collect();
    edges.push(upper);
    let mut counts = vec![0; bins];
    for value in values {
        let above = edges.partition_point(|edge| edge <= value);
        counts[above.clamp(1, bins) - 1] += 1;
    }
    let total = values.len() as f64;
    let errors = counts
        .iter()
        .map(|&count: &u64| (count as f64 * (1.0 - count as f64 / total.max(1.0))).sqrt())
        .collect();
    Histogram {
        edges,
        counts,
        errors,
    }
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
pub(crate) mod tests;
