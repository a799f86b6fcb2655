//! The kinetic Monte Carlo run: exact times under constant load and under ramps.
//!
//! Between events the macroscopic stress moves along a straight line, so every barrier is bounded
//! from below over a window; waiting times are drawn from the sum of the bounded rates and
//! proposals accepted with (rate at that moment)/(bound). This thinning (Lewis & Shedler 1979) is
//! exact for any window. Elastic fields reach everywhere, but after an event only the bounds of its
//! neighborhood are made anew: all bounds leave room for an allowed change of stress, and the fields
//! of distant events wait until together they might exceed it. The rate of a proposal holds them all,
//! so that nothing is neglected, only proposed somewhat too often.

mod observer;
mod rows;
mod stages;
mod waiting;

use std::ops::Range;
use std::sync::Arc;

use metabasin_atoms::{Purpose, Stress, random_stream};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::control::{Control, XY};
use crate::error::EshelbyError;
use crate::field::LazyField;
use crate::lattice::Lattice;
use crate::mandel::{Mandel, add, dot, scale, subtract, to_tensor};
use crate::rates::{Leap, Rates};

pub use observer::{Counters, Event, Observer, Row};

use waiting::Window;

/// Over one window no barrier to a saddle falls by more than this many k_B T: acceptance stays
/// above 3/4 on average.
const WINDOW_GROWTH: f64 = 0.5;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// All stages are done.
    Finished,
    /// The observer stopped it.
    Stopped,
}

/// Everything that changes in a run. Restored onto the same lattice, the run goes on bit by bit
/// as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    lattice: u64,
    flipped: Vec<bool>,
    floored: Vec<bool>,
    field: LazyField,
    interaction: f64,
    plastic: Mandel,
    control: Control,
    strain_start: Mandel,
    strain_rate: Mandel,
    strain_origin: Mandel,
    applied: Mandel,
    time: Clock,
    elapsed: Clock,
    stage: usize,
    row: u32,
    stage_done: bool,
    stage_duration: f64,
    stage_events: u64,
    counters: Counters,
    floor: f64,
    window: Option<Window>,
    generator: Pcg64,
}

/// A lattice in motion.
#[derive(Clone, Debug)]
pub struct Simulation {
    lattice: Arc<Lattice>,
    state: Checkpoint,
    leaps: Vec<Leap>,
    attempts: Vec<f64>,
    rates: Rates,
    touched: Vec<(usize, Range<usize>)>,
    window_growth: f64,
}

impl Simulation {
    /// All excitations in state 1, no load. The random numbers follow from (seed, stage, index).
    pub fn new(lattice: Arc<Lattice>, seed: u64, stage: u64, index: u64) -> Self {
        let pairs = lattice.pairs.len();
        let state = Checkpoint {
            lattice: lattice.fingerprint(),
            flipped: vec![false; pairs],
            floored: vec![false; pairs],
            field: LazyField::new(pairs),
            interaction: 0.0,
            plastic: [0.0; 6],
            control: Control::Stress,
            strain_start: [0.0; 6],
            strain_rate: [0.0; 6],
            strain_origin: [0.0; 6],
            applied: [0.0; 6],
            time: Clock::default(),
            elapsed: Clock::default(),
            stage: 0,
            row: 0,
            stage_done: false,
            stage_duration: 0.0,
            stage_events: 0,
            counters: Counters::default(),
            floor: 0.0,
            window: None,
            generator: random_stream(seed, Purpose::KineticMonteCarlo, stage, index),
        };
        Self::assemble(lattice, state)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// The checkpoint of another lattice.
    pub fn restore(lattice: Arc<Lattice>, checkpoint: Checkpoint) -> Result<Self, EshelbyError> {
        let pairs = lattice.pairs.len();
        if checkpoint.lattice != lattice.fingerprint()
            || checkpoint.flipped.len() != pairs
            || checkpoint.floored.len() != pairs
            || !checkpoint.field.fits(pairs)
        {
            return Err(EshelbyError::OtherLattice {
                checkpoint: checkpoint.lattice,
                lattice: lattice.fingerprint(),
            });
        }
        Ok(Self::assemble(lattice, checkpoint))
    }

    fn assemble(lattice: Arc<Lattice>, state: Checkpoint) -> Self {
        let mut simulation = Self {
            attempts: lattice.pairs.iter().map(|pair| pair.attempt).collect(),
            leaps: vec![Leap::default(); lattice.pairs.len()],
            rates: Rates::new(lattice.influence.rows(lattice.kernel.edge())),
            touched: Vec::new(),
            window_growth: WINDOW_GROWTH,
            lattice,
            state,
        };
        simulation.rebuild_leaps();
        simulation.refill();
        simulation
    }

    /// The state, to be stored. Taken at a row it resumes bit by bit.
    pub fn checkpoint(&self) -> Checkpoint {
        self.state.clone()
    }

    /// A copy that goes on with random numbers of its own, those of (seed, stage, index): age a
    /// lattice once, then load the copies in both directions and at all rates.
    #[must_use]
    pub fn fork(&self, seed: u64, stage: u64, index: u64) -> Self {
        let mut copy = self.clone();
        copy.state.generator = random_stream(seed, Purpose::KineticMonteCarlo, stage, index);
        copy
    }

    /// The lattice.
    pub fn lattice(&self) -> &Arc<Lattice> {
        &self.lattice
    }

    /// For every excitation whether it is in state 2.
    pub fn flipped(&self) -> &[bool] {
        &self.state.flipped
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        Counters {
            floored_pairs: self
                .state
                .floored
                .iter()
                .filter(|&&floored| floored)
                .count() as u64,
            ..self.state.counters
        }
    }

    /// Time since the run began `[τ]`.
    pub fn time(&self) -> f64 {
        self.state.time.now()
    }

    /// The energy function of the present control (strain, stress or mixed) at the present load:
    /// forward and reverse rates of every pair are in detailed balance with it `[energy]`.
    pub fn hamiltonian(&self) -> f64 {
        let cores: f64 = self
            .lattice
            .pairs
            .iter()
            .zip(&self.state.flipped)
            .map(|(pair, &flipped)| if flipped { pair.free_energy_final } else { 0.0 })
            .sum();
        cores + self.energy_but_cores()
    }

    /// Macroscopic stress.
    pub fn stress(&self) -> Stress {
        Stress(to_tensor(self.macroscopic()))
    }

    /// Simple shear strain γ.
    pub fn strain(&self) -> f64 {
        let strain = add(
            &self.lattice.cell.strain(&self.macroscopic()),
            &self.plastic_strain(),
        );
        2.0 * to_tensor(subtract(&strain, &self.state.strain_origin))[XY]
    }

    fn plastic_strain(&self) -> Mandel {
        scale(&self.state.plastic, 1.0 / self.lattice.volume())
    }

    /// Prescribed strain at the present moment.
    fn strain_now(&self) -> Mandel {
        let driven = scale(&self.state.strain_rate, self.state.elapsed.now());
        add(&self.state.strain_start, &driven)
    }

    fn macroscopic(&self) -> Mandel {
        self.lattice.cell.stress(
            self.state.control,
            (&self.strain_now(), &self.state.applied),
            &self.plastic_strain(),
        )
    }

    /// dΣ/dt between events.
    fn stress_rate(&self) -> Mandel {
        let (control, rate) = (self.state.control, &self.state.strain_rate);
        self.lattice.cell.loading(control, rate)
    }

    /// How an excitation leaves its present state under the present control.
    fn leap(&self, index: usize) -> Leap {
        let cell = &self.lattice.cell;
        let volume = self.lattice.volume();
        let control = self.state.control;
        let pair = &self.lattice.pairs[index];
        let flipped = self.state.flipped[index];
        let (saddle, to_saddle) = pair.to_saddle(flipped);
        let to_other = pair.change_from(flipped);
        let other = if flipped {
            -pair.free_energy_final
        } else {
            pair.free_energy_final
        };
        // The field holds the pair's own stress: what it does not feel is given back here. Under
        // strain control a jump also lowers the macroscopic stress while it happens.
        let own = if flipped { pair.own_stress } else { [0.0; 6] };
        let constant = |energy: f64, change: &Mandel| {
            energy + dot(change, &own) + cell.self_energy(control, change, volume)
        };
        let slack = [to_saddle, to_other]
            .map(|change| dot(&change, &change).sqrt() * self.lattice.influence.allowance);
        Leap {
            saddle: constant(saddle, &to_saddle),
            other: constant(other, &to_other),
            to_saddle,
            to_other,
            slack,
        }
    }

    fn rebuild_leaps(&mut self) {
        for index in 0..self.leaps.len() {
            self.leaps[index] = self.leap(index);
        }
    }

    /// The stress field, its energy and the total plastic volume from the states, without the
    /// rounding of many additions.
    fn recompute_field(&mut self) {
        let pairs = self.lattice.pairs.iter().zip(&self.state.flipped);
        self.state.plastic = pairs
            .filter(|&(_, &flipped)| flipped)
            .fold([0.0; 6], |total, (pair, _)| add(&total, &pair.plastic));
        self.state
            .field
            .recompute(&self.lattice, &self.state.flipped);
        self.recompute_interaction();
    }

    /// −½ Σ_{i≠j} p_i : K : p_j from a stress field that is known everywhere.
    fn recompute_interaction(&mut self) {
        let states = self.lattice.pairs.iter().zip(&self.state.flipped);
        self.state.interaction = states
            .zip(self.state.field.known())
            .filter(|&((_, &flipped), _)| flipped)
            .map(|((pair, _), field)| -0.5 * dot(&pair.plastic, &subtract(field, &pair.own_stress)))
            .sum();
    }

    /// The stress at an excitation's site, own field included, macroscopic stress left out.
    fn field_at(&self, index: usize) -> Mandel {
        self.state
            .field
            .at(&self.lattice, &self.state.flipped, index)
    }
}

#[cfg(test)]
mod tests;
