//! What can go wrong in a simulation.

use metabasin_atoms::{CellError, ConfigurationError};
use metabasin_interactions::InteractionError;
use thiserror::Error;

/// Why a simulation cannot start or go on.
#[derive(Debug, Error)]
pub enum MdError {
    /// A setting is out of its range.
    #[error("{field} must be {requirement}, got {value}")]
    Setting {
        /// Name of the field, as in the config.
        field: &'static str,
        /// What is asked of it.
        requirement: &'static str,
        /// The value given.
        value: f64,
    },
    /// Two choices exclude each other.
    #[error("{first} and {second} do not go together: {remedy}")]
    Pair {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The configuration has no velocities.
    #[error("the sample holds no velocities: draw them at a temperature first")]
    NoVelocities,
    /// Fewer than two atoms: no thermal motion relative to the center of mass.
    #[error("a simulation needs at least two atoms, got {atoms}")]
    TooFewAtoms {
        /// Number of atoms.
        atoms: usize,
    },
    /// The configuration is broken.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The cell is broken.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// The force field refuses the configuration.
    #[error(transparent)]
    Interaction(#[from] InteractionError),
    /// A stored state does not fit its description.
    #[error("the checkpoint is inconsistent: {array} has {found} entries for {atoms} atoms")]
    Checkpoint {
        /// Which array.
        array: &'static str,
        /// Its entries.
        found: usize,
        /// Number of atoms.
        atoms: usize,
    },
    /// Atoms cannot swap positions.
    #[error("no swaps with {potential}: {reason}; leave `swap` out")]
    NoSwaps {
        /// Name of the potential.
        potential: String,
        /// Why not.
        reason: &'static str,
    },
    /// A cooling ramp shows no glass transition, and a temperature that hangs on it was not given.
    #[error(
        "the cooling ramp from {from} to {to} shows no crossing of a liquid and a glass line: cool \
         further or slower, or give {instead}"
    )]
    NoFictiveTemperature {
        /// Start of the ramp `[energy]`.
        from: f64,
        /// Its end `[energy]`.
        to: f64,
        /// The setting that would be found by it.
        instead: &'static str,
    },
    /// The integration left the physics behind.
    #[error(
        "the simulation blew up at step {step} (time {time:.6} τ): {symptom}; the largest force is \
         {largest_force:.4e}; try a time_step smaller than {time_step}"
    )]
    BlowUp {
        /// Steps done.
        step: u64,
        /// Time `[τ]`.
        time: f64,
        /// What was noticed.
        symptom: Symptom,
        /// Largest norm of a force over atoms `[energy / length]`.
        largest_force: f64,
        /// The time step in use `[τ]`.
        time_step: f64,
    },
}

/// By what a blow-up was noticed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Symptom {
    /// An energy, a position or the cell is not a finite number.
    NotFinite,
    /// An atom moved more than half a length unit in one step.
    Jump {
        /// How far `[length]`.
        distance: f64,
    },
    /// The temperature left its schedule far behind.
    Temperature {
        /// Kinetic temperature `[energy]`.
        temperature: f64,
        /// The temperature that was asked for `[energy]`.
        target: f64,
    },
    /// The conserved quantity is not conserved.
    Conserved {
        /// Its change per atom since the last check `[energy]`.
        change_per_atom: f64,
    },
    /// The cell has become smaller than the force field allows.
    CellTooSmall {
        /// Volume `[length³]`.
        volume: f64,
    },
}

impl std::fmt::Display for Symptom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFinite => write!(formatter, "an energy or the cell is not a finite number"),
            Self::Jump { distance } => {
                write!(formatter, "an atom moved by {distance:.3} in one step")
            }
            Self::Temperature {
                temperature,
                target,
            } => write!(
                formatter,
                "the temperature is {temperature:.4} where {target:.4} was asked for"
            ),
            Self::Conserved { change_per_atom } => write!(
                formatter,
                "the conserved quantity changed by {change_per_atom:.4} per atom within \
                 {} steps",
                crate::simulation::CHECK_INTERVAL
            ),
            Self::CellTooSmall { volume } => write!(
                formatter,
                "the cell shrank to a volume of {volume:.4}, too small for the cutoff"
            ),
        }
    }
}

pub(crate) fn positive(field: &'static str, value: f64) -> Result<(), MdError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(MdError::Setting {
            field,
            requirement: "positive and finite",
            value,
        })
    }
}

pub(crate) fn finite(field: &'static str, value: f64) -> Result<(), MdError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(MdError::Setting {
            field,
            requirement: "finite",
            value,
        })
    }
}
