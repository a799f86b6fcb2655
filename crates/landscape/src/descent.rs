//! Descent into a minimum by preconditioned L-BFGS.

use std::collections::VecDeque;

use metabasin_interactions::EnergyLandscape;

use crate::climb::core_of;
use crate::flat::{add_scaled, difference, dot, remove_translation, scale};
use crate::linear_solve::{SolveLimits, conjugate_gradient, newton_residual};
use crate::preconditioner::{IncompleteCholesky, Preconditioner};

/// Pairs of steps and gradient changes that L-BFGS remembers.
const MEMORY: usize = 20;

/// Below this force a descent tries Newton steps, and again below a tenth of the force at which they
/// failed `[energy / length]`.
const NEWTON_FORCE: f64 = 0.3;
/// Most of them.
const NEWTON_STEPS: usize = 12;
/// Products after which a solve is taken as it is and the preconditioner made anew.
const PATIENT_PRODUCTS: usize = 15;

/// Steps of a descent before the first factorization of the Hessian at hand, and between two.
const FIRST_FACTOR: u32 = 3;
const NEXT_FACTOR: u32 = 8;

/// Why a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DescentOutcome {
    Converged,
    OutOfBudget,
    Stalled,
}

/// Where a descent ended.
#[derive(Clone, Debug)]
pub(crate) struct Descent {
    pub x: Vec<f64>,
    pub energy: f64,
    pub gradient: Vec<f64>,
    pub largest_force: f64,
    pub outcome: DescentOutcome,
}

/// Limits of a descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DescentLimits {
    /// Largest force at the end `[energy / length]`.
    pub force_tolerance: f64,
    /// Largest move of an atom in one step `[length]`.
    pub largest_step: f64,
    /// Evaluations.
    pub evaluations: u64,
}

/// Minimizes from `start` by L-BFGS with initial inverse Hessian M⁻¹ (Nocedal 1980; preconditioned
/// as in Packwood et al., J. Chem. Phys. 144, 164109 (2016)); M is `preconditioner` at first and
/// then, every few steps, |H| as factorized around the atoms that have moved most. Steps are cut at
/// `largest_step` and accepted when the energy falls, or, near rounding, when the slope along the
/// step shrinks.
pub(crate) fn descend(
    landscape: &mut dyn EnergyLandscape,
    start: &[f64],
    preconditioner: &dyn Preconditioner,
    limits: DescentLimits,
) -> Descent {
    let free = landscape.translation_invariant();
    let mut gradient = vec![0.0; start.len()];
    let energy = landscape.evaluate(start, &mut gradient);
    let mut spent = 1;
    let mut at = Descent {
        x: start.to_vec(),
        energy,
        largest_force: landscape.largest_force(&gradient),
        gradient,
        outcome: DescentOutcome::OutOfBudget,
    };
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    let mut shrink = 1.0;
    let mut newton = NEWTON_FORCE;
    let mut fresh = Fresh::default();
    while spent < limits.evaluations && !landscape.is_interrupted() {
        if at.largest_force < limits.force_tolerance {
            at.outcome = DescentOutcome::Converged;
            return at;
        }
        if at.largest_force < newton {
            newton = 0.1 * at.largest_force;
            let polished = polish(
                landscape,
                at.clone(),
                fresh.or(preconditioner),
                limits.force_tolerance,
            );
            if polished.outcome == DescentOutcome::Converged && polished.energy <= at.energy {
                return polished;
            }
        }
        fresh.step(landscape, &at.x, start);
        let mut direction = two_loop(&at.gradient, &memory, fresh.or(preconditioner));
        if free {
            remove_translation(&mut direction);
        }
        let mut slope = dot(&direction, &at.gradient);
        if slope.is_nan() || slope >= 0.0 {
            if memory.is_empty() {
                at.outcome = DescentOutcome::Stalled;
                return at;
            }
            memory.clear();
            continue;
        }
        let longest = landscape.largest_force(&direction);
        let factor = shrink * f64::min(1.0, limits.largest_step / longest);
        scale(&mut direction, factor);
        slope *= factor;
        let mut x = at.x.clone();
        add_scaled(&mut x, 1.0, &direction);
        let mut gradient = vec![0.0; x.len()];
        let energy = landscape.evaluate(&x, &mut gradient);
        spent += 1;
        let resolution = landscape.energy_resolution(at.energy);
        let end_slope = dot(&direction, &gradient);
        let accepted = if -slope > resolution {
            energy <= at.energy + 1e-4 * slope
        } else {
            energy <= at.energy + resolution && end_slope.abs() <= -0.9 * slope
        };
        if accepted && energy.is_finite() {
            let change = difference(&gradient, &at.gradient);
            let curvature = dot(&direction, &change);
            if curvature > 1e-10 * dot(&direction, &direction) {
                if memory.len() == MEMORY {
                    memory.pop_front();
                }
                memory.push_back((direction, change, 1.0 / curvature));
            }
            at.x = x;
            at.energy = energy;
            at.largest_force = landscape.largest_force(&gradient);
            at.gradient = gradient;
            shrink = 1.0;
        } else {
            // Minimum of the parabola through both energies and the slope, kept within bounds.
            let parabola = -0.5 * slope / (energy - at.energy - slope);
            shrink *= if parabola.is_finite() {
                parabola.clamp(0.1, 0.5)
            } else {
                0.1
            };
            if shrink < 1e-4 {
                if memory.is_empty() {
                    at.outcome = DescentOutcome::Stalled;
                    return at;
                }
                memory.clear();
                shrink = 1.0;
            }
        }
    }
    if at.largest_force < limits.force_tolerance {
        at.outcome = DescentOutcome::Converged;
    }
    at
}

/// The factorization of |H| at a recent place of a descent.
#[derive(Default)]
struct Fresh {
    factor: Option<IncompleteCholesky>,
    factors: u32,
    steps: u32,
}

impl Fresh {
    /// Factorizes at `x` where it is time, around the atoms that have moved most since `start`.
    fn step(&mut self, landscape: &mut dyn EnergyLandscape, x: &[f64], start: &[f64]) {
        if self.steps == FIRST_FACTOR + NEXT_FACTOR * self.factors {
            self.factors += 1;
            let core = core_of(&difference(x, start));
            self.factor = IncompleteCholesky::at(landscape, x, &core).or(self.factor.take());
        }
        self.steps += 1;
    }

    fn or<'a>(&'a self, preconditioner: &'a dyn Preconditioner) -> &'a dyn Preconditioner {
        self.factor
            .as_ref()
            .map_or(preconditioner, |factor| factor as &dyn Preconditioner)
    }
}

/// −H g with the two-loop recursion (Nocedal & Wright, algorithm 7.4).
fn two_loop(
    gradient: &[f64],
    memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    preconditioner: &dyn Preconditioner,
) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut weights = Vec::with_capacity(memory.len());
    for (step, change, inverse) in memory.iter().rev() {
        let weight = inverse * dot(step, &q);
        add_scaled(&mut q, -weight, change);
        weights.push(weight);
    }
    let mut direction = vec![0.0; q.len()];
    if let Some((step, change, _)) = memory.back() {
        // M knows the Hessian of the starting minimum; where the last step met another curvature,
        // its inverse is scaled to that (Nocedal & Wright, equation 7.20, in the metric of M).
        preconditioner.apply(change, &mut direction);
        let scaling = dot(step, change) / dot(change, &direction);
        scale(&mut q, scaling.clamp(0.1, 1.0));
    }
    preconditioner.apply(&q, &mut direction);
    for ((step, change, inverse), weight) in memory.iter().zip(weights.iter().rev()) {
        let correction = inverse * dot(change, &direction);
        add_scaled(&mut direction, weight - correction, step);
    }
    scale(&mut direction, -1.0);
    direction
}

/// Newton steps by conjugate gradients from a point near a minimum, until the largest force is
/// below `tolerance` or no longer falls. Where a solve takes long, `preconditioner` is replaced by a
/// factorization of the Hessian at hand.
pub(crate) fn polish(
    landscape: &mut dyn EnergyLandscape,
    mut at: Descent,
    preconditioner: &dyn Preconditioner,
    tolerance: f64,
) -> Descent {
    let free = landscape.translation_invariant();
    let project = |a: &mut [f64]| {
        if free {
            remove_translation(a);
        }
    };
    let mut fresh: Option<IncompleteCholesky> = None;
    for _ in 0..NEWTON_STEPS {
        if at.largest_force < tolerance || landscape.is_interrupted() {
            break;
        }
        let mut right = at.gradient.clone();
        scale(&mut right, -1.0);
        let solution = conjugate_gradient(
            landscape,
            &at.x,
            &right,
            &project,
            fresh
                .as_ref()
                .map_or(preconditioner, |fresh| fresh as &dyn Preconditioner),
            SolveLimits {
                relative_residual: newton_residual(at.largest_force, tolerance),
                products: if fresh.is_some() {
                    200
                } else {
                    PATIENT_PRODUCTS
                },
                radius: f64::INFINITY,
            },
        );
        let mut x = at.x.clone();
        add_scaled(&mut x, 1.0, &solution.step);
        let mut gradient = vec![0.0; x.len()];
        let energy = landscape.evaluate(&x, &mut gradient);
        let largest_force = landscape.largest_force(&gradient);
        let falls = largest_force < at.largest_force;
        let factorize = fresh.is_none() && solution.products == PATIENT_PRODUCTS;
        if solution.negative_curvature || !(falls || factorize) {
            break;
        }
        if falls {
            at = Descent {
                x,
                energy,
                gradient,
                largest_force,
                outcome: at.outcome,
            };
        }
        if factorize {
            fresh = IncompleteCholesky::at(landscape, &at.x, &[]);
            if fresh.is_none() && !falls {
                break;
            }
        }
    }
    at.outcome = if at.largest_force < tolerance {
        DescentOutcome::Converged
    } else {
        DescentOutcome::Stalled
    };
    at
}
