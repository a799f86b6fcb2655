//! Kinetic Monte Carlo on the minima of a glass: events searched on the fly, flicker exact.
//!
//! Read in this order: [`Terrain`] is what a walk needs to know of a landscape, and
//! [`GlassTerrain`] a sample of atoms as one; [`AbsorbingChain`] and its [`Propagator`] draw when
//! and where a few flickering minima are left; [`Walk`] puts both together.
//!
//! A glass has many soft spots that flicker independently: n of them make 2ⁿ minima. The walk
//! therefore keeps a small network of minima for each *region* of atoms that move together, all the
//! known minima of a region form its absorbing chain, and a step of the walk is the first passage
//! of any region to a minimum that nobody has seen. Between two steps regions are independent to
//! first order in their elastic interaction; every passage is converged again, with all regions
//! where they are, before it is taken.
//!
//! What a passage changes is looked at again: ways out that are known where the surroundings are alike,
//! up to a rigid map, are carried over and converged, and what is like nothing known is searched. So
//! no defect of a crystal loses ways by moving, and a glass, in which no two places are alike, is
//! searched where its atoms have got other neighbors.

mod alike;
mod chain;
mod error;
mod exits;
mod field;
mod frequencies;
mod glass;
mod propagator;
mod region;
mod settings;
mod surroundings;
mod terrain;
mod walk;
mod ways;

pub use chain::{AbsorbingChain, ChainError, FirstPassage};
pub use error::AtomisticError;
pub use glass::{GlassTerrain, Watcher};
pub use propagator::{Exit, Propagator};
pub use settings::WalkSettings;
pub use terrain::{Likeness, Minimum, Round, Terrain, WayOut};
pub use walk::{Step, StepKind, Walk};
