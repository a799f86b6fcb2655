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
/// A field may take the pass away that held a state: it is merged into the state that it falls to then, which
/// keeps its own weight and gains the passes of the other.
#[derive(Clone, Debug)]
pub struct DrivenModel {
    /// The place in the matrix of each state, or of what it fell to.
    places: Vec<usize>,
    /// Whether each state stands by itself.
    stands: Vec<bool>,
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

    /// As [`new`](Self::new), where state `k` falls to state `falls_to[k]`, which is `k` itself where it stays.
    /// The work on a state that falls is up to where it comes to rest.
    ///
    /// # Panics
    /// On another number of works or of ends than of states, or where a state falls to one that falls.
    pub fn merged(model: &ReversibleModel, works: &[f64], falls_to: &[usize]) -> Self {
        let states = model.states();
        assert_eq!(works.len(), states.len(), "one work a state");
        assert_eq!(falls_to.len(), states.len(), "one end a state");
        let stands: Vec<bool> = (0..).zip(falls_to).map(|(k, &end)| k == end).collect();
        assert!(
            falls_to.iter().all(|&end| stands[end]),
            "states fall to states that stay"
        );
        let mut places = vec![0; states.len()];
        let standing: Vec<usize> = (0..states.len()).filter(|&k| stands[k]).collect();
        for (place, &k) in standing.iter().enumerate() {
            places[k] = place;
        }
        for (k, &end) in falls_to.iter().enumerate() {
            places[k] = places[end];
        }
        // Of the largest one: no exponential overflows.
        let top = works.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let tilted = standing.iter().map(|&k| {
            let weight = model.weight(states[k]).unwrap_or(0.0);
            weight * (works[k] - top).exp()
        });
        let tilted: Vec<f64> = tilted.collect();
        let sum: f64 = tilted.iter().sum();
        let roots = DVector::from_iterator(
            standing.len(),
            tilted.iter().map(|weight| (weight / sum).sqrt()),
        );
        let mut symmetric = DMatrix::zeros(standing.len(), standing.len());
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
            stands,
            roots,
            rates,
            modes,
        }
    }

    /// One number a state: those that stand have that of their place, those that fell none.
    fn of_states(&self, numbers: &DVector<f64>) -> Vec<f64> {
        let states = self.places.iter().zip(&self.stands);
        states
            .map(|(&place, &stands)| if stands { numbers[place] } else { 0.0 })
            .collect()
    }

    /// Occupations in equilibrium; none of what fell.
    pub fn equilibrium(&self) -> Vec<f64> {
        self.of_states(&self.roots.map(|root| root * root))
    }

    /// How much of each mode occupations hold, once what falls has fallen.
    fn amplitudes(&self, occupations: &[f64]) -> DVector<f64> {
        assert_eq!(
            occupations.len(),
            self.places.len(),
            "one occupation a state"
        );
        let mut standing = DVector::zeros(self.roots.len());
        for (&place, occupation) in self.places.iter().zip(occupations) {
            standing[place] += occupation;
        }
        self.modes.tr_mul(&standing.component_div(&self.roots))
    }

    /// Occupations after a time `[τ]`; none of what fell.
    ///
    /// # Panics
    /// On another number of occupations than of states.
    pub fn after(&self, occupations: &[f64], time: f64) -> Vec<f64> {
        let amplitudes = self.amplitudes(occupations);
        let left = amplitudes.zip_map(&self.rates, |a, rate| a * (-rate * time).exp());
        self.of_states(&(&self.modes * left).component_mul(&self.roots))
    }

    /// Means of `observable`, one value a state, over the intervals between consecutive `edges` `[τ]`, from
    /// given occupations at time 0; what a state that fell shows is that of where it fell to.
    ///
    /// # Panics
    /// On another number of occupations or values than of states.
    pub fn means(&self, occupations: &[f64], observable: &[f64], edges: &[f64]) -> Vec<f64> {
        assert_eq!(observable.len(), self.places.len(), "one value a state");
        let amplitudes = self.amplitudes(occupations);
        let mut weighted = DVector::zeros(self.roots.len());
        for (k, &place) in self.places.iter().enumerate() {
            if self.stands[k] {
                weighted[place] = observable[k] * self.roots[place];
            }
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

    /// State 2 falls to state 0: what is left are two states that exchange by the passes of both, against
    /// Euler's steps.
    #[test]
    fn a_state_that_falls_gives_its_passes_to_the_one_that_it_falls_to() {
        let model = three_states();
        let works = [0.5, -0.2, 0.9];
        let driven = DrivenModel::merged(&model, &works, &[0, 1, 0]);
        let weight = |k: usize| model.weight(k).unwrap() * f64::exp(works[k]);
        let settled = weight(1) / (weight(0) + weight(1));
        let found = driven.equilibrium();
        assert!((found[1] - settled).abs() < 1e-13 && found[2] == 0.0);
        assert!((found[0] + found[1] - 1.0).abs() < 1e-13);
        let mut exchange = 0.0;
        for flux in model.fluxes() {
            let [a, b] = flux.between;
            if a == 1 || b == 1 {
                exchange += flux.flux * (0.5 * (works[a] + works[b])).exp();
            }
        }
        let (up, down) = (exchange / weight(0), exchange / weight(1));
        let time = 0.3;
        // All of what was in state 2 starts in state 0.
        let expected = settled + (0.1 - settled) * (-(up + down) * time).exp();
        let found = driven.after(&[0.3, 0.1, 0.6], time);
        assert!((found[1] - expected).abs() < 1e-13 && found[2] == 0.0);
        assert!((found[0] + found[1] - 1.0).abs() < 1e-13);
        let means = driven.means(
            &[0.3, 0.1, 0.6],
            &[2.0, 5.0, 1e9],
            &[time - 1e-4, time + 1e-4],
        );
        assert!((means[0] - (2.0 * (1.0 - expected) + 5.0 * expected)).abs() < 1e-6);
    }
}
