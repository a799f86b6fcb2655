//! Weights and symmetric fluxes that make counted jumps most likely.

use nalgebra::{DMatrix, DVector};

use crate::connected::strong_components;
use crate::counts::Counts;

/// Newton steps: the likelihood is concave, ten suffice.
const STEPS: u32 = 100;
/// Largest change of a logarithm at which the weights are converged.
const CONVERGED: f64 = 1e-12;

/// The exchange between two states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flux {
    /// The two states, the lower number first.
    pub between: [usize; 2],
    /// Jumps from the first to the second, and back.
    pub jumps: [u64; 2],
    /// w_i k_ij = w_j k_ji `[1/τ]`.
    pub flux: f64,
    /// One standard deviation of its logarithm.
    pub relative_error: f64,
}

/// How far the counted jumps are from detailed balance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imbalance {
    /// Σ (N_ij − f_ij)² n_ij / (f_ij f_ji) over the pairs of states.
    pub chi_squared: f64,
    /// Pairs that close cycles; without any there is nothing to test.
    pub degrees_of_freedom: usize,
}

/// One weight a state and one flux a pair of states, rates k_ij = c_ij / w_i both ways.
///
/// The jumps N_ij and times T_i of continuous trajectories have the likelihood
/// Π (c_ij/w_i)^N_ij exp(−c_ij (T_i/w_i + T_j/w_j)). With n_ij = N_ij + N_ji it is greatest at
///
/// ```text
/// c_ij = n_ij / (T_i/w_i + T_j/w_j)
/// ```
///
/// and, with w_i = T_i exp(−s_i), where Σ_i N_i s_i − Σ_pairs n_ij ln(exp s_i + exp s_j) is: the model of
/// Bradley & Terry (Biometrika 39, 1952) for who wins against whom, concave in s. Its matrix of second
/// derivatives, a Laplacian of conductances f_ij f_ji / n_ij, where f_ij = c_ij T_i/w_i are the jumps
/// to be expected, is the inverse covariance of the logarithms of the weights.
///
/// Only states that lead to each other have weights (Ford, Am. Math. Mon. 64, 1957): of several such
/// sets the one in which the trajectories stayed longest, the others are as if they had not been seen.
/// Where moments are farther apart than a state lasts, its fluxes come out too low, not its weight.
#[derive(Clone, Debug)]
pub struct ReversibleModel {
    /// States with a weight, ascending.
    states: Vec<usize>,
    weights: DVector<f64>,
    /// Of the logarithms of the weights.
    covariance: DMatrix<f64>,
    fluxes: Vec<Flux>,
    imbalance: Imbalance,
}

/// n_ij of states numbered within the model.
struct Pair {
    states: [usize; 2],
    jumps: [u64; 2],
}

impl Pair {
    fn both(&self) -> f64 {
        (self.jumps[0] + self.jumps[1]) as f64
    }

    /// Of the jumps of the pair, the share from the first to the second.
    fn share(&self, strengths: &DVector<f64>) -> f64 {
        let [i, j] = self.states;
        1.0 / (1.0 + (strengths[j] - strengths[i]).exp())
    }

    fn conductance(&self, strengths: &DVector<f64>) -> f64 {
        let share = self.share(strengths);
        self.both() * share * (1.0 - share)
    }
}

impl ReversibleModel {
    /// The most likely model; none where no time was spent anywhere.
    pub fn fit(counts: &Counts) -> Option<Self> {
        let edges: Vec<(usize, usize)> = counts.all_jumps().map(|(i, j, _)| (i, j)).collect();
        let component = strong_components(counts.states(), &edges);
        let time_in = |set: usize| -> f64 {
            let members = (0..counts.states()).filter(|&state| component[state] == set);
            members.map(|state| counts.time(state)).sum()
        };
        // The first of equals.
        let longest = (0..=component.iter().copied().max()?)
            .rev()
            .max_by(|&a, &b| time_in(a).total_cmp(&time_in(b)))?;
        if time_in(longest) <= 0.0 {
            return None;
        }
        let states: Vec<usize> = (0..counts.states())
            .filter(|&state| component[state] == longest)
            .collect();
        let place = |state: usize| states.binary_search(&state).ok();
        let mut pairs = Vec::new();
        for (from, to, _) in counts.all_jumps() {
            let known = from > to && counts.jumps(to, from) > 0;
            if let (Some(a), Some(b), false) = (place(from), place(to), known) {
                let [low, high] = [from.min(to), from.max(to)];
                pairs.push(Pair {
                    states: [a.min(b), a.max(b)],
                    jumps: [counts.jumps(low, high), counts.jumps(high, low)],
                });
            }
        }
        pairs.sort_by_key(|pair| pair.states);
        let strengths = strengths(states.len(), &pairs);
        let times = DVector::from_iterator(states.len(), states.iter().map(|&k| counts.time(k)));
        let unscaled = times.zip_map(&strengths, |time, s| time * (-s).exp());
        let weights = &unscaled / unscaled.sum();
        let covariance = covariance(&pairs, &strengths, &weights);
        let fluxes = pairs
            .iter()
            .map(|pair| flux(pair, &states, &times, &weights, &covariance))
            .collect();
        let chi_squared = pairs
            .iter()
            .map(|pair| {
                let expected = pair.both() * pair.share(&strengths);
                (pair.jumps[0] as f64 - expected).powi(2) / pair.conductance(&strengths)
            })
            .sum();
        let imbalance = Imbalance {
            chi_squared,
            degrees_of_freedom: pairs.len() + 1 - states.len(),
        };
        Some(Self {
            states,
            weights,
            covariance,
            fluxes,
            imbalance,
        })
    }

    /// The states that have a weight, ascending.
    pub fn states(&self) -> &[usize] {
        &self.states
    }

    /// The weight of a state: the share of time that it has in equilibrium.
    pub fn weight(&self, state: usize) -> Option<f64> {
        self.place(state).map(|k| self.weights[k])
    }

    /// One standard deviation of the logarithm of a weight.
    pub fn relative_error(&self, state: usize) -> Option<f64> {
        self.place(state).map(|k| self.covariance[(k, k)].sqrt())
    }

    /// The exchanges, by their states.
    pub fn fluxes(&self) -> &[Flux] {
        &self.fluxes
    }

    /// The rate from one state to another `[1/τ]`; 0 where no jump was seen between them.
    pub fn rate(&self, from: usize, to: usize) -> f64 {
        let between = [from.min(to), from.max(to)];
        let flux = self.fluxes.binary_search_by_key(&between, |f| f.between);
        match (flux, self.weight(from)) {
            (Ok(k), Some(weight)) => self.fluxes[k].flux / weight,
            _ => 0.0,
        }
    }

    /// The test of detailed balance.
    pub fn imbalance(&self) -> Imbalance {
        self.imbalance
    }

    fn place(&self, state: usize) -> Option<usize> {
        self.states.binary_search(&state).ok()
    }
}

/// s, the first one zero.
fn strengths(states: usize, pairs: &[Pair]) -> DVector<f64> {
    let mut s = DVector::zeros(states);
    if states < 2 {
        return s;
    }
    let likelihood = |s: &DVector<f64>| -> f64 {
        let of = |pair: &Pair| {
            let share = pair.share(s);
            pair.jumps[0] as f64 * share.ln() + pair.jumps[1] as f64 * (1.0 - share).ln()
        };
        pairs.iter().map(of).sum()
    };
    let mut reached = likelihood(&s);
    for _ in 0..STEPS {
        let mut gradient = DVector::zeros(states);
        for pair in pairs {
            let [i, j] = pair.states;
            let excess = pair.jumps[0] as f64 - pair.both() * pair.share(&s);
            gradient[i] += excess;
            gradient[j] -= excess;
        }
        let Some(inverse) = grounded_inverse(states, pairs, &s) else {
            break;
        };
        let step = inverse * gradient.rows(1, states - 1);
        // Whole Newton steps overshoot where counts are far from balance.
        let mut length = 1.0;
        let mut next = s.clone();
        loop {
            for k in 1..states {
                next[k] = s[k] + length * step[k - 1];
            }
            let there = likelihood(&next);
            if there >= reached || length < 1e-6 {
                reached = there;
                break;
            }
            length *= 0.5;
        }
        let change = (&next - &s).amax();
        s = next;
        if change < CONVERGED {
            break;
        }
    }
    s
}

/// Inverse of the Laplacian without the first state's row and column.
fn grounded_inverse(states: usize, pairs: &[Pair], s: &DVector<f64>) -> Option<DMatrix<f64>> {
    let mut laplacian = DMatrix::zeros(states, states);
    for pair in pairs {
        let [i, j] = pair.states;
        let g = pair.conductance(s);
        laplacian[(i, i)] += g;
        laplacian[(j, j)] += g;
        laplacian[(i, j)] -= g;
        laplacian[(j, i)] -= g;
    }
    let grounded = laplacian
        .view((1, 1), (states - 1, states - 1))
        .into_owned();
    grounded.cholesky().map(|factor| factor.inverse())
}

/// Covariance of the logarithms of weights whose sum is one: (1 − 1wᵀ) C (1 − w1ᵀ), C that with the
/// first one fixed.
fn covariance(pairs: &[Pair], strengths: &DVector<f64>, weights: &DVector<f64>) -> DMatrix<f64> {
    let states = weights.len();
    let mut fixed = DMatrix::zeros(states, states);
    if states > 1
        && let Some(inverse) = grounded_inverse(states, pairs, strengths)
    {
        fixed
            .view_mut((1, 1), (states - 1, states - 1))
            .copy_from(&inverse);
    }
    let mean = &fixed * weights;
    let of_mean = weights.dot(&mean);
    DMatrix::from_fn(states, states, |i, j| {
        fixed[(i, j)] - mean[i] - mean[j] + of_mean
    })
}

fn flux(
    pair: &Pair,
    states: &[usize],
    times: &DVector<f64>,
    weights: &DVector<f64>,
    covariance: &DMatrix<f64>,
) -> Flux {
    let [i, j] = pair.states;
    let n = pair.both();
    let exposure = [times[i] / weights[i], times[j] / weights[j]];
    let flux = n / (exposure[0] + exposure[1]);
    let [a, b] = exposure.map(|e| e / (exposure[0] + exposure[1]));
    let of_weights =
        a * a * covariance[(i, i)] + b * b * covariance[(j, j)] + 2.0 * a * b * covariance[(i, j)];
    Flux {
        between: [states[i], states[j]],
        jumps: pair.jumps,
        flux,
        relative_error: (1.0 / n + of_weights).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_distr::{Distribution, Exp};
    use rand_pcg::Pcg64;

    use super::*;

    /// A chain of states 0 to 3 with a cycle 1-2-3, in detailed balance.
    const WEIGHTS: [f64; 4] = [0.5, 0.3, 0.15, 0.05];
    const FLUXES: [([usize; 2], f64); 4] = [
        ([0, 1], 0.02),
        ([1, 2], 0.03),
        ([1, 3], 0.01),
        ([2, 3], 0.005),
    ];

    /// Jumps and times of an exact trajectory, started at random among the weights.
    fn simulated(random: &mut Pcg64, duration: f64) -> Counts {
        let mut counts = Counts::new(4);
        let pick = |random: &mut Pcg64, shares: &[f64]| {
            let mut draw = random.random::<f64>() * shares.iter().sum::<f64>();
            shares
                .iter()
                .position(|share| {
                    draw -= share;
                    draw < 0.0
                })
                .unwrap_or(shares.len() - 1)
        };
        let mut state = pick(random, &WEIGHTS);
        let mut time = 0.0;
        loop {
            let ways: Vec<(usize, f64)> = FLUXES
                .iter()
                .filter(|(between, _)| between.contains(&state))
                .map(|&([i, j], flux)| (i + j - state, flux / WEIGHTS[state]))
                .collect();
            let rates: Vec<f64> = ways.iter().map(|way| way.1).collect();
            let stay = Exp::new(rates.iter().sum::<f64>()).unwrap().sample(random);
            counts.times[state] += stay.min(duration - time);
            time += stay;
            if time > duration {
                return counts;
            }
            let next = ways[pick(random, &rates)].0;
            *counts.jumps.entry((state, next)).or_default() += 1;
            state = next;
        }
    }

    /// Over 400 trajectories weights and fluxes are right within their errors, and the errors are those
    /// that are stated: χ² of 8 + 1 quantities each over 400 draws. False alarm 1e-4 a quantity.
    #[test]
    fn weights_fluxes_and_their_errors_are_those_of_a_known_chain() {
        let mut random = Pcg64::seed_from_u64(20_261_129);
        let draws = 400;
        let mut squares = [0.0; 8];
        let mut sums = [0.0; 8];
        let mut imbalance = 0.0;
        for _ in 0..draws {
            let model = ReversibleModel::fit(&simulated(&mut random, 20_000.0)).unwrap();
            assert_eq!(model.states(), [0, 1, 2, 3]);
            for state in 0..4 {
                let z = (model.weight(state).unwrap() / WEIGHTS[state]).ln()
                    / model.relative_error(state).unwrap();
                sums[state] += z;
                squares[state] += z * z;
            }
            for (k, (between, flux)) in FLUXES.iter().enumerate() {
                let found = model.fluxes()[k];
                assert_eq!(found.between, *between);
                let z = (found.flux / flux).ln() / found.relative_error;
                sums[4 + k] += z;
                squares[4 + k] += z * z;
                let [i, j] = *between;
                let (forth, back) = (model.rate(i, j), model.rate(j, i));
                let balance = model.weight(i).unwrap() * forth - model.weight(j).unwrap() * back;
                assert!(balance.abs() < 1e-15);
            }
            assert_eq!(model.imbalance().degrees_of_freedom, 1);
            imbalance += model.imbalance().chi_squared;
        }
        let draws = f64::from(draws);
        for k in 0..8 {
            // Mean of 400 standard normals: 0.05; mean square 1 +- sqrt(2/400).
            assert!((sums[k] / draws).abs() < 4.0 * 0.05, "{k}: {}", sums[k]);
            let spread = squares[k] / draws;
            assert!((spread - 1.0).abs() < 4.0 * 0.0707, "{k}: {spread}");
        }
        let imbalance = imbalance / draws;
        assert!((imbalance - 1.0).abs() < 4.0 * 0.0707, "{imbalance}");
    }

    /// Two states, n/2 jumps each way: the weights are the times, ln w_1/w_0 has the variance 4/n of the
    /// ratio of two sums of n/2 exponential times.
    #[test]
    fn of_two_states_the_weights_are_the_times() {
        let mut counts = Counts::new(2);
        let mut trajectory = Vec::new();
        for _ in 0..50 {
            trajectory.extend([0, 0, 0, 1]);
        }
        trajectory.push(0);
        counts.add(&trajectory, 1.0);
        let model = ReversibleModel::fit(&counts).unwrap();
        assert!((model.weight(0).unwrap() - 0.75).abs() < 1e-14);
        assert!((model.fluxes()[0].flux - 50.0 / 200.0).abs() < 1e-14);
        // ln w_0 = ln T_0/(T_0 + T_1): its deviation is that of the ratio times w_1.
        let expected = (4.0_f64 / 100.0).sqrt() * 0.25;
        assert!((model.relative_error(0).unwrap() - expected).abs() < 1e-12);
        assert_eq!(model.imbalance().degrees_of_freedom, 0);
    }

    #[test]
    fn what_is_not_left_or_never_entered_again_has_no_weight() {
        let mut counts = Counts::new(5);
        // 4 is never entered, 3 never left, 2 never seen.
        counts.add(&[4, 0, 1, 0, 0, 1, 1, 0, 3, 3], 1.0);
        let model = ReversibleModel::fit(&counts).unwrap();
        assert_eq!(model.states(), [0, 1]);
        assert_eq!((model.weight(3), model.relative_error(4)), (None, None));
        assert_eq!((model.rate(0, 3), model.rate(3, 0)), (0.0, 0.0));
        assert!(ReversibleModel::fit(&Counts::new(3)).is_none());
        assert!(ReversibleModel::fit(&Counts::new(0)).is_none());
        let mut alone = Counts::new(2);
        alone.add(&[1, 1, 1], 0.5);
        let model = ReversibleModel::fit(&alone).unwrap();
        assert_eq!((model.states(), model.weight(1)), (&[1][..], Some(1.0)));
        assert_eq!(model.relative_error(1), Some(0.0));
    }

    /// A current around a cycle, as no equilibrium has it.
    #[test]
    fn a_current_around_a_cycle_is_noticed() {
        let mut counts = Counts::new(3);
        let mut trajectory: Vec<usize> = (0..300).map(|k| k / 2 % 3).collect();
        trajectory.extend([2, 1, 0, 1, 2, 0]);
        counts.add(&trajectory, 1.0);
        let imbalance = ReversibleModel::fit(&counts).unwrap().imbalance();
        assert_eq!(imbalance.degrees_of_freedom, 1);
        assert!(imbalance.chi_squared > 100.0, "{imbalance:?}");
    }
}
