//! The bridge to argmin: its solvers see energy differences, stop by force, and are restarted
//! from the best point when they give up.

use std::cell::{Cell, Ref, RefCell};

use argmin::core::{
    CostFunction, Error, Executor, Gradient, IterState, KV, Problem, Solver, State,
    TerminationReason, TerminationStatus,
};
use metabasin_interactions::EnergyLandscape;
use nalgebra::DVector;

use crate::Minimization;
use crate::probe::{Point, Probe};

/// What argmin's gradient-based solvers carry from step to step.
pub(crate) type Iterate = IterState<DVector<f64>, DVector<f64>, (), (), (), f64>;

/// A minimization as argmin sees it.
///
/// Costs are energy differences from `origin`, the start of the running line search: the sum of
/// thousands of pair energies rounds away what the last steps gain.
pub(crate) struct Descent<'p> {
    probe: RefCell<Probe<'p>>,
    origin: RefCell<Point>,
    iterations: Cell<u64>,
    /// Slope times step of the last line search in this launch.
    last_decrease: Cell<Option<f64>>,
}

impl<'p> Descent<'p> {
    pub fn new(
        landscape: &'p mut dyn EnergyLandscape,
        start: &[f64],
        force_tolerance: f64,
        max_evaluations: u64,
    ) -> Self {
        let probe = Probe::new(landscape, start, force_tolerance, max_evaluations);
        let origin = RefCell::new(probe.best().clone());
        Self {
            probe: RefCell::new(probe),
            origin,
            iterations: Cell::new(0),
            last_decrease: Cell::new(None),
        }
    }

    /// Runs argmin's solver until the force is under the tolerance, again from the best point
    /// (and with steepest descent first, as any fresh solver does) whenever it gives up, and
    /// stops where a fresh solver finds nothing better.
    pub fn run<'d, S>(&'d self, fresh_solver: impl Fn() -> S)
    where
        S: Solver<&'d Self, Iterate>,
    {
        loop {
            let (energy, force) = {
                let probe = self.probe.borrow();
                if probe.is_done() || probe.is_out_of_budget() || !probe.best().is_finite() {
                    return;
                }
                (probe.best().energy, probe.best().largest_force)
            };
            self.last_decrease.set(None);
            let start = self.probe.borrow().best().x.clone();
            let solver = ForceTermination {
                solver: fresh_solver(),
                descent: self,
            };
            // An error is how argmin's line searches say that they are stuck; what was reached
            // is remembered by the probe.
            let _gave_up = Executor::new(self, solver)
                .configure(|state: Iterate| state.param(start))
                .ctrlc(false)
                .run()
                .is_err();
            let probe = self.probe.borrow();
            let lower = probe.best().energy < energy - probe.resolution();
            if !lower && probe.best().largest_force > 0.99 * force {
                return;
            }
        }
    }

    /// The report.
    pub fn finish(self) -> Minimization {
        self.probe.into_inner().finish(self.iterations.get())
    }

    /// Starts a line search at `x`; costs count from there.
    pub fn begin_line(&self, x: &DVector<f64>) -> Result<(), Error> {
        let mut probe = self.probe.borrow_mut();
        *self.origin.borrow_mut() = probe.at(x)?.clone();
        Ok(())
    }

    /// Where the running line search began.
    pub fn origin(&self) -> Ref<'_, Point> {
        self.origin.borrow()
    }

    /// The point asked last.
    pub fn last(&self) -> Ref<'_, Point> {
        Ref::map(self.probe.borrow(), Probe::last)
    }

    pub fn is_done(&self) -> bool {
        self.probe.borrow().is_done()
    }

    pub fn is_out_of_budget(&self) -> bool {
        self.probe.borrow().is_out_of_budget()
    }

    /// The farthest that adding `step` moves an atom (or a coordinate).
    pub fn longest_move(&self, step: &DVector<f64>) -> f64 {
        self.probe.borrow().longest_move(step)
    }

    /// Curvature p·Hp at the origin along `direction`.
    pub fn curvature(&self, direction: &DVector<f64>) -> f64 {
        let origin = self.origin.borrow();
        let product = self.probe.borrow_mut().hessian_vector(&origin.x, direction);
        direction.dot(&product)
    }

    /// |slope| times step of the last line search in this launch of the solver.
    pub fn last_decrease(&self) -> Option<f64> {
        self.last_decrease.get()
    }

    pub fn remember_decrease(&self, decrease: f64) {
        self.last_decrease.set(Some(decrease));
    }
}

impl CostFunction for &Descent<'_> {
    type Param = DVector<f64>;
    type Output = f64;

    fn cost(&self, x: &DVector<f64>) -> Result<f64, Error> {
        let mut probe = self.probe.borrow_mut();
        let resolution = probe.resolution();
        Ok(probe.at(x)?.energy_above(&self.origin.borrow(), resolution))
    }
}

impl Gradient for &Descent<'_> {
    type Param = DVector<f64>;
    type Gradient = DVector<f64>;

    fn gradient(&self, x: &DVector<f64>) -> Result<DVector<f64>, Error> {
        Ok(self.probe.borrow_mut().at(x)?.gradient.clone())
    }
}

/// A solver of argmin that stops when the largest force is under the tolerance, and for no other
/// reason of its own: nonlinear conjugate gradients has no such test, L-BFGS looks at norms and
/// costs.
struct ForceTermination<'d, 'p, S> {
    solver: S,
    descent: &'d Descent<'p>,
}

impl<'d, 'p, S> Solver<&'d Descent<'p>, Iterate> for ForceTermination<'d, 'p, S>
where
    S: Solver<&'d Descent<'p>, Iterate>,
{
    fn name(&self) -> &str {
        self.solver.name()
    }

    fn init(
        &mut self,
        problem: &mut Problem<&'d Descent<'p>>,
        state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        self.solver.init(problem, state)
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<&'d Descent<'p>>,
        state: Iterate,
    ) -> Result<(Iterate, Option<KV>), Error> {
        self.descent.iterations.update(|count| count + 1);
        self.solver.next_iter(problem, state)
    }

    fn terminate(&mut self, state: &Iterate) -> TerminationStatus {
        if self.descent.is_done() {
            return TerminationStatus::Terminated(TerminationReason::SolverConverged);
        }
        state.get_termination_status().clone()
    }
}
