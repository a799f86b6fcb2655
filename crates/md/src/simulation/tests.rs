//! What every simulation must keep.

mod conservation;
mod ensembles;
mod failures;
mod symmetries;
