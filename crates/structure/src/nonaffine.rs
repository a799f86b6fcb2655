//! How far the motion around an atom is from an affine one.

use metabasin_atoms::Cell;
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use crate::StructureError;
use crate::grid::{Candidate, Grid, spacing};

/// Eigenvalues of Σ r r^T below this share of the largest count as zero: neighbors in a plane or on
/// a line leave a part of the affine map open.
const FLAT: f64 = 1e-10;
/// Side of the boxes of the grid in units of the mean spacing of the atoms.
const BOX_SIDE: f64 = 0.8;
/// Largest cutoff in units of the mean spacing: some 4,000 neighbors.
const LARGEST_CUTOFF: f64 = 10.0;

/// D²_min of every atom (Falk & Langer, Phys. Rev. E 57, 7192, 1998, Eq. 2.11) `[length²]`:
///
/// D²_min(i) = min over J of Σⱼ |rᵢⱼ − J rᵢⱼ⁰|², the **sum** over all atoms and images j within
/// `cutoff` of i in the reference; rᵢⱼ⁰ and rᵢⱼ are the vectors from i to j in the reference and
/// in the structure.
///
/// `reference` is the cell and the positions of the reference; `now` the cell of the structure and
/// the displacement uᵢ of every atom beyond the affine map F between the two. With
/// rᵢⱼ = F rᵢⱼ⁰ + uⱼ − uᵢ the minimum does not depend on F, so the cells may have flipped in
/// between; uⱼ − uᵢ is taken as the shortest vector of the lattice of the structure. Zero for atoms
/// with fewer than four neighbors within the cutoff, or as many as an affine map can follow.
///
/// # Errors
/// [`StructureError::Length`] unless there is one displacement an atom, [`StructureError::Cutoff`]
/// for a cutoff that is not positive or above ten mean spacings of the atoms.
pub fn d2min(
    reference: (&Cell, &[Vector3<f64>]),
    now: (&Cell, &[Vector3<f64>]),
    cutoff: f64,
) -> Result<Vec<f64>, StructureError> {
    let ((cell, positions), (lattice, displacements)) = (reference, now);
    let count = positions.len();
    StructureError::unless_one_an_atom("displacements", displacements.len(), count)?;
    let spacing = spacing(cell, count);
    let most = LARGEST_CUTOFF * spacing;
    if !(cutoff > 0.0 && cutoff <= most) {
        return Err(StructureError::Cutoff { cutoff, most });
    }
    let grid = Grid::new(cell, positions, &vec![0.0; count], BOX_SIDE * spacing);
    let by_slot: Vec<f64> = (0..count)
        .into_par_iter()
        .map_init(
            || (Vec::new(), Vec::new()),
            |(candidates, relative), slot| {
                candidates.clear();
                grid.gather(slot, -1.0, cutoff, candidates);
                relative.clear();
                let own = displacements[grid.atom(slot) as usize];
                relative.extend(candidates.iter().map(|candidate| {
                    let other = grid.atom(candidate.slot as usize) as usize;
                    lattice.minimum_image(&(displacements[other] - own))
                }));
                least_squares(candidates, relative)
            },
        )
        .collect();
    let mut d2min = vec![0.0; count];
    for (slot, value) in by_slot.into_iter().enumerate() {
        d2min[grid.atom(slot) as usize] = value;
    }
    Ok(d2min)
}

/// min over J of Σ |u − J r|².
fn least_squares(neighbors: &[Candidate], relative: &[Vector3<f64>]) -> f64 {
    let (mut squares, mut cross) = (Matrix3::zeros(), Matrix3::zeros());
    for (neighbor, u) in neighbors.iter().zip(relative) {
        let r = neighbor.difference;
        squares += r * r.transpose();
        cross += u * r.transpose();
    }
    let map = cross * pseudo_inverse(&squares);
    neighbors
        .iter()
        .zip(relative)
        .map(|(neighbor, u)| (u - map * neighbor.difference).norm_squared())
        .sum()
}

/// The inverse of a symmetric matrix on the space that its neighbors span.
fn pseudo_inverse(squares: &Matrix3<f64>) -> Matrix3<f64> {
    // Far from flat, as neighbors in a glass are, the determinant shows it.
    let scale = squares.trace() / 3.0;
    if squares.determinant() > 1e-4 * scale.powi(3)
        && let Some(inverse) = squares.try_inverse()
    {
        return inverse;
    }
    let decomposed = squares.symmetric_eigen();
    let largest = decomposed.eigenvalues.max();
    let mut inverse = Matrix3::zeros();
    for k in 0..3 {
        let value = decomposed.eigenvalues[k];
        if value > FLAT * largest {
            let axis = decomposed.eigenvectors.column(k);
            inverse += axis * axis.transpose() / value;
        }
    }
    inverse
}
