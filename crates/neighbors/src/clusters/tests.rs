//! Cluster lists against brute force, while atoms move and cells deform.

use std::collections::HashMap;

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};
use proptest::prelude::*;

use super::{ClusterList, Coordinates, MEMBERS};
use crate::all_pairs::{brute_force, cells, vectors};
use crate::{ListError, Neighbor, Update};

/// Two atoms and the vector between them.
type Pair = (usize, usize, Vector3<f64>);

/// Every pair that the list names, once, from the first atom to the second's image.
fn listed(list: &ClusterList) -> Vec<Pair> {
    let mut atoms = vec![None; list.len() * MEMBERS];
    for (atom, &slot) in list.slots().iter().enumerate() {
        assert_eq!(atoms[slot as usize].replace(atom), None);
    }
    let scale = list.steps_per_length();
    let mut pairs = Vec::new();
    let mut expected_own = 0;
    for part in list.parts() {
        assert_eq!(part.own().start, expected_own);
        expected_own = part.own().end;
        for (row, others) in part.rows() {
            let cluster = row.cluster as usize;
            assert!(part.own().contains(&cluster) && !others.is_empty());
            let shift = list.shifts()[row.shift as usize];
            let here = &list.clusters()[cluster];
            for &other in others {
                assert!(part.window().contains(&(other as usize)));
                let there = &list.clusters()[other as usize];
                let itself = other as usize == cluster && shift.vector == [0.0; 3];
                for (k, l) in (0..MEMBERS * MEMBERS).map(|k| (k / MEMBERS, k % MEMBERS)) {
                    let second = other as usize % list.len() * MEMBERS + l;
                    let both = (atoms[cluster * MEMBERS + k], atoms[second]);
                    assert_eq!(here.species[k] < 0.0, both.0.is_none());
                    assert_eq!(there.species[l] < 0.0, both.1.is_none());
                    let steps = Vector3::new(
                        here.x[k]
                            .wrapping_add(shift.steps[0])
                            .wrapping_sub(there.x[l]),
                        here.y[k]
                            .wrapping_add(shift.steps[1])
                            .wrapping_sub(there.y[l]),
                        here.z[k]
                            .wrapping_add(shift.steps[2])
                            .wrapping_sub(there.z[l]),
                    )
                    .map(f64::from);
                    match both {
                        (Some(i), Some(j)) if !itself || k < l => {
                            pairs.push((i, j, steps / scale));
                        }
                        (Some(_), None) => assert!(steps.norm() >= f64::from(1 << 30)),
                        _ => {}
                    }
                }
            }
        }
    }
    assert_eq!(expected_own, list.len());
    pairs
}

/// Panics unless the list names every pair within range exactly once.
fn assert_holds(list: &ClusterList, cell: &Cell, positions: &[Vector3<f64>], range: f64) {
    let mut named: HashMap<(usize, usize), Vec<Vector3<f64>>> = HashMap::new();
    for (i, j, separation) in listed(list) {
        named.entry((i, j)).or_default().push(separation);
        named.entry((j, i)).or_default().push(-separation);
    }
    let all = brute_force(cell, positions, range);
    // Of the two directions of a pair, and of an atom and its own images, one is enough.
    let once = |i: usize, near: &Neighbor| {
        near.atom > i || (near.atom == i && near.separation.as_slice() > &[0.0; 3][..])
    };
    let pairs = all.iter().enumerate().flat_map(|(i, neighbors)| {
        let once = neighbors.iter().filter(move |near| once(i, near));
        once.map(move |near| (i, near.atom, near.separation))
    });
    for (i, j, separation) in pairs {
        let both = named.get(&(i, j)).map_or(&[][..], Vec::as_slice);
        let same = |vector: &&Vector3<f64>| (*vector - separation).norm() < 1e-5;
        let found = both.iter().filter(same).count();
        assert_eq!(found, 1, "{i} and {j} at {separation:?}");
    }
}

fn update(
    list: &mut ClusterList,
    cell: &Cell,
    positions: &[Vector3<f64>],
) -> Result<Update, ListError> {
    let species = vec![Species(1); positions.len()];
    list.update(cell, positions, &species, Coordinates::Doubles)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// No wider than a cell's atoms need it: clusters are not full, and atoms see their own images.
    #[test]
    fn the_list_holds_every_pair_once_in_any_cell(
        cell in cells(),
        positions in prop::collection::vec(vectors(20.0), 1..60),
        range in 0.4..2.6,
    ) {
        let mut list = ClusterList::new(range, 0.0, 0.1);
        update(&mut list, &cell, &positions).unwrap();
        assert_holds(&list, &cell, &positions, range);
    }

    /// Each step moves the two atoms that approach fastest by just under what is left of the skin.
    #[test]
    fn no_pair_is_missed_while_atoms_move_and_the_cell_deforms(
        cell in cells(),
        positions in prop::collection::vec(vectors(6.0), 2..40),
        rate in prop::array::uniform6(-0.01..0.01),
        velocities in prop::collection::vec(vectors(1.0), 40),
        speed in 0.01..0.0499,
    ) {
        let mut list = ClusterList::new(1.0, 0.5, 0.1);
        let fastest = velocities[..positions.len()].iter().map(Vector3::norm).fold(0.1, f64::max);
        let mut kept = 0;
        for step in 0..12 {
            let time = f64::from(step);
            // Every fourth stretch of time the cell rests, and only atoms move.
            let strained = f64::from(step / 4 * 4);
            let e = rate.map(|rate| rate * strained);
            let deformation = Matrix3::new(
                1.0 + e[0], e[3], e[4],
                0.0, 1.0 + e[1], e[5],
                0.0, 0.0, 1.0 + e[2],
            );
            let deformed = Cell::from_matrix(&(deformation * cell.matrix())).unwrap();
            // Every other step in another basis of the same lattice.
            let deformed = if step % 2 == 1 { deformed.with_small_tilts().0 } else { deformed };
            let moved: Vec<Vector3<f64>> = positions
                .iter()
                .zip(&velocities)
                .map(|(x, v)| deformation * x + v * (time * speed / fastest))
                .collect();
            kept += u32::from(update(&mut list, &deformed, &moved) == Ok(Update::Kept));
            assert_holds(&list, &deformed, &moved, 1.0);
        }
        // Two atoms that moved by less than half of the inner skin of 0.1 each keep the list.
        prop_assert!(kept > 0);
    }
}

/// A disordered sample of a solid's density.
fn sample(side: [usize; 3], tilts: [f64; 3]) -> (Cell, Vec<Vector3<f64>>) {
    let lengths = side.map(|side| 0.95 * side as f64);
    let cell = Cell::new([
        lengths[0],
        lengths[1],
        lengths[2],
        tilts[0] * lengths[0],
        tilts[1] * lengths[0],
        tilts[2] * lengths[1],
    ])
    .unwrap();
    let positions = (0..side[0] * side[1] * side[2])
        .map(|k| {
            let place = [k % side[0], k / side[0] % side[1], k / side[0] / side[1]];
            let fraction = |axis: usize| {
                let wave = (1.7 * (k as f64) + axis as f64).sin() * 43_758.5;
                (place[axis] as f64 + 0.5 * wave.fract()) / side[axis] as f64
            };
            cell.to_cartesian(&Vector3::new(fraction(0), fraction(1), fraction(2)))
        })
        .collect();
    (cell, positions)
}

#[test]
fn sheared_elongated_and_just_large_enough_cells_are_complete() {
    for (side, tilts) in [
        ([6, 6, 6], [0.0; 3]),
        ([6, 7, 6], [0.5, -0.5, 0.5]),
        ([24, 6, 6], [0.2, 0.0, 0.0]),
        ([6, 6, 24], [2.3, -1.2, 0.7]),
    ] {
        let (cell, positions) = sample(side, tilts);
        let mut list = ClusterList::new(2.5, 0.7, 0.14);
        update(&mut list, &cell, &positions).unwrap();
        assert_holds(&list, &cell, &positions, 2.64);
        let flipped = cell.with_small_tilts().0;
        assert_eq!(update(&mut list, &flipped, &positions), Ok(Update::Kept));
        assert_holds(&list, &flipped, &positions, 2.64);
    }
}

/// Long enough for two parts, whose rims lie in each other and around the cell.
#[test]
fn parts_hold_every_pair_once_and_threads_do_not_change_them() {
    let (cell, positions) = sample([40, 15, 14], [0.3, 0.1, -0.2]);
    let mut list = ClusterList::new(1.2, 0.4, 0.1);
    update(&mut list, &cell, &positions).unwrap();
    assert_eq!(list.parts().len(), 2);
    assert!(list.clusters().len() > list.len());
    let windows: usize = list.parts().iter().map(|part| part.window().len()).sum();
    assert!(windows > list.len() && windows < 2 * list.len());
    let named = listed(&list);
    let mut distances: Vec<f64> = named.iter().map(|pair| pair.2.norm()).collect();
    distances.retain(|distance| *distance < 1.3);
    // All pairs, by columns of another list.
    let rows = crate::neighbors_within(&cell, &positions, 1.3).unwrap();
    let mut expected: Vec<f64> = rows
        .iter()
        .flatten()
        .map(|near| near.separation.norm())
        .collect();
    distances.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    assert_eq!(expected.len(), 2 * distances.len());
    for (found, both) in distances.iter().zip(expected.chunks(2)) {
        assert!((found - both[0]).abs() < 1e-6);
    }
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let mut together = ClusterList::new(1.2, 0.4, 0.1);
        together.set_parallel(true);
        pool.unwrap()
            .install(|| update(&mut together, &cell, &positions).unwrap());
        assert_eq!(together.clusters(), list.clusters());
        assert_eq!(together.doubles(), list.doubles());
        for (one, other) in list.parts().iter().zip(together.parts()) {
            assert!(one.rows().eq(other.rows()));
        }
    }
}

#[test]
fn coordinates_are_those_of_the_atoms_to_half_a_step() {
    let (cell, mut positions) = sample([7, 6, 6], [0.4, 0.0, 0.0]);
    // Whole periods away, one atom of them far.
    positions[3] += cell.matrix() * Vector3::new(1000.0, -3.0, 2.0);
    let mut list = ClusterList::new(2.5, 0.7, 0.14);
    update(&mut list, &cell, &positions).unwrap();
    let inverse = cell.matrix().try_inverse().unwrap();
    for (atom, &slot) in list.slots().iter().enumerate() {
        let (cluster, member) = (slot as usize / MEMBERS, slot as usize % MEMBERS);
        let place = &list.clusters()[cluster];
        let steps = [place.x[member], place.y[member], place.z[member]];
        let precise = list.doubles()[cluster];
        for (axis, steps) in steps.into_iter().enumerate() {
            let error = precise[axis][member] * list.steps_per_length() - f64::from(steps);
            assert!(error.abs() <= 0.5);
        }
        let precise = Vector3::new(precise[0][member], precise[1][member], precise[2][member]);
        let middle = cell.matrix() * Vector3::repeat(0.5);
        let periods = inverse * (precise + middle - positions[atom]);
        assert!((periods - periods.map(f64::round)).norm() < 1e-9);
        assert_eq!(place.species[member], 1.0);
    }
    assert!(list.steps_per_length() >= f64::from(1 << 24));
}

#[test]
fn rows_are_pruned_while_the_wide_list_lasts() {
    let (cell, start) = sample([8, 8, 8], [0.0; 3]);
    let mut list = ClusterList::new(2.0, 1.0, 0.2);
    let mut seen = Vec::new();
    for step in 0..8 {
        let positions: Vec<Vector3<f64>> = start
            .iter()
            .enumerate()
            .map(|(k, x)| x + Vector3::x() * (0.05 * f64::from(step) * (k as f64).sin()))
            .collect();
        let sheared = cell.sheared(0.001 * f64::from(step));
        seen.push(update(&mut list, &sheared, &positions).unwrap());
        // Rows just drawn hold all within cutoff and inner skin, older ones all within the cutoff.
        let fresh = seen.last() != Some(&Update::Kept);
        assert_holds(&list, &sheared, &positions, if fresh { 2.2 } else { 2.0 });
    }
    assert_eq!(seen[0], Update::Rebuilt);
    let count = |wanted: Update| seen.iter().filter(|&&update| update == wanted).count();
    assert!(
        count(Update::Kept) > 0 && count(Update::Pruned) > 1,
        "{seen:?}"
    );
    assert_eq!(list.builds(), 1);
}

#[test]
fn nonsense_is_refused_and_forgotten() {
    let (cell, positions) = sample([7, 7, 7], [0.0; 3]);
    let mut list = ClusterList::new(2.0, 0.4, 0.1);
    update(&mut list, &cell, &positions).unwrap();
    let mut bad = positions.clone();
    for coordinate in [f64::NAN, f64::NEG_INFINITY, 1e300] {
        bad[7].z = coordinate;
        let refused = update(&mut list, &cell, &bad);
        assert_eq!(refused, Err(ListError::Unresolved { atom: 7 }));
        assert!(list.is_empty() && list.clusters().is_empty() && list.parts().is_empty());
    }
    assert_eq!(update(&mut list, &cell, &positions), Ok(Update::Rebuilt));
    let needle = Cell::new([1e-3, 1e-3, 100.0, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(
        update(&mut list, &needle, &positions),
        Err(ListError::CellTooSmall { range: 2.4 })
    );
    let heap = vec![Vector3::zeros(); 17_000];
    let wide = Cell::cubic(50.0).unwrap();
    assert!(matches!(
        update(&mut list, &wide, &heap),
        Err(ListError::Crowded { .. })
    ));
    assert_eq!(update(&mut list, &wide, &[]), Ok(Update::Rebuilt));
    assert!(list.is_empty());
}
