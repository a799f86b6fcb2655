//! Everything that `barriers` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::completeness::Completeness;
use crate::correlation::Correlation;
use crate::measures::EventMeasures;
use crate::statistics::{class_statistics, distribution, equal_bins};
use crate::{
    BarrierStatistics, ClassStatistics, Distribution, EventRecord, Histogram, SampleRecord,
    SearchRecord, StatisticsOptions,
};

/// First bootstrap stage of the quantities here; [`BarrierStatistics`] uses those below.
const STAGE: u64 = 1000;

/// Counts in a grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointHistogram {
    /// Edges of the forward barrier `[energy]`.
    pub barrier_edges: Vec<f64>,
    /// Edges of `dE_12` `[energy]`.
    pub difference_edges: Vec<f64>,
    /// `counts[i][j]`: events in barrier bin i and difference bin j.
    pub counts: Vec<Vec<u64>>,
}

/// Forward barrier beside the energy of the end state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointStatistics {
    /// How barrier and `dE_12` go together.
    pub correlation: Option<Correlation>,
    /// Share of events whose end state is lower than the minimum.
    pub downhill: Option<f64>,
    /// The joint histogram.
    pub histogram: JointHistogram,
}

/// How the activation volume follows from the end state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrientationStatistics {
    /// Activation volume `Ω_xy` against the orientation of the end-state dipole in the plane xy.
    pub xy: Option<Correlation>,
    /// The same with the planes xy, xz and yz of every event together.
    pub pooled: Option<Correlation>,
    /// Alignment of the saddle's shear with that of the end state.
    pub alignment: Option<Distribution>,
}

/// What `barriers --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BarrierReport {
    /// Counts, barriers, activation volumes, by structure class.
    #[serde(flatten)]
    pub statistics: BarrierStatistics,
    /// The same by the species of the atom that moves most (`1`, `2`).
    pub species: BTreeMap<String, ClassStatistics>,
    /// Reverse barriers `[energy]`.
    pub barrier_reverse: Option<Distribution>,
    /// `dE_12`, final minimum minus minimum `[energy]`.
    pub energy_difference: Option<Distribution>,
    /// Barrier and end-state energy together.
    pub joint: JointStatistics,
    /// Activation volumes `Ω_xy`, both signs `[length³]`.
    pub activation_volume_histogram: Histogram,
    /// Share of the events that a positive shear stress helps.
    pub activation_volume_positive: Option<f64>,
    /// Activation volume and the orientation of the end-state dipole.
    pub orientation: OrientationStatistics,
    /// Participation numbers of the final displacements.
    pub participation: Option<Distribution>,
    /// Largest displacements of one atom `[length]`.
    pub largest_displacement: Option<Distribution>,
    /// Atoms in the longest string.
    pub string_length: Option<Distribution>,
    /// How many events have a longest string of so many atoms.
    pub string_length_counts: BTreeMap<usize, u64>,
    /// log₁₀ of the forward prefactors `[1/τ]`, where measured.
    pub log10_prefactor_forward: Option<Distribution>,
    /// log₁₀ of the reverse prefactors `[1/τ]`, where measured.
    pub log10_prefactor_reverse: Option<Distribution>,
    /// Coverage, richness and cost, for all events and under windows, as the catalogue grew.
    pub completeness: Completeness,
}

impl BarrierReport {
    /// Of the verified events of a catalogue below the window of `options`, with all of its
    /// searches. `windows` are further windows of the completeness. Returns the measures of every
    /// event beside it.
    pub fn of(
        sample: &SampleRecord,
        events: &[EventRecord],
        searches: &[SearchRecord],
        windows: &[f64],
        options: &StatisticsOptions,
    ) -> (Self, Vec<EventMeasures>) {
        let inside = |event: &&EventRecord| {
            let edge = options.window;
            event.is_verified() && edge.is_none_or(|edge| event.barrier_forward < edge)
        };
        let chosen: Vec<&EventRecord> = events.iter().filter(inside).collect();
        let measures: Vec<EventMeasures> = chosen
            .iter()
            .map(|event| EventMeasures::of(event, sample))
            .collect();
        let mut all_windows: Vec<f64> = options
            .window
            .into_iter()
            .chain(windows.iter().copied())
            .collect();
        all_windows.sort_by(f64::total_cmp);
        all_windows.dedup();
        let completeness = Completeness::of(searches, events, sample.positions.len(), &all_windows);
        let mut statistics = BarrierStatistics::of(events, options);
        let entry = completeness
            .windows
            .iter()
            .find(|entry| entry.window == options.window);
        if let Some(entry) = entry {
            statistics.coverage_error = entry.coverage_error;
            statistics.chao1_error = entry.chao1_error;
        }
        let of = |stage: u64, value: &dyn Fn(&EventMeasures) -> Option<f64>| {
            distribution(
                measures.iter().filter_map(value).collect(),
                options,
                STAGE + stage,
            )
        };
        let log10 = |prefactor: Option<f64>| prefactor.filter(|nu| *nu > 0.0).map(f64::log10);
        let volumes: Vec<f64> = measures
            .iter()
            .filter_map(|m| m.activation_volume)
            .collect();
        let mut string_length_counts = BTreeMap::new();
        for measure in &measures {
            *string_length_counts
                .entry(measure.string_length)
                .or_insert(0) += 1;
        }
        let report = Self {
            statistics,
            species: by_species(&chosen, options),
            barrier_reverse: of(0, &|m| Some(m.barrier_reverse)),
            energy_difference: of(1, &|m| Some(m.energy_difference)),
            joint: joint(&measures, options),
            activation_volume_positive: share(&volumes, |volume| volume > 0.0),
            activation_volume_histogram: equal_bins(&volumes, options.bins, None),
            orientation: orientation(&measures, options),
            participation: of(2, &|m| Some(m.participation)),
            largest_displacement: of(3, &|m| Some(m.largest_displacement)),
            string_length: of(4, &|m| Some(m.string_length as f64)),
            string_length_counts,
            log10_prefactor_forward: of(5, &|m| log10(m.prefactor_forward)),
            log10_prefactor_reverse: of(6, &|m| log10(m.prefactor_reverse)),
            completeness,
        };
        (report, measures)
    }
}

fn share(values: &[f64], holds: impl Fn(f64) -> bool) -> Option<f64> {
    let count = values.iter().filter(|value| holds(**value)).count();
    (!values.is_empty()).then(|| count as f64 / values.len() as f64)
}

fn by_species(
    events: &[&EventRecord],
    options: &StatisticsOptions,
) -> BTreeMap<String, ClassStatistics> {
    let mut members: BTreeMap<u8, Vec<&EventRecord>> = BTreeMap::new();
    for event in events {
        members.entry(event.species).or_default().push(event);
    }
    members
        .into_iter()
        .map(|(species, members)| {
            let stage = STAGE + 100 + 2 * u64::from(species);
            (
                species.to_string(),
                class_statistics(&members, options, stage),
            )
        })
        .collect()
}

fn joint(measures: &[EventMeasures], options: &StatisticsOptions) -> JointStatistics {
    let pairs: Vec<Vec<(f64, f64)>> = measures
        .iter()
        .map(|m| vec![(m.barrier_forward, m.energy_difference)])
        .collect();
    let (barriers, differences): (Vec<f64>, Vec<f64>) = pairs.iter().flatten().copied().unzip();
    let bins = (options.bins / 2).max(1);
    let barrier_edges = equal_bins(&barriers, bins, options.window).edges;
    let difference_edges = equal_bins(&differences, bins, None).edges;
    let mut counts = vec![vec![0; bins]; bins];
    let bin =
        |edges: &[f64], value: f64| edges.partition_point(|edge| *edge <= value).clamp(1, bins) - 1;
    for (barrier, difference) in barriers.iter().zip(&differences) {
        counts[bin(&barrier_edges, *barrier)][bin(&difference_edges, *difference)] += 1;
    }
    JointStatistics {
        correlation: Correlation::of(&pairs, options, STAGE + 10),
        downhill: share(&differences, |difference| difference < 0.0),
        histogram: JointHistogram {
            barrier_edges,
            difference_edges,
            counts,
        },
    }
}

fn orientation(measures: &[EventMeasures], options: &StatisticsOptions) -> OrientationStatistics {
    let planes = |count: usize| -> Vec<Vec<(f64, f64)>> {
        measures
            .iter()
            .filter_map(|m| Some((m.orientation?, m.activation_volumes?)))
            .map(|(orientation, volumes)| {
                orientation.into_iter().zip(volumes).take(count).collect()
            })
            .collect()
    };
    let alignments = measures.iter().filter_map(|m| m.alignment).collect();
    OrientationStatistics {
        xy: Correlation::of(&planes(1), options, STAGE + 11),
        pooled: Correlation::of(&planes(3), options, STAGE + 12),
        alignment: distribution(alignments, options, STAGE + 13),
    }
}
