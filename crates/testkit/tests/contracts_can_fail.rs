//! A contract that nothing can break proves nothing: landscapes and minimizers that are slightly
//! wrong must be noticed, and the glass must pass.
#![cfg(test)]

use std::sync::Arc;

use metabasin_interactions::{
    BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel,
};
use metabasin_minimizers::{Lbfgs, Minimization, MinimizationOutcome, Minimizer};
use metabasin_testkit::{
    Quadratic, assert_is_a_landscape, assert_is_a_minimizer, assert_returns, small_glass,
};

/// What is wrong with a parabola.
#[derive(Clone, Copy)]
enum Fault {
    Gradient,
    HessianVector,
    Asymmetry,
    Memory,
    NotInvariant,
}

#[derive(Clone)]
struct Faulty {
    parabola: Quadratic,
    fault: Fault,
    calls: u64,
}

impl EnergyLandscape for Faulty {
    fn dimension(&self) -> usize {
        self.parabola.dimension()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.calls += 1;
        let energy = self.parabola.evaluate(x, gradient);
        match self.fault {
            Fault::Gradient => gradient[1] *= 1.001,
            Fault::Memory => return energy + 1e-9 * self.calls as f64,
            _ => {}
        }
        energy
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.parabola.hessian_vector(x, v, product);
        match self.fault {
            Fault::HessianVector => product.iter_mut().for_each(|p| *p *= 1.001),
            Fault::Asymmetry => product[0] += 0.1 * v[2],
            _ => {}
        }
    }

    fn translation_invariant(&self) -> bool {
        matches!(self.fault, Fault::NotInvariant)
    }
}

fn check(fault: Fault) {
    let parabola = Quadratic::new(vec![1.0, 5.0, 20.0]);
    let mut faulty = Faulty {
        parabola,
        fault,
        calls: 0,
    };
    assert_is_a_landscape(&mut faulty, &[1.0, 0.5, -0.3], 1e-4);
}

#[test]
#[should_panic(expected = "along coordinate 1 the gradient says")]
fn a_gradient_off_by_a_thousandth_is_noticed() {
    check(Fault::Gradient);
}

#[test]
#[should_panic(expected = "the Hessian-vector product says")]
fn a_hessian_off_by_a_thousandth_is_noticed() {
    check(Fault::HessianVector);
}

#[test]
#[should_panic(expected = "the Hessian-vector product says")]
fn an_asymmetric_hessian_is_noticed() {
    check(Fault::Asymmetry);
}

#[test]
#[should_panic(expected = "asked twice at one point")]
fn a_landscape_with_a_memory_is_noticed() {
    check(Fault::Memory);
}

#[test]
#[should_panic(expected = "translation invariant, but")]
fn a_false_claim_of_invariance_is_noticed() {
    check(Fault::NotInvariant);
}

#[test]
fn the_small_glass_is_a_landscape() {
    let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
    let force_field = ForceField::new(potential, Kernel::Portable);
    let mut glass = FixedCell::new(&small_glass(), force_field).unwrap();
    let start = glass.start();
    assert_is_a_landscape(&mut glass, &start, 1e-4);
}

/// Says that it converged, whatever happened.
struct Boastful;

impl Minimizer for Boastful {
    fn name(&self) -> &'static str {
        "boastful"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization {
        let mut found =
            Lbfgs::default()
                .with_max_evaluations(3)
                .minimize(landscape, start, force_tolerance);
        found.outcome = MinimizationOutcome::Converged;
        found
    }
}

#[test]
#[should_panic(expected = "boastful says `converged`")]
fn an_outcome_that_is_not_true_is_noticed() {
    let parabola = Quadratic::new(vec![1.0, 5.0, 20.0, 300.0]);
    assert_is_a_minimizer(&Boastful, &parabola, &[1.0, 0.5, -0.3, 0.7], 1e-9);
}

#[test]
#[should_panic(expected = "away")]
fn a_minimizer_that_arrives_elsewhere_is_noticed() {
    let mut parabola = Quadratic::new(vec![1.0, 5.0]).with_center(vec![1.0, 2.0]);
    let elsewhere = [1.00001, 2.0];
    assert_returns(
        &Lbfgs::default(),
        &mut parabola,
        &elsewhere,
        &[0.1, 0.1],
        1e-9,
    );
}
