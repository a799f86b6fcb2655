//! Reduced Lennard-Jones units inside, metallic ones where people read and write.
//!
//! Inside every crate: length σ = σ₁₁, energy ε, mass m = m₁ (large atom), k_B = 1, time
//! τ = σ√(m/ε). The metallic mapping: ε = 1 eV, and 0.002778 τ is called 1 fs.

use serde::{Deserialize, Serialize};

/// Boltzmann's constant `[eV / K]`: for ε = 1 eV the temperature in kelvin is T/k_B.
pub const BOLTZMANN_EV_PER_KELVIN: f64 = 8.617e-5;

/// The duration that the metallic mapping calls one femtosecond `[τ]`.
pub const TAU_PER_FEMTOSECOND: f64 = 0.002778;

/// One τ in mapped seconds.
pub const SECONDS_PER_TAU: f64 = 1e-15 / TAU_PER_FEMTOSECOND;

/// A rate of simple shear, in the unit in which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum StrainRate {
    /// Strain per mapped second.
    PerSecond(f64),
    /// Strain per τ.
    PerTau(f64),
}

impl StrainRate {
    /// dγ/dt `[1/τ]`.
    pub fn per_tau(self) -> f64 {
        match self {
            Self::PerSecond(rate) => rate * SECONDS_PER_TAU,
            Self::PerTau(rate) => rate,
        }
    }

    /// dγ/dt per mapped second.
    pub fn per_second(self) -> f64 {
        match self {
            Self::PerSecond(rate) => rate,
            Self::PerTau(rate) => rate / SECONDS_PER_TAU,
        }
    }
}

/// A time span, in the unit in which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Duration {
    /// Mapped seconds.
    Seconds(f64),
    /// Reduced time units.
    Tau(f64),
}

impl Duration {
    /// The span `[τ]`.
    pub fn tau(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds / SECONDS_PER_TAU,
            Self::Tau(tau) => tau,
        }
    }

    /// The span in mapped seconds.
    pub fn seconds(self) -> f64 {
        self.tau() * SECONDS_PER_TAU
    }
}

/// A temperature, in the unit in which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Temperature {
    /// k_B T in units of ε.
    Reduced(f64),
    /// Mapped kelvin.
    Kelvin(f64),
}

impl Temperature {
    /// k_B T `[ε]`.
    pub fn reduced(self) -> f64 {
        match self {
            Self::Reduced(temperature) => temperature,
            Self::Kelvin(kelvin) => kelvin * BOLTZMANN_EV_PER_KELVIN,
        }
    }

    /// Mapped kelvin.
    pub fn kelvin(self) -> f64 {
        self.reduced() / BOLTZMANN_EV_PER_KELVIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_to_the_seven_per_second_is_one_percent_in_a_million_steps() {
        let per_step = StrainRate::PerSecond(1e7).per_tau() * TAU_PER_FEMTOSECOND;
        assert!((per_step * 1e6 - 0.01).abs() < 1e-15);
        assert!((StrainRate::PerTau(3.6e-6).per_second() / 1e7 - 1.0).abs() < 1e-3);
        let rate = StrainRate::PerTau(2.5e-4);
        assert!((StrainRate::PerSecond(rate.per_second()).per_tau() / 2.5e-4 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn a_billion_steps_are_a_microsecond() {
        let microsecond = Duration::Tau(1e9 * TAU_PER_FEMTOSECOND).seconds();
        assert!((microsecond - 1e-6).abs() < 1e-18);
        assert!((Duration::Seconds(1e-6).tau() - 2.778e6).abs() < 1e-6);
    }

    #[test]
    fn one_epsilon_is_one_electronvolt() {
        assert!((Temperature::Reduced(0.28).kelvin() - 3249.4).abs() < 0.1);
        assert!((Temperature::Kelvin(300.0).reduced() - 0.025851).abs() < 1e-12);
    }
}
