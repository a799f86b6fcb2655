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
    /// How heat softens the minima; none where the trajectories did not tell.
    pub wells: Option<WellModuli>,
}

impl HarvestRecord {
    /// Whether both name the same trajectories, whatever was measured on them.
    pub fn same_trajectories(&self, other: &Self) -> bool {
        let bare = |record: &Self| Self {
            wells: None,
            ..record.clone()
        };
        bare(self) == bare(other)
    }
}

/// Shear moduli in xy, xz and yz of the minima that trajectories visited `[energy / length³]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WellModuli {
    /// Of the minima themselves: their relaxed stiffness, averaged by occupation.
    pub inherent: [f64; 3],
    /// Of their wells at the temperature of the trajectories, jumps between them apart.
    pub thermal: [f64; 3],
    /// Its standard error.
    pub thermal_error: [f64; 3],
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

impl StateGraph {
    /// Moduli of the wells, averaged over harvests by the inverse squares of their errors; none where no
    /// harvest measured them.
    pub fn wells(&self) -> Option<WellModuli> {
        let measured: Vec<WellModuli> = self.harvests.iter().filter_map(|h| h.wells).collect();
        if measured.is_empty() {
            return None;
        }
        let mut together = WellModuli::default();
        for k in 0..3 {
            let weights = measured.iter().map(|w| w.thermal_error[k].powi(-2));
            let sum: f64 = weights.clone().sum();
            let mean = |of: &dyn Fn(&WellModuli) -> f64| -> f64 {
                let terms = measured.iter().zip(weights.clone());
                terms.map(|(wells, weight)| weight / sum * of(wells)).sum()
            };
            together.inherent[k] = mean(&|wells| wells.inherent[k]);
            together.thermal[k] = mean(&|wells| wells.thermal[k]);
            together.thermal_error[k] = sum.sqrt().recip();
        }
        Some(together)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twice the error weighs a quarter.
    #[test]
    fn wells_of_harvests_are_weighed_by_their_errors() {
        let harvest = |thermal: f64, error: f64| HarvestRecord {
            wells: Some(WellModuli {
                inherent: [17.0; 3],
                thermal: [thermal; 3],
                thermal_error: [error; 3],
            }),
            ..HarvestRecord::default()
        };
        let graph = |harvests| StateGraph {
            harvests,
            ..StateGraph::default()
        };
        assert_eq!(graph(vec![HarvestRecord::default()]).wells(), None);
        let both = graph(vec![
            harvest(16.0, 0.1),
            harvest(15.0, 0.2),
            HarvestRecord::default(),
        ]);
        let wells = both.wells().unwrap();
        for k in 0..3 {
            assert!((wells.inherent[k] - 17.0).abs() < 1e-12);
            assert!((wells.thermal[k] - 15.8).abs() < 1e-12);
            assert!((wells.thermal_error[k] - 0.1 / 1.25_f64.sqrt()).abs() < 1e-12);
        }
    }
}
