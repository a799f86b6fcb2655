//! Minimization of energy landscapes to inherent structures.
//!
//! Read in this order: [`Minimizer`] is the promise; [`Lbfgs`] and [`ConjugateGradient`] (on
//! argmin), [`Fire`] and [`TruncatedNewton`] keep it, each with its own strength;
//! [`MinimizerKind`] chooses one by name; [`InherentStructure`] is what a converged minimization of
//! atoms makes.

mod conjugate_gradient;
mod descent;
mod fire;
mod inherent_structure;
mod kind;
mod lbfgs;
mod line_search;
mod minimizer;
mod probe;
mod truncated_newton;

pub use conjugate_gradient::ConjugateGradient;
pub use fire::Fire;
pub use inherent_structure::{InherentStructure, MinimizeError};
pub use kind::{MinimizerKind, UnknownMinimizer};
pub use lbfgs::Lbfgs;
pub use minimizer::{Minimization, MinimizationOutcome, Minimizer};
pub use truncated_newton::TruncatedNewton;
