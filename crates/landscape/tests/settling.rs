//! Settling on the reference glass of 500 atoms: back from a shallow minimum to the one beside it.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_catalogue::EventRecord;
use metabasin_interactions::{BinaryLennardJones, Cut, EnergyLandscape, ForceField, Kernel};
use metabasin_landscape::{SearchSettings, Searcher, Settled, settle};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;

/// The search from the deep minimum that finds a shallow one behind a small barrier. Where searches
/// change, another may: any of the first 60 will do whose event has a reverse barrier below 0.1.
const FINDS_SHALLOW: u64 = 28;
/// Searches of which one from the shallow minimum has the deep one beside its saddle.
const FINDS_DEEP: std::ops::Range<u64> = 10..12;

fn searcher_from(minimum: &InherentStructure) -> Searcher {
    Searcher::new(minimum, SearchSettings::default(), 1, 0).unwrap()
}

/// The final minimum of an event.
fn behind(deep: &InherentStructure, event: &EventRecord) -> InherentStructure {
    let mut configuration = deep.configuration().clone();
    let field = &event.displacement_final;
    for (&atom, &u) in field.atoms.iter().zip(&field.displacements) {
        configuration.positions[atom as usize] += nalgebra::Vector3::from(u);
    }
    let minimizer = Lbfgs::default();
    let (shallow, _) =
        InherentStructure::quench(&configuration, deep.force_field(), &minimizer, 1e-8).unwrap();
    shallow
}

/// The highest of the energies at the inner points of the straight line from one minimum to another
/// divided into twenty, above the first.
fn highest_between(from: &InherentStructure, to: &InherentStructure) -> f64 {
    let (a, b) = (from.coordinates(), to.coordinates());
    let mut gradient = vec![0.0; a.len()];
    (1..20)
        .map(|k| {
            let part = f64::from(k) / 20.0;
            let x: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + part * (b - a)).collect();
            from.landscape().evaluate(&x, &mut gradient) - from.energy()
        })
        .fold(0.0, f64::max)
}

fn settled(from: &InherentStructure, barrier: f64) -> Settled {
    let settings = SearchSettings::default();
    let go_on = |_| ControlFlow::Continue(());
    let range = (FINDS_DEEP, barrier);
    settle(from, &settings, 1, 0, range, &go_on)
        .unwrap()
        .unwrap()
}

#[test]
fn a_shallow_minimum_settles_into_the_deep_one_beside_it() {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let field = ForceField::new(potential, Kernel::Portable);
    let start = small_inherent_structure();
    let (minimum, _) = InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
    let searcher = searcher_from(&minimum);
    let deep = searcher.minimum();
    let event = searcher.run(FINDS_SHALLOW).event.unwrap();
    let shallow = behind(deep, &event);
    assert!(shallow.energy() > deep.energy() + 0.1);
    let bound = highest_between(&shallow, deep);
    // No path of least energy exceeds the straight line.
    assert!(bound > event.barrier_reverse);
    let stays = settled(&shallow, 0.98 * bound);
    assert!(stays.moves.is_empty());
    assert!((stays.minimum.energy() - shallow.energy()).abs() < 1e-8);
    let moved = settled(&shallow, 1.02 * bound);
    let [only] = moved.moves[..] else {
        panic!("{:?}", moved.moves);
    };
    assert!((moved.minimum.energy() - deep.energy()).abs() < 1e-8);
    // Neighbors are known by displacements without the atoms that moved less than 1e-4, and quenched to
    // forces of 1e-5.
    assert!((only.descent - (deep.energy() - shallow.energy())).abs() < 1e-6);
    assert!((only.barrier_bound - bound).abs() < 1e-4 * bound);
    assert!(moved.force_evaluations > stays.force_evaluations);
}
