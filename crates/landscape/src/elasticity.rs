//! The relaxed athermal stiffness of an inherent structure.

use metabasin_atoms::Stiffness;
use metabasin_interactions::{EnergyLandscape, FixedCell, flatten};
use metabasin_minimizers::InherentStructure;

use crate::error::LandscapeError;
use crate::flat::{dot, remove_translation};
use crate::linear_solve::{SolveLimits, conjugate_gradient};
use crate::preconditioner::{IncompleteCholesky, Preconditioner};

/// Relative residual to which the linear response of the atoms is solved.
const RESPONSE_RESIDUAL: f64 = 1e-10;

/// C = C_Born − Ξᵀ H⁺ Ξ / V, the change of the Cauchy stress with a strain of the cell to which the
/// atoms respond by relaxing (Lutsko, J. Appl. Phys. 65, 2991 (1989)) `[energy / length³]`.
///
/// H⁺ Ξ by preconditioned conjugate gradients on Hessian-vector products, translations projected
/// out.
///
/// # Errors
/// [`LandscapeError`] where the structure is not a stable minimum, or the work was interrupted.
pub fn relaxed_stiffness(minimum: &InherentStructure) -> Result<Stiffness, LandscapeError> {
    let mut landscape = minimum.landscape();
    let x = minimum.coordinates();
    let preconditioner = hessian_preconditioner(&mut landscape, &x)?;
    stiffness_at(&mut landscape, &x, &preconditioner)
}

/// [`relaxed_stiffness`] at the minimum `x` of a landscape.
pub(crate) fn stiffness_at(
    landscape: &mut FixedCell,
    x: &[f64],
    preconditioner: &dyn Preconditioner,
) -> Result<Stiffness, LandscapeError> {
    let configuration = landscape.configuration_at(x);
    let volume = configuration.cell.volume();
    let response = landscape.force_field().strain_response(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    );
    let forces: Vec<Vec<f64>> = response.forces.iter().map(|force| flatten(force)).collect();
    let mut stiffness = response.born;
    for (b, right) in forces.iter().enumerate() {
        let solution = conjugate_gradient(
            landscape,
            x,
            right,
            &remove_translation,
            preconditioner,
            SolveLimits {
                relative_residual: RESPONSE_RESIDUAL,
                products: 20 * x.len(),
                radius: f64::INFINITY,
            },
        );
        if landscape.is_interrupted() {
            return Err(LandscapeError::Interrupted);
        }
        if solution.negative_curvature {
            return Err(LandscapeError::NotAMinimum);
        }
        for (row, force) in stiffness.0.iter_mut().zip(&forces) {
            row[b] -= dot(force, &solution.step) / volume;
        }
    }
    Ok(stiffness)
}

/// The incomplete factorization of the Hessian at `x`.
///
/// # Errors
/// [`LandscapeError::NotAMinimum`] where it cannot be factorized even with its diagonal doubled.
pub fn hessian_preconditioner(
    landscape: &mut FixedCell,
    x: &[f64],
) -> Result<IncompleteCholesky, LandscapeError> {
    IncompleteCholesky::at(landscape, x, &[]).ok_or(LandscapeError::NotAMinimum)
}
