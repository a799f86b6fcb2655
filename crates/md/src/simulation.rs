//! A configuration in motion.

mod checkpoint;
mod heat;
mod inertia;
mod linear_map;
mod passes;
mod rescaling;
mod space_order;
mod step;

use metabasin_atoms::{Cell, Configuration, Species, Stress};
use metabasin_interactions::{Evaluation, ForceField, StepVirial};
use nalgebra::Vector3;

use crate::chain::Chain;
use crate::frame::{Moment, Sums};
use crate::{Dynamics, Frame, MdError, Symptom};

pub use checkpoint::Checkpoint;
use checkpoint::Motion;
use inertia::Inertia;

/// Most steps between two checks for a blow-up (not-a-number is noticed at once).
pub(crate) const CHECK_INTERVAL: u64 = 50;

/// Time between two samples of energy and stress for averages: several a period of the fastest
/// vibration (about 0.2), whose oscillations an average over the interval must cancel `[τ]`.
const SAMPLE_TIME: f64 = 0.05;

/// A configuration with its force field and its equations of motion.
///
/// ```text
/// ṙ = v + G r,   ḣ = G h
/// v̇ = F/m − G v − (tr G/N_f) v − ξ v
/// W_g Ġ_ab = −V σ_ab − P V δ_ab + (2K/N_f) δ_ab − (cell thermostat)
/// ```
///
/// with the velocity gradient G of the cell h and N_f = 3N − 3. G is ε̇ on the diagonal where the
/// volume moves alone (then W = 3 W_g belongs to ε̇ and the forces add up), upper-triangular where
/// the whole cell does; G_xy = γ̇ is given, or free with the force V (σ_ext − σ_xy) on
/// W_γ γ̈. The state stores PECULIAR velocities v (relative to the flow G r), the SLLOD form of
/// simple shear (Evans & Morriss, Statistical Mechanics of Nonequilibrium Liquids, ch. 6);
/// positions follow the affine flow plus v and are never wrapped. The tilts of the cell are
/// flipped back when |xy| > lx/2 (or another is as large), which no reported quantity notices: γ,
/// the time integral of G_xy, is counted apart and is not changed by isotropic volume changes. One
/// step is a symmetric (Trotter) product of exact flows, so it is time-reversible: half heat
/// exchange, half cell momenta, half kick, drift, and back.
///
/// The conserved quantity is
///
/// ```text
/// K + U + P V + Σ W G²/2 + Σ chains − work of the drive − heat of stochastic baths
/// ```
///
/// where the kinetic terms belong to free components of the cell; the work is ∫ V σ_xy γ̇ dt of a
/// prescribed shear and ∫ V σ_ext γ̇ dt of a shear stress from outside. Energy that swaps of atoms
/// bring in ([`crate::SwapMonteCarlo`]) is subtracted as work too.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Atoms in the order in which they lie in space, as all arrays here.
    configuration: Configuration,
    /// Where each atom stood in the configuration that was given.
    places: Vec<u32>,
    dynamics: Dynamics,
    force_field: ForceField,
    motion: Motion,
    masses: Vec<f64>,
    inverse_masses: Vec<f64>,
    /// Peculiar velocities but for `velocity_factor` `[length / τ]`.
    velocities: Vec<Vector3<f64>>,
    /// What the velocities must still be multiplied by: a thermostat's factor, which waits for the
    /// next sweep over the atoms. Sums over velocities, as `kinetic`, hold it already.
    velocity_factor: f64,
    forces: Vec<Vector3<f64>>,
    /// Sums over pairs that go with the forces.
    virial: StepVirial,
    /// Energy and stress after `measured_step`.
    evaluation: Evaluation,
    measured_step: u64,
    /// Steps between two samples for averages.
    sample_interval: u64,
    /// Steps between two checks for a blow-up: every few samples, which measure anyway.
    check_interval: u64,
    /// Σ m v v of the peculiar velocities, order xx, yy, zz, xy, xz, yz `[energy]`.
    kinetic: [f64; 6],
    inertia: Inertia,
}

impl Simulation {
    /// Starts at step 0 and γ = 0 with resting thermostats and cell.
    ///
    /// The motion of the center of mass is removed from the velocities: thermal motion is
    /// relative to it.
    ///
    /// # Errors
    /// [`MdError`] for settings out of range, a broken configuration, missing velocities, or a
    /// sample that the force field refuses.
    pub fn new(
        mut configuration: Configuration,
        force_field: ForceField,
        dynamics: Dynamics,
    ) -> Result<Self, MdError> {
        configuration.validate()?;
        dynamics.validate()?;
        let atoms = configuration.len();
        if atoms < 2 {
            return Err(MdError::TooFewAtoms { atoms });
        }
        let masses: Vec<f64> = (0..atoms).map(|i| configuration.mass(i)).collect();
        let velocities = configuration
            .velocities
            .as_mut()
            .ok_or(MdError::NoVelocities)?;
        let total_mass: f64 = masses.iter().sum();
        let momentum: Vector3<f64> = masses.iter().zip(&*velocities).map(|(m, v)| v * *m).sum();
        for velocity in velocities.iter_mut() {
            *velocity -= momentum / total_mass;
        }
        let motion = Motion::at_rest(&dynamics, atoms);
        let mut simulation = Self::assemble(configuration, force_field, dynamics, motion)?;
        simulation.motion.start_temperature = simulation.temperature();
        simulation.motion.last_conserved = simulation.conserved();
        Ok(simulation)
    }

    /// Counts the strain from `gamma` instead of zero.
    #[must_use]
    pub fn with_strain(mut self, gamma: f64) -> Self {
        self.motion.gamma = gamma;
        self
    }

    fn assemble(
        mut configuration: Configuration,
        force_field: ForceField,
        dynamics: Dynamics,
        motion: Motion,
    ) -> Result<Self, MdError> {
        force_field.check(&configuration)?;
        let atoms = configuration.len();
        let velocities = configuration
            .velocities
            .take()
            .ok_or(MdError::NoVelocities)?;
        let masses: Vec<f64> = (0..atoms).map(|i| configuration.mass(i)).collect();
        let sample_interval = (SAMPLE_TIME / dynamics.time_step).round().max(1.0) as u64;
        let mut simulation = Self {
            inverse_masses: masses.iter().map(|mass| 1.0 / mass).collect(),
            masses,
            velocities,
            velocity_factor: 1.0,
            places: (0..atoms as u32).collect(),
            forces: vec![Vector3::zeros(); atoms],
            virial: StepVirial::default(),
            evaluation: Evaluation {
                energy: 0.0,
                virial_stress: Stress::ZERO,
            },
            measured_step: motion.step,
            sample_interval,
            check_interval: match CHECK_INTERVAL / sample_interval * sample_interval {
                0 => CHECK_INTERVAL,
                some => some,
            },
            kinetic: [0.0; 6],
            inertia: Inertia::new(&dynamics, atoms),
            configuration,
            dynamics,
            force_field,
            motion,
        };
        simulation.refresh();
        Ok(simulation)
    }

    /// Forgets everything that can be recomputed (order of atoms, neighbor list, sums of rounded
    /// products) and computes it anew, so that from here on the run depends on nothing but its
    /// [`Checkpoint`].
    pub fn refresh(&mut self) {
        self.settle_velocities();
        self.sort_in_space();
        self.force_field.invalidate();
        self.evaluate();
        self.kinetic = passes::kinetic(self.is_parallel(), &self.velocities, &self.masses);
    }

    fn is_parallel(&self) -> bool {
        self.force_field.is_parallel(self.configuration.len())
    }

    /// Integrates `steps` steps.
    ///
    /// # Errors
    /// [`MdError::BlowUp`], at the latest 50 steps after the temperature or the conserved
    /// quantity ran away.
    pub fn advance(&mut self, steps: u64) -> Result<(), MdError> {
        for _ in 0..steps {
            self.step()?;
            if self.motion.step.is_multiple_of(self.sample_interval) {
                let moment = self.moment();
                self.motion.sums.add(&moment);
            }
            if self.motion.step.is_multiple_of(self.check_interval) {
                self.measure();
                self.check()?;
            }
        }
        self.measure();
        Ok(())
    }

    /// Starts a new interval of averages ([`Frame::mean`]).
    pub fn begin_interval(&mut self) {
        self.motion.sums = Sums::default();
    }

    /// This moment, and averages since the last [`Simulation::begin_interval`].
    pub fn frame(&self) -> Frame {
        let moment = self.moment();
        let atoms = self.configuration.len();
        Frame {
            step: self.motion.step,
            time: self.time(),
            gamma: self.motion.gamma,
            temperature: moment.temperature,
            kinetic_energy_per_atom: 0.5 * self.twice_kinetic() / atoms as f64,
            potential_energy_per_atom: self.evaluation.energy / atoms as f64,
            volume: moment.volume,
            pressure: moment.stress.pressure(),
            stress: moment.stress,
            conserved: self.conserved(),
            mean: self.motion.sums.mean(&moment, atoms),
        }
    }

    /// Puts atoms on each other's positions: atom `occupants[k]` moves to where atom k was; each
    /// keeps id, mass and velocity. The energy that this brings in is counted as work, so the
    /// conserved quantity goes on. The simulation is refreshed ([`Simulation::refresh`]).
    ///
    /// # Panics
    /// If `occupants` names an atom that does not exist.
    pub(crate) fn rearrange(&mut self, occupants: &[u32]) {
        let before = self.evaluation.energy;
        let sites = self.configuration.positions.clone();
        for (&atom, site) in occupants.iter().zip(&sites) {
            self.configuration.positions[atom as usize] = *site;
        }
        self.refresh();
        self.motion.work += self.evaluation.energy - before;
    }

    /// Cell, positions and species, the atoms in the order that [`Simulation::rearrange`] takes.
    pub(crate) fn sites(&self) -> (&Cell, &[Vector3<f64>], &[Species]) {
        let configuration = &self.configuration;
        (
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
        )
    }

    /// Number of atoms.
    pub(crate) fn atoms(&self) -> usize {
        self.configuration.len()
    }

    /// The error of a simulation whose positions make no sense.
    pub(crate) fn not_finite(&self) -> MdError {
        self.blow_up(Symptom::NotFinite)
    }

    fn moment(&self) -> Moment {
        let volume = self.configuration.cell.volume();
        let pressure = self.external_pressure();
        let potential_energy = self.evaluation.energy;
        Moment {
            gamma: self.motion.gamma,
            temperature: self.temperature(),
            potential_energy,
            enthalpy: 0.5 * self.twice_kinetic() + potential_energy + pressure * volume,
            volume,
            stress: self.stress(),
        }
    }

    /// The configuration with its peculiar velocities.
    pub fn configuration(&self) -> Configuration {
        let mut configuration = self.configuration.clone();
        let mut velocities = vec![Vector3::zeros(); self.velocities.len()];
        for (k, &place) in self.places.iter().enumerate() {
            let place = place as usize;
            configuration.positions[place] = self.configuration.positions[k];
            configuration.species[place] = self.configuration.species[k];
            configuration.ids[place] = self.configuration.ids[k];
            velocities[place] = self.velocities[k] * self.velocity_factor;
        }
        configuration.velocities = Some(velocities);
        configuration
    }

    /// The equations of motion.
    pub fn dynamics(&self) -> &Dynamics {
        &self.dynamics
    }

    /// The force field.
    pub fn force_field(&self) -> &ForceField {
        &self.force_field
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.motion.step
    }

    /// Time since the start `[τ]`.
    pub fn time(&self) -> f64 {
        self.motion.step as f64 * self.dynamics.time_step
    }

    /// Simple shear γ, flips undone.
    pub fn gamma(&self) -> f64 {
        self.motion.gamma
    }

    /// Kinetic temperature 2K/(3N − 3) `[energy]`.
    pub fn temperature(&self) -> f64 {
        self.twice_kinetic() / self.degrees_of_freedom()
    }

    /// Cauchy stress with its kinetic part, tension positive `[energy / length³]`.
    pub fn stress(&self) -> Stress {
        let volume = self.configuration.cell.volume();
        self.evaluation.virial_stress - Stress(self.kinetic) * (1.0 / volume)
    }

    /// The quantity that exact dynamics would conserve `[energy]`.
    pub fn conserved(&self) -> f64 {
        let volume = self.configuration.cell.volume();
        let motion = &self.motion;
        let chain = |chain: &Option<Chain>| chain.as_ref().map_or(0.0, Chain::energy);
        0.5 * self.twice_kinetic()
            + self.evaluation.energy
            + self.external_pressure() * volume
            + 0.5 * self.inertia.twice_kinetic(&motion.gradient)
            + chain(&motion.atom_chain)
            + chain(&motion.cell_chain)
            - motion.work
            - motion.injected
    }

    fn degrees_of_freedom(&self) -> f64 {
        degrees_of_freedom(self.configuration.len())
    }

    fn twice_kinetic(&self) -> f64 {
        self.kinetic[0] + self.kinetic[1] + self.kinetic[2]
    }

    fn external_pressure(&self) -> f64 {
        self.dynamics.pressure()
    }

    fn blow_up(&self, symptom: Symptom) -> MdError {
        let largest_force = self
            .forces
            .iter()
            .map(Vector3::norm)
            .fold(0.0, |largest, norm| {
                if norm > largest || norm.is_nan() {
                    norm
                } else {
                    largest
                }
            });
        MdError::BlowUp {
            step: self.motion.step,
            time: self.time(),
            symptom,
            largest_force,
            time_step: self.dynamics.time_step,
        }
    }

    fn check(&mut self) -> Result<(), MdError> {
        let temperature = self.temperature();
        let target = self.dynamics.temperature.at(self.time());
        let scale = target.max(self.motion.start_temperature);
        if temperature > 20.0 * scale {
            return Err(self.blow_up(Symptom::Temperature {
                temperature,
                target: scale,
            }));
        }
        let conserved = self.conserved();
        let change_per_atom =
            (conserved - self.motion.last_conserved) / self.configuration.len() as f64;
        if change_per_atom.abs() > scale {
            return Err(self.blow_up(Symptom::Conserved { change_per_atom }));
        }
        self.motion.last_conserved = conserved;
        let cell = &self.configuration.cell;
        if cell.shortest_lattice_vector() < 2.0 * self.force_field.potential().cutoff() {
            let volume = cell.volume();
            return Err(self.blow_up(Symptom::CellTooSmall { volume }));
        }
        Ok(())
    }
}

/// N_f = 3N − 3: the center of mass does not move.
fn degrees_of_freedom(atoms: usize) -> f64 {
    (3 * atoms - 3) as f64
}

#[cfg(test)]
mod tests;
