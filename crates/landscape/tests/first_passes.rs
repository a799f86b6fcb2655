//! First passes on the way from one minimum to another.
#![cfg(test)]

use std::ops::ControlFlow;
use std::sync::Arc;

use metabasin_interactions::{BinaryLennardJones, Cut, EnergyLandscape, ForceField, Kernel};
use metabasin_landscape::{
    Ascent, ClimbOutcome, Identity, SearchSettings, WhenConvex, first_pass, follow_mode,
    hessian_preconditioner, highest_along, settle,
};
use metabasin_minimizers::{InherentStructure, Lbfgs};
use metabasin_testkit::{MuellerBrown, small_inherent_structure};

/// From every minimum to every other: the climb from what is found ends at the saddle that leads out of the
/// first towards the second, also where the way leads over both saddles there are.
#[test]
fn the_first_saddle_of_mueller_brown_is_found_also_where_another_follows() {
    let [left, right, middle] = MuellerBrown::MINIMA;
    let [upper, lower] = MuellerBrown::SADDLES;
    let cases = [
        (left, middle, upper),
        (left, right, upper),
        (right, middle, lower),
        (right, left, lower),
        (middle, left, upper),
        (middle, right, lower),
    ];
    for (from, to, saddle) in cases {
        let end = [to.x[0] - from.x[0], to.x[1] - from.x[1]];
        let origin = (&from.x[..], from.energy);
        let pass = first_pass(&mut MuellerBrown, origin, &end, 12, &Identity, 0.2).unwrap();
        let start = [from.x[0] + pass.place[0], from.x[1] + pass.place[1]];
        let settings = SearchSettings {
            uphill_step: 0.05,
            energy_window: 200.0,
            ..SearchSettings::default()
        };
        let ascent = Ascent {
            origin,
            start: &start,
            guess: &pass.direction,
            tolerance: 1e-6,
            when_convex: WhenConvex::GiveUp,
        };
        let climb = follow_mode(&mut MuellerBrown, &ascent, &settings, &Identity);
        assert_eq!(
            climb.outcome,
            ClimbOutcome::Saddle,
            "{from:?} {to:?} {pass:?}"
        );
        let off = (climb.x[0] - saddle.x[0]).hypot(climb.x[1] - saddle.x[1]);
        assert!(off < 1e-6, "{from:?} {to:?}: {off}");
    }
}

#[test]
fn a_way_into_the_undefined_is_none() {
    struct Hole;
    impl EnergyLandscape for Hole {
        fn dimension(&self) -> usize {
            2
        }
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient.fill(1.0);
            if x[0] > 0.5 { f64::NAN } else { x[0] }
        }
    }
    let found = first_pass(
        &mut Hole,
        (&[0.0, 0.0], 0.0),
        &[1.0, 0.0],
        6,
        &Identity,
        0.1,
    );
    assert_eq!(found, None);
}

/// The reference glass and its deeper neighbor: a soft spot, behind a pass far below the straight line.
#[test]
fn a_soft_pass_is_found_in_a_glass() {
    let field = ForceField::new(
        Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)),
        Kernel::Portable,
    );
    let start = small_inherent_structure();
    let (minimum, _) = InherentStructure::quench(&start, field, &Lbfgs::default(), 1e-5).unwrap();
    let go_on = |_| ControlFlow::Continue(());
    let settings = SearchSettings::default();
    let settled = settle(&minimum, &settings, 1, 0, (7..8, 0.8), &go_on);
    let deep = settled.unwrap().unwrap().minimum.coordinates();
    let origin = minimum.coordinates();
    let end: Vec<f64> = deep.iter().zip(&origin).map(|(a, b)| a - b).collect();
    let mut landscape = minimum.landscape();
    let preconditioner = hessian_preconditioner(&mut landscape, &origin).unwrap();
    let (line, _) = highest_along(&mut landscape, &origin, &end, 20);
    let from = (&origin[..], minimum.energy());
    let pass = first_pass(&mut landscape, from, &end, 12, &preconditioner, 0.1).unwrap();
    let beside: Vec<f64> = origin.iter().zip(&pass.place).map(|(x, u)| x + u).collect();
    let mut gradient = vec![0.0; beside.len()];
    let height = landscape.evaluate(&beside, &mut gradient) - minimum.energy();
    let line = line - minimum.energy();
    // The saddle is at 0.00603.
    assert!(
        line > 0.2 && height > 0.0 && height < 0.01,
        "{line} {height}"
    );
}
