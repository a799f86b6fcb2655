//! Analytic landscapes, property-test strategies and reference data for testing landscape codes.

mod cluster;
mod landscape_contract;
mod minimizer_contract;
mod mueller_brown;
mod quadratic;
mod reference;
mod rosenbrock;
pub mod strategies;

pub use cluster::LennardJonesCluster;
pub use landscape_contract::assert_is_a_landscape;
pub use minimizer_contract::{
    EQUAL_ENERGY, EQUAL_POSITION, assert_is_a_minimizer, assert_is_equivariant, assert_returns,
};
pub use mueller_brown::{MuellerBrown, StationaryPoint};
pub use quadratic::Quadratic;
pub use reference::{
    LammpsReference, data, lammps_reference, small_glass, small_inherent_structure,
};
pub use rosenbrock::Rosenbrock;
