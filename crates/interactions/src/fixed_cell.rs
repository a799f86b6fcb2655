//! Atoms in a cell of fixed shape as an energy landscape.

use metabasin_atoms::{Cell, Configuration, Stress};
use nalgebra::Vector3;

use crate::{EnergyLandscape, ForceField, HessianBlocks, InteractionError, largest_norm};

/// The energy of a configuration's atoms as a function of their positions, the cell fixed;
/// coordinates in the order x₀ y₀ z₀ x₁ ...
///
/// Its energy is exact to the order of summation: two histories of calls that built neighbor lists
/// at different places may differ in the last bits (well below
/// [`EnergyLandscape::energy_resolution`]). A clone starts without a list, so whatever is computed
/// by a fresh clone is repeatable bit by bit.
#[derive(Clone, Debug)]
pub struct FixedCell {
    /// Cell, species, ids and masses; its positions are those that the landscape was made with.
    configuration: Configuration,
    force_field: ForceField,
    positions: Vec<Vector3<f64>>,
    vectors: Vec<Vector3<f64>>,
    direction: Vec<Vector3<f64>>,
}

/// Coordinates of vectors, one after another.
pub fn flatten(vectors: &[Vector3<f64>]) -> Vec<f64> {
    vectors.iter().flat_map(|v| [v.x, v.y, v.z]).collect()
}

/// The inverse of [`flatten`]; a remainder of one or two numbers is dropped.
pub fn unflatten(coordinates: &[f64]) -> Vec<Vector3<f64>> {
    coordinates
        .chunks_exact(3)
        .map(Vector3::from_column_slice)
        .collect()
}

fn copy_into(coordinates: &[f64], vectors: &mut [Vector3<f64>]) {
    assert_eq!(
        coordinates.len(),
        3 * vectors.len(),
        "three coordinates an atom"
    );
    for (vector, chunk) in vectors.iter_mut().zip(coordinates.chunks_exact(3)) {
        vector.copy_from_slice(chunk);
    }
}

impl FixedCell {
    /// The landscape of `configuration` in its cell; velocities are dropped.
    ///
    /// # Errors
    /// As [`ForceField::check`].
    pub fn new(
        configuration: &Configuration,
        force_field: ForceField,
    ) -> Result<Self, InteractionError> {
        force_field.check(configuration)?;
        let zeros = vec![Vector3::zeros(); configuration.len()];
        Ok(Self {
            configuration: Configuration {
                velocities: None,
                ..configuration.clone()
            },
            force_field,
            positions: configuration.positions.clone(),
            vectors: zeros.clone(),
            direction: zeros,
        })
    }

    /// The coordinates of the configuration that the landscape was made with.
    pub fn start(&self) -> Vec<f64> {
        flatten(&self.configuration.positions)
    }

    /// The configuration at coordinates `x`.
    ///
    /// # Panics
    /// If `x` does not hold three coordinates an atom.
    pub fn configuration_at(&self, x: &[f64]) -> Configuration {
        assert_eq!(
            x.len(),
            3 * self.configuration.len(),
            "three coordinates an atom"
        );
        Configuration {
            positions: unflatten(x),
            ..self.configuration.clone()
        }
    }

    /// The configuration that the landscape was made with, without velocities.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The cell.
    pub fn cell(&self) -> &Cell {
        &self.configuration.cell
    }

    /// The force field underneath.
    pub fn force_field(&mut self) -> &mut ForceField {
        &mut self.force_field
    }
}

impl EnergyLandscape for FixedCell {
    fn dimension(&self) -> usize {
        3 * self.configuration.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        copy_into(x, &mut self.positions);
        assert_eq!(
            gradient.len(),
            x.len(),
            "one gradient component a coordinate"
        );
        let evaluation = self.force_field.evaluate(
            &self.configuration.cell,
            &self.positions,
            &self.configuration.species,
            &mut self.vectors,
        );
        for (chunk, force) in gradient.chunks_exact_mut(3).zip(&self.vectors) {
            chunk.copy_from_slice(&[-force.x, -force.y, -force.z]);
        }
        evaluation.energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        copy_into(x, &mut self.positions);
        copy_into(v, &mut self.direction);
        assert_eq!(product.len(), x.len(), "one product component a coordinate");
        self.force_field.hessian_vector(
            &self.configuration.cell,
            &self.positions,
            &self.configuration.species,
            &self.direction,
            &mut self.vectors,
        );
        for (chunk, vector) in product.chunks_exact_mut(3).zip(&self.vectors) {
            chunk.copy_from_slice(vector.as_slice());
        }
    }

    fn hessian_blocks(&mut self, x: &[f64], weakest: f64) -> Option<HessianBlocks> {
        copy_into(x, &mut self.positions);
        self.force_field.hessian_blocks(
            &self.configuration.cell,
            &self.positions,
            &self.configuration.species,
            weakest,
        )
    }

    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        copy_into(x, &mut self.positions);
        let evaluation = self.force_field.evaluate(
            &self.configuration.cell,
            &self.positions,
            &self.configuration.species,
            &mut self.vectors,
        );
        Some(evaluation.virial_stress)
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        largest_norm(gradient)
    }

    fn translation_invariant(&self) -> bool {
        true
    }

    fn is_interrupted(&self) -> bool {
        self.force_field.is_interrupted()
    }

    /// Ten roundings of the energy, or of one unit of energy an atom where that is more.
    fn energy_resolution(&self, energy: f64) -> f64 {
        10.0 * f64::EPSILON * energy.abs().max(self.configuration.len() as f64)
    }
}
