//! A step of strain and back, of both signs, in molecular dynamics.

use metabasin_atoms::Stress;
use serde::{Deserialize, Serialize};

use crate::escape::{Setting, Trajectory};
use crate::{Interrupt, PipelineError};

/// Place of these trajectories' random streams: none of `escape`, `recall` or `harvest`.
const STREAMS: u64 = 1 << 17;
/// Streams of a pair: before the step, held, and stepped back. Both signs share theirs, so that much of the
/// noise leaves their difference.
const LEGS: u64 = 3;

/// Half the difference of the xy stress of both signs, averaged over each interval `[energy / length³]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SteppedPair {
    /// While the strain is held.
    pub(crate) held: Vec<f64>,
    /// After it was taken back.
    pub(crate) back: Vec<f64>,
}

impl SteppedPair {
    /// From the stresses of the positive and of the negative sign, held and back.
    pub(crate) fn of(plus: &[Vec<f64>; 2], minus: &[Vec<f64>; 2]) -> Self {
        let half = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| 0.5 * (a - b)).collect();
        Self {
            held: half(&plus[0], &minus[0]),
            back: half(&plus[1], &minus[1]),
        }
    }
}

/// Equilibrates trajectory `index` for `settle` intervals, shears all its atoms and its cell by ±`strain` at
/// once, holds the cell, steps back and holds it again; intervals end at `edges` `[τ]`.
pub(crate) fn stepped_pair(
    (setting, temperature): (&Setting, f64),
    (strain, edges): (f64, &[f64]),
    (settle, index): (u64, u64),
    interrupt: &Interrupt,
) -> Result<SteppedPair, PipelineError> {
    let address = |leg: u64| (STREAMS, LEGS * index + leg);
    let mut start = Trajectory::new(setting, temperature, address(0), interrupt)?;
    start.settle(settle)?;
    let watched = |trajectory: &mut Trajectory<'_>| -> Result<Vec<f64>, PipelineError> {
        let step = |time: f64| (time / setting.time_step()).round() as u64;
        let lengths = edges.windows(2).map(|ends| step(ends[1]) - step(ends[0]));
        lengths
            .map(|steps| trajectory.mean_stress_over(steps.max(1)).map(Stress::xy))
            .collect()
    };
    let signed = |strain: f64| -> Result<[Vec<f64>; 2], PipelineError> {
        let mut there = start.sheared(strain, address(1))?;
        let held = watched(&mut there)?;
        let back = watched(&mut there.sheared(-strain, address(2))?)?;
        Ok([held, back])
    };
    Ok(SteppedPair::of(&signed(strain)?, &signed(-strain)?))
}
