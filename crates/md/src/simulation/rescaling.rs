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
        let internal = self.driving_stress().pressure();
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

#[cfg(test)]
mod tests {
    use crate::tests_support::{force_field, glass};
    use crate::{Barostat, Dynamics, Simulation, Thermostat};

    fn simulation() -> Simulation {
        let dynamics = Dynamics {
            thermostat: Some(Thermostat::velocity_rescaling()),
            barostat: Some(Barostat::StochasticCellRescaling {
                pressure: 0.7,
                time_constant: 1.0,
                compressibility: 0.02,
            }),
            ..Dynamics::constant_volume(0.003, 0.28)
        };
        Simulation::new(glass(), force_field(), dynamics).unwrap()
    }

    /// Fluctuation and dissipation: with the diffusion constant D of the noise as drawn, the drift
    /// of λ is −(D/k_BT) d/dλ (K + U + P V − k_BT ln λ), by finite differences of the energy of the
    /// sample swollen with its velocities shrunk. 20,000 draws know D to 1 %, four of which are the
    /// tolerance; the energy's difference is exact to 1e-5.
    #[test]
    fn the_drift_of_the_volume_is_the_force_times_the_mobility_of_the_noise() {
        let mut simulation = simulation();
        let (duration, thermal_energy) = (0.003, 0.28);
        let mobility = simulation.volume_mobility().unwrap();
        let draws = 20_000;
        let (mut sum, mut squares, mut drift) = (0.0, 0.0, 0.0);
        for step in 0..draws {
            simulation.motion.step = step;
            let (growth, made) = simulation
                .draw_volume(mobility, duration, thermal_energy)
                .unwrap();
            let noise = made.root * (growth.powf(1.5) - 1.0) - duration * made.rate;
            sum += noise;
            squares += noise * noise;
            drift = made.rate;
        }
        let count = draws as f64;
        let diffusion = squares / count / (2.0 * duration);
        assert!((sum / count).abs() < 4.0 * (squares / count / count).sqrt());
        let potential = |change: f64| {
            let mut configuration = simulation.configuration();
            let root = configuration.cell.volume().sqrt() + change;
            let factor = (root * root / configuration.cell.volume()).cbrt();
            configuration.cell = configuration.cell.scaled(factor).unwrap();
            for position in &mut configuration.positions {
                *position *= factor;
            }
            for velocity in configuration.velocities.as_mut().unwrap() {
                *velocity /= factor;
            }
            let swollen =
                Simulation::new(configuration, force_field(), simulation.dynamics.clone()).unwrap();
            let energy = 0.5 * swollen.twice_kinetic() + swollen.evaluation.energy;
            energy + 0.7 * root * root - thermal_energy * root.ln()
        };
        let force = -(potential(1e-4) - potential(-1e-4)) / 2e-4;
        let expected = diffusion / thermal_energy * force;
        assert!(
            (drift - expected).abs() < 0.04 * expected.abs(),
            "{drift} {expected}"
        );
    }
}
