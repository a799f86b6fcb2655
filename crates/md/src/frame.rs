//! What a simulation reports of one moment and of the interval before it.

use metabasin_atoms::{Configuration, Stress};
use serde::{Deserialize, Serialize};

/// One moment of a simulation.
///
/// Instantaneous values, and in [`Frame::mean`] averages over the interval that ends
/// here: a stress fluctuates by √(k_B T G∞/V) from moment to moment (0.18 for 500 atoms),
/// so curves and fits take the averages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Steps done.
    pub step: u64,
    /// Time since the start of the simulation `[τ]`.
    pub time: f64,
    /// Simple shear γ: the accumulated change of xy/ly, flips of the cell undone.
    pub gamma: f64,
    /// Kinetic temperature 2K/(3N − 3) of the peculiar velocities `[energy]`.
    pub temperature: f64,
    /// Peculiar kinetic energy per atom `[energy]`.
    pub kinetic_energy_per_atom: f64,
    /// Potential energy per atom `[energy]`.
    pub potential_energy_per_atom: f64,
    /// Volume of the cell `[length³]`.
    pub volume: f64,
    /// Pressure −tr(σ)/3 with its kinetic part `[energy / length³]`.
    pub pressure: f64,
    /// Cauchy stress with its kinetic part, tension positive `[energy / length³]`.
    pub stress: Stress,
    /// The quantity that exact dynamics would conserve, for the whole sample `[energy]`.
    pub conserved: f64,
    /// Averages over the interval that ends with this frame.
    pub mean: Mean,
}

/// Averages over moments 0.05 τ apart in an interval; the values of its end where it holds none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// Moments averaged over.
    pub samples: u64,
    /// Simple shear γ.
    pub gamma: f64,
    /// Kinetic temperature `[energy]`.
    pub temperature: f64,
    /// Potential energy per atom `[energy]`.
    pub potential_energy_per_atom: f64,
    /// Enthalpy per atom (K + U + P V)/N with the external pressure P `[energy]`.
    pub enthalpy_per_atom: f64,
    /// Volume `[length³]`.
    pub volume: f64,
    /// Cauchy stress with its kinetic part `[energy / length³]`.
    pub stress: Stress,
}

impl Mean {
    /// Pressure −tr(σ)/3 `[energy / length³]`.
    pub fn pressure(&self) -> f64 {
        self.stress.pressure()
    }

    /// Shear stress τ = σ_xy `[energy / length³]`.
    pub fn shear_stress(&self) -> f64 {
        self.stress.xy()
    }
}

/// Sums behind a [`Mean`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    samples: u64,
    gamma: f64,
    temperature: f64,
    potential_energy: f64,
    enthalpy: f64,
    volume: f64,
    stress: Stress,
}

/// The values of one moment that [`Sums`] adds up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub gamma: f64,
    pub temperature: f64,
    pub potential_energy: f64,
    pub enthalpy: f64,
    pub volume: f64,
    pub stress: Stress,
}

impl Sums {
    pub(crate) fn add(&mut self, moment: &Moment) {
        self.samples += 1;
        self.gamma += moment.gamma;
        self.temperature += moment.temperature;
        self.potential_energy += moment.potential_energy;
        self.enthalpy += moment.enthalpy;
        self.volume += moment.volume;
        self.stress += moment.stress;
    }

    pub(crate) fn mean(mut self, now: &Moment, atoms: usize) -> Mean {
        let samples = self.samples;
        if samples == 0 {
            self.add(now);
        }
        let share = 1.0 / self.samples as f64;
        let per_atom = share / atoms as f64;
        Mean {
            samples,
            gamma: self.gamma * share,
            temperature: self.temperature * share,
            potential_energy_per_atom: self.potential_energy * per_atom,
            enthalpy_per_atom: self.enthalpy * per_atom,
            volume: self.volume * share,
            stress: self.stress * share,
        }
    }
}

/// Someone who watches a simulation: writes series, quenches inherent states.
pub trait Observer {
    /// Called at every frame. The velocities of `configuration` are peculiar ones, its cell may
    /// have been flipped; `frame.gamma` counts the strain.
    fn on_frame(&mut self, frame: &Frame, configuration: &Configuration);
}

impl<F: FnMut(&Frame, &Configuration)> Observer for F {
    fn on_frame(&mut self, frame: &Frame, configuration: &Configuration) {
        self(frame, configuration);
    }
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_frame(&mut self, _frame: &Frame, _configuration: &Configuration) {}
}
