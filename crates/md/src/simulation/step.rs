//! One time step: a symmetric product of exact flows.

use metabasin_atoms::Cell;
use nalgebra::Vector3;

use super::Simulation;
use crate::{Drive, MdError, Symptom};

/// No atom may move further in a step `[length]`.
const LARGEST_MOVE: f64 = 0.5;

impl Simulation {
    pub(super) fn step(&mut self) -> Result<(), MdError> {
        let half = 0.5 * self.dynamics.time_step;
        // The temperature of the middle of the step in both halves keeps the step symmetric.
        let thermal_energy = self.dynamics.temperature.at(self.time() + half);
        self.advance_chains(half, thermal_energy);
        self.push_cell(half);
        self.kick(half);
        self.drift(self.dynamics.time_step)?;
        self.evaluate();
        self.kick(half);
        self.measure_kinetic();
        self.push_cell(half);
        self.advance_chains(half, thermal_energy);
        self.motion.step += 1;
        if !(self.evaluation.energy.is_finite() && self.twice_kinetic().is_finite()) {
            return Err(self.blow_up(Symptom::NotFinite));
        }
        Ok(())
    }

    pub(super) fn evaluate(&mut self) {
        self.evaluation = self.force_field.evaluate(
            &self.configuration.cell,
            &self.configuration.positions,
            &self.configuration.species,
            &mut self.forces,
        );
    }

    /// Σ m v v, order xx, yy, zz, xy, xz, yz.
    pub(super) fn measure_kinetic(&mut self) {
        let mut sum = [0.0; 6];
        for (velocity, mass) in self.velocities.iter().zip(&self.masses) {
            let momentum = velocity * *mass;
            sum[0] += momentum.x * velocity.x;
            sum[1] += momentum.y * velocity.y;
            sum[2] += momentum.z * velocity.z;
            sum[3] += momentum.x * velocity.y;
            sum[4] += momentum.x * velocity.z;
            sum[5] += momentum.y * velocity.z;
        }
        self.kinetic = sum;
    }

    fn advance_chains(&mut self, duration: f64, thermal_energy: f64) {
        let twice_kinetic = self.twice_kinetic();
        if let Some(chain) = &mut self.motion.atom_chain {
            let factor = chain.advance(duration, thermal_energy, twice_kinetic);
            for velocity in &mut self.velocities {
                *velocity *= factor;
            }
            for component in &mut self.kinetic {
                *component *= factor * factor;
            }
        }
        if let Some(chain) = &mut self.motion.cell_chain {
            let volume = self.inertia.volume.unwrap_or(0.0) * self.motion.swelling_rate.powi(2);
            let tilt = self.inertia.tilt.unwrap_or(0.0) * self.motion.shear_rate.powi(2);
            let factor = chain.advance(duration, thermal_energy, volume + tilt);
            if self.inertia.volume.is_some() {
                self.motion.swelling_rate *= factor;
            }
            if self.inertia.tilt.is_some() {
                self.motion.shear_rate *= factor;
            }
        }
    }

    /// Moves the cell's momenta, or counts the work of a given shear rate.
    fn push_cell(&mut self, duration: f64) {
        let volume = self.configuration.cell.volume();
        if let Some(mass) = self.inertia.volume {
            let force = self.twice_kinetic() * (1.0 + 3.0 / self.degrees_of_freedom())
                - volume * (self.evaluation.virial_stress.trace() + 3.0 * self.external_pressure());
            self.motion.swelling_rate += duration * force / mass;
        }
        let shear_force = volume * self.stress().xy();
        if let Some(mass) = self.inertia.tilt {
            self.motion.shear_rate -= duration * shear_force / mass;
        } else {
            self.motion.work += duration * shear_force * self.motion.shear_rate;
        }
    }

    /// v̇ = F/m − (1 + 3/N_f) ε̇ v − γ̇ v_y x̂ over `duration`: half the drag, the force, half the
    /// drag. The drag's flow exp(−A t) is exact: its shear part is nilpotent.
    fn kick(&mut self, duration: f64) {
        let drag = (1.0 + 3.0 / self.degrees_of_freedom()) * self.motion.swelling_rate;
        let shrink = (-0.5 * duration * drag).exp();
        let shear = 0.5 * duration * self.motion.shear_rate;
        for ((velocity, force), mass) in self
            .velocities
            .iter_mut()
            .zip(&self.forces)
            .zip(&self.masses)
        {
            velocity.x -= shear * velocity.y;
            let mut kicked = *velocity * shrink + force * (duration / mass);
            kicked.x -= shear * kicked.y;
            *velocity = kicked * shrink;
        }
    }

    /// ṙ = v + ε̇ r + γ̇ y x̂ over `duration` for atoms and lattice vectors.
    fn drift(&mut self, duration: f64) -> Result<(), MdError> {
        let limit = (LARGEST_MOVE / duration).powi(2);
        let mut within = true;
        let affine = self.inertia.volume.is_some() || self.moves_tilt();
        if affine {
            let grow = (0.5 * duration * self.motion.swelling_rate).exp();
            let shear = 0.5 * duration * self.motion.shear_rate;
            for (position, velocity) in self
                .configuration
                .positions
                .iter_mut()
                .zip(&self.velocities)
            {
                within &= velocity.norm_squared() <= limit;
                position.x += shear * position.y;
                let mut moved = *position * grow + velocity * duration;
                moved.x += shear * moved.y;
                *position = moved * grow;
            }
            self.deform_cell(grow * grow, 2.0 * shear)?;
        } else {
            for (position, velocity) in self
                .configuration
                .positions
                .iter_mut()
                .zip(&self.velocities)
            {
                within &= velocity.norm_squared() <= limit;
                *position += velocity * duration;
            }
        }
        if within {
            return Ok(());
        }
        let fastest = self
            .velocities
            .iter()
            .map(Vector3::norm)
            .fold(0.0, f64::max);
        let finite = self.velocities.iter().flatten().all(|v| v.is_finite());
        Err(self.blow_up(if finite {
            Symptom::Jump {
                distance: fastest * duration,
            }
        } else {
            Symptom::NotFinite
        }))
    }

    fn moves_tilt(&self) -> bool {
        self.inertia.tilt.is_some() || matches!(self.dynamics.drive, Drive::Shear { .. })
    }

    fn deform_cell(&mut self, growth: f64, shear: f64) -> Result<(), MdError> {
        let [lx, ly, lz, xy, xz, yz] = self.configuration.cell.components();
        let components = [lx, ly, lz, xy + shear * ly, xz + shear * yz, yz];
        let cell = Cell::new(components.map(|component| component * growth))
            .map_err(|_| self.blow_up(Symptom::NotFinite))?;
        let [lx, _, _, xy, xz, _] = cell.components();
        self.configuration.cell = if xy.abs() > 0.5 * lx || xz.abs() > 0.5 * lx {
            cell.with_small_tilts().0
        } else {
            cell
        };
        self.motion.gamma += shear;
        Ok(())
    }
}
