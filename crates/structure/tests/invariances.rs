//! What any tessellation must keep: volumes, mirrored faces, Euler's formula, and indifference to
//! origin, numbering, basis and copies.
#![cfg(test)]

use std::collections::HashMap;

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_structure::{Face, Radii, StructureError, Tessellation, Thresholds, tessellate};
use nalgebra::Vector3;
use proptest::prelude::*;

fn sample(cell: Cell, positions: Vec<Vector3<f64>>, species: &[u8]) -> Configuration {
    Configuration {
        cell,
        species: species.iter().map(|s| Species(*s)).collect(),
        ids: (1..=positions.len() as u64).collect(),
        positions,
        velocities: None,
        masses: vec![1.0, 0.5],
        names: None,
    }
}

fn cells_of(configuration: &Configuration, radii: &Radii) -> Tessellation {
    tessellate(configuration, radii, &Thresholds::default()).unwrap()
}

/// With the edges of no length, which Euler's formula needs.
fn whole_cells_of(configuration: &Configuration, radii: &Radii) -> Tessellation {
    tessellate(configuration, radii, &Thresholds::every_edge()).unwrap()
}

/// A bond counts from both sides or from neither, and has the same edges from both.
fn assert_bonds_are_mutual(
    tessellation: &Tessellation,
    same_edges: bool,
) -> Result<(), TestCaseError> {
    for i in 0..tessellation.len() {
        for face in tessellation.counted_faces(i) {
            let back = tessellation.mirrored(i, face);
            prop_assert!(
                back.is_some_and(|back| back.counts && (!same_edges || back.edges == face.edges)),
                "face {face:?} of atom {i} is {back:?} from the other side"
            );
        }
    }
    Ok(())
}

/// Volumes fill the cell, every face has its mirror image, every cell is a simple polyhedron.
fn assert_is_a_tessellation(tessellation: &Tessellation, cell: &Cell) -> Result<(), TestCaseError> {
    let volume = cell.volume();
    prop_assert!(
        (tessellation.volume_sum() / volume - 1.0).abs() < 1e-12,
        "volumes add up to {} instead of {volume}",
        tessellation.volume_sum()
    );
    // Faces of no area exist only where more than three planes meet in a point.
    let smallest = 1e-9 * (volume / tessellation.len() as f64).powf(2.0 / 3.0);
    let mut areas = HashMap::new();
    for i in 0..tessellation.len() {
        let faces = tessellation.faces(i);
        // V − E + F = 2 with E = Σ/2 and V = Σ/3 of the numbers of edges.
        let edges: usize = faces.iter().map(|face| face.edges as usize).sum();
        if faces.is_empty() {
            prop_assert_eq!(tessellation.volume(i), 0.0);
        } else {
            prop_assert_eq!(edges, 6 * faces.len() - 12);
        }
        for face in faces {
            prop_assert!(face.counts);
            let key = (i as u32, face.neighbor, face.shift);
            prop_assert!(areas.insert(key, face.area).is_none());
        }
    }
    for (&(i, j, shift), &area) in &areas {
        let mirrored = areas
            .get(&(j, i, shift.map(|n| -n)))
            .copied()
            .unwrap_or(0.0);
        prop_assert!(
            (mirrored - area).abs() < smallest,
            "face {i} {j} {shift:?} has area {area} from one side, {mirrored} from the other"
        );
    }
    Ok(())
}

fn cells() -> impl Strategy<Value = Cell> {
    (
        prop::array::uniform3(1.0..4.0),
        prop::array::uniform3(-1.6..1.6),
    )
        .prop_map(|(l, t)| {
            Cell::new([l[0], l[1], l[2], t[0] * l[0], t[1] * l[0], t[2] * l[1]]).unwrap()
        })
}

fn samples(most: usize) -> impl Strategy<Value = Configuration> {
    let atoms = prop::collection::vec((prop::array::uniform3(-1.0..2.0), 0..2_u8), 1..most);
    (cells(), atoms).prop_map(|(cell, atoms)| {
        let positions = atoms
            .iter()
            .map(|(s, _)| cell.to_cartesian(&Vector3::from(*s)))
            .collect();
        let species: Vec<u8> = atoms.iter().map(|(_, species)| *species).collect();
        sample(cell, positions, &species)
    })
}

/// Index and volume of every atom.
fn signature(tessellation: &Tessellation) -> Vec<(String, f64)> {
    (0..tessellation.len())
        .map(|i| (tessellation.index(i).to_string(), tessellation.volume(i)))
        .collect()
}

fn assert_same(p: &[(String, f64)], q: &[(String, f64)]) -> Result<(), TestCaseError> {
    prop_assert_eq!(p.len(), q.len());
    for (a, b) in p.iter().zip(q) {
        prop_assert_eq!(&a.0, &b.0);
        prop_assert!((a.1 - b.1).abs() < 1e-10, "volumes {} and {}", a.1, b.1);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_samples_are_tessellated(
        sample in samples(40),
        radii in prop::array::uniform2(0.0..0.7),
    ) {
        let radii = Radii::new(radii.to_vec()).unwrap();
        assert_is_a_tessellation(&whole_cells_of(&sample, &radii), &sample.cell)?;
    }

    #[test]
    fn bonds_count_from_both_sides_at_any_threshold(sample in samples(40), edge in 0.0..0.3) {
        let thresholds = Thresholds { edge: Some(edge), ..Thresholds::default() };
        let tessellation = tessellate(&sample, &Radii::default(), &thresholds).unwrap();
        assert_bonds_are_mutual(&tessellation, true)?;
    }

    #[test]
    fn origin_numbering_and_basis_do_not_matter(
        sample in samples(25),
        move_by in prop::array::uniform3(-5.0..5.0),
        basis in prop::array::uniform3(-2..=2),
    ) {
        let radii = Radii::default();
        let expected = signature(&cells_of(&sample, &radii));

        let mut moved = sample.clone();
        for position in &mut moved.positions {
            *position += Vector3::from(move_by);
        }
        assert_same(&signature(&cells_of(&moved, &radii)), &expected)?;

        let mut reversed = sample.clone();
        reversed.positions.reverse();
        reversed.species.reverse();
        let mut back = signature(&cells_of(&reversed, &radii));
        back.reverse();
        assert_same(&back, &expected)?;

        let mut other = sample.clone();
        let [lx, ly, lz, xy, xz, yz] = sample.cell.components();
        let [p, q, r] = basis.map(f64::from);
        other.cell =
            Cell::new([lx, ly, lz, xy + p * lx, xz + q * lx + r * xy, yz + r * ly]).unwrap();
        let tessellation = cells_of(&other, &radii);
        assert_same(&signature(&tessellation), &expected)?;
        // The shifts speak of the basis as given: a' = a, b' = b + p a, c' = c + q a + r b.
        let original = cells_of(&sample, &radii);
        for i in 0..tessellation.len() {
            for face in tessellation.faces(i) {
                let [a, b, c] = face.shift;
                let shift = [a + basis[0] * b + basis[1] * c, b + basis[2] * c, c];
                let found = original.faces(i).iter().any(|there| {
                    there.neighbor == face.neighbor
                        && there.shift == shift
                        && there.edges == face.edges
                });
                prop_assert!(found, "face {:?} of atom {} is new", face, i);
            }
        }
        assert_is_a_tessellation(&whole_cells_of(&other, &radii), &other.cell)?;
    }

    #[test]
    fn two_cells_hold_each_atom_twice(sample in samples(20), axis in 0..3_usize) {
        let radii = Radii::default();
        let expected = signature(&cells_of(&sample, &radii));
        let mut matrix = sample.cell.matrix();
        let step = matrix.column(axis).into_owned();
        let mut column = matrix.column_mut(axis);
        column *= 2.0;
        let mut double = sample.clone();
        double.cell = Cell::from_matrix(&matrix).unwrap();
        double.positions.extend(sample.positions.iter().map(|position| position + step));
        double.species.extend_from_slice(&sample.species);
        double.ids = (1..=double.positions.len() as u64).collect();
        let found = signature(&cells_of(&double, &radii));
        assert_same(&found[..expected.len()], &expected)?;
        assert_same(&found[expected.len()..], &expected)?;
    }

    // The hardest ties: many atoms on one sphere, in cells of exactly commensurate tilt.
    #[test]
    fn crystals_with_vacancies_never_fail(
        occupied in prop::collection::vec(any::<bool>(), 64),
        constant in 0.3..3.0,
        tilts in prop::array::uniform3(-2..=2),
        centered in any::<bool>(),
        origin in prop::array::uniform3(0.0..1.0),
        kinds in prop::collection::vec(0..2_u8, 128),
        equal in any::<bool>(),
    ) {
        let side = 4.0 * constant;
        let [xy, xz, yz] = tilts.map(|t| f64::from(t) * constant);
        let cell = Cell::new([side, side, side, xy, xz, yz]).unwrap();
        let mut positions = Vec::new();
        for (k, _) in occupied.iter().enumerate().filter(|(k, full)| **full || *k == 0) {
            let site = Vector3::new((k % 4) as f64, (k / 4 % 4) as f64, (k / 16) as f64);
            positions.push((site + Vector3::from(origin)) * constant);
            if centered {
                positions.push((site + Vector3::repeat(0.5) + Vector3::from(origin)) * constant);
            }
        }
        let crystal = sample(cell, positions.clone(), &kinds[..positions.len()]);
        let radii = if equal { Radii::equal(2) } else { Radii::default() };
        assert_is_a_tessellation(&whole_cells_of(&crystal, &radii), &cell)?;
        let tessellation = cells_of(&crystal, &radii);
        assert_bonds_are_mutual(&tessellation, true)?;
        prop_assert!((tessellation.volume_sum() / cell.volume() - 1.0).abs() < 1e-12);
        for i in 0..crystal.len() {
            let area = |face: &Face| face.area > 1e-9 * constant * constant;
            let with_area = tessellation.faces(i).iter().filter(|face| area(face)).count();
            prop_assert_eq!(tessellation.coordination(i), with_area);
        }
    }
}

/// Atoms of a crystal, `copies` unit cells along each axis, off the origin.
fn crystal(unit: [f64; 6], motif: &[[f64; 3]], copies: usize) -> Configuration {
    let cell = Cell::new(unit.map(|component| component * copies as f64)).unwrap();
    let mut positions = Vec::new();
    for a in 0..copies {
        for b in 0..copies {
            for c in 0..copies {
                for site in motif {
                    let corner = Vector3::new(a as f64, b as f64, c as f64) + Vector3::from(*site);
                    positions.push(
                        cell.to_cartesian(&(corner / copies as f64))
                            + Vector3::new(0.1234, 2.0_f64.sqrt(), -0.7),
                    );
                }
            }
        }
    }
    let species = vec![0; positions.len()];
    sample(cell, positions, &species)
}

/// The crystals by name: unit cell, motif, Voronoi index of every atom.
fn perfect_crystals() -> Vec<(&'static str, Configuration, &'static str)> {
    let a = 1.234_567_89;
    let half = a / 2.0;
    let face_centered = [[0.0; 3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
    let (root2, root3) = (2.0_f64.sqrt(), 3.0_f64.sqrt());
    let hexagonal = [
        a,
        a * root3 / 2.0,
        a * (8.0_f64 / 3.0).sqrt(),
        -half,
        0.0,
        0.0,
    ];
    // The primitive cell of fcc with its vectors along a/√2 (1, 0, 0), ...
    let edge = a / root2;
    let primitive = [
        edge,
        edge * root3 / 2.0,
        edge * (2.0_f64 / 3.0).sqrt(),
        edge / 2.0,
        edge / 2.0,
        edge / (2.0 * root3),
    ];
    let cube = [a, a, a, 0.0, 0.0, 0.0];
    let hexagonal_motif = [[0.0; 3], [1.0 / 3.0, 2.0 / 3.0, 0.5]];
    let mut crystals = Vec::new();
    for copies in 1..=3 {
        for (name, unit, motif, index) in [
            ("sc", cube, &face_centered[..1], "0,6,0,0"),
            ("fcc", cube, &face_centered[..], "0,12,0,0"),
            ("fcc primitive", primitive, &face_centered[..1], "0,12,0,0"),
            ("bcc", cube, &[[0.0; 3], [0.5; 3]], "0,6,0,8"),
            ("hcp", hexagonal, &hexagonal_motif, "0,12,0,0"),
        ] {
            crystals.push((name, crystal(unit, motif, copies), index));
        }
    }
    crystals
}

#[test]
fn perfect_crystals_have_the_right_indices_and_volumes() {
    for (name, crystal, index) in perfect_crystals() {
        let tessellation = cells_of(&crystal, &Radii::default());
        let expected = crystal.cell.volume() / crystal.len() as f64;
        for i in 0..crystal.len() {
            let volume = tessellation.volume(i);
            assert!((volume / expected - 1.0).abs() < 1e-12, "{name}");
            assert_eq!(tessellation.index(i).to_string(), index, "{name}");
        }
        let total = tessellation.volume_sum() / crystal.cell.volume();
        assert!((total - 1.0).abs() < 1e-12, "{name}");
        assert_bonds_are_mutual(&tessellation, true).unwrap();
        let whole = whole_cells_of(&crystal, &Radii::default());
        assert_is_a_tessellation(&whole, &crystal.cell).unwrap();
    }
}

#[test]
fn in_the_laves_phase_small_atoms_have_twelve_neighbors_and_large_ones_sixteen() {
    // MgCu2 (C15, Fd-3m): Mg on 8a, Cu on 16d; of the Frank-Kasper polyhedra Z12 and Z16.
    let a = 2.6;
    let (mut motif, mut species) = (Vec::new(), Vec::new());
    for shift in [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]] {
        let mut add = |site: [f64; 3], kind: u8| {
            motif.push([0, 1, 2].map(|k| site[k] + shift[k]));
            species.push(kind);
        };
        add([0.125; 3], 0);
        add([0.875; 3], 0);
        add([0.5; 3], 1);
        add([0.5, 0.25, 0.25], 1);
        add([0.25, 0.5, 0.25], 1);
        add([0.25, 0.25, 0.5], 1);
    }
    for copies in 1..=2 {
        let mut laves = crystal([a, a, a, 0.0, 0.0, 0.0], &motif, copies);
        laves.species = (0..laves.len())
            .map(|i| Species(species[i % species.len()]))
            .collect();
        for radii in [Radii::default(), Radii::equal(2)] {
            let tessellation = cells_of(&laves, &radii);
            for (i, species) in laves.species.iter().enumerate() {
                let expected = if *species == Species::SMALL {
                    "0,0,12,0"
                } else {
                    "0,0,12,4"
                };
                assert_eq!(tessellation.index(i).to_string(), expected, "atom {i}");
            }
            assert_bonds_are_mutual(&tessellation, true).unwrap();
            assert_is_a_tessellation(&tessellation, &laves.cell).unwrap();
        }
    }
}

#[test]
fn every_edge_can_count_as_those_of_no_length_in_face_centered_crystals() {
    let (_, crystal, _) = perfect_crystals().swap_remove(11);
    let whole = whole_cells_of(&crystal, &Radii::default());
    assert_eq!(crystal.len(), 108);
    assert!((0..108).any(|i| whole.index(i).to_string() != "0,12,0,0"));
    assert_eq!(whole.edge_threshold(), 0.0);
    let spacing = (crystal.cell.volume() / 108.0).cbrt();
    let by_default = cells_of(&crystal, &Radii::default()).edge_threshold();
    assert!((by_default / (Thresholds::NO_LENGTH * spacing) - 1.0).abs() < 1e-12);
}

#[test]
fn bonds_count_from_both_sides_where_rounding_decides() {
    // All edges of the truncated octahedron are a √2/4 long: at that threshold rounding alone says
    // which of them count, from each side for itself.
    let a = 1.1;
    let thresholds = Thresholds {
        edge: Some(a * 2.0_f64.sqrt() / 4.0),
        ..Thresholds::default()
    };
    let crystal = crystal([a, a, a, 0.0, 0.0, 0.0], &[[0.0; 3], [0.5; 3]], 4);
    let tessellation = tessellate(&crystal, &Radii::default(), &thresholds).unwrap();
    assert_bonds_are_mutual(&tessellation, false).unwrap();
    let one_sided = (0..crystal.len())
        .flat_map(|i| tessellation.faces(i))
        .filter(|face| face.edges >= 3 && !face.counts)
        .count();
    assert!(
        one_sided > 0,
        "no face was in doubt: the test shows nothing"
    );
}

#[test]
fn a_hidden_atom_has_no_cell() {
    // A small atom 0.1 from a large one: d² = 0.01 is below r_1² − r_2² = 0.0764, so the plane
    // lies behind the small atom, and others cut off what would be left.
    let mut positions = vec![Vector3::repeat(0.5), Vector3::new(0.6, 0.5, 0.5)];
    let mut species = vec![0, 1];
    for axis in 0..3 {
        for sign in [-0.5, 0.5] {
            let mut place = Vector3::repeat(0.5);
            place[axis] += sign;
            positions.push(place);
            species.push(0);
        }
    }
    let cell = Cell::cubic(2.0).unwrap();
    let tessellation = cells_of(&sample(cell, positions, &species), &Radii::default());
    assert_eq!(
        (tessellation.volume(1), tessellation.coordination(1)),
        (0.0, 0)
    );
    assert_eq!(tessellation.index(1).to_string(), "0,0,0,0");
    assert!((tessellation.volume(0) - 0.125).abs() < 1e-12);
    assert_is_a_tessellation(&tessellation, &cell).unwrap();
}

#[test]
fn broken_input_is_refused_with_its_numbers() {
    let cell = Cell::cubic(3.0).unwrap();
    let two = |x: f64| {
        sample(
            cell,
            vec![Vector3::zeros(), Vector3::new(x, 0.0, 0.0)],
            &[0, 1],
        )
    };
    let refused = |configuration: &Configuration, radii: &Radii, thresholds: &Thresholds| {
        tessellate(configuration, radii, thresholds).unwrap_err()
    };
    let (radii, thresholds) = (Radii::default(), Thresholds::default());
    // On top of each other through the border; of two species and of one.
    let coincident = StructureError::Coincident {
        first: 1,
        second: 2,
        distance: 0.0,
    };
    for radii in [Radii::default(), Radii::equal(2)] {
        assert_eq!(refused(&two(6.0), &radii, &thresholds), coincident);
    }
    assert!(matches!(
        refused(&two(f64::NAN), &radii, &thresholds),
        StructureError::Configuration(_)
    ));
    let one = Radii::equal(1);
    assert_eq!(
        refused(&two(1.0), &one, &thresholds).to_string(),
        "atom id 2 has type 2, but there are radii for 1 types only"
    );
    assert_eq!(
        Radii::new(vec![0.5, -0.1]).unwrap_err().to_string(),
        "the radius of type 2 must be finite and not negative, got -0.1"
    );
    let bad = Thresholds {
        relative_face: f64::NAN,
        ..thresholds
    };
    assert!(
        refused(&two(1.0), &radii, &bad)
            .to_string()
            .contains("relative face")
    );
}
