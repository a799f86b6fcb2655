//! The states that molecular dynamics visited, how long it stayed in each and how often it went from one to
//! another.

use metabasin_atoms::Stress;
use serde::{Deserialize, Serialize};

use crate::records::DisplacementField;

/// Trajectories whose visits are stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HarvestRecord {
    /// Seed.
    pub seed: u64,
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Number of trajectories.
    pub trajectories: u64,
    /// Time at the start of each that was not looked at `[τ]`.
    pub settle: f64,
    /// Time of each that was `[τ]`.
    pub duration: f64,
    /// Time between two quenches `[τ]`.
    pub interval: f64,
    /// Relaxation time of the Langevin thermostat `[τ]`.
    pub friction_time: f64,
    /// Time step `[τ]`.
    pub time_step: f64,
    /// The kernel that computed forces.
    pub kernel: String,
    /// Version of the program.
    pub version: String,
}

/// A minimum that molecular dynamics visited at the cell of the sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateRecord {
    /// Place in [`StateGraph::harvests`] of the one that saw it first.
    pub first_harvest: usize,
    /// Energy above that of the sample `[energy]`.
    pub energy: f64,
    /// Its stress `[energy / length³]`.
    pub stress: Stress,
    /// Quenches that ended in it.
    pub quenches: u64,
    /// Time spent in it: that of the quenches but the last of a trajectory `[τ]`.
    pub time: f64,
    /// Share of the time in equilibrium; none for a state that others do not lead to and from.
    pub weight: Option<f64>,
    /// Standard error of the logarithm of the weight.
    pub weight_relative_error: Option<f64>,
    /// Displacement from the sample's minimum.
    pub displacement: DisplacementField,
}

/// How two visited states exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FluxRecord {
    /// Places of the two in [`StateGraph::states`], the lower first.
    pub between: [usize; 2],
    /// Jumps from the first to the second, and back.
    pub jumps: [u64; 2],
    /// `w_i` `k_ij` = `w_j` `k_ji` `[1/τ]`; none where one of the two has no weight.
    pub flux: Option<f64>,
    /// Standard error of its logarithm.
    pub flux_relative_error: Option<f64>,
}

/// The states that molecular dynamics visited, with their weights and fluxes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateGraph {
    /// Whose trajectories these are.
    pub harvests: Vec<HarvestRecord>,
    /// The states.
    pub states: Vec<StateRecord>,
    /// The pairs that exchanged.
    pub fluxes: Vec<FluxRecord>,
}
