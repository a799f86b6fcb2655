//! Walks of defects in a crystal, whose ways out are alike in every state.
#![cfg(test)]

use std::sync::Arc;

use metabasin_atomistic::{GlassTerrain, StepKind, Terrain, Walk, WalkSettings, WayOut};
use metabasin_atoms::{Cell, Configuration, Species};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_landscape::SearchSettings;
use nalgebra::Vector3;

/// Lattice constant, and half of it: positions are multiples of that.
const CONSTANT: f64 = 1.56;
const HALF: f64 = 0.5 * CONSTANT;

const TEMPERATURE: f64 = 0.35;

const STEPS: u32 = 30;

/// A place of the lattice in units of half its constant.
type Place = [u32; 3];

/// Four cubic cells an edge of a face-centered crystal with nothing at the places `vacant`.
fn crystal(vacant: &[Place]) -> Configuration {
    let mut positions = Vec::new();
    for z in 0..8 {
        for y in 0..8 {
            for x in 0..8 {
                if (x + y + z) % 2 == 0 && !vacant.contains(&[x, y, z]) {
                    positions.push(Vector3::new(x, y, z).map(|k| HALF * f64::from(k)));
                }
            }
        }
    }
    let atoms = positions.len();
    Configuration {
        cell: Cell::cubic(4.0 * CONSTANT).unwrap(),
        positions,
        velocities: None,
        species: vec![Species::LARGE; atoms],
        masses: vec![1.0],
        ids: (1..=atoms as u64).collect(),
        names: None,
    }
}

fn terrain(sample: Configuration) -> GlassTerrain<'static> {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let settings = SearchSettings {
        energy_window: 8.0,
        inertia_up_to: 0,
        ..SearchSettings::default()
    };
    let field = ForceField::new(potential, Kernel::Portable);
    GlassTerrain::new(sample, field, settings, 1.2, (1, 0), &|| true)
}

/// Everything is left out but searches and what is known.
fn settings() -> WalkSettings {
    WalkSettings {
        temperature: TEMPERATURE,
        attempt_frequency: 3.6,
        trajectories: 0,
        ..WalkSettings::default()
    }
}

fn at(place: Place) -> Vector3<f64> {
    Vector3::from(place).map(|k| HALF * f64::from(k))
}

/// The atoms beside a place of the lattice.
fn beside(terrain: &GlassTerrain, place: Place) -> Vec<u32> {
    let sample = terrain.configuration_at(&terrain.start());
    let place = at(place);
    let near =
        |position: &Vector3<f64>| sample.cell.minimum_image(&(position - place)).norm() < 1.2;
    let atoms = 0..sample.len() as u32;
    atoms
        .filter(|&atom| near(&sample.positions[atom as usize]))
        .collect()
}

/// The first way out over less than `highest` that one search after the other finds around an atom.
fn first_way(terrain: &GlassTerrain, atom: u32, highest: f64) -> WayOut {
    let (minimum, _) = terrain.relax(&terrain.start()).unwrap();
    let round = |round| terrain.search(&minimum, Some(&[atom]), 1, round).unwrap();
    let mut ways = (0..100).flat_map(|number| round(number).ways);
    ways.find(|way| way.barrier < highest).unwrap()
}

/// E above the minimum with an atom in the middle of its place and the `vacant` ones beside it: by symmetry
/// that is stationary, and a relaxation from there keeps the symmetry.
fn energy_by_symmetry(terrain: &GlassTerrain, atom: u32, vacant: &[Place]) -> f64 {
    let start = terrain.start();
    let (minimum, _) = terrain.relax(&start).unwrap();
    let atom = 3 * atom as usize;
    let sample = terrain.configuration_at(&start);
    let here = Vector3::from_column_slice(&start[atom..atom + 3]);
    let mut middle = start;
    for place in vacant {
        let way = sample.cell.minimum_image(&(at(*place) - here));
        for (x, u) in middle[atom..atom + 3].iter_mut().zip(way.iter()) {
            *x += u / (1 + vacant.len()) as f64;
        }
    }
    terrain.relax(&middle).unwrap().0.energy - minimum.energy
}

/// How far the vacancies have gone in all since the start: minus what the atoms have, in whole hops.
fn vacancy_moves(start: &[f64], x: &[f64]) -> Vector3<f64> {
    let mut moves = Vector3::zeros();
    for (from, to) in start.chunks_exact(3).zip(x.chunks_exact(3)) {
        let move_ = Vector3::from_fn(|k, _| (to[k] - from[k]) / HALF);
        let whole = move_.map(f64::round);
        assert!((move_ - whole).amax() < 0.3, "{move_}");
        moves -= whole * HALF;
    }
    moves
}

/// 3.6 /tau over the barrier of 5.3704 at 0.35, twelve ways: 9.37e-6 /tau.
///
/// Hops are 1.1031 long, so that D = 12 nu exp(-E/kT) d^2/6. A step of the walk is a first passage, and
/// |r|^2 - 6 D t adds up to nothing over first passages (optional stopping); its sum over the root of
/// the sum of its squares was above 4 in 4e-4 of 20,000 walks of this many steps drawn with another
/// program.
#[test]
fn a_vacancy_diffuses_by_twelve_ways_in_every_state() {
    let vacancy = [2, 0, 0];
    let terrain = terrain(crystal(&[vacancy]));
    let atom = beside(&terrain, vacancy)[0];
    let barrier = energy_by_symmetry(&terrain, atom, &[vacancy]);
    assert!((barrier - 5.3704).abs() < 1e-4, "{barrier}");
    let rate = 12.0 * 3.6 * (-barrier / TEMPERATURE).exp();
    assert!((rate / 9.37e-6 - 1.0).abs() < 1e-3);
    // One of the twelve is found by a search, the others are like it.
    let one = first_way(&terrain, beside(&terrain, vacancy)[5], 6.0);
    let mut walk = Walk::start(&terrain, &terrain.start(), &[one], settings()).unwrap();
    assert_eq!(walk.barriers().len(), 12);
    let start = walk.minimum().x.clone();
    let hop = 2.0 * HALF * HALF;
    let (mut here, mut time, mut gone, mut squares) = (Vector3::zeros(), 0.0, 0.0, 0.0);
    for number in 1..=STEPS {
        let step = walk.step(&terrain, f64::INFINITY).unwrap();
        assert_eq!(step.kind, StepKind::Discovered, "{step:?}");
        assert!((step.exit_rate / rate - 1.0).abs() < 1e-4, "{step:?}");
        assert!(step.unseen_rate < step.exit_rate * (11.0 / 12.0 + 1e-6));
        assert!((step.barrier.unwrap() - barrier).abs() < 1e-4);
        // Not one search: all is known.
        assert_eq!(step.searches, 0, "{number}");
        let there = vacancy_moves(&start, &walk.minimum().x);
        let square = (there - here).norm_squared() / hop - rate * (step.time - time);
        (here, time) = (there, step.time);
        gone += square;
        squares += square * square;
    }
    assert!(gone.abs() < 4.0 * squares.sqrt(), "{gone} {squares}");
}

/// Two vacancies side by side share four neighbors, each of which hops into one or the other: eight ways
/// over little more than half the barrier of a way apart, and the pair only turns.
///
/// The two saddles of an atom lie on two mirror planes of the triangle of three sites for one atom, 0.0154
/// apart and 0.009 from its middle, which is hardly higher: one pass. So four passes share their rates
/// among eight ways, in every state.
#[test]
fn a_pair_of_vacancies_turns_over_four_shared_passes_in_every_state() {
    let pair = [[2, 2, 2], [3, 3, 2]];
    let terrain = terrain(crystal(&pair));
    let [one, other] = pair.map(|place| beside(&terrain, place));
    let shared: Vec<u32> = one
        .into_iter()
        .filter(|atom| other.contains(atom))
        .collect();
    assert_eq!(shared.len(), 4);
    let settings = WalkSettings {
        highest_barrier: 3.5,
        ..settings()
    };
    // One of the eight is found by a search, the others are like it.
    let way = first_way(&terrain, shared[2], settings.highest_barrier);
    let middle = energy_by_symmetry(&terrain, shared[2], &pair);
    let below = middle - way.barrier;
    assert!(0.0 < below && below < 1e-4, "{middle} {}", way.barrier);
    let rate = 4.0 * 3.6 * (-way.barrier / TEMPERATURE).exp();
    let mut walk = Walk::start(&terrain, &terrain.start(), &[way], settings).unwrap();
    let row = walk.row(StepKind::Start, None, 0);
    assert!((row.exit_rate / rate - 1.0).abs() < 1e-4, "{rate} {row:?}");
    assert_eq!(walk.barriers().len(), 8);
    for _ in 0..8 {
        let step = walk.step(&terrain, f64::INFINITY).unwrap();
        assert!(
            (step.exit_rate / rate - 1.0).abs() < 1e-4,
            "{rate} {step:?}"
        );
        // All is known, the way back too.
        assert_eq!(step.searches, 0);
        assert_eq!(walk.barriers().len(), 7);
    }
}
