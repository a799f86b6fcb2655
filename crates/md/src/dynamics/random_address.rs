//! Where the random numbers of a stochastic thermostat or barostat come from.

use metabasin_atoms::{Purpose, random_stream};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The address of a trajectory's random numbers.
///
/// Each number is addressed by step and atom as well, so a trajectory that goes on from a
/// checkpoint, or whose atoms are shared among any number of threads, draws the same ones.
/// Trajectories that must be independent need different addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomAddress {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the stage in its pipeline.
    pub stage: u32,
    /// Number of the trajectory in its stage.
    pub trajectory: u32,
}

/// Numbers of a step that belong to no atom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    FirstHalf,
    SecondHalf,
    Volume,
}

const DRAWS: u64 = 3;

impl RandomAddress {
    /// The address of part `number` of a trajectory of at most 16 parts.
    #[must_use]
    pub(crate) fn part(mut self, number: u32) -> Self {
        self.trajectory = self.trajectory.wrapping_mul(16).wrapping_add(number);
        self
    }

    fn stream(&self, index: u64) -> impl rand::Rng + use<> {
        let stage = u64::from(self.stage) | u64::from(self.trajectory) << 32;
        random_stream(self.seed, Purpose::Thermostat, stage, index)
    }

    /// The generator for a draw of a step of `atoms` atoms.
    pub(crate) fn draw(&self, step: u64, atoms: usize, draw: Draw) -> impl rand::Rng + use<> {
        self.stream(step * (atoms as u64 + DRAWS) + draw as u64)
    }

    /// Three normal deviates for one atom of a step.
    pub(crate) fn normal_vector(
        &self,
        step: u64,
        atoms: usize,
        atom: usize,
    ) -> nalgebra::Vector3<f64> {
        let index = step * (atoms as u64 + DRAWS) + DRAWS + atom as u64;
        let mut random = self.stream(index);
        nalgebra::Vector3::from_fn(|_, _| StandardNormal.sample(&mut random))
    }
}
