//! How trajectories around the minimum of a catalogue are run: what `recall`, `harvest` and `step` share.

use serde::Serialize;

use crate::PipelineError;
use crate::config::KernelChoice;
use crate::escape::{TrajectorySettings, positive};

/// Langevin dynamics at the cell of a catalogue's minimum.
#[derive(Clone, Debug, Serialize)]
pub struct TrajectoryDynamics {
    /// k_B T `[energy]`; none: that of the sample.
    pub temperature: Option<f64>,
    /// Relaxation time of the thermostat `[τ]`.
    pub friction_time: f64,
    /// Time step `[τ]`.
    pub time_step: f64,
    /// Seed.
    pub seed: u64,
    /// Force kernel.
    pub kernel: KernelChoice,
}

impl Default for TrajectoryDynamics {
    fn default() -> Self {
        Self {
            temperature: None,
            friction_time: 5.0,
            time_step: 0.005,
            seed: 1,
            kernel: KernelChoice::default(),
        }
    }
}

impl TrajectoryDynamics {
    /// # Errors
    /// A time that is not positive and finite, by the name of its switch.
    pub(crate) fn check(&self) -> Result<(), PipelineError> {
        positive("--friction-time", self.friction_time)?;
        positive("--time-step", self.time_step)
    }

    /// Trajectories that are looked at every `interval` `[τ]`.
    pub(crate) fn looked_at_every(&self, interval: f64) -> TrajectorySettings {
        TrajectorySettings {
            friction_time: self.friction_time,
            time_step: self.time_step,
            interval,
            seed: self.seed,
        }
    }
}
