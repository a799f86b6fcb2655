//! What the macroscopic cell is told: strain in some directions, stress in the others.
//!
//! With P the projector on the prescribed strains (it commutes with the isotropic C), E the
//! strain, Σ_ext the stress prescribed in the other directions and ε̄p = Σ p_i/V,
//!
//! ```text
//! D = P C P          Σ = D : (E − ε̄p) + (1 − P) Σ_ext
//! H_macro = ½V (E − ε̄p):D:(E − ε̄p) − V Σ_ext:(1 − P):ε̄p − ½V Σ_ext:(1 − P)C⁻¹(1 − P):Σ_ext
//! ```
//!
//! which is the elastic energy ½V (E − ε̄p):C:(E − ε̄p) − V Σ_ext:(1 − P):E at its minimum over the
//! free strains: strain control for P = 1, stress control for P = 0. −∂H_macro/∂p_i = Σ.

use serde::{Deserialize, Serialize};

use crate::elasticity::Elasticity;
use crate::mandel::{Mandel, dot, subtract};
use crate::settings::CellShape;

/// Index of the xy component.
pub(crate) const XY: usize = 3;

/// Which strains are prescribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// None: all six stresses are prescribed.
    Stress,
    /// Only the xy shear.
    ShearStrain,
    /// All but the volume.
    Shape,
    /// All but the volume and the xy shear.
    ShapeFreeShear,
    /// All six.
    Strain,
}

impl Control {
    /// The control that drives xy by strain in such a cell.
    pub fn driven(cell: CellShape) -> Self {
        match cell {
            CellShape::Free => Self::ShearStrain,
            CellShape::Fixed => Self::Shape,
        }
    }

    /// The control that prescribes the xy stress in such a cell.
    pub fn released(cell: CellShape) -> Self {
        match cell {
            CellShape::Free => Self::Stress,
            CellShape::Fixed => Self::ShapeFreeShear,
        }
    }

    /// P : tensor.
    pub(crate) fn prescribed(self, tensor: &Mandel) -> Mandel {
        let mean = (tensor[0] + tensor[1] + tensor[2]) / 3.0;
        match self {
            Self::Stress => [0.0; 6],
            Self::ShearStrain => {
                let mut shear = [0.0; 6];
                shear[XY] = tensor[XY];
                shear
            }
            Self::Shape | Self::ShapeFreeShear => {
                let mut deviator = *tensor;
                for normal in &mut deviator[..3] {
                    *normal -= mean;
                }
                if self == Self::ShapeFreeShear {
                    deviator[XY] = 0.0;
                }
                deviator
            }
            Self::Strain => *tensor,
        }
    }

    /// (1 − P) : tensor.
    pub(crate) fn free(self, tensor: &Mandel) -> Mandel {
        subtract(tensor, &self.prescribed(tensor))
    }

    /// D : strain.
    pub(crate) fn loading(self, medium: &Elasticity, strain: &Mandel) -> Mandel {
        medium.stress(&self.prescribed(strain))
    }

    /// ½ p : D : p / V, the finite-size energy of a plastic volume under this control.
    pub(crate) fn self_energy(self, medium: &Elasticity, plastic: &Mandel, volume: f64) -> f64 {
        0.5 * dot(plastic, &self.loading(medium, plastic)) / volume
    }

    /// Macroscopic stress Σ.
    pub(crate) fn stress(
        self,
        medium: &Elasticity,
        strain: &Mandel,
        applied: &Mandel,
        plastic_strain: &Mandel,
    ) -> Mandel {
        let elastic = self.loading(medium, &subtract(strain, plastic_strain));
        crate::mandel::add(&elastic, &self.free(applied))
    }

    /// H_macro.
    pub(crate) fn energy(
        self,
        medium: &Elasticity,
        strain: &Mandel,
        applied: &Mandel,
        plastic_strain: &Mandel,
        volume: f64,
    ) -> f64 {
        let elastic = subtract(strain, plastic_strain);
        let free = self.free(applied);
        volume
            * (0.5 * dot(&elastic, &self.loading(medium, &elastic))
                - dot(&free, plastic_strain)
                - 0.5 * dot(&free, &medium.strain(&free)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mandel::{add, scale};
    use proptest::prelude::*;

    const ALL: [Control; 5] = [
        Control::Stress,
        Control::ShearStrain,
        Control::Shape,
        Control::ShapeFreeShear,
        Control::Strain,
    ];

    proptest! {
        #[test]
        fn macroscopic_energy_is_the_constrained_minimum(
            strain in prop::array::uniform6(-0.05..0.05_f64),
            applied in prop::array::uniform6(-1.0..1.0_f64),
            plastic in prop::array::uniform6(-0.01..0.01_f64),
            trial in prop::array::uniform6(-0.01..0.01_f64),
        ) {
            let medium = Elasticity::new(18.0, 0.35).unwrap();
            let volume = 300.0;
            for control in ALL {
                let stress = control.stress(&medium, &strain, &applied, &plastic);
                // The strain the cell takes: prescribed where prescribed.
                let actual = add(&medium.strain(&stress), &plastic);
                let held = control.prescribed(&subtract(&actual, &strain));
                prop_assert!(dot(&held, &held).sqrt() < 1e-14);
                let free = control.free(&subtract(&stress, &applied));
                prop_assert!(dot(&free, &free).sqrt() < 1e-13);
                let functional = |total: &Mandel| {
                    let elastic = subtract(total, &plastic);
                    volume * (0.5 * dot(&elastic, &medium.stress(&elastic))
                        - dot(&control.free(&applied), total))
                };
                let energy = control.energy(&medium, &strain, &applied, &plastic, volume);
                prop_assert!((energy - functional(&actual)).abs() < 1e-10);
                let other = add(&actual, &control.free(&trial));
                prop_assert!(functional(&other) >= energy - 1e-10);
                // −∂H/∂p = Σ, by central differences of a quadratic: exact but for rounding.
                let step = 1e-3;
                let shifted = |sign: f64| {
                    let moved = add(&plastic, &scale(&trial, sign * step));
                    control.energy(&medium, &strain, &applied, &moved, volume) / volume
                };
                let slope = (shifted(-1.0) - shifted(1.0)) / (2.0 * step);
                prop_assert!((slope - dot(&stress, &trial)).abs() < 1e-10);
            }
        }
    }
}
