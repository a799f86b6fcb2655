//! What happens to the xy tilt of the cell.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::slower_than_a_step;
use crate::MdError;
use crate::error::{finite, positive};

/// Strain per time step above which the flow is no longer resolved.
const LARGEST_STRAIN_PER_STEP: f64 = 1e-3;

/// What happens to the xy tilt of the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Drive {
    /// The tilt stays; in a full cell it is free like the rest.
    #[default]
    None,
    /// Simple shear at a constant rate.
    Shear {
        /// dγ/dt, either sign `[1/τ]`.
        rate: f64,
    },
    /// The tilt is free: it moves under the shear stress with an inertia
    /// W_γ = (N_f + 3) k_B T τ² / 3, so that ⟨V σ_xy⟩ = 0.
    ZeroShearStress {
        /// Relaxation time τ of the tilt `[τ]`.
        #[serde(default = "two")]
        time_constant: f64,
    },
    /// Creep: the tilt is free under a shear stress from outside, W_γ γ̈ = V (σ_ext − σ_xy), so that
    /// ⟨V σ_xy⟩ = σ_ext ⟨V⟩. The outside does the work ∫ V σ_ext γ̇ dt.
    ///
    /// The thermostat of the cell takes part in a steady flow at rate γ̇ and shifts the stress by
    /// about W_γ γ̇/(V τ): 7e-5 at γ̇ = 1e-4/τ and T = 0.28.
    ConstantShearStress {
        /// σ_ext, either sign `[energy / length³]`.
        stress: f64,
        /// Relaxation time τ of the tilt `[τ]`.
        #[serde(default = "two")]
        time_constant: f64,
    },
    /// γ(t) = amplitude sin(2π t/period), relative to the start.
    CyclicShear {
        /// Largest strain; its sign is that of the first quarter.
        amplitude: f64,
        /// Time of a cycle `[τ]`.
        period: f64,
    },
}

fn two() -> f64 {
    2.0
}

impl Drive {
    /// A free tilt with the usual inertia.
    pub fn zero_shear_stress() -> Self {
        Self::ZeroShearStress {
            time_constant: two(),
        }
    }

    /// A tilt under the shear stress `stress` with the usual inertia.
    pub fn constant_shear_stress(stress: f64) -> Self {
        Self::ConstantShearStress {
            stress,
            time_constant: two(),
        }
    }

    /// The prescribed dγ/dt, its mean over `duration` from `time` on; `None` where the drive
    /// prescribes none `[1/τ]`.
    pub(crate) fn mean_rate(&self, time: f64, duration: f64) -> Option<f64> {
        match *self {
            Self::Shear { rate } => Some(rate),
            Self::CyclicShear { amplitude, period } => {
                // sin(x + h) − sin x = 2 cos(x + h/2) sin(h/2).
                let middle = TAU * ((time + 0.5 * duration) / period).fract();
                let half = 0.5 * TAU * duration / period;
                Some(2.0 * amplitude * middle.cos() * half.sin() / duration)
            }
            Self::None | Self::ZeroShearStress { .. } | Self::ConstantShearStress { .. } => None,
        }
    }

    /// The shear stress from outside on a free tilt `[energy / length³]`.
    pub(crate) fn external_stress(&self) -> f64 {
        match *self {
            Self::ConstantShearStress { stress, .. } => stress,
            _ => 0.0,
        }
    }

    /// The relaxation time of a free tilt, `None` where the drive frees none `[τ]`.
    pub(crate) fn time_constant(&self) -> Option<f64> {
        match *self {
            Self::ZeroShearStress { time_constant }
            | Self::ConstantShearStress { time_constant, .. } => Some(time_constant),
            Self::None | Self::Shear { .. } | Self::CyclicShear { .. } => None,
        }
    }

    pub(super) fn validate(&self, time_step: f64) -> Result<(), MdError> {
        let resolved = |field, rate: f64, value| {
            if (rate * time_step).abs() > LARGEST_STRAIN_PER_STEP {
                return Err(MdError::Setting {
                    field,
                    requirement: "at most 1e-3 of strain per time_step",
                    value,
                });
            }
            Ok(())
        };
        match *self {
            Self::None => Ok(()),
            Self::Shear { rate } => {
                finite("drive.rate", rate)?;
                resolved("drive.rate", rate, rate)
            }
            Self::ZeroShearStress { time_constant } => {
                slower_than_a_step("drive.time_constant", time_constant, time_step)
            }
            Self::ConstantShearStress {
                stress,
                time_constant,
            } => {
                finite("drive.stress", stress)?;
                slower_than_a_step("drive.time_constant", time_constant, time_step)
            }
            Self::CyclicShear { amplitude, period } => {
                finite("drive.amplitude", amplitude)?;
                positive("drive.period", period)?;
                slower_than_a_step("drive.period", period, time_step)?;
                resolved("drive.amplitude", amplitude * TAU / period, amplitude)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of any length add up to the sine.
    #[test]
    fn the_rates_of_a_cycle_integrate_to_its_strain() {
        let drive = Drive::CyclicShear {
            amplitude: 0.04,
            period: 7.0,
        };
        let mut strain = 0.0;
        for step in 0..1000 {
            strain += 0.013 * drive.mean_rate(0.013 * f64::from(step), 0.013).unwrap();
            let expected = 0.04 * (TAU * 0.013 * f64::from(step + 1) / 7.0).sin();
            assert!((strain - expected).abs() < 1e-14);
        }
    }
}
