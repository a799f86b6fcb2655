//! What can be wrong with the input of this room.

use metabasin_atoms::StiffnessError;
use thiserror::Error;

/// Why an excitation, a lattice or a run cannot be made.
#[derive(Debug, Error, PartialEq)]
pub enum EshelbyError {
    /// An event whose verdicts do not allow it to enter a rate.
    #[error(
        "event {id} is not verified (converged: {converged}, negative eigenvalues: {index}, connected: {connected})"
    )]
    Unverified {
        /// Number of the event in its catalogue.
        id: u64,
        /// Whether its stationary points converged.
        converged: bool,
        /// Negative eigenvalues at its saddle.
        index: u32,
        /// Whether its saddle leads back to the sample's minimum.
        connected: bool,
    },
    /// Neither the event nor the sample tells the plastic volumes.
    #[error(
        "event {id} has no plastic volumes and the sample has no stiffness to compute them from: repeat the searches, which store it"
    )]
    NoPlasticVolume {
        /// Number of the event in its catalogue.
        id: u64,
    },
    /// The sample has no stiffness, so that events cannot interact.
    #[error(
        "the sample {fingerprint} has no stiffness, which an earlier version left out where it is not positive definite: repeat the searches, which store it"
    )]
    NoStiffness {
        /// Fingerprint of the sample.
        fingerprint: String,
    },
    /// The sample is elastically unstable.
    #[error("the sample's stiffness cannot be used")]
    Stiffness(#[from] StiffnessError),
    /// A number that must be finite is not.
    #[error("{field} must be finite, got {value}")]
    NotFinite {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A number that must be positive is not.
    #[error("{field} must be positive and finite, got {value}")]
    NotPositive {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A number outside its range.
    #[error("{field} must lie in {range}, got {value}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// The range, in words.
        range: &'static str,
    },
    /// No verified event lies below the barrier that was asked for.
    #[error(
        "no verified event has a barrier below upper_barrier = {upper_barrier}: search more, or raise it"
    )]
    EmptyPopulation {
        /// The barrier `[energy]`.
        upper_barrier: f64,
    },
    /// An excitation was put on a site that does not exist.
    #[error("site {site} does not exist: the lattice has {sites} sites")]
    NoSuchSite {
        /// The site.
        site: usize,
        /// Number of sites.
        sites: usize,
    },
    /// A checkpoint of another lattice.
    #[error(
        "the checkpoint belongs to another lattice (fingerprint {checkpoint:016x}, here {lattice:016x}): same catalogue, settings and seed?"
    )]
    OtherLattice {
        /// Fingerprint in the checkpoint.
        checkpoint: u64,
        /// Fingerprint of the lattice at hand.
        lattice: u64,
    },
    /// A checkpoint that says more or fewer stages than the protocol.
    #[error("the checkpoint stands at stage {stage}, but the protocol has {stages}")]
    OtherProtocol {
        /// Stage of the checkpoint.
        stage: usize,
        /// Stages of the protocol.
        stages: usize,
    },
}

/// Refuses a number that is not positive and finite.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, EshelbyError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(EshelbyError::NotPositive { field, value })
    }
}

/// Refuses a number that is not finite.
pub(crate) fn finite(field: &'static str, value: f64) -> Result<f64, EshelbyError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(EshelbyError::NotFinite { field, value })
    }
}
