//! Cells, tensors, configurations, units and random streams of atomistic samples.
//!
//! Read in this order: [`Cell`] is the periodic box, right under any shear; [`Stress`], [`Strain`],
//! [`Dipole`], [`PlasticVolume`] and [`Stiffness`] are the tensors that other rooms exchange;
//! [`Configuration`] is plain data: atoms in a cell; [`units`] maps reduced Lennard-Jones numbers
//! to the metallic ones people quote; [`random_stream`] gives every piece of work a generator of
//! its own; [`Interrupt`] asks it to stop.

mod cell;
mod configuration;
mod interrupt;
mod random;
mod stiffness;
mod tensor;
pub mod units;

pub use cell::{Cell, CellError};
pub use configuration::{Configuration, ConfigurationError, Species};
pub use interrupt::{Interrupt, Saving};
pub use random::{Purpose, random_stream};
pub use stiffness::{ComplianceSource, Stiffness, StiffnessError};
pub use tensor::{COMPONENTS, Dipole, PlasticVolume, Strain, Stress};
