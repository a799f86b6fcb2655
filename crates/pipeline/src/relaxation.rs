//! One structure to its inherent structure: the verb `minimize`.

use std::time::Instant;

use metabasin_atoms::Stress;
use metabasin_files::KeyValue;
use metabasin_interactions::Cut;
use metabasin_minimizers::{InherentStructure, MinimizerKind};
use serde::Serialize;

use crate::config::KernelChoice;
use crate::memory::{of_minimization, require_for};
use crate::sample::{Sample, force_field};
use crate::structure_file::{StructureOutput, Written};
use crate::{Interrupt, PipelineError};

/// What `minimize` reports.
#[derive(Clone, Debug, Serialize)]
pub struct Relaxation {
    /// Whether the largest force is under the tolerance.
    pub converged: bool,
    /// Name of the minimizer.
    pub method: String,
    /// Energy of the inherent structure.
    pub energy: f64,
    /// The same per atom.
    pub energy_per_atom: f64,
    /// Largest norm of a force on an atom.
    pub max_force: f64,
    /// Force evaluations, Hessian-vector products included.
    pub evaluations: u64,
    /// Iterations of the minimizer.
    pub iterations: u64,
    /// Wall seconds.
    pub seconds: f64,
    /// Virial stress.
    pub stress: Stress,
    /// Largest move of an atom.
    pub largest_move: f64,
}

/// Relaxes `sample` at fixed cell and writes its inherent structure to `output`.
///
/// # Errors
/// Where the minimizer does not converge (its outcome says why), or on request.
pub fn relax(
    sample: &Sample,
    output: StructureOutput,
    (cut, kernel): (Cut, KernelChoice),
    (method, force_tolerance): (MinimizerKind, f64),
    interrupt: &Interrupt,
) -> Result<(Relaxation, Written), PipelineError> {
    if !(force_tolerance > 0.0 && force_tolerance.is_finite()) {
        return Err(PipelineError::BadInput(format!(
            "--force-tolerance must be positive and finite, got {force_tolerance}"
        )));
    }
    let atoms = sample.configuration.len();
    require_for(
        "minimize",
        atoms,
        of_minimization(atoms),
        "take a smaller sample",
    )?;
    let start = Instant::now();
    let field = force_field(cut, kernel).with_interrupt(interrupt.clone());
    let minimizer = method.build();
    let (inherent, minimization) = InherentStructure::quench(
        &sample.configuration,
        field,
        minimizer.as_ref(),
        force_tolerance,
    )
    .map_err(|error| {
        PipelineError::Failed(format!("{method}: {error}"))
            .unless(interrupt, || "start the same command anew".to_owned())
    })?;
    let relaxed = inherent.configuration();
    let moves = relaxed
        .positions
        .iter()
        .zip(&sample.configuration.positions);
    let largest_move = moves
        .map(|(after, before)| (after - before).norm())
        .fold(0.0, f64::max);
    let properties = [
        ("energy", KeyValue::Real(inherent.energy())),
        ("cut", KeyValue::Text(cut.to_string())),
    ];
    let written = output.write(relaxed, &properties);
    let relaxation = Relaxation {
        converged: true,
        method: method.to_string(),
        energy: inherent.energy(),
        energy_per_atom: inherent.energy() / relaxed.len() as f64,
        max_force: inherent.largest_force(),
        evaluations: minimization.force_evaluations(),
        iterations: minimization.iterations,
        seconds: start.elapsed().as_secs_f64(),
        stress: inherent.stress(),
        largest_move,
    };
    Ok((relaxation, written))
}
