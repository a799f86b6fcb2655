//! The reference state: where the sample carries no mean shear stress, γ = 0.

use metabasin_atoms::Cell;
use metabasin_interactions::ForceField;
use serde::{Deserialize, Serialize};

use super::{Hold, HoldSettings, HoldState, Protocol, Sample, Status, strains};
use crate::analysis::{Average, block_error};
use crate::{Frame, MdError, Observer};

/// Share of the frames that counts as settling and is not averaged.
const SETTLING: f64 = 0.25;
/// A drift between the two halves larger than this many standard errors is not stationary.
const STATIONARY: f64 = 3.0;

/// Holds a sample at zero shear stress and constant pressure until its mean cell is known.
///
/// A finite sample carries a frozen-in shear stress that can be larger than the signal; its mean
/// cell under zero stress is the reference in which γ = 0.
#[derive(Clone, Debug)]
pub struct Equilibrate {
    hold: Hold,
    start: (Cell, f64),
}

/// The stored form of an [`Equilibrate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquilibrateState {
    hold: HoldState,
    start: (Cell, f64),
}

/// What an equilibration found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The last configuration, deformed affinely into the mean cell; γ = 0.
    pub sample: Sample,
    /// Mean volume `[length³]`.
    pub volume: Average,
    /// Mean strain against the start, which becomes the new zero.
    pub strain: Average,
    /// Mean xy/ly, flips undone.
    pub tilt: f64,
    /// Mean strain of the second half minus that of the first.
    pub strain_drift: Average,
    /// The same for the volume `[length³]`.
    pub volume_drift: Average,
    /// Whether both drifts are below three standard errors.
    pub stationary: bool,
    /// Frames averaged (the first quarter is settling).
    pub frames: usize,
}

impl Equilibrate {
    /// Starts from a sample.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range or a sample that cannot be simulated.
    pub fn start(
        settings: &HoldSettings,
        sample: Sample,
        force_field: ForceField,
    ) -> Result<Self, MdError> {
        let start = (sample.configuration.cell, sample.gamma);
        let hold = Hold::start(settings, sample, force_field)?;
        Ok(Self { hold, start })
    }

    /// Fewer frames give no reference state.
    pub const FEWEST_FRAMES: u64 = 16;

    /// The reference state from the frames so far; `None` for fewer than
    /// [`Self::FEWEST_FRAMES`].
    pub fn outcome(&self) -> Option<Reference> {
        let frames = self.frames();
        let settled = &frames[(SETTLING * frames.len() as f64).ceil() as usize..];
        if (frames.len() as u64) < Self::FEWEST_FRAMES {
            return None;
        }
        let volumes: Vec<f64> = settled.iter().map(|frame| frame.mean.volume).collect();
        let strains = strains(settled);
        let volume = block_error(&volumes)?;
        let strain = block_error(&strains)?;
        let drift = |values: &[f64]| {
            let (first, second) = values.split_at(values.len() / 2);
            Some(block_error(second)?.minus(block_error(first)?))
        };
        let (strain_drift, volume_drift) = (drift(&strains)?, drift(&volumes)?);
        let (cell, gamma) = self.start;
        let [_, ly, _, xy, _, _] = cell.components();
        Some(Reference {
            sample: self.deformed(strain.mean, volume.mean)?,
            volume,
            strain: Average {
                mean: strain.mean - gamma,
                error: strain.error,
            },
            tilt: xy / ly + strain.mean - gamma,
            stationary: [strain_drift, volume_drift]
                .iter()
                .all(|drift| drift.mean.abs() <= STATIONARY * drift.error),
            strain_drift,
            volume_drift,
            frames: settled.len(),
        })
    }

    /// The sample of now, brought to another strain and volume affinely.
    fn deformed(&self, gamma: f64, volume: f64) -> Option<Sample> {
        let sample = self.sample();
        let mut configuration = sample.configuration.sheared(gamma - sample.gamma);
        let factor = (volume / configuration.cell.volume()).cbrt();
        configuration.cell = configuration.cell.scaled(factor).ok()?;
        for position in &mut configuration.positions {
            *position *= factor;
        }
        Some(Sample::unstrained(configuration))
    }
}

impl Protocol for Equilibrate {
    type State = EquilibrateState;

    fn status(&self) -> Status {
        self.hold.status()
    }

    fn advance(&mut self, steps: u64, observer: &mut dyn Observer) -> Result<Status, MdError> {
        self.hold.advance(steps, observer)
    }

    fn state(&self) -> EquilibrateState {
        EquilibrateState {
            hold: self.hold.state(),
            start: self.start,
        }
    }

    fn restore(state: EquilibrateState, force_field: ForceField) -> Result<Self, MdError> {
        Ok(Self {
            hold: Hold::restore(state.hold, force_field)?,
            start: state.start,
        })
    }

    fn frames(&self) -> &[Frame] {
        self.hold.frames()
    }

    fn sample(&self) -> Sample {
        self.hold.sample()
    }
}
