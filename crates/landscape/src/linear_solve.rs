//! Newton steps by preconditioned conjugate gradients on Hessian-vector products.

use metabasin_interactions::EnergyLandscape;

use crate::flat::{add_scaled, dot, norm, scale};
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
    /// Hessian-vector products spent.
    pub products: usize,
}

/// Relative residual of a Newton step where the largest force is `force` and is to fall below
/// `tolerance`: converges to second order, but solves no better than the last step needs.
pub(crate) fn newton_residual(force: f64, tolerance: f64) -> f64 {
    f64::max((0.1 * force).clamp(1e-4, 0.03), 0.3 * tolerance / force)
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
        products: 0,
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
        if product <= 0.0 || !product.is_finite() || landscape.is_interrupted() {
            break;
        }
        landscape.hessian_vector(x, &direction, &mut image);
        solution.products += 1;
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

/// Solves P H P s = b for an indefinite H by preconditioned minimal residuals (Paige & Saunders, SIAM
/// J. Numer. Anal. 12, 617 (1975)), P the projection `project`; the residual is measured in the
/// norm of the inverse of the preconditioner. The radius is not looked at.
pub(crate) fn minimal_residual(
    landscape: &mut dyn EnergyLandscape,
    x: &[f64],
    right: &[f64],
    project: &dyn Fn(&mut [f64]),
    preconditioner: &dyn Preconditioner,
    limits: SolveLimits,
) -> Solution {
    let size = x.len();
    let precondition = |r: &[f64]| {
        let mut z = vec![0.0; size];
        preconditioner.apply(r, &mut z);
        project(&mut z);
        z
    };
    let mut solution = Solution {
        step: vec![0.0; size],
        negative_curvature: false,
        cut: false,
        products: 0,
        image: vec![0.0; size],
    };
    let mut image = vec![0.0; size];
    let mut earlier = vec![0.0; size];
    let mut residual = right.to_vec();
    project(&mut residual);
    let mut z = precondition(&residual);
    let mut gamma = dot(&z, &residual).max(0.0).sqrt();
    let wanted = limits.relative_residual * gamma;
    let mut gamma_before = 1.0;
    let mut eta = gamma;
    let (mut sine_before, mut sine, mut cosine_before, mut cosine) = (0.0, 0.0, 1.0, 1.0);
    let mut direction_before = vec![0.0; size];
    let mut direction = vec![0.0; size];
    while solution.products < limits.products
        && gamma > 0.0
        && eta.abs() > wanted
        && !landscape.is_interrupted()
    {
        scale(&mut z, 1.0 / gamma);
        landscape.hessian_vector(x, &z, &mut image);
        solution.products += 1;
        project(&mut image);
        let delta = dot(&image, &z);
        let mut next = image.clone();
        add_scaled(&mut next, -delta / gamma, &residual);
        add_scaled(&mut next, -gamma / gamma_before, &earlier);
        let z_next = precondition(&next);
        let gamma_next = dot(&z_next, &next).max(0.0).sqrt();
        let along = cosine * delta - cosine_before * sine * gamma;
        let length = along.hypot(gamma_next);
        let overlap = sine * delta + cosine_before * cosine * gamma;
        let overlap_before = sine_before * gamma;
        if !(length > 0.0 && length.is_finite()) {
            break;
        }
        (cosine_before, sine_before) = (cosine, sine);
        (cosine, sine) = (along / length, gamma_next / length);
        let mut next_direction = z;
        add_scaled(&mut next_direction, -overlap_before, &direction_before);
        add_scaled(&mut next_direction, -overlap, &direction);
        scale(&mut next_direction, 1.0 / length);
        add_scaled(&mut solution.step, cosine * eta, &next_direction);
        eta *= -sine;
        direction_before = std::mem::replace(&mut direction, next_direction);
        earlier = std::mem::replace(&mut residual, next);
        z = z_next;
        gamma_before = std::mem::replace(&mut gamma, gamma_next);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preconditioner::Identity;
    use crate::test_surfaces::Quadratic;

    #[test]
    fn minimal_residuals_solve_an_indefinite_system() {
        let eigenvalues: Vec<f64> = (0..40_i32).map(|k| f64::from(k) - 3.5).collect();
        let mut surface = Quadratic::rotated(&eigenvalues);
        let x = vec![0.0; 40];
        let exact: Vec<f64> = (0..40).map(|k| f64::from(k).sin()).collect();
        let mut right = vec![0.0; 40];
        surface.hessian_vector(&x, &exact, &mut right);
        let limits = SolveLimits {
            relative_residual: 1e-12,
            products: 200,
            radius: f64::INFINITY,
        };
        let found = minimal_residual(&mut surface, &x, &right, &|_| {}, &Identity, limits);
        for (found, exact) in found.step.iter().zip(&exact) {
            assert!((found - exact).abs() < 1e-8, "{found} {exact}");
        }
        assert!(found.products <= 60, "{}", found.products);
    }
}
