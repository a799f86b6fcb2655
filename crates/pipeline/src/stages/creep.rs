//! Creep: shear stresses of both signs, and the strain that follows.

use metabasin_md::analysis::{Average, block_error};
use metabasin_md::{Creep, CreepSettings, Protocol, shear_stresses, strains};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::{CreepStage, RunConfig};
use crate::stage::StageContext;
use crate::stages::branches::{realization, side_by_side};
use crate::stages::equilibrate::reference;
use crate::stages::start::integration;
use crate::trajectory::{Outputs, Schedule, drive};

/// Share of the frames, the last ones, that the averages are over.
const LAST: f64 = 0.25;

/// What one trajectory found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CreepResult {
    /// Stress from outside, with its sign.
    pub(crate) stress: f64,
    /// Which pair, from 1.
    pub(crate) pair: usize,
    /// Strain, mean over the last quarter of the time.
    pub(crate) strain: Option<Average>,
    /// Shear stress that the sample carried, over the same time.
    pub(crate) shear_stress: Option<Average>,
}

fn settings(
    config: &RunConfig,
    stage: &CreepStage,
    temperature: f64,
    stress: f64,
) -> CreepSettings {
    let duration = stage.duration.tau();
    CreepSettings {
        temperature,
        stress,
        duration,
        integration: integration(config, duration),
    }
}

/// Holds the reference state at every stress of the stage, to both signs.
pub(crate) fn creep(context: &StageContext, stage: &CreepStage) -> Result<(), PipelineError> {
    let (found, sample) = reference(context)?;
    let mut items = Vec::new();
    for stress in &stage.stresses {
        for pair in 1..=stage.pairs {
            items.extend([1.0, -1.0].map(|sign| (sign * stress, pair)));
        }
    }
    let total = settings(context.config, stage, found.temperature, 0.0).total_steps();
    context.begin("creep", total * items.len() as u64, found.atoms);
    let results = side_by_side(&items, |&(stress, pair)| {
        let sign = if stress > 0.0 { "plus" } else { "minus" };
        let name = format!("stress-{}-pair-{pair}-{sign}", stress.abs());
        let mut settings = settings(context.config, stage, found.temperature, stress);
        settings.integration.random = context.random(&name);
        let outputs = Outputs {
            name,
            comment: format!("creep at a shear stress of {stress}"),
            quenches: Schedule::logarithmic(
                stage.quenches,
                settings.integration.frame_interval,
                total,
            ),
            snapshots: Schedule::default(),
        };
        let start = realization(context, sample.clone(), found.temperature, pair);
        let creep: Creep = drive(context, &outputs, |force_field| {
            Creep::start(&settings, start, force_field)
        })?;
        let frames = creep.frames();
        let last = &frames[((1.0 - LAST) * frames.len() as f64) as usize..];
        Ok(CreepResult {
            stress,
            pair,
            strain: block_error(&strains(last)),
            shear_stress: block_error(&shear_stresses(last)),
        })
    })?;
    context.write_results(&results)?;
    context.progress.end();
    Ok(())
}
