//! Searches, and what is made of their events, asked to stop at counts of evaluations.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_atoms::Interrupt;
use metabasin_interactions::{BinaryLennardJones, Cut, EnergyLandscape, ForceField, Kernel};
use metabasin_landscape::{
    FlowLimits, HeatSettings, LandscapeError, LoadSettings, LoadedMinimum, Loading, SearchResult,
    SearchSettings, Searcher, gradient_flow, relaxed_stiffness, settle,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::{
    Countdown, CountedPotential, Interrupting, MuellerBrown, small_inherent_structure,
};

fn wahnstrom() -> Arc<BinaryLennardJones> {
    Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth))
}

/// The polished reference glass, on a force field of this kind.
fn minimum(field: ForceField) -> InherentStructure {
    let start = small_inherent_structure();
    let (minimum, _) = InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
    minimum
}

fn portable() -> ForceField {
    ForceField::new(wahnstrom(), Kernel::Portable)
}

/// Search `index` with a stop at the `at`-th question after the searcher was made, and the questions
/// in all and after that.
fn searched(settings: &SearchSettings, index: u64, at: u64) -> (Option<SearchResult>, u64, u64) {
    let asked_before = |at: u64| {
        let countdown = Arc::new(Countdown::new(at));
        let potential = CountedPotential::new(wahnstrom(), countdown.clone());
        let field = ForceField::new(Arc::new(potential), Kernel::Portable)
            .with_interrupt(countdown.interrupt().clone());
        let searcher = Searcher::new(&minimum(field), settings.clone(), 1, 0).unwrap();
        (searcher, countdown)
    };
    let (_, preparing) = asked_before(u64::MAX);
    let (searcher, countdown) = asked_before(preparing.asked().saturating_add(at));
    let result = searcher.run(index).map(|mut result| {
        result.record.seconds = 0.0;
        result
    });
    (
        result,
        countdown.asked() - preparing.asked(),
        countdown.asked_after(),
    )
}

/// Pairs of the regions are counted one by one, some thousands an evaluation: what is left after the
/// stop is a few dozen evaluations of a region, one for each step of the search that it did not reach.
#[test]
fn a_search_ends_soon_after_the_request_without_a_result_and_finds_the_same_when_done_again() {
    let heated = SearchSettings {
        heat: Some(HeatSettings::default()),
        ..SearchSettings::default()
    };
    for settings in [SearchSettings::default(), heated] {
        let (whole, cost, _) = searched(&settings, 3, u64::MAX);
        let whole = whole.expect("nothing stops it");
        for part in [0.1, 0.6, 0.95] {
            let at = (part * cost as f64) as u64;
            let (cut, _, after) = searched(&settings, 3, at);
            assert!(cut.is_none(), "a result at {part} of the search");
            assert!(
                after < cost / 20,
                "{after} of {cost} questions after a stop at {part}"
            );
        }
        let (again, ..) = searched(&settings, 3, u64::MAX);
        assert_eq!(again, Some(whole));
    }
}

#[test]
fn a_gradient_flow_stops_within_three_evaluations() {
    let limits = FlowLimits {
        force_tolerance: 1e-6,
        step_error: 1e-4,
        evaluations: 1_000_000,
    };
    let start = [-0.3, 0.9];
    let flowed = |at: u64| {
        let countdown = Countdown::new(at);
        let mut surface = Interrupting::new(MuellerBrown, &countdown);
        gradient_flow(&mut surface, &start, limits);
        (countdown.asked(), countdown.asked_after())
    };
    let (cost, _) = flowed(u64::MAX);
    for at in [1, 10, 40, cost / 2, cost - 5] {
        let (_, after) = flowed(at);
        assert!(after <= 3, "{after} after {at} of {cost}");
    }
}

/// Whatever rests on several solutions says so in place of a number.
#[test]
fn what_is_cut_short_is_an_error_and_no_number() {
    let interrupt = Interrupt::new();
    let minimum = minimum(portable().with_interrupt(interrupt.clone()));
    let loaded = |gammas: &[f64]| {
        let (shear, load) = (Loading::simple_shear(), LoadSettings::default());
        LoadedMinimum::follow(&minimum, shear, gammas, &SearchSettings::default(), load)
    };
    loaded(&[1e-4]).unwrap();
    interrupt.request();
    assert!(minimum.landscape().is_interrupted());
    let stiffness = relaxed_stiffness(&minimum);
    assert!(
        matches!(stiffness, Err(LandscapeError::Interrupted)),
        "{stiffness:?}"
    );
    assert!(loaded(&[1e-4]).is_err());
    let settings = SearchSettings::default();
    let go_on = |_| ControlFlow::Continue(());
    let settled = settle(&minimum, &settings, 1, 0, (0..4, 0.8), &go_on);
    assert!(!matches!(settled, Ok(Some(_))));
}
