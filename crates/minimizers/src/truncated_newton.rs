//! Newton steps from exact Hessian-vector products.

use metabasin_interactions::EnergyLandscape;

use crate::minimizer::{DEFAULT_LONGEST_MOVE, DEFAULT_MAX_EVALUATIONS};
use crate::{Fire, Minimization, Minimizer};

/// Newton steps from exact Hessian-vector products.
#[derive(Clone, Debug)]
pub struct TruncatedNewton {
    max_evaluations: u64,
    longest_move: f64,
}

impl Default for TruncatedNewton {
    fn default() -> Self {
        Self {
            max_evaluations: DEFAULT_MAX_EVALUATIONS,
            longest_move: DEFAULT_LONGEST_MOVE,
        }
    }
}
impl TruncatedNewton {
    /// Stops after this many evaluations (default: 100,000).
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

impl Minimizer for TruncatedNewton {
    fn name(&self) -> &'static str {
        "truncated_newton"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization {
        Fire::default()
            .with_max_evaluations(self.max_evaluations)
            .with_longest_move(self.longest_move)
            .minimize(landscape, start, force_tolerance)
    }
}
