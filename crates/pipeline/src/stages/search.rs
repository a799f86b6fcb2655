//! Saddle searches from the inherent structure of the reference state.

use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_files::{KeyValue, Overwrite, write_checkpoint};
use metabasin_minimizers::InherentStructure;
use metabasin_structure::{LavesOrder, Radii};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::SearchStage;
use crate::crystallization::Order;
use crate::saddle_searches::{SearchPlan, SearchStart, quench_start, search_into};
use crate::settling::{SettleSettings, SettlingMove, moves, settle_minimum};
use crate::stage::{StageContext, checkpoint_or_anew};
use crate::stages::equilibrate::{deepest_inherent_structure, reference};
use crate::stages::start::started;
use crate::structure_analysis::Network;
use crate::structure_file::write_structure;

/// What the stage found beside the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SearchResults {
    /// A warning where the minimum looks like the crystal of this mixture.
    pub(crate) crystallization: Option<String>,
    /// Moves to deeper minima before the searches, where the config asked for them.
    #[serde(default)]
    pub(crate) settled: Option<Vec<SettlingMove>>,
    /// Searches in the catalogue.
    pub(crate) searches: u64,
    /// Distinct verified events.
    pub(crate) events_distinct: u64,
}

/// The state that the searches start from: the deepest inherent structure of the reference where
/// there is one, else the sample.
fn search_start(context: &StageContext) -> Result<SearchStart, PipelineError> {
    let (begun, sample) = started(context)?;
    let equilibrated = context
        .run
        .stage_folder("equilibrate")
        .as_deref()
        .is_some_and(Path::exists);
    if equilibrated {
        let (found, reference) = reference(context)?;
        let (configuration, which) = match deepest_inherent_structure(context)? {
            Some(deepest) => (
                deepest,
                "the deepest inherent structure of the equilibration",
            ),
            None => (reference.configuration, "the end of the equilibration"),
        };
        return Ok(SearchStart {
            configuration,
            source: format!("{}; {which}, in its mean cell at zero stress", begun.origin),
            temperature: Some(found.temperature),
            stress_thermal: found.stress_thermal,
        });
    }
    Ok(SearchStart {
        configuration: sample.configuration,
        source: begun.origin,
        temperature: Some(begun.temperature),
        stress_thermal: None,
    })
}

const SETTLED: &str = "checkpoints/settled.json";

/// The minimum after settling: kept, because a run that goes on must search from the same one.
#[derive(Serialize, Deserialize)]
struct SettledStart {
    configuration: Configuration,
    moves: Vec<SettlingMove>,
}

/// The deepest minimum that only tiny barriers keep `minimum` from.
fn settled(
    context: &StageContext,
    minimum: &InherentStructure,
    settle: SettleSettings,
    stage: &SearchStage,
) -> Result<SettledStart, PipelineError> {
    let kept = context.folder.join(SETTLED);
    if let Some(start) = checkpoint_or_anew(&kept, "the settling", context.progress)? {
        return Ok(start);
    }
    let streams = (context.config.seed, context.index);
    let watch = (context.progress, context.interrupt);
    let start = match settle_minimum(minimum, settle, &stage.settings, streams, watch) {
        Ok(found) => SettledStart {
            configuration: found.minimum.configuration().clone(),
            moves: moves(&found),
        },
        Err(error) if error.is_interruption() => return Err(context.interrupted()),
        Err(PipelineError::Failed(reason)) => {
            context.progress.note(&format!(
                "{reason}; the searches start from the minimum as it is"
            ));
            SettledStart {
                configuration: minimum.configuration().clone(),
                moves: Vec::new(),
            }
        }
        Err(other) => return Err(other),
    };
    let descent: f64 = start.moves.iter().map(|step| step.descent).sum();
    context.progress.note(&format!(
        "settled by {} moves, {:.3} deeper",
        start.moves.len(),
        -descent
    ));
    write_checkpoint(&kept, &start)?;
    Ok(start)
}

/// Searches into the run's catalogue.
pub(crate) fn search(context: &StageContext, stage: &SearchStage) -> Result<(), PipelineError> {
    let mut start = search_start(context)?;
    let force_field = context.force_field();
    let mut minimum = quench_start(&start.configuration, force_field.clone())?;
    let mut moved = None;
    if let Some(settle) = stage.settle {
        let found = settled(context, &minimum, settle, stage)?;
        minimum = quench_start(&found.configuration, force_field.clone())?;
        start.configuration = found.configuration;
        start.source = format!("{}, settled by {} moves", start.source, found.moves.len());
        moved = Some(found.moves);
    }
    write_structure(
        &context.folder.join("structures/minimum.extxyz"),
        Overwrite::Allow,
        minimum.configuration(),
        &[("energy", KeyValue::Real(minimum.energy()))],
    )?;
    let plan = SearchPlan {
        first: 0,
        searches: stage.searches,
        until: stage.until,
        settings: &stage.settings,
        attempt_frequency_per_second: stage.attempt_frequency_per_second,
        seed: context.config.seed,
        stage: context.index,
        force_field,
        kernel: context.config.kernel,
        config: context.run.manifest().config.clone(),
        rates: stage.rates,
    };
    let catalogue = context.run.catalogue();
    let watch = (context.progress, context.interrupt);
    let summary =
        search_into(&catalogue, &minimum, &start, &plan, watch).map_err(|error| match error {
            error if error.is_interruption() => context.interrupted(),
            other => other,
        })?;
    let configuration = minimum.configuration();
    // Where the structure cannot be told, nothing warns of a crystal either.
    let order = Network::new(configuration, &Radii::half_sigma())
        .ok()
        .and_then(|network| LavesOrder::new(&network.tessellation, &configuration.species).ok())
        .map(|laves| Order::of(&laves));
    context.write_results(&SearchResults {
        crystallization: order.and_then(|order| order.warning("stage search (its minimum)")),
        settled: moved,
        searches: summary.searches,
        events_distinct: summary.events_distinct,
    })
}
