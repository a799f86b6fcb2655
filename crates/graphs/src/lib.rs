//! Graphs of states: weights and fluxes from counts, metabasins, lasting exits.
//!
//! States are numbered from 0; what they are is no concern of this crate. [`Counts`] gathers how long
//! stationary trajectories stayed in each and how often they went from one to another;
//! [`ReversibleModel`] makes weights and symmetric fluxes of them, with errors and a test of detailed
//! balance, [`DrivenModel`] what they do in a field; [`metabasins`] lumps states that exchange fast, and [`lasting_exits`] tells departures from
//! excursions.

mod connected;
mod counts;
mod driven_model;
mod lasting_exits;
mod metabasins;
mod reversible_model;

pub use counts::Counts;
pub use driven_model::DrivenModel;
pub use lasting_exits::{Exits, LastingExit, lasting_exits};
pub use metabasins::metabasins;
pub use reversible_model::{Flux, Imbalance, ReversibleModel};
