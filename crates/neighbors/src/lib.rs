//! Neighbor lists in periodic sheared cells.
//!
//! [`VerletList`] finds every pair closer than a cutoff plus a skin, periodic images included, and
//! knows how long that answer stays complete while atoms move and the cell deforms.
//! [`ClusterList`] holds the same pairs four atoms beside four, each once, for kernels that sum
//! forces in single precision. [`neighbors_within`] is the same search for one configuration, without a skin.

#[cfg(test)]
mod all_pairs;
mod clusters;
mod deformation;
mod verlet;

pub use clusters::{Cluster, ClusterList, ClusterPart, ClusterRow, Coordinates, MEMBERS, Shift};
pub use verlet::{
    LANES, ListError, Neighbor, ROWS_PER_PART, RowBlocks, Update, VerletList, neighbors_within,
};
