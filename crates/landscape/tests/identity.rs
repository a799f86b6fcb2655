//! Duplicates planted in samples: no false merges, no false splits.
#![cfg(test)]

use metabasin_atoms::{Purpose, random_stream};
use metabasin_catalogue::{DisplacementField, EventRecord, SampleRecord};
use metabasin_landscape::{IdentityTolerances, same_event};
use nalgebra::Vector3;
use rand::RngExt;

const SPACING: f64 = 1.1;
const EDGE: usize = 4;

/// A simple cubic crystal of two species in alternation, `jitter` off its sites.
fn sample(jitter: f64) -> SampleRecord {
    let mut random = random_stream(1, Purpose::Test, 0, 0);
    let length = SPACING * EDGE as f64;
    let mut positions = Vec::new();
    let mut species = Vec::new();
    for i in 0..EDGE.pow(3) {
        let site = [i % EDGE, i / EDGE % EDGE, i / (EDGE * EDGE)];
        positions.push(
            site.map(|place| SPACING * place as f64 + jitter * random.random_range(-1.0..1.0)),
        );
        species.push(1 + (i % 2) as u8);
    }
    SampleRecord {
        cell: [length, length, length, 0.3, 0.0, -0.2],
        ids: (1..=positions.len() as u64).collect(),
        positions,
        species,
        masses: vec![1.0, 0.5],
        ..SampleRecord::default()
    }
}

fn event(field: &[Vector3<f64>]) -> EventRecord {
    let rows: Vec<[f64; 3]> = field.iter().map(|&u| u.into()).collect();
    let displacement = DisplacementField::from_full(&rows);
    EventRecord {
        barrier_forward: 3.0,
        energy_saddle: 3.0,
        converged: true,
        index: 1,
        connected: true,
        displacement_saddle: displacement.clone(),
        displacement_final: displacement,
        ..EventRecord::default()
    }
}

/// A ring of four atoms of one species that turns by part of a step, and small displacements of all
/// others.
fn field(sample: &SampleRecord, seed: u64) -> Vec<Vector3<f64>> {
    let mut random = random_stream(seed, Purpose::Test, 1, 0);
    let mut field: Vec<Vector3<f64>> = sample
        .positions
        .iter()
        .map(|_| Vector3::from_fn(|_, _| 0.02 * random.random_range(-1.0..1.0)))
        .collect();
    for (k, &atom) in ring().iter().enumerate() {
        let next = ring()[(k + 1) % 4];
        let step = Vector3::from(sample.positions[next]) - Vector3::from(sample.positions[atom]);
        field[atom] += 0.4 * step;
    }
    field
}

/// Four like atoms around a square of the crystal.
fn ring() -> [usize; 4] {
    [0, 2, 2 + 2 * EDGE, 2 * EDGE]
}

/// The same arrangement of the saddle with the labels of like atoms exchanged: atom `order[k]` sits
/// where atom `atoms[k]` sat.
fn relabeled(
    sample: &SampleRecord,
    field: &[Vector3<f64>],
    atoms: &[usize],
    order: &[usize],
) -> Vec<Vector3<f64>> {
    let mut exchanged = field.to_vec();
    for (&to, &from) in order.iter().zip(atoms) {
        let place = Vector3::from(sample.positions[from]) + field[from];
        exchanged[to] = place - Vector3::from(sample.positions[to]);
    }
    exchanged
}

fn same(sample: &SampleRecord, a: &[Vector3<f64>], b: &[Vector3<f64>]) -> bool {
    let (a, b) = (event(a), event(b));
    let forth = same_event(&a, &b, sample, IdentityTolerances::default());
    let back = same_event(&b, &a, sample, IdentityTolerances::default());
    assert_eq!(forth, back, "identity is symmetric");
    forth
}

#[test]
fn relabeled_like_atoms_are_the_same_event() {
    let sample = sample(0.05);
    let u = field(&sample, 7);
    let atoms = ring();
    for order in [[2, 0, 10, 8], [8, 10, 2, 0], [10, 8, 0, 2]] {
        let order: [usize; 4] = order;
        let w = relabeled(&sample, &u, &atoms, &order);
        assert!(same(&sample, &u, &w), "{order:?}");
        // Rounding and convergence do not split it ...
        let shaken: Vec<_> = w
            .iter()
            .map(|w| w + Vector3::new(2e-3, -1e-3, 3e-3))
            .collect();
        assert!(same(&sample, &u, &shaken), "{order:?}");
        // ... and one atom elsewhere does not merge it.
        let mut elsewhere = w.clone();
        elsewhere[order[1]].y += 0.05;
        assert!(!same(&sample, &u, &elsewhere), "{order:?}");
    }
}

#[test]
fn a_permutation_of_all_like_atoms_is_found() {
    // Every atom of a species steps on to the place of the next: no atom agrees with itself.
    let sample = sample(0.05);
    let u = field(&sample, 3);
    for species in [1, 2] {
        let atoms: Vec<usize> = (0..sample.positions.len())
            .filter(|&atom| sample.species[atom] == species)
            .collect();
        let mut order = atoms.clone();
        order.rotate_left(5);
        assert!(same(&sample, &u, &relabeled(&sample, &u, &atoms, &order)));
    }
    // Both species at once: the median of the differences is a step that no atom took.
    let mut all = u.clone();
    for species in [1, 2] {
        let atoms: Vec<usize> = (0..sample.positions.len())
            .filter(|&atom| sample.species[atom] == species)
            .collect();
        let mut order = atoms.clone();
        order.rotate_left(5);
        all = relabeled(&sample, &all, &atoms, &order);
    }
    assert!(same(&sample, &u, &all));
}

#[test]
fn one_atom_that_moves_is_no_rigid_shift() {
    // All others stand still, and are counted for where the sample stands.
    let sample = sample(0.05);
    let still = vec![Vector3::zeros(); sample.positions.len()];
    let (mut right, mut left) = (still.clone(), still);
    right[7] = Vector3::new(0.4, 0.0, 0.0);
    left[7] = Vector3::new(-0.4, 0.0, 0.0);
    assert!(!same(&sample, &right, &left));
}

#[test]
fn unlike_atoms_are_no_partners() {
    let sample = sample(0.05);
    let u = field(&sample, 7);
    assert_ne!(sample.species[0], sample.species[1]);
    assert!(!same(
        &sample,
        &u,
        &relabeled(&sample, &u, &[0, 1], &[1, 0])
    ));
}

#[test]
fn two_atoms_cannot_share_one_partner() {
    // Atoms 0 and 2 sit on one spot in the one event; greedy nearest partners without a record of
    // who is taken would merge it with the event in which only one of them does.
    let sample = sample(0.0);
    let mut u = vec![Vector3::zeros(); sample.positions.len()];
    let step = Vector3::new(SPACING, 0.0, 0.0);
    u[0] = step;
    u[2] = -step;
    let mut w = u.clone();
    w[2] = -step + Vector3::new(0.0, 0.0, 0.5);
    assert!(!same(&sample, &u, &w));
}

#[test]
fn images_and_rigid_shifts_are_no_difference() {
    let sample = sample(0.05);
    let u = field(&sample, 7);
    let [lx, ly, _, xy, _, _] = sample.cell;
    // An atom that left through a face and is counted where it came in.
    let mut image = u.clone();
    image[2] += Vector3::new(xy, ly, 0.0);
    image[8] -= Vector3::new(lx, 0.0, 0.0);
    assert!(same(&sample, &u, &image));
    // A row of like atoms that steps on through the periodic boundary: relabeled, the row stands
    // still; taking the drift out leaves a rigid shift of a lattice vector over N.
    let drift = Vector3::new(lx / sample.positions.len() as f64, 0.0, 0.0);
    let shifted: Vec<_> = u.iter().map(|u| u - drift).collect();
    assert!(drift.norm() > IdentityTolerances::default().displacement);
    assert!(same(&sample, &u, &shifted));
}

#[test]
fn equal_energies_do_not_merge_events() {
    let sample = sample(0.05);
    let u = field(&sample, 7);
    // The same motion one lattice step on: same energy in a crystal, another event.
    let atoms = u.len();
    let mut moved_on = vec![Vector3::zeros(); atoms];
    for (atom, u) in u.iter().enumerate() {
        moved_on[(atom + 2 * EDGE * EDGE) % atoms] = *u;
    }
    assert!(!same(&sample, &u, &moved_on));
    // Nearly the same motion, one atom a little elsewhere: up to the tolerance it is the same.
    let beside = |distance: f64| {
        let mut near = u.clone();
        near[5] += Vector3::new(0.0, distance, 0.0);
        near
    };
    let tolerance = IdentityTolerances::default().displacement;
    assert!(same(&sample, &u, &beside(0.98 * tolerance)));
    assert!(!same(&sample, &u, &beside(1.02 * tolerance)));
}

#[test]
fn mirror_images_in_a_crystal_are_two_events() {
    let sample = sample(0.0);
    // An atom squeezes through to the right, or to the left: mirror images of equal energy.
    let mut right = vec![Vector3::zeros(); sample.positions.len()];
    right[21] = Vector3::new(0.55, 0.1, 0.0);
    right[22] = Vector3::new(0.2, -0.1, 0.0);
    right[20] = Vector3::new(0.1, 0.05, 0.0);
    let mut left = vec![Vector3::zeros(); right.len()];
    for (to, from) in [(21, 21), (20, 22), (22, 20)] {
        left[to] = Vector3::new(-right[from].x, right[from].y, right[from].z);
    }
    assert!(same(&sample, &right, &right) && same(&sample, &left, &left));
    assert!(!same(&sample, &right, &left));
}

#[test]
fn energies_apart_are_two_events() {
    let sample = sample(0.05);
    let u = field(&sample, 7);
    let (first, mut second) = (event(&u), event(&u));
    let tolerances = IdentityTolerances::default();
    for (share, expected) in [(0.98, true), (1.02, false)] {
        second.energy_saddle = first.energy_saddle + share * tolerances.energy;
        let found = same_event(&first, &second, &sample, tolerances);
        assert_eq!(found, expected, "{share}");
    }
    // What the search calls the final minimum is not what tells saddles apart.
    let mut other_side = event(&u);
    other_side.energy_final += 0.5;
    other_side.displacement_final.displacements[0][0] += 0.3;
    assert!(same_event(
        &first,
        &other_side,
        &sample,
        IdentityTolerances::default()
    ));
}
