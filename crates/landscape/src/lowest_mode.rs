//! The lowest eigenpair of the Hessian by Lanczos on Hessian-vector products.

use metabasin_interactions::EnergyLandscape;
use nalgebra::DMatrix;

use crate::flat::{add_scaled, dot, norm, remove_translation, scale};
use crate::preconditioner::Preconditioner;

/// When a Lanczos iteration stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanczosLimits {
    /// At most so many vectors, that is, Hessian-vector products.
    pub vectors: usize,
    /// Stop when the Ritz value moved by less than this, relative to its size, in two
    /// consecutive steps.
    pub relative_change: f64,
    /// Stop when the residual |H v − λ v| is below this times |λ|.
    pub relative_residual: f64,
}

/// An approximate lowest eigenpair.
#[derive(Clone, Debug, PartialEq)]
pub struct LowestMode {
    /// Ritz value, an upper bound of the lowest eigenvalue `[energy / length²]`.
    pub eigenvalue: f64,
    /// The unit vector v.
    pub direction: Vec<f64>,
    /// H v.
    pub image: Vec<f64>,
    /// |H v − λ v| `[energy / length²]`.
    pub residual: f64,
    /// The next Ritz value above, if more than one vector was used.
    pub second: Option<f64>,
    /// Hessian-vector products spent.
    pub products: u64,
    /// Whether a criterion of [`LanczosLimits`] was met before the vectors ran out.
    pub converged: bool,
}

/// Lowest eigenpair of the Hessian at `x`, starting from the direction `start`, orthogonal to
/// translations where the landscape is translation invariant.
///
/// Lanczos with full re-orthogonalization (Lanczos 1950; Malek & Mousseau, Phys. Rev. E 62, 7723
/// (2000)): the subspace grows by the residual of the current Ritz pair, which for M = 1 spans
/// Lanczos's Krylov space, and for another preconditioner is Davidson's method (J. Comput. Phys.
/// 17, 87 (1975)), whose convergence does not suffer from the stiff end of the spectrum.
///
/// # Panics
/// If `start` has no component outside the translations.
pub fn lowest_mode(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    start: &[f64],
    limits: LanczosLimits,
    preconditioner: &dyn Preconditioner,
) -> LowestMode {
    lowest_mode_beyond(landscape, x, start, limits, preconditioner, &[])
}

/// As [`lowest_mode`], in the space orthogonal to the unit vectors `excluded`.
pub(crate) fn lowest_mode_beyond(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    start: &[f64],
    limits: LanczosLimits,
    preconditioner: &dyn Preconditioner,
    excluded: &[&[f64]],
) -> LowestMode {
    let free = landscape.translation_invariant();
    let project = |a: &mut [f64]| {
        if free {
            remove_translation(a);
        }
        for direction in excluded {
            let component = dot(a, direction);
            add_scaled(a, -component, direction);
        }
    };
    let size = x.len();
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    let mut images: Vec<Vec<f64>> = Vec::new();
    let mut projected = DMatrix::<f64>::zeros(0, 0);
    let mut next = start.to_vec();
    project(&mut next);
    let mut best = LowestMode {
        eigenvalue: f64::NAN,
        direction: next.clone(),
        image: vec![0.0; size],
        residual: f64::INFINITY,
        second: None,
        products: 0,
        converged: false,
    };
    let mut quiet_steps = 0;
    for count in 1..=limits.vectors.max(1) {
        let before = norm(&next);
        for _ in 0..2 {
            for vector in &vectors {
                let component = dot(&next, vector);
                add_scaled(&mut next, -component, vector);
            }
        }
        let length = norm(&next);
        if !(length > 1e-12 * before && length > 0.0) {
            assert!(
                count > 1,
                "the start of a Lanczos iteration must not be a translation or zero"
            );
            // The subspace is invariant: its lowest Ritz pair is exact.
            best.converged = true;
            break;
        }
        scale(&mut next, 1.0 / length);
        let mut image = vec![0.0; size];
        landscape.hessian_vector(x, &next, &mut image);
        project(&mut image);
        vectors.push(next.clone());
        images.push(image);
        projected = projected.resize(count, count, 0.0);
        for (row, vector) in vectors.iter().enumerate() {
            let element = dot(vector, &images[count - 1]);
            projected[(row, count - 1)] = element;
            projected[(count - 1, row)] = element;
        }
        let eigen = projected.clone().symmetric_eigen();
        let order = eigen.eigenvalues.imin();
        let value = eigen.eigenvalues[order];
        let second = (0..count)
            .filter(|k| *k != order)
            .map(|k| eigen.eigenvalues[k])
            .fold(None, |least: Option<f64>, value| {
                Some(least.map_or(value, |least| least.min(value)))
            });
        let coefficients = eigen.eigenvectors.column(order);
        let mut direction = vec![0.0; size];
        let mut image = vec![0.0; size];
        for (k, coefficient) in coefficients.iter().enumerate() {
            add_scaled(&mut direction, *coefficient, &vectors[k]);
            add_scaled(&mut image, *coefficient, &images[k]);
        }
        let mut residual = image.clone();
        add_scaled(&mut residual, -value, &direction);
        let residual_norm = norm(&residual);
        let change = (value - best.eigenvalue).abs();
        quiet_steps = if change <= limits.relative_change * value.abs() {
            quiet_steps + 1
        } else {
            0
        };
        let converged = quiet_steps >= 2 || residual_norm <= limits.relative_residual * value.abs();
        best = LowestMode {
            eigenvalue: value,
            direction,
            image,
            residual: residual_norm,
            second,
            products: count as u64,
            converged,
        };
        if converged || !value.is_finite() || landscape.is_interrupted() {
            break;
        }
        preconditioner.apply(&residual, &mut next);
        project(&mut next);
    }
    best
}
