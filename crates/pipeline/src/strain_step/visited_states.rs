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
use crate::harvest::counts_of;
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
/// No two states that lead to each other; or on request.
pub(crate) fn predicted(
    (graph, sample): (&StateGraph, &SampleRecord),
    (home, temperature): (&InherentStructure, f64),
    (strain, edges): (f64, &[f64]),
    (seed, interrupt): (u64, &Interrupt),
) -> Result<Predicted, PipelineError> {
    let none =
        |why: &str| PipelineError::BadInput(format!("the stored states tell nothing: {why}"));
    let counts = counts_of(graph, graph.states.len());
    let model = ReversibleModel::fit(&counts).filter(|model| model.states().len() > 1);
    let model = model.ok_or_else(|| none("no two of them lead to each other: harvest more"))?;
    if model.states().len() > MOST_STATES {
        return Err(none("they are too many"));
    }
    let volume = sample.volume();
    let stiffness = mean_stiffness(&model, graph, home, interrupt)?
        .ok_or_else(|| none("none of the largest weights has a stiffness"))?;
    let dipole =
        |state: usize| volume * (sample.stress_minimum.0[XY] - graph.states[state].stress.0[XY]);
    let step = |model: &ReversibleModel| -> SteppedPair {
        let dipoles: Vec<f64> = model.states().iter().map(|&state| dipole(state)).collect();
        let works = |strain: f64| -> Vec<f64> {
            dipoles.iter().map(|p| p * strain / temperature).collect()
        };
        let still = DrivenModel::new(model, &works(0.0));
        let signed = |strain: f64| -> [Vec<f64>; 2] {
            let driven = DrivenModel::new(model, &works(strain));
            let start = still.equilibrium();
            let stress = |elastic: f64, dipoles: Vec<f64>| -> Vec<f64> {
                dipoles.iter().map(|p| elastic - p / volume).collect()
            };
            let hold = edges.last().copied().unwrap_or_default();
            let end = driven.after(&start, hold);
            [
                stress(stiffness * strain, driven.means(&start, &dipoles, edges)),
                stress(0.0, still.means(&end, &dipoles, edges)),
            ]
        };
        SteppedPair::of(&signed(strain), &signed(-strain))
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
