//! A step of strain and back, of both signs, in molecular dynamics.

use serde::{Deserialize, Serialize};

use super::visited_states::{At, SteppedStates};
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

/// A pair of trajectories, and what of them ends where the catalogue stores a state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WatchedPair {
    /// Their stresses.
    pub(crate) stepped: SteppedPair,
    /// Those of their inherent structures at the end of each interval.
    pub(crate) inherent: SteppedPair,
    /// Of both trajectories, the share that is in a stored state at the end of each interval, held, then back;
    /// empty where none is stored.
    pub(crate) in_states: Vec<f64>,
}

/// Equilibrates trajectory `index` for `settle` intervals, shears all its atoms and its cell by ±`strain` at
/// once, holds the cell, steps back and holds it again; intervals end at `edges` `[τ]`, where each is quenched
/// and looked up among the states of a catalogue, if it stores some.
pub(crate) fn stepped_pair(
    (setting, temperature): (&Setting, f64),
    (strain, edges): (f64, &[f64]),
    (settle, index): (u64, u64),
    (states, interrupt): (Option<&SteppedStates<'_>>, &Interrupt),
) -> Result<WatchedPair, PipelineError> {
    let address = |leg: u64| (STREAMS, LEGS * index + leg);
    let mut start = Trajectory::new(setting, temperature, address(0), interrupt)?;
    start.settle(settle)?;
    let followed = |trajectory: &mut Trajectory<'_>, at: At| -> Result<Leg, PipelineError> {
        let step = |time: f64| (time / setting.time_step()).round() as u64;
        let mut leg = Leg::default();
        for ends in edges.windows(2) {
            let steps = step(ends[1]) - step(ends[0]);
            let stress = trajectory.mean_stress_over(steps.max(1))?;
            leg.stresses.push(stress.xy());
            let inherent = trajectory.inherent_structure()?;
            leg.inherent.push(inherent.stress().xy());
            if let Some(states) = states {
                let inside = states.stores(&inherent, at);
                leg.inside.push(f64::from(u8::from(inside)));
            }
        }
        Ok(leg)
    };
    let signed = |strain: f64, at: At| -> Result<[Leg; 2], PipelineError> {
        let mut there = start.sheared(strain, address(1))?;
        let held = followed(&mut there, at)?;
        let back = followed(&mut there.sheared(-strain, address(2))?, At::Rest)?;
        Ok([held, back])
    };
    let plus = signed(strain, At::Plus)?;
    let minus = signed(-strain, At::Minus)?;
    let in_states = plus.iter().zip(&minus).flat_map(|(a, b)| {
        let both = a.inside.iter().zip(&b.inside);
        both.map(|(a, b)| 0.5 * (a + b))
    });
    let in_states = in_states.collect();
    let pair = |of: fn(&Leg) -> Vec<f64>| {
        SteppedPair::of(&plus.each_ref().map(of), &minus.each_ref().map(of))
    };
    Ok(WatchedPair {
        in_states,
        stepped: pair(|leg| leg.stresses.clone()),
        inherent: pair(|leg| leg.inherent.clone()),
    })
}

/// What a trajectory did in the intervals after a step.
#[derive(Default)]
struct Leg {
    stresses: Vec<f64>,
    /// Of the inherent structure at the end of each.
    inherent: Vec<f64>,
    /// 1 where an interval ended in a stored state.
    inside: Vec<f64>,
}
