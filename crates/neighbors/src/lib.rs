//! Neighbor lists in periodic sheared cells.
