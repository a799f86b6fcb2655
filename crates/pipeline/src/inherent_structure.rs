//! Whether a structure that was read is an inherent one: what moduli of it need.

use metabasin_atoms::Configuration;
use metabasin_landscape::displacements;
use metabasin_minimizers::{InherentStructure, MinimizerKind};
use nalgebra::Vector3;

use crate::config::KernelChoice;
use crate::sample::force_field;
use crate::{Cut, Interrupt, PipelineError};

/// Force up to which a structure counts as an inherent structure.
const FORCE_TOLERANCE: f64 = 1e-5;
/// An atom of an inherent structure moves less than this when it is minimized again.
const SAME_PLACE: f64 = 1e-3;

/// What `option` needs and does not get.
pub(crate) fn no_inherent_structure(option: &str, why: &str) -> PipelineError {
    PipelineError::BadInput(format!(
        "{option} needs an inherent structure, and {why}: `metabasin minimize` makes one"
    ))
}

/// The structure as an inherent one, its last digits minimized.
///
/// # Errors
/// Bad input that names the option where minimizing takes an atom elsewhere.
pub(crate) fn inherent_structure(
    option: &str,
    configuration: &Configuration,
    (cut, kernel): (Cut, KernelChoice),
    interrupt: &Interrupt,
) -> Result<InherentStructure, PipelineError> {
    let field = force_field(cut, kernel).with_interrupt(interrupt.clone());
    let minimizer = MinimizerKind::Lbfgs.build();
    let (minimum, _) =
        InherentStructure::quench(configuration, field, minimizer.as_ref(), FORCE_TOLERANCE)
            .map_err(|error| {
                PipelineError::Failed(error.to_string())
                    .unless(interrupt, || "start the same command anew".to_owned())
            })?;
    let after = &minimum.configuration().positions;
    let moved = displacements(&configuration.cell, &configuration.positions, after)
        .iter()
        .map(Vector3::norm)
        .fold(0.0, f64::max);
    if moved > SAME_PLACE {
        let why = format!("an atom moves by {moved:.4} when it is minimized");
        return Err(no_inherent_structure(option, &why));
    }
    Ok(minimum)
}
