//! Forces of clusters on each other from their fixed points: pair terms in single precision.

use metabasin_neighbors::{ClusterList, ClusterPart, MEMBERS};

use crate::Kernel;
use crate::clusters::PartSums;

mod smoothing;

pub(crate) use smoothing::Smoothing;

/// A Lennard-Jones pair of species.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PairConstants {
    pub diameter: f64,
    pub epsilon: f64,
    pub cutoff: f64,
    /// Where the force begins to end; the cutoff where it ends abruptly.
    pub inner: f64,
}

/// Constants of all pairs with lengths in steps of the fixed points' grid.
///
/// With p = σ² (48 ε)^(1/6) and s = (p/r²)³, so that s² = 48 ε (σ/r)¹², a pair pushes with
///
/// ```text
/// −r V' = s (s a(u) − q b(u)),   q = 24 ε/√(48 ε),   u = (r² − r_in²)/(r_c² − r_in²) in [0, 1]
/// ```
///
/// where a and b ([`Smoothing`]) are 1 up to `r_in`, and everywhere for forces that are not smoothed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixedTerms {
    /// By the sum of the species of a pair.
    pairs: [MixedPair; 3],
    smoothing: Option<Smoothing>,
    /// Whether all pairs share all but their diameters.
    uniform: bool,
}

/// Constants of one pair of species.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct MixedPair {
    /// p, steps squared.
    size: f32,
    /// q.
    attraction: f32,
    /// Steps squared.
    cutoff_squared: f32,
    /// u = scale r² − start.
    rim_scale: f32,
    rim_start: f32,
}

/// A constant of pairs as a bilinear function of the species of both, which are 0 or 1.
#[derive(Clone, Copy, Debug)]
struct Bilinear {
    /// Of two of species 0.
    both: f32,
    /// What species 1 of one of them adds.
    one: f32,
    /// What species 1 of both adds to that of each.
    two: f32,
}

impl MixedTerms {
    /// # Panics
    /// If some pairs are smoothed and others not, or r_in/r_c differs between pairs.
    pub fn new(pairs: &[PairConstants; 3], steps_per_length: f64) -> Self {
        let first = pairs[0];
        let ratio = first.inner / first.cutoff;
        let same = |pair: &PairConstants| (pair.inner / pair.cutoff - ratio).abs() < 1e-12;
        assert!(pairs.iter().all(same), "one shape of the cut for all pairs");
        let square = |length: f64| (length * steps_per_length).powi(2) as f32;
        let terms = pairs.map(|pair| {
            let rim = pair.cutoff.powi(2) - pair.inner.powi(2);
            let smooth = rim > 0.0;
            MixedPair {
                size: square(pair.diameter * (48.0 * pair.epsilon).powf(1.0 / 12.0)),
                attraction: (24.0 * pair.epsilon / (48.0 * pair.epsilon).sqrt()) as f32,
                cutoff_squared: square(pair.cutoff),
                rim_scale: if smooth {
                    (1.0 / (rim * steps_per_length.powi(2))) as f32
                } else {
                    0.0
                },
                rim_start: if smooth {
                    (pair.inner.powi(2) / rim) as f32
                } else {
                    0.0
                },
            }
        });
        let shared = |pair: &MixedPair| MixedPair { size: 0.0, ..*pair };
        Self {
            pairs: terms,
            smoothing: (ratio < 1.0).then(|| Smoothing::new(ratio)),
            uniform: terms.iter().all(|pair| shared(pair) == shared(&terms[0])),
        }
    }

    fn bilinear(&self, value: impl Fn(&MixedPair) -> f32) -> Bilinear {
        let [both, mixed, other] = self.pairs.each_ref().map(value);
        Bilinear {
            both,
            one: mixed - both,
            two: other - mixed - (mixed - both),
        }
    }
}

/// Members of a cluster that stand before another of the same: each pair of them once.
pub(super) const BEFORE: [[bool; MEMBERS]; MEMBERS] = [
    [false, true, true, true],
    [false, false, true, true],
    [false, false, false, true],
    [false, false, false, false],
];

/// The loop over pairs of clusters, from the operations in scope on vectors of [`COUNT`] lanes: four
/// for each of some members of a row's cluster, beside the four of another. Everything below is safe
/// code: it may only be entered where the CPU has the features, which [`forces`] checks.
macro_rules! mixed_loop {
    ($(#[$features:meta])*) => {
        /// A constant of members of given species beside one of species 0, and what species 1 of
        /// that one adds.
        $(#[$features])*
        #[inline]
        fn beside(kind: Vector, of: Bilinear) -> [Vector; 2] {
            [
                fma(kind, splat(of.one), splat(of.both)),
                fma(kind, splat(of.two), splat(of.one)),
            ]
        }

        /// Adds the forces of a part's pairs times a step's length.
        $(#[$features])*
        pub fn forces<const SMOOTH: bool, const UNIFORM: bool>(
            terms: &MixedTerms,
            list: &ClusterList,
            part: &ClusterPart,
            sums: &mut PartSums<f32>,
        ) {
            let clusters = list.clusters();
            let (own_start, window_start) = (part.own().start, part.window().start);
            let any = &terms.pairs[0];
            let zero = splat(0.0);
            let one = splat(1.0);
            let smoothing = terms.smoothing.unwrap_or_default();
            let repulsion = smoothing.repulsion.map(|c| splat(c));
            let share = if UNIFORM { any.attraction } else { 1.0 };
            let attraction = smoothing.attraction.map(|c| splat(share * c));
            let sizes = terms.bilinear(|pair| pair.size);
            let cutoffs = terms.bilinear(|pair| pair.cutoff_squared);
            let pulls = terms.bilinear(|pair| pair.attraction);
            let scales = terms.bilinear(|pair| pair.rim_scale);
            let starts = terms.bilinear(|pair| pair.rim_start);
            // So far below zero that no species of the other brings it back.
            let nobody = 32.0 * terms.pairs.iter().fold(0.0, |most: f32, pair| most.max(pair.cutoff_squared));
            for (row, others) in part.rows() {
                let here = &clusters[row.cluster as usize];
                let shift = list.shifts()[row.shift as usize].steps;
                let itself = row.shift == list.unshifted() && others[0] == row.cluster;
                let mut shifted = [0.0; 3];
                for group in 0..MEMBERS * MEMBERS / COUNT {
                    let x0 = add_steps(spread_steps(&here.x, group), splat_steps(shift[0]));
                    let y0 = add_steps(spread_steps(&here.y, group), splat_steps(shift[1]));
                    let z0 = add_steps(spread_steps(&here.z, group), splat_steps(shift[2]));
                    let kind = spread(&here.species, group);
                    let (size, pull) = (beside(kind, sizes), beside(kind, pulls));
                    let (scale, start) = (beside(kind, scales), beside(kind, starts));
                    let mut all = beside(kind, cutoffs);
                    // The species of what is no atom is -1: nothing is as close as that.
                    all[0] = min(all[0], fma(kind, splat(nobody), all[0]));
                    let mut cutoff = all;
                    if itself {
                        cutoff = [first_of_each(all[0], group, -1.0), first_of_each(all[1], group, 0.0)];
                    }
                    let mut sum = [zero; 3];
                    for &other in others {
                        let there = &clusters[other as usize];
                        let x = between(x0, repeat_steps(&there.x));
                        let y = between(y0, repeat_steps(&there.y));
                        let z = between(z0, repeat_steps(&there.z));
                        let species = repeat(&there.species);
                        let squared = fma(z, z, fma(y, y, mul(x, x)));
                        let limit = if UNIFORM {
                            cutoff[0]
                        } else {
                            fma(cutoff[1], species, cutoff[0])
                        };
                        let inverse = inverse_within(squared, limit);
                        let ratio = mul(fma(size[1], species, size[0]), inverse);
                        let s = mul(mul(ratio, ratio), ratio);
                        let q = if UNIFORM {
                            splat(any.attraction)
                        } else {
                            fma(pull[1], species, pull[0])
                        };
                        // -r V' of the pair.
                        let radial = if SMOOTH {
                            let (scale, start) = if UNIFORM {
                                (splat(any.rim_scale), splat(any.rim_start))
                            } else {
                                (fma(scale[1], species, scale[0]), fma(start[1], species, start[0]))
                            };
                            let u = min(max(fms(squared, scale, start), zero), one);
                            let uu = mul(u, u);
                            let [r0, r1, r2, r3] = repulsion;
                            let a = fma(uu, fma(u, fma(u, fma(u, r3, r2), r1), r0), one);
                            let [t0, t1, t2, t3, t4] = attraction;
                            let tail = fma(u, fma(u, fma(u, fma(u, t4, t3), t2), t1), t0);
                            let b = if UNIFORM {
                                fma(uu, tail, q)
                            } else {
                                mul(q, fma(uu, tail, one))
                            };
                            mul(s, fms(s, a, b))
                        } else {
                            mul(s, sub(s, q))
                        };
                        let push = mul(radial, inverse);
                        let force = [mul(push, x), mul(push, y), mul(push, z)];
                        sum = [add(sum[0], force[0]), add(sum[1], force[1]), add(sum[2], force[2])];
                        let OnPairs([on_x, on_y, on_z]) = &mut sums.pushed[other as usize - window_start];
                        subtract(on_x, group, force[0]);
                        subtract(on_y, group, force[1]);
                        subtract(on_z, group, force[2]);
                        cutoff = all;
                    }
                    let own = &mut sums.own[row.cluster as usize - own_start];
                    let axes = own.iter_mut().zip(sum).zip(&mut shifted);
                    for ((own, sum), shifted) in axes {
                        let each = sums_of_four(sum);
                        let members = &mut own[group * each.len()..];
                        for (total, more) in members.iter_mut().zip(each) {
                            *total += more;
                            *shifted += f64::from(more);
                        }
                    }
                }
                sums.add_shifted(row.shift, shifted);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
mod avx2;

mod portable;

/// Adds the forces of a part's pairs times a step's length.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "calls of functions that need CPU features")
)]
pub(crate) fn forces(
    kernel: Kernel,
    terms: &MixedTerms,
    list: &ClusterList,
    part: &ClusterPart,
    sums: &mut PartSums<f32>,
) {
    macro_rules! instance {
        ($kernel:ident) => {
            match (terms.smoothing.is_some(), terms.uniform) {
                (false, true) => $kernel::forces::<false, true>(terms, list, part, sums),
                (false, false) => $kernel::forces::<false, false>(terms, list, part, sums),
                (true, true) => $kernel::forces::<true, true>(terms, list, part, sums),
                (true, false) => $kernel::forces::<true, false>(terms, list, part, sums),
            }
        };
    }
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { instance!(avx512) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { instance!(avx2) },
        _ => instance!(portable),
    }
}

#[cfg(test)]
mod tests;
