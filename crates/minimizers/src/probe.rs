//! The one door through which a minimization asks its landscape: it counts, remembers, and keeps
//! the best point.

use metabasin_interactions::EnergyLandscape;
use nalgebra::DVector;
use thiserror::Error;

use crate::{Minimization, MinimizationOutcome};

/// Up to this many resolutions of the energy, differences are taken from slopes: far enough to
/// leave the rounding behind, near enough for their third-order error to be nothing.
const SLOPE_RANGE: f64 = 1000.0;

/// A point that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub x: DVector<f64>,
    pub energy: f64,
    pub gradient: DVector<f64>,
    pub largest_force: f64,
}

impl Point {
    pub fn is_finite(&self) -> bool {
        self.energy.is_finite() && self.largest_force.is_finite()
    }

    /// E(self) − E(other), precise also where the energies differ by less than their rounding.
    ///
    /// There the difference comes from the slopes, ½ (g₁ + g₂)·(x₁ − x₂), whose error is of third
    /// order in the step: the approximate Wolfe test of Hager & Zhang (SIAM J. Optim. 16, 170,
    /// 2005), written as an energy.
    pub fn energy_above(&self, other: &Self, resolution: f64) -> f64 {
        let difference = self.energy - other.energy;
        if !difference.is_finite() || difference.abs() > SLOPE_RANGE * resolution {
            return difference;
        }
        let twice: f64 = self
            .x
            .iter()
            .zip(&other.x)
            .zip(self.gradient.iter().zip(&other.gradient))
            .map(|((x, y), (g, h))| (g + h) * (x - y))
            .sum();
        let by_slopes = 0.5 * twice;
        if by_slopes.abs() <= SLOPE_RANGE * resolution {
            by_slopes
        } else {
            difference
        }
    }
}

/// A probe refuses to answer: the evaluations allowed are spent, or the landscape is interrupted.
#[derive(Clone, Copy, Debug, Error)]
#[error("the evaluations allowed are spent")]
pub(crate) struct OutOfBudget;

/// A landscape under minimization.
pub(crate) struct Probe<'a> {
    landscape: &'a mut dyn EnergyLandscape,
    force_tolerance: f64,
    max_evaluations: u64,
    evaluations: u64,
    hessian_products: u64,
    /// Energy differences below this are rounding.
    resolution: f64,
    start: Point,
    /// The point asked last.
    last: Point,
    /// The lowest point; among points that differ by rounding only, the one of least force.
    best: Point,
    /// Lowest energy seen.
    lowest: f64,
    converged: Option<Point>,
}

impl<'a> Probe<'a> {
    /// Evaluates the start.
    pub fn new(
        landscape: &'a mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
        max_evaluations: u64,
    ) -> Self {
        assert_eq!(
            start.len(),
            landscape.dimension(),
            "the start must have one entry a coordinate"
        );
        let first = ask(landscape, DVector::from_column_slice(start));
        let resolution = landscape.energy_resolution(first.energy);
        let converged =
            (first.is_finite() && first.largest_force < force_tolerance).then(|| first.clone());
        Self {
            landscape,
            force_tolerance,
            max_evaluations,
            evaluations: 1,
            hessian_products: 0,
            resolution,
            lowest: first.energy,
            start: first.clone(),
            last: first.clone(),
            best: first,
            converged,
        }
    }

    /// The point at `x`, asked at most once in a row.
    pub fn at(&mut self, x: &DVector<f64>) -> Result<&Point, OutOfBudget> {
        if self.last.x == *x {
            return Ok(&self.last);
        }
        if self.best.x == *x {
            self.last = self.best.clone();
            return Ok(&self.last);
        }
        if self.is_out_of_budget() {
            return Err(OutOfBudget);
        }
        self.evaluations += 1;
        self.last = ask(self.landscape, x.clone());
        if self.last.is_finite() {
            self.judge();
        }
        Ok(&self.last)
    }

    fn judge(&mut self) {
        let point = &self.last;
        if point.energy < self.lowest {
            self.lowest = point.energy;
        }
        let lower = point.energy < self.best.energy - self.resolution;
        let level = point.energy <= self.lowest + self.resolution;
        if lower || (level && point.largest_force < self.best.largest_force) {
            self.best = point.clone();
        }
        // In a crystal the roundings of like pairs add up, to more than the resolution.
        if point.largest_force < self.force_tolerance
            && point.energy_above(&self.start, self.resolution) <= self.resolution
        {
            self.converged = Some(point.clone());
        }
    }

    /// H v at `x`.
    pub fn hessian_vector(&mut self, x: &DVector<f64>, v: &DVector<f64>) -> DVector<f64> {
        self.hessian_products += 1;
        let mut product = DVector::zeros(v.len());
        self.landscape
            .hessian_vector(x.as_slice(), v.as_slice(), product.as_mut_slice());
        product
    }

    /// The farthest that adding `step` moves an atom (or a coordinate).
    pub fn longest_move(&self, step: &DVector<f64>) -> f64 {
        self.landscape.largest_force(step.as_slice())
    }

    pub fn translation_invariant(&self) -> bool {
        self.landscape.translation_invariant()
    }

    pub fn force_tolerance(&self) -> f64 {
        self.force_tolerance
    }

    pub fn resolution(&self) -> f64 {
        self.resolution
    }

    pub fn last(&self) -> &Point {
        &self.last
    }

    pub fn best(&self) -> &Point {
        &self.best
    }

    pub fn is_done(&self) -> bool {
        self.converged.is_some()
    }

    /// Whether nothing may be asked any more.
    pub fn is_out_of_budget(&self) -> bool {
        self.evaluations + self.hessian_products >= self.max_evaluations
            || self.landscape.is_interrupted()
    }

    /// The report: converged if a point is, else interrupted, out of budget or stalled at the best point.
    pub fn finish(self, iterations: u64) -> Minimization {
        let (point, outcome) = if let Some(point) = self.converged {
            (point, MinimizationOutcome::Converged)
        } else if !self.best.is_finite() {
            let energy = self.best.energy;
            (self.best, MinimizationOutcome::NotFinite { energy })
        } else if self.landscape.is_interrupted() {
            (self.best, MinimizationOutcome::Interrupted)
        } else if self.is_out_of_budget() {
            let outcome = MinimizationOutcome::OutOfBudget {
                max_evaluations: self.max_evaluations,
                largest_force: self.best.largest_force,
            };
            (self.best, outcome)
        } else {
            let largest_force = self.best.largest_force;
            (self.best, MinimizationOutcome::Stalled { largest_force })
        };
        Minimization {
            x: point.x.as_slice().to_vec(),
            energy: point.energy,
            largest_force: point.largest_force,
            evaluations: self.evaluations,
            hessian_products: self.hessian_products,
            iterations,
            outcome,
        }
    }
}

fn ask(landscape: &mut dyn EnergyLandscape, x: DVector<f64>) -> Point {
    let mut gradient = DVector::zeros(x.len());
    let energy = landscape.evaluate(x.as_slice(), gradient.as_mut_slice());
    // A maximum of norms passes over NaN, a sum does not.
    let largest_force = if gradient.iter().sum::<f64>().is_finite() {
        landscape.largest_force(gradient.as_slice())
    } else {
        f64::NAN
    };
    Point {
        x,
        energy,
        gradient,
        largest_force,
    }
}
