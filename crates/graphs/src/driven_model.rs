//! What a reversible model does in a field that tilts the energies of its states.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::reversible_model::ReversibleModel;

/// Eigenvalues closer to zero than this times the largest are that of the equilibrium: rates differ by
/// many orders of magnitude, and rounding leaves this much of the fastest.
const STATIONARY: f64 = 1e-13;

/// A reversible model whose states a field does work on: state i has the weight w_i exp(f_i), and the pass
/// between two states lies where the field does half of its work,
///
/// ```text
/// k_ij = (c_ij / w_i) exp((f_j − f_i) / 2)
/// ```
///
/// which is in detailed balance with the new weights. Occupations p follow dp_j/dt = Σ_i p_i k_ij − p_j Σ_i k_ji,
/// solved by the eigenvectors of the symmetric matrix k_ij √(π_i/π_j), π the new weights
/// (van Kampen, Stochastic Processes in Physics and Chemistry, chapter V.7).
///
/// A field may take the pass away that held two states apart: they are merged then, each keeping its weight
/// and its passes, and share what they hold as their weights do at every moment.
#[derive(Clone, Debug)]
pub struct DrivenModel {
    /// The place in the matrix of each state, which merged ones share.
    places: Vec<usize>,
    /// Of what is at its place, how much each state holds.
    shares: Vec<f64>,
    /// Square roots of the weights in the field, which sum to 1.
    roots: DVector<f64>,
    rates: DVector<f64>,
    modes: DMatrix<f64>,
}

impl DrivenModel {
    /// The model in a field that does the work `works[k]`, in k_B T, on the `k`-th state of
    /// [`ReversibleModel::states`], and takes none away.
    ///
    /// Works that differ by more than some hundred leave no number to the states that they empty.
    ///
    /// # Panics
    /// On another number of works than of states.
    pub fn new(model: &ReversibleModel, works: &[f64]) -> Self {
        let each: Vec<usize> = (0..works.len()).collect();
        Self::merged(model, works, &each)
    }

    /// As [`new`](Self::new), where state `k` is merged with `merged_with[k]`, which is `k` itself where it
    /// stays apart.
    ///
    /// # Panics
    /// On another number of works or of partners than of states, or where a partner is merged with a third.
    pub fn merged(model: &ReversibleModel, works: &[f64], merged_with: &[usize]) -> Self {
        let states = model.states();
        assert_eq!(works.len(), states.len(), "one work a state");
        assert_eq!(merged_with.len(), states.len(), "one partner a state");
        let mut places = vec![usize::MAX; states.len()];
        let mut number = 0;
        for k in 0..states.len() {
            if merged_with[k] == k {
                places[k] = number;
                number += 1;
            }
        }
        for k in 0..states.len() {
            let partner = merged_with[k];
            assert_eq!(merged_with[partner], partner, "partners stay apart");
            places[k] = places[partner];
        }
        // Of the largest one: no exponential overflows.
        let top = works.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let tilted = works.iter().zip(states).map(|(work, &state)| {
            let weight = model.weight(state).unwrap_or(0.0);
            weight * (work - top).exp()
        });
        let tilted: Vec<f64> = tilted.collect();
        let sum: f64 = tilted.iter().sum();
        let mut weights = DVector::zeros(number);
        for (&place, weight) in places.iter().zip(&tilted) {
            weights[place] += weight;
        }
        let shares = places.iter().zip(&tilted);
        let shares = shares
            .map(|(&place, weight)| weight / weights[place])
            .collect();
        let roots = weights.map(|weight: f64| (weight / sum).sqrt());
        let mut symmetric = DMatrix::zeros(number, number);
        for flux in model.fluxes() {
            let place = |state: usize| states.binary_search(&state).ok();
            let [Some(a), Some(b)] = flux.between.map(place) else {
                continue;
            };
            let tilted = flux.flux * (0.5 * (works[a] + works[b]) - top).exp() / sum;
            let [a, b] = [places[a], places[b]];
            if a == b {
                continue;
            }
            symmetric[(a, b)] += tilted / (roots[a] * roots[b]);
            symmetric[(b, a)] = symmetric[(a, b)];
            symmetric[(a, a)] -= tilted / (roots[a] * roots[a]);
            symmetric[(b, b)] -= tilted / (roots[b] * roots[b]);
        }
        let SymmetricEigen {
            eigenvectors: modes,
            eigenvalues,
        } = SymmetricEigen::new(symmetric);
        let eigenvalues: DVector<f64> = eigenvalues;
        let fastest = eigenvalues.amax();
        let rates = eigenvalues.map(|value: f64| {
            let rate = -value;
            if rate < STATIONARY * fastest {
                0.0
            } else {
                rate
            }
        });
        Self {
            places,
            shares,
            roots,
            rates,
            modes,
        }
    }

    /// What each state holds of what is at its place.
    fn of_states(&self, held: &DVector<f64>) -> Vec<f64> {
        let states = self.places.iter().zip(&self.shares);
        states.map(|(&place, share)| share * held[place]).collect()
    }

    /// Occupations in equilibrium.
    pub fn equilibrium(&self) -> Vec<f64> {
        self.of_states(&self.roots.map(|root| root * root))
    }

    /// How much of each mode occupations hold.
    fn amplitudes(&self, occupations: &[f64]) -> DVector<f64> {
        assert_eq!(
            occupations.len(),
            self.places.len(),
            "one occupation a state"
        );
        let mut held = DVector::zeros(self.roots.len());
        for (&place, occupation) in self.places.iter().zip(occupations) {
            held[place] += occupation;
        }
        self.modes.tr_mul(&held.component_div(&self.roots))
    }

    /// Occupations after a time `[τ]`.
    ///
    /// # Panics
    /// On another number of occupations than of states.
    pub fn after(&self, occupations: &[f64], time: f64) -> Vec<f64> {
        let amplitudes = self.amplitudes(occupations);
        let left = amplitudes.zip_map(&self.rates, |a, rate| a * (-rate * time).exp());
        self.of_states(&(&self.modes * left).component_mul(&self.roots))
    }

    /// Means of `observable`, one value a state, over the intervals between consecutive `edges` `[τ]`, from
    /// given occupations at time 0.
    ///
    /// # Panics
    /// On another number of occupations or values than of states.
    pub fn means(&self, occupations: &[f64], observable: &[f64], edges: &[f64]) -> Vec<f64> {
        assert_eq!(observable.len(), self.places.len(), "one value a state");
        let amplitudes = self.amplitudes(occupations);
        let mut weighted = DVector::zeros(self.roots.len());
        for (k, &place) in self.places.iter().enumerate() {
            weighted[place] += observable[k] * self.shares[k] * self.roots[place];
        }
        let shares = self.modes.tr_mul(&weighted);
        edges
            .windows(2)
            .map(|edge| {
                let mean = |rate: f64| {
                    let [from, length] = [edge[0], edge[1] - edge[0]];
                    // (exp(−r a) − exp(−r b)) / r (b − a), to rounding also where it hardly decays.
                    let decay = rate * length;
                    let share = if decay == 0.0 {
                        1.0
                    } else {
                        -(-decay).exp_m1() / decay
                    };
                    (-rate * from).exp() * share
                };
                let terms = amplitudes.iter().zip(&shares).zip(&self.rates);
                terms.map(|((a, b), &rate)| a * b * mean(rate)).sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counts;

    /// Rates that no series of jumps would give by chance.
    fn model(trajectory: &[usize], states: usize) -> ReversibleModel {
        let mut counts = Counts::new(states);
        counts.add(trajectory, 0.5);
        ReversibleModel::fit(&counts).unwrap()
    }

    fn three_states() -> ReversibleModel {
        let visits = [0, 0, 0, 1, 1, 0, 2, 2, 1, 2, 0, 1, 1, 1, 0, 0, 2, 0];
        model(&visits, 3)
    }

    #[test]
    fn two_states_relax_at_the_sum_of_their_rates() {
        let model = model(&[0, 0, 0, 1, 0, 0, 1, 1, 0], 2);
        let flux = model.fluxes()[0].flux;
        let [w0, w1] = [0, 1].map(|state| model.weight(state).unwrap());
        let works = [0.3, -0.4];
        let driven = DrivenModel::new(&model, &works);
        let up = flux / w0 * (0.5_f64 * (works[1] - works[0])).exp();
        let down = flux / w1 * (0.5_f64 * (works[0] - works[1])).exp();
        let settled = up / (up + down);
        assert!((driven.equilibrium()[1] - settled).abs() < 1e-14);
        for time in [0.0, 0.1, 1.0, 30.0] {
            let expected = settled * (1.0 - (-(up + down) * time).exp());
            let found = driven.after(&[1.0, 0.0], time);
            assert!((found[1] - expected).abs() < 1e-13, "{time}");
            assert!((found[0] + found[1] - 1.0).abs() < 1e-13);
        }
        let (from, to, rate) = (0.2, 1.7, up + down);
        let decayed = ((-rate * from).exp() - (-rate * to).exp()) / (rate * (to - from));
        let found = driven.means(&[1.0, 0.0], &[5.0, 7.0], &[from, to])[0];
        assert!((found - (5.0 + 2.0 * settled * (1.0 - decayed))).abs() < 1e-12);
    }

    /// Against steps of Euler's method, and against the mean of occupations at many times.
    #[test]
    fn three_states_follow_their_master_equation() {
        let model = three_states();
        let works = [0.5, -0.2, 0.1];
        let driven = DrivenModel::new(&model, &works);
        let mut rates = [[0.0; 3]; 3];
        for flux in model.fluxes() {
            for [i, j] in [flux.between, [flux.between[1], flux.between[0]]] {
                rates[i][j] =
                    flux.flux / model.weight(i).unwrap() * (0.5_f64 * (works[j] - works[i])).exp();
            }
        }
        let mut occupations = [0.2, 0.7, 0.1];
        let (steps, time) = (200_000, 0.8);
        for _ in 0..steps {
            let now = occupations;
            for i in 0..3 {
                for j in 0..3 {
                    let moved = now[i] * rates[i][j] * time / f64::from(steps);
                    occupations[i] -= moved;
                    occupations[j] += moved;
                }
            }
        }
        let found = driven.after(&[0.2, 0.7, 0.1], time);
        for (a, b) in found.iter().zip(occupations) {
            assert!((a - b).abs() < 1e-5, "{found:?} {occupations:?}");
        }
        let observable = [1.0, -3.0, 2.0];
        let means = driven.means(&[0.2, 0.7, 0.1], &observable, &[0.0, 0.8, 1000.0]);
        let moments = 4000;
        let sum: f64 = (0..moments)
            .map(|k| {
                let time = 0.8 * (f64::from(k) + 0.5) / f64::from(moments);
                let there = driven.after(&[0.2, 0.7, 0.1], time);
                there
                    .iter()
                    .zip(observable)
                    .map(|(p, x)| p * x)
                    .sum::<f64>()
            })
            .sum();
        assert!((means[0] - sum / f64::from(moments)).abs() < 1e-6);
        // What is in equilibrium stays there.
        let settled = driven.equilibrium();
        let after = driven.after(&settled, 3.0);
        assert!(
            settled
                .iter()
                .zip(after)
                .all(|(a, b)| (a - b).abs() < 1e-13)
        );
    }

    #[test]
    fn without_a_field_the_weights_stay_and_large_works_do_not_overflow() {
        let model = three_states();
        let still = DrivenModel::new(&model, &[0.0; 3]);
        for (k, occupation) in still.equilibrium().into_iter().enumerate() {
            assert!((occupation - model.weight(k).unwrap()).abs() < 1e-14);
        }
        let driven = DrivenModel::new(&model, &[100.0, 0.0, -100.0]);
        assert!((driven.equilibrium()[0] - 1.0).abs() < 1e-12);
    }

    /// States 0 and 2 are one: what is left are two that exchange by the passes of both.
    #[test]
    fn merged_states_keep_their_weights_and_their_passes() {
        let model = three_states();
        let works = [0.5, -0.2, 0.9];
        let driven = DrivenModel::merged(&model, &works, &[0, 1, 0]);
        let weight = |k: usize| model.weight(k).unwrap() * f64::exp(works[k]);
        let both = weight(0) + weight(2);
        let settled = weight(1) / (both + weight(1));
        let apart = DrivenModel::new(&model, &works).equilibrium();
        for (a, b) in driven.equilibrium().iter().zip(apart) {
            assert!((a - b).abs() < 1e-13);
        }
        let mut exchange = 0.0;
        for flux in model.fluxes() {
            let [a, b] = flux.between;
            if a == 1 || b == 1 {
                exchange += flux.flux * (0.5 * (works[a] + works[b])).exp();
            }
        }
        let (up, down) = (exchange / both, exchange / weight(1));
        let time = 0.3;
        let expected = settled + (0.1 - settled) * (-(up + down) * time).exp();
        let found = driven.after(&[0.3, 0.1, 0.6], time);
        assert!((found[1] - expected).abs() < 1e-13);
        // They share as their weights do, however they began.
        assert!((found[0] - (1.0 - expected) * weight(0) / both).abs() < 1e-13);
        assert!((found[2] - (1.0 - expected) * weight(2) / both).abs() < 1e-13);
        let around = [time - 1e-4, time + 1e-4];
        let means = driven.means(&[0.3, 0.1, 0.6], &[2.0, 5.0, 9.0], &around);
        let seen = 2.0 * found[0] + 5.0 * found[1] + 9.0 * found[2];
        assert!((means[0] - seen).abs() < 1e-6);
    }
}
