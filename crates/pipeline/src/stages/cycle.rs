//! Cyclic loading: a sinusoidal strain, and the work that each cycle costs.

use metabasin_md::{Cycle, CycleSettings, Frame, Protocol};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::{CycleStage, RunConfig};
use crate::stage::StageContext;
use crate::stages::branches::{realization, side_by_side};
use crate::stages::equilibrate::reference;
use crate::stages::relax::copy_name;
use crate::stages::start::integration;
use crate::trajectory::{Outputs, Schedule, drive};

/// Frames of a cycle: its loop in the plane of stress and strain.
const FRAMES: f64 = 40.0;

/// What one copy found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CycleResult {
    /// Which copy, from 1.
    pub(crate) copy: usize,
    /// Work per volume of each cycle, the area ∮ σ_xy dγ of its loop.
    pub(crate) work_per_volume: Vec<f64>,
}

fn settings(config: &RunConfig, stage: &CycleStage, temperature: f64) -> CycleSettings {
    let period = stage.period.tau();
    let mut integration = integration(config, period * stage.cycles as f64);
    let steps = period / integration.time_step;
    integration.frame_interval = (steps / FRAMES).round().clamp(1.0, 2000.0) as u64;
    CycleSettings {
        temperature,
        amplitude: stage.amplitude,
        period,
        cycles: stage.cycles,
        integration,
    }
}

/// ∮ σ_xy dγ cycle by cycle; a frame across two cycles counts where it ends.
fn work_per_volume(frames: &[Frame], start: f64, settings: &CycleSettings) -> Vec<f64> {
    let mut work = vec![0.0; settings.cycles as usize];
    let mut gamma = start;
    for frame in frames {
        let cycle = ((frame.time / settings.period - 1e-9) as usize).min(work.len() - 1);
        work[cycle] += frame.mean.shear_stress() * (frame.gamma - gamma);
        gamma = frame.gamma;
    }
    work
}

/// Shears copies of the reference state to and fro, each with velocities of its own.
pub(crate) fn cycle(context: &StageContext, stage: &CycleStage) -> Result<(), PipelineError> {
    let (found, sample) = reference(context)?;
    let settings = settings(context.config, stage, found.temperature);
    let total = settings.total_steps();
    context.begin("cycle", total * stage.copies as u64, found.atoms);
    let copies: Vec<usize> = (1..=stage.copies).collect();
    let results = side_by_side(&copies, |&copy| {
        let name = copy_name(copy);
        let mut settings = settings;
        settings.integration.random = context.random(&name);
        let outputs = Outputs {
            name,
            comment: format!(
                "gamma = {} sin(2 pi t / {} tau)",
                settings.amplitude, settings.period
            ),
            quenches: Schedule::even(stage.quenches, total),
            snapshots: Schedule::default(),
        };
        let start = realization(context, sample.clone(), found.temperature, copy);
        let gamma = start.gamma;
        let cycle: Cycle = drive(context, &outputs, |force_field| {
            Cycle::start(&settings, start, force_field)
        })?;
        Ok(CycleResult {
            copy,
            work_per_volume: work_per_volume(cycle.frames(), gamma, &settings),
        })
    })?;
    context.write_results(&results)?;
    context.progress.end();
    Ok(())
}
