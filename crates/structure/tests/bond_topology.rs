//! Bond orders and SU(2) classes of a glass in eight cells against another program's, of crystals
//! against their exact numbers, and what may not change them.
#![cfg(test)]

#[path = "support/samples.rs"]
mod samples;

use std::collections::BTreeMap;

use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
use metabasin_structure::{
    Bond, BondEnvironment, BondTopology, Radii, Su2Class, Thresholds, tessellate,
};
use nalgebra::{Matrix3, Vector3};
use proptest::prelude::*;
use rand::RngExt;
use serde::Deserialize;

use samples::{A15, FACE_CENTERED, configuration, crystal, data, glass, laves_motif, topology};

const CASES: [&str; 8] = [
    "ortho",
    "shear_xy0.02",
    "shear_xy-0.1",
    "shear_xy0.3",
    "shear_xy0.5",
    "general_triclinic",
    "latticeequiv_b+a",
    "latticeequiv_c+b-a",
];

/// Bond orders of one case.
#[derive(Deserialize)]
struct Expected {
    standard: BTreeMap<u32, usize>,
    modified: BTreeMap<u32, usize>,
    dropped: Vec<(u32, u32)>,
    labels: Vec<usize>,
}

/// The sets (n₄, n₅, n₆) that SU(2) allows, numbered as the reference numbers them.
fn labels() -> Vec<(u32, u32, u32)> {
    let mut labels = vec![(0, 12, 0)];
    labels.extend((2..=6).map(|six| (0, 12, six)));
    labels.extend((2..=7).map(|six| (1, 10, six)));
    labels.extend((0..=8).map(|six| (2, 8, six)));
    labels.extend((0..=9).map(|six| (3, 6, six)));
    labels
}

#[test]
fn every_order_dropped_bond_and_class_agrees_in_eight_cells() {
    let expected: BTreeMap<String, Expected> =
        serde_json::from_reader(data("bond_topology.json")).unwrap();
    let labels = labels();
    for case in CASES {
        let expected = &expected[case];
        let (tessellation, topology) = topology(&glass(case));
        assert_eq!(topology.standard_orders(), &expected.standard, "{case}");
        assert_eq!(topology.orders(), &expected.modified, "{case}");
        let mut dropped: Vec<(u32, u32)> = topology
            .dropped()
            .iter()
            .map(|bond| (bond.from, bond.to))
            .collect();
        dropped.sort_unstable();
        assert_eq!(dropped, expected.dropped, "{case}");
        assert!(!dropped.is_empty(), "{case}: the step was not needed");
        assert_eq!(
            topology.bonds().len(),
            topology.orders().values().sum::<usize>()
        );
        for (i, label) in expected.labels.iter().enumerate() {
            let bonds = topology.environments()[i];
            let set = (bonds.four, bonds.five, bonds.six);
            let class = topology.classes()[i];
            let Some(allowed) = labels.get(*label) else {
                assert_eq!(class, Su2Class::Other, "{case}: atom {i} has {set:?}");
                continue;
            };
            assert_eq!((set, bonds.others), (*allowed, 0), "{case}: atom {i}");
            let expected = match label {
                0 => Su2Class::Icosahedral,
                1..=3 => Su2Class::FrankKasper,
                _ => Su2Class::Nelson,
            };
            assert_eq!(class, expected, "{case}: atom {i}");
            let faces = tessellation.coordination(i) as u32;
            assert!(bonds.coordination() <= faces, "{case}: atom {i}");
        }
    }
}

fn bonds(four: u32, five: u32, six: u32) -> BondEnvironment {
    BondEnvironment {
        four,
        five,
        six,
        others: 0,
    }
}

/// Bonds of order 6, which are the disclination lines where no other defect is.
fn disclinations(topology: &BondTopology) -> Vec<Bond> {
    topology
        .bonds()
        .iter()
        .filter(|(_, order)| *order == 6)
        .map(|(bond, _)| *bond)
        .collect()
}

#[test]
fn frank_kasper_phases_have_their_disclination_networks() {
    for copies in 1..=3 {
        // C15: 8 atoms of 16 bonds, each a node of four lines as in diamond, and 16 of 12.
        let motif = laves_motif();
        let laves = crystal(2.6, &motif, copies);
        let (_, topology_of_laves) = topology(&laves);
        let cells = copies.pow(3);
        let expected = BTreeMap::from([(5, 144 * cells), (6, 16 * cells)]);
        assert_eq!(topology_of_laves.orders(), &expected);
        assert_eq!(topology_of_laves.standard_orders(), &expected);
        for i in 0..laves.len() {
            let (set, class) = if i % 24 < 8 {
                (bonds(0, 12, 4), Su2Class::FrankKasper)
            } else {
                (bonds(0, 12, 0), Su2Class::Icosahedral)
            };
            assert_eq!(topology_of_laves.environments()[i], set);
            assert_eq!(topology_of_laves.classes()[i], class);
        }
        for line in disclinations(&topology_of_laves) {
            assert!(line.from % 24 < 8 && line.to % 24 < 8);
        }

        // A15: three sets of straight lines that never meet, through 6 atoms of 14 bonds.
        let a = 1.9;
        let phase = crystal(a, &A15, copies);
        let (_, topology_of_phase) = topology(&phase);
        let expected = BTreeMap::from([(5, 48 * cells), (6, 6 * cells)]);
        assert_eq!(topology_of_phase.orders(), &expected);
        assert_eq!(topology_of_phase.standard_orders(), &expected);
        for i in 0..phase.len() {
            let six = if i % 8 < 2 { 0 } else { 2 };
            assert_eq!(topology_of_phase.environments()[i], bonds(0, 12, six));
        }
        for line in disclinations(&topology_of_phase) {
            let axis = |atom: u32| (atom % 8 - 2) / 2;
            assert_eq!(axis(line.from), axis(line.to));
            let shift = Vector3::from(line.shift.map(f64::from)) * (a * copies as f64);
            let along =
                phase.positions[line.to as usize] + shift - phase.positions[line.from as usize];
            assert!((along[axis(line.from) as usize].abs() - a / 2.0).abs() < 1e-12);
            assert!((along.norm() - a / 2.0).abs() < 1e-12);
        }
    }
}

#[test]
fn body_centered_bonds_are_of_order_four_and_six_and_break_the_rules() {
    // Along the axes four common neighbors, along the diagonals six; no triangle of bonded ones.
    // Euler's formula holds (Z = 12 − 6 + 8), but n5 = 0 is no set that SU(2) allows.
    for copies in 1..=3 {
        let crystal = crystal(1.3, &[[0.0; 3], [0.5; 3]], copies);
        let (_, topology) = topology(&crystal);
        let cells = copies.pow(3);
        let expected = BTreeMap::from([(4, 6 * cells), (6, 8 * cells)]);
        assert_eq!(topology.orders(), &expected);
        assert_eq!(topology.standard_orders(), &expected);
        for i in 0..crystal.len() {
            assert_eq!(topology.environments()[i], bonds(6, 0, 8));
            assert_eq!(topology.classes()[i], Su2Class::Other);
        }
    }
}

#[test]
fn face_centered_bonds_are_of_order_four_until_the_crystal_is_disturbed() {
    // Four rhombs meet in a corner that six cells share: with faces of no area left out, Z = 12 and
    // every bond has four common neighbors. That is no triangulated sphere (12 − 12 + 0 is not 12):
    // each octahedron lacks one of its three diagonals, and any disturbance picks one.
    let perfect = crystal(1.55, &FACE_CENTERED, 4);
    let (_, ideal) = topology(&perfect);
    assert_eq!(ideal.orders(), &BTreeMap::from([(4, 6 * 256)]));
    assert_eq!(ideal.standard_orders(), ideal.orders());
    assert!(ideal.environments().iter().all(|e| *e == bonds(12, 0, 0)));
    assert!(ideal.classes().iter().all(|c| *c == Su2Class::Other));
    let mut random = random_stream(5, Purpose::Test, 0, 0);
    let mut disturbed = perfect;
    for position in &mut disturbed.positions {
        *position += Vector3::from_fn(|_, _| random.random_range(-0.03..0.03));
    }
    // One octahedron an atom, with one diagonal of order 4; where the faces of two diagonals show,
    // one pierces a triangle with the other. Of 6 short bonds an atom each has 4 common neighbors
    // and one more for each of the 8 that a diagonal touches: 6 · 4 + 8 + 4 = 36 in all.
    let whole = tessellate(&disturbed, &Radii::default(), &Thresholds::every_edge()).unwrap();
    let split = BondTopology::new(&whole, &disturbed).unwrap();
    assert!(!split.dropped().is_empty());
    assert_eq!(split.bonds().len(), 7 * 256);
    assert!(split.orders().keys().all(|order| (4..=6).contains(order)));
    let total: usize = split.bonds().iter().map(|(_, order)| *order as usize).sum();
    assert_eq!(total, 36 * 256);
}

#[test]
fn any_number_of_threads_gives_the_same_topology() {
    let glass = glass("shear_xy0.3");
    let with_threads = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| topology(&glass).1)
    };
    assert_eq!(with_threads(1), with_threads(3));
}

#[test]
fn a_tessellation_of_other_atoms_is_refused() {
    let (tessellation, _) = topology(&glass("ortho"));
    let other = crystal(1.9, &A15, 1);
    let refused = BondTopology::new(&tessellation, &other).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "tessellation has 500 entries for 8 atoms"
    );
}

fn cells() -> impl Strategy<Value = Cell> {
    (
        prop::array::uniform3(0.8..3.0),
        prop::array::uniform3(-1.6..1.6),
    )
        .prop_map(|(l, t)| {
            Cell::new([l[0], l[1], l[2], t[0] * l[0], t[1] * l[0], t[2] * l[1]]).unwrap()
        })
}

fn samples() -> impl Strategy<Value = Configuration> {
    let atoms = prop::collection::vec((prop::array::uniform3(-1.0..2.0), 0..2_u8), 1..30);
    (cells(), atoms).prop_map(|(cell, atoms)| {
        let positions = atoms
            .iter()
            .map(|(s, _)| cell.to_cartesian(&Vector3::from(*s)))
            .collect();
        configuration(cell, positions, atoms.iter().map(|(_, s)| *s).collect())
    })
}

/// Everything that must not depend on how a sample is written down.
type Signature = (
    BTreeMap<u32, usize>,
    BTreeMap<u32, usize>,
    Vec<BondEnvironment>,
);

fn signature(configuration: &Configuration) -> Signature {
    let (_, topology) = topology(configuration);
    (
        topology.standard_orders().clone(),
        topology.orders().clone(),
        topology.environments().to_vec(),
    )
}

/// Dropping one bond after the other, smallest face first, in passes until one drops none; orders
/// counted anew each time from a set of bonds, each an atom and where its neighbor is.
fn by_brute_force(configuration: &Configuration) -> Vec<BondEnvironment> {
    let (tessellation, _) = topology(configuration);
    let mut bonds: BTreeMap<(usize, usize, [i32; 3]), f64> = BTreeMap::new();
    for i in 0..configuration.len() {
        for face in tessellation.counted_faces(i) {
            bonds.insert((i, face.neighbor as usize, face.shift), face.area);
        }
    }
    let back = |(i, j, shift): (usize, usize, [i32; 3])| (j, i, shift.map(|n| -n));
    let add = |p: [i32; 3], q: [i32; 3]| [0, 1, 2].map(|k| p[k] + q[k]);
    let subtract = |p: [i32; 3], q: [i32; 3]| [0, 1, 2].map(|k| p[k] - q[k]);
    let common = |bonds: &BTreeMap<(usize, usize, [i32; 3]), f64>,
                  (i, j, shift): (usize, usize, [i32; 3])| {
        bonds
            .keys()
            .filter(|key| key.0 == j)
            .map(|key| (key.1, add(key.2, shift)))
            .filter(|(k, n)| bonds.contains_key(&(i, *k, *n)))
            .collect::<Vec<_>>()
    };
    let place = |k: usize, shift: [i32; 3]| {
        configuration.positions[k]
            + configuration.cell.matrix() * Vector3::from(shift.map(f64::from))
    };
    loop {
        let mut order: Vec<_> = bonds
            .iter()
            .filter(|(key, _)| **key < back(**key))
            .map(|(key, area)| (area + bonds[&back(*key)], *key))
            .collect();
        order.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)));
        let before = bonds.len();
        for (_, (i, j, shift)) in order {
            let around = common(&bonds, (i, j, shift));
            let (from, to) = (place(i, [0; 3]), place(j, shift));
            let sign = |p: (usize, [i32; 3]), q: (usize, [i32; 3])| {
                let columns = [to - from, place(p.0, p.1) - from, place(q.0, q.1) - from];
                Matrix3::from_columns(&columns).determinant().signum()
            };
            let bonded = |p: (usize, [i32; 3]), q: (usize, [i32; 3])| {
                bonds.contains_key(&(p.0, q.0, subtract(q.1, p.1)))
            };
            let pierced = around.iter().any(|&k| {
                around.iter().any(|&l| {
                    around.iter().any(|&m| {
                        bonded(k, l)
                            && bonded(l, m)
                            && bonded(m, k)
                            && sign(k, l) == sign(l, m)
                            && sign(l, m) == sign(m, k)
                    })
                })
            });
            if pierced {
                bonds.remove(&(i, j, shift));
                bonds.remove(&back((i, j, shift)));
            }
        }
        if bonds.len() == before {
            break;
        }
    }
    let mut environments = vec![BondEnvironment::default(); configuration.len()];
    for &(i, j, shift) in bonds.keys() {
        let environment = &mut environments[i];
        match common(&bonds, (i, j, shift)).len() {
            4 => environment.four += 1,
            5 => environment.five += 1,
            6 => environment.six += 1,
            _ => environment.others += 1,
        }
    }
    environments
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn origin_wrapping_numbering_and_basis_do_not_matter(
        sample in samples(),
        move_by in prop::array::uniform3(-5.0..5.0),
        basis in prop::array::uniform3(-2..=2),
    ) {
        let expected = signature(&sample);

        let mut moved = sample.clone();
        for position in &mut moved.positions {
            *position = sample.cell.wrap(&(*position + Vector3::from(move_by))).0;
        }
        prop_assert_eq!(&signature(&moved), &expected);

        let mut reversed = sample.clone();
        reversed.positions.reverse();
        reversed.species.reverse();
        let mut back = signature(&reversed);
        back.2.reverse();
        prop_assert_eq!(&back, &expected);

        let mut other = sample.clone();
        let [lx, ly, lz, xy, xz, yz] = sample.cell.components();
        let [p, q, r] = basis.map(f64::from);
        other.cell =
            Cell::new([lx, ly, lz, xy + p * lx, xz + q * lx + r * xy, yz + r * ly]).unwrap();
        prop_assert_eq!(&signature(&other), &expected);
    }

    #[test]
    fn common_neighbors_are_at_least_the_edges_of_the_face(sample in samples()) {
        let (tessellation, topology) = topology(&sample);
        let mut orders = BTreeMap::new();
        for (bond, order) in topology.bonds() {
            orders.insert((bond.from, bond.to, bond.shift), *order);
        }
        let mut edges = 0;
        for i in 0..sample.len() {
            edges += tessellation.counted_faces(i).map(|face| face.edges as usize).sum::<usize>();
        }
        let standard: usize = topology.standard_orders().iter().map(|(k, n)| *k as usize * n).sum();
        prop_assert!(2 * standard >= edges, "{} common neighbors, {} edges", 2 * standard, edges);
        if topology.dropped().is_empty() {
            for i in 0..sample.len() {
                for face in tessellation.counted_faces(i) {
                    if let Some(order) = orders.get(&(i as u32, face.neighbor, face.shift)) {
                        prop_assert!(*order >= face.edges);
                    }
                }
            }
        }
    }

    #[test]
    fn the_step_drops_what_passes_of_brute_force_drop(sample in samples()) {
        let (_, topology) = topology(&sample);
        prop_assert_eq!(topology.environments(), &by_brute_force(&sample)[..]);
    }
}
