//! The homogeneous isotropic medium that events interact through, and its closed forms.

use std::f64::consts::{PI, SQRT_2};

use metabasin_atoms::{PlasticVolume, Stiffness, Stress};
use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};

use crate::error::{EshelbyError, positive};
use crate::mandel::{Mandel, PAIRS, pair_index};

/// An isotropic elastic medium of shear modulus μ and Poisson ratio ν.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Elasticity {
    shear_modulus: f64,
    poisson_ratio: f64,
}

/// Tensor indices of the six components, in storage order.
const INDICES: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];

impl Elasticity {
    /// The medium of shear modulus μ `[energy / length³]` and Poisson ratio ν.
    ///
    /// # Errors
    /// μ must be positive and −1 < ν < 1/2.
    pub fn new(shear_modulus: f64, poisson_ratio: f64) -> Result<Self, EshelbyError> {
        positive("shear_modulus", shear_modulus)?;
        if !(poisson_ratio > -1.0 && poisson_ratio < 0.5) {
            return Err(EshelbyError::OutOfRange {
                field: "poisson_ratio",
                value: poisson_ratio,
                range: "(-1, 0.5)",
            });
        }
        Ok(Self {
            shear_modulus,
            poisson_ratio,
        })
    }

    /// The Voigt average of a sample's stiffness over orientations, also where that stiffness is
    /// not positive definite: a soft direction of one small cell is no property of the medium.
    ///
    /// # Errors
    /// The average of an unstable stiffness may have no positive μ or no allowed ν.
    pub fn average(stiffness: Stiffness) -> Result<Self, EshelbyError> {
        let (shear_modulus, poisson_ratio) = stiffness.isotropic_average();
        Self::new(shear_modulus, poisson_ratio)
    }

    /// μ `[energy / length³]`.
    pub fn shear_modulus(&self) -> f64 {
        self.shear_modulus
    }

    /// ν.
    pub fn poisson_ratio(&self) -> f64 {
        self.poisson_ratio
    }

    /// Lamé's first constant λ = 2μν/(1 − 2ν) `[energy / length³]`.
    pub fn lame(&self) -> f64 {
        2.0 * self.shear_modulus * self.poisson_ratio / (1.0 - 2.0 * self.poisson_ratio)
    }

    /// The stiffness in Voigt form.
    pub fn stiffness(&self) -> Stiffness {
        Stiffness::isotropic(self.shear_modulus, self.poisson_ratio)
    }

    /// Eshelby's factor of a sphere in shear, β = 2(4 − 5ν)/(15(1 − ν)) (Proc. R. Soc. A 241, 376
    /// (1957)): the constrained strain of the sphere is β times its transformation strain.
    pub fn sphere_factor(&self) -> f64 {
        2.0 * (4.0 - 5.0 * self.poisson_ratio) / (15.0 * (1.0 - self.poisson_ratio))
    }

    /// Stress of a point source of traceless plastic volume p at distance r = r n in an infinite
    /// medium:
    ///
    /// ```text
    /// σ = μ/(4π(1−ν)r³) { 2(1−2ν) p + 6ν [n(pn) + (pn)n] + 3(1−2ν) p_nn 1 − 15 p_nn nn }
    /// ```
    ///
    /// Only the deviator of `plastic` enters.
    pub fn far_field(&self, plastic: PlasticVolume, distance: Vector3<f64>) -> Stress {
        let nu = self.poisson_ratio;
        let r = distance.norm();
        let n = distance / r;
        let p = plastic.deviator().to_matrix();
        let pn = p * n;
        let p_nn = n.dot(&pn);
        let nn = n * n.transpose();
        let bracket = p * (2.0 * (1.0 - 2.0 * nu))
            + (n * pn.transpose() + pn * n.transpose()) * (6.0 * nu)
            + Matrix3::identity() * (3.0 * (1.0 - 2.0 * nu) * p_nn)
            - nn * (15.0 * p_nn);
        Stress::from_matrix(&(bracket * (self.shear_modulus / (4.0 * PI * (1.0 - nu) * r.powi(3)))))
    }

    /// Mean over the five shear modes of K(0), the stress per plastic volume that a Gaussian
    /// source of standard deviation s feels from itself in an infinite medium:
    ///
    /// ```text
    /// K(0) = −2μ(1 − β) / ((4π)^{3/2} s³)
    /// ```
    pub fn gaussian_self_term(&self, width: f64) -> f64 {
        -2.0 * self.shear_modulus * (1.0 - self.sphere_factor())
            / ((4.0 * PI).powf(1.5) * width.powi(3))
    }

    /// Stress of a strain, both in Mandel components: σ = 2μ ε + λ tr ε 1.
    pub(crate) fn stress(&self, strain: &Mandel) -> Mandel {
        let trace = strain[0] + strain[1] + strain[2];
        let isotropic = self.lame() * trace;
        std::array::from_fn(|k| {
            2.0 * self.shear_modulus * strain[k] + if k < 3 { isotropic } else { 0.0 }
        })
    }

    /// M(n), upper triangle in Mandel components: a plane wave of plastic strain ε along the unit
    /// vector n has the stress −M(n) : ε.
    ///
    /// Everything but the strain within the plane normal to n relaxes, so M is the plane-stress
    /// stiffness of that plane: with T = 1 − nn,
    ///
    /// ```text
    /// M_ijkl = 2μ [ ½(T_ik T_jl + T_il T_jk) + ν/(1−ν) T_ij T_kl ]
    /// ```
    pub(crate) fn plane_wave(&self, n: [f64; 3]) -> [f64; PAIRS] {
        let t: [[f64; 3]; 3] = std::array::from_fn(|i| {
            std::array::from_fn(|j| f64::from(u8::from(i == j)) - n[i] * n[j])
        });
        let ratio = self.poisson_ratio / (1.0 - self.poisson_ratio);
        let mut matrix = [0.0; PAIRS];
        for (row, &(i, j)) in INDICES.iter().enumerate() {
            let left = if row < 3 { 1.0 } else { SQRT_2 };
            for (column, &(k, l)) in INDICES.iter().enumerate().skip(row) {
                let right = if column < 3 { 1.0 } else { SQRT_2 };
                let tensor =
                    0.5 * (t[i][k] * t[j][l] + t[i][l] * t[j][k]) + ratio * t[i][j] * t[k][l];
                matrix[pair_index(row, column)] = 2.0 * self.shear_modulus * left * right * tensor;
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mandel::{from_tensor, multiply, to_tensor};
    use proptest::prelude::*;

    /// The definition: M = C − C Γ C with Γ = sym(n ⊗ A⁻¹ ⊗ n), A the acoustic tensor.
    fn by_definition(medium: &Elasticity, n: Vector3<f64>, plastic: [f64; 6]) -> Stress {
        let stiffness = medium.stiffness();
        let polarization = stiffness.stress(metabasin_atoms::Strain(plastic));
        let (mu, nu) = (medium.shear_modulus(), medium.poisson_ratio());
        let inverse = (Matrix3::identity() - n * n.transpose() / (2.0 * (1.0 - nu))) / mu;
        let displacement = inverse * (polarization.to_matrix() * n);
        let strain = metabasin_atoms::Strain::from_matrix(&(displacement * n.transpose()));
        stiffness.stress(strain) - polarization
    }

    proptest! {
        #[test]
        fn plane_wave_operator_is_its_definition(
            direction in prop::array::uniform3(-1.0..1.0_f64),
            plastic in prop::array::uniform6(-1.0..1.0_f64),
            nu in -0.5..0.49_f64,
        ) {
            let n = Vector3::from(direction);
            prop_assume!(n.norm() > 0.1);
            let n = n.normalize();
            let medium = Elasticity::new(17.0, nu).unwrap();
            let expected = by_definition(&medium, n, plastic);
            let found = multiply(&medium.plane_wave(n.into()), &from_tensor(plastic));
            let found = -Stress(to_tensor(found));
            // ν near 1/2 amplifies rounding by λ/μ ≤ 49.
            prop_assert!((found - expected).norm() < 1e-11 * (1.0 + medium.lame().abs()));
            // A plane wave of stress has no traction on its own plane.
            prop_assert!((found.to_matrix() * n).norm() < 1e-11);
        }

        #[test]
        fn mandel_stiffness_agrees_with_the_voigt_form(
            tensor in prop::array::uniform6(-1.0..1.0_f64), nu in -0.5..0.49_f64,
        ) {
            let medium = Elasticity::new(17.0, nu).unwrap();
            let expected = medium.stiffness().stress(metabasin_atoms::Strain(tensor));
            let found = medium.stress(&from_tensor(tensor));
            prop_assert!((Stress(to_tensor(found)) - expected).norm() < 1e-12 * (17.0 + medium.lame().abs()));
        }
    }

    #[test]
    fn angular_mean_of_the_shear_modes_is_eshelbys_factor() {
        // tr over the five deviators is the same for every n: 5 · 2μ(1 − β).
        let medium = Elasticity::new(20.0, 0.3).unwrap();
        for n in [Vector3::new(0.0, 0.0, 1.0), Vector3::new(1.0, 2.0, -0.5)] {
            let matrix = medium.plane_wave(n.normalize().into());
            let trace: f64 = (0..6).map(|k| matrix[pair_index(k, k)]).sum();
            let volumetric: f64 = (0..3)
                .flat_map(|a| (0..3).map(move |b| (a, b)))
                .map(|(a, b)| matrix[pair_index(a, b)] / 3.0)
                .sum();
            let mean = (trace - volumetric) / 5.0;
            assert!((mean - 40.0 * (1.0 - medium.sphere_factor())).abs() < 1e-12);
        }
    }

    #[test]
    fn impossible_media_are_refused_by_name() {
        let message = Elasticity::new(-1.0, 0.3).unwrap_err().to_string();
        assert!(message.contains("shear_modulus") && message.contains("-1"));
        assert!(Elasticity::new(1.0, 0.5).is_err());
        assert!(Elasticity::new(f64::NAN, 0.3).is_err());
    }
}
