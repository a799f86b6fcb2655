//! Upper-triangular linear maps: the flows that keep a cell upper-triangular.

use nalgebra::Vector3;
use serde::{Deserialize, Serialize};

/// A matrix with zeros below its diagonal, components xx, yy, zz, xy, xz, yz.
///
/// These matrices are closed under products and exponentials, and they keep the lattice vector a
/// along x and b in the xy plane, so a cell that they deform never rotates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct UpperTriangular(pub(super) [f64; 6]);

impl UpperTriangular {
    pub(super) const IDENTITY: Self = Self::isotropic(1.0);

    pub(super) const fn isotropic(diagonal: f64) -> Self {
        Self([diagonal, diagonal, diagonal, 0.0, 0.0, 0.0])
    }

    pub(super) fn trace(&self) -> f64 {
        self.0[0] + self.0[1] + self.0[2]
    }

    /// The same multiple of every component.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.map(|component| component * factor))
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] + other.0[k]))
    }

    /// The product `self · other`.
    pub(super) fn times(&self, other: &Self) -> Self {
        let [axx, ayy, azz, axy, axz, ayz] = self.0;
        let [bxx, byy, bzz, bxy, bxz, byz] = other.0;
        Self([
            axx * bxx,
            ayy * byy,
            azz * bzz,
            axx * bxy + axy * byy,
            axx * bxz + axy * byz + axz * bzz,
            ayy * byz + ayz * bzz,
        ])
    }

    #[inline]
    pub(super) fn apply(&self, vector: &Vector3<f64>) -> Vector3<f64> {
        let [xx, yy, zz, xy, xz, yz] = self.0;
        Vector3::new(
            xx * vector.x + xy * vector.y + xz * vector.z,
            yy * vector.y + yz * vector.z,
            zz * vector.z,
        )
    }

    /// The matrix exponential, to rounding: a Taylor series of an argument below 0.05, squared as
    /// often as needed. (Its next term, 0.05⁹/9!, is 5e-18.)
    pub(super) fn exp(&self) -> Self {
        let largest = self.0.iter().fold(0.0_f64, |m, c| m.max(c.abs()));
        // What needs more halvings than this overflows anyway.
        let halvings = (largest / 0.05).log2().ceil().clamp(0.0, 20.0) as i32;
        let small = self.scaled(0.5_f64.powi(halvings));
        let mut sum = Self::IDENTITY;
        for k in (1..=8).rev() {
            sum = Self::IDENTITY.plus(&small.times(&sum).scaled(1.0 / f64::from(k)));
        }
        for _ in 0..halvings {
            sum = sum.times(&sum);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_of_growth_and_of_shear_are_the_known_ones() {
        let growth = UpperTriangular([0.3, -0.2, 0.7, 0.0, 0.0, 0.0]).exp();
        for (found, exponent) in growth.0.iter().zip([0.3_f64, -0.2, 0.7]) {
            assert!((found - exponent.exp()).abs() < 1e-14);
        }
        // A nilpotent matrix: 1 + N + N²/2.
        let shear = UpperTriangular([0.0, 0.0, 0.0, 0.4, 0.1, -0.6]).exp();
        let expected = [1.0, 1.0, 1.0, 0.4, 0.1 - 0.5 * 0.4 * 0.6, -0.6];
        for (found, expected) in shear.0.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn the_exponential_of_the_opposite_is_the_inverse() {
        let generator = UpperTriangular([0.02, -0.05, 0.01, 0.3, -0.1, 0.2]);
        let product = generator.exp().times(&generator.scaled(-1.0).exp());
        for (found, expected) in product.0.iter().zip(UpperTriangular::IDENTITY.0) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn a_product_acts_as_its_factors_one_after_the_other() {
        let first = UpperTriangular([1.1, 0.9, 1.2, 0.3, -0.1, 0.2]);
        let second = UpperTriangular([0.8, 1.3, 1.0, -0.5, 0.4, 0.1]);
        let vector = Vector3::new(0.3, -1.2, 2.0);
        let difference = second.times(&first).apply(&vector) - second.apply(&first.apply(&vector));
        assert!(difference.norm() < 1e-15);
    }
}
