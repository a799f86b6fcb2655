//! The cell as a whole: how its own stiffness, isotropic or not, answers to a load.
//!
//! With P the projector on the prescribed strains, Q = 1 − P, E the strain, Σ_ext the stress prescribed in the
//! other directions, ε̄p = Σ p_i/V, a = P (E − ε̄p) and M the inverse of C within the free strains,
//! M = (Q C Q)⁻¹,
//!
//! ```text
//! D = C − C M C        R = C M        Σ = D : a + R : Σ_ext
//! H_macro = V (½ a:D:a + Σ_ext:Rᵀ:a − ½ Σ_ext:M:Σ_ext − Σ_ext:Q:ε̄p)
//! ```
//!
//! which is the elastic energy ½V (E − ε̄p):C:(E − ε̄p) − V Σ_ext:Q:E at its minimum over the free
//! strains: strain control for P = 1, stress control for P = 0. −∂H_macro/∂p_i = Σ. In an isotropic medium R is Q.

use std::f64::consts::SQRT_2;

use metabasin_atoms::{Stiffness, StiffnessError};
use nalgebra::{DMatrix, Matrix6, Vector6};

use crate::control::{Control, XY};
use crate::elasticity::Elasticity;
use crate::error::EshelbyError;
use crate::mandel::{Mandel, dot, from_tensor, subtract};

/// Stiffness and compliance of the cell, and its response under every control.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellElasticity {
    stiffness: Matrix6<f64>,
    compliance: Matrix6<f64>,
    responses: [Response; 5],
}

/// D, R and M of one control, in Mandel components.
#[derive(Clone, Debug, PartialEq)]
struct Response {
    loading: Matrix6<f64>,
    transmitted: Matrix6<f64>,
    freed: Matrix6<f64>,
}

const CONTROLS: [Control; 5] = [
    Control::Stress,
    Control::ShearStrain,
    Control::Shape,
    Control::ShapeFreeShear,
    Control::Strain,
];

fn times(matrix: &Matrix6<f64>, vector: &Mandel) -> Mandel {
    (matrix * Vector6::from(*vector)).into()
}

impl CellElasticity {
    /// An isotropic cell.
    ///
    /// # Errors
    /// A medium whose stiffness cannot be inverted in double precision.
    pub(crate) fn isotropic(medium: &Elasticity) -> Result<Self, EshelbyError> {
        Self::new(&Matrix6::from_fn(|row, column| {
            let mut strain = [0.0; 6];
            strain[column] = 1.0;
            medium.stress(&strain)[row]
        }))
    }

    /// A cell of a given stiffness, plain components in Voigt's order.
    ///
    /// # Errors
    /// A stiffness that is not positive definite.
    pub(crate) fn of(stiffness: &Stiffness) -> Result<Self, EshelbyError> {
        Self::new(&Matrix6::from_fn(|row, column| {
            // Voigt's shear strains are twice the tensor's.
            let factor = |k: usize| if k < 3 { 1.0 } else { SQRT_2 };
            // What a measurement left of asymmetry would break detailed balance.
            let both = stiffness.0[row][column] + stiffness.0[column][row];
            factor(row) * factor(column) * 0.5 * both
        }))
    }

    fn new(stiffness: &Matrix6<f64>) -> Result<Self, EshelbyError> {
        let unstable = || {
            let smallest = stiffness.symmetric_eigenvalues().min();
            EshelbyError::Stiffness(StiffnessError::NotPositiveDefinite(smallest))
        };
        let inverse = stiffness.cholesky().ok_or_else(unstable)?.inverse();
        let response = |control: Control| Response::new(control, stiffness).ok_or_else(unstable);
        let [stress, shear, shape, sheared, strain] = CONTROLS.map(response);
        Ok(Self {
            stiffness: *stiffness,
            compliance: inverse,
            responses: [stress?, shear?, shape?, sheared?, strain?],
        })
    }

    fn response(&self, control: Control) -> &Response {
        &self.responses[control as usize]
    }

    /// The numbers that decide what it does.
    pub(crate) fn components(&self) -> impl Iterator<Item = f64> + '_ {
        self.stiffness.iter().copied()
    }

    /// Shear modulus xy `[energy / length³]`.
    pub(crate) fn shear_modulus(&self) -> f64 {
        0.5 * self.stiffness[(XY, XY)]
    }

    /// C⁻¹ : stress.
    pub(crate) fn strain(&self, stress: &Mandel) -> Mandel {
        times(&self.compliance, stress)
    }

    /// D : strain.
    pub(crate) fn loading(&self, control: Control, strain: &Mandel) -> Mandel {
        times(&self.response(control).loading, strain)
    }

    /// ½ p : D : p / V, the finite-size energy of a plastic volume under a control.
    pub(crate) fn self_energy(&self, control: Control, plastic: &Mandel, volume: f64) -> f64 {
        0.5 * dot(plastic, &self.loading(control, plastic)) / volume
    }

    /// Macroscopic stress Σ.
    pub(crate) fn stress(
        &self,
        control: Control,
        (strain, applied): (&Mandel, &Mandel),
        plastic_strain: &Mandel,
    ) -> Mandel {
        let elastic = self.loading(control, &subtract(strain, plastic_strain));
        let transmitted = times(&self.response(control).transmitted, applied);
        crate::mandel::add(&elastic, &transmitted)
    }

    /// H_macro.
    pub(crate) fn energy(
        &self,
        control: Control,
        (strain, applied): (&Mandel, &Mandel),
        plastic_strain: &Mandel,
        volume: f64,
    ) -> f64 {
        let response = self.response(control);
        let elastic = control.prescribed(&subtract(strain, plastic_strain));
        let transmitted = times(&response.transmitted, applied);
        volume
            * (0.5 * dot(&elastic, &times(&response.loading, &elastic))
                + dot(&transmitted, &elastic)
                - 0.5 * dot(applied, &times(&response.freed, applied))
                - dot(&control.free(applied), plastic_strain))
    }
}

impl Response {
    fn new(control: Control, stiffness: &Matrix6<f64>) -> Option<Self> {
        let normal = 1.0 / 3.0_f64.sqrt();
        let volume = from_tensor([normal, normal, normal, 0.0, 0.0, 0.0]);
        let unit = |k: usize| {
            let mut unit = [0.0; 6];
            unit[k] = 1.0;
            unit
        };
        // An orthonormal basis of the strains that are free.
        let free: Vec<Mandel> = match control {
            Control::Strain => Vec::new(),
            Control::Shape => vec![volume],
            Control::ShapeFreeShear => vec![volume, unit(XY)],
            Control::ShearStrain => (0..6).filter(|&k| k != XY).map(unit).collect(),
            Control::Stress => (0..6).map(unit).collect(),
        };
        let basis = DMatrix::from_fn(6, free.len(), |row, column| free[column][row]);
        let within = basis.transpose() * stiffness * &basis;
        let inverse = within.cholesky()?.inverse();
        let freed = &basis * inverse * basis.transpose();
        let freed = Matrix6::from_fn(|row, column| freed[(row, column)]);
        let transmitted = stiffness * freed;
        let loading = if control == Control::Stress {
            // Nothing is prescribed: no rounding is left of it either.
            Matrix6::zeros()
        } else {
            stiffness - transmitted * stiffness
        };
        Some(Self {
            loading,
            transmitted,
            freed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mandel::{add, scale};
    use proptest::prelude::*;

    /// Stiff and soft directions that mix all components.
    fn anisotropic() -> CellElasticity {
        let mixed = Matrix6::from_fn(|i, j| ((i * 7 + j * 3 + i * j) as f64).sin());
        CellElasticity::new(&(mixed * mixed.transpose() * 6.0 + Matrix6::identity() * 20.0))
            .unwrap()
    }

    proptest! {
        #[test]
        fn macroscopic_energy_is_the_constrained_minimum(
            strain in prop::array::uniform6(-0.05..0.05_f64),
            applied in prop::array::uniform6(-1.0..1.0_f64),
            plastic in prop::array::uniform6(-0.01..0.01_f64),
            trial in prop::array::uniform6(-0.01..0.01_f64),
        ) {
            let medium = Elasticity::new(18.0, 0.35).unwrap();
            let isotropic = CellElasticity::isotropic(&medium).unwrap();
            let volume = 300.0;
            for (cell, control) in [isotropic, anisotropic()].iter().flat_map(|cell| CONTROLS.map(|c| (cell, c))) {
                let load = (&strain, &applied);
                let stress = cell.stress(control, load, &plastic);
                // The strain the cell takes: prescribed where prescribed.
                let actual = add(&cell.strain(&stress), &plastic);
                let held = control.prescribed(&subtract(&actual, &strain));
                prop_assert!(dot(&held, &held).sqrt() < 1e-14);
                let free = control.free(&subtract(&stress, &applied));
                prop_assert!(dot(&free, &free).sqrt() < 1e-12);
                let functional = |total: &Mandel| {
                    let elastic = subtract(total, &plastic);
                    volume * (0.5 * dot(&elastic, &times(&cell.stiffness, &elastic))
                        - dot(&control.free(&applied), total))
                };
                let energy = cell.energy(control, load, &plastic, volume);
                prop_assert!((energy - functional(&actual)).abs() < 1e-10);
                let other = add(&actual, &control.free(&trial));
                prop_assert!(functional(&other) >= energy - 1e-10);
                // −∂H/∂p = Σ, by central differences of a quadratic: exact but for rounding.
                let step = 1e-3;
                let shifted = |sign: f64| {
                    let moved = add(&plastic, &scale(&trial, sign * step));
                    cell.energy(control, load, &moved, volume) / volume
                };
                let slope = (shifted(-1.0) - shifted(1.0)) / (2.0 * step);
                prop_assert!((slope - dot(&stress, &trial)).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn voigt_and_mandel_name_the_same_solid() {
        let medium = Elasticity::new(17.0, 0.3).unwrap();
        let direct = CellElasticity::isotropic(&medium).unwrap();
        let by_voigt = CellElasticity::of(&medium.stiffness()).unwrap();
        for (a, b) in direct.components().zip(by_voigt.components()) {
            assert!((a - b).abs() < 1e-12);
        }
        assert!((by_voigt.shear_modulus() - 17.0).abs() < 1e-12);
        // What is not symmetric is no part of an energy.
        let mut measured = medium.stiffness();
        measured.0[1][4] += 1e-3;
        measured.0[4][1] -= 1e-3;
        assert_eq!(CellElasticity::of(&measured).unwrap(), by_voigt);
        let soft = Stiffness::isotropic(-1.0, 0.3);
        let error = CellElasticity::of(&soft).unwrap_err();
        assert!(matches!(error, EshelbyError::Stiffness(_)), "{error}");
    }
}
