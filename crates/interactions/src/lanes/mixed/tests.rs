//! Every kernel against a double sum over all pairs in double precision.

use metabasin_atoms::{Cell, Species};
use metabasin_neighbors::Coordinates;
use nalgebra::{Matrix3, Vector3};

use super::*;
use crate::clusters::{ClusterSums, step_forces};
use crate::potential::StepVirial;

/// Kob and Andersen's mixture: its cut and its energies differ from pair to pair.
fn kob_andersen(inner: f64) -> [PairConstants; 3] {
    [(1.0, 1.0), (0.8, 1.5), (0.88, 0.5)].map(|(diameter, epsilon)| PairConstants {
        diameter,
        epsilon,
        cutoff: 2.5 * diameter,
        inner: inner * 2.5 * diameter,
    })
}

fn wahnstrom(inner: f64) -> [PairConstants; 3] {
    [1.0, 11.0 / 12.0, 5.0 / 6.0].map(|diameter| PairConstants {
        diameter,
        epsilon: 1.0,
        cutoff: 2.5,
        inner: inner * 2.5,
    })
}

/// Force over distance of a pair, the cubic in r near the cutoff.
fn push(pair: &PairConstants, squared: f64) -> f64 {
    let plain = |r: f64| {
        let s = (pair.diameter / r).powi(6);
        24.0 * pair.epsilon * s * (2.0 * s - 1.0) / r
    };
    let r = squared.sqrt();
    if r >= pair.cutoff {
        return 0.0;
    }
    if r <= pair.inner {
        return plain(r) / r;
    }
    let s = (pair.diameter / pair.inner).powi(6);
    let f1 = plain(pair.inner);
    let f2 = -24.0 * pair.epsilon * s * (26.0 * s - 7.0) / pair.inner.powi(2);
    let (t, width) = (r - pair.inner, pair.cutoff - pair.inner);
    let f3 = -(3.0 * f1 + 2.0 * f2 * width) / width.powi(2);
    let f4 = (2.0 * f1 + f2 * width) / width.powi(3);
    (f1 + t * (f2 + t * (f3 + t * f4))) / r
}

/// Forces and virial by a sum over all pairs and images.
fn brute_force(
    pairs: &[PairConstants; 3],
    (cell, positions, species): &Sample,
) -> (Vec<Vector3<f64>>, StepVirial) {
    let (small, _) = cell.with_small_tilts();
    let matrix = small.matrix();
    let mut forces = vec![Vector3::zeros(); positions.len()];
    let mut virial = Matrix3::zeros();
    for (i, here) in positions.iter().enumerate() {
        for (j, there) in positions.iter().enumerate().take(i) {
            let pair = &pairs[usize::from(species[i].0 + species[j].0)];
            let (wrapped, _) = small.wrap(&(here - there));
            for k in 0..125_i32 {
                let n = Vector3::new(k % 5 - 2, k / 5 % 5 - 2, k / 25 - 2).map(f64::from);
                let r = wrapped + matrix * n;
                if r.norm_squared() < pair.cutoff.powi(2) {
                    let force = r * push(pair, r.norm_squared());
                    forces[i] += force;
                    forces[j] -= force;
                    virial -= force * r.transpose();
                }
            }
        }
    }
    let virial = StepVirial {
        trace: virial.trace(),
        xy: virial[(0, 1)],
    };
    (forces, virial)
}

type Sample = (Cell, Vec<Vector3<f64>>, Vec<Species>);

/// A disordered mixture in a cell of given sides and tilts.
fn sample(sides: [usize; 3], tilts: [f64; 3]) -> Sample {
    let [x, y, z] = sides.map(|side| 0.95 * side as f64);
    let cell = Cell::new([x, y, z, tilts[0] * x, tilts[1] * x, tilts[2] * y]).unwrap();
    let count = sides.iter().product();
    let wave = |k: usize, axis: usize| ((1.7 * k as f64 + axis as f64).sin() * 43_758.5).fract();
    let positions = (0..count).map(|k| {
        let place = [
            k % sides[0],
            k / sides[0] % sides[1],
            k / sides[0] / sides[1],
        ];
        let fraction =
            |axis: usize| (place[axis] as f64 + 0.12 * wave(k, axis)) / sides[axis] as f64;
        cell.to_cartesian(&Vector3::new(fraction(0), fraction(1), fraction(2)))
    });
    let species = (0..count).map(|k| Species(u8::from(wave(k, 3) > 0.0)));
    (cell, positions.collect(), species.collect())
}

fn cluster_list((cell, positions, species): &Sample) -> ClusterList {
    let mut list = ClusterList::new(2.5, 0.7, 0.14);
    list.update(cell, positions, species, Coordinates::FixedPoints)
        .unwrap();
    list
}

fn kernel_forces(
    kernel: Kernel,
    pairs: &[PairConstants; 3],
    list: &ClusterList,
    atoms: usize,
    parallel: bool,
) -> (Vec<Vector3<f64>>, StepVirial) {
    let terms = MixedTerms::new(pairs, list.steps_per_length());
    let mut all = vec![Vector3::zeros(); atoms];
    let mut sums = ClusterSums::default();
    let virial = step_forces(list, parallel, &mut sums, &mut all, |part, sums| {
        forces(kernel, &terms, list, part, sums);
    });
    (all, virial)
}

fn kernels() -> Vec<Kernel> {
    let all = [Kernel::Portable, Kernel::Avx2, Kernel::Avx512];
    all.into_iter()
        .filter(|kernel| kernel.is_available())
        .collect()
}

/// Random, sheared, beyond a flip, elongated, and just twice the cutoff wide; none of these numbers
/// of atoms fills all clusters.
fn samples() -> [Sample; 5] {
    [
        sample([7, 7, 7], [0.0; 3]),
        sample([7, 6, 7], [0.45, -0.3, 0.2]),
        sample([7, 7, 6], [1.7, 0.8, -1.1]),
        sample([19, 6, 7], [0.1, 0.0, 0.3]),
        {
            let (_, positions, species) = sample([5, 5, 5], [0.0; 3]);
            let scale = 5.001 / (0.95 * 5.0);
            let positions = positions.iter().map(|x| x * scale).collect();
            (Cell::cubic(5.001).unwrap(), positions, species)
        },
    ]
}

/// Rounding: some 24 ulp of 6e-8 along the chain of products (s² alone counts twelve) of each of
/// 40 pairs of random sign, the largest of which decides; what the polynomials of a smooth cut lack
/// is below 1e-6.
#[test]
fn every_kernel_is_the_sum_over_all_pairs() {
    for sample in &samples() {
        let list = cluster_list(sample);
        for pairs in [
            wahnstrom(1.0),
            wahnstrom(0.92),
            kob_andersen(1.0),
            kob_andersen(0.92),
        ] {
            let (expected, expected_virial) = brute_force(&pairs, sample);
            let largest = expected.iter().map(Vector3::norm).fold(0.0, f64::max);
            for kernel in kernels() {
                let atoms = expected.len();
                let (found, virial) = kernel_forces(kernel, &pairs, &list, atoms, false);
                for (found, expected) in found.iter().zip(&expected) {
                    let error = (found - expected).norm();
                    assert!(
                        error < 4e-6 * largest + 2e-6,
                        "{kernel}: {error} of {largest}"
                    );
                }
                // Every force is rounded by up to that, at up to half the cell from the middle.
                let reach = 0.5 * sample.0.matrix().norm();
                let rounding = 4e-6 * largest * reach * (atoms as f64).sqrt();
                let errors = [
                    virial.trace - expected_virial.trace,
                    virial.xy - expected_virial.xy,
                ];
                assert!(
                    errors.iter().all(|error| error.abs() < rounding),
                    "{kernel}: {errors:?}, {rounding}, {largest}"
                );
            }
        }
    }
}

/// A pair pushes both sides by the same bits, so what is left of the sum of all forces is the
/// rounding of sums: 85 terms an atom of up to the largest force, random in sign.
#[test]
fn pairs_push_both_sides_alike() {
    let sample = sample([9, 8, 8], [0.3, 0.0, 0.1]);
    let list = cluster_list(&sample);
    let atoms = sample.1.len();
    for kernel in kernels() {
        let (found, _) = kernel_forces(kernel, &wahnstrom(0.92), &list, atoms, false);
        let net: Vector3<f64> = found.iter().sum();
        let largest = found.iter().map(Vector3::norm).fold(0.0, f64::max);
        let rounding = 6e-8 * 85.0_f64.sqrt() * largest * (atoms as f64).sqrt();
        assert!(net.norm() < 4.0 * rounding, "{} {rounding}", net.norm());
        assert!(largest > 1.0);
    }
}

/// Long enough for two parts with rims in each other and around the cell.
#[test]
fn threads_do_not_change_a_bit() {
    let sample = sample([40, 15, 14], [0.3, 0.1, -0.2]);
    let list = cluster_list(&sample);
    assert_eq!(list.parts().len(), 2);
    let atoms = sample.1.len();
    for kernel in kernels() {
        let alone = kernel_forces(kernel, &wahnstrom(1.0), &list, atoms, false);
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let found = pool
                .unwrap()
                .install(|| kernel_forces(kernel, &wahnstrom(1.0), &list, atoms, true));
            assert!(found == alone, "{kernel}, {threads} threads");
        }
    }
}
