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

fn class_statistics(
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
fn spread(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt()
}

/// Summary with bootstrap errors; `stage` keeps the random streams of different quantities apart.
fn distribution(
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
    let bins = options.bins.max(1);
    let highest = values.iter().copied().fold(0.0, f64::max);
    let lowest = values.iter().copied().fold(0.0, f64::min);
    let upper = match options.window {
        Some(window) => window,
        None if highest > lowest => highest,
        None => lowest + 1.0,
    };
    let width = (upper - lowest) / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|k| lowest + width * k as f64).collect();
    edges.push(upper);
    let mut counts = vec![0; bins];
    for value in values {
        let above = edges.partition_point(|edge| edge <= value);
        counts[above.clamp(1, bins) - 1] += 1;
    }
    Histogram { edges, counts }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{DisplacementField, EvaluationCounts};
    use metabasin_atoms::{Dipole, PlasticVolume};

    pub(crate) fn event(barrier: f64, hits: u64, class: Option<&str>) -> EventRecord {
        EventRecord {
            id: 1,
            first_search: 0,
            barrier_forward: barrier,
            barrier_reverse: barrier,
            energy_minimum: 0.0,
            energy_saddle: barrier,
            energy_final: 0.0,
            lowest_eigenvalue: -1.0,
            dipole_saddle: Dipole::ZERO,
            dipole_final: Dipole::ZERO,
            plastic_saddle: Some(PlasticVolume([0.0, 0.0, 0.0, 0.5 * barrier, 0.0, 0.0])),
            plastic_final: None,
            prefactor_forward: None,
            prefactor_reverse: None,
            center: [0.0; 3],
            participation: 1.0,
            largest_displacement: 1.0,
            species: 1,
            structure_class: class.map(str::to_owned),
            largest_force_saddle: 0.0,
            converged: true,
            index: 1,
            index_method: "inertia".to_owned(),
            connected: true,
            hits,
            evaluations: EvaluationCounts::default(),
            displacement_saddle: DisplacementField::default(),
            displacement_final: DisplacementField::default(),
            barrier_core: None,
            core_atoms: None,
        }
    }

    fn catalogue() -> Vec<EventRecord> {
        let mut unconnected = event(9.0, 4, None);
        unconnected.connected = false;
        vec![
            event(4.0, 1, Some("other")),
            event(1.0, 5, Some("icosahedral")),
            event(2.0, 2, Some("other")),
            event(8.0, 1, None),
            event(3.0, 1, Some("other")),
            unconnected,
        ]
    }

    #[test]
    fn counts_and_quantiles_are_those_done_by_hand() {
        let found = BarrierStatistics::of(&catalogue(), &StatisticsOptions::default());
        assert_eq!((found.events, found.distinct), (10, 5));
        // f₁ = 3, f₂ = 1, n = 10: 1 − 3/10 and 5 + 3·2/(2·2).
        assert_eq!(found.coverage, Some(0.7));
        assert_eq!(found.chao1, Some(6.5));
        let barrier = found.barrier.unwrap().summary;
        assert_eq!(barrier.mean, 3.6);
        // Squares of −2.6, −1.6, −0.6, 0.4, 4.4 sum to 29.2; over 4.
        assert!((barrier.std - 7.3_f64.sqrt()).abs() < 1e-15);
        // numpy.quantile([1, 2, 3, 4, 8], [.05, .25, .5, .75, .95]).
        let quantiles = [
            barrier.q05,
            barrier.q25,
            barrier.median,
            barrier.q75,
            barrier.q95,
        ];
        for (value, expected) in quantiles.into_iter().zip([1.2, 2.0, 3.0, 4.0, 7.2]) {
            assert!((value - expected).abs() < 1e-14, "{quantiles:?}");
        }
        assert_eq!(found.activation_volume.unwrap().summary, barrier);
        let other = &found.classes["other"];
        assert_eq!((other.events, other.distinct), (4, 3));
        assert_eq!(other.barrier.unwrap().summary.mean, 3.0);
        assert_eq!(found.classes["unknown"].distinct, 1);
    }

    #[test]
    fn the_window_leaves_out_what_lies_above() {
        let options = StatisticsOptions {
            window: Some(4.0),
            bins: 4,
            ..StatisticsOptions::default()
        };
        let found = BarrierStatistics::of(&catalogue(), &options);
        assert_eq!((found.events, found.distinct), (8, 3));
        assert_eq!(found.coverage, Some(1.0 - 1.0 / 8.0));
        assert_eq!(found.histogram.edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.histogram.counts, [0, 1, 1, 1]);
    }

    #[test]
    fn the_histogram_counts_every_event_once() {
        let found = BarrierStatistics::of(&catalogue(), &StatisticsOptions::default());
        assert_eq!(found.histogram.counts.iter().sum::<u64>(), 5);
        assert_eq!(found.histogram.edges.len(), 41);
        assert_eq!(found.histogram.counts[39], 1);
    }

    #[test]
    fn an_empty_catalogue_has_no_numbers_and_one_event_no_spread() {
        let none = BarrierStatistics::of(&[], &StatisticsOptions::default());
        assert_eq!(
            (none.coverage, none.chao1, none.barrier),
            (None, None, None)
        );
        let json = serde_json::to_value(&none).unwrap();
        assert!(json["barrier"].is_null() && json["histogram"]["counts"].is_array());
        let one = BarrierStatistics::of(&[event(2.0, 1, None)], &StatisticsOptions::default());
        let barrier = one.barrier.unwrap();
        assert_eq!((barrier.summary.std, barrier.error.mean), (0.0, 0.0));
        assert_eq!((one.coverage, one.chao1), (Some(0.0), Some(1.0)));
        let json = serde_json::to_value(&one).unwrap();
        assert_eq!(json["barrier"]["q05"], 2.0);
        assert_eq!(json["barrier"]["error"]["mean"], 0.0);
    }

    #[test]
    fn the_bootstrap_error_of_the_mean_is_that_of_theory() {
        // A resampled mean of n values has the variance (n − 1)/n · s²/n exactly.
        let events: Vec<EventRecord> = (0..50)
            .map(|k| event(1.0 + f64::from(k * k % 17), 2, None))
            .collect();
        let options = StatisticsOptions {
            resamples: 2000,
            ..StatisticsOptions::default()
        };
        let barrier = BarrierStatistics::of(&events, &options).barrier.unwrap();
        let expected = barrier.summary.std * (49.0_f64 / 50.0 / 50.0).sqrt();
        // The spread of 2,000 draws is known to 1/√4000 = 1.6 %; four times that.
        let relative = barrier.error.mean / expected - 1.0;
        assert!(relative.abs() < 0.064, "{relative}");
        // Dividing by n instead of √n, or forgetting the root, would be far off.
        assert!((barrier.error.mean / barrier.summary.std - 1.0).abs() > 0.5);
        assert_eq!(
            BarrierStatistics::of(&events, &options).barrier,
            Some(barrier)
        );
    }

    #[test]
    fn coverage_error_follows_the_hits() {
        // Two events of even odds and four hits: a resample leaves f₁ = 1 with probability
        // 2·4/16, so that the coverage is 3/4 or 1 with odds one to one; its deviation is 1/8.
        let events = [event(1.0, 2, None), event(2.0, 2, None)];
        let options = StatisticsOptions {
            resamples: 4000,
            ..StatisticsOptions::default()
        };
        let found = BarrierStatistics::of(&events, &options);
        // A two-point distribution of even odds: the deviation is within 4/4000 of 1/8 at 4 sigma
        // of the odds, (p(1 − p))^½ being flat at ½.
        assert!((found.coverage_error.unwrap() - 0.125).abs() < 1e-3);
        assert_eq!(found.coverage, Some(1.0));
    }
}
