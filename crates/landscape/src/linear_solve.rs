//! Newton steps by preconditioned conjugate gradients on Hessian-vector products.

use metabasin_interactions::EnergyLandscape;

use crate::flat::{add_scaled, dot, norm};
use crate::preconditioner::Preconditioner;

/// When conjugate gradients stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SolveLimits {
    /// Residual over right-hand side, Euclidean.
    pub relative_residual: f64,
    /// Hessian-vector products.
    pub products: usize,
    /// Largest size of the step, as the landscape measures forces (`[length]`): the solution is
    /// cut where it leaves this radius.
    pub radius: f64,
}

/// An approximate solution of P H P s = b.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    pub step: Vec<f64>,
    /// H s, not projected.
    pub image: Vec<f64>,
    /// A direction d with d·H d ≤ 0 was met.
    pub negative_curvature: bool,
    /// The radius cut the step.
    pub cut: bool,
}

/// Truncated conjugate gradients (Steihaug, SIAM J. Numer. Anal. 20, 626 (1983)) for P H P s = b,
/// P the projection `project`: stops at the residual asked for, at the radius, or at a direction of
/// negative curvature, which it then follows downhill to the radius.
pub(crate) fn conjugate_gradient(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    right: &[f64],
    project: &dyn Fn(&mut [f64]),
    preconditioner: &dyn Preconditioner,
    limits: SolveLimits,
) -> Solution {
    let size = x.len();
    let mut solution = Solution {
        step: vec![0.0; size],
        image: vec![0.0; size],
        negative_curvature: false,
        cut: false,
    };
    let mut residual = right.to_vec();
    project(&mut residual);
    let wanted = limits.relative_residual * norm(&residual);
    let precondition = |r: &[f64]| {
        let mut z = vec![0.0; size];
        preconditioner.apply(r, &mut z);
        project(&mut z);
        z
    };
    let mut z = precondition(&residual);
    let mut direction = z.clone();
    let mut product = dot(&residual, &z);
    let mut image = vec![0.0; size];
    for _ in 0..limits.products {
        if product <= 0.0 || !product.is_finite() {
            break;
        }
        landscape.hessian_vector(x, &direction, &mut image);
        let curvature = dot(&direction, &image);
        if !curvature.is_finite() {
            break;
        }
        solution.negative_curvature = curvature <= 0.0;
        let length = if solution.negative_curvature {
            f64::INFINITY
        } else {
            product / curvature
        };
        let longest = to_radius(landscape, &solution.step, &direction, limits.radius);
        solution.cut = length >= longest;
        let length = length.min(longest);
        add_scaled(&mut solution.step, length, &direction);
        add_scaled(&mut solution.image, length, &image);
        if solution.cut {
            break;
        }
        let mut projected = image.clone();
        project(&mut projected);
        add_scaled(&mut residual, -length, &projected);
        if norm(&residual) <= wanted {
            break;
        }
        z = precondition(&residual);
        let next = dot(&residual, &z);
        for (d, z) in direction.iter_mut().zip(&z) {
            *d = z + next / product * *d;
        }
        product = next;
    }
    solution
}

/// The largest t ≥ 0 with size(step + t direction) ≤ radius, from below, by bisection.
fn to_radius(landscape: &dyn EnergyLandscape, step: &[f64], direction: &[f64], radius: f64) -> f64 {
    let speed = landscape.largest_force(direction);
    if speed == 0.0 {
        return f64::INFINITY;
    }
    let size_at = |t: f64| {
        let point: Vec<f64> = step.iter().zip(direction).map(|(s, d)| s + t * d).collect();
        landscape.largest_force(&point)
    };
    let (mut inside, mut outside) = (0.0, (radius + landscape.largest_force(step)) / speed);
    for _ in 0..12 {
        let middle = 0.5 * (inside + outside);
        if size_at(middle) <= radius {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}
