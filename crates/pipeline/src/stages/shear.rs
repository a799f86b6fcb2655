//! Loading: both signs of strain at every rate.

use metabasin_md::{Shear, ShearSettings};

use crate::PipelineError;
use crate::config::ShearStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, branches, realization, side_by_side};
use crate::stages::equilibrate::reference;
use crate::stages::start::integration;
use crate::trajectory::{Outputs, Schedule, drive};

fn settings(
    context: &StageContext,
    stage: &ShearStage,
    temperature: f64,
    branch: &Branch,
) -> ShearSettings {
    let rate = branch.rate.per_tau();
    ShearSettings {
        temperature,
        rate,
        final_strain: branch.sign * stage.strain,
        integration: integration(context.config, stage.strain / rate),
    }
}

/// Shears the reference state along every branch.
pub(crate) fn shear(context: &StageContext, stage: &ShearStage) -> Result<(), PipelineError> {
    let (found, sample) = reference(context)?;
    let temperature = found.temperature;
    let all = branches(&stage.rates, stage.pairs);
    let steps = |branch: &Branch| settings(context, stage, temperature, branch).total_steps(0.0);
    context.progress.begin("shear", all.iter().map(steps).sum());
    side_by_side(&all, |branch| {
        let settings = settings(context, stage, temperature, branch);
        let outputs = Outputs {
            name: branch.name(),
            comment: format!(
                "loading at {:e} per mapped second to gamma = {}",
                branch.rate.per_second(),
                settings.final_strain
            ),
            quenches: Schedule::even(stage.quenches, settings.total_steps(0.0)),
            snapshots: Schedule::default(),
        };
        let start = realization(context, sample.clone(), temperature, branch.pair);
        drive::<Shear>(context, &outputs, |force_field| {
            Shear::start(&settings, start, force_field)
        })
        .map(|_| ())
    })?;
    context.progress.end();
    Ok(())
}
