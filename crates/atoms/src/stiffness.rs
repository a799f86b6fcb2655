//! The elastic stiffness of a sample and what follows from it.

use nalgebra::{Matrix6, Vector6};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Dipole, PlasticVolume, Strain, Stress};

/// Why a stiffness cannot be used.
#[derive(Debug, Error, PartialEq)]
pub enum StiffnessError {
    /// An eigenvalue is not positive: the sample is elastically unstable.
    #[error(
        "stiffness is not positive definite (smallest eigenvalue {0}): the sample is elastically unstable"
    )]
    NotPositiveDefinite(f64),
}

/// Whose compliance S stands in plastic volumes Q = S : P.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComplianceSource {
    /// The inverse of the sample's own stiffness.
    Sample,
    /// That of the isotropic medium of its Voigt averages: its own has no positive inverse.
    IsotropicAverage,
}

impl ComplianceSource {
    /// The name in files: `sample`, `isotropic_average`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::IsotropicAverage => "isotropic_average",
        }
    }
}

/// The 6×6 stiffness C in Voigt form: σ_a = Σ_b C_ab e_b with e the strain whose shear
/// components are engineering strains (γ_xy = 2 ε_xy) `[energy / length³]`.
///
/// Rows and columns in the order xx, yy, zz, xy, xz, yz, so `C[3][3]` is the shear modulus in xy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stiffness(pub [[f64; 6]; 6]);

impl Stiffness {
    /// The isotropic stiffness of shear modulus μ and Poisson ratio ν, λ = 2μν/(1 − 2ν).
    pub fn isotropic(shear_modulus: f64, poisson_ratio: f64) -> Self {
        let lame = 2.0 * shear_modulus * poisson_ratio / (1.0 - 2.0 * poisson_ratio);
        let element = |a: usize, b: usize| match (a == b, a < 3 && b < 3) {
            (true, true) => lame + 2.0 * shear_modulus,
            (false, true) => lame,
            (true, false) => shear_modulus,
            (false, false) => 0.0,
        };
        Self(std::array::from_fn(|a| {
            std::array::from_fn(|b| element(a, b))
        }))
    }

    /// The stiffness as a matrix.
    pub fn to_matrix(self) -> Matrix6<f64> {
        Matrix6::from_fn(|a, b| self.0[a][b])
    }

    /// Smallest eigenvalue of the symmetric part: an inherent structure is a minimum at fixed cell
    /// and may still have a negative one here, where the cell would give way if it were free
    /// `[energy / length³]`.
    pub fn smallest_eigenvalue(self) -> f64 {
        let matrix = self.to_matrix();
        (matrix + matrix.transpose())
            .scale(0.5)
            .symmetric_eigenvalues()
            .min()
    }

    /// The six Kelvin moduli, ascending: eigenvalues of the symmetric part in Kelvin's notation, in which shear strains
    /// count √2 times their tensor components, so that lengths of strains are kept; those of an isotropic medium are 2G five
    /// times and 3K `[energy / length³]`.
    pub fn kelvin_moduli(self) -> [f64; 6] {
        let factor = |k: usize| if k < 3 { 1.0 } else { std::f64::consts::SQRT_2 };
        let matrix =
            Matrix6::from_fn(|a, b| 0.5 * (self.0[a][b] + self.0[b][a]) * factor(a) * factor(b));
        let mut moduli: [f64; 6] = matrix.symmetric_eigenvalues().into();
        moduli.sort_by(f64::total_cmp);
        moduli
    }

    /// Mean shear modulus over all directions (Voigt), (C_11 + C_22 + C_33 − C_12 − C_13 − C_23 + 3 (C_44 + C_55 + C_66)) / 15
    /// `[energy / length³]`.
    pub fn mean_shear_modulus(self) -> f64 {
        let c = &self.0;
        let normal = c[0][0] + c[1][1] + c[2][2];
        let across = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| 0.5 * (c[a][b] + c[b][a]));
        let shear = c[3][3] + c[4][4] + c[5][5];
        (normal - across.iter().sum::<f64>() + 3.0 * shear) / 15.0
    }

    /// The compliance S = C⁻¹ (Voigt, engineering shear strain).
    ///
    /// # Errors
    /// [`StiffnessError::NotPositiveDefinite`] for an unstable sample.
    pub fn compliance(self) -> Result<Matrix6<f64>, StiffnessError> {
        let smallest = self.smallest_eigenvalue();
        if smallest.is_nan() || smallest <= 0.0 {
            return Err(StiffnessError::NotPositiveDefinite(smallest));
        }
        self.to_matrix()
            .try_inverse()
            .ok_or(StiffnessError::NotPositiveDefinite(smallest))
    }

    /// Stress of a strain, σ = C : ε.
    pub fn stress(self, strain: Strain) -> Stress {
        let mut engineering = Vector6::from(strain.0);
        for k in 3..6 {
            engineering[k] *= 2.0;
        }
        Stress((self.to_matrix() * engineering).into())
    }

    /// Strain of a stress, ε = S : σ (tensor components).
    ///
    /// # Errors
    /// As [`Stiffness::compliance`].
    pub fn strain(self, stress: Stress) -> Result<Strain, StiffnessError> {
        let mut engineering = self.compliance()? * Vector6::from(stress.0);
        for k in 3..6 {
            engineering[k] *= 0.5;
        }
        Ok(Strain(engineering.into()))
    }

    /// Plastic volume of a dipole, Q = S : P (tensor components) `[length³]`.
    ///
    /// # Errors
    /// As [`Stiffness::compliance`].
    pub fn plastic_volume(self, dipole: Dipole) -> Result<PlasticVolume, StiffnessError> {
        self.strain(Stress(dipole.0))
            .map(|strain| PlasticVolume(strain.0))
    }

    /// The stiffness whose inverse turns the dipoles of events into plastic volumes: this one where
    /// it is stable, else that of the isotropic medium of its Voigt averages.
    ///
    /// What is measured of an event is its dipole P; in that medium, which is the one that the
    /// mesoscale model embeds events in, Q = S : P sends out exactly the stress of P.
    pub fn stable_or_isotropic(self) -> (Self, ComplianceSource) {
        if self.compliance().is_ok() {
            return (self, ComplianceSource::Sample);
        }
        let (shear_modulus, poisson_ratio) = self.isotropic_average();
        (
            Self::isotropic(shear_modulus, poisson_ratio),
            ComplianceSource::IsotropicAverage,
        )
    }

    /// Voigt average over orientations: shear modulus μ and Poisson ratio ν.
    ///
    /// With A = Σ C_ii, B = Σ_{i<j} C_ij over normal components and D = Σ C_kk over shear ones:
    /// K = (A + 2B)/9, μ = (A − B + 3D)/15, ν = (3K − 2μ)/(6K + 2μ).
    pub fn isotropic_average(self) -> (f64, f64) {
        let c = self.0;
        let diagonal = c[0][0] + c[1][1] + c[2][2];
        let off = 0.5 * (c[0][1] + c[1][0] + c[0][2] + c[2][0] + c[1][2] + c[2][1]);
        let shear = c[3][3] + c[4][4] + c[5][5];
        let bulk_modulus = (diagonal + 2.0 * off) / 9.0;
        let shear_modulus = (diagonal - off + 3.0 * shear) / 15.0;
        let poisson_ratio =
            (3.0 * bulk_modulus - 2.0 * shear_modulus) / (6.0 * bulk_modulus + 2.0 * shear_modulus);
        (shear_modulus, poisson_ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kelvin_moduli_of_an_isotropic_medium_are_shear_and_bulk() {
        let (shear, poisson) = (3.0, 0.3);
        let bulk = 2.0 * shear * (1.0 + poisson) / (3.0 * (1.0 - 2.0 * poisson));
        let stiffness = Stiffness::isotropic(shear, poisson);
        let moduli = stiffness.kelvin_moduli();
        for modulus in &moduli[..5] {
            assert!((modulus - 2.0 * shear).abs() < 1e-12, "{moduli:?}");
        }
        assert!((moduli[5] - 3.0 * bulk).abs() < 1e-12, "{moduli:?}");
        assert!((stiffness.mean_shear_modulus() - shear).abs() < 1e-12);
    }

    #[test]
    fn isotropic_average_of_an_isotropic_stiffness_returns_its_moduli() {
        let (shear_modulus, poisson_ratio) = Stiffness::isotropic(17.5, 0.36).isotropic_average();
        assert!((shear_modulus - 17.5).abs() < 1e-12);
        assert!((poisson_ratio - 0.36).abs() < 1e-12);
    }

    #[test]
    fn strain_and_stress_are_inverse_and_shear_uses_gamma() {
        let stiffness = Stiffness::isotropic(20.0, 0.33);
        assert!((stiffness.stress(Strain::simple_shear(0.01)).xy() - 0.2).abs() < 1e-14);
        let stress = Stress([0.3, -0.2, 0.5, 0.1, -0.4, 0.7]);
        let back = stiffness.stress(stiffness.strain(stress).unwrap());
        assert!((back - stress).norm() < 1e-13);
    }

    #[test]
    fn unstable_stiffness_is_refused() {
        let mut unstable = Stiffness::isotropic(20.0, 0.33);
        unstable.0[3][3] = -1.0;
        assert_eq!(
            unstable.compliance(),
            Err(StiffnessError::NotPositiveDefinite(-1.0))
        );
        assert_eq!(unstable.smallest_eigenvalue(), -1.0);
    }

    #[test]
    fn plastic_volumes_of_an_unstable_sample_are_those_of_its_isotropic_average() {
        let mut unstable = Stiffness::isotropic(20.0, 0.33);
        unstable.0[3][3] = -1.0;
        let (medium, source) = unstable.stable_or_isotropic();
        assert_eq!(source, ComplianceSource::IsotropicAverage);
        // The Voigt average loses 21/5 of its 20: μ = (A − B + 3D)/15 with D = 20 + 20 − 1.
        let (shear_modulus, poisson_ratio) = unstable.isotropic_average();
        assert!((shear_modulus - 15.8).abs() < 1e-12);
        // In an isotropic medium ε = [σ − ν/(1+ν) tr σ 1]/2μ.
        let dipole = Dipole([3.0, -1.0, 0.5, 2.0, 0.0, -0.7]);
        let trace = 2.5 * poisson_ratio / (1.0 + poisson_ratio);
        let found = medium.plastic_volume(dipole).unwrap();
        for k in 0..6 {
            let expected = (dipole.0[k] - if k < 3 { trace } else { 0.0 }) / (2.0 * shear_modulus);
            assert!((found.0[k] - expected).abs() < 1e-12);
        }
        // A stable sample keeps its own, anisotropic one.
        let mut stable = Stiffness::isotropic(20.0, 0.33);
        stable.0[3][3] = 5.0;
        let (own, source) = stable.stable_or_isotropic();
        assert_eq!((own, source), (stable, ComplianceSource::Sample));
        // Where the average is unstable too, there is nothing to take.
        let mut hopeless = unstable;
        hopeless.0[4][4] = -200.0;
        assert!(hopeless.stable_or_isotropic().0.compliance().is_err());
    }
}
