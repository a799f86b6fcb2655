//! The path of steepest descent itself, followed in time.

use metabasin_interactions::EnergyLandscape;

use crate::descent::{Descent, DescentLimits, DescentOutcome, descend};
use crate::flat::{add_scaled, difference, norm, remove_translation, scale};
use crate::preconditioner::Preconditioner;

/// Limits of a gradient flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowLimits {
    /// Largest force at the end `[energy / length]`.
    pub force_tolerance: f64,
    /// Estimated error of each step, the largest over atoms `[length]`.
    pub step_error: f64,
    /// Evaluations, Hessian-vector products counted.
    pub evaluations: u64,
}

/// Where a gradient flow ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Coordinates.
    pub x: Vec<f64>,
    /// Energy there.
    pub energy: f64,
    /// ∂E/∂x there.
    pub gradient: Vec<f64>,
    /// Its size, as the landscape measures it.
    pub largest_force: f64,
    /// The time t of dx/dt = −∂E/∂x `[length² / energy]`.
    pub time: f64,
    /// Evaluations spent, Hessian-vector products counted.
    pub evaluations: u64,
}

/// Steps after which the largest curvature is looked for again.
const STEPS_WITH_ONE_CURVATURE: u32 = 25;
/// Products of the power iteration for it, at first and again.
const POWER_PRODUCTS: [u32; 2] = [25, 8];
/// By how much the power iteration, which comes from below, may be short.
const CURVATURE_MARGIN: f64 = 1.15;
/// Damping ε of the stability polynomials.
const DAMPING: f64 = 2.0 / 13.0;
/// Most stages of a step.
const STAGES: usize = 120;

/// Follows dx/dt = −∂E/∂x from `start` until the largest force is below the tolerance, or the
/// evaluations are spent.
///
/// Basins of attraction are those of this flow: minimizers that take longer steps cross their borders
/// now and then (Asenjo, Stevenson, Wales & Frenkel, J. Phys. Chem. B 117, 12717 (2013)). The equation
/// is stiff with a symmetric Jacobian, so it is integrated by the stabilized explicit
/// Runge-Kutta-Chebyshev method of second order, whose stability interval grows as the square of the
/// stages (Sommeijer, Shampine & Verwer, J. Comput. Appl. Math. 88, 315 (1998), eqs. 2.4 to 2.9),
/// with their error estimate and step control; a step that raises the energy is refused.
pub fn gradient_flow(
    landscape: &mut dyn EnergyLandscape,
    start: &[f64],
    limits: FlowLimits,
) -> Flow {
    let mut gradient = vec![0.0; start.len()];
    let energy = landscape.evaluate(start, &mut gradient);
    let mut at = Flow {
        x: start.to_vec(),
        energy,
        largest_force: landscape.largest_force(&gradient),
        gradient,
        time: 0.0,
        evaluations: 1,
    };
    let mut stiffest = Stiffest::new(start.len());
    let mut duration = f64::NAN;
    let mut after = u32::MAX;
    while at.largest_force >= limits.force_tolerance
        && at.evaluations < limits.evaluations
        && !landscape.is_interrupted()
    {
        if after >= STEPS_WITH_ONE_CURVATURE {
            at.evaluations += stiffest.find(landscape, &at.x);
            after = 0;
            if duration.is_nan() {
                duration = 1.0 / stiffest.curvature;
            }
        }
        let longest = 0.65 * ((STAGES * STAGES) as f64 - 1.0) / stiffest.curvature;
        duration = duration.min(longest);
        let step = Chebyshev::over(duration * stiffest.curvature).step(landscape, &at, duration);
        at.evaluations += step.evaluations;
        let error = landscape.largest_force(&step.error) / limits.step_error;
        let resolution = landscape.energy_resolution(at.energy);
        // What is no number is refused, too.
        if error <= 1.0 && step.energy <= at.energy + resolution {
            at.x = step.x;
            at.energy = step.energy;
            at.gradient = step.gradient;
            at.largest_force = landscape.largest_force(&at.gradient);
            at.time += duration;
            after += 1;
            duration *= (0.8 * error.powf(-1.0 / 3.0)).clamp(0.1, 5.0);
        } else {
            let factor = 0.8 * error.powf(-1.0 / 3.0);
            duration *= if factor < 0.5 { factor.max(0.1) } else { 0.5 };
            // A curvature that was underestimated looks like an error of the step.
            after = STEPS_WITH_ONE_CURVATURE;
        }
    }
    at
}

/// Estimated error of each step of a descent, the largest over atoms `[length]`.
const STEP_ERROR: f64 = 3e-3;
/// Below this force a minimizer may take over `[energy / length]`,
const HANDOVER_FORCE: f64 = 0.1;
/// if no atom has farther to go than this `[length]`.
const HANDOVER_DISTANCE: f64 = 0.03;
/// Evaluations of a flow for each that a minimizer may take.
const PATIENCE: u64 = 50;

/// Minimizes from `start` along the path of steepest descent; only the last short stretch, where the
/// force is small and no border of a basin near, is left to a minimizer.
pub(crate) fn descend_by_flow(
    landscape: &mut dyn EnergyLandscape,
    start: &[f64],
    preconditioner: &dyn Preconditioner,
    limits: DescentLimits,
) -> Descent {
    let mut x = start.to_vec();
    let mut force_tolerance = HANDOVER_FORCE;
    loop {
        let flow_limits = FlowLimits {
            force_tolerance,
            step_error: STEP_ERROR,
            evaluations: PATIENCE * limits.evaluations,
        };
        let flow = gradient_flow(landscape, &x, flow_limits);
        let end = descend(landscape, &flow.x, preconditioner, limits);
        if flow.largest_force >= force_tolerance {
            return Descent {
                outcome: DescentOutcome::OutOfBudget,
                ..end
            };
        }
        let left = landscape.largest_force(&difference(&flow.x, &end.x));
        if left < HANDOVER_DISTANCE || force_tolerance < limits.force_tolerance {
            return end;
        }
        x = flow.x;
        force_tolerance *= 0.1;
    }
}

/// The largest curvature by power iteration, the direction kept from one time to the next.
struct Stiffest {
    direction: Vec<f64>,
    curvature: f64,
    found: bool,
}

impl Stiffest {
    fn new(size: usize) -> Self {
        // Any direction without symmetry will do.
        let direction = (0..size).map(|k| (1.0 + k as f64 * 1.7).sin()).collect();
        Self {
            direction,
            curvature: 0.0,
            found: false,
        }
    }

    /// Finds it at `x`; returns the products spent.
    fn find(&mut self, landscape: &mut dyn EnergyLandscape, x: &[f64]) -> u64 {
        let products = POWER_PRODUCTS[usize::from(self.found)];
        let mut image = vec![0.0; x.len()];
        for _ in 0..products {
            if landscape.translation_invariant() {
                remove_translation(&mut self.direction);
            }
            let length = norm(&self.direction);
            scale(&mut self.direction, 1.0 / length);
            landscape.hessian_vector(x, &self.direction, &mut image);
            std::mem::swap(&mut self.direction, &mut image);
            if landscape.is_interrupted() {
                break;
            }
        }
        // The norm of the image lies closer to the largest curvature than the Rayleigh quotient.
        self.curvature = CURVATURE_MARGIN * norm(&self.direction);
        self.found = true;
        u64::from(products)
    }
}

/// One step that was tried.
struct Step {
    x: Vec<f64>,
    energy: f64,
    gradient: Vec<f64>,
    /// Estimate of the local error.
    error: Vec<f64>,
    evaluations: u64,
}

/// The Runge-Kutta-Chebyshev method of second order with so many stages.
struct Chebyshev {
    stages: usize,
    /// w₁ = T′ₛ(w₀) / T″ₛ(w₀).
    w1: f64,
    w0: f64,
    /// T_j(w₀) and b_j.
    values: Vec<(f64, f64)>,
}

impl Chebyshev {
    /// With the stages that keep a step of this length times largest curvature stable:
    /// 2/3 (s² − 1)(1 − 2ε/15) of it.
    fn over(length: f64) -> Self {
        let stages = 1 + (1.54 * length + 1.0).sqrt() as usize;
        Self::with(stages.max(2))
    }

    fn with(stages: usize) -> Self {
        let w0 = 1.0 + DAMPING / (stages * stages) as f64;
        // T, T′ and T″ at w₀ by their recurrences.
        let mut t = vec![[1.0, 0.0, 0.0], [w0, 1.0, 0.0]];
        for j in 2..=stages {
            let ([a, a1, a2], [b, b1, b2]) = (t[j - 1], t[j - 2]);
            t.push([
                2.0 * w0 * a - b,
                2.0 * a + 2.0 * w0 * a1 - b1,
                4.0 * a1 + 2.0 * w0 * a2 - b2,
            ]);
        }
        let b = |j: usize| match j {
            1 => 1.0 / w0,
            j => t[j.max(2)][2] / t[j.max(2)][1].powi(2),
        };
        Self {
            stages,
            w1: t[stages][1] / t[stages][2],
            w0,
            values: (0..=stages).map(|j| (t[j][0], b(j))).collect(),
        }
    }

    /// One step of this duration.
    fn step(&self, landscape: &mut dyn EnergyLandscape, at: &Flow, duration: f64) -> Step {
        let mut before = at.x.clone();
        let mut x = at.x.clone();
        add_scaled(&mut x, -self.values[1].1 * self.w1 * duration, &at.gradient);
        let mut gradient = vec![0.0; x.len()];
        for j in 2..=self.stages {
            if landscape.is_interrupted() {
                break;
            }
            landscape.evaluate(&x, &mut gradient);
            let ((_, b), (t1, b1), (_, b2)) =
                (self.values[j], self.values[j - 1], self.values[j - 2]);
            let mu = 2.0 * b * self.w0 / b1;
            let nu = -b / b2;
            let slope = 2.0 * b * self.w1 / b1 * duration;
            let initial_slope = -(1.0 - b1 * t1) * slope;
            // `before` becomes the new stage.
            for k in 0..x.len() {
                before[k] = (1.0 - mu - nu) * at.x[k] + mu * x[k] + nu * before[k]
                    - slope * gradient[k]
                    - initial_slope * at.gradient[k];
            }
            std::mem::swap(&mut before, &mut x);
        }
        let energy = landscape.evaluate(&x, &mut gradient);
        let mut error = difference(&at.x, &x);
        scale(&mut error, 0.8);
        add_scaled(&mut error, -0.4 * duration, &at.gradient);
        add_scaled(&mut error, -0.4 * duration, &gradient);
        Step {
            x,
            energy,
            gradient,
            error,
            evaluations: self.stages as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use metabasin_testkit::{MuellerBrown, Quadratic};

    use super::*;
    use crate::flat::dot;

    #[test]
    fn a_parabola_is_descended_along_its_exponentials() {
        let spectrum = vec![-0.4, 0.3, 1.0, 7.0, 40.0, 900.0, 2500.0];
        let mut parabola = Quadratic::new(spectrum.clone());
        let start = [0.02, -0.5, 0.3, 0.8, -0.1, 0.2, 0.4];
        let mut off = |step_error: f64, evaluations: u64| {
            let limits = FlowLimits {
                force_tolerance: 0.0,
                step_error,
                evaluations,
            };
            let flow = gradient_flow(&mut parabola.clone(), &start, limits);
            assert!(flow.time > 0.1, "{}", flow.time);
            let mut exact = vec![0.0; start.len()];
            for (k, eigenvalue) in spectrum.iter().enumerate() {
                let mode = parabola.eigenvector(k);
                let amplitude = dot(&mode, &start) * (-eigenvalue * flow.time).exp();
                add_scaled(&mut exact, amplitude, &mode);
            }
            let mut gradient = vec![0.0; start.len()];
            let energy = parabola.evaluate(&flow.x, &mut gradient);
            assert_eq!((energy, &gradient), (flow.energy, &flow.gradient));
            parabola.largest_force(&difference(&flow.x, &exact))
        };
        // Errors of steps add up, over some ten of them.
        let (coarse, fine) = (off(1e-4, 300), off(1e-6, 1200));
        assert!(coarse < 1e-3 && fine < 2e-5, "{coarse} {fine}");
    }

    #[test]
    fn a_step_is_of_second_order() {
        let spectrum = vec![0.3, 1.0, 4.0];
        let mut parabola = Quadratic::new(spectrum.clone());
        let start = vec![0.7, -0.4, 0.2];
        let mut gradient = vec![0.0; 3];
        let energy = parabola.evaluate(&start, &mut gradient);
        let at = Flow {
            x: start.clone(),
            energy,
            largest_force: parabola.largest_force(&gradient),
            gradient,
            time: 0.0,
            evaluations: 1,
        };
        for stages in [2, 3, 7, 20] {
            let off = |duration: f64| {
                let step = Chebyshev::with(stages).step(&mut parabola.clone(), &at, duration);
                let mut exact = vec![0.0; 3];
                for (k, eigenvalue) in spectrum.iter().enumerate() {
                    let mode = parabola.eigenvector(k);
                    let amplitude = dot(&mode, &start) * (-eigenvalue * duration).exp();
                    add_scaled(&mut exact, amplitude, &mode);
                }
                (norm(&difference(&step.x, &exact)), norm(&step.error))
            };
            let ((long, _), (short, estimate)) = (off(0.02), off(0.01));
            assert!(
                (long / short - 8.0).abs() < 0.6,
                "{stages}: {}",
                long / short
            );
            // The estimate is for the 1/15 h³ x‴ that is left with many stages.
            assert!(
                estimate > 0.5 * short && estimate < 3.0 * short,
                "{stages}: {estimate} of {short}"
            );
        }
    }

    #[test]
    fn a_step_is_stable_up_to_its_largest_curvature() {
        for length in [0.5, 3.0, 20.0, 300.0, 5000.0] {
            let spectrum: Vec<f64> = (1..=200).map(|k| length * f64::from(k) / 200.0).collect();
            let mut parabola = Quadratic::new(spectrum);
            let start: Vec<f64> = (0..200).map(|k| f64::from(k).cos()).collect();
            let mut gradient = vec![0.0; 200];
            let energy = parabola.evaluate(&start, &mut gradient);
            let at = Flow {
                x: start.clone(),
                energy,
                largest_force: 1.0,
                gradient,
                time: 0.0,
                evaluations: 1,
            };
            let step = Chebyshev::over(length).step(&mut parabola.clone(), &at, 1.0);
            for k in 0..200 {
                let mode = parabola.eigenvector(k);
                assert!(dot(&mode, &step.x).abs() <= 1.0001 * dot(&mode, &start).abs());
            }
        }
    }

    #[test]
    fn both_sides_of_the_mueller_brown_saddles_lead_to_the_minima_beside_them() {
        let limits = FlowLimits {
            force_tolerance: 1e-8,
            step_error: 1e-5,
            evaluations: 10_000,
        };
        let down = |x: [f64; 2]| {
            let flow = gradient_flow(&mut MuellerBrown, &x, limits);
            assert!(flow.largest_force < 1e-8, "{flow:?}");
            let near = |m: &[f64; 2]| (m[0] - flow.x[0]).hypot(m[1] - flow.x[1]) < 1e-9;
            MuellerBrown::MINIMA.iter().position(|m| near(&m.x))
        };
        for (saddle, beside) in [(0, [0, 2]), (1, [1, 2])] {
            let [x, y] = MuellerBrown::SADDLES[saddle].x;
            let mut ends = [down([x - 0.005, y + 0.005]), down([x + 0.005, y - 0.005])];
            ends.sort_unstable();
            assert_eq!(ends, beside.map(Some));
        }
    }
}
