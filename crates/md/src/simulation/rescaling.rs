//! Stochastic cell rescaling: a volume that moves without inertia.

use rand_distr::{Distribution, StandardNormal};

use super::Simulation;
use crate::dynamics::Draw;
use crate::{Barostat, MdError, Symptom};

/// One move of λ = √V, kept until the forces behind it are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct VolumeMove {
    /// λ before the move `[length^3/2]`.
    root: f64,
    /// Its drift rate dλ/dt before the move.
    rate: f64,
}

impl Simulation {
    /// The drift of λ = √V, −(β_T λ/2τ) (P − P_int − k_B T/2V), with the velocities of now.
    fn root_volume_rate(&self, mobility: f64, thermal_energy: f64) -> f64 {
        let volume = self.configuration.cell.volume();
        let internal = self.stress().pressure();
        let excess = self.external_pressure() - internal - 0.5 * thermal_energy / volume;
        -0.5 * mobility * volume.sqrt() * excess
    }

    /// β_T/τ where the volume moves without inertia `[length³ / (energy τ)]`.
    pub(super) fn volume_mobility(&self) -> Option<f64> {
        match self.dynamics.barostat {
            Some(Barostat::StochasticCellRescaling {
                time_constant,
                compressibility,
                ..
            }) => Some(compressibility / time_constant),
            _ => None,
        }
    }

    /// Draws the next volume; returns the factor of all lengths.
    pub(super) fn draw_volume(
        &mut self,
        mobility: f64,
        duration: f64,
        thermal_energy: f64,
    ) -> Result<(f64, VolumeMove), MdError> {
        let atoms = self.configuration.len();
        let mut random = self
            .dynamics
            .random
            .draw(self.motion.step, atoms, Draw::Volume);
        let normal: f64 = StandardNormal.sample(&mut random);
        let root = self.configuration.cell.volume().sqrt();
        let rate = self.root_volume_rate(mobility, thermal_energy);
        let next =
            root + duration * rate + (0.5 * thermal_energy * mobility * duration).sqrt() * normal;
        if next > 0.0 && next.is_finite() {
            Ok(((next / root).powf(2.0 / 3.0), VolumeMove { root, rate }))
        } else {
            Err(self.blow_up(Symptom::NotFinite))
        }
    }

    /// Counts what the bath of the volume gave, by the probabilities M of the move and of its
    /// reverse: ΔH = k_B T ln(λ'/λ) − k_B T ln(M/M') in exact dynamics, the first term because λ
    /// and not V is drawn.
    pub(super) fn settle_volume(
        &mut self,
        made: VolumeMove,
        mobility: f64,
        duration: f64,
        thermal_energy: f64,
    ) {
        let root = self.configuration.cell.volume().sqrt();
        let back = self.root_volume_rate(mobility, thermal_energy);
        let (step, rate) = (root - made.root, made.rate);
        let probabilities =
            (2.0 * step * (rate + back) - duration * (rate * rate - back * back)) / mobility;
        self.motion.injected += thermal_energy * (root / made.root).ln() - probabilities;
    }
}
