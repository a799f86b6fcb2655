//! Absorbing Markov chains: a few states among which a system flickers, and the way out.

use thiserror::Error;

use crate::propagator::Propagator;

/// Why rates do not make an absorbing chain.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ChainError {
    /// There is nothing to be in.
    #[error("a chain needs at least one state")]
    Empty,
    /// The matrix of hops is not square, or the exits are not one a state.
    #[error(
        "a chain of {states} states needs {states} x {states} hops and {states} exits, got {hops} and {exits}"
    )]
    Dimension {
        /// States wanted.
        states: usize,
        /// Hops given.
        hops: usize,
        /// Exits given.
        exits: usize,
    },
    /// A rate is negative or not finite.
    #[error("the rate from state {from} must be finite and not negative, got {rate}")]
    Rate {
        /// State that it leaves.
        from: usize,
        /// Its value.
        rate: f64,
    },
}

/// A continuous-time Markov chain of transient states, each of which may also be left for good.
///
/// ```text
/// dp_j/dt = Σ_i p_i k_ij − p_j (Σ_i k_ji + κ_j)
/// ```
///
/// Nothing is ever subtracted: rates twelve and more orders of magnitude apart lose no digits
/// (Grassmann, Taksar & Heyman, Oper. Res. 33, 1107 (1985)). First-passage times and exits of such
/// chains carry kinetic Monte Carlo over flicker (Novotny, Phys. Rev. Lett. 74, 1 (1995); Puchala
/// et al., J. Chem. Phys. 132, 134104 (2010); Athènes & Bulatov, Phys. Rev. Lett. 113, 230601
/// (2014)).
#[derive(Clone, Debug, PartialEq)]
pub struct AbsorbingChain {
    states: usize,
    /// k_ij, row by row; the diagonal is zero `[1/τ]`.
    hops: Vec<f64>,
    /// κ_i `[1/τ]`.
    exits: Vec<f64>,
}

/// What elimination leaves of a chain seen from one start.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstPassage {
    /// Mean time until the chain is left `[τ]`; infinite where no exit can be reached.
    pub mean_time: f64,
    /// Probability that it is left from each of its states; zeros where no exit can be reached.
    pub left_from: Vec<f64>,
}

impl AbsorbingChain {
    /// A chain of `exits.len()` states with rates `hops[i * states + j]` from i to j (the diagonal
    /// is ignored) and `exits[i]` out of the chain `[1/τ]`.
    ///
    /// # Errors
    /// [`ChainError`]: no states, sizes that do not fit, rates that are negative or not finite.
    pub fn new(hops: Vec<f64>, exits: Vec<f64>) -> Result<Self, ChainError> {
        let states = exits.len();
        if states == 0 {
            return Err(ChainError::Empty);
        }
        if hops.len() != states * states {
            return Err(ChainError::Dimension {
                states,
                hops: hops.len(),
                exits: exits.len(),
            });
        }
        let mut chain = Self {
            states,
            hops,
            exits,
        };
        for from in 0..states {
            chain.hops[from * states + from] = 0.0;
            let row = &chain.hops[from * states..(from + 1) * states];
            for &rate in row.iter().chain([&chain.exits[from]]) {
                if !(rate >= 0.0 && rate.is_finite()) {
                    return Err(ChainError::Rate { from, rate });
                }
            }
        }
        Ok(chain)
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.states
    }

    /// Never: a chain has at least one state.
    pub fn is_empty(&self) -> bool {
        self.states == 0
    }

    /// Rate from one state to another `[1/τ]`.
    pub fn hop(&self, from: usize, to: usize) -> f64 {
        self.hops[from * self.states + to]
    }

    /// Rate out of the chain from each state `[1/τ]`.
    pub fn exits(&self) -> &[f64] {
        &self.exits
    }

    /// Total rate out of a state, to other states and out of the chain `[1/τ]`.
    pub fn total(&self, from: usize) -> f64 {
        let row = &self.hops[from * self.states..(from + 1) * self.states];
        row.iter().sum::<f64>() + self.exits[from]
    }

    /// The chain in time.
    pub fn propagator(&self) -> Propagator {
        Propagator::new(self)
    }

    /// Mean first-passage time and exit probabilities by eliminating every state but the start:
    /// with D_s = Σ_j≠s k_sj + Σ_x κ_sx,
    ///
    /// ```text
    /// k_ij += k_is k_sj / D_s    κ_ix += k_is κ_sx / D_s    w_i += k_is w_s / D_s
    /// ```
    ///
    /// where κ_ix is the rate of leaving from state x when next seen in i, and w_i / D_i the time
    /// until then. States from which no way leads on are traps, for which the time is infinite.
    pub fn first_passage(&self, start: usize) -> FirstPassage {
        let n = self.states;
        let mut hops = self.hops.clone();
        let mut exits = vec![0.0; n * n];
        for state in 0..n {
            exits[state * n + state] = self.exits[state];
        }
        let mut weights = vec![1.0; n];
        let mut left: Vec<bool> = vec![true; n];
        let mut trapped = false;
        for s in (0..n).rev().filter(|&s| s != start) {
            left[s] = false;
            let onward: f64 = (0..n).filter(|&j| left[j]).map(|j| hops[s * n + j]).sum();
            let total = onward + exits[s * n..(s + 1) * n].iter().sum::<f64>();
            for i in (0..n).filter(|&i| left[i]) {
                let into = hops[i * n + s];
                if into == 0.0 {
                    continue;
                }
                if total == 0.0 {
                    // Reached, and never left again: only where it can be reached from the start.
                    trapped = true;
                    continue;
                }
                let share = into / total;
                for j in (0..n).filter(|&j| left[j] && j != i) {
                    hops[i * n + j] += share * hops[s * n + j];
                }
                for x in 0..n {
                    exits[i * n + x] += share * exits[s * n + x];
                }
                weights[i] += share * weights[s];
            }
        }
        let leaving = &exits[start * n..(start + 1) * n];
        let total: f64 = leaving.iter().sum();
        let unreachable = total == 0.0;
        FirstPassage {
            mean_time: if unreachable || trapped {
                f64::INFINITY
            } else {
                weights[start] / total
            },
            left_from: leaving
                .iter()
                .map(|rate| if unreachable { 0.0 } else { rate / total })
                .collect(),
        }
    }
}
