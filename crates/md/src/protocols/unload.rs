//! Unloading: back at a constant rate, well past zero stress.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState};
use super::keeper::Keeper;
use super::{Integration, Protocol, Sample, Status, shear_stresses, strains};
use crate::analysis::{ZeroStress, zero_stress_root};
use crate::error::positive;
use crate::{Drive, Frame, MdError, Observer, TemperatureSchedule};

/// Frames in the fit window before it may end the unloading.
const FEWEST_FRAMES: usize = 20;
/// Relative error of the slope above which a fit is not believed.
const SLOPE_ERROR: f64 = 0.25;
/// An unloading goes at least this share of its starting strain beyond γ = 0 (less where the strain
/// limit comes first): a window of a few noisy frames may look covered long before the stress is
/// gone.
const LEAST_BEYOND: f64 = 0.3;
/// Samples are kept once the running stress is below this share of the largest one.
const KEEP_BELOW: f64 = 0.5;

/// Settings of an unloading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnloadSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// |dγ/dt| `[1/τ]`, not below the fastest loading rate.
    pub rate: f64,
    /// Largest |τ| of the loading ([`super::largest_stress`]): the fit takes |τ| below 0.3 of it
    /// `[energy / length³]`.
    pub largest_stress: f64,
    /// How far to the other side of γ = 0 to go at most.
    pub strain_limit: f64,
    /// Time step, frames, thermostat and barostat.
    #[serde(default)]
    pub integration: Integration,
}

impl UnloadSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("temperature", self.temperature)?;
        positive("rate", self.rate)?;
        positive("largest_stress", self.largest_stress)?;
        positive("strain_limit", self.strain_limit)?;
        self.integration.validate()
    }

    /// Steps from strain `start` to the limit on the other side.
    pub fn total_steps(&self, start: f64) -> u64 {
        self.integration
            .steps((start.abs() + self.strain_limit) / self.rate)
    }
}

/// Shears a loaded sample back until its stress is well past zero (or a limit is met), and finds
/// the residual strain as the root of a line.
///
/// Stopping where a noisy average first touches zero would be biased (by 0.0036 for 500 atoms),
/// so the run goes on through the window of the fit; samples kept on the way give the recovery
/// its start.
#[derive(Clone, Debug)]
pub struct Unload {
    course: Course,
    /// Strain at the start.
    start: f64,
    largest_stress: f64,
    kept: Keeper,
    keeping: bool,
    /// The root by the last reliable fit.
    estimate: Option<f64>,
    complete: bool,
}

/// The stored form of an [`Unload`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnloadState {
    start: f64,
    course: CourseState,
    largest_stress: f64,
    kept: Keeper,
    keeping: bool,
    /// The root by the last reliable fit.
    estimate: Option<f64>,
    complete: bool,
}

/// What an unloading found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unloaded {
    /// The residual strain with its error; `None` where zero stress was not reached.
    pub residual: Option<ZeroStress>,
    /// Whether the run covered the whole window |τ| < 0.3 τ_max, on both sides of zero.
    pub complete: bool,
    /// The kept sample nearest to zero stress: the start of the recovery. The last one where zero
    /// stress was not reached.
    pub sample: Sample,
}

impl Unload {
    /// Starts from a loaded sample; the direction is against its strain.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range or a sample that cannot be simulated.
    pub fn start(
        settings: &UnloadSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let integration = &settings.integration;
        let dynamics = integration.at_pressure(
            TemperatureSchedule::Constant(settings.temperature),
            Drive::Shear {
                rate: -settings.rate.copysign(sample.gamma),
            },
        );
        let start = sample.gamma;
        let steps = settings.total_steps(start);
        let course = Course::start(sample, force_field, dynamics, integration, steps)?;
        Ok(Self {
            course,
            start,
            largest_stress: settings.largest_stress,
            kept: Keeper::new(),
            keeping: false,
            estimate: None,
            complete: false,
        })
    }

    fn root(&self) -> Option<ZeroStress> {
        let frames = &self.course.frames;
        zero_stress_root(
            &strains(frames),
            &shear_stresses(frames),
            self.largest_stress,
        )
    }

    fn after_frame(&mut self) {
        let frames = &self.course.frames;
        if !self.keeping {
            let recent = &frames[frames.len().saturating_sub(10)..];
            let running = shear_stresses(recent).iter().sum::<f64>() / recent.len() as f64;
            let direction = self.start.signum();
            self.keeping =
                recent.len() == 10 && running * direction < KEEP_BELOW * self.largest_stress;
        }
        // A fit at every frame of a long run would cost the square of their number.
        if frames.len().is_multiple_of(1 + frames.len() / 200) {
            let reliable = self.root().filter(|root| {
                root.line.points >= FEWEST_FRAMES
                    && root.line.slope_error < SLOPE_ERROR * root.line.slope
            });
            self.estimate = reliable.as_ref().map(|root| root.strain);
            let gone = (self.start - self.course.simulation.gamma()) * self.start.signum();
            let far_enough = gone >= (1.0 + LEAST_BEYOND) * self.start.abs();
            self.complete = far_enough && reliable.is_some_and(|root| root.covered);
        }
        if self.keeping {
            let course = &self.course;
            self.kept
                .offer(course.simulation.gamma(), self.estimate, || course.sample());
        }
    }

    /// The outcome from the frames so far.
    pub fn outcome(&self) -> Unloaded {
        let residual = self.root();
        let kept = residual
            .as_ref()
            .and_then(|root| self.kept.nearest(root.strain));
        Unloaded {
            sample: kept.map_or_else(|| self.sample(), |(_, sample)| sample.clone()),
            residual,
            complete: self.complete,
        }
    }
}

impl Protocol for Unload {
    type State = UnloadState;

    fn status(&self) -> Status {
        Status {
            done_steps: self.course.steps(),
            total_steps: self.course.total_steps(),
            finished: self.complete || self.course.finished(),
        }
    }

    fn advance(&mut self, steps: u64, observer: &mut dyn Observer) -> Result<Status, MdError> {
        let target = self.course.steps().saturating_add(steps.max(1));
        self.course.announce(observer);
        while !self.status().finished && self.course.steps() < target {
            self.course.advance_frame(observer)?;
            self.after_frame();
        }
        Ok(self.status())
    }

    fn state(&self) -> UnloadState {
        UnloadState {
            start: self.start,
            course: self.course.state(),
            largest_stress: self.largest_stress,
            kept: self.kept.clone(),
            keeping: self.keeping,
            estimate: self.estimate,
            complete: self.complete,
        }
    }

    fn restore(state: UnloadState, force_field: ForceField) -> Result<Self, MdError> {
        Ok(Self {
            course: Course::restore(state.course, force_field)?,
            start: state.start,
            largest_stress: state.largest_stress,
            kept: state.kept,
            keeping: state.keeping,
            estimate: state.estimate,
            complete: state.complete,
        })
    }

    fn frames(&self) -> &[Frame] {
        &self.course.frames
    }

    fn sample(&self) -> Sample {
        self.course.sample()
    }
}
