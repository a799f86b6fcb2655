//! Free volume and free tilt for a while: recovery after unloading, and its control.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState, protocol_of_one_course};
use super::{Integration, Sample};
use crate::error::positive;
use crate::{MdError, TemperatureSchedule};

/// Settings of a hold at zero shear stress and constant pressure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// How long `[τ]`.
    pub duration: f64,
    /// Time step, frames, thermostat and barostat.
    #[serde(default)]
    pub integration: Integration,
}

impl HoldSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("temperature", self.temperature)?;
        positive("duration", self.duration)?;
        self.integration.validate()
    }

    /// Steps in all.
    pub fn total_steps(&self) -> u64 {
        self.integration.steps(self.duration)
    }
}

/// Zero shear stress (free xy tilt) at constant pressure and temperature: strain recovery
/// ([`super::Recover`]) where the sample was loaded before, its control ([`super::Relax`]) where not.
#[derive(Clone, Debug)]
pub struct Hold {
    course: Course,
}

/// The stored form of a [`Hold`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldState {
    course: CourseState,
}

impl Hold {
    /// Starts from a sample and counts on from its strain.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range or a sample that cannot be simulated.
    pub fn start(
        settings: &HoldSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let integration = &settings.integration;
        let dynamics = integration.at_pressure(
            TemperatureSchedule::Constant(settings.temperature),
            integration.zero_shear_stress(),
        );
        let steps = settings.total_steps();
        let course = Course::start(sample, force_field, dynamics, integration, steps)?;
        Ok(Self { course })
    }
}

protocol_of_one_course!(Hold, HoldState);
