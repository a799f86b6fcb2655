//! What molecular dynamics does around the minimum of the searches while it is left alone.

use crate::PipelineError;
use crate::config::HarvestStage;
use crate::harvest::{HarvestRequest, Keep, harvest as harvest_states};
use crate::stage::StageContext;
use crate::trajectory_dynamics::TrajectoryDynamics;

/// Harvests states into the run's catalogue.
pub(crate) fn harvest(context: &StageContext, stage: &HarvestStage) -> Result<(), PipelineError> {
    let request = HarvestRequest {
        trajectories: stage.trajectories,
        settle: stage.settle.tau(),
        duration: stage.duration.tau(),
        interval: stage.interval.tau(),
        dynamics: TrajectoryDynamics {
            temperature: None,
            friction_time: stage.friction_time.tau(),
            time_step: context.config.time_step.tau(),
            seed: context.config.seed,
            kernel: context.config.kernel,
        },
    };
    let catalogue = context.run.catalogue();
    let watch = (context.progress, context.interrupt);
    let found = harvest_states(&catalogue, (&request, Keep::States), watch).map_err(|error| {
        if error.is_interruption() {
            context.interrupted()
        } else {
            error
        }
    })?;
    context.progress.note(&found.verdict());
    context.write_results(&found)
}
