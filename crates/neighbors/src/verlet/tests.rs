//! Lists against brute force, while atoms move and cells deform.

use metabasin_atoms::{Cell, Species};
use nalgebra::{Matrix3, Vector3};
use proptest::prelude::*;

use super::{ListError, Neighbor, Update, VerletList, neighbors_within};
use crate::all_pairs::{brute_force, cells, vectors};

/// Panics unless `found` holds everything in `expected` (and nothing else where `exactly`).
fn assert_holds(found: &[Vec<Neighbor>], expected: &[Vec<Neighbor>], exactly: bool) {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        for near in expected {
            let same = |other: &&Neighbor| {
                other.atom == near.atom && (other.separation - near.separation).norm() < 1e-9
            };
            assert_eq!(
                found.iter().filter(same).count(),
                1,
                "atom {i} near {near:?}"
            );
        }
        assert!(!exactly || found.len() == expected.len(), "atom {i}");
    }
}

fn species(count: usize) -> Vec<Species> {
    vec![Species(1); count]
}

fn listed(list: &VerletList) -> Vec<Vec<Neighbor>> {
    let mut found = vec![Vec::new(); list.rows()];
    for (row, &atom) in list.row_atoms().iter().enumerate() {
        found[atom as usize] = list.neighbors(row).collect();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_list_is_brute_force_in_any_cell(
        cell in cells(),
        positions in prop::collection::vec(vectors(20.0), 1..25),
        range in 0.4..2.6,
    ) {
        // Pairs within rounding of the range may go either way: there are none at these sizes.
        let found = neighbors_within(&cell, &positions, range).unwrap();
        assert_holds(&found, &brute_force(&cell, &positions, range), true);
    }

    #[test]
    fn no_pair_is_missed_while_atoms_move_and_the_cell_deforms(
        cell in cells(),
        positions in prop::collection::vec(vectors(6.0), 2..20),
        rate in prop::array::uniform6(-0.01..0.01),
        velocities in prop::collection::vec(vectors(0.03), 20),
    ) {
        let mut list = VerletList::new(1.0, 0.3);
        let mut pruning = VerletList::new(1.0, 0.5).with_pruning(0.1);
        let species = species(positions.len());
        let mut kept = 0;
        for step in 0..12 {
            let time = f64::from(step);
            let e = rate.map(|rate| rate * time);
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
                .map(|(x, v)| deformation * x + v * time)
                .collect();
            kept += u32::from(list.update(&deformed, &moved, &species) == Ok(Update::Kept));
            let expected = brute_force(&deformed, &moved, 1.0);
            assert_holds(&listed(&list), &expected, false);
            pruning.update(&deformed, &moved, &species).unwrap();
            assert_holds(&listed(&pruning), &expected, false);
        }
        // One step strains by less than 0.025 and moves atoms by less than 0.052: with slack
        // 0.3 - 1.3 x 0.025 x 1.5 for pairs moving at most 0.11, the second update keeps the list.
        prop_assert!(kept > 0);
    }
}

fn ladder() -> (Cell, Vec<Vector3<f64>>) {
    let cell = Cell::new([7.0, 8.0, 9.0, 3.4, -1.0, 2.0]).unwrap();
    let positions = (0..300)
        .map(|k| Vector3::new(k % 7, k / 7 % 8, k / 56).map(|n| f64::from(n) + 0.1))
        .collect();
    (cell, positions)
}

#[test]
fn a_small_affine_shear_keeps_the_list_and_a_larger_one_rebuilds_it() {
    let (cell, positions) = ladder();
    let species = species(positions.len());
    let shear = |gamma: f64| -> (Cell, Vec<Vector3<f64>>) {
        let moved = positions
            .iter()
            .map(|x| x + Vector3::new(gamma * x.y, 0.0, 0.0));
        (cell.sheared(gamma), moved.collect())
    };
    let mut list = VerletList::new(2.0, 0.4);
    assert_eq!(
        list.update(&cell, &positions, &species),
        Ok(Update::Rebuilt)
    );
    // Atoms of unwrapped rows move by up to 0.9 with the cell, which alone says nothing.
    let (sheared, moved) = shear(0.1);
    assert_eq!(list.update(&sheared, &moved, &species), Ok(Update::Kept));
    assert_holds(&listed(&list), &brute_force(&sheared, &moved, 2.0), false);
    // The smallest stretch is about 1 - γ/2: at γ = 0.4 it no longer holds 2.4 above 2.
    let (sheared, moved) = shear(0.4);
    assert_eq!(list.update(&sheared, &moved, &species), Ok(Update::Rebuilt));
    assert_holds(&listed(&list), &brute_force(&sheared, &moved, 2.0), false);
}

#[test]
fn atoms_left_behind_by_the_cell_are_noticed() {
    let (cell, positions) = ladder();
    let species = species(positions.len());
    let mut list = VerletList::new(2.0, 0.4);
    list.update(&cell, &positions, &species).unwrap();
    // Shear of the cell without the atoms: those across the boundary slide by γ ly = 0.48.
    let sheared = cell.sheared(0.06);
    assert_eq!(
        list.update(&sheared, &positions, &species),
        Ok(Update::Rebuilt)
    );
    assert_holds(
        &listed(&list),
        &brute_force(&sheared, &positions, 2.0),
        false,
    );
    // Compression alone brings pairs within the cutoff.
    let smaller = sheared.scaled(0.8).unwrap();
    let compressed: Vec<Vector3<f64>> = positions.iter().map(|x| x * 0.8).collect();
    assert_eq!(
        list.update(&smaller, &compressed, &species),
        Ok(Update::Rebuilt)
    );
}

#[test]
fn two_atoms_that_close_the_skin_trigger_and_one_that_does_not_wanders() {
    let (cell, mut positions) = ladder();
    let species = species(positions.len());
    let mut list = VerletList::new(2.0, 0.4);
    list.update(&cell, &positions, &species).unwrap();
    positions[0].x += 0.39;
    assert_eq!(list.update(&cell, &positions, &species), Ok(Update::Kept));
    positions[1].x -= 0.02;
    assert_eq!(
        list.update(&cell, &positions, &species),
        Ok(Update::Rebuilt)
    );
}

#[test]
fn a_tilt_flip_keeps_the_list() {
    let (cell, positions) = ladder();
    let species = species(positions.len());
    let mut list = VerletList::new(2.0, 0.4);
    list.update(&cell, &positions, &species).unwrap();
    let before = listed(&list);
    let flipped = cell.sheared(0.02).with_small_tilts().0.sheared(-0.02);
    assert_ne!(flipped, cell);
    let again = Cell::new([7.0, 8.0, 9.0, 3.4 - 7.0, -1.0 + 14.0, 2.0]).unwrap();
    for other in [flipped, again] {
        assert_eq!(list.update(&other, &positions, &species), Ok(Update::Kept));
        assert_holds(&listed(&list), &before, true);
    }
}

#[test]
fn threads_do_not_change_the_list() {
    let cell = Cell::cubic(12.0).unwrap();
    let positions: Vec<Vector3<f64>> = (0..1728)
        .map(|k: i32| Vector3::new(k % 12, k / 12 % 12, k / 144).map(|n| f64::from(n) * 1.001))
        .collect();
    let mut alone = VerletList::new(2.0, 0.3);
    let mut together = alone.clone();
    together.set_parallel(true);
    for list in [&mut alone, &mut together] {
        list.update(&cell, &positions, &species(1728)).unwrap();
    }
    assert_eq!(alone.row_atoms(), together.row_atoms());
    assert_eq!(alone.coordinates(), together.coordinates());
    for row in 0..alone.rows() {
        assert_eq!(alone.blocks(row), together.blocks(row));
    }
}

#[test]
fn rows_are_pruned_while_the_wide_list_lasts() {
    let (cell, start) = ladder();
    let species = species(start.len());
    let mut list = VerletList::new(2.0, 1.0).with_pruning(0.2);
    let mut together = list.clone();
    together.set_parallel(true);
    let mut seen = Vec::new();
    for step in 0..8 {
        let positions: Vec<Vector3<f64>> = start
            .iter()
            .enumerate()
            .map(|(k, x)| x + Vector3::x() * (0.05 * f64::from(step) * (k as f64).sin()))
            .collect();
        let sheared = cell.sheared(0.001 * f64::from(step));
        seen.push(list.update(&sheared, &positions, &species).unwrap());
        together.update(&sheared, &positions, &species).unwrap();
        // Rows just drawn hold all within cutoff and inner skin, older ones all within the cutoff.
        let fresh = seen.last() != Some(&Update::Kept);
        let range = if fresh { 2.2 } else { 2.0 };
        let expected = brute_force(&sheared, &positions, range);
        assert_holds(&listed(&list), &expected, false);
        for row in 0..list.rows() {
            assert_eq!(list.blocks(row), together.blocks(row));
            let distance = |near: Neighbor| near.separation.norm();
            let farthest = list.neighbors(row).map(distance).fold(0.0, f64::max);
            assert!(farthest < 2.5, "a row of range 2.2 reaches to {farthest}");
        }
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
    let (cell, positions) = ladder();
    let species = species(positions.len());
    let mut list = VerletList::new(2.0, 0.4);
    list.update(&cell, &positions, &species).unwrap();
    let mut bad = positions.clone();
    for coordinate in [f64::NAN, f64::NEG_INFINITY, 1e300] {
        bad[7].z = coordinate;
        assert_eq!(
            list.update(&cell, &bad, &species),
            Err(ListError::Unresolved { atom: 7 })
        );
        assert_eq!(list.rows(), 0);
    }
    assert_eq!(
        list.update(&cell, &positions, &species),
        Ok(Update::Rebuilt)
    );
    let needle = Cell::new([1e-3, 1e-3, 100.0, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(
        list.update(&needle, &positions, &species),
        Err(ListError::CellTooSmall { range: 2.4 })
    );
    let heap = vec![Vector3::zeros(); 17_000];
    let wide = Cell::cubic(50.0).unwrap();
    assert!(matches!(
        list.update(&wide, &heap, &vec![Species(0); 17_000]),
        Err(ListError::Crowded { .. })
    ));
}
