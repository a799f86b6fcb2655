//! What a preparation does and in which order, as plain data.

use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::protocols::Integration;
use crate::{Drive, Dynamics, MdError, SwapSettings, TemperatureSchedule};

/// Settings of a preparation from the melt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareSettings {
    /// Number of atoms, half of each species.
    pub atoms: usize,
    /// Number density of the melt `[1/length³]`.
    pub density: f64,
    /// Temperature of the melt, at constant volume `[energy]`.
    pub melt_temperature: f64,
    /// Time in the melt `[τ]`.
    pub melt_duration: f64,
    /// Time to go from the melt to `cool_from` at constant volume, and again to settle at constant
    /// pressure `[τ]`.
    pub settle_duration: f64,
    /// Temperature at which the ramp begins `[energy]`.
    pub cool_from: f64,
    /// Temperature at which the ramp ends, well below T_f `[energy]`.
    pub cool_to: f64,
    /// −dT/dt of the ramp `[energy/τ]`.
    pub cooling_rate: f64,
    /// A stop on the way, in which the liquid relaxes.
    pub hold: Option<PrepareHold>,
    /// Swaps of unlike atoms while settling and cooling.
    pub swap: Option<SwapSettings>,
    /// Temperature at which the sample is taken; `None` is 0.8 T_f `[energy]`.
    pub sample_temperature: Option<f64>,
    /// Time step, frames, thermostat and barostat.
    pub integration: Integration,
}

/// A stop on the way from liquid to glass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareHold {
    /// Temperature of a hold at constant pressure between the two halves of the ramp.
    ///
    /// `None` is the route of Derlet & Maass (2021): a quench at constant volume first, which
    /// gives T_f at constant volume; a hold at 0.95 of it, at constant volume still; then the ramp
    /// at constant pressure, from that temperature down `[energy]`.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// How long `[τ]`.
    pub duration: f64,
    /// Swaps of unlike atoms meanwhile.
    #[serde(default)]
    pub swap: Option<SwapSettings>,
}

impl Default for PrepareSettings {
    fn default() -> Self {
        Self {
            atoms: 500,
            density: 1.2,
            melt_temperature: 2.0,
            melt_duration: 30.0,
            settle_duration: 15.0,
            cool_from: 0.7,
            cool_to: 0.08,
            cooling_rate: 2e-3,
            hold: None,
            swap: None,
            sample_temperature: None,
            integration: Integration::default(),
        }
    }
}

impl PrepareSettings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`MdError`] with the field and its value.
    pub fn validate(&self) -> Result<(), MdError> {
        if self.atoms < 2 {
            return Err(MdError::TooFewAtoms { atoms: self.atoms });
        }
        for (field, value) in [
            ("density", self.density),
            ("melt_temperature", self.melt_temperature),
            ("melt_duration", self.melt_duration),
            ("settle_duration", self.settle_duration),
            ("cool_from", self.cool_from),
            ("cool_to", self.cool_to),
            ("cooling_rate", self.cooling_rate),
        ] {
            positive(field, value)?;
        }
        if self.cool_to >= self.cool_from {
            return Err(MdError::Setting {
                field: "cool_to",
                requirement: "below cool_from",
                value: self.cool_to,
            });
        }
        let mut warmest = self.cool_from;
        if let Some(hold) = &self.hold {
            positive("hold.duration", hold.duration)?;
            if let Some(temperature) = hold.temperature {
                if !(temperature > self.cool_to && temperature < self.cool_from) {
                    return Err(MdError::Setting {
                        field: "hold.temperature",
                        requirement: "between cool_to and cool_from",
                        value: temperature,
                    });
                }
                warmest = temperature;
            }
        }
        if let Some(temperature) = self.sample_temperature
            && !(self.cool_to..=warmest).contains(&temperature)
        {
            return Err(MdError::Setting {
                field: "sample_temperature",
                requirement: "between cool_to and the start of the last ramp",
                value: temperature,
            });
        }
        let swaps = [self.swap, self.hold.and_then(|hold| hold.swap)];
        for swap in swaps.into_iter().flatten() {
            swap.validate()?;
        }
        self.integration.validate()
    }

    /// Steps in all; an upper bound where the hold's temperature is to be found on the way.
    pub fn total_steps(&self) -> u64 {
        let hold = self.known_hold_temperature();
        let steps = |leg: &Leg| self.steps(*leg, hold);
        self.legs().iter().map(steps).sum()
    }

    fn known_hold_temperature(&self) -> Option<f64> {
        self.hold.and_then(|hold| hold.temperature)
    }

    /// The parts of this preparation in their order.
    pub(super) fn legs(&self) -> &'static [Leg] {
        match self.hold {
            None => &[Leg::Melt, Leg::Quench, Leg::Settle, Leg::Ramp],
            Some(hold) if hold.temperature.is_some() => &[
                Leg::Melt,
                Leg::Quench,
                Leg::Settle,
                Leg::Approach,
                Leg::Hold,
                Leg::Ramp,
            ],
            Some(_) => &[
                Leg::Melt,
                Leg::Quench,
                Leg::VolumeRamp,
                Leg::Hold,
                Leg::Settle,
                Leg::Ramp,
            ],
        }
    }

    pub(super) fn after(&self, leg: Leg) -> Option<Leg> {
        let legs = self.legs();
        let place = legs.iter().position(|other| *other == leg)?;
        legs.get(place + 1).copied()
    }

    /// Where the ramp at constant pressure begins that ends at `cool_to`.
    fn last_ramp_from(&self, hold: Option<f64>) -> f64 {
        hold.unwrap_or(self.cool_from)
    }

    /// Where the sample settles at constant pressure.
    fn settles_at(&self, hold: Option<f64>) -> f64 {
        match self.known_hold_temperature() {
            Some(_) => self.cool_from,
            None => self.last_ramp_from(hold),
        }
    }

    fn duration(&self, leg: Leg, hold: Option<f64>) -> f64 {
        let ramp = |from: f64, to: f64| (from - to) / self.cooling_rate;
        match leg {
            Leg::Melt => self.melt_duration,
            Leg::Quench | Leg::Settle => self.settle_duration,
            Leg::VolumeRamp => ramp(self.cool_from, self.cool_to),
            Leg::Approach => ramp(self.cool_from, self.last_ramp_from(hold)),
            Leg::Hold => self.hold.map_or(0.0, |hold| hold.duration),
            Leg::Ramp => ramp(self.last_ramp_from(hold), self.cool_to),
        }
    }

    pub(super) fn steps(&self, leg: Leg, hold: Option<f64>) -> u64 {
        self.integration.steps(self.duration(leg, hold))
    }

    pub(super) fn dynamics(&self, leg: Leg, hold: Option<f64>) -> Dynamics {
        let ramp = |from, to| TemperatureSchedule::Ramp {
            from,
            to,
            duration: self.duration(leg, hold),
        };
        let constant = TemperatureSchedule::Constant;
        let held = self.last_ramp_from(hold);
        // Each part counts its steps from zero, so each has random numbers of its own.
        let integration = Integration {
            random: self.integration.random.part(leg as u32),
            ..self.integration
        };
        let at_volume = |schedule| integration.at_volume(schedule);
        let at_pressure = |schedule| integration.at_pressure(schedule, Drive::None);
        match leg {
            Leg::Melt => at_volume(constant(self.melt_temperature)),
            Leg::Quench => at_volume(ramp(self.melt_temperature, self.cool_from)),
            Leg::VolumeRamp => at_volume(ramp(self.cool_from, self.cool_to)),
            Leg::Settle => at_pressure(constant(self.settles_at(hold))),
            Leg::Approach => at_pressure(ramp(self.cool_from, held)),
            Leg::Hold if self.known_hold_temperature().is_some() => at_pressure(constant(held)),
            Leg::Hold => at_volume(constant(held)),
            Leg::Ramp => at_pressure(ramp(held, self.cool_to)),
        }
    }

    pub(super) fn swap(&self, leg: Leg) -> Option<SwapSettings> {
        match leg {
            Leg::Melt | Leg::Quench => None,
            Leg::Hold => self.hold.and_then(|hold| hold.swap),
            Leg::VolumeRamp | Leg::Settle | Leg::Approach | Leg::Ramp => self.swap,
        }
    }
}

/// The parts of a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Leg {
    /// The liquid at constant volume, hot.
    Melt,
    /// From there to the start of a ramp, at constant volume.
    Quench,
    /// A ramp at constant volume, for its T_f.
    VolumeRamp,
    /// At constant pressure, before a ramp.
    Settle,
    /// The ramp at constant pressure down to the hold.
    Approach,
    /// The stop.
    Hold,
    /// The ramp at constant pressure down to its end.
    Ramp,
}
