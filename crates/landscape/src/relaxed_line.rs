//! The first pass on the way to a neighboring minimum, looked for along a line that gives way.

use metabasin_interactions::EnergyLandscape;

use crate::flat::{add_scaled, difference, norm, remove_component, remove_translation, scale};
use crate::linear_solve::{SolveLimits, conjugate_gradient};
use crate::preconditioner::Preconditioner;

/// Steps across the way after each step along it, Hessian-vector products of one, and the residual that
/// is small enough.
const ACROSS: u32 = 2;
const PRODUCTS: usize = 10;
const RESIDUAL: f64 = 0.1;

/// A place beside a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstPass {
    /// Displacement from the minimum `[length]`.
    pub place: Vec<f64>,
    /// Along the way there.
    pub direction: Vec<f64>,
}

/// The first highest point on the way from the minimum `origin` of energy `energy` to the one at
/// `end` from it; `None` where energies are no numbers.
///
/// Steps of an equal share of what is left of the way, `parts` in all, each followed by Newton steps
/// across it by preconditioned conjugate gradients, until the energy falls. A straight line runs over
/// hills beside soft passes: in the reference glass one of 0.006 ε where the line rises to 0.28 ε. Steps
/// across move no atom farther than `largest_step` `[length]`. What is found is a guess for a climb, no
/// saddle yet.
pub fn first_pass(
    landscape: &mut dyn EnergyLandscape,
    (origin, energy): (&[f64], f64),
    end: &[f64],
    parts: u32,
    preconditioner: &dyn Preconditioner,
    largest_step: f64,
) -> Option<FirstPass> {
    let mut way = vec![vec![0.0; end.len()]];
    let mut height = energy;
    for k in 0..parts {
        let here = way.last()?;
        let left = difference(end, here);
        let direction = unit(left.clone());
        let mut x = origin.to_vec();
        add_scaled(&mut x, 1.0, here);
        add_scaled(&mut x, 1.0 / f64::from(parts - k), &left);
        let there = relaxed_across(landscape, x, &direction, preconditioner, largest_step)?;
        way.push(difference(&there.0, origin));
        if there.1 < height {
            break;
        }
        height = there.1;
    }
    let [.., before, top, behind] = &way[..] else {
        // It falls from the start: the pass is within the first step.
        let mut place = way.pop()?;
        let direction = unit(place.clone());
        scale(&mut place, 0.5);
        return Some(FirstPass { place, direction });
    };
    Some(FirstPass {
        place: top.clone(),
        direction: unit(difference(behind, before)),
    })
}

fn unit(mut a: Vec<f64>) -> Vec<f64> {
    let length = norm(&a);
    scale(&mut a, 1.0 / length);
    a
}

/// The point after some Newton steps perpendicular to a unit vector, and its energy.
fn relaxed_across(
    landscape: &mut dyn EnergyLandscape,
    mut x: Vec<f64>,
    direction: &[f64],
    preconditioner: &dyn Preconditioner,
    largest_step: f64,
) -> Option<(Vec<f64>, f64)> {
    let free = landscape.translation_invariant();
    let project = |a: &mut [f64]| {
        if free {
            remove_translation(a);
        }
        remove_component(a, direction);
    };
    let mut gradient = vec![0.0; x.len()];
    let mut energy = landscape.evaluate(&x, &mut gradient);
    for _ in 0..ACROSS {
        if !energy.is_finite() || landscape.is_interrupted() {
            return None;
        }
        let mut right = gradient.clone();
        scale(&mut right, -1.0);
        let limits = SolveLimits {
            relative_residual: RESIDUAL,
            products: PRODUCTS,
            radius: largest_step,
        };
        let solution = conjugate_gradient(landscape, &x, &right, &project, preconditioner, limits);
        add_scaled(&mut x, 1.0, &solution.step);
        energy = landscape.evaluate(&x, &mut gradient);
    }
    energy.is_finite().then_some((x, energy))
}
