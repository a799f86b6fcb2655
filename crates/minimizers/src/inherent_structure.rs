//! Inherent structures: configurations at a minimum of their energy.

use std::sync::Arc;

use metabasin_atoms::{Configuration, ConfigurationError, Interrupt, Stress};
use metabasin_interactions::{
    EnergyLandscape, FixedCell, ForceField, InteractionError, Kernel, Potential,
};
use thiserror::Error;

use crate::{Minimization, MinimizationOutcome, Minimizer, TruncatedNewton};

/// Why there is no inherent structure.
#[derive(Debug, Error)]
pub enum MinimizeError {
    /// The configuration itself is unsound.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The potential cannot be applied to the configuration.
    #[error(transparent)]
    Interaction(#[from] InteractionError),
    /// The tolerance is not a positive number.
    #[error("the force tolerance must be positive and finite, got {0}")]
    Tolerance(f64),
    /// The minimizer did not get below the tolerance.
    #[error("{minimizer} did not reach a largest force below {force_tolerance:e}: it {outcome}")]
    NotConverged {
        /// Name of the minimizer.
        minimizer: &'static str,
        /// What was asked for `[energy / length]`.
        force_tolerance: f64,
        /// What it says.
        outcome: MinimizationOutcome,
    },
}

/// A configuration at a local minimum of its potential energy at fixed cell, made only by a
/// minimization that converged.
///
/// It remembers by which potential (with its cut) and to which tolerance.
#[derive(Clone, Debug)]
pub struct InherentStructure {
    configuration: Configuration,
    force_field: ForceField,
    force_tolerance: f64,
    energy: f64,
    stress: Stress,
    largest_force: f64,
}

impl InherentStructure {
    /// Quenches a configuration at fixed cell until every force is below `force_tolerance`
    /// `[energy / length]`; velocities are dropped, ids and the order of the atoms kept.
    ///
    /// # Errors
    /// [`MinimizeError`] if the configuration is unsound or unfit for the potential, if the
    /// tolerance is not positive, or if the minimizer does not converge.
    ///
    /// # Panics
    /// If the minimizer returns a point of another dimension.
    pub fn quench(
        configuration: &Configuration,
        force_field: ForceField,
        minimizer: &dyn Minimizer,
        force_tolerance: f64,
    ) -> Result<(Self, Minimization), MinimizeError> {
        configuration.validate()?;
        if !(force_tolerance > 0.0 && force_tolerance.is_finite()) {
            return Err(MinimizeError::Tolerance(force_tolerance));
        }
        let mut landscape = FixedCell::new(configuration, force_field)?;
        // A neighbor list built elsewhere would show in the last bits.
        landscape.force_field().invalidate();
        let start = landscape.start();
        let found = minimizer.minimize(&mut landscape, &start, force_tolerance);
        if !found.converged() {
            return Err(MinimizeError::NotConverged {
                minimizer: minimizer.name(),
                force_tolerance,
                outcome: found.outcome,
            });
        }
        landscape.force_field().invalidate();
        let stress = landscape
            .stress(&found.x)
            .expect("atoms in a cell have a stress");
        let quenched = Self {
            configuration: landscape.configuration_at(&found.x),
            force_field: landscape.force_field().clone(),
            force_tolerance,
            energy: found.energy,
            stress,
            largest_force: found.largest_force,
        };
        Ok((quenched, found))
    }

    /// The same minimum to a tighter tolerance, by [`TruncatedNewton`].
    ///
    /// # Errors
    /// As [`InherentStructure::quench`].
    pub fn polished(&self, force_tolerance: f64) -> Result<Self, MinimizeError> {
        let minimizer = TruncatedNewton::default();
        let (polished, _) = Self::quench(
            &self.configuration,
            self.force_field.clone(),
            &minimizer,
            force_tolerance,
        )?;
        Ok(polished)
    }

    /// The atoms, without velocities.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Potential energy `[energy]`.
    pub fn energy(&self) -> f64 {
        self.energy
    }

    /// Virial stress: all there is without motion `[energy / length³]`.
    pub fn stress(&self) -> Stress {
        self.stress
    }

    /// Largest norm of a force `[energy / length]`.
    pub fn largest_force(&self) -> f64 {
        self.largest_force
    }

    /// A force field of the potential that the minimum belongs to, with no memory.
    pub fn force_field(&self) -> ForceField {
        self.force_field.clone()
    }

    /// The request that ends work that starts from it.
    pub fn interrupt(&self) -> &Interrupt {
        self.force_field.interrupt()
    }

    /// The potential that the minimum belongs to.
    pub fn potential(&self) -> &Arc<dyn Potential> {
        self.force_field.potential()
    }

    /// The kernel that summed its pairs.
    pub fn kernel(&self) -> Kernel {
        self.force_field.kernel()
    }

    /// The largest force that was asked for `[energy / length]`.
    pub fn force_tolerance(&self) -> f64 {
        self.force_tolerance
    }

    /// The landscape that it is a minimum of.
    ///
    /// # Panics
    /// Never: the configuration was fit for the potential when it was quenched.
    pub fn landscape(&self) -> FixedCell {
        FixedCell::new(&self.configuration, self.force_field.clone())
            .expect("the configuration was fit for the potential when it was quenched")
    }

    /// Its coordinates on [`InherentStructure::landscape`].
    pub fn coordinates(&self) -> Vec<f64> {
        metabasin_interactions::flatten(&self.configuration.positions)
    }
}
