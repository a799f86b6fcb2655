//! Changes of the volume and the shape of the cell.

use serde::{Deserialize, Serialize};

use super::slower_than_a_step;
use crate::MdError;
use crate::error::{finite, positive};

/// What the cell does under its internal pressure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Barostat {
    /// The volume moves with inertia W = (N_f + 3) k_B T τ²: Martyna, Tobias & Klein, J. Chem.
    /// Phys. 101, 4177 (1994).
    Isotropic {
        /// External pressure `[energy / length³]`.
        #[serde(default)]
        pressure: f64,
        /// Relaxation time τ of the volume `[τ]`.
        #[serde(default = "two")]
        time_constant: f64,
    },
    /// All six components of the cell move, each with inertia W_g = (N_f + 3) k_B T τ²/3: the
    /// flexible cell of Martyna, Tobias & Klein in the gauge ḣ = G h with upper-triangular G, in
    /// which the cell never rotates.
    ///
    /// Mean stress −P on the diagonal, zero off it, each component to −k_B T/V alike. For solids:
    /// a liquid's cell has no shape to keep and drifts until it is too narrow for the cutoff.
    FullCell {
        /// External pressure `[energy / length³]`.
        #[serde(default)]
        pressure: f64,
        /// Relaxation time τ of the cell `[τ]`.
        #[serde(default = "two")]
        time_constant: f64,
    },
    /// Stochastic cell rescaling (Bernetti & Bussi, J. Chem. Phys. 153, 114107 (2020)): the volume
    /// relaxes without inertia. With λ = √V,
    ///
    /// ```text
    /// dλ = −(β_T λ/2τ) (P − P_int − k_B T/2V) dt + √(k_B T β_T/2τ) dW
    /// ```
    ///
    /// integrated reversibly: forward and backward probabilities of each step enter the conserved
    /// quantity. It needs a thermostat.
    StochasticCellRescaling {
        /// External pressure `[energy / length³]`.
        #[serde(default)]
        pressure: f64,
        /// Relaxation time τ of the volume, where `compressibility` is right `[τ]`.
        #[serde(default = "two")]
        time_constant: f64,
        /// An estimate of the isothermal compressibility β_T; only τ/β_T matters
        /// `[length³ / energy]`.
        #[serde(default = "glassy")]
        compressibility: f64,
    },
}

fn two() -> f64 {
    2.0
}

/// That of a Wahnström glass at zero pressure, bulk modulus 60.
fn glassy() -> f64 {
    0.017
}

impl Default for Barostat {
    fn default() -> Self {
        Self::isotropic(0.0)
    }
}

impl Barostat {
    /// The isotropic one with inertia and the default time constant at `pressure`.
    pub fn isotropic(pressure: f64) -> Self {
        Self::Isotropic {
            pressure,
            time_constant: two(),
        }
    }

    /// The full cell with the default time constant at `pressure`.
    pub fn full_cell(pressure: f64) -> Self {
        Self::FullCell {
            pressure,
            time_constant: two(),
        }
    }

    /// Stochastic cell rescaling with the default time constant and compressibility at `pressure`.
    pub fn stochastic(pressure: f64) -> Self {
        Self::StochasticCellRescaling {
            pressure,
            time_constant: two(),
            compressibility: glassy(),
        }
    }

    /// The external pressure `[energy / length³]`.
    pub fn pressure(&self) -> f64 {
        match *self {
            Self::Isotropic { pressure, .. }
            | Self::FullCell { pressure, .. }
            | Self::StochasticCellRescaling { pressure, .. } => pressure,
        }
    }

    /// The relaxation time `[τ]`.
    pub fn time_constant(&self) -> f64 {
        match *self {
            Self::Isotropic { time_constant, .. }
            | Self::FullCell { time_constant, .. }
            | Self::StochasticCellRescaling { time_constant, .. } => time_constant,
        }
    }

    pub(super) fn validate(&self, time_step: f64) -> Result<(), MdError> {
        finite("barostat.pressure", self.pressure())?;
        slower_than_a_step("barostat.time_constant", self.time_constant(), time_step)?;
        match *self {
            Self::StochasticCellRescaling {
                compressibility, ..
            } => positive("barostat.compressibility", compressibility),
            Self::Isotropic { .. } | Self::FullCell { .. } => Ok(()),
        }
    }
}
