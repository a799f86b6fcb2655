//! Free volume and free tilt for a while: recovery after unloading, and its control.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState};
use super::{Integration, Protocol, Sample, Status};
use crate::error::positive;
use crate::{Frame, MdError, Observer, TemperatureSchedule};

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

impl Protocol for Hold {
    type State = HoldState;

    fn status(&self) -> Status {
        Status {
            done_steps: self.course.steps(),
            total_steps: self.course.total_steps(),
            finished: self.course.finished(),
        }
    }

    fn advance(&mut self, steps: u64, observer: &mut dyn Observer) -> Result<Status, MdError> {
        self.course.advance(steps, observer)?;
        Ok(self.status())
    }

    fn state(&self) -> HoldState {
        HoldState {
            course: self.course.state(),
        }
    }

    fn restore(state: HoldState, force_field: ForceField) -> Result<Self, MdError> {
        let course = Course::restore(state.course, force_field)?;
        Ok(Self { course })
    }

    fn frames(&self) -> &[Frame] {
        &self.course.frames
    }

    fn sample(&self) -> Sample {
        self.course.sample()
    }
}
