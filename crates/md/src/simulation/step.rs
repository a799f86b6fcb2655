//! One time step: a symmetric product of exact flows.

use metabasin_atoms::{Cell, Stress};
use metabasin_interactions::StepVirial;
use nalgebra::Vector3;

use super::Simulation;
use super::inertia::XY;
use super::linear_map::UpperTriangular;
use super::passes::{self, Drift, Kick, NoisyDrift};
use crate::dynamics::Draw;
use crate::{MdError, Symptom, Thermostat};

/// No atom may move further in a step `[length]`.
const LARGEST_MOVE: f64 = 0.5;

impl Simulation {
    pub(super) fn step(&mut self) -> Result<(), MdError> {
        let duration = self.dynamics.time_step;
        let half = 0.5 * duration;
        // The temperature of the middle of the step in both halves keeps the step symmetric.
        let thermal_energy = self.dynamics.temperature.at(self.time() + half);
        self.prescribe_shear(duration);
        self.exchange_heat(half, thermal_energy, Draw::FirstHalf);
        self.push_cell(half);
        if let Some(mobility) = self.volume_mobility() {
            self.kick(half);
            let (growth, made) = self.draw_volume(mobility, duration, thermal_energy)?;
            self.drift(duration, growth, thermal_energy)?;
            self.renew_forces();
            self.settle_volume(made, mobility, duration, thermal_energy);
        } else if matches!(self.dynamics.thermostat, Some(Thermostat::Langevin { .. })) {
            self.kick(half);
            self.drift(duration, 1.0, thermal_energy)?;
            self.renew_forces();
        } else {
            self.kick_and_drift(duration)?;
            self.renew_forces();
        }
        self.kick(half);
        self.push_cell(half);
        self.exchange_heat(half, thermal_energy, Draw::SecondHalf);
        self.motion.step += 1;
        if !(self.virial.trace.is_finite() && self.twice_kinetic().is_finite()) {
            return Err(self.blow_up(Symptom::NotFinite));
        }
        Ok(())
    }

    /// Forces and all sums.
    pub(super) fn evaluate(&mut self) {
        let configuration = &self.configuration;
        self.evaluation = self.force_field.evaluate_step(
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
            &mut self.forces,
        );
        let volume = configuration.cell.volume();
        self.virial = StepVirial {
            trace: volume * self.evaluation.virial_stress.trace(),
            xy: volume * self.evaluation.virial_stress.xy(),
        };
        self.measured_step = self.motion.step;
    }

    /// Energy and stress of this moment, where the last step did without; forces stay as they are.
    pub(super) fn measure(&mut self) {
        if self.measured_step == self.motion.step {
            return;
        }
        let configuration = &self.configuration;
        let mut forces = vec![Vector3::zeros(); configuration.len()];
        self.evaluation = self.force_field.evaluate_step(
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
            &mut forces,
        );
        self.measured_step = self.motion.step;
    }

    /// The forces of the coming step's end: with all sums where they will be sampled or the whole
    /// cell moves under the stress.
    fn renew_forces(&mut self) {
        let coming = self.motion.step + 1;
        if coming.is_multiple_of(self.sample_interval) || self.inertia.shape.is_some() {
            self.evaluate();
            self.measured_step = coming;
            return;
        }
        let configuration = &self.configuration;
        self.virial = self.force_field.step_forces(
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
            &mut self.forces,
        );
    }

    /// The stress that drives the cell, with its kinetic part: all components where the whole cell
    /// moves, else the pressure on the diagonal, and xy.
    pub(super) fn driving_stress(&self) -> Stress {
        let volume = self.configuration.cell.volume();
        let virial = if self.inertia.shape.is_some() {
            self.evaluation.virial_stress
        } else {
            let third = self.virial.trace / (3.0 * volume);
            Stress([third, third, third, self.virial.xy / volume, 0.0, 0.0])
        };
        virial - Stress(self.kinetic) * (1.0 / volume)
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

    /// γ̇ of the coming step, where the drive prescribes γ(t): its mean over the step.
    fn prescribe_shear(&mut self, duration: f64) {
        if let Some(rate) = self.dynamics.drive.mean_rate(self.time(), duration) {
            self.motion.gradient.0[XY] = rate;
        }
    }

    /// Moves the cell's momenta, W_g Ġ = −V σ − P V + 2K/N_f on the diagonal and −V σ off it, or
    /// counts the work of a prescribed shear.
    fn push_cell(&mut self, duration: f64) {
        let volume = self.configuration.cell.volume();
        let mut force = (self.driving_stress() * -volume).0;
        let outward = self.twice_kinetic() / self.degrees_of_freedom();
        for component in &mut force[..3] {
            *component += outward - volume * self.external_pressure();
        }
        if self.inertia.tilt.is_none() {
            self.motion.work -= duration * force[XY] * self.motion.gradient.0[XY];
        }
        force[XY] += volume * self.dynamics.drive.external_stress();
        self.inertia
            .push(&mut self.motion.gradient, &force, duration);
    }

    /// v̇ = F/m − (G + tr(G)/N_f) v over `duration`: half the drag, the force, half the drag; and
    /// before it the factor that waits.
    fn kick_map(&mut self, duration: f64) -> Kick {
        let gradient = &self.motion.gradient;
        let trace = UpperTriangular::isotropic(gradient.trace() / self.degrees_of_freedom());
        let drag = gradient.plus(&trace).scaled(-0.5 * duration).exp();
        let factor = std::mem::replace(&mut self.velocity_factor, 1.0);
        Kick {
            velocity: drag.times(&drag).scaled(factor),
            force: drag.scaled(duration),
        }
    }

    fn kick(&mut self, duration: f64) {
        let kick = self.kick_map(duration);
        let parallel = self.is_parallel();
        self.kinetic = passes::kick(
            parallel,
            &kick,
            &mut self.velocities,
            &self.forces,
            &self.masses,
            &self.inverse_masses,
        );
    }

    /// exp(G dt) for a share of a step.
    fn flow(&self, duration: f64) -> UpperTriangular {
        self.motion.gradient.scaled(duration).exp()
    }

    /// The first kick of half a step of `duration`, then ṙ = v + G r for atoms and lattice vectors:
    /// half the flow, the velocities, half the flow.
    fn kick_and_drift(&mut self, duration: f64) -> Result<(), MdError> {
        let kick = self.kick_map(0.5 * duration);
        let flow = self.flow(0.5 * duration);
        let drift = Drift {
            position: flow.times(&flow),
            velocity: flow.scaled(duration),
        };
        let parallel = self.is_parallel();
        let within = passes::kick_and_drift(
            parallel,
            (&kick, &drift),
            &mut self.configuration.positions,
            &mut self.velocities,
            &self.forces,
            &self.inverse_masses,
            LARGEST_MOVE / duration,
        );
        self.follow(within, &drift.position, duration)
    }

    /// The drift after a kick of its own, in a cell that grows by the factor `growth` in length
    /// while the velocities shrink by it: half the growth before, half after. With Langevin's
    /// noise there are two half drifts and the noise between them.
    fn drift(&mut self, duration: f64, growth: f64, thermal_energy: f64) -> Result<(), MdError> {
        let limit = LARGEST_MOVE / duration;
        let parallel = self.is_parallel();
        let flow = self.flow(0.5 * duration);
        let position = flow.times(&flow).scaled(growth);
        let positions = &mut self.configuration.positions;
        let within = if let Some(Thermostat::Langevin { time_constant }) = self.dynamics.thermostat
        {
            let decay = (-duration / time_constant).exp();
            let quarter = self.motion.gradient.scaled(0.25 * duration).exp();
            let drift = NoisyDrift {
                position,
                before: flow.times(&quarter).scaled(0.5 * duration),
                after: quarter.scaled(0.5 * duration * growth.sqrt()),
                decay: decay / growth.sqrt(),
                noise: ((1.0 - decay * decay) * thermal_energy).sqrt(),
            };
            let (random, step, atoms) = (self.dynamics.random, self.motion.step, positions.len());
            let places = &self.places;
            let normal = |atom: usize| random.normal_vector(step, atoms, places[atom] as usize);
            let outcome = passes::noisy_drift(
                parallel,
                &drift,
                positions,
                &mut self.velocities,
                &self.masses,
                limit,
                &normal,
            );
            let before = 0.5 * self.twice_kinetic() / growth;
            self.kinetic = outcome.kinetic;
            self.motion.injected += 0.5 * self.twice_kinetic() - before;
            self.scale_velocities(growth.sqrt().recip());
            outcome.within
        } else {
            let drift = Drift {
                position,
                velocity: flow.scaled(duration),
            };
            let within = passes::drift(parallel, &drift, positions, &self.velocities, limit);
            self.scale_velocities(growth.recip());
            within
        };
        self.follow(within, &position, duration)
    }

    /// The cell follows the flow of the atoms.
    fn follow(
        &mut self,
        within: bool,
        flow: &UpperTriangular,
        duration: f64,
    ) -> Result<(), MdError> {
        if !within {
            return Err(self.too_fast(duration));
        }
        if *flow == UpperTriangular::IDENTITY {
            return Ok(());
        }
        let before = self.configuration.cell.volume();
        self.deform_cell(flow)?;
        let strain = duration * self.motion.gradient.0[XY];
        self.motion.gamma += strain;
        let volume = 0.5 * (before + self.configuration.cell.volume());
        self.motion.work += volume * self.dynamics.drive.external_stress() * strain;
        Ok(())
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
