//! From the melt to a glass: melt, cool at zero pressure, take the sample at 0.8 T_f.

mod settings;

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::course::{Course, CourseState};
use super::keeper::Keeper;
use super::{Protocol, Sample, Status};
use crate::analysis::{
    FictiveTemperature, fictive_temperature, fictive_temperature_at_constant_volume,
};
use crate::{Frame, MdError, Observer, SwapCounts, SwapMonteCarlo, initial_liquid};

use settings::Leg;
pub use settings::{PrepareHold, PrepareSettings};

/// The experiments run at this share of T_f.
const SHARE_OF_FICTIVE_TEMPERATURE: f64 = 0.8;
/// The hold of the reference paper is at this share of T_f at constant volume.
const HOLD_SHARE: f64 = 0.95;

/// Makes a glass: a liquid at constant volume, then a linear cooling ramp at constant pressure.
///
/// The sample is the moment of the ramp nearest to the temperature asked for, 0.8 T_f by default;
/// the ramp goes on below it so that T_f, the crossing of the liquid and glass lines of the
/// enthalpy, can be fitted. On the way the sample may be held ([`PrepareHold`]) and unlike atoms
/// may swap ([`SwapMonteCarlo`]).
#[derive(Clone, Debug)]
pub struct Prepare {
    settings: PrepareSettings,
    progress: Progress,
    course: Course,
}

/// Where a preparation is and what it has found beside its simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    leg: Leg,
    /// Seed and stage of the random streams.
    address: (u64, u64),
    kept: Keeper,
    /// Frames of the ramp down to the hold.
    approach: Vec<Frame>,
    constant_volume: Option<ConstantVolume>,
    /// Temperature of the hold, once it is known `[energy]`.
    hold_temperature: Option<f64>,
    swaps: Option<SwapCounts>,
}

/// The stored form of a [`Prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareState {
    settings: PrepareSettings,
    progress: Progress,
    course: CourseState,
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

/// The quench at constant volume that comes before the hold of the reference paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstantVolume {
    /// The quench; its enthalpy is its energy.
    pub cooling: Cooling,
    /// T_f from the energy.
    pub fictive_temperature: FictiveTemperature,
}

/// The stop on the way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Its temperature `[energy]`.
    pub temperature: f64,
    /// How long it lasted `[τ]`.
    pub duration: f64,
}

/// What a preparation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// T_f from the enthalpy; `None` where the ramp shows no two lines.
    pub fictive_temperature: Option<FictiveTemperature>,
    /// T_f from the volume, which differs by its own curvature.
    pub fictive_temperature_of_volume: Option<FictiveTemperature>,
    /// The temperature of the experiments: the one asked for, 0.8 T_f, or what stands in for it
    /// (see [`Prepare::outcome_or_at`]) `[energy]`.
    pub temperature: f64,
    /// The ramp's temperature where the sample was taken `[energy]`.
    pub taken_at: f64,
    /// The sample, γ = 0.
    pub sample: Sample,
    /// The cooling ramp.
    pub cooling: Cooling,
    /// The quench at constant volume, where there was one.
    pub constant_volume: Option<ConstantVolume>,
    /// The hold, where there was one.
    pub held: Option<Held>,
    /// What swaps did, where there were any.
    pub swaps: Option<SwapCounts>,
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
            settings.dynamics(Leg::Melt, None),
            &settings.integration,
            settings.steps(Leg::Melt, None),
        )?;
        Ok(Self {
            settings: *settings,
            progress: Progress {
                leg: Leg::Melt,
                address: (seed, stage),
                kept: Keeper::new(),
                approach: Vec::new(),
                constant_volume: None,
                hold_temperature: settings.hold.and_then(|hold| hold.temperature),
                swaps: None,
            },
            course,
        })
    }

    /// Goes over to the next leg, with what the last one found.
    fn enter(&mut self, next: Leg) -> Result<(), MdError> {
        let mut start = self.course.sample();
        let frames = std::mem::take(&mut self.course.frames);
        self.progress.swaps = self.course.swap_counts().or(self.progress.swaps);
        match self.progress.leg {
            Leg::VolumeRamp => start = self.leave_constant_volume(&frames)?,
            Leg::Approach => self.progress.approach = frames,
            Leg::Melt | Leg::Quench | Leg::Settle | Leg::Hold | Leg::Ramp => {}
        }
        let settings = &self.settings;
        let hold = self.progress.hold_temperature;
        let force_field = self.course.simulation.force_field().clone();
        let swap = settings.swap(next).map(|swap| {
            SwapMonteCarlo::new(
                swap,
                &start.configuration,
                &force_field,
                self.progress.address,
                self.progress.swaps.unwrap_or_default(),
            )
        });
        let mut course = Course::start(
            start,
            force_field,
            settings.dynamics(next, hold),
            &settings.integration,
            settings.steps(next, hold),
        )?
        .with_swaps(swap.transpose()?)
        .after(&self.course);
        if next == Leg::Ramp {
            course.frames = std::mem::take(&mut self.progress.approach);
        }
        self.course = course;
        self.progress.leg = next;
        Ok(())
    }

    /// T_f at constant volume, which sets the temperature of the hold, and the sample that was
    /// there on the way.
    fn leave_constant_volume(&mut self, frames: &[Frame]) -> Result<Sample, MdError> {
        let cooling = self.cooling_of(frames);
        let missing = || MdError::NoFictiveTemperature {
            from: self.settings.cool_from,
            to: self.settings.cool_to,
            instead: "hold.temperature",
        };
        let fictive_temperature = fictive_temperature_at_constant_volume(
            &cooling.temperature,
            &cooling.enthalpy_per_atom,
        )
        .ok_or_else(missing)?;
        let temperature = HOLD_SHARE * fictive_temperature.value;
        let kept = std::mem::replace(&mut self.progress.kept, Keeper::new());
        let (_, sample) = kept.nearest(temperature).ok_or_else(missing)?;
        self.progress.hold_temperature = Some(temperature);
        self.progress.constant_volume = Some(ConstantVolume {
            cooling,
            fictive_temperature,
        });
        Ok(sample.clone())
    }

    fn keep(&mut self) {
        let course = &self.course;
        let simulation = &course.simulation;
        let temperature = simulation.dynamics().temperature.at(simulation.time());
        let wanted = self
            .settings
            .sample_temperature
            .filter(|_| self.progress.leg == Leg::Ramp);
        match wanted {
            Some(wanted) => self
                .progress
                .kept
                .offer_nearest(temperature, wanted, || course.sample()),
            None => self
                .progress
                .kept
                .offer(temperature, None, || course.sample()),
        }
    }

    /// The cooling ramp so far.
    pub fn cooling(&self) -> Cooling {
        self.cooling_of(self.frames())
    }

    fn cooling_of(&self, frames: &[Frame]) -> Cooling {
        let atoms = self.settings.atoms as f64;
        let of = |value: fn(&Frame) -> f64| frames.iter().map(value).collect::<Vec<f64>>();
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
        self.outcome_with(None)
    }

    /// As [`Prepare::outcome`], but where the ramp shows no T_f the experiments are at
    /// `temperature` `[energy]`, or at the end of the last ramp that lies nearest to it.
    ///
    /// # Errors
    /// [`MdError::NoFictiveTemperature`] where the ramp has not begun.
    pub fn outcome_or_at(&self, temperature: f64) -> Result<Prepared, MdError> {
        let warmest = self.progress.hold_temperature;
        let warmest = warmest.unwrap_or(self.settings.cool_from);
        let on_the_ramp = temperature.min(warmest).max(self.settings.cool_to);
        self.outcome_with(Some(on_the_ramp))
    }

    fn outcome_with(&self, usual: Option<f64>) -> Result<Prepared, MdError> {
        let cooling = self.cooling();
        let by_enthalpy = fictive_temperature(&cooling.temperature, &cooling.enthalpy_per_atom);
        let by_volume = fictive_temperature(&cooling.temperature, &cooling.volume_per_atom);
        let wanted = self
            .settings
            .sample_temperature
            .or_else(|| by_enthalpy.map(|fictive| SHARE_OF_FICTIVE_TEMPERATURE * fictive.value))
            .or(usual);
        let taken = wanted.and_then(|temperature| {
            let (label, sample) = self.progress.kept.nearest(temperature)?;
            Some((temperature, label, sample.clone()))
        });
        let (temperature, taken_at, sample) = taken.ok_or(MdError::NoFictiveTemperature {
            from: self.settings.cool_from,
            to: self.settings.cool_to,
            instead: "sample_temperature",
        })?;
        Ok(Prepared {
            fictive_temperature: by_enthalpy,
            fictive_temperature_of_volume: by_volume,
            temperature,
            taken_at,
            sample,
            cooling,
            constant_volume: self.progress.constant_volume.clone(),
            held: self.settings.hold.zip(self.progress.hold_temperature).map(
                |(hold, temperature)| Held {
                    temperature,
                    duration: hold.duration,
                },
            ),
            swaps: self.course.swap_counts().or(self.progress.swaps),
        })
    }
}

impl Protocol for Prepare {
    type State = PrepareState;

    fn status(&self) -> Status {
        let before = self.course.earlier_steps();
        let hold = self.progress.hold_temperature;
        let mut next = self.settings.after(self.progress.leg);
        let mut total_steps = before + self.course.total_steps();
        while let Some(leg) = next {
            total_steps += self.settings.steps(leg, hold);
            next = self.settings.after(leg);
        }
        Status {
            done_steps: before + self.course.steps(),
            total_steps,
            finished: self.progress.leg == Leg::Ramp && self.course.finished(),
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
                && let Some(next) = self.settings.after(self.progress.leg)
            {
                self.enter(next)?;
            }
            self.course.advance_frame(observer)?;
            if matches!(self.progress.leg, Leg::VolumeRamp | Leg::Ramp) {
                self.keep();
            }
        }
    }

    fn state(&self) -> PrepareState {
        PrepareState {
            settings: self.settings,
            progress: self.progress.clone(),
            course: self.course.state(),
        }
    }

    fn restore(state: PrepareState, force_field: ForceField) -> Result<Self, MdError> {
        state.settings.validate()?;
        Ok(Self {
            settings: state.settings,
            progress: state.progress,
            course: Course::restore(state.course, force_field)?,
        })
    }

    fn frames(&self) -> &[Frame] {
        match self.progress.leg {
            Leg::Approach | Leg::Ramp => &self.course.frames,
            Leg::Hold => &self.progress.approach,
            Leg::Melt | Leg::Quench | Leg::VolumeRamp | Leg::Settle => &[],
        }
    }

    fn sample(&self) -> Sample {
        self.course.sample()
    }
}
