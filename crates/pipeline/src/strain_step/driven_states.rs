//! How stored states answer to a step of strain and back: weights and rates in the strained cell.

use metabasin_catalogue::StateRecord;
use metabasin_graphs::{DrivenModel, ReversibleModel};

use super::dynamics::SteppedPair;
use crate::harvest::VisitedMinimum;

/// All states of a graph at one strain.
pub(crate) struct Response<'a> {
    /// A(0) − A(γ) of each, A its free energy, in k_B T, but for what all have in common.
    pub(crate) works: Vec<f64>,
    /// Its xy stress there `[energy / length³]`.
    pub(crate) stresses: Vec<f64>,
    /// The state that it fell to; itself where it stands.
    pub(crate) became: &'a [usize],
    /// The state that it comes back to when the strain is taken back.
    returns_to: &'a [usize],
}

impl<'a> Response<'a> {
    /// With what the strain does taken `ratio` times.
    pub(crate) fn times(mut self, ratio: f64) -> Self {
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
    pub(crate) fn new(
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
/// w_i exp((A_i(0) − A_i(γ))/k_B T) there, and the passes between states lie half-way; a state that fell exchanges
/// at once with the one that it fell to:
///
/// ```text
/// σ(t) = Σ_i p_i(t) σ_i(γ),   dp/dt by the rates in the strained cell
/// ```
///
/// `still` are the stresses at zero strain, all lists being those of the graph.
pub(crate) fn stepped_states(
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

#[cfg(test)]
mod tests {
    use metabasin_atoms::Stress;
    use metabasin_catalogue::DisplacementField;
    use metabasin_graphs::Counts;

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
}
