//! What a run would cost on this machine: `check`.

use std::time::Duration;

use serde::Serialize;

use crate::PipelineError;
use crate::config::{KmcStage, RunConfig, Stage};
use crate::machine_memory::available;
use crate::machine_speed::{force_speed, run_speed};
use crate::memory::of_stages;
use crate::sample::{Sample, force_field};
use crate::stages::branches::{Branch, branches, shear_stage};
use crate::stages::relax::duration;
use crate::stages::start::prepare_settings;

/// What one stage would take.
#[derive(Clone, Debug, Serialize)]
pub struct StageEstimate {
    /// Its name.
    pub name: String,
    /// Wall seconds.
    pub seconds: f64,
    /// Atoms times MD steps.
    pub atom_steps: f64,
    /// Bytes of memory at most.
    pub memory_bytes: f64,
}

/// What a run would take.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Wall seconds, all stages together.
    pub seconds: f64,
    /// Atoms times MD steps.
    pub atom_steps: f64,
    /// Bytes on disk, roughly.
    pub bytes: f64,
    /// Bytes of memory at most: of the stage that takes most.
    pub memory_bytes: f64,
    /// Bytes of memory that this machine, its control group or the shell leave; null where none says.
    pub memory_available_bytes: Option<f64>,
    /// Atoms of a sample.
    pub atoms: usize,
    /// Atoms of the samples that were measured, which were smaller where a sample is large.
    pub measured_atoms: usize,
    /// Threads counted with.
    pub threads: usize,
    /// Atom-steps per second that this machine was just measured at, samples of this size on all
    /// threads.
    pub atom_steps_per_second: f64,
    /// Stage by stage.
    pub stages: Vec<StageEstimate>,
}

/// Force evaluations that one saddle search spends, failures and both descents counted; measured
/// on glasses of 500 atoms.
const EVALUATIONS_PER_SEARCH: f64 = 1200.0;
/// Force evaluations of a quench to an inherent state; measured on glasses of 4,000 atoms.
const EVALUATIONS_PER_QUENCH: f64 = 700.0;
/// Wall seconds of kinetic Monte Carlo for one lattice, rate and sign on 12³ sites, on one core.
const SECONDS_PER_LATTICE: f64 = 0.5;
/// Bytes of one stored number in series, checkpoints and structures.
const BYTES_PER_NUMBER: f64 = 20.0;
/// Numbers kept of a trajectory: series of 400 frames, twice with those in its checkpoint.
const FRAME_NUMBERS: f64 = 2.0 * 400.0 * 20.0;
/// Numbers of an atom in a checkpoint.
const ATOM_NUMBERS: f64 = 7.0;
/// Samples that the checkpoint of an unloading keeps.
const KEPT_SAMPLES: f64 = 25.0;
/// How far an unloading goes, in strains of its loading: beyond zero, until its fit is good.
const UNLOADING: f64 = 1.4;
/// Share of the time of a trajectory that its frames and checkpoints add.
const OVERHEAD: f64 = 1.05;
/// Larger samples cost as much an atom and step as one of this size, and take longer to measure.
const MOST_MEASURED_ATOMS: usize = 32_000;
/// Where no sample tells, a catalogue's glass is of this size.
const USUAL_ATOMS: usize = 1000;

/// Evaluations of each of the trajectories of an MD stage, in the order of their work: steps, and
/// so many for every quench; an unloading goes through so many strains of its loading.
fn trajectories(
    config: &RunConfig,
    stage: &Stage,
    (per_quench, unloading): (f64, f64),
) -> Result<Option<Vec<f64>>, PipelineError> {
    let step = config.time_step.tau();
    let quenches = |number: usize| number as f64 * per_quench;
    let of_branches = |evaluations: &dyn Fn(&Branch, f64) -> f64| {
        let shear = shear_stage(config)?;
        let strain = shear.strain;
        let all = branches(shear);
        let evaluations = all.iter().map(|branch| evaluations(branch, strain));
        Ok::<_, PipelineError>(evaluations.collect::<Vec<f64>>())
    };
    let loading = |branch: &Branch, strain: f64| strain / branch.rate.per_tau() / step;
    Ok(Some(match stage {
        Stage::Prepare(prepare) => {
            let steps = prepare_settings(config, prepare).total_steps() as f64;
            vec![steps + quenches(prepare.quenches)]
        }
        Stage::Equilibrate(equilibrate) => {
            vec![equilibrate.duration.tau() / step + quenches(equilibrate.quenches)]
        }
        Stage::Relax(relax) => {
            let steps = duration(config, relax)? / step + quenches(relax.quenches);
            vec![steps; relax.copies]
        }
        Stage::Creep(creep) => {
            let steps = creep.duration.tau() / step + quenches(creep.quenches);
            vec![steps; 2 * creep.pairs * creep.stresses.len()]
        }
        Stage::Cycle(cycle) => {
            let steps = cycle.period.tau() * cycle.cycles as f64 / step;
            vec![steps + quenches(cycle.quenches); cycle.copies]
        }
        Stage::Shear(shear) => {
            of_branches(&|branch, strain| loading(branch, strain) + quenches(shear.quenches))?
        }
        Stage::Unload(unload) => {
            let rate = unload.unload_rate.per_tau();
            of_branches(&|_, strain| unloading * strain / rate / step)?
        }
        Stage::Recover(recover) => {
            of_branches(&|branch, strain| loading(branch, strain) + quenches(recover.quenches))?
        }
        Stage::Harvest(harvest) => {
            let time = harvest.settle.tau() + harvest.duration.tau();
            let quenches = quenches(harvest.quenches() as usize);
            vec![time / step + quenches; harvest.trajectories as usize]
        }
        _ => return Ok(None),
    }))
}

/// MD steps of a run at most, those of one replica.
pub(crate) fn planned_steps(config: &RunConfig) -> Result<u64, PipelineError> {
    let mut steps = 0.0;
    for stage in &config.stages {
        let works = trajectories(config, stage, (0.0, 2.0))?;
        steps += works
            .unwrap_or_default()
            .iter()
            .map(|work| work.ceil())
            .sum::<f64>();
    }
    Ok(steps as u64)
}

/// When the last of several works is done, where each is taken up in its order by the first of
/// `lanes` that is free.
fn makespan(works: &[f64], lanes: usize) -> f64 {
    let mut busy = vec![0.0_f64; lanes.max(1)];
    for work in works {
        busy.sort_by(f64::total_cmp);
        busy[0] += work;
    }
    busy.into_iter().fold(0.0, f64::max)
}

/// Atoms of the run's sample, as far as the config or its file tells.
pub(crate) fn atoms_of(config: &RunConfig) -> usize {
    let prepared = config.stages.iter().find_map(|stage| match stage {
        Stage::Prepare(prepare) => Some(prepare.atoms),
        _ => None,
    });
    let read = || {
        let path = config.sample.as_deref()?;
        Some(Sample::read(path, config.cut).ok()?.configuration.len())
    };
    prepared.or_else(read).unwrap_or(USUAL_ATOMS)
}

/// Atom-steps a second of a fast machine, all its threads together.
const FAST: f64 = 1e8;
/// Seconds that are worth a measurement.
const WORTH_MEASURING: f64 = 1.0;

/// Whether a run may last so long, on a fast machine, that it is worth measuring how long.
pub fn takes_long(config: &RunConfig) -> bool {
    let mut evaluations = planned_steps(config).unwrap_or(0) as f64;
    let mut lattices = 0.0;
    for stage in &config.stages {
        match stage {
            Stage::Search(search) => {
                evaluations += search.searches as f64 * EVALUATIONS_PER_SEARCH;
            }
            Stage::Kmc(kmc) => lattices += lattices_of_usual_size(kmc),
            _ => {}
        }
    }
    let threads = rayon::current_num_threads() as f64;
    let seconds =
        evaluations * atoms_of(config) as f64 / FAST + lattices * SECONDS_PER_LATTICE / threads;
    config.replicas as f64 * seconds > WORTH_MEASURING
}

/// Lattices of 12³ sites that cost as much as those of a stage, of one replica.
fn lattices_of_usual_size(kmc: &KmcStage) -> f64 {
    let sites = (kmc.settings.sites_per_edge as f64 / 12.0).powi(3);
    (2 * kmc.pairs * kmc.rates.len()) as f64 * sites
}

/// Estimates a run from a short measurement of this machine.
///
/// # Errors
/// Where the measurement fails.
pub fn estimate(config: &RunConfig) -> Result<Estimate, PipelineError> {
    let atoms = atoms_of(config);
    let threads = rayon::current_num_threads();
    let short = Duration::from_millis(200);
    let field = force_field(config.cut, config.kernel).with_precision(config.precision);
    let measured_atoms = atoms.min(MOST_MEASURED_ATOMS);
    let (single, side_by_side) = run_speed(measured_atoms, &field, short)?;
    let memory = of_stages(config, atoms, threads);
    let mut estimate = Estimate {
        seconds: 0.0,
        atom_steps: 0.0,
        bytes: 0.0,
        memory_bytes: memory.iter().map(|stage| stage.bytes).fold(0.0, f64::max),
        memory_available_bytes: available().map(|available| available.bytes),
        atoms,
        measured_atoms,
        threads,
        atom_steps_per_second: side_by_side,
        stages: Vec::new(),
    };
    for (stage, memory) in config.stages.iter().zip(&memory) {
        let mut found = StageEstimate {
            name: stage.name().to_owned(),
            seconds: 0.05,
            atom_steps: 0.0,
            memory_bytes: memory.bytes,
        };
        let replicas = config.replicas;
        if let Some(works) = trajectories(config, stage, (EVALUATIONS_PER_QUENCH, UNLOADING))? {
            let works = vec![works; replicas].concat();
            let evaluations = if works.len() == 1 {
                works[0] / single
            } else {
                makespan(&works, threads) / (side_by_side / threads as f64)
            };
            found.seconds += OVERHEAD * evaluations * atoms as f64;
            found.atom_steps = works.iter().sum::<f64>() * atoms as f64;
            let samples = if matches!(stage, Stage::Unload(_) | Stage::Prepare(_)) {
                KEPT_SAMPLES
            } else {
                1.0
            };
            let kept = FRAME_NUMBERS + samples * ATOM_NUMBERS * atoms as f64;
            estimate.bytes += works.len() as f64 * kept * BYTES_PER_NUMBER;
        }
        match stage {
            Stage::Search(search) => {
                let forces = force_speed(500, short)?.evaluations_per_second * 500.0;
                let searches = (replicas as u64 * search.searches) as f64;
                let evaluations = searches * EVALUATIONS_PER_SEARCH;
                found.seconds += evaluations * atoms as f64 / forces / threads as f64;
                estimate.bytes += searches * 12.0 * atoms as f64;
            }
            Stage::Kmc(kmc) => {
                let lattices = (2 * kmc.pairs * kmc.rates.len() * replicas) as f64;
                let usual = replicas as f64 * lattices_of_usual_size(kmc);
                found.seconds += SECONDS_PER_LATTICE * usual / threads as f64;
                estimate.bytes += lattices * FRAME_NUMBERS * BYTES_PER_NUMBER;
            }
            _ => {}
        }
        estimate.seconds += found.seconds;
        estimate.atom_steps += found.atom_steps;
        estimate.stages.push(found);
    }
    Ok(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_side_by_side_end_with_the_last() {
        assert_eq!(makespan(&[3.0, 3.0, 10.0, 10.0], 2), 13.0);
        assert_eq!(makespan(&[3.0, 3.0, 10.0], 2), 13.0);
        assert_eq!(makespan(&[3.0, 4.0], 1), 7.0);
        assert_eq!(makespan(&[], 2), 0.0);
    }
}
