//! One time step: a symmetric product of exact flows.

use metabasin_atoms::Cell;
use nalgebra::Vector3;

use super::Simulation;
use super::linear_map::UpperTriangular;
use super::passes::{self, Drift, Kick};
use crate::{Drive, MdError, Symptom};

/// No atom may move further in a step `[length]`.
const LARGEST_MOVE: f64 = 0.5;

impl Simulation {
    pub(super) fn step(&mut self) -> Result<(), MdError> {
        let duration = self.dynamics.time_step;
        let half = 0.5 * duration;
        // The temperature of the middle of the step in both halves keeps the step symmetric.
        let thermal_energy = self.dynamics.temperature.at(self.time() + half);
        self.advance_chains(half, thermal_energy);
        self.push_cell(half);
        self.kick_and_drift(duration)?;
        self.evaluate();
        self.kick(half);
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

    /// Multiplies the velocities by the factor that waits for the next sweep over them.
    pub(super) fn settle_velocities(&mut self) {
        if self.velocity_factor != 1.0 {
            for velocity in &mut self.velocities {
                *velocity *= self.velocity_factor;
            }
            self.velocity_factor = 1.0;
        }
    }

    fn advance_chains(&mut self, duration: f64, thermal_energy: f64) {
        let twice_kinetic = self.twice_kinetic();
        if let Some(chain) = &mut self.motion.atom_chain {
            let factor = chain.advance(duration, thermal_energy, twice_kinetic);
            self.velocity_factor *= factor;
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

    /// G of the affine flow ṙ = v + G r, the velocity gradient of the cell `[1/τ]`.
    fn velocity_gradient(&self) -> UpperTriangular {
        let swelling = self.motion.swelling_rate;
        UpperTriangular([
            swelling,
            swelling,
            swelling,
            self.motion.shear_rate,
            0.0,
            0.0,
        ])
    }

    /// v̇ = F/m − (G + tr(G)/N_f) v over `duration`: half the drag, the force, half the drag; and
    /// before it the factor that the thermostat left.
    fn kick_map(&mut self, duration: f64) -> Kick {
        let gradient = self.velocity_gradient();
        let trace = UpperTriangular::isotropic(gradient.trace() / self.degrees_of_freedom());
        let drag = gradient.plus(&trace).scaled(-0.5 * duration).exp();
        let factor = std::mem::replace(&mut self.velocity_factor, 1.0);
        Kick {
            velocity: drag.times(&drag).scaled(factor),
            force: drag.scaled(duration),
        }
    }

    /// The first kick of half a step of `duration`, then ṙ = v + G r for atoms and lattice vectors:
    /// half the flow, the velocities, half the flow.
    fn kick_and_drift(&mut self, duration: f64) -> Result<(), MdError> {
        let kick = self.kick_map(0.5 * duration);
        let flow = self.velocity_gradient().scaled(0.5 * duration).exp();
        let drift = Drift {
            position: flow.times(&flow),
            velocity: flow.scaled(duration),
        };
        let within = passes::kick_and_drift(
            &kick,
            &drift,
            &mut self.configuration.positions,
            &mut self.velocities,
            &self.forces,
            &self.inverse_masses,
            LARGEST_MOVE / duration,
        );
        if !within {
            return Err(self.too_fast(duration));
        }
        if self.inertia.volume.is_some() || self.moves_tilt() {
            self.deform_cell(&drift.position)?;
            self.motion.gamma += duration * self.motion.shear_rate;
        }
        Ok(())
    }

    fn kick(&mut self, duration: f64) {
        let kick = self.kick_map(duration);
        self.kinetic = passes::kick(
            &kick,
            &mut self.velocities,
            &self.forces,
            &self.masses,
            &self.inverse_masses,
        );
    }

    fn too_fast(&self, duration: f64) -> MdError {
        let fastest = self
            .velocities
            .iter()
            .map(Vector3::norm)
            .fold(0.0, f64::max);
        let finite = self.velocities.iter().flatten().all(|v| v.is_finite());
        self.blow_up(if finite {
            Symptom::Jump {
                distance: fastest * duration,
            }
        } else {
            Symptom::NotFinite
        })
    }

    fn moves_tilt(&self) -> bool {
        self.inertia.tilt.is_some() || matches!(self.dynamics.drive, Drive::Shear { .. })
    }

    fn deform_cell(&mut self, flow: &UpperTriangular) -> Result<(), MdError> {
        let deformed = flow.times(&UpperTriangular(self.configuration.cell.components()));
        let cell = Cell::new(deformed.0).map_err(|_| self.blow_up(Symptom::NotFinite))?;
        let [lx, ly, _, xy, xz, yz] = cell.components();
        let tilted = xy.abs() > 0.5 * lx || xz.abs() > 0.5 * lx || yz.abs() > 0.5 * ly;
        self.configuration.cell = if tilted {
            cell.with_small_tilts().0
        } else {
            cell
        };
        Ok(())
    }
}
