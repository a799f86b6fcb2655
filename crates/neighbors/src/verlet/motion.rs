//! How far atoms have moved beyond the deformation of the cell.

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

use super::ATOMS_PER_TASK;
use crate::deformation::{Frame, Motion};

/// Basis and wrapped positions at some moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    frame: Frame,
    places: Vec<[f64; 4]>,
}

/// The two largest of some squared displacements; NaN, once seen, stays.
#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    first: f64,
    second: f64,
}

impl Largest {
    fn add(&mut self, squared: f64) {
        if squared > self.first || squared.is_nan() {
            self.second = self.first;
            self.first = squared;
        } else if squared > self.second {
            self.second = squared;
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.add(other.first);
        self.add(other.second);
        self
    }
}

impl Snapshot {
    /// Of the wrapped positions in a basis that has an inverse.
    pub fn take(basis: &Matrix3<f64>, places: &[[f64; 4]]) -> Self {
        Self {
            frame: Frame::new(basis),
            places: places.to_vec(),
        }
    }

    /// Writes the wrapped positions and returns how far they have moved since.
    pub fn wrap(
        &self,
        basis: &Matrix3<f64>,
        positions: &[Vector3<f64>],
        periods: &[Vector3<f64>],
        wrapped: &mut [[f64; 4]],
        parallel: bool,
    ) -> Option<Motion> {
        let deformation = self.frame.deformation(basis);
        let along = deformation.map_or_else(Matrix3::identity, |(matrix, _)| matrix);
        let task = |(k, wrapped): (usize, &mut [[f64; 4]])| {
            let first = k * ATOMS_PER_TASK;
            let atoms = first..first + wrapped.len();
            let mut largest = Largest::default();
            for (((position, periods), before), wrapped) in positions[atoms.clone()]
                .iter()
                .zip(&periods[atoms.clone()])
                .zip(&self.places[atoms])
                .zip(wrapped)
            {
                let inside = position - basis * periods;
                largest.add((inside - along * place(before)).norm_squared());
                wrapped[..3].copy_from_slice(inside.as_slice());
            }
            largest
        };
        let chunks = ATOMS_PER_TASK;
        let largest = if parallel {
            let each = wrapped.par_chunks_mut(chunks).enumerate().map(task);
            each.reduce(Largest::default, Largest::merge)
        } else {
            let each = wrapped.chunks_mut(chunks).enumerate().map(task);
            each.fold(Largest::default(), Largest::merge)
        };
        deformation.map(|(_, smallest_stretch)| largest.motion(smallest_stretch))
    }

    /// How far wrapped positions have moved since.
    pub fn motion(&self, basis: &Matrix3<f64>, wrapped: &[[f64; 4]]) -> Option<Motion> {
        let (deformation, smallest_stretch) = self.frame.deformation(basis)?;
        let mut largest = Largest::default();
        for (now, before) in wrapped.iter().zip(&self.places) {
            largest.add((place(now) - deformation * place(before)).norm_squared());
        }
        Some(largest.motion(smallest_stretch))
    }
}

impl Largest {
    fn motion(self, smallest_stretch: f64) -> Motion {
        Motion {
            smallest_stretch,
            two_largest: self.first.sqrt() + self.second.sqrt(),
        }
    }
}

fn place(coordinates: &[f64; 4]) -> Vector3<f64> {
    Vector3::new(coordinates[0], coordinates[1], coordinates[2])
}
