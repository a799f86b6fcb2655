//! Cyclic loading: a sinusoidal strain.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState, protocol_of_one_course};
use super::{Integration, Sample};
use crate::error::{finite, positive};
use crate::{Drive, MdError, TemperatureSchedule};

/// Settings of a cyclic loading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Largest strain γ relative to the start; its sign is that of the first quarter.
    pub amplitude: f64,
    /// Time of a cycle `[τ]`.
    pub period: f64,
    /// How many cycles.
    pub cycles: u64,
    /// Time step, frames, thermostat and barostat.
    #[serde(default)]
    pub integration: Integration,
}

impl CycleSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("temperature", self.temperature)?;
        finite("amplitude", self.amplitude)?;
        positive("period", self.period)?;
        if self.cycles == 0 {
            return Err(MdError::Setting {
                field: "cycles",
                requirement: "at least 1",
                value: 0.0,
            });
        }
        self.integration.validate()
    }

    /// Steps in all.
    pub fn total_steps(&self) -> u64 {
        self.integration.steps(self.period * self.cycles as f64)
    }
}

/// Shears a sample by γ(t) = γ(0) + amplitude sin(2π t/period) at constant pressure and
/// temperature.
#[derive(Clone, Debug)]
pub struct Cycle {
    course: Course,
}

/// The stored form of a [`Cycle`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CycleState {
    course: CourseState,
}

impl Cycle {
    /// Starts from a sample, about its strain.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range (a strain rate that the time step does not resolve
    /// among them) or a sample that cannot be simulated.
    pub fn start(
        settings: &CycleSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let integration = &settings.integration;
        let dynamics = integration.at_pressure(
            TemperatureSchedule::Constant(settings.temperature),
            Drive::CyclicShear {
                amplitude: settings.amplitude,
                period: settings.period,
            },
        );
        let steps = settings.total_steps();
        let course = Course::start(sample, force_field, dynamics, integration, steps)?;
        Ok(Self { course })
    }
}

protocol_of_one_course!(Cycle, CycleState);
