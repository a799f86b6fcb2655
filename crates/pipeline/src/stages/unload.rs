//! Unloading: back through zero stress, and the strain that remains there.

use metabasin_md::analysis::ZeroStress;
use metabasin_md::{Protocol, Shear, Unload, UnloadSettings, largest_stress};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::UnloadStage;
use crate::stage::StageContext;
use crate::stages::branches::{Branch, branches, shear_stage, side_by_side};
use crate::stages::equilibrate::reference;
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

/// Unloads every sheared state.
pub(crate) fn unload(context: &StageContext, stage: &UnloadStage) -> Result<(), PipelineError> {
    let (found, _) = reference(context)?;
    let shear = shear_stage(context.config)?;
    let shear_folder = context.folder_of("shear")?;
    let all = branches(&shear.rates, shear.pairs);
    let rate = stage.unload_rate.per_tau();
    let integration = integration(context.config, 2.0 * shear.strain / rate);
    let settings = |largest_stress: f64| UnloadSettings {
        temperature: found.temperature,
        rate,
        largest_stress,
        strain_limit: shear.strain,
        integration,
    };
    let steps = settings(1.0).total_steps(shear.strain);
    context.progress.begin("unload", steps * all.len() as u64);
    let results = side_by_side(&all, |branch: &Branch| {
        let name = branch.name();
        let loaded: Shear = finished(context, &shear_folder, &name)?;
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
        let settings = settings(largest_stress(loaded.frames()));
        let protocol: Unload = drive(context, &outputs, |force_field| {
            Unload::start(&settings, loaded.sample(), force_field)
        })?;
        let outcome = protocol.outcome();
        if outcome.residual.is_none() {
            context.progress.note(&format!(
                "unload {name}: the stress never crossed zero down to gamma = {:.4}; its residual \
                 strain is left out",
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
    })?;
    context.write_results(&results)?;
    context.progress.end();
    Ok(())
}
