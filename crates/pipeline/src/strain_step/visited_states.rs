//! The same step and back by the states that molecular dynamics visited at zero load: their weights and fluxes
//! in the strained cell, without an elastic model between them.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_catalogue::{SampleRecord, StateGraph};
use metabasin_graphs::{Counts, DrivenModel, ReversibleModel};
use metabasin_landscape::relaxed_stiffness;
use metabasin_minimizers::InherentStructure;
use rand_distr::{Distribution, Poisson};

use super::Stepped;
use super::dynamics::SteppedPair;
use crate::displaced_minimum::displaced_minimum;
use crate::escape::interrupted;
use crate::harvest::{check_temperature, counts_of};
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError};

/// Draws of the counts, for the error.
const DRAWS: u64 = 32;
/// States, those of the largest weights, whose stiffness is measured.
const STIFFNESSES: usize = 16;
/// Largest force of the minima whose stiffness is measured `[energy / length]`.
const STIFFNESS_TOLERANCE: f64 = 1e-6;
/// Places of the components xx, yy and xy.
const XX: usize = 0;
const YY: usize = 1;
const XY: usize = 3;
/// More states than this take more time to diagonalize than to simulate.
const MOST_STATES: usize = 3000;

/// What the visited states predict.
pub(crate) struct Predicted {
    /// Moduli and what relaxed of them; errors by the counts of the jumps.
    pub(crate) stepped: Stepped,
    /// States with a weight.
    pub(crate) states: usize,
    /// Share of the harvested time that was spent in them.
    pub(crate) share: f64,
}

/// State i at fixed cell, sheared by γ, has the energy E_i − P_i γ, P_i = V (σ_0 − σ_i)_xy, beside what all have
/// in common, so that its weight is w_i exp(P_i γ/k_B T); the stress is
///
/// ```text
/// σ(t) = G γ − Σ_i p_i(t) P_i / V,   dp/dt by the rates in the strained cell,
/// G = Σ_i w_i [C_xyxy + (σ_yy − σ_xx)/2]_i
/// ```
///
/// with the relaxed stiffness C of the states of the largest weights and the turn of their own stress. Starts in
/// equilibrium.
///
/// # Errors
/// States of another temperature, or no two that lead to each other; or on request.
pub(crate) fn predicted(
    (graph, sample): (&StateGraph, &SampleRecord),
    (home, temperature): (&InherentStructure, f64),
    (strain, edges): (f64, &[f64]),
    (seed, interrupt): (u64, &Interrupt),
) -> Result<Predicted, PipelineError> {
    let none =
        |why: &str| PipelineError::BadInput(format!("the stored states tell nothing: {why}"));
    check_temperature(graph, temperature).map_err(PipelineError::BadInput)?;
    let counts = counts_of(graph, graph.states.len());
    let model = ReversibleModel::fit(&counts).filter(|model| model.states().len() > 1);
    let model = model.ok_or_else(|| none("no two of them lead to each other: harvest more"))?;
    if model.states().len() > MOST_STATES {
        return Err(none("they are too many"));
    }
    let volume = sample.volume();
    let stiffness = mean_stiffness(&model, graph, home, interrupt)?
        .ok_or_else(|| none("none of the largest weights has a stiffness"))?;
    let dipoles: Vec<f64> = graph
        .states
        .iter()
        .map(|state| volume * (sample.stress_minimum.0[XY] - state.stress.0[XY]))
        .collect();
    let step = |model: &ReversibleModel| {
        let elastic = (stiffness, volume, temperature);
        stepped_states(model, &dipoles, elastic, (strain, edges))
    };
    let draws: Vec<u64> = (0..DRAWS).collect();
    let drawn: Vec<Option<SteppedPair>> = side_by_side(&draws, |&draw| {
        if interrupt.is_requested() {
            return Err(interrupted());
        }
        let drawn = drawn(&counts, seed, draw);
        Ok(ReversibleModel::fit(&drawn).map(|model| step(&model)))
    })?;
    let drawn: Vec<SteppedPair> = drawn.into_iter().flatten().collect();
    let fitted = Stepped::of(&[step(&model)], strain);
    let times: f64 = (0..counts.states()).map(|state| counts.time(state)).sum();
    let kept: f64 = model.states().iter().map(|&state| counts.time(state)).sum();
    Ok(Predicted {
        stepped: fitted.with_spread(&Stepped::of(&drawn, strain), drawn.len()),
        states: model.states().len(),
        share: kept / times,
    })
}

/// A step of ±`strain` and back of states with given dipoles, numbered as in the graph, in a solid of stiffness
/// G `[energy / length³]` and volume V at k_B T.
fn stepped_states(
    model: &ReversibleModel,
    dipoles: &[f64],
    (stiffness, volume, temperature): (f64, f64, f64),
    (strain, edges): (f64, &[f64]),
) -> SteppedPair {
    let dipoles: Vec<f64> = model.states().iter().map(|&state| dipoles[state]).collect();
    let driven = |strain: f64| {
        let works: Vec<f64> = dipoles.iter().map(|p| p * strain / temperature).collect();
        DrivenModel::new(model, &works)
    };
    let still = driven(0.0);
    let start = still.equilibrium();
    let hold = edges.last().copied().unwrap_or_default();
    let signed = |strain: f64| -> [Vec<f64>; 2] {
        let driven = driven(strain);
        let end = driven.after(&start, hold);
        let stress = |elastic: f64, dipoles: Vec<f64>| {
            dipoles.iter().map(|p| elastic - p / volume).collect()
        };
        [
            stress(stiffness * strain, driven.means(&start, &dipoles, edges)),
            stress(0.0, still.means(&end, &dipoles, edges)),
        ]
    };
    SteppedPair::of(&signed(strain), &signed(-strain))
}

/// Counts as another series of the same length might have given them: jumps are counted independently of each
/// other, so each count is Poisson's.
fn drawn(counts: &Counts, seed: u64, draw: u64) -> Counts {
    let mut generator = random_stream(seed, Purpose::Bootstrap, 0, draw);
    let mut drawn = Counts::new(counts.states());
    for state in 0..counts.states() {
        drawn.add_time(state, counts.time(state));
    }
    for (from, to, jumps) in counts.all_jumps() {
        let number = Poisson::new(jumps as f64).map_or(0.0, |law| law.sample(&mut generator));
        drawn.add_jumps([from, to], number as u64);
    }
    drawn
}

/// G of the states of the largest weights, averaged by weight; none where none has a stiffness.
fn mean_stiffness(
    model: &ReversibleModel,
    graph: &StateGraph,
    home: &InherentStructure,
    interrupt: &Interrupt,
) -> Result<Option<f64>, PipelineError> {
    let weight = |state: usize| model.weight(state).unwrap_or(0.0);
    let mut largest = model.states().to_vec();
    largest.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)).then(a.cmp(&b)));
    largest.truncate(STIFFNESSES);
    let found: Vec<Option<(f64, f64)>> = side_by_side(&largest, |&state| {
        if interrupt.is_requested() {
            return Err(interrupted());
        }
        let displacement = &graph.states[state].displacement;
        let displacement = displacement.coordinates(home.configuration().len());
        let there = displaced_minimum(home, &displacement, STIFFNESS_TOLERANCE).ok();
        Ok(there.and_then(|there| {
            let stiffness = relaxed_stiffness(&there).ok()?;
            let stress = there.stress();
            let turn = 0.5 * (stress.0[YY] - stress.0[XX]);
            Some((weight(state), stiffness.0[XY][XY] + turn))
        }))
    })?;
    let (sum, weights) = found
        .iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, weights), (weight, stiffness)| {
            (sum + weight * stiffness, weights + weight)
        });
    Ok((weights > 0.0).then(|| sum / weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: f64 = 400.0;
    const STIFFNESS: f64 = 15.0;
    const TEMPERATURE: f64 = 0.28;

    fn model(visits: &[usize], states: usize) -> ReversibleModel {
        let mut counts = Counts::new(states);
        counts.add(visits, 1.0);
        ReversibleModel::fit(&counts).unwrap()
    }

    /// Two states that exchange at rates k exp(±Pγ/2kT) towards w exp(Pγ/kT): all is known.
    #[test]
    fn two_states_flip_as_their_rates_say_and_flip_back() {
        let model = model(&[0, 0, 0, 1, 1, 0, 1, 0, 0], 2);
        let (dipole, strain) = (40.0, 0.02);
        let edges = [0.0, 1.0, 3.0];
        let elastic = (STIFFNESS, VOLUME, TEMPERATURE);
        let found = stepped_states(&model, &[0.0, dipole], elastic, (strain, &edges));
        let up = |strain: f64| model.rate(0, 1) * (0.5 * dipole * strain / TEMPERATURE).exp();
        let down = |strain: f64| model.rate(1, 0) * (-0.5 * dipole * strain / TEMPERATURE).exp();
        let settled = |strain: f64| up(strain) / (up(strain) + down(strain));
        let start = settled(0.0);
        // The mean occupation of state 1 between two times, and the occupation in the end.
        let mean = |from: f64, to: f64, first: f64, strain: f64| {
            let rate = up(strain) + down(strain);
            let decay = ((-rate * from).exp() - (-rate * to).exp()) / (rate * (to - from));
            settled(strain) + (first - settled(strain)) * decay
        };
        let end = |strain: f64| {
            let rate = up(strain) + down(strain);
            settled(strain) + (start - settled(strain)) * (-rate * 3.0).exp()
        };
        for (k, ends) in edges.windows(2).enumerate() {
            let both = |of: &dyn Fn(f64) -> f64| 0.5 * (of(strain) - of(-strain));
            let held = both(&|strain| {
                STIFFNESS * strain - dipole / VOLUME * mean(ends[0], ends[1], start, strain)
            });
            let back = both(&|strain| -dipole / VOLUME * mean(ends[0], ends[1], end(strain), 0.0));
            assert!((found.held[k] - held).abs() < 1e-13, "{found:?} {held}");
            assert!((found.back[k] - back).abs() < 1e-13, "{found:?} {back}");
            assert!(back < -1e-3 * strain);
        }
    }

    /// A small step relaxes as the stress fluctuates at rest: σ(t)/γ = G − (C(0) − C(t)) / (V k_B T), C the
    /// correlation of the dipole.
    #[test]
    fn a_small_step_relaxes_as_the_stress_fluctuates() {
        let visits = [0, 0, 0, 1, 1, 0, 2, 2, 1, 2, 0, 1, 1, 1, 0, 0, 2, 0];
        let model = model(&visits, 3);
        let dipoles = [3.0, -12.0, 20.0];
        let still = DrivenModel::new(&model, &[0.0; 3]);
        let weights = still.equilibrium();
        let mean: f64 = weights.iter().zip(dipoles).map(|(w, p)| w * p).sum();
        let correlation = |time: f64| -> f64 {
            (0..3)
                .map(|state| {
                    let mut from = [0.0; 3];
                    from[state] = 1.0;
                    let there = still.after(&from, time);
                    let later: f64 = there.iter().zip(dipoles).map(|(p, x)| p * (x - mean)).sum();
                    weights[state] * (dipoles[state] - mean) * later
                })
                .sum()
        };
        let strain = 1e-4;
        // Intervals so short that their mean is the value in their middle.
        for time in [0.3, 1.0, 4.0] {
            let edges = [0.0, time - 1e-3, time + 1e-3];
            let elastic = (STIFFNESS, VOLUME, TEMPERATURE);
            let found = stepped_states(&model, &dipoles, elastic, (strain, &edges)).held[1];
            let drop = (correlation(0.0) - correlation(time)) / (VOLUME * TEMPERATURE);
            assert!(drop > 0.05);
            assert!((found / strain - (STIFFNESS - drop)).abs() < 1e-4 * drop);
        }
    }

    #[test]
    fn drawn_counts_keep_times_and_scatter_by_their_roots() {
        let mut counts = Counts::new(2);
        counts.add_time(0, 50.0);
        counts.add_jumps([0, 1], 400);
        let draws: Vec<f64> = (0..200)
            .map(|draw| {
                let drawn = drawn(&counts, 5, draw);
                assert_eq!(drawn.time(0), 50.0);
                drawn.jumps(0, 1) as f64
            })
            .collect();
        let found = metabasin_files::findings::Measured::of(&draws);
        // Four deviations of the mean, and of the spread.
        assert!((found.value - 400.0).abs() < 4.0 * 20.0 / 200.0_f64.sqrt());
        let spread = found.error.unwrap() * 200.0_f64.sqrt();
        assert!((spread - 20.0).abs() < 4.0 * 20.0 / 400.0_f64.sqrt());
    }
}
