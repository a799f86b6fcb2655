//! Minima that trajectories and displacements lead to.

use metabasin_atoms::Configuration;
use metabasin_interactions::ForceField;
use metabasin_minimizers::{InherentStructure, Lbfgs, MinimizeError};

/// Largest force of a quench that only tells minima apart `[energy / length]`.
pub(crate) const TOLD_APART: f64 = 1e-3;

/// Quenches a configuration to forces below `force_tolerance` `[energy / length]`.
///
/// # Errors
/// As [`InherentStructure::quench`].
pub(crate) fn quenched(
    configuration: &Configuration,
    force_field: &ForceField,
    force_tolerance: f64,
) -> Result<InherentStructure, MinimizeError> {
    let minimizer = Lbfgs::default();
    InherentStructure::quench(
        configuration,
        force_field.clone(),
        &minimizer,
        force_tolerance,
    )
    .map(|(there, _)| there)
}

/// Quenches `minimum` with its atoms displaced `[length]`, as [`quenched`].
///
/// # Errors
/// As [`InherentStructure::quench`].
pub(crate) fn displaced_minimum(
    minimum: &InherentStructure,
    displacement: &[f64],
    force_tolerance: f64,
) -> Result<InherentStructure, MinimizeError> {
    let mut x = minimum.coordinates();
    for (x, u) in x.iter_mut().zip(displacement) {
        *x += u;
    }
    let displaced = minimum.landscape().configuration_at(&x);
    let field = minimum.force_field().with_parallel(false);
    quenched(&displaced, &field, force_tolerance)
}
