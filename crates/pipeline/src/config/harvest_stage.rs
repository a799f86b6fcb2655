//! States that molecular dynamics visits.

use metabasin_atoms::units::Duration;
use serde::{Deserialize, Serialize};

/// Quenches without which a trajectory tells nothing.
const LEAST_QUENCHES: u64 = 4;

/// Stationary trajectories at zero load around the minimum of the searches, at the temperature of the sample:
/// states, weights and fluxes go into the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HarvestStage {
    /// How many trajectories; errors are stated from four on.
    pub trajectories: u64,
    /// Time at the start of each that is not looked at.
    pub settle: Duration,
    /// Time of each that is.
    pub duration: Duration,
    /// Time between two quenches.
    pub interval: Duration,
    /// Relaxation time of the Langevin thermostat.
    pub friction_time: Duration,
}

impl Default for HarvestStage {
    fn default() -> Self {
        Self {
            trajectories: 8,
            settle: Duration::Tau(50.0),
            duration: Duration::Tau(250.0),
            interval: Duration::Tau(1.0),
            friction_time: Duration::Tau(5.0),
        }
    }
}

impl HarvestStage {
    /// Times that make no sense: field, and what it must be.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for (field, time) in [
            ("duration", self.duration),
            ("interval", self.interval),
            ("friction_time", self.friction_time),
        ] {
            let time = time.tau();
            if !(time > 0.0 && time.is_finite()) {
                faults.push((field, format!("must be positive and finite, got {time}")));
            }
        }
        let settle = self.settle.tau();
        if !(settle >= 0.0 && settle.is_finite()) {
            faults.push((
                "settle",
                format!("must be at least 0 and finite, got {settle}"),
            ));
        }
        let quenches = self.quenches();
        if quenches < LEAST_QUENCHES {
            faults.push((
                "duration",
                format!("must be at least {LEAST_QUENCHES} times the interval between quenches"),
            ));
        }
        faults
    }

    /// Quenches of a trajectory.
    pub(crate) fn quenches(&self) -> u64 {
        (self.duration.tau() / self.interval.tau()).round() as u64
    }
}
