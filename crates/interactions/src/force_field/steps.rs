//! What steps of dynamics ask for.

use std::sync::Arc;

use metabasin_atoms::{Cell, Species};
use metabasin_neighbors::Coordinates;
use nalgebra::Vector3;

use super::{Evaluation, ForceField, energy_without_list, evaluation};
use crate::clusters::ClusterPotential;
use crate::potential::{Execution, Potential, Precision, StepVirial};

impl ForceField {
    /// [`ForceField::evaluate`], in double precision too, from the list that
    /// [`ForceField::step_forces`] keeps: that of clusters where steps are in [`Precision::Mixed`].
    ///
    /// # Panics
    /// If `positions`, `species` and `forces` differ in length.
    pub fn evaluate_step(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        forces: &mut [Vector3<f64>],
    ) -> Evaluation {
        assert_eq!(positions.len(), forces.len(), "one force an atom");
        let potential = Arc::clone(&self.potential);
        let Some(model) = self.clusters_of_steps(&*potential) else {
            return self.evaluate(cell, positions, species, forces);
        };
        let totals = self
            .update_clusters(cell, positions, species, Coordinates::Doubles)
            .map(|execution| {
                model.evaluate_clusters(&self.clusters, execution, &mut self.sums, forces)
            });
        evaluation(cell, totals, forces)
    }

    /// The model as steps in mixed precision need it; `None` where they are in double precision.
    fn clusters_of_steps<'a>(
        &self,
        potential: &'a dyn Potential,
    ) -> Option<&'a dyn ClusterPotential> {
        match self.precision {
            Precision::Double => None,
            Precision::Mixed => potential.as_clusters(),
        }
    }

    /// Forces for a step of dynamics in the chosen [`Precision`]: overwrites `forces` with the force
    /// on each atom, and returns what the step needs of the virial.
    ///
    /// # Panics
    /// If `positions`, `species` and `forces` differ in length.
    pub fn step_forces(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        forces: &mut [Vector3<f64>],
    ) -> StepVirial {
        assert_eq!(positions.len(), forces.len(), "one force an atom");
        let potential = Arc::clone(&self.potential);
        let virial = match self.clusters_of_steps(&*potential) {
            Some(model) => self
                .update_clusters(cell, positions, species, Coordinates::FixedPoints)
                .map(|execution| {
                    model.mixed_forces(&self.clusters, execution, &mut self.sums, forces)
                }),
            None => self
                .update(cell, positions, species)
                .map(|execution| potential.step_forces(&self.list, execution, forces)),
        };
        virial.unwrap_or_else(|_| {
            forces.fill(Vector3::repeat(f64::NAN));
            StepVirial {
                trace: f64::NAN,
                xy: f64::NAN,
            }
        })
    }

    /// Brings the list of clusters up to date; the energy to report where that is impossible.
    fn update_clusters(
        &mut self,
        cell: &Cell,
        positions: &[Vector3<f64>],
        species: &[Species],
        coordinates: Coordinates,
    ) -> Result<Execution, f64> {
        self.check_species(species)?;
        let execution = self.execution(positions.len());
        let clusters = &mut self.clusters;
        clusters.set_parallel(execution.parallel);
        let updated = clusters.update(cell, positions, species, coordinates);
        updated.map_err(energy_without_list)?;
        Ok(execution)
    }
}
