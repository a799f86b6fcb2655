//! D²_min and strings: a sheared glass with planted strings against another program's numbers,
//! affine motion, brute force in cells that flipped, strings across boundaries and flips.
#![cfg(test)]

use std::fs::File;

use flate2::read::GzDecoder;
use metabasin_atoms::{Cell, Purpose, random_stream};
use metabasin_structure::{DisplacementString, StructureError, d2min, displacement_strings};
use nalgebra::{Matrix3, Vector3};
use proptest::prelude::*;
use rand::RngExt;
use serde::Deserialize;

#[derive(Deserialize)]
struct Planted {
    atoms: Vec<usize>,
    ring: bool,
}

#[derive(Deserialize)]
struct Reference {
    cell0: [[f64; 3]; 3],
    cell1: [[f64; 3]; 3],
    positions0: Vec<[f64; 3]>,
    positions1: Vec<[f64; 3]>,
    moved: Vec<[f64; 3]>,
    d2min: Vec<f64>,
    strings: Vec<Planted>,
}

fn cell(rows: [[f64; 3]; 3]) -> Cell {
    Cell::from_matrix(&Matrix3::from_columns(&rows.map(Vector3::from))).unwrap()
}

fn reference() -> Reference {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/structure/displacement_shear0.02.json.gz"
    );
    serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap()
}

/// Displacements beyond the affine map between two cells of one basis, by the shortest vector.
fn beyond_affine(
    (before, from): (&Cell, &[Vector3<f64>]),
    (after, to): (&Cell, &[Vector3<f64>]),
) -> (Vec<Vector3<f64>>, Vec<Vector3<f64>>) {
    let places: Vec<Vector3<f64>> = from
        .iter()
        .map(|position| after.to_cartesian(&before.to_fractional(position)))
        .collect();
    let displacements = places
        .iter()
        .zip(to)
        .map(|(place, now)| after.minimum_image(&(now - place)))
        .collect();
    (places, displacements)
}

#[test]
fn a_sheared_glass_has_the_d2min_and_the_planted_strings() {
    let reference = reference();
    let vectors = |rows: &[[f64; 3]]| rows.iter().map(|p| Vector3::from(*p)).collect::<Vec<_>>();
    let (before, after) = (cell(reference.cell0), cell(reference.cell1));
    let from = vectors(&reference.positions0);
    let (places, displacements) =
        beyond_affine((&before, &from), (&after, &vectors(&reference.positions1)));
    for (found, moved) in displacements.iter().zip(vectors(&reference.moved)) {
        assert!((found - moved).amax() < 1e-5);
    }
    let found = d2min((&before, &from), (&after, &displacements), 1.5).unwrap();
    for (i, (found, expected)) in found.iter().zip(&reference.d2min).enumerate() {
        // Kept to six digits; and positions were rounded to 1e-6: some 18 terms |u|², each off by
        // up to 2|u| times that.
        let allowed = 5e-6 * expected + 1e-5 * (1.0 + expected.sqrt());
        assert!(
            (found - expected).abs() < allowed,
            "atom {i}: {found} instead of {expected}"
        );
    }
    let moved: Vec<bool> = displacements.iter().map(|u| u.norm() > 0.6).collect();
    let strings = displacement_strings(&after, &places, &displacements, &moved).unwrap();
    let mut expected: Vec<DisplacementString> = reference
        .strings
        .iter()
        .map(|string| {
            let mut atoms = string.atoms.clone();
            // Planted as a chain, but its last atom, sent anywhere, came within 0.38 of where the
            // first had been: by Donati's 0.6 a ring.
            let is_ring = string.ring || atoms == [2163, 3631, 3354, 2914];
            if is_ring {
                let lowest = (0..atoms.len()).min_by_key(|&k| atoms[k]).unwrap();
                atoms.rotate_left(lowest);
            }
            DisplacementString { atoms, is_ring }
        })
        .collect();
    expected.sort_by_key(|string| (std::cmp::Reverse(string.atoms.len()), string.atoms[0]));
    assert_eq!(strings, expected);
}

fn cells() -> impl Strategy<Value = Cell> {
    (
        prop::array::uniform3(2.0..4.0),
        prop::array::uniform3(-0.9..0.9),
    )
        .prop_map(|(l, t)| {
            Cell::new([l[0], l[1], l[2], t[0] * l[0], t[1] * l[0], t[2] * l[1]]).unwrap()
        })
}

/// Random atoms in a cell.
fn atoms(cell: &Cell, count: usize, seed: u64) -> Vec<Vector3<f64>> {
    let mut random = random_stream(seed, Purpose::Test, 0, 0);
    (0..count)
        .map(|_| cell.to_cartesian(&Vector3::from_fn(|_, _| random.random_range(-1.0..2.0))))
        .collect()
}

/// D²_min by its definition, from positions in frames whose basis is the same: all images, the
/// best map by the normal equations.
fn by_brute_force(
    (before, from): (&Cell, &[Vector3<f64>]),
    (after, to): (&Cell, &[Vector3<f64>]),
    cutoff: f64,
) -> Vec<f64> {
    let mut all = Vec::new();
    for i in 0..from.len() {
        let mut pairs = Vec::new();
        for j in 0..from.len() {
            let start = before.to_fractional(&(from[j] - from[i])).map(f64::round);
            for a in -4..=4 {
                for b in -4..=4 {
                    for c in -4..=4 {
                        let n = Vector3::new(f64::from(a), f64::from(b), f64::from(c)) - start;
                        let r = from[j] - from[i] + before.matrix() * n;
                        if r.norm() > cutoff || (i == j && n.amax() == 0.0) {
                            continue;
                        }
                        pairs.push((r, to[j] - to[i] + after.matrix() * n));
                    }
                }
            }
        }
        let (mut x, mut y) = (Matrix3::zeros(), Matrix3::zeros());
        for (r, now) in &pairs {
            x += now * r.transpose();
            y += r * r.transpose();
        }
        let map = x * y.try_inverse().unwrap();
        all.push(
            pairs
                .iter()
                .map(|(r, now)| (now - map * r).norm_squared())
                .sum(),
        );
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn d2min_is_its_definition_in_cells_that_flipped(
        before in cells(),
        stretch in prop::array::uniform3(0.9..1.1),
        shear in prop::array::uniform3(-1.5..1.5),
        seed in 0..1000_u64,
    ) {
        let from = atoms(&before, 24, seed);
        let [xx, yy, zz] = stretch;
        let [xy, xz, yz] = shear;
        let map = Matrix3::new(xx, xy, xz, 0.0, yy, yz, 0.0, 0.0, zz);
        let after = Cell::from_matrix(&(map * before.matrix())).unwrap();
        let mut random = random_stream(seed, Purpose::Test, 0, 1);
        // Less than half the shortest vector of the lattice: no image is in doubt.
        let by = 0.2 * after.shortest_lattice_vector();
        let to: Vec<Vector3<f64>> = from
            .iter()
            .map(|p| map * p + Vector3::from_fn(|_, _| random.random_range(-by..by) / 3.0))
            .collect();
        let expected = by_brute_force((&before, &from), (&after, &to), 1.6);
        // As a simulation shows it: tilts small, atoms inside.
        let flipped = after.with_small_tilts().0;
        let places: Vec<Vector3<f64>> = from.iter().map(|p| map * p).collect();
        let displacements: Vec<Vector3<f64>> = places
            .iter()
            .zip(&to)
            .map(|(place, now)| flipped.minimum_image(&(flipped.wrap(now).0 - place)))
            .collect();
        let found = d2min((&before, &from), (&flipped, &displacements), 1.6).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{} and {}", found, expected);
        }
        // Nothing but the strain: nothing is left.
        let still = vec![Vector3::zeros(); from.len()];
        prop_assert!(d2min((&before, &from), (&flipped, &still), 1.6).unwrap().iter().all(|d| *d == 0.0));
    }

    #[test]
    fn an_affine_part_that_is_not_taken_away_leaves_d2min_as_it_is(
        cell in cells(),
        gradient in prop::array::uniform9(-0.05..0.05),
        seed in 0..1000_u64,
    ) {
        // A cluster: no image comes within the cutoff, so any affine motion is one.
        let large = cell.scaled(20.0).unwrap();
        let from: Vec<Vector3<f64>> = atoms(&cell, 30, seed).iter().map(|p| p * 0.3).collect();
        let map = Matrix3::from_row_slice(&gradient);
        let mut random = random_stream(seed, Purpose::Test, 0, 1);
        let noise: Vec<Vector3<f64>> = (0..30)
            .map(|_| Vector3::from_fn(|_, _| random.random_range(-0.1..0.1)))
            .collect();
        let with: Vec<Vector3<f64>> =
            from.iter().zip(&noise).map(|(p, u)| u + map * p + Vector3::new(0.3, -0.2, 0.1)).collect();
        let expected = d2min((&large, &from), (&large, &noise), 1.5).unwrap();
        let found = d2min((&large, &from), (&large, &with), 1.5).unwrap();
        let affine: Vec<Vector3<f64>> = from.iter().map(|p| map * p).collect();
        let nothing = d2min((&large, &from), (&large, &affine), 1.5).unwrap();
        for i in 0..30 {
            prop_assert!((found[i] - expected[i]).abs() < 1e-9 * (1.0 + expected[i]));
            prop_assert!(nothing[i] < 1e-24);
        }
    }
}

#[test]
fn neighbors_in_a_plane_leave_the_motion_out_of_it_affine() {
    let cell = Cell::cubic(50.0).unwrap();
    // A square with its center: tilting it out of its plane is affine, buckling is not.
    let from = [
        [0.0; 3],
        [1.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, -1.0, 0.0],
    ]
    .map(Vector3::from);
    let tilted = from.map(|p| Vector3::new(0.0, 0.0, 0.1 * p.x));
    assert!(d2min((&cell, &from), (&cell, &tilted), 1.2).unwrap()[0] < 1e-28);
    let buckled = from.map(|p| Vector3::new(0.0, 0.0, 0.1 * p.norm()));
    let found = d2min((&cell, &from), (&cell, &buckled), 1.2).unwrap();
    assert!((found[0] - 0.04).abs() < 1e-14);
    // One neighbor within the cutoff: any motion of it is affine.
    assert!(found[1] < 1e-28);
}

/// Atoms in a row along b, half a unit from the boundaries, in a cell sheared by `xy`.
fn row(xy: f64) -> (Cell, Vec<Vector3<f64>>) {
    let cell = Cell::new([10.0, 12.0, 11.0, xy, 0.0, 0.0]).unwrap();
    let places = (0..12)
        .map(|k| cell.to_cartesian(&Vector3::new(0.2, (f64::from(k) + 0.5) / 12.0, 0.9)))
        .collect();
    (cell, places)
}

#[test]
fn a_string_is_found_across_a_boundary_and_across_a_flip() {
    for xy in [0.0, 4.9, 5.1, -5.3, 27.0] {
        let (sheared, places) = row(xy);
        let step = places[1] - places[0];
        // Atoms 9, 10, 11, 0, 1 step on, through the boundary; 2 makes way.
        let mut displacements = vec![Vector3::zeros(); 12];
        for atom in [9, 10, 11, 0, 1] {
            displacements[atom] = step * 0.95;
        }
        displacements[2] = Vector3::new(0.0, 0.0, 0.8);
        let moved: Vec<bool> = displacements.iter().map(|u| u.norm() > 0.6).collect();
        let expected = [DisplacementString {
            atoms: vec![9, 10, 11, 0, 1, 2],
            is_ring: false,
        }];
        for cell in [sheared, sheared.with_small_tilts().0] {
            let wrapped: Vec<Vector3<f64>> = places.iter().map(|p| cell.wrap(p).0).collect();
            let found = displacement_strings(&cell, &wrapped, &displacements, &moved).unwrap();
            assert_eq!(found, expected, "xy = {xy}");
        }
        // All step on: a ring around the cell, if b is where the row ends.
        let all = vec![step; 12];
        let found = displacement_strings(&sheared, &places, &all, &[true; 12]).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].is_ring);
        assert_eq!(found[0].atoms, (0..12).collect::<Vec<_>>());
    }
}

#[test]
fn a_place_is_taken_by_the_nearest_within_six_tenths() {
    let (cell, places) = row(0.0);
    let strings = |moves: &[(usize, [f64; 3])]| {
        let mut displacements = vec![Vector3::zeros(); 12];
        for &(atom, u) in moves {
            displacements[atom] = Vector3::from(u);
        }
        let moved: Vec<bool> = displacements.iter().map(|u| u.norm() > 0.6).collect();
        displacement_strings(&cell, &places, &displacements, &moved).unwrap()
    };
    let away = [0.0, 0.0, 0.9];
    assert_eq!(
        strings(&[(3, [0.59, 1.0, 0.0]), (4, away)])[0].atoms,
        [3, 4]
    );
    assert!(strings(&[(3, [0.61, 1.0, 0.0]), (4, away)]).is_empty());
    // Nobody left the place.
    assert!(strings(&[(3, [0.0, 1.0, 0.0])]).is_empty());
    // Two arrive: the nearer one takes it, the other one took nothing.
    let found = strings(&[(3, [0.3, 1.0, 0.0]), (5, [0.1, -1.0, 0.0]), (4, away)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].atoms, [5, 4]);
    // Two change places.
    let found = strings(&[(7, [0.1, 1.0, 0.0]), (8, [0.0, -1.0, 0.1])]);
    assert_eq!(found[0].atoms, [7, 8]);
    assert!(found[0].is_ring);
}

#[test]
fn impossible_cutoffs_and_lengths_are_refused() {
    let cell = Cell::cubic(3.0).unwrap();
    let from = atoms(&cell, 27, 1);
    let still = vec![Vector3::zeros(); 27];
    for cutoff in [0.0, -1.0, f64::NAN, f64::INFINITY, 10.1] {
        let refused = d2min((&cell, &from), (&cell, &still), cutoff).unwrap_err();
        assert!(matches!(refused, StructureError::Cutoff { .. }));
        assert!(refused.to_string().contains("at most 10.0000"), "{refused}");
    }
    assert!(d2min((&cell, &from), (&cell, &still[1..]), 1.5).is_err());
    assert!(displacement_strings(&cell, &from, &still, &[true]).is_err());
}
