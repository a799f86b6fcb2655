//! Forces for steps of dynamics from fixed points: pair terms in single precision.

use std::ops::Range;

use metabasin_neighbors::{LANES, RowBlocks, VerletList};
use nalgebra::Vector3;

use crate::Kernel;
use crate::lennard_jones::BinaryLennardJones;
use crate::potential::StepVirial;

/// Constants of all pairs with lengths in steps of the fixed points' grid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixedTerms {
    steps_per_length: f64,
    cutoff_squared: f32,
    inner: f32,
    inner_squared: f32,
    /// By the sum of the species of a pair.
    pairs: [MixedPair; 3],
}

/// Constants of one pair of species.
#[derive(Clone, Copy, Debug)]
struct MixedPair {
    /// σ², steps squared.
    sigma_squared: f32,
    /// Force times a length of one step between `r_in` and `r_c`, a cubic in r − `r_in` in steps.
    force: [f32; 4],
}

impl MixedTerms {
    pub fn new(model: &BinaryLennardJones, steps_per_length: f64) -> Self {
        let length = |value: f64| (value * steps_per_length) as f32;
        let square = |value: f64| (value * steps_per_length.powi(2)) as f32;
        let pairs = model.terms().map(|term| MixedPair {
            sigma_squared: square(term.sigma_sixth.cbrt()),
            force: [0, 1, 2, 3].map(|power| {
                (term.force[power as usize] * steps_per_length.powi(-1 - power)) as f32
            }),
        });
        Self {
            steps_per_length,
            cutoff_squared: square(model.cutoff_length().powi(2)),
            inner: length(model.inner()),
            inner_squared: square(model.inner().powi(2)),
            pairs,
        }
    }

    fn pairs_of(&self, species: f32) -> [MixedPair; 2] {
        let first = usize::from(species > 0.5);
        [self.pairs[first], self.pairs[first + 1]]
    }
}

/// The vector loop, from the operations in scope. Everything below is safe code: it may only be
/// entered where the CPU has the features, which [`forces`] checks.
macro_rules! mixed_loop {
    ($features:literal) => {
        /// Twice the virial of some rows; writes the forces on their atoms.
        #[target_feature(enable = $features)]
        pub fn forces(
            terms: &MixedTerms,
            list: &VerletList,
            rows: Range<usize>,
            by_row: &mut [Vector3<f64>],
        ) -> StepVirial {
            let fixed = list.fixed_points().points();
            let cutoff_squared = splat(terms.cutoff_squared);
            let inner = splat(terms.inner);
            let inner_squared = splat(terms.inner_squared);
            let half = splat(0.5);
            let (forty_eight, minus_twenty_four) = (splat(48.0), splat(-24.0));
            let mut sums = Sums::zero();
            let RowBlocks {
                blocks,
                first,
                ends,
            } = list.row_blocks(rows.clone());
            let mut block = first;
            // Points are fetched one vector ahead of the arithmetic that needs them: without that
            // the processor waits for memory with its queues full of dependent sums.
            let mut next = points(fixed, blocks[block..block + BLOCKS].as_flattened());
            for ((row, force), &end) in rows.zip(by_row).zip(ends) {
                let here = &fixed[list.row_images()[row] as usize];
                let pairs = terms.pairs_of(here.species);
                let sigma_squared = pairs.map(|pair| splat(pair.sigma_squared));
                let [x0, y0, z0] = [
                    splat_steps(here.x),
                    splat_steps(here.y),
                    splat_steps(here.z),
                ];
                let mut sum = [splat(0.0); 3];
                let (mut trace, mut shear) = (splat(0.0), splat(0.0));
                while block < end as usize {
                    let (x, y, z, species) = next;
                    // Where a row ends within the vector, the lanes behind are another row's.
                    let mine = (end as usize - block).min(BLOCKS);
                    block += mine;
                    next = points(fixed, blocks[block..block + BLOCKS].as_flattened());
                    let (x, y, z) = (between(x0, x), between(y0, y), between(z0, z));
                    let squared = fma(z, z, fma(y, y, mul(x, x)));
                    let near = less_among(lanes_of(mine), squared, cutoff_squared);
                    let small = less(half, species);
                    let inverse = keep(near, reciprocal(squared));
                    let ratio = mul(choose(small, sigma_squared[1], sigma_squared[0]), inverse);
                    let s = mul(mul(ratio, ratio), ratio);
                    // -r V' of the pair.
                    let mut radial = mul(s, fma(s, forty_eight, minus_twenty_four));
                    let outer = less_among(near, inner_squared, squared);
                    // Rows begin with their nearest neighbors: most vectors have none out there.
                    if any(outer) {
                        let r = sqrt(squared);
                        let t = sub(r, inner);
                        let f = |power: usize| {
                            let [large, small_ones] = pairs.map(|pair| splat(pair.force[power]));
                            choose(small, small_ones, large)
                        };
                        let slope = fma(t, fma(t, fma(t, f(3), f(2)), f(1)), f(0));
                        radial = choose(outer, mul(slope, r), radial);
                    }
                    let push = mul(radial, inverse);
                    let fx = mul(push, x);
                    sum = [add(sum[0], fx), fma(push, y, sum[1]), fma(push, z, sum[2])];
                    trace = add(trace, radial);
                    shear = fma(fx, y, shear);
                }
                *force = total_of_each(sum) * terms.steps_per_length;
                sums.add(trace, shear);
            }
            sums.total()
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
mod avx2;

/// Twice the virial of some rows; writes the forces on their atoms.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "calls of functions that need CPU features")
)]
pub(crate) fn forces(
    kernel: Kernel,
    terms: &MixedTerms,
    list: &VerletList,
    rows: Range<usize>,
    by_row: &mut [Vector3<f64>],
) -> StepVirial {
    // Vector kernels read the points that the list's indices name unchecked.
    let images = list.padding() as usize + 1;
    let points = list.fixed_points().points().len();
    assert_eq!(points, images, "a list without fixed points");
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { avx512::forces(terms, list, rows, by_row) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { avx2::forces(terms, list, rows, by_row) },
        _ => portable(terms, list, rows, by_row),
    }
}

/// The same in plain code.
fn portable(
    terms: &MixedTerms,
    list: &VerletList,
    rows: Range<usize>,
    by_row: &mut [Vector3<f64>],
) -> StepVirial {
    let fixed = list.fixed_points().points();
    let RowBlocks {
        blocks,
        first,
        ends,
    } = list.row_blocks(rows.clone());
    let images = blocks.as_flattened();
    let mut place = first * LANES;
    let mut virial = StepVirial::default();
    for ((row, force), &end) in rows.zip(by_row).zip(ends) {
        let here = &fixed[list.row_images()[row] as usize];
        let pairs = terms.pairs_of(here.species);
        let mut sum = [0.0_f32; 3];
        let (mut trace, mut shear) = (0.0_f32, 0.0_f32);
        let end = end as usize * LANES;
        for &image in &images[place..end] {
            let there = &fixed[image as usize];
            let x = here.x.wrapping_sub(there.x) as f32;
            let y = here.y.wrapping_sub(there.y) as f32;
            let z = here.z.wrapping_sub(there.z) as f32;
            let squared = x * x + y * y + z * z;
            if squared >= terms.cutoff_squared {
                continue;
            }
            let pair = &pairs[usize::from(there.species > 0.5)];
            let inverse = 1.0 / squared;
            let radial = if squared > terms.inner_squared {
                let r = squared.sqrt();
                let t = r - terms.inner;
                let [f1, f2, f3, f4] = pair.force;
                (f1 + t * (f2 + t * (f3 + t * f4))) * r
            } else {
                let ratio = pair.sigma_squared * inverse;
                let s = ratio * ratio * ratio;
                s * (s * 48.0 - 24.0)
            };
            let push = radial * inverse;
            let [fx, fy, fz] = [push * x, push * y, push * z];
            sum = [sum[0] + fx, sum[1] + fy, sum[2] + fz];
            trace += radial;
            shear += fx * y;
        }
        place = end;
        *force = Vector3::from(sum.map(f64::from)) * terms.steps_per_length;
        virial.trace -= f64::from(trace);
        virial.xy -= f64::from(shear);
    }
    virial
}
