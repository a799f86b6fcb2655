//! What must be stored so that a run can go on with the same bits.

use metabasin_atoms::Configuration;
use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::heat::cell_time_constant;
use super::inertia::Inertia;
use super::linear_map::UpperTriangular;
use super::{Simulation, degrees_of_freedom};
use crate::chain::Chain;
use crate::frame::Sums;
use crate::{Dynamics, MdError, Thermostat};

/// Everything that moves beside the atoms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Motion {
    pub(super) step: u64,
    /// Accumulated simple shear.
    pub(super) gamma: f64,
    /// G of the affine flow ṙ = v + G r, ḣ = G h: ε̇ on its diagonal where the volume moves alone,
    /// γ̇ at xy, given or free `[1/τ]`.
    pub(super) gradient: UpperTriangular,
    pub(super) atom_chain: Option<Chain>,
    pub(super) cell_chain: Option<Chain>,
    /// What the drive did: ∫ V σ_xy γ̇ dt of a prescribed shear, ∫ V σ_ext γ̇ dt of a shear stress
    /// from outside; and what swaps of atoms brought in `[energy]`.
    pub(super) work: f64,
    /// What stochastic thermostats and barostats gave `[energy]`.
    pub(super) injected: f64,
    pub(super) sums: Sums,
    /// Kinetic temperature at step 0, for blow-up checks `[energy]`.
    pub(super) start_temperature: f64,
    /// Conserved quantity at the last check `[energy]`.
    pub(super) last_conserved: f64,
}

impl Motion {
    pub(super) fn at_rest(dynamics: &Dynamics, atoms: usize) -> Self {
        let thermal_energy = dynamics.temperature.mean();
        let chain = |degrees_of_freedom: f64, cell_time: Option<f64>| match dynamics.thermostat {
            Some(Thermostat::NoseHooverChain {
                time_constant,
                length,
            }) => Some(Chain::new(
                degrees_of_freedom,
                thermal_energy,
                cell_time.unwrap_or(time_constant),
                length,
            )),
            _ => None,
        };
        let free = Inertia::new(dynamics, atoms).count();
        Self {
            step: 0,
            gamma: 0.0,
            gradient: UpperTriangular([0.0; 6]),
            atom_chain: chain(degrees_of_freedom(atoms), None),
            cell_chain: if free > 0 {
                chain(free as f64, Some(cell_time_constant(dynamics)))
            } else {
                None
            },
            work: 0.0,
            injected: 0.0,
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
