//! Lasting exits of stationary trajectories beside those of the states that a catalogue stores.
//!
//! Both are told in the same way: the stored states, with their weights and fluxes, make a long trajectory that
//! is looked at as often as the dynamics, and lasting exits of both are counted by the same rule.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_catalogue::{SampleRecord, StateGraph};
use metabasin_graphs::{Exits, ReversibleModel, lasting_exits, metabasins};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use serde::Serialize;
use std::collections::BTreeMap;

use super::Share;
use crate::harvest::{LASTING_PERIODS, States, StationarySeries, as_series, counts_of};
use crate::poisson;

/// Moments of the trajectory that the stored states make.
const MOMENTS: usize = 400_000;
/// Rates that differ by less than this factor are alike.
const ALIKE: f64 = 3.0;
/// Standard deviations of a count within which a rate is known.
const DEVIATIONS: f64 = 2.0;
/// Borders of the windows below the rate at which states are one metabasin `[1/τ]`: crossed within 30 τ, and
/// within 555 τ, a thousandth of a nanosecond.
const BORDERS: [f64; 2] = [1.0 / 30.0, 1.0 / 555.0];

/// Lasting exits whose channels have rates in a window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecallWindow {
    /// Rates are below `[1/τ]`.
    pub slower_than: f64,
    /// Rates are above `[1/τ]`.
    pub faster_than: f64,
    /// Lasting exits.
    pub exits: u64,
    /// Of them, those whose channel the stored states hold at the same rate, within a factor of three or the
    /// error of the count.
    pub held: u64,
    /// Of them, those that lead from a stored metabasin to a stored one, at another rate.
    pub held_at_another_rate: u64,
    /// The share that is held; none without an exit.
    pub recall: Option<f64>,
    /// Its exact interval at 95 %.
    pub recall_interval: Option<[f64; 2]>,
}

/// What stationary trajectories say of the stored states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StationaryRecall {
    /// Trajectories.
    pub trajectories: u64,
    /// Time of all together `[τ]`.
    pub time: f64,
    /// Share of it in states that the catalogue stores.
    pub time_in_stored_states: f64,
    /// Its standard error, over trajectories; none of fewer than two.
    pub time_in_stored_states_error: Option<f64>,
    /// Variance of the xy stress between the stored states by their weights, over that of the trajectories.
    pub stress_variance: Option<f64>,
    /// Lasting exits a time `[1/τ]`.
    pub rate_md: f64,
    /// Its exact limits at two standard deviations `[1/τ]`.
    pub rate_md_interval: [f64; 2],
    /// The same of the stored states `[1/τ]`.
    pub rate_stored: f64,
    /// Lasting exits by the rate of their channel, the fastest first.
    pub windows: Vec<RecallWindow>,
}

/// Lasting exits of some trajectories, by channel, and times at risk.
#[derive(Default)]
struct Channels {
    exits: BTreeMap<(usize, usize), u64>,
    moments: BTreeMap<usize, u64>,
}

impl Channels {
    fn add(&mut self, found: &Exits) {
        for exit in &found.exits {
            *self.exits.entry((exit.from, exit.to)).or_default() += 1;
        }
        for &basin in found.belongs.iter().flatten() {
            *self.moments.entry(basin).or_default() += 1;
        }
    }

    fn all(&self) -> (u64, f64) {
        let moments: u64 = self.moments.values().sum();
        (self.exits.values().sum(), moments as f64)
    }

    /// Exits from one metabasin to another, and the moments at risk.
    fn of(&self, channel: (usize, usize)) -> (u64, f64) {
        let exits = self.exits.get(&channel).copied().unwrap_or(0);
        (
            exits,
            self.moments.get(&channel.0).copied().unwrap_or(0) as f64,
        )
    }
}

/// Lays stationary trajectories, quenched every `interval` `[τ]`, beside the stored states; none where no stored
/// state has a weight, or nothing was followed.
pub(crate) fn stationary_recall(
    series: &[StationarySeries],
    (graph, sample): (&StateGraph, &SampleRecord),
    (interval, seed): (f64, u64),
) -> Option<StationaryRecall> {
    let mut all = vec![as_series(graph)];
    all.extend(series.iter().cloned());
    let states = States::of(&all, sample);
    let followed = &states.trajectories[1..];
    let stored = graph.states.len();
    let counts = counts_of(graph, states.minima.len());
    let model = ReversibleModel::fit(&counts)?;
    let lasting_time = LASTING_PERIODS / sample.attempt_frequency;
    let basins = metabasins(&model, 1.0 / lasting_time);
    let number = basins.iter().max().map_or(0, |last| last + 1);
    // What has no weight is a metabasin of its own.
    let basin_of = |state: usize| match model.states().binary_search(&state) {
        Ok(place) => basins[place],
        Err(_) => number + state,
    };
    let window = (lasting_time / interval).ceil() as usize;
    let exits = |trajectory: &[usize]| {
        let basins: Vec<usize> = trajectory.iter().map(|&state| basin_of(state)).collect();
        lasting_exits(&basins, window)
    };
    let (mut of_md, mut of_stored) = (Channels::default(), Channels::default());
    for trajectory in followed {
        of_md.add(&exits(trajectory));
    }
    let mut generator = random_stream(seed, Purpose::Bootstrap, 1, 0);
    of_stored.add(&exits(&walk(&model, interval, MOMENTS, &mut generator)));

    let shares: Vec<f64> = followed
        .iter()
        .map(|trajectory| {
            let known = trajectory.iter().filter(|&&state| state < stored).count();
            known as f64 / trajectory.len() as f64
        })
        .collect();
    let share = metabasin_files::findings::Measured::of(&shares);
    let (exits, at_risk) = of_md.all();
    let at_risk = at_risk * interval;
    let (low, high) = poisson::limits(exits, DEVIATIONS);
    let (exits_stored, moments_stored) = of_stored.all();
    let moments: usize = followed.iter().map(Vec::len).sum();
    let xy = |state: usize| states.minima[state].stress.0[3];
    let series_xy = followed.iter().flatten().map(|&state| (xy(state), 1.0));
    let of_series = variance(series_xy);
    let stored_xy = model.states().iter().map(|&state| {
        let weight = model.weight(state).unwrap_or(0.0);
        (xy(state), weight)
    });
    (moments > 0).then(|| StationaryRecall {
        trajectories: followed.len() as u64,
        time: moments as f64 * interval,
        time_in_stored_states: share.value,
        time_in_stored_states_error: share.error,
        stress_variance: (of_series > 0.0).then(|| variance(stored_xy) / of_series),
        rate_md: exits as f64 / at_risk,
        rate_md_interval: [low / at_risk, high / at_risk],
        rate_stored: exits_stored as f64 / (moments_stored * interval),
        windows: windows(&of_md, &of_stored, (interval, 1.0 / lasting_time), number),
    })
}

/// Of values with weights, to a factor that all weights share.
fn variance(values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let sum: f64 = values.clone().map(|(_, weight)| weight).sum();
    let mean = values.clone().map(|(x, weight)| x * weight).sum::<f64>() / sum;
    values
        .map(|(x, weight)| weight * (x - mean).powi(2))
        .sum::<f64>()
        / sum
}

/// The states of a model at equal times, from one drawn by weight.
fn walk(
    model: &ReversibleModel,
    interval: f64,
    moments: usize,
    generator: &mut impl rand::Rng,
) -> Vec<usize> {
    let ways = |state: usize| -> Vec<(usize, f64)> {
        let others = model.states().iter().filter(|&&other| other != state);
        let rates = others.map(|&other| (other, model.rate(state, other)));
        rates.filter(|(_, rate)| *rate > 0.0).collect()
    };
    let ways: BTreeMap<usize, Vec<(usize, f64)>> = model
        .states()
        .iter()
        .map(|&state| (state, ways(state)))
        .collect();
    let drawn = |choices: &mut dyn Iterator<Item = (usize, f64)>, mut left: f64| {
        let mut last = None;
        for (state, share) in choices {
            last = Some(state);
            left -= share;
            if left < 0.0 {
                break;
            }
        }
        last
    };
    let weights = model.states().iter();
    let mut weights = weights.map(|&state| (state, model.weight(state).unwrap_or(0.0)));
    let Some(mut here) = drawn(&mut weights, generator.random()) else {
        return Vec::new();
    };
    let mut seen = Vec::with_capacity(moments);
    // Time of the next jump, in intervals.
    let mut next = 0.0;
    while seen.len() < moments {
        let out = &ways[&here];
        let sum: f64 = out.iter().map(|(_, rate)| rate).sum();
        if sum <= 0.0 {
            seen.resize(moments, here);
            break;
        }
        let stay: f64 = Exp1.sample(generator);
        next += stay / (sum * interval);
        // Moments 0, 1, 2, … before the jump.
        while (seen.len() as f64) < next && seen.len() < moments {
            seen.push(here);
        }
        let draw = sum * generator.random::<f64>();
        here = drawn(&mut out.iter().copied(), draw).unwrap_or(here);
    }
    seen
}

fn windows(
    of_md: &Channels,
    of_stored: &Channels,
    (interval, fastest): (f64, f64),
    number: usize,
) -> Vec<RecallWindow> {
    let [first, second] = BORDERS;
    let edges = [f64::INFINITY, first, second, 0.0];
    edges
        .windows(2)
        .map(|edge| {
            let (mut exits, mut held, mut otherwise) = (0, 0, 0);
            for (&channel, &count) in &of_md.exits {
                let (_, moments) = of_md.of(channel);
                let time = moments * interval;
                let rate = count as f64 / time;
                if !(edge[1]..edge[0]).contains(&rate) {
                    continue;
                }
                exits += count;
                let (low, high) = poisson::limits(count, DEVIATIONS);
                let (stored, moments) = of_stored.of(channel);
                let stored = stored as f64 / (moments.max(1.0) * interval);
                let alike = stored * ALIKE >= low / time && stored <= ALIKE * high / time;
                if stored > 0.0 && alike {
                    held += count;
                } else if channel.0.max(channel.1) < number {
                    otherwise += count;
                }
            }
            let share = Share::of(held, exits);
            RecallWindow {
                slower_than: edge[0].min(fastest),
                faster_than: edge[1],
                exits,
                held,
                held_at_another_rate: otherwise,
                recall: share.map(|share| share.value),
                recall_interval: share.map(|share| share.interval),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use metabasin_atoms::Stress;
    use metabasin_catalogue::{DisplacementField, HarvestRecord};
    use metabasin_graphs::Counts;

    use super::*;
    use crate::harvest::{VisitedMinimum, with_visits};

    /// Two quick pairs of states, 0 with 1 and 2 with 3, that exchange at 0.02 and 0.01 a tau.
    fn model() -> ReversibleModel {
        let mut counts = Counts::new(4);
        for (state, time) in [(0, 600.0), (1, 400.0), (2, 1000.0), (3, 1000.0)] {
            counts.add_time(state, time);
        }
        for (between, jumps) in [([0, 1], 400), ([2, 3], 600), ([1, 2], 20)] {
            let [a, b] = between;
            counts.add_jumps([a, b], jumps);
            counts.add_jumps([b, a], jumps);
        }
        ReversibleModel::fit(&counts).unwrap()
    }

    fn sample() -> SampleRecord {
        SampleRecord {
            cell: [20.0, 20.0, 20.0, 0.0, 0.0, 0.0],
            positions: vec![[0.0; 3], [4.0, 0.0, 0.0]],
            species: vec![1, 2],
            attempt_frequency: 3.6,
            ..SampleRecord::default()
        }
    }

    /// Trajectories of the model, with a minimum a state.
    fn series(streams: std::ops::Range<u64>, moments: usize) -> Vec<StationarySeries> {
        let minima: Vec<VisitedMinimum> = (0..4)
            .map(|state| VisitedMinimum {
                energy: 0.1 * f64::from(state),
                stress: Stress([0.0, 0.0, 0.0, f64::from(state), 0.0, 0.0]),
                displacement: DisplacementField {
                    atoms: vec![0],
                    displacements: vec![[0.0, 0.5 * f64::from(state), 0.0]],
                    rest_norm: 0.0,
                },
            })
            .collect();
        let model = model();
        streams
            .map(|stream| {
                let mut generator = random_stream(7, Purpose::Test, 0, stream);
                let visits = walk(&model, 1.0, moments, &mut generator);
                StationarySeries {
                    minima: minima.clone(),
                    stresses: vec![Stress::ZERO; visits.len()],
                    squares: vec![[0.0; 3]; visits.len()],
                    affine: vec![[0.0; 3]; visits.len()],
                    visits: visits.iter().map(|&state| state as u32).collect(),
                }
            })
            .collect()
    }

    fn harvested(series: Vec<StationarySeries>) -> StateGraph {
        let harvest = HarvestRecord {
            interval: 1.0,
            ..HarvestRecord::default()
        };
        with_visits(StateGraph::default(), series, harvest, &sample()).unwrap()
    }

    /// The trajectory of a model spends its time as the weights say and jumps as the rates say; 2e5 moments, a
    /// false alarm at four deviations below 1e-3 for all.
    #[test]
    fn a_walk_has_the_weights_of_its_model() {
        let model = model();
        let moments = 200_000;
        let mut generator = random_stream(3, Purpose::Test, 1, 0);
        let visits = walk(&model, 1.0, moments, &mut generator);
        assert_eq!(visits.len(), moments);
        let low = visits.iter().filter(|&&state| state < 2).count() as f64 / moments as f64;
        let expected = model.weight(0).unwrap() + model.weight(1).unwrap();
        // Both halves exchange at the flux c a moment, so shares settle within w (1 - w) / c moments.
        let flux = model.rate(1, 2) * model.weight(1).unwrap();
        let correlated = 2.0 * (expected * (1.0 - expected)).powi(2) / flux;
        let deviation = (correlated / moments as f64).sqrt();
        assert!(
            (low - expected).abs() < 4.0 * deviation,
            "{low} {expected} {deviation}"
        );
        let crossings = visits
            .windows(2)
            .filter(|pair| (pair[0] < 2) != (pair[1] < 2))
            .count();
        let crossings = crossings as f64 / moments as f64;
        // Those that return within a moment are not seen: some, of the rate 1 from state 1 to 0.
        assert!(
            (1.0..2.2).contains(&(crossings / flux)),
            "{crossings} {flux}"
        );
    }

    #[test]
    fn what_was_harvested_is_held_and_what_was_not_is_lost() {
        let graph = harvested(series(0..8, 4000));
        let followed = series(100..108, 4000);
        let sample = sample();
        let whole = stationary_recall(&followed, (&graph, &sample), (1.0, 1)).unwrap();
        assert_eq!(whole.time_in_stored_states, 1.0);
        assert_eq!(whole.time_in_stored_states_error, Some(0.0));
        let exits: u64 = whole.windows.iter().map(|window| window.exits).sum();
        let held: u64 = whole.windows.iter().map(|window| window.held).sum();
        assert!(exits > 100 && held == exits, "{whole:?}");
        let [low, high] = whole.rate_md_interval;
        assert!((low..high).contains(&whole.rate_stored), "{whole:?}");
        let variance = whole.stress_variance.unwrap();
        assert!((variance - 1.0).abs() < 0.2, "{variance}");

        // A harvest that never left the first pair.
        let first: Vec<StationarySeries> = series(0..1, 4000)
            .into_iter()
            .map(|mut one| {
                one.visits.retain(|&state| state < 2);
                one.minima.truncate(2);
                one
            })
            .collect();
        let part = harvested(first);
        assert_eq!(part.states.len(), 2);
        let lost = stationary_recall(&followed, (&part, &sample), (1.0, 1)).unwrap();
        let there: usize = followed
            .iter()
            .map(|one| one.visits.iter().filter(|&&state| state < 2).count())
            .sum();
        let share = there as f64 / (8.0 * 4000.0);
        assert!((lost.time_in_stored_states - share).abs() < 1e-12);
        assert!(
            lost.windows.iter().all(|window| window.held == 0),
            "{lost:?}"
        );
        assert_eq!(lost.rate_stored, 0.0);
        assert!(lost.stress_variance.unwrap() < 0.5);
    }

    /// A graph whose slow passes are ten times as quick holds their ends, but not their rates.
    #[test]
    fn a_pass_at_another_rate_is_not_held() {
        let mut graph = harvested(series(0..8, 4000));
        for flux in &mut graph.fluxes {
            // A quick pair's other state may be the one that is seen.
            if flux.between[0] < 2 && flux.between[1] > 1 {
                flux.jumps = flux.jumps.map(|jumps| jumps / 12);
            }
        }
        let followed = series(100..108, 4000);
        let found = stationary_recall(&followed, (&graph, &sample()), (1.0, 1)).unwrap();
        let exits: u64 = found.windows.iter().map(|window| window.exits).sum();
        let otherwise: u64 = found.windows.iter().map(|w| w.held_at_another_rate).sum();
        assert!(exits > 100 && otherwise == exits, "{found:?}");
    }

    #[test]
    fn nothing_followed_tells_nothing() {
        let graph = harvested(series(0..1, 400));
        assert_eq!(stationary_recall(&[], (&graph, &sample()), (1.0, 1)), None);
    }
}
