//! Exchange of heat.

use serde::{Deserialize, Serialize};

use super::slower_than_a_step;
use crate::MdError;
use crate::error::positive;

/// A thermostat of the peculiar velocities. Cell variables that move have one of the same kind, a
/// chain of their own or an Ornstein-Uhlenbeck process, with the cell's own time constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Thermostat {
    /// A Nose-Hoover chain (Martyna, Klein & Tuckerman, J. Chem. Phys. 97, 2635 (1992)) with masses
    /// Q₁ = N_f k_B T τ², Q_k = k_B T τ².
    NoseHooverChain {
        /// Relaxation time τ `[τ]`; about 100 steps.
        #[serde(default = "hundred_steps")]
        time_constant: f64,
        /// Number of thermostats in the chain.
        #[serde(default = "three")]
        length: usize,
    },
    /// Stochastic velocity rescaling (Bussi, Donadio & Parrinello, J. Chem. Phys. 126, 014101
    /// (2007)): the kinetic energy follows
    ///
    /// ```text
    /// dK = (K̄ − K) dt/τ + 2 √(K K̄/N_f) dW/√τ,   K̄ = N_f k_B T/2
    /// ```
    ///
    /// by its exact propagator (their eq. A7), and all velocities are scaled alike.
    VelocityRescaling {
        /// Relaxation time τ of the kinetic energy `[τ]`.
        #[serde(default = "hundred_steps")]
        time_constant: f64,
    },
    /// Langevin dynamics, dv = F/m dt − v dt/τ + √(2 k_B T/(m τ)) dW, in the splitting BAOAB
    /// (Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34). The noise carries no net
    /// momentum.
    Langevin {
        /// Relaxation time τ of a velocity, the inverse friction `[τ]`.
        #[serde(default = "one")]
        time_constant: f64,
    },
}

fn hundred_steps() -> f64 {
    0.3
}

fn three() -> usize {
    3
}

fn one() -> f64 {
    1.0
}

impl Default for Thermostat {
    fn default() -> Self {
        Self::NoseHooverChain {
            time_constant: hundred_steps(),
            length: three(),
        }
    }
}

impl Thermostat {
    /// A stochastic velocity rescaling of the default time constant.
    pub fn velocity_rescaling() -> Self {
        Self::VelocityRescaling {
            time_constant: hundred_steps(),
        }
    }

    /// A Langevin thermostat of the default time constant.
    pub fn langevin() -> Self {
        Self::Langevin {
            time_constant: one(),
        }
    }

    pub(super) fn validate(&self, time_step: f64) -> Result<(), MdError> {
        let field = "thermostat.time_constant";
        match *self {
            Self::NoseHooverChain {
                time_constant,
                length,
            } => {
                slower_than_a_step(field, time_constant, time_step)?;
                if length == 0 {
                    return Err(MdError::Setting {
                        field: "thermostat.length",
                        requirement: "at least 1",
                        value: 0.0,
                    });
                }
                Ok(())
            }
            // Their propagators are exact: any time constant is stable.
            Self::VelocityRescaling { time_constant } | Self::Langevin { time_constant } => {
                positive(field, time_constant)
            }
        }
    }
}
