//! How fast this machine is, measured: the verb `bench`, and what `check` estimates cost with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metabasin_atoms::{Cell, Configuration, Purpose, random_stream};
use metabasin_interactions::{BinaryLennardJones, Cut, FixedCell, ForceField, Kernel, Precision};
use metabasin_interactions::{EnergyLandscape, flatten};
use metabasin_md::{Drive, Dynamics, Simulation, initial_liquid};
use nalgebra::Vector3;
use rayon::prelude::*;
use serde::Serialize;

use crate::{Interrupt, PipelineError, Progress};

/// Speed of molecular dynamics.
#[derive(Clone, Debug, Serialize)]
pub struct MdSpeed {
    /// Name of the kernel.
    pub kernel: String,
    /// `f64` or `mixed`.
    pub precision: String,
    /// Threads that worked.
    pub threads: usize,
    /// Atoms of a sample.
    pub atoms: usize,
    /// Ensemble and drive.
    pub ensemble: String,
    /// Atoms times steps per second, all threads together.
    pub atom_steps_per_second: f64,
}

/// Speed of single evaluations.
#[derive(Clone, Debug, Serialize)]
pub struct ForceSpeed {
    /// Atoms of the sample.
    pub atoms: usize,
    /// Energies and forces per second, one thread.
    pub evaluations_per_second: f64,
    /// Hessian-vector products at one point per second, one thread.
    pub hessian_products_per_second: f64,
}

/// Speed of Eshelby kinetic Monte Carlo.
#[derive(Clone, Debug, Serialize)]
pub struct KmcSpeed {
    /// Sites of the lattice.
    pub sites: usize,
    /// Threads that worked.
    pub threads: usize,
    /// Events per second.
    pub events_per_second: f64,
}

/// What `bench` reports.
#[derive(Clone, Debug, Serialize)]
pub struct MachineSpeed {
    /// Molecular dynamics, kernel by kernel.
    pub md: Vec<MdSpeed>,
    /// Force evaluations.
    pub force_evaluations: Vec<ForceSpeed>,
    /// Kinetic Monte Carlo.
    pub kmc: Vec<KmcSpeed>,
}

/// Temperature and density of the liquid that is timed; its neighbors are those of the glass.
const TEMPERATURE: f64 = 0.5;
const DENSITY: f64 = 1.25;
const TIME_STEP: f64 = 0.002778;

fn failed(error: impl std::fmt::Display) -> PipelineError {
    PipelineError::Failed(format!("bench: {error}"))
}

fn field(kernel: Kernel, precision: Precision) -> ForceField {
    ForceField::new(Arc::new(BinaryLennardJones::wahnstrom(Cut::Smooth)), kernel)
        .with_precision(precision)
}

/// A liquid that has forgotten its lattice, shearing at constant rate and zero pressure.
fn sheared_liquid(atoms: usize, field: &ForceField) -> Result<Simulation, PipelineError> {
    let liquid = initial_liquid(atoms, DENSITY, 2.0 * TEMPERATURE, 1, 0).map_err(failed)?;
    let melt = Dynamics::constant_volume(TIME_STEP, 2.0 * TEMPERATURE);
    let mut simulation = Simulation::new(liquid, field.clone(), melt).map_err(failed)?;
    simulation.advance(200).map_err(failed)?;
    let dynamics =
        Dynamics::zero_pressure(TIME_STEP, TEMPERATURE).with_drive(Drive::Shear { rate: 3.6e-4 });
    let mut simulation =
        Simulation::new(simulation.configuration(), field.clone(), dynamics).map_err(failed)?;
    simulation.advance(100).map_err(failed)?;
    Ok(simulation)
}

/// Steps per second of one simulation, timed for about `duration`.
fn steps_per_second(simulation: &mut Simulation, duration: Duration) -> Result<f64, PipelineError> {
    let start = Instant::now();
    let mut steps = 0;
    while start.elapsed() < duration {
        simulation.advance(50).map_err(failed)?;
        steps += 50;
    }
    Ok(f64::from(steps) / start.elapsed().as_secs_f64())
}

/// From this many atoms on, a sample has all threads to itself.
const SHARED_FROM: usize = 8000;

/// Atom-steps per second of the run's job, constant-rate shear at zero pressure: one sample of
/// `atoms` a thread, side by side, or of one that all threads share where it is large.
fn md_speed(
    atoms: usize,
    (kernel, precision): (Kernel, Precision),
    threads: usize,
    duration: Duration,
) -> Result<MdSpeed, PipelineError> {
    let field = field(kernel, precision);
    let (atoms, speed) = if atoms < SHARED_FROM {
        let simulation = sheared_liquid(atoms, &field)?;
        let speeds: Vec<f64> = vec![simulation; threads]
            .into_par_iter()
            .with_max_len(1)
            .map(|mut simulation| steps_per_second(&mut simulation, duration))
            .collect::<Result<_, PipelineError>>()?;
        (atoms, speeds.iter().sum::<f64>())
    } else {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(failed)?
            .install(|| -> Result<_, PipelineError> {
                let mut simulation = tiled_liquid(atoms, &field.with_parallel(threads > 1))?;
                let speed = steps_per_second(&mut simulation, duration)?;
                Ok((simulation.configuration().len(), speed))
            })?
    };
    Ok(MdSpeed {
        kernel: kernel.to_string(),
        precision: match precision {
            Precision::Double => "f64".to_owned(),
            Precision::Mixed => "mixed".to_owned(),
        },
        threads,
        atoms,
        ensemble: "NPT + shear".to_owned(),
        atom_steps_per_second: atoms as f64 * speed,
    })
}

/// Copies of a melted sample along every edge of a larger one are made until it has `atoms` atoms.
const MELTED_ATOMS: f64 = 500.0;

/// A sheared liquid of about `atoms` atoms, of melted smaller ones side by side: quickly made.
fn tiled_liquid(atoms: usize, force_field: &ForceField) -> Result<Simulation, PipelineError> {
    let repeats = (atoms as f64 / MELTED_ATOMS).cbrt().round().max(1.0) as usize;
    let small = (atoms as f64 / repeats.pow(3) as f64).round().max(2.0) as usize;
    let liquid = initial_liquid(small, DENSITY, 2.0 * TEMPERATURE, 1, 0).map_err(failed)?;
    let melt = Dynamics::constant_volume(TIME_STEP, 2.0 * TEMPERATURE);
    let mut simulation = Simulation::new(liquid, force_field.clone(), melt).map_err(failed)?;
    simulation.advance(200).map_err(failed)?;
    let tile = simulation.configuration();
    let edge = tile.cell.components()[0];
    let cell = Cell::cubic(edge * repeats as f64).map_err(failed)?;
    let mut whole = Configuration {
        cell,
        positions: Vec::new(),
        velocities: None,
        species: Vec::new(),
        ids: Vec::new(),
        masses: tile.masses.clone(),
        names: None,
    };
    for tile_number in 0..repeats.pow(3) {
        let place = [
            tile_number % repeats,
            tile_number / repeats % repeats,
            tile_number / repeats.pow(2),
        ];
        let shift = Vector3::from(place.map(|k| k as f64 * edge));
        let moved = tile.positions.iter().map(|position| position + shift);
        whole.positions.extend(moved);
        whole.species.extend(&tile.species);
    }
    whole.ids = (1..=whole.positions.len() as u64).collect();
    // Velocities of their own, so that the copies part.
    let mut random = random_stream(1, Purpose::InitialVelocities, 0, 1);
    whole.draw_velocities(TEMPERATURE, &mut random);
    let dynamics =
        Dynamics::zero_pressure(TIME_STEP, TEMPERATURE).with_drive(Drive::Shear { rate: 3.6e-4 });
    let mut simulation = Simulation::new(whole, force_field.clone(), dynamics).map_err(failed)?;
    simulation.advance(40).map_err(failed)?;
    Ok(simulation)
}

/// Atom-steps per second of a run's own samples: of one that has all threads, and of as many as
/// there are threads side by side.
pub(crate) fn run_speed(
    atoms: usize,
    force_field: &ForceField,
    duration: Duration,
) -> Result<(f64, f64), PipelineError> {
    let simulation = tiled_liquid(atoms, force_field)?;
    let atoms = simulation.configuration().len() as f64;
    let single = atoms * steps_per_second(&mut simulation.clone(), duration)?;
    let copies = rayon::current_num_threads();
    if copies == 1 {
        return Ok((single, single));
    }
    let speeds: Vec<f64> = vec![simulation; copies]
        .into_par_iter()
        .with_max_len(1)
        .map(|mut simulation| steps_per_second(&mut simulation, duration))
        .collect::<Result<_, PipelineError>>()?;
    Ok((single, atoms * speeds.iter().sum::<f64>()))
}

/// Evaluations and Hessian-vector products per second of one thread.
pub(crate) fn force_speed(atoms: usize, duration: Duration) -> Result<ForceSpeed, PipelineError> {
    let simulation = sheared_liquid(atoms, &field(Kernel::detect(), Precision::Double))?;
    let configuration = simulation.configuration();
    let mut landscape = FixedCell::new(&configuration, field(Kernel::detect(), Precision::Double))
        .map_err(failed)?;
    let mut x = flatten(&configuration.positions);
    let mut gradient = vec![0.0; x.len()];
    let mut product = vec![0.0; x.len()];
    let start = Instant::now();
    let mut evaluations = 0;
    while start.elapsed() < duration {
        // A point never seen, as a search would ask for.
        x[evaluations % gradient.len()] += 1e-6;
        landscape.evaluate(&x, &mut gradient);
        evaluations += 1;
    }
    let evaluations_per_second = evaluations as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut products = 0;
    while start.elapsed() < duration {
        landscape.hessian_vector(&x, &gradient, &mut product);
        gradient.copy_from_slice(&product);
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        for g in &mut gradient {
            *g /= norm;
        }
        products += 1;
    }
    let hessian_products_per_second = f64::from(products) / start.elapsed().as_secs_f64();
    Ok(ForceSpeed {
        atoms,
        evaluations_per_second,
        hessian_products_per_second,
    })
}

/// Measures everything, about `seconds` each.
///
/// # Errors
/// Bad input for a time that is not positive; a stop on request.
pub fn measure_speed(
    seconds: f64,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<MachineSpeed, PipelineError> {
    if !(seconds > 0.0 && seconds <= 600.0) {
        return Err(PipelineError::BadInput(format!(
            "--seconds must lie between 0 and 600, got {seconds}"
        )));
    }
    let duration = Duration::from_secs_f64(seconds);
    let threads = rayon::current_num_threads();
    let best = Kernel::detect();
    let mut kernels = vec![(Kernel::Portable, Precision::Double)];
    if best != Kernel::Portable {
        kernels.extend([(best, Precision::Double), (best, Precision::Mixed)]);
    }
    let stopped = || PipelineError::Abandoned;
    progress.begin("bench", (kernels.len() * 6 + 4) as u64);
    let mut md = Vec::new();
    for &kernel in &kernels {
        for atoms in [500, 4000, 32000] {
            for threads in [1, threads] {
                if interrupt.is_requested() {
                    return Err(stopped());
                }
                let same = |last: &MdSpeed| last.threads == threads;
                if threads == 1 || !md.last().is_some_and(same) {
                    md.push(md_speed(atoms, kernel, threads, duration)?);
                }
                progress.advance(1);
            }
        }
    }
    let mut force_evaluations = Vec::new();
    for atoms in [500, 4000] {
        force_evaluations.push(force_speed(atoms, duration)?);
        progress.advance(1);
    }
    if interrupt.is_requested() {
        return Err(stopped());
    }
    let mut kmc = Vec::new();
    for sites_per_edge in [12, 16] {
        kmc.push(crate::kmc_runs::kmc_speed(sites_per_edge, duration)?);
        progress.advance(1);
    }
    progress.end();
    Ok(MachineSpeed {
        md,
        force_evaluations,
        kmc,
    })
}
