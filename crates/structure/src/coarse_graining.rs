//! Numbers of single atoms, spread over their neighborhoods.

use metabasin_atoms::{Cell, Stiffness};
use nalgebra::Vector3;
use rayon::prelude::*;

use crate::StructureError;
use crate::grid::{Grid, spacing};

/// Side of the boxes of the grid in units of the mean spacing of the atoms.
const BOX_SIDE: f64 = 0.8;
/// Weights beyond so many widths are zero: exp(−8) there.
const REACH: f64 = 4.0;
/// Largest width in units of the mean spacing: some 4,000 neighbors.
const LARGEST_WIDTH: f64 = 2.5;

/// The stiffness of every atom, spread over its neighborhood by a Gaussian of the width `width`:
///
/// ```text
/// C̄_i = Σ_j w_ij C_j,   w_ij = g(r_ij) / Σ_k g(r_kj),   g(r) = exp(−r² / 2 width²)
/// ```
///
/// over all atoms and images. Each atom gives away what it has, no more and no less, so the mean over all atoms stays
/// what it was.
///
/// # Errors
/// [`StructureError::Length`] unless there is one stiffness an atom, [`StructureError::Cutoff`] for a width that is not
/// positive or above 2.5 mean spacings of the atoms.
pub fn coarse_grained(
    cell: &Cell,
    positions: &[Vector3<f64>],
    stiffness: &[Stiffness],
    width: f64,
) -> Result<Vec<Stiffness>, StructureError> {
    let count = positions.len();
    StructureError::unless_one_an_atom("stiffness", stiffness.len(), count)?;
    let spacing = spacing(cell, count);
    let most = LARGEST_WIDTH * spacing;
    if !(width > 0.0 && width <= most) {
        return Err(StructureError::Cutoff {
            cutoff: width,
            most,
        });
    }
    let grid = Grid::new(cell, positions, &vec![0.0; count], BOX_SIDE * spacing);
    let weight = |distance: f64| (-0.5 * (distance / width).powi(2)).exp();
    let gathered = |slot: usize, candidates: &mut Vec<_>| {
        candidates.clear();
        grid.gather(slot, -1.0, REACH * width, candidates);
    };
    // What each atom gives to itself is not among its neighbors.
    let sums: Vec<f64> = (0..count)
        .into_par_iter()
        .map_init(Vec::new, |candidates, slot| {
            gathered(slot, candidates);
            1.0 + candidates.iter().map(|c| weight(c.distance)).sum::<f64>()
        })
        .collect();
    let by_slot: Vec<[[f64; 6]; 6]> = (0..count)
        .into_par_iter()
        .map_init(Vec::new, |candidates, slot| {
            gathered(slot, candidates);
            let mut total = [[0.0; 6]; 6];
            let mut add = |from: usize, weight: f64| {
                let share = weight / sums[from];
                let given = &stiffness[grid.atom(from) as usize].0;
                for (total, given) in total.iter_mut().flatten().zip(given.iter().flatten()) {
                    *total += share * given;
                }
            };
            add(slot, 1.0);
            for candidate in candidates.iter() {
                add(candidate.slot as usize, weight(candidate.distance));
            }
            total
        })
        .collect();
    let mut spread = vec![Stiffness([[0.0; 6]; 6]); count];
    for (slot, total) in by_slot.into_iter().enumerate() {
        spread[grid.atom(slot) as usize] = Stiffness(total);
    }
    Ok(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some atoms in no order in a tilted cell, each with a number of its own.
    fn some() -> (Cell, Vec<Vector3<f64>>, Vec<Stiffness>) {
        let cell = Cell::new([4.0, 4.4, 3.6, 1.1, -0.7, 0.9]).unwrap();
        let at = |k: usize| {
            let turn = |step: f64| (step * (k + 1) as f64).fract();
            cell.to_cartesian(&Vector3::new(turn(0.618), turn(0.414), turn(0.732)))
        };
        let stiffness = (0..60)
            .map(|k| Stiffness([[f64::from(k).sin(); 6]; 6]))
            .collect();
        (cell, (0..60).map(at).collect(), stiffness)
    }

    #[test]
    fn weights_are_those_of_a_sum_over_all_images_and_keep_the_mean() {
        let (cell, positions, stiffness) = some();
        let width = 0.6;
        let spread = coarse_grained(&cell, &positions, &stiffness, width).unwrap();
        let gaussian = |i: usize, j: usize| {
            let mut sum = 0.0;
            for n in 0..343 {
                let n = [n % 7, n / 7 % 7, n / 49].map(|k| f64::from(k - 3));
                let image = positions[j] + cell.to_cartesian(&Vector3::from(n));
                let r = (image - positions[i]).norm();
                if r <= REACH * width {
                    sum += (-0.5 * (r / width).powi(2)).exp();
                }
            }
            sum
        };
        let sums: Vec<f64> = (0..60)
            .map(|j| (0..60).map(|k| gaussian(k, j)).sum())
            .collect();
        for (i, spread) in spread.iter().enumerate() {
            let brute: f64 = (0..60)
                .map(|j| gaussian(i, j) / sums[j] * stiffness[j].0[2][3])
                .sum();
            assert!((spread.0[2][3] - brute).abs() < 1e-12, "{i}");
        }
        let mean = |all: &[Stiffness]| all.iter().map(|c| c.0[0][0]).sum::<f64>() / 60.0;
        assert!((mean(&spread) - mean(&stiffness)).abs() < 1e-14);
        let variance = |all: &[Stiffness]| all.iter().map(|c| c.0[0][0].powi(2)).sum::<f64>();
        assert!(variance(&spread) < 0.5 * variance(&stiffness));
    }

    #[test]
    fn widths_without_sense_are_refused() {
        let (cell, positions, stiffness) = some();
        for width in [0.0, -1.0, f64::NAN, 50.0] {
            assert!(coarse_grained(&cell, &positions, &stiffness, width).is_err());
        }
        assert!(coarse_grained(&cell, &positions, &stiffness[1..], 1.0).is_err());
    }
}
