//! Displacement fields between two stationary points.

use metabasin_atoms::Cell;
use nalgebra::Vector3;

/// Displacements from `from` to `to`, atom by atom, by the minimum image and without the rigid
/// drift of the sample.
pub fn displacements(cell: &Cell, from: &[Vector3<f64>], to: &[Vector3<f64>]) -> Vec<Vector3<f64>> {
    let mut field: Vec<Vector3<f64>> = from
        .iter()
        .zip(to)
        .map(|(from, to)| cell.minimum_image(&(to - from)))
        .collect();
    let drift = field.iter().sum::<Vector3<f64>>() / field.len().max(1) as f64;
    for displacement in &mut field {
        *displacement -= drift;
    }
    field
}

/// The largest displacement.
pub(crate) fn largest(field: &[Vector3<f64>]) -> f64 {
    field.iter().map(Vector3::norm).fold(0.0, f64::max)
}

/// What a displacement field looks like as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Mean position weighted by u², in the cell `[length]`.
    pub center: Vector3<f64>,
    /// (Σu²)²/Σu⁴.
    pub participation: f64,
    /// Largest displacement `[length]`.
    pub largest: f64,
    /// The atom that moves most.
    pub atom: usize,
}

/// Center, participation number and largest displacement of a field.
pub fn shape(cell: &Cell, positions: &[Vector3<f64>], field: &[Vector3<f64>]) -> Shape {
    let weights: Vec<f64> = field.iter().map(Vector3::norm_squared).collect();
    let mut atom = 0;
    for (i, weight) in weights.iter().enumerate() {
        if *weight > weights[atom] {
            atom = i;
        }
    }
    let total: f64 = weights.iter().sum();
    let fourth: f64 = weights.iter().map(|weight| weight * weight).sum();
    if fourth <= 0.0 {
        return Shape {
            center: cell.wrap(&positions[atom]).0,
            participation: 0.0,
            largest: 0.0,
            atom,
        };
    }
    // Around the atom that moves most, so that a field across the boundary has its center there.
    let around: Vector3<f64> = positions
        .iter()
        .zip(&weights)
        .map(|(position, weight)| cell.minimum_image(&(position - positions[atom])) * *weight)
        .sum();
    Shape {
        center: cell.wrap(&(positions[atom] + around / total)).0,
        participation: total * total / fourth,
        largest: weights[atom].sqrt(),
        atom,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_across_the_boundary_is_centered_there() {
        let cell = Cell::cubic(10.0).unwrap();
        let positions = [
            Vector3::new(9.8, 5.0, 5.0),
            Vector3::new(0.4, 5.0, 5.0),
            Vector3::new(5.0, 5.0, 5.0),
        ];
        let moved = Vector3::new(0.0, 0.3, 0.0);
        let found = shape(&cell, &positions, &[moved, -moved, Vector3::zeros()]);
        assert!((found.center - Vector3::new(0.1, 5.0, 5.0)).norm() < 1e-12);
        assert!((found.participation - 2.0).abs() < 1e-12);
        assert!((found.largest - 0.3).abs() < 1e-15);
    }

    #[test]
    fn images_and_drift_leave_no_displacement() {
        let cell = Cell::new([6.0, 7.0, 8.0, 1.0, -2.0, 0.5]).unwrap();
        let from = [Vector3::new(1.0, 2.0, 3.0), Vector3::new(4.0, 1.0, 7.0)];
        let drift = Vector3::new(0.3, -0.2, 0.1);
        let lattice = cell.matrix().column(2).into_owned();
        let to = [from[0] + drift + lattice, from[1] + drift];
        assert!(largest(&displacements(&cell, &from, &to)) < 1e-12);
    }
}
