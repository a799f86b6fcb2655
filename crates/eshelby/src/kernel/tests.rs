//! T1: the kernel against closed forms, symmetries and sums.

use super::*;
use crate::mandel::pair_index;
use nalgebra::{Matrix3, Vector3};

fn medium(nu: f64) -> Elasticity {
    Elasticity::new(18.0, nu).unwrap()
}

/// Mean of the five shear self terms: trace of the deviatoric block over five.
fn shear_mean(matrix: &[f64; PAIRS]) -> f64 {
    let trace: f64 = (0..6).map(|k| matrix[pair_index(k, k)]).sum();
    let mut volumetric = 0.0;
    for a in 0..3 {
        for b in 0..3 {
            volumetric += matrix[pair_index(a, b)] / 3.0;
        }
    }
    (trace - volumetric) / 5.0
}

#[test]
fn t1_self_term_is_the_gaussian_formula_less_the_removed_mean() {
    for (edge, spacing, width, nu) in [
        (8, 1.0, 0.25, 0.3),
        (9, 2.1, 0.9, 0.0),
        (12, 1.3, 0.455, 0.25),
        (10, 1.0, 0.28, 0.49),
    ] {
        let medium = medium(nu);
        let kernel = Kernel::gaussian(edge, spacing, width, medium).unwrap();
        // Poisson summation turns Σ_q exp(−q²s²)/V into the infinite-medium value; the aliases of
        // the removed zero mode are missing.
        let axis: f64 = (-9..=9)
            .map(|image| (-(2.0 * PI * f64::from(image) / spacing * width).powi(2)).exp())
            .sum();
        let removed = 2.0 * medium.shear_modulus() * (1.0 - medium.sphere_factor()) * axis.powi(3)
            / kernel.volume();
        let expected = medium.gaussian_self_term(width) + removed;
        let found = shear_mean(&kernel.at([0, 0, 0]));
        // The left-out aliases weigh less than 1e-8 each.
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn t1_published_self_term_at_a_quarter_of_the_spacing() {
    // The mean field back stress of a Gaussian of s = a/4: −0.7525 · 2μ/a³ at ν = 0.3.
    let medium = medium(0.3);
    let value = medium.gaussian_self_term(0.25) / (2.0 * medium.shear_modulus());
    assert!((value + 0.7525).abs() < 1e-4, "{value}");
}

#[test]
fn t1_shear_self_terms_are_isotropic() {
    // The removed mean carries the grid's axes: 1.3e-3 at 12 sites, falling as their number.
    let kernel = Kernel::gaussian(16, 1.0, 0.28, medium(0.3)).unwrap();
    let own = kernel.at([0, 0, 0]);
    let xy = own[pair_index(3, 3)];
    let normal =
        0.5 * (own[pair_index(0, 0)] + own[pair_index(1, 1)] - 2.0 * own[pair_index(0, 1)]);
    assert!((xy / normal - 1.0).abs() < 1e-3, "{xy} {normal}");
}

#[test]
fn t1_kernel_is_even_sums_to_zero_and_has_the_cubic_symmetry() {
    for edge in [7, 8] {
        let kernel = Kernel::gaussian(edge, 1.7, 0.48, medium(0.25)).unwrap();
        let scale = kernel.at([0, 0, 0])[0].abs();
        let mut sum = [0.0; PAIRS];
        let size = edge as isize;
        for z in 0..size {
            for y in 0..size {
                for x in 0..size {
                    let here = kernel.at([x, y, z]);
                    assert_eq!(here, kernel.at([-x, -y, -z]));
                    for (total, value) in sum.iter_mut().zip(here) {
                        *total += value;
                    }
                }
            }
        }
        for value in sum {
            assert!(
                value.abs() < 1e-12 * scale * (edge * edge * edge) as f64,
                "{value}"
            );
        }
        // Quarter turn about z and the threefold axis.
        let quarter = Matrix3::new(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0);
        let third = Matrix3::new(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0);
        let plastic = PlasticVolume([0.3, -0.2, 0.5, 0.4, -0.7, 0.1]);
        for rotation in [quarter, third] {
            for displacement in [[1, 0, 0], [2, -1, 3], [0, 0, 0], [4, 4, 1]] {
                let turned = rotation * Vector3::from(displacement.map(|d| d as f64));
                let turned = [turned.x, turned.y, turned.z].map(|d| d.round() as isize);
                let rotate = |m: Matrix3<f64>| rotation * m * rotation.transpose();
                let expected =
                    Stress::from_matrix(&rotate(kernel.stress(displacement, plastic).to_matrix()));
                let source = PlasticVolume::from_matrix(&rotate(plastic.to_matrix()));
                let found = kernel.stress(turned, source);
                assert!((found - expected).norm() < 1e-12 * scale);
            }
        }
    }
}

/// (1 + s²∇²) of the closed form, the Laplacian by central differences: the far field is
/// biharmonic, so the expansion of two Gaussians ends there.
fn smeared_far_field(
    medium: &Elasticity,
    plastic: PlasticVolume,
    r: Vector3<f64>,
    width: f64,
) -> Stress {
    let step = 1e-3 * r.norm();
    let center = medium.far_field(plastic, r);
    let mut laplacian = center * -6.0;
    for axis in 0..3 {
        for sign in [-1.0, 1.0] {
            let mut shifted = r;
            shifted[axis] += sign * step;
            laplacian += medium.far_field(plastic, shifted);
        }
    }
    center + laplacian * (width * width / (step * step))
}

#[test]
fn t1_far_field_is_the_closed_form_between_core_and_images() {
    let edge = 48;
    for nu in [0.3, 0.49] {
        let medium = medium(nu);
        let width = 0.28;
        let kernel = Kernel::gaussian(edge, 1.0, width, medium).unwrap();
        for plastic in [
            PlasticVolume([0.0, 0.0, 0.0, 0.5, 0.0, 0.0]),
            PlasticVolume([1.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
        ] {
            for displacement in [
                [3, 0, 0],
                [4, 0, 0],
                [0, 0, 3],
                [0, 0, 4],
                [3, 3, 0],
                [3, 0, 3],
                [2, 2, 2],
            ] {
                let r = Vector3::from(displacement.map(|d| d as f64));
                let expected = smeared_far_field(&medium, plastic, r, width);
                let found = kernel.stress(displacement, plastic);
                // On nodes of the field (ν near 1/2 along z) the strength of the source counts.
                let strength = 2.0 * medium.shear_modulus() * plastic.norm()
                    / (4.0 * PI * (1.0 - nu) * r.norm().powi(3));
                let relative = (found - expected).norm() / expected.norm().max(strength);
                assert!(relative < 0.015, "ν = {nu}, {displacement:?}: {relative}");
            }
        }
    }
}

#[test]
fn t1_far_field_of_simple_shear_has_its_known_lobes() {
    // +2(1+ν) on x and y, +2(1−2ν) on z, 2ν − 5.5 on (110), in units of μp/4π(1−ν)r³.
    let nu = 0.3;
    let medium = medium(nu);
    let plastic = PlasticVolume([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let unit = medium.shear_modulus() / (4.0 * PI * (1.0 - nu) * 8.0);
    for (direction, lobe) in [
        ([1.0, 0.0, 0.0], 2.0 * (1.0 + nu)),
        ([0.0, 1.0, 0.0], 2.0 * (1.0 + nu)),
        ([0.0, 0.0, 1.0], 2.0 * (1.0 - 2.0 * nu)),
        ([1.0, 1.0, 0.0], 2.0 * nu - 5.5),
    ] {
        let r = Vector3::from(direction).normalize() * 2.0;
        let found = medium.far_field(plastic, r).xy() / unit;
        assert!(
            (found - lobe).abs() < 1e-12,
            "{direction:?}: {found} {lobe}"
        );
    }
}

#[test]
fn t4_sums_by_transform_are_those_over_pairs_of_sites() {
    for edge in [5, 6] {
        let kernel = Kernel::gaussian(edge, 1.4, 0.4, medium(0.35)).unwrap();
        let sources = [
            (0, [1.0, 0.2, -0.3, 0.5, 0.1, 0.9]),
            (77, [-0.4, 0.8, 0.3, -0.5, 0.7, -0.2]),
            (77, [0.3, 0.1, -0.6, 0.5, 0.2, 0.0]),
            (124, [0.1, 0.1, 0.1, 0.0, 0.0, 0.4]),
        ];
        let place = |s: usize| [s % edge, s / edge % edge, s / (edge * edge)].map(|i| i as isize);
        let between = |to: usize, from: usize| {
            let (to, from) = (place(to), place(from));
            kernel.at(std::array::from_fn(|axis| to[axis] - from[axis]))
        };
        let targets = [0, 9, 77, 124];
        let stresses = kernel.convolve(sources.into_iter(), targets.into_iter());
        let mut weights = vec![0.0; kernel.sites()];
        for (k, (site, _)) in sources.iter().enumerate() {
            weights[*site] += 0.3 + k as f64;
        }
        let sums = kernel.weighted_sums(&weights, &targets);
        for ((&target, stress), sum) in targets.iter().zip(&stresses).zip(&sums) {
            let mut expected = [0.0; 6];
            let mut weighted = [0.0; PAIRS];
            for (k, (site, p)) in sources.iter().enumerate() {
                let matrix = between(target, *site);
                expected = crate::mandel::add(&expected, &multiply(&matrix, p));
                for (total, component) in weighted.iter_mut().zip(matrix) {
                    *total += (0.3 + k as f64) * component;
                }
            }
            for (found, value) in stress.iter().zip(expected) {
                assert!((found - value).abs() < 1e-12);
            }
            for (found, value) in sum.iter().zip(weighted) {
                assert!((found - value).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn source_of_one_site_is_0_28_spacings_wide() {
    assert!((source_width(1.0) - 0.2774).abs() < 1e-4);
}
