//! From one event to the next.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use super::{Event, Observer, Simulation};
use crate::field::LazyField;
use crate::lattice::Lattice;
use crate::mandel::{Mandel, add, dot, scale, subtract};
use crate::protocol::LONGEST_UNLOADING;
use crate::rates::{Leap, Pass, exponential};

/// Where fewer proposals than this are expected in a window, the next one may be twice as long: near
/// T = 0 nothing happens between two instabilities, and windows by the growth of rates alone would
/// be as many as 1/T. Far below what any lattice has at the temperatures of a glass, where windows
/// therefore stay as they are, to the bit.
const QUIET: f64 = 1e-6;

/// The floor may rise by so many k_B T before bounds are made anew.
const FLOOR_RISE: f64 = 0.25;

/// What ends a stretch of waiting.
pub(super) enum Wait {
    /// An event.
    Event(Event),
    /// The time that was asked for.
    Over,
    /// The observer.
    Stopped,
}

/// A time over which bounds hold, as long as stresses stay within the allowance.
///
/// It lasts over rows. All bounds follow from it and the state, so that both together go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    /// When it ends, within the stage.
    end: f64,
    /// Macroscopic stress when it began and its change under the load alone until it ends.
    macroscopic: Mandel,
    change: Mandel,
    /// Plastic volume of the cell when it began.
    plastic: Mandel,
    /// E_floor when it began; it may rise until bounds are too loose.
    floor: f64,
    /// Sum of all bounds.
    total: f64,
    /// Whether it is longer than windows usually are.
    stretched: bool,
}

impl Window {
    /// What its bounds are made with: leaps and attempt frequencies, and the field of the excitations.
    fn pass<'a>(
        &self,
        (leaps, attempts): (&'a [Leap], &'a [f64]),
        field: &'a LazyField,
        lattice: &Lattice,
    ) -> Pass<'a> {
        Pass {
            leaps,
            attempts,
            field: field.known(),
            macroscopic: self.macroscopic,
            change: self.change,
            floor: self.floor,
            temperature: lattice.temperature(),
        }
    }
}

impl Simulation {
    /// The longest window of the present ramp `[τ]`: no saddle falls by more than the growth
    /// limit, whatever the states.
    pub(super) fn longest_window(&self) -> f64 {
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
    pub(super) fn advance(
        &mut self,
        until: f64,
        longest_window: f64,
        observer: &mut dyn Observer,
    ) -> Wait {
        let mut stretch = 1.0;
        loop {
            let now = self.state.elapsed.now();
            if until - now <= 0.0 {
                return Wait::Over;
            }
            if observer.pass().is_break() {
                return Wait::Stopped;
            }
            let window = match &self.state.window {
                Some(window) => window,
                None => self.open_window(until, longest_window, &mut stretch),
            };
            let (total, stretched) = (window.total, window.stretched);
            let end = window.end.min(until);
            // Nothing can happen, or a stress is no number.
            let wait = if total.is_nan() || total <= 0.0 {
                f64::INFINITY
            } else {
                let draw: f64 = Exp1.sample(&mut self.state.generator);
                draw / total
            };
            if wait >= end - now {
                self.state.time.add(end - now);
                // To the last bit, so that rows stand where they were asked for.
                self.state.elapsed.set(end);
                if end == until {
                    return Wait::Over;
                }
                let quiet = total * (end - now) < QUIET;
                self.state.window = None;
                if quiet {
                    stretch *= 2.0;
                }
                continue;
            }
            self.state.elapsed.add(wait);
            self.state.time.add(wait);
            let choice = self.state.generator.random::<f64>() * total;
            let index = self.rates.select(choice);
            let field = self.field_at(index);
            let barrier =
                self.leaps[index].barrier(&add(&field, &self.macroscopic()), self.state.floor);
            let rate = self.attempts[index] * exponential(-barrier / self.lattice.temperature());
            let bound = self.rates.bound(index);
            debug_assert!(
                rate <= bound * (1.0 + 1e-9),
                "the rate {rate} of excitation {index} exceeds its bound {bound}"
            );
            if self.state.generator.random::<f64>() * bound < rate {
                let event = self.execute(index, &field);
                if stretched {
                    // The bounds over so long a window are too loose.
                    self.state.window = None;
                }
                return Wait::Event(event);
            }
            self.state.counters.refused += 1;
        }
    }

    /// Makes all bounds anew.
    fn open_window(&mut self, until: f64, longest_window: f64, stretch: &mut f64) -> &Window {
        let now = self.state.elapsed.now();
        let stress_rate = self.stress_rate();
        let macroscopic = self.macroscopic();
        // Longer than any stage.
        let whole = f64::from(2 * LONGEST_UNLOADING) * self.state.stage_duration;
        let whole = whole.max(until - now);
        loop {
            let length = whole.min(*stretch * longest_window);
            self.state.window = Some(Window {
                end: now + length,
                macroscopic,
                change: scale(&stress_rate, length),
                plastic: self.state.plastic,
                floor: self.state.floor,
                total: 0.0,
                stretched: *stretch > 1.0,
            });
            let total = self.refill();
            self.state.counters.passes += 1;
            if *stretch <= 1.0 || total * length < QUIET {
                break;
            }
            // Bounds over so long a window are too loose.
            *stretch *= 0.5;
        }
        self.state.window.as_ref().expect("it was opened above")
    }

    /// Makes the bounds of the present window, if there is one, and returns their sum.
    pub(super) fn refill(&mut self) -> f64 {
        let Some(window) = &mut self.state.window else {
            return 0.0;
        };
        let excitations = (self.leaps.as_slice(), self.attempts.as_slice());
        let pass = window.pass(excitations, &self.state.field, &self.lattice);
        window.total = self.rates.fill(&pass);
        window.total
    }

    /// Sets E_floor. Bounds made under a floor that is not much lower still hold.
    pub(super) fn raise_floor(&mut self, floor: f64) {
        self.state.floor = floor;
        let loosest = FLOOR_RISE * self.lattice.temperature();
        let holds = |window: &Window| (window.floor..=window.floor + loosest).contains(&floor);
        if !self.state.window.as_ref().is_some_and(holds) {
            self.state.window = None;
        }
    }

    /// Flips an excitation at whose site the stress, macroscopic stress left out, is `field`.
    pub(super) fn execute(&mut self, index: usize, field: &Mandel) -> Event {
        let lattice = std::sync::Arc::clone(&self.lattice);
        let pair = &lattice.pairs[index];
        let flipped = self.state.flipped[index];
        let change = pair.change_from(flipped);
        let barrier = self.leaps[index].barrier(&add(field, &self.macroscopic()), self.state.floor);
        let before = cfg!(debug_assertions).then(|| self.energy_but_cores());
        let own = if flipped { pair.own_stress } else { [0.0; 6] };
        self.state.interaction -= dot(&change, &subtract(field, &own));
        self.state
            .field
            .jump(&lattice, index, &change, &mut self.touched);
        self.state.plastic = add(&self.state.plastic, &change);
        self.state.flipped[index] = !flipped;
        self.state.counters.events += 1;
        self.state.counters.reverse_events += u64::from(flipped);
        self.state.stage_events += 1;
        self.leaps[index] = self.leap(index);
        if let Some(before) = before {
            let core = if flipped { -1.0 } else { 1.0 } * pair.free_energy_final;
            self.assert_detailed_balance(index, barrier, core + self.energy_but_cores() - before);
        }
        self.renew_bounds();
        Event {
            time: self.state.time.now(),
            excitation: index,
            event: pair.event,
            site: pair.site,
            forward: !flipped,
            barrier,
        }
    }

    /// After an event: the bounds around it, or none where distant fields can wait no longer.
    fn renew_bounds(&mut self) {
        let waiting = self.state.field.unknown(&self.lattice);
        let allowance = self.lattice.influence.allowance;
        // What the plasticity of the whole cell has taken from the macroscopic stress.
        let relaxed = self.state.window.as_ref().map_or(0.0, |window| {
            let plastic = subtract(&self.state.plastic, &window.plastic);
            let stress = self.lattice.cell.loading(self.state.control, &plastic);
            dot(&stress, &stress).sqrt() / self.lattice.volume()
        });
        if waiting + relaxed > allowance {
            self.state.window = None;
            if waiting > 0.5 * allowance
                && self.state.field.settle(&self.lattice, &self.state.flipped)
            {
                self.recompute_interaction();
            }
        }
        if let Some(window) = &mut self.state.window {
            let excitations = (self.leaps.as_slice(), self.attempts.as_slice());
            let pass = window.pass(excitations, &self.state.field, &self.lattice);
            window.total = self.rates.update(&pass, &self.touched);
        }
    }

    /// The energy function without the energies of cores.
    pub(super) fn energy_but_cores(&self) -> f64 {
        let macroscopic = self.lattice.cell.energy(
            self.state.control,
            (&self.strain_now(), &self.state.applied),
            &self.plastic_strain(),
            self.lattice.volume(),
        );
        self.state.interaction + macroscopic
    }

    /// The barrier back must be the one that was crossed less the change of the energy function.
    fn assert_detailed_balance(&self, index: usize, forward: f64, change: f64) {
        let stress = add(&self.field_at(index), &self.macroscopic());
        let reverse = self.leaps[index].barrier(&stress, self.state.floor);
        let scale = forward.abs() + reverse.abs() + 1e-6 * self.energy_but_cores().abs() + 1.0;
        debug_assert!(
            (forward - reverse - change).abs() < 1e-8 * scale,
            "no detailed balance in a jump of excitation {index}: barriers {forward} and {reverse}, \
             energy {change}"
        );
    }
}
