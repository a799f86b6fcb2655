//! FIRE 2.0: damped dynamics.

use metabasin_interactions::EnergyLandscape;
use nalgebra::DVector;

use crate::minimizer::{DEFAULT_LONGEST_MOVE, DEFAULT_MAX_EVALUATIONS};
use crate::probe::Probe;
use crate::{Minimization, Minimizer};

/// The fast inertial relaxation engine, version 2.0 (Guénolé et al., Comput. Mater. Sci. 175,
/// 109584, 2020): semi-implicit Euler dynamics of unit masses whose velocity is turned towards
/// the force, and which is halted and set back by half a step whenever it runs uphill.
///
/// The unit of time is set by the stiffest direction of the landscape (a few Hessian-vector
/// products now and then), so that no time step has to be chosen.
#[derive(Clone, Debug)]
pub struct Fire {
    max_evaluations: u64,
    longest_move: f64,
}

/// Steps of power iteration that estimate the largest curvature at the start: 20 % suffice.
const FIRST_PRODUCTS: usize = 8;
/// The estimate is renewed after this many steps, by so many products: atoms that overlapped at
/// the start would slow the clock for good.
const RENEWAL: u64 = 50;
const RENEWAL_PRODUCTS: usize = 3;
/// First and longest time step, in units of 1/√(largest curvature). 2 is the limit of stability of a
/// parabola without friction: in a glass 1.2 costs a fifth more evaluations than 0.9, and 1.4 ten times as
/// many, because it turns uphill again and again.
const FIRST_TIME_STEP: f64 = 0.2;
const LONGEST_TIME_STEP: f64 = 0.9;
const SHORTEST_TIME_STEP: f64 = 0.004;
/// Delay, increase and decrease of the time step, mixing and its decrease, as the paper's Table 1; but
/// half its delay, which saves a twentieth of the evaluations where the time step is known to be stable.
const DELAY: u64 = 10;
const INCREASE: f64 = 1.1;
const DECREASE: f64 = 0.5;
const MIXING: f64 = 0.25;
const MIXING_DECREASE: f64 = 0.99;
/// Uphill turns in a row without progress after which the dynamics is at rest.
const MOST_TURNS: u64 = 200;

impl Default for Fire {
    fn default() -> Self {
        Self {
            max_evaluations: DEFAULT_MAX_EVALUATIONS,
            longest_move: DEFAULT_LONGEST_MOVE,
        }
    }
}

impl Fire {
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

/// The unit of time, 1/√(largest curvature), followed by power iteration.
struct Clock {
    direction: DVector<f64>,
    unit: f64,
}

impl Clock {
    fn new(force: &DVector<f64>) -> Self {
        Self {
            direction: force.normalize(),
            unit: 1.0,
        }
    }

    /// Measures the curvature at `x`, by so many products.
    fn set(&mut self, probe: &mut Probe<'_>, x: &DVector<f64>, products: usize) {
        for _ in 0..products {
            if probe.is_out_of_budget() {
                return;
            }
            let product = probe.hessian_vector(x, &self.direction);
            let curvature = product.norm();
            if !(curvature.is_finite() && curvature > 0.0) {
                return;
            }
            self.unit = curvature.sqrt().recip();
            self.direction = product / curvature;
        }
    }
}

impl Minimizer for Fire {
    fn name(&self) -> &'static str {
        "fire"
    }

    fn minimize(
        &self,
        landscape: &mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
    ) -> Minimization {
        let mut probe = Probe::new(landscape, start, force_tolerance, self.max_evaluations);
        if probe.is_done() || !probe.best().is_finite() {
            return probe.finish(0);
        }
        let mut x = probe.best().x.clone();
        let mut force = -&probe.best().gradient;
        let mut clock = Clock::new(&force);
        clock.set(&mut probe, &x, FIRST_PRODUCTS);
        let mut velocity = DVector::zeros(x.len());
        let mut time_step = FIRST_TIME_STEP * clock.unit;
        let mut mixing = MIXING;
        let mut downhill_steps = 0;
        let mut turns = 0;
        let mut least_force = probe.best().largest_force;
        let mut lowest = probe.best().energy;
        let resolution = probe.resolution();
        let mut iterations = 0;
        loop {
            if iterations > 0 && iterations % RENEWAL == 0 {
                let here = probe.last().x.clone();
                clock.set(&mut probe, &here, RENEWAL_PRODUCTS);
            }
            if velocity.dot(&force) > 0.0 {
                downhill_steps += 1;
                if downhill_steps > DELAY {
                    time_step = (INCREASE * time_step).min(LONGEST_TIME_STEP * clock.unit);
                    mixing *= MIXING_DECREASE;
                }
            } else {
                downhill_steps = 0;
                turns += 1;
                if iterations > 0 {
                    time_step = (DECREASE * time_step).max(SHORTEST_TIME_STEP * clock.unit);
                    // The half step back, along the velocity that ran uphill.
                    x.axpy(-0.5 * time_step, &velocity, 1.0);
                }
                mixing = MIXING;
                velocity.fill(0.0);
            }
            velocity.axpy(time_step, &force, 1.0);
            let (speed, strength) = (velocity.norm(), force.norm());
            if strength > 0.0 {
                velocity.axpy(mixing * speed / strength, &force, 1.0 - mixing);
            }
            let farthest = probe.longest_move(&velocity) * time_step;
            if farthest > self.longest_move {
                velocity *= self.longest_move / farthest;
            }
            x.axpy(time_step, &velocity, 1.0);
            iterations += 1;
            let Ok(point) = probe.at(&x) else { break };
            if point.is_finite() {
                force.copy_from(&point.gradient);
                force.neg_mut();
                let progress =
                    point.largest_force < 0.99 * least_force || point.energy < lowest - resolution;
                least_force = least_force.min(point.largest_force);
                lowest = lowest.min(point.energy);
                if progress {
                    turns = 0;
                }
            } else {
                // Too far: from rest at the best point, with a shorter step.
                x.copy_from(&probe.best().x);
                force.copy_from(&probe.best().gradient);
                force.neg_mut();
                velocity.fill(0.0);
                time_step = (0.1 * time_step).max(SHORTEST_TIME_STEP * clock.unit);
                turns += 1;
            }
            if probe.is_done() || turns > MOST_TURNS {
                break;
            }
        }
        probe.finish(iterations)
    }
}
