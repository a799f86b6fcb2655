//! What makes a configuration unfit for a potential.

use thiserror::Error;

/// Why a potential refuses a configuration.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum InteractionError {
    /// The cell is shorter than twice the cutoff.
    #[error(
        "the cell is too small: its shortest lattice vector is {shortest}, but the potential's \
         cutoff {cutoff} needs {}", 2.0 * cutoff
    )]
    CellTooSmall {
        /// Length of the shortest lattice vector `[length]`.
        shortest: f64,
        /// Cutoff of the potential `[length]`.
        cutoff: f64,
    },
    /// Two atoms sit on top of each other.
    #[error("atoms id {first} and id {second} are only {distance} apart (at least {least} needed)")]
    Overlap {
        /// Id of one atom.
        first: u64,
        /// Id of the other.
        second: u64,
        /// Their distance `[length]`.
        distance: f64,
        /// Least distance that makes sense for their species `[length]`.
        least: f64,
    },
    /// An atom is of a species that the potential does not know.
    #[error("atom id {id} has type {number}, but {potential} knows types 1 to {known} only")]
    UnknownSpecies {
        /// Id of the atom.
        id: u64,
        /// Its type, counted from 1.
        number: u8,
        /// How many types the potential knows.
        known: usize,
        /// Name of the potential.
        potential: String,
    },
    /// A coordinate is not finite or hopelessly far from the cell.
    #[error("position of atom id {id} is not finite or too far from the cell")]
    Unresolved {
        /// Id of the atom.
        id: u64,
    },
    /// Far more pairs within range than any condensed matter has.
    #[error("more than {pairs} pairs of atoms are in range of each other")]
    Crowded {
        /// The limit that was exceeded.
        pairs: usize,
    },
    /// An array has not one entry an atom.
    #[error("{array} has {found} entries for {atoms} atoms")]
    Length {
        /// Which array.
        array: &'static str,
        /// Its entries.
        found: usize,
        /// The number of positions.
        atoms: usize,
    },
}

/// A name in a config that stands for nothing.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("unknown {what} {given:?}: expected one of {expected}")]
pub struct UnknownName {
    /// What was to be named.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// The names there are.
    pub expected: &'static str,
}
