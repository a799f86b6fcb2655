//! Interatomic potentials, force fields and the energy landscape they span.
//!
//! Read in this order: [`EnergyLandscape`] is what minimizers and saddle searches see;
//! [`FixedCell`] is the landscape of atoms in a cell; [`ForceField`] couples a [`Potential`] with
//! its neighbor list and answers energy, forces, stress and second derivatives;
//! [`BinaryLennardJones`] is the one model so far, in three ways of ending at its [`Cut`];
//! [`Kernel`] names the instructions that sum its pairs; [`site_pairs`] lists what every pair of
//! sites costs whoever sits there, for moves that exchange species.

mod clusters;
mod cut;
mod error;
mod fixed_cell;
mod force_field;
mod kernel;
mod landscape;
mod lanes;
mod lennard_jones;
mod pair;
mod potential;
mod site_pairs;

pub use clusters::{ClusterPotential, ClusterSums};
pub use cut::Cut;
pub use error::{InteractionError, UnknownName};
pub use fixed_cell::{FixedCell, flatten, unflatten};
pub use force_field::{
    DEFAULT_INNER_SKIN, DEFAULT_SKIN, Evaluation, ForceField, PerAtom, StrainResponse,
};
pub use kernel::Kernel;
pub use landscape::{Counted, EnergyLandscape, HessianBlock, HessianBlocks, largest_norm};
pub use lennard_jones::BinaryLennardJones;
/// The lists that a [`Potential`] and a [`ClusterPotential`] sum over.
pub use metabasin_neighbors::{ClusterList, VerletList};
pub use pair::{LocalStiffness, PairPotential};
pub use potential::{
    Execution, Linearization, Potential, Precision, StepVirial, StrainSums, Totals,
};
pub use site_pairs::{SitePair, site_pairs};
