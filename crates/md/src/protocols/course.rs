//! One simulation run from frame to frame: what all protocols are made of.

use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::{Integration, Sample};
use crate::{
    Checkpoint, Dynamics, Frame, MdError, Observer, Simulation, SwapCounts, SwapMonteCarlo,
};

/// A simulation that rests only at frames.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) simulation: Simulation,
    pub(super) frames: Vec<Frame>,
    frame_interval: u64,
    total_steps: u64,
    /// Steps done before this course, for the clock of its frames.
    earlier_steps: u64,
    announced: bool,
    swap: Option<SwapMonteCarlo>,
}

/// The stored form of a running protocol's simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourseState {
    checkpoint: Checkpoint,
    frames: Vec<Frame>,
    frame_interval: u64,
    total_steps: u64,
    earlier_steps: u64,
    announced: bool,
    #[serde(default)]
    swap: Option<SwapMonteCarlo>,
}

impl Course {
    pub(super) fn start(
        sample: Sample,
        force_field: ForceField,
        dynamics: Dynamics,
        integration: &Integration,
        total_steps: u64,
    ) -> Result<Self, MdError> {
        integration.validate()?;
        let simulation =
            Simulation::new(sample.configuration, force_field, dynamics)?.with_strain(sample.gamma);
        Ok(Self {
            simulation,
            frames: Vec::new(),
            frame_interval: integration.frame_interval,
            total_steps,
            earlier_steps: 0,
            announced: false,
            swap: None,
        })
    }

    /// The same with sweeps of position swaps.
    pub(super) fn with_swaps(mut self, swap: Option<SwapMonteCarlo>) -> Self {
        self.swap = swap;
        self
    }

    /// What swaps did in this course and before it.
    pub(super) fn swap_counts(&self) -> Option<SwapCounts> {
        self.swap.as_ref().map(SwapMonteCarlo::counts)
    }

    /// A course that continues the clock of another one and does not repeat its last frame.
    pub(super) fn after(mut self, earlier: &Self) -> Self {
        self.earlier_steps = earlier.earlier_steps + earlier.simulation.steps();
        self.announced = true;
        self
    }

    pub(super) fn steps(&self) -> u64 {
        self.simulation.steps()
    }

    /// Steps done before this course.
    pub(super) fn earlier_steps(&self) -> u64 {
        self.earlier_steps
    }

    pub(super) fn total_steps(&self) -> u64 {
        self.total_steps
    }

    pub(super) fn finished(&self) -> bool {
        self.simulation.steps() >= self.total_steps
    }

    fn frame(&self) -> Frame {
        let mut frame = self.simulation.frame();
        frame.step += self.earlier_steps;
        frame.time += self.earlier_steps as f64 * self.simulation.dynamics().time_step;
        frame
    }

    /// Shows the observer the start, once.
    pub(super) fn announce(&mut self, observer: &mut dyn Observer) {
        if !self.announced {
            observer.on_frame(&self.frame(), &self.simulation.configuration());
            self.announced = true;
        }
    }

    /// On to the next frame.
    pub(super) fn advance_frame(&mut self, observer: &mut dyn Observer) -> Result<(), MdError> {
        self.announce(observer);
        let left = self.total_steps.saturating_sub(self.simulation.steps());
        if left == 0 {
            return Ok(());
        }
        let phase = self.simulation.steps() % self.frame_interval;
        self.simulation.begin_interval();
        self.integrate(left.min(self.frame_interval - phase))?;
        self.simulation.refresh();
        let frame = self.frame();
        observer.on_frame(&frame, &self.simulation.configuration());
        self.frames.push(frame);
        Ok(())
    }

    /// Dynamics over `steps`, with a sweep of swaps after each whole interval of them.
    fn integrate(&mut self, steps: u64) -> Result<(), MdError> {
        let Some(swap) = &mut self.swap else {
            return self.simulation.advance(steps);
        };
        let interval = swap.interval_steps(self.simulation.dynamics().time_step);
        let target = self.simulation.steps() + steps;
        while self.simulation.steps() < target {
            let here = self.simulation.steps();
            let next = (here / interval + 1) * interval;
            self.simulation.advance(next.min(target) - here)?;
            if self.simulation.steps() == next {
                swap.sweep(&mut self.simulation)?;
            }
        }
        Ok(())
    }

    /// On until at least `steps` more steps are done.
    pub(super) fn advance(
        &mut self,
        steps: u64,
        observer: &mut dyn Observer,
    ) -> Result<(), MdError> {
        let target = self.simulation.steps().saturating_add(steps.max(1));
        self.announce(observer);
        while !self.finished() && self.simulation.steps() < target {
            self.advance_frame(observer)?;
        }
        Ok(())
    }

    pub(super) fn sample(&self) -> Sample {
        Sample {
            configuration: self.simulation.configuration(),
            gamma: self.simulation.gamma(),
        }
    }

    pub(super) fn state(&self) -> CourseState {
        CourseState {
            checkpoint: self.simulation.snapshot(),
            frames: self.frames.clone(),
            frame_interval: self.frame_interval,
            total_steps: self.total_steps,
            earlier_steps: self.earlier_steps,
            announced: self.announced,
            swap: self.swap.clone(),
        }
    }

    pub(super) fn restore(state: CourseState, force_field: ForceField) -> Result<Self, MdError> {
        if state.frame_interval == 0 {
            return Err(MdError::Setting {
                field: "frame_interval",
                requirement: "at least 1",
                value: 0.0,
            });
        }
        Ok(Self {
            simulation: Simulation::restore(state.checkpoint, force_field)?,
            frames: state.frames,
            frame_interval: state.frame_interval,
            total_steps: state.total_steps,
            earlier_steps: state.earlier_steps,
            announced: state.announced,
            swap: state.swap,
        })
    }
}

/// Implements [`super::Protocol`] for `struct $protocol { course: Course }` with the stored form
/// `struct $state { course: CourseState }`: an experiment that ends when its course does.
macro_rules! protocol_of_one_course {
    ($protocol:ident, $state:ident) => {
        impl $crate::protocols::Protocol for $protocol {
            type State = $state;

            fn status(&self) -> $crate::protocols::Status {
                $crate::protocols::Status {
                    done_steps: self.course.steps(),
                    total_steps: self.course.total_steps(),
                    finished: self.course.finished(),
                }
            }

            fn advance(
                &mut self,
                steps: u64,
                observer: &mut dyn $crate::Observer,
            ) -> Result<$crate::protocols::Status, $crate::MdError> {
                self.course.advance(steps, observer)?;
                Ok(self.status())
            }

            fn state(&self) -> $state {
                $state {
                    course: self.course.state(),
                }
            }

            fn restore(
                state: $state,
                force_field: ::metabasin_interactions::ForceField,
            ) -> Result<Self, $crate::MdError> {
                let course = $crate::protocols::course::Course::restore(state.course, force_field)?;
                Ok(Self { course })
            }

            fn frames(&self) -> &[$crate::Frame] {
                &self.course.frames
            }

            fn sample(&self) -> $crate::protocols::Sample {
                self.course.sample()
            }
        }
    };
}

pub(super) use protocol_of_one_course;
