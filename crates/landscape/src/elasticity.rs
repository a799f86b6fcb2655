//! The relaxed athermal stiffness of an inherent structure.

use metabasin_atoms::Stiffness;
use metabasin_interactions::{EnergyLandscape, FixedCell, flatten};
use metabasin_minimizers::InherentStructure;

use crate::error::LandscapeError;
use crate::flat::{dot, remove_translation};
use crate::linear_solve::{SolveLimits, conjugate_gradient};
use crate::preconditioner::{Block, IncompleteCholesky, Preconditioner};

/// Relative residual to which the linear response of the atoms is solved.
const RESPONSE_RESIDUAL: f64 = 1e-10;

/// C = C_Born − Ξᵀ H⁺ Ξ / V, the change of the Cauchy stress with a strain of the cell to which the
/// atoms respond by relaxing (Lutsko, J. Appl. Phys. 65, 2991 (1989)) `[energy / length³]`.
///
/// H⁺ Ξ by preconditioned conjugate gradients on Hessian-vector products, translations projected
/// out.
///
/// # Errors
/// [`LandscapeError`] where the structure is not a stable minimum.
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
    let (diagonal, blocks) = hessian_blocks(landscape, x);
    IncompleteCholesky::new(&diagonal, &blocks).ok_or(LandscapeError::NotAMinimum)
}

/// The Hessian at `x`: the diagonal block of every atom, and the blocks between atoms, each once.
pub(crate) fn hessian_blocks(
    landscape: &mut FixedCell,
    x: &[f64],
) -> (Vec<nalgebra::Matrix3<f64>>, Vec<Block>) {
    let configuration = landscape.configuration_at(x);
    let pairs = landscape.force_field().pair_hessian_blocks(
        &configuration.cell,
        &configuration.positions,
        &configuration.species,
    );
    let mut diagonal = vec![nalgebra::Matrix3::zeros(); landscape.dimension() / 3];
    let mut blocks: Vec<Block> = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        if pair.first == pair.second {
            continue;
        }
        diagonal[pair.first] += pair.stiffness;
        diagonal[pair.second] += pair.stiffness;
        blocks.push(Block {
            row: pair.first.max(pair.second),
            column: pair.first.min(pair.second),
            matrix: -pair.stiffness,
        });
    }
    // One pair may meet through several images: its blocks add up.
    blocks.sort_by_key(|block| (block.row, block.column));
    blocks.dedup_by(|next, kept| {
        let same = (next.row, next.column) == (kept.row, kept.column);
        if same {
            kept.matrix += next.matrix;
        }
        same
    });
    (diagonal, blocks)
}
