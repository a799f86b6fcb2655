//! Settings of a walk.

use serde::{Deserialize, Serialize};

use crate::error::AtomisticError;

/// How the walk from minimum to minimum is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WalkSettings {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// ν₀ of ways whose prefactor was not measured `[1/τ]`.
    pub attempt_frequency: f64,
    /// Ways out with a higher barrier are left out: they never happen `[energy]`.
    pub highest_barrier: f64,
    /// Searches around each atom of the start.
    pub first_effort: u32,
    /// Searches around each atom whose surroundings a step has changed, unless they are like some around
    /// which the ways out are known.
    pub effort: u32,
    /// Most short trajectories at each temperature that look for the fastest ways out of a minimum, from
    /// every one in which the walk stops; 0 for none.
    pub trajectories: u32,
    /// Their temperatures over that of the walk, one after the other: the first finds what flickers, the
    /// hotter ones what the sample waits for while it flickers.
    pub trajectory_heats: Vec<f64>,
    /// Known ways that a move may have changed, and of which no likeness tells what became of them, are
    /// converged again, at most so many, lowest first; around the others is searched.
    pub reconverge: u32,
    /// After every discovery the ways out whose share of the total rate is above this are converged
    /// again in the new surrounding, the fastest first.
    pub confirm_share: f64,
    /// Atoms that move more than this belong to the core of an event `[length]`.
    pub core_move: f64,
    /// Two places of an atom closer than this are one `[length]`.
    pub same_place: f64,
    /// Minima kept in one region; beyond, it forgets all but the one it is in.
    pub most_states: u32,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Position in a pipeline, 0 on its own.
    pub stage: u64,
}

impl Default for WalkSettings {
    fn default() -> Self {
        Self {
            temperature: 0.2,
            attempt_frequency: 3.6,
            highest_barrier: 6.0,
            first_effort: 1,
            effort: 1,
            trajectories: 48,
            trajectory_heats: vec![1.5, 3.0],
            reconverge: 20,
            confirm_share: 0.02,
            core_move: 0.1,
            same_place: 0.05,
            most_states: 100,
            seed: 1,
            stage: 0,
        }
    }
}

impl WalkSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`AtomisticError::Setting`], the first found.
    pub fn validate(&self) -> Result<(), AtomisticError> {
        let positive = [
            ("temperature", self.temperature),
            ("attempt_frequency", self.attempt_frequency),
            ("highest_barrier", self.highest_barrier),
            ("first_effort", f64::from(self.first_effort)),
            ("effort", f64::from(self.effort)),
            ("confirm_share", self.confirm_share),
            ("core_move", self.core_move),
            ("same_place", self.same_place),
        ];
        let heats = self.trajectory_heats.iter();
        let heats = heats.map(|&heat| ("trajectory_heats", heat));
        for (field, value) in positive.into_iter().chain(heats) {
            if !(value > 0.0 && value.is_finite()) {
                return Err(AtomisticError::Setting {
                    field,
                    wanted: "positive and finite",
                    value,
                });
            }
        }
        if self.most_states < 2 {
            return Err(AtomisticError::Setting {
                field: "most_states",
                wanted: "at least 2",
                value: f64::from(self.most_states),
            });
        }
        Ok(())
    }
}
