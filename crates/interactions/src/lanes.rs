//! Vectors of four and eight doubles, and the pair loops written once for both.
#![expect(
    unsafe_code,
    reason = "loads without bounds checks; calls of functions that need CPU features"
)]

use std::ops::Range;

use metabasin_neighbors::VerletList;
use nalgebra::Vector3;

use crate::Kernel;
use crate::lennard_jones::BinaryLennardJones;
use crate::pair::{BlockWriter, Part};
use crate::potential::{StepVirial, Totals};

/// The pair loops, from the vector operations in scope. Everything below is safe code: it may
/// only be entered where the CPU has the features, which [`forces`] and its siblings check.
macro_rules! pair_loops {
    ($features:literal) => {
        /// Constants of the pairs of one atom: as for a neighbor of species 0 and 1.
        #[derive(Clone, Copy)]
        struct Own {
            sigma_sixth: [Vector; 2],
            shift: [Vector; 2],
            force: [[Vector; 4]; 2],
            inner_energy: [Vector; 2],
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn own(model: &BinaryLennardJones, species: usize) -> Own {
            let terms = [model.terms()[species], model.terms()[species + 1]];
            let mut own = Own {
                sigma_sixth: [splat(0.0); 2],
                shift: [splat(0.0); 2],
                force: [[splat(0.0); 4]; 2],
                inner_energy: [splat(0.0); 2],
            };
            for k in 0..2 {
                own.sigma_sixth[k] = splat(terms[k].sigma_sixth);
                own.shift[k] = splat(terms[k].shift);
                own.inner_energy[k] = splat(terms[k].inner_energy);
                for p in 0..4 {
                    own.force[k][p] = splat(terms[k].force[p]);
                }
            }
            own
        }

        /// Twice the energy and twice the virial of some rows; writes the forces on their atoms.
        /// With `FULL` false only the virial's trace (as xx) and its xy are summed.
        #[target_feature(enable = $features)]
        pub fn forces<const FULL: bool>(
            model: &BinaryLennardJones,
            list: &VerletList,
            rows: Range<usize>,
            by_row: &mut [Vector3<f64>],
        ) -> Totals {
            let coordinates = list.coordinates();
            let cutoff_squared = splat(model.cutoff_length().powi(2));
            let inner = splat(model.inner());
            let inner_squared = splat(model.inner().powi(2));
            let both_species = [own(model, 0), own(model, 1)];
            let (half, one, two, four, twenty_four) =
                (splat(0.5), splat(1.0), splat(2.0), splat(4.0), splat(24.0));
            let mut energy = splat(0.0);
            let mut virial = [splat(0.0); 6];
            let RowBlocks {
                blocks,
                first,
                ends,
            } = list.row_blocks(rows.clone());
            let images = blocks.as_flattened();
            let mut place = first * LANES;
            // Points are fetched one vector ahead of the arithmetic that needs them: without that
            // the processor waits for memory with its queues full of dependent sums.
            let mut next = points(coordinates, &images[place..place + COUNT]);
            for ((row, force), &end) in rows.zip(by_row).zip(ends) {
                let here = coordinates[list.row_images()[row] as usize];
                let own = &both_species[here[3] as usize];
                let [x0, y0, z0] = [splat(here[0]), splat(here[1]), splat(here[2])];
                let mut sum = [splat(0.0); 3];
                while place < end as usize * LANES {
                    let [x, y, z, species] = next;
                    place += COUNT;
                    next = points(coordinates, &images[place..place + COUNT]);
                    let (x, y, z) = (sub(x0, x), sub(y0, y), sub(z0, z));
                    let squared = fma(z, z, fma(y, y, mul(x, x)));
                    let near = less(squared, cutoff_squared);
                    let small = less(half, species);
                    let inverse = div(one, squared);
                    let cubed = mul(mul(inverse, inverse), inverse);
                    let s = mul(choose(small, own.sigma_sixth[1], own.sigma_sixth[0]), cubed);
                    // -r V' of the pair.
                    let mut radial = mul(mul(twenty_four, s), sub(mul(two, s), one));
                    let outer = less_among(near, inner_squared, squared);
                    let mut pair = splat(0.0);
                    if FULL {
                        let shift = choose(small, own.shift[1], own.shift[0]);
                        pair = fma(mul(four, s), sub(s, one), shift);
                    }
                    // Rows begin with their nearest neighbors: most vectors have none out there.
                    if any(outer) {
                        let r = sqrt(squared);
                        let t = sub(r, inner);
                        let f = [0, 1, 2, 3].map(|p| (own.force[1][p], own.force[0][p]));
                        let f = [
                            choose(small, f[0].0, f[0].1),
                            choose(small, f[1].0, f[1].1),
                            choose(small, f[2].0, f[2].1),
                            choose(small, f[3].0, f[3].1),
                        ];
                        let slope = fma(t, fma(t, fma(t, f[3], f[2]), f[1]), f[0]);
                        radial = choose(outer, mul(slope, r), radial);
                        if FULL {
                            let quarter =
                                fma(t, mul(f[3], splat(0.25)), mul(f[2], splat(1.0 / 3.0)));
                            let fallen = mul(t, fma(t, fma(t, quarter, mul(f[1], half)), f[0]));
                            let top = choose(small, own.inner_energy[1], own.inner_energy[0]);
                            pair = choose(outer, sub(top, fallen), pair);
                        }
                    }
                    let radial = keep(near, radial);
                    let push = keep(near, mul(radial, inverse));
                    let (x, y, z) = (keep(near, x), keep(near, y), keep(near, z));
                    let [fx, fy, fz] = [mul(push, x), mul(push, y), mul(push, z)];
                    sum = [add(sum[0], fx), add(sum[1], fy), add(sum[2], fz)];
                    if FULL {
                        energy = add(energy, keep(near, pair));
                        virial = [
                            fma(fx, x, virial[0]),
                            fma(fy, y, virial[1]),
                            fma(fz, z, virial[2]),
                            fma(fx, y, virial[3]),
                            fma(fx, z, virial[4]),
                            fma(fy, z, virial[5]),
                        ];
                    } else {
                        virial[0] = add(radial, virial[0]);
                        virial[3] = fma(fx, y, virial[3]);
                    }
                }
                *force = total_of_each(sum);
            }
            let mut totals = Totals {
                energy: total(energy),
                virial: [0.0; 6],
            };
            for (sum, lanes) in totals.virial.iter_mut().zip(virial) {
                *sum = -total(lanes);
            }
            totals
        }

        /// Appends the geometry and stiffness of the pairs of some rows.
        #[target_feature(enable = $features)]
        pub fn linearize(
            model: &BinaryLennardJones,
            list: &VerletList,
            rows: Range<usize>,
            writer: &mut BlockWriter<'_>,
        ) {
            let coordinates = list.coordinates();
            let cutoff_squared = splat(model.cutoff_length().powi(2));
            let inner = splat(model.inner());
            let inner_squared = splat(model.inner().powi(2));
            let both_species = [own(model, 0), own(model, 1)];
            let (half, one) = (splat(0.5), splat(1.0));
            let zero = splat(0.0);
            for row in rows {
                let here = coordinates[list.row_images()[row] as usize];
                let own = &both_species[here[3] as usize];
                let [x0, y0, z0] = [splat(here[0]), splat(here[1]), splat(here[2])];
                for images in list.blocks(row) {
                    let block = writer.open_block();
                    let mut used = false;
                    for first in (0..images.len()).step_by(COUNT) {
                        let lanes = first..first + COUNT;
                        let [x, y, z, species] = points(coordinates, &images[lanes.clone()]);
                        let (x, y, z) = (sub(x0, x), sub(y0, y), sub(z0, z));
                        let squared = fma(z, z, fma(y, y, mul(x, x)));
                        let near = less(squared, cutoff_squared);
                        used |= any(near);
                        let small = less(half, species);
                        let inverse = div(one, squared);
                        let cubed = mul(mul(inverse, inverse), inverse);
                        let s = mul(choose(small, own.sigma_sixth[1], own.sigma_sixth[0]), cubed);
                        // V'/r = -24 s (2s - 1)/r², (V'' - V'/r) = 24 s (28 s - 8)/r².
                        let scaled = mul(mul(splat(24.0), s), inverse);
                        let mut across = mul(scaled, sub(one, mul(splat(2.0), s)));
                        let mut along = mul(scaled, fma(splat(28.0), s, splat(-8.0)));
                        let outer = less_among(near, inner_squared, squared);
                        if any(outer) {
                            let r = sqrt(squared);
                            let t = sub(r, inner);
                            let f = [
                                choose(small, own.force[1][0], own.force[0][0]),
                                choose(small, own.force[1][1], own.force[0][1]),
                                choose(small, own.force[1][2], own.force[0][2]),
                                choose(small, own.force[1][3], own.force[0][3]),
                            ];
                            let slope = fma(t, fma(t, fma(t, f[3], f[2]), f[1]), f[0]);
                            let steep = fma(t, mul(f[3], splat(3.0)), mul(f[2], splat(2.0)));
                            let minus_curvature = fma(t, steep, f[1]);
                            let minus_across = mul(slope, mul(r, inverse));
                            across = choose(outer, sub(zero, minus_across), across);
                            along = choose(outer, sub(minus_across, minus_curvature), along);
                        }
                        store(&mut block.separation[0][lanes.clone()], keep(near, x));
                        store(&mut block.separation[1][lanes.clone()], keep(near, y));
                        store(&mut block.separation[2][lanes.clone()], keep(near, z));
                        store(
                            &mut block.along[lanes.clone()],
                            keep(near, mul(along, inverse)),
                        );
                        store(&mut block.across[lanes], keep(near, across));
                    }
                    let atoms = list.image_atoms();
                    for (atom, &image) in block.atom.iter_mut().zip(images) {
                        *atom = atoms.get(image as usize).copied().unwrap_or(0);
                    }
                    writer.close_block(used);
                }
                writer.end_row();
            }
        }

        /// The products of some rows with a vector.
        #[target_feature(enable = $features)]
        pub fn multiply(part: &Part, v: &[[f64; 4]], products: &mut Vec<Vector3<f64>>) {
            let mut first = 0;
            for (&atom, &end) in part.atoms.iter().zip(&part.ends) {
                let own = v[atom as usize];
                let own = [splat(own[0]), splat(own[1]), splat(own[2])];
                let mut sum = [splat(0.0); 3];
                for block in &part.blocks[first..end as usize] {
                    for lane in (0..block.atom.len()).step_by(COUNT) {
                        let lanes = lane..lane + COUNT;
                        let [x, y, z, _] = points(v, &block.atom[lanes.clone()]);
                        let u = [sub(own[0], x), sub(own[1], y), sub(own[2], z)];
                        let r = [
                            load(&block.separation[0][lanes.clone()]),
                            load(&block.separation[1][lanes.clone()]),
                            load(&block.separation[2][lanes.clone()]),
                        ];
                        let across = load(&block.across[lanes.clone()]);
                        let dot = fma(r[2], u[2], fma(r[1], u[1], mul(r[0], u[0])));
                        let along = mul(load(&block.along[lanes]), dot);
                        sum = [
                            fma(along, r[0], fma(across, u[0], sum[0])),
                            fma(along, r[1], fma(across, u[1], sum[1])),
                            fma(along, r[2], fma(across, u[2], sum[2])),
                        ];
                    }
                }
                first = end as usize;
                products.push(Vector3::new(total(sum[0]), total(sum[1]), total(sum[2])));
            }
        }
    };
}

#[macro_use]
mod cluster_pairs;

#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
mod avx2;

mod portable;

pub(crate) mod mixed;

pub(crate) use cluster_pairs::cluster_forces;

/// Panics unless the list holds the coordinates that its indices point to: vector kernels read them
/// unchecked.
fn assert_coordinates(list: &VerletList) {
    let images = list.padding() as usize + 1;
    assert_eq!(list.coordinates().len(), images, "a list without doubles");
}

/// Twice the energy and twice the virial of some rows, and their forces, by a vector kernel;
/// `None` for the portable one.
pub(crate) fn forces(
    kernel: Kernel,
    model: &BinaryLennardJones,
    list: &VerletList,
    rows: Range<usize>,
    by_row: &mut [Vector3<f64>],
) -> Option<Totals> {
    assert_coordinates(list);
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => Some(unsafe { avx512::forces::<true>(model, list, rows, by_row) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => Some(unsafe { avx2::forces::<true>(model, list, rows, by_row) }),
        _ => None,
    }
}

/// Twice the virial's trace and xy of some rows, and their forces, by a vector kernel; `None` for
/// the portable one.
pub(crate) fn step_forces(
    kernel: Kernel,
    model: &BinaryLennardJones,
    list: &VerletList,
    rows: Range<usize>,
    by_row: &mut [Vector3<f64>],
) -> Option<StepVirial> {
    assert_coordinates(list);
    let totals = match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { avx512::forces::<false>(model, list, rows, by_row) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { avx2::forces::<false>(model, list, rows, by_row) },
        _ => return None,
    };
    Some(StepVirial {
        trace: totals.virial[0],
        xy: totals.virial[3],
    })
}

/// Stiffness of some rows by a vector kernel; false for the portable one.
pub(crate) fn linearize(
    kernel: Kernel,
    model: &BinaryLennardJones,
    list: &VerletList,
    rows: Range<usize>,
    writer: &mut BlockWriter<'_>,
) -> bool {
    assert_coordinates(list);
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { avx512::linearize(model, list, rows, writer) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { avx2::linearize(model, list, rows, writer) },
        _ => return false,
    }
    true
}

/// Products of some rows by a vector kernel; false for the portable one.
pub(crate) fn multiply(
    kernel: Kernel,
    part: &Part,
    v: &[[f64; 4]],
    products: &mut Vec<Vector3<f64>>,
) -> bool {
    match kernel.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `or_portable` keeps this kernel only where the CPU has its features.
        Kernel::Avx512 => unsafe { avx512::multiply(part, v, products) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kernel::Avx2 => unsafe { avx2::multiply(part, v, products) },
        _ => return false,
    }
    true
}
