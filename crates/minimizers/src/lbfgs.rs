//! Limited-memory BFGS.

use argmin::solver::quasinewton::LBFGS;
use metabasin_interactions::EnergyLandscape;

use crate::descent::Descent;
use crate::line_search::{FirstTrial, GuardedLineSearch};
use crate::minimizer::{DEFAULT_LONGEST_MOVE, DEFAULT_MAX_EVALUATIONS};
use crate::{Minimization, Minimizer};

/// Limited-memory BFGS (Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.5), the first
/// step scaled by the curvature along the force.
///
/// The fewest evaluations from a local disturbance.
#[derive(Clone, Debug)]
pub struct Lbfgs {
    max_evaluations: u64,
    longest_move: f64,
    memory: usize,
}

/// c₂ of the Wolfe conditions, loose: quasi-Newton steps of length one are right as they are, and
/// a tighter one (0.4) costs half as many evaluations again.
const CURVATURE_CONSTANT: f64 = 0.9;
/// Pairs of steps and gradient changes that are kept: 40 save a tenth of the evaluations, but cost
/// more time than that in arithmetic of their own.
const MEMORY: usize = 15;

impl Default for Lbfgs {
    fn default() -> Self {
        Self {
            max_evaluations: DEFAULT_MAX_EVALUATIONS,
            longest_move: DEFAULT_LONGEST_MOVE,
            memory: MEMORY,
        }
    }
}

impl Lbfgs {
    /// Stops after this many evaluations and Hessian-vector products (default: 100,000).
    #[must_use]
    pub fn with_max_evaluations(mut self, max_evaluations: u64) -> Self {
        self.max_evaluations = max_evaluations;
        self
    }

    /// Moves no atom farther than this in one step `[length]` (default: 0.15).
    #[must_use]
    pub fn with_longest_move(mut self, longest_move: f64) -> Self {
        self.longest_move = longest_move;
        self
    }

    /// Remembers this many steps (default: 15, at least 1).
    #[must_use]
    pub fn with_memory(mut self, memory: usize) -> Self {
        self.memory = memory.max(1);
        self
    }
}

impl Minimizer for Lbfgs {
    fn name(&self) -> &'static str {
        "lbfgs"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization {
        let descent = Descent::new(landscape, start, force_tolerance, self.max_evaluations);
        descent.run(|| {
            let line_search = GuardedLineSearch::new(
                &descent,
                FirstTrial::Unit,
                CURVATURE_CONSTANT,
                self.longest_move,
            );
            // Zero is a tolerance that argmin accepts and never meets.
            LBFGS::new(line_search, self.memory)
                .with_tolerance_grad(0.0)
                .and_then(|solver| solver.with_tolerance_cost(0.0))
                .expect("zero is a legal tolerance")
        });
        descent.finish()
    }
}
