//! Recovery: zero stress after unloading, as long as the loading lasted.

use metabasin_md::{HoldSettings, Recover, Unload};

use crate::PipelineError;
use crate::config::RecoverStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, shear_stage};
use crate::stages::equilibrate::hold_settings;
use crate::trajectory::{Outputs, Schedule, drive, finished};

fn settings(
    context: &StageContext,
    temperature: f64,
    branch: &Branch,
) -> Result<HoldSettings, PipelineError> {
    let duration = shear_stage(context.config)?.strain / branch.rate.per_tau();
    Ok(hold_settings(context, temperature, duration))
}

/// Steps of one branch.
pub(crate) fn steps(
    context: &StageContext,
    temperature: f64,
    branch: &Branch,
) -> Result<u64, PipelineError> {
    Ok(settings(context, temperature, branch)?.total_steps())
}

/// Lets the unloaded state of one branch recover.
pub(crate) fn recover(
    context: &StageContext,
    stage: &RecoverStage,
    temperature: f64,
    branch: &Branch,
) -> Result<(), PipelineError> {
    let name = branch.name();
    let mut settings = settings(context, temperature, branch)?;
    settings.integration.random = context.random(&name);
    let unloaded: Unload = finished(context, &context.folder_of("unload")?, &name)?;
    let outputs = Outputs {
        name,
        comment: format!(
            "recovery at zero stress after loading at {:e} per mapped second",
            branch.rate.per_second()
        ),
        quenches: Schedule::logarithmic(
            stage.quenches,
            settings.integration.frame_interval,
            settings.total_steps(),
        ),
        snapshots: Schedule::default(),
    };
    drive::<Recover>(context, &outputs, |force_field| {
        Recover::start(&settings, unloaded.outcome().sample, force_field)
    })
    .map(|_| ())
}
