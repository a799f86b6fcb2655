//! Kinetic Monte Carlo of interacting thermally activated Eshelby events.
//!
//! Read in this order: an [`Excitation`] is an event of the catalogue taken to zero stress; a
//! [`Population`] is all that a sample has; [`Elasticity`] is the homogeneous medium and [`Kernel`]
//! the stress that one event exerts on all sites of a periodic cube; [`KmcSettings`] say what a
//! [`Lattice`] of excitations is made of; a [`Simulation`] takes it through the stages of a
//! [`Protocol`] and shows [`Row`]s to an [`Observer`]; [`results`] reads moduli and residual
//! strains off them.
//!
//! Everything derives from one energy function of the states s of all excitations,
//!
//! ```text
//! H = Σ_i c_i(s_i) − ½ Σ_{i≠j} p_i : K(r_ij) : p_j + H_macro(Σ p_i / V)
//! ```
//!
//! with c the energies at zero stress, p the plastic volumes, K the kernel (own field left out:
//! it is in c already) and H_macro that of the loaded cell ([`Control`]). Excitations on one site
//! act on each other through K(0). A saddle is the same function with the moving excitation's c
//! and p at their saddle values, shared by both directions and never below either state, so that
//! forward and reverse rates obey detailed balance.
//!
//! Limits: two states per excitation, barriers linear in stress, one isotropic medium between sites.
//!
//! ```
//! # fn main() -> Result<(), metabasin_eshelby::EshelbyError> {
//! use std::{ops::ControlFlow, sync::Arc};
//! use metabasin_atoms::{PlasticVolume, units::{Duration, StrainRate}};
//! use metabasin_eshelby::*;
//!
//! let excitation = Excitation {
//!     event: 1,
//!     barrier: 2.0,
//!     energy_final: 0.5,
//!     plastic_saddle: PlasticVolume([0.0, 0.0, 0.0, 0.3, 0.0, 0.0]),
//!     plastic_final: PlasticVolume([0.0, 0.0, 0.0, 0.5, 0.0, 0.0]),
//!     attempt_forward: 3.6,
//!     attempt_reverse: 3.6,
//!     structure_class: None,
//! };
//! let population = Population {
//!     excitations: vec![excitation],
//!     volume: 20.0,
//!     elasticity: Elasticity::new(18.0, 0.35)?,
//!     unverified: 0,
//! };
//! let settings = KmcSettings { sites_per_edge: 6, ..KmcSettings::default() };
//! let kernel = settings.kernel(population.elasticity)?;
//! let lattice = Arc::new(Lattice::draw(&population, &settings, kernel, 7, 0, 0)?);
//! let cycle = Cycle {
//!     aging: None,
//!     strain_rate: StrainRate::PerSecond(1e9),
//!     strain: 0.02,
//!     unload_rate: StrainRate::PerSecond(1e9),
//!     recovery: Duration::Seconds(1e-11),
//!     rows: 10,
//!     decades: 3.0,
//! };
//! let mut unloading = Vec::new();
//! let mut simulation = Simulation::new(lattice, 7, 0, 0);
//! simulation.run(&cycle.protocol(), &mut |row: &Row, _: &Simulation| {
//!     if row.stage == 1 {
//!         unloading.push(row.clone());
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert!(results::residual_strain(&unloading).is_some());
//! # Ok(())
//! # }
//! ```

mod cell_elasticity;
mod clock;
mod control;
mod elasticity;
mod error;
mod excitation;
mod field;
mod influence;
mod kernel;
mod lattice;
mod mandel;
mod mask;
mod memory;
mod neighborhood;
mod population;
mod protocol;
mod rates;
pub mod results;
mod settings;
mod simulation;
mod transform;
mod vector;

pub use control::Control;
pub use elasticity::Elasticity;
pub use error::EshelbyError;
pub use excitation::Excitation;
pub use kernel::{Kernel, source_width};
pub use lattice::Lattice;
pub use population::{Density, Population, window_barrier};
pub use protocol::{Cycle, Load, Protocol, Rows, Stage};
pub use settings::{CellShape, ElasticSites, Floor, KmcSettings, Orientations};
pub use simulation::{Checkpoint, Counters, Event, Observer, Outcome, Row, Simulation};
