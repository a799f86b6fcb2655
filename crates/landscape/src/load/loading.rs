//! Homogeneous strains that grow.

use metabasin_atoms::{Cell, Configuration, Strain};
use metabasin_interactions::{FixedCell, ForceField, unflatten};
use nalgebra::{Matrix3, Vector3};

use crate::error::LandscapeError;

/// A homogeneous deformation F(γ) = 1 + γ U that grows from the search cell.
///
/// U is the upper triangle that keeps a cell's lattice vectors in their standard form and has the
/// given symmetric part: U_aa = ε_aa and U_ab = 2 ε_ab for a < b. For ε_xy = 1/2 this is simple shear
/// with γ the engineering strain; other tensors differ from their symmetric form by a rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loading {
    direction: Strain,
    triangle: Matrix3<f64>,
}

impl Loading {
    /// Along a strain tensor (tensor components), γ times which is the strain.
    ///
    /// # Errors
    /// [`LandscapeError::Loading`] where it is zero or not finite.
    pub fn new(direction: Strain) -> Result<Self, LandscapeError> {
        if !direction.is_finite() || direction == Strain::ZERO {
            return Err(LandscapeError::Loading(direction.0));
        }
        let [xx, yy, zz, xy, xz, yz] = direction.0;
        let triangle = Matrix3::new(xx, 2.0 * xy, 2.0 * xz, 0.0, yy, 2.0 * yz, 0.0, 0.0, zz);
        Ok(Self {
            direction,
            triangle,
        })
    }

    /// Simple shear in xy.
    ///
    /// # Panics
    /// Never: the direction is a constant.
    pub fn simple_shear() -> Self {
        Self::new(Strain::simple_shear(1.0)).expect("a constant direction")
    }

    /// The strain tensor for γ = 1.
    pub fn direction(&self) -> Strain {
        self.direction
    }

    /// F(γ) = 1 + γ U.
    pub fn deformation(&self, gamma: f64) -> Matrix3<f64> {
        Matrix3::identity() + gamma * self.triangle
    }

    /// D(γ) with which energies change, dE/dγ = V σ : D at stationary points: D = U F⁻¹.
    pub(crate) fn rate(&self, gamma: f64) -> Matrix3<f64> {
        self.triangle * inverse(&self.deformation(gamma))
    }

    /// Coordinates at `from` carried to `to` affinely.
    pub(crate) fn carried(&self, x: &[f64], from: f64, to: f64) -> Vec<f64> {
        mapped(
            x,
            &(self.deformation(to) * inverse(&self.deformation(from))),
        )
    }

    /// The landscape at γ.
    pub(crate) fn landscape(
        &self,
        reference: &Configuration,
        field: ForceField,
        gamma: f64,
    ) -> Result<FixedCell, LandscapeError> {
        deformed_landscape(reference, field, &self.deformation(gamma))
    }
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
        for gamma in [0.0, -0.3, 0.7] {
            let mut expected = Matrix3::zeros();
            expected[(0, 1)] = 1.0;
            assert!((shear.rate(gamma) - expected).norm() < 1e-14);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_deformation() {
        let loading = Loading::new(Strain([0.3, -0.2, 0.1, 0.4, -0.5, 0.25])).unwrap();
        let (gamma, step) = (0.2, 1e-6);
        let ahead = loading.deformation(gamma + step) * inverse(&loading.deformation(gamma - step));
        let rate = (ahead - Matrix3::identity()) * (0.5 / step);
        assert!((rate - loading.rate(gamma)).norm() < 1e-5);
    }

    #[test]
    fn no_strain_is_no_loading() {
        assert!(Loading::new(Strain::ZERO).is_err());
        assert!(Loading::new(Strain([f64::NAN; 6])).is_err());
    }
}
