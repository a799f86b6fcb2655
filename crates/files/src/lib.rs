//! Structure files, time series and run manifests, written whole.

pub mod findings;
