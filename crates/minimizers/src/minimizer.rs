//! What every minimizer promises, and what it reports.

use std::fmt;

use metabasin_interactions::EnergyLandscape;

/// How many evaluations and Hessian-vector products a minimizer may spend unless told otherwise.
pub(crate) const DEFAULT_MAX_EVALUATIONS: u64 = 100_000;

/// The farthest that one step may move an atom unless told otherwise `[length]`.
pub(crate) const DEFAULT_LONGEST_MOVE: f64 = 0.15;

/// Walks downhill to a stationary point of an energy landscape.
///
/// What an implementation promises, for any start whose energy is finite:
/// - the energy that it returns is not above that of the start, to
///   [`EnergyLandscape::energy_resolution`];
/// - `largest_force` is under the tolerance, or the outcome says why it is not;
/// - a start that is already stationary is returned as it is, at the cost of one evaluation;
/// - where the landscape is interrupted it stops before the next evaluation;
/// - equal arguments give equal bits;
/// - an energy or gradient that is not finite means that the step was too long.
///
/// `metabasin_testkit::assert_is_a_minimizer` checks all of it.
pub trait Minimizer: Send + Sync {
    /// The name that outputs show.
    fn name(&self) -> &'static str;

    /// Goes down from `start` until [`EnergyLandscape::largest_force`] of the gradient is under
    /// `force_tolerance` `[energy / length]`.
    ///
    /// # Panics
    /// If `start` has not [`EnergyLandscape::dimension`] entries.
    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization;
}

/// Where a minimizer arrived, and what it spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimization {
    /// The coordinates.
    pub x: Vec<f64>,
    /// The energy there `[energy]`.
    pub energy: f64,
    /// [`EnergyLandscape::largest_force`] of the gradient there `[energy / length]`.
    pub largest_force: f64,
    /// Evaluations of energy and gradient spent.
    pub evaluations: u64,
    /// Hessian-vector products spent.
    pub hessian_products: u64,
    /// Steps taken.
    pub iterations: u64,
    /// Whether it converged, and why not.
    pub outcome: MinimizationOutcome,
}

impl Minimization {
    /// Whether the force is under the tolerance.
    pub fn converged(&self) -> bool {
        self.outcome == MinimizationOutcome::Converged
    }

    /// The cost that papers count: evaluations plus Hessian-vector products.
    pub fn force_evaluations(&self) -> u64 {
        self.evaluations + self.hessian_products
    }
}

/// How a minimization ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MinimizationOutcome {
    /// The force is under the tolerance.
    Converged,
    /// No step lowers the energy or the force any more, though the force is not under the
    /// tolerance: rounding, a discontinuity, or a tolerance beyond reach.
    Stalled {
        /// The force that was reached `[energy / length]`.
        largest_force: f64,
    },
    /// The evaluations and Hessian-vector products allowed were spent.
    OutOfBudget {
        /// How many were allowed.
        max_evaluations: u64,
        /// The force that was reached `[energy / length]`.
        largest_force: f64,
    },
    /// The landscape was interrupted ([`EnergyLandscape::is_interrupted`]).
    Interrupted,
    /// The start itself has no finite energy and gradient (atoms on top of each other).
    NotFinite {
        /// The energy of the start.
        energy: f64,
    },
}

impl fmt::Display for MinimizationOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged => write!(formatter, "converged"),
            Self::Stalled { largest_force } => write!(
                formatter,
                "stalled at a largest force of {largest_force:.3e}: no step lowers energy or force \
                 any more"
            ),
            Self::OutOfBudget {
                max_evaluations,
                largest_force,
            } => write!(
                formatter,
                "spent its {max_evaluations} evaluations at a largest force of {largest_force:.3e}"
            ),
            Self::Interrupted => write!(formatter, "was interrupted"),
            Self::NotFinite { energy } => write!(
                formatter,
                "the start has no finite energy and forces (energy {energy}): are atoms on top of \
                 each other?"
            ),
        }
    }
}
