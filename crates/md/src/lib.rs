//! Molecular dynamics of glasses: ensembles, shear, unloading and recovery.
//!
//! Read in this order: [`Dynamics`] describes ensemble and drive as plain data; [`Simulation`] is
//! a configuration in motion; [`Frame`] is what it reports, [`Checkpoint`] what it can go on from;
//! [`initial_liquid`] is where a sample begins; the [`Protocol`]s are the experiments ([`Prepare`],
//! [`Equilibrate`], [`Shear`], [`Unload`], [`Recover`], [`Relax`], [`Creep`], [`Cycle`]), and
//! [`analysis`] reads their curves. [`SwapMonteCarlo`] exchanges unlike atoms between pieces of dynamics.

pub mod analysis;
mod chain;
mod dynamics;
mod error;
mod frame;
mod initial;
mod protocols;
mod simulation;
mod swap;
#[cfg(test)]
mod tests_support;

pub use dynamics::{Barostat, Drive, Dynamics, RandomAddress, TemperatureSchedule, Thermostat};
pub use error::{MdError, Symptom};
pub use frame::{Frame, Mean, Observer, Unobserved};
pub use initial::initial_liquid;
pub use protocols::{
    ConstantVolume, Cooling, CourseState, Creep, CreepSettings, CreepState, Cycle, CycleSettings,
    CycleState, Equilibrate, EquilibrateState, Held, Hold, HoldSettings, HoldState, Integration,
    Prepare, PrepareHold, PrepareSettings, PrepareState, Prepared, Protocol, Recover, Reference,
    Relax, Sample, Shear, ShearSettings, ShearState, Status, Unload, UnloadSettings, UnloadState,
    Unloaded, largest_stress, shear_stresses, strains, times,
};
pub use simulation::{Checkpoint, Simulation};
pub use swap::{SwapCounts, SwapMonteCarlo, SwapSettings};
