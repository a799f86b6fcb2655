//! Stages that drive the reference state otherwise than at a constant rate.

use metabasin_atoms::units::Duration;
use serde::{Deserialize, Serialize};

use super::{default_quenches, one};

/// Creep: holds the reference state at shear stresses of both signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreepStage {
    /// Shear stresses, one or more, without sign `[epsilon / sigma^3]`.
    pub stresses: Vec<f64>,
    /// How long each is held.
    pub duration: Duration,
    /// How many independent pairs of +stress and -stress at each.
    #[serde(default = "one")]
    pub pairs: usize,
    /// How many inherent structures are quenched along the way, at logarithmic times.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}

/// Shears the reference state by amplitude · sin(2π t/period).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleStage {
    /// Largest strain.
    pub amplitude: f64,
    /// Time of a cycle.
    pub period: Duration,
    /// How many cycles.
    pub cycles: u64,
    /// How many independent copies.
    #[serde(default = "one")]
    pub copies: usize,
    /// How many inherent structures are quenched along the way.
    #[serde(default = "default_quenches")]
    pub quenches: usize,
}
