//! The minimum that a displacement from another one leads to.

use metabasin_minimizers::{InherentStructure, Lbfgs, MinimizeError};

/// Quenches `minimum` with its atoms displaced `[length]`, to forces below `force_tolerance`
/// `[energy / length]`.
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
    InherentStructure::quench(&displaced, field, &Lbfgs::default(), force_tolerance)
        .map(|(there, _)| there)
}
