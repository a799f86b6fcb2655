//! The contract of minimizers, run on every one of them.
#![cfg(test)]

use std::sync::Arc;

use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel,
};
use metabasin_minimizers::{
    ConjugateGradient, Fire, InherentStructure, Lbfgs, Minimization, MinimizationOutcome,
    MinimizeError, Minimizer, MinimizerKind, TruncatedNewton,
};
use metabasin_testkit::strategies::analytic_cases;
use metabasin_testkit::{
    LennardJonesCluster, MuellerBrown, Quadratic, Rosenbrock, assert_is_a_minimizer,
    assert_returns, data, small_glass,
};
use proptest::prelude::*;

fn every_minimizer() -> impl Iterator<Item = Box<dyn Minimizer>> {
    MinimizerKind::ALL.into_iter().map(MinimizerKind::build)
}

fn force_field(cut: Cut) -> ForceField {
    ForceField::new(
        Arc::new(BinaryLennardJones::wahnstrom(cut)),
        Kernel::detect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_minimizer_keeps_the_contract_on_analytic_landscapes(case in analytic_cases()) {
        for minimizer in every_minimizer() {
            let found = assert_is_a_minimizer(&*minimizer, &case, case.start(), 1e-6);
            prop_assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
        }
    }

    #[test]
    fn running_out_of_budget_still_keeps_the_contract(
        case in analytic_cases(),
        budget in 1..30_u64,
    ) {
        let minimizers: [Box<dyn Minimizer>; 4] = [
            Box::new(ConjugateGradient::default().with_max_evaluations(budget)),
            Box::new(Lbfgs::default().with_max_evaluations(budget)),
            Box::new(Fire::default().with_max_evaluations(budget)),
            Box::new(TruncatedNewton::default().with_max_evaluations(budget)),
        ];
        for minimizer in minimizers {
            let found = assert_is_a_minimizer(&*minimizer, &case, case.start(), 1e-9);
            prop_assert!(found.force_evaluations() <= budget + 1);
        }
    }
}

#[test]
fn discontinuous_energies_end_in_an_honest_outcome() {
    let landscape = FixedCell::new(&small_glass(), force_field(Cut::Truncated)).unwrap();
    let minimizer = Lbfgs::default().with_max_evaluations(2000);
    let found = assert_is_a_minimizer(&minimizer, &landscape, &landscape.start(), 1e-5);
    assert!(
        found.converged()
            || matches!(
                found.outcome,
                MinimizationOutcome::Stalled { .. } | MinimizationOutcome::OutOfBudget { .. }
            )
    );
}

#[test]
fn the_global_minima_of_small_clusters_are_the_published_ones() {
    for minimizer in every_minimizer() {
        let found = assert_is_a_minimizer(
            &*minimizer,
            &LennardJonesCluster::new(13),
            &LennardJonesCluster::icosahedron(1.1),
            1e-8,
        );
        // Published to six digits.
        assert!(found.converged());
        assert!((found.energy - LennardJonesCluster::LJ13_ENERGY).abs() < 6e-7);
        let found = assert_is_a_minimizer(
            &*minimizer,
            &LennardJonesCluster::new(38),
            &LennardJonesCluster::truncated_octahedron(1.12),
            1e-8,
        );
        assert!(found.converged());
        assert!((found.energy - LennardJonesCluster::LJ38_ENERGY).abs() < 6e-7);
    }
}

#[test]
fn known_minima_are_found_to_the_digits_that_the_force_allows() {
    for minimizer in every_minimizer() {
        for minimum in MuellerBrown::MINIMA {
            let mut surface = MuellerBrown;
            let push = [0.01, -0.02];
            assert_returns(&*minimizer, &mut surface, &minimum.x, &push, 1e-8);
        }
        let mut valley = Rosenbrock::new(2);
        let far = [-2.2, 0.0];
        assert_returns(&*minimizer, &mut valley, &[1.0, 1.0], &far, 1e-8);
        let mut bowl = Quadratic::new(vec![1.0, 10.0, 1000.0]).with_center(vec![3.0, -1.0, 2.0]);
        let center = bowl.center().to_vec();
        assert_returns(&*minimizer, &mut bowl, &center, &[2.0, 1.0, -3.0], 1e-8);
    }
}

/// An energy that exists only for positive coordinates: x − ln x summed, minimum at one.
#[derive(Clone)]
struct HalfSpace;

impl EnergyLandscape for HalfSpace {
    fn dimension(&self) -> usize {
        2
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        for (slope, x) in gradient.iter_mut().zip(x) {
            *slope = 1.0 - 1.0 / x;
        }
        if x.iter().any(|&x| x < 0.0) {
            return f64::INFINITY;
        }
        x.iter().map(|x| x - x.ln()).sum()
    }
}

#[test]
fn undefined_energies_are_steps_too_far() {
    for minimizer in every_minimizer() {
        let found = assert_is_a_minimizer(&*minimizer, &HalfSpace, &[0.01, 3.0], 1e-8);
        assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
        assert!(found.x.iter().all(|x| (x - 1.0).abs() < 1e-6));
        let broken = assert_is_a_minimizer(&*minimizer, &HalfSpace, &[-1.0, 1.0], 1e-8);
        assert!(matches!(
            broken.outcome,
            MinimizationOutcome::NotFinite { .. }
        ));
    }
}

#[test]
fn a_cold_glass_relaxes_to_the_inherent_structure_that_lammps_found() {
    let read = |name: &str| metabasin_files::read_configuration(&data(name)).unwrap();
    let (cold, expected) = (read("wahn500_T.data.gz"), read("wahn500_IS.data.gz"));
    let mut landscape = FixedCell::new(&expected, force_field(Cut::Shifted)).unwrap();
    let mut gradient = vec![0.0; 1500];
    let there = landscape.evaluate(&landscape.start(), &mut gradient);
    for minimizer in every_minimizer() {
        let start = FixedCell::new(&cold, force_field(Cut::Shifted)).unwrap();
        let found = minimizer.minimize(&mut start.clone(), &start.start(), 1e-5);
        assert!(found.converged(), "{}: {}", minimizer.name(), found.outcome);
        // Forces that jump at the cutoff (by 0.04) split the minimum into many, some 1e-5 apart.
        assert!(
            (found.energy - there).abs() < 1e-4,
            "{} arrives at {}, LAMMPS at {there}",
            minimizer.name(),
            found.energy
        );
    }
}

#[test]
fn what_does_not_converge_is_no_inherent_structure() {
    let minimizer = Lbfgs::default().with_max_evaluations(5);
    let refused = |tolerance| {
        InherentStructure::quench(
            &small_glass(),
            force_field(Cut::Smooth),
            &minimizer,
            tolerance,
        )
        .unwrap_err()
    };
    let error = refused(1e-5);
    assert!(
        error.to_string().contains("spent its 5 evaluations"),
        "{error}"
    );
    assert!(matches!(refused(-1.0), MinimizeError::Tolerance(_)));
    let mut broken = small_glass();
    broken.positions[7].y = f64::NAN;
    let error =
        InherentStructure::quench(&broken, force_field(Cut::Smooth), &minimizer, 1e-5).unwrap_err();
    assert!(matches!(error, MinimizeError::Configuration(_)));
}

/// Goes uphill.
struct Faulty;

impl Minimizer for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        _force_tolerance: f64,
    ) -> Minimization {
        let x: Vec<f64> = start.iter().map(|x| x + 0.1).collect();
        let mut gradient = vec![0.0; x.len()];
        let energy = landscape.evaluate(&x, &mut gradient);
        let largest_force = landscape.largest_force(&gradient);
        Minimization {
            x,
            energy,
            largest_force,
            evaluations: 1,
            hessian_products: 0,
            iterations: 1,
            outcome: MinimizationOutcome::Stalled { largest_force },
        }
    }
}

#[test]
#[should_panic(expected = "faulty returns a higher energy than it was given")]
fn the_contract_notices_a_minimizer_that_goes_uphill() {
    assert_is_a_minimizer(&Faulty, &Quadratic::new(vec![1.0, 2.0]), &[1.0, 1.0], 1e-6);
}
