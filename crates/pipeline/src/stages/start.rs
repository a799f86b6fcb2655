//! Where a run begins: `Prepare` makes a glass, `FromSample` reads one.

use metabasin_atoms::units::Temperature;
use metabasin_atoms::{Purpose, random_stream};
use metabasin_files::{KeyValue, Overwrite, read_checkpoint, write_checkpoint};
use metabasin_md::analysis::FictiveTemperature;
use metabasin_md::{
    Barostat, ConstantVolume, Cooling, Held, Integration, Prepare, PrepareHold, PrepareSettings,
    Prepared, Sample, SwapCounts, SwapSettings, Thermostat,
};
use metabasin_structure::{LavesOrder, Radii};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::{
    BarostatChoice, FromSampleStage, PrepareStage, RunConfig, SHORTEST_FRAME, SwapStage,
    ThermostatChoice,
};
use crate::crystallization::Order;
use crate::inherent_states::{InherentState, quench};
use crate::stage::StageContext;
use crate::structure_analysis::Network;
use crate::structure_file::write_structure;
use crate::trajectory::{Outputs, Schedule, drive, md_failure};

/// What the first stage of a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StartResults {
    /// How the sample was made or where it came from.
    pub(crate) origin: String,
    /// k_B T of the experiments.
    pub(crate) temperature: f64,
    /// T_f by enthalpy, where a ramp was run and shows it.
    pub(crate) fictive_temperature: Option<FictiveTemperature>,
    /// T_f by volume.
    pub(crate) fictive_temperature_of_volume: Option<FictiveTemperature>,
    /// The cooling ramp.
    pub(crate) cooling: Option<Cooling>,
    /// How the sample was made, where this run made it.
    #[serde(default)]
    pub(crate) preparation: Option<PreparationResults>,
    /// A warning where the sample looks like the crystal of its mixture.
    #[serde(default)]
    pub(crate) crystallization: Option<String>,
    /// What had to be assumed.
    pub(crate) notes: Vec<String>,
}

/// What a preparation found beside its ramp.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PreparationResults {
    /// Number of atoms.
    pub(crate) atoms: usize,
    /// The quench at constant volume, where there was one.
    pub(crate) constant_volume: Option<ConstantVolume>,
    /// The hold, where there was one.
    pub(crate) held: Option<Held>,
    /// What swaps did, where there were any.
    pub(crate) swaps: Option<SwapCounts>,
    /// Energy per atom of the sample's inherent structure, where its quench converged: its age.
    pub(crate) inherent_energy_per_atom: Option<f64>,
    /// Share of its small atoms that are icosahedral, where there are any of these.
    pub(crate) icosahedral_fraction_of_small: Option<f64>,
    /// Its largest cluster of icosahedral centers.
    pub(crate) icosahedral_largest_cluster: Option<f64>,
    /// Share of its large atoms in the environment of the Laves phase.
    pub(crate) laves_fraction_of_large: Option<f64>,
}

/// Temperature of the experiments where a ramp shows no T_f: 0.8 of the 0.35 that ramps of this
/// mixture usually give (0.33 to 0.40 at the rates that can be afforded).
const USUAL_TEMPERATURE: f64 = 0.28;

/// Frames about so many a trajectory.
const FRAMES: u64 = 400;

/// How a trajectory of `duration` `[τ]` is integrated and how often it is looked at.
pub(crate) fn integration(config: &RunConfig, duration: f64) -> Integration {
    let time_step = config.time_step.tau();
    let steps = (duration / time_step).ceil() as u64;
    Integration {
        time_step,
        frame_interval: (steps / FRAMES).clamp(SHORTEST_FRAME, 2000),
        thermostat: config
            .thermostat
            .map_or_else(Thermostat::default, ThermostatChoice::reduced),
        barostat: config
            .barostat
            .map_or_else(Barostat::default, BarostatChoice::reduced),
        ..Integration::default()
    }
}

/// Settings of a preparation, as the config says.
pub(crate) fn prepare_settings(config: &RunConfig, stage: &PrepareStage) -> PrepareSettings {
    let duration = stage.cool_duration.tau();
    let (cool_from, cool_to) = (stage.cool_from.reduced(), stage.cool_to.reduced());
    PrepareSettings {
        atoms: stage.atoms,
        density: stage.melt_density,
        melt_temperature: stage.melt_temperature.reduced(),
        melt_duration: stage.melt_duration.tau(),
        cool_from,
        cool_to,
        cooling_rate: (cool_from - cool_to) / duration,
        hold: stage.hold.as_ref().map(|hold| PrepareHold {
            temperature: hold.temperature.map(Temperature::reduced),
            duration: hold.duration.tau(),
            swap: hold.swap.map(swap_settings),
        }),
        swap: stage.swap.map(swap_settings),
        sample_temperature: stage.temperature.map(Temperature::reduced),
        integration: integration(config, duration),
        ..PrepareSettings::default()
    }
}

fn swap_settings(stage: SwapStage) -> SwapSettings {
    SwapSettings {
        attempts_per_atom: stage.attempts_per_atom,
        interval: stage.interval.tau(),
    }
}

const SAMPLE: &str = "checkpoints/sample.json";

fn keep(
    context: &StageContext,
    sample: &Sample,
    results: &StartResults,
) -> Result<(), PipelineError> {
    write_checkpoint(&context.folder.join(SAMPLE), sample)?;
    write_structure(
        &context.folder.join("structures/sample.extxyz"),
        Overwrite::Allow,
        &sample.configuration,
        &[("temperature", KeyValue::Real(results.temperature))],
    )?;
    context.write_results(results)
}

/// What the first stage found, and the sample.
pub(crate) fn started(context: &StageContext) -> Result<(StartResults, Sample), PipelineError> {
    let stage = context
        .config
        .stages
        .first()
        .map_or("prepare", |stage| stage.name());
    let sample = read_checkpoint(&context.folder_of(stage)?.join(SAMPLE))?;
    Ok((context.results_of(stage)?, sample))
}

/// Makes a glass from the melt.
pub(crate) fn prepare(context: &StageContext, stage: &PrepareStage) -> Result<(), PipelineError> {
    let mut settings = prepare_settings(context.config, stage);
    settings.integration.random = context.random("cooling");
    let total = settings.total_steps();
    context.begin("prepare a glass", total, settings.atoms);
    let outputs = Outputs {
        name: "cooling".to_owned(),
        comment: "melt, quench and settle, then a linear cooling ramp at zero pressure".to_owned(),
        quenches: Schedule::even(stage.quenches, total),
        snapshots: Schedule::default(),
    };
    let protocol: Prepare = drive(context, &outputs, |force_field| {
        Prepare::start(&settings, force_field, context.config.seed, context.index)
    })?;
    let prepared = protocol
        .outcome_or_at(USUAL_TEMPERATURE)
        .map_err(|error| md_failure("prepare", &error))?;
    let mut notes = Vec::new();
    if prepared.fictive_temperature.is_none() && stage.temperature.is_none() {
        notes.push(format!(
            "The cooling ramp shows no crossing of a liquid and a glass line, so there is no T_f; \
             the experiments are at T = {} by assumption: a slower ramp would show it.",
            prepared.temperature
        ));
    }
    for note in &notes {
        context.progress.note(note);
    }
    let state = match quench(&prepared.sample.configuration, &context.quench_field()) {
        Ok((state, _)) => Some(state),
        Err(PipelineError::LeftOut(reason)) => {
            let note = format!("prepare: {reason}; what the sample is like is left out");
            context.progress.note(&note);
            None
        }
        Err(other) => return Err(other),
    };
    let crystallization = state.and_then(|state| state.laves.warning("stage prepare (its sample)"));
    let of_state =
        |of: fn(&InherentState) -> f64| state.as_ref().map(of).filter(|value| value.is_finite());
    if let Some(warning) = &crystallization {
        context.progress.note(warning);
    }
    let results = StartResults {
        origin: origin(&settings, &prepared),
        temperature: prepared.temperature,
        fictive_temperature: prepared.fictive_temperature,
        fictive_temperature_of_volume: prepared.fictive_temperature_of_volume,
        cooling: Some(prepared.cooling),
        preparation: Some(PreparationResults {
            atoms: settings.atoms,
            constant_volume: prepared.constant_volume,
            held: prepared.held,
            swaps: prepared.swaps,
            inherent_energy_per_atom: of_state(|state| state.energy_per_atom),
            icosahedral_fraction_of_small: state
                .as_ref()
                .and_then(|state| state.icosahedral_fraction_of_small),
            icosahedral_largest_cluster: of_state(|state| state.largest_cluster),
            laves_fraction_of_large: of_state(|state| state.laves.fraction_of_large),
        }),
        crystallization,
        notes,
    };
    keep(context, &prepared.sample, &results)?;
    context.progress.end();
    Ok(())
}

/// How a sample was made, in one sentence.
fn origin(settings: &PrepareSettings, prepared: &Prepared) -> String {
    let mut parts = vec![format!(
        "{} atoms, melted at T = {}",
        settings.atoms, settings.melt_temperature
    )];
    let mut from = settings.cool_from;
    let mut ensemble = "";
    if let Some(quenched) = &prepared.constant_volume {
        let fictive = quenched.fictive_temperature;
        parts.push(format!(
            "quenched at constant volume (T_f there {:.3} +- {:.3})",
            fictive.value, fictive.error
        ));
        ensemble = "at constant volume ";
    }
    if let Some(held) = prepared.held {
        parts.push(format!(
            "held {ensemble}for {} tau at T = {:.4}",
            held.duration, held.temperature
        ));
        if prepared.constant_volume.is_some() {
            from = held.temperature;
        }
    }
    parts.push(format!(
        "cooled at zero pressure from {from:.4} to {} at {:.2e} per tau",
        settings.cool_to, settings.cooling_rate
    ));
    parts.push(format!("taken at T = {:.4}", prepared.taken_at));
    if let Some((swaps, share)) = prepared.swaps.and_then(|s| Some((s, s.acceptance()?))) {
        parts.push(format!(
            "{} of {} position swaps of unlike atoms accepted ({:.2} %)",
            swaps.accepted,
            swaps.attempts,
            100.0 * share
        ));
    }
    parts.join(", ")
}

/// Starts from the structure file of the config.
pub(crate) fn from_sample(
    context: &StageContext,
    stage: &FromSampleStage,
) -> Result<(), PipelineError> {
    let path = context.config.sample.as_deref().ok_or_else(|| {
        PipelineError::BadInput("the config names no sample: --set sample=FILE".to_owned())
    })?;
    let read = crate::sample::Sample::read(path, context.config.cut)?;
    let mut configuration = read.configuration;
    let mut notes = read.notes;
    let temperature = stage.temperature.reduced();
    if configuration.velocities.is_none() {
        let mut random = random_stream(
            context.config.seed,
            Purpose::InitialVelocities,
            context.index,
            0,
        );
        configuration.draw_velocities(temperature, &mut random);
        notes.push(format!(
            "the file has no velocities: drawn at T = {temperature}"
        ));
    }
    for note in &notes {
        context.progress.note(note);
    }
    // As it is: the crystal's environments outlive vibrations, and a quench of a large sample
    // takes long.
    let network = Network::new(&configuration, &Radii::half_sigma())?;
    let laves = LavesOrder::new(&network.tessellation, &configuration.species)
        .map_err(|error| PipelineError::Failed(error.to_string()))?;
    let crystallization = Order::of(&laves).warning("the sample of the file");
    if let Some(warning) = &crystallization {
        context.progress.note(warning);
    }
    let results = StartResults {
        origin: format!("{} atoms from {}", configuration.len(), path.display()),
        temperature,
        fictive_temperature: None,
        fictive_temperature_of_volume: None,
        cooling: None,
        preparation: None,
        crystallization,
        notes,
    };
    keep(context, &Sample::unstrained(configuration), &results)
}
