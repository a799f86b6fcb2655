//! What can go wrong on the walk.

use metabasin_landscape::LandscapeError;
use metabasin_minimizers::MinimizeError;
use thiserror::Error;

use crate::chain::ChainError;

/// Why a walk cannot start or go on.
#[derive(Debug, Error)]
pub enum AtomisticError {
    /// A setting out of bounds.
    #[error("{field} must be {wanted}, got {value}")]
    Setting {
        /// Name of the field.
        field: &'static str,
        /// What would be right.
        wanted: &'static str,
        /// The value given.
        value: f64,
    },
    /// Searches cannot start.
    #[error(transparent)]
    Landscape(#[from] LandscapeError),
    /// A structure does not relax.
    #[error(transparent)]
    Minimize(#[from] MinimizeError),
    /// Rates that make no chain: an energy is not finite.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// No way out of the start was found.
    #[error(
        "{searches} searches found no way out of the start below {highest_barrier}: search more, or \
         raise the highest barrier"
    )]
    NoWayOut {
        /// Searches done.
        searches: u64,
        /// The highest barrier that is kept `[energy]`.
        highest_barrier: f64,
    },
    /// The watcher asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// The state that was stored belongs to another sample.
    #[error(
        "the stored walk has {stored} coordinates, the sample {given}: resume with the sample that it was started from"
    )]
    ForeignState {
        /// Coordinates of the stored walk.
        stored: usize,
        /// Coordinates of the sample.
        given: usize,
    },
}
