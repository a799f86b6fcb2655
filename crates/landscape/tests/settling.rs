//! Settling on the reference glass of 500 atoms, which has a deeper minimum beside it.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_interactions::{BinaryLennardJones, Cut, EnergyLandscape, ForceField, Kernel};
use metabasin_landscape::{SearchSettings, Settled, settle};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::small_inherent_structure;

/// The search from the glass as it is stored that ends beside a deeper minimum behind a small
/// barrier. Where searches change, another may.
const FINDS_DEEP: std::ops::Range<u64> = 7..8;

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
fn a_glass_settles_into_the_deeper_minimum_beside_it() {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let field = ForceField::new(potential, Kernel::Portable);
    let start = small_inherent_structure();
    let (minimum, _) = InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
    let moved = settled(&minimum, 0.8);
    let [only] = moved.moves[..] else {
        panic!("{:?}", moved.moves);
    };
    let deep = &moved.minimum;
    assert!((only.descent - (deep.energy() - minimum.energy())).abs() < 1e-6);
    assert!(only.descent < -0.1);
    // Neighbors are known by displacements without the atoms that moved less than 1e-4, and quenched to
    // forces of 1e-5.
    let bound = highest_between(&minimum, deep);
    assert!((only.barrier_bound - bound).abs() < 1e-3 * bound);
    assert!(deep.largest_force() < 1e-5);
    let stays = settled(&minimum, 0.98 * bound);
    assert!(stays.moves.is_empty());
    assert!((stays.minimum.energy() - minimum.energy()).abs() < 1e-8);
    assert!(moved.force_evaluations > stays.force_evaluations);
    // From the deep one there is no way on, whatever the barrier.
    assert!(settled(deep, 0.8).moves.is_empty());
}
