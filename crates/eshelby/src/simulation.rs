//! The kinetic Monte Carlo run: exact times under constant load and under ramps.
//!
//! Between events the macroscopic stress moves along a straight line, so every barrier is bounded
//! from below over a window; waiting times are drawn from the sum of the bounded rates and
//! proposals accepted with (rate at that moment)/(bound). This thinning (Lewis & Shedler 1979) is
//! exact for any window; at constant load every proposal is accepted (Bortz, Kalos & Lebowitz
//! 1975). After every event all rates are computed anew, for elastic fields reach everywhere.

mod observer;
mod stages;

use std::sync::Arc;

use metabasin_atoms::{Purpose, Stress, random_stream};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::control::{Control, XY};
use crate::error::EshelbyError;
use crate::lattice::Lattice;
use crate::mandel::{Mandel, add, dot, scale, subtract, to_tensor};
use crate::rates::{Leap, Pass, Rates, exponential};

pub use observer::{Counters, Event, Observer, Row};

/// Over one window no barrier to a saddle falls by more than this many k_B T: acceptance stays
/// above 3/4 on average.
const WINDOW_GROWTH: f64 = 0.5;

/// Where fewer proposals than this are expected in a window, the next one may be twice as long: near
/// T = 0 nothing happens between two instabilities, and windows by [`WINDOW_GROWTH`] alone would be
/// as many as 1/T. Far below what any lattice has at the temperatures of a glass, where windows
/// therefore stay as they are, to the bit.
const QUIET: f64 = 1e-6;

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
    field: Vec<f64>,
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
    generator: Pcg64,
}

/// What ends a stretch of waiting.
enum Wait {
    /// An event.
    Event(Event),
    /// The time that was asked for.
    Over,
    /// The observer.
    Stopped,
}

/// A lattice in motion.
#[derive(Clone, Debug)]
pub struct Simulation {
    lattice: Arc<Lattice>,
    state: Checkpoint,
    leaps: Vec<Leap>,
    attempts: Vec<f64>,
    places: Vec<usize>,
    rates: Rates,
    floor: f64,
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
            field: vec![0.0; lattice.kernel.field_length()],
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
            || checkpoint.field.len() != lattice.kernel.field_length()
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
            places: lattice
                .pairs
                .iter()
                .map(|pair| lattice.kernel.field_index(pair.site))
                .collect(),
            leaps: vec![Leap::default(); lattice.pairs.len()],
            rates: Rates::default(),
            floor: 0.0,
            window_growth: WINDOW_GROWTH,
            lattice,
            state,
        };
        simulation.rebuild_leaps();
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
        let macroscopic = self.state.control.energy(
            &self.lattice.kernel.elasticity(),
            &self.strain_now(),
            &self.state.applied,
            &self.plastic_strain(),
            self.lattice.volume(),
        );
        let cores: f64 = self
            .lattice
            .pairs
            .iter()
            .zip(&self.state.flipped)
            .map(|(pair, &flipped)| if flipped { pair.free_energy_final } else { 0.0 })
            .sum();
        cores + self.interaction() + macroscopic
    }

    /// Macroscopic stress.
    pub fn stress(&self) -> Stress {
        Stress(to_tensor(self.macroscopic()))
    }

    /// Simple shear strain γ.
    pub fn strain(&self) -> f64 {
        let medium = self.lattice.kernel.elasticity();
        let strain = add(&medium.strain(&self.macroscopic()), &self.plastic_strain());
        2.0 * to_tensor(subtract(&strain, &self.state.strain_origin))[XY]
    }

    /// −½ Σ_{i≠j} p_i : K : p_j from the stress field.
    fn interaction(&self) -> f64 {
        let mut energy = 0.0;
        for (pair, &flipped) in self.lattice.pairs.iter().zip(&self.state.flipped) {
            if flipped {
                let field = self.lattice.kernel.field_at(&self.state.field, pair.site);
                energy -= 0.5 * dot(&pair.plastic, &subtract(&field, &pair.own_stress));
            }
        }
        energy
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
        self.state.control.stress(
            &self.lattice.kernel.elasticity(),
            &self.strain_now(),
            &self.state.applied,
            &self.plastic_strain(),
        )
    }

    /// dΣ/dt between events.
    fn stress_rate(&self) -> Mandel {
        let medium = self.lattice.kernel.elasticity();
        self.state.control.loading(&medium, &self.state.strain_rate)
    }

    /// How an excitation leaves its present state under the present control.
    fn leap(&self, index: usize) -> Leap {
        let medium = self.lattice.kernel.elasticity();
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
            energy + dot(change, &own) + control.self_energy(&medium, change, volume)
        };
        Leap {
            saddle: constant(saddle, &to_saddle),
            other: constant(other, &to_other),
            to_saddle,
            to_other,
        }
    }

    fn rebuild_leaps(&mut self) {
        for index in 0..self.leaps.len() {
            self.leaps[index] = self.leap(index);
        }
    }

    /// The longest window of the present ramp `[τ]`: no saddle falls by more than the growth
    /// limit, whatever the states.
    fn longest_window(&self) -> f64 {
        let rate = self.stress_rate();
        let mut steepest: f64 = 0.0;
        for pair in &self.lattice.pairs {
            for flipped in [false, true] {
                steepest = steepest.max(dot(&pair.to_saddle(flipped).1, &rate));
            }
        }
        self.window_growth * self.lattice.temperature() / steepest
    }

    /// Runs to `until` (time within the stage) or to the next event, whichever comes first; no
    /// window in which anything is likely to happen is longer than `longest_window`.
    fn advance(&mut self, until: f64, longest_window: f64, observer: &mut dyn Observer) -> Wait {
        let stress_rate = self.stress_rate();
        let mut stretch = 1.0;
        loop {
            let left = until - self.state.elapsed.now();
            if left <= 0.0 {
                return Wait::Over;
            }
            if observer.pass().is_break() {
                return Wait::Stopped;
            }
            let window = left.min(stretch * longest_window);
            let pass = Pass {
                leaps: &self.leaps,
                attempts: &self.attempts,
                places: &self.places,
                field: &self.state.field,
                stride: self.lattice.kernel.edge(),
                macroscopic: self.macroscopic(),
                change: scale(&stress_rate, window),
                floor: self.floor,
                temperature: self.lattice.temperature(),
            };
            let total = self.rates.fill(&pass);
            self.state.counters.passes += 1;
            let quiet = total * window < QUIET;
            if stretch > 1.0 && !quiet {
                // Bounds over so long a window are too loose.
                stretch *= 0.5;
                continue;
            }
            let mut wait = 0.0;
            let accepted = loop {
                // Nothing can happen, or a stress is no number.
                if total.is_nan() || total <= 0.0 {
                    break None;
                }
                let draw: f64 = Exp1.sample(&mut self.state.generator);
                wait += draw / total;
                if wait >= window {
                    break None;
                }
                let choice = self.state.generator.random::<f64>() * total;
                let pair = self.rates.select(choice);
                let stress = add(&pass.stress(pair), &scale(&stress_rate, wait));
                let barrier = self.leaps[pair].barrier(&stress, self.floor);
                let rate = self.attempts[pair] * exponential(-barrier / pass.temperature);
                if self.state.generator.random::<f64>() * self.rates.bound(pair) < rate {
                    break Some((pair, barrier));
                }
                self.state.counters.refused += 1;
            };
            if let Some((pair, barrier)) = accepted {
                self.state.elapsed.add(wait);
                self.state.time.add(wait);
                return Wait::Event(self.execute(pair, barrier));
            }
            self.state.time.add(window);
            if window == left {
                // To the last bit, so that rows stand where they were asked for.
                self.state.elapsed.set(until);
                return Wait::Over;
            }
            self.state.elapsed.add(window);
            if quiet {
                stretch *= 2.0;
            }
        }
    }

    /// Flips an excitation.
    fn execute(&mut self, index: usize, barrier: f64) -> Event {
        let pair = &self.lattice.pairs[index];
        let flipped = self.state.flipped[index];
        let change = pair.change_from(flipped);
        self.lattice
            .kernel
            .add(&mut self.state.field, pair.site, &change);
        self.state.plastic = add(&self.state.plastic, &change);
        self.state.flipped[index] = !flipped;
        self.state.counters.events += 1;
        self.state.counters.reverse_events += u64::from(flipped);
        self.state.stage_events += 1;
        let event = Event {
            time: self.state.time.now(),
            excitation: index,
            event: pair.event,
            site: pair.site,
            forward: !flipped,
            barrier,
        };
        self.leaps[index] = self.leap(index);
        event
    }

    /// The stress field and the total plastic volume from the states, without the rounding of
    /// many additions.
    fn recompute_field(&mut self) {
        let mut plastic = vec![[0.0; 6]; self.lattice.kernel.sites()];
        let mut total = [0.0; 6];
        for (pair, &flipped) in self.lattice.pairs.iter().zip(&self.state.flipped) {
            if flipped {
                plastic[pair.site] = add(&plastic[pair.site], &pair.plastic);
                total = add(&total, &pair.plastic);
            }
        }
        self.state.field = self.lattice.kernel.convolve(&plastic);
        self.state.plastic = total;
    }

    /// The state now.
    fn row(&self) -> Row {
        let lattice = &self.lattice;
        let macroscopic = self.macroscopic();
        let mut class_sum = [[0.0; 6]; 2];
        let mut class_count = [0_usize; 2];
        for (site, &elastic) in lattice.elastic.iter().enumerate() {
            let class = usize::from(elastic);
            let field = lattice.kernel.field_at(&self.state.field, site);
            class_sum[class] = add(&class_sum[class], &field);
            class_count[class] += 1;
        }
        let mean = |sum: &Mandel, count: usize| {
            (count > 0).then(|| {
                let field = scale(sum, 1.0 / count as f64);
                Stress(to_tensor(add(&field, &macroscopic)))
            })
        };
        let mut driving = [0.0; 6];
        let mut energy = 0.0;
        for (pair, &flipped) in lattice.pairs.iter().zip(&self.state.flipped) {
            let field = lattice.kernel.field_at(&self.state.field, pair.site);
            driving = add(&driving, &field);
            if flipped {
                driving = subtract(&driving, &pair.own_stress);
                energy += pair.energy_final;
            }
        }
        let medium = lattice.kernel.elasticity();
        energy += self.interaction()
            + 0.5 * lattice.volume() * dot(&macroscopic, &medium.strain(&macroscopic));
        Row {
            stage: self.state.stage,
            elapsed: self.state.elapsed.now(),
            time: self.state.time.now(),
            strain: self.strain(),
            stress: self.stress(),
            energy,
            events: self.state.counters.events,
            driving_active_mean: mean(&driving, lattice.pairs.len()),
            reported_active_mean: mean(&class_sum[0], class_count[0]).unwrap_or_default(),
            reported_elastic_mean: mean(&class_sum[1], class_count[1]),
        }
    }
}

#[cfg(test)]
mod tests;
