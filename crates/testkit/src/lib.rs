//! Analytic landscapes, property-test strategies and reference data for testing landscape codes.
//!
//! Read in this order: [`Quadratic`], [`Rosenbrock`], [`MuellerBrown`] and [`LennardJonesCluster`]
//! are landscapes whose stationary points are known; [`strategies`] draws landscapes, cells,
//! configurations and displacements for proptest; [`assert_is_a_landscape`] and
//! [`assert_is_a_minimizer`] are the contracts, to be run on anything that calls itself one, with
//! [`assert_returns`] and [`assert_is_equivariant`] for what a minimizer finds; [`small_glass`]
//! and [`lammps_reference`] read the samples and reference numbers in the repository's
//! `tests/data`.
//!
//! # Testing a minimizer of your own
//!
//! Gradient descent with a step that shrinks after every failure, tested on random analytic
//! landscapes and on a small glass:
//!
//! ```
//! use std::sync::Arc;
//!
//! use metabasin_interactions::{
//!     BinaryLennardJones, Cut, EnergyLandscape, FixedCell, ForceField, Kernel,
//! };
//! use metabasin_minimizers::{Minimization, MinimizationOutcome, Minimizer};
//! use metabasin_testkit::strategies::{AnalyticCase, mueller_browns, quadratics};
//! use metabasin_testkit::{assert_is_a_minimizer, small_glass};
//! use proptest::prelude::*;
//!
//! struct GradientDescent {
//!     steps: u64,
//! }
//!
//! impl Minimizer for GradientDescent {
//!     fn name(&self) -> &'static str {
//!         "gradient_descent"
//!     }
//!
//!     fn minimize(
//!         &self,
//!         landscape: &mut dyn EnergyLandscape,
//!         start: &[f64],
//!         force_tolerance: f64,
//!     ) -> Minimization {
//!         let mut x = start.to_vec();
//!         let mut gradient = vec![0.0; x.len()];
//!         let mut energy = landscape.evaluate(&x, &mut gradient);
//!         let mut largest_force = landscape.largest_force(&gradient);
//!         let mut evaluations = 1;
//!         let mut step = 1e-3;
//!         while largest_force >= force_tolerance && evaluations <= self.steps {
//!             let length = f64::min(step, 0.1 / largest_force);
//!             let trial: Vec<f64> = x.iter().zip(&gradient).map(|(x, g)| x - length * g).collect();
//!             let mut trial_gradient = vec![0.0; x.len()];
//!             let trial_energy = landscape.evaluate(&trial, &mut trial_gradient);
//!             evaluations += 1;
//!             if trial_energy < energy {
//!                 (x, energy, gradient) = (trial, trial_energy, trial_gradient);
//!                 largest_force = landscape.largest_force(&gradient);
//!                 step *= 1.2;
//!             } else {
//!                 step *= 0.5;
//!             }
//!         }
//!         let outcome = if largest_force < force_tolerance {
//!             MinimizationOutcome::Converged
//!         } else {
//!             MinimizationOutcome::OutOfBudget {
//!                 max_evaluations: self.steps,
//!                 largest_force,
//!             }
//!         };
//!         Minimization {
//!             x,
//!             energy,
//!             largest_force,
//!             evaluations,
//!             hessian_products: 0,
//!             iterations: evaluations - 1,
//!             outcome,
//!         }
//!     }
//! }
//!
//! let minimizer = GradientDescent { steps: 2000 };
//!
//! // On random analytic landscapes: write this with `proptest! { #[test] .. }` in your own tests.
//! let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(16));
//! runner
//!     .run(&prop_oneof![quadratics(), mueller_browns()], |case: AnalyticCase| {
//!         assert_is_a_minimizer(&minimizer, &case, case.start(), 1e-3);
//!         Ok(())
//!     })
//!     .unwrap();
//!
//! // On a small glass.
//! let potential = Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth));
//! let force_field = ForceField::new(potential, Kernel::Portable);
//! let glass = FixedCell::new(&small_glass(), force_field).unwrap();
//! let minimizer = GradientDescent { steps: 50 };
//! let found = assert_is_a_minimizer(&minimizer, &glass, &glass.start(), 1e-2);
//! assert!(found.energy < -3400.0);
//! ```

mod cluster;
mod interrupting;
mod landscape_contract;
mod minimizer_contract;
mod mueller_brown;
mod quadratic;
mod reference;
mod rosenbrock;
pub mod strategies;

pub use cluster::LennardJonesCluster;
pub use interrupting::{Countdown, CountedPotential, Interrupting};
pub use landscape_contract::assert_is_a_landscape;
pub use minimizer_contract::{
    EQUAL_ENERGY, EQUAL_POSITION, assert_is_a_minimizer, assert_is_equivariant, assert_returns,
};
pub use mueller_brown::{MuellerBrown, StationaryPoint};
pub use quadratic::Quadratic;
pub use reference::{
    LammpsReference, data, lammps_reference, small_glass, small_inherent_structure,
};
pub use rosenbrock::Rosenbrock;
