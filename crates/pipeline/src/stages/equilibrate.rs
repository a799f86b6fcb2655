//! The reference state: zero pressure, zero shear stress, γ = 0, and what stress it carries.

use metabasin_atoms::{Cell, Configuration, Stress};
use metabasin_files::{KeyValue, Overwrite, read_checkpoint, write_checkpoint};
use metabasin_md::analysis::Average;
use metabasin_md::{Equilibrate, HoldSettings, Protocol, Sample};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::cell_mapping::mapped_into;
use crate::config::EquilibrateStage;
use crate::inherent_states::{InherentState, quench};
use crate::stage::StageContext;
use crate::stages::start::{integration, started};
use crate::structure_file::write_structure;
use crate::trajectory::{Outputs, Schedule, drive, read_snapshots};

/// What the equilibration found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReferenceResults {
    /// k_B T.
    pub(crate) temperature: f64,
    /// Number of atoms.
    pub(crate) atoms: usize,
    /// Mean volume.
    pub(crate) volume: Average,
    /// Strain of the second half minus that of the first.
    pub(crate) strain_drift: Average,
    /// Whether strain and volume are stationary within three standard errors.
    pub(crate) stationary: bool,
    /// Mean MD stress over the frames after settling.
    pub(crate) stress_md: Stress,
    /// Mean stress of inherent structures at the mean cell, where there are any.
    pub(crate) stress_inherent: Option<Stress>,
    /// σ_th = <σ_IS> − <σ_MD>, its isotropic part: the rest is sampling noise by symmetry.
    pub(crate) stress_thermal: Option<Stress>,
    /// Standard error of its diagonal, from the spread of the inherent structures, where there are
    /// several.
    pub(crate) stress_thermal_error: Option<f64>,
    /// How many inherent structures.
    pub(crate) quenches: usize,
    /// Their mean energy per atom.
    pub(crate) inherent_energy_per_atom: Option<f64>,
    /// Their mean share of icosahedral atoms among the small, where there are any of these.
    pub(crate) icosahedral_fraction_of_small: Option<f64>,
    /// Their mean largest cluster of icosahedral centers.
    pub(crate) icosahedral_largest_cluster: Option<f64>,
    /// A warning where one of them looks like the crystal of this mixture.
    #[serde(default)]
    pub(crate) crystallization: Option<String>,
}

const NAME: &str = "equilibrate";
const SAMPLE: &str = "checkpoints/reference.json";
const DEEPEST: &str = "checkpoints/deepest-inherent-structure.json";
/// The first quarter settles: what the reference is averaged over begins here.
const SETTLING: f64 = 0.25;

/// What the equilibration found, and the reference state.
pub(crate) fn reference(
    context: &StageContext,
) -> Result<(ReferenceResults, Sample), PipelineError> {
    let sample = read_checkpoint(&context.folder_of(NAME)?.join(SAMPLE))?;
    Ok((context.results_of(NAME)?, sample))
}

/// The inherent structure of lowest energy that the equilibration visited, in the mean cell; `None`
/// where no quench of it converged.
pub(crate) fn deepest_inherent_structure(
    context: &StageContext,
) -> Result<Option<Configuration>, PipelineError> {
    let path = context.folder_of(NAME)?.join(DEEPEST);
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(read_checkpoint(&path)?))
}

/// Inherent states of the kept configurations, in the mean cell; a quench that does not converge is
/// told and left out.
fn quenched(
    context: &StageContext,
    cell: &Cell,
) -> Result<Vec<(InherentState, Configuration)>, PipelineError> {
    let force_field = context.quench_field();
    let mut states = Vec::new();
    let snapshots = read_snapshots(context.folder, NAME)?;
    let results: Vec<Result<_, PipelineError>> = snapshots
        .par_iter()
        .map(|snapshot| quench(&mapped_into(snapshot, cell)?, &force_field))
        .collect();
    for result in results {
        match result {
            Ok(state) => states.push(state),
            Err(PipelineError::LeftOut(reason)) => context
                .progress
                .note(&format!("equilibrate: {reason}; it is left out")),
            Err(other) => return Err(other),
        }
    }
    Ok(states)
}

/// Settings of the hold, as the config says.
pub(crate) fn hold_settings(
    context: &StageContext,
    temperature: f64,
    duration: f64,
) -> HoldSettings {
    HoldSettings {
        temperature,
        duration,
        integration: integration(context.config, duration),
    }
}

/// Holds the sample of the first stage at zero stress.
pub(crate) fn equilibrate(
    context: &StageContext,
    stage: &EquilibrateStage,
) -> Result<(), PipelineError> {
    let (start, sample) = started(context)?;
    let mut settings = hold_settings(context, start.temperature, stage.duration.tau());
    settings.integration.random = context.random(NAME);
    let total = settings.total_steps();
    let atoms = sample.configuration.len();
    context.begin("equilibrate at zero stress", total, atoms);
    let outputs = Outputs {
        name: NAME.to_owned(),
        comment: "zero pressure and zero shear stress; gamma counted from the start".to_owned(),
        quenches: Schedule::default(),
        snapshots: Schedule::even(stage.quenches, total).within_last(SETTLING),
    };
    let protocol: Equilibrate = drive(context, &outputs, |force_field| {
        Equilibrate::start(&settings, sample, force_field)
    })?;
    let reference = protocol.outcome().ok_or_else(|| {
        PipelineError::BadInput(format!(
            "equilibrate: {} tau give too few frames for a mean cell: make the duration longer",
            settings.duration
        ))
    })?;
    if !reference.stationary {
        context.progress.note(&format!(
            "equilibrate: not stationary yet (strain moved by {:.1e} +- {:.1e} between the halves); \
             a longer duration gives a better reference",
            reference.strain_drift.mean, reference.strain_drift.error
        ));
    }
    let frames = protocol.frames();
    let settled = &frames[(SETTLING * frames.len() as f64).ceil() as usize..];
    let mut stress_md = Stress::ZERO;
    for frame in settled {
        stress_md += frame.mean.stress;
    }
    stress_md = stress_md * (settled.len() as f64).recip();
    let cell = reference.sample.configuration.cell;
    let quenched = quenched(context, &cell)?;
    // The deepest inherent structure visited: shallower ones lie within a few kT of it and belong
    // to its metabasin, so searches from them would mostly fall into it.
    let deepest = quenched
        .iter()
        .min_by(|a, b| a.0.energy_per_atom.total_cmp(&b.0.energy_per_atom))
        .map(|(_, configuration)| configuration);
    if let Some(deepest) = deepest {
        write_checkpoint(&context.folder.join(DEEPEST), deepest)?;
    }
    let states: Vec<InherentState> = quenched.iter().map(|(state, _)| *state).collect();
    let mean = |of: &dyn Fn(&InherentState) -> f64| {
        let mean = states.iter().map(of).sum::<f64>() / states.len() as f64;
        mean.is_finite().then_some(mean)
    };
    let crystallization = states
        .iter()
        .map(|state| state.laves)
        .max_by(|a, b| a.largest_cluster.total_cmp(&b.largest_cluster))
        .and_then(|order| order.warning("stage equilibrate"));
    if let Some(warning) = &crystallization {
        context.progress.note(warning);
    }
    let stress_inherent = states
        .iter()
        .map(|state| state.stress)
        .reduce(|sum, stress| sum + stress)
        .map(|sum| sum * (states.len() as f64).recip());
    let diagonal = |stress: Stress| stress.trace() / 3.0;
    let spread = stress_inherent
        .and_then(|inherent| mean(&|state| (diagonal(state.stress) - diagonal(inherent)).powi(2)));
    let degrees = states.len() as f64 - 1.0;
    let results = ReferenceResults {
        temperature: start.temperature,
        atoms: reference.sample.configuration.len(),
        volume: reference.volume,
        strain_drift: reference.strain_drift,
        stationary: reference.stationary,
        stress_md,
        stress_inherent,
        stress_thermal: stress_inherent
            .map(|inherent| Stress::isotropic(diagonal(inherent) - diagonal(stress_md))),
        stress_thermal_error: spread
            .filter(|_| degrees > 0.0)
            .map(|spread| (spread / degrees).sqrt()),
        quenches: states.len(),
        inherent_energy_per_atom: mean(&|state| state.energy_per_atom),
        icosahedral_fraction_of_small: states
            .iter()
            .map(|state| state.icosahedral_fraction_of_small)
            .sum::<Option<f64>>()
            .map(|sum| sum / states.len() as f64)
            .filter(|mean| mean.is_finite()),
        icosahedral_largest_cluster: mean(&|state| state.largest_cluster),
        crystallization,
    };
    write_checkpoint(&context.folder.join(SAMPLE), &reference.sample)?;
    write_structure(
        &context.folder.join("structures/reference.extxyz"),
        Overwrite::Allow,
        &reference.sample.configuration,
        &[("temperature", KeyValue::Real(start.temperature))],
    )?;
    context.write_results(&results)?;
    context.progress.end();
    Ok(())
}
