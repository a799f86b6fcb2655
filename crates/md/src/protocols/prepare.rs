//! From the melt to a glass: melt, cool at zero pressure, take the sample at 0.8 T_f.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState};
use super::keeper::Keeper;
use super::{Integration, Protocol, Sample, Status};
use crate::analysis::{FictiveTemperature, fictive_temperature};
use crate::error::positive;
use crate::{Drive, Dynamics, Frame, MdError, Observer, TemperatureSchedule, initial_liquid};

/// The experiments run at this share of T_f.
const SHARE_OF_FICTIVE_TEMPERATURE: f64 = 0.8;

/// Settings of a preparation from the melt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareSettings {
    /// Number of atoms, half of each species.
    pub atoms: usize,
    /// Number density of the melt `[1/length³]`.
    pub density: f64,
    /// Temperature of the melt, at constant volume `[energy]`.
    pub melt_temperature: f64,
    /// Time in the melt `[τ]`.
    pub melt_duration: f64,
    /// Time to go from the melt to `cool_from` at constant volume, and again to settle there at
    /// constant pressure `[τ]`.
    pub settle_duration: f64,
    /// Temperature at which the ramp begins `[energy]`.
    pub cool_from: f64,
    /// Temperature at which the ramp ends, well below T_f `[energy]`.
    pub cool_to: f64,
    /// −dT/dt of the ramp `[energy/τ]`.
    pub cooling_rate: f64,
    /// Temperature at which the sample is taken; `None` is 0.8 T_f `[energy]`.
    pub sample_temperature: Option<f64>,
    /// Time step, frames, thermostat and barostat.
    pub integration: Integration,
}

impl Default for PrepareSettings {
    fn default() -> Self {
        Self {
            atoms: 500,
            density: 1.2,
            melt_temperature: 2.0,
            melt_duration: 30.0,
            settle_duration: 15.0,
            cool_from: 0.7,
            cool_to: 0.08,
            cooling_rate: 2e-3,
            sample_temperature: None,
            integration: Integration::default(),
        }
    }
}

impl PrepareSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        if self.atoms < 2 {
            return Err(MdError::TooFewAtoms { atoms: self.atoms });
        }
        for (field, value) in [
            ("density", self.density),
            ("melt_temperature", self.melt_temperature),
            ("melt_duration", self.melt_duration),
            ("settle_duration", self.settle_duration),
            ("cool_from", self.cool_from),
            ("cool_to", self.cool_to),
            ("cooling_rate", self.cooling_rate),
        ] {
            positive(field, value)?;
        }
        if self.cool_to >= self.cool_from {
            return Err(MdError::Setting {
                field: "cool_to",
                requirement: "below cool_from",
                value: self.cool_to,
            });
        }
        if let Some(temperature) = self.sample_temperature
            && !(self.cool_to..=self.cool_from).contains(&temperature)
        {
            return Err(MdError::Setting {
                field: "sample_temperature",
                requirement: "between cool_to and cool_from",
                value: temperature,
            });
        }
        self.integration.validate()
    }

    /// Steps in all.
    pub fn total_steps(&self) -> u64 {
        LEGS.iter().map(|leg| self.steps(*leg)).sum()
    }

    fn duration(&self, leg: Leg) -> f64 {
        match leg {
            Leg::Melt => self.melt_duration,
            Leg::Quench | Leg::Settle => self.settle_duration,
            Leg::Ramp => (self.cool_from - self.cool_to) / self.cooling_rate,
        }
    }

    fn steps(&self, leg: Leg) -> u64 {
        self.integration.steps(self.duration(leg))
    }

    fn dynamics(&self, leg: Leg) -> Dynamics {
        let ramp = |from, to| TemperatureSchedule::Ramp {
            from,
            to,
            duration: self.duration(leg),
        };
        let constant = TemperatureSchedule::Constant;
        let integration = &self.integration;
        match leg {
            Leg::Melt => integration.at_volume(constant(self.melt_temperature)),
            Leg::Quench => integration.at_volume(ramp(self.melt_temperature, self.cool_from)),
            Leg::Settle => integration.at_pressure(constant(self.cool_from), Drive::None),
            Leg::Ramp => integration.at_pressure(ramp(self.cool_from, self.cool_to), Drive::None),
        }
    }
}

/// The parts of a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Leg {
    Melt,
    Quench,
    Settle,
    Ramp,
}

const LEGS: [Leg; 4] = [Leg::Melt, Leg::Quench, Leg::Settle, Leg::Ramp];

impl Leg {
    fn next(self) -> Option<Self> {
        match self {
            Self::Melt => Some(Self::Quench),
            Self::Quench => Some(Self::Settle),
            Self::Settle => Some(Self::Ramp),
            Self::Ramp => None,
        }
    }
}

/// Makes a glass: a liquid at constant volume, then a linear cooling ramp at constant pressure.
///
/// The sample is the moment of the ramp nearest to the temperature asked for, 0.8 T_f by default;
/// the ramp goes on below it so that T_f, the crossing of the liquid and glass lines of the
/// enthalpy, can be fitted.
#[derive(Clone, Debug)]
pub struct Prepare {
    settings: PrepareSettings,
    leg: Leg,
    course: Course,
    kept: Keeper,
}

/// The stored form of a [`Prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareState {
    settings: PrepareSettings,
    leg: Leg,
    course: CourseState,
    kept: Keeper,
}

/// The cooling ramp, one entry a frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cooling {
    /// Temperature `[energy]`.
    pub temperature: Vec<f64>,
    /// Enthalpy per atom `[energy]`.
    pub enthalpy_per_atom: Vec<f64>,
    /// Volume per atom `[length³]`.
    pub volume_per_atom: Vec<f64>,
}

/// What a preparation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// T_f from the enthalpy; `None` where the ramp shows no two lines.
    pub fictive_temperature: Option<FictiveTemperature>,
    /// T_f from the volume, which differs by its own curvature.
    pub fictive_temperature_of_volume: Option<FictiveTemperature>,
    /// The temperature of the experiments: the one asked for, or 0.8 T_f `[energy]`.
    pub temperature: f64,
    /// The ramp's temperature where the sample was taken `[energy]`.
    pub taken_at: f64,
    /// The sample, γ = 0.
    pub sample: Sample,
    /// The cooling ramp.
    pub cooling: Cooling,
}

impl Prepare {
    /// Starts from a new liquid; `stage` is the stage's number in its pipeline, for its random
    /// numbers.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range, or a cell too small for the force field.
    pub fn start(
        settings: &PrepareSettings,
        force_field: ForceField,
        seed: u64,
        stage: u64,
    ) -> Result<Self, MdError> {
        settings.validate()?;
        let liquid = initial_liquid(
            settings.atoms,
            settings.density,
            settings.melt_temperature,
            seed,
            stage,
        )?;
        let course = Course::start(
            Sample::unstrained(liquid),
            force_field,
            settings.dynamics(Leg::Melt),
            &settings.integration,
            settings.steps(Leg::Melt),
        )?;
        Ok(Self {
            settings: *settings,
            leg: Leg::Melt,
            course,
            kept: Keeper::new(),
        })
    }

    fn enter(&mut self, leg: Leg) -> Result<(), MdError> {
        let next = Course::start(
            self.course.sample(),
            self.course.simulation.force_field().clone(),
            self.settings.dynamics(leg),
            &self.settings.integration,
            self.settings.steps(leg),
        )?;
        self.course = next.after(&self.course);
        self.leg = leg;
        Ok(())
    }

    fn keep(&mut self) {
        let course = &self.course;
        let simulation = &course.simulation;
        let temperature = simulation.dynamics().temperature.at(simulation.time());
        match self.settings.sample_temperature {
            Some(wanted) => self
                .kept
                .offer_nearest(temperature, wanted, || course.sample()),
            None => self.kept.offer(temperature, None, || course.sample()),
        }
    }

    /// The cooling ramp so far.
    pub fn cooling(&self) -> Cooling {
        let atoms = self.settings.atoms as f64;
        let of = |value: fn(&Frame) -> f64| self.frames().iter().map(value).collect::<Vec<f64>>();
        Cooling {
            temperature: of(|frame| frame.mean.temperature),
            enthalpy_per_atom: of(|frame| frame.mean.enthalpy_per_atom),
            volume_per_atom: of(|frame| frame.mean.volume)
                .into_iter()
                .map(|volume| volume / atoms)
                .collect(),
        }
    }

    /// The glass, once the ramp is over.
    ///
    /// # Errors
    /// [`MdError::NoFictiveTemperature`] where the sample temperature was left open and the ramp
    /// (so far) shows no two lines that cross.
    pub fn outcome(&self) -> Result<Prepared, MdError> {
        let cooling = self.cooling();
        let by_enthalpy = fictive_temperature(&cooling.temperature, &cooling.enthalpy_per_atom);
        let by_volume = fictive_temperature(&cooling.temperature, &cooling.volume_per_atom);
        let wanted = self
            .settings
            .sample_temperature
            .or_else(|| by_enthalpy.map(|fictive| SHARE_OF_FICTIVE_TEMPERATURE * fictive.value));
        let taken = wanted.and_then(|temperature| {
            let (label, sample) = self.kept.nearest(temperature)?;
            Some((temperature, label, sample.clone()))
        });
        let (temperature, taken_at, sample) = taken.ok_or(MdError::NoFictiveTemperature {
            from: self.settings.cool_from,
            to: self.settings.cool_to,
        })?;
        Ok(Prepared {
            fictive_temperature: by_enthalpy,
            fictive_temperature_of_volume: by_volume,
            temperature,
            taken_at,
            sample,
            cooling,
        })
    }
}

impl Protocol for Prepare {
    type State = PrepareState;

    fn status(&self) -> Status {
        let before: u64 = LEGS
            .iter()
            .take_while(|leg| **leg != self.leg)
            .map(|leg| self.settings.steps(*leg))
            .sum();
        Status {
            done_steps: before + self.course.steps(),
            total_steps: self.settings.total_steps(),
            finished: self.leg == Leg::Ramp && self.course.finished(),
        }
    }

    fn advance(&mut self, steps: u64, observer: &mut dyn Observer) -> Result<Status, MdError> {
        let target = self.status().done_steps.saturating_add(steps.max(1));
        self.course.announce(observer);
        loop {
            let status = self.status();
            if status.finished || status.done_steps >= target {
                return Ok(status);
            }
            if self.course.finished()
                && let Some(next) = self.leg.next()
            {
                self.enter(next)?;
            }
            self.course.advance_frame(observer)?;
            if self.leg == Leg::Ramp {
                self.keep();
            }
        }
    }

    fn state(&self) -> PrepareState {
        PrepareState {
            settings: self.settings,
            leg: self.leg,
            course: self.course.state(),
            kept: self.kept.clone(),
        }
    }

    fn restore(state: PrepareState, force_field: ForceField) -> Result<Self, MdError> {
        state.settings.validate()?;
        Ok(Self {
            settings: state.settings,
            leg: state.leg,
            course: Course::restore(state.course, force_field)?,
            kept: state.kept,
        })
    }

    fn frames(&self) -> &[Frame] {
        if self.leg == Leg::Ramp {
            &self.course.frames
        } else {
            &[]
        }
    }

    fn sample(&self) -> Sample {
        self.course.sample()
    }
}
