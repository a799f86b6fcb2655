//! What can be wrong with a structure analysis.

use metabasin_atoms::ConfigurationError;
use thiserror::Error;

/// Why a structure cannot be analyzed.
#[derive(Debug, Error, PartialEq)]
pub enum StructureError {
    /// The configuration itself is broken.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// More atoms than the tessellation can number.
    #[error("{0} atoms are more than a tessellation can hold (4294967295)")]
    TooManyAtoms(usize),
    /// A radius is negative or not finite.
    #[error("the radius of type {number} must be finite and not negative, got {radius}")]
    Radius {
        /// Type, counted from 1.
        number: usize,
        /// Its radius.
        radius: f64,
    },
    /// A species has no radius.
    #[error("atom id {id} has type {number}, but there are radii for {radii} types only")]
    MissingRadius {
        /// Id of the atom.
        id: u64,
        /// Its type, counted from 1.
        number: u8,
        /// How many types have a radius.
        radii: usize,
    },
    /// A threshold is negative or not finite.
    #[error("the {name} threshold must be finite and not negative, got {value}")]
    Threshold {
        /// `edge`, `absolute face` or `relative face`.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A cutoff is not positive, or holds more neighbors than an atom can sensibly have.
    #[error("the cutoff of D2min must be positive and at most {most:.4}, got {cutoff}")]
    Cutoff {
        /// The cutoff `[length]`.
        cutoff: f64,
        /// The largest possible one `[length]`.
        most: f64,
    },
    /// Two atoms (or an atom and an image) share a place, so no plane lies between them.
    #[error("atoms id {first} and id {second} lie on top of each other (distance {distance:e})")]
    Coincident {
        /// Id of one atom.
        first: u64,
        /// Id of the other.
        second: u64,
        /// Their distance `[length]`.
        distance: f64,
    },
    /// Rounding left no consistent polyhedron around an atom, at any tolerance tried.
    #[error(
        "the Voronoi cell of atom id {id} is degenerate beyond rounding: are the cell and the \
         positions on one scale of length?"
    )]
    Degenerate {
        /// Id of the atom.
        id: u64,
    },
    /// An array has not one entry an atom.
    #[error("{array} has {found} entries for {atoms} atoms")]
    Length {
        /// Which array.
        array: &'static str,
        /// Its entries.
        found: usize,
        /// The number of atoms.
        atoms: usize,
    },
}

impl StructureError {
    /// An error unless `found` is the number of atoms.
    pub(crate) fn unless_one_an_atom(
        array: &'static str,
        found: usize,
        atoms: usize,
    ) -> Result<(), Self> {
        if found == atoms {
            Ok(())
        } else {
            Err(Self::Length {
                array,
                found,
                atoms,
            })
        }
    }
}
