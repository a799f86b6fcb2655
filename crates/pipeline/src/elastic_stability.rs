//! What is said of a sample that its fixed cell alone keeps stable.

use std::path::Path;

use metabasin_atoms::ComplianceSource;
use metabasin_catalogue::{Catalogue, SampleRecord};

use crate::PipelineError;

/// That plastic volumes are those of the isotropic average, where they are.
pub(crate) fn note(sample: &SampleRecord) -> Option<String> {
    let stiffness = sample.stiffness?;
    if stiffness.stable_or_isotropic().1 == ComplianceSource::Sample {
        return None;
    }
    let (shear_modulus, poisson_ratio) = stiffness.isotropic_average();
    let bulk_modulus = 2.0 * shear_modulus * (1.0 + poisson_ratio) / (3.0 - 6.0 * poisson_ratio);
    Some(format!(
        "The relaxed stiffness of the searches' minimum is not positive definite (smallest \
         eigenvalue {:.3}: only the fixed cell keeps it), so plastic and activation volumes are \
         those of its isotropic average (Voigt: G = {shear_modulus:.2}, K = {bulk_modulus:.2})",
        stiffness.smallest_eigenvalue()
    ))
}

/// The same of the catalogue at `path`, to be said beside its activation volumes.
///
/// # Errors
/// A catalogue that cannot be read.
pub fn compliance_note(path: &Path) -> Result<Option<String>, PipelineError> {
    Ok(note(&Catalogue::open_read_only(path)?.sample()?))
}
