//! Radical Voronoi tessellation and the icosahedral network of a glass.
//!
//! Read in this order: [`Radii`] and [`Thresholds`] say what is tessellated and which faces count;
//! [`tessellate`] gives every atom its cell, a [`Tessellation`] of faces, volumes and
//! [`VoronoiIndex`] signatures; [`IcosahedralNetwork`] finds the icosahedral atoms and the clusters
//! they form, each a [`Cluster`] with the number of directions in which it percolates;
//! [`class_averages`] splits energy and stress between [`StructureClass`]es; [`LavesOrder`] looks
//! for the crystal that this glass would like to be.
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
mod clusters;
mod error;
mod icosahedra;
mod index;
mod laves;
mod radii;
mod tessellation;

pub use averages::{ClassAverage, class_averages};
pub use clusters::{Bond, Cluster, clusters};
pub use error::StructureError;
pub use icosahedra::{IcosahedralNetwork, StructureClass};
pub use index::VoronoiIndex;
pub use laves::LavesOrder;
pub use radii::{Radii, Thresholds};
pub use tessellation::{Face, Tessellation, tessellate};
