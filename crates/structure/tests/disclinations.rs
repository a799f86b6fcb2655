//! Disclination lines of the Frank-Kasper phases, exactly, and of a glass against a sum over bonds.
#![cfg(test)]

#[path = "support/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use metabasin_atoms::{Cell, Configuration};
use metabasin_structure::{DisclinationNetwork, StructureError, Su2Class};
use nalgebra::Vector3;
use proptest::prelude::*;

use samples::{A15, crystal, glass, laves_motif, topology};

fn network(configuration: &Configuration) -> DisclinationNetwork {
    let (_, topology) = topology(configuration);
    DisclinationNetwork::new(&topology, configuration).unwrap()
}

#[test]
fn laves_phases_have_a_diamond_of_lines() {
    // C15: 8 atoms a cell are nodes of four lines each; 16 lines of one bond, a quarter of the
    // diagonal long.
    let a = 2.6;
    for copies in 1..=3_usize {
        let laves = crystal(a, &laves_motif(), copies);
        let found = network(&laves);
        let cells = copies.pow(3);
        assert_eq!(
            (found.lines().len(), found.nodes().len()),
            (16 * cells, 8 * cells)
        );
        let mut meet: BTreeMap<u32, usize> = BTreeMap::new();
        for line in found.lines() {
            assert_eq!(
                (line.order, line.atoms.len(), line.is_closed),
                (6, 2, false)
            );
            assert!((line.length - a * 3.0_f64.sqrt() / 4.0).abs() < 1e-12);
            for atom in &line.atoms {
                *meet.entry(*atom).or_insert(0) += 1;
            }
        }
        assert!(
            meet.iter()
                .all(|(atom, lines)| atom % 24 < 8 && *lines == 4)
        );
        let density = found.length_densities();
        assert_eq!(density.len(), 1);
        assert!((density[&6] - 4.0 * 3.0_f64.sqrt() / (a * a)).abs() < 1e-12);
    }
}

#[test]
fn lines_of_a15_run_straight_through_without_a_node() {
    // A15: through each cell one line along each axis, and no node. Each closes on itself in the
    // next image of the sample.
    let a = 1.9;
    for copies in 1..=3_usize {
        let phase = crystal(a, &A15, copies);
        let found = network(&phase);
        assert!(found.nodes().is_empty());
        assert_eq!(found.lines().len(), 3 * copies * copies);
        let mut axes = [0; 3];
        for line in found.lines() {
            assert!(line.is_closed && line.order == 6);
            assert_eq!(line.atoms.first(), line.atoms.last());
            assert_eq!(line.atoms.len(), 2 * copies + 1);
            let side = a * copies as f64;
            assert!((line.length - side).abs() < 1e-12);
            let along = line.points[2 * copies] - line.points[0];
            let axis = along.iamax();
            axes[axis] += 1;
            assert!(
                (along[axis].abs() - side).abs() < 1e-12 && (along.norm() - side).abs() < 1e-12
            );
        }
        assert_eq!(axes, [copies * copies; 3]);
        assert!((found.length_densities()[&6] - 3.0 / (a * a)).abs() < 1e-12);
    }
}

#[test]
fn body_centered_atoms_are_all_nodes() {
    // Bonds of order 4 along the axes, 3 an atom, and of order 6 along the diagonals, 4 an atom.
    let a = 1.3;
    let crystal = crystal(a, &[[0.0; 3], [0.5; 3]], 2);
    let found = network(&crystal);
    assert_eq!((found.nodes().len(), found.lines().len()), (16, 7 * 16));
    let density = found.length_densities();
    assert!((density[&4] - 6.0 / (a * a)).abs() < 1e-12);
    assert!((density[&6] - 4.0 * 3.0_f64.sqrt() / (a * a)).abs() < 1e-12);
}

/// Lengths of the bonds of each order but 5, one by one, by the shortest vector.
fn lengths_by_bonds(configuration: &Configuration) -> BTreeMap<u32, f64> {
    let (_, topology) = topology(configuration);
    let mut lengths = BTreeMap::new();
    for (bond, order) in topology.bonds() {
        let [from, to] = [bond.from, bond.to].map(|atom| configuration.positions[atom as usize]);
        if *order != 5 {
            let along = configuration.cell.minimum_image(&(to - from));
            *lengths.entry(*order).or_insert(0.0) += along.norm();
        }
    }
    lengths
}

#[test]
fn a_glass_has_every_defect_bond_on_one_line() {
    for case in [
        "ortho",
        "shear_xy0.5",
        "general_triclinic",
        "latticeequiv_c+b-a",
    ] {
        let glass = glass(case);
        let (_, topology) = topology(&glass);
        let found = network(&glass);
        let volume = glass.cell.volume();
        let (densities, lengths) = (found.length_densities(), lengths_by_bonds(&glass));
        assert_eq!(densities.len(), lengths.len());
        for (order, density) in &densities {
            assert!(
                (density * volume / lengths[order] - 1.0).abs() < 1e-12,
                "{case}: {order}"
            );
        }
        let bonds: usize = found.lines().iter().map(|line| line.atoms.len() - 1).sum();
        let defects = topology.bonds().iter().filter(|(_, order)| *order != 5);
        assert_eq!(bonds, defects.count());
        let nodes: BTreeSet<usize> = found.nodes().iter().copied().collect();
        let mut meet = vec![Vec::new(); glass.len()];
        for line in found.lines() {
            let ends = [line.atoms[0], line.atoms[line.atoms.len() - 1]];
            for end in ends.map(|atom| atom as usize) {
                assert_eq!(nodes.contains(&end), !line.is_closed);
                meet[end].push(line.order);
            }
            for inner in &line.atoms[1..line.atoms.len() - 1] {
                assert!(!nodes.contains(&(*inner as usize)));
            }
            for (pair, places) in line.atoms.windows(2).zip(line.points.windows(2)) {
                // Steps are bonds: the places are those of the atoms but for whole lattice vectors.
                assert!((places[1] - places[0]).norm() < 2.2);
                let off = places[1] - glass.positions[pair[1] as usize];
                let whole = glass.cell.to_fractional(&off);
                assert!((whole - whole.map(f64::round)).norm() < 1e-9);
            }
        }
        for (i, class) in topology.classes().iter().enumerate() {
            // The icosahedron has no defect, Z14 one line through it, Z15 and Z16 are nodes.
            let environment = topology.environments()[i];
            match (class, environment.six) {
                (Su2Class::Icosahedral, _) => assert!(meet[i].is_empty()),
                (Su2Class::FrankKasper, 2) => assert!(!nodes.contains(&i)),
                (Su2Class::FrankKasper, six) => assert_eq!(meet[i], vec![6; six as usize]),
                _ => {}
            }
        }
    }
}

#[test]
fn a_topology_of_other_atoms_is_refused() {
    let (_, topology) = topology(&glass("ortho"));
    assert_eq!(
        DisclinationNetwork::new(&topology, &crystal(1.9, &A15, 1)),
        Err(StructureError::Length {
            array: "bond topology",
            found: 500,
            atoms: 8
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn origin_wrapping_numbering_and_basis_do_not_matter(
        move_by in prop::array::uniform3(-5.0..5.0),
        basis in prop::array::uniform3(-2..=2),
    ) {
        let sample = glass("shear_xy0.3");
        let signature = |configuration: &Configuration| {
            let found = network(configuration);
            let mut lines: Vec<(u32, usize, bool, i64)> = found
                .lines()
                .iter()
                .map(|line| (line.order, line.atoms.len(), line.is_closed, (line.length * 1e6).round() as i64))
                .collect();
            lines.sort_unstable();
            (found.nodes().len(), lines)
        };
        let expected = signature(&sample);
        let mut other = sample.clone();
        let [lx, ly, lz, xy, xz, yz] = sample.cell.components();
        let [p, q, r] = basis.map(f64::from);
        other.cell = Cell::new([lx, ly, lz, xy + p * lx, xz + q * lx + r * xy, yz + r * ly]).unwrap();
        for position in &mut other.positions {
            *position = other.cell.wrap(&(*position + Vector3::from(move_by))).0;
        }
        other.positions.reverse();
        other.species.reverse();
        prop_assert_eq!(&signature(&other), &expected);
    }
}
