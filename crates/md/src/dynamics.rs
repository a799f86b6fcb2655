//! The description of a simulation: ensemble and drive, as plain data.

mod barostat;
mod drive;
mod random_address;
mod thermostat;

use serde::{Deserialize, Serialize};

pub use barostat::Barostat;
pub use drive::Drive;
pub(crate) use random_address::Draw;
pub use random_address::RandomAddress;
pub use thermostat::Thermostat;

use crate::MdError;
use crate::error::positive;

/// One simulation step's equations of motion, composed of independent choices.
///
/// No thermostat, no barostat and no drive is NVE; a thermostat makes it NVT, a barostat NPH or
/// NPT; the drives go with any of them. The two pairs that make no sense (a stochastic barostat
/// without a thermostat, and a free tilt in a cell that is free already) are refused by
/// [`Dynamics::validate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamics {
    /// Time step dt `[τ]`.
    pub time_step: f64,
    /// k_B T against time; without a thermostat it only sets the inertia of the cell.
    pub temperature: TemperatureSchedule,
    /// Exchange of heat; `None` is adiabatic.
    #[serde(default)]
    pub thermostat: Option<Thermostat>,
    /// Changes of volume or shape; `None` is a constant volume.
    #[serde(default)]
    pub barostat: Option<Barostat>,
    /// What happens to the xy tilt of the cell.
    #[serde(default)]
    pub drive: Drive,
    /// Where stochastic thermostats and barostats take their random numbers from.
    #[serde(default)]
    pub random: RandomAddress,
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

impl Dynamics {
    /// Constant energy and volume.
    pub fn constant_energy(time_step: f64, temperature: f64) -> Self {
        Self {
            time_step,
            temperature: TemperatureSchedule::Constant(temperature),
            thermostat: None,
            barostat: None,
            drive: Drive::None,
            random: RandomAddress::default(),
        }
    }

    /// Constant temperature and volume, default thermostat.
    pub fn constant_volume(time_step: f64, temperature: f64) -> Self {
        Self {
            thermostat: Some(Thermostat::default()),
            ..Self::constant_energy(time_step, temperature)
        }
    }

    /// Constant temperature and zero pressure, default thermostat and barostat.
    pub fn zero_pressure(time_step: f64, temperature: f64) -> Self {
        Self {
            barostat: Some(Barostat::default()),
            ..Self::constant_volume(time_step, temperature)
        }
    }

    /// The same with another drive.
    #[must_use]
    pub fn with_drive(mut self, drive: Drive) -> Self {
        self.drive = drive;
        self
    }

    /// The external pressure, zero at constant volume `[energy / length³]`.
    pub fn pressure(&self) -> f64 {
        self.barostat.map_or(0.0, |barostat| barostat.pressure())
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError::Setting`] with the field and its value; [`MdError::Pair`] for choices that exclude
    /// each other.
    pub fn validate(&self) -> Result<(), MdError> {
        positive("time_step", self.time_step)?;
        self.temperature.validate()?;
        if let Some(thermostat) = &self.thermostat {
            thermostat.validate(self.time_step)?;
        }
        if let Some(barostat) = &self.barostat {
            barostat.validate(self.time_step)?;
        }
        self.drive.validate(self.time_step)?;
        match (&self.thermostat, &self.barostat, &self.drive) {
            (None, Some(Barostat::StochasticCellRescaling { .. }), _) => Err(MdError::Pair {
                first: "the barostat StochasticCellRescaling",
                second: "no thermostat",
                remedy: "give a thermostat, or take the barostat Isotropic",
            }),
            (_, Some(Barostat::FullCell { .. }), Drive::ZeroShearStress { .. }) => {
                Err(MdError::Pair {
                    first: "the barostat FullCell",
                    second: "the drive ZeroShearStress",
                    remedy: "the full cell moves its tilt already: leave the drive out",
                })
            }
            _ => Ok(()),
        }
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
        let stochastic = Some(Barostat::stochastic(0.0));
        let full = Dynamics {
            barostat: Some(Barostat::full_cell(0.0)),
            ..good.clone()
        };
        let cases = cases.into_iter().chain([
            (
                Dynamics {
                    thermostat: None,
                    barostat: stochastic,
                    ..good.clone()
                },
                "the barostat StochasticCellRescaling and no thermostat do not go together: give a \
                 thermostat, or take the barostat Isotropic",
            ),
            (
                full.with_drive(Drive::zero_shear_stress()),
                "the barostat FullCell and the drive ZeroShearStress do not go together: the full \
                 cell moves its tilt already: leave the drive out",
            ),
            (
                good.clone().with_drive(Drive::CyclicShear {
                    amplitude: 0.5,
                    period: 3.0,
                }),
                "drive.amplitude must be at most 1e-3 of strain per time_step, got 0.5",
            ),
            (
                good.with_drive(Drive::constant_shear_stress(f64::INFINITY)),
                "drive.stress must be finite, got inf",
            ),
        ]);
        for (bad, message) in cases {
            assert_eq!(bad.validate().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn thermostats_and_barostats_read_as_they_are_written() {
        let short = r#"{"time_step":0.003,"temperature":{"Constant":0.3},
            "thermostat":{"Langevin":{}},"barostat":{"FullCell":{"pressure":0.5}}}"#;
        let read: Dynamics = serde_json::from_str(short).unwrap();
        assert_eq!(read.thermostat, Some(Thermostat::langevin()));
        assert_eq!(read.barostat, Some(Barostat::full_cell(0.5)));
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Dynamics>(&text).unwrap(), read);
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
