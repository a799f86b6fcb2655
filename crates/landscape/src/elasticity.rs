//! The relaxed athermal stiffness of an inherent structure, and of its atoms.

use metabasin_atoms::Stiffness;
use metabasin_interactions::{
    EnergyLandscape, FixedCell, LocalStiffness, StrainResponse, flatten, unflatten,
};
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

/// The stiffness of every atom of an inherent structure, the response of all atoms included: the mean of the sums of
/// both parts is [`relaxed_stiffness`].
///
/// # Errors
/// [`LandscapeError`] as there, and [`LandscapeError::NoPairs`] for a model that is no sum over pairs.
pub fn local_stiffnesses(
    minimum: &InherentStructure,
) -> Result<Vec<LocalStiffness>, LandscapeError> {
    let mut landscape = minimum.landscape();
    let x = minimum.coordinates();
    let preconditioner = hessian_preconditioner(&mut landscape, &x)?;
    let response = strain_response(&mut landscape, &x);
    let steps = relaxations(&mut landscape, &x, &preconditioner, &response)?;
    let displacements = steps.map(|step| unflatten(&step));
    let configuration = landscape.configuration_at(&x);
    landscape
        .force_field()
        .local_stiffness(
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
            &displacements,
        )
        .ok_or(LandscapeError::NoPairs)
}

/// [`relaxed_stiffness`] at the minimum `x` of a landscape.
pub(crate) fn stiffness_at(
    landscape: &mut FixedCell,
    x: &[f64],
    preconditioner: &dyn Preconditioner,
) -> Result<Stiffness, LandscapeError> {
    let volume = landscape.configuration_at(x).cell.volume();
    let response = strain_response(landscape, x);
    let steps = relaxations(landscape, x, preconditioner, &response)?;
    let mut stiffness = response.born;
    for (b, step) in steps.iter().enumerate() {
        for (row, force) in stiffness.0.iter_mut().zip(&response.forces) {
            row[b] -= dot(&flatten(force), step) / volume;
        }
    }
    Ok(stiffness)
}

fn strain_response(landscape: &mut FixedCell, x: &[f64]) -> StrainResponse {
    let configuration = landscape.configuration_at(x);
    landscape.force_field().strain_response(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    )
}

/// u = H⁺ Ξ e of each of the six engineering strains.
fn relaxations(
    landscape: &mut FixedCell,
    x: &[f64],
    preconditioner: &dyn Preconditioner,
    response: &StrainResponse,
) -> Result<[Vec<f64>; 6], LandscapeError> {
    let mut steps: [Vec<f64>; 6] = Default::default();
    for (step, force) in steps.iter_mut().zip(&response.forces) {
        let solution = conjugate_gradient(
            landscape,
            x,
            &flatten(force),
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
        *step = solution.step;
    }
    Ok(steps)
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
