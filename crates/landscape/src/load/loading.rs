//! Loads that grow: homogeneous strains, dead loads.

use metabasin_atoms::{Cell, Configuration, Strain, Stress};
use metabasin_interactions::{FixedCell, ForceField, unflatten};
use metabasin_minimizers::InherentStructure;
use nalgebra::{Matrix3, Vector3};

use super::dead_load::DeadLoad;
use super::landscape::LoadedLandscape;
use crate::error::LandscapeError;

/// What of a sample grows with the load.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Control {
    /// The strain of a cell that does not give way: F(γ) = 1 + γ U.
    Strain { triangle: Matrix3<f64> },
    /// The nominal stress on a cell that does.
    Stress,
}

/// A load that grows in one direction, by γ times a tensor.
///
/// **Strain**: the homogeneous deformation F(γ) = 1 + γ U of the search cell. U is the upper triangle
/// that keeps a cell's lattice vectors in their standard form and has the given symmetric part:
/// U_aa = ε_aa and U_ab = 2 ε_ab for a < b. For ε_xy = 1/2 this is simple shear with γ the engineering
/// strain; other tensors differ from their symmetric form by a rotation.
///
/// **Stress**: the nominal stress T(γ) = σ₀ + γ Θ, σ₀ the stress of the minimum in the search cell, under
/// which cell and atoms relax together in minimum and saddle alike. T is the force on the search cell's
/// faces by their area there, conjugate to e = (U + Uᵀ)/2 of the relaxed cell F = 1 + U, so that what is
/// followed is an exact potential, H = E − V₀ T : e, whatever the strain; it differs from the Cauchy stress
/// by the strain times the stress. Barriers are those of H.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loading {
    direction: [f64; 6],
    control: Control,
}

/// How a stationary point stands in its load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    /// Cauchy stress.
    pub stress: Stress,
    /// Volume of its cell.
    pub volume: f64,
    /// Strain of its cell from the search cell.
    pub strain: Strain,
}

impl Loading {
    /// Along a strain tensor (tensor components), γ times which is the strain.
    ///
    /// # Errors
    /// [`LandscapeError::Loading`] where it is zero or not finite.
    pub fn new(direction: Strain) -> Result<Self, LandscapeError> {
        let [xx, yy, zz, xy, xz, yz] = checked(direction.0)?;
        let triangle = Matrix3::new(xx, 2.0 * xy, 2.0 * xz, 0.0, yy, 2.0 * yz, 0.0, 0.0, zz);
        Ok(Self {
            direction: direction.0,
            control: Control::Strain { triangle },
        })
    }

    /// Simple shear in xy.
    ///
    /// # Panics
    /// Never: the direction is a constant.
    pub fn simple_shear() -> Self {
        Self::new(Strain::simple_shear(1.0)).expect("a constant direction")
    }

    /// Along a stress tensor, γ times which is added to the stress of the minimum
    /// `[energy / length³]`.
    ///
    /// # Errors
    /// [`LandscapeError::Loading`] where it is zero or not finite.
    pub fn stress(direction: Stress) -> Result<Self, LandscapeError> {
        Ok(Self {
            direction: checked(direction.0)?,
            control: Control::Stress,
        })
    }

    /// The tensor for γ = 1, a strain or a stress.
    pub fn direction(&self) -> [f64; 6] {
        self.direction
    }

    /// Whether the stress is given, not the strain.
    pub fn is_stress(&self) -> bool {
        self.control == Control::Stress
    }

    /// F(γ) = 1 + γ U of a strain; no deformation under stress.
    pub fn deformation(&self, gamma: f64) -> Matrix3<f64> {
        match self.control {
            Control::Strain { triangle } => Matrix3::identity() + gamma * triangle,
            Control::Stress => Matrix3::identity(),
        }
    }

    /// d(energy)/dγ of a stationary point: V σ : U F⁻¹ where the strain is given, −V₀ Θ : e of the
    /// enthalpy where the stress is, V₀ the volume of the search cell.
    pub(crate) fn slope(&self, gamma: f64, point: &Response, volume: f64) -> f64 {
        match self.control {
            Control::Strain { triangle } => {
                let rate = triangle * inverse(&self.deformation(gamma));
                point.volume * point.stress.to_matrix().dot(&rate)
            }
            Control::Stress => -volume * point.strain.contract(self.direction),
        }
    }

    /// Coordinates on the landscapes of this load, from those of the atoms.
    pub(crate) fn entered(&self, x: &[f64]) -> Vec<f64> {
        let cell: &[f64] = if self.is_stress() { &[0.0; 6] } else { &[] };
        [x, cell].concat()
    }

    /// Coordinates at `from` carried to `to`: affinely with a cell that is strained.
    pub(crate) fn carried(&self, x: &[f64], from: f64, to: f64) -> Vec<f64> {
        if self.is_stress() {
            return x.to_vec();
        }
        mapped(
            x,
            &(self.deformation(to) * inverse(&self.deformation(from))),
        )
    }

    /// The landscape at γ of the atoms of a minimum.
    pub(crate) fn landscape(
        &self,
        minimum: &InherentStructure,
        gamma: f64,
    ) -> Result<LoadedLandscape, LandscapeError> {
        let (reference, field) = (minimum.configuration(), minimum.force_field());
        Ok(match self.control {
            Control::Strain { .. } => {
                let deformation = self.deformation(gamma);
                let cell = deformed_landscape(reference, field, &deformation)?;
                LoadedLandscape::Strained(Box::new(cell), Strain(self.direction) * gamma)
            }
            Control::Stress => {
                let load = minimum.stress() + Stress(self.direction) * gamma;
                LoadedLandscape::Stressed(Box::new(DeadLoad::new(reference, field, load)?))
            }
        })
    }
}

fn checked(direction: [f64; 6]) -> Result<[f64; 6], LandscapeError> {
    let finite = direction.iter().all(|component| component.is_finite());
    if !finite || direction == [0.0; 6] {
        return Err(LandscapeError::Loading(direction));
    }
    Ok(direction)
}

/// The landscape of `reference` in its cell deformed by `deformation`.
pub(crate) fn deformed_landscape(
    reference: &Configuration,
    field: ForceField,
    deformation: &Matrix3<f64>,
) -> Result<FixedCell, LandscapeError> {
    let cell = Cell::from_matrix(&(deformation * reference.cell.matrix()))?;
    let positions = reference.positions.iter().map(|x| deformation * x);
    let configuration = Configuration {
        cell,
        positions: positions.collect(),
        ..reference.clone()
    };
    let mut landscape = FixedCell::new(&configuration, field)?;
    landscape.force_field().invalidate();
    Ok(landscape)
}

/// The inverse of an upper triangle; of one without an inverse, a matrix that is not finite, which
/// the cell refuses.
pub(crate) fn inverse(matrix: &Matrix3<f64>) -> Matrix3<f64> {
    matrix
        .try_inverse()
        .unwrap_or_else(|| Matrix3::repeat(f64::NAN))
}

/// Coordinates mapped by a matrix.
pub(crate) fn mapped(x: &[f64], matrix: &Matrix3<f64>) -> Vec<f64> {
    unflatten(x)
        .iter()
        .flat_map(|position| {
            let moved: Vector3<f64> = matrix * position;
            [moved.x, moved.y, moved.z]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_shear_is_simple_and_its_rate_constant() {
        let shear = Loading::simple_shear();
        let x = shear.carried(&[1.0, 2.0, 3.0], 0.0, 0.1);
        assert_eq!(x, [1.2, 2.0, 3.0]);
        let stress = Stress([0.0, 0.0, 0.0, 0.7, 0.0, 0.0]);
        let point = response(stress, 2.0);
        for gamma in [0.0, -0.3, 0.7] {
            assert!((shear.slope(gamma, &point, 2.0) - 1.4).abs() < 1e-14);
        }
    }

    fn response(stress: Stress, volume: f64) -> Response {
        Response {
            stress,
            volume,
            strain: Strain::ZERO,
        }
    }

    #[test]
    fn the_slope_is_the_stress_along_the_rate_of_the_deformation() {
        let loading = Loading::new(Strain([0.3, -0.2, 0.1, 0.4, -0.5, 0.25])).unwrap();
        let stress = Stress([0.5, -1.0, 0.25, 2.0, -0.75, 1.5]);
        let (gamma, step) = (0.2, 1e-6);
        let ahead = loading.deformation(gamma + step) * inverse(&loading.deformation(gamma - step));
        let rate = (ahead - Matrix3::identity()) * (0.5 / step);
        let slope = loading.slope(gamma, &response(stress, 3.0), f64::NAN);
        assert!((slope - 3.0 * stress.to_matrix().dot(&rate)).abs() < 1e-4);
    }

    #[test]
    fn nothing_is_no_loading() {
        assert!(Loading::new(Strain::ZERO).is_err());
        assert!(Loading::new(Strain([f64::NAN; 6])).is_err());
        assert!(Loading::stress(Stress::ZERO).is_err());
    }
}
