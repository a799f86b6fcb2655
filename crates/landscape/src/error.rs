//! What can be wrong with the input of a search.

use metabasin_atoms::CellError;
use metabasin_interactions::InteractionError;
use metabasin_minimizers::MinimizeError;
use thiserror::Error;

use crate::settings::SettingsError;

/// Why searches cannot start. A search that finds nothing is an outcome, not an error.
#[derive(Debug, Error)]
pub enum LandscapeError {
    /// A setting out of bounds.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The force field refuses the sample.
    #[error(transparent)]
    Interaction(#[from] InteractionError),
    /// The minimum could not be polished.
    #[error("the starting minimum could not be polished: {0}")]
    Minimize(#[from] MinimizeError),
    /// The Hessian has a negative eigenvalue.
    #[error("the starting structure is not a stable minimum: its Hessian is not positive definite")]
    NotAMinimum,
    /// Local stiffnesses are sums over pairs.
    #[error("the model is no sum over pairs, so its atoms have no stiffness of their own")]
    NoPairs,
    /// The event does not belong to the sample.
    #[error("the event names atom {atom}, but the sample has {atoms} atoms")]
    ForeignEvent {
        /// Index of the atom.
        atom: u32,
        /// Atoms of the sample.
        atoms: usize,
    },
    /// The force field of the sample was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// A cell cannot be strained so far.
    #[error("the strained cell is none: {0}")]
    Cell(#[from] CellError),
    /// A strain that is none.
    #[error("a load must be a finite strain other than zero, got {0:?}")]
    Loading([f64; 6]),
    /// Strains that do not lead away from zero.
    #[error(
        "strains must be finite and lead away from zero, each farther than the one before, got \
         {next} after {last}"
    )]
    StrainOrder {
        /// The one before.
        last: f64,
        /// The one that does not go on.
        next: f64,
    },
}
