//! Truncated Newton on exact Hessian-vector products.

use metabasin_interactions::EnergyLandscape;
use nalgebra::DVector;

use crate::minimizer::{DEFAULT_LONGEST_MOVE, DEFAULT_MAX_EVALUATIONS};
use crate::probe::{Point, Probe};
use crate::{Minimization, Minimizer};

/// Newton's method whose linear systems are solved by conjugate gradients only as well as they
/// deserve (Steihaug, SIAM J. Numer. Anal. 20, 626, 1983): directions of negative curvature are
/// followed to the edge of a trust region, translations are projected out.
///
/// Converges quadratically, to 1e-10 and below: differences of energies near rounding are taken
/// from the slopes, so steps are accepted where energies alone cannot tell. Polishes what the
/// other minimizers found.
#[derive(Clone, Debug)]
pub struct TruncatedNewton {
    max_evaluations: u64,
    longest_move: f64,
}

/// Share of the predicted decrease under which a step is taken back.
const ACCEPTED_SHARE: f64 = 1e-4;
/// Shares under and above which the trust region changes (Nocedal & Wright, algorithm 4.1).
const POOR_SHARE: f64 = 0.25;
const GOOD_SHARE: f64 = 0.75;
/// Steps taken back in a row after which the search is stuck.
const MOST_REFUSALS: u32 = 30;
/// Loosest relative residual of the linear system, far from the minimum.
const LOOSEST_RESIDUAL: f64 = 0.3;

impl Default for TruncatedNewton {
    fn default() -> Self {
        Self {
            max_evaluations: DEFAULT_MAX_EVALUATIONS,
            longest_move: DEFAULT_LONGEST_MOVE,
        }
    }
}

impl TruncatedNewton {
    /// Stops after this many evaluations and Hessian-vector products (default: 100,000).
    #[must_use]
    pub fn with_max_evaluations(mut self, max_evaluations: u64) -> Self {
        self.max_evaluations = max_evaluations;
        self
    }

    /// Moves no atom farther than this in one step `[length]` (default: 0.15).
    #[must_use]
    pub fn with_longest_move(mut self, longest_move: f64) -> Self {
        self.longest_move = longest_move;
        self
    }
}

/// Takes the mean out of each Cartesian component.
fn remove_translation(v: &mut DVector<f64>) {
    let atoms = (v.len() / 3) as f64;
    for axis in 0..3 {
        let mean = v.iter().skip(axis).step_by(3).sum::<f64>() / atoms;
        v.iter_mut()
            .skip(axis)
            .step_by(3)
            .for_each(|component| *component -= mean);
    }
}

/// A step and what the quadratic model says of it.
struct ModelStep {
    step: DVector<f64>,
    /// g·p, negative.
    slope: f64,
    /// p·Hp.
    curvature: f64,
    at_edge: bool,
}

impl ModelStep {
    fn predicted(&self, share: f64) -> f64 {
        share * self.slope + 0.5 * share * share * self.curvature
    }
}

/// The positive root t of |p + t d| = radius.
fn to_edge(p: &DVector<f64>, d: &DVector<f64>, radius: f64) -> f64 {
    let (pp, pd, dd) = (p.norm_squared(), p.dot(d), d.norm_squared());
    let discriminant = (pd * pd + dd * (radius * radius - pp)).max(0.0);
    (discriminant.sqrt() - pd) / dd
}

/// Conjugate gradients on H p = −g until the residual is small enough, the curvature is negative,
/// or the trust region ends.
fn model_step(
    probe: &mut Probe<'_>,
    here: &Point,
    radius: f64,
    relative_residual: f64,
) -> ModelStep {
    let project = probe.translation_invariant() && here.x.len() > 3;
    let force_goal = 0.25 * probe.force_tolerance();
    let mut step = DVector::zeros(here.x.len());
    let mut h_step = DVector::zeros(here.x.len());
    let mut residual = -&here.gradient;
    if project {
        remove_translation(&mut residual);
    }
    let goal = relative_residual * residual.norm();
    let mut direction = residual.clone();
    let mut squared = residual.norm_squared();
    let mut at_edge = false;
    for _ in 0..2 * here.x.len() {
        if probe.is_out_of_budget() {
            break;
        }
        let mut product = probe.hessian_vector(&here.x, &direction);
        if project {
            remove_translation(&mut product);
        }
        let curvature = direction.dot(&product);
        let share = squared / curvature;
        let outside = || (&step + share * &direction).norm() >= radius;
        let bent = !curvature.is_finite() || curvature <= 1e-14 * direction.norm_squared();
        if bent || outside() {
            let share = if curvature.is_finite() {
                to_edge(&step, &direction, radius)
            } else {
                0.0
            };
            step.axpy(share, &direction, 1.0);
            h_step.axpy(share, &product, 1.0);
            at_edge = true;
            break;
        }
        step.axpy(share, &direction, 1.0);
        h_step.axpy(share, &product, 1.0);
        residual.axpy(-share, &product, 1.0);
        if project {
            remove_translation(&mut residual);
        }
        let next = residual.norm_squared();
        if next.sqrt() <= goal || probe.longest_move(&residual) < force_goal {
            break;
        }
        direction *= next / squared;
        direction += &residual;
        squared = next;
    }
    ModelStep {
        slope: here.gradient.dot(&step),
        curvature: step.dot(&h_step),
        step,
        at_edge,
    }
}

impl Minimizer for TruncatedNewton {
    fn name(&self) -> &'static str {
        "truncated_newton"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization {
        let mut probe = Probe::new(landscape, start, force_tolerance, self.max_evaluations);
        let mut here = probe.best().clone();
        let mut iterations = 0;
        if probe.is_done() || !here.is_finite() {
            return probe.finish(iterations);
        }
        let mut radius = self.longest_move * (start.len() as f64).sqrt();
        let mut relative_residual = LOOSEST_RESIDUAL;
        let mut refusals = 0;
        while !probe.is_done() && refusals < MOST_REFUSALS {
            let model = model_step(&mut probe, &here, radius, relative_residual);
            let length = model.step.norm();
            let farthest = probe.longest_move(&model.step);
            if !(farthest.is_finite() && farthest > 0.0) {
                break;
            }
            let mut share = (self.longest_move / farthest).min(1.0);
            let resolution = probe.resolution();
            let mut stuck = true;
            while refusals < MOST_REFUSALS {
                let x = &here.x + share * &model.step;
                let Ok(there) = probe.at(&x) else { break };
                let gain = there.energy_above(&here, resolution) / model.predicted(share);
                // Where even slopes are noise, less force is still better.
                let level = (there.energy - here.energy).abs() <= resolution;
                let good = there.is_finite()
                    && (gain > ACCEPTED_SHARE
                        || (level && there.largest_force < here.largest_force));
                if good {
                    let there = there.clone();
                    let ratio = there.gradient.norm() / here.gradient.norm();
                    // Eisenstat & Walker, SIAM J. Sci. Comput. 17, 16 (1996), choice 2.
                    relative_residual = (0.9 * ratio * ratio).clamp(1e-8, LOOSEST_RESIDUAL);
                    if gain < POOR_SHARE {
                        radius = 0.5 * share * length;
                    } else if gain > GOOD_SHARE && model.at_edge && share == 1.0 {
                        radius *= 2.0;
                    }
                    here = there;
                    refusals = 0;
                    stuck = false;
                    break;
                }
                refusals += 1;
                share *= 0.25;
                radius = share * length;
            }
            iterations += 1;
            if stuck {
                break;
            }
        }
        probe.finish(iterations)
    }
}
