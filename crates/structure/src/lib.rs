//! Radical Voronoi tessellation, icosahedral network and bond topology of a glass.
//!
//! Read in this order: [`Radii`] and [`Thresholds`] say what is tessellated and which faces count;
//! [`tessellate`] gives every atom its cell, a [`Tessellation`] of faces, volumes and
//! [`VoronoiIndex`] signatures; [`IcosahedralNetwork`] finds the icosahedral atoms and the clusters
//! they form, each a [`Cluster`] with the number of directions in which it percolates;
//! [`class_averages`] splits energy and stress between [`StructureClass`]es; [`LavesOrder`] looks
//! for the crystal that this glass would like to be; [`BondTopology`] counts bonds by their order and
//! puts atoms into [`Su2Class`]es. Between two structures, [`d2min`] says how far the motion around each
//! atom is from affine, [`displacement_strings`] which atoms replaced one another, [`VanHove`] how far
//! atoms went and how the tail of that distribution decays.
//!
//! ```
//! use metabasin_atoms::{Cell, Configuration, Species};
//! use metabasin_structure::{Radii, Thresholds, tessellate};
//! use nalgebra::Vector3;
//!
//! // Two atoms in a cube: a body-centered cubic crystal.
//! let configuration = Configuration {
//!     cell: Cell::cubic(1.0)?,
//!     positions: vec![Vector3::zeros(), Vector3::repeat(0.5)],
//!     velocities: None,
//!     species: vec![Species::LARGE; 2],
//!     ids: vec![1, 2],
//!     masses: vec![1.0],
//!     names: None,
//! };
//! let tessellation = tessellate(&configuration, &Radii::default(), &Thresholds::default())?;
//! assert_eq!(tessellation.index(0).to_string(), "0,6,0,8");
//! assert!((tessellation.volume(0) - 0.5).abs() < 1e-14);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod averages;
mod bond_topology;
mod clusters;
mod coarse_graining;
mod disclinations;
mod error;
mod free_volume;
mod grid;
mod histogram;
mod icosahedra;
mod index;
mod laves;
mod local_stress;
mod nonaffine;
mod radii;
mod strings;
mod su2;
mod tessellation;
mod van_hove;

pub use averages::{ClassAverage, class_averages};
pub use bond_topology::BondTopology;
pub use clusters::{Bond, Cluster, clusters};
pub use coarse_graining::coarse_grained;
pub use disclinations::{DisclinationLine, DisclinationNetwork};
pub use error::StructureError;
pub use free_volume::free_volumes;
pub use histogram::Histogram;
pub use icosahedra::{IcosahedralNetwork, StructureClass};
pub use index::VoronoiIndex;
pub use laves::LavesOrder;
pub use local_stress::{LocalStress, MostProbable, stress_within};
pub use nonaffine::d2min;
pub use radii::{Radii, Thresholds};
pub use strings::{DisplacementString, displacement_strings};
pub use su2::{BondEnvironment, Su2Class};
pub use tessellation::{Face, Tessellation, tessellate};
pub use van_hove::{ExponentialTail, TailRange, VanHove};
