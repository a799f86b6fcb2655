//! Neighbor lists in periodic sheared cells.
//!
//! [`VerletList`] finds every pair closer than a cutoff plus a skin, periodic images included, and
//! knows how long that answer stays complete while atoms move and the cell deforms.
//! [`neighbors_within`] is the same search for one configuration, without a skin.

mod verlet;

pub use verlet::{
    FixedPoint, FixedPoints, LANES, ListError, Neighbor, ROWS_PER_PART, RowBlocks, Update,
    VerletList, neighbors_within,
};
