//! What curves say: pure functions on arrays, each with the noise beside the number.

mod averages;
mod curves;
mod fictive_temperature;
mod line;

pub use averages::{Average, Bin, block_error, logarithmic_bins};
pub use curves::{half_difference, strain_fluctuation, subtract_control};
pub use fictive_temperature::{
    FictiveTemperature, StraightLine, fictive_temperature, fictive_temperature_at_constant_volume,
};
pub use line::{LineFit, ZeroStress, line_fit, shear_modulus_fit, zero_stress_root};

#[cfg(test)]
pub(crate) mod tests_support;
