//! How a cell has deformed since some moment, and what that leaves of a list's range.

use metabasin_atoms::Cell;
use nalgebra::Matrix3;

use crate::ListError;

/// A basis of the lattice at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    basis: Matrix3<f64>,
    basis_inverse: Matrix3<f64>,
}

impl Frame {
    /// Of a basis that has an inverse.
    pub fn new(basis: &Matrix3<f64>) -> Self {
        Self {
            basis: *basis,
            basis_inverse: basis.try_inverse().unwrap_or_else(Matrix3::zeros),
        }
    }

    /// The deformation since, and a lower bound of its smallest singular value.
    pub fn deformation(&self, basis: &Matrix3<f64>) -> Option<(Matrix3<f64>, f64)> {
        if *basis == self.basis {
            return Some((Matrix3::identity(), 1.0));
        }
        let deformation = basis * self.basis_inverse;
        let twice_strain = deformation.transpose() * deformation - Matrix3::identity();
        let squared = 1.0 - twice_strain.norm();
        // Written so that NaN ends here too.
        let sound = squared > 0.0 && deformation.determinant() > 0.0;
        sound.then(|| (deformation, squared.sqrt()))
    }
}

/// The cell at a build, and the reduced basis in which a list sees it.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceCell {
    cell: Cell,
    /// Integer change of basis at the build, `basis = cell.matrix() * change`.
    change: Matrix3<f64>,
    frame: Frame,
    /// Distances between opposite faces of the reduced cell `[length]`.
    widths: [f64; 3],
}

impl ReferenceCell {
    /// # Errors
    /// [`ListError::CellTooSmall`] where rounding leaves the cell no inverse.
    pub fn new(cell: &Cell, range: f64) -> Result<Self, ListError> {
        let (small, _) = cell.with_small_tilts();
        let matrix = cell.matrix();
        let inverse = matrix.try_inverse();
        let change = inverse.ok_or(ListError::CellTooSmall { range })? * small.matrix();
        let change = change.map(f64::round);
        let basis = matrix * change;
        let basis_inverse = basis
            .try_inverse()
            .ok_or(ListError::CellTooSmall { range })?;
        Ok(Self {
            cell: *cell,
            change,
            frame: Frame {
                basis,
                basis_inverse,
            },
            widths: small.widths(),
        })
    }

    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The reduced basis, columns are lattice vectors.
    pub fn basis(&self) -> &Matrix3<f64> {
        &self.frame.basis
    }

    pub fn basis_inverse(&self) -> &Matrix3<f64> {
        &self.frame.basis_inverse
    }

    pub fn widths(&self) -> &[f64; 3] {
        &self.widths
    }

    /// The present cell in the integer basis that is closest to that of the build.
    pub fn present_basis(&self, cell: &Cell) -> Option<Matrix3<f64>> {
        if *cell == self.cell {
            return Some(self.frame.basis);
        }
        let matrix = cell.matrix();
        let basis = matrix * self.change;
        let deformation = basis * self.frame.basis_inverse;
        if (deformation - Matrix3::identity()).norm() <= 0.3 {
            return Some(basis);
        }
        let change = (matrix.try_inverse()? * self.frame.basis).map(f64::round);
        Some(matrix * change)
    }
}

/// What has happened since a [`Frame`] was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Motion {
    /// Lower bound of the smallest singular value of the deformation.
    pub smallest_stretch: f64,
    /// Sum of the two largest displacements beyond the deformation `[length]`.
    pub two_largest: f64,
}

impl Motion {
    /// Whether every pair now closer than `distance` was closer than `range` then.
    pub fn leaves_within(&self, range: f64, distance: f64) -> bool {
        let slack = self.smallest_stretch * range - distance;
        // A hair less than the slack covers the rounding of displacements. NaN fails as well.
        self.two_largest <= slack - 1e-12 * distance || (self.two_largest == 0.0 && slack >= 0.0)
    }
}
