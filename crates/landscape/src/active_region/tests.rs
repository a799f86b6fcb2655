//! A region against the whole sample.

use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_minimizers::Lbfgs;

use super::*;

/// A face-centered crystal of one species, so many cells along each edge.
fn crystal(cells: u32) -> InherentStructure {
    let constant = 1.49;
    let corners = [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ];
    let mut positions = Vec::new();
    for cell in 0..cells * cells * cells {
        let place = [cell % cells, cell / cells % cells, cell / (cells * cells)];
        for corner in corners {
            positions.push(Vector3::from_fn(|k, _| {
                constant * (f64::from(place[k]) + corner[k])
            }));
        }
    }
    let atoms = positions.len();
    let configuration = Configuration {
        cell: Cell::cubic(constant * f64::from(cells)).unwrap(),
        positions,
        velocities: None,
        species: vec![Species(0); atoms],
        ids: (1..=atoms as u64).collect(),
        masses: vec![1.0, 0.5],
        names: None,
    };
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let field = ForceField::new(potential, Kernel::Portable);
    InherentStructure::quench(&configuration, field, &Lbfgs::default(), 1e-8)
        .unwrap()
        .0
}

#[test]
fn active_atoms_feel_what_they_feel_in_the_whole_sample() {
    agrees_with_the_whole(11, 2000, 1.6, 19);
}

/// All atoms are held, most of them reach active ones around a boundary.
#[test]
fn so_they_do_around_periodic_boundaries() {
    agrees_with_the_whole(6, 3, 3.1, 141);
}

fn agrees_with_the_whole(cells: u32, center: usize, radius: f64, active: usize) {
    let minimum = crystal(cells);
    let mut region = ActiveRegion::new(&minimum, center, radius).unwrap();
    let size = region.dimension();
    assert_eq!(size, 3 * active);
    let mut whole = minimum.landscape();
    let rest = minimum.coordinates();
    // A frozen atom is displaced too: the region takes over where it stands.
    let mut displacement = vec![0.0; rest.len()];
    let neighbor = nearest_frozen(&minimum, &region, center);
    displacement[3 * neighbor] = 0.05;
    let start = region.enter(&displacement);
    let moved: Vec<f64> = (0..size).map(|k| 0.1 * (1.7 * k as f64).sin()).collect();
    let mut x = start.clone();
    for (x, moved) in x.iter_mut().zip(&moved) {
        *x += moved;
    }
    region.leave(&x, &mut displacement);
    let place = |displacement: &[f64]| -> Vec<f64> {
        rest.iter().zip(displacement).map(|(x, u)| x + u).collect()
    };
    let full = place(&displacement);
    let mut gradient = vec![0.0; size];
    let mut whole_gradient = vec![0.0; rest.len()];
    let before = region.evaluate(&start, &mut gradient);
    let after = region.evaluate(&x, &mut gradient);
    let mut unmoved = vec![0.0; rest.len()];
    unmoved[3 * neighbor] = 0.05;
    let whole_before = whole.evaluate(&place(&unmoved), &mut whole_gradient);
    let whole_after = whole.evaluate(&full, &mut whole_gradient);
    let change = whole_after - whole_before;
    assert!(change > 1.0);
    // Energies of the whole sample carry ten roundings of 3e4.
    assert!((after - before - change).abs() < 1e-9);
    for (inside, outside) in gradient.iter().zip(region.restrict(&whole_gradient)) {
        assert!((inside - outside).abs() < 1e-10);
    }
    let mut product = vec![0.0; size];
    region.hessian_vector(&x, &moved, &mut product);
    let mut direction = vec![0.0; rest.len()];
    region.embed(&moved, &mut direction);
    let mut whole_product = vec![0.0; rest.len()];
    whole.hessian_vector(&full, &direction, &mut whole_product);
    for (inside, outside) in product.iter().zip(region.restrict(&whole_product)) {
        assert!((inside - outside).abs() < 1e-9);
    }
}

/// The frozen atom of a region that is nearest to its center.
fn nearest_frozen(minimum: &InherentStructure, region: &ActiveRegion, center: usize) -> usize {
    let frozen = region.held.iter().copied();
    let distance = |atom: usize| separation(minimum, center, atom).norm();
    frozen
        .filter(|&atom| !region.active.contains(&(atom as u32)))
        .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
        .unwrap()
}

fn separation(minimum: &InherentStructure, from: usize, to: usize) -> Vector3<f64> {
    let sample = minimum.configuration();
    let apart = sample.positions[to] - sample.positions[from];
    sample.cell.minimum_image(&apart)
}

#[test]
fn an_atom_that_leaves_its_place_still_feels_all_that_it_would() {
    // An atom at the edge hops outward into the hole beside it, 0.7 away: less than the margin.
    let minimum = crystal(11);
    let center = 2000;
    let mut region = ActiveRegion::new(&minimum, center, 1.6).unwrap();
    let at_rest = vec![0.0; minimum.coordinates().len()];
    let mut x = region.enter(&at_rest);
    let outward = |&place: &usize| separation(&minimum, center, region.held[place]).x;
    let edge = (0..region.active.len())
        .max_by(|a, b| outward(a).total_cmp(&outward(b)))
        .unwrap();
    x[3 * edge] += 0.7;
    let mut displacement = at_rest;
    region.leave(&x, &mut displacement);
    let mut gradient = vec![0.0; x.len()];
    region.evaluate(&x, &mut gradient);
    let start = minimum.coordinates();
    let full: Vec<f64> = start
        .iter()
        .zip(&displacement)
        .map(|(x, u)| x + u)
        .collect();
    let mut whole = vec![0.0; full.len()];
    minimum.landscape().evaluate(&full, &mut whole);
    for (inside, outside) in gradient.iter().zip(region.restrict(&whole)) {
        assert!((inside - outside).abs() < 1e-9 * outside.abs().max(1.0));
    }
}

#[test]
fn a_region_holds_what_its_radius_says_and_costs_its_share() {
    let minimum = crystal(11);
    let center = 2000;
    let atoms = minimum.configuration().len();
    // Neighbors of an atom of the crystal at 1.05 and 1.49; within the cutoff are 78 of them.
    for (radius, active) in [(1.45, 13), (1.53, 19)] {
        let region = ActiveRegion::new(&minimum, center, radius).unwrap();
        assert_eq!(region.dimension(), 3 * active);
        let inside: Vec<usize> = region.active.iter().map(|&atom| atom as usize).collect();
        let mut pairs = 0;
        for (k, &atom) in inside.iter().enumerate() {
            pairs += (0..atoms)
                .filter(|other| *other != atom && !inside[..k].contains(other))
                .filter(|&other| separation(&minimum, atom, other).norm() < 2.5)
                .count();
        }
        let share = pairs as f64 / (39 * atoms) as f64;
        assert!((region.share() - share).abs() < 1e-12, "{share}");
    }
}

#[test]
fn the_preconditioner_is_nearly_the_inverse_where_all_active_atoms_touch() {
    use crate::preconditioner::Preconditioner;
    // An atom and its first neighbors, all within the cutoff of each other: the factorization of
    // their Hessian leaves out little.
    let minimum = crystal(11);
    let mut region = ActiveRegion::new(&minimum, 2000, 1.2).unwrap();
    let size = region.dimension();
    assert_eq!(size, 3 * 13);
    let preconditioner = region.preconditioner().unwrap();
    let x = region.enter(&vec![0.0; minimum.coordinates().len()]);
    let direction: Vec<f64> = (0..size).map(|k| (2.3 * k as f64).cos()).collect();
    let (mut product, mut back) = (vec![0.0; size], vec![0.0; size]);
    region.hessian_vector(&x, &direction, &mut product);
    preconditioner.apply(&product, &mut back);
    for (back, direction) in back.iter().zip(&direction) {
        assert!((back - direction).abs() < 0.03, "{back} {direction}");
    }
}

#[test]
fn a_region_that_meets_its_own_image_is_none() {
    let minimum = crystal(6);
    let half = 0.5 * 6.0 * 1.49;
    assert!(ActiveRegion::new(&minimum, 0, 0.99 * half).is_some());
    assert!(ActiveRegion::new(&minimum, 0, 1.01 * half).is_none());
}

#[test]
fn costs_are_shared_and_rounded_up() {
    let counts = EvaluationCounts {
        basin: 1,
        lowest_mode: 100,
        climb: 0,
        descent: 11,
        verification: 10,
    };
    let part = shared(counts, 0.1);
    assert_eq!((part.basin, part.lowest_mode, part.climb), (1, 10, 0));
    assert_eq!((part.descent, part.verification), (2, 1));
}
