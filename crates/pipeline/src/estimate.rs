//! What a run would cost on this machine: `check`.

use std::time::Duration;

use metabasin_interactions::Kernel;
use serde::Serialize;

use crate::PipelineError;
use crate::config::{RunConfig, Stage};
use crate::machine_speed::{force_speed, md_speed};
use crate::sample::Sample;
use crate::stages::branches::{branches, shear_stage, unload_stage};
use crate::stages::relax::duration;
use crate::stages::start::prepare_settings;

/// What one stage would take.
#[derive(Clone, Debug, Serialize)]
pub struct StageEstimate {
    /// Its name.
    pub name: String,
    /// Wall seconds.
    pub seconds: f64,
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
    /// Stage by stage.
    pub stages: Vec<StageEstimate>,
}

/// Force evaluations that one saddle search spends, failures and both descents counted; measured
/// on glasses of 500 atoms.
const EVALUATIONS_PER_SEARCH: f64 = 1200.0;
/// Wall seconds of kinetic Monte Carlo for one lattice, rate and sign on 12³ sites, on one core.
const SECONDS_PER_LATTICE: f64 = 0.5;
/// Bytes of one stored number in series, checkpoints and structures.
const BYTES_PER_NUMBER: f64 = 20.0;
/// Numbers kept of a trajectory: series of 400 frames and a checkpoint with its kept samples.
const FRAME_NUMBERS: f64 = 400.0 * 20.0;
/// Share of the time of a trajectory that its frames, quenches and checkpoints add.
const OVERHEAD: f64 = 1.3;
/// Where no sample tells, a catalogue's glass is of this size.
const USUAL_ATOMS: usize = 1000;

/// Steps and side-by-side trajectories of the MD stages.
fn trajectories(config: &RunConfig, stage: &Stage) -> Result<Option<(f64, usize)>, PipelineError> {
    let step = config.time_step.tau();
    Ok(match stage {
        Stage::Prepare(prepare) => {
            Some((prepare_settings(config, prepare).total_steps() as f64, 1))
        }
        Stage::Equilibrate(equilibrate) => Some((equilibrate.duration.tau() / step, 1)),
        Stage::Relax(relax) => {
            let copies = relax.copies;
            Some((copies as f64 * duration(config, relax)? / step, copies))
        }
        Stage::Shear(_) | Stage::Unload(_) | Stage::Recover(_) => {
            let shear = shear_stage(config)?;
            let all = branches(&shear.rates, shear.pairs);
            let loading: f64 = all
                .iter()
                .map(|branch| shear.strain / branch.rate.per_tau() / step)
                .sum();
            let unloading = unload_stage(config).map_or(0.0, |unload| {
                all.len() as f64 * 1.4 * shear.strain / unload.unload_rate.per_tau() / step
            });
            let steps = if matches!(stage, Stage::Unload(_)) {
                unloading
            } else {
                loading
            };
            Some((steps, all.len()))
        }
        Stage::FromSample(_) | Stage::Search(_) | Stage::Kmc(_) | Stage::Compare(_) => None,
    })
}

/// Atoms of the run's sample, as far as the config or its file tells.
fn atoms_of(config: &RunConfig) -> usize {
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

/// Estimates a run from a short measurement of this machine.
///
/// # Errors
/// Where the measurement fails.
pub fn estimate(config: &RunConfig) -> Result<Estimate, PipelineError> {
    let atoms = atoms_of(config);
    let threads = rayon::current_num_threads();
    let short = Duration::from_millis(100);
    let speed = md_speed(500, Kernel::detect(), 1, short)?.atom_steps_per_second;
    let forces = force_speed(500, short)?.evaluations_per_second * 500.0;
    let mut estimate = Estimate {
        seconds: 0.0,
        atom_steps: 0.0,
        bytes: 0.0,
        stages: Vec::new(),
    };
    for stage in &config.stages {
        let mut seconds = 0.05;
        if let Some((steps, side_by_side)) = trajectories(config, stage)? {
            let atom_steps = steps * atoms as f64;
            seconds += OVERHEAD * atom_steps / speed / side_by_side.min(threads) as f64;
            estimate.atom_steps += atom_steps;
            let kept = FRAME_NUMBERS + 200.0 * atoms as f64;
            estimate.bytes += side_by_side as f64 * kept * BYTES_PER_NUMBER;
        }
        match stage {
            Stage::Search(search) => {
                let evaluations = search.searches as f64 * EVALUATIONS_PER_SEARCH;
                seconds += evaluations * atoms as f64 / forces / threads as f64;
                estimate.bytes += search.searches as f64 * 12.0 * atoms as f64;
            }
            Stage::Kmc(kmc) => {
                let lattices = (2 * kmc.pairs * kmc.rates.len()) as f64;
                let sites = (kmc.settings.sites_per_edge as f64 / 12.0).powi(3);
                seconds += SECONDS_PER_LATTICE * lattices * sites / threads as f64;
                estimate.bytes += lattices * FRAME_NUMBERS * BYTES_PER_NUMBER;
            }
            _ => {}
        }
        estimate.seconds += seconds;
        estimate.stages.push(StageEstimate {
            name: stage.name().to_owned(),
            seconds,
        });
    }
    Ok(estimate)
}
