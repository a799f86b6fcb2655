//! Minimizations that are asked to stop, at counts of evaluations.
#![cfg(test)]

use std::sync::Arc;

use metabasin_interactions::{BinaryLennardJones, Cut, FixedCell, ForceField, Kernel};
use metabasin_minimizers::{
    InherentStructure, Lbfgs, MinimizationOutcome, MinimizeError, MinimizerKind,
};
use metabasin_testkit::{Countdown, CountedPotential, Interrupting, small_glass};

fn wahnstrom() -> Arc<BinaryLennardJones> {
    Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth))
}

#[test]
fn every_minimizer_stops_within_two_evaluations_and_finds_the_same_when_asked_again() {
    let glass = FixedCell::new(
        &small_glass(),
        ForceField::new(wahnstrom(), Kernel::Portable),
    )
    .unwrap();
    for kind in MinimizerKind::ALL {
        let minimized = |at: u64| {
            let countdown = Countdown::new(at);
            let mut landscape = Interrupting::new(glass.clone(), &countdown);
            let found = kind.build().minimize(&mut landscape, &glass.start(), 1e-2);
            (found, countdown.asked(), countdown.asked_after())
        };
        let (whole, cost, _) = minimized(u64::MAX);
        assert!(whole.converged(), "{kind}: {}", whole.outcome);
        for at in [1, 2, 7, cost / 3, cost / 2, cost - 1] {
            let (cut, _, after) = minimized(at);
            assert_eq!(
                cut.outcome,
                MinimizationOutcome::Interrupted,
                "{kind} at {at} of {cost}"
            );
            assert!(after <= 2, "{kind} at {at}: {after} evaluations more");
            assert!(cut.energy.is_finite() && cut.x.iter().all(|x| x.is_finite()));
        }
        assert_eq!(minimized(u64::MAX).0, whole, "{kind}");
    }
}

#[test]
fn a_quench_that_is_cut_short_is_no_inherent_structure() {
    let countdown = Arc::new(Countdown::new(30));
    let potential = CountedPotential::new(wahnstrom(), countdown.clone());
    let field = ForceField::new(Arc::new(potential), Kernel::Portable)
        .with_interrupt(countdown.interrupt().clone());
    let quenched = InherentStructure::quench(&small_glass(), field, &Lbfgs::default(), 1e-5);
    let Err(MinimizeError::NotConverged { outcome, .. }) = quenched else {
        panic!("a structure came out: {quenched:?}");
    };
    assert_eq!(outcome, MinimizationOutcome::Interrupted);
    assert!(countdown.asked_after() <= 2, "{}", countdown.asked_after());
}
