//! Unloading: back through zero stress, and the strain that remains there.

use metabasin_md::analysis::ZeroStress;
use metabasin_md::{Protocol, Shear, Unload, UnloadSettings, largest_stress};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::UnloadStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, shear_stage};
use crate::stages::start::integration;
use crate::trajectory::{Outputs, Schedule, drive, finished};

/// What the unloading of one branch found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UnloadResult {
    /// Strain rate of the loading, per mapped second.
    pub(crate) rate_per_second: f64,
    /// Which pair, from 1.
    pub(crate) pair: usize,
    /// Sign of the loading.
    pub(crate) sign: f64,
    /// Where the line through the unloading curve crosses zero stress; `None` where it does not.
    pub(crate) residual: Option<ZeroStress>,
    /// Whether the curve covers the whole window of the fit.
    pub(crate) complete: bool,
}

fn settings(
    context: &StageContext,
    stage: &UnloadStage,
    temperature: f64,
    largest_stress: f64,
) -> Result<UnloadSettings, PipelineError> {
    let strain = shear_stage(context.config)?.strain;
    let rate = stage.unload_rate.per_tau();
    Ok(UnloadSettings {
        temperature,
        rate,
        largest_stress,
        strain_limit: strain,
        integration: integration(context.config, 2.0 * strain / rate),
    })
}

/// Steps of one branch at most.
pub(crate) fn steps(
    context: &StageContext,
    stage: &UnloadStage,
    temperature: f64,
) -> Result<u64, PipelineError> {
    let strain = shear_stage(context.config)?.strain;
    Ok(settings(context, stage, temperature, 1.0)?.total_steps(strain))
}

/// Unloads the sheared state of one branch.
pub(crate) fn unload(
    context: &StageContext,
    stage: &UnloadStage,
    temperature: f64,
    branch: &Branch,
) -> Result<UnloadResult, PipelineError> {
    let name = branch.name();
    let loaded: Shear = finished(context, &context.folder_of("shear")?, &name)?;
    let outputs = Outputs {
        name: name.clone(),
        comment: format!(
            "unloading at {:e} per mapped second after loading at {:e}",
            stage.unload_rate.per_second(),
            branch.rate.per_second()
        ),
        quenches: Schedule::default(),
        snapshots: Schedule::default(),
    };
    let largest_stress = largest_stress(loaded.frames());
    let mut settings = settings(context, stage, temperature, largest_stress)?;
    settings.integration.random = context.random(&name);
    let protocol: Unload = drive(context, &outputs, |force_field| {
        Unload::start(&settings, loaded.sample(), force_field)
    })?;
    let outcome = protocol.outcome();
    if outcome.residual.is_none() {
        context.progress.note(&format!(
            "unload {name}: the stress never crossed zero down to gamma = {:.4}, where the \
             unloading stops; its residual strain is left out",
            protocol.sample().gamma
        ));
    }
    Ok(UnloadResult {
        rate_per_second: branch.rate.per_second(),
        pair: branch.pair,
        sign: branch.sign,
        residual: outcome.residual,
        complete: outcome.complete,
    })
}
