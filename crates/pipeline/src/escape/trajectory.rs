//! Molecular dynamics that is quenched now and then.

use metabasin_atoms::{Configuration, Purpose, Stress, random_stream};
use metabasin_catalogue::EventRecord;
use metabasin_interactions::ForceField;
use metabasin_landscape::displacements;
use metabasin_md::{Dynamics, RandomAddress, Simulation, Thermostat};
use metabasin_minimizers::InherentStructure;
use nalgebra::Vector3;
use rand_distr::{Distribution, StandardNormal};

use super::clock::{Place, Walker};
use crate::displaced_minimum::{TOLD_APART, quenched};
use crate::{Interrupt, PipelineError};

/// Time between two moments at which the stress is looked at `[τ]`, that of the averages of a frame.
const MOMENTS: f64 = 0.05;
/// Largest displacement at which a quench ended at home, unless events are smaller `[length]`.
const HOME_DISTANCE: f64 = 0.1;

/// How trajectories are run.
pub(crate) struct TrajectorySettings {
    /// Relaxation time of the thermostat `[τ]`.
    pub(crate) friction_time: f64,
    /// Time step `[τ]`.
    pub(crate) time_step: f64,
    /// Time between two quenches `[τ]`.
    pub(crate) interval: f64,
    pub(crate) seed: u64,
}

/// What all trajectories share.
pub(crate) struct Setting {
    minimum: Configuration,
    force_field: ForceField,
    /// Final minima of the catalogue: the event, and the displacement of every atom.
    finals: Vec<(u64, Vec<Vector3<f64>>)>,
    home_distance: f64,
    dynamics: Dynamics,
    steps: u64,
    seed: u64,
}

impl Setting {
    pub(crate) fn new(
        minimum: &InherentStructure,
        events: &[EventRecord],
        settings: &TrajectorySettings,
    ) -> Self {
        let smallest = events
            .iter()
            .map(|event| event.largest_displacement)
            .fold(2.0 * HOME_DISTANCE, f64::min);
        let finals = events
            .iter()
            .map(|event| {
                let mut field = vec![Vector3::zeros(); minimum.configuration().len()];
                let stored = &event.displacement_final;
                for (&atom, &u) in stored.atoms.iter().zip(&stored.displacements) {
                    if let Some(at) = field.get_mut(atom as usize) {
                        *at = Vector3::from(u);
                    }
                }
                (event.id, field)
            })
            .collect();
        let thermostat = Thermostat::Langevin {
            time_constant: settings.friction_time,
        };
        Self {
            // One trajectory a thread: each evaluates forces alone.
            force_field: minimum.force_field().with_parallel(false),
            finals,
            home_distance: 0.5 * smallest,
            dynamics: Dynamics {
                thermostat: Some(thermostat),
                ..Dynamics::constant_energy(settings.time_step, 1.0)
            },
            steps: ((settings.interval / settings.time_step).round() as u64).max(1),
            seed: settings.seed,
            minimum: minimum.configuration().clone(),
        }
    }

    /// Time between two quenches `[τ]`.
    pub(crate) fn interval(&self) -> f64 {
        self.steps as f64 * self.dynamics.time_step
    }

    /// Time step `[τ]`.
    pub(crate) fn time_step(&self) -> f64 {
        self.dynamics.time_step
    }

    /// Largest displacement at which a quench ended at home `[length]`.
    pub(crate) fn home_distance(&self) -> f64 {
        self.home_distance
    }

    /// The minimum that a quenched configuration is in.
    fn place(&self, quenched: &Configuration) -> Place {
        let cell = &self.minimum.cell;
        let field = displacements(cell, &self.minimum.positions, &quenched.positions);
        let farthest = field.iter().map(Vector3::norm).fold(0.0, f64::max);
        if farthest < self.home_distance {
            return Place::Home;
        }
        let event = self
            .finals
            .iter()
            .find(|(_, last)| largest_apart(&field, last) < self.home_distance);
        Place::Away(event.map(|(event, _)| *event))
    }
}

/// The largest distance between two fields, over atoms.
fn largest_apart(field: &[Vector3<f64>], other: &[Vector3<f64>]) -> f64 {
    let apart = field.iter().zip(other).map(|(a, b)| (a - b).norm_squared());
    apart.fold(0.0, f64::max).sqrt()
}

/// One trajectory from the minimum.
pub(crate) struct Trajectory<'a> {
    setting: &'a Setting,
    simulation: Simulation,
    interrupt: &'a Interrupt,
}

fn failed(error: impl std::fmt::Display) -> PipelineError {
    PipelineError::Failed(format!("dynamics from the minimum: {error}"))
}

/// The error of a trajectory that was stopped on request.
pub(crate) fn interrupted() -> PipelineError {
    PipelineError::Interrupted {
        resume: "the same command goes on with the trajectories that are left".to_owned(),
    }
}

impl<'a> Trajectory<'a> {
    /// Trajectory `address.1` at the temperature number `address.0`. Velocities are drawn at twice
    /// the temperature: half of that energy goes into the vibrations' potential energy, which is zero
    /// at the minimum (equipartition), so that equilibration has little left to do.
    pub(crate) fn new(
        setting: &'a Setting,
        temperature: f64,
        address: (u64, u64),
        interrupt: &'a Interrupt,
    ) -> Result<Self, PipelineError> {
        let (stage, index) = address;
        let mut random = random_stream(setting.seed, Purpose::InitialVelocities, stage, index);
        let mut configuration = setting.minimum.clone();
        let velocities = (0..configuration.len())
            .map(|atom| {
                let spread = (2.0 * temperature / configuration.mass(atom)).sqrt();
                Vector3::from_fn(|_, _| {
                    let draw: f64 = StandardNormal.sample(&mut random);
                    spread * draw
                })
            })
            .collect();
        configuration.velocities = Some(velocities);
        let dynamics = Dynamics {
            temperature: metabasin_md::TemperatureSchedule::Constant(temperature),
            ..setting.dynamics.clone()
        };
        Self::of(configuration, &dynamics, address, (setting, interrupt))
    }

    /// The dynamics of a configuration on the random numbers of `address`.
    fn of(
        configuration: Configuration,
        dynamics: &Dynamics,
        (stage, index): (u64, u64),
        (setting, interrupt): (&'a Setting, &'a Interrupt),
    ) -> Result<Self, PipelineError> {
        let dynamics = Dynamics {
            random: RandomAddress {
                seed: setting.seed,
                stage: stage as u32,
                trajectory: index as u32,
            },
            ..dynamics.clone()
        };
        let simulation = Simulation::new(configuration, setting.force_field.clone(), dynamics)
            .map_err(failed)?;
        Ok(Self {
            setting,
            simulation,
            interrupt,
        })
    }

    /// A trajectory of its own from here on, the cell and all atoms in it sheared by `gamma` at once, on the
    /// random numbers of `address`.
    pub(crate) fn sheared(&self, gamma: f64, address: (u64, u64)) -> Result<Self, PipelineError> {
        let configuration = self.simulation.configuration().sheared(gamma);
        Self::of(
            configuration,
            self.simulation.dynamics(),
            address,
            (self.setting, self.interrupt),
        )
    }

    /// Goes on for so many steps; the stress averaged over them `[energy / length³]`.
    pub(crate) fn mean_stress_over(&mut self, steps: u64) -> Result<Stress, PipelineError> {
        self.simulation.begin_interval();
        let mut left = steps;
        while left > 0 {
            let these = left.min(self.setting.steps);
            self.simulation.advance(these).map_err(failed)?;
            if self.interrupt.is_requested() {
                return Err(interrupted());
            }
            left -= these;
        }
        Ok(self.mean_stress())
    }

    /// Goes on for so many intervals without a quench.
    pub(crate) fn settle(&mut self, intervals: u64) -> Result<(), PipelineError> {
        for _ in 0..intervals {
            self.simulation
                .advance(self.setting.steps)
                .map_err(failed)?;
            if self.interrupt.is_requested() {
                return Err(interrupted());
            }
        }
        Ok(())
    }

    /// The stress, averaged since the last quench but one, or over the last steps that were asked for
    /// `[energy / length³]`.
    pub(crate) fn mean_stress(&self) -> Stress {
        self.simulation.frame().mean.stress
    }

    /// Goes on for an interval; mean squares of xy, xz and yz of the stress at moments of it, which do not
    /// change where it goes.
    pub(crate) fn shear_squares(&mut self) -> Result<[f64; 3], PipelineError> {
        self.simulation.begin_interval();
        let between = (MOMENTS / self.setting.dynamics.time_step).round() as u64;
        let mut squares = [0.0; 3];
        let mut moments = 0_u64;
        let mut left = self.setting.steps;
        while left > 0 {
            let these = left.min(between.max(1));
            self.simulation.advance(these).map_err(failed)?;
            let [_, _, _, xy, xz, yz] = self.simulation.stress().0;
            for (square, stress) in squares.iter_mut().zip([xy, xz, yz]) {
                *square += stress * stress;
            }
            moments += 1;
            left -= these;
        }
        Ok(squares.map(|square| square / moments as f64))
    }

    /// Stiffness of this moment under affine shear xy, xz and yz, the Born term `[energy / length³]`.
    pub(crate) fn affine_moduli(&self) -> [f64; 3] {
        let configuration = self.simulation.configuration();
        let mut force_field = self.setting.force_field.clone();
        let response = force_field.strain_response(
            &configuration.cell,
            &configuration.positions,
            &configuration.species,
        );
        [3, 4, 5].map(|k| response.born.0[k][k])
    }

    /// On to the next quench, and where it ends.
    pub(crate) fn quenched(&mut self) -> Result<InherentStructure, PipelineError> {
        self.simulation.begin_interval();
        self.simulation
            .advance(self.setting.steps)
            .map_err(failed)?;
        self.inherent_structure()
    }

    /// Where a quench from here ends.
    pub(crate) fn inherent_structure(&self) -> Result<InherentStructure, PipelineError> {
        let configuration = self.simulation.configuration();
        let quenched = quenched(&configuration, &self.setting.force_field, TOLD_APART);
        if self.interrupt.is_requested() {
            return Err(interrupted());
        }
        quenched.map_err(failed)
    }
}

impl Walker for Trajectory<'_> {
    type Error = PipelineError;

    fn look(&mut self) -> Result<Place, PipelineError> {
        let quenched = self.quenched()?;
        Ok(self.setting.place(quenched.configuration()))
    }
}
