//! The experiments: prepare, equilibrate, shear, unload, recover, relax, creep, cycle.
//!
//! Each is a resumable machine: `start` it, [`Protocol::advance`] it in pieces of any size, store
//! [`Protocol::state`] between two pieces, `restore` it, and ask for its outcome when it has
//! finished. A protocol rests only at frames, and refreshes its simulation there, so neither the
//! size of the pieces nor a stop and restart changes a bit of the result.

mod course;
mod creep;
mod cycle;
mod equilibrate;
mod hold;
mod keeper;
mod prepare;
mod shear;
mod unload;

use metabasin_atoms::Configuration;
use metabasin_interactions::ForceField;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use course::CourseState;
pub use creep::{Creep, CreepSettings, CreepState};
pub use cycle::{Cycle, CycleSettings, CycleState};
pub use equilibrate::{Equilibrate, EquilibrateState, Reference};
pub use hold::{Hold, HoldSettings, HoldState};
pub use prepare::{
    ConstantVolume, Cooling, Held, Prepare, PrepareHold, PrepareSettings, PrepareState, Prepared,
};
pub use shear::{Shear, ShearSettings, ShearState};
pub use unload::{Unload, UnloadSettings, UnloadState, Unloaded};

use crate::{
    Barostat, Drive, Dynamics, Frame, MdError, Observer, RandomAddress, TemperatureSchedule,
    Thermostat,
};

/// Strain recovery: zero shear stress and zero pressure after unloading.
pub type Recover = Hold;
/// Zero shear stress and zero pressure without any load: the control.
pub type Relax = Hold;

/// A configuration with peculiar velocities and the strain that it carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The atoms; velocities are needed.
    pub configuration: Configuration,
    /// Simple shear γ since the reference state.
    pub gamma: f64,
}

impl Sample {
    /// A sample at γ = 0.
    pub fn unstrained(configuration: Configuration) -> Self {
        Self {
            configuration,
            gamma: 0.0,
        }
    }
}

/// How far a protocol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Steps done.
    pub done_steps: u64,
    /// Steps in all; an upper bound where the protocol decides itself when to stop.
    pub total_steps: u64,
    /// Whether it is over.
    pub finished: bool,
}

/// How equations of motion are integrated and watched, shared by all protocols.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Integration {
    /// Time step `[τ]`.
    pub time_step: f64,
    /// Steps between two frames.
    pub frame_interval: u64,
    /// The thermostat.
    pub thermostat: Thermostat,
    /// The barostat.
    pub barostat: Barostat,
    /// Relaxation time of a free tilt `[τ]`.
    pub tilt_time_constant: f64,
    /// Where stochastic thermostats and barostats take their random numbers from.
    pub random: RandomAddress,
}

impl Default for Integration {
    fn default() -> Self {
        Self {
            time_step: 0.002778,
            frame_interval: 100,
            thermostat: Thermostat::default(),
            barostat: Barostat::default(),
            tilt_time_constant: 2.0,
            random: RandomAddress::default(),
        }
    }
}

impl Integration {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        if self.frame_interval == 0 {
            return Err(MdError::Setting {
                field: "frame_interval",
                requirement: "at least 1",
                value: 0.0,
            });
        }
        self.at_pressure(TemperatureSchedule::Constant(1.0), self.zero_shear_stress())
            .validate()
    }

    fn at_volume(&self, temperature: TemperatureSchedule) -> Dynamics {
        Dynamics {
            time_step: self.time_step,
            temperature,
            thermostat: Some(self.thermostat),
            barostat: None,
            drive: Drive::None,
            random: self.random,
        }
    }

    fn at_pressure(&self, temperature: TemperatureSchedule, drive: Drive) -> Dynamics {
        Dynamics {
            barostat: Some(self.barostat),
            drive,
            ..self.at_volume(temperature)
        }
    }

    /// A free tilt; a full cell has one already.
    fn zero_shear_stress(&self) -> Drive {
        if matches!(self.barostat, Barostat::FullCell { .. }) {
            return Drive::None;
        }
        Drive::ZeroShearStress {
            time_constant: self.tilt_time_constant,
        }
    }

    /// A tilt under a shear stress from outside.
    fn shear_stress(&self, stress: f64) -> Drive {
        Drive::ConstantShearStress {
            stress,
            time_constant: self.tilt_time_constant,
        }
    }

    /// Whole steps that last at least `duration` `[τ]`.
    fn steps(&self, duration: f64) -> u64 {
        // Rounding must not add a step to a whole number of them.
        (duration / self.time_step - 1e-9).ceil().max(0.0) as u64
    }
}

/// A resumable experiment.
///
/// It rests only at frames and refreshes its simulation there ([`crate::Simulation::refresh`]), so
/// neither the size of the pieces in which it is advanced nor a stop and restart changes a bit of
/// the result.
pub trait Protocol: Sized {
    /// What must be stored to go on.
    type State: Clone + Serialize + DeserializeOwned;

    /// How far it is.
    fn status(&self) -> Status;

    /// Goes on for at least `steps` steps (one frame at least), up to the next frame or the end.
    /// The first call shows the observer the start as well.
    ///
    /// # Errors
    /// [`MdError::BlowUp`].
    fn advance(&mut self, steps: u64, observer: &mut dyn Observer) -> Result<Status, MdError>;

    /// What must be stored to go on.
    fn state(&self) -> Self::State;

    /// Goes on from a stored state with an equal force field.
    ///
    /// # Errors
    /// [`MdError`] for a broken state.
    fn restore(state: Self::State, force_field: ForceField) -> Result<Self, MdError>;

    /// Frames so far (of a preparation: of the cooling ramp); the start is not among them.
    fn frames(&self) -> &[Frame];

    /// The sample as it is now.
    fn sample(&self) -> Sample;

    /// Runs to the end.
    ///
    /// # Errors
    /// As [`Protocol::advance`].
    fn finish(&mut self, observer: &mut dyn Observer) -> Result<Status, MdError> {
        loop {
            let status = self.advance(u64::from(u16::MAX), observer)?;
            if status.finished {
                return Ok(status);
            }
        }
    }
}

/// Mean strain of each frame's interval.
pub fn strains(frames: &[Frame]) -> Vec<f64> {
    frames.iter().map(|frame| frame.mean.gamma).collect()
}

/// Mean shear stress of each frame's interval `[energy / length³]`.
pub fn shear_stresses(frames: &[Frame]) -> Vec<f64> {
    frames
        .iter()
        .map(|frame| frame.mean.shear_stress())
        .collect()
}

/// Time of each frame `[τ]`.
pub fn times(frames: &[Frame]) -> Vec<f64> {
    frames.iter().map(|frame| frame.time).collect()
}

/// The largest |τ| of a noisy curve: of its running mean over a twentieth of the frames.
pub fn largest_stress(frames: &[Frame]) -> f64 {
    let stresses = shear_stresses(frames);
    let width = (stresses.len() / 20).max(1);
    stresses
        .windows(width)
        .map(|window| (window.iter().sum::<f64>() / width as f64).abs())
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
