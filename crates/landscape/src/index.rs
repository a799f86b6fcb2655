//! How many negative eigenvalues a saddle has.

use metabasin_atoms::{Purpose, random_stream};
use metabasin_interactions::EnergyLandscape;
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use crate::cholesky::Cholesky;
use crate::flat::{add_scaled, dot, norm};
use crate::lowest_mode::{LanczosLimits, LowestMode, lowest_mode, lowest_mode_beyond};
use crate::preconditioner::Preconditioner;

/// More negative eigenvalues than this are not counted one by one.
const MOST: u32 = 6;

/// Length of a Lanczos iteration that looks for a mode to count with.
const MODE_VECTORS: usize = 200;

/// How an index was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexMethod {
    /// Exact: from the signs of a factorization.
    Inertia,
    /// From converged Ritz values, of which a lower one might have been missed.
    Numerical,
}

impl IndexMethod {
    /// The name that the catalogue stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inertia => "inertia",
            Self::Numerical => "numerical",
        }
    }
}

/// The number of negative eigenvalues, translations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaddleIndex {
    /// The count (stops at 6).
    pub index: u32,
    /// How it was counted.
    pub method: IndexMethod,
    /// Hessian-vector products spent.
    pub products: u64,
}

/// Whether a symmetric matrix (only its lower triangle is read) is positive definite, by a blocked
/// Cholesky factorization.
pub fn is_positive_definite(matrix: DMatrix<f64>) -> bool {
    Cholesky::new(matrix).is_some()
}

/// Adds `weight` times the projector on the unit vector `direction`.
fn add_projector(matrix: &mut DMatrix<f64>, weight: f64, direction: &[f64]) {
    for (column, b) in direction.iter().enumerate() {
        let factor = weight * b;
        for (element, a) in matrix.column_mut(column).iter_mut().zip(direction) {
            *element += factor * a;
        }
    }
}

/// Counts negative eigenvalues exactly: with the k negative Ritz vectors found, V, and a large
/// shift c, H + c V Vᵀ (and translations shifted) is positive definite only if H has at most k
/// negative eigenvalues (Cauchy interlacing), while each of V lies along another one.
///
/// `mode` is the lowest mode, a unit vector with `mode`·H `mode` < 0; `hessian` is the dense Hessian
/// at `x`. The count is exact for a converged mode; of an approximate one, what it leaves of the true
/// one may look like a second negative eigenvalue, so that the count is one too many, never one too
/// few.
pub fn index_by_inertia(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    mode: &[f64],
    hessian: &DMatrix<f64>,
    preconditioner: &dyn Preconditioner,
) -> SaddleIndex {
    let size = x.len();
    let shift = hessian.diagonal().amax().max(1.0);
    let mut shifted = hessian.clone();
    if landscape.translation_invariant() {
        let atoms = size / 3;
        let weight = shift / atoms as f64;
        for i in 0..atoms {
            for j in 0..atoms {
                for k in 0..3 {
                    shifted[(3 * i + k, 3 * j + k)] += weight;
                }
            }
        }
    }
    let mut negative = vec![mode.to_vec()];
    let mut products = 0;
    add_projector(&mut shifted, shift, mode);
    loop {
        if landscape.is_interrupted()
            || Cholesky::new_unless(shifted.clone(), || landscape.is_interrupted()).is_some()
            || negative.len() as u32 >= MOST
        {
            break;
        }
        let next = beyond(landscape, x, &negative, 0, preconditioner);
        products += next.products;
        if next.eigenvalue >= 0.0 {
            // Not definite, and no direction found that shows it: at least one more.
            return SaddleIndex {
                index: negative.len() as u32 + 1,
                method: IndexMethod::Numerical,
                products,
            };
        }
        add_projector(&mut shifted, shift, &next.direction);
        negative.push(next.direction);
    }
    SaddleIndex {
        index: negative.len() as u32,
        method: IndexMethod::Inertia,
        products,
    }
}

/// The lowest mode at `x`, converged far enough to tell the sides of a saddle and to count what lies
/// beyond it. The start is `guess` with an irregular part, in case that the two are orthogonal.
pub(crate) fn converged_mode(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    guess: &[f64],
    preconditioner: &dyn Preconditioner,
) -> LowestMode {
    let mut random = random_stream(0, Purpose::IndexCheck, u64::MAX, 0);
    let irregular = 0.1 * norm(guess).max(1e-3) / (guess.len() as f64).sqrt();
    let start: Vec<f64> = guess
        .iter()
        .map(|u| {
            let draw: f64 = StandardNormal.sample(&mut random);
            u + irregular * draw
        })
        .collect();
    let limits = LanczosLimits {
        vectors: MODE_VECTORS.min(x.len()),
        relative_change: 0.0,
        relative_residual: 1e-3,
    };
    lowest_mode(landscape, x, &start, limits, preconditioner)
}

/// The count that `count` makes with `mode`; where that is not one, the count that it makes with the
/// mode converged, which takes the place of `mode`: an approximate mode may make one negative
/// eigenvalue look like two ([`index_by_inertia`]).
pub(crate) fn count_again<L: EnergyLandscape>(
    landscape: &mut L,
    x: &[f64],
    mode: &mut LowestMode,
    preconditioner: &dyn Preconditioner,
    mut count: impl FnMut(&mut L, &[f64]) -> SaddleIndex,
) -> SaddleIndex {
    let first = count(landscape, &mode.direction);
    if first.index == 1 || landscape.is_interrupted() {
        return first;
    }
    *mode = converged_mode(landscape, x, &mode.direction, preconditioner);
    let again = count(landscape, &mode.direction);
    SaddleIndex {
        products: first.products + mode.products + again.products,
        ..again
    }
}

/// Counts negative eigenvalues by Lanczos from two starts, each until the Ritz value beyond the
/// negative modes found is positive beyond its residual.
pub fn index_by_lanczos(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    mode: &[f64],
    preconditioner: &dyn Preconditioner,
) -> SaddleIndex {
    let mut negative = vec![mode.to_vec()];
    let mut products = 0;
    let mut quiet = 0;
    while quiet < 2 && (negative.len() as u32) < MOST && !landscape.is_interrupted() {
        let next = beyond(landscape, x, &negative, quiet, preconditioner);
        products += next.products;
        if next.eigenvalue - next.residual > 0.0 {
            quiet += 1;
        } else {
            // Negative, or not shown to be positive: counted, so that it is refused.
            negative.push(next.direction);
            quiet = 0;
        }
    }
    SaddleIndex {
        index: negative.len() as u32,
        method: IndexMethod::Numerical,
        products,
    }
}

/// The lowest mode orthogonal to `found`, from one of several fixed irregular starts.
fn beyond(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    found: &[Vec<f64>],
    attempt: u64,
    preconditioner: &dyn Preconditioner,
) -> LowestMode {
    let mut random = random_stream(0, Purpose::IndexCheck, found.len() as u64, attempt);
    let mut start: Vec<f64> = (0..x.len())
        .map(|_| StandardNormal.sample(&mut random))
        .collect();
    for direction in found {
        let component = dot(&start, direction);
        add_scaled(&mut start, -component, direction);
    }
    let excluded: Vec<&[f64]> = found.iter().map(Vec::as_slice).collect();
    lowest_mode_beyond(
        landscape,
        x,
        &start,
        LanczosLimits {
            vectors: MODE_VECTORS.min(x.len()),
            relative_change: 0.0,
            relative_residual: 0.25,
        },
        preconditioner,
        &excluded,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preconditioner::Identity;
    use crate::test_surfaces::Quadratic;

    #[test]
    fn definiteness_agrees_with_the_eigenvalues() {
        let size = 150;
        let random = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13) as f64).sin());
        let gram = &random * random.transpose();
        let smallest = gram.clone().symmetric_eigenvalues().min();
        let shifted = |shift: f64| &gram + DMatrix::identity(size, size) * (shift - smallest);
        assert!(is_positive_definite(shifted(1e-3)));
        assert!(!is_positive_definite(shifted(-1e-3)));
    }

    /// One or two negative eigenvalues, a mode that is a mixture of the lowest one with a soft one.
    #[test]
    fn an_approximate_mode_is_converged_before_a_second_count() {
        for planted in [1, 2] {
            let mut eigenvalues: Vec<f64> = (0..60_i32).map(|k| 1.0 + f64::from(k)).collect();
            eigenvalues[3] = -1.0;
            eigenvalues[8] = 0.1;
            if planted == 2 {
                eigenvalues[20] = -0.7;
            }
            let mut surface = Quadratic::rotated(&eigenvalues);
            let hessian = surface.hessian().clone();
            let eigen = hessian.clone().symmetric_eigen();
            let of = |value: f64| {
                let near = |k: &usize| (eigen.eigenvalues[*k] - value).abs() < 1e-9;
                eigen.eigenvectors.column((0..60).find(near).unwrap())
            };
            let mixed = (of(-1.0) + 0.6 * of(0.1)).normalize();
            let x = vec![0.0; 60];
            let mut counted = |surface: &mut Quadratic, mode: &[f64]| {
                index_by_inertia(surface, &x, mode, &hessian, &Identity)
            };
            let first = counted(&mut surface, mixed.as_slice());
            assert_eq!(first.index, planted + 1, "the mixture shows one too many");
            let limits = LanczosLimits {
                vectors: 1,
                relative_change: 0.0,
                relative_residual: 0.0,
            };
            let mut mode = lowest_mode(&mut surface, &x, mixed.as_slice(), limits, &Identity);
            assert!(mode.eigenvalue < 0.0);
            let again = count_again(&mut surface, &x, &mut mode, &Identity, &mut counted);
            assert_eq!((again.index, again.method), (planted, IndexMethod::Inertia));
            assert!((mode.eigenvalue + 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn planted_indices_are_counted() {
        for planted in 1..=3_u32 {
            let mut eigenvalues: Vec<f64> = (0..60_i32).map(|k| 1.0 + f64::from(k)).collect();
            for k in 0..planted {
                eigenvalues[7 * k as usize] = -1.0 - f64::from(k);
            }
            let mut surface = Quadratic::rotated(&eigenvalues);
            let hessian = surface.hessian().clone();
            let eigen = hessian.clone().symmetric_eigen();
            let lowest = eigen
                .eigenvectors
                .column(eigen.eigenvalues.imin())
                .into_owned();
            let x = vec![0.0; 60];
            let mode = lowest.as_slice();
            let exact = index_by_inertia(&mut surface, &x, mode, &hessian, &Identity);
            assert_eq!((exact.index, exact.method), (planted, IndexMethod::Inertia));
            let numerical = index_by_lanczos(&mut surface, &x, mode, &Identity);
            assert_eq!(numerical.index, planted);
        }
    }
}
