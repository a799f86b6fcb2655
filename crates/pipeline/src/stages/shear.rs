//! Loading: a constant rate, to either sign of strain.

use metabasin_md::{Sample, Shear, ShearSettings};

use crate::PipelineError;
use crate::config::ShearStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, realization};
use crate::stages::equilibrate::ReferenceResults;
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

/// Steps of one branch.
pub(crate) fn steps(
    context: &StageContext,
    stage: &ShearStage,
    temperature: f64,
    branch: &Branch,
) -> u64 {
    settings(context, stage, temperature, branch).total_steps(0.0)
}

/// Shears the reference state along one branch.
pub(crate) fn shear(
    context: &StageContext,
    stage: &ShearStage,
    (found, sample): &(ReferenceResults, Sample),
    branch: &Branch,
) -> Result<(), PipelineError> {
    let mut settings = settings(context, stage, found.temperature, branch);
    settings.integration.random = context.random(&branch.name());
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
    let start = realization(context, sample.clone(), found.temperature, branch.pair);
    drive::<Shear>(context, &outputs, |force_field| {
        Shear::start(&settings, start, force_field)
    })
    .map(|_| ())
}
