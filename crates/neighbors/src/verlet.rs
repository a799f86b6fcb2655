//! The list and its staleness trigger.

mod build;
mod near;
#[cfg(test)]
mod tests;

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};
use thiserror::Error;

pub use build::LANES;
use build::Rows;

/// Why no list can be built; the energy of such a configuration is infinite or undefined.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum ListError {
    /// A coordinate is not finite, or so far out that its place in the cell is lost to rounding.
    #[error("position of atom {atom} (counted from 0) is not finite or too far from the cell")]
    Unresolved {
        /// Index of the atom.
        atom: usize,
    },
    /// More than a thousand periodic images an atom lie within range.
    #[error("the cell is too small or too thin for a list of range {range}")]
    CellTooSmall {
        /// Cutoff plus skin `[length]`.
        range: f64,
    },
    /// Far more pairs within range than any condensed matter has.
    #[error("more than {pairs} pairs within range: atoms have collapsed onto each other")]
    Crowded {
        /// The limit that was exceeded.
        pairs: usize,
    },
}

/// What [`VerletList::update`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The list is still complete; coordinates were followed.
    Kept,
    /// The list was built from the present positions.
    Rebuilt,
}

/// One neighbor of an atom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Index of the neighbor.
    pub atom: usize,
    /// Vector from the neighbor's image to the atom, `r_i − r_j` `[length]`.
    pub separation: Vector3<f64>,
}

/// A full Verlet list: for every atom all periodic images of atoms within cutoff + skin.
///
/// Images are listed one by one, each by its atom and its lattice vector, and followed through
/// the present cell. So the list is right for any tilt, for a cell shorter than twice the cutoff
/// (an atom then sees several images of another, and of itself), for positions many periods away,
/// and while the cell deforms.
///
/// **When it is rebuilt.** With h₀ the cell and w₀ the wrapped positions at the last build,
/// F = h h₀⁻¹ the deformation since and u = w − F w₀ the motion beyond it, a pair that was not
/// listed (distance above cutoff + skin) is now at least this far apart:
///
/// ```text
/// d ≥ σ_min(F) (cutoff + skin) − |u_i| − |u_j|,   σ_min(F) ≥ √(1 − ‖FᵀF − 1‖)
/// ```
///
/// The list is kept as long as that bound, with the two largest |u| of all atoms, is not below the
/// cutoff. A change of the cell's basis (a tilt flip) is recognized and taken out of F, so it
/// costs nothing.
///
/// Memory is laid out for kernels that treat [`LANES`] neighbors at once: see
/// [`VerletList::blocks`] and [`VerletList::coordinates`].
#[derive(Clone, Debug)]
pub struct VerletList {
    cutoff: f64,
    skin: f64,
    parallel: bool,
    /// Bumped at every build.
    builds: u64,
    built: Option<Reference>,
    rows: Rows,
    /// Positions inside the reference cell and species, one an atom.
    wrapped: Vec<[f64; 4]>,
    /// The same and all images in range, in the order of the grid, then one point far away.
    coordinates: Vec<[f64; 4]>,
}

/// The state at the last build.
#[derive(Clone, Debug)]
struct Reference {
    cell: Cell,
    /// Reduced basis at the build, columns are lattice vectors.
    basis: Matrix3<f64>,
    basis_inverse: Matrix3<f64>,
    /// Integer change of basis at the build, `basis = cell.matrix() * change`.
    change: Matrix3<f64>,
    wrapped: Vec<Vector3<f64>>,
    /// Lattice vectors subtracted from the positions, in the reduced basis.
    periods: Vec<Vector3<f64>>,
}

/// Fractional coordinates beyond this have lost the atom's place in the cell to rounding.
const FARTHEST_PERIOD: f64 = 1e9;

impl VerletList {
    /// An empty list that will hold all pairs closer than `cutoff` + `skin` `[length]`.
    ///
    /// # Panics
    /// If `cutoff` is not positive and finite, or `skin` is negative or not finite.
    pub fn new(cutoff: f64, skin: f64) -> Self {
        assert!(
            cutoff > 0.0 && cutoff.is_finite() && skin >= 0.0 && skin.is_finite(),
            "cutoff {cutoff} must be positive and skin {skin} not negative, both finite"
        );
        Self {
            cutoff,
            skin,
            parallel: false,
            builds: 0,
            built: None,
            rows: Rows::default(),
            wrapped: Vec::new(),
            coordinates: Vec::new(),
        }
    }

    /// Whether builds use rayon; the list is the same, bit by bit.
    pub fn set_parallel(&mut self, parallel: bool) {
        self.parallel = parallel;
    }

    /// Distance within which every pair is listed between builds `[length]`.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// Extra range at a build `[length]`.
    pub fn skin(&self) -> f64 {
        self.skin
    }

    /// How often the list was built.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    /// Forgets the list: the next update builds it from the present positions alone.
    pub fn invalidate(&mut self) {
        self.built = None;
    }

    /// Makes the list complete for `positions` in `cell`: follows it where it still holds every
    /// pair within the cutoff, builds it anew where not.
    ///
    /// # Errors
    /// [`ListError`] where positions or cell do not allow a list; the list is then empty.
    ///
    /// # Panics
    /// If `positions` and `species` differ in length.
    pub fn update(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Result<Update, ListError> {
        assert_eq!(positions.len(), species.len(), "one species an atom");
        if let Some(basis) = self.still_complete(cell, positions) {
            self.follow(&basis, species);
            return Ok(Update::Kept);
        }
        if let Err(error) = self.build(cell, positions, species) {
            self.built = None;
            self.rows.clear();
            self.coordinates.clear();
            return Err(error);
        }
        Ok(Update::Rebuilt)
    }

    /// The present reduced basis where the list still holds every pair within the cutoff. Writes
    /// the wrapped positions.
    fn still_complete(&mut self, cell: &Cell, positions: &[Vector3<f64>]) -> Option<Matrix3<f64>> {
        let reference = self.built.as_ref()?;
        if reference.wrapped.len() != positions.len() {
            return None;
        }
        let (basis, deformation, smallest_stretch) = if *cell == reference.cell {
            (reference.basis, Matrix3::identity(), 1.0)
        } else {
            let matrix = cell.matrix();
            // The integer change that brings the present basis closest to the reference.
            let mut change = reference.change;
            let mut basis = matrix * change;
            let mut deformation = basis * reference.basis_inverse;
            if (deformation - Matrix3::identity()).norm() > 0.3 {
                change = (matrix.try_inverse()? * reference.basis).map(f64::round);
                basis = matrix * change;
                deformation = basis * reference.basis_inverse;
            }
            let twice_strain = deformation.transpose() * deformation - Matrix3::identity();
            let squared = 1.0 - twice_strain.norm();
            if squared.is_nan() || squared <= 0.0 || deformation.determinant() <= 0.0 {
                return None;
            }
            (basis, deformation, squared.sqrt())
        };
        let slack = smallest_stretch * (self.cutoff + self.skin) - self.cutoff;
        if slack < 0.0 {
            return None;
        }
        let limit = slack * slack;
        let (mut largest, mut second) = (0.0_f64, 0.0_f64);
        let followed = reference.wrapped.iter().zip(&reference.periods);
        for ((position, (before, periods)), wrapped) in
            positions.iter().zip(followed).zip(&mut self.wrapped)
        {
            let inside = position - basis * periods;
            let moved = (inside - deformation * before).norm_squared();
            // Written so that NaN ends here too.
            if moved.is_nan() || moved > limit {
                return None;
            }
            if moved > largest {
                second = largest;
                largest = moved;
            } else if moved > second {
                second = moved;
            }
            wrapped[..3].copy_from_slice(inside.as_slice());
        }
        // A hair less than the slack covers the rounding of these lines.
        (largest.sqrt() + second.sqrt() <= slack - 1e-12 * self.cutoff || largest == 0.0)
            .then_some(basis)
    }

    /// Writes the coordinates of all images from the wrapped positions.
    fn follow(&mut self, basis: &Matrix3<f64>, species: &[Species]) {
        for (wrapped, species) in self.wrapped.iter_mut().zip(species) {
            wrapped[3] = f64::from(species.0);
        }
        self.rows
            .write_coordinates(basis, &self.wrapped, &mut self.coordinates);
    }

    fn build(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Result<(), ListError> {
        let (small, _) = cell.with_small_tilts();
        let matrix = cell.matrix();
        let range = self.cutoff + self.skin;
        let change = matrix
            .try_inverse()
            .ok_or(ListError::CellTooSmall { range })?
            * small.matrix();
        let change = change.map(f64::round);
        let basis = matrix * change;
        let basis_inverse = basis
            .try_inverse()
            .ok_or(ListError::CellTooSmall { range })?;
        let mut periods = Vec::with_capacity(positions.len());
        let mut inside = Vec::with_capacity(positions.len());
        let mut fractional = Vec::with_capacity(positions.len());
        self.wrapped.clear();
        for (atom, position) in positions.iter().enumerate() {
            let coordinates = basis_inverse * position;
            // NaN fails this test as well.
            if !coordinates.iter().all(|s| s.abs() < FARTHEST_PERIOD) {
                return Err(ListError::Unresolved { atom });
            }
            let floor = coordinates.map(f64::floor);
            let wrapped = position - basis * floor;
            periods.push(floor);
            inside.push(wrapped);
            fractional.push(basis_inverse * wrapped);
            self.wrapped.push([wrapped.x, wrapped.y, wrapped.z, 0.0]);
        }
        self.rows.build(
            &small.widths(),
            &basis,
            &self.wrapped,
            &fractional,
            range,
            self.parallel,
            &mut self.coordinates,
        )?;
        self.follow(&basis, species);
        self.builds += 1;
        self.built = Some(Reference {
            cell: *cell,
            basis,
            basis_inverse,
            change,
            wrapped: inside,
            periods,
        });
        Ok(())
    }

    /// Number of rows: one an atom, or none where the last update failed.
    pub fn rows(&self) -> usize {
        self.rows.atoms().len()
    }

    /// The atom of each row; rows follow the grid, so that close rows are close in space.
    pub fn row_atoms(&self) -> &[u32] {
        self.rows.atoms()
    }

    /// Where the atom of each row stands in [`VerletList::coordinates`].
    pub fn row_images(&self) -> &[u32] {
        self.rows.own_images()
    }

    /// Neighbors of a row as indices into [`VerletList::coordinates`], nearest first at the time
    /// of the build (coarsely), the last block padded with [`VerletList::padding`].
    pub fn blocks(&self, row: usize) -> &[[u32; LANES]] {
        self.rows.blocks(row)
    }

    /// x, y, z and the species number (from 0) of all images, then of one point 1e100 away.
    pub fn coordinates(&self) -> &[[f64; 4]] {
        &self.coordinates
    }

    /// Index of the point far away that pads blocks.
    pub fn padding(&self) -> u32 {
        self.rows.images().len() as u32
    }

    /// The atom of each image.
    pub fn image_atoms(&self) -> &[u32] {
        self.rows.images()
    }

    /// All neighbors of a row within cutoff + skin at the last build.
    pub fn neighbors(&self, row: usize) -> impl Iterator<Item = Neighbor> + '_ {
        let at = |image: u32| Vector3::from_column_slice(&self.coordinates[image as usize][..3]);
        let here = at(self.rows.own_images()[row]);
        let padding = self.padding();
        self.blocks(row)
            .as_flattened()
            .iter()
            .filter(move |&&image| image != padding)
            .map(move |&image| Neighbor {
                atom: self.rows.images()[image as usize] as usize,
                separation: here - at(image),
            })
    }
}

/// For every atom all images of atoms closer than `range`, in the order of their atoms' index.
///
/// # Errors
/// [`ListError`] where positions or cell do not allow a list.
///
/// # Panics
/// If `range` is not positive and finite.
pub fn neighbors_within(
    cell: &Cell,
    positions: &[Vector3<f64>],
    range: f64,
) -> Result<Vec<Vec<Neighbor>>, ListError> {
    let mut list = VerletList::new(range, 0.0);
    list.update(cell, positions, &vec![Species(0); positions.len()])?;
    let mut found = vec![Vec::new(); positions.len()];
    for (row, &atom) in list.row_atoms().iter().enumerate() {
        let mut neighbors: Vec<Neighbor> = list
            .neighbors(row)
            .filter(|neighbor| neighbor.separation.norm_squared() < range * range)
            .collect();
        neighbors.sort_by(|a, b| {
            let key = |n: &Neighbor| (n.atom, n.separation.x, n.separation.y, n.separation.z);
            key(a)
                .partial_cmp(&key(b))
                .expect("separations of a built list are numbers")
        });
        found[atom as usize] = neighbors;
    }
    Ok(found)
}
