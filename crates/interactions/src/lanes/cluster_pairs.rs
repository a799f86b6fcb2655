//! Energies and forces of clusters on each other in double precision.

use metabasin_neighbors::{ClusterList, ClusterPart};

use super::portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Kernel;
use crate::clusters::PartSums;
use crate::lennard_jones::BinaryLennardJones;

/// The loop over pairs of clusters, from the vector operations in scope, on as many members of a
/// row's cluster as there are fours in a vector, beside all four of another.
macro_rules! cluster_loop {
    ($(#[$features:meta])*) => {
        /// A constant of members, small or not, beside a member of species 0 and 1.
        $(#[$features])*
        #[inline]
        fn beside(small: Mask, [first, mixed, last]: [Vector; 3]) -> [Vector; 2] {
            [choose(small, mixed, first), choose(small, last, mixed)]
        }

        /// Adds the forces of a part's pairs; returns their energy.
        $(#[$features])*
        pub fn cluster_forces(
            model: &BinaryLennardJones,
            list: &ClusterList,
            part: &ClusterPart,
            sums: &mut PartSums<f64>,
        ) -> f64 {
            let places = list.doubles();
            let (own_start, window_start) = (part.own().start, part.window().start);
            let inner = splat(model.inner());
            let inner_squared = splat(model.inner().powi(2));
            let cutoff_squared = model.cutoff_length().powi(2);
            let (half, one, two, four, twenty_four) =
                (splat(0.5), splat(1.0), splat(2.0), splat(4.0), splat(24.0));
            let (third, quarter) = (splat(1.0 / 3.0), splat(0.25));
            let [first, mixed, last] = model.terms();
            let sigma_sixths = [splat(first.sigma_sixth), splat(mixed.sigma_sixth), splat(last.sigma_sixth)];
            let shifts = [splat(first.shift), splat(mixed.shift), splat(last.shift)];
            let tops = [splat(first.inner_energy), splat(mixed.inner_energy), splat(last.inner_energy)];
            let slopes = [0, 1, 2, 3]
                .map(|k| [splat(first.force[k]), splat(mixed.force[k]), splat(last.force[k])]);
            let mut energy = splat(0.0);
            for (row, others) in part.rows() {
                let cluster = row.cluster as usize;
                let here = &places[cluster];
                let shift = list.shifts()[row.shift as usize].vector;
                let itself = row.shift == list.unshifted() && others[0] == row.cluster;
                let kinds = list.clusters()[cluster].species.map(f64::from);
                let mut shifted = [0.0; 3];
                for group in 0..MEMBERS * MEMBERS / COUNT {
                    // Constants beside a member of species 0 and 1.
                    let own_small = less(half, spread(&kinds, group));
                    let (sigma_sixth, shift_by) = (beside(own_small, sigma_sixths), beside(own_small, shifts));
                    let top = beside(own_small, tops);
                    let f = [beside(own_small, slopes[0]), beside(own_small, slopes[1]), beside(own_small, slopes[2]), beside(own_small, slopes[3])];
                    let x0 = add(spread(&here[0], group), splat(shift[0]));
                    let y0 = add(spread(&here[1], group), splat(shift[1]));
                    let z0 = add(spread(&here[2], group), splat(shift[2]));
                    // Nothing is as close as a negative distance squared.
                    let limit = kinds.map(|kind| if kind < 0.0 { -1.0 } else { cutoff_squared });
                    let limit = spread(&limit, group);
                    let mut cutoff = limit;
                    if itself {
                        cutoff = first_of_each(limit, group, -1.0);
                    }
                    let mut sum = [splat(0.0); 3];
                    for &other in others {
                        let there = &places[other as usize];
                        let x = sub(x0, repeat(&there[0]));
                        let y = sub(y0, repeat(&there[1]));
                        let z = sub(z0, repeat(&there[2]));
                        let small = list.clusters()[other as usize].species.map(f64::from);
                        let small = less(half, repeat(&small));
                        let squared = fma(z, z, fma(y, y, mul(x, x)));
                        let near = less(squared, cutoff);
                        cutoff = limit;
                        if !any(near) {
                            continue;
                        }
                        let inverse = keep(near, div(one, squared));
                        let cubed = mul(mul(inverse, inverse), inverse);
                        let s = mul(choose(small, sigma_sixth[1], sigma_sixth[0]), cubed);
                        // -r V' of the pair.
                        let mut radial = mul(mul(twenty_four, s), sub(mul(two, s), one));
                        let shift = choose(small, shift_by[1], shift_by[0]);
                        let mut pair = fma(mul(four, s), sub(s, one), shift);
                        let outer = less_among(near, inner_squared, squared);
                        if any(outer) {
                            let r = sqrt(squared);
                            let t = sub(r, inner);
                            let f0 = choose(small, f[0][1], f[0][0]);
                            let f1 = choose(small, f[1][1], f[1][0]);
                            let f2 = choose(small, f[2][1], f[2][0]);
                            let f3 = choose(small, f[3][1], f[3][0]);
                            let slope = fma(t, fma(t, fma(t, f3, f2), f1), f0);
                            radial = choose(outer, mul(slope, r), radial);
                            let tail = fma(t, mul(f3, quarter), mul(f2, third));
                            let fallen = mul(t, fma(t, fma(t, tail, mul(f1, half)), f0));
                            let top = choose(small, top[1], top[0]);
                            pair = choose(outer, sub(top, fallen), pair);
                        }
                        energy = add(energy, keep(near, pair));
                        let push = keep(near, mul(radial, inverse));
                        let force = [mul(push, x), mul(push, y), mul(push, z)];
                        sum = [add(sum[0], force[0]), add(sum[1], force[1]), add(sum[2], force[2])];
                        let OnPairs([on_x, on_y, on_z]) = &mut sums.pushed[other as usize - window_start];
                        subtract(on_x, group, force[0]);
                        subtract(on_y, group, force[1]);
                        subtract(on_z, group, force[2]);
                    }
                    let own = &mut sums.own[cluster - own_start];
                    let axes = own.iter_mut().zip(sum).zip(&mut shifted);
                    for ((own, sum), shifted) in axes {
                        let each = sums_of_four(sum);
                        let members = &mut own[group * each.len()..];
                        for (total, more) in members.iter_mut().zip(each) {
                            *total += more;
                            *shifted += more;
                        }
                    }
                }
                sums.add_shifted(row.shift, shifted);
            }
            total(energy)
        }
    };
}

/// Adds the forces of a part's pairs of clusters; returns their energy.
///
/// # Panics
/// If the list has no coordinates in double precision.
pub(crate) fn cluster_forces(
    kernel: Kernel,
    model: &BinaryLennardJones,
    list: &ClusterList,
    part: &ClusterPart,
    sums: &mut PartSums<f64>,
) -> f64 {
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { avx512::cluster_forces(model, list, part, sums) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { avx2::cluster_forces(model, list, part, sums) },
        _ => portable::cluster_forces(model, list, part, sums),
    }
}
