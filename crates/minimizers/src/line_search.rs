//! More-Thuente's line search with guards: a first step of the right length, no step too far, and
//! steps onto undefined energies taken back.

use argmin::core::{
    ArgminError, CostFunction, Error, Gradient, KV, LineSearch, Problem, Solver, State,
    TerminationReason,
};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use nalgebra::DVector;

use crate::descent::{Descent, Iterate};

/// Sufficient decrease, c₁ of the Wolfe conditions.
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// Trials after which the lowest one is taken.
const MOST_TRIALS: u32 = 20;

/// How long the first trial of a line search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstTrial {
    /// One, for directions that are scaled already (quasi-Newton).
    Unit,
    /// As much first-order decrease as the line search before (Nocedal & Wright, eq. 3.60).
    SameDecrease,
}

/// A line search along a direction from the origin of a [`Descent`].
#[derive(Clone)]
pub(crate) struct GuardedLineSearch<'d, 'p> {
    descent: &'d Descent<'p>,
    first_trial: FirstTrial,
    /// c₂ of the Wolfe conditions.
    curvature_constant: f64,
    /// The farthest that an atom may move `[length]`.
    longest_move: f64,
    inner: MoreThuenteLineSearch<DVector<f64>, DVector<f64>, f64>,
    direction: Option<DVector<f64>>,
    trials: u32,
    /// The trial of lowest cost below the origin.
    lowest: Option<(f64, DVector<f64>, DVector<f64>)>,
}

fn stuck(text: &str) -> Error {
    ArgminError::ConditionViolated {
        text: text.to_owned(),
    }
    .into()
}

impl<'d, 'p> GuardedLineSearch<'d, 'p> {
    pub fn new(
        descent: &'d Descent<'p>,
        first_trial: FirstTrial,
        curvature_constant: f64,
        longest_move: f64,
    ) -> Self {
        Self {
            descent,
            first_trial,
            curvature_constant,
            longest_move,
            inner: MoreThuenteLineSearch::new(),
            direction: None,
            trials: 0,
            lowest: None,
        }
    }

    fn along(&self) -> Result<&DVector<f64>, Error> {
        self.direction
            .as_ref()
            .ok_or_else(|| stuck("a line search needs a direction"))
    }

    /// The first trial, unless it is too far.
    fn first_step(&self, direction: &DVector<f64>) -> Result<f64, Error> {
        let slope = self.descent.origin().gradient.dot(direction);
        if slope >= 0.0 || !slope.is_finite() {
            return Err(stuck("the direction does not go down"));
        }
        Ok(match (self.descent.last_decrease(), self.first_trial) {
            // A fresh solver's steepest descent has no scale: to the minimum of the parabola.
            (None, _) => {
                let curvature = self.descent.curvature(direction);
                if curvature > 0.0 {
                    -slope / curvature
                } else {
                    f64::INFINITY
                }
            }
            (Some(_), FirstTrial::Unit) => 1.0,
            (Some(decrease), FirstTrial::SameDecrease) => decrease / -slope,
        })
    }

    /// Sets up More-Thuente's search from the origin with trials up to `ceiling`.
    fn aim<O>(
        &mut self,
        problem: &mut Problem<O>,
        state: Iterate,
        first: f64,
        ceiling: f64,
    ) -> Result<(Iterate, Option<KV>), Error>
    where
        O: CostFunction<Param = DVector<f64>, Output = f64>
            + Gradient<Param = DVector<f64>, Gradient = DVector<f64>>,
    {
        let mut inner = MoreThuenteLineSearch::new()
            .with_c(SUFFICIENT_DECREASE, self.curvature_constant)?
            .with_bounds(1e-10 * first.min(ceiling), ceiling)?;
        inner.search_direction(self.along()?.clone());
        inner.initial_step_length(first.min(ceiling))?;
        self.inner = inner;
        let (x, gradient) = {
            let origin = self.descent.origin();
            (origin.x.clone(), origin.gradient.clone())
        };
        let state = state.param(x).gradient(gradient).cost(0.0);
        self.inner.init(problem, state)
    }

    /// Length of the trial asked last, in units of the direction.
    fn last_step(&self) -> Result<f64, Error> {
        let moved = (&self.descent.last().x - &self.descent.origin().x).norm();
        Ok(moved / self.along()?.norm())
    }

    /// Ends the search at a trial.
    fn accept(
        &self,
        state: Iterate,
        (cost, x, gradient): (f64, DVector<f64>, DVector<f64>),
    ) -> Result<(Iterate, Option<KV>), Error> {
        let direction = self.along()?;
        let origin = self.descent.origin();
        let step = (&x - &origin.x).norm() / direction.norm();
        self.descent
            .remember_decrease(-origin.gradient.dot(direction) * step);
        Ok((
            state
                .param(x)
                .cost(cost)
                .gradient(gradient)
                .terminate_with(TerminationReason::SolverConverged),
            None,
        ))
    }
}

impl LineSearch<DVector<f64>, f64> for GuardedLineSearch<'_, '_> {
    fn search_direction(&mut self, direction: DVector<f64>) {
        self.direction = Some(direction);
    }

    /// The guard finds the length of the first trial by itself.
    fn initial_step_length(&mut self, _step_length: f64) -> Result<(), Error> {
        Ok(())
    }
}

impl<O> Solver<O, Iterate> for GuardedLineSearch<'_, '_>
where
    O: CostFunction<Param = DVector<f64>, Output = f64>
        + Gradient<Param = DVector<f64>, Gradient = DVector<f64>>,
{
    fn name(&self) -> &'static str {
        "guarded More-Thuente line search"
    }

    fn init(
        &mut self,
        problem: &mut Problem<O>,
        state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        let start = state
            .get_param()
            .ok_or_else(|| stuck("a line search needs a start"))?;
        self.descent.begin_line(start)?;
        self.trials = 0;
        self.lowest = None;
        let direction = self.along()?;
        let ceiling = self.longest_move / self.descent.longest_move(direction);
        let first = self.first_step(direction)?;
        if !(ceiling.is_finite() && ceiling > 0.0) {
            return Err(stuck("the direction is zero or not finite"));
        }
        self.aim(problem, state, first, ceiling)
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<O>,
        state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        self.trials += 1;
        let inner = self.inner.next_iter(problem, state.clone());
        if self.descent.is_out_of_budget() && inner.is_err() {
            return inner;
        }
        let last = self.descent.last().clone();
        if inner.is_err() || !last.is_finite() {
            if self.trials >= MOST_TRIALS {
                return Err(stuck("no finite energy along the direction"));
            }
            let ceiling = 0.25 * self.last_step()?;
            return self.aim(problem, state, ceiling, ceiling);
        }
        let trial = || -> Result<_, Error> {
            let cost = problem
                .problem
                .as_ref()
                .ok_or_else(|| stuck("the problem is lost"))?
                .cost(&last.x)?;
            Ok((cost, last.x.clone(), last.gradient.clone()))
        };
        let trial = trial()?;
        if self.descent.is_done() {
            return self.accept(state, trial);
        }
        let (next, _) = inner?;
        if trial.0 < self.lowest.as_ref().map_or(0.0, |lowest| lowest.0) {
            self.lowest = Some(trial.clone());
        }
        if next.terminated() || self.trials >= MOST_TRIALS {
            let found = if trial.0 < 0.0 && next.terminated() {
                Some(trial)
            } else {
                self.lowest.take()
            };
            let found = found.ok_or_else(|| stuck("no trial is lower than the origin"))?;
            return self.accept(state, found);
        }
        Ok((next, None))
    }
}
