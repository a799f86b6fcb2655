//! A request to stop that comes after so many evaluations, never at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metabasin_atoms::{Interrupt, Species, Stress};
use metabasin_interactions::{
    Cut, EnergyLandscape, Execution, HessianBlocks, Linearization, PairPotential, Potential,
    StepVirial, StrainSums, Totals, VerletList,
};
use nalgebra::Vector3;

/// Counts, and requests the stop at a count.
#[derive(Debug)]
pub struct Countdown {
    interrupt: Interrupt,
    at: u64,
    asked: AtomicU64,
}

impl Countdown {
    /// Requests the stop when the `at`-th question is asked; never for `u64::MAX`.
    pub fn new(at: u64) -> Self {
        Self {
            interrupt: Interrupt::new(),
            at,
            asked: AtomicU64::new(0),
        }
    }

    /// The request.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Questions so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Questions after the one that requested the stop.
    pub fn asked_after(&self) -> u64 {
        self.asked().saturating_sub(self.at)
    }

    fn count(&self) {
        if self.asked.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            self.interrupt.request();
        }
    }
}

/// A landscape that is interrupted at a count of evaluations and Hessian-vector products.
#[derive(Debug)]
pub struct Interrupting<'a, L> {
    landscape: L,
    countdown: &'a Countdown,
}

impl<'a, L: EnergyLandscape> Interrupting<'a, L> {
    /// `landscape`, interrupted by `countdown`.
    pub fn new(landscape: L, countdown: &'a Countdown) -> Self {
        Self {
            landscape,
            countdown,
        }
    }
}

impl<L: EnergyLandscape> EnergyLandscape for Interrupting<'_, L> {
    fn dimension(&self) -> usize {
        self.landscape.dimension()
    }
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.countdown.count();
        self.landscape.evaluate(x, gradient)
    }
    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.countdown.count();
        self.landscape.hessian_vector(x, v, product);
    }
    fn hessian_blocks(&mut self, x: &[f64], weakest: f64) -> Option<HessianBlocks> {
        self.landscape.hessian_blocks(x, weakest)
    }
    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        self.landscape.stress(x)
    }
    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.landscape.largest_force(gradient)
    }
    fn translation_invariant(&self) -> bool {
        self.landscape.translation_invariant()
    }
    fn is_interrupted(&self) -> bool {
        self.countdown.interrupt().is_requested()
    }
    fn energy_resolution(&self, energy: f64) -> f64 {
        self.landscape.energy_resolution(energy)
    }
}

/// A potential whose work is counted: sums over a list one by one, and pairs that are asked alone.
#[derive(Clone, Debug)]
pub struct CountedPotential {
    potential: Arc<dyn Potential>,
    countdown: Arc<Countdown>,
}

impl CountedPotential {
    /// `potential`, counted by `countdown`.
    ///
    /// # Panics
    /// If the potential is no sum over pairs.
    pub fn new(potential: Arc<dyn Potential>, countdown: Arc<Countdown>) -> Self {
        assert!(potential.as_pair().is_some(), "a sum over pairs");
        Self {
            potential,
            countdown,
        }
    }

    fn pair(&self) -> &dyn PairPotential {
        self.potential.as_pair().expect("a sum over pairs")
    }
}

impl PairPotential for CountedPotential {
    fn cutoff(&self) -> f64 {
        self.pair().cutoff()
    }
    fn energy_and_force(&self, a: usize, b: usize, squared: f64) -> (f64, f64) {
        self.countdown.count();
        self.pair().energy_and_force(a, b, squared)
    }
    fn stiffness(&self, a: usize, b: usize, squared: f64) -> (f64, f64) {
        self.countdown.count();
        self.pair().stiffness(a, b, squared)
    }
}

impl Potential for CountedPotential {
    fn name(&self) -> String {
        self.potential.name()
    }
    fn cut(&self) -> Option<Cut> {
        self.potential.cut()
    }
    fn cutoff(&self) -> f64 {
        Potential::cutoff(&*self.potential)
    }
    fn species(&self) -> usize {
        self.potential.species()
    }
    fn least_distance(&self, first: Species, second: Species) -> f64 {
        self.potential.least_distance(first, second)
    }
    fn as_pair(&self) -> Option<&dyn PairPotential> {
        Some(self)
    }
    fn evaluate(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> Totals {
        self.countdown.count();
        self.potential.evaluate(list, execution, forces)
    }
    fn step_forces(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> StepVirial {
        self.countdown.count();
        self.potential.step_forces(list, execution, forces)
    }
    fn per_atom(&self, list: &VerletList, execution: Execution) -> Vec<Totals> {
        self.countdown.count();
        self.potential.per_atom(list, execution)
    }
    fn linearize(
        &self,
        list: &VerletList,
        execution: Execution,
        spare: Option<Box<dyn Linearization>>,
    ) -> Box<dyn Linearization> {
        self.countdown.count();
        self.potential.linearize(list, execution, spare)
    }
    fn strain_sums(&self, list: &VerletList, execution: Execution) -> StrainSums {
        self.countdown.count();
        self.potential.strain_sums(list, execution)
    }
}
