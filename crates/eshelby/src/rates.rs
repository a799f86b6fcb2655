//! Rates of all excitations in one pass, and the choice of one by its share.

use rayon::prelude::*;

use crate::mandel::{Mandel, dot};
use crate::vector;

/// Excitations in one block of partial sums. Fixed, so that sums do not depend on threads.
const BLOCK: usize = 256;

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
    /// straight line: each energy is linear, and the maximum of minima is below the minimum of
    /// the maximum.
    fn lowest_barrier(&self, stress: &Mandel, change: &Mandel, floor: f64) -> f64 {
        let (saddle, other) = self.energies(stress);
        let saddle_drop = dot(&self.to_saddle, change).max(0.0);
        let other_drop = dot(&self.to_other, change).max(0.0);
        raised(saddle - saddle_drop, other - other_drop, floor)
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

/// Upper bounds of the rates over a window, with block sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    bounds: Vec<f64>,
    blocks: Vec<f64>,
}

/// What a pass over all excitations reads.
pub(crate) struct Pass<'a> {
    /// How each excitation leaves its state.
    pub(crate) leaps: &'a [Leap],
    /// Attempt frequencies.
    pub(crate) attempts: &'a [f64],
    /// Where the stress of each excitation's site begins in `field`.
    pub(crate) places: &'a [usize],
    /// Stress field, components `stride` apart.
    pub(crate) field: &'a [f64],
    /// Distance of components in `field`.
    pub(crate) stride: usize,
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
    /// Stress at an excitation's site at the start of the window.
    pub(crate) fn stress(&self, pair: usize) -> Mandel {
        let first = self.places[pair];
        std::array::from_fn(|k| self.field[first + k * self.stride] + self.macroscopic[k])
    }

    fn block(&self, block: usize, bounds: &mut [f64]) -> f64 {
        let first = block * BLOCK;
        let constant = self.change == [0.0; 6];
        for (offset, bound) in bounds.iter_mut().enumerate() {
            let pair = first + offset;
            let stress = self.stress(pair);
            let leap = &self.leaps[pair];
            *bound = if constant {
                leap.barrier(&stress, self.floor)
            } else {
                leap.lowest_barrier(&stress, &self.change, self.floor)
            };
        }
        let inverse = -1.0 / self.temperature;
        let attempts = &self.attempts[first..first + bounds.len()];
        vector::rates(bounds, attempts, inverse);
        let mut lanes = [0.0; 4];
        for quad in bounds.chunks(4) {
            for (lane, rate) in lanes.iter_mut().zip(quad) {
                *lane += rate;
            }
        }
        (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    }
}

impl Rates {
    /// Fills the bounds and returns their sum.
    pub(crate) fn fill(&mut self, pass: &Pass<'_>) -> f64 {
        let pairs = pass.leaps.len();
        self.bounds.resize(pairs, 0.0);
        self.blocks.resize(pairs.div_ceil(BLOCK), 0.0);
        let work = |(block, (bounds, sum)): (usize, (&mut [f64], &mut f64))| {
            *sum = pass.block(block, bounds);
        };
        if pairs >= PARALLEL_PAIRS && rayon::current_num_threads() > 1 {
            self.bounds
                .par_chunks_mut(BLOCK)
                .zip(self.blocks.par_iter_mut())
                .enumerate()
                .with_min_len(16)
                .for_each(work);
        } else {
            self.bounds
                .chunks_mut(BLOCK)
                .zip(self.blocks.iter_mut())
                .enumerate()
                .for_each(work);
        }
        self.blocks.iter().sum()
    }

    /// The excitation at `target`, 0 ≤ target < sum, on the line of all bounds.
    pub(crate) fn select(&self, mut target: f64) -> usize {
        let mut block = 0;
        while block + 1 < self.blocks.len() && target >= self.blocks[block] {
            target -= self.blocks[block];
            block += 1;
        }
        let first = block * BLOCK;
        let end = (first + BLOCK).min(self.bounds.len());
        let mut chosen = None;
        for pair in first..end {
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
            .unwrap_or(end - 1)
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
            places: &vec![0; pairs as usize],
            field: &[0.0; 6],
            stride: 1,
            macroscopic: [0.0; 6],
            change: [0.0; 6],
            floor: 0.0,
            temperature: 0.5,
        };
        let mut rates = Rates::default();
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
    }
}
