//! Bounds of the rates of all excitations, and the choice of one by its share.
//!
//! A bound holds while the stress of the site stays within the allowance of what the bound was
//! made with, and the load within its window: what happens far away need not be known at once.

use std::ops::Range;

use rayon::prelude::*;

use crate::mandel::{Mandel, add, dot};
use crate::vector;

/// Excitations from which on several threads share a pass.
const PARALLEL_PAIRS: usize = 20_000;

/// What one excitation needs to know to leave its present state: energies linear in the stress σ
/// of its site (own field included) and the macroscopic stress.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leap {
    /// Saddle above the present state at σ = 0.
    pub(crate) saddle: f64,
    /// Change of plastic volume up to the saddle.
    pub(crate) to_saddle: Mandel,
    /// Other state above the present one at σ = 0.
    pub(crate) other: f64,
    /// Change of plastic volume to the other state.
    pub(crate) to_other: Mandel,
    /// How far the allowed change of stress may lower the saddle and the other state.
    pub(crate) slack: [f64; 2],
}

impl Leap {
    /// Energies of the saddle and of the other state at a stress.
    pub(crate) fn energies(&self, stress: &Mandel) -> (f64, f64) {
        (
            self.saddle - dot(&self.to_saddle, stress),
            self.other - dot(&self.to_other, stress),
        )
    }

    /// Barrier with the saddle raised to the higher state plus the floor.
    pub(crate) fn barrier(&self, stress: &Mandel, floor: f64) -> f64 {
        let (saddle, other) = self.energies(stress);
        raised(saddle, other, floor)
    }

    /// A lower bound of the barrier while the stress moves from `stress` by up to `change` along a
    /// straight line and by the allowance in any direction: each energy is linear, and the maximum
    /// of minima is below the minimum of the maximum.
    fn lowest_barrier(&self, stress: &Mandel, change: Option<&Mandel>, floor: f64) -> f64 {
        let (mut saddle, mut other) = self.energies(stress);
        if let Some(change) = change {
            saddle -= dot(&self.to_saddle, change).max(0.0);
            other -= dot(&self.to_other, change).max(0.0);
        }
        raised(saddle - self.slack[0], other - self.slack[1], floor)
    }
}

/// max(H_saddle, max(H_1, H_2) + floor) − H_1 with H_1 = 0.
fn raised(saddle: f64, other: f64, floor: f64) -> f64 {
    saddle.max(other.max(0.0) + floor)
}

/// exp(x) for x ≤ 0, 0 below −700, to 2 units in the last place.
///
/// Plain arithmetic without a call, so that a loop over it runs in vector registers and gives the
/// same bits on every machine.
#[inline]
pub(crate) fn exponential(x: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52: adding it rounds to an integer.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let clamped = x.max(-700.0);
    let shifted = clamped * std::f64::consts::LOG2_E + SHIFT;
    let turns = shifted - SHIFT;
    let r = (clamped - turns * LN2_HIGH) - turns * LN2_LOW;
    let mut series = 1.0 / 479_001_600.0;
    for factorial in [
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ] {
        series = series * r + 1.0 / factorial;
    }
    // The low bits of `shifted` hold the integer; moved into the exponent they make 2^turns.
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    if x < -700.0 { 0.0 } else { series * power }
}

/// Upper bounds of the rates, with sums over blocks of excitations: over one row of sites each, so
/// that sums do not depend on threads and what is near lies in few blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    bounds: Vec<f64>,
    blocks: Vec<f64>,
    firsts: Vec<usize>,
    /// Of the excitations that an update touches.
    barriers: Vec<f64>,
    attempts: Vec<f64>,
}

/// What a pass over excitations reads.
pub(crate) struct Pass<'a> {
    /// How each excitation leaves its state.
    pub(crate) leaps: &'a [Leap],
    /// Attempt frequencies.
    pub(crate) attempts: &'a [f64],
    /// The stress at each excitation's site that bounds are made with.
    pub(crate) field: &'a [Mandel],
    /// Macroscopic stress at the start of the window.
    pub(crate) macroscopic: Mandel,
    /// Its change over the window; zero at constant load.
    pub(crate) change: Mandel,
    /// E_floor.
    pub(crate) floor: f64,
    /// k_B T.
    pub(crate) temperature: f64,
}

impl Pass<'_> {
    fn barriers(&self, pairs: Range<usize>, barriers: &mut [f64]) {
        let change = (self.change != [0.0; 6]).then_some(&self.change);
        let (leaps, field) = (&self.leaps[pairs.clone()], &self.field[pairs]);
        for ((barrier, leap), field) in barriers.iter_mut().zip(leaps).zip(field) {
            let stress = add(field, &self.macroscopic);
            *barrier = leap.lowest_barrier(&stress, change, self.floor);
        }
    }
}

/// Sum in a fixed order that vectorizes.
fn sum(numbers: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    for quad in numbers.chunks(4) {
        for (lane, number) in lanes.iter_mut().zip(quad) {
            *lane += number;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

impl Rates {
    /// For blocks that begin at the excitations `firsts`, the last entry being the end of the last.
    pub(crate) fn new(firsts: Vec<usize>) -> Self {
        Self {
            bounds: vec![0.0; firsts.last().copied().unwrap_or(0)],
            blocks: vec![0.0; firsts.len().saturating_sub(1)],
            firsts,
            ..Self::default()
        }
    }

    /// Fills all bounds and returns their sum.
    pub(crate) fn fill(&mut self, pass: &Pass<'_>) -> f64 {
        let (firsts, blocks) = (&self.firsts, self.blocks.len());
        let inverse = -1.0 / pass.temperature;
        // Each thread takes whole blocks.
        let work = |first: usize, bounds: &mut [f64], sums: &mut [f64]| {
            let start = firsts[first];
            pass.barriers(start..start + bounds.len(), bounds);
            let attempts = &pass.attempts[start..start + bounds.len()];
            vector::rates(bounds, attempts, inverse);
            for (k, total) in sums.iter_mut().enumerate() {
                let [from, to] = [first + k, first + k + 1].map(|block| firsts[block] - start);
                *total = sum(&bounds[from..to]);
            }
        };
        let parts = if self.bounds.len() >= PARALLEL_PAIRS {
            4 * rayon::current_num_threads()
        } else {
            1
        };
        let per_part = blocks.div_ceil(parts).max(1);
        let mut rest = self.bounds.as_mut_slice();
        let mut pieces = Vec::new();
        for (part, sums) in self.blocks.chunks_mut(per_part).enumerate() {
            let first = part * per_part;
            let length = firsts[first + sums.len()] - firsts[first];
            let (bounds, tail) = rest.split_at_mut(length);
            rest = tail;
            pieces.push((first, bounds, sums));
        }
        if let [(first, bounds, sums)] = pieces.as_mut_slice() {
            work(*first, bounds, sums);
        } else {
            pieces
                .into_par_iter()
                .for_each(|(first, bounds, sums)| work(first, bounds, sums));
        }
        sum(&self.blocks)
    }

    /// Fills the bounds of the excitations `touched`, each stretch within one block, and returns
    /// the sum of all.
    pub(crate) fn update(&mut self, pass: &Pass<'_>, touched: &[(usize, Range<usize>)]) -> f64 {
        self.barriers.clear();
        self.attempts.clear();
        for (_, pairs) in touched {
            let start = self.barriers.len();
            self.barriers.resize(start + pairs.len(), 0.0);
            pass.barriers(pairs.clone(), &mut self.barriers[start..]);
            self.attempts
                .extend_from_slice(&pass.attempts[pairs.clone()]);
        }
        vector::rates(&mut self.barriers, &self.attempts, -1.0 / pass.temperature);
        let mut start = 0;
        for (k, (block, pairs)) in touched.iter().enumerate() {
            let end = start + pairs.len();
            self.bounds[pairs.clone()].copy_from_slice(&self.barriers[start..end]);
            start = end;
            if touched.get(k + 1).is_none_or(|(next, _)| next != block) {
                let (from, to) = (self.firsts[*block], self.firsts[block + 1]);
                self.blocks[*block] = sum(&self.bounds[from..to]);
            }
        }
        sum(&self.blocks)
    }

    /// The excitation at `target`, 0 ≤ target < sum, on the line of all bounds.
    pub(crate) fn select(&self, mut target: f64) -> usize {
        let mut block = 0;
        while block + 1 < self.blocks.len() && target >= self.blocks[block] {
            target -= self.blocks[block];
            block += 1;
        }
        let mut chosen = None;
        for pair in self.firsts[block]..self.firsts[block + 1] {
            let bound = self.bounds[pair];
            if bound > 0.0 {
                chosen = Some(pair);
                if target < bound {
                    break;
                }
            }
            target -= bound;
        }
        // Rounding may leave the target past the last of the block, or in a block of zeros.
        chosen
            .or_else(|| self.bounds.iter().rposition(|&bound| bound > 0.0))
            .unwrap_or(0)
    }

    /// The bound of one excitation.
    pub(crate) fn bound(&self, pair: usize) -> f64 {
        self.bounds[pair]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_agrees_with_the_library() {
        let mut x = 0.0;
        while x > -699.0 {
            let (found, expected): (f64, f64) = (exponential(x), x.exp());
            assert!(
                (found / expected - 1.0).abs() < 6e-16,
                "{x}: {found} {expected}"
            );
            x -= 0.377;
        }
        assert_eq!(exponential(0.0), 1.0);
        assert_eq!(exponential(-701.0), 0.0);
        assert_eq!(exponential(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn selection_covers_the_line_in_proportion() {
        let pairs = 700;
        let leaps: Vec<Leap> = (0..pairs)
            .map(|i| Leap {
                saddle: 0.1 * f64::from(i % 7),
                other: if i % 5 == 0 { 1e9 } else { 0.0 },
                ..Leap::default()
            })
            .collect();
        let pass = Pass {
            leaps: &leaps,
            attempts: &vec![2.0; pairs as usize],
            field: &vec![[0.0; 6]; pairs as usize],
            macroscopic: [0.0; 6],
            change: [0.0; 6],
            floor: 0.0,
            temperature: 0.5,
        };
        let mut rates = Rates::new(vec![0, 0, 200, 210, 210, 699, 700]);
        let sum = rates.fill(&pass);
        let mut start = 0.0;
        for (i, leap) in leaps.iter().enumerate() {
            let rate = 2.0 * (-leap.saddle.max(leap.other) / 0.5).exp();
            assert!((rates.bound(i) - rate).abs() < 1e-14);
            if rate > 0.0 {
                assert_eq!(rates.select(start + 0.5 * rate), i);
            }
            start += rate;
        }
        assert!((sum / start - 1.0).abs() < 1e-13);
        // The very end of the line still names an excitation that can move.
        assert!(rates.bound(rates.select(sum)) > 0.0);
        // Where leaps change, an update is a new pass.
        let mut changed = leaps.clone();
        for i in (180..205).chain(208..300) {
            changed[i].saddle += 0.3;
        }
        let pass = Pass {
            leaps: &changed,
            ..pass
        };
        let touched = [
            (1, 180..190),
            (1, 190..200),
            (2, 200..205),
            (2, 208..210),
            (4, 210..300),
        ];
        let updated = rates.update(&pass, &touched);
        let mut anew = Rates::new(vec![0, 0, 200, 210, 210, 699, 700]);
        assert_eq!(updated, anew.fill(&pass));
        assert_eq!(rates.bounds, anew.bounds);
        assert_ne!(updated, sum);
    }
}
