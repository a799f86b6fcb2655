//! What must be stored so that a run can go on with the same bits.

use metabasin_atoms::Configuration;
use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::{Inertia, Simulation, degrees_of_freedom};
use crate::chain::Chain;
use crate::frame::Sums;
use crate::{Drive, Dynamics, MdError};

/// Everything that moves beside the atoms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Motion {
    pub(super) step: u64,
    /// Accumulated simple shear.
    pub(super) gamma: f64,
    /// ε̇, a third of the relative rate of the volume `[1/τ]`.
    pub(super) swelling_rate: f64,
    /// γ̇, given or free `[1/τ]`.
    pub(super) shear_rate: f64,
    pub(super) atom_chain: Option<Chain>,
    pub(super) cell_chain: Option<Chain>,
    /// ∫ V σ_xy γ̇ dt of a driven shear, and what swaps of atoms brought in `[energy]`.
    pub(super) work: f64,
    pub(super) sums: Sums,
    /// Kinetic temperature at step 0, for blow-up checks `[energy]`.
    pub(super) start_temperature: f64,
    /// Conserved quantity at the last check `[energy]`.
    pub(super) last_conserved: f64,
}

impl Motion {
    pub(super) fn at_rest(dynamics: &Dynamics, atoms: usize) -> Self {
        let thermal_energy = dynamics.temperature.mean();
        let chain = |degrees_of_freedom: f64, time_constant: f64| {
            dynamics.thermostat.map(|thermostat| {
                Chain::new(
                    degrees_of_freedom,
                    thermal_energy,
                    time_constant,
                    thermostat.length,
                )
            })
        };
        let free = Inertia::new(dynamics, atoms).count();
        let cell_time = match (dynamics.barostat, dynamics.drive) {
            (Some(barostat), _) => barostat.time_constant,
            (None, Drive::ZeroShearStress { time_constant }) => time_constant,
            (None, _) => 1.0,
        };
        Self {
            step: 0,
            gamma: 0.0,
            swelling_rate: 0.0,
            shear_rate: dynamics.shear_rate(),
            atom_chain: chain(
                degrees_of_freedom(atoms),
                dynamics.thermostat.map_or(1.0, |t| t.time_constant),
            ),
            cell_chain: if free > 0 {
                chain(free as f64, cell_time)
            } else {
                None
            },
            work: 0.0,
            sums: Sums::default(),
            start_temperature: 0.0,
            last_conserved: 0.0,
        }
    }
}

/// A stored moment of a [`Simulation`]: configuration with peculiar velocities, strain, step,
/// thermostat and cell variables, running averages.
///
/// Numbers survive JSON (with `float_roundtrip`) and RON exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    dynamics: Dynamics,
    configuration: Configuration,
    motion: Motion,
}

impl Checkpoint {
    /// The stored configuration with its peculiar velocities.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The stored simple shear γ.
    pub fn gamma(&self) -> f64 {
        self.motion.gamma
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.motion.step
    }
}

impl Simulation {
    /// Stores this moment. The simulation is refreshed ([`Simulation::refresh`]), so that going on
    /// and restarting from the checkpoint give the same bits.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.refresh();
        self.snapshot()
    }

    /// A checkpoint of a simulation that was refreshed since its last step.
    pub(crate) fn snapshot(&self) -> Checkpoint {
        Checkpoint {
            dynamics: self.dynamics.clone(),
            configuration: self.configuration(),
            motion: self.motion.clone(),
        }
    }

    /// Continues from a checkpoint with an equal force field.
    ///
    /// # Errors
    /// [`MdError`] where the stored arrays do not fit together or the force field refuses them.
    pub fn restore(checkpoint: Checkpoint, force_field: ForceField) -> Result<Self, MdError> {
        let Checkpoint {
            dynamics,
            configuration,
            motion,
        } = checkpoint;
        configuration.validate()?;
        dynamics.validate()?;
        let atoms = configuration.len();
        if atoms < 2 {
            return Err(MdError::TooFewAtoms { atoms });
        }
        let expected = Motion::at_rest(&dynamics, atoms);
        let pairs = [
            ("atom chain", &motion.atom_chain, &expected.atom_chain),
            ("cell chain", &motion.cell_chain, &expected.cell_chain),
        ];
        for (array, found, expected) in pairs {
            let found = found.as_ref().map_or(0, Chain::len);
            if found != expected.as_ref().map_or(0, Chain::len) {
                return Err(MdError::Checkpoint {
                    array,
                    found,
                    atoms,
                });
            }
        }
        Self::assemble(configuration, force_field, dynamics, motion)
    }
}
