//! Symmetric second-rank tensors, one type per meaning.
//!
//! The component order everywhere is xx, yy, zz, xy, xz, yz, with plain tensor components:
//! no engineering factor 2, no Mandel factor √2.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use nalgebra::Matrix3;
use serde::{Deserialize, Serialize};

/// Names of the six components, in the order in which they are stored.
pub const COMPONENTS: [&str; 6] = ["xx", "yy", "zz", "xy", "xz", "yz"];

macro_rules! symmetric_tensor {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub [f64; 6]);

        impl $name {
            /// The tensor of zeros.
            pub const ZERO: Self = Self([0.0; 6]);

            /// The symmetric part of a matrix.
            pub fn from_matrix(matrix: &Matrix3<f64>) -> Self {
                Self([
                    matrix[(0, 0)],
                    matrix[(1, 1)],
                    matrix[(2, 2)],
                    0.5 * (matrix[(0, 1)] + matrix[(1, 0)]),
                    0.5 * (matrix[(0, 2)] + matrix[(2, 0)]),
                    0.5 * (matrix[(1, 2)] + matrix[(2, 1)]),
                ])
            }

            /// The tensor as a symmetric matrix.
            pub fn to_matrix(self) -> Matrix3<f64> {
                let [xx, yy, zz, xy, xz, yz] = self.0;
                Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz)
            }

            /// The same multiple of the identity.
            pub fn isotropic(diagonal: f64) -> Self {
                Self([diagonal, diagonal, diagonal, 0.0, 0.0, 0.0])
            }

            /// Trace, xx + yy + zz.
            pub fn trace(self) -> f64 {
                self.0[0] + self.0[1] + self.0[2]
            }

            /// The xy component.
            pub fn xy(self) -> f64 {
                self.0[3]
            }

            /// The tensor without its isotropic part.
            #[must_use]
            pub fn deviator(self) -> Self {
                self - Self::isotropic(self.trace() / 3.0)
            }

            /// Full contraction Σ_ab A_ab B_ab with another symmetric tensor's components.
            pub fn contract(self, other: [f64; 6]) -> f64 {
                let a = self.0;
                a[0] * other[0]
                    + a[1] * other[1]
                    + a[2] * other[2]
                    + 2.0 * (a[3] * other[3] + a[4] * other[4] + a[5] * other[5])
            }

            /// Frobenius norm √(A : A).
            pub fn norm(self) -> f64 {
                self.contract(self.0).sqrt()
            }

            /// Whether every component is a finite number.
            pub fn is_finite(self) -> bool {
                self.0.iter().all(|component| component.is_finite())
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| self.0[k] + other.0[k]))
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| self.0[k] - other.0[k]))
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(self.0.map(|component| -component))
            }
        }

        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0.map(|component| component * factor))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    };
}

symmetric_tensor! {
    /// Cauchy stress, tension positive `[energy / length³]`.
    Stress
}
symmetric_tensor! {
    /// Small strain (tensor components: ε_xy = γ/2) `[1]`.
    Strain
}
symmetric_tensor! {
    /// Elastic dipole P = V (σ^min − σ^other) of an event at fixed cell `[energy]`.
    Dipole
}
symmetric_tensor! {
    /// Plastic strain times volume Q = S : P of an event `[length³]`.
    PlasticVolume
}

impl Stress {
    /// Pressure p = −tr(σ)/3 `[energy / length³]`.
    pub fn pressure(self) -> f64 {
        -self.trace() / 3.0
    }

    /// Von Mises equivalent stress √(3/2 s:s), s the deviator.
    pub fn von_mises(self) -> f64 {
        1.5_f64.sqrt() * self.deviator().norm()
    }
}

impl Strain {
    /// The symmetric strain of a simple shear γ in xy: ε_xy = γ/2.
    pub fn simple_shear(gamma: f64) -> Self {
        Self([0.0, 0.0, 0.0, 0.5 * gamma, 0.0, 0.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contraction_counts_off_diagonal_components_twice() {
        let stress = Stress([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let matrix = stress.to_matrix();
        assert!((stress.contract(stress.0) - matrix.dot(&matrix)).abs() < 1e-12);
        assert_eq!(Stress::from_matrix(&matrix), stress);
    }

    #[test]
    fn von_mises_of_pure_shear_is_root_three_times_the_shear() {
        let stress = Stress([7.0, 7.0, 7.0, 0.5, 0.0, 0.0]);
        assert!((stress.von_mises() - 3.0_f64.sqrt() * 0.5).abs() < 1e-14);
        assert_eq!(stress.pressure(), -7.0);
    }
}
