//! The description of a simulation: ensemble and drive, as plain data.

use serde::{Deserialize, Serialize};

use crate::MdError;
use crate::error::{finite, positive};

/// One simulation step's equations of motion, composed of independent choices.
///
/// No thermostat, no barostat and no drive is NVE; a thermostat makes it NVT, a barostat NPH or
/// NPT; the drives go with any of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamics {
    /// Time step dt `[τ]`.
    pub time_step: f64,
    /// k_B T against time; without a thermostat it only sets the inertia of the cell.
    pub temperature: TemperatureSchedule,
    /// Exchange of heat; `None` is adiabatic.
    #[serde(default)]
    pub thermostat: Option<NoseHooverChain>,
    /// Isotropic volume changes; `None` is constant volume.
    #[serde(default)]
    pub barostat: Option<IsotropicPressure>,
    /// What happens to the xy tilt of the cell.
    #[serde(default)]
    pub drive: Drive,
}

/// k_B T against time since the start of the simulation `[energy]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TemperatureSchedule {
    /// The same temperature throughout.
    Constant(f64),
    /// T(t) = from + (to − from) t / duration, constant afterwards.
    Ramp {
        /// Temperature at the start `[energy]`.
        from: f64,
        /// Temperature at the end `[energy]`.
        to: f64,
        /// Time from start to end `[τ]`.
        duration: f64,
    },
}

impl TemperatureSchedule {
    /// k_B T at `time` `[energy]`.
    pub fn at(&self, time: f64) -> f64 {
        match *self {
            Self::Constant(temperature) => temperature,
            Self::Ramp { from, to, duration } => {
                from + (to - from) * (time / duration).clamp(0.0, 1.0)
            }
        }
    }

    /// The mean over the schedule, which sets the inertia of thermostat and cell `[energy]`.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant(temperature) => temperature,
            Self::Ramp { from, to, .. } => 0.5 * (from + to),
        }
    }

    fn validate(&self) -> Result<(), MdError> {
        match *self {
            Self::Constant(temperature) => positive("temperature", temperature),
            Self::Ramp { from, to, duration } => {
                positive("temperature.from", from)?;
                positive("temperature.to", to)?;
                positive("temperature.duration", duration)
            }
        }
    }
}

/// A Nose-Hoover chain (Martyna, Klein & Tuckerman, J. Chem. Phys. 97, 2635 (1992)) with masses
/// Q₁ = N_f k_B T τ², Q_k = k_B T τ².
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoseHooverChain {
    /// Relaxation time τ `[τ]`; about 100 steps.
    pub time_constant: f64,
    /// Number of thermostats in the chain.
    pub length: usize,
}

impl Default for NoseHooverChain {
    fn default() -> Self {
        Self {
            time_constant: 0.3,
            length: 3,
        }
    }
}

/// The isotropic Martyna-Tobias-Klein barostat (J. Chem. Phys. 101, 4177 (1994)) with mass
/// W = (N_f + 3) k_B T τ². Where there is a thermostat, the cell has a chain of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IsotropicPressure {
    /// External pressure `[energy / length³]`.
    pub pressure: f64,
    /// Relaxation time τ of the volume `[τ]`.
    pub time_constant: f64,
}

impl Default for IsotropicPressure {
    fn default() -> Self {
        Self {
            pressure: 0.0,
            time_constant: 2.0,
        }
    }
}

/// What happens to the xy tilt of the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Drive {
    /// The tilt stays.
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
        time_constant: f64,
    },
}

impl Drive {
    /// A free tilt with the usual inertia.
    pub fn zero_shear_stress() -> Self {
        Self::ZeroShearStress { time_constant: 2.0 }
    }
}

impl Dynamics {
    /// Constant energy and volume.
    pub fn constant_energy(time_step: f64, temperature: f64) -> Self {
        Self {
            time_step,
            temperature: TemperatureSchedule::Constant(temperature),
            thermostat: None,
            barostat: None,
            drive: Drive::None,
        }
    }

    /// Constant temperature and volume, default thermostat.
    pub fn constant_volume(time_step: f64, temperature: f64) -> Self {
        Self {
            thermostat: Some(NoseHooverChain::default()),
            ..Self::constant_energy(time_step, temperature)
        }
    }

    /// Constant temperature and zero pressure, default thermostat and barostat.
    pub fn zero_pressure(time_step: f64, temperature: f64) -> Self {
        Self {
            barostat: Some(IsotropicPressure::default()),
            ..Self::constant_volume(time_step, temperature)
        }
    }

    /// The same with another drive.
    #[must_use]
    pub fn with_drive(mut self, drive: Drive) -> Self {
        self.drive = drive;
        self
    }

    /// dγ/dt of a driven shear, zero otherwise `[1/τ]`.
    pub fn shear_rate(&self) -> f64 {
        match self.drive {
            Drive::Shear { rate } => rate,
            Drive::None | Drive::ZeroShearStress { .. } => 0.0,
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("time_step", self.time_step)?;
        self.temperature.validate()?;
        if let Some(chain) = &self.thermostat {
            chain.validate(self.time_step)?;
        }
        if let Some(barostat) = &self.barostat {
            barostat.validate(self.time_step)?;
        }
        match self.drive {
            Drive::None => Ok(()),
            Drive::Shear { rate } => {
                finite("drive.rate", rate)?;
                if (rate * self.time_step).abs() > 1e-3 {
                    return Err(MdError::Setting {
                        field: "drive.rate",
                        requirement: "at most 1e-3 of strain per time_step",
                        value: rate,
                    });
                }
                Ok(())
            }
            Drive::ZeroShearStress { time_constant } => {
                slower_than_a_step("drive.time_constant", time_constant, self.time_step)
            }
        }
    }
}

impl NoseHooverChain {
    pub(crate) fn validate(&self, time_step: f64) -> Result<(), MdError> {
        slower_than_a_step("thermostat.time_constant", self.time_constant, time_step)?;
        if self.length == 0 {
            return Err(MdError::Setting {
                field: "thermostat.length",
                requirement: "at least 1",
                value: 0.0,
            });
        }
        Ok(())
    }
}

impl IsotropicPressure {
    pub(crate) fn validate(&self, time_step: f64) -> Result<(), MdError> {
        finite("barostat.pressure", self.pressure)?;
        slower_than_a_step("barostat.time_constant", self.time_constant, time_step)
    }
}

fn slower_than_a_step(field: &'static str, value: f64, time_step: f64) -> Result<(), MdError> {
    positive(field, value)?;
    if value < 10.0 * time_step {
        return Err(MdError::Setting {
            field,
            requirement: "at least ten time steps",
            value,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let good = r#"{"time_step":0.003,"temperature":{"Constant":0.3},
            "drive":{"Shear":{"rate":1e-4}}}"#;
        let dynamics: Dynamics = serde_json::from_str(good).unwrap();
        assert_eq!(dynamics.drive, Drive::Shear { rate: 1e-4 });
        for (right, wrong) in [
            ("time_step", "timestep"),
            ("\"rate\"", "\"rat\""),
            ("drive", "drives"),
        ] {
            let bad = good.replace(right, wrong);
            let error = serde_json::from_str::<Dynamics>(&bad).unwrap_err();
            let name = wrong.trim_matches('"');
            assert!(
                error
                    .to_string()
                    .contains(&format!("unknown field `{name}`"))
            );
        }
    }

    #[test]
    fn errors_name_field_and_value() {
        let good = Dynamics::zero_pressure(0.003, 0.3);
        good.validate().unwrap();
        let cases = [
            (
                Dynamics {
                    time_step: -0.1,
                    ..good.clone()
                },
                "time_step must be positive and finite, got -0.1",
            ),
            (
                Dynamics {
                    temperature: TemperatureSchedule::Ramp {
                        from: 0.5,
                        to: 0.0,
                        duration: 1.0,
                    },
                    ..good.clone()
                },
                "temperature.to must be positive and finite, got 0",
            ),
            (
                good.clone().with_drive(Drive::Shear { rate: f64::NAN }),
                "drive.rate must be finite, got NaN",
            ),
            (
                good.clone().with_drive(Drive::ZeroShearStress {
                    time_constant: 0.001,
                }),
                "drive.time_constant must be at least ten time steps, got 0.001",
            ),
        ];
        for (bad, message) in cases {
            assert_eq!(bad.validate().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_ramp_is_linear_and_stops() {
        let ramp = TemperatureSchedule::Ramp {
            from: 0.7,
            to: 0.1,
            duration: 6.0,
        };
        assert!((ramp.at(2.0) - 0.5).abs() < 1e-15);
        assert!((ramp.at(7.0) - 0.1).abs() < 1e-15);
    }
}
