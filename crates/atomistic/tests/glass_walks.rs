//! Walks on a glass of atoms.
#![cfg(test)]

use std::sync::{Arc, OnceLock};

use metabasin_atomistic::{
    AtomisticError, GlassTerrain, Minimum, StepKind, Terrain, Walk, WalkSettings, WayOut,
};
use metabasin_atoms::{Cell, Configuration};
use metabasin_interactions::{BinaryLennardJones, Cut, ForceField, Kernel};
use metabasin_landscape::{RateSettings, Rebuilder, SearchSettings, Searcher};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;
use nalgebra::Vector3;

fn go_on() -> bool {
    true
}

fn stop() -> bool {
    false
}

fn terrain_watched(watcher: &'static (dyn Fn() -> bool + Sync)) -> GlassTerrain<'static> {
    terrain_of(small_inherent_structure(), watcher)
}

fn terrain_of(
    sample: Configuration,
    watcher: &'static (dyn Fn() -> bool + Sync),
) -> GlassTerrain<'static> {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let settings = SearchSettings {
        energy_window: 8.0,
        inertia_up_to: 0,
        // All atoms move: of the low ways that these tests follow, few show among frozen atoms.
        region_radii: Vec::new(),
        ..SearchSettings::default()
    };
    GlassTerrain::new(
        sample,
        ForceField::new(potential, Kernel::Portable),
        settings,
        1.2,
        (1, 0),
        watcher,
    )
}

fn terrain() -> GlassTerrain<'static> {
    terrain_watched(&go_on)
}

fn threads(number: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(number)
        .build()
        .unwrap()
}

const SEARCHED: u32 = 200;

/// The minimum and what searches around some of its atoms find.
fn known() -> &'static (Minimum, Vec<WayOut>) {
    static KNOWN: OnceLock<(Minimum, Vec<WayOut>)> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let terrain = terrain();
        let (minimum, _) = terrain.relax(&terrain.start()).unwrap();
        let around: Vec<u32> = (0..SEARCHED).collect();
        let round = terrain.search(&minimum, Some(&around), 1, 0).unwrap();
        assert_eq!(round.searches, u64::from(SEARCHED));
        (minimum, round.ways)
    })
}

fn length(u: &[f64]) -> f64 {
    u.iter().map(|c| c * c).sum::<f64>().sqrt()
}

#[test]
fn searches_are_the_same_on_any_number_of_threads() {
    let terrain = terrain();
    let (minimum, _) = known();
    let around = [3, 17, 40];
    let search = || terrain.search(minimum, Some(&around), 1, 7).unwrap();
    assert_eq!(threads(1).install(search), threads(3).install(search));
}

#[test]
fn a_way_is_confirmed_where_it_was_found() {
    let terrain = terrain();
    let (minimum, ways) = known();
    assert!(!ways.is_empty());
    for way in ways.iter().take(3) {
        let (again, _) = terrain.confirm(minimum, &way.saddle).unwrap();
        let again = again.expect("a saddle is found again from itself");
        assert!((again.barrier - way.barrier).abs() < 1e-6);
        assert!((again.end_energy - way.end_energy).abs() < 1e-6);
    }
}

/// A way found by a walk and the same event rebuilt from a catalogue have the same prefactors; the two
/// converge to 1e-5 and to 1e-8.
#[test]
fn prefactors_are_those_of_the_catalogue() {
    let terrain = terrain();
    let (minimum, _) = known();
    let field = ForceField::new(
        Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)),
        Kernel::Portable,
    );
    let start = terrain.configuration_at(&minimum.x);
    let (inherent, _) = InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
    let settings = SearchSettings {
        energy_window: 8.0,
        inertia_up_to: 0,
        region_radii: Vec::new(),
        ..SearchSettings::default()
    };
    let searcher = Searcher::new(&inherent, settings.clone(), 1, 0).unwrap();
    let rebuilder = Rebuilder::new(&inherent, settings).unwrap();
    let events = (0..200).filter_map(|index| searcher.run(index)?.event);
    let mut compared = 0;
    for event in events.take(2) {
        let measured = rebuilder
            .event_rates(&event, &RateSettings::default())
            .unwrap();
        let expected = measured
            .prefactor_forward
            .zip(measured.prefactor_reverse)
            .unwrap();
        let way = terrain
            .confirm(minimum, &terrain.way_out(&event).saddle)
            .unwrap();
        let [there, back] = way.0.unwrap().prefactors.unwrap();
        assert!(
            (there / expected.0 - 1.0).abs() < 1e-3,
            "{there} {expected:?}"
        );
        assert!(
            (back / expected.1 - 1.0).abs() < 1e-3,
            "{back} {expected:?}"
        );
        compared += 1;
    }
    assert_eq!(compared, 2);
}

/// The glass has a deeper neighbor across a soft spot: where dynamics goes first. The straight line to it
/// rises to 0.28, the pass to 0.006.
#[test]
fn dynamics_finds_the_fast_ways_out_on_any_number_of_threads() {
    let terrain = terrain();
    let (minimum, _) = known();
    let exits = || terrain.exits(minimum, &[], (0.3, 32), 5).unwrap();
    let found = threads(1).install(exits);
    assert_eq!(found, threads(3).install(exits));
    // 50 steps of dynamics each, quenches apart.
    assert!(found.searches <= 32 && found.evaluations > 50 * found.searches);
    let soft = |way: &WayOut| way.end_energy < -0.1 && way.barrier < 0.01;
    assert!(found.ways.iter().any(soft), "{:?}", found.searches);
    for way in &found.ways {
        let (again, _) = terrain.confirm(minimum, &way.saddle).unwrap();
        let again = again.expect("a saddle is found again from itself");
        assert!(way.barrier > 0.0 && (again.barrier - way.barrier).abs() < 1e-6);
        assert!((again.end_energy - way.end_energy).abs() < 1e-6);
    }
    // What is known gives no way, unless as the first pass on the path to something else.
    let known: Vec<Vec<f64>> = found.ways.iter().map(|way| way.end.clone()).collect();
    let again = terrain.exits(minimum, &known, (0.3, 32), 5).unwrap();
    assert!(again.ways.len() < found.ways.len() && again.searches <= found.searches);
    assert!(again.evaluations < found.evaluations);
    let none = terrain.exits(minimum, &[], (0.3, 0), 5).unwrap();
    assert!(none.ways.is_empty() && none.searches == 0);
    let stopped = terrain_watched(&stop).exits(minimum, &[], (0.3, 4), 5);
    assert!(matches!(stopped, Err(AtomisticError::Stopped)));
}

/// Two copies of the glass side by side: whatever happens in one can happen in the other.
fn doubled(minimum: &Minimum) -> (GlassTerrain<'static>, Minimum) {
    let mut sample = small_inherent_structure();
    let mut components = sample.cell.components();
    let width = components[0];
    components[0] *= 2.0;
    sample.cell = Cell::new(components).unwrap();
    sample.positions = minimum
        .x
        .chunks_exact(3)
        .map(Vector3::from_column_slice)
        .collect();
    let copies: Vec<Vector3<f64>> = sample
        .positions
        .iter()
        .map(|position| position + Vector3::x() * width)
        .collect();
    sample.positions.extend(copies);
    sample.species.extend(sample.species.clone());
    sample.ids = (1..=sample.positions.len() as u64).collect();
    sample.velocities = None;
    let terrain = terrain_of(sample, &go_on);
    let (minimum, _) = terrain.relax(&terrain.start()).unwrap();
    (terrain, minimum)
}

#[test]
fn a_way_carried_past_a_far_event_leads_over_the_same_saddle() {
    let (minimum, ways) = known();
    let (terrain, both) = doubled(minimum);
    assert!((both.energy - 2.0 * minimum.energy).abs() < 1e-6);
    let nothing = vec![0.0; minimum.x.len()];
    let mut followed = 0;
    for way in ways {
        let here = [way.saddle.clone(), nothing.clone()].concat();
        let Some(before) = terrain.confirm(&both, &here).unwrap().0 else {
            continue;
        };
        let there: Vec<f64> = [nothing.clone(), way.end.clone()].concat();
        let x: Vec<f64> = both.x.iter().zip(&there).map(|(x, u)| x + u).collect();
        let (behind, _) = terrain.relax(&x).unwrap();
        let Some(after) = terrain.confirm(&behind, &before.saddle).unwrap().0 else {
            continue;
        };
        followed += 1;
        let off: Vec<f64> = after
            .saddle
            .iter()
            .zip(&before.saddle)
            .map(|(a, b)| a - b)
            .collect();
        assert!(off.chunks_exact(3).map(length).fold(0.0, f64::max) < 0.1);
        // Half a box apart they feel each other, but not much.
        let shift = (after.barrier - before.barrier).abs();
        assert!(
            shift > 1e-4 && shift < 0.2 * before.barrier.max(1.0),
            "{shift}"
        );
    }
    assert!(followed > 0);
}

fn walk() -> Walk {
    let settings = WalkSettings {
        temperature: 0.3,
        highest_barrier: 7.0,
        reconverge: 1,
        core_move: 0.35,
        confirm_share: 0.5,
        trajectories: 2,
        ..WalkSettings::default()
    };
    let terrain = terrain();
    Walk::start(&terrain, &terrain.start(), &known().1, settings).unwrap()
}

#[test]
fn a_walk_resumes_to_the_same_bits_on_another_number_of_threads() {
    let terrain = terrain();
    let mut whole = walk();
    let (first, second) = threads(1).install(|| {
        let first = whole.step(&terrain, f64::INFINITY).unwrap();
        (first, whole.step(&terrain, f64::INFINITY).unwrap())
    });
    let mut half = walk();
    assert_eq!(
        threads(2).install(|| half.step(&terrain, f64::INFINITY).unwrap()),
        first
    );
    let text = serde_json::to_string(&half).unwrap();
    let mut resumed: Walk = serde_json::from_str(&text).unwrap();
    let again = threads(2).install(|| resumed.step(&terrain, f64::INFINITY).unwrap());
    assert_eq!(again, second);
    assert!(resumed == whole);
    assert!(
        first.time > 0.0 && second.time > first.time,
        "{first:?} {second:?}"
    );
    if first.kind == StepKind::Discovered {
        assert!((first.energy - whole.row(StepKind::Start, None, 0).energy).is_finite());
        assert!(first.interaction.abs() < 1e-3, "{first:?}");
    }
}

#[test]
fn a_walk_stops_when_it_is_told_to() {
    let terrain = terrain_watched(&stop);
    let error = terrain.search(&known().0, Some(&[1]), 1, 0).unwrap_err();
    assert!(matches!(error, AtomisticError::Stopped));
    let error = walk().step(&terrain, f64::INFINITY).unwrap_err();
    assert!(matches!(error, AtomisticError::Stopped));
}
