//! The choice of thermostat and barostat of a run.

use metabasin_atoms::units::Duration;
use metabasin_md::{Barostat, Thermostat};
use serde::{Deserialize, Serialize};

/// How heat is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ThermostatChoice {
    /// A Nose-Hoover chain: deterministic, the default.
    NoseHooverChain {
        /// Relaxation time; 0.3 τ by default.
        #[serde(default = "fast")]
        time_constant: Duration,
        /// Number of thermostats in the chain.
        #[serde(default = "three")]
        length: usize,
    },
    /// Stochastic velocity rescaling.
    VelocityRescaling {
        /// Relaxation time of the kinetic energy; 0.3 τ by default.
        #[serde(default = "fast")]
        time_constant: Duration,
    },
    /// Langevin dynamics.
    Langevin {
        /// Inverse friction; 1 τ by default.
        #[serde(default = "slow")]
        time_constant: Duration,
    },
}

/// How the cell follows zero pressure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BarostatChoice {
    /// The volume, with inertia: the default.
    Isotropic {
        /// Relaxation time; 2 τ by default.
        #[serde(default = "slower")]
        time_constant: Duration,
    },
    /// The whole cell, with inertia. For solids: the cell of a melt has no shape to keep.
    FullCell {
        /// Relaxation time; 2 τ by default.
        #[serde(default = "slower")]
        time_constant: Duration,
    },
    /// The volume, by stochastic cell rescaling.
    StochasticCellRescaling {
        /// Relaxation time of a glass; 2 τ by default.
        #[serde(default = "slower")]
        time_constant: Duration,
    },
}

fn fast() -> Duration {
    Duration::Tau(0.3)
}

fn slow() -> Duration {
    Duration::Tau(1.0)
}

fn slower() -> Duration {
    Duration::Tau(2.0)
}

fn three() -> usize {
    3
}

impl ThermostatChoice {
    /// The thermostat in reduced units.
    pub(crate) fn reduced(self) -> Thermostat {
        match self {
            Self::NoseHooverChain {
                time_constant,
                length,
            } => Thermostat::NoseHooverChain {
                time_constant: time_constant.tau(),
                length,
            },
            Self::VelocityRescaling { time_constant } => Thermostat::VelocityRescaling {
                time_constant: time_constant.tau(),
            },
            Self::Langevin { time_constant } => Thermostat::Langevin {
                time_constant: time_constant.tau(),
            },
        }
    }
}

impl BarostatChoice {
    /// The barostat in reduced units.
    pub(crate) fn reduced(self) -> Barostat {
        let (mut barostat, chosen) = match self {
            Self::Isotropic { time_constant } => (Barostat::isotropic(0.0), time_constant),
            Self::FullCell { time_constant } => (Barostat::full_cell(0.0), time_constant),
            Self::StochasticCellRescaling { time_constant } => {
                (Barostat::stochastic(0.0), time_constant)
            }
        };
        match &mut barostat {
            Barostat::Isotropic { time_constant, .. }
            | Barostat::FullCell { time_constant, .. }
            | Barostat::StochasticCellRescaling { time_constant, .. } => {
                *time_constant = chosen.tau();
            }
        }
        barostat
    }
}
