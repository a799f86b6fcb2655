//! Interatomic potentials, force fields and the energy landscape they span.

mod landscape;

pub use landscape::{Counted, EnergyLandscape};
