//! Recovery: zero stress after unloading, as long as the loading lasted.

use metabasin_md::{Recover, Unload};

use crate::PipelineError;
use crate::config::RecoverStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, branches, shear_stage, side_by_side};
use crate::stages::equilibrate::{hold_settings, reference};
use crate::trajectory::{Outputs, Schedule, drive, finished};

/// Lets every unloaded state recover.
pub(crate) fn recover(context: &StageContext, stage: &RecoverStage) -> Result<(), PipelineError> {
    let (found, _) = reference(context)?;
    let shear = shear_stage(context.config)?;
    let unload_folder = context.folder_of("unload")?;
    let all = branches(&shear.rates, shear.pairs);
    let settings = |branch: &Branch| {
        hold_settings(
            context,
            found.temperature,
            shear.strain / branch.rate.per_tau(),
        )
    };
    context.progress.begin(
        "recover",
        all.iter()
            .map(|branch| settings(branch).total_steps())
            .sum(),
    );
    side_by_side(&all, |branch| {
        let name = branch.name();
        let settings = settings(branch);
        let unloaded: Unload = finished(context, &unload_folder, &name)?;
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
    })?;
    context.progress.end();
    Ok(())
}
