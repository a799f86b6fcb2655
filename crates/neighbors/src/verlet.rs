//! The list and its staleness trigger.

mod build;
mod fixed_points;
mod motion;
mod near;
mod prune;
#[cfg(test)]
mod tests;

use std::ops::Range;

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};
use thiserror::Error;

pub use build::{LANES, ROWS_PER_PART, RowBlocks};
use build::{Rows, Shape};
use fixed_points::{FixedGrid, FixedPoints};
use motion::Snapshot;

use crate::deformation::ReferenceCell;

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
    /// The rows are still complete; coordinates were followed.
    Kept,
    /// Rows were drawn anew from the wider list, which is still complete.
    Pruned,
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
/// **Pruned rows.** [`VerletList::with_pruning`] makes two lists of it: a wide one, which atoms of
/// a solid seldom leave, and rows drawn from it by distance alone, which are short and are drawn
/// anew often and at little cost. The same bound, with the thin skin, says when.
///
/// Memory is laid out for kernels that treat [`LANES`] neighbors at once: see
/// [`VerletList::row_blocks`] and [`VerletList::coordinates`].
#[derive(Clone, Debug)]
pub struct VerletList {
    cutoff: f64,
    skin: f64,
    /// Extra range of the pruned rows, where there are any.
    inner_skin: Option<f64>,
    parallel: bool,
    /// Bumped at every build.
    builds: u64,
    built: Option<Reference>,
    /// The state at the last pruning.
    pruned: Option<Snapshot>,
    rows: Rows,
    /// Positions inside the reference cell and species, one an atom.
    wrapped: Vec<[f64; 4]>,
    /// The same and all images in range, in the order of the grid, then one point far away.
    coordinates: Vec<[f64; 4]>,
    /// The same as integers, at the last search or pruning.
    fixed_points: FixedPoints,
}

/// The state at the last build.
#[derive(Clone, Debug)]
struct Reference {
    cell: ReferenceCell,
    snapshot: Snapshot,
    /// Lattice vectors subtracted from the positions, in the reduced basis.
    periods: Vec<Vector3<f64>>,
}

/// Fractional coordinates beyond this have lost the atom's place in the cell to rounding.
const FARTHEST_PERIOD: f64 = 1e9;

/// Atoms treated together; fixed, so that nothing depends on the number of threads.
const ATOMS_PER_TASK: usize = 2048;

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
            inner_skin: None,
            parallel: false,
            builds: 0,
            built: None,
            pruned: None,
            rows: Rows::default(),
            wrapped: Vec::new(),
            coordinates: Vec::new(),
            fixed_points: FixedPoints::default(),
        }
    }

    /// The same with rows pruned to cutoff + `inner_skin` `[length]`; without effect where that is
    /// not less than the skin.
    ///
    /// # Panics
    /// If `inner_skin` is not positive.
    #[must_use]
    pub fn with_pruning(mut self, inner_skin: f64) -> Self {
        assert!(inner_skin > 0.0, "inner skin {inner_skin} must be positive");
        self.inner_skin = (inner_skin < self.skin).then_some(inner_skin);
        self.invalidate();
        self
    }

    /// Whether updates use rayon; the list is the same, bit by bit.
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

    /// Extra range of pruned rows `[length]`.
    pub fn inner_skin(&self) -> Option<f64> {
        self.inner_skin
    }

    /// How often the list was built.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    /// Forgets the list: the next update builds it from the present positions alone.
    pub fn invalidate(&mut self) {
        self.built = None;
        self.pruned = None;
    }

    /// Makes the list complete for `positions` in `cell`: follows it where it still holds every
    /// pair within the cutoff, prunes or builds it anew where not.
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
        if let Some((basis, update)) = self.still_complete(cell, positions) {
            self.label(species);
            self.follow(&basis);
            if update == Update::Pruned {
                self.prune(&basis);
            }
            return Ok(update);
        }
        if let Err(error) = self.build(cell, positions, species) {
            self.invalidate();
            self.rows.clear();
            self.coordinates.clear();
            self.fixed_points.clear();
            return Err(error);
        }
        Ok(Update::Rebuilt)
    }

    /// The present reduced basis where the list still holds every pair within the cutoff, and
    /// whether its rows must be pruned anew. Writes the wrapped positions.
    fn still_complete(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
    ) -> Option<(Matrix3<f64>, Update)> {
        let reference = self.built.as_ref()?;
        if reference.periods.len() != positions.len() {
            return None;
        }
        let basis = reference.cell.present_basis(cell)?;
        let since = self.pruned.as_ref().unwrap_or(&reference.snapshot);
        let motion = since.wrap(
            &basis,
            positions,
            &reference.periods,
            &mut self.wrapped,
            self.parallel,
        );
        let kept = self.inner_skin.unwrap_or(self.skin);
        if motion.is_some_and(|motion| motion.leaves_within(self.cutoff + kept, self.cutoff)) {
            return Some((basis, Update::Kept));
        }
        let inner_skin = self.inner_skin?;
        let motion = reference.snapshot.motion(&basis, &self.wrapped)?;
        let rows = self.cutoff + inner_skin;
        motion
            .leaves_within(self.cutoff + self.skin, rows)
            .then_some((basis, Update::Pruned))
    }

    fn label(&mut self, species: &[Species]) {
        for (wrapped, species) in self.wrapped.iter_mut().zip(species) {
            wrapped[3] = f64::from(species.0);
        }
    }

    /// Writes the coordinates of all images from the wrapped positions.
    fn follow(&mut self, basis: &Matrix3<f64>) {
        let parallel = self.parallel;
        self.rows
            .write_coordinates(basis, &self.wrapped, parallel, &mut self.coordinates);
    }

    fn write_fixed_points(&mut self, basis: &Matrix3<f64>) {
        let grid = FixedGrid::around(&self.rows.extent(basis, self.skin));
        self.rows.write_fixed_points(
            basis,
            &self.wrapped,
            grid,
            self.parallel,
            &mut self.fixed_points,
        );
    }

    /// Draws the rows from the wide list at the present positions.
    fn prune(&mut self, basis: &Matrix3<f64>) {
        let Some(inner_skin) = self.inner_skin else {
            return;
        };
        self.write_fixed_points(basis);
        self.rows
            .prune(&self.fixed_points, self.cutoff + inner_skin, self.parallel);
        self.pruned = Some(Snapshot::take(basis, &self.wrapped));
    }

    fn build(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
    ) -> Result<(), ListError> {
        let range = self.cutoff + self.skin;
        let reference = ReferenceCell::new(cell, range)?;
        let (basis, basis_inverse) = (*reference.basis(), *reference.basis_inverse());
        let mut periods = Vec::with_capacity(positions.len());
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
            fractional.push(basis_inverse * wrapped);
            self.wrapped.push([wrapped.x, wrapped.y, wrapped.z, 0.0]);
        }
        self.label(species);
        self.rows.build(
            Shape {
                widths: reference.widths(),
                basis: &basis,
            },
            &self.wrapped,
            &fractional,
            range,
            self.parallel,
            &mut self.fixed_points,
        )?;
        self.builds += 1;
        self.built = Some(Reference {
            cell: reference,
            snapshot: Snapshot::take(&basis, &self.wrapped),
            periods,
        });
        self.follow(&basis);
        self.prune(&basis);
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

    /// The row of each atom.
    pub fn atom_rows(&self) -> &[u32] {
        self.rows.atom_rows()
    }

    /// Where the atom of each row stands in [`VerletList::coordinates`].
    pub fn row_images(&self) -> &[u32] {
        self.rows.own_images()
    }

    /// Neighbors of a row as indices into [`VerletList::coordinates`], nearest first at the time
    /// of the build (coarsely), the last block padded with [`VerletList::padding`].
    pub fn blocks(&self, row: usize) -> &[[u32; LANES]] {
        let rows = self.row_blocks(row..row + 1);
        &rows.blocks[rows.first..rows.ends[0] as usize]
    }

    /// The blocks of some rows in one piece, for kernels that read ahead.
    ///
    /// # Panics
    /// If the range is empty, ends behind the last row, or crosses a multiple of
    /// [`ROWS_PER_PART`].
    pub fn row_blocks(&self, rows: Range<usize>) -> RowBlocks<'_> {
        self.rows.row_blocks(rows, self.pruned.is_some())
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
