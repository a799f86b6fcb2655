//! The control: the reference state at zero load.

use metabasin_atoms::units::Duration;
use metabasin_md::Relax;

use crate::PipelineError;
use crate::config::{RelaxStage, RunConfig};
use crate::stage::StageContext;
use crate::stages::branches::{realization, shear_stage, side_by_side, unload_stage};
use crate::stages::equilibrate::{hold_settings, reference};
use crate::trajectory::{Outputs, Schedule, drive};

/// The name of a copy's series.
pub(crate) fn copy_name(copy: usize) -> String {
    format!("copy-{copy}")
}

/// How long the control lasts `[τ]`: as the config says, or as the slowest loading, unloading and
/// recovery together.
pub(crate) fn duration(config: &RunConfig, stage: &RelaxStage) -> Result<f64, PipelineError> {
    if let Some(duration) = stage.duration.map(Duration::tau) {
        return Ok(duration);
    }
    let Ok(shear) = shear_stage(config) else {
        return Err(PipelineError::BadInput(
            "relax: say how long with duration: Tau(...), since the run has no stage 'shear' to \
             take it from"
                .to_owned(),
        ));
    };
    let slowest = shear
        .rates
        .iter()
        .map(|rate| rate.per_tau())
        .fold(f64::INFINITY, f64::min);
    let loading = shear.strain / slowest;
    let unloading =
        unload_stage(config).map_or(0.0, |stage| shear.strain / stage.unload_rate.per_tau());
    let recovers = config.stages.iter().any(|stage| stage.name() == "recover");
    Ok(loading + unloading + if recovers { loading } else { 0.0 })
}

/// Holds copies of the reference state at zero load, each with velocities of its own.
pub(crate) fn relax(context: &StageContext, stage: &RelaxStage) -> Result<(), PipelineError> {
    let (found, sample) = reference(context)?;
    let settings = hold_settings(context, found.temperature, duration(context.config, stage)?);
    let total = settings.total_steps();
    context.begin(
        "relax at zero load",
        total * stage.copies as u64,
        found.atoms,
    );
    let copies: Vec<usize> = (1..=stage.copies).collect();
    side_by_side(&copies, |&copy| {
        let outputs = Outputs {
            name: copy_name(copy),
            comment: "zero load: the control of every other trajectory".to_owned(),
            quenches: Schedule::logarithmic(
                stage.quenches,
                settings.integration.frame_interval,
                total,
            ),
            snapshots: Schedule::default(),
        };
        let start = realization(context, sample.clone(), found.temperature, copy);
        let mut settings = settings;
        settings.integration.random = context.random(&copy_name(copy));
        drive::<Relax>(context, &outputs, |force_field| {
            Relax::start(&settings, start, force_field)
        })
        .map(|_| ())
    })?;
    context.progress.end();
    Ok(())
}
