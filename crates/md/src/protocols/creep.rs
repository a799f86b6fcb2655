//! Creep: a shear stress from outside, and the strain that follows.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState, protocol_of_one_course};
use super::{Integration, Sample};
use crate::error::{finite, positive};
use crate::{MdError, TemperatureSchedule};

/// Settings of a creep test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreepSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Shear stress σ_xy from outside, either sign `[energy / length³]`.
    pub stress: f64,
    /// How long `[τ]`.
    pub duration: f64,
    /// Time step, frames, thermostat and barostat.
    #[serde(default)]
    pub integration: Integration,
}

impl CreepSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("temperature", self.temperature)?;
        finite("stress", self.stress)?;
        positive("duration", self.duration)?;
        self.integration.validate()
    }

    /// Steps in all.
    pub fn total_steps(&self) -> u64 {
        self.integration.steps(self.duration)
    }
}

/// Holds a sample at a constant shear stress, pressure and temperature: the tilt is free.
///
/// The stress comes at once, so the strain overshoots and rings for a few times the relaxation
/// time of the tilt before it creeps.
#[derive(Clone, Debug)]
pub struct Creep {
    course: Course,
}

/// The stored form of a [`Creep`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreepState {
    course: CourseState,
}

impl Creep {
    /// Starts from a sample and counts on from its strain.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range or a sample that cannot be simulated.
    pub fn start(
        settings: &CreepSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let integration = &settings.integration;
        let dynamics = integration.at_pressure(
            TemperatureSchedule::Constant(settings.temperature),
            integration.shear_stress(settings.stress),
        );
        let steps = settings.total_steps();
        let course = Course::start(sample, force_field, dynamics, integration, steps)?;
        Ok(Self { course })
    }
}

protocol_of_one_course!(Creep, CreepState);
