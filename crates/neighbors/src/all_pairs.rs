//! What lists are tested on and against.

use metabasin_atoms::Cell;
use nalgebra::Vector3;
use proptest::prelude::*;

use crate::Neighbor;

/// Cells of any tilt.
pub(crate) fn cells() -> impl Strategy<Value = Cell> {
    (
        prop::array::uniform3(2.0..6.0),
        prop::array::uniform3(-2.5..2.5),
    )
        .prop_map(|(l, t)| {
            Cell::new([l[0], l[1], l[2], t[0] * l[0], t[1] * l[0], t[2] * l[1]]).unwrap()
        })
}

/// Vectors whose components are smaller than `size`.
pub(crate) fn vectors(size: f64) -> impl Strategy<Value = Vector3<f64>> {
    prop::array::uniform3(-size..size).prop_map(Vector3::from)
}

/// All pairs and images within range, by a lattice sum that is far too long.
pub(crate) fn brute_force(
    cell: &Cell,
    positions: &[Vector3<f64>],
    range: f64,
) -> Vec<Vec<Neighbor>> {
    let (small, _) = cell.with_small_tilts();
    let reach = small
        .widths()
        .map(|width| (range / width).ceil() as i32 + 1);
    let mut found = vec![Vec::new(); positions.len()];
    for (i, here) in positions.iter().enumerate() {
        for (atom, there) in positions.iter().enumerate() {
            let (wrapped, _) = small.wrap(&(here - there));
            for x in -reach[0]..=reach[0] {
                for y in -reach[1]..=reach[1] {
                    for z in -reach[2]..=reach[2] {
                        let n = Vector3::new(x, y, z).map(f64::from);
                        let separation = wrapped + small.matrix() * n;
                        let itself = atom == i && separation.norm() < 1e-9;
                        if separation.norm() < range && !itself {
                            found[i].push(Neighbor { atom, separation });
                        }
                    }
                }
            }
        }
    }
    found
}
