//! Nonlinear conjugate gradients.

use argmin::solver::conjugategradient::NonlinearConjugateGradient;
use argmin::solver::conjugategradient::beta::PolakRibierePlus;
use metabasin_interactions::EnergyLandscape;

use crate::descent::Descent;
use crate::line_search::{FirstTrial, GuardedLineSearch};
use crate::minimizer::{DEFAULT_LONGEST_MOVE, DEFAULT_MAX_EVALUATIONS};
use crate::{Minimization, Minimizer};

/// Nonlinear conjugate gradients of Polak and Ribière, β = max(0, g₁·(g₁ − g₀)/|g₀|²), restarted
/// along the force when successive gradients stop being orthogonal (Nocedal & Wright, Numerical
/// Optimization, 2006, section 5.2; Powell's criterion).
///
/// The usual choice for inherent structures: its path stays nearer to that of steepest descent
/// than those with a longer memory. It takes twice as many evaluations as [`crate::Lbfgs`].
#[derive(Clone, Debug)]
pub struct ConjugateGradient {
    max_evaluations: u64,
    longest_move: f64,
}

/// c₂ of the Wolfe conditions: conjugacy needs fairly exact line searches.
const CURVATURE_CONSTANT: f64 = 0.1;
/// Powell's bound on |g₁·g₀|/|g₁|².
const ORTHOGONALITY: f64 = 0.5;

impl Default for ConjugateGradient {
    fn default() -> Self {
        Self {
            max_evaluations: DEFAULT_MAX_EVALUATIONS,
            longest_move: DEFAULT_LONGEST_MOVE,
        }
    }
}

impl ConjugateGradient {
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
}

impl Minimizer for ConjugateGradient {
    fn name(&self) -> &'static str {
        "conjugate_gradient"
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
                FirstTrial::SameDecrease,
                CURVATURE_CONSTANT,
                self.longest_move,
            );
            NonlinearConjugateGradient::new(line_search, PolakRibierePlus::new())
                .restart_orthogonality(ORTHOGONALITY)
        });
        descent.finish()
    }
}
