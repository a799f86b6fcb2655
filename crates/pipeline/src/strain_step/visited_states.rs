//! The same step and back by the states that molecular dynamics visited at zero load: their weights and fluxes
//! in the strained cell, without an elastic model between them.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_catalogue::{SampleRecord, StateGraph, StateRecord};
use metabasin_graphs::{Counts, DrivenModel, ReversibleModel};
use metabasin_minimizers::InherentStructure;
use rand_distr::{Distribution, Poisson};

use super::dynamics::SteppedPair;
use super::network::turn;
use super::stepped::Stepped;
use super::strained_states::StrainedStates;
use crate::escape::interrupted;
use crate::harvest::{VisitedMinimum, as_series, check_temperature, counts_of};
use crate::stages::branches::side_by_side;
use crate::{Interrupt, PipelineError};

/// Draws of the counts, for the error.
const DRAWS: u64 = 32;
/// More states than this take more time to diagonalize than to simulate.
const MOST_STATES: usize = 3000;

/// The cell that a trajectory is in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// As it is in the catalogue.
    Rest,
    /// Sheared by the positive strain.
    Plus,
    /// Sheared by the negative one.
    Minus,
}

/// The states of a catalogue at the strain of the step of both signs.
pub(crate) struct SteppedStates<'a> {
    graph: &'a StateGraph,
    home: &'a InherentStructure,
    sample: &'a SampleRecord,
    at_rest: Vec<VisitedMinimum>,
    counts: Counts,
    model: ReversibleModel,
    /// At positive and at negative strain.
    strained: [StrainedStates; 2],
}

/// What the visited states predict.
pub(crate) struct Predicted {
    /// Moduli and what relaxed of them; errors by the counts of the jumps.
    pub(crate) stepped: Stepped,
    /// States with a weight.
    pub(crate) states: usize,
    /// Share of the harvested time that was spent in them.
    pub(crate) share: f64,
    /// Of the equilibrium at zero load, the share in states that the strain takes away, mean of both signs.
    pub(crate) fallen: f64,
    /// By how much heat softens their wells, with its error, where that was measured.
    pub(crate) softening: Option<(f64, f64)>,
}

impl<'a> SteppedStates<'a> {
    /// Relaxes the states of a catalogue at both strains.
    ///
    /// # Errors
    /// States of another temperature, or no two that lead to each other, nor a single one whose well was measured;
    /// a quench that fails; or on request.
    pub(crate) fn new(
        graph: &'a StateGraph,
        (home, sample): (&'a InherentStructure, &'a SampleRecord),
        (temperature, strain): (f64, f64),
        interrupt: &Interrupt,
    ) -> Result<Self, PipelineError> {
        let none =
            |why: &str| PipelineError::BadInput(format!("the stored states tell nothing: {why}"));
        check_temperature(graph, temperature).map_err(PipelineError::BadInput)?;
        let counts = counts_of(graph, graph.states.len());
        // What stays in one well has the stiffness of that, which heat softens.
        let least = if graph.wells().is_some() { 1 } else { 2 };
        let model = ReversibleModel::fit(&counts).filter(|model| model.states().len() >= least);
        let model = model.ok_or_else(|| none("no two of them lead to each other: harvest more"))?;
        if model.states().len() > MOST_STATES {
            return Err(none("they are too many"));
        }
        let at = |gamma| StrainedStates::relaxed(graph, (home, sample), gamma, interrupt);
        Ok(Self {
            graph,
            home,
            sample,
            at_rest: as_series(graph).minima,
            counts,
            model,
            strained: [at(strain)?, at(-strain)?],
        })
    }

    /// Whether a quenched configuration is one of the states, with a weight or without.
    pub(crate) fn stores(&self, quenched: &InherentStructure, at: At) -> bool {
        let strained = match at {
            At::Rest => {
                let here = VisitedMinimum::beside(self.home, quenched);
                let mut known = self.at_rest.iter();
                return known.any(|known| known.is_same_state(&here, self.sample));
            }
            At::Plus => &self.strained[0],
            At::Minus => &self.strained[1],
        };
        strained.holds(quenched)
    }

    /// What they do.
    ///
    /// # Errors
    /// On request.
    pub(crate) fn predicted<'s>(
        &'s self,
        temperature: f64,
        (strain, edges): (f64, &[f64]),
        (seed, interrupt): (u64, &Interrupt),
    ) -> Result<Predicted, PipelineError> {
        let response = |strained: &'s StrainedStates, gamma: f64| {
            let found = (
                strained.minima.as_slice(),
                strained.became.as_slice(),
                strained.returns_to.as_slice(),
            );
            let applied = (self.sample.volume(), temperature, gamma);
            Response::new(&self.graph.states, found, applied)
        };
        let [plus, minus] = &self.strained;
        let responses = [response(plus, strain), response(minus, -strain)];
        let softening = self.softening(&responses, strain);
        let (ratio, error) = softening.unwrap_or((1.0, 0.0));
        let responses = responses.map(|response| response.times(ratio));
        let states = self.graph.states.iter();
        let still: Vec<f64> = states.map(|s| ratio * s.stress.xy()).collect();
        let step = |model: &ReversibleModel| stepped_states(model, &responses, &still, edges);
        let draws: Vec<u64> = (0..DRAWS).collect();
        let drawn: Vec<Option<SteppedPair>> = side_by_side(&draws, |&draw| {
            if interrupt.is_requested() {
                return Err(interrupted());
            }
            let drawn = drawn(&self.counts, seed, draw);
            Ok(ReversibleModel::fit(&drawn).map(|model| step(&model)))
        })?;
        let drawn: Vec<SteppedPair> = drawn.into_iter().flatten().collect();
        let model = &self.model;
        let fitted = Stepped::of(&[step(model)], strain);
        let counts = &self.counts;
        let times: f64 = (0..counts.states()).map(|state| counts.time(state)).sum();
        let kept: f64 = model.states().iter().map(|&state| counts.time(state)).sum();
        let fallen = responses.each_ref().map(|response| {
            let states = model.states().iter();
            let fallen = states.filter(|&&state| response.became[state] != state);
            fallen
                .filter_map(|&state| model.weight(state))
                .fold(0.0, |sum, weight| sum + weight)
        });
        Ok(Predicted {
            stepped: fitted
                .with_spread(&Stepped::of(&drawn, strain), drawn.len())
                .with_common_error(error / ratio),
            states: model.states().len(),
            share: kept / times,
            fallen: 0.5 * (fallen[0] + fallen[1]),
            softening,
        })
    }

    /// What heat does to the wells: modulus of the average well at the temperature of the harvest over that of its
    /// minimum between both signs of `strain`, with its standard error; none where the harvest did not measure it.
    ///
    /// Heat softens wells without a jump, and wells of a few k_B T answer to a strain in a straight line where
    /// minima bend within it. What the strain does to the free energy of a well, and so to its stress, is taken as
    /// this many times what it does to the energy of its minimum, in all of them alike.
    fn softening(&self, responses: &[Response<'_>; 2], strain: f64) -> Option<(f64, f64)> {
        let wells = self.graph.wells()?;
        let weighed = |response: &Response<'_>| -> f64 {
            let states = self.model.states().iter();
            states
                .filter_map(|&state| Some(self.model.weight(state)? * response.stresses[state]))
                .sum()
        };
        let minima = (weighed(&responses[0]) - weighed(&responses[1])) / (2.0 * strain);
        let thermal = wells.thermal[0] + turn(self.sample);
        let known = minima > 0.0 && thermal > 0.0;
        known.then(|| (thermal / minima, wells.thermal_error[0] / minima))
    }
}

/// All states of a graph at one strain.
struct Response<'a> {
    /// A(0) − A(γ) of each, A its free energy, in k_B T, but for what all have in common.
    works: Vec<f64>,
    /// Its xy stress there `[energy / length³]`.
    stresses: Vec<f64>,
    /// The state that it fell to; itself where it stands.
    became: &'a [usize],
    /// The state that it comes back to when the strain is taken back.
    returns_to: &'a [usize],
}

impl<'a> Response<'a> {
    /// With what the strain does taken `ratio` times.
    fn times(mut self, ratio: f64) -> Self {
        for number in self.works.iter_mut().chain(&mut self.stresses) {
            *number *= ratio;
        }
        self
    }

    /// A state that stands has the energy and the stress of its minimum at γ. One that fell has none there, but
    /// what filled its basin is not lost: to first order in γ it takes up V σ_i γ as before, while its
    /// surroundings respond as those of the state j to which it fell,
    ///
    /// ```text
    /// E_i(γ) − E_i(0) = E_j(γ) − E_j(0) + V (σ_i − σ_j) γ,   σ_i(γ) = σ_i + σ_j(γ) − σ_j
    /// ```
    fn new(
        states: &[StateRecord],
        (minima, became, returns_to): (&[VisitedMinimum], &'a [usize], &'a [usize]),
        (volume, temperature, gamma): (f64, f64, f64),
    ) -> Self {
        let of_state = |state: usize| {
            let end = became[state];
            let there = &minima[end];
            let apart = states[state].stress.xy() - states[end].stress.xy();
            let taken_up = there.energy - states[end].energy + volume * apart * gamma;
            (-taken_up / temperature, there.stress.xy() + apart)
        };
        let (works, stresses) = (0..states.len()).map(of_state).unzip();
        Self {
            works,
            stresses,
            became,
            returns_to,
        }
    }
}

/// A step of both signs and back of states whose response is known, from equilibrium at zero load.
///
/// A state of free energy A_i(γ) and stress σ_i(γ) at fixed cell sheared by γ has the weight
/// w_i exp((A_i(0) − A_i(γ))/k_B T) there, and the passes between states lie half-way; a state that fell exchanges at once with the one that it fell to:
///
/// ```text
/// σ(t) = Σ_i p_i(t) σ_i(γ),   dp/dt by the rates in the strained cell
/// ```
///
/// `still` are the stresses at zero strain, all lists being those of the graph.
fn stepped_states(
    model: &ReversibleModel,
    responses: &[Response<'_>; 2],
    still: &[f64],
    edges: &[f64],
) -> SteppedPair {
    let states = model.states();
    let of_model = |all: &[f64]| -> Vec<f64> { states.iter().map(|&state| all[state]).collect() };
    let place = |state: usize| states.binary_search(&state).ok();
    let at_rest = DrivenModel::new(model, &vec![0.0; states.len()]);
    let start = at_rest.equilibrium();
    let hold = edges.last().copied().unwrap_or_default();
    let signed = |response: &Response<'_>| -> [Vec<f64>; 2] {
        // What fell to a state without a weight stands where the first that did so stands.
        let merged_with: Vec<usize> = states
            .iter()
            .map(|&state| {
                let end = response.became[state];
                let alike = |other: &usize| response.became[*other] == end;
                place(end).or_else(|| states.iter().position(alike))
            })
            .map(Option::unwrap_or_default)
            .collect();
        let driven = DrivenModel::merged(model, &of_model(&response.works), &merged_with);
        let held = driven.means(&start, &of_model(&response.stresses), edges);
        let mut returned = vec![0.0; states.len()];
        for (k, occupation) in driven.after(&start, hold).into_iter().enumerate() {
            // What fell shares with what stands, and is itself again without the strain.
            let stands = response.became[states[k]] == states[k];
            let end = stands
                .then(|| place(response.returns_to[states[k]]))
                .flatten();
            returned[end.unwrap_or(k)] += occupation;
        }
        [held, at_rest.means(&returned, &of_model(still), edges)]
    };
    SteppedPair::of(&signed(&responses[0]), &signed(&responses[1]))
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

#[cfg(test)]
mod tests {
    use metabasin_atoms::Stress;
    use metabasin_catalogue::DisplacementField;

    use super::*;

    const VOLUME: f64 = 400.0;
    const STIFFNESS: f64 = 15.0;
    const TEMPERATURE: f64 = 0.28;

    fn model(visits: &[usize], states: usize) -> ReversibleModel {
        let mut counts = Counts::new(states);
        counts.add(visits, 1.0);
        ReversibleModel::fit(&counts).unwrap()
    }

    /// States of given dipoles P in a linear solid: E(γ) = E(0) − P γ, σ = G γ − P/V, at both signs of `strain`;
    /// none falls.
    fn linear(
        dipoles: &[f64],
        strain: f64,
        each: &[usize],
        edges: &[f64],
        model: &ReversibleModel,
    ) -> SteppedPair {
        let responses = [strain, -strain].map(|gamma| Response {
            works: dipoles.iter().map(|p| p * gamma / TEMPERATURE).collect(),
            stresses: dipoles
                .iter()
                .map(|p| STIFFNESS * gamma - p / VOLUME)
                .collect(),
            became: each,
            returns_to: each,
        });
        let still: Vec<f64> = dipoles.iter().map(|p| -p / VOLUME).collect();
        stepped_states(model, &responses, &still, edges)
    }

    /// Two states that exchange at rates k exp(±Pγ/2kT) towards w exp(Pγ/kT): all is known.
    #[test]
    fn two_states_flip_as_their_rates_say_and_flip_back() {
        let model = model(&[0, 0, 0, 1, 1, 0, 1, 0, 0], 2);
        let (dipole, strain) = (40.0, 0.02);
        let edges = [0.0, 1.0, 3.0];
        let found = linear(&[0.0, dipole], strain, &[0, 1], &edges, &model);
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
            let found = linear(&dipoles, strain, &[0, 1, 2], &edges, &model).held[1];
            let drop = (correlation(0.0) - correlation(time)) / (VOLUME * TEMPERATURE);
            assert!(drop > 0.05);
            assert!((found / strain - (STIFFNESS - drop)).abs() < 1e-4 * drop);
        }
    }

    /// Two states that hardly exchange; at positive strain the second falls to the first, at negative strain both
    /// stand and the first comes back as the second.
    #[test]
    fn what_the_strain_takes_away_shares_at_once_and_comes_back_where_it_is_led() {
        let mut counts = Counts::new(3);
        counts.add_time(0, 6e6);
        counts.add_time(1, 4e6);
        counts.add_jumps([0, 1], 1);
        counts.add_jumps([1, 0], 1);
        // Has no weight: it was never left.
        counts.add_jumps([0, 2], 1);
        let model = ReversibleModel::fit(&counts).unwrap();
        assert_eq!(model.states(), [0, 1]);
        let [a, b] = [0, 1].map(|state| model.weight(state).unwrap());
        assert!((a - 0.6).abs() < 1e-6 && (b - 0.4).abs() < 1e-6);
        let response = |became, returns_to| Response {
            works: vec![0.0, 0.1, 5.0],
            stresses: vec![0.30, 0.26, 9.0],
            became,
            returns_to,
        };
        let still = [0.01, -0.02, 7.0];
        let edges = [0.0, 1.0, 2.0];
        let falls = response(&[0, 0, 2], &[0, 0, 2]);
        let led = response(&[0, 1, 2], &[1, 1, 2]);
        let found = stepped_states(&model, &[falls, led], &still, &edges);
        let tilted = 0.4 * f64::exp(0.1) / (0.6 + 0.4 * f64::exp(0.1));
        let plus = [
            0.30 + (0.26 - 0.30) * tilted,
            0.01 + (-0.02 - 0.01) * tilted,
        ];
        // It starts at rest, and no time is enough to jump.
        let minus = [0.30 * 0.6 + 0.26 * 0.4, -0.02];
        for k in 0..2 {
            assert!((found.held[k] - 0.5 * (plus[0] - minus[0])).abs() < 1e-6);
            assert!((found.back[k] - 0.5 * (plus[1] - minus[1])).abs() < 1e-6);
        }
        // Where both fall to what has no weight they share as well.
        let unknown = || response(&[2, 2, 2], &[0, 1, 2]);
        let found = stepped_states(&model, &[unknown(), led_nowhere()], &still, &edges);
        assert!((found.back[0] - 0.5 * (plus[1] - 0.01 * 0.6 + 0.02 * 0.4)).abs() < 1e-6);
    }

    /// Nothing falls, and all come back to themselves.
    fn led_nowhere() -> Response<'static> {
        Response {
            works: vec![0.0; 3],
            stresses: vec![0.0; 3],
            became: &[0, 1, 2],
            returns_to: &[0, 1, 2],
        }
    }

    /// A fallen state takes up the work of its own stress, in surroundings that respond as those of the other.
    #[test]
    fn a_fallen_state_goes_on_in_a_straight_line() {
        let state = |energy, xy| StateRecord {
            energy,
            stress: Stress([0.0, 0.0, 0.0, xy, 0.0, 0.0]),
            ..StateRecord::default()
        };
        let states = [state(0.0, 0.1), state(0.5, 0.04)];
        let there = VisitedMinimum {
            energy: 0.2,
            stress: Stress([0.0, 0.0, 0.0, 0.4, 0.0, 0.0]),
            displacement: DisplacementField::default(),
        };
        let minima = [there.clone(), there];
        let (volume, gamma) = (400.0, 0.02);
        let found = Response::new(
            &states,
            (&minima, &[0, 0], &[0, 1]),
            (volume, TEMPERATURE, gamma),
        );
        let taken_up = [0.2, 0.2 + volume * (0.04 - 0.1) * gamma];
        for (work, taken_up) in found.works.iter().zip(taken_up) {
            assert!((work + taken_up / TEMPERATURE).abs() < 1e-12);
        }
        assert!((found.stresses[0] - 0.4).abs() < 1e-12);
        assert!((found.stresses[1] - (0.4 - 0.06)).abs() < 1e-12);
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
