//! From series to findings: curves, numbers with errors, comparison, signatures.
//!
//! MD and KMC go through the same functions: a [`loading::Realization`] is a pair of trajectories
//! of opposite sign, whoever made them.

pub(crate) mod confidence;
pub(crate) mod kmc;
pub(crate) mod loading;
pub(crate) mod md;
pub(crate) mod quantities;
pub(crate) mod replicas;
pub(crate) mod rows;
pub(crate) mod signatures;
