//! An absorbing chain in time: when it is left, and where it is until then.

use crate::chain::AbsorbingChain;

/// The first step is this fraction of the shortest residence: two hops within it are so rare that
/// four terms of the series are exact.
const FIRST_STEP: f64 = 1.0 / 65_536.0;
/// Terms of the uniformized series for times up to the first step: the next is below 1e-22.
const TERMS: usize = 5;
/// Doublings after which a chain counts as one that is never left: 2^1000 residences.
const MOST_DOUBLINGS: usize = 1000;

/// Probabilities over one time step: where the survivors are, and who left.
#[derive(Clone, Debug)]
struct Step {
    /// P_ij, row by row: still inside and in j, from i.
    survive: Vec<f64>,
    /// a_i: left, from i. Kept apart because 1 − ΣP would lose it.
    left: Vec<f64>,
}

/// Survival P(t) = exp(Q t) of an [`AbsorbingChain`] for all times, by doubling:
///
/// ```text
/// P(2t) = P(t) P(t)    a(2t) = a(t) + P(t) a(t)
/// ```
///
/// from a first step shorter than any residence. All terms are positive and the rows of P are held
/// at 1 − a, so that neither the fast flicker nor the slow leak loses digits.
#[derive(Clone, Debug)]
pub struct Propagator {
    states: usize,
    /// Duration of the first step `[τ]`.
    step: f64,
    /// Uniformized chain: U = I + Q/Λ, row by row, and the shares that leave.
    jumps: Vec<f64>,
    leaves: Vec<f64>,
    /// Λ `[1/τ]`.
    tempo: f64,
    exits: Vec<f64>,
    doublings: Vec<Step>,
    /// Which states lead to an exit.
    leads_out: Vec<bool>,
}

/// When and from where a chain is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// When `[τ]`; infinite where no exit can be reached.
    pub time: f64,
    /// Weight of each state as the one that is left, not normalized.
    pub weights: Vec<f64>,
}

impl Propagator {
    pub(crate) fn new(chain: &AbsorbingChain) -> Self {
        let n = chain.len();
        let fastest = (0..n).map(|i| chain.total(i)).fold(0.0, f64::max);
        // Twice the fastest: the diagonal of U stays above a half, nothing cancels.
        let tempo = 2.0 * fastest;
        let mut jumps = vec![0.0; n * n];
        let mut leaves = vec![0.0; n];
        if tempo > 0.0 {
            for i in 0..n {
                for j in 0..n {
                    jumps[i * n + j] = if i == j {
                        1.0 - chain.total(i) / tempo
                    } else {
                        chain.hop(i, j) / tempo
                    };
                }
                leaves[i] = chain.exits()[i] / tempo;
            }
        }
        let mut leads_out: Vec<bool> = chain.exits().iter().map(|&rate| rate > 0.0).collect();
        for _ in 0..n {
            for i in 0..n {
                leads_out[i] |= (0..n).any(|j| leads_out[j] && chain.hop(i, j) > 0.0);
            }
        }
        Self {
            states: n,
            step: if tempo > 0.0 {
                FIRST_STEP / fastest
            } else {
                f64::INFINITY
            },
            jumps,
            leaves,
            tempo,
            exits: chain.exits().to_vec(),
            doublings: Vec::new(),
            leads_out,
        }
    }

    /// Draws when the chain is left from the survival probability `survival` in (0, 1), uniform:
    /// the time at which the share of survivors has fallen to it.
    pub fn exit(&mut self, start: usize, survival: f64) -> Exit {
        let n = self.states;
        let never = Exit {
            time: f64::INFINITY,
            weights: vec![0.0; n],
        };
        if !self.leads_out[start] {
            return never;
        }
        let mut top = 0;
        loop {
            if top > MOST_DOUBLINGS {
                return never;
            }
            self.ensure(top);
            let row = &self.doublings[top].survive[start * n..(start + 1) * n];
            if row.iter().sum::<f64>() <= survival {
                break;
            }
            top += 1;
        }
        let mut inside = vec![0.0; n];
        inside[start] = 1.0;
        let mut time = 0.0;
        for k in (0..top).rev() {
            let next = advanced(&inside, &self.doublings[k].survive, n);
            if next.iter().sum::<f64>() > survival {
                inside = next;
                time += self.step * 2.0_f64.powi(k as i32);
            }
        }
        // What is left is at most one first step, in which the share of survivors falls as an
        // exponential.
        let share: f64 = inside.iter().sum();
        let leak = |inside: &[f64]| -> Vec<f64> {
            inside.iter().zip(&self.exits).map(|(p, k)| p * k).collect()
        };
        let mut weights = leak(&inside);
        let mut rate = weights.iter().sum::<f64>() / share;
        if rate == 0.0 {
            weights = leak(&self.advanced_briefly(&inside, self.step));
            rate = weights.iter().sum::<f64>() / share;
        }
        let rest = if rate > 0.0 {
            ((share / survival).ln() / rate).clamp(0.0, self.step)
        } else {
            0.0
        };
        if rate == 0.0 {
            // Exits several hops away: whichever can be left at all.
            weights.clone_from(&self.exits);
        }
        Exit {
            time: time + rest,
            weights,
        }
    }

    /// Weight of each state at `time` `[τ]`, given that the chain was not left until then; they
    /// add up to the probability of that.
    pub fn state_at(&mut self, start: usize, time: f64) -> Vec<f64> {
        let n = self.states;
        let mut inside = vec![0.0; n];
        inside[start] = 1.0;
        if !self.step.is_finite() || time <= 0.0 {
            return inside;
        }
        // Without an exit the longest times are the same as long ones.
        let mut rest = time;
        let mut top = 0;
        while self.step * 2.0_f64.powi(top as i32 + 1) <= time && top < MOST_DOUBLINGS {
            top += 1;
        }
        for k in (0..=top).rev() {
            let duration = self.step * 2.0_f64.powi(k as i32);
            if duration <= rest {
                self.ensure(k);
                inside = advanced(&inside, &self.doublings[k].survive, n);
                rest -= duration;
            }
        }
        self.advanced_briefly(&inside, rest.clamp(0.0, self.step))
    }

    /// Survivors a time of at most one first step later.
    fn advanced_briefly(&self, inside: &[f64], time: f64) -> Vec<f64> {
        let n = self.states;
        let mean = self.tempo * time;
        let mut weight = (-mean).exp();
        let mut term = inside.to_vec();
        let mut sum: Vec<f64> = term.iter().map(|p| weight * p).collect();
        for m in 1..=TERMS {
            term = advanced(&term, &self.jumps, n);
            weight *= mean / m as f64;
            for (sum, p) in sum.iter_mut().zip(&term) {
                *sum += weight * p;
            }
        }
        sum
    }

    fn ensure(&mut self, top: usize) {
        if self.doublings.is_empty() {
            self.doublings.push(self.first());
        }
        while self.doublings.len() <= top {
            let last = &self.doublings[self.doublings.len() - 1];
            self.doublings.push(doubled(last, self.states));
        }
    }

    fn first(&self) -> Step {
        let n = self.states;
        let mean = self.tempo * self.step;
        let mut survive = vec![0.0; n * n];
        let mut left = vec![0.0; n];
        for i in 0..n {
            let mut weight = (-mean).exp();
            let mut term = vec![0.0; n];
            term[i] = 1.0;
            let mut gone = 0.0;
            for m in 0..=TERMS {
                if m > 0 {
                    gone += dot(&term, &self.leaves);
                    term = advanced(&term, &self.jumps, n);
                    weight *= mean / m as f64;
                }
                for (sum, p) in survive[i * n..(i + 1) * n].iter_mut().zip(&term) {
                    *sum += weight * p;
                }
                left[i] += weight * gone;
            }
        }
        let mut step = Step { survive, left };
        hold_rows(&mut step, n);
        step
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// p M for a row p.
fn advanced(row: &[f64], matrix: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n];
    for (p, line) in row.iter().zip(matrix.chunks_exact(n)) {
        if *p != 0.0 {
            for (sum, m) in product.iter_mut().zip(line) {
                *sum += p * m;
            }
        }
    }
    product
}

fn doubled(step: &Step, n: usize) -> Step {
    let survive: Vec<f64> = step
        .survive
        .chunks_exact(n)
        .flat_map(|row| advanced(row, &step.survive, n))
        .collect();
    let left = step
        .survive
        .chunks_exact(n)
        .zip(&step.left)
        .map(|(row, left)| left + dot(row, &step.left))
        .collect();
    let mut step = Step { survive, left };
    hold_rows(&mut step, n);
    step
}

/// Rounding must neither feed nor starve the survivors: rows add up to 1 − a while that is a number
/// with digits; once most have left, each entry is as good as it is.
fn hold_rows(step: &mut Step, n: usize) {
    for (row, left) in step.survive.chunks_exact_mut(n).zip(&step.left) {
        if *left < 0.5 {
            let sum: f64 = row.iter().sum();
            let factor = (1.0 - left) / sum;
            for p in row {
                *p *= factor;
            }
        }
    }
}
