//! Loading: simple shear at a constant rate.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState, protocol_of_one_course};
use super::{Integration, Sample};
use crate::error::{finite, positive};
use crate::{Drive, MdError, TemperatureSchedule};

/// Settings of a loading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShearSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// |dγ/dt| `[1/τ]`; the sign follows from where the sample is and where it goes.
    pub rate: f64,
    /// Strain γ to reach, either sign.
    pub final_strain: f64,
    /// Time step, frames, thermostat and barostat.
    #[serde(default)]
    pub integration: Integration,
}

impl ShearSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("temperature", self.temperature)?;
        positive("rate", self.rate)?;
        finite("final_strain", self.final_strain)?;
        self.integration.validate()
    }

    /// Steps from strain `start` to the final one.
    pub fn total_steps(&self, start: f64) -> u64 {
        let duration = (self.final_strain - start).abs() / self.rate;
        self.integration.steps(duration)
    }
}

/// Shears a sample at constant rate, pressure and temperature to a final strain.
#[derive(Clone, Debug)]
pub struct Shear {
    course: Course,
}

/// The stored form of a [`Shear`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShearState {
    course: CourseState,
}

impl Shear {
    /// Starts from a sample, at its strain.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range or a sample that cannot be simulated.
    pub fn start(
        settings: &ShearSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let integration = &settings.integration;
        let rate = settings.rate.copysign(settings.final_strain - sample.gamma);
        let dynamics = integration.at_pressure(
            TemperatureSchedule::Constant(settings.temperature),
            Drive::Shear { rate },
        );
        let steps = settings.total_steps(sample.gamma);
        let course = Course::start(sample, force_field, dynamics, integration, steps)?;
        Ok(Self { course })
    }
}

protocol_of_one_course!(Shear, ShearState);
