//! ARTn: from a minimum, along a push, over the basin's edge and up to a saddle.

use metabasin_catalogue::EvaluationCounts;
use metabasin_interactions::{Counted, EnergyLandscape};

use crate::flat::{add_scaled, difference, dot, norm, remove_component, remove_translation, scale};
use crate::linear_solve::{SolveLimits, conjugate_gradient, minimal_residual, newton_residual};
use crate::lowest_mode::{LanczosLimits, LowestMode, lowest_mode};
use crate::preconditioner::{Identity, IncompleteCholesky, Preconditioner};
use crate::settings::SearchSettings;

/// Gradient steps of the climb in which the largest force must fall below its best value.
const PATIENCE: u32 = 25;
/// Eigenvalues above minus this do not count as negative: zero modes are rounding
/// `[energy / length²]`.
const LEAST_CURVATURE: f64 = 1e-3;
/// Below this force the linear solves are tightened for second-order convergence.
const NEWTON_FORCE: f64 = 0.5;
/// Newton steps to a saddle, and how far one may move an atom `[length]`.
const NEWTON_STEPS: usize = 8;
const NEWTON_RADIUS: f64 = 0.1;
/// A lowest mode that took more products than this shows that the preconditioner is stale.
const STALE_PRODUCTS: u64 = 4;
/// Most Hessian-vector products of one step there: shorter solves converge only linearly.
const NEWTON_PRODUCTS: usize = 60;

/// What a climb does where the lowest eigenvalue is positive (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenConvex {
    /// It is over: for stationary points that are only converged again.
    GiveUp,
    /// It goes on outward along the displacement so far, by `push_step`: finds the higher saddles
    /// around the pushed atoms.
    PushOutward,
    /// It goes on along the lowest mode, by the shorter `soft_step`: finds the low saddles that
    /// soft modes lead to.
    FollowMode,
}

/// From where to where a climb goes.
#[derive(Clone, Copy, Debug)]
pub struct Ascent<'a> {
    /// The minimum that it leaves, and its energy `[energy]`: modes point away from it.
    pub origin: (&'a [f64], f64),
    /// Where it starts.
    pub start: &'a [f64],
    /// Start vector of the first Lanczos iteration.
    pub guess: &'a [f64],
    /// Largest force of a stationary point `[energy / length]`.
    pub tolerance: f64,
    /// What to do where no eigenvalue is negative.
    pub when_convex: WhenConvex,
}

/// How a climb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClimbOutcome {
    /// At a stationary point whose lowest eigenvalue is negative.
    Saddle,
    /// The lowest eigenvalue never fell below the threshold.
    StayedInBasin,
    /// The lowest eigenvalue became positive again while climbing.
    LostNegativeCurvature,
    /// Too many force evaluations.
    OutOfBudget,
    /// Too high above the minimum.
    OutsideEnergyWindow,
    /// The largest force no longer falls.
    NotConverged,
}

/// Where a climb ended.
#[derive(Clone, Debug)]
pub struct Climb {
    /// Coordinates.
    pub x: Vec<f64>,
    /// Energy there `[energy]`.
    pub energy: f64,
    /// Largest force there `[energy / length]`.
    pub largest_force: f64,
    /// Lowest mode there, once one was computed.
    pub mode: Option<LowestMode>,
    /// What it cost: the stages basin, `lowest_mode` and climb.
    pub counts: EvaluationCounts,
    /// How it ended.
    pub outcome: ClimbOutcome,
}

/// A point on the landscape.
struct Point {
    x: Vec<f64>,
    energy: f64,
    gradient: Vec<f64>,
    largest_force: f64,
}

impl Point {
    fn at(landscape: &mut dyn EnergyLandscape, x: Vec<f64>) -> Self {
        let mut gradient = vec![0.0; x.len()];
        let energy = landscape.evaluate(&x, &mut gradient);
        Self {
            largest_force: landscape.largest_force(&gradient),
            x,
            energy,
            gradient,
        }
    }

    fn ended(
        self,
        mode: Option<LowestMode>,
        counts: EvaluationCounts,
        outcome: ClimbOutcome,
    ) -> Climb {
        Climb {
            x: self.x,
            energy: self.energy,
            largest_force: self.largest_force,
            mode,
            counts,
            outcome,
        }
    }
}

/// One ARTn search from the minimum `start` of energy `start_energy` along `push`, the
/// displacement of one push; ends at a stationary point with a negative eigenvalue or says why
/// not (Barkema & Mousseau, Phys. Rev. Lett. 77, 4358 (1996); the last stage converges to second
/// order).
pub fn climb_from_minimum(
    landscape: &mut dyn EnergyLandscape,
    start: &[f64],
    start_energy: f64,
    push: &[f64],
    when_convex: WhenConvex,
    settings: &SearchSettings,
    preconditioner: &dyn Preconditioner,
) -> Climb {
    let mut landscape = Counted::new(landscape);
    let mut counts = EvaluationCounts::default();
    let free = landscape.translation_invariant();
    let limits = LanczosLimits {
        vectors: settings.lanczos_vectors as usize,
        relative_change: 0.02,
        relative_residual: 0.1,
    };
    let mut direction = push.to_vec();
    if free {
        remove_translation(&mut direction);
    }
    let mut x = start.to_vec();
    add_scaled(&mut x, f64::from(settings.first_pushes), &direction);
    normalize(&mut direction);
    let mut guess = direction.clone();
    let mut point = Point::at(&mut landscape, x);
    for _ in 0..settings.basin_cycles {
        let before = landscape.force_evaluations();
        point = relaxed_across(&mut landscape, point, &direction, free, settings);
        counts.basin += landscape.force_evaluations() - before;
        let before = landscape.force_evaluations();
        let mode = lowest_mode(&mut landscape, &point.x, &guess, limits, preconditioner);
        counts.lowest_mode += landscape.force_evaluations() - before;
        guess = mode.direction;
        if mode.eigenvalue < -settings.escape_curvature {
            let ascent = Ascent {
                origin: (start, start_energy),
                start: &point.x,
                guess: &guess,
                tolerance: settings.force_tolerance,
                when_convex,
            };
            let mut climb = follow_mode(landscape.inner_mut(), &ascent, settings, preconditioner);
            counts.lowest_mode += climb.counts.lowest_mode;
            counts.climb += climb.counts.climb;
            climb.counts = counts;
            return climb;
        }
        // Farther out along what the push has become.
        direction = difference(&point.x, start);
        if free {
            remove_translation(&mut direction);
        }
        let mut x = point.x.clone();
        let size = landscape.largest_force(&direction);
        add_scaled(&mut x, settings.push_step / size, &direction);
        normalize(&mut direction);
        point = Point::at(&mut landscape, x);
        counts.basin += 1;
        if !point.energy.is_finite() {
            return point.ended(None, counts, ClimbOutcome::OutsideEnergyWindow);
        }
        if landscape.is_interrupted() {
            return point.ended(None, counts, ClimbOutcome::OutOfBudget);
        }
    }
    point.ended(None, counts, ClimbOutcome::StayedInBasin)
}

fn normalize(a: &mut [f64]) {
    let length = norm(a);
    scale(a, 1.0 / length);
}

/// A short relaxation perpendicular to the unit vector `direction`: only the stiffest strains give
/// way, so that the strained region does not slide back to the minimum.
fn relaxed_across(
    landscape: &mut dyn EnergyLandscape,
    point: Point,
    direction: &[f64],
    free: bool,
    settings: &SearchSettings,
) -> Point {
    let project = |a: &mut [f64]| {
        if free {
            remove_translation(a);
        }
        remove_component(a, direction);
    };
    let mut right = point.gradient;
    scale(&mut right, -1.0);
    let solution = conjugate_gradient(
        landscape,
        &point.x,
        &right,
        &project,
        &Identity,
        SolveLimits {
            relative_residual: 0.1,
            products: settings.basin_products as usize,
            radius: settings.relaxation_step,
        },
    );
    let mut x = point.x;
    add_scaled(&mut x, 1.0, &solution.step);
    Point::at(landscape, x)
}

/// Climbs from `x` along the lowest mode, starting Lanczos from `guess`, and converges to a
/// stationary point with a negative eigenvalue and a largest force below `tolerance`.
///
/// Every step maximizes along the lowest mode v and minimizes in the space perpendicular to it:
/// −(g·v)/λ along v and, perpendicular to v, the solution of P H P s = −P g by conjugate gradients;
/// both are cut by trust radii that follow how well the quadratic model predicts the new gradient.
#[expect(
    clippy::too_many_lines,
    reason = "one loop over one state: splitting it would hide the order of steps"
)]
pub fn follow_mode(
    landscape: &mut dyn EnergyLandscape,
    ascent: &Ascent,
    settings: &SearchSettings,
    preconditioner: &dyn Preconditioner,
) -> Climb {
    let (origin, origin_energy) = ascent.origin;
    let mut landscape = Counted::new(landscape);
    let mut counts = EvaluationCounts::default();
    let free = landscape.translation_invariant();
    let mut point = Point::at(&mut landscape, ascent.start.to_vec());
    let mut guess = ascent.guess.to_vec();
    let mut trust = 1.0_f64;
    let mut best_force = f64::INFINITY;
    let mut since_best = 0;
    let mut iteration = 0;
    let mut convex_steps = settings.convex_steps;
    let mut fresh: Option<IncompleteCholesky> = None;
    let mut newton = NEWTON_FORCE;
    // Where it only converges again, steps may be as long as the model allows, and soft modes that
    // have changed since the minimum are worth a factorization of their own.
    let again = ascent.when_convex == WhenConvex::GiveUp;
    loop {
        let near = point.largest_force < NEWTON_FORCE;
        let limits = LanczosLimits {
            vectors: settings.lanczos_vectors as usize,
            relative_change: if near { 0.002 } else { 0.02 },
            relative_residual: if near { 0.02 } else { 0.1 },
        };
        counts.climb = landscape.force_evaluations() - counts.lowest_mode;
        let mode = lowest_mode(
            &mut landscape,
            &point.x,
            &guess,
            limits,
            fresh.as_ref().map_or(preconditioner, |fresh| fresh),
        );
        counts.lowest_mode = landscape.force_evaluations() - counts.climb;
        if again && mode.products > STALE_PRODUCTS {
            fresh = IncompleteCholesky::at(&mut landscape, &point.x, &core_of(&mode.direction));
        }
        let lambda = mode.eigenvalue;
        let mut v = mode.direction.clone();
        if dot(&v, &difference(&point.x, origin)) < 0.0 {
            scale(&mut v, -1.0);
        }
        guess.clone_from(&v);
        if point.largest_force < ascent.tolerance && lambda < -LEAST_CURVATURE {
            return point.ended(Some(mode), counts, ClimbOutcome::Saddle);
        }
        if landscape.force_evaluations() > settings.max_force_evaluations
            || landscape.is_interrupted()
        {
            return point.ended(Some(mode), counts, ClimbOutcome::OutOfBudget);
        }
        if !point.energy.is_finite()
            || (iteration > 3 && point.energy > origin_energy + settings.energy_window)
        {
            return point.ended(Some(mode), counts, ClimbOutcome::OutsideEnergyWindow);
        }
        if point.largest_force < 0.95 * best_force {
            best_force = point.largest_force;
            since_best = 0;
        } else {
            since_best += 1;
            if since_best > PATIENCE {
                return point.ended(Some(mode), counts, ClimbOutcome::NotConverged);
            }
        }
        if point.largest_force < newton && lambda < -LEAST_CURVATURE {
            newton = 0.1 * point.largest_force;
            if let Some(saddle) =
                newton_to_saddle(&mut landscape, &point, &mode.direction, ascent.tolerance)
            {
                point = saddle;
                continue;
            }
        }
        iteration += 1;
        let parallel = dot(&point.gradient, &v);
        let uphill = settings.uphill_step * trust;
        if lambda > -LEAST_CURVATURE {
            let (mut outward, size) = match ascent.when_convex {
                WhenConvex::PushOutward if convex_steps > 0 => {
                    (difference(&point.x, origin), settings.push_step)
                }
                WhenConvex::FollowMode if convex_steps > 0 => (v.clone(), settings.soft_step),
                _ => return point.ended(Some(mode), counts, ClimbOutcome::LostNegativeCurvature),
            };
            convex_steps -= 1;
            if free {
                remove_translation(&mut outward);
            }
            let mut x = point.x.clone();
            add_scaled(&mut x, size / landscape.largest_force(&outward), &outward);
            point = Point::at(&mut landscape, x);
            best_force = f64::INFINITY;
            since_best = 0;
            iteration = 0;
            continue;
        }
        let along = (-parallel / lambda).clamp(-uphill, uphill);
        let project = |a: &mut [f64]| {
            if free {
                remove_translation(a);
            }
            remove_component(a, &v);
        };
        let mut right = point.gradient.clone();
        scale(&mut right, -1.0);
        let gentle = !near && !again && iteration <= settings.gentle_steps;
        let solution = conjugate_gradient(
            &mut landscape,
            &point.x,
            &right,
            &project,
            if gentle {
                &Identity
            } else {
                fresh.as_ref().map_or(preconditioner, |fresh| fresh)
            },
            SolveLimits {
                relative_residual: if near {
                    (0.1 * point.largest_force).clamp(1e-3, 0.03)
                } else {
                    // Not below the force along the mode: more would slide back into the basin.
                    let mut across = point.gradient.clone();
                    remove_component(&mut across, &v);
                    (parallel.abs() / norm(&across)).clamp(0.2, 1.0)
                },
                products: if gentle {
                    settings.basin_products as usize
                } else if near {
                    NEWTON_PRODUCTS
                } else {
                    settings.climb_products as usize
                },
                radius: settings.relaxation_step * trust,
            },
        );
        let mut step = solution.step;
        add_scaled(&mut step, along, &v);
        let mut x = point.x.clone();
        add_scaled(&mut x, 1.0, &step);
        let next = Point::at(&mut landscape, x);
        if !next.energy.is_finite() || next.largest_force > 1e4 {
            trust *= 0.25;
            if trust < 1e-3 {
                return point.ended(Some(mode), counts, ClimbOutcome::NotConverged);
            }
            continue;
        }
        // g + H s, with H v from Lanczos.
        let mut predicted = point.gradient.clone();
        add_scaled(&mut predicted, 1.0, &solution.image);
        let sign = if dot(&v, &mode.direction) < 0.0 {
            -1.0
        } else {
            1.0
        };
        add_scaled(&mut predicted, along * sign, &mode.image);
        let error = norm(&difference(&next.gradient, &predicted))
            / norm(&difference(&next.gradient, &point.gradient)).max(1e-300);
        if error < 0.3 {
            trust = (trust * 1.5).min(2.0);
        } else if error > 0.7 {
            trust = (trust * 0.6).max(0.1);
        }
        point = next;
    }
}

/// Newton's method for a stationary point close by: H s = −g by minimal residuals, preconditioned by
/// the incomplete factorization of |H|. `None` where the landscape has none, or where the largest
/// force does not fall below `tolerance` in few short steps.
fn newton_to_saddle(
    landscape: &mut dyn EnergyLandscape,
    from: &Point,
    mode: &[f64],
    tolerance: f64,
) -> Option<Point> {
    let free = landscape.translation_invariant();
    let project = |a: &mut [f64]| {
        if free {
            remove_translation(a);
        }
    };
    let preconditioner = IncompleteCholesky::at(landscape, &from.x, &core_of(mode))?;
    let mut x = from.x.clone();
    let mut gradient = from.gradient.clone();
    let mut largest_force = from.largest_force;
    for _ in 0..NEWTON_STEPS {
        if landscape.is_interrupted() {
            return None;
        }
        let mut right = gradient;
        scale(&mut right, -1.0);
        let solution = minimal_residual(
            landscape,
            &x,
            &right,
            &project,
            &preconditioner,
            SolveLimits {
                relative_residual: newton_residual(largest_force, tolerance),
                products: NEWTON_PRODUCTS,
                radius: f64::INFINITY,
            },
        );
        let length = landscape.largest_force(&solution.step);
        if !length.is_finite() {
            return None;
        }
        add_scaled(
            &mut x,
            f64::min(1.0, NEWTON_RADIUS / length),
            &solution.step,
        );
        let point = Point::at(landscape, x);
        if point.largest_force < tolerance {
            return Some(point);
        }
        if point.largest_force.is_nan() || point.largest_force >= largest_force {
            return None;
        }
        (x, gradient, largest_force) = (point.x, point.gradient, point.largest_force);
    }
    None
}

/// Most atoms of a core.
const CORE: usize = 30;

/// The atoms that carry a mode, ascending.
pub(crate) fn core_of(mode: &[f64]) -> Vec<usize> {
    let weights: Vec<f64> = mode
        .chunks_exact(3)
        .map(|triple| dot(triple, triple))
        .collect();
    let mut atoms: Vec<usize> = (0..weights.len()).collect();
    atoms.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    atoms.truncate(CORE);
    atoms.sort_unstable();
    atoms
}
